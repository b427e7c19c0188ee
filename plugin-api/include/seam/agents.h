/* SPDX-License-Identifier: Apache-2.0
 *
 * Calling other agents, agent.call/1: those that the card asks for and the operator grants. The
 * host makes the call as a part of the run: it pays from the same budget, has its own place in
 * `seam show`, and is made once: if this call is tried again, it gets the stored result of what it
 * called before. Header only, C11 or C++17, libc.
 *
 *     seam_agent_result got = seam_agent_call(host, call->id, "org.example.search/lookup", query);
 *     if (got.answer.status != SEAM_OK)
 *         return seam_end_agent(host, call->id, &got);
 *     … got.output …
 *
 * Where what was called waits for a person, who may take days, the answer comes at once:
 * SEAM_E_INPUT_REQUIRED, with the code "waits-for-person". End the call with it, as above: it is
 * called again when there is an answer, as no further try, and is given what came of the call. A
 * WRITE that the host cannot know to have done nothing is made to wait instead.
 *
 * A call's name is that of the agent and counts within the attempt: the first lookup, the second.
 * An agent that calls in an order that differs from attempt to attempt names its calls.
 */
#ifndef SEAM_AGENTS_H
#define SEAM_AGENTS_H

#include <seam/ask.h>

/* What is 0, NULL or absent is not said. */
typedef struct seam_agent_request {
    const char *agent; /* "org.example.search/lookup", as the card asks; or alias/name */
    seam_bytes input;  /* JSON for its input schema */
    const char *name;  /* of this call, as an effect's; its agent's unless said */
    seam_bytes retry;  /* JSON as a flow's `retry`: {"max_attempts": 3}; one attempt unless said */
    uint32_t timeout_ms; /* of it all; never longer than this call's deadline leaves */
    seam_bytes budget;   /* JSON: {"attempts": 3, "calls": 5, "tokens": 1000, "cost": "0.05"} */
} seam_agent_request;

typedef struct seam_agent_result {
    /* SEAM_OK: there is an output. Else the call should end with it (seam_end_agent), or do
     * without; `effect` tells what it may have done to the world. */
    seam_answer answer;
    seam_bytes output; /* JSON, valid against its output schema; inside `answer` */
    int64_t tokens;    /* what it spent, with all that it called */
    char cost[32];
} seam_agent_result;

static inline void seam_agent_done(seam_agent_result *result)
{
    seam_answer_done(&result->answer);
}

/* Writes the body of an agent.call/1 request. */
static inline void seam_agent_write(seam_writer *out, const seam_agent_request *request)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "agent", request->agent);
    if (request->name)
        seam_put_text(out, "name", request->name);
    seam_put_json(out, "input", request->input);
    if (request->retry.len > 0)
        seam_put_json(out, "retry", request->retry);
    if (request->timeout_ms > 0)
        seam_put_integer(out, "timeout_ms", request->timeout_ms);
    if (request->budget.len > 0)
        seam_put_json(out, "budget", request->budget);
    seam_put_end(out);
}

/* Reads the answer of an agent.call/1 request, which it takes over. */
static inline seam_agent_result seam_agent_read(seam_answer answer)
{
    seam_agent_result result;
    memset(&result, 0, sizeof(result));
    result.answer = answer;
    if (answer.status != SEAM_OK)
        return result;
    seam_bytes all = seam_answer_body(&answer);
    char *cost = seam_json_text(seam_json_at(all, "/cost"), NULL);
    result.output = seam_json_at(all, "/output");
    if (!seam_json_integer(seam_json_at(all, "/tokens"), &result.tokens))
        result.tokens = 0;
    snprintf(result.cost, sizeof(result.cost), "%s", cost ? cost : "");
    free(cost);
    return result;
}

/* Calls and waits; end with seam_agent_done() or seam_end_agent(). The time that it takes is this
 * call's too. */
static inline seam_agent_result seam_agent_call_with(const seam_host *host, seam_id call,
                                                     const seam_agent_request *request)
{
    seam_writer out = SEAM_WRITER;
    seam_agent_write(&out, request);
    return seam_agent_read(seam_ask_written_(host, call, "agent.call/1", &out));
}

static inline seam_agent_result seam_agent_call(const seam_host *host, seam_id call,
                                                const char *agent, seam_bytes input)
{
    seam_agent_request request;
    memset(&request, 0, sizeof(request));
    request.agent = agent;
    request.input = input;
    return seam_agent_call_with(host, call, &request);
}

/* Ends this call with the failure of the other one, and frees it. */
static inline seam_status seam_end_agent(const seam_host *host, seam_id call,
                                         seam_agent_result *result)
{
    seam_complete_answer(host, call, &result->answer);
    seam_agent_done(result);
    return SEAM_OK;
}

#endif

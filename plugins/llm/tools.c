/* SPDX-License-Identifier: Apache-2.0
 *
 * The tools that a model asks for: agents of the host, by the names of the declaration alone. What
 * they may do is the manifest's to grant and their contract's to check; a tool that fails is told
 * to the model, and what is the call's own end (its budget, its time, a person who must say) ends
 * it. The name of each call is made of what is asked, so a later try that asks the same is given
 * what came of it the first time.
 */
#include "llm.h"

static void next(struct work *work);

static const struct tool *tool_named(const struct agent *agent, const struct words *name)
{
    for (size_t i = 0; i < agent->tool_count; i++)
        if (bytes_are(words_bytes(name), agent->tools[i].name))
            return &agent->tools[i];
    return NULL;
}

/* Writes the result of the call of this turn, and goes on with the next. */
static void tell(struct work *work, const char *before, seam_bytes text)
{
    struct turn *turn = turn_add(work, TURN_RESULT);
    const struct tool_call *call = &work->said.calls[work->next_call++];
    if (!turn) {
        work_fail(work, SEAM_E_FAILED, "llm.rounds", "its tools were asked too often");
        return;
    }
    words_add(&turn->call_id, call->id.ptr ? call->id.ptr : "", call->id.len);
    words_text(&turn->text, before);
    words_add(&turn->text, text.ptr, text.len);
    if (turn->text.full) {
        turn->text.full = false;
        words_text(&turn->text, "It answered, and its answer is too long to be shown.");
    }
    next(work);
}

static void called(struct work *work, const seam_reply *reply)
{
    if (reply->status == SEAM_OK) {
        tell(work, "", seam_json_at(reply->body, "/output"));
        return;
    }
    if (reply->status == SEAM_E_INPUT_REQUIRED || reply->status == SEAM_E_BUDGET ||
        reply->status == SEAM_E_CANCELLED || reply->status == SEAM_E_TIMEOUT ||
        reply->effect != SEAM_EFFECT_NONE) {
        work_fail_reply(work, reply);
        return;
    }
    char *text = seam_json_text(seam_json_at(reply->body, "/message"), NULL);
    tell(work, "This failed: ", seam_text(text ? text : "no reason was given"));
    free(text);
}

static void ask(struct work *work, const struct tool *tool, seam_bytes input)
{
    char name[100];
    seam_writer body = SEAM_WRITER;
    snprintf(name, sizeof(name), "%.64s-%016llx", tool->name,
             (unsigned long long)words_digest(input));
    seam_agent_write(&body,
                     &(seam_agent_request){.agent = tool->agent, .input = input, .name = name});
    work_ask(work, "agent.call/1", &body, called);
}

/* Whoever runs this wants to know what the model was talked into. */
static void refuse(struct work *work, const struct words *name)
{
    seam_log(work->plugin->host, work->id, SEAM_LOG_WARNING,
             "the model asked for `%.*s`, which it was not given",
             (int)(name->len < 128 ? name->len : 128), name->len > 0 ? name->ptr : "");
    tell(work, "There is no such tool.", seam_text(""));
}

static void next(struct work *work)
{
    if (work->next_call == work->said.call_count) {
        work_go_on(work);
        return;
    }
    const struct tool_call *call = &work->said.calls[work->next_call];
    const struct tool *tool = tool_named(work->agent, &call->name);
    seam_bytes arguments = words_bytes(&call->arguments);
    seam_bytes input = seam_json_parse(arguments.len > 0 ? arguments : seam_text("{}"));
    if (!tool)
        refuse(work, &call->name);
    else if (input.len == 0)
        tell(work, "This failed: its arguments are no JSON.", seam_text(""));
    else
        ask(work, tool, input);
}

static bool copy_call(struct tool_call *to, const struct tool_call *from)
{
    seam_bytes id = words_bytes(&from->id), name = words_bytes(&from->name),
               arguments = words_bytes(&from->arguments);
    words_add(&to->id, id.ptr, id.len);
    words_add(&to->name, name.ptr, name.len);
    words_add(&to->arguments, arguments.ptr, arguments.len);
    return !to->id.full && !to->name.full && !to->arguments.full;
}

void tools_begin(struct work *work)
{
    const struct said *said = &work->said;
    if (work->round++ == work->agent->rounds) {
        work_fail(work, SEAM_E_FAILED, "llm.rounds",
                  "the model asked for tools in more rounds than are allowed");
        return;
    }
    struct turn *turn = turn_add(work, TURN_MODEL);
    bool good = turn && (turn->calls = calloc(said->call_count, sizeof(*turn->calls))) != NULL;
    if (good) {
        words_add(&turn->text, words_bytes(&said->text).ptr, said->text.len);
        for (; good && turn->call_count < said->call_count; turn->call_count++)
            good = copy_call(&turn->calls[turn->call_count], &said->calls[turn->call_count]);
    }
    work->next_call = 0;
    if (good)
        next(work);
    else
        work_fail(work, SEAM_E_FAILED, "llm.rounds", "its tools were asked too often");
}

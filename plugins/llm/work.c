/* SPDX-License-Identifier: Apache-2.0
 *
 * A call, from request to request, each of which goes on when the host has answered it; nothing
 * here waits, so thousands of calls cost their memory and no thread.
 *
 *     begin → secret.use → contract.lower (once for each agent) ↘
 *         go_on → budget.reserve → http.send, or http.open → http.read … → heard
 *         no answer → budget.spend → the end (faults.c)
 *         heard → budget.spend → the tools that were asked for (tools.c) → go_on
 *                              → answer_take (answer.c) → go_on, for a further sample, or the end
 *
 * At most one request is under way, so the answers of a work never meet. A request that is asked
 * may be answered before work_ask() returns, and the work be gone: each function ends with it.
 */
#include "llm.h"

/* ---- asking ---- */

static void answered(void *user, const seam_reply *reply)
{
    struct work *work = user;
    work->then(work, reply);
}

void work_ask(struct work *work, const char *op, seam_writer *body,
              void (*then)(struct work *work, const seam_reply *reply))
{
    const seam_host *host = work->plugin->host;
    seam_writer mine = *body; /* the caller's may lie in the work */
    seam_bytes written = seam_written(&mine);
    work->then = then;
    if (written.len == 0)
        work_fail(work, SEAM_E_INTERNAL, "", "a request is too large to be written");
    else
        host->request(host, work->id, op, written, answered, work);
    seam_writer_done(&mine);
}

void work_free(struct work *work)
{
    turns_cut(work, 0);
    free(work->turns);
    said_done(&work->said);
    seam_sse_done(&work->events);
    for (size_t i = 0; i < sizeof(work->samples) / sizeof(work->samples[0]); i++)
        words_done(&work->samples[i]);
    words_done(&work->input);
    words_done(&work->feedback);
    words_done(&work->key);
    words_done(&work->whole_body);
    words_done(&work->leads_to);
    words_done(&work->failure.code);
    words_done(&work->failure.message);
    free(work);
}

/* ---- before the first question ---- */

static void first_question(struct work *work)
{
    if (prompt_turns(work))
        work_go_on(work);
    else
        work_fail(work, SEAM_E_INPUT, "llm.too-long", "the question is longer than is kept of it");
}

/* A host that cannot lower leaves the schema to be said in words. */
static void lowered(struct work *work, const seam_reply *reply)
{
    static const char none[] = "{}";
    bool good = reply->status == SEAM_OK;
    if (!good && reply->status != SEAM_E_UNSUPPORTED) {
        work_fail_reply(work, reply);
        return;
    }
    seam_bytes body = good ? reply->body : seam_text(none);
    char *copy = strndup(body.ptr, body.len), *empty = NULL;
    if (copy && !atomic_compare_exchange_strong(&work->agent->lowered, &empty, copy))
        free(copy); /* another call was first */
    first_question(work);
}

static void ask_lowered(struct work *work)
{
    const struct agent *agent = work->agent;
    seam_writer body = SEAM_WRITER;
    if (!agent->lower_for || agent->instruct || agent->output.len == 0 || agent->lowered) {
        first_question(work);
        return;
    }
    seam_put_object(&body, NULL);
    seam_put_text(&body, "provider", agent->lower_for);
    seam_put_end(&body);
    work_ask(work, "contract.lower/1", &body, lowered);
}

static void has_key(struct work *work, const seam_reply *reply)
{
    if (reply->status != SEAM_OK) {
        work_fail_reply(work, reply);
        return;
    }
    words_text(&work->key, work->agent->dialect->key_prefix);
    words_string(&work->key, seam_json_at(reply->body, "/placeholder"));
    ask_lowered(work);
}

seam_status work_begin(struct plugin *plugin, struct agent *agent, const seam_call *call)
{
    struct work *work = calloc(1, sizeof(*work));
    if (!work)
        return SEAM_E_BUSY;
    work->plugin = plugin;
    work->agent = agent;
    work->id = call->id;
    words_add(&work->input, call->input.ptr, call->input.len);
    words_add(&work->feedback, call->feedback.ptr, call->feedback.len);
    if (!agent->secret) {
        ask_lowered(work);
        return SEAM_OK;
    }
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "name", agent->secret);
    seam_put_end(&body);
    work_ask(work, "secret.use/1", &body, has_key);
    return SEAM_OK;
}

/* ---- the budget ---- */

/* What so many tokens cost, in millionths, rounded up. */
static int64_t cost_of(const struct agent *agent, int64_t in, int64_t out)
{
    const int64_t million = 1000000, most = 100000000; /* tokens; keeps the product in range */
    in = in < most ? in : most;
    out = out < most ? out : most;
    return (in * agent->price_in + out * agent->price_out + million - 1) / million;
}

/* prompt: no bytes, or what the model will be told for it. */
static void write_amounts(seam_writer *body, int64_t tokens, int64_t cost, seam_bytes prompt)
{
    char text[40];
    seam_put_object(body, NULL);
    seam_put_integer(body, "tokens", tokens);
    if (cost > 0) {
        snprintf(text, sizeof(text), "%lld.%06lld", (long long)(cost / 1000000),
                 (long long)(cost % 1000000));
        seam_put_text(body, "cost", text);
    }
    if (prompt.len > 0)
        seam_put_string(body, "prompt", prompt);
    seam_put_end(body);
}

/* ---- the question ---- */

static seam_writer question(const struct work *work)
{
    const struct agent *agent = work->agent;
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "model", agent->model);
    seam_put_integer(&out, agent->dialect->max_tokens, agent->max_tokens);
    if (agent->stream)
        seam_put_boolean(&out, "stream", true);
    agent->dialect->write(work, &out);
    seam_put_end(&out);
    return out;
}

static seam_writer request(const struct work *work)
{
    const struct agent *agent = work->agent;
    const char *headers[8];
    size_t count = 0;
    seam_writer json = question(work), out = SEAM_WRITER;
    if (agent->dialect->version) {
        headers[count++] = "anthropic-version";
        headers[count++] = agent->dialect->version;
    }
    if (work->key.len > 0) {
        headers[count++] = agent->dialect->key_header;
        headers[count++] = work->key.ptr;
    }
    headers[count] = NULL;
    seam_http_write(&out, &(seam_http_request){.method = "POST",
                                               .url = agent->url,
                                               .headers = headers,
                                               .json = seam_written(&json),
                                               .timeout_ms = agent->timeout_ms});
    seam_writer_done(&json);
    return out;
}

static void heard(struct work *work);
static void opened(struct work *work, const seam_reply *reply);

/* An answer that came in one piece; `found` is what there is of it, if it is no JSON. */
static void read_whole(struct work *work, seam_bytes json, seam_bytes found)
{
    struct said *said = &work->said;
    if (json.len > 0)
        work->agent->dialect->read(said, json);
    if (said->finish != FINISH_NONE || said->too_much || said->text.full)
        heard(work);
    else
        work_fail_malformed(
            work, json.len > 0 ? "is not in the form of its provider" : "is no JSON", found);
}

static void response(struct work *work, const seam_reply *reply)
{
    int64_t status = 0;
    seam_bytes json = seam_json_at(reply->body, "/json");
    char *body = json.len > 0 ? NULL : seam_json_text(seam_json_at(reply->body, "/body"), NULL);
    if (body)
        json = seam_json_parse(seam_text(body));
    seam_json_integer(seam_json_at(reply->body, "/status"), &status);
    words_string(&work->leads_to, seam_json_at(reply->body, "/headers/location"));
    if (reply->status != SEAM_OK) {
        work_fail_reply(work, reply);
    } else if (status / 100 != 2) {
        work_fail_http(work, (int)status, json);
    } else {
        read_whole(work, json, body ? seam_text(body) : json);
    }
    free(body);
}

static void reserved(struct work *work, const seam_reply *reply)
{
    if (reply->status != SEAM_OK) {
        work_fail_reply(work, reply);
        return;
    }
    seam_writer out = request(work);
    work->asked = seam_written(&out).len > 0;
    work->refused = false;
    if (work->agent->stream)
        work_ask(work, "http.open/1", &out, opened);
    else
        work_ask(work, "http.send/1", &out, response);
}

/* Reserved is what the question has, counted by its bytes (a token is seldom less than three), and
 * the longest answer; what earlier rounds reserved and did not spend counts for it. */
void work_go_on(struct work *work)
{
    seam_writer json = question(work), out = SEAM_WRITER;
    said_done(&work->said);
    work->shown = 0;
    work->question_tokens = (int64_t)seam_written(&json).len / 3 + 1;
    int64_t tokens = work->spent_tokens + work->question_tokens + work->agent->max_tokens;
    int64_t cost =
        work->spent_cost + cost_of(work->agent, work->question_tokens, work->agent->max_tokens);
    int64_t more = tokens > work->reserved_tokens ? tokens - work->reserved_tokens : 0;
    int64_t more_cost = cost > work->reserved_cost ? cost - work->reserved_cost : 0;
    work->reserved_tokens += more;
    work->reserved_cost += more_cost;
    write_amounts(&out, more, more_cost, seam_written(&json));
    seam_writer_done(&json);
    work_ask(work, "budget.reserve/1", &out, reserved);
}

/* ---- the answer ---- */

static void spent(struct work *work, const seam_reply *reply)
{
    if (reply->status != SEAM_OK) {
        work_fail_reply(work, reply);
        return;
    }
    if (work_fail_said(work))
        return;
    if (work->said.call_count > 0)
        tools_begin(work);
    else
        answer_take(work);
}

/* What was used is told before anything else is done with the answer. Where the provider does not
 * say, it is counted. */
static void heard(struct work *work)
{
    const struct said *said = &work->said;
    size_t bytes = said->text.len;
    for (size_t i = 0; i < said->call_count; i++)
        bytes += said->calls[i].arguments.len;
    bool refused = (said->finish == FINISH_BUSY || said->finish == FINISH_FAILED) && bytes == 0;
    int64_t in = said->tokens_in || refused ? said->tokens_in : work->question_tokens;
    int64_t out = said->tokens_out || refused ? said->tokens_out : (int64_t)bytes / 3 + 1;
    int64_t cost = cost_of(work->agent, in, out);
    seam_writer body = SEAM_WRITER;
    work->spent_tokens += in + out;
    work->spent_cost += cost;
    work->asked = false;
    write_amounts(&body, in + out, cost, (seam_bytes){NULL, 0});
    work_ask(work, "budget.spend/1", &body, spent);
}

void work_spend_unanswered(struct work *work,
                           void (*then)(struct work *work, const seam_reply *reply))
{
    int64_t in = work->refused ? 0 : work->question_tokens;
    int64_t out = work->refused ? 0 : work->agent->max_tokens;
    seam_writer body = SEAM_WRITER;
    work->asked = false;
    write_amounts(&body, in + out, cost_of(work->agent, in, out), (seam_bytes){NULL, 0});
    work_ask(work, "budget.spend/1", &body, then);
}

/* ---- the answer, as it comes ---- */

static void stream_read(struct work *work);

static void closed(struct work *work, const seam_reply *reply)
{
    (void)reply; /* what was read is whole, however the rest ends */
    heard(work);
}

static void stream_ended(struct work *work, bool open)
{
    int64_t number = work->stream;
    if (work->http_status / 100 != 2) {
        work_fail_http(work, work->http_status, words_bytes(&work->whole_body));
        return;
    }
    seam_bytes whole = seam_json_parse(words_bytes(&work->whole_body));
    if (work->unstreamed && (whole.len > 0 || work->whole_body.full)) {
        work->said.too_much = work->whole_body.full;
        read_whole(work, whole, whole);
        return;
    }
    if (work->said.finish == FINISH_NONE && !work->said.too_much && !work->said.text.full) {
        work_fail(work, SEAM_E_UNAVAILABLE, "llm.cut-off", "the answer broke off before its end");
        return;
    }
    work->stream = 0;
    if (!open) {
        heard(work);
        return;
    }
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_integer(&body, "stream", number);
    seam_put_end(&body);
    work_ask(work, "http.close/1", &body, closed);
}

static void feed(struct work *work, const char *bytes, size_t len)
{
    const seam_host *host = work->plugin->host;
    struct said *said = &work->said;
    if (!work->begun && len > 0)
        work->unstreamed = bytes[0] == '{'; /* no event begins so */
    work->begun |= len > 0;
    if (work->http_status / 100 != 2 || work->unstreamed) {
        words_add(&work->whole_body, bytes, len);
        return;
    }
    seam_sse_feed(&work->events, bytes, len);
    for (seam_sse_event event; !said->ended && seam_sse_next(&work->events, &event);) {
        work->agent->dialect->event(said, event.data);
        if (!said->ended && seam_json_parse(event.data).len == 0) {
            said->finish = FINISH_MALFORMED;
            said->ended = true;
        }
    }
    said->too_much |= work->events.overflowed;
    if (said->text.len > work->shown && work->sample == 0)
        host->emit(host, work->id,
                   (seam_bytes){said->text.ptr + work->shown, said->text.len - work->shown});
    work->shown = said->text.len;
}

static void piece(struct work *work, const seam_reply *reply)
{
    size_t len = 0;
    if (reply->status != SEAM_OK) {
        work_fail_reply(work, reply);
        return;
    }
    seam_bytes text = seam_json_at(reply->body, "/body");
    char *bytes = text.len > 0 ? seam_json_text(text, &len)
                               : seam_json_base64(seam_json_at(reply->body, "/body_base64"), &len);
    if (bytes)
        feed(work, bytes, len);
    free(bytes);
    bool end = seam_json_true(seam_json_at(reply->body, "/end"));
    bool full = work->said.too_much || work->said.text.full || work->whole_body.full;
    if (end || work->said.ended || full)
        stream_ended(work, !end);
    else
        stream_read(work);
}

static void stream_read(struct work *work)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_integer(&body, "stream", work->stream);
    seam_put_end(&body);
    work_ask(work, "http.read/1", &body, piece);
}

static void opened(struct work *work, const seam_reply *reply)
{
    int64_t status = 0;
    if (reply->status != SEAM_OK) {
        work_fail_reply(work, reply);
        return;
    }
    seam_json_integer(seam_json_at(reply->body, "/status"), &status);
    seam_json_integer(seam_json_at(reply->body, "/stream"), &work->stream);
    work->http_status = (int)status;
    work->unstreamed = work->begun = false;
    words_done(&work->whole_body);
    words_string(&work->leads_to, seam_json_at(reply->body, "/headers/location"));
    seam_sse_done(&work->events);
    seam_sse_init(&work->events, LLM_ANSWER);
    stream_read(work);
}

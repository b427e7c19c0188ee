/* SPDX-License-Identifier: Apache-2.0
 *
 * The cast: calls that are answered by fixtures instead of by agents. A call takes its time, says
 * what it spends, calls others, does its deeds, and ends as it is written; or as the weather has
 * it. A reconcile agent that nothing is written for looks into the world's ledger and says what is
 * so.
 *
 * A call that has ended may still have moments to come: each looks first whether it has. Calls are
 * freed with their stage.
 */
#include "rehearsal/rehearsal_internal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHORT_MS = 1, KILL_MS = 1000 };

static bool is_killed_at(struct stage *stage, const char *format, va_list args)
{
    char what[512];
    if (!stage->rehearsal->edge)
        return false;
    vsnprintf(what, sizeof(what), format, args);
    return stage->rehearsal->edge(stage->rehearsal->user, what);
}

void edge(struct stage *stage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool killed = is_killed_at(stage, format, args);
    va_end(args);
    if (killed)
        kill(getpid(), SIGKILL);
}

void edge_on_disk(struct stage *stage, const char *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool killed = is_killed_at(stage, format, args);
    va_end(args);
    if (!killed)
        return;
    stand_in_flush(stage->host, run);
    kill(getpid(), SIGKILL);
}

/* ---- ending ---- */

static struct call_result result_of(const struct call *call, enum call_end end)
{
    return (struct call_result){
        .call = call->id, .end = end, .begun = true, .reaped = true, .reason = ""};
}

static void end_call(struct call *call, struct call_result *result, const json_t *body)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    if (call->ended && call->luck != LUCK_TWICE && call->luck != LUCK_LATE)
        return;
    if (body)
        json_write(body, &text);
    result->body = text_slice(&text);
    if (!call->ended)
        edge(call->stage, "the answer of %s for %s comes", call->agent->name, call->path);
    call->ended = true;
    stand_in_complete(call->stage->host, result);
}

void call_fail(struct call *call, int32_t status, uint32_t claim, const char *message)
{
    struct call_result result = result_of(call, CALL_COMPLETED);
    json_t *body = json_pack("{s:s}", "message", message);
    result.status = status;
    result.effect = claim;
    end_call(call, &result, body);
    json_decref(body);
}

void call_fail_as(struct call *call, const struct plugin_answer *answer)
{
    struct call_result result = result_of(call, CALL_COMPLETED);
    json_t *body = NULL;
    if (json_read(answer->body, LIMIT_PAYLOAD, &body, NULL) != ERR_OK)
        body = NULL;
    result.status = answer->status;
    result.effect = answer->effect;
    result.code = answer->code;
    end_call(call, &result, body);
    json_decref(body);
}

void call_crash(struct call *call)
{
    struct call_result result = result_of(call, CALL_CRASHED);
    result.reason = "its worker died";
    end_call(call, &result, NULL);
}

static void time_is_over(void *user)
{
    struct call *call = user;
    struct call_result result = result_of(call, CALL_TIMED_OUT);
    result.reason = "it did not answer in time";
    if (!call->ended)
        end_call(call, &result, NULL);
}

static void end_as_written(struct call *call)
{
    const struct reply *reply = call->reply;
    struct call_result result = result_of(call, CALL_COMPLETED);
    AUTO(json_decrefp) json_t *error = NULL;
    result.effect = call->deed_count > 0 || call->struck ? SEAM_EFFECT_DONE : SEAM_EFFECT_NONE;
    switch (reply->kind) {
    case REPLY_OUTPUT:
        end_call(call, &result, reply->body);
        break;
    case REPLY_ASK:
        result.status = SEAM_E_INPUT_REQUIRED;
        result.effect = SEAM_EFFECT_NONE;
        end_call(call, &result, reply->body);
        break;
    case REPLY_FAIL:
        error = json_pack("{s:s}", "message", reply->message ? reply->message : "as it is written");
        if (reply->code)
            json_object_set_new(error, "code", json_string(reply->code));
        result.status = reply->status;
        result.effect = reply->claim;
        result.retry_after_ms =
            (uint32_t)(reply->retry_after_ms < UINT32_MAX ? reply->retry_after_ms : UINT32_MAX);
        result.code = slice_of(reply->code ? reply->code : "");
        end_call(call, &result, error);
        break;
    case REPLY_CRASH:
        call_crash(call);
        break;
    case REPLY_HANG:
        break;
    }
}

static void say_again(void *user)
{
    end_as_written(user);
}

void call_finish(struct call *call)
{
    if (call->luck == LUCK_CRASH_AFTER) {
        call_crash(call);
        return;
    }
    end_as_written(call);
    if (call->luck == LUCK_TWICE)
        stand_in_after(call->stage->host, SHORT_MS, say_again, call);
}

/* ---- services ---- */

void call_ask(struct call *call, const char *op, json_t *body_taken,
              void (*heard)(struct call *call, const struct plugin_answer *answer))
{
    call->request = ++call->stage->requests;
    call->heard = heard;
    stand_in_request(call->stage->host, call->id, call->request, op, body_taken);
    json_decref(body_taken);
}

/* What was answered is gone through at a moment of the call's own. */
struct hearing {
    struct call *call;
    struct plugin_answer answer;
    char *body, *code;
};

static void hear(void *user)
{
    struct hearing *hearing = user;
    struct call *call = hearing->call;
    if (!call->ended)
        call->heard(call, &hearing->answer);
    free(hearing->body);
    free(hearing->code);
    free(hearing);
}

static void answered(void *user, uint64_t request, const struct plugin_answer *answer)
{
    struct stage *stage = user;
    struct call *call = stage->calls;
    while (call && call->request != request)
        call = call->next;
    if (!call || call->ended)
        return;
    struct hearing *hearing = xcalloc(1, sizeof(*hearing));
    hearing->call = call;
    hearing->answer = *answer;
    hearing->body = xstrndup(answer->body.ptr ? answer->body.ptr : "", answer->body.len);
    hearing->code = xstrndup(answer->code.ptr ? answer->code.ptr : "", answer->code.len);
    hearing->answer.body.ptr = hearing->body;
    hearing->answer.code.ptr = hearing->code;
    call->request = 0;
    stand_in_after(stage->host, 0, hear, hearing);
}

/* ---- what a call does ---- */

static void then(void *user)
{
    struct call *call = user;
    if (!call->ended)
        call->then(call);
}

void call_then(struct call *call, int64_t wait_ms, void (*step)(struct call *call))
{
    call->then = step;
    stand_in_after(call->stage->host, wait_ms, then, call);
}

static void called_other(struct call *call, const struct plugin_answer *answer);

static void call_others(struct call *call)
{
    const json_t *other = json_array_get(call->reply->calls, call->child++);
    if (!other) {
        deeds_go_on(call);
        return;
    }
    json_t *body = json_copy((json_t *)other);
    if (!json_object_get(body, "input"))
        json_object_set_new(body, "input", json_object());
    call_ask(call, "agent.call/1", body, called_other);
}

static void called_other(struct call *call, const struct plugin_answer *answer)
{
    if (answer->status == SEAM_OK)
        call_others(call);
    else
        call_fail_as(call, answer);
}

static void spent(struct call *call, const struct plugin_answer *answer)
{
    if (answer->status == SEAM_OK)
        call_others(call);
    else
        call_fail_as(call, answer);
}

static void go_on(struct call *call)
{
    char cost[32];
    const struct reply *reply = call->reply;
    if (reply->tokens == 0 && reply->cost == 0) {
        call_others(call);
        return;
    }
    call_ask(call, "budget.spend/1",
             json_pack("{s:I, s:s}", "tokens", (json_int_t)reply->tokens, "cost",
                       money_text(reply->cost, cost)),
             spent);
}

static void strike(struct call *call)
{
    struct stage *stage = call->stage;
    world_act(&stage->world, call->key, "call", call->path,
              call->agent->effect == CLASS_WRITE_IDEMPOTENT, call->reply->body);
    call->struck = true;
    edge(stage, "%s has changed the world for %s, and nobody has heard", call->agent->name,
         call->path);
    go_on(call);
}

static bool strikes(const struct call *call)
{
    return call->agent->effect >= CLASS_WRITE_IDEMPOTENT && !call->agent->brokered &&
           call->reply->kind == REPLY_OUTPUT && !call->reply->says_effects;
}

static void begins(struct call *call)
{
    struct call_result result = result_of(call, CALL_COMPLETED);
    switch (call->luck) {
    case LUCK_CRASH:
        call_crash(call);
        break;
    case LUCK_UNAVAILABLE:
        call_fail(call, SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "the weather: not available");
        break;
    case LUCK_RATE_LIMITED:
        result.status = SEAM_E_RATE_LIMITED;
        result.retry_after_ms = (uint32_t)weather_below(call->stage, 5000);
        end_call(call, &result, NULL);
        break;
    case LUCK_HANG:
    case LUCK_LATE:
        break;
    case LUCK_NONE:
    case LUCK_CRASH_AFTER:
    case LUCK_TWICE:
        if (strikes(call))
            strike(call);
        else
            go_on(call);
        break;
    }
}

/* ---- beginning ---- */

static json_t *look(const struct stage *stage, const json_t *input)
{
    const char *key = json_string_value(json_object_get(input, "key"));
    const struct act *act = key ? world_find(&stage->world, key) : NULL;
    if (!act || act->times == 0)
        return json_pack("{s:s}", "outcome", "not_seen");
    return json_pack("{s:s, s:O}", "outcome", "happened", "result", act->result);
}

static void tell_truth(struct call *call)
{
    call->truth = look(call->stage, call->input);
    call->own = (struct reply){
        .kind = REPLY_OUTPUT, .body = call->truth, .after_ms = SHORT_MS, .says_effects = true};
    call->reply = &call->own;
}

/* What it does if nothing is said of it: an agent that writes, and gives an output, wrote. */
static void choose_deeds(struct call *call)
{
    const struct reply *reply = call->reply;
    call->deeds = reply->deeds;
    call->deed_count = reply->deed_count;
    if (reply->says_effects || reply->kind != REPLY_OUTPUT || !call->agent->brokered ||
        call->agent->effect < CLASS_WRITE_IDEMPOTENT)
        return;
    call->implied = (struct deed){.name = strchr(call->agent->name, '/') + 1,
                                  .outcome = OUTCOME_DONE,
                                  .happened = true,
                                  .after_ms = SHORT_MS};
    call->deeds = &call->implied;
    call->deed_count = 1;
}

static void stop(void *user)
{
    ((struct stage *)user)->stop = true;
}

/* Those that begin at the same moment are still told of. */
static void miss(struct call *call)
{
    struct stage *stage = call->stage;
    json_array_append_new(
        stage->missing, json_pack("{s:s, s:s, s:i, s:O}", "agent", call->agent->name, "step",
                                  call->path, "attempt", (int)call->attempt, "input", call->input));
    stand_in_after(stage->host, 0, stop, stage);
}

static void late(void *user)
{
    struct call *call = user;
    if (strikes(call) && !call->struck) {
        world_act(&call->stage->world, call->key, "call", call->path,
                  call->agent->effect == CLASS_WRITE_IDEMPOTENT, call->reply->body);
        call->struck = true;
    }
    end_as_written(call);
}

static void called(void *user, const struct stand_in_call *in)
{
    struct stage *stage = user;
    struct call *call = xcalloc(1, sizeof(*call));
    call->stage = stage;
    call->id = in->id;
    call->path = xstrdup(run_task_path(in->run, in->task));
    call->key = xstrdup(in->key);
    call->agent = in->agent;
    call->attempt = in->attempt;
    call->input = json_incref((json_t *)in->input);
    call->next = stage->calls;
    stage->calls = call;
    edge(stage, "the call of %s for %s begins", call->agent->name, call->path);
    if (!(in->reconciling && stage->rehearsal->truthful))
        call->reply = reply_find(stage->c, call->path, in->agent->name, in->reconciling,
                                 in->attempt, in->input);
    if (!call->reply && in->reconciling)
        tell_truth(call);
    if (!call->reply) {
        miss(call);
        return;
    }
    choose_deeds(call);
    call->luck = weather_luck(stage);
    if (in->timeout_ms >= 0)
        stand_in_after(stage->host, in->timeout_ms, time_is_over, call);
    if (call->luck == LUCK_LATE && in->timeout_ms >= 0)
        stand_in_after(stage->host, in->timeout_ms + SHORT_MS, late, call);
    call_then(call, weather_wait(stage, call->reply->after_ms), begins);
}

static struct call *find_call(struct stage *stage, uint64_t id)
{
    struct call *call = stage->calls;
    while (call && call->id != id)
        call = call->next;
    return call;
}

static void give_up(void *user)
{
    struct call *call = user;
    if (!call->ended && (call->luck == LUCK_HANG || call->reply->kind == REPLY_HANG))
        time_is_over(call);
    else if (!call->ended)
        call_fail(call, SEAM_E_CANCELLED, SEAM_EFFECT_NONE, "it was told to stop");
}

static void cancelled(void *user, uint64_t id)
{
    struct stage *stage = user;
    struct call *call = find_call(stage, id);
    if (!call || call->ended || !call->reply)
        return;
    bool hangs = call->luck == LUCK_HANG || call->reply->kind == REPLY_HANG;
    stand_in_after(stage->host, hangs ? KILL_MS : SHORT_MS, give_up, call);
}

static void sent(void *user, uint64_t send, uint64_t id, const struct egress_request *request)
{
    struct call *call = find_call(user, id);
    if (call)
        deeds_sent(call, send, request);
}

static void closed(void *user, uint64_t send)
{
    struct call *call = ((struct stage *)user)->calls;
    while (call && call->send != send)
        call = call->next;
    if (call)
        deeds_closed(call);
}

const struct stand_ins cast = {
    .called = called,
    .cancelled = cancelled,
    .answered = answered,
    .sent = sent,
    .closed = closed,
};

void calls_free(struct stage *stage)
{
    while (stage->calls) {
        struct call *call = stage->calls;
        stage->calls = call->next;
        free(call->path);
        free(call->key);
        json_decref(call->input);
        json_decref(call->truth);
        free(call);
    }
}

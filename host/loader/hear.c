/* SPDX-License-Identifier: Apache-2.0
 *
 * What a guest says, and what is believed of it. A frame that no guest of ours would send means
 * that the plugin has written where it must not: its worker is killed. Words about calls that have
 * ended are no offence, for they may have crossed with the end: they are dropped.
 */
#include "loader/plugin_internal.h"

#include <inttypes.h>
#include <seam/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void break_off(struct plugin *p, const char *what)
{
    if (p->deaf)
        return;
    p->deaf = true;
    p->broke_abi = true;
    p->fault = PLUGIN_BREACH;
    plugin_kill(p,
                "its worker was killed because it sent %s: the plugin has overwritten memory "
                "that is not its own",
                what);
}

/* ---- loading ---- */

/* Nothing of the plugin has run yet, so this is the worker's own word. */
static void hear_confinement(struct plugin *p, const struct frame *frame)
{
    if (p->in_process || p->confined || !sandbox_report_read(frame->parts[0], &p->sandbox))
        break_off(p, "a report of its sandbox that is none");
    else
        p->confined = true;
}

static void hear_refusal(struct plugin *p, const struct frame *frame)
{
    struct error err;
    char why[ERROR_TEXT_SIZE];
    size_t len = log_line_clean(why, sizeof(why) - 1, frame->parts[0]);
    error_set(&err, frame->number == FRAME_REFUSED_CONFINED ? ERR_DENIED : ERR_INPUT, "%s: %.*s",
              p->path, (int)len, why);
    plugin_refuse(p, &err);
}

static void hear_table(struct plugin *p, const struct frame *frame)
{
    struct error err;
    if (declared_check(p, frame, &err) != ERR_OK) {
        p->fault = PLUGIN_BREACH;
        plugin_refuse(p, &err);
        return;
    }
    p->stage = STAGE_CREATING;
    described_tell(p);
    frame_write(&p->link.out, &(struct frame){.kind = FRAME_CREATE,
                                              .number = p->from_config,
                                              .parts = {{p->config, p->config_len}}});
}

static void hear_ready(struct plugin *p, const struct frame *frame)
{
    if (frame->status != SEAM_OK) {
        struct error err;
        error_set(&err, ERR_INPUT,
                  "%s: its create() failed with status %" PRId32
                  " (cure: look at its log and at `config` of the plugin in the manifest)",
                  p->path, frame->status);
        plugin_refuse(p, &err);
        return;
    }
    if (p->from_config)
        described_ask(p);
    else
        plugin_serve(p);
}

/* ---- ends of calls ---- */

/* The call of a frame that ends one; NULL if there is nothing to end. */
static struct call *ending(struct plugin *p, uint64_t id)
{
    struct call *c = calls_find(&p->calls, id);
    if (!c || c->state == STATE_WAITING) {
        break_off(p, "the end of a call that it was not given");
        return NULL;
    }
    if (c->state == STATE_ABANDONED) {
        p->stale++;
        calls_close(&p->calls, c);
        return NULL;
    }
    return c;
}

/* An answer after the deadline is evidence that the call has stopped, and no more. */
static void end_late(struct plugin *p, struct call *c, bool begun)
{
    p->stale += begun ? 1 : 0;
    plugin_end_call(p, c,
                    &(struct call_result){
                        .end = CALL_TIMED_OUT,
                        .status = SEAM_E_TIMEOUT,
                        .effect = begun ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE,
                        .begun = begun,
                        .reaped = true,
                        .reason = begun ? "its deadline passed before it answered"
                                        : "its deadline passed while it waited for a thread",
                    });
}

static void end_broken(struct plugin *p, struct call *c, bool reaped, const char *reason)
{
    plugin_end_call(p, c,
                    &(struct call_result){.end = CALL_BROKE_ABI,
                                          .status = SEAM_E_INTERNAL,
                                          .effect = SEAM_EFFECT_UNKNOWN,
                                          .begun = true,
                                          .reaped = reaped,
                                          .reason = reason});
}

static void hear_completion(struct plugin *p, const struct frame *frame)
{
    struct call *c = ending(p, frame->id);
    if (!c)
        return;
    /* By the guest's clock, for this thread may have been elsewhere at the deadline. */
    if (c->late || (c->deadline_ns != 0 && frame->other > (uint64_t)c->deadline_ns)) {
        end_late(p, c, true);
        return;
    }
    struct slice body = frame->parts[0], code = frame->parts[1];
    if (!slice_valid_utf8(body) || !slice_valid_utf8(code)) {
        end_broken(p, c, true, "its answer is not valid UTF-8");
        return;
    }
    struct call_result result = {
        .end = CALL_COMPLETED,
        .status = frame->status,
        .effect = frame->effect <= SEAM_EFFECT_UNKNOWN ? frame->effect : SEAM_EFFECT_UNKNOWN,
        .retry_after_ms = frame->number,
        .body = body,
        .code = code,
        .begun = true,
        .reaped = true,
    };
    char reason[64];
    if (frame->status < SEAM_OK || frame->status > SEAM_E_INPUT_REQUIRED) {
        snprintf(reason, sizeof(reason), "status %" PRId32 " is not known here", frame->status);
        result.status = SEAM_E_INTERNAL;
        result.effect = SEAM_EFFECT_UNKNOWN;
        result.reason = reason;
    }
    plugin_end_call(p, c, &result);
}

static void hear_unbegun(struct plugin *p, const struct frame *frame)
{
    struct call *c = ending(p, frame->id);
    if (!c)
        return;
    /* Calls that may change the world are not sent to wait there (see ladder.c), so of these it is
     * not believed. */
    bool begun = p->agents[c->agent].effect > SEAM_READ;
    if (c->late)
        end_late(p, c, begun);
    else
        plugin_end_call(
            p, c,
            &(struct call_result){.end = CALL_COMPLETED,
                                  .status = SEAM_E_CANCELLED,
                                  .effect = begun ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE,
                                  .begun = begun,
                                  .reaped = true});
    if (frame->number == 1 && !p->in_process) {
        p->fault = PLUGIN_HUNG;
        plugin_kill(p,
                    "its worker was killed because its threads are held by calls that ended long "
                    "ago: start() must return soon after complete()");
    }
}

static void hear_breach(struct plugin *p, const struct frame *frame)
{
    struct call *c = ending(p, frame->id);
    if (!c)
        return;
    if (c->late) {
        end_late(p, c, true);
        return;
    }
    char reason[600];
    snprintf(reason, sizeof(reason), "%.*s", (int)frame->parts[0].len, frame->parts[0].ptr);
    end_broken(p, c, false, slice_valid_utf8(slice_of(reason)) ? reason : "it broke the ABI");
}

/* ---- while calls are under way ---- */

static bool is_running(struct plugin *p, uint64_t id)
{
    const struct call *c = calls_find(&p->calls, id);
    return c && !c->late && (c->state == STATE_UNDER_WAY || c->state == STATE_STOPPING);
}

static void hear_chunk(struct plugin *p, const struct frame *frame)
{
    if (!slice_valid_utf8(frame->parts[0]))
        break_off(p, "a chunk that is not UTF-8");
    else if (is_running(p, frame->id) && frame->id != plugin_describing(p))
        p->handlers.emitted(p->user, frame->id, frame->parts[0]);
}

static void hand_on(struct plugin *p, const struct frame *frame, struct slice op, struct slice body)
{
    p->requests++;
    p->handlers.requested(p->user, frame->id, frame->other, op, body);
}

static void hear_request(struct plugin *p, const struct frame *frame)
{
    struct slice op = frame->parts[0], body = frame->parts[1];
    if (op.len > LIMIT_NAME || !slice_valid_utf8(op) || !slice_valid_utf8(body))
        break_off(p, "a request that is not UTF-8");
    else if (p->requests >= LIMIT_PLUGIN_REQUESTS)
        break_off(p, "more requests than it may have under way");
    else if (is_running(p, frame->id))
        hand_on(p, frame, op, body);
    else
        plugin_answer(
            p, frame->other,
            &(struct plugin_answer){.status = SEAM_E_CANCELLED, .effect = SEAM_EFFECT_NONE});
}

void hear_text(struct plugin *p, uint64_t call, uint32_t level, struct slice text)
{
    char line[LIMIT_LOG_LINE];
    struct slice clean = {line, log_line_clean(line, sizeof(line), text)};
    if (level > SEAM_LOG_ERROR)
        level = SEAM_LOG_INFO;
    if (log_lines_take(&p->lines, clean, clock_ns()))
        p->handlers.logged(p->user, call, level, clean);
}

static void hear(struct plugin *p, const struct frame *frame)
{
    bool loading = p->stage == STAGE_LOADING, creating = p->stage == STAGE_CREATING;
    switch (frame->kind) {
    case FRAME_CONFINED:
        hear_confinement(p, frame);
        return;
    case FRAME_REFUSED:
        hear_refusal(p, frame);
        return;
    case FRAME_AGENT:
        if (loading)
            declared_add(p, frame);
        return;
    case FRAME_TABLE:
        if (loading)
            hear_table(p, frame);
        return;
    case FRAME_READY:
        if (creating)
            hear_ready(p, frame);
        return;
    case FRAME_COMPLETE:
        hear_completion(p, frame);
        return;
    case FRAME_UNBEGUN:
        hear_unbegun(p, frame);
        return;
    case FRAME_BROKE:
        hear_breach(p, frame);
        return;
    case FRAME_EMIT:
        hear_chunk(p, frame);
        return;
    case FRAME_REQUEST:
        hear_request(p, frame);
        return;
    case FRAME_LOG:
        hear_text(p, frame->id, frame->number, frame->parts[0]);
        return;
    case FRAME_DROPPED:
        log_lines_lost(&p->lines, frame->number, clock_ns());
        return;
    case FRAME_STALE:
        p->stale += frame->number;
        return;
    case FRAME_STOPPED:
        return;
    case FRAME_LOAD:
    case FRAME_LEARN:
    case FRAME_CREATE:
    case FRAME_CALL:
    case FRAME_CANCEL:
    case FRAME_ANSWER:
    case FRAME_STOP:
    case FRAME_KINDS:
        break;
    }
    break_off(p, "a frame that only the host sends");
}

enum received hear_some(struct plugin *p)
{
    if (p->link.out.len > LIMIT_SEND_BACKLOG) /* it asks, and reads no answers */
        return RECEIVED_NOTHING;
    enum received received = link_receive(&p->link);
    struct frame frame;
    size_t size, done = 0;
    while (!p->deaf) {
        struct slice left = {buffer_bytes(&p->link.in) + done, p->link.in.len - done};
        enum frame_found found = frame_read(left, p->payload + FRAME_SLACK, &frame, &size);
        if (found == FRAME_BROKEN)
            break_off(p, "bytes that are no frame");
        if (found != FRAME_WHOLE)
            break;
        hear(p, &frame);
        done += size;
    }
    buffer_drop(&p->link.in, p->deaf ? p->link.in.len : done);
    return received;
}

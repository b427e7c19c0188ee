/* SPDX-License-Identifier: Apache-2.0
 *
 * What time and death do to calls.
 *
 *   in line, deadline       → TIMED_OUT, has not begun
 *   under way, deadline     → told to stop; an answer within the grace comes late: TIMED_OUT,
 * reaped cancelled               → told to stop; an answer within the grace is an answer the grace
 * is over       → the worker is killed: this call TIMED_OUT, the others CRASHED; in this process:
 * TIMED_OUT, not reaped, abandoned
 *
 * A call that may change the world waits here, in the host, until a thread is free for it, so that
 * it is known for certain not to have begun. PURE and READ calls may wait inside the guest, a few
 * of them, so that a busy plugin need not wait for the host between two calls.
 */
#include "document/document.h"
#include "loader/plugin_internal.h"

#include <seam/plugin.h>
#include <stdio.h>

static const char *agent_name(const struct plugin *p, const struct call *c)
{
    return p->agents[c->agent].name;
}

/* ---- out of the line ---- */

static bool has_room(const struct plugin *p, uint32_t agent)
{
    const struct declared_agent *a = &p->agents[agent];
    bool ahead = a->effect <= SEAM_READ && !(a->flags & SEAM_NONBLOCKING);
    size_t room = (size_t)p->max_concurrency + (ahead ? LIMIT_READ_AHEAD : 0);
    return p->stage == STAGE_SERVING && plugin_at_work(p) < room &&
           p->link.out.len < LIMIT_SEND_BACKLOG;
}

static void send_call(struct plugin *p, const struct call *c, const struct slice parts[CALL_PARTS])
{
    frame_write(&p->link.out, &(struct frame){.kind = FRAME_CALL,
                                              .id = c->id,
                                              .other = (uint64_t)c->deadline_ns,
                                              .effect = p->agents[c->agent].index,
                                              .number = c->attempt,
                                              .parts = {parts[0], parts[1], parts[2]}});
}

void ladder_send_or_wait(struct plugin *p, struct call *c, const struct slice parts[CALL_PARTS])
{
    if (p->calls.waiting > 0 || !has_room(p, c->agent)) {
        calls_wait(&p->calls, c, parts);
        return;
    }
    calls_move(&p->calls, c, STATE_UNDER_WAY);
    send_call(p, c, parts);
    plugin_kick(p);
}

void ladder_refuse(struct plugin *p, struct call *c)
{
    calls_wait(&p->calls, c, (const struct slice[CALL_PARTS]){{"", 0}});
    calls_set_due(&p->calls, c, 1);
}

void ladder_admit(struct plugin *p)
{
    for (struct call *c; (c = calls_first_waiting(&p->calls)) && has_room(p, c->agent);) {
        send_call(p, c, c->parts);
        calls_leave_line(&p->calls, c);
    }
}

/* ---- up the ladder ---- */

void ladder_stop_call(struct plugin *p, struct call *c)
{
    calls_move(&p->calls, c, STATE_STOPPING);
    calls_set_due(&p->calls, c, clock_ns() + p->grace_ns);
    frame_write(&p->link.out, &(struct frame){.kind = FRAME_CANCEL, .id = c->id});
    plugin_kick(p);
}

static void end_in_line(struct plugin *p, struct call *c)
{
    struct call_result result = {.effect = SEAM_EFFECT_NONE, .reaped = true};
    const char *lost = p->agents[c->agent].lost;
    AUTO(text_done) struct text body;
    text_init(&body, LIMIT_FILE);
    if (lost) {
        AUTO(json_decrefp)
        json_t *json = json_pack("{s:o}", "message",
                                 json_sprintf("what it says is not what was accepted: %s (cure: if "
                                              "that is meant, approve it again)",
                                              lost));
        json_write(json, &body);
        result.end = CALL_COMPLETED;
        result.status = SEAM_E_DENIED;
        result.body = text_slice(&body);
        result.code = SLICE("seam.changed");
    } else if (c->cancelled) {
        result.end = CALL_COMPLETED;
        result.status = SEAM_E_CANCELLED;
    } else {
        result.end = CALL_TIMED_OUT;
        result.status = SEAM_E_TIMEOUT;
        result.reason = "its deadline passed while it waited in line; nothing was begun";
    }
    plugin_end_call(p, c, &result);
}

static void end_hung(struct plugin *p, struct call *c)
{
    c->hung = true;
    calls_set_due(&p->calls, c, 0);
    p->fault = PLUGIN_HUNG;
    if (p->worker.pid > 0) {
        plugin_kill(p,
                    "its worker was killed because a call of agent \"%s\" hung: it did not end "
                    "within %lld ms of being told to stop",
                    agent_name(p, c), (long long)(p->grace_ns / 1000000));
        return;
    }
    struct call_result result = {
        .end = CALL_TIMED_OUT,
        .status = SEAM_E_TIMEOUT,
        .effect = SEAM_EFFECT_UNKNOWN,
        .begun = true,
        .reason = "it did not end within the grace after it was told to stop; its thread still "
                  "runs in the host (cure: isolation: worker)"};
    plugin_end_call(p, c, &result);
}

static void refuse_slow_load(struct plugin *p)
{
    struct error err;
    p->fault = PLUGIN_HUNG;
    error_set(&err, ERR_TIMEOUT,
              "%s: was not ready in time: %s does not return (cure: do long work in start(), not "
              "while loading)",
              p->path,
              p->stage == STAGE_LOADING    ? "a constructor or seam_plugin_v1()"
              : p->stage == STAGE_CREATING ? "create()"
                                           : "seam.describe/1");
    plugin_refuse(p, &err);
}

void ladder_tell_dropped(struct plugin *p, int64_t now_ns, bool at_end)
{
    char note[128];
    if (log_lines_told(&p->lines, now_ns, at_end, note))
        p->handlers.logged(p->user, 0, SEAM_LOG_WARNING, slice_of(note));
}

void ladder_expire(struct plugin *p, int64_t now_ns)
{
    if (p->load_due_ns != 0 && p->load_due_ns <= now_ns)
        refuse_slow_load(p);
    if (p->output_due_ns != 0 && p->output_due_ns <= now_ns)
        plugin_read_output(p);
    ladder_tell_dropped(p, now_ns, false);
    if (p->cut_due_ns != 0 && p->cut_due_ns <= now_ns) {
        p->cut_due_ns = 0;
        p->fault = PLUGIN_CRASHED;
        plugin_kill(p, "its worker was killed because it closed its connection to the host");
    }
    if (p->stage == STAGE_REFUSED || p->stage == STAGE_ENDED)
        ladder_end_all(p, p->death);
    for (struct call *c; (c = calls_first_due(&p->calls)) && c->due_ns <= now_ns;) {
        if (c->state == STATE_WAITING) {
            end_in_line(p, c);
        } else if (c->state == STATE_UNDER_WAY) {
            c->late = true;
            ladder_stop_call(p, c);
        } else {
            end_hung(p, c);
        }
    }
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

int64_t ladder_next_ns(struct plugin *p)
{
    if ((p->stage == STAGE_REFUSED || p->stage == STAGE_ENDED) && p->calls.waiting > 0)
        return 1; /* there is no line any more */
    const struct call *c = calls_first_due(&p->calls);
    int64_t due_ns = c ? c->due_ns : 0;
    due_ns = earlier(earlier(due_ns, p->load_due_ns), p->cut_due_ns);
    return earlier(earlier(due_ns, p->output_due_ns), p->lines.due_ns);
}

/* ---- death ---- */

static void end_dead(struct plugin *p, struct call *c, const char *how)
{
    bool begun = c->state != STATE_WAITING;
    struct call_result result = {
        .end = CALL_CRASHED,
        .status = SEAM_E_INTERNAL,
        .effect = begun ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE,
        .begun = begun,
        .reaped = !begun || !p->in_process,
        .reason = how,
    };
    if (c->late || c->hung) {
        result.end = CALL_TIMED_OUT;
        result.status = SEAM_E_TIMEOUT;
    } else if (p->broke_abi && begun) {
        result.end = CALL_BROKE_ABI;
    }
    plugin_end_call(p, c, &result);
}

void ladder_end_all(struct plugin *p, const char *how)
{
    size_t room = p->calls.room;
    ladder_tell_dropped(p, clock_ns(), true);
    for (size_t slot = 0; slot < room; slot++) {
        struct call *c = &p->calls.list[slot];
        if (c->state != STATE_FREE && c->state != STATE_ABANDONED)
            end_dead(p, c, how);
    }
}

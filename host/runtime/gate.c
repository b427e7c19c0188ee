/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate before an agent: what the manifest allows it over all runs of this host. It stands
 * between the decision to start and the plugin. A call goes on, waits here (first come first
 * served, without being in the way of other agents), or comes back as not started; whether the
 * agent is called again is never decided here. Its state is of this host's life alone.
 *
 *   held → gone      a place, its time, and no breaker in the way  [gate_move]
 *   held → refused   it waited longer than its timeout; its agent's breaker opened
 *
 * What follows from a call's end (others go, runs are told) waits for the end of the loop's turn,
 * so that a thousand refusals in a row do not stand on each other's stack.
 */
#include "runtime/across_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct manifest_agent says_nothing;

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

/* ---- gates ---- */

static void wakes(struct timer *timer);

static struct gate *gate_new(struct slot *slot, const struct agent *agent,
                             const struct manifest_agent *says)
{
    struct host *host = slot->host;
    struct gate *gate = xcalloc(1, sizeof(*gate));
    gate->host = host;
    gate->agent = agent;
    gate->says = says;
    gate->expires_ms = INT64_MAX;
    gate->starts_ms = xcalloc((size_t)says->rate_calls + 1, sizeof(*gate->starts_ms));
    gate->failures_ms = xcalloc((size_t)says->breaker_failures + 1, sizeof(*gate->failures_ms));
    for (size_t i = 0; i < GATE_LINES; i++)
        call_line_init(&gate->held[i]);
    timer_init(&gate->timer, host, gate);
    gate->next = host->gates;
    host->gates = gate;
    map_put(&slot->gates, slice_of(strchr(agent->name, '/') + 1), gate);
    return gate;
}

static const struct manifest_agent *says_for(const struct manifest_plugin *entry, const char *name)
{
    for (size_t i = 0; i < entry->setting_count; i++)
        if (strcmp(entry->settings[i].name, name) == 0)
            return &entry->settings[i];
    return &says_nothing;
}

/* The agent's gate; NULL while nothing has called for one. */
static struct gate *gate_of(struct slot *slot, const struct agent *agent, bool make)
{
    const struct manifest_plugin *entry = slot->roster->entry;
    const char *name = strchr(agent->name, '/') + 1;
    struct gate *gate = slot->gates.count ? map_get(&slot->gates, slice_of(name)) : NULL;
    const struct manifest_agent *says = says_for(entry, name);
    if (!gate && (make || says != &says_nothing))
        gate = gate_new(slot, agent, says);
    return gate;
}

const struct gate *gate_known(const struct slot *slot, const struct agent *agent)
{
    return slot->gates.count ? map_get(&slot->gates, slice_of(strchr(agent->name, '/') + 1)) : NULL;
}

/* ---- what stands in the way ---- */

enum obstacle { OPEN_WAY, BY_BREAKER, BY_CONCURRENCY, BY_PLACES, BY_RATE };

static const char *obstacle_word(enum obstacle obstacle)
{
    static const char *const words[] = {
        [OPEN_WAY] = "rate",         [BY_BREAKER] = "breaker", [BY_CONCURRENCY] = "concurrency",
        [BY_PLACES] = "concurrency", [BY_RATE] = "rate",
    };
    return words[obstacle];
}

/* When the rate lets the next call begin: once the oldest of the last ones is `per` ago. */
static int64_t rate_due(const struct gate *gate)
{
    size_t calls = (size_t)gate->says->rate_calls;
    if (calls == 0 || gate->start_count < calls)
        return 0;
    return gate->starts_ms[gate->start_count % calls] + gate->says->rate_ms;
}

static enum obstacle obstacle_of(const struct gate *gate, const struct live_call *call)
{
    const struct host *host = gate->host;
    size_t most = (size_t)gate->says->concurrency;
    int64_t now = host_steady(gate->host);
    if (gate->breaker == BREAKER_PROBING ||
        (gate->breaker == BREAKER_OPEN && now < gate->half_open_ms))
        return BY_BREAKER;
    if (most && gate->under_way >= most)
        return BY_CONCURRENCY;
    if (host->places && host->placed >= host->places && call->rank != LINE_NESTED)
        return BY_PLACES;
    return now < rate_due(gate) ? BY_RATE : OPEN_WAY;
}

/* ---- refusing ---- */

void call_refuse_later(struct live_call *call, enum cause cause, const char *code,
                       int64_t retry_after_ms, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    call->refusal = xmalloc(sizeof(*call->refusal));
    *call->refusal = (struct refusal){
        .cause = cause, .retry_after_ms = retry_after_ms, .message = xstrdup(message)};
    snprintf(call->refusal->code, sizeof(call->refusal->code), "%s", code);
    call_line_push(&call->live->host->refused, call);
}

/* The untold are the last of their line, in its order. */
static void now_told(struct live_call *call)
{
    call->told = true;
    if (call->line->untold == call)
        call->line->untold = call->next;
    call->line->untold_count--;
    call->live->host->untold--;
}

static void take_from_gate(struct live_call *call)
{
    call->live->host->held--;
    if (!call->told)
        now_told(call);
    call_line_leave(call);
}

static void refuse_by_breaker(struct live_call *call)
{
    const struct gate *gate = call->gate;
    const struct manifest_agent *says = gate->says;
    char within[32], in[32];
    int64_t wait = gate->half_open_ms - host_steady(gate->host);
    wait = wait > 0 ? wait : 1;
    call_refuse_later(call, CAUSE_UNAVAILABLE, "breaker-open", wait,
                      "the breaker of %s is open: %d call%s failed within %s, the last: %s; the "
                      "next is let through in %s",
                      gate->agent->name, says->breaker_failures, plural(says->breaker_failures),
                      duration_text(says->breaker_within_ms, within),
                      gate->last_failure ? gate->last_failure : "?", duration_text(wait, in));
}

/* ---- the breaker ---- */

/* Other runs are told of it: it does not quote one that is hidden. */
static void note_failure(struct gate *gate, const struct event *event, bool hidden)
{
    const char *said = json_string_value(json_object_get(event->body, "message"));
    const char *words = event->message && *event->message ? event->message : said ? said : "";
    words = hidden ? "" : words;
    free(gate->last_failure);
    gate->last_failure =
        xasprintf("%s%s%.300s", cause_word(event->cause), *words ? ": " : "", words);
}

/* Those that wait to clean up go on waiting: the breaker shall not eat their recovery. */
static void breaker_opens(struct gate *gate)
{
    const struct manifest_agent *says = gate->says;
    char within[32], open[32];
    gate->breaker = BREAKER_OPEN;
    gate->half_open_ms = host_steady(gate->host) + says->breaker_open_ms;
    host_log(gate->host, gate->agent->name, SEAM_LOG_WARNING,
             "its breaker opens for %s: %d call%s failed within %s, the last: %s",
             duration_text(says->breaker_open_ms, open), says->breaker_failures,
             plural(says->breaker_failures), duration_text(says->breaker_within_ms, within),
             gate->last_failure);
    for (size_t i = LINE_NESTED; i < GATE_LINES; i++)
        while (gate->held[i].first) {
            struct live_call *call = gate->held[i].first;
            take_from_gate(call);
            refuse_by_breaker(call);
        }
}

static void breaker_closes(struct gate *gate)
{
    gate->breaker = BREAKER_CLOSED;
    gate->failure_count = 0;
    host_log(gate->host, gate->agent->name, SEAM_LOG_INFO,
             "its breaker closes: the call that was let through came back");
}

static void count_failure(struct gate *gate)
{
    size_t most = (size_t)gate->says->breaker_failures;
    int64_t now = host_steady(gate->host);
    gate->failures_ms[gate->failure_count++ % most] = now;
    int64_t oldest = gate->failures_ms[gate->failure_count % most];
    if (gate->failure_count >= most && now - oldest <= gate->says->breaker_within_ms)
        breaker_opens(gate);
}

static bool is_failure(const struct event *event)
{
    return (event->end == END_FAILED || event->end == END_NOT_STARTED) &&
           (event->cause == CAUSE_UNAVAILABLE || event->cause == CAUSE_TIMEOUT ||
            event->cause == CAUSE_CRASH);
}

void gate_hear(struct live_call *call, const struct event *event)
{
    struct gate *gate = call->gate;
    bool stopped = (event->end == END_FAILED || event->end == END_NOT_STARTED) &&
                   event->cause == CAUSE_CANCELLED;
    if (!call->passed || gate->says->breaker_failures == 0 || stopped)
        return;
    bool failed = is_failure(event), probe = call->probe;
    call->probe = false;
    if (failed)
        note_failure(gate, event, call->live->seal != NULL);
    if (probe && failed)
        breaker_opens(gate);
    else if (probe)
        breaker_closes(gate);
    else if (failed && gate->breaker == BREAKER_CLOSED)
        count_failure(gate);
}

/* ---- going on ---- */

static void pass(struct live_call *call)
{
    struct host *host = call->live->host;
    struct gate *gate = call->gate;
    if (host->places && call->rank != LINE_NESTED) {
        call->placed = true;
        host->placed++;
    }
    if (gate) {
        call->passed = true;
        gate->under_way++;
        if (gate->says->rate_calls)
            gate->starts_ms[gate->start_count++ % (size_t)gate->says->rate_calls] =
                host_steady(host);
        call->probe = gate->breaker == BREAKER_OPEN;
        if (call->probe)
            gate->breaker = BREAKER_PROBING;
    }
    call_wait(call);
    slot_want(call->slot);
}

/* The time that it stood here is the attempt's own only as far as a deadline would have passed. */
static bool in_time(struct live_call *call)
{
    int64_t deadline = run_task_deadline(call->live->run, call->task);
    int64_t left = deadline - live_now(call->live);
    if (deadline < 0)
        return true;
    if (call->timeout_ms < 0 || left < call->timeout_ms)
        call->timeout_ms = left;
    return left > 0;
}

static void refuse_late(struct live_call *call)
{
    char waited[32];
    call_refuse_later(call, CAUSE_TIMEOUT, "held-too-long", 0,
                      "it waited %s for the `%s` of %s in the manifest, and its time is over",
                      duration_text(host_steady(call->live->host) - call->held_ms, waited),
                      call->held_by, call->agent->name);
}

/* The first of a line, if it may go. */
static struct live_call *ready_in(const struct gate *gate, enum gate_line line)
{
    struct live_call *first = gate->held[line].first;
    return first && obstacle_of(gate, first) == OPEN_WAY ? first : NULL;
}

static void release(struct live_call *call)
{
    take_from_gate(call);
    if (host_steady(call->live->host) == call->held_ms || in_time(call))
        pass(call);
    else
        refuse_late(call);
}

static void arm(struct gate *gate)
{
    int64_t due = gate->expires_ms, now = host_steady(gate->host), rate = rate_due(gate);
    size_t held = 0;
    for (size_t i = 0; i < GATE_LINES; i++)
        held += gate->held[i].count;
    if (held == 0) {
        gate->expires_ms = INT64_MAX;
        timer_stop(&gate->timer);
        return;
    }
    if (gate->breaker == BREAKER_OPEN && gate->half_open_ms < due)
        due = gate->half_open_ms;
    else if (rate > now && rate < due)
        due = rate;
    if (due < INT64_MAX)
        timer_start(&gate->timer, wakes, due > now ? due - now : 1);
}

static void gate_move(struct gate *gate)
{
    struct live_call *call;
    for (enum gate_line line = 0; line < GATE_LINES; line++)
        while ((call = ready_in(gate, line)))
            release(call);
    arm(gate);
}

/* Places over all runs are given to whoever came first, whatever agent it is for. */
static struct live_call *first_ready(const struct host *host, enum gate_line line)
{
    struct live_call *first = NULL;
    for (const struct gate *gate = host->gates; gate; gate = gate->next) {
        struct live_call *call = ready_in(gate, line);
        if (call && (!first || call->ticket < first->ticket))
            first = call;
    }
    return first;
}

static void move_all(struct host *host)
{
    struct live_call *call;
    host->gates_due = false;
    for (enum gate_line line = 0; line < GATE_LINES && host->held > 0; line++)
        while ((call = first_ready(host, line)))
            release(call);
    for (struct gate *gate = host->gates; gate; gate = gate->next)
        arm(gate);
}

/* Those that waited too long; the next look is when the next one would have. */
static void expire(struct gate *gate)
{
    int64_t now = host_steady(gate->host), next = INT64_MAX;
    for (size_t i = 0; i < GATE_LINES; i++)
        for (struct live_call *call = gate->held[i].first, *after; call; call = after) {
            after = call->next;
            int64_t until = call->timeout_ms < 0 ? INT64_MAX : call->held_ms + call->timeout_ms;
            if (until <= now) {
                take_from_gate(call);
                refuse_late(call);
            } else if (until < next) {
                next = until;
            }
        }
    gate->expires_ms = next;
}

static void wakes(struct timer *timer)
{
    struct gate *gate = timer->data;
    if (gate->host->stopping)
        return;
    if (host_steady(gate->host) >= gate->expires_ms)
        expire(gate);
    gate_move(gate);
}

/* ---- coming and leaving ---- */

void gate_enter(struct live_call *call)
{
    struct host *host = call->live->host;
    bool full = host->places && (host->placed >= host->places || host->held > 0);
    struct gate *gate = call->gate = gate_of(call->slot, call->agent, full);
    if (!gate) {
        pass(call);
        return;
    }
    if (gate->breaker == BREAKER_OPEN && host_steady(host) < gate->half_open_ms &&
        call->rank != LINE_RECOVERY) {
        refuse_by_breaker(call);
        return;
    }
    struct call_line *line = &gate->held[call->rank];
    call->ticket = ++host->tickets;
    call->held_ms = host_steady(host);
    if (call->timeout_ms >= 0 && call->held_ms + call->timeout_ms < gate->expires_ms)
        gate->expires_ms = call->held_ms + call->timeout_ms;
    call_line_push(line, call);
    call->held_by = obstacle_word(obstacle_of(gate, call));
    if (!line->untold)
        line->untold = call;
    line->untold_count++;
    host->held++;
    host->untold++;
    gate_move(gate);
}

void gate_leave(struct live_call *call)
{
    struct host *host = call->live->host;
    struct gate *gate = call->gate;
    if (gate && call->line >= gate->held && call->line < gate->held + GATE_LINES)
        take_from_gate(call);
    if (call->passed)
        gate->under_way--;
    if (call->placed)
        host->placed--;
    if (call->probe) { /* it says nothing of the agent: the next is let through instead */
        gate->breaker = BREAKER_OPEN;
        gate->half_open_ms = host_steady(host);
    }
    call->passed = call->placed = call->probe = false;
    host->gates_due |= host->held > 0;
}

/* ---- the turn of the loop ---- */

static void describe(const struct gate *gate, const struct live_call *call, enum obstacle obstacle,
                     struct text *out)
{
    const struct manifest_agent *says = gate->says;
    char time[32], in[32];
    int64_t due = rate_due(gate) - host_steady(gate->host);
    switch (obstacle) {
    case OPEN_WAY:
    case BY_RATE:
        text_addf(out, "the manifest lets %d call%s of %s begin in %s; the next may in %s",
                  says->rate_calls, plural(says->rate_calls), gate->agent->name,
                  duration_text(says->rate_ms, time), duration_text(due > 0 ? due : 0, in));
        break;
    case BY_CONCURRENCY:
        text_addf(out, "the manifest allows %s %d call%s at once; it waits for one to end",
                  gate->agent->name, says->concurrency, plural(says->concurrency));
        break;
    case BY_PLACES:
        text_addf(out, "the manifest's limits.concurrency allows %zu calls at once, over all runs",
                  gate->host->places);
        break;
    case BY_BREAKER:
        text_addf(out, "the breaker of %s lets one call through to try, and then those that wait",
                  gate->agent->name);
        break;
    }
    size_t ahead = call->line->count - call->line->untold_count - 1;
    if (ahead > 0)
        text_addf(out, "; %zu came before it", ahead);
}

static void tell_held(const struct gate *gate, struct live_call *call)
{
    enum obstacle obstacle = obstacle_of(gate, call);
    AUTO(text_done) struct text text;
    text_init(&text, ERROR_TEXT_SIZE);
    describe(gate, call, obstacle, &text);
    struct event event = {.kind = EVENT_HELD,
                          .task = call->task,
                          .attempt = call->attempt,
                          .code = obstacle_word(obstacle),
                          .message = text_str(&text)};
    live_happen(call->live, &event, NULL);
}

static void tell_all_held(struct host *host)
{
    for (struct gate *gate = host->gates; gate && host->untold > 0; gate = gate->next)
        for (size_t i = 0; i < GATE_LINES; i++)
            while (gate->held[i].untold) {
                struct live_call *call = gate->held[i].untold;
                now_told(call);
                tell_held(gate, call);
            }
}

static void next_turn(struct timer *timer)
{
    (void)timer;
}

void gates_turn(struct host *host)
{
    if (host->stopping)
        return;
    /* what comes meanwhile is told in the next turn */
    for (size_t count = host->refused.count; count > 0 && host->refused.first; count--)
        call_end_refused(host->refused.first);
    if (host->gates_due)
        move_all(host);
    if (host->untold > 0)
        tell_all_held(host);
    if (host->refused.first || host->gates_due)
        timer_start(&host->turn, next_turn, 0);
}

void gates_open(struct host *host)
{
    call_line_init(&host->refused);
    host->places = host->manifest->concurrency_said ? (size_t)host->manifest->concurrency : 0;
    timer_init(&host->turn, host, host);
}

/* The last of the times that were noted, in a ring of another size. */
static void ring_renew(int64_t **ring, size_t *count, size_t was, size_t is)
{
    int64_t *renewed = xcalloc(is + 1, sizeof(*renewed));
    size_t kept = *count < was ? *count : was;
    if (kept > is)
        kept = is;
    for (size_t i = 0; i < kept; i++)
        renewed[i] = (*ring)[(*count - kept + i) % was];
    free(*ring);
    *ring = renewed;
    *count = kept;
}

static const struct manifest_agent *says_of(const struct roster *roster, const struct agent *agent)
{
    const char *slash = strchr(agent->name, '/');
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const struct manifest_plugin *entry = roster->plugins[i].entry;
        if (slice_is((struct slice){agent->name, (size_t)(slash - agent->name)}, entry->alias))
            return says_for(entry, slash + 1);
    }
    return &says_nothing;
}

bool gate_refusal(const struct live_call *call, struct slice code)
{
    const char *name = strchr(call->agent->name, '/') + 1;
    size_t i;
    const json_t *refusal;
    json_array_foreach (says_for(call->slot->roster->entry, name)->refusals, i, refusal)
        if (slice_is(code, json_string_value(refusal)))
            return true;
    return false;
}

bool gates_renew(struct host *host, const struct roster *roster)
{
    bool all = true;
    for (struct gate *gate = host->gates; gate; gate = gate->next) {
        const struct manifest_agent *was = gate->says, *is = says_of(roster, gate->agent);
        const struct agent *agent = catalog_find(&roster->catalog, slice_of(gate->agent->name));
        all &= agent != NULL;
        if (agent)
            gate->agent = agent;
        gate->says = is;
        ring_renew(&gate->starts_ms, &gate->start_count, (size_t)was->rate_calls,
                   (size_t)is->rate_calls);
        ring_renew(&gate->failures_ms, &gate->failure_count, (size_t)was->breaker_failures,
                   (size_t)is->breaker_failures);
        if (is->breaker_failures == 0)
            gate->breaker = BREAKER_CLOSED;
    }
    return all;
}

static void gate_free(struct gate *gate)
{
    timer_stop(&gate->timer);
    free(gate->starts_ms);
    free(gate->failures_ms);
    free(gate->last_failure);
    free(gate);
}

void gates_close(struct host *host)
{
    while (host->refused.first)
        call_free(host->refused.first);
    while (host->gates) {
        struct gate *gate = host->gates;
        for (size_t i = 0; i < GATE_LINES; i++)
            while (gate->held[i].first)
                call_free(gate->held[i].first);
        host->gates = gate->next;
        gate_free(gate);
    }
    timer_stop(&host->turn);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A run's life in the host: an event happens, the core decides, the record is journaled, and the
 * decisions are carried out: at once, or behind the barrier where the world could see them. The
 * barrier stands before a call above READ, an effect, a question and a final output.
 *
 * With `durability: steps` it also stands before every call that builds on a result, until that
 * result is on disk. What an item of a for_each is made of was there when the step's turn came: one
 * item's call does not wait for the result of another, which it never sees. If that is lost, the
 * item that gave it is called again, and nobody has known the lost one; the step after them waits
 * for all. A retry, a fallback and an undo follow from what failed, and wait for everything.
 */
#include "runtime/across_internal.h"
#include "runtime/state_internal.h"

#include <stdlib.h>
#include <string.h>

struct live_run *live_find(const struct host *host, const char *id)
{
    return map_get(&host->by_name, slice_of(id));
}

/* ---- alarms ---- */

static void alarm_free(struct alarm *alarm)
{
    *alarm->back = alarm->next;
    if (alarm->next)
        alarm->next->back = alarm->back;
    if (alarm->live->deadline == alarm)
        alarm->live->deadline = NULL;
    timer_stop(&alarm->timer);
    free(alarm);
}

static void alarm_rings(struct timer *timer);

static void alarm_set(struct alarm *alarm)
{
    timer_start(&alarm->timer, alarm_rings, alarm->at_ms - live_now(alarm->live));
}

static void alarm_rings(struct timer *timer)
{
    struct alarm *alarm = timer->data;
    struct live_run *live = alarm->live;
    if (live_now(live) < alarm->at_ms) {
        alarm_set(alarm);
        return;
    }
    struct event event = {.kind = alarm->kind, .task = alarm->task, .revision = alarm->revision};
    alarm_free(alarm);
    live_happen(live, &event, NULL);
}

static struct alarm *alarm_new(struct live_run *live, enum event_kind kind, uint32_t task,
                               int64_t at_ms)
{
    struct alarm *alarm = xcalloc(1, sizeof(*alarm));
    alarm->live = live;
    alarm->kind = kind;
    alarm->task = task;
    alarm->at_ms = at_ms;
    alarm->next = live->alarms;
    alarm->back = &live->alarms;
    if (alarm->next)
        alarm->next->back = &alarm->next;
    live->alarms = alarm;
    timer_init(&alarm->timer, live->host, alarm);
    alarm_set(alarm);
    return alarm;
}

/* The run's own deadline moves with the time that it spends waiting for people. */
static void watch_deadline(struct live_run *live)
{
    int64_t at_ms = run_deadline(live->run);
    if (live->deadline && (at_ms < 0 || live->deadline->at_ms != at_ms))
        alarm_free(live->deadline);
    if (at_ms >= 0 && !live->deadline)
        live->deadline = alarm_new(live, EVENT_TIME_SPENT, 0, at_ms);
}

void live_watch(struct live_run *live, uint32_t task)
{
    struct question_view question;
    int64_t due = run_task_due(live->run, task);
    if (due >= 0)
        alarm_new(live, EVENT_DUE, task, due);
    if (!run_question(live->run, task, &question))
        return;
    hook_tell(live, &question);
    if (question.deadline_ms >= 0) {
        struct alarm *alarm = alarm_new(live, EVENT_EXPIRED, task, question.deadline_ms);
        alarm->revision = question.revision;
    }
}

/* ---- carrying out ---- */

/* What waits for the barrier: the starts of one record. */
struct pending_start {
    struct decision decision;
    size_t text, text_len; /* of its input, in `texts`; 0 bytes = it is to be written */
};
struct pending_starts {
    struct live_run *live;
    int64_t hour_ms; /* when they were decided */
    uint64_t seq;    /* the record that decided them */
    size_t count, room;
    struct pending_start *list;
    struct text texts;
};

static struct pending_starts *pending_new(struct live_run *live, int64_t hour_ms)
{
    struct pending_starts *pending = xcalloc(1, sizeof(*pending));
    pending->live = live;
    pending->hour_ms = hour_ms;
    pending->seq = live->seq;
    text_init(&pending->texts, SIZE_MAX);
    return pending;
}

static void pending_free(struct pending_starts *pending)
{
    for (size_t i = 0; i < pending->count; i++) {
        json_decref(pending->list[i].decision.input);
        json_decref(pending->list[i].decision.feedback);
    }
    free(pending->list);
    text_done(&pending->texts);
    free(pending);
}

/* The output that it follows from is forgotten when the barrier is reached; a small input's text is
 * kept. */
static void put_off(struct pending_starts *pending, const struct decision *start)
{
    if (pending->count == pending->room) {
        pending->room = pending->room ? pending->room * 2 : 1;
        pending->list = xrealloc(pending->list, pending->room * sizeof(*pending->list));
    }
    struct pending_start *added = &pending->list[pending->count++];
    *added = (struct pending_start){.decision = *start, .text = pending->texts.len};
    added->decision.why = NULL;
    added->decision.rule = NULL;
    json_incref(start->input);
    json_incref(start->feedback);
    const struct known_text *known = known_find(&pending->live->host->known, start->input);
    if (known && known->text.len <= LIMIT_INLINE)
        text_add(&pending->texts, known->text.ptr, known->text.len);
    added->text_len = pending->texts.len - added->text;
}

static void start_kept(struct live_run *live, const struct decision *start, struct slice text)
{
    struct known *known = &live->host->known;
    struct known_text before = known->whole;
    if (text.len > 0)
        known_set(known, (struct known_text){.value = start->input, .text = text});
    call_start(live, start);
    known_set(known, before);
}

static void starts_durable(void *user, enum error_code code, const struct error *err)
{
    struct pending_starts *pending = user;
    struct live_run *live = pending->live;
    if (code == ERR_OK && pending->seq > live->kept_seq)
        live->kept_seq = pending->seq;
    for (size_t i = 0; i < pending->count; i++) {
        struct pending_start *each = &pending->list[i];
        const struct decision *start = &each->decision;
        live->start_hour_ms = pending->hour_ms;
        if (code == ERR_OK)
            start_kept(live, start,
                       (struct slice){text_str(&pending->texts) + each->text, each->text_len});
        else
            call_refuse(live, start->task, start->attempt, CAUSE_UNAVAILABLE,
                        err ? err->text : "no room");
    }
    pending_free(pending);
    live->barriers--;
    live_release(live);
}

/* Before the first step there is no result that could be lost: of a run that was only begun nobody
 * has been told, and it begins again as it was submitted. */
static bool results_need_barrier(const struct live_run *live, enum event_kind happened,
                                 uint32_t task)
{
    bool of_steps = happened == EVENT_STARTED || happened == EVENT_ENDED;
    uint64_t builds_on = of_steps ? run_task_builds_on(live->run, task) : live->seq;
    return live->host->manifest->durable_steps && builds_on > 1 && builds_on > live->kept_seq;
}

static bool start_needs_barrier(const struct live_run *live, enum event_kind happened,
                                const struct decision *start)
{
    const struct agent *agent = run_task_agent(live->run, start->task, start->reconciling);
    return agent->effect >= CLASS_WRITE_IDEMPOTENT || agent->cost > 0 || live->paid ||
           purse_needs_barrier(live->host, agent) ||
           results_need_barrier(live, happened, start->task);
}

static void carry_out_starts(struct live_run *live, enum event_kind happened,
                             const struct decisions *decisions)
{
    struct pending_starts *pending = NULL;
    int64_t hour_ms = purse_hour(live->host);
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->list[i];
        if (decision->kind != DECISION_START)
            continue;
        live->start_hour_ms = hour_ms;
        if (!start_needs_barrier(live, happened, decision)) {
            call_start(live, decision);
            continue;
        }
        if (!pending)
            pending = pending_new(live, hour_ms);
        put_off(pending, decision);
    }
    if (!pending)
        return;
    live->paid = false;
    live->barriers++;
    host_barrier(live->host, true, starts_durable, pending);
}

/* What the flow's check had proven is not so: nothing that it proves can be relied on any more. */
static void shout(struct live_run *live, const struct decision *decision)
{
    const char *message = json_string_value(json_object_get(decision->error, "message"));
    host_log(live->host, run_id(live->run), SEAM_LOG_ERROR,
             "a proof of its flow is wrong, which is a fault of Seam: %s; run with --paranoid, and "
             "report it with the flow and its contracts",
             live->seal ? "hidden"
             : message  ? message
                        : "");
}

static void end_durable(void *user, enum error_code code, const struct error *err)
{
    struct live_run *live = user;
    (void)err;
    live->barriers--;
    /* what happened meanwhile has a barrier of its own, and is told with it */
    if (--live->ends == 0 && code == ERR_OK) {
        live->kept_seq = live->asked_seq;
        live_settle(live);
    }
    live_release(live);
}

void live_settle_durably(struct live_run *live)
{
    live->barriers++;
    live->ends++;
    live->asked_seq = live->seq;
    host_barrier(live->host, false, end_durable, live);
}

static void carry_out(struct live_run *live, enum event_kind happened,
                      const struct decisions *decisions)
{
    bool barrier = false, permitted = false;
    carry_out_starts(live, happened, decisions);
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->list[i];
        if (decision->kind == DECISION_STOP)
            call_stop(live, decision->task);
        else if (decision->kind == DECISION_RETRY || decision->kind == DECISION_RECONCILE ||
                 decision->kind == DECISION_ASK)
            live_watch(live, decision->task);
        if (strcmp(decision->rule, "proof-wrong") == 0)
            shout(live, decision);
        barrier |= decision->kind == DECISION_ASK || decision->kind == DECISION_END;
        permitted |= decision->kind == DECISION_PERMIT && decision->granted;
    }
    nested_hear(live, decisions);
    watch_deadline(live);
    if (barrier || (run_status(live->run) != RUN_RUNNING && !live->settled))
        live_settle_durably(live);
    if (permitted)
        run_permitted(live);
}

/* The run is final, or waits for people alone: whoever started it is told, once. While a request is
 * under way it does not wait for people alone: the answer may still say what they are asked. */
void live_settle(struct live_run *live)
{
    enum run_status status = run_status(live->run);
    if (status == RUN_RUNNING || live->settled || (status == RUN_WAITING && live->transfers > 0))
        return;
    live->settled = true;
    live->finished = run_status_is_final(status);
    live->host->unsettled--;
    if (live->host->options.settled)
        live->host->options.settled(live->host->options.user, live->run);
    if (live->host->unsettled == 0)
        uv_stop(&live->host->loop);
}

/* A waiting run that was answered is at work again, or at its end at once. */
static void unsettle(struct live_run *live)
{
    if (live->settled && !live->finished && run_status(live->run) != RUN_WAITING) {
        live->settled = false;
        live->host->unsettled++;
    }
}

/* ---- records ---- */

/* What goes to disk with a record, beside it. */
struct along {
    const char *claim, *owner;
    const struct journal_value *value;
};

static void write_hidden(struct live_run *live, const struct event *event,
                         const struct decisions *decisions, struct writing *writing,
                         struct text *out)
{
    const struct record_style style = {json_write_string, payloads_write, writing, false};
    const struct hiding hiding = hidden_of(live->seal, run_id(live->run));
    AUTO(text_done) struct text whole;
    text_init(&whole, SIZE_MAX / 2);
    text_init(&writing->references, SIZE_MAX / 2);
    writing->hiding = &hiding;
    record_write(live->run, event, decisions, &style, &whole);
    payloads_written(writing, &whole);
    hidden_write(live->run, event, decisions, live->seq + 1, text_slice(&whole), writing, out);
    text_done(&writing->references);
}

static void append(struct live_run *live, const struct event *event,
                   const struct decisions *decisions, struct amounts charged,
                   const struct along *along)
{
    struct host *host = live->host;
    struct purse_entries entries = {.count = 0};
    if (host->purse)
        purse_note(live, charged, decisions, &entries);
    enum run_status status = run_status(live->run);
    struct text *text = &host->scratch;
    text_clear(text);
    /* a journal in memory keeps no bodies */
    if (!host->options.in_memory) {
        struct writing writing = {
            .payloads = host->payloads, .journal = host->journal, .known = &host->known};
        const struct record_style style = {json_write_string, payloads_write, &writing, false};
        if (live->seal) {
            write_hidden(live, event, decisions, &writing, text);
        } else {
            record_write(live->run, event, decisions, &style, text);
            payloads_written(&writing, text);
        }
    }
    struct journal_record record = {
        .run = run_id(live->run),
        .seq = ++live->seq,
        .at_ms = event->at_ms,
        .kind = event_kind_word(event->kind),
        .body = text_slice(text),
        .status = status != live->shown || live->seq == 1 ? run_status_word(status) : NULL,
        .flow = live->seq == 1 ? run_flow(live->run)->name : NULL,
        .claim = along->claim,
        .claim_owner = along->owner,
        .value = along->value,
        .meters = entries.list,
        .meter_count = entries.count,
        .due_ms = status == RUN_WAITING ? park_due(live->run) : 0,
        .over = run_status_is_final(status),
    };
    live->due_ms = record.due_ms;
    live->shown = status;
    journal_append(host->journal, &record);
}

/* A result that was paid for is kept before it is used: it is not bought twice. */
static bool has_cost(const struct live_run *live, const struct event *event)
{
    if (event->kind == EVENT_SPENT)
        return event->cost > 0;
    return event->kind == EVENT_ENDED && run_task_agent(live->run, event->task, false)->cost > 0;
}

/* The room for decisions is handed from event to event; one within another gets its own. */
static struct decisions take_spare(struct host *host)
{
    struct decisions taken = host->spare;
    host->spare = (struct decisions){0};
    return taken;
}

static void give_spare(struct host *host, struct decisions *decisions)
{
    enum { KEPT_DECISIONS = 256 };
    if (host->spare.list || decisions->room > KEPT_DECISIONS) {
        decisions_done(decisions);
        return;
    }
    for (size_t i = 0; i < decisions->count; i++)
        decision_done(&decisions->list[i]);
    decisions->count = 0;
    host->spare = *decisions;
}

/* What there was room for is kept only where the lack of it was decided by. */
static void note_room(struct live_run *live, struct event *event, const struct decisions *decisions)
{
    if (!run_lacked_room(live->run)) {
        event->room = NULL;
        return;
    }
    for (size_t i = 0; i < decisions->count; i++) {
        const json_t *error = decisions->list[i].error;
        if (decisions->list[i].kind == DECISION_JUDGE &&
            strcmp(decisions->list[i].rule, "room-spent") == 0)
            purse_tell(live->host, json_string_value(json_object_get(error, "code")),
                       json_string_value(json_object_get(error, "message")));
    }
}

static void happen(struct live_run *live, struct event *event, const struct along *along,
                   struct decision *ret_first)
{
    struct host *host = live->host;
    struct decisions decisions = take_spare(host);
    int64_t now = live_now(live);
    event->at_ms = now > run_time(live->run) ? now : run_time(live->run);
    struct amounts charged = run_charged(live->run);
    json_t *room = event->room = purse_room(live);
    plan_attach(live->run, event);
    run_advance(live->run, event, &decisions);
    if (room)
        note_room(live, event, &decisions);
    append(live, event, &decisions, charged, along);
    if (host->options.progress)
        host->options.progress(host->options.user, live->run, event, &decisions);
    unsettle(live);
    live->paid |= has_cost(live, event);
    carry_out(live, event->kind, &decisions);
    if (ret_first) {
        *ret_first = decisions.count ? decisions.list[0] : (struct decision){0};
        if (decisions.count)
            decisions.list[0] = (struct decision){0};
    }
    give_spare(host, &decisions);
    plan_detach(event);
    json_decref(room);
    event->room = NULL;
}

void live_happen(struct live_run *live, struct event *event, struct decision *ret_first)
{
    happen(live, event, &(struct along){0}, ret_first);
}

void live_happen_claiming(struct live_run *live, struct event *event, const char *claim,
                          const char *owner)
{
    happen(live, event, &(struct along){.claim = claim, .owner = owner}, NULL);
}

void live_happen_keeping(struct live_run *live, struct event *event,
                         const struct journal_value *value)
{
    happen(live, event, &(struct along){.value = value}, NULL);
}

/* ---- coming and going ---- */

struct live_run *live_new(struct host *host, const char *id, struct run *run)
{
    struct live_run *live = xcalloc(1, sizeof(*live));
    int64_t now = host_now(host);
    live->host = host;
    live->run = run;
    live->roster_generation = host->roster_generation;
    live->ahead_ms = run_time(run) > now ? run_time(run) - now : 0;
    live->next = host->runs;
    live->back = &host->runs;
    if (live->next)
        live->next->back = &live->next;
    host->runs = live;
    map_put(&host->by_name, slice_of(id), live);
    host->unsettled++;
    return live;
}

void live_free(struct live_run *live)
{
    park_never(live);
    while (live->alarms)
        alarm_free(live->alarms);
    *live->back = live->next;
    if (live->next)
        live->next->back = live->back;
    map_take(&live->host->by_name, slice_of(run_id(live->run)));
    if (!live->settled)
        live->host->unsettled--;
    nested_done(live);
    map_done(&live->wrote);
    run_free(live->run);
    free(live);
}

void live_release(struct live_run *live)
{
    if (!live->run) {
        describing_release(live);
        return;
    }
    /* the last request may have ended without a word that has a barrier of its own */
    if (live->transfers == 0 && live->ends == 0 && !live->host->stopping)
        live_settle(live);
    if (live->finished && live->calls == 0 && live->transfers == 0 && live->barriers == 0)
        live_free(live);
    else
        park_later(live);
}

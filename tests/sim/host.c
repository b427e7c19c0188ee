/* SPDX-License-Identifier: Apache-2.0
 *
 * The host: what host/runtime does around the orchestrator, with barriers in the same places
 * (before a start above READ or with a cost, before a begin is answered fresh, before a question or
 * an end is told). It can die at each write of its journal: then what was behind the last barrier
 * is lost from a random record on, and a new host folds the rest.
 */
#include "sim.h"

#include <stdlib.h>

/* ---- the journal ---- */

static void die(struct sim *sim)
{
    size_t loose = sim->record_count - sim->durable;
    size_t kept = sim->durable + (size_t)sim_below(sim, loose + 1);
    sim_say(sim, "the host dies; %zu of %zu records are left", kept, sim->record_count);
    calls_die(sim);
    while (sim->record_count > kept)
        json_decref(sim->records[--sim->record_count]);
    sim->durable = kept;
    sim->dead = true;
    sim->epoch++;
    sim->crash_at = --sim->crashes > 0 ? sim->writes + 1 + sim_below(sim, 40) : 0;
    sim_later(sim, 1 + (int64_t)sim_below(sim, sim_chance(sim, 800) ? 2000 : 7200000), ITEM_RESUME,
              NULL, 0);
}

static bool write_kills(struct sim *sim)
{
    if (++sim->writes != sim->crash_at)
        return false;
    die(sim);
    return true;
}

static void append(struct sim *sim, const struct event *event, const struct decisions *decisions)
{
    if (sim->record_count == sim->record_room) {
        sim->record_room = sim->record_room ? sim->record_room * 2 : 128;
        sim->records = xrealloc(sim->records, sim->record_room * sizeof(json_t *));
    }
    sim->records[sim->record_count++] = record_json(sim->run, event, decisions);
}

void host_barrier(struct sim *sim, struct behind behind)
{
    struct behind *copy = xmalloc(sizeof(*copy));
    *copy = behind;
    copy->upto = sim->record_count;
    sim_later(sim, 1 + (int64_t)sim_below(sim, 15), ITEM_BARRIER, copy, 0);
}

/* ---- carrying out ---- */

static void set_alarm(struct sim *sim, enum event_kind kind, uint32_t task, uint32_t revision,
                      int64_t at_ms)
{
    struct alarm *alarm = xmalloc(sizeof(*alarm));
    *alarm = (struct alarm){kind, task, revision};
    sim_later(sim, at_ms > sim->now ? at_ms - sim->now : 0, ITEM_ALARM, alarm, (uint64_t)at_ms);
}

static void watch_task(struct sim *sim, uint32_t task)
{
    struct question_view question;
    int64_t due = run_task_due(sim->run, task);
    if (due >= 0)
        set_alarm(sim, EVENT_DUE, task, 0, due);
    if (run_question(sim->run, task, &question) && question.deadline_ms >= 0)
        set_alarm(sim, EVENT_EXPIRED, task, question.revision, question.deadline_ms);
}

static void watch_deadline(struct sim *sim)
{
    int64_t at_ms = run_deadline(sim->run);
    if (at_ms >= 0 && at_ms != sim->deadline_ms)
        set_alarm(sim, EVENT_TIME_SPENT, 0, 0, at_ms);
    sim->deadline_ms = at_ms;
}

static struct decision copy_start(const struct decision *from)
{
    struct decision copy = *from;
    copy.why = NULL;
    copy.rule = NULL;
    json_incref(copy.input);
    json_incref(copy.feedback);
    return copy;
}

static void carry_out_start(struct sim *sim, const struct decision *start)
{
    const struct agent *agent = run_task_agent(sim->run, start->task, start->reconciling);
    if (agent->effect >= CLASS_WRITE_IDEMPOTENT || agent->cost > 0)
        host_barrier(sim, (struct behind){.kind = BEHIND_START, .start = copy_start(start)});
    else
        calls_start(sim, start);
}

static void carry_out(struct sim *sim, const struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->list[i];
        enum decision_kind kind = decision->kind;
        if (kind == DECISION_START)
            carry_out_start(sim, decision);
        else if (kind == DECISION_STOP)
            calls_stop(sim, decision->task);
        else if (kind == DECISION_RETRY || kind == DECISION_RECONCILE || kind == DECISION_ASK)
            watch_task(sim, decision->task);
        if (kind == DECISION_ASK)
            host_barrier(sim, (struct behind){.kind = BEHIND_TELL, .task = decision->task});
        else if (kind == DECISION_END)
            host_barrier(sim, (struct behind){.kind = BEHIND_TELL, .task = NO_TASK});
    }
    watch_deadline(sim);
}

static void say_record(const struct sim *sim, const struct event *event,
                       const struct decisions *decisions)
{
    if (!sim->verbose)
        return;
    sim_say(sim, "%zu %s of task %u attempt %u %s", sim->record_count, event_kind_word(event->kind),
            event->task, event->attempt, event->effect ? event->effect : "");
    for (size_t i = 0; i < decisions->count; i++)
        sim_say(sim, "      %s by %s, task %u", decision_kind_word(decisions->list[i].kind),
                decisions->list[i].rule, decisions->list[i].task);
}

void host_attach_plan(struct sim *sim, const struct run *run, struct event *event, bool again)
{
    const struct flow *flow;
    uint32_t step;
    struct flow_options options;
    struct findings findings;
    struct error err;
    json_t *fragment, *errors;
    if ((again && (!event->planned || event->plan_errors)) ||
        !run_plan_of(run, event, &flow, &step, &fragment, &errors))
        return;
    flow_terms(run_flow(run), &options);
    findings_init(&findings);
    if (fragment &&
        flow_compile_plan(flow, step, fragment, &options, &event->plan, &findings, &err) != ERR_OK)
        errors = json_pack("[s]", err.text);
    if (again && errors)
        violate(sim, "a plan does not compile any more");
    event->planned = fragment || errors;
    event->plan_errors = errors;
    findings_done(&findings);
    json_decref(fragment);
}

void host_happen(struct sim *sim, struct event *event, struct decision *ret_first)
{
    struct decisions decisions = {0};
    struct decision decision;
    ASSERT(!sim->dead);
    event->at_ms = sim->now > run_time(sim->run) ? sim->now : run_time(sim->run);
    host_attach_plan(sim, sim->run, event, false);
    run_apply(sim->run, event);
    while (run_decide(sim->run, event, &decision)) {
        check_decision(sim, event, &decision);
        run_follow(sim->run, event, &decision);
        if (decisions.count == decisions.room) {
            decisions.room += 8;
            decisions.list = xrealloc(decisions.list, decisions.room * sizeof(decision));
        }
        decisions.list[decisions.count++] = decision;
    }
    append(sim, event, &decisions);
    say_record(sim, event, &decisions);
    check_event(sim);
    if (!write_kills(sim))
        carry_out(sim, &decisions);
    if (!sim->dead)
        calls_wake(sim);
    if (ret_first) {
        *ret_first = decisions.count ? decisions.list[0] : (struct decision){0};
        if (decisions.count)
            decisions.list[0] = (struct decision){0};
    }
    decisions_done(&decisions);
    flow_unref(event->plan);
    json_decref(event->plan_errors);
    event->plan = NULL;
    event->plan_errors = NULL;
    event->planned = false;
}

/* ---- items ---- */

static void barrier_reached(struct sim *sim, const struct behind *behind)
{
    bool early = sim_chance(sim, 500);
    if (early && write_kills(sim))
        return;
    if (behind->upto > sim->durable)
        sim->durable = behind->upto;
    if (!early && write_kills(sim))
        return;
    struct event refused = {.kind = EVENT_ENDED,
                            .task = behind->start.task,
                            .attempt = behind->start.attempt,
                            .end = END_NOT_STARTED,
                            .cause = CAUSE_UNAVAILABLE,
                            .code = "not-started",
                            .message = "no room"};
    switch (behind->kind) {
    case BEHIND_NOTHING:
        break;
    case BEHIND_START:
        if (sim_bad_luck(sim, 5))
            host_happen(sim, &refused, NULL);
        else
            calls_start(sim, &behind->start);
        break;
    case BEHIND_BEGIN:
        calls_begun(sim, behind);
        break;
    case BEHIND_TELL:
        if (behind->task != NO_TASK)
            people_asked(sim, behind->task);
        else
            sim->told = true;
        break;
    }
}

static void alarm_rings(struct sim *sim, const struct item *item)
{
    const struct alarm *alarm = item->what;
    if (alarm->kind == EVENT_TIME_SPENT) {
        if (sim->deadline_ms != (int64_t)item->number)
            return;
        sim->deadline_ms = -1;
    }
    struct event event = {.kind = alarm->kind, .task = alarm->task, .revision = alarm->revision};
    host_happen(sim, &event, NULL);
}

void host_item(struct sim *sim, const struct item *item)
{
    switch (item->kind) {
    case ITEM_BARRIER:
        barrier_reached(sim, item->what);
        break;
    case ITEM_ALARM:
        alarm_rings(sim, item);
        break;
    case ITEM_CALL:
        calls_go_on(sim, item->number);
        break;
    case ITEM_TIMEOUT:
        calls_time_out(sim, item->number);
        break;
    case ITEM_ANSWER:
        calls_answered(sim, item->what);
        break;
    case ITEM_COMPLETE:
        host_happen(sim, item->what, NULL);
        break;
    case ITEM_COMMIT:
    case ITEM_STRIKE:
    case ITEM_PERSON:
    case ITEM_LETTER:
    case ITEM_CANCEL:
    case ITEM_PAUSE:
    case ITEM_RESUME:
        UNREACHABLE("an item of the world");
    }
}

/* ---- beginning and taking over ---- */

void host_free(struct sim *sim)
{
    run_free(sim->run);
    run_free(sim->follower);
    run_free(sim->twin);
    sim->run = sim->follower = sim->twin = NULL;
}

void host_begin(struct sim *sim)
{
    struct event event = {.kind = EVENT_STARTED,
                          .run = "run",
                          .store = "store",
                          .seed = sim->seed >> 1,
                          .input = json_object()};
    sim->run = run_new(sim->scene->flow);
    sim->follower = run_new(sim->scene->flow);
    sim->twin = sim->thorough ? run_new(sim->scene->flow) : NULL;
    sim->deadline_ms = -1;
    host_happen(sim, &event, NULL);
    json_decref(event.input);
}

static struct run *fold(struct sim *sim, bool decide)
{
    struct run *run = run_new(sim->scene->flow);
    for (size_t i = 0; i < sim->record_count; i++) {
        struct record record;
        struct error err;
        struct decisions again = {0};
        if (record_read(sim->records[i], &record, &err) != ERR_OK)
            violate(sim, "record %zu cannot be read: %s", i, err.text);
        host_attach_plan(sim, run, &record.event, true);
        if (decide) {
            run_advance(run, &record.event, &again);
        } else {
            run_apply(run, &record.event);
            for (size_t d = 0; d < record.decisions.count; d++)
                run_follow(run, &record.event, &record.decisions.list[d]);
        }
        decisions_done(&again);
        flow_unref(record.event.plan);
        record_done(&record);
    }
    return run;
}

void host_resume(struct sim *sim)
{
    struct event event = {.kind = EVENT_TAKEN_OVER, .rules = RULES_VERSION};
    sim->dead = false;
    sim->deadline_ms = -1;
    host_free(sim);
    if (sim->record_count == 0) {
        host_begin(sim);
        return;
    }
    sim->run = fold(sim, false);
    sim->follower = fold(sim, false);
    sim->twin = sim->thorough ? fold(sim, true) : NULL;
    if (run_status_is_final(run_status(sim->run))) {
        sim->told = true;
        return;
    }
    for (uint32_t i = 0; i < run_task_count(sim->run); i++) {
        struct question_view question;
        watch_task(sim, i);
        if (run_question(sim->run, i, &question))
            people_asked(sim, i);
    }
    host_happen(sim, &event, NULL);
}

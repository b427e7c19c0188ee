/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold. Before each decision is followed: the laws that it could break, and its word
 * against the world's ledger. After each event: budget, concurrency, and that the fold of the
 * records is the state. At the end: that the host's knowledge is the world's, that nothing was left
 * behind which no person saw, and that what was undone was undone from the last to the first.
 */
#include "sim.h"

#include <string.h>

enum { EVENTS_MAX = 5000 };

static bool writes(const struct agent *agent)
{
    return agent->effect == CLASS_WRITE || agent->effect == CLASS_WRITE_IDEMPOTENT;
}

static bool in_doubt(enum outcome outcome)
{
    return outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_OPEN;
}

static bool task_in_doubt(const struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (in_doubt(task->effects[i].outcome))
            return true;
    return false;
}

static const struct entry *entry_of(const struct sim *sim, const char *key)
{
    for (size_t i = 0; i < sim->entry_count; i++)
        if (strcmp(sim->entries[i]->key, key) == 0)
            return sim->entries[i];
    return NULL;
}

/* ---- before a decision is followed ---- */

static uint32_t at_work_in(const struct run *run, uint32_t frame)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->task_count; i++)
        count += run->tasks[i]->in_flight && run->tasks[i]->parent == NO_TASK &&
                 run->tasks[i]->frame == frame;
    return count;
}

static void check_start(struct sim *sim, const struct decision *start)
{
    const struct task *task = task_at(sim->run, start->task);
    const struct agent *agent = task_callee(sim->run, task)->agent;
    bool nested = task->parent != NO_TASK;
    if (!nested && sim->run->places >= (uint32_t)sim->run->flow->concurrency)
        violate(sim, "more calls at once than the flow allows");
    if (!nested &&
        at_work_in(sim->run, task->frame) >= (uint32_t)frame_of(sim->run, task)->flow->concurrency)
        violate(sim, "more calls at once than the flow within allows");
    if (nested && !start->reconciling && task_is_orphan(sim->run, task) && !task_in_doubt(task))
        violate(sim, "%s starts, and nobody waits for it", task->path);
    if (nested &&
        agent->effect > task_callee(sim->run, sim->run->tasks[task->parent])->agent->effect)
        violate(sim, "%s changes more than whoever called it", task->path);
    if (start->reconciling) {
        if (!task_in_doubt(task))
            violate(sim, "%s is reconciled without a doubt", task->path);
        return;
    }
    if (sim->run->frames[0]->ending != RUN_RUNNING && task->role != ROLE_UNDO &&
        !task_any_done(sim->run, task))
        violate(sim, "%s starts while the run is ending", task->path);
    for (uint32_t i = 0; i < task->effect_count; i++) {
        const struct effect *effect = &task->effects[i];
        bool bare = effect->outcome == OUTCOME_DONE && effect->implicit;
        if (agent->effect == CLASS_WRITE && (in_doubt(effect->outcome) || bare))
            violate(sim, "%s, a write, is called again with effect %s not NONE and not replayed",
                    task->path, effect->name);
    }
}

static void check_begin(struct sim *sim, const struct event *event, const struct decision *decision)
{
    const struct task *task = task_at(sim->run, decision->task);
    const struct effect *effect = task_effect(task, event->effect);
    const struct agent *agent = task_callee(sim->run, task)->agent;
    bool done = effect && effect->outcome == OUTCOME_DONE;
    if (effect && (decision->begin == BEGIN_FRESH || decision->begin == BEGIN_DONE) &&
        strcmp(effect->digest ? effect->digest : "", event->digest) != 0)
        violate(sim, "effect %s of %s is begun with another request", event->effect, task->path);
    if (decision->begin != BEGIN_FRESH)
        return;
    if (done && !effect->response)
        violate(sim, "effect %s of %s is done and begun afresh", event->effect, task->path);
    if (effect && in_doubt(effect->outcome) && agent->effect == CLASS_WRITE)
        violate(sim, "effect %s of %s is in doubt and begun afresh", event->effect, task->path);
    if (sim->run->frames[0]->ending != RUN_RUNNING && task->role != ROLE_UNDO && !done &&
        !(effect && in_doubt(effect->outcome)))
        violate(sim, "effect %s of %s begins while the run is ending", event->effect, task->path);
}

/* A name is one piece of work. */
static void check_call(struct sim *sim, const struct event *event, const struct decision *decision)
{
    uint32_t child = run_nested_find(sim->run, decision->task, event->effect);
    bool given = decision->begin != BEGIN_CONFLICT && decision->begin != BEGIN_REFUSED;
    if (child != NO_TASK && given &&
        strcmp(sim->run->tasks[child]->nested->digest, event->digest) != 0)
        violate(sim, "call %s is answered, and was another", sim->run->tasks[child]->path);
}

/* An output that is taken knows of everything that was done for it. */
static void check_accept(struct sim *sim, const struct decision *decision)
{
    const struct task *task = task_at(sim->run, decision->task);
    bool by_agent = strcmp(decision->rule, "output-accepted") == 0;
    for (uint32_t i = 0; by_agent && i < task->child_count; i++) {
        const struct task *child = sim->run->tasks[task->children[i]];
        if (child->nested->last_call != task->tries && task_any_done(sim->run, child))
            violate(sim, "%s is taken, and never asked for %s", task->path, child->path);
    }
}

static void check_resolve(struct sim *sim, const struct decision *decision)
{
    const struct task *task = task_at(sim->run, decision->task);
    const struct effect *effect = task_effect(task, decision->effect);
    const struct entry *entry = entry_of(sim, effect->key);
    bool happened = entry && entry->commits > 0;
    /* what the world has fenced off may be pending and yet never happen */
    bool may = entry && entry->pending > 0 && entry->generation == 0;
    if (decision->outcome == OUTCOME_NONE && (happened || may))
        violate(sim, "%s of %s is said not to have happened, by %s, and it %s", effect->name,
                task->path, decision->rule, happened ? "has" : "still may");
    if (decision->outcome == OUTCOME_DONE && !happened)
        violate(sim, "%s of %s is said to have happened, by %s, and has not", effect->name,
                task->path, decision->rule);
}

static void check_leaving(struct sim *sim, const struct decision *decision)
{
    const struct task *task = task_at(sim->run, decision->task);
    bool accepted = strcmp(decision->rule, "output-accepted") == 0;
    for (uint32_t i = 0; accepted && i < task->effect_count; i++)
        if (task->effects[i].outcome == OUTCOME_DONE && task->effects[i].last_begin != task->tries)
            violate(sim, "%s is accepted, and knows nothing of effect %s, which is done",
                    task->path, task->effects[i].name);
    if (task_in_doubt(task))
        violate(sim, "%s is left by %s (%s) with an effect in doubt", task->path, decision->rule,
                decision_kind_word(decision->kind));
}

static void check_end(struct sim *sim, const struct decision *decision)
{
    for (uint32_t i = 0; i < sim->run->task_count; i++)
        if (task_in_doubt(sim->run->tasks[i]))
            violate(sim, "the run ends with an effect of %s in doubt", sim->run->tasks[i]->path);
    if (sim->run->in_flight > 0)
        violate(sim, "the run ends with calls in flight");
    if (decision->status != RUN_DONE && sim->run->frames[0]->undo.count > 0)
        violate(sim, "the run ends before everything is undone");
}

void check_decision(struct sim *sim, const struct event *event, const struct decision *decision)
{
    if (!decision->rule || !rule_meaning(decision->rule))
        violate(sim, "a %s without a rule that has a meaning: %s",
                decision_kind_word(decision->kind), decision->rule ? decision->rule : "none");
    switch (decision->kind) {
    case DECISION_START:
        check_start(sim, decision);
        break;
    case DECISION_EFFECT:
        check_begin(sim, event, decision);
        break;
    case DECISION_RESOLVE:
        check_resolve(sim, decision);
        break;
    case DECISION_CALL:
        check_call(sim, event, decision);
        break;
    case DECISION_ACCEPT:
        check_accept(sim, decision);
        check_leaving(sim, decision);
        break;
    case DECISION_FAIL:
    case DECISION_FALL_BACK:
    case DECISION_ABANDON:
        check_leaving(sim, decision);
        break;
    case DECISION_END:
        check_end(sim, decision);
        break;
    case DECISION_ADMIT:
    case DECISION_SKIP:
    case DECISION_JUDGE:
    case DECISION_RETRY:
    case DECISION_STOP:
    case DECISION_ASK:
    case DECISION_REFUSE_ANSWER:
    case DECISION_RECONCILE:
    case DECISION_RESERVE:
    case DECISION_HOLD:
    case DECISION_ENTER:
    case DECISION_LEAVE:
    case DECISION_ADOPT:
    case DECISION_PERMIT:
    case DECISION_UNWIND:
    case DECISION_UNDO:
        break;
    }
}

/* ---- after an event ---- */

static void check_limit(struct sim *sim, const char *what, int64_t limit, int64_t used)
{
    if (limit >= 0 && used > limit)
        violate(sim, "%lld %s are spent or set aside, and the limit is %lld", (long long)used, what,
                (long long)limit);
}

static void check_budget(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->run->account_count; i++) {
        const struct budget *budget = &sim->run->accounts[i].limit;
        const struct spent *spent = &sim->run->accounts[i].spent;
        check_limit(sim, "attempts", budget->attempts, spent->attempts);
        check_limit(sim, "calls", budget->calls, spent->calls);
        check_limit(sim, "tokens", budget->tokens, spent->tokens + spent->reserved_tokens);
        check_limit(sim, "millionths", budget->cost, spent->cost + spent->reserved_cost);
        check_limit(sim, "recovery calls", budget->recovery_calls, spent->recovery);
        if (spent->reserved_tokens < 0 || spent->reserved_cost < 0)
            violate(sim, "less than nothing is set aside");
    }
}

static void follow_record(struct sim *sim, struct run *run, struct run *twin, json_t *json)
{
    struct record record;
    struct error err;
    struct decisions again = {0};
    if (record_read(json, &record, &err) != ERR_OK)
        violate(sim, "the record cannot be read: %s", err.text);
    host_attach_plan(sim, run, &record.event, true);
    run_apply(run, &record.event);
    for (size_t i = 0; i < record.decisions.count; i++)
        run_follow(run, &record.event, &record.decisions.list[i]);
    if (twin) {
        run_advance(twin, &record.event, &again);
        json_t *anew = record_json(twin, &record.event, &again);
        if (!json_equal(json, anew))
            violate(sim, "the same event is decided otherwise");
        json_decref(anew);
        decisions_done(&again);
    }
    flow_unref(record.event.plan);
    record_done(&record);
}

void check_event(struct sim *sim)
{
    json_t *json = sim->records[sim->record_count - 1];
    if (++sim->events > EVENTS_MAX)
        violate(sim, "no end after %d events", EVENTS_MAX);
    check_budget(sim);
    if (sim->thorough) {
        char *text = json_dumps(json, JSON_COMPACT);
        json_t *back = json_loads(text, 0, NULL);
        follow_record(sim, sim->follower, sim->twin, back);
        json_decref(back);
        freep(&text);
    } else {
        follow_record(sim, sim->follower, NULL, json);
    }
    const char *difference = state_difference(sim->run, sim->follower);
    if (!difference && sim->twin)
        difference = state_difference(sim->run, sim->twin);
    if (difference)
        violate(sim, "the fold of the records differs in %s", difference);
}

/* ---- at the end ---- */

static void check_knowledge(struct sim *sim)
{
    size_t known = 0, happened = 0;
    for (size_t i = 0; i < sim->entry_count; i++)
        happened += sim->entries[i]->commits > 0;
    for (uint32_t i = 0; i < sim->run->task_count; i++) {
        const struct task *task = sim->run->tasks[i];
        for (uint32_t e = 0; e < task->effect_count; e++) {
            const struct effect *effect = &task->effects[e];
            const struct entry *entry = entry_of(sim, effect->key);
            bool did = entry && entry->commits > 0;
            if (did != (effect->outcome == OUTCOME_DONE))
                violate(sim, "effect %s of %s %s, and the host thinks that it %s", effect->name,
                        task->path, did ? "happened" : "did not happen", did ? "did not" : "did");
            known += did;
        }
    }
    if (known != happened)
        violate(sim, "the world saw %zu effects, and the host knows of %zu", happened, known);
}

/* What happened in a step that did not come to an end was shown to a person. */
static bool was_asked_about(const struct run *run, const struct task *task)
{
    while (task->revision == 0 && task->parent != NO_TASK)
        task = run->tasks[task->parent];
    return task->revision > 0;
}

static void check_left_behind(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->run->task_count; i++) {
        const struct task *task = sim->run->tasks[i];
        if (task->state != TASK_DONE && task_any_done(sim->run, task) &&
            !was_asked_about(sim->run, task))
            violate(sim, "%s is left with an effect done, and nobody was asked", task->path);
        if (!task_state_is_final(task->state) && sim->run->frames[0]->status == RUN_DONE)
            violate(sim, "the run is done, and %s is not", task->path);
    }
}

static const char *word(const json_t *decision, const char *key)
{
    const char *value = json_string_value(json_object_get(decision, key));
    return value ? value : "";
}

static void check_accepted(struct sim *sim, const json_t *decision)
{
    const struct task *task =
        task_at(sim->run, (uint32_t)json_integer_value(json_object_get(decision, "task")));
    const struct agent *agent = task_callee(sim->run, task)->agent;
    unsigned done = 0, wanted = agent->brokered ? personality_of(agent)->effects : 1;
    if (!writes(agent) || strcmp(word(decision, "rule"), "output-accepted") != 0)
        return;
    for (uint32_t i = 0; i < task->effect_count; i++) {
        bool own = !agent->brokered || !task->effects[i].implicit;
        done += own && task->effects[i].outcome == OUTCOME_DONE;
    }
    if (done != wanted)
        violate(sim, "%s was accepted with %u of %u effects done", task->path, done, wanted);
}

/* Every start is paid for, but for those that never began, which may have been given back. */
static void check_starts(struct sim *sim)
{
    const struct spent *spent = &sim->run->accounts[0].spent;
    int64_t starts = 0, never = 0, paid = spent->calls + spent->recovery;
    for (size_t r = 0; r < sim->record_count; r++) {
        const json_t *event = json_object_get(sim->records[r], "event");
        size_t i;
        json_t *decision;
        never += strcmp(word(event, "end"), "not-started") == 0;
        json_array_foreach (json_object_get(sim->records[r], "decisions"), i, decision)
            starts += strcmp(word(decision, "kind"), "start") == 0;
    }
    if (paid > starts || paid < starts - never)
        violate(sim, "%lld starts, of which %lld never began, and %lld are paid for",
                (long long)starts, (long long)never, (long long)paid);
}

/* Is the task within one whose own undo takes the place of those inside? */
static bool undone_as_one(const struct run *run, const struct task *task)
{
    for (uint32_t up = frame_of(run, task)->parent; up != NO_TASK;
         up = frame_of(run, run->tasks[up])->parent)
        if (run->tasks[up]->state == TASK_DONE && step_of(run, run->tasks[up])->undo.agent)
            return true;
    return false;
}

static bool has_undo(const struct run *run, const struct task *task)
{
    return step_of(run, task)->undo.agent && task->role != ROLE_UNDO && task->role != ROLE_CALL;
}

/* Undos come in the reverse order of what they undo, in each flow, and none is missing of a flow
 * that did not stay done. */
static void check_undos(struct sim *sim, uint32_t frame)
{
    const struct run *run = sim->run;
    uint32_t done[256];
    size_t count = 0;
    for (size_t r = 0; r < sim->record_count; r++) {
        size_t i;
        json_t *decision;
        json_array_foreach (json_object_get(sim->records[r], "decisions"), i, decision) {
            uint32_t index = (uint32_t)json_integer_value(json_object_get(decision, "task"));
            bool accept = strcmp(word(decision, "kind"), "accept") == 0;
            bool undo = strcmp(word(decision, "kind"), "undo") == 0;
            if ((!accept && !undo) || task_at(run, index)->frame != frame ||
                !has_undo(run, task_at(run, index)))
                continue;
            if (accept)
                done[count++] = index;
            else if (count == 0 || done[--count] != index)
                violate(sim, "%s is undone out of turn", task_at(run, index)->path);
        }
    }
    if (run->frames[frame]->status != RUN_DONE && count > 0 &&
        !undone_as_one(run, task_at(run, done[0])))
        violate(sim, "%zu steps that were done are not undone", count);
}

static void check_history(struct sim *sim)
{
    for (uint32_t frame = 0; frame < sim->run->frame_count; frame++)
        check_undos(sim, frame);
    for (size_t r = 0; r < sim->record_count; r++) {
        size_t i;
        json_t *decision;
        json_array_foreach (json_object_get(sim->records[r], "decisions"), i, decision)
            if (strcmp(word(decision, "kind"), "accept") == 0)
                check_accepted(sim, decision);
    }
}

void check_final(struct sim *sim)
{
    check_knowledge(sim);
    check_left_behind(sim);
    check_starts(sim);
    check_history(sim);
}

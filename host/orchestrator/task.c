/* SPDX-License-Identifier: Apache-2.0
 *
 * Tasks: how they come to be, where they stand, and what it means for others that one changes its
 * state. The run counts what can go on without a person, and a flow its places: at once in line or
 * in flight there are as many of its tasks as its `concurrency` says, the others stand outside. A
 * call within a call takes no place, since its caller waits for it in one.
 */
#include "orchestrator/state_internal.h"

#include <stdlib.h>
#include <string.h>

void replace_json(json_t **slot, json_t *value)
{
    json_incref(value);
    json_decref(*slot);
    *slot = value;
}

/* ---- coming to be ---- */

static char *path_of(const struct frame *frame, const struct step *step, int64_t item,
                     enum role role)
{
    static const char *const roles[] = {
        [ROLE_MAIN] = "", [ROLE_FALLBACK] = "/fallback", [ROLE_UNDO] = "/undo", [ROLE_CALL] = ""};
    AUTO(text_done) struct text path;
    text_init(&path, SIZE_MAX / 2);
    text_adds(&path, frame->prefix);
    text_adds(&path, step->name);
    if (item >= 0) {
        text_addc(&path, '[');
        text_addi(&path, item);
        text_addc(&path, ']');
    }
    text_adds(&path, roles[role]);
    return xstrndup(path.ptr, path.len); /* no longer than it is: there may be many */
}

static uint32_t add_task(struct run *run, struct task task)
{
    if (run->task_count == run->task_room) {
        run->task_room = run->task_room ? run->task_room * 2 : 4;
        run->tasks = xrealloc(run->tasks, run->task_room * sizeof(struct task *));
    }
    struct frame *frame = run->frames[task.frame];
    task.due_ms = task.deadline_ms = task.ends_ms = -1;
    task.state = TASK_READY;
    run->tasks[run->task_count] = xmalloc(sizeof(task));
    *run->tasks[run->task_count] = task;
    run->busy++;
    frame->open++;
    line_push(&frame->tasks, run->task_count);
    task_line_up(run, run->task_count);
    return run->task_count++;
}

uint32_t task_new(struct run *run, uint32_t frame, uint32_t step, int64_t item, enum role role)
{
    const struct frame *in = run->frames[frame];
    return add_task(run, (struct task){
                             .frame = frame,
                             .account = in->account,
                             .parent = NO_TASK,
                             .step = step,
                             .item = item,
                             .role = role,
                             .path = path_of(in, &in->flow->steps[step], item, role),
                         });
}

/* ---- calls within calls ---- */

static int64_t duration_in(const json_t *object, const char *key, int64_t unless)
{
    const json_t *value = json_object_get(object, key);
    int64_t ms;
    return json_is_string(value) && duration_parse(slice_of(json_string_value(value)), &ms)
               ? ms
               : unless;
}

static int64_t amount_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
                                                                    : -1;
}

/* As a flow's `retry_on`. */
static unsigned causes_in(const json_t *retry)
{
    const json_t *list = json_object_get(retry, "retry_on"), *word;
    unsigned causes = 0;
    size_t i;
    enum cause cause;
    if (!json_is_array(list))
        return 1u << CAUSE_UNAVAILABLE | 1u << CAUSE_RATE_LIMITED | 1u << CAUSE_TIMEOUT |
               1u << CAUSE_BUSY | 1u << CAUSE_CRASH | 1u << CAUSE_CONTRACT;
    json_array_foreach (list, i, word) {
        if (json_is_string(word) && cause_from_word(slice_of(json_string_value(word)), &cause))
            causes |= 1u << cause;
    }
    return causes;
}

/* One attempt, unless the caller says more. */
static struct retry retry_of(const json_t *terms)
{
    const json_t *retry = json_object_get(terms, "retry");
    const json_t *coefficient = json_object_get(retry, "backoff_coefficient");
    const char *jitter = json_string_value(json_object_get(retry, "jitter"));
    int64_t tries = amount_in(retry, "max_attempts");
    return (struct retry){
        .max_attempts = tries < 1      ? 1
                        : tries > 1000 ? 1000
                                       : (int)tries,
        .initial_ms = duration_in(retry, "initial_interval", 200),
        .max_ms = duration_in(retry, "max_interval", 10000),
        .coefficient = json_is_number(coefficient) ? json_number_value(coefficient) : 2,
        .jitter = !jitter || strcmp(jitter, "none") != 0,
        .on = causes_in(retry),
    };
}

static uint32_t account_of_call(struct run *run, uint32_t account, uint32_t task,
                                const json_t *terms)
{
    const json_t *budget = json_object_get(terms, "budget");
    const char *cost = json_string_value(json_object_get(budget, "cost"));
    struct budget limit = {
        .attempts = amount_in(budget, "attempts"),
        .calls = amount_in(budget, "calls"),
        .tokens = amount_in(budget, "tokens"),
        .cost = -1,
        .time_ms = -1,
        .recovery_calls = -1,
    };
    int64_t millionths;
    if (!json_is_object(budget))
        return account;
    if (cost && money_parse(slice_of(cost), &millionths))
        limit.cost = millionths;
    return account_new(run, account, task, &limit);
}

uint32_t task_new_call(struct run *run, uint32_t parent, const struct agent *agent,
                       const struct event *event)
{
    const struct task *asks = run->tasks[parent];
    struct nested *nested = xcalloc(1, sizeof(*nested));
    int64_t timeout_ms = amount_in(event->request, "timeout_ms");
    *nested = (struct nested){
        .callee = {.agent = agent, .reconcile = agent->reconciler},
        .retry = retry_of(event->request),
        .timeout_ms = timeout_ms > 0 ? timeout_ms : -1,
        .name = xstrdup(event->effect),
        .digest = xstrdup(event->digest ? event->digest : ""),
    };
    uint32_t index =
        add_task(run, (struct task){
                          .frame = asks->frame,
                          .account = asks->account,
                          .parent = parent,
                          .nested = nested,
                          .step = asks->step,
                          .item = asks->item,
                          .role = ROLE_CALL,
                          .path = xasprintf("%s/%s", asks->path, event->effect),
                          .input.value = event->body ? json_incref(event->body) : json_object(),
                      });
    struct task *caller = run->tasks[parent];
    run->tasks[index]->account = account_of_call(run, caller->account, index, event->request);
    caller->children =
        xrealloc(caller->children, (caller->child_count + 1) * sizeof(*caller->children));
    caller->children[caller->child_count++] = index;
    caller->children_open++;
    return index;
}

static void effect_done(struct effect *effect)
{
    free(effect->name);
    free(effect->digest);
    json_decref(effect->request);
    json_decref(effect->response);
    json_decref(effect->result);
}

static void nested_free(struct nested *nested)
{
    if (!nested)
        return;
    free(nested->name);
    free(nested->digest);
    free(nested);
}

void task_free(struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        effect_done(&task->effects[i]);
    nested_free(task->nested);
    flow_unref(task->plan);
    free(task->children);
    free(task->effects);
    free(task->path);
    rested_done(&task->input);
    json_decref(task->feedback);
    json_decref(task->output);
    json_decref(task->error);
    json_decref(task->undo_input);
    json_decref(task->undo_error);
    json_decref(task->shown);
    verdict_done(&task->verdict);
    free(task);
}

struct effect *task_add_effect(const struct run *run, struct task *task, const char *name)
{
    task->effects = xrealloc(task->effects, (task->effect_count + 1) * sizeof(*task->effects));
    struct effect *effect = &task->effects[task->effect_count++];
    *effect = (struct effect){.name = xstrdup(name)};
    effect_key(run->store, run->id, task->path, task->item, name, effect->key);
    return effect;
}

/* ---- standing in line ---- */

/* The run's own flow is held to its concurrency where starts are decided. */
static bool has_places(const struct frame *frame)
{
    return frame->parent != NO_TASK;
}

void task_line_up(struct run *run, uint32_t index)
{
    struct task *task = run->tasks[index];
    struct frame *frame = frame_of(run, task);
    if (task->parent != NO_TASK) {
        line_push(&run->called, index);
    } else if (!has_places(frame) || task->lined) {
        line_push(&run->ready, index);
    } else if (frame->places >= (uint32_t)frame->flow->concurrency) {
        line_push(&frame->outside, index);
    } else {
        frame->places++;
        task->lined = true;
        line_push(&run->ready, index);
    }
}

void task_give_place(struct run *run, uint32_t index)
{
    struct task *task = run->tasks[index];
    struct frame *frame = frame_of(run, task);
    uint32_t next;
    if (!task->lined)
        return;
    task->lined = false;
    frame->places--;
    if (line_first(&frame->outside, &next)) {
        line_pop(&frame->outside);
        task_line_up(run, next);
    }
}

static struct line *standing_in(struct run *run, uint32_t index)
{
    struct line *lines[] = {&run->agenda, &run->called};
    uint32_t head;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (line_first(lines[i], &head) && head == index)
            return lines[i];
    return line_near(&run->ready, index) ? &run->ready : NULL;
}

void task_take_off(struct run *run, uint32_t index)
{
    struct line *line = standing_in(run, index);
    if (line)
        line_remove(line, index);
    if (line == &run->ready)
        task_give_place(run, index);
}

void task_step_forward(struct run *run, uint32_t index)
{
    struct line *line = standing_in(run, index);
    if (line)
        line_remove(line, index);
}

/* ---- states ---- */

/* Neither final, nor a person's turn, nor that of what it waits for, which counts itself. */
static bool is_busy(enum task_state state)
{
    return !task_state_is_final(state) && state != TASK_ASKING && state != TASK_INSIDE &&
           state != TASK_HELD;
}

/* What called it may go on. */
static void tell_caller(struct run *run, uint32_t index)
{
    uint32_t caller = run->tasks[index]->parent;
    struct task *task = run->tasks[caller];
    ASSERT(task->children_open > 0);
    if (--task->children_open > 0 || task->state != TASK_HELD)
        return;
    task_set_state(run, caller, TASK_JUDGED);
    line_push(&run->agenda, caller);
}

void task_set_state(struct run *run, uint32_t index, enum task_state state)
{
    struct task *task = run->tasks[index];
    bool again = task->state == TASK_ABANDONED && task->parent != NO_TASK;
    ASSERT(!task_state_is_final(task->state) || again);
    run->asking += (uint32_t)(state == TASK_ASKING) - (uint32_t)(task->state == TASK_ASKING);
    run->busy += (uint32_t)is_busy(state) - (uint32_t)is_busy(task->state);
    bool waited = task_waits_for_person(task);
    task->state = state;
    if (waited)
        task->aside_ms += run->now_ms - task->aside_since_ms;
    if (task_waits_for_person(task))
        task->aside_since_ms = run->now_ms;
    if (!task_state_is_final(state))
        return;
    struct frame *frame = frame_of(run, task);
    frame->open--;
    if (task->parent != NO_TASK)
        tell_caller(run, index);
    else if (task->role == ROLE_UNDO)
        frame->undoing = NO_TASK;
    else if (state != TASK_REPLACED && state != TASK_ABANDONED)
        frame_finish_part(run, index);
}

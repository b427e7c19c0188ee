/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether two runs are in the same state, to the last field: what is not compared here is not
 * proven to be the fold of the records.
 */
#include "sim.h"

#include <string.h>

#define SAME(a, b, field)                                                                          \
    do {                                                                                           \
        if ((a)->field != (b)->field)                                                              \
            return #field;                                                                         \
    } while (0)
#define SAME_JSON(a, b, field)                                                                     \
    do {                                                                                           \
        if ((a)->field != (b)->field && !json_equal((a)->field, (b)->field))                       \
            return #field;                                                                         \
    } while (0)
#define SAME_TEXT(a, b, field)                                                                     \
    do {                                                                                           \
        if (strcmp((a)->field ? (a)->field : "", (b)->field ? (b)->field : "") != 0)               \
            return #field;                                                                         \
    } while (0)

static const char *effect_difference(const struct effect *a, const struct effect *b)
{
    SAME_TEXT(a, b, name);
    SAME_TEXT(a, b, key);
    SAME_TEXT(a, b, digest);
    SAME_JSON(a, b, request);
    SAME(a, b, outcome);
    SAME(a, b, automatic);
    SAME(a, b, implicit);
    SAME_JSON(a, b, response);
    SAME_JSON(a, b, result);
    SAME(a, b, last_begin);
    SAME(a, b, begun_by);
    SAME(a, b, first_ms);
    SAME(a, b, closed_ms);
    SAME(a, b, said_never);
    SAME(a, b, doubted);
    return NULL;
}

static const char *verdict_difference(const struct verdict *a, const struct verdict *b)
{
    SAME(a, b, cause);
    SAME(a, b, accepted);
    SAME(a, b, fits);
    SAME(a, b, deferred);
    SAME_JSON(a, b, output);
    SAME_JSON(a, b, error);
    SAME_JSON(a, b, feedback);
    SAME(a, b, retry_after_ms);
    return NULL;
}

static const char *task_difference(const struct task *a, const struct task *b)
{
    SAME(a, b, frame);
    SAME(a, b, account);
    SAME(a, b, parent);
    SAME(a, b, child_count);
    SAME(a, b, children_open);
    SAME(a, b, inside);
    SAME(a, b, deferrals);
    SAME(a, b, lined);
    SAME(a, b, repeats);
    SAME(a, b, ends_ms);
    SAME(a, b, used_tokens);
    SAME(a, b, used_cost);
    SAME(a, b, used_attempts);
    SAME(a, b, used_calls);
    SAME(a, b, aside_ms);
    SAME(a, b, aside_since_ms);
    SAME(a, b, verdict.gave_way);
    SAME(a, b, used_recovery);
    SAME(a, b, step);
    SAME(a, b, item);
    SAME(a, b, role);
    SAME(a, b, state);
    SAME_TEXT(a, b, path);
    SAME(a, b, serial);
    SAME(a, b, tries);
    SAME(a, b, extra);
    SAME(a, b, reconciles);
    SAME(a, b, in_flight);
    SAME(a, b, reconciling);
    SAME(a, b, stopping);
    SAME(a, b, conflict);
    SAME(a, b, due);
    SAME(a, b, cleared);
    SAME(a, b, on_recovery);
    SAME(a, b, judged);
    SAME(a, b, resumed);
    SAME_JSON(a, b, input.value);
    SAME_JSON(a, b, feedback);
    SAME_JSON(a, b, output);
    SAME_JSON(a, b, error);
    SAME_JSON(a, b, undo_input);
    SAME_JSON(a, b, undo_error);
    SAME(a, b, first_ms);
    SAME(a, b, due_ms);
    SAME(a, b, asked_ms);
    SAME(a, b, about);
    SAME(a, b, reserved_tokens);
    SAME(a, b, reserved_cost);
    SAME(a, b, spent_tokens);
    SAME(a, b, spent_cost);
    SAME(a, b, said_spent);
    SAME(a, b, question);
    SAME(a, b, revision);
    SAME(a, b, deadline_ms);
    SAME_JSON(a, b, shown);
    SAME(a, b, effect_count);
    for (uint32_t i = 0; i < a->effect_count; i++) {
        const char *difference = effect_difference(&a->effects[i], &b->effects[i]);
        if (difference)
            return difference;
    }
    return verdict_difference(&a->verdict, &b->verdict);
}

static const char *step_difference(const struct step_run *a, const struct step_run *b)
{
    SAME(a, b, state);
    SAME(a, b, waiting);
    SAME_JSON(a, b, items);
    SAME(a, b, task_count);
    SAME(a, b, next);
    SAME(a, b, active);
    SAME(a, b, final);
    SAME_JSON(a, b, output);
    if (a->task_count && memcmp(a->tasks, b->tasks, a->task_count * sizeof(*a->tasks)) != 0)
        return "tasks of a step";
    return NULL;
}

static bool same_line(const struct line *a, const struct line *b)
{
    return a->count == b->count && (a->count == 0 || memcmp(a->list + a->head, b->list + b->head,
                                                            a->count * sizeof(*a->list)) == 0);
}

static const char *lines_difference(const struct run *a, const struct run *b)
{
    return !same_line(&a->turns, &b->turns)     ? "turns"
           : !same_line(&a->ready, &b->ready)   ? "ready"
           : !same_line(&a->called, &b->called) ? "called"
           : !same_line(&a->agenda, &b->agenda) ? "agenda"
           : !same_line(&a->over, &b->over)     ? "over"
           : !same_line(&a->ends, &b->ends)     ? "ends"
           : !same_line(&a->timed, &b->timed)   ? "timed"
                                                : NULL;
}

static const char *account_difference(const struct account *a, const struct account *b)
{
    SAME(a, b, parent);
    SAME(a, b, task);
    SAME(a, b, opened_ms);
    SAME(a, b, open);
    SAME(a, b, time_spent);
    SAME(a, b, spent.attempts);
    SAME(a, b, spent.calls);
    SAME(a, b, spent.tokens);
    SAME(a, b, spent.cost);
    SAME(a, b, spent.recovery);
    SAME(a, b, spent.reserved_tokens);
    SAME(a, b, spent.reserved_cost);
    return NULL;
}

static const char *frame_difference(const struct frame *a, const struct frame *b)
{
    const char *difference = NULL;
    SAME(a, b, parent);
    SAME(a, b, account);
    SAME_TEXT(a, b, prefix);
    SAME_JSON(a, b, input.value);
    SAME(a, b, ending);
    SAME(a, b, status);
    SAME_JSON(a, b, output);
    SAME_JSON(a, b, error);
    SAME(a, b, steps_left);
    SAME(a, b, open);
    SAME(a, b, places);
    SAME(a, b, undoing);
    SAME(a, b, unwinding);
    if (!same_line(&a->outside, &b->outside) || !same_line(&a->tasks, &b->tasks) ||
        !same_line(&a->undo, &b->undo) || !same_line(&a->sweep, &b->sweep))
        return "a line of a frame";
    for (size_t i = 0; i < a->flow->step_count && !difference; i++)
        difference = step_difference(&a->steps[i], &b->steps[i]);
    return difference;
}

const char *state_difference(const struct run *a, const struct run *b)
{
    SAME_TEXT(a, b, id);
    SAME_TEXT(a, b, store);
    SAME_JSON(a, b, about);
    SAME_JSON(a, b, pins);
    SAME_JSON(a, b, adopted);
    SAME(a, b, seed);
    SAME(a, b, seq);
    SAME(a, b, started_ms);
    SAME(a, b, now_ms);
    SAME(a, b, active_ms);
    SAME(a, b, restored);
    SAME(a, b, frame_count);
    SAME(a, b, account_count);
    SAME(a, b, task_count);
    SAME(a, b, in_flight);
    SAME(a, b, places);
    SAME(a, b, busy);
    SAME(a, b, asking);
    SAME(a, b, answer_pending);
    const char *difference = lines_difference(a, b);
    for (uint32_t i = 0; i < a->account_count && !difference; i++)
        difference = account_difference(&a->accounts[i], &b->accounts[i]);
    for (uint32_t i = 0; i < a->frame_count && !difference; i++)
        difference = frame_difference(a->frames[i], b->frames[i]);
    for (uint32_t i = 0; i < a->task_count && !difference; i++)
        difference = task_difference(a->tasks[i], b->tasks[i]);
    return difference;
}

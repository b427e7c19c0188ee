/* SPDX-License-Identifier: Apache-2.0
 *
 * One budget for a run: attempts, calls, tokens and cost are set aside before a start and settled
 * when it ends; time counts while the run does not merely wait for people. Cleaning up (reconcile,
 * undo, the completion of an effect that was in doubt) draws on `recovery`, so that a spent budget
 * never prevents it. Delays of retries are computed here too.
 */
#include "orchestrator/state_internal.h"

#include <math.h>

bool start_uses_recovery(const struct run *run, const struct task *task, bool reconciling)
{
    return reconciling || task->on_recovery || task->role == ROLE_UNDO ||
           run->ending != RUN_RUNNING;
}

static bool within(int64_t limit, int64_t used, int64_t more)
{
    return limit < 0 || (used <= limit && more <= limit - used);
}

bool budget_allows(const struct run *run, const struct task *task, bool recovery,
                   const char **ret_which)
{
    const struct budget *budget = &run->flow->budget;
    const struct spent *spent = &run->spent;
    const struct agent *agent = task_callee(run, task)->agent;
    const char *which = NULL;
    if (recovery) {
        if (!within(budget->recovery_calls, spent->recovery, 1))
            which = "recovery";
    } else if (!within(budget->attempts, spent->attempts, 1)) {
        which = "attempts";
    } else if (!within(budget->calls, spent->calls, 1)) {
        which = "calls";
    } else if (!within(budget->tokens, spent->tokens + spent->reserved_tokens, agent->tokens)) {
        which = "tokens";
    } else if (!within(budget->cost, spent->cost + spent->reserved_cost, agent->cost)) {
        which = "cost";
    } else if (run->time_spent) {
        which = "time";
    }
    *ret_which = which;
    return which == NULL;
}

int64_t amount_add(int64_t a, int64_t b, int64_t cap)
{
    return a < cap - b ? a + b : cap;
}

static void set_left(json_t *left, const char *name, int64_t limit, int64_t used)
{
    if (limit >= 0)
        json_object_set_new(left, name, json_integer(limit > used ? limit - used : 0));
}

json_t *budget_left(const struct run *run)
{
    const struct budget *budget = &run->flow->budget;
    const struct spent *spent = &run->spent;
    json_t *left = json_object();
    set_left(left, "attempts", budget->attempts, spent->attempts);
    set_left(left, "calls", budget->calls, spent->calls);
    set_left(left, "tokens", budget->tokens, spent->tokens + spent->reserved_tokens);
    if (budget->cost >= 0) {
        char text[32];
        int64_t used = spent->cost + spent->reserved_cost;
        json_object_set_new(
            left, "cost",
            json_string(money_text(budget->cost > used ? budget->cost - used : 0, text)));
    }
    set_left(left, "time_ms", budget->time_ms, spent->active_ms);
    set_left(left, "recovery", budget->recovery_calls, spent->recovery);
    return left;
}

/* splitmix64 (Steele, Lea, Flood 2014): one good number from the seed and where we are. */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t run_chance(const struct run *run, const struct task *task, uint32_t serial)
{
    if (!task)
        return mix(run->seed);
    return mix(mix(run->seed ^ ((uint64_t)task->step << 32)) ^ ((uint64_t)task->item << 16) ^
               serial);
}

int64_t retry_delay(const struct run *run, const struct task *task, bool reconciling)
{
    const struct retry *retry = &step_of(run, task)->retry;
    uint32_t starts = reconciling ? task->reconciles : task->tries;
    uint32_t tries = starts > 0 ? starts - 1 : 0;
    double delay = (double)retry->initial_ms * pow(retry->coefficient, (double)tries);
    if (!(delay < (double)retry->max_ms))
        delay = (double)retry->max_ms;
    if (retry->jitter) {
        uint64_t random = run_chance(run, task, task->serial);
        delay *= (double)(random >> 11) * 0x1p-53;
    }
    int64_t ms = (int64_t)delay;
    return !reconciling && task->verdict.retry_after_ms > ms ? task->verdict.retry_after_ms : ms;
}

void effect_key(const char *store, const char *run, const char *step, int64_t item,
                const char *effect, char ret_hex[static DIGEST_HEX_SIZE])
{
    AUTO(freep) char *index = xasprintf("%lld", (long long)item);
    const struct slice parts[] = {slice_of(store), slice_of(run), slice_of(step), slice_of(index),
                                  slice_of(effect)};
    struct digest digest = digest_of_parts(parts, sizeof(parts) / sizeof(parts[0]));
    digest_hex(&digest, ret_hex);
}

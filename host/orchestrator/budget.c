/* SPDX-License-Identifier: Apache-2.0
 *
 * Budgets: one account for the run, and within it one for each sub-flow, plan and call that has a
 * budget of its own. What is used counts in the account and in all around it, so that siblings
 * share what is above them: attempts, calls, tokens and cost are set aside before a start and
 * settled when it ends; time counts while the run does not merely wait for people. Cleaning up
 * (reconcile, undo, the completion of an effect that was in doubt) draws on `recovery`, so that a
 * spent budget never prevents it. Delays of retries are computed here too.
 */
#include "orchestrator/state_internal.h"

#include <math.h>

/* ---- accounts ---- */

uint32_t account_new(struct run *run, uint32_t parent, uint32_t task, const struct budget *limit)
{
    if (run->account_count == run->account_room) {
        run->account_room = run->account_room ? run->account_room * 2 : 1;
        run->accounts = xrealloc(run->accounts, run->account_room * sizeof(*run->accounts));
    }
    run->accounts[run->account_count] = (struct account){
        .parent = parent, .task = task, .limit = *limit, .opened_ms = run->active_ms, .open = true};
    if (limit->time_ms >= 0)
        line_push(&run->timed, run->account_count);
    return run->account_count++;
}

void account_close(struct run *run, uint32_t index)
{
    run->accounts[index].open = false;
    line_remove(&run->timed, index);
}

int64_t amount_add(int64_t a, int64_t b, int64_t cap)
{
    return a < cap - b ? a + b : cap;
}

void account_charge(struct run *run, uint32_t index, struct spent_change change)
{
    for (; index != NO_ACCOUNT; index = run->accounts[index].parent) {
        struct spent *spent = &run->accounts[index].spent;
        spent->attempts += change.attempts;
        spent->calls += change.calls;
        spent->recovery += change.recovery;
        spent->tokens = amount_add(spent->tokens, change.tokens, INT64_MAX / 2);
        spent->cost = amount_add(spent->cost, change.cost, INT64_MAX / 2);
        spent->reserved_tokens += change.reserved_tokens;
        spent->reserved_cost += change.reserved_cost;
    }
}

void task_charge(struct run *run, struct task *task, struct spent_change change)
{
    task->used_attempts += change.attempts;
    task->used_calls += change.calls;
    task->used_recovery += change.recovery;
    account_charge(run, task->account, change);
}

/* ---- is there enough? ---- */

bool start_uses_recovery(const struct run *run, const struct task *task, bool reconciling)
{
    return reconciling || task->on_recovery || task_cleans_up(run, task) ||
           frame_of(run, task)->ending != RUN_RUNNING;
}

static bool within(int64_t limit, int64_t used, int64_t more)
{
    return limit < 0 || (more >= 0 && used <= limit && more <= limit - used);
}

/* What the account has too little of for the start, each thing a bit. What is set aside for others
 * may come back, and a step's task waits for that; a call within a call does not, for it may be its
 * own caller who has it. */
static unsigned lacking(const struct account *account, const struct agent *agent, bool recovery,
                        bool nested)
{
    const struct budget *limit = &account->limit;
    const struct spent *spent = &account->spent;
    if (recovery)
        return within(limit->recovery_calls, spent->recovery, 1) ? 0 : LACK_RECOVERY;
    int64_t tokens = spent->tokens + (nested ? spent->reserved_tokens : 0);
    int64_t cost = spent->cost + (nested ? spent->reserved_cost : 0);
    return (nested || within(limit->attempts, spent->attempts, 1) ? 0 : LACK_ATTEMPTS) |
           (within(limit->calls, spent->calls, 1) ? 0 : LACK_CALLS) |
           (within(limit->tokens, tokens, agent->tokens) ? 0 : LACK_TOKENS) |
           (within(limit->cost, cost, agent->cost) ? 0 : LACK_COST) |
           (account->time_spent ? LACK_TIME : 0);
}

unsigned budget_lacks(const struct run *run, const struct task *task, bool recovery,
                      uint32_t *ret_account)
{
    const struct agent *agent = task_callee(run, task)->agent;
    bool nested = task->parent != NO_TASK;
    unsigned all = 0;
    for (uint32_t i = task->account; i != NO_ACCOUNT; i = run->accounts[i].parent) {
        unsigned here = lacking(&run->accounts[i], agent, recovery, nested);
        if (here && !all)
            *ret_account = i;
        all |= here;
    }
    return all;
}

bool budget_allows(const struct run *run, const struct task *task, bool recovery)
{
    uint32_t account;
    return budget_lacks(run, task, recovery, &account) == 0;
}

bool budget_awaits(const struct run *run, const struct task *task)
{
    const struct agent *agent = task_callee(run, task)->agent;
    return task->parent == NO_TASK &&
           !start_uses_recovery(run, task, task->state == TASK_RECONCILING) &&
           !budget_grants(run, task->account, agent->tokens, agent->cost) &&
           budget_allows(run, task, false);
}

/* In the order of their bits. */
static const char *const amount_words[] = {"attempts", "calls", "tokens",
                                           "cost",     "time",  "recovery"};

static const char *first_word(unsigned lacks)
{
    size_t i = 0;
    while (i + 1 < sizeof(amount_words) / sizeof(amount_words[0]) && !(lacks & (1u << i)))
        i++;
    return amount_words[i];
}

char *lacks_text(unsigned lacks)
{
    struct text text;
    text_init(&text, 256);
    for (unsigned i = 0, left = lacks; left; i++, left >>= 1) {
        if (left & 1)
            text_addf(&text, "`%s`%s", amount_words[i], left > 1 ? " and " : "");
    }
    return text_take(&text);
}

/* Of what a call uses by the card, less may be left than it takes. */
static void say_rest(int64_t limit, int64_t used, int64_t takes, bool money, struct text *out)
{
    char left[32], all[32], more[32];
    int64_t rest = limit > used ? limit - used : 0;
    if (money)
        text_addf(out, ": %s of %s is left, and a call may take %s", money_text(rest, left),
                  money_text(limit, all), money_text(takes, more));
    else
        text_addf(out, ": %lld of %lld are left, and a call may take %lld", (long long)rest,
                  (long long)limit, (long long)takes);
}

char *budget_lack_message(const struct run *run, const struct task *task, bool recovery)
{
    uint32_t index = NO_ACCOUNT;
    unsigned lacks = budget_lacks(run, task, recovery, &index);
    ASSERT(lacks != 0 && index != NO_ACCOUNT);
    const struct agent *agent = task_callee(run, task)->agent;
    const struct account *account = &run->accounts[index];
    const struct spent *spent = &account->spent;
    bool nested = task->parent != NO_TASK;
    unsigned here = lacking(account, agent, recovery, nested), first = here & -here;
    struct text text;
    text_init(&text, 4096);
    text_addf(&text, "the budget's %s %s spent", first_word(here),
              first < LACK_COST ? "are" : "is");
    if (account->task != NO_TASK)
        text_addf(&text, " within %s", run->tasks[account->task]->path);
    if (first == LACK_TOKENS)
        say_rest(account->limit.tokens, spent->tokens + (nested ? spent->reserved_tokens : 0),
                 agent->tokens, false, &text);
    else if (first == LACK_COST)
        say_rest(account->limit.cost, spent->cost + (nested ? spent->reserved_cost : 0),
                 agent->cost, true, &text);
    return text_take(&text);
}

bool budget_grants(const struct run *run, uint32_t account, int64_t tokens, int64_t cost)
{
    for (; account != NO_ACCOUNT; account = run->accounts[account].parent) {
        const struct budget *limit = &run->accounts[account].limit;
        const struct spent *spent = &run->accounts[account].spent;
        if (!within(limit->tokens, spent->tokens + spent->reserved_tokens, tokens) ||
            !within(limit->cost, spent->cost + spent->reserved_cost, cost))
            return false;
    }
    return true;
}

/* ---- time ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static int64_t time_left(const struct run *run, const struct account *account)
{
    int64_t used = run->active_ms - account->opened_ms;
    if (account->limit.time_ms < 0)
        return -1;
    return account->limit.time_ms > used ? account->limit.time_ms - used : 0;
}

int64_t budget_time_left(const struct run *run, uint32_t account)
{
    int64_t left = -1;
    for (; account != NO_ACCOUNT; account = run->accounts[account].parent)
        left = least(left, time_left(run, &run->accounts[account]));
    return left;
}

static uint32_t frame_of_account(const struct run *run, const struct account *account)
{
    return account->task == NO_TASK ? 0 : run->tasks[account->task]->inside;
}

uint32_t budget_overdue(const struct run *run)
{
    uint32_t found = UINT32_MAX;
    for (size_t i = 0; i < run->timed.count; i++) {
        const struct account *account = &run->accounts[run->timed.list[run->timed.head + i]];
        uint32_t frame = frame_of_account(run, account);
        if (account->time_spent && frame < found && run->frames[frame]->ending == RUN_RUNNING)
            found = frame;
    }
    return found;
}

int64_t run_deadline(const struct run *run)
{
    int64_t left = -1;
    if (run_status(run) != RUN_RUNNING)
        return -1;
    for (size_t i = 0; i < run->timed.count; i++) {
        const struct account *account = &run->accounts[run->timed.list[run->timed.head + i]];
        uint32_t frame = frame_of_account(run, account);
        if (!account->time_spent && run->frames[frame]->ending == RUN_RUNNING)
            left = least(left, time_left(run, account));
    }
    return left < 0 ? -1 : run->now_ms + left;
}

/* ---- what is left, for people ---- */

static void set_left(json_t *left, const char *name, int64_t limit, int64_t used)
{
    int64_t more = limit > used ? limit - used : 0;
    const json_t *known = json_object_get(left, name);
    if (limit >= 0 && (!known || json_integer_value(known) > more))
        json_object_set_new(left, name, json_integer(more));
}

static void add_left(const struct run *run, const struct account *account, json_t *left)
{
    const struct budget *budget = &account->limit;
    const struct spent *spent = &account->spent;
    set_left(left, "attempts", budget->attempts, spent->attempts);
    set_left(left, "calls", budget->calls, spent->calls);
    set_left(left, "tokens", budget->tokens, spent->tokens + spent->reserved_tokens);
    set_left(left, "cost", budget->cost, spent->cost + spent->reserved_cost);
    set_left(left, "time_ms", budget->time_ms, run->active_ms - account->opened_ms);
    set_left(left, "recovery", budget->recovery_calls, spent->recovery);
}

static json_t *with_cost_in_words(json_t *left)
{
    char text[32];
    const json_t *cost = json_object_get(left, "cost");
    if (cost)
        json_object_set_new(left, "cost", json_string(money_text(json_integer_value(cost), text)));
    return left;
}

json_t *budget_left(const struct run *run, uint32_t index)
{
    json_t *left = json_object();
    for (; index != NO_ACCOUNT; index = run->accounts[index].parent)
        add_left(run, &run->accounts[index], left);
    return with_cost_in_words(left);
}

json_t *account_left(const struct run *run, uint32_t index)
{
    json_t *left = json_object();
    add_left(run, &run->accounts[index], left);
    return with_cost_in_words(left);
}

/* The least of two limits; -1 = none. */
static void lower(int64_t *limit, int64_t most, int64_t used)
{
    int64_t left = most < 0 ? -1 : most > used ? most - used : 0;
    *limit = least(*limit, left);
}

struct budget run_left(const struct run *run, uint32_t task)
{
    struct budget left = {-1, -1, -1, -1, -1, -1};
    for (uint32_t i = task_at(run, task)->account; i != NO_ACCOUNT; i = run->accounts[i].parent) {
        const struct account *account = &run->accounts[i];
        lower(&left.attempts, account->limit.attempts, account->spent.attempts);
        lower(&left.calls, account->limit.calls, account->spent.calls);
        lower(&left.tokens, account->limit.tokens, account->spent.tokens);
        lower(&left.cost, account->limit.cost, account->spent.cost);
    }
    return left;
}

struct amounts run_spent(const struct run *run)
{
    const struct spent *spent = &run->accounts[0].spent;
    return (struct amounts){.attempts = spent->attempts,
                            .calls = spent->calls + spent->recovery,
                            .tokens = spent->tokens,
                            .cost = spent->cost};
}

struct amounts run_charged(const struct run *run)
{
    struct amounts charged = run_spent(run);
    charged.tokens =
        amount_add(charged.tokens, run->accounts[0].spent.reserved_tokens, INT64_MAX / 2);
    charged.cost = amount_add(charged.cost, run->accounts[0].spent.reserved_cost, INT64_MAX / 2);
    return charged;
}

/* ---- chance and delays ---- */

/* splitmix64 (Steele, Lea, Flood 2014): one good number from the seed and where we are. */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Frames and calls within calls have chances of their own. */
uint64_t run_chance(const struct run *run, const struct task *task, uint32_t serial)
{
    if (!task)
        return mix(run->seed);
    uint64_t seed = run->seed;
    if (task->frame > 0)
        seed = mix(seed ^ task->frame);
    for (const struct task *t = task; t->parent != NO_TASK; t = run->tasks[t->parent])
        for (const char *c = t->nested->name; *c; c++)
            seed = mix(seed ^ (unsigned char)*c);
    return mix(mix(seed ^ ((uint64_t)task->step << 32)) ^ ((uint64_t)task->item << 16) ^ serial);
}

int64_t retry_delay(const struct run *run, const struct task *task, bool reconciling)
{
    const struct retry *retry = task_retry(run, task);
    uint32_t starts = reconciling ? task->reconciles : task->tries - task->deferrals;
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
    AUTO(text_done) struct text index;
    text_init(&index, DIGEST_HEX_SIZE);
    text_addi(&index, item);
    const struct slice parts[] = {slice_of(store), slice_of(run), slice_of(step),
                                  text_slice(&index), slice_of(effect)};
    struct digest digest = digest_of_parts(parts, sizeof(parts) / sizeof(parts[0]));
    digest_hex(&digest, ret_hex);
}

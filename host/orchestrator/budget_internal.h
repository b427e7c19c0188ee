/* SPDX-License-Identifier: Apache-2.0
 *
 * Budgets, within the room: accounts that draw on each other, whether there is enough for one more
 * start and what is lacking if not, what is left, and the waits between tries. A part of
 * state_internal.h, which includes it.
 */
#ifndef ORCHESTRATOR_BUDGET_INTERNAL_H
#define ORCHESTRATOR_BUDGET_INTERNAL_H

uint32_t account_new(struct run *run, uint32_t parent, uint32_t task, const struct budget *limit);
void account_close(struct run *run, uint32_t index);
/* What is used, or given back, of an account and of all around it. */
struct spent_change {
    int64_t attempts, calls, tokens, cost, recovery, reserved_tokens, reserved_cost;
};
void account_charge(struct run *run, uint32_t index, struct spent_change change);
/* The same for what a task does, which keeps its own count. */
void task_charge(struct run *run, struct task *task, struct spent_change change);
/* What a start may find too little of, in the order in which it is looked at. */
enum {
    LACK_ATTEMPTS = 1 << 0,
    LACK_CALLS = 1 << 1,
    LACK_TOKENS = 1 << 2,
    LACK_COST = 1 << 3,
    LACK_TIME = 1 << 4,
    LACK_RECOVERY = 1 << 5,
};
/* What one more start has too little of; *ret_account: the first that lacks, set only then. */
unsigned budget_lacks(const struct run *run, const struct task *task, bool recovery,
                      uint32_t *ret_account);
bool budget_allows(const struct run *run, const struct task *task, bool recovery);
/* There is budget for its start, but others have set it aside: it waits for what they give back.
 * They are all under way, and none of them waits for it. */
bool budget_awaits(const struct run *run, const struct task *task);
/* In words: all that is lacking, as "`calls` and `cost`"; and the first of it, with whose it is.
 * The caller frees. */
char *lacks_text(unsigned lacks);
char *budget_lack_message(const struct run *run, const struct task *task, bool recovery);
/* May so much more be set aside? */
bool budget_grants(const struct run *run, uint32_t account, int64_t tokens, int64_t cost);
/* What is left of the time of the account and all around it; -1 = no limit. */
int64_t budget_time_left(const struct run *run, uint32_t account);
/* The outermost frame that is not ending and whose time is spent, or UINT32_MAX. */
uint32_t budget_overdue(const struct run *run);
json_t *budget_left(const struct run *run, uint32_t account);
/* The same of the account alone, whatever is left around it. */
json_t *account_left(const struct run *run, uint32_t account);
/* Of two amounts that are not negative; what goes beyond the cap is the cap. */
int64_t amount_add(int64_t a, int64_t b, int64_t cap);
bool start_uses_recovery(const struct run *run, const struct task *task, bool reconciling);
/* A number drawn from the run's seed for a task, or NULL: the same whenever it is asked for. */
uint64_t run_chance(const struct run *run, const struct task *task, uint32_t serial);
/* The wait before the next try of the agent, or of the reconcile agent: exponential, capped, full
 * jitter from the run's seed. */
int64_t retry_delay(const struct run *run, const struct task *task, bool reconciling);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be supposed otherwise of the situation that the table was asked with: one fact each,
 * that somebody could have changed: the card's author, the flow's, the operator. Each says itself
 * in words, and changes the facts as it would have changed them; none of them knows what the table
 * then says. What the world did (an effect happened, a call timed out) is not supposed otherwise.
 */
#include "orchestrator/why_internal.h"

static void set(struct situation *s, unsigned fact, bool on)
{
    s->facts = on ? s->facts | fact : s->facts & ~fact;
}

/* ---- what the card says ---- */

static bool writes(const struct situation *s)
{
    return s->effect == CLASS_WRITE || s->effect == CLASS_WRITE_IDEMPOTENT;
}

static bool any_implicit_done(const struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].implicit && task->effects[i].outcome == OUTCOME_DONE)
            return true;
    return false;
}

static char *card_is_idempotent(struct situation *s)
{
    if (s->effect != CLASS_WRITE)
        return NULL;
    s->effect = CLASS_WRITE_IDEMPOTENT;
    if (task_keys_live(s->task, s->agent, s->run->now_ms))
        set(s, FACT_BARE, false);
    return xstrdup("the card declared `write_idempotent`");
}

static char *card_is_write(struct situation *s)
{
    if (s->effect != CLASS_WRITE_IDEMPOTENT)
        return NULL;
    s->effect = CLASS_WRITE;
    set(s, FACT_BARE, any_implicit_done(s->task));
    return xstrdup("the card declared `write`");
}

static char *card_reconciles(struct situation *s)
{
    if (!writes(s) || (s->facts & FACT_RECONCILE))
        return NULL;
    set(s, FACT_RECONCILE, true);
    return xstrdup("the card declared a reconcile agent");
}

static char *card_does_not_reconcile(struct situation *s)
{
    if (!writes(s) || !(s->facts & FACT_RECONCILE))
        return NULL;
    set(s, FACT_RECONCILE, false);
    return xstrdup("the card declared no reconcile agent");
}

static char *key_lives_longer(struct situation *s)
{
    char ttl[32];
    if (s->effect != CLASS_WRITE_IDEMPOTENT || (s->facts & FACT_KEY_LIVE) ||
        s->agent->key_ttl_ms < 0)
        return NULL;
    set(s, FACT_KEY_LIVE, true);
    set(s, FACT_BARE, false);
    return xasprintf("the card's `key_ttl` were longer than %s",
                     duration_text(s->agent->key_ttl_ms, ttl));
}

static char *host_brokers(struct situation *s)
{
    if (!(s->facts & FACT_BARE))
        return NULL;
    set(s, FACT_BARE, false);
    return xstrdup("the agent did its effect through the host (`effect.begin`, `http.send`)");
}

/* ---- what the agent said ---- */

static char *failure_would_pass(struct situation *s)
{
    if (s->happened != HAPPENED_PERMANENT)
        return NULL;
    s->happened = HAPPENED_TRANSIENT;
    set(s, FACT_RETRY_ON, s->retry->on & (1u << CAUSE_UNAVAILABLE));
    return xasprintf("the agent had failed with `unavailable`, not `%s`",
                     cause_word(s->task->verdict.cause));
}

static char *effects_begun_again(struct situation *s)
{
    if (!(s->facts & FACT_LEFT_BEHIND) || s->happened != HAPPENED_ACCEPTED)
        return NULL;
    set(s, FACT_LEFT_BEHIND, false);
    return xstrdup("the agent had begun the same effects again");
}

static char *request_is_the_same(struct situation *s)
{
    if (s->happened != HAPPENED_CONFLICT)
        return NULL;
    s->happened = verdict_happened(&s->task->verdict);
    return xstrdup("the agent had asked with the request that the key stands for");
}

static char *result_fits(struct situation *s)
{
    if (!(s->facts & FACT_RESUMED) || !(s->facts & FACT_DONE) || (s->facts & FACT_RESULT_FITS))
        return NULL;
    set(s, FACT_RESULT_FITS, true);
    return xstrdup("the effect's own result were a good output of the step, and all that it does");
}

static char *output_fits(struct situation *s)
{
    enum cause cause = s->task->verdict.cause;
    if (s->happened != HAPPENED_REFUSED || cause == CAUSE_CONFIDENCE)
        return NULL;
    s->happened = HAPPENED_ACCEPTED;
    return xstrdup(cause == CAUSE_ASSERT ? "every `assert` had held"
                   : cause == CAUSE_PLAN ? "the plan in the output had passed its check"
                                         : "the output had fitted its contract");
}

/* ---- confidence ---- */

static bool reported(const struct situation *s, double *ret_confidence)
{
    return confidence_of(s->agent, s->task->verdict.output, ret_confidence);
}

static const char *and_asserts(const struct situation *s)
{
    return s->step->assert_count ? ", and every `assert` had held" : "";
}

static bool accept_confidence(struct situation *s)
{
    if (s->happened != HAPPENED_REFUSED || !(s->facts & FACT_BELOW))
        return false;
    s->happened = HAPPENED_ACCEPTED;
    set(s, FACT_BELOW, false);
    return true;
}

static char *confidence_is_enough(struct situation *s)
{
    if (!accept_confidence(s))
        return NULL;
    double confidence;
    return reported(s, &confidence)
               ? xasprintf("the agent had reported a confidence of %g or more%s",
                           s->step->confidence_min, and_asserts(s))
               : xasprintf("the agent had reported a confidence, and it were at least %g%s",
                           s->step->confidence_min, and_asserts(s));
}

static char *minimum_is_lower(struct situation *s)
{
    double confidence;
    if (!reported(s, &confidence) || !accept_confidence(s))
        return NULL;
    return xasprintf("the step's `confidence.min` were at most %g%s", confidence, and_asserts(s));
}

static char *minimum_is_higher(struct situation *s)
{
    double confidence;
    if (s->happened != HAPPENED_ACCEPTED || !s->step->has_confidence || !reported(s, &confidence) ||
        s->task->role != ROLE_MAIN || confidence >= 1)
        return NULL;
    s->happened = HAPPENED_REFUSED;
    set(s, FACT_BELOW, true);
    set(s, FACT_RETRY_ON,
        s->step->below == BELOW_RETRY || (s->retry->on & (1u << CAUSE_CONFIDENCE)));
    return xasprintf("the step's `confidence.min` were above %g", confidence);
}

static char *below(struct situation *s, enum below other, const char *sentence)
{
    if (s->happened != HAPPENED_REFUSED || !(s->facts & FACT_BELOW) || s->step->below == other)
        return NULL;
    set(s, FACT_BELOW_ESCALATE, other == BELOW_ESCALATE);
    set(s, FACT_BELOW_FAIL, other == BELOW_FAIL);
    set(s, FACT_RETRY_ON, other == BELOW_RETRY || (s->retry->on & (1u << CAUSE_CONFIDENCE)));
    return xstrdup(sentence);
}

static char *below_retries(struct situation *s)
{
    return below(s, BELOW_RETRY, "the step's `confidence.below` were `retry`");
}

static char *below_escalates(struct situation *s)
{
    return below(s, BELOW_ESCALATE, "the step's `confidence.below` were `escalate`");
}

static char *below_fails(struct situation *s)
{
    return below(s, BELOW_FAIL, "the step's `confidence.below` were `fail`");
}

/* ---- what the flow and the operator say ---- */

static char *more_tries(struct situation *s)
{
    if (s->facts & (FACT_TRY_LEFT | FACT_FRAME))
        return NULL;
    set(s, FACT_TRY_LEFT, true);
    return xasprintf("`retry.max_attempts` were more than %d", s->retry->max_attempts);
}

static char *fewer_tries(struct situation *s)
{
    if (!(s->facts & FACT_TRY_LEFT) || s->task->tries == 0 || s->task->extra > 0)
        return NULL;
    set(s, FACT_TRY_LEFT, false);
    return xasprintf("`retry.max_attempts` were %u", (unsigned)s->task->tries);
}

static bool cause_is_retried(const struct situation *s)
{
    return s->happened == HAPPENED_TRANSIENT || s->happened == HAPPENED_REFUSED;
}

static char *cause_named(struct situation *s)
{
    if (!cause_is_retried(s) || (s->facts & FACT_RETRY_ON) || s->task->verdict.cause >= CAUSE_COUNT)
        return NULL;
    set(s, FACT_RETRY_ON, true);
    return xasprintf("`retry.retry_on` named `%s`", cause_word(s->task->verdict.cause));
}

static char *cause_not_named(struct situation *s)
{
    if (!cause_is_retried(s) || !(s->facts & FACT_RETRY_ON))
        return NULL;
    set(s, FACT_RETRY_ON, false);
    return xasprintf("`retry.retry_on` did not name `%s`", cause_word(s->task->verdict.cause));
}

static char *more_budget(struct situation *s)
{
    uint32_t account;
    bool recovery = start_uses_recovery(s->run, s->task, false);
    unsigned lacks = budget_lacks(s->run, s->task, recovery, &account);
    if (s->facts & FACT_BUDGET_LEFT)
        return NULL;
    set(s, FACT_BUDGET_LEFT, true);
    /* the start was refused before: what is left now is of later */
    AUTO(freep) char *spent = lacks_text(lacks ? lacks : LACK_CALLS);
    return xasprintf("the budget allowed more %s", spent);
}

static char *more_recovery(struct situation *s)
{
    if (s->facts & FACT_RECOVERY_LEFT)
        return NULL;
    set(s, FACT_RECOVERY_LEFT, true);
    return xasprintf("`recovery.calls` were more than %lld",
                     (long long)recovery_limit(s->run, s->task));
}

static char *call_not_spent(struct situation *s)
{
    if (!(s->facts & FACT_CHILD_SPENT))
        return NULL;
    set(s, FACT_CHILD_SPENT, false);
    return xstrdup("the call that it asked for had a `retry` of its own, and had not failed");
}

static char *waits_less(struct situation *s)
{
    if (!(s->facts & FACT_DEFERRED))
        return NULL;
    set(s, FACT_DEFERRED, false);
    return xstrdup("it had not been told how long to wait: the try would have counted");
}

/* A sentence part for each bound that the next try would be beyond. */
static void say_longer(const char *what, int64_t ms, struct text *out)
{
    char time[32];
    text_addf(out, "%s%s longer than %s", out->len ? ", and " : "", what, duration_text(ms, time));
}

static void say_budget_times(const struct situation *s, int64_t wait_ms, struct text *out)
{
    for (uint32_t i = s->task->account; i != NO_ACCOUNT; i = s->run->accounts[i].parent) {
        const struct account *account = &s->run->accounts[i];
        int64_t needed = s->run->active_ms - account->opened_ms + wait_ms;
        if (account->limit.time_ms < 0 || needed < account->limit.time_ms)
            continue;
        AUTO(freep)
        char *what = account->task == NO_TASK ? xstrdup("the budget's `time` were")
                                              : xasprintf("the `time` of the budget of %s were",
                                                          s->run->tasks[account->task]->path);
        say_longer(what, needed, out);
    }
}

/* The wait may be the flow's, or what the agent was told to wait: only the former can be made
 * shorter in the flow. */
static char *later_deadline(struct situation *s)
{
    int64_t wait_ms = retry_delay(s->run, s->task, false);
    int64_t closes_ms = task_closes_ms(s->run, s->task);
    bool told = s->task->verdict.retry_after_ms >= wait_ms && wait_ms > 0;
    if (s->facts & FACT_TIME_LEFT)
        return NULL;
    set(s, FACT_TIME_LEFT, true);
    AUTO(text_done) struct text text;
    text_init(&text, 4096);
    if (closes_ms >= 0 && s->run->now_ms + wait_ms >= closes_ms)
        say_longer("`timeout.schedule_to_close` were",
                   s->run->now_ms + wait_ms - closes_ms + s->step->schedule_to_close_ms, &text);
    say_budget_times(s, wait_ms, &text);
    return xasprintf("%s%s", text.len ? text.ptr : "there were more time",
                     wait_ms == 0 ? ""
                     : told       ? ", or the agent had been told to wait for less"
                                  : ", or the waits of `retry` shorter");
}

static char *policy(struct situation *s, enum on_failure other, const char *sentence)
{
    if (s->task->role != ROLE_MAIN || s->policy == other)
        return NULL;
    s->policy = other;
    return xstrdup(sentence);
}

static char *policy_escalates(struct situation *s)
{
    return policy(s, ON_FAILURE_ESCALATE, "the step said `on_failure: escalate`");
}

static char *policy_skips(struct situation *s)
{
    return policy(s, ON_FAILURE_SKIP, "the step said `on_failure: skip`");
}

static char *policy_falls_back(struct situation *s)
{
    return policy(s, ON_FAILURE_FALLBACK, "the step had a `fallback`");
}

static char *policy_fails(struct situation *s)
{
    return policy(s, ON_FAILURE_FAIL, "the step said `on_failure: fail`");
}

/* ---- all of them ---- */

static const struct supposition suppositions[] = {
    {"card.effect", true, card_is_idempotent},
    {"card.effect", false, card_is_write},
    {"card.reconcile", true, card_reconciles},
    {"card.reconcile", false, card_does_not_reconcile},
    {"card.key_ttl", true, key_lives_longer},
    {"agent.effects", true, host_brokers},
    {"agent.error", true, failure_would_pass},
    {"agent.effects", false, effects_begun_again},
    {"agent.request", false, request_is_the_same},
    {"agent.result", false, result_fits},
    {"agent.output", false, output_fits},
    {"agent.confidence", false, confidence_is_enough},
    {"confidence.min", false, minimum_is_lower},
    {"confidence.min", false, minimum_is_higher},
    {"confidence.below", true, below_retries},
    {"confidence.below", false, below_escalates},
    {"confidence.below", false, below_fails},
    {"retry.max_attempts", true, more_tries},
    {"retry.max_attempts", false, fewer_tries},
    {"retry.retry_on", true, cause_named},
    {"retry.retry_on", false, cause_not_named},
    {"budget", true, more_budget},
    {"recovery.calls", true, more_recovery},
    {"timeout.schedule_to_close", true, later_deadline},
    {"agent.calls", true, call_not_spent},
    {"agent.retry_after", false, waits_less},
    {"on_failure", false, policy_escalates},
    {"on_failure", false, policy_skips},
    {"on_failure", false, policy_falls_back},
    {"on_failure", false, policy_fails},
};
_Static_assert(sizeof(suppositions) / sizeof(suppositions[0]) == SUPPOSITIONS, "all of them");

const struct supposition *supposition_at(size_t index)
{
    ASSERT(index < SUPPOSITIONS);
    return &suppositions[index];
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule table: (what happened, effect class, facts) → what to do. The first row that matches
 * wins, and no combination matches none. Each row has a name, which the journal keeps, a sentence
 * for `explain`, and what would have changed it. Nothing else in the host decides whether an agent
 * is called again.
 *
 * An outcome that is UNKNOWN is looked at before any status, and for WRITE only evidence ends it.
 * An effect that is DONE never falls to `on_failure`: it is replayed, or a person learns of it.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

#define PURE_READ ((1u << CLASS_PURE) | (1u << CLASS_READ))
#define WI        (1u << CLASS_WRITE_IDEMPOTENT)
#define W         (1u << CLASS_WRITE)
#define ALL       (PURE_READ | WI | W)
#define AGAIN     (FACT_TRY_LEFT | FACT_RETRY_ON | FACT_BUDGET_LEFT | FACT_TIME_LEFT)

static const struct row rows[] = {
    /* -- an effect is in doubt: nothing else is looked at -- */
    {"quarantined-in-doubt", HAPPENED_PERMANENT, ALL, FACT_UNKNOWN | FACT_QUARANTINED, 0,
     ACT_ASK_DOUBT,
     "nobody knows whether the effect happened, and the plugin that could tell is in quarantine: a "
     "person is asked",
     "it would have been tried again or reconciled, as its card says, if the plugin were not in "
     "quarantine: `seam plugins release` ends that"},
    {"in-doubt-same-key", HAPPENED_ANY & ~HAPPENED_CONFLICT, WI,
     FACT_UNKNOWN | FACT_KEY_LIVE | FACT_TRY_LEFT | FACT_BUDGET_LEFT | FACT_TIME_LEFT, FACT_ENDING,
     ACT_RETRY,
     "nobody knows whether the effect happened, but the same key twice is once: it is tried again",
     "with the card's effect `write` it would have been reconciled instead"},
    {"in-doubt-reconcile", HAPPENED_ANY, WI | W, FACT_UNKNOWN | FACT_RECONCILE | FACT_RECOVERY_LEFT,
     0, ACT_RECONCILE,
     "nobody knows whether the effect happened: the card's reconcile agent is asked",
     "it would have been tried again if the card declared `write_idempotent`; a person would have "
     "been asked if it named no reconcile agent"},
    {"in-doubt-person", HAPPENED_ANY, ALL, FACT_UNKNOWN, 0, ACT_ASK_DOUBT,
     "nobody knows whether the effect happened and nothing can tell: a person is asked",
     "it would have been reconciled if the card named a reconcile agent (and `recovery` had calls "
     "left), or tried again if the card declared `write_idempotent`"},

    /* -- the doubt is over -- */
    {"in-doubt-happened", HAPPENED_ANY & ~HAPPENED_CONFLICT, WI | W,
     FACT_RESUMED | FACT_RESULT_FITS, 0, ACT_USE_RESULT,
     "the effect happened, and its recorded result is a good output of the step",
     "the agent would have been called again, to find the result at its begin, if the result did "
     "not fit its output contract, or might not be all that it does: begun by a name, by an agent "
     "whose card has no `ref`"},

    /* -- success -- */
    {"same-key-other-request", HAPPENED_CONFLICT, ALL, 0, 0, ACT_ASK_OUTPUT,
     "the agent asked for an effect under a key that already stands for another request",
     "it would have gone on if the request were the one that was recorded"},
    {"effect-left-behind", HAPPENED_ACCEPTED, WI | W, FACT_LEFT_BEHIND, 0, ACT_ASK_OUTPUT,
     "an effect of an earlier attempt is done, and the attempt that completed never asked for it",
     "it would have been accepted if the agent had begun the same effects again"},
    {"output-accepted", HAPPENED_ACCEPTED, ALL, 0, 0, ACT_ACCEPT,
     "the output fits the contract, its confidence is enough and every assertion holds", NULL},

    /* -- whoever called it has ended -- */
    {"caller-ended", HAPPENED_ANY, ALL, FACT_ORPHAN, 0, ACT_ABANDON,
     "the attempt that called it is over: nobody waits for it",
     "it would have gone on if its caller were still at work"},

    /* -- the run is ending -- */
    {"done-without-output", HAPPENED_ANY, WI | W, FACT_ENDING | FACT_DONE, 0, ACT_ASK_OUTPUT,
     "the run is ending and an effect of this step is done, but there is no output to undo it by",
     "it would have been undone if the effect's result were a good output"},
    {"run-ending", HAPPENED_ANY, ALL, FACT_ENDING, 0, ACT_ABANDON,
     "the run is ending: nothing new begins", "it would have gone on if the run were not ending"},

    /* -- it is no agent's failure -- */
    {"rate-limited-wait", HAPPENED_TRANSIENT, ALL,
     FACT_DEFERRED | FACT_RETRY_ON | FACT_BUDGET_LEFT | FACT_TIME_LEFT, FACT_BARE, ACT_DEFER,
     "it was told to wait: it is called again when that time has passed, and no try is counted",
     "the try would have been counted without a time to wait, or after too many such waits"},

    {"gave-way", HAPPENED_TRANSIENT, ALL, FACT_GAVE_WAY | FACT_BUDGET_LEFT | FACT_TIME_LEFT,
     FACT_BARE, ACT_DEFER,
     "what it called waited for a person, and it gave way: it is called again, finds what came of "
     "that call, and no try is counted",
     "the try would have been counted if it had ended for another reason"},

    /* -- a person must say something before the agent can go on -- */
    {"input-required", HAPPENED_ASKED, PURE_READ, 0, 0, ACT_ASK_INPUT,
     "the agent needs something that only a person can say", NULL},
    {"input-required-nothing-done", HAPPENED_ASKED, WI | W, 0, FACT_DONE, ACT_ASK_INPUT,
     "the agent needs something that only a person can say, and has provably done nothing yet",
     NULL},
    {"input-required-after-effect", HAPPENED_ASKED, ALL, 0, 0, ACT_ASK_OUTPUT,
     "the agent asks for input after it changed the world", NULL},

    /* -- the output was refused -- */
    {"confidence-escalate", HAPPENED_REFUSED, ALL, FACT_BELOW | FACT_BELOW_ESCALATE, 0,
     ACT_ASK_OUTPUT, "the confidence is below the step's minimum: a person looks at the output",
     "it would have been accepted with a confidence of at least the minimum, or tried again with "
     "`below: retry`"},
    {"confidence-fail", HAPPENED_REFUSED, ALL, FACT_BELOW | FACT_BELOW_FAIL, FACT_DONE,
     ACT_ON_FAILURE, "the confidence is below the step's minimum, and the flow says to fail",
     "it would have been accepted with a confidence of at least the minimum"},
    {"confidence-fail-after-effect", HAPPENED_REFUSED, WI | W, FACT_BELOW | FACT_BELOW_FAIL, 0,
     ACT_ASK_OUTPUT,
     "the confidence is below the step's minimum, but the world was changed: a person looks at the "
     "output",
     "`on_failure` would have counted if nothing had been done"},
    {"refused-retry-feedback", HAPPENED_REFUSED, PURE_READ, AGAIN, 0, ACT_RETRY_FEEDBACK,
     "the output was refused; calling this agent again is safe, and it is told why",
     "it would have been accepted if the output fitted"},
    {"refused-same-key", HAPPENED_REFUSED, WI, AGAIN | FACT_KEY_LIVE, 0, ACT_RETRY_FEEDBACK,
     "the output was refused; the same key twice is once, so the agent is called again and told "
     "why",
     "it would have been accepted if the output fitted"},
    {"refused-nothing-done", HAPPENED_REFUSED, W | WI, AGAIN, FACT_DONE, ACT_RETRY_FEEDBACK,
     "the output was refused and provably nothing was done, so the agent is called again",
     "a person would have been asked if an effect were done"},
    {"refused-after-effect", HAPPENED_REFUSED, WI | W, FACT_DONE, 0, ACT_ASK_OUTPUT,
     "the output was refused after the world was changed: a person looks at it",
     "it would have been tried again if the card declared `write_idempotent` and tries were left"},
    {"flow-not-retried", HAPPENED_REFUSED | HAPPENED_TRANSIENT, ALL, FACT_FRAME, FACT_DONE,
     ACT_ON_FAILURE, "a flow within the flow is not tried again as a whole: its steps are",
     "a `retry` on its steps would have been obeyed there"},
    {"refused-write-spent", HAPPENED_REFUSED, W, 0, 0, ACT_ASK_OUTPUT,
     "the output of a write was refused, and its tries are spent: a person looks at it",
     "it would have been tried again with attempts and budget left"},

    /* -- it failed -- */
    {"quarantined-after-effect", HAPPENED_PERMANENT, WI | W, FACT_QUARANTINED | FACT_DONE, 0,
     ACT_ASK_OUTPUT,
     "the plugin is in quarantine, and an effect of this step is done: a person decides what "
     "stands",
     "it would have been called again, to complete from the stored result, if the plugin were not "
     "in quarantine: `seam plugins release` ends that"},
    {"plugin-quarantined", HAPPENED_PERMANENT, ALL, FACT_QUARANTINED, 0, ACT_ON_FAILURE,
     "the plugin's library is in quarantine: it is not called, and waiting would not help",
     "it would have been called if the library were not in quarantine: `seam plugins release` ends "
     "that, another build of it never was in it"},
    {"failed-after-effect", HAPPENED_PERMANENT | HAPPENED_CANCELLED, WI | W, FACT_DONE, 0,
     ACT_ASK_OUTPUT,
     "the agent failed for good after it changed the world: a person decides what stands",
     "`on_failure` would have counted if nothing had been done"},
    {"permanent", HAPPENED_PERMANENT, ALL, 0, 0, ACT_ON_FAILURE,
     "the failure is permanent: trying again cannot help",
     "it would have been tried again if the agent had said UNAVAILABLE, RATE_LIMITED, TIMEOUT or "
     "BUSY"},
    {"cancelled", HAPPENED_CANCELLED, ALL, 0, 0, ACT_ON_FAILURE, "the agent gave up", NULL},
    {"effect-done-replay", HAPPENED_TRANSIENT, WI | W, FACT_DONE | AGAIN, FACT_BARE, ACT_RETRY,
     "effects are done already: the agent is called again and gets their stored results", NULL},
    {"effect-done-recover", HAPPENED_TRANSIENT | HAPPENED_NO_BUDGET, WI | W,
     FACT_DONE | FACT_RECOVERY_LEFT, FACT_BARE, ACT_REPLAY,
     "the tries are spent but an effect is done: the agent is called once more, to complete from "
     "its stored result",
     NULL},
    {"done-without-output", HAPPENED_TRANSIENT | HAPPENED_NO_BUDGET, WI | W, FACT_DONE, 0,
     ACT_ASK_OUTPUT,
     "an effect of this step is done, and the agent cannot complete from its stored result",
     "it would have been called again with tries or `recovery` left, and if the host had brokered "
     "the effect"},
    {"call-spent", HAPPENED_TRANSIENT, ALL, FACT_CHILD_SPENT, 0, ACT_ON_FAILURE,
     "a call that it asked for has failed for good: calling the caller again would not help",
     "it would have been tried again if that call had not failed, or had tries left of its own"},
    {"retry-safe-class", HAPPENED_TRANSIENT, PURE_READ, AGAIN, 0, ACT_RETRY,
     "the failure is transient and this class changes nothing, so it is safe to try again", NULL},
    {"retry-same-key", HAPPENED_TRANSIENT, WI, AGAIN, 0, ACT_RETRY,
     "the failure is transient and nothing is in doubt: tried again with the same key", NULL},
    {"retry-nothing-done", HAPPENED_TRANSIENT, W, AGAIN, 0, ACT_RETRY,
     "the failure is transient and provably nothing was done, so it is safe to try again",
     "it would have been reconciled, or a person asked, if an effect were in doubt"},

    /* -- it cannot be tried again, and why -- */
    {"not-retried", HAPPENED_REFUSED | HAPPENED_TRANSIENT, ALL, 0, FACT_RETRY_ON, ACT_ON_FAILURE,
     "the step's `retry_on` does not name this cause", "add the cause to `retry_on`"},
    {"attempts-spent", HAPPENED_REFUSED | HAPPENED_TRANSIENT, ALL, 0, FACT_TRY_LEFT, ACT_ON_FAILURE,
     "the step's tries are spent", "a larger `retry.max_attempts`"},
    {"deadline-spent", HAPPENED_REFUSED | HAPPENED_TRANSIENT, ALL, 0, FACT_TIME_LEFT,
     ACT_ON_FAILURE, "the next try would begin after the step's deadline",
     "a later `timeout.schedule_to_close`, or shorter intervals"},
    {"budget-spent", HAPPENED_REFUSED | HAPPENED_TRANSIENT | HAPPENED_NO_BUDGET, ALL, 0, 0,
     ACT_ON_FAILURE, "the run's budget does not allow another call",
     "a larger `budget` in the flow"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct row *rules_match(enum happened happened, enum effect_class effect, unsigned facts)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        if ((row->happened & happened) && (row->classes & (1u << effect)) &&
            (facts & row->with) == row->with && (facts & row->without) == 0)
            return row;
    }
    UNREACHABLE("every combination of facts has a row");
    return NULL;
}

/* Rules that are not rows: they follow from the flow, from evidence or from a person. */
static const struct {
    const char *name, *meaning, *alternative;
} others[] = {
    {"attempt-ended", "what the attempt came to, by contract, confidence and assertions", NULL},
    {"turn", "every step that it waits for is final", NULL},
    {"if-false", "its `if` is false", "it would have run if the condition were true"},
    {"needs-skipped", "a step whose output it needs has none",
     "it would have run if that output were read under `//`"},
    {"expression-error", "one of its expressions failed", "mend the expression or its input"},
    {"first-attempt", "it is ready, and budget and concurrency allow it", NULL},
    {"next-attempt", "its time has come", NULL},
    {"reconcile-attempt", "an effect is in doubt: its reconcile agent is called", NULL},
    {"flow-begins", "it is ready, and budget allows it: the steps of its flow begin", NULL},
    {"plan-begins", "it is ready, and its plan was checked when it was made: its steps begin",
     NULL},
    {"flow-ended", "what its flow came to, by contract and assertions", NULL},
    {"no-plan", "the step that was to write its plan wrote none",
     "an `if` on the step would have skipped it"},
    {"adopted",
     "an earlier run has finished this step with the same inputs: what it gave is taken over",
     "it would have been called again with other inputs"},
    {"effect-again",
     "an earlier run has changed the world here, and this one would do so once more: a person is "
     "asked",
     "it would have begun at once if that had been allowed when the run was started"},
    {"call-fresh", "its caller may call it, and has not before under this name", NULL},
    {"call-attached", "the call of that name is under way: its caller waits for it", NULL},
    {"call-replayed", "the call of that name is over: its stored result is given", NULL},
    {"call-resumed", "the call of that name was given up with an earlier attempt: it goes on",
     NULL},
    {"call-conflict", "the call of that name had another agent or input",
     "another `name` would have made it another call"},
    {"call-over", "the attempt that asks is over", NULL},
    {"call-not-granted", "its plugin was not granted this agent",
     "`grants.agents` of its plugin in the manifest would have to name it"},
    {"call-class", "nobody may call an agent that changes more than the caller declares",
     "a card that declares the caller's effect to be as strong as that of whom it calls"},
    {"call-ending", "the run is ending: nothing new begins", NULL},
    {"call-cycle", "an agent may not call itself, through however many others", NULL},
    {"call-limit", "calls within calls are too many, or too deep", NULL},
    {"calls-open", "its attempt has ended, but what it called has not", NULL},
    {"undo-attempt", "the run is ending: what was done is undone", NULL},
    {"input-invalid", "the input that the flow builds does not fit the agent's contract",
     "mend the step's `input`"},
    {"proof-wrong",
     "the flow's check had proven that this value fits its contract, and it does not: a fault of "
     "Seam, which is worth a report",
     NULL},
    {"items-done", "all items are final", NULL},
    {"step-done", "its task is final", NULL},
    {"reconcile-quarantined",
     "the reconcile agent's plugin is in quarantine: nothing can tell, and a person is asked",
     "it would have been asked if the plugin were not in quarantine: `seam plugins release` ends "
     "that"},
    {"effect-fresh", "the effect has not begun before, or provably did not happen", NULL},
    {"effect-uncommitted",
     "the host saw that the effect is done, but the agent never committed it: its send is given "
     "the stored answer, the world is not asked",
     NULL},
    {"effect-replayed", "the effect is done: its stored result is given, the world is not asked",
     NULL},
    {"effect-same-key", "begun before with the same key, which the world honours", NULL},
    {"effect-in-doubt", "it began before and nobody knows how it ended", NULL},
    {"effect-conflict", "the same key with another request", NULL},
    {"effect-refused", "the run is ending, or the call is over: nothing new begins", NULL},
    {"evidence", "what the host saw of the effect", NULL},
    {"reconcile-happened", "the reconcile agent found it", NULL},
    {"reconcile-never", "the reconcile agent says that it can no longer happen", NULL},
    {"not-seen-wait", "not seen yet: asked again once `settle` has passed",
     "it would have been settled at once if the reconcile agent could say `never`"},
    {"not-seen-settled",
     "not seen, and `settle` has passed since its request was closed: it never "
     "happened",
     NULL},
    {"reconcile-again", "the reconcile agent failed: asked again", NULL},
    {"reconcile-unknown", "the reconcile agent cannot tell: a person is asked",
     "a card with `settle` would let `not_seen` count"},
    {"reference-claimed", "what reconcile found belongs to another effect: a person is asked",
     NULL},
    {"recovery-spent", "`recovery.calls` is spent: a person is asked", "a larger `recovery`"},
    {"person-happened", "a person says that it happened", NULL},
    {"person-never", "a person says that it did not happen", NULL},
    {"person-never-settles",
     "a person says that it did not happen, but `settle` has not passed: it may still happen, so "
     "the "
     "question is put again then",
     "after `settle` the answer would have counted"},
    {"person-looks-again",
     "`settle` has passed since somebody said that it did not happen: the same question, now that "
     "it can be known",
     NULL},
    {"person-approved", "a person approved the output", NULL},
    {"person-output", "a person gave the output", NULL},
    {"person-input", "a person answered the agent", NULL},
    {"person-retry", "a person said to try again", NULL},
    {"person-skip", "a person said to go on without", NULL},
    {"person-denied", "a person denied it", NULL},
    {"question-expired", "nobody answered in time: the default counts", "a longer `deadline`"},
    {"denied-undo", "denied, but it was done: its output is kept, to undo it", NULL},
    {"undo-wants-output", "nobody answered, and what was done cannot be undone without its output",
     "an answer, or an output that fits"},
    {"denied-in-doubt", "denied, but silence and `no` are not evidence: the question stays", NULL},
    {"answer-invalid", "the answer does not fit the question", NULL},
    {"answer-stale", "the answer is to an older revision of the question", NULL},
    {"plugins-changed",
     "the plugins are not those that it began with, and nothing proves that they may take their "
     "place: a person is asked before anything is called",
     "it would have gone on by itself with the plugins that it began with, or with such as are "
     "proven to take and give the same"},
    {"change-approved", "a person said that it may go on with them", NULL},
    {"change-denied", "a person said that it may not go on with them: it waits for its own plugins",
     NULL},
    {"change-expired",
     "nobody answered in time, and silence approves nothing: it waits for its own plugins",
     "an answer, which is still taken"},
    {"undo-failed", "an undo failed: a person is asked", NULL},
    {"restored-journal",
     "the journal came from a backup: this step may have run after it was made, so a person is "
     "asked",
     "it would have been started in the journal that is not a copy"},
    {"room-spent", "a budget over all runs has no room for its call",
     "larger `budgets` in the manifest, or the next period"},
    {"reserve-granted", "the budget allows it", NULL},
    {"reserve-denied", "the budget does not allow it", "a larger `budget`"},
    {"run-cancelled", "a person cancelled the run", NULL},
    {"time-spent", "the run's time budget is used up", "a larger `budget.time`"},
    {"undo", "its flow is ending: done steps are undone, last first", NULL},
    {"output-invalid", "the flow's own output breaks its contract", "mend the flow's `output`"},
    {"all-steps-final", "every step is final", NULL},
    {"cleaned-up", "nothing is in doubt and everything is undone", NULL},
};

const char *rule_meaning(const char *rule)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, rule) == 0)
            return rows[i].meaning;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(others[i].name, rule) == 0)
            return others[i].meaning;
    return NULL;
}

const char *rule_alternative(const char *rule)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, rule) == 0)
            return rows[i].alternative;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(others[i].name, rule) == 0)
            return others[i].alternative;
    return NULL;
}

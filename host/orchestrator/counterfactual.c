/* SPDX-License-Identifier: Apache-2.0
 *
 * What would have been decided, had one thing been otherwise: each supposition (suppose.c) changes
 * the situation that the table was asked with, and the table is asked again. Nothing here says what
 * the answer is. Two at once are supposed only where both open a way, and neither of them alone
 * does.
 */
#include "orchestrator/why_internal.h"

#include <stdlib.h>
#include <string.h>

/* What comes of it: an act, and of ON_FAILURE the flow's word. */
struct outcome_of {
    const struct row *row;
    enum on_failure policy;
};

static struct outcome_of ask(const struct situation *s)
{
    const struct row *row = rules_match(s->happened, s->effect, s->facts);
    return (struct outcome_of){row, row->act == ACT_ON_FAILURE ? s->policy : ON_FAILURE_FAIL};
}

static bool is_retry(enum act act)
{
    return act == ACT_RETRY || act == ACT_RETRY_FEEDBACK;
}

/* Do the two come to the same, whatever the rule is called? */
static bool same(struct outcome_of a, struct outcome_of b)
{
    bool retries = is_retry(a.row->act) && is_retry(b.row->act);
    return retries || (a.row->act == b.row->act && a.policy == b.policy);
}

static bool is_way_on(enum act act)
{
    return is_retry(act) || act == ACT_DEFER || act == ACT_REPLAY || act == ACT_RECONCILE ||
           act == ACT_ACCEPT || act == ACT_USE_RESULT;
}

static const char *would(struct outcome_of outcome)
{
    static const char *const policies[] = {
        [ON_FAILURE_FAIL] = "it would have failed",
        [ON_FAILURE_ESCALATE] = "a person would have been asked about the failure",
        [ON_FAILURE_SKIP] = "it would have been skipped, and the flow gone on without it",
        [ON_FAILURE_FALLBACK] = "its fallback would have been called",
    };
    switch (outcome.row->act) {
    case ACT_ACCEPT:
        return "its output would have been accepted";
    case ACT_USE_RESULT:
        return "the effect's result would have been taken as its output";
    case ACT_RETRY:
        return "it would have been retried";
    case ACT_RETRY_FEEDBACK:
        return "it would have been retried, and told why";
    case ACT_DEFER:
        return "it would have been retried later, without counting the try";
    case ACT_REPLAY:
        return "it would have been called once more, to complete from its stored result";
    case ACT_RECONCILE:
        return "its reconcile agent would have been asked";
    case ACT_ASK_DOUBT:
        return "a person would have been asked whether it happened";
    case ACT_ASK_OUTPUT:
        return "a person would have been asked to look at it";
    case ACT_ASK_INPUT:
        return "a person would have been asked what the agent needs";
    case ACT_ON_FAILURE:
        return policies[outcome.policy];
    case ACT_ABANDON:
        return "it would have been abandoned";
    }
    return "";
}

static void add(json_t *list, const char *name, char *sentence_taken, const char *and_name,
                char *and_taken, struct outcome_of outcome)
{
    json_t *json = json_pack("{s:[s], s:[s], s:s, s:s}", "change", name, "if", sentence_taken,
                             "rule", outcome.row->name, "would", would(outcome));
    if (and_taken) {
        json_array_append_new(json_object_get(json, "change"), json_string(and_name));
        json_array_append_new(json_object_get(json, "if"), json_string(and_taken));
    }
    json_array_append_new(list, json);
    free(sentence_taken);
    free(and_taken);
}

/* One at a time; what each came to goes to ret_alone (row NULL = there was nothing to suppose). */
static void suppose_one(const struct situation *now, struct outcome_of actual,
                        struct outcome_of ret_alone[static SUPPOSITIONS], json_t *list)
{
    for (size_t i = 0; i < SUPPOSITIONS; i++) {
        struct situation other = *now;
        char *sentence = supposition_at(i)->suppose(&other);
        ret_alone[i] = (struct outcome_of){0};
        if (!sentence)
            continue;
        ret_alone[i] = ask(&other);
        if (same(ret_alone[i], actual))
            free(sentence);
        else
            add(list, supposition_at(i)->name, sentence, NULL, NULL, ret_alone[i]);
    }
}

static void suppose_two(const struct situation *now, struct outcome_of actual,
                        const struct outcome_of alone[static SUPPOSITIONS], json_t *list)
{
    for (size_t i = 0; i < SUPPOSITIONS; i++)
        for (size_t j = i + 1; j < SUPPOSITIONS; j++) {
            struct situation other = *now;
            if (!alone[i].row || !alone[j].row || !supposition_at(i)->opens ||
                !supposition_at(j)->opens)
                continue;
            char *first = supposition_at(i)->suppose(&other);
            char *second = supposition_at(j)->suppose(&other);
            struct outcome_of both = ask(&other);
            bool new = is_way_on(both.row->act) && !same(both, actual) && !same(both, alone[i]) &&
                       !same(both, alone[j]);
            if (first && second && new) {
                add(list, supposition_at(i)->name, first, supposition_at(j)->name, second, both);
                continue;
            }
            free(first);
            free(second);
        }
}

json_t *counterfactuals(const struct run *run, const struct task *task, const char *rule)
{
    struct situation now = {
        .run = run,
        .task = task,
        .step = step_of(run, task),
        .retry = task_retry(run, task),
        .agent = task_callee(run, task)->agent,
        .happened = task_happened(task),
        .effect = task_callee(run, task)->agent->effect,
        .facts = gather_facts(run, task),
        .policy = task_on_failure(run, task),
    };
    struct outcome_of alone[SUPPOSITIONS];
    struct outcome_of actual = ask(&now);
    bool undo_failed = strcmp(rule, "undo-failed") == 0 && actual.row->act == ACT_ON_FAILURE;
    /* decided by another version of the rules, or not by the table at all */
    if (strcmp(actual.row->name, rule) != 0 && !undo_failed)
        return NULL;
    json_t *list = json_array();
    suppose_one(&now, actual, alone, list);
    suppose_two(&now, actual, alone, list);
    return list;
}

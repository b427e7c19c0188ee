/* SPDX-License-Identifier: Apache-2.0
 *
 * A run whose plugins are not what they were. Where nothing proves that the new ones may take the
 * old ones' place, a person is asked before the run goes on: a question about the run itself, with
 * revision, deadline and digest like any other. While it is open the run is held: no agent is
 * called, whatever else happens to it. A host that can go on (the old plugins are back, or a person
 * said so) takes the run over, and that ends it.
 *
 *     NONE → ASKED [changed] → PERMITTED [approved] → NONE [taken over]
 *              ↓ ↑ [changed otherwise]
 *            DENIED [denied, expired] → PERMITTED [approved after all]
 *
 * A denial ends nothing: what such a run has begun only its own plugins can end.
 */
#include "orchestrator/state_internal.h"

#include <stdlib.h>
#include <string.h>

bool run_is_held(const struct run *run)
{
    return run->change.state != CHANGE_NONE;
}

bool change_waits(const struct run *run)
{
    return run->change.state == CHANGE_ASKED || run->change.state == CHANGE_DENIED;
}

void change_done(struct change *change)
{
    json_decref(change->shown);
    free(change->digest);
    free(change->accepted);
    free(change->who);
}

static void keep(char **slot, const char *text)
{
    char *copy = text ? xstrdup(text) : NULL;
    free(*slot);
    *slot = copy;
}

/* ---- what others may see ---- */

bool run_change_asked(const struct run *run, const char *digest)
{
    return change_waits(run) && strcmp(run->change.digest, digest) == 0;
}

const char *run_change_accepted(const struct run *run, const char *digest)
{
    const struct change *change = &run->change;
    return change->accepted && strcmp(change->accepted, digest) == 0 ? change->who : NULL;
}

bool change_question(const struct run *run, struct question_view *ret_view)
{
    const struct change *change = &run->change;
    if (!change_waits(run))
        return false;
    *ret_view = (struct question_view){
        .task = RUN_ITSELF,
        .revision = change->revision,
        .kind = QUESTION_CHANGE,
        .deadline_ms = change->deadline_ms,
        .shown = change->shown,
        .told = change->told == change->revision,
    };
    return true;
}

json_t *describe_change(const struct run *run)
{
    const struct change *change = &run->change;
    json_t *json = json_pack("{s:s, s:i, s:I, s:O, s:b}", "path", ".", "revision",
                             (int)change->revision, "deadline_ms", (json_int_t)change->deadline_ms,
                             "shown", change->shown, "told", change->told == change->revision);
    if (change->state == CHANGE_DENIED && change->who)
        json_object_set_new(json, "denied_by", json_string(change->who));
    return json;
}

enum error_code change_answer_fits(const struct run *run, const json_t *answer,
                                   struct error *reterr)
{
    const struct change *change = &run->change;
    if (!change_waits(run))
        return error_set(reterr, ERR_NOT_FOUND, "the run itself asks nothing");
    if (json_array_size(json_object_get(change->shown, "accepts")) == 0)
        return error_set(reterr, ERR_INPUT,
                         "nobody can approve this: what differs is not held to a contract; put the "
                         "plugins back that it began with, and resume it");
    if (json_is_object(answer) && json_object_size(answer) == 1 &&
        json_is_true(json_object_get(answer, "approve")))
        return ERR_OK;
    return error_set(reterr, ERR_INPUT, "expected {\"approve\": true}");
}

/* ---- what happens ---- */

void change_taken_over(struct run *run, const struct event *event)
{
    struct change *change = &run->change;
    change->state = CHANGE_NONE;
    change->deadline_ms = -1;
    if (!event->digest)
        return;
    keep(&change->accepted, event->digest);
    keep(&change->who, event->who);
}

/* ---- what is decided ---- */

static json_t *question_shown(const struct event *event)
{
    bool approvable = json_is_true(json_object_get(event->body, "approvable"));
    json_t *accepts = approvable ? json_pack("[{s:b}]", "approve", 1) : json_array();
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:O*, s:{s:s, s:s*}}", "question", "change", "step", ".", "text",
        approvable ? "Plugins of this run were replaced, and nothing proves that the new ones "
                     "may take the old ones' place. Approve it to go on with them, or put the "
                     "old ones back and resume it."
                   : "Plugins of this run were replaced or are gone, and nobody can approve "
                     "what differs. Put the old ones back and resume it.",
        "accepts", accepts, "rule", "plugins-changed", "agents",
        json_object_get(event->body, "agents"), "error", "code", "changed", "message",
        event->message);
}

void decide_change(const struct run *run, const struct event *event, struct decision *ret)
{
    const struct escalation *escalation = &run->flow->escalation;
    *ret = (struct decision){
        .kind = DECISION_ASK,
        .rule = "plugins-changed",
        .task = RUN_ITSELF,
        .question = QUESTION_CHANGE,
        .revision = run->change.revision + 1,
        .due_ms = escalation->deadline_ms >= 0 ? run->now_ms + escalation->deadline_ms : -1,
        .shown = question_shown(event),
    };
}

static void refuse(const char *rule, const char *message, struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_REFUSE_ANSWER,
                             .rule = rule,
                             .task = RUN_ITSELF,
                             .error = error_json(rule, message, NULL)};
}

static void permit(bool granted, const char *rule, struct decision *ret)
{
    *ret = (struct decision){
        .kind = DECISION_PERMIT, .rule = rule, .task = RUN_ITSELF, .granted = granted};
}

void decide_change_answer(const struct run *run, const struct event *event, struct decision *ret)
{
    const struct change *change = &run->change;
    struct error err;
    if (!change_waits(run) || change->revision != event->revision)
        refuse("answer-stale", "this is not the question that is open now", ret);
    else if (event->kind == EVENT_EXPIRED)
        permit(false, "change-expired", ret);
    else if (event->deny)
        permit(false, "change-denied", ret);
    else if (change_answer_fits(run, event->body, &err) != ERR_OK)
        refuse("answer-invalid", err.text, ret);
    else
        permit(true, "change-approved", ret);
}

/* ---- … and follows ---- */

void follow_change(struct run *run, const struct event *event, const struct decision *decision)
{
    struct change *change = &run->change;
    if (decision->kind == DECISION_ASK) {
        change->state = CHANGE_ASKED;
        change->revision = decision->revision;
        change->deadline_ms = decision->due_ms;
        keep(&change->digest, event->digest ? event->digest : "");
        keep(&change->who, NULL);
        replace_json(&change->shown, decision->shown);
    } else if (decision->kind == DECISION_PERMIT) {
        change->state = decision->granted ? CHANGE_PERMITTED : CHANGE_DENIED;
        change->deadline_ms = -1;
        keep(&change->who, event->who);
        if (decision->granted)
            keep(&change->accepted, change->digest);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that have others called first, one after the other, on terms of their own, and wait for
 * them. Some forget one, some ask for another under the same name, some fail of what failed.
 */
#include "sim.h"

#include <string.h>

static void call_name(const struct call *call, char ret_name[static 32])
{
    snprintf(ret_name, 32, "%s#1", call->who->asks[call->asked] + 2);
}

static bool wait_is_over(const struct sim *sim, const struct call *call, struct nested_view *view)
{
    char name[32];
    call_name(call, name);
    uint32_t child = run_nested_find(sim->run, call->task, name);
    return child != UINT32_MAX && run_nested(sim->run, child, view) && view->final;
}

static bool waits_for_person(const struct sim *sim, const struct call *call)
{
    char name[32];
    call_name(call, name);
    uint32_t child = run_nested_find(sim->run, call->task, name);
    return child != UINT32_MAX && run_nested_gives_way(sim->run, child);
}

void calls_wake(struct sim *sim)
{
    struct nested_view view;
    for (struct call *call = sim->calls; call; call = call->next)
        if (call->waiting && wait_is_over(sim, call, &view)) {
            call->waiting = false;
            call->asked++;
            /* a caller may make do without */
            call->spoilt |= !view.ok && sim_chance(sim, 500);
            call_goes_on_later(sim, call, 20);
        } else if (call->waiting && !call->gives_way && waits_for_person(sim, call)) {
            call->gives_way = true;
            call_goes_on_later(sim, call, 20);
        }
}

static const char *some_terms(struct sim *sim)
{
    static const char *const terms[] = {
        "{\"retry\": {\"max_attempts\": 3, \"initial_interval\": \"50ms\"}}",
        "{\"budget\": {\"calls\": 2, \"tokens\": 120}}", "{\"timeout_ms\": 900}", "{}"};
    return terms[sim_below(sim, 4)];
}

/* The terms are the call's for ever: a caller that asks again says the same, most of the time. */
static void ask_for(struct sim *sim, struct call *call)
{
    struct decision decision;
    char name[32];
    call_name(call, name);
    struct event event = {.kind = EVENT_CALL_ASKED,
                          .task = call->task,
                          .attempt = call->attempt,
                          .effect = name,
                          .code = call->who->asks[call->asked],
                          .digest = sim_bad_luck(sim, 4) ? "another" : "the same",
                          .body = json_object(),
                          .request = json_loads(some_terms(sim), 0, NULL)};
    host_happen(sim, &event, &decision);
    json_decref(event.body);
    json_decref(event.request);
    enum begin begin = decision.kind == DECISION_CALL ? decision.begin : BEGIN_REFUSED;
    decision_done(&decision);
    if (sim->dead)
        return;
    if (begin == BEGIN_CONFLICT || begin == BEGIN_REFUSED) {
        call_fails(sim, call, CAUSE_FAILED, OUTCOME_NONE);
        return;
    }
    call->waiting = true;
    calls_wake(sim);
}

static void skip_one(struct sim *sim, struct call *call)
{
    call->asked++;
    call_goes_on_later(sim, call, 20);
}

/* False if it has nobody left to call. */
bool call_asks(struct sim *sim, struct call *call)
{
    if (call->spoilt)
        call_fails(sim, call, sim_chance(sim, 500) ? some_transient(sim) : some_permanent(sim),
                   OUTCOME_NONE);
    else if (call->waiting && call->gives_way && sim_chance(sim, 900))
        call_gives_way(sim, call); /* some wait all the same, until their time is over */
    else if (call->waiting)
        return true;
    else if (call->asked < 3 && sim_bad_luck(sim, 15))
        skip_one(sim, call); /* as a forgetful agent does */
    else if (call->asked < 3 && call->who->asks[call->asked])
        ask_for(sim, call);
    else
        return false;
    return true;
}

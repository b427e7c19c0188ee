/* SPDX-License-Identifier: Apache-2.0
 *
 * agent.call/1: an agent in the middle of a call wants another one called. Whom it means is looked
 * up among those that its plugin is granted today; whether the call is made, attached to or
 * answered from what is stored, the orchestrator decides; it is a start like any other. Whoever
 * asked waits here, until a decision makes what it asked for final, and hears nothing if its own
 * call has ended meanwhile: the next attempt asks again, by the same name.
 *
 * A person may take days to answer, and no plugin's process lives as long. So a caller is not made
 * to wait for one: its call is answered at once with SEAM_E_INPUT_REQUIRED, `waits-for-person`, and
 * however it ends then, but with an output or a question of its own, counts as having given way. It
 * is called again when there is an answer, and finds what came of the call under its name. One that
 * may have changed the world by ways that the host does not see is made to wait, for its end now
 * would leave a doubt.
 *
 * A caller keeps its place while it waits. Whom no place could ever come free for, because all are
 * taken by calls that wait for each other, is refused at once; see places.c.
 */
#include "runtime/host_internal.h"

#include <stdlib.h>
#include <string.h>

extern const unsigned char agent_call_schema_json[];
extern const size_t agent_call_schema_json_size;

static const char op[] = "agent.call/1";

static struct slice task_key(const uint32_t *task)
{
    return (struct slice){(const char *)task, sizeof(*task)};
}

/* ---- who waits ---- */

static void count_waiting(struct live_call *call, bool waits)
{
    call->slot->nesting += waits ? 1 : (size_t)-1;
    if (call->gate)
        call->gate->nesting += waits ? 1 : (size_t)-1;
}

static void asked_new(struct live_call *call, uint64_t request, uint32_t child)
{
    struct asked *asked = xcalloc(1, sizeof(*asked));
    if (!call->asked)
        count_waiting(call, true);
    *asked = (struct asked){call->asked, &call->asked, call, request, child};
    if (asked->next)
        asked->next->back = &asked->next;
    call->asked = asked;
    map_put(&call->live->asked, task_key(&child), asked);
}

static void asked_free(struct asked *asked)
{
    struct live_call *call = asked->call;
    *asked->back = asked->next;
    if (asked->next)
        asked->next->back = asked->back;
    map_take(&call->live->asked, task_key(&asked->child));
    if (!call->asked)
        count_waiting(call, false);
    free(asked);
}

void nested_started(struct live_call *call)
{
    struct nested_view view;
    if (!run_nested(call->live->run, call->task, &view))
        return;
    if (call->rank == LINE_ORDINARY)
        call->rank = LINE_NESTED;
    map_put(&call->live->called, task_key(&call->task), call);
}

void nested_ended(struct live_call *call)
{
    while (call->asked)
        asked_free(call->asked);
    if (map_get(&call->live->called, task_key(&call->task)) == call)
        map_take(&call->live->called, task_key(&call->task));
}

struct live_call *nested_call(const struct live_run *live, uint32_t task)
{
    return map_get(&live->called, task_key(&task));
}

void nested_done(struct live_run *live)
{
    map_done(&live->called);
    map_done(&live->asked);
}

/* ---- answers ---- */

/* What may pass by itself has been tried as often as it may: to the caller it is final. */
static int32_t status_of(enum cause cause)
{
    switch (cause) {
    case CAUSE_INPUT:
        return SEAM_E_INPUT;
    case CAUSE_DENIED:
        return SEAM_E_DENIED;
    case CAUSE_UNSUPPORTED:
        return SEAM_E_UNSUPPORTED;
    case CAUSE_INTERNAL:
        return SEAM_E_INTERNAL;
    case CAUSE_BUDGET:
        return SEAM_E_BUDGET;
    case CAUSE_CANCELLED:
        return SEAM_E_CANCELLED;
    case CAUSE_UNAVAILABLE:
    case CAUSE_RATE_LIMITED:
    case CAUSE_TIMEOUT:
    case CAUSE_BUSY:
    case CAUSE_CRASH:
    case CAUSE_CONTRACT:
    case CAUSE_ASSERT:
    case CAUSE_CONFIDENCE:
    case CAUSE_PLAN:
    case CAUSE_FAILED:
    case CAUSE_CONFLICT:
    case CAUSE_QUARANTINED:
    case CAUSE_COUNT:
        return SEAM_E_FAILED;
    }
    return SEAM_E_FAILED;
}

static uint32_t effect_of_outcome(enum outcome outcome)
{
    return outcome == OUTCOME_NONE   ? SEAM_EFFECT_NONE
           : outcome == OUTCOME_DONE ? SEAM_EFFECT_DONE
                                     : SEAM_EFFECT_UNKNOWN;
}

static void answer_failed(struct live_call *call, uint64_t request, uint32_t child,
                          const struct nested_view *view)
{
    const char *agent = run_task_agent(call->live->run, child, false)->name;
    const char *message = json_string_value(json_object_get(view->error, "message"));
    /* dropped without an error of its own: the run is ending */
    int32_t status = view->error ? status_of(view->cause) : SEAM_E_CANCELLED;
    const char *code = view->error ? "child-failed" : "run-ending";
    AUTO(freep)
    char *words = xasprintf("%s, called as %s, failed: %s", agent, view->name,
                            message ? message : "the run is ending");
    json_t *body = json_pack("{s:s, s:s, s:s}", "message", words, "code", code, "call", view->name);
    if (view->error) {
        json_object_set_new(body, "cause", json_string(cause_word(view->cause)));
        json_object_set(body, "error", (json_t *)(uintptr_t)view->error);
    }
    service_reply(call->slot, request, status, effect_of_outcome(view->outcome), code, body);
}

static void answer(struct live_call *call, uint64_t request, uint32_t child,
                   const struct nested_view *view)
{
    char cost[32];
    if (!view->ok) {
        answer_failed(call, request, child, view);
        return;
    }
    json_t *body = json_pack("{s:I, s:s}", "tokens", (json_int_t)view->tokens, "cost",
                             money_text(view->cost, cost));
    json_object_set(body, "output", (json_t *)(uintptr_t)view->output);
    service_answer(call->slot, request, SEAM_OK, effect_of_outcome(view->outcome), body);
}

/* Not a failure of the call, and its effect is no matter of the caller's: it goes on. */
static void answer_waits(struct live_call *call, uint64_t request, uint32_t child,
                         const struct nested_view *view)
{
    const char *agent = run_task_agent(call->live->run, child, false)->name;
    call->gives_way = true;
    AUTO(freep)
    char *words = xasprintf("%s, called as %s, waits for a person: end the call now; it is called "
                            "again when there is an answer, and is given what came of this call",
                            agent, view->name);
    service_reply(call->slot, request, SEAM_E_INPUT_REQUIRED, SEAM_EFFECT_NONE, "waits-for-person",
                  json_pack("{s:s, s:s, s:s}", "message", words, "code", "waits-for-person", "call",
                            view->name));
}

bool nested_gave_way(const struct live_call *call, const struct event *event)
{
    bool asks = event->end == END_INPUT_REQUIRED && json_object_get(event->body, "question");
    return call->gives_way && !call->reconciling && event->end != END_OK && !asks;
}

void nested_hear(struct live_run *live, const struct decisions *decisions)
{
    struct nested_view view;
    for (size_t i = 0; i < decisions->count && live->asked.count > 0; i++) {
        uint32_t task = decisions->list[i].task;
        const struct asked *found = map_get(&live->asked, task_key(&task));
        if (!found || !run_nested(live->run, task, &view) ||
            !(view.final || run_nested_gives_way(live->run, task)))
            continue;
        struct asked asked = *found;
        asked_free(map_get(&live->asked, task_key(&task)));
        (view.final ? answer : answer_waits)(asked.call, asked.request, task, &view);
    }
}

/* ---- whom it means ---- */

static bool named(const struct host *host, const struct agent *agent, const char *name)
{
    const char *slash = strchr(name, '/');
    const char *id = slot_of(host, agent)->roster->card->id;
    return strcmp(agent->name, name) == 0 ||
           (slice_is((struct slice){name, (size_t)(slash - name)}, id) &&
            strcmp(strchr(agent->name, '/'), slash) == 0);
}

/* "search/lookup" or "org.example.search/lookup", of those that the caller's plugin is granted now:
 * a run keeps what it was granted when it began, and the operator may have taken it back. */
static const struct agent *find_granted(struct live_call *call, uint64_t request, const char *name)
{
    const struct host *host = call->live->host;
    const struct agent *found = NULL;
    const struct agent *caller =
        catalog_find(&host->options.roster->catalog, slice_of(call->agent->name));
    for (size_t i = 0; caller && i < caller->call_count; i++) {
        const struct agent *agent = caller->calls[i];
        if (!named(host, agent, name))
            continue;
        if (strcmp(agent->name, name) == 0)
            return agent;
        if (found) {
            service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "ambiguous",
                         "%s: %s is %s and %s here; call it by one of these names", op, name,
                         found->name, agent->name);
            return NULL;
        }
        found = agent;
    }
    if (!found)
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "not-granted",
                     "%s: %s may not call %s: its card would have to ask for it, and "
                     "plugins.%s.grants.agents of the manifest to name it; `seam plugins` tells "
                     "what is asked for and granted",
                     op, call->agent->name, name, call->slot->roster->entry->alias);
    return found;
}

/* ---- the service ---- */

static bool fits_schema(struct host *host, const json_t *body, struct text *out)
{
    struct slice text = {(const char *)agent_call_schema_json, agent_call_schema_json_size};
    struct violations violations;
    struct error err;
    json_t *schema = NULL;
    if (!host->call_schema) {
        enum error_code code = json_read(text, LIMIT_FILE, &schema, &err);
        if (code == ERR_OK)
            code = contract_compile(schema, NULL, &host->call_schema, &err);
        json_decref(schema);
        ASSERT(code == ERR_OK);
    }
    if (contract_accepts(host->call_schema, body))
        return true;
    contract_explain(host->call_schema, body, &violations);
    violations_text(&violations, out);
    violations_done(&violations);
    return false;
}

/* "lookup#2": the same for the same place in every attempt. */
static char *call_name(struct live_call *call, const json_t *body, const struct agent *agent)
{
    const char *given = json_string_value(json_object_get(body, "name"));
    const char *name = given ? given : strchr(agent->name, '/') + 1;
    AUTO(freep) char *key = xasprintf("call %s", name);
    if (!call->ordinals)
        call->ordinals = json_object();
    json_int_t ordinal = json_integer_value(json_object_get(call->ordinals, key)) + 1;
    json_object_set_new(call->ordinals, key, json_integer(ordinal));
    return xasprintf("%s#%lld", name, (long long)ordinal);
}

/* What the call is: how long it may take and what it may cost is no part of it. */
static char *call_digest(const struct agent *agent, json_t *input)
{
    json_t *what = json_pack("{s:s, s:O}", "agent", agent->name, "input", input);
    char *digest = request_digest(what);
    json_decref(what);
    return digest;
}

static json_t *terms_of(const json_t *body)
{
    static const char *const keys[] = {"retry", "timeout_ms", "budget"};
    json_t *terms = NULL;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *value = json_object_get(body, keys[i]);
        if (!value)
            continue;
        if (!terms)
            terms = json_object();
        json_object_set(terms, keys[i], value);
    }
    return terms;
}

static void answer_refused(struct live_call *call, uint64_t request, const struct agent *agent,
                           const struct decision *decision)
{
    const char *rule = decision->rule ? decision->rule : "call-over";
    const char *meaning = rule_meaning(rule), *cure = rule_alternative(rule);
    bool over = strcmp(rule, "call-over") == 0 || strcmp(rule, "call-ending") == 0;
    int32_t status = decision->begin == BEGIN_CONFLICT ? SEAM_E_FAILED
                     : over                            ? SEAM_E_CANCELLED
                                                       : SEAM_E_DENIED;
    const char *prefix = "call-";
    const char *code = strncmp(rule, prefix, 5) == 0 ? rule + 5 : rule;
    service_fail(call->slot, request, status, SEAM_EFFECT_NONE, code,
                 "%s: %s was not called by %s (%s): %s%s%s", op, agent->name, call->agent->name,
                 effect_class_word(call->agent->effect), meaning ? meaning : rule,
                 cure ? "; what would change it: " : "", cure ? cure : "");
}

static void ask(struct live_call *call, uint64_t request, const struct agent *agent,
                const char *name, json_t *body)
{
    struct live_run *live = call->live;
    struct decision decision;
    struct nested_view view;
    AUTO(freep) char *digest = call_digest(agent, json_object_get(body, "input"));
    AUTO(json_decrefp) json_t *terms = terms_of(body);
    struct event event = {.kind = EVENT_CALL_ASKED,
                          .task = call->task,
                          .attempt = call->attempt,
                          .effect = name,
                          .code = agent->name,
                          .body = json_object_get(body, "input"),
                          .request = terms,
                          .digest = digest};
    live_happen(live, &event, &decision);
    uint32_t child = run_nested_find(live->run, call->task, name);
    bool refused = decision.kind != DECISION_CALL || decision.begin == BEGIN_CONFLICT ||
                   decision.begin == BEGIN_REFUSED;
    if (refused || child == UINT32_MAX || !run_nested(live->run, child, &view))
        answer_refused(call, request, agent, &decision);
    else if (view.final)
        answer(call, request, child, &view);
    else if (run_nested_gives_way(live->run, child))
        answer_waits(call, request, child, &view);
    else
        asked_new(call, request, child);
    decision_done(&decision);
}

void agent_called(struct live_call *call, uint64_t request, json_t *body)
{
    AUTO(text_done) struct text wrong;
    text_init(&wrong, ERROR_TEXT_SIZE / 2);
    if (!fits_schema(call->live->host, body, &wrong)) {
        service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request", "%s: %s",
                     op, text_str(&wrong));
        return;
    }
    const struct agent *agent =
        find_granted(call, request, json_string_value(json_object_get(body, "agent")));
    if (!agent)
        return;
    AUTO(freep) char *name = call_name(call, body, agent);
    struct no_place why;
    if (place_for(call, run_nested_find(call->live->run, call->task, name), agent, &why))
        ask(call, request, agent, name, body);
    else
        service_fail(call->slot, request, why.ever ? SEAM_E_BUSY : SEAM_E_DENIED, SEAM_EFFECT_NONE,
                     "no-place", "%s: %s", op, why.words);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A run anew, from what an earlier one has finished. What may be offered to the core is settled in
 * weigh.c; what is then taken over the core alone decides, when a step's turn comes and its inputs
 * are known; so to say beforehand what would become of each step, a run is begun in memory and its
 * decisions are read.
 */
#include "runtime/host_internal.h"
#include "runtime/renew_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the core makes of it ---- */

static void note_then(struct renewing *r, const char *step, const char *then, const char *why)
{
    json_t *picture = json_object_get(r->steps, step);
    const char *now = json_string_value(json_object_get(picture, "then"));
    if (strcmp(now, "new") != 0 || strcmp(then, "skipped") == 0)
        json_object_set_new(picture, "then", json_string(then));
    if (why && !json_object_get(picture, "why"))
        json_object_set_new(picture, "why", json_string(why));
}

/* NULL = none runs again. The caller frees. */
static char *items_excepted(const struct renewing *r, const char *path)
{
    const json_t *known = json_object_get(json_object_get(r->adopted, "steps"), path);
    const json_t *item = json_object_get(json_object_get(r->steps, path), "item");
    long long named = (long long)json_integer_value(item);
    size_t i, again = 0;
    json_t *part;
    json_array_foreach (json_object_get(known, "parts"), i, part) {
        again += json_is_true(json_object_get(part, "again"));
    }
    if (!item || again == 0)
        return NULL;
    return again == 1
               ? xasprintf("but for item %lld, which runs again", named)
               : xasprintf("but for item %lld, and %zu more that had not ended", named, again - 1);
}

static void try_beginning(struct renewing *r, json_t *input)
{
    struct run *run = run_new(r->is);
    struct decisions decisions = {0};
    struct event event = {
        .kind = EVENT_STARTED,
        .at_ms = run_time(r->run),
        .rules = RULES_VERSION,
        .run = run_id(r->run),
        .store = "",
        .input = input,
        .adopted = r->adopted,
    };
    run_advance(run, &event, &decisions);
    json_t *record = record_json(run, &event, &decisions);
    for (size_t i = 0; i < decisions.count; i++) {
        const struct decision *decision = &decisions.list[i];
        const json_t *told = json_array_get(json_object_get(record, "decisions"), i);
        const char *path = json_string_value(json_object_get(told, "path"));
        if (!path || !json_object_get(r->steps, path))
            continue;
        AUTO(freep) char *but = items_excepted(r, path);
        if (decision->kind == DECISION_ADOPT)
            note_then(r, path, "taken-over", but);
        else if (decision->kind == DECISION_ADMIT)
            note_then(r, path, "again", "its inputs are not what they were");
        else if (decision->kind == DECISION_SKIP)
            note_then(r, path, "skipped", rule_meaning(decision->rule));
    }
    json_decref(record);
    decisions_done(&decisions);
    run_free(run);
}

/* The item of the step, which the path is within, runs again. */
static bool item_runs_again(const struct renewing *r, const char *step, const char *path)
{
    const json_t *known = json_object_get(json_object_get(r->adopted, "steps"), step);
    const char *at = path + strlen(step);
    size_t item = *at == '[' ? strtoul(at + 1, NULL, 10) : 0;
    const json_t *part = json_array_get(json_object_get(known, "parts"), item);
    return json_is_true(json_object_get(part, "again"));
}

/* What is within a sub-flow that is taken over as a whole does not begin. */
static void forget_taken_over(struct renewing *r)
{
    const char *step, *path;
    json_t *picture, *inner;
    void *next;
    AUTO(json_decrefp) json_t *all = json_copy(r->steps);
    json_object_foreach (all, step, picture) {
        const char *then = json_string_value(json_object_get(picture, "then"));
        if (strcmp(then, "taken-over") != 0 && strcmp(then, "skipped") != 0)
            continue;
        json_object_foreach_safe (r->steps, next, path, inner) {
            bool within = is_of_step(path, step) && strchr(path + strlen(step), '/');
            if (within && !item_runs_again(r, step, path))
                json_object_del(r->steps, path);
        }
    }
}

/* What was not reached waits for something that runs again. */
static void settle_open(struct renewing *r)
{
    const char *name;
    json_t *picture;
    json_object_foreach (r->steps, name, picture) {
        const char *then = json_string_value(json_object_get(picture, "then"));
        if (strcmp(then, "open") != 0)
            continue;
        if (json_object_get(picture, "why"))
            json_object_set_new(picture, "then", json_string("again"));
        else
            json_object_set_new(picture, "why",
                                json_string("it waits for steps that run again: it is taken over "
                                            "if its inputs come out the same"));
    }
}

/* ---- effects that would be passed again ---- */

/* step: whom the core asks for them; of: what they are within, the step or an item of it. */
static void list_effects(const struct renewing *r, const char *step, const char *of, json_t *list)
{
    static const char *const outcomes[] = {"none", "done", "unknown", "open"};
    bool undone = was_undone(r->run, of);
    for (uint32_t i = 0; i < run_task_count(r->run); i++) {
        const char *path = run_task_path(r->run, i);
        if (!is_of_step(path, of) || is_undo(path))
            continue;
        for (size_t e = 0; e < run_task_effects(r->run, i); e++) {
            struct effect_view view = run_task_effect(r->run, i, e);
            if (view.outcome == OUTCOME_NONE)
                continue;
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:O*, s:O*}", "step", step,
                                "path", path, "effect", view.name, "key", view.key, "outcome",
                                outcomes[view.outcome], "at_ms", (json_int_t)view.first_ms,
                                "undone", undone, "request", view.request, "result",
                                view.result ? view.result : view.response));
        }
    }
}

/* A step that is gone and one that is new may be one step by two names. */
static bool new_writes(const struct renewing *r)
{
    for (size_t i = 0; i < r->is->step_count; i++) {
        const struct step *step = &r->is->steps[i];
        if (step_index(r->was, step->name) == UINT32_MAX &&
            (!step->call.agent || step->call.agent->effect >= CLASS_WRITE_IDEMPOTENT))
            return true;
    }
    return false;
}

/* Steps of it are told of by themselves. */
static bool has_steps_within(const struct renewing *r, const char *step)
{
    const char *path;
    json_t *picture;
    json_object_foreach (r->steps, path, picture) {
        if (is_of_step(path, step) && strchr(path + strlen(step), '/'))
            return true;
    }
    return false;
}

/* Those items of a step that is taken over which run again. */
static void list_items_again(const struct renewing *r, const char *step, json_t *list)
{
    const json_t *known = json_object_get(json_object_get(r->adopted, "steps"), step);
    size_t i;
    json_t *part;
    json_array_foreach (json_object_get(known, "parts"), i, part) {
        AUTO(freep) char *item = xasprintf("%s[%zu]", step, i);
        if (json_is_true(json_object_get(part, "again")))
            list_effects(r, step, item, list);
    }
}

static json_t *effects_passed(const struct renewing *r)
{
    json_t *list = json_array(), *picture;
    const char *path;
    json_object_foreach (r->steps, path, picture) {
        const char *then = json_string_value(json_object_get(picture, "then"));
        bool again = strcmp(then, "again") == 0 || strcmp(then, "open") == 0;
        if (has_steps_within(r, path))
            continue;
        if (again)
            list_effects(r, path, path, list);
        else if (json_object_get(picture, "item") && strcmp(then, "taken-over") == 0)
            list_items_again(r, path, list);
    }
    for (size_t i = 0; i < r->was->step_count && new_writes(r); i++)
        if (step_index(r->is, r->was->steps[i].name) == UINT32_MAX)
            list_effects(r, r->was->steps[i].name, r->was->steps[i].name, list);
    return list;
}

/* ---- the whole ---- */

static enum error_code compare_agents(struct renewing *r, struct error *reterr)
{
    const struct flow *const flows[] = {r->was, r->is};
    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; i < flows[f]->agent_count; i++) {
            const char *name = flows[f]->agents[i]->name;
            json_t *picture = NULL;
            if (json_object_get(r->agents, name))
                continue;
            enum error_code code =
                pinned_compare(r->reader, r->roster, r->pins, name, &picture, reterr);
            if (code != ERR_OK)
                return code;
            json_object_set_new(r->agents, name, picture);
        }
    return ERR_OK;
}

static json_t *steps_list(const struct renewing *r, bool *ret_same)
{
    json_t *list = json_array(), *picture;
    const char *name;
    json_object_foreach (r->steps, name, picture) {
        json_object_set_new(picture, "step", json_string(name));
        json_array_append(list, picture);
        *ret_same &= json_array_size(json_object_get(picture, "edits")) == 0;
    }
    for (size_t i = 0; i < r->was->step_count; i++) {
        if (step_index(r->is, r->was->steps[i].name) != UINT32_MAX)
            continue;
        const json_t *known =
            json_object_get(json_object_get(r->adopted, "steps"), r->was->steps[i].name);
        json_array_append_new(list,
                              json_pack("{s:s, s:s*, s:s, s:[]}", "step", r->was->steps[i].name,
                                        "was", json_string_value(json_object_get(known, "status")),
                                        "then", "removed", "edits"));
        *ret_same = false;
    }
    for (size_t i = 0; i < r->is->step_count; i++)
        *ret_same &= step_index(r->was, r->is->steps[i].name) != UINT32_MAX;
    return list;
}

static json_t *agents_list(const struct renewing *r, bool *ret_same)
{
    json_t *list = json_array(), *picture;
    const char *name;
    json_object_foreach (r->agents, name, picture) {
        if (strcmp(json_string_value(json_object_get(picture, "status")), "same") == 0)
            continue;
        json_object_set_new(picture, "agent", json_string(name));
        json_array_append(list, picture);
        *ret_same = false;
    }
    return list;
}

static json_t *draw(struct renewing *r, const char *from, const json_t *input)
{
    json_t *flow = edits_of_flow(r->was, r->is);
    bool input_same = json_equal(input, run_input(r->run));
    bool same = json_array_size(flow) == 0 && input_same;
    json_t *steps = steps_list(r, &same), *agents = agents_list(r, &same);
    return json_pack("{s:s, s:s, s:s*, s:b, s:b, s:o, s:o, s:o, s:o}", "run", run_id(r->run),
                     "status", run_status_word(run_status(r->run)), "from", from, "same", same,
                     "input_same", input_same, "flow", flow, "agents", agents, "steps", steps,
                     "effects", effects_passed(r));
}

static enum error_code open_earlier(struct renewing *r, const char *id, struct shelf *shelf,
                                    struct flow **ret_was, struct error *reterr)
{
    enum error_code code = fold_flow(r->reader, shelf, id, ret_was, reterr);
    if (code == ERR_OK)
        code = fold_run(r->reader, id, *ret_was, NULL, NULL, &r->run, reterr);
    if (code == ERR_OK)
        code = pinned_read(r->reader, id, &r->pins, reterr);
    r->was = *ret_was;
    return code;
}

static enum error_code weigh(struct renewing *r, const char *from, json_t *input,
                             struct error *reterr)
{
    enum error_code code = host_check_input(r->is, input, reterr);
    r->adopted = json_pack("{s:s, s:o}", "from", run_id(r->run), "steps", run_adoptable(r->run));
    if (code == ERR_OK)
        code = compare_agents(r, reterr);
    if (code == ERR_OK)
        code = weigh_renewal(r, from, reterr);
    if (code != ERR_OK)
        return code;
    try_beginning(r, input);
    forget_taken_over(r);
    settle_open(r);
    return ERR_OK;
}

enum error_code renewal_make(struct journal_reader *reader, const struct roster *roster,
                             const char *id, struct flow *flow, const char *from, json_t *input,
                             struct renewal *ret, struct error *reterr)
{
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    AUTO(flow_unrefp) struct flow *was = NULL;
    AUTO(flow_unrefp) struct flow *is = flow ? flow_ref(flow) : NULL;
    struct renewing r = {
        .reader = reader, .roster = roster, .agents = json_object(), .steps = json_object()};
    struct error refused = {0};
    enum error_code code = open_earlier(&r, id, shelf, &was, reterr);
    /* what differs can be told all the same: the flow is what it was */
    if (code == ERR_OK && !is && pinned_compile(reader, roster, r.pins, &is, &refused) != ERR_OK)
        is = flow_ref(was);
    r.is = is;
    json_t *with = input ? input : r.run ? (json_t *)(uintptr_t)run_input(r.run) : NULL;
    if (code == ERR_OK)
        code = weigh(&r, from, with, reterr);
    if (code == ERR_OK)
        *ret = (struct renewal){.flow = TAKE(is),
                                .input = json_incref(with),
                                .adopted = json_incref(r.adopted),
                                .picture = draw(&r, from, with)};
    if (code == ERR_OK && refused.code != ERR_OK) {
        json_object_set_new(ret->picture, "refused", json_string(refused.text));
        json_object_set_new(ret->picture, "same", json_false());
    }
    run_free(r.run);
    json_decref(r.pins);
    json_decref(r.agents);
    json_decref(r.adopted);
    json_decref(r.steps);
    return code;
}

void renewal_done(struct renewal *renewal)
{
    flow_unref(renewal->flow);
    json_decref(renewal->input);
    json_decref(renewal->adopted);
    json_decref(renewal->picture);
    *renewal = (struct renewal){0};
}

/* Which steps may change the world once more, and who said so. */
static void allow(json_t *adopted, const json_t *picture, const char *who)
{
    json_t *steps = json_array();
    size_t i;
    const json_t *effect;
    const char *last = "";
    json_array_foreach (json_object_get(picture, "effects"), i, effect) {
        const char *step = json_string_value(json_object_get(effect, "step"));
        if (strcmp(step, last) != 0)
            json_array_append_new(steps, json_string(step));
        last = step;
    }
    json_object_set_new(adopted, "passed", json_pack("{s:s, s:o}", "who", who, "steps", steps));
}

enum error_code host_renew(struct host *host, const struct renewal *renewal, const char *id,
                           const char *who, struct error *reterr)
{
    const char *status = json_string_value(json_object_get(renewal->picture, "status"));
    const char *old = json_string_value(json_object_get(renewal->picture, "run"));
    if (strcmp(status, "running") == 0 || strcmp(status, "waiting") == 0)
        return error_set(reterr, ERR_CONFLICT,
                         "run %s is %s: two runs of the same work at once would do it twice; "
                         "`seam cancel %s` and `seam resume %s` end it first",
                         old, status, old, old);
    if (id && strcmp(id, old) == 0)
        return error_set(reterr, ERR_CONFLICT,
                         "run %s is the earlier run itself; choose another --id, or none", id);
    const json_t *refused = json_object_get(renewal->picture, "refused");
    if (refused)
        return error_set(reterr, ERR_DENIED,
                         "run %s cannot be run anew with the plugins of today: %s; --flow names an "
                         "edited one",
                         old, json_string_value(refused));
    if (who)
        allow(renewal->adopted, renewal->picture, who);
    return host_submit_adopting(host, renewal->flow, id, renewal->input, renewal->adopted, reterr);
}

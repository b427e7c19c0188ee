/* SPDX-License-Identifier: Apache-2.0
 *
 * What of an earlier run may be offered to a new one: steps that are done and not undone, whose
 * agents, contracts and checks are what they were or provably as good, and not those from which on
 * it was asked to run again. A path names them: a step, one of its items, a step of its sub-flow
 * ("pay[2]/charge"). Where a sub-flow is not taken over as a whole, its steps may be, each by
 * itself; a plan is another each time, and is taken over whole or not at all.
 */
#include "runtime/renew_internal.h"

#include <stdlib.h>
#include <string.h>

bool is_of_step(const char *path, const char *step)
{
    size_t length = strlen(step);
    return strncmp(path, step, length) == 0 &&
           (path[length] == '\0' || path[length] == '[' || path[length] == '/');
}

bool is_undo(const char *path)
{
    const char *last = strrchr(path, '/');
    return last && strcmp(last, "/undo") == 0;
}

bool was_undone(const struct run *run, const char *step)
{
    for (uint32_t i = 0; i < run_task_count(run); i++)
        if (is_of_step(run_task_path(run, i), step) && is_undo(run_task_path(run, i)))
            return true;
    return false;
}

uint32_t step_index(const struct flow *flow, const char *name)
{
    for (uint32_t i = 0; i < flow->step_count; i++)
        if (strcmp(flow->steps[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

/* What a finished step is held to; its inputs are compared when they are known. */
static const char *binding_edit(const json_t *edits)
{
    static const char *const binding[] = {"agent",  "flow",       "flow's text", "plan",
                                          "assert", "confidence", "undo",        "on_item_failure"};
    size_t i;
    const json_t *edit;
    json_array_foreach (edits, i, edit) {
        const char *what = json_string_value(json_object_get(edit, "what"));
        for (size_t k = 0; k < sizeof(binding) / sizeof(binding[0]); k++)
            if (strcmp(what, binding[k]) == 0)
                return binding[k];
    }
    return NULL;
}

/* What was given then must be what the agent of today may give. */
static bool outputs_fit(const struct contract *contract, const json_t *parts)
{
    size_t i;
    const json_t *part;
    json_array_foreach (parts, i, part) {
        const json_t *output = json_object_get(part, "output");
        if (contract && output && !contract_accepts(contract, output))
            return false;
    }
    return true;
}

static char *agent_obstacle(const struct renewing *r, const struct agent *agent,
                            const json_t *parts)
{
    const json_t *picture = json_object_get(r->agents, agent->name);
    const char *status = json_string_value(json_object_get(picture, "status"));
    const char *verdict = json_string_value(json_object_get(picture, "verdict"));
    const struct agent *now = catalog_find(&r->roster->catalog, slice_of(agent->name));
    if (!status || strcmp(status, "gone") == 0 || !now)
        return xasprintf("%s is not loaded now", agent->name);
    if (strcmp(status, "card") != 0)
        return NULL;
    if (strcmp(verdict, "PROVEN") != 0)
        return xasprintf("the card of %s has changed, and the new one %s take the old one's place: "
                         "%s",
                         agent->name, strcmp(verdict, "REFUTED") == 0 ? "cannot" : "may not",
                         json_string_value(json_object_get(picture, "reason")));
    return outputs_fit(now->output, parts)
               ? NULL
               : xasprintf("what it gave does not fit the output contract that %s has now",
                           agent->name);
}

/* As deep as flows may stand within each other. */
static bool flow_undoes(const struct flow *flow)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step *step = &flow->steps[i];
        if (step->undo.agent || (step->call.flow && flow_undoes(step->call.flow)))
            return true;
    }
    return false;
}

/* Why the step cannot be taken over whatever its inputs are; NULL = it can. The caller frees. */
static char *obstacle(const struct renewing *r, const struct step *step, const char *path,
                      const json_t *known, const json_t *edits)
{
    const char *status = json_string_value(json_object_get(known, "status"));
    const char *binding = binding_edit(edits);
    if (!known)
        return xstrdup("the earlier run had no such step");
    if (strcmp(status, "done") != 0)
        return xasprintf("it was %s in the earlier run",
                         strcmp(status, "open") == 0 ? "not finished" : status);
    if (was_undone(r->run, path))
        return xstrdup("the earlier run has undone it");
    if (binding)
        return xasprintf("its `%s` has changed", binding);
    if (step->call.flow && !step->undo.agent && flow_undoes(step->call.flow))
        return xstrdup("what is within it can be undone, so that it is taken over step by step");
    if (step->plan || step->call.flow || !step->call.agent)
        return NULL;
    return agent_obstacle(r, step->call.agent, json_object_get(known, "parts"));
}

/* ---- from where on ---- */

static const char WITHIN[] = "a step within it runs again";

/* The step, because it was named, and all that waits for it, because it comes after. forced: path →
 * why it runs again. */
static void force(const struct flow *flow, const char *prefix, uint32_t index, const char *why,
                  const char *after, json_t *forced)
{
    const struct step *step = &flow->steps[index];
    AUTO(freep) char *path = xasprintf("%s%s", prefix, step->name);
    AUTO(freep) char *comes_after = xasprintf("it comes after %s", after);
    if (why || !json_object_get(forced, path))
        json_object_set_new(forced, path, json_string(why ? why : comes_after));
    for (size_t i = 0; i < step->dependent_count; i++) {
        AUTO(freep)
        char *next = xasprintf("%s%s", prefix, flow->steps[step->dependents[i]].name);
        if (!json_object_get(forced, next))
            force(flow, prefix, step->dependents[i], NULL, after, forced);
    }
}

/* "pay[2]" of "pay[2]/charge": its name, and its item or -1. The rest, or NULL; what cannot be one
 * has no name. */
static const char *split_path(const char *path, struct slice *ret_name, int64_t *ret_item)
{
    size_t length = strcspn(path, "/[");
    char *end = NULL;
    *ret_name = (struct slice){path, length};
    *ret_item = -1;
    if (path[length] == '[') {
        bool digit = path[length + 1] >= '0' && path[length + 1] <= '9';
        *ret_item = digit ? strtoll(path + length + 1, &end, 10) : -1;
        if (!digit || *end != ']' || (end[1] != '\0' && end[1] != '/'))
            ret_name->len = 0;
        length = ret_name->len ? (size_t)(end + 1 - path) : strlen(path);
    }
    return path[length] == '/' ? path + length + 1 : NULL;
}

static enum error_code no_such_step(const struct flow *flow, const char *from, bool within,
                                    struct error *reterr)
{
    return error_set(reterr, ERR_INPUT, "flow %s has no step `%s`%s", flow->name, from,
                     within ? ": what is within a plan or a call runs again with its step"
                            : "; `seam show` lists the steps");
}

/* Items that never ended, or never began, run again with the one that is named; how many. */
static size_t mark_unfinished(json_t *known)
{
    json_t *parts = json_object_get(known, "parts");
    const char *status = json_string_value(json_object_get(known, "status"));
    bool done = strcmp(status, "done") == 0;
    size_t count = json_array_size(json_object_get(known, "items")), again = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *part = json_array_get(parts, i);
        bool ended = json_object_get(part, "output") || (done && json_object_get(part, "error"));
        if (!part)
            json_array_append_new(parts, json_pack("{s:b, s:[]}", "again", 1, "effects"));
        else if (!ended)
            json_object_set_new(part, "again", json_true());
        again += part && ended ? 0 : 1;
    }
    return again;
}

/* One item alone runs again, and those that did not end; the others stand, if all else is as it
 * was. As many at once as the step allows, for they begin together. */
static enum error_code force_item(const struct renewing *r, const struct step *step,
                                  const char *path, int64_t item, json_t *forced,
                                  struct error *reterr)
{
    json_t *known = json_object_get(json_object_get(r->adopted, "steps"), path);
    json_t *status = json_object_get(known, "status");
    if ((size_t)item >= json_array_size(json_object_get(known, "items")))
        return error_set(reterr, ERR_INPUT, "the earlier run had no item %lld of step `%s`",
                         (long long)item, path);
    json_t *was = json_incref(status);
    size_t again = mark_unfinished(known);
    json_object_set_new(json_array_get(json_object_get(known, "parts"), (size_t)item), "again",
                        json_true());
    if (again < (size_t)step->concurrency) {
        json_object_set_new(known, "status", json_string("done"));
        json_object_set_new(forced, path,
                            json_pack("{s:I, s:O}", "item", (json_int_t)item, "was", was));
    }
    json_decref(was);
    return ERR_OK;
}

/* Marks what runs again because of --from; prefix: of the flow, which is at that place of `from`.
 */
static enum error_code find_forced(struct renewing *r, const struct flow *flow, const char *prefix,
                                   const char *from, const char *rest, json_t *forced,
                                   struct error *reterr)
{
    struct slice name;
    int64_t item;
    const char *inner = split_path(rest, &name, &item);
    AUTO(freep) char *step_name = xstrndup(name.ptr, name.len);
    uint32_t index = step_index(flow, step_name);
    if (index == UINT32_MAX)
        return no_such_step(r->is, from, flow != r->is, reterr);
    const struct step *step = &flow->steps[index];
    AUTO(freep) char *path = xasprintf("%s%s", prefix, step_name);
    if (inner && !step->call.flow)
        return no_such_step(r->is, from, true, reterr);
    force(flow, prefix, index, inner ? WITHIN : "from here on it was asked to run again", from,
          forced);
    enum error_code code = item >= 0 ? force_item(r, step, path, item, forced, reterr) : ERR_OK;
    if (code != ERR_OK || !inner)
        return code;
    AUTO(freep)
    char *within =
        item >= 0 ? xasprintf("%s[%lld]/", path, (long long)item) : xasprintf("%s/", path);
    if (item < 0 && step->for_each)
        return error_set(reterr, ERR_INPUT, "`%s` has items; name one of them: %s[0]/%s", path,
                         path, inner);
    return find_forced(r, step->call.flow, within, from, inner, forced, reterr);
}

/* ---- each step of the new flow ---- */

/* As many frames of it as the earlier run had. */
static void weigh_within(struct renewing *r, const struct step *was, const struct step *is,
                         const char *path, const json_t *known, const char *because,
                         const json_t *forced);

/* May it be offered? What may not keeps what it did to the world, which is what the core asks about
 * before it is done again. because: why nothing of this flow may be; NULL = each by itself. */
static void weigh_steps(struct renewing *r, const struct flow *was, const struct flow *is,
                        const char *prefix, const char *because, const json_t *forced)
{
    json_t *known_steps = json_object_get(r->adopted, "steps");
    for (size_t i = 0; i < is->step_count; i++) {
        const struct step *step = &is->steps[i];
        uint32_t old = step_index(was, step->name);
        AUTO(freep) char *path = xasprintf("%s%s", prefix, step->name);
        json_t *known = json_object_get(known_steps, path);
        const json_t *first = json_object_get(forced, path);
        const char *status = json_string_value(json_object_get(known, "status"));
        json_t *edits = edits_of_step(was, is, step->name);
        const char *asked = because ? because : json_string_value(first);
        const char *was_item = json_string_value(json_object_get(first, "was"));
        char *why = asked ? xstrdup(asked) : obstacle(r, step, path, known, edits);
        json_object_set_new(r->steps, path,
                            json_pack("{s:s, s:s, s:s*, s:o}", "was",
                                      was_item ? was_item
                                      : status ? status
                                               : "none",
                                      "then", !known ? "new" : "open", "why", why, "edits", edits));
        if (why && known)
            json_object_set_new(known, "status", json_string("again"));
        else if (was_item)
            json_object_set(json_object_get(r->steps, path), "item",
                            json_object_get(first, "item"));
        bool within = asked && strcmp(asked, WITHIN) == 0;
        if (known && step->call.flow && old != UINT32_MAX && was->steps[old].call.flow)
            weigh_within(r, &was->steps[old], step, path, known, within ? NULL : asked, forced);
        free(why);
    }
}

/* Where a step was renamed within it, the whole is asked about: its effects would be passed by
 * another name. */
static bool names_stand(const struct flow *was, const struct flow *is)
{
    for (size_t i = 0; i < was->step_count; i++)
        if (step_index(is, was->steps[i].name) == UINT32_MAX)
            return false;
    return true;
}

static void forget_within(struct renewing *r, const char *prefix)
{
    json_t *steps = json_object_get(r->adopted, "steps"), *known;
    const char *path;
    void *next;
    json_object_foreach_safe (steps, next, path, known) {
        if (strncmp(path, prefix, strlen(prefix)) == 0)
            json_object_del(steps, path);
    }
}

static void weigh_within(struct renewing *r, const struct step *was, const struct step *is,
                         const char *path, const json_t *known, const char *because,
                         const json_t *forced)
{
    bool stand = names_stand(was->call.flow, is->call.flow);
    bool items = json_object_get(known, "items");
    size_t i;
    json_t *part;
    json_array_foreach (json_object_get(known, "parts"), i, part) {
        AUTO(freep) char *prefix = items ? xasprintf("%s[%zu]/", path, i) : xasprintf("%s/", path);
        if (!stand) {
            forget_within(r, prefix);
            continue;
        }
        json_object_set_new(part, "effects", json_array()); /* they are those of its steps */
        weigh_steps(r, was->call.flow, is->call.flow, prefix, because, forced);
    }
}

enum error_code weigh_renewal(struct renewing *r, const char *from, struct error *reterr)
{
    AUTO(json_decrefp) json_t *forced = json_object();
    enum error_code code = from ? find_forced(r, r->is, "", from, from, forced, reterr) : ERR_OK;
    if (code == ERR_OK)
        weigh_steps(r, r->was, r->is, "", NULL, forced);
    return code;
}

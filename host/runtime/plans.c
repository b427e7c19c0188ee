/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans are compiled here, for the orchestrator knows no compiler: when an event brings an output
 * that holds one, before it happens, and again when that event is read back from a journal, with
 * the agents and settings that the run began with. What was refused is told in texts, which the
 * event keeps; what was compiled is the same each time, and is not kept.
 */
#include "runtime/host_internal.h"

/* As they are told to who made the plan: where, what, and what to do. */
static json_t *told(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count && json_array_size(list) < LIMIT_VIOLATIONS; i++) {
        const struct finding *finding = &findings->list[i];
        if (finding->severity != FINDING_ERROR)
            continue;
        AUTO(freep)
        char *text =
            xasprintf("%s: %s%s%s", *finding->pointer ? finding->pointer : "the plan",
                      finding->text, finding->hint ? "; " : "", finding->hint ? finding->hint : "");
        json_array_append_new(list, json_string(text));
    }
    return list;
}

/* The flow, or what is wrong with it. `left` is what the budgets around it allow. */
static json_t *compile(const struct run *run, const struct flow *flow, uint32_t step,
                       const json_t *fragment, const struct budget *left, json_t *files,
                       struct flow **ret_plan)
{
    struct flow_options options;
    struct findings findings;
    struct error err;
    json_t *errors = NULL;
    flow_terms(run_flow(run), &options);
    options.files = files;
    options.left = left;
    findings_init(&findings);
    if (flow_compile_plan(flow, step, fragment, &options, ret_plan, &findings, &err) != ERR_OK)
        errors = told(&findings);
    findings_done(&findings);
    return errors;
}

void plan_attach(const struct run *run, struct event *event)
{
    const struct flow *flow;
    uint32_t step;
    json_t *fragment;
    if (!run_plan_of(run, event, &flow, &step, &fragment, &event->plan_errors))
        return;
    event->planned = fragment || event->plan_errors;
    if (fragment) {
        struct budget left = run_left(run, event->task);
        event->plan_errors = compile(run, flow, step, fragment, &left, NULL, &event->plan);
    }
    json_decref(fragment);
}

void plan_detach(struct event *event)
{
    json_decref(event->plan_errors);
    flow_unref(event->plan);
    event->plan_errors = NULL;
    event->plan = NULL;
}

enum error_code plan_attach_again(const struct run *run, struct event *event, struct error *reterr)
{
    const struct flow *flow;
    uint32_t step;
    json_t *fragment = NULL, *errors = NULL;
    enum error_code code = ERR_OK;
    if (!event->planned || event->plan_errors ||
        !run_plan_of(run, event, &flow, &step, &fragment, &errors))
        return ERR_OK;
    if (fragment) {
        /* it was proven when it was made */
        json_t *files = json_object();
        errors = compile(run, flow, step, fragment, NULL, files, &event->plan);
        json_decref(files);
    }
    if (errors) {
        const char *first = json_string_value(json_array_get(errors, 0));
        code = error_set(reterr, ERR_CORRUPT, "its plan does not compile any more: %s",
                         first ? first : "it is not there");
    }
    json_decref(errors);
    json_decref(fragment);
    return code;
}

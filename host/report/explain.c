/* SPDX-License-Identifier: Apache-2.0
 *
 * Every decision of a run, with its rule in words, what it stood on, what was left of the budget
 * then, and what would have changed it. The run is folded as it is told, one record at a time, for
 * what was not recorded is seen only in the state of that moment. What began with a version of Seam
 * that kept no flow is told from its records alone.
 */
#include "report/report.h"

#include <string.h>

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

bool report_concerns(const char *path, const char *step)
{
    size_t length = step ? strlen(step) : 0;
    return !step || (strncmp(path, step, length) == 0 &&
                     (path[length] == '\0' || path[length] == '[' || path[length] == '/'));
}

bool report_decision_concerns(const json_t *decision, const char *step)
{
    const char *path = text_at(decision, "path");
    return report_concerns(*path ? path : text_at(json_object_get(decision, "error"), "step"),
                           step);
}

json_t *report_decision(uint64_t seq, const json_t *event, const json_t *decision, json_t *why)
{
    const char *rule = text_at(decision, "rule");
    const char *meaning = rule_meaning(rule), *alternative = rule_alternative(rule);
    json_t *json = json_pack("{s:I, s:O, s:O, s:O}", "record", (json_int_t)seq, "event",
                             json_object_get(event, "kind"), "at_ms",
                             json_object_get(event, "at_ms"), "decision", decision);
    json_object_set_new(json, "meaning", meaning ? json_string(meaning) : json_null());
    json_object_set_new(json, "alternative", alternative ? json_string(alternative) : json_null());
    if (json_object_get(event, "prompt"))
        json_object_set(json, "prompt", json_object_get(event, "prompt"));
    if (why)
        json_object_update(json, why);
    return json;
}

json_t *report_moved(uint64_t seq, const json_t *event)
{
    if (strcmp(text_at(event, "kind"), "moved") != 0)
        return NULL;
    return json_pack(
        "{s:I, s:O, s:O, s:{s:O*, s:O*, s:O*, s:O*}}", "record", (json_int_t)seq, "event",
        json_object_get(event, "kind"), "at_ms", json_object_get(event, "at_ms"), "moved", "path",
        json_object_get(event, "path"), "agent", json_object_get(event, "code"), "library",
        json_object_get(event, "digest"), "message", json_object_get(event, "message"));
}

struct explaining {
    const char *step;
    bool folded, stopped;
    report_each each;
    void *user;
};

static void explain_one(void *user, uint64_t seq, const struct record *record, size_t index,
                        const struct run *run)
{
    struct explaining *x = user;
    const json_t *decision = json_array_get(json_object_get(record->root, "decisions"), index);
    if (x->stopped || !report_decision_concerns(decision, x->step))
        return;
    json_t *why = run_why(run, &record->event, &record->decisions.list[index]);
    x->stopped = !x->each(
        x->user, report_decision(seq, json_object_get(record->root, "event"), decision, why));
    json_decref(why);
}

static bool explain_recorded(void *user, uint64_t seq, struct record *record, struct run *run)
{
    struct explaining *x = user;
    const json_t *event = json_object_get(record->root, "event");
    size_t i;
    json_t *decision;
    (void)run;
    json_array_foreach (json_object_get(record->root, "decisions"), i, decision) {
        if (!x->folded && !x->stopped && report_decision_concerns(decision, x->step))
            x->stopped =
                !x->each(x->user, report_decision(seq, json_object_get(record->root, "event"),
                                                  decision, NULL));
    }
    json_t *moved =
        report_concerns(text_at(event, "path"), x->step) ? report_moved(seq, event) : NULL;
    if (moved && !x->stopped)
        x->stopped = !x->each(x->user, moved);
    else
        json_decref(moved);
    return !x->stopped;
}

enum error_code report_explain(struct journal_reader *reader, struct shelf *shelf, const char *id,
                               const char *step, report_each each, void *user,
                               struct error *ret_untold, struct error *reterr)
{
    AUTO(flow_unrefp) struct flow *flow = NULL;
    struct journal_run known;
    struct explaining explaining = {.step = step, .each = each, .user = user};
    enum error_code code = journal_find(reader, id, &known, reterr);
    if (code != ERR_OK)
        return code;
    ret_untold->code = fold_flow(reader, shelf, id, &flow, ret_untold);
    explaining.folded = ret_untold->code == ERR_OK;
    return fold_decisions(reader, id, flow, explain_one, explain_recorded, &explaining, NULL,
                          reterr);
}

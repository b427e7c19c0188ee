/* SPDX-License-Identifier: Apache-2.0
 *
 * What came of a case against what it expects: a list of differences, each at its place, by JSON
 * Pointer, so that a reader of a large output is shown what is other and nothing else.
 */
#include "rehearsal/rehearsal_internal.h"

#include "contract/contract.h"
#include "mapping/mapping.h"

#include <stdlib.h>
#include <string.h>

enum { DIFFERENCES_MAX = 50 };

static void differ(json_t *list, const char *pointer, const json_t *expected, const json_t *found,
                   const char *text)
{
    if (json_array_size(list) >= DIFFERENCES_MAX)
        return;
    json_t *difference = json_pack("{s:s}", "pointer", pointer);
    if (expected)
        json_object_set(difference, "expected", (json_t *)expected);
    if (found)
        json_object_set(difference, "found", (json_t *)found);
    if (text)
        json_object_set_new(difference, "text", json_string(text));
    json_array_append_new(list, difference);
}

/* ---- values ---- */

static void compare(json_t *list, const char *pointer, const json_t *expected, const json_t *found,
                    bool whole);

static void compare_objects(json_t *list, const char *pointer, const json_t *expected,
                            const json_t *found, bool whole)
{
    const char *key;
    json_t *part;
    json_object_foreach ((json_t *)expected, key, part) {
        AUTO(freep) char *at = member_pointer(pointer, NULL, key);
        compare(list, at, part, json_object_get(found, key), whole);
    }
    if (!whole)
        return;
    json_object_foreach ((json_t *)found, key, part) {
        AUTO(freep) char *at = member_pointer(pointer, NULL, key);
        if (!json_object_get(expected, key))
            differ(list, at, NULL, part, NULL);
    }
}

static void compare_arrays(json_t *list, const char *pointer, const json_t *expected,
                           const json_t *found, bool whole)
{
    size_t count = json_array_size(expected), other = json_array_size(found);
    for (size_t i = 0; i < (count > other ? count : other); i++) {
        AUTO(freep) char *at = xasprintf("%s/%zu", pointer, i);
        const json_t *a = json_array_get(expected, i), *b = json_array_get(found, i);
        if (a && b)
            compare(list, at, a, b, whole);
        else
            differ(list, at, a, b, NULL);
    }
}

/* whole: nothing may be there that is not expected. */
static void compare(json_t *list, const char *pointer, const json_t *expected, const json_t *found,
                    bool whole)
{
    if (found && contract_equal(expected, found))
        return;
    if (json_is_object(expected) && json_is_object(found))
        compare_objects(list, pointer, expected, found, whole);
    else if (json_is_array(expected) && json_is_array(found))
        compare_arrays(list, pointer, expected, found, whole);
    else
        differ(list, pointer, expected, found, NULL);
}

/* ---- assertions ---- */

struct assertion_scope {
    const struct flow *flow;
    const json_t *steps;
};

static const json_t *step_value(const void *user, size_t step, bool status)
{
    const struct assertion_scope *scope = user;
    const json_t *found = json_object_get(scope->steps, scope->flow->steps[step].name);
    return json_object_get(found, status ? "status" : "output");
}

static enum error_code evaluate(const struct fixture_case *c, const struct flow *flow,
                                const json_t *result, json_t *expression, json_t **ret_value,
                                struct error *reterr)
{
    AUTO(mapping_freep) struct mapping *mapping = NULL;
    const char **names = xcalloc(flow->step_count, sizeof(*names));
    for (size_t i = 0; i < flow->step_count; i++)
        names[i] = flow->steps[i].name;
    struct mapping_names known = {
        .roots = ROOT_INPUT | ROOT_STEPS | ROOT_OUTPUT | ROOT_ERROR,
        .steps = names,
        .step_count = flow->step_count,
    };
    struct assertion_scope user = {flow, json_object_get(result, "steps")};
    struct scope scope = {
        .input = c->input,
        .output = json_object_get(result, "output"),
        .error = json_object_get(result, "error"),
        .step = step_value,
        .user = &user,
    };
    enum error_code code = mapping_parse(expression, &known, &mapping, reterr);
    if (code == ERR_OK)
        code = mapping_evaluate(mapping, &scope, ret_value, reterr);
    free(names);
    return code;
}

static void check_that(const struct fixture_case *c, const struct flow *flow, const json_t *result,
                       json_t *list)
{
    size_t i;
    json_t *expression;
    json_array_foreach (json_object_get(c->expect, "that"), i, expression) {
        struct error err;
        AUTO(json_decrefp) json_t *value = NULL;
        AUTO(freep) char *at = xasprintf("/that/%zu", i);
        if (evaluate(c, flow, result, expression, &value, &err) != ERR_OK)
            differ(list, at, NULL, NULL, err.text);
        else if (!json_is_true(value))
            differ(list, at, expression, value, NULL);
    }
}

/* ---- the rest ---- */

static void check_steps(const struct fixture_case *c, const json_t *result, json_t *list)
{
    const char *name;
    json_t *wanted;
    json_object_foreach (json_object_get(c->expect, "steps"), name, wanted) {
        AUTO(freep) char *at = member_pointer("/steps", NULL, name);
        const json_t *found = json_object_get(json_object_get(result, "steps"), name);
        const json_t *output = json_object_get(wanted, "output");
        AUTO(json_decrefp) json_t *rest = json_copy(wanted);
        if (!found) {
            differ(list, at, wanted, NULL, "the run has no such step or task");
            continue;
        }
        json_object_del(rest, "output");
        compare(list, at, rest, found, false);
        AUTO(freep) char *of_output = xasprintf("%s/output", at);
        if (output)
            compare(list, of_output, output, json_object_get(found, "output"), true);
    }
}

static void check_effects(const struct fixture_case *c, const json_t *result, json_t *list)
{
    const char *name;
    json_t *wanted;
    json_object_foreach (json_object_get(c->expect, "effects"), name, wanted) {
        AUTO(freep) char *at = member_pointer("/effects", NULL, name);
        const json_t *found = json_object_get(json_object_get(result, "effects"), name);
        AUTO(json_decrefp) json_t *none = json_integer(0);
        compare(list, at, wanted, found ? found : none, true);
    }
}

static void check_rules(const struct fixture_case *c, const json_t *result, json_t *list)
{
    size_t i;
    json_t *rule;
    json_array_foreach (json_object_get(c->expect, "rules"), i, rule) {
        AUTO(freep) char *at = xasprintf("/rules/%zu", i);
        if (json_object_get(json_object_get(result, "rules"), json_string_value(rule)))
            continue;
        differ(list, at, rule, NULL,
               rule_meaning(json_string_value(rule)) ? "this rule decided nothing"
                                                     : "there is no such rule");
    }
}

static void check_time(const struct fixture_case *c, const json_t *result, json_t *list)
{
    char words[32];
    int64_t most = 0, took = json_integer_value(json_object_get(result, "took_ms"));
    const json_t *wanted = json_object_get(c->expect, "takes");
    if (!wanted || !duration_parse(slice_of(json_string_value(wanted)), &most) || took <= most)
        return;
    AUTO(json_decrefp) json_t *found = json_string(duration_text(took, words));
    differ(list, "/takes", wanted, found, "it took longer, of its own time");
}

static void check_status(const struct fixture_case *c, const json_t *result, json_t *list)
{
    const json_t *wanted = json_object_get(c->expect, "status");
    const json_t *asks = json_object_get(c->expect, "asks");
    AUTO(json_decrefp) json_t *usual = json_string(asks ? "waiting" : "done");
    if (json_object_get(c->expect, "error") && !wanted)
        return;
    compare(list, "/status", wanted ? wanted : usual, json_object_get(result, "status"), true);
}

json_t *expectation_differences(const struct fixture_case *c, const struct flow *flow,
                                const json_t *result)
{
    json_t *list = json_array();
    const json_t *output = json_object_get(c->expect, "output");
    const json_t *error = json_object_get(c->expect, "error");
    const json_t *asks = json_object_get(c->expect, "asks");
    check_status(c, result, list);
    if (output)
        compare(list, "/output", output, json_object_get(result, "output"), true);
    if (error)
        compare(list, "/error", error, json_object_get(result, "error"), false);
    if (asks)
        compare(list, "/asks", asks, json_object_get(result, "asks"), true);
    check_steps(c, result, list);
    check_effects(c, result, list);
    check_rules(c, result, list);
    check_time(c, result, list);
    check_that(c, flow, result, list);
    return list;
}

json_t *expectation_of(const json_t *result)
{
    const json_t *asks = json_object_get(result, "asks"), *error = json_object_get(result, "error");
    const json_t *effects = json_object_get(result, "effects");
    json_t *expect = json_object();
    json_object_set(expect, "status", json_object_get(result, "status"));
    if (json_object_get(result, "output"))
        json_object_set(expect, "output", json_object_get(result, "output"));
    if (error) {
        json_t *some = json_object();
        json_object_set(some, "code", json_object_get(error, "code"));
        json_object_set(some, "step", json_object_get(error, "step"));
        json_object_set_new(expect, "error", some);
    }
    if (json_object_size(asks) > 0)
        json_object_set(expect, "asks", (json_t *)asks);
    if (json_object_size(effects) > 0)
        json_object_set(expect, "effects", (json_t *)effects);
    return expect;
}

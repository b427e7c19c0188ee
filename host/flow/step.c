/* SPDX-License-Identifier: Apache-2.0
 *
 * A step's own keys: its kind, what it waits for, whether and how often it runs, and what its
 * answer must hold. What has defaults is in settings.c, whom it calls in agents.c.
 */
#include "flow/flow_internal.h"

#include "base/units.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const json_t *member(const struct compilation *c, uint32_t step, const char *key)
{
    return json_object_get(c->sources[step].value, key);
}

static char *member_pointer(const struct compilation *c, uint32_t step, const char *key)
{
    return pointer_to_member(c->sources[step].pointer, key);
}

/* ---- Kind and name ---- */

static const struct {
    enum step_kind kind;
    const char *key;
} kinds[] = {{KIND_AGENT, "agent"}, {KIND_FLOW, "flow"}, {KIND_PLAN, "plan"}, {KIND_ASK, "ask"}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const char *step_kind_word(enum step_kind kind)
{
    size_t i = 0;
    while (kinds[i].kind != kind)
        i++;
    return kinds[i].key;
}

/* Keys that only some kinds of steps have, and what to do about the others. */
static const struct {
    const char *key;
    unsigned kinds;
    const char *why, *hint;
} belongings[] = {
    {"allow", KIND_PLAN, "`allow` belongs to steps with `plan`", "leave it out"},
    {"output", KIND_PLAN, "`output` belongs to steps with `plan`",
     "an agent's output contract is in its card, a flow's in its own file; leave it out"},
    {"budget", KIND_FLOW | KIND_PLAN, "`budget` belongs to steps with `plan` or `flow`",
     "give the flow a budget, or bound the step by `retry` and `timeout`"},
    {"retry", KIND_AGENT,
     "`retry` belongs to steps with `agent`: what is tried again is a step of "
     "the flow or plan, not the whole of it",
     "write `retry` on the steps within, or in its `defaults`"},
    {"confidence", KIND_AGENT,
     "`confidence` belongs to steps with `agent`, whose card says where "
     "it stands",
     "write it on the steps within, or use `assert` on the output"},
    {"target", KIND_AGENT,
     "`target` belongs to steps with `agent`: no model answers for the whole "
     "of a flow or plan",
     "write it on the steps within"},
    {"for_each", KIND_AGENT | KIND_FLOW, "a plan runs once, for the step that wrote it",
     "let the plan loop, or run a flow with for_each that makes a plan of each item"},
    {"concurrency", KIND_AGENT | KIND_FLOW, "a plan runs once, for the step that wrote it",
     "leave it out"},
    {"on_item_failure", KIND_AGENT | KIND_FLOW, "a plan runs once, for the step that wrote it",
     "leave it out"},
    {"undo", KIND_AGENT | KIND_FLOW, "a plan is undone step by step",
     "its steps may have `undo`, of agents that it is allowed"},
};

static void check_belongings(struct compilation *c, uint32_t step)
{
    for (size_t i = 0; i < sizeof(belongings) / sizeof(belongings[0]); i++) {
        AUTO(freep) char *pointer = member_pointer(c, step, belongings[i].key);
        if (member(c, step, belongings[i].key) && !(belongings[i].kinds & c->sources[step].kind))
            REFUSE(c, "not-supported", AT_KEY(pointer), belongings[i].hint, "%s",
                   belongings[i].why);
    }
}

static void check_kind(struct compilation *c, uint32_t step)
{
    struct source *source = &c->sources[step];
    int found = 0;
    source->kind = KIND_AGENT;
    for (size_t i = KINDS; i-- > 0;) {
        if (!member(c, step, kinds[i].key))
            continue;
        found++;
        source->kind = kinds[i].kind;
    }
    AUTO(freep) char *pointer = member_pointer(c, step, "ask");
    if (member(c, step, "ask"))
        REFUSE(c, "not-supported", AT_KEY(pointer),
               "use `confidence`, or on_failure: escalate, on a step with an agent",
               "steps with `ask` are not supported by this version");
    if (json_is_object(source->value) && found != 1)
        REFUSE(c, "step-kind", AT_KEY(source->pointer), "write agent: ALIAS/NAME",
               "a step has exactly one of agent, flow, plan and ask; this one has %s",
               found ? "several" : "none");
    else if (source->kind != KIND_ASK)
        check_belongings(c, step);
}

static void check_name(struct compilation *c, uint32_t step)
{
    const struct source *source = &c->sources[step];
    if (!flow_name_valid(slice_of(source->name)))
        REFUSE(
            c, "bad-name", AT_KEY(source->pointer), NULL,
            "\"%.80s\" is no name for a step: letters, digits, _ and -, at most %u, and a letter "
            "or _ first",
            source->name, LIMIT_NAME);
}

/* ---- Order, condition, items ---- */

static void read_needs(struct compilation *c, uint32_t step)
{
    size_t i;
    json_t *need;
    AUTO(freep) char *pointer = member_pointer(c, step, "needs");
    json_array_foreach (member(c, step, "needs"), i, need) {
        AUTO(freep) char *at = pointer_to_item(pointer, i);
        uint32_t to = 0;
        if (!json_is_string(need))
            continue;
        while (to < c->count && strcmp(c->names[to], json_string_value(need)) != 0)
            to++;
        if (to < c->count) {
            flow_add_edge(c, step, to, true, at);
            continue;
        }
        struct slice name = {json_string_value(need), json_string_length(need)};
        AUTO(freep) char *hint = suggestion_text(name, c->names, c->count);
        REFUSE(c, "unknown-step", AT(at), hint, "there is no step \"%.80s\"", name.ptr);
    }
}

static void read_condition(struct compilation *c, uint32_t step)
{
    const json_t *value = member(c, step, "if");
    AUTO(freep) char *pointer = member_pointer(c, step, "if");
    struct step *s = &c->flow->steps[step];
    if (!json_is_string(value) && !json_is_boolean(value))
        return;
    s->condition = flow_read_template(
        c, &(struct template){value, pointer, ROOT_INPUT | ROOT_STEPS | ROOT_RUN, step, 0});
    if (json_is_false(value))
        WARN(c, "never-runs", AT(pointer), NULL, "this step never runs");
}

bool step_is_one_expression(const json_t *value)
{
    struct slice text = {json_string_value(value), json_string_length(value)};
    return slice_starts(text, "${") && text.ptr[text.len - 1] == '}';
}

static void read_for_each(struct compilation *c, uint32_t step)
{
    static const char *const keys[] = {"concurrency", "on_item_failure"};
    const json_t *value = member(c, step, "for_each");
    struct step *s = &c->flow->steps[step];
    AUTO(freep) char *pointer = member_pointer(c, step, "for_each");
    int64_t concurrency;
    s->concurrency = INT_MAX;
    if (integer_from(member(c, step, "concurrency"), &concurrency) && concurrency >= 1 &&
        concurrency <= INT_MAX)
        s->concurrency = (int)concurrency;
    for (size_t i = 0; !value && i < 2; i++) {
        AUTO(freep) char *at = member_pointer(c, step, keys[i]);
        if (member(c, step, keys[i]))
            WARN(c, "without-for-each", AT_KEY(at), NULL,
                 "`%s` means nothing in a step without for_each", keys[i]);
    }
    if (json_is_string(value) && !step_is_one_expression(value))
        REFUSE(c, "for-each-not-array", AT(pointer), "write for_each: ${ .steps.x.output.list }",
               "for_each needs an array, and this makes a string");
    else if (json_is_string(value) || json_is_array(value))
        s->for_each = flow_read_template(
            c, &(struct template){value, pointer, ROOT_INPUT | ROOT_STEPS | ROOT_RUN, step, 0});
}

/* ---- What the answer must hold ---- */

static void read_assertion(struct compilation *c, uint32_t step, const json_t *one,
                           const char *pointer, struct assertion *ret)
{
    const json_t *that = json_object_get(one, "that");
    const json_t *message = json_object_get(one, "message");
    unsigned roots = ROOT_OUTPUT | ROOT_INPUT | ROOT_STEPS | ROOT_RUN;
    AUTO(freep) char *at = pointer_to_member(pointer, "that");
    if (!json_is_string(that) && !json_is_boolean(that))
        return;
    roots |= member(c, step, "for_each") ? ROOT_ITEM : 0;
    ret->that = flow_read_template(c, &(struct template){that, at, roots, step, 0});
    ret->message = json_is_string(message)
                       ? xstrdup(json_string_value(message))
                       : xasprintf("the output must satisfy %s",
                                   json_is_string(that) ? json_string_value(that) : "false");
}

static void read_asserts(struct compilation *c, uint32_t step)
{
    const json_t *list = member(c, step, "assert");
    struct step *s = &c->flow->steps[step];
    AUTO(freep) char *pointer = member_pointer(c, step, "assert");
    size_t i;
    json_t *one;
    s->assert_count = json_array_size(list);
    s->asserts = s->assert_count ? xcalloc(s->assert_count, sizeof(s->asserts[0])) : NULL;
    json_array_foreach (list, i, one) {
        AUTO(freep) char *at = pointer_to_item(pointer, i);
        read_assertion(c, step, one, at, &s->asserts[i]);
    }
}

/* Only whether what is said to be unused can exist at all. */
static void check_unused(struct compilation *c, uint32_t step)
{
    AUTO(freep) char *pointer = member_pointer(c, step, "unused");
    size_t i;
    json_t *one;
    json_array_foreach (member(c, step, "unused"), i, one) {
        AUTO(freep) char *at = pointer_to_item(pointer, i);
        if (!json_is_string(one))
            continue;
        AUTO(freep) char *expression = xasprintf("${ %s }", json_string_value(one));
        AUTO(json_decrefp) json_t *value = json_string(expression);
        struct template template = {value, at, ROOT_STEPS, NO_STEP, (int)strlen("${ ")};
        mapping_free(flow_read_template(c, &template));
    }
}

void flow_read_steps(struct compilation *c)
{
    for (uint32_t step = 0; step < c->count; step++) {
        check_name(c, step);
        check_kind(c, step);
        read_needs(c, step);
        read_condition(c, step);
        read_for_each(c, step);
        read_asserts(c, step);
        check_unused(c, step);
        flow_read_callees(c, step);
        flow_read_settings(c, step);
    }
}

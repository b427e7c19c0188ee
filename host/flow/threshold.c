/* SPDX-License-Identifier: Apache-2.0
 *
 * How sure an agent must be. `confidence.min` is one number, or one by effect class; then the class
 * that counts is the worst among the step's own and those of the steps that use its output, by a
 * mapping, an `if` or `needs`: what leads to a write must be surer than what leads to a look. A
 * class that is not named needs what the next milder one needs. A default concerns the steps whose
 * agents report a confidence; a step that asks for it of another agent is wrong.
 */
#include "flow/flow_internal.h"

#include <math.h>
#include <stdlib.h>

static enum effect_class worst_of(const struct callee *callee, enum effect_class other)
{
    return callee->agent && callee->agent->effect > other ? callee->agent->effect : other;
}

/* *ret_user is the step whose class it is. */
static enum effect_class class_that_counts(const struct compilation *c, uint32_t step,
                                           uint32_t *ret_user)
{
    const struct step *steps = c->flow->steps, *s = &steps[step];
    enum effect_class class = worst_of(&s->call, CLASS_PURE);
    *ret_user = step;
    for (size_t i = 0; i < s->dependent_count; i++) {
        const struct step *user = &steps[s->dependents[i]];
        enum effect_class other = worst_of(&user->fallback, worst_of(&user->call, CLASS_PURE));
        if (other > class) {
            class = other;
            *ret_user = s->dependents[i];
        }
    }
    return class;
}

/* The first that is named, from this class to the mildest. */
static struct setting find_min(const struct compilation *c, uint32_t step, enum effect_class class)
{
    struct setting min = setting_find_of_class(c, step, "confidence", "min", class);
    while (!min.value && !min.by_class && class > CLASS_PURE) {
        setting_done(&min);
        class --;
        min = setting_find_of_class(c, step, "confidence", "min", class);
    }
    return min;
}

static char *why_text(const struct compilation *c, uint32_t step, uint32_t user,
                      enum effect_class class, double min)
{
    return user == step ? xasprintf("at least %g: it is %s", min, effect_class_word(class))
                        : xasprintf("at least %g: `%s`, which uses it, is %s", min, c->names[user],
                                    effect_class_word(class));
}

static void read_min(struct compilation *c, uint32_t step)
{
    static const char *const belows[] = {"escalate", "retry", "fail", NULL};
    struct step *s = &c->flow->steps[step];
    uint32_t user;
    enum effect_class class = class_that_counts(c, step, &user);
    AUTO(setting_done) struct setting min = find_min(c, step, class);
    s->has_confidence = json_is_number(min.value);
    if (!s->has_confidence)
        return;
    s->confidence_min = json_number_value(min.value);
    s->below = (enum below)setting_word(c, step, "confidence", "below", belows, BELOW_ESCALATE);
    if (min.by_class)
        c->sources[step].min_why = why_text(c, step, user, class, s->confidence_min);
    if (s->below == BELOW_ESCALATE && s->on_failure != ON_FAILURE_ESCALATE)
        flow_wants_escalation(c, step);
}

/* Numbers that ask less of a worse class are a slip. */
static void check_order(struct compilation *c, const json_t *min, const char *pointer)
{
    double last = -HUGE_VAL;
    const char *milder = NULL;
    for (enum effect_class class = CLASS_PURE; class <= CLASS_WRITE; class ++) {
        const char *word = effect_class_word(class);
        const json_t *one = json_object_get(min, word);
        AUTO(freep) char *at = pointer_to_member(pointer, word);
        if (!json_is_number(one))
            continue;
        if (json_number_value(one) < last)
            WARN(c, "confidence-order", AT(at), "what leads to a worse effect must be surer",
                 "`%s` needs less confidence than `%s`", word, milder);
        last = json_number_value(one);
        milder = word;
    }
}

static void read_threshold(struct compilation *c, uint32_t step)
{
    const struct step *s = &c->flow->steps[step];
    const json_t *own = json_object_get(c->sources[step].value, "confidence");
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "confidence");
    AUTO(freep) char *at = pointer_to_member(pointer, "min");
    AUTO(setting_done) struct setting min = setting_find(c, step, "confidence", "min");
    if (c->sources[step].kind != KIND_AGENT || !s->call.agent)
        return;
    if (!s->call.agent->confidence) {
        if (json_is_object(own))
            REFUSE(c, "confidence-without-pointer", AT_KEY(pointer),
                   "leave it out, or use `assert` on a field of the output",
                   "%s reports no confidence: its card names no place for it", s->call.agent->name);
        return;
    }
    if (json_is_object(own) && !min.value)
        REFUSE(c, "missing-key", AT_KEY(pointer), "write min: 0.8, or another number",
               "the key \"min\" is missing: the least confidence that is accepted");
    check_order(c, json_object_get(own, "min"), at);
    read_min(c, step);
}

void flow_read_thresholds(struct compilation *c)
{
    check_order(
        c,
        json_object_get(json_object_get(json_object_get(c->root, "defaults"), "confidence"), "min"),
        "/defaults/confidence/min");
    for (uint32_t step = 0; step < c->count; step++)
        read_threshold(c, step);
}

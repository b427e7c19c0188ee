/* SPDX-License-Identifier: Apache-2.0
 *
 * Expanding a schema into branches of parts, see shape_internal.h. Every step is counted: a schema
 * that refers to itself, or multiplies its unions, is read as far as the limits go, and the rest is
 * left out. A branch that no value can satisfy is dropped where that is cheap to see: types that
 * exclude each other, values that do, and required properties whose values do, by which the
 * branches of a union are told apart.
 */
#include "contract/shape_internal.h"

#include <math.h>

#include <stdlib.h>
#include <string.h>

enum { TODO_MOST = 64, CHOICES_MOST = 12, STEPS_MOST = 4000, REQUIRED_LOOKED_AT = 32 };

/* A branch that is being made. */
struct making {
    struct branch_parts parts;
    const json_t *todo[TODO_MOST];
    size_t todo_count;
    const json_t *choices[CHOICES_MOST]; /* arrays of schemas, or a schema with `if` */
    size_t choice_count;
    size_t width; /* branches that there may be beside this one, and it */
};

struct expanding {
    const struct shapes *shapes;
    struct expansion *out;
    size_t steps;
};

const json_t *reference_target(const struct shapes *shapes, const json_t *reference)
{
    static const char prefix[] = "#/$defs/";
    const char *text = json_string_value(reference);
    if (!text || strncmp(text, prefix, sizeof(prefix) - 1) != 0)
        return NULL;
    return json_object_get(shapes->defs, text + sizeof(prefix) - 1);
}

static void add_todo(struct making *m, const json_t *schema)
{
    if (schema && m->todo_count < TODO_MOST)
        m->todo[m->todo_count++] = schema;
}

static void add_choice(struct making *m, const json_t *choice)
{
    if (choice && m->choice_count < CHOICES_MOST)
        m->choices[m->choice_count++] = choice;
}

static unsigned values_types(const json_t *schema)
{
    const json_t *one, *several = schema_values(schema, &one);
    unsigned types = one ? value_bit(one) : several ? 0 : TYPES_ALL;
    for (size_t i = 0; i < json_array_size(several); i++)
        types |= value_bit(json_array_get(several, i));
    return types;
}

/* The types of the keywords that stand in the schema itself. */
static unsigned local_types(const json_t *schema)
{
    if (json_is_boolean(schema))
        return json_is_true(schema) ? TYPES_ALL : 0;
    return values_types(schema) & type_bits(json_object_get(schema, "type"));
}

/* False: no value satisfies it together with what is there. */
static bool add_schema(struct expanding *x, struct making *m, const json_t *schema)
{
    if (json_is_boolean(schema))
        return json_is_true(schema);
    if (!json_is_object(schema))
        return true;
    for (size_t i = 0; i < m->parts.count; i++)
        if (m->parts.parts[i] == schema)
            return true;
    const json_t *all = json_object_get(schema, "allOf");
    add_todo(m, reference_target(x->shapes, json_object_get(schema, "$ref")));
    for (size_t i = 0; i < json_array_size(all); i++)
        add_todo(m, json_array_get(all, i));
    add_choice(m, json_object_get(schema, "anyOf"));
    add_choice(m, json_object_get(schema, "oneOf"));
    add_choice(m, json_object_get(schema, "if") ? schema : NULL);
    if (m->parts.count < SHAPE_PARTS)
        m->parts.parts[m->parts.count++] = schema;
    m->parts.types &= local_types(schema);
    return m->parts.types != 0;
}

/* ---- whether a branch can be ---- */

static bool set_has(const json_t *schema, const json_t *value)
{
    const json_t *one, *several = schema_values(schema, &one);
    if (one)
        return contract_equal(one, value);
    for (size_t i = 0; i < json_array_size(several); i++)
        if (contract_equal(json_array_get(several, i), value))
            return true;
    return several == NULL;
}

/* Whether the schema says that it is not this value, in so many words. */
/* Whether a number is beyond a bound; up to 2^53, where every integer is a double. */
static bool is_beyond(const json_t *schema, const json_t *value)
{
    static const struct {
        const char *keyword;
        double sign;
        bool open;
    } bounds[] = {{"minimum", 1, false},
                  {"exclusiveMinimum", 1, true},
                  {"maximum", -1, false},
                  {"exclusiveMaximum", -1, true}};
    static const double exact = 9007199254740992.0;
    double number = json_number_value(value);
    for (size_t i = 0; json_is_number(value) && i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        const json_t *bound = json_object_get(schema, bounds[i].keyword);
        double room = bounds[i].sign * (number - json_number_value(bound));
        if (json_is_number(bound) && fabs(number) <= exact &&
            fabs(json_number_value(bound)) <= exact && (bounds[i].open ? room <= 0 : room < 0))
            return true;
    }
    return false;
}

bool schema_excludes(const json_t *schema, const json_t *value)
{
    const json_t *not_this = json_object_get(schema, "not"), *one;
    if (is_beyond(schema, value))
        return true;
    return json_object_size(not_this) == 1 && (schema_values(not_this, &one) || one) &&
           set_has(not_this, value);
}

static bool may_be(const json_t *schema, const json_t *value)
{
    return set_has(schema, value) && (value_bit(value) & local_types(schema)) &&
           !schema_excludes(schema, value);
}

/* Whether a value of those that one lists may be of the other: types and values alone. */
static bool may_list(const json_t *a, const json_t *b)
{
    const json_t *one, *several = schema_values(a, &one);
    if (one)
        return may_be(b, one);
    if (!several || json_array_size(several) > SHAPE_VALUES)
        return true;
    for (size_t i = 0; i < json_array_size(several); i++)
        if (may_be(b, json_array_get(several, i)))
            return true;
    return false;
}

static bool may_meet(const json_t *a, const json_t *b)
{
    return (local_types(a) & local_types(b)) != 0 && may_list(a, b) && may_list(b, a);
}

static const json_t *own_property(const struct shapes *shapes, const json_t *part, const char *key)
{
    const json_t *property = json_object_get(json_object_get(part, "properties"), key);
    for (int hops = 0; hops < 8 && json_object_size(property) == 1; hops++) {
        const json_t *target = reference_target(shapes, json_object_get(property, "$ref"));
        if (!target)
            break;
        property = target;
    }
    return property;
}

static bool property_can_be(const struct shapes *shapes, const struct branch_parts *b,
                            const char *key)
{
    const json_t *seen[SHAPE_PARTS];
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++) {
        const json_t *property = own_property(shapes, b->parts[i], key);
        if (!property)
            continue;
        if (json_is_false(property))
            return false;
        for (size_t j = 0; j < count; j++)
            if (!may_meet(seen[j], property))
                return false;
        seen[count++] = property;
    }
    return true;
}

/* Of a branch of objects alone: that its required properties can have a value. */
static bool required_can_be(const struct shapes *shapes, const struct branch_parts *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const json_t *required = json_object_get(b->parts[i], "required");
        size_t count = json_array_size(required);
        for (size_t j = 0; j < count && j < REQUIRED_LOOKED_AT; j++) {
            const char *key = json_string_value(json_array_get(required, j));
            if (key && !property_can_be(shapes, b, key))
                return false;
        }
    }
    return true;
}

/* Takes from the types those of values that another part excludes. */
static void meet_values(struct branch_parts *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const json_t *one, *several = schema_values(b->parts[i], &one);
        unsigned left = 0;
        size_t count = one ? 1 : json_array_size(several);
        if ((!one && !several) || count > SHAPE_VALUES)
            continue;
        for (size_t j = 0; j < count; j++) {
            const json_t *value = one ? one : json_array_get(several, j);
            bool can = true;
            for (size_t k = 0; can && k < b->count; k++)
                can = set_has(b->parts[k], value) && !schema_excludes(b->parts[k], value);
            left |= can ? value_bit(value) : 0;
        }
        b->types &= left;
        return;
    }
}

static void emit(struct expanding *x, struct making *m)
{
    meet_values(&m->parts);
    if (m->parts.types == 0)
        return;
    if ((m->parts.types & ~(unsigned)TYPES_OBJECT) == 0 && !required_can_be(x->shapes, &m->parts))
        return;
    x->out->list = xrealloc(x->out->list, (x->out->count + 1) * sizeof(x->out->list[0]));
    x->out->list[x->out->count++] = m->parts;
}

/* ---- the walk ---- */

static void expand(struct expanding *x, struct making *m);

static void expand_with(struct expanding *x, const struct making *m, size_t ways,
                        const json_t *first, const json_t *second)
{
    struct making *copy = xmalloc(sizeof(*copy));
    *copy = *m;
    copy->width = m->width * ways;
    add_todo(copy, first);
    add_todo(copy, second);
    expand(x, copy);
    free(copy);
}

/* One way for each of what there is to choose from. */
static void expand_choice(struct expanding *x, struct making *m)
{
    const json_t *choice = m->choices[--m->choice_count];
    size_t ways = json_is_array(choice) ? json_array_size(choice) : 2;
    if (m->width * ways > SHAPE_BRANCHES) {
        expand(x, m);
        return;
    }
    if (json_is_object(choice)) {
        expand_with(x, m, 2, json_object_get(choice, "if"), json_object_get(choice, "then"));
        expand_with(x, m, 2, json_object_get(choice, "else"), NULL);
        return;
    }
    for (size_t i = 0; i < ways; i++)
        expand_with(x, m, ways, json_array_get(choice, i), NULL);
}

/* Recurses once for each union of the schema, of which there are CHOICES_MOST at a time. */
static void expand(struct expanding *x, struct making *m)
{
    while (m->todo_count > 0) {
        const json_t *schema = m->todo[--m->todo_count];
        if (++x->steps > STEPS_MOST)
            break;
        if (!add_schema(x, m, schema))
            return;
    }
    if (m->choice_count > 0 && x->steps <= STEPS_MOST)
        expand_choice(x, m);
    else
        emit(x, m);
}

void shapes_pay(const struct shapes *shapes, size_t cost)
{
    size_t *work = &shapes->looking->work;
    *work -= *work < cost ? *work : cost;
}

/* When there is no work left to pay with, a schema is one branch of which nothing is known. */
void expand_schema(const struct shapes *shapes, const json_t *schema, struct expansion *ret)
{
    *ret = (struct expansion){NULL, 0};
    schema = shapes_spent(shapes) ? NULL : schema;
    struct expanding x = {.shapes = shapes, .out = ret};
    struct making *m = xcalloc(1, sizeof(*m));
    m->parts.types = TYPES_ALL;
    m->width = 1;
    add_todo(m, schema);
    expand(&x, m);
    shapes_pay(shapes, x.steps + ret->count);
    free(m);
}

void expansion_done(struct expansion *expansion)
{
    free(expansion->list);
    *expansion = (struct expansion){NULL, 0};
}

unsigned schema_types(const struct shapes *shapes, const json_t *schema)
{
    struct expansion expansion;
    unsigned types = 0;
    expand_schema(shapes, schema, &expansion);
    for (size_t i = 0; i < expansion.count; i++)
        types |= expansion.list[i].types;
    expansion_done(&expansion);
    return types;
}

/* ---- the branches as schemas ---- */

/* A part without what has become other parts and branches, and what looks at those. */
static json_t *part_alone(const json_t *part)
{
    static const char *const spread[] = {"$ref",
                                         "allOf",
                                         "anyOf",
                                         "oneOf",
                                         "if",
                                         "then",
                                         "else",
                                         "dependentSchemas",
                                         "unevaluatedProperties",
                                         "unevaluatedItems"};
    if (!json_is_object(part))
        return schema_keep(part);
    json_t *alone = json_copy((json_t *)part);
    for (size_t i = 0; i < sizeof(spread) / sizeof(spread[0]); i++)
        json_object_del(alone, spread[i]);
    return alone;
}

json_t *shape_cases(struct shapes *shapes, const struct shape *shape, size_t most)
{
    struct expansion x;
    size_t objects = 0;
    json_t *cases = NULL;
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++)
        objects += (x.list[i].types & TYPES_OBJECT) != 0;
    if (objects > 1 && x.count <= most)
        cases = json_array();
    for (size_t i = 0; cases && i < x.count; i++) {
        json_t *list = json_array();
        for (size_t k = 0; k < x.list[i].count; k++)
            json_array_append_new(list, part_alone(x.list[i].parts[k]));
        json_array_append_new(list, schema_of_types(x.list[i].types));
        json_array_append_new(cases, schema_all(list));
    }
    expansion_done(&x);
    return cases;
}

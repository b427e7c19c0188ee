/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing schemas and values. Bounds are small, so that counting and meeting them happens often;
 * references go to $defs and only from below a property or an item, so that every schema compiles.
 */
#include "contain_draw.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"a", "b", "c", "ab", "x1", ""};
static const char *const strings[] = {"", "a", "b", "ab", "abc", "x1", "1", "aa", "bbb", "é"};
static const char *const patterns[] = {
    "^a", "b$",   "^a*$",      "[0-9]", "^(a|b)$",     "^[a-c]+$", "^.{2}$", "",      "^x\\d$",
    "^$", "a.*b", "^(?:ab)*$", "[^a]",  "^[ab]{1,3}$", "^\\w+$",   "^(?!a)", "b|^a$", "$"};
static const char *const types[] = {"null",   "boolean", "integer", "number",
                                    "string", "array",   "object"};
static const double fractions[] = {0.5, 1.5, -0.5, 2.25, 0.1, 3.0, 1e3};

#define COUNT(list) ((unsigned)(sizeof(list) / sizeof((list)[0])))

unsigned draw_below(struct draw *d, unsigned limit)
{
    d->state += 0x9E3779B97F4A7C15u;
    uint64_t z = d->state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (unsigned)((z ^ (z >> 31)) >> 33) % limit;
}

static bool one_in(struct draw *d, unsigned chances)
{
    return draw_below(d, chances) == 0;
}

static const char *draw_name(struct draw *d)
{
    return names[draw_below(d, one_in(d, 4) ? COUNT(names) : 3)];
}

static json_t *draw_number(struct draw *d)
{
    if (one_in(d, 4))
        return json_real(fractions[draw_below(d, COUNT(fractions))]);
    return json_integer((json_int_t)draw_below(d, 8) - 2);
}

json_t *draw_value(struct draw *d, int depth)
{
    static const unsigned focused[FOCUSES] = {0, 2, 4, 7, 9};
    unsigned which = draw_below(d, depth > 0 ? 12 : 7);
    if (d->focus != FOCUS_NONE && (depth > 0 || focused[d->focus] < 7) && !one_in(d, 3))
        which = focused[d->focus];
    json_t *value;
    unsigned count = draw_below(d, 4);
    switch (which) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(one_in(d, 2));
    case 2:
    case 3:
        return draw_number(d);
    case 4:
    case 5:
    case 6:
        return json_string(strings[draw_below(d, COUNT(strings))]);
    case 7:
    case 8:
        value = json_array();
        for (unsigned i = 0; i < count; i++)
            json_array_append_new(value, draw_value(d, depth - 1));
        return value;
    default:
        value = json_object();
        for (unsigned i = 0; i < count; i++)
            json_object_set_new(value, draw_name(d), draw_value(d, depth - 1));
        return value;
    }
}

static json_t *draw_sub(struct draw *d, int depth, bool inside);

static json_t *draw_list(struct draw *d, int depth, bool inside)
{
    json_t *list = json_array();
    for (unsigned i = 0, count = 1 + draw_below(d, 3); i < count; i++)
        json_array_append_new(list, draw_sub(d, depth - 1, inside));
    return list;
}

static json_t *draw_map(struct draw *d, int depth, bool inside, bool by_pattern)
{
    json_t *map = json_object();
    for (unsigned i = 0, count = 1 + draw_below(d, 3); i < count; i++)
        json_object_set_new(map,
                            by_pattern ? patterns[draw_below(d, COUNT(patterns))] : draw_name(d),
                            draw_sub(d, depth - 1, inside));
    return map;
}

static json_t *draw_names(struct draw *d)
{
    json_t *list = json_array();
    for (unsigned i = 0, count = draw_below(d, 3); i < count; i++)
        json_array_append_new(list, json_string(draw_name(d)));
    return list;
}

static json_t *draw_types(struct draw *d)
{
    if (!one_in(d, 3))
        return json_string(types[draw_below(d, COUNT(types))]);
    return json_pack("[s, s]", types[draw_below(d, COUNT(types))],
                     types[draw_below(d, COUNT(types))]);
}

static json_t *draw_values(struct draw *d)
{
    json_t *list = json_array();
    for (unsigned i = 0, count = 1 + draw_below(d, 4); i < count; i++)
        json_array_append_new(list, draw_value(d, 2));
    return list;
}

static json_t *small(struct draw *d)
{
    return json_integer((json_int_t)draw_below(d, 4));
}

static void set(json_t *schema, const char *keyword, json_t *value)
{
    json_object_set_new(schema, keyword, value);
}

static void draw_assertion(struct draw *d, json_t *schema)
{
    static const char *const bounds[] = {"minimum", "maximum", "exclusiveMinimum",
                                         "exclusiveMaximum"};
    static const char *const counts[] = {"minLength", "maxLength",     "minItems",
                                         "maxItems",  "minProperties", "maxProperties"};
    static const double steps[] = {1, 2, 3, 0.5, 0.1, 1.5};
    static const char *const formats[] = {"date", "ipv4", "email", "uuid"};
    static const unsigned focused[FOCUSES] = {0, 4, 9, 7, 7};
    static const unsigned first_count[FOCUSES] = {0, 0, 0, 2, 4};
    unsigned which = draw_below(d, 11), count = draw_below(d, 6);
    bool focus = d->focus != FOCUS_NONE && !one_in(d, 3);
    if (focus && which > 3) {
        which = d->focus == FOCUS_NUMBERS && one_in(d, 3) ? 6 : focused[d->focus];
        count = first_count[d->focus] + draw_below(d, 2);
        if (d->focus == FOCUS_STRINGS && one_in(d, 3))
            which = 7;
    }
    switch (which) {
    case 0:
    case 1:
        set(schema, "type", draw_types(d));
        break;
    case 2:
        set(schema, "const", draw_value(d, 2));
        break;
    case 3:
        set(schema, "enum", draw_values(d));
        break;
    case 4:
    case 5:
        set(schema, bounds[draw_below(d, 4)], draw_number(d));
        break;
    case 6:
        set(schema, "multipleOf", json_real(steps[draw_below(d, COUNT(steps))]));
        break;
    case 7:
    case 8:
        set(schema, counts[count], small(d));
        break;
    case 9:
        set(schema, "pattern", json_string(patterns[draw_below(d, COUNT(patterns))]));
        break;
    default:
        if (one_in(d, 2))
            set(schema, "uniqueItems", json_true());
        else
            set(schema, "format", json_string(formats[draw_below(d, 4)]));
        break;
    }
}

static void draw_inside(struct draw *d, json_t *schema, int depth)
{
    static const unsigned arrays[] = {6, 7, 8, 8, 10}, objects[] = {0, 1, 3, 4, 5, 9, 11};
    unsigned which = draw_below(d, 12);
    if (d->focus == FOCUS_ARRAYS && !one_in(d, 4))
        which = arrays[draw_below(d, COUNT(arrays))];
    if (d->focus == FOCUS_OBJECTS && !one_in(d, 4))
        which = objects[draw_below(d, COUNT(objects))];
    switch (which) {
    case 0:
    case 1:
    case 2:
        set(schema, "properties", draw_map(d, depth, true, false));
        break;
    case 3:
        set(schema, "patternProperties", draw_map(d, depth, true, true));
        break;
    case 4:
        set(schema, "additionalProperties", draw_sub(d, depth - 1, true));
        break;
    case 5:
        set(schema, "propertyNames", draw_sub(d, depth - 1, false));
        break;
    case 6:
        set(schema, "prefixItems", draw_list(d, depth, true));
        break;
    case 7:
        set(schema, "items", draw_sub(d, depth - 1, true));
        break;
    case 8:
        set(schema, "contains", draw_sub(d, depth - 1, true));
        if (one_in(d, 2))
            set(schema, "minContains", small(d));
        if (one_in(d, 2))
            set(schema, "maxContains", small(d));
        break;
    case 9:
        set(schema, "unevaluatedProperties", draw_sub(d, depth - 1, true));
        break;
    case 10:
        set(schema, "unevaluatedItems", draw_sub(d, depth - 1, true));
        break;
    default:
        set(schema, "required", draw_names(d));
        break;
    }
}

static void draw_applicator(struct draw *d, json_t *schema, int depth, bool inside)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    json_t *map = json_object();
    switch (draw_below(d, 7)) {
    case 0:
    case 1:
    case 2:
        set(schema, lists[draw_below(d, 3)], draw_list(d, depth, inside));
        break;
    case 3:
        set(schema, "not", draw_sub(d, depth - 1, inside));
        break;
    case 4:
        set(schema, "if", draw_sub(d, depth - 1, inside));
        if (!one_in(d, 3))
            set(schema, "then", draw_sub(d, depth - 1, inside));
        if (!one_in(d, 3))
            set(schema, "else", draw_sub(d, depth - 1, inside));
        break;
    case 5:
        set(map, draw_name(d), draw_names(d));
        set(schema, "dependentRequired", json_incref(map));
        break;
    default:
        set(schema, "dependentSchemas", draw_map(d, depth, inside, false));
        break;
    }
    json_decref(map);
}

/* `inside`: below a property or an item, where a reference may lead back up. */
static json_t *draw_sub(struct draw *d, int depth, bool inside)
{
    static const char *const references[] = {"#/$defs/p", "#/$defs/q", "#"};
    if (inside && one_in(d, 8))
        return json_pack("{s:s}", "$ref", references[draw_below(d, 3)]);
    if (depth <= 0 && one_in(d, 4))
        return json_boolean(one_in(d, 2));
    json_t *schema = json_object();
    for (unsigned i = 0, count = draw_below(d, 3); i <= count; i++) {
        unsigned which = draw_below(d, 10);
        if (depth <= 0 || which < 4)
            draw_assertion(d, schema);
        else if (which < 8)
            draw_inside(d, schema, depth);
        else
            draw_applicator(d, schema, depth, inside);
    }
    return schema;
}

/* ---- small schemas of one type, where a single bound decides ---- */

static json_t *draw_tight(struct draw *d, enum focus focus, int depth);

static json_t *draw_leaf(struct draw *d, int depth)
{
    static const char *const references[] = {"#/$defs/p", "#/$defs/q"};
    switch (draw_below(d, depth > 0 ? 9 : 6)) {
    case 0:
        return json_pack("{s:o}", "const", draw_value(d, 0));
    case 1:
        return json_pack("{s:[o, o]}", "enum", draw_value(d, 0), draw_value(d, 0));
    case 2:
        return json_pack("{s:s}", "type", types[draw_below(d, COUNT(types))]);
    case 3:
        return json_pack("{s:o}", one_in(d, 2) ? "minimum" : "maximum", draw_number(d));
    case 4:
        return json_boolean(one_in(d, 2));
    case 5:
        return json_pack("{s:s}", "$ref", references[draw_below(d, 2)]);
    default:
        return draw_tight(d, 1 + (enum focus)draw_below(d, FOCUSES - 1), depth - 1);
    }
}

static json_t *draw_leaf_map(struct draw *d, int depth, bool by_pattern)
{
    json_t *map = json_object();
    for (unsigned i = 0, count = 1 + draw_below(d, 2); i < count; i++)
        set(map, by_pattern ? patterns[draw_below(d, COUNT(patterns))] : names[draw_below(d, 3)],
            draw_leaf(d, depth));
    return map;
}

static void draw_tight_array(struct draw *d, json_t *schema, int depth)
{
    switch (draw_below(d, 8)) {
    case 0:
        set(schema, "prefixItems", json_pack("[o, o]", draw_leaf(d, depth), draw_leaf(d, depth)));
        break;
    case 1:
        set(schema, "items", draw_leaf(d, depth));
        break;
    case 2:
        set(schema, "uniqueItems", json_true());
        break;
    case 3:
    case 4:
        set(schema, "contains", draw_leaf(d, depth));
        set(schema, one_in(d, 2) ? "minContains" : "maxContains", small(d));
        break;
    case 5:
        set(schema, "unevaluatedItems", draw_leaf(d, depth));
        break;
    default:
        set(schema, one_in(d, 2) ? "minItems" : "maxItems", small(d));
        break;
    }
}

static void draw_tight_object(struct draw *d, json_t *schema, int depth)
{
    switch (draw_below(d, 9)) {
    case 0:
    case 1:
        set(schema, "properties", draw_leaf_map(d, depth, false));
        break;
    case 2:
        set(schema, "patternProperties", draw_leaf_map(d, depth, true));
        break;
    case 3:
        set(schema, "additionalProperties", draw_leaf(d, depth));
        break;
    case 4:
    case 5:
        set(schema, "required", json_pack("[s]", names[draw_below(d, 3)]));
        break;
    case 6:
        set(schema, "propertyNames",
            one_in(d, 2) ? json_pack("{s:s}", "pattern", patterns[draw_below(d, COUNT(patterns))])
                         : json_pack("{s:[s, s]}", "enum", names[draw_below(d, 3)],
                                     names[draw_below(d, 3)]));
        break;
    default:
        set(schema, one_in(d, 2) ? "minProperties" : "maxProperties", small(d));
        break;
    }
}

static void draw_tight_scalar(struct draw *d, json_t *schema, enum focus focus)
{
    static const char *const bounds[] = {"minimum", "maximum", "exclusiveMinimum",
                                         "exclusiveMaximum"};
    if (focus == FOCUS_STRINGS) {
        if (one_in(d, 2))
            set(schema, "pattern", json_string(patterns[draw_below(d, COUNT(patterns))]));
        else
            set(schema, one_in(d, 2) ? "minLength" : "maxLength", small(d));
    } else if (one_in(d, 4)) {
        set(schema, "multipleOf", json_real(fractions[3 * draw_below(d, 2)]));
    } else {
        set(schema, bounds[draw_below(d, 4)], draw_number(d));
    }
}

static json_t *draw_tight(struct draw *d, enum focus focus, int depth)
{
    static const char *const kinds[FOCUSES] = {"", "integer", "string", "array", "object"};
    json_t *schema = json_object();
    if (!one_in(d, 4))
        set(schema, "type",
            json_string(focus == FOCUS_NUMBERS && one_in(d, 3) ? "number" : kinds[focus]));
    for (unsigned i = 0, count = 1 + draw_below(d, 3); i < count; i++) {
        if (focus == FOCUS_ARRAYS)
            draw_tight_array(d, schema, depth);
        else if (focus == FOCUS_OBJECTS)
            draw_tight_object(d, schema, depth);
        else
            draw_tight_scalar(d, schema, focus);
    }
    if (depth > 0 && one_in(d, 4)) {
        static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
        set(schema, lists[draw_below(d, 3)],
            json_pack("[o, o]", draw_tight(d, focus, 0), draw_tight(d, focus, 0)));
    }
    return schema;
}

static json_t *draw_tight_schema(struct draw *d)
{
    enum focus focus = d->focus != FOCUS_NONE ? d->focus : FOCUS_OBJECTS;
    json_t *schema = draw_tight(d, focus, 1 + (int)draw_below(d, 2));
    set(schema, "$defs",
        json_pack("{s:o, s:o}", "p", draw_tight(d, 3 + (enum focus)draw_below(d, 2), 1), "q",
                  draw_tight(d, 3 + (enum focus)draw_below(d, 2), 1)));
    return schema;
}

json_t *draw_schema(struct draw *d)
{
    if (!one_in(d, 3))
        return draw_tight_schema(d);
    static const char *const kinds[FOCUSES] = {"", "number", "string", "array", "object"};
    json_t *schema = draw_sub(d, 1 + (int)draw_below(d, 3), false);
    json_t *defs = json_pack("{s:o, s:o}", "p", draw_sub(d, 1, true), "q", draw_sub(d, 1, true));
    if (!json_is_object(schema)) {
        json_t *whole = json_pack("{s:[o]}", "allOf", schema);
        schema = whole;
    }
    /* A definition that is nothing but a reference to itself would not compile. */
    if (json_object_get(json_object_get(defs, "p"), "$ref"))
        set(defs, "p", json_true());
    if (json_object_get(json_object_get(defs, "q"), "$ref"))
        set(defs, "q", json_pack("{s:{s:s}}", "items", "$ref", "#/$defs/p"));
    set(schema, "$defs", defs);
    if (d->focus != FOCUS_NONE && one_in(d, 2) && !json_object_get(schema, "type"))
        set(schema, "type", json_string(kinds[d->focus]));
    return schema;
}

/* ---- variants ---- */

/* The schemas and keywords that may be changed, counted down to the one that is. */
static bool change(struct draw *d, json_t *schema, unsigned *countdown)
{
    const char *key;
    json_t *value;
    void *next;
    if (json_is_array(schema)) {
        for (size_t i = 0; i < json_array_size(schema); i++)
            if (change(d, json_array_get(schema, i), countdown))
                return true;
        return false;
    }
    json_object_foreach_safe (schema, next, key, value) {
        if (strcmp(key, "$ref") == 0 || strcmp(key, "$defs") == 0)
            continue;
        if ((*countdown)-- > 0) {
            if (change(d, value, countdown))
                return true;
            continue;
        }
        bool bound = strncmp(key, "min", 3) == 0 || strncmp(key, "max", 3) == 0;
        if (bound && json_is_integer(value) && one_in(d, 2)) {
            json_int_t n = json_integer_value(value) + (one_in(d, 2) ? 1 : -1);
            json_object_set_new(schema, key, json_integer(n < 0 ? 0 : n));
        } else {
            json_object_del(schema, key);
        }
        return true;
    }
    return false;
}

json_t *draw_variant(struct draw *d, const json_t *schema)
{
    json_t *variant = json_deep_copy(schema);
    unsigned countdown = draw_below(d, 8);
    if (one_in(d, 4))
        draw_assertion(d, variant);
    else if (one_in(d, 4))
        draw_inside(d, variant, 1);
    else
        change(d, variant, &countdown);
    return variant;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See infer_draw.h. An expression is drawn as text, by the grammar of the language; the names and
 * literals in it are those of the schemas, so that paths lead somewhere and conditions decide
 * something. What the parser refuses (a `select` outside of `map`) is drawn again by the caller.
 */
#include "infer_draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"a", "b", "c", "k"};
static const char *const words[] = {"", "a", "b", "ab", "1", "x-y"};

enum { TEXT_SIZE = 6000 };

static bool one_in(struct draw *d, unsigned chances)
{
    return draw_below(d, chances) == 0;
}

static const char *a_name(struct draw *d)
{
    return names[draw_below(d, 4)];
}

/* ---- schemas ---- */

static json_t *draw_scalar(struct draw *d)
{
    switch (draw_below(d, 9)) {
    case 0:
        return json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", (int)draw_below(d, 4) - 2,
                         "maximum", 2 + (int)draw_below(d, 4));
    case 1:
        return json_pack("{s:s}", "type", "number");
    case 2:
        return json_pack("{s:s,s:i}", "type", "string", "minLength", (int)draw_below(d, 3));
    case 3:
        return json_pack("{s:[s,s,s]}", "enum", "a", "b", "ab");
    case 4:
        return json_pack("{s:s}", "type", "boolean");
    case 5:
        return json_pack("{s:[s,s]}", "type", "null", one_in(d, 2) ? "integer" : "string");
    case 6:
        return json_pack("{s:o}", "const", json_string(words[draw_below(d, 6)]));
    case 7:
        return json_pack("{s:s,s:f}", "type", "number", "exclusiveMinimum", 0.5);
    default:
        return json_pack("{s:s}", "type", one_in(d, 2) ? "string" : "integer");
    }
}

static json_t *draw_part(struct draw *d, int depth)
{
    if (depth <= 0 || one_in(d, 2))
        return one_in(d, 12) ? json_true() : draw_scalar(d);
    if (one_in(d, 4))
        return json_pack("{s:[o,o]}", one_in(d, 2) ? "anyOf" : "oneOf", draw_part(d, depth - 1),
                         draw_part(d, depth - 1));
    return draw_contract(d, depth - 1);
}

static json_t *draw_object_schema(struct draw *d, int depth)
{
    json_t *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < 4; i++) {
        if (one_in(d, 3))
            continue;
        json_object_set_new(properties, names[i], draw_part(d, depth));
        if (!one_in(d, 3))
            json_array_append_new(required, json_string(names[i]));
    }
    json_t *schema = json_pack("{s:s,s:o,s:o}", "type", "object", "properties", properties,
                               "required", required);
    if (!one_in(d, 4))
        json_object_set_new(schema, "additionalProperties",
                            one_in(d, 5) ? draw_scalar(d) : json_false());
    return schema;
}

/* Objects that one member tells apart. */
static json_t *draw_union(struct draw *d, int depth)
{
    json_t *list = json_array();
    for (size_t i = 0; i < 2; i++) {
        json_t *one = draw_object_schema(d, depth);
        json_object_set_new(json_object_get(one, "properties"), "k",
                            json_pack("{s:s}", "const", i ? "a" : "b"));
        json_array_append_new(json_object_get(one, "required"), json_string("k"));
        if (json_array_size(json_object_get(one, "required")) > 1)
            json_object_set_new(one, "required", json_pack("[s]", "k"));
        json_array_append_new(list, one);
    }
    return json_pack("{s:o}", one_in(d, 2) ? "anyOf" : "oneOf", list);
}

/* An object of two parts, which one of them closes. */
static json_t *draw_composed(struct draw *d, int depth)
{
    json_t *whole = draw_object_schema(d, depth), *part = draw_object_schema(d, depth);
    json_object_del(whole, "additionalProperties");
    json_object_del(part, "additionalProperties");
    json_object_set_new(whole, "allOf", json_pack("[o]", part));
    json_object_set_new(whole, "unevaluatedProperties", json_false());
    return whole;
}

json_t *draw_contract(struct draw *d, int depth)
{
    if (one_in(d, 5))
        return draw_union(d, depth);
    if (one_in(d, 6))
        return draw_composed(d, depth);
    if (!one_in(d, 3))
        return draw_object_schema(d, depth);
    json_t *array = json_pack("{s:s,s:o}", "type", "array", "items", draw_part(d, depth));
    if (one_in(d, 2))
        json_object_set_new(array, "minItems", json_integer(draw_below(d, 3)));
    if (one_in(d, 3))
        json_object_set_new(array, "maxItems", json_integer(2 + draw_below(d, 3)));
    if (one_in(d, 6)) {
        json_object_del(array, "items");
        json_object_set_new(array, "contains", draw_scalar(d));
        json_object_set_new(array, "unevaluatedItems", draw_scalar(d));
    } else if (one_in(d, 4)) {
        json_object_set_new(array, "prefixItems",
                            json_pack("[o,o]", draw_part(d, depth - 1), draw_part(d, depth - 1)));
        if (one_in(d, 2))
            json_object_set_new(array, "items", json_false());
    }
    return array;
}

/* ---- values ---- */

static json_t *fitting_object(struct draw *d, const json_t *schema, int depth)
{
    json_t *object = json_object(), *member;
    const json_t *required = json_object_get(schema, "required");
    const char *name;
    json_object_foreach (json_object_get(schema, "properties"), name, member) {
        bool needed = false;
        for (size_t i = 0; i < json_array_size(required); i++)
            needed |= strcmp(json_string_value(json_array_get(required, i)), name) == 0;
        if (needed || one_in(d, 2))
            json_object_set_new(object, name, draw_fitting(d, member, depth - 1));
    }
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *extra = a_name(d);
    const json_t *also = json_array_get(json_object_get(schema, "allOf"), 0);
    if (also) {
        json_t *more = fitting_object(d, also, depth);
        json_object_update_missing(object, more);
        json_decref(more);
    }
    if (!json_is_false(others) && !also && one_in(d, 2) && !json_object_get(object, extra) &&
        !json_object_get(json_object_get(schema, "properties"), extra))
        json_object_set_new(object, extra,
                            others ? draw_fitting(d, others, depth - 1) : draw_value(d, 2));
    return object;
}

static json_t *fitting_array(struct draw *d, const json_t *schema, int depth)
{
    const json_t *prefix = json_object_get(schema, "prefixItems");
    size_t least = (size_t)json_integer_value(json_object_get(schema, "minItems"));
    size_t count = least + draw_below(d, 3);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(prefix, i);
        const char *rest = i % 2 ? "unevaluatedItems" : "contains";
        item = item ? item : json_object_get(schema, "items");
        item = item ? item : json_object_get(schema, rest);
        if (i > 0 && one_in(d, 4))
            json_array_append(array, json_array_get(array, i - 1));
        else if (!json_is_false(item))
            json_array_append_new(array, draw_fitting(d, item, depth - 1));
    }
    return array;
}

static json_t *fitting_scalar(struct draw *d, const json_t *schema, const char *type)
{
    static const double numbers[] = {0, 1, 2, 3, -1, -2, 0.75, 1.5, 1e18, -0.25, -0.0};
    if (!type)
        return draw_value(d, 2);
    if (strcmp(type, "integer") == 0 || (strcmp(type, "number") == 0 && one_in(d, 2))) {
        json_int_t low = json_integer_value(json_object_get(schema, "minimum"));
        json_int_t value = json_object_get(schema, "minimum") ? low + draw_below(d, 5)
                                                              : (json_int_t)draw_below(d, 7) - 2;
        if (one_in(d, 12) && !json_object_get(schema, "minimum"))
            value = INT64_MAX - (json_int_t)draw_below(d, 3);
        return one_in(d, 8) ? json_real(value == 0 ? -0.0 : (double)value) : json_integer(value);
    }
    if (strcmp(type, "number") == 0)
        return json_real(numbers[draw_below(d, 11)]);
    if (strcmp(type, "boolean") == 0)
        return json_boolean(one_in(d, 2));
    if (strcmp(type, "null") == 0)
        return json_null();
    return json_string(words[draw_below(d, 6)]);
}

json_t *draw_fitting(struct draw *d, const json_t *schema, int depth)
{
    const json_t *choice = json_object_get(schema, "anyOf"),
                 *type = json_object_get(schema, "type");
    choice = choice ? choice : json_object_get(schema, "oneOf");
    json_t *values = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");
    if (depth < -6 || !json_is_object(schema))
        return draw_value(d, 2);
    if (choice)
        return draw_fitting(d, json_array_get(choice, draw_below(d, 2)), depth);
    if (constant)
        return json_incref(constant);
    if (values)
        return json_incref(
            json_array_get(values, draw_below(d, (unsigned)json_array_size(values))));
    if (json_is_array(type))
        type = json_array_get(type, draw_below(d, (unsigned)json_array_size(type)));
    const char *word = json_string_value(type);
    if (word && strcmp(word, "object") == 0)
        return fitting_object(d, schema, depth);
    if (word && strcmp(word, "array") == 0)
        return fitting_array(d, schema, depth);
    return fitting_scalar(d, schema, word);
}

/* ---- expressions ---- */

struct out {
    char text[TEXT_SIZE];
    size_t length;
    char subject[100]; /* a place that the expression comes back to */
};

__attribute__((format(printf, 2, 3))) static void add(struct out *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(o->text + o->length, TEXT_SIZE - o->length, format, args);
    va_end(args);
    o->length += (size_t)n;
    if (o->length >= TEXT_SIZE)
        o->length = TEXT_SIZE - 1;
}

static void expression(struct draw *d, struct out *o, int depth, bool dot);

static void literal(struct draw *d, struct out *o)
{
    static const char *const all[] = {
        "null", "true",  "false", "0",      "1",     "2",  "-1",      "0.5",    "3",     "[]",
        "{}",   "\"a\"", "\"\"",  "\"ab\"", "\"b\"", "10", "[\"a\"]", "{a: 1}", "\"1\"", "\"x-y\""};
    add(o, "%s", all[draw_below(d, 20)]);
}

static void place(struct draw *d, struct out *o, bool dot)
{
    static const char *const roots[] = {".input",
                                        ".item",
                                        ".steps.one.output",
                                        ".input",
                                        ".input",
                                        ".steps[\"two\"].output",
                                        ".index",
                                        ".steps.one.status"};
    static const char *const variables[] = {"$input",
                                            "$item",
                                            "$steps.one.output",
                                            "$input",
                                            "$input",
                                            "$steps[\"two\"].output",
                                            "$index",
                                            "$steps.two.status"};
    bool bare = dot && !one_in(d, 3);
    if (o->subject[0] && one_in(d, 2)) {
        add(o, "%s", o->subject);
        if (one_in(d, 4))
            add(o, ".%s", a_name(d));
        return;
    }
    unsigned root = draw_below(d, one_in(d, 4) ? 8 : 6);
    if (bare && one_in(d, 4)) {
        add(o, ".");
        return;
    }
    if (!bare)
        add(o, "%s", dot ? variables[root] : roots[root]);
    unsigned hops = bare ? 1 + draw_below(d, 2) : draw_below(d, 4);
    for (unsigned i = 0; i < hops; i++) {
        bool first = bare && i == 0;
        if (one_in(d, 6))
            add(o, "%s[%d]", first ? "." : "", (int)draw_below(d, 5) - 2);
        else
            add(o, ".%s", a_name(d));
    }
}

static void draw_subject(struct draw *d, struct out *o)
{
    static const char *const roots[] = {"$input", "$item", "$steps.one.output",
                                        "$steps[\"two\"].output"};
    struct out place = {.length = 0};
    add(&place, "%s", roots[draw_below(d, 4)]);
    for (unsigned i = draw_below(d, 3); i > 0; i--)
        add(&place, ".%s%s", a_name(d), one_in(d, 5) ? "[0]" : "");
    snprintf(o->subject, sizeof(o->subject), "%.90s", place.text);
}

static void condition(struct draw *d, struct out *o, int depth, bool dot)
{
    static const char *const compare[] = {"==", "!=", "<", "<=", ">", ">="};
    switch (draw_below(d, 8)) {
    case 0:
        place(d, o, dot);
        break;
    case 1:
        place(d, o, dot);
        add(o, " != null");
        break;
    case 2:
        if (one_in(d, 3)) {
            literal(d, o);
            add(o, " %s ", compare[draw_below(d, 6)]);
            place(d, o, dot);
            break;
        }
        place(d, o, dot);
        add(o, " %s ", compare[draw_below(d, 6)]);
        literal(d, o);
        break;
    case 3:
        place(d, o, dot);
        add(o, " | has(\"%s\")", a_name(d));
        break;
    case 4:
        add(o, "(");
        condition(d, o, depth - 1, dot);
        add(o, ") %s (", one_in(d, 2) ? "and" : "or");
        condition(d, o, depth - 1, dot);
        add(o, ")");
        break;
    case 5:
        add(o, "(");
        condition(d, o, depth - 1, dot);
        add(o, ") | not");
        break;
    case 6:
        add(o, "(");
        place(d, o, dot);
        add(o, " | length) %s %u", compare[draw_below(d, 6)], draw_below(d, 3));
        break;
    default:
        expression(d, o, depth - 1, dot);
    }
}

static void binary(struct draw *d, struct out *o, int depth, bool dot)
{
    static const char *const all[] = {"//", "//", "//", "or", "and", "==", "!=", "<", "<=",
                                      ">",  ">=", "+",  "+",  "+",   "-",  "*",  "/", "%"};
    add(o, "(");
    expression(d, o, one_in(d, 3) ? 0 : depth - 1, dot);
    add(o, " %s ", all[draw_below(d, 18)]);
    if (one_in(d, 4))
        place(d, o, dot);
    else if (one_in(d, 2))
        literal(d, o);
    else
        expression(d, o, depth - 1, dot);
    add(o, ")");
}

static void call(struct draw *d, struct out *o, int depth, bool dot)
{
    static const char *const plain[] = {"add", "all", "any",  "keys",     "length",   "max",
                                        "min", "not", "sort", "tonumber", "tostring", "unique"};
    static const char *const taking[] = {"contains", "endswith", "has",
                                         "join",     "split",    "startswith"};
    static const char *const mapping[] = {"map", "map", "all", "any"};
    add(o, "(");
    expression(d, o, one_in(d, 2) ? 0 : depth - 1, dot);
    add(o, " | ");
    switch (draw_below(d, 4)) {
    case 0:
        add(o, "%s", plain[draw_below(d, 12)]);
        break;
    case 1:
        add(o, "%s(", taking[draw_below(d, 6)]);
        if (one_in(d, 2))
            literal(d, o);
        else
            expression(d, o, depth - 1, true);
        add(o, ")");
        break;
    case 2:
        add(o, "map(select(");
        condition(d, o, depth - 1, true);
        add(o, ")");
        if (one_in(d, 2)) {
            add(o, " | ");
            expression(d, o, depth - 1, true);
        }
        add(o, ")");
        break;
    default:
        add(o, "%s(", mapping[draw_below(d, 4)]);
        expression(d, o, depth - 1, true);
        add(o, ")");
    }
    add(o, ")");
}

static void expression(struct draw *d, struct out *o, int depth, bool dot)
{
    if (depth <= 0 || one_in(d, 3)) {
        if (one_in(d, 4))
            literal(d, o);
        else
            place(d, o, dot);
        return;
    }
    switch (draw_below(d, 11)) {
    case 0:
    case 1:
        binary(d, o, depth, dot);
        break;
    case 2:
    case 3:
        call(d, o, depth, dot);
        break;
    case 4:
        add(o, "(if ");
        condition(d, o, depth - 1, dot);
        add(o, " then ");
        expression(d, o, depth - 1, dot);
        if (one_in(d, 3)) {
            add(o, " elif ");
            condition(d, o, depth - 1, dot);
            add(o, " then ");
            expression(d, o, depth - 1, dot);
        }
        add(o, " else ");
        expression(d, o, depth - 1, dot);
        add(o, " end)");
        break;
    case 5:
        add(o, "{%s: ", a_name(d));
        expression(d, o, 0, dot);
        add(o, ", (");
        expression(d, o, one_in(d, 3) ? depth - 1 : 0, dot);
        add(o, "): (");
        expression(d, o, depth - 1, dot);
        add(o, ")}");
        break;
    case 6:
        add(o, "[(");
        expression(d, o, depth - 1, dot);
        add(o, "), (");
        expression(d, o, depth - 1, dot);
        add(o, ")]");
        break;
    case 7:
        add(o, "\"%s\\(", words[draw_below(d, 6)]);
        expression(d, o, depth - 1, dot);
        add(o, ")%s\"", words[draw_below(d, 6)]);
        break;
    case 8:
        add(o, "(");
        expression(d, o, depth - 1, dot);
        add(o, " | ");
        expression(d, o, depth - 1, true);
        add(o, ")");
        break;
    case 9:
        add(o, "(");
        expression(d, o, depth - 1, dot);
        add(o, one_in(d, 2) ? ")[" : ")[1:");
        expression(d, o, 0, dot);
        add(o, "]");
        break;
    default:
        add(o, "-(");
        expression(d, o, depth - 1, dot);
        add(o, ")");
    }
}

static json_t *draw_string(struct draw *d, int depth)
{
    struct out o = {.length = 0};
    if (one_in(d, 2))
        draw_subject(d, &o);
    add(&o, "${ ");
    if (o.subject[0] && one_in(d, 3)) {
        add(&o, "if ");
        condition(d, &o, depth, false);
        add(&o, " then %s else %s end", o.subject, o.subject);
    } else if (one_in(d, 5))
        condition(d, &o, depth, false);
    else
        expression(d, &o, depth, false);
    add(&o, " }");
    if (one_in(d, 8))
        add(&o, " end");
    return json_string(o.text);
}

json_t *draw_template(struct draw *d)
{
    int depth = 1 + (int)draw_below(d, 4);
    if (!one_in(d, 6))
        return draw_string(d, depth);
    if (one_in(d, 2))
        return json_pack("[o,o,i]", draw_string(d, depth), draw_string(d, depth), 7);
    return json_pack("{s:o,s:{s:o},s:s}", "a", draw_string(d, depth), "b", "c",
                     draw_string(d, depth), "k", "a");
}

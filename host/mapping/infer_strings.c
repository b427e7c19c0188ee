/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings: what is put together of pieces, taken apart, or made of other values. Where all pieces
 * can be only a few values, the strings that they make are listed; else their lengths are known,
 * and what a string begins with.
 */
#include "mapping/evaluate_internal.h"
#include "mapping/infer_internal.h"
#include "mapping/numeral_internal.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIX_MOST = 200 };

struct fact fact_of_strings(struct shape_sizes sizes)
{
    json_t *schema = json_pack("{s:s}", "type", "string");
    if (sizes.most == 0) {
        json_decref(schema);
        return fact_of(json_pack("{s:s}", "const", ""));
    }
    if (sizes.least > 0)
        json_object_set_new(schema, "minLength", json_integer((json_int_t)sizes.least));
    if (sizes.most < SIZE_MAX)
        json_object_set_new(schema, "maxLength", json_integer((json_int_t)sizes.most));
    return fact_of(schema);
}

static size_t added(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

/* How long a value is when it is written; *ret_most SIZE_MAX = not known. */
static struct shape_sizes written_sizes(struct inferring *f, const struct fact *fact)
{
    unsigned types = fact_types(f, fact);
    struct shape_sizes sizes = {SIZE_MAX, 0};
    struct fact strings = fact_among(f, fact, BITS_STRING);
    struct shape shape = fact_shape(&strings);
    if (types & BITS_STRING)
        sizes = shape_string_sizes(f->shapes, &shape);
    fact_done(&strings);
    const struct {
        unsigned types;
        size_t least, most;
    } rows[] = {{BIT(JSON_NULL) | BIT(JSON_TRUE), 4, 4},
                {BIT(JSON_FALSE), 5, 5},
                {BITS_NUMBER, 1, NUMERAL_SIZE},
                {BITS_ARRAY | BITS_OBJECT, 2, SIZE_MAX}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!(types & rows[i].types))
            continue;
        sizes.least = sizes.least < rows[i].least ? sizes.least : rows[i].least;
        sizes.most = sizes.most > rows[i].most ? sizes.most : rows[i].most;
    }
    return sizes;
}

/* Adds how a value is written; false for what is not tried here. A number may come as an integer or
 * as a double, which are written alike up to here, but for -0. */
static bool add_written(const json_t *value, json_t *written)
{
    static const json_int_t alike = 1000000000000000;
    char number[NUMERAL_SIZE];
    json_int_t integer = json_integer_value(value);
    if (json_is_string(value)) {
        json_array_append(written, (json_t *)value);
    } else if (json_is_integer(value) && integer > -alike && integer < alike) {
        json_array_append_new(written, json_string(numeral_text(value, number)));
        if (integer == 0)
            json_array_append_new(written, json_string("-0"));
    } else if (json_is_boolean(value) || json_is_null(value)) {
        const char *word = json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false";
        json_array_append_new(written, json_string(word));
    } else {
        return false;
    }
    return true;
}

/* The few strings that a fact can be written as; NULL if they are not few. */
static json_t *written_values(struct inferring *f, const struct fact *fact)
{
    struct shape shape = fact_shape(fact);
    json_auto_t *values = shape_values(f->shapes, &shape, INFERENCE_VALUES);
    json_auto_t *written = json_array();
    for (size_t i = 0; values && i < json_array_size(values); i++)
        if (!add_written(json_array_get(values, i), written))
            return NULL;
    return values ? TAKE(written) : NULL;
}

/* Every string of the one list followed by every one of the other; NULL if they are too many. */
static json_t *joined(const json_t *heads, const json_t *tails)
{
    json_auto_t *all = json_array();
    if (json_array_size(heads) * json_array_size(tails) > INFERENCE_VALUES)
        return NULL;
    for (size_t i = 0; i < json_array_size(heads); i++)
        for (size_t j = 0; j < json_array_size(tails); j++) {
            struct text text;
            const json_t *parts[] = {json_array_get(heads, i), json_array_get(tails, j)};
            text_init(&text, 4096);
            for (size_t k = 0; k < 2; k++)
                text_add(&text, json_string_value(parts[k]), json_string_length(parts[k]));
            bool whole = !text.overflowed;
            json_array_append_new(all, json_stringn_nocheck(text_str(&text), text.len));
            text_done(&text);
            if (!whole)
                return NULL;
        }
    return TAKE(all);
}

static struct fact fact_of_values(const json_t *values)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(values); i++)
        json_array_append_new(list, json_pack("{s:O}", "const", json_array_get(values, i)));
    return fact_of(schema_any(list));
}

/* `^` and the literal, escaped; only of plain characters. */
static void add_prefix(json_t *schema, const json_t *literal)
{
    struct slice s = {json_string_value(literal), json_string_length(literal)};
    struct text pattern;
    text_init(&pattern, 3 * PREFIX_MOST);
    text_addc(&pattern, '^');
    bool plain = s.len > 0 && s.len <= PREFIX_MOST;
    for (size_t i = 0; plain && i < s.len; i++) {
        plain = s.ptr[i] >= ' ' && s.ptr[i] < 0x7F;
        if (strchr("^$\\.*+?()[]{}|/", s.ptr[i]))
            text_addc(&pattern, '\\');
        text_addc(&pattern, s.ptr[i]);
    }
    if (plain)
        json_object_set_new(schema, "pattern", json_string(text_str(&pattern)));
    text_done(&pattern);
}

struct fact infer_string(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct shape_sizes sizes = {0, 0};
    json_auto_t *few = json_pack("[s]", "");
    bool nothing = false;
    for (size_t i = 0; i < node->kid_count; i++) {
        struct fact piece = infer_node(f, node->kids[i], dot);
        settle(f, &piece);
        nothing |= fact_is_nothing(&piece);
        struct shape_sizes written = written_sizes(f, &piece);
        sizes.least = added(sizes.least, written.least);
        sizes.most = added(sizes.most, written.most);
        json_auto_t *values = few ? written_values(f, &piece) : NULL;
        json_t *longer = values ? joined(few, values) : NULL;
        json_decref(few);
        few = longer;
        fact_done(&piece);
    }
    if (nothing)
        return fact_nothing();
    if (few)
        return fact_of_values(few);
    struct fact string = fact_of_strings(sizes);
    if (node->kids[0]->id == OPERATION_LITERAL && json_is_string(node->kids[0]->as.literal))
        add_prefix(string.schema, node->kids[0]->as.literal);
    return string;
}

/* ---- functions of strings ---- */

/* The input and the argument, which must be strings; false if they never are. */
static bool infer_strings(struct inferring *f, const struct node *node, const struct dot *dot,
                          struct fact *ret_input)
{
    struct fact input = dot_fact(f, dot), argument = infer_node(f, node->kids[0], dot);
    bool nothing = fact_is_nothing(&input) || fact_is_nothing(&argument);
    bool goes_on = !nothing && expect(f, node, &input, BITS_STRING, "a string in front of it");
    if (!nothing)
        goes_on = expect(f, node, &argument, BITS_STRING, "a string in its ( )") && goes_on;
    fact_done(&argument);
    *ret_input = input;
    return goes_on;
}

struct fact infer_startswith(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input;
    bool goes_on = infer_strings(f, node, dot, &input);
    fact_done(&input);
    return goes_on ? fact_of_boolean(-1) : fact_nothing();
}

struct fact infer_endswith(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_startswith(f, node, dot);
}

struct fact infer_split(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input;
    bool goes_on = infer_strings(f, node, dot, &input);
    struct shape shape = fact_shape(&input);
    struct shape_sizes sizes = shape_string_sizes(f->shapes, &shape);
    fact_done(&input);
    return goes_on ? fact_of_array(shape_of_types(BITS_STRING).schema, sizes.least > 0, SIZE_MAX)
                   : fact_nothing();
}

static unsigned kind_bits(unsigned types)
{
    types |= types & BITS_BOOLEAN ? BITS_BOOLEAN : 0;
    return types & BITS_NUMBER ? types | BITS_NUMBER : types;
}

static size_t kind_count(unsigned kinds)
{
    static const unsigned all[] = {BITS_NULL,   BITS_BOOLEAN, BITS_NUMBER,
                                   BITS_STRING, BITS_ARRAY,   BITS_OBJECT};
    size_t count = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        count += (kinds & all[i]) != 0;
    return count;
}

struct fact infer_contains(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = dot_fact(f, dot), argument = infer_node(f, node->kids[0], dot);
    unsigned whole = kind_bits(fact_types(f, &input)), part = kind_bits(fact_types(f, &argument));
    bool nothing = (whole & part) == 0;
    if (whole != 0 && part != 0 && (whole != part || kind_count(whole) > 1)) {
        AUTO(freep) char *words = types_words(whole);
        AUTO(freep) char *asked = types_words(part);
        note(f, nothing ? INFERENCE_FAILS : INFERENCE_MAY_FAIL,
             whole == BITS_ALL || part == BITS_ALL ? "unknown-type" : "operand-type", node,
             xasprintf("`contains` asks %s for %s; both must be of one type", words, asked), NULL);
    }
    fact_done(&input);
    fact_done(&argument);
    return nothing ? fact_nothing() : fact_of_boolean(-1);
}

struct fact infer_join(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact separator = infer_node(f, node->kids[0], dot), input = dot_fact(f, dot);
    bool goes_on = !fact_is_nothing(&input) && !fact_is_nothing(&separator);
    goes_on =
        goes_on && expect(f, node, &separator, BITS_STRING | BITS_NULL, "a string in its ( )");
    settle(f, &separator);
    goes_on = goes_on && expect(f, node, &input, BITS_ARRAY | BITS_OBJECT,
                                "an array or an object in front of it");
    if (goes_on) {
        struct item_facts items = items_of_fact(f, &input);
        f->maybe += items.least == 0;
        if (!fact_is_nothing(&items.any))
            goes_on = expect(f, node, &items.any, BITS_ALL & ~(unsigned)(BITS_ARRAY | BITS_OBJECT),
                             "items that are strings, numbers, booleans or null") ||
                      items.least == 0;
        f->maybe -= items.least == 0;
        fact_done(&items.any);
    }
    fact_done(&input);
    fact_done(&separator);
    return goes_on ? fact_of_types(BITS_STRING) : fact_nothing();
}

/* ---- tostring and tonumber ---- */

struct fact infer_tostring(struct inferring *f, const struct node *node, const struct dot *dot)
{
    (void)node;
    struct fact input = dot_fact(f, dot), result = fact_nothing();
    settle(f, &input);
    json_auto_t *few = written_values(f, &input);
    struct fact strings = fact_among(f, &input, BITS_STRING);
    struct fact others = fact_among(f, &input, BITS_ALL & ~(unsigned)BITS_STRING);
    if (few) {
        result = fact_of_values(few);
    } else {
        result = fact_union(f, result, fact_copy(&strings));
        if (!fact_is_nothing(&others))
            result = fact_union(f, result, fact_of_strings(written_sizes(f, &others)));
    }
    fact_done(&strings);
    fact_done(&others);
    fact_done(&input);
    result.lack = NULL;
    return result;
}

static bool all_numerals(struct inferring *f, const struct fact *strings)
{
    struct shape shape = fact_shape(strings);
    json_auto_t *values = shape_values(f->shapes, &shape, INFERENCE_VALUES);
    bool all = values != NULL;
    for (size_t i = 0; all && i < json_array_size(values); i++) {
        json_auto_t *number = NULL;
        all = numeral_parse(string_slice(json_array_get(values, i)), &number);
    }
    return all;
}

struct fact infer_tonumber(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = dot_fact(f, dot), result = fact_nothing();
    if (!fact_is_nothing(&input))
        expect(f, node, &input, BITS_STRING | BITS_NUMBER, "a string or a number in front of it");
    struct fact strings = fact_among(f, &input, BITS_STRING);
    result = fact_among(f, &input, BITS_NUMBER);
    if (!fact_is_nothing(&strings)) {
        result = fact_union(f, result, fact_of_types(BITS_NUMBER));
        if (!all_numerals(f, &strings))
            note(f, INFERENCE_MAY_FAIL, "not-a-number", node,
                 xstrdup("`tonumber` may meet a string that is no number"), NULL);
    }
    fact_done(&strings);
    fact_done(&input);
    return result;
}

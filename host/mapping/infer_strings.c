/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings: what is put together of pieces, taken apart, or made of other values. Where all pieces
 * can be only a few values, the strings that they make are listed; else their lengths are known,
 * and what a string begins with.
 */
#include "contract/contain.h"
#include "mapping/evaluate_internal.h"
#include "mapping/infer_internal.h"
#include "mapping/numeral_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN_MOST = 600, NUMERAL_WORK = 100000 };

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
 * as a double, which are written alike up to here. */
static bool add_written(const json_t *value, json_t *written)
{
    static const json_int_t alike = 1000000000000000;
    char number[NUMERAL_SIZE];
    json_int_t integer = json_integer_value(value);
    if (json_is_string(value)) {
        json_array_append(written, (json_t *)value);
    } else if (json_is_integer(value) && integer > -alike && integer < alike) {
        json_array_append_new(written, json_string(numeral_text(value, number)));
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

/* ---- what a text that is put together looks like ---- */

static bool text_ends(const struct text *text, const char *with)
{
    size_t length = strlen(with);
    return text->len >= length && memcmp(text->ptr + text->len - length, with, length) == 0;
}

static const char any_text[] = "[\\s\\S]*";

/* How the numbers of a fact are written. */
static void add_number_look(struct inferring *f, struct text *out, const struct fact *fact)
{
    static const double plain = 1e15; /* from here on a double may be written with an exponent */
    struct fact part = fact_among(f, fact, BITS_NUMBER);
    struct shape shape = fact_shape(&part);
    struct shape_numbers n = shape_numbers(f->shapes, &shape);
    fact_done(&part);
    if (!n.integral || !(n.least > -plain) || !(n.most < plain)) {
        text_adds(out, "-?[0-9]+(?:\\.[0-9]+)?(?:e[-+]?[0-9]+)?");
        return;
    }
    int least = snprintf(NULL, 0, "%.0f", fabs(n.least));
    int most = snprintf(NULL, 0, "%.0f", fmax(fabs(n.least), fabs(n.most)));
    if (n.least > 0)
        text_addf(out, "[1-9][0-9]{%d,%d}", least - 1, most - 1);
    else
        text_addf(out, "0|%s[1-9][0-9]{0,%d}", n.least < 0 ? "-?" : "", most - 1);
}

/* How a fact looks when it is written, as a group of a regex, or any_text. */
static void add_look(struct inferring *f, struct text *out, const struct fact *fact)
{
    static const struct {
        unsigned types;
        const char *word;
    } words[] = {{BIT(JSON_NULL), "null"}, {BIT(JSON_TRUE), "true"}, {BIT(JSON_FALSE), "false"}};
    unsigned types = fact_types(f, fact);
    struct fact strings = fact_among(f, fact, BITS_STRING);
    struct shape shape = fact_shape(&strings);
    const json_t *constant = fact_constant(fact);
    bool several = false;
    AUTO(freep) char *body = types & BITS_STRING ? shape_string_body(f->shapes, &shape) : NULL;
    fact_done(&strings);
    if (json_is_string(constant) && shape_add_literal(out, string_slice(constant)))
        return;
    if ((types & (BITS_ARRAY | BITS_OBJECT)) || ((types & BITS_STRING) && !body)) {
        if (!text_ends(out, any_text))
            text_adds(out, any_text);
        return;
    }
    text_adds(out, "(?:");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (types & words[i].types) {
            text_addf(out, "%s%s", several ? "|" : "", words[i].word);
            several = true;
        }
    if (types & BITS_NUMBER) {
        text_adds(out, several ? "|" : "");
        add_number_look(f, out, fact);
        several = true;
    }
    if (body)
        text_addf(out, "%s%s", several ? "|" : "", body);
    text_addc(out, ')');
}

/* Strings of these sizes and of that look, as far as it says anything. */
static struct fact fact_of_looks(struct shape_sizes sizes, const struct text *look)
{
    struct fact string = fact_of_strings(sizes);
    struct slice body = {look->ptr, look->len};
    const size_t any = sizeof(any_text) - 1;
    bool head = body.len >= any && strncmp(body.ptr, any_text, any) == 0;
    if (head)
        body = (struct slice){body.ptr + any, body.len - any};
    bool tail = text_ends(look, any_text) && body.len >= any;
    body.len -= tail ? any : 0;
    if (body.len == 0 || look->overflowed || sizes.most == 0)
        return string;
    AUTO(freep)
    char *pattern =
        xasprintf("%s%.*s%s", head ? "" : "^", (int)body.len, body.ptr, tail ? "" : "$");
    json_object_set_new(string.schema, "pattern", json_string(pattern));
    return string;
}

/* A text while it is put together of pieces. */
struct pieces {
    struct shape_sizes sizes;
    json_t *few; /* all that it can be by now; NULL if that is not few */
    struct text look;
    bool nothing;
};

static void pieces_begin(struct pieces *p)
{
    *p = (struct pieces){.few = json_pack("[s]", "")};
    text_init(&p->look, PATTERN_MOST);
}

static void pieces_add(struct inferring *f, struct pieces *p, const struct fact *piece)
{
    struct shape_sizes written = written_sizes(f, piece);
    p->nothing |= fact_is_nothing(piece);
    p->sizes.least = added(p->sizes.least, written.least);
    p->sizes.most = added(p->sizes.most, written.most);
    json_auto_t *values = p->few ? written_values(f, piece) : NULL;
    json_t *longer = values ? joined(p->few, values) : NULL;
    json_decref(p->few);
    p->few = longer;
    add_look(f, &p->look, piece);
}

static struct fact pieces_end(struct pieces *p)
{
    struct fact fact = p->nothing ? fact_nothing()
                       : p->few   ? fact_of_values(p->few)
                                  : fact_of_looks(p->sizes, &p->look);
    json_decref(p->few);
    text_done(&p->look);
    return fact;
}

struct fact infer_string(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct pieces pieces;
    pieces_begin(&pieces);
    for (size_t i = 0; i < node->kid_count; i++) {
        struct fact piece = infer_node(f, node->kids[i], dot);
        settle(f, &piece);
        pieces_add(f, &pieces, &piece);
        fact_done(&piece);
    }
    return pieces_end(&pieces);
}

struct fact fact_of_concatenation(struct inferring *f, const struct fact *a, const struct fact *b)
{
    struct pieces pieces;
    pieces_begin(&pieces);
    pieces_add(f, &pieces, a);
    pieces_add(f, &pieces, b);
    return pieces_end(&pieces);
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

static size_t multiplied(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

/* How long the items are with what stands between them; null is written as nothing. */
static struct shape_sizes joined_sizes(struct inferring *f, const struct item_facts *items,
                                       const struct fact *separator)
{
    struct shape_sizes one = {0, 0}, between = {0, 0};
    const struct fact *facts[] = {&items->any, separator};
    struct shape_sizes *sizes[] = {&one, &between};
    for (size_t i = 0; i < 2; i++) {
        struct fact written = fact_among(f, facts[i], BITS_ALL & ~(unsigned)BITS_NULL);
        if (!fact_is_nothing(&written))
            *sizes[i] = written_sizes(f, &written);
        if (fact_types(f, facts[i]) & BITS_NULL)
            sizes[i]->least = 0;
        fact_done(&written);
    }
    size_t gaps_least = items->least > 0 ? items->least - 1 : 0;
    size_t gaps_most = items->most == 0 || items->most == SIZE_MAX ? items->most : items->most - 1;
    if (items->most == SIZE_MAX && between.most == 0)
        gaps_most = 0;
    return (struct shape_sizes){
        added(multiplied(items->least, one.least), multiplied(gaps_least, between.least)),
        added(multiplied(items->most, one.most), multiplied(gaps_most, between.most))};
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
    struct fact result = fact_nothing();
    if (goes_on) {
        struct item_facts items = items_of_fact(f, &input);
        f->maybe += items.least == 0;
        if (!fact_is_nothing(&items.any))
            goes_on = expect(f, node, &items.any, BITS_ALL & ~(unsigned)(BITS_ARRAY | BITS_OBJECT),
                             "items that are strings, numbers, booleans or null") ||
                      items.least == 0;
        f->maybe -= items.least == 0;
        if (goes_on)
            result = fact_of_strings(joined_sizes(f, &items, &separator));
        fact_done(&items.any);
    }
    fact_done(&input);
    fact_done(&separator);
    return result;
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
        if (!fact_is_nothing(&others)) {
            struct pieces pieces;
            pieces_begin(&pieces);
            pieces_add(f, &pieces, &others);
            result = fact_union(f, result, pieces_end(&pieces));
        }
    }
    fact_done(&strings);
    fact_done(&others);
    fact_done(&input);
    result.lack = NULL;
    return result;
}

/* Whether the strings look like numbers, all of them, by their contract. */
static bool look_like_numerals(struct inferring *f, const struct shape *strings)
{
    static const struct contain_options little = {
        .pairs = 100, .candidates = 1, .steps = NUMERAL_WORK};
    AUTO(contract_unrefp) struct contract *left = NULL, *right = NULL;
    struct comparison comparison;
    struct error error;
    json_auto_t *numerals =
        json_pack("{s:s, s:s}", "type", "string", "pattern", "^[-+]?[0-9]+(\\.[0-9]+)?$");
    if (contract_compile(numerals, NULL, &right, &error) ||
        shape_contract(f->shapes, strings, &left, &error) ||
        contract_compare(left, right, &little, &comparison, &error))
        return false;
    bool all = comparison.verdict == PROVEN;
    comparison_done(&comparison);
    return all;
}

/* How many of the strings are numbers: 1 all, 0 none, -1 some, or that is not known. */
static int numerals_among(struct inferring *f, const struct fact *strings)
{
    struct shape shape = fact_shape(strings);
    json_auto_t *values = shape_values(f->shapes, &shape, INFERENCE_VALUES);
    size_t count = json_array_size(values), numerals = 0;
    for (size_t i = 0; i < count; i++) {
        json_auto_t *number = NULL;
        numerals += numeral_parse(string_slice(json_array_get(values, i)), &number);
    }
    if (!values)
        return look_like_numerals(f, &shape) ? 1 : -1;
    return numerals == count ? 1 : numerals == 0 ? 0 : -1;
}

struct fact infer_tonumber(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = dot_fact(f, dot), result = fact_nothing();
    if (!fact_is_nothing(&input))
        expect(f, node, &input, BITS_STRING | BITS_NUMBER, "a string or a number in front of it");
    struct fact strings = fact_among(f, &input, BITS_STRING);
    result = fact_among(f, &input, BITS_NUMBER);
    int numerals = fact_is_nothing(&strings) ? 1 : numerals_among(f, &strings);
    bool fails = numerals == 0 && fact_is_nothing(&result);
    if (!fact_is_nothing(&strings) && numerals != 0)
        result = fact_union(f, result, fact_of_types(BITS_NUMBER));
    if (numerals != 1)
        note(f, fails ? INFERENCE_FAILS : INFERENCE_MAY_FAIL, "not-a-number", node,
             xstrdup(fails ? "`tonumber` meets only strings that are no numbers"
                           : "`tonumber` may meet a string that is no number"),
             NULL);
    fact_done(&strings);
    fact_done(&input);
    return result;
}

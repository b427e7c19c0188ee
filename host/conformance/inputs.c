/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing values from a schema. The walk follows what schemas mostly say (types, bounds, members,
 * branches, references) and half of the time takes an edge: the least and greatest length or
 * number, nothing that is optional, everything that is, text of every script. What it cannot follow
 * it guesses; the contract then judges every value, so that a wrong guess costs a try and nothing
 * is handed to a plugin that its contract does not allow. Strings of a pattern are found by the
 * prover of containment, which finds a witness for "nothing satisfies this".
 */
#include "conformance/inputs_internal.h"

#include "base/limits.h"
#include "conformance/kit_internal.h"
#include "contract/contain.h"
#include "document/document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 24, STRING_MAX = 65536, ITEMS_MAX = 100, SAMPLES = 6, TRIES_A_VALUE = 8 };

struct draw {
    uint64_t state;
    const json_t *root;
    json_t *samples; /* pattern, format and lengths → such strings */
    int edge;        /* 0: least, 1: most, else as it comes */
};

static unsigned below(struct draw *d, unsigned limit)
{
    d->state += 0x9e3779b97f4a7c15u;
    uint64_t z = d->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned)((z ^ (z >> 31)) % limit);
}

static json_t *value_of(struct draw *d, const json_t *schema, int depth);

/* ---- a witness ---- */

json_t *conformance_example(const struct contract *contract)
{
    return inputs_least(contract);
}

json_t *inputs_least(const struct contract *contract)
{
    AUTO(json_decrefp) json_t *never = json_false();
    AUTO(contract_unrefp) struct contract *nothing = NULL;
    struct comparison comparison;
    if (contract_compile(never, NULL, &nothing, NULL) != ERR_OK ||
        contract_compare(contract, nothing, NULL, &comparison, NULL) != ERR_OK)
        return NULL;
    json_t *witness = json_incref(comparison.witness);
    comparison_done(&comparison);
    return witness;
}

/* A string of at least so many characters for a schema of strings. */
static json_t *string_witness(const json_t *schema, json_int_t least)
{
    static const char *const kept[] = {"pattern", "maxLength", "format"};
    AUTO(json_decrefp)
    json_t *narrow = json_pack("{s:s, s:I}", "type", "string", "minLength", least);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (json_object_get(schema, kept[i]))
            json_object_set(narrow, kept[i], json_object_get(schema, kept[i]));
    AUTO(contract_unrefp) struct contract *contract = NULL;
    if (contract_compile(narrow, NULL, &contract, NULL) != ERR_OK)
        return NULL;
    return inputs_least(contract);
}

static json_t *samples_of(struct draw *d, const json_t *schema)
{
    static const json_int_t more[SAMPLES] = {0, 1, 3, 10, 40, 150};
    AUTO(text_done) struct text place;
    text_init(&place, LIMIT_PATTERN * 8u);
    static const char *const kept[] = {"pattern", "format", "minLength", "maxLength"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        text_addc(&place, '|');
        if (json_object_get(schema, kept[i]))
            json_write(json_object_get(schema, kept[i]), &place);
    }
    json_t *list = json_object_get(d->samples, text_str(&place));
    if (list)
        return list;
    list = json_array();
    json_int_t least = json_integer_value(json_object_get(schema, "minLength"));
    for (size_t i = 0; i < SAMPLES; i++) {
        json_t *one = string_witness(schema, least + more[i]);
        if (one)
            json_array_append_new(list, one);
    }
    json_object_set_new(d->samples, text_str(&place), list);
    return list;
}

/* ---- strings ---- */

static const struct {
    const char *format, *texts[4];
} formats[] = {
    {"date", {"2024-02-29", "1970-01-01", "9999-12-31", "2000-06-15"}},
    {"date-time",
     {"2024-02-29T23:59:59Z", "1970-01-01T00:00:00+14:00", "2016-12-31T23:59:60Z",
      "2000-06-15T12:00:00.123456-07:00"}},
    {"time", {"23:59:59Z", "00:00:00+00:00", "12:30:00.5Z", "08:00:00-11:00"}},
    {"duration", {"P1D", "PT0S", "P3Y6M4DT12H30M5S", "P1W"}},
    {"email", {"a@b.co", "first.last+tag@example.org", "x@sub.example.com", "\"q q\"@example.org"}},
    {"uri", {"http://world.invalid", "https://example.org/a?b=c#d", "urn:x:y", "mailto:a@b.co"}},
    {"uuid",
     {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "123e4567-e89b-12d3-a456-426614174000", "2eb8aa08-aa98-11ea-b4aa-73b441d16380"}},
    {"ipv4", {"0.0.0.0", "255.255.255.255", "127.0.0.1", "192.0.2.1"}},
    {"ipv6", {"::", "::1", "2001:db8::8:800:200c:417a", "::ffff:192.0.2.1"}},
    {"hostname", {"a", "example.org", "xn--bcher-kva.example", "a-b.c"}},
};

/* Each is one character or more of a kind that programs get wrong. */
static const char *const scripts[] = {
    "a",       "Z",      "0",      " ",      "\"",         "\\",  "/",    "\n",  "\t",
    "\x01",    "'",      "%s",     "é",      "ß",          "İ",   "中",   "ع",   "😀",
    "e\u0301", "\u200d", "\u202e", "\ufeff", "\U0010ffff", "<b>", "${x}", "../", "null"};

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static size_t length_of(struct draw *d, const json_t *schema, const char *least_key,
                        const char *most_key, size_t usual, size_t cap)
{
    size_t least = (size_t)json_integer_value(json_object_get(schema, least_key));
    const json_t *bound = json_object_get(schema, most_key);
    size_t most = bound ? (size_t)json_number_value(bound) : cap;
    if (most > cap)
        most = cap;
    if (least > most)
        return least < cap ? least : cap;
    if (d->edge == 0 || (d->edge > 1 && below(d, 5) == 0))
        return least;
    if (d->edge == 1 || below(d, 12) == 0)
        return bound || below(d, 4) == 0 ? most : (least + usual < most ? least + usual : most);
    size_t span = most - least < usual ? most - least : usual;
    return least + below(d, (unsigned)span + 1);
}

static json_t *free_string(struct draw *d, size_t length)
{
    AUTO(text_done) struct text text;
    text_init(&text, STRING_MAX * 4u);
    bool plain = d->edge <= 1 || below(d, 3) == 0;
    size_t count = 0;
    while (count < length) {
        const char any[] = {(char)(' ' + below(d, '~' - ' ' + 1)), '\0'};
        const char *one = plain ? (const char *[]){"a", "b", "x", " "}[below(d, 4)]
                          : below(d, 3) == 0
                              ? any
                              : scripts[below(d, (unsigned)(sizeof(scripts) / sizeof(scripts[0])))];
        size_t more = characters(one);
        if (count + more > length)
            one = "q", more = 1;
        text_adds(&text, one);
        count += more;
    }
    return json_stringn(text_str(&text), text.len);
}

static json_t *string_of(struct draw *d, const json_t *schema)
{
    const char *format = json_string_value(json_object_get(schema, "format"));
    for (size_t i = 0; format && i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(format, formats[i].format) == 0)
            return json_string(formats[i].texts[below(d, 4)]);
    if (json_object_get(schema, "pattern") || format) {
        json_t *list = samples_of(d, schema);
        if (json_array_size(list) > 0)
            return json_incref(json_array_get(list, below(d, (unsigned)json_array_size(list))));
    }
    if (!json_object_get(schema, "maxLength") && d->edge > 1 && below(d, 200) == 0)
        return free_string(d, STRING_MAX);
    return free_string(d, length_of(d, schema, "minLength", "maxLength", 20, STRING_MAX));
}

/* ---- numbers ---- */

static double bound_of(const json_t *schema, const char *key, const char *open, double none,
                       double step)
{
    const json_t *bound = json_object_get(schema, key), *beyond = json_object_get(schema, open);
    if (bound)
        return json_number_value(bound);
    return beyond ? json_number_value(beyond) + step : none;
}

static json_t *number_of(struct draw *d, const json_t *schema, bool integral)
{
    static const double edges[] = {0,
                                   1,
                                   -1,
                                   2,
                                   9007199254740991.0,
                                   -9007199254740991.0,
                                   2147483648.0,
                                   -2147483649.0,
                                   4294967296.0,
                                   255,
                                   256,
                                   1e6};
    double step = integral ? 1 : 1e-6;
    double least = bound_of(schema, "minimum", "exclusiveMinimum", -1e15, step);
    double most = bound_of(schema, "maximum", "exclusiveMaximum", 1e15, -step), value;
    if (d->edge == 0 || below(d, 4) == 0)
        value = least > -1e15 ? least : 0;
    else if (d->edge == 1 || below(d, 4) == 0)
        value = most < 1e15 ? most : 1;
    else if (below(d, 2) == 0)
        value = edges[below(d, sizeof(edges) / sizeof(edges[0]))];
    else
        value = least + (most - least) * ((double)below(d, 1000001) / 1e6);
    double unit = json_number_value(json_object_get(schema, "multipleOf"));
    if (unit > 0)
        value = ceil(value / unit) * unit;
    if (!integral && d->edge > 1 && below(d, 10) == 0)
        value = (const double[]){5e-324, 1.7976931348623157e308, 0.1, -0.0, 1e21}[below(d, 5)];
    if (integral || (value == floor(value) && fabs(value) < 1e15 && below(d, 2) == 0))
        return json_integer((json_int_t)floor(value + 0.5));
    return json_real(value);
}

/* ---- arrays and objects ---- */

static json_t *array_of(struct draw *d, const json_t *schema, int depth)
{
    json_t *array = json_array();
    const json_t *prefix = json_object_get(schema, "prefixItems");
    const json_t *items = json_object_get(schema, "items");
    size_t count = length_of(d, schema, "minItems", "maxItems", 4, depth > 3 ? 3 : ITEMS_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *of = i < json_array_size(prefix) ? json_array_get(prefix, i) : items;
        json_array_append_new(array, value_of(d, of, depth + 1));
    }
    return array;
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach (json_object_get(schema, "required"), i, one)
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    return false;
}

static json_t *object_of(struct draw *d, const json_t *schema, int depth)
{
    json_t *object = json_object(), *of, *one;
    const json_t *rest = json_object_get(schema, "additionalProperties");
    const char *name;
    size_t i;
    json_object_foreach (json_object_get(schema, "properties"), name, of) {
        bool takes = d->edge == 1 || (d->edge > 1 && below(d, 2) == 0);
        if (is_required(schema, name) || (takes && depth < DEPTH_MAX / 2))
            json_object_set_new(object, name, value_of(d, of, depth + 1));
    }
    json_array_foreach (json_object_get(schema, "required"), i, one)
        if (json_is_string(one) && !json_object_get(object, json_string_value(one)))
            json_object_set_new(object, json_string_value(one), value_of(d, rest, depth + 1));
    if (!json_is_false(rest) && d->edge > 1 && below(d, 4) == 0) {
        AUTO(json_decrefp) json_t *key = free_string(d, 1 + below(d, 8));
        if (!json_object_get(object, json_string_value(key)))
            json_object_setn_new(object, json_string_value(key), json_string_length(key),
                                 value_of(d, rest, depth + 1));
    }
    return object;
}

/* ---- schemas ---- */

/* A local reference's target; NULL: it leads elsewhere. */
static const json_t *target_of(const struct draw *d, const char *ref)
{
    if (ref[0] != '#' || (ref[1] && ref[1] != '/'))
        return NULL;
    const json_t *at = d->root;
    AUTO(freep) char *path = xstrdup(ref + 1);
    char *rest = path, *name;
    name = strsep(&rest, "/");
    while (at && (name = strsep(&rest, "/")) != NULL)
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
    return at;
}

/* What must hold beside a schema's own keywords, taken into a copy of it. */
static void merge(json_t *into, const json_t *from)
{
    const char *key;
    json_t *value, *there, *one;
    size_t i;
    json_object_foreach ((json_t *)from, key, value) {
        there = json_object_get(into, key);
        if (there && strcmp(key, "properties") == 0) {
            AUTO(json_decrefp) json_t *both = json_copy(there);
            json_object_update(both, value);
            json_object_set(into, key, both);
        } else if (there && strcmp(key, "required") == 0) {
            AUTO(json_decrefp) json_t *both = json_copy(there);
            json_array_foreach (value, i, one)
                json_array_append(both, one);
            json_object_set(into, key, both);
        } else {
            json_object_set(into, key, value);
        }
    }
}

static json_t *flattened(struct draw *d, const json_t *schema, int depth)
{
    json_t *flat = json_copy((json_t *)schema), *one;
    size_t i;
    for (int round = 0; round < 8; round++) {
        AUTO(json_decrefp) json_t *list = json_array();
        const char *ref = json_string_value(json_object_get(flat, "$ref"));
        const json_t *target = ref ? target_of(d, ref) : NULL;
        if (json_is_object(target))
            json_array_append(list, (json_t *)target);
        json_array_foreach (json_object_get(flat, "allOf"), i, one)
            json_array_append(list, one);
        static const char *const branches[] = {"anyOf", "oneOf"};
        for (size_t k = 0; k < 2; k++) {
            json_t *of = json_object_get(flat, branches[k]);
            size_t count = json_array_size(of);
            if (count > 0)
                json_array_append(list, json_array_get(of, d->edge == 0 || depth > DEPTH_MAX / 2
                                                               ? 0
                                                               : below(d, (unsigned)count)));
        }
        static const char *const spent[] = {"$ref", "allOf", "anyOf", "oneOf"};
        for (size_t k = 0; k < 4; k++)
            json_object_del(flat, spent[k]);
        json_array_foreach (list, i, one)
            merge(flat, one);
        if (json_array_size(list) == 0)
            break;
    }
    return flat;
}

static const char *type_of(struct draw *d, const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    if (json_is_string(type))
        return json_string_value(type);
    if (json_array_size(type) > 0)
        return json_string_value(
            json_array_get(type, d->edge == 0 ? 0 : below(d, (unsigned)json_array_size(type))));
    if (json_object_get(schema, "properties") || json_object_get(schema, "required"))
        return "object";
    if (json_object_get(schema, "items") || json_object_get(schema, "prefixItems"))
        return "array";
    if (json_object_get(schema, "minLength") || json_object_get(schema, "pattern") ||
        json_object_get(schema, "maxLength"))
        return "string";
    if (json_object_get(schema, "minimum") || json_object_get(schema, "maximum"))
        return "number";
    static const char *const all[] = {"integer", "string", "boolean", "null",
                                      "number",  "array",  "object"};
    return all[below(d, 7)];
}

static json_t *value_of(struct draw *d, const json_t *schema, int depth)
{
    AUTO(json_decrefp)
    json_t *flat = json_is_object(schema) ? flattened(d, schema, depth) : json_object();
    const json_t *values = json_object_get(flat, "enum");
    const json_t *told = json_object_get(flat, "examples");
    if (json_object_get(flat, "const"))
        return json_incref(json_object_get(flat, "const"));
    if (json_array_size(values) == 0 && below(d, 6) == 0)
        values = told;
    if (json_array_size(values) > 0)
        return json_incref(json_array_get(values, below(d, (unsigned)json_array_size(values))));
    const char *type =
        depth >= DEPTH_MAX && !json_object_get(flat, "type") ? "null" : type_of(d, flat);
    if (strcmp(type, "string") == 0)
        return string_of(d, flat);
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        return number_of(d, flat, *type == 'i');
    if (strcmp(type, "boolean") == 0)
        return json_boolean(below(d, 2));
    if (strcmp(type, "array") == 0)
        return depth >= DEPTH_MAX ? json_array() : array_of(d, flat, depth);
    if (strcmp(type, "object") == 0)
        return object_of(d, flat, depth);
    return json_null();
}

json_t *inputs_draw(const struct contract *contract, uint64_t seed, size_t most, int64_t due_ms)
{
    struct draw d = {.state = seed, .root = contract_schema(contract), .samples = json_object()};
    json_t *list = json_array();
    for (size_t tries = 0; json_array_size(list) < most && tries < most * TRIES_A_VALUE; tries++) {
        d.edge = tries < 2 ? (int)tries : 2;
        json_t *value = value_of(&d, d.root, 0);
        if (value && contract_accepts(contract, value))
            json_array_append(list, value);
        json_decref(value);
        if (tries % 64 == 63 && kit_now_ms() > due_ms)
            break;
    }
    json_t *least = json_array_size(list) < most ? inputs_least(contract) : NULL;
    if (least && contract_accepts(contract, least))
        json_array_append(list, least);
    json_decref(least);
    json_decref(d.samples);
    return list;
}

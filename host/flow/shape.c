/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape of a flow file: its keys and their types, as schemas/flow.schema.json says, which the
 * program carries with it. The contract room could judge the same schema, but a person who wrote a
 * flow wants every slip named at once, with the nearest key and what to write. So this walks the
 * schema itself, and knows only what that one file uses: `anyOf` chooses by type, `title` is what
 * was expected; patterns and the choice of a step's kind belong to the parts that read those
 * values.
 */
#include "flow/flow_internal.h"

#include "base/units.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char flow_schema_json[];
extern const size_t flow_schema_json_size;

struct form {
    struct compilation *c;
    json_t *schema;
};

static void check_value(const struct form *s, const json_t *rule, const json_t *value,
                        const char *pointer);

bool flow_name_valid(struct slice name)
{
    if (name.len == 0 || name.len > LIMIT_NAME || (name.ptr[0] >= '0' && name.ptr[0] <= '9') ||
        name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

/* The rule that a $ref names; a rule without one is itself. */
static const json_t *resolve(const struct form *s, const json_t *rule)
{
    const char *ref = json_string_value(json_object_get(rule, "$ref"));
    if (!ref)
        return rule;
    ASSERT(strncmp(ref, "#/$defs/", 8) == 0);
    const json_t *named = json_object_get(json_object_get(s->schema, "$defs"), ref + 8);
    ASSERT(named);
    return named;
}

/* ---- Types ---- */

static bool type_is(const char *type, const json_t *value)
{
    int64_t integer;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return strcmp(type, "object") == 0;
    case JSON_ARRAY:
        return strcmp(type, "array") == 0;
    case JSON_STRING:
        return strcmp(type, "string") == 0;
    case JSON_INTEGER:
    case JSON_REAL:
        return strcmp(type, "number") == 0 ||
               (strcmp(type, "integer") == 0 && integer_from(value, &integer));
    case JSON_TRUE:
    case JSON_FALSE:
        return strcmp(type, "boolean") == 0;
    case JSON_NULL:
        return strcmp(type, "null") == 0;
    }
    return false;
}

static bool types_hold(const json_t *types, const json_t *value)
{
    size_t i;
    json_t *type;
    if (!types)
        return true;
    if (json_is_string(types))
        return type_is(json_string_value(types), value);
    json_array_foreach (types, i, type)
        if (type_is(json_string_value(type), value))
            return true;
    return false;
}

/* "an array or a string": what a rule without a title expects. */
static void add_types(const struct form *s, const json_t *rule, struct text *out)
{
    const json_t *types = json_object_get(rule, "type"), *branches = json_object_get(rule, "anyOf");
    size_t i;
    json_t *one;
    json_array_foreach (branches, i, one) {
        text_adds(out, out->len ? " or " : "");
        add_types(s, resolve(s, one), out);
    }
    const char *word = json_string_value(json_is_array(types) ? json_array_get(types, 0) : types);
    if (word)
        text_addf(out, "%s %s", strchr("aeio", word[0]) ? "an" : "a", word);
}

static char *expected(const struct form *s, const json_t *rule)
{
    const char *title = json_string_value(json_object_get(rule, "title"));
    AUTO(text_done) struct text out;
    text_init(&out, 1000);
    if (title)
        return xstrdup(title);
    add_types(s, rule, &out);
    return text_take(&out);
}

/* True if the value would do if it were in quotes: a version 1.0. */
static bool wants_quotes(const json_t *rule, const json_t *value)
{
    const char *type = json_string_value(json_object_get(rule, "type"));
    return json_is_number(value) && type && strcmp(type, "string") == 0 &&
           !json_object_get(rule, "pattern");
}

static void wrong_type(const struct form *s, const json_t *rule, const json_t *value,
                       const char *pointer)
{
    AUTO(freep) char *wanted = expected(s, rule), *found = value_words(value);
    REFUSE(s->c, "wrong-type", AT(pointer), wants_quotes(rule, value) ? "put it in quotes" : NULL,
           "expected %s, found %s", wanted, found);
}

/* ---- Values ---- */

static bool among(const json_t *list, const json_t *value)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one)
        if (json_equal(one, value))
            return true;
    return false;
}

static void wrong_word(const struct form *s, const json_t *words, const json_t *value,
                       const char *pointer)
{
    enum { MAXIMUM = 16 };
    const char *names[MAXIMUM];
    size_t count = 0, i;
    json_t *one;
    AUTO(text_done) struct text list;
    text_init(&list, 1000);
    json_array_foreach (words, i, one)
        if (json_is_string(one) && count < MAXIMUM) {
            names[count++] = json_string_value(one);
            text_addf(&list, "%s%s", list.len ? ", " : "", json_string_value(one));
        }
    AUTO(freep) char *found = value_words(value);
    const char *near =
        json_is_string(value) ? suggest(slice_of(json_string_value(value)), names, count) : NULL;
    AUTO(freep) char *hint = near ? xasprintf("did you mean \"%s\"?", near) : NULL;
    REFUSE(s->c, json_is_string(value) ? "bad-value" : "wrong-type", AT(pointer), hint,
           "expected one of %s, found %s", text_str(&list), found);
}

static void check_number(const struct form *s, const json_t *rule, const json_t *value,
                         const char *pointer)
{
    const json_t *minimum = json_object_get(rule, "minimum");
    const json_t *maximum = json_object_get(rule, "maximum");
    AUTO(freep) char *found = value_words(value);
    if (minimum && json_number_value(value) < json_number_value(minimum))
        REFUSE(s->c, "bad-value", AT(pointer), NULL, "expected at least %g, found %s",
               json_number_value(minimum), found);
    if (maximum && json_number_value(value) > json_number_value(maximum))
        REFUSE(s->c, "bad-value", AT(pointer), NULL, "expected at most %g, found %s",
               json_number_value(maximum), found);
}

static void check_array(const struct form *s, const json_t *rule, const json_t *value,
                        const char *pointer)
{
    const json_t *items = json_object_get(rule, "items");
    const json_t *most = json_object_get(rule, "maxItems");
    size_t i;
    json_t *item;
    if (most && json_array_size(value) > (size_t)json_integer_value(most)) {
        REFUSE(s->c, "too-many-items", AT(pointer), "split the work over several steps or runs",
               "%zu items, where at most %lld are allowed", json_array_size(value),
               (long long)json_integer_value(most));
        return;
    }
    if (items)
        json_array_foreach (value, i, item) {
            AUTO(freep) char *below = pointer_to_item(pointer, i);
            check_value(s, items, item, below);
        }
}

/* ---- Objects ---- */

/* The rule for a member, NULL if the object cannot have it. Of the patterns only those that are a
 * fixed beginning, as "^x-", are in use. */
static const json_t *member_rule(const json_t *rule, const char *key)
{
    const json_t *named = json_object_get(json_object_get(rule, "properties"), key);
    const char *pattern;
    json_t *patterned;
    if (named)
        return named;
    json_object_foreach (json_object_get(rule, "patternProperties"), pattern, patterned)
        if (strncmp(key, pattern + 1, strlen(pattern + 1)) == 0)
            return patterned;
    const json_t *others = json_object_get(rule, "additionalProperties");
    ASSERT(others);
    return json_is_false(others) ? NULL : others;
}

static void unknown_key(const struct form *s, const json_t *rule, const char *key, size_t key_len,
                        const char *pointer)
{
    const json_t *properties = json_object_get(rule, "properties");
    const char **names = xcalloc(json_object_size(properties), sizeof(*names));
    size_t count = 0;
    const char *name;
    json_t *ignored;
    json_object_foreach ((json_t *)properties, name, ignored)
        if (name[0] != '$')
            names[count++] = name;
    AUTO(freep) char *below = pointer_to_member(pointer, key);
    AUTO(freep) char *hint = suggestion_text((struct slice){key, key_len}, names, count);
    REFUSE(s->c, "unknown-key", AT_KEY(below), hint, "unknown key \"%.80s\"%s%s", key,
           pointer[0] ? " in " : "", pointer);
    free(names);
}

static void check_required(const struct form *s, const json_t *rule, const json_t *value,
                           const char *pointer)
{
    size_t i;
    json_t *key;
    json_array_foreach (json_object_get(rule, "required"), i, key) {
        if (json_object_get(value, json_string_value(key)))
            continue;
        const json_t *member =
            json_object_get(json_object_get(rule, "properties"), json_string_value(key));
        AUTO(freep) char *wanted = expected(s, resolve(s, member));
        REFUSE(s->c, "missing-key", AT_KEY(pointer), NULL, "the key \"%s\" is missing: %s",
               json_string_value(key), wanted);
    }
    const json_t *least = json_object_get(rule, "minProperties");
    if (least && json_object_size(value) < (size_t)json_integer_value(least)) {
        AUTO(freep) char *wanted = expected(s, rule);
        REFUSE(s->c, "missing-key", AT(pointer), NULL, "expected %s, found an empty object",
               wanted);
    }
}

static void check_object(const struct form *s, const json_t *rule, const json_t *value,
                         const char *pointer)
{
    const char *key;
    size_t key_len;
    json_t *member;
    bool open =
        !json_object_get(rule, "properties") && !json_object_get(rule, "additionalProperties");
    check_required(s, rule, value, pointer);
    if (open)
        return;
    json_object_keylen_foreach((json_t *)value, key, key_len, member)
    {
        const json_t *below_rule = member_rule(rule, key);
        if (!below_rule) {
            unknown_key(s, rule, key, key_len, pointer);
            continue;
        }
        AUTO(freep) char *below = pointer_to_member(pointer, key);
        check_value(s, below_rule, member, below);
    }
}

/* ---- Any value ---- */

/* Of the branches, whose types exclude each other, the one for this value. */
static const json_t *choose(const struct form *s, const json_t *rule, const json_t *value)
{
    size_t i;
    json_t *branch;
    json_array_foreach (json_object_get(rule, "anyOf"), i, branch) {
        const json_t *one = resolve(s, branch);
        if (types_hold(json_object_get(one, "type"), value))
            return one;
    }
    return NULL;
}

static void check_value(const struct form *s, const json_t *rule, const json_t *value,
                        const char *pointer)
{
    rule = resolve(s, rule);
    if (json_object_get(rule, "anyOf")) {
        const json_t *branch = choose(s, rule, value);
        if (!branch) {
            wrong_type(s, rule, value, pointer);
            return;
        }
        rule = resolve(s, branch);
    }
    const json_t *words = json_object_get(rule, "enum");
    if (!types_hold(json_object_get(rule, "type"), value))
        wrong_type(s, rule, value, pointer);
    else if (words && !among(words, value))
        wrong_word(s, words, value, pointer);
    else if (json_is_number(value))
        check_number(s, rule, value, pointer);
    else if (json_is_array(value))
        check_array(s, rule, value, pointer);
    else if (json_is_object(value) && json_is_object(rule))
        check_object(s, rule, value, pointer);
}

/* Read once, for plans come in while others run; then it never changes. */
static json_t *the_schema;
static pthread_once_t schema_once = PTHREAD_ONCE_INIT;

static void read_schema(void)
{
    struct error error;
    struct slice text = {(const char *)flow_schema_json, flow_schema_json_size};
    if (json_read(text, text.len, &the_schema, &error))
        assert_failed(error.text, __FILE__, __LINE__);
}

void flow_check_shape(struct compilation *c)
{
    pthread_once(&schema_once, read_schema);
    struct form form = {c, the_schema};
    const json_t *defs = json_object_get(the_schema, "$defs");
    check_value(&form, c->plan_step ? json_object_get(defs, "plan") : the_schema, c->root, "");
    if (c->options->defaults && !c->outer && !c->plan_step) {
        c->outside = "defaults";
        check_value(&form, json_object_get(defs, "defaults"), c->options->defaults, "");
        c->outside = NULL;
    }
}

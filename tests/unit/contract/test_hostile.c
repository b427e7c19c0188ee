/* SPDX-License-Identifier: Apache-2.0
 *
 * Values and schemas made to hurt: each must be answered, and answered with no. What would take
 * quadratic or exponential time does not end before the test's own limit.
 */
#include "contract_test.h"

#include "contract/registry.h"

#include <pthread.h>

static bool says(const struct contract *contract, const json_t *value, const char *words)
{
    struct violations why;
    struct text out;
    text_init(&out, 1u << 20);
    ck_assert(!contract_accepts(contract, value));
    ck_assert(!contract_explain(contract, value, &why));
    violations_text(&why, &out);
    bool said = strstr(text_str(&out), words) != NULL;
    violations_done(&why);
    text_done(&out);
    return said;
}

START_TEST(a_catastrophic_pattern_is_given_up)
{
    static const char *const schemas[] = {
        "{'pattern': '^(([a-z])+.)+[A-Z]([a-z])+$'}",
        "{'not': {'pattern': '^(([a-z])+.)+[A-Z]([a-z])+$'}}",
        "{'anyOf': [{'pattern': '^(a|aa)+$'}, {'minLength': 1}]}"};
    char *string = xasprintf("%0*d", 5000, 0);
    memset(string, 'a', 5000);
    string[4999] = '!';
    json_t *value = json_string(string);
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        struct contract *contract = contract_of(schemas[i]);
        ck_assert(says(contract, value, "gave up matching a pattern"));
        contract_unref(contract);
    }
    json_decref(value);
    free(string);
}
END_TEST
START_TEST(a_long_string_is_matched_to_its_end)
{
    struct contract *contract = contract_of("{'pattern': '^(?:[a-z]+,)*[a-z]+$'}");
    size_t length = 4u << 20;
    char *string = xmalloc(length + 1);
    for (size_t i = 0; i < length; i++)
        string[i] = i % 100 == 99 ? ',' : 'x';
    string[length - 1] = 'x';
    string[length] = '\0';
    json_t *value = json_string(string);
    ck_assert(contract_accepts(contract, value));
    json_decref(value);
    free(string);
    contract_unref(contract);
}
END_TEST

static json_t *nested(int depth)
{
    json_t *value = json_array();
    for (int i = 1; i < depth; i++)
        value = json_pack("[o]", value);
    return value;
}

START_TEST(a_value_is_limited_in_depth)
{
    struct contract *contract = contract_of("{'type': 'array', 'items': {'$ref': '#'}}");
    struct contract *either = contract_of("{'anyOf': [{'items': {'$ref': '#'}}, {'minItems': 1}]}");
    json_t *deep = nested(1000), *shallow = nested(128);
    ck_assert(says(contract, deep, "at most 128 levels deep"));
    ck_assert(says(either, deep, "at most 128 levels deep"));
    ck_assert(contract_accepts(contract, shallow));
    json_decref(deep);
    json_decref(shallow);
    contract_unref(contract);
    contract_unref(either);
}
END_TEST
START_TEST(schemas_within_schemas_are_limited)
{
    /* 20 schemas a level of the value, none of which can be told without the next */
    json_t *defs = json_object();
    for (int i = 0; i < 20; i++) {
        char *name = xasprintf("d%d", i), *next = xasprintf("#/$defs/d%d", i + 1);
        json_object_set_new(defs, name, json_pack("{s:{s:s}}", "not", "$ref", next));
        free(name);
        free(next);
    }
    json_object_set_new(defs, "d20", json_pack("{s:{s:s}}", "items", "$ref", "#/$defs/d0"));
    json_t *schema = json_pack("{s:s,s:o}", "$ref", "#/$defs/d0", "$defs", defs);
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    json_t *deep = nested(100), *shallow = nested(10);
    ck_assert(says(contract, deep, "gave up: more than 1000 schemas"));
    ck_assert(contract_accepts(contract, shallow));
    json_decref(deep);
    json_decref(shallow);
    json_decref(schema);
    contract_unref(contract);
}
END_TEST
START_TEST(a_schema_that_doubles_its_work_is_given_up)
{
    json_t *defs = json_object();
    for (int i = 0; i < 60; i++) {
        char *name = xasprintf("d%d", i), *next = xasprintf("#/$defs/d%d", i + 1);
        json_object_set_new(defs, name,
                            json_pack("{s:[{s:{s:s}},{s:{s:s}}]}", "allOf", "not", "$ref", next,
                                      "not", "$ref", next));
        free(name);
        free(next);
    }
    json_object_set_new(defs, "d60", json_pack("{s:s}", "pattern", "x"));
    json_t *schema = json_pack("{s:s,s:o}", "$ref", "#/$defs/d0", "$defs", defs);
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    json_t *value = json_string("x");
    ck_assert(says(contract, value, "gave up: more than 20000000 questions"));
    json_decref(value);
    json_decref(schema);
    contract_unref(contract);
}
END_TEST
START_TEST(an_enum_of_fifty_thousand_finds_each)
{
    json_t *strings = json_array(), *mixed = json_array();
    for (int i = 0; i < 50000; i++) {
        char *name = xasprintf("member-%d", i);
        json_array_append_new(strings, json_string(name));
        json_array_append_new(mixed, json_pack("{s:i,s:s}", "n", i, "s", name));
        free(name);
    }
    json_t *schema =
        json_pack("{s:{s:{s:O},s:{s:O}}}", "properties", "a", "enum", strings, "b", "enum", mixed);
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    for (size_t i = 0; i < 50000; i++) {
        json_t *value =
            json_pack("{s:O,s:O}", "a", json_array_get(strings, i), "b", json_array_get(mixed, i));
        ck_assert(contract_accepts(contract, value));
        json_decref(value);
    }
    json_t *other = json_pack("{s:s}", "a", "member-50000");
    ck_assert(says(contract, other, "or one of 49988 more"));
    json_decref(other);
    json_decref(schema);
    json_decref(strings);
    json_decref(mixed);
    contract_unref(contract);
}
END_TEST
START_TEST(a_hundred_thousand_unique_items_are_compared_once_each_or_so)
{
    struct contract *contract = contract_of("{'uniqueItems': true}");
    json_t *value = json_array();
    for (int i = 0; i < 100000; i++)
        json_array_append_new(value, json_pack("{s:i,s:s}", "n", i, "same", "prefix of them all"));
    ck_assert(contract_accepts(contract, value));
    json_array_append_new(value, json_pack("{s:s,s:f}", "same", "prefix of them all", "n", 500.0));
    ck_assert(says(contract, value, "at index 500 and at 100000"));
    json_decref(value);
    contract_unref(contract);
}
END_TEST
START_TEST(many_keys_of_one_length_are_found_in_many_properties)
{
    json_t *properties = json_object(), *value = json_object();
    for (int i = 0; i < 20000; i++) {
        char key[32];
        snprintf(key, sizeof(key), "samehead%08d", i);
        json_object_set_new(properties, key, json_pack("{s:i}", "const", i));
        json_object_set_new(value, key, json_integer(i));
    }
    json_t *schema = json_pack("{s:o,s:b}", "properties", properties, "additionalProperties", 0);
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    for (int i = 0; i < 20; i++)
        ck_assert(contract_accepts(contract, value));
    json_object_set_new(value, "samehead0001999x", json_null());
    ck_assert(says(contract, value, "expected no property \"samehead0001999x\""));
    json_decref(value);
    json_decref(schema);
    contract_unref(contract);
}
END_TEST
START_TEST(nested_branches_are_explained_in_time)
{
    json_t *schema = json_pack("{s:s}", "type", "string");
    for (int i = 0; i < 12; i++)
        schema = json_pack("{s:[O,o,{s:s}]}", "anyOf", schema, schema, "type", "string");
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    ck_assert(says(contract, json_null(), "expected string"));
    json_decref(schema);
    contract_unref(contract);
}
END_TEST

/* What compiling says of a schema, which it takes. */
static enum error_code compiled(json_t *schema, const struct contract_options *options,
                                struct error *reterr)
{
    struct contract *contract = NULL;
    enum error_code code = contract_compile(schema, options, &contract, reterr);
    json_decref(schema);
    contract_unref(contract);
    return code;
}

START_TEST(schemas_of_ten_megabytes_are_compiled_or_refused)
{
    json_t *words = json_array(), *schemas = json_object(), *long_name = json_object();
    struct error err;
    for (int i = 0; i < 500000; i++)
        json_array_append_new(words, json_sprintf("a word of 20 %07d", i));
    ck_assert_int_eq(compiled(json_pack("{s:o}", "enum", words), NULL, &err), ERR_OK);
    for (int i = 0; i < 99990; i++) {
        char *name = xasprintf("%0*d", 100, i);
        json_object_set_new(schemas, name, json_pack("{s:i}", "minimum", i));
        free(name);
    }
    ck_assert_int_eq(compiled(json_pack("{s:o}", "properties", schemas), NULL, &err), ERR_OK);
    char *name = xmalloc(10 << 20);
    memset(name, 'a', 10 << 20);
    name[(10 << 20) - 1] = '\0';
    json_object_set_new(long_name, name, json_true());
    ck_assert_int_eq(compiled(json_incref(long_name), NULL, &err), ERR_UNSUPPORTED);
    ck_assert_int_eq(compiled(json_pack("{s:s}", "type", name), NULL, &err), ERR_INPUT);
    ck_assert_int_eq(compiled(json_pack("{s:s}", "pattern", name), NULL, &err), ERR_LIMIT);
    ck_assert_int_eq(compiled(json_pack("{s:s}", "$ref", name), NULL, &err), ERR_UNSUPPORTED);
    ck_assert_int_eq(compiled(json_pack("{s:s}", "$schema", name), NULL, &err), ERR_UNSUPPORTED);
    ck_assert_int_eq(compiled(json_pack("{s:s}", "$id", name), NULL, &err), ERR_OK);
    ck_assert_int_eq(compiled(json_pack("{s:s}", "$anchor", name), NULL, &err), ERR_OK);
    ck_assert_int_eq(compiled(json_pack("{s:o}", "properties", long_name), NULL, &err), ERR_OK);
    free(name);
}
END_TEST
START_TEST(many_resources_anchors_and_references_are_bounded)
{
    struct contract_options with = {.registry = NULL};
    struct error err;
    json_t *plain = json_object(), *dynamic = json_object();
    for (int i = 0; i < 20000; i++) {
        char *name = xasprintf("r%d", i), *next = xasprintf("r%d#a", (i + 1) % 20000);
        json_object_set_new(
            plain, name,
            json_pack("{s:s,s:s,s:{s:s}}", "$id", name, "$anchor", "a", "items", "$ref", next));
        json_object_set_new(dynamic, name,
                            json_pack("{s:s,s:s,s:{s:s}}", "$id", name, "$dynamicAnchor", "a",
                                      "items", "$dynamicRef", "#a"));
        free(name);
        free(next);
    }
    ck_assert_int_eq(compiled(json_pack("{s:o}", "$defs", plain), &with, &err), ERR_OK);
    ck_assert_int_eq(compiled(json_pack("{s:o}", "$defs", dynamic), &with, &err), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 256 schemas with a $id have the dynamic"));
}
END_TEST
START_TEST(documents_that_refer_to_each_other_without_end_are_refused)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    struct error err;
    for (int i = 0; i < 1000; i++) {
        char *uri = xasprintf("a:%d", i), *next = xasprintf("a:%d", i + 1);
        json_t *schema = json_pack("{s:s}", "$ref", i == 99 ? "a:0" : next);
        ck_assert_int_eq(registry_add(registry, uri, schema, &err), ERR_OK);
        json_decref(schema);
        free(uri);
        free(next);
    }
    ck_assert_int_eq(compiled(json_pack("{s:s}", "$ref", "a:0"), &with, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "schema at \"a:99#/$ref\": comes back to"));
    ck_assert_int_eq(compiled(json_pack("{s:s}", "$ref", "a:100"), &with, &err), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "\"a:1000\" is another document"));
    registry_free(registry);
}
END_TEST

struct shared {
    const struct contract *contract;
    const json_t *value;
    bool accepted;
};

static void *accept_many(void *user)
{
    struct shared *shared = user;
    shared->accepted = true;
    for (int i = 0; i < 2000; i++)
        shared->accepted &= contract_accepts(shared->contract, shared->value);
    return NULL;
}

START_TEST(a_contract_serves_many_threads)
{
    struct contract *contract =
        contract_of("{'additionalProperties': {'pattern': '^(a|b)+[0-9]*$'}, 'propertyNames': "
                    "{'pattern': '^(x|y)'}}");
    json_t *value = json_quoted("{'x1': 'ab1', 'y': 'bbbb', 'xyz': 'a0'}");
    struct shared shared[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        shared[i] = (struct shared){contract, value, false};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, accept_many, &shared[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(shared[i].accepted);
    }
    json_decref(value);
    contract_unref(contract);
}
END_TEST

UNIT_MAIN(schemas_of_ten_megabytes_are_compiled_or_refused,
          many_resources_anchors_and_references_are_bounded,
          documents_that_refer_to_each_other_without_end_are_refused,
          a_catastrophic_pattern_is_given_up, a_long_string_is_matched_to_its_end,
          a_value_is_limited_in_depth, schemas_within_schemas_are_limited,
          a_schema_that_doubles_its_work_is_given_up, an_enum_of_fifty_thousand_finds_each,
          a_hundred_thousand_unique_items_are_compared_once_each_or_so,
          many_keys_of_one_length_are_found_in_many_properties,
          nested_branches_are_explained_in_time, a_contract_serves_many_threads)

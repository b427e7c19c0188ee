/* SPDX-License-Identifier: Apache-2.0
 *
 * References out of a document: what is found in the registry, under which URI, and what is said
 * where nothing is found. Meta-schemas and vocabularies, and how leniently a schema may be read.
 */
#include "contract_test.h"

#include "contract/registry.h"

#define D7  "http://json-schema.org/draft-07/schema#"
#define D19 "https://json-schema.org/draft/2019-09/schema"
#define D20 "https://json-schema.org/draft/2020-12/schema"
#define V20 "https://json-schema.org/draft/2020-12/vocab/"

static void add(struct registry *registry, const char *uri, const char *schema)
{
    json_t *json = json_quoted(schema);
    struct error err;
    ck_assert_msg(registry_add(registry, uri, json, &err) == ERR_OK, "%s", err.text);
    json_decref(json);
}

static enum error_code compile(const struct contract_options *options, const char *schema,
                               struct contract **ret_contract, struct error *reterr)
{
    json_t *json = json_quoted(schema);
    enum error_code code = contract_compile(json, options, ret_contract, reterr);
    json_decref(json);
    return code;
}

static bool fits(const struct contract_options *options, const char *schema, const char *value)
{
    struct contract *contract;
    struct error err;
    ck_assert_msg(compile(options, schema, &contract, &err) == ERR_OK, "%s: %s", schema, err.text);
    json_t *json = json_quoted(value);
    bool answer = accepts_json(contract, json);
    json_decref(json);
    contract_unref(contract);
    return answer;
}

static void refused(const struct contract_options *options, const char *schema, const char *words)
{
    struct contract *contract;
    struct error err = {0};
    ck_assert_msg(compile(options, schema, &contract, &err) != ERR_OK, "%s compiles", schema);
    ck_assert_msg(strstr(err.text, words) != NULL, "\"%s\" does not say \"%s\"", err.text, words);
}

START_TEST(a_document_is_found_by_each_of_its_uris)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    add(registry, "https://got.example/a.json",
        "{'$id': 'https://named.example/a', '$defs': {'n': {'type': 'null'}, 'in': {'$id': "
        "'inner', '$anchor': 'x', 'type': 'boolean'}}, 'type': 'integer'}");
    add(registry, "folder/b.json", "{'$ref': 'c.json#/$defs/s'}");
    add(registry, "folder/c.json", "{'$defs': {'s': {'$ref': '../d.json'}}}");
    add(registry, "d.json", "{'minLength': 2}");
    ck_assert(!fits(&with, "{'$ref': 'https://got.example/a.json'}", "1.5"));
    ck_assert(!fits(&with, "{'$ref': 'https://named.example/a'}", "1.5"));
    ck_assert(fits(&with, "{'$ref': 'https://named.example/a#/$defs/n'}", "null"));
    ck_assert(!fits(&with, "{'$ref': 'https://named.example/inner'}", "1"));
    ck_assert(fits(&with, "{'$ref': 'https://named.example/inner#x'}", "true"));
    ck_assert(!fits(&with, "{'$id': 'https://named.example/z', 'items': {'$ref': 'a'}}", "['']"));
    ck_assert(!fits(&with, "{'$ref': 'folder/b.json'}", "'a'"));
    ck_assert(fits(&with, "{'$ref': 'folder/b.json'}", "'ab'"));
    registry_free(registry);
}
END_TEST
START_TEST(documents_may_refer_to_each_other_and_back)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    const char *main = "{'$id': 'https://a.example/main', 'type': 'object', 'properties': {'left': "
                       "{'$ref': 'other'}}, 'additionalProperties': false}";
    add(registry, "https://a.example/main", main);
    add(registry, "https://a.example/other", "{'properties': {'back': {'$ref': 'main'}}}");
    ck_assert(fits(&with, main, "{'left': {'back': {'left': {}}}}"));
    ck_assert(!fits(&with, main, "{'left': {'back': {'right': 1}}}"));
    registry_free(registry);
}
END_TEST
START_TEST(a_contract_outlives_its_registry)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    struct contract *contract;
    add(registry, "a:b", "{'properties': {'key': {'const': {'deep': ['value']}}}}");
    ck_assert_int_eq(compile(&with, "{'$ref': 'a:b'}", &contract, NULL), ERR_OK);
    registry_free(registry);
    json_t *value = json_quoted("{'key': {'deep': ['other']}}");
    struct violations why;
    ck_assert(!contract_explain(contract, value, &why));
    ck_assert_str_eq(why.list[0].schema, "/$ref/properties/key/const");
    ck_assert_str_eq(why.list[0].absolute, "a:b#/properties/key/const");
    violations_done(&why);
    json_decref(value);
    contract_unref(contract);
}
END_TEST
START_TEST(an_unknown_document_is_named_with_what_to_do)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    refused(&with, "{'properties': {'a': {'$ref': 'https://nowhere.example/x#/y'}}}",
            "schema at \"/properties/a/$ref\": \"https://nowhere.example/x\" is another document, "
            "and none is fetched: put it into a folder of schemas (seam validate --registry DIR)");
    add(registry, "https://a.example/a", "{'items': {'$ref': 'gone'}}");
    add(registry, "https://a.example/bad", "{'items': {'type': 'strin'}}");
    refused(&with, "{'$ref': 'https://a.example/a'}",
            "schema at \"https://a.example/a#/items/$ref\": \"https://a.example/gone\" is another");
    refused(&with, "{'$ref': 'https://a.example/bad'}", "\"https://a.example/bad#/items/type\"");
    refused(&with, "{'$ref': 'https://a.example/a#/$defs/x'}", "nothing is at");
    registry_free(registry);
}
END_TEST
START_TEST(two_schemas_under_one_uri_are_named_when_they_are_asked_for)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    add(registry, "one.json", "{'$id': 'a:same', 'type': 'null'}");
    add(registry, "two.json", "{'$defs': {'x': {'$id': 'a:same', 'type': 'string'}}}");
    add(registry, "three.json", "{'$id': 'a:equal', 'type': 'null'}");
    add(registry, "four.json", "{'type': 'null', '$id': 'a:equal'}");
    ck_assert(fits(&with, "true", "1"));
    ck_assert(!fits(&with, "{'$ref': 'a:equal'}", "1"));
    refused(&with, "{'$ref': 'a:same'}",
            "have the URI \"a:same\": one in \"one.json\" and one in "
            "\"two.json\"");
    refused(&with, "{'$defs': {'x': {'$id': 'a:same', 'type': 'boolean'}}}",
            "schema at \"/$defs/x/$id\": the registry has another schema with the $id \"a:same\", "
            "in \"one.json\"");
    add(registry, "five.json", "{'$ref': 'one.json'}");
    refused(&with, "{'$ref': 'five.json'}",
            "schema at \"one.json#/$id\": the registry has another schema with the $id \"a:same\", "
            "in \"two.json\"");
    refused(&with, "{'$id': 'a:equal'}", "in \"three.json\"");
    ck_assert(fits(&with, "{'type': 'null', '$id': 'a:equal'}", "null"));
    registry_free(registry);
}
END_TEST
START_TEST(the_meta_schemas_are_always_there)
{
    static const char *const uris[] = {D7, D19, D20};
    for (size_t i = 0; i < 3; i++) {
        char *schema = xasprintf("{'$ref': '%s'}", uris[i]);
        assert_accepts(schema, "{'type': 'object', 'properties': {'a': {'minimum': 1}}}");
        assert_refuses(schema, "{'properties': {'a': {'minimum': 'x'}}}");
        assert_refuses(schema, "{'additionalProperties': {'not': {'type': 'x'}}}");
        assert_refuses(schema, "12");
        free(schema);
    }
    assert_refuses("{'$ref': 'https://json-schema.org/draft/2020-12/meta/format-assertion'}",
                   "{'format': 1}");
}
END_TEST
START_TEST(a_document_without_dialect_is_read_as_what_refers_to_it)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    add(registry, "a:list", "{'items': [{'type': 'null'}], 'additionalItems': false}");
    add(registry, "a:own", "{'$schema': '" D20 "', 'prefixItems': [{'type': 'null'}]}");
    ck_assert(!fits(&with, "{'$schema': '" D7 "', '$ref': 'a:list'}", "[null, 1]"));
    ck_assert(!fits(&with, "{'$schema': '" D7 "', '$ref': 'a:own'}", "[1]"));
    refused(&with, "{'$ref': 'a:list'}", "additionalItems");
    struct contract_options old = {.registry = registry, .dialect = D7};
    ck_assert(!fits(&old, "{'allOf': [{'$ref': 'a:list'}]}", "[null, 1]"));
    refused(&(struct contract_options){.dialect = "a:none"}, "{}", "a:none");
    registry_free(registry);
}
END_TEST
START_TEST(a_recursive_reference_takes_the_outermost_anchor)
{
    const char *schema =
        "{'$schema': '" D19 "', '$id': 'https://a.example/strict', '$ref': 'tree', "
        "'$recursiveAnchor': true, 'unevaluatedProperties': false, '$defs': {'tree': {'$id': "
        "'tree', '$recursiveAnchor': true, 'type': 'object', 'properties': {'data': true, 'kids': "
        "{'items': {'$recursiveRef': '#'}}}}}}";
    assert_accepts(schema, "{'kids': [{'data': 1}]}");
    assert_refuses(schema, "{'kids': [{'daat': 1}]}");
    assert_no_contract("{'$schema': '" D19 "', 'items': {'$recursiveRef': '#/items'}}", ERR_INPUT,
                       "schema at \"/items/$recursiveRef\": expected \"#\"");
    assert_no_contract("{'$schema': '" D19 "', 'items': {'$recursiveAnchor': true}}", ERR_INPUT,
                       "belongs at the root");
    assert_no_contract("{'$schema': '" D19 "', '$recursiveAnchor': 1}", ERR_INPUT, "true or false");
    assert_no_contract("{'$schema': '" D19 "', '$recursiveRef': '#'}", ERR_INPUT, "never end");
}
END_TEST
START_TEST(an_anchor_in_another_document_is_a_dynamic_target)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry};
    add(registry, "a:list",
        "{'$defs': {'any': {'$dynamicAnchor': 'item'}}, 'items': {'$dynamicRef': '#item'}}");
    add(registry, "a:numbers",
        "{'$ref': 'a:list', '$defs': {'n': {'$dynamicAnchor': 'item', 'type': 'number'}}}");
    ck_assert(fits(&with, "{'$ref': 'a:list'}", "['x']"));
    ck_assert(!fits(&with, "{'$ref': 'a:numbers'}", "['x']"));
    ck_assert(!fits(&with, "{'prefixItems': [{'$ref': 'a:list'}, {'$ref': 'a:numbers'}]}",
                    "[['x'], ['x']]"));
    ck_assert(fits(&with, "{'prefixItems': [{'$ref': 'a:list'}, {'$ref': 'a:numbers'}]}",
                   "[['x'], [1]]"));
    registry_free(registry);
}
END_TEST
START_TEST(a_meta_schema_says_which_vocabularies_are_in_force)
{
    struct registry *registry = registry_new();
    struct contract_options with = {.registry = registry, .annotate_formats = true};
    add(registry, "m:shapes",
        "{'$schema': '" D20 "', '$vocabulary': {'" V20 "core': true, '" V20 "applicator': true}}");
    add(registry, "m:formats",
        "{'$schema': '" D20 "', '$vocabulary': {'" V20 "core': true, '" V20
        "format-assertion': false, 'x:maybe': false}}");
    add(registry, "m:strange", "{'$schema': '" D20 "', '$vocabulary': {'x:units': true}}");
    add(registry, "m:plain", "{'$schema': '" D7 "'}");
    add(registry, "m:circle", "{'$schema': 'm:circle'}");
    ck_assert(
        fits(&with, "{'$schema': 'm:shapes', 'minimum': 3, 'items': {'type': 'null'}}", "[1]"));
    ck_assert(!fits(&with, "{'$schema': 'm:shapes', 'items': false}", "[1]"));
    ck_assert(!fits(&with, "{'$schema': 'm:formats', 'format': 'date'}", "'x'"));
    ck_assert(fits(&with, "{'$schema': 'm:formats', 'type': 'null'}", "'x'"));
    ck_assert(!fits(&with, "{'$schema': 'm:plain', 'items': [true], 'additionalItems': false}",
                    "[1, 2]"));
    refused(&with, "{'$schema': 'm:strange'}", "requires the vocabulary \"x:units\"");
    refused(&with, "{'$schema': 'm:circle'}", "circle");
    refused(&with, "{'$schema': 'm:none'}",
            "\"m:none\" is not supported, nor is it in the registry");
    registry_free(registry);
}
END_TEST
START_TEST(a_lenient_reading_lets_unknown_words_annotate)
{
    struct contract_options lenient = {.lenient = true};
    ck_assert(fits(&lenient, "{'minimun': 9, 'format': 'card', 'additionalItems': false}", "'x'"));
    ck_assert(!fits(&lenient, "{'minimum': 9, 'requird': []}", "1"));
    ck_assert(fits(&lenient,
                   "{'unknown': {'$id': 'a:b', '$anchor': 'a'}, '$defs': {'x': {'$id': "
                   "'a:b', '$anchor': 'a'}}}",
                   "1"));
    refused(&lenient, "{'type': 'strin'}", "schema at \"/type\"");
    refused(&lenient, "{'pattern': '('}", "schema at \"/pattern\"");
}
END_TEST
START_TEST(a_registry_has_limits)
{
    struct registry *registry = registry_new();
    json_t *schema = json_object(), *deep = json_object();
    struct error err;
    for (int i = 0; i < 200; i++)
        deep = json_pack("{s:o}", "items", deep);
    ck_assert_int_eq(registry_add(registry, "a:deep", deep, &err), ERR_LIMIT);
    ck_assert_int_eq(registry_add(registry, "a:text", json_true(), &err), ERR_OK);
    json_t *number = json_integer(1);
    ck_assert_int_eq(registry_add(registry, "a:number", number, &err), ERR_INPUT);
    for (int i = 2; i < 10000; i++) {
        char *uri = xasprintf("a:%d", i);
        ck_assert_int_eq(registry_add(registry, uri, schema, &err), ERR_OK);
        free(uri);
    }
    ck_assert_int_eq(registry_add(registry, "a:last", schema, &err), ERR_LIMIT);
    json_decref(schema);
    json_decref(deep);
    json_decref(number);
    registry_free(registry);
}
END_TEST

UNIT_MAIN(a_document_is_found_by_each_of_its_uris, documents_may_refer_to_each_other_and_back,
          a_contract_outlives_its_registry, an_unknown_document_is_named_with_what_to_do,
          two_schemas_under_one_uri_are_named_when_they_are_asked_for,
          the_meta_schemas_are_always_there,
          a_document_without_dialect_is_read_as_what_refers_to_it,
          a_recursive_reference_takes_the_outermost_anchor,
          an_anchor_in_another_document_is_a_dynamic_target,
          a_meta_schema_says_which_vocabularies_are_in_force,
          a_lenient_reading_lets_unknown_words_annotate, a_registry_has_limits)

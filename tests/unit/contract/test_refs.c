/* SPDX-License-Identifier: Apache-2.0
 *
 * References: pointers, anchors, embedded resources, recursion, dynamic references; and the ways in
 * which a schema could loop.
 */
#include "contract_test.h"

START_TEST(pointers_reach_definitions_and_any_other_schema)
{
    const char *schema = "{'$defs': {'a/b~c d': {'type': 'integer'}}, 'properties': {'x': {'$ref': "
                         "'#/$defs/a~1b~0c%20d'}, 'y': {'$ref': '#/properties/x'}, 'z': {'$ref': "
                         "'#/allOf/0'}}, 'allOf': [{'type': 'object'}]}";
    assert_accepts(schema, "{'x': 1, 'y': 2, 'z': {}}");
    assert_refuses(schema, "{'x': 'a'}");
    assert_refuses(schema, "{'y': 'a'}");
    assert_refuses(schema, "{'z': 1}");
}
END_TEST
START_TEST(a_reference_stands_beside_other_keywords)
{
    const char *schema = "{'$ref': '#/$defs/n', 'minimum': 3, '$defs': {'n': {'type': 'integer'}}}";
    assert_accepts(schema, "3");
    assert_refuses(schema, "2");
    assert_refuses(schema, "'a'");
}
END_TEST
START_TEST(in_draft_07_a_reference_stands_alone)
{
    const char *schema =
        "{'$schema': 'http://json-schema.org/draft-07/schema', 'properties': {'a': "
        "{'$ref': '#/definitions/n', 'minimum': 3}}, 'definitions': {'n': {'type': "
        "'integer'}}}";
    assert_accepts(schema, "{'a': 2}");
    assert_refuses(schema, "{'a': 'a'}");
}
END_TEST
START_TEST(recursion_through_the_value_ends_with_it)
{
    const char *tree = "{'type': 'object', 'required': ['v'], 'properties': {'v': {'type': "
                       "'integer'}, 'kids': {'type': 'array', 'items': {'$ref': '#'}}}}";
    assert_accepts(tree, "{'v': 1, 'kids': [{'v': 2, 'kids': []}, {'v': 3}]}");
    assert_refuses(tree, "{'v': 1, 'kids': [{'v': 2, 'kids': [{}]}]}");
}
END_TEST
START_TEST(anchors_and_embedded_resources_are_found)
{
    const char *schema = "{'$id': 'https://a.example/root/main.json', '$ref': 'other.json#here', "
                         "'$defs': {'x': {'$id': 'other.json', '$defs': {'y': {'$anchor': 'here', "
                         "'$ref': '#/$defs/z'}, 'z': {'type': 'null'}}}, 'z': {'type': 'string'}}}";
    assert_accepts(schema, "null");
    assert_refuses(schema, "'a'");
    assert_accepts("{'$id': 'urn:x:y', '$ref': 'urn:x:y#/$defs/a', '$defs': {'a': true}}", "1");
    assert_accepts("{'$schema': 'http://json-schema.org/draft-07/schema#', 'allOf': [{'$ref': "
                   "'#foo'}], 'definitions': {'A': {'$id': '#foo', 'type': 'integer'}}}",
                   "1");
}
END_TEST
START_TEST(relative_references_resolve_as_rfc_3986_says)
{
    /* section 5.4, base http://a/b/c/d;p?q */
    static const char *const rows[][2] = {{"g:h", "g:h"},
                                          {"g", "http://a/b/c/g"},
                                          {"./g", "http://a/b/c/g"},
                                          {"g/", "http://a/b/c/g/"},
                                          {"/g", "http://a/g"},
                                          {"//g", "http://g"},
                                          {"?y", "http://a/b/c/d;p?y"},
                                          {"g?y", "http://a/b/c/g?y"},
                                          {";x", "http://a/b/c/;x"},
                                          {"..", "http://a/b/"},
                                          {"../g", "http://a/b/g"},
                                          {"../..", "http://a/"},
                                          {"../../g", "http://a/g"},
                                          {"../../../g", "http://a/g"},
                                          {"/./g", "http://a/g"},
                                          {"/../g", "http://a/g"},
                                          {"g.", "http://a/b/c/g."},
                                          {"./../g", "http://a/b/g"},
                                          {"./g/.", "http://a/b/c/g/"},
                                          {"g/./h", "http://a/b/c/g/h"},
                                          {"g/../h", "http://a/b/c/h"},
                                          {"g;x=1/../y", "http://a/b/c/y"},
                                          {"g?y/./x", "http://a/b/c/g?y/./x"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *schema =
            xasprintf("{'$id': 'http://a/b/c/d;p?q', '$ref': '%s', '$defs': {'x': {'$id': "
                      "'%s', 'type': 'null'}}}",
                      rows[i][0], rows[i][1]);
        assert_accepts(schema, "null");
        assert_refuses(schema, "1");
        free(schema);
    }
}
END_TEST
START_TEST(an_embedded_schema_has_a_dialect_of_its_own)
{
    const char *schema = "{'$id': 'https://a.example/', 'properties': {'old': {'$ref': 'old'}, "
                         "'new': {'$ref': '#/$defs/new'}}, '$defs': {'old': {'$id': 'old', "
                         "'$schema': 'http://json-schema.org/draft-07/schema#', 'properties': "
                         "{'list': {'items': [{'type': 'null'}], 'additionalItems': false}, "
                         "'both': {'$ref': '#/definitions/any', 'type': 'null'}, 'newest': {'$id': "
                         "'newest', '$schema': 'https://json-schema.org/draft/2020-12/schema', "
                         "'prefixItems': [{'type': 'null'}], 'items': false}}, 'definitions': "
                         "{'any': {}}}, 'new': {'prefixItems': [true], 'items': false}}}";
    assert_accepts(schema, "{'old': {'list': [null]}}");
    assert_refuses(schema, "{'old': {'list': [1]}}");
    assert_refuses(schema, "{'old': {'list': [null, null]}}");
    assert_accepts(schema, "{'old': {'both': 1}}");
    assert_accepts(schema, "{'old': {'newest': [null]}}");
    assert_refuses(schema, "{'old': {'newest': [1]}}");
    assert_refuses(schema, "{'new': [1, 2]}");
}
END_TEST
START_TEST(a_dynamic_reference_takes_the_outermost_anchor)
{
    const char *schema =
        "{'$id': 'https://a.example/strict', '$ref': 'tree', '$dynamicAnchor': 'node', "
        "'unevaluatedProperties': false, '$defs': {'tree': {'$id': 'tree', '$dynamicAnchor': "
        "'node', 'type': 'object', 'properties': {'data': true, 'kids': {'type': 'array', 'items': "
        "{'$dynamicRef': '#node'}}}}}}";
    assert_accepts(schema, "{'kids': [{'data': 1}]}");
    assert_refuses(schema, "{'kids': [{'daat': 1}]}");
}
END_TEST
START_TEST(what_would_never_end_is_refused)
{
    const char *words = "would never end";
    assert_no_contract("{'$ref': '#'}", ERR_INPUT, words);
    assert_no_contract("{'allOf': [{'$ref': '#'}]}", ERR_INPUT, words);
    assert_no_contract("{'$ref': '#/$defs/a', '$defs': {'a': {'anyOf': [{'$ref': '#/$defs/b'}]}, "
                       "'b': {'not': {'$ref': '#/$defs/a'}}}}",
                       ERR_INPUT, words);
    assert_no_contract("{'if': {'$ref': '#'}}", ERR_INPUT, words);
    assert_no_contract("{'then': true, 'if': true, 'else': {'$ref': '#'}}", ERR_INPUT, words);
    assert_no_contract("{'dependentSchemas': {'a': {'$ref': '#'}}}", ERR_INPUT, words);
    assert_no_contract("{'$dynamicAnchor': 'a', '$dynamicRef': '#a'}", ERR_INPUT, words);
    assert_no_contract("{'properties': {'a': {'oneOf': [{'$ref': '#/properties/a'}]}}}", ERR_INPUT,
                       "/properties/a/oneOf/0/$ref");
    assert_accepts("{'propertyNames': {'$ref': '#'}, 'contains': {'$ref': '#'}, 'minContains': 0}",
                   "{'a': 1}");
}
END_TEST
START_TEST(references_that_lead_nowhere_are_refused)
{
    assert_no_contract("{'$ref': '#/$defs/a'}", ERR_INPUT,
                       "schema at \"/$ref\": nothing is at \"#/$defs/a\"");
    assert_no_contract("{'$ref': '#a'}", ERR_INPUT, "no $anchor is named \"a\"");
    assert_no_contract("{'$ref': 'b.json'}", ERR_UNSUPPORTED, "is another document");
    assert_no_contract("{'$ref': 'https://json-schema.org/draft/2020-12/nowhere'}", ERR_UNSUPPORTED,
                       "schema at \"/$ref\": \"https://json-schema.org/draft/2020-12/nowhere\" is "
                       "another document, and none is fetched: put it into a folder of schemas "
                       "(seam validate --registry DIR)");
    assert_no_contract("{'$ref': 7}", ERR_INPUT, "/$ref");
    assert_no_contract("{'$ref': '#/title', 'title': 'x'}", ERR_INPUT, "is not a schema");
    assert_no_contract("{'$ref': '#/$defs/~2', '$defs': {'~2': true}}", ERR_INPUT, "nothing is at");
    assert_no_contract("{'$ref': '#/allOf/01', 'allOf': [true, true]}", ERR_INPUT, "nothing is at");
    assert_no_contract("{'$ref': '#/%zz'}", ERR_INPUT, "hexadecimal");
    assert_no_contract("{'$defs': {'a': {'$anchor': 'x'}, 'b': {'$anchor': 'x'}}}", ERR_INPUT,
                       "a second anchor named \"x\"");
    assert_no_contract("{'$defs': {'a': {'$id': 'x'}, 'b': {'$id': 'x'}}}", ERR_INPUT,
                       "every $id must be its own");
    assert_no_contract("{'$id': 'http://a/b#c'}", ERR_INPUT, "without a fragment");
    assert_no_contract("{'$anchor': '1a'}", ERR_INPUT, "/$anchor");
}
END_TEST
START_TEST(a_reference_may_lead_where_no_keyword_looks)
{
    const char *schema = "{'x-shared': {'n': {'type': 'integer', 'minimum': 1}}, 'items': {'$ref': "
                         "'#/x-shared/n'}}";
    assert_accepts(schema, "[1]");
    assert_refuses(schema, "[0]");
    assert_explains(schema, "[0]",
                    "/0: expected at least 1, found 0 (schema /items/$ref/minimum)\n");
    assert_no_contract("{'x-s': {'n': {'typ': 'integer'}}, 'items': {'$ref': '#/x-s/n'}}",
                       ERR_UNSUPPORTED, "/x-s/n/typ");
}
END_TEST
START_TEST(a_pointer_into_an_embedded_resource_takes_its_base)
{
    const char *schema =
        "{'$id': 'http://a/', '$ref': '#/$defs/e/x-odd', '$defs': {'e': {'$id': 'b/', 'x-odd': "
        "{'$ref': 'c'}, '$defs': {'f': {'$id': 'c', 'type': 'null'}}}}}";
    assert_accepts(schema, "null");
    assert_refuses(schema, "1");
}
END_TEST
START_TEST(one_value_in_two_places_is_one_schema)
{
    json_t *shared = json_quoted("{'type': 'integer'}");
    json_t *schema = json_pack("{s:{s:O,s:O}}", "properties", "a", shared, "b", shared);
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    json_t *value = json_quoted("{'a': 1, 'b': 'x'}");
    ck_assert(!accepts_json(contract, value));
    json_decref(value);
    json_decref(schema);
    json_decref(shared);
    contract_unref(contract);
}
END_TEST

UNIT_MAIN(an_embedded_schema_has_a_dialect_of_its_own,
          pointers_reach_definitions_and_any_other_schema, a_reference_stands_beside_other_keywords,
          in_draft_07_a_reference_stands_alone, recursion_through_the_value_ends_with_it,
          anchors_and_embedded_resources_are_found, relative_references_resolve_as_rfc_3986_says,
          a_dynamic_reference_takes_the_outermost_anchor, what_would_never_end_is_refused,
          references_that_lead_nowhere_are_refused, a_reference_may_lead_where_no_keyword_looks,
          a_pointer_into_an_embedded_resource_takes_its_base, one_value_in_two_places_is_one_schema)

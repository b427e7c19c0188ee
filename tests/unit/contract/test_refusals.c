/* SPDX-License-Identifier: Apache-2.0
 *
 * What does not compile: unknown keywords, other dialects, malformed values. Each error names the
 * place; nothing that asserts is passed over.
 */
#include "contract_test.h"

START_TEST(unknown_keywords_are_refused_with_the_nearest)
{
    assert_no_contract("{'minimun': 1}", ERR_UNSUPPORTED,
                       "schema at \"/minimun\": unknown keyword; did you mean \"minimum\"?");
    assert_no_contract("{'properties': {'a': {'requird': []}}}", ERR_UNSUPPORTED,
                       "schema at \"/properties/a/requird\"");
    assert_no_contract("{'nullable': true}", ERR_UNSUPPORTED, "begins with x-");
    assert_no_contract("{'items': {'a/b': true}}", ERR_UNSUPPORTED, "/items/a~1b");
    assert_no_contract("{'$defs': {'unused': {'typ': 'string'}}}", ERR_UNSUPPORTED,
                       "/$defs/unused/typ");
}
END_TEST
START_TEST(annotations_are_passed_over)
{
    assert_accepts("{'title': 1, 'description': '', 'default': 1, 'examples': [1], 'deprecated': "
                   "true, 'readOnly': true, 'writeOnly': true, '$comment': '', 'contentEncoding': "
                   "'base64', 'contentMediaType': 'a/b', 'contentSchema': {'type': 'object'}, "
                   "'x-anything': {'minimun': 1}, '$vocabulary': {}, '$schema': "
                   "'https://json-schema.org/draft/2020-12/schema'}",
                   "'x'");
}
END_TEST
START_TEST(other_dialects_are_refused_by_name)
{
    assert_no_contract("{'$schema': 'http://json-schema.org/draft-04/schema#'}", ERR_UNSUPPORTED,
                       "http://json-schema.org/draft-04/schema#");
    assert_no_contract("{'$schema': 'https://example.com/mine'}", ERR_UNSUPPORTED,
                       "https://example.com/mine");
    assert_no_contract("{'$schema': 12}", ERR_INPUT, "schema at \"/$schema\"");
    assert_no_contract("{'$defs': {'a': {'$schema': 'http://json-schema.org/draft-07/schema#'}}}",
                       ERR_UNSUPPORTED,
                       "a schema of draft-07 inside one of 2020-12; give it a $id");
    assert_no_contract("{'$defs': {'a': {'$id': 'a', '$schema': 'https://example.com/mine'}}}",
                       ERR_UNSUPPORTED, "https://example.com/mine");
    assert_no_contract("{'$defs': {'a': {'$id': 'a', '$schema': "
                       "'http://json-schema.org/draft-07/schema#', 'prefixItems': [true]}}}",
                       ERR_UNSUPPORTED, "not a keyword of draft-07");
}
END_TEST
START_TEST(keywords_of_other_dialects_are_refused)
{
    assert_no_contract("{'items': [true]}", ERR_INPUT, "prefixItems");
    assert_no_contract("{'additionalItems': false}", ERR_UNSUPPORTED,
                       "not a keyword of 2020-12, which this schema is written in, but of 2019-09 "
                       "and draft-07");
    assert_no_contract("{'$schema': 'http://json-schema.org/draft-07/schema#', 'prefixItems': []}",
                       ERR_UNSUPPORTED, "not a keyword of draft-07");
    assert_no_contract("{'items': {'$recursiveRef': '#'}}", ERR_UNSUPPORTED,
                       "not a keyword of 2020-12");
}
END_TEST
START_TEST(malformed_values_are_refused_at_their_place)
{
    static const char *const schemas[] = {"{'type': 'strin'}",
                                          "{'type': []}",
                                          "{'type': [1]}",
                                          "{'type': 5}",
                                          "{'enum': 1}",
                                          "{'minimum': '1'}",
                                          "{'exclusiveMaximum': true}",
                                          "{'multipleOf': 0}",
                                          "{'multipleOf': -1}",
                                          "{'minLength': -1}",
                                          "{'maxLength': 1.5}",
                                          "{'minItems': 'a'}",
                                          "{'pattern': 1}",
                                          "{'pattern': '('}",
                                          "{'format': 1}",
                                          "{'uniqueItems': 1}",
                                          "{'required': 'a'}",
                                          "{'required': [1]}",
                                          "{'properties': []}",
                                          "{'patternProperties': {'(': true}}",
                                          "{'patternProperties': 1}",
                                          "{'allOf': []}",
                                          "{'anyOf': {}}",
                                          "{'prefixItems': []}",
                                          "{'minContains': -1}",
                                          "{'contains': true, 'maxContains': 0.5}",
                                          "{'dependentRequired': {'a': [1]}}",
                                          "{'dependentRequired': []}",
                                          "{'dependentSchemas': 1}",
                                          "{'$defs': 1}",
                                          "{'$defs': {'a': 1}}",
                                          "{'$id': 1}",
                                          "{'dependencies': {'a': [1]}}"};
    static const char *const children[] = {"{'items': 5}",
                                           "{'not': []}",
                                           "{'if': 1}",
                                           "{'then': 1}",
                                           "{'anyOf': [1]}",
                                           "{'properties': {'a': null}}",
                                           "{'additionalProperties': 'no'}",
                                           "{'propertyNames': 1}",
                                           "{'contains': 1}",
                                           "{'dependentSchemas': {'a': []}}",
                                           "{'unevaluatedItems': 1}"};
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        char *place =
            xasprintf("schema at \"/%.*s\"", (int)strcspn(schemas[i] + 2, "'"), schemas[i] + 2);
        if (strncmp(schemas[i], "{'contains", 10) == 0)
            assert_no_contract(schemas[i], ERR_INPUT, "schema at \"/maxContains\"");
        else
            assert_no_contract(schemas[i], ERR_INPUT, place);
        free(place);
    }
    for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++)
        assert_no_contract(children[i], ERR_INPUT, "expected a schema, an object or a boolean");
    assert_no_contract("'x'", ERR_INPUT, "schema at \"\"");
}
END_TEST
START_TEST(a_wrong_type_or_format_suggests_the_right_one)
{
    assert_no_contract("{'type': 'strng'}", ERR_INPUT, "did you mean \"string\"?");
    assert_no_contract("{'format': 'datetime'}", ERR_UNSUPPORTED, "did you mean \"date-time\"?");
    assert_no_contract("{'format': 'credit-card'}", ERR_UNSUPPORTED, "unknown format");
}
END_TEST
START_TEST(a_schema_is_limited_in_depth)
{
    json_t *schema = json_object();
    for (int i = 0; i < 1000; i++)
        schema = json_pack("{s:o}", "items", schema);
    struct contract *contract;
    struct error err;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, &err), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.text, "nested deeper than 128"));
    json_decref(schema);
}
END_TEST
START_TEST(a_schema_is_limited_in_nodes)
{
    json_t *list = json_array();
    for (int i = 0; i < 100001; i++)
        json_array_append_new(list, json_object());
    json_t *schema = json_pack("{s:o}", "anyOf", list);
    struct contract *contract;
    struct error err;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, &err), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 100000 subschemas"));
    json_decref(schema);
}
END_TEST
START_TEST(a_chain_of_references_is_limited)
{
    json_t *defs = json_object();
    for (int i = 0; i < 5000; i++) {
        char *name = xasprintf("d%d", i), *next = xasprintf("#/$defs/d%d", i + 1);
        json_object_set_new(defs, name, json_pack("{s:s}", "$ref", next));
        free(name);
        free(next);
    }
    json_object_set_new(defs, "d5000", json_true());
    json_t *schema = json_pack("{s:o}", "$defs", defs);
    struct contract *contract;
    struct error err;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, &err), ERR_LIMIT);
    json_decref(schema);
}
END_TEST
START_TEST(the_error_may_be_left_out)
{
    json_t *schema = json_quoted("{'minimun': 1}");
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_UNSUPPORTED);
    json_decref(schema);
}
END_TEST

UNIT_MAIN(unknown_keywords_are_refused_with_the_nearest, annotations_are_passed_over,
          other_dialects_are_refused_by_name, keywords_of_other_dialects_are_refused,
          malformed_values_are_refused_at_their_place,
          a_wrong_type_or_format_suggests_the_right_one, a_schema_is_limited_in_depth,
          a_schema_is_limited_in_nodes, a_chain_of_references_is_limited, the_error_may_be_left_out)

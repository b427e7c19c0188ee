/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering, one idiom a row: the contract, the schema that is made of it (without descriptions),
 * what the engine says of the two, and how many places were narrowed or take null for absent.
 */
#include "provider/provider.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

struct lower_row {
    const char *target, *full, *lowered;
    enum verdict verdict;
    size_t drop_nulls, narrowed;
};

#define S      "{\"type\":\"string\"}"
#define CLOSE  ",\"additionalProperties\":false}"
#define ONE(a) "{\"type\":\"object\",\"properties\":{\"a\":" a "},\"required\":[\"a\"]" CLOSE
#define SCALARS                                                                                    \
    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"},{\"type\":\"boolean\"},"              \
    "{\"type\":\"null\"}]}"

static const struct lower_row rows[] = {
    /* what is good already stays as it is */
    {"openai", ONE(S), ONE(S), PROVEN, 0, 0},
    {"anthropic", ONE(S), ONE(S), PROVEN, 0, 0},
    {"gemini", ONE(S), ONE(S), PROVEN, 0, 0},
    /* optional is null */
    {"openai", "{\"type\":\"object\",\"properties\":{\"a\":" S "}" CLOSE,
     ONE("{\"type\":[\"string\",\"null\"]}"), PROVEN, 1, 0},
    {"anthropic", "{\"type\":\"object\",\"properties\":{\"a\":" S "}" CLOSE,
     "{\"type\":\"object\",\"properties\":{\"a\":" S "}" CLOSE, PROVEN, 0, 0},
    {"openai", "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[\"x\",\"y\"]}}" CLOSE,
     ONE("{\"type\":[\"string\",\"null\"],\"enum\":[\"x\",\"y\",null]}"), PROVEN, 1, 0},
    {"openai", "{\"type\":\"object\",\"properties\":{\"a/b\":" S "}" CLOSE,
     "{\"type\":\"object\",\"properties\":{\"a/"
     "b\":{\"type\":[\"string\",\"null\"]}},\"required\":[\"a/b\"]" CLOSE,
     PROVEN, 1, 0},
    /* open objects and maps are narrowed, and refuted by a value */
    {"openai", "{\"type\":\"object\",\"properties\":{\"a\":" S "},\"required\":[\"a\"]}", ONE(S),
     REFUTED, 0, 1},
    {"gemini", "{\"type\":\"object\",\"properties\":{\"a\":" S "},\"required\":[\"a\"]}",
     "{\"type\":\"object\",\"properties\":{\"a\":" S "},\"required\":[\"a\"]}", PROVEN, 0, 0},
    {"gemini", "{\"type\":\"object\",\"additionalProperties\":" S "}",
     "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":" S "}", PROVEN, 0, 0},
    /* what additionalProperties speaks of is evaluated: nothing is closed by what stands beside it
     */
    {"openai",
     "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\"},"
     "\"unevaluatedProperties\":false}",
     "{\"type\":\"object\",\"properties\":{},\"required\":[]" CLOSE, REFUTED, 0, 1},
    /* what a definition loses stays told, though the part that asked for it first is thrown away */
    {"gemini",
     "{\"type\":\"object\",\"properties\":{\"c\":false},\"oneOf\":[{\"additionalProperties\":"
     "{\"$ref\":\"#/$defs/q\"},\"required\":[\"b\"]},{\"required\":[\"c\"]}],"
     "\"$defs\":{\"q\":{\"required\":[\"a\"]}}}",
     "{\"type\":\"object\",\"properties\":{\"b\":{}},\"required\":[\"b\"],"
     "\"additionalProperties\":{\"$ref\":\"#/$defs/q\"},\"$defs\":{\"q\":{\"type\":\"object\","
     "\"properties\":{\"a\":{}},\"required\":[\"a\"]}}}",
     REFUTED, 0, 1},
    /* what is refused is dropped */
    {"openai", ONE("{\"type\":\"string\",\"minLength\":2,\"pattern\":\"a\"}"),
     ONE("{\"type\":\"string\",\"pattern\":\"a\"}"), PROVEN, 0, 0},
    {"anthropic", ONE("{\"type\":\"string\",\"pattern\":\"^(?!a)\"}"), ONE(S), PROVEN, 0, 0},
    {"anthropic", ONE("{\"type\":\"integer\",\"minimum\":1}"), ONE("{\"type\":\"integer\"}"),
     PROVEN, 0, 0},
    {"anthropic", ONE("{\"type\":\"array\",\"items\":" S ",\"minItems\":3}"),
     ONE("{\"type\":\"array\",\"items\":" S ",\"minItems\":1}"), PROVEN, 0, 0},
    {"gemini", ONE("{\"type\":\"integer\",\"exclusiveMinimum\":0}"),
     ONE("{\"type\":\"integer\",\"minimum\":1}"), PROVEN, 0, 0},
    {"gemini", ONE("{\"type\":\"number\",\"exclusiveMaximum\":0.5}"),
     ONE("{\"type\":\"number\",\"maximum\":0.5}"), PROVEN, 0, 0},
    {"gemini", ONE("{\"const\":\"x\"}"), ONE("{\"type\":\"string\",\"enum\":[\"x\"]}"), PROVEN, 0,
     0},
    {"gemini", ONE("{\"enum\":[\"x\",null]}"),
     ONE("{\"anyOf\":[{\"type\":\"string\",\"enum\":[\"x\"]},{\"type\":\"null\"}]}"), PROVEN, 0, 0},
    {"gemini", ONE("{\"enum\":[true]}"), ONE("{\"type\":\"boolean\"}"), PROVEN, 0, 0},
    {"openai", ONE("{\"type\":\"string\",\"format\":\"uri\"}"), ONE(S), PROVEN, 0, 0},
    {"openai", ONE("{\"type\":\"integer\",\"not\":{\"const\":3}}"), ONE("{\"type\":\"integer\"}"),
     PROVEN, 0, 0},
    {"openai",
     "{\"type\":\"object\",\"properties\":{\"a\":" S
     "},\"required\":[\"a\"],\"if\":{\"properties\":{\"a\":{\"const\":\"x\"}}},\"then\":"
     "false" CLOSE,
     ONE(S), PROVEN, 0, 0},
    /* allOf is merged, oneOf becomes anyOf, what stands beside an anyOf is spread */
    {"openai",
     "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":" S
     "},\"required\":[\"a\"]},{\"properties\":{\"b\":" S
     "},\"required\":[\"b\"]}],\"unevaluatedProperties\":false}",
     "{\"type\":\"object\",\"properties\":{\"a\":" S ",\"b\":" S
     "},\"required\":[\"a\",\"b\"]" CLOSE,
     PROVEN, 0, 0},
    {"openai",
     ONE("{\"allOf\":[{\"type\":[\"string\",\"null\"]},{\"type\":\"string\",\"pattern\":\"a\"}]}"),
     ONE("{\"type\":\"string\",\"pattern\":\"a\"}"), PROVEN, 0, 0},
    {"openai", ONE("{\"oneOf\":[" S ",{\"type\":\"integer\"}]}"),
     ONE("{\"anyOf\":[" S ",{\"type\":\"integer\"}]}"), PROVEN, 0, 0},
    {"openai", ONE("{\"type\":\"string\",\"anyOf\":[{\"pattern\":\"a\"},{\"pattern\":\"b\"}]}"),
     ONE("{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"a\"},{\"type\":\"string\",\"pattern\":"
         "\"b\"}]}"),
     PROVEN, 0, 0},
    {"openai", ONE("{\"type\":[\"string\",\"integer\",\"null\"],\"minimum\":1}"),
     ONE("{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1}," S ",{\"type\":\"null\"}]}"), PROVEN, 0,
     0},
    {"openai",
     ONE("{\"allOf\":[{\"type\":\"number\",\"minimum\":1,\"maximum\":9},{\"minimum\":3,\"maximum\":"
         "5}]}"),
     ONE("{\"type\":\"number\",\"minimum\":3,\"maximum\":5}"), PROVEN, 0, 0},
    {"openai",
     ONE("{\"allOf\":[{\"type\":[\"number\",\"string\"]},{\"type\":[\"integer\",\"null\"]}]}"),
     ONE("{\"type\":\"integer\"}"), PROVEN, 0, 0},
    {"openai", ONE("{\"allOf\":[{\"enum\":[\"x\",\"y\"]},{\"enum\":[\"y\",\"z\"]}]}"),
     ONE("{\"type\":\"string\",\"enum\":[\"y\"]}"), PROVEN, 0, 0},
    {"openai", "{\"allOf\":[" ONE(S) ",{\"properties\":{\"b\":" S "}}],\"type\":\"object\"}",
     ONE(S), PROVEN, 0, 0},
    {"gemini",
     "{\"type\":\"object\",\"allOf\":[{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}},"
     "\"required\":[\"a\"]},{\"additionalProperties\":" S "}]}",
     "{\"type\":\"object\",\"properties\":{\"a\":" S
     "},\"required\":[\"a\"],\"additionalProperties\":" S "}",
     PROVEN, 0, 0},
    /* a root that is several objects is one */
    {"openai",
     "{\"anyOf\":[" ONE(S) ",{\"type\":\"object\",\"properties\":{\"b\":" S
                           "},\"required\":[\"b\"]" CLOSE "]}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]},\"b\":{\"type\":["
     "\"string\",\"null\"]}},\"required\":[\"a\",\"b\"]" CLOSE,
     PROVEN, 2, 0},
    {"anthropic", "{\"$ref\":\"#/$defs/r\",\"$defs\":{\"r\":" ONE(S) "}}", ONE(S), PROVEN, 0, 0},
    {"openai",
     "{\"type\":[\"object\",\"null\"],\"properties\":{\"a\":" S "},\"required\":[\"a\"]" CLOSE,
     ONE(S), REFUTED, 0, 1},
    /* references */
    {"openai",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/x "
     "y\"}},\"required\":[\"a\"],\"$defs\":{\"x y\":" S "}" CLOSE,
     "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/"
     "x_y\"}},\"required\":[\"a\"],\"$defs\":{\"x_y\":" S "}" CLOSE,
     PROVEN, 0, 0},
    {"openai",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/"
     "x\",\"description\":\"d\"}},\"required\":[\"a\"],\"$defs\":{\"x\":" S "}" CLOSE,
     ONE(S), PROVEN, 0, 0},
    {"openai",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}"
     "},\"required\":[\"a\"]" CLOSE,
     "{\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
     "root\"},{\"type\":\"null\"}]}},\"required\":[\"a\"],\"$defs\":{\"root\":"
     "{\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
     "root\"},{\"type\":\"null\"}]}},\"required\":[\"a\"]" CLOSE "}" CLOSE,
     PROVEN, 0, 0},
    {"anthropic",
     "{\"type\":\"object\",\"properties\":{\"n\":" S
     ",\"a\":{\"$ref\":\"#\"}},\"required\":[\"n\"]" CLOSE,
     "{\"type\":\"object\",\"properties\":{\"n\":" S
     ",\"a\":{\"type\":\"object\",\"properties\":{\"n\":" S
     ",\"a\":{\"type\":\"object\",\"properties\":{\"n\":" S "},\"required\":[\"n\"]" CLOSE
     "},\"required\":[\"n\"]" CLOSE "},\"required\":[\"n\"]" CLOSE,
     REFUTED, 0, 1},
    /* any value, and contracts that do not say their types */
    {"openai", ONE("true"), ONE(SCALARS), REFUTED, 0, 1},
    {"gemini", ONE("true"), ONE("{}"), PROVEN, 0, 0},
    {"openai", "{\"properties\":{\"a\":" S "},\"required\":[\"a\"]" CLOSE, ONE(S), REFUTED, 0, 1},
    {"gemini", ONE("{\"minimum\":3}"), ONE("{\"type\":\"number\",\"minimum\":3}"), REFUTED, 0, 1},
    /* tuples */
    {"openai",
     ONE("{\"type\":\"array\",\"prefixItems\":[" S ",{\"type\":\"integer\"}],\"items\":false}"),
     ONE("{\"type\":\"array\",\"maxItems\":2,\"items\":{\"anyOf\":[" S
         ",{\"type\":\"integer\"}]}}"),
     PROVEN, 0, 0},
    {"gemini", ONE("{\"type\":\"array\",\"prefixItems\":[" S "],\"items\":false}"),
     ONE("{\"type\":\"array\",\"prefixItems\":[" S "],\"maxItems\":1}"), PROVEN, 0, 0},
    {"openai",
     "{\"$schema\":\"http://json-schema.org/draft-07/"
     "schema#\",\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"items\":[" S
     "],\"additionalItems\":false}},\"required\":[\"a\"]" CLOSE,
     ONE("{\"type\":\"array\",\"maxItems\":1,\"items\":" S "}"), PROVEN, 0, 0},
    /* properties that nothing fits, or that are required and not declared */
    {"openai",
     "{\"type\":\"object\",\"properties\":{\"a\":" S ",\"b\":false},\"required\":[\"a\"]" CLOSE,
     ONE(S), PROVEN, 0, 0},
    {"gemini", "{\"type\":\"object\",\"required\":[\"a\"]}",
     "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"a\"]}", PROVEN, 0, 0},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    return json;
}

static void strip(json_t *json)
{
    const char *name;
    json_t *member;
    size_t i;
    if (json_is_string(json_object_get(json, "description")))
        json_object_del(json, "description");
    json_object_foreach (json, name, member) {
        strip(member);
    }
    json_array_foreach (json, i, member) {
        strip(member);
    }
}

static void lower(const char *target, const char *full, struct provider **ret_provider,
                  struct contract **ret_contract, struct lowering *ret)
{
    json_t *schema = parse(full);
    struct error err;
    ck_assert_int_eq(provider_new(target, ret_provider, &err), ERR_OK);
    ck_assert_msg(contract_compile(schema, NULL, ret_contract, &err) == ERR_OK, "%s: %s", full,
                  err.text);
    provider_lower(*ret_provider, *ret_contract, ret);
    json_decref(schema);
}

START_TEST(each_idiom_is_lowered_and_judged)
{
    const struct lower_row *row = &rows[_i];
    AUTO(provider_freep) struct provider *provider = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct lowering l;
    lower(row->target, row->full, &provider, &contract, &l);
    ck_assert_msg(l.schema != NULL, "row %d: %s", _i, l.reason);
    strip(l.schema);
    json_t *expected = parse(row->lowered);
    char *text = json_dumps(l.schema, JSON_COMPACT);
    ck_assert_msg(json_equal(expected, l.schema), "row %d: %s\nexpected %s\nfound    %s", _i,
                  row->full, row->lowered, text);
    free(text);
    ck_assert_msg(l.verdict == row->verdict, "row %d: %s: %s", _i, verdict_name(l.verdict),
                  l.reason);
    ck_assert_uint_eq(json_array_size(l.drop_nulls), row->drop_nulls);
    ck_assert_uint_eq(json_array_size(l.narrowed), row->narrowed);
    ck_assert_msg(l.left.count == 0, "row %d: %s", _i, l.left.list[0].rule);
    ck_assert((l.witness != NULL) == (row->verdict == REFUTED));
    if (l.witness)
        ck_assert(contract_accepts(contract, l.witness));
    json_decref(expected);
    lowering_done(&l);
}
END_TEST

START_TEST(what_is_dropped_is_told)
{
    AUTO(provider_freep) struct provider *provider = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct lowering l;
    lower("anthropic",
          ONE("{\"type\":\"string\",\"description\":\"Who.\",\"maxLength\":9,\"default\":\"x\"}"),
          &provider, &contract, &l);
    json_t *a = json_object_get(json_object_get(l.schema, "properties"), "a");
    ck_assert_str_eq(json_string_value(json_object_get(a, "description")),
                     "Who. Also holds, as JSON Schema: [{\"maxLength\":9}] Default: \"x\"");
    ck_assert_uint_eq(json_array_size(l.dropped), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(l.dropped, 0), "at")),
                     "/properties/a");
    lowering_done(&l);
}
END_TEST

START_TEST(a_root_that_is_no_object_cannot_be_lowered)
{
    static const char *const roots[] = {
        "true", "{}", S, "{\"type\":\"array\"}", "false", "{\"enum\":[1]}", "{\"anyOf\":[" S "]}"};
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        AUTO(provider_freep) struct provider *provider = NULL;
        AUTO(contract_unrefp) struct contract *contract = NULL;
        struct lowering l;
        lower(i % 2 ? "openai" : "anthropic", roots[i], &provider, &contract, &l);
        ck_assert_msg(l.schema == NULL, "%s", roots[i]);
        ck_assert_int_eq(l.verdict, REFUTED);
        ck_assert_ptr_nonnull(strstr(l.reason, "wrap the value"));
        lowering_done(&l);
    }
}
END_TEST

/* A contract of `depth` objects, each a property of the one before. */
static char *deep(int depth)
{
    AUTO(text_done) struct text text;
    text_init(&text, 1 << 20);
    for (int i = 0; i < depth; i++)
        text_adds(&text, "{\"type\":\"object\",\"properties\":{\"a\":");
    text_adds(&text, S);
    for (int i = 0; i < depth; i++)
        text_adds(&text, "},\"required\":[\"a\"]" CLOSE);
    return text_take(&text);
}

START_TEST(limits_of_size_are_left_over_and_said)
{
    AUTO(provider_freep) struct provider *provider = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    AUTO(freep) char *full = deep(12);
    struct lowering l;
    lower("openai", full, &provider, &contract, &l);
    ck_assert_int_eq(l.verdict, PROVEN);
    ck_assert_uint_eq(l.left.count, 1);
    ck_assert_str_eq(l.left.list[0].rule, "depth");
    lowering_done(&l);
}
END_TEST

/* Schemas that refer to themselves in many ways, or double at each level: they end, and what was
 * given up is told. */
START_TEST(hostile_schemas_end)
{
    static const char *const hostile[] = {
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"$ref\":\"#\"},\"c\":{"
        "\"$ref\":\"#\"},\"d\":{\"$ref\":\"#\"}}" CLOSE,
        "{\"type\":\"object\",\"allOf\":[{\"$ref\":\"#/$defs/"
        "a\"}],\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"$ref\":\"#/$defs/b\"}]},"
        "\"b\":{\"properties\":{\"x\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/"
        "b\"}]}}}}}",
        "{\"type\":\"object\",\"properties\":{\"x\":{\"anyOf\":[{\"anyOf\":[{\"anyOf\":[{\"$ref\":"
        "\"#\"},{\"$ref\":\"#\"}]},{\"$ref\":\"#\"}]},{\"type\":\"array\",\"items\":{\"$ref\":\"#"
        "\"}}]}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/properties/a\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$dynamicRef\":\"#\"}}}",
    };
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        for (size_t p = 0; provider_name(p); p++) {
            AUTO(provider_freep) struct provider *provider = NULL;
            AUTO(contract_unrefp) struct contract *contract = NULL;
            struct lowering l;
            json_t *schema = parse(hostile[i]);
            struct error err;
            ck_assert_int_eq(provider_new(provider_name(p), &provider, &err), ERR_OK);
            if (contract_compile(schema, NULL, &contract, &err) == ERR_OK) {
                provider_lower(provider, contract, &l);
                ck_assert(l.verdict != REFUTED || l.witness != NULL || l.schema == NULL);
                lowering_done(&l);
            }
            json_decref(schema);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lower");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, each_idiom_is_lowered_and_judged, 0, ROWS);
    tcase_add_test(tcase, what_is_dropped_is_told);
    tcase_add_test(tcase, a_root_that_is_no_object_cannot_be_lowered);
    tcase_add_test(tcase, limits_of_size_are_left_over_and_said);
    tcase_add_test(tcase, hostile_schemas_end);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of each provider: for each a schema that breaches it, with the place, and one beside it
 * that does not. A table of data must have no row that no test reads, so the last test asks that
 * each rule of each file was breached here.
 */
#include "provider/provider.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

struct lint_row {
    const char *target, *rule, *place;
    const char *bad, *good;
};

#define OPEN(more)                                                                                 \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]" more  \
    "}"
#define CLOSED OPEN(",\"additionalProperties\":false")
#define ONE(schema)                                                                                \
    "{\"type\":\"object\",\"properties\":{\"a\":" schema                                           \
    "},\"required\":[\"a\"],\"additionalProperties\":false}"
#define DEFS(schema, defs)                                                                         \
    "{\"type\":\"object\",\"properties\":{\"a\":" schema                                           \
    "},\"required\":[\"a\"],\"additionalProperties\":false,\"$defs\":" defs "}"
#define STRING "{\"type\":\"string\"}"

static const struct lint_row rows[] = {
    /* openai */
    {"openai", "root-object", "", "{\"type\":\"array\",\"items\":" STRING "}", CLOSED},
    {"openai", "root-object", "", "{\"anyOf\":[" CLOSED "]}", CLOSED},
    {"openai", "root-object", "", "{\"$ref\":\"#/$defs/o\",\"$defs\":{\"o\":" CLOSED "}}", CLOSED},
    {"openai", "root-object", "",
     "{\"type\":[\"object\",\"null\"],\"properties\":{},\"additionalProperties\":false}", CLOSED},
    {"openai", "typed", "/properties/a", ONE("{}"), ONE("{\"anyOf\":[" STRING "]}")},
    {"openai", "typed", "/properties/a", ONE("true"), ONE(STRING)},
    {"openai", "typed", "/properties/a", ONE("{\"const\":\"x\"}"),
     ONE("{\"type\":\"string\",\"const\":\"x\"}")},
    {"openai", "closed-objects", "", OPEN(""), CLOSED},
    {"openai", "closed-objects", "/properties/a",
     ONE("{\"type\":\"object\",\"additionalProperties\":" STRING "}"), ONE(CLOSED)},
    {"openai", "all-required", "/properties/a/properties/b",
     ONE("{\"type\":\"object\",\"properties\":{\"b\":" STRING "},\"additionalProperties\":false}"),
     ONE(CLOSED)},
    {"openai", "array-items", "/properties/a", ONE("{\"type\":\"array\"}"),
     ONE("{\"type\":\"array\",\"items\":" STRING "}")},
    {"openai", "keywords", "/properties/a/minLength", ONE("{\"type\":\"string\",\"minLength\":1}"),
     ONE("{\"type\":\"string\",\"pattern\":\"a\"}")},
    {"openai", "keywords", "/properties/a/uniqueItems",
     ONE("{\"type\":\"array\",\"items\":" STRING ",\"uniqueItems\":true}"),
     ONE("{\"type\":\"array\",\"items\":" STRING ",\"minItems\":2,\"maxItems\":3}")},
    {"openai", "keywords", "/properties/a/default", ONE("{\"type\":\"string\",\"default\":\"\"}"),
     ONE("{\"type\":\"string\",\"description\":\"d\"}")},
    {"openai", "composition", "/properties/a/allOf",
     ONE("{\"type\":\"string\",\"allOf\":[" STRING "]}"),
     ONE("{\"anyOf\":[" STRING ",{\"type\":\"null\"}]}")},
    {"openai", "composition", "/properties/a/if", ONE("{\"type\":\"string\",\"if\":true}"),
     ONE(STRING)},
    {"openai", "one-of", "/properties/a/oneOf", ONE("{\"oneOf\":[" STRING "]}"),
     ONE("{\"anyOf\":[" STRING "]}")},
    {"openai", "formats", "/properties/a/format", ONE("{\"type\":\"string\",\"format\":\"uri\"}"),
     ONE("{\"type\":\"string\",\"format\":\"uuid\"}")},
    {"openai", "local-refs", "/properties/a/$ref", ONE("{\"$ref\":\"other.json\"}"),
     DEFS("{\"$ref\":\"#/$defs/s\"}", "{\"s\":" STRING "}")},
    {"openai", "bare-refs", "/properties/a/description",
     DEFS("{\"$ref\":\"#/$defs/s\",\"description\":\"d\"}", "{\"s\":" STRING "}"),
     DEFS("{\"$ref\":\"#/$defs/s\"}", "{\"s\":" STRING "}")},
    {"openai", "depth", "", ONE(ONE(ONE(ONE(ONE(ONE(ONE(ONE(ONE(ONE(ONE(STRING))))))))))),
     ONE(ONE(ONE(ONE(ONE(ONE(ONE(ONE(ONE(ONE(STRING))))))))))},
    /* anthropic */
    {"anthropic", "root-object", "", "{\"type\":\"string\"}", CLOSED},
    {"anthropic", "typed", "/properties/a", ONE("{\"enum\":[1]}"),
     ONE("{\"type\":\"integer\",\"enum\":[1]}")},
    {"anthropic", "closed-objects", "", OPEN(",\"additionalProperties\":true"), CLOSED},
    {"anthropic", "keywords", "/properties/a/propertyNames",
     ONE("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false,"
         "\"propertyNames\":" STRING "}"),
     ONE("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false,\"default\":{}}")},
    {"anthropic", "numeric-bounds", "/properties/a/minimum",
     ONE("{\"type\":\"integer\",\"minimum\":0}"), ONE("{\"type\":\"integer\"}")},
    {"anthropic", "length-bounds", "/properties/a/maxLength",
     ONE("{\"type\":\"string\",\"maxLength\":9}"), ONE(STRING)},
    {"anthropic", "array-bounds", "/properties/a/maxItems",
     ONE("{\"type\":\"array\",\"items\":" STRING ",\"maxItems\":9}"),
     ONE("{\"type\":\"array\",\"items\":" STRING "}")},
    {"anthropic", "min-items", "/properties/a/minItems",
     ONE("{\"type\":\"array\",\"items\":" STRING ",\"minItems\":2}"),
     ONE("{\"type\":\"array\",\"items\":" STRING ",\"minItems\":1}")},
    {"anthropic", "one-of", "/properties/a/oneOf", ONE("{\"oneOf\":[" STRING "]}"),
     ONE("{\"anyOf\":[" STRING "]}")},
    {"anthropic", "enum-types", "/properties/a/enum/1",
     ONE("{\"type\":\"array\",\"items\":" STRING ",\"enum\":[null,[\"x\"]]}"),
     ONE("{\"type\":[\"string\",\"null\"],\"enum\":[null,\"x\"]}")},
    {"anthropic", "enum-types", "/properties/a/const",
     ONE("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false,\"const\":{}}"),
     ONE("{\"type\":\"string\",\"const\":\"x\"}")},
    {"anthropic", "formats", "/properties/a/format",
     ONE("{\"type\":\"string\",\"format\":\"iri\"}"),
     ONE("{\"type\":\"string\",\"format\":\"uri\"}")},
    {"anthropic", "patterns", "/properties/a/pattern",
     ONE("{\"type\":\"string\",\"pattern\":\"^(?!0)\"}"),
     ONE("{\"type\":\"string\",\"pattern\":\"^[(?!0)]+$\"}")},
    {"anthropic", "patterns", "/properties/a/pattern",
     ONE("{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"}"),
     ONE("{\"type\":\"string\",\"pattern\":\"(a)\\\\\\\\1\"}")},
    {"anthropic", "patterns", "/properties/a/pattern",
     ONE("{\"type\":\"string\",\"pattern\":\"\\\\bx\"}"),
     ONE("{\"type\":\"string\",\"pattern\":\"[\\\\b]x\"}")},
    {"anthropic", "patterns", "/properties/a/pattern",
     ONE("{\"type\":\"string\",\"pattern\":\"a{1,5000}\"}"),
     ONE("{\"type\":\"string\",\"pattern\":\"a{1,50}\"}")},
    {"anthropic", "local-refs", "/properties/a/$ref",
     ONE("{\"$ref\":\"https://example.com/s.json\"}"),
     DEFS("{\"$ref\":\"#/$defs/s\"}", "{\"s\":" STRING "}")},
    {"anthropic", "no-recursion", "/$defs/n/properties/a/$ref",
     DEFS("{\"$ref\":\"#/$defs/n\"}", "{\"n\":" ONE("{\"$ref\":\"#/$defs/n\"}") "}"),
     DEFS("{\"$ref\":\"#/$defs/n\"}",
          "{\"n\":" ONE("{\"$ref\":\"#/$defs/s\"}") ",\"s\":" STRING "}")},
    {"anthropic", "all-of-refs", "/properties/a/allOf/0",
     DEFS("{\"allOf\":[{\"$ref\":\"#/$defs/s\"}]}", "{\"s\":" STRING "}"),
     ONE("{\"allOf\":[" STRING "]}")},
    /* gemini */
    {"gemini", "keywords", "/properties/a/pattern", ONE("{\"type\":\"string\",\"pattern\":\"a\"}"),
     ONE("{\"type\":\"integer\",\"minimum\":0}")},
    {"gemini", "keywords", "/properties/a/const", ONE("{\"type\":\"string\",\"const\":\"a\"}"),
     ONE("{\"type\":\"string\",\"enum\":[\"a\"]}")},
    {"gemini", "one-of", "/oneOf", "{\"oneOf\":[" STRING "]}", "{\"anyOf\":[" STRING "]}"},
    {"gemini", "enum-types", "/enum/0", "{\"type\":\"boolean\",\"enum\":[true]}",
     "{\"type\":\"boolean\"}"},
    {"gemini", "formats", "/format", "{\"type\":\"string\",\"format\":\"email\"}",
     "{\"type\":\"string\",\"format\":\"date\"}"},
    {"gemini", "local-refs", "/properties/a/$ref", ONE("{\"$ref\":\"o.json\"}"),
     DEFS("{\"$ref\":\"#/$defs/s\"}", "{\"s\":" STRING "}")},
    {"gemini", "bare-refs", "/properties/a/title",
     DEFS("{\"$ref\":\"#/$defs/s\",\"title\":\"t\"}", "{\"s\":" STRING "}"),
     DEFS("{\"$ref\":\"#/$defs/s\",\"$anchor\":\"t\"}", "{\"s\":" STRING "}")},
    {"gemini", "optional-recursion", "/$defs/n/properties/a/$ref",
     DEFS("{\"$ref\":\"#/$defs/n\"}", "{\"n\":" ONE("{\"$ref\":\"#/$defs/n\"}") "}"),
     DEFS("{\"$ref\":\"#/$defs/n\"}",
          "{\"n\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}}}}")},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    return json;
}

static struct provider *provider_of(const char *name)
{
    struct provider *provider = NULL;
    struct error err;
    ck_assert_msg(provider_new(name, &provider, &err) == ERR_OK, "%s", err.text);
    return provider;
}

static const struct breach *find(const struct breaches *b, const char *rule, const char *place)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->list[i].rule, rule) == 0 && (!place || strcmp(b->list[i].place, place) == 0))
            return &b->list[i];
    return NULL;
}

START_TEST(each_rule_finds_its_breach_and_no_other)
{
    const struct lint_row *row = &rows[_i];
    AUTO(provider_freep) struct provider *provider = provider_of(row->target);
    json_t *bad = parse(row->bad), *good = parse(row->good);
    struct breaches breaches;
    ck_assert(!provider_lint(provider, bad, &breaches));
    const struct breach *found = find(&breaches, row->rule, row->place);
    ck_assert_msg(found != NULL, "row %d: %s finds no %s at %s in %s (first: %s at %s)", _i,
                  row->target, row->rule, row->place, row->bad, breaches.list[0].rule,
                  breaches.list[0].place);
    ck_assert(*found->says && *found->cure && *found->source);
    ck_assert_uint_eq(strlen(found->looked_up), strlen("2026-11-22"));
    breaches_done(&breaches);
    provider_lint(provider, good, &breaches);
    ck_assert_msg(breaches.count == 0, "row %d: %s at %s of %s", _i, breaches.list[0].rule,
                  breaches.list[0].place, row->good);
    breaches_done(&breaches);
    json_decref(bad);
    json_decref(good);
}
END_TEST

START_TEST(only_gemini_ignores)
{
    for (size_t i = 0; provider_name(i); i++) {
        AUTO(provider_freep) struct provider *provider = provider_of(provider_name(i));
        json_t *schema = parse(ONE("{\"type\":\"string\",\"minLength\":1}"));
        struct breaches breaches;
        ck_assert(!provider_lint(provider, schema, &breaches));
        ck_assert_int_eq(breaches.list[0].ignored, strcmp(provider_name(i), "gemini") == 0);
        breaches_done(&breaches);
        json_decref(schema);
    }
}
END_TEST

/* ---- limits ---- */

/* A closed object of `count` properties, each this schema, of which `required` are required. */
static json_t *wide(int count, int required, const char *schema)
{
    json_t *properties = json_object(), *names = json_array();
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        json_object_set_new(properties, name, parse(schema));
        if (i < required)
            json_array_append_new(names, json_string(name));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     names, "additionalProperties", 0);
}

static json_t *enumeration(int count, size_t length)
{
    json_t *values = json_array();
    for (int i = 0; i < count; i++) {
        char text[128];
        snprintf(text, sizeof(text), "%0*d", (int)length, i);
        json_array_append_new(values, json_string(text));
    }
    return json_pack("{s:s, s:{s:{s:s, s:o}}, s:[s], s:b}", "type", "object", "properties", "a",
                     "type", "string", "enum", values, "required", "a", "additionalProperties", 0);
}

static void limited(const char *target, const char *rule, json_t *over, json_t *at)
{
    AUTO(provider_freep) struct provider *provider = provider_of(target);
    struct breaches breaches;
    provider_lint(provider, over, &breaches);
    ck_assert_msg(find(&breaches, rule, NULL) != NULL, "%s: no %s", target, rule);
    breaches_done(&breaches);
    provider_lint(provider, at, &breaches);
    ck_assert_msg(breaches.count == 0, "%s: %s", target, breaches.list[0].rule);
    breaches_done(&breaches);
    json_decref(over);
    json_decref(at);
}

static const char *const counted[] = {"properties", "enum-values", "enum-text", "names-text"};
static const char *const budgeted[] = {"optional", "unions"};

START_TEST(limits_hold_at_their_number_and_break_above)
{
    static const char nullable[] = "{\"type\":[\"string\",\"null\"]}";
    limited("openai", counted[0], wide(5001, 5001, STRING), wide(5000, 5000, STRING));
    limited("openai", counted[1], enumeration(1001, 4), enumeration(1000, 4));
    limited("openai", counted[2], enumeration(251, 60), enumeration(250, 60));
    limited("openai", counted[3], enumeration(1000, 121), enumeration(250, 121));
    limited("anthropic", budgeted[0], wide(25, 0, STRING), wide(30, 6, STRING));
    limited("anthropic", budgeted[1], wide(17, 17, nullable), wide(16, 16, nullable));
}
END_TEST

static bool is_tested(const char *target, const char *rule)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].target, target) == 0 && strcmp(rows[i].rule, rule) == 0)
            return true;
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
        if (strcmp(target, "openai") == 0 && strcmp(counted[i], rule) == 0)
            return true;
    for (size_t i = 0; i < sizeof(budgeted) / sizeof(budgeted[0]); i++)
        if (strcmp(target, "anthropic") == 0 && strcmp(budgeted[i], rule) == 0)
            return true;
    return false;
}

START_TEST(every_rule_of_every_file_is_breached_here)
{
    for (size_t p = 0; provider_name(p); p++) {
        AUTO(freep)
        char *path = xasprintf(SOURCE_ROOT "/schemas/providers/%s.json", provider_name(p));
        json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, NULL), *rule;
        size_t i;
        ck_assert_str_eq(json_string_value(json_object_get(file, "provider")), provider_name(p));
        json_array_foreach (json_object_get(file, "rules"), i, rule) {
            const char *id = json_string_value(json_object_get(rule, "id"));
            ck_assert_msg(is_tested(provider_name(p), id), "%s: %s", provider_name(p), id);
        }
        json_decref(file);
    }
}
END_TEST

START_TEST(an_unknown_provider_is_told_who_there_is)
{
    struct provider *provider = NULL;
    struct error err;
    ck_assert_int_eq(provider_new("gemnii", &provider, &err), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean gemini?"));
    ck_assert_ptr_nonnull(strstr(err.text, "openai, anthropic or gemini"));
    ck_assert_int_eq(provider_new("", &provider, &err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(findings_have_a_limit)
{
    AUTO(provider_freep) struct provider *provider = provider_of("openai");
    json_t *schema = wide(3000, 0, "{}");
    struct breaches breaches;
    ck_assert(!provider_lint(provider, schema, &breaches));
    ck_assert(breaches.more);
    ck_assert_uint_eq(breaches.count, 1000);
    breaches_done(&breaches);
    json_decref(schema);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, each_rule_finds_its_breach_and_no_other, 0, ROWS);
    tcase_add_test(tcase, only_gemini_ignores);
    tcase_add_test(tcase, limits_hold_at_their_number_and_break_above);
    tcase_add_test(tcase, every_rule_of_every_file_is_breached_here);
    tcase_add_test(tcase, an_unknown_provider_is_told_who_there_is);
    tcase_add_test(tcase, findings_have_a_limit);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

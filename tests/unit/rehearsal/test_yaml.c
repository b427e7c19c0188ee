/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written as YAML is read back as what it was, however odd.
 */
#include "rehearsal/rehearsal_internal.h"

#include "unit.h"

static void comes_back(const char *json, size_t open)
{
    struct error err;
    json_t *value = NULL;
    struct document *document = NULL;
    struct text text;
    text_init(&text, SIZE_MAX / 2);
    enum error_code code = json_read(slice_of(json), LIMIT_FILE, &value, &err);
    ck_assert_msg(code == ERR_OK, "%s: %s", json, err.text);
    yaml_write(value, 0, open, &text);
    code = document_parse(text_slice(&text), "x.yaml", &document, &err);
    ck_assert_msg(code == ERR_OK, "%s\n%s", err.text, text_str(&text));
    ck_assert_msg(json_equal(value, document_root(document)), "%s came back otherwise:\n%s", json,
                  text_str(&text));
    document_free(document);
    text_done(&text);
    json_decref(value);
}

START_TEST(every_value_comes_back)
{
    static const char *const values[] = {
        "{\"a\": 1, \"b\": -0.5, \"c\": 1e300, \"d\": null, \"e\": true, \"f\": \"true\"}",
        "{\"no\": \"no\", \"y\": \"Y\", \"1\": \"1\", \"1e5\": \"1e5\", \"0x1f\": \"0x1f\", \"\": "
        "\"\"}",
        "{\"a: b\": \"c: d\", \"#\": \"x #y\", \"- z\": \"- z\", \"&a\": \"*a\", \"!t\": \"|\", "
        "\"%\": \"@\"}",
        "{\"line\": \"one\\ntwo\\n\", \"tab\": \"\\t\", \"quote\": \"\\\"\\\\\", \"nul\": "
        "\"a\\u0001b\"}",
        "{\"del\": \"\\u007f\", \"c1\": \"\\u0085\\u009f\", \"bom\": \"\\ufeff\", \"ls\": "
        "\"\\u2028\"}",
        "{\"euro\": \"€\", \"smile\": \"😀\", \"e\": {}, \"l\": [], \"ll\": [[], [[]], {}]}",
        "[1, [2, [3, {\"a\": [4]}]], {\"b\": {\"c\": {\"d\": []}}}]",
        "[{\"a\": [{\"b\": 1}, {\"c\": 2}], \"d\": 3}, \"e\", {\"f\": {\"g\": null}}]",
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (size_t open = 0; open < 6; open++)
            comes_back(values[i], open);
}
END_TEST

START_TEST(long_values_become_blocks)
{
    struct text text;
    text_init(&text, SIZE_MAX / 2);
    json_t *value =
        json_pack("{s:{s:s, s:[{s:s, s:i}, i]}, s:{s:s}}", "a", "long",
                  "a text that is so long that it cannot be on a line with all the rest", "list",
                  "first", "another text of some length", "second", 2, 3, "b", "c", "d");
    yaml_write(value, 2, 0, &text);
    ck_assert_str_eq(text_str(&text),
                     "  a:\n"
                     "    long: \"a text that is so long that it cannot be on a line with all the "
                     "rest\"\n"
                     "    list: [{first: \"another text of some length\", second: 2}, 3]\n"
                     "  b: {c: d}\n");
    text_done(&text);
    json_decref(value);
}
END_TEST

UNIT_MAIN(every_value_comes_back, long_values_become_blocks)

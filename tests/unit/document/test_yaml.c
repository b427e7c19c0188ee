/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML is a spelling of JSON, and what is not is refused at its place.
 */
#include "document/document.h"
#include "unit.h"

#include <string.h>

static struct document *parse(const char *yaml)
{
    struct document *document = NULL;
    struct error error = {0};
    enum error_code e = document_parse(slice_of(yaml), "t.yaml", &document, &error);
    ck_assert_msg(e == ERR_OK, "%s", error.text);
    return document;
}

static void expect_json(const char *yaml, const char *json)
{
    AUTO(document_freep) struct document *document = parse(yaml);
    AUTO(text_done) struct text out;
    text_init(&out, 1 << 20);
    json_write(document_root(document), &out);
    ck_assert_str_eq(text_str(&out), json);
}

static void expect_error(struct slice yaml, enum error_code code, const char *begins,
                         const char *holds)
{
    struct document *document = NULL;
    struct error error = {0};
    enum error_code e = document_parse(yaml, "t.yaml", &document, &error);
    ck_assert_msg(e == code, "code %d, %s", (int)e, error.text);
    ck_assert_msg(strncmp(error.text, begins, strlen(begins)) == 0, "%s", error.text);
    ck_assert_msg(strstr(error.text, holds) != NULL, "%s", error.text);
}

START_TEST(yaml_scalars_are_those_of_the_core_schema)
{
    expect_json("[null, Null, NULL, ~, {a: , b}, \"null\"]",
                "[null,null,null,null,{\"a\":null,\"b\":null},\"null\"]");
    expect_json("[true, True, FALSE, 'true', yes, No, on, off, y]",
                "[true,true,false,\"true\",\"yes\",\"No\",\"on\",\"off\",\"y\"]");
    expect_json("[0, -0, +7, 007, 0o17, 0xfF, 9223372036854775807, -9223372036854775808]",
                "[0,0,7,7,15,255,9223372036854775807,-9223372036854775808]");
    expect_json("[1.5, .5, 1., -1e3, 1E-2, +0.1]", "[1.5,0.5,1.0,-1000.0,0.01,0.1]");
    expect_json("[1_000, 12:30, 2026-01-01, 1.0.0, 0o8, 0x, e5, ., -, +]",
                "[\"1_000\",\"12:30\",\"2026-01-01\",\"1.0.0\",\"0o8\",\"0x\",\"e5\",\".\",\"-\","
                "\"+\"]");
    expect_json("a: |\n  one\n  two\nb: >-\n  one\n  two\n",
                "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}");
    expect_json("[!!str 1, !!int 1, !!float 1.0, !!bool true, ! '5', !!map {}, !!seq [], !!null ~]",
                "[\"1\",1,1.0,true,\"5\",{},[],null]");
    expect_json("\xEF\xBB\xBF"
                "a: \"\\u00e9\\x00\"",
                "{\"a\":\"\xC3\xA9\\u0000\"}");
}
END_TEST

START_TEST(yaml_refuses_numbers_that_json_has_not)
{
    expect_error(SLICE("a: .inf"), ERR_INPUT, "t.yaml:1:4: ", "not a number that JSON has");
    expect_error(SLICE("a: -.INF"), ERR_INPUT, "t.yaml:1:4: ", "quote it");
    expect_error(SLICE("a: .nan"), ERR_INPUT, "t.yaml:1:4: ", "quote it");
    expect_error(SLICE("a: 1e999"), ERR_INPUT, "t.yaml:1:4: ", "too big");
    expect_error(SLICE("- 9223372036854775808"), ERR_INPUT, "t.yaml:1:3: ", "64 bits");
    expect_error(SLICE("- 0xffffffffffffffffff"), ERR_INPUT, "t.yaml:1:3: ", "64 bits");
    expect_error(SLICE("- !!int x"), ERR_INPUT, "t.yaml:1:3: ", "tag !int");
}
END_TEST

START_TEST(yaml_refuses_a_second_key_and_names_the_first)
{
    expect_error(SLICE("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n"), ERR_INPUT,
                 "t.yaml:5:3: ", "\"c\" is here a second time, first at 3:3");
    expect_error(SLICE("{a: 1, \"a\": 2}"), ERR_INPUT, "t.yaml:1:8: ", "first at 1:2");
}
END_TEST

START_TEST(yaml_keys_are_strings)
{
    expect_error(SLICE("a: {1: x}"), ERR_INPUT, "t.yaml:1:5: ", "write \"1\" in quotes");
    expect_error(SLICE("true: x"), ERR_INPUT, "t.yaml:1:1: ", "write \"true\" in quotes");
    expect_error(SLICE("? [a]\n: b"), ERR_INPUT, "t.yaml:1:3: ", "found a sequence");
    expect_error(SLICE("? {a: b}\n: b"), ERR_INPUT, "t.yaml:1:3: ", "found a mapping");
    expect_error(SLICE("a: &x k\n*x : b"), ERR_INPUT, "t.yaml:2:1: ", "alias");
    expect_error(SLICE("\"a\\0b\": 1"), ERR_INPUT, "t.yaml:1:1: ", "NUL");
    expect_json("on: 1\nyes: 2\n\"1\": 3\n'<<': 4", "{\"on\":1,\"yes\":2,\"1\":3,\"<<\":4}");
}
END_TEST

START_TEST(yaml_refuses_what_json_cannot_spell)
{
    expect_error(SLICE("a: &a {x: 1}\nb:\n  <<: *a\n"), ERR_INPUT, "t.yaml:3:3: ", "merge keys");
    expect_error(SLICE("a: !ruby/object x"), ERR_INPUT, "t.yaml:1:4: ", "tag !ruby/object");
    expect_error(SLICE("a: !!set {x: }"), ERR_INPUT, "t.yaml:1:4: ", "tag !set");
    expect_error(SLICE("a: 1\n---\nb: 2\n"), ERR_INPUT, "t.yaml:2:1: ", "second document");
    expect_error(SLICE("%YAML 1.1\n---\na: 1\n"), ERR_INPUT, "t.yaml:1:1: ", "YAML 1.2");
    expect_error(SLICE(""), ERR_INPUT, "t.yaml:1:1: ", "nothing in it");
    expect_error(SLICE("# only this\n"), ERR_INPUT, "t.yaml:2:1: ", "nothing in it");
}
END_TEST

START_TEST(yaml_malformed_is_said_with_place_and_cure)
{
    expect_error(SLICE("a: 1\n\tb: 2\n"), ERR_INPUT, "t.yaml:2:", "tabs");
    expect_error(SLICE("a: @home"), ERR_INPUT, "t.yaml:1:4: ", "in quotes");
    expect_error(SLICE("x: {goal: ${ .input.goal }}"), ERR_INPUT, "t.yaml:1:", "in quotes");
    expect_error(SLICE("a: b: c"), ERR_INPUT, "t.yaml:1:5: ", "in quotes");
    expect_error(SLICE("a: [1, 2\nb: 3"), ERR_INPUT, "t.yaml:2:", "bad YAML");
    expect_error(SLICE("a: \"open\nb: 1\n"), ERR_INPUT, "t.yaml:3:1: ", "bad YAML");
    expect_error(SLICE("a: \xff"), ERR_INPUT, "t.yaml:1:4: ", "byte 0xff is not UTF-8");
    expect_error(SLICE("\xC3\xA9: \xed\xa0\x80"), ERR_INPUT, "t.yaml:1:4: ", "0xed");
    expect_error(SLICE("a: b\nc: \x01"), ERR_INPUT, "t.yaml:2:4: ", "control characters");
    expect_error(SLICE("a: \"\\ud800\""), ERR_INPUT, "t.yaml:1:", "bad YAML");
}
END_TEST

START_TEST(yaml_aliases_share_the_value_of_their_anchor)
{
    expect_json("a: &x {k: [1, 2]}\nb: *x\nc: [*x]\n",
                "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]},\"c\":[{\"k\":[1,2]}]}");
    expect_json("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}");
    expect_json("&k key: 1\nb: *k\n", "{\"key\":1,\"b\":\"key\"}");
    expect_error(SLICE("a: *x"), ERR_INPUT, "t.yaml:1:4: ", "no anchor &x");
    expect_error(SLICE("a: &x [*x]"), ERR_INPUT, "t.yaml:1:8: ", "cannot hold itself");
}
END_TEST

START_TEST(yaml_aliases_are_bounded_in_what_they_mean)
{
    AUTO(text_done) struct text laughs;
    text_init(&laughs, 1 << 20);
    text_adds(&laughs, "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        text_addf(&laughs, "b%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            text_addf(&laughs, "%s*a%d", k ? ", " : "", i - 1);
        text_adds(&laughs, "]\n");
    }
    expect_error(text_slice(&laughs), ERR_LIMIT, "t.yaml:6:", "LIMIT_YAML_NODES");

    text_clear(&laughs);
    text_adds(&laughs, "a0: &a0 []\n");
    for (int i = 1; i < 140; i++)
        text_addf(&laughs, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    expect_error(text_slice(&laughs), ERR_LIMIT, "t.yaml:128:", "LIMIT_DEPTH");

    text_clear(&laughs);
    for (int i = 0; i <= LIMIT_YAML_ANCHORS; i++)
        text_addf(&laughs, "- &a%d x\n", i);
    expect_error(text_slice(&laughs), ERR_LIMIT, "t.yaml:1001:", "LIMIT_YAML_ANCHORS");
}
END_TEST

START_TEST(yaml_depth_is_bounded_in_both_styles)
{
    AUTO(text_done) struct text deep;
    text_init(&deep, 1 << 20);
    for (int i = 0; i < LIMIT_DEPTH; i++)
        text_addc(&deep, '[');
    for (int i = 0; i < LIMIT_DEPTH; i++)
        text_addc(&deep, ']');
    document_free(parse(text_str(&deep)));
    text_clear(&deep);
    for (int i = 0; i < 100000; i++)
        text_addc(&deep, '[');
    expect_error(text_slice(&deep), ERR_LIMIT, "t.yaml:1:129: ", "LIMIT_DEPTH");
    text_clear(&deep);
    for (int i = 0; i < 1000; i++)
        text_adds(&deep, "- ");
    expect_error(text_slice(&deep), ERR_LIMIT, "t.yaml:1:257: ", "LIMIT_DEPTH");
}
END_TEST

UNIT_MAIN(yaml_scalars_are_those_of_the_core_schema, yaml_refuses_numbers_that_json_has_not,
          yaml_refuses_a_second_key_and_names_the_first, yaml_keys_are_strings,
          yaml_refuses_what_json_cannot_spell, yaml_malformed_is_said_with_place_and_cure,
          yaml_aliases_share_the_value_of_their_anchor, yaml_aliases_are_bounded_in_what_they_mean,
          yaml_depth_is_bounded_in_both_styles)

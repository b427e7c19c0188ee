/* SPDX-License-Identifier: Apache-2.0
 *
 * Containment by the theories of each type: numbers, strings and patterns, arrays, objects.
 */
#include "contain_test.h"

#define NUMBER(rest)  "{'type':'number'," rest "}"
#define INTEGER(rest) "{'type':'integer'," rest "}"
#define STRING(rest)  "{'type':'string'," rest "}"
#define ARRAY(rest)   "{'type':'array'," rest "}"
#define OBJECT(rest)  "{'type':'object'," rest "}"

START_TEST(intervals_have_open_and_closed_ends)
{
    assert_narrower("{'minimum':2}", "{'minimum':1.5}");
    assert_narrower("{'exclusiveMinimum':1}", "{'minimum':1}");
    assert_narrower("{'maximum':1}", "{'exclusiveMaximum':1.0000001}");
    assert_same(INTEGER("'exclusiveMinimum':1"), INTEGER("'minimum':2"));
    assert_same(INTEGER("'exclusiveMinimum':0,'exclusiveMaximum':3"), "{'enum':[1,2]}");
    assert_proven(NUMBER("'minimum':2,'maximum':1"), "false");
    assert_proven(NUMBER("'exclusiveMinimum':1,'maximum':1"), "false");
    assert_same(NUMBER("'minimum':1,'maximum':1"), "{'const':1}");
    assert_proven("true", "{'anyOf':[{'minimum':0},{'maximum':0}]}");
    assert_refuted("true", "{'anyOf':[{'exclusiveMinimum':0},{'exclusiveMaximum':0}]}");
}
END_TEST

START_TEST(multiples_are_counted_exactly)
{
    assert_narrower("{'multipleOf':6}", "{'multipleOf':3}");
    assert_narrower("{'multipleOf':0.3}", "{'multipleOf':0.1}");
    assert_narrower("{'multipleOf':2}", "{'type':['null','boolean','integer','string','array',"
                                        "'object']}");
    assert_same("{'allOf':[{'multipleOf':4},{'multipleOf':6}]}", "{'multipleOf':12}");
    assert_same("{'allOf':[{'multipleOf':0.5},{'multipleOf':0.2}]}", "{'multipleOf':1}");
    assert_same(NUMBER("'multipleOf':5,'minimum':1,'maximum':14"), "{'enum':[5,10]}");
    assert_proven(NUMBER("'multipleOf':5,'minimum':1,'maximum':4"), "false");
    assert_refuted("{'multipleOf':0.1}", "{'multipleOf':0.2}");
    assert_refuted(INTEGER("'minimum':9007199254740990"), "{'maximum':9007199254740993}");
}
END_TEST

START_TEST(lengths_are_intervals)
{
    assert_narrower("{'minLength':3}", "{'minLength':2}");
    assert_narrower("{'maxLength':3}", "{'maxLength':4}");
    assert_proven(STRING("'minLength':3,'maxLength':2"), "false");
    assert_same(STRING("'maxLength':0"), "{'const':''}");
    assert_refuted(STRING("'minLength':2"), "{'maxLength':300}");
}
END_TEST

START_TEST(patterns_are_compared_as_languages)
{
    assert_narrower(STRING("'pattern':'^[a-f]+$'"), STRING("'pattern':'^[a-z]+$'"));
    assert_narrower(STRING("'pattern':'^abc'"), STRING("'pattern':'^a'"));
    assert_narrower(STRING("'pattern':'^abc$'"), STRING("'pattern':'b'"));
    assert_same(STRING("'pattern':'^(ab)*$'"), STRING("'pattern':'^(?:(?:ab)+|)$'"));
    assert_same(STRING("'pattern':'^[ab]{2}$'"), "{'enum':['aa','ab','ba','bb']}");
    assert_same(STRING("'pattern':'^.{2,4}$'"),
                STRING("'minLength':2,'maxLength':4,'pattern':'^.*$'"));
    assert_proven(STRING("'pattern':'^a{3}$'"), "{'maxLength':3,'minLength':3}");
    assert_refuted(STRING("'pattern':'^a{3}$'"), "{'maxLength':2}");
    assert_proven(STRING("'allOf':[{'pattern':'^a'},{'pattern':'^b'}]"), "false");
    assert_proven("true", "{'anyOf':[{'pattern':'^a'},{'pattern':'^([^a]|$)'}]}");
    assert_refuted("true", "{'anyOf':[{'pattern':'^a'},{'pattern':'^[^a]'}]}");
    assert_proven(STRING("'pattern':'^\\\\d+$'"), "{'pattern':'^\\\\w+$'}");
    assert_refuted(STRING("'pattern':'^\\\\w+$'"), "{'pattern':'^\\\\d+$'}");
}
END_TEST

START_TEST(characters_are_characters_and_not_bytes)
{
    assert_same(STRING("'pattern':'^é$'"), "{'const':'é'}");
    assert_proven(STRING("'pattern':'^[α-ω]{3}$'"), "{'maxLength':3}");
    assert_refuted(STRING("'maxLength':1"), "{'pattern':'^[\\\\u0000-\\\\uffff]?$'}");
    assert_refuted("true", "{'pattern':'^.*$'}"); /* a line's end */
    assert_same(STRING("'pattern':'^[^]*$'"), "{'type':'string'}");
}
END_TEST

START_TEST(anchors_hold_anywhere_in_a_pattern)
{
    assert_same(STRING("'pattern':'^$|^$^$'"), "{'const':''}");
    assert_proven(STRING("'pattern':'a^b'"), "false");
    assert_same(STRING("'pattern':'a|$^'"), STRING("'pattern':'a|^$'"));
    assert_refuted("true", "{'pattern':'$^'}");
    assert_proven("{'type':'string'}", "{'pattern':'$'}");
}
END_TEST

START_TEST(formats_are_equal_by_name)
{
    assert_narrower(STRING("'format':'date','minLength':3"), "{'format':'date'}");
    assert_refuted("{'type':'string'}", "{'format':'ipv4'}");
    assert_refuted("{'format':'uuid'}", "{'format':'ipv6'}");
    assert_proven(STRING("'format':'date'"), "{'minLength':10,'maxLength':10}");
    assert_proven(STRING("'format':'uuid'"), "{'not':{'format':'date'}}");
    assert_refuted(STRING("'format':'date'"), "{'pattern':'^1'}");
    assert_proven(STRING("'allOf':[{'format':'date'},{'not':{'format':'date'}}]"), "false");
}
END_TEST

START_TEST(items_are_compared_by_position)
{
    assert_narrower("{'items':{'type':'integer'}}", "{'items':{'type':'number'}}");
    assert_same("{'prefixItems':[{'const':1}],'items':{'const':1}}", "{'items':{'const':1.0}}");
    assert_proven(ARRAY("'prefixItems':[{'type':'string'}],'items':false"), "{'maxItems':1}");
    assert_refuted(ARRAY("'prefixItems':[{'type':'string'}]"), "{'maxItems':1}");
    assert_proven(ARRAY("'items':false"), "{'const':[]}");
    assert_proven(ARRAY("'minItems':2,'prefixItems':[true,false]"), "false");
    assert_same(ARRAY("'maxItems':1,'items':{'type':'boolean'}"), "{'enum':[[],[true],[false]]}");
    assert_narrower("{'minItems':3}", "{'minItems':2}");
}
END_TEST

START_TEST(contains_counts)
{
    assert_proven(ARRAY("'items':{'type':'string'},'minItems':1"),
                  "{'contains':{'type':'string'}}");
    assert_refuted(ARRAY("'items':{'type':'string'}"), "{'contains':{'type':'string'}}");
    assert_narrower("{'contains':{'type':'integer'}}", "{'contains':{'type':'number'}}");
    assert_narrower("{'contains':{'const':1},'minContains':3}",
                    "{'contains':{'const':1},'minContains':2}");
    assert_narrower("{'contains':{'type':'number'},'minContains':0,'maxContains':1}",
                    "{'contains':{'const':1},'minContains':0,'maxContains':2}");
    assert_proven(ARRAY("'items':{'type':'string'},'contains':{'type':'null'}"), "false");
    assert_proven(ARRAY("'maxItems':1,'allOf':[{'contains':{'const':1}},{'contains':{'const':2}}]"),
                  "false");
    assert_proven(ARRAY("'maxItems':1,'contains':{'type':'null'}"), "{'items':{'const':null}}");
    assert_refuted(ARRAY("'maxItems':2,'contains':{'type':'null'}"), "{'items':{'const':null}}");
    assert_proven("{'contains':{'const':1},'minContains':0}", "true");
    assert_refuted(ARRAY("'prefixItems':[{'const':1},{'const':1}],'contains':{'const':1},"
                         "'maxContains':1"),
                   "false");
    assert_proven(ARRAY("'prefixItems':[{'const':1},{'const':1}],'contains':{'const':1},"
                        "'maxContains':1"),
                  "{'maxItems':1}");
}
END_TEST

START_TEST(unique_items_bound_the_length)
{
    assert_proven(ARRAY("'uniqueItems':true,'items':{'type':'boolean'}"), "{'maxItems':2}");
    assert_refuted(ARRAY("'uniqueItems':true,'items':{'type':'boolean'}"), "{'maxItems':1}");
    assert_refuted("{'items':{'type':'null'}}", "{'uniqueItems':true}");
    assert_proven(ARRAY("'prefixItems':[{'type':'string'},{'type':'null'}],'items':false"),
                  "{'uniqueItems':true}");
    assert_proven("{'maxItems':1}", "{'uniqueItems':true}");
}
END_TEST

START_TEST(properties_are_compared_by_name)
{
    assert_narrower(OBJECT("'properties':{'a':{'type':'integer'}}"),
                    "{'properties':{'a':{'type':'number'}}}");
    assert_narrower(OBJECT("'required':['a','b']"), "{'required':['b']}");
    assert_proven(OBJECT("'properties':{'a':false}"), "{'not':{'required':['a']}}");
    assert_proven(OBJECT("'properties':{'a':false},'required':['a']"), "false");
    assert_narrower("{'properties':{'a':true},'additionalProperties':false}",
                    "{'properties':{'a':true,'b':true},'additionalProperties':false}");
    assert_refuted("{'properties':{'a':true}}", "{'additionalProperties':{'type':'null'}}");
    assert_proven("{'additionalProperties':{'type':'integer'}}", "{'properties':{'a':{'type':"
                                                                 "'number'}}}");
}
END_TEST

START_TEST(names_are_compared_as_strings)
{
    assert_proven("{'patternProperties':{'^a':{'type':'null'}}}",
                  "{'properties':{'ab':{'type':'null'}}}");
    assert_narrower("{'patternProperties':{'^a':{'type':'null'}}}",
                    "{'patternProperties':{'^ab':{'type':'null'}}}");
    assert_proven("{'propertyNames':{'enum':['a','b']}}", "{'properties':{'a':true,'b':true},"
                                                          "'additionalProperties':false}");
    assert_narrower("{'propertyNames':{'maxLength':2}}", "{'propertyNames':{'maxLength':3}}");
    assert_proven("{'propertyNames':{'pattern':'^x'}}",
                  "{'patternProperties':{'^x':true},'additionalProperties':false}");
    assert_proven("{'propertyNames':{'pattern':'^x'},'patternProperties':{'^x':{'type':'null'}}}",
                  "{'additionalProperties':{'type':'null'}}");
    assert_refuted("{'patternProperties':{'^x':{'type':'null'}}}",
                   "{'additionalProperties':{'type':'null'}}");
}
END_TEST

START_TEST(numbers_of_properties_are_bounded)
{
    assert_proven(OBJECT("'required':['a','b']"), "{'minProperties':2}");
    assert_refuted(OBJECT("'required':['a','b']"), "{'minProperties':3}");
    assert_proven(OBJECT("'properties':{'a':true},'additionalProperties':false"),
                  "{'maxProperties':1}");
    assert_proven(OBJECT("'required':['a','b'],'maxProperties':1"), "false");
    assert_proven(OBJECT("'required':['a'],'maxProperties':1"), "{'properties':{'b':false}}");
    assert_proven(OBJECT("'propertyNames':{'enum':['a','b']},'minProperties':2"),
                  "{'required':['a','b']}");
    assert_proven(OBJECT("'propertyNames':{'enum':['a','b']},'minProperties':3"), "false");
}
END_TEST

START_TEST(dependent_keywords_are_implications)
{
    assert_proven("{'dependentRequired':{'a':['b'],'b':['c']}}",
                  "{'dependentRequired':{'a':['c']}}");
    assert_refuted("{'dependentRequired':{'b':['c']}}", "{'dependentRequired':{'a':['c']}}");
    assert_same("{'dependentSchemas':{'a':{'required':['b']}}}",
                "{'dependentRequired':{'a':['b']}}");
}
END_TEST

START_TEST(unevaluated_keywords_see_their_branches)
{
    assert_same("{'allOf':[{'properties':{'a':true}}],'properties':{'b':true},"
                "'unevaluatedProperties':false}",
                "{'properties':{'a':true,'b':true},'additionalProperties':false}");
    const char *branches = "{'type':'object','anyOf':[{'properties':{'a':{'const':1}},'required':"
                           "['a']},{'properties':{'b':{'const':2}},'required':['b']}],"
                           "'unevaluatedProperties':false}";
    assert_proven(branches, "{'maxProperties':2}");
    assert_proven(branches, "{'propertyNames':{'enum':['a','b']}}");
    assert_refuted(branches, "{'maxProperties':1}");
    assert_proven(branches, "{'properties':{'a':{'const':1}}}");
    assert_same("{'prefixItems':[true],'contains':{'type':'null'},'minContains':0,"
                "'unevaluatedItems':false}",
                "{'prefixItems':[true],'items':{'type':'null'}}");
}
END_TEST

UNIT_MAIN(intervals_have_open_and_closed_ends, multiples_are_counted_exactly, lengths_are_intervals,
          patterns_are_compared_as_languages, characters_are_characters_and_not_bytes,
          anchors_hold_anywhere_in_a_pattern, formats_are_equal_by_name,
          items_are_compared_by_position, contains_counts, unique_items_bound_the_length,
          properties_are_compared_by_name, names_are_compared_as_strings,
          numbers_of_properties_are_bounded, dependent_keywords_are_implications,
          unevaluated_keywords_see_their_branches)

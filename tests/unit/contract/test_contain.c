/* SPDX-License-Identifier: Apache-2.0
 *
 * Containment, as a whole: types, finite sets, logic, references, recursion, dialects, budgets, and
 * what is said of an answer.
 */
#include "contain_test.h"

#include <stdio.h>

START_TEST(types_are_told_apart)
{
    assert_narrower("{'type':'integer'}", "{'type':'number'}");
    assert_same("{'type':['integer','number']}", "{'type':'number'}");
    assert_narrower("{'type':'string'}", "{'type':['string','null']}");
    assert_same("{'anyOf':[{'type':'string'},{'type':'null'}]}", "{'type':['null','string']}");
    assert_same("true", "{'type':['null','boolean','number','string','array','object']}");
    assert_proven("false", "{'type':'null'}");
    assert_refuted("true", "{'type':['null','boolean','integer','string','array','object']}");
}
END_TEST

START_TEST(a_keyword_says_nothing_of_other_types)
{
    assert_proven("{'type':'string'}", "{'minimum':3,'required':['a'],'minItems':2}");
    assert_refuted("{'minimum':3}", "{'type':'number'}");
    assert_proven("{'type':'array'}", "{'not':{'type':'object','minProperties':0}}");
}
END_TEST

START_TEST(few_values_are_asked_one_by_one)
{
    assert_narrower("{'enum':[1,2]}", "{'enum':[3,2,1.0]}");
    assert_proven("{'enum':['ab','ad']}", "{'pattern':'^(?=a).[bd]$'}");
    assert_refuted("{'enum':['ab','ac']}", "{'pattern':'^(?=a).[bd]$'}");
    assert_same("{'type':'boolean'}", "{'enum':[true,false]}");
    assert_proven("{'enum':[1,'a']}", "{'anyOf':[{'type':'string'},{'minimum':1}]}");
    assert_same("{'const':{'a':1,'b':[]}}", "{'enum':[{'b':[],'a':1.0}]}");
    assert_refuted("{'type':'object'}", "{'not':{'const':{}}}");
    assert_refuted("{'type':'object','minProperties':1}", "{'not':{'const':{'a':null}}}");
    assert_proven("{'type':'object','maxProperties':0}", "{'const':{}}");
}
END_TEST

START_TEST(logic_is_exact)
{
    const char *s = "{'required':['a'],'properties':{'a':{'type':'string','format':'email'}}}";
    char either[400], both[400];
    snprintf(either, sizeof(either), "{'anyOf':[%s,{'not':%s}]}", s, s);
    snprintf(both, sizeof(both), "{'allOf':[%s,{'not':%s}]}", s, s);
    assert_proven("true", either);
    assert_proven(both, "false");
    assert_same("{'not':{'not':{'minimum':1}}}", "{'minimum':1}");
    assert_same("{'oneOf':[{'type':'string'},{'type':'null'}]}",
                "{'anyOf':[{'type':'null'},{'type':'string'}]}");
    assert_refuted("{'minimum':2}", "{'oneOf':[{'minimum':1},{'minimum':2}]}");
    assert_proven("{'if':{'type':'string'},'then':{'minLength':2},'else':{'type':'null'}}",
                  "{'anyOf':[{'type':'null'},{'type':'string','minLength':1}]}");
    assert_refuted("{'if':{'type':'string'},'then':{'minLength':2}}", "{'type':['string','null']}");
}
END_TEST

START_TEST(unions_are_covered_case_by_case)
{
    assert_proven("{'type':'object','required':['kind'],'properties':{'kind':{'enum':['a','b']},"
                  "'v':{'type':'integer'}}}",
                  "{'oneOf':[{'required':['kind'],'properties':{'kind':{'const':'a'}}},"
                  "{'required':['kind'],'properties':{'kind':{'const':'b'},"
                  "'v':{'type':'number'}}}]}");
    assert_refuted("{'type':'object','required':['kind'],'properties':{'kind':{'enum':['a','c']}}}",
                   "{'oneOf':[{'properties':{'kind':{'const':'a'}}},"
                   "{'properties':{'kind':{'const':'b'}}}]}");
    assert_proven("{'type':'object','properties':{'a':{'type':'boolean'}},'required':['a']}",
                  "{'anyOf':[{'properties':{'a':{'const':true}}},"
                  "{'properties':{'a':{'const':false}}}]}");
}
END_TEST

START_TEST(references_mean_what_they_refer_to)
{
    assert_same("{'$ref':'#/$defs/n','$defs':{'n':{'type':'integer'}}}", "{'type':'integer'}");
    assert_narrower(
        "{'$defs':{'n':{'type':'integer'}},'items':{'$ref':'#/$defs/n'},'type':'array'}",
        "{'items':{'type':'number'}}");
}
END_TEST

#define TREE(leaf)                                                                                 \
    "{'$ref':'#/$defs/t','$defs':{'t':{'type':'object','required':['v'],'properties':{'v':" leaf   \
    ",'kids':{'type':'array','items':{'$ref':'#/$defs/t'}}}}}}"

START_TEST(recursion_ends)
{
    assert_narrower(TREE("{'type':'integer'}"), TREE("{'type':'number'}"));
    assert_same(TREE("{'type':'integer'}"),
                "{'type':'object','required':['v'],'properties':{'v':{'type':'integer'},"
                "'kids':{'type':'array','items':{'$ref':'#'}}}}");
    /* Nothing finite is in there. */
    assert_proven("{'type':'object','required':['next'],'properties':{'next':{'$ref':'#'}}}",
                  "false");
    assert_refuted("{'type':'object','properties':{'next':{'$ref':'#'}}}", "false");
}
END_TEST

START_TEST(an_assumption_that_fails_is_forgotten)
{
    /* While p is open, q seems empty: it needs a p. But there is a p without a q, and so a q. */
    const char *defs =
        "{'$defs':{'p':{'type':'object','anyOf':[{'required':['a'],'properties':{'a':{'$ref':"
        "'#/$defs/q'}}},{'required':['c'],'properties':{'c':{'const':1}}}]},"
        "'q':{'type':'object','required':['b'],'properties':{'b':{'$ref':'#/$defs/p'}}}},"
        "'type':'array','minItems':2,'prefixItems':[{'$ref':'#/$defs/p'},{'$ref':'#/$defs/q'}]}";
    assert_refuted(defs, "false");
}
END_TEST

START_TEST(dynamic_references_go_to_the_outermost_anchor)
{
    const char *numbers =
        "{'$id':'http://x/root','$ref':'list','$defs':{'n':{'$dynamicAnchor':'T','type':'integer'},"
        "'list':{'$id':'list','type':'array','items':{'$dynamicRef':'#T'},"
        "'$defs':{'any':{'$dynamicAnchor':'T'}}}}}";
    assert_same(numbers, "{'type':'array','items':{'type':'integer'}}");
}
END_TEST

START_TEST(draft_07_is_compared_with_2020_12)
{
    assert_same("{'$schema':'http://json-schema.org/draft-07/schema#','type':'array',"
                "'items':[{'type':'string'}],'additionalItems':false}",
                "{'type':'array','prefixItems':[{'type':'string'}],'items':false}");
    assert_same("{'$schema':'http://json-schema.org/draft-07/schema#','type':'object',"
                "'dependencies':{'a':['b']}}",
                "{'type':'object','dependentRequired':{'a':['b']}}");
}
END_TEST

START_TEST(an_answer_names_rule_and_places)
{
    struct comparison answer =
        compared("{'type':'object','properties':{'legs':{'items':{'type':'object','properties':"
                 "{'from':{'type':'string'}}}}},'required':['legs']}",
                 "{'properties':{'legs':{'items':{'$ref':'#/$defs/leg'}}},"
                 "'$defs':{'leg':{'required':['from']}}}");
    ck_assert_int_eq(answer.verdict, REFUTED);
    ck_assert_str_eq(answer.rule, "required");
    ck_assert_str_eq(answer.sub, "/properties/legs/items");
    ck_assert_str_eq(answer.super, "/properties/legs/items/$ref/required");
    ck_assert_ptr_nonnull(strstr(answer.reason, "at /legs/0, "));
    ck_assert_ptr_nonnull(strstr(answer.reason, "the property \"from\""));
    comparison_done(&answer);
    assert_unknown("{'type':'string','format':'uri','pattern':'^h'}", "{'pattern':'^(?!x)'}");
}
END_TEST

START_TEST(a_spent_budget_is_unknown_and_says_so)
{
    struct contract *sub = contract_of(TREE("{'type':'integer'}")),
                    *super = contract_of(TREE("{'type':'number','minimum':-9e9}"));
    struct contain_options tiny = {.steps = 5, .candidates = 1};
    struct comparison answer;
    ck_assert_int_eq(contract_compare(sub, super, &tiny, &answer, NULL), ERR_OK);
    ck_assert_int_eq(answer.verdict, UNKNOWN);
    ck_assert_str_eq(answer.rule, "budget");
    comparison_done(&answer);
    struct contain_options one_pair = {.pairs = 1, .candidates = 1};
    ck_assert_int_eq(contract_compare(sub, super, &one_pair, &answer, NULL), ERR_OK);
    ck_assert_int_eq(answer.verdict, UNKNOWN);
    comparison_done(&answer);
    contract_unref(sub);
    contract_unref(super);
}
END_TEST

START_TEST(hostile_unions_end)
{
    struct text schema;
    text_init(&schema, 1u << 20);
    text_adds(&schema, "{'allOf':[");
    for (int i = 0; i < 24; i++)
        text_addf(&schema,
                  "%s{'anyOf':[{'required':['a%d']},{'minProperties':%d},{'required':['b%d']}]}",
                  i ? "," : "", i, i % 7 + 3, i);
    text_adds(&schema, "]}");
    struct comparison answer = compared(text_str(&schema), "{'maxProperties':2}");
    ck_assert_int_ne(answer.verdict, PROVEN);
    comparison_done(&answer);
    assert_proven(text_str(&schema), text_str(&schema));
    text_done(&schema);
}
END_TEST

UNIT_MAIN(types_are_told_apart, a_keyword_says_nothing_of_other_types,
          few_values_are_asked_one_by_one, logic_is_exact, unions_are_covered_case_by_case,
          references_mean_what_they_refer_to, recursion_ends, an_assumption_that_fails_is_forgotten,
          dynamic_references_go_to_the_outermost_anchor, draft_07_is_compared_with_2020_12,
          an_answer_names_rule_and_places, a_spent_budget_is_unknown_and_says_so,
          hostile_unions_end)

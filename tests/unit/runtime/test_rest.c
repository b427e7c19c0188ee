/* SPDX-License-Identifier: Apache-2.0
 *
 * Many runs at once: what they were given lies there as its text meanwhile, and is the same when an
 * attempt is made again, when a later step reads it, and when somebody asks for it.
 */
#include "stage.h"

enum { RUNS = 600 };

static void is_its_own(struct stage *s, const struct run *run)
{
    int number = atoi(run_id(run) + 1);
    json_t *wanted = json_pack("{s:i, s:[i,f,s]}", "a", number, "b", number, 0.1, "\u00e4\n");
    ck_assert_str_eq(run_status_word(run_status(run)), "done");
    ck_assert(json_equal(s->output, wanted));
    ck_assert_int_eq(number_at(run_input(run), "number"), number);
    json_decref(wanted);
}

START_TEST(what_many_runs_were_given_is_the_same_when_it_is_read)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "limits: {runs: 1000, concurrency: 1000}\n");
    s.in_memory = true;
    s.on_settled = is_its_own;
    stage_flow(&s, "steps:\n"
                   "  a: {agent: actor/look, input: \"${ .input }\"}\n"
                   "  b: {agent: actor/look, needs: [a],\n"
                   "      input: {do: [{give: \"${ .input.list }\"}]}}\n"
                   "output: {as: {a: \"${ .steps.a.output }\", b: \"${ .steps.b.output }\"}}\n");
    stage_open(&s);
    for (int i = 0; i < RUNS; i++) {
        char id[16], input[128];
        snprintf(id, sizeof(id), "r%d", i);
        snprintf(input, sizeof(input),
                 "{'1': [{'fail': 3}], 'do': [{'give': %d}], 'number': %d,"
                 " 'list': [%d, 0.1, '\u00e4\\n']}",
                 i, i, i);
        stage_submit(&s, id, input);
    }
    stage_work(&s);
    ck_assert_uint_eq(s.settled, RUNS);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {what_many_runs_were_given_is_the_same_when_it_is_read, NULL};
    return stage_main("rest", everywhere, NULL);
}

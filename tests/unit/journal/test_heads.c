/* SPDX-License-Identifier: Apache-2.0
 *
 * The heads of runs that live: what was added is found and nothing else, whatever went in between;
 * a run that is over is let go of, and takes records still.
 */
#include "journal_testing.h"

#include "journal/journal_internal.h"

enum { RUNS = 600, STEPS = 60000 };

static const char *name_of(size_t i, char ret[static 16])
{
    snprintf(ret, 16, "run-%zu", i);
    return ret;
}

START_TEST(what_goes_leaves_the_others_where_they_are_found)
{
    struct heads heads = {0};
    bool there[RUNS] = {0};
    char name[16];
    size_t count = 0;
    unsigned drawn = 7;
    for (int step = 0; step < STEPS; step++) {
        drawn = drawn * 1103515245u + 12345u;
        size_t i = (drawn >> 8) % RUNS;
        struct head *head = heads_find(&heads, name_of(i, name));
        ck_assert_msg((head != NULL) == there[i], "step %d, %s", step, name);
        if (head) {
            ck_assert_uint_eq(head->seq, i);
            heads_drop(&heads, head);
        } else {
            heads_add(&heads, name)->seq = i;
        }
        there[i] = !there[i];
        count += there[i] ? 1 : (size_t)-1;
        ck_assert_uint_eq(heads.count, count);
        if (step % 1000 == 0)
            for (size_t k = 0; k < RUNS; k++)
                ck_assert((heads_find(&heads, name_of(k, name)) != NULL) == there[k]);
    }
    heads_done(&heads);
}
END_TEST

START_TEST(runs_that_are_over_take_no_room)
{
    struct heads heads = {0};
    char name[16];
    for (size_t i = 0; i < 100000; i++) {
        struct head *head = heads_add(&heads, name_of(i, name));
        if (i >= 10) {
            snprintf(name, sizeof(name), "run-%zu", i - 10);
            heads_drop(&heads, heads_find(&heads, name));
        }
        ck_assert_str_eq(head->run, name_of(i, name));
    }
    ck_assert_uint_le(heads.room, 64);
    heads_done(&heads);
}
END_TEST

static void append_over(struct journal *j, const char *run, uint64_t seq, bool over)
{
    journal_append(j, &(struct journal_record){.run = run,
                                               .seq = seq,
                                               .at_ms = 1700000000000,
                                               .kind = "event",
                                               .body = slice_of("{}"),
                                               .status = over ? "done" : "running",
                                               .flow = seq == 1 ? "flow" : NULL,
                                               .over = over});
}

START_TEST(a_record_after_the_end_is_linked_to_the_chain)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    append_over(j, "a", 1, false);
    append_over(j, "a", 2, true);
    append_over(j, "b", 1, true);
    must_sync(j);
    append_over(j, "a", 3, true);
    append_over(j, "b", 2, false);
    append_over(j, "a", 4, true);
    must_sync(j);
    append_over(j, "b", 3, true);
    close_journal(j);
    ck_assert_uint_eq(count_records(dir.journal, "a"), 4);
    ck_assert_uint_eq(count_records(dir.journal, "b"), 3);
}
END_TEST

UNIT_MAIN(what_goes_leaves_the_others_where_they_are_found, runs_that_are_over_take_no_room,
          a_record_after_the_end_is_linked_to_the_chain)

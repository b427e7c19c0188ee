/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of calls: ids, what is due, and the line, under a random mix of all of them.
 */
#include "loader/calls_internal.h"
#include "unit.h"

#include <string.h>

static const struct slice parts[CALL_PARTS] = {{"in", 2}, {"key", 3}, {"", 0}};

static uint64_t id_of(struct call *c)
{
    return c->id;
}

START_TEST(an_id_is_found_until_it_is_closed)
{
    struct calls calls;
    calls_init(&calls, 3);
    struct call *c = calls_open(&calls);
    uint64_t id = id_of(c);
    ck_assert_uint_eq(id >> 44, 3);
    ck_assert_ptr_eq(calls_find(&calls, id), c);
    ck_assert_ptr_null(calls_find(&calls, 0));
    ck_assert_ptr_null(calls_find(&calls, id + 1));
    ck_assert_ptr_null(calls_find(&calls, id + (1u << 16)));
    ck_assert_ptr_null(calls_find(&calls, id + ((uint64_t)1 << 44)));
    calls_move(&calls, c, STATE_UNDER_WAY);
    calls_close(&calls, c);
    ck_assert_ptr_null(calls_find(&calls, id));
    calls_done(&calls);
}
END_TEST

START_TEST(a_slot_is_used_again_and_an_id_never)
{
    struct calls calls;
    calls_init(&calls, 1);
    uint64_t first = 0;
    for (int i = 0; i < 1000; i++) {
        struct call *c = calls_open(&calls);
        uint64_t id = id_of(c);
        first = i == 0 ? id : first;
        ck_assert_int_eq(id == first, i == 0);
        ck_assert_uint_le(calls.room, 64);
        calls_move(&calls, c, STATE_UNDER_WAY);
        calls_close(&calls, c);
    }
    calls_done(&calls);
}
END_TEST

START_TEST(a_slot_whose_uses_are_spent_is_retired)
{
    struct calls calls;
    calls_init(&calls, 1);
    struct call *c = calls_open(&calls);
    c->uses = (1u << 28) - 1;
    uint64_t slot = id_of(c) & 0xFFFF;
    calls_close(&calls, c);
    for (int i = 0; i < 200; i++) {
        c = calls_open(&calls);
        ck_assert_uint_ne(id_of(c) & 0xFFFF, slot);
        calls_close(&calls, c);
    }
    calls_done(&calls);
}
END_TEST

START_TEST(there_is_a_most)
{
    struct calls calls;
    calls_init(&calls, 1);
    for (unsigned i = 0; i < LIMIT_CALLS; i++)
        ck_assert_ptr_nonnull(calls_open(&calls));
    ck_assert_ptr_null(calls_open(&calls));
    calls_done(&calls);
}
END_TEST

START_TEST(the_line_keeps_its_order_and_its_bytes)
{
    struct calls calls;
    calls_init(&calls, 1);
    uint64_t ids[5];
    for (int i = 0; i < 5; i++) {
        struct call *c = calls_open(&calls);
        ids[i] = id_of(c);
        calls_wait(&calls, c, parts);
    }
    ck_assert_uint_eq(calls.waiting, 5);
    ck_assert_uint_eq(calls.line_bytes, 25);
    static const int leaving[] = {2, 0, 4, 1, 3};
    static const int first[] = {0, 1, 1, 3, -1};
    for (int i = 0; i < 5; i++) {
        struct call *c = calls_find(&calls, ids[leaving[i]]);
        ck_assert(slice_is(c->parts[1], "key"));
        calls_leave_line(&calls, c);
        struct call *front = calls_first_waiting(&calls);
        ck_assert_uint_eq(front ? id_of(front) : 0, first[i] < 0 ? 0 : ids[first[i]]);
    }
    ck_assert_uint_eq(calls.waiting, 0);
    ck_assert_uint_eq(calls.under_way, 5);
    ck_assert_uint_eq(calls.line_bytes, 0);
    calls_done(&calls);
}
END_TEST

START_TEST(the_first_due_is_the_nearest_whatever_happens)
{
    enum { MANY = 300 };
    struct calls calls;
    calls_init(&calls, 1);
    uint64_t ids[MANY] = {0};
    int64_t due[MANY] = {0};
    unsigned seed = 12345;
    for (int step = 0; step < 100000; step++) {
        seed = seed * 1103515245u + 12345u;
        unsigned i = (seed >> 8) % MANY, what = (seed >> 24) % 4;
        if (ids[i] == 0) {
            ids[i] = id_of(calls_open(&calls));
            due[i] = 0;
        } else if (what == 0) {
            calls_close(&calls, calls_find(&calls, ids[i]));
            ids[i] = 0;
        } else {
            due[i] = what == 1 ? 0 : (int64_t)(seed % 1000) + 1;
            calls_set_due(&calls, calls_find(&calls, ids[i]), due[i]);
        }
        int64_t nearest = 0;
        for (int k = 0; k < MANY && step % 50 == 0; k++)
            if (ids[k] != 0 && due[k] != 0 && (nearest == 0 || due[k] < nearest))
                nearest = due[k];
        const struct call *first = calls_first_due(&calls);
        if (step % 50 == 0)
            ck_assert_int_eq(first ? first->due_ns : 0, nearest);
    }
    calls_done(&calls);
}
END_TEST

UNIT_MAIN(an_id_is_found_until_it_is_closed, a_slot_is_used_again_and_an_id_never,
          a_slot_whose_uses_are_spent_is_retired, there_is_a_most,
          the_line_keeps_its_order_and_its_bytes, the_first_due_is_the_nearest_whatever_happens)

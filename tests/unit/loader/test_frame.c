/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames to bytes and back, and what a stranger may do to the bytes.
 */
#include "loader/frame_internal.h"
#include "unit.h"

#include <string.h>

enum { MAXIMUM = 1000 };

static void write_one(struct buffer *b)
{
    frame_write(b, &(struct frame){.kind = FRAME_COMPLETE,
                                   .id = 7,
                                   .other = 8,
                                   .status = -3,
                                   .effect = 2,
                                   .number = 9,
                                   .parts = {SLICE("body"), SLICE(""), SLICE("x")}});
}

static struct slice bytes_of(const struct buffer *b)
{
    return (struct slice){buffer_bytes(b), b->len};
}

START_TEST(a_frame_comes_back_as_it_was)
{
    struct buffer b = {0};
    struct frame f;
    size_t size;
    write_one(&b);
    ck_assert_int_eq(frame_read(bytes_of(&b), MAXIMUM, &f, &size), FRAME_WHOLE);
    ck_assert_uint_eq(size, b.len);
    ck_assert_int_eq(f.kind, FRAME_COMPLETE);
    ck_assert_uint_eq(f.id, 7);
    ck_assert_uint_eq(f.other, 8);
    ck_assert_int_eq(f.status, -3);
    ck_assert_uint_eq(f.effect, 2);
    ck_assert_uint_eq(f.number, 9);
    ck_assert(slice_is(f.parts[0], "body"));
    ck_assert(slice_is(f.parts[1], ""));
    ck_assert(slice_is(f.parts[2], "x"));
    buffer_done(&b);
}
END_TEST

START_TEST(a_part_of_a_frame_waits_for_the_rest)
{
    struct buffer b = {0};
    struct frame f;
    size_t size;
    write_one(&b);
    for (size_t len = 0; len < b.len; len++) {
        struct slice part = {buffer_bytes(&b), len};
        ck_assert_int_eq(frame_read(part, MAXIMUM, &f, &size), FRAME_NONE);
        ck_assert_uint_eq(size, len < FRAME_HEAD ? FRAME_HEAD : b.len);
    }
    buffer_done(&b);
}
END_TEST

START_TEST(any_byte_may_be_changed)
{
    struct buffer b = {0};
    struct frame f;
    size_t size, broken = 0;
    write_one(&b);
    char *bytes = xmalloc(b.len); /* exactly, so that a sanitizer sees what is read past it */
    for (size_t at = 0; at < FRAME_HEAD; at++)
        for (int value = 0; value < 256; value++) {
            memcpy(bytes, buffer_bytes(&b), b.len);
            bytes[at] = (char)value;
            struct slice all = {bytes, b.len};
            enum frame_found found = frame_read(all, MAXIMUM, &f, &size);
            broken += found == FRAME_BROKEN;
            for (int i = 0; found == FRAME_WHOLE && i < FRAME_PARTS; i++)
                ck_assert(f.parts[i].ptr >= bytes &&
                          f.parts[i].ptr + f.parts[i].len <= bytes + b.len);
        }
    ck_assert_uint_gt(broken, 1000);
    free(bytes);
    buffer_done(&b);
}
END_TEST

START_TEST(lengths_that_do_not_add_up_are_broken)
{
    static const uint32_t lengths[][4] = {
        /* of all, and of the parts */
        {5, 4, 0, 0},
        {5, 4, 0, 2},
        {4, UINT32_MAX, 5, 0}, /* equal, if the sum wrapped */
        {MAXIMUM + 1, MAXIMUM + 1, 0, 0},
    };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct buffer b = {0};
        struct frame f;
        size_t size;
        write_one(&b);
        memcpy(b.memory, &lengths[i][0], sizeof(uint32_t));
        memcpy(b.memory + 36, &lengths[i][1], 3 * sizeof(uint32_t));
        ck_assert_int_eq(frame_read(bytes_of(&b), MAXIMUM, &f, &size), FRAME_BROKEN);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(kinds_that_are_none_are_broken)
{
    static const uint32_t kinds[] = {0, FRAME_KINDS, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct buffer b = {0};
        struct frame f;
        size_t size;
        write_one(&b);
        memcpy(b.memory + 4, &kinds[i], sizeof(kinds[i]));
        ck_assert_int_eq(frame_read(bytes_of(&b), MAXIMUM, &f, &size), FRAME_BROKEN);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(a_buffer_keeps_the_order_of_bytes)
{
    struct buffer b = {0};
    unsigned char next_in = 0, next_out = 0;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned char chunk[997];
        size_t in = round * 37 % sizeof(chunk), out;
        for (size_t i = 0; i < in; i++)
            chunk[i] = next_in++;
        buffer_add(&b, chunk, in);
        out = round % 3 == 0 ? b.len : b.len / 2;
        for (size_t i = 0; i < out; i++)
            ck_assert_uint_eq((unsigned char)buffer_bytes(&b)[i], next_out++);
        buffer_drop(&b, out);
    }
    buffer_done(&b);
}
END_TEST

START_TEST(moving_puts_behind_what_is_there)
{
    struct buffer a = {0}, b = {0};
    buffer_add(&a, "one", 3);
    buffer_move(&b, &a);
    ck_assert_uint_eq(a.len, 0);
    buffer_add(&a, "two", 3);
    buffer_drop(&b, 1);
    buffer_move(&b, &a);
    ck_assert(slice_is(bytes_of(&b), "netwo"));
    ck_assert_uint_eq(a.len, 0);
    buffer_done(&a);
    buffer_done(&b);
}
END_TEST

START_TEST(memory_of_a_large_message_is_let_go)
{
    struct buffer b = {0};
    buffer_grew(&b, (buffer_reserve(&b, 8 << 20), 8u << 20));
    buffer_drop(&b, 8 << 20);
    ck_assert_uint_eq(b.room, 0);
    buffer_done(&b);
}
END_TEST

UNIT_MAIN(a_frame_comes_back_as_it_was, a_part_of_a_frame_waits_for_the_rest,
          any_byte_may_be_changed, lengths_that_do_not_add_up_are_broken,
          kinds_that_are_none_are_broken, a_buffer_keeps_the_order_of_bytes,
          moving_puts_behind_what_is_there, memory_of_a_large_message_is_let_go)

/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of an output and of its parts: what is found is what would have been written, and what
 * is remembered goes when it is over.
 */
#include "runtime/kept_internal.h"
#include "unit.h"

#include "base/limits.h"

enum { ITEMS = 200 };

static struct text written(const json_t *value)
{
    struct text text;
    text_init(&text, SIZE_MAX);
    json_write(value, &text);
    return text;
}

static json_t *read_back(const struct text *text)
{
    json_t *value = NULL;
    struct error err;
    enum error_code code = json_read(text_slice(text), LIMIT_PAYLOAD_MAX, &value, &err);
    ck_assert_msg(code == ERR_OK, "%s", err.text);
    return value;
}

static void must_be_written_so(const struct known_text *found, const json_t *value)
{
    AUTO(text_done) struct text text = written(value);
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_eq(found->value, value);
    ck_assert_int_eq((int)found->text.len, (int)text.len);
    ck_assert_mem_eq(found->text.ptr, text.ptr, text.len);
}

/* Items with all that could be taken for the end of one. */
static json_t *items(void)
{
    json_t *list = json_array();
    for (int i = 0; i < ITEMS; i++)
        json_array_append_new(list, json_pack("{s:i, s:s, s:[s, f, n, b], s:{}, s:{s:[[], {}]}}",
                                              "n", i, "quo\"te", "]},\\\"[{\n", "tags", "a,b", 0.5,
                                              1, "e", "o", "deep"));
    return list;
}

START_TEST(a_part_has_the_text_that_would_be_written)
{
    struct known known = {.turn = 0};
    json_t *made = json_pack("{s:s, s:i, s:o, s:[], s:b}", "first", "x\"]", "n", 1, "list", items(),
                             "none", "last", 0);
    AUTO(text_done) struct text text = written(made);
    AUTO(json_decrefp) json_t *value = read_back(&text);
    json_decref(made);
    known_set(&known, (struct known_text){.value = value, .text = text_slice(&text)});
    must_be_written_so(known_find(&known, value), value);
    json_t *list = json_object_get(value, "list"), *item;
    size_t i;
    must_be_written_so(known_find(&known, list), list);
    ck_assert(known_find(&known, list)->flat);
    ck_assert(!known_find(&known, value)->flat);
    json_array_foreach (list, i, item)
        must_be_written_so(known_find(&known, item), item);
    must_be_written_so(known_find(&known, json_array_get(list, 0)), json_array_get(list, 0));
    AUTO(json_decrefp) json_t *stranger = json_object();
    ck_assert_ptr_null(known_find(&known, stranger));
    ck_assert_ptr_null(known_find(&known, NULL));
    known_set(&known, (struct known_text){.value = NULL});
    known_done(&known);
}
END_TEST

START_TEST(what_is_large_within_a_list_makes_it_no_flat_one)
{
    struct known known = {.turn = 0};
    json_t *made = items();
    AUTO(freep) char *words = xcalloc(1, LIMIT_INLINE + 1);
    memset(words, 'w', LIMIT_INLINE);
    json_array_append_new(made, json_string(words));
    AUTO(text_done) struct text text = written(made);
    AUTO(json_decrefp) json_t *value = read_back(&text);
    json_decref(made);
    known_set(&known, (struct known_text){.value = value, .text = text_slice(&text)});
    ck_assert(!known_find(&known, value)->flat);
    known_done(&known);
}
END_TEST

/* The text itself is gone by then: its memory is overwritten. */
START_TEST(a_list_that_is_gone_through_is_remembered_to_its_end)
{
    struct known known = {.turn = 0};
    json_t *made = items();
    AUTO(text_done) struct text text = written(made);
    AUTO(json_decrefp) json_t *value = read_back(&text);
    json_decref(made);
    known_set(&known, (struct known_text){.value = value, .text = text_slice(&text)});
    must_be_written_so(known_find(&known, json_array_get(value, 0)), json_array_get(value, 0));
    known_set(&known, (struct known_text){.value = NULL});
    memset(text.ptr, '!', text.len);
    ck_assert_uint_eq(value->refcount, 2);
    for (size_t i = 1; i < ITEMS; i++) {
        json_t *item = json_array_get(value, i);
        must_be_written_so(known_find(&known, item), item); /* for the record */
        must_be_written_so(known_find(&known, item), item); /* to be sent */
    }
    known_done(&known);
    ck_assert_uint_eq(value->refcount, 1);
}
END_TEST

START_TEST(lists_that_are_over_give_their_place_to_others)
{
    enum { LISTS = 100 };
    struct known known = {.turn = 0};
    json_t *values[LISTS];
    size_t held = 0;
    for (size_t i = 0; i < LISTS; i++) {
        json_t *made = items();
        AUTO(text_done) struct text text = written(made);
        values[i] = read_back(&text);
        json_decref(made);
        known_set(&known, (struct known_text){.value = values[i], .text = text_slice(&text)});
        ck_assert_ptr_nonnull(known_find(&known, json_array_get(values[i], 0)));
        known_set(&known, (struct known_text){.value = NULL});
    }
    for (size_t i = 0; i < LISTS; i++) {
        held += values[i]->refcount > 1;
        json_decref(values[i]);
    }
    ck_assert_uint_eq(held, KNOWN_LISTS);
    known_done(&known);
}
END_TEST

UNIT_MAIN(a_part_has_the_text_that_would_be_written,
          what_is_large_within_a_list_makes_it_no_flat_one,
          a_list_that_is_gone_through_is_remembered_to_its_end,
          lists_that_are_over_give_their_place_to_others)

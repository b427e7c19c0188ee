/* SPDX-License-Identifier: Apache-2.0
 *
 * Values in the pool: whole whatever their size, whoever frees them; and what jansson gives away is
 * anybody's to free. Where the pool is not built in, the same holds.
 */
#include "unit.h"
#include "json/json.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A string of each length up to some beyond what is kept in lists. */
static json_t *strings_of_all_lengths(void)
{
    enum { LENGTHS = 700 };
    char text[LENGTHS];
    memset(text, 'x', sizeof(text));
    json_t *all = json_array();
    for (size_t len = 0; len < LENGTHS; len++) {
        memset(text, 'a' + (int)(len % 26), len);
        json_array_append_new(all, json_stringn(text, len));
    }
    return all;
}

static void check_strings(const json_t *all)
{
    json_t *good = strings_of_all_lengths();
    ck_assert(json_equal(all, good));
    json_decref(good);
}

START_TEST(values_of_all_sizes_are_whole_and_apart)
{
    enum { ROUNDS = 20 };
    json_t *kept[ROUNDS];
    json_pool_use();
    for (int i = 0; i < ROUNDS; i++)
        kept[i] = strings_of_all_lengths();
    for (int i = 0; i < ROUNDS; i += 2)
        json_decref(kept[i]);
    for (int i = 0; i < ROUNDS; i += 2)
        kept[i] = strings_of_all_lengths();
    for (int i = 0; i < ROUNDS; i++) {
        check_strings(kept[i]);
        json_decref(kept[i]);
    }
}
END_TEST

static void *make_values(void *frees)
{
    json_decref(frees);
    return strings_of_all_lengths();
}

START_TEST(what_one_thread_made_another_frees)
{
    enum { ROUNDS = 30 };
    json_pool_use();
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        void *made;
        json_t *others = strings_of_all_lengths(), *own;
        ck_assert_int_eq(pthread_create(&thread, NULL, make_values, others), 0);
        own = strings_of_all_lengths();
        ck_assert_int_eq(pthread_join(thread, &made), 0);
        check_strings(made);
        check_strings(own);
        json_decref(made);
        json_decref(own);
    }
}
END_TEST

static size_t resident_pages(void)
{
    size_t all, resident;
    FILE *file = fopen("/proc/self/statm", "re");
    ck_assert(file && fscanf(file, "%zu %zu", &all, &resident) == 2);
    fclose(file);
    return resident;
}

enum { MANY = 300 };

static void *free_all(void *kept)
{
    json_t *const *list = kept;
    for (int i = 0; i < MANY; i++)
        json_decref(list[i]);
    return NULL;
}

START_TEST(memory_that_is_free_goes_back_and_comes_again)
{
    json_t *kept[MANY];
    pthread_t thread;
    json_pool_use();
    size_t before = resident_pages();
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < MANY; i++)
            kept[i] = strings_of_all_lengths();
        size_t most = resident_pages();
        for (int i = 0; i < MANY; i++)
            check_strings(kept[i]);
        if (round % 2 == 0) {
            free_all(kept);
        } else {
            ck_assert_int_eq(pthread_create(&thread, NULL, free_all, kept), 0);
            ck_assert_int_eq(pthread_join(thread, NULL), 0);
            json_decref(strings_of_all_lengths());
        }
#if defined(SEAM_OWN_JANSSON) && !SANITIZED
        ck_assert_uint_lt(resident_pages() - before, (most - before) / 2);
#else
        ck_assert_uint_ge(most, before);
#endif
    }
}
END_TEST

START_TEST(dumps_are_freed_by_free)
{
    json_pool_use();
    json_t *value = json_pack("{s:[i,n], s:s}", "b", 1, "a", "x");
    char *sorted = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(sorted, "{\"a\":\"x\",\"b\":[1,null]}");
    free(sorted);
    json_t *word = json_string("x");
    ck_assert_ptr_null(json_dumps(word, 0)); /* it is no object */
    char *encoded = json_dumps(word, JSON_ENCODE_ANY);
    ck_assert_str_eq(encoded, "\"x\"");
    free(encoded);
    json_decref(word);
    json_decref(value);
}
END_TEST

UNIT_MAIN(values_of_all_sizes_are_whole_and_apart, what_one_thread_made_another_frees,
          memory_that_is_free_goes_back_and_comes_again, dumps_are_freed_by_free)

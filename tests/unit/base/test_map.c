/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps, against what they should hold.
 */
#include "base/map.h"

#include "unit.h"

#include <stdint.h>
#include <stdio.h>

static struct slice name(int i, char text[static 16])
{
    snprintf(text, 16, "key-%d", i);
    return slice_of(text);
}

START_TEST(map_of_nothing_has_nothing)
{
    struct map map = {0};
    ck_assert_ptr_null(map_get(&map, SLICE("a")));
    ck_assert_ptr_null(map_take(&map, SLICE("a")));
    map_done(&map);
}
END_TEST

START_TEST(map_put_gives_back_what_stood_there)
{
    struct map map = {0};
    int a, b;
    ck_assert_ptr_null(map_put(&map, SLICE("k"), &a));
    ck_assert_ptr_eq(map_put(&map, SLICE("k"), &b), &a);
    ck_assert_ptr_eq(map_get(&map, SLICE("k")), &b);
    ck_assert_uint_eq(map.count, 1);
    map_done(&map);
}
END_TEST

/* Every third key is taken out while others come: no search may stop early at a hole. */
START_TEST(map_keeps_all_others_when_keys_leave)
{
    struct map map = {0};
    char text[16];
    enum { KEYS = 5000 };
    for (int i = 0; i < KEYS; i++) {
        map_put(&map, name(i, text), (void *)(intptr_t)(i + 1));
        if (i % 3 == 2)
            ck_assert_ptr_eq(map_take(&map, name(i - 1, text)), (void *)(intptr_t)i);
    }
    for (int i = 0; i < KEYS; i++) {
        bool left = i % 3 == 1 && i + 1 < KEYS;
        ck_assert_ptr_eq(map_get(&map, name(i, text)), left ? NULL : (void *)(intptr_t)(i + 1));
    }
    map_done(&map);
}
END_TEST

UNIT_MAIN(map_of_nothing_has_nothing, map_put_gives_back_what_stood_there,
          map_keeps_all_others_when_keys_leave)

/* SPDX-License-Identifier: Apache-2.0
 *
 * The world's ledger outlives whoever writes to it, and counts what happened.
 */
#include "rehearsal/rehearsal_internal.h"

#include "unit.h"

#include <unistd.h>

START_TEST(what_happened_is_read_back)
{
    char file[] = "/tmp/seam-world.XXXXXX";
    struct world world;
    struct error err;
    close(mkstemp(file));
    ck_assert_int_eq(world_open(&world, file, &err), ERR_OK);
    json_t *result = json_pack("{s:s}", "booking", "B\n1");
    world_act(&world, "k1", "book", "book", false, result);
    world_act(&world, "k2", "send", "notify", true, NULL);
    world_act(&world, "k2", "send", "notify", true, NULL);
    world_act(&world, "k1", "book", "book", false, result);
    world_done(&world);
    FILE *torn = fopen(file, "a");
    fputs("{\"key\": \"k3", torn);
    fclose(torn);
    ck_assert_int_eq(world_open(&world, file, &err), ERR_OK);
    ck_assert_uint_eq(world.count, 2);
    ck_assert_uint_eq(world_find(&world, "k1")->times, 2);
    ck_assert_uint_eq(world_find(&world, "k2")->times, 1); /* the same key twice is once */
    ck_assert(json_equal(world_find(&world, "k1")->result, result));
    ck_assert_ptr_null(world_find(&world, "k3"));
    world_done(&world);
    json_decref(result);
    unlink(file);
}
END_TEST

START_TEST(a_world_in_memory_needs_no_file)
{
    struct world world;
    ck_assert_int_eq(world_open(&world, NULL, NULL), ERR_OK);
    world_act(&world, "k", "n", "p", false, NULL);
    ck_assert_uint_eq(world_find(&world, "k")->times, 1);
    world_done(&world);
}
END_TEST

UNIT_MAIN(what_happened_is_read_back, a_world_in_memory_needs_no_file)

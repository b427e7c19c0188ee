/* SPDX-License-Identifier: Apache-2.0
 *
 * Values by space and key: known from the moment they are appended, on disk with their record.
 */
#include "journal_testing.h"

static void put(struct journal *j, uint64_t seq, const char *key, const char *value,
                uint64_t version)
{
    struct journal_value kept = {.space = "p/org.x",
                                 .key = key,
                                 .value = value ? slice_of(value) : (struct slice){NULL, 0},
                                 .version = version,
                                 .base = version - 1,
                                 .writer = "me",
                                 .after = {.bytes = 10 * version, .keys = 1, .version = version}};
    journal_append(j, &(struct journal_record){.run = "r",
                                               .seq = seq,
                                               .at_ms = 1,
                                               .kind = "event",
                                               .body = SLICE("{}"),
                                               .flow = seq == 1 ? "f" : NULL,
                                               .value = &kept});
}

static void must_have(struct journal *j, const char *key, const char *value, uint64_t version,
                      bool on_disk)
{
    struct journal_value is;
    struct error err;
    bool kept;
    ck_assert_ok(journal_value(j, "p/org.x", key, &is, &kept, &err), err);
    ck_assert_uint_eq(is.version, version);
    ck_assert_int_eq(kept, on_disk);
    if (version > 0)
        ck_assert_msg(slice_is(is.value, value) && strcmp(is.writer, "me") == 0 &&
                          is.base == version - 1,
                      "%.*s by %s", (int)is.value.len, is.value.ptr, is.writer);
}

static void reached(void *user, enum error_code code, const struct error *err)
{
    (void)user;
    ck_assert_msg(code == ERR_OK, "%s", err->text);
}

static void sync_all(struct journal *j)
{
    journal_sync(j, false, reached, NULL);
    journal_drain(j);
}

static void must_have_space(struct journal *j, uint64_t bytes, uint64_t version)
{
    struct journal_space space;
    struct error err;
    ck_assert_ok(journal_space(j, "p/org.x", &space, &err), err);
    ck_assert_uint_eq(space.bytes, bytes);
    ck_assert_uint_eq(space.version, version);
}

START_TEST(a_value_is_known_at_once_and_kept_with_its_record)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    must_have(j, "a", NULL, 0, true);
    must_have_space(j, 0, 0);
    put(j, 1, "a", "1", 1);
    put(j, 2, "a", "\"later\"", 2);
    put(j, 3, "b", "3", 3);
    must_have(j, "a", "\"later\"", 2, false);
    must_have(j, "c", NULL, 0, true);
    must_have_space(j, 30, 3);
    sync_all(j);
    must_have(j, "a", "\"later\"", 2, true);
    put(j, 4, "a", NULL, 4);
    must_have(j, "a", NULL, 0, false);
    close_journal(j);
    j = open_journal(dir.journal);
    must_have(j, "a", NULL, 0, true);
    must_have(j, "b", "3", 3, true);
    must_have_space(j, 40, 4);
    close_journal(j);
}
END_TEST

START_TEST(a_space_that_is_cleared_keeps_its_version_alone)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    struct error err;
    put(j, 1, "a", "1", 1);
    put(j, 2, "b", "2", 2);
    sync_all(j);
    ck_assert_ok(journal_space_clear(j, "p/org.x", &err), err);
    must_have(j, "a", NULL, 0, true);
    must_have(j, "b", NULL, 0, true);
    close_journal(j);
    j = open_journal(dir.journal);
    must_have(j, "b", NULL, 0, true);
    must_have_space(j, 0, 2);
    close_journal(j);
}
END_TEST

START_TEST(a_journal_in_memory_keeps_them_for_its_life)
{
    struct journal *j = NULL;
    struct error err;
    struct journal_options options = {.durability = DURABILITY_MEMORY};
    ck_assert_ok(journal_open(&options, &j, &err), err);
    put(j, 1, "a", "1", 1);
    must_have(j, "a", "1", 1, true);
    put(j, 2, "a", NULL, 2);
    must_have(j, "a", NULL, 0, true);
    must_have_space(j, 20, 2);
    close_journal(j);
}
END_TEST

static void count_values(void *user, const struct journal_value *value)
{
    ck_assert(value->version > 0);
    ++*(size_t *)user;
}

static void count_spaces(void *user, const char *name, const struct journal_space *space)
{
    ck_assert_str_eq(name, "p/org.x");
    ck_assert_uint_eq(space->keys, 1);
    ++*(size_t *)user;
}

START_TEST(others_read_what_is_on_disk)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    struct journal *j = open_journal(dir.journal);
    struct error err;
    size_t values = 0, spaces = 0;
    put(j, 1, "a", "1", 1);
    put(j, 2, "b", "2", 2);
    sync_all(j);
    ck_assert_ok(journal_reader_open(dir.journal, &reader, &err), err);
    ck_assert_ok(journal_values(reader, "p/org.x", count_values, &values, &err), err);
    ck_assert_ok(journal_values(reader, "p/org", count_values, &values, &err), err);
    ck_assert_ok(journal_spaces(reader, count_spaces, &spaces, &err), err);
    ck_assert_uint_eq(values, 2);
    ck_assert_uint_eq(spaces, 1);
    close_journal(j);
}
END_TEST

UNIT_MAIN(a_value_is_known_at_once_and_kept_with_its_record,
          a_space_that_is_cleared_keeps_its_version_alone,
          a_journal_in_memory_keeps_them_for_its_life, others_read_what_is_on_disk)

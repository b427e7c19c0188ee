/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers: beside a live owner, after a crash, of files that are no journals; and the chain, which
 * must show every change of what was written.
 */
#include "journal_testing.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

static void change(const char *path, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    sqlite3_close(db);
}

static void write_run(const char *path, const char *run, uint64_t records)
{
    struct journal *j = open_journal(path);
    for (uint64_t seq = 1; seq <= records; seq++)
        append(j, run, seq, "{\"amount\":10}");
    close_journal(j);
}

START_TEST(a_missing_journal_is_named_and_not_made)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal_reader *reader = NULL;
    struct error err;
    ck_assert_code(journal_reader_open(dir.journal, &reader, &err), ERR_NOT_FOUND, err);
    ck_assert_says(err, dir.journal);
    ck_assert(!beside_exists(dir.journal, ""));
    ck_assert(!beside_exists(dir.journal, ".lock"));
    long pid;
    ck_assert_code(inbox_put(dir.journal, "r", SLICE("{}"), 1, &pid, &err), ERR_NOT_FOUND, err);
    ck_assert(!beside_exists(dir.journal, ""));
}
END_TEST

START_TEST(what_is_no_journal_is_refused_untouched)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal_reader *reader = NULL;
    struct journal *j = NULL;
    struct error err;
    struct journal_options options = {.path = dir.journal};
    FILE *f = fopen(dir.journal, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is a letter to my aunt\n", f);
    fclose(f);
    ck_assert_code(journal_reader_open(dir.journal, &reader, &err), ERR_CORRUPT, err);
    ck_assert_code(journal_open(&options, &j, &err), ERR_CORRUPT, err);
    ck_assert_says(err, "not a database");
    ck_assert_int_eq(unlink(dir.journal), 0);
    change(dir.journal, "CREATE TABLE bookmarks(url)");
    ck_assert_code(journal_reader_open(dir.journal, &reader, &err), ERR_INPUT, err);
    ck_assert_code(journal_open(&options, &j, &err), ERR_INPUT, err);
    ck_assert_says(err, "another program");
    ck_assert(!beside_exists(dir.journal, ".reserve"));
    options.path = dir.path;
    ck_assert_code(journal_open(&options, &j, &err), ERR_INPUT, err);
}
END_TEST

static enum error_code read_kept(const char *journal, const char *text, struct text *out,
                                 struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    struct digest digest = digest_of(slice_of(text));
    ck_assert_code(journal_reader_open(journal, &reader, reterr), ERR_OK, *reterr);
    return journal_kept(reader, &digest, out, reterr);
}

static void keep_text(const char *journal, const char *text)
{
    struct journal *j = open_journal(journal);
    journal_keep(j, slice_of(text));
    journal_keep(j, slice_of(text));
    close_journal(j);
}

START_TEST(a_text_is_kept_once_under_its_digest)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, 100);
    keep_text(dir.journal, "a flow");
    keep_text(dir.journal, "a flow");
    ck_assert_code(read_kept(dir.journal, "a flow", &out, &err), ERR_OK, err);
    ck_assert_str_eq(text_str(&out), "a flow");
    ck_assert_code(read_kept(dir.journal, "another", &out, &err), ERR_NOT_FOUND, err);
    change(dir.journal, "UPDATE texts SET body='a f1ow'");
    ck_assert_code(read_kept(dir.journal, "a flow", &out, &err), ERR_CORRUPT, err);
    ck_assert_says(err, "is not what was kept");
}
END_TEST

START_TEST(a_journal_that_kept_no_texts_yet_is_upgraded_by_its_next_writer)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, 100);
    write_run(dir.journal, "r", 3);
    change(dir.journal, "DROP TABLE texts; PRAGMA user_version=1");
    ck_assert_code(read_kept(dir.journal, "a flow", &out, &err), ERR_NOT_FOUND, err);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 3);
    keep_text(dir.journal, "a flow");
    ck_assert_code(read_kept(dir.journal, "a flow", &out, &err), ERR_OK, err);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 3);
}
END_TEST

static void must_be_of_version(const char *path, int version)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &row, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(row, 0), version);
    sqlite3_finalize(row);
    sqlite3_close(db);
}

START_TEST(every_older_version_becomes_this_one)
{
    for (int version = 1; version <= 4; version++) {
        AUTO(folder_done) struct folder dir = folder_new();
        AUTO(freep) char *pragma = xasprintf("PRAGMA user_version=%d", version);
        write_run(dir.journal, "r", 3);
        keep_text(dir.journal, "a flow");
        change(dir.journal, pragma);
        ck_assert_uint_eq(count_records(dir.journal, "r"), 3);
        must_be_of_version(dir.journal, version); /* reading changes nothing */
        close_journal(open_journal(dir.journal));
        must_be_of_version(dir.journal, 5);
        ck_assert_uint_eq(count_records(dir.journal, "r"), 3);
    }
}
END_TEST

static void add_meter(void *user, const struct journal_meter *meter)
{
    text_addf(user, "%s %lld %lld %lld %lld;", meter->name, (long long)meter->amounts[0],
              (long long)meter->amounts[1], (long long)meter->amounts[2],
              (long long)meter->amounts[3]);
}

static void must_have_meters(const char *path, const char *from, const char *expected)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = open_reader(path);
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, 1000);
    enum error_code code = journal_meters(reader, from, add_meter, &out, &err);
    ck_assert_ok(code, err);
    ck_assert_str_eq(text_str(&out), expected);
}

START_TEST(meters_grow_with_the_records_that_come_with_them)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    const struct journal_meter early = {"a", {1, 2, 3, 4}}, late = {"b", {0, 0, -7, 1ll << 40}};
    for (uint64_t seq = 1; seq <= 4; seq++)
        journal_append(j, &(struct journal_record){.run = "r",
                                                   .seq = seq,
                                                   .at_ms = 1,
                                                   .kind = "event",
                                                   .body = SLICE("{}"),
                                                   .flow = seq == 1 ? "f" : NULL,
                                                   .meters = seq < 3 ? &early : &late,
                                                   .meter_count = 1});
    close_journal(j);
    must_have_meters(dir.journal, "", "a 2 4 6 8;b 0 0 -14 2199023255552;");
    must_have_meters(dir.journal, "b", "b 0 0 -14 2199023255552;");
    change(dir.journal, "PRAGMA user_version=3; DROP TABLE meters;"
                        "DROP INDEX runs_due; ALTER TABLE runs DROP COLUMN due_ms");
    must_have_meters(dir.journal, "", "");
    j = open_journal(dir.journal);
    append(j, "r", 5, "{}");
    close_journal(j);
    must_have_meters(dir.journal, "", "");
}
END_TEST

static void add_id(void *user, const char *run)
{
    text_addf(user, "%s;", run);
}

static void write_due(struct journal *j, const char *run, uint64_t seq, int64_t due_ms)
{
    journal_append(j, &(struct journal_record){.run = run,
                                               .seq = seq,
                                               .at_ms = 1,
                                               .kind = "event",
                                               .body = SLICE("{}"),
                                               .status = "waiting",
                                               .flow = seq == 1 ? "f" : NULL,
                                               .due_ms = due_ms});
}

static void must_be_due(struct journal *j, int64_t by_ms, const char *expected, int64_t next_ms)
{
    AUTO(text_done) struct text out;
    struct error err;
    int64_t next = -1;
    text_init(&out, 1000);
    must_sync(j);
    enum error_code code = journal_due(j, "waiting", by_ms, add_id, &out, &next, &err);
    ck_assert_ok(code, err);
    ck_assert_str_eq(text_str(&out), expected);
    ck_assert_int_eq(next, next_ms);
}

START_TEST(a_writer_finds_those_of_its_runs_that_are_due)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    write_due(j, "late", 1, 300);
    write_due(j, "soon", 1, 100);
    write_due(j, "never", 1, 0);
    must_be_due(j, 99, "", 100);
    must_be_due(j, 100, "soon;", 300);
    must_be_due(j, 1000, "soon;late;", 0);
    ck_assert(journal_is_ours(j, "never") && !journal_is_ours(j, "nobody"));
    write_due(j, "soon", 2, 0);
    must_be_due(j, 1000, "late;", 0);
    close_journal(j);
    j = open_journal(dir.journal);
    must_be_due(j, 1000, "", 0);
    ck_assert(!journal_is_ours(j, "late"));
    write_due(j, "late", 2, 300);
    must_be_due(j, 1000, "late;", 0);
    close_journal(j);
}
END_TEST

START_TEST(a_journal_of_a_newer_version_says_what_reads_it)
{
    AUTO(folder_done) struct folder dir = folder_new();
    write_run(dir.journal, "r", 3);
    change(dir.journal, "PRAGMA user_version=7;"
                        "UPDATE meta SET value='Seam 3.2 or later' WHERE key='readable_by'");
    struct journal_reader *reader = NULL;
    struct journal *j = NULL;
    struct error err;
    long pid;
    struct journal_options options = {.path = dir.journal};
    ck_assert_code(journal_reader_open(dir.journal, &reader, &err), ERR_NEWER, err);
    ck_assert_says(err, "schema 7");
    ck_assert_says(err, "Seam 3.2 or later");
    ck_assert_code(journal_open(&options, &j, &err), ERR_NEWER, err);
    ck_assert_code(inbox_put(dir.journal, "r", SLICE("{}"), 1, &pid, &err), ERR_NEWER, err);
    change(dir.journal, "PRAGMA user_version=1");
    ck_assert_uint_eq(count_records(dir.journal, "r"), 3);
    close_journal(open_journal(dir.journal));
}
END_TEST

START_TEST(a_reader_sees_what_a_live_owner_has_synced)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    AUTO(journal_reader_closep) struct journal_reader *reader = open_reader(dir.journal);
    struct journal_run run;
    struct error err;
    ck_assert_int_eq(journal_find(reader, "r", &run, &err), ERR_NOT_FOUND);
    ck_assert_says(err, "seam runs");
    for (uint64_t seq = 1; seq <= 5; seq++) {
        append(j, "r", seq, "{}");
        must_sync(j);
        ck_assert_ok(journal_find(reader, "r", &run, &err), err);
        ck_assert_uint_eq(run.last_seq, seq);
    }
    close_journal(j);
}
END_TEST

START_TEST(a_reader_sees_all_after_the_owner_was_killed)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *shm = xasprintf("%s-shm", dir.journal);
    pid_t child = fork();
    if (child == 0) {
        struct journal *j = open_journal(dir.journal);
        for (uint64_t seq = 1; seq <= 20; seq++)
            append(j, "r", seq, "{}");
        must_sync(j);
        raise(SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert(beside_exists(dir.journal, "-wal"));
    ck_assert_uint_eq(count_records(dir.journal, "r"), 20);
    /* And when the machine went down: the wal-index is gone too. */
    ck_assert_int_eq(unlink(shm), 0);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 20);
    ck_assert(beside_exists(dir.journal, "-wal"));
}
END_TEST

static void list(void *user, const struct journal_run *run)
{
    struct text *t = user;
    text_addf(t, "%s:%s ", run->id, run->status);
}

START_TEST(runs_are_listed_newest_first_and_by_status)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    static const char *const runs[] = {"a", "b", "c"};
    static const char *const states[] = {"done", "waiting", "done"};
    for (int i = 0; i < 3; i++) {
        struct journal_record record = {.run = runs[i],
                                        .seq = 1,
                                        .at_ms = 100 + i,
                                        .kind = "k",
                                        .body = SLICE("{}"),
                                        .status = states[i]};
        journal_append(j, &record);
    }
    must_sync(j);
    AUTO(text_done) struct text seen;
    text_init(&seen, 1000);
    struct error err;
    ck_assert_ok(journal_runs(journal_own_reader(j), NULL, list, &seen, &err), err);
    ck_assert_str_eq(text_str(&seen), "c:done b:waiting a:done ");
    text_clear(&seen);
    ck_assert_ok(journal_runs(journal_own_reader(j), "done", list, &seen, &err), err);
    ck_assert_str_eq(text_str(&seen), "c:done a:done ");
    close_journal(j);
}
END_TEST

struct seen {
    uint64_t first, last, stop;
};

static bool note_record(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct seen *s = user;
    (void)hash;
    if (s->first == 0)
        s->first = record->seq;
    s->last = record->seq;
    ck_assert_str_eq(record->kind, "event");
    ck_assert(slice_is(record->body, "{\"amount\":10}"));
    return record->seq != s->stop;
}

START_TEST(reading_begins_and_stops_where_it_is_told)
{
    AUTO(folder_done) struct folder dir = folder_new();
    write_run(dir.journal, "r", 10);
    AUTO(journal_reader_closep) struct journal_reader *reader = open_reader(dir.journal);
    struct error err;
    for (uint64_t from = 0; from <= 10; from++) {
        struct seen s = {.stop = 9};
        ck_assert_ok(journal_read(reader, "r", from, note_record, &s, &err), err);
        ck_assert_uint_eq(s.first, from ? from : 1);
        ck_assert_uint_eq(s.last, from == 10 ? 10 : 9);
    }
    struct seen s = {0};
    ck_assert_ok(journal_read(reader, "r", 11, note_record, &s, &err), err);
    ck_assert_ok(journal_read(reader, "r", UINT64_MAX, note_record, &s, &err), err);
    ck_assert_uint_eq(s.first, 0);
    ck_assert_code(journal_read(reader, "q", 1, note_record, &s, &err), ERR_NOT_FOUND, err);
}
END_TEST

/* What a hand may do to the records of run "r", and where a reading must stop. */
static const struct {
    const char *sql, *place, *words;
} tampering[] = {
    {"UPDATE events SET body='{\"amount\":99}' WHERE run='r' AND seq=4", "record 4", "its hash"},
    {"UPDATE events SET kind='other' WHERE run='r' AND seq=4", "record 4", "its hash"},
    {"UPDATE events SET at_ms=1 WHERE run='r' AND seq=4", "record 4", "its hash"},
    {"UPDATE events SET hash=zeroblob(32) WHERE run='r' AND seq=4", "record 4", "its hash"},
    {"UPDATE events SET hash='no' WHERE run='r' AND seq=4", "record 4", "no hashes"},
    {"UPDATE events SET prev_hash=zeroblob(32) WHERE run='r' AND seq=4", "record 4", "not follow"},
    {"DELETE FROM events WHERE run='r' AND seq=4", "record 4", "missing"},
    {"DELETE FROM events WHERE run='r' AND seq=1", "record 1", "missing"},
    {"DELETE FROM events WHERE run='r' AND seq>=5", "record 5", "missing"},
    {"DELETE FROM events WHERE run='r'", "record 1", "missing"},
    {"DELETE FROM events WHERE run='r';"
     "INSERT INTO events SELECT 'r', seq, at_ms, kind, body, prev_hash, hash FROM events",
     "record 1", "not follow"},
    {"UPDATE runs SET last_seq=3 WHERE id='r'", "record 6", "head"},
    {"UPDATE runs SET last_hash=zeroblob(32) WHERE id='r'", "record 6", "head"},
};

START_TEST(every_change_of_a_chain_shows_and_is_placed)
{
    AUTO(folder_done) struct folder dir = folder_new();
    write_run(dir.journal, "r", 6);
    write_run(dir.journal, "s", 6);
    change(dir.journal, tampering[_i].sql);
    AUTO(journal_reader_closep) struct journal_reader *reader = open_reader(dir.journal);
    uint64_t count = 0;
    struct error err;
    ck_assert_code(journal_read(reader, "r", 1, count_record, &count, &err), ERR_CORRUPT, err);
    ck_assert_says(err, tampering[_i].place);
    ck_assert_says(err, tampering[_i].words);
    ck_assert_uint_eq(count_records(dir.journal, "s"), 6);
}
END_TEST

static bool read_inside(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct journal_reader *reader = user;
    struct journal_run run;
    struct error err;
    uint64_t count = 0;
    (void)hash;
    ck_assert_ok(journal_read(reader, "s", 1, count_record, &count, &err), err);
    ck_assert_uint_eq(count, 2);
    ck_assert_ok(journal_find(reader, record->run, &run, &err), err);
    return true;
}

START_TEST(readings_may_be_nested)
{
    AUTO(folder_done) struct folder dir = folder_new();
    write_run(dir.journal, "r", 3);
    write_run(dir.journal, "s", 2);
    AUTO(journal_reader_closep) struct journal_reader *reader = open_reader(dir.journal);
    struct error err;
    ck_assert_ok(journal_read(reader, "r", 1, read_inside, reader, &err), err);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create(__FILE__);
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_missing_journal_is_named_and_not_made);
    tcase_add_test(tcase, what_is_no_journal_is_refused_untouched);
    tcase_add_test(tcase, a_journal_of_a_newer_version_says_what_reads_it);
    tcase_add_test(tcase, a_reader_sees_what_a_live_owner_has_synced);
    tcase_add_test(tcase, a_reader_sees_all_after_the_owner_was_killed);
    tcase_add_test(tcase, runs_are_listed_newest_first_and_by_status);
    tcase_add_test(tcase, reading_begins_and_stops_where_it_is_told);
    tcase_add_loop_test(tcase, every_change_of_a_chain_shows_and_is_placed, 0,
                        (int)(sizeof(tampering) / sizeof(tampering[0])));
    tcase_add_test(tcase, readings_may_be_nested);
    tcase_add_test(tcase, a_text_is_kept_once_under_its_digest);
    tcase_add_test(tcase, every_older_version_becomes_this_one);
    tcase_add_test(tcase, meters_grow_with_the_records_that_come_with_them);
    tcase_add_test(tcase, a_writer_finds_those_of_its_runs_that_are_due);
    tcase_add_test(tcase, a_journal_that_kept_no_texts_yet_is_upgraded_by_its_next_writer);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

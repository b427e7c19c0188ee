/* SPDX-License-Identifier: Apache-2.0
 *
 * The owner's doors: what is appended is found, barriers cover what was before them, the chain and
 * the rows of runs are right, nothing waits where it must not.
 */
#include "journal_testing.h"

#include "journal/journal_internal.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

START_TEST(opening_makes_folders_and_files_for_the_owner_alone)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *path = xasprintf("%s/a/b/journal.db", dir.path);
    AUTO(freep) char *folder = xasprintf("%s/a", dir.path);
    struct journal *j = open_journal(path);
    append(j, "r", 1, "{}");
    must_sync(j);
    struct stat is;
    ck_assert_int_eq(stat(folder, &is), 0);
    ck_assert_int_eq(is.st_mode & 0777, 0700);
    for (const char *const *suffix =
             (const char *const[]){"", "-wal", "-shm", ".lock", ".reserve", NULL};
         *suffix; suffix++) {
        AUTO(freep) char *file = xasprintf("%s%s", path, *suffix);
        ck_assert_msg(stat(file, &is) == 0, "%s", file);
        ck_assert_msg((is.st_mode & 0777) == 0600, "%s has mode %o", file, is.st_mode & 0777);
    }
    close_journal(j);
    ck_assert(!beside_exists(path, "-wal"));
}
END_TEST

START_TEST(records_are_found_after_closing_and_opening)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    AUTO(freep) char *store = xstrdup(journal_store_id(j));
    ck_assert_uint_eq(strlen(store), 32);
    ck_assert_uint_eq(journal_epoch(j), 1);
    for (uint64_t seq = 1; seq <= 10; seq++)
        append(j, "r", seq, "{\"a\":1}");
    close_journal(j);
    j = open_journal(dir.journal);
    ck_assert_str_eq(journal_store_id(j), store);
    ck_assert_uint_eq(journal_epoch(j), 2);
    append(j, "r", 11, "{}");
    append(j, "s", 1, "{}");
    close_journal(j);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 11);
    ck_assert_uint_eq(count_records(dir.journal, "s"), 1);
}
END_TEST

START_TEST(a_barrier_covers_every_run_appended_before_it)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    char run[16];
    for (int i = 0; i < 500; i++) {
        snprintf(run, sizeof(run), "run-%d", i);
        append(j, run, 1, "{}");
        append(j, run, 2, "{}");
    }
    must_sync(j);
    for (int i = 0; i < 500; i += 99) {
        snprintf(run, sizeof(run), "run-%d", i);
        ck_assert_uint_eq(count_records(dir.journal, run), 2);
    }
    close_journal(j);
}
END_TEST

START_TEST(barriers_are_reached_in_the_order_they_were_asked_for_and_only_in_dispatch)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    struct reached first = {0}, second = {0};
    append(j, "r", 1, "{}");
    journal_sync(j, false, note_reached, &first);
    journal_sync(j, true, note_reached, &second);
    struct pollfd ready = {.fd = journal_fd(j), .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 30000), 1);
    ck_assert_int_eq(first.calls, 0);
    journal_drain(j);
    ck_assert_int_eq(first.calls, 1);
    ck_assert_int_eq(second.calls, 1);
    ck_assert_int_eq(second.code, ERR_OK);
    close_journal(j);
}
END_TEST

START_TEST(what_is_asked_for_is_reached_when_the_writer_is_told_or_the_owner_helps)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    struct reached told = {0}, helped = {0};
    journal_press(j); /* nobody has asked */
    append(j, "r", 1, "{}");
    journal_ask(j, false, note_reached, &told);
    journal_press(j);
    journal_press(j);
    struct pollfd ready = {.fd = journal_fd(j), .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 30000), 1);
    journal_dispatch(j);
    ck_assert_int_eq(told.calls, 1);
    ck_assert_int_eq(poll(&ready, 1, 0), 0);
    append(j, "r", 2, "{}");
    journal_ask(j, false, note_reached, &helped);
    journal_drain(j);
    ck_assert_int_eq(helped.calls, 1);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 2);
    ck_assert_int_eq(poll(&ready, 1, 0), 0);
    close_journal(j);
}
END_TEST

START_TEST(a_record_without_a_barrier_reaches_the_disk_by_itself)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    append(j, "r", 1, "{}");
    while (count_records(dir.journal, "r") == 0) /* the test's timeout is the limit */
        ;
    close_journal(j);
}
END_TEST

struct again {
    struct journal *journal;
    uint64_t seq;
};

static void sync_again(void *user, enum error_code code, const struct error *err)
{
    struct again *a = user;
    ck_assert_int_eq(code, ERR_OK);
    ck_assert_ptr_null(err);
    if (a->seq == 20)
        return;
    append(a->journal, "r", ++a->seq, "{}");
    journal_sync(a->journal, false, sync_again, a);
}

START_TEST(a_barrier_may_be_asked_for_when_one_is_reached)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct again a = {.journal = open_journal(dir.journal)};
    journal_sync(a.journal, false, sync_again, &a);
    close_journal(a.journal);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 20);
}
END_TEST

START_TEST(a_batch_far_over_its_size_arrives_whole)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    size_t size = 1 << 20;
    AUTO(freep) char *body = xmalloc(size + 1);
    memset(body, 'x', size);
    body[size] = '\0';
    for (uint64_t seq = 1; seq <= 100; seq++) /* more than may wait at once */
        append(j, "r", seq, body);
    must_sync(j);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 100);
    AUTO(freep) char *wal = xasprintf("%s-wal", dir.journal);
    struct stat is;
    append(j, "r", 101, "{}");
    must_sync(j);
    ck_assert_int_eq(stat(wal, &is), 0);
    ck_assert_msg(is.st_size <= (96 << 20), "the WAL has %ld bytes", (long)is.st_size);
    close_journal(j);
}
END_TEST

START_TEST(the_wal_stays_short_over_many_commits)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    char body[20001];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    AUTO(freep) char *wal = xasprintf("%s-wal", dir.journal);
    for (uint64_t seq = 1; seq <= 1500; seq++) {
        append(j, "r", seq, body);
        if (seq % 5 == 0)
            must_sync(j);
    }
    struct stat is;
    ck_assert_int_eq(stat(wal, &is), 0);
    ck_assert_msg(is.st_size < (9 << 20), "the WAL has %ld bytes", (long)is.st_size);
    close_journal(j);
}
END_TEST

START_TEST(a_status_stays_until_a_record_changes_it)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    struct journal_record record = {.run = "r",
                                    .seq = 1,
                                    .at_ms = 5,
                                    .kind = "start",
                                    .body = SLICE("{}"),
                                    .status = "running",
                                    .flow = "trip"};
    journal_append(j, &record);
    must_sync(j);
    record = (struct journal_record){
        .run = "r", .seq = 2, .at_ms = 9, .kind = "more", .body = SLICE("{}")};
    journal_append(j, &record);
    must_sync(j);
    struct journal_run run;
    struct error err;
    ck_assert_ok(journal_find(journal_own_reader(j), "r", &run, &err), err);
    ck_assert_str_eq(run.status, "running");
    ck_assert_str_eq(run.flow, "trip");
    ck_assert_int_eq(run.created_ms, 5);
    ck_assert_int_eq(run.updated_ms, 9);
    ck_assert_uint_eq(run.last_seq, 2);
    record.seq = 3;
    record.status = "done";
    journal_append(j, &record);
    must_sync(j);
    ck_assert_ok(journal_find(journal_own_reader(j), "r", &run, &err), err);
    ck_assert_str_eq(run.status, "done");
    ck_assert_str_eq(run.flow, "trip");
    close_journal(j);
}
END_TEST

static void claim(struct journal *j, uint64_t seq, const char *reference, const char *owner)
{
    struct journal_record record = {.run = "r",
                                    .seq = seq,
                                    .at_ms = 1,
                                    .kind = "done",
                                    .body = SLICE("{}"),
                                    .claim = reference,
                                    .claim_owner = owner};
    journal_append(j, &record);
}

START_TEST(a_claim_is_known_from_append_on_and_after_reopening)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    ck_assert(!journal_claimed(j, "booking-7", "r/a"));
    claim(j, 1, "booking-7", "r/a");
    ck_assert(journal_claimed(j, "booking-7", "r/b"));
    ck_assert(!journal_claimed(j, "booking-7", "r/a"));
    must_sync(j);
    ck_assert(journal_claimed(j, "booking-7", "r/b"));
    ck_assert(!journal_claimed(j, "booking-7", "r/a"));
    ck_assert(!journal_claimed(j, "booking-8", "r/b"));
    claim(j, 2, "booking-7", "r/b"); /* the first keeps it */
    must_sync(j);
    ck_assert(!journal_claimed(j, "booking-7", "r/a"));
    close_journal(j);
    j = open_journal(dir.journal);
    ck_assert(journal_claimed(j, "booking-7", "r/b"));
    ck_assert(!journal_claimed(j, "booking-7", "r/a"));
    close_journal(j);
}
END_TEST

START_TEST(claims_that_are_on_disk_are_not_kept_in_memory)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    for (uint64_t i = 1; i <= 2000; i++) {
        AUTO(freep) char *reference = xasprintf("booking-%llu", (unsigned long long)i);
        claim(j, i, reference, "r/a");
        if (i % 20 == 0)
            must_sync(j);
    }
    ck_assert_uint_le(j->claim_count, 100);
    ck_assert(journal_claimed(j, "booking-1", "r/b"));
    ck_assert(journal_claimed(j, "booking-2000", "r/b"));
    close_journal(j);
}
END_TEST

START_TEST(a_journal_in_memory_reaches_barriers_and_keeps_claims_and_makes_no_file)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = NULL;
    struct error err;
    struct journal_options options = {.path = dir.journal, .durability = DURABILITY_MEMORY};
    ck_assert_ok(journal_open(&options, &j, &err), err);
    ck_assert_uint_eq(strlen(journal_store_id(j)), 32);
    append(j, "r", 1, "{}");
    struct reached r = {0};
    journal_sync(j, true, note_reached, &r);
    ck_assert_int_eq(r.calls, 0);
    struct pollfd ready = {.fd = journal_fd(j), .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 0), 1);
    journal_dispatch(j);
    ck_assert_int_eq(r.calls, 1);
    ck_assert_int_eq(r.code, ERR_OK);
    claim(j, 2, "booking-7", "r/a");
    ck_assert(journal_claimed(j, "booking-7", "r/b"));
    ck_assert(!journal_claimed(j, "booking-7", "r/a"));
    struct journal_run run;
    ck_assert_int_eq(journal_find(journal_own_reader(j), "r", &run, &err), ERR_UNSUPPORTED);
    close_journal(j);
    ck_assert(!beside_exists(dir.journal, ""));
    ck_assert(!beside_exists(dir.journal, ".lock"));
}
END_TEST

START_TEST(a_gap_in_the_sequence_is_our_bug)
{
    AUTO(folder_done) struct folder dir = folder_new();
    pid_t child = fork();
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        struct journal *j = open_journal(dir.journal);
        append(j, "r", 1, "{}");
        append(j, "r", 3, "{}");
        must_sync(j);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

START_TEST(the_file_can_be_opened_with_sqlite)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    append(j, "r", 1, "{\"a\":1}");
    must_sync(j);
    sqlite3 *db;
    sqlite3_stmt *row;
    ck_assert_int_eq(sqlite3_open_v2(dir.journal, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT body ->> 'a', length(prev_hash), length(hash)"
                                        " FROM events JOIN runs ON run=id AND hash=last_hash",
                                        -1, &row, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(row, 0), 1);
    ck_assert_int_eq(sqlite3_column_int(row, 1), DIGEST_SIZE);
    ck_assert_int_eq(sqlite3_column_int(row, 2), DIGEST_SIZE);
    sqlite3_finalize(row);
    sqlite3_close(db);
    close_journal(j);
}
END_TEST

static void gather_note(void *user, const char *name, struct slice body)
{
    struct text *out = user;
    text_addf(out, "%s=%.*s;", name, (int)body.len, body.ptr);
}

static void expect_notes(const char *path, const char *kind, const char *expected)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, 1000);
    ck_assert_int_eq(journal_reader_open(path, &reader, &err), ERR_OK);
    ck_assert_int_eq(journal_notes(reader, kind, gather_note, &out, &err), ERR_OK);
    ck_assert_str_eq(text_str(&out), expected);
}

START_TEST(notes_are_replaced_and_go_and_are_found_by_their_kind)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    journal_note(j, "kind:b", SLICE("1"));
    journal_note(j, "kind:a", SLICE("2"));
    journal_note(j, "kind:c", SLICE("3"));
    journal_note(j, "other:a", SLICE("4"));
    must_sync(j);
    expect_notes(dir.journal, "kind:", "a=2;b=1;c=3;");
    journal_note(j, "kind:b", SLICE("5"));
    journal_note(j, "kind:a", (struct slice){NULL, 0});
    close_journal(j);
    expect_notes(dir.journal, "kind:", "b=5;c=3;");
    expect_notes(dir.journal, "none:", "");
    j = open_journal(dir.journal);
    expect_notes(dir.journal, "other:", "a=4;");
    close_journal(j);
}
END_TEST

UNIT_MAIN(notes_are_replaced_and_go_and_are_found_by_their_kind,
          opening_makes_folders_and_files_for_the_owner_alone,
          records_are_found_after_closing_and_opening,
          a_barrier_covers_every_run_appended_before_it,
          barriers_are_reached_in_the_order_they_were_asked_for_and_only_in_dispatch,
          what_is_asked_for_is_reached_when_the_writer_is_told_or_the_owner_helps,
          a_record_without_a_barrier_reaches_the_disk_by_itself,
          a_barrier_may_be_asked_for_when_one_is_reached, a_batch_far_over_its_size_arrives_whole,
          the_wal_stays_short_over_many_commits, a_status_stays_until_a_record_changes_it,
          a_claim_is_known_from_append_on_and_after_reopening,
          claims_that_are_on_disk_are_not_kept_in_memory,
          a_journal_in_memory_reaches_barriers_and_keeps_claims_and_makes_no_file,
          a_gap_in_the_sequence_is_our_bug, the_file_can_be_opened_with_sqlite)

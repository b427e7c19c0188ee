/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages: from any process, in order, given once, and gone only together with the record that
 * the owner made of them.
 */
#include "journal_testing.h"

#include "base/limits.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

static void put(const char *path, const char *body)
{
    struct error err;
    long pid = -1;
    ck_assert_ok(inbox_put(path, "r", slice_of(body), 42, &pid, &err), err);
}

static int rows(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    int count = sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return count;
}

static bool objects_to_two(void *user, const struct inbox_message *waiting)
{
    ++*(int *)user;
    ck_assert_str_eq(waiting->run, "r");
    ck_assert_int_eq(waiting->at_ms, 42);
    return slice_is(waiting->body, "two");
}

START_TEST(a_message_on_terms_is_put_only_if_they_are_met)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    append(j, "r", 1, "{}");
    append(j, "r", 2, "{}");
    close_journal(j);
    struct error err;
    long pid;
    int asked = 0;
    struct inbox_terms terms = {.last_seq = 2, .objects = objects_to_two, .user = &asked};
    put(dir.journal, "one");
    ck_assert_ok(inbox_put_if(dir.journal, "r", SLICE("two"), 42, &terms, &pid, &err), err);
    ck_assert_int_eq(asked, 1);
    ck_assert_code(inbox_put_if(dir.journal, "r", SLICE("3"), 42, &terms, &pid, &err), ERR_CONFLICT,
                   err);
    ck_assert_int_eq(asked, 3);
    ck_assert_ok(inbox_put(dir.journal, "r", SLICE("3"), 42, &pid, &err), err);
    terms.last_seq = 1;
    ck_assert_code(inbox_put_if(dir.journal, "r", SLICE("4"), 42, &terms, &pid, &err), ERR_FENCED,
                   err);
    ck_assert_code(inbox_put_if(dir.journal, "s", SLICE("4"), 42, &terms, &pid, &err), ERR_FENCED,
                   err);
    ck_assert_int_eq(asked, 3);
    ck_assert_int_eq(rows(dir.journal, "SELECT count(*) FROM inbox"), 3);
}
END_TEST

struct taker {
    struct journal *journal;
    uint64_t seq;
    int taken;
    char last[32];
    bool sync, die;
    struct reached reached;
};

static void take(void *user, const struct inbox_message *message)
{
    struct taker *t = user;
    ck_assert_str_eq(message->run, "r");
    ck_assert_int_eq(message->at_ms, 42);
    t->taken++;
    snprintf(t->last, sizeof(t->last), "%.*s", (int)message->body.len, message->body.ptr);
    append(t->journal, "r", ++t->seq, t->last);
    if (t->sync)
        journal_sync(t->journal, false, note_reached, &t->reached);
    if (!t->die)
        return;
    /* A writer that does not keep the batch would reach the barrier here. */
    struct pollfd ready = {.fd = journal_fd(t->journal), .events = POLLIN};
    if (poll(&ready, 1, 100) == 0)
        raise(SIGKILL);
}

START_TEST(messages_come_in_order_and_once)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct taker t = {.journal = open_journal(dir.journal)};
    journal_inbox(t.journal, take, &t);
    ck_assert_int_eq(t.taken, 0);
    put(dir.journal, "1");
    put(dir.journal, "2");
    journal_inbox(t.journal, take, &t);
    ck_assert_int_eq(t.taken, 2);
    ck_assert_str_eq(t.last, "2");
    journal_inbox(t.journal, take, &t);
    must_sync(t.journal);
    journal_inbox(t.journal, take, &t);
    ck_assert_int_eq(t.taken, 2);
    put(dir.journal, "3");
    journal_inbox(t.journal, take, &t);
    ck_assert_int_eq(t.taken, 3);
    close_journal(t.journal);
    ck_assert_int_eq(rows(dir.journal, "SELECT count(*) FROM inbox"), 0);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 3);
}
END_TEST

START_TEST(more_messages_than_are_fetched_at_once_all_come)
{
    AUTO(folder_done) struct folder dir = folder_new();
    close_journal(open_journal(dir.journal));
    char body[16];
    for (int i = 0; i < 200; i++) {
        snprintf(body, sizeof(body), "%d", i);
        put(dir.journal, body);
    }
    struct taker t = {.journal = open_journal(dir.journal), .sync = true};
    journal_inbox(t.journal, take, &t);
    ck_assert_int_eq(t.taken, 200);
    ck_assert_str_eq(t.last, "199");
    journal_drain(t.journal);
    ck_assert_int_eq(t.reached.calls, 200);
    close_journal(t.journal);
}
END_TEST

START_TEST(a_message_and_its_record_are_one_transaction)
{
    AUTO(folder_done) struct folder dir = folder_new();
    close_journal(open_journal(dir.journal));
    put(dir.journal, "answer");
    for (int sync = 0; sync < 2; sync++) {
        pid_t child = fork();
        if (child == 0) { /* asks for the barrier, and dies before take has returned */
            struct taker t = {.journal = open_journal(dir.journal), .sync = sync, .die = true};
            journal_inbox(t.journal, take, &t);
            _exit(0);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(rows(dir.journal, "SELECT count(*) FROM inbox"), 1);
        ck_assert_uint_eq(count_records(dir.journal, "r"), 0);
    }
    struct taker t = {.journal = open_journal(dir.journal)};
    journal_inbox(t.journal, take, &t);
    ck_assert_int_eq(t.taken, 1);
    close_journal(t.journal);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 1);
}
END_TEST

START_TEST(putting_tells_who_owns_the_journal)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    struct error err;
    long pid = -1;
    ck_assert_ok(inbox_put(dir.journal, "r", SLICE("{}"), 1, &pid, &err), err);
    ck_assert_int_eq(pid, getpid());
    close_journal(j);
    ck_assert_ok(inbox_put(dir.journal, "r", SLICE("{}"), 1, &pid, &err), err);
    ck_assert_int_eq(pid, 0);
    /* It never moved the WAL into the file: that is the owner's. */
    ck_assert(beside_exists(dir.journal, "-wal"));
}
END_TEST

START_TEST(puts_of_many_processes_beside_a_busy_owner_all_arrive)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct taker t = {.journal = open_journal(dir.journal)};
    enum { PROCESSES = 4, EACH = 25 };
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() != 0)
            continue;
        for (int i = 0; i < EACH; i++)
            put(dir.journal, "x");
        _exit(0);
    }
    uint64_t busy = 0;
    while (t.taken < PROCESSES * EACH) {
        append(t.journal, "busy", ++busy, "{}");
        must_sync(t.journal);
        journal_inbox(t.journal, take, &t);
    }
    for (int p = 0; p < PROCESSES; p++)
        ck_assert_int_gt(wait(NULL), 0);
    close_journal(t.journal);
    ck_assert_uint_eq(count_records(dir.journal, "r"), PROCESSES * EACH);
    ck_assert_uint_eq(count_records(dir.journal, "busy"), busy);
}
END_TEST

START_TEST(what_is_too_much_is_refused)
{
    AUTO(folder_done) struct folder dir = folder_new();
    close_journal(open_journal(dir.journal));
    struct error err;
    long pid = 0;
    struct slice big = {xcalloc(1, LIMIT_PAYLOAD + 1), LIMIT_PAYLOAD + 1};
    ck_assert_code(inbox_put(dir.journal, "r", big, 1, &pid, &err), ERR_LIMIT, err);
    ck_assert_code(inbox_put(dir.journal, "", SLICE("{}"), 1, &pid, &err), ERR_INPUT, err);
    free((void *)(uintptr_t)big.ptr);
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(dir.journal, &db), SQLITE_OK);
    AUTO(freep)
    char *sql = xasprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
                          " WHERE i<%u) INSERT INTO inbox(run, body, at_ms)"
                          " SELECT 'r', '{}', 42 FROM n",
                          LIMIT_INBOX);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_code(inbox_put(dir.journal, "r", SLICE("{}"), 1, &pid, &err), ERR_LIMIT, err);
    ck_assert_says(err, "seam resume");
}
END_TEST

UNIT_MAIN(a_message_on_terms_is_put_only_if_they_are_met, messages_come_in_order_and_once,
          more_messages_than_are_fetched_at_once_all_come,
          a_message_and_its_record_are_one_transaction, putting_tells_who_owns_the_journal,
          puts_of_many_processes_beside_a_busy_owner_all_arrive, what_is_too_much_is_refused)

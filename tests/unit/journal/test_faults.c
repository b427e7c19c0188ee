/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that fails once, at every place it can: the Nth write, sync or truncation, counted up
 * until none fails. After each: no barrier is reached any more, though the disk works again; the
 * next opening goes on with another file; everything acknowledged is there and every run is a
 * prefix with a whole chain.
 */
#include "faulty_vfs.h"
#include "journal_testing.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { EVERY = FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE, RUNS = 3 };

struct scenario {
    int syncs;
    size_t body_size;
};

struct outcome {
    uint64_t appended, acknowledged; /* of each run */
    enum error_code barrier, close;  /* the first failure of each */
    struct error err;
};

static void run_name(int run, char ret_name[16])
{
    snprintf(ret_name, 16, "run-%d", run);
}

static void one_sync(struct journal *j, const char *body, struct outcome *o)
{
    char name[16];
    o->appended++;
    for (int run = 0; run < RUNS; run++) {
        run_name(run, name);
        append(j, name, o->appended, body);
    }
    struct reached r = sync_journal(j, o->appended % 2);
    if (r.code) {
        ck_assert_msg(o->barrier == ERR_OK || r.code == o->barrier, "another failure than before");
        o->barrier = r.code;
        o->err = r.err;
        return;
    }
    ck_assert_msg(o->barrier == ERR_OK, "a barrier was reached after one that failed");
    o->acknowledged = o->appended;
}

/* Opens, appends, syncs and closes a journal whose Nth operation fails. */
static struct outcome play(const char *path, const struct scenario *s, int kinds, int nth)
{
    struct outcome o = {0};
    AUTO(freep) char *body = xmalloc(s->body_size + 1);
    memset(body, 'x', s->body_size);
    body[s->body_size] = '\0';
    struct journal *j = open_journal(path);
    faulty_arm(kinds, nth);
    for (int i = 0; i < s->syncs; i++)
        one_sync(j, body, &o);
    struct error err = {.text = ""};
    o.close = journal_close(j, &err);
    if (o.close && !o.barrier)
        o.err = err;
    return o;
}

static void check_after(const char *path, const struct outcome *o, int fired, int nth)
{
    if (fired == FAULT_TRUNCATE && !o->close) /* SQLite may do without: the WAL stays longer */
        ck_assert(!beside_exists(path, ".suspect"));
    else
        ck_assert_msg(o->close == ERR_IO, "failure %d at %d gave \"%s\"", fired, nth, o->err.text);
    ck_assert_msg(!o->barrier || o->barrier == o->close, "%s", o->err.text);
    ck_assert(beside_exists(path, ".suspect") == (o->close != ERR_OK));
    struct stat before, after;
    ck_assert_int_eq(stat(path, &before), 0);
    int old = open(path, O_RDWR);
    struct journal *j = open_journal(path);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_msg((before.st_ino != after.st_ino) == (o->close != ERR_OK), "copied, or not, at %d",
                  nth);
    ck_assert(!beside_exists(path, ".suspect"));
    ck_assert(!beside_exists(path, ".copy") && !beside_exists(path, ".copying"));
    if (o->close) /* what the disk lost of the old file is not missed */
        ck_assert_int_eq(ftruncate(old, 0), 0);
    close(old);
    char name[16];
    for (int run = 0; run < RUNS; run++) {
        run_name(run, name);
        uint64_t found = count_records(path, name);
        ck_assert_msg(found >= o->acknowledged && found <= o->appended,
                      "failure %d at %d: %s has %lu records, %lu were acknowledged", fired, nth,
                      name, (unsigned long)found, (unsigned long)o->acknowledged);
        append(j, name, found + 1, "{}");
    }
    must_sync(j);
    close_journal(j);
}

static int fail_each(const struct scenario *s, int kinds)
{
    int nth = 0, fired;
    do {
        AUTO(folder_done) struct folder dir = folder_new();
        struct outcome o = play(dir.journal, s, kinds, ++nth);
        fired = faulty_disarm();
        if (fired)
            check_after(dir.journal, &o, fired, nth);
        else
            ck_assert_int_eq(o.close, ERR_OK);
    } while (fired);
    return nth - 1;
}

START_TEST(every_operation_of_a_short_life_may_fail)
{
    faulty_install();
    ck_assert_int_gt(fail_each(&(struct scenario){.syncs = 4, .body_size = 100}, EVERY), 40);
}
END_TEST

START_TEST(every_sync_of_a_life_with_checkpoints_may_fail)
{
    faulty_install();
    struct scenario s = {.syncs = 12, .body_size = 200000};
    ck_assert_int_gt(fail_each(&s, FAULT_SYNC), 14); /* more than the commits alone */
}
END_TEST

START_TEST(the_failure_says_what_to_do)
{
    faulty_install();
    AUTO(folder_done) struct folder dir = folder_new();
    struct outcome o =
        play(dir.journal, &(struct scenario){.syncs = 3, .body_size = 10}, FAULT_SYNC, 2);
    ck_assert_int_eq(o.barrier, ERR_IO);
    ck_assert_says(o.err, dir.journal);
    ck_assert_says(o.err, "next start copies the journal");
    struct error err;
    long pid;
    ck_assert_code(inbox_put(dir.journal, "run-0", SLICE("{}"), 1, &pid, &err), ERR_BUSY, err);
    ck_assert_says(err, "seam resume");
    ck_assert_uint_ge(count_records(dir.journal, "run-0"), 1); /* readers may look */
}
END_TEST

/* A journal that was killed in the middle and is marked: its next opening copies it. */
static void make_suspect(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        struct journal *j = open_journal(path);
        struct outcome o = {0};
        for (int i = 0; i < 5; i++)
            one_sync(j, "{}", &o);
        raise(SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    AUTO(freep) char *mark = xasprintf("%s.suspect", path);
    close(open(mark, O_CREAT | O_WRONLY, 0600));
}

static enum error_code open_and_close(const char *path, struct error *err)
{
    struct journal *j = NULL;
    struct journal_options options = {.path = path, .reserve_bytes = 65536};
    enum error_code code = journal_open(&options, &j, err);
    return code ? code : journal_close(j, err);
}

START_TEST(every_operation_of_the_copy_may_fail)
{
    faulty_install();
    int nth = 0, fired;
    do {
        AUTO(folder_done) struct folder dir = folder_new();
        make_suspect(dir.journal);
        struct error err;
        faulty_arm(EVERY, ++nth);
        enum error_code code = open_and_close(dir.journal, &err);
        fired = faulty_disarm();
        ck_assert_msg(code == ERR_OK || (fired && code == ERR_IO), "%d: %s", nth, err.text);
        code = open_and_close(dir.journal, &err);
        ck_assert_ok(code, err);
        ck_assert_uint_eq(count_records(dir.journal, "run-0"), 5);
    } while (fired);
    ck_assert_int_gt(nth, 20);
}
END_TEST

START_TEST(every_operation_of_the_first_opening_may_fail)
{
    faulty_install();
    int nth = 0, fired;
    do {
        AUTO(folder_done) struct folder dir = folder_new();
        struct error err;
        faulty_arm(EVERY, ++nth);
        enum error_code code = open_and_close(dir.journal, &err);
        fired = faulty_disarm();
        ck_assert_msg(code == ERR_OK || (fired && code == ERR_IO), "%d: %s", nth, err.text);
        code = open_and_close(dir.journal, &err);
        ck_assert_ok(code, err);
    } while (fired);
    ck_assert_int_gt(nth, 10);
}
END_TEST

static void copy_file(const char *from, const char *to)
{
    char buffer[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert(in >= 0 && out >= 0);
    for (ssize_t got; (got = read(in, buffer, sizeof(buffer))) > 0;)
        ck_assert_int_eq(write(out, buffer, (size_t)got), got);
    close(in);
    close(out);
}

START_TEST(a_crash_between_copy_and_takeover_goes_on_with_the_copy)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *copy = xasprintf("%s.copy", dir.journal);
    AUTO(freep) char *mark = xasprintf("%s.suspect", dir.journal);
    struct error err;
    struct outcome o = {0};
    struct journal *j = open_journal(dir.journal);
    one_sync(j, "{}", &o);
    close_journal(j);
    /* As the copy is left: whole, and of its own identity. The old file is what the disk made it.*/
    copy_file(dir.journal, copy);
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(copy, &db), SQLITE_OK);
    struct statx is;
    ck_assert_int_eq(statx(AT_FDCWD, copy, 0, STATX_INO | STATX_BTIME, &is), 0);
    AUTO(freep)
    char *sql = xasprintf("PRAGMA journal_mode=DELETE; UPDATE meta SET value='%llu:%lld' WHERE "
                          "key='identity'",
                          (unsigned long long)is.stx_ino,
                          (long long)is.stx_btime.tv_sec * 1000000000 + is.stx_btime.tv_nsec);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_int_eq(truncate(dir.journal, 5000), 0);
    close(open(mark, O_CREAT | O_WRONLY, 0600));
    enum error_code code = open_and_close(dir.journal, &err);
    ck_assert_ok(code, err);
    ck_assert_uint_eq(count_records(dir.journal, "run-0"), 1);
    ck_assert(!beside_exists(dir.journal, ".copy") && !beside_exists(dir.journal, ".suspect"));
}
END_TEST

START_TEST(the_copy_waits_for_nobody_and_takes_nothing_from_under_a_reader)
{
    AUTO(folder_done) struct folder dir = folder_new();
    make_suspect(dir.journal);
    struct journal_reader *reader = open_reader(dir.journal);
    struct error err;
    ck_assert_code(open_and_close(dir.journal, &err), ERR_BUSY, err);
    ck_assert_says(err, "has it open");
    journal_reader_close(reader);
    enum error_code code = open_and_close(dir.journal, &err);
    ck_assert_ok(code, err);
    ck_assert_uint_eq(count_records(dir.journal, "run-0"), 5);
}
END_TEST

START_TEST(a_damaged_journal_is_not_taken_over)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct journal *j = open_journal(dir.journal);
    struct outcome o = {0};
    for (int i = 0; i < 50; i++)
        one_sync(j, "{}", &o);
    close_journal(j);
    AUTO(freep) char *mark = xasprintf("%s.suspect", dir.journal);
    close(open(mark, O_CREAT | O_WRONLY, 0600));
    int fd = open(dir.journal, O_RDWR);
    char noise[4096];
    memset(noise, 0x5A, sizeof(noise));
    struct stat is;
    ck_assert_int_eq(fstat(fd, &is), 0);
    for (off_t at = 8192; at < is.st_size; at += 4096)
        ck_assert_int_eq(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
    close(fd);
    struct error err;
    ck_assert_code(open_and_close(dir.journal, &err), ERR_CORRUPT, err);
    ck_assert_says(err, "backup");
    ck_assert(beside_exists(dir.journal, ".suspect"));
    ck_assert(beside_exists(dir.journal, ""));
}
END_TEST

UNIT_MAIN(every_operation_of_a_short_life_may_fail, every_sync_of_a_life_with_checkpoints_may_fail,
          the_failure_says_what_to_do, every_operation_of_the_copy_may_fail,
          every_operation_of_the_first_opening_may_fail,
          a_crash_between_copy_and_takeover_goes_on_with_the_copy,
          the_copy_waits_for_nobody_and_takes_nothing_from_under_a_reader,
          a_damaged_journal_is_not_taken_over)

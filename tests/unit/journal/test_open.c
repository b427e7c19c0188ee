/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may open: one owner, of a file that is what it says it is, in a place that can keep it.
 */
#include "journal/journal_internal.h"
#include "journal_testing.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static enum error_code try_open(const char *path, bool restored, char ret_store[STORE_ID_SIZE],
                                struct error *err)
{
    struct journal *j = NULL;
    struct journal_options options = {.path = path, .restored = restored, .reserve_bytes = 65536};
    enum error_code code = journal_open(&options, &j, err);
    if (code)
        return code;
    if (ret_store)
        memcpy(ret_store, journal_store_id(j), STORE_ID_SIZE);
    close_journal(j);
    return ERR_OK;
}

static void copy_file(const char *from, const char *to, int flags)
{
    char buffer[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | flags, 0600);
    ck_assert(in >= 0 && out >= 0);
    for (ssize_t got; (got = read(in, buffer, sizeof(buffer))) > 0;)
        ck_assert_int_eq(write(out, buffer, (size_t)got), got);
    close(in);
    close(out);
}

START_TEST(a_second_owner_is_told_who_is_first)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct error err;
    struct journal *j = open_journal(dir.journal);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %d", (int)getpid());
    ck_assert_code(try_open(dir.journal, false, NULL, &err), ERR_BUSY, err);
    ck_assert_says(err, pid);
    pid_t child = fork();
    if (child == 0)
        _exit(try_open(dir.journal, true, NULL, &err) == ERR_BUSY && strstr(err.text, pid) ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    append(j, "r", 1, "{}");
    close_journal(j);
    ck_assert_ok(try_open(dir.journal, false, NULL, &err), err);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 1);
}
END_TEST

START_TEST(another_name_of_the_same_journal_is_the_same_journal)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *link_path = xasprintf("%s/other.db", dir.path);
    AUTO(freep) char *folder_link = xasprintf("%s/self", dir.path);
    AUTO(freep) char *through = xasprintf("%s/self/journal.db", dir.path);
    struct error err;
    struct journal *j = open_journal(dir.journal);
    ck_assert_int_eq(symlink("journal.db", link_path), 0);
    ck_assert_int_eq(symlink(".", folder_link), 0);
    ck_assert_code(try_open(link_path, false, NULL, &err), ERR_BUSY, err);
    ck_assert_code(try_open(through, false, NULL, &err), ERR_BUSY, err);
    close_journal(j);
    ck_assert_int_eq(unlink(link_path), 0);
    ck_assert_int_eq(link(dir.journal, link_path), 0);
    ck_assert_code(try_open(link_path, false, NULL, &err), ERR_CONFLICT, err);
    ck_assert_says(err, "hard links");
}
END_TEST

START_TEST(the_lock_ends_with_its_owner)
{
    AUTO(folder_done) struct folder dir = folder_new();
    pid_t child = fork();
    if (child == 0) {
        append(open_journal(dir.journal), "r", 1, "{}");
        raise(SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    struct error err;
    ck_assert_ok(try_open(dir.journal, false, NULL, &err), err);
}
END_TEST

START_TEST(an_owner_whose_lock_file_was_removed_is_fenced)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *lock = xasprintf("%s.lock", dir.journal);
    struct error err;
    struct journal *old = open_journal(dir.journal);
    append(old, "r", 1, "{}");
    must_sync(old);
    ck_assert_int_eq(unlink(lock), 0);
    struct journal *new = open_journal(dir.journal);
    append(old, "r", 2, "\"old\"");
    struct reached r = sync_journal(old, false);
    ck_assert_code(r.code, ERR_FENCED, r.err);
    append(new, "r", 2, "\"new\"");
    must_sync(new);
    append(old, "r", 3, "\"old\"");
    ck_assert_int_eq(sync_journal(old, false).code, ERR_FENCED);
    ck_assert_int_eq(journal_close(old, &err), ERR_FENCED);
    ck_assert(!beside_exists(dir.journal, ".suspect"));
    close_journal(new);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 2);
}
END_TEST

START_TEST(a_journal_that_was_taken_away_acknowledges_nothing)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *away = xasprintf("%s/away.db", dir.path);
    struct error err;
    struct journal *j = open_journal(dir.journal);
    append(j, "r", 1, "{}");
    must_sync(j);
    ck_assert_int_eq(rename(dir.journal, away), 0);
    append(j, "r", 2, "{}");
    struct reached r = sync_journal(j, false);
    ck_assert_code(r.code, ERR_NOT_FOUND, r.err);
    ck_assert_int_eq(journal_close(j, &err), ERR_NOT_FOUND);
    ck_assert_int_eq(rename(away, dir.journal), 0);
    ck_assert_ok(try_open(dir.journal, false, NULL, &err), err);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 1);
}
END_TEST

START_TEST(a_copy_is_refused_until_it_is_a_store_of_its_own)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *copy = xasprintf("%s/copy.db", dir.path);
    char first[STORE_ID_SIZE], second[STORE_ID_SIZE];
    struct error err;
    ck_assert_ok(try_open(dir.journal, false, first, &err), err);
    copy_file(dir.journal, copy, O_EXCL);
    ck_assert_code(try_open(copy, false, NULL, &err), ERR_CONFLICT, err);
    ck_assert_says(err, "--restored");
    ck_assert_says(err, first);
    ck_assert_ok(try_open(copy, true, second, &err), err);
    ck_assert_str_ne(first, second);
    ck_assert_ok(try_open(copy, false, first, &err), err);
    ck_assert_str_eq(first, second);
    ck_assert_ok(try_open(dir.journal, false, first, &err), err);
    ck_assert_str_ne(first, second);
}
END_TEST

START_TEST(a_journal_that_was_moved_is_itself)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *moved = xasprintf("%s/moved.db", dir.path);
    char first[STORE_ID_SIZE], second[STORE_ID_SIZE];
    struct error err;
    ck_assert_ok(try_open(dir.journal, false, first, &err), err);
    ck_assert_int_eq(rename(dir.journal, moved), 0);
    ck_assert_ok(try_open(moved, false, second, &err), err);
    ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(a_backup_put_over_the_journal_is_refused)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *backup = xasprintf("%s/backup.db", dir.path);
    char first[STORE_ID_SIZE], second[STORE_ID_SIZE];
    struct error err;
    ck_assert_ok(try_open(dir.journal, false, first, &err), err);
    copy_file(dir.journal, backup, O_EXCL);
    ck_assert_ok(try_open(dir.journal, false, NULL, &err), err);
    copy_file(backup, dir.journal, O_TRUNC); /* the same file, with older contents */
    ck_assert_code(try_open(dir.journal, false, NULL, &err), ERR_CONFLICT, err);
    ck_assert_says(err, "back in time");
    ck_assert_ok(try_open(dir.journal, true, second, &err), err);
    ck_assert_str_ne(first, second);
    ck_assert_ok(try_open(dir.journal, false, first, &err), err);
    ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(epochs_only_grow)
{
    AUTO(folder_done) struct folder dir = folder_new();
    for (uint64_t epoch = 1; epoch <= 5; epoch++) {
        struct journal *j = open_journal(dir.journal);
        ck_assert_uint_eq(journal_epoch(j), epoch);
        close_journal(j);
    }
}
END_TEST

/* Power goes before anything was committed: the WAL, which nobody synced, is gone. */
START_TEST(an_opening_that_the_disk_never_saw_is_begun_again)
{
    AUTO(folder_done) struct folder dir = folder_new();
    AUTO(freep) char *wal = xasprintf("%s-wal", dir.journal);
    AUTO(freep) char *shm = xasprintf("%s-shm", dir.journal);
    close_journal(open_journal(dir.journal));
    pid_t child = fork();
    if (child == 0)
        _exit(journal_epoch(open_journal(dir.journal)) == 2 ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(unlink(wal) | unlink(shm), 0);
    struct journal *j = open_journal(dir.journal);
    ck_assert_uint_eq(journal_epoch(j), 2);
    append(j, "r", 1, "{}");
    close_journal(j);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 1);
}
END_TEST

START_TEST(network_file_systems_are_refused_by_name)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } network[] = {{0x6969, "NFS"},       {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB2"},
                   {0x01021997, "9P"},    {0x00C36400, "Ceph"}, {0x5346414F, "AFS"},
                   {0x0BD00BD0, "Lustre"}};
    for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++)
        ck_assert_str_eq(place_network_name(network[i].magic), network[i].name);
    static const unsigned long local[] = {0xEF53,     0x58465342, 0x9123683E, 0x01021994,
                                          0x794C7630, 0x2FC12FC1, 0x65735546};
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        ck_assert_ptr_null(place_network_name(local[i]));
}
END_TEST

START_TEST(a_crash_while_the_journal_is_made_leaves_one_that_opens)
{
    AUTO(folder_done) struct folder dir = folder_new();
    struct error err;
    close(open(dir.journal, O_CREAT | O_WRONLY, 0600)); /* made, and nothing written */
    struct journal_reader *reader = NULL;
    ck_assert_code(journal_reader_open(dir.journal, &reader, &err), ERR_NOT_FOUND, err);
    ck_assert_ok(try_open(dir.journal, false, NULL, &err), err);
    ck_assert_int_eq(unlink(dir.journal), 0);
    sqlite3 *db; /* the mode is set, and no table is made */
    ck_assert_int_eq(sqlite3_open(dir.journal, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_ok(try_open(dir.journal, false, NULL, &err), err);
}
END_TEST

UNIT_MAIN(a_second_owner_is_told_who_is_first, another_name_of_the_same_journal_is_the_same_journal,
          the_lock_ends_with_its_owner, an_owner_whose_lock_file_was_removed_is_fenced,
          a_journal_that_was_taken_away_acknowledges_nothing,
          a_copy_is_refused_until_it_is_a_store_of_its_own, a_journal_that_was_moved_is_itself,
          a_backup_put_over_the_journal_is_refused, epochs_only_grow,
          an_opening_that_the_disk_never_saw_is_begun_again,
          network_file_systems_are_refused_by_name,
          a_crash_while_the_journal_is_made_leaves_one_that_opens)

/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that is really full: a small tmpfs in a mount namespace of the test's own. Where the
 * kernel does not permit one, each test says so on stderr and tests nothing.
 */
#include "journal_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

enum { DISK_BYTES = 2 << 20, RESERVE_BYTES = 256 << 10 };

/* Mounts the small disk over the folder, for this process and its children alone. */
static bool small_disk(const struct folder *dir)
{
    char options[32];
    snprintf(options, sizeof(options), "size=%d", DISK_BYTES);
    bool apart = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (apart && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", dir->path, "tmpfs", 0, options) == 0)
        return true;
    fprintf(stderr, "SKIPPED, NOT TESTED: a full disk; mounting a tmpfs: %s\n", strerror(errno));
    return false;
}

static void disk_gone(struct folder *dir)
{
    umount2(dir->path, MNT_DETACH);
    folder_done(dir);
}

static enum error_code open_with_reserve(const char *path, struct journal **ret_journal,
                                         struct error *err)
{
    struct journal_options options = {.path = path, .reserve_bytes = RESERVE_BYTES};
    return journal_open(&options, ret_journal, err);
}

/* Takes all but so many bytes of the disk. */
static void fill_disk(const struct folder *dir, off_t but)
{
    AUTO(freep) char *path = xasprintf("%s/filler", dir->path);
    char page[4096] = {1};
    off_t size = 0;
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(fd, page, sizeof(page)) == sizeof(page))
        size += (off_t)sizeof(page);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(ftruncate(fd, size > but ? size - but : 0), 0);
    close(fd);
}

static void empty_disk(const struct folder *dir)
{
    AUTO(freep) char *path = xasprintf("%s/filler", dir->path);
    ck_assert_int_eq(unlink(path), 0);
}

static off_t reserve_size(const struct folder *dir)
{
    AUTO(freep) char *path = xasprintf("%s.reserve", dir->journal);
    struct stat is;
    return stat(path, &is) == 0 ? is.st_blocks * 512 : 0;
}

static char *outcome_of(size_t size)
{
    char *body = xmalloc(size + 1);
    memset(body, 'x', size);
    body[size] = '\0';
    return body;
}

START_TEST(an_outcome_is_written_though_the_disk_filled_after_its_begin)
{
    AUTO(disk_gone) struct folder dir = folder_new();
    if (!small_disk(&dir))
        return;
    struct journal *j = NULL;
    struct error err;
    AUTO(freep) char *outcome = outcome_of(100000);
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    append(j, "r", 1, "\"begin\"");
    struct reached r = sync_journal(j, true);
    ck_assert_ok(r.code, r.err);
    ck_assert_int_ge(reserve_size(&dir), RESERVE_BYTES);
    fill_disk(&dir, 0);
    append(j, "r", 2, outcome);
    r = sync_journal(j, false);
    ck_assert_ok(r.code, r.err);
    ck_assert_int_eq(reserve_size(&dir), 0);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 2);
    /* Nothing new may begin, and what is small goes on. */
    r = sync_journal(j, true);
    ck_assert_code(r.code, ERR_NO_SPACE, r.err);
    ck_assert_says(r.err, ".reserve");
    ck_assert_says(r.err, "free some space");
    append(j, "r", 3, "{}");
    must_sync(j);
    /* Until there is room again. */
    empty_disk(&dir);
    append(j, "r", 4, "{}");
    r = sync_journal(j, true);
    ck_assert_ok(r.code, r.err);
    ck_assert_int_ge(reserve_size(&dir), RESERVE_BYTES);
    close_journal(j);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 4);
}
END_TEST

START_TEST(nothing_begins_without_room_for_its_outcome)
{
    AUTO(disk_gone) struct folder dir = folder_new();
    if (!small_disk(&dir))
        return;
    struct journal *j = NULL;
    struct error err;
    AUTO(freep) char *path = xasprintf("%s.reserve", dir.journal);
    AUTO(freep) char *smaller = outcome_of(100000);
    FILE *reserve = fopen(path, "w"); /* a smaller one, of before */
    fputs(smaller, reserve);
    fclose(reserve);
    fill_disk(&dir, 200 << 10); /* enough for the journal, not for the reserve */
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    append(j, "r", 1, "{}");
    struct reached with_room = {0}, without = {0};
    journal_sync(j, true, note_reached, &with_room);
    journal_sync(j, false, note_reached, &without);
    journal_drain(j);
    ck_assert_code(with_room.code, ERR_NO_SPACE, with_room.err);
    ck_assert_ok(without.code, without.err);
    ck_assert_int_eq(reserve_size(&dir), 0); /* half a reserve is not kept */
    close_journal(j);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 1);
}
END_TEST

START_TEST(a_disk_without_any_room_ends_the_journal_and_loses_nothing_acknowledged)
{
    AUTO(disk_gone) struct folder dir = folder_new();
    if (!small_disk(&dir))
        return;
    struct journal *j = NULL;
    struct error err;
    AUTO(freep) char *body = outcome_of(20000);
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    uint64_t acknowledged = 0, appended = 0;
    struct reached r = {0};
    fill_disk(&dir, 0);
    while (!r.code) {
        append(j, "r", ++appended, body);
        r = sync_journal(j, false);
        if (!r.code)
            acknowledged = appended;
    }
    ck_assert_code(r.code, ERR_NO_SPACE, r.err);
    ck_assert_says(r.err, "free some space");
    ck_assert_uint_gt(acknowledged, 3); /* the reserve was used */
    empty_disk(&dir);
    append(j, "r", ++appended, body);
    r = sync_journal(j, false);
    ck_assert_code(r.code, ERR_NO_SPACE, r.err); /* what was in between is missing: it stays dead */
    ck_assert_int_eq(journal_close(j, &err), ERR_NO_SPACE);
    /* Nothing is in doubt, so nothing is copied: that would need twice the room. */
    ck_assert(!beside_exists(dir.journal, ".suspect"));
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    ck_assert_uint_eq(count_records(dir.journal, "r"), acknowledged);
    close_journal(j);
}
END_TEST

START_TEST(a_host_that_starts_on_a_full_disk_can_write_what_it_owes)
{
    AUTO(disk_gone) struct folder dir = folder_new();
    if (!small_disk(&dir))
        return;
    pid_t child = fork();
    if (child == 0) {
        struct journal *j = NULL;
        struct error err;
        if (open_with_reserve(dir.journal, &j, &err) != ERR_OK)
            _exit(1);
        append(j, "r", 1, "\"begin\"");
        must_sync(j);
        fill_disk(&dir, 0);
        raise(SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    struct journal *j = NULL;
    struct error err;
    AUTO(freep) char *outcome = outcome_of(100000);
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    append(j, "r", 2, outcome);
    must_sync(j);
    ck_assert_int_eq(sync_journal(j, true).code, ERR_NO_SPACE);
    close_journal(j);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 2);
}
END_TEST

START_TEST(a_journal_that_cannot_be_made_says_why_and_can_be_made_later)
{
    AUTO(disk_gone) struct folder dir = folder_new();
    if (!small_disk(&dir))
        return;
    struct journal *j = NULL;
    struct error err;
    fill_disk(&dir, 8192);
    ck_assert_code(open_with_reserve(dir.journal, &j, &err), ERR_NO_SPACE, err);
    ck_assert_says(err, dir.journal);
    ck_assert_says(err, "free some space");
    empty_disk(&dir);
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    close_journal(j);
}
END_TEST

START_TEST(a_message_that_does_not_fit_is_not_left)
{
    AUTO(disk_gone) struct folder dir = folder_new();
    if (!small_disk(&dir))
        return;
    struct journal *j = NULL;
    struct error err;
    long pid;
    AUTO(freep) char *body = outcome_of(100000);
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    fill_disk(&dir, 0);
    ck_assert_code(inbox_put(dir.journal, "r", slice_of(body), 1, &pid, &err), ERR_NO_SPACE, err);
    ck_assert_says(err, "free some space");
    ck_assert(!beside_exists(dir.journal, ".suspect"));
    append(j, "r", 1, "{}");
    must_sync(j);
    empty_disk(&dir);
    ck_assert_ok(inbox_put(dir.journal, "r", slice_of(body), 1, &pid, &err), err);
    close_journal(j);
}
END_TEST

START_TEST(a_copy_that_does_not_fit_leaves_the_journal_for_the_next_start)
{
    AUTO(disk_gone) struct folder dir = folder_new();
    if (!small_disk(&dir))
        return;
    struct journal *j = NULL;
    struct error err;
    AUTO(freep) char *body = outcome_of(400000);
    AUTO(freep) char *mark = xasprintf("%s.suspect", dir.journal);
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    append(j, "r", 1, body);
    close_journal(j);
    close(open(mark, O_CREAT | O_WRONLY, 0600));
    fill_disk(&dir, 100000);
    ck_assert_code(open_with_reserve(dir.journal, &j, &err), ERR_NO_SPACE, err);
    ck_assert_says(err, "copying the journal after a failed sync");
    ck_assert(beside_exists(dir.journal, ".suspect"));
    ck_assert(!beside_exists(dir.journal, ".copying")); /* it would keep the disk full */
    empty_disk(&dir);
    ck_assert_ok(open_with_reserve(dir.journal, &j, &err), err);
    ck_assert(!beside_exists(dir.journal, ".suspect"));
    close_journal(j);
    ck_assert_uint_eq(count_records(dir.journal, "r"), 1);
}
END_TEST

UNIT_MAIN(an_outcome_is_written_though_the_disk_filled_after_its_begin,
          nothing_begins_without_room_for_its_outcome,
          a_disk_without_any_room_ends_the_journal_and_loses_nothing_acknowledged,
          a_host_that_starts_on_a_full_disk_can_write_what_it_owes,
          a_journal_that_cannot_be_made_says_why_and_can_be_made_later,
          a_message_that_does_not_fit_is_not_left,
          a_copy_that_does_not_fit_leaves_the_journal_for_the_next_start)

/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder in which `seam test` keeps the journals of its cases while it runs: in memory if it
 * can be. It is gone afterwards. One that was left by a process that was killed is removed by the
 * next: whoever owns a folder holds a lock in it, and a lock ends with the last process that holds
 * it, whatever ended that.
 */
#include "cli/test_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "seam-test."
#define OWNER  "owner"

/* One without a lock is just being made, or was made by something else. */
enum { MADE_SECONDS = 3600 };

/* ---- removing ---- */

static int remove_entry(const char *path, const struct stat *found, int flag, struct FTW *at)
{
    (void)found;
    (void)flag;
    (void)at;
    return remove(path);
}

void test_sweep(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void test_remove_journal(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock", ".reserve"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        AUTO(freep) char *file = xasprintf("%s%s", path, ends[i]);
        unlink(file);
    }
}

/* ---- what others left ---- */

/* Nobody holds its lock any more. */
static bool is_deserted(int folder, const struct stat *found)
{
    int owner = openat(folder, OWNER, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (owner < 0)
        return errno == ENOENT && time(NULL) - found->st_mtime > MADE_SECONDS;
    bool deserted = flock(owner, LOCK_EX | LOCK_NB) == 0;
    close(owner);
    return deserted;
}

/* A folder of this user, whose owner is no more. */
static bool is_left(int parent, const char *name)
{
    struct stat found;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool left =
        fstat(folder, &found) == 0 && found.st_uid == geteuid() && is_deserted(folder, &found);
    close(folder);
    return left;
}

static void sweep_left(const char *parent)
{
    DIR *all = opendir(parent);
    const struct dirent *entry;
    while (all && (entry = readdir(all))) {
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
            !is_left(dirfd(all), entry->d_name))
            continue;
        AUTO(freep) char *path = xasprintf("%s/%s", parent, entry->d_name);
        test_sweep(path);
    }
    if (all)
        closedir(all);
}

/* ---- one's own ---- */

/* Processes that are forked from here hold it too. */
static enum error_code own(struct test *test, struct error *reterr)
{
    AUTO(freep) char *path = xasprintf("%s/%s", test->folder, OWNER);
    test->owner = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (test->owner < 0 || flock(test->owner, LOCK_EX) != 0)
        return error_set_errno(reterr, errno, "%s", path);
    dprintf(test->owner, "%ld\n", (long)getpid());
    return ERR_OK;
}

enum error_code test_folder_open(struct test *test, struct error *reterr)
{
    const char *keep = args_option(test->args, "--keep"), *tmp = getenv("TMPDIR");
    if (keep) {
        if (mkdir(keep, 0700) != 0 && errno != EEXIST)
            return error_set_errno(reterr, errno, "--keep %s", keep);
        test->folder = realpath(keep, NULL);
        return ERR_OK;
    }
    /* what a killed process leaves in memory is what it would leave on a disk */
    const char *fast = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    const char *parent = tmp && *tmp ? tmp : fast;
    sweep_left(parent);
    char *folder = xasprintf("%s/" PREFIX "XXXXXX", parent);
    if (!mkdtemp(folder)) {
        int saved = errno;
        enum error_code code = error_set_errno(reterr, saved, "%s", folder);
        free(folder);
        return code;
    }
    test->folder = folder;
    return own(test, reterr);
}

void test_folder_close(struct test *test)
{
    if (test->folder && !args_flag(test->args, "--keep"))
        test_sweep(test->folder);
    if (test->owner >= 0)
        close(test->owner);
    free(test->folder);
}

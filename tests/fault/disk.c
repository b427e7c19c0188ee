/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that fails, a power cut, a clock that jumps: a library for LD_PRELOAD, so that the program
 * under test is the one that is shipped. Only files whose path begins with $FAULT_FILES are
 * touched.
 *
 *   FAULT_FAIL="KIND ERRNO N once|on"
 *       The Nth operation of that kind fails with ENOSPC or EIO; with `on`, so do all that follow.
 *       KIND: write; sync, of files and their folder; name, a rename or removal; or any.
 *   FAULT_LOG=FILE
 *       Every write, sync and change of names is logged there.
 *   FAULT_CUT=N
 *       At the Nth of them the process is killed: the power is gone, and powercut makes of the log
 *       what the disk may hold.
 *   FAULT_CLOCK="MS AFTER"
 *       The wall clock jumps by MS when the process is AFTER ms old; with FAULT_FILES, when it has
 *       had one of them for so long.
 *
 * A write that fails has written its first half, as torn as a real one. Reads are left alone.
 */
#include "disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { DESCRIPTORS = 4096, FILES = 256 };
enum watch { WATCH_NOT, WATCH_FILE, WATCH_FOLDER };
enum kind { KIND_WRITE = 1, KIND_SYNC = 2, KIND_NAME = 4 };

static struct {
    pthread_mutex_t lock;
    const char *files; /* NULL = nothing is watched */
    char folder[4096];
    unsigned char watched[DESCRIPTORS];
    uint64_t known[FILES]; /* inodes that the log has met */
    size_t known_count;
    int log; /* -1 = none */
    long cut, operations;
    int fail_kinds, fail_errno;
    long fail_at, failing; /* failing: operations of those kinds so far */
    bool fail_on;
    long clock_ms, clock_after_ms;
    struct timespec started;
} fault = {.lock = PTHREAD_MUTEX_INITIALIZER, .log = -1};

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real)                                                                                     \
    real = (__typeof__(name) *)(uintptr_t)dlsym(RTLD_NEXT, #name)

static _Noreturn void give_up(const char *what)
{
    dprintf(STDERR_FILENO, "disk: %s\n", what);
    _exit(125);
}

static void read_failure(const char *text)
{
    char kind[8], code[8], span[8];
    if (sscanf(text, "%7s %7s %ld %7s", kind, code, &fault.fail_at, span) != 4)
        give_up("FAULT_FAIL: expected KIND ERRNO N once|on");
    fault.fail_kinds = strcmp(kind, "write") == 0  ? KIND_WRITE
                       : strcmp(kind, "sync") == 0 ? KIND_SYNC
                       : strcmp(kind, "name") == 0 ? KIND_NAME
                                                   : KIND_WRITE | KIND_SYNC | KIND_NAME;
    fault.fail_errno = strcmp(code, "ENOSPC") == 0 ? ENOSPC : EIO;
    fault.fail_on = strcmp(span, "on") == 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *log = getenv("FAULT_LOG"), *fail = getenv("FAULT_FAIL"), *cut = getenv("FAULT_CUT");
    const char *jump = getenv("FAULT_CLOCK");
    fault.files = getenv("FAULT_FILES");
    const char *slash = fault.files ? strrchr(fault.files, '/') : NULL;
    if (fault.files && (!slash || (size_t)(slash - fault.files) >= sizeof(fault.folder)))
        give_up("FAULT_FILES: expected an absolute path");
    if (slash)
        memcpy(fault.folder, fault.files, (size_t)(slash - fault.files));
    if (fail)
        read_failure(fail);
    if (cut)
        fault.cut = strtol(cut, NULL, 10);
    if (jump && sscanf(jump, "%ld %ld", &fault.clock_ms, &fault.clock_after_ms) != 2)
        give_up("FAULT_CLOCK: expected MS AFTER");
    if (log && fault.files)
        fault.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log && fault.files && fault.log < 0)
        give_up("FAULT_LOG: cannot be opened");
    if (!fault.files)
        clock_gettime(CLOCK_MONOTONIC, &fault.started);
}

static enum watch watch_of(const char *path)
{
    if (!fault.files || !path)
        return WATCH_NOT;
    if (strncmp(path, fault.files, strlen(fault.files)) == 0)
        return WATCH_FILE;
    return strcmp(path, fault.folder) == 0 ? WATCH_FOLDER : WATCH_NOT;
}

static enum watch watched(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? (enum watch)fault.watched[fd] : WATCH_NOT;
}

/* ---- the log; the lock is held ---- */

static ssize_t real_write(int fd, const void *from, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = (ssize_t(*)(int, const void *, size_t))(uintptr_t)dlsym(RTLD_NEXT, "write");
    return real(fd, from, size);
}

static void log_bytes(const void *from, size_t size)
{
    for (const char *at = from; size > 0;) {
        ssize_t done = real_write(fault.log, at, size);
        if (done <= 0)
            give_up("the log cannot be written");
        at += done;
        size -= (size_t)done;
    }
}

static void log_entry(enum disk_op op, uint64_t file, uint64_t at, const void *bytes, size_t len)
{
    struct disk_entry entry = {.op = op, .file = file, .at = at, .len = len};
    if (fault.log < 0)
        return;
    log_bytes(&entry, sizeof(entry));
    log_bytes(bytes, len);
}

static uint64_t inode_of(int fd)
{
    struct stat is;
    return fstat(fd, &is) == 0 ? (uint64_t)is.st_ino : 0;
}

/* What a file holds that was there before this process. */
static void log_found(const char *path, uint64_t file)
{
    struct stat is;
    size_t name = strlen(path) + 1;
    size_t size = stat(path, &is) == 0 ? (size_t)is.st_size : 0;
    char *bytes = malloc(name + size + 1);
    if (!bytes)
        give_up("no memory");
    memcpy(bytes, path, name);
    int (*real_open)(const char *, int, ...) =
        (int (*)(const char *, int, ...))(uintptr_t)dlsym(RTLD_NEXT, "open");
    /* The descriptor may be for writing alone. It is the first of this file: no lock goes with the
     * closing of the other. */
    int own = real_open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = own >= 0 ? pread(own, bytes + name, size, 0) : 0;
    if (own >= 0)
        close(own);
    log_entry(DISK_FOUND, file, 0, bytes, name + (got > 0 ? (size_t)got : 0));
    free(bytes);
}

/* Called before an operation is carried out, which the log has already. */
static void count_operation(void)
{
    if (fault.cut > 0 && ++fault.operations == fault.cut)
        kill(getpid(), SIGKILL);
}

static bool must_fail(enum kind kind)
{
    if (!(fault.fail_kinds & (int)kind))
        return false;
    long number = ++fault.failing;
    return fault.fail_on ? number >= fault.fail_at : number == fault.fail_at;
}

/* ---- names ---- */

/* The lock is held. False if the log has not met the file: from now on it has. */
static bool meet(uint64_t file)
{
    for (size_t i = 0; i < fault.known_count; i++)
        if (fault.known[i] == file)
            return true;
    if (fault.known_count < FILES)
        fault.known[fault.known_count++] = file;
    return false;
}

static int opened(int fd, const char *path, bool existed)
{
    enum watch watch = watch_of(path);
    if (fd < 0 || fd >= DESCRIPTORS)
        return fd;
    pthread_mutex_lock(&fault.lock);
    fault.watched[fd] = (unsigned char)watch;
    if (watch == WATCH_FILE && fault.started.tv_sec == 0)
        clock_gettime(CLOCK_MONOTONIC, &fault.started);
    uint64_t file = watch == WATCH_FILE ? inode_of(fd) : 0;
    bool known = file == 0 || meet(file);
    if (fault.log >= 0 && file != 0 && !existed)
        log_entry(DISK_MADE, file, 0, path, strlen(path));
    else if (fault.log >= 0 && !known)
        log_found(path, file);
    pthread_mutex_unlock(&fault.lock);
    return fd;
}

static bool is_there(const char *path)
{
    struct stat is;
    return fault.files && lstat(path, &is) == 0;
}

#define OPEN(name)                                                                                 \
    __attribute__((visibility("default"))) int name(const char *path, int flags, ...)              \
    {                                                                                              \
        REAL(name);                                                                                \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                  \
        va_end(rest);                                                                              \
        bool existed = watch_of(path) == WATCH_NOT || is_there(path);                              \
        return opened(real(path, flags, mode), path, existed);                                     \
    }
OPEN(open)
OPEN(open64)

__attribute__((visibility("default"))) int close(int fd)
{
    REAL(close);
    if (fd >= 0 && fd < DESCRIPTORS)
        fault.watched[fd] = WATCH_NOT;
    return real(fd);
}

/* Logs a change of names, and of what it is about that which nobody has opened yet: a name that was
 * not synced may come back with it. The length has the last NUL of two names. Whether it fails. */
static bool name_fails(enum disk_op op, const char *about, const char *names, size_t len)
{
    struct stat is;
    pthread_mutex_lock(&fault.lock);
    if (fault.log >= 0 && stat(about, &is) == 0 && !meet((uint64_t)is.st_ino))
        log_found(about, (uint64_t)is.st_ino);
    bool fails = must_fail(KIND_NAME);
    if (!fails)
        log_entry(op, 0, 0, names, len);
    count_operation();
    pthread_mutex_unlock(&fault.lock);
    if (fails)
        errno = fault.fail_errno;
    return fails;
}

__attribute__((visibility("default"))) int unlink(const char *path)
{
    REAL(unlink);
    if (watch_of(path) == WATCH_FILE && is_there(path) &&
        name_fails(DISK_REMOVE, path, path, strlen(path)))
        return -1;
    return real(path);
}

__attribute__((visibility("default"))) int rename(const char *from, const char *to)
{
    REAL(rename);
    char both[8192];
    int len = snprintf(both, sizeof(both), "%s%c%s", from, '\0', to);
    if (watch_of(from) == WATCH_FILE && name_fails(DISK_RENAME, from, both, (size_t)len + 1))
        return -1;
    return real(from, to);
}

/* ---- what is in files ---- */

/* Logs a write and says whether it is to fail; *ret_size is how much of it is to be done. */
static bool write_fails(int fd, const void *from, size_t size, uint64_t at, size_t *ret_size)
{
    pthread_mutex_lock(&fault.lock);
    bool fails = must_fail(KIND_WRITE);
    *ret_size = fails ? size / 2 : size;
    log_entry(DISK_WRITE, inode_of(fd), at, from, *ret_size);
    count_operation();
    pthread_mutex_unlock(&fault.lock);
    return fails;
}

#define PWRITE(name, offset)                                                                       \
    __attribute__((visibility("default"))) ssize_t name(int fd, const void *from, size_t size,     \
                                                        offset at)                                 \
    {                                                                                              \
        REAL(name);                                                                                \
        size_t part = size;                                                                        \
        if (watched(fd) != WATCH_FILE || !write_fails(fd, from, size, (uint64_t)at, &part))        \
            return real(fd, from, size, at);                                                       \
        (void)!real(fd, from, part, at);                                                           \
        errno = fault.fail_errno;                                                                  \
        return -1;                                                                                 \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

__attribute__((visibility("default"))) ssize_t write(int fd, const void *from, size_t size)
{
    size_t part = size;
    if (watched(fd) != WATCH_FILE)
        return real_write(fd, from, size);
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (!write_fails(fd, from, size, (uint64_t)at, &part))
        return real_write(fd, from, size);
    (void)!real_write(fd, from, part);
    errno = fault.fail_errno;
    return -1;
}

/* A change of length; whether it fails. */
static bool resize_fails(int fd, enum disk_op op, uint64_t length)
{
    if (watched(fd) != WATCH_FILE)
        return false;
    pthread_mutex_lock(&fault.lock);
    bool fails = must_fail(KIND_WRITE);
    if (!fails)
        log_entry(op, inode_of(fd), length, NULL, 0);
    count_operation();
    pthread_mutex_unlock(&fault.lock);
    return fails;
}

#define FTRUNCATE(name, offset)                                                                    \
    __attribute__((visibility("default"))) int name(int fd, offset length)                         \
    {                                                                                              \
        REAL(name);                                                                                \
        if (!resize_fails(fd, DISK_TRUNCATE, (uint64_t)length))                                    \
            return real(fd, length);                                                               \
        errno = fault.fail_errno;                                                                  \
        return -1;                                                                                 \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

#define FALLOCATE(name, offset)                                                                    \
    __attribute__((visibility("default"))) int name(int fd, int mode, offset at, offset len)       \
    {                                                                                              \
        REAL(name);                                                                                \
        if (!resize_fails(fd, DISK_EXTEND, (uint64_t)(at + len)))                                  \
            return real(fd, mode, at, len);                                                        \
        errno = fault.fail_errno;                                                                  \
        return -1;                                                                                 \
    }
FALLOCATE(fallocate, off_t)
FALLOCATE(fallocate64, off64_t)

#define POSIX_FALLOCATE(name, offset)                                                              \
    __attribute__((visibility("default"))) int name(int fd, offset at, offset len)                 \
    {                                                                                              \
        REAL(name);                                                                                \
        return resize_fails(fd, DISK_EXTEND, (uint64_t)(at + len)) ? fault.fail_errno              \
                                                                   : real(fd, at, len);            \
    }
POSIX_FALLOCATE(posix_fallocate, off_t)
POSIX_FALLOCATE(posix_fallocate64, off64_t)

/* The log has a sync only once it is done: cut before, nothing of it is sure. */
static bool sync_fails(int fd, enum watch watch)
{
    pthread_mutex_lock(&fault.lock);
    count_operation();
    bool fails = must_fail(KIND_SYNC);
    if (!fails)
        log_entry(watch == WATCH_FILE ? DISK_SYNC : DISK_SYNC_FOLDER, inode_of(fd), 0, NULL, 0);
    pthread_mutex_unlock(&fault.lock);
    return fails;
}

#define SYNC(name)                                                                                 \
    __attribute__((visibility("default"))) int name(int fd)                                        \
    {                                                                                              \
        REAL(name);                                                                                \
        enum watch watch = watched(fd);                                                            \
        if (watch == WATCH_NOT || !sync_fails(fd, watch))                                          \
            return real(fd);                                                                       \
        errno = fault.fail_errno;                                                                  \
        return -1;                                                                                 \
    }
SYNC(fsync)
SYNC(fdatasync)

/* ---- the clock ---- */

static long jump_ms(void)
{
    struct timespec now;
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))(uintptr_t)dlsym(RTLD_NEXT, "clock_gettime");
    real(CLOCK_MONOTONIC, &now);
    long age_ms = (now.tv_sec - fault.started.tv_sec) * 1000 +
                  (now.tv_nsec - fault.started.tv_nsec) / 1000000;
    bool begun = fault.started.tv_sec != 0;
    return begun && fault.clock_ms != 0 && age_ms >= fault.clock_after_ms ? fault.clock_ms : 0;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *ret)
{
    REAL(clock_gettime);
    int failed = real(id, ret);
    if (failed || fault.clock_ms == 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
        return failed;
    long ms = jump_ms();
    ret->tv_sec += ms / 1000;
    ret->tv_nsec += ms % 1000 * 1000000;
    if (ret->tv_nsec < 0 || ret->tv_nsec >= 1000000000) {
        long carry = ret->tv_nsec < 0 ? -1 : 1;
        ret->tv_sec += carry;
        ret->tv_nsec -= carry * 1000000000;
    }
    return 0;
}

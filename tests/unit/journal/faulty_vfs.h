/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that fails: an SQLite VFS over the real one, which passes everything on and, when it is
 * armed, fails the Nth write, sync or truncation that comes, once. What it fails to sync stays in
 * the page cache, as with a real disk, and the next sync is answered "ok". The wal-index is shared
 * memory and not counted. Installed as the default VFS, so that the journal needs no door for it.
 */
#ifndef TESTS_UNIT_JOURNAL_FAULTY_VFS_H
#define TESTS_UNIT_JOURNAL_FAULTY_VFS_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum fault { FAULT_WRITE = 1, FAULT_SYNC = 2, FAULT_TRUNCATE = 4 };

static struct {
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods methods;
    atomic_int kinds, left; /* which operations count; how many more until one fails */
    atomic_int fired;       /* the kind that failed */
} faulty;

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same allocation */
};

static inline sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static inline bool faulty_now(enum fault kind)
{
    if (!(atomic_load(&faulty.kinds) & (int)kind) || atomic_fetch_sub(&faulty.left, 1) != 1)
        return false;
    atomic_store(&faulty.kinds, 0);
    atomic_store(&faulty.fired, (int)kind);
    return true;
}

static inline void faulty_arm(int kinds, int nth)
{
    atomic_store(&faulty.fired, 0);
    atomic_store(&faulty.left, nth);
    atomic_store(&faulty.kinds, kinds);
}

/* Which kind failed; 0 if fewer than N came. */
static inline int faulty_disarm(void)
{
    atomic_store(&faulty.kinds, 0);
    return atomic_load(&faulty.fired);
}

static inline int faulty_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}
static inline int faulty_read(sqlite3_file *f, void *to, int size, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
}
static inline int faulty_write(sqlite3_file *f, const void *from, int size, sqlite3_int64 at)
{
    if (!faulty_now(FAULT_WRITE))
        return real_of(f)->pMethods->xWrite(real_of(f), from, size, at);
    real_of(f)->pMethods->xWrite(real_of(f), from, size / 2, at);
    return SQLITE_IOERR_WRITE;
}
static inline int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return faulty_now(FAULT_TRUNCATE) ? SQLITE_IOERR_TRUNCATE
                                      : real_of(f)->pMethods->xTruncate(real_of(f), size);
}
static inline int faulty_sync(sqlite3_file *f, int flags)
{
    return faulty_now(FAULT_SYNC) ? SQLITE_IOERR_FSYNC
                                  : real_of(f)->pMethods->xSync(real_of(f), flags);
}
static inline int faulty_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}
static inline int faulty_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}
static inline int faulty_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
static inline int faulty_reserved(sqlite3_file *f, int *result)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), result);
}
static inline int faulty_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static inline int faulty_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}
static inline int faulty_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}
static inline int faulty_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, p);
}
static inline int faulty_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}
static inline void faulty_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}
static inline int faulty_shm_unmap(sqlite3_file *f, int remove_it)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove_it);
}

static inline int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                              int *ret_flags)
{
    (void)vfs;
    struct faulty_file *f = (struct faulty_file *)file;
    f->real = (sqlite3_file *)(f + 1);
    int rc = faulty.real->xOpen(faulty.real, name, f->real, flags, ret_flags);
    f->base.pMethods = f->real->pMethods ? &faulty.methods : NULL;
    return rc;
}

static inline void faulty_install(void)
{
    faulty.real = sqlite3_vfs_find(NULL);
    faulty.vfs = *faulty.real;
    faulty.vfs.zName = "faulty";
    faulty.vfs.pNext = NULL;
    faulty.vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty.real->szOsFile;
    faulty.vfs.xOpen = faulty_open;
    faulty.methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = faulty_close,
        .xRead = faulty_read,
        .xWrite = faulty_write,
        .xTruncate = faulty_truncate,
        .xSync = faulty_sync,
        .xFileSize = faulty_size,
        .xLock = faulty_lock,
        .xUnlock = faulty_unlock,
        .xCheckReservedLock = faulty_reserved,
        .xFileControl = faulty_control,
        .xSectorSize = faulty_sector,
        .xDeviceCharacteristics = faulty_device,
        .xShmMap = faulty_shm_map,
        .xShmLock = faulty_shm_lock,
        .xShmBarrier = faulty_shm_barrier,
        .xShmUnmap = faulty_shm_unmap,
    };
    sqlite3_vfs_register(&faulty.vfs, 1);
}

#endif

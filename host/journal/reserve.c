/* SPDX-License-Identifier: Apache-2.0
 *
 * The reserve: a file beside the journal, `<path>.reserve`, whose only worth is the disk it keeps
 * allocated. When the disk is full it is given back, so that outcomes of effects that have begun
 * can still be written; nothing new begins until it is whole again. It outlives the process: after
 * a crash on a full disk the next host needs it too.
 *
 * Used by whoever has the journal's `committing`, once it is open.
 */
#include "journal/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void reserve_init(struct reserve *r, const char *journal_path, int64_t size)
{
    *r = (struct reserve){
        .path = xasprintf("%s.reserve", journal_path),
        .size = size,
    };
    r->fd = open(r->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat file;
    r->held = r->fd >= 0 && fstat(r->fd, &file) == 0 && file.st_size >= size &&
              (int64_t)file.st_blocks * 512 >= size;
}

void reserve_done(struct reserve *r)
{
    fd_closep(&r->fd);
    free(r->path);
    *r = (struct reserve){.fd = -1};
}

enum error_code reserve_fill(struct reserve *r, struct error *reterr)
{
    if (r->held)
        return ERR_OK;
    if (r->fd < 0)
        r->fd = open(r->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int failed = r->fd < 0 ? errno : posix_fallocate(r->fd, 0, r->size);
    if (failed == 0) {
        r->held = true;
        return ERR_OK;
    }
    /* Half a reserve is no reserve, and what it holds would be missed by the journal itself. */
    reserve_release(r);
    return error_set_errno(reterr, failed,
                           "%s: cannot set %" PRId64 " bytes aside for outcomes, so nothing may "
                           "begin that has one; free some space on its disk",
                           r->path, r->size);
}

bool reserve_release(struct reserve *r)
{
    r->held = false;
    struct stat file;
    return r->fd >= 0 && fstat(r->fd, &file) == 0 && file.st_blocks > 0 && ftruncate(r->fd, 0) == 0;
}

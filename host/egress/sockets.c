/* SPDX-License-Identifier: Apache-2.0
 *
 * Which sockets of libcurl's are open. It asks for each that it opens and tells of those that it
 * closes, but, depending on its version, not of those that never came to be a connection: the ones
 * that were refused, that nobody answered, that lost the race between two addresses. So a count of
 * what it says drifts up. Here each descriptor stands with the socket that it was, and where a
 * request ended without all of its sockets being accounted for they are looked at again: a
 * descriptor that is closed, or is something else by now, is not counted any more.
 */
#include "egress/egress_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What the kernel calls the socket, which no other one is called; 0 = it is none. */
static uint64_t identity(int fd)
{
    struct stat seen;
    return fstat(fd, &seen) == 0 && S_ISSOCK(seen.st_mode) ? (uint64_t)seen.st_ino : 0;
}

void sockets_done(struct sockets *sockets)
{
    free(sockets->identities);
    *sockets = (struct sockets){0};
}

void sockets_add(struct sockets *sockets, int fd)
{
    size_t at = (size_t)fd;
    if (at >= sockets->room) {
        size_t room = at < 64 ? 64 : at * 2;
        sockets->identities = xrealloc(sockets->identities, room * sizeof(*sockets->identities));
        memset(sockets->identities + sockets->room, 0,
               (room - sockets->room) * sizeof(*sockets->identities));
        sockets->room = room;
    }
    /* what stood there was closed, and nobody said so */
    if (sockets->identities[at] == 0)
        sockets->open++;
    sockets->identities[at] = identity(fd);
}

void sockets_drop(struct sockets *sockets, int fd)
{
    size_t at = (size_t)fd;
    if (at >= sockets->room || sockets->identities[at] == 0)
        return;
    sockets->identities[at] = 0;
    sockets->open--;
}

static void look_again(struct sockets *sockets)
{
    for (size_t at = 0; at < sockets->room; at++)
        if (sockets->identities[at] != 0 && identity((int)at) != sockets->identities[at])
            sockets_drop(sockets, (int)at);
    sockets->doubts = 0;
}

bool sockets_exceed(struct sockets *sockets, size_t most)
{
    if (sockets->open > most && sockets->doubts > 0 && sockets->open - most <= sockets->doubts)
        look_again(sockets);
    return sockets->open > most;
}

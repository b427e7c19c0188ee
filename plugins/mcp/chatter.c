/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program prints on its standard error. It goes on to the log as it is, no faster than that
 * takes it, and its end is kept: when the program ends, it is all there is to say why. The reader's
 * thread alone comes here, and nothing of it blocks, for that thread has the protocol to read.
 */
#include "mcp.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

void chatter_begin(struct chatter *chatter, int fd)
{
    *chatter = (struct chatter){.fd = fd};
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

void chatter_done(struct chatter *chatter)
{
    if (chatter->fd >= 0)
        close(chatter->fd);
    chatter->fd = -1;
}

/* What was read must go on before more is read. */
struct pollfd chatter_waits(const struct chatter *chatter)
{
    if (chatter->len > 0)
        return (struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT};
    return (struct pollfd){.fd = chatter->fd, .events = POLLIN};
}

static void keep_end(struct chatter *chatter)
{
    const size_t room = sizeof(chatter->end);
    size_t len = chatter->len < room ? chatter->len : room;
    size_t stays = chatter->end_len + len > room ? room - len : chatter->end_len;
    memmove(chatter->end, chatter->end + chatter->end_len - stays, stays);
    memcpy(chatter->end + stays, chatter->bytes + chatter->len - len, len);
    chatter->end_len = stays + len;
}

void chatter_move(struct chatter *chatter)
{
    if (chatter->len > 0) { /* a pipe that has room has room for all of it */
        (void)!write(STDERR_FILENO, chatter->bytes, chatter->len);
        chatter->len = 0;
        return;
    }
    ssize_t got = read(chatter->fd, chatter->bytes, sizeof(chatter->bytes));
    if (got == 0)
        chatter_done(chatter);
    chatter->len = got > 0 ? (size_t)got : 0;
    keep_end(chatter);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void chatter_finish(struct chatter *chatter)
{
    int64_t until_ms = now_ms() + CHATTER_MS, left_ms;
    while ((left_ms = until_ms - now_ms()) > 0) {
        struct pollfd wait = chatter_waits(chatter);
        if (wait.fd < 0 || poll(&wait, 1, (int)left_ms) <= 0)
            return;
        chatter_move(chatter);
    }
}

/* Whole lines, if there is more than one; no half character. */
seam_bytes chatter_end(const struct chatter *chatter)
{
    seam_bytes end = {chatter->end, chatter->end_len};
    while (end.len > 0 && strchr(" \t\r\n", end.ptr[end.len - 1]))
        end.len--;
    const char *line = memchr(end.ptr, '\n', end.len);
    if (chatter->end_len == sizeof(chatter->end) && line) {
        end.len -= (size_t)(line + 1 - end.ptr);
        end.ptr = line + 1;
    }
    return seam_is_utf8(end) ? end : (seam_bytes){"", 0};
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's end of both ways.
 */
#include "loader/link_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_SIZE = 256 << 10 };

int link_fd(const struct link *link)
{
    return link->memory ? memory_transport_fd(link->memory) : link->socket;
}

enum received link_receive(struct link *link)
{
    if (link->memory) {
        size_t before = link->in.len;
        memory_transport_take(link->memory, &link->in);
        return link->in.len > before ? RECEIVED_SOME : RECEIVED_NOTHING;
    }
    if (link->socket < 0)
        return RECEIVED_END;
    char *at = buffer_reserve(&link->in, RECEIVE_SIZE);
    ssize_t got = recv(link->socket, at, RECEIVE_SIZE, MSG_DONTWAIT);
    if (got > 0) {
        buffer_grew(&link->in, (size_t)got);
        return RECEIVED_SOME;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? RECEIVED_NOTHING : RECEIVED_END;
}

void link_flush(struct link *link)
{
    if (link->memory && link->out.len > 0)
        memory_transport_give(link->memory, &link->out);
    while (link->socket >= 0 && link->out.len > 0) {
        ssize_t sent = send(link->socket, buffer_bytes(&link->out), link->out.len,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return;
        /* To a guest that is gone all can be sent; its pidfd tells the rest. */
        buffer_drop(&link->out, sent < 0 ? link->out.len : (size_t)sent);
    }
}

void link_done(struct link *link)
{
    if (link->socket >= 0)
        close(link->socket);
    buffer_done(&link->in);
    buffer_done(&link->out);
    *link = (struct link){.socket = -1};
}

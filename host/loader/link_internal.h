/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's end of the way to a guest: a socket to a worker, or memory. Never blocks.
 */
#ifndef LOADER_LINK_INTERNAL_H
#define LOADER_LINK_INTERNAL_H

#include "loader/transport_internal.h"

struct link {
    int socket;                      /* -1: by memory, or closed */
    struct memory_transport *memory; /* NULL: by socket */
    struct buffer in, out;
};

/* The descriptor to wait on for frames. */
int link_fd(const struct link *link);
enum received { RECEIVED_SOME, RECEIVED_NOTHING, RECEIVED_END };
/* Adds some of what has come to `in`. END: the guest has closed its end, nothing more will come. */
enum received link_receive(struct link *link);
/* Sends what it can of `out`. */
void link_flush(struct link *link);
void link_done(struct link *link);

#endif

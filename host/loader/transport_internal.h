/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's way to its host: frames out, from any thread, and frames in, to its loop. A socket
 * when the guest is a worker process, a pair of locked queues when it is in this process. Whoever
 * puts frames never blocks: what the host does not read in time stays in `out`, and the guest looks
 * at transport_backlog before it puts what may be left out.
 */
#ifndef LOADER_TRANSPORT_INTERNAL_H
#define LOADER_TRANSPORT_INTERNAL_H

#include "loader/frame_internal.h"

#include <pthread.h>

struct transport;

struct transport_ops {
    /* `out` has frames. Called and left with the lock held; may let go of it in between. */
    void (*push)(struct transport *t);
    /* Adds what has come to `in`, without waiting; false if the host is gone. Loop only. */
    bool (*receive)(struct transport *t, struct buffer *in);
    /* Waits until something has come or the event `wake` is set; clears the event. Loop only. */
    void (*wait)(struct transport *t, int wake);
};

struct transport {
    const struct transport_ops *ops;
    pthread_mutex_t lock;
    struct buffer out; /* guarded by lock */
    size_t being_sent; /* guarded by lock: bytes taken from out, not yet with the host */
};

/* Bytes that wait for the host. */
size_t transport_backlog(struct transport *t);

/* Over a connected stream socket, which it does not own. */
struct transport *socket_transport_new(int fd);

/* Between the guest's thread and its host's, which has the calls below. It is never freed once a
 * guest has it: see guest_retire. */
struct memory_transport;
struct memory_transport *memory_transport_new(struct error *reterr);
void memory_transport_free(struct memory_transport *m);
struct transport *memory_transport_base(struct memory_transport *m);
int memory_transport_fd(const struct memory_transport *m); /* readable: frames for the host */
/* Looks for a moment whether frames come for the host, if they lately came so soon. */
bool memory_transport_look(struct memory_transport *m);
void memory_transport_take(struct memory_transport *m, struct buffer *in);
void memory_transport_give(struct memory_transport *m, struct buffer *out);

#endif

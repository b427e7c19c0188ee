/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker process runs: a plugin's library behind a socket to its host.
 */
#ifndef LOADER_GUEST_H
#define LOADER_GUEST_H

struct guest_site {
    int library;         /* the descriptor of the file; it stays open */
    const char *path;    /* where the file is, as dlopen takes it; NULL: by its descriptor */
    const char *sandbox; /* the report of what holds this process; NULL: nothing does */
    const char *refusal; /* why it must not be loaded all the same; NULL: it may */
};

/* Serves the plugin in that file to the host behind `socket`, both given by the host, until the
 * host says stop (0) or is gone (WORKER_HOST_GONE). The calling thread becomes the plugin's loop.
 */
int guest_serve(int socket, const struct guest_site *site);

#endif

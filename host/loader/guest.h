/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker process runs: a plugin's library behind a socket to its host.
 */
#ifndef LOADER_GUEST_H
#define LOADER_GUEST_H

/* Serves the plugin in the file `library` to the host behind `socket`, both given by the host,
 * until the host says stop (0) or is gone (WORKER_HOST_GONE). The calling thread becomes the
 * plugin's loop. */
int guest_serve(int socket, int library);

#endif

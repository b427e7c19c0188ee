/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host and the program seam-worker agree on: what stands where in the worker's
 * descriptors. The arguments are the sandbox's: what the worker was born with, and its plan.
 */
#ifndef LOADER_WORKER_ARGS_H
#define LOADER_WORKER_ARGS_H

enum { WORKER_SOCKET = 3, WORKER_LIBRARY = 4, WORKER_HEARER = 5, WORKER_DESCRIPTORS = 6 };

/* Its exit status if it could not confine itself; the plugin was not touched. */
enum { WORKER_UNCONFINED = 71 };
/* … and if the way to its host is closed. */
enum { WORKER_HOST_GONE = 72 };

#endif

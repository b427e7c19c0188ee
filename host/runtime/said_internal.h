/* SPDX-License-Identifier: Apache-2.0
 *
 * What agents say while they work: see said.c.
 */
#ifndef RUNTIME_SAID_INTERNAL_H
#define RUNTIME_SAID_INTERNAL_H

#include "runtime/host_internal.h"

void speakers_open(struct host *host);
void speakers_close(struct host *host);
/* A call said so much more. */
void said_hear(struct live_call *call, struct slice chunk);
/* It is about to end: what it said and nobody was told is told now. */
void said_last(struct live_call *call);
void said_drop(struct live_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins that end when nobody asked them to: how long they are waited for, and when their library
 * is called no more. See faults.c.
 */
#ifndef RUNTIME_FAULTS_INTERNAL_H
#define RUNTIME_FAULTS_INTERNAL_H

#include "runtime/host_internal.h"

/* Reads which libraries are in quarantine. */
WARN_UNUSED enum error_code faults_open(struct host *host, struct error *reterr);
void faults_close(struct host *host);
/* Between two turns of the loop: calls that wait for a library in quarantine end, those that wait
 * for a restart are told. */
void faults_turn(struct host *host);
/* The plugin did that: counts it, and puts its library in quarantine if it is one too many. */
void slot_fault(struct slot *slot, enum plugin_fault fault, const char *reason);
/* What is recorded of its library's quarantine, borrowed; NULL = it is in none. */
const json_t *slot_quarantine(const struct slot *slot);
/* Until its next start, when it has ended so many times in a row. */
int64_t restart_wait_ms(const struct manifest_faults *says, const char *store,
                        const struct digest *library, uint64_t failures);
/* A message of the inbox that is for the host, and for no run. */
void faults_told(struct host *host, const json_t *message);

/* ---- calls.c, slots.c ---- */

/* Its plugin is in quarantine: it ends. */
void call_end_quarantined(struct live_call *call, const char *why);
/* Its library is in quarantine: it is not started, and ended once nothing of it is under way. */
void slot_rest(struct slot *slot);

#endif

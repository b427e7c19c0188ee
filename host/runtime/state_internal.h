/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin keeps from call to call: the ops, and the record that a value goes to disk with.
 */
#ifndef RUNTIME_STATE_INTERNAL_H
#define RUNTIME_STATE_INTERNAL_H

#include "runtime/host_internal.h"

/* state.get/1, state.put/1 */
void state_asked(struct live_call *call, uint64_t request, json_t *body);
void state_put(struct live_call *call, uint64_t request, json_t *body);

/* runs.c: as live_happen; the value is replaced in the same transaction. */
void live_happen_keeping(struct live_run *live, struct event *event,
                         const struct journal_value *value);

#endif

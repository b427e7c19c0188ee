/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of what may happen between two turns of the I/O thread: there is none, and who calls
 * egress_turn, when egress_turn_fd is readable, does its work.
 */
#ifndef EGRESS_BY_HAND_INTERNAL_H
#define EGRESS_BY_HAND_INTERNAL_H

#include "egress/egress.h"

struct carrier;

/* Before the first request. */
void egress_by_hand(struct egress *egress);
void egress_turn(struct egress *egress);
int egress_turn_fd(const struct egress *egress); /* -1 = there is a thread */
struct carrier *egress_carrier(struct egress *egress);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The world's HTTP face: an airline and a mail service on loopback, with fates.
 *
 *   POST   /bookings   {"offer", "passengers", "reference"?}     → 201 {"booking", …}
 *   GET    /bookings?key=K | ?reference=R                        → 200 {"bookings": […]}
 *   DELETE /bookings/ID                                          → 200 {"booking", "status", …}
 *   POST   /mails      {"to", "subject", "body"}                 → 202 {"id"}
 *   GET    /_stats · GET /_knobs · POST /_knobs {"fail_before": 0.5, …}
 *
 * A wrong request is refused with 400, 404, 413 or 422 and never meets a fate.
 */
#ifndef TESTS_WORLD_SERVICE_H
#define TESTS_WORLD_SERVICE_H

#include "ledger.h"

struct service;

/* Listens on 127.0.0.1; port 0 takes a free one. NULL after writing why to stderr. */
struct service *service_start(struct ledger *ledger, const struct knobs *knobs, uint16_t port,
                              int64_t next_arrival);
uint16_t service_port(const struct service *service);
/* Wakes every answer that is late on purpose, lets requests under way end, and stops. */
void service_stop(struct service *service);

#endif

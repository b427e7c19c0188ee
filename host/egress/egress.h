/* SPDX-License-Identifier: Apache-2.0
 *
 * Egress: HTTP out of the host, by libcurl's multi interface, on the owner's thread. It knows
 * nothing of agents or grants: the runtime decides what may be sent. It answers one question
 * exactly: what happened to the bytes. A mutating request leaves at most once: a fresh connection
 * that is not used again, no redirects, no early data, no retry inside the library.
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

#include "base/text.h"

struct egress;

WARN_UNUSED enum error_code egress_new(struct egress **ret_egress, struct error *reterr);
/* Aborts what is under way; each such request is told first. */
void egress_free(struct egress *egress);

/* One descriptor for everything inside (sockets and timers): when it is readable, dispatch. */
int egress_fd(const struct egress *egress);
void egress_dispatch(struct egress *egress);

struct egress_header {
    const char *name, *value;
};

struct egress_request {
    const char *method; /* "GET", "POST", …                                          */
    const char *url;    /* http or https only                                        */
    const struct egress_header *headers;
    size_t header_count;
    struct slice body;      /* copied                                                    */
    int64_t timeout_ms;     /* of the whole transfer; 0 = none                           */
    size_t maximum;         /* bytes of the answer; more ends it                         */
    bool mutating;          /* may change the world: obeys "leaves at most once"         */
    const char *connect_to; /* an address that was checked, "127.0.0.1:8700"; or NULL    */
};

/* What is known of the bytes, from the library's own account of the transfer. */
enum egress_fate {
    FATE_UNSENT,   /* no byte of the request left: the world cannot have seen it        */
    FATE_UNKNOWN,  /* some left, and no whole answer came                               */
    FATE_ANSWERED, /* a whole answer came                                               */
};

struct egress_answer {
    enum egress_fate fate;
    int status; /* with ANSWERED                                             */
    const struct egress_header *headers; /* names in lower case                                 */
    size_t header_count;
    struct slice body;
    enum error_code code; /* without ANSWERED: TIMEOUT, LIMIT, IO, …                   */
    const char *reason;   /* … and in words, with the host and port                    */
};

/* Called exactly once per request, from egress_dispatch, egress_abort or egress_free. */
typedef void (*egress_done)(void *user, const struct egress_answer *answer);

/* Starts a request; done is never called before this returns. *ret_id names it for egress_abort. */
WARN_UNUSED enum error_code egress_send(struct egress *egress, const struct egress_request *request,
                                        egress_done done, void *user, uint64_t *ret_id,
                                        struct error *reterr);
/* Closes the connection now; the request is told, with what is known of its bytes. Late ids are
 * ignored. */
void egress_abort(struct egress *egress, uint64_t id);
size_t egress_under_way(const struct egress *egress);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Egress: HTTP out of the host, by libcurl's multi interface. All that it calls is called on the
 * owner's thread, which never waits for the network: names, connections and TLS are a thread of its
 * own's, which the first request starts. It knows nothing of agents or grants: the runtime decides
 * what may be sent. It answers one question exactly: what happened to the bytes. A mutating request
 * leaves at most once: a fresh connection that is not used again, no redirects, no early data, no
 * retry inside the library. Nothing of the environment changes a request: no proxy, netrc, cookie
 * or password file is read.
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

#include "base/text.h"

struct egress;
struct sockaddr;

WARN_UNUSED enum error_code egress_new(struct egress **ret_egress, struct error *reterr);
/* Aborts what is under way; each such request is told first. Waits for its thread. Not from within
 * a done. */
void egress_free(struct egress *egress);
/* Servers are believed if an authority in this PEM file vouches for them; NULL, and at first: the
 * system's authorities. For requests that are sent from now on. */
void egress_trust(struct egress *egress, const char *ca_file);

/* How many connections there may be at once, and to one host and port; LIMIT_CONNECTIONS and
 * LIMIT_CONNECTIONS_HOST at first. Who finds none waits for one. There are never more than this
 * process may open files for, with some to spare: the first request raises its soft limit to the
 * hard one. */
void egress_limit(struct egress *egress, int connections, int connections_host);

/* When it is readable there is something to tell: dispatch. One dispatch never blocks and tells
 * what is there; what comes meanwhile makes the descriptor readable again. */
int egress_fd(const struct egress *egress);
void egress_dispatch(struct egress *egress);

struct egress_header {
    const char *name, *value;
};

struct egress_answer;

/* There is something to read: called from egress_dispatch when the head of the answer is whole, and
 * after that whenever bytes came to where none lay; they may have been read meanwhile. The head has
 * no body and no fate yet. It may read, send and abort; of what was aborted there is no news. */
typedef void (*egress_arrived)(void *user, const struct egress_answer *head);

struct egress_request {
    const char *method; /* "GET", "POST", …; a token; not CONNECT                    */
    const char *url;    /* http or https; what egress_url_split refuses is refused   */
    const struct egress_header *headers;
    size_t header_count;
    struct slice body;      /* copied                                                    */
    int64_t timeout_ms;     /* of the whole transfer, its wait for a turn too; 0 = none  */
    size_t maximum;         /* bytes of the answer; more ends it; 0 = LIMIT_PAYLOAD      */
    bool mutating;          /* may change the world: obeys "leaves at most once"         */
    bool allow_private;     /* may reach an egress_address_is_private                    */
    const char *connect_to; /* an address that was checked, "127.0.0.1:8700", "[::1]:80"; or NULL */
    egress_arrived arrived; /* the answer is read as it comes; NULL = whole, at the end       */
};

/* What is known of the bytes, from the library's own account of the transfer. An answer is whole if
 * its body has the length, or the last chunk, that it announced; one that announces nothing ends
 * with its connection, which must then end in order (over TLS: with its farewell). */
enum egress_fate {
    FATE_UNSENT,   /* no byte of the request left: the world cannot have seen it        */
    FATE_UNKNOWN,  /* some left, or may have, and no whole answer came                  */
    FATE_ANSWERED, /* a whole answer came                                               */
};

struct egress_answer {
    enum egress_fate fate;
    int status; /* with ANSWERED; 200 or more                                */
    const struct egress_header *headers; /* names in lower case                                 */
    size_t header_count;
    struct slice body; /* of one that is read as it comes: what was not read, whatever the fate */
    enum error_code code; /* without ANSWERED: TIMEOUT, LIMIT, DENIED (the place may not be reached,
                             or is not who it says), IO */
    const char *reason;   /* … and in words, with the host and port, and a status if seen */
    bool begun;           /* … an answer began all the same, and was cut off              */
};

/* How long the other side asks to be left alone, from that Unix time on: the Retry-After of a 429
 * or a 503, seconds or a date; 0 = it does not say. */
int64_t egress_retry_after(const struct egress_answer *answer, int64_t now_ms);

/* Called exactly once per request, from egress_dispatch or egress_free. The answer is the callee's
 * to read until it returns. It may send and abort. */
typedef void (*egress_done)(void *user, const struct egress_answer *answer);

/* Starts a request; done is never called before this returns. *ret_id names it for egress_abort.
 * ERR_INPUT: method, URL, a header or connect_to is malformed, or a header is one that the host
 * sets itself (Host, Content-Length, Connection, …). ERR_BUSY: LIMIT_REQUESTS are under way. */
WARN_UNUSED enum error_code egress_send(struct egress *egress, const struct egress_request *request,
                                        egress_done done, void *user, uint64_t *ret_id,
                                        struct error *reterr);
/* Has the connection closed; the request is told by a later dispatch, with what is known of its
 * bytes: an answer that had arrived is still an answer. Late ids are ignored. */
void egress_abort(struct egress *egress, uint64_t id);
size_t egress_under_way(const struct egress *egress);
/* Adds to `into` what has come of an answer that is read as it comes, at most that much; how much
 * it was. The other side is made to wait while LIMIT_STREAM_WINDOW bytes lie unread. */
size_t egress_read(struct egress *egress, uint64_t id, size_t maximum, struct text *into);

/* A URL as it will be sent, in one spelling, so that a grant is checked against exactly what is
 * connected to and asked for. */
struct egress_url {
    const char *scheme; /* "http" or "https"                                         */
    char *host;         /* lower case; an IPv6 address without its brackets          */
    uint16_t port;      /* the scheme's own if none was given                        */
    char *path;         /* begins with '/'; %XX of letters, digits and -._~ decoded  */
    char *query;        /* as it came, without '?'; NULL if there is none            */
    char *text;         /* all of it, as it is sent                                  */
};

/* Splits and normalises a URL; ERR_INPUT names what is refused: another scheme, user info, a
 * fragment, spaces, control characters, backslashes, bytes beyond ASCII, a host that is not
 * letters, digits, '-', '_' and single dots (or an IP address), port 0, and in the path what two
 * readers could read differently: segments that are empty, "." or ".." (encoded, or before ';',
 * too), an encoded '/', '\' or control character, a broken %XX. egress_url_done frees ret_url. */
WARN_UNUSED enum error_code egress_url_split(const char *url, struct egress_url *ret_url,
                                             struct error *reterr);
void egress_url_done(struct egress_url *url);

/* Whether an address is not one of the public internet: loopback, private, link-local, multicast,
 * documentation, reserved, …; the IPv4 address inside a mapped, NAT64 or 6to4 one decides. A
 * connection is refused by the address that it really goes to, after names were resolved, unless
 * the request has allow_private: FATE_UNSENT, ERR_DENIED. */
bool egress_address_is_private(const struct sockaddr *address);

#endif

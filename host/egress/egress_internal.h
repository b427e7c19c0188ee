/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the room share: the head of an answer as it arrives (head.c), the doubts about
 * a request (request.c), one transfer and the evidence about its bytes (transfer.c), what becomes of
 * it (fate.c), the pool that
 * drives them all (egress.c), the sockets that are open (sockets.c), and libcurl, once it is wanted
 * (late.c).
 */
#ifndef EGRESS_EGRESS_INTERNAL_H
#define EGRESS_EGRESS_INTERNAL_H

#include "base/limits.h"
#include "egress/egress.h"

#include <arpa/inet.h>
#include <curl/curl.h>

/* To be called before any function of libcurl; quick from the second time on. */
WARN_UNUSED enum error_code late_load(struct error *reterr);

/* The head of an answer. Heads of 1xx are read and forgotten; trailers are ignored. */
struct head {
    struct text fields; /* "name\0value\0", again and again; the line limit bounds it first */
    size_t count;
    size_t bytes;        /* of all lines, 1xx and trailers too                            */
    int status;          /* of the last status line; 0 = none seen                        */
    bool complete;       /* the empty line after a status of 200 or more came             */
    bool over_limit;     /* too many bytes or fields                                      */
    const char *refused; /* why two readers could end its body at different places; NULL  */
    bool in_field;       /* the line before was a field: this one may continue it         */
    bool framed;         /* HTTP/2: what ends the body is the protocol's to say            */
};

void head_init(struct head *head);
void head_done(struct head *head);
/* Takes one line with its end; false once a limit is met, or the head is refused. */
bool head_line(struct head *head, struct slice line);
/* Whether the fields say where the body ends, or that there is none. */
bool head_bounds_body(const struct head *head);
/* Views into the head, count of them; the caller frees the array alone. */
struct egress_header *head_fields(const struct head *head);

enum transfer_end {
    END_NOT_YET,
    END_DONE,    /* curl says how */
    END_LATE,    /* its deadline passed */
    END_ABORTED, /* the host wanted it so */
};

struct transfer {
    struct transfer *prev, *next;
    struct transfer *next_news, **news_back; /* among those to be told that there is news */
    uint64_t id;
    egress_done done;
    egress_arrived arrived; /* NULL = the answer is told whole */
    void *user;
    struct egress *egress;

    CURL *easy;
    struct curl_slist *headers, *connect_to;
    char *body;
    char *place; /* "host:port", for messages */
    bool tls, allow_private, head_only;
    int64_t timeout_ms, deadline_ms; /* of the monotonic clock; INT64_MAX = none */
    curl_socket_t socket;            /* that curl waits for, or CURL_SOCKET_BAD */
    size_t opened;                   /* sockets, of which nobody knows yet what became */
    char words[CURL_ERROR_SIZE];

    /* Evidence. Each of these only ever grows: curl may try twice for a read. */
    bool issued;                   /* curl had a connection and was about to write the request  */
    bool farewell;                 /* TLS: the server closed in order (close_notify)             */
    uint64_t bytes_sent;           /* of the request, that curl handed to the socket or to TLS   */
    char denied[INET6_ADDRSTRLEN]; /* the address that policy refused, or "" */
    bool no_files;                 /* this process may open no more          */
    struct head head;
    struct text answer;       /* of one that is read as it comes: what was not read */
    size_t received, maximum; /* bytes of the body                                  */
    bool paused;              /* curl holds a piece of it back                      */

    enum transfer_end end;
    CURLcode result; /* with END_DONE */
};

/* Sockets that libcurl has opened; zeroed at first. */
struct sockets {
    uint64_t *identities; /* by descriptor; 0 = none of these */
    size_t room, open;
    size_t doubts; /* as many may have been closed without a word */
};

void sockets_done(struct sockets *sockets);
void sockets_add(struct sockets *sockets, int fd);
void sockets_drop(struct sockets *sockets, int fd);
/* Whether more than so many are open. */
bool sockets_exceed(struct sockets *sockets, size_t most);

/* All but the URL. */
WARN_UNUSED enum error_code request_check(const struct egress_request *request,
                                          struct error *reterr);

WARN_UNUSED enum error_code transfer_new(const struct egress_request *request, const char *ca_file,
                                         egress_done done, void *user,
                                         struct transfer **ret_transfer, struct error *reterr);
/* Not while curl's multi handle has it. */
void transfer_free(struct transfer *transfer);
/* Tells the owner, once, what became of it. */
void transfer_tell(const struct transfer *transfer);
/* Tells the owner that there is something to read. */
void transfer_tell_news(const struct transfer *transfer);

/* ---- egress.c ---- */

struct sockets *egress_sockets(struct egress *egress);
/* The owner is to be told, when the dispatch that is under way is over. */
void egress_has_news(struct egress *egress, struct transfer *transfer);

#endif

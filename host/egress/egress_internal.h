/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the room share. On the owner's thread: the doors (egress.c), the doubts about a
 * request (request.c, url.c), what becomes of one (fate.c). On the I/O thread: the carrier that
 * drives all transfers (carrier.c), one transfer and the evidence about its bytes (transfer.c), the
 * head of its answer as it arrives (head.c), names (names.c), deadlines (deadlines.c) and sockets
 * (sockets.c).
 * Between them is the mail (mail.c), and nothing else: whatever both touch is handed over by it, or
 * stands under its lock. libcurl comes when it is wanted (late.c).
 */
#ifndef EGRESS_EGRESS_INTERNAL_H
#define EGRESS_EGRESS_INTERNAL_H

#include "base/limits.h"
#include "base/map.h"
#include "egress/egress.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>

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

struct mail;
struct carrier;
struct name;

struct transfer {
    /* set before it is handed over, and read by both */
    uint64_t id;
    egress_done done;
    egress_arrived arrived; /* NULL = the answer is told whole */
    void *user;
    char *method, *url, *ca_file;
    struct curl_slist *headers, *connect_to;
    char *body; /* NULL = it carries none */
    size_t body_len;
    char *place; /* "host:port", for messages */
    bool tls, mutating, allow_private, head_only;
    bool named;                      /* its place is a name, to be looked up */
    int64_t timeout_ms, deadline_ms; /* of the monotonic clock; INT64_MAX = none */
    size_t maximum;                  /* bytes of the answer's body */
    struct mail *mail;

    /* the I/O thread's, until it is over; then the owner's */
    struct transfer *prev, *next;
    struct carrier *carrier;
    CURL *easy;
    curl_socket_t socket;              /* that curl waits for, or CURL_SOCKET_BAD */
    size_t opened;                     /* sockets, of which nobody knows yet what became */
    size_t place_in_line;              /* among the deadlines; 0 = it has none */
    struct name *scout_of, *waits_for; /* at most one of them */
    char words[CURL_ERROR_SIZE];
    size_t received; /* bytes of the body */
    bool begun;      /* its head came, on a connection that is shared */

    /* … of which this is evidence, that only ever grows: curl may try twice for a read */
    bool issued;                   /* curl had a connection and was about to write the request  */
    bool farewell;                 /* TLS: the server closed in order (close_notify)             */
    uint64_t bytes_sent;           /* of the request, that curl handed to the socket or to TLS   */
    char denied[INET6_ADDRSTRLEN]; /* the address that policy refused, or "" */
    bool no_files;                 /* this process may open no more          */
    struct head head;              /* once it is complete, its fields and status stay */
    enum transfer_end end;
    CURLcode result; /* with END_DONE */

    /* of one that is read as it comes: under the mail's lock, until it is over */
    struct text answer; /* what was not read */
    bool paused;        /* curl holds a piece of it back */
    struct transfer *next_news;
    bool has_news, over;

    /* the owner's */
    bool aborted;
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

/* The owner's side of one: all that is asked of it, checked and copied. */
WARN_UNUSED enum error_code transfer_new(const struct egress_request *request, const char *ca_file,
                                         egress_done done, void *user,
                                         struct transfer **ret_transfer, struct error *reterr);
void transfer_free(struct transfer *transfer);
/* libcurl's side, made before the multi handle gets it and gone when it was taken from there. */
void transfer_equip(struct transfer *transfer, struct carrier *carrier);
void transfer_strip(struct transfer *transfer);
/* Tells the owner, once, what became of it. */
void transfer_tell(const struct transfer *transfer);
/* Tells the owner that there is something to read. */
void transfer_tell_news(const struct transfer *transfer);

/* ---- mail.c: between the owner's thread and that of I/O ---- */

enum order_kind {
    ORDER_START,
    ORDER_ABORT, /* an id that is over is ignored, here and below */
    ORDER_GO_ON, /* what lay unread was read */
};

struct order {
    enum order_kind kind;
    uint64_t id;
    struct transfer *transfer; /* with START, which hands it over */
};

struct transfers {
    struct transfer *first, *last;
};

void transfers_add(struct transfers *list, struct transfer *transfer);
void transfers_remove(struct transfers *list, struct transfer *transfer);

struct mail {
    int to_io, to_owner; /* readable: something came */

    pthread_mutex_t lock;
    /* guarded by lock */
    struct order *orders;
    size_t order_count, order_room;
    long connections, connections_host; /* 0 = as they are */
    bool closing;
    struct transfer *news, *last_news;
    size_t news_count;
    struct transfers over;

    /* the I/O thread's */
    bool owed; /* the owner was not rung for what came */
};

WARN_UNUSED bool mail_init(struct mail *mail);
void mail_done(struct mail *mail);

/* The owner's. */
void mail_order(struct mail *mail, struct order order);
void mail_limit(struct mail *mail, long connections, long connections_host);
void mail_close(struct mail *mail);
/* How many have news; each of the next so many calls of mail_news gives one, or NULL: it is over.
 */
size_t mail_open(struct mail *mail, struct transfers *ret_over);
struct transfer *mail_news(struct mail *mail);

/* The I/O thread's. */
struct orders {
    struct order *list; /* the caller frees it */
    size_t count;
    long connections, connections_host; /* 0 = as they are */
    bool closing;
};

struct orders mail_take_orders(struct mail *mail);
/* There is something to read; with the lock, and without a word to the owner until mail_ring. */
void mail_has_news(struct mail *mail, struct transfer *transfer);
void mail_hand_over(struct mail *mail, struct transfers *over);
void mail_ring(struct mail *mail);

/* ---- carrier.c: libcurl's multi handle. One thread alone, from new to free ---- */

struct carrier *carrier_new(int bell, long connections, long connections_host);
/* What is under way is over; carrier_take_over first. */
void carrier_free(struct carrier *carrier);
/* Readable when there is something to do, or the bell rang. */
int carrier_fd(const struct carrier *carrier);
void carrier_limit(struct carrier *carrier, long connections, long connections_host);
void carrier_start(struct carrier *carrier, struct transfer *transfer);
void carrier_abort(struct carrier *carrier, uint64_t id);
void carrier_go_on(struct carrier *carrier, uint64_t id);
void carrier_abort_all(struct carrier *carrier);
/* Does what is ready, and never waits. */
void carrier_dispatch(struct carrier *carrier);
/* Those that are over, which the carrier forgets. */
struct transfers carrier_take_over(struct carrier *carrier);
struct sockets *carrier_sockets(struct carrier *carrier);

/* Its place has an address. */
void carrier_found(struct carrier *carrier, struct transfer *transfer);
/* The head of its answer came, on a connection that is shared. */
void carrier_begun(struct carrier *carrier, struct transfer *transfer);

/* ---- names.c ---- */

enum name_answer {
    NAME_KNOWN,
    NAME_UNKNOWN, /* it was not found */
    NAME_UNASKED, /* who asked is over, and heard nothing */
};

/* Places by their names; zeroed at first. */
struct names {
    struct map by_place;
    struct name *all, *answered;
    char words[CURL_ERROR_SIZE]; /* of the last that was not found */
};

void names_done(struct names *names);
/* Whether it may begin now; else it is on a list of those that wait. */
bool names_admit(struct names *names, struct transfer *transfer, int64_t now_ms);
/* Its place has an address: told of each, matters of a scout. */
void names_found(struct names *names, struct transfer *transfer, int64_t now_ms);
/* It is over; it waits no longer, and is no scout any more. */
void names_lost(struct names *names, struct transfer *transfer);
/* Those that waited for an answer that is there, of one name at a time, to be admitted or, where it
 * is UNKNOWN, to be over; none = there is no other answer. */
struct transfers names_answered(struct names *names, enum name_answer *ret_answer);

/* ---- deadlines.c ---- */

/* Transfers by their deadlines, the earliest first; zeroed at first. */
struct deadlines {
    struct transfer **heap; /* from 1 on */
    size_t count, room;
};

/* What a deadline is held against: milliseconds of the monotonic clock. */
int64_t deadlines_now_ms(void);
void deadlines_done(struct deadlines *deadlines);
void deadlines_add(struct deadlines *deadlines, struct transfer *transfer);
void deadlines_remove(struct deadlines *deadlines, struct transfer *transfer);
/* NULL = nothing has a deadline. */
struct transfer *deadlines_first(const struct deadlines *deadlines);

#endif

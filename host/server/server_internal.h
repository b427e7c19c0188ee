/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a server and what they say to each other. All on the loop of its host.
 *
 *   server.c    its life: opening, plugins, runs that were left, signals, the end
 *   listen.c    where it listens, who is let in
 *   http.c      connections and requests: from bytes to a request that is whole, and back
 *   guard.c     what of a request is refused before anybody looks at what it wants
 *   late.c      libmicrohttpd, loaded when it is wanted
 *   route.c     targets, queries, authorities
 *   tokens.c    who may ask for what
 *   reply.c     answers: JSON, problems
 *   runs.c      runs: begun, listed, explained
 *   show.c      a run as it is shown, read in pieces
 *   people.c    what people say to runs: answers, cancels
 *   events.c    what happened to a run, in pages
 *   stream.c    the same as it happens
 *   about.c     flows, plugins, health, the description of all this
 *   reload.c    another manifest, while it serves
 *   metrics.c   numbers for Prometheus
 *   notify.c    what a service manager is told
 */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include "server/route_internal.h"
#include "server/server.h"
#include "server/tokens_internal.h"

#include "base/limits.h"
#include "base/map.h"
#include "report/report.h"

#include <microhttpd.h>
#include <seam/plugin.h>
#include <sys/types.h>
#include <uv.h>

/* Starts of a plugin that come to nothing before it is named as failed. */
enum { STARTS_TRIED = 3 };
enum { SIGNALS = 4 };
enum { SECOND_MS = 1000, TICK_MS = 20, DRAIN_LOOK_MS = 50 };

/* ---- connections and requests ---- */

enum client_state {
    CLIENT_NEW,    /* no head has come      */
    CLIENT_IDLE,   /* between two requests  */
    CLIENT_BODY,   /* a body is coming      */
    CLIENT_ANSWER, /* an answer is going    */
    CLIENT_STREAM, /* events, without end   */
};

struct client {
    struct client *next, **back;
    struct server *server;
    struct MHD_Connection *connection;
    struct request *request; /* NULL = between two */
    int fd;
    char address[64]; /* "127.0.0.1"; "unix" */
    uid_t uid;        /* of a unix socket's other end */
    enum client_state state;
    int64_t since_ms; /* of a clock that is never set */
    unsigned requests;
};

/* The headers that anybody here looks at; NULL = not there. */
struct headers {
    const char *host, *length, *encoding, *type, *authorization, *origin, *site, *key, *last_id,
        *accept, *coding;
    size_t count;
    const char *wrong; /* what is wrong with them, if anything is */
};

struct reply {
    unsigned status; /* 0 = none yet */
    const char *type;
    struct text body;
    char *location;
    const char *allow;
    int retry_after_s; /* 0 = not said */
    bool close, challenge;
};

/* What a request waits for; it may be gone when it comes. */
struct promise {
    struct request *request; /* NULL = nobody waits any more */
    unsigned status;
    json_t *body;
};

struct request {
    struct server *server;
    struct client *client;
    char *uri;
    struct target target;
    struct headers headers;
    bool post;
    char *who; /* who asks: a token's name, a user's, or where it came from */
    unsigned scopes;
    struct text body;
    size_t held;    /* of LIMIT_CLIENT_BODIES */
    bool begun;     /* its head was looked at */
    bool waiting;   /* suspended, until its reply is there */
    bool queued;    /* its reply is on its way */
    bool too_large; /* its body */
    struct reply reply;
    struct stream *stream;
    struct promise *promise; /* for its reply, once the disk has it */
};

/* ---- the server ---- */

enum server_state { SERVER_STARTING, SERVER_READY, SERVER_DRAINING };

struct served_flow {
    struct flow *flow; /* NULL: it was refused */
    char *path;
    json_t *findings;
    char *reason;
};

enum { STATUS_CLASSES = 6 };

struct counts {
    uint64_t requests[ROUTE_COUNT + 1][STATUS_CLASSES]; /* by class of status; last: no route */
    uint64_t refused_clients, dropped_clients, dropped_streams;
    uint64_t begun, ended[RUN_CANCELLED + 1];
    uint64_t events, questions;
};

struct server {
    struct server_options options;
    struct host *host;
    uv_loop_t *loop;
    struct shelf *shelf;
    struct tokens *tokens;
    enum server_state state;
    struct error failure;
    int64_t started_ms;
    struct counts counts;
    bool paused; /* no more descriptors: nobody is let in for a moment */

    /* the door */
    int door;
    bool on_unix, opened;
    bool loopback; /* only this machine reaches it */
    char *address; /* "http://127.0.0.1:7300", "unix:/run/seam/seam.sock" */
    char *socket_path;
    uv_poll_t door_poll;

    /* http */
    struct MHD_Daemon *daemon;
    uv_poll_t http_poll;
    uv_timer_t pump_timer;
    bool pumping;
    struct client *clients;
    size_t client_count;
    struct client **by_fd;
    size_t by_fd_count;
    size_t held; /* bytes of bodies */

    /* streams */
    struct stream *streams;
    size_t stream_count;
    struct map watches; /* run → struct watch */
    uv_timer_t tick;

    /* runs that are read, to be shown */
    struct show *shows;
    uv_timer_t show_timer;

    /* what it serves */
    struct served_flow *flows;
    size_t flow_count;
    bool *plugin_known; /* it is up, or named as failed */
    struct error *plugin_errors;
    size_t plugins_open;

    /* runs that were left */
    char **left;
    size_t left_count, left_at, left_refused;
    struct map stuck; /* run → why it could not be taken up: char * */
    uv_timer_t left_timer;

    /* reloads */
    bool reloading, reload_refused;
    bool reload_due;      /* once the one under way is over, or the server is ready */
    char *relist_refused; /* why new agents of a plugin were not taken, last; NULL = they were */
    uint64_t reloads, falls, relists;
    struct digest files_seen, files_last; /* as they were taken, as they were looked at last */
    bool files_known;

    uv_timer_t second, drain, watchdog, reload_timer;
    int64_t drain_until_ms;
    uv_signal_t signals[SIGNALS];
};

void server_log(struct server *server, uint32_t level, const char *format, ...) PRINTF_LIKE(3, 4);
int64_t steady_ms(void);
/* Ready, with what is degraded, in words; "" if nothing is. */
void server_note(const struct server *server, struct text *out);

/* ---- listen.c ---- */

WARN_UNUSED enum error_code door_open(struct server *server, struct error *reterr);
void door_resume(struct server *server);
void door_close(struct server *server);

/* ---- http.c ---- */

WARN_UNUSED enum error_code http_late_load(struct error *reterr); /* late.c */
WARN_UNUSED enum error_code http_open(struct server *server, struct error *reterr);
void http_close(struct server *server);
/* Takes the client, whose descriptor is open. */
void http_admit(struct server *server, struct client *client, const struct sockaddr *address,
                socklen_t size);
/* Whoever takes too long is cut off. */
void http_sweep(struct server *server);
/* Something may be ready: soon, from the loop. */
void http_pump(struct server *server);
/* The reply of a request that waited for it is there. */
/* Says what libmicrohttpd refuses by itself; false: there are no words for it here. */
bool http_refuse(struct MHD_Connection *connection, unsigned status);
enum MHD_Result http_queue(struct MHD_Connection *connection, unsigned status,
                           struct MHD_Response *response);
void http_wake(struct request *request);

/* ---- guard.c ---- */

/* True: it may go on; else its reply says why not. */
bool guard_admit(struct request *request, const char *method, const char *version);

/* ---- reply.c ---- */

void reply_json(struct request *request, unsigned status, json_t *body_taken);
const char *status_title(unsigned status);
void reply_problem(struct request *request, unsigned status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A problem of that error. */
void reply_error(struct request *request, const struct error *err);
void reply_done(struct reply *reply);
/* The reply to a change: told when it is on disk. */
void reply_when_kept(struct request *request, unsigned status, json_t *body_taken);

/* ---- what is asked for ---- */

/* The request is whole; its reply, its stream or a promise is there when it returns. */
void api_ask(struct request *request);

void ask_begin(struct request *request); /* runs.c */
void ask_list(struct request *request);
void ask_explain(struct request *request);
void ask_show(struct request *request); /* show.c */
void shows_close(struct server *server);
void ask_answer(struct request *request); /* people.c */
void ask_cancel(struct request *request);
void ask_resume(struct request *request);
void ask_events(struct request *request); /* events.c */
void ask_flows(struct request *request);  /* about.c */
void ask_plugins(struct request *request);
void ask_health(struct request *request);
void ask_ready(struct request *request);
void ask_reload(struct request *request); /* reload.c */
void ask_openapi(struct request *request);
void ask_metrics(struct request *request); /* metrics.c */

/* The body as JSON, an object with no other members than these (ended by NULL); false: the reply
 * says why not. An empty body is {}. */
bool body_read(struct request *request, const char *const *members, json_t **ret_body);
/* The run that is named, as the journal has it; false: the reply says that there is none. */
bool run_find(struct request *request, struct journal_run *ret_run);

/* ---- about.c ---- */

void flows_open(struct server *server, const struct roster *roster);
void flows_close(struct server *server);
/* NULL = none is called so. */
const struct served_flow *flow_find(const struct server *server, const char *name);

/* ---- reload.c ---- */

/* Takes the manifest as it is now, unless that is under way. */
void server_reload(struct server *server);
/* Has anything changed that is watched? */
void reload_look(struct server *server);
/* It is ready: what was asked for meanwhile is done. */
void server_reload_open(struct server *server);

/* ---- events.c ---- */

/* A record as it is told: {seq, event, decisions}; one that is too large is only named. */
void event_text(uint64_t seq, json_t *record_taken, struct text *out);

/* ---- stream.c ---- */

/* Follows the run from behind that record. */
void stream_begin(struct request *request, uint64_t after);
/* Queues the response that goes on. */
enum MHD_Result stream_queue(struct request *request);
void stream_free(struct stream *stream);
/* Something was recorded of a run. */
void streams_hear(struct server *server, const struct run *run);
/* Does anybody follow the run? Then what its agents say is told. */
bool streams_follow(const struct server *server, const struct run *run);
void streams_said(struct server *server, const struct run *run, const struct said *said);
/* Signs of life. */
void streams_sweep(struct server *server);
/* All of them end. */
void streams_close(struct server *server);

/* ---- notify.c ---- */

void notify_manager(const char *format, ...) PRINTF_LIKE(1, 2);
int64_t notify_watchdog_ms(void);

#endif

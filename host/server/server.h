/* SPDX-License-Identifier: Apache-2.0
 *
 * The server: a host that stays, with a door. It starts the plugins of its manifest, takes up the
 * runs that were left, and answers HTTP on loopback or a unix socket until it is told to stop. It
 * decides nothing about runs: it checks who asks, hands over what they said, and tells what the
 * journal has. Everything runs on the loop of its host; there is no other thread and no lock.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "runtime/runtime.h"

struct server;

/* What the server has to say, a line each. */
typedef void (*server_say)(void *user, uint32_t level, const char *who, struct slice text);

struct server_options {
    struct roster *roster; /* of roster_survey; borrowed                              */
    const char *store;     /* instead of the manifest's; NULL = the manifest's        */
    const char *listen;    /* instead of the manifest's                               */
    const char *worker;    /* path of seam-worker; NULL = beside this program         */
    int64_t drain_ms;      /* for what is under way, once it is told to stop          */
    bool restored;         /* see journal_options                                     */
    server_say say;
    /* The door is open, and every plugin is up or named as failed; where it listens. */
    void (*ready)(void *user, const char *address, const char *note);
    void *user;
};

/* Opens the store and the door. ERR_DENIED if what the manifest says cannot be served. */
WARN_UNUSED enum error_code server_open(const struct server_options *options,
                                        struct server **ret_server, struct error *reterr);
/* Serves until SIGTERM or SIGINT, and then until what is under way has ended or `drain_ms` have
 * passed; a second signal is quicker. ERR_DENIED if a plugin that the manifest requires does not
 * come up; any other error is the journal's. */
WARN_UNUSED enum error_code server_work(struct server *server, struct error *reterr);
/* Runs that were left as they were. */
size_t server_left(const struct server *server);
/* The first failure of the journal's life is told. */
enum error_code server_close(struct server *server, struct error *reterr);

#endif

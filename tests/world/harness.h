/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests: a world of one's own, as a process, and requests to it over real sockets. The process
 * ends with the test that started it, however that ends. Whatever cannot be set up aborts the test.
 */
#ifndef TESTS_WORLD_HARNESS_H
#define TESTS_WORLD_HARNESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct world {
    pid_t pid;
    uint16_t port;
    char url[64];     /* "http://127.0.0.1:PORT" */
    char folder[128]; /* scratch; holds the ledger */
    char ledger[160];
};

/* Starts a world with a new ledger and waits until it listens. `knobs` are its further arguments,
 * ended by NULL: WORLD_KNOBS("--commit-then-503", "1"). */
#define WORLD_KNOBS(...) ((const char *const[]){__VA_ARGS__, NULL})
void world_start(struct world *w, const char *const *knobs);
/* Starts it again on its ledger and its port. */
void world_restart(struct world *w, const char *const *knobs);
void world_kill(struct world *w);
/* SIGTERM; the exit status. The ledger stays. */
int world_stop(struct world *w);
/* Removes the scratch folder. */
void world_done(struct world *w);

struct reply {
    int status;    /* 0 = no answer came */
    int curl_code; /* why, as libcurl's CURLcode */
    bool replayed; /* Idempotency-Replayed was set */
    char *text;    /* the body */
    json_t *json;  /* the body, or NULL if it is none */
};

/* `body` and `key` may be NULL. A fresh connection each: no retry inside the library. */
struct reply world_request(const struct world *w, const char *method, const char *path,
                           const char *body, const char *key);
void reply_done(struct reply *r);

/* A number of GET /_stats, as "bookings.rows". */
int64_t world_stat(const struct world *w, const char *path);
void world_turn(const struct world *w, const char *knobs_json);

#endif

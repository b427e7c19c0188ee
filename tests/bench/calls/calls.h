/* SPDX-License-Identifier: Apache-2.0
 *
 * Model calls in flight: what the parts of the measurement share. Each part is a process of its
 * own: the scripted server, the bare program, and `seam run` with its worker.
 */
#ifndef TESTS_BENCH_CALLS_H
#define TESTS_BENCH_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the server has seen. */
struct seen {
    long long connections, requests, at_once;
};

/* What became of one side of the comparison. */
struct side {
    double seconds, cpu_seconds;
    double host_mb, worker_mb; /* at the peak */
    long long threads;         /* of the host, at the peak                     */
    struct seen seen;
};

/* Where a server is; with a file of authorities, it is behind TLS and offers HTTP/2. */
struct place {
    char url[64]; /* without a path */
    const char *ca_file;
};

#define CALLS_PATH "/v1/chat/completions"

struct rusage;

int64_t now_ns(void);
double cpu_of(const struct rusage *usage);
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* server.c: answers every POST as a model does, after so long, and GET /_seen at once with what it
 * has seen since the last one. Says its port on standard output, and serves until it is killed. */
_Noreturn void serve(int delay_ms);

/* secure.c: the same behind TLS, by node, with a certificate of its own in this folder; 0 = there
 * is no node or no openssl here. */
pid_t start_secure(const char *folder, int delay_ms, int *ret_port);

/* bare.c: so many POSTs, over so many connections at once, by libcurl's multi interface and epoll.
 */
void ask_bare(const struct place *place, int calls, int connections);
/* What the server has seen, which it then forgets. */
struct seen ask_seen(const struct place *place);

/* seam.c: one `seam run` that calls a model for each of so many items. */
void ask_seam(const struct place *place, int calls, int connections, struct side *ret_side);

/* The question that both send. */
extern const char calls_question[];

#endif

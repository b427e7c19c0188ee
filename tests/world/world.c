/* SPDX-License-Identifier: Apache-2.0
 *
 * The world: an airline, a mail service and a tracker of issues that can be told to behave as badly
 * as the real ones. It keeps its own account of what it did, in a ledger that nobody else writes;
 * whoever claims that something happened once is measured against that.
 *
 *   world --ledger FILE [--port N] [--seed S] [--fail-before P] … (every knob of knobs.h)
 *
 * Prints "listening 127.0.0.1:PORT" when it does. Ends well on SIGTERM and SIGINT.
 */
#include "service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char USAGE[] =
    "usage: world --ledger FILE [--port N (0 = any)] [--seed N]\n"
    "  a request's fate, each a probability, together at most 1:\n"
    "    --fail-before P        503, and nothing is committed\n"
    "    --busy P               429 with Retry-After: 1, and nothing is committed\n"
    "    --commit-then-503 P    committed, and a 503 says otherwise\n"
    "    --commit-then-drop P   committed, and the connection closes without an answer\n"
    "    --commit-late P        503 or a closed connection now, committed --late-ms N later\n"
    "    --answer-late P        committed, and answered --answer-late-ms N later\n"
    "    --garbage P            committed, and answered with bytes that are no JSON\n"
    "  --honour-key yes|no      the same Idempotency-Key twice is one booking, or two\n"
    "  --latency-ms N           of every answer\n";

struct arguments {
    const char *ledger;
    uint16_t port;
    struct knobs knobs;
};

static bool read_arguments(int argc, char **argv, struct arguments *a, char *ret_why, size_t size)
{
    for (int i = 1; i < argc; i += 2) {
        if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc) {
            snprintf(ret_why, size, "expected --NAME VALUE, found %s", argv[i]);
            return false;
        }
        const char *name = argv[i] + 2, *value = argv[i + 1];
        if (strcmp(name, "ledger") == 0) {
            a->ledger = value;
        } else if (strcmp(name, "port") == 0) {
            char *end;
            long port = strtol(value, &end, 10);
            if (end == value || *end != '\0' || port < 0 || port > UINT16_MAX) {
                snprintf(ret_why, size, "port: expected 0 to 65535, found %s", value);
                return false;
            }
            a->port = (uint16_t)port;
        } else if (!knobs_set(&a->knobs, name, value, ret_why, size)) {
            return false;
        }
    }
    if (a->ledger == NULL)
        snprintf(ret_why, size, "--ledger is missing");
    return a->ledger != NULL;
}

/* One descriptor a connection: the soft limit is a shell's, the hard one is ours to use. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct arguments a = {.knobs = knobs_default()};
    char why[200];
    if (!read_arguments(argc, argv, &a, why, sizeof(why))) {
        fprintf(stderr, "world: %s\n%s", why, USAGE);
        return 2;
    }
    raise_descriptor_limit();
    /* Blocked before any thread starts, so that only sigwait() below sees them. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);

    int64_t next_arrival;
    struct ledger *ledger = ledger_open(a.ledger, &next_arrival);
    if (ledger == NULL)
        return EXIT_FAILURE;
    struct service *service = service_start(ledger, &a.knobs, a.port, next_arrival);
    if (service == NULL) {
        ledger_close(ledger);
        return EXIT_FAILURE;
    }
    printf("listening 127.0.0.1:%u\n", (unsigned)service_port(service));
    fflush(stdout);

    int signal_number;
    sigwait(&ends, &signal_number);
    service_stop(service);
    ledger_close(ledger);
    return EXIT_SUCCESS;
}

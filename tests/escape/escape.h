/* SPDX-License-Identifier: Apache-2.0
 *
 * A way out of the sandbox that is tried: a function that returns 0 if it got out, or the errno of
 * what stopped it. It is harmless where it succeeds: what it opens it closes, whom it signals it
 * signals with nothing, and what it would change it changes to what it is.
 */
#ifndef TESTS_ESCAPE_ESCAPE_H
#define TESTS_ESCAPE_ESCAPE_H

#include <stdbool.h>
#include <sys/types.h>

struct attempt {
    const char *group, *name;
    int (*try)(void);
};

extern const struct attempt file_attempts[], network_attempts[], process_attempts[],
    host_attempts[], newer_attempts[]; /* each ends with a NULL */

/* What there is to reach, by the configuration. */
struct targets {
    char *folder; /* of the host: secret, journal.db, other/ (another plugin's state) */
    int port;     /* a listening socket on the loopback */
    pid_t pid;    /* a process of the same user, seen from outside */
};
extern struct targets targets;

/* targets.folder/name; valid until the next call. */
const char *outside(const char *name);
/* The nearest process that is not the plugin's. */
pid_t somebody(void);
/* 0, or errno, of a call that fails with a negative result. */
int result(long returned);
/* As result, but what the kernel refuses for its arguments alone was let in. */
int reached(long returned);
/* Closes what was opened. */
int opened(long fd);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The conformance kit: whether a plugin keeps the contract of plugin.h and its own card. A *check*
 * is one claim about every plugin, with a name that stays ("L1.exports"), a level, and what to do
 * where it does not hold. The levels: 1 looks at the file and runs nothing; 2 calls the agents, in
 * a worker and in a process of the kit's own, so that what a plugin does to it costs nothing; 3
 * holds what they do against their effect class, in a world that records; 4 does it under
 * instruments.
 *
 * A check holds, fails, or is skipped and says why; none is passed silently. Where something is
 * broken that others stand on (it cannot be loaded, it crashes), these are skipped: one sin is one
 * failure. The same seed gives the same inputs. A plugin that never answers costs its deadline, and
 * each level has a bound of time. One thread, the caller's, which must have no other.
 */
#ifndef CONFORMANCE_CONFORMANCE_H
#define CONFORMANCE_CONFORMANCE_H

#include "base/text.h"

#include <jansson.h>

struct check {
    const char *id; /* "L1.exports" */
    int level;
    const char *title; /* the claim                      */
    const char *cure;  /* what to do where it does not hold */
};
extern const struct check checks[];
extern const size_t check_count;

enum checked_state {
    CHECKED_SKIPPED, /* reason says why */
    CHECKED_HELD,
    CHECKED_FAILED,
};

/* One case in which a check does not hold. */
struct failure {
    char *place, *expected, *found;
};

enum { CONFORMANCE_LEVELS = 4, FAILURES_KEPT = 5 };

struct checked { /* of the check with the same index */
    enum checked_state state;
    char *reason; /* of SKIPPED; NULL: it was not asked for */
    struct failure failures[FAILURES_KEPT];
    size_t failure_count; /* of all; the first are kept */
};

struct conformance_options {
    unsigned levels;         /* as 1u << level */
    const char *const *only; /* ids; a level or a check is meant by it or what it begins with */
    size_t only_count;
    uint64_t seed;
    unsigned inputs;                     /* of each agent, in each mode */
    int64_t time_ms;                     /* of each level from the second on */
    const char *worker;                  /* path of seam-worker */
    const json_t *config;                /* NULL: one is made from the card's schema */
    const struct manifest_plugin *entry; /* whose grants it gets; NULL: what its card asks for */
    json_t *agents; /* that stand in that configuration, as the plugin has listed them; or NULL */
    /* Told as each check of a level begins; may be NULL. */
    void (*progress)(void *user, const char *what);
    void *user;
};

struct conformance {
    char *path, *id, *version; /* id and version: NULL if the card could not be read */
    struct checked *outcomes;  /* check_count */
    size_t held, failed, skipped;
};

/* Fails only if there is no shared object at path to look at. */
WARN_UNUSED enum error_code conformance_verify(const char *path,
                                               const struct conformance_options *options,
                                               struct conformance **ret_report,
                                               struct error *reterr);
/* Whether there is a check of this name, or whose name begins so. */
bool conformance_knows(const char *id);
/* A value that the contract accepts, of the plainest; NULL = none was found. */
struct contract;
json_t *conformance_example(const struct contract *contract);
void conformance_free(struct conformance *report);
void conformance_freep(struct conformance **report);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * How badly the world behaves. Each knob has one name, spelled `--fail-before` on the command line
 * and "fail_before" in POST /_knobs. A request's fate is drawn from a hash of the seed and of the
 * request's arrival number and from nothing else: the same seed and the same order of arrival give
 * the same fates, on every machine.
 */
#ifndef TESTS_WORLD_KNOBS_H
#define TESTS_WORLD_KNOBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct knobs {
    int64_t seed;
    /* Probabilities of the fates below; their sum is at most 1, the rest is FATE_WELL. */
    double fail_before, busy, commit_then_503, commit_then_drop, commit_late, answer_late, garbage;
    int64_t late_ms, answer_late_ms; /* how late a late commit, a late answer is */
    int64_t latency_ms;              /* of every answer                          */
    bool honour_key;                 /* the same Idempotency-Key twice = once    */
};

#define FATES(X)                                                                                   \
    X(WELL, "well")                                                                                \
    X(FAIL_BEFORE, "fail-before")                                                                  \
    X(BUSY, "busy")                                                                                \
    X(COMMIT_THEN_503, "commit-then-503")                                                          \
    X(COMMIT_THEN_DROP, "commit-then-drop")                                                        \
    X(COMMIT_LATE_503, "commit-late-503")                                                          \
    X(COMMIT_LATE_DROP, "commit-late-drop")                                                        \
    X(ANSWER_LATE, "answer-late")                                                                  \
    X(GARBAGE, "garbage")                                                                          \
    X(REFUSED, "refused") /* never drawn: the request was wrong */

enum fate {
#define X(name, text) FATE_##name,
    FATES(X)
#undef X
};

struct knobs knobs_default(void);

/* Sets one knob by its command line name without the dashes ("fail-before"). On failure returns
 * false, leaves the knobs alone and writes why to ret_why. */
bool knobs_set(struct knobs *k, const char *name, const char *value, char *ret_why, size_t size);
/* The same for every member of a JSON object; all or none are set. */
bool knobs_set_json(struct knobs *k, const json_t *changes, char *ret_why, size_t size);
/* All knobs as an object; the caller owns it. */
json_t *knobs_json(const struct knobs *k);

/* The fate of the nth arrival. A read commits nothing, so what would strike between its commit and
 * its answer leaves it well. */
enum fate knobs_draw(const struct knobs *k, int64_t n, bool is_read);
const char *fate_text(enum fate fate);

#endif

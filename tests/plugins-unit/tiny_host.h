/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest host that a plugin can run in: one call at a time, in this process, effects in
 * memory, HTTP to a world and nowhere else. It decides nothing; a test sees what the plugin asked
 * for and what it answered, and plays the orchestrator itself. The card is read as the loader reads
 * it, and what crosses is held to its contracts.
 */
#ifndef TESTS_TINY_HOST_H
#define TESTS_TINY_HOST_H

#include "harness.h"

#include <seam/plugin.h>

struct tiny_host;

/* Loads NAME.so and makes its instance; the test aborts where that fails. `world` may be NULL. */
struct tiny_host *tiny_host_new(const char *name, const char *config, const struct world *world);
void tiny_host_free(struct tiny_host *host);
/* Whether create() takes the configuration. */
bool tiny_host_accepts(const char *name, const char *config);

/* One step of a run: its attempts share the key and the effects. */
struct step {
    const char *agent, *key, *feedback;
    bool outside; /* the input breaks the agent's contract, on purpose */
};

struct outcome {
    seam_status status;
    uint32_t effect;
    char code[128];
    json_t *body;
};

/* Starts an attempt and returns its completion; completing twice or never aborts. */
struct outcome tiny_host_call(struct tiny_host *host, const struct step *step, const char *input);
void outcome_done(struct outcome *outcome);

/* What is known of an effect: "fresh", "begun", "answered" (the host saw a 2xx that the plugin has
 * not committed) or "done"; and what a reconcile, or the host's own eyes, would teach. */
const char *tiny_host_effect(const struct tiny_host *host, const char *key, const char *name);
void tiny_host_learn(struct tiny_host *host, const char *key, const char *name,
                     const char *result_json);
void tiny_host_answered(struct tiny_host *host, const char *key, const char *name,
                        const char *response_json);

#endif

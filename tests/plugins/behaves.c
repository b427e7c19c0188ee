/* SPDX-License-Identifier: Apache-2.0
 *
 * Doubles a number, as its configuration wishes: well, or wrongly, or in a way that breaks its
 * contract, or not at all; after `ms`. Its card is the same in all of these lives, and has an
 * example.
 */
#include "sin.h"
#include <seam/json.h>
#include <stdbool.h>
#include <stdio.h>

static char as[64];
static long ms;

static long number_of(seam_bytes bytes)
{
    char digits[24] = "";
    if (bytes.len > 0 && bytes.len < sizeof(digits))
        memcpy(digits, bytes.ptr, bytes.len);
    return strtol(digits, NULL, 10);
}

static seam_status behave(const seam_host *given, seam_bytes config, void **ret_self)
{
    size_t len = 0;
    char *word = seam_json_text(seam_json_at(config, "/as"), &len);
    if (word && len < sizeof(as))
        memcpy(as, word, len + 1);
    free(word);
    ms = number_of(seam_json_at(config, "/ms"));
    if (strcmp(as, "hangs-at-first") == 0)
        pause_ms(3600 * 1000L);
    return keep_host(given, config, ret_self);
}

static seam_status act(void *self, const seam_call *call)
{
    char out[32];
    (void)self;
    /* of the example it is well enough to come up */
    bool tested = call->idempotency_key.len == 9;
    long n = number_of(call->input);
    if (!tested || strcmp(as, "is-slow-to-test") == 0)
        pause_ms(ms);
    if (strcmp(as, "crashes") == 0 && !tested)
        write_to_nowhere();
    bool breaks = strcmp(as, "breaks") == 0 && !tested;
    snprintf(out, sizeof(out), breaks ? "\"%ld\"" : "%ld",
             strcmp(as, "triples") == 0 ? 3 * n : 2 * n);
    answer(call->id, SEAM_OK, bytes_of(out));
    return SEAM_OK;
}

static seam_status rest(void *self)
{
    (void)self;
    if (strcmp(as, "hangs-at-last") == 0)
        pause_ms(3600 * 1000L);
    return SEAM_OK;
}

static const seam_agent the_agent = {sizeof(the_agent), SEAM_PURE, 0, "act"};
static const seam_agent *const the_agents[] = {&the_agent, NULL};
static const seam_plugin the_table = {.size = sizeof(the_table),
                                      .id = "org.seam.behaves",
                                      .version = "1.0.0",
                                      .agents = the_agents,
                                      .create = behave,
                                      .start = act,
                                      .quiesce = rest};

const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &the_table;
}

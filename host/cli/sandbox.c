/* SPDX-License-Identifier: Apache-2.0
 *
 * What really holds a plugin on this machine: each promise with the protections that keep it, and
 * each protection that is not there in full, with the reason, or that is one of numbers, with
 * those.
 */
#include "cli/cli_internal.h"

/* In-process, or refused before its worker said anything. */
static const char *why_not_held(const struct roster_plugin *plugin)
{
    return plugin->entry->in_process
               ? "nothing is enforced: it runs in the host's process and may do what that may"
               : "its worker did not come to be";
}

static json_t *keepers(const struct sandbox_plan *plan, const struct sandbox_report *held,
                       enum sandbox_promise promise)
{
    json_t *list = json_array();
    uint32_t by = sandbox_keeps(plan, held, promise);
    for (enum protection p = 0; p < PROTECTION_COUNT; p++)
        if (by & (1u << p))
            json_array_append_new(list, json_string(protection_word(p)));
    return list;
}

static bool is_given_away(const struct sandbox_plan *plan, enum sandbox_promise promise)
{
    return promise == PROMISE_NETWORK && plan->net;
}

static json_t *promises_json(const struct sandbox_plan *plan, const struct sandbox_report *held)
{
    json_t *all = json_object();
    for (enum sandbox_promise p = 0; p < PROMISE_COUNT; p++) {
        json_t *by = keepers(plan, held, p);
        json_object_set_new(all, promise_word(p),
                            json_pack("{s:b, s:b, s:o}", "kept", (int)(json_array_size(by) > 0),
                                      "granted_away", (int)is_given_away(plan, p), "by", by));
    }
    return all;
}

static json_t *protections_json(const struct sandbox_report *held)
{
    json_t *list = json_array();
    for (enum protection p = 0; p < PROTECTION_COUNT; p++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s}", "protection", protection_word(p),
                                        "state", sandbox_state_word(held->of[p].state), "stops",
                                        protection_stops(p), "note", held->of[p].note));
    return list;
}

json_t *sandbox_json(const struct roster_plugin *plugin, const struct sandbox_report *held)
{
    AUTO(sandbox_plan_done) struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    if (!held || plugin_plan(plugin->card, plugin->entry, &plan, NULL) != ERR_OK)
        return json_pack("{s:b, s:s}", "enforced", 0, "note", why_not_held(plugin));
    return json_pack("{s:b, s:o, s:o}", "enforced", 1, "promises", promises_json(&plan, held),
                     "protections", protections_json(held));
}

static void promise_text(const struct sandbox_plan *plan, const struct sandbox_report *held,
                         enum sandbox_promise promise)
{
    json_t *by = keepers(plan, held, promise);
    printf("    %-11s", promise_word(promise));
    if (is_given_away(plan, promise))
        printf("%sopen: sockets of its own are granted%s", paint(stdout, YELLOW),
               paint(stdout, PLAIN));
    else if (json_array_size(by) == 0)
        printf("%snot kept here: that it %s%s", paint(stdout, RED), promise_means(promise),
               paint(stdout, PLAIN));
    else
        fputs("kept by ", stdout);
    for (size_t i = 0; i < json_array_size(by); i++)
        printf("%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(by, i)));
    putchar('\n');
    json_decref(by);
}

void sandbox_text(const struct roster_plugin *plugin, const struct sandbox_report *held)
{
    AUTO(sandbox_plan_done) struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    if (!held || plugin_plan(plugin->card, plugin->entry, &plan, NULL) != ERR_OK) {
        printf("    %s%s%s\n", paint(stdout, YELLOW), why_not_held(plugin), paint(stdout, PLAIN));
        return;
    }
    for (enum sandbox_promise p = 0; p < PROMISE_COUNT; p++)
        promise_text(&plan, held, p);
    for (enum protection p = 0; p < PROTECTION_COUNT; p++) {
        const char *note = held->of[p].note;
        if (held->of[p].state == SANDBOX_ENFORCED && !note[0])
            continue;
        printf("    %-11s%s%s%s\n", sandbox_state_word(held->of[p].state), protection_word(p),
               note[0] ? ": " : "", note);
    }
}

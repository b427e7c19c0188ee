/* SPDX-License-Identifier: Apache-2.0
 *
 * The self-test of a generation, before it takes another's place: that it started, is what its card
 * says and listed its agents is known by then; now the examples of its card and the `self_test` of
 * the manifest are called, those of pure agents, all at once. Each must be answered in time, within
 * the contract, and as told. What such a call asks of the host is denied: an example stands for
 * itself. Nothing of it is journaled, for it belongs to no run.
 */
#include "runtime/reload_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SELF_TEST_MS = 10000 };

struct test_call {
    const struct card_agent *agent;
    const json_t *input, *output; /* borrowed; output NULL = whatever the contract allows */
    char *place;                  /* "example 2 of its card" */
    uint64_t id;                  /* 0 = it has ended */
};

struct self_test {
    struct test_call *calls;
    size_t count, open;
    struct error error; /* the first that was not as told */
};

void self_test_free(struct self_test *test)
{
    if (!test)
        return;
    for (size_t i = 0; i < test->count; i++)
        free(test->calls[i].place);
    free(test->calls);
    free(test);
}

size_t self_test_open(const struct self_test *test)
{
    return test ? test->open : 0;
}

/* ---- what is to be called ---- */

static void add(struct self_test *test, const struct card_agent *agent, const json_t *example,
                char *place_taken)
{
    test->calls = xrealloc(test->calls, (test->count + 1) * sizeof(*test->calls));
    test->calls[test->count++] = (struct test_call){.agent = agent,
                                                    .input = json_object_get(example, "input"),
                                                    .output = json_object_get(example, "output"),
                                                    .place = place_taken};
}

static const struct card_agent *pure_agent(const struct card *card, const char *name)
{
    for (size_t i = 0; name && i < card->agent_count; i++)
        if (strcmp(card->agents[i].name, name) == 0 && card->agents[i].effect == SEAM_PURE)
            return &card->agents[i];
    return NULL;
}

static struct self_test *gather(const struct roster_plugin *plugin)
{
    const struct card *card = plugin->card;
    struct self_test *test = xcalloc(1, sizeof(*test));
    const json_t *agents = json_object_get(card->json, "agents"), *json, *example;
    size_t i, k;
    json_array_foreach (agents, i, json) {
        const struct card_agent *agent =
            pure_agent(card, json_string_value(json_object_get(json, "name")));
        json_array_foreach (agent ? json_object_get(json, "examples") : NULL, k, example) {
            add(test, agent, example, xasprintf("example %zu of its card", k + 1));
        }
    }
    json_array_foreach (plugin->entry->self_test, i, example) {
        const struct card_agent *agent =
            pure_agent(card, json_string_value(json_object_get(example, "agent")));
        if (agent)
            add(test, agent, example, xasprintf("self_test %zu of the manifest", i + 1));
    }
    return test;
}

enum error_code self_test_check(const struct manifest_plugin *entry, const struct card *card,
                                struct error *reterr)
{
    size_t i;
    const json_t *example;
    json_array_foreach (entry->self_test, i, example) {
        const char *name = json_string_value(json_object_get(example, "agent"));
        const struct card_agent *agent = pure_agent(card, name);
        if (!agent)
            return error_set(reterr, ERR_INPUT,
                             "the manifest's plugins.%s.self_test[%zu] calls `%s`, and its card "
                             "has no pure agent of that name (only pure agents are called, for "
                             "nothing may come of it)",
                             entry->alias, i, name);
        if (!contract_accepts(agent->input, json_object_get(example, "input")))
            return error_set(reterr, ERR_INPUT,
                             "the manifest's plugins.%s.self_test[%zu]: agent `%s` does not take "
                             "this input",
                             entry->alias, i, name);
    }
    return ERR_OK;
}

/* ---- calling ---- */

static void fails(struct self_test *test, const struct test_call *call, const char *how)
{
    if (test->error.code == ERR_OK)
        error_set(&test->error, ERR_CONFLICT, "agent `%s`, %s: %s", call->agent->name, call->place,
                  how);
}

static void is_over(struct slot *slot)
{
    struct self_test *test = TAKE(slot->self_test);
    struct error why = test->error;
    if (why.code != ERR_OK)
        error_prefix(&why, "it does not pass its self-test: ");
    self_test_free(test);
    reload_heard(slot, why.code == ERR_OK ? NULL : &why);
}

void self_test_begin(struct slot *slot)
{
    struct self_test *test = slot->self_test = gather(slot->roster);
    AUTO(text_done) struct text input;
    text_init(&input, LIMIT_FILE);
    for (size_t i = 0; i < test->count; i++) {
        struct test_call *call = &test->calls[i];
        text_clear(&input);
        json_write(call->input, &input);
        call->id = plugin_call(slot->plugin, &(struct plugin_call){.agent = call->agent->name,
                                                                   .attempt = 1,
                                                                   .deadline_ms = SELF_TEST_MS,
                                                                   .input = text_slice(&input),
                                                                   .key = slice_of("self-test")});
        test->open += call->id != 0;
        if (call->id == 0)
            fails(test, call, "the plugin takes no more calls");
    }
    if (test->open == 0)
        is_over(slot);
}

/* ---- what comes back ---- */

static void differs(struct self_test *test, const struct test_call *call, const json_t *found)
{
    AUTO(text_done) struct text is, was;
    text_init(&is, SIZE_MAX / 2);
    text_init(&was, SIZE_MAX / 2);
    json_write(found, &is);
    json_write(call->output, &was);
    AUTO(freep)
    char *how = xasprintf("expected %.200s, found %.200s", text_str(&was), text_str(&is));
    fails(test, call, how);
}

static void judge(struct self_test *test, const struct test_call *call,
                  const struct call_result *result, size_t payload)
{
    AUTO(json_decrefp) json_t *found = NULL;
    struct error err;
    if (result->end != CALL_COMPLETED) {
        fails(test, call,
              *result->reason                 ? result->reason
              : result->end == CALL_TIMED_OUT ? "it did not answer in time"
                                              : "it crashed");
    } else if (result->status != SEAM_OK) {
        AUTO(freep)
        char *how = xasprintf("it answered with status %d, %.*s", (int)result->status,
                              (int)(result->body.len < 300 ? result->body.len : 300),
                              result->body.ptr ? result->body.ptr : "");
        fails(test, call, how);
    } else if (json_read(result->body, payload, &found, &err) != ERR_OK) {
        fails(test, call, err.text);
    } else if (!contract_accepts(call->agent->output, found)) {
        fails(test, call, "its output breaks its contract");
    } else if (call->output && !json_equal(call->output, found)) {
        differs(test, call, found);
    }
}

bool self_test_hears(struct slot *slot, const struct call_result *result)
{
    struct self_test *test = slot->self_test;
    for (size_t i = 0; test && i < test->count; i++) {
        struct test_call *call = &test->calls[i];
        if (call->id != result->call || call->id == 0)
            continue;
        call->id = 0;
        judge(test, call, result, (size_t)slot->host->manifest->payload);
        if (--test->open == 0)
            is_over(slot);
        return true;
    }
    return false;
}

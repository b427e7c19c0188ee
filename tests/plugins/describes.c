/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: its agents are what its configuration says, {"agents": […]}, and each answers what it was
 * given under its name. It first asks for what `ask` has, [[op, body], …], with the placeholder of
 * the last answer for "$" in a body; without `agents` it fails with the last answer, and with one
 * that is a failure in any case. With `watch` it tells that they are others: "now", or "never",
 * until it is cancelled. Not so good where the configuration begins otherwise: "crash", "hang",
 * "refuse" with a reason, say "nonsense", or have no such extension ("none"); an agent called
 * "dies" takes the process along.
 */
#include <seam/ask.h>
#include <stdio.h>

#include "sin.h"

static char *configuration;

static seam_status create(const seam_host *given, seam_bytes config, void **ret_self)
{
    configuration = strndup(config.ptr, config.len);
    return keep_host(given, config, ret_self);
}

static seam_status act(void *self, const seam_call *call)
{
    char body[512];
    (void)self;
    if (call->agent.len == 4 && memcmp(call->agent.ptr, "dies", 4) == 0)
        write_to_nowhere();
    int len = snprintf(body, sizeof(body), "{\"%.*s\":%.*s}", (int)call->agent.len, call->agent.ptr,
                       (int)call->input.len, call->input.ptr);
    answer(call->id, SEAM_OK, (seam_bytes){body, (size_t)len});
    return SEAM_OK;
}

/* The body, with what "$" stands for. */
static seam_answer ask(seam_id call, seam_bytes what, const seam_answer *before)
{
    char *op = seam_json_text(seam_json_at(what, "/0"), NULL);
    char *place = seam_json_text(seam_json_at(seam_answer_body(before), "/placeholder"), NULL);
    seam_bytes body = seam_json_at(what, "/1");
    const char *dollar = memchr(body.ptr, '$', body.len);
    char filled[2048];
    int len = snprintf(filled, sizeof(filled), "%.*s%s%.*s",
                       (int)(dollar && place ? dollar - body.ptr : (long)body.len), body.ptr,
                       dollar && place ? place : "",
                       dollar && place ? (int)(body.ptr + body.len - dollar - 1) : 0,
                       dollar && place ? dollar + 1 : "");
    seam_answer answer = seam_ask(host, call, op, (seam_bytes){filled, (size_t)len});
    free(op);
    free(place);
    return answer;
}

static void ask_all(seam_id call, seam_bytes list)
{
    seam_answer last = {0};
    seam_json_walk walk = seam_json_members(list);
    while (last.status == SEAM_OK && seam_json_next(&walk)) {
        seam_answer next = ask(call, walk.value, &last);
        seam_answer_done(&last);
        last = next;
    }
    seam_bytes all = seam_text(configuration);
    if (last.status == SEAM_OK && seam_json_at(all, "/agents").len > 0)
        answer(call, SEAM_OK, all);
    else
        answer(call, last.status ? last.status : SEAM_E_FAILED, seam_answer_body(&last));
    seam_answer_done(&last);
}

static int begins(const char *word)
{
    return strncmp(configuration + 1, word, strlen(word)) == 0;
}

static seam_status describe(void *self, const seam_call *call)
{
    (void)self;
    seam_id id = call->id;
    seam_bytes asks = seam_json_at(seam_text(configuration), "/ask");
    if (asks.len > 0)
        ask_all(id, asks);
    else if (begins("crash"))
        write_to_nowhere();
    else if (begins("hang"))
        for (;;)
            pause_ms(1000);
    else if (begins("refuse"))
        answer(id, SEAM_E_INPUT, bytes_of("{\"message\":\"/functions/0: no such thing\"}"));
    else
        answer(id, SEAM_OK, bytes_of(begins("nonsense") ? "[7]" : configuration));
    return SEAM_OK;
}

static seam_id watched;

static seam_status watch(void *self, const seam_call *call)
{
    (void)self;
    watched = call->id;
    if (seam_json_is(seam_json_at(seam_text(configuration), "/watch"), "now"))
        answer(call->id, SEAM_OK, bytes_of("{}"));
    return SEAM_OK;
}

static void cancel(void *self, seam_id call)
{
    (void)self;
    if (call == watched)
        answer(call, SEAM_E_CANCELLED, bytes_of(""));
}

static const void *extension(void *self, const char *id)
{
    static const seam_describe table = {sizeof(table), describe};
    static const seam_watch watching = {sizeof(watching), watch};
    (void)self;
    if (strcmp(id, SEAM_WATCH_EXTENSION) == 0)
        return seam_json_at(seam_text(configuration), "/watch").len > 0 ? &watching : NULL;
    return strcmp(id, SEAM_DESCRIBE_EXTENSION) == 0 && !begins("none") ? &table : NULL;
}

static const seam_agent *const no_agents[] = {NULL};
static const seam_plugin the_table = {.size = sizeof(the_table),
                                      .id = "org.seam.test",
                                      .version = "1.0.0",
                                      .agents = no_agents,
                                      .create = create,
                                      .start = act,
                                      .cancel = cancel,
                                      .extension = extension};
const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &the_table;
}

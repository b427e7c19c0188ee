/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: its agents are what its configuration says, {"agents": […]}, and each answers what it was
 * given under its name. Not so good where the configuration begins otherwise: "crash", "hang",
 * "ask" for a service, "refuse" with a reason, say "nonsense", or have no such extension ("none").
 */
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
    int len = snprintf(body, sizeof(body), "{\"%.*s\":%.*s}", (int)call->agent.len, call->agent.ptr,
                       (int)call->input.len, call->input.ptr);
    answer(call->id, SEAM_OK, (seam_bytes){body, (size_t)len});
    return SEAM_OK;
}

static void pass_on(void *user, const seam_reply *reply)
{
    answer(*(seam_id *)user, SEAM_E_FAILED, reply->body);
}

static int begins(const char *word)
{
    return strncmp(configuration + 1, word, strlen(word)) == 0;
}

static seam_status describe(void *self, const seam_call *call)
{
    (void)self;
    seam_id id = call->id;
    if (begins("crash"))
        write_to_nowhere();
    else if (begins("hang"))
        for (;;)
            pause_ms(1000);
    else if (begins("ask"))
        host->request_wait(host, id, "http.send/1", bytes_of("{}"), pass_on, &id);
    else if (begins("refuse"))
        answer(id, SEAM_E_INPUT, bytes_of("{\"message\":\"/functions/0: no such thing\"}"));
    else
        answer(id, SEAM_OK, bytes_of(begins("nonsense") ? "[7]" : configuration));
    return SEAM_OK;
}

static const void *extension(void *self, const char *id)
{
    static const seam_describe table = {sizeof(table), describe};
    (void)self;
    return strcmp(id, SEAM_DESCRIBE_EXTENSION) == 0 && !begins("none") ? &table : NULL;
}

static const seam_agent *const no_agents[] = {NULL};
static const seam_plugin the_table = {.size = sizeof(the_table),
                                      .id = "org.seam.test",
                                      .version = "1.0.0",
                                      .agents = no_agents,
                                      .create = create,
                                      .start = act,
                                      .extension = extension};
const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &the_table;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that stand in a plugin's configuration. Its card cannot name them, so a worker that is
 * confined asks its extension seam.describe/1: once before the plugin is accepted, when the answer
 * becomes part of its card, and at each later start. Each that was accepted must be the same then,
 * to the last word, or it is lost: its calls are refused, and those of the others are made. What is
 * listed beside them is nothing that could be called.
 *
 * Once it serves, its extension seam.watch/1 may tell that they are others. That is a call, too; it
 * lasts until then, and takes none of the places that calls of agents have.
 *
 * Each question is a call like any other, with a thread, a limit and an end of its own. It may ask
 * its owner for services, who knows it by plugin_describing(); nobody but this file hears how it
 * ended.
 */
#include "document/document.h"
#include "loader/plugin_internal.h"

#include <inttypes.h>
#include <seam/plugin.h>
#include <string.h>

void described_tell(struct plugin *p)
{
    for (uint32_t i = 0; p->from_config && i < p->agent_count; i++) {
        p->agents[i].index = i;
        frame_write(&p->link.out, &(struct frame){.kind = FRAME_LEARN,
                                                  .number = p->agents[i].flags,
                                                  .parts = {slice_of(p->agents[i].name)}});
    }
}

/* Its id; 0: there is no room for it. */
static uint64_t call_extension(struct plugin *p, const char *name, uint32_t index,
                               int64_t deadline_ns)
{
    struct call *c = calls_open(&p->calls);
    if (!c)
        return 0;
    p->agents[p->agent_count] =
        (struct declared_agent){.name = (char *)name, .effect = SEAM_READ, .index = index};
    c->agent = p->agent_count;
    c->attempt = 1;
    calls_move(&p->calls, c, STATE_UNDER_WAY);
    frame_write(&p->link.out, &(struct frame){.kind = FRAME_CALL,
                                              .id = c->id,
                                              .other = (uint64_t)deadline_ns,
                                              .effect = index,
                                              .number = 1,
                                              .parts = {SLICE("{}")}});
    plugin_kick(p);
    return c->id;
}

void described_ask(struct plugin *p)
{
    p->stage = STAGE_DESCRIBING;
    if (p->load_due_ns < clock_ns() + p->describe_ns)
        p->load_due_ns = clock_ns() + p->describe_ns;
    p->describing = call_extension(p, SEAM_DESCRIBE_EXTENSION, FRAME_DESCRIBE, p->load_due_ns);
    if (p->describing == 0)
        plugin_kill(p, "there was no room for the call that asks for its agents");
}

void plugin_watch(struct plugin *p)
{
    if (p->from_config && p->watching == 0 && p->stage == STAGE_SERVING)
        p->watching = call_extension(p, SEAM_WATCH_EXTENSION, FRAME_WATCH, 0);
}

/* ---- what it said ---- */

/* The message of an error object, or the object as it stands. */
static void say_failure(struct plugin *p, const struct call_result *result)
{
    AUTO(json_decrefp) json_t *body = NULL;
    struct error err;
    char why[ERROR_TEXT_SIZE / 2];
    bool is_json = json_read(result->body, LIMIT_FILE, &body, &err) == ERR_OK;
    const char *message = is_json ? json_string_value(json_object_get(body, "message")) : NULL;
    size_t len = log_line_clean(why, sizeof(why) - 1, message ? slice_of(message) : result->body);
    if (result->status == SEAM_E_UNSUPPORTED && len == 0)
        error_set(&err, ERR_INPUT,
                  "%s: its card says that its agents stand in its configuration, and it has no "
                  "extension " SEAM_DESCRIBE_EXTENSION " that lists them",
                  p->path);
    else
        error_set(&err, ERR_INPUT,
                  "%s: it was asked for its agents and failed with status %" PRId32
                  ": %.*s (cure: look at its `config` in the manifest)",
                  p->path, result->status, (int)len, why);
    plugin_refuse(p, &err);
}

static const char *name_of(const json_t *agent)
{
    const char *name = json_string_value(json_object_get(agent, "name"));
    return name ? name : "?";
}

static const json_t *find(const json_t *list, const char *name)
{
    size_t i;
    const json_t *agent;
    json_array_foreach (list, i, agent)
        if (strcmp(name_of(agent), name) == 0)
            return agent;
    return NULL;
}

/* Where the two differ, in words; nothing: they do not. */
static void say_difference(const json_t *was, const json_t *is, struct text *out)
{
    const char *key;
    json_t *value;
    if (!is) {
        text_addf(out, "agent \"%s\" is gone", name_of(was));
        return;
    }
    json_object_foreach ((json_t *)(uintptr_t)was, key, value) {
        if (json_equal(value, json_object_get(is, key)))
            continue;
        text_addf(out, "the `%s` of agent \"%s\" was ", key, name_of(was));
        json_write(value, out);
        text_adds(out, " and is ");
        json_write(json_object_get(is, key), out);
        return;
    }
    if (!json_equal(was, is))
        text_addf(out, "agent \"%s\" says more", name_of(was));
}

/* What was accepted, and is not what is said now; the call's parts are not wanted any more. */
static size_t find_lost(struct plugin *p, const json_t *is)
{
    size_t i, lost = 0;
    const json_t *was;
    json_array_foreach (p->described, i, was) {
        AUTO(text_done) struct text text;
        text_init(&text, LIMIT_FILE);
        say_difference(was, find(is, name_of(was)), &text);
        if (text.len == 0)
            continue;
        char shown[ERROR_TEXT_SIZE / 2];
        size_t len = log_line_clean(shown, sizeof(shown) - 1, text_slice(&text));
        p->agents[i].lost = xstrndup(shown, len);
        lost++;
    }
    for (i = 0; i < p->calls.room && lost > 0; i++) {
        struct call *c = &p->calls.list[i];
        if (c->state == STATE_WAITING && p->agents[c->agent].lost)
            calls_set_due(&p->calls, c, 1);
    }
    return lost;
}

static void refuse_difference(struct plugin *p)
{
    struct error err;
    error_set(&err, ERR_CONFLICT,
              "%s: its agents are not those that were accepted: %s (cure: if that is meant, "
              "approve it again)",
              p->path, p->agents[0].lost);
    plugin_refuse(p, &err);
}

static void hear_list(struct plugin *p, struct slice body)
{
    AUTO(json_decrefp) json_t *said = NULL;
    struct error err;
    if (json_read(body, LIMIT_FILE, &said, &err) != ERR_OK) {
        error_prefix(&err, "%s: the list of its agents: ", p->path);
        plugin_refuse(p, &err);
        return;
    }
    json_t *list = json_object_get(said, "agents");
    if (!json_is_array(list)) {
        error_set(&err, ERR_INPUT,
                  "%s: asked for its agents it said something else than {\"agents\": [...]}",
                  p->path);
        plugin_refuse(p, &err);
    } else if (p->described && find_lost(p, list) == p->agent_count) {
        refuse_difference(p);
    } else {
        p->said = json_incref(list);
        plugin_serve(p);
    }
}

void described_end(struct plugin *p, const struct call_result *result)
{
    p->describing = 0;
    if (p->stage != STAGE_DESCRIBING)
        return; /* it has been refused */
    if (result->end == CALL_COMPLETED && result->status == SEAM_OK)
        hear_list(p, result->body);
    else if (result->end == CALL_COMPLETED)
        say_failure(p, result);
    else
        plugin_kill(p, "the call that asks for its agents failed: %s", result->reason);
}

void described_change(struct plugin *p, const struct call_result *result)
{
    p->watching = 0;
    p->handlers.watched(p->user, result->end == CALL_COMPLETED && result->status == SEAM_OK);
}

uint64_t plugin_describing(const struct plugin *p)
{
    return p->describing ? p->describing : p->watching;
}

json_t *plugin_described(const struct plugin *p)
{
    return p->stage == STAGE_SERVING ? p->said : NULL;
}

const char *plugin_lost(const struct plugin *p)
{
    for (uint32_t i = 0; i < p->agent_count; i++)
        if (p->agents[i].lost)
            return p->agents[i].lost;
    return NULL;
}

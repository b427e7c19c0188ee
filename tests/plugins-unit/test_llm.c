/* SPDX-License-Identifier: Apache-2.0
 *
 * What the plugin llm makes of a host that refuses it in the middle: that a real one does only when
 * it is short of room, so here is one that answers by a list and keeps what was spent.
 */
#include "unit.h"

#include <dlfcn.h>
#include <jansson.h>
#include <seam/plugin.h>
#include <stdio.h>
#include <string.h>

struct line {
    const char *op;
    seam_status status;
    const char *body, *code;
};

struct scripted {
    seam_host table;
    const struct line *next;
    seam_status ended;
    json_int_t spent; /* -1 = nothing was said of it */
};

static seam_bytes text(const char *words)
{
    return (seam_bytes){words, strlen(words)};
}

static void reply(seam_reply_fn answer, void *user, const struct line *line)
{
    answer(user, &(seam_reply){.size = sizeof(seam_reply),
                               .status = line->status,
                               .body = text(line->body ? line->body : ""),
                               .code = text(line->code ? line->code : "")});
}

static void note_spent(struct scripted *host, seam_bytes body)
{
    json_t *json = json_loadb(body.ptr, body.len, 0, NULL);
    host->spent = json_integer_value(json_object_get(json, "tokens"));
    json_decref(json);
}

static seam_status request(const seam_host *table, seam_id call, const char *op, seam_bytes body,
                           seam_reply_fn answer, void *user)
{
    struct scripted *host = table->ctx;
    ck_assert_uint_eq(call, 1);
    if (strcmp(op, "budget.spend/1") == 0) {
        note_spent(host, body);
        reply(answer, user, &(struct line){.body = "{}"});
        return SEAM_OK;
    }
    const struct line *line = host->next++;
    ck_assert_msg(line->op && strcmp(op, line->op) == 0, "it asked for %s", op);
    reply(answer, user, line);
    return line->status;
}

static void complete(const seam_host *table, seam_id call, const seam_reply *end)
{
    struct scripted *host = table->ctx;
    ck_assert_uint_eq(call, 1);
    ck_assert_int_eq(host->ended, -1);
    host->ended = end->status;
}

static seam_status emit(const seam_host *table, seam_id call, seam_bytes chunk)
{
    (void)table, (void)call, (void)chunk;
    return SEAM_OK;
}

static const seam_plugin *plugin(void)
{
    void *library = dlopen(PLUGIN_FOLDER "/llm.so", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    ck_assert_msg(library != NULL, "%s", library ? "" : dlerror());
    const seam_plugin *(*entry)(uint32_t);
    *(void **)&entry = dlsym(library, SEAM_ENTRY_SYMBOL);
    dlclose(library);
    return entry(SEAM_ABI_MINOR);
}

/* One call of an agent that reads its answer as it comes. */
static struct scripted asked(const struct line *lines)
{
    static const char config[] =
        "{\"agents\": [{\"name\": \"judge\", \"summary\": \"s\", \"prompt\": \"p\", \"model\": "
        "\"m\", \"provider\": \"openai-compatible\", \"base_url\": \"http://a.test/v1\", "
        "\"stream\": true, \"parameters\": {\"max_tokens\": 100}}]}";
    struct scripted host = {.next = lines, .ended = -1, .spent = -1};
    host.table = (seam_host){.size = sizeof(seam_host),
                             .abi_minor = SEAM_ABI_MINOR,
                             .ctx = &host,
                             .complete = complete,
                             .emit = emit,
                             .request = request};
    const seam_plugin *llm = plugin();
    void *self;
    ck_assert_int_eq(llm->create(&host.table, text(config), &self), SEAM_OK);
    const seam_call call = {
        .size = sizeof(call), .attempt = 1, .id = 1, .agent = text("judge"), .input = text("{}")};
    ck_assert_int_eq(llm->start(self, &call), SEAM_OK);
    ck_assert_int_ne(host.ended, -1);
    llm->destroy(self);
    return host;
}

START_TEST(a_question_that_the_host_had_no_room_for_used_nothing)
{
    const struct line lines[] = {{.op = "budget.reserve/1", .body = "{\"tokens\": 1000}"},
                                 {.op = "http.open/1", .status = SEAM_E_BUSY},
                                 {0}};
    struct scripted host = asked(lines);
    ck_assert_int_eq(host.ended, SEAM_E_BUSY);
    ck_assert_int_eq(host.spent, 0);
}
END_TEST

START_TEST(a_question_whose_answer_the_host_has_no_room_for_was_asked)
{
    const struct line lines[] = {
        {.op = "budget.reserve/1", .body = "{\"tokens\": 1000}"},
        {.op = "http.open/1", .body = "{\"status\": 200, \"stream\": 1, \"headers\": {}}"},
        {.op = "http.read/1", .status = SEAM_E_BUSY},
        {0}};
    struct scripted host = asked(lines);
    ck_assert_int_eq(host.ended, SEAM_E_BUSY);
    ck_assert_int_gt(host.spent, 100);
}
END_TEST

UNIT_MAIN(a_question_that_the_host_had_no_room_for_used_nothing,
          a_question_whose_answer_the_host_has_no_room_for_was_asked)

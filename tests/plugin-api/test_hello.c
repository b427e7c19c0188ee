/* SPDX-License-Identifier: Apache-2.0
 *
 * The template, loaded and called through its table alone, as any host would.
 */
#include <seam/plugin.h>

#include "unit.h"

#include <dlfcn.h>
#include <jansson.h>

static json_t *completed;
static uint32_t completions;

static void complete(const seam_host *host, seam_id call, const seam_reply *reply)
{
    (void)host;
    ck_assert(call == 7 && reply->status == SEAM_OK && reply->effect == SEAM_EFFECT_NONE);
    completed = json_loadb(reply->body.ptr, reply->body.len, 0, NULL);
    completions++;
}

static const seam_host host = {.size = sizeof(host), .complete = complete};

static const seam_plugin *load(void)
{
    void *library = dlopen(HELLO, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    ck_assert_msg(library != NULL, "%s", dlerror());
    const seam_plugin *(*entry)(uint32_t);
    *(void **)&entry = dlsym(library, SEAM_ENTRY_SYMBOL);
    ck_assert_msg(entry != NULL, "%s", dlerror());
    return entry(SEAM_ABI_MINOR);
}

START_TEST(the_table_says_what_the_card_says)
{
    const seam_plugin *plugin = load();
    json_t *card = json_load_file(SOURCE_ROOT "/plugins/hello/card.json", 0, NULL);
    const char *id, *version, *name, *effect;
    ck_assert_int_eq(json_unpack(card, "{s:s, s:s, s:[{s:s, s:s}]}", "id", &id, "version", &version,
                                 "agents", "name", &name, "effect", &effect),
                     0);
    ck_assert_uint_eq(plugin->size, sizeof(*plugin));
    ck_assert_str_eq(plugin->id, id);
    ck_assert_str_eq(plugin->version, version);
    ck_assert_str_eq(plugin->agents[0]->name, name);
    ck_assert(plugin->agents[0]->effect == SEAM_PURE && strcmp(effect, "pure") == 0);
    ck_assert_ptr_null(plugin->agents[1]);
    json_decref(card);
}
END_TEST

START_TEST(a_name_is_greeted_once)
{
    const seam_plugin *plugin = load();
    void *self = NULL;
    seam_bytes config = {"{}", 2};
    ck_assert_int_eq(plugin->create(&host, config, &self), SEAM_OK);
    static const char input[] = "{\"name\": \"J\\u00fcrgen \\\"x\\\"\"}";
    seam_call call = {.size = sizeof(call),
                      .attempt = 1,
                      .id = 7,
                      .agent = {"greet", 5},
                      .input = {input, sizeof(input) - 1}};
    ck_assert_int_eq(plugin->start(self, &call), SEAM_OK);
    ck_assert_uint_eq(completions, 1);
    ck_assert_str_eq(json_string_value(json_object_get(completed, "greeting")),
                     "Hello, Jürgen \"x\"!");
    json_decref(completed);
}
END_TEST

UNIT_MAIN(the_table_says_what_the_card_says, a_name_is_greeted_once)

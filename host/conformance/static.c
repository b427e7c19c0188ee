/* SPDX-License-Identifier: Apache-2.0
 *
 * Level 1: what can be known without running anything. First the file, as the dynamic loader will
 * see it; then the card, as the host reads it; then what a card says of effects and limits, where a
 * schema cannot tell that two of its sentences do not go together.
 */
#include "conformance/image_internal.h"
#include "conformance/kit_internal.h"

#include "contract/shape.h"

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>

/* ---- the file ---- */

struct exports {
    struct text others;
    size_t count;
    bool entry;
};

static void note_export(void *user, const char *name, bool defined, bool weak)
{
    struct exports *e = user;
    (void)weak;
    if (!defined)
        return;
    if (strcmp(name, SEAM_ENTRY_SYMBOL) == 0)
        e->entry = true;
    else if (e->count++ < 5)
        text_addf(&e->others, "%s%s", e->count > 1 ? ", " : "", name);
}

static void check_exports(struct kit *kit, const struct image *image)
{
    struct exports e = {.count = 0};
    text_init(&e.others, 2000);
    image_symbols(image, note_export, &e);
    if (e.count > 0 && e.entry)
        kit_fail(kit, CHECK_EXPORTS, image->path, SEAM_ENTRY_SYMBOL " alone", "%zu more: %s%s",
                 e.count, text_str(&e.others), e.count > 5 ? ", …" : "");
    else if (e.entry)
        kit_hold(kit, CHECK_EXPORTS);
    else if (image->has_card)
        kit_break(kit, CHECK_EXPORTS, image->path, "an exported " SEAM_ENTRY_SYMBOL, "none");
    text_done(&e.others);
}

static void check_search_path(struct kit *kit, const struct image *image)
{
    for (size_t i = 0; i < image->search_count; i++) {
        AUTO(freep) char *list = xstrdup(image->search[i]);
        char *rest = list, *one;
        while ((one = strsep(&rest, ":")) != NULL)
            if ((strncmp(one, "$ORIGIN", 7) != 0 && strncmp(one, "${ORIGIN}", 9) != 0) ||
                strstr(one, "..")) {
                kit_fail(kit, CHECK_SEARCH_PATH, image->path, "$ORIGIN or a folder below it",
                         "\"%s\" in its RPATH or RUNPATH", one);
            }
    }
    if (!kit_failed(kit, CHECK_SEARCH_PATH))
        kit_hold(kit, CHECK_SEARCH_PATH);
}

static void check_file(struct kit *kit, const struct image *image)
{
    check_exports(kit, image);
    if (image->text_relocations)
        kit_break(kit, CHECK_RELOCATIONS, image->path, "no DT_TEXTREL",
                  "the loader must write into its code");
    else
        kit_hold(kit, CHECK_RELOCATIONS);
    if (image->executable_stack)
        kit_break(kit, CHECK_STACK, image->path, "PT_GNU_STACK without execute",
                  "it makes every thread's stack executable");
    else
        kit_hold(kit, CHECK_STACK);
    check_search_path(kit, image);
    if (kit_wants(kit, CHECK_LIBRARIES) || kit_wants(kit, CHECK_IMPORTS))
        imports_check(kit, image);
}

/* ---- the card ---- */

/* A pointer into the output must lead where an output may have something. */
static void check_pointer(struct kit *kit, const struct card_agent *agent, const char *what,
                          const char *pointer)
{
    struct shapes *shapes = shapes_new();
    struct shape at = shape_of_contract(shapes, agent->output);
    AUTO(freep) char *list = xstrdup(pointer ? pointer : "");
    char *rest = list, *name;
    bool leads = true;
    name = strsep(&rest, "/");
    while (leads && (name = strsep(&rest, "/")) != NULL) {
        struct shape next = shape_member(shapes, &at, slice_of(name));
        shape_done(&at);
        at = next;
        leads = shape_types(shapes, &at) != 0 && at.presence != PRESENCE_NEVER;
    }
    if (!leads)
        kit_fail(kit, CHECK_LIMITS, agent->name, "a pointer to what the output schema allows",
                 "%s: \"%s\"; the output has nothing there", what, pointer);
    shape_done(&at);
    shapes_free(shapes);
}

static void check_effect(struct kit *kit, const struct card_agent *agent, const json_t *json)
{
    bool writes = agent->effect >= SEAM_WRITE_IDEMPOTENT;
    const char *const of_writes[] = {"settle", "ref", "reconcile", "undo"};
    for (size_t i = 0; i < sizeof(of_writes) / sizeof(of_writes[0]); i++)
        if (!writes && json_object_get(json, of_writes[i]))
            kit_fail(kit, CHECK_EFFECTS, agent->name, "an agent that writes, to have it",
                     "`%s` in an agent that is pure or read", of_writes[i]);
    if (!writes && (agent->flags & SEAM_DESTRUCTIVE))
        kit_fail(kit, CHECK_EFFECTS, agent->name, "an agent that writes, to be destructive",
                 "`destructive` in an agent that is pure or read");
    if (agent->effect == SEAM_PURE && (agent->flags & SEAM_OPEN_WORLD))
        kit_fail(kit, CHECK_EFFECTS, agent->name, "a pure agent to reach nothing",
                 "`open_world` in an agent that is pure");
    if (agent->key_ttl_ms >= 0 && !writes)
        kit_fail(kit, CHECK_EFFECTS, agent->name, "key_ttl with an agent that sends keys",
                 "`key_ttl` in an agent that is pure or read");
    if (agent->reconcile && agent->settle_ms < 0)
        kit_fail(kit, CHECK_EFFECTS, agent->name, "`settle` beside `reconcile`",
                 "none: \"not seen\" would never become \"never\"");
}

static void check_sense(struct kit *kit)
{
    const struct card *card = kit->card;
    for (size_t i = 0; i < card->agent_count; i++) {
        const struct card_agent *agent = &card->agents[i];
        const json_t *json = json_array_get(json_object_get(card->json, "agents"), i);
        check_effect(kit, agent, json);
        const char *warnings = json_string_value(json_object_get(json, "warnings"));
        check_pointer(kit, agent, "confidence", agent->confidence);
        check_pointer(kit, agent, "ref", agent->ref);
        check_pointer(kit, agent, "warnings", warnings);
    }
    if (!kit_failed(kit, CHECK_EFFECTS))
        kit_hold(kit, CHECK_EFFECTS);
    if (!kit_failed(kit, CHECK_LIMITS))
        kit_hold(kit, CHECK_LIMITS);
}

static void check_card(struct kit *kit, const struct image *image)
{
    struct error err;
    enum error_code code = card_read(image->path, &kit->card, &err);
    bool other_abi = code == ERR_NEWER || code == ERR_UNSUPPORTED;
    if (code == ERR_OK) {
        kit_hold(kit, CHECK_CARD);
        kit_hold(kit, CHECK_ABI);
        kit->report->id = xstrdup(kit->card->id);
        kit->report->version = xstrdup(kit->card->version);
        check_sense(kit);
    } else if (other_abi && strstr(err.text, "ABI")) {
        kit_break(kit, CHECK_ABI, image->path, "an ABI that this host serves", "%s", err.text);
    } else {
        kit_break(kit, CHECK_CARD, image->path, "a file and a card that the host accepts", "%s",
                  err.text);
    }
}

enum error_code level_static(struct kit *kit, struct error *reterr)
{
    struct image image = {.fd = -1};
    enum error_code code = image_open(kit->report->path, &image, reterr);
    if (code != ERR_OK)
        return code;
    kit_progress(kit, "the file and its card");
    check_file(kit, &image);
    if (kit->broken != CHECK_EXPORTS)
        check_card(kit, &image);
    image_done(&image);
    return ERR_OK;
}

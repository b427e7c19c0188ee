/* SPDX-License-Identifier: Apache-2.0
 *
 * What a card said before anything ran, against the table that the loaded library really has. They
 * must say the same, or the operator has approved something else than what would run. A refusal
 * shows both values.
 */
#include "loader/plugin_internal.h"

#include <inttypes.h>
#include <seam/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *effect_word(uint32_t effect)
{
    static const char *const words[] = {"pure", "read", "write_idempotent", "write"};
    return effect <= SEAM_WRITE ? words[effect] : "one that this host does not know";
}

/* Keeps the first thing that is wrong; what the table says in it is a stranger's. */
static void object(struct plugin *p, const char *format, ...) PRINTF_LIKE(2, 3);
static void object(struct plugin *p, const char *format, ...)
{
    if (p->refusal)
        return;
    va_list args;
    va_start(args, format);
    char text[ERROR_TEXT_SIZE], shown[ERROR_TEXT_SIZE];
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t len = log_line_clean(shown, sizeof(shown) - 1, slice_of(text));
    p->refusal = xcalloc(1, sizeof(*p->refusal));
    error_set(
        p->refusal, ERR_CONFLICT,
        "%s: its table and its card differ: %.*s (cure: build the library and its card together; "
        "until then it is not what was approved)",
        p->path, (int)len, shown);
}

static void flag_text(uint32_t flags, char ret_text[static 96])
{
    snprintf(ret_text, 96, "%s%s%s%s", flags & SEAM_DESTRUCTIVE ? "destructive " : "",
             flags & SEAM_OPEN_WORLD ? "open_world " : "",
             flags & SEAM_NONBLOCKING ? "nonblocking " : "", flags == 0 ? "none " : "");
    if (flags & ~(uint32_t)(SEAM_DESTRUCTIVE | SEAM_OPEN_WORLD | SEAM_NONBLOCKING))
        snprintf(ret_text, 96, "0x%" PRIx32 " ", flags);
}

static void compare_agent(struct plugin *p, struct declared_agent *a, const struct frame *real)
{
    if (a->found)
        object(p, "the table has agent \"%s\" twice", a->name);
    a->found = true;
    a->index = p->listed;
    if (a->effect != real->effect)
        object(p, "agent \"%s\" is %s in the card and %s (%" PRIu32 ") in the table", a->name,
               effect_word(a->effect), effect_word(real->effect), real->effect);
    if (a->flags != real->number) {
        char card[96], table[96];
        flag_text(a->flags, card);
        flag_text(real->number, table);
        object(p, "agent \"%s\" has the flags %sin the card and %sin the table", a->name, card,
               table);
    }
}

void declared_add(struct plugin *p, const struct frame *frame)
{
    struct slice name = frame->parts[0];
    struct declared_agent *found = NULL;
    if (p->from_config) {
        object(p, "its agents stand in its configuration, and the table has one, \"%.*s\"",
               (int)name.len, name.ptr);
        return;
    }
    for (uint32_t i = 0; i < p->agent_count && !found; i++)
        if (slice_is(name, p->agents[i].name))
            found = &p->agents[i];
    if (found)
        compare_agent(p, found, frame);
    else
        object(p, "the table has an agent \"%.*s\" that the card does not have", (int)name.len,
               name.ptr);
    p->listed++;
}

enum error_code declared_check(struct plugin *p, const struct frame *table, struct error *reterr)
{
    struct slice id = table->parts[0], version = table->parts[1];
    if (!slice_is(id, p->id))
        object(p, "the id is \"%s\" in the card and \"%.*s\" in the table", p->id, (int)id.len,
               id.ptr);
    if (!slice_is(version, p->version))
        object(p, "the version is %s in the card and %.*s in the table", p->version,
               (int)version.len, version.ptr);
    if (table->number != p->abi_minor)
        object(p, "it needs ABI 1.%" PRIu32 " by its card and 1.%" PRIu32 " by its table",
               p->abi_minor, table->number);
    for (uint32_t i = 0; i < p->agent_count; i++)
        if (!p->agents[i].found && !p->from_config)
            object(p, "the card has an agent \"%s\" that the table does not have",
                   p->agents[i].name);
    if (p->refusal && reterr)
        *reterr = *p->refusal;
    return p->refusal ? p->refusal->code : ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The agents that flows may name, sorted by name.
 */
#include "flow/catalog.h"

#include <stdlib.h>
#include <string.h>

const char *effect_class_word(enum effect_class effect)
{
    switch (effect) {
    case CLASS_PURE:
        return "pure";
    case CLASS_READ:
        return "read";
    case CLASS_WRITE_IDEMPOTENT:
        return "write_idempotent";
    case CLASS_WRITE:
        return "write";
    }
    return "write";
}

void catalog_init(struct catalog *catalog)
{
    *catalog = (struct catalog){0};
}

void catalog_done(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++)
        agent_free(catalog->agents[i]);
    free(catalog->agents);
    for (size_t i = 0; i < catalog->left_out_count; i++)
        free(catalog->left_out[i]);
    free(catalog->left_out);
    *catalog = (struct catalog){0};
}

static int compare(struct slice name, const char *other)
{
    size_t len = strlen(other);
    int order = memcmp(name.ptr, other, name.len < len ? name.len : len);
    return order ? order : (name.len > len) - (name.len < len);
}

/* The index of the name, or where it would stand. */
static size_t locate(const struct catalog *catalog, struct slice name, bool *ret_found)
{
    size_t low = 0, high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, catalog->agents[middle]->name);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_found = false;
    return low;
}

void catalog_add(struct catalog *catalog, struct agent *agent)
{
    bool found;
    size_t at = locate(catalog, slice_of(agent->name), &found);
    ASSERT(!found);
    catalog->agents = xrealloc(catalog->agents, (catalog->count + 1) * sizeof(catalog->agents[0]));
    memmove(&catalog->agents[at + 1], &catalog->agents[at],
            (catalog->count - at) * sizeof(catalog->agents[0]));
    catalog->agents[at] = agent;
    catalog->count++;
}

void catalog_leave_out(struct catalog *catalog, char *name)
{
    size_t room = catalog->left_out_count + 1;
    catalog->left_out = xrealloc(catalog->left_out, room * sizeof(catalog->left_out[0]));
    catalog->left_out[catalog->left_out_count++] = name;
}

bool catalog_leaves_out(const struct catalog *catalog, struct slice name)
{
    for (size_t i = 0; i < catalog->left_out_count; i++)
        if (slice_is(name, catalog->left_out[i]))
            return true;
    return false;
}

const struct agent *catalog_find(const struct catalog *catalog, struct slice name)
{
    bool found;
    size_t at = locate(catalog, name, &found);
    return found ? catalog->agents[at] : NULL;
}

void agent_free(struct agent *agent)
{
    if (!agent)
        return;
    free(agent->name);
    free(agent->confidence);
    free(agent->reconcile);
    free(agent->ref);
    free(agent->calls);
    contract_unref(agent->input);
    contract_unref(agent->output);
    free(agent);
}

const struct agent *catalog_reconciler(const struct catalog *catalog, const struct agent *agent)
{
    const char *slash = strchr(agent->name, '/');
    if (!agent->reconcile)
        return NULL;
    AUTO(freep)
    char *sibling =
        xasprintf("%.*s/%s", slash ? (int)(slash - agent->name) : 0, agent->name, agent->reconcile);
    const struct agent *found = catalog_find(catalog, slice_of(sibling));
    return found ? found : catalog_find(catalog, slice_of(agent->reconcile));
}

void catalog_link(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const struct agent *found = catalog_reconciler(catalog, catalog->agents[i]);
        catalog->agents[i]->reconciler = found && found->effect <= CLASS_READ ? found : NULL;
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the references of a schema lead. Each place is visited once, so a schema that refers to
 * itself in many ways costs no more than its size.
 */
#include "provider/lower_internal.h"

#include "base/map.h"

enum { LEADS_DEPTH = 200, LEADS_PLACES = 20000 };

struct way {
    const json_t *root, *wanted;
    bool required_only;
    struct map seen; /* places, by their address */
    size_t *work;
};

static bool leads(struct way *w, const json_t *schema, unsigned depth);

static bool is_or_leads(struct way *w, const json_t *schema, unsigned depth)
{
    return schema == w->wanted || leads(w, schema, depth);
}

static bool leads_by_members(struct way *w, const json_t *schema, unsigned depth)
{
    static const char *const maps[] = {"properties", "patternProperties", "dependentSchemas"};
    for (size_t k = 0; k < sizeof(maps) / sizeof(maps[0]); k++) {
        const char *name;
        json_t *member;
        json_object_foreach (json_object_get(schema, maps[k]), name, member) {
            if (w->required_only && (k > 0 || !has_word(json_object_get(schema, "required"), name)))
                continue;
            if (is_or_leads(w, member, depth))
                return true;
        }
    }
    return false;
}

static bool leads(struct way *w, const json_t *schema, unsigned depth)
{
    static const char *const lists[] = {"anyOf", "oneOf", "allOf", "prefixItems"};
    static const char *const singles[] = {"items", "additionalProperties", "contains", "then",
                                          "else"};
    struct slice key = {(const char *)&schema, sizeof(schema)};
    if (!json_is_object(schema) || map_get(&w->seen, key))
        return false;
    if (depth == 0 || w->seen.count == LEADS_PLACES || (w->work && *w->work == 0))
        return true;
    if (w->work)
        --*w->work;
    map_put(&w->seen, key, w);
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *target = ref ? schema_at(w->root, ref) : NULL, *branch;
    if (target && is_or_leads(w, target, depth - 1))
        return true;
    for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
        size_t i;
        json_array_foreach (json_object_get(schema, lists[k]), i, branch) {
            if (is_or_leads(w, branch, depth - 1))
                return true;
        }
    }
    for (size_t k = 0; k < sizeof(singles) / sizeof(singles[0]); k++)
        if (is_or_leads(w, json_object_get(schema, singles[k]), depth - 1))
            return true;
    return leads_by_members(w, schema, depth - 1);
}

bool schema_leads(const json_t *root, const json_t *from, const json_t *wanted, bool required_only,
                  size_t *work)
{
    struct way w = {.root = root, .wanted = wanted, .required_only = required_only, .work = work};
    bool found = leads(&w, from, LEADS_DEPTH);
    map_done(&w.seen);
    return found;
}

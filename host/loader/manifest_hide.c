/* SPDX-License-Identifier: Apache-2.0
 *
 * `hide` and `prompts` of a manifest: whose values the journal keeps encrypted, and which secrets
 * the keys are made of; and whether it keeps what models are told. Where secrets stand is copied
 * here; nothing is read.
 */
#include "loader/manifest_internal.h"

#include "document/document.h"

#include <stdlib.h>
#include <string.h>

static enum error_code read_key(struct manifest *m, const json_t *root, const char *pointer,
                                const char *name, struct error *reterr)
{
    const json_t *place = json_object_get(json_object_get(root, "secrets"), name);
    const char *file = json_string_value(json_object_get(place, "file"));
    const char *variable = json_string_value(json_object_get(place, "env"));
    struct position at = document_where(m->document, pointer);
    if (!place)
        return error_set(reterr, ERR_INPUT,
                         "%s:%d:%d: %s: there is no secret \"%s\" (cure: say where it stands, "
                         "under `secrets`)",
                         document_name(m->document), at.line, at.column, pointer, name);
    m->hide.keys[m->hide.key_count++] =
        (struct manifest_key){.name = xstrdup(name),
                              .file = file ? manifest_resolve(m, file) : NULL,
                              .variable = variable ? xstrdup(variable) : NULL};
    return ERR_OK;
}

enum error_code manifest_read_hide(struct manifest *m, const json_t *root, struct error *reterr)
{
    const json_t *json = json_object_get(root, "hide"), *older = json_object_get(json, "older"),
                 *flows = json_object_get(json, "flows");
    const char *prompts = json_string_value(json_object_get(root, "prompts"));
    size_t i;
    const json_t *item;
    m->keep_prompts = prompts && strcmp(prompts, "text") == 0;
    if (!json)
        return ERR_OK;
    m->hide.keys = xcalloc(json_array_size(older) + 1, sizeof(*m->hide.keys));
    m->hide.flows = xcalloc(json_array_size(flows) + 1, sizeof(*m->hide.flows));
    enum error_code code =
        read_key(m, root, "/hide/key", json_string_value(json_object_get(json, "key")), reterr);
    json_array_foreach (older, i, item) {
        AUTO(freep) char *pointer = xasprintf("/hide/older/%zu", i);
        if (code == ERR_OK)
            code = read_key(m, root, pointer, json_string_value(item), reterr);
    }
    json_array_foreach (flows, i, item)
        m->hide.flows[m->hide.flow_count++] = xstrdup(json_string_value(item));
    return code;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool manifest_hides_alike(const struct manifest *a, const struct manifest *b)
{
    const struct manifest_hide *x = &a->hide, *y = &b->hide;
    bool alike = x->key_count == y->key_count && x->flow_count == y->flow_count;
    for (size_t i = 0; alike && i < x->key_count; i++)
        alike = same(x->keys[i].name, y->keys[i].name) && same(x->keys[i].file, y->keys[i].file) &&
                same(x->keys[i].variable, y->keys[i].variable);
    for (size_t i = 0; alike && i < x->flow_count; i++)
        alike = same(x->flows[i], y->flows[i]);
    return alike;
}

void manifest_hide_done(struct manifest_hide *hide)
{
    for (size_t i = 0; i < hide->key_count; i++) {
        free(hide->keys[i].name);
        free(hide->keys[i].file);
        free(hide->keys[i].variable);
    }
    for (size_t i = 0; i < hide->flow_count; i++)
        free(hide->flows[i]);
    free(hide->keys);
    free(hide->flows);
}

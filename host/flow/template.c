/* SPDX-License-Identifier: Apache-2.0
 *
 * The templates of a flow: parsed, with each bad expression at its line and column, and each
 * reference an edge. When a template does not parse, its strings are tried one by one, so that all
 * the bad ones are named.
 */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

static struct mapping_names names_for(const struct compilation *c, unsigned roots)
{
    return (struct mapping_names){.roots = roots, .steps = c->names, .step_count = c->count};
}

/* The column that an error of the mapping room begins with, after a pointer perhaps; 0 = none.
 * *ret_text is what stands behind it. */
static int column_of(const char *error, const char **ret_text)
{
    static const char word[] = "column ";
    const char *at = strstr(error, word);
    char *end;
    *ret_text = error;
    if (!at)
        return 0;
    long column = strtol(at + strlen(word), &end, 10);
    if (column < 1 || column > (long)LIMIT_FILE || strncmp(end, ": ", 2) != 0)
        return 0;
    *ret_text = end + 2;
    return (int)column;
}

static const char *rule_of(const char *text)
{
    return slice_starts(slice_of(text), "no step is named") ? "unknown-step" : "bad-expression";
}

/* True if this string alone is wrong, and then it was said. */
static bool refuse_string(struct compilation *c, const struct mapping_names *names, json_t *value,
                          const char *pointer, int lead)
{
    struct error error;
    const char *text;
    AUTO(mapping_freep) struct mapping *mapping = NULL;
    if (!mapping_parse(value, names, &mapping, &error))
        return false;
    struct spot spot = AT(pointer);
    spot.column = column_of(error.text, &text) - lead;
    REFUSE(c, rule_of(text), spot, NULL, "%s", text);
    return true;
}

static bool refuse_strings(struct compilation *c, const struct mapping_names *names, json_t *value,
                           const char *pointer, int lead)
{
    bool said = false;
    const char *key;
    size_t i;
    json_t *below;
    if (json_is_string(value))
        return refuse_string(c, names, value, pointer, lead);
    json_array_foreach (value, i, below) {
        AUTO(freep) char *at = pointer_to_item(pointer, i);
        said |= refuse_strings(c, names, below, at, lead);
    }
    json_object_foreach (value, key, below) {
        AUTO(freep) char *at = pointer_to_member(pointer, key);
        said |= refuse_strings(c, names, below, at, lead);
    }
    return said;
}

struct mapping *flow_read_template(struct compilation *c, const struct template *template)
{
    struct mapping *mapping = NULL;
    struct mapping_names names = names_for(c, template->roots);
    struct error error;
    size_t count;
    json_t *value = (json_t *)template->value; /* its reference count alone changes */
    if (mapping_parse(value, &names, &mapping, &error)) {
        if (!refuse_strings(c, &names, value, template->pointer, template->lead))
            REFUSE(c, "bad-expression", AT(template->pointer), NULL, "%s", error.text);
        return NULL;
    }
    const struct mapping_reference *references = mapping_references(mapping, &count);
    for (size_t i = 0; i < count && template->step != NO_STEP; i++)
        flow_add_edge(c, template->step, (uint32_t)references[i].step,
                      !references[i].status && !references[i].guarded, template->pointer);
    return mapping;
}

/* True if the template, of any names at all, reads the step. */
static bool reads_step(struct compilation *c, json_t *value, uint32_t step)
{
    AUTO(mapping_freep) struct mapping *mapping = NULL;
    struct mapping_names names = names_for(c, ~0u);
    size_t count;
    if (mapping_parse(value, &names, &mapping, NULL))
        return false;
    const struct mapping_reference *references = mapping_references(mapping, &count);
    for (size_t i = 0; i < count; i++)
        if (references[i].step == step)
            return true;
    return false;
}

char *flow_find_reference(struct compilation *c, const json_t *value, const char *pointer,
                          uint32_t step)
{
    const char *key;
    size_t i;
    json_t *below;
    json_array_foreach (value, i, below) {
        AUTO(freep) char *at = pointer_to_item(pointer, i);
        if (reads_step(c, below, step))
            return flow_find_reference(c, below, at, step);
    }
    json_object_foreach ((json_t *)value, key, below) {
        AUTO(freep) char *at = pointer_to_member(pointer, key);
        if (reads_step(c, below, step))
            return flow_find_reference(c, below, at, step);
    }
    return xstrdup(pointer);
}

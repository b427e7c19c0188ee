/* SPDX-License-Identifier: Apache-2.0
 *
 * What is given and read by nobody: context that is dropped on the way is how agents that each work
 * fail together. Only what a step's agent names in its output contract counts, at its top. A step
 * that writes was called for its effect, and one of which nothing at all is read as a gate: both
 * are let be. What is dropped on purpose stands in some step's `unused`. In a flow with errors
 * nothing is said: a name that is wrong is a name that is not read.
 */
#include "flow/prove_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 8, NAMES_MOST = 1000 };

/* What is read of each step's output: names at its top. */
struct readings {
    const struct proving *proving;
    json_t **read; /* step → set of names */
    bool *whole;   /* all of it is read                   */
    bool *any;     /* something is read, not only dropped */
};

/* The first name of a path; items of a for_each, and of an array, are passed. */
static struct slice first_name(const char *path)
{
    while (strncmp(path, "/*", 2) == 0 && (path[2] == '/' || !path[2]))
        path += 2;
    if (*path != '/')
        return (struct slice){NULL, 0};
    return (struct slice){path + 1, strcspn(path + 1, "/")};
}

/* The first name of what the agent gave: where items are collected, it stands in `output`. */
static struct slice name_of_answer(const struct readings *r, size_t step, const char *path)
{
    const struct step *s = &r->proving->c->flow->steps[step];
    struct slice name = first_name(path);
    bool of_item = s->for_each && strncmp(path, "/*/", 3) == 0;
    if (name.ptr && of_item && s->on_item == ON_ITEM_COLLECT)
        return slice_is(name, "output") ? first_name(name.ptr + name.len) : (struct slice){"", 0};
    return name;
}

static void note_path(struct readings *r, size_t step, const char *path)
{
    struct slice name = name_of_answer(r, step, path);
    if (!name.ptr)
        r->whole[step] = true;
    else
        json_object_setn_new_nocheck(r->read[step], name.ptr, name.len, json_true());
    r->any[step] = true;
}

static void note_mapping(struct readings *r, const struct mapping *mapping)
{
    size_t count;
    if (!mapping)
        return;
    const struct mapping_reference *list = mapping_references(mapping, &count);
    for (size_t i = 0; i < count; i++)
        if (!list[i].status)
            note_path(r, list[i].step, list[i].path);
}

/* True if a string of the template holds the name, after `.output`: nearer than that nobody needs
 * to look at what a step reads of its own answer. */
static bool template_names(const json_t *value, const char *name)
{
    const char *key;
    size_t i;
    json_t *below;
    if (json_is_string(value)) {
        const char *text = strstr(json_string_value(value), "output");
        return text && (strstr(text, name) || !strstr(text, "output."));
    }
    json_array_foreach (value, i, below)
        if (template_names(below, name))
            return true;
    json_object_foreach ((json_t *)value, key, below)
        if (template_names(below, name))
            return true;
    return false;
}

static bool reads_own(const struct proving *proving, uint32_t step, const char *name)
{
    const struct source *source = &proving->c->sources[step];
    const struct step *s = &proving->c->flow->steps[step];
    const char *confidence = s->call.agent ? s->call.agent->confidence : NULL;
    if (confidence && slice_is(first_name(confidence), name))
        return true; /* the host's own */
    return template_names(json_object_get(source->value, "assert"), name) ||
           template_names(source->undo.value, name);
}

/* ".steps.plan.output.notes", or ".notes" in the step itself: what is dropped on purpose. */
static void note_unused(struct readings *r, uint32_t step)
{
    size_t i;
    json_t *one;
    const struct compilation *c = r->proving->c;
    json_array_foreach (json_object_get(c->sources[step].value, "unused"), i, one) {
        if (!json_is_string(one))
            continue;
        AUTO(mapping_freep) struct mapping *mapping = NULL;
        AUTO(freep) char *expression = xasprintf("${ %s }", json_string_value(one));
        AUTO(json_decrefp) json_t *value = json_string(expression);
        struct mapping_names names = {ROOT_STEPS, c->names, c->count};
        if (value && mapping_parse(value, &names, &mapping, NULL) == ERR_OK)
            note_mapping(r, mapping);
    }
}

static void say_unread(struct readings *r, const bool *any, uint32_t step)
{
    struct proving *proving = (struct proving *)r->proving; /* shapes remember what they see */
    const struct compilation *c = proving->c;
    AUTO(json_decrefp) json_t *names = NULL;
    AUTO(text_done) struct text list, hint;
    json_t *name;
    size_t i, unread = 0;
    text_init(&list, 1000);
    text_init(&hint, 1000);
    const struct agent *agent = c->flow->steps[step].call.agent;
    bool writes = agent && agent->effect >= CLASS_WRITE_IDEMPOTENT;
    if (r->whole[step] || !any[step] || writes)
        return;
    shape_names(proving->shapes, &proving->known[step].answer, &names);
    json_array_foreach (names, i, name) {
        const char *word = json_string_value(name);
        if (i >= NAMES_MOST)
            break;
        if (json_object_get(r->read[step], word) || reads_own(proving, step, word))
            continue;
        if (unread < SHOWN) {
            text_addf(&list, "%s`%s`", unread ? ", " : "", word);
            text_addf(&hint, "%s.steps.%s.output.%s", unread ? ", " : "", c->names[step], word);
        }
        unread++;
    }
    if (unread == 0)
        return;
    if (unread > SHOWN)
        text_addf(&list, " and %zu more", unread - SHOWN);
    AUTO(freep)
    char *advice =
        xasprintf("if that is meant, a step that reads it says unused: [%s]", text_str(&hint));
    WARN(proving->c, "unused-output", AT_KEY(c->sources[step].pointer), advice,
         "nobody reads %s of what %s gives", text_str(&list), c->names[step]);
}

void prove_unused(struct proving *proving)
{
    const struct compilation *c = proving->c;
    struct readings r = {.proving = proving,
                         .read = xcalloc(c->count, sizeof(*r.read)),
                         .whole = xcalloc(c->count, sizeof(*r.whole)),
                         .any = xcalloc(c->count, sizeof(*r.any))};
    bool *any = xcalloc(c->count, sizeof(*any));
    for (size_t i = 0; i < c->count; i++)
        r.read[i] = json_object();
    for (uint32_t i = 0; i < c->count; i++) {
        const struct step *s = &c->flow->steps[i];
        note_mapping(&r, s->condition);
        note_mapping(&r, s->for_each);
        note_mapping(&r, s->plan ? s->plan->fragment : NULL);
        note_mapping(&r, s->call.input);
        note_mapping(&r, s->fallback.input);
        note_mapping(&r, s->undo.input);
        for (size_t k = 0; k < s->assert_count; k++)
            note_mapping(&r, s->asserts[k].that);
    }
    note_mapping(&r, c->flow->output);
    if (c->count)
        memcpy(any, r.any, c->count * sizeof(*any)); /* to drop on purpose is no reading */
    for (uint32_t i = 0; i < c->count; i++)
        note_unused(&r, i);
    for (uint32_t i = 0; i < c->count && c->findings->errors == 0; i++)
        say_unread(&r, any, i);
    for (size_t i = 0; i < c->count; i++)
        json_decref(r.read[i]);
    free(r.read);
    free(r.whole);
    free(r.any);
    free(any);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a step's turn came to what it did: which steps it waited for and how they ended, what its
 * `if` says and what the names in it stood for. An expression's names are read once more, each by
 * itself, from the state in which it was evaluated.
 */
#include "orchestrator/why_internal.h"

#include <stdlib.h>
#include <string.h>

enum { WAITED_MAX = 12, READ_MAX = 16 };

static const struct frame *frame_at(const struct run *run, const struct decision *decision)
{
    return run->frames[decision->frame];
}

/* ---- a step's turn ---- */

static const char *step_word(const struct step_run *step)
{
    static const char *const words[] = {
        [STEP_WAITING] = "waiting", [STEP_TURN] = "waiting",  [STEP_ACTIVE] = "running",
        [STEP_DONE] = "done",       [STEP_FAILED] = "failed", [STEP_SKIPPED] = "skipped"};
    return words[step->state];
}

static void say_waited(const struct run *run, const struct decision *decision, json_t *list)
{
    const struct flow *flow = frame_at(run, decision)->flow;
    const struct step *step = &flow->steps[decision->step];
    struct text text;
    text_init(&text, LIMIT_QUESTION);
    for (size_t i = 0; i < step->after_count && i < WAITED_MAX; i++)
        text_addf(&text, "%s%s (%s)", i ? ", " : "", flow->steps[step->after[i]].name,
                  step_word(&frame_at(run, decision)->steps[step->after[i]]));
    if (step->after_count > WAITED_MAX)
        text_addf(&text, " and %zu more", step->after_count - WAITED_MAX);
    if (step->after_count)
        because(list, "it waited for %s", text_str(&text));
    else
        because(list, "it waits for no other step");
    text_done(&text);
}

static bool in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* One `.steps.price.output.total` of an expression's text, from its dot; 0 = none begins here. */
static size_t name_length(const char *text)
{
    static const char *const roots[] = {".input", ".steps", ".item", ".index", ".run"};
    size_t length = 0;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        if (strncmp(text, roots[i], strlen(roots[i])) == 0)
            length = strlen(roots[i]);
    if (length == 0 || in_name(text[length]))
        return 0;
    while (text[length] == '.' && in_name(text[length + 1]) &&
           !(text[length + 1] >= '0' && text[length + 1] <= '9'))
        for (length++; in_name(text[length]);)
            length++;
    return length;
}

static void read_name(const struct run *run, const struct decision *decision,
                      const struct scope *scope, const char *name, json_t *read)
{
    const struct flow *flow = frame_at(run, decision)->flow;
    const char **steps = xcalloc(flow->step_count, sizeof(*steps));
    struct mapping_names names = {~0u, steps, flow->step_count};
    struct mapping *mapping = NULL;
    json_t *value = NULL;
    AUTO(freep) char *expression = xasprintf("${ %s }", name);
    json_t *source = json_string(expression);
    for (size_t i = 0; i < flow->step_count; i++)
        steps[i] = flow->steps[i].name;
    if (mapping_parse(source, &names, &mapping, NULL) == ERR_OK &&
        mapping_evaluate(mapping, scope, &value, NULL) == ERR_OK)
        json_object_set(read, name, value);
    json_decref(value);
    json_decref(source);
    mapping_free(mapping);
    free(steps);
}

/* What the names in an expression stood for. */
static json_t *read_names(const struct run *run, const struct decision *decision, const char *text)
{
    struct scope scope;
    struct scope_view view;
    json_t *read = json_object();
    frame_scope(run, frame_at(run, decision), &view, &scope);
    for (const char *at = text; *at && json_object_size(read) < READ_MAX; at++) {
        bool begins = at == text || !(in_name(at[-1]) || strchr(")]\"'.", at[-1]));
        size_t length = begins ? name_length(at) : 0;
        if (length == 0)
            continue;
        AUTO(freep) char *name = xstrndup(at, length);
        read_name(run, decision, &scope, name, read);
        at += length - 1;
    }
    return read;
}

static void say_expression(const struct run *run, const struct decision *decision, const char *key,
                           const struct mapping *mapping, json_t *list, json_t *facts)
{
    const char *text = mapping ? json_string_value(mapping_source(mapping)) : NULL;
    if (!text)
        return;
    json_t *read = read_names(run, decision, text);
    because(list, "its `%s` is %s", key, text);
    json_object_set_new(facts, key, json_string(text));
    json_object_set_new(facts, "read", read);
}

void why_turn(const struct run *run, const struct decision *decision, json_t *list, json_t *facts)
{
    const struct step *step = &frame_at(run, decision)->flow->steps[decision->step];
    say_waited(run, decision, list);
    if (strcmp(decision->rule, "needs-skipped") != 0)
        say_expression(run, decision, "if", step->condition, list, facts);
    if (decision->items)
        because(list, "its `for_each` gave %zu item%s", json_array_size(decision->items),
                json_array_size(decision->items) == 1 ? "" : "s");
    if (decision->items && step->concurrency < frame_at(run, decision)->flow->concurrency)
        because(list, "%d of them at once", step->concurrency);
}

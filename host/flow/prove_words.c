/* SPDX-License-Identifier: Apache-2.0
 *
 * What a flow's author reads: whom a mapping reads, where in the file a refused value comes from,
 * and one sentence with the value that shows it. The place is the string of the template that makes
 * the part of the value which is refused, so that the line named is the line to mend.
 */
#include "flow/prove_internal.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 3, STRING_SHOWN = 40, WITNESS_SHOWN = 240, TEXT = 3000 };

/* ---- Whom ---- */

static void add_name(struct text *out, int *count, const char *name)
{
    if (*count < NAMES_SHOWN)
        text_addf(out, "%s%s", *count ? ", " : "", name);
    else if (*count == NAMES_SHOWN)
        text_adds(out, ", …");
    (*count)++;
}

/* "an item of plan", where the items come from one step. */
static void add_item(const struct proving *proving, uint32_t step, struct text *out, int *count)
{
    size_t references = 0;
    const struct mapping_reference *list = NULL;
    const struct mapping *items = step == NO_STEP ? NULL : proving->c->flow->steps[step].for_each;
    if (items)
        list = mapping_references(items, &references);
    bool input = items && (mapping_reads(items) & ROOT_INPUT);
    AUTO(freep)
    char *words = xasprintf("an item of %s", references > 0 ? proving->c->names[list[0].step]
                                             : input        ? "the input"
                                                            : "for_each");
    add_name(out, count, words);
}

char *words_from(const struct proving *proving, uint32_t step, const struct mapping *mapping)
{
    size_t references, last = SIZE_MAX;
    int count = 0;
    AUTO(text_done) struct text out;
    text_init(&out, TEXT);
    if (!mapping)
        return xstrdup("the host");
    const struct mapping_reference *list = mapping_references(mapping, &references);
    for (size_t i = 0; i < references; i++) {
        bool seen = list[i].step == last;
        for (size_t k = 0; k < i && !seen; k++)
            seen = list[k].step == list[i].step;
        if (!seen)
            add_name(&out, &count, proving->c->names[list[i].step]);
        last = list[i].step;
    }
    unsigned reads = mapping_reads(mapping);
    if (reads & ROOT_ITEM)
        add_item(proving, step, &out, &count);
    if (reads & ROOT_OUTPUT)
        add_name(&out, &count, step == NO_STEP ? "the output" : proving->c->names[step]);
    if (reads & ROOT_ERROR)
        add_name(&out, &count, "the error");
    if (reads & ROOT_INPUT)
        add_name(&out, &count, "the input");
    if (count == 0)
        add_name(&out, &count, reads & ROOT_RUN ? "the run" : "a constant");
    return text_take(&out);
}

char *words_to(const struct proving *proving, uint32_t step, enum seam_kind kind)
{
    const char *part = kind == SEAM_UNDO ? "undo of " : kind == SEAM_FALLBACK ? "fallback of " : "";
    if (step == NO_STEP)
        return xstrdup("the flow's output");
    return xasprintf("%s%s", part, proving->c->names[step]);
}

/* ---- Where ---- */

/* The member or item of a template that the first token of a pointer names; *at moves behind it.
 * NULL if there is none. */
static const json_t *descend(const json_t *value, const char **at)
{
    char key[LIMIT_REFERENCE_PATH];
    size_t length = 0;
    const char *p = *at + 1;
    for (; *p && *p != '/' && length + 1 < sizeof(key); p++) {
        bool escape = p[0] == '~' && (p[1] == '0' || p[1] == '1');
        key[length++] = escape ? (p[1] == '0' ? '~' : '/') : *p;
        p += escape;
    }
    key[length] = '\0';
    *at = p;
    if (json_is_array(value))
        return json_array_get(value, strtoul(key, NULL, 10));
    return json_object_getn(value, key, length);
}

/* The nearest value of the template at a pointer of what it makes; *ret_length is how much of the
 * pointer leads there. */
static const json_t *nearest(const json_t *source, const char *instance, size_t *ret_length)
{
    const char *at = instance;
    const json_t *value = source;
    while (*at == '/' && (json_is_object(value) || json_is_array(value))) {
        const char *next = at;
        const json_t *below = descend(value, &next);
        if (!below)
            break;
        value = below;
        at = next;
    }
    *ret_length = (size_t)(at - instance);
    return value;
}

char *words_place(const struct handoff *handoff, const char *instance)
{
    size_t length = 0;
    if (handoff->source)
        nearest(handoff->source, instance, &length);
    return xasprintf("%s%.*s", handoff->pointer, (int)length, instance);
}

/* The first note about the string of the template at the start of the instance pointer. */
static const struct inference_note *note_at(const struct handoff *handoff, const char *instance)
{
    size_t length;
    if (!handoff->source || !handoff->given)
        return NULL;
    nearest(handoff->source, instance, &length);
    for (size_t i = 0; i < handoff->given->note_count; i++) {
        const struct inference_note *note = &handoff->given->notes[i];
        bool explains = note->kind == INFERENCE_NEVER || note->kind == INFERENCE_MAY_BE_NULL;
        if (explains && strcmp(note->rule, "dead-alternative") != 0 &&
            strlen(note->pointer) == length && strncmp(note->pointer, instance, length) == 0)
            return note;
    }
    return NULL;
}

bool words_reads_undeclared(const struct handoff *handoff, const char *instance)
{
    size_t length;
    if (!handoff->source || !handoff->given)
        return false;
    nearest(handoff->source, instance, &length);
    for (size_t i = 0; i < handoff->given->note_count; i++) {
        const struct inference_note *note = &handoff->given->notes[i];
        if (strlen(note->pointer) == length && strncmp(note->pointer, instance, length) == 0 &&
            strcmp(note->rule, "undeclared-name") == 0)
            return true;
    }
    return false;
}

/* Whom the string of the template at the place reads. */
static char *from_at(const struct proving *proving, const struct handoff *handoff,
                     const char *instance)
{
    size_t length;
    struct mapping_names names = {~0u, proving->c->names, proving->c->count};
    AUTO(mapping_freep) struct mapping *mapping = NULL;
    if (handoff->from || !handoff->source)
        return handoff->from ? xstrdup(handoff->from)
                             : words_from(proving, handoff->step, handoff->mapping);
    json_t *value = (json_t *)nearest(handoff->source, instance, &length); /* only kept */
    if (mapping_parse(value, &names, &mapping, NULL))
        return words_from(proving, handoff->step, handoff->mapping);
    return words_from(proving, handoff->step, mapping);
}

char *words_unsaid(const struct proving *proving, const struct handoff *handoff,
                   const char *instance)
{
    return from_at(proving, handoff, instance);
}

/* ---- What ---- */

/* A value whose long strings are cut short; a new reference. */
static json_t *cut_strings(const json_t *value)
{
    const char *key;
    size_t i;
    json_t *below;
    const char *string = json_string_value(value);
    if (json_is_array(value)) {
        json_t *array = json_array();
        json_array_foreach (value, i, below)
            json_array_append_new(array, cut_strings(below));
        return array;
    }
    if (json_is_object(value)) {
        json_t *object = json_object();
        json_object_foreach ((json_t *)value, key, below)
            json_object_set_new_nocheck(object, key, cut_strings(below));
        return object;
    }
    if (!string || json_string_length(value) <= STRING_SHOWN)
        return json_incref((json_t *)value);
    size_t length = STRING_SHOWN;
    while (length > 0 && ((unsigned char)string[length] & 0xC0) == 0x80)
        length--;
    AUTO(freep) char *cut = xasprintf("%.*s…", (int)length, string);
    return json_string_nocheck(cut);
}

char *words_json(const json_t *value, size_t size)
{
    AUTO(text_done) struct text out;
    AUTO(json_decrefp) json_t *cut = cut_strings(value);
    text_init(&out, LIMIT_FILE);
    json_write(cut, &out);
    if (out.len <= size)
        return text_take(&out);
    while (size > 0 && ((unsigned char)out.ptr[size] & 0xC0) == 0x80)
        size--;
    return xasprintf("%.*s…", (int)size, text_str(&out));
}

/* The part of a value along a pointer, so that a large witness is shown small; a new reference. */
static json_t *part_along(const json_t *value, const char *pointer)
{
    if (*pointer != '/')
        return json_incref((json_t *)value);
    const char *next = pointer;
    const json_t *below = descend(value, &next);
    if (!below)
        return json_incref((json_t *)value);
    if (json_is_array(value))
        return json_pack("[o]", part_along(below, next));
    AUTO(freep) char *key = xstrndup(pointer + 1, (size_t)(next - pointer - 1));
    return json_pack("{s:o}", key, part_along(below, next));
}

static char *witness_words(const json_t *witness, const char *pointer)
{
    AUTO(freep) char *whole = words_json(witness, WITNESS_SHOWN);
    if (strlen(whole) < WITNESS_SHOWN || *pointer != '/')
        return TAKE(whole);
    AUTO(json_decrefp) json_t *part = part_along(witness, pointer);
    return words_json(part, WITNESS_SHOWN);
}

static const json_t *value_along(const json_t *value, const char *pointer)
{
    while (value && *pointer == '/')
        value = descend(value, &pointer);
    return value;
}

char *words_refuted(const struct proving *proving, const struct handoff *handoff,
                    const json_t *witness, char **ret_pointer, int *ret_column, char **ret_hint)
{
    struct violations violations;
    contract_explain(handoff->contract, witness, &violations);
    const char *instance = violations.count ? violations.list[0].instance : "";
    const char *text = violations.count ? violations.list[0].text : "it is refused";
    const struct inference_note *note = note_at(handoff, instance);
    AUTO(freep) char *from = from_at(proving, handoff, instance);
    AUTO(freep)
    char *to = handoff->to ? xstrdup(handoff->to) : words_to(proving, handoff->step, handoff->kind);
    AUTO(freep) char *shown = witness_words(witness, instance);
    bool missing = note && json_is_null(value_along(witness, instance));
    AUTO(text_done) struct text out;
    text_init(&out, TEXT);
    text_addf(&out, "%s → %s: ", from, to);
    if (missing)
        text_addf(&out, "%s %s: %s", instance[0] ? instance : "the value",
                  note->kind == INFERENCE_NEVER ? "is never there" : "may be missing", note->text);
    else
        text_addf(&out, "%s%s%s%s%s", instance, instance[0] ? ": " : "", text, note ? ": " : "",
                  note ? note->text : "");
    text_addf(&out, "; witness %s", shown);
    *ret_pointer = words_place(handoff, instance);
    *ret_column = note ? note->column : 0;
    *ret_hint = note && note->hint ? xstrdup(note->hint) : NULL;
    violations_done(&violations);
    return text_take(&out);
}

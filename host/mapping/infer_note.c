/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes: what inference has to say to the author, in the author's words. A note is said once, and
 * there are so many and no more. What only some evaluations come to is never called certain.
 */
#include "mapping/evaluate_internal.h"
#include "mapping/infer_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SOURCE_SHOWN = 60 };

static int column_of(const struct inferring *f, const struct node *node)
{
    struct slice whole = f->place ? f->place->source : (struct slice){NULL, 0};
    const char *at = node->source.ptr;
    if (!at || !whole.ptr || at < whole.ptr || at > whole.ptr + whole.len || node->source.len == 0)
        return 0;
    return (int)character_count((struct slice){whole.ptr, (size_t)(at - whole.ptr)}) + 1;
}

static bool is_noted(const struct inference *out, const struct inference_note *n)
{
    for (size_t i = 0; i < out->note_count; i++) {
        const struct inference_note *other = &out->notes[i];
        if (other->kind == n->kind && other->column == n->column &&
            strcmp(other->pointer, n->pointer) == 0 && strcmp(other->text, n->text) == 0)
            return true;
    }
    return false;
}

static void note_done(struct inference_note *n)
{
    free(n->pointer);
    free(n->text);
    free(n->hint);
}

void note(struct inferring *f, enum inference_kind kind, const char *rule, const struct node *node,
          char *text_taken, char *hint_taken)
{
    struct inference *out = f->out;
    if (kind == INFERENCE_FAILS && f->maybe > 0)
        kind = INFERENCE_MAY_FAIL;
    struct inference_note n = {.kind = kind,
                               .rule = rule,
                               .pointer = xstrdup(f->place ? f->place->as.pointer : ""),
                               .column = column_of(f, node),
                               .text = text_taken,
                               .hint = hint_taken};
    if (is_noted(out, &n) || (out->note_count == INFERENCE_NOTES && kind != INFERENCE_FAILS)) {
        note_done(&n);
        return;
    }
    if (out->note_count == INFERENCE_NOTES)
        note_done(&out->notes[--out->note_count]);
    out->notes = xrealloc(out->notes, (out->note_count + 1) * sizeof(n));
    out->notes[out->note_count++] = n;
}

void inference_done(struct inference *inference)
{
    shape_done(&inference->shape);
    for (size_t i = 0; i < inference->note_count; i++)
        note_done(&inference->notes[i]);
    free(inference->notes);
}

/* ---- lacks ---- */

struct lack *lack_new(struct inferring *f, const struct node *node, char *text_taken,
                      char *hint_taken)
{
    struct lack *lack = xcalloc(1, sizeof(*lack));
    lack->node = node;
    lack->text = text_taken;
    lack->hint = hint_taken;
    lack->next = f->lacks;
    f->lacks = lack;
    return lack;
}

struct lack *lack_either(struct inferring *f, struct lack *a, struct lack *b)
{
    if (!a || !b || a == b)
        return a ? a : b;
    struct lack *either = lack_new(f, NULL, NULL, NULL);
    either->or [0] = a;
    either->or [1] = b;
    return either;
}

const char *lack_text(const struct lack *lack)
{
    while (lack && !lack->text)
        lack = lack->or [0];
    return lack ? lack->text : NULL;
}

/* As deep as there are operators one in the other. */
static void settle_lack(struct inferring *f, struct lack *lack)
{
    if (!lack || lack->noted)
        return;
    lack->noted = true;
    for (size_t i = 0; i < 2; i++)
        settle_lack(f, (struct lack *)lack->or [i]);
    if (lack->text)
        note(f, INFERENCE_MAY_BE_NULL, "maybe-missing", lack->node, xstrdup(lack->text),
             lack->hint ? xstrdup(lack->hint) : NULL);
}

void settle(struct inferring *f, const struct fact *fact)
{
    settle_lack(f, fact->lack);
}

/* ---- words ---- */

char *types_words(unsigned types)
{
    static const struct {
        unsigned bits;
        const char *words;
    } rows[] = {
        {BITS_STRING, "a string"}, {BITS_NUMBER, "a number"},  {BITS_BOOLEAN, "a boolean"},
        {BITS_ARRAY, "an array"},  {BITS_OBJECT, "an object"}, {BITS_NULL, "null"},
    };
    if (types == BITS_ALL)
        return xstrdup("anything");
    struct text out;
    size_t left = 0;
    text_init(&out, 200);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        left += (types & rows[i].bits) != 0;
    if (left == 0)
        text_adds(&out, "nothing");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!(types & rows[i].bits))
            continue;
        text_adds(&out, rows[i].words);
        left--;
        text_adds(&out, left > 1 ? ", " : left == 1 ? " or " : "");
    }
    return text_take(&out);
}

char *source_words(const struct node *node)
{
    struct slice source = node->source;
    size_t shown = source.len;
    if (shown > SOURCE_SHOWN)
        for (shown = SOURCE_SHOWN; shown > 0 && (source.ptr[shown] & 0xC0) == 0x80;)
            shown--;
    return xasprintf("`%.*s%s`", (int)shown, shown ? source.ptr : "",
                     shown < source.len ? "…" : "");
}

const char *keep_string(struct inferring *f, char *taken)
{
    json_t *kept = json_string_nocheck(taken);
    free(taken);
    json_array_append_new(f->strings, kept);
    return json_string_value(kept);
}

/* ---- what an operator needs ---- */

bool expect(struct inferring *f, const struct node *node, struct fact *fact, unsigned types,
            const char *needs)
{
    unsigned found = fact_types(f, fact), wrong = found & ~types;
    if (wrong != 0) {
        AUTO(freep) char *words = types_words(found);
        AUTO(freep) char *source = source_words(node);
        const char *why = wrong == BITS_NULL ? lack_text(fact->lack) : NULL;
        bool fails = (found & types) == 0;
        note(f, fails ? INFERENCE_FAILS : INFERENCE_MAY_FAIL,
             found == BITS_ALL ? "unknown-type" : "operand-type", node,
             xasprintf("%s needs %s, and %s %s%s%s", source, needs, fails ? "meets" : "may meet",
                       words, why ? ": " : "", why ? why : ""),
             wrong == BITS_NULL ? xstrdup("say with `//` what stands for what is missing") : NULL);
    }
    struct fact left = fact_among(f, fact, types);
    fact_done(fact);
    *fact = left;
    return !fact_is_nothing(fact);
}

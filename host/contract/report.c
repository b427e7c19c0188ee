/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of violations, each with its two places written out. A report also remembers how near a
 * branch came, so that of an anyOf only the branch that was meant needs to be told.
 */
#include "contract/walk_internal.h"

#include "base/limits.h"
#include "contract/uri_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTER_MAX = 16 << 10, WORDS_MAX = 4 << 10 };

static char *instance_pointer(const struct walk *w)
{
    const struct place *chain[LIMIT_DEPTH + 1];
    size_t count = 0;
    for (const struct place *p = w->place; p; p = p->up)
        chain[count++] = p;
    struct text out;
    text_init(&out, POINTER_MAX);
    while (count-- > 0) {
        if (chain[count]->named)
            pointer_add(&out, chain[count]->key);
        else
            text_addf(&out, "/%zu", chain[count]->index);
    }
    return text_take(&out);
}

static char *schema_pointer(const struct walk *w, const struct op *op, enum keyword keyword)
{
    const struct hop *chain[LIMIT_CONTRACT_DEPTH + 1];
    size_t count = 0;
    uint32_t below = NO_NODE;
    for (const struct hop *h = w->hop; h; h = h->up)
        chain[count++] = h;
    struct text out;
    text_init(&out, POINTER_MAX);
    while (count-- > 0) {
        const struct op *reference = chain[count]->op;
        origin_pointer(w->contract, reference->node, below, &out);
        pointer_add(&out, slice_of(keyword_rows[reference->keyword].spelling));
        below = chain[count]->to;
    }
    if (op)
        origin_pointer(w->contract, op->node, below, &out);
    if (keyword != KW_COUNT)
        pointer_add(&out, slice_of(keyword_rows[keyword].spelling));
    return text_take(&out);
}

/* Where the keyword stands in its own resource; NULL if that has no URI, and of the whole. */
static char *absolute_location(const struct contract *contract, const struct op *op,
                               enum keyword keyword)
{
    const struct base *base = op ? &contract->bases[contract->origins[op->node].resource] : NULL;
    if (!base || !base->uri[0])
        return NULL;
    struct text pointer, out;
    text_init(&pointer, POINTER_MAX);
    text_init(&out, 4 * POINTER_MAX);
    origin_pointer(contract, op->node, base->node, &pointer);
    if (keyword != KW_COUNT)
        pointer_add(&pointer, slice_of(keyword_rows[keyword].spelling));
    text_adds(&out, base->uri);
    text_addc(&out, '#');
    percent_encode(text_slice(&pointer), &out);
    text_done(&pointer);
    return text_take(&out);
}

static void note(struct report *report, unsigned level, const struct op *op)
{
    bool fixed = op->code == OP_CONST || op->code == OP_ENUM || op->code == OP_ENUM_STRINGS;
    if (level > report->deepest)
        report->deepest = level;
    if (level == report->level && (fixed || op->code == OP_TYPE))
        report->mismatch = 2;
    else if (level == report->level + 1 && fixed && report->mismatch < 1)
        report->mismatch = 1;
    if (level == report->level && op->code == OP_TYPE)
        report->types |= op->as.type.types;
}

bool report_full(struct report *report)
{
    report->list.more |= report->list.count >= LIMIT_VIOLATIONS;
    return report->list.more;
}

void report_add(struct walk *w, const struct op *op, enum keyword keyword, const char *format, ...)
{
    struct report *report = w->report;
    struct violations *list = &report->list;
    if (op)
        note(report, w->level, op);
    if (report_full(report))
        return;
    if (!list->list)
        list->list = xcalloc(LIMIT_VIOLATIONS, sizeof(list->list[0]));
    char *words;
    va_list args;
    va_start(args, format);
    if (vasprintf(&words, format, args) < 0)
        words = xstrdup("out of memory");
    va_end(args);
    list->list[list->count++] =
        (struct violation){.instance = instance_pointer(w),
                           .schema = schema_pointer(w, op, keyword),
                           .absolute = absolute_location(w->contract, op, keyword),
                           .text = words};
}

bool report_nearer(const struct report *a, const struct report *b)
{
    if (a->mismatch != b->mismatch)
        return a->mismatch < b->mismatch;
    if (a->deepest != b->deepest)
        return a->deepest > b->deepest;
    return a->list.count < b->list.count;
}

static void violation_done(struct violation *v)
{
    free(v->instance);
    free(v->schema);
    free(v->absolute);
    free(v->text);
}

void report_move(struct report *into, struct report *from)
{
    struct violations *list = &into->list;
    list->more |= from->list.more;
    if (from->deepest > into->deepest)
        into->deepest = from->deepest;
    if (!list->list)
        list->list = xcalloc(LIMIT_VIOLATIONS, sizeof(list->list[0]));
    for (size_t i = 0; i < from->list.count; i++) {
        if (list->count < LIMIT_VIOLATIONS) {
            list->list[list->count++] = from->list.list[i];
        } else {
            list->more = true;
            violation_done(&from->list.list[i]);
        }
    }
    free(from->list.list);
    from->list = (struct violations){0};
}

void violations_done(struct violations *violations)
{
    for (size_t i = 0; i < violations->count; i++)
        violation_done(&violations->list[i]);
    free(violations->list);
    *violations = (struct violations){0};
}

/* Keys are foreign: a control character in one must not break the line or reach a terminal. */
static void add_on_one_line(struct text *out, const char *string)
{
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c < 0x20 || c == 0x7F)
            text_addf(out, "\\u%04x", c);
        else
            text_addc(out, *string);
    }
}

void violations_text(const struct violations *violations, struct text *out)
{
    for (size_t i = 0; i < violations->count; i++) {
        const struct violation *v = &violations->list[i];
        add_on_one_line(out, v->instance[0] ? v->instance : "(the whole)");
        text_adds(out, ": ");
        add_on_one_line(out, v->text);
        text_adds(out, " (schema ");
        add_on_one_line(out, v->schema[0] ? v->schema : "itself");
        text_adds(out, ")\n");
    }
    if (violations->more)
        text_adds(out, "… and more\n");
}

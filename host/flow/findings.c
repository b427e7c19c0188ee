/* SPDX-License-Identifier: Apache-2.0
 *
 * What was found in a flow: gathered, sorted by place, and said to people and to programs.
 */
#include "flow/flow_internal.h"

#include "base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void findings_init(struct findings *findings)
{
    *findings = (struct findings){0};
}

static void finding_done(struct finding *f)
{
    free(f->file);
    free(f->pointer);
    free(f->text);
    free(f->hint);
}

void findings_done(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        finding_done(&findings->list[i]);
    free(findings->list);
    for (size_t i = 0; i < findings->seam_count; i++)
        seam_done(&findings->seams[i]);
    free(findings->seams);
    for (size_t i = 0; i < WORST_KEYS; i++)
        free(findings->worst[i].why);
    *findings = (struct findings){0};
}

const char *severity_word(enum severity severity)
{
    switch (severity) {
    case FINDING_ERROR:
        return "error";
    case FINDING_WARNING:
        return "warning";
    case FINDING_NOTE:
        return "note";
    }
    return "error";
}

void findings_text(const struct findings *findings, struct text *out)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        if (f->where.line > 0)
            text_addf(out, "%s:%d:%d: ", f->file, f->where.line, f->where.column);
        else
            text_addf(out, "%s:%s: ", f->file, f->pointer);
        text_addf(out, "%s: %s [%s]\n", severity_word(f->severity), f->text, f->rule);
        if (f->hint)
            text_addf(out, "    %s\n", f->hint);
    }
}

json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        json_t *one = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s*}", "severity",
                                severity_word(f->severity), "rule", f->rule, "file", f->file,
                                "line", f->where.line, "column", f->where.column, "pointer",
                                f->pointer, "text", f->text, "hint", f->hint);
        ASSERT(one);
        json_array_append_new(list, one);
    }
    return list;
}

static int compare(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    int files = strcmp(a->file, b->file);
    if (files)
        return files;
    if (a->where.line != b->where.line)
        return a->where.line < b->where.line ? -1 : 1;
    if (a->where.column != b->where.column)
        return a->where.column < b->where.column ? -1 : 1;
    if (a->where.line == 0 && strcmp(a->pointer, b->pointer) != 0)
        return strcmp(a->pointer, b->pointer);
    if (a->severity != b->severity)
        return a->severity < b->severity ? -1 : 1;
    int rules = strcmp(a->rule, b->rule);
    return rules ? rules : strcmp(a->text, b->text);
}

void findings_sort(struct findings *findings)
{
    size_t kept = 0;
    if (findings->count)
        qsort(findings->list, findings->count, sizeof(findings->list[0]), compare);
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *f = &findings->list[i];
        if (kept == 0 || compare(&findings->list[kept - 1], f) != 0) {
            findings->list[kept++] = *f;
            continue;
        }
        findings->errors -= f->severity == FINDING_ERROR;
        findings->warnings -= f->severity == FINDING_WARNING;
        finding_done(f);
    }
    findings->count = kept;
}

void finding_add(struct findings *findings, struct finding finding)
{
    findings->errors += finding.severity == FINDING_ERROR;
    findings->warnings += finding.severity == FINDING_WARNING;
    findings->list = xrealloc(findings->list, (findings->count + 1) * sizeof(finding));
    findings->list[findings->count++] = finding;
}

struct position finding_position(const struct compilation *c, struct spot spot)
{
    const struct document *document = spot.document ? spot.document : c->document;
    if (c->outside)
        return (struct position){1, 1};
    if (!document)
        return (struct position){0, 0};
    if (spot.column > 0)
        return document_where_in(document, spot.pointer, spot.column);
    return spot.key ? document_where_key(document, spot.pointer)
                    : document_where(document, spot.pointer);
}

/* A copy that a terminal and JSON can take: no control characters, no halves of characters. */
static char *printable(const char *text)
{
    char *copy = xstrdup(text);
    for (char *p = copy; *p; p++) {
        size_t length = 1;
        while (length < 4 && !slice_valid_utf8((struct slice){p, length}) && p[length])
            length++;
        if (!slice_valid_utf8((struct slice){p, length}) || (unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
        else
            p += length - 1;
    }
    return copy;
}

/* What one finding quotes of a file is cut there. */
enum { FINDING_TEXT = 4096 };

void finding_say(struct compilation *c, enum severity severity, const char *rule, struct spot spot,
                 const char *hint, const char *format, ...)
{
    if (c->findings->count >= LIMIT_FINDINGS && severity != FINDING_ERROR)
        return;
    if (c->findings->errors >= LIMIT_FINDINGS)
        return;
    char raw[FINDING_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    AUTO(freep) char *text = printable(raw);
    finding_add(c->findings,
                (struct finding){
                    .severity = severity,
                    .rule = rule,
                    .file = printable(spot.document ? document_name(spot.document) : c->path),
                    .where = finding_position(c, spot),
                    .pointer = printable(c->outside ? "" : spot.pointer),
                    .text = c->outside ? xasprintf("in the manifest's `%s`, at %s: %s", c->outside,
                                                   spot.pointer[0] ? spot.pointer : "its top", text)
                                       : xstrdup(text),
                    .hint = hint ? printable(hint) : NULL,
                });
}

bool finding_add_unread(struct findings *findings, const char *path, const struct error *error)
{
    size_t length = strlen(path);
    struct position at;
    int end = 0;
    if (strncmp(error->text, path, length) != 0 ||
        sscanf(error->text + length, ":%d:%d: %n", &at.line, &at.column, &end) != 2 || end == 0)
        return false;
    finding_add(findings,
                (struct finding){.severity = FINDING_ERROR,
                                 .rule = error->code == ERR_LIMIT ? "over-limit" : "malformed",
                                 .file = printable(path),
                                 .where = at,
                                 .pointer = xstrdup(""),
                                 .text = printable(error->text + length + end)});
    return true;
}

/* ---- Words ---- */

static char *pointer_token(const char *parent, const char *token)
{
    AUTO(text_done) struct text out;
    text_init(&out, SIZE_MAX / 2);
    text_adds(&out, parent);
    text_addc(&out, '/');
    for (; *token; token++) {
        if (*token == '~')
            text_adds(&out, "~0");
        else if (*token == '/')
            text_adds(&out, "~1");
        else
            text_addc(&out, *token);
    }
    return text_take(&out);
}

char *pointer_to_member(const char *parent, const char *key)
{
    return pointer_token(parent, key);
}

char *pointer_to_item(const char *parent, size_t index)
{
    return xasprintf("%s/%zu", parent, index);
}

char *suggestion_text(struct slice name, const char *const *candidates, size_t count)
{
    enum { SHOWN = 12 };
    const char *near = suggest(name, candidates, count);
    if (near)
        return xasprintf("did you mean \"%s\"?", near);
    if (count == 0)
        return NULL;
    AUTO(text_done) struct text out;
    text_init(&out, FINDING_TEXT);
    text_adds(&out, "one of: ");
    for (size_t i = 0; i < count && i < SHOWN; i++)
        text_addf(&out, "%s%s", i ? ", " : "", candidates[i]);
    if (count > SHOWN)
        text_addf(&out, " and %zu more", count - SHOWN);
    return text_take(&out);
}

char *value_words(const json_t *value)
{
    enum { SHOWN = 60 };
    AUTO(text_done) struct text out;
    text_init(&out, 4 * SHOWN);
    if (json_is_object(value))
        return xstrdup("an object");
    if (json_is_array(value))
        return xstrdup("an array");
    text_adds(&out, json_is_string(value) ? "the string " : "");
    text_adds(&out, json_is_number(value) ? "the number " : "");
    size_t head = out.len;
    if (json_string_length(value) <= SHOWN)
        json_write(value, &out);
    if (out.overflowed || out.len == head)
        return xasprintf("a string of %zu bytes", json_string_length(value));
    return text_take(&out);
}

bool integer_from(const json_t *value, int64_t *ret_integer)
{
    if (json_is_integer(value)) {
        *ret_integer = json_integer_value(value);
        return true;
    }
    double real = json_real_value(value);
    if (!json_is_real(value) || real < -9e15 || real > 9e15 || (double)(int64_t)real != real)
        return false;
    *ret_integer = (int64_t)real;
    return true;
}

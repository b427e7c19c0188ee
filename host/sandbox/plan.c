/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan, and the report of what became of it, on their way between host and worker: the one as
 * words of the command line, the other as lines. Both ends are of one build; what does not read is
 * refused whole.
 */
#include "base/limits.h"
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sandbox_plan_init(struct sandbox_plan *plan)
{
    *plan = (struct sandbox_plan){.memory_bytes = LIMIT_PLUGIN_MEMORY};
}

void sandbox_plan_done(struct sandbox_plan *plan)
{
    for (size_t i = 0; i < plan->path_count; i++)
        free(plan->paths[i].path);
    free(plan->paths);
    free(plan->state);
    *plan = (struct sandbox_plan){.memory_bytes = 0};
}

void sandbox_plan_add_path(struct sandbox_plan *plan, const char *path, bool write, bool exec)
{
    plan->paths = xrealloc(plan->paths, (plan->path_count + 1) * sizeof(*plan->paths));
    plan->paths[plan->path_count++] =
        (struct sandbox_path){.path = xstrdup(path), .write = write, .exec = exec};
}

/* ---- as words ---- */

enum { FIXED_WORDS = 8 };

char **sandbox_plan_words(const struct sandbox_plan *plan, size_t before)
{
    char **words = xcalloc(before + FIXED_WORDS + plan->path_count + 1, sizeof(*words));
    size_t n = before;
    words[n++] = xasprintf("off=%" PRIu32, plan->off);
    words[n++] = xasprintf("required=%" PRIu32, plan->required);
    words[n++] = xasprintf("given-up=%" PRIu32, plan->given_up);
    words[n++] = xasprintf("memory=%" PRId64, plan->memory_bytes);
    words[n++] = xasprintf("may=%s%s%s%s%s", plan->pure ? "p" : "", plan->net ? "n" : "",
                           plan->jit ? "j" : "", plan->exec ? "x" : "", plan->hearer ? "h" : "");
    if (plan->state)
        words[n++] = xasprintf("state=%s", plan->state);
    for (size_t i = 0; i < plan->path_count; i++)
        words[n++] = xasprintf("path=%c%c%s", plan->paths[i].write ? 'w' : 'r',
                               plan->paths[i].exec ? 'x' : '-', plan->paths[i].path);
    return words;
}

void sandbox_words_free(char **words, size_t before)
{
    for (size_t i = before; words[i]; i++)
        free(words[i]);
    free(words);
}

static bool read_number(const char *text, int64_t *ret_number)
{
    char *end;
    errno = 0;
    *ret_number = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0;
}

static bool read_bits(const char *text, uint32_t *ret_bits)
{
    int64_t number;
    if (!read_number(text, &number) || number < 0 || number > UINT32_MAX)
        return false;
    *ret_bits = (uint32_t)number;
    return true;
}

static bool read_word(const char *word, struct sandbox_plan *plan)
{
    const char *is = strchr(word, '=');
    if (!is)
        return false;
    struct slice key = {word, (size_t)(is - word)};
    const char *value = is + 1;
    if (slice_is(key, "off"))
        return read_bits(value, &plan->off);
    if (slice_is(key, "required"))
        return read_bits(value, &plan->required);
    if (slice_is(key, "given-up"))
        return read_bits(value, &plan->given_up);
    if (slice_is(key, "memory"))
        return read_number(value, &plan->memory_bytes);
    if (slice_is(key, "may")) {
        plan->pure = strchr(value, 'p') != NULL;
        plan->net = strchr(value, 'n') != NULL;
        plan->jit = strchr(value, 'j') != NULL;
        plan->exec = strchr(value, 'x') != NULL;
        plan->hearer = strchr(value, 'h') != NULL;
        return value[strspn(value, "pnjxh")] == '\0';
    }
    if (slice_is(key, "state")) {
        plan->state = xstrdup(value);
        return value[0] == '/';
    }
    if (slice_is(key, "path") && strlen(value) > 2 && value[2] == '/') {
        sandbox_plan_add_path(plan, value + 2, value[0] == 'w', value[1] == 'x');
        return true;
    }
    return false;
}

bool sandbox_plan_read(char *const words[], struct sandbox_plan *ret_plan)
{
    struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    for (size_t i = 0; words[i]; i++) {
        if (read_word(words[i], &plan))
            continue;
        sandbox_plan_done(&plan);
        return false;
    }
    *ret_plan = plan;
    return true;
}

/* ---- the report ---- */

void sandbox_report_set(struct sandbox_report *report, enum protection p, enum sandbox_state state,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(report->of[p].note, SANDBOX_NOTE, format, args);
    va_end(args);
    report->of[p].state = state;
}

void sandbox_report_write(const struct sandbox_report *report, struct text *out)
{
    for (enum protection p = 0; p < PROTECTION_COUNT; p++)
        text_addf(out, "%s %d %s\n", protection_word(p), (int)report->of[p].state,
                  report->of[p].note);
}

/* The n-th line is of the n-th protection. */
static bool read_line(struct slice line, enum protection p, struct sandbox_report *report)
{
    size_t word = strlen(protection_word(p));
    if (!slice_starts(line, protection_word(p)) || line.len < word + 3 || line.ptr[word] != ' ' ||
        line.ptr[word + 2] != ' ')
        return false;
    int state = line.ptr[word + 1] - '0';
    struct slice note = {line.ptr + word + 3, line.len - word - 3};
    if (state < SANDBOX_MISSING || state > SANDBOX_ENFORCED || note.len >= SANDBOX_NOTE)
        return false;
    sandbox_report_set(report, p, (enum sandbox_state)state, "%.*s", (int)note.len, note.ptr);
    return true;
}

bool sandbox_report_read(struct slice text, struct sandbox_report *ret_report)
{
    struct sandbox_report report;
    for (enum protection p = 0; p < PROTECTION_COUNT; p++) {
        const char *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
        struct slice line = {text.ptr, end ? (size_t)(end - text.ptr) : 0};
        if (!end || !read_line(line, p, &report))
            return false;
        text = (struct slice){end + 1, text.len - line.len - 1};
    }
    if (text.len > 0)
        return false;
    *ret_report = report;
    return true;
}

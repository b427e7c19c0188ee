/* SPDX-License-Identifier: Apache-2.0
 *
 * What seam dev prints: for people, lines that make room for the prompt and leave it where it was;
 * with --json, one line an event, each an object that names it. Bytes of a plugin never reach the
 * terminal as they are.
 */
#include "cli/dev_internal.h"

#include <stdarg.h>
#include <string.h>

void dev_emit(struct dev *dev, const char *event, json_t *fields_taken)
{
    AUTO(json_decrefp) json_t *fields = fields_taken;
    AUTO(json_decrefp) json_t *line = json_pack("{s:s}", "event", event);
    if (!dev->args->json)
        return;
    json_object_update(line, fields);
    AUTO(freep) char *text = json_text(line);
    puts(text);
    fflush(stdout);
}

void dev_clear(struct dev *dev)
{
    if (dev->prompting)
        fputs("\r\033[K", stdout);
    dev->prompting = false;
    dev_soon(dev);
}

void dev_prompt(struct dev *dev)
{
    if (!dev->terminal || dev->prompting || dev->quitting || dev->args->json)
        return;
    printf("%sseam>%s ", paint(stdout, CYAN), paint(stdout, PLAIN));
    fflush(stdout);
    dev->prompting = true;
}

static void say(struct dev *dev, enum colour colour, const char *text)
{
    if (dev->args->json)
        return;
    dev_clear(dev);
    fputs(colour == PLAIN ? "" : paint(stdout, colour), stdout);
    print_clean(stdout, slice_of(text));
    fputs(colour == PLAIN ? "" : paint(stdout, PLAIN), stdout);
    putchar('\n');
    fflush(stdout);
}

void dev_say(struct dev *dev, enum colour colour, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&line, format, args);
    va_end(args);
    if (length >= 0)
        say(dev, colour, line);
    freep(&line);
}

void dev_note(struct dev *dev, const char *event, enum colour colour, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&line, format, args);
    va_end(args);
    if (length >= 0) {
        say(dev, colour, line);
        json_t *text = json_string(line);
        dev_emit(dev, event, json_pack("{s:o}", "text", text ? text : json_string("?")));
    }
    freep(&line);
}

char *dev_short(const json_t *value)
{
    AUTO(freep) char *text = json_text(value ? value : json_null());
    struct slice start = slice_cut(text, LINE_SHOWN);
    return xasprintf("%.*s%s", (int)start.len, start.ptr, text[start.len] ? "…" : "");
}

char *dev_took(int64_t ns)
{
    double ms = (double)ns / 1e6;
    return ms < 1      ? xasprintf("%.0f µs", ms * 1000)
           : ms < 10   ? xasprintf("%.1f ms", ms)
           : ms < 1000 ? xasprintf("%.0f ms", ms)
                       : xasprintf("%.1f s", ms / 1000);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Building the text of an error: cut at the struct's size, never in the middle of a UTF-8
 * character, and UTF-8 whatever strangers' bytes were put into it, for it becomes JSON.
 */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *error_code_text(enum error_code code)
{
    static const char *const texts[] = {
#define X(name, text) [ERR_##name] = text,
        ERROR_CODES(X)
#undef X
    };
    return texts[code];
}

/* Ends a cut text in "…", on a character's border. */
static void mark_cut(char *text, size_t size)
{
    static const char dots[] = "…";
    size_t at = size - sizeof(dots);
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    memcpy(text + at, dots, sizeof(dots));
}

/* The length of the UTF-8 character that stands here; 0 if none does. */
static size_t character(const char *at)
{
    size_t most = strnlen(at, 4);
    for (size_t len = 1; len <= most; len++)
        if (slice_valid_utf8((struct slice){at, len}))
            return len;
    return 0;
}

/* A '?' for each byte that is no part of one. */
static void mend(char *text)
{
    if (slice_valid_utf8(slice_of(text)))
        return;
    for (size_t at = 0, len; text[at]; at += len > 0 ? len : 1) {
        len = character(text + at);
        if (len == 0)
            text[at] = '?';
    }
}

static void format_text(struct error *err, const char *format, va_list args)
{
    int length = vsnprintf(err->text, sizeof(err->text), format, args);
    if (length >= (int)sizeof(err->text))
        mark_cut(err->text, sizeof(err->text));
    mend(err->text);
}

enum error_code error_set(struct error *reterr, enum error_code code, const char *format, ...)
{
    if (reterr) {
        va_list args;
        va_start(args, format);
        reterr->code = code;
        format_text(reterr, format, args);
        va_end(args);
    }
    return code;
}

enum error_code error_set_errno(struct error *reterr, int saved_errno, const char *format, ...)
{
    enum error_code code = saved_errno == ENOSPC || saved_errno == EDQUOT ? ERR_NO_SPACE : ERR_IO;
    if (reterr) {
        char reason[128];
        va_list args;
        va_start(args, format);
        reterr->code = code;
        format_text(reterr, format, args);
        va_end(args);
        size_t length = strlen(reterr->text);
        const char *words = strerror_r(saved_errno, reason, sizeof(reason));
        if (snprintf(reterr->text + length, sizeof(reterr->text) - length, ": %s", words) >=
            (int)(sizeof(reterr->text) - length))
            mark_cut(reterr->text, sizeof(reterr->text));
    }
    return code;
}

void error_prefix(struct error *reterr, const char *format, ...)
{
    if (!reterr)
        return;
    struct error old = *reterr;
    va_list args;
    va_start(args, format);
    format_text(reterr, format, args);
    va_end(args);
    size_t length = strlen(reterr->text);
    if (snprintf(reterr->text + length, sizeof(reterr->text) - length, "%s", old.text) >=
        (int)(sizeof(reterr->text) - length))
        mark_cut(reterr->text, sizeof(reterr->text));
}

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "seam: a bug in the host: %s is false at %s:%d\n", condition, file, line);
    abort();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims that fail say what was claimed, so that a finding is read without a debugger.
 */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void claim_failed(const char *condition, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "\nthis does not hold: %s\n", condition);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void claim_error(enum error_code code, const struct error *err)
{
    CLAIM(err->code == code, "returned %s, wrote %s: %s", error_code_text(code),
          error_code_text(err->code), err->text);
    CLAIM(err->text[0] != '\0', "an error without words (%s)", error_code_text(code));
    CLAIM(slice_valid_utf8(slice_of(err->text)), "the error is not UTF-8: %s", err->text);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of strangers, made fit to be shown. It goes to terminals and files of others, so nothing in
 * it may be obeyed there: control characters, line ends, and the marks that turn the direction of
 * writing are spelt out, as \x1b, \n, \u202e; so is what is no UTF-8.
 */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include "base/text.h"

enum { SHOWN_SIZE = 8 }; /* of the longest spelling, with its NUL */

/* The character at *at, which must be in the text, as it is shown; *at moves behind it. The result
 * is a part of the text, or lies in spelt. */
struct slice shown_next(struct slice text, size_t *at, char spelt[static SHOWN_SIZE]);
/* Adds it so, but for its line ends, which stay. */
void shown_lines(struct slice text, struct text *out);

#endif

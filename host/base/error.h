/* SPDX-License-Identifier: Apache-2.0
 *
 * One kind of error for the whole host. What can fail returns an enum error_code and, last, takes a
 * `struct error *reterr` that is written only on failure and may be NULL. The text names the place,
 * what was expected, what was found and what to do next. The first error wins: callers may put
 * context before it, never replace it. Nothing here is for our own bugs: those are ASSERT.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#define WARN_UNUSED       __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#define ERROR_CODES(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(INPUT, "bad input")    /* a file, value or argument from outside is wrong */                 \
    X(LIMIT, "over a limit") /* a named limit was met */                                           \
    X(NOT_FOUND, "not found")                                                                      \
    X(EXISTS, "exists already")                                                                    \
    X(CONFLICT, "conflict") /* the same name or key with another meaning */                        \
    X(DENIED, "denied")     /* policy, grant, owner or mode forbids it */                          \
    X(BUSY, "busy")         /* somebody else holds it */                                           \
    X(TIMEOUT, "timed out")                                                                        \
    X(UNSUPPORTED, "not supported")                                                                \
    X(NEWER, "made by a newer version")                                                            \
    X(CORRUPT, "corrupt")                                                                          \
    X(FENCED, "fenced") /* another owner has taken over */                                         \
    X(NO_SPACE, "no space left")                                                                   \
    X(IO, "input/output error")                                                                    \
    X(INTERNAL, "internal error")

enum error_code {
#define X(name, text) ERR_##name,
    ERROR_CODES(X)
#undef X
};

enum { ERROR_TEXT_SIZE = 2048 };

struct error {
    enum error_code code;
    char text[ERROR_TEXT_SIZE];
};

/* The fixed words of a code. */
const char *error_code_text(enum error_code code);

/* Writes code and text to reterr (if not NULL) and returns the code, so that a function can say
 * `return error_set(reterr, ERR_INPUT, …)`. A text too long for the struct ends in "…"; bytes in it
 * that are not UTF-8 become '?'. */
enum error_code error_set(struct error *reterr, enum error_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As error_set, with ": <strerror(errno)>" behind the text; ENOSPC and EDQUOT become ERR_NO_SPACE.
 */
enum error_code error_set_errno(struct error *reterr, int saved_errno, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Puts context before the text of an error that was set. */
void error_prefix(struct error *reterr, const char *format, ...) PRINTF_LIKE(2, 3);

/* Our own bug: prints the place and aborts, in release builds too. */
#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))
/* A place that is never reached; says why. */
#define UNREACHABLE(why) assert_failed(why, __FILE__, __LINE__)
_Noreturn void assert_failed(const char *condition, const char *file, int line);

#endif

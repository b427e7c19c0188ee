/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that the host starts, gives a text to read, and hears of again when it has ended.
 */
#ifndef RUNTIME_PROGRAM_INTERNAL_H
#define RUNTIME_PROGRAM_INTERNAL_H

#include "base/error.h"
#include "base/text.h"

#include <uv.h>

struct program;

/* failure NULL: it exited with 0. It is reaped; program_free is left. */
typedef void (*program_ended)(void *user, const char *failure);

/* Starts it in the folder, with the text on its standard input and its output thrown away. ended()
 * comes once, from the loop. */
WARN_UNUSED enum error_code program_start(uv_loop_t *loop, char *const arguments[],
                                          const char *folder, struct slice text,
                                          program_ended ended, void *user,
                                          struct program **ret_program, struct error *reterr);
void program_kill(struct program *program);
/* One that has not ended goes on, and nobody hears of it. */
void program_free(struct program *program);

#endif

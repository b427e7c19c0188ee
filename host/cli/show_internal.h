/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of seam show: show.c draws the run, show_spent.c says what was spent where.
 */
#ifndef CLI_SHOW_INTERNAL_H
#define CLI_SHOW_INTERNAL_H

#include "cli/cli_internal.h"

/* The rows of a picture, with what was spent in all, against the budget. */
void print_spent(const json_t *picture, const json_t *rows);

#endif

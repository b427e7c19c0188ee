/* SPDX-License-Identifier: Apache-2.0
 *
 * What the questions of a succession share: a list of answers that grows.
 */
#ifndef LOADER_SUCCESSION_INTERNAL_H
#define LOADER_SUCCESSION_INTERNAL_H

#include "loader/succession.h"

/* Adds an answer, which the list then owns, and lets it weigh on the whole. */
void succession_add(struct succession *s, struct succession_check check);

/* An answer of a few words. The places are copied; the sentence is made by xasprintf. */
struct succession_words {
    const char *aspect, *agent; /* agent may be NULL */
    const char *old_place, *new_place;
};
void succession_say(struct succession *s, const struct succession_words *words,
                    enum verdict verdict, char *reason_taken);
void succession_note(struct succession *s, const struct succession_words *words,
                     char *reason_taken);

/* What the new card asks of the operator, beside what the old one asked. */
void succession_requests(struct succession *s, const json_t *old_requests,
                         const json_t *new_requests);

#endif

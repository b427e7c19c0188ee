/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may ask for what: bearer tokens, from files or variables that the manifest names, each with
 * its scopes. A token is held as its hash, and compared without telling by time how much of it was
 * right.
 */
#ifndef SERVER_TOKENS_INTERNAL_H
#define SERVER_TOKENS_INTERNAL_H

#include "loader/manifest.h"

/* What includes what: whoever may run or answer may read; admin may all. */
enum api_scope { SCOPE_READ = 1, SCOPE_RUN = 2, SCOPE_ANSWER = 4, SCOPE_ADMIN = 8 };
enum { SCOPE_ALL = SCOPE_READ | SCOPE_RUN | SCOPE_ANSWER | SCOPE_ADMIN };
const char *scope_word(enum api_scope scope);

struct tokens;

/* Reads them; serve may be NULL. ERR_DENIED: one cannot be relied on (it can be read by others, is
 * too short, or the same as another); ERR_NOT_FOUND: it is not there. */
WARN_UNUSED enum error_code tokens_new(const struct manifest *manifest, struct tokens **ret_tokens,
                                       struct error *reterr);
void tokens_free(struct tokens *tokens);
size_t tokens_count(const struct tokens *tokens);
/* Reads files that have changed since. What cannot be relied on any more opens nothing until it
 * can; the first such is the error. */
enum error_code tokens_look(struct tokens *tokens, struct error *reterr);
/* The scopes of whoever shows this value of Authorization, 0 if it is nobody's; *ret_who: its name,
 * as long as the tokens live. */
unsigned tokens_admit(const struct tokens *tokens, const char *authorization, const char **ret_who);

#endif

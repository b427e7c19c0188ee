/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets: the bytes that a host may send for a plugin, and that nobody may see. They are read from
 * a file or a variable when they are first asked for, and again each time, so that a changed file
 * is a changed secret; they lie in locked memory that no dump has. Whatever comes from outside is
 * searched for every one that was ever read, in each spelling that the web has for bytes, and said
 * again without it. No function here puts a secret into an error.
 *
 * A vault belongs to one thread.
 */
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include "base/text.h"

struct vault;

struct vault *vault_new(void);
void vault_free(struct vault *vault); /* what it held is overwritten */

/* Reads the secret from the file, or else from the variable. A file must be a regular one, belong
 * to root or the user, and be readable by nobody else; one newline at its end is no part of it.
 * *ret_bytes is the vault's, and stays. ERR_INPUT if it is shorter than a secret can be. */
WARN_UNUSED enum error_code vault_read(struct vault *vault, const char *name, const char *file,
                                       const char *variable, struct slice *ret_bytes,
                                       struct error *reterr);

/* False: none of the secrets stands in it, and out is as it was. True: out has it with
 * "[secret NAME]" in the place of each. Found are the bytes as they are, %XX (once or twice), as
 * in JSON and in HTML, quoted-printable, in base64 of either alphabet at any place in a longer
 * text, and in hex; names of headers come in lower case, and fold finds them so. */
bool vault_redact(const struct vault *vault, struct slice in, bool fold, struct text *out);
/* The same of a text that comes in pieces: adds to out what of the front of `held` no later byte
 * can make a secret of, and takes it out of held; `last` is all of it. */
void vault_filter(const struct vault *vault, struct text *held, bool last, struct text *out);
bool vault_empty(const struct vault *vault);

#endif

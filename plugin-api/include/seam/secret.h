/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets: a plugin never has one. It asks for a placeholder, writes that where the secret is to
 * stand (the value of a header, the path or query of a URL, a body) and sends the request through
 * the host, which puts the secret there if it may go to that host. Header only, C11 or C++17, libc.
 *
 *     seam_secret token = seam_secret_use(host, call->id, "crm_token");
 *     if (token.answer.status != SEAM_OK)
 *         return seam_end_secret(host, call->id, &token);
 *     … "Authorization: Bearer " and token.placeholder …
 *     seam_secret_done(&token);
 */
#ifndef SEAM_SECRET_H
#define SEAM_SECRET_H

#include <seam/ask.h>

typedef struct seam_secret {
    seam_answer answer;
    seam_bytes placeholder; /* of letters, digits and '-': no encoding changes it; this call's own.
                               Absent unless answer.status is SEAM_OK */
} seam_secret;

static inline void seam_secret_done(seam_secret *secret)
{
    seam_answer_done(&secret->answer);
    memset(&secret->placeholder, 0, sizeof(secret->placeholder));
}

/* For "Authorization: Basic " and the placeholder: it stands for base64 of the user, ':' and the
 * secret. `user` NULL: for the secret as it is. */
static inline seam_secret seam_secret_basic(const seam_host *host, seam_id call, const char *name,
                                            const char *user)
{
    seam_writer body = SEAM_WRITER;
    seam_secret secret;
    memset(&secret, 0, sizeof(secret));
    seam_put_object(&body, NULL);
    seam_put_text(&body, "name", name);
    if (user)
        seam_put_text(&body, "basic", user);
    seam_put_end(&body);
    secret.answer = seam_ask_written_(host, call, "secret.use/1", &body);
    if (secret.answer.status == SEAM_OK) {
        seam_bytes said = seam_json_at(seam_answer_body(&secret.answer), "/placeholder");
        if (said.len > 2) { /* a string without escapes, in its quotes */
            secret.placeholder.ptr = said.ptr + 1;
            secret.placeholder.len = said.len - 2;
        }
    }
    return secret;
}

static inline seam_secret seam_secret_use(const seam_host *host, seam_id call, const char *name)
{
    return seam_secret_basic(host, call, name, NULL);
}

/* Ends the call with the failure that the host gave, and is done with the secret. */
static inline seam_status seam_end_secret(const seam_host *host, seam_id call, seam_secret *secret)
{
    seam_complete_answer(host, call, &secret->answer);
    seam_secret_done(secret);
    return SEAM_OK;
}

#endif

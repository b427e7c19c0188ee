/* SPDX-License-Identifier: Apache-2.0
 *
 * One request out, between what it is and as what it is sent (http.c), what secrets make of it on
 * its way out and back (secrets.c, http_secrets.c), and answers that are read as they come
 * (streams.c).
 */
#ifndef RUNTIME_HTTP_INTERNAL_H
#define RUNTIME_HTTP_INTERNAL_H

#include "runtime/host_internal.h"

enum { HEADERS_MAX = 64 };

struct send {
    struct live_call *call;
    uint64_t request;
    const char *method, *effect;
    struct egress_url url;
    const char *base64;
    json_t *headers, *json; /* all borrowed from body */
    char *text;
    size_t text_len;
    bool has_body;
    int64_t timeout_ms;
    const struct http_grant *grant;
    bool mutating;
};

/* ---- http.c ---- */

void http_asked(struct live_call *call, uint64_t request, json_t *body);
/* Its call has ended: reads are closed now, writes when `settle` has passed. */
void transfer_orphan(struct transfer *transfer);

/* What was asked for; false: *reterr says what was expected. send_done in any case. */
bool send_read(struct send *send, json_t *body, struct error *reterr);
void send_done(struct send *send);
/* It is granted, its secrets too. False: the request has been answered. */
bool send_may_leave(struct send *send);
struct outgoing;
/* As it is sent: key = it may change the world. It borrows from both. */
/* How long an exchange may take of a call that has so long left (-1 = for ever), if its agent asks
 * for so long (0 = does not say): what the call has left, but no less than is usual; for one that
 * outlives its call brings evidence. */
int64_t http_patience(int64_t left_ms, int64_t asked_ms);
int64_t send_patience(const struct send *send);
struct egress_request send_request(const struct send *send, const char *key, struct outgoing *out);
/* A new object. */
json_t *answer_headers(const struct egress_answer *answer);
/* What a request ends with that has no whole answer. */
int32_t http_status_of(const struct egress_answer *answer);
const char *http_code_of(const struct egress_answer *answer);

/* ---- secrets.c ---- */

/* secret.use/1 */
void secret_asked(struct live_call *call, uint64_t request, json_t *body);
/* How a secret is written where it goes: as its bytes, in JSON, in a URL or a form. */
enum secret_spelling { SECRET_PLAIN, SECRET_JSON, SECRET_PERCENT };
/* May what stands there go to that host? ERR_DENIED names the secret, or says that a placeholder is
 * not one of this call's. */
WARN_UNUSED enum error_code secrets_admit(const struct live_call *call, struct slice text,
                                          const char *host, int port, struct error *reterr);
/* True: out has the text with this call's secrets in it, and is to be overwritten when it was sent.
 * False: there is none in it. */
bool secrets_fill(const struct live_call *call, struct slice text, enum secret_spelling spelling,
                  struct text *out);
/* The text as it may be kept, the same in every attempt: "${secret:NAME}" for each placeholder.
 * The caller frees. */
char *secrets_name(const struct live_call *call, struct slice text);
/* The same of a value; a new reference. */
/* prompts.c: what the record has of what a model will be told; a new reference, or NULL where
 * nothing is kept. */
json_t *prompt_note(const struct live_call *call, json_t *prompt);
json_t *secrets_name_json(const struct live_call *call, json_t *value);
void placeholders_done(struct live_call *call);
/* What came from outside, without any secret: a copy, to be freed, or NULL if there is none in it.
 */
char *secrets_hide(const struct host *host, struct slice text, bool fold, size_t *ret_len);

/* ---- http_secrets.c ---- */

/* Every secret in it may go where it goes. */
WARN_UNUSED enum error_code send_admit_secrets(const struct send *send, struct error *reterr);
/* What is recorded of it: the same in every attempt, and no secret in it. */
json_t *send_recorded(const struct send *send);

/* A request as it leaves: the placeholders in it are secrets. */
struct outgoing {
    struct egress_header headers[HEADERS_MAX];
    size_t header_count;
    struct text url, body, values[HEADERS_MAX];
    bool url_filled, body_filled, filled;
};
void outgoing_fill(struct outgoing *out, const struct send *send, const char *key);
void outgoing_done(struct outgoing *out); /* overwrites it */

/* An answer as a plugin may see it: no secret in it, in no spelling. */
struct hidden {
    struct egress_answer answer;
    struct egress_header headers[LIMIT_HEADERS];
    char *names[LIMIT_HEADERS], *values[LIMIT_HEADERS], *body, *reason;
};
/* has_secrets: what was asked could have had secrets in it. */
struct hidden *hidden_new(const struct host *host, bool has_secrets,
                          const struct egress_answer *answer);
void hidden_free(struct hidden *hidden); /* NULL is none */
/* Is its body compressed, or otherwise not what it stands for? */
bool answer_is_encoded(const struct egress_answer *answer);

/* ---- streams.c ---- */

/* http.open/1, http.read/1, http.close/1 */
void stream_open_asked(struct live_call *call, uint64_t request, json_t *body);
void stream_read_asked(struct live_call *call, uint64_t request, json_t *body);
void stream_close_asked(struct live_call *call, uint64_t request, json_t *body);
/* Its call has ended. */
void streams_end(struct live_call *call);

#endif

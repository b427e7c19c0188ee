/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP services as agents. The configuration says what requests there are: by declarations
 * (declare.c) or by an OpenAPI document (openapi.c). Both become operations, which are all that the
 * rest knows: what they take and give (operation.c), the request that their input makes
 * (template.c, request.c), and what its answer means (answer.c, pages.c, reconcile.c).
 *
 * Nothing here sends anything: the host does, through its grants, once. So nothing is tried again
 * here, no redirect is followed, and what became of the world is what the host saw.
 */
#ifndef HTTP_H
#define HTTP_H

#include <jansson.h>
#include <seam/sdk.h>
#include <seam/secret.h>

enum { HTTP_NAME = 100, HTTP_EXCERPT = 300, HTTP_PAGES = 10, HTTP_DEPTH = 64 };

/* The first thing that is wrong, with its place in the configuration, or in the input. */
struct trouble {
    char text[700];
};
/* Keeps the first; always false. */
bool trouble_say(struct trouble *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- operations ---- */

enum place { PLACE_PATH, PLACE_QUERY, PLACE_HEADER, PLACE_COOKIE };
/* How an array or an object is spelled in text (OpenAPI, "style"). */
enum style {
    STYLE_SIMPLE,
    STYLE_LABEL,
    STYLE_MATRIX,
    STYLE_FORM,
    STYLE_SPACE,
    STYLE_PIPE,
    STYLE_DEEP,
    STYLE_JSON
};
struct param {
    enum place place;
    char *name;
    json_t *value; /* a template */
    enum style style;
    bool explode;
};

enum body { BODY_NONE, BODY_JSON, BODY_FORM, BODY_TEXT };
enum by { BY_NOTHING, BY_LINK, BY_CURSOR, BY_PAGE, BY_OFFSET };
struct pages {
    enum by by;
    char *items, *next, *param;
    int64_t start;
    int limit;
};
struct reconcile {
    char *found;
    json_t *where; /* pointer → template; NULL: no matter what it has */
};
/* What an answer's status is, beside the failures SEAM_E_*. */
enum { MEANS_OK = SEAM_OK, MEANS_NULL = -1 };

struct operation {
    char *name, *summary;
    char *method, *path;
    uint32_t effect;
    bool destructive;
    struct param *params;
    size_t param_count;
    enum body body;
    json_t *content;   /* the body's template */
    json_t *spellings; /* of a form: member → {style, explode}; NULL: the usual */
    json_t *input, *output;
    json_t *statuses;         /* "404" or "4XX" → a word; NULL: the usual */
    char *take, *take_header; /* where in an answer the output stands; NULL = it is all of it */
    struct pages pages;
    struct reconcile *asks; /* it is a reconcile agent */
    /* of a write with a reconcile agent */
    char *reconcile, *settle, *ref, *key_ttl;
};

enum auth { AUTH_NONE, AUTH_BEARER, AUTH_BASIC, AUTH_HEADER, AUTH_QUERY };
struct service {
    char *url;
    json_t *headers;
    enum auth auth;
    char *secret, *user, *auth_name, *prefix;
    uint32_t timeout_ms;
    struct operation *operations;
    size_t operation_count;
    /* of a document, what cannot be an agent, and was not named: how many, and why the last */
    size_t left_out_count;
    char left_out[700];
};

/* ---- service.c ---- */

bool service_read(struct service *s, seam_bytes config, struct trouble *t);
void service_done(struct service *s);
/* Makes room for one more, named; NULL: there is one of that name. */
struct operation *service_add(struct service *s, const char *name, const char *place,
                              struct trouble *t);
const struct operation *service_find(const struct service *s, seam_bytes name);

/* ---- operation.c ---- */

void operation_done(struct operation *op);
struct param *operation_param(struct operation *op, enum place place, const char *name,
                              json_t *value);
void operation_effect(struct operation *op, const char *said);
/* What it says of the output's place is one place; the header's name becomes what answers have. */
bool operation_takes(struct operation *op, const char *where, struct trouble *t);
/* The schema of what stands at a place of what fits `whole`. */
json_t *operation_part(const json_t *whole, const char *pointer);
bool operation_pages(struct operation *op, const json_t *json, const char *where,
                     struct trouble *t);
/* {"agents": […]} as seam.describe/1 wants it. */
json_t *operations_describe(const struct service *s);

/* ---- declare.c ---- */

bool declare(struct service *s, const json_t *agent, const char *where, struct trouble *t);
/* The reconcile agent of a write, as it is declared. */
bool declare_reconcile(struct service *s, const char *of, const json_t *json, const char *where,
                       struct trouble *t);

/* ---- openapi.c ---- */

bool openapi_read(struct service *s, const json_t *settings, struct trouble *t);

/* ---- template.c: text and JSON with {inputs} in it ---- */

/* Calls for each input that a template refers to. False: its braces do not match. */
typedef bool (*template_ref)(void *user, const char *ref);
bool template_refs(const json_t *value, template_ref each, void *user);
/* What it makes of the input, a new reference; NULL: what it refers to is not there. */
json_t *template_fill(const json_t *value, const json_t *input);
const json_t *json_find(const json_t *value, const char *pointer);
const json_t *template_find(const json_t *input, const char *ref, size_t len);
char *text_of(const json_t *scalar); /* as it stands in a URL, not yet encoded; NULL: of null */

/* ---- request.c ---- */

struct request {
    seam_http_request http;
    char *url, *body, *headers[2 * 128 + 1];
    size_t header_count;
    seam_secret secret;
};
/* Builds what the input makes of the operation. False: *ret_ended is how the call was ended. */
bool request_make(struct request *r, const struct service *s, const struct operation *op,
                  const seam_host *host, const seam_call *call, const json_t *input);
/* The same for another URL of the same service, or for one more parameter of the query. */
bool request_turn(struct request *r, const struct service *s, const char *url, const char *param,
                  const char *value);
void request_done(struct request *r);

/* ---- answer.c ---- */

/* Makes the call of an operation, and completes it. */
seam_status operation_run(const struct service *s, const struct operation *op,
                          const seam_host *host, const seam_call *call);
/* What its status means: MEANS_OK, MEANS_NULL or a SEAM_E_. */
int32_t answer_meaning(const struct operation *op, const seam_http_response *got);
/* Ends the call with an answer that is a failure; or with none. */
void answer_fail(const struct operation *op, const seam_host *host, seam_id call,
                 const seam_http_response *got, int32_t status);
/* The body as JSON; absent if it is none. */
seam_bytes answer_json(const seam_http_response *got);
void answer_garbage(const seam_host *host, seam_id call, const seam_http_response *got,
                    const char *what);

/* ---- pages.c, reconcile.c ---- */

void pages_run(const struct service *s, const struct operation *op, const seam_host *host,
               const seam_call *call, struct request *r);
void reconcile_tell(const struct operation *op, const seam_host *host, const seam_call *call,
                    const seam_http_response *got, const json_t *input);

#endif

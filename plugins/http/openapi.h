/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading an OpenAPI document, between its two files.
 */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include "http.h"

struct openapi {
    struct service *s;
    const json_t *doc, *settings;
    bool old;    /* 3.0 */
    bool placed; /* the configuration says where all of it is, whatever the document does */
    struct trouble *t;
};

/* What a reference leads to, inside the document; NULL: nowhere, and why is said. */
const json_t *openapi_deref(const struct openapi *o, const json_t *value, const char *where);

/* A schema in the making, with all that it refers to. */
struct taken {
    const struct openapi *o;
    const char *where, *unsaid; /* "readOnly" or "writeOnly": what is not required here */
    json_t *defs, *names, *waiting;
    size_t nodes;
};
void taken_init(struct taken *k, const struct openapi *o, const char *where, const char *unsaid);
json_t *taken_schema(struct taken *k, const json_t *schema);
/* Takes the schema over, and gives it back complete in itself. */
json_t *taken_done(struct taken *k, json_t *schema);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents that schemas may refer to, by URI. A `$ref` out of a document is looked for here, and
 * nowhere else: nothing is ever fetched. A document is known by the URI it was got from and by each
 * `$id` in it. The meta-schemas of the three dialects need not be added.
 * Two different schemas under one URI are no error until one of them is used: a folder of schemas
 * may hold what nobody asks for. A registry is filled first and then only read, by any thread; a
 * contract keeps what it uses of it.
 */
#ifndef CONTRACT_REGISTRY_H
#define CONTRACT_REGISTRY_H

#include "base/text.h"

#include <jansson.h>

struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *registry);
void registry_freep(struct registry **registry); /* AUTO(registry_freep) */

/* Adds a document, of which it keeps a reference, under the URI it was got from; an absolute one,
 * or a path, against which its own references are then read. Fails at LIMIT_REGISTRY_SCHEMAS
 * and where the document is no schema; then nothing is added. Schemas in it that are nested too
 * deeply are an error too, and leave behind what was found before. */
WARN_UNUSED enum error_code registry_add(struct registry *registry, const char *uri,
                                         json_t *document, struct error *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking things up in a registry, and the meta-schemas that the program carries.
 */
#ifndef CONTRACT_REGISTRY_INTERNAL_H
#define CONTRACT_REGISTRY_INTERNAL_H

#include "contract/registry.h"

/* A schema with a URI of its own: a document's root or one embedded in it. */
struct registered {
    json_t *schema;
    size_t document;
    size_t rival; /* another schema under the same URI, or SIZE_MAX */
};

/* NULL if there is none, or no registry. */
const struct registered *registry_find(const struct registry *registry, const char *uri);
const struct registered *registry_rival(const struct registry *registry,
                                        const struct registered *registered);
/* The document it is in; borrowed. */
json_t *registered_document(const struct registry *registry, const struct registered *registered);
/* Where that document was got from. */
const char *registered_from(const struct registry *registry, const struct registered *registered);

/* A meta-schema or a vocabulary's; NULL if the URI names none. The caller decrefs. */
json_t *metaschema_new(const char *uri);

#endif

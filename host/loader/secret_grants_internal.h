/* SPDX-License-Identifier: Apache-2.0
 *
 * What the manifest says of a plugin's secrets; the schema has checked it.
 */
#ifndef LOADER_SECRET_GRANTS_INTERNAL_H
#define LOADER_SECRET_GRANTS_INTERNAL_H

#include "loader/manifest.h"

/* places is the manifest's `secrets`; list is the plugin's grants, each of which is one of them. */
void secret_grants_read(const struct manifest *m, const json_t *places, const json_t *list,
                        struct manifest_plugin *p);
/* The name in one item of grants.secrets. */
const char *secret_grant_name(const json_t *item);
void secret_grants_done(struct manifest_plugin *p);

#endif

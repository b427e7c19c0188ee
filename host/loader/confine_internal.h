/* SPDX-License-Identifier: Apache-2.0
 *
 * What the manifest says of a plugin's sandbox; the schema has checked it.
 */
#ifndef LOADER_CONFINE_INTERNAL_H
#define LOADER_CONFINE_INTERNAL_H

#include "loader/manifest.h"

/* plugin is its entry in the manifest; p has its alias. */
void confine_read(const char *folder, const json_t *plugin, struct manifest_plugin *p);
void confine_done(struct manifest_plugin *p);

#endif

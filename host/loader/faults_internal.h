/* SPDX-License-Identifier: Apache-2.0
 *
 * What the manifest says of a plugin that ends, or says too much; the schema has checked its form.
 */
#ifndef LOADER_FAULTS_INTERNAL_H
#define LOADER_FAULTS_INTERNAL_H

#include "loader/manifest.h"

/* plugin is its entry in the manifest; p has its alias. */
WARN_UNUSED enum error_code faults_read(const struct manifest *m, const json_t *plugin,
                                        struct manifest_plugin *p, struct error *reterr);

#endif

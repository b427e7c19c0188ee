/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a manifest, between its files.
 */
#ifndef LOADER_MANIFEST_INTERNAL_H
#define LOADER_MANIFEST_INTERNAL_H

#include "loader/manifest.h"

/* Reads the `config` of a plugin, `config_file` and `config_files` of it. */
WARN_UNUSED enum error_code manifest_read_config(const struct manifest *m,
                                                 struct manifest_plugin *p, const json_t *json,
                                                 struct error *reterr);

/* Reads `hide` and `prompts`. */
WARN_UNUSED enum error_code manifest_read_hide(struct manifest *m, const json_t *root,
                                               struct error *reterr);
void manifest_hide_done(struct manifest_hide *hide);

#endif

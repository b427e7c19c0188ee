/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin's file is, read as data by libelf: nothing of it runs.
 */
#ifndef LOADER_ELF_INTERNAL_H
#define LOADER_ELF_INTERNAL_H

#include "base/text.h"

/* Checks that the bytes are a 64-bit shared object of this machine that exports the entry of this
 * ABI and has a card. *ret_card borrows from the bytes. path is for complaints. */
WARN_UNUSED enum error_code elf_find_card(struct slice bytes, const char *path,
                                          struct slice *ret_card, struct error *reterr);

#endif

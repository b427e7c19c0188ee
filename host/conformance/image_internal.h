/* SPDX-License-Identifier: Apache-2.0
 *
 * A shared object as a file: what its dynamic section, its segments and its symbols say. Read by
 * libelf, nothing of it runs.
 */
#ifndef CONFORMANCE_IMAGE_INTERNAL_H
#define CONFORMANCE_IMAGE_INTERNAL_H

#include "base/text.h"

#include <libelf.h>

enum { IMAGE_NAMES_MAX = 64 };

struct image {
    char *path;
    int fd;
    Elf *elf;
    bool text_relocations, executable_stack, has_card;
    const char *needed[IMAGE_NAMES_MAX], *search[IMAGE_NAMES_MAX]; /* borrowed from the file */
    size_t needed_count, search_count; /* search: DT_RPATH and DT_RUNPATH, each a list by colons */
};

/* ERR_NOT_FOUND, or ERR_INPUT if it is no 64-bit shared object that libelf can read. */
WARN_UNUSED enum error_code image_open(const char *path, struct image *ret_image,
                                       struct error *reterr);
void image_done(struct image *image); /* zeroed, fd -1: nothing */

typedef void (*symbol_fn)(void *user, const char *name, bool defined, bool weak);
/* The dynamic symbols that others see, or that it wants of others. */
void image_symbols(const struct image *image, symbol_fn symbol, void *user);

#endif

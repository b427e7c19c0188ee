/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin's file, opened once: trusted by owner and mode, copied into sealed memory, hashed there.
 * What is read, hashed and loaded is that copy: who changes the file later, or while it is read,
 * changes nothing that runs.
 */
#ifndef LOADER_LIBRARY_INTERNAL_H
#define LOADER_LIBRARY_INTERNAL_H

#include "base/digest.h"

struct library {
    int fd; /* of the sealed copy */
    struct slice bytes;
    struct digest digest;
};

WARN_UNUSED enum error_code library_open(const char *path, struct library *ret_library,
                                         struct error *reterr);
void library_done(struct library *library); /* zeroed: nothing */

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A shared library that is opened when it is wanted: for what few commands want, and what takes
 * longer to load than most of them run. Whoever does so has the library's functions under their own
 * names in a file late.c of its own, checked by the library's header, and passes them on.
 */
#ifndef BASE_LATE_H
#define BASE_LATE_H

#include "base/error.h"

#include <stddef.h>

struct late_function {
    const char *name;
    void *at; /* of the pointer to it, which is set */
};

struct late_library {
    const char *file;  /* "libcurl.so.4" */
    const char *wants; /* "HTTP needs libcurl" */
    const char *least; /* the first release that has all of them */
};

/* Opens the library and finds every function; ERR_NOT_FOUND says what to install. */
WARN_UNUSED enum error_code late_open(const struct late_library *library,
                                      const struct late_function *functions, size_t count,
                                      struct error *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A shared library that is opened when it is wanted. It stays open for as long as the program runs.
 */
#include "base/late.h"

#include <dlfcn.h>
#include <string.h>

enum error_code late_open(const struct late_library *library, const struct late_function *functions,
                          size_t count, struct error *reterr)
{
    void *opened = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    if (!opened)
        return error_set(reterr, ERR_NOT_FOUND, "%s: %s (cure: install it)", library->wants,
                         dlerror());
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(opened, functions[i].name);
        if (!symbol)
            return error_set(reterr, ERR_NOT_FOUND, "%s has no %s (cure: install one of %s on)",
                             library->file, functions[i].name, library->least);
        memcpy(functions[i].at, &symbol, sizeof(symbol));
    }
    return ERR_OK;
}

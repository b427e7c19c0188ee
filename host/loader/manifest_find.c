/* SPDX-License-Identifier: Apache-2.0
 *
 * Which manifest is meant: the one that is named, by an option or the environment, or the first
 * that lies where they usually do. One that is named and is not there is an error, and no other is
 * taken.
 */
#include "base/limits.h"
#include "loader/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *config_home(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/')
        return xasprintf("%s/seam/seam.yaml", xdg);
    return home && home[0] == '/' ? xasprintf("%s/.config/seam/seam.yaml", home) : NULL;
}

enum error_code manifest_find(const char *explicit_path, char **ret_path, struct error *reterr)
{
    const char *variable = getenv("SEAM_MANIFEST");
    const char *said = explicit_path ? explicit_path : variable && variable[0] ? variable : NULL;
    if (said && access(said, F_OK) != 0)
        return error_set(reterr, ERR_NOT_FOUND, "there is no manifest %s (named by %s)", said,
                         explicit_path ? "--manifest" : "SEAM_MANIFEST");
    if (said) {
        *ret_path = xstrdup(said);
        return ERR_OK;
    }
    AUTO(freep) char *home = config_home();
    const char *const places[] = {"./seam.yaml", home, "/etc/seam/seam.yaml"};
    AUTO(text_done) struct text looked;
    text_init(&looked, ERROR_TEXT_SIZE / 2);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!places[i])
            continue;
        if (access(places[i], F_OK) == 0) {
            *ret_path = xstrdup(places[i]);
            return ERR_OK;
        }
        text_addf(&looked, "%s%s", looked.len > 0 ? ", " : "", places[i]);
    }
    return error_set(
        reterr, ERR_NOT_FOUND,
        "no manifest was found; looked for $SEAM_MANIFEST (not set), %s (cure: write a "
        "seam.yaml that begins \"manifest: 1\", or name one by --manifest)",
        text_str(&looked));
}

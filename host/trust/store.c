/* SPDX-License-Identifier: Apache-2.0
 *
 * What was approved, kept: .seam/store/<sha256>/plugin.so beside the manifest, by the digest of its
 * bytes. An upgrade is held against it, for by then the file at the plugin's path is the new one.
 * Nothing is believed because it lies there: it is read as any plugin's file is, and its digest is
 * taken again.
 */
#include "base/limits.h"
#include "trust/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *store_path(const struct manifest *manifest, const char *digest, const char *name)
{
    return xasprintf("%s/.seam/store/%s%s%s", manifest->folder, digest, *name ? "/" : "", name);
}

static enum error_code make_folders(const struct manifest *manifest, const char *digest,
                                    struct error *reterr)
{
    AUTO(freep) char *folder = store_path(manifest, digest, "");
    for (char *at = folder + strlen(manifest->folder) + 1; at;) {
        at = strchr(at, '/');
        if (at)
            *at = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return error_set_errno(reterr, errno, "cannot make the folder %s", folder);
        if (at)
            *at++ = '/';
    }
    return ERR_OK;
}

enum error_code store_keep(const struct manifest *manifest, const struct card *card,
                           struct error *reterr)
{
    char digest[DIGEST_HEX_SIZE];
    digest_hex(&card->library, digest);
    AUTO(card_freep) struct card *there = NULL;
    if (store_find(manifest, digest, &there, NULL) == ERR_OK)
        return ERR_OK;
    enum error_code code = make_folders(manifest, digest, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(freep) char *path = store_path(manifest, digest, "plugin.so");
    AUTO(freep) char *beside = xasprintf("%s.%ld.new", path, (long)getpid());
    code = library_copy(card, beside, reterr);
    if (code == ERR_OK && rename(beside, path) != 0)
        code = error_set_errno(reterr, errno, "cannot put a copy at %s", path);
    if (code != ERR_OK)
        unlink(beside);
    return code;
}

enum error_code store_find(const struct manifest *manifest, const char *digest,
                           struct card **ret_card, struct error *reterr)
{
    AUTO(freep) char *path = store_path(manifest, digest, "plugin.so");
    AUTO(card_freep) struct card *card = NULL;
    struct digest wanted;
    enum error_code code = card_read(path, &card, reterr);
    if (code != ERR_OK)
        return code;
    if (!digest_from_hex(slice_of(digest), &wanted) || !digest_equal(&wanted, &card->library))
        return error_set(reterr, ERR_CORRUPT, "%s is not what its name says", path);
    *ret_card = TAKE(card);
    return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The private store: .seam/store/<sha256>/plugin.so beside the manifest, by the digest of its
 * bytes. A host loads the copies of what it has accepted: who replaces the file at a plugin's path
 * changes nothing until a reload, and a worker that is started again is what it was. An upgrade is
 * held against the copy of what was approved, for by then the file at the path is the new one.
 * Nothing is believed because it lies there: it is read as any plugin's file is, and its digest is
 * taken again.
 *
 * A copy is one file. Libraries that a plugin brings along beside itself are not looked for: its
 * bytes would be approved and theirs not.
 */
#include "base/limits.h"
#include "trust/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *store_path(const char *folder, const char *digest, const char *name)
{
    return xasprintf("%s/.seam/store/%s%s%s", folder, digest, *name ? "/" : "", name);
}

static enum error_code make_folders(const char *beside, const char *digest, struct error *reterr)
{
    AUTO(freep) char *folder = store_path(beside, digest, "");
    for (char *at = folder + strlen(beside) + 1; at;) {
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

static enum error_code keep(const char *folder, const struct card *card, struct error *reterr)
{
    char digest[DIGEST_HEX_SIZE];
    digest_hex(&card->library, digest);
    enum error_code code = make_folders(folder, digest, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(freep) char *path = store_path(folder, digest, "plugin.so");
    AUTO(freep) char *beside = xasprintf("%s.%ld.new", path, (long)getpid());
    code = library_copy(card, beside, reterr);
    if (code == ERR_OK && rename(beside, path) != 0)
        code = error_set_errno(reterr, errno, "cannot put a copy at %s", path);
    if (code != ERR_OK)
        unlink(beside);
    return code;
}

enum error_code store_keep(const struct manifest *manifest, const struct card *card,
                           struct error *reterr)
{
    char digest[DIGEST_HEX_SIZE];
    AUTO(card_freep) struct card *there = NULL;
    digest_hex(&card->library, digest);
    return store_find(manifest, digest, &there, NULL) == ERR_OK
               ? ERR_OK
               : keep(manifest->folder, card, reterr);
}

/* As it was left here, by its looks; who loads it looks again. */
static bool looks_kept(const char *path, const struct card *card)
{
    struct stat is;
    return lstat(path, &is) == 0 && S_ISREG(is.st_mode) && is.st_uid == geteuid() &&
           !(is.st_mode & (S_IWGRP | S_IWOTH)) && (size_t)is.st_size == card->library_size;
}

enum error_code store_hold(const char *folder, const struct card *card, char **ret_path,
                           struct error *reterr)
{
    char digest[DIGEST_HEX_SIZE];
    digest_hex(&card->library, digest);
    AUTO(freep) char *path = store_path(folder, digest, "plugin.so");
    enum error_code code = looks_kept(path, card) ? ERR_OK : keep(folder, card, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(freep) char *own = store_path(folder, digest, "");
    (void)utimensat(AT_FDCWD, own, NULL, 0); /* it is of use: see store_sweep */
    *ret_path = TAKE(path);
    return ERR_OK;
}

/* ---- sweeping ---- */

enum { UNUSED_S = 7 * 24 * 3600, LOCKS = 64 };

static bool read_text(const char *path, struct text *out)
{
    FILE *file = fopen(path, "re");
    char bytes[4096];
    bool whole = file != NULL;
    for (size_t got = 1; whole && got > 0;) {
        got = fread(bytes, 1, sizeof(bytes), file);
        whole = !ferror(file) && text_add(out, bytes, got);
    }
    if (file)
        fclose(file);
    return whole;
}

/* The texts of all locks beside the manifest, for several manifests may share a folder. False: one
 * of them could not be read, and what it names is not known. */
static bool read_locks(const struct manifest *manifest, struct text *out)
{
    DIR *folder = opendir(manifest->folder);
    size_t locks = 0;
    bool all = folder != NULL;
    for (struct dirent *entry; all && (entry = readdir(folder));) {
        size_t len = strlen(entry->d_name);
        if (len < 5 || strcmp(entry->d_name + len - 5, ".lock") != 0)
            continue;
        AUTO(freep) char *path = xasprintf("%s/%s", manifest->folder, entry->d_name);
        all = locks++ < LOCKS && read_text(path, out);
    }
    if (folder)
        closedir(folder);
    return all;
}

static void sweep_one(const char *beside, const char *name, const char *locks)
{
    struct digest ignored;
    struct stat is;
    AUTO(freep) char *folder = store_path(beside, name, "");
    AUTO(freep) char *path = store_path(beside, name, "plugin.so");
    if (!digest_from_hex(slice_of(name), &ignored) || strstr(locks, name) ||
        lstat(folder, &is) != 0 || time(NULL) - is.st_mtime < UNUSED_S)
        return;
    unlink(path);
    rmdir(folder);
}

void store_sweep(const char *beside, const struct manifest *manifest)
{
    AUTO(freep) char *store = store_path(beside, "", "");
    AUTO(text_done) struct text locks;
    text_init(&locks, LIMIT_FILE);
    DIR *folder = opendir(store);
    if (folder && read_locks(manifest, &locks))
        for (struct dirent *entry; (entry = readdir(folder));)
            sweep_one(beside, entry->d_name, text_str(&locks));
    if (folder)
        closedir(folder);
}

enum error_code store_find(const struct manifest *manifest, const char *digest,
                           struct card **ret_card, struct error *reterr)
{
    AUTO(freep) char *path = store_path(manifest->folder, digest, "plugin.so");
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

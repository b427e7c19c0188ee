/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a library and a signature are those that somebody looked at. A wrong signature is not
 * seen by anybody when it is called: it reads and writes what it must not. So what crosses, the
 * sizes, signs and pointers of a prototype ("abi"), was taken from the header or the debug
 * information, and a digest of it and of the library's file stands beside ("pin"). What the
 * signature says must be that; what differs is shown.
 */
#include "ffi.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sodium.h>
#include <unistd.h>

static void hex_of(crypto_hash_sha256_state *state, char ret[static 65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(state, digest);
    sodium_bin2hex(ret, 65, digest, sizeof(digest));
}

static bool hash_file(const char *path, char ret[static 65])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    unsigned char bytes[64 << 10];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof(bytes))) > 0)
        crypto_hash_sha256_update(&state, bytes, (unsigned long long)got);
    close(fd);
    hex_of(&state, ret);
    return got == 0;
}

bool library_load(struct library *library, const char *path, const char *sha256, const char *place,
                  struct trouble *t)
{
    struct link_map *map = NULL;
    library->loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library->loaded)
        return trouble_say(t,
                           "%s: %s (cure: a library outside of the system's folders wants a grant: "
                           "fs with mode r)",
                           place, dlerror());
    if (dlinfo(library->loaded, RTLD_DI_LINKMAP, &map) != 0 ||
        !hash_file(map->l_name, library->sha256))
        return trouble_say(t, "%s: the file of %s cannot be read", place, path);
    return strcmp(sha256, library->sha256) == 0 ||
           trouble_say(t,
                       "%s: %s is not the library that was pinned: sha256 was %.64s and is %s "
                       "(cure: make its signatures anew with `seam new ffi`, and look at what "
                       "changed)",
                       place, map->l_name, sha256, library->sha256);
}

/* ---- what crosses ---- */

static void add_scalar(const struct scalar *s, char *text, size_t size)
{
    size_t len = strlen(text);
    if (s->code == 'b')
        snprintf(text + len, size - len, "bool");
    else
        snprintf(text + len, size - len, "%c%d", s->code, s->size * 8);
}

static void abi_of(const struct call *call, char *text, size_t size)
{
    text[0] = '\0';
    if (call->returns.kind == KIND_SCALAR)
        add_scalar(call->returns.scalar, text, size);
    else
        snprintf(text, size, "%s", call->returns.kind == KIND_VOID ? "void" : "ptr");
    size_t len = strlen(text);
    snprintf(text + len, size - len, " %s(%s", call->name, call->arg_count ? "" : "void");
    for (int i = 0; i < call->arg_count; i++) {
        const struct arg *arg = &call->args[i];
        len = strlen(text);
        snprintf(text + len, size - len, "%s", i ? ", " : "");
        len = strlen(text);
        if (arg->kind == KIND_SCALAR && !arg->out)
            add_scalar(arg->scalar, text, size);
        else
            snprintf(text + len, size - len, "ptr");
    }
    len = strlen(text);
    snprintf(text + len, size - len, ")");
}

bool pin_check(const struct call *call, const struct library *library, seam_bytes json,
               const char *place, struct trouble *t)
{
    char said[1024], pin[65];
    abi_of(call, said, sizeof(said));
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)said, strlen(said));
    crypto_hash_sha256_update(&state, (const unsigned char *)"\n", 1);
    crypto_hash_sha256_update(&state, (const unsigned char *)library->sha256, 64);
    hex_of(&state, pin);
    char *abi = json_word(json, "/abi"), *pinned = json_word(json, "/pin");
    bool good = true;
    if (!abi || !pinned)
        good = trouble_say(t,
                           "%s: it is not pinned (cure: `seam new ffi` reads the prototype and "
                           "writes `abi` and `pin`; or, if you have held `%s` against the header, "
                           "write abi: \"%s\" and pin: %s)",
                           place, call->name, said, pin);
    else if (strcmp(abi, said) != 0)
        good = trouble_say(t,
                           "%s: the signature is not the prototype: the prototype is `%.200s` and "
                           "args and returns say `%s` (cure: mend args and returns)",
                           place, abi, said);
    else if (strcmp(pinned, pin) != 0)
        good = trouble_say(t,
                           "%s: `%s` of this library was not pinned: pin is %.64s and ought to be "
                           "%s (cure: make the signature anew with `seam new ffi`)",
                           place, said, pinned, pin);
    free(abi);
    free(pinned);
    return good;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a library and a signature are those that somebody looked at. A wrong signature is not
 * seen by anybody when it is called: it reads and writes what it must not. So what crosses, the
 * sizes, signs and pointers of a prototype ("abi"), was taken from the header or the debug
 * information, and a digest of it and of the library's file stands beside ("pin"). What the
 * signature says must be that; what differs is shown. A struct's layout, and an enum's values, are
 * pinned alike.
 */
#include "ffi.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sodium.h>
#include <stdio.h>
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

static void add_shape(const struct shape *shape, FILE *text)
{
    char *abi = shape_abi(shape);
    fputs(abi, text);
    free(abi);
}

static void add(enum kind kind, const struct scalar *scalar, const struct shape *shape,
                bool by_pointer, FILE *text)
{
    if (kind == KIND_VOID)
        fputs("void", text);
    else if (by_pointer || (kind != KIND_SCALAR && kind != KIND_ENUM && kind != KIND_STRUCT))
        fputs("ptr", text);
    else if (kind == KIND_STRUCT)
        add_shape(shape, text);
    else if (scalar->code == 'b')
        fputs("bool", text);
    else
        fprintf(text, "%c%d", scalar->code, scalar->size * 8);
}

static char *abi_of(const struct call *call)
{
    char *abi = NULL;
    size_t len;
    FILE *text = open_memstream(&abi, &len);
    const struct returns *ret = &call->returns;
    add(ret->kind, ret->scalar, ret->shape, ret->by_pointer, text);
    fprintf(text, " %s(%s", call->name, call->arg_count ? "" : "void");
    for (int i = 0; i < call->arg_count; i++) {
        const struct arg *arg = &call->args[i];
        fputs(i ? ", " : "", text);
        add(arg->kind, arg->scalar, arg->shape, arg->by_pointer, text);
    }
    fputc(')', text);
    fclose(text);
    return abi;
}

/* Two long texts, from a little before where they begin to differ. */
static size_t where_they_differ(const char *a, const char *b)
{
    size_t at = 0;
    while (a[at] && a[at] == b[at])
        at++;
    return at > 60 && strlen(a) + strlen(b) > 400 ? at - 60 : 0;
}

bool pinned(seam_bytes json, const char *said, const char *what, const struct library *library,
            const char *place, struct trouble *t)
{
    char digest[65];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)said, strlen(said));
    crypto_hash_sha256_update(&state, (const unsigned char *)"\n", 1);
    crypto_hash_sha256_update(&state, (const unsigned char *)library->sha256, 64);
    hex_of(&state, digest);
    char *abi = json_word(json, "/abi"), *pin = json_word(json, "/pin");
    bool is_type = seam_json_at(json, "/function").len == 0, good = true;
    if (!abi || !pin) {
        good = trouble_say(t,
                           "%s: it is not pinned (cure: `seam new ffi` reads the prototype and "
                           "writes `abi` and `pin`; or, if you have held `%s` against the header, "
                           "write abi: \"%s\" and pin: %s)",
                           place, what, said, digest);
    } else if (strcmp(abi, said) != 0) {
        size_t from = where_they_differ(abi, said);
        const char *dots = from ? "… " : "";
        if (is_type)
            good = trouble_say(t,
                               "%s: the type is not the library's: its layout is `%s%.200s` and "
                               "what is written here has `%s%.200s` (cure: mend it, or make it "
                               "anew with `seam new ffi`)",
                               place, dots, abi + from, dots, said + from);
        else
            good = trouble_say(t,
                               "%s: the signature is not the prototype: the prototype is "
                               "`%s%.200s` and args and returns say `%s%.200s` (cure: mend args "
                               "and returns)",
                               place, dots, abi + from, dots, said + from);
    } else if (strcmp(pin, digest) != 0) {
        good = trouble_say(t,
                           "%s: `%.200s` of this library was not pinned: pin is %.64s and ought to "
                           "be %s (cure: make the signature anew with `seam new ffi`)",
                           place, said, pin, digest);
    }
    free(abi);
    free(pin);
    return good;
}

bool pin_check(const struct call *call, const struct library *library, seam_bytes json,
               const char *place, struct trouble *t)
{
    char *said = abi_of(call);
    bool good = pinned(json, said, call->name, library, place, t);
    free(said);
    return good;
}

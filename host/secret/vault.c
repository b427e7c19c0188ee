/* SPDX-License-Identifier: Apache-2.0
 *
 * The vault: secrets read, kept in memory that is locked, guarded and in no dump, and looked for in
 * what comes from outside. A value that was read stays to be looked for when another has taken its
 * place. The first secret also ends dumps of the whole process, for on its way out a secret passes
 * memory that is not the vault's: a limit of one byte is what keeps the kernel from handing a dump
 * to a program, too.
 */
#include "base/limits.h"
#include "secret/secret_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Shorter, base64 of it is found in anything. */
enum { BASE64_LEAST = 5 };

struct vault *vault_new(void)
{
    if (sodium_init() < 0)
        UNREACHABLE("libsodium does not start");
    return xcalloc(1, sizeof(struct vault));
}

void vault_free(struct vault *vault)
{
    if (!vault)
        return;
    for (size_t i = 0; i < vault->count; i++) {
        free(vault->secrets[i].name);
        for (size_t k = 0; k < PATTERNS; k++)
            sodium_free(vault->secrets[i].patterns[k].bytes);
    }
    free(vault->secrets);
    free(vault);
}

bool vault_empty(const struct vault *vault)
{
    return vault->count == 0;
}

/* ---- spellings ---- */

static struct pattern pattern_new(enum pattern_kind kind, const void *bytes, size_t len)
{
    struct pattern pattern = {.kind = kind, .bytes = sodium_malloc(len ? len : 1), .len = len};
    if (!pattern.bytes)
        UNREACHABLE("there is no memory for a secret");
    memcpy(pattern.bytes, bytes, len);
    return pattern;
}

/* What is the same in base64 of every text in which the bytes begin so many behind a third. */
static struct pattern base64_of(struct slice bytes, size_t before)
{
    size_t whole = before + bytes.len,
           room = sodium_base64_encoded_len(whole, sodium_base64_VARIANT_ORIGINAL);
    char *padded = sodium_malloc(whole), *encoded = sodium_malloc(room);
    if (!padded || !encoded)
        UNREACHABLE("there is no memory for a secret");
    memset(padded, 0, before);
    memcpy(padded + before, bytes.ptr, bytes.len);
    sodium_bin2base64(encoded, room, (unsigned char *)padded, whole,
                      sodium_base64_VARIANT_ORIGINAL);
    size_t first = (before * 8 + 5) / 6, end = whole * 8 / 6;
    struct pattern pattern = {.kind = PATTERN_BASE64};
    if (end - first >= BASE64_LEAST)
        pattern = pattern_new(PATTERN_BASE64, encoded + first, end - first);
    sodium_free(padded);
    sodium_free(encoded);
    return pattern;
}

static struct pattern hex_of(struct slice bytes)
{
    char *hex = sodium_malloc(bytes.len * 2 + 1);
    if (!hex)
        UNREACHABLE("there is no memory for a secret");
    sodium_bin2hex(hex, bytes.len * 2 + 1, (const unsigned char *)bytes.ptr, bytes.len);
    struct pattern pattern = pattern_new(PATTERN_HEX, hex, bytes.len * 2);
    sodium_free(hex);
    return pattern;
}

static void add_form(struct pattern *patterns, struct slice bytes)
{
    patterns[0] = pattern_new(PATTERN_BYTES, bytes.ptr, bytes.len);
    patterns[1] = hex_of(bytes);
    for (size_t before = 0; before < 3; before++)
        patterns[2 + before] = base64_of(bytes, before);
}

static size_t escape_json(unsigned char c, char to[static 8])
{
    if (c < 0x20)
        return (size_t)snprintf(to, 8, "\\u%04x", c);
    return (size_t)snprintf(to, 8, c == '"' || c == '\\' ? "\\%c" : "%c", c);
}

static size_t escape_percent(unsigned char c, char to[static 8])
{
    bool plain = c < 0x80 && (isalnum(c) || (c && strchr("-._~", c)));
    return (size_t)snprintf(to, 8, plain ? "%c" : "%%%02X", c);
}

/* The same of the escaped bytes, if they are not what they were. */
static void add_escaped(struct pattern *patterns, struct slice bytes,
                        size_t (*escape)(unsigned char c, char to[static 8]))
{
    char *escaped = sodium_malloc(bytes.len * 6 + 8);
    if (!escaped)
        UNREACHABLE("there is no memory for a secret");
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        char one[8];
        size_t more = escape((unsigned char)bytes.ptr[i], one);
        memcpy(escaped + len, one, more);
        len += more;
    }
    if (len != bytes.len)
        add_form(patterns, (struct slice){escaped, len});
    sodium_free(escaped);
}

static void note_beginnings(struct vault *vault, const struct secret *secret)
{
    for (const char *escape = "%=+\\&"; *escape; escape++)
        vault->begins[(unsigned char)*escape] = true;
    for (size_t i = 0; i < PATTERNS; i++) {
        const struct pattern *pattern = &secret->patterns[i];
        if (!pattern->bytes)
            continue;
        unsigned char first = pattern->bytes[0];
        vault->begins[first] = true;
        if (pattern->kind == PATTERN_HEX)
            vault->begins[toupper(first)] = true;
        if (pattern->kind == PATTERN_BASE64 && (first == '+' || first == '/'))
            vault->begins[first == '+' ? '-' : '_'] = true;
    }
    for (int c = 0; c < 256; c++)
        vault->begins_folded[c] =
            vault->begins_folded[c] || vault->begins[c] || vault->begins[toupper(c)];
}

/* ---- reading ---- */

static void keep_out_of_dumps(void)
{
    struct rlimit limit = {1, 1};
    struct rlimit now;
    if (getrlimit(RLIMIT_CORE, &now) == 0 && now.rlim_max < limit.rlim_max)
        limit.rlim_cur = limit.rlim_max = now.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}

static struct slice keep(struct vault *vault, const char *name, struct slice bytes)
{
    for (size_t i = 0; i < vault->count; i++) {
        const struct pattern *whole = &vault->secrets[i].patterns[0];
        struct slice held = {(const char *)whole->bytes, whole->len};
        if (strcmp(vault->secrets[i].name, name) == 0 && slice_equal(held, bytes))
            return held;
    }
    keep_out_of_dumps();
    vault->secrets = xrealloc(vault->secrets, (vault->count + 1) * sizeof(*vault->secrets));
    struct secret *secret = &vault->secrets[vault->count++];
    *secret = (struct secret){.name = xstrdup(name)};
    add_form(&secret->patterns[0], bytes);
    add_escaped(&secret->patterns[FORM_PATTERNS], bytes, escape_json);
    add_escaped(&secret->patterns[2 * FORM_PATTERNS], bytes, escape_percent);
    note_beginnings(vault, secret);
    return (struct slice){(const char *)secret->patterns[0].bytes, bytes.len};
}

static enum error_code check_mode(const char *name, const char *path, const struct stat *is,
                                  struct error *reterr)
{
    if (!S_ISREG(is->st_mode))
        return error_set(reterr, ERR_DENIED, "secret \"%s\": %s is no regular file", name, path);
    if (is->st_uid != 0 && is->st_uid != geteuid())
        return error_set(reterr, ERR_DENIED,
                         "secret \"%s\": %s belongs to user %u (cure: chown it to root or to user "
                         "%u, who runs this)",
                         name, path, (unsigned)is->st_uid, (unsigned)geteuid());
    if (is->st_mode & (S_IRWXO | S_IRWXG))
        return error_set(reterr, ERR_DENIED,
                         "secret \"%s\": %s has mode %04o: others may read or write it (cure: "
                         "chmod 600 '%s')",
                         name, path, (unsigned)(is->st_mode & 07777), path);
    return ERR_OK;
}

static enum error_code read_file(const char *name, const char *path, char *buffer, size_t *ret_len,
                                 struct error *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(reterr, errno, "secret \"%s\": cannot open %s", name, path);
    struct stat is;
    enum error_code code =
        fstat(fd, &is) != 0
            ? error_set_errno(reterr, errno, "secret \"%s\": cannot look at %s", name, path)
            : check_mode(name, path, &is, reterr);
    size_t len = 0;
    for (ssize_t got = 1; code == ERR_OK && got > 0 && len <= LIMIT_SECRET;) {
        got = read(fd, buffer + len, LIMIT_SECRET + 1 - len);
        if (got < 0)
            code = error_set_errno(reterr, errno, "secret \"%s\": cannot read %s", name, path);
        else
            len += (size_t)got;
    }
    close(fd);
    if (code != ERR_OK)
        return code;
    if (len > 0 && len <= LIMIT_SECRET && buffer[len - 1] == '\n')
        len -= len > 1 && buffer[len - 2] == '\r' ? 2 : 1;
    *ret_len = len;
    return ERR_OK;
}

static enum error_code read_variable(const char *name, const char *variable, char *buffer,
                                     size_t *ret_len, struct error *reterr)
{
    const char *value = getenv(variable);
    if (!value)
        return error_set(reterr, ERR_NOT_FOUND,
                         "secret \"%s\": the variable %s is not set where the host runs", name,
                         variable);
    size_t len = strnlen(value, LIMIT_SECRET + 1);
    memcpy(buffer, value, len);
    *ret_len = len;
    return ERR_OK;
}

enum error_code vault_read(struct vault *vault, const char *name, const char *file,
                           const char *variable, struct slice *ret_bytes, struct error *reterr)
{
    char *buffer = sodium_malloc(LIMIT_SECRET + 1);
    if (!buffer)
        return error_set(reterr, ERR_LIMIT, "secret \"%s\": there is no memory for it", name);
    size_t len = 0;
    enum error_code code = file ? read_file(name, file, buffer, &len, reterr)
                                : read_variable(name, variable, buffer, &len, reterr);
    const char *where = file ? file : variable;
    if (code == ERR_OK && len > LIMIT_SECRET)
        code = error_set(reterr, ERR_LIMIT, "secret \"%s\": %s has more than %u bytes", name, where,
                         LIMIT_SECRET);
    if (code == ERR_OK && len < LIMIT_SECRET_LEAST)
        code = error_set(reterr, ERR_INPUT,
                         "secret \"%s\": %s has %zu bytes; with fewer than %u it could not be told "
                         "from other text, and not be kept out of it",
                         name, where, len, LIMIT_SECRET_LEAST);
    if (code == ERR_OK)
        *ret_bytes = keep(vault, name, (struct slice){buffer, len});
    sodium_free(buffer);
    return code;
}

/* ---- redaction ---- */

static size_t longest(const struct vault *vault, struct slice in, size_t at, bool fold,
                      const char **ret_name, bool *ret_open)
{
    size_t best = 0;
    for (size_t i = 0; i < vault->count; i++)
        for (size_t k = 0; k < PATTERNS; k++) {
            const struct pattern *pattern = &vault->secrets[i].patterns[k];
            size_t len = pattern->bytes ? pattern_match(pattern, in, at, fold, ret_open) : 0;
            if (len > best) {
                best = len;
                *ret_name = vault->secrets[i].name;
            }
        }
    return best;
}

bool vault_redact(const struct vault *vault, struct slice in, bool fold, struct text *out)
{
    size_t copied = 0;
    bool found = false;
    if (vault->count == 0)
        return false;
    const bool *begins = fold ? vault->begins_folded : vault->begins;
    for (size_t at = 0; at < in.len;) {
        const char *name = NULL;
        bool open = false;
        size_t len =
            begins[(unsigned char)in.ptr[at]] ? longest(vault, in, at, fold, &name, &open) : 0;
        if (len == 0) {
            at++;
            continue;
        }
        text_add(out, in.ptr + copied, at - copied);
        text_addf(out, "[secret %s]", name);
        found = true;
        copied = at += len;
    }
    if (found)
        text_add(out, in.ptr + copied, in.len - copied);
    return found;
}

/* How much of the front of a text that goes on can be judged by itself. */
static size_t settled(const struct vault *vault, struct slice in)
{
    size_t at = 0;
    while (vault->count > 0 && at < in.len) {
        const char *name;
        bool open = false;
        size_t len = vault->begins[(unsigned char)in.ptr[at]]
                         ? longest(vault, in, at, false, &name, &open)
                         : 0;
        if (open)
            return at;
        at += len > 0 ? len : 1;
    }
    return in.len;
}

void vault_filter(const struct vault *vault, struct text *held, bool last, struct text *out)
{
    struct slice front = text_slice(held);
    if (!last)
        front.len = settled(vault, front);
    if (!vault_redact(vault, front, false, out))
        text_add(out, front.ptr, front.len);
    held->len -= front.len;
    if (held->len > 0)
        memmove(held->ptr, held->ptr + front.len, held->len);
}

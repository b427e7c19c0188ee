/* SPDX-License-Identifier: Apache-2.0
 *
 * Bearer tokens. A file that holds one belongs to root or to whoever runs the server, others may
 * not read it, and nobody but its owner may write it; it is looked at again when it has changed, so
 * that a token is replaced or withdrawn without a restart. What cannot be read opens nothing.
 */
#include "server/tokens_internal.h"

#include "base/digest.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Shorter ones can be guessed. */
enum { TOKEN_LEAST = 16 };

struct token {
    char *name, *file; /* file NULL = of a variable */
    unsigned scopes;
    bool valid;
    struct digest digest;
    struct stat seen; /* of the file, when it was read */
};

struct tokens {
    struct token *list;
    size_t count;
};

const char *scope_word(enum api_scope scope)
{
    switch (scope) {
    case SCOPE_READ:
        return "read";
    case SCOPE_RUN:
        return "run";
    case SCOPE_ANSWER:
        return "answer";
    case SCOPE_ADMIN:
        return "admin";
    }
    UNREACHABLE("every scope has a word");
}

static unsigned scopes_of(const json_t *list)
{
    unsigned scopes = 0;
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        const char *word = json_string_value(item);
        for (unsigned scope = SCOPE_READ; scope <= SCOPE_ADMIN; scope <<= 1)
            if (strcmp(word, scope_word((enum api_scope)scope)) == 0)
                scopes |= scope;
    }
    if (scopes & SCOPE_ADMIN)
        return SCOPE_ALL;
    return scopes | SCOPE_READ;
}

/* ---- reading ---- */

static enum error_code check_mode(const char *path, const struct stat *is, struct error *reterr)
{
    if (!S_ISREG(is->st_mode))
        return error_set(reterr, ERR_DENIED, "token file %s: it is no regular file", path);
    if (is->st_uid != 0 && is->st_uid != geteuid())
        return error_set(reterr, ERR_DENIED,
                         "token file %s: it belongs to user %u; chown it to root or to the user "
                         "that serves",
                         path, (unsigned)is->st_uid);
    if (is->st_mode & (S_IRWXO | S_IWGRP))
        return error_set(reterr, ERR_DENIED,
                         "token file %s: others may read or write it (mode %03o); chmod 600 it",
                         path, (unsigned)(is->st_mode & 0777));
    return ERR_OK;
}

/* What is between the spaces around it; every byte of it may stand in a header. */
static enum error_code take_value(struct token *token, char *value, struct error *reterr)
{
    size_t start = strspn(value, " \t\r\n"), length = strlen(value + start);
    while (length > 0 && strchr(" \t\r\n", value[start + length - 1]))
        length--;
    struct slice bytes = {value + start, length};
    bool plain = true;
    for (size_t i = 0; i < length; i++)
        plain &= bytes.ptr[i] > ' ' && bytes.ptr[i] < 0x7f;
    if (length < TOKEN_LEAST || !plain)
        return error_set(reterr, ERR_DENIED,
                         "the token of %s: expected one line of at least %d printable characters "
                         "without spaces; make one with `openssl rand -hex 32`",
                         token->file ? token->file : token->name, TOKEN_LEAST);
    token->digest = digest_of(bytes);
    token->valid = true;
    return ERR_OK;
}

static enum error_code read_open(struct token *token, int fd, struct error *reterr)
{
    char value[LIMIT_TOKEN + 1];
    struct stat is;
    if (fstat(fd, &is) != 0)
        return error_set_errno(reterr, errno, "token file %s: cannot be looked at", token->file);
    token->seen = is;
    enum error_code code = check_mode(token->file, &is, reterr);
    if (code != ERR_OK)
        return code;
    ssize_t length = read(fd, value, sizeof(value));
    if (length < 0 || length > (ssize_t)LIMIT_TOKEN)
        return error_set(reterr, ERR_LIMIT, "token file %s: cannot be read, or is longer than %u",
                         token->file, LIMIT_TOKEN);
    value[length] = '\0';
    code = take_value(token, value, reterr);
    sodium_memzero(value, sizeof(value));
    return code;
}

static enum error_code read_file(struct token *token, struct error *reterr)
{
    token->valid = false;
    int fd = open(token->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        token->seen = (struct stat){0};
        return error_set_errno(reterr, errno, "token file %s: cannot be opened", token->file);
    }
    enum error_code code = read_open(token, fd, reterr);
    close(fd);
    return code;
}

static enum error_code read_variable(struct token *token, const char *variable,
                                     struct error *reterr)
{
    const char *value = getenv(variable);
    if (!value)
        return error_set(reterr, ERR_NOT_FOUND,
                         "the manifest names the variable %s for a token, and it is not set",
                         variable);
    AUTO(freep) char *copy = xstrdup(value);
    return take_value(token, copy, reterr);
}

static enum error_code read_token(const struct manifest *manifest, struct token *token,
                                  const json_t *json, struct error *reterr)
{
    const char *file = json_string_value(json_object_get(json, "file"));
    const char *variable = json_string_value(json_object_get(json, "env"));
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *base = file ? strrchr(file, '/') : NULL;
    token->scopes = scopes_of(json_object_get(json, "scopes"));
    token->name = xstrdup(name ? name : base ? base + 1 : file ? file : variable);
    token->file = file ? manifest_resolve(manifest, file) : NULL;
    return file ? read_file(token, reterr) : read_variable(token, variable, reterr);
}

/* Two of one value: who it was would be a matter of order. */
static enum error_code refuse_twins(const struct tokens *tokens, struct error *reterr)
{
    for (size_t i = 0; i < tokens->count; i++)
        for (size_t k = 0; k < i; k++)
            if (digest_equal(&tokens->list[i].digest, &tokens->list[k].digest))
                return error_set(reterr, ERR_DENIED,
                                 "the tokens `%s` and `%s` are the same; make a new one",
                                 tokens->list[k].name, tokens->list[i].name);
    return ERR_OK;
}

enum error_code tokens_new(const struct manifest *manifest, struct tokens **ret_tokens,
                           struct error *reterr)
{
    const json_t *list = json_object_get(manifest->serve, "tokens");
    struct tokens *tokens = xcalloc(1, sizeof(*tokens));
    size_t i;
    const json_t *json;
    enum error_code code = ERR_OK;
    tokens->list = xcalloc(json_array_size(list) + 1, sizeof(*tokens->list));
    json_array_foreach (list, i, json) {
        if (code == ERR_OK)
            code = read_token(manifest, &tokens->list[tokens->count++], json, reterr);
    }
    if (code == ERR_OK)
        code = refuse_twins(tokens, reterr);
    if (code == ERR_OK)
        *ret_tokens = tokens;
    else
        tokens_free(tokens);
    return code;
}

void tokens_free(struct tokens *tokens)
{
    if (!tokens)
        return;
    for (size_t i = 0; i < tokens->count; i++) {
        free(tokens->list[i].name);
        free(tokens->list[i].file);
    }
    free(tokens->list);
    free(tokens);
}

size_t tokens_count(const struct tokens *tokens)
{
    return tokens->count;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

enum error_code tokens_look(struct tokens *tokens, struct error *reterr)
{
    enum error_code first = ERR_OK;
    for (size_t i = 0; i < tokens->count; i++) {
        struct token *token = &tokens->list[i];
        struct stat is = {0};
        struct error err;
        if (!token->file || (stat(token->file, &is) == 0 && same_file(&is, &token->seen)) ||
            (is.st_ino == 0 && token->seen.st_ino == 0))
            continue;
        enum error_code code = read_file(token, &err);
        if (code != ERR_OK && first == ERR_OK)
            first = error_set(reterr, code, "%s; until then it opens nothing", err.text);
    }
    return first;
}

unsigned tokens_admit(const struct tokens *tokens, const char *authorization, const char **ret_who)
{
    static const char scheme[] = "Bearer ";
    unsigned scopes = 0;
    if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return 0;
    const char *value = authorization + sizeof(scheme) - 1;
    value += strspn(value, " ");
    struct digest digest = digest_of(slice_of(value));
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->list[i];
        bool is = sodium_memcmp(digest.bytes, token->digest.bytes, sizeof(digest.bytes)) == 0;
        if (is && token->valid) {
            scopes = token->scopes;
            *ret_who = token->name;
        }
    }
    return scopes;
}

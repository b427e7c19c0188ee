/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents: reading files within their limits, and finding the place of a value again. Which of
 * the two spellings a file is in, its name says, or how it begins.
 */
#include "document/document_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct document {
    char *name;
    char *bytes;
    size_t len;
    bool foreign; /* see document_load_foreign */
    json_t *root;
    struct places places;
};

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static bool begins_as_json(struct slice text)
{
    size_t at = 0;
    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4))
        at++;
    return at < text.len && memchr("{[\"", text.ptr[at], 3);
}

/* Every JSON text is YAML, but libyaml knows neither pairs of surrogates nor keys of more than 1024
 * characters: what looks like JSON is read as JSON, and as YAML only if it is none. Where no name
 * says that it is YAML, the complaint is then JSON's. */
static enum error_code read_unnamed(struct document *d, struct error *reterr)
{
    const char *name = strcmp(d->name, "-") == 0 ? "standard input" : d->name;
    struct error no_json;
    bool json = begins_as_json(document_text(d));
    if (json && json_read_places(document_text(d), name, &d->places, &d->root, &no_json) == ERR_OK)
        return ERR_OK;
    places_done(&d->places);
    d->places = (struct places){0};
    enum error_code e = yaml_read(document_text(d), name, d->foreign, &d->places, &d->root, reterr);
    if (!e || !json || ends_in(d->name, ".yaml") || ends_in(d->name, ".yml"))
        return e;
    if (reterr)
        *reterr = no_json;
    return no_json.code;
}

/* Takes the bytes over. */
static enum error_code parse(char *bytes, size_t len, const char *name, bool foreign,
                             struct document **ret_document, struct error *reterr)
{
    AUTO(document_freep) struct document *d = xcalloc(1, sizeof(*d));
    d->name = xstrdup(name);
    d->bytes = bytes;
    d->len = len;
    d->foreign = foreign;
    enum error_code e = ends_in(name, ".json")
                            ? json_read_places(document_text(d), name, &d->places, &d->root, reterr)
                            : read_unnamed(d, reterr);
    if (e)
        return e;
    places_sort(&d->places);
    *ret_document = TAKE(d);
    return ERR_OK;
}

static enum error_code load(const char *path, bool foreign, struct document **ret_document,
                            struct error *reterr)
{
    char *bytes;
    size_t len;
    enum error_code e = document_read_file(path, LIMIT_FILE, &bytes, &len, reterr);
    return e ? e : parse(bytes, len, path, foreign, ret_document, reterr);
}

enum error_code document_load(const char *path, struct document **ret_document,
                              struct error *reterr)
{
    return load(path, false, ret_document, reterr);
}

enum error_code document_load_foreign(const char *path, struct document **ret_document,
                                      struct error *reterr)
{
    return load(path, true, ret_document, reterr);
}

enum error_code document_parse(struct slice text, const char *name, struct document **ret_document,
                               struct error *reterr)
{
    if (text.len > LIMIT_FILE)
        return error_set(reterr, ERR_LIMIT,
                         "%s: %zu bytes, where at most %u are allowed (LIMIT_FILE)", name, text.len,
                         LIMIT_FILE);
    return parse(xstrndup(text.ptr, text.len), text.len, name, false, ret_document, reterr);
}

void document_free(struct document *d)
{
    if (!d)
        return;
    json_decref(d->root);
    places_done(&d->places);
    free(d->name);
    free(d->bytes);
    free(d);
}

void document_freep(struct document **d)
{
    document_free(*d);
}

json_t *document_root(const struct document *d)
{
    return d->root;
}

const char *document_name(const struct document *d)
{
    return d->name;
}

struct slice document_text(const struct document *d)
{
    return (struct slice){d->bytes, d->len};
}

struct position document_where(const struct document *d, const char *pointer)
{
    return places_locate(&d->places, pointer)->value;
}

struct position document_where_key(const struct document *d, const char *pointer)
{
    return places_locate(&d->places, pointer)->key;
}

/* The byte at a position; the end of the text if there is none. */
static size_t offset_of_position(struct slice text, struct position at)
{
    size_t offset = 0;
    for (int line = 1; line < at.line && offset < text.len; offset++)
        line += text.ptr[offset] == '\n';
    for (int column = 1; offset < text.len; offset++) {
        bool starts = ((unsigned char)text.ptr[offset] & 0xC0) != 0x80;
        if (starts && column++ == at.column)
            break;
    }
    return offset;
}

struct position document_where_in(const struct document *d, const char *pointer, int column)
{
    struct position start = document_where(d, pointer), at = start;
    struct slice text = document_text(d);
    size_t offset = offset_of_position(text, start);
    char quote = offset < text.len ? text.ptr[offset] : '\n';
    if (quote == '|' || quote == '>' || quote == '&' || quote == '!' || quote == '*')
        return start;
    if (quote == '"' || quote == '\'') {
        offset++;
        at.column++;
    }
    for (; column > 1; column--, at.column++) {
        char c = offset < text.len ? text.ptr[offset] : '\n';
        if (c == '\n' || (quote == '"' && c == '\\') || (quote == '\'' && c == '\''))
            return start;
        for (offset++; offset < text.len && ((unsigned char)text.ptr[offset] & 0xC0) == 0x80;)
            offset++;
    }
    return at;
}

/* ---- Files ---- */

/* Reads until the end or one byte past the maximum. */
static enum error_code read_all(int fd, const char *path, size_t maximum, struct text *out,
                                struct error *reterr)
{
    char *chunk = xmalloc(1 << 16);
    ssize_t got;
    while ((got = read(fd, chunk, 1 << 16)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || !text_add(out, chunk, (size_t)got))
            break;
    }
    int saved = errno;
    free(chunk);
    if (got < 0)
        return error_set_errno(reterr, saved, "cannot read %s", path);
    if (got > 0)
        return error_set(reterr, ERR_LIMIT, "%s: more than the %zu bytes that are allowed (%s)",
                         path, maximum, maximum == LIMIT_FILE ? "LIMIT_FILE" : "LIMIT_PAYLOAD");
    return ERR_OK;
}

enum error_code document_read_file(const char *path, size_t maximum, char **ret_text,
                                   size_t *ret_len, struct error *reterr)
{
    bool standard = strcmp(path, "-") == 0;
    AUTO(text_done) struct text bytes;
    text_init(&bytes, maximum);
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int saved = errno;
        error_set_errno(reterr, saved, "cannot open %s", path);
        if (reterr && (saved == ENOENT || saved == ENOTDIR))
            reterr->code = ERR_NOT_FOUND;
        return saved == ENOENT || saved == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    }
    enum error_code e = read_all(fd, standard ? "standard input" : path, maximum, &bytes, reterr);
    if (!standard)
        close(fd);
    if (e)
        return e;
    *ret_len = bytes.len;
    *ret_text = text_take(&bytes);
    return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that a flow is made of: itself, the schemas it refers to, and other flows with theirs.
 * Each has one name, its path from the folder of the outermost flow, which none may leave, symbolic
 * links included. By these names a run keeps their texts, and is compiled from the texts alone when
 * it goes on.
 */
#include "flow/flow_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

char *folder_join(const char *from, struct slice reference)
{
    AUTO(text_done) struct text out;
    text_init(&out, PATH_MAX);
    const char *slash = from ? strrchr(from, '/') : NULL;
    if (slash)
        text_add(&out, from, (size_t)(slash - from));
    for (size_t at = 0; at <= reference.len;) {
        const char *start = reference.ptr + at;
        const char *end = memchr(start, '/', reference.len - at);
        struct slice name = {start, end ? (size_t)(end - start) : reference.len - at};
        at += name.len + 1;
        if (name.len == 0 || slice_is(name, "."))
            continue;
        if (!slice_is(name, "..")) {
            text_adds(&out, out.len ? "/" : "");
            text_add(&out, name.ptr, name.len);
            continue;
        }
        if (out.len == 0)
            return NULL;
        while (out.len > 0 && out.ptr[--out.len] != '/')
            ;
        out.ptr[out.len] = '\0';
    }
    return out.overflowed || out.len == 0 ? NULL : text_take(&out);
}

char *folder_shown(const struct family *family, const char *relative)
{
    const char *slash = strrchr(family->path, '/');
    return xasprintf("%.*s%s", slash ? (int)(slash - family->path + 1) : 0, family->path, relative);
}

bool folder_find(struct family *family)
{
    char resolved[PATH_MAX];
    if (family->folder)
        return true;
    if (!realpath(family->path, resolved))
        return false;
    *strrchr(resolved, '/') = '\0';
    family->folder = xstrdup(resolved);
    return true;
}

static enum error_code kept(const struct family *family, const char *relative, const char *shown,
                            struct document **ret_document, struct error *reterr)
{
    const json_t *text = json_object_get(family->options->files, relative);
    if (!json_is_string(text))
        return error_set(reterr, ERR_NOT_FOUND, "%s was not kept with the flow", shown);
    return document_parse((struct slice){json_string_value(text), json_string_length(text)}, shown,
                          ret_document, reterr);
}

enum error_code folder_open(struct family *family, const char *relative, const char *shown,
                            struct document **ret_document, struct error *reterr)
{
    char resolved[PATH_MAX];
    if (family->options->files)
        return kept(family, relative, shown, ret_document, reterr);
    if (!folder_find(family))
        return error_set(reterr, ERR_NOT_FOUND, "the flow's folder cannot be found");
    AUTO(freep) char *path = xasprintf("%s/%s", family->folder, relative);
    if (!realpath(path, resolved))
        return error_set(reterr, ERR_NOT_FOUND, "there is no file %s", shown);
    size_t length = strlen(family->folder);
    if (strncmp(resolved, family->folder, length) != 0 || resolved[length] != '/')
        return error_set(reterr, ERR_DENIED, "%s is a link to a file outside the flow's folder",
                         shown);
    return document_load(shown, ret_document, reterr);
}

enum error_code folder_open_first(struct family *family, struct document **ret_document,
                                  struct error *reterr)
{
    return family->options->files ? kept(family, "", family->path, ret_document, reterr)
                                  : document_load(family->path, ret_document, reterr);
}

void folder_keep(struct family *family, const char *name, const struct document *document)
{
    struct slice text = document_text(document);
    json_object_set_new(family->files, name, json_stringn(text.ptr, text.len));
}

/* ---- What a run pins ---- */

static int compare_pins(const void *left, const void *right)
{
    return strcmp(((const struct pin *)left)->name, ((const struct pin *)right)->name);
}

void pins_add(struct pins *pins, const char *name, struct digest digest)
{
    for (size_t i = 0; i < pins->count; i++)
        if (strcmp(pins->list[i].name, name) == 0)
            return;
    pins->list = xrealloc(pins->list, (pins->count + 1) * sizeof(*pins->list));
    pins->list[pins->count++] = (struct pin){xstrdup(name), digest};
}

void pins_done(struct pins *pins)
{
    for (size_t i = 0; i < pins->count; i++)
        free(pins->list[i].name);
    free(pins->list);
    *pins = (struct pins){0};
}

struct digest pins_digest(struct pins *pins, struct slice own)
{
    struct digest first = digest_of(own);
    size_t count = 1 + 2 * pins->count;
    struct slice *parts = xcalloc(count, sizeof(*parts));
    if (pins->count)
        qsort(pins->list, pins->count, sizeof(*pins->list), compare_pins);
    parts[0] = (struct slice){(const char *)first.bytes, DIGEST_SIZE};
    for (size_t i = 0; i < pins->count; i++) {
        parts[1 + 2 * i] = slice_of(pins->list[i].name);
        parts[2 + 2 * i] = (struct slice){(const char *)pins->list[i].digest.bytes, DIGEST_SIZE};
    }
    struct digest digest = digest_of_parts(parts, count);
    free(parts);
    return digest;
}

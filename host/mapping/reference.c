/* SPDX-License-Identifier: Apache-2.0
 *
 * What an expression reads of the outputs of steps. While names are bound, each value that is
 * certain to be a part of one output carries the path of that part, through `|` and into map(…); a
 * path becomes a reference when something reads all that is there. Where the path is not known to
 * the last hop, the reference is to more than is read, never to less.
 */
#include "mapping/mapping_internal.h"

#include <stdlib.h>
#include <string.h>

static struct reference_path *path_add(struct reference_paths *paths, struct reference_path path)
{
    if ((paths->count & (paths->count - 1)) == 0)
        paths->list =
            xrealloc(paths->list, (paths->count ? 2 * paths->count : 1) * sizeof(*paths->list));
    struct reference_path *added = xmalloc(sizeof(*added));
    *added = path;
    paths->list[paths->count++] = added;
    return added;
}

struct reference_path *reference_path_new(struct reference_paths *paths, const struct node *step,
                                          bool guarded)
{
    return path_add(paths, (struct reference_path){.step = step->as.step.index,
                                                   .status = step->as.step.status,
                                                   .guarded = guarded,
                                                   .pointer = xstrdup(""),
                                                   .at = step->source.ptr});
}

/* The path with `below` at its end; the path itself, if it would be over its limit. */
static struct reference_path *path_below(struct reference_paths *paths, struct reference_path *path,
                                         const struct text *below)
{
    if (path->status || below->overflowed ||
        strlen(path->pointer) + below->len > LIMIT_REFERENCE_PATH)
        return path;
    path->used = true;
    struct reference_path longer = *path;
    longer.used = longer.read = false;
    longer.pointer = xasprintf("%s%s", path->pointer, text_str(below));
    return path_add(paths, longer);
}

static void add_escaped(struct text *pointer, const struct hop *hop)
{
    for (size_t i = 0; i < hop->length; i++) {
        if (hop->key[i] == '~' || hop->key[i] == '/')
            text_adds(pointer, hop->key[i] == '~' ? "~0" : "~1");
        else
            text_addc(pointer, hop->key[i]);
    }
}

struct reference_path *reference_path_below(struct reference_paths *paths,
                                            struct reference_path *path, const struct hops *hops)
{
    if (!path || hops->count == 0)
        return path;
    AUTO(text_done) struct text below;
    text_init(&below, LIMIT_REFERENCE_PATH);
    for (size_t i = 0; i < hops->count; i++) {
        text_addc(&below, '/');
        if (hops->list[i].key)
            add_escaped(&below, &hops->list[i]);
        else
            text_addc(&below, '*');
    }
    return path_below(paths, path, &below);
}

struct reference_path *reference_path_item(struct reference_paths *paths,
                                           struct reference_path *path)
{
    struct hop item = {.key = NULL};
    return reference_path_below(paths, path, &(struct hops){&item, 1});
}

void reference_path_read(struct reference_path *path)
{
    if (path)
        path->used = path->read = true;
}

static int compare_paths(const void *left, const void *right)
{
    const struct reference_path *a = *(struct reference_path *const *)left;
    const struct reference_path *b = *(struct reference_path *const *)right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return strcmp(a->pointer, b->pointer);
}

/* Hands the pointer over to the mapping. */
static enum error_code add_reference(struct mapping *mapping, struct reference_path *path,
                                     struct error *reterr)
{
    mapping->references_size += strlen(path->pointer);
    if (mapping->references_size > LIMIT_TEXT_RESULT)
        return error_set(reterr, ERR_LIMIT,
                         "the mapping reads paths of over %u bytes together (LIMIT_TEXT_RESULT)",
                         LIMIT_TEXT_RESULT);
    size_t count = mapping->reference_count++;
    if ((count & (count - 1)) == 0)
        mapping->references =
            xrealloc(mapping->references, (count ? 2 * count : 1) * sizeof(*mapping->references));
    mapping->references[count] = (struct mapping_reference){
        .step = path->step, .status = path->status, .guarded = path->guarded};
    mapping->references[count].path = TAKE(path->pointer);
    return ERR_OK;
}

/* Drops what is not read as a whole, and what is there twice. */
static void keep_read(struct reference_paths *paths)
{
    size_t kept = 0;
    for (size_t i = 0; i < paths->count; i++) {
        struct reference_path *path = paths->list[i];
        if (path->read && (kept == 0 || compare_paths(&paths->list[kept - 1], &path) != 0)) {
            paths->list[kept++] = path;
        } else {
            free(path->pointer);
            free(path);
        }
    }
    paths->count = kept;
}

enum error_code reference_paths_finish(struct reference_paths *paths, struct mapping *mapping,
                                       struct error *reterr)
{
    if (paths->count > 0)
        qsort(paths->list, paths->count, sizeof(*paths->list), compare_paths);
    keep_read(paths);
    enum error_code code = ERR_OK;
    for (size_t i = 0; i < paths->count; i++) {
        if (code == ERR_OK)
            code = add_reference(mapping, paths->list[i], reterr);
        free(paths->list[i]->pointer);
        free(paths->list[i]);
    }
    free(paths->list);
    *paths = (struct reference_paths){NULL, 0};
    return code;
}

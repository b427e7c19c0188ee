/* SPDX-License-Identifier: Apache-2.0
 *
 * The world's ledger: each act by its key, and how often it really happened. In a file it is one
 * line an act, written at once and never again, so that it says what happened whenever the host was
 * killed; it is the world, and no host's memory.
 */
#include "rehearsal/rehearsal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct act *find(const struct world *world, const char *key)
{
    for (size_t i = 0; i < world->count; i++)
        if (strcmp(world->acts[i].key, key) == 0)
            return &world->acts[i];
    return NULL;
}

const struct act *world_find(const struct world *world, const char *key)
{
    return find(world, key);
}

static void note(struct world *world, const char *key, const char *name, const char *path,
                 bool same_key, const json_t *result)
{
    struct act *act = find(world, key);
    if (!act) {
        world->acts = xrealloc(world->acts, (world->count + 1) * sizeof(*world->acts));
        act = &world->acts[world->count++];
        *act = (struct act){.key = xstrdup(key),
                            .name = xstrdup(name),
                            .path = xstrdup(path),
                            .same_key = same_key,
                            .result = json_incref((json_t *)result)};
    }
    if (!same_key || act->times == 0)
        act->times++;
}

static void note_line(struct world *world, const json_t *line)
{
    const char *key = json_string_value(json_object_get(line, "key"));
    const char *name = json_string_value(json_object_get(line, "name"));
    const char *path = json_string_value(json_object_get(line, "path"));
    if (key && name && path)
        note(world, key, name, path, json_is_true(json_object_get(line, "same_key")),
             json_object_get(line, "result"));
}

enum error_code world_open(struct world *world, const char *file, struct error *reterr)
{
    AUTO(freep) char *line = NULL;
    size_t room = 0;
    ssize_t length;
    *world = (struct world){.file = file};
    FILE *in = file ? fopen(file, "re") : NULL;
    if (file && !in && errno != ENOENT)
        return error_set_errno(reterr, errno, "%s", file);
    while (in && (length = getline(&line, &room, in)) > 0) {
        AUTO(json_decrefp) json_t *json = NULL;
        struct slice text = {line, (size_t)length - (line[length - 1] == '\n')};
        if (json_read_own(text, &json, NULL) == ERR_OK)
            note_line(world, json);
    }
    if (in)
        fclose(in);
    return ERR_OK;
}

void world_done(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        free(world->acts[i].key);
        free(world->acts[i].name);
        free(world->acts[i].path);
        json_decref(world->acts[i].result);
    }
    free(world->acts);
}

static void write_line(const char *file, const json_t *line)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    json_write(line, &text);
    text_addc(&text, '\n');
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t written = fd >= 0 ? write(fd, text.ptr, text.len) : -1;
    ASSERT(written == (ssize_t)text.len); /* a folder of our own */
    close(fd);
}

void world_act(struct world *world, const char *key, const char *name, const char *path,
               bool same_key, const json_t *result)
{
    note(world, key, name, path, same_key, result);
    if (!world->file)
        return;
    json_t *line = json_pack("{s:s, s:s, s:s, s:b, s:O}", "key", key, "name", name, "path", path,
                             "same_key", (int)same_key, "result", result ? result : json_null());
    write_line(world->file, line);
    json_decref(line);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin wants of others. Its libraries are looked for where the dynamic loader would look
 * (the plugin's own search path, the folders of /etc/ld.so.conf, the system's), and theirs in turn;
 * what they define is gathered, and each name that the plugin cannot do without must be there. So a
 * symbol that the host was to bring is found before the first call meets it. Nothing is loaded.
 */
#include "base/map.h"
#include "conformance/image_internal.h"
#include "conformance/kit_internal.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIBRARIES_MAX = 256, FOLDERS_MAX = 64, INCLUDE_DEPTH = 4, NAMES_SHOWN = 5 };

struct search {
    char *folders[FOLDERS_MAX];
    size_t folder_count;
    struct map defined, seen; /* names of symbols; of libraries */
    char *queue[LIBRARIES_MAX];
    size_t queued;
};

static void add_folder(struct search *s, const char *folder)
{
    if (*folder == '/' && s->folder_count < FOLDERS_MAX)
        s->folders[s->folder_count++] = xstrdup(folder);
}

static void read_configuration(struct search *s, const char *pattern, int depth)
{
    glob_t files;
    if (depth > INCLUDE_DEPTH || glob(pattern, 0, NULL, &files) != 0)
        return;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *in = fopen(files.gl_pathv[i], "re");
        char line[1024], word[1000];
        while (in && fgets(line, sizeof(line), in)) {
            line[strcspn(line, "#\n")] = '\0';
            if (sscanf(line, " include %999s", word) == 1)
                read_configuration(s, word, depth + 1);
            else if (sscanf(line, " %999s", word) == 1)
                add_folder(s, word);
        }
        if (in)
            fclose(in);
    }
    globfree(&files);
}

/* A search path's $ORIGIN is the folder of the file that says it. */
static void add_search_paths(struct search *s, const struct image *image)
{
    const char *slash = strrchr(image->path, '/');
    AUTO(freep)
    char *origin = slash ? xstrndup(image->path, (size_t)(slash - image->path)) : xstrdup(".");
    AUTO(freep) char *whole = realpath(*origin ? origin : "/", NULL);
    for (size_t i = 0; i < image->search_count; i++) {
        AUTO(freep) char *list = xstrdup(image->search[i]);
        char *rest = list, *one;
        while ((one = strsep(&rest, ":")) != NULL) {
            size_t skip = strncmp(one, "$ORIGIN", 7) == 0     ? 7
                          : strncmp(one, "${ORIGIN}", 9) == 0 ? 9
                                                              : 0;
            AUTO(freep) char *folder = xasprintf("%s%s", skip && whole ? whole : "", one + skip);
            add_folder(s, folder);
        }
    }
}

static char *find_library(const struct search *s, const char *name)
{
    if (strchr(name, '/'))
        return access(name, R_OK) == 0 ? xstrdup(name) : NULL;
    for (size_t i = 0; i < s->folder_count; i++) {
        AUTO(freep) char *path = xasprintf("%s/%s", s->folders[i], name);
        if (access(path, R_OK) == 0)
            return TAKE(path);
    }
    return NULL;
}

static void note_defined(void *user, const char *name, bool defined, bool weak)
{
    struct search *s = user;
    (void)weak;
    if (defined)
        map_put(&s->defined, slice_of(name), s);
}

static bool queue_needed(struct search *s, const struct image *image, const char **ret_missing)
{
    for (size_t i = 0; i < image->needed_count; i++) {
        if (map_put(&s->seen, slice_of(image->needed[i]), s) || s->queued == LIBRARIES_MAX)
            continue;
        char *path = find_library(s, image->needed[i]);
        if (!path) {
            *ret_missing = image->needed[i];
            return false;
        }
        s->queue[s->queued++] = path;
    }
    return true;
}

/* The libraries of the plugin, and theirs. */
static bool gather(struct kit *kit, struct search *s, const struct image *plugin)
{
    const char *missing = NULL;
    if (!queue_needed(s, plugin, &missing)) {
        kit_break(kit, CHECK_LIBRARIES, plugin->path, "each library that it needs (DT_NEEDED)",
                  "%s is in none of %zu folders", missing, s->folder_count);
        return false;
    }
    for (size_t i = 0; i < s->queued; i++) {
        struct image library = {.fd = -1};
        struct error err;
        if (image_open(s->queue[i], &library, &err) != ERR_OK)
            continue; /* a linker script of that name: it defines nothing */
        image_symbols(&library, note_defined, s);
        bool found = queue_needed(s, &library, &missing);
        if (!found)
            kit_break(kit, CHECK_LIBRARIES, s->queue[i], "each library that it needs (DT_NEEDED)",
                      "%s is in none of %zu folders", missing, s->folder_count);
        image_done(&library);
        if (!found)
            return false;
    }
    return true;
}

struct wanted {
    struct search *search;
    struct text missing;
    size_t count;
};

/* What a sanitizer's build imports comes with the sanitizer. */
static bool is_of_a_sanitizer(const char *name)
{
    static const char *const starts[] = {"__asan_", "__ubsan_",     "__tsan_",  "__msan_",
                                         "__lsan_", "__sanitizer_", "__sancov_"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void note_wanted(void *user, const char *name, bool defined, bool weak)
{
    struct wanted *w = user;
    if (defined || weak || is_of_a_sanitizer(name) || map_get(&w->search->defined, slice_of(name)))
        return;
    if (w->count++ < NAMES_SHOWN)
        text_addf(&w->missing, "%s%s", w->count > 1 ? ", " : "", name);
}

void imports_check(struct kit *kit, const struct image *image)
{
    struct search s = {.folder_count = 0};
    add_search_paths(&s, image);
    read_configuration(&s, "/etc/ld.so.conf", 0);
    static const char *const system[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib"};
    for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++)
        add_folder(&s, system[i]);
    if (gather(kit, &s, image)) {
        kit_hold(kit, CHECK_LIBRARIES);
        struct wanted w = {.search = &s};
        text_init(&w.missing, 2000);
        image_symbols(image, note_wanted, &w);
        if (w.count > 0)
            kit_break(kit, CHECK_IMPORTS, image->path, "every name defined by a library it needs",
                      "%zu that none defines: %s%s", w.count, text_str(&w.missing),
                      w.count > NAMES_SHOWN ? ", …" : "");
        else
            kit_hold(kit, CHECK_IMPORTS);
        text_done(&w.missing);
    }
    for (size_t i = 0; i < s.folder_count; i++)
        free(s.folders[i]);
    for (size_t i = 0; i < s.queued; i++)
        free(s.queue[i]);
    map_done(&s.defined);
    map_done(&s.seen);
}

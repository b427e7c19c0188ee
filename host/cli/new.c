/* SPDX-License-Identifier: Apache-2.0
 *
 * seam new: a tree to begin with. The trees are files that anybody can read, in
 * share/seam/templates beside this program's bin/; a name takes the place of @NAME@ in them. What
 * is made is built, tested and verified as it stands. Nothing is ever written over: the folder must
 * not be there. Signatures of C functions are made by a program beside this one, seam-ffi.
 */
#include "cli/cli_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_LENGTH_MAX = 64, DEPTH_MAX = 8 };

struct making {
    const char *name;   /* of what is made, and of its folder */
    const char *source; /* the file in which the work is done; "" in a flow */
    char *prefix;       /* where this program is installed */
    char *folder;       /* what is made, by its absolute path */
};

static const struct language {
    const char *name, *templates, *source;
} languages[] = {
    {"c", "plugin-c", "plugin.c"},
    {"cpp", "plugin-cpp", "plugin.cpp"},
    {"rust", "plugin-rust", "plugin.rs"},
};

/* ---- where things are ---- */

/* The folder above bin/; the caller frees. */
static char *own_prefix(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = '\0';
    }
    return xstrdup(path);
}

/* Where the plugins lie that come with this program: installed, or in its build folder. */
static char *own_plugins(const struct making *making)
{
    AUTO(freep) char *installed = xasprintf("%s/lib/seam/plugins", making->prefix);
    return access(installed, F_OK) == 0 ? xstrdup(installed)
                                        : xasprintf("%s/plugins", making->prefix);
}

/* ---- copying ---- */

/* The text with each @WORD@ that is known replaced. */
static void fill(const struct making *making, struct slice text, struct text *out)
{
    AUTO(freep) char *plugins = own_plugins(making);
    const struct {
        const char *word, *value;
    } words[] = {{"@NAME@", making->name},
                 {"@SOURCE@", making->source},
                 {"@PLUGINS@", plugins},
                 {"@FOLDER@", making->folder}};
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++)
        for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
            size_t len = strlen(words[w].word);
            if (text.len - i < len || memcmp(text.ptr + i, words[w].word, len) != 0)
                continue;
            text_add(out, text.ptr + from, i - from);
            text_adds(out, words[w].value);
            from = i + len;
            i = from - 1;
            break;
        }
    text_add(out, text.ptr + from, text.len - from);
}

static enum error_code read_template(const char *path, struct text *ret_text, struct error *reterr)
{
    char chunk[8192];
    size_t count;
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set_errno(reterr, errno, "%s", path);
    while ((count = fread(chunk, 1, sizeof(chunk), file)) > 0)
        text_add(ret_text, chunk, count);
    bool bad = ferror(file);
    fclose(file);
    return bad ? error_set_errno(reterr, EIO, "%s", path) : ERR_OK;
}

static enum error_code write_new(const char *path, const struct text *text, mode_t mode,
                                 struct error *reterr)
{
    FILE *file = fopen(path, "wxe");
    if (!file)
        return error_set_errno(reterr, errno, "%s", path);
    bool written = fwrite(text->ptr, 1, text->len, file) == text->len;
    bool marked = !(mode & S_IXUSR) || fchmod(fileno(file), 0755) == 0;
    bool closed = fclose(file) == 0;
    return written && marked && closed ? ERR_OK : error_set_errno(reterr, errno, "%s", path);
}

static enum error_code copy_file(const struct making *making, const char *from, const char *to,
                                 mode_t mode, struct error *reterr)
{
    AUTO(text_done) struct text raw;
    AUTO(text_done) struct text filled;
    text_init(&raw, SIZE_MAX / 2);
    text_init(&filled, SIZE_MAX / 2);
    enum error_code code = read_template(from, &raw, reterr);
    if (code != ERR_OK)
        return code;
    fill(making, (struct slice){text_str(&raw), raw.len}, &filled);
    return write_new(to, &filled, mode, reterr);
}

static enum error_code copy_tree(const struct making *making, const char *from, const char *to,
                                 int depth, struct error *reterr);

static enum error_code copy_entry(const struct making *making, const char *from, const char *to,
                                  const char *name, int depth, struct error *reterr)
{
    struct stat about;
    AUTO(freep) char *source = xasprintf("%s/%s", from, name);
    AUTO(freep)
    char *target = xasprintf("%s/%s", to, strcmp(name, "gitignore") == 0 ? ".gitignore" : name);
    if (stat(source, &about) != 0)
        return error_set_errno(reterr, errno, "%s", source);
    if (!S_ISDIR(about.st_mode))
        return copy_file(making, source, target, about.st_mode, reterr);
    if (mkdir(target, 0777) != 0 && errno != EEXIST)
        return error_set_errno(reterr, errno, "%s", target);
    return copy_tree(making, source, target, depth + 1, reterr);
}

static enum error_code copy_tree(const struct making *making, const char *from, const char *to,
                                 int depth, struct error *reterr)
{
    const struct dirent *entry;
    enum error_code code = ERR_OK;
    DIR *folder = depth < DEPTH_MAX ? opendir(from) : NULL;
    if (!folder)
        return error_set(reterr, ERR_NOT_FOUND,
                         "%s: no templates are there; they are installed with the headers for "
                         "plugins (package seam-plugin-dev)",
                         from);
    while (code == ERR_OK && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            code = copy_entry(making, from, to, entry->d_name, depth, reterr);
    closedir(folder);
    return code;
}

/* Copies the named trees of templates, one over the other, into a new folder. */
static enum error_code make(const struct making *making, const char *const *trees,
                            struct error *reterr)
{
    AUTO(freep) char *templates = xasprintf("%s/share/seam/templates", making->prefix);
    enum error_code code = ERR_OK;
    if (access(templates, F_OK) != 0)
        return error_set(reterr, ERR_NOT_FOUND,
                         "%s: no templates are there; they are installed with the headers for "
                         "plugins (package seam-plugin-dev)",
                         templates);
    if (mkdir(making->name, 0777) != 0)
        return errno == EEXIST
                   ? error_set(reterr, ERR_EXISTS,
                               "%s is there already; nothing is written over it", making->name)
                   : error_set_errno(reterr, errno, "%s", making->name);
    for (; code == ERR_OK && *trees; trees++) {
        AUTO(freep) char *from = xasprintf("%s/%s", templates, *trees);
        code = copy_tree(making, from, making->name, 0, reterr);
    }
    return code;
}

/* ---- the command ---- */

/* What is a folder, a flow, an alias and the end of a plugin's id at once. */
static bool good_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return name[length] == '\0' && length > 0 && length <= NAME_LENGTH_MAX && name[0] >= 'a' &&
           name[0] <= 'z' && name[length - 1] != '-';
}

/* This program, as whoever called it can call it again. */
static const char *own_name(const struct making *making, char **ret_made)
{
    const char *path = getenv("PATH");
    AUTO(freep) char *folder = xasprintf("%s/bin", making->prefix);
    size_t len = strlen(folder);
    for (const char *p = path; p && *p; p += strcspn(p, ":"), p += *p == ':')
        if (strcspn(p, ":") == len && strncmp(p, folder, len) == 0)
            return "seam";
    return *ret_made = xasprintf("%s/seam", folder);
}

static int tell(const struct args *args, const struct making *making, bool plugin)
{
    AUTO(freep) char *path = NULL;
    const char *seam = own_name(making, &path), *name = making->name;
    if (args->json) {
        print_json(json_pack("{s:s}", "made", name));
        return EXIT_DONE;
    }
    printf("%s/ is made; README.md there tells what is what. Next:\n\n", name);
    if (plugin) {
        AUTO(freep) char *which = path ? xasprintf(" SEAM=%s", seam) : xstrdup("");
        printf("  cd %s\n  make test%s\n  make verify%s\n  %s dev %s.so\n", name, which, which,
               seam, name);
    } else {
        printf("  cd %s\n  %s check flow.yaml\n  %s test flow.yaml\n  %s run flow.yaml --input "
               "input.json\n",
               name, seam, seam, seam);
    }
    return EXIT_DONE;
}

static int new_plugin(const struct args *args, struct making *making)
{
    struct error err;
    const char *lang = args_option(args, "--lang");
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        if (strcmp(languages[i].name, lang ? lang : "c") != 0)
            continue;
        const char *const trees[] = {"plugin", languages[i].templates, NULL};
        making->source = languages[i].source;
        return make(making, trees, &err) == ERR_OK ? tell(args, making, true)
                                                   : report_error(args, &err);
    }
    return complain(EXIT_USAGE, "new: --lang %s: expected c, cpp or rust", lang);
}

/* An agent that stands in a manifest. Each kind is a tree of its own. */
static int new_agent(const struct args *args, struct making *making)
{
    struct error err;
    const char *kind = args_option(args, "--kind");
    if (!kind || !good_name(kind) || args_flag(args, "--lang"))
        return complain(EXIT_USAGE, "new: an agent wants --kind exec, human, llm, mcp or http");
    AUTO(freep) char *tree = xasprintf("agent-%s", kind);
    AUTO(freep) char *path = xasprintf("%s/share/seam/templates/%s", making->prefix, tree);
    AUTO(freep) char *templates = xasprintf("%s/share/seam/templates", making->prefix);
    if (access(templates, F_OK) == 0 && access(path, F_OK) != 0)
        return complain(EXIT_USAGE, "new: --kind %s: there is no such kind in %s", kind, templates);
    const char *const trees[] = {tree, NULL};
    if (make(making, trees, &err) != ERR_OK)
        return report_error(args, &err);
    AUTO(freep) char *made = NULL;
    const char *seam = own_name(making, &made);
    if (args->json)
        print_json(json_pack("{s:s}", "made", making->name));
    else
        printf("%s/ is made; README.md there tells what is what. Next:\n\n  cd %s\n  %s check "
               "flow.yaml\n  %s run flow.yaml --input input.json\n",
               making->name, making->name, seam, seam);
    return EXIT_DONE;
}

static int new_flow(const struct args *args, struct making *making)
{
    static const char *const trees[] = {"flow", NULL};
    struct error err;
    if (args_flag(args, "--lang"))
        return complain(EXIT_USAGE, "new: --lang is for plugins; a flow is YAML");
    return make(making, trees, &err) == ERR_OK ? tell(args, making, false)
                                               : report_error(args, &err);
}

/* Hands the options on, and becomes that program. */
static int new_ffi(const struct args *args, const struct making *making)
{
    AUTO(freep) char *program = xasprintf("%s/bin/seam-ffi", making->prefix);
    if (args->operand_count > 1 || args_flag(args, "--lang"))
        return complain(EXIT_USAGE, "new: ffi takes --lib, --function and --header, and no name");
    AUTO(freep) const char **words = xcalloc((size_t)args->given_count * 2 + 2, sizeof(*words));
    size_t count = 0;
    words[count++] = "seam-ffi";
    for (int i = 0; i < args->given_count; i++) {
        if (!args->given[i].value)
            continue;
        words[count++] = args->given[i].name;
        words[count++] = args->given[i].value;
    }
    execv(program, (char *const *)(uintptr_t)words);
    return complain(EXIT_USAGE, "new: %s: %s (it is installed with the plugin ffi)", program,
                    strerrordesc_np(errno));
}

int command_new(const struct args *args)
{
    const char *kind = args->operands[0];
    AUTO(freep) char *prefix = own_prefix();
    struct making making = {.name = args->operands[1], .source = "", .prefix = prefix};
    bool plugin = strcmp(kind, "plugin") == 0, agent = strcmp(kind, "agent") == 0;
    if (strcmp(kind, "ffi") == 0)
        return new_ffi(args, &making);
    if (!plugin && !agent && strcmp(kind, "flow") != 0)
        return complain(EXIT_USAGE, "new: `%s`: expected plugin, flow, agent or ffi", kind);
    if (!agent && args_flag(args, "--kind"))
        return complain(EXIT_USAGE, "new: --kind is for agents");
    if (!making.name)
        return complain(EXIT_USAGE, "new: a %s wants a name", kind);
    if (!good_name(making.name))
        return complain(EXIT_USAGE,
                        "new: `%s`: a name is of a-z, 0-9 and -, begins with a letter, and has at "
                        "most %d characters",
                        making.name, NAME_LENGTH_MAX);
    AUTO(freep) char *here = getcwd(NULL, 0);
    AUTO(freep) char *folder = xasprintf("%s/%s", here ? here : "", making.name);
    making.folder = folder;
    return plugin  ? new_plugin(args, &making)
           : agent ? new_agent(args, &making)
                   : new_flow(args, &making);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam plugins release: a library comes out of quarantine, by whatever it is called or by its
 * digest. The host that owns the journal is told by its inbox; where none does, the journal is
 * changed here. And what `seam plugins` says of a library that is in quarantine.
 */
#include "cli/cli_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HASH_LEAST = 8 }; /* digits of a digest that name it */

/* ---- which are there ---- */

json_t *plugins_quarantined(const struct args *args)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    json_t *list = NULL;
    struct error err;
    enum error_code code = open_reader(args, &reader, NULL, &err);
    if (code == ERR_OK)
        code = quarantines(reader, &list, &err);
    return code == ERR_OK ? list : json_array();
}

const json_t *plugin_quarantine(const json_t *list, const struct roster_plugin *plugin)
{
    char hex[DIGEST_HEX_SIZE];
    size_t i;
    const json_t *each;
    if (!plugin->card)
        return NULL;
    digest_hex(&plugin->card->library, hex);
    json_array_foreach (list, i, each) {
        if (strcmp(text_of(each, "library"), hex) == 0)
            return each;
    }
    return NULL;
}

void quarantine_text(const json_t *quarantine)
{
    size_t i;
    const json_t *line;
    time_t at = (time_t)(json_integer_value(json_object_get(quarantine, "at_ms")) / 1000);
    struct tm tm;
    char when[32];
    gmtime_r(&at, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    printf("    in quarantine since %s: ", when);
    print_said(stdout, slice_of(text_of(quarantine, "reason")));
    puts("\n    its last lines:");
    json_array_foreach (json_object_get(quarantine, "lines"), i, line) {
        fputs("      | ", stdout);
        print_clean(stdout, slice_of(json_string_value(line)));
        putchar('\n');
    }
    if (json_array_size(json_object_get(quarantine, "lines")) == 0)
        puts("      (none)");
    printf("    to call it again: %s\n", text_of(quarantine, "release"));
}

/* ---- release ---- */

static bool is_hash(const char *what)
{
    size_t length = strlen(what);
    return length >= HASH_LEAST && strspn(what, "0123456789abcdef") == length;
}

/* The library of that plugin, as its file is now. */
static void library_now(const struct args *args, const char *alias,
                        char ret_hex[static DIGEST_HEX_SIZE])
{
    AUTO(freep) char *path = NULL;
    AUTO(manifest_freep) struct manifest *manifest = NULL;
    struct error err;
    ret_hex[0] = '\0';
    if (manifest_find(args_option(args, "--manifest"), &path, &err) != ERR_OK ||
        manifest_load(path, &manifest, &err) != ERR_OK)
        return;
    for (size_t i = 0; i < manifest->plugin_count; i++) {
        AUTO(card_freep) struct card *card = NULL;
        if (strcmp(manifest->plugins[i].alias, alias) == 0 &&
            card_read(manifest->plugins[i].path, &card, &err) == ERR_OK)
            digest_hex(&card->library, ret_hex);
    }
}

static enum error_code not_there(const json_t *list, const char *what, struct error *reterr)
{
    AUTO(text_done) struct text there;
    size_t i;
    const json_t *each;
    text_init(&there, ERROR_TEXT_SIZE);
    json_array_foreach (list, i, each) {
        text_addf(&there, "%s%s (%.12s)", i ? ", " : "; in it: ", text_of(each, "plugin"),
                  text_of(each, "library"));
    }
    return error_set(reterr, ERR_NOT_FOUND,
                     "nothing called `%s` is in quarantine%s (name a plugin, or %d digits and more "
                     "of a library's digest)",
                     what, there.len ? text_str(&there) : "; nothing is", HASH_LEAST);
}

/* Those that are meant, each once: a plugin may have been in it with more than one build. */
static json_t *meant(const struct args *args, const json_t *list, const char *what)
{
    char now[DIGEST_HEX_SIZE];
    size_t i;
    json_t *each, *found = json_array();
    library_now(args, what, now);
    json_array_foreach (list, i, each) {
        const char *library = text_of(each, "library");
        if (strcmp(text_of(each, "plugin"), what) == 0 || (*now && strcmp(library, now) == 0) ||
            (is_hash(what) && strncmp(library, what, strlen(what)) == 0))
            json_array_append(found, each);
    }
    return found;
}

/* *ret_pid is the host that takes it up; 0 = it is done. */
static enum error_code release(const struct args *args, const char *path, const char *library,
                               long *ret_pid, struct error *reterr)
{
    struct timespec now;
    enum error_code code =
        quarantine_release(&(struct journal_options){.path = path}, library, reterr);
    *ret_pid = 0;
    if (code != ERR_BUSY)
        return code;
    AUTO(text_done) struct text text;
    AUTO(json_decrefp) json_t *message = inbox_release(library, whoever(args));
    text_init(&text, LIMIT_QUESTION);
    json_write(message, &text);
    clock_gettime(CLOCK_REALTIME, &now);
    return inbox_put(path, INBOX_HOST, text_slice(&text),
                     (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, ret_pid, reterr);
}

static void told(const struct args *args, const json_t *quarantine, long pid)
{
    if (args->json)
        return;
    printf("%s (%.12s) is released", text_of(quarantine, "plugin"), text_of(quarantine, "library"));
    if (pid)
        printf("; the host at work (process %ld) takes it up", pid);
    putchar('\n');
}

int plugins_release(const struct args *args, const char *what)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(freep) char *path = NULL;
    AUTO(json_decrefp) json_t *list = NULL, *found = NULL;
    struct error err;
    long pid = 0;
    size_t i;
    const json_t *each;
    enum error_code code = open_reader(args, &reader, &path, &err);
    if (code == ERR_OK)
        code = quarantines(reader, &list, &err);
    if (code == ERR_OK) {
        found = meant(args, list, what);
        if (json_array_size(found) == 0)
            code = not_there(list, what, &err);
    }
    journal_reader_close(TAKE(reader)); /* it keeps the owner out */
    json_array_foreach (found, i, each) {
        if (code == ERR_OK)
            code = release(args, path, text_of(each, "library"), &pid, &err);
        if (code == ERR_OK)
            told(args, each, pid);
    }
    if (code != ERR_OK)
        return report_error(args, &err);
    if (args->json)
        print_json(json_pack("{s:O, s:b}", "released", found, "host", pid != 0));
    return EXIT_DONE;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Words, JSON and colours; and the ways from arguments to a roster and a journal.
 */
#include "cli/cli_internal.h"

#include "base/shown.h"
#include "document/document.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int complain(int code, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE + 1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fputs("seam: ", stderr);
    for (size_t end = strlen(text); end > 0 && text[end - 1] == '\n'; end--)
        text[end - 1] = '\0';
    print_clean(stderr, slice_of(text));
    fputc('\n', stderr);
    return code;
}

void print_clean(FILE *stream, struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        char spelt[SHOWN_SIZE];
        const char *here = text.ptr + at;
        struct slice next = shown_next(text, &at, spelt);
        if (next.ptr == here)
            fwrite(here, 1, next.len, stream);
        else
            fputc(*here == '\n' ? '\n' : ' ', stream);
    }
}

void print_said(FILE *stream, struct slice text)
{
    while (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    for (const char *stop; (stop = memchr(text.ptr, '\n', text.len)) != NULL;) {
        size_t line = (size_t)(stop - text.ptr);
        print_clean(stream, (struct slice){text.ptr, line});
        fputs("\n        | ", stream);
        text = (struct slice){stop + 1, text.len - line - 1};
    }
    print_clean(stream, text);
}

int report_error(const struct args *args, const struct error *err)
{
    return report_refusal(args, err, NULL);
}

int report_refusal(const struct args *args, const struct error *err,
                   const struct findings *findings)
{
    if (!args->json)
        complain(0, "%s", err->text);
    else
        print_json(json_pack("{s:{s:s, s:s}, s:o*}", "error", "code", error_code_text(err->code),
                             "message", err->text, "findings",
                             findings && findings->errors ? findings_json(findings) : NULL));
    return err->code == ERR_DENIED ? EXIT_REFUSED : EXIT_USAGE;
}

/* Compact JSON, spread over lines for a reader; an empty object or array stays as it is. */
static void print_indented(const char *json)
{
    int depth = 0;
    bool string = false;
    for (const char *c = json; *c; c++) {
        string ^= *c == '"';
        if (string && *c == '\\')
            putchar(*c++);
        if (!string && (*c == '}' || *c == ']') && c[-1] != '{' && c[-1] != '[')
            printf("\n%*s", 2 * --depth, "");
        putchar(*c);
        if (string)
            continue;
        if ((*c == '{' && c[1] != '}') || (*c == '[' && c[1] != ']'))
            printf("\n%*s", 2 * ++depth, "");
        else if (*c == ',')
            printf("\n%*s", 2 * depth, "");
        else if (*c == ':')
            putchar(' ');
    }
}

char *json_text(const json_t *value)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    json_write(value, &text);
    return text_take(&text);
}

struct slice slice_cut(const char *text, size_t most)
{
    size_t length = strlen(text), shown = length < most ? length : most;
    while (shown < length && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--;
    return (struct slice){text, shown};
}

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void print_json(json_t *value)
{
    AUTO(freep) char *text = json_text(value);
    if (isatty(STDOUT_FILENO))
        print_indented(text);
    else
        fputs(text, stdout);
    putchar('\n');
    fflush(stdout);
    json_decref(value);
}

void print_xml(const char *text)
{
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte == '&')
            fputs("&amp;", stdout);
        else if (byte == '<')
            fputs("&lt;", stdout);
        else if (byte == '>')
            fputs("&gt;", stdout);
        else if (byte == '"')
            fputs("&quot;", stdout);
        else
            putchar(byte < 0x20 && byte != '\n' ? ' ' : byte);
    }
}

const char *paint(FILE *stream, enum colour colour)
{
    static const char *const sequences[] = {
        [PLAIN] = "\033[0m",  [BOLD] = "\033[1m",    [DIM] = "\033[2m",  [RED] = "\033[31m",
        [GREEN] = "\033[32m", [YELLOW] = "\033[33m", [CYAN] = "\033[36m"};
    const char *no = getenv("NO_COLOR");
    return isatty(fileno(stream)) && !(no && *no) ? sequences[colour] : "";
}

enum colour verdict_colour(enum verdict verdict)
{
    return verdict == PROVEN ? GREEN : verdict == REFUTED ? RED : YELLOW;
}

int verdict_exit(enum verdict verdict)
{
    return verdict == PROVEN ? EXIT_DONE : verdict == REFUTED ? EXIT_FAILED : EXIT_UNDECIDED;
}

const char *clock_text(int64_t ms, char ret_text[static 32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(ret_text, 32, "%Y-%m-%d %H:%M:%S", &local);
    return ret_text;
}

char *same_store(const struct args *args)
{
    const char *manifest = args_option(args, "--manifest"), *store = args_option(args, "--store");
    return xasprintf("%s%s%s%s", manifest ? " --manifest " : "", manifest ? manifest : "",
                     store ? " --store " : "", store ? store : "");
}

enum error_code open_contract(const struct args *args, const char *path,
                              struct document **ret_document, struct contract **ret_contract,
                              struct error *reterr)
{
    AUTO(registry_freep) struct registry *registry = NULL;
    enum error_code code = open_registry(args, &registry, reterr);
    if (code == ERR_OK)
        code = document_load(path, ret_document, reterr);
    if (code != ERR_OK)
        return code; /* it names the file */
    struct contract_options options = {.annotate_formats = args_flag(args, "--format-annotation"),
                                       .registry = registry};
    code = contract_compile(document_root(*ret_document), &options, ret_contract, reterr);
    if (code != ERR_OK)
        error_prefix(reterr, "%s: ", path);
    return code;
}

enum error_code open_roster(const struct args *args, bool survey, struct roster **ret_roster,
                            struct error *reterr)
{
    AUTO(freep) char *path = NULL;
    enum error_code code = manifest_find(args_option(args, "--manifest"), &path, reterr);
    if (code != ERR_OK)
        return code;
    return survey ? roster_survey(path, ret_roster, reterr) : roster_load(path, ret_roster, reterr);
}

/* Hidden runs are read with the keys of the manifest, where there is one. */
static void give_keys(const struct args *args, const struct manifest *manifest,
                      struct journal_reader *reader)
{
    AUTO(freep) char *path = NULL;
    AUTO(manifest_freep) struct manifest *found = NULL;
    struct error err;
    if (manifest)
        reader_take_keys(reader, manifest);
    else if (manifest_find(args_option(args, "--manifest"), &path, &err) == ERR_OK &&
             manifest_load(path, &found, &err) == ERR_OK)
        reader_take_keys(reader, found);
}

enum error_code open_reader(const struct args *args, struct journal_reader **ret_reader,
                            char **ret_path, struct error *reterr)
{
    const char *store = args_option(args, "--store");
    AUTO(freep) char *manifest_path = NULL;
    AUTO(freep) char *path = NULL;
    AUTO(manifest_freep) struct manifest *manifest = NULL;
    enum error_code code = ERR_OK;
    if (!store) {
        code = manifest_find(args_option(args, "--manifest"), &manifest_path, reterr);
        if (code == ERR_OK)
            code = manifest_load(manifest_path, &manifest, reterr);
        if (code != ERR_OK)
            return code;
        store = manifest->store;
    }
    if (!store)
        return error_set(reterr, ERR_NOT_FOUND,
                         "the manifest's store is in memory: nothing is kept to look at");
    path = xstrdup(strncmp(store, "sqlite:", 7) == 0 ? store + 7 : store);
    code = journal_reader_open(path, ret_reader, reterr);
    if (code == ERR_OK)
        give_keys(args, manifest, *ret_reader);
    if (code == ERR_OK && ret_path)
        *ret_path = TAKE(path);
    return code;
}

enum error_code open_run(const struct args *args, const char *id, char **ret_path,
                         struct run **ret_run, struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    AUTO(flow_unrefp) struct flow *flow = NULL;
    struct journal_run known;
    enum error_code code = open_reader(args, &reader, ret_path, reterr);
    if (code == ERR_OK)
        code = journal_find(reader, id, &known, reterr);
    if (code == ERR_OK)
        code = fold_flow(reader, shelf, id, &flow, reterr);
    return code == ERR_OK ? fold_run(reader, id, flow, NULL, NULL, ret_run, reterr) : code;
}

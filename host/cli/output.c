/* SPDX-License-Identifier: Apache-2.0
 *
 * Words, JSON and colours; and the ways from arguments to a roster and a journal.
 */
#include "cli/cli_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int complain(int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("seam: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

int report_error(const struct args *args, const struct error *err)
{
    if (args->json)
        print_json(json_pack("{s:{s:s, s:s}}", "error", "code", error_code_text(err->code),
                             "message", err->text));
    else
        complain(0, "%s", err->text);
    return err->code == ERR_DENIED ? EXIT_REFUSED : EXIT_USAGE;
}

void print_json(json_t *value)
{
    size_t flags = JSON_ENCODE_ANY | (isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT);
    json_dumpf(value, stdout, flags);
    putchar('\n');
    fflush(stdout);
    json_decref(value);
}

const char *paint(FILE *stream, enum colour colour)
{
    static const char *const sequences[] = {
        [PLAIN] = "\033[0m",  [BOLD] = "\033[1m",    [DIM] = "\033[2m",  [RED] = "\033[31m",
        [GREEN] = "\033[32m", [YELLOW] = "\033[33m", [CYAN] = "\033[36m"};
    const char *no = getenv("NO_COLOR");
    return isatty(fileno(stream)) && !(no && *no) ? sequences[colour] : "";
}

const char *clock_text(int64_t ms, char ret_text[static 32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(ret_text, 32, "%Y-%m-%d %H:%M:%S", &local);
    return ret_text;
}

enum error_code open_roster(const struct args *args, struct roster **ret_roster,
                            struct error *reterr)
{
    AUTO(freep) char *path = NULL;
    enum error_code code = manifest_find(args_option(args, "--manifest"), &path, reterr);
    return code == ERR_OK ? roster_load(path, ret_roster, reterr) : code;
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
    if (code == ERR_OK && ret_path)
        *ret_path = TAKE(path);
    return code;
}

enum error_code open_run(const struct args *args, const char *id, struct roster **ret_roster,
                         struct journal_reader **ret_reader, struct flow **ret_flow,
                         struct run **ret_run, struct error *reterr)
{
    struct journal_run known;
    enum error_code code = open_reader(args, ret_reader, NULL, reterr);
    if (code == ERR_OK)
        code = journal_find(*ret_reader, id, &known, reterr);
    if (code == ERR_OK)
        code = open_roster(args, ret_roster, reterr);
    if (code == ERR_OK)
        code = fold_flow(*ret_reader, *ret_roster, id, ret_flow, reterr);
    return code == ERR_OK ? fold_run(*ret_reader, id, *ret_flow, NULL, NULL, ret_run, reterr)
                          : code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam run, seam resume.
 */
#include "cli/cli_internal.h"

#include "document/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the input ---- */

static enum error_code read_document(const char *path, json_t **ret_value, struct error *reterr)
{
    AUTO(document_freep) struct document *document = NULL;
    enum error_code code = document_load(path, &document, reterr);
    if (code != ERR_OK)
        return code;
    if (document_text(document).len > LIMIT_PAYLOAD)
        return error_set(reterr, ERR_LIMIT,
                         "%s: %zu bytes, where %u are allowed (LIMIT_PAYLOAD); pass where the data "
                         "is, not the data",
                         strcmp(path, "-") == 0 ? "standard input" : path,
                         document_text(document).len, LIMIT_PAYLOAD);
    *ret_value = json_incref(document_root(document));
    return ERR_OK;
}

/* --set key=value: JSON if it reads as JSON, else a string. */
static enum error_code apply_set(json_t *input, const char *setting, struct error *reterr)
{
    const char *equals = strchr(setting, '=');
    json_t *value = NULL;
    if (!equals || equals == setting)
        return error_set(reterr, ERR_INPUT, "--set %s: expected KEY=VALUE", setting);
    if (!json_is_object(input))
        return error_set(reterr, ERR_INPUT, "--set needs an input that is an object");
    AUTO(freep) char *key = xstrndup(setting, (size_t)(equals - setting));
    if (json_read(slice_of(equals + 1), LIMIT_PAYLOAD, &value, NULL) != ERR_OK)
        value = json_string(equals + 1);
    if (!value)
        return error_set(reterr, ERR_INPUT, "--set %s: the value is not UTF-8", key);
    json_object_set_new(input, key, value);
    return ERR_OK;
}

enum error_code read_input(const struct args *args, const json_t *base, json_t **ret_input,
                           struct error *reterr)
{
    const char *file = args_option(args, "--input");
    json_t *input = NULL;
    enum error_code code = ERR_OK;
    if (file)
        code = read_document(file, &input, reterr);
    else
        input = base ? json_deep_copy(base) : json_object();
    for (int i = 0; i < args->given_count && code == ERR_OK; i++)
        if (strcmp(args->given[i].name, "--set") == 0)
            code = apply_set(input, args->given[i].value, reterr);
    if (code == ERR_OK)
        *ret_input = input;
    else
        json_decref(input);
    return code;
}

/* ---- run ---- */

/* One line of --each; the first time it is only looked at. */
static enum error_code submit_line(struct drive *drive, struct flow *flow, struct slice line,
                                   size_t number, bool first, struct error *reterr)
{
    const char *prefix = args_option(drive->args, "--id");
    json_t *input = NULL;
    enum error_code code = json_read(line, LIMIT_PAYLOAD, &input, reterr);
    if (code == ERR_OK && first)
        code = host_check_input(flow, input, reterr);
    if (code == ERR_OK && !first) {
        AUTO(freep) char *id = xasprintf("%s-%zu", prefix ? prefix : flow->name, number);
        host_make_room(drive->host);
        code = host_submit(drive->host, flow, id, input, reterr);
    }
    json_decref(input);
    return code;
}

static enum error_code submit_lines(struct drive *drive, struct flow *flow, FILE *file,
                                    const char *path, bool first, struct error *reterr)
{
    AUTO(freep) char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t length;
    enum error_code code = ERR_OK;
    if (fseek(file, 0, SEEK_SET) != 0)
        return error_set(reterr, ERR_INPUT, "--each %s: it is read twice; name a file, not a pipe",
                         path);
    while (code == ERR_OK && !drive->interrupted && (length = getline(&line, &room, file)) >= 0) {
        struct slice text = {line, (size_t)length};
        number++;
        text.len -= text.ptr[text.len - 1] == '\n';
        if (text.len > 0)
            code = submit_line(drive, flow, text, number, first, reterr);
    }
    if (code != ERR_OK)
        error_prefix(reterr, "%s:%zu: ", path, number);
    return code;
}

/* A line that is no JSON, or no input of the flow, is found before any run begins. */
static enum error_code submit_each(struct drive *drive, struct flow *flow, const char *path,
                                   struct error *reterr)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set_errno(reterr, errno, "--each %s: cannot be opened", path);
    enum error_code code = submit_lines(drive, flow, file, path, true, reterr);
    if (code == ERR_OK)
        code = submit_lines(drive, flow, file, path, false, reterr);
    fclose(file);
    return code;
}

static enum error_code submit_one(struct drive *drive, struct flow *flow, struct error *reterr)
{
    json_t *input = NULL;
    enum error_code code = read_input(drive->args, NULL, &input, reterr);
    if (code == ERR_OK)
        code = host_submit(drive->host, flow, args_option(drive->args, "--id"), input, reterr);
    json_decref(input);
    return code;
}

/* A file that is no YAML or JSON is a bad file; only what could be read can be refused. */
static bool unreadable(const struct findings *findings)
{
    return findings->count == 1 && strcmp(findings->list[0].rule, "malformed") == 0;
}

enum error_code compile_flow(struct drive *drive, const char *path, struct flow **ret_flow,
                             struct error *reterr)
{
    const struct args *args = drive->args;
    struct findings *findings = &drive->findings;
    enum error_code code = roster_compile(drive->roster, path, ret_flow, findings, reterr);
    bool tell = findings->errors || (findings->warnings && !args_flag(args, "--quiet"));
    if (tell && !args->json) {
        AUTO(text_done) struct text text;
        text_init(&text, SIZE_MAX / 2);
        findings_text(findings, &text);
        fputs(text_str(&text), stderr);
    }
    if (findings->errors && !args->json)
        note_refused(drive->roster);
    if (code == ERR_INPUT && findings->errors > 0 && !unreadable(findings))
        reterr->code = ERR_DENIED;
    return code;
}

/* ---- fixtures of a run, and a run on fixtures: both are `seam test` ---- */

static int as_test(const struct args *args, const char *folder, const char *run)
{
    static const char *const same[] = {"--manifest", "--store"};
    struct args test = {.command = args->command,
                        .operands = {args->operands[0], run},
                        .operand_count = run ? 2 : 1,
                        .json = args->json};
    test.given[test.given_count].name = "--fixtures";
    test.given[test.given_count++].value = folder;
    if (run) {
        test.given[test.given_count].name = "--record";
        test.given[test.given_count++].value = "";
    }
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        if (args_flag(args, same[i])) {
            test.given[test.given_count].name = same[i];
            test.given[test.given_count++].value = args_option(args, same[i]);
        }
    return command_test(&test);
}

/* The run was worked on: whatever came of it is kept. What it exited with stands, if that can be.
 */
static int keep_fixtures(const struct args *args, const char *run, int exit_code)
{
    if (!run || exit_code == EXIT_USAGE || exit_code >= EXIT_SIGNAL)
        return exit_code;
    int kept = as_test(args, args_option(args, "--record"), run);
    return exit_code == EXIT_DONE ? kept : exit_code;
}

static int check_run(const struct args *args)
{
    static const char *const others[] = {"--input",  "--set",    "--each",   "--id",
                                         "--memory", "--record", "--partial"};
    if (args_flag(args, "--record") && (args_flag(args, "--each") || args_flag(args, "--memory")))
        return complain(EXIT_USAGE, "run: --record keeps one run, which needs a journal; it goes "
                                    "without --each and --memory");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (args_flag(args, "--replay") && args_flag(args, others[i]))
            return complain(EXIT_USAGE,
                            "run: --replay goes without %s: all that comes in stands in "
                            "the fixtures",
                            others[i]);
    return 0;
}

int command_run(const struct args *args)
{
    struct drive drive;
    struct error err;
    AUTO(flow_unrefp) struct flow *flow = NULL;
    AUTO(freep) char *run = NULL;
    const char *each = args_option(args, "--each");
    int refused = check_run(args);
    if (refused)
        return refused;
    if (args_flag(args, "--replay"))
        return as_test(args, args_option(args, "--replay"), NULL);
    if (each && (args_flag(args, "--input") || args_flag(args, "--set")))
        return complain(EXIT_USAGE, "run: --each goes without --input and --set");
    enum error_code code = drive_open_for(&drive, args, args->operands[0], &flow, &err);
    if (code == ERR_OK)
        code = each ? submit_each(&drive, flow, each, &err) : submit_one(&drive, flow, &err);
    if (code != ERR_OK)
        return drive_abort(&drive, &err);
    if (args_flag(args, "--record"))
        run = xstrdup(json_object_iter_key(json_object_iter(drive.results)));
    return keep_fixtures(args, run, drive_finish(&drive));
}

int command_resume(const struct args *args)
{
    static const char *const anew[] = {"--flow", "--input", "--set", "--id", "--yes"};
    struct drive drive;
    struct error err;
    size_t count = 1, refused = 0;
    bool all = args_flag(args, "--all");
    if (all == (args->operand_count == 1))
        return complain(EXIT_USAGE, "resume: name one RUN, or give --all");
    if (args_flag(args, "--from"))
        return all ? complain(EXIT_USAGE, "resume: --from goes with one RUN") : resume_from(args);
    for (size_t i = 0; i < sizeof(anew) / sizeof(anew[0]); i++)
        if (args_flag(args, anew[i]))
            return complain(EXIT_USAGE,
                            "resume: %s is for a new run; say with --from STEP where it begins",
                            anew[i]);
    enum error_code code = drive_open(&drive, args, &err);
    if (code == ERR_OK && args_flag(args, "--accept"))
        host_accept(drive.host, whoever(args));
    if (code == ERR_OK)
        code = all ? host_resume_all(drive.host, &count, &refused, &err)
                   : host_resume(drive.host, args->operands[0], &err);
    if (code == ERR_OK && !all)
        code = ask_at_terminal(&drive, &err);
    if (code == ERR_OK && count == 0 && !args->json)
        puts("nothing to resume: every run is final");
    if (code != ERR_OK)
        return drive_abort(&drive, &err);
    int exit_code = drive_finish(&drive);
    return refused > 0 && exit_code < EXIT_SIGNAL ? EXIT_FAILED : exit_code;
}

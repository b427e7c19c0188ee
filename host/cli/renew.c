/* SPDX-License-Identifier: Apache-2.0
 *
 * What resume asks a person. seam resume RUN --from STEP: a new run that takes over what an earlier
 * one has finished. What the world would see once more is shown first, with what came of it then;
 * somebody has to say yes, at the terminal or by --yes, and who it was goes into the journal.
 */
#include "cli/cli_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum error_code read_new_input(const struct args *args, struct journal_reader *reader,
                                      json_t **ret_input, struct error *reterr)
{
    AUTO(flow_unrefp) struct flow *flow = NULL;
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    struct run *run = NULL;
    if (!args_flag(args, "--input") && !args_flag(args, "--set"))
        return ERR_OK;
    enum error_code code = fold_flow(reader, shelf, args->operands[0], &flow, reterr);
    if (code == ERR_OK)
        code = fold_run(reader, args->operands[0], flow, NULL, NULL, &run, reterr);
    json_t *base = run ? json_deep_copy(run_input(run)) : NULL;
    run_free(run);
    if (code == ERR_OK)
        code = read_input(args, base, ret_input, reterr);
    json_decref(base);
    return code;
}

bool said_yes(const char *question)
{
    char line[16] = "";
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    return fgets(line, sizeof(line), stdin) &&
           (strcmp(line, "y\n") == 0 || strcmp(line, "yes\n") == 0);
}

/* The question about the run itself, if a person can approve it; NULL = there is none. */
static const json_t *change_asked(const struct drive *drive, const char *id)
{
    const json_t *result = json_object_get(drive->results, id);
    const json_t *first = json_array_get(json_object_get(result, "questions"), 0);
    const json_t *accepts = json_object_get(json_object_get(first, "shown"), "accepts");
    bool about = strcmp(text_of(first, "step"), ".") == 0;
    return about && json_array_size(accepts) > 0 ? first : NULL;
}

enum error_code ask_at_terminal(struct drive *drive, struct error *reterr)
{
    const struct args *args = drive->args;
    const char *id = args->operands[0];
    if (args->json || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return ERR_OK;
    drive->working = true;
    enum error_code code = host_work(drive->host, reterr);
    const json_t *question = code == ERR_OK ? change_asked(drive, id) : NULL;
    if (!question || drive->interrupted)
        return code;
    const json_t *shown = json_object_get(question, "shown");
    fprintf(stderr, "run %s does not go on by itself; what differs:\n", id);
    print_agents(stderr, json_object_get(shown, "agents"));
    if (!said_yes("go on all the same?"))
        return code;
    AUTO(json_decrefp) json_t *approve = json_pack("{s:b}", "approve", 1);
    AUTO(freep) char *digest = report_shown_digest(shown);
    AUTO(json_decrefp)
    json_t *message =
        inbox_answer(".", (uint32_t)json_integer_value(json_object_get(question, "revision")),
                     approve, false, whoever(args), digest);
    host_deliver(drive->host, id, message, 0);
    return code;
}

/* Who allows it, or a refusal. *ret_who stays NULL where nothing would be passed again. */
static enum error_code ask(const struct args *args, const json_t *picture, const char **ret_who,
                           struct error *reterr)
{
    const json_t *effects = json_object_get(picture, "effects");
    size_t count = json_array_size(effects);
    bool terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !args->json;
    if (count == 0)
        return ERR_OK;
    if (args_flag(args, "--yes") ||
        (terminal && said_yes(count == 1 ? "pass it again?" : "pass them again?"))) {
        *ret_who = whoever(args);
        return ERR_OK;
    }
    if (terminal)
        return error_set(reterr, ERR_DENIED, "nothing was started");
    return error_set(
        reterr, ERR_DENIED,
        "%zu effect%s of run %s would be passed again; `seam diff` and the lines above "
        "show them; --yes allows it",
        count, count == 1 ? "" : "s", text_of(picture, "run"));
}

static enum error_code make(struct drive *drive, struct renewal *ret, struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(flow_unrefp) struct flow *flow = NULL;
    AUTO(json_decrefp) json_t *input = NULL;
    const struct args *args = drive->args;
    const char *path = args_option(args, "--flow");
    enum error_code code = open_reader(args, &reader, NULL, reterr);
    if (code == ERR_OK && path)
        code = compile_flow(drive, path, &flow, reterr);
    if (code == ERR_OK)
        code = read_new_input(args, reader, &input, reterr);
    return code == ERR_OK ? renewal_make(reader, drive->roster, args->operands[0], flow,
                                         args_option(args, "--from"), input, ret, reterr)
                          : code;
}

static enum error_code start(struct drive *drive, const struct renewal *renewal,
                             struct error *reterr)
{
    const struct args *args = drive->args;
    const char *who = NULL, *status = text_of(renewal->picture, "status");
    bool final = strcmp(status, "running") != 0 && strcmp(status, "waiting") != 0;
    if (!args->json && !args_flag(args, "--quiet"))
        print_renewal(stderr, renewal->picture);
    enum error_code code = final ? ask(args, renewal->picture, &who, reterr) : ERR_OK;
    if (code == ERR_OK)
        code = host_renew(drive->host, renewal, args_option(args, "--id"), who, reterr);
    return code;
}

static void tell_id(const struct drive *drive)
{
    const char *id = json_object_iter_key(json_object_iter(drive->results));
    if (!drive->args->json && id)
        fprintf(stderr, "run %s goes on from run %s\n", id, drive->args->operands[0]);
}

int resume_from(const struct args *args)
{
    struct drive drive;
    struct renewal renewal = {0};
    struct error err;
    enum error_code code = drive_open(&drive, args, &err);
    if (code == ERR_OK)
        code = make(&drive, &renewal, &err);
    if (code == ERR_OK)
        code = start(&drive, &renewal, &err);
    /* for a program, what it would have to allow */
    if (code == ERR_DENIED && args->json && renewal.picture) {
        print_json(json_pack("{s:{s:s, s:s}, s:O}", "error", "code", error_code_text(code),
                             "message", err.text, "renewal", renewal.picture));
        renewal_done(&renewal);
        drive_close(&drive);
        return EXIT_REFUSED;
    }
    if (code == ERR_OK)
        tell_id(&drive);
    renewal_done(&renewal);
    return code == ERR_OK ? drive_finish(&drive) : drive_abort(&drive, &err);
}

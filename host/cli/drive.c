/* SPDX-License-Identifier: Apache-2.0
 *
 * A host from its opening to its exit code. Ctrl-C and SIGTERM stop it cleanly: what is under way
 * stays in the journal, and the last line says how to go on. A message in the inbox may bring a
 * run that nobody asked for here: it is worked on like the others and told of, but the exit code is
 * of those that were asked for.
 */
#include "cli/cli_internal.h"

#include <signal.h>
#include <string.h>
#include <uv.h>

/* SIGPIPE is of whoever does not read what agents say; a handler is not inherited, as SIG_IGN is.
 */
enum { SIGNALS = 3 };
static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGPIPE};
static uv_signal_t interrupts[SIGNALS];

static void interrupted(uv_signal_t *handle, int number)
{
    struct drive *drive = handle->data;
    if (number == SIGPIPE)
        return;
    drive->interrupted = number;
    host_stop(drive->host);
}

static void watch_signals(struct drive *drive)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(host_loop(drive->host), &interrupts[i]);
        interrupts[i].data = drive;
        uv_unref((uv_handle_t *)&interrupts[i]);
        uv_signal_start(&interrupts[i], interrupted, numbers[i]);
    }
}

/* ---- what came of runs ---- */

static void add_question(const struct run *run, uint32_t task, json_t *list)
{
    struct question_view view;
    if (run_question(run, task, &view))
        json_array_append_new(list, json_pack("{s:s, s:i, s:O}", "step", run_task_path(run, task),
                                              "revision", (int)view.revision, "shown", view.shown));
}

/* That about the run itself first: until it is answered, the others lead to nothing. */
static json_t *questions_json(const struct run *run)
{
    json_t *list = json_array();
    add_question(run, RUN_ITSELF, list);
    for (uint32_t i = 0; i < run_task_count(run); i++)
        add_question(run, i, list);
    return list;
}

/* Of many runs only how many ended how is printed. */
static json_t *result_json(const struct drive *drive, const struct run *run)
{
    enum run_status status = run_status(run);
    json_t *result = json_pack("{s:s, s:s}", "run", run_id(run), "status", run_status_word(status));
    if (!drive->args->json && json_object_size(drive->results) > 1)
        return result;
    if (status == RUN_DONE)
        json_object_set(result, "output", (json_t *)run_output(run));
    else if (status == RUN_WAITING)
        json_object_set_new(result, "questions", questions_json(run));
    if (status != RUN_DONE && run_error(run))
        json_object_set(result, "error", (json_t *)run_error(run));
    return result;
}

static void settled(void *user, const struct run *run)
{
    struct drive *drive = user;
    bool asked = !drive->working || json_object_get(drive->results, run_id(run));
    json_object_set_new(asked ? drive->results : drive->others, run_id(run),
                        result_json(drive, run));
    progress_settled(drive->progress, run);
}

static void record(void *user, const struct run *run, const struct event *event,
                   const struct decisions *decisions)
{
    struct drive *drive = user;
    if (!drive->working && !json_object_get(drive->results, run_id(run)))
        json_object_set_new(drive->results, run_id(run), result_json(drive, run));
    progress_record(drive->progress, run, event, decisions);
}

static void logged(void *user, const char *plugin, uint32_t level, struct slice text)
{
    struct drive *drive = user;
    progress_log(drive->progress, plugin, level, text);
}

static bool hears(void *user, const struct run *run)
{
    const struct drive *drive = user;
    (void)run;
    return drive->said || progress_hears(drive->progress);
}

static void said(void *user, const struct run *run, const struct said *piece)
{
    struct drive *drive = user;
    if (drive->said)
        said_lines_add(drive->said, run, piece);
    else
        progress_said(drive->progress, run, piece);
}

/* ---- opening and closing ---- */

static enum error_code open_all(struct drive *drive, const struct args *args, const char *path,
                                struct flow **ret_flow, struct error *reterr)
{
    *drive = (struct drive){.args = args, .results = json_object(), .others = json_object()};
    findings_init(&drive->findings);
    if (args_flag(args, "--partial") && !args->json)
        return error_set(reterr, ERR_INPUT,
                         "--partial goes with --json; on a terminal the picture of the run has "
                         "what its agents say");
    enum error_code code = open_roster(args, false, &drive->roster, reterr);
    if (code != ERR_OK)
        return code;
    drive->progress = progress_new(args->json, args_flag(args, "--quiet"));
    if (args_flag(args, "--partial"))
        drive->said = said_lines_new();
    if (path)
        code = compile_flow(drive, path, ret_flow, reterr);
    if (code != ERR_OK)
        return code;
    struct host_options options = {
        .roster = drive->roster,
        .store = args_option(args, "--store"),
        .in_memory = args_flag(args, "--memory"),
        .restored = args_flag(args, "--restored"),
        .paranoid = args_flag(args, "--paranoid"),
        .first = path ? *ret_flow : NULL,
        .progress = record,
        .settled = settled,
        .log = logged,
        .hears = hears,
        .said = said,
        .user = drive,
    };
    code = host_open(&options, &drive->host, reterr);
    if (code == ERR_OK) {
        watch_signals(drive);
        host_watch_agents(drive->host, NULL);
    }
    return code;
}

enum error_code drive_open(struct drive *drive, const struct args *args, struct error *reterr)
{
    return open_all(drive, args, NULL, NULL, reterr);
}

enum error_code drive_open_for(struct drive *drive, const struct args *args, const char *path,
                               struct flow **ret_flow, struct error *reterr)
{
    return open_all(drive, args, path, ret_flow, reterr);
}

static void close_all(struct drive *drive)
{
    progress_free(drive->progress);
    said_lines_free(drive->said);
    findings_done(&drive->findings);
    json_decref(drive->results);
    json_decref(drive->others);
    roster_free(drive->roster);
}

static enum error_code close_host(struct drive *drive, struct error *reterr)
{
    if (!drive->host)
        return ERR_OK;
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&interrupts[i], NULL);
    enum error_code code = host_close(drive->host, reterr);
    drive->host = NULL;
    return code;
}

void drive_close(struct drive *drive)
{
    close_host(drive, NULL);
    close_all(drive);
}

int drive_abort(struct drive *drive, const struct error *err)
{
    int code = report_refusal(drive->args, err, &drive->findings);
    drive_close(drive);
    return code;
}

/* ---- telling ---- */

static void print_questions(const json_t *result)
{
    size_t i;
    json_t *question;
    json_array_foreach (json_object_get(result, "questions"), i, question) {
        const json_t *shown = json_object_get(question, "shown");
        const char *cause = text_of(json_object_get(shown, "error"), "message");
        long long revision = json_integer_value(json_object_get(question, "revision"));
        const char *step = text_of(question, "step");
        fprintf(stderr, "  %s asks%s: ", strcmp(step, ".") == 0 ? "the run itself" : step,
                revision > 1 ? " again" : "");
        print_said(stderr, slice_of(question_sentence(shown)));
        fputs(*cause ? "\n    because: " : "", stderr);
        print_said(stderr, slice_of(cause));
        fputc('\n', stderr);
        print_agents(stderr, json_object_get(shown, "agents"));
    }
}

static void print_result(const struct drive *drive, const json_t *result)
{
    const char *status = text_of(result, "status"), *id = text_of(result, "run");
    const json_t *error = json_object_get(result, "error");
    AUTO(freep) char *same = same_store(drive->args);
    if (strcmp(status, "done") == 0) {
        fprintf(stderr, "%srun %s is done%s\n", paint(stderr, GREEN), id, paint(stderr, PLAIN));
        print_json(json_incref(json_object_get(result, "output")));
    } else if (strcmp(status, "waiting") == 0) {
        const json_t *first = json_array_get(json_object_get(result, "questions"), 0);
        fprintf(stderr, "%srun %s waits for a person%s\n", paint(stderr, YELLOW), id,
                paint(stderr, PLAIN));
        print_questions(result);
        if (error) {
            fputs("  then it ends: ", stderr);
            print_said(stderr, slice_of(text_of(error, "message")));
            fputc('\n', stderr);
        }
        fprintf(stderr,
                "  the whole question: seam show %s%s\n"
                "  why it is asked:    seam explain %s %s%s\n"
                "  to answer it:       seam answer %s %s --json FILE%s   (or --deny)\n"
                "  to go on then:      seam resume %s%s\n",
                id, same, id, text_of(first, "step"), same, id, text_of(first, "step"), same, id,
                same);
    } else {
        const char *where = text_of(error, "step");
        fprintf(stderr, "%srun %s %s%s%s%s: ", paint(stderr, RED), id,
                strcmp(status, "cancelled") == 0 ? "was cancelled" : status, paint(stderr, PLAIN),
                *where ? " at " : "", where);
        print_said(stderr, slice_of(text_of(error, "message")));
        fprintf(stderr, "\n  why: seam explain %s%s\n", id, same);
    }
}

static void count_results(const json_t *results, size_t ret_counts[static RUN_CANCELLED + 1])
{
    const char *id;
    json_t *result;
    json_object_foreach ((json_t *)results, id, result) {
        for (int i = RUN_RUNNING; i <= RUN_CANCELLED; i++)
            if (strcmp(text_of(result, "status"), run_status_word((enum run_status)i)) == 0)
                ret_counts[i]++;
    }
}

static void print_counts(const struct drive *drive, const size_t counts[static RUN_CANCELLED + 1])
{
    AUTO(freep) char *same = same_store(drive->args);
    printf("%zu runs: %zu done, %zu waiting for a person, %zu failed, %zu cancelled",
           json_object_size(drive->results), counts[RUN_DONE], counts[RUN_WAITING],
           counts[RUN_FAILED], counts[RUN_CANCELLED]);
    if (counts[RUN_RUNNING])
        printf(", %zu not at their end", counts[RUN_RUNNING]);
    putchar('\n');
    if (counts[RUN_WAITING])
        printf("  seam runs --status waiting%s\n", same);
}

static void print_results(const struct drive *drive, const size_t counts[static RUN_CANCELLED + 1])
{
    const char *id;
    json_t *result;
    if (drive->args->json) {
        json_object_foreach (drive->results, id, result) {
            print_json(json_incref(result));
        }
        return;
    }
    size_t count = json_object_size(drive->results);
    if (count > 1 || (count == 0 && args_flag(drive->args, "--each")))
        print_counts(drive, counts);
    else if (!counts[RUN_RUNNING])
        json_object_foreach (drive->results, id, result) {
            print_result(drive, result);
        }
    json_object_foreach (drive->others, id, result) {
        fprintf(stderr, "a message for run %s was there; it was taken up, and is %s\n", id,
                text_of(result, "status"));
    }
}

static int stopped(const struct drive *drive, size_t left)
{
    AUTO(freep) char *same = same_store(drive->args);
    const char *id = json_object_size(drive->results) == 1
                         ? json_object_iter_key(json_object_iter(drive->results))
                         : "--all";
    if (args_flag(drive->args, "--memory"))
        complain(0, "stopped; nothing was kept (--memory)");
    else
        complain(0, "stopped; %zu run%s left as %s; `seam resume %s%s` goes on", left,
                 left == 1 ? " is" : "s are", left == 1 ? "it was" : "they were", id, same);
    return EXIT_SIGNAL + drive->interrupted;
}

int drive_finish(struct drive *drive)
{
    struct error err;
    size_t counts[RUN_CANCELLED + 1] = {0};
    drive->working = true;
    enum error_code code = host_work(drive->host, &err);
    size_t left = host_run_count(drive->host);
    enum error_code closed = close_host(drive, code == ERR_OK ? &err : NULL);
    count_results(drive->results, counts);
    print_results(drive, counts);
    int exit_code = counts[RUN_FAILED] || counts[RUN_CANCELLED] ? EXIT_FAILED
                    : counts[RUN_WAITING]                       ? EXIT_WAITING
                                                                : EXIT_DONE;
    if (code != ERR_OK || closed != ERR_OK) {
        report_error(drive->args, &err);
        complain(0, "the host stopped; nothing is lost: mend the cause, then `seam resume --all`");
        exit_code = EXIT_FAILED;
    } else if (drive->interrupted) {
        exit_code = stopped(drive, left);
    }
    close_all(drive);
    return exit_code;
}

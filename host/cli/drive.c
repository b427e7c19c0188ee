/* SPDX-License-Identifier: Apache-2.0
 *
 * A host from its opening to its exit code. Ctrl-C and SIGTERM stop it cleanly: what is under way
 * stays in the journal, and the last line says how to go on.
 */
#include "cli/cli_internal.h"

#include <signal.h>
#include <string.h>
#include <uv.h>

static uv_signal_t interrupts[2];

static void interrupted(uv_signal_t *handle, int number)
{
    struct drive *drive = handle->data;
    (void)number;
    drive->interrupted = true;
    host_stop(drive->host);
}

static void watch_signals(struct drive *drive)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(host_loop(drive->host), &interrupts[i]);
        interrupts[i].data = drive;
        uv_unref((uv_handle_t *)&interrupts[i]);
        uv_signal_start(&interrupts[i], interrupted, numbers[i]);
    }
}

static json_t *result_json(const struct run *run)
{
    json_t *result =
        json_pack("{s:s, s:s}", "run", run_id(run), "status", run_status_word(run_status(run)));
    if (run_status(run) == RUN_DONE)
        json_object_set(result, "output", (json_t *)run_output(run));
    else if (run_error(run))
        json_object_set(result, "error", (json_t *)run_error(run));
    return result;
}

static void settled(void *user, const struct run *run)
{
    struct drive *drive = user;
    drive->counts[run_status(run)]++;
    json_array_append_new(drive->results, result_json(run));
    progress_settled(drive->progress, run);
}

static void record(void *user, const struct run *run, const struct event *event,
                   const struct decisions *decisions)
{
    struct drive *drive = user;
    progress_record(drive->progress, run, event, decisions);
}

static void logged(void *user, const char *plugin, uint32_t level, struct slice text)
{
    struct drive *drive = user;
    progress_log(drive->progress, plugin, level, text);
}

enum error_code drive_open(struct drive *drive, const struct args *args, struct error *reterr)
{
    *drive = (struct drive){.args = args, .results = json_array()};
    enum error_code code = open_roster(args, &drive->roster, reterr);
    if (code != ERR_OK)
        return code;
    drive->progress = progress_new(args->json, args_flag(args, "--quiet"));
    struct host_options options = {
        .roster = drive->roster,
        .store = args_option(args, "--store"),
        .in_memory = args_flag(args, "--memory"),
        .restored = args_flag(args, "--restored"),
        .progress = record,
        .settled = settled,
        .log = logged,
        .user = drive,
    };
    code = host_open(&options, &drive->host, reterr);
    if (code == ERR_OK)
        watch_signals(drive);
    return code;
}

static void close_all(struct drive *drive)
{
    progress_free(drive->progress);
    json_decref(drive->results);
    roster_free(drive->roster);
}

static enum error_code close_host(struct drive *drive, struct error *reterr)
{
    if (!drive->host)
        return ERR_OK;
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&interrupts[i], NULL);
    enum error_code code = host_close(drive->host, reterr);
    drive->host = NULL;
    return code;
}

int drive_abort(struct drive *drive, const struct error *err)
{
    int code = report_error(drive->args, err);
    close_host(drive, NULL);
    close_all(drive);
    return code;
}

static void print_result(const json_t *result)
{
    const char *status = json_string_value(json_object_get(result, "status"));
    const char *id = json_string_value(json_object_get(result, "run"));
    const json_t *error = json_object_get(result, "error");
    if (strcmp(status, "done") == 0) {
        fprintf(stderr, "%srun %s is done%s\n", paint(stderr, GREEN), id, paint(stderr, PLAIN));
        print_json(json_incref(json_object_get(result, "output")));
    } else if (strcmp(status, "waiting") == 0) {
        fprintf(stderr,
                "%srun %s waits for a person%s\n  seam show %s      what is asked\n  seam answer "
                "%s STEP --json FILE, then: seam resume %s\n",
                paint(stderr, YELLOW), id, paint(stderr, PLAIN), id, id, id);
    } else {
        const char *where = json_string_value(json_object_get(error, "step"));
        const char *message = json_string_value(json_object_get(error, "message"));
        fprintf(stderr, "%srun %s %s%s%s%s: %s\n  seam explain %s      why\n", paint(stderr, RED),
                id, status, paint(stderr, PLAIN), where ? " at " : "", where ? where : "",
                message ? message : "", id);
    }
}

static void print_results(const struct drive *drive)
{
    size_t count = json_array_size(drive->results), i;
    json_t *result;
    if (drive->args->json) {
        json_array_foreach (drive->results, i, result) {
            print_json(json_incref(result));
        }
    } else if (count <= 1) {
        print_result(json_array_get(drive->results, 0));
    } else {
        printf("%zu runs: %zu done, %zu waiting for a person, %zu failed, %zu cancelled\n", count,
               drive->counts[RUN_DONE], drive->counts[RUN_WAITING], drive->counts[RUN_FAILED],
               drive->counts[RUN_CANCELLED]);
        if (drive->counts[RUN_WAITING])
            printf("  seam runs --status waiting\n");
    }
}

int drive_finish(struct drive *drive)
{
    struct error err;
    enum error_code code = host_work(drive->host, &err);
    size_t left = host_run_count(drive->host);
    enum error_code closed = close_host(drive, code == ERR_OK ? &err : NULL);
    if (json_array_size(drive->results) > 0)
        print_results(drive);
    int exit_code = drive->counts[RUN_FAILED] || drive->counts[RUN_CANCELLED] ? EXIT_FAILED
                    : drive->counts[RUN_WAITING]                              ? EXIT_WAITING
                                                                              : EXIT_DONE;
    if (code != ERR_OK || closed != ERR_OK) {
        report_error(drive->args, &err);
        complain(0, "the host stopped; nothing is lost: mend the cause, then `seam resume --all`");
        exit_code = EXIT_FAILED;
    } else if (drive->interrupted) {
        complain(0, "stopped; %zu run%s left as %s: `seam resume --all` goes on", left,
                 left == 1 ? " is" : "s are", left == 1 ? "it was" : "they were");
        exit_code = EXIT_FAILED;
    }
    close_all(drive);
    return exit_code;
}

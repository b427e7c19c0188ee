/* SPDX-License-Identifier: Apache-2.0
 *
 * seam runs, seam show: what there is, and where a run stands.
 */
#include "cli/show_internal.h"

#include "base/map.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

/* ---- runs ---- */

struct listing {
    const struct args *args;
    json_t *runs;
    size_t count;
};

static void list_run(void *user, const struct journal_run *run)
{
    struct listing *listing = user;
    char created[32];
    listing->count++;
    if (listing->args->json) {
        json_array_append_new(listing->runs, report_run(run));
        return;
    }
    if (listing->count == 1)
        printf("%-32s %-20s %-10s %s\n", "RUN", "FLOW", "STATUS", "STARTED");
    printf("%-32s %-20s %-10s %s\n", run->id, run->flow, run->status,
           clock_text(run->created_ms, created));
}

static bool status_known(const char *status)
{
    for (int i = RUN_RUNNING; i <= RUN_CANCELLED; i++)
        if (strcmp(status, run_status_word((enum run_status)i)) == 0)
            return true;
    return false;
}

int command_runs(const struct args *args)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    struct listing listing = {.args = args, .runs = json_array()};
    struct error err;
    const char *status = args_option(args, "--status");
    if (status && !status_known(status)) {
        json_decref(listing.runs);
        return complain(EXIT_USAGE,
                        "runs: --status is running, waiting, done, failed or cancelled");
    }
    enum error_code code = open_reader(args, &reader, NULL, &err);
    if (code == ERR_OK)
        code = journal_runs(reader, status, list_run, &listing, &err);
    if (code == ERR_OK && args->json)
        print_json(json_incref(listing.runs));
    else if (code == ERR_OK && listing.count == 0)
        puts("no runs");
    json_decref(listing.runs);
    return code == ERR_OK ? EXIT_DONE : report_error(args, &err);
}

/* ---- show ---- */

/* More items than that are shown as one; and of those that are not done, so many. */
enum { CROWD = 20, CROWD_TOLD = 10 };

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static enum colour status_colour(const char *status)
{
    if (strcmp(status, "done") == 0)
        return GREEN;
    if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0)
        return RED;
    if (strcmp(status, "skipped") == 0 || strcmp(status, "pending") == 0 ||
        strcmp(status, "abandoned") == 0)
        return DIM;
    return YELLOW;
}

static void show_value(const char *label, const json_t *value)
{
    if (!value)
        return;
    AUTO(freep) char *text = json_text(value);
    struct slice shown = slice_cut(text, LINE_SHOWN);
    printf("%s %.*s%s\n", label, (int)shown.len, shown.ptr, shown.ptr[shown.len] ? "…" : "");
}

const char *question_sentence(const json_t *shown)
{
    const char *asked = text_of(json_object_get(shown, "asked"), "question");
    return *asked ? asked : text_of(shown, "text");
}

/* What a person needs to judge is printed whole, however long. */
static void show_question(const char *run, const char *path, const json_t *question,
                          const char *same)
{
    static const char *const parts[] = {"effect", "output", "error", "input"};
    const json_t *shown = json_object_get(question, "shown");
    const json_t *schema = json_object_get(json_object_get(shown, "asked"), "schema");
    size_t i;
    json_t *accepted;
    char until[32];
    long long deadline = number_of(question, "deadline_ms");
    if (!question)
        return;
    printf("    %sasks%s (revision %lld): ", paint(stdout, YELLOW), paint(stdout, PLAIN),
           number_of(question, "revision"));
    print_said(stdout, slice_of(question_sentence(shown)));
    putchar('\n');
    for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
        if (!json_object_get(shown, parts[p]))
            continue;
        AUTO(freep) char *text = json_text(json_object_get(shown, parts[p]));
        printf("      %-8s %s\n", parts[p], text);
    }
    json_array_foreach (json_object_get(shown, "accepts"), i, accepted) {
        AUTO(freep) char *text = json_text(accepted);
        printf("      %-8s %s\n", i ? "or" : "accepts", text);
    }
    if (schema) {
        AUTO(freep) char *text = json_text(schema);
        printf("      accepts  what fits %s\n", text);
    }
    if (deadline >= 0)
        printf("      until    %s\n", clock_text(deadline, until));
    print_agents(stdout, json_object_get(shown, "agents"));
    if (json_object_get(question, "denied_by"))
        printf("      denied by %s; an answer is still taken\n", text_of(question, "denied_by"));
    printf("      seam answer %s %s --json FILE%s   (or --deny)\n", run, path, same);
}

static void show_task(const json_t *run, const json_t *task, const char *same)
{
    size_t e;
    json_t *effect, *awaited;
    const char *status = text_of(task, "status");
    printf("  %-24s %s%-12s%s %-24s ", text_of(task, "path"), paint(stdout, status_colour(status)),
           status, paint(stdout, PLAIN), text_of(task, "agent"));
    if (json_object_get(task, "from"))
        printf("taken over from %s\n", text_of(task, "from"));
    else
        printf("%lld attempt%s\n", number_of(task, "attempts"),
               number_of(task, "attempts") == 1 ? "" : "s");
    json_array_foreach (json_object_get(task, "waits_for"), e, awaited) {
        printf("    waits for %s%s\n", text_of(awaited, "path"),
               json_is_true(json_object_get(awaited, "person")) ? ", which waits for a person"
                                                                : "");
    }
    json_array_foreach (json_object_get(task, "effects"), e, effect) {
        printf("    effect %s: %s, key %.16s…\n", text_of(effect, "name"),
               text_of(effect, "outcome"), text_of(effect, "key"));
    }
    if (json_object_get(task, "error")) {
        printf("    error: ");
        print_said(stdout, slice_of(text_of(json_object_get(task, "error"), "message")));
        putchar('\n');
    }
    show_question(text_of(run, "run"), text_of(task, "path"), json_object_get(task, "question"),
                  same);
}

/* Items of one step, so many that a line each would hide what matters. */
struct crowd {
    char *path; /* "search[*]" */
    const char *agent;
    size_t count, told;
    long long attempts;
    json_t *statuses; /* word → how many */
};

static void show_crowd(const struct crowd *crowd)
{
    const char *status, *separator = "";
    json_t *count;
    printf("  %-24s ", crowd->path);
    json_object_foreach (crowd->statuses, status, count) {
        printf("%s%s%lld %s%s", separator, paint(stdout, status_colour(status)),
               (long long)json_integer_value(count), status, paint(stdout, PLAIN));
        separator = ", ";
    }
    printf("  %s  %lld attempts\n", crowd->agent, crowd->attempts);
    if (crowd->told > CROWD_TOLD)
        printf("    %zu more of them are not done: --items lists all\n", crowd->told - CROWD_TOLD);
}

static void count_in_crowd(struct map *crowds, const json_t *task)
{
    AUTO(freep) char *path = report_path_of_all(text_of(task, "path"));
    struct crowd *crowd = map_get(crowds, slice_of(path));
    const char *status = text_of(task, "status");
    if (!crowd) {
        crowd = xcalloc(1, sizeof(*crowd));
        crowd->path = xstrdup(path);
        crowd->agent = text_of(task, "agent");
        crowd->statuses = json_object();
        map_put(crowds, slice_of(path), crowd);
    }
    crowd->count++;
    crowd->attempts += number_of(task, "attempts");
    json_object_set_new(crowd->statuses, status,
                        json_integer(number_of(crowd->statuses, status) + 1));
}

/* Where one of a crowd stands first, the crowd is shown; and each of them that is not done. */
static void show_one(const json_t *run, const json_t *task, struct map *crowds, const char *same,
                     bool items)
{
    AUTO(freep) char *path = report_path_of_all(text_of(task, "path"));
    struct crowd *crowd = map_get(crowds, slice_of(path));
    const char *status = text_of(task, "status");
    bool plain = strcmp(status, "done") == 0 || strcmp(status, "ready") == 0;
    if (items || crowd->count <= CROWD)
        show_task(run, task, same);
    else if (!plain && crowd->told++ < CROWD_TOLD)
        show_task(run, task, same);
}

static void crowd_free(struct crowd *crowd, bool items)
{
    if (!items && crowd->count > CROWD)
        show_crowd(crowd);
    free(crowd->path);
    json_decref(crowd->statuses);
    free(crowd);
}

static void show_tasks(const json_t *run, const char *same, bool items)
{
    struct map crowds = {0};
    const json_t *tasks = json_object_get(run, "tasks");
    size_t i;
    json_t *task;
    json_array_foreach (tasks, i, task) {
        count_in_crowd(&crowds, task);
    }
    json_array_foreach (tasks, i, task) {
        show_one(run, task, &crowds, same, items);
    }
    json_array_foreach (tasks, i, task) {
        AUTO(freep) char *path = report_path_of_all(text_of(task, "path"));
        struct crowd *crowd = map_take(&crowds, slice_of(path));
        if (crowd)
            crowd_free(crowd, items);
    }
    map_done(&crowds);
}

/* Without its key: as far as it can be told. */
static void show_outline(const json_t *run)
{
    size_t i;
    json_t *task;
    json_array_foreach (json_object_get(run, "tasks"), i, task) {
        const char *status = text_of(task, "status");
        printf("  %-24s %s%-12s%s [%s]  %lld attempt%s\n", text_of(task, "path"),
               paint(stdout, status_colour(status)), status, paint(stdout, PLAIN),
               text_of(task, "rule"), number_of(task, "attempts"),
               number_of(task, "attempts") == 1 ? "" : "s");
    }
    print_said(stdout, slice_of(text_of(json_object_get(run, "hidden"), "why")));
    putchar('\n');
}

static void show_text(const struct args *args, const json_t *run)
{
    AUTO(freep) char *same = same_store(args);
    const char *status = text_of(run, "status");
    char started[32];
    size_t i;
    json_t *step;
    printf("%s%s%s  %s  %s%s%s  started %s\n", paint(stdout, BOLD), text_of(run, "run"),
           paint(stdout, PLAIN), text_of(run, "flow"), paint(stdout, status_colour(status)), status,
           paint(stdout, PLAIN), clock_text(number_of(run, "started_ms"), started));
    show_value("  input ", json_object_get(run, "input"));
    show_value("  output", json_object_get(run, "output"));
    show_value("  error ", json_object_get(run, "error"));
    if (json_object_get(run, "hidden")) {
        show_outline(run);
        return;
    }
    printf("steps:");
    json_array_foreach (json_object_get(run, "steps"), i, step) {
        const char *word = text_of(step, "status");
        printf("  %s %s%s%s", text_of(step, "name"), paint(stdout, status_colour(word)), word,
               paint(stdout, PLAIN));
    }
    printf("\n");
    show_question(text_of(run, "run"), ".", json_object_get(run, "question"), same);
    show_tasks(run, same, args_flag(args, "--items"));
    print_spent(run, json_object_get(run, "spent_by"));
}

static enum error_code picture_of(const struct args *args, json_t **ret_picture,
                                  struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    enum error_code code = open_reader(args, &reader, NULL, reterr);
    return code == ERR_OK ? report_show(reader, shelf, args->operands[0], ret_picture, reterr)
                          : code;
}

int command_show(const struct args *args)
{
    AUTO(json_decrefp) json_t *picture = NULL;
    struct error err;
    enum error_code code = picture_of(args, &picture, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    if (args->json)
        print_json(json_incref(picture));
    else
        show_text(args, picture);
    return EXIT_DONE;
}

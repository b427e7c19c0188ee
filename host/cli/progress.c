/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress: on a terminal a picture of the run, one line a step, drawn over itself as things
 * happen, and below a step that runs the end of what its agent says meanwhile; of many runs, one
 * line of counts. Elsewhere nothing, but for warnings of plugins.
 */
#include "cli/cli_internal.h"

#include "base/map.h"

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { REDRAW_MS = 40, ROWS_MAX = 40, COLUMNS = 80, LINE_KEPT = 2048 };

/* A line longer than the terminal must not become two: the picture is wiped by counting lines. */
#define NO_WRAP "\033[?7l"
#define WRAP    "\033[?7h"

/* The line that an agent is saying, or said last. */
struct saying {
    uint32_t task, attempt;
    bool ended;
    struct text line;
};

struct progress {
    bool live, loud;
    size_t settled;
    int rows, rows_max; /* of the picture on the screen */
    int columns;
    int64_t drawn_ms;
    struct map rules;          /* step → the name of its last rule */
    struct map said;           /* step → struct saying, of the last of its tasks that spoke */
    struct saying **said_list; /* all of them */
    size_t said_count;
    struct map known; /* run → &at_work or &at_rest */
};

static char at_work, at_rest;

struct progress *progress_new(bool json, bool quiet)
{
    struct progress *progress = xcalloc(1, sizeof(*progress));
    const char *terminal = getenv("TERM");
    bool draws = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    progress->live = !json && !quiet && draws;
    progress->loud = !quiet;
    struct winsize window;
    bool sized = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 4;
    progress->columns = sized && window.ws_col > 0 ? window.ws_col : COLUMNS;
    progress->rows_max = sized && window.ws_row - 4 < ROWS_MAX ? window.ws_row - 4 : ROWS_MAX;
    return progress;
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    for (size_t i = 0; i < progress->said_count; i++) {
        text_done(&progress->said_list[i]->line);
        free(progress->said_list[i]);
    }
    free(progress->said_list);
    map_done(&progress->said);
    map_done(&progress->rules);
    map_done(&progress->known);
    free(progress);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The cursor goes back to the first row of the old picture, which is wiped. */
static void wipe(struct progress *progress)
{
    if (progress->rows > 0)
        fprintf(stderr, "\033[%dF\033[J", progress->rows);
    progress->rows = 0;
}

static enum colour colour_of(const char *status)
{
    if (strcmp(status, "done") == 0)
        return GREEN;
    if (strcmp(status, "failed") == 0)
        return RED;
    return strcmp(status, "pending") == 0 || strcmp(status, "skipped") == 0 ? DIM : YELLOW;
}

/* What the tasks of a step add up to. */
struct tally {
    long long attempts, reconciles;
    const char *status; /* of the task that is furthest from its end */
};

static struct tally tally_step(const json_t *run, const char *step)
{
    struct tally tally = {0};
    size_t i;
    json_t *task;
    json_array_foreach (json_object_get(run, "tasks"), i, task) {
        if (strcmp(text_of(task, "step"), step) != 0)
            continue;
        tally.attempts += json_integer_value(json_object_get(task, "attempts"));
        tally.reconciles += json_integer_value(json_object_get(task, "reconciles"));
        const char *status = text_of(task, "status");
        if (!tally.status || strcmp(status, "done") != 0)
            tally.status = status;
    }
    return tally;
}

static void draw_step(struct progress *progress, const json_t *run, const json_t *step)
{
    const char *name = text_of(step, "name"), *status = text_of(step, "status");
    const json_t *items = json_object_get(step, "items");
    struct tally tally = tally_step(run, name);
    const char *rule = map_get(&progress->rules, slice_of(name));
    bool running = strcmp(status, "running") == 0;
    if (running && tally.status)
        status = tally.status;
    fprintf(stderr, "  %-20.20s %s%-12s%s", name, paint(stderr, colour_of(status)), status,
            paint(stderr, PLAIN));
    if (items)
        fprintf(stderr, " %lld of %lld items,",
                (long long)json_integer_value(json_object_get(items, "final")),
                (long long)json_integer_value(json_object_get(items, "count")));
    if (tally.attempts)
        fprintf(stderr, " %lld attempt%s", tally.attempts, tally.attempts == 1 ? "" : "s");
    if (tally.reconciles)
        fprintf(stderr, ", asked after it %lld time%s", tally.reconciles,
                tally.reconciles == 1 ? "" : "s");
    if (rule && running)
        fprintf(stderr, "  %s[%s]%s", paint(stderr, DIM), rule, paint(stderr, PLAIN));
    fputc('\n', stderr);
    progress->rows++;
}

/* The end of the line, so far as there is room for it. */
static void draw_said(struct progress *progress, const struct run *run, const json_t *step)
{
    const char *name = text_of(step, "name");
    const struct saying *said = map_get(&progress->said, slice_of(name));
    if (!said || !run_task_in_flight(run, said->task, said->attempt))
        return;
    const char *path = run_task_path(run, said->task);
    struct slice line = text_slice(&said->line);
    size_t from = line.len;
    int room = progress->columns - 6;
    fprintf(stderr, "    %s| ", paint(stderr, DIM));
    if (strcmp(path, name) != 0)
        room -= fprintf(stderr, "%.40s: ", path);
    while (from > 0 && room > 0)
        room -= ((unsigned char)line.ptr[--from] & 0xC0) != 0x80;
    print_clean(stderr, (struct slice){line.ptr + from, line.len - from});
    fprintf(stderr, "%s\n", paint(stderr, PLAIN));
    progress->rows++;
}

static void draw_budget(struct progress *progress, const json_t *run)
{
    const json_t *spent = json_object_get(run, "spent"),
                 *left = json_object_get(run, "budget_left");
    static const char *const names[] = {"attempts", "calls", "tokens"};
    fprintf(stderr, "  %sspent", paint(stderr, DIM));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *rest = json_object_get(left, names[i]);
        long long used = (long long)json_integer_value(json_object_get(spent, names[i]));
        fprintf(stderr, " %s %lld", names[i], used);
        if (rest)
            fprintf(stderr, "/%lld", used + (long long)json_integer_value(rest));
    }
    fprintf(stderr, ", cost %s%s\n", text_of(spent, "cost"), paint(stderr, PLAIN));
    progress->rows++;
}

static void draw_run(struct progress *progress, const struct run *run)
{
    size_t i;
    json_t *step, *picture = run_describe(run);
    fprintf(stderr, "%s%s%s  %s\n", paint(stderr, BOLD), text_of(picture, "run"),
            paint(stderr, PLAIN), text_of(picture, "status"));
    progress->rows++;
    json_array_foreach (json_object_get(picture, "steps"), i, step) {
        if (progress->rows <= progress->rows_max)
            draw_step(progress, picture, step);
        if (progress->rows <= progress->rows_max)
            draw_said(progress, run, step);
    }
    draw_budget(progress, picture);
    json_decref(picture);
}

static void draw(struct progress *progress, const struct run *run, bool at_once)
{
    int64_t now = now_ms();
    if (!at_once && now - progress->drawn_ms < REDRAW_MS)
        return;
    progress->drawn_ms = now;
    wipe(progress);
    fputs(NO_WRAP, stderr);
    if (progress->known.count > 1) {
        fprintf(stderr, "%zu runs, %zu settled\n", progress->known.count, progress->settled);
        progress->rows = 1;
    } else {
        draw_run(progress, run);
    }
    fputs(WRAP, stderr);
    fflush(stderr);
}

/* The rule's name is static, or lives as long as the run's history. */
static void remember_rules(struct progress *progress, const struct run *run,
                           const struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->list[i];
        if (decision->kind == DECISION_UNWIND || decision->kind == DECISION_END ||
            decision->kind == DECISION_ADMIT || decision->kind == DECISION_SKIP)
            continue;
        const char *path = run_task_path(run, decision->task);
        map_put(&progress->rules, (struct slice){path, strcspn(path, "[/")},
                (void *)(uintptr_t)decision->rule);
    }
}

/* A run that was answered is at work again. */
static void note(struct progress *progress, const struct run *run)
{
    char *now = run_status(run) == RUN_RUNNING ? &at_work : &at_rest;
    const char *was = map_put(&progress->known, slice_of(run_id(run)), now);
    progress->settled += (size_t)(now == &at_rest) - (size_t)(was == &at_rest);
}

void progress_record(struct progress *progress, const struct run *run, const struct event *event,
                     const struct decisions *decisions)
{
    if (!progress->live)
        return;
    (void)event;
    note(progress, run);
    remember_rules(progress, run, decisions);
    draw(progress, run, false);
}

void progress_settled(struct progress *progress, const struct run *run)
{
    if (!progress->live)
        return;
    note(progress, run);
    draw(progress, run, progress->known.count == progress->settled);
}

bool progress_hears(const struct progress *progress)
{
    return progress->live && progress->known.count <= 1;
}

static struct saying *saying_of(struct progress *progress, struct slice step)
{
    struct saying *said = map_get(&progress->said, step);
    if (said)
        return said;
    said = xcalloc(1, sizeof(*said));
    text_init(&said->line, SIZE_MAX / 2);
    map_put(&progress->said, step, said);
    progress->said_list =
        xrealloc(progress->said_list, (progress->said_count + 1) * sizeof(struct saying *));
    progress->said_list[progress->said_count++] = said;
    return said;
}

static void say(struct saying *said, struct slice text)
{
    struct text *line = &said->line;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            said->ended = true;
            continue;
        }
        if (said->ended)
            text_clear(line);
        said->ended = false;
        text_addc(line, text.ptr[i]);
    }
    size_t gone = line->len > LINE_KEPT ? line->len - LINE_KEPT : 0;
    while (gone > 0 && gone < line->len && ((unsigned char)line->ptr[gone] & 0xC0) == 0x80)
        gone++;
    if (gone > 0) {
        memmove(line->ptr, line->ptr + gone, line->len - gone);
        line->len -= gone;
    }
}

void progress_said(struct progress *progress, const struct run *run, const struct said *said)
{
    const char *path = run_task_path(run, said->task);
    struct saying *saying = saying_of(progress, (struct slice){path, strcspn(path, "[/")});
    if (saying->task != said->task || saying->attempt != said->attempt)
        text_clear(&saying->line);
    saying->task = said->task;
    saying->attempt = said->attempt;
    say(saying, said->text);
    if (!said->more)
        draw(progress, run, true);
}

void progress_log(struct progress *progress, const char *plugin, uint32_t level, struct slice text)
{
    if (!progress->loud || level < SEAM_LOG_WARNING)
        return;
    wipe(progress);
    fprintf(stderr, "%s[%s]%s ", paint(stderr, CYAN), plugin, paint(stderr, PLAIN));
    print_said(stderr, text);
    fputc('\n', stderr);
}

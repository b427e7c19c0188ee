/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures the host and prints a table, or with --json one JSON object: chains of ten steps, one at
 * a time and 64 at once; fan-outs of one to a hundred to one; steps in ever larger numbers, of one
 * run and one after the other; 10,000 that sleep at once; whole processes of three steps. Every
 * input and output is about 300 bytes and is validated. --quick measures next to nothing and sees
 * that it works. A NAME measures only rows whose names hold it, --go and --warm for so many
 * milliseconds, after so many uncounted ones.
 */
#include "bench.h"

#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIAL_SECONDS = 120, QUICK_SIZE = 1000 };

struct options {
    bool json, quick;
    int warm_ms, go_ms;
    const char *name;
};

static const char *const works[] = {
    [WORK_CHAIN] = "chain",     [WORK_FAN] = "fan-out",       [WORK_ITEMS] = "items",
    [WORK_LONG] = "long",       [WORK_AFTER] = "after",       [WORK_WAIT] = "waiting",
    [WORK_COLD] = "cold start", [WORK_FLOOR] = "SQLite loop",
};
static const char *const keeps[] = {"memory", "effects", "steps"};

static void name_row(const struct trial *trial, char ret_name[static 80])
{
    char width[24] = "";
    if (trial->size > 0)
        snprintf(width, sizeof(width), " %d", trial->size);
    else if (trial->work != WORK_COLD)
        snprintf(width, sizeof(width), " x%d", trial->width);
    snprintf(ret_name, 80, "%s%s %s %s", works[trial->work], width,
             trial->in_process ? "in-process" : "worker", keeps[trial->keep]);
}

/* In a child, so that a row's memory is its own, and its end; false: there is no row. */
static bool measure(const struct trial *trial, struct row *ret_row)
{
    struct row row = {0};
    int pipe_fds[2], status = 0;
    fflush(stdout);
    if (pipe(pipe_fds) != 0)
        give_up("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        alarm(TRIAL_SECONDS);
        if (trial->work == WORK_COLD)
            measure_starts(trial, &row);
        else if (trial->work == WORK_FLOOR)
            measure_floor(trial, &row);
        else
            measure_runs(trial, &row);
        _exit(write(pipe_fds[1], &row, sizeof(row)) == sizeof(row) ? 0 : 1);
    }
    close(pipe_fds[1]);
    bool whole = pid > 0 && read(pipe_fds[0], &row, sizeof(row)) == sizeof(row);
    close(pipe_fds[0]);
    *ret_row = row;
    return waitpid(pid, &status, 0) == pid && status == 0 && whole;
}

static void print_row(const struct options *options, const struct trial *trial,
                      const struct row *row, bool first)
{
    char name[80];
    name_row(trial, name);
    if (options->json)
        printf("%s\n  {\"name\": \"%s\", \"work\": \"%s\", \"isolation\": \"%s\", \"durability\": "
               "\"%s\", \"width\": %d, \"size\": %d, \"steps_per_s\": %.0f, \"p50_us\": %.1f, "
               "\"p99_us\": %.1f, "
               "\"peak_mb\": %.1f, \"samples\": %" PRIu64 ", \"steps\": %" PRIu64 "}",
               first ? "" : ",", name, works[trial->work],
               trial->in_process ? "in-process" : "worker", keeps[trial->keep], trial->width,
               trial->size, row->per_second, row->p50_us, row->p99_us, row->memory_mb, row->count,
               row->steps);
    else if (trial->work == WORK_COLD)
        printf("%-34s %12s %12.1f %12.1f %10.1f\n", name, "-", row->p50_us, row->p99_us,
               row->memory_mb);
    else
        printf("%-34s %12.0f %12.1f %12.1f %10.1f\n", name, row->per_second, row->p50_us,
               row->p99_us, row->memory_mb);
}

#define FLAT(work, size)                                                                           \
    {work, true, KEEP_MEMORY, 1, size, 0, 0, 0},                                                   \
    {                                                                                              \
        work, true, KEEP_EFFECTS, 1, size, 0, 0, 0                                                 \
    }

static const struct trial trials[] = {
    {WORK_CHAIN, true, KEEP_MEMORY, 1, 0, 0, 0, 0},
    {WORK_CHAIN, true, KEEP_MEMORY, 64, 0, 0, 0, 0},
    {WORK_CHAIN, true, KEEP_EFFECTS, 1, 0, 0, 0, 0},
    {WORK_CHAIN, true, KEEP_EFFECTS, 64, 0, 0, 0, 0},
    {WORK_CHAIN, true, KEEP_STEPS, 1, 0, 0, 0, 0},
    {WORK_CHAIN, true, KEEP_STEPS, 64, 0, 0, 0, 0},
    {WORK_CHAIN, false, KEEP_MEMORY, 1, 0, 0, 0, 0},
    {WORK_CHAIN, false, KEEP_MEMORY, 64, 0, 0, 0, 0},
    {WORK_CHAIN, false, KEEP_EFFECTS, 1, 0, 0, 0, 0},
    {WORK_CHAIN, false, KEEP_EFFECTS, 64, 0, 0, 0, 0},
    {WORK_CHAIN, false, KEEP_STEPS, 1, 0, 0, 0, 0},
    {WORK_CHAIN, false, KEEP_STEPS, 64, 0, 0, 0, 0},
    {WORK_FLOOR, true, KEEP_STEPS, 1, 0, 0, 0, 0},
    {WORK_FAN, true, KEEP_MEMORY, 1, 0, 0, 0, 0},
    {WORK_FAN, true, KEEP_EFFECTS, 1, 0, 0, 0, 0},
    {WORK_FAN, true, KEEP_STEPS, 1, 0, 0, 0, 0},
    {WORK_FAN, false, KEEP_MEMORY, 1, 0, 0, 0, 0},
    {WORK_FAN, false, KEEP_EFFECTS, 1, 0, 0, 0, 0},
    {WORK_FAN, false, KEEP_STEPS, 1, 0, 0, 0, 0},
    FLAT(WORK_ITEMS, 10),
    FLAT(WORK_ITEMS, 100),
    FLAT(WORK_ITEMS, 1000),
    FLAT(WORK_ITEMS, 10000),
    FLAT(WORK_ITEMS, 100000),
    FLAT(WORK_LONG, 10),
    FLAT(WORK_LONG, 100),
    FLAT(WORK_LONG, 1000),
    FLAT(WORK_LONG, 2000), /* as many as a flow may have */
    FLAT(WORK_AFTER, 10),
    FLAT(WORK_AFTER, 1000),
    FLAT(WORK_AFTER, 10000),
    FLAT(WORK_AFTER, 100000),
    {WORK_WAIT, true, KEEP_MEMORY, 10000, 0, 0, 0, 1000},
    {WORK_WAIT, true, KEEP_EFFECTS, 10000, 0, 0, 0, 1000},
    {WORK_WAIT, false, KEEP_MEMORY, 10000, 0, 0, 0, 1000},
    {WORK_WAIT, false, KEEP_EFFECTS, 10000, 0, 0, 0, 1000},
    {WORK_COLD, true, KEEP_MEMORY, 20, 0, 0, 0, 0},
    {WORK_COLD, true, KEEP_EFFECTS, 20, 0, 0, 0, 0},
    {WORK_COLD, false, KEEP_MEMORY, 20, 0, 0, 0, 0},
    {WORK_COLD, false, KEEP_EFFECTS, 20, 0, 0, 0, 0},
};

/* How long; and in little, where nothing is to be learnt but that it works. */
static void settle_trial(const struct options *options, struct trial *trial)
{
    bool flat = trial->size > 0;
    trial->warm_ms = options->quick ? 1 : flat ? 100 : 500;
    trial->go_ms = options->quick ? 20 : flat ? 1000 : 3000;
    if (options->warm_ms >= 0)
        trial->warm_ms = options->warm_ms;
    if (options->go_ms >= 0)
        trial->go_ms = options->go_ms;
    if (options->quick && trial->work == WORK_COLD)
        trial->width = 1;
    if (options->quick && trial->work == WORK_WAIT) {
        trial->width = 100;
        trial->nap_ms = 10;
    }
}

/* The disk by itself; but not beside the rows of a name, whose syncs somebody may count. */
static void print_head(const struct options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    double syncs = options->name ? 0 : measure_disk(options->quick ? 20 : 1000);
    if (options->json)
        printf("{\"processors\": %ld, ", processors);
    if (options->json && !options->name)
        printf("\"disk_syncs_per_s\": %.0f, ", syncs);
    if (options->json)
        printf("\"rows\": [");
    else if (!options->name)
        printf("%ld processors; the disk syncs %.0f times a second\n", processors, syncs);
    if (!options->json)
        printf("%-34s %12s %12s %12s %10s\n", "", "steps/s", "p50 us", "p99 us", "peak MB");
}

/* False: a row failed. */
static bool measure_all(const struct options *options)
{
    bool first = true, all = true;
    print_head(options);
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        struct trial trial = trials[i];
        char name[80];
        name_row(&trial, name);
        if (options->name && !strstr(name, options->name))
            continue;
        if (options->quick && trial.size > QUICK_SIZE)
            continue;
        settle_trial(options, &trial);
        struct row row;
        if (!measure(&trial, &row)) {
            fprintf(stderr, "bench: %s failed\n", name);
            all = false;
            continue;
        }
        print_row(options, &trial, &row, first);
        first = false;
    }
    if (options->json)
        puts("\n]}");
    else
        puts("p50 and p99: of a step, from its start to the start of the next; of a fan-out, items "
             "and\na long chain, a run; of waiting, all of them; of a cold start, the "
             "process;\nthe SQLite loop has no host");
    return all;
}

static int milliseconds(const char *word)
{
    char *end = NULL;
    long ms = word ? strtol(word, &end, 10) : -1;
    if (!word || *end || ms < 0 || ms > 600000)
        give_up("--warm and --go take milliseconds, up to 600000");
    return (int)ms;
}

int main(int argc, char **argv)
{
    struct options options = {.warm_ms = -1, .go_ms = -1};
    json_pool_use();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            options.json = true;
        else if (strcmp(argv[i], "--quick") == 0)
            options.quick = true;
        else if (strcmp(argv[i], "--warm") == 0)
            options.warm_ms = milliseconds(argv[++i]);
        else if (strcmp(argv[i], "--go") == 0)
            options.go_ms = milliseconds(argv[++i]);
        else if (argv[i][0] == '-' || options.name)
            give_up("usage: bench [--quick] [--json] [--warm MS] [--go MS] [NAME]");
        else
            options.name = argv[i];
    }
    return measure_all(&options) ? 0 : 1;
}

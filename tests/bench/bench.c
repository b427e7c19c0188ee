/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures the host and prints a table, or with --json one JSON object: chains of ten steps, one at
 * a time and 64 at once; fan-outs of one to a hundred to one; whole processes of three steps. Every
 * input and output is about 300 bytes and is validated. --quick measures next to nothing and sees
 * that it works. A NAME measures only rows whose names hold it.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
    bool json, quick;
    const char *name;
};

static const char *const works[] = {"chain", "fan-out", "cold start"};
static const char *const keeps[] = {"memory", "effects", "steps"};

static void name_row(const struct trial *trial, char ret_name[static 80])
{
    char width[24] = "";
    if (trial->work != WORK_COLD)
        snprintf(width, sizeof(width), " x%d", trial->width);
    snprintf(ret_name, 80, "%s%s %s %s", works[trial->work], width,
             trial->in_process ? "in-process" : "worker", keeps[trial->keep]);
}

/* In a child, so that a row's memory is its own. */
static struct row measure(const struct trial *trial)
{
    struct row row = {0};
    int pipe_fds[2], status = 0;
    fflush(stdout);
    if (pipe(pipe_fds) != 0)
        give_up("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        if (trial->work == WORK_COLD)
            measure_starts(trial, &row);
        else
            measure_runs(trial, &row);
        _exit(write(pipe_fds[1], &row, sizeof(row)) == sizeof(row) ? 0 : 1);
    }
    close(pipe_fds[1]);
    bool whole = pid > 0 && read(pipe_fds[0], &row, sizeof(row)) == sizeof(row);
    close(pipe_fds[0]);
    if (waitpid(pid, &status, 0) != pid || status != 0 || !whole)
        give_up("a row failed");
    return row;
}

static void print_row(const struct options *options, const struct trial *trial,
                      const struct row *row, bool first)
{
    char name[80];
    name_row(trial, name);
    if (options->json)
        printf("%s\n  {\"name\": \"%s\", \"work\": \"%s\", \"isolation\": \"%s\", \"durability\": "
               "\"%s\", \"width\": %d, \"steps_per_s\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
               "\"peak_mb\": %.1f, \"samples\": %" PRIu64 "}",
               first ? "" : ",", name, works[trial->work],
               trial->in_process ? "in-process" : "worker", keeps[trial->keep], trial->width,
               row->per_second, row->p50_us, row->p99_us, row->memory_mb, row->count);
    else if (trial->work == WORK_COLD)
        printf("%-34s %12s %12.1f %12.1f %10.1f\n", name, "-", row->p50_us, row->p99_us,
               row->memory_mb);
    else
        printf("%-34s %12.0f %12.1f %12.1f %10.1f\n", name, row->per_second, row->p50_us,
               row->p99_us, row->memory_mb);
}

static const struct trial trials[] = {
    {WORK_CHAIN, true, KEEP_MEMORY, 1, 0, 0},   {WORK_CHAIN, true, KEEP_MEMORY, 64, 0, 0},
    {WORK_CHAIN, true, KEEP_EFFECTS, 1, 0, 0},  {WORK_CHAIN, true, KEEP_EFFECTS, 64, 0, 0},
    {WORK_CHAIN, true, KEEP_STEPS, 1, 0, 0},    {WORK_CHAIN, true, KEEP_STEPS, 64, 0, 0},
    {WORK_CHAIN, false, KEEP_MEMORY, 1, 0, 0},  {WORK_CHAIN, false, KEEP_MEMORY, 64, 0, 0},
    {WORK_CHAIN, false, KEEP_EFFECTS, 1, 0, 0}, {WORK_CHAIN, false, KEEP_EFFECTS, 64, 0, 0},
    {WORK_CHAIN, false, KEEP_STEPS, 1, 0, 0},   {WORK_CHAIN, false, KEEP_STEPS, 64, 0, 0},
    {WORK_FAN, true, KEEP_MEMORY, 1, 0, 0},     {WORK_FAN, true, KEEP_EFFECTS, 1, 0, 0},
    {WORK_FAN, false, KEEP_MEMORY, 1, 0, 0},    {WORK_FAN, false, KEEP_EFFECTS, 1, 0, 0},
    {WORK_COLD, true, KEEP_MEMORY, 20, 0, 0},   {WORK_COLD, true, KEEP_EFFECTS, 20, 0, 0},
    {WORK_COLD, false, KEEP_MEMORY, 20, 0, 0},  {WORK_COLD, false, KEEP_EFFECTS, 20, 0, 0},
};

static void measure_all(const struct options *options)
{
    double syncs = measure_disk(options->quick ? 20 : 1000);
    bool first = true;
    if (options->json)
        printf("{\"processors\": %ld, \"disk_syncs_per_s\": %.0f, \"rows\": [",
               sysconf(_SC_NPROCESSORS_ONLN), syncs);
    else
        printf("%ld processors; the disk syncs %.0f times a second\n"
               "%-34s %12s %12s %12s %10s\n",
               sysconf(_SC_NPROCESSORS_ONLN), syncs, "", "steps/s", "p50 us", "p99 us", "peak MB");
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        struct trial trial = trials[i];
        char name[80];
        name_row(&trial, name);
        if (options->name && !strstr(name, options->name))
            continue;
        trial.warm_ms = options->quick ? 1 : 500;
        trial.go_ms = options->quick ? 20 : 3000;
        if (options->quick && trial.work == WORK_COLD)
            trial.width = 1;
        struct row row = measure(&trial);
        print_row(options, &trial, &row, first);
        first = false;
    }
    if (options->json)
        puts("\n]}");
    else
        puts(
            "p50 and p99: of a step, from its start to the start of the next; of a fan-out, whole; "
            "of a cold start, the process");
}

int main(int argc, char **argv)
{
    struct options options = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            options.json = true;
        else if (strcmp(argv[i], "--quick") == 0)
            options.quick = true;
        else if (argv[i][0] == '-' || options.name)
            give_up("usage: bench [--quick] [--json] [NAME]");
        else
            options.name = argv[i];
    }
    measure_all(&options);
    return 0;
}

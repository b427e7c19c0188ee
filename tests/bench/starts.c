/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole processes: `seam run` of three steps, on a journal that is there already; and the disk by
 * itself.
 */
#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double run_once(char *const arguments[])
{
    pid_t pid;
    int status = 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int64_t began = now_ns();
    if (posix_spawn(&pid, BENCH_SEAM, &actions, NULL, arguments, environ) != 0)
        give_up("cannot start %s", BENCH_SEAM);
    posix_spawn_file_actions_destroy(&actions);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        give_up("%s ended with status %d", BENCH_SEAM, status);
    return (double)(now_ns() - began) / 1000;
}

static void write_input(const char *path)
{
    char *document = make_document(1);
    FILE *file = fopen(path, "we");
    if (!file || fputs(document, file) < 0 || fclose(file) != 0)
        give_up("cannot write %s", path);
    free(document);
}

void measure_starts(const struct trial *trial, struct row *ret_row)
{
    enum { UNCOUNTED = 2 };
    char *folder = make_folder(trial), *manifest = NULL, *input = NULL;
    struct samples samples = {0};
    struct rusage children;
    if (asprintf(&manifest, "%s/seam.yaml", folder) < 0 ||
        asprintf(&input, "%s/input.json", folder) < 0)
        give_up("no memory");
    write_input(input);
    char run[] = "run", flow[] = BENCH_FOLDER "/cold.yaml", m[] = "--manifest", i[] = "--input",
         quiet[] = "--quiet", memory[] = "--memory", seam[] = "seam";
    char *const arguments[] = {
        seam, run, flow, m, manifest, i, input, quiet, trial->keep == KEEP_MEMORY ? memory : NULL,
        NULL};
    for (int n = 0; n < trial->width + UNCOUNTED; n++) {
        double us = run_once(arguments);
        if (n >= UNCOUNTED)
            samples_add(&samples, us);
    }
    getrusage(RUSAGE_CHILDREN, &children);
    *ret_row = (struct row){
        .p50_us = samples_at(&samples, 0.5),
        .p99_us = samples_at(&samples, 0.99),
        .memory_mb = (double)children.ru_maxrss / 1024,
        .count = samples.count,
    };
    samples_done(&samples);
    remove_folder(folder);
    free(manifest);
    free(input);
    free(folder);
}

double measure_disk(int go_ms)
{
    char *path = make_temporary(), page[4096] = {1};
    int fd = mkstemp(path);
    int64_t began = now_ns(), until = began + (int64_t)go_ms * 1000000;
    double syncs = 0;
    unlink(path);
    free(path);
    while (now_ns() < until && write(fd, page, sizeof(page)) == sizeof(page) && fdatasync(fd) == 0)
        syncs++;
    double seconds = (double)(now_ns() - began) / 1e9;
    close(fd);
    return syncs / seconds;
}

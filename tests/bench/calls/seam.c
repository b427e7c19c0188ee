/* SPDX-License-Identifier: Apache-2.0
 *
 * Seam's side: a folder with a manifest, one declared model and a flow that asks it of each item,
 * all at once; one whole `seam run` of it, watched through /proc while it goes. Its time has the
 * start of the process, the check of the flow and the journal in it.
 */
#include "calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { LOOK_MS = 20 };

static void write_file(const char *folder, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void write_file(const char *folder, const char *name, const char *format, ...)
{
    char path[512];
    va_list args;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    if (!file)
        give_up("cannot write %s", path);
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    if (fclose(file) != 0)
        give_up("cannot write %s", path);
}

static void add_trust(const char *folder, const char *ca_file)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/seam.yaml", folder);
    FILE *file = fopen(path, "ae");
    if (!file || fprintf(file, "tls: {ca_file: \"%s\"}\n", ca_file) < 0 || fclose(file) != 0)
        give_up("cannot write %s", path);
}

static void write_files(const char *folder, const struct place *place, int calls, int connections)
{
    const char *url = place->url;
    int port = atoi(strrchr(url, ':') + 1);
    write_file(
        folder, "models.yaml",
        "agents:\n"
        "  - name: classify\n"
        "    summary: Says whether a report is a bug or a wish\n"
        "    provider: openai-compatible\n"
        "    base_url: %s/v1\n"
        "    model: scripted\n"
        "    system: You sort reports of users. Be brief.\n"
        "    prompt: \"The report: number ${ .input.number } crashes when I save\"\n"
        "    input: {type: object, properties: {number: {type: integer}}, required: [number]}\n"
        "    output: {type: object, properties: {label: {enum: [bug, wish]}},\n"
        "             required: [label], additionalProperties: false}\n"
        "    parameters: {max_tokens: 64}\n",
        url);
    write_file(folder, "seam.yaml",
               "manifest: 1\n"
               "store: {url: \"sqlite:journal.db\"}\n"
               "plugins:\n"
               "  models:\n"
               "    path: \"%s\"\n"
               "    config_file: models.yaml\n"
               "    grants:\n"
               "      http: [{scheme: %s, host: 127.0.0.1, port: %d, methods: [POST],\n"
               "              reads: [\"POST /v1/*\"], private: true}]\n"
               "limits: {concurrency: %d, connections: %d, connections_per_host: %d}\n",
               CALLS_PLUGIN, place->ca_file ? "https" : "http", port, calls, connections,
               connections);
    if (place->ca_file)
        add_trust(folder, place->ca_file);
    write_file(folder, "sort.yaml",
               "flow: sort\n"
               "version: 1.0.0\n"
               "concurrency: %d\n"
               "input: {schema: {type: object, properties: {numbers: {type: array, maxItems: %d,\n"
               "        items: {type: integer}}}, required: [numbers]}}\n"
               "budget: {attempts: %d, calls: %d, time: 1h, tokens: 100000000}\n"
               "steps:\n"
               "  each:\n"
               "    agent: models/classify\n"
               "    for_each: ${ .input.numbers }\n"
               "    concurrency: %d\n"
               "    input: {number: \"${ .item }\"}\n"
               "output: {as: \"${ .steps.each.output | length }\"}\n",
               calls, calls, calls * 3, calls * 3, calls);
}

static void write_input(const char *folder, int calls)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/input.json", folder);
    FILE *file = fopen(path, "we");
    if (!file)
        give_up("cannot write %s", path);
    fputs("{\"numbers\":[", file);
    for (int i = 0; i < calls; i++)
        fprintf(file, "%s%d", i ? "," : "", i);
    fputs("]}\n", file);
    if (fclose(file) != 0)
        give_up("cannot write %s", path);
}

/* ---- watching ---- */

/* A number of /proc/PID/status; 0 if there is none. */
static long long status_number(pid_t pid, const char *name)
{
    char path[64], line[256];
    long long number = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            number = atoll(line + strlen(name));
    if (file)
        fclose(file);
    return number;
}

/* The worker is the one child that lives longest; it may be some levels down. */
static double children_mb(pid_t pid)
{
    char path[64];
    int child;
    double all = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fscanf(file, "%d", &child) == 1)
        all += (double)status_number(child, "VmHWM:") / 1024 + children_mb(child);
    if (file)
        fclose(file);
    return all;
}

static void look(pid_t pid, struct side *side)
{
    double host = (double)status_number(pid, "VmHWM:") / 1024, worker = children_mb(pid);
    long long threads = status_number(pid, "Threads:");
    side->host_mb = host > side->host_mb ? host : side->host_mb;
    side->worker_mb = worker > side->worker_mb ? worker : side->worker_mb;
    side->threads = threads > side->threads ? threads : side->threads;
}

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *where)
{
    (void)is;
    (void)type;
    (void)where;
    return remove(path);
}

/* The run, from its start to its end; its words go to a file, which is shown if it fails. */
static pid_t start(const char *folder)
{
    pid_t pid;
    posix_spawn_file_actions_t actions;
    char run[] = "run", flow[] = "sort.yaml", input[] = "--input", file[] = "input.json",
         quiet[] = "--quiet", seam[] = "seam";
    char *const arguments[] = {seam, run, flow, input, file, quiet, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "out", O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "err", O_WRONLY | O_CREAT, 0600);
    if (posix_spawn(&pid, CALLS_SEAM, &actions, NULL, arguments, environ) != 0)
        give_up("cannot start %s", CALLS_SEAM);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void show(const char *folder, const char *name)
{
    char path[512], line[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    for (int lines = 0; file && lines < 20 && fgets(line, sizeof(line), file); lines++)
        fputs(line, stderr);
    if (file)
        fclose(file);
}

void ask_seam(const struct place *place, int calls, int connections, struct side *ret_side)
{
    char folder[] = "/tmp/seam-calls-XXXXXX";
    struct rusage usage;
    int status = 0;
    if (!mkdtemp(folder))
        give_up("no folder: %s", strerror(errno));
    write_files(folder, place, calls, connections);
    write_input(folder, calls);
    int64_t began = now_ns();
    pid_t pid = start(folder);
    while (wait4(pid, &status, WNOHANG, &usage) == 0) {
        look(pid, ret_side);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
    }
    ret_side->seconds = (double)(now_ns() - began) / 1e9;
    ret_side->cpu_seconds = cpu_of(&usage);
    if (status != 0) {
        show(folder, "out");
        show(folder, "err");
        give_up("seam ended with status %d; its folder is %s", status, folder);
    }
    if (!getenv("KEEP"))
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * So many model calls in flight, of a second each: by a bare program over libcurl's multi
 * interface, then by Seam, with the same requests to the same server in the same run. Prints both
 * times and their ratio, the memory and the threads of the host, and how many connections the
 * server saw; then the same over TLS with HTTP/2, which --http2 asks for alone. With --json as one
 * object.
 */
#include "calls.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
    int calls, delay_ms, connections;
    bool json, plain;
};

void give_up(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("calls: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static pid_t start_plain(int delay_ms, int *ret_port)
{
    int fds[2];
    if (pipe(fds) != 0)
        give_up("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        serve(delay_ms);
    }
    close(fds[1]);
    FILE *says = fdopen(fds[0], "r");
    if (pid < 0 || !says || fscanf(says, "%d", ret_port) != 1)
        give_up("the server does not start");
    fclose(says);
    return pid;
}

double cpu_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

/* In a child, so that its memory is its own. */
static void measure_bare(const struct place *place, int calls, int connections,
                         struct side *ret_side)
{
    struct rusage usage;
    int status = 0;
    int64_t began = now_ns();
    pid_t pid = fork();
    if (pid == 0) {
        ask_bare(place, calls, connections);
        _exit(0);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0)
        give_up("the bare program failed");
    ret_side->seconds = (double)(now_ns() - began) / 1e9;
    ret_side->cpu_seconds = cpu_of(&usage);
    ret_side->host_mb = (double)usage.ru_maxrss / 1024;
    ret_side->threads = 1;
}

static void print_side(const char *name, const struct side *side, bool json)
{
    if (json)
        printf("\"%s\": {\"seconds\": %.3f, \"cpu_seconds\": %.3f, \"host_mb\": %.1f, "
               "\"worker_mb\": %.1f, \"threads\": "
               "%lld, \"connections\": %lld, \"requests\": %lld, \"at_once\": %lld}, ",
               name, side->seconds, side->cpu_seconds, side->host_mb, side->worker_mb,
               side->threads, side->seen.connections, side->seen.requests, side->seen.at_once);
    else
        printf("%-16s %9.3f %9.3f %9.1f %10.1f %8lld %12lld %9lld %9lld\n", name, side->seconds,
               side->cpu_seconds, side->host_mb, side->worker_mb, side->threads,
               side->seen.connections, side->seen.requests, side->seen.at_once);
    fflush(stdout);
}

static void read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            options->json = true;
        else if (strcmp(argv[i], "--http2") == 0)
            options->plain = false;
        else if (strcmp(argv[i], "--calls") == 0 && i + 1 < argc)
            options->calls = atoi(argv[++i]);
        else if (strcmp(argv[i], "--delay") == 0 && i + 1 < argc)
            options->delay_ms = atoi(argv[++i]);
        else if (strcmp(argv[i], "--connections") == 0 && i + 1 < argc)
            options->connections = atoi(argv[++i]);
        else
            give_up("usage: calls [--calls N] [--delay MS] [--connections N] [--http2] [--json]");
    }
    if (options->connections < 1)
        options->connections = options->calls;
    if (options->calls < 1 || options->delay_ms < 1)
        give_up("expected at least one call, and at least 1 ms");
}

/* Both sides against one server: two lines and their ratio, or the fields of an object. */
static void compare(const struct options *options, const struct place *place, const char *protocol)
{
    struct side bare = {0}, seam = {0};
    char name[32];
    measure_bare(place, options->calls, options->connections, &bare);
    bare.seen = ask_seen(place);
    snprintf(name, sizeof(name), "bare%s", options->json ? "" : protocol);
    print_side(name, &bare, options->json);
    ask_seam(place, options->calls, options->connections, &seam);
    seam.seen = ask_seen(place);
    snprintf(name, sizeof(name), "seam%s", options->json ? "" : protocol);
    print_side(name, &seam, options->json);
    double ratio = seam.seconds / bare.seconds;
    printf(options->json ? "\"ratio\": %.3f" : "ratio %.2f\n", ratio);
    fflush(stdout);
}

static void compare_plain(const struct options *options)
{
    struct place place = {0};
    int port;
    pid_t server = start_plain(options->delay_ms, &port);
    snprintf(place.url, sizeof(place.url), "http://127.0.0.1:%d", port);
    compare(options, &place, "");
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

/* Over no more connections than hold all of the streams, of which libcurl opens so many on each:
 * without that limit it opens one for each call that comes before the next one stands. */
static void compare_secure(struct options options)
{
    enum { STREAMS = 100 };
    int enough = (options.calls + STREAMS - 1) / STREAMS;
    if (options.connections > enough)
        options.connections = enough;
    char folder[] = "/tmp/seam-calls-tls-XXXXXX", file[64];
    struct place place = {.ca_file = file};
    int port;
    if (!mkdtemp(folder))
        give_up("no folder");
    snprintf(file, sizeof(file), "%s/cert.pem", folder);
    pid_t server = start_secure(folder, options.delay_ms, &port);
    if (server == 0) {
        printf(options.json ? "null" : "HTTP/2: not measured, it needs node and openssl\n");
    } else {
        snprintf(place.url, sizeof(place.url), "https://127.0.0.1:%d", port);
        printf(options.json ? "{" : "");
        compare(&options, &place, ", HTTP/2");
        printf(options.json ? "}" : "");
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    unlink(file);
    snprintf(file, sizeof(file), "%s/key.pem", folder);
    unlink(file);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    struct options options = {.calls = 10000, .delay_ms = 1000, .plain = true};
    read_options(argc, argv, &options);
    raise_files();
    if (!options.json) {
        printf("%d calls of %d ms\n", options.calls, options.delay_ms);
        printf("%-16s %9s %9s %9s %10s %8s %12s %9s %9s\n", "", "seconds", "CPU s", "host MB",
               "worker MB", "threads", "connections", "requests", "at once");
    } else {
        printf("{\"calls\": %d, \"delay_ms\": %d, ", options.calls, options.delay_ms);
    }
    fflush(stdout);
    if (options.plain)
        compare_plain(&options);
    printf(!options.json ? "" : options.plain ? ", \"http2\": " : "\"http2\": ");
    fflush(stdout);
    compare_secure(options);
    printf(options.json ? "}\n" : "");
    return 0;
}

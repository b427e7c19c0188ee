/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples, folders, and the document that goes in.
 */
#include "bench.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 4 << 20 };

void give_up(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
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

void samples_add(struct samples *samples, double value)
{
    if (samples->count == SAMPLES_MAX)
        return;
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 1024;
        samples->list = realloc(samples->list, samples->room * sizeof(double));
        if (!samples->list)
            give_up("no memory");
    }
    samples->list[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double samples_at(struct samples *samples, double part)
{
    if (samples->count == 0)
        return 0;
    qsort(samples->list, samples->count, sizeof(double), compare);
    size_t at = (size_t)((double)samples->count * part);
    return samples->list[at < samples->count ? at : samples->count - 1];
}

void samples_done(struct samples *samples)
{
    free(samples->list);
    *samples = (struct samples){0};
}

double peak_mb(void)
{
    struct rusage self, children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return (double)(self.ru_maxrss + children.ru_maxrss) / 1024;
}

char *make_temporary(void)
{
    const char *where = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/seam-bench-XXXXXX", where && *where ? where : "/tmp") < 0)
        give_up("no memory");
    return path;
}

char *make_folder(const struct trial *trial)
{
    char *path = make_temporary(), *name = NULL;
    if (!mkdtemp(path))
        give_up("cannot make the folder %s", path);
    if (asprintf(&name, "%s/seam.yaml", path) < 0)
        give_up("no memory");
    FILE *file = fopen(name, "we");
    if (!file)
        give_up("cannot write %s", name);
    fprintf(file,
            "manifest: 1\n"
            "store: {url: \"sqlite:journal.db\", durability: %s}\n"
            "plugins:\n"
            "  bench: {path: \"%s\", isolation: %s}\n"
            "limits: {concurrency: %d, runs: %d, payload: 64mb}\n",
            trial->keep == KEEP_STEPS ? "steps" : "effects", BENCH_PLUGIN,
            trial->in_process ? "in-process" : "worker", trial->width > 1024 ? trial->width : 1024,
            trial->width > 1024 ? trial->width : 1024);
    if (fclose(file) != 0)
        give_up("cannot write %s", name);
    free(name);
    return path;
}

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *where)
{
    (void)is;
    (void)type;
    (void)where;
    return remove(path);
}

void remove_folder(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *make_document(uint64_t number)
{
    char *text = NULL;
    int len = asprintf(
        &text,
        "{\"wf\":\"w-%010llu\",\"seq\":0,\"kind\":\"task\",\"title\":\"quarterly report draft\","
        "\"body\":\"Summarise the meeting notes and list the open actions with an owner and a date "
        "for each; keep it under 200 words, plain\",\"tags\":[\"alpha\",\"beta\",\"gamma\"],"
        "\"score\":0.5,\"meta\":{\"model\":\"small-1\",\"tokens\":128,\"cost\":0.0012,\"ok\":true}"
        "}",
        (unsigned long long)(number % 10000000000u));
    if (len < 0)
        give_up("no memory");
    return text;
}

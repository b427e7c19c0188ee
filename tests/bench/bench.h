/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the benchmark share: a row of the table, and how each kind of row is measured,
 * in a process of its own, so that one's memory and warmth are not another's.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum work {
    WORK_CHAIN, /* ten steps, one after the other                                       */
    WORK_FAN,   /* one, a hundred at once, one                                          */
    WORK_ITEMS, /* one step for each of `size` items, a hundred at once                 */
    WORK_LONG,  /* `size` steps, one after the other                                    */
    WORK_AFTER, /* chains of ten, measured once `size` steps are behind host and journal */
    WORK_WAIT,  /* one step that sleeps for a second; each run once                     */
    WORK_COLD,  /* a whole process of three steps                                       */
    WORK_FLOOR, /* a chain of ten in a plain loop that inserts into SQLite; no host     */
};
enum keep { KEEP_MEMORY, KEEP_EFFECTS, KEEP_STEPS };

struct trial {
    enum work work;
    bool in_process;
    enum keep keep;
    int width; /* runs at once; WORK_COLD: starts */
    int size;
    int warm_ms, go_ms, nap_ms;
};

struct row {
    double per_second; /* steps; WORK_COLD: nothing */
    /* of a step (from its start to the next one's), else of a run or a process, whole; WORK_WAIT:
     * of all: microseconds */
    double p50_us, p99_us;
    double memory_mb; /* peak: the host's and its worker's */
    uint64_t count;   /* samples */
    uint64_t steps;   /* in all, uncounted ones too */
};

struct samples {
    double *list;
    size_t count, room;
};
void samples_add(struct samples *samples, double value);
/* Sorts. */
double samples_at(struct samples *samples, double part);
void samples_done(struct samples *samples);

int64_t now_ns(void);
double peak_mb(void); /* of this process and of those it has waited for */
/* A folder in $TMPDIR or /tmp with a manifest for the trial; the caller frees. */
char *make_folder(const struct trial *trial);
/* The name of a file or folder yet to be made; the caller frees. */
char *make_temporary(void);
void remove_folder(const char *folder);
/* The document that goes in, as JSON; the caller frees. */
char *make_document(uint64_t number);

/* What the n-th run is given, as JSON, of `size` items if it has items; the caller frees. */
char *make_input(const struct trial *trial, uint64_t number, int size);
/* The file of its flow, perhaps made in the folder; the caller frees. */
char *find_flow(const struct trial *trial, const char *folder);

/* Exits on whatever goes wrong. */
void measure_runs(const struct trial *trial, struct row *ret_row);
void measure_floor(const struct trial *trial, struct row *ret_row);
void measure_starts(const struct trial *trial, struct row *ret_row);
/* fdatasync of a growing file, a second; what no journal can be faster than. */
double measure_disk(int go_ms);
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `seam test`.
 */
#ifndef CLI_TEST_INTERNAL_H
#define CLI_TEST_INTERNAL_H

#include "cli/cli_internal.h"
#include "rehearsal/rehearsal.h"

enum test_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JUNIT };

struct test {
    const struct args *args;
    enum test_format format;
    char *fixtures_path, *folder; /* folder: of the journals */
    struct roster *roster;
    struct flow *flow;
    struct findings findings;
    struct fixtures *fixtures;
    struct coverage *coverage;
    int owner; /* the lock in the folder; -1 = none */
    json_t *report;
    json_t *renewals; /* of --update: file → [{pointer, expect, old}] */
    size_t passed, failed;
    double began;
};

double test_seconds(void); /* of a clock that only goes on */
bool test_wanted(const struct test *test, const struct fixture_case *c);
/* The signal that asks for an end; 0 = none. */
int test_interrupted(void);

/* ---- test_folder.c ---- */

/* A new folder in test->folder, or that of --keep. Removes such as were left by killed processes.
 */
WARN_UNUSED enum error_code test_folder_open(struct test *test, struct error *reterr);
void test_folder_close(struct test *test);
/* Removes a folder with all that is in it. */
void test_sweep(const char *folder);
/* A journal's file, with what SQLite and the lock keep beside it. */
void test_remove_journal(const char *path);

/* ---- test_update.c ---- */

void test_update_add(struct test *test, const struct fixture_case *c, const json_t *result);
WARN_UNUSED enum error_code test_update(struct test *test, struct error *reterr);

/* ---- test_record.c ---- */

/* Returns an exit code. */
int test_record(struct test *test);

/* ---- test_storm.c: reports {case, place, faults: [{at, texts, again}], fault_count, …} ---- */

json_t *storm_report(const struct fixture_case *c);
/* A fault of one point or seed: what and why, texts; the command. All are taken. */
void storm_fault(json_t *report, json_t *at, json_t *texts, json_t *command);
void storm_count(json_t *report, const char *what);
/* What is wrong with a result by the laws alone; empty if nothing is. A new reference. */
json_t *storm_breaches(const json_t *result);
/* The command that does one of them alone. A new reference. */
json_t *storm_command(const struct test *test, const struct fixture_case *c, const char *option,
                      const char *number);
void storm_progress(const struct test *test, const char *what, size_t at, size_t of);
/* Of seeds: seeds, calm, done, failed, cancelled, waiting. */
json_t *storm_seeds(struct test *test, const struct fixture_case *c, uint64_t from, uint64_t to);

/* ---- test_kills.c ---- */

/* Points, same, asks, other, and ends: what came, when it was not the same; again: {of, points, …}
 * of the hosts that were killed while they took it up. */
json_t *storm_kills(struct test *test, const struct fixture_case *c);

/* ---- test_tell.c ---- */

/* "/output/total: expected 1, found 2"; a new reference. */
json_t *tell_difference(const json_t *difference);
void tell_storm(const struct test *test, const json_t *report);

void tell_beginning(const struct test *test);
void tell_case(const struct test *test, const json_t *report);
void tell_end(const struct test *test);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Rehearsals: flows tried by their authors. A case of a folder of fixtures is run by the host that
 * works, with what the fixtures say in the place of agents, people and the world, and with time
 * skipped. What comes of it is held to what was expected; it may be killed at every edge and
 * resumed, and perturbed by a seed, and then no effect may have happened twice or be lost.
 */
#ifndef REHEARSAL_REHEARSAL_H
#define REHEARSAL_REHEARSAL_H

#include "runtime/runtime.h"

/* ---- Fixtures ---- */

struct fixtures;
struct fixture_case;

/* Reads a folder's files (*.yaml, *.yml, *.json; not below it), or one file, for the flow. The
 * error lists what is wrong, as file:line:column. Both outlive the fixtures. */
WARN_UNUSED enum error_code fixtures_load(const char *path, const struct flow *flow,
                                          const struct catalog *catalog,
                                          struct fixtures **ret_fixtures, struct error *reterr);
void fixtures_free(struct fixtures *fixtures);
void fixtures_freep(struct fixtures **fixtures);
size_t fixtures_case_count(const struct fixtures *fixtures);
const struct fixture_case *fixtures_case(const struct fixtures *fixtures, size_t index);
const char *fixture_case_name(const struct fixture_case *c);
/* "trips.yaml:12:5"; the caller frees. */
char *fixture_case_place(const struct fixture_case *c);
const char *fixture_case_file(const struct fixture_case *c);
/* What it expects, as it is written; borrowed; NULL = nothing. */
const json_t *fixture_case_expect(const struct fixture_case *c);
/* Where its members stand: "/cases/3". */
const char *fixture_case_pointer(const struct fixture_case *c);
/* Answers that break their contracts and do not say that they mean to: texts. */
const json_t *fixtures_warnings(const struct fixtures *fixtures);
/* Answers that no call was given so far: "file:line:column: travel/search"; a new reference. */
json_t *fixtures_unused(const struct fixtures *fixtures);

/* ---- One case, once ---- */

/* Where a host may be killed: numbered from 1, the same in each run of the same case. True: it is,
 * and nothing returns. */
typedef bool (*rehearsal_edge)(void *user, const char *what);

struct rehearsal {
    struct roster *roster;
    struct flow *flow;
    const struct fixture_case *c;
    const char *store;   /* the journal; NULL = in memory                                 */
    const char *world;   /* the file in which the world keeps what it did; NULL = memory  */
    bool resumed;        /* the journal and the world are those of a killed one           */
    bool truthful;       /* reconcile agents and people say what is so, whatever is
                            written: the case is not what it was written for              */
    uint64_t weather;    /* a seed: what goes wrong, and in which order; 0 = nothing      */
    rehearsal_edge edge; /* NULL = nobody counts                                          */
    /* After each record; NULL = nobody looks. */
    void (*record)(void *user, const struct run *run, const struct event *event,
                   const struct decisions *decisions);
    void (*log)(void *user, const char *who, uint32_t level, struct slice text);
    void *user;
};

/* Runs it until it is over or waits for a person that nobody plays. The result, a new reference:
 *
 *   status      done, failed, cancelled, waiting; stuck: nothing will ever happen to it; stopped:
 * an agent was called that nothing is written for output error asks steps effects rules took_ms
 *   missing     [{agent, step, attempt, input}]: the calls that nothing is written for
 *   wrong       what the world and the run disagree about: effects that happened twice, or are lost
 *   hanging     of one that is stuck: the calls that nothing will end, in words
 *   refused     answers of people that were not taken, and why
 *
 * An error is one of the host: its journal, or an input that the flow does not take. */
WARN_UNUSED enum error_code rehearse(const struct rehearsal *rehearsal, json_t **ret_result,
                                     struct error *reterr);

/* ---- The same, perturbed ---- */

/* How bad the weather of a seed is: 0 = calm: only times are other than they are written, and the
 * case must come out as it is expected to. */
unsigned rehearsal_storm(uint64_t seed);

/* Runs a case and names the edges at which its host may be killed, in order: new references. */
WARN_UNUSED enum error_code rehearse_edges(const struct rehearsal *rehearsal, json_t **ret_result,
                                           json_t **ret_edges, struct error *reterr);
/* Kills the host of a case at the edge of that number; if `again` is not 0, that which takes the
 * run up too, at its edge of that number; and takes the run up until it is over. store and world
 * are files that do not exist yet. The result is that of the run in the end; the edges (may be
 * NULL) are those of the host that took it up last. How many edges that which takes it up has may
 * differ by one or two from one time to the next, as writes come to the disk together; unless
 * `exact`, it is good too if it was done before. Forks. */
WARN_UNUSED enum error_code rehearse_killed(const struct rehearsal *rehearsal, size_t at,
                                            size_t again, bool exact, json_t **ret_result,
                                            json_t **ret_edges, struct error *reterr);

/* ---- Recording ---- */

/* A case, as it stands in a file, that gives the decisions of a run of the journal; what was
 * decided for each task, {path: [words]}; and whether its host died in the middle, which a case
 * cannot have. New references. */
WARN_UNUSED enum error_code record_case(struct journal_reader *reader, const char *id,
                                        struct flow *flow, json_t **ret_case, json_t **ret_history,
                                        bool *ret_taken_over, struct error *reterr);
/* Adds what was decided to such a history. */
void history_add(json_t *history, const struct run *run, const struct decisions *decisions);
/* A value as YAML, indented, ending in a line's end; an object or array. The first `open` levels
 * are written as blocks, however short they are. */
void yaml_write(const json_t *value, size_t indent, size_t open, struct text *out);

/* ---- What was expected ---- */

/* The differences between what the case expects and what came of it: [{pointer, expected, found,
 * text}], empty if there is none; a new reference. */
json_t *expectation_differences(const struct fixture_case *c, const struct flow *flow,
                                const json_t *result);
/* What the case would have to expect; a new reference. */
json_t *expectation_of(const json_t *result);

/* ---- What no case has reached ---- */

struct coverage;
struct coverage *coverage_new(const struct flow *flow);
void coverage_free(struct coverage *coverage);
void coverage_record(struct coverage *coverage, const struct run *run, const struct event *event,
                     const struct decisions *decisions);
/* A line each: "step notify: never called", "book: its `if` was never false"; a new reference. */
json_t *coverage_gaps(const struct coverage *coverage);

#endif

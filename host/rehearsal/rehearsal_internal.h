/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a rehearsal and what they say to each other.
 *
 *   fixtures.c   files → cases and answers
 *   replies.c    one answer; which of them a call is given
 *   cast.c       the calls: they take their time, do their deeds, and end
 *   deeds.c      what a call does to the world, through the host's services
 *   world.c      the ledger: what really happened, by key
 *   weather.c    what goes wrong, by a seed
 *   people.c     questions are answered
 *   play.c       one case from its beginning to its result
 *   kills.c      the same, killed at an edge and taken up again
 *   coverage.c   what no case has reached
 *   record.c     a run of the journal → a case
 *   yaml.c       values → YAML
 *   verdict.c    the result against what was expected
 */
#ifndef REHEARSAL_INTERNAL_H
#define REHEARSAL_INTERNAL_H

#include "rehearsal/rehearsal.h"

#include "base/limits.h"
#include "base/units.h"
#include "document/document.h"
#include "runtime/stand_in.h"

#include <seam/plugin.h>

/* ---- fixtures.c, replies.c ---- */

enum reply_kind { REPLY_OUTPUT, REPLY_FAIL, REPLY_CRASH, REPLY_HANG, REPLY_ASK };

/* What an agent does to the world; strings and JSON are the file's. */
struct deed {
    const char *name; /* NULL: an http.send that is an effect by itself */
    json_t *request, *result, *http, *answer;
    int status;       /* of the answer by HTTP; 0 = as the outcome says */
    int64_t after_ms; /* of its answer */
    enum outcome outcome;
    bool happened, uncommitted;
};

struct reply {
    const struct document *document;
    char *pointer;
    const char *key; /* the agent or step that it is written for */
    const json_t *when, *calls;
    enum reply_kind kind;
    json_t *body;   /* the output, or the question           */
    int32_t status; /* of a failure: seam_status             */
    uint32_t claim; /* SEAM_EFFECT_*; what the agent says    */
    bool claims;
    const char *message, *code;
    int64_t retry_after_ms, after_ms, tokens, cost;
    struct deed *deeds;
    size_t deed_count;
    bool says_effects, invalid;
    size_t *used; /* counts, and is not the reply's */
};

struct part { /* the answers of one agent or step */
    char *key;
    bool of_step;
    struct reply *replies;
    size_t count;
};

/* What a case, a file or the folder says. */
struct scene {
    struct part *parts;
    size_t count;
    const json_t *people;
};

struct fixture_file {
    struct document *document;
    struct scene scene;
    bool shared; /* it has no cases, and is for all of them */
};

struct fixture_case {
    const struct fixtures *fixtures;
    const struct fixture_file *file;
    char *pointer;
    const char *name;
    struct scene scene;
    json_t *input;
    const json_t *expect;
    int64_t started_ms, cancel_ms; /* cancel: -1 = nobody does */
    uint64_t seed;
};

struct fixtures {
    struct fixture_file *files;
    size_t file_count;
    struct fixture_case *cases;
    size_t case_count;
    json_t *warnings;
};

char *fixture_place(const struct document *document, const char *pointer);
/* "/cases/0/agents/travel~1plan", or without a key "/steps/book"; the caller frees. */
char *member_pointer(const char *pointer, const char *key, const char *name);
void scene_done(struct scene *scene);
/* Of what has passed the schema; errors are durations and money that are too large. */
WARN_UNUSED enum error_code scene_read(const struct document *document, const char *pointer,
                                       const json_t *from, struct scene *ret_scene,
                                       struct error *reterr);
/* The answer to an attempt of a task; NULL = nothing is written for it. */
const struct reply *reply_find(const struct fixture_case *c, const char *path, const char *agent,
                               bool reconciling, uint32_t attempt, const json_t *input);
/* Does the value hold the pattern? Objects may hold more. */
bool value_holds(const json_t *value, const json_t *pattern);
/* What is written for a step's question, of its revision; NULL = nobody answers. */
const json_t *person_find(const struct fixture_case *c, const char *path, uint32_t revision);
/* "search[3]/undo" without what stands in brackets; the caller frees. */
char *path_without_items(const char *path);

/* ---- world.c ---- */

struct act {
    char *key, *name, *path;
    bool same_key; /* the same key twice is once */
    unsigned times;
    json_t *result;
};

struct world {
    const char *file; /* NULL = in memory */
    struct act *acts;
    size_t count;
};

/* Reads what the file of a killed rehearsal says. */
WARN_UNUSED enum error_code world_open(struct world *world, const char *file, struct error *reterr);
void world_done(struct world *world);
/* It happens; the file has it when this returns. */
void world_act(struct world *world, const char *key, const char *name, const char *path,
               bool same_key, const json_t *result);
const struct act *world_find(const struct world *world, const char *key);

/* ---- one rehearsal ---- */

struct call;

struct stage {
    const struct rehearsal *rehearsal;
    const struct fixture_case *c;
    struct host *host;
    struct stand_ins stand_ins;
    struct world world;
    struct call *calls; /* all, newest first */
    struct letter *letters;
    uint64_t requests;
    uint64_t random;  /* of the weather */
    unsigned storm;   /* 0 to 3: how bad it is */
    int64_t began_ms; /* its own time */
    bool settled, stop;
    json_t *result, *missing, *refused, *rules;
    json_t *spoken; /* step and revision → whoever was asked has been heard, or is silent */
};

/* The host may be killed here; what is recorded and not yet written is lost with it. */
void edge(struct stage *stage, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same, with the run's records on disk: they are written only if it is killed here, for else a
 * barrier that is missing would never be missed. */
void edge_on_disk(struct stage *stage, const char *run, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- cast.c ---- */

enum luck {
    LUCK_NONE,
    LUCK_CRASH,       /* its worker dies before it does anything              */
    LUCK_CRASH_AFTER, /* … after it has done everything, before it answers    */
    LUCK_UNAVAILABLE,
    LUCK_RATE_LIMITED,
    LUCK_HANG,
    LUCK_LATE,  /* it does everything after its time is over, and answers then */
    LUCK_TWICE, /* it answers twice                                           */
};

/* What becomes of one deed. */
enum fate { DEED_AS_WRITTEN, DEED_LOST, DEED_ANSWER_LOST, DEED_CRASH_BEFORE, DEED_CRASH_AFTER };

struct call {
    struct call *next;
    struct stage *stage;
    uint64_t id;
    char *path, *key;
    const struct agent *agent;
    uint32_t attempt;
    json_t *input;
    const struct reply *reply;
    struct reply own; /* of a reconcile agent that nothing is written for */
    json_t *truth;    /* … its answer                                     */
    struct deed implied;
    const struct deed *deeds;
    size_t deed_count, deed, child;
    uint64_t request; /* the one that it waits for: 0 = none                        */
    uint64_t send;    /* the request that has left: 0 = none                        */
    void (*heard)(struct call *call, const struct plugin_answer *answer);
    void (*then)(struct call *call);
    char begun[DIGEST_HEX_SIZE]; /* the key of the effect that was begun             */
    enum luck luck;
    enum fate fate;
    bool spent, struck, ended;
};

extern const struct stand_ins cast;
void calls_free(struct stage *stage);
/* Asks a service; heard(call, answer) goes on. */
void call_ask(struct call *call, const char *op, json_t *body_taken,
              void (*heard)(struct call *call, const struct plugin_answer *answer));
/* Its deeds are done, all but the answer. */
void call_finish(struct call *call);
void call_fail(struct call *call, int32_t status, uint32_t claim, const char *message);
/* It fails as a service answered. */
void call_fail_as(struct call *call, const struct plugin_answer *answer);
void call_crash(struct call *call);
/* Goes on then, unless it has ended. */
void call_then(struct call *call, int64_t wait_ms, void (*then)(struct call *call));

/* ---- deeds.c ---- */

/* The next deed, or call_finish. */
void deeds_go_on(struct call *call);
void deeds_sent(struct call *call, uint64_t send, const struct egress_request *request);
void deeds_closed(struct call *call);

/* ---- weather.c ---- */

void weather_open(struct stage *stage);
int64_t weather_wait(struct stage *stage, int64_t written_ms);
enum luck weather_luck(struct stage *stage);
enum fate weather_fate(struct stage *stage);
uint64_t weather_below(struct stage *stage, uint64_t bound);
bool weather_chance(struct stage *stage, unsigned permille);

/* ---- people.c ---- */

/* The run waits for people: those who will answer do so later. False: nobody will. */
bool people_asked(struct stage *stage, const struct run *run);
void people_free(struct stage *stage);

#endif

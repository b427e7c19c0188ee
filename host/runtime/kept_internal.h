/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of runs, and what is made of it again: large values, flows and cards, plans, and the
 * differences between then and now. No part of it needs a host at work.
 */
#ifndef RUNTIME_KEPT_INTERNAL_H
#define RUNTIME_KEPT_INTERNAL_H

#include "runtime/runtime.h"

#include "document/document.h"

struct host;

/* ---- known.c ---- */

/* A value of which json_write would make this text. */
struct known_text {
    const json_t *value; /* NULL = none */
    struct slice text;
    bool flat; /* of one above LIMIT_INLINE: nothing within it is */
};
/* The parts of one, in order. */
struct known_list {
    json_t *value; /* held, with the text, if it is remembered */
    char *text;
    struct known_text *parts;
    size_t count, room, next; /* next: to be asked for */
};
/* The output that is at work, and the lists that are gone through; zeroed at first. */
enum { KNOWN_LISTS = 16 };
struct known {
    struct known_text whole;
    struct known_list parts; /* of it */
    bool parted;
    struct known_list lists[KNOWN_LISTS];
    size_t turn;
};
/* Of another value, or of none, from here on. */
void known_set(struct known *known, struct known_text whole);
void known_done(struct known *known);
/* NULL: the text of that value, which may be NULL, is not at hand. Until the next search. */
const struct known_text *known_find(struct known *known, const json_t *value);

/* ---- payloads.c ---- */

/* The large values that the journal keeps apart from its records, and those of them at hand. */
struct payloads;
struct payloads *payloads_new(void);
void payloads_free(struct payloads *p);
void payloads_freep(struct payloads **p);
/* The member that stands for a kept value: its digest, or [its digest]. */
#define KEPT_MARK "$kept"

/* A record's text on its way to the journal, to which it is to be appended next: what it refers to
 * is kept before it. */
struct writing {
    struct payloads *payloads;
    struct journal *journal;
    struct known *known;         /* NULL = nothing is */
    const struct hiding *hiding; /* NULL = the run is not */
    struct text *out;
    struct text references; /* of a hidden one, and of what it keeps: JSON, for who has no key */
    size_t marks;           /* references, and names that look like one */
};
/* One value of the record. Its first parameter is a struct writing, for record_style. */
void payloads_write(void *writing, json_t *value, struct text *out);
/* The record is whole, to its last brace: says in it whether it has references. */
void payloads_written(struct writing *writing, struct text *out);
/* The record back as it was, opened if it is a hidden one; a new reference. Its values may be
 * shared with other records. */
WARN_UNUSED enum error_code payloads_read(struct payloads *p, struct journal_reader *reader,
                                          const struct journal_record *from, json_t **ret_record,
                                          struct error *reterr);

/* ---- hidden.c ---- */

/* A run whose values the journal has sealed. */
struct hiding {
    const struct seal *seal;
    const char *run; /* its id */
    uint64_t tag;    /* never 0: tells its values from those of other runs */
};
/* The member of its records that needs no key: {event, decisions}, but what tells a value. */
#define HIDDEN_OPEN "hidden"
struct hiding hidden_of(const struct seal *seal, const char *run);
/* What goes to the journal in place of a hidden run's record, whose text is whole: its open part,
 * what it refers to, and the rest sealed. */
void hidden_write(const struct run *run, const struct event *event,
                  const struct decisions *decisions, uint64_t seq, struct slice whole,
                  const struct writing *writing, struct text *out);
bool hidden_is(struct slice body);
/* The text of the record. ERR_DENIED: the reader has not the key, and which it is. */
WARN_UNUSED enum error_code hidden_read(const struct journal_reader *reader,
                                        const struct journal_record *from, struct text *out,
                                        struct error *reterr);
/* A large value's text, on its way to be kept and back. */
void hidden_seal(const struct hiding *hiding, struct slice text, struct text *out);
WARN_UNUSED enum error_code hidden_open(const struct journal_reader *reader, const char *run,
                                        struct slice text, struct text *out, struct error *reterr);
/* The key of the run; *ret_seal NULL: it is not hidden. ERR_DENIED as above. */
WARN_UNUSED enum error_code hidden_find(struct journal_reader *reader, const char *id,
                                        const struct seal **ret_seal, struct error *reterr);

/* ---- pinned.c, roster.c ---- */

/* The pins of a run of that flow, whose texts are kept with the next record; a new reference. */
json_t *pinned_make(struct host *host, struct flow *flow);
/* Flows that come from now on are pinned to the roster of now. */
void pinned_forget(struct host *host);
/* NULL = none is called so. */
const struct roster_plugin *roster_named(const struct roster *roster, struct slice alias);
/* The card that a pin kept. */
WARN_UNUSED enum error_code pinned_card(struct journal_reader *reader, const json_t *pin,
                                        struct card **ret_card, struct error *reterr);
/* The first thing that keeps the new card from the old one's place; NULL = nothing. */
struct succession;
const struct succession_check *pinned_obstacle(const struct succession *succession);
/* fits.c: can the agents of the roster take the place of those that the run goes on with?
 * ERR_CONFLICT names the run, the step, the witness, and what to do. The journal is drained. */
WARN_UNUSED enum error_code pinned_fits(struct host *host, const struct run *run,
                                        const struct roster *roster, struct error *reterr);
void pinned_done(struct host *host);
/* What keeps a run from going on by itself with the plugins of the roster. */
struct changes {
    json_t *agents;               /* as of pinned_compare, with `agent`; NULL = nothing does */
    bool approvable;              /* a person may take the blame for all of it */
    struct text what;             /* sentences */
    char digest[DIGEST_HEX_SIZE]; /* of all that differs */
    json_t *libraries;            /* what it would go on with */
};
void changes_done(struct changes *changes);
WARN_UNUSED enum error_code pinned_check(struct journal_reader *reader, const struct roster *roster,
                                         const struct run *run, struct changes *ret_changes,
                                         struct error *reterr);
/* What the run was pinned to; a new reference. */
WARN_UNUSED enum error_code pinned_read(struct journal_reader *reader, const char *id,
                                        json_t **ret_pins, struct error *reterr);
/* The flow that the pins name, against the agents of the roster of today. */
WARN_UNUSED enum error_code pinned_compile(struct journal_reader *reader,
                                           const struct roster *roster, const json_t *pins,
                                           struct flow **ret_flow, struct error *reterr);
/* How the agent of today stands to the one of the pins: {status, verdict, reason, checks}, where
 * status is same, library, card, gone or new; a new reference. */
WARN_UNUSED enum error_code pinned_compare(struct journal_reader *reader,
                                           const struct roster *roster, const json_t *pins,
                                           const char *agent, json_t **ret_picture,
                                           struct error *reterr);
void roster_add_agents(struct catalog *catalog, const char *alias, int64_t call_ms,
                       const struct card *card);

/* ---- grants.c ---- */

/* Which agents those of each plugin may call: what its card asks for and the manifest grants. */
void roster_link_calls(struct roster *roster);
/* The names of those that the agent may call; a new reference, NULL if there are none. */
json_t *agent_calls_json(const struct agent *agent);
/* The same, read back; what the catalog does not have is left out. */
void agent_link_calls(struct catalog *catalog, const char *name, const json_t *calls);

/* ---- difference.c ---- */

/* How many decisions of the two lists are the same from the start; where they part goes to ret. */
size_t difference_find(const json_t *then, const json_t *now, struct difference *ret);

/* ---- edits.c ---- */

/* [{what, was, is}], and of contracts [{what, asked, verdict, reason, witness}]; new references. */
json_t *edits_of_step(const struct flow *was, const struct flow *is, const char *name);
json_t *edits_of_flow(const struct flow *was, const struct flow *is);

/* ---- plans.c ---- */

/* If the event brings an output that holds a plan, the plan or what is wrong with it. */
void plan_attach(const struct run *run, struct event *event);
void plan_detach(struct event *event);
/* The same of an event that is read back; it is freed with plan_detach too, but for plan_errors. */
WARN_UNUSED enum error_code plan_attach_again(const struct run *run, struct event *event,
                                              struct error *reterr);

#endif

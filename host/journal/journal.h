/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal: all that happened, in order, kept for good. It knows runs, sequence numbers and
 * bytes; what an event means is the orchestrator's affair. One SQLite file in WAL mode with
 * synchronous=FULL, openable with `sqlite3`, written by one thread of its own, over one connection,
 * under one lock.
 *
 * The owner appends from its own thread without waiting; records gather in memory and go to disk in
 * one transaction for all runs when somebody asks for a barrier (journal_sync), when the batch is
 * big, or after a short while. A barrier covers everything appended before it, of every run.
 * Calling journal_dispatch, when journal_fd is readable, tells which barriers have been reached.
 *
 * After a failed write or sync the journal is dead: every later barrier fails, and the host must
 * exit (what a page cache says after a failed sync is not evidence). The next open copies the file,
 * syncs the copy and its folder, and goes on with the copy.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "base/digest.h"
#include "base/text.h"

struct journal;

enum journal_durability {
    DURABILITY_EFFECTS, /* disk before an effect; other records wait for the next barrier   */
    DURABILITY_STEPS,   /* every result is synced before what builds on it                  */
    DURABILITY_MEMORY,  /* nothing is written: for measuring and for tests of flows         */
};

struct journal_options {
    const char *path; /* ".seam/journal.db"; folders are made, mode 0700           */
    enum journal_durability durability;
    bool restored;          /* the file came from a backup: it gets a new store id       */
    int64_t batch_delay_ms; /* how long records may wait without a barrier; 0 = 20 ms    */
    int64_t reserve_bytes;  /* disk kept allocated for outcomes; 0 = 4 MiB               */
};

/* Opens the one writer. ERR_BUSY names the process that holds the lock; ERR_NEWER a file of a later
 * schema; ERR_UNSUPPORTED a network file system; ERR_CORRUPT what SQLite says of the file;
 * ERR_CONFLICT a copy of a journal, or one that a backup was put over, without `restored`. A file
 * whose last writer met a failed sync is copied first. */
WARN_UNUSED enum error_code journal_open(const struct journal_options *options,
                                         struct journal **ret_journal, struct error *reterr);
/* Writes what is pending, checkpoints, and frees. Returns the first failure of the journal's life.
 */
enum error_code journal_close(struct journal *journal, struct error *reterr);

/* The store's id, in every key; a new one for a cloned or restored store. 32 hex digits. */
const char *journal_store_id(const struct journal *journal);
/* Grows by one with each writer; each commit checks that it is still the newest. */
uint64_t journal_epoch(const struct journal *journal);

/* Amounts that are added to what is kept under a name, in the transaction of the record that they
 * come with; they may be negative. What they mean is their owner's affair. */
enum { JOURNAL_AMOUNTS = 4 };
struct journal_meter {
    const char *name;
    int64_t amounts[JOURNAL_AMOUNTS];
};

/* What somebody keeps from run to run, by space and key, and replaces in the transaction of the
 * record that it comes with; what it means is its owner's affair. */
struct journal_value {
    const char *space, *key;
    struct slice value; /* copied; ptr NULL = the key goes */
    uint64_t version;   /* of the value, and the last of its space: never given again there */
    uint64_t base;      /* what its writer had seen */
    const char *writer;
    struct journal_space {
        uint64_t bytes, keys, version;
    } after; /* what the space is then */
};

struct journal_record {
    const char *run;         /* the run's id                                              */
    uint64_t seq;            /* 1, 2, … without a gap: asserted                           */
    int64_t at_ms;           /* Unix time                                                 */
    const char *kind;        /* a word for the reader of the table                        */
    struct slice body;       /* JSON; copied                                              */
    const char *status;      /* the run's status from here on; NULL = as it was           */
    const char *flow;        /* with seq 1: the name of the flow                          */
    const char *claim;       /* an external reference that becomes this run's; or NULL    */
    const char *claim_owner; /* with claim: "<run>/<effect key>"                         */
    const struct journal_meter *meters; /* what it adds to them                          */
    size_t meter_count;
    const struct journal_value *value; /* or NULL                                         */
    int64_t due_ms; /* Unix time to look at the run if nothing else happens; 0 = never    */
    bool over;      /* the run has ended: a record that comes later still finds its place  */
};

/* Adds a record to the batch. Never fails here: failure is the barrier's to tell; and waits only
 * when LIMIT_JOURNAL_WAIT bytes are ahead of the disk. The record is linked to the run's chain:
 * hash = digest of the parts (previous hash, seq, at, kind, body), numbers as 8 bytes, little end
 * first; before the first record, the digest of the run's id. */
void journal_append(struct journal *journal, const struct journal_record *record);

/* Keeps a text under its digest, for good and once, however often it is given: it is on disk no
 * later than the record that is appended next. */
struct digest journal_keep(struct journal *journal, struct slice text);

/* Writes a note of the file, in place of the one of that name; body.ptr NULL: it goes. It is on
 * disk with the next barrier. Its kind comes first in its name: "quarantine:<digest>". */
void journal_note(struct journal *journal, const char *name, struct slice body);

/* Asks that all that was appended be on disk. reached() is called once, from journal_dispatch, with
 * OK or the journal's failure. With room_for_outcome, the reserve is topped up first, and
 * ERR_NO_SPACE means that the outcome of what follows could not be written: do not begin it. */
typedef void (*journal_reached)(void *user, enum error_code code, const struct error *err);
void journal_sync(struct journal *journal, bool room_for_outcome, journal_reached reached,
                  void *user);
/* As journal_sync, for an owner that has more to do first: the writer is told of it by
 * journal_press, if journal_help has not made that needless. */
void journal_ask(struct journal *journal, bool room_for_outcome, journal_reached reached,
                 void *user);
/* Does nothing if nobody has asked. */
void journal_press(struct journal *journal);
int journal_fd(const struct journal *journal);
void journal_dispatch(struct journal *journal);
/* For an owner that has nothing to do before a barrier is reached: commits here, if the writer is
 * not at it already, which saves two changes of thread. Waits for the disk. The owner must call
 * journal_dispatch itself then: journal_fd may not say so. */
void journal_help(struct journal *journal);
/* Waits until every barrier asked for is reached and its callback called (for closing and tests).
 */
void journal_drain(struct journal *journal);

/* Is the external reference somebody else's already? Looks at what is appended too. */
bool journal_claimed(struct journal *journal, const char *claim, const char *owner);

/* What a space is, and what stands in it under a key, what was appended counting too. A version of
 * 0: nothing. The texts live until the next call; *ret_kept: it is on disk. */
WARN_UNUSED enum error_code journal_space(struct journal *journal, const char *space,
                                          struct journal_space *ret_space, struct error *reterr);
WARN_UNUSED enum error_code journal_value(struct journal *journal, const char *space,
                                          const char *key, struct journal_value *ret_value,
                                          bool *ret_kept, struct error *reterr);
/* Empties a space, but for its version, at once: for an owner that has no runs. */
WARN_UNUSED enum error_code journal_space_clear(struct journal *journal, const char *space,
                                                struct error *reterr);

/* Of the runs with that status whose last record this writer wrote, those that are due by then,
 * soonest first; *ret_next_ms is when the next one after by_ms is, 0 = never. What is on disk
 * counts. */
WARN_UNUSED enum error_code journal_due(struct journal *journal, const char *status, int64_t by_ms,
                                        void (*each)(void *user, const char *run), void *user,
                                        int64_t *ret_next_ms, struct error *reterr);
/* Did this writer write the last record of the run that is on disk? */
bool journal_is_ours(struct journal *journal, const char *run);

/* Takes what answer and cancel left for the host, oldest first; each is given once and is gone when
 * the record that carries it is on disk: the owner appends that record before take returns, and the
 * two are one transaction. After a crash before that, the next host is given the message again, and
 * a person may send one twice: taking must be idempotent. take must not call journal_drain. */
struct inbox_message {
    int64_t id;
    const char *run;
    struct slice body; /* JSON */
    int64_t at_ms;
};
typedef void (*inbox_take)(void *user, const struct inbox_message *message);
/* Cheap when nothing came: looks at data_version first. */
void journal_inbox(struct journal *journal, inbox_take take, void *user);

/* ---- Readers: any process, any number, read-only and short. ---- */

struct journal_reader;

WARN_UNUSED enum error_code
journal_reader_open(const char *path, struct journal_reader **ret_reader, struct error *reterr);
void journal_reader_close(struct journal_reader *reader);
void journal_reader_closep(struct journal_reader **reader);
/* Also of the one writer, for its own resume: what is on disk. The owner's thread; freed with the
 * journal. Of a journal in memory, every reading gives ERR_UNSUPPORTED. */
struct journal_reader *journal_own_reader(struct journal *journal);

/* What opens that which runs have sealed, for whoever reads there: the reader takes them, and frees
 * them with itself. NULL = none was given. */
struct seals;
void journal_reader_give_keys(struct journal_reader *reader, struct seals *keys_taken);
const struct seals *journal_reader_keys(const struct journal_reader *reader);

struct journal_run {
    const char *id, *flow, *status;
    int64_t created_ms, updated_ms;
    uint64_t last_seq;
    int64_t place; /* among all runs: later ones have a larger one */
};
typedef void (*journal_each_run)(void *user, const struct journal_run *run);
/* Runs, newest first; with a status, only those. */
WARN_UNUSED enum error_code journal_runs(struct journal_reader *reader, const char *status,
                                         journal_each_run each, void *user, struct error *reterr);
/* At most so many of them, latest first, whose place is before that one; 0 = from the latest on. */
WARN_UNUSED enum error_code journal_runs_before(struct journal_reader *reader, const char *status,
                                                int64_t before_place, int64_t most,
                                                journal_each_run each, void *user,
                                                struct error *reterr);
/* ERR_NOT_FOUND if there is no such run. The strings live until the next call on the reader. */
WARN_UNUSED enum error_code journal_find(struct journal_reader *reader, const char *run,
                                         struct journal_run *ret_run, struct error *reterr);

/* The records of a run in order, from seq on; returning false stops. Checks the chain as it goes:
 * ERR_CORRUPT names the first record whose hash is not what it should be. */
typedef bool (*journal_each_record)(void *user, const struct journal_record *record,
                                    const struct digest *hash);
WARN_UNUSED enum error_code journal_read(struct journal_reader *reader, const char *run,
                                         uint64_t from_seq, journal_each_record each, void *user,
                                         struct error *reterr);

/* The meters whose name is that or behind it, in order. */
typedef void (*journal_each_meter)(void *user, const struct journal_meter *meter);
WARN_UNUSED enum error_code journal_meters(struct journal_reader *reader, const char *from,
                                           journal_each_meter each, void *user,
                                           struct error *reterr);

/* All spaces by name, and the values of one by key. */
typedef void (*journal_each_space)(void *user, const char *name, const struct journal_space *space);
WARN_UNUSED enum error_code journal_spaces(struct journal_reader *reader, journal_each_space each,
                                           void *user, struct error *reterr);
typedef void (*journal_each_value)(void *user, const struct journal_value *value);
WARN_UNUSED enum error_code journal_values(struct journal_reader *reader, const char *space,
                                           journal_each_value each, void *user,
                                           struct error *reterr);
/* Notes whose names begin so, in order: name is what is behind that. Of a journal in memory: none.
 */
typedef void (*journal_each_note)(void *user, const char *name, struct slice body);
WARN_UNUSED enum error_code journal_notes(struct journal_reader *reader, const char *kind,
                                          journal_each_note each, void *user, struct error *reterr);

/* Where the last journal_read that gave ERR_CORRUPT met what was never written. */
#define FLAW_KINDS(X)                                                                              \
    X(NONE, "none")                                                                                \
    X(CHANGED, "changed")     /* the record says what it did not                        */         \
    X(MISSING, "missing")     /* it is not there, and later ones are                    */         \
    X(REORDERED, "reordered") /* another record of the run stands in its place          */         \
    X(CUT, "cut")             /* it and all that followed are gone                      */         \
    X(HEAD, "head")           /* the run's head is not that of its last record          */         \
    X(TEXT, "text")           /* what it refers to is gone, or is not what was kept     */         \
    X(ANCHOR, "anchor")       /* it is not the one whose hash was kept elsewhere        */         \
    X(ORPHAN, "orphan")       /* records of a run that is not in the list of runs       */
enum flaw_kind {
#define X(name, word) FLAW_##name,
    FLAW_KINDS(X)
#undef X
};
const char *flaw_word(enum flaw_kind kind);
struct journal_flaw {
    enum flaw_kind kind;
    uint64_t seq;
};
struct journal_flaw journal_flaw(const struct journal_reader *reader);

/* Names of runs that have records and are not in the list of runs: somebody took them out of it. */
typedef void (*journal_each_orphan)(void *user, const char *run);
WARN_UNUSED enum error_code journal_orphans(struct journal_reader *reader, journal_each_orphan each,
                                            void *user, struct error *reterr);

/* A text that was kept under that digest, which it is checked against; ERR_NOT_FOUND if none was.
 */
WARN_UNUSED enum error_code journal_kept(struct journal_reader *reader, const struct digest *digest,
                                         struct text *out, struct error *reterr);

/* Leaves a message for the host that owns the journal, from any process; durable when it returns.
 * *ret_owner_pid is the process that holds the lock now, 0 if none does. */
WARN_UNUSED enum error_code inbox_put(const char *path, const char *run, struct slice body,
                                      int64_t at_ms, long *ret_owner_pid, struct error *reterr);

/* The same on terms, which are looked at and met in one transaction: ERR_FENCED if the run has
 * records after last_seq by now, ERR_CONFLICT if objects() to a message for it that waits. */
struct inbox_terms {
    uint64_t last_seq;
    bool (*objects)(void *user, const struct inbox_message *waiting);
    void *user;
};
WARN_UNUSED enum error_code inbox_put_if(const char *path, const char *run, struct slice body,
                                         int64_t at_ms, const struct inbox_terms *terms,
                                         long *ret_owner_pid, struct error *reterr);

#endif

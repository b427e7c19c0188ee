/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. The layers, lowest first:
 *
 *   sql        SQLite, its settings, its failures as errors
 *   place      paths, folders, file systems, the identity of a file
 *   lock       who owns the journal, who has it open
 *   reserve    disk kept allocated for outcomes
 *   schema     the tables, their version, `meta`
 *   suspect    the copy after a failed sync
 *   chain, heads, batch   values in memory
 *   commit     one batch, one transaction
 *   writer     the thread: gathers, commits, reports
 *   journal    the owner's doors;  reader, kept, inbox, meters, values, notes  the doors of
 * everybody else
 */
#ifndef JOURNAL_INTERNAL_H
#define JOURNAL_INTERNAL_H

#include "journal/journal.h"

#include "base/map.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>

/* ---- sql.c ---- */

void sql_closep(sqlite3 **db);
void sql_finalizep(sqlite3_stmt **statement);
/* Opens a file that exists. With reading, the connection refuses to write. */
WARN_UNUSED enum error_code sql_open(const char *path, bool reading, int busy_ms, sqlite3 **ret_db,
                                     struct error *reterr);
enum error_code sql_code(int rc, int system_errno);
/* The connection's last failure, with the path and what was being done. */
enum error_code sql_error(sqlite3 *db, const char *path, const char *doing, struct error *reterr);
WARN_UNUSED enum error_code sql_exec(sqlite3 *db, const char *path, const char *sql,
                                     struct error *reterr);
WARN_UNUSED enum error_code sql_prepare(sqlite3 *db, const char *path, const char *sql,
                                        sqlite3_stmt **ret_statement, struct error *reterr);
/* The first column of the first row. */
WARN_UNUSED enum error_code sql_number(sqlite3 *db, const char *path, const char *sql,
                                       int64_t *ret_number, struct error *reterr);
/* What is bound must stay until the statement is reset. */
void sql_bind_text(sqlite3_stmt *statement, int at, struct slice s);
void sql_bind_digest(sqlite3_stmt *statement, int at, const struct digest *d);
struct slice sql_text(sqlite3_stmt *statement, int column);
bool sql_digest(sqlite3_stmt *statement, int column, struct digest *ret_digest);

/* ---- place.c ---- */

/* The real path, links followed: two names of one file must not have two lock files. Makes the
 * folders, mode 0700, if make_folders; else a missing file is ERR_NOT_FOUND. */
WARN_UNUSED enum error_code place_resolve(const char *path, bool make_folders, char **ret_path,
                                          struct error *reterr);
/* The name of a file system that is shared over a network, by its statfs magic; NULL for others. */
const char *place_network_name(unsigned long magic);
WARN_UNUSED enum error_code place_check(const char *path, struct error *reterr);
WARN_UNUSED enum error_code place_sync_folder(const char *path, struct error *reterr);
WARN_UNUSED enum error_code place_sync_file(const char *path, struct error *reterr);
bool place_exists(const char *path);

/* Which file this is: what `mv` keeps and `cp` does not. */
struct identity {
    uint64_t inode;
    int64_t born_ns; /* 0 where the file system does not know */
};
WARN_UNUSED enum error_code place_identity(const char *path, struct identity *ret_identity,
                                           struct error *reterr);
bool identity_same(const struct identity *a, const struct identity *b);

/* ---- lock.c: <path>.lock; byte 0 is the owner's, byte 1 everybody's who has the file open ---- */

enum { STORE_ID_SIZE = 33 };
struct lock_note { /* what the lock file says of the last owner */
    long pid;
    uint64_t epoch;
    char store_id[STORE_ID_SIZE];
};
WARN_UNUSED enum error_code lock_take(const char *path, int *ret_fd, struct lock_note *ret_last,
                                      struct error *reterr);
void lock_write_note(int fd, const struct lock_note *note);
/* Keeps the file from being replaced while it is held; -1 if there is no lock file and !make. */
WARN_UNUSED enum error_code lock_share(const char *path, bool make, int *ret_fd,
                                       struct error *reterr);
/* The owner's: ERR_BUSY if anybody has the journal open. */
WARN_UNUSED enum error_code lock_exclude(int fd, const char *path, struct error *reterr);
void lock_admit(int fd);
/* The owner's pid, 0 if there is no owner, -1 if it is not known. fd from lock_share. */
long lock_owner(int fd);
void fd_closep(int *fd);

/* ---- reserve.c: <path>.reserve ---- */

struct reserve {
    char *path;
    int64_t size;
    int fd;
    bool held;
};
void reserve_init(struct reserve *r, const char *journal_path, int64_t size);
void reserve_done(struct reserve *r);
/* Allocates what is missing; a failure leaves nothing allocated. */
WARN_UNUSED enum error_code reserve_fill(struct reserve *r, struct error *reterr);
/* Gives the space back to the disk; false if there was none. */
bool reserve_release(struct reserve *r);

/* ---- schema.c ---- */

enum {
    SCHEMA_APPLICATION_ID = 0x5365616D, /* "Seam" */
    SCHEMA_VERSION = 5, /* 1: no texts; 2: no references to them in records; 3: no meters; 4: no
                           values */
};
/* Is this a journal that this program can read? *ret_empty: a file without anything in it yet. */
WARN_UNUSED enum error_code schema_check(sqlite3 *db, const char *path, bool *ret_empty,
                                         struct error *reterr);
/* Brings a file of an older version to this one. */
WARN_UNUSED enum error_code schema_upgrade(sqlite3 *db, const char *path, struct error *reterr);
WARN_UNUSED enum error_code schema_make(sqlite3 *db, const char *path, struct error *reterr);
/* "" if the key is not there. */
WARN_UNUSED enum error_code meta_get(sqlite3 *db, const char *path, const char *key,
                                     char ret_value[static 64], struct error *reterr);
WARN_UNUSED enum error_code meta_put(sqlite3 *db, const char *path, const char *key,
                                     const char *value, struct error *reterr);
WARN_UNUSED enum error_code meta_get_identity(sqlite3 *db, const char *path,
                                              struct identity *ret_identity, struct error *reterr);
WARN_UNUSED enum error_code meta_put_identity(sqlite3 *db, const char *path,
                                              const struct identity *identity,
                                              struct error *reterr);
void store_id_make(char ret_id[static STORE_ID_SIZE]);

/* ---- suspect.c: <path>.suspect, <path>.copy ---- */

bool suspect_marked(const char *path);
/* If the failure leaves pages in doubt, leaves the mark for whoever opens next, and says so in the
 * failure. To be called before anybody else learns of it. */
void suspect_leave(const char *path, struct error *failure);
/* If the mark is there, puts a synced copy in the journal's place and takes the mark away. */
WARN_UNUSED enum error_code suspect_settle(const char *path, int lock_fd, struct error *reterr);

/* ---- chain.c ---- */

struct digest chain_start(const char *run);
struct digest chain_next(const struct digest *previous, uint64_t seq, int64_t at_ms,
                         struct slice kind, struct slice body);

/* ---- heads.c ---- */

struct head {
    uint64_t seq;
    struct digest hash;
    bool on_disk; /* the run has its row */
    bool over;    /* its last record ended it */
    /* What this transaction changes of the row; strings in the batch. */
    bool changed;
    struct slice status, flow;
    int64_t created_ms, updated_ms, due_ms;
    struct head *next_changed;
    char run[];
};
struct heads {
    struct head **slots;
    size_t count, room;
};
void heads_done(struct heads *h);
void heads_forget(struct heads *h);
bool heads_full(const struct heads *h);
struct head *heads_find(const struct heads *h, const char *run); /* NULL if it is not known */
struct head *heads_add(struct heads *h, const char *run);        /* zeroed */
void heads_drop(struct heads *h, struct head *head);

/* ---- batch.c ---- */

#define SPAN_ABSENT SIZE_MAX
struct span {
    size_t at, len;
};
struct batch_entry {
    uint64_t seq;
    int64_t at_ms;
    int64_t due_ms;
    bool over;
    struct span run, kind, body, status, flow, claim, claim_owner;
};
struct batch_meter {
    struct span name;
    int64_t amounts[JOURNAL_AMOUNTS];
};
struct batch_value {
    struct span space, key, value, writer;
    uint64_t version, base;
    struct journal_space after;
};
struct batch_note {
    struct span name, body; /* body SPAN_ABSENT: it goes */
};
struct batch_text {
    struct digest digest;
    struct span text;
};
struct batch {
    struct batch_entry *entries;
    size_t count, room;
    struct batch_text *texts; /* to be kept: written before the entries */
    size_t text_count, text_room;
    struct batch_meter *meters; /* one a name */
    size_t meter_count, meter_room;
    struct batch_value *values; /* in order */
    size_t value_count, value_room;
    struct batch_note *notes; /* in order */
    size_t note_count, note_room;
    struct text bytes;
    int64_t *taken; /* messages of the inbox that go when these records come */
    size_t taken_count, taken_room;
};
void batch_init(struct batch *b);
void batch_done(struct batch *b);
void batch_clear(struct batch *b);
void batch_add(struct batch *b, const struct journal_record *record);
void batch_add_text(struct batch *b, const struct digest *digest, struct slice text);
/* Of no key: all of its space goes. */
void batch_add_value(struct batch *b, const struct journal_value *value);
void batch_add_note(struct batch *b, const char *name, struct slice body);
void batch_add_taken(struct batch *b, int64_t message);
bool batch_empty(const struct batch *b);
size_t batch_size(const struct batch *b); /* bytes of memory */
struct slice batch_slice(const struct batch *b, struct span span);

/* ---- commit.c: the one connection that writes ---- */

struct committer {
    sqlite3 *db;
    const char *path;
    struct identity identity;
    uint64_t epoch;
    struct heads heads;
    struct head *changed;
    int wal_pages, checkpoint_at; /* pages in the WAL; when to checkpoint next */
    sqlite3_stmt *begin, *check_epoch, *head, *event, *run_new, *run_on, *claim, *taken, *keep,
        *meter, *value, *no_value, *space, *note, *no_note, *commit;
};
/* Takes the connection over, on failure too. */
WARN_UNUSED enum error_code committer_init(struct committer *c, sqlite3 *db, const char *path,
                                           uint64_t epoch, struct error *reterr);
void committer_done(struct committer *c);
/* One transaction. On failure nothing of it is to be counted on, and memory forgets it. */
WARN_UNUSED enum error_code commit_batch(struct committer *c, const struct batch *b,
                                         struct error *reterr);
bool commit_wants_checkpoint(const struct committer *c);
/* Keeps the WAL short. A full disk is no failure of a checkpoint: the WAL has it all. */
WARN_UNUSED enum error_code commit_checkpoint(struct committer *c, struct error *reterr);
/* Moves everything into the one file and closes, so that no WAL is left beside it. */
WARN_UNUSED enum error_code commit_finish(struct committer *c, struct error *reterr);

/* ---- writer.c and journal.c ---- */

struct barrier {
    struct barrier *next;
    journal_reached reached;
    void *user;
    bool room_for_outcome;
    enum error_code code;
    struct error *err; /* NULL if OK */
};
struct barriers {
    struct barrier *first, **end;
};
void barriers_init(struct barriers *list);
void barriers_push(struct barriers *list, struct barrier *barrier);
/* Moves all of from to the end of to. */
void barriers_move(struct barriers *to, struct barriers *from);

struct pending_claim {
    char *claim, *owner;
    uint64_t batch;
};

/* See values.c. */
struct pending_value {
    char *name; /* space and key */
    char *value, *writer;
    uint64_t version, base, batch;
    bool gone;
};
struct values {
    struct map spaces;            /* that were asked for: struct journal_space */
    struct journal_space **known; /* the same */
    size_t space_count;
    struct map by_name;             /* the latest of each name */
    struct pending_value **pending; /* of batches that may not be on disk yet, oldest first */
    size_t count, room;
    struct text found;
};

struct journal {
    char *path; /* NULL: in memory only */
    char store_id[STORE_ID_SIZE];
    uint64_t epoch;
    int64_t batch_delay_ms;
    int lock_fd, event_fd;
    pthread_t thread;

    /* owner thread */
    struct journal_reader *own;
    struct map kept;              /* digests of texts that were given to a batch */
    struct pending_claim *claims; /* of batches that may not be on disk yet, oldest first */
    size_t claim_count, claim_room;
    struct values values;
    size_t outstanding; /* barriers asked for whose callback was not called yet */
    int64_t last_message, inbox_version;

    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t to_writer, to_owner;
    struct batch gathering;
    uint64_t gathering_number, committed_number;
    int64_t gathering_since_ms;
    struct barriers asked, reached;
    bool pressed;    /* the writer was told of all that was asked */
    bool announced;  /* event_fd is readable */
    bool held;       /* the owner is between a message and its record: the batch stays whole */
    bool committing; /* somebody has what stands below */
    bool checkpoint_due;
    bool stop;
    bool asleep; /* the writer wakes only when it is told to */
    bool dead;
    struct error failure; /* the first, once dead */

    /* whoever has set committing */
    bool opening_owed; /* the epoch is not known to be on disk: open_settle after a commit */
    struct batch writing;
    struct committer committer;
    struct reserve reserve;
};
void *writer_main(void *journal);
/* What opening left to be done when a commit is on disk; see the head of open.c. */
WARN_UNUSED enum error_code open_settle(struct journal *j, struct error *reterr);
/* Commits what was gathered; the lock is held before and after, and nobody is committing. The owner
 * need not have it announced to itself. */
void writer_commit(struct journal *j, bool announce);
int64_t writer_now_ms(void);
/* Any thread: the journal is dead, if it was not before; the first failure stays. */
void journal_fail(struct journal *j, const struct error *failure);
void journal_announce(struct journal *j);
enum { BATCH_WAKE_BYTES = 256 << 10 };

/* ---- reader.c; claims.c and inbox.c, which use the owner's own reader ---- */

struct journal_reader {
    sqlite3 *db;
    char *path; /* NULL: of a journal in memory, which has claims and nothing else */
    int lock_fd;
    struct text found;  /* strings of journal_find */
    struct seals *keys; /* for whoever reads */
    struct journal_flaw flaw;
    sqlite3_stmt *claimed, *version, *messages, *kept, *due, *next_due, *epoch, *value, *space,
        *one_run;
};
/* With share, it keeps the file from being replaced; the owner's own has no need to. */
WARN_UNUSED enum error_code reader_new(const char *path, bool share,
                                       struct journal_reader **ret_reader, struct error *reterr);
struct journal_reader *reader_new_in_memory(void);
WARN_UNUSED enum error_code reader_check_on_disk(const struct journal_reader *reader,
                                                 struct error *reterr);

/* A claim was appended with the batch of that number. */
void claims_add(struct journal *j, const struct journal_record *record, uint64_t batch);
void claims_done(struct journal *j);

/* A value was appended with the batch of that number. */
void values_add(struct journal *j, const struct journal_value *value, uint64_t batch);
void values_done(struct journal *j);

#endif

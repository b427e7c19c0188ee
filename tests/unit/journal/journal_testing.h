/* SPDX-License-Identifier: Apache-2.0
 *
 * What the journal's tests share: a folder of their own, records, barriers that are waited for,
 * and counting what a reader sees.
 */
#ifndef TESTS_UNIT_JOURNAL_TESTING_H
#define TESTS_UNIT_JOURNAL_TESTING_H

#include "journal/journal.h"
#include "unit.h"

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ck_assert_ok(code, err) ck_assert_msg((code) == ERR_OK, "%s", (err).text)
#define ck_assert_code(code, expected, err)                                                        \
    ck_assert_msg((code) == (expected), "expected %s, got: %s", error_code_text(expected),         \
                  (code) ? (err).text : "ok")
#define ck_assert_says(err, words)                                                                 \
    ck_assert_msg(strstr((err).text, words) != NULL, "\"%s\" is not in: %s", words, (err).text)

static inline int remove_one(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is;
    (void)type;
    (void)at;
    return remove(path);
}

/* A folder that is removed at the scope's end: `AUTO(folder_done) struct folder dir =
 * folder_new();`
 */
struct folder {
    char path[64], journal[96];
};

static inline struct folder folder_new(void)
{
    struct folder f = {.path = "/tmp/seam-journal-XXXXXX"};
    ck_assert(mkdtemp(f.path) != NULL);
    snprintf(f.journal, sizeof(f.journal), "%s/journal.db", f.path);
    return f;
}

static inline void folder_done(struct folder *f)
{
    nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool beside_exists(const char *journal, const char *suffix)
{
    AUTO(freep) char *path = xasprintf("%s%s", journal, suffix);
    return access(path, F_OK) == 0;
}

static inline struct journal *open_journal(const char *path)
{
    struct journal *j = NULL;
    struct error err;
    struct journal_options options = {.path = path, .reserve_bytes = 65536};
    enum error_code code = journal_open(&options, &j, &err);
    ck_assert_ok(code, err);
    return j;
}

static inline void close_journal(struct journal *j)
{
    struct error err;
    enum error_code code = journal_close(j, &err);
    ck_assert_ok(code, err);
}

static inline void append(struct journal *j, const char *run, uint64_t seq, const char *body)
{
    struct journal_record record = {
        .run = run,
        .seq = seq,
        .at_ms = 1700000000000 + (int64_t)seq,
        .kind = "event",
        .body = slice_of(body),
        .status = "running",
        .flow = seq == 1 ? "flow" : NULL,
    };
    journal_append(j, &record);
}

struct reached {
    int calls;
    enum error_code code;
    struct error err;
};

static inline void note_reached(void *user, enum error_code code, const struct error *err)
{
    struct reached *r = user;
    r->calls++;
    r->code = code;
    if (err)
        r->err = *err;
}

/* Waits for a barrier over all that was appended: by turns the writer's thread commits it, and the
 * owner's, which helps. */
static inline struct reached sync_journal(struct journal *j, bool room_for_outcome)
{
    static bool helps;
    struct reached r = {0};
    journal_sync(j, room_for_outcome, note_reached, &r);
    for (helps = !helps; !helps && r.calls == 0; journal_dispatch(j)) {
        struct pollfd ready = {.fd = journal_fd(j), .events = POLLIN};
        (void)poll(&ready, 1, -1);
    }
    journal_drain(j);
    ck_assert_int_eq(r.calls, 1);
    return r;
}

static inline void must_sync(struct journal *j)
{
    struct reached r = sync_journal(j, false);
    ck_assert_ok(r.code, r.err);
}

static inline struct journal_reader *open_reader(const char *path)
{
    struct journal_reader *reader = NULL;
    struct error err;
    enum error_code code = journal_reader_open(path, &reader, &err);
    ck_assert_ok(code, err);
    return reader;
}

static inline bool count_record(void *user, const struct journal_record *record,
                                const struct digest *hash)
{
    (void)record;
    (void)hash;
    (*(uint64_t *)user)++;
    return true;
}

/* Records of a run, their chain checked; 0 if there is no such run. */
static inline uint64_t count_records(const char *path, const char *run)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = open_reader(path);
    uint64_t count = 0;
    struct error err;
    enum error_code code = journal_read(reader, run, 1, count_record, &count, &err);
    if (code == ERR_NOT_FOUND)
        return 0;
    ck_assert_ok(code, err);
    return count;
}

#endif

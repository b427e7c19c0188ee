/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims: external references that are some effect's, unique over all effects of the store. The
 * owner must know of a claim from the moment it is appended, so those whose batch may not be on
 * disk yet are kept here, few and in order; the others are found in the table.
 *
 * A journal in memory keeps them in the same table of an SQLite in memory.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

static void insert_in_memory(sqlite3 *db, const struct journal_record *record)
{
    AUTO(sql_finalizep) sqlite3_stmt *insert = NULL;
    ASSERT(sql_prepare(db, ":memory:", "INSERT OR IGNORE INTO claims VALUES(?1, ?2, ?3)", &insert,
                       NULL) == ERR_OK);
    sql_bind_text(insert, 1, slice_of(record->claim));
    sql_bind_text(insert, 2, slice_of(record->claim_owner));
    sql_bind_text(insert, 3, slice_of(record->run));
    ASSERT(sqlite3_step(insert) == SQLITE_DONE);
}

/* Lets go of the oldest, up to the batch. */
static void forget(struct journal *j, uint64_t batch)
{
    size_t gone = 0;
    for (; gone < j->claim_count && j->claims[gone].batch <= batch; gone++) {
        free(j->claims[gone].claim);
        free(j->claims[gone].owner);
    }
    if (gone == 0)
        return;
    j->claim_count -= gone;
    memmove(j->claims, j->claims + gone, j->claim_count * sizeof(*j->claims));
}

/* Those of batches that are on disk. Inside a reading of the owner's none is let go of: its
 * snapshot may be older than the last commit. */
static void forget_committed(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    uint64_t committed = j->committed_number;
    pthread_mutex_unlock(&j->lock);
    if (sqlite3_get_autocommit(j->own->db))
        forget(j, committed);
}

void claims_add(struct journal *j, const struct journal_record *record, uint64_t batch)
{
    if (!j->path) {
        insert_in_memory(j->own->db, record);
        return;
    }
    bool full = j->claim_count == j->claim_room;
    if (full)
        forget_committed(j);
    if (full && j->claim_count * 2 >= j->claim_room) { /* else it would soon be full again */
        j->claim_room = j->claim_room ? j->claim_room * 2 : 16;
        j->claims = xrealloc(j->claims, j->claim_room * sizeof(*j->claims));
    }
    j->claims[j->claim_count++] = (struct pending_claim){
        .claim = xstrdup(record->claim), .owner = xstrdup(record->claim_owner), .batch = batch};
}

void claims_done(struct journal *j)
{
    forget(j, UINT64_MAX);
    free(j->claims);
}

static enum error_code look_on_disk(struct journal_reader *own, const char *claim,
                                    const char *owner, bool *ret_claimed, struct error *reterr)
{
    const char *path = own->path ? own->path : ":memory:";
    enum error_code code = ERR_OK;
    if (!own->claimed)
        code = sql_prepare(own->db, path, "SELECT owner FROM claims WHERE claim=?1", &own->claimed,
                           reterr);
    if (code)
        return code;
    sql_bind_text(own->claimed, 1, slice_of(claim));
    int rc = sqlite3_step(own->claimed);
    if (rc == SQLITE_ROW)
        *ret_claimed = !slice_is(sql_text(own->claimed, 0), owner);
    else if (rc == SQLITE_DONE)
        *ret_claimed = false;
    else
        code = sql_error(own->db, path, "looking for a claim", reterr);
    sqlite3_reset(own->claimed);
    return code;
}

bool journal_claimed(struct journal *journal, const char *claim, const char *owner)
{
    forget_committed(journal);
    for (size_t i = 0; i < journal->claim_count; i++)
        if (strcmp(journal->claims[i].claim, claim) == 0)
            return strcmp(journal->claims[i].owner, owner) != 0;
    struct error err;
    bool claimed = true;
    /* A look that failed is no evidence that the reference is free. */
    if (look_on_disk(journal->own, claim, owner, &claimed, &err) != ERR_OK)
        journal_fail(journal, &err);
    return claimed;
}

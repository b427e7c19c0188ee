/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes of the file, read back: a few rows of `meta` beside those that the journal keeps for
 * itself, told apart by the kind that their name begins with. They are for what belongs to the
 * store and to no run, and changes rarely.
 */
#include "journal/journal_internal.h"

#include <string.h>

enum error_code journal_notes(struct journal_reader *reader, const char *kind,
                              journal_each_note each, void *user, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    size_t length = strlen(kind);
    if (!reader->path)
        return ERR_OK; /* in memory: nothing is older than its owner */
    enum error_code code = sql_prepare(
        reader->db, reader->path,
        "SELECT key, value FROM meta WHERE substr(key, 1, ?2)=?1 ORDER BY key", &rows, reterr);
    if (code)
        return code;
    sql_bind_text(rows, 1, slice_of(kind));
    sqlite3_bind_int64(rows, 2, (int64_t)length);
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW)
        each(user, sql_text(rows, 0).ptr + length, sql_text(rows, 1));
    return rc == SQLITE_DONE ? ERR_OK
                             : sql_error(reader->db, reader->path, "reading notes", reterr);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that records name by their digest, read back and held to it; and what else a journal may be
 * asked about its own soundness: the flaw that a reading met, runs that were taken out of the list.
 */
#include "journal/journal_internal.h"

static enum error_code not_kept(const struct journal_reader *reader, const char *hex,
                                struct error *reterr)
{
    return error_set(reterr, ERR_NOT_FOUND, "%s: the text %.16s… that a record names is not kept",
                     reader->path, hex);
}

static enum error_code prepare_kept(struct journal_reader *reader, const char *hex,
                                    struct error *reterr)
{
    int64_t version = 0;
    enum error_code code = reader_check_on_disk(reader, reterr);
    if (code || reader->kept)
        return code;
    code = sql_number(reader->db, reader->path, "PRAGMA user_version", &version, reterr);
    if (!code && version < 2)
        return not_kept(reader, hex, reterr);
    return code ? code
                : sql_prepare(reader->db, reader->path, "SELECT body FROM texts WHERE digest=?1",
                              &reader->kept, reterr);
}

static enum error_code add_kept(const struct journal_reader *reader, const struct digest *digest,
                                const char *hex, struct text *out, struct error *reterr)
{
    struct slice body = sql_text(reader->kept, 0);
    struct digest found = digest_of(body);
    if (!digest_equal(&found, digest))
        return error_set(
            reterr, ERR_CORRUPT,
            "%s: the text %.16s… is not what was kept; somebody changed the journal, "
            "or its disk did: put a backup in its place, then `seam resume --all --restored`",
            reader->path, hex);
    return text_add(out, body.ptr, body.len)
               ? ERR_OK
               : error_set(reterr, ERR_LIMIT, "%s: the text %.16s… is too large", reader->path,
                           hex);
}

enum error_code journal_kept(struct journal_reader *reader, const struct digest *digest,
                             struct text *out, struct error *reterr)
{
    char hex[DIGEST_HEX_SIZE];
    digest_hex(digest, hex);
    enum error_code code = prepare_kept(reader, hex, reterr);
    if (code)
        return code;
    sql_bind_digest(reader->kept, 1, digest);
    int rc = sqlite3_step(reader->kept);
    if (rc == SQLITE_ROW)
        code = add_kept(reader, digest, hex, out, reterr);
    else if (rc == SQLITE_DONE)
        code = not_kept(reader, hex, reterr);
    else
        code = sql_error(reader->db, reader->path, "reading a text", reterr);
    sqlite3_reset(reader->kept);
    return code;
}

const char *flaw_word(enum flaw_kind kind)
{
    static const char *const words[] = {
#define X(name, word) [FLAW_##name] = word,
        FLAW_KINDS(X)
#undef X
    };
    return words[kind];
}

struct journal_flaw journal_flaw(const struct journal_reader *reader)
{
    return reader->flaw;
}

enum error_code journal_orphans(struct journal_reader *reader, journal_each_orphan each, void *user,
                                struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    enum error_code code = reader_check_on_disk(reader, reterr);
    /* one step over the index for each run, not for each record */
    if (!code)
        code = sql_prepare(reader->db, reader->path,
                           "WITH RECURSIVE names(run) AS (SELECT min(run) FROM events UNION ALL"
                           " SELECT (SELECT min(run) FROM events WHERE run > names.run) FROM names"
                           " WHERE names.run IS NOT NULL)"
                           " SELECT run FROM names WHERE run IS NOT NULL"
                           " AND run NOT IN (SELECT id FROM runs)",
                           &rows, reterr);
    if (code)
        return code;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW)
        each(user, sql_text(rows, 0).ptr);
    return rc == SQLITE_DONE ? ERR_OK : sql_error(reader->db, reader->path, "listing runs", reterr);
}

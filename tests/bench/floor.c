/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor: what a user writes who wants no host. A loop of ten steps in this process that does
 * the same work, asks the same contract, and inserts each output into a table of SQLite, synced
 * before the next step begins. No run is resumed, retried, bounded or explained by it.
 */
#include "bench.h"

#include "contract/contract.h"
#include "document/document.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOOR_STEPS = 10 };

struct loop {
    sqlite3 *db;
    sqlite3_stmt *insert;
    struct contract *contract;
    struct samples samples;
    struct text text;
    uint64_t runs, steps;
};

static void open_table(struct loop *loop, const char *folder)
{
    AUTO(freep) char *path = xasprintf("%s/floor.db", folder);
    if (sqlite3_open(path, &loop->db) != SQLITE_OK ||
        sqlite3_exec(loop->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE step(run TEXT, seq INTEGER, output TEXT, PRIMARY KEY(run, seq))"
                     " WITHOUT ROWID",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(loop->db, "INSERT INTO step VALUES(?, ?, ?)", -1, &loop->insert, NULL) !=
            SQLITE_OK)
        give_up("%s: %s", path, sqlite3_errmsg(loop->db));
}

static void open_contract(struct loop *loop)
{
    json_t *schema = NULL;
    struct error err;
    if (json_read_file(BENCH_FOLDER "/plugin/document.json", LIMIT_FILE, &schema, &err) != ERR_OK ||
        contract_compile(schema, NULL, &loop->contract, &err) != ERR_OK)
        give_up("%s", err.text);
    json_decref(schema);
}

/* Six values change, in place. */
static void do_work(json_t *document)
{
    json_t *tags = json_object_get(document, "tags"), *first = json_array_get(tags, 0);
    json_t *meta = json_object_get(document, "meta");
    const char *body = json_string_value(json_object_get(document, "body"));
    AUTO(freep) char *turned = xasprintf("%s%c", body + 1, body[0]);
    double score = json_number_value(json_object_get(document, "score"));
    json_int_t seq = json_integer_value(json_object_get(document, "seq"));
    json_int_t tokens = json_integer_value(json_object_get(meta, "tokens"));
    json_object_set_new(document, "seq", json_integer(seq + 1));
    json_object_set_new(document, "body", json_string(turned));
    json_array_append(tags, first);
    json_array_remove(tags, 0);
    json_object_set_new(document, "score", json_real(fmod(score * 1.1 + 0.01, 1)));
    json_object_set_new(meta, "tokens", json_integer(tokens + 1));
}

static void do_step(struct loop *loop, json_t *document)
{
    do_work(document);
    if (!contract_accepts(loop->contract, document))
        give_up("the floor's own output is refused");
    text_clear(&loop->text);
    json_write(document, &loop->text);
    const char *run = json_string_value(json_object_get(document, "wf"));
    sqlite3_bind_text(loop->insert, 1, run, -1, SQLITE_STATIC);
    sqlite3_bind_int64(loop->insert, 2, json_integer_value(json_object_get(document, "seq")));
    sqlite3_bind_text(loop->insert, 3, loop->text.ptr, (int)loop->text.len, SQLITE_STATIC);
    if (sqlite3_step(loop->insert) != SQLITE_DONE)
        give_up("floor: %s", sqlite3_errmsg(loop->db));
    sqlite3_reset(loop->insert);
    loop->steps++;
}

static void do_run(struct loop *loop, bool counting)
{
    AUTO(freep) char *text = make_document(loop->runs++);
    json_t *document = NULL;
    struct error err;
    if (json_read(slice_of(text), LIMIT_PAYLOAD, &document, &err) != ERR_OK)
        give_up("%s", err.text);
    for (int i = 0; i < FLOOR_STEPS; i++) {
        int64_t began = now_ns();
        do_step(loop, document);
        if (counting)
            samples_add(&loop->samples, (double)(now_ns() - began) / 1000);
    }
    json_decref(document);
}

static double work_for(struct loop *loop, int ms, bool counting)
{
    int64_t began = now_ns(), until = began + (int64_t)ms * 1000000;
    while (now_ns() < until)
        do_run(loop, counting);
    return (double)(now_ns() - began) / 1e9;
}

void measure_floor(const struct trial *trial, struct row *ret_row)
{
    struct loop loop = {0};
    char *folder = make_folder(trial);
    text_init(&loop.text, LIMIT_PAYLOAD);
    open_table(&loop, folder);
    open_contract(&loop);
    work_for(&loop, trial->warm_ms, false);
    uint64_t before = loop.steps;
    double seconds = work_for(&loop, trial->go_ms, true);
    *ret_row = (struct row){
        .per_second = (double)(loop.steps - before) / seconds,
        .p50_us = samples_at(&loop.samples, 0.5),
        .p99_us = samples_at(&loop.samples, 0.99),
        .memory_mb = peak_mb(),
        .count = loop.samples.count,
        .steps = loop.steps,
    };
    sqlite3_finalize(loop.insert);
    sqlite3_close(loop.db);
    contract_unref(loop.contract);
    samples_done(&loop.samples);
    text_done(&loop.text);
    remove_folder(folder);
    free(folder);
}

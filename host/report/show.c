/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a run stands, and what it spent where: one row for each step, step of a sub-flow, and call,
 * all its items together; the row of what others are part of has the numbers of all. Time is that
 * of calls under way, from start to end, which no account keeps: it is taken from the records as
 * they are folded.
 */
#include "report/report.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of_member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

json_t *report_run(const struct journal_run *run)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "run", run->id, "flow", run->flow, "status",
                     run->status, "created_ms", (json_int_t)run->created_ms, "updated_ms",
                     (json_int_t)run->updated_ms, "records", (json_int_t)run->last_seq);
}

/* ---- time, from the records ---- */

/* How long the calls of each task were under way. */
struct times {
    struct timed {
        int64_t since_ms, spent_ms; /* since: 0 = nothing is under way */
    } * list;
    size_t count;
};

static struct timed *timed_of(struct times *times, uint32_t task)
{
    if (task >= times->count) {
        size_t count = 2 * ((size_t)task + 1);
        times->list = xrealloc(times->list, count * sizeof(*times->list));
        memset(times->list + times->count, 0, (count - times->count) * sizeof(*times->list));
        times->count = count;
    }
    return &times->list[task];
}

/* What comes before the decisions of an event: a call has ended, or all are lost with their host.
 */
static void stop(struct times *times, const struct event *event)
{
    if (event->kind == EVENT_TAKEN_OVER)
        for (size_t i = 0; i < times->count; i++)
            times->list[i].since_ms = 0;
    if (event->kind != EVENT_ENDED)
        return;
    struct timed *timed = timed_of(times, event->task);
    if (timed->since_ms > 0)
        timed->spent_ms += event->at_ms - timed->since_ms;
    timed->since_ms = 0;
}

static void times_decided(void *user, uint64_t seq, const struct record *record, size_t index,
                          const struct run *run)
{
    const struct decision *decision = &record->decisions.list[index];
    (void)seq;
    (void)run;
    if (index == 0)
        stop(user, &record->event);
    if (decision->kind == DECISION_START)
        timed_of(user, decision->task)->since_ms = record->event.at_ms;
}

static bool times_recorded(void *user, uint64_t seq, struct record *record, struct run *run)
{
    (void)seq;
    (void)run;
    if (record->decisions.count == 0)
        stop(user, &record->event);
    return true;
}

static void times_done(struct times *times)
{
    free(times->list);
}

/* ---- rows ---- */

struct row {
    char *path;
    size_t tasks, children;
    int64_t attempts, calls, tokens, cost, time_ms, recovery;
};

struct rows {
    struct row **list;
    size_t count;
    struct map by_path;
};

char *report_path_of_all(const char *path)
{
    struct text text;
    text_init(&text, LIMIT_FILE);
    for (const char *c = path; *c; c++) {
        size_t digits = strspn(c + 1, "0123456789");
        text_addc(&text, *c);
        if (digits && ((*c == '[' && c[1 + digits] == ']') || *c == '#')) {
            text_addc(&text, '*');
            c += digits;
        }
    }
    return text_take(&text);
}

static struct row *row_of(struct rows *rows, const char *path)
{
    struct row *row = map_get(&rows->by_path, slice_of(path));
    if (row)
        return row;
    if ((rows->count & (rows->count - 1)) == 0)
        rows->list = xrealloc(rows->list, (rows->count ? 2 * rows->count : 1) * sizeof(row));
    row = xcalloc(1, sizeof(*row));
    row->path = xstrdup(path);
    rows->list[rows->count++] = row;
    map_put(&rows->by_path, slice_of(path), row);
    return row;
}

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void add_task(struct row *row, const json_t *task, int64_t time_ms)
{
    const json_t *spent = json_object_get(task, "spent");
    const char *cost = json_string_value(json_object_get(spent, "cost"));
    int64_t millionths = 0;
    row->attempts += number_of(spent, "attempts");
    row->calls += number_of(spent, "calls");
    row->tokens += number_of(spent, "tokens");
    row->recovery += number_of(spent, "recovery_calls");
    row->time_ms += time_ms;
    if (cost && money_parse(slice_of(cost), &millionths))
        row->cost += millionths;
}

/* A task counts in its own row, and in those of what it is part of. */
static void add_to_rows(struct rows *rows, const json_t *task, int64_t time_ms)
{
    AUTO(freep) char *path = report_path_of_all(text_of_member(task, "path"));
    struct row *own = row_of(rows, path);
    own->tasks++;
    add_task(own, task, time_ms);
    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        struct row *around = row_of(rows, path);
        add_task(around, task, time_ms);
        around->children++;
    }
}

static json_t *row_json(const struct row *row)
{
    char cost[32];
    return json_pack("{s:s, s:I, s:b, s:I, s:I, s:I, s:s, s:I, s:I}", "path", row->path, "tasks",
                     (json_int_t)row->tasks, "within", row->children > 0, "attempts",
                     (json_int_t)row->attempts, "calls", (json_int_t)row->calls, "tokens",
                     (json_int_t)row->tokens, "cost", money_text(row->cost, cost), "time_ms",
                     (json_int_t)row->time_ms, "recovery", (json_int_t)row->recovery);
}

static json_t *rows_json(const struct rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++)
        json_array_append_new(list, row_json(rows->list[i]));
    return list;
}

static void rows_done(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->list[i]->path);
        free(rows->list[i]);
    }
    free(rows->list);
    map_done(&rows->by_path);
}

/* ---- the run ---- */

struct showing {
    struct fold *fold;
    bool folded;
    struct times times;
    struct rows rows;
    uint32_t task;     /* the next that is looked at */
    size_t from, most; /* of the tasks, those that are shown */
    json_t *picture;
};

enum error_code showing_begin(struct journal_reader *reader, struct shelf *shelf, const char *id,
                              size_t from, size_t most, struct showing **ret_showing,
                              struct error *reterr)
{
    AUTO(flow_unrefp) struct flow *flow = NULL;
    struct journal_run known;
    enum error_code code = journal_find(reader, id, &known, reterr);
    if (code == ERR_OK)
        code = fold_flow(reader, shelf, id, &flow, reterr);
    if (code != ERR_OK)
        return code;
    struct showing *showing = *ret_showing = xcalloc(1, sizeof(*showing));
    *showing = (struct showing){.from = from, .most = most};
    showing->fold = fold_begin(reader, id, flow, times_decided, times_recorded, &showing->times);
    return ERR_OK;
}

static bool look_at_tasks(struct showing *showing, size_t count)
{
    const struct run *run = fold_result(showing->fold);
    size_t all = run_task_count(run);
    json_t *tasks = json_object_get(showing->picture, "tasks");
    for (; count > 0 && showing->task < all; count--) {
        uint32_t at = showing->task++;
        AUTO(json_decrefp) json_t *task = run_describe_task(run, at);
        add_to_rows(&showing->rows, task,
                    at < showing->times.count ? showing->times.list[at].spent_ms : 0);
        if (at >= showing->from && at - showing->from < showing->most)
            json_array_append(tasks, task);
    }
    return showing->task < all;
}

enum error_code showing_some(struct showing *showing, size_t count, bool *ret_more,
                             struct error *reterr)
{
    *ret_more = true;
    if (!showing->folded) {
        bool more = false;
        enum error_code code = fold_some(showing->fold, count, &more, reterr);
        if (code != ERR_OK || more)
            return code;
        showing->folded = true;
        showing->picture = run_describe_whole(fold_result(showing->fold));
    }
    *ret_more = look_at_tasks(showing, count);
    return ERR_OK;
}

json_t *showing_picture(const struct showing *showing)
{
    json_t *picture = json_incref(showing->picture);
    json_object_set_new(picture, "spent_by", rows_json(&showing->rows));
    return picture;
}

size_t showing_tasks(const struct showing *showing)
{
    return run_task_count(fold_result(showing->fold));
}

void showing_free(struct showing *showing)
{
    if (!showing)
        return;
    fold_free(showing->fold);
    times_done(&showing->times);
    rows_done(&showing->rows);
    json_decref(showing->picture);
    free(showing);
}

enum error_code report_show(struct journal_reader *reader, struct shelf *shelf, const char *id,
                            json_t **ret_picture, struct error *reterr)
{
    struct showing *showing = NULL;
    bool more = true;
    enum error_code code = showing_begin(reader, shelf, id, 0, SIZE_MAX, &showing, reterr);
    while (code == ERR_OK && more)
        code = showing_some(showing, SIZE_MAX, &more, reterr);
    if (code == ERR_OK)
        *ret_picture = showing_picture(showing);
    showing_free(showing);
    AUTO(freep) char *why = code == ERR_DENIED ? xstrdup(reterr->text) : NULL;
    return why ? report_outline(reader, id, why, ret_picture, reterr) : code;
}

char *report_shown_digest(const json_t *shown)
{
    char hex[DIGEST_HEX_SIZE];
    char *text = json_dumps(shown, JSON_COMPACT | JSON_SORT_KEYS);
    struct digest digest = digest_of(slice_of(text));
    free(text);
    digest_hex(&digest, hex);
    return xstrdup(hex);
}

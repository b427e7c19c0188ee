/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told of a hidden run where its key is not at hand: its steps and how they stand, from the
 * open parts of its records. It is not folded, for what a run is depends on its values; so a step
 * stands as the last decision about it left it.
 */
#include "report/report.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

struct outline {
    json_t *tasks; /* [{path, status, attempts, rule}] */
    struct map by_path;
};

static json_t *task_of(struct outline *outline, const char *path)
{
    json_t *task = map_get(&outline->by_path, slice_of(path));
    if (task)
        return task;
    task = json_pack("{s:s, s:s, s:i}", "path", path, "status", "pending", "attempts", 0);
    json_array_append_new(outline->tasks, task);
    map_put(&outline->by_path, slice_of(path), task);
    return task;
}

/* NULL: it stands as it did. */
static const char *status_after(const char *kind)
{
    static const char *const after[][2] = {
        {"start", "running"}, {"enter", "running"}, {"retry", "waiting"}, {"ask", "asking"},
        {"accept", "done"},   {"fail", "failed"},   {"skip", "skipped"},  {"abandon", "abandoned"}};
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
        if (strcmp(after[i][0], kind) == 0)
            return after[i][1];
    return NULL;
}

static void add_decision(struct outline *outline, const json_t *decision)
{
    const char *path = json_string_value(json_object_get(decision, "path"));
    const char *kind = json_string_value(json_object_get(decision, "kind"));
    const char *status = kind ? status_after(kind) : NULL;
    if (!path || !status)
        return;
    json_t *task = task_of(outline, path);
    json_object_set_new(task, "status", json_string(status));
    json_object_set(task, "rule", json_object_get(decision, "rule"));
    if (strcmp(kind, "start") == 0)
        json_object_set_new(
            task, "attempts",
            json_integer(json_integer_value(json_object_get(task, "attempts")) + 1));
}

static bool add_record(void *user, uint64_t seq, json_t *record)
{
    size_t i;
    json_t *decision;
    (void)seq;
    json_array_foreach (json_object_get(record, "decisions"), i, decision) {
        add_decision(user, decision);
    }
    json_decref(record);
    return true;
}

enum error_code report_outline(struct journal_reader *reader, const char *id, const char *why,
                               json_t **ret_picture, struct error *reterr)
{
    struct outline outline = {.tasks = json_array()};
    AUTO(freep) char *secret = NULL;
    struct journal_run run;
    enum error_code code = run_open_records(reader, id, add_record, &outline, &secret, reterr);
    if (code == ERR_OK)
        code = journal_find(reader, id, &run, reterr);
    if (code == ERR_OK) {
        AUTO(freep) char *words = xasprintf("hidden (give secret %s)", secret);
        *ret_picture = json_pack("{s:s, s:s, s:s, s:I, s:{s:s, s:s}, s:s, s:O}", "run", run.id,
                                 "flow", run.flow, "status", run.status, "started_ms",
                                 (json_int_t)run.created_ms, "hidden", "secret", secret, "why", why,
                                 "input", words, "tasks", outline.tasks);
        if (strcmp(run.status, run_status_word(RUN_DONE)) == 0)
            json_object_set_new(*ret_picture, "output", json_string(words));
        if (strcmp(run.status, run_status_word(RUN_FAILED)) == 0)
            json_object_set_new(*ret_picture, "error", json_string(words));
    }
    json_decref(outline.tasks);
    map_done(&outline.by_path);
    return code;
}

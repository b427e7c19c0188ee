/* SPDX-License-Identifier: Apache-2.0
 *
 * seam test --record: a run of the journal becomes a file of fixtures, which is played at once: it
 * must give the decisions that the run had.
 */
#include "cli/test_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- which run ---- */

struct newest {
    const char *flow;
    char *id;
};

static void keep_newest(void *user, const struct journal_run *run)
{
    struct newest *newest = user;
    if (!newest->id && strcmp(run->flow, newest->flow) == 0)
        newest->id = xstrdup(run->id);
}

/* The one that is named, else the flow's newest. */
static enum error_code choose_run(const struct test *test, struct journal_reader *reader,
                                  char **ret_id, struct error *reterr)
{
    struct journal_run known;
    struct newest newest = {.flow = test->flow->name};
    if (test->args->operand_count == 2) {
        const char *id = test->args->operands[1];
        enum error_code code = journal_find(reader, id, &known, reterr);
        if (code == ERR_OK && strcmp(known.flow, test->flow->name) != 0)
            code = error_set(reterr, ERR_CONFLICT, "run %s is of flow %s, not of %s", id,
                             known.flow, test->flow->name);
        if (code == ERR_OK)
            *ret_id = xstrdup(id);
        return code;
    }
    enum error_code code = journal_runs(reader, NULL, keep_newest, &newest, reterr);
    if (code == ERR_OK && !newest.id)
        code = error_set(reterr, ERR_NOT_FOUND,
                         "the journal has no run of flow %s; `seam runs` lists them",
                         test->flow->name);
    if (code == ERR_OK)
        *ret_id = newest.id;
    return code;
}

/* ---- the file ---- */

static char *file_of(const struct test *test, const char *id)
{
    AUTO(freep) char *name = xstrdup(id);
    for (char *c = name; *c; c++)
        if (*c == '/' || *c == ':')
            *c = '-';
    return xasprintf("%s/%s.yaml", test->fixtures_path, name);
}

static enum error_code write_file(const struct test *test, const char *path, const char *id,
                                  const json_t *recorded, struct error *reterr)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    if (mkdir(test->fixtures_path, 0777) != 0 && errno != EEXIST)
        return error_set_errno(reterr, errno, "--fixtures %s", test->fixtures_path);
    if (access(path, F_OK) == 0 && !args_flag(test->args, "--update"))
        return error_set(reterr, ERR_EXISTS, "%s exists already; --update replaces it", path);
    json_t *file = json_pack("{s:i, s:s, s:s, s:[O]}", "fixture", 1, "flow", test->flow->name,
                             "recorded", id, "cases", recorded);
    yaml_write(file, 0, 4, &text);
    json_decref(file);
    FILE *out = fopen(path, "we");
    if (!out)
        return error_set_errno(reterr, errno, "%s", path);
    bool written = fwrite(text.ptr, 1, text.len, out) == text.len;
    bool closed = fclose(out) == 0;
    return written && closed ? ERR_OK : error_set_errno(reterr, errno, "%s", path);
}

/* ---- playing it ---- */

static void record(void *user, const struct run *run, const struct event *event,
                   const struct decisions *decisions)
{
    (void)event;
    history_add(user, run, decisions);
}

static void compare(const json_t *recorded, const json_t *played, json_t *ret_texts)
{
    const char *path;
    json_t *list;
    json_object_foreach ((json_t *)recorded, path, list) {
        const json_t *other = json_object_get(played, path);
        size_t at = 0;
        while (at < json_array_size(list) &&
               json_equal(json_array_get(list, at), json_array_get(other, at)))
            at++;
        if (at == json_array_size(list) && at == json_array_size(other))
            continue;
        const char *then = json_string_value(json_array_get(list, at));
        const char *now = json_string_value(json_array_get(other, at));
        json_array_append_new(ret_texts,
                              json_sprintf("%s: the run had `%s`, the case has `%s`",
                                           *path ? path : "the flow", then ? then : "nothing more",
                                           now ? now : "nothing more"));
    }
}

/* What is other than it was, as texts. */
static enum error_code play(struct test *test, const char *path, const json_t *history,
                            json_t *ret_texts, struct error *reterr)
{
    AUTO(json_decrefp) json_t *result = NULL;
    AUTO(json_decrefp) json_t *played = json_object();
    size_t i;
    json_t *difference;
    enum error_code code =
        fixtures_load(path, test->flow, &test->roster->catalog, &test->fixtures, reterr);
    if (code != ERR_OK)
        return code;
    struct rehearsal rehearsal = {
        .roster = test->roster,
        .flow = test->flow,
        .c = fixtures_case(test->fixtures, 0),
        .record = record,
        .user = played,
    };
    code = rehearse(&rehearsal, &result, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(json_decrefp)
    json_t *differences = expectation_differences(rehearsal.c, test->flow, result);
    json_array_foreach (differences, i, difference) {
        json_array_append_new(ret_texts, tell_difference(difference));
    }
    if (history)
        compare(history, played, ret_texts);
    return ERR_OK;
}

/* ---- the command ---- */

static int tell(const struct test *test, const char *path, const char *id, const json_t *texts,
                bool taken_over)
{
    size_t i;
    json_t *text;
    bool same = json_array_size(texts) == 0;
    /* what `seam run` prints is the run's own */
    bool beside = test->args->command->run == command_run;
    FILE *out = beside ? stderr : stdout;
    if (test->format == FORMAT_JSON && !beside) {
        print_json(json_pack("{s:s, s:s, s:b, s:b, s:O}", "run", id, "file", path, "same",
                             (int)same, "taken_over", (int)taken_over, "differences", texts));
        return same ? EXIT_DONE : EXIT_FAILED;
    }
    fprintf(out, "%s: run %s, %s\n", path, id,
            !same ? "and played again it comes out otherwise:"
            : taken_over
                ? "played again to the same end; its host died in between, which a case has not"
                : "played again with the same decisions");
    json_array_foreach (texts, i, text) {
        fprintf(out, "  %s\n", json_string_value(text));
    }
    return same ? EXIT_DONE : EXIT_FAILED;
}

int test_record(struct test *test)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    AUTO(flow_unrefp) struct flow *flow = NULL;
    AUTO(freep) char *id = NULL;
    AUTO(freep) char *path = NULL;
    AUTO(json_decrefp) json_t *recorded = NULL;
    AUTO(json_decrefp) json_t *history = NULL;
    AUTO(json_decrefp) json_t *texts = json_array();
    struct error err;
    bool taken_over = false;
    enum error_code code = open_reader(test->args, &reader, NULL, &err);
    if (code == ERR_OK)
        code = choose_run(test, reader, &id, &err);
    if (code == ERR_OK)
        code = fold_flow(reader, shelf, id, &flow, &err);
    if (code == ERR_OK)
        code = record_case(reader, id, flow, &recorded, &history, &taken_over, &err);
    if (code == ERR_OK) {
        path = file_of(test, id);
        code = write_file(test, path, id, recorded, &err);
    }
    if (code == ERR_OK)
        code = play(test, path, taken_over ? NULL : history, texts, &err);
    return code == ERR_OK ? tell(test, path, id, texts, taken_over)
                          : report_error(test->args, &err);
}

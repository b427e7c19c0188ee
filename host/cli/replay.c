/* SPDX-License-Identifier: Apache-2.0
 *
 * seam replay: the journal's decisions, decided again, each run up to the first that differs. What
 * differs is shown by the one place in it where it begins to, not by two pages to compare.
 */
#include "cli/cli_internal.h"

#include <stdlib.h>
#include <string.h>

struct replay {
    const struct args *args;
    struct shelf *shelf;
    struct journal_reader *reader;
    size_t runs, same, records, decisions;
    char **ids;
    size_t id_count;
};

static void keep_id(void *user, const struct journal_run *run)
{
    struct replay *replay = user;
    replay->ids = xrealloc(replay->ids, (replay->id_count + 1) * sizeof(*replay->ids));
    replay->ids[replay->id_count++] = xstrdup(run->id);
}

static void print_side(const char *when, uint32_t rules, const json_t *value, enum colour colour)
{
    AUTO(freep) char *text = value ? json_text(value) : xstrdup("nothing");
    printf("  %s%s, by rules %u:%s ", paint(stdout, colour), when, (unsigned)rules,
           paint(stdout, PLAIN));
    print_clean(stdout, slice_of(text));
    putchar('\n');
}

static void print_difference(const char *id, const struct difference *difference,
                             const char *same_store)
{
    const json_t *decision = difference->then ? difference->then : difference->now;
    printf("%s%s: record %llu (%s), decision %zu (%s%s%s) differs%s%s%s\n", paint(stdout, RED), id,
           (unsigned long long)difference->seq, difference->event, difference->decision,
           text_of(decision, "kind"), difference->path ? " of " : "",
           difference->path ? difference->path : "", *difference->pointer ? " at " : "",
           difference->pointer, paint(stdout, PLAIN));
    print_side("then", difference->rules, difference->then_value, RED);
    print_side("now", RULES_VERSION, difference->now_value, GREEN);
    if (difference->others)
        printf("  and %zu more place%s in it\n", difference->others,
               difference->others == 1 ? "" : "s");
    printf("  what was decided then: seam explain %s%s%s%s\n", id, difference->path ? " " : "",
           difference->path ? difference->path : "", same_store);
}

static json_t *difference_json(const struct difference *difference)
{
    AUTO(text_done) struct text text;
    text_init(&text, ERROR_TEXT_SIZE);
    if (!difference->found)
        return NULL;
    difference_text(difference, &text);
    return json_pack(
        "{s:s, s:I, s:s, s:I, s:s*, s:s, s:I, s:O?, s:O?, s:O?, s:O?}", "text", text_str(&text),
        "record", (json_int_t)difference->seq, "event", difference->event, "decision",
        (json_int_t)difference->decision, "path", difference->path, "pointer", difference->pointer,
        "others", (json_int_t)difference->others, "then", difference->then, "now", difference->now,
        "then_value", difference->then_value, "now_value", difference->now_value);
}

static void print_replay(const struct replay *all, const char *id, const struct replayed *one,
                         const char *error)
{
    AUTO(freep) char *store = same_store(all->args);
    bool same = !error && !one->difference.found;
    if (all->args->json)
        print_json(json_pack("{s:s, s:b, s:I, s:I, s:o*, s:s*}", "run", id, "same", same, "records",
                             (json_int_t)one->records, "decisions", (json_int_t)one->same,
                             "difference", difference_json(&one->difference), "error", error));
    else if (error)
        printf("%s%s: %s%s\n", paint(stdout, RED), id, error, paint(stdout, PLAIN));
    else if (!same)
        print_difference(id, &one->difference, store);
}

static void replay_one(struct replay *all, const char *id)
{
    AUTO(flow_unrefp) struct flow *flow = NULL;
    struct error err;
    struct replayed one = {0};
    enum error_code code = fold_flow(all->reader, all->shelf, id, &flow, &err);
    if (code == ERR_OK)
        code = replay_compare(all->reader, id, flow, &one, &err);
    all->runs++;
    all->same += code == ERR_OK && !one.difference.found;
    all->records += one.records;
    all->decisions += one.same;
    print_replay(all, id, &one, code == ERR_OK ? NULL : err.text);
    replayed_done(&one);
}

int command_replay(const struct args *args)
{
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    struct replay replay = {.args = args, .shelf = shelf};
    struct error err;
    bool all = args_flag(args, "--all");
    if (all == (args->operand_count == 1))
        return complain(EXIT_USAGE, "replay: name one RUN, or give --all");
    enum error_code code = open_reader(args, &reader, NULL, &err);
    replay.reader = reader;
    if (code == ERR_OK && all)
        code = journal_runs(reader, NULL, keep_id, &replay, &err);
    if (code == ERR_OK && !all) {
        struct journal_run known;
        code = journal_find(reader, args->operands[0], &known, &err);
        if (code == ERR_OK)
            keep_id(&replay, &known);
    }
    for (size_t i = 0; i < replay.id_count; i++) {
        if (code == ERR_OK)
            replay_one(&replay, replay.ids[i]);
        free(replay.ids[i]);
    }
    free(replay.ids);
    if (code != ERR_OK)
        return report_error(args, &err);
    if (!args->json)
        printf("%zu of %zu runs replayed the same: %zu records, %zu decisions\n", replay.same,
               replay.runs, replay.records, replay.decisions);
    return replay.same == replay.runs ? EXIT_DONE : EXIT_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam replay: the journal's decisions, decided again.
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

static void replay_one(struct replay *replay, const char *id)
{
    AUTO(flow_unrefp) struct flow *flow = NULL;
    struct error err;
    size_t records = 0, decisions = 0;
    enum error_code code = fold_flow(replay->reader, replay->shelf, id, &flow, &err);
    if (code == ERR_OK)
        code = replay_run(replay->reader, id, flow, &records, &decisions, &err);
    replay->runs++;
    replay->same += code == ERR_OK;
    replay->records += records;
    replay->decisions += decisions;
    if (replay->args->json)
        print_json(json_pack("{s:s, s:b, s:i, s:i, s:s*}", "run", id, "same", code == ERR_OK,
                             "records", (int)records, "decisions", (int)decisions, "difference",
                             code == ERR_OK ? NULL : err.text));
    else if (code != ERR_OK)
        printf("%s%s: %s%s\n", paint(stdout, RED), id, err.text, paint(stdout, PLAIN));
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

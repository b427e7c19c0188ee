/* SPDX-License-Identifier: Apache-2.0
 *
 * May the plugins change under a run that is under way? They may where each agent that its flow
 * names is still there, and its card is the same or proven to take the old one's place. Nobody can
 * take the blame here, as they can when a run is resumed: the answer is to let the run end first.
 */
#include "runtime/host_internal.h"

#include "loader/succession.h"

#include <string.h>

static struct slice alias_of(const char *agent)
{
    return (struct slice){agent, (size_t)(strchr(agent, '/') - agent)};
}

/* The card that the agent of a run under way is called by. */
static enum error_code card_of_agent(struct host *host, const struct run *run,
                                     const struct agent *agent, struct card **ret_kept,
                                     const struct card **ret_card, struct error *reterr)
{
    AUTO(json_decrefp) json_t *pins = NULL;
    const struct roster_plugin *plugin = roster_named(host->options.roster, alias_of(agent->name));
    if (plugin && plugin->card && digest_equal(&plugin->card->digest, &agent->card)) {
        *ret_card = plugin->card;
        return ERR_OK;
    }
    struct journal_reader *reader = journal_own_reader(host->journal);
    enum error_code code = pinned_read(reader, run_id(run), &pins, reterr);
    if (code == ERR_OK)
        code = pinned_card(reader, json_object_get(json_object_get(pins, "agents"), agent->name),
                           ret_kept, reterr);
    *ret_card = *ret_kept;
    return code;
}

/* A task that has still to call it. */
static const char *step_that_calls(const struct run *run, const struct agent *agent)
{
    for (uint32_t i = 0; i < run_task_count(run); i++)
        if (!run_task_final(run, i) && run_task_agent(run, i, false) == agent)
            return run_task_path(run, i);
    return "that is still to come";
}

static const char cure[] = "nothing has changed (cure: wait until it ends, or seam cancel it)";

static enum error_code judge_fit(const struct run *run, const struct agent *agent,
                                 const struct card *was, const struct card *is,
                                 struct error *reterr)
{
    struct succession succession;
    enum error_code code = ERR_OK;
    succession_judge_agent(was, strchr(agent->name, '/') + 1, is, NULL, &succession);
    if (succession.verdict != PROVEN) {
        const struct succession_check *check = pinned_obstacle(&succession);
        AUTO(text_done) struct text witness;
        text_init(&witness, SIZE_MAX / 2);
        if (check && check->witness)
            json_write(check->witness, &witness);
        code = error_set(reterr, ERR_CONFLICT,
                         "run %s, step %s: the new card of %s %s take the place of the old one: "
                         "%s: %s%s%.200s; %s",
                         run_id(run), step_that_calls(run, agent), agent->name,
                         succession.verdict == REFUTED ? "cannot" : "is not proven to",
                         check ? check->aspect : "", check ? check->reason : "",
                         witness.len ? "; witness: " : "", text_str(&witness), cure);
    }
    succession_done(&succession);
    return code;
}

enum error_code pinned_fits(struct host *host, const struct run *run, const struct roster *roster,
                            struct error *reterr)
{
    const struct flow *flow = run_flow(run);
    for (size_t i = 0; i < flow->agent_count; i++) {
        const struct agent *agent = flow->agents[i];
        const struct agent *is = catalog_find(&roster->catalog, slice_of(agent->name));
        AUTO(card_freep) struct card *kept = NULL;
        const struct card *was = NULL;
        if (!is)
            return error_set(reterr, ERR_CONFLICT, "run %s, step %s: %s agent %s; %s", run_id(run),
                             step_that_calls(run, agent),
                             catalog_leaves_out(&roster->catalog, slice_of(agent->name))
                                 ? "it is not what was approved and so left out,"
                                 : "the new manifest has no",
                             agent->name, cure);
        if (digest_equal(&agent->card, &is->card))
            continue;
        enum error_code code = card_of_agent(host, run, agent, &kept, &was, reterr);
        if (code == ERR_OK)
            code = judge_fit(run, agent, was, roster_named(roster, alias_of(agent->name))->card,
                             reterr);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

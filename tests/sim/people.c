/* SPDX-License-Identifier: Apache-2.0
 *
 * People. They look at the other side and say what they see; but also too early, to a question that
 * was put before, nonsense, no, or nothing. They never lie, and where nobody knows how late an
 * effect can be, they do not say "never" before it is true.
 */
#include "sim.h"

#include <string.h>

void people_asked(struct sim *sim, uint32_t task)
{
    int64_t think =
        sim_chance(sim, 500) ? (int64_t)sim_below(sim, 3000) : (int64_t)sim_below(sim, 9000000);
    if (sim_chance(sim, 850))
        sim_later(sim, think, ITEM_PERSON, NULL, task);
}

static const struct entry *entry_asked_about(struct sim *sim, const struct question_view *question)
{
    const json_t *effect = json_object_get(question->shown, "effect");
    const char *key = json_string_value(json_object_get(effect, "key"));
    const struct agent *agent = run_task_agent(sim->run, question->task, false);
    if (!key)
        violate(sim, "a question about nothing");
    return world_entry(sim, key, personality_of(agent));
}

/* NULL: better not to say anything now. */
static json_t *say_what_happened(struct sim *sim, const struct question_view *question)
{
    const struct entry *entry = entry_asked_about(sim, question);
    if (entry->commits > 0 && sim_chance(sim, 300))
        return json_pack("{s:s}", "outcome", "happened");
    if (entry->commits > 0)
        return json_pack("{s:s, s:{s:i}}", "outcome", "happened", "result", "n", 600);
    if (entry->pending > 0 && (entry->who->settle_ms < 0 || sim_chance(sim, 300)))
        return NULL;
    return json_pack("{s:s}", "outcome", "never");
}

static json_t *say(struct sim *sim, const struct question_view *question)
{
    uint64_t mood = sim_below(sim, 10);
    switch (question->kind) {
    case QUESTION_DOUBT:
        return say_what_happened(sim, question);
    case QUESTION_OUTPUT:
        if (mood < 5 && json_array_size(json_object_get(question->shown, "accepts")) > 1)
            return json_pack("{s:b}", "approve", 1);
        return json_pack("{s:{s:i}}", "output", "n", 500);
    case QUESTION_FAILURE:
        if (mood < 4)
            return json_pack("{s:b}", "retry", 1);
        return mood < 7 ? json_pack("{s:{s:i}}", "output", "n", 700)
                        : json_pack("{s:b}", "skip", 1);
    case QUESTION_INPUT:
        return json_string("this one");
    case QUESTION_CHANGE:
        return json_pack("{s:b}", "approve", 1);
    }
    return NULL;
}

/* What was said is of the time it was said, however long it is on its way. */
static void answer(struct sim *sim, const struct question_view *question, bool well)
{
    struct event event = {.kind = EVENT_ANSWERED,
                          .task = question->task,
                          .revision = question->revision,
                          .said_ms = sim->now};
    uint64_t mood = well ? 9 : sim_below(sim, 10);
    if (mood == 0) {
        event.revision--;
        event.body = json_pack("{s:s}", "outcome", "never");
    } else if (mood == 1) {
        event.body = json_pack("{s:s}", "outcome", "perhaps");
    } else if (mood == 2) {
        event.deny = true;
    } else {
        event.body = say(sim, question);
    }
    if (event.body || event.deny) {
        struct event *letter = xmalloc(sizeof(*letter));
        *letter = event;
        int64_t way = sim_chance(sim, 700) ? 0 : (int64_t)sim_below(sim, 3000);
        sim_later(sim, well ? 0 : way, ITEM_LETTER, letter, 0);
    } else {
        sim_later(sim, 1 + (int64_t)sim_below(sim, 5000), ITEM_PERSON, NULL, question->task);
    }
}

void people_letter(struct sim *sim, struct event *event)
{
    struct question_view still;
    uint32_t task = event->task;
    if (task >= run_task_count(sim->run))
        return;
    host_happen(sim, event, NULL);
    if (!sim->dead && run_question(sim->run, task, &still))
        sim_later(sim, 1 + (int64_t)sim_below(sim, 60000), ITEM_PERSON, NULL, task);
}

void people_item(struct sim *sim, const struct item *item)
{
    struct question_view question;
    uint32_t task = (uint32_t)item->number;
    if (sim->dead)
        sim_later(sim, 5000, ITEM_PERSON, NULL, item->number);
    else if (task < run_task_count(sim->run) && run_question(sim->run, task, &question))
        answer(sim, &question, false);
}

bool people_help(struct sim *sim)
{
    struct question_view question;
    for (uint32_t i = 0; i < run_task_count(sim->run); i++)
        if (run_question(sim->run, i, &question)) {
            answer(sim, &question, true);
            return true;
        }
    return false;
}

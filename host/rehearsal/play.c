/* SPDX-License-Identifier: Apache-2.0
 *
 * One case, once: a host is opened with the cast behind it, the run begins or is taken up, and
 * turns follow each other until it is over, or waits for people of whom none will answer, or
 * nothing is left that could happen. What came of it is kept in the moment that the host tells of
 * it.
 */
#include "rehearsal/rehearsal_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TAKEOVER_MS = 5000, TURNS_MAX = 20000000 };
static const char RUN[] = "test";

/* ---- what came of it ---- */

static void describe_questions(const struct run *run, json_t *result)
{
    json_t *asks = json_object();
    struct question_view question;
    for (uint32_t i = 0; i < run_task_count(run); i++)
        if (run_question(run, i, &question))
            json_object_set(asks, run_task_path(run, i),
                            json_object_get(question.shown, "question"));
    json_object_set_new(result, "asks", asks);
}

/* Tasks by their paths, steps by their names: the step's own task says the same as the step. */
static void describe_steps(const json_t *picture, json_t *result)
{
    size_t i;
    json_t *part, *steps = json_object();
    json_array_foreach (json_object_get(picture, "tasks"), i, part) {
        const char *path = json_string_value(json_object_get(part, "path"));
        json_t *step = json_pack("{s:O, s:O}", "status", json_object_get(part, "status"),
                                 "attempts", json_object_get(part, "attempts"));
        json_object_set(step, "input", json_object_get(part, "input"));
        json_object_set(step, "output", json_object_get(part, "output"));
        json_object_set_new(steps, path, step);
    }
    json_array_foreach (json_object_get(picture, "steps"), i, part) {
        const char *name = json_string_value(json_object_get(part, "name"));
        json_t *step = json_object_get(steps, name);
        if (!step) {
            step = json_object();
            json_object_set_new(steps, name, step);
        }
        json_object_set(step, "status", json_object_get(part, "status"));
    }
    json_object_set_new(result, "steps", steps);
}

static void describe_world(const struct world *world, json_t *result)
{
    json_t *effects = json_object();
    for (size_t i = 0; i < world->count; i++) {
        AUTO(freep) char *name = xasprintf("%s.%s", world->acts[i].path, world->acts[i].name);
        json_int_t before = json_integer_value(json_object_get(effects, name));
        json_object_set_new(effects, name, json_integer(before + (json_int_t)world->acts[i].times));
    }
    json_object_set_new(result, "effects", effects);
}

/* ---- the laws ---- */

static void wrong(json_t *list, const char *format, ...) PRINTF_LIKE(2, 3);
static void wrong(json_t *list, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_array_append_new(list, json_string(text));
}

static void check_twice(const struct world *world, json_t *list)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].times > 1)
            wrong(list, "effect %s of %s happened %u times", world->acts[i].name,
                  world->acts[i].path, world->acts[i].times);
}

/* What the run believes of an effect, against what happened. */
static void check_effect(const struct world *world, const char *path, bool final,
                         const struct effect_view *effect, json_t *list)
{
    const struct act *act = world_find(world, effect->key);
    bool happened = act && act->times > 0;
    if (effect->outcome == OUTCOME_DONE && !happened)
        wrong(list,
              "effect %s of %s is lost: the run believes that it is done, and it never "
              "happened",
              effect->name, path);
    if (effect->outcome == OUTCOME_NONE && happened)
        wrong(list, "effect %s of %s is lost: it happened, and the run believes that it did not",
              effect->name, path);
    if (final && (effect->outcome == OUTCOME_OPEN || effect->outcome == OUTCOME_UNKNOWN))
        wrong(list, "effect %s of %s is in doubt, and the run is over", effect->name, path);
}

static void check_laws(const struct stage *stage, const struct run *run, json_t *result)
{
    json_t *list = json_array();
    bool final = run_status_is_final(run_status(run));
    /* a person of the fixtures may say what is not so: that is the author's affair */
    if (stage->rehearsal->truthful || !stage->letters)
        check_twice(&stage->world, list);
    for (uint32_t i = 0; stage->rehearsal->truthful && i < run_task_count(run); i++)
        for (size_t k = 0; k < run_task_effects(run, i); k++) {
            struct effect_view effect = run_task_effect(run, i, k);
            check_effect(&stage->world, run_task_path(run, i), final, &effect, list);
        }
    json_object_set_new(result, "wrong", list);
}

static void capture(struct stage *stage, const struct run *run)
{
    json_t *picture = run_describe(run), *result = json_object();
    json_object_set_new(result, "status", json_string(run_status_word(run_status(run))));
    if (run_status(run) == RUN_DONE)
        json_object_set_new(result, "output",
                            run_output(run) ? json_incref((json_t *)run_output(run)) : json_null());
    if (run_error(run))
        json_object_set(result, "error", (json_t *)run_error(run));
    json_object_set(result, "spent", json_object_get(picture, "spent"));
    json_object_set_new(result, "took_ms", json_integer(run_time(run) - stage->began_ms));
    describe_questions(run, result);
    describe_steps(picture, result);
    describe_world(&stage->world, result);
    check_laws(stage, run, result);
    json_decref(picture);
    json_decref(stage->result);
    stage->result = result;
}

/* ---- what the host tells ---- */

static void hear_questions(void *user)
{
    struct stage *stage = user;
    const struct run *run = stand_in_run(stage->host, RUN);
    if (run && !run_status_is_final(run_status(run)))
        people_asked(stage, run);
}

static void record(void *user, const struct run *run, const struct event *event,
                   const struct decisions *decisions)
{
    struct stage *stage = user;
    const struct rehearsal *rehearsal = stage->rehearsal;
    bool of_task = event->kind != EVENT_STARTED && event->kind != EVENT_TAKEN_OVER &&
                   event->kind != EVENT_CANCEL_ASKED && event->kind != EVENT_TIME_SPENT &&
                   event->task < run_task_count(run);
    bool asked = false;
    stage->settled = false;
    if (stage->began_ms < 0)
        stage->began_ms = event->at_ms;
    for (size_t i = 0; i < decisions->count; i++) {
        const char *rule = decisions->list[i].rule;
        json_int_t times = json_integer_value(json_object_get(stage->rules, rule));
        json_object_set_new(stage->rules, rule, json_integer(times + 1));
        asked |= decisions->list[i].kind == DECISION_ASK;
    }
    if (asked)
        stand_in_after(stage->host, 0, hear_questions, stage);
    if (rehearsal->record)
        rehearsal->record(rehearsal->user, run, event, decisions);
    if (!rehearsal->edge)
        return;
    const char *path = of_task ? run_task_path(run, event->task) : "";
    edge(stage, "record %llu (%s%s%s) is made, and not on disk", (unsigned long long)run_seq(run),
         event_kind_word(event->kind), *path ? " " : "", path);
    edge_on_disk(stage, RUN, "record %llu (%s%s%s) is on disk", (unsigned long long)run_seq(run),
                 event_kind_word(event->kind), *path ? " " : "", path);
}

static void settled(void *user, const struct run *run)
{
    struct stage *stage = user;
    stage->settled = true;
    capture(stage, run);
    if (run_status_is_final(run_status(run)) || !people_asked(stage, run))
        stage->stop = true;
}

static void logged(void *user, const char *who, uint32_t level, struct slice text)
{
    const struct rehearsal *rehearsal = ((struct stage *)user)->rehearsal;
    if (rehearsal->log)
        rehearsal->log(rehearsal->user, who, level, text);
}

/* ---- playing ---- */

static void cancel(void *user)
{
    struct stage *stage = user;
    json_t *message = inbox_cancel("fixture");
    host_deliver(stage->host, RUN, message, stand_in_now(stage->host));
    json_decref(message);
}

/* The time to begin at: of a killed one, a little after it was killed. */
static enum error_code find_time(const struct rehearsal *rehearsal, int64_t *ret_ms,
                                 struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    struct journal_run known;
    *ret_ms = rehearsal->c->started_ms;
    if (!rehearsal->resumed)
        return ERR_OK;
    enum error_code code = journal_reader_open(rehearsal->store, &reader, reterr);
    if (code == ERR_NOT_FOUND)
        return ERR_OK; /* it was killed before there was a journal */
    if (code == ERR_OK)
        code = journal_find(reader, RUN, &known, reterr);
    if (code == ERR_OK)
        *ret_ms = known.updated_ms + TAKEOVER_MS;
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum error_code open_host(struct stage *stage, struct error *reterr)
{
    const struct rehearsal *rehearsal = stage->rehearsal;
    stage->stand_ins = cast;
    stage->stand_ins.user = stage;
    stage->stand_ins.seed = stage->c->seed + rehearsal->weather;
    enum error_code code = find_time(rehearsal, &stage->stand_ins.started_ms, reterr);
    struct host_options options = {
        .roster = rehearsal->roster,
        .store = rehearsal->store,
        .in_memory = rehearsal->store == NULL,
        .progress = record,
        .settled = settled,
        .log = logged,
        .user = stage,
        .stand_ins = &stage->stand_ins,
    };
    return code == ERR_OK ? host_open(&options, &stage->host, reterr) : code;
}

/* Why nothing happens any more: calls that have no end to wait for. */
static json_t *hanging(const struct stage *stage)
{
    json_t *list = json_array();
    for (const struct call *call = stage->calls; call; call = call->next)
        if (!call->ended && call->reply)
            json_array_append_new(
                list,
                json_sprintf("the call of %s for %s, attempt %u, hangs, and nothing limits its "
                             "time: give it a `timeout`, or its plugin `limits.call`",
                             call->agent->name, call->path, call->attempt));
    return list;
}

static enum error_code play(struct stage *stage, struct error *reterr)
{
    const struct rehearsal *rehearsal = stage->rehearsal;
    size_t turns = 0;
    enum error_code code = host_submit(stage->host, rehearsal->flow, RUN, stage->c->input, reterr);
    if (code != ERR_OK)
        return code;
    if (stage->c->cancel_ms >= 0)
        stand_in_after(stage->host, stage->c->cancel_ms, cancel, stage);
    bool moved = true;
    while (!stage->stop && moved && turns++ < TURNS_MAX)
        moved = host_turn(stage->host);
    /* what was answered without an end to the waiting is not told again */
    const struct run *run = stand_in_run(stage->host, RUN);
    bool told = stage->stop || stage->settled || !run;
    const char *ending = json_array_size(stage->missing) > 0                  ? "stopped"
                         : !told && (moved || run_status(run) != RUN_WAITING) ? "stuck"
                                                                              : NULL;
    if (run && (!told || ending))
        capture(stage, run);
    if (ending && stage->result) {
        json_object_set_new(stage->result, "status", json_string(ending));
        json_object_set_new(stage->result, "hanging", hanging(stage));
    }
    return ERR_OK;
}

static void finish(struct stage *stage, json_t **ret_result)
{
    json_t *result = stage->result ? json_incref(stage->result) : json_object();
    json_object_set(result, "rules", stage->rules);
    json_object_set(result, "missing", stage->missing);
    json_object_set(result, "refused", stage->refused);
    *ret_result = result;
}

enum error_code rehearse(const struct rehearsal *rehearsal, json_t **ret_result,
                         struct error *reterr)
{
    struct stage stage = {
        .rehearsal = rehearsal,
        .c = rehearsal->c,
        .began_ms = -1,
        .missing = json_array(),
        .refused = json_array(),
        .rules = json_object(),
        .spoken = json_object(),
    };
    weather_open(&stage);
    enum error_code code = world_open(&stage.world, rehearsal->world, reterr);
    if (code == ERR_OK)
        code = open_host(&stage, reterr);
    if (code == ERR_OK)
        code = play(&stage, reterr);
    if (code == ERR_OK)
        finish(&stage, ret_result);
    if (stage.host) {
        enum error_code closed = host_close(stage.host, code == ERR_OK ? reterr : NULL);
        if (code == ERR_OK && closed != ERR_OK) {
            json_decref(*ret_result);
            code = closed;
        }
    }
    calls_free(&stage);
    people_free(&stage);
    world_done(&stage.world);
    json_decref(stage.result);
    json_decref(stage.missing);
    json_decref(stage.refused);
    json_decref(stage.rules);
    json_decref(stage.spoken);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam calibrate: what agents said of their confidence, against what came of their answers. Every
 * run is folded once; an answer is followed from its verdict to its end. Right is what was accepted
 * in a run that is done, and what a person approved as it was; wrong is what a contract or an
 * assert refused, and what a person changed or denied. Of all others nobody knows, and they are
 * counted apart: a run may fail for reasons that have nothing to do with an answer of its
 * beginning.
 */
#include "cli/cli_internal.h"

#include "base/units.h"
#include "cli/calibrate_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- one run ---- */

/* An answer under way to its fate. */
struct sample {
    uint32_t task;
    const char *agent; /* lives with the run's flow */
    double confidence;
    json_t *output; /* of one that a person may be asked about */
    enum fate fate;
};

struct following {
    struct calibrating *all;
    struct sample *list;
    size_t count, room;
    uint32_t *latest; /* of each task: 1 + its last sample; 0 = none */
    size_t tasks;
    enum run_status status;
};

static struct sample *sample_of(const struct following *f, uint32_t task)
{
    return task < f->tasks && f->latest[task] ? &f->list[f->latest[task] - 1] : NULL;
}

static void settle(struct following *f, uint32_t task, enum fate fate)
{
    struct sample *sample = sample_of(f, task);
    if (!sample || sample->fate != FATE_OPEN)
        return;
    sample->fate = fate;
    json_decref(sample->output);
    sample->output = NULL;
}

static void remember(struct following *f, uint32_t task)
{
    if (task >= f->tasks) {
        size_t tasks = 2 * ((size_t)task + 1);
        f->latest = xrealloc(f->latest, tasks * sizeof(*f->latest));
        memset(f->latest + f->tasks, 0, (tasks - f->tasks) * sizeof(*f->latest));
        f->tasks = tasks;
    }
    f->latest[task] = (uint32_t)f->count;
}

static void judged(struct following *f, const struct run *run, const struct event *event,
                   const struct decision *decision)
{
    json_t *output = decision->output ? decision->output : event->body;
    const struct agent *agent = run_task_agent(run, decision->task, false);
    double confidence;
    settle(f, decision->task, FATE_AGAIN);
    if (event->kind != EVENT_ENDED || event->end != END_OK || event->at_ms < f->all->since_ms ||
        (f->all->agent && strcmp(f->all->agent, agent->name) != 0))
        return;
    if (!run_confidence(run, decision->task, output, &confidence))
        return;
    if (f->count == f->room) {
        f->room = f->room ? 2 * f->room : 16;
        f->list = xrealloc(f->list, f->room * sizeof(*f->list));
    }
    f->list[f->count++] = (struct sample){.task = decision->task,
                                          .agent = agent->name,
                                          .confidence = confidence,
                                          .output = json_incref(output),
                                          .fate = FATE_OPEN};
    remember(f, decision->task);
    if (!decision->accepted && decision->cause != CAUSE_CONFIDENCE)
        settle(f, decision->task, FATE_REFUSED);
}

static void accepted(struct following *f, const struct event *event,
                     const struct decision *decision)
{
    const struct sample *sample = sample_of(f, decision->task);
    const json_t *given = decision->output;
    if (event->kind == EVENT_ANSWERED && !event->deny)
        settle(f, decision->task,
               !given || (sample && sample->output && json_equal(given, sample->output))
                   ? FATE_APPROVED
                   : FATE_CHANGED);
    else if (event->kind == EVENT_EXPIRED)
        settle(f, decision->task, FATE_SILENCE);
    else
        settle(f, decision->task, FATE_ACCEPTED);
}

static void follow(void *user, uint64_t seq, const struct record *record, size_t index,
                   const struct run *run)
{
    struct following *f = user;
    const struct event *event = &record->event;
    const struct decision *decision = &record->decisions.list[index];
    (void)seq;
    if (event->kind == EVENT_ANSWERED && event->deny && index == 0 &&
        decision->kind != DECISION_REFUSE_ANSWER)
        settle(f, event->task, FATE_DENIED);
    if (decision->kind == DECISION_JUDGE) {
        judged(f, run, event, decision);
    } else if (decision->kind == DECISION_ACCEPT) {
        accepted(f, event, decision);
    } else if (decision->kind == DECISION_RETRY) {
        settle(f, decision->task, event->kind == EVENT_ANSWERED ? FATE_DENIED : FATE_AGAIN);
    } else if (decision->kind == DECISION_FAIL || decision->kind == DECISION_FALL_BACK ||
               decision->kind == DECISION_ABANDON) {
        settle(f, decision->task,
               event->kind == EVENT_ANSWERED  ? FATE_DENIED
               : event->kind == EVENT_EXPIRED ? FATE_SILENCE
                                              : FATE_FAILED);
    } else if (decision->kind == DECISION_UNDO) {
        struct sample *sample = sample_of(f, decision->task);
        if (sample && sample->fate == FATE_ACCEPTED)
            sample->fate = FATE_UNDONE;
    }
}

static bool keep_status(void *user, uint64_t seq, struct record *record, struct run *run)
{
    struct following *f = user;
    (void)seq;
    (void)record;
    f->status = run_status(run);
    return true;
}

/* What was accepted is right if the run came to a good end. */
static enum fate final_fate(const struct following *f, enum fate fate)
{
    bool final = run_status_is_final(f->status);
    if (fate == FATE_ACCEPTED && f->status != RUN_DONE)
        return final ? FATE_FAILED : FATE_OPEN;
    return fate;
}

static enum error_code follow_run(struct calibrating *all, const char *id, struct error *reterr)
{
    AUTO(flow_unrefp) struct flow *flow = NULL;
    struct following f = {.all = all};
    enum error_code code = fold_flow(all->reader, all->shelf, id, &flow, reterr);
    if (code == ERR_OK)
        code = fold_decisions(all->reader, id, flow, follow, keep_status, &f, NULL, reterr);
    for (size_t i = 0; i < f.count; i++) {
        if (code == ERR_OK)
            calibrating_count(all, f.list[i].agent, f.list[i].confidence,
                              final_fate(&f, f.list[i].fate));
        json_decref(f.list[i].output);
    }
    free(f.list);
    free(f.latest);
    return code;
}

/* ---- all of them ---- */

static void gather(void *user, const struct journal_run *run)
{
    struct calibrating *all = user;
    if (run->updated_ms < all->since_ms)
        return;
    all->ids = xrealloc(all->ids, (all->id_count + 1) * sizeof(*all->ids));
    all->ids[all->id_count++] = xstrdup(run->id);
}

static enum error_code follow_all(struct calibrating *all, const struct args *args,
                                  struct error *reterr)
{
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    enum error_code code = open_reader(args, &reader, NULL, reterr);
    if (code == ERR_OK)
        code = journal_runs(reader, NULL, gather, all, reterr);
    all->reader = reader;
    all->shelf = shelf;
    for (size_t i = 0; i < all->id_count; i++) {
        /* one that cannot be read, of a version without its flow, is told and left out */
        if (code == ERR_OK && follow_run(all, all->ids[i], reterr) != ERR_OK) {
            all->unread++;
            complain(0, "left out: %s", reterr->text);
        }
        free(all->ids[i]);
    }
    free(all->ids);
    return code;
}

/* "7d": so long ago; or a day, or a day and a time, as they are here. */
static bool read_since(const char *text, int64_t *ret_ms)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};
    int64_t ago;
    struct timespec now;
    if (duration_parse(slice_of(text), &ago)) {
        clock_gettime(CLOCK_REALTIME, &now);
        *ret_ms = (int64_t)now.tv_sec * 1000 - ago;
        return true;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm when = {.tm_isdst = -1};
        const char *end = strptime(text, forms[i], &when);
        if (end && !*end) {
            *ret_ms = (int64_t)mktime(&when) * 1000;
            return true;
        }
    }
    return false;
}

static bool read_target(const char *text, double *ret_target)
{
    char *end = NULL;
    *ret_target = strtod(text, &end);
    return *text && !*end && *ret_target > 0 && *ret_target < 1;
}

int command_calibrate(const struct args *args)
{
    struct error err;
    struct calibrating all = {.agent = args_option(args, "--agent"), .target = 0.05};
    const char *since = args_option(args, "--since"), *target = args_option(args, "--target");
    if (since && !read_since(since, &all.since_ms))
        return complain(EXIT_USAGE,
                        "calibrate: --since %s: expected how long ago (7d, 12h) or a day "
                        "(2026-11-01, 2026-11-01T08:00)",
                        since);
    if (target && !read_target(target, &all.target))
        return complain(EXIT_USAGE,
                        "calibrate: --target %s: expected the error rate that you want, between 0 "
                        "and 1, as 0.05",
                        target);
    enum error_code code = follow_all(&all, args, &err);
    if (code == ERR_OK)
        calibrating_tell(&all, args);
    calibrating_done(&all);
    return code == ERR_OK ? EXIT_DONE : report_error(args, &err);
}

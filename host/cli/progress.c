/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress: on a terminal a line for each thing that matters, as it happens; elsewhere nothing,
 * unless something went wrong in a plugin.
 */
#include "cli/cli_internal.h"

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct progress {
    bool live, loud;
};

struct progress *progress_new(bool json, bool quiet)
{
    struct progress *progress = xcalloc(1, sizeof(*progress));
    progress->live = !json && !quiet && isatty(STDERR_FILENO);
    progress->loud = !quiet;
    return progress;
}

void progress_free(struct progress *progress)
{
    free(progress);
}

static enum colour colour_of(enum decision_kind kind)
{
    switch (kind) {
    case DECISION_ACCEPT:
    case DECISION_END:
        return GREEN;
    case DECISION_FAIL:
    case DECISION_UNWIND:
        return RED;
    case DECISION_RETRY:
    case DECISION_RECONCILE:
    case DECISION_RESOLVE:
    case DECISION_ASK:
    case DECISION_FALL_BACK:
    case DECISION_UNDO:
        return YELLOW;
    case DECISION_ADMIT:
    case DECISION_SKIP:
    case DECISION_START:
    case DECISION_JUDGE:
    case DECISION_ABANDON:
    case DECISION_STOP:
    case DECISION_REFUSE_ANSWER:
    case DECISION_EFFECT:
    case DECISION_RESERVE:
        break;
    }
    return DIM;
}

static bool worth_a_line(enum decision_kind kind)
{
    return kind != DECISION_ADMIT && kind != DECISION_JUDGE && kind != DECISION_EFFECT &&
           kind != DECISION_RESERVE;
}

static const char *place(const struct run *run, const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_SKIP:
        return run_flow(run)->steps[decision->step].name;
    case DECISION_UNWIND:
    case DECISION_END:
        return "(run)";
    case DECISION_ADMIT:
    case DECISION_START:
    case DECISION_JUDGE:
    case DECISION_RETRY:
    case DECISION_ACCEPT:
    case DECISION_FAIL:
    case DECISION_FALL_BACK:
    case DECISION_ABANDON:
    case DECISION_STOP:
    case DECISION_ASK:
    case DECISION_REFUSE_ANSWER:
    case DECISION_RECONCILE:
    case DECISION_RESOLVE:
    case DECISION_EFFECT:
    case DECISION_RESERVE:
    case DECISION_UNDO:
        break;
    }
    return run_task_path(run, decision->task);
}

void progress_record(void *user, const struct run *run, const struct event *event,
                     const struct decisions *decisions)
{
    struct progress *progress = user;
    (void)event;
    if (!progress->live)
        return;
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->list[i];
        if (!worth_a_line(decision->kind))
            continue;
        fprintf(stderr, "%s%-12s%s %-20s %s", paint(stderr, DIM), run_id(run), paint(stderr, PLAIN),
                place(run, decision), paint(stderr, colour_of(decision->kind)));
        if (decision->kind == DECISION_START)
            fprintf(stderr, "%s, attempt %u", decision->reconciling ? "reconcile" : "start",
                    decision->number);
        else
            fprintf(stderr, "%s: %s", decision_kind_word(decision->kind), decision->rule);
        fprintf(stderr, "%s\n", paint(stderr, PLAIN));
    }
}

void progress_log(void *user, const char *plugin, uint32_t level, struct slice text)
{
    struct progress *progress = user;
    if (!progress->loud || level < SEAM_LOG_WARNING)
        return;
    fprintf(stderr, "%s[%s]%s ", paint(stderr, CYAN), plugin, paint(stderr, PLAIN));
    for (size_t i = 0; i < text.len; i++)
        fputc((unsigned char)text.ptr[i] < 0x20 ? ' ' : text.ptr[i], stderr);
    fputc('\n', stderr);
}

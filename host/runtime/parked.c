/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs that only wait for people, out of memory. Once all that happened to such a run is on disk,
 * and everybody was told who had to be, nothing of it is kept but its row in the journal, which
 * says when it must be looked at. A message, or that moment, brings it back as it was: nothing of
 * it was under way, so nothing is taken over.
 *
 * A run is let go of when a turn of the loop is over, when nobody is in the middle of it.
 */
#include "runtime/across_internal.h"

/* The machine may be suspended, and timers with it: it is looked at as often as this. */
enum { LOOK_MS = 60000 };

/* ---- letting go ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return b >= 0 && (a == 0 || b < a) ? b : a;
}

int64_t park_due(const struct run *run)
{
    int64_t due = 0;
    for (uint32_t i = 0; i < run_task_count(run); i++) {
        due = sooner(due, run_task_due(run, i));
        due = sooner(due, run_task_question_deadline(run, i));
    }
    return sooner(due, run_task_question_deadline(run, RUN_ITSELF));
}

static bool may_park(const struct live_run *live)
{
    /* the journal would be asked for one that is ahead by the host's time */
    return live->settled && live->ahead_ms == 0 && !live->finished &&
           run_status(live->run) == RUN_WAITING && live->calls == 0 && live->transfers == 0 &&
           live->barriers == 0 && live->hooks == 0 &&
           (live->due_ms == 0 || live->due_ms > live_now(live));
}

void park_later(struct live_run *live)
{
    struct host *host = live->host;
    if (live->parking || !may_park(live) || host->options.in_memory || host->options.stand_ins ||
        host->stopping)
        return;
    live->parking = true;
    live->next_parking = host->parking;
    live->back_parking = &host->parking;
    if (live->next_parking)
        live->next_parking->back_parking = &live->next_parking;
    host->parking = live;
}

void park_never(struct live_run *live)
{
    if (!live->parking)
        return;
    live->parking = false;
    *live->back_parking = live->next_parking;
    if (live->next_parking)
        live->next_parking->back_parking = live->back_parking;
}

static void kept(void *user, enum error_code code, const struct error *err)
{
    struct live_run *live = user;
    (void)err; /* the host stops */
    live->barriers--;
    if (code == ERR_OK)
        live->kept_seq = live->asked_seq;
    live_release(live);
}

static void look(struct timer *timer);

static void look_at(struct host *host, int64_t due_ms)
{
    int64_t wait = due_ms - host_now(host);
    if (due_ms == 0 || (host->due_ms != 0 && host->due_ms <= due_ms))
        return;
    host->due_ms = due_ms;
    timer_start(&host->due, look, wait < LOOK_MS ? wait : LOOK_MS);
}

void park_turn(struct host *host)
{
    while (host->parking && !host->stopping) {
        struct live_run *live = host->parking;
        park_never(live);
        if (!may_park(live))
            continue;
        if (live->kept_seq < live->seq) {
            live->asked_seq = live->seq;
            live->barriers++;
            host_barrier(host, false, kept, live);
            continue;
        }
        look_at(host, live->due_ms);
        live_free(live);
    }
}

/* ---- taking back ---- */

void park_take_back(struct live_run *live)
{
    live->settled = true;
    live->host->unsettled--;
    live->kept_seq = live->seq;
    live->due_ms = park_due(live->run);
    for (uint32_t i = 0; i < run_task_count(live->run); i++)
        live_watch(live, i);
    live_watch(live, RUN_ITSELF);
    park_later(live);
}

static void wake(void *user, const char *id)
{
    struct host *host = user;
    struct error err;
    if (run_take_up(host, id, false, &err) != ERR_OK)
        host_log(host, id, SEAM_LOG_ERROR, "its time has come, and it cannot be taken up: %s",
                 err.text);
}

static void look(struct timer *timer)
{
    struct host *host = timer->data;
    struct error err;
    int64_t next_ms = 0;
    host->due_ms = 0;
    if (host->stopping)
        return;
    if (journal_due(host->journal, run_status_word(RUN_WAITING), host_now(host), wake, host,
                    &next_ms, &err) != ERR_OK)
        host_log(host, "journal", SEAM_LOG_ERROR, "who is due cannot be read: %s", err.text);
    look_at(host, next_ms);
}

void park_open(struct host *host)
{
    timer_init(&host->due, host, host);
}

void park_close(struct host *host)
{
    timer_stop(&host->due);
}

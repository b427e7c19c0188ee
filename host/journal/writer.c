/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer thread. It waits until somebody asked for a barrier, the batch is big, or its oldest
 * record has waited long enough; takes the whole batch and every barrier asked so far; commits; and
 * reports. While it commits, the next batch gathers: so the slower the disk, the bigger the group.
 *
 *   gathering → writing → committed → reached    (barriers travel with the batch before them)
 *
 * An owner that has nothing else to do may commit in the writer's stead: two changes of thread cost
 * as much as a fast disk's sync. Whoever has set `committing` has the batch being written and the
 * connection; it is set and cleared under the lock. Checkpoints, which take longer, are the
 * thread's alone.
 *
 * A full disk costs the reserve, once: the same batch is committed again with the space that gives,
 * and from then on no barrier with room_for_outcome is reached until the reserve is whole. Any
 * other failure ends the journal: batches are dropped, barriers get the first error.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

void barriers_init(struct barriers *list)
{
    list->first = NULL;
    list->end = &list->first;
}

void barriers_push(struct barriers *list, struct barrier *barrier)
{
    barrier->next = NULL;
    *list->end = barrier;
    list->end = &barrier->next;
}

void barriers_move(struct barriers *to, struct barriers *from)
{
    if (!from->first)
        return;
    *to->end = from->first;
    to->end = from->end;
    barriers_init(from);
}

int64_t writer_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The lock is held, so that whoever dispatches knows whether there is something to read. */
void journal_announce(struct journal *j)
{
    if (!j->announced)
        (void)eventfd_write(j->event_fd, 1); /* fails only when the counter is full */
    j->announced = true;
}

void journal_fail(struct journal *j, const struct error *failure)
{
    pthread_mutex_lock(&j->lock);
    bool first = !j->dead;
    if (first) {
        j->dead = true;
        j->failure = *failure;
    }
    batch_clear(&j->gathering);
    pthread_cond_signal(&j->to_owner);
    pthread_mutex_unlock(&j->lock);
}

static bool something_to_commit(const struct journal *j)
{
    if (j->held)
        return false;
    bool due = !batch_empty(&j->gathering) &&
               (batch_size(&j->gathering) >= BATCH_WAKE_BYTES ||
                writer_now_ms() - j->gathering_since_ms >= j->batch_delay_ms);
    return j->asked.first || j->stop || due;
}

static bool something_to_do(const struct journal *j)
{
    return !j->committing && (j->checkpoint_due || something_to_commit(j));
}

/* After some work it wakes by itself once more, so that the owner, who appends and then asks for a
 * barrier, has to wake it once and not twice. */
static void wait_for_work(struct journal *j)
{
    int64_t until_ms = writer_now_ms() + j->batch_delay_ms;
    while (!something_to_do(j)) {
        if (!batch_empty(&j->gathering) && !j->held)
            until_ms = j->gathering_since_ms + j->batch_delay_ms;
        struct timespec until = {.tv_sec = until_ms / 1000,
                                 .tv_nsec = (long)(until_ms % 1000) * 1000000};
        if (until_ms > writer_now_ms()) {
            pthread_cond_timedwait(&j->to_writer, &j->lock, &until);
            continue;
        }
        j->asleep = true;
        pthread_cond_wait(&j->to_writer, &j->lock);
        j->asleep = false;
    }
}

/* Commits what was taken; a full disk is met with the reserve. */
static enum error_code write_batch(struct journal *j, struct error *reterr)
{
    if (batch_empty(&j->writing))
        return ERR_OK;
    struct error again;
    enum error_code code = commit_batch(&j->committer, &j->writing, reterr);
    if (!code)
        return open_settle(j, reterr);
    if (code != ERR_NO_SPACE || !reserve_release(&j->reserve))
        return code;
    code = commit_batch(&j->committer, &j->writing, &again);
    if (!code)
        return open_settle(j, reterr);
    if (code != ERR_NO_SPACE && reterr)
        *reterr = again;
    return code;
}

static void settle(struct barrier *barrier, enum error_code code, const struct error *err)
{
    barrier->code = code;
    if (!code)
        return;
    barrier->err = xmalloc(sizeof(*barrier->err));
    *barrier->err = *err;
}

static void settle_all(struct journal *j, struct barriers *taken, const struct error *failure)
{
    struct error no_room;
    enum error_code room = ERR_OK;
    for (struct barrier *b = taken->first; b && !failure; b = b->next)
        if (b->room_for_outcome && !room)
            room = reserve_fill(&j->reserve, &no_room);
    for (struct barrier *b = taken->first; b; b = b->next) {
        if (failure)
            settle(b, failure->code, failure);
        else
            settle(b, b->room_for_outcome ? room : ERR_OK, &no_room);
    }
}

static void report(struct journal *j, struct barriers *taken, uint64_t number, bool failed,
                   bool announce)
{
    pthread_mutex_lock(&j->lock);
    if (!failed)
        j->committed_number = number;
    if (taken->first && announce)
        journal_announce(j);
    barriers_move(&j->reached, taken);
    pthread_mutex_unlock(&j->lock);
}

static void die(struct journal *j, struct error *failure)
{
    suspect_leave(j->path, failure);
    journal_fail(j, failure);
    *failure = j->failure; /* the first; nothing changes it any more */
}

static void write_and_report(struct journal *j, struct barriers *taken, uint64_t number, bool dead,
                             bool announce)
{
    struct error failure;
    if (dead) {
        failure = j->failure;
    } else if (write_batch(j, &failure) != ERR_OK) {
        die(j, &failure);
        dead = true;
    }
    settle_all(j, taken, dead ? &failure : NULL);
    report(j, taken, number, dead, announce);
}

void writer_commit(struct journal *j, bool announce)
{
    struct barriers taken;
    barriers_init(&taken);
    struct batch spare = j->writing;
    j->writing = j->gathering;
    j->gathering = spare;
    barriers_move(&taken, &j->asked);
    uint64_t number = j->gathering_number++;
    bool dead = j->dead;
    j->committing = true;
    pthread_cond_signal(&j->to_owner);
    pthread_mutex_unlock(&j->lock);
    write_and_report(j, &taken, number, dead, announce);
    batch_clear(&j->writing);
    pthread_mutex_lock(&j->lock);
    j->committing = false;
    if (commit_wants_checkpoint(&j->committer) && !j->dead)
        j->checkpoint_due = true;
}

static void checkpoint(struct journal *j)
{
    struct error failure;
    j->checkpoint_due = false;
    j->committing = true;
    pthread_mutex_unlock(&j->lock);
    if (commit_checkpoint(&j->committer, &failure) != ERR_OK)
        die(j, &failure);
    pthread_mutex_lock(&j->lock);
    j->committing = false;
}

void *writer_main(void *journal)
{
    struct journal *j = journal;
    pthread_mutex_lock(&j->lock);
    for (bool stop = false; !stop;) {
        wait_for_work(j);
        stop = j->stop;
        if (something_to_commit(j))
            writer_commit(j, true);
        if (j->checkpoint_due)
            checkpoint(j);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

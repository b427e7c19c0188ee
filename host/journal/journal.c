/* SPDX-License-Identifier: Apache-2.0
 *
 * The owner's doors: append, ask for a barrier, hear that it was reached. All of it runs on one
 * thread, the owner's, and none of it waits for the disk but journal_help and journal_drain, whose
 * point it is; append waits only when LIMIT_JOURNAL_WAIT bytes are ahead of the disk, for memory
 * has an end too.
 *
 * A journal in memory has no thread and no file: barriers are reached as they are asked for.
 */
#include "journal/journal_internal.h"

#include "base/limits.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

const char *journal_store_id(const struct journal *journal)
{
    return journal->store_id;
}

uint64_t journal_epoch(const struct journal *journal)
{
    return journal->epoch;
}

int journal_fd(const struct journal *journal)
{
    return journal->event_fd;
}

struct journal_reader *journal_own_reader(struct journal *journal)
{
    return journal->own;
}

/* Texts that are known to be kept; when there are more, they are given to the disk again, which
 * finds them there. */
enum { KEPT_KNOWN_MAX = 1 << 16 };

struct note {
    const char *name;
    struct slice body;
};

struct kept_text {
    struct digest digest;
    struct slice body;
};

/* What goes into a batch: one of them. A value here comes with no record. */
struct addition {
    const struct journal_record *record;
    const struct kept_text *text;
    const struct journal_value *value;
    const struct note *note;
};

/* The lock is held. Returns the batch that has it. */
static uint64_t add_to_batch(struct journal *j, const struct addition *added)
{
    while (!j->dead && !j->held && batch_size(&j->gathering) >= LIMIT_JOURNAL_WAIT)
        pthread_cond_wait(&j->to_owner, &j->lock);
    if (j->dead)
        return j->gathering_number;
    bool first = batch_empty(&j->gathering);
    bool was_small = batch_size(&j->gathering) < BATCH_WAKE_BYTES;
    if (first)
        j->gathering_since_ms = writer_now_ms();
    if (added->record)
        batch_add(&j->gathering, added->record);
    else if (added->value)
        batch_add_value(&j->gathering, added->value);
    else if (added->note)
        batch_add_note(&j->gathering, added->note->name, added->note->body);
    else
        batch_add_text(&j->gathering, &added->text->digest, added->text->body);
    if ((first && j->asleep) || (was_small && batch_size(&j->gathering) >= BATCH_WAKE_BYTES))
        pthread_cond_signal(&j->to_writer);
    return j->gathering_number;
}

void journal_append(struct journal *journal, const struct journal_record *record)
{
    ASSERT(record->run && record->run[0] && record->kind && record->seq > 0);
    ASSERT(!record->claim == !record->claim_owner);
    uint64_t batch = 0;
    if (journal->path) {
        pthread_mutex_lock(&journal->lock);
        batch = add_to_batch(journal, &(struct addition){.record = record});
        pthread_mutex_unlock(&journal->lock);
    }
    if (record->claim)
        claims_add(journal, record, batch);
    if (record->value)
        values_add(journal, record->value, batch);
}

struct digest journal_keep(struct journal *journal, struct slice text)
{
    static char known;
    struct kept_text kept = {digest_of(text), text};
    struct slice key = {(const char *)kept.digest.bytes, DIGEST_SIZE};
    if (journal->kept.count >= KEPT_KNOWN_MAX)
        map_done(&journal->kept);
    if (!journal->path || map_put(&journal->kept, key, &known))
        return kept.digest;
    pthread_mutex_lock(&journal->lock);
    add_to_batch(journal, &(struct addition){.text = &kept});
    pthread_mutex_unlock(&journal->lock);
    return kept.digest;
}

static void cleared(void *user, enum error_code code, const struct error *err)
{
    struct error *kept = user;
    if (err)
        *kept = *err;
    kept->code = code;
}

enum error_code journal_space_clear(struct journal *journal, const char *space,
                                    struct error *reterr)
{
    struct journal_space before;
    struct error failure = {.code = ERR_OK};
    enum error_code code = journal_space(journal, space, &before, reterr);
    if (code)
        return code;
    struct journal_value all = {.space = space, .key = "", .after = {.version = before.version}};
    ASSERT(journal->path);
    pthread_mutex_lock(&journal->lock);
    add_to_batch(journal, &(struct addition){.value = &all});
    pthread_mutex_unlock(&journal->lock);
    journal_sync(journal, false, cleared, &failure);
    journal_drain(journal);
    if (failure.code && reterr)
        *reterr = failure;
    return failure.code;
}

void journal_note(struct journal *journal, const char *name, struct slice body)
{
    struct note note = {name, body};
    if (!journal->path)
        return;
    pthread_mutex_lock(&journal->lock);
    add_to_batch(journal, &(struct addition){.note = &note});
    pthread_mutex_unlock(&journal->lock);
}

void journal_sync(struct journal *journal, bool room_for_outcome, journal_reached reached,
                  void *user)
{
    journal_ask(journal, room_for_outcome, reached, user);
    journal_press(journal);
}

void journal_ask(struct journal *journal, bool room_for_outcome, journal_reached reached,
                 void *user)
{
    struct barrier *barrier = xcalloc(1, sizeof(*barrier));
    *barrier =
        (struct barrier){.reached = reached, .user = user, .room_for_outcome = room_for_outcome};
    journal->outstanding++;
    pthread_mutex_lock(&journal->lock);
    barriers_push(journal->path ? &journal->asked : &journal->reached, barrier);
    journal->pressed = false;
    if (!journal->path)
        journal_announce(journal);
    pthread_mutex_unlock(&journal->lock);
}

void journal_press(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    /* whoever commits looks again when it is done */
    bool tell = journal->asked.first && !journal->pressed && !journal->committing;
    journal->pressed = true;
    pthread_mutex_unlock(&journal->lock);
    if (tell)
        pthread_cond_signal(&journal->to_writer); /* without the lock, which it wants next */
}

void journal_dispatch(struct journal *journal)
{
    struct barriers reached;
    barriers_init(&reached);
    eventfd_t count;
    pthread_mutex_lock(&journal->lock);
    if (journal->announced)
        (void)eventfd_read(journal->event_fd, &count);
    journal->announced = false;
    barriers_move(&reached, &journal->reached);
    pthread_mutex_unlock(&journal->lock);
    while (reached.first) {
        struct barrier *barrier = reached.first;
        reached.first = barrier->next;
        journal->outstanding--;
        barrier->reached(barrier->user, barrier->code, barrier->err);
        free(barrier->err);
        free(barrier);
    }
}

void journal_help(struct journal *journal)
{
    if (!journal->path)
        return;
    pthread_mutex_lock(&journal->lock);
    if (journal->asked.first && !journal->committing && !journal->held) {
        writer_commit(journal, false);
        if (journal->checkpoint_due)
            pthread_cond_signal(&journal->to_writer);
    }
    pthread_mutex_unlock(&journal->lock);
}

static bool something_reached(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    bool reached = journal->reached.first != NULL;
    pthread_mutex_unlock(&journal->lock);
    return reached;
}

void journal_drain(struct journal *journal)
{
    ASSERT(!journal->held);
    while (journal->outstanding > 0) {
        journal_help(journal);
        if (!something_reached(journal)) {
            struct pollfd ready = {.fd = journal->event_fd, .events = POLLIN};
            (void)poll(&ready, 1, -1); /* interrupted: dispatch finds nothing, and it waits again */
        }
        journal_dispatch(journal);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The outside world and its ledger. It does what it is asked, now, later or not at all; it tells,
 * or its answer is lost; and it never forgets what it did. What arrives twice under one key is done
 * once by agents that are idempotent, as long as the key lives, and twice by the others, which is
 * what must never come to pass.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNSETTLED_MS = 20000, /* how late an effect may be whose card knows no settle    */
    GRACE_MS = 30000,     /* how much longer than its ttl the world honours a key    */
};

struct entry *world_entry(struct sim *sim, const char *key, const struct personality *who)
{
    for (size_t i = 0; i < sim->entry_count; i++)
        if (strcmp(sim->entries[i]->key, key) == 0)
            return sim->entries[i];
    if (sim->entry_count == sim->entry_room) {
        sim->entry_room = sim->entry_room ? sim->entry_room * 2 : 16;
        sim->entries = xrealloc(sim->entries, sim->entry_room * sizeof(struct entry *));
    }
    struct entry *entry = xcalloc(1, sizeof(*entry));
    memcpy(entry->key, key, DIGEST_HEX_SIZE);
    entry->who = who;
    sim->entries[sim->entry_count++] = entry;
    return entry;
}

static bool honours_key(const struct sim *sim, const struct entry *entry)
{
    if (entry->who->class != CLASS_WRITE_IDEMPOTENT)
        return false;
    /* no host can help a request that its machine sleeps over */
    return entry->who->key_ttl_ms < 0 ||
           sim->now < entry->first_ms + entry->who->key_ttl_ms + GRACE_MS + sim->paused_ms;
}

static void commit(struct sim *sim, struct entry *entry, unsigned generation)
{
    ASSERT(entry->pending > 0);
    entry->pending--;
    if (generation < entry->generation)
        return;
    if (entry->commits > 0 && honours_key(sim, entry))
        return;
    if (entry->commits == 0)
        entry->first_ms = sim->now;
    entry->commits++;
    sim_say(sim, "world: %s of %.8s takes effect", entry->who->name, entry->key);
    if (entry->commits > 1)
        violate(sim, "%s took effect twice under the key %s", entry->who->name, entry->key);
}

void world_fence(struct entry *entry)
{
    entry->generation++;
}

static enum fate draw_fate(struct sim *sim)
{
    if (!sim_bad_luck(sim, 120))
        return sim_bad_luck(sim, 30) ? FATE_REFUSED : FATE_DONE;
    static const enum fate fates[] = {FATE_REFUSED,     FATE_UNSENT, FATE_LOST,
                                      FATE_ANSWER_LOST, FATE_LATE,   FATE_ANSWER_LOST};
    return fates[sim_below(sim, sizeof(fates) / sizeof(fates[0]))];
}

static bool takes_effect(enum fate fate)
{
    return fate == FATE_DONE || fate == FATE_ANSWER_LOST || fate == FATE_LATE;
}

void world_send(struct sim *sim, const struct call *call, const char *effect, const char *key)
{
    struct request *request = xcalloc(1, sizeof(*request));
    request->entry = world_entry(sim, key, call->who);
    request->call = call->id;
    request->task = call->task;
    request->attempt = call->attempt;
    request->generation = request->entry->generation;
    request->fate = draw_fate(sim);
    snprintf(request->effect, sizeof(request->effect), "%s", effect);
    request->next = sim->requests;
    sim->requests = request;
    int64_t there = 2 + (int64_t)sim_below(sim, 200);
    int64_t back = there + 2 + (int64_t)sim_below(sim, 200);
    sim_say(sim, "world: a request for %s of %.8s, fate %d", effect, key, (int)request->fate);
    if (takes_effect(request->fate)) {
        request->pending = true;
        request->entry->pending++;
    }
    if (request->fate == FATE_DONE || request->fate == FATE_ANSWER_LOST)
        sim_later(sim, there, ITEM_COMMIT, request, 0);
    if (request->fate == FATE_LOST || request->fate == FATE_LATE ||
        request->fate == FATE_ANSWER_LOST)
        back += (int64_t)sim_below(sim, 4000);
    sim_later(sim, back, ITEM_ANSWER, request, 0);
}

static void request_commits(struct sim *sim, struct request *request)
{
    if (!request->pending)
        return;
    request->pending = false;
    request->committed = true;
    commit(sim, request->entry, request->generation);
}

static int64_t settle_of(const struct entry *entry)
{
    return entry->who->settle_ms < 0 ? UNSETTLED_MS : entry->who->settle_ms;
}

void world_close(struct sim *sim, struct request *request)
{
    int64_t settle = settle_of(request->entry);
    if (request->closed)
        return;
    request->closed = true;
    if (!request->pending)
        return;
    if (sim_chance(sim, 500)) {
        if (settle > 0)
            sim_later(sim, (int64_t)sim_below(sim, (uint64_t)settle), ITEM_COMMIT, request, 1);
        else
            request_commits(sim, request);
    } else {
        request->pending = false;
        request->entry->pending--;
    }
}

enum outcome world_answer(struct sim *sim, struct request *request)
{
    if (request->fate == FATE_DONE) {
        ASSERT(!request->pending);
        request->closed = true;
        return request->generation < request->entry->generation ? OUTCOME_NONE : OUTCOME_DONE;
    }
    if (request->fate == FATE_REFUSED || request->fate == FATE_UNSENT) {
        request->closed = true;
        return OUTCOME_NONE;
    }
    world_close(sim, request);
    return OUTCOME_UNKNOWN;
}

void world_strike(struct sim *sim, struct entry *entry, int64_t within_ms)
{
    entry->pending++;
    sim_later(sim, (int64_t)sim_below(sim, (uint64_t)within_ms), ITEM_STRIKE, entry,
              entry->generation);
}

void world_item(struct sim *sim, const struct item *item)
{
    if (item->kind == ITEM_STRIKE) {
        commit(sim, item->what, (unsigned)item->number);
        return;
    }
    struct request *request = item->what;
    bool after = item->number == 1;
    if (after || !request->closed)
        request_commits(sim, request);
}

void world_free(struct sim *sim)
{
    while (sim->requests) {
        struct request *next = sim->requests->next;
        free(sim->requests);
        sim->requests = next;
    }
    for (size_t i = 0; i < sim->entry_count; i++)
        free(sim->entries[i]);
    free(sim->entries);
}

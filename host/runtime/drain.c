/* SPDX-License-Identifier: Apache-2.0
 *
 * The generation before, once it is replaced. What was sent to it ends there. A write that began
 * there is tried again there as long as it drains, and by no other library after that (law 9),
 * unless no effect of it has begun. When nothing of it is under way, or its time to drain is over,
 * it ends; one that its successor would go back to stays, without calls, as long as that is on
 * probation.
 *
 *   serving → draining    another took its place                    [drain_begin]
 *   draining → kept       nothing is under way; it is on call       [has_drained]
 *   draining, kept → gone                                           [drain_turn]
 *   draining, kept → serving   its successor went back to it        [drain_undo]
 */
#include "runtime/reload_internal.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { DRAIN_MS = 30000, RETIRE_LOOK_MS = 20 };

static bool is_kept(const struct slot *slot)
{
    return slot->successor && slot->successor->before == slot;
}

/* ---- from serving to draining, and back ---- */

/* What waits for it waits for whom it may now: for another, or still for this one. */
static void follow(struct slot *slot)
{
    for (size_t count = slot->waiting.count; count > 0; count--) {
        struct live_call *call = slot->waiting.first;
        call_line_leave(call);
        call_wait(call);
    }
}

void drain_begin(struct slot *slot, struct slot *successor)
{
    struct host *host = slot->host;
    const struct manifest_plugin *entry = slot->roster->entry;
    int64_t drain_ms = entry->drain_ms >= 0 ? entry->drain_ms
                       : slot->roster->card && slot->roster->card->drain_ms >= 0
                           ? slot->roster->card->drain_ms
                           : DRAIN_MS;
    slot->successor = successor;
    slot->removed = !successor;
    slot->drain_until_ms = host_steady(host) + drain_ms;
    timer_stop(&slot->restart);
    timer_stop(&slot->full);
    slot->restart_armed = slot->full_armed = false;
    for (struct slot *old = host->retiring; old; old = old->next)
        if (old->successor == slot)
            old->successor = successor;
    slot->next = host->retiring;
    host->retiring = slot;
    if (!successor) {
        refuse_waiting(slot, "its plugin was removed");
        return;
    }
    struct map gates = successor->gates;
    successor->gates = slot->gates;
    slot->gates = gates;
    follow(slot);
}

void drain_undo(struct slot *slot)
{
    struct slot **at = &slot->host->retiring;
    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    slot->next = NULL;
    slot->successor = NULL;
    slot->cut = false;
}

/* ---- has it drained? ---- */

static bool holds_write(const struct host *host, const struct slot *slot)
{
    for (const struct live_run *live = host->runs; live; live = live->next) {
        size_t count = live->wrote.count ? run_task_count(live->run) : 0;
        for (uint32_t task = 0; task < count; task++) {
            struct slice key = {(const char *)&task, sizeof(task)};
            uint64_t library = (uint64_t)(uintptr_t)map_get(&live->wrote, key);
            if (library == slot->library + 1 && !run_task_final(live->run, task) &&
                slot_of(host, run_task_agent(live->run, task, false)) == slot->successor)
                return true;
        }
    }
    return false;
}

static bool has_drained(struct host *host, struct slot *slot)
{
    bool over = host_steady(host) >= slot->drain_until_ms;
    if (slot->sent) {
        for (struct live_call *call = slot->sent; call && over && !slot->cut; call = call->next)
            outside_cancel(slot, call->id);
        slot->cut |= over;
        return false;
    }
    return over || slot->state != SLOT_UP || !slot->successor ||
           slot->library == slot->successor->library || !holds_write(host, slot);
}

static void free_retired(struct host *host)
{
    uint64_t oldest = host->roster_generation;
    for (const struct live_run *live = host->runs; live; live = live->next)
        if (live->roster_generation < oldest)
            oldest = live->roster_generation;
    for (const struct slot *slot = host->retiring; slot; slot = slot->next)
        if (slot->roster_generation < oldest)
            oldest = slot->roster_generation;
    bool freed = false;
    for (struct retired **at = &host->retired; *at;) {
        struct retired *retired = *at;
        if (retired->generation >= oldest) {
            at = &retired->next;
            continue;
        }
        *at = retired->next;
        if (!retired->borrowed)
            roster_free(retired->roster);
        free(retired);
        freed = true;
    }
    if (freed)
        malloc_trim(0); /* runs lie between what was freed, and would keep it from the system */
}

void drain_turn(struct host *host)
{
    bool look = false;
    for (struct slot **at = &host->retiring; *at && !host->stopping;) {
        struct slot *slot = *at;
        bool drained = has_drained(host, slot);
        look |= !drained;
        if (drained && slot->waiting.first && slot->successor) {
            follow(slot);
            slot_want(slot->successor);
        }
        if (!drained || is_kept(slot)) {
            at = &slot->next;
            continue;
        }
        *at = slot->next;
        slot_free(slot);
    }
    if (host->retired && !host->stopping)
        free_retired(host);
    if (look && !host->stopping && host->reload_timer.place == 0)
        timer_start(&host->reload_timer, host->reload_timer.rings, RETIRE_LOOK_MS);
}

bool drains(struct host *host, const char *alias)
{
    for (struct slot *slot = host->retiring; slot; slot = slot->next)
        if (strcmp(slot->roster->entry->alias, alias) == 0 && !has_drained(host, slot))
            return true;
    return false;
}

void drain_kept(struct host *host, const char *alias)
{
    for (struct slot *slot = host->retiring; slot; slot = slot->next)
        if (is_kept(slot) && strcmp(slot->roster->entry->alias, alias) == 0)
            probation_end(slot->successor);
    drain_turn(host);
}

/* ---- where a start goes ---- */

static struct slot *draining_library(const struct host *host, const struct slot *slot,
                                     uint64_t library)
{
    for (struct slot *old = host->retiring; old; old = old->next)
        if (old->successor == slot && old->library == library && old->state == SLOT_UP &&
            !old->cut && host_steady(host) < old->drain_until_ms)
            return old;
    return NULL;
}

static void tell_moved(struct live_run *live, const struct agent *agent, uint32_t task,
                       uint32_t attempt, const struct slot *slot)
{
    char hex[DIGEST_HEX_SIZE], began[DIGEST_HEX_SIZE];
    const char *before = run_library(live->run, agent->name);
    digest_hex(&agent->library, began);
    digest_hex(&slot->roster->card->library, hex);
    if (strcmp(before ? before : began, hex) == 0)
        return;
    AUTO(freep)
    char *message =
        xasprintf("generation %llu of plugin %s%s%s", (unsigned long long)slot->generation,
                  slot->roster->entry->alias, slot->fall ? ", which was gone back to: " : "",
                  slot->fall ? slot->fall->reason : "");
    struct event event = {.kind = EVENT_MOVED,
                          .task = task,
                          .attempt = attempt,
                          .code = agent->name,
                          .digest = hex,
                          .message = message};
    live_happen(live, &event, NULL);
}

/* A write that has begun no effect, and has no way into the world but the host's, is nobody's yet;
 * nor is one that was never sent. */
static bool is_bound(const struct live_run *live, const struct agent *agent, uint32_t task,
                     uint32_t attempt)
{
    return attempt > 1 && (!agent->brokered || run_task_effects(live->run, task) > 0);
}

struct slot *reload_slot(struct live_run *live, const struct agent *agent, uint32_t task,
                         uint32_t attempt, bool reconciling)
{
    struct host *host = live->host;
    struct slot *slot = slot_of(host, agent);
    if (!host->keeping || !slot || !slot->roster->card)
        return slot;
    if (agent->effect >= CLASS_WRITE_IDEMPOTENT && !reconciling) {
        struct slice key = {(const char *)&task, sizeof(task)};
        uint64_t library = (uint64_t)(uintptr_t)map_get(&live->wrote, key);
        if (library == 0 || (library != slot->library + 1 && !is_bound(live, agent, task, attempt)))
            map_put(&live->wrote, key, (void *)(uintptr_t)(slot->library + 1));
        else if (library != slot->library + 1)
            slot = draining_library(host, slot, library - 1);
    }
    if (slot && (host->roster_generation > 0 || host->retiring))
        tell_moved(live, agent, task, attempt, slot);
    return slot;
}

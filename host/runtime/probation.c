/* SPDX-License-Identifier: Apache-2.0
 *
 * Probation. A generation that took another's place with another library or configuration is
 * watched for a while (`reload.probation`), and the one before stays beside it, without calls, to
 * go back to.
 *
 *   on probation → passed      its time is over; the one before ends            [passes]
 *   on probation → condemned   `reload.faults` are reached                      [count]
 *   condemned → gone           the one before is called again: a reload to host_back_roster
 *
 * A fault is the end of its worker, a start that comes to nothing, or an answer that breaks its
 * contract: these count only while they are more than one in SHARE of its answers, for an agent
 * that asks a model breaks its contract now and then.
 *
 * A roll-back gives back the library and its configuration, and nothing else: grants, limits and
 * confinement stay as the manifest of today has them, or a plugin could win back by crashing what
 * was taken from it. It never loops: what it goes back to is on no probation, and what fell is not
 * taken again until somebody says so by name (`seam reload --again`), or builds another.
 *
 * Where nobody is told of what fell (`seam dev`: its author wants the build that crashes, not the
 * one before) there is no probation, and nothing is kept for it.
 */
#include "runtime/reload_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE = 10 };

bool same_json(const json_t *a, const json_t *b)
{
    return a && b ? json_equal(a, b) : a == b;
}

bool same_build(const struct roster_plugin *a, const struct roster_plugin *b)
{
    return a->card && b->card && digest_equal(&a->card->library, &b->card->library) &&
           digest_equal(&a->card->digest, &b->card->digest) &&
           same_json(a->entry->config, b->entry->config);
}

static void fall_free(struct fall *fall)
{
    if (!fall)
        return;
    json_decref(fall->config);
    free(fall->reason);
    free(fall);
}

void probation_forget(struct slot *slot)
{
    fall_free(TAKE(slot->fall));
}

void probation_done(struct slot *slot)
{
    timer_stop(&slot->probation);
    free(TAKE(slot->condemned));
    probation_forget(slot);
}

/* ---- its beginning and its end ---- */

static void passes(struct timer *timer)
{
    struct slot *slot = timer->data;
    if (!slot->before || slot->condemned)
        return;
    host_log(slot->host, slot->roster->entry->alias, SEAM_LOG_INFO,
             "generation %llu has passed its probation; generation %llu ends",
             (unsigned long long)slot->generation, (unsigned long long)slot->before->generation);
    slot->before = NULL;
    reload_look_soon(slot->host);
}

void probation_begin(struct slot *slot, struct slot *before)
{
    int64_t ms = slot->host->manifest->probation_ms;
    if (ms == 0 || !slot->host->keeping || !slot->host->fell || before->state != SLOT_UP ||
        same_build(slot->roster, before->roster))
        return;
    slot->before = before;
    slot->faults = slot->answers = slot->broken = 0;
    slot->probation_until_ms = host_steady(slot->host) + ms;
    timer_start(&slot->probation, passes, ms);
}

void probation_end(struct slot *slot)
{
    timer_stop(&slot->probation);
    slot->before = NULL;
}

/* ---- faults ---- */

static void count(struct slot *slot, const char *last)
{
    const struct host *host = slot->host;
    bool often = slot->broken * SHARE > slot->answers;
    uint64_t faults = slot->faults + (often ? slot->broken : 0);
    if (faults < (uint64_t)host->manifest->probation_faults || slot->condemned)
        return;
    slot->condemned =
        xasprintf("generation %llu had %llu fault%s on probation (its worker ended or did not "
                  "start %llu times; %llu of %llu answers broke their contract), the last: %s",
                  (unsigned long long)slot->generation, (unsigned long long)faults,
                  faults == 1 ? "" : "s", (unsigned long long)slot->faults,
                  (unsigned long long)slot->broken, (unsigned long long)slot->answers, last);
    reload_look_soon(slot->host);
}

void probation_fault(struct slot *slot, const char *reason)
{
    if (!slot->before)
        return;
    slot->faults++;
    count(slot, reason);
}

void probation_answer(struct slot *slot, const char *breach)
{
    if (!slot->before)
        return;
    slot->answers++;
    slot->broken += breach != NULL;
    if (breach)
        count(slot, breach);
}

void probation_turn(struct host *host)
{
    for (size_t i = 0; i < host->slot_count && !host->reload && host->fell; i++) {
        struct slot *slot = host->slots[i];
        if (!slot->condemned || slot->condemned_told)
            continue;
        slot->condemned_told = true;
        host->fell(host->options.user, slot->index, slot->condemned);
        if (!host->reload)
            probation_spare(slot); /* it cannot go back now */
    }
}

void probation_spare(struct slot *slot)
{
    free(TAKE(slot->condemned));
    slot->condemned_told = false;
    if (host_steady(slot->host) >= slot->probation_until_ms)
        probation_end(slot);
}

void host_watch_falls(struct host *host, host_plugin_fell fell)
{
    host->fell = fell;
}

/* ---- what it goes back to ---- */

bool goes_back(const struct slot *was, const struct roster_plugin *plugin)
{
    return was && was->before && same_build(was->before->roster, plugin);
}

void probation_fell(struct slot *was, struct slot *is)
{
    const struct roster_plugin *build = was->roster;
    struct fall *fall = xcalloc(1, sizeof(*fall));
    *fall = (struct fall){.library = build->card->library,
                          .config = json_incref(build->entry->config),
                          .generation = was->generation,
                          .at_ms = host_now(was->host),
                          .reason = TAKE(was->condemned)};
    probation_forget(is);
    is->fall = fall;
}

enum error_code probation_refuses(const struct slot *was, const struct roster_plugin *plugin,
                                  struct error *reterr)
{
    const struct fall *fall = was ? was->fall : NULL;
    if (!fall || !plugin->card || !digest_equal(&fall->library, &plugin->card->library) ||
        !same_json(fall->config, plugin->entry->config))
        return ERR_OK;
    return error_set(reterr, ERR_CONFLICT,
                     "plugin `%s`: this library with this configuration fell back before: %s; "
                     "nothing has changed (cure: mend it, or `seam reload --again` tries it once "
                     "more)",
                     plugin->entry->alias, fall->reason);
}

void host_forgive(struct host *host)
{
    for (size_t i = 0; i < host->slot_count; i++)
        probation_forget(host->slots[i]);
}

/* The roster that a plugin of it came from. */
static const struct roster *home_of(const struct host *host, const struct roster_plugin *plugin)
{
    for (const struct retired *retired = host->retired; retired; retired = retired->next)
        for (size_t i = 0; i < retired->roster->plugin_count; i++)
            if (&retired->roster->plugins[i] == plugin)
                return retired->roster;
    return host->options.roster;
}

enum error_code host_back_roster(const struct host *host, size_t plugin, struct roster **ret_roster,
                                 struct error *reterr)
{
    const struct slot *slot = plugin < host->slot_count ? host->slots[plugin] : NULL;
    if (!slot || !slot->before)
        return error_set(reterr, ERR_NOT_FOUND, "it is on no probation");
    const struct roster_plugin *before = slot->before->roster;
    *ret_roster = roster_with(host->options.roster, plugin, home_of(host, before), before);
    return ERR_OK;
}

/* ---- what is to be seen of it ---- */

static struct host_generation look_at(const struct slot *slot, const char *state, int64_t until_ms)
{
    struct host_generation seen = {.generation = slot->generation,
                                   .state = state,
                                   .calls = slot->by_id.count + slot->waiting.count +
                                            self_test_open(slot->self_test),
                                   .card = slot->roster->card,
                                   .left_ms = -1,
                                   .faults = slot->faults,
                                   .answers = slot->answers};
    int64_t now_ms = host_steady(slot->host);
    if (until_ms > 0)
        seen.left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    if (slot->plugin && slot->state != SLOT_OFF)
        seen.pid = plugin_counts(slot->plugin).pid;
    return seen;
}

size_t host_generations(const struct host *host, size_t plugin,
                        struct host_generation ret[static HOST_GENERATIONS])
{
    const struct slot *slot = host->slots[plugin];
    const char *alias = slot->roster->entry->alias;
    size_t count = 0;
    if (slot->roster->card)
        ret[count++] = look_at(slot, slot->before ? "probation" : "serving",
                               slot->before ? slot->probation_until_ms : 0);
    const struct slot *coming = reload_coming(host, alias);
    if (coming)
        ret[count++] = look_at(coming, "starting", 0);
    for (const struct slot *old = host->retiring; old && count < HOST_GENERATIONS; old = old->next)
        if (strcmp(old->roster->entry->alias, alias) == 0)
            ret[count++] = !old->sent && slot->before == old
                               ? look_at(old, "kept", 0)
                               : look_at(old, "draining", old->drain_until_ms);
    return count;
}

bool host_fall(const struct host *host, size_t plugin, struct host_fall *ret)
{
    const struct fall *fall = host->slots[plugin]->fall;
    if (fall)
        *ret = (struct host_fall){.generation = fall->generation,
                                  .at_ms = fall->at_ms,
                                  .reason = fall->reason,
                                  .library = fall->library};
    return fall != NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that are others while the host runs: a tool server has another list of tools. A plugin
 * whose agents stand in its configuration is asked to tell (seam.watch/1) as long as it is up; what
 * it has then, a worker of its own is asked beside it, and a roster with these agents takes the
 * place of the one of now as by a reload: verified, started, tested, and refused if a run under way
 * could not go on by it. Until then, and if it comes to nothing, all is as it was.
 *
 *   quiet → due          it said so, or was started and listed others    [want]
 *   due → listing        the wait is over                                [ask]
 *   listing → quiet      they are what is called                         [settle]
 *   listing → due        they were handed over, which may be refused; or it could not say [settle]
 *   due → quiet          what was handed over is what is called          [ask]
 *
 * Who says so all the time is not heard all the time: the wait doubles with each listing, up to
 * minutes, and falls back when it has been quiet for a few times as long. The log says who it is.
 */
#include "runtime/faults_internal.h"
#include "runtime/reload_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOON_MS = 100,       /* what changes seldom changes alone */
    FIRST_MS = 1000,     /* between the first listing and the second */
    LONGEST_MS = 300000, /* … and at most */
    QUIET_TIMES = 4,     /* for so many times the wait, and the next is heard soon */
    NAMED_MS = 2000,     /* a wait that is worth a line in the log */
    /* While a reload is under way, or the generation before drains: there are two at most, and who
     * waits here keeps no reload from being asked for. */
    BUSY_MS = 500,
};

struct relist { /* of one alias */
    struct relist *next;
    struct host *host;
    char *alias;
    struct timer timer;
    bool due;
    bool again;             /* it said so while it was listed */
    int64_t wait_ms, at_ms; /* after the last listing, and when that was; 0 = there was none */
    struct trial *trial;    /* the listing; NULL = none is under way */
    json_t *listed;         /* it is over: what came of it, or */
    struct error error;     /* … why nothing did */
    bool handed;            /* what was listed was handed over, as a card with this digest: */
    struct digest wanted;
    struct roster *roster; /* that the host takes itself */
    char *said;            /* the last complaint, which is not repeated */
};

static struct slot *slot_called(const struct host *host, const char *alias)
{
    for (size_t i = 0; i < host->slot_count; i++)
        if (strcmp(host->slots[i]->roster->entry->alias, alias) == 0)
            return host->slots[i];
    return NULL;
}

static struct relist *relist_of(struct host *host, const char *alias)
{
    struct relist *r = host->relists;
    while (r && strcmp(r->alias, alias) != 0)
        r = r->next;
    if (r)
        return r;
    r = xcalloc(1, sizeof(*r));
    *r = (struct relist){.next = host->relists, .host = host, .alias = xstrdup(alias)};
    timer_init(&r->timer, host, r);
    host->relists = r;
    return r;
}

static void ask(struct timer *timer);

static void wait_for(struct relist *r, int64_t wait_ms)
{
    r->due = true;
    timer_start(&r->timer, ask, wait_ms);
}

static void want(struct relist *r)
{
    int64_t quiet_ms = host_steady(r->host) - r->at_ms;
    r->handed = false;
    r->again = r->trial != NULL;
    if (r->due || r->again)
        return;
    if (quiet_ms > r->wait_ms * QUIET_TIMES)
        r->wait_ms = 0;
    int64_t wait_ms = r->wait_ms > quiet_ms + SOON_MS ? r->wait_ms - quiet_ms : SOON_MS;
    if (r->wait_ms >= NAMED_MS && wait_ms > SOON_MS)
        host_log(r->host, r->alias, SEAM_LOG_WARNING,
                 "it says again and again that its agents are others; it is asked for them in "
                 "%" PRId64 " s, and until then those that it has are called",
                 wait_ms / 1000 + 1);
    wait_for(r, wait_ms);
}

/* ---- in the log ---- */

static void complain(struct relist *r, const char *text)
{
    if (r->said && strcmp(r->said, text) == 0)
        return;
    free(r->said);
    r->said = xstrdup(text);
    host_log(r->host, r->alias, SEAM_LOG_ERROR,
             "it says that its agents are others, and they are not taken; those that it had stay: "
             "%s",
             text);
}

static const json_t *find(const json_t *agents, const json_t *like)
{
    size_t i;
    const json_t *agent, *name = json_object_get(like, "name");
    json_array_foreach (agents, i, agent)
        if (json_equal(json_object_get(agent, "name"), name))
            return agent;
    return NULL;
}

static void add_word(struct text *out, const json_t *name, const char *what)
{
    text_addf(out, "%s`%s` %s", out->len > 0 ? ", " : "", json_string_value(name), what);
}

static void tell_news(struct relist *r, const struct roster_plugin *was,
                      const struct roster_plugin *is)
{
    AUTO(text_done) struct text out;
    const json_t *before = json_object_get(was->card->json, "agents"), *agent;
    const json_t *now = json_object_get(is->card->json, "agents");
    size_t i;
    text_init(&out, ERROR_TEXT_SIZE / 2);
    json_array_foreach (now, i, agent)
        if (!json_equal(find(before, agent), agent))
            add_word(&out, json_object_get(agent, "name"),
                     find(before, agent) ? "is another" : "is new");
    json_array_foreach (is->left_out, i, agent)
        add_word(&out, json_object_get(agent, "agent"), "is left out, for nobody approved it");
    json_array_foreach (before, i, agent)
        if (!find(now, agent))
            add_word(&out, json_object_get(agent, "name"), "cannot be called any more");
    AUTO(freep)
    char *cure = xasprintf(" (`seam plugins approve %s` shows them and asks)", r->alias);
    host_log(r->host, r->alias, SEAM_LOG_WARNING, "it says that its agents are others: %s%s%s",
             text_str(&out), out.overflowed ? ", …" : "", is->left_out ? cure : "");
}

/* ---- what it has now ---- */

static void taken(void *user, const json_t *report, const struct error *err)
{
    struct relist *r = user;
    struct roster *roster = TAKE(r->roster);
    if (report)
        return;
    complain(r, err->text);
    roster_free(roster);
}

static bool same_left_out(const json_t *a, const json_t *b)
{
    return a == b || json_equal(a, b);
}

/* By this roster the plugin has the agents that were listed; it is the owner's from here on. */
static void hand_over(struct relist *r, const struct slot *slot, struct roster *roster)
{
    struct host *host = r->host;
    const struct roster_plugin *is = &roster->plugins[slot->index];
    if (digest_equal(&is->card->digest, &slot->roster->card->digest) &&
        same_left_out(is->left_out, slot->roster->left_out)) {
        free(TAKE(r->said));
        roster_free(roster);
        return;
    }
    if (!r->said)
        tell_news(r, slot->roster, is);
    r->handed = true;
    r->wanted = is->card->digest;
    wait_for(r, r->wait_ms);
    if (host->agents_changed) {
        host->agents_changed(host->options.user, slot->index, roster);
        return;
    }
    r->roster = roster;
    host_reload(host, roster, taken, r);
}

static void settle(struct timer *timer)
{
    struct relist *r = timer->data;
    AUTO(json_decrefp) json_t *listed = TAKE(r->listed);
    const struct slot *slot = slot_called(r->host, r->alias);
    struct roster *roster = NULL;
    struct error err = r->error;
    trial_free(TAKE(r->trial));
    r->at_ms = host_steady(r->host);
    r->wait_ms = r->wait_ms ? r->wait_ms * 2 : FIRST_MS;
    r->wait_ms = r->wait_ms < LONGEST_MS ? r->wait_ms : LONGEST_MS;
    if (!slot || !slot->roster->card)
        return;
    if (r->host->reload) { /* it may change what this stands on */
        wait_for(r, BUSY_MS);
        return;
    }
    if (listed)
        err.code = roster_relisted(r->host->options.roster, slot->index, listed, &roster, &err);
    if (err.code == ERR_OK) {
        hand_over(r, slot, roster);
    } else {
        complain(r, err.text);
        wait_for(r, r->wait_ms);
    }
    if (r->again)
        want(r);
}

static void heard(void *user, json_t *listed, const struct error *err)
{
    struct relist *r = user;
    r->listed = json_incref(listed);
    r->error = *err;
    timer_start(&r->timer, settle, 0);
}

static void ask(struct timer *timer)
{
    struct relist *r = timer->data;
    struct host *host = r->host;
    struct slot *slot = slot_called(host, r->alias);
    struct error err;
    r->due = false;
    if (!slot || !slot->roster->card || !slot->roster->card->from_config || slot_quarantine(slot))
        return;
    if (host->reload || drains(host, r->alias)) {
        wait_for(r, BUSY_MS);
        return;
    }
    if (r->handed && digest_equal(&r->wanted, &slot->roster->card->digest)) {
        r->handed = false;
        free(TAKE(r->said));
        return;
    }
    if (slot->state == SLOT_UP)
        plugin_watch(slot->plugin);
    if (trial_list(host, slot->roster, slot->library_path, heard, r, &r->trial, &err) != ERR_OK)
        complain(r, err.text);
}

/* ---- who says so ---- */

void relist_watched(void *user, bool changed)
{
    struct slot *slot = user;
    describing_end(slot);
    if (changed && slot->host->relisting && !slot->successor && !slot->removed)
        want(relist_of(slot->host, slot->roster->entry->alias));
}

void relist_watch(struct slot *slot)
{
    bool watched = slot->host->relisting && slot->state == SLOT_UP && slot->plugin;
    if (watched && slot->roster->card->from_config)
        plugin_watch(slot->plugin);
}

void relist_up(struct slot *slot)
{
    const json_t *listed = slot->roster->listed;
    if (!slot->host->relisting || !slot->roster->card->from_config)
        return;
    relist_watch(slot);
    if (plugin_lost(slot->plugin) ||
        (listed && !json_equal(listed, plugin_described(slot->plugin))))
        want(relist_of(slot->host, slot->roster->entry->alias));
}

void host_watch_agents(struct host *host, host_agents_changed changed)
{
    host->relisting = true;
    host->agents_changed = changed;
    for (size_t i = 0; i < host->slot_count; i++)
        relist_watch(host->slots[i]);
}

void relist_stop(struct host *host)
{
    while (host->relists) {
        struct relist *r = host->relists;
        host->relists = r->next;
        timer_stop(&r->timer);
        trial_free(r->trial);
        json_decref(r->listed);
        free(r->alias);
        free(r->said);
        free(r);
    }
}

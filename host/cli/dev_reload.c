/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows when a file that seam dev watches changes. Folders are watched, for builds replace
 * files by renaming; a file is looked at again once it stands still, and a library once it is
 * whole. Then:
 *
 *   changed → told          the card is read; one that is refused changes nothing
 *   told → reloading        what is under way is cancelled: its code is gone
 *   reloading → up          as a generation beside the one before           [reloaded]
 *   reloading → changed     the generation before still drains: tried again
 */
#include "cli/dev_internal.h"

#include "loader/card.h"
#include "loader/succession.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

enum { STILL_MS = 40, WHOLE_MS = 100, BUSY_MS = 100, GIVE_UP_MS = 3000 };

static void look(uv_timer_t *timer);

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void look_after(struct dev *dev, uint64_t wait_ms)
{
    uv_timer_start(&dev->look, look, wait_ms, 0);
}

/* ---- another generation ---- */

static void ended(struct dev *dev)
{
    dev->outcomes++;
    dev->busy_told = false;
    dev->coming = NULL;
    dev_soon(dev);
}

static void reloaded(void *user, const json_t *report, const struct error *err)
{
    struct dev *dev = user;
    (void)report;
    if (err && (err->code == ERR_BUSY || err->code == ERR_CONFLICT)) {
        if (!dev->busy_told)
            dev_note(dev, "note", DIM, "it waits: %s", err->text);
        dev->busy_told = true;
        roster_free(dev->coming);
        dev->coming = NULL;
        memset(&dev->watched[DEV_LIBRARY].seen, 0, sizeof(struct stat));
        look_after(dev, BUSY_MS);
        return;
    }
    if (err) {
        dev_note(dev, "refused", RED, "%s; the one before goes on", err->text);
        roster_free(dev->coming);
        ended(dev);
        return;
    }
    dev->roster = dev->coming;
    const struct roster_plugin *plugin = dev_plugin(dev, dev->roster);
    struct host_plugin now = host_plugin(dev->host, (size_t)(plugin - dev->roster->plugins));
    AUTO(freep) char *took = dev_took(dev_now_ns() - dev->reload_ns);
    dev_note(dev, "reloaded", GREEN, "generation %llu is up, %s after the change",
             (unsigned long long)now.generation, took);
    ended(dev);
    dev_again(dev, false);
}

static void show_difference(struct dev *dev, const struct card *was, const struct card *is)
{
    struct succession s;
    if (digest_equal(&was->digest, &is->digest)) {
        dev_note(dev, "card-same", DIM, "the card is as it was");
        return;
    }
    succession_judge(was, is, NULL, &s);
    if (!dev->args->json) {
        dev_clear(dev);
        print_succession_checks(was, is, &s, true);
    }
    dev_say(dev, verdict_colour(s.verdict),
            "%s for flows that use it: whoever was served by the "
            "old card %s served by the new",
            s.verdict == PROVEN    ? "safe"
            : s.verdict == REFUTED ? "breaking"
                                   : "undecided",
            s.verdict == PROVEN    ? "is"
            : s.verdict == REFUTED ? "is not"
                                   : "may or may not be");
    if (dev->args->json)
        dev_emit(dev, "card-changed", succession_json(was, is, &s));
    succession_done(&s);
}

static void refused(struct dev *dev, struct roster *roster, const struct error *err)
{
    dev_note(dev, "refused", RED, "%s", err->text);
    roster_free(roster);
    ended(dev);
}

static void reload(struct dev *dev, bool manifest)
{
    struct roster *roster = NULL;
    struct error err;
    const struct card *was = dev_plugin(dev, dev->roster)->card;
    if (roster_survey(dev->manifest, &roster, &err) != ERR_OK) {
        refused(dev, NULL, &err);
        return;
    }
    const struct roster_plugin *plugin = dev_plugin(dev, roster);
    if (!plugin) {
        error_set(&err, ERR_NOT_FOUND, "the manifest names `%s` no more", dev->alias);
        refused(dev, roster, &err);
        return;
    }
    if (!plugin->card) {
        refused(dev, roster, &plugin->error);
        return;
    }
    bool same_library = was && digest_equal(&was->library, &plugin->card->library);
    if (same_library && !manifest) {
        dev_note(dev, "same", DIM, "it is the same, byte for byte");
        roster_free(roster);
        ended(dev);
        return;
    }
    if (!dev->busy_told && was && !same_library)
        show_difference(dev, was, plugin->card);
    if (!dev->busy_told && !same_library)
        dev_show_card(dev, roster, !was || !digest_equal(&was->digest, &plugin->card->digest));
    dev_cancel_all(dev, "the plugin is another");
    free(dev->complaint);
    dev->complaint = NULL;
    dev->coming = roster;
    host_reload(dev->host, roster, reloaded, dev);
}

/* ---- what changed ---- */

/* False: it does not stand still yet, or is not whole; who waits for long hears what is wrong with
 * it. */
static bool is_ready(struct dev *dev, struct dev_watched *watched, const struct stat *is)
{
    bool still = same(is, &watched->last);
    watched->last = *is;
    if (!still)
        return false;
    if (watched->kind != DEV_LIBRARY || library_is_whole(watched->path))
        return true;
    if (watched->told_ns == 0) {
        dev_note(dev, "note", DIM, "the library is not whole yet");
        watched->told_ns = dev_now_ns();
    }
    return dev_now_ns() - watched->told_ns > (int64_t)GIVE_UP_MS * 1000000;
}

static bool look_at(struct dev *dev, struct dev_watched *watched, bool *ret_wait)
{
    struct stat is;
    if (!watched->path || stat(watched->path, &is) != 0 || same(&is, &watched->seen))
        return false;
    if (!is_ready(dev, watched, &is)) {
        *ret_wait = true;
        return false;
    }
    watched->seen = is;
    watched->told_ns = 0;
    return true;
}

static void look(uv_timer_t *timer)
{
    struct dev *dev = timer->data;
    bool wait = false;
    if (dev->coming || !dev->settled_first) {
        look_after(dev, BUSY_MS);
        return;
    }
    bool library = look_at(dev, &dev->watched[DEV_LIBRARY], &wait);
    bool manifest = look_at(dev, &dev->watched[DEV_MANIFEST], &wait);
    bool flow = look_at(dev, &dev->watched[DEV_FLOW], &wait);
    if (library || manifest) {
        if (!dev->busy_told)
            dev_note(dev, "changed", BOLD, "the %s changed", library ? "library" : "manifest");
        if (!dev->busy_told)
            dev->reload_ns = dev_now_ns();
        reload(dev, manifest || dev->busy_told);
    } else if (flow && dev->last.input && !dev->last.agent) {
        dev_note(dev, "changed", BOLD, "the flow changed");
        dev_again(dev, false);
    }
    if (wait)
        look_after(dev, WHOLE_MS);
}

/* Whatever happened in the folder: whether it was one of ours is asked of the file. */
static void stirred(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct dev_watched *watched = event->data;
    (void)name;
    (void)events;
    struct stat is;
    if (status == 0 && stat(watched->path, &is) == 0 && !same(&is, &watched->seen)) {
        watched->last = is;
        look_after(watched->dev, STILL_MS);
    }
}

static void watch_file(struct dev *dev, enum dev_kind kind, const char *path)
{
    struct dev_watched *watched = &dev->watched[kind];
    if (!path)
        return;
    watched->path = realpath(path, NULL);
    if (!watched->path)
        return;
    AUTO(freep) char *copy = xstrdup(watched->path);
    watched->dev = dev;
    watched->kind = kind;
    watched->folder = xstrdup(dirname(copy));
    (void)!stat(watched->path, &watched->seen);
    uv_fs_event_init(dev->loop, &watched->event);
    watched->event.data = watched;
    if (uv_fs_event_start(&watched->event, stirred, watched->folder, 0) != 0)
        dev_note(dev, "note", YELLOW, "%s cannot be watched", watched->folder);
}

void dev_watch(struct dev *dev)
{
    uv_timer_init(dev->loop, &dev->look);
    dev->look.data = dev;
    watch_file(dev, DEV_LIBRARY, dev->library);
    watch_file(dev, DEV_MANIFEST, dev->manifest_fd < 0 ? dev->manifest : NULL);
    watch_file(dev, DEV_FLOW, dev->flow);
}

void dev_unwatch(struct dev *dev)
{
    uv_close((uv_handle_t *)&dev->look, NULL);
    for (size_t i = 0; i < DEV_WATCHED; i++) {
        if (!dev->watched[i].path)
            continue;
        uv_close((uv_handle_t *)&dev->watched[i].event, NULL);
        freep(&dev->watched[i].path);
        freep(&dev->watched[i].folder);
    }
}

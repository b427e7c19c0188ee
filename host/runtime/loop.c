/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop and what hangs on it: the journal's and the network's descriptors, the inbox, the
 * opening and closing of a host. libuv carries it, for its timers and because it tells the same
 * story on every kernel.
 */
#include "runtime/faults_internal.h"
#include "runtime/hidden_internal.h"
#include "runtime/reload_internal.h"
#include "runtime/said_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void host_fail(struct host *host, const struct error *err)
{
    if (!host->failed) {
        host->failed = true;
        host->failure = *err;
    }
    host_stop(host);
}

void host_log(struct host *host, const char *who, uint32_t level, const char *format, ...)
{
    char line[LIMIT_LOG_LINE];
    va_list args;
    if (!host->options.log)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    host->options.log(host->options.user, who, level, slice_of(line));
}

/* ---- the barrier ---- */

struct barrier {
    struct host *host;
    after_barrier then;
    void *user;
    bool room_for_outcome;
};

/* For want of room for an outcome, only what was to begin does not; any other failure, a record
 * that finds no room too, is the end. */
static void barrier_reached(void *user, enum error_code code, const struct error *err)
{
    struct barrier *barrier = user;
    struct barrier copy = *barrier;
    free(barrier);
    copy.host->barriers--;
    if (code != ERR_OK && !(code == ERR_NO_SPACE && copy.room_for_outcome)) {
        copy.host->stopping = true;
        host_fail(copy.host, err);
    }
    copy.then(copy.user, code, err);
}

void host_barrier(struct host *host, bool room_for_outcome, after_barrier then, void *user)
{
    struct barrier *barrier = xmalloc(sizeof(*barrier));
    *barrier = (struct barrier){host, then, user, room_for_outcome};
    host->barriers++;
    journal_ask(host->journal, room_for_outcome, barrier_reached, barrier);
}

static void journal_readable(uv_poll_t *poll, int status, int events)
{
    struct host *host = poll->data;
    (void)status;
    (void)events;
    journal_dispatch(host->journal);
}

/* If all wait for the disk, the commit is made here: two changes of thread cost as much as a fast
 * disk. Else the writer is told, but not sooner, so that there is one commit for all that was asked
 * for in a turn. */
static void see_to_barriers(struct host *host)
{
    if (host->barriers == 0 || host->stopping)
        return;
    if (host->calls == 0)
        journal_help(host->journal);
    else
        journal_press(host->journal);
    journal_dispatch(host->journal);
}

/* The loop is about to wait: what the gates put off is done. Barriers that were reached are heard
 * between two hearings of plugins: runs that have ended are let go of. */
static void about_to_wait(uv_prepare_t *prepare)
{
    enum { LISTEN_ROUNDS = 32 }; /* then timers and descriptors have their turn */
    struct host *host = prepare->data;
    for (int round = 0; round < LISTEN_ROUNDS; round++) {
        gates_turn(host);
        reload_turn(host);
        faults_turn(host);
        park_turn(host);
        if (host->options.stand_ins)
            return; /* see host_turn */
        see_to_barriers(host);
        if (host->stopping || host->unsettled == 0)
            break;
        if (!slots_listen(host) && (host->barriers == 0 || host->calls > 0))
            break;
    }
    journal_press(host->journal);
}

static void egress_readable(uv_poll_t *poll, int status, int events)
{
    struct host *host = poll->data;
    (void)status;
    (void)events;
    egress_dispatch(host->egress);
}

/* ---- the inbox ---- */

json_t *inbox_answer(const char *task, uint32_t revision, const json_t *answer, bool deny,
                     const char *who, const char *shown)
{
    json_t *message =
        json_pack("{s:s, s:s, s:i, s:b, s:s, s:s}", "kind", "answer", "task", task, "revision",
                  (int)revision, "deny", (int)deny, "who", who, "shown", shown);
    if (answer)
        json_object_set(message, "answer", (json_t *)answer);
    return message;
}

json_t *inbox_cancel(const char *who)
{
    return json_pack("{s:s, s:s}", "kind", "cancel", "who", who);
}

static bool deliver(struct live_run *live, const json_t *message, int64_t said_ms)
{
    const char *kind = json_string_value(json_object_get(message, "kind"));
    const char *task = json_string_value(json_object_get(message, "task"));
    struct event event = {
        .who = json_string_value(json_object_get(message, "who")),
        .shown = json_string_value(json_object_get(message, "shown")),
        .body = json_object_get(message, "answer"),
        .deny = json_is_true(json_object_get(message, "deny")),
        .revision = (uint32_t)json_integer_value(json_object_get(message, "revision")),
    };
    if (kind && strcmp(kind, "cancel") == 0) {
        event.kind = EVENT_CANCEL_ASKED;
        live_happen(live, &event, NULL);
        return true;
    }
    event.kind = EVENT_ANSWERED;
    event.said_ms = said_ms;
    event.task = task ? run_task_find(live->run, slice_of(task)) : UINT32_MAX;
    if (!kind || strcmp(kind, "answer") != 0 || event.task == UINT32_MAX)
        return false;
    live_happen(live, &event, NULL);
    return true;
}

void host_deliver(struct host *host, const char *run, const json_t *message, int64_t said_ms)
{
    struct error err;
    struct live_run *live = live_find(host, run);
    if (!live && run_take_up(host, run, false, &err) != ERR_OK)
        host_log(host, run, SEAM_LOG_ERROR, "a message for it is lost: %s", err.text);
    else if (!live)
        live = live_find(host, run);
    if (live && !deliver(live, message, said_ms))
        host_log(host, run, SEAM_LOG_ERROR, "a message that means nothing to it");
    if (live)
        park_later(live);
}

/* A message may be for a run that this host has not taken up yet. */
static void take_message(void *user, const struct inbox_message *message)
{
    struct host *host = user;
    struct error err;
    json_t *json = NULL, *seen = NULL;
    if (json_read(message->body, LIMIT_PAYLOAD, &json, &err) != ERR_OK)
        host_log(host, message->run, SEAM_LOG_ERROR, "a message that is not JSON: %s", err.text);
    else if (inbox_see(journal_own_reader(host->journal), message->run, json, &seen, &err) !=
             ERR_OK)
        host_log(host, message->run, SEAM_LOG_ERROR, "a message for it is lost: %s", err.text);
    else if (strcmp(message->run, INBOX_HOST) == 0)
        faults_told(host, seen);
    else
        host_deliver(host, message->run, seen, message->at_ms);
    json_decref(seen);
    json_decref(json);
}

static void poll_inbox(uv_timer_t *timer)
{
    struct host *host = timer->data;
    if (!host->stopping)
        journal_inbox(host->journal, take_message, host);
}

/* ---- opening and closing ---- */

char *find_worker(const char *given)
{
    char path[4096];
    if (given)
        return xstrdup(given);
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return xasprintf("%s/seam-worker", path);
}

static enum error_code open_journal(struct host *host, struct error *reterr)
{
    AUTO(freep)
    char *path =
        host->options.in_memory ? NULL : roster_store(host->options.roster, host->options.store);
    host->options.in_memory = path == NULL;
    struct journal_options options = {
        .path = path,
        .durability = !path                           ? DURABILITY_MEMORY
                      : host->manifest->durable_steps ? DURABILITY_STEPS
                                                      : DURABILITY_EFFECTS,
        .restored = host->options.restored,
    };
    return journal_open(&options, &host->journal, reterr);
}

void network_follow(struct egress *egress, const struct manifest *manifest)
{
    egress_trust(egress, manifest->ca_file);
    egress_limit(egress, manifest->connections, manifest->connections_host);
}

enum error_code network_open(const struct manifest *manifest, struct egress **ret_egress,
                             struct error *reterr)
{
    enum error_code code = egress_new(ret_egress, reterr);
    if (code == ERR_OK)
        network_follow(*ret_egress, manifest);
    return code;
}

enum error_code network_check(const struct manifest *manifest, struct error *reterr)
{
    if (!manifest->ca_file || access(manifest->ca_file, R_OK) == 0)
        return ERR_OK;
    return error_set_errno(reterr, errno, "%s: /tls/ca_file: %s cannot be read", manifest->file,
                           manifest->ca_file);
}

static void watch(struct host *host, uv_poll_t *poll, int fd, uv_poll_cb readable)
{
    uv_poll_init(&host->loop, poll, fd);
    poll->data = host;
    uv_poll_start(poll, UV_READABLE, readable);
}

enum error_code host_open(const struct host_options *options, struct host **ret_host,
                          struct error *reterr)
{
    struct host *host = xcalloc(1, sizeof(*host));
    host->options = *options;
    host->manifest = options->roster->manifest;
    text_init(&host->scratch, SIZE_MAX / 2);
    host->payloads = payloads_new();
    host->vault = vault_new();
    uv_loop_init(&host->loop);
    clock_open(host);
    host->worker = find_worker(options->worker);
    slots_open(host);
    if (options->first)
        slots_expect(host, options->first);
    enum error_code code = open_journal(host, reterr);
    if (code == ERR_OK)
        code = hidden_open_keys(host, host->manifest, &host->seal, reterr);
    if (code == ERR_OK)
        code = purse_open(host, reterr);
    if (code == ERR_OK)
        code = faults_open(host, reterr);
    if (code == ERR_OK)
        code = options->stand_ins ? ERR_OK : network_check(host->manifest, reterr);
    if (code == ERR_OK)
        code = network_open(host->manifest, &host->egress, reterr);
    if (code != ERR_OK) {
        slots_close(host);
        slots_end(host);
        purse_close(host);
        faults_close(host);
        if (host->journal)
            journal_close(host->journal, NULL);
        payloads_free(host->payloads);
        vault_free(host->vault);
        text_done(&host->scratch);
        clock_close(host);
        uv_run(&host->loop, UV_RUN_NOWAIT);
        uv_loop_close(&host->loop);
        free(host->worker);
        free(host);
        return code;
    }
    host->shelf = shelf_new();
    watch(host, &host->journal_poll, journal_fd(host->journal), journal_readable);
    watch(host, &host->egress_poll, egress_fd(host->egress), egress_readable);
    uv_timer_init(&host->loop, &host->inbox_timer);
    host->inbox_timer.data = host;
    if (!host->options.in_memory && !host->options.stand_ins)
        uv_timer_start(&host->inbox_timer, poll_inbox, 0, INBOX_POLL_MS);
    uv_prepare_init(&host->loop, &host->idle);
    host->idle.data = host;
    uv_prepare_start(&host->idle, about_to_wait);
    speakers_open(host);
    slots_hold(host);
    reload_open(host);
    gates_open(host);
    park_open(host);
    *ret_host = host;
    return ERR_OK;
}

enum error_code host_close(struct host *host, struct error *reterr)
{
    host->stopping = true;
    relist_stop(host);
    reload_stop(host);
    slots_close(host);
    speakers_close(host);
    gates_close(host);
    park_close(host);
    outside_close(host);
    moments_close(host);
    uv_close((uv_handle_t *)&host->egress_poll, NULL); /* before its descriptor is another's */
    egress_free(host->egress);
    hooks_close(host); /* whose requests were told that they are aborted */
    journal_drain(host->journal);
    while (host->runs)
        live_free(host->runs);
    map_done(&host->by_name);
    pinned_done(host);
    shelf_free(host->shelf);
    contract_unref(host->call_schema);
    uv_close((uv_handle_t *)&host->journal_poll, NULL);
    uv_close((uv_handle_t *)&host->inbox_timer, NULL);
    uv_close((uv_handle_t *)&host->idle, NULL);
    clock_close(host);
    while (uv_run(&host->loop, UV_RUN_NOWAIT) != 0)
        ;
    enum error_code code = journal_close(host->journal, reterr);
    slots_end(host);
    uv_loop_close(&host->loop);
    if (host->failed && code == ERR_OK)
        code = error_set(reterr, host->failure.code, "%s", host->failure.text);
    purse_close(host);
    reload_close(host);
    faults_close(host);
    free(host->worker);
    free(host->accepted_by);
    text_done(&host->scratch);
    known_done(&host->known);
    decisions_done(&host->spare);
    vault_free(host->vault);
    payloads_free(host->payloads);
    free(host->prompt_key);
    free(host);
    return code;
}

void host_make_room(struct host *host)
{
    while (host->unsettled >= (size_t)host->manifest->runs && !host->stopping && !host->failed)
        uv_run(&host->loop, UV_RUN_ONCE);
}

enum error_code host_work(struct host *host, struct error *reterr)
{
    /* a run that was final when it was submitted may have stopped the loop before it began */
    while ((host->unsettled > 0 || host->hooks) && !host->stopping) {
        if (!host->options.stand_ins)
            uv_run(&host->loop, UV_RUN_DEFAULT);
        else if (!host_turn(host))
            return error_set(reterr, ERR_TIMEOUT,
                             "nothing is under way, and nothing is waited for");
    }
    if (host->failed)
        return error_set(reterr, host->failure.code, "%s", host->failure.text);
    return ERR_OK;
}

/* Where nothing but the disk ever wakes the loop, a barrier that is seen to be missing must not be
 * heard of before the loop waits for it: that would be for ever. So about_to_wait hears of none. */
bool host_turn(struct host *host)
{
    uv_run(&host->loop, UV_RUN_NOWAIT);
    if (host->barriers == 0)
        return clock_jump(host);
    journal_help(host->journal);
    journal_dispatch(host->journal);
    if (host->barriers > 0 && !host->stopping) {
        journal_press(host->journal);
        uv_run(&host->loop, UV_RUN_ONCE);
    }
    return true;
}

void host_stop(struct host *host)
{
    host->stopping = true;
    uv_stop(&host->loop);
}

void *host_loop(struct host *host)
{
    return &host->loop;
}

size_t host_run_count(const struct host *host)
{
    return host->unsettled;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a plugin, its public face, and its dispatch: one epoll of the way to the guest, the
 * worker's pidfd and output, and one timer that is set to the nearest thing due. What is put for
 * the guest leaves once per dispatch.
 */
#include "loader/library_internal.h"
#include "loader/plugin_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seam/plugin.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TAG_LINK, TAG_PROCESS, TAG_OUTPUT, TAG_TIMER, TAGS };
enum { OUTPUT_ROUNDS = 16, GENERATION_BITS = 20, CUT_GRACE_NS = 1000000000, FLUSH_EARLY = 4096 };

int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- start ---- */

static void watch(struct plugin *p, int fd, uint32_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};
    ASSERT(epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void set_timer(struct plugin *p)
{
    int64_t next = ladder_next_ns(p);
    if (next == 0 || (p->timer_ns != 0 && p->timer_ns <= next))
        return;
    p->timer_ns = next;
    struct itimerspec when = {
        .it_value = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000}};
    timerfd_settime(p->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void copy_card(struct plugin *p, const struct card *card)
{
    p->path = xstrdup(card->path);
    p->id = xstrdup(card->id);
    p->version = xstrdup(card->version);
    p->abi_minor = card->abi_minor;
    p->agent_count = (uint32_t)card->agent_count;
    p->from_config = card->from_config;
    if (card->from_config && card->agent_count > 0)
        p->described = json_incref(json_object_get(card->json, "agents"));
    p->agents = xcalloc(card->agent_count + 1, sizeof(*p->agents));
    for (size_t i = 0; i < card->agent_count; i++)
        p->agents[i] = (struct declared_agent){.name = xstrdup(card->agents[i].name),
                                               .effect = card->agents[i].effect,
                                               .flags = card->agents[i].flags};
}

static enum error_code open_events(struct plugin *p, struct error *reterr)
{
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (p->epoll < 0 || p->timer < 0)
        return error_set_errno(reterr, errno, "cannot make the events of a plugin");
    watch(p, p->timer, TAG_TIMER);
    return ERR_OK;
}

static enum error_code open_same(const char *path, const struct card *card,
                                 struct library *ret_library, struct error *reterr)
{
    enum error_code code = library_open(path, ret_library, reterr);
    if (code != ERR_OK || digest_equal(&ret_library->digest, &card->library))
        return code;
    library_done(ret_library);
    return error_set(reterr, ERR_CONFLICT,
                     "%s is not the file any more that was checked (cure: read its card again)",
                     path);
}

static enum error_code start_guest(struct plugin *p, const struct card *card,
                                   const struct plugin_options *options, struct error *reterr)
{
    struct library library;
    struct error ignored;
    enum error_code code = ERR_NOT_FOUND;
    if (options->library)
        code = open_same(options->library, card, &library, &ignored);
    if (code != ERR_OK)
        code = open_same(card->path, card, &library, reterr);
    if (code != ERR_OK)
        return code;
    struct sandbox_plan strictest;
    sandbox_plan_init(&strictest);
    const struct sandbox_plan *plan = options->sandbox ? options->sandbox : &strictest;
    code = p->in_process ? in_process_start(p, library.fd, reterr)
                         : worker_start(&p->worker, options->worker, library.fd, plan,
                                        &p->link.socket, reterr);
    library_done(&library);
    return code;
}

static void dispose(struct plugin *p)
{
    for (uint32_t i = 0; i < p->agent_count; i++) {
        free(p->agents[i].name);
        free(p->agents[i].lost);
    }
    free(p->agents);
    json_decref(p->described);
    json_decref(p->said);
    free(p->path);
    free(p->id);
    free(p->version);
    free(p->config);
    free(p->refusal);
    free(p->death);
    calls_done(&p->calls);
    link_done(&p->link);
    worker_done(&p->worker);
    if (p->epoll >= 0)
        close(p->epoll);
    if (p->timer >= 0)
        close(p->timer);
    free(p);
}

enum error_code plugin_start(const struct card *card, const struct plugin_options *options,
                             const struct plugin_handlers *handlers, void *user,
                             struct plugin **ret_plugin, struct error *reterr)
{
    static atomic_uint_fast64_t generations;
    uint64_t generation = atomic_fetch_add(&generations, 1) + 1;
    if (generation >= 1u << GENERATION_BITS)
        return error_set(reterr, ERR_LIMIT, "plugins were started %llu times (cure: restart seam)",
                         (unsigned long long)generation);
    ASSERT(options->payload <= UINT32_MAX / 2 && options->max_concurrency > 0);
    struct plugin *p = xcalloc(1, sizeof(*p));
    p->handlers = *handlers;
    p->user = user;
    p->in_process = options->in_process;
    p->payload = options->payload;
    p->max_concurrency = options->max_concurrency;
    p->grace_ns = options->grace_ms * 1000000;
    p->config = xstrndup(options->config.len > 0 ? options->config.ptr : "{}",
                         options->config.len > 0 ? options->config.len : 2);
    p->config_len = strlen(p->config);
    log_lines_init(&p->lines, options->log_rate > 0 ? options->log_rate : LIMIT_LOG_LINES,
                   options->log_burst > 0 ? options->log_burst : LIMIT_LOG_LINES, clock_ns());
    p->epoll = p->timer = p->link.socket = -1;
    p->worker.pidfd = p->worker.output = -1;
    copy_card(p, card);
    calls_init(&p->calls, generation);
    enum error_code code = open_events(p, reterr);
    if (code == ERR_OK)
        code = start_guest(p, card, options, reterr);
    if (code != ERR_OK) {
        dispose(p);
        return code;
    }
    watch(p, link_fd(&p->link), TAG_LINK);
    p->wants = EPOLLIN;
    if (!p->in_process) {
        watch(p, p->worker.pidfd, TAG_PROCESS);
        watch(p, p->worker.output, TAG_OUTPUT);
    }
    int threads = p->max_concurrency < LIMIT_THREADS ? p->max_concurrency : LIMIT_THREADS;
    frame_write(
        &p->link.out,
        &(struct frame){.kind = FRAME_LOAD, .number = (uint32_t)threads, .other = p->payload});
    plugin_kick(p);
    p->load_due_ns =
        clock_ns() + (options->load_ms > 0 ? options->load_ms : LIMIT_LOAD_MS) * 1000000;
    p->describe_ns =
        (options->describe_ms > 0 ? options->describe_ms : LIMIT_DESCRIBE_MS) * 1000000;
    set_timer(p);
    *ret_plugin = p;
    return ERR_OK;
}

/* ---- calls ---- */

int plugin_fd(const struct plugin *p)
{
    return p->epoll;
}

/* Whoever does not read what it is told is not listened to, either. */
static void want_room(struct plugin *p)
{
    uint32_t wants = p->link.out.len > LIMIT_SEND_BACKLOG ? EPOLLOUT
                     : p->link.out.len > 0                ? EPOLLIN | EPOLLOUT
                                                          : EPOLLIN;
    if (p->wants == wants || p->link.socket < 0)
        return;
    p->wants = wants;
    struct epoll_event event = {.events = wants, .data.u32 = TAG_LINK};
    epoll_ctl(p->epoll, EPOLL_CTL_MOD, p->link.socket, &event);
}

void plugin_kick(struct plugin *p)
{
    bool enough = p->link.out.len >= FLUSH_EARLY; /* to begin with, while the host goes on */
    if (enough || (p->in_process && !p->in_dispatch))
        link_flush(&p->link);
    if (!p->in_process && !p->in_dispatch)
        want_room(p);
}

size_t plugin_at_work(const struct plugin *p)
{
    return p->calls.under_way - (p->watching != 0);
}

static const struct declared_agent *find_agent(const struct plugin *p, const char *name,
                                               uint32_t *ret_index)
{
    for (uint32_t i = 0; i < p->agent_count; i++) {
        if (strcmp(p->agents[i].name, name) != 0)
            continue;
        *ret_index = i;
        return &p->agents[i];
    }
    return NULL;
}

uint64_t plugin_call(struct plugin *p, const struct plugin_call *call)
{
    uint32_t index = 0;
    ASSERT(find_agent(p, call->agent, &index));
    size_t size = call->input.len + call->key.len + call->feedback.len;
    if (size > UINT32_MAX / 2 || p->calls.line_bytes + size > LIMIT_LINE_BYTES)
        return 0;
    struct call *c = calls_open(&p->calls);
    if (!c)
        return 0;
    p->total++;
    uint64_t id = c->id;
    c->agent = index;
    c->attempt = call->attempt;
    if (call->deadline_ms >= 0) {
        c->deadline_ns = clock_ns() + call->deadline_ms * 1000000;
        calls_set_due(&p->calls, c, c->deadline_ns);
    }
    const struct slice parts[CALL_PARTS] = {call->input, call->key, call->feedback};
    if (p->agents[index].lost)
        ladder_refuse(p, c);
    else
        ladder_send_or_wait(p, c, parts);
    if (!p->in_dispatch)
        set_timer(p);
    return id;
}

void plugin_cancel(struct plugin *p, uint64_t id)
{
    struct call *c = calls_find(&p->calls, id);
    if (!c || (c->state != STATE_WAITING && c->state != STATE_UNDER_WAY))
        return;
    if (c->state == STATE_WAITING) {
        c->cancelled = true; /* ended by the next dispatch, as completed() comes from there alone */
        calls_set_due(&p->calls, c, 1);
    } else {
        ladder_stop_call(p, c);
    }
    if (!p->in_dispatch)
        set_timer(p);
}

void plugin_answer(struct plugin *p, uint64_t request, const struct plugin_answer *answer)
{
    if (p->stage == STAGE_ENDED || p->stage == STAGE_DYING)
        return;
    ASSERT(answer->body.len + answer->code.len <= UINT32_MAX / 2);
    p->requests -= p->requests > 0;
    frame_write(&p->link.out, &(struct frame){.kind = FRAME_ANSWER,
                                              .id = request,
                                              .status = answer->status,
                                              .effect = answer->effect,
                                              .number = answer->retry_after_ms,
                                              .parts = {answer->body, answer->code}});
    plugin_kick(p);
}

const struct sandbox_report *plugin_sandbox(const struct plugin *p)
{
    return p->confined ? &p->sandbox : NULL;
}

void plugin_end_call(struct plugin *p, struct call *c, struct call_result *result)
{
    result->call = c->id;
    if (!result->reason)
        result->reason = "";
    if (c->id == p->describing) {
        calls_close(&p->calls, c);
        described_end(p, result);
        return;
    }
    if (c->id == p->watching) {
        calls_close(&p->calls, c);
        described_change(p, result);
        return;
    }
    if (c->state == STATE_WAITING)
        calls_leave_line(&p->calls, c);
    bool runs_on = p->in_process && !result->reaped && result->end == CALL_TIMED_OUT;
    if (runs_on) {
        p->abandoned++;
        calls_set_due(&p->calls, c, 0);
        calls_move(&p->calls, c, STATE_ABANDONED);
    } else {
        calls_close(&p->calls, c);
    }
    p->handlers.completed(p->user, result);
}

/* ---- ends ---- */

static bool is_coming(const struct plugin *p)
{
    return p->stage == STAGE_LOADING || p->stage == STAGE_CREATING || p->stage == STAGE_DESCRIBING;
}

void plugin_serve(struct plugin *p)
{
    p->stage = STAGE_SERVING;
    p->load_due_ns = 0;
    p->handlers.ready(p->user, NULL);
}

void plugin_refuse(struct plugin *p, const struct error *err)
{
    if (!is_coming(p))
        return;
    p->stage = STAGE_REFUSED;
    p->load_due_ns = 0;
    if (!p->death)
        p->death = xstrdup(err->text);
    p->handlers.ready(p->user, err);
    ladder_end_all(p, p->death);
    if (p->in_process)
        frame_write(&p->link.out, &(struct frame){.kind = FRAME_STOP});
    else if (p->worker.pid > 0)
        worker_kill(&p->worker);
}

void plugin_kill(struct plugin *p, const char *format, ...)
{
    if (p->stage == STAGE_DYING || p->stage == STAGE_ENDED || p->stage == STAGE_REFUSED)
        return;
    char text[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    p->death = xstrdup(text);
    if (p->stage != STAGE_SERVING) {
        struct error err;
        error_set(&err, ERR_INPUT, "%s: while it was loaded, %s", p->path, text);
        plugin_refuse(p, &err);
        return;
    }
    p->stage = STAGE_DYING;
    if (p->in_process)
        ladder_end_all(p, p->death);
    else
        worker_kill(&p->worker);
}

static void log_line(void *user, struct slice line)
{
    struct plugin *p = user;
    hear_text(p, 0, SEAM_LOG_INFO, line);
}

void plugin_read_output(struct plugin *p)
{
    int64_t now_ns = clock_ns();
    if (now_ns >= p->output_window_ns) {
        p->output_window_ns = now_ns + LIMIT_OUTPUT_MS * (int64_t)1000000;
        p->output_bytes = 0;
    }
    bool paused = p->output_due_ns != 0;
    p->output_due_ns = 0;
    p->output_bytes += worker_read_output(&p->worker, false, log_line, p);
    if (p->output_bytes >= LIMIT_OUTPUT)
        p->output_due_ns = p->output_window_ns;
    struct epoll_event event = {.events = p->output_due_ns ? 0 : EPOLLIN, .data.u32 = TAG_OUTPUT};
    if (p->worker.output >= 0 && paused != (p->output_due_ns != 0))
        epoll_ctl(p->epoll, EPOLL_CTL_MOD, p->worker.output, &event);
}

/* The worker has ended. What it said before counts; then every call of it ends. */
static void reap(struct plugin *p)
{
    char how[64];
    if (p->worker.pid == 0 || !worker_reap(&p->worker, false, how))
        return;
    while (hear_some(p) == RECEIVED_SOME) {
    }
    for (int i = 0; i < OUTPUT_ROUNDS && p->worker.output >= 0; i++)
        worker_read_output(&p->worker, i + 1 == OUTPUT_ROUNDS, log_line, p);
    if (!p->death && !worker_unconfined(how))
        p->fault = PLUGIN_CRASHED;
    if (is_coming(p)) {
        struct error err;
        error_set(&err, ERR_INPUT,
                  "%s: its worker %s while the plugin was %s, so a constructor, "
                  "seam_plugin_v1(), create() or seam.describe/1 of it is at fault (cure: run the "
                  "worker's program "
                  "under a debugger, or ask the plugin's author; the host is not harmed)",
                  p->path, how,
                  p->stage == STAGE_LOADING    ? "loaded"
                  : p->stage == STAGE_CREATING ? "created"
                                               : "asked for its agents");
        plugin_refuse(p, &err);
    }
    if (!p->death) {
        p->crashes++;
        p->death = xasprintf("its worker %s", how);
    }
    p->stage = STAGE_ENDED;
    ladder_end_all(p, p->death);
    p->handlers.down(p->user, p->death);
}

/* ---- dispatch ---- */

static void dispatch(struct plugin *p, const bool came[TAGS])
{
    p->in_dispatch = true;
    if (came[TAG_LINK] && hear_some(p) == RECEIVED_END && !p->cut) {
        /* It is dying, and its end tells more, unless it does not come soon. */
        epoll_ctl(p->epoll, EPOLL_CTL_DEL, p->link.socket, NULL);
        p->cut = true;
        p->cut_due_ns = clock_ns() + CUT_GRACE_NS;
    }
    if (came[TAG_OUTPUT])
        plugin_read_output(p);
    if (came[TAG_TIMER]) {
        uint64_t expirations;
        (void)!read(p->timer, &expirations, sizeof(expirations));
        p->timer_ns = 0;
    }
    if (came[TAG_PROCESS]) {
        reap(p);
        if (p->stage == STAGE_ENDED)
            epoll_ctl(p->epoll, EPOLL_CTL_DEL, p->worker.pidfd, NULL);
    }
    ladder_expire(p, clock_ns());
    ladder_admit(p);
    link_flush(&p->link);
    want_room(p);
    set_timer(p);
    p->in_dispatch = false;
    if (p->free_later)
        plugin_free(p);
}

void plugin_dispatch(struct plugin *p)
{
    struct epoll_event events[TAGS];
    int count = epoll_wait(p->epoll, events, TAGS, 0);
    bool came[TAGS] = {false};
    for (int i = 0; i < count; i++)
        came[events[i].data.u32] = true;
    dispatch(p, came);
}

bool plugin_listen(struct plugin *p)
{
    static const bool came[TAGS] = {[TAG_LINK] = true};
    if (!p->in_process || p->in_dispatch || plugin_at_work(p) == 0 ||
        !memory_transport_look(p->link.memory))
        return false;
    dispatch(p, came);
    return true;
}

enum plugin_fault plugin_fault(const struct plugin *p)
{
    return p->fault;
}

size_t plugin_last_lines(const struct plugin *p, const char *ret_lines[static LIMIT_LOG_LAST])
{
    return log_lines_last(&p->lines, ret_lines);
}

struct plugin_counts plugin_counts(const struct plugin *p)
{
    return (struct plugin_counts){
        .under_way = plugin_at_work(p),
        .waiting = p->calls.waiting,
        .calls = p->total,
        .stale = p->stale,
        .crashes = p->crashes,
        .abandoned = p->abandoned,
        .pid = p->worker.pid,
    };
}

/* ---- the end ---- */

bool plugin_wait_for(struct plugin *p, int fd, int64_t until_ns)
{
    for (;;) {
        int64_t left_ns = until_ns - clock_ns();
        struct pollfd fds[] = {
            {.fd = fd, .events = POLLIN},
            {.fd = p->link.socket,
             .events = (short)(p->link.out.len > 0 ? POLLIN | POLLOUT : POLLIN)},
        };
        int found = poll(fds, 2, left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0);
        if (fds[0].revents)
            return true;
        if (found == 0 || left_ns <= 0)
            return false;
        if (fds[1].revents && link_receive(&p->link) == RECEIVED_END) {
            close(p->link.socket);
            p->link.socket = -1;
        }
        buffer_drop(&p->link.in, p->link.in.len);
        link_flush(&p->link);
    }
}

void plugin_give_up(struct plugin *p)
{
    if (p->worker.pid <= 0 || p->stage == STAGE_ENDED)
        return;
    p->stage = STAGE_DYING;
    worker_kill(&p->worker);
}

static void stop_worker(struct plugin *p)
{
    char how[64];
    bool dying = p->stage == STAGE_DYING || p->stage == STAGE_REFUSED;
    if (dying || !plugin_wait_for(p, p->worker.pidfd, clock_ns() + p->grace_ns))
        worker_kill(&p->worker);
    (void)worker_reap(&p->worker, true, how);
}

void plugin_stop(struct plugin *p)
{
    if (!p->stopped && p->stage != STAGE_ENDED && p->stage != STAGE_REFUSED)
        frame_write(&p->link.out, &(struct frame){.kind = FRAME_STOP});
    p->stopped = true;
    link_flush(&p->link);
}

void plugin_free(struct plugin *p)
{
    if (!p)
        return;
    if (p->in_dispatch) {
        p->free_later = true;
        return;
    }
    plugin_stop(p);
    if (p->in_process)
        in_process_stop(p);
    else if (p->worker.pid > 0)
        stop_worker(p);
    ladder_tell_dropped(p, clock_ns(), true);
    dispose(p);
}

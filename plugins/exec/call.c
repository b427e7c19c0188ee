/* SPDX-License-Identifier: Apache-2.0
 *
 * One call, on a thread of the pool: bytes to the program and from it, until it has ended and its
 * pipes are empty. Everything has a limit, and a program that reads nothing, prints for ever or
 * closes its pipes and stays is ended by its deadline all the same.
 *
 *     under way → ending [SIGTERM: deadline, cancelled, too much, wrong lines, stays on]
 *               → ended  [the keeper's pipe is closed]
 */
#include "exec.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 65536, DRAIN_MS = 200, LINGER_MS = 1000, BACKSTOP_MS = 50 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool buffer_add(struct buffer *buffer, const char *ptr, size_t len)
{
    if (buffer->len + len > buffer->room) {
        size_t room = (buffer->len + len) * 2;
        char *more = realloc(buffer->ptr, room);
        if (!more)
            return false;
        buffer->ptr = more;
        buffer->room = room;
    }
    if (len > 0)
        memcpy(buffer->ptr + buffer->len, ptr, len);
    buffer->len += len;
    return true;
}

void buffer_drop(struct buffer *buffer, size_t len)
{
    if (len > 0)
        memmove(buffer->ptr, buffer->ptr + len, buffer->len - len);
    buffer->len -= len;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- stderr ---- */

/* The last lines are kept for the message of a failure. */
static void end_line(struct call *call)
{
    struct buffer *line = &call->line, *last = &call->last;
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    if (line->len > 0) {
        call->host->log(call->host, call->id, SEAM_LOG_INFO, (seam_bytes){line->ptr, line->len});
        buffer_add(last, line->ptr, line->len);
        buffer_add(last, "\n", 1);
        while (last->len > EXEC_LAST) {
            const char *end = memchr(last->ptr, '\n', last->len);
            buffer_drop(last, end ? (size_t)(end - last->ptr) + 1 : last->len);
        }
    }
    line->len = 0;
    call->line_cut = false;
}

static void take_errors(struct call *call, const char *bytes, size_t len)
{
    for (size_t from = 0; from < len;) {
        const char *end = memchr(bytes + from, '\n', len - from);
        size_t part = end ? (size_t)(end - bytes) - from : len - from;
        size_t room = call->line_cut ? 0 : EXEC_LINE - call->line.len;
        buffer_add(&call->line, bytes + from, part < room ? part : room);
        call->line_cut |= part > room;
        from += part + (end != NULL);
        if (end)
            end_line(call);
    }
}

/* ---- what comes and goes ---- */

/* Whether there may be more at once. */
static bool read_some(struct call *call, int *fd, void (*take)(struct call *, const char *, size_t))
{
    char chunk[CHUNK];
    ssize_t got = *fd < 0 ? 0 : read(*fd, chunk, sizeof(chunk));
    if (got > 0)
        take(call, chunk, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        shut(fd);
    return got > 0;
}

static void stop(struct call *call, enum stop why)
{
    if (call->stop == STOP_NOT)
        call->stop = why;
}

static void take_output(struct call *call, const char *bytes, size_t len)
{
    if (call->stop == STOP_TOO_LARGE || call->stop == STOP_PROTOCOL)
        return; /* read on, so that it can end */
    bool kept = buffer_add(&call->from, bytes, len);
    if (kept && call->agent->lines && !lines_take(call))
        stop(call, STOP_PROTOCOL);
    else if (!kept || call->from.len > call->agent->output_limit)
        stop(call, STOP_TOO_LARGE);
}

static void take_news(struct call *call, const char *bytes, size_t len)
{
    struct news news;
    for (; len >= sizeof(news); bytes += sizeof(news), len -= sizeof(news)) {
        memcpy(&news, bytes, sizeof(news));
        if (call->news.kind != 'x')
            call->news = news;
    }
}

/* With lines, stdin stays open until the program has said its last word. */
static void write_some(struct call *call)
{
    struct program *p = &call->program;
    if (p->in < 0)
        return;
    ssize_t put = call->to.len > 0 ? write(p->in, call->to.ptr, call->to.len) : 0;
    if (put > 0)
        buffer_drop(&call->to, (size_t)put);
    bool broken = put < 0 && errno != EAGAIN && errno != EINTR;
    bool over = call->to.len == 0 && (!call->agent->lines || call->said != SAID_NOTHING);
    if (broken || over)
        shut(&p->in);
}

/* ---- to its end ---- */

struct course {
    int64_t due_ms;   /* when it is told to end; INT64_MAX: never */
    int64_t kill_ms;  /* when it is ended, if its keeper has not; INT64_MAX: not yet told */
    int64_t drain_ms; /* after its end: until when what it wrote is read */
};

static int wait_of(const struct call *call, const struct course *course)
{
    int64_t due = call->program.status < 0      ? course->drain_ms
                  : course->kill_ms < INT64_MAX ? course->kill_ms
                                                : course->due_ms;
    int64_t left = due == INT64_MAX ? -1 : due - now_ms();
    return due == INT64_MAX ? -1 : left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

static void look_at_time(struct call *call, struct course *course)
{
    int64_t now = now_ms();
    if (course->kill_ms < INT64_MAX) {
        if (now >= course->kill_ms)
            program_kill(&call->program);
        return;
    }
    if (call->said != SAID_NOTHING && course->due_ms > now + LINGER_MS)
        course->due_ms = now + LINGER_MS;
    if (now >= course->due_ms)
        stop(call, call->said == SAID_NOTHING ? STOP_TIMEOUT : STOP_LINGERS);
    if (call->stop == STOP_NOT)
        return;
    shut(&call->program.in);
    program_end(&call->program);
    course->kill_ms = now + call->agent->grace_ms + BACKSTOP_MS;
}

static void move(struct call *call, struct course *course)
{
    struct program *p = &call->program;
    struct pollfd events[] = {
        {.fd = p->in, .events = call->to.len > 0 ? POLLOUT : 0},
        {.fd = p->out, .events = POLLIN},
        {.fd = p->err, .events = POLLIN},
        {.fd = p->status, .events = POLLIN},
        {.fd = call->stop == STOP_CANCELLED ? -1 : call->wake, .events = POLLIN},
    };
    if (poll(events, 5, wait_of(call, course)) < 0)
        return;
    if (events[4].revents)
        stop(call, STOP_CANCELLED);
    if (events[0].revents)
        write_some(call);
    if (events[1].revents)
        read_some(call, &p->out, take_output);
    if (events[2].revents)
        read_some(call, &p->err, take_errors);
    if (events[3].revents && !read_some(call, &p->status, take_news) && p->status < 0)
        course->drain_ms = now_ms() + DRAIN_MS;
    if (call->agent->lines)
        write_some(call); /* what was answered, or that nothing more is */
}

static void run(struct call *call, int64_t due_ms)
{
    struct course course = {due_ms, INT64_MAX, INT64_MAX};
    struct program *p = &call->program;
    write_some(call);
    while (p->status >= 0) {
        move(call, &course);
        if (p->status >= 0)
            look_at_time(call, &course);
    }
    while ((p->out >= 0 || p->err >= 0) && now_ms() < course.drain_ms)
        move(call, &course);
    end_line(call);
    program_done(p);
}

/* ---- its surroundings ---- */

static char *entry(const char *format, const char *value, size_t len)
{
    char *made = NULL;
    const char *end = memchr(value, '\0', len);
    int count = (int)(end ? end - value : (ptrdiff_t)len);
    return asprintf(&made, format, count, value) < 0 ? NULL : made;
}

static char *entry_of(const char *name, int64_t number)
{
    char *made = NULL;
    return asprintf(&made, "%s=%" PRId64, name, number) < 0 ? NULL : made;
}

enum { ENTRIES = 5 };

static void fill_entries(char *made[ENTRIES], const struct call *call, const seam_call *asked,
                         int64_t left_ms)
{
    seam_bytes feedback = asked->feedback;
    made[0] = entry("SEAM_AGENT=%.*s", call->agent->name, strlen(call->agent->name));
    made[1] = entry_of("SEAM_ATTEMPT", asked->attempt);
    made[2] =
        entry("SEAM_IDEMPOTENCY_KEY=%.*s", asked->idempotency_key.ptr, asked->idempotency_key.len);
    made[3] = entry("SEAM_FEEDBACK=%.*s", feedback.ptr,
                    feedback.len < EXEC_FEEDBACK ? feedback.len : EXEC_FEEDBACK);
    made[4] = left_ms < INT64_MAX ? entry_of("SEAM_DEADLINE_MS", left_ms) : NULL;
}

static int start(struct call *call, const seam_call *asked, int64_t left_ms)
{
    const struct agent *agent = call->agent;
    char *made[ENTRIES], **env = calloc(agent->env_count + ENTRIES + 1, sizeof(*env));
    size_t count = agent->env_count;
    fill_entries(made, call, asked, left_ms);
    for (size_t i = 0; env && i < ENTRIES; i++)
        if (made[i])
            env[count++] = made[i];
    if (env && agent->env_count > 0)
        memcpy(env, agent->env, agent->env_count * sizeof(*env));
    int error = env ? program_start(&call->program, agent, env) : ENOMEM;
    for (size_t i = 0; i < ENTRIES; i++)
        free(made[i]);
    free(env);
    return error;
}

static int64_t time_left(const struct call *call, const seam_call *asked)
{
    int64_t left = INT64_MAX;
    if (asked->deadline_ns > 0) {
        uint64_t now = call->host->now_ns(call->host, SEAM_CLOCK_MONOTONIC);
        left = asked->deadline_ns > now ? (int64_t)(asked->deadline_ns - now) / 1000000 : 0;
    }
    return call->agent->timeout_ms >= 0 && call->agent->timeout_ms < left ? call->agent->timeout_ms
                                                                          : left;
}

seam_status call_run(struct call *call, const seam_call *asked)
{
    int64_t left_ms = time_left(call, asked);
    int64_t due_ms = left_ms < INT64_MAX ? now_ms() + left_ms : INT64_MAX;
    if (call->agent->lines)
        lines_greet(call, asked);
    else
        buffer_add(&call->to, asked->input.ptr, asked->input.len);
    int error = start(call, asked, left_ms);
    if (error) {
        call_complete_not_started(call, error);
    } else {
        if (call->host->cancelled(call->host, call->id))
            stop(call, STOP_CANCELLED); /* before it was in the list */
        run(call, due_ms);
        call_complete(call);
    }
    free(call->to.ptr);
    free(call->from.ptr);
    free(call->line.ptr);
    free(call->last.ptr);
    free(call->answer.ptr);
    return SEAM_OK;
}

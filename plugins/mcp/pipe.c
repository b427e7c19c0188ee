/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that is a program. It lives as long as the plugin, in the worker's sandbox, with a
 * process group and an environment of its own; what it prints beside the protocol is chatter.c's.
 * One thread reads its lines and puts each where it belongs: an answer to whoever waits for its id,
 * a report of progress to whoever it is of, what else the server asks to the one call that is under
 * way. What belongs to nobody is dropped.
 *
 *   no program → running   pipe_start
 *   running → ended        it closed its output, or sent what is no message   [reader]
 *   ended → running        the next call starts it again                      [pipe_start]
 */
#include "mcp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void pipe_init(struct pipe *pipe, struct server *server, const seam_host *host,
               const struct settings *settings)
{
    pthread_condattr_t monotonic;
    memset(pipe, 0, sizeof(*pipe));
    pipe->server = server;
    pipe->host = host;
    pipe->settings = settings;
    pipe->to = pipe->from = pipe->chatter.fd = -1;
    pthread_mutex_init(&pipe->lock, NULL);
    pthread_mutex_init(&pipe->saying, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pipe->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* ---- what comes ---- */

struct message *message_new(const char *bytes, size_t len)
{
    struct message *message = malloc(sizeof(*message) + len + 1);
    if (!message)
        return NULL;
    message->next = NULL;
    message->len = len;
    memcpy(message->bytes, bytes, len);
    message->bytes[len] = '\0';
    return message;
}

static void give(struct waiting *waiting, const char *bytes, size_t len)
{
    struct message *message = NULL;
    if (waiting->bytes + len <= BACKLOG_MAXIMUM && waiting->count < STREAM_MESSAGES)
        message = message_new(bytes, len);
    waiting->overflowed |= !message;
    if (!message)
        return;
    waiting->bytes += len;
    waiting->count++;
    *waiting->end = message;
    waiting->end = &message->next;
}

/* The one that waits for that id; else, if nobody said whose it is, the only one. */
static struct waiting *whose(struct pipe *pipe, seam_bytes id, bool anyone)
{
    int64_t number = -1;
    bool known = seam_json_integer(id, &number);
    for (struct waiting *w = pipe->waiting; known && w; w = w->next)
        if (w->id == (uint64_t)number)
            return w;
    return anyone && pipe->waiting && !pipe->waiting->next ? pipe->waiting : NULL;
}

static void refuse_request(struct pipe *pipe, seam_bytes id, const char *why)
{
    struct trouble ignored = {0};
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "jsonrpc", "2.0");
    seam_put_json(&out, "id", id);
    seam_put_object(&out, "error");
    seam_put_integer(&out, "code", -32601);
    seam_put_text(&out, "message", why);
    seam_put_end(&out);
    seam_put_end(&out);
    pipe_say(pipe, seam_written(&out), &ignored);
    seam_writer_done(&out);
}

static void answer_ping(struct pipe *pipe, seam_bytes id)
{
    struct trouble ignored = {0};
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "jsonrpc", "2.0");
    seam_put_json(&out, "id", id);
    seam_put_object(&out, "result");
    seam_put_end(&out);
    seam_put_end(&out);
    pipe_say(pipe, seam_written(&out), &ignored);
    seam_writer_done(&out);
}

static void sort_in(struct pipe *pipe, const char *line, size_t len)
{
    seam_bytes all = seam_json_parse((seam_bytes){line, len});
    seam_bytes id = seam_json_at(all, "/id"), method = seam_json_at(all, "/method");
    bool asks = method.len > 0 && id.len > 0;
    if (asks && seam_json_is(method, "ping")) {
        answer_ping(pipe, id);
        return;
    }
    if (seam_json_is(method, LIST_CHANGED))
        watch_changed(pipe->server);
    pthread_mutex_lock(&pipe->lock);
    struct waiting *waiting = NULL;
    if (method.len == 0)
        waiting = whose(pipe, id, false);
    else if (asks)
        waiting = whose(pipe, (seam_bytes){0}, true);
    else if (seam_json_is(method, "notifications/progress"))
        waiting = whose(pipe, seam_json_at(all, "/params/progressToken"), false);
    if (waiting)
        give(waiting, line, len);
    pthread_cond_broadcast(&pipe->news);
    pthread_mutex_unlock(&pipe->lock);
    if (asks && !waiting)
        refuse_request(pipe, id, "nothing can be asked now");
}

static void end_with(struct pipe *pipe, const char *reason)
{
    pthread_mutex_lock(&pipe->lock);
    if (!pipe->ended)
        snprintf(pipe->reason, sizeof(pipe->reason), "%s", reason);
    pipe->ended = true;
    pthread_cond_broadcast(&pipe->news);
    pthread_mutex_unlock(&pipe->lock);
}

struct gathered {
    char *bytes;
    size_t len, room;
};

static bool gather_room(struct gathered *gathered)
{
    if (gathered->room - gathered->len >= 4096)
        return true;
    size_t room = gathered->room ? gathered->room * 2 : 1 << 16;
    char *more = realloc(gathered->bytes, room);
    if (!more)
        return false;
    gathered->bytes = more;
    gathered->room = room;
    return true;
}

/* Whole lines are sorted in; the rest moves to the front. What begins as a message must be one;
 * what does not is chatter, and is dropped. NULL, or what is wrong. */
static const char *cut_lines(struct pipe *pipe, struct gathered *gathered, size_t searched)
{
    size_t from = 0;
    char *newline;
    while ((newline = memchr(gathered->bytes + searched, '\n', gathered->len - searched))) {
        size_t end = (size_t)(newline - gathered->bytes);
        seam_bytes line = {gathered->bytes + from, end - from};
        if (!seam_is_utf8(line))
            return "the server sent a message that is not UTF-8";
        if (line.len > 0 && line.ptr[0] == '{' && seam_json_parse(line).len == 0)
            return "the server sent a message that is not JSON, or is nested too deeply";
        if (line.len > 1)
            sort_in(pipe, line.ptr, line.len);
        from = searched = end + 1;
    }
    gathered->len -= from;
    memmove(gathered->bytes, gathered->bytes + from, gathered->len);
    return NULL;
}

/* Returns when there is something to be read of the protocol. */
static void await_bytes(struct pipe *pipe)
{
    for (;;) {
        struct pollfd waits[] = {{.fd = pipe->from, .events = POLLIN},
                                 chatter_waits(&pipe->chatter)};
        if (poll(waits, 2, -1) < 0)
            continue;
        if (waits[1].revents)
            chatter_move(&pipe->chatter);
        if (waits[0].revents)
            return;
    }
}

/* With its last words, for they most often say why. */
static void say_closed(struct pipe *pipe, char reason[static TEXT_MAX])
{
    chatter_finish(&pipe->chatter);
    seam_bytes last = chatter_end(&pipe->chatter);
    snprintf(reason, TEXT_MAX, "the server closed its output%s%.*s",
             last.len > 0 ? "; it said last: " : "", (int)last.len, last.ptr);
}

static void *read_lines(void *user)
{
    struct pipe *pipe = user;
    struct gathered gathered = {0};
    const char *reason = NULL;
    char closed[TEXT_MAX];
    for (;;) {
        if (gathered.len > MESSAGE_MAXIMUM) {
            reason = "the server sent a message of more than 8 MiB";
            break;
        }
        if (!gather_room(&gathered)) {
            reason = "there is no memory for the server's message";
            break;
        }
        size_t before = gathered.len;
        await_bytes(pipe);
        ssize_t got = read(pipe->from, gathered.bytes + before, gathered.room - before);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            say_closed(pipe, closed);
            reason = closed;
            break;
        }
        gathered.len += (size_t)got;
        const char *wrong = cut_lines(pipe, &gathered, before);
        if (wrong) {
            reason = wrong;
            break;
        }
    }
    free(gathered.bytes);
    end_with(pipe, reason);
    kill(-pipe->pid, SIGKILL);
    return NULL;
}

/* ---- start and end ---- */

static void set_apart(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

static int spawn(struct pipe *pipe, int input, int output, int errors)
{
    const struct settings *settings = pipe->settings;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, errors, 2);
    if (settings->folder)
        posix_spawn_file_actions_addchdir_np(&actions, settings->folder);
    set_apart(&attributes);
    int failed = posix_spawn(&pipe->pid, settings->command[0], &actions, &attributes,
                             settings->command, settings->environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The reader is at its end, or will be as soon as the program is. */
static void bury(struct pipe *pipe)
{
    if (pipe->pid > 0)
        kill(-pipe->pid, SIGKILL);
    if (pipe->reads)
        pthread_join(pipe->reader, NULL);
    if (pipe->pid > 0)
        waitpid(pipe->pid, NULL, 0);
    pthread_mutex_lock(&pipe->saying);
    pipe->reads = false;
    pipe->pid = 0;
    close_fd(&pipe->to);
    pthread_mutex_unlock(&pipe->saying);
    close_fd(&pipe->from);
    chatter_done(&pipe->chatter);
}

static bool start_program(struct pipe *pipe, struct trouble *trouble)
{
    int input[2] = {-1, -1}, output[2] = {-1, -1}, errors[2] = {-1, -1};
    int failed = pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0 ||
                         pipe2(errors, O_CLOEXEC) != 0
                     ? errno
                     : 0;
    if (!failed)
        failed = spawn(pipe, input[0], output[1], errors[1]);
    close_fd(&input[0]);
    close_fd(&output[1]);
    close_fd(&errors[1]);
    if (failed) {
        pipe->pid = 0;
        close_fd(&input[1]);
        close_fd(&output[0]);
        close_fd(&errors[0]);
        return trouble_set(trouble, SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "mcp.program",
                           "%s cannot be started: %s (cure: `grants.exec` and `grants.fs` of the "
                           "manifest must name it and what it is made of)",
                           pipe->settings->command[0], strerror(failed));
    }
    pipe->to = input[1];
    pipe->from = output[0];
    chatter_begin(&pipe->chatter, errors[0]);
    fcntl(pipe->to, F_SETFL, O_NONBLOCK);
    pipe->ended = false;
    if (pipe->starts++ > 0)
        watch_doubt(pipe->server);
    pipe->reads = pthread_create(&pipe->reader, NULL, read_lines, pipe) == 0;
    if (!pipe->reads) {
        bury(pipe);
        return trouble_set(trouble, SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "mcp.program",
                           "there is no thread to read what the server says");
    }
    return true;
}

bool pipe_start(struct pipe *pipe, struct trouble *trouble)
{
    bool runs = true;
    pthread_mutex_lock(&pipe->lock);
    if (pipe->pid > 0 && pipe->ended)
        bury(pipe); /* who has said that it ended takes the lock no more */
    if (pipe->pid == 0)
        runs = start_program(pipe, trouble);
    pthread_mutex_unlock(&pipe->lock);
    return runs;
}

void pipe_done(struct pipe *pipe)
{
    bury(pipe);
    pthread_cond_destroy(&pipe->news);
    pthread_mutex_destroy(&pipe->saying);
    pthread_mutex_destroy(&pipe->lock);
}

/* ---- what goes ---- */

static struct timespec time_of(uint64_t at_ns)
{
    return (struct timespec){.tv_sec = (time_t)(at_ns / 1000000000u),
                             .tv_nsec = (long)(at_ns % 1000000000u)};
}

/* A server that reads nothing for so long will not read at all. */
enum { WRITE_PATIENCE_MS = 10000, EARLY_NS = 100000000 };

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = write(fd, bytes, len);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            if (poll(&room, 1, WRITE_PATIENCE_MS) <= 0)
                return false;
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool pipe_say(struct pipe *pipe, seam_bytes message, struct trouble *trouble)
{
    pthread_mutex_lock(&pipe->saying);
    bool said = message.len > 0 && pipe->to >= 0 && write_all(pipe->to, message.ptr, message.len) &&
                write_all(pipe->to, "\n", 1);
    if (!said && pipe->pid > 0)
        kill(-pipe->pid,
             SIGKILL); /* half a line may have gone: what follows would be read wrongly */
    pthread_mutex_unlock(&pipe->saying);
    return said || trouble_set(trouble, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "mcp.program",
                               "the server does not read what it is sent");
}

/* ---- waiting ---- */

void pipe_wait_begin(struct pipe *pipe, struct waiting *waiting)
{
    waiting->first = NULL;
    waiting->end = &waiting->first;
    pthread_mutex_lock(&pipe->lock);
    waiting->next = pipe->waiting;
    pipe->waiting = waiting;
    pthread_mutex_unlock(&pipe->lock);
}

void pipe_wait_end(struct pipe *pipe, struct waiting *waiting)
{
    pthread_mutex_lock(&pipe->lock);
    for (struct waiting **at = &pipe->waiting; *at; at = &(*at)->next)
        if (*at == waiting) {
            *at = waiting->next;
            break;
        }
    pthread_mutex_unlock(&pipe->lock);
    for (struct message *message = waiting->first, *next; message; message = next) {
        next = message->next;
        free(message);
    }
    waiting->first = NULL;
}

size_t pipe_waiting(struct pipe *pipe)
{
    size_t count = 0;
    pthread_mutex_lock(&pipe->lock);
    for (struct waiting *w = pipe->waiting; w; w = w->next)
        count++;
    pthread_mutex_unlock(&pipe->lock);
    return count;
}

void pipe_wake(struct pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pthread_cond_broadcast(&pipe->news);
    pthread_mutex_unlock(&pipe->lock);
}

static struct message *take_first(struct waiting *waiting)
{
    struct message *message = waiting->first;
    waiting->first = message->next;
    if (!waiting->first)
        waiting->end = &waiting->first;
    waiting->bytes -= message->len;
    return message;
}

struct message *pipe_next(struct pipe *pipe, struct waiting *waiting, const struct caller *caller,
                          uint64_t until_ns, struct trouble *trouble)
{
    struct message *message = NULL;
    uint64_t due = until_ns && (!caller->deadline_ns || until_ns < caller->deadline_ns)
                       ? until_ns
                       : caller->deadline_ns;
    /* a little sooner than the host, which says less of what it was that did not come */
    struct timespec when = time_of(due > EARLY_NS ? due - EARLY_NS : due);
    pthread_mutex_lock(&pipe->lock);
    for (;;) {
        if (waiting->overflowed)
            trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.too-much",
                        "the server sends more than a call may bring");
        else if (waiting->first)
            message = take_first(waiting);
        else if (pipe->ended)
            trouble_set(trouble, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "mcp.program", "%s",
                        pipe->reason);
        else if (pipe->host->cancelled(pipe->host, caller->id))
            trouble_set(trouble, SEAM_E_CANCELLED, SEAM_EFFECT_UNKNOWN, "", "it was cancelled");
        else if ((due ? pthread_cond_timedwait(&pipe->news, &pipe->lock, &when)
                      : pthread_cond_wait(&pipe->news, &pipe->lock)) == ETIMEDOUT)
            trouble_set(trouble, SEAM_E_TIMEOUT, SEAM_EFFECT_UNKNOWN, "mcp.timeout",
                        "the server did not answer in time");
        if (message || trouble->status != SEAM_OK)
            break;
    }
    pthread_mutex_unlock(&pipe->lock);
    return message;
}

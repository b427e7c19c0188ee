/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives a plugin as its owner does: polls plugin_fd, dispatches, and keeps what the callbacks
 * said. Nothing sleeps: drive_until polls until a condition holds, and fails the test when it does
 * not within a bound that is never reached by a test that passes.
 */
#ifndef TESTS_LOADER_DRIVE_H
#define TESTS_LOADER_DRIVE_H

#include "loader/loader.h"
#include "unit.h"

#include <poll.h>
#include <seam/plugin.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum mode { IN_WORKER, IN_PROCESS, MODES };
enum { DRIVE_BOUND_MS = 30000, DRIVE_KEPT = 256, DRIVE_GRACE_MS = 300 };

#define PLUGIN_FILE(name) BUILD_ROOT "/tests/plugins/so/" name ".so"

struct drive_result {
    uint64_t call;
    enum call_end end;
    int32_t status;
    uint32_t effect;
    bool begun, reaped;
    size_t body_len;
    char body[128], code[64], reason[512];
};

struct drive_request {
    uint64_t call, request;
    char op[64], body[128];
};

struct drive {
    struct plugin *plugin;
    enum mode mode;
    unsigned ready, down, watched, changed;
    struct error refusal;
    char death[2048];
    struct drive_result results[DRIVE_KEPT];
    size_t count; /* of all results; the first DRIVE_KEPT are kept */
    struct drive_request requests[DRIVE_KEPT];
    size_t request_count, chunks, lines;
    char emitted[256], logged[65536];
    size_t logged_len;
    bool answers; /* requests at once, with their own body */
};

static void drive_copy(char *to, size_t size, struct slice from)
{
    size_t len = from.len < size - 1 ? from.len : size - 1;
    if (len > 0)
        memcpy(to, from.ptr, len);
    to[len] = '\0';
}

static void drive_ready(void *user, const struct error *err)
{
    struct drive *d = user;
    d->ready++;
    if (err)
        d->refusal = *err;
}

static void drive_completed(void *user, const struct call_result *r)
{
    struct drive *d = user;
    if (d->count < DRIVE_KEPT) {
        struct drive_result *kept = &d->results[d->count];
        *kept = (struct drive_result){.call = r->call,
                                      .end = r->end,
                                      .status = r->status,
                                      .effect = r->effect,
                                      .begun = r->begun,
                                      .reaped = r->reaped,
                                      .body_len = r->body.len};
        drive_copy(kept->body, sizeof(kept->body), r->body);
        drive_copy(kept->code, sizeof(kept->code), r->code);
        drive_copy(kept->reason, sizeof(kept->reason), slice_of(r->reason));
    }
    d->count++;
}

static void drive_requested(void *user, uint64_t call, uint64_t request, struct slice op,
                            struct slice body)
{
    struct drive *d = user;
    ck_assert_uint_lt(d->request_count, DRIVE_KEPT);
    struct drive_request *kept = &d->requests[d->request_count++];
    kept->call = call;
    kept->request = request;
    drive_copy(kept->op, sizeof(kept->op), op);
    drive_copy(kept->body, sizeof(kept->body), body);
    if (d->answers)
        plugin_answer(d->plugin, request, &(struct plugin_answer){.status = SEAM_OK, .body = body});
}

static void drive_emitted(void *user, uint64_t call, struct slice chunk)
{
    struct drive *d = user;
    ck_assert_uint_ne(call, 0);
    d->chunks++;
    size_t len = strlen(d->emitted);
    drive_copy(d->emitted + len, sizeof(d->emitted) - len, chunk);
}

static void drive_logged(void *user, uint64_t call, uint32_t level, struct slice text)
{
    struct drive *d = user;
    (void)call;
    ck_assert_uint_le(level, SEAM_LOG_ERROR);
    ck_assert(slice_valid_utf8(text));
    /* What a sanitizer finds in a worker stands in its output, and would be lost with it. */
    ck_assert_msg(!memmem(text.ptr, text.len, "WARNING: ThreadSanitizer", 24), "%s%.*s", d->logged,
                  (int)text.len, text.ptr);
    d->lines++;
    size_t left = sizeof(d->logged) - d->logged_len;
    d->logged_len +=
        (size_t)snprintf(d->logged + d->logged_len, left, "%.*s\n", (int)text.len, text.ptr);
    if (d->logged_len >= sizeof(d->logged))
        d->logged_len = sizeof(d->logged) - 1;
}

static void drive_down(void *user, const char *reason)
{
    struct drive *d = user;
    d->down++;
    drive_copy(d->death, sizeof(d->death), slice_of(reason));
}

static inline int64_t drive_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#define drive_until(d, condition)                                                                  \
    do {                                                                                           \
        int64_t drive_end_ = drive_now_ms() + DRIVE_BOUND_MS;                                      \
        while (!(condition)) {                                                                     \
            struct pollfd drive_fd_ = {.fd = plugin_fd((d)->plugin), .events = POLLIN};            \
            ck_assert_msg(drive_now_ms() < drive_end_, "never came: %s\nlog: %s", #condition,      \
                          (d)->logged);                                                            \
            poll(&drive_fd_, 1, 1000);                                                             \
            plugin_dispatch((d)->plugin);                                                          \
        }                                                                                          \
    } while (0)

static inline struct plugin_options drive_options(const struct card *card, enum mode mode)
{
    return (struct plugin_options){
        .in_process = mode == IN_PROCESS,
        .worker = BUILD_ROOT "/bin/seam-worker",
        .config = SLICE("{}"),
        .max_concurrency = card->max_concurrency,
        .grace_ms = DRIVE_GRACE_MS,
        .payload = 1 << 20,
    };
}

static void drive_watched(void *user, bool changed)
{
    struct drive *d = user;
    d->watched++;
    d->changed += changed;
}

static const struct plugin_handlers drive_handlers = {
    .ready = drive_ready,
    .watched = drive_watched,
    .completed = drive_completed,
    .requested = drive_requested,
    .emitted = drive_emitted,
    .logged = drive_logged,
    .down = drive_down,
};

static inline void drive_start_card(struct drive *d, const struct card *card, enum mode mode,
                                    const struct plugin_options *options)
{
    memset(d, 0, sizeof(*d));
    d->mode = mode;
    struct error err;
    ck_assert_msg(plugin_start(card, options, &drive_handlers, d, &d->plugin, &err) == ERR_OK, "%s",
                  err.text);
}

static inline struct card *drive_card(const char *file)
{
    struct card *card = NULL;
    struct error err = {.text = ""};
    ck_assert_msg(card_read(file, &card, &err) == ERR_OK, "%s", err.text);
    return card;
}

/* Starts a plugin and waits until it is ready, or was refused. */
static inline void drive_start(struct drive *d, const char *file, enum mode mode)
{
    AUTO(card_freep) struct card *card = drive_card(file);
    struct plugin_options options = drive_options(card, mode);
    drive_start_card(d, card, mode, &options);
    drive_until(d, d->ready > 0);
}

static inline void drive_start_good(struct drive *d, const char *file, enum mode mode)
{
    drive_start(d, file, mode);
    ck_assert_msg(d->refusal.code == ERR_OK, "%s", d->refusal.text);
}

static inline uint64_t drive_call(struct drive *d, const char *input, int64_t deadline_ms)
{
    uint64_t id = plugin_call(d->plugin, &(struct plugin_call){.agent = "act",
                                                               .attempt = 1,
                                                               .deadline_ms = deadline_ms,
                                                               .input = slice_of(input),
                                                               .key = SLICE("key"),
                                                               .feedback = SLICE("")});
    ck_assert_uint_ne(id, 0);
    return id;
}

/* The result of a call, which has ended, once. */
static inline struct drive_result *drive_result(struct drive *d, uint64_t call)
{
    struct drive_result *found = NULL;
    for (size_t i = 0; i < d->count && i < DRIVE_KEPT; i++) {
        if (d->results[i].call != call)
            continue;
        ck_assert_msg(!found, "a call ended twice");
        found = &d->results[i];
    }
    ck_assert_msg(found, "a call has no result");
    return found;
}

/* A worker that it killed is waited for; then everything is released. */
static inline void drive_done(struct drive *d)
{
    plugin_free(d->plugin);
    d->plugin = NULL;
}

#define EACH_MODE(mode) for (enum mode mode = IN_WORKER; mode < MODES; mode++)

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a guest that has been overwritten. First as frames: what is read lies inside the
 * bytes, and comes out the same when it is written; a part of a frame waits for the rest. Then as
 * what a worker says to its host, in each stage of a plugin's life: every call ends once, ready()
 * comes once at most, and what reaches the owner is text. The owner calls, cancels and answers from
 * within the callbacks. The first byte says the stage.
 */
#include "bytes.h"

#include "loader/plugin_internal.h"

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 32, MAXIMUM = 1 << 16, OPENED = 4 };

/* ---- frames ---- */

static void claim_frame(struct slice bytes, const struct frame *frame, size_t size)
{
    struct buffer out = {0};
    for (int i = 0; i < FRAME_PARTS; i++)
        CLAIM(frame->parts[i].len == 0 ||
                  (frame->parts[i].ptr >= bytes.ptr &&
                   frame->parts[i].ptr + frame->parts[i].len <= bytes.ptr + size),
              "part %d lies outside", i);
    frame_write(&out, frame);
    CLAIM(out.len == size && memcmp(buffer_bytes(&out), bytes.ptr, size) == 0,
          "a frame of kind %d is written otherwise than it came", frame->kind);
    buffer_done(&out);
}

static void read_frames(struct slice bytes)
{
    struct frame frame;
    size_t size;
    while (frame_read(bytes, MAXIMUM, &frame, &size) == FRAME_WHOLE) {
        CLAIM(size >= FRAME_HEAD && size <= bytes.len, "a frame of %zu bytes", size);
        claim_frame(bytes, &frame, size);
        size_t more;
        struct slice part = {bytes.ptr, size - 1};
        CLAIM(frame_read(part, MAXIMUM, &frame, &more) == FRAME_NONE, "a part is a whole");
        bytes = (struct slice){bytes.ptr + size, bytes.len - size};
    }
}

/* ---- a guest and its host ---- */

struct host {
    struct plugin *plugin;
    unsigned ready, down, opened;
    uint64_t calls[CALLS];
    unsigned ended[CALLS];
};

static void call_again(struct host *h)
{
    static const char *const agents[] = {"look", "book"};
    if (h->opened == CALLS)
        return;
    const struct plugin_call call = {.agent = agents[h->opened % 2],
                                     .attempt = 1,
                                     .deadline_ms = h->opened % 3 == 0 ? 60000 : -1,
                                     .input = SLICE("{}"),
                                     .key = SLICE("k"),
                                     .feedback = SLICE("")};
    uint64_t id = plugin_call(h->plugin, &call);
    CLAIM(id != 0, "no call could be opened");
    h->calls[h->opened++] = id;
}

static void on_ready(void *user, const struct error *err)
{
    struct host *h = user;
    h->ready++;
    if (err)
        claim_error(err->code, err);
}

static void on_completed(void *user, const struct call_result *r)
{
    struct host *h = user;
    unsigned found = 0;
    for (unsigned i = 0; i < h->opened; i++) {
        if (h->calls[i] != r->call)
            continue;
        h->ended[i]++;
        found++;
    }
    CLAIM(found == 1, "the end of a call that there is not");
    CLAIM(slice_valid_utf8(r->body) && slice_valid_utf8(r->code), "an answer that is not UTF-8");
    CLAIM(slice_valid_utf8(slice_of(r->reason)), "a reason that is not UTF-8");
    CLAIM(r->effect <= SEAM_EFFECT_UNKNOWN && r->status >= SEAM_OK, "effect %u, status %d",
          r->effect, r->status);
    CLAIM(r->begun || r->effect == SEAM_EFFECT_NONE, "not begun, and yet something was done");
    call_again(h);
}

static void on_requested(void *user, uint64_t call, uint64_t request, struct slice op,
                         struct slice body)
{
    struct host *h = user;
    CLAIM(slice_valid_utf8(op) && slice_valid_utf8(body), "a request that is not UTF-8");
    CLAIM(op.len <= LIMIT_NAME, "an operation of %zu bytes", op.len);
    plugin_answer(h->plugin, request, &(struct plugin_answer){.status = SEAM_OK, .body = body});
    if (body.len % 2 == 1)
        plugin_cancel(h->plugin, call);
}

static void on_emitted(void *user, uint64_t call, struct slice chunk)
{
    struct host *h = user;
    CLAIM(call != 0 && slice_valid_utf8(chunk), "a chunk that is not UTF-8");
    if (chunk.len > 100)
        call_again(h);
}

static void on_logged(void *user, uint64_t call, uint32_t level, struct slice text)
{
    (void)user, (void)call;
    CLAIM(level <= SEAM_LOG_ERROR && slice_valid_utf8(text), "a line that is not UTF-8");
    CLAIM(text.len <= LIMIT_LOG_LINE && !memchr(text.ptr, '\x1b', text.len), "a line of %zu bytes",
          text.len);
}

static void on_down(void *user, const char *reason)
{
    ((struct host *)user)->down++;
    CLAIM(slice_valid_utf8(slice_of(reason)), "a death that is not UTF-8");
}

static const struct plugin_handlers handlers = {.ready = on_ready,
                                                .completed = on_completed,
                                                .requested = on_requested,
                                                .emitted = on_emitted,
                                                .logged = on_logged,
                                                .down = on_down};

/* A plugin without a process: nothing to receive from, nothing to kill. */
static struct plugin *plugin_new(struct host *h, unsigned first)
{
    struct plugin *p = xcalloc(1, sizeof(*p));
    *p = (struct plugin){
        .handlers = handlers,
        .user = h,
        .path = xstrdup("p.so"),
        .id = xstrdup("p"),
        .version = xstrdup("1.0.0"),
        .agents = xcalloc(3, sizeof(*p->agents)),
        .agent_count = 2,
        .config = xstrdup("{}"),
        .config_len = 2,
        .payload = MAXIMUM,
        .max_concurrency = 2,
        .grace_ns = 1000000000,
        .stage = first & 1   ? STAGE_SERVING
                 : first & 2 ? STAGE_CREATING
                             : STAGE_LOADING,
        .link.socket = -1,
        .worker = {.pidfd = -1, .output = -1},
        .in_dispatch = true,
        .epoll = -1,
        .timer = -1,
    };
    p->agents[0] = (struct declared_agent){.name = xstrdup("look"), .effect = SEAM_READ};
    p->agents[1] = (struct declared_agent){.name = xstrdup("book"), .effect = SEAM_WRITE};
    calls_init(&p->calls, 1);
    return p;
}

/* As the owner does when the worker was reaped. */
static void end(struct host *h)
{
    struct plugin *p = h->plugin;
    if (!p->death)
        p->death = xstrdup("its worker ended");
    p->stage = STAGE_ENDED;
    while (p->calls.under_way + p->calls.waiting > 0)
        ladder_end_all(p, p->death);
    for (unsigned i = 0; i < h->opened; i++)
        CLAIM(h->ended[i] == 1, "call %u ended %u times", i, h->ended[i]);
    CLAIM(h->ready <= 1 && h->down == 0, "ready %u times, down %u times", h->ready, h->down);
    p->in_dispatch = false;
    plugin_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    /* Exactly as long as it is, so that what is read beyond its end is seen. */
    AUTO(freep) char *copy = xmalloc(size);
    memcpy(copy, data + 1, size - 1);
    read_frames((struct slice){copy, size - 1});

    struct host h = {0};
    h.plugin = plugin_new(&h, data[0]);
    for (int i = 0; i < OPENED; i++)
        call_again(&h);
    if (data[0] & 4)
        plugin_cancel(h.plugin, h.calls[1]);
    /* In two pieces, so that a frame that is not whole is met. */
    size_t first = (size - 1) / 2;
    buffer_add(&h.plugin->link.in, copy, first);
    (void)hear_some(h.plugin);
    buffer_add(&h.plugin->link.in, copy + first, size - 1 - first);
    (void)hear_some(h.plugin);
    ladder_admit(h.plugin);
    end(&h);
    return 0;
}

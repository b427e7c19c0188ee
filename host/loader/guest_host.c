/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of services that the plugin is given. Any thread may be in here, with any id and any
 * pointer's worth of nonsense in a reply: what a field says is looked at only if the struct covers
 * it, and what is too large is refused before it is copied.
 */
#include "base/limits.h"
#include "loader/guest_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void guest_breach(struct guest *g, uint64_t call, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    guest_end_call(g, &(struct frame){.kind = FRAME_BROKE, .id = call, .parts = {{text, used}}});
}

uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool readable(seam_bytes bytes)
{
    return bytes.ptr || bytes.len == 0;
}

static void host_complete(const struct seam_host *host, seam_id id, const seam_reply *reply)
{
    struct guest *g = host->ctx;
    if (!reply || !SEAM_HAS(reply, seam_reply, status)) {
        guest_breach(g, id, "it completed with a reply of no size; set .size = sizeof(seam_reply)");
        return;
    }
    struct frame frame = {.kind = FRAME_COMPLETE,
                          .id = id,
                          .other = monotonic_ns(),
                          .status = reply->status,
                          .effect = SEAM_EFFECT_UNKNOWN};
    seam_bytes body = {NULL, 0}, code = {NULL, 0};
    if (SEAM_HAS(reply, seam_reply, effect))
        frame.effect = reply->effect;
    if (SEAM_HAS(reply, seam_reply, retry_after_ms))
        frame.number = reply->retry_after_ms;
    if (SEAM_HAS(reply, seam_reply, body))
        body = reply->body;
    if (SEAM_HAS(reply, seam_reply, code))
        code = reply->code;
    if (!readable(body) || !readable(code)) {
        guest_breach(g, id, "it completed with a length but no bytes (ptr is NULL)");
    } else if (body.len > g->payload) {
        guest_breach(g, id,
                     "it answered %zu bytes; limits.payload of the manifest allows %zu: answer "
                     "less, or raise it",
                     body.len, g->payload);
    } else if (code.len > LIMIT_NAME) {
        guest_breach(g, id, "it answered with a code of %zu bytes; expected at most %u", code.len,
                     LIMIT_NAME);
    } else {
        frame.parts[0] = (struct slice){body.ptr, body.len};
        frame.parts[1] = (struct slice){code.ptr, code.len};
        guest_end_call(g, &frame);
    }
}

static bool is_over(struct guest *g, uint64_t id)
{
    pthread_mutex_lock(&g->lock);
    const struct guest_call *c = guest_call_find(g, id);
    bool over = !c || c->cancelled;
    uint64_t deadline_ns = c ? c->deadline_ns : 0;
    pthread_mutex_unlock(&g->lock);
    return over || (deadline_ns != 0 && monotonic_ns() >= deadline_ns);
}

static seam_status host_emit(const struct seam_host *host, seam_id id, seam_bytes chunk)
{
    struct guest *g = host->ctx;
    if (!readable(chunk))
        return SEAM_E_INPUT;
    if (chunk.len > g->payload) {
        guest_breach(g, id, "it emitted %zu bytes at once; the limit is %zu", chunk.len,
                     g->payload);
        return SEAM_E_INPUT;
    }
    if (!slice_valid_utf8((struct slice){chunk.ptr, chunk.len}))
        return SEAM_E_INPUT;
    if (is_over(g, id))
        return SEAM_E_CANCELLED;
    if (transport_backlog(g->transport) > LIMIT_EMIT_BACKLOG)
        return SEAM_E_BUSY;
    guest_send(g, &(struct frame){.kind = FRAME_EMIT, .id = id, .parts = {{chunk.ptr, chunk.len}}});
    return SEAM_OK;
}

static uint32_t host_cancelled(const struct seam_host *host, seam_id id)
{
    return is_over(host->ctx, id);
}

static uint64_t host_now_ns(const struct seam_host *host, uint32_t clock)
{
    (void)host;
    struct timespec now;
    if (clock == SEAM_CLOCK_MONOTONIC)
        return monotonic_ns();
    if (clock != SEAM_CLOCK_REALTIME)
        return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Whether this line may pass: LIMIT_LOG_LINES a second, and none while the host does not read.
 * *ret_dropped is how many lines before it did not. */
static bool admit_line(struct guest *g, unsigned *ret_dropped)
{
    bool backlog = transport_backlog(g->transport) > LIMIT_EMIT_BACKLOG;
    uint64_t second = monotonic_ns() / 1000000000u;
    pthread_mutex_lock(&g->lock);
    if (g->log_second != second) {
        g->log_second = second;
        g->log_lines = 0;
    }
    bool admitted = !backlog && g->log_lines < LIMIT_LOG_LINES;
    *ret_dropped = admitted ? g->log_dropped : 0;
    if (admitted) {
        g->log_lines++;
        g->log_dropped = 0;
    } else {
        g->log_dropped++;
    }
    pthread_mutex_unlock(&g->lock);
    return admitted;
}

void guest_tell_dropped(struct guest *g, unsigned dropped)
{
    if (dropped > 0)
        guest_send(g, &(struct frame){.kind = FRAME_DROPPED, .number = dropped});
}

void guest_log(struct guest *g, uint64_t call, uint32_t level, struct slice text)
{
    unsigned dropped;
    if (!admit_line(g, &dropped))
        return;
    guest_tell_dropped(g, dropped);
    size_t len = text.len < LIMIT_LOG_LINE ? text.len : LIMIT_LOG_LINE;
    guest_send(g, &(struct frame){
                      .kind = FRAME_LOG, .id = call, .number = level, .parts = {{text.ptr, len}}});
}

static void host_log(const struct seam_host *host, seam_id id, uint32_t level, seam_bytes text)
{
    if (readable(text))
        guest_log(host->ctx, id, level, (struct slice){text.ptr, text.len});
}

static const void *host_extension(const struct seam_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

void guest_host_init(struct guest *g)
{
    g->host = (struct seam_host){
        .size = sizeof(struct seam_host),
        .abi_minor = SEAM_ABI_MINOR,
        .ctx = g,
        .complete = host_complete,
        .emit = host_emit,
        .request = guest_request,
        .request_wait = guest_request_wait,
        .cancelled = host_cancelled,
        .now_ns = host_now_ns,
        .log = host_log,
        .extension = host_extension,
    };
}

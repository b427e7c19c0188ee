/* SPDX-License-Identifier: Apache-2.0
 *
 * http.open, http.read and http.close: an answer that is read as it comes, by a request that
 * changes nothing; one that may change the world goes by http.send, for its outcome is known only
 * when its answer is whole. The plugin pulls: what it does not read waits outside, and the other
 * side with it. Secrets are taken out of pieces as they are out of whole answers, and a character
 * is never cut.
 */
#include "base/limits.h"
#include "runtime/http_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The least that a read may ask for holds any character; PIECE is what it gets unless it says. */
enum { LEAST = 64, PIECE = 64 << 10 };

struct stream {
    struct stream *next, **back; /* of its call's */
    struct live_call *call;      /* NULL = the call has ended */
    struct live_run *live;
    struct slot *slot;
    uint32_t number;       /* by which the plugin names it            */
    uint64_t id;           /* of the request; 0 = nothing more comes  */
    uint64_t open_request; /* that waits for the head; 0 = it has it  */
    uint64_t read_request; /* that waits for bytes; 0 = none does     */
    size_t read_most;
    struct timer read_limit;
    struct text raw, clean; /* before and after secrets were looked for         */
    bool over;              /* nothing more comes                               */
    int32_t end_status;     /* then: SEAM_OK, or why it is not whole, in words: */
    char *end_reason;
    const char *end_code;
};

static void unlink_stream(struct stream *stream)
{
    if (!stream->call)
        return;
    *stream->back = stream->next;
    if (stream->next)
        stream->next->back = stream->back;
    stream->call = NULL;
    timer_stop(&stream->read_limit);
}

static void stream_free(struct stream *stream)
{
    unlink_stream(stream);
    text_done(&stream->raw);
    text_done(&stream->clean);
    free(stream->end_reason);
    free(stream);
}

/* Nobody reads on: it is freed now, or when its request is told. */
static void stream_drop(struct stream *stream)
{
    uint64_t id = stream->id;
    unlink_stream(stream);
    if (id)
        outside_abort(stream->live->host, id);
    else
        stream_free(stream);
}

void streams_end(struct live_call *call)
{
    while (call->streams)
        stream_drop(call->streams);
}

/* ---- reading ---- */

/* How many bytes of the front may be told so that no character is cut, though more may come. */
static size_t whole_characters(struct slice front)
{
    size_t len = front.len;
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)front.ptr[len - back];
        if ((c & 0xC0) == 0x80)
            continue;
        size_t needed = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
        return needed > back ? len - back : len;
    }
    return len;
}

static json_t *piece_json(struct slice piece, bool end)
{
    json_t *body = json_pack("{s:b}", "end", end);
    if (slice_valid_utf8(piece)) {
        json_object_set_new(body, "body", json_stringn(piece.ptr ? piece.ptr : "", piece.len));
        return body;
    }
    size_t room = sodium_base64_encoded_len(piece.len, sodium_base64_VARIANT_ORIGINAL);
    AUTO(freep) char *base64 = xmalloc(room);
    sodium_bin2base64(base64, room, (const unsigned char *)piece.ptr, piece.len,
                      sodium_base64_VARIANT_ORIGINAL);
    json_object_set_new(body, "body_base64", json_string(base64));
    return body;
}

/* All was told, and the stream is gone after it. */
static void tell_end(struct stream *stream, uint64_t request)
{
    if (stream->end_status == SEAM_OK)
        service_answer(stream->slot, request, SEAM_OK, SEAM_EFFECT_NONE,
                       piece_json(SLICE(""), true));
    else
        service_fail(stream->slot, request, stream->end_status, SEAM_EFFECT_NONE, stream->end_code,
                     "%s", stream->end_reason);
    stream_free(stream);
}

/* Answers the read that waits, if there is something to say. The stream may be gone after it. */
static void serve_read(struct stream *stream)
{
    struct host *host = stream->live->host;
    bool over = stream->over;
    if (!stream->read_request)
        return;
    if (!over && stream->clean.len < stream->read_most)
        outside_read(host, stream->id, LIMIT_STREAM_WINDOW, &stream->raw);
    vault_filter(host->vault, &stream->raw, over, &stream->clean);
    struct slice front = text_slice(&stream->clean);
    if (front.len > stream->read_most)
        front.len = stream->read_most;
    if (!over || front.len < stream->clean.len)
        front.len = whole_characters(front);
    if (front.len == 0 && !over)
        return;
    uint64_t request = stream->read_request;
    stream->read_request = 0;
    timer_stop(&stream->read_limit);
    if (front.len == 0) {
        tell_end(stream, request);
        return;
    }
    json_t *body = piece_json(front, false);
    stream->clean.len -= front.len;
    if (stream->clean.len > 0)
        memmove(stream->clean.ptr, stream->clean.ptr + front.len, stream->clean.len);
    service_answer(stream->slot, request, SEAM_OK, SEAM_EFFECT_NONE, body);
}

static void read_limit_passed(struct timer *timer)
{
    struct stream *stream = timer->data;
    uint64_t request = stream->read_request;
    stream->read_request = 0;
    service_fail(stream->slot, request, SEAM_E_TIMEOUT, SEAM_EFFECT_NONE, "nothing-yet",
                 "nothing came in the time that http.read/1 gave; the stream is still open");
}

static struct stream *find_stream(const struct live_call *call, uint64_t request, const char *op,
                                  const json_t *body)
{
    json_int_t number = json_integer_value(json_object_get(body, "stream"));
    for (struct stream *stream = call->streams; stream; stream = stream->next)
        if (stream->number == number && !stream->open_request)
            return stream;
    service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                 "%s: expected `stream`, the number of one that this call has opened and not read "
                 "to its end",
                 op);
    return NULL;
}

static bool read_number(const json_t *body, const char *name, json_int_t least, json_int_t *ret)
{
    const json_t *value = json_object_get(body, name);
    if (value)
        *ret = json_integer_value(value);
    return !value || (json_is_integer(value) && *ret >= least);
}

void stream_read_asked(struct live_call *call, uint64_t request, json_t *body)
{
    json_int_t most = PIECE, wait_ms = 0;
    struct stream *stream = find_stream(call, request, "http.read/1", body);
    if (!stream)
        return;
    if (stream->read_request || !read_number(body, "max_bytes", LEAST, &most) ||
        !read_number(body, "timeout_ms", 1, &wait_ms)) {
        service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                     "http.read/1: expected one read of a stream at a time, `max_bytes` of at "
                     "least %d and `timeout_ms` of at least 1",
                     LEAST);
        return;
    }
    stream->read_request = request;
    stream->read_most = (size_t)most < LIMIT_STREAM_WINDOW ? (size_t)most : LIMIT_STREAM_WINDOW;
    if (wait_ms > 0)
        timer_start(&stream->read_limit, read_limit_passed, wait_ms);
    serve_read(stream);
}

void stream_close_asked(struct live_call *call, uint64_t request, json_t *body)
{
    struct stream *stream = find_stream(call, request, "http.close/1", body);
    struct slot *slot = call->slot;
    if (!stream)
        return;
    uint64_t reading = stream->read_request;
    stream_drop(stream);
    if (reading)
        service_fail(slot, reading, SEAM_E_CANCELLED, SEAM_EFFECT_NONE, "closed",
                     "the stream was closed");
    service_answer(slot, request, SEAM_OK, SEAM_EFFECT_NONE, json_object());
}

/* ---- opening ---- */

static bool has_secrets(const struct stream *stream)
{
    return stream->slot->roster->entry->secret_count > 0;
}

/* A compressed body cannot be searched for secrets. */
static bool is_withheld(const struct stream *stream, const struct egress_answer *head)
{
    return !vault_empty(stream->live->host->vault) && has_secrets(stream) &&
           answer_is_encoded(head);
}

static void tell_open(struct stream *stream, const struct egress_answer *head)
{
    uint64_t request = stream->open_request;
    struct egress_answer bare = *head;
    bare.fate = FATE_ANSWERED;
    bare.body = SLICE("");
    struct hidden *hidden = hidden_new(stream->live->host, has_secrets(stream), &bare);
    stream->call->retry_after_ms = egress_retry_after(head, host_now(stream->live->host));
    stream->open_request = 0;
    if (is_withheld(stream, head)) {
        service_fail(stream->slot, request, SEAM_E_FAILED, SEAM_EFFECT_NONE, "http",
                     "the answer is compressed, and could not be searched for secrets");
        stream_drop(stream);
    } else {
        json_t *body = json_pack("{s:i, s:o, s:i}", "status", head->status, "headers",
                                 answer_headers(&hidden->answer), "stream", (int)stream->number);
        service_answer(stream->slot, request, SEAM_OK, SEAM_EFFECT_NONE, body);
    }
    hidden_free(hidden);
}

static void arrived(void *user, const struct egress_answer *head)
{
    struct stream *stream = user;
    if (!stream->call || stream->live->host->stopping)
        return;
    if (stream->open_request)
        tell_open(stream, head);
    else
        serve_read(stream);
}

static void keep_reason(struct stream *stream, const struct egress_answer *answer)
{
    struct egress_answer bare = *answer;
    bare.body = SLICE("");
    struct hidden *hidden = hidden_new(stream->live->host, has_secrets(stream), &bare);
    stream->end_reason = hidden->answer.reason ? xstrdup(hidden->answer.reason) : NULL;
    hidden_free(hidden);
}

static void ended(void *user, const struct egress_answer *answer)
{
    struct stream *stream = user;
    struct live_run *live = stream->live;
    bool whole = answer->fate == FATE_ANSWERED;
    stream->id = 0;
    if (stream->call && !live->host->stopping) {
        stream->over = true;
        stream->end_status = whole ? SEAM_OK : http_status_of(answer);
        stream->end_code = http_code_of(answer);
        text_add(&stream->raw, answer->body.ptr, answer->body.len);
        keep_reason(stream, answer);
    }
    if (!stream->over)
        stream_free(stream);
    else if (!stream->open_request)
        serve_read(stream);
    else if (whole)
        tell_open(stream, answer);
    else
        tell_end(stream, stream->open_request);
    live->transfers--;
    live_release(live);
}

static bool has_room(const struct live_call *call)
{
    size_t count = 0;
    for (const struct stream *stream = call->streams; stream; stream = stream->next)
        count++;
    return count < LIMIT_CALL_STREAMS;
}

static void open_stream(const struct send *send)
{
    struct live_call *call = send->call;
    AUTO(outgoing_done) struct outgoing out = {0};
    struct egress_request request = send_request(send, NULL, &out);
    struct error err;
    request.maximum = LIMIT_STREAM_BYTES;
    request.arrived = arrived;
    struct stream *stream = xcalloc(1, sizeof(*stream));
    stream->call = call;
    stream->live = call->live;
    stream->slot = call->slot;
    stream->number = ++call->stream_number;
    stream->open_request = send->request;
    stream->next = call->streams;
    stream->back = &call->streams;
    if (stream->next)
        stream->next->back = &stream->next;
    call->streams = stream;
    call->live->transfers++;
    text_init(&stream->raw, SIZE_MAX / 2);
    text_init(&stream->clean, SIZE_MAX / 2);
    timer_init(&stream->read_limit, call->live->host, stream);
    if (outside_send(call, &request, ended, stream, &stream->id, &err) != ERR_OK)
        ended(stream,
              &(struct egress_answer){.fate = FATE_UNSENT, .code = err.code, .reason = err.text});
}

void stream_open_asked(struct live_call *call, uint64_t request, json_t *body)
{
    struct send send = {.call = call, .request = request};
    struct error err;
    if (!send_read(&send, body, &err))
        service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                     "http.open/1: %s", err.text);
    else if (!has_room(call))
        service_fail(call->slot, request, SEAM_E_BUSY, SEAM_EFFECT_NONE, "streams",
                     "http.open/1: one call may have %u streams open (cure: read them to their "
                     "end, or http.close/1)",
                     LIMIT_CALL_STREAMS);
    else if (send_may_leave(&send)) {
        if (send.mutating || send.effect)
            service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "class",
                         "%s %s may change the world, and is sent by http.send/1; http.open/1 is "
                         "for what the grant names among its `reads`",
                         send.method, send.url.path);
        else
            open_stream(&send);
    }
    send_done(&send);
}

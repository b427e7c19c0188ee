/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are read as they come: http.open/1, http.read/1, http.close/1. For requests that
 * change nothing (GET, and what the grant names among its `reads`). Header only, C11 or C++17,
 * libc.
 *
 *     seam_stream stream = seam_stream_open(host, call->id, &request);
 *     for (seam_piece piece; seam_stream_next(host, call->id, &stream, &piece);)
 *         … piece.bytes, piece.len …
 *     if (stream.answer.status != SEAM_OK)
 *         return seam_end_stream(host, call->id, &stream);
 *     seam_stream_done(host, call->id, &stream);
 */
#ifndef SEAM_STREAM_H
#define SEAM_STREAM_H

#include <seam/sdk.h>

typedef struct seam_stream {
    seam_answer answer; /* of the last that was asked: SEAM_OK, or why the stream broke off */
    int status;         /* of HTTP; 0 = no answer began */
    int64_t number;     /* 0 = it is not open */
    seam_answer head;   /* what http.open/1 answered */
    seam_bytes headers; /* a JSON object, names in lower case; inside `head` */
    char *bytes;        /* of the piece that was read last */
} seam_stream;

/* Borrowed until the next piece is asked for. */
typedef struct seam_piece {
    const char *bytes;
    size_t len;
} seam_piece;

/* Sends, and waits for the head of the answer. request->effect must be NULL. End with
 * seam_stream_done() or seam_end_stream(), whatever came. */
static inline seam_stream seam_stream_open(const seam_host *host, seam_id call,
                                           const seam_http_request *request)
{
    seam_writer out = SEAM_WRITER;
    seam_stream stream;
    int64_t status = 0;
    memset(&stream, 0, sizeof(stream));
    seam_http_write(&out, request);
    stream.head = seam_ask_written_(host, call, "http.open/1", &out);
    if (stream.head.status != SEAM_OK) {
        stream.answer = stream.head;
        memset(&stream.head, 0, sizeof(stream.head));
        return stream;
    }
    seam_bytes all = seam_answer_body(&stream.head);
    stream.headers = seam_json_at(all, "/headers");
    if (seam_json_integer(seam_json_at(all, "/status"), &status))
        stream.status = (int)status;
    seam_json_integer(seam_json_at(all, "/stream"), &stream.number);
    return stream;
}

static inline seam_answer seam_stream_ask_(const seam_host *host, seam_id call, const char *op,
                                           int64_t number, uint32_t timeout_ms)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_integer(&out, "stream", number);
    if (timeout_ms > 0)
        seam_put_integer(&out, "timeout_ms", timeout_ms);
    seam_put_end(&out);
    return seam_ask_written_(host, call, op, &out);
}

/* Waits for the next bytes, at most so long (0 = as long as the call may): true, and there is at
 * least one. False at the end, and if stream->answer.status is not SEAM_OK: SEAM_E_TIMEOUT with the
 * code "nothing-yet" leaves the stream open, all else does not. */
static inline bool seam_stream_next_within(const seam_host *host, seam_id call, seam_stream *stream,
                                           uint32_t timeout_ms, seam_piece *piece)
{
    if (stream->number == 0)
        return false;
    free(stream->bytes);
    stream->bytes = NULL;
    seam_answer_done(&stream->answer);
    stream->answer = seam_stream_ask_(host, call, "http.read/1", stream->number, timeout_ms);
    seam_bytes all = seam_answer_body(&stream->answer), text = seam_json_at(all, "/body");
    bool good = stream->answer.status == SEAM_OK;
    if (!good || seam_json_true(seam_json_at(all, "/end"))) {
        if (strcmp(stream->answer.code, "nothing-yet") != 0)
            stream->number = 0;
        return false;
    }
    stream->bytes = text.len > 0 ? seam_json_text(text, &piece->len)
                                 : seam_json_base64(seam_json_at(all, "/body_base64"), &piece->len);
    piece->bytes = stream->bytes;
    return stream->bytes != NULL;
}

static inline bool seam_stream_next(const seam_host *host, seam_id call, seam_stream *stream,
                                    seam_piece *piece)
{
    return seam_stream_next_within(host, call, stream, 0, piece);
}

/* Closes the stream if it is still open, and frees what it holds. */
static inline void seam_stream_done(const seam_host *host, seam_id call, seam_stream *stream)
{
    if (stream->number != 0) {
        seam_answer closed = seam_stream_ask_(host, call, "http.close/1", stream->number, 0);
        seam_answer_done(&closed);
    }
    free(stream->bytes);
    seam_answer_done(&stream->answer);
    seam_answer_done(&stream->head);
    memset(stream, 0, sizeof(*stream));
}

/* Ends the call with what broke the stream off, or with a status of HTTP that is none of success;
 * nothing was changed by it. */
static inline seam_status seam_end_stream(const seam_host *host, seam_id call, seam_stream *stream)
{
    char message[80], code[32];
    snprintf(message, sizeof(message), "the other side answered with status %d", stream->status);
    snprintf(code, sizeof(code), "http.%d", stream->status);
    if (stream->answer.status != SEAM_OK)
        seam_complete_answer(host, call, &stream->answer);
    else
        seam_complete_error(host, call, seam_http_failure(stream->status), SEAM_EFFECT_NONE, code,
                            message);
    seam_stream_done(host, call, stream);
    return SEAM_OK;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that is reached over HTTP. Each request is one POST, answered by one JSON message or by
 * a stream of them. What reads is read as it comes (http.open/1), so that progress is seen and
 * nothing waits for an end that may not come; what may change the world is an effect, sent once and
 * answered whole (http.send/1), and a later attempt is given the stored answer. Redirects, private
 * networks and certificates are the host's to judge.
 */
#include "mcp.h"

void web_init(struct web *web, const struct settings *settings)
{
    memset(web, 0, sizeof(*web));
    web->settings = settings;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&web->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&web->lock, NULL);
}

void web_done(struct web *web)
{
    pthread_cond_destroy(&web->news);
    pthread_mutex_destroy(&web->lock);
}

uint64_t web_start(struct web *web)
{
    pthread_mutex_lock(&web->lock);
    uint64_t start = 1 + web->losses;
    pthread_mutex_unlock(&web->lock);
    return start;
}

/* ---- headers ---- */

enum { HEADER_ROOM = 2 * (WORDS_MAXIMUM + 24) + 1 };

struct header_list {
    char *list[HEADER_ROOM];
    size_t count;
};

static void header_add(struct header_list *headers, const char *name, const char *value)
{
    if (!value || headers->count + 2 >= HEADER_ROOM)
        return;
    headers->list[headers->count++] = strdup(name);
    headers->list[headers->count++] = strdup(value);
}

static void headers_done(struct header_list *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        free(headers->list[i]);
}

/* A value as the operator wrote it, with placeholders for its secrets; the caller frees. */
static char *fill_secrets(const struct caller *caller, const char *value, struct trouble *trouble)
{
    static const char opening[] = "${secret:";
    char *filled = strdup(value), *at;
    while (filled && (at = strstr(filled, opening))) {
        char *name = at + sizeof(opening) - 1, *end = strchr(name, '}');
        if (!end)
            break;
        *end = '\0';
        seam_secret secret = seam_secret_use(caller->host, caller->id, name);
        if (secret.answer.status != SEAM_OK) {
            trouble_answer(trouble, &secret.answer);
            seam_secret_done(&secret);
            free(filled);
            return NULL;
        }
        *at = '\0';
        size_t room = strlen(filled) + secret.placeholder.len + strlen(end + 1) + 1;
        char *next = malloc(room);
        if (next)
            snprintf(next, room, "%s%.*s%s", filled, (int)secret.placeholder.len,
                     secret.placeholder.ptr, end + 1);
        free(filled);
        filled = next;
        seam_secret_done(&secret);
    }
    return filled;
}

static bool collect_headers(struct exchange *exchange, const struct post *post,
                            struct header_list *headers, struct trouble *trouble)
{
    struct web *web = exchange->web;
    header_add(headers, "Accept", "application/json, text/event-stream");
    header_add(headers, "MCP-Protocol-Version", post->version);
    header_add(headers, "Mcp-Method", post->method);
    header_add(headers, "Mcp-Name", post->name);
    for (size_t i = 0; post->params && post->params[i]; i += 2)
        header_add(headers, post->params[i], post->params[i + 1]);
    pthread_mutex_lock(&web->lock);
    snprintf(exchange->session, sizeof(exchange->session), "%s", web->session);
    pthread_mutex_unlock(&web->lock);
    if (exchange->session[0])
        header_add(headers, "Mcp-Session-Id", exchange->session);
    char *const *said = web->settings->headers;
    for (size_t i = 0; said[i]; i += 2) {
        char *value = fill_secrets(exchange->caller, said[i + 1], trouble);
        header_add(headers, said[i], value);
        free(value);
    }
    return trouble->status == SEAM_OK;
}

/* ---- opening ---- */

static bool is_type(seam_bytes headers, const char *type)
{
    char *said = seam_json_text(seam_json_at(headers, "/content-type"), NULL);
    bool is = said && strncasecmp(said, type, strlen(type)) == 0;
    free(said);
    return is;
}

static void keep_session(struct exchange *exchange, seam_bytes headers)
{
    struct web *web = exchange->web;
    size_t len = 0;
    char *id = seam_json_text(seam_json_at(headers, "/mcp-session-id"), &len);
    pthread_mutex_lock(&web->lock);
    if (id && len < sizeof(web->session) && strlen(id) == len)
        snprintf(web->session, sizeof(web->session), "%s", id);
    pthread_mutex_unlock(&web->lock);
    free(id);
}

static bool open_read(struct exchange *exchange, const seam_http_request *request,
                      struct trouble *trouble)
{
    const struct caller *caller = exchange->caller;
    exchange->streams = true;
    exchange->stream = seam_stream_open(caller->host, caller->id, request);
    if (exchange->stream.answer.status != SEAM_OK)
        return trouble_answer(trouble, &exchange->stream.answer);
    exchange->events = is_type(exchange->stream.headers, "text/event-stream");
    keep_session(exchange, exchange->stream.headers);
    return true;
}

static bool open_effect(struct exchange *exchange, const seam_http_request *request,
                        const char *effect, struct trouble *trouble)
{
    const struct caller *caller = exchange->caller;
    exchange->whole = seam_http_effect(caller->host, caller->id, effect, request);
    if (exchange->whole.answer.status != SEAM_OK)
        return trouble_answer(trouble, &exchange->whole.answer);
    exchange->events = is_type(exchange->whole.headers, "text/event-stream");
    if (exchange->events && exchange->whole.body)
        seam_sse_feed(&exchange->sse, exchange->whole.body, exchange->whole.body_len);
    return true;
}

bool exchange_open(struct exchange *exchange, struct web *web, const struct caller *caller,
                   const struct post *post, struct trouble *trouble)
{
    struct header_list headers = {.count = 0};
    memset(exchange, 0, sizeof(*exchange));
    exchange->web = web;
    exchange->caller = caller;
    exchange->resumes = !post->method && !post->effect;
    exchange->version = post->version;
    seam_sse_init(&exchange->sse, post->effect ? SEAM_WRITER_MAXIMUM : MESSAGE_MAXIMUM);
    seam_http_request request = {.method = "POST",
                                 .url = web->settings->url,
                                 .json = post->body,
                                 .timeout_ms = post->timeout_ms};
    bool opened = collect_headers(exchange, post, &headers, trouble);
    request.headers = (const char *const *)headers.list;
    if (opened)
        opened = post->effect ? open_effect(exchange, &request, post->effect, trouble)
                              : open_read(exchange, &request, trouble);
    headers_done(&headers);
    return opened;
}

int exchange_status(const struct exchange *exchange)
{
    return exchange->streams ? exchange->stream.status : exchange->whole.status;
}

/* ---- reading ---- */

static struct message *message_of(struct exchange *exchange, const char *bytes, size_t len,
                                  struct trouble *trouble)
{
    if (++exchange->messages > STREAM_MESSAGES) {
        trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.too-much",
                    "the server sends more messages than a call may bring");
        return NULL;
    }
    if (!seam_is_utf8((seam_bytes){bytes, len})) {
        trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.message",
                    "the server sent a message that is not UTF-8");
        return NULL;
    }
    struct message *message = message_new(bytes, len);
    if (!message)
        trouble_set(trouble, SEAM_E_INTERNAL, SEAM_EFFECT_UNKNOWN, "mcp.memory", "no memory");
    return message;
}

/* The next piece, if there is one; false: the end, or trouble. */
static bool read_piece(struct exchange *exchange, seam_piece *piece, struct trouble *trouble)
{
    const struct caller *caller = exchange->caller;
    if (!exchange->streams)
        return false;
    bool more = seam_stream_next(caller->host, caller->id, &exchange->stream, piece);
    if (!more && exchange->stream.answer.status != SEAM_OK)
        trouble_answer(trouble, &exchange->stream.answer);
    return more;
}

/* What an event says of itself as the place to go on from. */
static void keep_place(struct exchange *exchange, seam_bytes id)
{
    bool plain = id.len < sizeof(exchange->last);
    for (size_t i = 0; plain && i < id.len; i++)
        plain = id.ptr[i] >= 0x20 && id.ptr[i] < 0x7F;
    snprintf(exchange->last, sizeof(exchange->last), "%.*s", plain ? (int)id.len : 0,
             id.len > 0 ? id.ptr : "");
}

static bool pause_before(const struct exchange *exchange)
{
    const struct caller *caller = exchange->caller;
    uint32_t ms = exchange->sse.retry_ms ? exchange->sse.retry_ms : RESUME_MS;
    return seam_sleep_ms(caller->host, caller->id, ms < RESUME_MOST_MS ? ms : RESUME_MOST_MS) ==
           SEAM_OK;
}

static seam_stream open_get(struct exchange *exchange, struct trouble *trouble)
{
    struct header_list headers = {.count = 0};
    struct post get = {.version = exchange->version};
    const struct caller *caller = exchange->caller;
    header_add(&headers, "Last-Event-ID", exchange->last[0] ? exchange->last : NULL);
    bool ready = collect_headers(exchange, &get, &headers, trouble);
    seam_http_request request = {.method = "GET",
                                 .url = exchange->web->settings->url,
                                 .headers = (const char *const *)headers.list};
    seam_stream stream = {.status = 0};
    if (ready)
        stream = seam_stream_open(caller->host, caller->id, &request);
    headers_done(&headers);
    return stream;
}

static bool is_events(const seam_stream *stream)
{
    return stream->status == 200 && is_type(stream->headers, "text/event-stream");
}

bool exchange_listen(struct exchange *exchange, struct web *web, const struct caller *caller,
                     const char *version, const char *last, struct trouble *trouble)
{
    *exchange = (struct exchange){.web = web,
                                  .caller = caller,
                                  .version = version[0] ? version : NULL,
                                  .streams = true,
                                  .events = true,
                                  .resumes = true,
                                  .listens = true};
    snprintf(exchange->last, sizeof(exchange->last), "%s", last ? last : "");
    seam_sse_init(&exchange->sse, MESSAGE_MAXIMUM);
    exchange->stream = open_get(exchange, trouble);
    if (exchange->stream.answer.status != SEAM_OK)
        return trouble_answer(trouble, &exchange->stream.answer);
    return is_events(&exchange->stream);
}

/* Streams of servers before the modern revision may be closed before the answer, and are taken up
 * again with a GET that names the last event. False: it cannot be, and what broke off stays so. */
static bool resume(struct exchange *exchange)
{
    struct trouble ignored = {0};
    const struct caller *caller = exchange->caller;
    const char *code = exchange->stream.answer.code;
    bool closed = exchange->stream.answer.status == SEAM_OK || strcmp(code, "cut-off") == 0;
    if (!exchange->resumes || !closed || !(exchange->last[0] || exchange->listens) ||
        exchange->resumed++ == RESUMES_MAXIMUM || !pause_before(exchange))
        return false;
    seam_stream stream = open_get(exchange, &ignored);
    if (!is_events(&stream)) {
        seam_stream_done(caller->host, caller->id, &stream);
        return false;
    }
    seam_stream_done(caller->host, caller->id, &exchange->stream);
    exchange->stream = stream;
    uint32_t retry_ms = exchange->sse.retry_ms;
    seam_sse_done(&exchange->sse);
    seam_sse_init(&exchange->sse, MESSAGE_MAXIMUM);
    exchange->sse.retry_ms = retry_ms;
    return true;
}

static struct message *next_event(struct exchange *exchange, struct trouble *trouble)
{
    seam_sse_event event;
    seam_piece piece;
    for (;;) {
        if (seam_sse_next(&exchange->sse, &event)) {
            if (event.id.len > 0)
                keep_place(exchange, event.id);
            if (event.data.len == 0 || strspn(event.data.ptr, " \t\n") == event.data.len)
                continue;
            return message_of(exchange, event.data.ptr, event.data.len, trouble);
        }
        if (exchange->sse.overflowed)
            trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.too-much",
                        "the server sent a message of more than 8 MiB");
        if (trouble->status != SEAM_OK)
            return NULL;
        struct trouble broken = {0};
        if (!read_piece(exchange, &piece, &broken)) {
            if (resume(exchange))
                continue;
            *trouble = broken;
            return NULL;
        }
        seam_sse_feed(&exchange->sse, piece.bytes, piece.len);
    }
}

static bool gather(struct exchange *exchange, const seam_piece *piece, struct trouble *trouble)
{
    size_t len = exchange->text_len + piece->len;
    if (len > MESSAGE_MAXIMUM)
        return trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.too-much",
                           "the server sent a message of more than 8 MiB");
    if (len > exchange->text_room) {
        size_t room = len * 2;
        char *more = realloc(exchange->text, room);
        if (!more)
            return trouble_set(trouble, SEAM_E_INTERNAL, SEAM_EFFECT_UNKNOWN, "mcp.memory",
                               "no memory");
        exchange->text = more;
        exchange->text_room = room;
    }
    memcpy(exchange->text + exchange->text_len, piece->bytes, piece->len);
    exchange->text_len = len;
    return true;
}

static struct message *whole_body(struct exchange *exchange, struct trouble *trouble)
{
    seam_piece piece;
    if (exchange->over)
        return NULL;
    exchange->over = true;
    if (!exchange->streams)
        return exchange->whole.body_len > 0
                   ? message_of(exchange, exchange->whole.body, exchange->whole.body_len, trouble)
                   : NULL;
    while (read_piece(exchange, &piece, trouble))
        if (!gather(exchange, &piece, trouble))
            return NULL;
    return trouble->status == SEAM_OK && exchange->text_len > 0
               ? message_of(exchange, exchange->text, exchange->text_len, trouble)
               : NULL;
}

struct message *exchange_next(struct exchange *exchange, struct trouble *trouble)
{
    return exchange->events ? next_event(exchange, trouble) : whole_body(exchange, trouble);
}

void exchange_close(struct exchange *exchange)
{
    const struct caller *caller = exchange->caller;
    if (exchange->streams)
        seam_stream_done(caller->host, caller->id, &exchange->stream);
    else
        seam_http_done(&exchange->whole);
    seam_sse_done(&exchange->sse);
    free(exchange->text);
}

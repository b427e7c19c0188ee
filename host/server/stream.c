/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs followed as they happen: server-sent events, each with the number of its record as its id,
 * until the run has ended. A stream reads from the journal when its reader has room, and only what
 * is on disk: so a slow reader costs one piece of text, whatever happens to the run meanwhile, and
 * whoever comes back with Last-Event-ID goes on where it was, after a crash of this host too.
 *
 * What agents say while they work is told between those, without an id, for it is nowhere kept: to
 * whoever is there, and as much as waits for a reader that is slow; what it takes no time to read
 * is lost from the middle, and counted.
 *
 *   FOLLOWING → waits, suspended, when the disk has nothing new     [read_more]
 *   waiting → FOLLOWING when the run has gone on, or as a sign of life   [tick, streams_sweep]
 *
 * All that wait are woken by one timer, and each by a sign of life at times: libmicrohttpd 0.9.75
 * may overlook a connection while others are suspended.
 */
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>

/* A piece is read when the one before has been taken. */
enum { PIECE = 64 << 10 };

/* A run that is followed. */
struct watch {
    char *run;
    uint64_t known; /* its last record; the disk may not have it yet */
    struct stream *streams;
};

struct stream {
    struct stream *next, **back;             /* of the server's */
    struct stream *next_watch, **back_watch; /* of the run's */
    struct server *server;
    struct request *request;
    struct watch *watch;
    uint64_t seq; /* the last record that is in the piece, or was */
    struct text piece;
    size_t taken;
    struct text said;    /* by agents, to be told; LIMIT_STREAM_SAID */
    uint64_t said_bytes; /* of their words that are in it, or were left out */
    bool waiting, ended, broken;
    int64_t spoke_ms;
};

/* ---- what is said ---- */

static bool add_event(void *user, uint64_t seq, json_t *record_taken)
{
    struct stream *stream = user;
    if (stream->piece.len >= PIECE) {
        json_decref(record_taken);
        return false;
    }
    text_addf(&stream->piece, "id: %llu\ndata: ", (unsigned long long)seq);
    event_text(seq, record_taken, &stream->piece);
    text_adds(&stream->piece, "\n\n");
    stream->seq = seq;
    stream->server->counts.events++;
    return true;
}

static void end_with(struct stream *stream, const char *event, const char *key, const char *value)
{
    json_t *data = json_pack("{s:s}", key, value);
    AUTO(freep) char *text = json_dumps(data, JSON_COMPACT);
    text_addf(&stream->piece, "event: %s\ndata: %s\n\n", event, text);
    json_decref(data);
    stream->ended = true;
}

/* What waits gives way to what is new. */
static void add_said(struct stream *stream, const struct run *run, struct said said)
{
    AUTO(text_done) struct text event;
    text_init(&event, SIZE_MAX / 2);
    for (bool fits = false; !fits;) {
        json_t *data = report_said(run, &said);
        text_clear(&event);
        text_adds(&event, "event: partial\ndata: ");
        json_write(data, &event);
        text_adds(&event, "\n\n");
        json_decref(data);
        fits = stream->said.len == 0 || stream->said.len + event.len <= LIMIT_STREAM_SAID;
        if (!fits) {
            said.lost += stream->said_bytes;
            stream->said_bytes = 0;
            text_clear(&stream->said);
        }
    }
    text_add(&stream->said, event.ptr, event.len);
    stream->said_bytes += said.lost + said.text.len;
}

static void tell_said(struct stream *stream)
{
    text_add(&stream->piece, text_str(&stream->said), stream->said.len);
    text_clear(&stream->said);
    stream->said_bytes = 0;
}

/* The next piece; none if there is nothing to say yet. */
static void read_more(struct stream *stream)
{
    struct journal_reader *reader = host_reader(stream->server->host);
    struct journal_run run;
    struct error err;
    text_clear(&stream->piece);
    stream->taken = 0;
    enum error_code code = journal_find(reader, stream->watch->run, &run, &err);
    uint64_t last = code == ERR_OK ? run.last_seq : stream->seq;
    bool final =
        code == ERR_OK && strcmp(run.status, "running") != 0 && strcmp(run.status, "waiting") != 0;
    AUTO(freep) char *status = code == ERR_OK ? xstrdup(run.status) : NULL;
    if (code == ERR_OK && stream->seq < last)
        code = run_records(reader, stream->watch->run, stream->seq + 1, add_event, stream, &err);
    if (stream->seq >= last)
        tell_said(stream); /* and so before an end */
    if (code != ERR_OK)
        end_with(stream, "error", "detail", err.text);
    else if (final && stream->seq >= last)
        end_with(stream, "end", "status", status);
    else if (stream->server->state == SERVER_DRAINING && stream->broken)
        end_with(stream, "stopping", "detail",
                 "the server stops; come back with Last-Event-ID when it is up again");
    if (stream->piece.len == 0 && steady_ms() - stream->spoke_ms >= LIMIT_STREAM_ALIVE_MS)
        text_adds(&stream->piece, ": alive\n\n");
}

static ssize_t read_stream(void *user, uint64_t position, char *buffer, size_t most)
{
    struct stream *stream = user;
    (void)position;
    if (stream->taken == stream->piece.len) {
        if (stream->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        read_more(stream);
    }
    size_t left = stream->piece.len - stream->taken, length = left < most ? left : most;
    if (length == 0) {
        stream->waiting = true;
        MHD_suspend_connection(stream->request->client->connection);
        return 0;
    }
    memcpy(buffer, stream->piece.ptr + stream->taken, length);
    stream->taken += length;
    stream->spoke_ms = steady_ms();
    return (ssize_t)length;
}

/* ---- waking ---- */

static void wake(struct stream *stream)
{
    if (!stream->waiting)
        return;
    stream->waiting = false;
    MHD_resume_connection(stream->request->client->connection);
    http_pump(stream->server);
}

/* Those whose run has gone on look at the disk; until they have seen all of it, again. */
static void tick(uv_timer_t *timer)
{
    struct server *server = timer->data;
    bool behind = false;
    for (struct stream *stream = server->streams; stream; stream = stream->next) {
        if (stream->seq >= stream->watch->known)
            continue;
        behind = true;
        wake(stream);
    }
    if (!behind)
        uv_timer_stop(timer);
}

void streams_hear(struct server *server, const struct run *run)
{
    struct watch *watch =
        server->stream_count ? map_get(&server->watches, slice_of(run_id(run))) : NULL;
    if (!watch)
        return;
    watch->known = run_seq(run);
    if (!uv_is_active((const uv_handle_t *)&server->tick))
        uv_timer_start(&server->tick, tick, TICK_MS, TICK_MS);
}

bool streams_follow(const struct server *server, const struct run *run)
{
    return server->stream_count > 0 && map_get(&server->watches, slice_of(run_id(run)));
}

void streams_said(struct server *server, const struct run *run, const struct said *said)
{
    struct watch *watch = map_get(&server->watches, slice_of(run_id(run)));
    for (struct stream *stream = watch ? watch->streams : NULL; stream;
         stream = stream->next_watch) {
        add_said(stream, run, *said);
        wake(stream);
    }
}

void streams_sweep(struct server *server)
{
    int64_t now = steady_ms();
    for (struct stream *stream = server->streams; stream; stream = stream->next)
        if (now - stream->spoke_ms >= LIMIT_STREAM_ALIVE_MS)
            wake(stream);
}

void streams_close(struct server *server)
{
    for (struct stream *stream = server->streams; stream; stream = stream->next) {
        stream->broken = true;
        wake(stream);
    }
}

/* ---- coming and going ---- */

static struct watch *watch_of(struct server *server, const char *run, uint64_t known)
{
    struct watch *watch = map_get(&server->watches, slice_of(run));
    if (watch)
        return watch;
    watch = xcalloc(1, sizeof(*watch));
    watch->run = xstrdup(run);
    watch->known = known;
    map_put(&server->watches, slice_of(run), watch);
    return watch;
}

void stream_begin(struct request *request, uint64_t after)
{
    struct server *server = request->server;
    const char *id = request->target.id;
    const struct run *run = host_run(server->host, id);
    if (server->stream_count >= LIMIT_STREAMS) {
        reply_problem(request, 503,
                      "as many follow runs as the server allows (LIMIT_STREAMS); ask for pages "
                      "with ?after=, or try again");
        return;
    }
    struct stream *stream = xcalloc(1, sizeof(*stream));
    stream->server = server;
    stream->request = request;
    stream->seq = after;
    stream->spoke_ms = steady_ms();
    text_init(&stream->piece, SIZE_MAX / 2);
    text_init(&stream->said, SIZE_MAX / 2);
    text_adds(&stream->piece, "retry: 1000\n\n");
    stream->watch = watch_of(server, id, run ? run_seq(run) : 0);
    stream->next = server->streams;
    stream->back = &server->streams;
    if (stream->next)
        stream->next->back = &stream->next;
    server->streams = stream;
    stream->next_watch = stream->watch->streams;
    stream->back_watch = &stream->watch->streams;
    if (stream->next_watch)
        stream->next_watch->back_watch = &stream->next_watch;
    stream->watch->streams = stream;
    server->stream_count++;
    request->stream = stream;
    if (stream->seq < stream->watch->known && !uv_is_active((const uv_handle_t *)&server->tick))
        uv_timer_start(&server->tick, tick, TICK_MS, TICK_MS);
}

void stream_free(struct stream *stream)
{
    struct server *server = stream->server;
    struct watch *watch = stream->watch;
    if (!stream->ended)
        server->counts.dropped_streams++;
    *stream->back = stream->next;
    if (stream->next)
        stream->next->back = stream->back;
    *stream->back_watch = stream->next_watch;
    if (stream->next_watch)
        stream->next_watch->back_watch = stream->back_watch;
    server->stream_count--;
    if (!watch->streams) {
        map_take(&server->watches, slice_of(watch->run));
        free(watch->run);
        free(watch);
    }
    text_done(&stream->piece);
    text_done(&stream->said);
    free(stream);
}

enum MHD_Result stream_queue(struct request *request)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, PIECE / 4, read_stream, request->stream, NULL);
    ASSERT(response);
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "X-Accel-Buffering", "no");
    enum MHD_Result queued = http_queue(request->client->connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

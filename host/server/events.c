/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened to a run, record by record, as the journal has it on disk: in pages, or as a stream
 * for whoever accepts text/event-stream. The number of a record is the id of its event; what
 * follows a number is the same whoever asks and however often.
 */
#include "server/server_internal.h"

#include "document/document.h"

#include <string.h>

void event_text(uint64_t seq, json_t *record_taken, struct text *out)
{
    size_t before = out->len;
    const json_t *event = json_object_get(record_taken, "event");
    json_t *told = json_pack("{s:I, s:O, s:O*}", "seq", (json_int_t)seq, "event", event,
                             "decisions", json_object_get(record_taken, "decisions"));
    json_write(told, out);
    json_decref(told);
    if (out->len - before > LIMIT_EVENT) {
        int64_t bytes = (int64_t)(out->len - before);
        out->len = before;
        told = json_pack("{s:I, s:{s:O, s:O, s:O*}, s:[], s:I}", "seq", (json_int_t)seq, "event",
                         "kind", json_object_get(event, "kind"), "at_ms",
                         json_object_get(event, "at_ms"), "path", json_object_get(event, "path"),
                         "decisions", "withheld_bytes", (json_int_t)bytes);
        json_write(told, out);
        json_decref(told);
    }
    json_decref(record_taken);
}

struct page {
    struct text *out;
    int64_t most, count;
    uint64_t last;
};

static bool add_event(void *user, uint64_t seq, json_t *record_taken)
{
    struct page *page = user;
    if (page->count == page->most || page->out->len > LIMIT_EVENTS_BYTES) {
        json_decref(record_taken);
        return false;
    }
    if (page->count++ > 0)
        text_addc(page->out, ',');
    event_text(seq, record_taken, page->out);
    page->last = seq;
    return true;
}

static void reply_page(struct request *request, const struct journal_run *run, uint64_t after,
                       int64_t most)
{
    struct reply *reply = &request->reply;
    struct page page = {.out = &reply->body, .most = most, .last = after};
    struct error err;
    uint64_t last = run->last_seq;
    text_addf(page.out, "{\"run\":\"%s\",\"status\":\"%s\",\"events\":[", run->id, run->status);
    if (after < last && run_records(host_reader(request->server->host), request->target.id,
                                    after + 1, add_event, &page, &err) != ERR_OK) {
        reply_error(request, &err);
        return;
    }
    text_addf(page.out, "],\"next\":");
    if (page.last < last)
        text_addf(page.out, "%llu", (unsigned long long)page.last);
    else
        text_adds(page.out, "null");
    text_addf(page.out, ",\"last\":%llu}\n", (unsigned long long)last);
    reply->status = 200;
    reply->type = "application/json";
}

static bool wants_stream(const char *accept)
{
    return accept && strstr(accept, "text/event-stream") != NULL;
}

static void answer(struct request *request, int64_t after, int64_t most)
{
    struct journal_run run;
    const char *last_id = request->headers.last_id;
    bool stream = wants_stream(request->headers.accept);
    if (!run_find(request, &run))
        return;
    /* a browser that comes back asks by both: what it has seen since counts */
    if (stream && last_id && *last_id && !number_parse(last_id, &after)) {
        reply_problem(request, 400,
                      "Last-Event-ID is `%.40s`; expected the id of an event, or none", last_id);
        return;
    }
    if (after > (int64_t)run.last_seq) {
        reply_problem(request, 400,
                      "run %s has %llu events, and none is numbered %lld; ask from an earlier one "
                      "on, or from 0",
                      run.id, (unsigned long long)run.last_seq, (long long)after);
        return;
    }
    if (stream)
        stream_begin(request, (uint64_t)after);
    else
        reply_page(request, &run, (uint64_t)after, most);
}

void ask_events(struct request *request)
{
    enum { AFTER, LIMIT };
    static const char *const known[] = {"after", "limit", NULL};
    struct parameters parameters;
    struct error err;
    int64_t after = 0, most = 0;
    enum error_code code = parameters_parse(request->target.query, known, &parameters, &err);
    if (code != ERR_OK) {
        reply_problem(request, 400, "%s", err.text);
        return;
    }
    code = parameter_number(&parameters, AFTER, 0, INT64_MAX / 2, 0, &after, &err);
    if (code == ERR_OK)
        code = parameter_number(&parameters, LIMIT, 1, LIMIT_EVENTS_PAGE, LIMIT_EVENTS_PAGE, &most,
                                &err);
    if (code == ERR_OK)
        answer(request, after, most);
    else
        reply_problem(request, 400, "%s", err.text);
    parameters_done(&parameters);
}

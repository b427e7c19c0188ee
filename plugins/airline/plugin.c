/* SPDX-License-Identifier: Apache-2.0
 *
 * airline: books, finds out whether it booked, and cancels, over HTTP. It never tries anything
 * again: it says as exactly as it can what happened, and the host decides. What is not surely a
 * refusal and not surely a booking is "unknown", and find_booking is how the host learns more.
 */
#include "airline.h"

#include <stdlib.h>

static const char EFFECT[] = "book";

static seam_status fail(const struct airline *a, seam_id call, seam_status status, uint32_t effect,
                        const char *code, const char *what, int http_status)
{
    char message[200];
    snprintf(message, sizeof(message), "the airline %s (HTTP %d)", what, http_status);
    return seam_complete_error(a->host, call, status, effect, code, message);
}

/* Statuses by which the airline says no without having done anything; the card lists them too. */
static bool is_refusal(int status)
{
    return status == 400 || status == 402 || status == 404 || status == 422;
}

/* Too many at once: it is for the grant to say whether that proves that nothing was done. */
static seam_status come_back(const struct airline *a, seam_id call, const seam_http_response *got)
{
    return fail(a, call, SEAM_E_RATE_LIMITED, got->answer.effect, "airline.busy",
                "asks to come back later", got->status);
}

static seam_status complete_booking(const struct airline *a, seam_id call, seam_bytes booking)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_json(&out, "booking", booking);
    seam_put_end(&out);
    seam_complete_ok(a->host, call, SEAM_EFFECT_DONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

/* Says that the answer was understood, and stores what find_booking would find. If that fails the
 * call goes on: the host keeps the airline's answer and gives it to the next attempt's send. */
static void commit_booking(const struct airline *a, seam_id call, seam_bytes booking)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_json(&out, "booking", booking);
    seam_put_end(&out);
    if (seam_effect_commit(a->host, call, EFFECT, seam_written(&out)) != SEAM_OK)
        seam_log(a->host, call, SEAM_LOG_WARNING, "the booking could not be committed");
    seam_writer_done(&out);
}

/* An answer to POST /bookings, of whatever status. */
static seam_status read_booking(const struct airline *a, seam_id call,
                                const seam_http_response *got)
{
    if (is_refusal(got->status))
        return fail(a, call, SEAM_E_FAILED, SEAM_EFFECT_NONE, "airline.refused",
                    "refused the booking", got->status);
    if (got->status == 429)
        return come_back(a, call, got);
    if (got->status / 100 != 2)
        return fail(a, call, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "airline.unavailable",
                    "did not say whether it booked", got->status);
    seam_bytes booking = seam_json_at(got->json, "/booking");
    if (seam_json_kind_of(booking) != SEAM_JSON_STRING)
        return fail(a, call, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "airline.garbage",
                    "answered without a booking", got->status);
    commit_booking(a, call, booking);
    return complete_booking(a, call, booking);
}

static seam_status send_booking(const struct airline *a, const seam_call *call)
{
    char url[URL_SIZE];
    if (!airline_url(a, url, "/bookings", NULL, (seam_bytes){NULL, 0}))
        return seam_complete_error(a->host, call->id, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "",
                                   "the airline's URL is too long");
    seam_http_request request = {
        .method = "POST", .url = url, .json = call->input, .effect = EFFECT};
    seam_http_response got = seam_http_send(a->host, call->id, &request);
    seam_status ended = got.answer.status != SEAM_OK
                            ? seam_complete_answer(a->host, call->id, &got.answer)
                            : read_booking(a, call->id, &got);
    seam_http_done(&got);
    return ended;
}

static seam_status book(const struct airline *a, const seam_call *call)
{
    seam_effect effect = seam_effect_begin(a->host, call->id, EFFECT, call->input);
    seam_bytes booking = seam_json_at(effect.result, "/booking");
    seam_status ended;
    if (effect.answer.status != SEAM_OK)
        ended = seam_complete_answer(a->host, call->id, &effect.answer);
    else if (!effect.happened)
        ended = send_booking(a, call);
    else if (seam_json_kind_of(booking) == SEAM_JSON_STRING)
        ended = complete_booking(a, call->id, booking);
    else
        ended = seam_complete_error(a->host, call->id, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN,
                                    "airline.garbage", "the stored result holds no booking");
    seam_effect_done(&effect);
    return ended;
}

/* The bookings under the call's key: none is "not seen", for a late one may still come; one
 * happened; of two, which no key should make, a person must know. */
static seam_status tell_outcome(const struct airline *a, seam_id call, seam_bytes bookings)
{
    size_t count = 0;
    seam_bytes booking = {NULL, 0};
    seam_json_walk walk = seam_json_members(bookings);
    while (seam_json_next(&walk)) {
        booking = seam_json_at(walk.value, "/booking");
        count++;
    }
    bool happened = count == 1 && seam_json_kind_of(booking) == SEAM_JSON_STRING;
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "outcome", count == 0 ? "not_seen" : happened ? "happened" : "unknown");
    if (happened) {
        seam_put_object(&out, "result");
        seam_put_json(&out, "booking", booking);
        seam_put_end(&out);
    }
    seam_put_end(&out);
    seam_complete_ok(a->host, call, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

static seam_status find_booking(const struct airline *a, const seam_call *call)
{
    char url[URL_SIZE];
    if (!airline_url(a, url, "/bookings", "key", seam_json_at(call->input, "/key")))
        return seam_complete_error(a->host, call->id, SEAM_E_INPUT, SEAM_EFFECT_NONE, "",
                                   "the key is too long for a URL");
    seam_http_request request = {.method = "GET", .url = url};
    seam_http_response got = seam_http_send(a->host, call->id, &request);
    seam_bytes bookings = seam_json_at(got.json, "/bookings");
    seam_status ended;
    if (got.answer.status != SEAM_OK)
        ended = seam_complete_answer(a->host, call->id, &got.answer);
    else if (got.status == 429)
        ended = come_back(a, call->id, &got);
    else if (got.status != 200 || seam_json_kind_of(bookings) != SEAM_JSON_ARRAY)
        ended = fail(a, call->id, SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "airline.unavailable",
                     "did not list the bookings", got.status);
    else
        ended = tell_outcome(a, call->id, bookings);
    seam_http_done(&got);
    return ended;
}

/* Cancelling what is cancelled is the same again, so the class allows what the host may do. */
static seam_status cancel(const struct airline *a, const seam_call *call)
{
    char url[URL_SIZE];
    if (!airline_url(a, url, "/bookings/", NULL, seam_json_at(call->input, "/booking")))
        return seam_complete_error(a->host, call->id, SEAM_E_INPUT, SEAM_EFFECT_NONE, "",
                                   "the booking's name is too long for a URL");
    seam_http_request request = {.method = "DELETE", .url = url};
    seam_http_response got = seam_http_send(a->host, call->id, &request);
    seam_status ended;
    if (got.answer.status != SEAM_OK)
        ended = seam_complete_answer(a->host, call->id, &got.answer);
    else if (is_refusal(got.status))
        ended = fail(a, call->id, SEAM_E_FAILED, SEAM_EFFECT_NONE, "airline.refused",
                     "knows no such booking", got.status);
    else if (got.status / 100 != 2)
        ended = fail(a, call->id, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "airline.unavailable",
                     "did not say whether it cancelled", got.status);
    else
        ended = complete_booking(a, call->id, seam_json_at(call->input, "/booking"));
    seam_http_done(&got);
    return ended;
}

static seam_status start(void *self, const seam_call *call)
{
    static const struct {
        const char *name;
        seam_status (*run)(const struct airline *, const seam_call *);
    } all[] = {{"book", book}, {"find_booking", find_booking}, {"cancel", cancel}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (call->agent.len == strlen(all[i].name) &&
            memcmp(call->agent.ptr, all[i].name, call->agent.len) == 0)
            return all[i].run((const struct airline *)self, call);
    return SEAM_E_UNSUPPORTED;
}

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    struct airline *a = calloc(1, sizeof(*a));
    if (a == NULL || !airline_configure(a, config)) {
        seam_log(host, 0, SEAM_LOG_ERROR, "airline: url is missing or too long");
        free(a);
        return SEAM_E_INPUT;
    }
    a->host = host;
    *ret_self = a;
    return SEAM_OK;
}

static const seam_agent book_agent = SEAM_AGENT("book", SEAM_WRITE, SEAM_OPEN_WORLD);
static const seam_agent find_agent = SEAM_AGENT("find_booking", SEAM_READ, SEAM_OPEN_WORLD);
static const seam_agent cancel_agent =
    SEAM_AGENT("cancel", SEAM_WRITE_IDEMPOTENT, SEAM_DESTRUCTIVE | SEAM_OPEN_WORLD);
static const seam_agent *const agents[] = {&book_agent, &find_agent, &cancel_agent, NULL};

static const seam_plugin table = {
    .size = sizeof(seam_plugin),
    .id = "org.seam.airline",
    .version = "1.0.0",
    .agents = agents,
    .create = create,
    .start = start,
    .destroy = free,
};

SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &table;
}

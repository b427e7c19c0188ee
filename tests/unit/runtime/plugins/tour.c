/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that do five effects each, as an author writes them who thinks of no crash: `tour` by one
 * request a stop, `diary` by work of its own. Told to, they die after so many, once.
 */
#include <seam/sdk.h>

#include <signal.h>
#include <unistd.h>

enum { STOPS = 5, URL_SIZE = 400, NAME_SIZE = 24 };

struct trip {
    const seam_host *host;
    const seam_call *call;
    char url[URL_SIZE];
    seam_writer body; /* of the stop's order */
    seam_writer told; /* the stops so far */
};

static void trip_begin(struct trip *trip, const seam_host *host, const seam_call *call)
{
    char *url = seam_json_text(seam_json_at(call->input, "/url"), NULL);
    *trip = (struct trip){.host = host, .call = call, .body = SEAM_WRITER, .told = SEAM_WRITER};
    snprintf(trip->url, sizeof(trip->url), "%s/bookings", url ? url : "");
    free(url);
    seam_put_object(&trip->told, NULL);
    seam_put_integer(&trip->told, "attempt", call->attempt);
    seam_put_array(&trip->told, "stops");
}

static void trip_done(struct trip *trip)
{
    seam_writer_done(&trip->body);
    seam_writer_done(&trip->told);
}

/* The order of a stop, and the name of its effect. */
static seam_http_request order(struct trip *trip, int stop, char ret_name[static NAME_SIZE])
{
    char *reference = seam_json_text(seam_json_at(trip->call->input, "/reference"), NULL);
    char whole[128];
    snprintf(ret_name, NAME_SIZE, "stop-%d", stop);
    snprintf(whole, sizeof(whole), "%.100s/%d", reference ? reference : "", stop);
    free(reference);
    seam_writer_done(&trip->body);
    trip->body = (seam_writer)SEAM_WRITER;
    seam_put_object(&trip->body, NULL);
    seam_put_text(&trip->body, "offer", "o1");
    seam_put_integer(&trip->body, "passengers", 1);
    seam_put_text(&trip->body, "reference", whole);
    seam_put_end(&trip->body);
    return (seam_http_request){
        .method = "POST", .url = trip->url, .json = seam_written(&trip->body)};
}

static void tell(struct trip *trip, seam_bytes booking, bool again)
{
    seam_put_object(&trip->told, NULL);
    seam_put_json(&trip->told, "booking", booking);
    seam_put_boolean(&trip->told, "again", again);
    seam_put_end(&trip->told);
}

static void perhaps_die(const struct trip *trip, int done)
{
    int64_t after = -1;
    seam_json_integer(seam_json_at(trip->call->input, "/dies_after"), &after);
    if (trip->call->attempt == 1 && done == after)
        kill(getpid(), SIGKILL);
}

static seam_status end(struct trip *trip)
{
    seam_put_end(&trip->told);
    seam_put_end(&trip->told);
    return seam_complete_ok(trip->host, trip->call->id, SEAM_EFFECT_DONE,
                            seam_written(&trip->told));
}

/* ---- by requests ---- */

static seam_status tour(struct trip *trip)
{
    perhaps_die(trip, 0);
    for (int stop = 1; stop <= STOPS; stop++) {
        char name[NAME_SIZE];
        seam_http_request request = order(trip, stop, name);
        seam_http_response got = seam_http_effect(trip->host, trip->call->id, name, &request);
        if (!seam_http_ok(&got))
            return seam_end_http(trip->host, trip->call->id, &got);
        tell(trip, seam_json_at(got.json, "/booking"), got.replayed);
        seam_http_done(&got);
        perhaps_die(trip, stop);
    }
    return end(trip);
}

/* ---- by work of its own, which happens to be a request too ---- */

struct stop {
    struct trip *trip;
    seam_http_request request;
};

static uint32_t write_down(void *user, seam_deed *deed)
{
    struct stop *stop = user;
    const struct trip *trip = stop->trip;
    seam_http_response got = seam_http_send(trip->host, trip->call->id, &stop->request);
    bool ok = seam_http_ok(&got);
    seam_put_object(&deed->result, NULL);
    seam_put_json(&deed->result, "booking",
                  ok ? seam_json_at(got.json, "/booking") : seam_text("null"));
    seam_put_end(&deed->result);
    seam_http_done(&got);
    deed->status = SEAM_E_UNAVAILABLE;
    return ok ? SEAM_EFFECT_DONE : SEAM_EFFECT_UNKNOWN;
}

static seam_status diary(struct trip *trip)
{
    perhaps_die(trip, 0);
    for (int stop = 1; stop <= STOPS; stop++) {
        char name[NAME_SIZE];
        struct stop here = {trip, order(trip, stop, name)};
        seam_bytes what = here.request.json;
        here.request.effect = name;
        seam_effect done = seam_once(trip->host, trip->call->id, name, what, write_down, &here);
        if (done.answer.status != SEAM_OK)
            return seam_end_effect(trip->host, trip->call->id, &done);
        tell(trip, seam_json_at(done.result, "/booking"), done.happened);
        seam_effect_done(&done);
        perhaps_die(trip, stop);
    }
    return end(trip);
}

/* ---- what became of a stop ---- */

static seam_status find(struct trip *trip)
{
    char url[2 * URL_SIZE];
    char *base = seam_json_text(seam_json_at(trip->call->input, "/input/url"), NULL);
    char *key = seam_json_text(seam_json_at(trip->call->input, "/key"), NULL);
    snprintf(url, sizeof(url), "%s/bookings?key=%s", base ? base : "", key ? key : "");
    free(base);
    free(key);
    seam_http_request request = {.method = "GET", .url = url};
    seam_http_response got = seam_http_send(trip->host, trip->call->id, &request);
    if (!seam_http_ok(&got))
        return seam_end_http(trip->host, trip->call->id, &got);
    seam_bytes booking = seam_json_at(got.json, "/bookings/0/booking");
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "outcome", booking.len > 0 ? "happened" : "not_seen");
    if (booking.len > 0) {
        seam_put_object(&out, "result");
        seam_put_json(&out, "booking", booking);
        seam_put_end(&out);
    }
    seam_put_end(&out);
    seam_complete_ok(trip->host, trip->call->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    seam_http_done(&got);
    return SEAM_OK;
}

static seam_status start(void *self, const seam_call *call)
{
    static const struct {
        const char *name;
        seam_status (*run)(struct trip *trip);
    } all[] = {{"tour", tour}, {"diary", diary}, {"find", find}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct trip trip;
        if (call->agent.len != strlen(all[i].name) ||
            memcmp(call->agent.ptr, all[i].name, call->agent.len) != 0)
            continue;
        trip_begin(&trip, (const seam_host *)self, call);
        seam_status ended = all[i].run(&trip);
        trip_done(&trip);
        return ended;
    }
    return SEAM_E_UNSUPPORTED;
}

static const seam_agent tour_agent = SEAM_AGENT("tour", SEAM_WRITE, 0);
static const seam_agent diary_agent = SEAM_AGENT("diary", SEAM_WRITE, 0);
static const seam_agent find_agent = SEAM_AGENT("find", SEAM_READ, 0);
static const seam_agent *const agents[] = {&tour_agent, &diary_agent, &find_agent, NULL};

SEAM_PLUGIN("org.seam.test.tour", "1.0.0", agents, start)

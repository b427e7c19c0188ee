/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread per connection: an answer that is late on purpose holds its own thread and no other.
 * A request is read whole, turned into an order, given the next arrival number and that number's
 * fate; the fate says when the ledger hears of it and what the sender is told.
 */
#include "service.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BODY_MAXIMUM = 64 * 1024,
    FIELD_MAXIMUM = 16 * 1024,
    PASSENGERS_MAXIMUM = 9,
    CONNECTION_MAXIMUM = 4000,
    STACK_SIZE = 512 * 1024,
    IDLE_SECONDS = 60,
};

struct service {
    struct MHD_Daemon *daemon;
    struct ledger *ledger;
    uint16_t port;
    _Atomic int64_t next_arrival;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    /* guarded by lock */
    struct knobs knobs;
    bool stopping;
};

/* One request, from its first header to its answer. */
struct visit {
    char *body;
    size_t len;
    bool too_large;
};

static struct answer refusal(int status, const char *why)
{
    json_t *error = json_pack("{s:s}", "error", why);
    struct answer a = {.status = status, .body = json_dumps(error, JSON_COMPACT)};
    json_decref(error);
    return a;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(answer->body), answer->body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (answer->replayed)
        MHD_add_response_header(response, "Idempotency-Replayed", "true");
    if (answer->status == 429)
        MHD_add_response_header(response, "Retry-After", "1");
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* The delay is the behaviour asked for; stopping ends it. */
static void hold(struct service *s, int64_t delay_ms)
{
    if (delay_ms <= 0)
        return;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + delay_ms % 1000 * 1000000;
    until.tv_sec += delay_ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping && pthread_cond_timedwait(&s->stop, &s->lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&s->lock);
}

static bool is_text(const json_t *value, size_t minimum)
{
    return json_is_string(value) && json_string_length(value) >= minimum &&
           json_string_length(value) <= FIELD_MAXIMUM;
}

static const char *member(const json_t *body, const char *name)
{
    return json_string_value(json_object_get(body, name));
}

/* Fills the order from the request; a status other than 0 refuses it. */
static int read_booking(const json_t *body, struct order *o, const char **ret_why)
{
    const json_t *passengers = json_object_get(body, "passengers");
    const json_t *reference = json_object_get(body, "reference");
    if (!is_text(json_object_get(body, "offer"), 1) || !json_is_integer(passengers) ||
        (reference != NULL && !is_text(reference, 1))) {
        *ret_why = "expected {\"offer\": string, \"passengers\": integer, \"reference\"?: string}";
        return 400;
    }
    if (json_integer_value(passengers) < 1 || json_integer_value(passengers) > PASSENGERS_MAXIMUM) {
        *ret_why = "a booking seats 1 to 9 passengers";
        return 422;
    }
    o->kind = ORDER_BOOK;
    o->text = member(body, "offer");
    o->reference = reference == NULL ? "" : json_string_value(reference);
    o->count = json_integer_value(passengers);
    return 0;
}

static int read_mail(const json_t *body, struct order *o, const char **ret_why)
{
    if (!is_text(json_object_get(body, "to"), 1) || !is_text(json_object_get(body, "subject"), 1) ||
        !is_text(json_object_get(body, "body"), 0)) {
        *ret_why = "expected {\"to\": string, \"subject\": string, \"body\": string}";
        return 400;
    }
    if (strchr(member(body, "to"), '@') == NULL) {
        *ret_why = "the address has no @";
        return 422;
    }
    o->kind = ORDER_MAIL;
    o->to = member(body, "to");
    o->subject = member(body, "subject");
    o->text = member(body, "body");
    return 0;
}

static int read_issue(const json_t *body, struct order *o, const char **ret_why)
{
    if (!is_text(json_object_get(body, "title"), 1) || !is_text(json_object_get(body, "body"), 0) ||
        !is_text(json_object_get(body, "severity"), 1)) {
        *ret_why = "expected {\"title\": string, \"body\": string, \"severity\": string}";
        return 400;
    }
    o->kind = ORDER_FILE;
    o->subject = member(body, "title");
    o->text = member(body, "body");
    o->to = member(body, "severity");
    return 0;
}

/* The tracker wants to know who asks; any token will do. */
static int read_tracked(struct MHD_Connection *connection, const json_t *body, struct order *o,
                        const char **ret_why)
{
    const char *who = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    if (who == NULL || strncmp(who, "Bearer ", 7) != 0 || who[7] == '\0') {
        *ret_why = "expected Authorization: Bearer TOKEN";
        return 401;
    }
    if (strcmp(o->method, "DELETE") == 0 && strncmp(o->path, "/issues/", 8) == 0) {
        o->kind = ORDER_DELETE;
        o->text = o->path + 8;
        return 0;
    }
    if (strcmp(o->path, "/issues") == 0 && strcmp(o->method, "POST") == 0)
        return read_issue(body, o, ret_why);
    if (strcmp(o->path, "/issues") == 0 && strcmp(o->method, "GET") == 0) {
        o->kind = ORDER_ISSUES;
        o->key = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "key");
        return 0;
    }
    *ret_why = "there is nothing here";
    return 404;
}

static int read_order(struct MHD_Connection *connection, const json_t *body, struct order *o,
                      const char **ret_why)
{
    bool is_get = strcmp(o->method, "GET") == 0, is_post = strcmp(o->method, "POST") == 0;
    if (strncmp(o->path, "/issues", 7) == 0)
        return read_tracked(connection, body, o, ret_why);
    if (is_post && strcmp(o->path, "/bookings") == 0)
        return read_booking(body, o, ret_why);
    if (is_post && strcmp(o->path, "/mails") == 0)
        return read_mail(body, o, ret_why);
    if (is_get && strcmp(o->path, "/bookings") == 0) {
        o->kind = ORDER_FIND;
        o->key = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "key");
        o->reference = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "reference");
        *ret_why = "expected ?key= or ?reference=";
        return o->key == NULL && o->reference == NULL ? 400 : 0;
    }
    if (strcmp(o->method, "DELETE") == 0 && strncmp(o->path, "/bookings/", 10) == 0) {
        o->kind = ORDER_CANCEL;
        o->text = o->path + 10;
        return 0;
    }
    *ret_why = "there is nothing here";
    return 404;
}

static struct answer garbage(struct answer honest)
{
    free(honest.body);
    honest.body = strdup("<html>\xff{\"booking\": ");
    return honest;
}

/* What the fate makes of a good order. *ret_drop = close the connection without an answer. */
static struct answer meet_fate(struct service *s, const struct knobs *k, struct order *o,
                               bool *ret_drop)
{
    struct answer honest = {0};
    switch (o->fate) {
    case FATE_WELL:
    case FATE_REFUSED:
        return ledger_place(s->ledger, o);
    case FATE_ANSWER_LATE:
        honest = ledger_place(s->ledger, o);
        hold(s, k->answer_late_ms);
        return honest;
    case FATE_GARBAGE:
        return garbage(ledger_place(s->ledger, o));
    case FATE_FAIL_BEFORE:
        o->kind = ORDER_ARRIVAL;
        free(ledger_place(s->ledger, o).body);
        break;
    case FATE_BUSY:
        o->kind = ORDER_ARRIVAL;
        free(ledger_place(s->ledger, o).body);
        return refusal(429, "too many at once");
    case FATE_COMMIT_THEN_503:
    case FATE_COMMIT_THEN_DROP:
        free(ledger_place(s->ledger, o).body);
        break;
    case FATE_COMMIT_LATE_503:
    case FATE_COMMIT_LATE_DROP:
        ledger_place_late(s->ledger, o, k->late_ms);
        break;
    }
    *ret_drop = o->fate == FATE_COMMIT_THEN_DROP || o->fate == FATE_COMMIT_LATE_DROP;
    return refusal(503, "come back later");
}

static enum MHD_Result serve(struct service *s, struct MHD_Connection *connection,
                             const json_t *body, struct order *o)
{
    pthread_mutex_lock(&s->lock);
    struct knobs k = s->knobs;
    pthread_mutex_unlock(&s->lock);

    o->honour_key = k.honour_key;
    o->key = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Idempotency-Key");
    o->n = atomic_fetch_add(&s->next_arrival, 1);
    const char *why = NULL;
    bool drop = false;
    struct answer a;
    int status = read_order(connection, body, o, &why);
    if (status != 0) {
        o->kind = ORDER_ARRIVAL;
        o->fate = FATE_REFUSED;
        free(ledger_place(s->ledger, o).body);
        a = refusal(status, why);
    } else {
        o->fate = knobs_draw(&k, o->n, o->kind == ORDER_FIND || o->kind == ORDER_ISSUES);
        a = meet_fate(s, &k, o, &drop);
    }
    hold(s, k.latency_ms);
    if (drop) {
        free(a.body);
        return MHD_NO;
    }
    return send_answer(connection, &a);
}

static struct answer turn_knobs(struct service *s, const json_t *changes)
{
    char why[160];
    pthread_mutex_lock(&s->lock);
    bool turned = changes == NULL || knobs_set_json(&s->knobs, changes, why, sizeof(why));
    struct knobs now = s->knobs;
    pthread_mutex_unlock(&s->lock);
    if (!turned)
        return refusal(400, why);
    json_t *all = knobs_json(&now);
    struct answer a = {.status = 200, .body = json_dumps(all, JSON_COMPACT)};
    json_decref(all);
    return a;
}

static enum MHD_Result route(struct service *s, struct MHD_Connection *connection,
                             const char *method, const char *path, const struct visit *v)
{
    bool is_get = strcmp(method, "GET") == 0;
    struct answer a;
    if (v->too_large) {
        a = refusal(413, "a body is at most 64 KiB");
        return send_answer(connection, &a);
    }
    json_t *body = v->len == 0 ? NULL : json_loadb(v->body, v->len, JSON_REJECT_DUPLICATES, NULL);
    enum MHD_Result sent;
    if (is_get && strcmp(path, "/_stats") == 0) {
        a = ledger_place(s->ledger, &(struct order){.kind = ORDER_STATS});
        sent = send_answer(connection, &a);
    } else if (strcmp(path, "/_knobs") == 0 && (is_get || body != NULL)) {
        a = turn_knobs(s, is_get ? NULL : body);
        sent = send_answer(connection, &a);
    } else {
        struct order o = {.method = method, .path = path};
        sent = serve(s, connection, body, &o);
    }
    json_decref(body);
    return sent;
}

static void append(struct visit *v, const char *data, size_t len)
{
    if (v->too_large || len > BODY_MAXIMUM - v->len) {
        v->too_large = true;
        return;
    }
    char *larger = realloc(v->body, v->len + len);
    if (larger == NULL)
        abort();
    memcpy(larger + v->len, data, len);
    v->body = larger;
    v->len += len;
}

/* libmicrohttpd calls this once with the headers, once per piece of body, once at the end. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    (void)version;
    struct visit *v = *state;
    if (v == NULL) {
        *state = calloc(1, sizeof(struct visit));
        return *state == NULL ? MHD_NO : MHD_YES;
    }
    if (*upload_size > 0) {
        append(v, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return route(user, connection, method, url, v);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)user, (void)connection, (void)why;
    struct visit *v = *state;
    if (v != NULL)
        free(v->body);
    free(v);
    *state = NULL;
}

static struct MHD_Daemon *listen_on(struct service *s, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                                MHD_USE_POLL,
                            port, NULL, NULL, on_request, s,                           //
                            MHD_OPTION_SOCK_ADDR, (struct sockaddr *)(void *)&address, //
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTION_MAXIMUM, //
                            MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)1024,            //
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,     //
                            MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,          //
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,           //
                            MHD_OPTION_END);
}

struct service *service_start(struct ledger *ledger, const struct knobs *knobs, uint16_t port,
                              int64_t next_arrival)
{
    struct service *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->ledger = ledger;
    s->knobs = *knobs;
    atomic_init(&s->next_arrival, next_arrival);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->stop, &attr);
    pthread_condattr_destroy(&attr);
    s->daemon = listen_on(s, port);
    const union MHD_DaemonInfo *info =
        s->daemon == NULL ? NULL : MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        fprintf(stderr, "world: cannot listen on 127.0.0.1:%u\n", (unsigned)port);
        free(s);
        return NULL;
    }
    s->port = info->port;
    return s;
}

uint16_t service_port(const struct service *service)
{
    return service->port;
}

void service_stop(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    service->stopping = true;
    pthread_cond_broadcast(&service->stop);
    pthread_mutex_unlock(&service->lock);
    MHD_stop_daemon(service->daemon);
    pthread_cond_destroy(&service->stop);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The same trips without a host: a loop that tries again on any failure, as most programs do. It
 * books, mails, and with --done writes down what it saw succeed, so that started again after a kill
 * it redoes only what was not recorded. At its end it asks the world how often it did each thing.
 *
 *   naive --trips FILE.jsonl --url URL [--done FILE] [--timeout-ms N]
 *
 * Exit: 0 all trips were seen to succeed, 1 some were given up, 2 usage.
 */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 5, ANSWER_MAXIMUM = 64 * 1024, LINE_MAXIMUM = 64 * 1024 };

struct naive {
    const char *url;
    long timeout_ms;
    CURL *curl;
    struct curl_slist *headers;
    json_t *recorded; /* what --done held and holds: {"book T-0001": {…}} */
    FILE *done;
    unsigned requests, given_up;
};

struct body {
    char text[ANSWER_MAXIMUM];
    size_t len;
};

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct body *b = user;
    size_t len = size * count;
    if (len >= sizeof(b->text) - b->len)
        return 0;
    memcpy(b->text + b->len, data, len);
    b->len += len;
    return len;
}

/* One try: the answer's JSON, or NULL for whatever went wrong. */
static json_t *request_once(struct naive *n, const char *path, const char *text)
{
    static struct body body;
    char url[512];
    snprintf(url, sizeof(url), "%s%s", n->url, path);
    body.len = 0;
    curl_easy_setopt(n->curl, CURLOPT_URL, url);
    curl_easy_setopt(n->curl, CURLOPT_HTTPHEADER, n->headers);
    curl_easy_setopt(n->curl, CURLOPT_TIMEOUT_MS, n->timeout_ms);
    curl_easy_setopt(n->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(n->curl, CURLOPT_WRITEDATA, &body);
    if (text != NULL)
        curl_easy_setopt(n->curl, CURLOPT_POSTFIELDS, text);
    else
        curl_easy_setopt(n->curl, CURLOPT_HTTPGET, 1L);
    n->requests++;
    long status = 0;
    if (curl_easy_perform(n->curl) != CURLE_OK ||
        curl_easy_getinfo(n->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
        status / 100 != 2)
        return NULL;
    return json_loadb(body.text, body.len, 0, NULL);
}

static void record(struct naive *n, const char *what, json_t *answer)
{
    json_object_set(n->recorded, what, answer);
    if (n->done == NULL)
        return;
    json_t *line = json_pack("[s, O]", what, answer);
    char *text = json_dumps(line, JSON_COMPACT);
    fprintf(n->done, "%s\n", text);
    fflush(n->done);
    fsync(fileno(n->done));
    free(text);
    json_decref(line);
}

/* Does `what` unless it is recorded; tries again until it is seen to succeed. Borrowed answer, or
 * NULL when given up. Takes the request. */
static json_t *insist(struct naive *n, const char *what, const char *path, json_t *request)
{
    json_t *answer = json_object_get(n->recorded, what);
    char *text = json_dumps(request, JSON_COMPACT);
    for (int i = 0; i < TRIES && answer == NULL; i++) {
        json_t *fresh = request_once(n, path, text);
        if (fresh == NULL)
            continue;
        record(n, what, fresh);
        json_decref(fresh);
        answer = json_object_get(n->recorded, what);
    }
    free(text);
    json_decref(request);
    if (answer == NULL)
        n->given_up++;
    return answer;
}

static bool travel(struct naive *n, const json_t *trip)
{
    const char *reference = json_string_value(json_object_get(trip, "reference"));
    const char *goal = json_string_value(json_object_get(trip, "goal"));
    const char *email = json_string_value(json_object_get(trip, "email"));
    json_t *passengers = json_object_get(trip, "passengers");
    if (reference == NULL || goal == NULL || email == NULL || !json_is_integer(passengers))
        return false;
    char what[128];
    snprintf(what, sizeof(what), "book %s", reference);
    json_t *booked = insist(n, what, "/bookings",
                            json_pack("{s:s, s:O, s:s}", "offer", goal, "passengers", passengers,
                                      "reference", reference));
    if (booked == NULL)
        return true; /* given up, and counted */
    snprintf(what, sizeof(what), "mail %s", reference);
    insist(n, what, "/mails",
           json_pack("{s:s, s:s, s:o}", "to", email, "subject", reference, "body",
                     json_deep_copy(json_object_get(booked, "booking"))));
    return true;
}

static bool travel_all(struct naive *n, const char *file, unsigned *ret_trips)
{
    FILE *trips = fopen(file, "r");
    if (trips == NULL) {
        fprintf(stderr, "naive: %s: %s\n", file, strerror(errno));
        return false;
    }
    static char line[LINE_MAXIMUM];
    bool good = true;
    while (good && fgets(line, sizeof(line), trips) != NULL) {
        json_t *trip = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        (*ret_trips)++;
        good = trip != NULL && travel(n, trip);
        if (!good)
            fprintf(stderr,
                    "naive: %s:%u: expected {\"reference\", \"goal\", \"email\", "
                    "\"passengers\"}\n",
                    file, *ret_trips);
        json_decref(trip);
    }
    fclose(trips);
    return good;
}

static void recall(struct naive *n, const char *file)
{
    static char line[LINE_MAXIMUM];
    FILE *old = fopen(file, "r");
    while (old != NULL && fgets(line, sizeof(line), old) != NULL) {
        json_t *entry = json_loads(line, 0, NULL); /* a line that a kill cut is none */
        const char *what = json_string_value(json_array_get(entry, 0));
        if (what != NULL)
            json_object_set(n->recorded, what, json_array_get(entry, 1));
        json_decref(entry);
    }
    if (old != NULL)
        fclose(old);
    n->done = fopen(file, "a");
}

static json_int_t number_at(const json_t *stats, const char *group, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(stats, group), name));
}

static void print_account(struct naive *n, unsigned trips)
{
    json_t *stats = NULL;
    for (int i = 0; i < TRIES && stats == NULL; i++)
        stats = request_once(n, "/_stats", NULL);
    printf("trips %u, requests %u, given up %u\n", trips, n->requests, n->given_up);
    printf("bookings %lld, of these duplicates %lld\n",
           (long long)number_at(stats, "bookings", "rows"),
           (long long)number_at(stats, "bookings", "duplicates"));
    printf("mails %lld, of these duplicates %lld\n", (long long)number_at(stats, "mails", "rows"),
           (long long)number_at(stats, "mails", "duplicates"));
    json_decref(stats);
}

int main(int argc, char **argv)
{
    struct naive n = {.timeout_ms = 1000};
    const char *trips_file = NULL, *done = NULL;
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--trips") == 0)
            trips_file = value;
        else if (strcmp(argv[i], "--url") == 0)
            n.url = value;
        else if (strcmp(argv[i], "--done") == 0)
            done = value;
        else if (strcmp(argv[i], "--timeout-ms") == 0)
            n.timeout_ms = strtol(value, NULL, 10);
        else
            trips_file = NULL, i = argc;
    }
    if (trips_file == NULL || n.url == NULL || n.timeout_ms <= 0) {
        fprintf(stderr, "usage: naive --trips FILE.jsonl --url URL [--done FILE]"
                        " [--timeout-ms N]\n");
        return 2;
    }
    n.recorded = json_object();
    if (done != NULL)
        recall(&n, done);
    n.curl = curl_easy_init();
    n.headers = curl_slist_append(NULL, "Content-Type: application/json");
    unsigned trips = 0;
    bool good = travel_all(&n, trips_file, &trips);
    if (good)
        print_account(&n, trips);
    if (n.done != NULL)
        fclose(n.done);
    curl_slist_free_all(n.headers);
    curl_easy_cleanup(n.curl);
    json_decref(n.recorded);
    return !good ? 2 : n.given_up == 0 ? 0 : 1;
}

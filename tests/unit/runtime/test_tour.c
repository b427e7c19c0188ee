/* SPDX-License-Identifier: Apache-2.0
 *
 * An agent that does five effects and dies after any of them goes on where it ended, whoever died
 * with it; and what is in doubt is found out by its reconcile agent first, then by a person. The
 * world books twice if it is asked twice, and its ledger is what is asserted.
 */
#include "killing.h"

#include "harness.h"

#include <sqlite3.h>

enum { STOPS = 5 };

/* ---- the stage ---- */

static void tour_stage(struct stage *s, int mode, unsigned port)
{
    struct error err;
    AUTO(freep)
    char *manifest =
        xasprintf("manifest: 1\nstore: {url: \"sqlite:journal.db\"}\n"
                  "escalation: {ops: {exec: [/bin/true]}}\n"
                  "plugins:\n"
                  "  trip:\n"
                  "    path: " BUILD_ROOT "/tests/unit/runtime/plugins/so/tour.so\n"
                  "    isolation: %s\n"
                  "    quarantine: {faults: 0}\n"
                  "    grants:\n"
                  "      http: [{scheme: http, host: 127.0.0.1, port: %u, methods: [GET, POST],\n"
                  "              refusals: [400, 422], private: true}]\n",
                  mode == IN_PROCESS ? "in-process" : "worker", port);
    roster_free(s->roster);
    stage_write(s, "seam.yaml", manifest);
    AUTO(freep) char *path = xasprintf("%s/seam.yaml", s->folder);
    enum error_code code = roster_load(path, &s->roster, &err);
    ck_assert_ok(code, err);
}

static char *trip(const char *url, const char *reference, int dies_after)
{
    return xasprintf("{'url': '%s', 'reference': '%s', 'dies_after': %d}", url, reference,
                     dies_after);
}

/* How many bookings the world made for the stop. */
static int booked(const struct world *w, const char *reference, int stop)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    AUTO(freep) char *whole = xasprintf("%s/%d", reference, stop);
    ck_assert_int_eq(sqlite3_open_v2(w->ledger, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM bookings WHERE reference = ?1",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(statement, 1, whole, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static void ck_assert_booked_once(const struct world *w, const char *reference)
{
    for (int stop = 1; stop <= STOPS; stop++)
        ck_assert_msg(booked(w, reference, stop) == 1, "%s: stop %d was booked %d times", reference,
                      stop, booked(w, reference, stop));
}

/* The first `done` were told of again, and the others done now. */
static void ck_assert_went_on(const struct stage *s, int done)
{
    ck_assert_uint_eq(json_array_size(at(s->output, "stops")), STOPS);
    for (int i = 0; i < STOPS; i++) {
        AUTO(freep) char *again = xasprintf("stops/%d/again", i);
        AUTO(freep) char *booking = xasprintf("stops/%d/booking", i);
        ck_assert_msg(json_is_true(at(s->output, again)) == (i < done), "stop %d", i + 1);
        ck_assert_str_ne(word_at(s->output, booking), "(nothing)");
    }
}

/* ---- the agent dies ---- */

static const char *const agents[] = {"trip/tour", "trip/diary"};

START_TEST(an_agent_that_died_after_any_effect_goes_on_at_the_next)
{
    struct world w;
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    world_start(&w, WORLD_KNOBS("--honour-key", "no"));
    tour_stage(&s, _i, w.port);
    for (int a = 0; a < 2; a++) {
        stage_one_step(&s, agents[a], "");
        for (int after = 0; after <= STOPS; after++) {
            AUTO(freep) char *id = xasprintf("r%d-%d", a, after);
            AUTO(freep) char *input = trip(w.url, id, after);
            ck_assert_int_eq(stage_run(&s, id, input), RUN_DONE);
            ck_assert_int_eq(number_at(s.output, "attempt"), 2);
            ck_assert_went_on(&s, after);
            ck_assert_booked_once(&w, id);
        }
    }
    stage_done(&s);
    world_done(&w);
}
END_TEST

/* ---- the host dies ---- */

START_TEST(a_host_that_was_killed_after_any_record_goes_on_at_the_next_effect)
{
    struct world w;
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    world_start(&w, WORLD_KNOBS("--honour-key", "no"));
    tour_stage(&s, _i, w.port);
    int records = 1;
    for (bool died = true; died; records++) {
        AUTO(freep) char *id = xasprintf("r%d", records);
        AUTO(freep) char *input = trip(w.url, id, -1);
        stage_one_step(&s, agents[records % 2], "");
        died = run_and_die(&s, id, input, records);
        ck_assert_int_eq(stage_run(&s, id, input), RUN_DONE);
        stage_close(&s);
        ck_assert_booked_once(&w, id);
    }
    ck_assert_int_gt(records, 2 * STOPS);
    stage_done(&s);
    world_done(&w);
}
END_TEST

START_TEST(an_agent_that_takes_its_host_with_it_goes_on_all_the_same)
{
    struct world w;
    struct stage s;
    stage_set(&s, IN_PROCESS, NULL, "", "");
    world_start(&w, WORLD_KNOBS("--honour-key", "no"));
    tour_stage(&s, IN_PROCESS, w.port);
    for (int a = 0; a < 2; a++) {
        AUTO(freep) char *id = xasprintf("r%d", a);
        AUTO(freep) char *input = trip(w.url, id, 3);
        stage_one_step(&s, agents[a], "");
        ck_assert(run_and_die(&s, id, input, -1));
        ck_assert_int_eq(stage_run(&s, id, input), RUN_DONE);
        stage_close(&s);
        /* its last word was not on disk, but that its request was sent */
        ck_assert_uint_eq(json_array_size(at(s.output, "stops")), STOPS);
        ck_assert_booked_once(&w, id);
    }
    stage_done(&s);
    world_done(&w);
}
END_TEST

/* ---- in doubt ---- */

static struct {
    atomic_int posts, finds;
    char keys[STOPS + 1][128];
    bool tells; /* whoever asks what became of a stop */
} shop;

/* Books the fourth and closes without a word. */
static void drops_the_fourth(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (!is_post(connection)) {
            atomic_fetch_add(&shop.finds, 1);
            bool known = shop.tells && strstr(connection->last, shop.keys[4]);
            say(connection, shop.tells ? 200 : 503,
                known ? "{\"bookings\":[{\"booking\":\"B-4\"}]}" : "{\"bookings\":[]}");
            continue;
        }
        int n = atomic_fetch_add(&shop.posts, 1) + 1;
        if (n <= STOPS)
            header_of(connection, "Idempotency-Key", shop.keys[n], sizeof(shop.keys[n]));
        if (n == 4)
            return;
        AUTO(freep) char *body = xasprintf("{\"booking\":\"B-%d\"}", n);
        say(connection, 201, body);
    }
}

static void doubt_stage(struct stage *s, int mode, bool tells)
{
    stage_set(s, mode, drops_the_fourth, "", "");
    shop.tells = tells;
    tour_stage(s, mode, s->peer->port);
}

START_TEST(what_is_in_doubt_is_found_out_and_the_agent_goes_on_at_the_fifth)
{
    struct stage s;
    doubt_stage(&s, _i, true);
    stage_one_step(&s, "trip/tour", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'url': '@', 'reference': 'r'}"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&shop.posts), STOPS);
    ck_assert_int_eq(atomic_load(&shop.finds), 1);
    ck_assert_went_on(&s, 4);
    ck_assert_str_eq(word_at(s.output, "stops/3/booking"), "B-4");
    ck_assert_tells(&s, "r", "in-doubt-reconcile");
    stage_done(&s);
}
END_TEST

/* The answer of a person, as the journal has it. */
struct answered {
    char who[64], shown[DIGEST_HEX_SIZE];
    int64_t said_ms;
};

static bool note_answer(void *user, uint64_t seq, struct record *record, struct run *run)
{
    struct answered *answered = user;
    (void)seq;
    (void)run;
    if (record->event.kind != EVENT_ANSWERED)
        return true;
    snprintf(answered->who, sizeof(answered->who), "%s", record->event.who);
    snprintf(answered->shown, sizeof(answered->shown), "%s", record->event.shown);
    answered->said_ms = record->event.said_ms;
    return true;
}

START_TEST(what_nobody_can_find_out_is_put_to_a_person_whose_answer_is_kept)
{
    struct stage s;
    struct answered answered = {.said_ms = -1};
    struct error err;
    doubt_stage(&s, _i, false);
    stage_one_step(&s, "trip/tour", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'url': '@', 'reference': 'r'}"), RUN_WAITING);
    ck_assert_int_ge(atomic_load(&shop.finds), 1);
    ck_assert_tells(&s, "r", "in-doubt-reconcile");
    stage_close(&s);
    stage_answer(&s, "r", "act", 1, "{'outcome': 'happened', 'result': {'booking': 'B-p'}}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&shop.posts), STOPS);
    ck_assert_went_on(&s, 4);
    ck_assert_str_eq(word_at(s.output, "stops/3/booking"), "B-p");
    struct journal_reader *reader = stage_reader(&s);
    enum error_code code = fold_run(reader, "r", NULL, note_answer, &answered, NULL, &err);
    ck_assert_ok(code, err);
    journal_reader_close(reader);
    ck_assert_str_eq(answered.who, "tester");
    ck_assert_int_gt(answered.said_ms, 0);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        a_host_that_was_killed_after_any_record_goes_on_at_the_next_effect,
        what_is_in_doubt_is_found_out_and_the_agent_goes_on_at_the_fifth,
        what_nobody_can_find_out_is_put_to_a_person_whose_answer_is_kept,
        NULL,
    };
    const TTest *const in_workers[] = {
        an_agent_that_died_after_any_effect_goes_on_at_the_next,
        an_agent_that_takes_its_host_with_it_goes_on_all_the_same,
        NULL,
    };
    return stage_main(__FILE__, everywhere, in_workers);
}

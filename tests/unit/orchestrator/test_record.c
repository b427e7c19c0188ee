/* SPDX-License-Identifier: Apache-2.0
 *
 * Records: what is written is what is read, field by field, and what was damaged is refused. That
 * every event of every other test survives the way to JSON and back is proven by the bench.
 */
#include "fixture.h"

#include "document/document.h"

static json_t *full_event(enum event_kind kind)
{
    return json_pack("{s:s, s:I, s:i, s:i, s:s, s:s, s:s, s:I, s:{s:i}, s:s, s:s, s:b}", "kind",
                     event_kind_word(kind), "at_ms", (json_int_t)1234567890123, "task", 1,
                     "attempt", 4, "end", "failed", "cause", "crash", "claim", "unknown",
                     "retry_after_ms", (json_int_t)5, "body", "b", 1, "code", "c", "message", "m",
                     "claimed", 1);
}

static void fill_event(json_t *event)
{
    json_t *more =
        json_pack("{s:s, s:s, s:{}, s:b, s:s, s:n, s:[], s:I, s:I, s:i, s:b, s:s, s:s, s:b, s:s, "
                  "s:s, s:I, s:i, s:{}}",
                  "effect", "e", "digest", "d", "request", "automatic", 1, "outcome", "done",
                  "response", "result", "tokens", (json_int_t)7, "cost", (json_int_t)8, "revision",
                  9, "deny", 1, "who", "w", "shown", "s", "restored", 1, "run", "r", "store", "st",
                  "seed", (json_int_t)INT64_MAX, "input", 3, "pins");
    json_object_update(event, more);
    json_decref(more);
}

static json_t *full_decision(enum decision_kind kind)
{
    json_t *one = json_pack(
        "{s:s, s:s, s:{}, s:i, s:i, s:i, s:i, s:b, s:s, s:[], s:i, s:I, s:I, s:I, s:I, s:b, s:[]}",
        "kind", decision_kind_word(kind), "rule", "turn", "why", "step", 1, "task", 1, "attempt", 2,
        "number", 3, "reconciling", 1, "effect", "e", "input", "feedback", 5, "timeout_ms",
        (json_int_t)-1, "tokens", (json_int_t)4, "cost", (json_int_t)5, "due_ms", (json_int_t)6,
        "said_never", 1, "items");
    json_t *more = json_pack(
        "{s:s, s:b, s:b, s:{}, s:n, s:s, s:{}, s:s, s:b, s:s, s:i, s:{}, s:s, s:s, s:[], s:{}, "
        "s:b}",
        "cause", "timeout", "accepted", 1, "fits", 1, "output", "undo_input", "outcome", "unknown",
        "error", "status", "failed", "skipped", 1, "question", "failure", "revision", 2, "shown",
        "begin", "conflict", "key", "k", "result", "response", "granted", 1);
    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_nonnull(more);
    json_object_update(one, more);
    json_decref(more);
    return one;
}

/* `path` stands there for people, and depends on the run. */
static void without_paths(json_t *record)
{
    size_t i;
    json_t *decision;
    json_object_del(json_object_get(record, "event"), "path");
    json_array_foreach (json_object_get(record, "decisions"), i, decision)
        json_object_del(decision, "path");
}

static void write_value(void *user, json_t *value, struct text *out)
{
    ++*(size_t *)user;
    json_write(value, out);
}

/* As text it says the same, in the same order. */
static void expect_same_text(const struct run *run, const struct record *record)
{
    size_t values = 0;
    const struct record_style style = {json_write_string, write_value, &values, false};
    AUTO(text_done) struct text text, other;
    text_init(&text, 1 << 20);
    text_init(&other, 1 << 20);
    record_write(run, &record->event, &record->decisions, &style, &text);
    json_t *json = record_json(run, &record->event, &record->decisions);
    json_write(json, &other);
    ck_assert_str_eq(text_str(&text), text_str(&other));
    ck_assert_uint_gt(values, 0);
    json_decref(json);
}

START_TEST(every_field_of_every_kind_comes_back)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n  b: {agent: w/read}\n"), "{}");
    for (int kind = EVENT_STARTED; kind <= EVENT_TIME_SPENT; kind++) {
        struct record record;
        struct error err;
        json_t *event = full_event((enum event_kind)kind);
        fill_event(event);
        json_t *decisions = json_array();
        for (int other = DECISION_ADMIT; other <= DECISION_END; other++)
            json_array_append_new(decisions, full_decision((enum decision_kind)other));
        json_t *json = json_pack("{s:o, s:o}", "event", event, "decisions", decisions);
        ck_assert_int_eq(record_read(json, &record, &err), ERR_OK);
        json_t *again = record_json(b.run, &record.event, &record.decisions);
        without_paths(again);
        if (!json_equal(json, again))
            json_dumpf(again, stderr, JSON_SORT_KEYS | JSON_INDENT(1));
        ck_assert(json_equal(json, again));
        expect_same_text(b.run, &record);
        record_done(&record);
        json_decref(again);
        json_decref(json);
    }
    bench_done(&b);
}
END_TEST

START_TEST(fields_that_say_nothing_are_left_out)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    struct event event = {.kind = EVENT_CANCEL_ASKED};
    struct decisions none = {0};
    json_t *json = record_json(b.run, &event, &none);
    expect_json(json, "{\"event\": {\"kind\": \"cancel-asked\"}, \"decisions\": []}");
    json_decref(json);
    bench_done(&b);
}
END_TEST

START_TEST(a_damaged_record_is_refused_and_leaks_nothing)
{
    const char *const bad[] = {
        "{}",
        "7",
        "{\"event\": {\"kind\": \"no-such\"}, \"decisions\": []}",
        "{\"event\": {\"kind\": \"ended\", \"at_ms\": \"x\"}, \"decisions\": []}",
        "{\"event\": {\"kind\": \"ended\", \"task\": -1}, \"decisions\": []}",
        "{\"event\": {\"kind\": \"ended\", \"task\": 4294967296}, \"decisions\": []}",
        "{\"event\": {\"kind\": \"ended\", \"end\": \"so-so\"}, \"decisions\": []}",
        "{\"event\": {\"kind\": \"ended\", \"claimed\": 1}, \"decisions\": []}",
        "{\"event\": {\"kind\": \"ended\", \"code\": 1}, \"decisions\": []}",
        "{\"event\": {\"kind\": \"ended\"}, \"decisions\": [{}]}",
        "{\"event\": {\"kind\": \"ended\"}, \"decisions\": [7]}",
        ("{\"event\": {\"kind\": \"ended\"}, \"decisions\": [{\"kind\": \"retry\", \"why\": {}}, "
         "{\"kind\": \"retry\", \"why\": {}, \"due_ms\": true}]}"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct record record;
        struct error err = {0};
        json_t *json = json_of(bad[i]);
        ck_assert_msg(record_read(json, &record, &err) == ERR_CORRUPT, "%s was read", bad[i]);
        ck_assert_uint_gt(strlen(err.text), 0);
        json_decref(json);
    }
}
END_TEST

START_TEST(events_that_make_no_sense_change_nothing)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    for (int kind = EVENT_STARTED; kind < EVENT_CANCEL_ASKED; kind++) {
        if (kind == EVENT_TAKEN_OVER || kind == EVENT_CHANGED)
            continue;
        struct event event = {
            .kind = (enum event_kind)kind, .task = 99, .attempt = 7, .run = "other"};
        happen(&b, event);
        ck_assert_uint_eq(b.last.count, 0);
    }
    struct event late = of_task(&b, EVENT_ENDED, "a");
    late.attempt = 9;
    happen(&b, late);
    ck_assert_uint_eq(b.last.count, 0);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_second_completion_changes_nothing)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n  b: {agent: w/read}\n"), "{}");
    struct event twice = of_task(&b, EVENT_ENDED, "a");
    twice.body = json_of("{\"n\": 1}");
    happen(&b, twice);
    json_t *other = json_of("{\"n\": 2}");
    json_decref(twice.body);
    twice.body = other;
    happen(&b, twice);
    ck_assert_uint_eq(b.last.count, 0);
    expect_json(the_task(&b, "a")->output, "{\"n\": 1}");
    json_decref(other);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(every_field_of_every_kind_comes_back, fields_that_say_nothing_are_left_out,
          a_damaged_record_is_refused_and_leaks_nothing, events_that_make_no_sense_change_nothing,
          a_second_completion_changes_nothing)

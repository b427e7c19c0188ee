/* SPDX-License-Identifier: Apache-2.0
 *
 * Large values in the journal: each once, whatever it comes in, and each record read back as it was
 * written, also where an agent's own words look like a reference.
 */
#include "runtime/host_internal.h"
#include "stage.h"

#include <malloc.h>
#include <sqlite3.h>

enum { LARGE = 3 * LIMIT_INLINE };

/* The first number of the first row. */
static int64_t number_in(const struct stage *s, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    ck_assert_int_eq(sqlite3_open_v2(s->journal, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    int64_t number = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 0) : -1;
    sqlite3_finalize(row);
    sqlite3_close(db);
    return number;
}

static int64_t kept_with(const struct stage *s, const char *words)
{
    AUTO(freep)
    char *sql = xasprintf("SELECT count(*) FROM texts WHERE instr(body, '%s') > 0", words);
    return number_in(s, sql);
}

static char *letters(char letter, size_t count)
{
    char *text = xmalloc(count + 1);
    memset(text, letter, count);
    text[count] = '\0';
    return text;
}

/* ---- runs ---- */

static void stage_passing_on(struct stage *s, int mode)
{
    stage_set(s, mode, NULL, "", "");
    stage_flow(s, "steps:\n"
                  "  a: {agent: actor/pure, input: \"${ .input }\"}\n"
                  "  b: {agent: actor/pure,\n"
                  "      input: {do: [], given: \"${ .steps.a.output }\"}}\n"
                  "  c: {agent: actor/pure, needs: [b],\n"
                  "      input: {do: [], given: \"${ .steps.a.output.words }\", and: 1}}\n"
                  "  d: {agent: actor/pure, needs: [c], for_each: \"${ [.input, .input] }\",\n"
                  "      input: {do: [{give: \"${ .index }\"}], given: \"${ .item }\"}}\n"
                  "output: {as: \"${ .steps.a.output }\"}\n");
}

START_TEST(a_large_value_is_kept_once_however_it_is_passed_on)
{
    struct stage s;
    AUTO(freep) char *words = letters('w', LARGE);
    AUTO(freep) char *input = xasprintf("{'do': [{'give': {'words': '%s'}}]}", words);
    stage_passing_on(&s, _i);
    ck_assert_int_eq(stage_run(&s, "r", input), RUN_DONE);
    ck_assert_str_eq(word_at(s.output, "words"), words);
    stage_close(&s);
    ck_assert_int_eq(kept_with(&s, "wwww"), 1);
    ck_assert_int_le(number_in(&s, "SELECT max(length(body)) FROM events"), LIMIT_INLINE);
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_str_eq(word_at(s.output, "words"), words);
    stage_done(&s); /* and decides all of it again */
}
END_TEST

START_TEST(a_run_goes_on_with_what_was_kept)
{
    struct stage s;
    AUTO(freep) char *words = letters('w', LARGE);
    AUTO(freep)
    char *input = xasprintf("{'1': [{'fail': 2}], 'do': [{'give': {'words': '%s'}}]}", words);
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", ", on_failure: escalate");
    ck_assert_int_eq(stage_run(&s, "r", input), RUN_WAITING);
    stage_close(&s);
    stage_answer(&s, "r", "act", 1, "{'retry': true}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_str_eq(word_at(s.output, "words"), words);
    /* the same id: its input is compared with what was kept */
    json_t *value = stage_json(&s, input);
    struct error err;
    ck_assert_ok(host_submit(s.host, s.flow, "r", value, &err), err);
    json_decref(value);
    stage_work(&s);
    stage_done(&s);
}
END_TEST

START_TEST(what_was_changed_among_the_kept_is_found)
{
    struct stage s;
    struct error err;
    AUTO(freep) char *words = letters('w', LARGE);
    AUTO(freep) char *input = xasprintf("{'do': [{'give': '%s'}]}", words);
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    ck_assert_int_eq(stage_run(&s, "r", input), RUN_DONE);
    stage_close(&s);
    number_in(&s, "UPDATE texts SET body = replace(body, 'wwww', 'vvvv')");
    stage_open(&s);
    ck_assert_int_eq(host_resume(s.host, "r", &err), ERR_CORRUPT);
    ck_assert_msg(strstr(err.text, "is not what was kept") != NULL, "%s", err.text);
    s.keep_open = true;
    stage_done(&s);
}
END_TEST

/* All that the journal holds after a for_each over that many items, in bytes. */
static int64_t bytes_of_items(int mode, int count)
{
    struct stage s;
    AUTO(text_done) struct text input;
    text_init(&input, SIZE_MAX);
    text_adds(&input, "{'items': [0");
    for (int i = 1; i < count; i++)
        text_addf(&input, ",%d", i + 1000000);
    text_adds(&input, "]}");
    stage_set(&s, mode, NULL, "", "");
    stage_flow(&s, "steps:\n"
                   "  each: {agent: actor/pure, for_each: \"${ .input.items }\",\n"
                   "         input: {do: [{give: \"${ .item }\"}]}}\n"
                   "  all: {agent: actor/pure,\n"
                   "        input: {do: [], given: \"${ .steps.each.output }\"}}\n"
                   "output: {as: \"${ .steps.each.output }\"}\n");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&input)), RUN_DONE);
    ck_assert_uint_eq(json_array_size(s.output), (size_t)count);
    ck_assert_int_eq(json_integer_value(json_array_get(s.output, (size_t)count - 1)),
                     count - 1 + 1000000);
    stage_close(&s);
    int64_t bytes = number_in(&s, "SELECT (SELECT sum(length(body)) FROM events) +"
                                  " (SELECT sum(length(body)) FROM texts)");
    stage_done(&s);
    return bytes;
}

START_TEST(the_journal_grows_with_the_items_and_not_faster)
{
    int64_t few = bytes_of_items(_i, 200), more = bytes_of_items(_i, 800);
    ck_assert_msg(more <= 4 * few, "200 items take %lld bytes, 800 take %lld", (long long)few,
                  (long long)more);
}
END_TEST

/* ---- single records ---- */

static void append_body(struct host *host, uint64_t seq, struct slice body)
{
    journal_append(host->journal, &(struct journal_record){.run = "p",
                                                           .seq = seq,
                                                           .at_ms = 1,
                                                           .kind = "test",
                                                           .body = body,
                                                           .status = seq == 1 ? "done" : NULL,
                                                           .flow = seq == 1 ? "f" : NULL});
}

struct reading_back {
    struct payloads *payloads;
    struct journal_reader *reader;
    json_t **written;
    size_t count;
};

static bool read_back(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct reading_back *r = user;
    struct error err;
    json_t *read = NULL;
    (void)hash;
    enum error_code code = payloads_read(r->payloads, r->reader, record, &read, &err);
    ck_assert_ok(code, err);
    ck_assert_msg(json_equal(read, r->written[r->count]), "record %zu is not what was written",
                  r->count + 1);
    json_decref(read);
    r->count++;
    return true;
}

/* Writes each value as the body of an event, then reads them all, with nothing at hand. */
static void must_come_back(struct stage *s, json_t *const *values, size_t count)
{
    struct error err;
    json_t *records[64];
    stage_open(s);
    for (size_t i = 0; i < count; i++) {
        AUTO(text_done) struct text text;
        text_init(&text, SIZE_MAX);
        records[i] = json_pack("{s:{s:s, s:O}, s:[]}", "event", "kind", "ended", "body", values[i],
                               "decisions");
        struct writing writing = {.payloads = s->host->payloads, .journal = s->host->journal};
        text_adds(&text, "{\"event\":{\"kind\":\"ended\",\"body\":");
        payloads_write(&writing, values[i], &text);
        text_adds(&text, "},\"decisions\":[]}");
        payloads_written(&writing, &text);
        append_body(s->host, i + 1, text_slice(&text));
    }
    stage_close(s);
    AUTO(payloads_freep) struct payloads *payloads = payloads_new();
    struct journal_reader *reader = stage_reader(s);
    struct reading_back back = {payloads, reader, records, 0};
    ck_assert_ok(journal_read(reader, "p", 1, read_back, &back, &err), err);
    ck_assert_uint_eq(back.count, count);
    journal_reader_close(reader);
    for (size_t i = 0; i < count; i++)
        json_decref(records[i]);
    s->keep_open = true; /* it is no run that could be decided again */
}

START_TEST(what_looks_like_a_reference_comes_back_as_it_was)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    static const char *const texts[] = {
        "{'$kept': '0000000000000000000000000000000000000000000000000000000000000000'}",
        "{'$kept': ['0000000000000000000000000000000000000000000000000000000000000000']}",
        "{'$$kept': 1}",
        "{'a': [{'$$$kept': {'$kept': {'$kept': null}}}]}",
        "{'$kept': 1, 'b': 2}",
        "{'kept': true, '$': {'x$kept': [{'$kep': 1}]}}",
        "'$kept'",
        "null",
    };
    enum { COUNT = sizeof(texts) / sizeof(texts[0]) };
    json_t *values[COUNT + 1];
    for (size_t i = 0; i < COUNT; i++)
        values[i] = stage_json(&s, texts[i]);
    /* all of them beside something large, and inside of it */
    AUTO(freep) char *words = letters('"', LARGE);
    json_t *all = values[COUNT] = json_pack("{s:s, s:[]}", "words", words, "all");
    for (size_t i = 0; i < COUNT; i++)
        json_array_append(json_object_get(all, "all"), values[i]);
    must_come_back(&s, values, COUNT + 1);
    for (size_t i = 0; i <= COUNT; i++)
        json_decref(values[i]);
    stage_done(&s);
}
END_TEST

/* Values out of one another, of all sizes about the limit. */
static json_t *drawn(json_t *const *before, size_t count, unsigned *seed, int depth)
{
    unsigned draw = (unsigned)rand_r(seed);
    if (count > 0 && draw % 4 == 0)
        return json_incref(before[draw / 4 % count]);
    if (depth > 4 || draw % 4 == 1) {
        AUTO(freep) char *words = letters((char)('a' + draw / 7 % 26), draw % (2 * LIMIT_INLINE));
        return json_string(words);
    }
    json_t *list = draw % 4 == 2 ? json_array() : json_object();
    for (unsigned i = 0; i < draw / 8 % 4; i++) {
        static const char *const keys[] = {"$kept", "$$kept", "a", "b", "c"};
        json_t *part = drawn(before, count, seed, depth + 1);
        if (json_is_array(list))
            json_array_append_new(list, part);
        else
            json_object_set_new(list, keys[draw / 16 % 2 + i], part);
    }
    return list;
}

START_TEST(values_within_values_come_back)
{
    enum { COUNT = 60, SEEDS = 5 };
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct stage s;
        json_t *values[COUNT];
        unsigned state = seed;
        stage_set(&s, _i, NULL, "", "");
        for (size_t i = 0; i < COUNT; i++)
            values[i] = drawn(values, i, &state, 0);
        must_come_back(&s, values, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            json_decref(values[i]);
        stage_done(&s);
    }
}
END_TEST

START_TEST(more_than_is_held_at_hand_comes_back)
{
    enum { COUNT = 24, ITEMS = 300 };
    struct stage s;
    json_t *values[COUNT];
    AUTO(freep) char *words = letters('x', 2 * LIMIT_INLINE);
    stage_set(&s, _i, NULL, "", "");
    for (size_t i = 0; i < COUNT; i++) { /* 7200 of them, twice as many as are held */
        values[i] = json_array();
        for (size_t k = 0; k < ITEMS; k++)
            json_array_append_new(values[i], json_pack("[s, i]", words, (int)(i * ITEMS + k)));
    }
    must_come_back(&s, values, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        json_decref(values[i]);
    stage_done(&s);
}
END_TEST

START_TEST(what_no_run_has_any_more_is_let_go_of)
{
    enum { RUNS = 200 };
    struct stage s;
    struct error err;
    char id[16];
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    stage_open(&s);
    size_t before = 0; /* bytes in use, once a few have come and gone */
    for (int i = 0; i < RUNS; i++) {
        snprintf(id, sizeof(id), "r%d", i);
        AUTO(freep) char *words = letters((char)('a' + i % 26), LIMIT_HELD_IDLE / 8);
        json_t *input =
            json_pack("{s:[{s:i}], s:o}", "do", "give", i, "words", json_sprintf("%d%s", i, words));
        ck_assert_int_eq(host_submit(s.host, s.flow, id, input, &err), ERR_OK);
        json_decref(input);
        stage_work(&s);
        before = i == RUNS / 4 ? mallinfo2().uordblks : before;
    }
    ck_assert_uint_le(mallinfo2().uordblks, before + RUNS / 4 * (LIMIT_HELD_IDLE / 8));
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        a_large_value_is_kept_once_however_it_is_passed_on,
        a_run_goes_on_with_what_was_kept,
        the_journal_grows_with_the_items_and_not_faster,
        NULL,
    };
    const TTest *const in_workers[] = {
        what_was_changed_among_the_kept_is_found, what_looks_like_a_reference_comes_back_as_it_was,
        values_within_values_come_back,           more_than_is_held_at_hand_comes_back,
        what_no_run_has_any_more_is_let_go_of,    NULL,
    };
    return stage_main("payloads", everywhere, in_workers);
}

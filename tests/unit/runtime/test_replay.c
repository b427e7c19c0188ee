/* SPDX-License-Identifier: Apache-2.0
 *
 * Replay: what was recorded otherwise than it would be decided is found, at its first place.
 */
#include "runtime/host_internal.h"
#include "stage.h"

/* A journal with the records of another one, in which `from` stands as `to` in the bodies. */
struct forgery {
    struct journal *journal;
    const char *from, *to;
};

static bool forge(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct forgery *forgery = user;
    struct journal_record copy = *record;
    AUTO(freep) char *body = xstrndup(record->body.ptr, record->body.len);
    AUTO(freep) char *changed = NULL;
    char *found = strstr(body, forgery->from);
    (void)hash;
    if (found) {
        changed = xasprintf("%.*s%s%s", (int)(found - body), body, forgery->to,
                            found + strlen(forgery->from));
        copy.body = slice_of(changed);
    }
    copy.status = record->seq == 1 ? "done" : NULL;
    copy.flow = record->seq == 1 ? "play" : NULL;
    journal_append(forgery->journal, &copy);
    return true;
}

/* What replay says of run r with that change; the caller calls replayed_done. */
static void replay_forged(struct stage *s, const char *from, const char *to, struct replayed *ret)
{
    struct error err;
    AUTO(freep) char *path = xasprintf("%s/forged.db", s->folder);
    struct journal_options options = {.path = path};
    struct forgery forgery = {.from = from, .to = to};
    stage_close(s);
    struct journal_reader *reader = stage_reader(s);
    ck_assert_ok(journal_open(&options, &forgery.journal, &err), err);
    ck_assert_ok(journal_read(reader, "r", 1, forge, &forgery, &err), err);
    ck_assert_ok(journal_close(forgery.journal, &err), err);
    journal_reader_close(reader);
    ck_assert_ok(journal_reader_open(path, &reader, &err), err);
    ck_assert_ok(replay_compare(reader, "r", s->flow, ret, &err), err);
    journal_reader_close(reader);
}

static void stage_chain(struct stage *s, int mode)
{
    stage_set(s, mode, NULL, "", "");
    stage_flow(s, "steps:\n"
                  "  one: {agent: actor/pure, input: \"${ .input }\"}\n"
                  "  two: {agent: actor/pure, input: \"${ .input }\", needs: [one]}\n");
    ck_assert_int_eq(stage_run(s, "r", "{'do': [{'give': 1}]}"), RUN_DONE);
}

START_TEST(what_was_recorded_is_decided_again)
{
    struct stage s;
    struct replayed replayed;
    stage_chain(&s, _i);
    replay_forged(&s, "nothing like it", "", &replayed);
    ck_assert(!replayed.difference.found);
    ck_assert_uint_gt(replayed.same, 6);
    replayed_done(&replayed);
    stage_done(&s);
}
END_TEST

START_TEST(replay_stops_at_the_first_difference_and_names_its_place)
{
    struct stage s;
    struct replayed replayed;
    stage_chain(&s, _i);
    replay_forged(&s, "\"rule\":\"turn\",\"step\":1", "\"rule\":\"returned\",\"step\":1",
                  &replayed);
    ck_assert(replayed.difference.found);
    ck_assert_str_eq(replayed.difference.event, "ended");
    ck_assert_str_eq(replayed.difference.path, "two");
    ck_assert_str_eq(replayed.difference.pointer, "/rule");
    ck_assert_str_eq(json_string_value(replayed.difference.then_value), "returned");
    ck_assert_str_eq(json_string_value(replayed.difference.now_value), "turn");
    ck_assert_uint_eq(replayed.difference.others, 0);
    ck_assert_uint_lt(replayed.records, 3);
    struct text text;
    text_init(&text, ERROR_TEXT_SIZE);
    difference_text(&replayed.difference, &text);
    ck_assert_msg(strstr(text_str(&text), "(admit of two), at /rule: then, by rules"), "%s",
                  text_str(&text));
    text_done(&text);
    replayed_done(&replayed);
    stage_done(&s);
}
END_TEST

static void part(const char *then, const char *now, struct replayed *ret)
{
    json_t *was = json_loads(then, 0, NULL), *is = json_loads(now, 0, NULL);
    *ret = (struct replayed){0};
    ck_assert(was && is);
    ret->same = difference_find(was, is, &ret->difference);
    json_decref(was);
    json_decref(is);
}

START_TEST(a_difference_is_the_deepest_place_and_the_others_are_counted)
{
    struct replayed r;
    part("[{\"kind\": \"start\"}, {\"kind\": \"ask\", \"why\": {\"a/b\": [1, 2], \"c\": 3}}]",
         "[{\"kind\": \"start\"}, {\"kind\": \"ask\", \"why\": {\"a/b\": [1, 9], \"c\": 4}}]", &r);
    ck_assert_uint_eq(r.same, 1);
    ck_assert_uint_eq(r.difference.decision, 2);
    ck_assert_str_eq(r.difference.pointer, "/why/a~1b/1");
    ck_assert_int_eq(json_integer_value(r.difference.now_value), 9);
    ck_assert_uint_eq(r.difference.others, 1);
    replayed_done(&r);
}
END_TEST

START_TEST(a_rule_of_another_name_is_said_before_what_follows_from_it)
{
    struct replayed r;
    part("[{\"due_ms\": 5, \"rule\": \"a\"}]", "[{\"due_ms\": 6, \"rule\": \"b\"}]", &r);
    ck_assert_str_eq(r.difference.pointer, "/rule");
    ck_assert_uint_eq(r.difference.others, 1);
    replayed_done(&r);
}
END_TEST

START_TEST(a_decision_that_is_not_there_differs)
{
    struct replayed r;
    part("[{\"kind\": \"start\", \"path\": \"x\"}]", "[]", &r);
    ck_assert_uint_eq(r.same, 0);
    ck_assert_str_eq(r.difference.path, "x");
    ck_assert_str_eq(r.difference.pointer, "");
    ck_assert_ptr_nonnull(r.difference.then);
    ck_assert_ptr_null(r.difference.now);
    replayed_done(&r);
    part("[]", "[]", &r);
    ck_assert(!r.difference.found);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        what_was_recorded_is_decided_again,
        replay_stops_at_the_first_difference_and_names_its_place,
        a_difference_is_the_deepest_place_and_the_others_are_counted,
        a_rule_of_another_name_is_said_before_what_follows_from_it,
        a_decision_that_is_not_there_differs,
        NULL,
    };
    return stage_main("runtime/replay", NULL, everywhere);
}

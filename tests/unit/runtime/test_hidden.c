/* SPDX-License-Identifier: Apache-2.0
 *
 * Hidden runs: read back with the key, by nobody without it, and no record of one can be put in the
 * place of another, though the chain were made anew.
 */
#include "runtime/host_internal.h"
#include "stage.h"

#define KEY   "hidden: a secret of at least thirty-two bytes"
#define OTHER "hidden: another one, which is no shorter than that"

static void stage_hidden(struct stage *s)
{
    setenv("SEAM_TEST_SEAL", KEY, 1);
    stage_set(s, IN_PROCESS, NULL, "",
              "secrets: {seal: {env: SEAM_TEST_SEAL}}\nhide: {key: seal}\n");
    stage_flow(s, "steps:\n"
                  "  one: {agent: actor/pure, input: \"${ .input }\"}\n"
                  "  two: {agent: actor/pure, input: \"${ .input }\", needs: [one]}\n");
}

/* ---- a journal like the first, with a chain of its own, in which one thing is otherwise ---- */

struct forgery {
    struct journal *journal;
    uint64_t swapped[2]; /* these two change places */
    const char *run;     /* under this name; NULL = its own */
    const char *from, *to;
    char *bodies[64];
    size_t count;
};

static bool take(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct forgery *f = user;
    (void)hash;
    ck_assert_uint_lt(f->count, 64);
    f->bodies[f->count++] = xstrndup(record->body.ptr, record->body.len);
    return true;
}

static char *changed(const struct forgery *f, const char *body)
{
    const char *found = f->from ? strstr(body, f->from) : NULL;
    return found ? xasprintf("%.*s%s%s", (int)(found - body), body, f->to, found + strlen(f->from))
                 : xstrdup(body);
}

static void forge(struct forgery *f)
{
    for (size_t i = 0; i < f->count; i++) {
        uint64_t seq = i + 1, of = seq == f->swapped[0]   ? f->swapped[1]
                                   : seq == f->swapped[1] ? f->swapped[0]
                                                          : seq;
        AUTO(freep) char *body = changed(f, f->bodies[of - 1]);
        journal_append(f->journal, &(struct journal_record){.run = f->run ? f->run : "r",
                                                            .seq = seq,
                                                            .at_ms = 1,
                                                            .kind = "ended",
                                                            .body = slice_of(body),
                                                            .status = i ? NULL : "done",
                                                            .flow = i ? NULL : "play"});
    }
    for (size_t i = 0; i < f->count; i++)
        free(f->bodies[i]);
}

static bool each(void *user, uint64_t seq, json_t *record)
{
    size_t *count = user;
    (void)seq;
    json_decref(record);
    ++*count;
    return true;
}

/* How many records of it are read, and what then. */
static enum error_code read_forged(struct stage *s, struct forgery *f, size_t *ret_read,
                                   struct error *err)
{
    AUTO(freep) char *path = xasprintf("%s/forged.db", s->folder);
    struct journal_options options = {.path = path};
    stage_close(s);
    struct journal_reader *reader = stage_reader(s);
    ck_assert_ok(journal_open(&options, &f->journal, err), *err);
    ck_assert_ok(journal_read(reader, "r", 1, take, f, err), *err);
    forge(f);
    ck_assert_ok(journal_close(f->journal, err), *err);
    journal_reader_close(reader);
    ck_assert_ok(journal_reader_open(path, &reader, err), *err);
    reader_take_keys(reader, s->roster->manifest);
    *ret_read = 0;
    enum error_code code = run_records(reader, f->run ? f->run : "r", 1, each, ret_read, err);
    journal_reader_close(reader);
    return code;
}

static void expect_refused(struct forgery forgery, size_t read)
{
    struct stage s;
    struct error err;
    size_t count;
    stage_hidden(&s);
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'give': 'CANARY'}]}"), RUN_DONE);
    ck_assert_int_eq(read_forged(&s, &forgery, &count, &err), ERR_CORRUPT);
    ck_assert_uint_eq(count, read);
    stage_done(&s);
}

START_TEST(it_is_read_back_as_it_was)
{
    struct stage s;
    struct error err;
    size_t count;
    stage_hidden(&s);
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'give': 'CANARY'}]}"), RUN_DONE);
    struct forgery as_it_is = {.count = 0};
    ck_assert_ok(read_forged(&s, &as_it_is, &count, &err), err);
    ck_assert_uint_eq(count, 3);
    ck_assert_tells(&s, "r", "output-accepted");
    stage_done(&s);
}
END_TEST

START_TEST(records_cannot_change_places)
{
    expect_refused((struct forgery){.swapped = {2, 3}}, 1);
}
END_TEST

START_TEST(a_record_is_of_its_run_alone)
{
    expect_refused((struct forgery){.run = "q"}, 0);
}
END_TEST

START_TEST(what_can_be_read_of_it_cannot_be_changed)
{
    expect_refused((struct forgery){.from = "\"accepted\":true", .to = "\"accepted\":false"}, 1);
}
END_TEST

START_TEST(without_its_key_it_is_not_taken_up_and_with_it_is)
{
    struct stage s;
    struct error err;
    stage_hidden(&s);
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'give': 'CANARY'}]}"), RUN_DONE);
    stage_close(&s);
    setenv("SEAM_TEST_SEAL", OTHER, 1);
    stage_open(&s);
    ck_assert_int_eq(host_resume(s.host, "r", &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, "the secret \"seal\" is another key today"));
    stage_close(&s);
    setenv("SEAM_TEST_SEAL", "short", 1);
    ck_assert_int_eq(stage_try_open(&s, &err), ERR_INPUT);
    setenv("SEAM_TEST_SEAL", KEY, 1);
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    stage_done(&s);
}
END_TEST

/* ---- what is a key beyond one run ---- */

static void drops(struct peer *peer, struct connection *connection)
{
    (void)peer;
    (void)!peer_read(connection);
}

#define FINDS(id)                                                                                  \
    "{'do': [{'must': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book', 'json': 1}}],"    \
    " 'find': {'do': [{'give': {'outcome': 'happened', 'result': {'booking': {'id': '" id          \
    "'}}}}]}}"

START_TEST(what_one_has_claimed_is_nobody_elses_hidden_or_not)
{
    struct stage s;
    setenv("SEAM_TEST_SEAL", KEY, 1);
    stage_set(&s, IN_PROCESS, drops, "",
              "secrets: {seal: {env: SEAM_TEST_SEAL}}\nhide: {key: seal, flows: [none]}\n");
    stage_one_step(&s, "actor/book", "");
    size_t *named = &s.roster->manifest->hide.flow_count; /* 0: all are hidden */
    *named = 0;
    ck_assert_int_eq(stage_run(&s, "a", FINDS("A")), RUN_DONE);
    ck_assert_tells(&s, "a", "reconcile-happened");
    ck_assert_int_eq(stage_run(&s, "b", FINDS("A")), RUN_WAITING);
    ck_assert_tells(&s, "b", "reference-claimed");
    *named = 1;
    ck_assert_int_eq(stage_run(&s, "c", FINDS("A")), RUN_WAITING);
    ck_assert_tells(&s, "c", "reference-claimed");
    ck_assert_int_eq(stage_run(&s, "d", FINDS("D")), RUN_DONE);
    *named = 0;
    ck_assert_int_eq(stage_run(&s, "e", FINDS("D")), RUN_WAITING);
    ck_assert_tells(&s, "e", "reference-claimed");
    *named = 1;
    stage_done(&s);
}
END_TEST

UNIT_MAIN(it_is_read_back_as_it_was, records_cannot_change_places, a_record_is_of_its_run_alone,
          what_can_be_read_of_it_cannot_be_changed,
          without_its_key_it_is_not_taken_up_and_with_it_is,
          what_one_has_claimed_is_nobody_elses_hidden_or_not)

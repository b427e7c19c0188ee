/* SPDX-License-Identifier: Apache-2.0
 *
 * What an agent may ask for and what it is told, from end to end: classes and grants, time, budget,
 * headers and bodies.
 */
#include "stage.h"

#define GET  "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/x'}}"
#define POST "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/x', 'json': {'n': 1}}}"

static void answers_fine(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        say(connection, 200, "{\"fine\":true}");
}

static void ck_assert_answer(const struct stage *s, int index, int status, const char *code)
{
    AUTO(freep) char *at_status = xasprintf("answers/%d/status", index);
    AUTO(freep) char *at_code = xasprintf("answers/%d/code", index);
    AUTO(freep) char *body = json_dumps(at(s->output, "answers"), JSON_COMPACT);
    ck_assert_msg(number_at(s->output, at_status) == status &&
                      (!code || strcmp(word_at(s->output, at_code), code) == 0),
                  "answer %d of %s", index, body);
    (void)at_code;
}

START_TEST(a_pure_agent_is_denied_every_way_out)
{
    struct stage s;
    stage_set(&s, _i, answers_fine, "", "");
    stage_one_step(&s, "actor/pure", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'do': [" GET "," POST ","
                               "{'ask': 'effect.begin/1', 'body': {'name': 'e'}},"
                               "{'ask': 'effect.commit/1', 'body': {'name': 'e'}},"
                               "{'ask': 'clock.sleep/1', 'body': {'ms': 1}},"
                               "{'ask': 'budget.spend/1', 'body': {'tokens': 1}}]}"),
                     RUN_DONE);
    for (int i = 0; i < 4; i++)
        ck_assert_answer(&s, i, SEAM_E_DENIED, NULL);
    ck_assert_answer(&s, 4, SEAM_OK, NULL);
    ck_assert_answer(&s, 5, SEAM_OK, NULL);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 0);
    stage_done(&s);
}
END_TEST

static void keeps_the_key(struct peer *peer, struct connection *connection)
{
    char key[128];
    (void)peer;
    while (peer_read(connection)) {
        header_of(connection, "Idempotency-Key", key, sizeof(key));
        AUTO(freep) char *body = xasprintf("{\"key\":\"%s\"}", key);
        say(connection, 200, body);
    }
}

START_TEST(a_read_agent_sends_what_changes_nothing_alone)
{
    struct stage s;
    stage_set(&s, _i, keeps_the_key, "", "");
    stage_one_step(&s, "actor/look", "");
    stage_run(&s, "r",
              "{'do': [" GET "," POST ","
              "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/search',"
              "                                'json': {}}},"
              "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/search/x',"
              "                                'json': {}}},"
              "{'ask': 'effect.begin/1', 'body': {'name': 'e', 'request': 1}}]}");
    ck_assert_answer(&s, 0, SEAM_OK, NULL);
    ck_assert_answer(&s, 1, SEAM_E_DENIED, "class");
    ck_assert_answer(&s, 2, SEAM_OK, NULL);
    ck_assert_str_eq(word_at(s.output, "answers/2/body/json/key"), "");
    ck_assert_answer(&s, 3, SEAM_E_DENIED, "class");
    ck_assert_answer(&s, 4, SEAM_E_DENIED, "class");
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 2);
    stage_done(&s);
}
END_TEST

START_TEST(what_an_agent_calls_an_effect_is_one_whatever_the_grant_says)
{
    struct stage s;
    stage_set(&s, _i, keeps_the_key, "", "");
    stage_one_step(&s, "actor/book", "");
    stage_run(&s, "r",
              "{'do': [{'ask': 'effect.begin/1', 'body': {'name': 'e', 'request': 1}},"
              "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/search', 'json': {},"
              "                                'effect': 'e'}}]}");
    ck_assert_answer(&s, 1, SEAM_OK, NULL);
    ck_assert_str_ne(word_at(s.output, "answers/1/body/json/key"), "");
    ck_assert_tells(&s, "r", "[effect-ended]");
    stage_done(&s);
}
END_TEST

#define TO(method, url) "{'ask': 'http.send/1', 'body': {'method': '" method "', 'url': '" url "'}}"

START_TEST(what_is_not_granted_does_not_leave)
{
    struct stage s;
    stage_set(&s, _i, answers_fine, "", "");
    stage_one_step(&s, "actor/book", "");
    stage_run(
        &s, "r",
        "{'do': [" TO("DELETE", "@/x") "," TO("GET", "http://127.0.0.1:1/x") "," TO(
            "GET",
            "http://"
            "localho"
            "st/x") "," TO("GET",
                           "https://127.0.0.1/x") "," TO("POST",
                                                         "http://127.0.0.2:9/") "," TO("get",
                                                                                       "@/x") "]}");
    for (int i = 0; i < 6; i++)
        ck_assert_answer(&s, i, SEAM_E_DENIED, "not-granted");
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 0);
    ck_assert_tells_not(&s, "r", "[effect-asked]");
    stage_done(&s);
}
END_TEST

static void redirects(struct peer *peer, struct connection *connection)
{
    while (peer_read(connection)) {
        AUTO(freep)
        char *answer = xasprintf("HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:%u/elsewhere\r\n"
                                 "Content-Length: 0\r\n\r\n",
                                 peer->port);
        peer_say(connection, answer);
    }
}

START_TEST(a_redirect_is_an_answer_and_is_not_followed)
{
    struct stage s;
    stage_set(&s, _i, redirects, "", "");
    stage_one_step(&s, "actor/look", "");
    stage_run(&s, "r", "{'do': [" GET "]}");
    ck_assert_int_eq(number_at(s.output, "answers/0/body/status"), 307);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 1);
    stage_done(&s);
}
END_TEST

START_TEST(a_malformed_request_is_refused_and_says_what_was_expected)
{
    static const char *const bad[] = {
        "{'ask': 'http.send/1', 'body': {'method': 'POST'}}",
        "{'ask': 'http.send/1', 'body': {'url': '@/x'}}",
        "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': 'ftp://127.0.0.1/'}}",
        "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/../x'}}",
        "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/x', 'body': 'a', 'json': 1}}",
        "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/x', 'body_base64': '%%'}}",
        "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/x', 'body': 7}}",
        "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/x', 'timeout_ms': 0}}",
        "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/x', 'timeout_ms': 'soon'}}",
        "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/x', 'headers': {'A': 7}}}",
        "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/x', 'headers': ['A']}}",
        "{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/x', 'effect': 7}}",
        "{'ask': 'http.send/1', 'body': [1]}",
        "{'ask': 'effect.begin/1', 'body': {'request': 1}}",
        "{'ask': 'effect.begin/1', 'body': {'name': 'a b', 'request': 1}}",
        "{'ask': 'effect.begin/1', 'body': {'name': 'call', 'request': 1}}",
        "{'ask': 'effect.commit/1', 'body': {'name': 'never-begun'}}",
        "{'ask': 'budget.reserve/1', 'body': {'tokens': -1}}",
        "{'ask': 'budget.spend/1', 'body': {'cost': 0.5}}",
        "{'ask': 'budget.spend/1', 'body': {'tokens': 1.5}}",
        "{'ask': 'clock.sleep/1', 'body': {'ms': -1}}",
        "{'ask': 'clock.sleep/1', 'body': {}}",
    };
    struct stage s;
    AUTO(text_done) struct text script;
    stage_set(&s, _i, answers_fine, "", "");
    stage_one_step(&s, "actor/book", "");
    text_init(&script, LIMIT_FILE);
    text_adds(&script, "{'do': [");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        text_addf(&script, "%s%s", i ? "," : "", bad[i]);
    text_adds(&script, ", {'ask': 'coffee/1', 'body': {}}]}");
    stage_run(&s, "r", text_str(&script));
    for (int i = 0; i < (int)(sizeof(bad) / sizeof(bad[0])); i++)
        ck_assert_answer(&s, i, SEAM_E_INPUT, "bad-request");
    ck_assert_answer(&s, sizeof(bad) / sizeof(bad[0]), SEAM_E_UNSUPPORTED, "unknown-op");
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 0);
    stage_done(&s);
}
END_TEST

static void shows_the_request(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        json_t *body = json_pack("{s:s}", "request", connection->last);
        AUTO(freep) char *text = json_dumps(body, JSON_COMPACT);
        json_decref(body);
        say(connection, 200, text);
    }
}

START_TEST(headers_leave_as_given_but_for_what_the_host_says_itself)
{
    struct stage s;
    stage_set(&s, _i, shows_the_request, "", "");
    stage_one_step(&s, "actor/book", "");
    stage_run(&s, "r",
              "{'do': [{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/x',"
              "'json': {}, 'headers': {'X-Mine': 'yes', 'idempotency-key': 'mine'}}}]}");
    const char *sent = word_at(s.output, "answers/0/body/json/request");
    ck_assert_ptr_nonnull(strstr(sent, "\r\nX-Mine: yes\r\n"));
    ck_assert_ptr_nonnull(strstr(sent, "\r\nContent-Type: application/json\r\n"));
    ck_assert_ptr_null(strstr(sent, "mine"));
    json_t *picture = stage_describe(&s, "r");
    AUTO(freep)
    char *key = xasprintf("\r\nIdempotency-Key: %s\r\n", word_at(picture, "tasks/0/effects/0/key"));
    ck_assert_ptr_nonnull(strstr(sent, key));
    json_decref(picture);
    stage_done(&s);
}
END_TEST

static void answers_bytes(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n\xff\xfe!");
}

START_TEST(bytes_that_are_no_text_come_and_go_in_base64)
{
    struct stage s;
    stage_set(&s, _i, answers_bytes, "", "");
    stage_one_step(&s, "actor/book", "");
    stage_run(&s, "r",
              "{'do': [{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/x',"
              "'body_base64': '/wA='}}]}");
    ck_assert_str_eq(word_at(s.output, "answers/0/body/body_base64"), "//4h");
    ck_assert_ptr_null(at(s.output, "answers/0/body/body"));
    pthread_mutex_lock(&s.peer->lock);
    const char *body = strstr(s.peer->last, "\r\n\r\n");
    ck_assert(body && memcmp(body, "\r\n\r\n\xff\0", 6) == 0);
    pthread_mutex_unlock(&s.peer->lock);
    stage_done(&s);
}
END_TEST

START_TEST(the_budget_is_reserved_and_spent)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s, "budget: {attempts: 9, calls: 9, tokens: 100, cost: 1.00, time: 10m}\n"
                   "steps:\n  act: {agent: actor/look, input: \"${ .input }\"}\n"
                   "output: {as: \"${ .steps.act.output }\"}\n");
    stage_run(&s, "r",
              "{'do': [{'ask': 'budget.reserve/1', 'body': {'tokens': 60}},"
              "{'ask': 'budget.reserve/1', 'body': {'tokens': 60}},"
              "{'ask': 'budget.reserve/1', 'body': {'cost': '0.75'}},"
              "{'ask': 'budget.reserve/1', 'body': {'cost': '0.26'}},"
              "{'ask': 'budget.spend/1', 'body': {'tokens': 7, 'cost': '0.02'}}]}");
    ck_assert_answer(&s, 0, SEAM_OK, NULL);
    ck_assert_answer(&s, 1, SEAM_E_BUDGET, "budget");
    ck_assert_answer(&s, 2, SEAM_OK, NULL);
    ck_assert_str_eq(word_at(s.output, "answers/2/body/cost"), "0.75");
    ck_assert_answer(&s, 3, SEAM_E_BUDGET, "budget");
    ck_assert_answer(&s, 4, SEAM_OK, NULL);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(number_at(picture, "spent/tokens"), 7);
    ck_assert_str_eq(word_at(picture, "spent/cost"), "0.02");
    json_decref(picture);
    stage_done(&s);
}
END_TEST

static struct stage *watched;
static atomic_int on_disk;

/* What the world finds in the journal at the moment it is asked: records that hold the word. */
static bool seek(void *user, const struct journal_record *record, const struct digest *hash)
{
    (void)hash;
    return memmem(record->body.ptr, record->body.len, user, strlen(user)) == NULL ||
           (atomic_fetch_add(&on_disk, 1), true);
}

static void looks_for_the_reserve(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        static char word[] = "reserve-granted";
        struct journal_reader *reader = NULL;
        ASSERT(journal_reader_open(watched->journal, &reader, NULL) == ERR_OK);
        struct error none; /* the run may not be on disk at all */
        (void)!journal_read(reader, "r", 1, seek, word, &none);
        journal_reader_close(reader);
        say(connection, 200, "{}");
    }
}

START_TEST(a_reserve_of_cost_is_on_disk_before_it_is_granted)
{
    struct stage s;
    stage_set(&s, _i, looks_for_the_reserve, "", "");
    watched = &s;
    stage_flow(&s, "budget: {attempts: 9, calls: 9, cost: 1.00, time: 10m}\n"
                   "steps:\n  act: {agent: actor/look, input: \"${ .input }\"}\n"
                   "output: {as: \"${ .steps.act.output }\"}\n");
    stage_run(&s, "r", "{'do': [{'ask': 'budget.reserve/1', 'body': {'cost': '0.75'}}," GET "]}");
    ck_assert_answer(&s, 0, SEAM_OK, NULL);
    ck_assert_answer(&s, 1, SEAM_OK, NULL);
    ck_assert_int_eq(atomic_load(&on_disk), 1);
    stage_done(&s);
}
END_TEST

START_TEST(a_sleep_ends_with_its_call)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", ", retry: {max_attempts: 1}, timeout: {start_to_close: 50ms}");
    ck_assert_int_eq(
        stage_run(&s, "r", "{'do': [{'must': 'clock.sleep/1', 'body': {'ms': 3600000}}]}"),
        RUN_FAILED);
    ck_assert_str_eq(word_at(s.error, "code"), "timeout");
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {a_pure_agent_is_denied_every_way_out,
                                       a_read_agent_sends_what_changes_nothing_alone,
                                       what_an_agent_calls_an_effect_is_one_whatever_the_grant_says,
                                       what_is_not_granted_does_not_leave,
                                       a_redirect_is_an_answer_and_is_not_followed,
                                       a_malformed_request_is_refused_and_says_what_was_expected,
                                       headers_leave_as_given_but_for_what_the_host_says_itself,
                                       bytes_that_are_no_text_come_and_go_in_base64,
                                       the_budget_is_reserved_and_spent,
                                       a_reserve_of_cost_is_on_disk_before_it_is_granted,
                                       a_sleep_ends_with_its_call,
                                       NULL};
    return stage_main(__FILE__, everywhere, NULL);
}

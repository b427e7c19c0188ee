/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that an agent reads as they come: pieces before the end is there, whole characters, ends
 * that are told, and nothing left behind.
 */
#include "stage.h"

#include "base/limits.h"

#define OPEN       "{'ask': 'http.open/1', 'body': {'method': 'GET', 'url': '@/stream'}}"
#define READ       "{'ask': 'http.read/1', 'body': {'stream': 1, 'max_bytes': 65}}"
#define CLOSE      "{'ask': 'http.close/1', 'body': {'stream': 1}}"
#define GET_BESIDE "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/beside'}}"
#define HEAD       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

static void ck_assert_status(const struct stage *s, int index, int status)
{
    AUTO(freep) char *path = xasprintf("answers/%d/status", index);
    AUTO(freep) char *all = json_dumps(at(s->output, "answers"), JSON_COMPACT);
    ck_assert_msg(number_at(s->output, path) == status, "answer %d of %s", index, all);
}

static void ck_assert_piece(const struct stage *s, int index, const char *expected)
{
    AUTO(freep) char *path = xasprintf("answers/%d/body/body", index);
    ck_assert_status(s, index, SEAM_OK);
    ck_assert_str_eq(word_at(s->output, path), expected);
}

static void ck_assert_end(const struct stage *s, int index)
{
    AUTO(freep) char *path = xasprintf("answers/%d/body/end", index);
    ck_assert_piece(s, index, "");
    ck_assert(json_is_true(at(s->output, path)));
}

/* The second word leaves only after another request of the same call. */
static void waits_for_another(struct peer *peer, struct connection *connection)
{
    if (!peer_read(connection))
        return;
    if (strncmp(connection->last, "GET /beside", 11) == 0) {
        say(connection, 200, "{}");
        sem_post(&peer->gate);
        return;
    }
    peer_say(connection, HEAD "one");
    sem_wait(&peer->gate);
    peer_say(connection, "two");
}

START_TEST(a_piece_is_read_before_the_next_is_there)
{
    struct stage s;
    stage_set(&s, _i, waits_for_another, "", "");
    stage_one_step(&s, "actor/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r", "{'do': [" OPEN "," READ "," GET_BESIDE "," READ "," READ "," READ "]}"),
        RUN_DONE);
    ck_assert_status(&s, 0, SEAM_OK);
    ck_assert_int_eq(number_at(s.output, "answers/0/body/status"), 200);
    ck_assert_str_eq(word_at(s.output, "answers/0/body/headers/content-type"), "text/event-stream");
    ck_assert_piece(&s, 1, "one");
    ck_assert_piece(&s, 3, "two");
    ck_assert_end(&s, 4);
    ck_assert_status(&s, 5, SEAM_E_INPUT);
    stage_done(&s);
}
END_TEST

static void says_umlauts(struct peer *peer, struct connection *connection)
{
    AUTO(text_done) struct text all;
    (void)peer;
    if (!peer_read(connection))
        return;
    text_init(&all, 4096);
    text_adds(&all, HEAD);
    for (int i = 0; i < 40; i++)
        text_adds(&all, "\xc3\xa4");
    text_adds(&all, "\xff");
    peer_say(connection, text_str(&all));
}

START_TEST(no_character_is_cut_and_other_bytes_are_base64)
{
    struct stage s;
    stage_set(&s, _i, says_umlauts, "", "");
    stage_one_step(&s, "actor/look", "");
    stage_run(&s, "r", "{'do': [" OPEN "," READ "," READ "," READ "," READ "]}");
    const char *all = word_at(s.output, "answers/1/body/body");
    ck_assert_msg(strlen(all) % 2 == 0 && strlen(all) > 0 && strlen(all) <= 64, "%s", all);
    AUTO(freep) char *answers = json_dumps(at(s.output, "answers"), JSON_COMPACT);
    ck_assert_msg(strstr(answers, "body_base64"), "%s", answers);
    stage_done(&s);
}
END_TEST

START_TEST(what_may_change_the_world_is_not_opened)
{
    static const char post[] =
        "{'ask': 'http.open/1', 'body': {'method': 'POST', 'url': '@/x', 'json': 1}}";
    static const char search[] =
        "{'ask': 'http.open/1', 'body': {'method': 'POST', 'url': '@/search', 'json': 1}}";
    static const char elsewhere[] =
        "{'ask': 'http.open/1', 'body': {'method': 'GET', 'url': 'http://127.0.0.1:1/'}}";
    AUTO(freep) char *input = xasprintf("{'do': [%s,%s,%s]}", post, elsewhere, search);
    struct stage s;
    stage_set(&s, _i, waits_for_another, "", "");
    stage_one_step(&s, "actor/book", "");
    stage_run(&s, "r", input);
    ck_assert_status(&s, 0, SEAM_E_DENIED);
    ck_assert_str_eq(word_at(s.output, "answers/0/code"), "class");
    ck_assert_status(&s, 1, SEAM_E_DENIED);
    ck_assert_str_eq(word_at(s.output, "answers/1/code"), "not-granted");
    ck_assert_status(&s, 2, SEAM_OK);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 1);
    stage_done(&s);
}
END_TEST

START_TEST(a_pure_agent_opens_nothing)
{
    struct stage s;
    stage_set(&s, _i, waits_for_another, "", "");
    stage_one_step(&s, "actor/pure", "");
    stage_run(&s, "r", "{'do': [" OPEN "," READ "]}");
    ck_assert_status(&s, 0, SEAM_E_DENIED);
    ck_assert_status(&s, 1, SEAM_E_DENIED);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 0);
    stage_done(&s);
}
END_TEST

static void is_cut(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
}

START_TEST(a_cut_is_told_after_what_came)
{
    struct stage s;
    stage_set(&s, _i, is_cut, "", "");
    stage_one_step(&s, "actor/look", "");
    stage_run(&s, "r", "{'do': [" OPEN "," READ "," READ "]}");
    if (number_at(s.output, "answers/0/status") == SEAM_OK) {
        ck_assert_piece(&s, 1, "half");
        ck_assert_status(&s, 2, SEAM_E_UNAVAILABLE);
    } else {
        ck_assert_status(&s, 0, SEAM_E_UNAVAILABLE);
    }
    stage_done(&s);
}
END_TEST

START_TEST(a_read_may_be_limited_in_time_and_a_stream_be_closed)
{
    static const char soon[] = "{'ask': 'http.read/1', 'body': {'stream': 1, 'timeout_ms': 20}}";
    AUTO(freep)
    char *input = xasprintf("{'do': [" OPEN "," READ ",%s," CLOSE "," READ "," CLOSE "]}", soon);
    struct stage s;
    stage_set(&s, _i, waits_for_another, "", "");
    stage_one_step(&s, "actor/look", "");
    stage_run(&s, "r", input);
    ck_assert_piece(&s, 1, "one");
    ck_assert_status(&s, 2, SEAM_E_TIMEOUT);
    ck_assert_status(&s, 3, SEAM_OK);
    ck_assert_status(&s, 4, SEAM_E_INPUT);
    ck_assert_status(&s, 5, SEAM_E_INPUT);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_has_so_many_streams_and_leaves_none)
{
    struct stage s;
    AUTO(text_done) struct text input;
    text_init(&input, 1 << 20);
    text_adds(&input, "{'do': [");
    for (unsigned i = 0; i <= LIMIT_CALL_STREAMS; i++)
        text_addf(&input, "%s" OPEN, i ? "," : "");
    text_adds(&input, "]}");
    stage_set(&s, _i, waits_for_another, "", "");
    stage_one_step(&s, "actor/look", "");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&input)), RUN_DONE);
    ck_assert_status(&s, LIMIT_CALL_STREAMS - 1, SEAM_OK);
    ck_assert_status(&s, LIMIT_CALL_STREAMS, SEAM_E_BUSY);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {a_piece_is_read_before_the_next_is_there,
                                       no_character_is_cut_and_other_bytes_are_base64,
                                       what_may_change_the_world_is_not_opened,
                                       a_pure_agent_opens_nothing,
                                       a_cut_is_told_after_what_came,
                                       a_read_may_be_limited_in_time_and_a_stream_be_closed,
                                       a_call_has_so_many_streams_and_leaves_none,
                                       NULL};
    return stage_main(__FILE__, everywhere, NULL);
}

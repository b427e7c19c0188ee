/* SPDX-License-Identifier: Apache-2.0
 *
 * The helpers of seam/sdk.h, called against a host's table that answers from a script and keeps
 * what it was given. Every body that they write is checked against the schema of its op.
 */
#include <seam/sdk.h>
#include <seam/stream.h>

#include "base/text.h"
#include "contract/contract.h"
#include "unit.h"

#include <jansson.h>

static struct {
    const char *answer; /* body of the next answer */
    const char *then;   /* … and of the one after it, and of all that follow */
    char ops[128];      /* all that were asked for, each with a space */
    seam_status status;
    uint32_t effect;
    const char *code;
    char op[64];
    json_t *asked;   /* the body of the last request */
    seam_reply last; /* of complete(); its body in `completed` */
    json_t *completed;
    char completed_code[64];
    char logged[2000];
} host_state;

static void check_against_schema(const char *op, const char *side, const json_t *body)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/schemas/ops/%.*s.%s.json", SOURCE_ROOT,
             (int)(strlen(op) - strlen("/1")), op, side);
    json_t *schema = json_load_file(path, 0, NULL);
    ck_assert_msg(schema != NULL, "%s", path);
    struct contract *contract;
    struct error err;
    ck_assert_msg(contract_compile(schema, NULL, &contract, &err) == 0, "%s: %s", path, err.text);
    ck_assert_msg(contract_accepts(contract, body), "%s: %s", path, json_dumps(body, 0));
    contract_unref(contract);
    json_decref(schema);
}

static seam_status request_wait(const seam_host *host, seam_id call, const char *op,
                                seam_bytes body, seam_reply_fn answer, void *user)
{
    ck_assert(host->ctx == &host_state && call == 42);
    snprintf(host_state.op, sizeof(host_state.op), "%s", op);
    strncat(strncat(host_state.ops, op, 30), " ", 2);
    json_decref(host_state.asked);
    host_state.asked = json_loadb(body.ptr, body.len, 0, NULL);
    ck_assert_ptr_nonnull(host_state.asked);
    check_against_schema(op, "request", host_state.asked);
    if (host_state.status == SEAM_OK) {
        json_t *given = json_loads(host_state.answer, 0, NULL);
        check_against_schema(op, "response", given);
        json_decref(given);
    }
    /* Borrowed means borrowed: the bytes are gone when the answer has been given. */
    size_t len = strlen(host_state.answer);
    char *bytes = malloc(len + 1);
    memcpy(bytes, host_state.answer, len);
    seam_reply reply = {.size = sizeof(reply),
                        .status = host_state.status,
                        .effect = host_state.effect,
                        .retry_after_ms = 5,
                        .body = {bytes, len},
                        .code = seam_text(host_state.code)};
    answer(user, &reply);
    free(bytes);
    if (host_state.then)
        host_state.answer = host_state.then;
    return host_state.status;
}

static void complete(const seam_host *host, seam_id call, const seam_reply *reply)
{
    (void)host;
    ck_assert(call == 42 && SEAM_HAS(reply, seam_reply, code));
    host_state.last = *reply;
    json_decref(host_state.completed);
    host_state.completed = json_loadb(reply->body.ptr, reply->body.len, JSON_DECODE_ANY, NULL);
    snprintf(host_state.completed_code, sizeof(host_state.completed_code), "%.*s",
             (int)reply->code.len, reply->code.ptr);
}

static void log_line(const seam_host *host, seam_id call, uint32_t level, seam_bytes text)
{
    (void)host;
    ck_assert(call == 0 && level == SEAM_LOG_WARNING);
    snprintf(host_state.logged, sizeof(host_state.logged), "%.*s", (int)text.len, text.ptr);
}

static const seam_host host = {.size = sizeof(host),
                               .ctx = &host_state,
                               .complete = complete,
                               .request_wait = request_wait,
                               .log = log_line};

static void will_answer(seam_status status, uint32_t effect, const char *code, const char *body)
{
    host_state.status = status;
    host_state.effect = effect;
    host_state.code = code;
    host_state.answer = body;
    host_state.then = NULL;
    host_state.ops[0] = '\0';
}

static void expect_asked(const char *op, const char *body)
{
    json_t *expected = json_loads(body, 0, NULL);
    ck_assert_str_eq(host_state.op, op);
    ck_assert_msg(json_equal(expected, host_state.asked), "%s", json_dumps(host_state.asked, 0));
    json_decref(expected);
}

START_TEST(http_send_spells_the_request_and_reads_the_response)
{
    static const char *const headers[] = {"Accept", "text/\"x\"", "X-B", "", NULL};
    seam_http_request request = {.method = "POST",
                                 .url = "https://example.com/a?b",
                                 .headers = headers,
                                 .json = seam_text("{\"n\": 1}"),
                                 .timeout_ms = 250,
                                 .effect = "ticket"};
    will_answer(SEAM_OK, SEAM_EFFECT_DONE, "",
                "{\"status\":201,\"headers\":{\"content-type\":\"application/json\"},"
                "\"body\":\"[\\u00e9]\",\"json\":[1],\"replayed\":true}");
    seam_http_response got = seam_http_send(&host, 42, &request);
    expect_asked("http.send/1",
                 "{\"method\":\"POST\",\"url\":\"https://example.com/a?b\",\"headers\":"
                 "{\"Accept\":\"text/\\\"x\\\"\",\"X-B\":\"\"},\"json\":{\"n\":1},"
                 "\"timeout_ms\":250,\"effect\":\"ticket\"}");
    ck_assert(got.answer.status == SEAM_OK && got.status == 201 && got.replayed);
    ck_assert(seam_json_is(seam_json_at(got.headers, "/content-type"), "application/json"));
    ck_assert(got.json.len == 3 && memcmp(got.json.ptr, "[1]", 3) == 0);
    ck_assert_str_eq(got.body, "[é]");
    seam_http_done(&got);
}
END_TEST

START_TEST(http_bodies_are_text_or_bytes)
{
    seam_http_request request = {.method = "PUT", .url = "http://h/", .body = seam_text("plain")};
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "",
                "{\"status\":200,\"headers\":{},\"body_base64\":\"AP8=\"}");
    seam_http_response got = seam_http_send(&host, 42, &request);
    expect_asked("http.send/1", "{\"method\":\"PUT\",\"url\":\"http://h/\",\"body\":\"plain\"}");
    ck_assert(got.body_len == 2 && memcmp(got.body, "\0\xff", 2) == 0 && got.json.len == 0);
    seam_http_done(&got);
    request.body = (seam_bytes){"\0\xff", 2};
    got = seam_http_send(&host, 42, &request);
    expect_asked("http.send/1",
                 "{\"method\":\"PUT\",\"url\":\"http://h/\",\"body_base64\":\"AP8=\"}");
    seam_http_done(&got);
}
END_TEST

START_TEST(a_failure_ends_the_call_as_it_came)
{
    seam_http_request request = {.method = "GET", .url = "http://h/"};
    will_answer(SEAM_E_TIMEOUT, SEAM_EFFECT_UNKNOWN, "http.timeout", "{\"message\":\"too late\"}");
    seam_http_response got = seam_http_send(&host, 42, &request);
    ck_assert(got.answer.status == SEAM_E_TIMEOUT && got.status == 0 && !got.body);
    ck_assert_int_eq(seam_complete_answer(&host, 42, &got.answer), SEAM_OK);
    ck_assert(host_state.last.status == SEAM_E_TIMEOUT &&
              host_state.last.effect == SEAM_EFFECT_UNKNOWN && host_state.last.retry_after_ms == 5);
    ck_assert_str_eq(host_state.completed_code, "http.timeout");
    ck_assert_str_eq(json_string_value(json_object_get(host_state.completed, "message")),
                     "too late");
    seam_http_done(&got);
    will_answer(SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "", "{\"message\":\"refused\"}");
    got = seam_http_send(&host, 42, &request);
    ck_assert(got.answer.status == SEAM_E_UNAVAILABLE && got.answer.effect == SEAM_EFFECT_NONE);
    seam_http_done(&got);
}
END_TEST

START_TEST(a_request_that_cannot_be_written_is_not_sent)
{
    seam_http_request request = {.method = "GET", .url = "http://h/", .json = seam_text("{")};
    host_state.op[0] = '\0';
    seam_http_response got = seam_http_send(&host, 42, &request);
    ck_assert(got.answer.status == SEAM_E_INTERNAL && got.answer.effect == SEAM_EFFECT_NONE);
    ck_assert_str_eq(host_state.op, "");
    seam_http_done(&got);
}
END_TEST

static seam_status refuse_silently(const seam_host *given, seam_id call, const char *op,
                                   seam_bytes body, seam_reply_fn answer, void *user)
{
    (void)given, (void)call, (void)op, (void)body, (void)answer, (void)user;
    return SEAM_E_UNSUPPORTED;
}

START_TEST(a_host_that_does_not_answer_is_no_success)
{
    seam_host silent = host;
    silent.request_wait = refuse_silently;
    seam_answer answer = seam_ask(&silent, 42, "clock.sleep/1", seam_text("{\"ms\":1}"));
    ck_assert(answer.status == SEAM_E_INTERNAL && answer.effect == SEAM_EFFECT_UNKNOWN);
    seam_answer_done(&answer);
}
END_TEST

START_TEST(effects_are_begun_and_ended)
{
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"state\":\"fresh\",\"key\":\"ab12\"}");
    seam_effect effect = seam_effect_begin(&host, 42, "ticket", seam_text("{\"to\":\"x\"}"));
    expect_asked("effect.begin/1", "{\"name\":\"ticket\",\"request\":{\"to\":\"x\"}}");
    ck_assert(effect.answer.status == SEAM_OK && !effect.happened);
    ck_assert(seam_json_is(effect.key, "ab12"));
    seam_effect_done(&effect);

    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "",
                "{\"state\":\"done\",\"key\":\"ab12\",\"result\":{\"id\":7}}");
    effect = seam_effect_begin(&host, 42, "ticket", seam_text("{\"to\":\"x\"}"));
    int64_t id = 0;
    ck_assert(effect.happened && seam_json_integer(seam_json_at(effect.result, "/id"), &id));
    ck_assert_int_eq(id, 7);
    seam_effect_done(&effect);

    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{}");
    ck_assert_int_eq(seam_effect_commit(&host, 42, "ticket", seam_text("[1]")), SEAM_OK);
    expect_asked("effect.commit/1", "{\"name\":\"ticket\",\"outcome\":\"done\",\"result\":[1]}");
    ck_assert_int_eq(seam_effect_abandon(&host, 42, "ticket"), SEAM_OK);
    expect_asked("effect.commit/1", "{\"name\":\"ticket\",\"outcome\":\"none\"}");
}
END_TEST

START_TEST(an_effect_in_doubt_is_a_failure)
{
    static const char *const states[][2] = {{"unknown", "effect.unknown"},
                                            {"conflict", "effect.conflict"}};
    for (size_t i = 0; i < 2; i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"state\":\"%s\",\"key\":\"ab\"}", states[i][0]);
        will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", body);
        seam_effect effect = seam_effect_begin(&host, 42, "ticket", seam_text("{}"));
        ck_assert(effect.answer.status == SEAM_E_FAILED && !effect.happened);
        /* of a conflict nothing new is in doubt: the host knows what stands under the key */
        ck_assert(effect.answer.effect == (i == 0 ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE));
        ck_assert_str_eq(effect.answer.code, states[i][1]);
        seam_complete_answer(&host, 42, &effect.answer);
        ck_assert_ptr_nonnull(json_object_get(host_state.completed, "message"));
        seam_effect_done(&effect);
    }
}
END_TEST

#define FRESH "{\"state\":\"fresh\",\"key\":\"ab12\"}"

struct purse {
    uint32_t became;
    int paid;
    char key[16];
};

static uint32_t pay(void *user, seam_deed *deed)
{
    struct purse *purse = user;
    purse->paid++;
    snprintf(purse->key, sizeof(purse->key), "%.*s", (int)deed->key.len, deed->key.ptr);
    if (purse->became == SEAM_EFFECT_DONE) {
        seam_put_object(&deed->result, NULL);
        seam_put_integer(&deed->result, "receipt", 7);
        seam_put_end(&deed->result);
    } else {
        deed->status = SEAM_E_UNAVAILABLE;
        deed->code = "bank.closed";
        deed->message = "the bank is closed";
    }
    return purse->became;
}

START_TEST(once_does_a_fresh_effect_and_commits_it)
{
    struct purse purse = {.became = SEAM_EFFECT_DONE};
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", FRESH);
    host_state.then = "{}";
    seam_effect paid = seam_once(&host, 42, "pay", seam_text("{\"sum\":1}"), pay, &purse);
    ck_assert_str_eq(host_state.ops, "effect.begin/1 effect.commit/1 ");
    expect_asked("effect.commit/1",
                 "{\"name\":\"pay\",\"outcome\":\"done\",\"result\":{\"receipt\":7}}");
    ck_assert(paid.answer.status == SEAM_OK && !paid.happened && purse.paid == 1);
    ck_assert_str_eq(purse.key, "\"ab12\"");
    ck_assert(seam_json_is(paid.key, "ab12"));
    ck_assert(paid.result.len == 13 && memcmp(paid.result.ptr, "{\"receipt\":7}", 13) == 0);
    seam_effect_done(&paid);
}
END_TEST

START_TEST(once_gives_the_stored_result_of_what_was_done)
{
    struct purse purse = {.became = SEAM_EFFECT_DONE};
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "",
                "{\"state\":\"done\",\"key\":\"ab12\",\"result\":{\"receipt\":7}}");
    seam_effect paid = seam_once(&host, 42, "pay", seam_text("1"), pay, &purse);
    ck_assert_str_eq(host_state.ops, "effect.begin/1 ");
    ck_assert(paid.answer.status == SEAM_OK && paid.happened && purse.paid == 0);
    ck_assert(paid.result.len == 13);
    seam_effect_done(&paid);
}
END_TEST

START_TEST(once_does_nothing_that_is_in_doubt)
{
    struct purse purse = {.became = SEAM_EFFECT_DONE};
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"state\":\"unknown\",\"key\":\"ab12\"}");
    seam_effect paid = seam_once(&host, 42, "pay", seam_text("1"), pay, &purse);
    ck_assert(paid.answer.status == SEAM_E_FAILED && purse.paid == 0);
    ck_assert_str_eq(paid.answer.code, "effect.unknown");
    ck_assert_int_eq(seam_end_effect(&host, 42, &paid), SEAM_OK);
    ck_assert(host_state.last.status == SEAM_E_FAILED &&
              host_state.last.effect == SEAM_EFFECT_UNKNOWN);
}
END_TEST

START_TEST(once_tells_what_surely_did_not_happen_from_what_is_not_known)
{
    struct purse purse = {.became = SEAM_EFFECT_NONE};
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", FRESH);
    host_state.then = "{}";
    seam_effect paid = seam_once(&host, 42, "pay", seam_text("1"), pay, &purse);
    expect_asked("effect.commit/1", "{\"name\":\"pay\",\"outcome\":\"none\"}");
    ck_assert(paid.answer.status == SEAM_E_UNAVAILABLE && paid.answer.effect == SEAM_EFFECT_NONE);
    ck_assert_str_eq(paid.answer.code, "bank.closed");
    ck_assert_ptr_nonnull(strstr(paid.answer.body, "the bank is closed"));
    seam_effect_done(&paid);

    purse.became = SEAM_EFFECT_UNKNOWN;
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", FRESH);
    paid = seam_once(&host, 42, "pay", seam_text("1"), pay, &purse);
    ck_assert_str_eq(host_state.ops, "effect.begin/1 ");
    ck_assert(paid.answer.effect == SEAM_EFFECT_UNKNOWN && paid.key.len == 0);
    seam_effect_done(&paid);
}
END_TEST

static seam_status begins_and_denies(const seam_host *given, seam_id call, const char *op,
                                     seam_bytes body, seam_reply_fn answer, void *user)
{
    bool begin = strcmp(op, "effect.begin/1") == 0;
    will_answer(begin ? SEAM_OK : SEAM_E_DENIED, SEAM_EFFECT_NONE, "",
                begin ? FRESH : "{\"message\":\"no evidence\"}");
    return request_wait(given, call, op, body, answer, user);
}

START_TEST(once_is_in_doubt_where_the_host_does_not_believe_or_hear_it)
{
    seam_host strict = host;
    strict.request_wait = begins_and_denies;
    struct purse purse = {.became = SEAM_EFFECT_NONE};
    seam_effect paid = seam_once(&strict, 42, "pay", seam_text("1"), pay, &purse);
    ck_assert(paid.answer.status == SEAM_E_UNAVAILABLE &&
              paid.answer.effect == SEAM_EFFECT_UNKNOWN);
    seam_effect_done(&paid);
    purse.became = SEAM_EFFECT_DONE;
    paid = seam_once(&strict, 42, "pay", seam_text("1"), pay, &purse);
    ck_assert(paid.answer.status == SEAM_E_DENIED && paid.answer.effect == SEAM_EFFECT_DONE);
    ck_assert_str_eq(paid.answer.code, "effect.not-committed");
    seam_effect_done(&paid);
}
END_TEST

START_TEST(an_http_effect_is_begun_and_sent_in_one_line)
{
    static const char *const headers[] = {"Date", "today", NULL};
    seam_http_request request = {.method = "POST",
                                 .url = "http://h/pay",
                                 .headers = headers,
                                 .json = seam_text("{\"n\":1}"),
                                 .timeout_ms = 9};
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", FRESH);
    host_state.then = "{\"status\":201,\"headers\":{},\"body\":\"[1]\",\"json\":[1]}";
    seam_http_response paid = seam_http_effect(&host, 42, "pay", &request);
    ck_assert_str_eq(host_state.ops, "effect.begin/1 http.send/1 ");
    expect_asked("http.send/1",
                 "{\"method\":\"POST\",\"url\":\"http://h/pay\",\"headers\":{\"Date\":\"today\"},"
                 "\"json\":{\"n\":1},\"timeout_ms\":9,\"effect\":\"pay\"}");
    ck_assert(seam_http_ok(&paid) && paid.status == 201 && paid.json.len == 3);
    seam_http_done(&paid);

    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"state\":\"conflict\",\"key\":\"ab12\"}");
    paid = seam_http_effect(&host, 42, "pay", &request);
    /* what varies from attempt to attempt is no part of what the effect is */
    expect_asked("effect.begin/1",
                 "{\"name\":\"pay\",\"request\":{\"method\":\"POST\",\"url\":\"http://h/pay\","
                 "\"json\":{\"n\":1}}}");
    ck_assert(!seam_http_ok(&paid) && paid.status == 0);
    ck_assert_int_eq(seam_end_http(&host, 42, &paid), SEAM_OK);
    ck_assert_str_eq(host_state.completed_code, "effect.conflict");
}
END_TEST

START_TEST(a_response_that_is_no_success_ends_the_call_with_what_the_host_saw)
{
    static const struct {
        int http;
        seam_status status;
    } all[] = {{429, SEAM_E_RATE_LIMITED}, {403, SEAM_E_DENIED},      {404, SEAM_E_FAILED},
               {408, SEAM_E_UNAVAILABLE},  {503, SEAM_E_UNAVAILABLE}, {302, SEAM_E_FAILED}};
    seam_http_request request = {.method = "POST", .url = "http://h/"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char body[64], code[16];
        snprintf(body, sizeof(body), "{\"status\":%d,\"headers\":{}}", all[i].http);
        snprintf(code, sizeof(code), "http.%d", all[i].http);
        will_answer(SEAM_OK, SEAM_EFFECT_UNKNOWN, "", body);
        seam_http_response got = seam_http_send(&host, 42, &request);
        ck_assert(!seam_http_ok(&got));
        seam_end_http(&host, 42, &got);
        ck_assert_int_eq(host_state.last.status, all[i].status);
        ck_assert(host_state.last.effect == SEAM_EFFECT_UNKNOWN);
        ck_assert_str_eq(host_state.completed_code, code);
    }
}
END_TEST

START_TEST(agents_are_called_and_their_output_read)
{
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "",
                "{\"output\":{\"found\":[1]},\"tokens\":12,\"cost\":\"0.000500\"}");
    seam_agent_result got =
        seam_agent_call(&host, 42, "org.example.search/lookup", seam_text("{\"q\":\"x\"}"));
    expect_asked("agent.call/1",
                 "{\"agent\":\"org.example.search/lookup\",\"input\":{\"q\":\"x\"}}");
    ck_assert(got.answer.status == SEAM_OK && got.tokens == 12);
    ck_assert(seam_json_at(got.output, "/found").len == 3);
    ck_assert_str_eq(got.cost, "0.000500");
    seam_agent_done(&got);

    seam_agent_request request = {.agent = "search/lookup",
                                  .input = seam_text("null"),
                                  .name = "first",
                                  .retry = seam_text("{\"max_attempts\":3,\"jitter\":\"none\"}"),
                                  .timeout_ms = 500,
                                  .budget = seam_text("{\"calls\":5,\"cost\":\"0.05\"}")};
    will_answer(SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "child-failed", "{\"message\":\"no\"}");
    got = seam_agent_call_with(&host, 42, &request);
    expect_asked("agent.call/1",
                 "{\"agent\":\"search/lookup\",\"name\":\"first\",\"input\":null,"
                 "\"retry\":{\"max_attempts\":3,\"jitter\":\"none\"},\"timeout_ms\":500,"
                 "\"budget\":{\"calls\":5,\"cost\":\"0.05\"}}");
    ck_assert(got.answer.status == SEAM_E_FAILED && got.output.len == 0);
    ck_assert_int_eq(seam_end_agent(&host, 42, &got), SEAM_OK);
    ck_assert(host_state.last.effect == SEAM_EFFECT_UNKNOWN);
    ck_assert_str_eq(host_state.completed_code, "child-failed");
}
END_TEST

START_TEST(budget_is_asked_and_reported)
{
    seam_budget budget = {.tokens = 1000, .cost = "0.25"};
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"tokens\":400,\"cost\":\"0.10\"}");
    ck_assert_int_eq(seam_budget_reserve(&host, 42, &budget), SEAM_OK);
    expect_asked("budget.reserve/1", "{\"tokens\":1000,\"cost\":\"0.25\"}");
    ck_assert_int_eq(budget.tokens, 400);
    ck_assert_str_eq(budget.cost, "0.10");
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{}");
    ck_assert_int_eq(seam_budget_spend(&host, 42, &budget), SEAM_OK);
    expect_asked("budget.spend/1", "{\"tokens\":400,\"cost\":\"0.10\"}");
    will_answer(SEAM_E_BUDGET, SEAM_EFFECT_NONE, "budget.spent", "{\"message\":\"none left\"}");
    ck_assert_int_eq(seam_budget_reserve(&host, 42, &budget), SEAM_E_BUDGET);
    ck_assert_int_eq(budget.tokens, 400);
}
END_TEST

START_TEST(sleep_and_log_say_what_they_were_told)
{
    will_answer(SEAM_E_CANCELLED, SEAM_EFFECT_NONE, "", "{\"message\":\"stop\"}");
    ck_assert_int_eq(seam_sleep_ms(&host, 42, 30), SEAM_E_CANCELLED);
    expect_asked("clock.sleep/1", "{\"ms\":30}");
    seam_log(&host, 0, SEAM_LOG_WARNING, "%s %d", "line", 7);
    ck_assert_str_eq(host_state.logged, "line 7");
    seam_log(&host, 0, SEAM_LOG_WARNING, "%01500d", 1);
    ck_assert_uint_eq(strlen(host_state.logged), 1000);
}
END_TEST

START_TEST(completions_say_status_effect_and_body)
{
    seam_complete_ok(&host, 42, SEAM_EFFECT_DONE, seam_text("{\"a\":1}"));
    ck_assert(host_state.last.status == SEAM_OK && host_state.last.effect == SEAM_EFFECT_DONE);
    ck_assert_int_eq(json_integer_value(json_object_get(host_state.completed, "a")), 1);
    seam_complete_ok(&host, 42, SEAM_EFFECT_DONE, (seam_bytes){NULL, 0});
    ck_assert(host_state.last.status == SEAM_E_INTERNAL &&
              host_state.last.effect == SEAM_EFFECT_DONE);
    seam_complete_error(&host, 42, SEAM_E_FAILED, SEAM_EFFECT_NONE, "crm.full", "no \"room\"");
    ck_assert(host_state.last.status == SEAM_E_FAILED);
    ck_assert_str_eq(host_state.completed_code, "crm.full");
    ck_assert_str_eq(json_string_value(json_object_get(host_state.completed, "message")),
                     "no \"room\"");
    ck_assert_str_eq(json_string_value(json_object_get(host_state.completed, "code")), "crm.full");
    seam_complete_input_required(&host, 42, "Which?", seam_text("{\"enum\":[1,2]}"));
    ck_assert(host_state.last.status == SEAM_E_INPUT_REQUIRED);
    ck_assert_ptr_nonnull(json_object_get(host_state.completed, "schema"));
    seam_complete_input_required(&host, 42, "Which?", seam_text("{"));
    ck_assert(host_state.last.status == SEAM_E_INTERNAL);
}
END_TEST

/* A reader reads a field only where the size says that it was written. */
START_TEST(has_obeys_the_size)
{
    seam_reply reply = {.size = offsetof(seam_reply, body)};
    ck_assert(SEAM_HAS(&reply, seam_reply, retry_after_ms));
    ck_assert(!SEAM_HAS(&reply, seam_reply, body));
    reply.size = offsetof(seam_reply, code) + sizeof(seam_bytes) - 1;
    ck_assert(SEAM_HAS(&reply, seam_reply, body) && !SEAM_HAS(&reply, seam_reply, code));
}
END_TEST

/* Numbers that binaries already carry. */
START_TEST(numbers_are_frozen)
{
    static const int statuses[] = {SEAM_OK,
                                   SEAM_E_INPUT,
                                   SEAM_E_FAILED,
                                   SEAM_E_UNAVAILABLE,
                                   SEAM_E_RATE_LIMITED,
                                   SEAM_E_DENIED,
                                   SEAM_E_BUDGET,
                                   SEAM_E_TIMEOUT,
                                   SEAM_E_CANCELLED,
                                   SEAM_E_BUSY,
                                   SEAM_E_UNSUPPORTED,
                                   SEAM_E_INTERNAL,
                                   SEAM_E_INPUT_REQUIRED};
    for (int i = 0; i < (int)(sizeof(statuses) / sizeof(statuses[0])); i++)
        ck_assert_int_eq(statuses[i], i);
    ck_assert(SEAM_PURE == 0 && SEAM_READ == 1 && SEAM_WRITE_IDEMPOTENT == 2 && SEAM_WRITE == 3);
    ck_assert(SEAM_DESTRUCTIVE == 1 && SEAM_OPEN_WORLD == 2 && SEAM_NONBLOCKING == 4);
    ck_assert(SEAM_EFFECT_NONE == 0 && SEAM_EFFECT_DONE == 1 && SEAM_EFFECT_UNKNOWN == 2);
    ck_assert(SEAM_LOG_DEBUG == 0 && SEAM_LOG_ERROR == 3 && SEAM_CLOCK_REALTIME == 1);
    ck_assert(SEAM_ABI_MAJOR == 1 && SEAM_ABI_MINOR == 0);
}
END_TEST

START_TEST(a_stream_is_opened_read_to_its_end_and_freed)
{
    seam_http_request request = {.method = "GET", .url = "http://h/"};
    seam_piece piece;
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "",
                "{\"status\":200,\"headers\":{\"a\":\"b\"},\"stream\":7}");
    seam_stream stream = seam_stream_open(&host, 42, &request);
    expect_asked("http.open/1", "{\"method\":\"GET\",\"url\":\"http://h/\"}");
    ck_assert(stream.status == 200 && stream.number == 7);
    ck_assert(seam_json_is(seam_json_at(stream.headers, "/a"), "b"));
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"body_base64\":\"AP8=\",\"end\":false}");
    ck_assert(seam_stream_next(&host, 42, &stream, &piece));
    expect_asked("http.read/1", "{\"stream\":7}");
    ck_assert(piece.len == 2 && memcmp(piece.bytes, "\0\xff", 2) == 0);
    will_answer(SEAM_E_TIMEOUT, SEAM_EFFECT_NONE, "nothing-yet", "{\"message\":\"wait\"}");
    ck_assert(!seam_stream_next_within(&host, 42, &stream, 50, &piece));
    expect_asked("http.read/1", "{\"stream\":7,\"timeout_ms\":50}");
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"body\":\"\",\"end\":true}");
    ck_assert(!seam_stream_next(&host, 42, &stream, &piece));
    ck_assert(stream.answer.status == SEAM_OK && stream.number == 0);
    host_state.op[0] = '\0';
    seam_stream_done(&host, 42, &stream);
    ck_assert_str_eq(host_state.op, "");
}
END_TEST

START_TEST(a_stream_that_breaks_off_ends_the_call_with_the_reason)
{
    seam_http_request request = {.method = "GET", .url = "http://h/"};
    seam_piece piece;
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"status\":200,\"headers\":{},\"stream\":1}");
    seam_stream stream = seam_stream_open(&host, 42, &request);
    will_answer(SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "http", "{\"message\":\"cut\"}");
    ck_assert(!seam_stream_next(&host, 42, &stream, &piece));
    seam_end_stream(&host, 42, &stream);
    ck_assert_int_eq(host_state.last.status, SEAM_E_UNAVAILABLE);
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{\"status\":503,\"headers\":{},\"stream\":1}");
    stream = seam_stream_open(&host, 42, &request);
    will_answer(SEAM_OK, SEAM_EFFECT_NONE, "", "{}");
    seam_end_stream(&host, 42, &stream);
    expect_asked("http.close/1", "{\"stream\":1}");
    ck_assert_str_eq(host_state.completed_code, "http.503");
}
END_TEST

UNIT_MAIN(a_stream_is_opened_read_to_its_end_and_freed,
          a_stream_that_breaks_off_ends_the_call_with_the_reason,
          http_send_spells_the_request_and_reads_the_response, http_bodies_are_text_or_bytes,
          a_failure_ends_the_call_as_it_came, a_request_that_cannot_be_written_is_not_sent,
          a_host_that_does_not_answer_is_no_success, effects_are_begun_and_ended,
          an_effect_in_doubt_is_a_failure, once_does_a_fresh_effect_and_commits_it,
          once_gives_the_stored_result_of_what_was_done, once_does_nothing_that_is_in_doubt,
          once_tells_what_surely_did_not_happen_from_what_is_not_known,
          once_is_in_doubt_where_the_host_does_not_believe_or_hear_it,
          an_http_effect_is_begun_and_sent_in_one_line,
          a_response_that_is_no_success_ends_the_call_with_what_the_host_saw,
          agents_are_called_and_their_output_read, budget_is_asked_and_reported,
          sleep_and_log_say_what_they_were_told, completions_say_status_effect_and_body,
          has_obeys_the_size, numbers_are_frozen)

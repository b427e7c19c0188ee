/* SPDX-License-Identifier: Apache-2.0
 *
 * Successions: pairs of cards, and what is answered to each question. Every pair is the base card
 * with one difference, made in a copy of it.
 */
#include "loader/succession.h"
#include "unit.h"

#include <string.h>

static const char base_card[] =
    "{\"card\":1,\"id\":\"org.example.crm\",\"version\":\"1.0.0\",\"summary\":\"s\","
    "\"abi\":{\"major\":1,\"minor\":0},"
    "\"config\":{\"type\":\"object\",\"properties\":{\"base\":{\"type\":\"string\"}}},"
    "\"requests\":{"
    "\"http\":[{\"host\":\"api.example.com\",\"methods\":[\"GET\",\"POST\"],"
    "\"reads\":[\"POST /v2/search*\"],\"refusals\":[422]},"
    "{\"scheme\":\"http\",\"host\":\"*\",\"methods\":[\"GET\"]}],"
    "\"secrets\":[\"token\"],\"agents\":[\"org.example.search/find\"]},"
    "\"agents\":[{\"name\":\"create\",\"summary\":\"s\",\"effect\":\"write_idempotent\","
    "\"input\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},"
    "\"required\":[\"n\"]},"
    "\"output\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
    "\"sure\":{\"type\":\"number\"}},\"required\":[\"id\"]},"
    "\"confidence\":\"/sure\",\"ref\":\"/id\",\"reconcile\":\"find\",\"settle\":\"30s\","
    "\"key_ttl\":\"24h\",\"cost\":{\"tokens\":100}},"
    "{\"name\":\"find\",\"summary\":\"s\",\"effect\":\"read\",\"input\":true,\"output\":true}]}";

/* One difference: the member at a place of dots becomes what is read of a text; NULL = taken out.
 */
struct change {
    const char *place, *value;
};

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    return json;
}

static void apply(json_t *card, const struct change *change)
{
    char *place = strdup(change->place), *rest = place, *step;
    json_t *at = card;
    while ((step = strsep(&rest, ".")) && rest)
        at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10))
                               : json_object_get(at, step);
    ck_assert_msg(at != NULL, "%s", change->place);
    if (json_is_array(at) && !change->value)
        json_array_remove(at, strtoul(step, NULL, 10));
    else if (json_is_array(at))
        json_array_append_new(at, parse(change->value));
    else if (!change->value)
        json_object_del(at, step);
    else
        json_object_set_new(at, step, parse(change->value));
    free(place);
}

static struct card *card_with(const struct change *change)
{
    json_t *json = parse(base_card);
    if (change && change->place)
        apply(json, change);
    char *text = json_dumps(json, 0);
    struct card *card = NULL;
    struct error err = {.text = ""};
    ck_assert_msg(card_parse(slice_of(text), &card, &err) == ERR_OK, "%s", err.text);
    free(text);
    json_decref(json);
    return card;
}

static const struct succession_check *find(const struct succession *s, const char *aspect,
                                           enum verdict verdict, bool note, const char *words)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->checks[i].aspect, aspect) == 0 && s->checks[i].verdict == verdict &&
            s->checks[i].note == note && strstr(s->checks[i].reason, words))
            return &s->checks[i];
    return NULL;
}

/* The base, changed by one, is followed by the base, changed by the other. */
struct succession_row {
    struct change was, is;
    enum verdict whole;
    const char *aspect; /* … is what an answer is about that says so */
    enum verdict verdict;
    bool note;
    const char *words; /* of its reason */
};

#define NONE                                                                                       \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
#define INPUT_ANY                                                                                  \
    {                                                                                              \
        "agents.0.input", "{\"type\":\"object\"}"                                                  \
    }
#define OUTPUT_ANY                                                                                 \
    {                                                                                              \
        "agents.0.output", "{\"type\":\"object\"}"                                                 \
    }
#define ACROSS                                                                                     \
    "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"string\","        \
    "\"pattern\":\"^(?!0)\"}}}"
#define WORD                                                                                       \
    "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"string\","        \
    "\"format\":\"iri\",\"pattern\":\"^[a-z]\"}}}"

static const struct succession_row rows[] = {
    {NONE, NONE, PROVEN, "input", PROVEN, false, ""},
    {NONE, NONE, PROVEN, "output", PROVEN, false, ""},
    {NONE, NONE, PROVEN, "requests.http", PROVEN, false, "no more"},
    /* contracts */
    {NONE, INPUT_ANY, PROVEN, "input", PROVEN, false, ""},
    {INPUT_ANY, NONE, REFUTED, "input", REFUTED, false, "does not take all"},
    {NONE, OUTPUT_ANY, REFUTED, "output", REFUTED, false, "never gave"},
    {OUTPUT_ANY, NONE, PROVEN, "output", PROVEN, false, ""},
    {{"agents.0.input", WORD}, {"agents.0.input", ACROSS}, UNKNOWN, "input", UNKNOWN, false, ""},
    {NONE, {"config.required", "[\"base\"]"}, REFUTED, "config", REFUTED, false, "configuration"},
    {{"config.required", "[\"base\"]"}, NONE, PROVEN, "config", PROVEN, false, ""},
    {{"config", NULL}, NONE, PROVEN, "config", PROVEN, false, ""},
    /* what it does to the world */
    {NONE, {"agents.0.effect", "\"write\""}, REFUTED, "effect", REFUTED, false, "more"},
    {NONE, {"agents.0.effect", NULL}, REFUTED, "effect", REFUTED, false, "write, which does more"},
    {NONE, {"agents.0.effect", "\"read\""}, PROVEN, "effect", PROVEN, false, "less"},
    {NONE, {"agents.1.effect", "\"pure\""}, PROVEN, "effect", PROVEN, false, "less"},
    {NONE, {"agents.0.destructive", "true"}, REFUTED, "destructive", REFUTED, false, "is not"},
    {{"agents.0.destructive", "true"}, NONE, PROVEN, "destructive", PROVEN, false, "no longer"},
    {NONE, {"agents.0.open_world", "true"}, REFUTED, "open_world", REFUTED, false, "is not"},
    {NONE, {"agents.0.nonblocking", "true"}, PROVEN, "effect", PROVEN, false, ""},
    /* agents */
    {{"agents.2", "{\"name\":\"more\",\"summary\":\"s\",\"input\":true,\"output\":true}"},
     NONE,
     REFUTED,
     "agent",
     REFUTED,
     false,
     "\"more\" is gone"},
    {NONE,
     {"agents.2", "{\"name\":\"more\",\"summary\":\"s\",\"input\":true,\"output\":true}"},
     PROVEN,
     "agent",
     PROVEN,
     true,
     "is new"},
    /* what recovery stands on */
    {NONE, {"agents.0.confidence", "\"/score\""}, REFUTED, "confidence", REFUTED, false, "/score"},
    {NONE, {"agents.0.confidence", NULL}, REFUTED, "confidence", REFUTED, false, "none"},
    {{"agents.0.confidence", NULL}, NONE, UNKNOWN, "confidence", UNKNOWN, false, "default minimum"},
    {NONE, {"agents.0.ref", NULL}, REFUTED, "ref", REFUTED, false, "none"},
    {{"agents.0.ref", NULL}, NONE, PROVEN, "ref", PROVEN, false, ""},
    {NONE, {"agents.0.reconcile", NULL}, REFUTED, "reconcile", REFUTED, false, "a person"},
    {{"agents.0.reconcile", NULL}, NONE, PROVEN, "reconcile", PROVEN, false, ""},
    {NONE, {"agents.0.settle", "\"31s\""}, REFUTED, "settle", REFUTED, false, "30s and is 31s"},
    {NONE, {"agents.0.settle", NULL}, REFUTED, "settle", REFUTED, false, "not said"},
    {NONE, {"agents.0.settle", "\"1s\""}, PROVEN, "settle", PROVEN, false, ""},
    {{"agents.0.settle", NULL}, NONE, PROVEN, "settle", PROVEN, false, ""},
    {NONE, {"agents.0.key_ttl", "\"23h\""}, REFUTED, "key_ttl", REFUTED, false, "too late"},
    {NONE, {"agents.0.key_ttl", NULL}, PROVEN, "key_ttl", PROVEN, false, "for ever"},
    {{"agents.0.key_ttl", NULL}, NONE, REFUTED, "key_ttl", REFUTED, false, "for ever"},
    {NONE, {"agents.0.cost", "{\"tokens\":101}"}, PROVEN, "cost", PROVEN, true, "101 tokens"},
    {NONE, {"agents.0.cost", "{\"cost\":\"0.5\"}"}, PROVEN, "cost", PROVEN, true, "0.50"},
    {NONE, {"agents.0.cost", NULL}, PROVEN, "cost", PROVEN, true, "does not"},
    {NONE, {"agents.0.errors", "[\"crm.down\"]"}, PROVEN, "errors", PROVEN, true, "crm.down"},
    /* the plugin */
    {NONE, {"id", "\"org.example.other\""}, REFUTED, "id", REFUTED, false, "org.example.other"},
    {NONE, {"isolation", "\"worker\""}, PROVEN, "isolation", PROVEN, true, "in process"},
    {NONE, {"limits", "{\"memory_mb\":64}"}, PROVEN, "limits", PROVEN, true, "64 MB"},
    {{"limits", "{\"max_concurrency\":4}"}, NONE, PROVEN, "limits", PROVEN, true, "1 calls"},
    /* requests */
    {NONE, {"requests", NULL}, REFUTED, "brokered", REFUTED, false, "doubt"},
    {NONE, {"requests.http.1", NULL}, PROVEN, "requests.http", PROVEN, false, ""},
    {NONE, {"requests.http.0.methods", "[\"GET\"]"}, PROVEN, "requests.http", PROVEN, false, ""},
    {NONE,
     {"requests.http.0.methods", "[\"GET\",\"DELETE\"]"},
     REFUTED,
     "requests.http",
     REFUTED,
     false,
     "DELETE at https://api.example.com:443"},
    {NONE, {"requests.http.0.port", "443"}, PROVEN, "requests.http", PROVEN, false, ""},
    {NONE, {"requests.http.0.port", "444"}, REFUTED, "requests.http", REFUTED, false, ":444"},
    {NONE,
     {"requests.http.0.private", "true"},
     REFUTED,
     "requests.http",
     REFUTED,
     false,
     "private"},
    {{"requests.http.0.private", "true"}, NONE, PROVEN, "requests.http", PROVEN, false, ""},
    {NONE, {"requests.http.1.host", "\"a.example\""}, PROVEN, "requests.http", PROVEN, false, ""},
    {{"requests.http.1.host", "\"a.example\""},
     NONE,
     REFUTED,
     "requests.http",
     REFUTED,
     false,
     "http://*:80"},
    {NONE,
     {"requests.http.1.scheme", "\"https\""},
     REFUTED,
     "requests.http",
     REFUTED,
     false,
     "https://*:443"},
    {NONE,
     {"requests.http.0.reads", "[\"POST /v2/search/all\",\"GET /x\"]"},
     PROVEN,
     "requests.http",
     PROVEN,
     false,
     ""},
    {NONE,
     {"requests.http.0.reads", "[\"POST /v2/*\"]"},
     REFUTED,
     "requests.http",
     REFUTED,
     false,
     "changes nothing"},
    {NONE,
     {"requests.http.0.refusals", "[409,422]"},
     REFUTED,
     "requests.http",
     REFUTED,
     false,
     "status 409"},
    {NONE, {"requests.secrets", "[]"}, PROVEN, "requests.secrets", PROVEN, false, ""},
    {NONE,
     {"requests.secrets.1", "\"root\""},
     REFUTED,
     "requests.secrets",
     REFUTED,
     false,
     "secret root"},
    {NONE,
     {"requests.agents.1", "\"org.example.mail/send\""},
     REFUTED,
     "requests.agents",
     REFUTED,
     false,
     "org.example.mail/send"},
    {{"requests.exec", "[\"/bin/true\"]"},
     {"requests.exec", "[\"/bin/true\",\"/bin/sh\"]"},
     REFUTED,
     "requests.exec",
     REFUTED,
     false,
     "/bin/sh"},
    {{"requests.net", "\"any\""},
     {"requests.net", "\"any\""},
     PROVEN,
     "requests.net",
     PROVEN,
     false,
     ""},
    {NONE, {"requests.net", "\"any\""}, REFUTED, "requests.net", REFUTED, false, "sockets"},
    {{"requests.net", "\"any\""}, NONE, PROVEN, "requests.net", PROVEN, false, ""},
};

#define FS(list)                                                                                   \
    {                                                                                              \
        "requests.fs", "[" list "]"                                                                \
    }
#define AT(path, mode) "{\"path\":\"" path "\",\"mode\":\"" mode "\"}"
static const struct succession_row paths[] = {
    {FS(AT("/srv/a", "rw")), FS(AT("/srv/a/b", "r")), PROVEN, "requests.fs", PROVEN, false, ""},
    {FS(AT("/srv/a", "r")), FS(AT("/srv/a", "rw")), REFUTED, "requests.fs", REFUTED, false, "(rw)"},
    {FS(AT("/srv/a", "r")), FS(AT("/srv/ab", "r")), REFUTED, "requests.fs", REFUTED, false, "ab"},
    {FS(AT("/srv/a", "r")), FS(AT("/srv/a/../b", "r")), REFUTED, "requests.fs", REFUTED, false, ""},
    {FS(AT("/srv/a", "r")), FS(AT("/srv/a/..", "r")), REFUTED, "requests.fs", REFUTED, false, ""},
    {FS(AT("/srv/a", "r")), FS(AT("/srv/a/..b", "r")), PROVEN, "requests.fs", PROVEN, false, ""},
    {FS(AT("/", "r")), FS(AT("/etc", "r")), PROVEN, "requests.fs", PROVEN, false, ""},
    {FS(AT("/srv/a/", "r")), FS(AT("/srv/a/b", "r")), PROVEN, "requests.fs", PROVEN, false, ""},
    {FS(AT("${state}", "rw")), FS(AT("${state}/x", "rw")), PROVEN, "requests.fs", PROVEN, false,
     ""},
    {FS(AT("/srv", "rw")), FS(AT("${state}", "r")), REFUTED, "requests.fs", REFUTED, false, ""},
};

static void hold(const struct succession_row *row, int index)
{
    AUTO(card_freep) struct card *was = card_with(&row->was);
    AUTO(card_freep) struct card *is = card_with(&row->is);
    struct succession s;
    succession_judge(was, is, NULL, &s);
    const struct succession_check *found =
        find(&s, row->aspect, row->verdict, row->note, row->words);
    ck_assert_msg(found != NULL, "row %d: no %s is %s and says %s", index, row->aspect,
                  verdict_name(row->verdict), row->words);
    ck_assert_msg(s.verdict == row->whole, "row %d: the whole is %s", index,
                  verdict_name(s.verdict));
    succession_done(&s);
}

START_TEST(each_difference_has_its_answer)
{
    hold(&rows[_i], _i);
}
END_TEST

START_TEST(a_path_lies_below_a_folder)
{
    hold(&paths[_i], _i);
}
END_TEST

START_TEST(a_refuted_contract_shows_a_value_and_both_places)
{
    AUTO(card_freep) struct card *was = card_with(&(struct change){NULL, NULL});
    AUTO(card_freep)
    struct card *is = card_with(&(struct change){"agents.0.input.properties.n.minimum", "1"});
    struct succession s;
    succession_judge(was, is, NULL, &s);
    const struct succession_check *found = find(&s, "input", REFUTED, false, "");
    ck_assert_ptr_nonnull(found);
    ck_assert(contract_accepts(was->agents[0].input, found->witness));
    ck_assert(!contract_accepts(is->agents[0].input, found->witness));
    ck_assert_str_eq(found->agent, "create");
    ck_assert_str_eq(found->old_place, "/agents/0/input/properties/n");
    ck_assert_str_eq(found->new_place, "/agents/0/input/properties/n/minimum");
    succession_done(&s);
}
END_TEST

START_TEST(another_reconcile_is_undecided)
{
    static const char other[] = "{\"name\":\"seek\",\"summary\":\"s\",\"effect\":\"read\","
                                "\"input\":true,\"output\":true}";
    AUTO(card_freep) struct card *was = card_with(&(struct change){"agents.2", other});
    json_t *json = json_deep_copy(was->json);
    apply(json, &(struct change){"agents.0.reconcile", "\"seek\""});
    char *text = json_dumps(json, 0);
    AUTO(card_freep) struct card *is = NULL;
    struct error err;
    ck_assert_int_eq(card_parse(slice_of(text), &is, &err), ERR_OK);
    struct succession s;
    succession_judge(was, is, NULL, &s);
    ck_assert_int_eq(s.verdict, UNKNOWN);
    ck_assert_ptr_nonnull(find(&s, "reconcile", UNKNOWN, false, ""));
    succession_done(&s);
    free(text);
    json_decref(json);
}
END_TEST

START_TEST(agents_of_a_configuration_are_undecided)
{
    static const char text[] = "{\"card\":1,\"id\":\"org.example.crm\",\"version\":\"1.0.0\","
                               "\"summary\":\"s\",\"abi\":{\"major\":1,\"minor\":0},"
                               "\"agents_from\":\"config\",\"agents\":[]}";
    AUTO(card_freep) struct card *hidden = NULL;
    AUTO(card_freep) struct card *open = card_with(&(struct change){"config", NULL});
    struct error err;
    ck_assert_int_eq(card_parse(slice_of(text), &hidden, &err), ERR_OK);
    struct succession s;
    succession_judge(hidden, hidden, NULL, &s);
    ck_assert_int_eq(s.verdict, UNKNOWN);
    succession_done(&s);
    succession_judge(open, hidden, NULL, &s);
    ck_assert_ptr_nonnull(find(&s, "agent", UNKNOWN, false, ""));
    ck_assert_ptr_null(find(&s, "agent", REFUTED, false, ""));
    succession_done(&s);
}
END_TEST

START_TEST(one_agent_may_be_asked_about_alone)
{
    AUTO(card_freep) struct card *was = card_with(&(struct change){NULL, NULL});
    AUTO(card_freep) struct card *is = card_with(&(struct change){"agents.0.effect", "\"write\""});
    struct succession s;
    succession_judge_agent(was, "find", is, NULL, &s);
    ck_assert_int_eq(s.verdict, PROVEN);
    succession_done(&s);
    succession_judge_agent(was, "create", is, NULL, &s);
    ck_assert_int_eq(s.verdict, REFUTED);
    succession_done(&s);
    succession_judge_agent(was, "nobody", is, NULL, &s);
    ck_assert_int_eq(s.verdict, UNKNOWN);
    succession_done(&s);
}
END_TEST

START_TEST(a_card_by_its_text_is_held_to_its_schema)
{
    struct card *card = NULL;
    struct error err = {.text = ""};
    ck_assert_int_ne(card_parse(slice_of("{\"card\":1}"), &card, &err), ERR_OK);
    ck_assert_msg(strncmp(err.text, "card: ", 6) == 0, "%s", err.text);
    ck_assert_ptr_null(card);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("succession");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, each_difference_has_its_answer, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_loop_test(tcase, a_path_lies_below_a_folder, 0,
                        (int)(sizeof(paths) / sizeof(paths[0])));
    tcase_add_test(tcase, a_refuted_contract_shows_a_value_and_both_places);
    tcase_add_test(tcase, another_reconcile_is_undecided);
    tcase_add_test(tcase, agents_of_a_configuration_are_undecided);
    tcase_add_test(tcase, one_agent_may_be_asked_about_alone);
    tcase_add_test(tcase, a_card_by_its_text_is_held_to_its_schema);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

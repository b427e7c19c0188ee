/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin may ask for while it is asked for its agents: before there is a host, when a roster
 * is loaded, and in the host that starts it, in a worker and in this process.
 */
#include "stage.h"

static void answers_fine(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        say(connection, 200,
            strstr(connection->last, "Bearer hunter2") ? "{\"known\":true}" : "{\"known\":false}");
}

static void never_answers(struct peer *peer, struct connection *connection)
{
    (void)peer;
    (void)peer_read(connection);
    char end;
    (void)!recv(connection->fd, &end, 1, 0);
}

/* A manifest with the plugin, of this configuration, and its roster, whether it is refused or not.
 */
static void stage_describes(struct stage *s, int mode, peer_script script, const char *config)
{
    *s = (struct stage){.folder = "/tmp/seam-stage-XXXXXX", .mode = (enum mode)mode};
    signal(SIGPIPE, SIG_IGN);
    text_init(&s->log, 1 << 20);
    ck_assert(mkdtemp(s->folder) != NULL);
    snprintf(s->journal, sizeof(s->journal), "%s/journal.db", s->folder);
    s->peer = peer_new(script);
    stage_write(s, "word", "hunter2");
    AUTO(freep) char *secret = xasprintf("%s/word", s->folder);
    ck_assert_int_eq(chmod(secret, 0600), 0);
    AUTO(freep) char *json = stage_text(s, config);
    AUTO(freep)
    char *manifest = xasprintf(
        "manifest: 1\nstore: {url: \"sqlite:journal.db\"}\nescalation: {ops: {exec: "
        "[/bin/true]}}\nplugins:\n"
        "  p:\n    path: " BUILD_ROOT "/tests/plugins/so/describes.so\n    isolation: %s\n"
        "    config: %s\n    grants:\n"
        "      http: [{scheme: http, host: 127.0.0.1, port: %u, methods: [GET, POST],\n"
        "              reads: [POST /search], private: true}]\n"
        "      secrets: [{name: word, hosts: ['127.0.0.1:%u']}]\nsecrets: {word: {file: word}}\n",
        mode == IN_PROCESS ? "in-process" : "worker", json, s->peer->port, s->peer->port);
    stage_write(s, "seam.yaml", manifest);
    AUTO(freep) char *path = xasprintf("%s/seam.yaml", s->folder);
    struct error err;
    enum error_code code = roster_survey(path, &s->roster, &err);
    ck_assert_ok(code, err);
}

#define AGENT                                                                                      \
    "'agents': [{'name': 'one', 'summary': 's', 'effect': 'pure', 'input': true, 'output': true}]"

START_TEST(who_names_its_agents_may_read_sleep_and_use_secrets)
{
    struct stage s;
    stage_describes(&s, _i, answers_fine,
                    "{'ask': [['clock.sleep/1', {'ms': 1}],"
                    " ['http.send/1', {'method': 'POST', 'url': '@/search', 'json': {}}],"
                    " ['http.open/1', {'method': 'GET', 'url': '@/tools'}],"
                    " ['http.read/1', {'stream': 1}], ['http.close/1', {'stream': 1}],"
                    " ['http.open/1', {'method': 'GET', 'url': '@/left-open'}],"
                    " ['secret.use/1', {'name': 'word'}],"
                    " ['http.send/1', {'method': 'GET', 'url': '@/x',"
                    "                  'headers': {'authorization': 'Bearer $'}}]]," AGENT "}");
    ck_assert_msg(s.roster->plugins[0].error.code == ERR_OK, "%s", s.roster->plugins[0].error.text);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 4);
    stage_one_step(&s, "p/one", "");
    ck_assert_int_eq(stage_run(&s, "r", "7"), RUN_DONE);
    ck_assert_int_eq((int)number_at(s.output, "one"), 7);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 8);
    stage_done(&s);
}
END_TEST

START_TEST(what_may_change_the_world_or_belongs_to_a_run_is_refused)
{
    static const struct {
        const char *ask, *words;
    } cases[] = {
        {"['http.send/1', {'method': 'POST', 'url': '@/book'}]", "changes the world unless"},
        {"['http.open/1', {'method': 'POST', 'url': '@/book'}]", "may change the world"},
        {"['http.send/1', {'method': 'GET', 'url': 'http://127.0.0.1:1/'}]", "is not granted"},
        {"['http.send/1', {}]", "expected `method` and `url`"},
        {"['secret.use/1', {'name': 'other'}]", "\"other\" is not granted"},
        {"['budget.reserve/1', {'tokens': 1}]", "asked for its agents"},
        {"['agent.call/1', {'agent': 'p/one'}]", "asked for its agents"},
        {"['state.get/1', {'key': 'k'}]", "asked for its agents"},
        {"['effect.begin/1', {'name': 'e'}]", "asked for its agents"},
        {"['nothing/1', {}]", "no service `nothing/1`"},
        {"['secret.use/1', {'name': 'word'}], ['http.send/1', {'method': 'GET', 'url': "
         "'http://127.0.0.1:9/$'}]",
         "is not granted"},
        {"['http.send/1', {'method': 'GET', 'url': '@/x'}]", "\"known\":false"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage s;
        AUTO(freep) char *config = xasprintf("{'ask': [%s]}", cases[i].ask);
        stage_describes(&s, IN_WORKER, answers_fine, config);
        const struct error *err = &s.roster->plugins[0].error;
        AUTO(freep) char *plain = xstrdup(err->text);
        size_t kept = 0;
        for (const char *c = plain; *c; c++)
            if (*c != '\\')
                plain[kept++] = *c;
        plain[kept] = '\0';
        ck_assert_msg(err->code != ERR_OK && strstr(plain, cases[i].words), "%s: %s", cases[i].ask,
                      plain);
        s.in_memory = true;
        stage_done(&s);
    }
}
END_TEST

/* Who dies meanwhile leaves nothing behind that would answer, or be read, later. */
START_TEST(what_is_under_way_when_it_ends_is_closed)
{
    struct stage s;
    stage_describes(&s, IN_WORKER, never_answers,
                    "{'ask': [['http.send/1', {'method': 'GET', 'url': '@/x', 'timeout_ms': 1}]]}");
    ck_assert_msg(strstr(s.roster->plugins[0].error.text, "status 7"), "%s",
                  s.roster->plugins[0].error.text);
    s.in_memory = true;
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {who_names_its_agents_may_read_sleep_and_use_secrets, NULL};
    const TTest *const once[] = {what_may_change_the_world_or_belongs_to_a_run_is_refused,
                                 what_is_under_way_when_it_ends_is_closed, NULL};
    return stage_main(__FILE__, everywhere, once);
}

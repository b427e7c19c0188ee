/* SPDX-License-Identifier: Apache-2.0
 *
 * No path leads to an agent but the decision to start it. The agents write down each start that
 * they are given; afterwards that list is held against the START decisions of the journal, by
 * agent, key and number of the try. One flow takes every path: tries again, a fallback, a sub-flow,
 * a plan, calls within calls, an agent that dies, an effect in doubt and its reconcile agent, a
 * person who is asked, and undo. Then its host is killed after each of its records in turn.
 *
 * A host that is killed may take the last records with it that only looked (durability `effects`):
 * what they started may be in the list and not in the journal. Never so what may change the world.
 */
#include "killing.h"

enum { STARTS_MAXIMUM = 4096, LINE_SIZE = 160 };

/* ---- the stage ---- */

static void drops(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (is_post(connection))
            return; /* whether it was done, it does not say */
        say(connection, 200, "{}");
    }
}

static const char steps[] =
    "budget: {attempts: 400, calls: 400, time: 10m, recovery: {calls: 90}}\n"
    "steps:\n"
    "  again: {agent: hand/look, input: {'1': [{fail: 3}], '2': [{fail: 7}], do: [{give: 1}]}}\n"
    "  crash: {agent: actor/look, retry: {max_attempts: 4},\n"
    "    input: {'1': [{die: true}], do: [{give: 1}]}}\n"
    "  fell: {agent: hand/pure, input: {do: [{fail: 2}]},\n"
    "    on_failure: {fallback: {agent: hand/look, input: {do: [{give: 2}]}}}}\n"
    "  fan: {agent: hand/look, for_each: [3, 1, 2], concurrency: 2, needs: [fell],\n"
    "    input: {'1': [{fail: 3}], do: [{give: \"${ .item }\"}]}}\n"
    "  sub: {flow: sub.yaml, needs: [again, crash], input: {at: \"@\", run: \"${ .run.id }\"}}\n"
    "  think: {agent: hand/pure, input: {do: [{give: {steps: {\n"
    "    one: {agent: hand/look, input: {'1': [{fail: 3}], do: [{give: 5}]}},\n"
    "    two: {agent: boss/look, needs: [one], input: {do: [{ask: agent.call/1, body:\n"
    "      {agent: hand/look, input: {do: [{give: 6}]}}}]}}}}}]}}\n"
    "  do: {plan: \"${ .steps.think.output }\", allow: {agents: ['hand/*', 'boss/*']},\n"
    "    budget: {calls: 40, time: 5m}}\n"
    "  nest: {agent: boss/put, input: {do: [\n"
    "    {ask: agent.call/1, body: {agent: hand/put, input: {do: [{give: 1}]}}},\n"
    "    {all: [{op: agent.call/1, body: {agent: hand/look, name: a, retry: {max_attempts: 3,\n"
    "       initial_interval: 1ms}, input: {'1': [{fail: 3}], do: [{give: 2}]}}},\n"
    "      {op: agent.call/1, body: {agent: hand/look, name: b, input: {do: [{give: 2}]}}}]},\n"
    "    {give: done}]}}\n"
    "  person: {agent: hand/look, on_failure: escalate, needs: [sub, do, nest, fan],\n"
    "    input: {'1': [{fail: 2}], do: [{give: 1}]}}\n"
    "  last: {agent: hand/look, needs: [person], input: {do: [{fail: 2}]}}\n"
    "output: {as: \"${ .steps.last.output }\"}\n";

static const char sub[] =
    "flow: sub\n"
    "version: 1.0.0\n"
    "input: {schema: {type: object, required: [at, run],\n"
    "  properties: {at: {type: string}, run: {type: string}}}}\n"
    "defaults: {retry: {max_attempts: 3, initial_interval: 1ms}}\n"
    "steps:\n"
    "  first: {agent: hand/put, input: {'1': [{fail: 3}], do: [{give: 1}]},\n"
    "    undo: {agent: hand/put, input: {'1': [{fail: 3}], do: [{give: back}]}}}\n"
    "  book: {agent: boss/book, needs: [first],\n"
    "    input: {do: [{must: http.send/1, body: {method: POST, url: \"${ .input.at }\", json: "
    "{}}}],\n"
    "      find: {'1': [{fail: 3}], do: [{give: {outcome: happened,\n"
    "        result: {booking: {id: \"${ .input.run }\"}}}}]}},\n"
    "    undo: {agent: hand/mail, input: {do: [{give: back}]}}}\n"
    "output: {as: 1}\n";

static void starts_stage(struct stage *s, int mode)
{
    struct error err;
    AUTO(text_done) struct text manifest;
    stage_set(s, mode, drops, "", "");
    text_init(&manifest, LIMIT_FILE);
    text_adds(&manifest, "manifest: 1\nstore: {url: \"sqlite:journal.db\"}\n"
                         "escalation: {ops: {exec: [/bin/true]}}\nplugins:\n");
    static const char *const names[] = {"actor", "boss", "hand"};
    for (int i = 0; i < 3; i++) /* the one that dies must not be of this process */
        text_addf(&manifest,
                  "  %s:\n"
                  "    path: " BUILD_ROOT "/tests/unit/runtime/plugins/so/%s.so\n"
                  "    isolation: %s\n"
                  "    config: {starts: \"%s/starts\"}\n" /* which its sandbox would not give it */
                  "    sandbox: {without: [files, private-root, landlock]}\n"
                  "    grants:\n"
                  "      agents: [%s]\n"
                  "      http: [{scheme: http, host: 127.0.0.1, port: %u, methods: [GET, POST],\n"
                  "              private: true}]\n",
                  names[i], names[i], i > 0 && mode == IN_PROCESS ? "in-process" : "worker",
                  s->folder, i == 1 ? "hand/*" : "", s->peer->port);
    roster_free(s->roster);
    stage_write(s, "seam.yaml", text_str(&manifest));
    AUTO(freep) char *path = xasprintf("%s/seam.yaml", s->folder);
    enum error_code code = roster_load(path, &s->roster, &err);
    ck_assert_ok(code, err);
    stage_write(s, "sub.yaml", sub);
    AUTO(freep) char *with_url = xasprintf("http://127.0.0.1:%u", s->peer->port);
    const char *url = strchr(steps, '@');
    AUTO(freep)
    char *whole = xasprintf("%.*s%s%s", (int)(url - steps), steps, with_url, url + 1);
    stage_flow(s, whole);
}

/* ---- what was started, and what was decided ---- */

struct start {
    char line[LINE_SIZE];
    uint32_t task, attempt;
    bool ended_well;
};

struct starts {
    struct start list[STARTS_MAXIMUM];
    size_t count;
};

static struct starts decided, given;

static void add_start(struct starts *to, const char *line, uint32_t task, uint32_t attempt)
{
    ck_assert_uint_lt(to->count, STARTS_MAXIMUM);
    struct start *start = &to->list[to->count++];
    *start = (struct start){.task = task, .attempt = attempt};
    snprintf(start->line, sizeof(start->line), "%s", line);
}

static bool add_decided(void *user, uint64_t seq, struct record *record, struct run *run)
{
    size_t *of_this_run = user;
    (void)seq;
    if (record->event.kind == EVENT_ENDED && record->event.end == END_OK)
        for (size_t i = *of_this_run; i < decided.count; i++)
            if (decided.list[i].task == record->event.task &&
                decided.list[i].attempt == record->event.attempt)
                decided.list[i].ended_well = true;
    for (size_t i = 0; i < record->decisions.count; i++) {
        const struct decision *decision = &record->decisions.list[i];
        char key[DIGEST_HEX_SIZE], line[LINE_SIZE];
        if (decision->kind != DECISION_START)
            continue;
        run_task_key(run, decision->task, key);
        const struct agent *agent = run_task_agent(run, decision->task, decision->reconciling);
        snprintf(line, sizeof(line), "%s %s %u", agent->name, key, decision->number);
        add_start(&decided, line, decision->task, decision->attempt);
    }
    return true;
}

static void read_decided(const struct stage *s, const char *id)
{
    struct error err;
    struct run *run = NULL;
    size_t from = decided.count;
    struct journal_reader *reader = stage_reader(s);
    enum error_code code = fold_run(reader, id, s->flow, add_decided, &from, &run, &err);
    ck_assert_ok(code, err);
    run_free(run);
    journal_reader_close(reader);
}

static void read_given(const struct stage *s)
{
    char line[LINE_SIZE];
    AUTO(freep) char *path = xasprintf("%s/starts", s->folder);
    FILE *file = fopen(path, "re");
    ck_assert(file != NULL);
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        add_start(&given, line, 0, 0);
    }
    fclose(file);
}

static size_t times(const struct starts *in, const char *line, bool well)
{
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++)
        count += strcmp(in->list[i].line, line) == 0 && (!well || in->list[i].ended_well);
    return count;
}

static bool may_change_the_world(const char *line)
{
    return strstr(line, "/book ") || strstr(line, "/mail ") || strstr(line, "/put ");
}

/* Every start was decided, as often as it was given; what ended well was given. With hosts that
 * were killed, one start of one that only looks may be missing for each of them. */
static void ck_assert_decided(size_t killed)
{
    size_t unknown = 0;
    for (size_t i = 0; i < given.count; i++) {
        const char *line = given.list[i].line;
        size_t there = times(&given, line, false), allowed = times(&decided, line, false);
        bool over = there > allowed;
        ck_assert_msg(!over || (killed > 0 && !may_change_the_world(line)),
                      "%s: started %zu times, decided %zu times", line, there, allowed);
        unknown += over;
    }
    for (size_t i = 0; i < decided.count; i++) {
        const char *line = decided.list[i].line;
        ck_assert_msg(times(&given, line, false) >= times(&decided, line, true),
                      "%s: it ended well and never began", line);
    }
    ck_assert_uint_le(unknown, killed * 8);
}

/* ---- the tests ---- */

static void ck_assert_every_path(const struct stage *s, const char *id)
{
    static const char *const rules[] = {"next-attempt", "in-doubt-reconcile", "call-fresh",
                                        "answered", "retry-safe-class"};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        ck_assert_tells(s, id, rules[i]);
    static const char *const kinds[] = {"hand/mail ", "boss/find ", "actor/look ", "hand/put "};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool found = false;
        for (size_t j = 0; j < given.count; j++)
            found |= strncmp(given.list[j].line, kinds[i], strlen(kinds[i])) == 0;
        ck_assert_msg(found, "no start of %s", kinds[i]);
    }
}

START_TEST(every_call_has_its_decision)
{
    struct stage s;
    starts_stage(&s, _i);
    ck_assert_int_eq(stage_run(&s, "r", "{}"), RUN_WAITING);
    stage_answer(&s, "r", "person", 1, "{'retry': true}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_FAILED);
    stage_close(&s);
    read_decided(&s, "r");
    read_given(&s);
    ck_assert_uint_gt(given.count, 25);
    ck_assert_decided(0);
    ck_assert_every_path(&s, "r");
    stage_done(&s);
}
END_TEST

START_TEST(every_call_of_a_host_that_was_killed_has_its_decision)
{
    struct stage s;
    starts_stage(&s, _i);
    size_t killed = 0;
    /* killed at one place, gone on, killed again further on: before the person is asked and after
     */
    for (int records = 1; records < 60; records += 4) {
        AUTO(freep) char *id = xasprintf("r%d", records);
        for (int again = records; run_and_die(&s, id, "{}", again); again += 7)
            killed++;
        stage_answer(&s, id, "person", 1, "{'retry': true}");
        for (int again = 1 + records / 4; run_and_die(&s, id, "{}", again); again += 5)
            killed++;
        ck_assert_int_eq(stage_resume(&s, id), RUN_FAILED);
        stage_close(&s);
        read_decided(&s, id);
    }
    read_given(&s);
    ck_assert_uint_gt(killed, 15);
    ck_assert_decided(killed);
    stage_done(&s);
}
END_TEST

/* Under it, a process that was forked from one with threads may start none. */
#ifdef __SANITIZE_THREAD__
enum { FORKS = 0 };
#else
enum { FORKS = 1 };
#endif

int main(void)
{
    const TTest *killed = FORKS ? every_call_of_a_host_that_was_killed_has_its_decision : NULL;
    const TTest *const everywhere[] = {every_call_has_its_decision, killed, NULL};
    return stage_main("starts", everywhere, NULL);
}

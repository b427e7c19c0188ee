/* SPDX-License-Identifier: Apache-2.0
 *
 * A stage for the runtime: a folder with a manifest, a flow and a journal; a peer on loopback that
 * plays the world by a script; the actor plugin, in a worker or in this process; a host. What is
 * asserted is read back from the journal. Whatever was played is decided again at the end and must
 * come out the same: that is law 15, of every test.
 *
 * JSON is written with ' for ", and @ stands for the peer's URL.
 */
#ifndef TESTS_RUNTIME_STAGE_H
#define TESTS_RUNTIME_STAGE_H

#include "egress/peer.h"
#include "runtime/runtime.h"

#include "document/document.h"

#include <ftw.h>
#include <seam/plugin.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum mode { IN_WORKER, IN_PROCESS, MODES };

struct stage {
    char folder[64], journal[96];
    enum mode mode;
    struct peer *peer;
    struct roster *roster;
    struct host *host;
    struct flow *flow;
    size_t settled; /* times that a run was told of */
    enum run_status status;
    json_t *output, *error; /* of the last one */
    struct text log;
    bool keep_open;    /* the journal cannot be replayed at the end */
    const char *store; /* another than the manifest's */
    bool in_memory, restored;
    bool expects; /* its host is opened for a run of the flow */
    void (*on_settled)(struct stage *stage, const struct run *run);
    void (*on_said)(struct stage *stage, const struct said *said); /* NULL = nobody hears */
    struct text said;                                              /* for whoever hears */
};

#define ck_assert_ok(code, err) ck_assert_msg((code) == ERR_OK, "%s", (err).text)

/* ---- texts ---- */

/* The caller frees. */
static inline char *stage_text(const struct stage *s, const char *text)
{
    struct text out;
    text_init(&out, SIZE_MAX / 2);
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            text_addc(&out, '"');
        else if (*c == '@')
            text_addf(&out, "http://127.0.0.1:%u", s->peer ? s->peer->port : 9);
        else
            text_addc(&out, *c);
    }
    return text_take(&out);
}

static inline json_t *stage_json(const struct stage *s, const char *text)
{
    AUTO(freep) char *json = stage_text(s, text);
    json_t *value = NULL;
    struct error err;
    enum error_code code = json_read(slice_of(json), LIMIT_PAYLOAD, &value, &err);
    ck_assert_msg(code == ERR_OK, "%s in %s", err.text, json);
    return value;
}

/* The value at a path of names and numbers, "tasks/0/status"; borrowed; NULL = not there. */
static inline json_t *at(const json_t *value, const char *path)
{
    AUTO(freep) char *copy = xstrdup(path);
    char *rest = NULL;
    for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest))
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
    return (json_t *)(uintptr_t)value;
}

static inline const char *word_at(const json_t *value, const char *path)
{
    const char *word = json_string_value(at(value, path));
    return word ? word : "(nothing)";
}

static inline json_int_t number_at(const json_t *value, const char *path)
{
    json_t *number = at(value, path);
    ck_assert_msg(json_is_integer(number), "no number at %s", path);
    return json_integer_value(number);
}

/* ---- the stage ---- */

static inline void stage_write(const struct stage *s, const char *name, const char *text)
{
    AUTO(freep) char *path = xasprintf("%s/%s", s->folder, name);
    FILE *file = fopen(path, "we");
    ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Sets a stage up. `extra` is further lines of the manifest, `limits` of the plugins' limits. */
static inline void stage_set(struct stage *s, int mode, peer_script script, const char *limits,
                             const char *extra)
{
    *s = (struct stage){.folder = "/tmp/seam-stage-XXXXXX", .mode = (enum mode)mode};
    signal(SIGPIPE, SIG_IGN);
    text_init(&s->log, 1 << 20);
    text_init(&s->said, 1 << 20);
    ck_assert(mkdtemp(s->folder) != NULL);
    snprintf(s->journal, sizeof(s->journal), "%s/journal.db", s->folder);
    s->peer = script ? peer_new(script) : NULL;
    AUTO(text_done) struct text manifest;
    text_init(&manifest, LIMIT_FILE);
    text_addf(&manifest, "manifest: 1\nstore: {url: \"sqlite:journal.db\"%s}\n",
              strstr(extra, "durability: steps") ? ", durability: steps" : "");
    if (!strstr(extra, "durability: steps"))
        text_adds(&manifest, extra);
    text_adds(&manifest, "escalation: {ops: {exec: [/bin/true]}}\nplugins:\n");
    static const char *const names[] = {"actor", "wild", "boss", "hand", "foreman", "chief"};
    static const char *const agents[] = {
        "", "", "hand/*, boss/*", "hand/*, boss/*", "hand/*", "hand/find, chief/*"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        text_addf(&manifest,
                  "  %s:\n"
                  "    path: " BUILD_ROOT "/tests/unit/runtime/plugins/so/%s.so\n"
                  "    isolation: %s\n"
                  "    limits: {%s}\n"
                  "    restart: {jitter: none}\n"
                  "    quarantine: {faults: 100}\n"
                  "    grants:\n"
                  "      http: [{scheme: http, host: 127.0.0.1, port: %u, methods: [GET, POST],\n"
                  "              reads: [POST /search], refusals: [402], private: true}]\n"
                  "      agents: [%s]\n",
                  names[i], names[i], mode == IN_PROCESS ? "in-process" : "worker", limits,
                  s->peer ? s->peer->port : 9, agents[i]);
    stage_write(s, "seam.yaml", text_str(&manifest));
    AUTO(freep) char *path = xasprintf("%s/seam.yaml", s->folder);
    struct error err;
    enum error_code code = roster_load(path, &s->roster, &err);
    ck_assert_ok(code, err);
    for (size_t i = 0; i < s->roster->plugin_count; i++)
        ck_assert_msg(s->roster->plugins[i].card != NULL, "%s", s->roster->plugins[i].error.text);
}

/* The steps of the flow and what follows them. Retries come at once. */
static inline void stage_flow(struct stage *s, const char *steps)
{
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_FILE);
    text_addf(&text,
              "flow: play\nversion: 1.0.0\ninput: {schema: true}\n%s%s"
              "defaults: {retry: {max_attempts: 3, initial_interval: 1ms, backoff_coefficient: 1, "
              "jitter: none}}\n%s",
              strstr(steps, "budget: {") ? ""
                                         : "budget: {attempts: 1000, calls: 1000, time: 10m}\n",
              strstr(steps, "escalation: {") ? "" : "escalation: {to: ops, deadline: 1h}\n", steps);
    stage_write(s, "flow.yaml", text_str(&text));
    AUTO(freep) char *path = xasprintf("%s/flow.yaml", s->folder);
    struct findings findings;
    struct error err;
    findings_init(&findings);
    flow_unref(s->flow);
    s->flow = NULL;
    enum error_code code = roster_compile(s->roster, path, &s->flow, &findings, &err);
    AUTO(text_done) struct text said;
    text_init(&said, LIMIT_FILE);
    findings_text(&findings, &said);
    ck_assert_msg(code == ERR_OK, "%s\n%s", err.text, text_str(&said));
    findings_done(&findings);
}

/* The flow of most tests: one step that gives its input to an agent, and its output. */
static inline void stage_one_step(struct stage *s, const char *agent, const char *more)
{
    AUTO(freep)
    char *steps = xasprintf("steps:\n  act: {agent: %s, input: \"${ .input }\"%s}\n"
                            "output: {as: \"${ .steps.act.output }\"}\n",
                            agent, more);
    stage_flow(s, steps);
}

static inline void stage_settled(void *user, const struct run *run)
{
    struct stage *s = user;
    s->settled++;
    s->status = run_status(run);
    json_decref(s->output);
    json_decref(s->error);
    s->output = json_incref((json_t *)(uintptr_t)run_output(run));
    s->error = json_incref((json_t *)(uintptr_t)run_error(run));
    if (s->on_settled)
        s->on_settled(s, run);
}

static inline void stage_log(void *user, const char *plugin, uint32_t level, struct slice text)
{
    struct stage *s = user;
    text_addf(&s->log, "%u %s: %.*s\n", level, plugin, (int)text.len, text.ptr);
}

static inline bool stage_hears(void *user, const struct run *run)
{
    const struct stage *s = user;
    (void)run;
    return s->on_said != NULL;
}

static inline void stage_said(void *user, const struct run *run, const struct said *said)
{
    struct stage *s = user;
    (void)run;
    s->on_said(s, said);
}

static inline enum error_code stage_try_open(struct stage *s, struct error *err)
{
    struct host_options options = {
        .roster = s->roster,
        .store = s->store,
        .in_memory = s->in_memory,
        .restored = s->restored,
        .worker = BUILD_ROOT "/bin/seam-worker",
        .first = s->expects ? s->flow : NULL,
        .settled = stage_settled,
        .log = stage_log,
        .hears = stage_hears,
        .said = stage_said,
        .user = s,
    };
    return host_open(&options, &s->host, err);
}

static inline void stage_open(struct stage *s)
{
    struct error err;
    enum error_code code = stage_try_open(s, &err);
    ck_assert_ok(code, err);
}

static inline void stage_submit(struct stage *s, const char *id, const char *input)
{
    struct error err;
    json_t *value = stage_json(s, input);
    enum error_code code = host_submit(s->host, s->flow, id, value, &err);
    json_decref(value);
    ck_assert_ok(code, err);
}

static inline void stage_work(struct stage *s)
{
    struct error err;
    enum error_code code = host_work(s->host, &err);
    ck_assert_ok(code, err);
}

/* Runs to the end; the run must end or wait. */
static inline enum run_status stage_run(struct stage *s, const char *id, const char *input)
{
    size_t before = s->settled;
    if (!s->host)
        stage_open(s);
    stage_submit(s, id, input);
    stage_work(s);
    ck_assert_uint_gt(s->settled, before);
    return s->status;
}

static inline void stage_close(struct stage *s)
{
    struct error err;
    if (!s->host)
        return;
    enum error_code code = host_close(s->host, &err);
    s->host = NULL;
    ck_assert_ok(code, err);
}

/* Another host goes on where the last one stopped. */
static inline enum run_status stage_resume(struct stage *s, const char *id)
{
    struct error err;
    stage_close(s);
    stage_open(s);
    enum error_code code = host_resume(s->host, id, &err);
    ck_assert_ok(code, err);
    stage_work(s);
    return s->status;
}

/* What a person says, from outside; the next resume finds it. answer NULL = deny. */
static inline void stage_answer(const struct stage *s, const char *run, const char *task,
                                uint32_t revision, const char *answer)
{
    AUTO(text_done) struct text text;
    json_t *said = answer ? stage_json(s, answer) : NULL;
    json_t *message =
        task ? inbox_answer(task, revision, said, !answer, "tester", "-") : inbox_cancel("tester");
    struct error err;
    struct timespec now;
    long owner;
    clock_gettime(CLOCK_REALTIME, &now);
    text_init(&text, LIMIT_PAYLOAD);
    json_write(message, &text);
    json_decref(message);
    json_decref(said);
    enum error_code code =
        inbox_put(s->journal, run, text_slice(&text),
                  (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &owner, &err);
    ck_assert_ok(code, err);
}

static inline void stage_cancel(const struct stage *s, const char *run)
{
    stage_answer(s, run, NULL, 0, NULL);
}

/* ---- what the journal says ---- */

static inline struct journal_reader *stage_reader(const struct stage *s)
{
    struct journal_reader *reader = NULL;
    struct error err;
    enum error_code code = journal_reader_open(s->journal, &reader, &err);
    ck_assert_ok(code, err);
    reader_take_keys(reader, s->roster->manifest);
    return reader;
}

/* The run as it stands on disk; the caller frees. */
static inline json_t *stage_describe(const struct stage *s, const char *id)
{
    struct error err;
    struct run *run = NULL;
    struct journal_reader *reader = stage_reader(s);
    enum error_code code = fold_run(reader, id, s->flow, NULL, NULL, &run, &err);
    ck_assert_ok(code, err);
    json_t *picture = run_describe(run);
    run_free(run);
    journal_reader_close(reader);
    return picture;
}

static inline bool add_record(void *user, uint64_t seq, struct record *record, struct run *run)
{
    struct text *out = user;
    (void)seq;
    (void)run;
    text_addf(out, " [%s]", event_kind_word(record->event.kind));
    for (size_t i = 0; i < record->decisions.count; i++)
        text_addf(out, " %s", record->decisions.list[i].rule);
    return true;
}

/* " [started] turn first-attempt [ended] attempt-ended …": events and rules; the caller frees. */
static inline char *stage_story(const struct stage *s, const char *id)
{
    struct error err;
    struct text out;
    text_init(&out, 1 << 20);
    struct journal_reader *reader = stage_reader(s);
    enum error_code code = fold_run(reader, id, NULL, add_record, &out, NULL, &err);
    ck_assert_ok(code, err);
    journal_reader_close(reader);
    return text_take(&out);
}

#define ck_assert_tells(s, id, words)                                                              \
    do {                                                                                           \
        AUTO(freep) char *story_ = stage_story(s, id);                                             \
        ck_assert_msg(strstr(story_, words) != NULL, "\"%s\" is not in:%s", words, story_);        \
    } while (0)
#define ck_assert_tells_not(s, id, words)                                                          \
    do {                                                                                           \
        AUTO(freep) char *story_ = stage_story(s, id);                                             \
        ck_assert_msg(strstr(story_, words) == NULL, "\"%s\" is in:%s", words, story_);            \
    } while (0)

/* ---- the end ---- */

struct stage_ids {
    char *list[64];
    size_t count;
};

static inline void stage_keep_id(void *user, const struct journal_run *run)
{
    struct stage_ids *ids = user;
    if (ids->count < 64)
        ids->list[ids->count++] = xstrdup(run->id);
}

/* Every run of the journal, decided again. */
static inline void stage_replay(const struct stage *s)
{
    struct stage_ids ids = {.count = 0};
    struct error err;
    struct journal_reader *reader = stage_reader(s);
    struct shelf *shelf = shelf_new();
    enum error_code code = journal_runs(reader, NULL, stage_keep_id, &ids, &err);
    ck_assert_ok(code, err);
    for (size_t i = 0; i < ids.count; i++) {
        size_t records = 0, decisions = 0;
        AUTO(flow_unrefp) struct flow *flow = NULL;
        code = fold_flow(reader, shelf, ids.list[i], &flow, &err);
        ck_assert_ok(code, err);
        code = replay_run(reader, ids.list[i], flow, &records, &decisions, &err);
        ck_assert_msg(code == ERR_OK, "run %s, replayed: %s", ids.list[i], err.text);
        ck_assert_uint_gt(records, 0);
        free(ids.list[i]);
    }
    shelf_free(shelf);
    journal_reader_close(reader);
}

static inline int stage_remove(const char *path, const struct stat *is, int type, struct FTW *where)
{
    (void)is;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void stage_done(struct stage *s)
{
    stage_close(s);
    if (!s->in_memory && !s->keep_open)
        stage_replay(s);
    flow_unref(s->flow);
    roster_free(s->roster);
    json_decref(s->output);
    json_decref(s->error);
    text_done(&s->log);
    text_done(&s->said);
    if (s->peer)
        peer_free(s->peer);
    nftw(s->folder, stage_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the world's side ---- */

static inline void say(struct connection *connection, int status, const char *body)
{
    AUTO(freep)
    char *answer = xasprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\n\r\n%s",
                             status, strlen(body), body);
    peer_say(connection, answer);
}

static inline bool is_post(const struct connection *connection)
{
    return strncmp(connection->last, "POST ", 5) == 0;
}

/* The value of a header of the last request, "" if there is none. */
static inline void header_of(const struct connection *connection, const char *name, char *ret_value,
                             size_t size)
{
    AUTO(freep) char *field = xasprintf("\r\n%s: ", name);
    const char *found = strcasestr(connection->last, field);
    size_t length = found ? strcspn(found + strlen(field), "\r") : 0;
    snprintf(ret_value, size, "%.*s", (int)length, found ? found + strlen(field) : "");
}

/* Waits until that many requests have arrived. */
static inline void await_arrivals(struct peer *peer, int count)
{
    while (atomic_load(&peer->arrivals) < count) {
        struct pollfd fd = {.fd = peer->news, .events = POLLIN};
        ck_assert_msg(poll(&fd, 1, 30000) > 0, "nothing arrives");
        eventfd_t value;
        (void)eventfd_read(peer->news, &value);
    }
}

/* ---- the program ---- */

/* Runs tests, each in a worker and in this process, and those of workers alone; lists end in NULL.
 */
static inline int stage_main(const char *name, const TTest *const everywhere[],
                             const TTest *const in_workers[])
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; everywhere && everywhere[i]; i++)
        tcase_add_loop_test(tcase, everywhere[i], 0, MODES);
    for (size_t i = 0; in_workers && in_workers[i]; i++)
        tcase_add_loop_test(tcase, in_workers[i], IN_WORKER, IN_WORKER + 1);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

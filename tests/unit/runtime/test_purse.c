/* SPDX-License-Identifier: Apache-2.0
 *
 * Budgets over all runs: what is used and set aside never passes what the manifest allows a period,
 * whoever runs at once, whoever is killed; what is not used is given back; cleaning up is never
 * refused. Read back from the meters in the journal.
 */
#include "stage.h"

#include "runtime/host_internal.h"

#include <sched.h>
#include <sqlite3.h>
#include <uv.h>

#define WORK "{'do': [{'give': 1}]}"
/* Sleeps first: those that come with it are admitted or refused before it ends. */
#define SPEND                                                                                      \
    "{'do': [{'ask': 'clock.sleep/1', 'body': {'ms': 300}},"                                       \
    "        {'ask': 'budget.spend/1', 'body': {'tokens': 30, 'cost': '0.001'}}, {'give': 1}]}"

static void stage_budget(struct stage *s, int mode, const char *budgets, const char *agent)
{
    AUTO(freep) char *extra = xasprintf("budgets: {%s}\n", budgets);
    stage_set(s, mode, NULL, "", extra);
    stage_one_step(s, agent, ", retry: {max_attempts: 1}");
}

static struct amounts used_at(const struct stage *s, enum period period, int64_t at_ms)
{
    struct budget_use uses[PERIOD_COUNT];
    struct error err;
    AUTO(journal_reader_closep) struct journal_reader *reader = stage_reader(s);
    enum error_code code = budgets_used(reader, at_ms, uses, &err);
    ck_assert_ok(code, err);
    return uses[period].used;
}

static struct amounts used_today(const struct stage *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return used_at(s, PERIOD_MONTH, (int64_t)now.tv_sec * 1000);
}

static int done_count, failed_count;

static void count_ends(struct stage *s, const struct run *run)
{
    (void)s;
    done_count += run_status(run) == RUN_DONE;
    failed_count += run_status(run) == RUN_FAILED;
}

static void submit_many(struct stage *s, const char *name, int count, const char *input)
{
    char id[32];
    done_count = failed_count = 0;
    s->on_settled = count_ends;
    if (!s->host)
        stage_open(s);
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "%s%d", name, i);
        stage_submit(s, id, input);
    }
}

START_TEST(no_more_calls_begin_than_a_period_allows)
{
    struct stage s;
    stage_budget(&s, _i, "month: {calls: 5}", "actor/pure");
    submit_many(&s, "r", 12, WORK);
    stage_work(&s);
    ck_assert_int_eq(done_count, 5);
    ck_assert_int_eq(failed_count, 7);
    json_t *last = stage_describe(&s, "r11");
    ck_assert_str_eq(word_at(last, "error/code"), "budget-month");
    ck_assert_ptr_nonnull(strstr(word_at(last, "error/message"),
                                 "the manifest's budgets.month allows 5 calls; 5 are used or set"));
    json_decref(last);
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).calls, 5);
    ck_assert_int_eq(used_today(&s).attempts, 5);
    stage_done(&s);
}
END_TEST

START_TEST(a_fan_out_is_refused_item_by_item)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "budgets: {month: {tokens: 450}}\n");
    stage_flow(&s, "steps:\n"
                   "  many: {agent: actor/think, for_each: \"${ .input.list }\","
                   " on_item_failure: skip, input: {do: [{give: 1}]}}\n");
    ck_assert_int_eq(stage_run(&s, "r", "{'list': [1, 2, 3, 4, 5, 6, 7, 8, 9]}"), RUN_DONE);
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).tokens, 400);
    ck_assert_int_eq(used_today(&s).calls, 4);
    stage_done(&s);
}
END_TEST

START_TEST(what_is_not_used_is_given_back)
{
    struct stage s;
    stage_budget(&s, _i, "month: {tokens: 300, cost: 1}", "actor/think");
    submit_many(&s, "r", 3, SPEND);
    stage_work(&s);
    ck_assert_int_eq(done_count, 3);
    submit_many(&s, "s", 3, SPEND); /* 90 are used: 210 are left, for two at once */
    stage_work(&s);
    ck_assert_int_eq(done_count, 2);
    ck_assert_int_eq(failed_count, 1);
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).tokens, 150);
    ck_assert_int_eq(used_today(&s).cost, 5000);
    stage_done(&s);
}
END_TEST

START_TEST(what_a_host_has_used_the_next_one_knows)
{
    struct stage s;
    stage_budget(&s, _i, "month: {calls: 5}", "actor/pure");
    submit_many(&s, "r", 3, WORK);
    stage_work(&s);
    stage_close(&s);
    submit_many(&s, "s", 3, WORK);
    stage_work(&s);
    ck_assert_int_eq(done_count, 2);
    ck_assert_int_eq(failed_count, 1);
    stage_done(&s);
}
END_TEST

START_TEST(what_was_set_aside_when_a_host_died_stays_charged)
{
    struct stage s;
    stage_budget(&s, _i, "month: {tokens: 150}", "actor/think");
    submit_many(&s, "r", 1, "{'do': [{'until_cancelled': true}]}");
    while (used_today(&s).tokens == 0)
        uv_run(host_loop(s.host), UV_RUN_ONCE);
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).tokens, 100);
    ck_assert_int_eq(stage_run(&s, "s", WORK), RUN_FAILED);
    ck_assert_str_eq(word_at(s.error, "code"), "budget-month");
    ck_assert_int_eq(stage_resume(&s, "r0"), RUN_FAILED);
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).tokens, 100);
    stage_done(&s);
}
END_TEST

START_TEST(an_agent_is_refused_more_than_a_period_has)
{
    struct stage s;
    stage_budget(&s, _i, "month: {tokens: 1000}", "actor/pure");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'do': [{'ask': 'budget.reserve/1', 'body': {'tokens': 800}},"
                               "        {'ask': 'budget.reserve/1', 'body': {'tokens': 300}},"
                               "        {'ask': 'budget.spend/1', 'body': {'tokens': 10}}]}"),
                     RUN_DONE);
    ck_assert_int_eq(number_at(s.output, "answers/0/status"), SEAM_OK);
    ck_assert_int_eq(number_at(s.output, "answers/1/status"), SEAM_E_BUDGET);
    ck_assert_str_eq(word_at(s.output, "answers/1/code"), "budget-month");
    ck_assert_tells(&s, "r", "[reserve-asked] reserve-granted [held] [spent]");
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).tokens, 10);
    stage_done(&s);
}
END_TEST

static atomic_int posts;

static void drops_posts(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (is_post(connection)) {
            atomic_fetch_add(&posts, 1);
            return;
        }
        say(connection, 200, "{}");
    }
}

START_TEST(cleaning_up_is_never_refused)
{
    struct stage s;
    stage_set(&s, _i, drops_posts, "", "budgets: {month: {calls: 1}}\n");
    stage_one_step(&s, "actor/book", ", retry: {max_attempts: 1}");
    atomic_store(&posts, 0);
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [{'must': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book'}}],"
                  " 'find': {'do': [{'give': {'outcome': 'happened', 'result': {}}}]}}"),
        RUN_DONE);
    ck_assert_tells(&s, "r", "reconcile-attempt [ended] reconcile-happened");
    ck_assert_int_eq(stage_run(&s, "s", WORK), RUN_FAILED);
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).calls, 2);
    stage_done(&s);
}
END_TEST

/* ---- hosts that are killed ---- */

/* Between deciding and the disk, between the disk and carrying out. */
enum point { RECORDED, KEPT, POINTS };

static int records_left;
static enum point point;

static void die(void *user, enum error_code code, const struct error *err)
{
    (void)user;
    (void)code;
    (void)err;
    kill(getpid(), SIGKILL);
}

static void die_after(void *user, const struct run *run, const struct event *event,
                      const struct decisions *decisions)
{
    struct stage *s = user;
    (void)run;
    (void)event;
    (void)decisions;
    if (--records_left != 0)
        return;
    if (point == RECORDED)
        kill(getpid(), SIGKILL);
    journal_sync(s->host->journal, false, die, NULL);
}

/* A worker that a killed host was about to start may hold the journal's lock a moment longer. */
static void open_when_free(struct stage *s, const struct host_options *options)
{
    struct error err;
    enum error_code code = host_open(options, &s->host, &err);
    for (int i = 0; i < 100000 && code == ERR_BUSY; i++) {
        sched_yield();
        code = host_open(options, &s->host, &err);
    }
    ASSERT(code == ERR_OK);
}

/* Takes up what is left and begins three runs more, in a process of its own; true = it was killed.
 */
static bool work_and_die(struct stage *s, const char *name, int records, enum point at)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct error err;
        size_t count, refused;
        struct host_options options = {.roster = s->roster,
                                       .worker = BUILD_ROOT "/bin/seam-worker",
                                       .progress = die_after,
                                       .settled = stage_settled,
                                       .user = s};
        records_left = records;
        point = at;
        open_when_free(s, &options);
        ASSERT(host_resume_all(s->host, &count, &refused, &err) == ERR_OK && refused == 0);
        submit_many(s, name, 3, "{'list': [1, 2]}");
        stage_work(s);
        stage_close(s);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "the child failed");
    return WIFSIGNALED(status);
}

static void stage_resume_all(struct stage *s)
{
    struct error err;
    size_t count, refused;
    struct host_options options = {.roster = s->roster,
                                   .worker = BUILD_ROOT "/bin/seam-worker",
                                   .settled = stage_settled,
                                   .log = stage_log,
                                   .user = s};
    open_when_free(s, &options);
    enum error_code code = host_resume_all(s->host, &count, &refused, &err);
    ck_assert_ok(code, err);
    ck_assert_uint_eq(refused, 0);
    stage_work(s);
}

/* What all runs of the journal are charged. */
static struct amounts charged_to_runs(const struct stage *s)
{
    struct stage_ids ids = {.count = 0};
    struct amounts all = {0};
    struct error err;
    AUTO(journal_reader_closep) struct journal_reader *reader = stage_reader(s);
    enum error_code code = journal_runs(reader, NULL, stage_keep_id, &ids, &err);
    ck_assert_ok(code, err);
    for (size_t i = 0; i < ids.count; i++) {
        struct run *run = NULL;
        code = fold_run(reader, ids.list[i], s->flow, NULL, NULL, &run, &err);
        ck_assert_ok(code, err);
        struct amounts one = run_charged(run);
        all = (struct amounts){all.attempts + one.attempts, all.calls + one.calls,
                               all.tokens + one.tokens, all.cost + one.cost};
        run_free(run);
        free(ids.list[i]);
    }
    return all;
}

/* The starts that the agents were given. */
static int given_starts(const struct stage *s)
{
    AUTO(freep) char *path = xasprintf("%s/starts", s->folder);
    FILE *file = fopen(path, "re");
    int lines = 0;
    for (int c; file && (c = fgetc(file)) != EOF;)
        lines += c == '\n';
    if (file)
        fclose(file);
    return lines;
}

struct allowed {
    const char *budgets;
    int64_t attempts, calls, tokens, cost;
};

static void ck_assert_charged(const struct stage *s, const struct allowed *allowed)
{
    struct amounts used = used_today(s), runs = charged_to_runs(s);
    ck_assert_int_le(used.attempts, allowed->attempts);
    ck_assert_int_le(used.calls, allowed->calls);
    ck_assert_int_le(used.tokens, allowed->tokens);
    ck_assert_int_le(used.cost, allowed->cost);
    ck_assert_int_le(given_starts(s), used.calls);
    ck_assert_mem_eq(&used, &runs, sizeof(used));
}

static void stage_killed(struct stage *s, int mode, const char *budgets)
{
    AUTO(freep) char *extra = xasprintf("budgets: {month: {%s}}\n", budgets);
    AUTO(text_done) struct text manifest;
    struct error err;
    stage_set(s, mode, NULL, "", extra);
    text_init(&manifest, LIMIT_FILE);
    text_addf(&manifest,
              "manifest: 1\nstore: {url: \"sqlite:journal.db\"}\n%sescalation: {ops: {exec: "
              "[/bin/true]}}\nplugins:\n  actor:\n    path: " BUILD_ROOT
              "/tests/unit/runtime/plugins/so/actor.so\n    isolation: %s\n"
              "    config: {starts: \"%s/starts\"}\n    limits: {max_concurrency: 2}\n"
              "    sandbox: {without: [files, private-root, landlock]}\n",
              extra, mode == IN_PROCESS ? "in-process" : "worker", s->folder);
    roster_free(s->roster);
    stage_write(s, "seam.yaml", text_str(&manifest));
    AUTO(freep) char *path = xasprintf("%s/seam.yaml", s->folder);
    enum error_code code = roster_load(path, &s->roster, &err);
    ck_assert_ok(code, err);
    stage_flow(s, "steps:\n"
                  "  many: {agent: actor/think, for_each: \"${ .input.list }\", input: {do: [\n"
                  "    {ask: budget.reserve/1, body: {tokens: 20}},\n"
                  "    {ask: budget.spend/1, body: {tokens: 30, cost: '0.001'}}, {give: 1}]}}\n");
}

/* Each host takes up what the last one left, and is killed after as many records. */
static void kill_at(int mode, enum point at)
{
    static const struct allowed all[] = {
        {"calls: 7", INT64_MAX, 7, INT64_MAX, INT64_MAX},
        {"tokens: 500", INT64_MAX, INT64_MAX, 500, INT64_MAX},
        {"attempts: 5, cost: 0.05", 5, INT64_MAX, INT64_MAX, 50000},
    };
    int kills = 0;
    for (int records = 1; records <= 14; records++) {
        const struct allowed *allowed = &all[(records + mode) % 3];
        struct stage s;
        char name[] = "a";
        stage_killed(&s, mode, allowed->budgets);
        for (; name[0] < 'e' && work_and_die(&s, name, records, at); name[0]++, kills++)
            ck_assert_charged(&s, allowed);
        stage_resume_all(&s);
        submit_many(&s, "last", 8, "{'list': [1]}");
        stage_work(&s);
        stage_close(&s);
        ck_assert_charged(&s, allowed);
        ck_assert_int_gt(failed_count, 0);
        ck_assert(allowed->calls > 7 || used_today(&s).calls == 7);
        ck_assert(allowed->attempts > 5 || used_today(&s).attempts == 5);
        stage_done(&s);
    }
    ck_assert_int_gt(kills, 20);
}

START_TEST(nobody_overspends_when_hosts_die_before_the_disk)
{
    kill_at(_i, RECORDED);
}
END_TEST

START_TEST(nobody_overspends_when_hosts_die_behind_the_disk)
{
    kill_at(_i, KEPT);
}
END_TEST

/* Under it, a process that was forked from one with threads may start none. */
#ifdef __SANITIZE_THREAD__
enum { FORKS = 0 };
#else
enum { FORKS = 1 };
#endif

/* ---- time ---- */

static void set_meter(const struct stage *s, const char *name, int calls)
{
    sqlite3 *db = NULL;
    AUTO(freep)
    char *sql = xasprintf("INSERT OR REPLACE INTO meters VALUES('%s', 0, %d, 0, 0)", name, calls);
    ck_assert_int_eq(sqlite3_open(s->journal, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(a_clock_that_is_set_back_gives_nothing_back)
{
    struct stage s;
    stage_budget(&s, _i, "hour: {calls: 5}", "actor/pure");
    stage_open(&s);
    stage_close(&s);
    set_meter(&s, "2020-01-01T00Z", 100);
    set_meter(&s, "2999-01-01T00Z", 3);
    submit_many(&s, "r", 3, WORK);
    stage_work(&s);
    ck_assert_int_eq(done_count, 2);
    ck_assert_int_eq(failed_count, 1);
    ck_assert_ptr_nonnull(strstr(text_str(&s.log), "the clock was set back"));
    stage_done(&s);
}
END_TEST

START_TEST(periods_begin_where_utc_has_them)
{
    struct stage s;
    static const struct {
        const char *hour;
        int calls;
    } meters[] = {
        {"2026-10-31T23Z", 1},       {"2026-11-01T00Z", 10},       {"2026-11-15T23Z", 100},
        {"2026-11-16T00Z", 1000},    {"2026-11-21T23Z", 10000},    {"2026-11-22T00Z", 100000},
        {"2026-11-22T12Z", 1000000}, {"2026-11-22T13Z", 10000000},
    };
    const int64_t at_ms = 1795355999000; /* 2026-11-22T13:59:59Z, a Sunday */
    stage_budget(&s, _i, "hour: {calls: 5}", "actor/pure");
    stage_open(&s);
    stage_close(&s);
    for (size_t i = 0; i < sizeof(meters) / sizeof(meters[0]); i++)
        set_meter(&s, meters[i].hour, meters[i].calls);
    ck_assert_int_eq(used_at(&s, PERIOD_HOUR, at_ms).calls, 10000000);
    ck_assert_int_eq(used_at(&s, PERIOD_DAY, at_ms).calls, 11100000);
    ck_assert_int_eq(used_at(&s, PERIOD_WEEK, at_ms).calls, 11111000);
    ck_assert_int_eq(used_at(&s, PERIOD_MONTH, at_ms).calls, 11111110);
    ck_assert_int_eq(used_at(&s, PERIOD_HOUR, at_ms + 1000).calls, 0);
    stage_done(&s);
}
END_TEST

START_TEST(without_budgets_no_meter_runs)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/think", "");
    ck_assert_int_eq(stage_run(&s, "r", WORK), RUN_DONE);
    stage_close(&s);
    ck_assert_int_eq(used_today(&s).calls, 0);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        no_more_calls_begin_than_a_period_allows,
        a_fan_out_is_refused_item_by_item,
        what_is_not_used_is_given_back,
        what_a_host_has_used_the_next_one_knows,
        what_was_set_aside_when_a_host_died_stays_charged,
        an_agent_is_refused_more_than_a_period_has,
        cleaning_up_is_never_refused,
        a_clock_that_is_set_back_gives_nothing_back,
        periods_begin_where_utc_has_them,
        without_budgets_no_meter_runs,
        FORKS ? nobody_overspends_when_hosts_die_before_the_disk : NULL,
        FORKS ? nobody_overspends_when_hosts_die_behind_the_disk : NULL,
        NULL,
    };
    return stage_main(__FILE__, everywhere, NULL);
}

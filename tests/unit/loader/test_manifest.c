/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest: the one of the documentation is read whole, and each way to get one wrong has its
 * complaint with line and column.
 */
#include "document/document.h"
#include "loader/manifest.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/seam-manifest-XXXXXX";

static char *write_manifest(const char *text)
{
    static bool made;
    if (!made)
        ck_assert_ptr_nonnull(mkdtemp(folder));
    made = true;
    char *path = xasprintf("%s/seam.yaml", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static void clean(void)
{
    AUTO(freep) char *path = xasprintf("%s/seam.yaml", folder);
    unlink(path);
    rmdir(folder);
}

static struct manifest *load(const char *text)
{
    AUTO(freep) char *path = write_manifest(text);
    struct manifest *m = NULL;
    struct error err = {.text = ""};
    ck_assert_msg(manifest_load(path, &m, &err) == ERR_OK, "%s", err.text);
    clean();
    return m;
}

static const char full[] =
    "manifest: 1\n"
    "store: {url: \"sqlite:.seam/journal.db\", durability: steps}\n"
    "currency: EUR\n"
    "plugins:\n"
    "  airline:\n"
    "    path: plugins/airline.so\n"
    "    isolation: in-process\n"
    "    required: true\n"
    "    config: {url: \"http://127.0.0.1:8700\", home: \"${HOME}\"}\n"
    "    grants:\n"
    "      http: [{scheme: http, host: LOCALHOST, port: 8700, methods: [GET, POST],\n"
    "              reads: [POST /search, GET /v2/*], refusals: [400, 404], private: true},\n"
    "             {host: api.example.com, methods: [GET]}]\n"
    "      secrets: [airline_token]\n"
    "      fs: []\n"
    "      agents: []\n"
    "      exec: []\n"
    "    limits: {max_concurrency: 8, memory: 256mb, call: 30s, drain: 10s}\n"
    "    agents: {book: {rate: {calls: 50, per: 1s}, breaker: {failures: 5, within: 30s, open: "
    "10s}}, search: {concurrency: 3}}\n"
    "  mail: {path: /usr/lib/seam/mail.so}\n"
    "secrets: {airline_token: {file: /run/secrets/airline}}\n"
    "flows: [flows/book-trip.yaml, /srv/other.yaml]\n"
    "defaults: {retry: {max_attempts: 3}}\n"
    "limits: {concurrency: 16, runs: 100, payload: 1mb, budget: {tokens: 100000, cost: 1.05, time: "
    "10m}}\n"
    "budgets: {day: {tokens: 2000000, cost: 20.00}}\n"
    "escalation: {ops: {exec: [/usr/local/bin/page]}, duty: {http: \"https://example.org/hook\"}}\n"
    "serve: {listen: \"127.0.0.1:7300\", tokens: [{file: /etc/seam/ops.token, scopes: [run, "
    "answer]}]}\n";

START_TEST(a_full_manifest_is_read_whole)
{
    AUTO(manifest_freep) struct manifest *m = load(full);
    AUTO(freep) char *store = xasprintf("%s/.seam/journal.db", folder);
    AUTO(freep) char *flow = xasprintf("%s/flows/book-trip.yaml", folder);
    AUTO(freep) char *path = xasprintf("%s/plugins/airline.so", folder);
    ck_assert_str_eq(m->store, store);
    ck_assert(m->durable_steps);
    ck_assert_str_eq(m->currency, "EUR");
    ck_assert_uint_eq(m->flow_count, 2);
    ck_assert_str_eq(m->flows[0], flow);
    ck_assert_str_eq(m->flows[1], "/srv/other.yaml");
    ck_assert_int_eq(m->concurrency, 16);
    ck_assert_int_eq(m->runs, 100);
    ck_assert_int_eq(m->payload, 1 << 20);
    ck_assert_int_eq(m->budget_tokens, 100000);
    ck_assert_int_eq(m->budget_cost, 1050000);
    ck_assert_int_eq(m->budget_time_ms, 600000);
    ck_assert_int_eq(m->budget_calls, -1);
    ck_assert_uint_eq(json_object_size(m->escalation), 2);
    ck_assert_ptr_nonnull(json_object_get(m->defaults, "retry"));

    ck_assert_uint_eq(m->plugin_count, 2);
    const struct manifest_plugin *p = &m->plugins[0];
    ck_assert_str_eq(p->alias, "airline");
    ck_assert_str_eq(p->path, path);
    ck_assert(p->in_process && p->required);
    ck_assert_str_eq(json_string_value(json_object_get(p->config, "home")), "${HOME}");
    ck_assert_int_eq(p->max_concurrency, 8);
    ck_assert_int_eq(p->memory_bytes, 256 << 20);
    ck_assert_int_eq(p->call_ms, 30000);
    ck_assert_int_eq(p->drain_ms, 10000);
    ck_assert_str_eq(m->plugins[1].path, "/usr/lib/seam/mail.so");
    ck_assert(!m->plugins[1].in_process && !m->plugins[1].config);
    ck_assert_int_eq(m->plugins[1].max_concurrency, 0);
    ck_assert_int_eq(m->plugins[1].memory_bytes, -1);
}
END_TEST

START_TEST(limits_of_agents_and_budgets_of_periods_are_read)
{
    AUTO(manifest_freep) struct manifest *m = load(full);
    const struct manifest_plugin *p = &m->plugins[0];
    ck_assert_uint_eq(p->setting_count, 2);
    ck_assert_str_eq(p->settings[0].name, "book");
    ck_assert_int_eq(p->settings[0].concurrency, 0);
    ck_assert_int_eq(p->settings[0].rate_calls, 50);
    ck_assert_int_eq(p->settings[0].rate_ms, 1000);
    ck_assert_int_eq(p->settings[0].breaker_failures, 5);
    ck_assert_int_eq(p->settings[0].breaker_within_ms, 30000);
    ck_assert_int_eq(p->settings[0].breaker_open_ms, 10000);
    ck_assert_int_eq(p->settings[1].concurrency, 3);
    ck_assert(m->any_budget && m->concurrency_said);
    ck_assert_int_eq(m->budgets[PERIOD_DAY].tokens, 2000000);
    ck_assert_int_eq(m->budgets[PERIOD_DAY].cost, 20000000);
    ck_assert_int_eq(m->budgets[PERIOD_DAY].calls, -1);
    ck_assert_int_eq(m->budgets[PERIOD_HOUR].tokens, -1);
}
END_TEST

START_TEST(hosts_of_grants_are_spelled_as_those_of_requests)
{
    static const char *const kept[] = {"example.com", "::1", "fe80::a", "::ffff:127.0.0.1"};
    AUTO(manifest_freep)
    struct manifest *m =
        load("manifest: 1\nplugins:\n  p:\n    path: p.so\n    grants:\n      http:\n"
             "        - {host: Example.COM, methods: [GET]}\n"
             "        - {host: \"[::1]\", methods: [GET]}\n"
             "        - {host: \"[FE80:0::A]\", methods: [GET]}\n"
             "        - {host: \"[::FFFF:127.0.0.1]\", methods: [GET]}\n");
    ck_assert_uint_eq(m->plugins[0].http_count, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(m->plugins[0].http[i].host, kept[i]);
}
END_TEST

START_TEST(grants_of_http_are_read)
{
    AUTO(manifest_freep) struct manifest *m = load(full);
    ck_assert_uint_eq(m->plugins[0].http_count, 2);
    const struct http_grant *g = &m->plugins[0].http[0];
    ck_assert_str_eq(g->scheme, "http");
    ck_assert_str_eq(g->host, "localhost");
    ck_assert_int_eq(g->port, 8700);
    ck_assert_uint_eq(g->method_count, 2);
    ck_assert_str_eq(g->methods[1], "POST");
    ck_assert_uint_eq(g->read_count, 2);
    ck_assert_str_eq(g->reads[0].method, "POST");
    ck_assert_str_eq(g->reads[0].path, "/search");
    ck_assert_str_eq(g->reads[1].path, "/v2/*");
    ck_assert_uint_eq(g->refusal_count, 2);
    ck_assert_int_eq(g->refusals[1], 404);
    ck_assert(g->private_network);
    ck_assert_str_eq(g[1].scheme, "https");
    ck_assert_int_eq(g[1].port, 443);
    ck_assert(!g[1].private_network);
}
END_TEST

START_TEST(the_smallest_manifest_has_defaults)
{
    AUTO(manifest_freep) struct manifest *m = load("manifest: 1\n");
    AUTO(freep) char *store = xasprintf("%s/.seam/journal.db", folder);
    ck_assert_str_eq(m->store, store);
    ck_assert(!m->durable_steps);
    ck_assert_int_eq(m->concurrency, 256);
    ck_assert_int_eq(m->runs, 10000);
    ck_assert_int_eq(m->payload, 8 << 20);
    ck_assert_int_eq(m->budget_cost, -1);
    ck_assert_uint_eq(m->plugin_count + m->flow_count, 0);
}
END_TEST

START_TEST(a_store_may_be_in_memory)
{
    AUTO(manifest_freep) struct manifest *m = load("manifest: 1\nstore: {url: \"memory:\"}\n");
    ck_assert_ptr_null(m->store);
}
END_TEST

START_TEST(a_cost_may_be_text)
{
    AUTO(manifest_freep)
    struct manifest *m = load("manifest: 1\nlimits: {budget: {cost: \"0.000001\"}}\n");
    ck_assert_int_eq(m->budget_cost, 1);
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_place)
{
    static const struct {
        const char *text, *place, *words;
    } cases[] = {
        {"manifest: 2\n", ":1:11: ", "expected 1, found 2"},
        {"store: {}\n", ":1:1: ", "manifest"},
        {"manifest: 1\nplugin: {}\n", ":2:1: ", "did you mean \"plugins\"?"},
        {"manifest: 1\nplugins:\n  a:\n    pth: x\n", ":4:5: ", "did you mean \"path\"?"},
        {"manifest: 1\nplugins:\n  a: {isolation: worker}\n", ":3:6: ", "path"},
        {"manifest: 1\nplugins:\n  a/b: {path: x}\n", ":3:3: ", "a/b"},
        {"manifest: 1\nplugins:\n  a: {path: x, isolation: inproces}\n", ":3:27: ", "in-process"},
        {"manifest: 1\nplugins:\n  a:\n    path: x\n    limits: {memory: 256MB}\n",
         ":5:22: ", "256MB"},
        {"manifest: 1\nplugins:\n  a:\n    path: x\n    limits: {call: 30}\n",
         ":5:20: ", "expected string, found 30"},
        {"manifest: 1\nplugins:\n  a:\n    path: x\n    limits: {call: 99999d}\n",
         ":5:20: ", "ten years"},
        {"manifest: 1\nplugins:\n  a:\n    path: x\n    limits: {max_concurrency: 0}\n",
         ":5:31: ", "at least 1"},
        {"manifest: 1\nplugins:\n  a: {path: x, grants: {http: [{host: \"*\", methods: [GET]}]}}\n",
         ":3:39: ", "host"},
        {"manifest: 1\nplugins:\n  a: {path: x, grants: {http: [{host: h, methods: [get]}]}}\n",
         ":3:52: ", "GET"},
        {"manifest: 1\nplugins:\n  a: {path: x, grants: {secrets: [tokn]}}\n"
         "secrets: {token: {env: T}}\n",
         ":3:35: ", "did you mean \"token\"?"},
        {"manifest: 1\nsecrets: {a: {file: x, env: Y}}\n", ":2:14: ", "secrets/a"},
        {"manifest: 1\nstore: {url: \"postgres://x\"}\n", ":2:14: ", "sqlite:"},
        {"manifest: 1\nlimits: {budget: {cost: 0.0000001}}\n", ":2:25: ", "six places"},
        {"manifest: 1\nlimits: {budget: {cost: -1}}\n", ":2:25: ", "-1"},
        {"manifest: 1\nlimits: {payload: 2gb}\n", ":2:19: ", "256 mb"},
        {"manifest: 1\nlimits: {payload: 0}\n", ":2:19: ", "0"},
        {"manifest: 1\nescalation: {ops: {exec: []}}\n", ":2:26: ", "at least 1"},
        {"manifest: 1\nplugins:\n  a: {path: x, agents: {b: {rate: {calls: 1, per: 0s}}}}\n",
         ":3:51: ", "longer than nothing"},
        {"manifest: 1\nplugins:\n  a: {path: x, agents: {b: {concurrency: 0}}}\n",
         ":3:42: ", "at least 1"},
        {"manifest: 1\nbudgets: {day: {tokens: -1}}\n", ":2:25: ", "at least 0"},
        {"manifest: 1\nbudgets: {year: {tokens: 1}}\n", ":2:11: ", "year"},
        {"manifest: 1\nbudgets: {day: {cost: 0.0000001}}\n", ":2:23: ", "six places"},
        {"manifest: 1\nmanifest: 1\n", ":2:1: ", "manifest"},
        {"manifest: [\n", ":2:1: ", ""},
        {"- a\n", ":1:1: ", "object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(freep) char *path = write_manifest(cases[i].text);
        AUTO(freep) char *place = xasprintf("%s%s", path, cases[i].place);
        struct manifest *m = NULL;
        struct error err = {.text = ""};
        ck_assert_msg(manifest_load(path, &m, &err) != ERR_OK, "accepted: %s", cases[i].text);
        ck_assert_msg(strstr(err.text, place) == err.text, "of %s\nexpected %s\nfound %s",
                      cases[i].text, place, err.text);
        ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "of %s\nexpected %s\nfound %s",
                      cases[i].text, cases[i].words, err.text);
    }
    clean();
}
END_TEST

START_TEST(several_complaints_come_at_once)
{
    AUTO(freep) char *path = write_manifest("manifest: 1\nplugins:\n  a: {}\nflows: 3\n");
    struct manifest *m = NULL;
    struct error err = {.text = ""};
    ck_assert_int_eq(manifest_load(path, &m, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "seam.yaml:3:6: "));
    ck_assert_ptr_nonnull(strstr(err.text, "\n"));
    ck_assert_ptr_nonnull(strstr(err.text, "seam.yaml:4:8: "));
    clean();
}
END_TEST

START_TEST(a_manifest_is_found_in_order)
{
    AUTO(freep) char *named = write_manifest("manifest: 1\n");
    AUTO(freep) char *config = xasprintf("%s/seam", folder);
    AUTO(freep) char *home = xasprintf("%s/seam/seam.yaml", folder);
    char *path = NULL;
    struct error err = {.text = ""};
    ck_assert_int_eq(mkdir(config, 0700), 0);
    fclose(fopen(home, "w"));
    ck_assert_int_eq(chdir("/"), 0);
    setenv("XDG_CONFIG_HOME", folder, 1);
    unsetenv("SEAM_MANIFEST");

    ck_assert_int_eq(manifest_find(NULL, &path, &err), ERR_OK);
    ck_assert_str_eq(path, home);
    free(path);
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(manifest_find(NULL, &path, &err), ERR_OK);
    ck_assert_str_eq(path, "./seam.yaml");
    free(path);
    setenv("SEAM_MANIFEST", home, 1);
    ck_assert_int_eq(manifest_find(NULL, &path, &err), ERR_OK);
    ck_assert_str_eq(path, home);
    free(path);
    ck_assert_int_eq(manifest_find(named, &path, &err), ERR_OK);
    ck_assert_str_eq(path, named);
    free(path);

    unlink(home);
    ck_assert_int_eq(manifest_find(NULL, &path, &err), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "SEAM_MANIFEST"));
    unsetenv("SEAM_MANIFEST");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(manifest_find(NULL, &path, &err), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, home));
    ck_assert_ptr_nonnull(strstr(err.text, "/etc/seam/seam.yaml"));
    rmdir(config);
    clean();
}
END_TEST

UNIT_MAIN(a_full_manifest_is_read_whole, limits_of_agents_and_budgets_of_periods_are_read,
          grants_of_http_are_read, hosts_of_grants_are_spelled_as_those_of_requests,
          the_smallest_manifest_has_defaults, a_store_may_be_in_memory, a_cost_may_be_text,
          what_is_wrong_is_told_with_its_place, several_complaints_come_at_once,
          a_manifest_is_found_in_order)

/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases under fire. With --crash-at-every-write the host of each is killed at every edge, one after
 * the other, and taken up again; with --seeds, orders and faults are drawn. No effect may have
 * happened twice or be lost, and the run must come to an end that is legal: what it comes to in
 * calm, a question to a person, or another end, which is told. Whatever goes wrong is told with the
 * command that shows it again.
 */
#include "cli/test_internal.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAULTS_MAX = 5 };

/* ---- telling ---- */

static void progress(const struct test *test, const char *what, size_t at, size_t of)
{
    if (test->format == FORMAT_TEXT && isatty(STDERR_FILENO) && !args_flag(test->args, "--quiet"))
        fprintf(stderr, at < of ? "\r%s %zu of %zu " : "\r\033[K", what, at, of);
}

/* A shell's word. */
static void add_word(struct text *out, const char *word)
{
    text_addc(out, '\'');
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            text_adds(out, "'\\''");
        else
            text_addc(out, *c);
    text_addc(out, '\'');
}

/* The command that does one of them alone. */
static json_t *command_of(const struct test *test, const struct fixture_case *c, const char *option,
                          unsigned long long number)
{
    static const char *const passed_on[] = {"--fixtures", "--cards", "--manifest"};
    AUTO(text_done) struct text out;
    text_init(&out, SIZE_MAX / 2);
    text_adds(&out, "seam test ");
    add_word(&out, test->args->operands[0]);
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
        if (args_option(test->args, passed_on[i])) {
            text_addf(&out, " %s ", passed_on[i]);
            add_word(&out, args_option(test->args, passed_on[i]));
        }
    text_adds(&out, " --filter ");
    add_word(&out, fixture_case_name(c));
    text_addf(&out, " %s %llu --keep DIR", option, number);
    return json_string(text_str(&out));
}

/* A fault of one point or seed: what and why, texts; the command. */
static void add_fault(json_t *report, json_t *at, json_t *texts, json_t *command)
{
    json_t *list = json_object_get(report, "faults");
    json_t *fault = json_pack("{s:o, s:o, s:o}", "at", at, "texts", texts, "again", command);
    if (json_array_size(list) < FAULTS_MAX)
        json_array_append(list, fault);
    json_decref(fault);
    json_object_set_new(
        report, "fault_count",
        json_integer(json_integer_value(json_object_get(report, "fault_count")) + 1));
}

static void count(json_t *report, const char *what)
{
    json_int_t before = json_integer_value(json_object_get(report, what));
    json_object_set_new(report, what, json_integer(before + 1));
}

static json_t *report_new(const struct fixture_case *c)
{
    AUTO(freep) char *place = fixture_case_place(c);
    return json_pack("{s:s, s:s, s:[], s:i}", "case", fixture_case_name(c), "place", place,
                     "faults", "fault_count", 0);
}

static void add_texts(json_t *texts, const json_t *list)
{
    json_array_extend(texts, (json_t *)list);
}

/* What is wrong with a result by the laws alone; empty if nothing is. */
static json_t *breaches_of(const json_t *result)
{
    size_t i;
    json_t *missing, *texts = json_array();
    add_texts(texts, json_object_get(result, "wrong"));
    json_array_foreach (json_object_get(result, "missing"), i, missing) {
        AUTO(freep)
        char *text = xasprintf("nothing is written for %s, which was called for %s, attempt %lld",
                               text_of(missing, "agent"), text_of(missing, "step"),
                               (long long)json_integer_value(json_object_get(missing, "attempt")));
        json_array_append_new(texts, json_string(text));
    }
    if (strcmp(text_of(result, "status"), "stuck") == 0) {
        json_array_append_new(texts, json_string("nothing will ever happen to the run"));
        add_texts(texts, json_object_get(result, "hanging"));
    }
    return texts;
}

/* ---- kills ---- */

/* How a killed run ended, beside the calm one: "same", "asks", "other". */
static const char *end_of(const json_t *calm, const json_t *result)
{
    const json_t *output = json_object_get(calm, "output"),
                 *now = json_object_get(result, "output");
    bool same = strcmp(text_of(calm, "status"), text_of(result, "status")) == 0 &&
                (output == now || (output && now && contract_equal(output, now)));
    if (same)
        return "same";
    return strcmp(text_of(result, "status"), "waiting") == 0 ? "asks" : "other";
}

static json_t *describe_end(const json_t *result)
{
    AUTO(text_done) struct text out;
    text_init(&out, SIZE_MAX / 2);
    const json_t *error = json_object_get(result, "error");
    text_adds(&out, text_of(result, "status"));
    const char *step;
    json_t *kind;
    json_object_foreach (json_object_get(result, "asks"), step, kind) {
        text_addf(&out, ", %s asks: %s", step, json_string_value(kind));
    }
    if (error)
        text_addf(&out, ", %s", text_of(error, "message"));
    return json_string(text_str(&out));
}

/* An end that is not the usual one, told once however many points lead to it. */
static void add_end(json_t *report, const char *kind, size_t at, const char *edge,
                    const json_t *result)
{
    AUTO(json_decrefp) json_t *end = describe_end(result);
    json_t *ends = json_object_get(report, "ends");
    json_t *known = json_object_get(ends, json_string_value(end));
    if (!known) {
        known = json_pack("{s:s, s:i, s:i, s:s}", "kind", kind, "times", 0, "first", (int)at, "at",
                          edge);
        json_object_set_new(ends, json_string_value(end), known);
    }
    count(known, "times");
}

static void kill_once(struct test *test, const struct fixture_case *c, size_t at,
                      const json_t *calm, const json_t *edges, json_t *report)
{
    struct error err;
    AUTO(json_decrefp) json_t *result = NULL;
    AUTO(freep) char *store = xasprintf("%s/killed-%zu.db", test->folder, at);
    AUTO(freep) char *world = xasprintf("%s/killed-%zu.world", test->folder, at);
    const char *edge = json_string_value(json_array_get(edges, at - 1));
    struct rehearsal rehearsal = {
        .roster = test->roster, .flow = test->flow, .c = c, .store = store, .world = world};
    test_remove_journal(store);
    unlink(world);
    enum error_code code = rehearse_killed(&rehearsal, at, &result, &err);
    json_t *texts = code == ERR_OK ? breaches_of(result) : json_pack("[s]", err.text);
    count(report, "points");
    if (json_array_size(texts) > 0) {
        add_fault(report, json_string(edge), texts, command_of(test, c, "--crash-at", at));
        return;
    }
    json_decref(texts);
    const char *end = end_of(calm, result);
    count(report, end);
    if (strcmp(end, "same") != 0)
        add_end(report, end, at, edge, result);
    if (args_flag(test->args, "--keep"))
        json_object_set_new(report, "store", json_string(store));
    else
        test_remove_journal(store);
    unlink(world);
}

/* --crash-at N; 0 = every one. */
static enum error_code wanted_point(const struct test *test, const json_t *edges, size_t *ret_at,
                                    struct error *reterr)
{
    const char *said = args_option(test->args, "--crash-at");
    *ret_at = said ? strtoul(said, NULL, 10) : 0;
    if (said && (*ret_at == 0 || *ret_at > json_array_size(edges)))
        return error_set(reterr, ERR_INPUT, "--crash-at %s: the case has points 1 to %zu", said,
                         json_array_size(edges));
    return ERR_OK;
}

json_t *storm_kills(struct test *test, const struct fixture_case *c)
{
    struct error err;
    AUTO(json_decrefp) json_t *calm = NULL;
    AUTO(json_decrefp) json_t *edges = NULL;
    json_t *report = report_new(c);
    size_t only = 0;
    AUTO(freep) char *store = xasprintf("%s/calm.db", test->folder);
    struct rehearsal rehearsal = {
        .roster = test->roster, .flow = test->flow, .c = c, .store = store};
    test_remove_journal(store);
    json_object_set_new(report, "ends", json_object());
    enum error_code code = rehearse_edges(&rehearsal, &calm, &edges, &err);
    if (code == ERR_OK)
        code = wanted_point(test, edges, &only, &err);
    json_t *texts = code == ERR_OK ? breaches_of(calm) : json_pack("[s]", err.text);
    if (json_array_size(texts) > 0) {
        add_fault(report, json_string("no kill at all"), texts, json_string(""));
        return report;
    }
    json_decref(texts);
    for (size_t i = 1; i <= json_array_size(edges); i++) {
        progress(test, "  kill", i, json_array_size(edges));
        if (only == 0 || only == i)
            kill_once(test, c, i, calm, edges, report);
    }
    if (only)
        json_object_set(report, "at", json_array_get(edges, only - 1));
    return report;
}

/* ---- seeds ---- */

/* Which rules decided how often, over all seeds: whether the weather does what it should. */
static void add_rules(json_t *report, const json_t *rules)
{
    const char *rule;
    json_t *times, *all = json_object_get(report, "rules");
    if (!all) {
        all = json_object();
        json_object_set_new(report, "rules", all);
    }
    json_object_foreach ((json_t *)rules, rule, times) {
        json_int_t sum = json_integer_value(json_object_get(all, rule)) + json_integer_value(times);
        json_object_set_new(all, rule, json_integer(sum));
    }
}

static void seed_once(struct test *test, const struct fixture_case *c, uint64_t seed, bool keep,
                      json_t *report)
{
    struct error err;
    AUTO(json_decrefp) json_t *result = NULL;
    AUTO(freep) char *store = xasprintf("%s/seed-%llu.db", test->folder, (unsigned long long)seed);
    bool calm = rehearsal_storm(seed) == 0;
    struct rehearsal rehearsal = {
        .roster = test->roster,
        .flow = test->flow,
        .c = c,
        .store = keep ? store : NULL,
        .weather = seed,
        .truthful = !calm,
    };
    if (keep)
        test_remove_journal(store);
    enum error_code code = rehearse(&rehearsal, &result, &err);
    json_t *texts = code == ERR_OK ? breaches_of(result) : json_pack("[s]", err.text);
    if (code == ERR_OK && calm) {
        AUTO(json_decrefp)
        json_t *differences = expectation_differences(c, test->flow, result);
        size_t i;
        json_t *difference;
        json_array_foreach (differences, i, difference) {
            json_array_append_new(texts, tell_difference(difference));
        }
    }
    count(report, "seeds");
    add_rules(report, json_object_get(result, "rules"));
    count(report, calm ? "calm" : result ? text_of(result, "status") : "error");
    if (keep)
        json_object_set_new(report, "store", json_string(store));
    if (json_array_size(texts) > 0)
        add_fault(report,
                  json_sprintf("seed %llu, %s", (unsigned long long)seed,
                               calm ? "calm: only the times are other" : "bad weather"),
                  texts, command_of(test, c, "--seed", seed));
    else
        json_decref(texts);
}

json_t *storm_seeds(struct test *test, const struct fixture_case *c, uint64_t from, uint64_t to)
{
    json_t *report = report_new(c);
    bool keep = from == to && args_flag(test->args, "--keep");
    for (uint64_t seed = from; seed <= to; seed++) {
        if (seed % 64 == 0 || seed == to)
            progress(test, "  seed", seed, to);
        seed_once(test, c, seed, keep, report);
    }
    return report;
}

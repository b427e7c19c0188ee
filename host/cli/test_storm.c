/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases under fire: what kills and seeds have in common, and seeds, by which orders and faults are
 * drawn. No effect may have happened twice or be lost, and the run must come to an end that is
 * legal. Whatever goes wrong is told with the command that shows it again.
 */
#include "cli/test_internal.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAULTS_MAX = 5 };

/* ---- telling ---- */

void storm_progress(const struct test *test, const char *what, size_t at, size_t of)
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
json_t *storm_command(const struct test *test, const struct fixture_case *c, const char *option,
                      const char *number)
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
    text_addf(&out, " %s %s --keep DIR", option, number);
    return json_string(text_str(&out));
}

/* A fault of one point or seed: what and why, texts; the command. */
void storm_fault(json_t *report, json_t *at, json_t *texts, json_t *command)
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

void storm_count(json_t *report, const char *what)
{
    json_int_t before = json_integer_value(json_object_get(report, what));
    json_object_set_new(report, what, json_integer(before + 1));
}

json_t *storm_report(const struct fixture_case *c)
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
json_t *storm_breaches(const json_t *result)
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
    json_t *texts = code == ERR_OK ? storm_breaches(result) : json_pack("[s]", err.text);
    if (code == ERR_OK && calm) {
        AUTO(json_decrefp)
        json_t *differences = expectation_differences(c, test->flow, result);
        size_t i;
        json_t *difference;
        json_array_foreach (differences, i, difference) {
            json_array_append_new(texts, tell_difference(difference));
        }
    }
    char number[24];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)seed);
    storm_count(report, "seeds");
    add_rules(report, json_object_get(result, "rules"));
    storm_count(report, calm ? "calm" : result ? text_of(result, "status") : "error");
    if (keep)
        json_object_set_new(report, "store", json_string(store));
    if (json_array_size(texts) > 0)
        storm_fault(report,
                    json_sprintf("seed %llu, %s", (unsigned long long)seed,
                                 calm ? "calm: only the times are other" : "bad weather"),
                    texts, storm_command(test, c, "--seed", number));
    else
        json_decref(texts);
}

json_t *storm_seeds(struct test *test, const struct fixture_case *c, uint64_t from, uint64_t to)
{
    json_t *report = storm_report(c);
    bool keep = from == to && args_flag(test->args, "--keep");
    for (uint64_t seed = from; seed <= to && !test_interrupted(); seed++) {
        if (seed % 64 == 0 || seed == to)
            storm_progress(test, "  seed", seed, to);
        seed_once(test, c, seed, keep, report);
    }
    return report;
}

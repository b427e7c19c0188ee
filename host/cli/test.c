/* SPDX-License-Identifier: Apache-2.0
 *
 * seam test: a flow is run with what its fixtures say in the place of agents and people. What came
 * of each case is a report, JSON, of which test_tell.c makes what people, programs and build
 * servers read. Ctrl-C and SIGTERM end it after what is under way, and its folder is gone as ever;
 * the second one ends it at once.
 */
#include "cli/test_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

/* A folder beside the flow: fixtures. */
static char *fixtures_path(const struct args *args)
{
    const char *said = args_option(args, "--fixtures"), *flow = args->operands[0];
    const char *slash = strrchr(flow, '/');
    if (said)
        return xstrdup(said);
    return xasprintf("%.*sfixtures", slash ? (int)(slash - flow + 1) : 0, flow);
}

static char *cards_path(const struct args *args, const char *fixtures)
{
    const char *said = args_option(args, "--cards");
    return said ? xstrdup(said) : xasprintf("%s/cards", fixtures);
}

static enum error_code compile(struct test *test, struct error *reterr)
{
    struct findings *findings = &test->findings;
    enum error_code code =
        roster_compile(test->roster, test->args->operands[0], &test->flow, findings, reterr);
    if (findings->errors && !test->args->json) {
        AUTO(text_done) struct text text;
        text_init(&text, SIZE_MAX / 2);
        findings_text(findings, &text);
        fputs(text_str(&text), stderr);
        note_refused(test->roster);
    }
    return code;
}

static enum error_code open_test(struct test *test, struct error *reterr)
{
    AUTO(freep) char *manifest = NULL;
    AUTO(freep) char *cards = cards_path(test->args, test->fixtures_path);
    enum error_code code = manifest_find(args_option(test->args, "--manifest"), &manifest, reterr);
    if (code == ERR_OK)
        code = roster_rehearse(manifest, cards, &test->roster, reterr);
    if (code == ERR_OK)
        code = compile(test, reterr);
    if (code == ERR_OK && !args_flag(test->args, "--record"))
        code = fixtures_load(test->fixtures_path, test->flow, &test->roster->catalog,
                             &test->fixtures, reterr);
    return code == ERR_OK ? test_folder_open(test, reterr) : code;
}

static void close_test(struct test *test)
{
    test_folder_close(test);
    free(test->fixtures_path);
    coverage_free(test->coverage);
    fixtures_free(test->fixtures);
    flow_unref(test->flow);
    findings_done(&test->findings);
    roster_free(test->roster);
    json_decref(test->report);
    json_decref(test->renewals);
}

/* ---- cases ---- */

bool test_wanted(const struct test *test, const struct fixture_case *c)
{
    const char *filter = args_option(test->args, "--filter");
    return !filter || strstr(fixture_case_name(c), filter) || strstr(fixture_case_file(c), filter);
}

static void record(void *user, const struct run *run, const struct event *event,
                   const struct decisions *decisions)
{
    struct test *test = user;
    coverage_record(test->coverage, run, event, decisions);
}

/* What a case came to, as a report; an error of the host is a failure of the case. */
static json_t *report_case(const struct test *test, const struct fixture_case *c,
                           const json_t *result, const struct error *err, double seconds)
{
    AUTO(freep) char *place = fixture_case_place(c);
    json_t *differences = result ? expectation_differences(c, test->flow, result) : json_array();
    bool passed = result && json_array_size(differences) == 0 &&
                  json_array_size(json_object_get(result, "missing")) == 0 &&
                  json_array_size(json_object_get(result, "wrong")) == 0 &&
                  json_array_size(json_object_get(result, "refused")) == 0;
    json_t *report =
        json_pack("{s:s, s:s, s:b, s:f, s:o}", "case", fixture_case_name(c), "place", place,
                  "passed", (int)passed, "seconds", seconds, "differences", differences);
    if (result)
        json_object_set(report, "result", (json_t *)result);
    if (err)
        json_object_set_new(report, "error", json_string(err->text));
    return report;
}

static json_t *run_case(struct test *test, const struct fixture_case *c, size_t number)
{
    struct error err;
    AUTO(json_decrefp) json_t *result = NULL;
    AUTO(freep) char *store = xasprintf("%s/case-%zu.db", test->folder, number);
    struct rehearsal rehearsal = {
        .roster = test->roster,
        .flow = test->flow,
        .c = c,
        .store = store,
        .record = record,
        .user = test,
    };
    double began = test_seconds();
    enum error_code code = rehearse(&rehearsal, &result, &err);
    json_t *report = report_case(test, c, code == ERR_OK ? result : NULL,
                                 code == ERR_OK ? NULL : &err, test_seconds() - began);
    bool whole = result && json_array_size(json_object_get(result, "missing")) == 0;
    bool other = json_array_size(json_object_get(report, "differences")) > 0;
    if (args_flag(test->args, "--update") && whole && (other || !fixture_case_expect(c)))
        test_update_add(test, c, result);
    if (args_flag(test->args, "--keep"))
        json_object_set_new(report, "store", json_string(store));
    return report;
}

static void run_cases(struct test *test)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fixtures_case_count(test->fixtures); i++) {
        const struct fixture_case *c = fixtures_case(test->fixtures, i);
        if (!test_wanted(test, c) || test_interrupted())
            continue;
        json_t *report = run_case(test, c, i + 1);
        bool passed = json_is_true(json_object_get(report, "passed"));
        test->passed += passed;
        test->failed += !passed;
        tell_case(test, report);
        json_array_append_new(list, report);
    }
    json_object_set_new(test->report, "cases", list);
    /* of some cases alone neither says anything */
    if (args_flag(test->args, "--filter"))
        return;
    json_object_set_new(test->report, "unused", fixtures_unused(test->fixtures));
    json_object_set_new(test->report, "uncovered", coverage_gaps(test->coverage));
}

/* ---- under fire ---- */

static bool read_seeds(const struct args *args, uint64_t *ret_from, uint64_t *ret_to)
{
    const char *many = args_option(args, "--seeds"), *one = args_option(args, "--seed");
    unsigned long long from = 1, to = 0;
    char rest = '\0';
    const char *text = one ? one : many;
    bool range = !one && sscanf(text, "%19llu-%19llu%c", &from, &to, &rest) == 2;
    bool good = range || sscanf(text, "%19llu%c", &to, &rest) == 1;
    if (!range)
        from = one ? to : 1;
    *ret_from = from;
    *ret_to = to;
    return good && text[0] != '-' && from > 0 && to >= from;
}

static bool under_fire(const struct args *args)
{
    return args_flag(args, "--crash-at-every-write") || args_flag(args, "--crash-at") ||
           args_flag(args, "--seeds") || args_flag(args, "--seed");
}

static void run_storm(struct test *test)
{
    json_t *list = json_array();
    uint64_t from = 0, to = 0;
    bool seeds = args_flag(test->args, "--seeds") || args_flag(test->args, "--seed");
    if (seeds)
        read_seeds(test->args, &from, &to);
    for (size_t i = 0; i < fixtures_case_count(test->fixtures); i++) {
        const struct fixture_case *c = fixtures_case(test->fixtures, i);
        if (!test_wanted(test, c) || test_interrupted())
            continue;
        json_t *report = seeds ? storm_seeds(test, c, from, to) : storm_kills(test, c);
        if (test_interrupted()) {
            json_decref(report);
            break;
        }
        bool passed = json_integer_value(json_object_get(report, "fault_count")) == 0;
        test->passed += passed;
        test->failed += !passed;
        json_object_set_new(report, "passed", json_boolean(passed));
        tell_storm(test, report);
        json_array_append_new(list, report);
    }
    json_object_set_new(test->report, "cases", list);
}

/* ---- the command ---- */

static volatile sig_atomic_t signal_seen;

int test_interrupted(void)
{
    return signal_seen;
}

static void see_signal(int number)
{
    signal_seen = number;
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = see_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int finish(struct test *test)
{
    struct error err;
    if (test_interrupted()) {
        complain(0, "test: stopped; what was tried so far stands above");
        return EXIT_SIGNAL + test_interrupted();
    }
    if (test->passed + test->failed == 0)
        return complain(EXIT_USAGE, "test: no case of %s %s", test->fixtures_path,
                        args_flag(test->args, "--filter")
                            ? "has this --filter in its name or file"
                            : "is for this flow; `seam test --help` shows how one is written, and "
                              "--record makes one of a run");
    tell_end(test);
    if (test_update(test, &err) != ERR_OK)
        return report_error(test->args, &err);
    return test->failed ? EXIT_FAILED : EXIT_DONE;
}

static int check_args(const struct args *args)
{
    const char *format = args_option(args, "--format");
    if (format && strcmp(format, "text") != 0 && strcmp(format, "json") != 0 &&
        strcmp(format, "junit") != 0)
        return complain(EXIT_USAGE, "test: --format %s: expected text, json or junit", format);
    if (args->operand_count == 2 && !args_flag(args, "--record"))
        return complain(EXIT_USAGE, "test: `%s` is one too many; a RUN goes with --record",
                        args->operands[1]);
    if (args_flag(args, "--update") && under_fire(args))
        return complain(EXIT_USAGE, "test: --update goes with neither kills nor seeds");
    if (args_flag(args, "--record") && under_fire(args))
        return complain(EXIT_USAGE,
                        "test: --record goes alone; play what it made in a second command");
    uint64_t from, to;
    bool seeds = args_flag(args, "--seeds") || args_flag(args, "--seed");
    if (seeds && !read_seeds(args, &from, &to))
        return complain(EXIT_USAGE,
                        "test: expected --seeds N, --seeds FROM-TO or --seed N, from 1");
    if (seeds && (args_flag(args, "--crash-at-every-write") || args_flag(args, "--crash-at")))
        return complain(EXIT_USAGE, "test: kills and seeds are two commands");
    return 0;
}

static enum test_format format_of(const struct args *args)
{
    const char *format = args_option(args, "--format");
    if (format && strcmp(format, "junit") == 0)
        return FORMAT_JUNIT;
    return args->json || (format && strcmp(format, "json") == 0) ? FORMAT_JSON : FORMAT_TEXT;
}

int command_test(const struct args *args)
{
    struct error err;
    int code = check_args(args);
    if (code)
        return code;
    struct test test = {.args = args,
                        .format = format_of(args),
                        .report = json_object(),
                        .renewals = json_object(),
                        .owner = -1};
    findings_init(&test.findings);
    test.began = test_seconds();
    test.fixtures_path = fixtures_path(args);
    if (open_test(&test, &err) != ERR_OK) {
        code = report_refusal(args, &err, &test.findings);
    } else if (args_flag(args, "--record")) {
        code = test_record(&test);
    } else {
        watch_signals();
        test.coverage = coverage_new(test.flow);
        tell_beginning(&test);
        if (under_fire(args))
            run_storm(&test);
        else
            run_cases(&test);
        code = finish(&test);
    }
    close_test(&test);
    return code;
}

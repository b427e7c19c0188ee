/* SPDX-License-Identifier: Apache-2.0
 *
 * What `seam test` says: a line a case as it ends, with all that is other than it should be below
 * it; or the whole report as JSON, or as JUnit's XML, which build servers read.
 */
#include "cli/test_internal.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VALUE_MAX = 300, STUB_DEPTH = 6 };

double test_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- lines about a case ---- */

static void add_value(struct text *out, const json_t *value)
{
    if (!value) {
        text_adds(out, "nothing");
        return;
    }
    AUTO(freep) char *text = json_text(value);
    text_add(out, text, strlen(text) > VALUE_MAX ? VALUE_MAX : strlen(text));
    if (strlen(text) > VALUE_MAX)
        text_adds(out, " …");
}

static void add_difference(struct text *out, const json_t *difference)
{
    const json_t *expected = json_object_get(difference, "expected");
    const json_t *found = json_object_get(difference, "found");
    const char *text = text_of(difference, "text");
    text_addf(out, "%s: ", text_of(difference, "pointer"));
    if (expected || found) {
        text_adds(out, "expected ");
        add_value(out, expected);
        text_adds(out, ", found ");
        add_value(out, found);
    }
    text_addf(out, "%s%s\n", (expected || found) && *text ? "; " : "", text);
}

json_t *tell_difference(const json_t *difference)
{
    AUTO(text_done) struct text out;
    text_init(&out, SIZE_MAX / 2);
    add_difference(&out, difference);
    return json_stringn(text_str(&out), out.len ? out.len - 1 : 0);
}

/* The least that a contract could take, for people to fill in. */
static json_t *stub_of(const json_t *schema, int depth)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *values = json_object_get(schema, "enum"), *member;
    size_t i;
    if (json_object_get(schema, "const"))
        return json_incref(json_object_get(schema, "const"));
    if (json_array_size(values) > 0)
        return json_incref(json_array_get(values, 0));
    if (!type || depth == 0)
        return json_null();
    if (strcmp(type, "string") == 0)
        return json_string("");
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        return json_integer(0);
    if (strcmp(type, "boolean") == 0)
        return json_false();
    if (strcmp(type, "array") == 0)
        return json_array();
    json_t *object = json_object();
    json_array_foreach (json_object_get(schema, "required"), i, member) {
        const char *name = json_string_value(member);
        const json_t *of = json_object_get(json_object_get(schema, "properties"), name);
        json_object_set_new(object, name, stub_of(of, depth - 1));
    }
    return object;
}

static void add_missing(const struct test *test, struct text *out, const json_t *missing)
{
    const char *name = text_of(missing, "agent");
    const struct agent *agent = catalog_find(&test->roster->catalog, slice_of(name));
    AUTO(json_decrefp)
    json_t *stub = agent && agent->output ? stub_of(contract_schema(agent->output), STUB_DEPTH)
                                          : json_object();
    text_addf(out, "nothing is written for %s, which was called for %s, attempt %lld, with\n    ",
              name, text_of(missing, "step"),
              (long long)json_integer_value(json_object_get(missing, "attempt")));
    AUTO(freep) char *input = json_text(json_object_get(missing, "input"));
    AUTO(freep) char *output = json_text(stub);
    text_addf(out, "%s\n  to be written under the case, or at the top of its file:\n", input);
    text_addf(out, "    agents:\n      %s:\n        - when: %s\n          output: %s\n", name,
              input, output);
}

static void add_strings(struct text *out, const json_t *list)
{
    size_t i;
    json_t *text;
    json_array_foreach (list, i, text) {
        text_addf(out, "%s\n", json_string_value(text));
    }
}

/* What is wrong with a case, line by line. */
static void explain_case(const struct test *test, const json_t *report, struct text *out)
{
    size_t i;
    json_t *part;
    const json_t *result = json_object_get(report, "result");
    const json_t *missing = json_object_get(result, "missing");
    const char *status = text_of(result, "status");
    const char *error = text_of(json_object_get(result, "error"), "message");
    if (*text_of(report, "error"))
        text_addf(out, "%s\n", text_of(report, "error"));
    json_array_foreach (missing, i, part) {
        add_missing(test, out, part);
    }
    if (json_array_size(missing) == 0)
        json_array_foreach (json_object_get(report, "differences"), i, part) {
            add_difference(out, part);
        }
    add_strings(out, json_object_get(result, "wrong"));
    add_strings(out, json_object_get(result, "refused"));
    if (strcmp(status, "stuck") == 0)
        text_adds(out, "nothing will ever happen to the run\n");
    add_strings(out, json_object_get(result, "hanging"));
    if (*error && strcmp(status, "failed") == 0)
        text_addf(out, "it failed at %s: %s\n", text_of(json_object_get(result, "error"), "step"),
                  error);
    if (*text_of(report, "store"))
        text_addf(out, "why: seam explain test --store %s\n", text_of(report, "store"));
}

static void print_lines(FILE *stream, const char *indent, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length > 0) {
            fputs(indent, stream);
            print_clean(stream, (struct slice){text, length});
            fputc('\n', stream);
        }
        text += length + (text[length] == '\n');
    }
}

/* ---- text ---- */

static void print_warnings(const struct test *test)
{
    size_t i;
    json_t *text;
    json_array_foreach (fixtures_warnings(test->fixtures), i, text) {
        fprintf(stderr, "%swarning%s ", paint(stderr, YELLOW), paint(stderr, PLAIN));
        print_clean(stderr, slice_of(json_string_value(text)));
        fputc('\n', stderr);
    }
}

void tell_beginning(const struct test *test)
{
    if (test->format == FORMAT_TEXT)
        print_warnings(test);
}

void tell_case(const struct test *test, const json_t *report)
{
    char words[32];
    if (test->format != FORMAT_TEXT)
        return;
    bool passed = json_is_true(json_object_get(report, "passed"));
    const json_t *took = json_object_get(json_object_get(report, "result"), "took_ms");
    printf("%s%s%s  %s", paint(stdout, passed ? GREEN : RED), passed ? "pass" : "FAIL",
           paint(stdout, PLAIN), text_of(report, "case"));
    if (took)
        printf("  %s(%s of its time)%s", paint(stdout, DIM),
               duration_text(json_integer_value(took), words), paint(stdout, PLAIN));
    putchar('\n');
    if (passed)
        return;
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    printf("      %s\n", text_of(report, "place"));
    explain_case(test, report, &text);
    print_lines(stdout, "      ", text_str(&text));
    fflush(stdout);
}

/* ---- under fire ---- */

static json_int_t count_of(const json_t *report, const char *what)
{
    return json_integer_value(json_object_get(report, what));
}

static void print_kills(const json_t *report)
{
    const char *end;
    json_t *what;
    printf("%lld kills: %lld ended the same, %lld ask a person, %lld otherwise\n",
           (long long)count_of(report, "points"), (long long)count_of(report, "same"),
           (long long)count_of(report, "asks"), (long long)count_of(report, "other"));
    const json_t *again = json_object_get(report, "again");
    if (again)
        printf("      killed again while it was taken up, %lld of %lld ways: %lld ended the same, "
               "%lld ask a person, %lld otherwise\n",
               (long long)count_of(again, "points"), (long long)count_of(again, "of"),
               (long long)count_of(again, "same"), (long long)count_of(again, "asks"),
               (long long)count_of(again, "other"));
    json_object_foreach (json_object_get(report, "ends"), end, what) {
        printf("      %lld times %s; first at %lld", (long long)count_of(what, "times"), end,
               (long long)count_of(what, "first"));
        if (json_object_get(what, "then"))
            printf(",%lld", (long long)count_of(what, "then"));
        fputs(": ", stdout);
        print_clean(stdout, slice_of(text_of(what, "at")));
        putchar('\n');
    }
}

static void print_seeds(const json_t *report)
{
    static const char *const ends[] = {"calm", "done", "failed", "cancelled", "waiting"};
    printf("%lld seeds", (long long)count_of(report, "seeds"));
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (count_of(report, ends[i]) > 0)
            printf("%s %lld %s", i ? "," : ":", (long long)count_of(report, ends[i]), ends[i]);
    putchar('\n');
}

static void print_fault(const json_t *fault)
{
    AUTO(text_done) struct text out;
    text_init(&out, SIZE_MAX / 2);
    text_addf(&out, "%s:\n", text_of(fault, "at"));
    print_lines(stdout, "      ", text_str(&out));
    text_clear(&out);
    add_strings(&out, json_object_get(fault, "texts"));
    print_lines(stdout, "        ", text_str(&out));
    if (*text_of(fault, "again"))
        printf("        again: %s\n", text_of(fault, "again"));
}

void tell_storm(const struct test *test, const json_t *report)
{
    size_t i;
    json_t *fault;
    if (test->format != FORMAT_TEXT)
        return;
    bool passed = count_of(report, "fault_count") == 0;
    printf("%s%s%s  %s: ", paint(stdout, passed ? GREEN : RED), passed ? "pass" : "FAIL",
           paint(stdout, PLAIN), text_of(report, "case"));
    if (json_object_get(report, "ends"))
        print_kills(report);
    else
        print_seeds(report);
    if (json_object_get(report, "at"))
        printf("      killed at: %s\n", text_of(report, "at"));
    json_array_foreach (json_object_get(report, "faults"), i, fault) {
        print_fault(fault);
    }
    if (count_of(report, "fault_count") > (json_int_t)i)
        printf("      and %lld more\n",
               (long long)(count_of(report, "fault_count") - (json_int_t)i));
    if (*text_of(report, "store"))
        printf("      why: seam explain test --store %s\n", text_of(report, "store"));
    fflush(stdout);
}

static void print_list(const char *title, const json_t *list)
{
    size_t i;
    json_t *text;
    if (json_array_size(list) == 0)
        return;
    printf("%s\n", title);
    json_array_foreach (list, i, text) {
        printf("  %s\n", json_string_value(text));
    }
}

static void print_end(const struct test *test)
{
    print_list("no case reached:", json_object_get(test->report, "uncovered"));
    print_list("no call was given these answers:", json_object_get(test->report, "unused"));
    printf("%zu passed, %s%zu failed%s, %.2f s\n", test->passed,
           test->failed ? paint(stdout, RED) : "", test->failed,
           test->failed ? paint(stdout, PLAIN) : "", test_seconds() - test->began);
}

/* ---- JUnit ---- */

static void print_junit_case(const struct test *test, const json_t *report)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    fputs("    <testcase classname=\"", stdout);
    print_xml(test->flow->name);
    fputs("\" name=\"", stdout);
    print_xml(text_of(report, "case"));
    printf("\" time=\"%.3f\"", json_real_value(json_object_get(report, "seconds")));
    if (json_is_true(json_object_get(report, "passed"))) {
        puts("/>");
        return;
    }
    explain_case(test, report, &text);
    AUTO(freep) char *first = xstrndup(text_str(&text), strcspn(text_str(&text), "\n"));
    fputs(">\n      <failure message=\"", stdout);
    print_xml(first);
    fputs("\">", stdout);
    print_xml(text_of(report, "place"));
    putchar('\n');
    print_xml(text_str(&text));
    puts("</failure>\n    </testcase>");
}

static void print_junit(const struct test *test)
{
    size_t i;
    json_t *report;
    double seconds = test_seconds() - test->began;
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<testsuites tests=\"%zu\" failures=\"%zu\" time=\"%.3f\">\n  <testsuite name=\"",
           test->passed + test->failed, test->failed, seconds);
    print_xml(test->flow->name);
    printf("\" tests=\"%zu\" failures=\"%zu\" time=\"%.3f\">\n", test->passed + test->failed,
           test->failed, seconds);
    json_array_foreach (json_object_get(test->report, "cases"), i, report) {
        print_junit_case(test, report);
    }
    puts("  </testsuite>\n</testsuites>");
}

/* ---- the end ---- */

static void print_report(const struct test *test)
{
    json_t *report = json_copy(test->report);
    json_object_set_new(report, "flow", json_string(test->flow->name));
    json_object_set_new(report, "passed", json_integer((json_int_t)test->passed));
    json_object_set_new(report, "failed", json_integer((json_int_t)test->failed));
    json_object_set_new(report, "seconds", json_real(test_seconds() - test->began));
    json_object_set(report, "warnings", (json_t *)fixtures_warnings(test->fixtures));
    print_json(report);
}

void tell_end(const struct test *test)
{
    switch (test->format) {
    case FORMAT_TEXT:
        print_end(test);
        break;
    case FORMAT_JSON:
        print_report(test);
        break;
    case FORMAT_JUNIT:
        print_junit(test);
        break;
    }
}

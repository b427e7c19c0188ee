/* SPDX-License-Identifier: Apache-2.0
 *
 * seam plugins verify: the conformance kit at the command line. A line a check that does not hold,
 * with the place, what was expected and found, and what to do next; or the whole as JSON, JUnit's
 * XML or SARIF. What was skipped is always told, with the reason.
 */
#include "cli/cli_internal.h"
#include "conformance/conformance.h"

#include "base/limits.h"
#include "base/units.h"
#include "document/document.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ONLY_MAX = 64, INPUTS_DEFAULT = 1000, INPUTS_MAX = 1000000, TIME_DEFAULT_MS = 60000 };

enum conform_format { CONFORM_TEXT, CONFORM_JSON, CONFORM_JUNIT, CONFORM_SARIF };

static const char *state_word(enum checked_state state)
{
    switch (state) {
    case CHECKED_HELD:
        return "held";
    case CHECKED_FAILED:
        return "failed";
    case CHECKED_SKIPPED:
        return "skipped";
    }
    UNREACHABLE("a state of an outcome");
}

static bool was_asked(const struct checked *o)
{
    return o->state != CHECKED_SKIPPED || o->reason;
}

/* ---- text ---- */

static void print_failure(const struct failure *f)
{
    fputs("    at       ", stdout);
    print_clean(stdout, slice_of(f->place));
    fputs("\n    expected ", stdout);
    print_clean(stdout, slice_of(f->expected));
    fputs("\n    found    ", stdout);
    print_clean(stdout, slice_of(f->found));
    putchar('\n');
}

static void print_outcome(const struct check *check, const struct checked *o)
{
    static const enum colour colours[] = {
        [CHECKED_HELD] = GREEN, [CHECKED_FAILED] = RED, [CHECKED_SKIPPED] = YELLOW};
    printf("%s%-8s%s %-16s %s", paint(stdout, colours[o->state]), state_word(o->state),
           paint(stdout, PLAIN), check->id, check->title);
    putchar('\n');
    for (size_t i = 0; i < o->failure_count && i < FAILURES_KEPT; i++)
        print_failure(&o->failures[i]);
    if (o->failure_count > FAILURES_KEPT)
        printf("    and %zu more\n", o->failure_count - FAILURES_KEPT);
    if (o->state == CHECKED_FAILED)
        printf("    next     %s\n", check->cure);
}

/* What was skipped for one reason is one line. */
static void print_skipped(const struct conformance *r, size_t at)
{
    const char *reason = r->outcomes[at].reason;
    for (size_t i = 0; i < at; i++)
        if (r->outcomes[i].reason && strcmp(r->outcomes[i].reason, reason) == 0)
            return;
    printf("%sskipped%s  ", paint(stdout, YELLOW), paint(stdout, PLAIN));
    for (size_t i = at, shown = 0; i < check_count; i++)
        if (r->outcomes[i].reason && strcmp(r->outcomes[i].reason, reason) == 0)
            printf("%s%s", shown++ ? " " : "", checks[i].id);
    fputs(": ", stdout);
    print_clean(stdout, slice_of(reason));
    putchar('\n');
}

static void print_text(const struct conformance *r, uint64_t seed)
{
    for (size_t i = 0; i < check_count; i++) {
        if (r->outcomes[i].state == CHECKED_SKIPPED && r->outcomes[i].reason)
            print_skipped(r, i);
        else if (was_asked(&r->outcomes[i]))
            print_outcome(&checks[i], &r->outcomes[i]);
    }
    print_clean(stdout, slice_of(r->id ? r->id : r->path));
    printf(" %s: %zu held, %s%zu failed%s, %zu skipped (seed %llu)\n", r->version ? r->version : "",
           r->held, r->failed ? paint(stdout, RED) : "", r->failed,
           r->failed ? paint(stdout, PLAIN) : "", r->skipped, (unsigned long long)seed);
}

void print_failed_checks(const struct conformance *r)
{
    for (size_t i = 0; i < check_count; i++)
        if (r->outcomes[i].state == CHECKED_FAILED)
            print_outcome(&checks[i], &r->outcomes[i]);
}

/* ---- JSON ---- */

static json_t *failures_json(const struct checked *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < o->failure_count && i < FAILURES_KEPT; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "place", o->failures[i].place,
                                              "expected", o->failures[i].expected, "found",
                                              o->failures[i].found));
    return list;
}

json_t *conformance_json(const struct conformance *r, uint64_t seed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < check_count; i++) {
        const struct checked *o = &r->outcomes[i];
        if (!was_asked(o))
            continue;
        json_t *one =
            json_pack("{s:s, s:i, s:s, s:s}", "id", checks[i].id, "level", checks[i].level, "title",
                      checks[i].title, "state", state_word(o->state));
        if (o->state == CHECKED_SKIPPED)
            json_object_set_new(one, "reason", json_string(o->reason));
        if (o->state == CHECKED_FAILED) {
            json_object_set_new(one, "failures", failures_json(o));
            json_object_set_new(one, "failure_count", json_integer((json_int_t)o->failure_count));
            json_object_set_new(one, "next", json_string(checks[i].cure));
        }
        json_array_append_new(list, one);
    }
    return json_pack("{s:s, s:s?, s:s?, s:I, s:I, s:I, s:I, s:o}", "file", r->path, "id", r->id,
                     "version", r->version, "seed", (json_int_t)seed, "held", (json_int_t)r->held,
                     "failed", (json_int_t)r->failed, "skipped", (json_int_t)r->skipped, "checks",
                     list);
}

/* ---- JUnit and SARIF ---- */

static char *failure_text(const struct check *check, const struct failure *f)
{
    return xasprintf("%s: expected %s, found %s (next: %s)", f->place, f->expected, f->found,
                     check->cure);
}

static void print_junit(const struct conformance *r)
{
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%zu\" "
           "failures=\"%zu\">\n  <testsuite name=\"",
           r->held + r->failed + r->skipped, r->failed);
    print_xml(r->id ? r->id : r->path);
    printf("\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n", r->held + r->failed + r->skipped,
           r->failed, r->skipped);
    for (size_t i = 0; i < check_count; i++) {
        const struct checked *o = &r->outcomes[i];
        if (!was_asked(o))
            continue;
        printf("    <testcase classname=\"L%d\" name=\"%s\">", checks[i].level, checks[i].id);
        if (o->state == CHECKED_SKIPPED) {
            fputs("<skipped message=\"", stdout);
            print_xml(o->reason);
            fputs("\"/>", stdout);
        }
        for (size_t k = 0; k < o->failure_count && k < FAILURES_KEPT; k++) {
            AUTO(freep) char *text = failure_text(&checks[i], &o->failures[k]);
            fputs("\n      <failure message=\"", stdout);
            print_xml(checks[i].title);
            fputs("\">", stdout);
            print_xml(text);
            fputs("</failure>", stdout);
        }
        puts("</testcase>");
    }
    puts("  </testsuite>\n</testsuites>");
}

static void print_sarif(const struct conformance *r)
{
    json_t *run = sarif_run_new();
    for (size_t i = 0; i < check_count; i++) {
        const struct checked *o = &r->outcomes[i];
        for (size_t k = 0; k < o->failure_count && k < FAILURES_KEPT; k++) {
            AUTO(freep) char *text = failure_text(&checks[i], &o->failures[k]);
            sarif_add_file(run, checks[i].id, "error", text, r->path);
        }
        if (o->state == CHECKED_SKIPPED && o->reason) {
            AUTO(freep) char *text = xasprintf("not checked: %s", o->reason);
            sarif_add_file(run, checks[i].id, "note", text, r->path);
        }
    }
    print_json(sarif_document(run));
}

/* ---- options ---- */

static int read_number(const struct args *args, const char *name, uint64_t most, uint64_t *number)
{
    const char *word = args_option(args, name);
    if (!word)
        return 0;
    char *end;
    unsigned long long value = strtoull(word, &end, 10);
    if (*word < '0' || *word > '9' || *end || value > most)
        return complain(EXIT_USAGE, "%s %s: expected a number from 0 to %llu", name, word,
                        (unsigned long long)most);
    *number = value;
    return 0;
}

static int read_levels(const struct args *args, unsigned *levels)
{
    const char *word = args_option(args, "--level");
    if (!word)
        return 0;
    *levels = 0;
    for (const char *c = word; *c; c++) {
        if (*c >= '1' && *c <= '0' + CONFORMANCE_LEVELS)
            *levels |= 1u << (*c - '0');
        else if (*c != ',')
            return complain(EXIT_USAGE, "--level %s: expected levels from 1 to %d, as 1,2", word,
                            CONFORMANCE_LEVELS);
    }
    return *levels ? 0 : complain(EXIT_USAGE, "--level %s: names no level", word);
}

static int read_only(const struct args *args, const char **only, size_t *count)
{
    for (int i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].name, "--only") != 0 || *count == ONLY_MAX)
            continue;
        if (!conformance_knows(args->given[i].value))
            return complain(EXIT_USAGE,
                            "--only %s: there is no such check (cure: --json lists them all)",
                            args->given[i].value);
        only[(*count)++] = args->given[i].value;
    }
    return 0;
}

static int read_format(const struct args *args, enum conform_format *format)
{
    const char *word = args_option(args, "--format");
    static const char *const words[] = {"text", "json", "junit", "sarif"};
    *format = args->json ? CONFORM_JSON : CONFORM_TEXT;
    for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i]) == 0) {
            *format = (enum conform_format)i;
            return 0;
        }
    return word ? complain(EXIT_USAGE, "--format %s: expected text, json, junit or sarif", word)
                : 0;
}

static void tell_progress(void *user, const char *what)
{
    (void)user;
    fprintf(stderr, "\r\033[K%s …", what);
}

char *beside_this_program(const char *name)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    return xasprintf("%.*s/%s", (int)(slash ? slash - path : 0), path, name);
}

static int read_options(const struct args *args, struct conformance_options *options,
                        enum conform_format *format, const char **only)
{
    uint64_t inputs = INPUTS_DEFAULT;
    const char *wait = args_option(args, "--time");
    int code = read_format(args, format);
    if (code == 0)
        code = read_levels(args, &options->levels);
    if (code == 0)
        code = read_only(args, only, &options->only_count);
    if (code == 0)
        code = read_number(args, "--seed", UINT32_MAX, &options->seed);
    if (code == 0)
        code = read_number(args, "--inputs", INPUTS_MAX, &inputs);
    options->inputs = (unsigned)inputs;
    if (code == 0 && wait && !duration_parse(slice_of(wait), &options->time_ms))
        code = complain(EXIT_USAGE, "--time %s: expected a duration, as 30s or 5m", wait);
    return code;
}

/* The plugin of that alias, with what the manifest configures it by: its worker is asked for the
 * agents that stand there. */
static int find_entry(const struct args *args, const char *alias, struct roster **ret_roster,
                      const struct roster_plugin **ret_plugin)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    struct error err;
    if (open_roster(args, true, &roster, &err) != ERR_OK)
        return report_error(args, &err);
    for (size_t i = 0; i < roster->plugin_count; i++) {
        if (strcmp(roster->plugins[i].entry->alias, alias) != 0)
            continue;
        if (!roster->plugins[i].card)
            return report_error(args, &roster->plugins[i].error);
        *ret_plugin = &roster->plugins[i];
        *ret_roster = TAKE(roster);
        return 0;
    }
    error_set(&err, ERR_NOT_FOUND, "%s has no plugin `%s`", args_option(args, "--manifest"), alias);
    return report_error(args, &err);
}

int plugins_verify(const struct args *args, const char *path)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    const struct roster_plugin *plugin = NULL;
    const char *only[ONLY_MAX];
    enum conform_format format;
    AUTO(freep) char *worker = beside_this_program("seam-worker");
    AUTO(json_decrefp) json_t *config = NULL, *agents = NULL;
    AUTO(conformance_freep) struct conformance *report = NULL;
    struct conformance_options options = {.levels = ~0u,
                                          .only = only,
                                          .seed = 1,
                                          .time_ms = TIME_DEFAULT_MS,
                                          .worker = worker,
                                          .progress = isatty(STDERR_FILENO) ? tell_progress : NULL};
    int code = read_options(args, &options, &format, only);
    if (code != 0)
        return code;
    struct error err;
    if (args_option(args, "--config") &&
        json_read_file(args_option(args, "--config"), LIMIT_FILE, &config, &err) != ERR_OK)
        return report_error(args, &err);
    if (args_option(args, "--agents") &&
        json_read_file(args_option(args, "--agents"), LIMIT_FILE, &agents, &err) != ERR_OK)
        return report_error(args, &err);
    options.agents = agents;
    if (args_option(args, "--manifest")) {
        code = find_entry(args, path, &roster, &plugin);
        if (code != 0)
            return code;
        path = plugin->entry->path;
        options.entry = plugin->entry;
        if (plugin->card->from_config)
            options.agents = json_object_get(plugin->card->json, "agents");
    }
    options.config = config || !plugin ? config : plugin->entry->config;
    if (conformance_verify(path, &options, &report, &err) != ERR_OK)
        return report_error(args, &err);
    if (options.progress)
        fputs("\r\033[K", stderr);
    switch (format) {
    case CONFORM_TEXT:
        print_text(report, options.seed);
        break;
    case CONFORM_JSON:
        print_json(conformance_json(report, options.seed));
        break;
    case CONFORM_JUNIT:
        print_junit(report);
        break;
    case CONFORM_SARIF:
        print_sarif(report);
        break;
    }
    return report->failed ? EXIT_FAILED : EXIT_DONE;
}

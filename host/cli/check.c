/* SPDX-License-Identifier: Apache-2.0
 *
 * seam check: what run would refuse, and what one should know before: each handoff with its
 * verdict, the worst case of the budget, and in layers whether the flow is valid, granted, bounded
 * and ready to run. The same compilation as run's. With --target, the contracts of its agents are
 * held to what a provider of models takes.
 */
#include "cli/cli_internal.h"

#include "provider/provider.h"

#include <string.h>

struct report {
    json_t *flows;
    json_t *sarif; /* a run of SARIF; NULL = another format */
    size_t errors, warnings, unread;
    const struct provider *target; /* NULL = no --target */
    size_t breaches;
};

/* ---- Layers ---- */

/* "bounded no (attempts, time)": the keys of the budget that do not hold. */
static char *unbounded_words(const struct findings *findings)
{
    struct text out;
    text_init(&out, 200);
    AUTO(json_decrefp) json_t *worst = findings_worst_json(findings);
    const char *key;
    json_t *one;
    json_object_foreach (worst, key, one) {
        const char *state = json_string_value(json_object_get(one, "state"));
        if (strcmp(state, "bounded") != 0)
            text_addf(&out, "%s%.*s %s", out.len ? ", " : "", (int)strcspn(key, "_"), key, state);
    }
    return text_take(&out);
}

/* Of a file that could not be read nothing holds. */
static json_t *layers_json(const struct findings *findings, bool ready, bool unread)
{
    return json_pack("{s:b, s:b, s:b, s:b}", "valid", !unread && findings_valid(findings),
                     "granted", !unread && findings_granted(findings), "bounded",
                     findings_bounded(findings), "ready", ready);
}

static void print_layers(const struct findings *findings, bool ready)
{
    const char *const words[] = {"no", "yes"};
    bool bounded = findings_bounded(findings);
    AUTO(freep) char *why = bounded ? NULL : unbounded_words(findings);
    printf("  valid %s · granted %s · bounded %s%s%s%s · ready to run %s%s%s\n",
           words[findings_valid(findings)], words[findings_granted(findings)], words[bounded],
           why && *why ? " (" : "", why && *why ? why : "", why && *why ? ")" : "",
           paint(stdout, ready ? GREEN : RED), words[ready], paint(stdout, PLAIN));
}

/* ---- One flow ---- */

static void print_part(void (*part)(const struct findings *, struct text *),
                       const struct findings *findings)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    part(findings, &text);
    print_clean(stdout, text_slice(&text));
}

static void print_flow(const char *path, const struct flow *flow, const struct findings *findings)
{
    print_part(findings_text, findings);
    if (flow)
        printf("%s: %sok%s, %zu step%s\n", path, paint(stdout, GREEN), paint(stdout, PLAIN),
               flow->step_count, flow->step_count == 1 ? "" : "s");
    else
        printf("%s: %srefused%s\n", path, paint(stdout, RED), paint(stdout, PLAIN));
    print_part(findings_seams_text, findings);
    print_part(findings_worst_text, findings);
    print_layers(findings, flow != NULL);
}

static json_t *flow_json(const char *path, const struct flow *flow, const struct findings *findings,
                         const char *unread)
{
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:s*}", "flow", path, "ok", flow != NULL,
                     "findings", findings_json(findings), "seams", findings_seams_json(findings),
                     "worst", findings_worst_json(findings), "layers",
                     layers_json(findings, flow != NULL, unread), "error", unread);
}

static void check_one(const struct args *args, const struct roster *roster, const char *path,
                      struct report *report)
{
    struct findings findings;
    struct error err;
    AUTO(flow_unrefp) struct flow *flow = NULL;
    findings_init(&findings);
    enum error_code code = roster_compile(roster, path, &flow, &findings, &err);
    bool unread = code != ERR_OK && findings.errors == 0;
    report->errors += findings.errors;
    report->unread += unread;
    report->warnings += findings.warnings;
    json_t *json = flow_json(path, flow, &findings, unread ? err.text : NULL);
    json_array_append_new(report->flows, json);
    if (report->sarif)
        sarif_add(report->sarif, path, &findings, unread ? err.text : NULL);
    else if (!args->json && unread)
        complain(0, "%s", err.text);
    else if (!args->json)
        print_flow(path, flow, &findings);
    if (flow && report->target) {
        json_t *contracts = json_array();
        json_object_set_new(json, "contracts", contracts);
        report->breaches += check_target(args, report->target, path, flow, contracts);
    }
    findings_done(&findings);
}

/* ---- The command ---- */

static void finish(const struct args *args, const struct roster *roster,
                   const struct report *report)
{
    if (report->sarif)
        print_json(sarif_document(json_incref(report->sarif)));
    else if (args->json)
        print_json(json_pack("{s:O, s:i, s:i, s:i}", "flows", report->flows, "errors",
                             (int)report->errors, "warnings", (int)report->warnings, "breaches",
                             (int)report->breaches));
    else if (report->errors || report->warnings)
        printf("%zu error%s, %zu warning%s\n", report->errors, report->errors == 1 ? "" : "s",
               report->warnings, report->warnings == 1 ? "" : "s");
    if (report->breaches && !args->json)
        printf("%zu thing%s that %s does not take or heed; the nearest schema that it takes: "
               "`seam contract lower`\n",
               report->breaches, report->breaches == 1 ? "" : "s", args_option(args, "--target"));
    if (report->errors && !args->json)
        note_refused(roster);
}

int command_check(const struct args *args)
{
    struct error err;
    AUTO(roster_freep) struct roster *roster = NULL;
    struct report report = {0};
    struct args as = *args;
    const char *format = args_option(args, "--format");
    bool sarif = format && strcmp(format, "sarif") == 0;
    if (format && !sarif && strcmp(format, "json") != 0 && strcmp(format, "text") != 0)
        return complain(EXIT_USAGE, "check: --format is text, json or sarif, not `%s`", format);
    as.json |= format && strcmp(format, "json") == 0;
    if (sarif && (as.json || args_option(args, "--target")))
        return complain(EXIT_USAGE, "check: --json and --target go without --format sarif");
    AUTO(provider_freep) struct provider *provider = NULL;
    int no_target = find_target(args, &provider);
    if (no_target)
        return no_target;
    enum error_code code = open_roster(&as, false, &roster, &err);
    if (code != ERR_OK) {
        error_prefix(&err, "check: ");
        return report_error(&as, &err);
    }
    report.flows = json_array();
    report.target = provider;
    report.sarif = sarif ? sarif_run_new() : NULL;
    for (int i = 0; i < args->operand_count; i++)
        check_one(&as, roster, args->operands[i], &report);
    finish(&as, roster, &report);
    json_decref(report.flows);
    json_decref(report.sarif);
    return report.unread ? EXIT_USAGE : report.errors || report.breaches ? EXIT_FAILED : EXIT_DONE;
}

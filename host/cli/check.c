/* SPDX-License-Identifier: Apache-2.0
 *
 * seam check: what run would refuse, and what one should know before. The same compilation as
 * run's.
 */
#include "cli/cli_internal.h"

#include <string.h>

struct report {
    json_t *flows;
    size_t errors, warnings, unread;
};

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
    json_t *json = json_pack("{s:s, s:b, s:o}", "flow", path, "ok", code == ERR_OK, "findings",
                             findings_json(&findings));
    if (unread)
        json_object_set_new(json, "error", json_string(err.text));
    json_array_append_new(report->flows, json);
    if (!args->json) {
        AUTO(text_done) struct text text;
        text_init(&text, SIZE_MAX / 2);
        findings_text(&findings, &text);
        fputs(text_str(&text), stdout);
        if (unread)
            printf("%s\n", err.text);
        else if (code == ERR_OK)
            printf("%s: %sok%s, %zu step%s\n", path, paint(stdout, GREEN), paint(stdout, PLAIN),
                   flow->step_count, flow->step_count == 1 ? "" : "s");
    }
    findings_done(&findings);
}

int command_check(const struct args *args)
{
    struct error err;
    AUTO(roster_freep) struct roster *roster = NULL;
    struct report report = {0};
    struct args as = *args;
    const char *format = args_option(args, "--format");
    if (format && strcmp(format, "json") != 0 && strcmp(format, "text") != 0)
        return complain(EXIT_USAGE, "check: --format is text or json, not `%s`", format);
    as.json |= format && strcmp(format, "json") == 0;
    enum error_code code = open_roster(&as, &roster, &err);
    if (code != ERR_OK) {
        error_prefix(&err, "check: ");
        return report_error(&as, &err);
    }
    report.flows = json_array();
    if (!as.json)
        note_unserved(roster);
    for (int i = 0; i < args->operand_count; i++)
        check_one(&as, roster, args->operands[i], &report);
    if (as.json)
        print_json(json_pack("{s:O, s:i, s:i}", "flows", report.flows, "errors", (int)report.errors,
                             "warnings", (int)report.warnings));
    else if (report.errors || report.warnings)
        printf("%zu error%s, %zu warning%s\n", report.errors, report.errors == 1 ? "" : "s",
               report.warnings, report.warnings == 1 ? "" : "s");
    if (report.errors && !as.json)
        note_refused(roster);
    json_decref(report.flows);
    return report.unread ? EXIT_USAGE : report.errors ? EXIT_FAILED : EXIT_DONE;
}

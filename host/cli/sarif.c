/* SPDX-License-Identifier: Apache-2.0
 *
 * What check finds, as SARIF 2.1.0, which code hosts and editors show beside the line. One document
 * holds one run; each finding is a result, each name of a rule a rule of the driver. A budget that
 * may be passed is a note: it is a fact about the flow, and the budget stops it. A file that could
 * not be read is a notification of the invocation, as the format has it.
 */
#include "cli/cli_internal.h"

#include <string.h>

static const char schema[] = "https://json.schemastore.org/sarif-2.1.0.json";

json_t *sarif_run_new(void)
{
    return json_pack("{s:{s:{s:s, s:s, s:[]}}, s:s, s:[{s:b, s:[]}], s:[]}", "tool", "driver",
                     "name", "seam", "version", SEAM_VERSION, "rules", "columnKind",
                     "unicodeCodePoints", "invocations", "executionSuccessful", 1,
                     "toolExecutionNotifications", "results");
}

json_t *sarif_document(json_t *run_taken)
{
    return json_pack("{s:s, s:s, s:[o]}", "$schema", schema, "version", "2.1.0", "runs", run_taken);
}

/* A path as a relative or absolute URI reference. */
static char *uri_of(const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~/!$&'()*+,;=@";
    struct text out;
    text_init(&out, SIZE_MAX / 2);
    text_adds(&out, path[0] == '/' ? "file://" : "");
    for (; *path; path++)
        if (strchr(plain, *path))
            text_addc(&out, *path);
        else
            text_addf(&out, "%%%02X", (unsigned char)*path);
    return text_take(&out);
}

/* The place of the rule in the driver's list, where it is put when it is met first. */
static size_t rule_index(json_t *run, const char *rule)
{
    json_t *driver = json_object_get(json_object_get(run, "tool"), "driver");
    json_t *rules = json_object_get(driver, "rules"), *one;
    size_t i;
    json_array_foreach (rules, i, one)
        if (strcmp(json_string_value(json_object_get(one, "id")), rule) == 0)
            return i;
    AUTO(freep) char *words = xstrdup(rule);
    for (char *p = words; *p; p++)
        *p = *p == '-' ? ' ' : *p;
    json_array_append_new(
        rules, json_pack("{s:s, s:{s:s}}", "id", rule, "shortDescription", "text", words));
    return json_array_size(rules) - 1;
}

static void add_result(json_t *run, const char *rule, const char *level, const char *text,
                       const char *file, struct position where, const char *pointer)
{
    AUTO(freep) char *uri = uri_of(file);
    json_t *place = json_pack("{s:{s:{s:s}, s:{s:i, s:i}}}", "physicalLocation", "artifactLocation",
                              "uri", uri, "region", "startLine", where.line > 0 ? where.line : 1,
                              "startColumn", where.column > 0 ? where.column : 1);
    if (*pointer)
        json_object_set_new(place, "logicalLocations",
                            json_pack("[{s:s}]", "fullyQualifiedName", pointer));
    json_t *result = json_pack("{s:s, s:i, s:s, s:{s:s}, s:[o]}", "ruleId", rule, "ruleIndex",
                               (int)rule_index(run, rule), "level", level, "message", "text", text,
                               "locations", place);
    ASSERT(result);
    json_array_append_new(json_object_get(run, "results"), result);
}

static void add_worst(json_t *run, const char *path, const struct findings *findings)
{
    AUTO(json_decrefp) json_t *worst = findings_worst_json(findings);
    const char *key;
    json_t *one;
    json_object_foreach (worst, key, one) {
        const char *state = json_string_value(json_object_get(one, "state"));
        const char *why = json_string_value(json_object_get(one, "why"));
        if (strcmp(state, "over") != 0 && strcmp(state, "unbounded") != 0)
            continue;
        AUTO(freep)
        char *text = xasprintf("at worst, %.*s would be %s%s%s", (int)strcspn(key, "_"), key,
                               strcmp(state, "over") == 0 ? "over the budget" : "unbounded",
                               why ? ": " : "", why ? why : "");
        add_result(run, "budget-worst-case", "note", text, path, (struct position){1, 1},
                   "/budget");
    }
}

static void add_notification(json_t *run, const char *text)
{
    json_t *invocation = json_array_get(json_object_get(run, "invocations"), 0);
    json_object_set_new(invocation, "executionSuccessful", json_false());
    json_array_append_new(json_object_get(invocation, "toolExecutionNotifications"),
                          json_pack("{s:s, s:{s:s}}", "level", "error", "message", "text", text));
}

void sarif_add_file(json_t *run, const char *rule, const char *level, const char *text,
                    const char *file)
{
    add_result(run, rule, level, text, file, (struct position){1, 1}, "");
}

void sarif_add(json_t *run, const char *path, const struct findings *findings, const char *unread)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        AUTO(freep)
        char *text = xasprintf("%s%s%s", f->text, f->hint ? "; " : "", f->hint ? f->hint : "");
        add_result(run, f->rule, severity_word(f->severity), text, f->file, f->where, f->pointer);
    }
    add_worst(run, path, findings);
    if (unread)
        add_notification(run, unread);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam explain: every decision of a run, its rule in words, the facts it used, and what would have
 * changed it. Read from the journal's records alone: it needs no flow, manifest or plugin.
 */
#include "cli/cli_internal.h"

#include <stdlib.h>
#include <string.h>

struct explanation {
    const struct args *args;
    const char *step; /* NULL = all */
    json_t *list;
    size_t printed;
};

static bool concerns(const char *path, const char *step)
{
    size_t length = step ? strlen(step) : 0;
    return !step || (strncmp(path, step, length) == 0 &&
                     (path[length] == '\0' || path[length] == '[' || path[length] == '/'));
}

static void print_fact(const char *name, const json_t *value)
{
    const json_t *message = json_object_get(value, "message");
    AUTO(freep)
    char *text = json_is_string(value)     ? xstrdup(json_string_value(value))
                 : json_is_string(message) ? xasprintf("“%s”", json_string_value(message))
                                           : json_text(value);
    printf("%s ", name);
    print_clean(stdout, slice_of(text));
}

static void print_facts(const json_t *why)
{
    const char *name, *inner, *separator = "      because ";
    json_t *value, *member;
    json_object_foreach ((json_t *)why, name, value) {
        fputs(separator, stdout);
        separator = ", ";
        if (!json_is_object(value) || json_object_get(value, "message")) {
            print_fact(name, value);
            continue;
        }
        fputs(name, stdout);
        json_object_foreach (value, inner, member) {
            putchar(' ');
            print_fact(inner, member);
        }
    }
    if (*separator == ',')
        putchar('\n');
}

/* What happened, before what was decided of it. */
static void print_event(uint64_t seq, const json_t *event)
{
    char at[32];
    const json_t *body = json_object_get(event, "body");
    const char *path = json_string_value(json_object_get(event, "path"));
    const char *kind = json_string_value(json_object_get(event, "kind"));
    printf("%s%4llu  %s  %s%s%s", paint(stdout, DIM), (unsigned long long)seq,
           clock_text(json_integer_value(json_object_get(event, "at_ms")), at), kind,
           path ? " " : "", path ? path : "");
    static const char *const details[] = {"end", "cause", "effect", "outcome", "message", "who"};
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        const char *text = json_string_value(json_object_get(event, details[i]));
        if (!text && strcmp(details[i], "message") == 0)
            text = json_string_value(json_object_get(body, details[i]));
        if (!text)
            continue;
        printf(" · %s ", details[i]);
        print_clean(stdout, slice_of(text));
    }
    printf("%s\n", paint(stdout, PLAIN));
}

static void print_decision(const json_t *decision)
{
    const char *rule = json_string_value(json_object_get(decision, "rule"));
    const char *path = json_string_value(json_object_get(decision, "path"));
    const char *kind = json_string_value(json_object_get(decision, "kind"));
    const char *meaning = rule_meaning(rule), *alternative = rule_alternative(rule);
    printf("  %s%s%s%s%s  [%s]\n", paint(stdout, BOLD), kind, path ? " " : "", path ? path : "",
           paint(stdout, PLAIN), rule);
    if (meaning)
        printf("      %s\n", meaning);
    print_facts(json_object_get(decision, "why"));
    if (alternative)
        printf("      %sotherwise: %s%s\n", paint(stdout, DIM), alternative, paint(stdout, PLAIN));
}

static json_t *decision_json(uint64_t seq, const json_t *event, const json_t *decision)
{
    const char *rule = json_string_value(json_object_get(decision, "rule"));
    const char *meaning = rule_meaning(rule), *alternative = rule_alternative(rule);
    json_t *json = json_pack("{s:I, s:O, s:O, s:O}", "record", (json_int_t)seq, "event",
                             json_object_get(event, "kind"), "at_ms",
                             json_object_get(event, "at_ms"), "decision", decision);
    json_object_set_new(json, "meaning", meaning ? json_string(meaning) : json_null());
    json_object_set_new(json, "otherwise", alternative ? json_string(alternative) : json_null());
    return json;
}

static bool explain_record(void *user, uint64_t seq, struct record *record, struct run *run)
{
    struct explanation *explanation = user;
    const json_t *event = json_object_get(record->root, "event");
    size_t i;
    json_t *decision;
    const char *at = json_string_value(json_object_get(event, "path"));
    bool told = !explanation->args->json && concerns(at ? at : "", explanation->step);
    (void)run;
    if (told)
        print_event(seq, event);
    json_array_foreach (json_object_get(record->root, "decisions"), i, decision) {
        const char *path = json_string_value(json_object_get(decision, "path"));
        if (!concerns(path ? path : "", explanation->step))
            continue;
        explanation->printed++;
        if (explanation->args->json) {
            json_array_append_new(explanation->list, decision_json(seq, event, decision));
            continue;
        }
        if (!told)
            print_event(seq, event);
        told = true;
        print_decision(decision);
    }
    return true;
}

int command_explain(const struct args *args)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    struct explanation explanation = {.args = args, .list = json_array()};
    struct error err;
    explanation.step = args->operand_count > 1 ? args->operands[1] : NULL;
    enum error_code code = open_reader(args, &reader, NULL, &err);
    if (code == ERR_OK)
        code = fold_run(reader, args->operands[0], NULL, explain_record, &explanation, NULL, &err);
    if (code == ERR_OK && explanation.printed == 0)
        code = error_set(&err, ERR_NOT_FOUND,
                         "run %s decided nothing of step `%s`; `seam show %s` "
                         "lists its steps",
                         args->operands[0], explanation.step, args->operands[0]);
    if (code == ERR_OK && args->json)
        print_json(json_incref(explanation.list));
    json_decref(explanation.list);
    return code == ERR_OK ? EXIT_DONE : report_error(args, &err);
}

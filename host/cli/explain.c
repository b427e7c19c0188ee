/* SPDX-License-Identifier: Apache-2.0
 *
 * seam explain: every decision of a run: its rule in words, what it stood on, what was left of the
 * budget then, and what would have changed it. The run is folded as it is told, one record at a
 * time, for what was not recorded is seen only in the state of that moment. What began with a
 * version of Seam that kept no flow is told from its records alone.
 */
#include "cli/cli_internal.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>

struct explanation {
    const struct args *args;
    const char *step; /* NULL = all */
    bool folded;      /* each decision comes with the state that it was made in */
    uint64_t told;    /* the record whose event was told last */
    size_t printed;
    enum run_status status; /* after the last record, if it is folded */
};

/* ---- for people ---- */

static void print_fact(const char *name, const json_t *value)
{
    const json_t *message = json_object_get(value, "message");
    AUTO(freep)
    char *text = json_is_string(value)     ? xstrdup(json_string_value(value))
                 : json_is_string(message) ? xasprintf("“%s”", json_string_value(message))
                                           : json_text(value);
    printf("%s ", name);
    print_said(stdout, slice_of(text));
}

/* The recorded facts as they are, where there is no state to say them from. */
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

/* How an attempt ended, and of an effect who says so; what is usual is not recorded. */
static void print_end(const json_t *event)
{
    const char *end = text_of(event, "end"), *cause = text_of(event, "cause");
    const json_t *body = json_object_get(event, "body");
    bool ended = strcmp(text_of(event, "kind"), "ended") == 0;
    bool failed = strcmp(end, "failed") == 0 || strcmp(end, "not-started") == 0;
    if (ended)
        printf(" · end %s", *end ? end : "ok");
    if (ended && failed)
        printf(" · cause %s", *cause ? cause : "unavailable");
    else if (ended && *text_of(body, "outcome"))
        printf(" · says %s", text_of(body, "outcome"));
    if (json_object_get(event, "response"))
        fputs(" · the host saw the answer", stdout);
    else if (json_object_get(event, "result"))
        fputs(" · the agent committed it", stdout);
}

/* What happened, before what was decided of it. */
static void print_event(uint64_t seq, const json_t *event)
{
    static const char *const details[] = {"code", "effect", "outcome", "message", "who", "shown"};
    char at[32];
    const json_t *body = json_object_get(event, "body");
    const char *path = text_of(event, "path");
    printf("%s%4llu  %s  %s%s%s", paint(stdout, DIM), (unsigned long long)seq,
           clock_text(json_integer_value(json_object_get(event, "at_ms")), at),
           text_of(event, "kind"), *path ? " " : "", path);
    print_end(event);
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        const char *text = json_string_value(json_object_get(event, details[i]));
        if (!text && strcmp(details[i], "message") == 0)
            text = json_string_value(json_object_get(body, details[i]));
        if (!text || !*text)
            continue;
        printf(" · %s ", details[i]);
        print_said(stdout, slice_of(text));
    }
    printf("%s\n", paint(stdout, PLAIN));
}

static void print_sentences(const char *before, const json_t *sentences, const char *between,
                            const char *after)
{
    size_t i;
    json_t *sentence;
    json_array_foreach (sentences, i, sentence) {
        fputs(i ? between : before, stdout);
        print_said(stdout, slice_of(json_string_value(sentence)));
    }
    if (json_array_size(sentences))
        fputs(after, stdout);
}

static void print_read(const json_t *read)
{
    const char *name, *separator = "      it read ";
    json_t *value;
    json_object_foreach ((json_t *)read, name, value) {
        AUTO(freep) char *text = json_text(value);
        size_t length = strlen(text);
        bool cut = length > LINE_SHOWN;
        printf("%s%s = ", separator, name);
        print_clean(stdout, slice_cut(text, LINE_SHOWN));
        fputs(cut ? "…" : "", stdout);
        separator = ", ";
    }
    if (*separator == ',')
        putchar('\n');
}

static void print_budget(const json_t *budget)
{
    size_t i;
    json_t *account, *value;
    const char *key;
    char time[32];
    json_array_foreach (budget, i, account) {
        const char *separator = "";
        printf("      %sbudget left%s%s: ", paint(stdout, DIM),
               json_array_size(budget) > 1 ? " of " : "",
               json_array_size(budget) > 1 ? text_of(account, "of") : "");
        json_object_foreach (json_object_get(account, "left"), key, value) {
            if (strcmp(key, "time_ms") == 0)
                printf("%s%s", separator, duration_text(json_integer_value(value), time));
            else if (json_is_string(value))
                printf("%s%s %s", separator, key, json_string_value(value));
            else
                printf("%s%lld %s", separator, (long long)json_integer_value(value), key);
            separator = ", ";
        }
        printf("%s%s\n", *separator ? "" : "it is not limited", paint(stdout, PLAIN));
    }
}

/* What comes to the same is said once, with all that would lead to it. */
static void print_otherwise(const json_t *list)
{
    size_t i, k;
    json_t *one, *other;
    json_array_foreach (list, i, one) {
        const json_t *rule = json_object_get(one, "rule"), *would = json_object_get(one, "would");
        bool told = false;
        for (k = 0; k < i && !told; k++)
            told = json_equal(json_object_get(json_array_get(list, k), "rule"), rule) &&
                   json_equal(json_object_get(json_array_get(list, k), "would"), would);
        if (told)
            continue;
        printf("      %sotherwise: %s [%s] if ", paint(stdout, DIM), json_string_value(would),
               json_string_value(rule));
        print_sentences("", json_object_get(one, "if"), " and ", "");
        for (k = i + 1; k < json_array_size(list); k++) {
            other = json_array_get(list, k);
            if (json_equal(json_object_get(other, "rule"), rule) &&
                json_equal(json_object_get(other, "would"), would))
                print_sentences("; or if ", json_object_get(other, "if"), " and ", "");
        }
        printf("%s\n", paint(stdout, PLAIN));
    }
}

/* The agent that a start calls, where there is one to name. */
static const char *agent_called(const struct run *run, const struct decision *decision)
{
    const struct agent *agent = NULL;
    if (run && decision->kind == DECISION_START && decision->task < run_task_count(run))
        agent = run_task_agent(run, decision->task, decision->reconciling);
    return agent ? agent->name : NULL;
}

static void print_decision(const json_t *decision, const json_t *why, const char *agent)
{
    const char *rule = text_of(decision, "rule"), *path = text_of(decision, "path");
    const char *meaning = rule_meaning(rule), *alternative = rule_alternative(rule);
    const json_t *sentences = json_object_get(why, "because");
    const json_t *other = json_object_get(why, "otherwise");
    printf("  %s%s%s%s%s  [%s]\n", paint(stdout, BOLD), text_of(decision, "kind"), *path ? " " : "",
           path, paint(stdout, PLAIN), rule);
    if (agent) {
        fputs("      it calls ", stdout);
        print_clean(stdout, slice_of(agent));
        putchar('\n');
    }
    if (meaning)
        printf("      %s\n", meaning);
    if (json_array_size(sentences))
        print_sentences("      because ", sentences, "; ", "\n");
    else
        print_facts(json_object_get(decision, "why"));
    print_read(json_object_get(json_object_get(why, "facts"), "read"));
    print_budget(json_object_get(why, "budget"));
    print_otherwise(other);
    if (alternative && !json_array_size(other))
        printf("      %sotherwise: %s%s\n", paint(stdout, DIM), alternative, paint(stdout, PLAIN));
}

/* ---- for programs ---- */

/* An array that is written as it comes. */
static void print_member(struct explanation *explanation, json_t *value_taken)
{
    AUTO(freep) char *text = json_text(value_taken);
    fputs(explanation->printed ? ",\n" : "[", stdout);
    fputs(text, stdout);
    json_decref(value_taken);
}

/* ---- the run, as it is folded ---- */

static void tell_event(struct explanation *explanation, uint64_t seq, const json_t *event)
{
    if (explanation->told != seq && !explanation->args->json)
        print_event(seq, event);
    explanation->told = seq;
}

static void tell(struct explanation *explanation, uint64_t seq, const json_t *event,
                 const json_t *decision, json_t *why, const char *agent)
{
    tell_event(explanation, seq, event);
    if (explanation->args->json)
        print_member(explanation, report_decision(seq, event, decision, why));
    else
        print_decision(decision, why, agent);
    explanation->printed++;
}

static void explain_decision(void *user, uint64_t seq, const struct record *record, size_t index,
                             const struct run *run)
{
    struct explanation *explanation = user;
    const json_t *decision = json_array_get(json_object_get(record->root, "decisions"), index);
    if (!report_decision_concerns(decision, explanation->step))
        return;
    json_t *why = run_why(run, &record->event, &record->decisions.list[index]);
    tell(explanation, seq, json_object_get(record->root, "event"), decision, why,
         agent_called(run, &record->decisions.list[index]));
    json_decref(why);
}

static bool explain_record(void *user, uint64_t seq, struct record *record, struct run *run)
{
    struct explanation *explanation = user;
    const json_t *event = json_object_get(record->root, "event");
    size_t i;
    json_t *decision;
    json_array_foreach (json_object_get(record->root, "decisions"), i, decision) {
        if (!explanation->folded && report_decision_concerns(decision, explanation->step))
            tell(explanation, seq, event, decision, NULL, NULL);
    }
    if (run)
        explanation->status = run_status(run);
    if (!report_concerns(text_of(event, "path"), explanation->step))
        return true;
    tell_event(explanation, seq, event);
    json_t *moved = explanation->args->json ? report_moved(seq, event) : NULL;
    if (moved) {
        print_member(explanation, moved);
        explanation->printed++;
    }
    return true;
}

static enum error_code explain(struct explanation *explanation, struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(shelf_freep) struct shelf *shelf = shelf_new();
    AUTO(flow_unrefp) struct flow *flow = NULL;
    const char *id = explanation->args->operands[0];
    struct journal_run known;
    enum error_code code = open_reader(explanation->args, &reader, NULL, reterr);
    if (code == ERR_OK)
        code = journal_find(reader, id, &known, reterr);
    if (code != ERR_OK)
        return code;
    explanation->folded = fold_flow(reader, shelf, id, &flow, reterr) == ERR_OK;
    if (!explanation->folded)
        complain(0, "told from the records alone, without what they do not say: %s", reterr->text);
    return fold_decisions(reader, id, flow, explain_decision, explain_record, explanation, NULL,
                          reterr);
}

/* What a person can do who has read all that. */
static void print_next(const struct explanation *explanation)
{
    const char *id = explanation->args->operands[0];
    if (!explanation->folded)
        return;
    switch (explanation->status) {
    case RUN_WAITING:
        printf("  next: `seam show %s` prints what is asked, `seam answer %s` answers it\n", id,
               id);
        return;
    case RUN_FAILED:
        puts("  next: a failed run stays so; mend what it failed for and begin another (`seam "
             "plugins` says how each plugin is, and `seam plugins verify` finds what is wrong with "
             "one)");
        return;
    case RUN_RUNNING:
    case RUN_DONE:
    case RUN_CANCELLED:
        return;
    }
}

int command_explain(const struct args *args)
{
    struct error err;
    struct explanation explanation = {.args = args};
    explanation.step = args->operand_count > 1 ? args->operands[1] : NULL;
    enum error_code code = explain(&explanation, &err);
    if (code == ERR_OK && explanation.printed == 0)
        code = error_set(&err, ERR_NOT_FOUND,
                         "run %s decided nothing of step `%s`; `seam show %s` "
                         "lists its steps",
                         args->operands[0], explanation.step, args->operands[0]);
    if (args->json && explanation.printed)
        puts("]");
    else if (code == ERR_OK)
        print_next(&explanation);
    if (code == ERR_OK)
        return EXIT_DONE;
    /* what was printed already stays readable */
    return args->json && explanation.printed ? complain(EXIT_USAGE, "%s", err.text)
                                             : report_error(args, &err);
}

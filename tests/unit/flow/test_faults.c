/* SPDX-License-Identifier: Apache-2.0
 *
 * The corpus of tests/flows/faults: flows with one fault each, which must be found before any agent
 * runs, by the rule and at the line that the flow's comment names; and their mended twins, in which
 * nothing may be found. The agents are contracts alone, in agents.yaml beside them (and, where the
 * fault is in a contract, agents.fixed.yaml for the twin). FAULTS=NAME looks at one and says all.
 */
#include "flow/flow.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char folder[] = SOURCE_ROOT "/tests/flows/faults";

/* ---- the agents ---- */

static struct contract *contract_of(const char *agent, json_t *schema)
{
    struct contract *contract = NULL;
    struct error error = {0};
    if (!schema)
        return NULL;
    ck_assert_msg(contract_compile(schema, NULL, &contract, &error) == ERR_OK, "%s: %s", agent,
                  error.text);
    return contract;
}

static char *text_of(const json_t *from, const char *key)
{
    const char *text = json_string_value(json_object_get(from, key));
    return text ? xstrdup(text) : NULL;
}

static void add_agent(struct catalog *catalog, const char *name, const json_t *from)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    const char *effect = json_string_value(json_object_get(from, "effect"));
    agent->name = xstrdup(name);
    for (enum effect_class class = CLASS_PURE; class <= CLASS_WRITE; class ++)
        if (effect && strcmp(effect, effect_class_word(class)) == 0)
            agent->effect = class;
    agent->input = contract_of(name, json_object_get(from, "input"));
    agent->output = contract_of(name, json_object_get(from, "output"));
    agent->confidence = text_of(from, "confidence");
    agent->reconcile = text_of(from, "reconcile");
    agent->tokens = json_integer_value(json_object_get(from, "tokens"));
    agent->settle_ms = agent->key_ttl_ms = agent->call_ms = -1;
    catalog_add(catalog, agent);
}

static void load_agents(struct catalog *catalog, const char *path)
{
    AUTO(document_freep) struct document *document = NULL;
    struct error error = {0};
    const char *name;
    json_t *agent;
    catalog_init(catalog);
    ck_assert_msg(document_load(path, &document, &error) == ERR_OK, "%s", error.text);
    json_object_foreach (document_root(document), name, agent) {
        add_agent(catalog, name, agent);
    }
}

/* ---- one flow ---- */

static void check(const char *path, const char *agents, struct findings *ret_findings)
{
    struct catalog catalog;
    struct error error = {0};
    struct flow *flow = NULL;
    load_agents(&catalog, agents);
    struct flow_options options = {.catalog = &catalog, .concurrency = 256};
    findings_init(ret_findings);
    enum error_code code = flow_compile(path, &options, &flow, ret_findings, &error);
    ck_assert_msg(code == ERR_OK || code == ERR_INPUT, "%s: %s", path, error.text);
    ck_assert_int_eq(code == ERR_OK, flow != NULL);
    flow_unref(flow);
    catalog_done(&catalog);
}

static bool finds(const struct findings *findings, const char *expected)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        AUTO(freep)
        char *words = xasprintf("%s %s:%d", f->severity == FINDING_ERROR ? "error" : "warning",
                                f->rule, f->where.line);
        if (strcmp(words, expected) == 0)
            return true;
    }
    return false;
}

/* "# expect: error seam-refuted:11", once or more, of the flow's head: all must be found. */
static bool finds_expected(const struct findings *findings, const char *path, size_t *ret_count)
{
    char line[400];
    static const char head[] = "# expect: ";
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    bool all = true;
    *ret_count = 0;
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, head, strlen(head)) != 0)
            continue;
        all = finds(findings, line + strlen(head)) && all;
        (*ret_count)++;
    }
    fclose(file);
    ck_assert_msg(*ret_count > 0, "%s expects nothing", path);
    return all;
}

static void say(const char *name, const char *what, const struct findings *findings)
{
    AUTO(text_done) struct text text;
    text_init(&text, 1 << 20);
    findings_text(findings, &text);
    printf("%s: %s\n%s", name, what, text_str(&text));
}

struct score {
    int flows, found, alone, alarms;
};

static void look_at(const char *name, struct score *score)
{
    const char *only = getenv("FAULTS");
    struct findings broken, fixed;
    AUTO(freep) char *broken_path = xasprintf("%s/%s/broken.yaml", folder, name);
    AUTO(freep) char *fixed_path = xasprintf("%s/%s/fixed.yaml", folder, name);
    AUTO(freep) char *agents = xasprintf("%s/%s/agents.yaml", folder, name);
    AUTO(freep) char *mended = xasprintf("%s/%s/agents.fixed.yaml", folder, name);
    size_t expected;
    if (only && !strstr(name, only))
        return;
    check(broken_path, agents, &broken);
    check(fixed_path, access(mended, R_OK) == 0 ? mended : agents, &fixed);
    bool found = finds_expected(&broken, broken_path, &expected);
    bool alone = broken.count == expected;
    score->flows++;
    score->found += found;
    score->alone += found && alone;
    score->alarms += fixed.count > 0;
    if (!found || !alone || only)
        say(name, found ? "found, with more" : "not found", &broken);
    if (fixed.count > 0)
        say(name, "a false alarm in the twin", &fixed);
    findings_done(&broken);
    findings_done(&fixed);
}

START_TEST(each_seeded_fault_is_found_and_no_twin_alarms)
{
    struct dirent **names;
    struct score score = {0};
    int count = scandir(folder, &names, NULL, alphasort);
    ck_assert_int_gt(count, 0);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.')
            look_at(names[i]->d_name, &score);
        free(names[i]);
    }
    free(names);
    printf("faults: %d of %d found, %d of them with nothing else said; false alarms: %d\n",
           score.found, score.flows, score.alone, score.alarms);
    fflush(stdout);
    ck_assert_int_eq(score.found, score.flows);
    ck_assert_int_eq(score.alone, score.flows);
    ck_assert_int_eq(score.alarms, 0);
    ck_assert_int_ge(score.flows, getenv("FAULTS") ? 1 : 48);
}
END_TEST

UNIT_MAIN(each_seeded_fault_is_found_and_no_twin_alarms)

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam contract lint and lower: what a provider of models makes of a schema, and the nearest schema
 * that it takes. lint prints a line a breach, by file, line and column, and the cure below it.
 * lower prints the schema on standard output, alone, so that it can be piped; what was lost and
 * what is proven stands on standard error, or, with --json, beside it. check --target asks the same
 * of the agents of a flow.
 */
#include "cli/cli_internal.h"

#include "document/document.h"
#include "provider/provider.h"

#include <string.h>

static int load_provider(const struct args *args, struct provider **ret_provider)
{
    const char *target = args_option(args, "--target");
    struct error err;
    AUTO(text_done) struct text known;
    text_init(&known, 512);
    for (size_t i = 0; provider_name(i); i++)
        text_addf(&known, "%s%s", i ? ", " : "", provider_name(i));
    if (!target)
        return complain(EXIT_USAGE, "contract %s: say for whom: --target %s", args->operands[0],
                        text_str(&known));
    if (provider_new(target, ret_provider, &err) == ERR_OK)
        return 0;
    return report_error(args, &err);
}

json_t *breaches_json(const struct breaches *breaches)
{
    json_t *list = json_array();
    for (size_t i = 0; i < breaches->count; i++) {
        const struct breach *b = &breaches->list[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "at",
                                              b->place, "rule", b->rule, "found", b->found, "says",
                                              b->says, "cure", b->cure, "source", b->source,
                                              "looked_up", b->looked_up, "ignored", b->ignored));
    }
    return list;
}

void print_breach(const char *where, const char *target, const struct breach *b)
{
    AUTO(freep)
    char *line = xasprintf("%s: %s%s%s: %s %s: %s\n    cure: %s\n    rule %s of %s, %s\n", where,
                           b->place, *b->place ? ": " : "", b->found, target,
                           b->ignored ? "does not heed it" : "refuses it", b->says, b->cure,
                           b->rule, b->looked_up, b->source);
    print_clean(stdout, slice_of(line));
}

static int lint_one(const struct args *args, const struct provider *provider, const char *path)
{
    AUTO(document_freep) struct document *document = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    const char *target = args_option(args, "--target");
    struct breaches breaches;
    struct error err;
    if (open_contract(args, path, &document, &contract, &err) != ERR_OK)
        return report_error(args, &err);
    bool good = provider_lint(provider, document_root(document), &breaches);
    if (args->json)
        print_json(json_pack("{s:s, s:s, s:s, s:b, s:o, s:b}", "schema", path, "target", target,
                             "looked_up", provider_looked_up(provider), "accepted", good,
                             "breaches", breaches_json(&breaches), "more", breaches.more));
    else if (good)
        printf("%s: %s%s takes it%s\n", path, paint(stdout, GREEN), target, paint(stdout, PLAIN));
    for (size_t i = 0; i < breaches.count && !args->json; i++) {
        struct position at = document_where(document, breaches.list[i].place);
        AUTO(freep) char *where = xasprintf("%s:%d:%d", path, at.line, at.column);
        print_breach(where, target, &breaches.list[i]);
    }
    if (breaches.more && !args->json)
        printf("%s: and more\n", path);
    breaches_done(&breaches);
    return good ? EXIT_DONE : EXIT_FAILED;
}

int contract_lint(const struct args *args)
{
    AUTO(provider_freep) struct provider *provider = NULL;
    int worst = load_provider(args, &provider);
    if (worst != EXIT_DONE)
        return worst;
    for (int i = 1; i < args->operand_count; i++) {
        int code = lint_one(args, provider, args->operands[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}

/* ---- lower ---- */

static void say(const char *what, const char *text)
{
    AUTO(freep) char *line = xasprintf("%s: %s\n", what, text);
    print_clean(stderr, slice_of(line));
}

static const char *at_place(const json_t *item)
{
    const char *place = text_of(item, "at");
    return *place ? place : "the root";
}

static void print_losses(const struct lowering *l)
{
    size_t i;
    const json_t *item;
    json_array_foreach (l->narrowed, i, item) {
        AUTO(freep)
        char *text =
            xasprintf("%s: %s", at_place(item), json_string_value(json_object_get(item, "lost")));
        say("narrowed", text);
    }
    json_array_foreach (l->dropped, i, item) {
        AUTO(freep) char *keywords = json_text(json_object_get(item, "keywords"));
        AUTO(freep) char *text = xasprintf("%s: %s", at_place(item), keywords);
        say("in words", text);
    }
    json_array_foreach (l->drop_nulls, i, item) {
        AUTO(freep)
        char *text = xasprintf("%s: null says that it is absent", json_string_value(item));
        say("drop null", text);
    }
    for (i = 0; i < l->left.count; i++) {
        const struct breach *b = &l->left.list[i];
        AUTO(freep)
        char *text = xasprintf("%s: %s: found %s (cure: %s)", *b->place ? b->place : "the root",
                               b->says, b->found, b->cure);
        say("still refused", text);
    }
}

static void print_lowering(const struct lowering *l)
{
    if (l->schema)
        print_json(json_incref(l->schema));
    print_losses(l);
    if (l->witness) {
        AUTO(freep) char *witness = json_text(l->witness);
        say("witness", witness);
    }
    fprintf(stderr, "%s%s%s: ", paint(stderr, verdict_colour(l->verdict)), verdict_name(l->verdict),
            paint(stderr, PLAIN));
    print_clean(stderr, slice_of(l->reason));
    if (strstr(l->reason, "the first schema"))
        fputs(" (the first is the contract, its nulls filled in; the second what is sent)", stderr);
    fputc('\n', stderr);
}

static json_t *lowering_json(const struct args *args, const struct provider *provider,
                             const struct lowering *l)
{
    return json_pack("{s:s, s:s, s:O?, s:s, s:O?, s:s, s:O, s:O, s:O, s:o}", "target",
                     args_option(args, "--target"), "looked_up", provider_looked_up(provider),
                     "schema", l->schema, "verdict", verdict_name(l->verdict), "witness",
                     l->witness, "reason", l->reason, "drop_nulls", l->drop_nulls, "narrowed",
                     l->narrowed, "dropped", l->dropped, "left", breaches_json(&l->left));
}

int contract_lower(const struct args *args)
{
    AUTO(provider_freep) struct provider *provider = NULL;
    AUTO(document_freep) struct document *document = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct lowering lowering;
    struct error err;
    if (args->operand_count != 2)
        return complain(EXIT_USAGE, "usage: seam contract lower --target PROVIDER SCHEMA");
    int code = load_provider(args, &provider);
    if (code)
        return code;
    if (open_contract(args, args->operands[1], &document, &contract, &err) != ERR_OK)
        return report_error(args, &err);
    provider_lower(provider, contract, &lowering);
    if (args->json)
        print_json(lowering_json(args, provider, &lowering));
    else
        print_lowering(&lowering);
    code = lowering.left.count > 0 ? EXIT_FAILED : verdict_exit(lowering.verdict);
    lowering_done(&lowering);
    return code;
}

/* ---- check --target ---- */

int find_target(const struct args *args, struct provider **ret_provider)
{
    return args_option(args, "--target") ? load_provider(args, ret_provider) : 0;
}

/* One contract of an agent, once for all the steps that call it. */
static size_t target_contract(const struct args *args, const struct provider *provider,
                              const char *path, const struct agent *agent, bool output,
                              json_t *list)
{
    const char *target = args_option(args, "--target"), *which = output ? "output" : "input";
    const struct contract *contract = output ? agent->output : agent->input;
    struct breaches breaches;
    provider_lint(provider, contract_schema(contract), &breaches);
    size_t count = breaches.count;
    AUTO(freep) char *where = xasprintf("%s: %s %s", path, agent->name, which);
    for (size_t i = 0; i < breaches.count && !args->json; i++)
        print_breach(where, target, &breaches.list[i]);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:b}", "agent", agent->name,
                                          "contract", which, "target", target, "breaches",
                                          breaches_json(&breaches), "more", breaches.more));
    breaches_done(&breaches);
    return count;
}

static bool is_listed(const json_t *list, const char *agent)
{
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        if (strcmp(json_string_value(json_object_get(item, "agent")), agent) == 0)
            return true;
    }
    return false;
}

size_t check_target(const struct args *args, const struct provider *provider, const char *path,
                    const struct flow *flow, json_t *ret_list)
{
    size_t count = 0;
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step *step = &flow->steps[i];
        bool stands_in = step->call.flow || step->plan; /* for those who answer themselves */
        const struct agent *agents[] = {stands_in ? NULL : step->call.agent, step->fallback.agent,
                                        step->undo.agent};
        if (step->call.flow)
            count += check_target(args, provider, path, step->call.flow, ret_list);
        for (size_t k = 0; k < sizeof(agents) / sizeof(agents[0]); k++) {
            if (!agents[k] || is_listed(ret_list, agents[k]->name))
                continue;
            count += target_contract(args, provider, path, agents[k], true, ret_list);
            count += target_contract(args, provider, path, agents[k], false, ret_list);
        }
    }
    return count;
}

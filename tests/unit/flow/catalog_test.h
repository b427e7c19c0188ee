/* SPDX-License-Identifier: Apache-2.0
 *
 * The agents that the tests' flows may call, and reading an expectation out of a flow's comments.
 */
#ifndef TESTS_FLOW_CATALOG_H
#define TESTS_FLOW_CATALOG_H

#include "flow/flow.h"
#include "unit.h"

#include <string.h>

static inline struct contract *contract_of(const char *schema)
{
    struct contract *contract = NULL;
    struct error error = {0};
    AUTO(json_decrefp) json_t *json = NULL;
    ck_assert_msg(json_read(slice_of(schema), 1 << 16, &json, &error) == ERR_OK, "%s", error.text);
    ck_assert_msg(contract_compile(json, NULL, &contract, &error) == ERR_OK, "%s", error.text);
    return contract;
}

static inline struct agent *add_agent(struct catalog *catalog, const char *name,
                                      enum effect_class effect, const char *input,
                                      const char *output)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    agent->name = xstrdup(name);
    agent->effect = effect;
    agent->input = contract_of(input);
    agent->output = contract_of(output);
    agent->settle_ms = agent->key_ttl_ms = agent->call_ms = -1;
    catalog_add(catalog, agent);
    return agent;
}

static inline void catalog_fill(struct catalog *catalog)
{
    static const char any[] = "{}";
    struct agent *agent;
    catalog_init(catalog);
    agent = add_agent(
        catalog, "travel/plan", CLASS_READ,
        "{\"type\": \"object\", \"required\": [\"goal\"], \"properties\": {\"goal\": "
        "{\"type\": \"string\"}, \"style\": {\"enum\": [\"cheap\", \"fast\"]}}}",
        "{\"type\": \"object\", \"required\": [\"legs\", \"confidence\"], \"properties\": "
        "{\"confidence\": {\"type\": \"number\"}, \"legs\": {\"type\": \"array\", "
        "\"maxItems\": 8, \"items\": {\"type\": \"object\", \"required\": [\"from\", \"to\", "
        "\"date\"], \"properties\": {\"from\": {\"type\": \"string\"}, \"to\": {\"type\": "
        "\"string\"}, \"date\": {\"type\": \"string\"}}}}}}");
    agent->confidence = xstrdup("/confidence");
    add_agent(catalog, "travel/search", CLASS_READ,
              "{\"type\": \"object\", \"required\": [\"from\", \"to\"], \"additionalProperties\": "
              "false, \"properties\": {\"from\": {\"type\": \"string\"}, \"to\": {\"type\": "
              "\"string\"}, \"date\": {\"type\": \"string\"}, \"page\": {\"$ref\": "
              "\"#/$defs/page\"}}, \"$defs\": {\"page\": {\"type\": \"object\", \"required\": "
              "[\"size\"], \"properties\": {\"size\": {\"type\": \"integer\", \"maximum\": 50}}}}}",
              any);
    add_agent(catalog, "travel/price", CLASS_PURE, any, any);
    add_agent(catalog, "travel/quote", CLASS_PURE, any,
              "{\"type\": \"object\", \"required\": [\"total\", \"offer\"], \"properties\": "
              "{\"total\": {\"type\": \"number\"}, \"offer\": {\"type\": \"string\"}}}");
    agent = add_agent(catalog, "airline/book", CLASS_WRITE,
                      "{\"type\": \"object\", \"required\": [\"offer\"]}",
                      "{\"type\": \"object\", \"required\": [\"booking\"], \"properties\": "
                      "{\"booking\": {\"type\": \"string\"}, \"id\": {\"type\": \"string\"}}}");
    agent->reconcile = xstrdup("find_booking");
    add_agent(catalog, "airline/find_booking", CLASS_READ, any,
              "{\"type\": \"object\", \"required\": [\"outcome\"], \"properties\": {\"outcome\": "
              "{\"enum\": [\"happened\", \"never\", \"not_seen\", \"unknown\"]}}}");
    add_agent(catalog, "airline/cancel", CLASS_WRITE_IDEMPOTENT,
              "{\"type\": \"object\", \"required\": [\"booking\"]}", any);
    add_agent(catalog, "mail/send", CLASS_WRITE, any, any);
    agent = add_agent(catalog, "model/think", CLASS_READ, any,
                      "{\"type\": \"object\", \"properties\": {\"go\": {\"type\": \"boolean\"}, "
                      "\"goal\": {\"type\": \"string\"}, \"notes\": {\"type\": \"string\"}}}");
    agent->tokens = 1000;
    agent->cost = 2000;
    agent->call_ms = 20000;
    agent = add_agent(catalog, "odd/lost", CLASS_WRITE, any, any);
    agent->reconcile = xstrdup("nobody");
    agent = add_agent(catalog, "odd/worse", CLASS_WRITE, any, any);
    agent->reconcile = xstrdup("airline/cancel");
}

#endif

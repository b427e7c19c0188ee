/* SPDX-License-Identifier: Apache-2.0
 *
 * What a mapping may read, as shapes: the flow's input, what the steps before it give, the item,
 * the error of a fallback. The rules are those by which the orchestrator runs: a step whose lack of
 * output skips its reader is always there where the reader runs; one that is read under `//`, or by
 * the flow's output, is there only if nothing could have skipped it. Whoever adds a way to end
 * without an output must say it here.
 */
#include "flow/prove_internal.h"

#include <stdlib.h>

static struct shape shape_parse(const char *schema)
{
    json_t *json = json_loads(schema, 0, NULL);
    ASSERT(json);
    return shape_of_schema(json);
}

static struct contract *contract_parse(const char *schema)
{
    struct contract *contract = NULL;
    AUTO(json_decrefp) json_t *json = json_loads(schema, 0, NULL);
    ASSERT(contract_compile(json, NULL, &contract, NULL) == ERR_OK);
    return contract;
}

void proving_init(struct proving *proving, struct compilation *c)
{
    if (!c->family->shapes)
        c->family->shapes = shapes_new();
    *proving = (struct proving){.c = c, .shapes = c->family->shapes};
    proving->known = xcalloc(c->count, sizeof(*proving->known));
    for (size_t i = 0; i < c->count; i++)
        proving->known[i] =
            (struct known){.answer = shape_any(), .output = shape_any(), .item = shape_any(), 1, 1};
    proving->input = shape_of_contract(proving->shapes,
                                       c->plan_step ? c->plan_step->plan->input : c->flow->input);
    proving->boolean = contract_parse("{\"type\": \"boolean\"}");
    proving->array = contract_parse("{\"type\": \"array\"}");
    proving->object = contract_parse("{\"type\": \"object\"}");
    proving->fragment = contract_parse("{\"type\": \"object\", \"required\": [\"steps\"],"
                                       " \"properties\": {\"steps\": {\"type\": \"object\"}}}");
    proving->reconcile_answer = contract_parse(
        "{\"type\": \"object\", \"required\": [\"outcome\"], \"properties\": {\"outcome\":"
        " {\"enum\": [\"happened\", \"never\", \"not_seen\", \"unknown\"]}}}");
    proving->failure = shape_parse(
        "{\"type\": \"object\", \"required\": [\"code\", \"message\"], \"properties\": "
        "{\"code\": {\"type\": \"string\"}, \"message\": {\"type\": \"string\"}, \"step\": "
        "{\"type\": \"string\"}}, \"additionalProperties\": false}");
    proving->error =
        shape_parse("{\"type\": \"object\", \"required\": [\"code\", \"message\", \"outcome\"],"
                    " \"properties\": {\"code\": {\"type\": \"string\"}, \"message\": {\"type\":"
                    " \"string\"}, \"step\": {\"type\": \"string\"}, \"outcome\": {\"enum\":"
                    " [\"none\", \"done\", \"unknown\"]}}, \"additionalProperties\": false}");
    proving->run = shape_parse("{\"type\": \"object\", \"required\": [\"id\", \"started\"],"
                               " \"properties\": {\"id\": {\"type\": \"string\", \"minLength\": 1},"
                               " \"started\": {\"type\": \"integer\", \"minimum\": 0}},"
                               " \"additionalProperties\": false}");
}

void proving_done(struct proving *proving)
{
    for (size_t i = 0; i < proving->c->count; i++) {
        shape_done(&proving->known[i].answer);
        shape_done(&proving->known[i].output);
        shape_done(&proving->known[i].item);
    }
    free(proving->known);
    shape_done(&proving->input);
    shape_done(&proving->error);
    shape_done(&proving->failure);
    shape_done(&proving->run);
    contract_unref(proving->boolean);
    contract_unref(proving->array);
    contract_unref(proving->object);
    contract_unref(proving->fragment);
    contract_unref(proving->reconcile_answer);
}

/* ---- The steps that are read ---- */

static bool is_required(const struct step *step, size_t of)
{
    for (size_t i = 0; i < step->requires_count; i++)
        if (step->requires[i] == of)
            return true;
    return false;
}

static struct shape status_shape(bool done)
{
    return shape_parse(done ? "{\"const\": \"done\"}"
                            : "{\"enum\": [\"done\", \"skipped\", \"failed\"]}");
}

static struct shape step_shape(const void *user, size_t index, bool status)
{
    const struct sight *sight = user;
    const struct compilation *c = sight->proving->c;
    const struct known *known = &sight->proving->known[index];
    bool required = sight->step != NO_STEP && is_required(&c->flow->steps[sight->step], index);
    if (status)
        return status_shape(required);
    struct shape shape = shape_copy(&known->output);
    if (!required && known->never)
        shape.presence = PRESENCE_NEVER;
    else if (!required && known->may_skip)
        shape.presence = PRESENCE_MAYBE;
    return shape;
}

/* All that a step evaluates after its `if` is evaluated because the `if` was true. */
void sight_init(struct sight *sight, struct proving *proving, uint32_t step, bool in_item)
{
    *sight = (struct sight){.proving = proving, .step = step};
    sight->scope = (struct inference_scope){
        .shapes = proving->shapes,
        .input = &proving->input,
        .item = in_item ? &proving->known[step].item : NULL,
        .run = &proving->run,
        .given = step != NO_STEP ? proving->c->flow->steps[step].condition : NULL,
        .step = step_shape,
        .user = sight,
    };
}

/* ---- What a step gives ---- */

static bool writes(const struct callee *callee)
{
    return callee->agent && callee->agent->effect >= CLASS_WRITE_IDEMPOTENT;
}

/* What is known of a flow's mapping says more than its contract; but where another may answer in
 * its place, by the contract alone. */
static struct shape answer_shape(struct proving *proving, uint32_t step)
{
    const struct step *s = &proving->c->flow->steps[step];
    const struct member *member = proving->c->sources[step].member;
    bool alone = s->on_failure != ON_FAILURE_ESCALATE && s->on_failure != ON_FAILURE_FALLBACK;
    if (member && member->given.schema && alone) {
        proving->known[step].loose = member->loose;
        return shape_copy(&member->given);
    }
    return s->call.agent ? shape_of_contract(proving->shapes, s->call.agent->output) : shape_any();
}

void known_before(struct proving *proving, uint32_t step)
{
    struct known *known = &proving->known[step];
    const struct step *s = &proving->c->flow->steps[step];
    known->wrong = !s->call.agent;
    known->may_skip =
        s->condition || s->on_failure == ON_FAILURE_SKIP || s->on_failure == ON_FAILURE_ESCALATE;
    known->by_hand = writes(&s->call) || writes(&s->fallback);
    for (size_t i = 0; i < s->requires_count; i++) {
        const struct known *other = &proving->known[s->requires[i]];
        known->may_skip |= other->may_skip;
        known->by_hand |= other->by_hand;
        known->never |= other->never;
    }
    struct shape answer = answer_shape(proving, step);
    shape_done(&known->answer);
    known->answer = answer;
}

void known_items(struct proving *proving, uint32_t step, const struct shape *array)
{
    struct known *known = &proving->known[step];
    struct shape item = shape_items(proving->shapes, array);
    item.presence = PRESENCE_ALWAYS; /* where there is an item at all */
    shape_done(&known->item);
    known->item = item;
    shape_item_counts(proving->shapes, array, &known->least, &known->most);
    if (!(shape_types(proving->shapes, array) & 1u << JSON_ARRAY))
        known->least = known->most = 0;
}

/* What stands in the place of an item. One that a person, or `on_failure`, went on without is null
 * under every policy but collect. */
static json_t *item_schema(const struct proving *proving, const struct step *s,
                           const struct known *known)
{
    bool skips = s->on_item == ON_ITEM_SKIP || s->on_failure == ON_FAILURE_SKIP ||
                 s->on_failure == ON_FAILURE_ESCALATE;
    json_t *answer = known->answer.schema;
    if (s->on_item == ON_ITEM_COLLECT)
        return json_pack("{s:[{s:s, s:[s], s:{s:O}, s:b}, {s:s, s:[s], s:{s:O}, s:b}]}", "anyOf",
                         "type", "object", "required", "output", "properties", "output", answer,
                         "additionalProperties", 0, "type", "object", "required", "error",
                         "properties", "error", proving->failure.schema, "additionalProperties", 0);
    return skips ? json_pack("{s:[O, {s:s}]}", "anyOf", answer, "type", "null")
                 : json_incref(answer);
}

void known_output(struct proving *proving, uint32_t step)
{
    struct known *known = &proving->known[step];
    const struct step *s = &proving->c->flow->steps[step];
    shape_done(&known->output);
    if (!s->for_each) {
        known->output = shape_copy(&known->answer);
        known->output.presence = PRESENCE_ALWAYS;
        return;
    }
    json_t *array =
        json_pack("{s:s, s:o}", "type", "array", "items", item_schema(proving, s, known));
    if (known->least > 0)
        json_object_set_new(array, "minItems", json_integer((json_int_t)known->least));
    size_t most = known->most < LIMIT_ITEMS ? known->most : LIMIT_ITEMS;
    json_object_set_new(array, "maxItems", json_integer((json_int_t)most));
    known->output = (struct shape){array, PRESENCE_ALWAYS};
}

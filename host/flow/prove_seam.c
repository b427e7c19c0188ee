/* SPDX-License-Identifier: Apache-2.0
 *
 * One handoff: is every value that can come a value that is taken? What can come is a shape, what
 * is taken a contract, and contract_compare answers. Where a value is refused only because nobody
 * has said anything of it (an agent without an output schema, a flow without an input schema),
 * that is no fault of the flow: it is unknown, and the check at run time stands. What has been said
 * is held to its word.
 */
#include "flow/prove_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNSAID_DEPTH = 12,
    UNSAID_NODES = 2000,
    FULL_SEAMS = 40, /* that get the whole allowance of a comparison; more share it */
    LEAST_PAIRS = 100,
    LEAST_CANDIDATES = 40,
    LEAST_STEPS = 8000,
    PAIRS = 20000,
    CANDIDATES = 2000,
    STEPS = 3500000
};

/* ---- Work ---- */

/* The work of a check is bounded: a flow of many seams gives each of them less. */
static struct contain_options allowance(const struct proving *proving)
{
    if (proving->seams <= FULL_SEAMS)
        return (struct contain_options){0};
    struct contain_options o = {.pairs = (uint32_t)(PAIRS * FULL_SEAMS / proving->seams),
                                .candidates = (uint32_t)(CANDIDATES * FULL_SEAMS / proving->seams),
                                .steps = (uint64_t)STEPS * FULL_SEAMS / proving->seams};
    o.pairs = o.pairs < LEAST_PAIRS ? LEAST_PAIRS : o.pairs;
    o.candidates = o.candidates < LEAST_CANDIDATES ? LEAST_CANDIDATES : o.candidates;
    o.steps = o.steps < LEAST_STEPS ? LEAST_STEPS : o.steps;
    return o;
}

/* ---- What is said of nothing ---- */

/* How a shape stands to a contract. */
struct stand {
    enum seam_verdict verdict;
    json_t *witness;
    char *reason;
};

static void stand_done(struct stand *stand)
{
    json_decref(stand->witness);
    free(stand->reason);
    *stand = (struct stand){0};
}

struct unsaid {
    const struct proving *proving;
    const struct handoff *handoff;
    int nodes;
    char *first; /* where in the value nothing is said */
};

/* True if all that is said is which types it has, and those are nearly all: what is left of a value
 * that nobody has said anything of when null or false were taken away. */
static bool says_nothing(const json_t *schema)
{
    static const char *const needed[] = {"object", "array", "string", "number"};
    const json_t *types = json_object_get(schema, "type"), *one;
    size_t i, found = 0;
    if (json_is_true(schema) || (json_is_object(schema) && json_object_size(schema) == 0))
        return true;
    json_array_foreach (json_object_get(schema, "anyOf"), i, one)
        if (says_nothing(one))
            return true;
    if (!json_is_array(types) || json_object_size(schema) != 1)
        return false;
    json_array_foreach (types, i, one)
        for (size_t k = 0; k < sizeof(needed) / sizeof(needed[0]); k++)
            found += json_is_string(one) && strcmp(json_string_value(one), needed[k]) == 0;
    return found == sizeof(needed) / sizeof(needed[0]);
}

static json_t *unsaid_at(struct unsaid *u, const struct shape *left, const struct shape *right,
                         const char *pointer, int depth);

static json_t *unsaid_members(struct unsaid *u, const struct shape *left, const struct shape *right,
                              const char *pointer, int depth)
{
    AUTO(json_decrefp) json_t *names = NULL;
    json_t *properties = json_object(), *name;
    size_t i;
    shape_names(u->proving->shapes, left, &names);
    json_array_foreach (names, i, name) {
        struct slice key = {json_string_value(name), json_string_length(name)};
        struct shape a = shape_member(u->proving->shapes, left, key);
        struct shape b = shape_member(u->proving->shapes, right, key);
        AUTO(freep) char *at = pointer_to_member(pointer, key.ptr);
        json_t *below = unsaid_at(u, &a, &b, at, depth + 1);
        if (below)
            json_object_setn_new_nocheck(properties, key.ptr, key.len, below);
        shape_done(&a);
        shape_done(&b);
    }
    if (json_object_size(properties) > 0)
        return properties;
    json_decref(properties);
    return NULL;
}

/* A schema that says, of what the left says nothing of, what the right wants; NULL if the left says
 * something of everything. */
static json_t *unsaid_at(struct unsaid *u, const struct shape *left, const struct shape *right,
                         const char *pointer, int depth)
{
    if (depth > UNSAID_DEPTH || u->nodes++ > UNSAID_NODES || right->presence == PRESENCE_NEVER)
        return NULL;
    if (says_nothing(left->schema)) {
        if (words_reads_undeclared(u->handoff, pointer) || says_nothing(right->schema))
            return NULL;
        if (!u->first)
            u->first = xstrdup(pointer);
        return json_incref(right->schema);
    }
    unsigned types = shape_types(u->proving->shapes, left);
    json_t *schema = json_object();
    if (types & 1u << JSON_OBJECT) {
        json_t *properties = unsaid_members(u, left, right, pointer, depth);
        if (properties)
            json_object_set_new(schema, "properties", properties);
    }
    if (types & 1u << JSON_ARRAY) {
        struct shape a = shape_items(u->proving->shapes, left);
        struct shape b = shape_items(u->proving->shapes, right);
        AUTO(freep) char *at = pointer_to_item(pointer, 0);
        json_t *items = unsaid_at(u, &a, &b, at, depth + 1);
        if (items)
            json_object_set_new(schema, "items", items);
        shape_done(&a);
        shape_done(&b);
    }
    if (json_object_size(schema) > 0)
        return schema;
    json_decref(schema);
    return NULL;
}

/* ---- Comparing ---- */

static void stand_unknown(struct stand *ret, char *reason)
{
    stand_done(ret);
    *ret = (struct stand){.verdict = SEAM_UNKNOWN, .reason = reason};
}

static void compare(struct proving *proving, const struct shape *shape,
                    const struct contract *contract, struct stand *ret)
{
    AUTO(contract_unrefp) struct contract *left = NULL;
    struct comparison comparison;
    struct error error;
    struct contain_options options = allowance(proving);
    *ret = (struct stand){.verdict = SEAM_PROVEN};
    if (!contract)
        return;
    if (shape_contract(proving->shapes, shape, &left, &error) ||
        contract_compare(left, contract, &options, &comparison, &error)) {
        stand_unknown(ret, xstrdup(error.text));
        return;
    }
    switch (comparison.verdict) {
    case PROVEN:
        break;
    case REFUTED:
        *ret = (struct stand){.verdict = SEAM_REFUTED, .witness = json_incref(comparison.witness)};
        break;
    case UNKNOWN:
        stand_unknown(ret, xstrdup(comparison.reason));
        break;
    }
    comparison_done(&comparison);
}

/* A refutation stands if it stands with all that nobody has said anything of made right. */
static void spare_unsaid(struct proving *proving, const struct handoff *handoff,
                         const struct shape *shape, struct stand *stand)
{
    struct shape right = shape_of_contract(proving->shapes, handoff->contract);
    struct unsaid unsaid = {.proving = proving, .handoff = handoff};
    json_t *wanted = unsaid_at(&unsaid, shape, &right, "", 0);
    AUTO(freep) char *first = unsaid.first;
    shape_done(&right);
    if (!wanted)
        return;
    struct shape spared = {
        json_pack("{s:[O, o]}", "allOf", shape->schema, wanted),
        shape->presence,
    };
    struct stand without;
    compare(proving, &spared, handoff->contract, &without);
    bool hopeless = shape_types(proving->shapes, &spared) == 0; /* nothing can make it right */
    shape_done(&spared);
    if (hopeless) {
        stand_done(&without);
        return;
    }
    if (without.verdict == SEAM_REFUTED) {
        stand_done(stand);
        *stand = without;
        return;
    }
    stand_done(&without);
    AUTO(freep) char *who = words_unsaid(proving, handoff, first);
    stand_unknown(stand, xasprintf("%s says nothing of the value %s%s", who,
                                   first[0] ? "that becomes " : "that it gives", first));
}

/* What was read of one value on two paths was held to come together as it likes; where a union of
 * objects is read, its cases are looked at one by one, and then it may be proven. */
static void spare_cases(struct proving *proving, const struct handoff *handoff, struct stand *stand)
{
    enum { UNIONS = 4 };
    struct inference cases;
    for (size_t i = 0; i < UNIONS && stand->verdict == SEAM_REFUTED &&
                       mapping_infer_cases(handoff->mapping, handoff->scope, i, &cases);
         i++) {
        struct stand other;
        compare(proving, &cases.shape, handoff->contract, &other);
        inference_done(&cases);
        if (other.verdict == SEAM_PROVEN) {
            stand_done(stand);
            *stand = other;
        } else {
            stand_done(&other);
        }
    }
}

static void stand_find(struct proving *proving, const struct handoff *handoff, struct stand *ret)
{
    *ret = (struct stand){.verdict = SEAM_PROVEN};
    if (handoff->proven)
        return;
    const struct shape *shape = handoff->given ? &handoff->given->shape : handoff->shape;
    compare(proving, shape, handoff->contract, ret);
    if (ret->verdict == SEAM_REFUTED && handoff->scope)
        spare_cases(proving, handoff, ret);
    if (ret->verdict == SEAM_REFUTED && !handoff->strict)
        spare_unsaid(proving, handoff, shape, ret);
}

/* ---- Listing ---- */

void seam_add(struct proving *proving, struct seam seam)
{
    struct findings *findings = proving->c->findings;
    findings->seams =
        xrealloc(findings->seams, (findings->seam_count + 1) * sizeof(*findings->seams));
    seam.file = proving->c->outer ? xstrdup(proving->c->path) : NULL;
    findings->seams[findings->seam_count++] = seam;
}

/* Says what was refuted, and where; the seam gets both. */
static struct spot say_refuted(struct proving *proving, const struct handoff *handoff,
                               const struct stand *stand, struct seam *seam)
{
    int column = 0;
    AUTO(freep) char *hint = NULL;
    free(seam->pointer);
    seam->sentence =
        words_refuted(proving, handoff, stand->witness, &seam->pointer, &column, &hint);
    seam->rule = handoff->rule;
    struct spot spot = {.pointer = seam->pointer, .key = !handoff->source, .column = column};
    if (!handoff->silent)
        finding_say(proving->c, handoff->soft ? FINDING_WARNING : FINDING_ERROR, seam->rule, spot,
                    hint ? hint : handoff->hint, "%s", seam->sentence);
    return spot;
}

static void say_unknown(struct proving *proving, const struct handoff *handoff,
                        const struct stand *stand, struct spot spot, struct seam *seam)
{
    seam->rule = "seam-unknown";
    seam->sentence =
        xasprintf("%s → %s: not known before the run: %s", seam->from, seam->to, stand->reason);
    if (!handoff->silent && !handoff->quiet && !proving->c->plan_step)
        WARN(proving->c, seam->rule, spot, "it is checked while it runs", "%s", seam->sentence);
}

bool seam_judge(struct proving *proving, const struct handoff *handoff)
{
    struct stand stand;
    struct seam seam = {
        .kind = handoff->kind,
        .from = handoff->from ? xstrdup(handoff->from)
                              : words_from(proving, handoff->step, handoff->mapping),
        .to = handoff->to ? xstrdup(handoff->to) : words_to(proving, handoff->step, handoff->kind),
        .pointer = xstrdup(handoff->pointer),
        .rule = "seam-proven"};
    struct spot spot = AT_KEY(seam.pointer);
    stand_find(proving, handoff, &stand);
    seam.verdict = stand.verdict;
    switch (stand.verdict) {
    case SEAM_PROVEN:
        break;
    case SEAM_REFUTED:
        spot = say_refuted(proving, handoff, &stand, &seam);
        break;
    case SEAM_UNKNOWN:
        say_unknown(proving, handoff, &stand, spot, &seam);
        break;
    }
    seam.where = finding_position(proving->c, spot);
    seam.witness = TAKE(stand.witness);
    seam.reason = TAKE(stand.reason);
    stand_done(&stand);
    seam_add(proving, seam);
    return seam.verdict == SEAM_PROVEN;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowers drawn schemas for every provider and holds the result to the law: the provider takes it
 * (but for limits of size); REFUTED comes with a value of the contract that it refuses, and only
 * where something was narrowed; and a drawn value of the contract, with nothing narrowed, fits it
 * with its nulls filled in.
 *
 *     fuzz-lower [--seconds N] [--seed S]
 */
#include "contain_draw.h"

#include "provider/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VALUES = 40 };

struct tally {
    unsigned long schemas, lowered, proven, refuted, unknown, narrowed, values, accepted;
};

static struct contract *compiled(json_t *schema)
{
    struct contract *contract = NULL;
    struct error err;
    return contract_compile(schema, NULL, &contract, &err) ? NULL : contract;
}

static bool complain(const char *what, const char *target, const json_t *schema,
                     const struct lowering *l, const json_t *value)
{
    char *full = json_dumps(schema, JSON_COMPACT | JSON_ENCODE_ANY);
    char *lowered = l->schema ? json_dumps(l->schema, JSON_COMPACT) : NULL;
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    printf("BROKEN: %s (%s)\n  contract: %s\n  lowered: %s\n  value: %s\n  verdict: %s: %s\n", what,
           target, full, lowered ? lowered : "none", text ? text : "none", verdict_name(l->verdict),
           l->reason);
    free(full);
    free(lowered);
    free(text);
    return false;
}

static bool is_limit(const struct breach *breach)
{
    static const char *const limits[] = {"properties", "depth",    "enum-values", "enum-text",
                                         "names-text", "optional", "unions"};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (strcmp(breach->rule, limits[i]) == 0)
            return true;
    return false;
}

static bool check_left(const char *target, const json_t *schema, const struct lowering *l)
{
    for (size_t i = 0; i < l->left.count; i++)
        if (!is_limit(&l->left.list[i])) {
            printf("  %s: %s\n", l->left.list[i].place, l->left.list[i].rule);
            return complain("the provider would not take it", target, schema, l, NULL);
        }
    return true;
}

/* ---- nulls filled in ---- */

static bool fits(const json_t *schema, const json_t *root, const json_t *value)
{
    json_t *whole = json_copy((json_t *)schema), *defs = json_object_get(root, "$defs");
    if (defs)
        json_object_set(whole, "$defs", defs);
    struct contract *contract = compiled(whole);
    bool good = contract && contract_accepts(contract, value);
    contract_unref(contract);
    json_decref(whole);
    return good;
}

/* The value with null for each property that the schema declares and the value lacks, in the first
 * branch of each anyOf that takes it so. New. */
static json_t *filled(const json_t *schema, const json_t *root, const json_t *value)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref")), *name;
    json_t *copy = json_copy((json_t *)value), *property, *branch;
    size_t i;
    if (ref && strncmp(ref, "#/$defs/", 8) == 0) {
        json_decref(copy);
        return filled(json_object_get(json_object_get(root, "$defs"), ref + 8), root, value);
    }
    json_array_foreach (json_object_get(schema, "anyOf"), i, branch) {
        json_t *one = filled(branch, root, value);
        if (fits(branch, root, one)) {
            json_decref(copy);
            return one;
        }
        json_decref(one);
    }
    json_object_foreach (json_object_get(schema, "properties"), name, property) {
        const json_t *member = json_object_get(value, name);
        if (json_is_object(value))
            json_object_set_new(copy, name, member ? filled(property, root, member) : json_null());
    }
    for (i = 0; json_object_get(schema, "items") && i < json_array_size(value); i++)
        json_array_set_new(
            copy, i, filled(json_object_get(schema, "items"), root, json_array_get(value, i)));
    return copy;
}

static bool fits_filled(const struct lowering *l, const struct contract *lowered,
                        const json_t *value)
{
    if (json_array_size(l->drop_nulls) == 0)
        return contract_accepts(lowered, value);
    json_t *whole = filled(l->schema, l->schema, value);
    bool good = contract_accepts(lowered, whole);
    json_decref(whole);
    return good;
}

static bool check_values(struct draw *d, struct tally *tally, const char *target,
                         const json_t *schema, const struct contract *full,
                         const struct lowering *l)
{
    struct contract *lowered = compiled(l->schema);
    bool good = true;
    if (!lowered)
        return complain("it does not compile", target, schema, l, NULL);
    if (l->verdict == REFUTED && !contract_accepts(full, l->witness))
        good = complain("the witness is no value of the contract", target, schema, l, l->witness);
    for (int i = 0; good && i < VALUES; i++) {
        json_t *value = draw_value(d, 3);
        tally->values++;
        bool accepted = l->verdict == PROVEN && contract_accepts(full, value);
        tally->accepted += accepted;
        if (accepted && !fits_filled(l, lowered, value))
            good = complain("proven, and a value does not fit", target, schema, l, value);
        json_decref(value);
    }
    contract_unref(lowered);
    return good;
}

static bool check_schema(struct draw *d, struct tally *tally, const struct provider *provider,
                         const char *target, json_t *schema, const struct contract *full)
{
    struct lowering l;
    provider_lower(provider, full, &l);
    bool good = true;
    tally->proven += l.verdict == PROVEN;
    tally->refuted += l.verdict == REFUTED;
    tally->unknown += l.verdict == UNKNOWN;
    if (l.schema) {
        tally->lowered++;
        tally->narrowed += json_array_size(l.narrowed) > 0;
        good = check_left(target, schema, &l);
        if (good && l.verdict == REFUTED && json_array_size(l.narrowed) == 0)
            good = complain("refuted, and nothing was narrowed", target, schema, &l, l.witness);
        good = good && check_values(d, tally, target, schema, full, &l);
    }
    lowering_done(&l);
    return good;
}

static bool round_of(uint64_t seed, struct tally *tally, struct provider **providers)
{
    struct draw d = {.state = seed * 2654435761u + 1};
    d.focus = (enum focus)draw_below(&d, FOCUSES);
    json_t *schema = draw_schema(&d);
    struct contract *full = compiled(schema);
    bool good = true;
    for (size_t i = 0; full && good && provider_name(i); i++)
        good = check_schema(&d, tally, providers[i], provider_name(i), schema, full);
    tally->schemas++;
    contract_unref(full);
    json_decref(schema);
    return good;
}

int main(int argc, char **argv)
{
    unsigned long seconds = 5, seed = 1;
    struct provider *providers[8] = {NULL};
    struct tally tally = {0};
    bool good = true;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoul(argv[i + 1], NULL, 10);
    }
    for (size_t i = 0; provider_name(i); i++)
        if (provider_new(provider_name(i), &providers[i], NULL) != ERR_OK)
            return EXIT_FAILURE;
    time_t end = time(NULL) + (time_t)seconds;
    for (; good && time(NULL) < end; seed++)
        good = round_of(seed, &tally, providers);
    for (size_t i = 0; provider_name(i); i++)
        provider_free(providers[i]);
    printf("%lu schemas: %lu lowered, %lu proven, %lu refuted, %lu unknown, %lu narrowed, %lu "
           "values, %lu of them the contract's\n",
           tally.schemas, tally.lowered, tally.proven, tally.refuted, tally.unknown, tally.narrowed,
           tally.values, tally.accepted);
    if (!good)
        printf("again: fuzz-lower --seconds 1 --seed %lu\n", seed - 1);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

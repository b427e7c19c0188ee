/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for a value about which the fast program and the walk of nodes disagree. Schemas and values
 * are drawn from the same few names and strings; every other schema also gets branches that a
 * property tells apart, as schemas in the wild have them.
 *
 *     fuzz-accepts [--seconds N] [--seed S]
 */
#include "contain_draw.h"

#include "contract/walk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VALUES = 60 };

struct tally {
    unsigned long schemas, fused, values, accepted;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print(const char *what, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    printf("  %s: %s\n", what, text);
    free(text);
}

/* The string or strings by which one branch is known. */
static json_t *draw_telling(struct draw *d)
{
    static const char *const kinds[] = {"a", "b", "ab", "x1"};
    const char *kind = kinds[draw_below(d, 4)], *other = kinds[draw_below(d, 4)];
    if (draw_below(d, 3) == 0)
        return json_pack("{s:[s, s]}", "enum", kind, other);
    return json_pack("{s:s}", "const", kind);
}

static void add_branches(struct draw *d, json_t *schema)
{
    static const char *const more[] = {"b", "c"};
    json_t *branches = json_array();
    for (unsigned i = 0, count = 2 + draw_below(d, 3); i < count; i++) {
        json_t *branch = json_pack("{s:{s:o}}", "properties", "a", draw_telling(d));
        if (draw_below(d, 4) > 0)
            json_object_set_new(branch, "required", json_pack("[s]", "a"));
        if (draw_below(d, 2) == 0)
            json_object_set_new(json_object_get(branch, "properties"), more[draw_below(d, 2)],
                                json_pack("{s:s}", "type", draw_below(d, 2) ? "null" : "string"));
        json_array_append_new(
            branches, draw_below(d, 6) == 0 ? json_pack("{s:[o]}", "allOf", branch) : branch);
    }
    json_object_set_new(schema, draw_below(d, 2) ? "oneOf" : "anyOf", branches);
}

static bool agree(struct draw *d, const struct contract *contract, struct tally *tally)
{
    for (int i = 0; i < VALUES; i++) {
        json_t *value = draw_value(d, 3);
        bool fast = contract_accepts(contract, value);
        bool walked = walk_fits(contract, contract->root, value);
        tally->values++;
        tally->accepted += fast;
        if (fast != walked) {
            printf("DISAGREEMENT: the fast program says %s\n", fast ? "yes" : "no");
            print("schema", contract_schema(contract));
            print("value", value);
        }
        json_decref(value);
        if (fast != walked)
            return false;
    }
    return true;
}

static bool try(uint64_t seed, struct tally *tally)
{
    struct draw d = {.state = seed, .focus = (enum focus)(seed % FOCUSES)};
    struct contract *contract;
    struct error err;
    json_t *schema = draw_schema(&d);
    bool agrees = true;
    if (json_is_object(schema) && draw_below(&d, 2) == 0)
        add_branches(&d, schema);
    if (contract_compile(schema, NULL, &contract, &err) == ERR_OK) {
        tally->schemas++;
        tally->fused += contract->fused != NULL;
        agrees = agree(&d, contract, tally);
        contract_unref(contract);
    }
    json_decref(schema);
    if (!agrees)
        printf("again: fuzz-accepts --seed %llu --seconds 0\n", (unsigned long long)seed);
    return agrees;
}

int main(int argc, char **argv)
{
    double seconds = 10;
    uint64_t seed = (uint64_t)time(NULL) << 20;
    struct tally tally = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = atof(argv[i + 1]);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    double end = now() + seconds;
    bool agrees = true;
    do
        agrees = try(seed++, &tally);
    while (agrees && now() < end);
    printf("%lu schemas, %lu with a fast program; %lu values, %lu accepted\n", tally.schemas,
           tally.fused, tally.values, tally.accepted);
    return agrees ? 0 : 1;
}

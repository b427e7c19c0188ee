/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for an unsound answer about containment. Pairs of schemas are drawn: unrelated ones,
 * variants of one another, and pairs of which one must contain the other. A PROVEN answer must
 * survive values drawn at random and values made for the left schema (witnesses that it, narrowed
 * by a random schema, is not empty); a REFUTED one must have a witness that both contracts confirm.
 *
 *     fuzz-contain [--seconds N] [--seed S]
 */
#include "contain_draw.h"

#include "contract/contain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VALUES = 120, NARROWINGS = 4 };

struct tally {
    unsigned long pairs, proven, refuted, unknown, must, must_proven, values;
    uint64_t slowest; /* microseconds of a comparison */
};

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct contract *compiled(json_t *schema)
{
    struct contract *contract = NULL;
    struct error err;
    return contract_compile(schema, NULL, &contract, &err) ? NULL : contract;
}

static void print(const char *what, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    printf("  %s: %s\n", what, text);
    free(text);
}

static bool complain(const char *what, const json_t *sub, const json_t *super, const json_t *value)
{
    printf("UNSOUND: %s\n", what);
    print("sub", sub);
    print("super", super);
    if (value)
        print("value", value);
    return false;
}

static bool compare(struct tally *tally, const struct contract *sub, const struct contract *super,
                    struct comparison *ret)
{
    struct error err;
    uint64_t start = now_us();
    bool answered = contract_compare(sub, super, NULL, ret, &err) == ERR_OK;
    uint64_t took = now_us() - start;
    if (took > tally->slowest) {
        tally->slowest = took;
        if (getenv("FUZZ_SLOW") && took > 20000) {
            printf("%lu us: %s by %s\n", (unsigned long)took, verdict_name(ret->verdict),
                   ret->rule);
            print("sub", contract_schema(sub));
            print("super", contract_schema(super));
        }
    }
    return answered;
}

/* A value that the left accepts, if one is found when it is narrowed at random. */
static json_t *narrowed_value(struct draw *d, struct tally *tally, json_t *sub)
{
    json_t *narrow = json_pack("{s:[o, o]}", "allOf", draw_schema(d), json_deep_copy(sub));
    json_t *witness = NULL, *nothing = json_false();
    /* The references of the parts mean the new whole's $defs. */
    json_t *defs = json_object_get(sub, "$defs");
    if (defs)
        json_object_set(narrow, "$defs", defs);
    struct contract *left = compiled(narrow), *right = compiled(nothing);
    struct comparison answer;
    if (left && right && compare(tally, left, right, &answer)) {
        witness = json_incref(answer.witness);
        comparison_done(&answer);
    }
    contract_unref(left);
    contract_unref(right);
    json_decref(narrow);
    return witness;
}

static bool survives(struct draw *d, struct tally *tally, json_t *sub, json_t *super,
                     const struct contract *left, const struct contract *right)
{
    bool sound = true;
    for (unsigned i = 0; i < VALUES + NARROWINGS && sound; i++) {
        json_t *value = i < VALUES ? draw_value(d, 3) : narrowed_value(d, tally, sub);
        if (!value)
            continue;
        tally->values++;
        if (contract_accepts(left, value) && !contract_accepts(right, value))
            sound = complain("PROVEN, but this value is a counterexample", sub, super, value);
        json_decref(value);
    }
    return sound;
}

static bool check(struct draw *d, struct tally *tally, json_t *sub, json_t *super, bool must)
{
    struct contract *left = compiled(sub), *right = compiled(super);
    struct comparison answer;
    bool sound = true;
    if (left && right && compare(tally, left, right, &answer)) {
        tally->pairs++;
        tally->proven += answer.verdict == PROVEN;
        tally->refuted += answer.verdict == REFUTED;
        tally->unknown += answer.verdict == UNKNOWN;
        tally->must += must;
        tally->must_proven += must && answer.verdict == PROVEN;
        if (answer.verdict == PROVEN)
            sound = survives(d, tally, sub, super, left, right);
        if (answer.verdict == REFUTED && must)
            sound = complain("REFUTED, but it holds by construction", sub, super, answer.witness);
        if (answer.verdict == REFUTED &&
            (!contract_accepts(left, answer.witness) || contract_accepts(right, answer.witness)))
            sound = complain("REFUTED by what is no witness", sub, super, answer.witness);
        if (answer.verdict == UNKNOWN && getenv("FUZZ_UNKNOWN")) {
            printf("unknown: %s (%s)\n", answer.rule, answer.reason);
            print("sub", sub);
            print("super", super);
        }
        comparison_done(&answer);
    }
    contract_unref(left);
    contract_unref(right);
    return sound;
}

/* `keyword` over the schema and another, with the schema's $defs where it looks for them. */
static json_t *wrapped(struct draw *d, const char *keyword, json_t *schema)
{
    json_t *other = draw_schema(d);
    json_t *list =
        draw_below(d, 2) ? json_pack("[O, O]", schema, other) : json_pack("[O, O]", other, schema);
    json_t *whole = json_pack("{s:o}", keyword, list);
    json_t *defs = json_object_get(schema, "$defs");
    if (defs)
        json_object_set(whole, "$defs", defs);
    json_decref(other);
    return whole;
}

/* References to "#" would mean the new root. */
static bool refers_to_root(const json_t *schema)
{
    char *text = json_dumps(schema, JSON_COMPACT);
    bool refers = text && strstr(text, "\"$ref\":\"#\"");
    free(text);
    return refers;
}

static bool round_of(struct draw *d, struct tally *tally)
{
    json_t *a = draw_schema(d), *b = draw_schema(d), *variant = draw_variant(d, a);
    bool sound = check(d, tally, a, b, false) && check(d, tally, a, variant, false) &&
                 check(d, tally, variant, a, false) && check(d, tally, a, a, true);
    if (sound && !refers_to_root(a)) {
        json_t *any = wrapped(d, "anyOf", a), *all = wrapped(d, "allOf", a);
        sound = check(d, tally, a, any, true) && check(d, tally, all, a, true);
        json_decref(any);
        json_decref(all);
    }
    json_decref(a);
    json_decref(b);
    json_decref(variant);
    return sound;
}

int main(int argc, char **argv)
{
    uint64_t seconds = 20, seed = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    struct tally tally = {0};
    bool sound = true;
    uint64_t end = now_us() + seconds * 1000000, first = seed;
    for (; sound && now_us() < end; seed += sound) {
        struct draw draw = {.state = seed * 1000003, .focus = (enum focus)(seed % FOCUSES)};
        sound = round_of(&draw, &tally);
    }
    if (!sound)
        printf("again: fuzz-contain --seconds 1 --seed %llu\n", (unsigned long long)seed);
    printf("seeds %llu to %llu: %lu pairs: %lu proven, %lu refuted, %lu unknown; of %lu that hold "
           "by construction %lu proven; %lu values tried; slowest %.1f ms\n",
           (unsigned long long)first, (unsigned long long)seed, tally.pairs, tally.proven,
           tally.refuted, tally.unknown, tally.must, tally.must_proven, tally.values,
           (double)tally.slowest / 1000);
    return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for an unsound inference. Schemas for a scope are drawn, and values that fit them, and
 * mappings. What a mapping gives must fit the inferred shape; where it fails, a note must have said
 * that it may; where a note says that it fails, it must.
 *
 *     fuzz-infer [--seconds N] [--seed S] [--rounds N]
 */
#include "infer_draw.h"

#include "mapping/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAPPINGS = 24, SCOPES = 10, TRIES = 12, PARTS = 4 };

/* What a scope is made of: the input, the item, and the outputs of two steps, of which the second
 * may be missing. */
struct world {
    struct contract *contracts[PARTS];
    json_t *schemas[PARTS];
    struct shapes *shapes;
    struct shape known[PARTS];
    json_t *values[SCOPES][PARTS]; /* NULL: missing */
    bool wrong;
};

struct tally {
    unsigned long mappings, values, errors, notes, nevers, any;
};

static const char *const steps[] = {"one", "two"};
static const struct mapping_names all_names = {
    .roots = ROOT_INPUT | ROOT_STEPS | ROOT_ITEM, .steps = steps, .step_count = 2};

/* ---- the world ---- */

static void print(const char *what, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    printf("  %s: %s\n", what, text);
    free(text);
}

static json_t *fitting_value(struct draw *d, const struct contract *contract, bool plain)
{
    for (unsigned i = 0; i < TRIES; i++) {
        json_t *value = plain ? draw_fitting(d, contract_schema(contract), 3) : draw_value(d, 3);
        if (contract_accepts(contract, value))
            return value;
        json_decref(value);
    }
    return NULL;
}

/* Whether the shape of a contract means what the contract means. */
static bool means_the_same(struct draw *d, struct world *w, size_t part)
{
    struct contract *written = NULL;
    struct error err;
    json_t *value = NULL;
    bool same = shape_contract(w->shapes, &w->known[part], &written, &err) == ERR_OK;
    for (unsigned i = 0; same && i < TRIES; i++) {
        json_decref(value);
        value = draw_value(d, 3);
        same = contract_accepts(w->contracts[part], value) == contract_accepts(written, value) ||
               json_is_true(w->known[part].schema);
    }
    if (!same) {
        printf("UNSOUND: the shape of a contract is another (%s)\n", written ? "" : err.text);
        print("contract", w->schemas[part]);
        print("shape", w->known[part].schema);
        print("value", value);
    }
    json_decref(value);
    contract_unref(written);
    return same;
}

static bool part_begin(struct draw *d, struct world *w, size_t part)
{
    bool plain = draw_below(d, 4) != 0;
    w->schemas[part] = plain ? draw_contract(d, 2) : draw_schema(d);
    if (contract_compile(w->schemas[part], NULL, &w->contracts[part], NULL) != ERR_OK)
        return false;
    w->known[part] = shape_of_contract(w->shapes, w->contracts[part]);
    w->wrong = w->wrong || !means_the_same(d, w, part);
    for (size_t i = 0; i < SCOPES; i++) {
        w->values[i][part] = fitting_value(d, w->contracts[part], plain);
        bool missing = part == PARTS - 1 && draw_below(d, 3) == 0;
        if (missing) {
            json_decref(w->values[i][part]);
            w->values[i][part] = NULL;
        } else if (!w->values[i][part]) {
            return false;
        }
    }
    w->known[PARTS - 1].presence = PRESENCE_MAYBE;
    return true;
}

static void world_done(struct world *w)
{
    for (size_t i = 0; i < PARTS; i++) {
        contract_unref(w->contracts[i]);
        json_decref(w->schemas[i]);
        shape_done(&w->known[i]);
        for (size_t j = 0; j < SCOPES; j++)
            json_decref(w->values[j][i]);
    }
    shapes_free(w->shapes);
}

static struct shape known_step(const void *user, size_t step, bool status)
{
    const struct world *w = user;
    return status ? shape_of_types(1u << JSON_STRING) : shape_copy(&w->known[2 + step]);
}

struct outputs {
    json_t *const *values;
    json_t *status;
};

static const json_t *step_value(const void *user, size_t step, bool status)
{
    const struct outputs *outputs = user;
    return status ? outputs->status : outputs->values[2 + step];
}

/* ---- the claims ---- */

static void complain(const char *what, struct world *w, size_t scope, const json_t *template,
                     const struct inference *inference, const json_t *value)
{
    static const char *const parts[PARTS] = {"input", "item", "one", "two"};
    printf("UNSOUND: %s\n", what);
    print("mapping", template);
    for (size_t i = 0; i < PARTS; i++) {
        print(parts[i], w->schemas[i]);
        if (w->values[scope][i])
            print("  is", w->values[scope][i]);
    }
    json_t *document = shape_document(w->shapes, &inference->shape);
    print("inferred", document);
    json_decref(document);
    for (size_t i = 0; i < inference->note_count; i++)
        printf("  note %d %s: %s\n", (int)inference->notes[i].kind, inference->notes[i].rule,
               inference->notes[i].text);
    if (value)
        print("found", value);
}

static bool has_kind(const struct inference *inference, enum inference_kind kind)
{
    for (size_t i = 0; i < inference->note_count; i++)
        if (inference->notes[i].kind == kind)
            return true;
    return false;
}

/* Errors that no contract can prevent, see infer.c. */
static bool excused(const struct error *err)
{
    return err->code == ERR_LIMIT || strstr(err->text, "larger than any number") ||
           strstr(err->text, "u0000");
}

static bool evaluate_in(struct world *w, size_t at, const struct mapping *mapping,
                        json_t **ret_value, struct error *reterr)
{
    json_t *const *values = w->values[at];
    json_t *status = json_string("done");
    struct outputs outputs = {values, status};
    struct scope scope = {.input = values[0],
                          .item = values[1],
                          .index = (int64_t)at,
                          .step = step_value,
                          .user = &outputs};
    bool done = mapping_evaluate(mapping, &scope, ret_value, reterr) == ERR_OK;
    json_decref(status);
    return done;
}

static bool holds_in(struct world *w, size_t at, const struct mapping *mapping,
                     const json_t *template, const struct inference *inference,
                     const struct contract *shape, struct tally *tally)
{
    struct error err = {ERR_OK, ""};
    json_t *value = NULL;
    bool sound = true;
    if (!evaluate_in(w, at, mapping, &value, &err)) {
        tally->errors++;
        if (!excused(&err) && !has_kind(inference, INFERENCE_FAILS) &&
            !has_kind(inference, INFERENCE_MAY_FAIL)) {
            complain(err.text, w, at, template, inference, NULL);
            sound = false;
        }
    } else {
        tally->values++;
        sound = contract_accepts(shape, value) && !has_kind(inference, INFERENCE_FAILS);
        if (!sound)
            complain(contract_accepts(shape, value) ? "a note says that it fails" : "the shape", w,
                     at, template, inference, value);
    }
    json_decref(value);
    return sound;
}

/* What is inferred case by case allows no less than what comes. */
static bool cases_hold(struct world *w, const struct mapping *mapping, const json_t *template,
                       const struct inference_scope *scope)
{
    enum { UNIONS = 3 };
    struct inference inference;
    bool sound = true;
    for (size_t nth = 0; sound && nth < UNIONS; nth++) {
        struct contract *shape = NULL;
        struct error err;
        if (!mapping_infer_cases(mapping, scope, nth, &inference))
            break;
        sound = shape_contract(w->shapes, &inference.shape, &shape, &err) == ERR_OK;
        for (size_t i = 0; sound && i < SCOPES; i++) {
            json_t *value = NULL;
            sound = !evaluate_in(w, i, mapping, &value, NULL) || contract_accepts(shape, value);
            if (!sound)
                complain("the cases", w, i, template, &inference, value);
            json_decref(value);
        }
        contract_unref(shape);
        inference_done(&inference);
    }
    return sound;
}

static bool holds(struct world *w, const struct mapping *mapping, const json_t *template,
                  struct tally *tally)
{
    struct inference_scope scope = {.shapes = w->shapes,
                                    .input = &w->known[0],
                                    .item = &w->known[1],
                                    .step = known_step,
                                    .user = w};
    struct inference inference;
    struct contract *shape = NULL;
    struct error err;
    mapping_infer(mapping, &scope, &inference);
    bool sound = shape_contract(w->shapes, &inference.shape, &shape, &err) == ERR_OK;
    if (!sound)
        complain(err.text, w, 0, template, &inference, NULL);
    tally->mappings++;
    tally->notes += inference.note_count;
    tally->nevers += has_kind(&inference, INFERENCE_NEVER);
    tally->any += json_is_true(inference.shape.schema);
    for (size_t i = 0; sound && i < SCOPES; i++)
        sound = holds_in(w, i, mapping, template, &inference, shape, tally);
    sound = sound && cases_hold(w, mapping, template, &scope);
    contract_unref(shape);
    inference_done(&inference);
    return sound;
}

static bool gives_a_value(struct world *w, const struct mapping *mapping)
{
    bool gives = false;
    for (size_t i = 0; !gives && i < SCOPES; i++) {
        json_t *value = NULL;
        gives = evaluate_in(w, i, mapping, &value, NULL);
        json_decref(value);
    }
    return gives;
}

/* One that gives a value somewhere, more often than not; NULL where the parser refused all. */
static struct mapping *draw_mapping(struct draw *d, struct world *w, json_t **ret_template)
{
    struct mapping *mapping = NULL;
    struct error err;
    for (unsigned i = 0; i < TRIES; i++) {
        mapping_free(mapping);
        json_decref(*ret_template);
        mapping = NULL;
        *ret_template = draw_template(d);
        enum error_code code = mapping_parse(*ret_template, &all_names, &mapping, &err);
        if (code == ERR_OK && (draw_below(d, TRIES) == 0 || gives_a_value(w, mapping)))
            break;
        if (code != ERR_OK && getenv("FUZZ_REFUSED"))
            printf("%s: %s\n", json_string_value(*ret_template), err.text);
    }
    return mapping;
}

static bool round_of(struct draw *d, struct tally *tally)
{
    struct world w = {.shapes = shapes_new()};
    bool sound = true, whole = true;
    for (size_t i = 0; whole && i < PARTS; i++)
        whole = part_begin(d, &w, i);
    sound = !w.wrong;
    for (size_t i = 0; whole && sound && i < MAPPINGS; i++) {
        json_t *template = NULL;
        struct mapping *mapping = draw_mapping(d, &w, &template);
        sound = !mapping || holds(&w, mapping, template, tally);
        mapping_free(mapping);
        json_decref(template);
    }
    world_done(&w);
    return sound;
}

static uint64_t number_after(int argc, char **argv, const char *option, uint64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], option) == 0)
            return strtoull(argv[i + 1], NULL, 10);
    return otherwise;
}

int main(int argc, char **argv)
{
    uint64_t seconds = number_after(argc, argv, "--seconds", 20);
    uint64_t seed = number_after(argc, argv, "--seed", 1), first = seed;
    uint64_t rounds = number_after(argc, argv, "--rounds", UINT64_MAX);
    struct tally tally = {0};
    bool sound = true;
    time_t end = time(NULL) + (time_t)seconds;
    for (; sound && time(NULL) < end && seed - first < rounds; seed += sound) {
        struct draw draw = {.state = seed * 1000003, .focus = (enum focus)(seed % FOCUSES)};
        sound = round_of(&draw, &tally);
    }
    if (!sound)
        printf("again: fuzz-infer --rounds 1 --seed %llu\n", (unsigned long long)seed);
    printf(
        "seeds %llu to %llu: %lu mappings, %lu of them anything; %lu values fit, %lu errors were "
        "foretold; %lu notes, %lu paths are never there\n",
        (unsigned long long)first, (unsigned long long)seed, tally.mappings, tally.any,
        tally.values, tally.errors, tally.notes, tally.nevers);
    return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}

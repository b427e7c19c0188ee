/* SPDX-License-Identifier: Apache-2.0
 *
 * One table names every knob; the command line, POST /_knobs and its answer are all read from it.
 */
#include "knobs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum knob_kind { KNOB_CHANCE, KNOB_NUMBER, KNOB_SWITCH };

struct knob {
    const char *name;
    enum knob_kind kind;
    size_t at;
};

#define KNOB(name, kind, member)                                                                   \
    {                                                                                              \
        name, kind, offsetof(struct knobs, member)                                                 \
    }

static const struct knob KNOBS[] = {
    KNOB("seed", KNOB_NUMBER, seed),
    KNOB("fail-before", KNOB_CHANCE, fail_before),
    KNOB("busy", KNOB_CHANCE, busy),
    KNOB("commit-then-503", KNOB_CHANCE, commit_then_503),
    KNOB("commit-then-drop", KNOB_CHANCE, commit_then_drop),
    KNOB("commit-late", KNOB_CHANCE, commit_late),
    KNOB("answer-late", KNOB_CHANCE, answer_late),
    KNOB("garbage", KNOB_CHANCE, garbage),
    KNOB("late-ms", KNOB_NUMBER, late_ms),
    KNOB("answer-late-ms", KNOB_NUMBER, answer_late_ms),
    KNOB("latency-ms", KNOB_NUMBER, latency_ms),
    KNOB("honour-key", KNOB_SWITCH, honour_key),
};

enum { KNOB_COUNT = sizeof(KNOBS) / sizeof(KNOBS[0]), NUMBER_MAXIMUM = 1000000000 };

struct knobs knobs_default(void)
{
    return (struct knobs){.seed = 1, .late_ms = 500, .answer_late_ms = 1500, .honour_key = true};
}

static double *chance_of(struct knobs *k, const struct knob *knob)
{
    return (double *)(void *)((char *)k + knob->at);
}

static int64_t *number_of(struct knobs *k, const struct knob *knob)
{
    return (int64_t *)(void *)((char *)k + knob->at);
}

static bool *switch_of(struct knobs *k, const struct knob *knob)
{
    return (bool *)(void *)((char *)k + knob->at);
}

/* The two spellings differ in '-' and '_' alone. */
static const struct knob *find_knob(const char *name)
{
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        const char *a = KNOBS[i].name, *b = name;
        while (*a != '\0' && (*a == *b || (*a == '-' && *b == '_')))
            a++, b++;
        if (*a == '\0' && *b == '\0')
            return &KNOBS[i];
    }
    return NULL;
}

static bool within_limits(struct knobs *k, char *ret_why, size_t size)
{
    double sum = 0;
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        double chance = KNOBS[i].kind == KNOB_CHANCE ? *chance_of(k, &KNOBS[i]) : 0;
        int64_t number = KNOBS[i].kind == KNOB_NUMBER ? *number_of(k, &KNOBS[i]) : 0;
        if (!isfinite(chance) || chance < 0 || chance > 1) {
            snprintf(ret_why, size, "%s: expected a probability from 0 to 1", KNOBS[i].name);
            return false;
        }
        if (number < 0 || number > NUMBER_MAXIMUM) {
            snprintf(ret_why, size, "%s: expected 0 to %d", KNOBS[i].name, NUMBER_MAXIMUM);
            return false;
        }
        sum += chance;
    }
    if (sum > 1 + 1e-9) {
        snprintf(ret_why, size, "the probabilities add up to %g, more than 1", sum);
        return false;
    }
    return true;
}

static bool set_from_text(struct knobs *k, const struct knob *knob, const char *value)
{
    char *end = NULL;
    errno = 0;
    switch (knob->kind) {
    case KNOB_CHANCE:
        *chance_of(k, knob) = strtod(value, &end);
        break;
    case KNOB_NUMBER:
        *number_of(k, knob) = strtoll(value, &end, 10);
        break;
    case KNOB_SWITCH:
        *switch_of(k, knob) = strcmp(value, "yes") == 0;
        return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
    }
    return errno == 0 && end != value && *end == '\0';
}

bool knobs_set(struct knobs *k, const char *name, const char *value, char *ret_why, size_t size)
{
    const struct knob *knob = find_knob(name);
    if (knob == NULL) {
        snprintf(ret_why, size, "there is no knob %s", name);
        return false;
    }
    struct knobs changed = *k;
    if (!set_from_text(&changed, knob, value)) {
        snprintf(ret_why, size, "%s: expected %s, found %s", name,
                 knob->kind == KNOB_SWITCH ? "yes or no" : "a number", value);
        return false;
    }
    if (!within_limits(&changed, ret_why, size))
        return false;
    *k = changed;
    return true;
}

static bool set_from_json(struct knobs *k, const struct knob *knob, const json_t *value)
{
    switch (knob->kind) {
    case KNOB_CHANCE:
        *chance_of(k, knob) = json_number_value(value);
        return json_is_number(value);
    case KNOB_NUMBER:
        *number_of(k, knob) = json_integer_value(value);
        return json_is_integer(value);
    case KNOB_SWITCH:
        *switch_of(k, knob) = json_is_true(value);
        return json_is_boolean(value);
    }
    return false;
}

bool knobs_set_json(struct knobs *k, const json_t *changes, char *ret_why, size_t size)
{
    if (!json_is_object(changes)) {
        snprintf(ret_why, size, "expected an object of knobs");
        return false;
    }
    struct knobs changed = *k;
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)changes, name, value) {
        const struct knob *knob = find_knob(name);
        if (knob == NULL || !set_from_json(&changed, knob, value)) {
            snprintf(ret_why, size, "%s: %s", name,
                     knob == NULL ? "there is no such knob" : "the value is of the wrong type");
            return false;
        }
    }
    if (!within_limits(&changed, ret_why, size))
        return false;
    *k = changed;
    return true;
}

json_t *knobs_json(const struct knobs *k)
{
    json_t *all = json_object();
    struct knobs copy = *k;
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", KNOBS[i].name);
        for (char *c = strchr(name, '-'); c != NULL; c = strchr(c, '-'))
            *c = '_';
        switch (KNOBS[i].kind) {
        case KNOB_CHANCE:
            json_object_set_new(all, name, json_real(*chance_of(&copy, &KNOBS[i])));
            break;
        case KNOB_NUMBER:
            json_object_set_new(all, name, json_integer(*number_of(&copy, &KNOBS[i])));
            break;
        case KNOB_SWITCH:
            json_object_set_new(all, name, json_boolean(*switch_of(&copy, &KNOBS[i])));
            break;
        }
    }
    return all;
}

/* The finaliser of splitmix64: every bit of the input moves every bit of the output. */
static uint64_t scramble(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

enum fate knobs_draw(const struct knobs *k, int64_t n, bool is_read)
{
    uint64_t hash = scramble((uint64_t)k->seed ^ scramble((uint64_t)n));
    double draw = (double)(hash >> 11) * 0x1p-53;
    bool drop = (hash & 1) != 0; /* the low bits take no part in the draw */
    const struct {
        double chance;
        enum fate fate;
        bool of_reads;
    } table[] = {
        {k->fail_before, FATE_FAIL_BEFORE, true},
        {k->busy, FATE_BUSY, true},
        {k->answer_late, FATE_ANSWER_LATE, true},
        {k->garbage, FATE_GARBAGE, true},
        {k->commit_then_503, FATE_COMMIT_THEN_503, false},
        {k->commit_then_drop, FATE_COMMIT_THEN_DROP, false},
        {k->commit_late, drop ? FATE_COMMIT_LATE_DROP : FATE_COMMIT_LATE_503, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (draw < table[i].chance)
            return is_read && !table[i].of_reads ? FATE_WELL : table[i].fate;
        draw -= table[i].chance;
    }
    return FATE_WELL;
}

const char *fate_text(enum fate fate)
{
    switch (fate) {
#define X(name, text)                                                                              \
    case FATE_##name:                                                                              \
        return text;
        FATES(X)
#undef X
    }
    return "?";
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Wording what did not hold: "expected …, found …". Ops whose children speak for themselves say
 * nothing of their own. Of an anyOf or oneOf that no branch fits, the leaves of the nearest branch
 * are told, and then that there were others. Here allocation is allowed: the value is wrong
 * already.
 */
#include "contract/walk_internal.h"

#include "base/limits.h"
#include "base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_MAX = 2048, LISTED_MAX = 12, SUGGESTED_MAX = 200, SUGGESTED_LENGTH = 3 };

/* As suggest, for names that are long enough for a slip of the pen to be told from another name. */
static const char *suggest_name(struct slice name, const char *const *candidates, size_t count)
{
    return name.len < SUGGESTED_LENGTH ? NULL : suggest(name, candidates, count);
}

/* "expected <format>, found <value><note>". */
static void expected(struct walk *w, const struct op *op, const json_t *value, const char *note,
                     const char *format, ...) PRINTF_LIKE(5, 6);

static void expected(struct walk *w, const struct op *op, const json_t *value, const char *note,
                     const char *format, ...)
{
    AUTO(text_done) struct text found;
    char *words;
    va_list args;
    text_init(&found, SHOWN_MAX);
    if (is_dressed_name(value))
        text_adds(&found, "the property name ");
    value_show(&found, value);
    va_start(args, format);
    if (vasprintf(&words, format, args) < 0)
        words = xstrdup("?");
    va_end(args);
    report_add(w, op, (enum keyword)op->keyword, "expected %s, found %s%s", words, text_str(&found),
               note);
    free(words);
}

/* A property that the schema names, and the object lacks, spelled like the one that is too many. */
static const char *meant_property(const struct walk *w, const struct origin *origin)
{
    const char *candidates[SUGGESTED_MAX];
    size_t count = 0;
    const json_t *map = json_object_get(w->contract->origins[origin->parent].json, "properties");
    struct entry e;
    for (bool more = entry_first(map, &e); more && count < SUGGESTED_MAX;
         more = entry_next(map, &e))
        candidates[count++] = e.key.ptr;
    return suggest_name(w->place->key, candidates, count);
}

static void explain_never(struct walk *w, const struct op *op, const json_t *value)
{
    const struct origin *origin = &w->contract->origins[op->node];
    AUTO(text_done) struct text name, note;
    text_init(&name, SHOWN_MAX);
    text_init(&note, SHOWN_MAX);
    if (!w->place || origin->parent == NO_NODE) {
        expected(w, op, value, "", "nothing (the schema is false)");
    } else if (!w->place->named) {
        expected(w, op, value, "", "no item at index %zu", w->place->index);
    } else {
        const char *near = meant_property(w, origin);
        if (near) {
            text_adds(&note, "; did you mean ");
            name_show(&note, slice_of(near));
            text_addc(&note, '?');
        }
        name_show(&name, w->place->key);
        expected(w, op, value, text_str(&note), "no property %s", text_str(&name));
    }
}

static void explain_type(struct walk *w, const struct op *op, const json_t *value)
{
    AUTO(text_done) struct text types;
    text_init(&types, SHOWN_MAX);
    types_show(&types, op->as.type.types);
    expected(w, op, value, "", "%s", text_str(&types));
}

static void explain_const(struct walk *w, const struct op *op, const json_t *value)
{
    AUTO(text_done) struct text shown;
    text_init(&shown, SHOWN_MAX);
    value_show(&shown, op->as.value);
    expected(w, op, value, "", "%s", text_str(&shown));
}

static const char *nearest_string(const json_t *list, const json_t *value)
{
    const char *candidates[SUGGESTED_MAX];
    size_t count = 0;
    if (!json_is_string(value))
        return NULL;
    for (size_t i = 0; i < json_array_size(list) && count < SUGGESTED_MAX; i++)
        if (json_is_string(json_array_get(list, i)))
            candidates[count++] = json_string_value(json_array_get(list, i));
    return suggest_name(string_of(value), candidates, count);
}

static void explain_enum(struct walk *w, const struct op *op, const json_t *value)
{
    const json_t *list = json_object_get(w->contract->origins[op->node].json, "enum");
    AUTO(text_done) struct text shown, note;
    text_init(&shown, SHOWN_MAX);
    text_init(&note, SHOWN_MAX);
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
        text_adds(&shown, i == 0 ? "" : i + 1 == count ? " or " : ", ");
        value_show(&shown, json_array_get(list, i));
    }
    if (count > LISTED_MAX)
        text_addf(&shown, " or one of %zu more", count - LISTED_MAX);
    const char *near = nearest_string(list, value);
    if (near) {
        text_adds(&note, "; did you mean ");
        name_show(&note, slice_of(near));
        text_addc(&note, '?');
    }
    expected(w, op, value, text_str(&note), "%s", count ? text_str(&shown) : "nothing");
}

static void explain_bound(struct walk *w, const struct op *op, const json_t *value)
{
    static const char *const relations[] = {
        [OP_MINIMUM] = "at least",
        [OP_EXCLUSIVE_MINIMUM] = "more than",
        [OP_MAXIMUM] = "at most",
        [OP_EXCLUSIVE_MAXIMUM] = "less than",
    };
    if (op->as.bound.integer)
        expected(w, op, value, "", "%s %lld", relations[op->code], (long long)op->as.bound.i);
    else
        expected(w, op, value, "", "%s %.16g", relations[op->code], op->as.bound.d);
}

static void explain_multiple(struct walk *w, const struct op *op, const json_t *value)
{
    AUTO(text_done) struct text divisor;
    text_init(&divisor, SHOWN_MAX);
    value_show(&divisor, json_object_get(w->contract->origins[op->node].json, "multipleOf"));
    expected(w, op, value, "", "a multiple of %s", text_str(&divisor));
}

static size_t characters(struct slice s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count;
}

static void explain_count(struct walk *w, const struct op *op, const json_t *value)
{
    static const struct {
        const char *relation, *one, *many;
    } words[] = {
        [OP_MIN_LENGTH] = {"a string of at least", "character", "characters"},
        [OP_MAX_LENGTH] = {"a string of at most", "character", "characters"},
        [OP_MIN_ITEMS] = {"at least", "item", "items"},
        [OP_MAX_ITEMS] = {"at most", "item", "items"},
        [OP_MIN_PROPERTIES] = {"at least", "property", "properties"},
        [OP_MAX_PROPERTIES] = {"at most", "property", "properties"},
    };
    size_t found = json_is_string(value)  ? characters(string_of(value))
                   : json_is_array(value) ? json_array_size(value)
                                          : json_object_size(value);
    char note[64];
    snprintf(note, sizeof(note), ", which has %zu", found);
    expected(w, op, value, note, "%s %zu %s", words[op->code].relation, op->as.count,
             op->as.count == 1 ? words[op->code].one : words[op->code].many);
}

static void explain_unique(struct walk *w, const struct op *op, const json_t *value)
{
    size_t first = 0, second = 0;
    AUTO(text_done) struct text shown;
    text_init(&shown, SHOWN_MAX);
    array_repeats(value, &first, &second);
    value_show(&shown, json_array_get(value, first));
    report_add(w, op, KW_UNIQUE_ITEMS, "expected no item twice, found %s at index %zu and at %zu",
               text_str(&shown), first, second);
}

static void explain_contains(struct walk *w, const struct op *op, const json_t *value)
{
    size_t found = contains_count(w, op, value);
    bool few = found < op->as.contains.min;
    unsigned limit = few ? op->as.contains.min : op->as.contains.max;
    const json_t *schema = w->contract->origins[op->node].json;
    enum keyword keyword = !few                                     ? KW_MAX_CONTAINS
                           : json_object_get(schema, "minContains") ? KW_MIN_CONTAINS
                                                                    : KW_CONTAINS;
    report_add(w, op, keyword, "expected at %s %u item%s as `contains` asks, found %zu of %zu",
               few ? "least" : "most", limit, limit == 1 ? "" : "s", found, json_array_size(value));
}

/* A property that is there and that the schema does not name, spelled like the missing one. */
static const char *misspelled(const struct object_rule *rule, const json_t *value,
                              struct slice missing)
{
    const char *candidates[SUGGESTED_MAX];
    size_t count = 0;
    struct entry e;
    for (bool more = entry_first(value, &e); more && count < SUGGESTED_MAX;
         more = entry_next(value, &e))
        if (!names_find(&rule->names, e.key))
            candidates[count++] = e.key.ptr;
    return suggest_name(missing, candidates, count);
}

static void report_missing(struct walk *w, const struct op *op, const json_t *value,
                           enum keyword keyword, struct slice missing, const char *near)
{
    AUTO(text_done) struct text name, found, note;
    text_init(&name, SHOWN_MAX);
    text_init(&found, SHOWN_MAX);
    text_init(&note, SHOWN_MAX);
    name_show(&name, missing);
    value_show(&found, value);
    if (near) {
        text_adds(&note, "; is ");
        name_show(&note, slice_of(near));
        text_adds(&note, " misspelled?");
    }
    report_add(w, op, keyword, "expected the property %s, found %s without it%s", text_str(&name),
               text_str(&found), text_str(&note));
}

static void explain_object(struct walk *w, const struct op *op, const json_t *value)
{
    const struct object_rule *rule = op->as.object;
    for (size_t i = 0; i < rule->names.count; i++) {
        const struct name *name = &rule->names.list[i];
        if (name->required && !json_object_getn(value, name->text.ptr, name->text.len))
            report_missing(w, op, value, KW_REQUIRED, name->text,
                           misspelled(rule, value, name->text));
    }
}

static void explain_dependent(struct walk *w, const struct op *op, const json_t *value)
{
    const struct dependent *d = op->as.dependent;
    AUTO(text_done) struct text name, need, found;
    text_init(&name, SHOWN_MAX);
    text_init(&need, SHOWN_MAX);
    text_init(&found, SHOWN_MAX);
    name_show(&name, d->name);
    value_show(&found, value);
    for (size_t i = 0; i < d->need_count; i++) {
        if (json_object_getn(value, d->needs[i].ptr, d->needs[i].len))
            continue;
        text_clear(&need);
        name_show(&need, d->needs[i]);
        report_add(w, op, (enum keyword)op->keyword,
                   "expected the property %s, which goes with %s, found %s without it",
                   text_str(&need), text_str(&name), text_str(&found));
    }
}

/* Asks each branch for its reasons; keeps the nearest. */
static struct report nearest_branch(struct walk *w, const struct op *op, const json_t *value,
                                    uint32_t *ret_index, unsigned *ret_types)
{
    const uint32_t *children = w->contract->children + op->as.children.first;
    struct report *outer = w->report, nearest = {0};
    unsigned types = 0;
    bool all_types = true;
    for (uint32_t i = 0; i < op->as.children.count && !w->stopped; i++) {
        struct report branch = {.level = w->level, .deepest = w->level};
        w->report = &branch;
        evaluate(w, children[i], value, NULL);
        all_types &= branch.types != 0;
        types |= branch.types;
        if (i == 0 || report_nearer(&branch, &nearest)) {
            violations_done(&nearest.list);
            nearest = branch;
            *ret_index = i;
        } else {
            violations_done(&branch.list);
        }
    }
    w->report = outer;
    *ret_types = all_types ? types : 0;
    return nearest;
}

static void explain_branches(struct walk *w, const struct op *op, const json_t *value)
{
    uint32_t index = 0;
    unsigned types = 0;
    const char *keyword = keyword_rows[op->keyword].spelling;
    struct report nearest = nearest_branch(w, op, value, &index, &types);
    if (w->stopped) {
        violations_done(&nearest.list);
    } else if (types) {
        AUTO(text_done) struct text shown;
        text_init(&shown, SHOWN_MAX);
        types_show(&shown, types);
        violations_done(&nearest.list);
        w->report->types |= w->level == w->report->level ? types : 0;
        w->report->mismatch = w->level == w->report->level ? 2 : w->report->mismatch;
        expected(w, op, value, "", "%s", text_str(&shown));
    } else {
        report_move(w->report, &nearest);
        expected(w, op, value, "", "a value that fits one of the %u schemas of %s (nearest: %u)",
                 (unsigned)op->as.children.count, keyword, (unsigned)index);
    }
}

static void explain_one_of(struct walk *w, const struct op *op, const json_t *value)
{
    const uint32_t *children = w->contract->children + op->as.children.first;
    unsigned fitting[2] = {0, 0}, count = 0;
    for (uint32_t i = 0; i < op->as.children.count && count < 2; i++)
        if (evaluate_muted(w, children[i], value, NULL))
            fitting[count++] = i;
    if (count < 2)
        explain_branches(w, op, value);
    else
        expected(w, op, value, "",
                 "a value that fits exactly one schema of oneOf, not both %u and %u", fitting[0],
                 fitting[1]);
}

void explain_op(struct walk *w, const struct op *op, const json_t *value)
{
    if (report_full(w->report))
        return;
    switch ((enum op_code)op->code) {
    case OP_NEVER:
        explain_never(w, op, value);
        break;
    case OP_TYPE:
        explain_type(w, op, value);
        break;
    case OP_CONST:
        explain_const(w, op, value);
        break;
    case OP_ENUM:
    case OP_ENUM_STRINGS:
        explain_enum(w, op, value);
        break;
    case OP_MINIMUM:
    case OP_EXCLUSIVE_MINIMUM:
    case OP_MAXIMUM:
    case OP_EXCLUSIVE_MAXIMUM:
        explain_bound(w, op, value);
        break;
    case OP_MULTIPLE_OF:
        explain_multiple(w, op, value);
        break;
    case OP_MIN_LENGTH:
    case OP_MAX_LENGTH:
    case OP_MIN_ITEMS:
    case OP_MAX_ITEMS:
    case OP_MIN_PROPERTIES:
    case OP_MAX_PROPERTIES:
        explain_count(w, op, value);
        break;
    case OP_FORMAT:
        expected(w, op, value, "", "%s, as %s", op->as.format->name, op->as.format->like);
        break;
    case OP_PATTERN:
        expected(w, op, value, "", "a string that matches %.*s",
                 (int)regex_source(op->as.regex).len, regex_source(op->as.regex).ptr);
        break;
    case OP_UNIQUE_ITEMS:
        explain_unique(w, op, value);
        break;
    case OP_CONTAINS:
        explain_contains(w, op, value);
        break;
    case OP_OBJECT:
        explain_object(w, op, value);
        break;
    case OP_DEPENDENT_REQUIRED:
        explain_dependent(w, op, value);
        break;
    case OP_ANY_OF:
        explain_branches(w, op, value);
        break;
    case OP_ONE_OF:
        explain_one_of(w, op, value);
        break;
    case OP_NOT:
        expected(w, op, value, "", "a value that does not fit the schema of `not`");
        break;
    case OP_ITEMS: /* their children have said it */
    case OP_DEPENDENT_SCHEMA:
    case OP_REF:
    case OP_DYNAMIC_REF:
    case OP_ALL_OF:
    case OP_IF:
    case OP_UNEVALUATED_ITEMS:
    case OP_UNEVALUATED_PROPERTIES:
        break;
    }
}

void explain_stop(struct walk *w)
{
    struct report *report = w->report;
    w->report = w->whole;
    switch (w->stopped) {
    case STOP_NOT:
        break;
    case STOP_LEVEL:
        report_add(w, NULL, KW_COUNT, "expected a value at most %d levels deep, found a deeper one",
                   LIMIT_DEPTH);
        break;
    case STOP_DEPTH:
        report_add(w, NULL, KW_COUNT,
                   "gave up: more than %d schemas, one inside the other; make the schema flatter",
                   LIMIT_CONTRACT_DEPTH);
        break;
    case STOP_WORK:
        report_add(w, NULL, KW_COUNT,
                   "gave up: more than %u questions about one value; make the schema simpler",
                   LIMIT_CONTRACT_WORK);
        break;
    case STOP_PATTERN:
        report_add(w, NULL, KW_COUNT,
                   "gave up matching a pattern after %u steps; a repetition inside a repetition "
                   "can take for ever: make the pattern simpler, or set a maxLength before it",
                   LIMIT_PATTERN_STEPS);
        break;
    }
    w->report = report;
}

bool contract_explain(const struct contract *contract, const json_t *instance,
                      struct violations *ret_violations)
{
    struct report report = {0};
    struct walk w = {.contract = contract, .report = &report, .whole = &report};
    bool holds = evaluate(&w, contract->root, instance, NULL) && w.stopped == STOP_NOT;
    match_room_done(&w.room);
    if (w.stopped != STOP_NOT && contract_accepts(contract, instance)) {
        violations_done(&report.list); /* the fast program did not come to the limit */
        holds = true;
    }
    ASSERT(holds == (report.list.count == 0));
    *ret_violations = report.list;
    return holds;
}

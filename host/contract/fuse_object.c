/* SPDX-License-Identifier: Apache-2.0
 *
 * All that a strand says about the properties of an object, as one visit. For each name that any
 * keyword mentions, what is asked of its value is worked out here: by `properties`, by the patterns
 * that match the name, and by additionalProperties where none of them speaks. What is left for the
 * visit itself is a table of names, rules for strangers, and what propertyNames asks.
 *
 * A *view* is a set of object rules and what is asked about properties that they do not speak of.
 * An object rule is a view of itself; unevaluatedProperties is a view of the rules beside it.
 */
#include "contract/fuse_internal.h"

#include <stdlib.h>

void view_add(struct strand *b, const struct object_rule *const *rules, size_t count, uint32_t rest,
              bool asks)
{
    b->views = fuse_grown(b->views, b->view_count, &b->view_room, sizeof(b->views[0]));
    b->views[b->view_count++] = (struct view){rules, count, rest, asks};
}

/* A schema whose patterns take long for its own names is left to the walk. */
enum { STEPS_A_NAME = 10000, UNITS_A_MATCH = 100, UNITS_A_SIMPLE_MATCH = 5 };

static bool matches(struct fuser *f, const struct regex *regex, struct slice name)
{
    struct match_room room = {.steps = STEPS_A_NAME};
    if (!fuse_spend(f, regex_is_simple(regex) ? UNITS_A_SIMPLE_MATCH : UNITS_A_MATCH))
        return false;
    enum match match = regex_match(regex, name, &room);
    match_room_done(&room);
    f->failed |= match == MATCH_GAVE_UP;
    return match == MATCH_YES;
}

/* Whether the rule speaks of the name; what it asks of the value is added to `all`, if not NULL. */
static bool speaks_of(struct fuser *f, const struct object_rule *rule, struct slice name,
                      struct conjunction *all)
{
    const struct name *known = names_find(&rule->names, name);
    bool speaks = known && known->node != NO_NODE;
    if (speaks && all)
        conjunction_add(f, all, known->node);
    for (size_t i = 0; i < rule->pattern_count && !f->failed; i++) {
        if (matches(f, rule->patterns[i].regex, name)) {
            speaks = true;
            if (all)
                conjunction_add(f, all, rule->patterns[i].node);
        }
    }
    return speaks;
}

/* What all views ask of the value of a name. */
static uint32_t gate_of_name(struct strand *b, struct slice name)
{
    struct conjunction all = {.count = 0};
    for (size_t i = 0; i < b->view_count; i++) {
        const struct view *view = &b->views[i];
        bool spoken = false;
        for (size_t k = 0; k < view->count && !b->f->failed; k++) {
            spoken |= speaks_of(b->f, view->rules[k], name, view->asks ? &all : NULL);
        }
        if (!spoken && view->rest != NO_NODE)
            conjunction_add(b->f, &all, view->rest);
    }
    return gate_of(b->f, &all, true);
}

static int compare_names(const void *a, const void *b)
{
    const struct known_name *left = a, *right = b;
    size_t shorter = left->len < right->len ? left->len : right->len;
    int order = shorter ? __builtin_memcmp(left->ptr, right->ptr, shorter) : 0;
    return order ? order : (left->len > right->len) - (left->len < right->len);
}

/* All names that the views mention, each once, with its gate. */
static void gather_names(struct strand *b, struct name_table *table)
{
    size_t total = 0;
    for (size_t i = 0; i < b->view_count; i++)
        for (size_t k = 0; k < b->views[i].count; k++)
            total += b->views[i].rules[k]->names.count;
    if (!fuse_spend(b->f, total))
        return;
    table->list = block_alloc(b->f->contract, (total + 1) * sizeof(table->list[0]));
    size_t met = 0;
    for (size_t i = 0; i < b->view_count; i++) {
        for (size_t k = 0; k < b->views[i].count; k++) {
            const struct names *names = &b->views[i].rules[k]->names;
            for (size_t j = 0; j < names->count; j++)
                table->list[met++] =
                    (struct known_name){.ptr = names->list[j].text.ptr,
                                        .len = (uint32_t)names->list[j].text.len,
                                        .required = names->list[j].required && b->views[i].asks};
        }
    }
    if (met > 1)
        qsort(table->list, met, sizeof(table->list[0]), compare_names);
    for (size_t i = 0; i < met; i++) {
        struct known_name *last = &table->list[table->count ? table->count - 1 : 0];
        if (table->count > 0 && compare_names(last, &table->list[i]) == 0)
            last->required |= table->list[i].required;
        else
            table->list[table->count++] = table->list[i];
    }
    for (size_t i = 0; i < table->count && !b->f->failed; i++)
        table->list[i].to = gate_of_name(b, (struct slice){table->list[i].ptr, table->list[i].len});
}

static void pattern_add(struct fuser *f, struct stranger_rule *rule,
                        struct stranger_pattern *patterns, const struct pattern_rule *pattern,
                        bool asks)
{
    patterns[rule->pattern_count++] = (struct stranger_pattern){
        pattern->regex, asks ? gate_of_node(f, pattern->node) : GATE_ALWAYS};
}

static struct stranger_rule rule_of_view(struct fuser *f, const struct view *view)
{
    struct stranger_rule rule = {.rest = view->rest == NO_NODE ? GATE_ALWAYS
                                                               : gate_of_node(f, view->rest)};
    size_t total = 0;
    for (size_t i = 0; i < view->count; i++)
        total += view->rules[i]->pattern_count;
    struct stranger_pattern *patterns = block_alloc(f->contract, total * sizeof(*patterns));
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->rules[i]->pattern_count; k++)
            pattern_add(f, &rule, patterns, &view->rules[i]->patterns[k], view->asks);
    rule.patterns = patterns;
    return rule;
}

/* What the views ask of properties with names that none of them mentions. */
static void fuse_strangers(struct strand *b, struct visit *visit)
{
    struct fuser *f = b->f;
    struct stranger_rule *rules = block_alloc(f->contract, b->view_count * sizeof(*rules));
    uint32_t *name_gates = block_alloc(f->contract, b->view_count * sizeof(*name_gates));
    struct conjunction alike = {.count = 0};
    size_t patterns = 0;
    for (size_t i = 0; i < b->view_count && !f->failed; i++) {
        const struct view *view = &b->views[i];
        uint32_t names = view->asks ? view->rules[0]->names_node : NO_NODE;
        uint32_t gate = names == NO_NODE ? GATE_ALWAYS : gate_of_node(f, names);
        if (place_of_gate(f, gate, JSON_STRING) != PLACE_ALWAYS) /* as names are strings */
            name_gates[visit->name_gate_count++] = gate;
        struct stranger_rule rule = rule_of_view(f, view);
        if (rule.pattern_count == 0 && rule.rest == GATE_ALWAYS)
            continue;
        if (rule.pattern_count == 0)
            conjunction_add(f, &alike, view->rest);
        patterns += rule.pattern_count;
        rules[visit->rule_count++] = rule;
    }
    visit->rules = rules;
    visit->name_gates = name_gates;
    if (visit->name_gate_count > 0)
        visit->strangers = STRANGERS_RULED;
    else if (alike.never)
        visit->strangers = STRANGERS_REFUSED;
    else if (patterns > 0)
        visit->strangers = STRANGERS_RULED;
    else if (visit->rule_count > 0)
        visit->strangers = STRANGERS_ALIKE;
    if (visit->strangers == STRANGERS_ALIKE)
        visit->stranger_gate = gate_of(f, &alike, true);
}

/* Without strangers to care for, names that ask nothing need not be known. */
static void drop_idle_names(struct visit *visit)
{
    size_t kept = 0;
    for (size_t i = 0; i < visit->names.count; i++)
        if (visit->names.list[i].to != GATE_ALWAYS || visit->names.list[i].required)
            visit->names.list[kept++] = visit->names.list[i];
    visit->names.count = kept;
}

static void list_required(struct strand *b, struct visit *visit)
{
    for (size_t i = 0; i < visit->names.count; i++)
        visit->required += visit->names.list[i].required;
    visit->required_names =
        block_alloc(b->f->contract, visit->required * sizeof(visit->required_names[0]));
    for (size_t i = 0, at = 0; i < visit->names.count; i++)
        if (visit->names.list[i].required)
            visit->required_names[at++] =
                (struct slice){visit->names.list[i].ptr, visit->names.list[i].len};
}

void fuse_views(struct strand *b)
{
    if (b->view_count == 0)
        return;
    struct visit *visit = block_alloc(b->f->contract, sizeof(*visit));
    gather_names(b, &visit->names);
    fuse_strangers(b, visit);
    if (b->f->failed)
        return;
    if (visit->strangers == STRANGERS_FREE)
        drop_idle_names(visit);
    list_required(b, visit);
    for (size_t i = 0; i < visit->names.count; i++)
        b->never |= visit->names.list[i].required && visit->names.list[i].to == GATE_NEVER;
    b->f->failed |= !name_table_build(b->f->contract, &visit->names);
    bool asks = visit->strangers != STRANGERS_FREE;
    for (size_t i = 0; i < visit->names.count && !asks; i++)
        asks = visit->names.list[i].to != GATE_ALWAYS;
    if (asks)
        strand_add(b, STEP_VISIT)->as.visit = visit;
    else if (visit->required > 0)
        strand_add(b, STEP_REQUIRED)->as.visit = visit;
}

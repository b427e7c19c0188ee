/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference: the walk, and what facts are made of. Each node is asked once for each place that it
 * stands in, and every node asked is paid for; when there is nothing left to pay with, the rest is
 * anything, which is true of it.
 * What must never happen: a fact that leaves out a value that an evaluation can give. Not spoken of
 * are the errors that any expression may meet and no contract can prevent: the limits of work, size
 * and depth, a number beyond all numbers, a \u0000 in a computed key.
 */
#include "base/limits.h"
#include "mapping/infer_internal.h"

#include <stdlib.h>
#include <string.h>

static infer_fn *const transfers[] = {
#define X(id, written, form, arity, kids, boolean, nests, family) [OPERATION_##id] = infer_##family,
    OPERATIONS(X)
#undef X
};

struct fact infer_node(struct inferring *f, const struct node *node, const struct dot *dot)
{
    if (f->work == 0 || shapes_spent(f->shapes)) {
        if (!f->spent)
            note(f, INFERENCE_MAY_FAIL, "too-large", node,
                 xstrdup("the mapping is too large to be looked at as a whole"), NULL);
        f->spent = true;
        struct fact any = fact_of(json_true());
        any.drops = true;
        return any;
    }
    f->work -= node->id == OPERATION_LITERAL ? 0 : 1;
    return transfers[node->id](f, node, dot);
}

struct fact infer_maybe(struct inferring *f, const struct node *node, const struct dot *dot)
{
    f->maybe++;
    struct fact fact = infer_node(f, node, dot);
    f->maybe--;
    return fact;
}

/* ---- facts ---- */

struct fact fact_of(json_t *schema_taken)
{
    return (struct fact){.schema = schema_taken};
}

struct fact fact_nothing(void)
{
    return fact_of(json_false());
}

struct fact fact_of_types(unsigned types)
{
    return fact_of(shape_of_types(types).schema);
}

struct fact fact_of_boolean(int known)
{
    return fact_of_types(known > 0 ? BIT(JSON_TRUE) : known == 0 ? BIT(JSON_FALSE) : BITS_BOOLEAN);
}

void fact_done(struct fact *fact)
{
    json_decref(fact->schema);
    fact->schema = NULL;
}

struct fact fact_copy(const struct fact *fact)
{
    struct fact copy = *fact;
    copy.schema = json_incref(fact->schema);
    return copy;
}

struct shape fact_shape(const struct fact *fact)
{
    return (struct shape){fact->schema, PRESENCE_ALWAYS};
}

unsigned fact_types(const struct inferring *f, const struct fact *fact)
{
    struct shape shape = fact_shape(fact);
    return shape_types(f->shapes, &shape);
}

bool fact_is_nothing(const struct fact *fact)
{
    return json_is_false(fact->schema);
}

const json_t *fact_constant(const struct fact *fact)
{
    return json_object_get(fact->schema, "const");
}

int fact_truth(const struct inferring *f, const struct fact *fact)
{
    unsigned types = fact_types(f, fact);
    return (types & BITS_FALSY) == 0 ? 1 : (types & ~(unsigned)BITS_FALSY) == 0 ? 0 : -1;
}

struct fact fact_union(struct inferring *f, struct fact a, struct fact b)
{
    if (fact_is_nothing(&a) || fact_is_nothing(&b)) {
        struct fact *none = fact_is_nothing(&a) ? &a : &b, *other = none == &a ? &b : &a;
        other->drops |= none->drops;
        fact_done(none);
        return *other;
    }
    struct fact both = {.schema = schema_any(json_pack("[o,o]", a.schema, b.schema)),
                        .lack = lack_either(f, a.lack, b.lack),
                        .drops = a.drops || b.drops};
    return both;
}

struct fact fact_among(struct inferring *f, const struct fact *fact, unsigned types)
{
    struct shape shape = fact_shape(fact), left = shape_of_types_among(f->shapes, &shape, types);
    struct fact among = {.schema = left.schema,
                         .lack = types & BITS_NULL ? fact->lack : NULL,
                         .origin = fact->origin,
                         .drops = fact->drops};
    return among;
}

struct dot dot_of(struct inferring *f, struct fact *fact)
{
    return (struct dot){*fact, ++f->dots};
}

/* Drops the lack of what is not null any more. */
static void forget_lack(struct inferring *f, struct fact *fact)
{
    if (fact->lack && !(fact_types(f, fact) & BITS_NULL))
        fact->lack = NULL;
}

struct fact dot_fact(struct inferring *f, const struct dot *dot)
{
    struct fact fact = fact_copy(&dot->fact);
    fact.drops = false;
    fact.schema = narrowed(f, (struct base){OPERATION_DOT, dot->id, false}, fact.schema);
    forget_lack(f, &fact);
    return fact;
}

/* ---- what an expression begins with ---- */

struct fact infer_literal(struct inferring *f, const struct node *node, const struct dot *dot)
{
    (void)f, (void)dot;
    return fact_of(shape_of_value(node->as.literal).schema);
}

struct fact infer_dot(struct inferring *f, const struct node *node, const struct dot *dot)
{
    (void)node;
    return dot_fact(f, dot);
}

/* How the root or step to be asked is written, and the node to blame. */
static struct slice leaf_words(struct inferring *f, const struct node **node)
{
    struct slice words = f->path ? f->leaf : (*node)->source;
    *node = f->path ? f->path : *node;
    f->path = NULL;
    return words;
}

/* A shape of the scope; what may not be there reads as null. Takes the shape. */
static struct fact fact_of_scope(struct inferring *f, const struct node *node, struct shape shape,
                                 struct base base)
{
    struct slice words = leaf_words(f, &node);
    const char *root = keep_string(f, xstrndup(words.len > 0 ? words.ptr : "", words.len));
    struct fact fact = {.schema = shape.schema, .origin = {root, ""}};
    if (shape.presence == PRESENCE_NEVER) {
        fact_done(&fact);
        fact.schema = shape_of_types(BITS_NULL).schema;
    } else if (shape.presence == PRESENCE_MAYBE) {
        json_t *null = shape_of_types(BITS_NULL).schema;
        fact.schema = schema_any(json_pack("[o,o]", fact.schema, null));
        fact.lack =
            lack_new(f, node, xasprintf("`%s` may not be there: the step may be skipped", root),
                     xstrdup("say with `//` what stands for it"));
    }
    fact.schema = narrowed(f, base, fact.schema);
    forget_lack(f, &fact);
    return fact;
}

struct fact infer_root(struct inferring *f, const struct node *node, const struct dot *dot)
{
    (void)dot;
    const struct inference_scope *scope = f->scope;
    const struct shape *const shapes[ROOT_NAMES] = {
        [ROOT_NAME_INPUT] = scope->input,   [ROOT_NAME_ITEM] = scope->item,
        [ROOT_NAME_OUTPUT] = scope->output, [ROOT_NAME_ERROR] = scope->error,
        [ROOT_NAME_RUN] = scope->run,
    };
    enum root_name root = node->as.root;
    if (root == ROOT_NAME_INDEX)
        return fact_of(json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", 0, "maximum",
                                 (int)LIMIT_ITEMS - 1));
    struct shape shape = shapes[root] ? shape_copy(shapes[root]) : shape_any();
    return fact_of_scope(f, node, shape, (struct base){OPERATION_ROOT, root, false});
}

struct fact infer_step(struct inferring *f, const struct node *node, const struct dot *dot)
{
    (void)dot;
    size_t step = node->as.step.index;
    bool status = node->as.step.status;
    struct shape shape =
        f->scope->step ? f->scope->step(f->scope->user, step, status) : shape_any();
    return fact_of_scope(f, node, shape, (struct base){OPERATION_STEP, step, status});
}

/* ---- the whole ---- */

struct fact infer_place(struct inferring *f, const struct node *node, const struct dot *dot)
{
    const struct node *outer = f->place;
    f->place = node;
    struct fact fact = infer_node(f, node->kids[0], dot);
    settle(f, &fact);
    f->place = outer;
    fact.lack = NULL;
    return fact;
}

/* What was met before says something of the same values; what there is to say of it was said there.
 */
static void narrow_given(struct inferring *f, const struct mapping *given)
{
    struct inference said = {.notes = NULL}, *out = f->out;
    f->out = &said;
    if (given)
        narrow(f, given->root, true, NULL);
    f->out = out;
    inference_done(&said);
}

static void inferring_begin(struct inferring *f, const struct inference_scope *scope,
                            struct inference *out)
{
    *out = (struct inference){.notes = NULL};
    *f = (struct inferring){.scope = scope,
                            .shapes = scope->shapes,
                            .out = out,
                            .strings = json_array(),
                            .work = INFERENCE_WORK};
    narrow_given(f, scope->given);
    shapes_allow(f->shapes);
}

static void inferring_end(struct inferring *f)
{
    shapes_allow(f->shapes);
    narrow_back(f, 0);
    free(f->narrowings);
    for (struct lack *lack = f->lacks, *next; lack; lack = next) {
        next = lack->next;
        free(lack->text);
        free(lack->hint);
        free(lack);
    }
    json_decref(f->strings);
}

void mapping_infer(const struct mapping *mapping, const struct inference_scope *scope,
                   struct inference *ret)
{
    struct inferring f;
    inferring_begin(&f, scope, ret);
    ret->shape = shape_of_schema(infer_node(&f, mapping->root, NULL).schema);
    inferring_end(&f);
}

/* ---- case by case ---- */

enum { CASES = 8, CASE_DEPTH = 3, CASE_NAMES = 40 };

/* The nth union in a value, at its top or in its members: what each case says of the whole; NULL if
 * there are fewer, which *nth is then less by. */
static json_t *cases_within(struct shapes *shapes, const struct shape *whole, size_t *nth,
                            int depth)
{
    json_auto_t *names = NULL;
    json_t *cases = shape_cases(shapes, whole, CASES);
    if (cases && (*nth)-- == 0)
        return cases;
    json_decref(cases);
    cases = NULL;
    shape_names(shapes, whole, &names);
    for (size_t i = 0; !cases && depth < CASE_DEPTH && i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        struct slice key = {name, json_string_length(json_array_get(names, i))};
        struct shape member = shape_member(shapes, whole, key);
        if (i < CASE_NAMES && strlen(name) == key.len && member.presence != PRESENCE_NEVER)
            cases = cases_within(shapes, &member, nth, depth + 1);
        shape_done(&member);
        for (size_t k = 0; k < json_array_size(cases); k++)
            json_array_set_new(
                cases, k, json_pack("{s:{s:O}}", "properties", name, json_array_get(cases, k)));
    }
    return cases;
}

/* The same of all that the mapping reads and that is surely there. */
static json_t *cases_of_scope(const struct mapping *mapping, const struct inference_scope *scope,
                              size_t nth, struct base *ret_base)
{
    const struct shape *const roots[] = {scope->item, scope->output, scope->input};
    static const size_t names[] = {ROOT_NAME_ITEM, ROOT_NAME_OUTPUT, ROOT_NAME_INPUT};
    static const unsigned reads[] = {ROOT_ITEM, ROOT_OUTPUT, ROOT_INPUT};
    json_t *cases = NULL;
    size_t count;
    const struct mapping_reference *list = mapping_references(mapping, &count);
    for (size_t i = 0; !cases && i < sizeof(roots) / sizeof(roots[0]); i++) {
        *ret_base = (struct base){OPERATION_ROOT, names[i], false};
        if (roots[i] && roots[i]->presence == PRESENCE_ALWAYS &&
            (mapping_reads(mapping) & reads[i]))
            cases = cases_within(scope->shapes, roots[i], &nth, 0);
    }
    for (size_t i = 0; !cases && scope->step && i < count; i++) {
        bool seen = list[i].status;
        for (size_t k = 0; k < i; k++)
            seen |= list[k].step == list[i].step && !list[k].status;
        if (seen)
            continue;
        struct shape shape = scope->step(scope->user, list[i].step, false);
        *ret_base = (struct base){OPERATION_STEP, list[i].step, false};
        if (shape.presence == PRESENCE_ALWAYS)
            cases = cases_within(scope->shapes, &shape, &nth, 0);
        shape_done(&shape);
    }
    return cases;
}

bool mapping_infer_cases(const struct mapping *mapping, const struct inference_scope *scope,
                         size_t nth, struct inference *ret)
{
    struct inferring f;
    struct base base;
    shapes_allow(scope->shapes);
    json_auto_t *cases = cases_of_scope(mapping, scope, nth, &base);
    if (!cases)
        return false;
    inferring_begin(&f, scope, ret);
    json_t *all = json_array();
    for (size_t i = 0; i < json_array_size(cases); i++) {
        size_t before = f.narrowing_count;
        narrow_to(&f, base, json_incref(json_array_get(cases, i)));
        json_array_append_new(all, infer_node(&f, mapping->root, NULL).schema);
        narrow_back(&f, before);
    }
    inferring_end(&f);
    inference_done(ret);
    *ret = (struct inference){.shape = shape_of_schema(schema_any(all))};
    return true;
}

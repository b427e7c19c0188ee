/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic: each pair of kinds that an operator knows gives what it gives; a pair that it does
 * not know is an error, which is noted. A sum, difference or product of whole numbers is whole,
 * also where it has become a double: past 2^53 all doubles are. Bounds are carried on by interval
 * arithmetic in doubles, whose rounding is monotonic, and only as far as integers are exact in
 * them.
 */
#include "mapping/infer_internal.h"

#include <math.h>
#include <stdlib.h>

enum { MERGE_DEPTH = 8 };

static const double EXACT = 9007199254740992.0;

/* ---- numbers ---- */

static void set_bound(json_t *schema, const char *keyword, double bound)
{
    if (!(fabs(bound) < EXACT))
        return;
    json_object_set_new(schema, keyword,
                        bound == floor(bound) ? json_integer((json_int_t)bound) : json_real(bound));
}

struct fact fact_of_numbers(struct shape_numbers n)
{
    if (n.least == n.most && n.least == floor(n.least) && fabs(n.least) < EXACT)
        return fact_of(json_pack("{s:I}", "const", (json_int_t)n.least));
    json_t *schema = json_pack("{s:s}", "type", n.integral ? "integer" : "number");
    set_bound(schema, "minimum", n.least);
    set_bound(schema, "maximum", n.most);
    return fact_of(schema);
}

static struct shape_numbers numbers_of(struct inferring *f, const struct fact *fact)
{
    struct shape shape = fact_shape(fact);
    return shape_numbers(f->shapes, &shape);
}

/* The least and most of what the corners of a box come to. Nothing times no bound is nothing. */
static struct shape_numbers hull(const double corners[4], bool integral)
{
    struct shape_numbers n = {INFINITY, -INFINITY, integral};
    for (size_t i = 0; i < 4; i++) {
        double corner = isnan(corners[i]) ? 0 : corners[i];
        n.least = fmin(n.least, corner);
        n.most = fmax(n.most, corner);
    }
    return n;
}

static struct shape_numbers plus(struct shape_numbers a, struct shape_numbers b)
{
    return (struct shape_numbers){a.least + b.least, a.most + b.most, a.integral && b.integral};
}

static struct shape_numbers minus(struct shape_numbers a, struct shape_numbers b)
{
    return (struct shape_numbers){a.least - b.most, a.most - b.least, a.integral && b.integral};
}

static struct shape_numbers times(struct shape_numbers a, struct shape_numbers b)
{
    const double corners[4] = {a.least * b.least, a.least * b.most, a.most * b.least,
                               a.most * b.most};
    return hull(corners, a.integral && b.integral);
}

static struct shape_numbers divided(struct shape_numbers a, struct shape_numbers b)
{
    if (b.least <= 0 && b.most >= 0)
        return (struct shape_numbers){-INFINITY, INFINITY, false};
    const double corners[4] = {a.least / b.least, a.least / b.most, a.most / b.least,
                               a.most / b.most};
    return hull(corners, false);
}

/* The remainder has the sign of a, and is nearer to 0 than a and than the whole part of b. */
static struct shape_numbers remainder_of(struct shape_numbers a, struct shape_numbers b)
{
    double size = fmax(fabs(b.least), fabs(b.most)) - 1;
    struct shape_numbers n = {-size, size, true};
    if (a.least >= 0)
        n = (struct shape_numbers){0, fmin(size, a.most), true};
    else if (a.most <= 0)
        n = (struct shape_numbers){fmax(-size, a.least), 0, true};
    return n;
}

/* ---- what the operators have in common ---- */

struct operands {
    struct fact a, b;
    unsigned left, right; /* types */
};

/* Both operands; false if one of them is nothing. */
static bool operands_begin(struct inferring *f, const struct node *node, const struct dot *dot,
                           struct operands *ret)
{
    *ret = (struct operands){.a = infer_node(f, node->kids[0], dot),
                             .b = infer_node(f, node->kids[1], dot)};
    ret->left = fact_types(f, &ret->a);
    ret->right = fact_types(f, &ret->b);
    return ret->left != 0 && ret->right != 0;
}

static void operands_done(struct operands *o)
{
    fact_done(&o->a);
    fact_done(&o->b);
}

/* The parts of both operands that are of these types; false if one has none. */
static bool parts_of(struct inferring *f, const struct operands *o, unsigned left, unsigned right,
                     struct fact *ret_a, struct fact *ret_b)
{
    if (!(o->left & left) || !(o->right & right))
        return false;
    *ret_a = fact_among(f, &o->a, left);
    *ret_b = fact_among(f, &o->b, right);
    if (!fact_is_nothing(ret_a) && !fact_is_nothing(ret_b))
        return true;
    fact_done(ret_a);
    fact_done(ret_b);
    return false;
}

/* One pair of kinds that an operator knows, and what it makes of them. */
struct pair {
    unsigned left, right;
    struct fact (*make)(struct inferring *f, const struct node *node, const struct fact *a,
                        const struct fact *b);
};

static unsigned kind_bits(unsigned types)
{
    types |= types & BITS_BOOLEAN ? BITS_BOOLEAN : 0;
    return types & BITS_NUMBER ? types | BITS_NUMBER : types;
}

/* Whether all combinations of the kinds are among the pairs. */
static bool all_known(const struct operands *o, const struct pair *pairs, size_t count)
{
    static const unsigned kinds[] = {BITS_NULL,   BITS_BOOLEAN, BITS_NUMBER,
                                     BITS_STRING, BITS_ARRAY,   BITS_OBJECT};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            bool known = !(kind_bits(o->left) & kinds[i]) || !(kind_bits(o->right) & kinds[j]);
            for (size_t k = 0; !known && k < count; k++)
                known = (pairs[k].left & kinds[i]) && (pairs[k].right & kinds[j]);
            if (!known)
                return false;
        }
    return true;
}

static void note_pair(struct inferring *f, const struct node *node, const struct operands *o,
                      bool fails, const char *needs)
{
    AUTO(freep) char *left = types_words(o->left);
    AUTO(freep) char *right = types_words(o->right);
    const char *why = lack_text((o->left & BITS_NULL) && o->a.lack    ? o->a.lack
                                : (o->right & BITS_NULL) && o->b.lack ? o->b.lack
                                                                      : NULL);
    bool unknown = o->left == BITS_ALL || o->right == BITS_ALL;
    note(f, fails ? INFERENCE_FAILS : INFERENCE_MAY_FAIL, unknown ? "unknown-type" : "operand-type",
         node,
         xasprintf("`%s` has %s on the left and %s on the right; it needs %s%s%s",
                   operations[node->id].written, left, right, needs, why ? ": " : "",
                   why ? why : ""),
         why ? xstrdup("say with `//` what stands for what is missing") : NULL);
}

static struct fact infer_pairs(struct inferring *f, const struct node *node, const struct dot *dot,
                               const struct pair *pairs, size_t count, const char *needs)
{
    struct operands o;
    struct fact result = fact_nothing();
    if (!operands_begin(f, node, dot, &o)) {
        operands_done(&o);
        return result;
    }
    size_t some = 0;
    if (pairs[0].left & BITS_NULL) { /* else null is an error, and that is noted */
        settle(f, &o.a);
        settle(f, &o.b);
    }
    for (size_t i = 0; i < count; i++)
        some += (o.left & pairs[i].left) && (o.right & pairs[i].right);
    for (size_t i = 0; i < count; i++) {
        struct fact a, b;
        if (!parts_of(f, &o, pairs[i].left, pairs[i].right, &a, &b))
            continue;
        f->sole = some == 1;
        result = fact_union(f, result, pairs[i].make(f, node, &a, &b));
        fact_done(&a);
        fact_done(&b);
    }
    if (!all_known(&o, pairs, count))
        note_pair(f, node, &o, some == 0, needs);
    operands_done(&o);
    result.lack = NULL;
    return result;
}

/* ---- + ---- */

static struct fact make_left(struct inferring *f, const struct node *node, const struct fact *a,
                             const struct fact *b)
{
    (void)f, (void)node, (void)b;
    return fact_copy(a);
}

static struct fact make_right(struct inferring *f, const struct node *node, const struct fact *a,
                              const struct fact *b)
{
    return make_left(f, node, b, a);
}

static struct fact make_sum(struct inferring *f, const struct node *node, const struct fact *a,
                            const struct fact *b)
{
    (void)node;
    return fact_of_numbers(plus(numbers_of(f, a), numbers_of(f, b)));
}

static size_t added(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static struct fact make_text(struct inferring *f, const struct node *node, const struct fact *a,
                             const struct fact *b)
{
    (void)node;
    return fact_of_concatenation(f, a, b);
}

static struct fact make_row(struct inferring *f, const struct node *node, const struct fact *a,
                            const struct fact *b)
{
    (void)node;
    struct item_facts x = items_of_fact(f, a), y = items_of_fact(f, b);
    struct fact items = fact_union(f, x.any, y.any);
    return fact_of_array(items.schema, added(x.least, y.least), added(x.most, y.most));
}

static struct fact make_update(struct inferring *f, const struct node *node, const struct fact *a,
                               const struct fact *b)
{
    (void)node;
    struct shape left = fact_shape(a), right = fact_shape(b);
    return fact_of(merged_objects(f, &left, &right, 0));
}

struct fact infer_plus(struct inferring *f, const struct node *node, const struct dot *dot)
{
    static const struct pair pairs[] = {
        {BITS_NULL, BITS_ALL, make_right},
        {BITS_ALL & ~(unsigned)BITS_NULL, BITS_NULL, make_left},
        {BITS_NUMBER, BITS_NUMBER, make_sum},
        {BITS_STRING, BITS_STRING, make_text},
        {BITS_ARRAY, BITS_ARRAY, make_row},
        {BITS_OBJECT, BITS_OBJECT, make_update},
    };
    return infer_pairs(f, node, dot, pairs, sizeof(pairs) / sizeof(pairs[0]),
                       "two numbers, strings, arrays or objects");
}

/* ---- objects ---- */

/* The member of both: b's, or else a's, or their merger. A schema of NULL: there is none. */
static struct shape merged_member(struct inferring *f, const struct shape *a, const struct shape *b,
                                  unsigned deep)
{
    if (b->presence == PRESENCE_NEVER)
        return shape_copy(a);
    if (a->presence == PRESENCE_NEVER)
        return shape_copy(b);
    json_t *list = json_pack("[O]", b->schema);
    if (b->presence == PRESENCE_MAYBE)
        json_array_append(list, a->schema);
    struct shape inner_a = shape_of_types_among(f->shapes, a, BITS_OBJECT);
    struct shape inner_b = shape_of_types_among(f->shapes, b, BITS_OBJECT);
    if (deep > 0 && inner_a.presence != PRESENCE_NEVER && inner_b.presence != PRESENCE_NEVER)
        json_array_append_new(list, merged_objects(f, &inner_a, &inner_b, deep));
    shape_done(&inner_a);
    shape_done(&inner_b);
    bool always = a->presence == PRESENCE_ALWAYS || b->presence == PRESENCE_ALWAYS;
    return (struct shape){schema_any(list), always ? PRESENCE_ALWAYS : PRESENCE_MAYBE};
}

static void add_merged(struct inferring *f, json_t *schema, const struct shape *a,
                       const struct shape *b, const json_t *name, unsigned deep)
{
    struct slice key = {json_string_value(name), json_string_length(name)};
    struct shape left = shape_member(f->shapes, a, key);
    struct shape right = shape_member(f->shapes, b, key);
    struct shape member = merged_member(f, &left, &right, deep);
    if (member.presence != PRESENCE_NEVER)
        json_object_setn_nocheck(json_object_get(schema, "properties"), key.ptr, key.len,
                                 member.schema);
    if (member.presence == PRESENCE_ALWAYS)
        json_array_append(json_object_get(schema, "required"), (json_t *)name);
    shape_done(&left);
    shape_done(&right);
    shape_done(&member);
}

json_t *closed_object(json_t *schema, bool closed)
{
    static const char *const keywords[] = {"properties", "required"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *list = json_object_get(schema, keywords[i]);
        if (json_object_size(list) + json_array_size(list) == 0)
            json_object_del(schema, keywords[i]);
    }
    if (closed)
        json_object_set_new(schema, "additionalProperties", json_false());
    return schema_all(json_pack("[O]", schema));
}

json_t *merged_objects(struct inferring *f, const struct shape *a, const struct shape *b,
                       unsigned deep)
{
    json_auto_t *left = NULL;
    json_auto_t *right = NULL;
    bool closed = shape_names(f->shapes, a, &left);
    closed = shape_names(f->shapes, b, &right) && closed;
    if (deep > MERGE_DEPTH)
        return json_pack("{s:s}", "type", "object");
    deep += deep > 0;
    json_auto_t *schema = json_pack("{s:s,s:{},s:[]}", "type", "object", "properties", "required");
    for (size_t i = 0; i < json_array_size(left); i++)
        add_merged(f, schema, a, b, json_array_get(left, i), deep);
    json_t *properties = json_object_get(schema, "properties");
    for (size_t i = 0; i < json_array_size(right); i++) {
        const json_t *name = json_array_get(right, i);
        if (!json_object_getn(properties, json_string_value(name), json_string_length(name)))
            add_merged(f, schema, a, b, name, deep);
    }
    return closed_object(schema, closed);
}

/* ---- - * / % ---- */

static struct fact make_difference(struct inferring *f, const struct node *node,
                                   const struct fact *a, const struct fact *b)
{
    (void)node;
    return fact_of_numbers(minus(numbers_of(f, a), numbers_of(f, b)));
}

static struct fact make_rest(struct inferring *f, const struct node *node, const struct fact *a,
                             const struct fact *b)
{
    (void)node, (void)b;
    struct item_facts items = items_of_fact(f, a);
    return fact_of_array(items.any.schema, 0, items.most);
}

struct fact infer_minus(struct inferring *f, const struct node *node, const struct dot *dot)
{
    static const struct pair pairs[] = {
        {BITS_NUMBER, BITS_NUMBER, make_difference},
        {BITS_ARRAY, BITS_ARRAY, make_rest},
    };
    return infer_pairs(f, node, dot, pairs, 2, "two numbers, or two arrays");
}

static struct fact make_product(struct inferring *f, const struct node *node, const struct fact *a,
                                const struct fact *b)
{
    (void)node;
    return fact_of_numbers(times(numbers_of(f, a), numbers_of(f, b)));
}

/* A string so many times, at least once; null for none. */
static struct fact repeated(struct inferring *f, const struct fact *string,
                            const struct fact *number)
{
    struct shape shape = fact_shape(string);
    struct shape_sizes sizes = shape_string_sizes(f->shapes, &shape);
    struct shape_numbers times_ = numbers_of(f, number);
    struct fact result = fact_nothing();
    sizes.most = times_.most < 2 ? sizes.most : SIZE_MAX;
    if (times_.most > 0)
        result = fact_union(f, result, fact_of_strings(sizes));
    if (times_.least <= 0)
        result = fact_union(f, result, fact_of_types(BITS_NULL));
    return result;
}

static struct fact make_repeated(struct inferring *f, const struct node *node, const struct fact *a,
                                 const struct fact *b)
{
    (void)node;
    return repeated(f, a, b);
}

static struct fact make_repeated_by(struct inferring *f, const struct node *node,
                                    const struct fact *a, const struct fact *b)
{
    (void)node;
    return repeated(f, b, a);
}

static struct fact make_merged(struct inferring *f, const struct node *node, const struct fact *a,
                               const struct fact *b)
{
    (void)node;
    struct shape left = fact_shape(a), right = fact_shape(b);
    return fact_of(merged_objects(f, &left, &right, 1));
}

struct fact infer_times(struct inferring *f, const struct node *node, const struct dot *dot)
{
    static const struct pair pairs[] = {
        {BITS_NUMBER, BITS_NUMBER, make_product},
        {BITS_STRING, BITS_NUMBER, make_repeated},
        {BITS_NUMBER, BITS_STRING, make_repeated_by},
        {BITS_OBJECT, BITS_OBJECT, make_merged},
    };
    return infer_pairs(f, node, dot, pairs, 4,
                       "two numbers, a string and a number, or two objects");
}

static void note_zero(struct inferring *f, const struct node *node, bool fails)
{
    AUTO(freep) char *source = source_words(node->kids[1]);
    note(f, fails ? INFERENCE_FAILS : INFERENCE_MAY_FAIL, "zero-divisor", node,
         xasprintf("`%s` divides by %s, which %s 0", operations[node->id].written, source,
                   fails ? "is" : "may be"),
         fails ? NULL : xstrdup("let the contract exclude it, or test for it with `if`"));
}

/* The bounds do not say whether they are open: `> 0` has the bound 0 and no zero. */
static bool may_be_zero(struct inferring *f, const struct fact *fact)
{
    struct shape shape = fact_shape(fact);
    json_auto_t *zero = json_pack("{s:i}", "const", 0);
    struct shape met = shape_meet(f->shapes, &shape, zero);
    bool may = !json_is_false(met.schema) && shape_types(f->shapes, &met) != 0;
    shape_done(&met);
    return may;
}

static struct fact make_quotient(struct inferring *f, const struct node *node, const struct fact *a,
                                 const struct fact *b)
{
    struct shape_numbers divisor = numbers_of(f, b);
    bool zero = divisor.least <= 0 && divisor.most >= 0 && may_be_zero(f, b);
    const json_t *constant = fact_constant(b);
    bool only = constant && json_number_value(constant) == 0;
    if (zero && !(constant && !only))
        note_zero(f, node, only && f->sole);
    return only ? fact_nothing() : fact_of_numbers(divided(numbers_of(f, a), divisor));
}

static struct fact make_pieces(struct inferring *f, const struct node *node, const struct fact *a,
                               const struct fact *b)
{
    (void)node, (void)b;
    struct shape shape = fact_shape(a);
    struct shape_sizes sizes = shape_string_sizes(f->shapes, &shape);
    return fact_of_array(shape_of_types(BITS_STRING).schema, sizes.least > 0, SIZE_MAX);
}

struct fact infer_divide(struct inferring *f, const struct node *node, const struct dot *dot)
{
    static const struct pair pairs[] = {
        {BITS_NUMBER, BITS_NUMBER, make_quotient},
        {BITS_STRING, BITS_STRING, make_pieces},
    };
    return infer_pairs(f, node, dot, pairs, 2, "two numbers, or two strings");
}

static struct fact make_remainder(struct inferring *f, const struct node *node,
                                  const struct fact *a, const struct fact *b)
{
    struct shape_numbers divisor = numbers_of(f, b);
    bool only = divisor.least > -1 && divisor.most < 1;
    if (only || (divisor.least < 1 && divisor.most > -1))
        note_zero(f, node, only && f->sole);
    return only ? fact_nothing() : fact_of_numbers(remainder_of(numbers_of(f, a), divisor));
}

struct fact infer_modulo(struct inferring *f, const struct node *node, const struct dot *dot)
{
    static const struct pair pairs[] = {{BITS_NUMBER, BITS_NUMBER, make_remainder}};
    return infer_pairs(f, node, dot, pairs, 1, "two numbers");
}

struct fact infer_minus_sign(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact fact = infer_node(f, node->kids[0], dot);
    if (fact_is_nothing(&fact))
        return fact;
    bool goes_on = expect(f, node->kids[0], &fact, BITS_NUMBER, "to be a number, to be negated");
    struct shape_numbers n = numbers_of(f, &fact);
    fact_done(&fact);
    return goes_on ? fact_of_numbers((struct shape_numbers){-n.most, -n.least, n.integral})
                   : fact_nothing();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a condition says of the values that it looks at. `.a.b != null` says of `.` that it is an
 * object with an `a` that is an object with a `b` that is not null: one schema, by which the next
 * look at `.`, on whatever path, tells the branches of a union apart. A condition that is not
 * understood says nothing, which is always true.
 */
#include "mapping/infer_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SPOT_HOPS = 16, SPOT_ITEMS = 16 };

/* A place in a base. */
struct spot {
    struct base base;
    struct hop hops[SPOT_HOPS];
    size_t count;
};

/* What `.` is while a condition is read: a spot, or not known. */
struct view {
    struct spot dot;
    bool known;
};

/* ---- the stack of narrowings ---- */

static void push(struct inferring *f, struct base base, json_t *schema_taken)
{
    if (f->narrowing_count == f->narrowing_room) {
        f->narrowing_room = f->narrowing_room ? 2 * f->narrowing_room : 16;
        f->narrowings = xrealloc(f->narrowings, f->narrowing_room * sizeof(f->narrowings[0]));
    }
    f->narrowings[f->narrowing_count++] = (struct narrowing){base, schema_taken};
}

void narrow_to(struct inferring *f, struct base base, json_t *schema_taken)
{
    push(f, base, schema_taken);
}

void narrow_back(struct inferring *f, size_t count)
{
    while (f->narrowing_count > count)
        json_decref(f->narrowings[--f->narrowing_count].schema);
}

static bool same_base(struct base a, struct base b)
{
    return a.id == b.id && a.which == b.which && a.status == b.status;
}

json_t *narrowed(struct inferring *f, struct base base, json_t *schema_taken)
{
    for (size_t i = 0; i < f->narrowing_count; i++) {
        if (!same_base(f->narrowings[i].base, base))
            continue;
        struct shape shape = {schema_taken, PRESENCE_ALWAYS};
        struct shape met = shape_meet(f->shapes, &shape, f->narrowings[i].schema);
        json_decref(schema_taken);
        schema_taken = met.schema;
    }
    return schema_taken;
}

/* ---- spots ---- */

static bool spot_of(const struct node *node, const struct view *view, struct spot *ret)
{
    if (node->id == OPERATION_PLACE)
        return spot_of(node->kids[0], view, ret);
    if (node->id == OPERATION_DOT && view->known) {
        *ret = view->dot;
        return true;
    }
    if (node->id == OPERATION_ROOT || node->id == OPERATION_STEP) {
        bool root = node->id == OPERATION_ROOT;
        *ret = (struct spot){.base = {.id = node->id,
                                      .which = root ? node->as.root : node->as.step.index,
                                      .status = !root && node->as.step.status}};
        return !root || node->as.root != ROOT_NAME_INDEX;
    }
    if (node->id != OPERATION_PATH || !spot_of(node->kids[0], view, ret) ||
        ret->count + node->as.hops.count > SPOT_HOPS)
        return false;
    for (size_t i = 0; i < node->as.hops.count; i++) {
        const struct hop *hop = &node->as.hops.list[i];
        if (hop->key && strlen(hop->key) != hop->length)
            return false;
        ret->hops[ret->count++] = *hop;
    }
    return true;
}

/* The schema of what has, at a hop, a value of that schema; `there`: and has it for certain. */
static json_t *schema_around(const struct hop *hop, json_t *schema_taken, bool there)
{
    if (hop->key && there)
        return json_pack("{s:s,s:[s],s:{s:o}}", "type", "object", "required", hop->key,
                         "properties", hop->key, schema_taken);
    if (hop->key)
        return json_pack("{s:{s:o}}", "properties", hop->key, schema_taken);
    json_auto_t *schema = schema_taken;
    if (hop->item < 0 || hop->item >= SPOT_ITEMS)
        return there ? json_pack("{s:s,s:i}", "type", "array", "minItems", 1) : json_true();
    json_t *prefix = json_array();
    for (json_int_t i = 0; i < hop->item; i++)
        json_array_append_new(prefix, json_true());
    json_array_append(prefix, schema);
    if (!there)
        return json_pack("{s:o}", "prefixItems", prefix);
    return json_pack("{s:s,s:I,s:o}", "type", "array", "minItems", hop->item + 1, "prefixItems",
                     prefix);
}

/* What is said of one base; a schema of NULL says nothing. */
struct said {
    struct base base;
    json_t *schema;
};

enum { SAID_MOST = 8 };

struct sayings {
    struct said list[SAID_MOST];
    size_t count;
};

static void sayings_done(struct sayings *s)
{
    for (size_t i = 0; i < s->count; i++)
        json_decref(s->list[i].schema);
    s->count = 0;
}

/* That the value at the spot, or null if it is missing, satisfies the schema. */
static void say(struct sayings *out, const struct spot *spot, json_t *schema_taken, bool not_null)
{
    if (out->count == SAID_MOST) {
        json_decref(schema_taken);
        return;
    }
    json_t *schema = schema_taken;
    for (size_t i = spot->count; i-- > 0 && schema;)
        schema = schema_around(&spot->hops[i], schema, not_null);
    if (schema)
        out->list[out->count++] = (struct said){spot->base, schema};
}

/* ---- conditions ---- */

static void read(const struct node *condition, bool truth, const struct view *view,
                 struct sayings *out);

static json_t *types_schema(unsigned types)
{
    return shape_of_types(types).schema;
}

static void read_truth(const struct node *node, bool truth, const struct view *view,
                       struct sayings *out)
{
    struct spot spot;
    if (!spot_of(node, view, &spot))
        return;
    if (truth)
        say(out, &spot, types_schema(BITS_ALL & ~(unsigned)BITS_FALSY), true);
    else
        say(out, &spot, types_schema(BITS_FALSY), false);
}

/* The literal of a comparison and the other side; false if there is none. `flipped`: the literal
 * stands on the left. */
static bool literal_side(const struct node *node, const json_t **ret_literal,
                         const struct node **ret_other, bool *ret_flipped)
{
    for (size_t i = 0; i < 2; i++) {
        if (node->kids[i]->id != OPERATION_LITERAL)
            continue;
        *ret_literal = node->kids[i]->as.literal;
        *ret_other = node->kids[1 - i];
        *ret_flipped = i == 0;
        return true;
    }
    return false;
}

static void read_equality(const struct node *node, bool equal, const struct view *view,
                          struct sayings *out)
{
    const json_t *literal;
    const struct node *other;
    struct spot spot;
    bool flipped;
    if (!literal_side(node, &literal, &other, &flipped) || !spot_of(other, view, &spot))
        return;
    bool null = json_is_null(literal), few = null || json_is_boolean(literal);
    if (equal)
        say(out, &spot, json_pack("{s:O}", "const", literal), !null);
    else if (few)
        say(out, &spot, types_schema(BITS_ALL & ~BIT(json_typeof(literal))), null);
    else
        say(out, &spot, json_pack("{s:{s:O}}", "not", "const", literal), false);
}

/* ---- order ---- */

enum order { ORDER_LESS, ORDER_LESS_EQUAL, ORDER_MORE, ORDER_MORE_EQUAL };

static bool order_of(const struct node *node, enum order *ret)
{
    static const struct {
        enum operation_id id;
        enum order order;
    } rows[] = {
        {OPERATION_LESS, ORDER_LESS},
        {OPERATION_LESS_EQUAL, ORDER_LESS_EQUAL},
        {OPERATION_MORE, ORDER_MORE},
        {OPERATION_MORE_EQUAL, ORDER_MORE_EQUAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].id == node->id) {
            *ret = rows[i].order;
            return true;
        }
    return false;
}

/* Whether `length` of a spot is what a node asks for. */
static bool length_of(const struct node *node, const struct view *view, struct spot *ret)
{
    if (node->id == OPERATION_LENGTH && view->known) {
        *ret = view->dot;
        return true;
    }
    return node->id == OPERATION_PIPE && node->kids[1]->id == OPERATION_LENGTH &&
           spot_of(node->kids[0], view, ret);
}

/* That a length is at least so many, which is one or more: it is none of null. */
static void say_length(struct sayings *out, const struct spot *spot, json_int_t least)
{
    say(out, spot,
        json_pack("{s:[s,s,s,s],s:I,s:I,s:I}", "type", "string", "array", "object", "number",
                  "minLength", least, "minItems", least, "minProperties", least),
        true);
}

static void read_order(const struct node *node, enum order order, bool truth,
                       const struct view *view, struct sayings *out)
{
    static const enum order opposite[] = {ORDER_MORE_EQUAL, ORDER_MORE, ORDER_LESS_EQUAL,
                                          ORDER_LESS};
    static const enum order mirrored[] = {ORDER_MORE, ORDER_MORE_EQUAL, ORDER_LESS,
                                          ORDER_LESS_EQUAL};
    static const char *const keywords[] = {"exclusiveMaximum", "maximum", "exclusiveMinimum",
                                           "minimum"};
    const json_t *literal;
    const struct node *other;
    struct spot spot;
    bool flipped;
    if (!literal_side(node, &literal, &other, &flipped))
        return;
    order = flipped ? mirrored[order] : order;
    order = truth ? order : opposite[order];
    json_int_t least = json_integer_value(literal) + (order == ORDER_MORE);
    if (json_is_integer(literal) && length_of(other, view, &spot)) {
        if ((order == ORDER_MORE || order == ORDER_MORE_EQUAL) && least > 0 && least < 1000000)
            say_length(out, &spot, least);
        return;
    }
    if (!spot_of(other, view, &spot))
        return;
    if (json_is_number(literal))
        say(out, &spot, json_pack("{s:s,s:O}", "type", "number", keywords[order], literal), true);
    else if (json_is_string(literal))
        say(out, &spot, types_schema(BITS_STRING), true);
}

/* `length` against a literal: equal to none, or not. */
static bool read_no_length(const struct node *node, bool equal, const struct view *view,
                           struct sayings *out)
{
    const json_t *literal;
    const struct node *other;
    struct spot spot;
    bool flipped;
    if (!literal_side(node, &literal, &other, &flipped) || !json_is_integer(literal) ||
        !length_of(other, view, &spot))
        return false;
    json_int_t least = json_integer_value(literal);
    if (equal ? least > 0 && least < 1000000 : least == 0)
        say_length(out, &spot, equal ? least : 1);
    return true;
}

/* ---- has, not, and, or, | ---- */

static void read_has(const struct node *node, bool truth, const struct view *view,
                     struct sayings *out)
{
    const struct node *key = node->kids[0];
    if (!view->known || key->id != OPERATION_LITERAL)
        return;
    const json_t *literal = key->as.literal;
    json_int_t item = json_integer_value(literal);
    struct hop hop = {.key = (char *)json_string_value(literal), .item = item};
    if (json_is_string(literal) &&
        memchr(json_string_value(literal), '\0', json_string_length(literal)))
        return;
    if (json_is_string(literal) || (json_is_integer(literal) && item >= 0 && item < SPOT_ITEMS))
        say(out, &view->dot, schema_around(&hop, truth ? json_true() : json_false(), truth), truth);
}

/* What both of two sayings leave possible: of a base that both speak of, either. */
static void either(struct sayings *a, struct sayings *b, struct sayings *out)
{
    for (size_t i = 0; i < a->count && out->count < SAID_MOST; i++)
        for (size_t j = 0; j < b->count && out->count < SAID_MOST; j++)
            if (same_base(a->list[i].base, b->list[j].base))
                out->list[out->count++] = (struct said){
                    a->list[i].base,
                    schema_any(json_pack("[O,O]", a->list[i].schema, b->list[j].schema))};
    sayings_done(a);
    sayings_done(b);
}

static void read_logic(const struct node *node, bool truth, bool both, const struct view *view,
                       struct sayings *out)
{
    if (both) {
        read(node->kids[0], truth, view, out);
        read(node->kids[1], truth, view, out);
        return;
    }
    struct sayings a = {.count = 0}, b = {.count = 0};
    read(node->kids[0], truth, view, &a);
    read(node->kids[1], truth, view, &b);
    either(&a, &b, out);
}

static void read_pipe(const struct node *node, bool truth, const struct view *view,
                      struct sayings *out)
{
    struct view inner = {.known = false};
    if (node->kids[1]->id == OPERATION_NOT) {
        read(node->kids[0], !truth, view, out);
        return;
    }
    inner.known = spot_of(node->kids[0], view, &inner.dot);
    read(node->kids[1], truth, &inner, out);
}

/* A recursion as deep as the tree, which is bounded. */
static void read(const struct node *condition, bool truth, const struct view *view,
                 struct sayings *out)
{
    enum order order;
    bool equal = condition->id == OPERATION_EQUAL;
    if (condition->id == OPERATION_PLACE)
        read(condition->kids[0], truth, view, out);
    else if (condition->id == OPERATION_AND || condition->id == OPERATION_OR)
        read_logic(condition, truth, (condition->id == OPERATION_AND) == truth, view, out);
    else if (condition->id == OPERATION_PIPE)
        read_pipe(condition, truth, view, out);
    else if (condition->id == OPERATION_HAS)
        read_has(condition, truth, view, out);
    else if (condition->id == OPERATION_NOT && view->known)
        say(out, &view->dot, types_schema(truth ? BITS_FALSY : BITS_ALL & ~(unsigned)BITS_FALSY),
            !truth);
    else if (order_of(condition, &order))
        read_order(condition, order, truth, view, out);
    else if (equal || condition->id == OPERATION_DIFFERENT) {
        if (!read_no_length(condition, equal == truth, view, out))
            read_equality(condition, equal == truth, view, out);
    } else {
        read_truth(condition, truth, view, out);
    }
}

/* Whether the base, with all that is said of it, can be. */
static bool can_be(struct inferring *f, struct base base, const struct dot *dot)
{
    const struct inference_scope *scope = f->scope;
    const struct shape *const roots[ROOT_NAMES] = {
        [ROOT_NAME_INPUT] = scope->input,   [ROOT_NAME_ITEM] = scope->item,
        [ROOT_NAME_OUTPUT] = scope->output, [ROOT_NAME_ERROR] = scope->error,
        [ROOT_NAME_RUN] = scope->run,
    };
    struct shape shape = shape_any();
    if (base.id == OPERATION_DOT && dot && base.which == dot->id)
        shape.schema = json_incref(dot->fact.schema);
    else if (base.id == OPERATION_ROOT && roots[base.which])
        shape = shape_copy(roots[base.which]);
    else if (base.id == OPERATION_STEP && f->scope->step)
        shape = f->scope->step(f->scope->user, base.which, base.status);
    json_t *null = types_schema(BITS_NULL);
    if (shape.presence != PRESENCE_ALWAYS)
        shape.schema = schema_any(json_pack("[o,O]", shape.schema, null));
    json_decref(null);
    shape.presence = PRESENCE_ALWAYS;
    shape.schema = narrowed(f, base, shape.schema);
    bool can = shape_types(f->shapes, &shape) != 0;
    shape_done(&shape);
    return can;
}

bool narrow(struct inferring *f, const struct node *condition, bool truth, const struct dot *dot)
{
    struct sayings said = {.count = 0};
    struct view view = {.known = dot != NULL};
    if (dot)
        view.dot.base = (struct base){OPERATION_DOT, dot->id, false};
    read(condition, truth, &view, &said);
    bool can = true;
    for (size_t i = 0; i < said.count; i++)
        push(f, said.list[i].base, said.list[i].schema);
    for (size_t i = 0; can && i < said.count; i++)
        can = can_be(f, said.list[i].base, dot);
    return can;
}

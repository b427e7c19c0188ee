/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of shapes, the making of them, and the contract that a shape comes to. A shape's schema
 * is shared and never changed. What it refers to is kept by `struct shapes`, once for each
 * contract; the contract of a shape takes with it only the definitions that it can reach.
 */
#include "contract/shape_internal.h"

#include <stdlib.h>
#include <string.h>

struct shapes *shapes_new(void)
{
    struct shapes *shapes = xcalloc(1, sizeof(*shapes));
    shapes->defs = json_object();
    shapes->looking = xcalloc(1, sizeof(*shapes->looking));
    shapes_allow(shapes);
    return shapes;
}

void shapes_allow(struct shapes *shapes)
{
    shapes->looking->work = SHAPE_WORK;
}

bool shapes_spent(const struct shapes *shapes)
{
    return shapes->looking->work == 0;
}

static void looking_free(struct looking *looking)
{
    for (size_t i = 0; i < looking->regex_count; i++)
        regex_free(looking->regexes[i]);
    free(looking->regexes);
    map_done(&looking->patterns);
    free(looking);
}

void shapes_free(struct shapes *shapes)
{
    if (!shapes)
        return;
    for (size_t i = 0; i < shapes->count; i++) {
        contract_unref(shapes->known[i].contract);
        json_decref(shapes->known[i].schema);
    }
    free(shapes->known);
    looking_free(shapes->looking);
    json_decref(shapes->defs);
    free(shapes);
}

void shapes_freep(struct shapes **shapes)
{
    shapes_free(*shapes);
}

void shape_done(struct shape *shape)
{
    json_decref(shape->schema);
    shape->schema = NULL;
}

struct shape shape_copy(const struct shape *shape)
{
    return (struct shape){schema_keep(shape->schema), shape->presence};
}

/* ---- making ---- */

struct shape shape_any(void)
{
    return shape_of_schema(json_true());
}

struct shape shape_never(void)
{
    return (struct shape){json_false(), PRESENCE_NEVER};
}

struct shape shape_of_types(unsigned types)
{
    return shape_of_schema(schema_of_types(types));
}

struct shape shape_of_value(const json_t *value)
{
    return shape_of_schema(schema_bounded(json_pack("{s:O}", "const", value)));
}

struct shape shape_of_schema(json_t *schema_taken)
{
    return (struct shape){schema_taken, PRESENCE_ALWAYS};
}

struct shape shape_of_contract(struct shapes *shapes, const struct contract *contract)
{
    if (!contract)
        return shape_any();
    for (size_t i = 0; i < shapes->count; i++)
        if (shapes->known[i].contract == contract)
            return shape_of_schema(schema_keep(shapes->known[i].schema));
    json_t *schema = contract_translate(shapes, contract);
    if (shapes->count == shapes->room) {
        shapes->room = shapes->room ? 2 * shapes->room : 16;
        shapes->known = xrealloc(shapes->known, shapes->room * sizeof(shapes->known[0]));
    }
    shapes->known[shapes->count++] = (struct known){contract_ref(contract), schema};
    return shape_of_schema(schema_keep(schema));
}

struct shape shape_union(struct shapes *shapes, const struct shape *a, const struct shape *b)
{
    (void)shapes;
    if (a->presence == PRESENCE_NEVER && b->presence == PRESENCE_NEVER)
        return shape_never();
    json_t *list = json_array();
    if (a->presence != PRESENCE_NEVER)
        json_array_append(list, a->schema);
    if (b->presence != PRESENCE_NEVER)
        json_array_append(list, b->schema);
    bool always = a->presence == PRESENCE_ALWAYS && b->presence == PRESENCE_ALWAYS;
    return (struct shape){schema_any(list), always ? PRESENCE_ALWAYS : PRESENCE_MAYBE};
}

struct shape shape_meet(struct shapes *shapes, const struct shape *a, const json_t *schema)
{
    json_t *both = schema_meet(shapes, json_pack("[O,O]", a->schema, schema));
    if (!json_is_false(both) && schema_types(shapes, both) == 0) {
        json_decref(both);
        both = json_false();
    }
    return (struct shape){both, a->presence};
}

/* ---- the contract of a shape ---- */

/* JSON containers that were seen, by address; open addressing. */
struct seen_values {
    const json_t **slots;
    size_t count, room;
};

static size_t slot_of(const struct seen_values *s, const json_t *value)
{
    size_t slot = (size_t)(((uint64_t)(uintptr_t)value * 0x9E3779B97F4A7C15u) >> 32);
    for (slot &= s->room - 1; s->slots[slot] && s->slots[slot] != value;)
        slot = (slot + 1) & (s->room - 1);
    return slot;
}

/* False if it was there already. */
static bool see(struct seen_values *s, const json_t *value)
{
    if (2 * s->count >= s->room) {
        struct seen_values larger = {NULL, s->count, s->room ? 2 * s->room : 256};
        larger.slots = xcalloc(larger.room, sizeof(larger.slots[0]));
        for (size_t i = 0; i < s->room; i++)
            if (s->slots[i])
                larger.slots[slot_of(&larger, s->slots[i])] = s->slots[i];
        free((void *)s->slots);
        *s = larger;
    }
    size_t slot = slot_of(s, value);
    if (s->slots[slot])
        return false;
    s->slots[slot] = value;
    s->count++;
    return true;
}

struct collecting {
    const struct shapes *shapes;
    struct seen_values seen;
    json_t *defs;  /* that are needed           */
    json_t *queue; /* of those to be looked into */
};

/* What a constant spells as a reference may bring along a definition that nobody needs. As deep as
 * a schema is nested, which is bounded. */
static void collect(struct collecting *c, const json_t *json)
{
    struct entry e;
    if ((!json_is_object(json) && !json_is_array(json)) || !see(&c->seen, json))
        return;
    for (size_t i = 0; i < json_array_size(json); i++)
        collect(c, json_array_get(json, i));
    if (!json_is_object(json))
        return;
    const json_t *reference = json_object_get(json, "$ref");
    const json_t *target = reference_target(c->shapes, reference);
    if (target) {
        const char *name = strrchr(json_string_value(reference), '/') + 1;
        if (!json_object_get(c->defs, name))
            json_array_append(c->queue, (json_t *)target);
        json_object_set(c->defs, name, (json_t *)target);
    }
    for (bool more = entry_first(json, &e); more; more = entry_next(json, &e))
        collect(c, e.value);
}

/* The definitions that the schema reaches; NULL if none. */
static json_t *definitions_of(const struct shapes *shapes, const json_t *schema)
{
    struct collecting c = {.shapes = shapes, .defs = json_object(), .queue = json_array()};
    collect(&c, schema);
    for (size_t i = 0; i < json_array_size(c.queue); i++)
        collect(&c, json_array_get(c.queue, i));
    free((void *)c.seen.slots);
    json_decref(c.queue);
    if (json_object_size(c.defs) > 0)
        return c.defs;
    json_decref(c.defs);
    return NULL;
}

json_t *shape_document(struct shapes *shapes, const struct shape *shape)
{
    json_auto_t *null = schema_of_types(TYPE_BIT(JSON_NULL));
    json_auto_t *schema = NULL;
    if (shape->presence == PRESENCE_NEVER)
        schema = json_incref(null);
    else if (shape->presence == PRESENCE_MAYBE)
        schema = schema_any(json_pack("[O,O]", shape->schema, null));
    else
        schema = json_incref(shape->schema);
    json_t *defs = definitions_of(shapes, schema);
    if (!defs)
        return TAKE(schema);
    json_t *document = json_copy(schema);
    json_object_set_new(document, "$defs", defs);
    return document;
}

enum error_code shape_contract(struct shapes *shapes, const struct shape *shape,
                               struct contract **ret_contract, struct error *reterr)
{
    json_auto_t *document = shape_document(shapes, shape);
    return contract_compile(document, NULL, ret_contract, reterr);
}

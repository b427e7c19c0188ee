/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into shapes: types, members and items. The answer for a branch is the meet of what its
 * parts say; the answer for a schema is the union over its branches. A part that is not understood
 * says nothing, so the answer never allows less than what can come.
 */
#include "contract/shape_internal.h"

#include <stdlib.h>
#include <string.h>

enum { APPLICATORS_DEPTH = 16, PATTERN_COST = 10 };

unsigned shape_types(struct shapes *shapes, const struct shape *shape)
{
    return shape->presence == PRESENCE_NEVER ? 0 : schema_types(shapes, shape->schema);
}

/* The pattern, compiled once; NULL if it is none. */
static const struct regex *regex_of(struct looking *looking, struct slice pattern)
{
    struct regex *regex = map_get(&looking->patterns, pattern);
    if (regex || regex_new(pattern, &regex, NULL) != ERR_OK)
        return regex;
    looking->regexes =
        xrealloc(looking->regexes, (looking->regex_count + 1) * sizeof(looking->regexes[0]));
    looking->regexes[looking->regex_count++] = regex;
    map_put(&looking->patterns, pattern, regex);
    return regex;
}

/* Whether a pattern finds something in the name; MATCH_GAVE_UP: not known. */
static enum match match_name(const struct shapes *shapes, struct slice pattern, struct slice name)
{
    shapes_pay(shapes, PATTERN_COST);
    const struct regex *regex = shapes_spent(shapes) ? NULL : regex_of(shapes->looking, pattern);
    struct match_room room = {0};
    if (!regex)
        return MATCH_GAVE_UP;
    enum match found = regex_match(regex, name, &room);
    match_room_done(&room);
    return found;
}

/* ---- members ---- */

static const char *const in_place[] = {"$ref", "allOf", "anyOf", "oneOf",           "if",
                                       "then", "else",  "not",   "dependentSchemas"};

/* Whether a keyword below the schema, about the same value, may have looked at the member, which
 * its unevaluatedProperties then says nothing of. */
static bool may_evaluate(const struct shapes *shapes, const json_t *schema, struct slice name,
                         unsigned depth);

static bool any_may_evaluate(const struct shapes *shapes, const json_t *container,
                             struct slice name, unsigned depth)
{
    struct entry e;
    for (size_t i = 0; i < json_array_size(container); i++)
        if (may_evaluate(shapes, json_array_get(container, i), name, depth))
            return true;
    if (json_is_object(container))
        for (bool more = entry_first(container, &e); more; more = entry_next(container, &e))
            if (may_evaluate(shapes, e.value, name, depth))
                return true;
    return false;
}

static bool applied_may_evaluate(const struct shapes *shapes, const json_t *schema,
                                 struct slice name, unsigned depth)
{
    for (size_t i = 0; i < sizeof(in_place) / sizeof(in_place[0]); i++) {
        const json_t *value = json_object_get(schema, in_place[i]);
        bool list = json_is_array(value) || strcmp(in_place[i], "dependentSchemas") == 0;
        if (!value)
            continue;
        if (json_is_string(value))
            value = reference_target(shapes, value);
        if (list ? any_may_evaluate(shapes, value, name, depth)
                 : may_evaluate(shapes, value, name, depth))
            return true;
    }
    return false;
}

static bool may_evaluate(const struct shapes *shapes, const json_t *schema, struct slice name,
                         unsigned depth)
{
    struct entry e;
    shapes_pay(shapes, 1);
    if (depth > APPLICATORS_DEPTH || shapes_spent(shapes))
        return true;
    if (!json_is_object(schema))
        return false;
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *patterns = json_object_get(schema, "patternProperties");
    if (json_object_getn(properties, name.ptr, name.len) ||
        json_object_get(schema, "additionalProperties") ||
        json_object_get(schema, "unevaluatedProperties"))
        return true;
    if (patterns)
        for (bool more = entry_first(patterns, &e); more; more = entry_next(patterns, &e))
            if (match_name(shapes, e.key, name) != MATCH_NO)
                return true;
    return applied_may_evaluate(shapes, schema, name, depth + 1);
}

/* Adds what `properties` and its like in one part ask of the member. */
static void member_of_rules(const struct shapes *shapes, const json_t *part, struct slice name,
                            json_t *asked)
{
    struct entry e;
    size_t before = json_array_size(asked);
    const json_t *patterns = json_object_get(part, "patternProperties");
    const json_t *own = json_object_getn(json_object_get(part, "properties"), name.ptr, name.len);
    if (own)
        json_array_append(asked, (json_t *)own);
    bool doubt = false;
    if (patterns)
        for (bool more = entry_first(patterns, &e); more; more = entry_next(patterns, &e)) {
            enum match match = match_name(shapes, e.key, name);
            doubt |= match == MATCH_GAVE_UP;
            if (match == MATCH_YES)
                json_array_append(asked, (json_t *)e.value);
        }
    if (doubt || json_array_size(asked) > before)
        return;
    const json_t *additional = json_object_get(part, "additionalProperties");
    const json_t *unevaluated = json_object_get(part, "unevaluatedProperties");
    if (additional)
        json_array_append(asked, (json_t *)additional);
    else if (unevaluated && !applied_may_evaluate(shapes, part, name, 0))
        json_array_append(asked, (json_t *)unevaluated);
}

/* The members, or items, of the values of a const or enum; NULL if there is neither. */
static json_t *project(const json_t *part, struct slice name, size_t index, bool any,
                       bool *ret_always)
{
    const json_t *one, *several = schema_values(part, &one);
    size_t count = one ? 1 : json_array_size(several);
    if (!one && !several)
        return NULL;
    if (count > SHAPE_VALUES)
        return json_true();
    json_t *list = json_array();
    *ret_always = true;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = one ? one : json_array_get(several, i);
        const json_t *found = NULL;
        if (name.ptr ? !json_is_object(value) : !json_is_array(value))
            continue;
        if (any) {
            for (size_t j = 0; j < json_array_size(value); j++)
                json_array_append_new(list, json_pack("{s:O}", "const", json_array_get(value, j)));
            continue;
        }
        found =
            name.ptr ? json_object_getn(value, name.ptr, name.len) : json_array_get(value, index);
        *ret_always &= found != NULL;
        if (found)
            json_array_append_new(list, json_pack("{s:O}", "const", found));
    }
    return schema_any(list);
}

static bool list_has(const json_t *names, struct slice name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const json_t *other = json_array_get(names, i);
        if (json_is_string(other) && slice_equal(string_of(other), name))
            return true;
    }
    return false;
}

/* What propertyNames makes of a name, where it is a plain set. */
static bool name_allowed(const json_t *part, struct slice name)
{
    const json_t *names = json_object_get(part, "propertyNames"), *one;
    const json_t *several = schema_values(names, &one);
    if (json_is_false(names))
        return false;
    if (one)
        return json_is_string(one) && slice_equal(string_of(one), name);
    return !several || list_has(several, name);
}

static bool is_empty(const struct shapes *shapes, const json_t *schema)
{
    return !json_is_true(schema) && schema_types(shapes, schema) == 0;
}

/* What was found in one branch, or in all of them. */
struct found {
    json_t *schemas;   /* of the branches that have it */
    bool always, some; /* every branch has it; there was a branch */
};

static void member_of_branch(struct shapes *shapes, const struct branch_parts *b, struct slice name,
                             struct found *found)
{
    bool required = false, allowed = true;
    json_t *asked = json_array();
    for (size_t i = 0; i < b->count; i++) {
        const json_t *part = b->parts[i];
        bool always = false;
        json_t *projected = project(part, name, 0, false, &always);
        required |= always || list_has(json_object_get(part, "required"), name);
        allowed = allowed && name_allowed(part, name);
        if (projected)
            json_array_append_new(asked, projected);
        member_of_rules(shapes, part, name, asked);
    }
    json_auto_t *schema = schema_meet(shapes, asked);
    if (!allowed || is_empty(shapes, schema)) {
        if (!required) {
            found->some = true;
            found->always = false;
        }
        return; /* a member that must be there and cannot: the branch has no objects */
    }
    found->some = true;
    found->always &= required;
    json_array_append(found->schemas, schema);
}

static struct shape shape_of_found(struct found *found)
{
    if (json_array_size(found->schemas) == 0) {
        json_decref(found->schemas);
        return shape_never();
    }
    bool always = found->always && found->some;
    return (struct shape){schema_any(found->schemas), always ? PRESENCE_ALWAYS : PRESENCE_MAYBE};
}

struct shape shape_member(struct shapes *shapes, const struct shape *shape, struct slice name)
{
    struct expansion x;
    struct found found = {json_array(), true, false};
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++)
        if (x.list[i].types & TYPES_OBJECT)
            member_of_branch(shapes, &x.list[i], name, &found);
    expansion_done(&x);
    return shape_of_found(&found);
}

/* ---- items ---- */

struct counts {
    size_t least, most;
};

static size_t count_at(const json_t *part, const char *keyword, size_t otherwise)
{
    size_t count;
    const json_t *value = json_object_get(part, keyword);
    return json_is_number(value) && number_count(value, &count) ? count : otherwise;
}

static void narrow(struct counts *counts, size_t least, size_t most)
{
    if (counts->least < least)
        counts->least = least;
    if (counts->most > most)
        counts->most = most;
}

/* Of the arrays among a const or enum. */
static void counts_of_values(const json_t *part, struct counts *counts)
{
    const json_t *one, *several = schema_values(part, &one);
    struct counts all = {SIZE_MAX, 0};
    for (size_t i = 0; i < (one ? 1 : json_array_size(several)); i++) {
        const json_t *value = one ? one : json_array_get(several, i);
        size_t size = json_array_size(value);
        if (!json_is_array(value))
            continue;
        all.least = all.least < size ? all.least : size;
        all.most = all.most > size ? all.most : size;
    }
    if ((one || several) && all.least <= all.most)
        narrow(counts, all.least, all.most);
}

static struct counts counts_of_branch(const struct branch_parts *b)
{
    struct counts counts = {0, SIZE_MAX};
    for (size_t i = 0; i < b->count; i++) {
        const json_t *part = b->parts[i];
        size_t contained = json_object_get(part, "contains") ? 1 : 0;
        narrow(&counts, count_at(part, "minItems", 0), count_at(part, "maxItems", SIZE_MAX));
        narrow(&counts, contained ? count_at(part, "minContains", 1) : 0, SIZE_MAX);
        if (json_is_false(json_object_get(part, "items")))
            narrow(&counts, 0, json_array_size(json_object_get(part, "prefixItems")));
        counts_of_values(part, &counts);
    }
    return counts;
}

void shape_item_counts(struct shapes *shapes, const struct shape *shape, size_t *ret_least,
                       size_t *ret_most)
{
    struct expansion x;
    struct counts all = {SIZE_MAX, 0};
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++) {
        if (!(x.list[i].types & TYPES_ARRAY))
            continue;
        struct counts counts = counts_of_branch(&x.list[i]);
        if (counts.least > counts.most)
            continue;
        all.least = all.least < counts.least ? all.least : counts.least;
        all.most = all.most > counts.most ? all.most : counts.most;
    }
    expansion_done(&x);
    *ret_least = all.least <= all.most ? all.least : 0;
    *ret_most = all.most;
}

/* Whether nothing but `items` and its like decides what a part asks of an item. */
static const json_t *rest_of(const json_t *part)
{
    const json_t *items = json_object_get(part, "items");
    if (items)
        return items;
    for (size_t i = 0; i < sizeof(in_place) / sizeof(in_place[0]); i++)
        if (json_object_get(part, in_place[i]))
            return NULL;
    return json_object_get(part, "contains") ? NULL : json_object_get(part, "unevaluatedItems");
}

/* What one part asks of the item at an index, or of any; NULL: nothing. */
static json_t *item_of_part(const json_t *part, size_t index, bool any, size_t most)
{
    const json_t *prefix = json_object_get(part, "prefixItems"), *rest = rest_of(part);
    size_t count = json_array_size(prefix);
    if (!any)
        return schema_keep(index < count ? json_array_get(prefix, index) : rest);
    json_t *list = json_array();
    for (size_t i = 0; i < count && i < most; i++)
        json_array_append(list, json_array_get(prefix, i));
    if (most > count && rest)
        json_array_append(list, (json_t *)rest);
    else if (most > count)
        json_array_append_new(list, json_true());
    return schema_any(list);
}

static void item_of_branch(struct shapes *shapes, const struct branch_parts *b, size_t index,
                           bool any, struct found *found)
{
    struct counts counts = counts_of_branch(b);
    json_t *asked = json_array();
    if (counts.least > counts.most) {
        json_decref(asked);
        return;
    }
    for (size_t i = 0; i < b->count; i++) {
        bool always;
        json_t *projected = project(b->parts[i], (struct slice){NULL, 0}, index, any, &always);
        json_t *item = item_of_part(b->parts[i], index, any, counts.most);
        if (projected)
            json_array_append_new(asked, projected);
        if (item)
            json_array_append_new(asked, item);
    }
    json_auto_t *schema = schema_meet(shapes, asked);
    bool required = counts.least > index;
    bool none = counts.most <= index || is_empty(shapes, schema);
    if (none && required)
        return;
    found->some = true;
    found->always &= required;
    if (!none)
        json_array_append(found->schemas, schema);
}

static struct shape look_at_items(struct shapes *shapes, const struct shape *shape, size_t index,
                                  bool any)
{
    struct expansion x;
    struct found found = {json_array(), true, false};
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++)
        if (x.list[i].types & TYPES_ARRAY)
            item_of_branch(shapes, &x.list[i], index, any, &found);
    expansion_done(&x);
    return shape_of_found(&found);
}

struct shape shape_item(struct shapes *shapes, const struct shape *shape, size_t index)
{
    return look_at_items(shapes, shape, index, false);
}

struct shape shape_items(struct shapes *shapes, const struct shape *shape)
{
    return look_at_items(shapes, shape, 0, true);
}

/* ---- types taken away ---- */

struct shape shape_without(struct shapes *shapes, const struct shape *shape, unsigned types)
{
    struct expansion x;
    unsigned all = 0;
    size_t touched = 0;
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++) {
        all |= x.list[i].types;
        touched += (x.list[i].types & types) != 0;
    }
    expansion_done(&x);
    if (touched == 0)
        return shape_copy(shape);
    return shape_of_types_among(shapes, shape, all & ~types);
}

/* The branches of a union, where a schema is nothing else, that allow one of the types. */
static json_t *branches_among(struct shapes *shapes, const json_t *schema, unsigned types)
{
    const json_t *union_of = json_object_get(schema, "anyOf");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(union_of); i++) {
        json_t *branch = json_array_get(union_of, i);
        unsigned bits = schema_types(shapes, branch);
        if (bits & types)
            json_array_append_new(list, schema_among(shapes, branch, types));
    }
    return schema_any(list);
}

json_t *schema_among(struct shapes *shapes, const json_t *schema, unsigned types)
{
    unsigned bits = schema_types(shapes, schema);
    if ((bits & types) == 0)
        return json_false();
    if ((bits & ~types) == 0)
        return schema_keep(schema);
    if (json_object_size(schema) == 1 && json_object_get(schema, "anyOf"))
        return branches_among(shapes, schema, types);
    json_auto_t *left = schema_of_types(bits & types);
    if (json_is_true(schema) || (json_object_size(schema) == 1 && json_object_get(schema, "type")))
        return json_incref(left);
    if (!json_object_get(schema, "type") || json_object_size(left) != 1 ||
        !json_object_get(left, "type"))
        return schema_both(schema, left);
    json_t *copy = json_copy((json_t *)schema); /* shallow: the parts are shared */
    json_object_set(copy, "type", json_object_get(left, "type"));
    return copy;
}

/* The values that one schema of the list is, without those that others exclude, which are then said
 * and go; NULL if none is a set of values alone. */
static json_t *meet_values(json_t *list)
{
    const json_t *one = NULL, *several = NULL;
    json_auto_t *set = NULL;
    for (size_t i = 0; !set && i < json_array_size(list); i++) {
        json_t *schema = json_array_get(list, i);
        several = json_object_size(schema) == 1 ? schema_values(schema, &one) : NULL;
        if (json_object_size(schema) != 1 || (!one && !several))
            continue;
        set = one ? json_pack("[O]", one) : json_copy((json_t *)several);
        json_array_remove(list, i);
    }
    for (size_t i = json_array_size(list); set && i-- > 0;) {
        const json_t *schema = json_array_get(list, i);
        const json_t *others = schema_values(schema, &one);
        bool sole = json_object_size(schema) == 1;
        if (!sole || (!one && !others && !json_object_get(schema, "not")))
            continue;
        bool says = one || others;
        for (size_t j = json_array_size(set); j-- > 0;) {
            const json_t *value = json_array_get(set, j);
            if (says ? !schema_lists(schema, value) : schema_excludes(schema, value))
                json_array_remove(set, j);
        }
        if (says)
            json_array_remove(list, i);
    }
    return TAKE(set);
}

json_t *schema_meet(struct shapes *shapes, json_t *list_taken)
{
    json_auto_t *list = list_taken;
    unsigned types = TYPES_ALL;
    for (size_t i = json_array_size(list); i-- > 0;) {
        unsigned bits;
        if (!schema_is_types(json_array_get(list, i), &bits))
            continue;
        types &= bits;
        json_array_remove(list, i);
    }
    json_auto_t *values = meet_values(list);
    if (values && json_array_size(values) == 0)
        return json_false();
    if (values)
        json_array_append_new(list, json_array_size(values) == 1
                                        ? json_pack("{s:O}", "const", json_array_get(values, 0))
                                        : json_pack("{s:O}", "enum", values));
    json_auto_t *others = schema_all(json_incref(list));
    return schema_among(shapes, others, types);
}

struct shape shape_of_types_among(struct shapes *shapes, const struct shape *shape, unsigned types)
{
    json_t *schema = schema_among(shapes, shape->schema, types);
    if (json_is_false(schema)) {
        json_decref(schema);
        return shape_never();
    }
    return (struct shape){schema, shape->presence};
}

/* ---- names ---- */

static bool names_closed(const json_t *part)
{
    const json_t *one, *several = schema_values(part, &one);
    const json_t *names = json_object_get(part, "propertyNames"), *name;
    if (one || several)
        return true;
    several = schema_values(names, &name);
    if (several || name)
        return true;
    if (json_object_size(json_object_get(part, "patternProperties")) > 0)
        return false;
    if (json_is_false(json_object_get(part, "additionalProperties")))
        return true;
    bool plain = true;
    for (size_t i = 0; plain && i < sizeof(in_place) / sizeof(in_place[0]); i++)
        plain = !json_object_get(part, in_place[i]);
    return plain && json_is_false(json_object_get(part, "unevaluatedProperties"));
}

static void add_name(struct shapes *shapes, const struct shape *shape, json_t *names,
                     struct slice name)
{
    if (list_has(names, name) || json_array_size(names) >= SHAPE_VALUES)
        return;
    struct shape member = shape_member(shapes, shape, name);
    if (member.presence != PRESENCE_NEVER)
        json_array_append_new(names, json_stringn_nocheck(name.ptr, name.len));
    shape_done(&member);
}

static void add_keys(struct shapes *shapes, const struct shape *shape, json_t *names,
                     const json_t *object)
{
    struct entry e;
    if (json_is_object(object))
        for (bool more = entry_first(object, &e); more; more = entry_next(object, &e))
            add_name(shapes, shape, names, e.key);
}

static void add_names_of_part(struct shapes *shapes, const struct shape *shape, json_t *names,
                              const json_t *part)
{
    const json_t *one, *several = schema_values(part, &one);
    const json_t *required = json_object_get(part, "required");
    add_keys(shapes, shape, names, json_object_get(part, "properties"));
    add_keys(shapes, shape, names, one);
    for (size_t i = 0; i < json_array_size(several); i++)
        add_keys(shapes, shape, names, json_array_get(several, i));
    for (size_t i = 0; i < json_array_size(required); i++)
        add_name(shapes, shape, names, string_of(json_array_get(required, i)));
    several = schema_values(json_object_get(part, "propertyNames"), &one);
    for (size_t i = 0; i < json_array_size(several); i++)
        if (json_is_string(json_array_get(several, i)))
            add_name(shapes, shape, names, string_of(json_array_get(several, i)));
}

bool shape_names(struct shapes *shapes, const struct shape *shape, json_t **ret_names)
{
    struct expansion x;
    bool closed = true;
    json_t *names = json_array();
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++) {
        const struct branch_parts *b = &x.list[i];
        bool branch_closed = false;
        if (!(b->types & TYPES_OBJECT))
            continue;
        for (size_t j = 0; j < b->count; j++) {
            branch_closed |= names_closed(b->parts[j]);
            add_names_of_part(shapes, shape, names, b->parts[j]);
        }
        closed &= branch_closed;
    }
    expansion_done(&x);
    *ret_names = names;
    return closed && json_array_size(names) < SHAPE_VALUES;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths: what a member, an item or a slice can be, and whether it is there. A hop that no value of
 * the shape has is null for ever, and most likely a slip: the note names what is there. A hop that
 * is not required may be null; the note waits until somebody uses the value.
 */
#include "base/units.h"
#include "mapping/infer_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 12 };

/* ---- how a path is written ---- */

/* The length of the segment that ends the source: `.name`, `["name"]` or `[0]`. */
static size_t last_segment(struct slice source)
{
    size_t at = source.len;
    while (at > 0 && (source.ptr[at - 1] == ' ' || source.ptr[at - 1] == '?'))
        at--;
    bool bracket = at > 0 && source.ptr[at - 1] == ']';
    bool quoted = at > 1 && source.ptr[at - (bracket ? 2 : 1)] == '"';
    if (quoted)
        for (at -= bracket ? 2 : 1; at > 0 && source.ptr[at - 1] != '"';)
            at--;
    while (at > 0 && source.ptr[at - 1] != (bracket ? '[' : '.'))
        at--;
    if (at > 0)
        at--;
    if (bracket && at > 0 && source.ptr[at - 1] == '.')
        at--;
    return source.len - at;
}

static struct slice without_segments(struct slice source, size_t count)
{
    for (; count > 0 && source.len > 0; count--)
        source.len -= last_segment(source);
    return source;
}

/* "/findings/items of `.steps.plan.output`", or the latter alone; a new string. */
static char *place_words(const struct origin *origin, struct slice written)
{
    if (origin->root && origin->root[0] && origin->pointer[0])
        return xasprintf("%s of `%s`", origin->pointer, origin->root);
    if (origin->root && origin->root[0])
        return xasprintf("`%s`", origin->root);
    return written.len > 0 ? xasprintf("`%.*s`", (int)written.len, written.ptr)
                           : xstrdup("the value");
}

static struct origin origin_below(struct inferring *f, const struct origin *origin,
                                  const struct hop *hop)
{
    if (!origin->root)
        return *origin;
    char *pointer = hop->key ? xasprintf("%s/%s", origin->pointer, hop->key)
                             : xasprintf("%s/items", origin->pointer);
    return (struct origin){origin->root, keep_string(f, pointer)};
}

/* ---- what is not there ---- */

static char *name_list(const json_t *names)
{
    struct text out;
    size_t count = json_array_size(names);
    text_init(&out, 1000);
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++)
        text_addf(&out, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(names, i)));
    if (count > NAMES_SHOWN)
        text_addf(&out, " and %zu more", count - NAMES_SHOWN);
    return text_take(&out);
}

static const char *nearest_name(const json_t *names, struct slice name)
{
    size_t count = json_array_size(names);
    AUTO(freep) const char **list = xcalloc(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i] = json_string_value(json_array_get(names, i));
    return suggest(name, list, count);
}

static void note_never_member(struct inferring *f, const struct node *node,
                              const struct fact *object, const struct hop *hop,
                              struct slice written)
{
    struct shape shape = fact_shape(object);
    json_auto_t *names = NULL;
    shape_names(f->shapes, &shape, &names);
    AUTO(freep) char *place = place_words(&object->origin, written);
    AUTO(freep) char *list = name_list(names);
    const char *nearest = nearest_name(names, (struct slice){hop->key, hop->length});
    note(f, INFERENCE_NEVER, "never-there", node,
         xasprintf("%s has no `%s`; it has%s%s", place, hop->key, *list ? ": " : " no members",
                   list),
         nearest ? xasprintf("did you mean `%s`?", nearest) : NULL);
}

static void note_never_item(struct inferring *f, const struct node *node, const struct fact *array,
                            json_int_t item, struct slice written)
{
    struct shape shape = fact_shape(array);
    size_t least, most;
    shape_item_counts(f->shapes, &shape, &least, &most);
    AUTO(freep) char *place = place_words(&array->origin, written);
    note(f, INFERENCE_NEVER, "never-there", node,
         xasprintf("%s has no item %lld; it has at most %zu", place, (long long)item, most), NULL);
}

static struct lack *lack_of_hop(struct inferring *f, const struct node *node,
                                const struct fact *from, const struct hop *hop,
                                struct slice written)
{
    AUTO(freep) char *place = place_words(&from->origin, written);
    char *text = hop->key ? xasprintf("%s does not require `%s`", place, hop->key)
                          : xasprintf("%s may have no item %lld", place, (long long)hop->item);
    return lack_new(f, node, text,
                    xstrdup("say with `//` what stands for it, or let the contract require it"));
}

/* A name that nobody has given, on an object whose names are given: most likely a slip, though
 * the schema lets others be. */
static struct lack *lack_of_name(struct inferring *f, const struct node *node,
                                 const struct fact *object, const struct hop *hop,
                                 const struct shape *part, struct slice written)
{
    struct shape shape = fact_shape(object);
    json_auto_t *names = NULL;
    json_t *name;
    size_t i;
    bool said = !json_is_true(part->schema) && json_object_size(part->schema) > 0;
    shape_names(f->shapes, &shape, &names);
    json_array_foreach (names, i, name)
        said = said || (json_string_length(name) == hop->length &&
                        memcmp(json_string_value(name), hop->key, hop->length) == 0);
    if (said || json_array_size(names) == 0)
        return NULL;
    AUTO(freep) char *place = place_words(&object->origin, written);
    AUTO(freep) char *list = name_list(names);
    const char *nearest = nearest_name(names, (struct slice){hop->key, hop->length});
    char *text = xasprintf("%s does not name `%s`; it names %s", place, hop->key, list);
    char *hint = nearest ? xasprintf("did you mean `%s`?", nearest)
                         : xstrdup("name it in the contract, if it is there");
    note(f, INFERENCE_MAY_BE_NULL, "undeclared-name", node, xstrdup(text), xstrdup(hint));
    return lack_new(f, node, text, hint);
}

/* ---- one hop ---- */

static struct shape item_at(struct inferring *f, const struct shape *array, json_int_t item)
{
    size_t least, most;
    shape_item_counts(f->shapes, array, &least, &most);
    if (item >= 0)
        return shape_item(f->shapes, array, (size_t)item);
    size_t back = (size_t) - (item + 1) + 1;
    if (least == most && back <= most)
        return shape_item(f->shapes, array, most - back);
    if (back > most)
        return shape_never();
    struct shape any = shape_items(f->shapes, array);
    if (any.presence != PRESENCE_NEVER)
        any.presence = least >= back ? PRESENCE_ALWAYS : PRESENCE_MAYBE;
    return any;
}

/* The part of what has parts; null for what is missing. */
static struct fact part_of(struct inferring *f, const struct node *node, const struct fact *from,
                           const struct hop *hop, struct slice written)
{
    unsigned types = fact_types(f, from);
    struct fact whole = fact_among(f, from, hop->key ? BITS_OBJECT : BITS_ARRAY);
    struct shape shape = fact_shape(&whole), part;
    if (types & (hop->key ? BITS_OBJECT : BITS_ARRAY)) {
        part = hop->key ? shape_member(f->shapes, &shape, (struct slice){hop->key, hop->length})
                        : item_at(f, &shape, hop->item);
        if (part.presence == PRESENCE_NEVER && hop->key)
            note_never_member(f, node, &whole, hop, written);
        else if (part.presence == PRESENCE_NEVER)
            note_never_item(f, node, &whole, hop->item, written);
    } else {
        part = shape_never();
    }
    struct fact fact = {
        .schema = part.schema, .lack = from->lack, .origin = origin_below(f, &from->origin, hop)};
    struct lack *undeclared = NULL;
    if (part.presence == PRESENCE_MAYBE && hop->key && (types & BITS_OBJECT))
        undeclared = lack_of_name(f, node, &whole, hop, &part, written);
    if ((types & BITS_NULL) || part.presence != PRESENCE_ALWAYS) {
        json_t *null = shape_of_types(BITS_NULL).schema;
        fact.schema = schema_any(json_pack("[o,o]", fact.schema, null));
    }
    if (undeclared)
        fact.lack = undeclared;
    else if (part.presence == PRESENCE_MAYBE && !fact.lack)
        fact.lack = lack_of_hop(f, node, from, hop, written);
    fact_done(&whole);
    return fact;
}

static bool take_hop(struct inferring *f, const struct node *node, const struct hop *hop,
                     struct slice written, struct fact *at)
{
    unsigned types = fact_types(f, at), wrong = types & ~(unsigned)BITS_NULL;
    wrong &= ~(unsigned)(hop->key ? BITS_OBJECT : BITS_ARRAY);
    bool drops = at->drops;
    if (wrong != 0) {
        AUTO(freep) char *words = types_words(types);
        AUTO(freep) char *place = place_words(&at->origin, written);
        AUTO(freep)
        char *what = hop->key ? xasprintf("the member `%s`", hop->key)
                              : xasprintf("item %lld", (long long)hop->item);
        bool fails = wrong == types;
        note(f, fails ? INFERENCE_FAILS : INFERENCE_MAY_FAIL,
             types == BITS_ALL ? "unknown-type" : "operand-type", node,
             xasprintf("%s is looked for in %s, which %s %s", what, place, fails ? "is" : "may be",
                       words),
             NULL);
    }
    struct fact from = fact_among(f, at, types & ~wrong);
    fact_done(at);
    *at = fact_is_nothing(&from) ? fact_nothing() : part_of(f, node, &from, hop, written);
    at->drops = drops;
    fact_done(&from);
    return !fact_is_nothing(at);
}

struct fact infer_path(struct inferring *f, const struct node *node, const struct dot *dot)
{
    const struct node *base = node->kids[0];
    size_t hops = node->as.hops.count;
    if (base->id == OPERATION_ROOT || base->id == OPERATION_STEP) {
        f->path = node;
        f->leaf = without_segments(node->source, hops);
    }
    struct fact at = infer_node(f, base, dot);
    f->path = NULL;
    bool more = !fact_is_nothing(&at);
    for (size_t i = 0; more && i < hops; i++) {
        struct slice written = without_segments(node->source, hops - i);
        more = take_hop(f, node, &node->as.hops.list[i], written, &at);
    }
    return at;
}

/* ---- [ ] with an expression in it ---- */

static struct fact any_part(struct inferring *f, const struct node *node, const struct fact *from,
                            unsigned keys)
{
    struct fact result = fact_nothing();
    const unsigned kinds[] = {keys & BITS_STRING ? BITS_OBJECT : 0,
                              keys & BITS_NUMBER ? BITS_ARRAY : 0};
    for (size_t i = 0; i < 2; i++) {
        struct fact whole = fact_among(f, from, kinds[i]);
        if (kinds[i] && !fact_is_nothing(&whole)) {
            struct item_facts items = items_of_fact(f, &whole);
            result = fact_union(f, result, items.any);
        }
        fact_done(&whole);
    }
    AUTO(freep) char *source = source_words(node);
    struct lack *lack = lack_new(f, node, xasprintf("%s may find nothing", source),
                                 xstrdup("say with `//` what stands for it"));
    result = fact_union(f, result, fact_of_types(BITS_NULL));
    result.lack = lack_either(f, from->lack, lack);
    return result;
}

/* The types a base may have, given those of the key; notes what cannot go together. */
static bool expect_pair(struct inferring *f, const struct node *node, struct fact *base,
                        struct fact *key)
{
    unsigned bases = BITS_NULL, keys = fact_types(f, key);
    bases |= keys & BITS_STRING ? BITS_OBJECT : 0;
    bases |= keys & BITS_NUMBER ? BITS_ARRAY : 0;
    unsigned found = fact_types(f, base);
    bool both = (keys & BITS_STRING) && (keys & BITS_NUMBER);
    if (both && (found & (BITS_ARRAY | BITS_OBJECT)))
        note(f, INFERENCE_MAY_FAIL, keys == BITS_ALL ? "unknown-type" : "operand-type", node,
             xstrdup("the key in [ ] may be a string or a number, and only one of them goes"),
             NULL);
    return expect(f, node, base, bases,
                  keys & BITS_NUMBER ? "an array in front of [ ]" : "an object in front of [ ]");
}

struct fact infer_index(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact base = infer_node(f, node->kids[0], dot);
    struct fact key = infer_node(f, node->kids[1], dot);
    struct fact result = fact_nothing();
    settle(f, &key);
    if (!fact_is_nothing(&base) && !fact_is_nothing(&key) &&
        expect(f, node->kids[1], &key, BITS_STRING | BITS_NUMBER,
               "to be a string or a number, as what stands in [ ]") &&
        expect_pair(f, node, &base, &key)) {
        const json_t *constant = fact_constant(&key);
        double place = json_number_value(constant);
        struct hop hop = {.key = NULL};
        if (json_is_string(constant)) {
            hop.key = (char *)json_string_value(constant);
            hop.length = json_string_length(constant);
        }
        hop.item = fabs(place) < 1e15 ? (json_int_t)place : 0;
        bool known =
            hop.key || (json_is_number(constant) && place == floor(place) && fabs(place) < 1e15);
        result = known ? part_of(f, node, &base, &hop, node->kids[0]->source)
                       : any_part(f, node, &base, fact_types(f, &key));
    }
    fact_done(&base);
    fact_done(&key);
    return result;
}

/* ---- slices ---- */

struct bound {
    bool written, known; /* known: a whole number from 0 on, or not written */
    size_t at;
};

/* False if it fails whatever it meets. */
static bool infer_bound(struct inferring *f, const struct node *node, const struct dot *dot,
                        struct bound *ret)
{
    struct fact fact = infer_node(f, node, dot);
    settle(f, &fact);
    *ret = (struct bound){.written = true};
    bool goes_on = !fact_is_nothing(&fact) && expect(f, node, &fact, BITS_NUMBER | BITS_NULL,
                                                     "to be a number, as a bound of a slice");
    const json_t *constant = fact_constant(&fact);
    double at = json_number_value(constant);
    if (json_is_number(constant) && at >= 0 && at < 1e9 && at == floor(at))
        *ret = (struct bound){true, true, (size_t)at};
    fact_done(&fact);
    return goes_on;
}

/* How many there can be between the bounds of so many. */
static struct shape_sizes sizes_between(const struct bound bounds[2], struct shape_sizes all)
{
    struct shape_sizes sizes = {0, all.most};
    if (!bounds[0].known || !bounds[1].known)
        return sizes;
    size_t from = bounds[0].at, to = bounds[1].written ? bounds[1].at : SIZE_MAX;
    size_t end = all.most < to ? all.most : to, start = all.least < to ? all.least : to;
    sizes.most = end == SIZE_MAX ? SIZE_MAX : end > from ? end - from : 0;
    sizes.least = start > from ? start - from : 0;
    return sizes;
}

static struct fact slice_of_fact(struct inferring *f, const struct fact *base,
                                 const struct bound bounds[2])
{
    struct fact result = fact_among(f, base, BITS_NULL);
    struct fact strings = fact_among(f, base, BITS_STRING);
    struct fact arrays = fact_among(f, base, BITS_ARRAY);
    if (!fact_is_nothing(&strings)) {
        struct shape shape = fact_shape(&strings);
        struct shape_sizes sizes = shape_string_sizes(f->shapes, &shape);
        result = fact_union(f, result, fact_of_strings(sizes_between(bounds, sizes)));
    }
    if (!fact_is_nothing(&arrays)) {
        struct item_facts items = items_of_fact(f, &arrays);
        struct shape_sizes sizes =
            sizes_between(bounds, (struct shape_sizes){items.least, items.most});
        result = fact_union(f, result, fact_of_array(items.any.schema, sizes.least, sizes.most));
    }
    fact_done(&strings);
    fact_done(&arrays);
    result.lack = base->lack;
    return result;
}

struct fact infer_slice(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact base = infer_node(f, node->kids[0], dot);
    struct bound bounds[2] = {{.known = true}, {.known = true}};
    bool null = (fact_types(f, &base) & BITS_NULL) != 0, goes_on = true;
    struct fact result = fact_nothing();
    f->maybe += null; /* of null, the bounds are not asked for */
    if (node->as.bounds.from)
        goes_on = infer_bound(f, node->kids[1], dot, &bounds[0]);
    if (node->as.bounds.to)
        goes_on = infer_bound(f, node->kids[node->kid_count - 1], dot, &bounds[1]) && goes_on;
    f->maybe -= null;
    if (!fact_is_nothing(&base) && expect(f, node, &base, BITS_ARRAY | BITS_STRING | BITS_NULL,
                                          "an array or a string in front of [ : ]")) {
        struct fact left = fact_among(f, &base, goes_on ? BITS_ALL : BITS_NULL);
        result = slice_of_fact(f, &left, bounds);
        fact_done(&left);
    }
    fact_done(&base);
    return result;
}

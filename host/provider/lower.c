/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering, from the contract to a schema with its proof. The walk keeps references where the
 * provider takes them, spreads what stands beside an anyOf over its branches, makes one object of a
 * root that is several, and leaves the rest to emit.c. Nothing here is believed: whatever it makes,
 * the contract engine is asked about.
 */
#include "provider/lower_internal.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

struct marks pass_marks(const struct pass *p)
{
    return (struct marks){json_array_size(p->drop_nulls), json_array_size(p->dropped),
                          json_array_size(p->narrowed)};
}

/* The name of the definition that a place of the result lies in; empty for the root. */
static struct slice definition_of(const char *place)
{
    static const char defs[] = "/$defs/";
    if (strncmp(place, defs, strlen(defs)) != 0)
        return (struct slice){"", 0};
    place += strlen(defs);
    return (struct slice){place, strcspn(place, "/")};
}

/* A definition that was made on the way stays in the result, and so does what is told of it. */
static void cut(json_t *list, size_t size, const char *place)
{
    struct slice own = definition_of(place);
    for (size_t i = json_array_size(list); i-- > size;) {
        const json_t *note = json_array_get(list, i);
        const json_t *at = json_is_string(note) ? note : json_object_get(note, "at");
        if (slice_equal(definition_of(json_string_value(at)), own))
            json_array_remove(list, i);
    }
}

void pass_cut(struct pass *p, struct marks marks, const char *place, bool keep_narrowed)
{
    cut(p->drop_nulls, marks.drop_nulls, place);
    cut(p->dropped, marks.dropped, place);
    if (!keep_narrowed)
        cut(p->narrowed, marks.narrowed, place);
}

void note_narrowed(struct pass *p, const char *place, const char *lost)
{
    json_array_append_new(p->narrowed, json_pack("{s:s, s:s}", "at", place, "lost", lost));
}

/* A part that was lowered twice is told once. */
static void tell_once(json_t *narrowed)
{
    struct map told = {0};
    for (size_t i = 0; i < json_array_size(narrowed);) {
        AUTO(freep) char *text = json_dumps(json_array_get(narrowed, i), JSON_COMPACT);
        if (map_put(&told, slice_of(text), narrowed))
            json_array_remove(narrowed, i);
        else
            i++;
    }
    map_done(&told);
}

bool is_any(const json_t *schema)
{
    const char *keyword;
    json_t *value;
    json_object_foreach ((json_t *)schema, keyword, value) {
        if (!is_annotation(keyword))
            return false;
    }
    return true;
}

/* ---- references ---- */

static bool is_cyclic(const struct pass *p, const char *ref, bool required_only)
{
    json_t *known = json_object_get(p->cyclic, required_only ? "required" : "any");
    const json_t *answer = json_object_get(known, ref);
    if (!answer) {
        const json_t *target = schema_at(p->root, ref);
        bool cyclic = target && schema_leads(p->root, target, target, required_only, NULL);
        json_object_set_new(known, ref, json_boolean(cyclic));
        answer = json_object_get(known, ref);
    }
    return json_is_true(answer);
}

/* Whether the provider takes a reference there, or it must be written out. */
static bool is_kept(const struct pass *p, const char *ref)
{
    const struct rule *cycles = provider_rule(p->provider, RULE_CYCLES);
    const char *where = cycles ? json_string_value(json_object_get(cycles->json, "where")) : NULL;
    return schema_at(p->root, ref) && !(p->unroll && is_cyclic(p, ref, false)) &&
           !(cycles && is_cyclic(p, ref, strcmp(where, "optional") == 0));
}

static char *new_name(const struct pass *p, const char *ref)
{
    const char *last = strrchr(ref, '/');
    AUTO(freep) char *base = xstrdup(last && last[1] ? last + 1 : "root");
    for (char *c = base; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", *c))
            *c = '_';
    char *name = xstrdup(base);
    for (unsigned n = 2; json_object_get(p->defs, name); n++) {
        free(name);
        name = xasprintf("%s_%u", base, n);
    }
    return name;
}

static json_t *lower_ref(struct pass *p, const char *ref, unsigned depth)
{
    json_t *known = json_object_get(p->names, ref);
    if (!known) {
        AUTO(freep) char *name = new_name(p, ref);
        AUTO(freep) char *place = pointer_join("/$defs", name);
        known = json_string(name);
        json_object_set_new(p->names, ref, known);
        json_object_set_new(p->defs, name, json_null());
        json_t *lowered = lower_schema(p, schema_at(p->root, ref), place, depth - 1);
        json_object_set_new(p->defs, name, lowered ? lowered : emit_any(p, place));
    }
    return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", json_string_value(known)));
}

/* The reference that a schema is and nothing else; what only tells is let go where the reference
 * leads back, else it is worth writing the schema out. NULL = it is more, or has none. */
static const char *bare_ref(const struct pass *p, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref")), *keyword;
    json_t *value;
    if (!ref)
        return NULL;
    if (p->draft7)
        return ref;
    json_object_foreach ((json_t *)schema, keyword, value) {
        bool tells = strcmp(keyword, "description") == 0 || strcmp(keyword, "default") == 0;
        if (strcmp(keyword, "$ref") != 0 &&
            (!is_annotation(keyword) || (tells && !is_cyclic(p, ref, false))))
            return NULL;
    }
    return ref;
}

/* ---- unions ---- */

static json_t *base_of(const struct flat *flat)
{
    json_t *base = json_copy(flat->json), *value;
    const char *keyword;
    void *next;
    json_object_del(base, "anyOf");
    json_object_del(base, "oneOf");
    json_object_foreach_safe (base, next, keyword, value) {
        if (is_annotation(keyword))
            json_object_del(base, keyword);
    }
    return base;
}

/* A branch with all that stands beside the anyOf. New. */
static json_t *branch_source(const struct flat *flat, const json_t *base, json_t *branch)
{
    if (json_object_size(base) == 0 && !flat->closed)
        return json_incref(branch);
    json_t *source = json_pack("{s:[O, O]}", "allOf", base, branch);
    if (flat->closed)
        json_object_set_new(source, "unevaluatedProperties", json_false());
    return source;
}

/* Lowers for what it narrows alone: its result is one that there is already. */
static void lower_again(struct pass *p, const json_t *source, const char *place, unsigned depth)
{
    struct marks marks = pass_marks(p);
    json_decref(lower_schema(p, source, place, depth));
    pass_cut(p, marks, place, true);
}

/* Puts a branch into the list, unless its twin is there: then false, and where. */
static bool add_branch_once(json_t *list, struct map *known, json_t *lowered, size_t *ret_twin)
{
    AUTO(freep) char *text = json_dumps(lowered, JSON_COMPACT | JSON_SORT_KEYS);
    const json_t *twin = map_get(known, slice_of(text));
    if (!twin) {
        map_put(known, slice_of(text), lowered);
        json_array_append(list, lowered);
        return true;
    }
    for (*ret_twin = 0; json_array_get(list, *ret_twin) != twin;)
        ++*ret_twin;
    return false;
}

/* The branches, lowered; those that nothing fits and those that are there already are left out. */
static json_t *lower_branches(struct pass *p, const json_t *sources, const char *place,
                              unsigned depth)
{
    json_t *list = json_array(), *source;
    struct map known = {0};
    size_t i, twin;
    json_array_foreach (sources, i, source) {
        struct marks marks = pass_marks(p);
        AUTO(freep) char *own = pointer_index(place, "anyOf", json_array_size(list));
        json_t *lowered = lower_schema(p, source, own, depth - 1);
        if (!lowered) {
            pass_cut(p, marks, place, true);
        } else if (!add_branch_once(list, &known, lowered, &twin)) {
            AUTO(freep) char *at = pointer_index(place, "anyOf", twin);
            pass_cut(p, marks, place, false);
            lower_again(p, source, at, depth - 1);
        }
        json_decref(lowered);
    }
    map_done(&known);
    return list;
}

/* The first that something fits, at the place of the union itself. */
static json_t *only_one(struct pass *p, const json_t *sources, const char *place, unsigned depth)
{
    json_t *source, *one = NULL;
    size_t i;
    json_array_foreach (sources, i, source) {
        if (one)
            lower_again(p, source, place, depth - 1);
        else
            one = lower_schema(p, source, place, depth - 1);
    }
    return one;
}

static json_t *union_of(struct pass *p, const json_t *sources, const char *place, unsigned depth)
{
    if (json_array_size(sources) == 1)
        return only_one(p, sources, place, depth);
    struct marks marks = pass_marks(p);
    json_t *list = lower_branches(p, sources, place, depth), *one;
    size_t i;
    json_array_foreach (list, i, one) {
        if (is_any(one)) {
            json_decref(list);
            pass_cut(p, marks, place, false);
            return emit_any(p, place);
        }
    }
    if (json_array_size(list) > 1)
        return json_pack("{s:o}", "anyOf", list);
    json_decref(list);
    pass_cut(p, marks, place, false);
    return only_one(p, sources, place, depth);
}

/* ---- a root that must be one object ---- */

struct root_union {
    json_t *properties;     /* name → [schema of each branch that has it] */
    json_t *required;       /* of all branches; NULL = none seen yet      */
    bool closed, strangers; /* all are closed; some value is no object */
    size_t branches;
};

static bool takes_object(const struct flat *f, bool *ret_only)
{
    const json_t *type = json_object_get(f->json, "type"), *word;
    bool found = false;
    size_t i;
    *ret_only = json_is_string(type) || json_array_size(type) == 1;
    if (json_is_string(type))
        return strcmp(json_string_value(type), "object") == 0;
    json_array_foreach (type, i, word) {
        found |= strcmp(json_string_value(word), "object") == 0;
    }
    return found || (!type && (json_object_get(f->json, "properties") ||
                               json_object_get(f->json, "required")));
}

static bool holds_equal(const json_t *list, const json_t *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        if (json_equal(item, value))
            return true;
    }
    return false;
}

static void add_branch(struct root_union *u, const struct flat *f)
{
    const char *name;
    json_t *schema, *required = json_object_get(f->json, "required"), *word;
    json_object_foreach (json_object_get(f->json, "properties"), name, schema) {
        json_t *list = json_object_get(u->properties, name);
        if (!list) {
            list = json_array();
            json_object_set_new(u->properties, name, list);
        }
        json_array_append(list, schema);
    }
    json_t *common = json_array();
    size_t i;
    json_array_foreach (required, i, word) {
        if (!u->required || holds_equal(u->required, word))
            json_array_append(common, word);
    }
    json_decref(u->required);
    u->required = common;
    u->closed &= flat_is_closed(f);
    u->branches++;
}

/* One object for all: a property is what any branch that names it says of it. */
static json_t *one_object(const struct root_union *u)
{
    json_t *properties = json_object(), *list;
    const char *name;
    json_object_foreach (u->properties, name, list) {
        json_object_set_new(properties, name,
                            json_array_size(list) == 1 ? json_incref(json_array_get(list, 0))
                                                       : json_pack("{s:O}", "anyOf", list));
    }
    json_t *object = json_pack("{s:s, s:o, s:O}", "type", "object", "properties", properties,
                               "required", u->required);
    if (u->closed)
        json_object_set_new(object, "additionalProperties", json_false());
    return object;
}

static json_t *union_of_objects(struct pass *p, const json_t *sources, unsigned depth)
{
    struct root_union u = {.properties = json_object(), .closed = true};
    const json_t *source;
    size_t i;
    json_t *lowered = NULL;
    json_array_foreach (sources, i, source) {
        struct flat f;
        bool only;
        flatten(p, source, &f);
        bool object = !f.never && takes_object(&f, &only);
        u.strangers |= !f.never && (!object || !only);
        if (object)
            add_branch(&u, &f);
        flat_done(&f);
    }
    if (u.branches > 0) {
        if (u.strangers)
            note_narrowed(p, "", "values that are no object: the provider wants one at the root");
        json_t *object = one_object(&u);
        lowered = lower_schema(p, object, "", depth - 1);
        json_decref(object);
    }
    json_decref(u.properties);
    json_decref(u.required);
    return lowered;
}

/* ---- the walk ---- */

static json_t *lower_union(struct pass *p, struct flat *flat, const char *place, unsigned depth)
{
    json_t *branches = json_object_get(flat->json, "anyOf"), *branch;
    if (!branches)
        branches = json_object_get(flat->json, "oneOf");
    else
        flat_lose(flat, "oneOf");
    json_t *base = base_of(flat), *sources = json_array();
    size_t i;
    json_array_foreach (branches, i, branch) {
        json_array_append_new(sources, branch_source(flat, base, branch));
    }
    json_t *lowered = *place == '\0' && provider_rule(p->provider, RULE_ROOT_OBJECT)
                          ? union_of_objects(p, sources, depth)
                          : union_of(p, sources, place, depth);
    json_decref(sources);
    json_decref(base);
    if (lowered)
        describe(p, lowered, flat, place);
    return lowered;
}

static json_t *lower_flat(struct pass *p, struct flat *flat, const char *place, unsigned depth)
{
    size_t branches = json_array_size(json_object_get(flat->json, "anyOf"));
    if (branches == 0)
        branches = json_array_size(json_object_get(flat->json, "oneOf"));
    json_t *base = base_of(flat);
    bool spread = branches > 0 && (json_object_size(base) == 0 || branches <= LOWER_BRANCHES);
    json_decref(base);
    if (spread)
        return lower_union(p, flat, place, depth);
    flat_lose(flat, "anyOf");
    flat_lose(flat, "oneOf");
    return emit_flat(p, flat, place, depth);
}

/* Marks the references that were merged in as being written out, once more or once less; false if
 * one of them leads back and was written out often enough. */
static bool open_refs(struct pass *p, const struct flat *flat, int step)
{
    const json_t *ref;
    size_t i;
    bool room = true;
    json_array_foreach (flat->refs, i, ref) {
        const char *word = json_string_value(ref);
        json_int_t times = json_integer_value(json_object_get(p->open, word)) + step;
        json_object_set_new(p->open, word, json_integer(times));
        room = room && (times <= UNROLLED || !is_cyclic(p, word, false));
    }
    return room;
}

json_t *lower_schema(struct pass *p, const json_t *schema, const char *place, unsigned depth)
{
    if (json_is_false(schema))
        return NULL;
    if (!json_is_object(schema) && *place == '\0' && provider_rule(p->provider, RULE_ROOT_OBJECT))
        return NULL;
    if (!json_is_object(schema) || depth <= 1 || p->work == 0)
        return emit_any(p, place);
    p->work--;
    const char *ref = *place ? bare_ref(p, schema) : NULL;
    if (ref && is_kept(p, ref))
        return lower_ref(p, ref, depth);
    struct flat flat;
    json_t *lowered = NULL;
    flatten(p, schema, &flat);
    if (!flat.never) {
        if (open_refs(p, &flat, 1))
            lowered = lower_flat(p, &flat, place, depth);
        else
            note_narrowed(p, place,
                          "deeper levels: the schema refers to itself here, and is written "
                          "out as far as this");
        open_refs(p, &flat, -1);
    }
    flat_done(&flat);
    return lowered;
}

static json_t *run(struct pass *p)
{
    p->defs = json_object();
    p->names = json_object();
    p->open = json_object();
    p->cyclic = json_pack("{s:{}, s:{}}", "required", "any");
    p->work = LOWER_WORK;
    json_t *schema = lower_schema(p, p->root, "", LOWER_DEPTH);
    if (schema && json_object_size(p->defs) > 0)
        json_object_set(schema, "$defs", p->defs);
    json_decref(p->defs);
    json_decref(p->names);
    json_decref(p->open);
    json_decref(p->cyclic);
    tell_once(p->narrowed);
    return schema;
}

/* ---- proof ---- */

/* The lowered schema in which the properties whose null says that they are absent may be absent.
 * Whatever fits it fits the lowered one once its nulls are filled in: each such property takes
 * null, and nothing else of the schema counts or names properties. */
static json_t *loosened(const struct lowering *l)
{
    json_t *copy = json_deep_copy(l->schema), *place, *word;
    size_t i, k;
    json_array_foreach (l->drop_nulls, i, place) {
        const char *pointer = json_string_value(place);
        AUTO(freep) char *parent = xstrdup(pointer);
        *strrchr(parent, '/') = '\0'; /* the name */
        *strrchr(parent, '/') = '\0'; /* properties */
        const json_t *object = schema_by_pointer(copy, parent);
        const json_t *property = schema_by_pointer(copy, pointer);
        json_t *required = json_object_get(object, "required");
        json_array_foreach (required, k, word) {
            if (json_object_get(json_object_get(object, "properties"), json_string_value(word)) ==
                property)
                break;
        }
        json_array_remove(required, k);
    }
    return copy;
}

static void prove(struct lowering *l, const struct contract *contract)
{
    AUTO(json_decrefp) json_t *schema = loosened(l);
    AUTO(contract_unrefp) struct contract *lowered = NULL;
    struct comparison c;
    struct error err;
    enum error_code code = contract_compile(schema, NULL, &lowered, &err);
    if (code == ERR_OK)
        code = contract_compare(contract, lowered, NULL, &c, &err);
    if (code != ERR_OK) {
        l->verdict = UNKNOWN;
        l->reason = xstrdup(err.text);
        return;
    }
    l->verdict = c.verdict;
    l->reason = xstrdup(c.reason);
    l->witness = json_incref(c.witness);
    comparison_done(&c);
}

static bool is_draft7(const json_t *root)
{
    const char *dialect = json_string_value(json_object_get(root, "$schema"));
    return dialect && (strstr(dialect, "draft-07") || strstr(dialect, "draft-06") ||
                       strstr(dialect, "draft-04"));
}

static void refuse(struct lowering *l)
{
    l->verdict = REFUTED;
    l->reason = xstrdup("the provider wants an object at the root, and the contract has no object "
                        "there whose properties are known (cure: wrap the value in an object with "
                        "one property)");
}

/* What must be there is known only when all is merged: whether a reference that was kept leads back
 * by a way that every value must take shows in the result. */
static bool has_cycle(const struct provider *provider, const json_t *schema)
{
    const struct rule *cycles = provider_rule(provider, RULE_CYCLES);
    struct breaches breaches;
    bool found = false;
    if (!cycles)
        return false;
    provider_lint(provider, schema, &breaches);
    for (size_t i = 0; i < breaches.count; i++)
        found = found ||
                breaches.list[i].rule == json_string_value(json_object_get(cycles->json, "id"));
    breaches_done(&breaches);
    return found;
}

void provider_lower(const struct provider *provider, const struct contract *contract,
                    struct lowering *ret)
{
    *ret = (struct lowering){.verdict = PROVEN,
                             .drop_nulls = json_array(),
                             .dropped = json_array(),
                             .narrowed = json_array()};
    struct pass pass = {.provider = provider,
                        .root = contract_schema(contract),
                        .draft7 = is_draft7(contract_schema(contract)),
                        .complete = provider_rule(provider, RULE_ALL_REQUIRED) != NULL,
                        .drop_nulls = ret->drop_nulls,
                        .dropped = ret->dropped,
                        .narrowed = ret->narrowed};
    ret->schema = run(&pass);
    if (ret->schema && has_cycle(provider, ret->schema)) {
        pass.unroll = true;
        json_decref(ret->schema);
        json_array_clear(ret->drop_nulls);
        json_array_clear(ret->dropped);
        json_array_clear(ret->narrowed);
        ret->schema = run(&pass);
    }
    if (!ret->schema) {
        refuse(ret);
        return;
    }
    prove(ret, contract);
    provider_lint(provider, ret->schema, &ret->left);
}

void lowering_done(struct lowering *l)
{
    json_decref(l->schema);
    json_decref(l->drop_nulls);
    json_decref(l->dropped);
    json_decref(l->narrowed);
    json_decref(l->witness);
    free(l->reason);
    breaches_done(&l->left);
    *l = (struct lowering){0};
}

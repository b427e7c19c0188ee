/* SPDX-License-Identifier: Apache-2.0
 *
 * Making terms. Each is looked up before it is made, so that equal terms have one index, and is
 * simplified as far as that costs nothing: a conjunction is flat, sorted, without repetitions, and
 * false if it holds a lit and its negation.
 */
#include "contract/contain_internal.h"

#include "base/limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 8192, HASH_LEVELS = 8, HASHED_ITEMS = 32 };

struct chunk {
    struct chunk *next;
    size_t used, room;
    _Alignas(max_align_t) unsigned char memory[];
};

void *chunk_alloc(struct contain *c, size_t size)
{
    size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct chunk *chunk = c->chunks;
    if (!chunk || size > chunk->room - chunk->used) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = xmalloc(sizeof(*chunk) + room);
        chunk->room = room;
        chunk->used = 0;
        chunk->next = c->chunks;
        c->chunks = chunk;
    }
    void *memory = chunk->memory + chunk->used;
    chunk->used += size;
    return memory;
}

void chunks_free(struct contain *c)
{
    while (c->chunks) {
        struct chunk *next = c->chunks->next;
        free(c->chunks);
        c->chunks = next;
    }
}

const json_t *contain_own(struct contain *c, json_t *value)
{
    json_array_append_new(c->owned, value);
    return value;
}

/* ---- hashing ---- */

static uint32_t mix(uint32_t hash, uint64_t with)
{
    uint64_t mixed = (hash ^ with) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(mixed >> 32) ^ (uint32_t)mixed;
}

static uint32_t hash_slice(uint32_t hash, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 16777619u;
    return mix(hash, s.len);
}

/* Equal values have equal hashes; 1 and 1.0 do. */
static uint32_t hash_value(const json_t *value, int level)
{
    uint32_t hash = 7;
    struct entry e;
    double number;
    if (level > HASH_LEVELS)
        return hash;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        for (bool more = entry_first(value, &e); more; more = entry_next(value, &e))
            hash += mix(hash_slice(3, e.key), hash_value(e.value, level + 1));
        return mix(hash, json_object_size(value));
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(value) && i < HASHED_ITEMS; i++)
            hash = mix(hash, hash_value(json_array_get(value, i), level + 1));
        return mix(hash, json_array_size(value) + 1);
    case JSON_STRING:
        return hash_slice(5, string_of(value));
    case JSON_INTEGER:
    case JSON_REAL:
        number = json_number_value(value) + 0.0; /* no -0.0 */
        memcpy(&hash, &number, sizeof(hash));
        return mix(hash, (uint64_t)(int64_t)fmod(number, 1e9));
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return mix(hash, (uint64_t)json_typeof(value) + 100);
}

static uint32_t hash_term(const struct term *t)
{
    uint32_t hash = mix(t->kind, t->kinds | (uint32_t)t->strict << 8);
    hash = mix(mix(hash, t->n), t->from);
    hash = mix(mix(hash, t->key), t->value);
    switch ((enum term_kind)t->kind) {
    case TERM_VALUES:
        for (size_t i = 0; i < t->as.set->count && i < HASHED_ITEMS; i++)
            hash = mix(hash, hash_value(t->as.set->list[i], 0));
        return mix(hash, t->as.set->count);
    case TERM_ABOVE: {
        double bound = t->as.bound.integer ? (double)t->as.bound.i : t->as.bound.d;
        return mix(hash, (uint64_t)(int64_t)fmod(bound * 1024, 1e15));
    }
    case TERM_MULTIPLE:
        return mix(mix(hash, t->as.divisor.mantissa), (uint64_t)t->as.divisor.exponent);
    case TERM_PATTERN:
        return hash_slice(hash, regex_source(t->as.regex));
    case TERM_FORMAT:
        return mix(hash, (uintptr_t)t->as.format);
    case TERM_PROPERTY:
        return hash_slice(hash, t->as.name);
    case TERM_ALL:
        for (size_t i = 0; i < t->as.all.count; i++)
            hash = mix(hash, t->as.all.list[i]);
        return hash;
    case TERM_TRUE:
    case TERM_KINDS:
    case TERM_LENGTH:
    case TERM_UNIQUE:
    case TERM_ITEM:
    case TERM_COUNT:
    case TERM_KEYS:
    case TERM_NODE:
    case TERM_OPAQUE:
        break;
    }
    return hash;
}

static bool same_values(const struct value_set *a, const struct value_set *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!contract_equal(a->list[i], b->list[i]))
            return false;
    return true;
}

static bool same_term(const struct term *a, const struct term *b)
{
    if (a->hash != b->hash || a->kind != b->kind || a->kinds != b->kinds ||
        a->strict != b->strict || a->n != b->n || a->from != b->from || a->key != b->key ||
        a->value != b->value)
        return false;
    switch ((enum term_kind)a->kind) {
    case TERM_VALUES:
        return same_values(a->as.set, b->as.set);
    case TERM_ABOVE:
        return number_compare(a->as.bound, b->as.bound) == 0;
    case TERM_MULTIPLE:
        return a->as.divisor.mantissa == b->as.divisor.mantissa &&
               a->as.divisor.exponent == b->as.divisor.exponent;
    case TERM_PATTERN:
        return slice_equal(regex_source(a->as.regex), regex_source(b->as.regex));
    case TERM_FORMAT:
        return a->as.format == b->as.format;
    case TERM_PROPERTY:
        return slice_equal(a->as.name, b->as.name);
    case TERM_ALL:
        return a->as.all.count == b->as.all.count &&
               memcmp(a->as.all.list, b->as.all.list, a->as.all.count * sizeof(lit)) == 0;
    case TERM_TRUE:
    case TERM_KINDS:
    case TERM_LENGTH:
    case TERM_UNIQUE:
    case TERM_ITEM:
    case TERM_COUNT:
    case TERM_KEYS:
    case TERM_NODE:
    case TERM_OPAQUE:
        break;
    }
    return true;
}

static void table_grow(struct contain *c)
{
    c->table_room = c->table_room ? 2 * c->table_room : 256;
    c->table = xrealloc(c->table, c->table_room * sizeof(c->table[0]));
    memset(c->table, 0xFF, c->table_room * sizeof(c->table[0]));
    for (uint32_t i = 0; i < c->term_count; i++) {
        uint32_t *slot = &c->table[c->terms[i].hash & (c->table_room - 1)];
        c->terms[i].next = *slot;
        *slot = i;
    }
}

static lit intern(struct contain *c, struct term t)
{
    t.hash = hash_term(&t);
    if (c->term_count >= c->table_room)
        table_grow(c);
    uint32_t *slot = &c->table[t.hash & (c->table_room - 1)];
    for (uint32_t i = *slot; i != UINT32_MAX; i = c->terms[i].next)
        if (same_term(&c->terms[i], &t))
            return i << 1;
    if (c->term_count == c->term_room) {
        c->term_room = c->term_room ? 2 * c->term_room : 256;
        c->terms = xrealloc(c->terms, c->term_room * sizeof(c->terms[0]));
    }
    if (t.kind == TERM_ALL) { /* its list was the caller's */
        lit *list = chunk_alloc(c, t.as.all.count * sizeof(lit));
        memcpy(list, t.as.all.list, t.as.all.count * sizeof(lit));
        t.as.all.list = list;
    }
    t.side = c->side;
    t.node = c->node;
    t.next = *slot;
    *slot = (uint32_t)c->term_count;
    c->terms[c->term_count] = t;
    return (lit)(c->term_count++ << 1);
}

/* ---- atoms ---- */

void lit_first(struct contain *c)
{
    intern(c, (struct term){.kind = TERM_TRUE, .kinds = KINDS_ALL});
}

lit lit_kinds(struct contain *c, unsigned kinds)
{
    if (kinds == KINDS_ALL)
        return LIT_TRUE;
    return kinds == 0 ? LIT_FALSE
                      : intern(c, (struct term){.kind = TERM_KINDS, .kinds = (uint8_t)kinds});
}

lit lit_values(struct contain *c, const struct value_set *set)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < set->count; i++)
        kinds |= KIND_BIT(kind_of(set->list[i]));
    if (kinds == 0)
        return LIT_FALSE;
    struct value_set *distinct = chunk_alloc(c, sizeof(*distinct));
    distinct->list = chunk_alloc(c, set->count * sizeof(distinct->list[0]));
    memcpy((void *)distinct->list, (const void *)set->list, set->count * sizeof(set->list[0]));
    distinct->count = set->count;
    value_set_sort(distinct);
    size_t kept = 1;
    for (size_t i = 1; i < distinct->count; i++)
        if (!contract_equal(distinct->list[kept - 1], distinct->list[i]))
            distinct->list[kept++] = distinct->list[i];
    distinct->count = kept;
    return intern(c,
                  (struct term){.kind = TERM_VALUES, .kinds = (uint8_t)kinds, .as.set = distinct});
}

lit lit_value(struct contain *c, const json_t *value)
{
    struct value_set set = {.list = &value, .count = 1};
    return lit_values(c, &set);
}

lit lit_above(struct contain *c, struct number bound, bool strict)
{
    return intern(
        c, (struct term){
               .kind = TERM_ABOVE, .kinds = KINDS_NUMBER, .strict = strict, .as.bound = bound});
}

lit lit_multiple(struct contain *c, struct decimal divisor)
{
    if (divisor.mantissa == 1 && divisor.exponent == 0)
        return lit_kinds(c, KIND_BIT(VALUE_INTEGER));
    unsigned kinds = divisor.exponent >= 0 ? KIND_BIT(VALUE_INTEGER) : KINDS_NUMBER;
    return intern(
        c, (struct term){.kind = TERM_MULTIPLE, .kinds = (uint8_t)kinds, .as.divisor = divisor});
}

lit lit_length(struct contain *c, size_t least)
{
    if (least == 0)
        return lit_kinds(c, KINDS_STRING);
    return intern(c, (struct term){.kind = TERM_LENGTH, .kinds = KINDS_STRING, .n = least});
}

lit lit_pattern(struct contain *c, const struct regex *regex)
{
    if (regex_source(regex).len == 0)
        return lit_kinds(c, KINDS_STRING);
    return intern(c, (struct term){.kind = TERM_PATTERN, .kinds = KINDS_STRING, .as.regex = regex});
}

lit lit_format(struct contain *c, const struct format *format)
{
    return intern(c,
                  (struct term){.kind = TERM_FORMAT, .kinds = KINDS_STRING, .as.format = format});
}

lit lit_unique(struct contain *c)
{
    return intern(c, (struct term){.kind = TERM_UNIQUE, .kinds = KINDS_ARRAY});
}

lit lit_item(struct contain *c, size_t at, lit value)
{
    if (value == LIT_FALSE)
        return LIT_FALSE;
    if (value == LIT_TRUE)
        return lit_count(c, 0, at + 1, LIT_TRUE);
    return intern(
        c, (struct term){.kind = TERM_ITEM, .kinds = KINDS_ARRAY, .from = at, .value = value});
}

lit lit_count(struct contain *c, size_t from, size_t least, lit value)
{
    if (least == 0)
        return lit_kinds(c, KINDS_ARRAY);
    if (value == LIT_FALSE || from > SIZE_MAX - least)
        return LIT_FALSE;
    if (value == LIT_TRUE) {
        least += from;
        from = 0;
    }
    return intern(
        c, (struct term){
               .kind = TERM_COUNT, .kinds = KINDS_ARRAY, .from = from, .n = least, .value = value});
}

lit lit_property(struct contain *c, struct slice name, lit value)
{
    if (value == LIT_FALSE)
        return LIT_FALSE;
    return intern(
        c, (struct term){
               .kind = TERM_PROPERTY, .kinds = KINDS_OBJECT, .value = value, .as.name = name});
}

lit lit_keys(struct contain *c, size_t least, lit key, lit value)
{
    if (least == 0)
        return lit_kinds(c, KINDS_OBJECT);
    if (key == LIT_FALSE || value == LIT_FALSE)
        return LIT_FALSE;
    return intern(
        c, (struct term){
               .kind = TERM_KEYS, .kinds = KINDS_OBJECT, .n = least, .key = key, .value = value});
}

lit lit_node(struct contain *c)
{
    if (c->meaning_count == c->meaning_room) {
        c->meaning_room = c->meaning_room ? 2 * c->meaning_room : 16;
        c->node_meanings =
            xrealloc(c->node_meanings, c->meaning_room * sizeof(c->node_meanings[0]));
    }
    c->node_meanings[c->meaning_count] = LIT_NONE;
    return intern(c, (struct term){.kind = TERM_NODE, .kinds = KINDS_ALL, .n = c->meaning_count++});
}

lit lit_opaque(struct contain *c)
{
    return intern(c, (struct term){.kind = TERM_OPAQUE, .kinds = KINDS_ALL, .n = c->term_count});
}

/* ---- connectives ---- */

static int compare_lits(const void *left, const void *right)
{
    lit a = *(const lit *)left, b = *(const lit *)right;
    return (a > b) - (a < b);
}

/* The members of the conjunctions in the list, all of them in one. */
static lit *flatten(struct contain *c, const lit *list, size_t count, size_t *ret_count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const struct term *t = term_of(c, list[i]);
        total += t->kind == TERM_ALL && !is_negative(list[i]) ? t->as.all.count : 1;
    }
    lit *flat = xmalloc((total + 1) * sizeof(lit));
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct term *t = term_of(c, list[i]);
        if (t->kind != TERM_ALL || is_negative(list[i])) {
            flat[(*ret_count)++] = list[i];
            continue;
        }
        memcpy(flat + *ret_count, t->as.all.list, t->as.all.count * sizeof(lit));
        *ret_count += t->as.all.count;
    }
    return flat;
}

static bool in_sorted(const lit *list, size_t count, lit l)
{
    return bsearch(&l, list, count, sizeof(lit), compare_lits) != NULL;
}

/* A disjunction in a sorted list, seen against the rest: NO if the list contradicts each of its
 * alternatives, YES if it says one of them already. */
static enum truth clause_in(const struct contain *c, const lit *list, size_t count, lit clause)
{
    const struct term *t = term_of(c, clause);
    bool all = true;
    for (size_t i = 0; i < t->as.all.count; i++) {
        lit member = t->as.all.list[i];
        if (in_sorted(list, count, lit_not(member)))
            return YES;
        all = all && in_sorted(list, count, member);
    }
    return all ? NO : MAYBE;
}

/* Takes out disjunctions that the rest settles; false if it contradicts one. */
static bool settle_clauses(const struct contain *c, lit *list, size_t *count)
{
    size_t kept = 0;
    bool *drop = xcalloc(*count + 1, sizeof(bool));
    bool possible = true;
    for (size_t i = 0; i < *count && possible; i++) {
        if (!is_negative(list[i]) || term_of(c, list[i])->kind != TERM_ALL)
            continue;
        enum truth truth = clause_in(c, list, *count, list[i]);
        possible = truth != NO;
        drop[i] = truth == YES;
    }
    for (size_t i = 0; i < *count; i++)
        if (!drop[i])
            list[kept++] = list[i];
    *count = kept;
    free(drop);
    return possible;
}

/* Sorts the list and folds what it says of kinds into one lit; false if it contradicts itself. */
static bool tidy(struct contain *c, lit *list, size_t *count)
{
    unsigned kinds = KINDS_ALL;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const struct term *t = term_of(c, list[i]);
        if (list[i] == LIT_FALSE)
            return false;
        if (t->kind == TERM_KINDS)
            kinds &= is_negative(list[i]) ? ~t->kinds & KINDS_ALL : t->kinds;
        else if (list[i] != LIT_TRUE)
            list[kept++] = list[i];
    }
    if (kinds == 0)
        return false;
    if (kinds != KINDS_ALL)
        list[kept++] = lit_kinds(c, kinds); /* flatten() left room for it */
    qsort(list, kept, sizeof(lit), compare_lits);
    size_t distinct = 0;
    for (size_t i = 0; i < kept; i++) {
        if (distinct > 0 && list[i] == list[distinct - 1])
            continue;
        if (distinct > 0 && list[i] == lit_not(list[distinct - 1]))
            return false;
        list[distinct++] = list[i];
    }
    *count = distinct;
    return distinct < 2 || settle_clauses(c, list, count);
}

lit lit_all(struct contain *c, lit *list, size_t count)
{
    size_t total;
    lit *flat = flatten(c, list, count, &total);
    lit made = LIT_FALSE;
    if (tidy(c, flat, &total))
        made = total == 0 ? LIT_TRUE
               : total == 1
                   ? flat[0]
                   : intern(c, (struct term){
                                   .kind = TERM_ALL, .kinds = KINDS_ALL, .as.all = {flat, total}});
    free(flat);
    return made;
}

lit lit_any(struct contain *c, lit *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        list[i] = lit_not(list[i]);
    return lit_not(lit_all(c, list, count));
}

lit lit_and(struct contain *c, lit a, lit b)
{
    lit list[2] = {a, b};
    return lit_all(c, list, 2);
}

lit lit_or(struct contain *c, lit a, lit b)
{
    return lit_not(lit_and(c, lit_not(a), lit_not(b)));
}

lit lit_guarded(struct contain *c, unsigned kinds, lit l)
{
    return lit_or(c, lit_kinds(c, ~kinds & KINDS_ALL), l);
}

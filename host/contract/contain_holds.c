/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a value satisfies a lit: the judge of samples inside of the search, where no contract
 * stands for what is asked. MAYBE where a pattern gave up, a term is opaque or a budget is spent.
 */
#include "contract/contain_internal.h"

static enum truth not(enum truth t) { return t == MAYBE ? MAYBE : t == YES ? NO : YES; }

static enum truth of(bool condition)
{
    return condition ? YES : NO;
}

enum value_kind kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return VALUE_NULL;
    case JSON_FALSE:
        return VALUE_FALSE;
    case JSON_TRUE:
        return VALUE_TRUE;
    case JSON_INTEGER:
        return VALUE_INTEGER;
    case JSON_REAL:
        return number_integral(json_real_value(value)) ? VALUE_INTEGER : VALUE_FRACTION;
    case JSON_STRING:
        return VALUE_STRING;
    case JSON_ARRAY:
        return VALUE_ARRAY;
    case JSON_OBJECT:
        return VALUE_OBJECT;
    }
    assert_failed("a value has a kind", __FILE__, __LINE__);
}

static bool has_length(struct slice s, size_t least)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len && count < least; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count >= least;
}

static enum truth matches(struct contain *c, const struct regex *regex, struct slice s)
{
    switch (regex_match(regex, s, &c->room)) {
    case MATCH_YES:
        return YES;
    case MATCH_NO:
        return NO;
    case MATCH_GAVE_UP:
        break;
    }
    return MAYBE;
}

/* Whether at least `least` were found, where `maybe` more may be. */
static enum truth enough(size_t found, size_t maybe, size_t least)
{
    return found >= least ? YES : maybe >= least - found ? MAYBE : NO;
}

static enum truth count_holds(struct contain *c, const struct term *t, const json_t *value)
{
    size_t found = 0, maybe = 0, from = t->from, least = t->n;
    lit wanted = t->value;
    for (size_t i = from; i < json_array_size(value) && found < least; i++) {
        enum truth truth = holds(c, wanted, json_array_get(value, i));
        found += truth == YES;
        maybe += truth == MAYBE;
    }
    return enough(found, maybe, least);
}

static enum truth keys_hold(struct contain *c, const struct term *t, const json_t *value)
{
    size_t found = 0, maybe = 0, least = t->n;
    lit key = t->key, wanted = t->value;
    struct entry e;
    for (bool more = entry_first(value, &e); more && found < least; more = entry_next(value, &e)) {
        struct dressed_name dressed = name_dress(e.key);
        enum truth named = holds(c, key, &dressed.json);
        enum truth truth = named == NO ? NO : holds(c, wanted, e.value);
        found += named == YES && truth == YES;
        maybe += truth != NO && (named == MAYBE || truth == MAYBE);
    }
    return enough(found, maybe, least);
}

static enum truth all_hold(struct contain *c, const struct term *t, const json_t *value)
{
    const lit *list = t->as.all.list;
    size_t count = t->as.all.count;
    enum truth all = YES;
    for (size_t i = 0; i < count; i++) {
        enum truth truth = holds(c, list[i], value);
        if (truth == NO)
            return NO;
        all = truth == MAYBE ? MAYBE : all;
    }
    return all;
}

static enum truth term_holds(struct contain *c, const struct term *t, const json_t *value)
{
    const json_t *part;
    size_t first, second;
    switch ((enum term_kind)t->kind) {
    case TERM_TRUE:
    case TERM_KINDS:
        return YES; /* its kinds have been asked */
    case TERM_VALUES:
        return of(value_set_has(t->as.set, value));
    case TERM_ABOVE:
        return of(number_compare(number_of(value), t->as.bound) >= t->strict);
    case TERM_MULTIPLE:
        return of(number_multiple_of(number_of(value), t->as.divisor));
    case TERM_LENGTH:
        return of(has_length(string_of(value), t->n));
    case TERM_PATTERN:
        return matches(c, t->as.regex, string_of(value));
    case TERM_FORMAT:
        return of(t->as.format->fits(string_of(value)));
    case TERM_UNIQUE:
        return of(!array_repeats(value, &first, &second));
    case TERM_ITEM:
        part = json_array_get(value, t->from);
        return part ? holds(c, t->value, part) : NO;
    case TERM_COUNT:
        return t->value == LIT_TRUE ? of(json_array_size(value) >= t->n) : count_holds(c, t, value);
    case TERM_PROPERTY:
        part = json_object_getn(value, t->as.name.ptr, t->as.name.len);
        return part ? holds(c, t->value, part) : NO;
    case TERM_KEYS:
        return t->key == LIT_TRUE && t->value == LIT_TRUE ? of(json_object_size(value) >= t->n)
                                                          : keys_hold(c, t, value);
    case TERM_NODE:
        return holds(c, c->node_meanings[t->n], value);
    case TERM_ALL:
        return all_hold(c, t, value);
    case TERM_OPAQUE:
        return MAYBE;
    }
    assert_failed("a term has a meaning", __FILE__, __LINE__);
}

enum truth holds(struct contain *c, lit l, const json_t *value)
{
    const struct term *t = term_of(c, l);
    if (l == LIT_TRUE || l == LIT_FALSE)
        return of(l == LIT_TRUE);
    if (!contain_step(c, 1))
        return MAYBE;
    enum truth truth = t->kinds >> kind_of(value) & 1 ? term_holds(c, t, value) : NO;
    return is_negative(l) ? not(truth) : truth;
}

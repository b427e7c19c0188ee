/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings: an interval of lengths, patterns that must and must not match, formats. Patterns and
 * lengths together are decided by running machines. A format is a token: it contradicts its own
 * negation, which was seen before; besides, some formats look a certain way, which is a pattern
 * that is sure to match; and it judges samples. Names of properties are strings too, and come here.
 */
#include "contract/contain_internal.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_MOST = 4096, SEEDS = 5 };

struct seeker {
    struct contain *c;
    struct branch *b;
    bool maybe;
};

static bool try_string(void *user, struct slice string)
{
    struct seeker *s = user;
    if (!contain_step(s->c, 1))
        return false;
    return branch_try(s->c, s->b, json_stringn(string.ptr, string.len), &s->maybe);
}

/* What a format surely looks like; it may ask more than that. */
static const struct {
    const char *format, *pattern;
} looks[] = {
    {"date-time", "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}[-+.0-9:Zz]+$"},
    {"date", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    {"time", "^[0-9]{2}:[0-9]{2}:[0-9]{2}[-+.0-9:Zz]+$"},
    {"duration", "^P[0-9A-Z]+$"},
    {"ipv4", "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$"},
    {"ipv6", "^[0-9A-Fa-f:.]+$"},
    {"uuid", "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"},
    {"json-pointer", "^(/|$)"},
    {"relative-json-pointer", "^[0-9]+(#$|/|$)"},
};

static const struct machine *machine_of_format(struct contain *c, const struct format *format)
{
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
        if (slice_is(slice_of(format->name), looks[i].format))
            return machine_of(c, slice_of(looks[i].pattern));
    return NULL;
}

/* Lengths, and the machines of the patterns; *ret_known: that is all there is to it. */
static struct language language_of(struct contain *c, const struct branch *b, bool *ret_known)
{
    struct language l = {.most = SIZE_MAX};
    *ret_known = true;
    for (size_t i = 0; i < b->atoms.count; i++) {
        bool negative = is_negative(b->atoms.list[i]);
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind == TERM_LENGTH && !negative && t->n > l.least)
            l.least = t->n;
        if (t->kind == TERM_LENGTH && negative && t->n - 1 < l.most)
            l.most = t->n - 1;
        *ret_known &= t->kind != TERM_FORMAT && t->kind != TERM_OPAQUE;
        bool look = t->kind == TERM_FORMAT && !negative;
        if (t->kind != TERM_PATTERN && !look)
            continue;
        const struct machine *m =
            look ? machine_of_format(c, t->as.format) : machine_of(c, regex_source(t->as.regex));
        size_t *count = negative ? &l.negative_count : &l.positive_count;
        if (m && *count < sizeof(l.positive) / sizeof(l.positive[0]))
            (negative ? l.negative : l.positive)[(*count)++] = m;
        else
            *ret_known = false;
    }
    return l;
}

static bool try_examples(struct seeker *s)
{
    for (size_t i = 0; i < s->b->atoms.count; i++) {
        const struct term *t = term_of(s->c, s->b->atoms.list[i]);
        if (t->kind != TERM_FORMAT || is_negative(s->b->atoms.list[i]))
            continue;
        if (try_string(s, slice_of(t->as.format->like)))
            return true;
    }
    return false;
}

/* Strings of a length, some of them nice. */
static bool try_length(struct seeker *s, size_t length)
{
    static const char seeds[SEEDS] = {'a', 'b', '0', 'A', ' '};
    if (length > LENGTH_MOST)
        return false;
    char *text = xmalloc(length + 1);
    bool found = false;
    for (size_t i = 0; i < SEEDS && !found; i++) {
        memset(text, seeds[i], length);
        found = try_string(s, (struct slice){text, length});
    }
    memset(text, 'a', length);
    for (char last = 'b'; last <= 'z' && !found && length > 0; last++) {
        text[length - 1] = last;
        found = try_string(s, (struct slice){text, length});
    }
    free(text);
    return found;
}

static bool try_plain(struct seeker *s, const struct language *l)
{
    static const char *const shapes[] = {"a b",         "1",   "-1", "true", "{}", "a@b.co",
                                         "2024-01-01Z", "a/b", "%",  "\n",   "é",  "http://a.b/c"};
    for (size_t more = 0; more < 4; more++)
        if (l->least + more <= l->most && try_length(s, l->least + more))
            return true;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (try_string(s, slice_of(shapes[i])))
            return true;
    return false;
}

static enum answer sample_string(struct contain *c, struct branch *b, const struct language *l)
{
    struct seeker s = {.c = c, .b = b};
    enum answer answer = UNSURE;
    if (try_examples(&s))
        return FOUND;
    if (l->most == 0)
        return try_string(&s, SLICE("")) ? FOUND : s.maybe ? UNSURE : EMPTY;
    if (l->positive_count + l->negative_count > 0)
        answer = language_search(c, l, try_string, &s);
    else if (try_plain(&s, l))
        answer = FOUND;
    if (answer == UNSURE && try_plain(&s, l))
        answer = FOUND;
    return answer == EMPTY && s.maybe ? UNSURE : answer;
}

enum answer check_string(struct contain *c, struct branch *b, bool final)
{
    bool known;
    struct language l = language_of(c, b, &known);
    if (l.least > l.most)
        return EMPTY;
    if (final) {
        enum answer answer = sample_string(c, b, &l);
        if (answer == UNSURE)
            contain_doubt(c, "strings",
                          known ? "no string was found that tells the patterns and lengths apart"
                                : "formats and patterns beyond the common subset are not compared",
                          b->goal);
        return answer;
    }
    if (l.positive_count + l.negative_count < 2 && (l.least == 0 && l.most == SIZE_MAX))
        return UNSURE;
    if (l.positive_count + l.negative_count == 0)
        return UNSURE;
    return language_search(c, &l, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading patterns into machines. A pattern has been checked and translated for the run-time
 * matcher before; what is read here must mean the same as there. Whatever this file does not know
 * (assertions, references back, properties, flags) has no machine, and nothing is concluded from
 * it. States are made from the end to the front: each knows where it goes on.
 */
#include "contract/contain_automaton_internal.h"

#include <stdlib.h>
#include <string.h>

enum { INTERVALS_MOST = 64, GROUPS_DEEP = 60, REPEATS_MOST = 300, NODES_MOST = 600 };

enum tree_kind { TREE_EMPTY, TREE_SET, TREE_CAT, TREE_OR, TREE_REPEAT, TREE_START, TREE_END };

struct tree {
    enum tree_kind kind;
    struct tree *left, *right;
    unsigned least, most; /* of a repetition; most UINT_MAX: any number */
    struct set set;
};

struct reader {
    struct contain *c;
    struct slice source;
    size_t at, trees;
    unsigned depth;
    bool failed;
};

struct spans {
    struct interval list[INTERVALS_MOST];
    size_t count;
    bool overflowed;
};

static const struct interval digits[] = {{'0', '9'}};
static const struct interval words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct interval spaces[] = {
    {0x09, 0x0d},     {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
static const struct interval line_ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

static struct tree *tree(struct reader *r, enum tree_kind kind, struct tree *left,
                         struct tree *right)
{
    struct tree *t = chunk_alloc(r->c, sizeof(*t));
    *t = (struct tree){.kind = kind, .left = left, .right = right};
    r->failed |= ++r->trees > NODES_MOST;
    return t;
}

static int peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->source.len ? (unsigned char)r->source.ptr[r->at + ahead] : -1;
}

static bool take(struct reader *r, const char *string)
{
    struct slice rest = {r->source.ptr + r->at, r->source.len - r->at};
    if (!slice_starts(rest, string))
        return false;
    r->at += strlen(string);
    return true;
}

/* ---- sets ---- */

static void span_add(struct spans *s, uint32_t first, uint32_t last)
{
    if (s->count == INTERVALS_MOST)
        s->overflowed = true;
    else
        s->list[s->count++] = (struct interval){first, last};
}

static int compare_intervals(const void *left, const void *right)
{
    const struct interval *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

static void spans_tidy(struct spans *s)
{
    size_t kept = 0;
    qsort(s->list, s->count, sizeof(s->list[0]), compare_intervals);
    for (size_t i = 0; i < s->count; i++) {
        if (kept > 0 && s->list[i].first <= s->list[kept - 1].last + 1) {
            if (s->list[i].last > s->list[kept - 1].last)
                s->list[kept - 1].last = s->list[i].last;
        } else {
            s->list[kept++] = s->list[i];
        }
    }
    s->count = kept;
}

static void spans_negate(struct spans *s)
{
    struct spans rest = {.overflowed = s->overflowed};
    uint32_t next = 0;
    spans_tidy(s);
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].first > next)
            span_add(&rest, next, s->list[i].first - 1);
        next = s->list[i].last + 1;
    }
    if (next <= CHARACTER_MOST)
        span_add(&rest, next, CHARACTER_MOST);
    *s = rest;
}

static void spans_join(struct spans *s, const struct interval *list, size_t count, bool negate)
{
    struct spans more = {.count = count};
    memcpy(more.list, list, count * sizeof(list[0]));
    if (negate)
        spans_negate(&more);
    for (size_t i = 0; i < more.count; i++)
        span_add(s, more.list[i].first, more.list[i].last);
    s->overflowed |= more.overflowed;
}

static struct tree *tree_of(struct reader *r, struct spans *s)
{
    struct tree *t = tree(r, TREE_SET, NULL, NULL);
    spans_tidy(s);
    r->failed |= s->overflowed;
    struct interval *list = chunk_alloc(r->c, (s->count + 1) * sizeof(list[0]));
    memcpy(list, s->list, s->count * sizeof(list[0]));
    t->set = (struct set){list, s->count};
    return t;
}

static struct tree *fail(struct reader *r)
{
    r->failed = true;
    return tree(r, TREE_EMPTY, NULL, NULL);
}

/* ---- reading ---- */

static uint32_t read_utf8(struct reader *r)
{
    int first = peek(r, 0);
    size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0 || length > r->source.len - r->at) {
        r->failed = true;
        return 0;
    }
    uint32_t character = (uint32_t)first & (length == 1 ? 0x7Fu : 0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        character = character << 6 | ((uint32_t)peek(r, i) & 0x3F);
    r->at += length;
    return character;
}

static uint32_t read_hex(struct reader *r, size_t count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++, r->at++) {
        int c = peek(r, 0);
        if (c < 0 || !ascii_hex((char)c)) {
            r->failed = true;
            return 0;
        }
        value = value * 16 + (uint32_t)(ascii_digit((char)c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

/* Behind a backslash: a set into s, or a character, which is returned. */
static bool read_set(struct reader *r, struct spans *s)
{
    switch (peek(r, 0)) {
    case 'd':
    case 'D':
        spans_join(s, digits, 1, peek(r, 0) == 'D');
        break;
    case 'w':
    case 'W':
        spans_join(s, words, 4, peek(r, 0) == 'W');
        break;
    case 's':
    case 'S':
        spans_join(s, spaces, sizeof(spaces) / sizeof(spaces[0]), peek(r, 0) == 'S');
        break;
    default:
        return false;
    }
    r->at++;
    return true;
}

static uint32_t read_escaped(struct reader *r)
{
    static const char letters[] = "tnvfr", values[] = "\t\n\v\f\r";
    int c = peek(r, 0);
    const char *letter = c > 0 ? strchr(letters, c) : NULL;
    if (letter) {
        r->at++;
        return (uint32_t)values[letter - letters];
    }
    if (c == 'x' || (c == 'u' && peek(r, 1) != '{')) {
        r->at++;
        uint32_t character = read_hex(r, c == 'x' ? 2 : 4);
        r->failed |= (character & 0xF800) == 0xD800; /* a half of a pair */
        return character;
    }
    if (c < 0 || ascii_letter((char)c) || ascii_digit((char)c)) {
        r->failed = true;
        return 0;
    }
    return read_utf8(r);
}

static bool read_member(struct reader *r, struct spans *s, uint32_t *ret_character)
{
    if (!take(r, "\\")) {
        *ret_character = read_utf8(r);
        return true;
    }
    if (read_set(r, s))
        return false;
    *ret_character = read_escaped(r);
    return true;
}

static struct tree *read_class(struct reader *r)
{
    struct spans s = {0};
    bool negate = peek(r, 1) == '^';
    r->at += 1 + (size_t)negate;
    while (peek(r, 0) != ']' && !r->failed) {
        uint32_t first = 0, last;
        if (peek(r, 0) < 0)
            return fail(r);
        if (!read_member(r, &s, &first))
            continue;
        last = first;
        if (peek(r, 0) == '-' && peek(r, 1) != ']' && peek(r, 1) >= 0) {
            r->at++;
            if (!read_member(r, &s, &last)) { /* beside a set the hyphen is itself */
                span_add(&s, '-', '-');
                last = first;
            }
        }
        span_add(&s, first, last);
    }
    r->at++;
    if (negate)
        spans_negate(&s);
    return tree_of(r, &s);
}

static struct tree *read_alternatives(struct reader *r);

static struct tree *read_group(struct reader *r)
{
    r->at++;
    if (peek(r, 0) == '?') {
        if (peek(r, 1) == '<' && peek(r, 2) != '=' && peek(r, 2) != '!') {
            while (peek(r, 0) >= 0 && peek(r, 0) != '>')
                r->at++;
            r->at++;
        } else if (!take(r, "?:")) {
            return fail(r);
        }
    }
    if (++r->depth > GROUPS_DEEP)
        return fail(r);
    struct tree *inner = read_alternatives(r);
    r->depth--;
    return take(r, ")") ? inner : fail(r);
}

static struct tree *read_atom(struct reader *r)
{
    struct spans s = {0};
    uint32_t character;
    switch (peek(r, 0)) {
    case '(':
        return read_group(r);
    case '[':
        return read_class(r);
    case '^':
    case '$':
        r->at++;
        return tree(r, r->source.ptr[r->at - 1] == '^' ? TREE_START : TREE_END, NULL, NULL);
    case '.':
        r->at++;
        spans_join(&s, line_ends, 3, true);
        return tree_of(r, &s);
    case '\\':
        r->at++;
        if (read_set(r, &s))
            return tree_of(r, &s);
        character = read_escaped(r);
        break;
    default:
        character = read_utf8(r);
        break;
    }
    span_add(&s, character, character);
    return tree_of(r, &s);
}

static bool read_number(struct reader *r, unsigned *ret_number)
{
    unsigned value = 0;
    size_t start = r->at;
    for (; peek(r, 0) >= '0' && peek(r, 0) <= '9'; r->at++)
        value = value > REPEATS_MOST ? value : value * 10 + (unsigned)(peek(r, 0) - '0');
    *ret_number = value;
    return r->at > start;
}

/* {n}, {n,} or {n,m}; a brace that is none of them is a character. */
static bool read_braces(struct reader *r, unsigned *least, unsigned *most)
{
    size_t start = r->at;
    if (take(r, "{") && read_number(r, least)) {
        *most = *least;
        if (take(r, ",") && !read_number(r, most))
            *most = UINT32_MAX;
        if (take(r, "}"))
            return true;
    }
    r->at = start;
    return false;
}

static struct tree *read_repeated(struct reader *r)
{
    struct tree *atom = read_atom(r);
    unsigned least = 1, most = 1;
    if (take(r, "*"))
        least = 0, most = UINT32_MAX;
    else if (take(r, "+"))
        most = UINT32_MAX;
    else if (take(r, "?"))
        least = 0;
    else if (!read_braces(r, &least, &most))
        return atom;
    take(r, "?"); /* lazy: the same strings */
    r->failed |= least > REPEATS_MOST || (most != UINT32_MAX && most > REPEATS_MOST);
    struct tree *t = tree(r, TREE_REPEAT, atom, NULL);
    t->least = least;
    t->most = most;
    return t;
}

static struct tree *read_alternatives(struct reader *r)
{
    struct tree *all = NULL, *row = tree(r, TREE_EMPTY, NULL, NULL);
    while (!r->failed && peek(r, 0) >= 0 && peek(r, 0) != ')') {
        if (take(r, "|")) {
            all = all ? tree(r, TREE_OR, all, row) : row;
            row = tree(r, TREE_EMPTY, NULL, NULL);
            continue;
        }
        struct tree *next = read_repeated(r);
        row = row->kind == TREE_EMPTY ? next : tree(r, TREE_CAT, row, next);
    }
    return all ? tree(r, TREE_OR, all, row) : row;
}

/* ---- states ---- */

static uint16_t state_add(struct reader *r, struct machine *m, struct state state)
{
    if (m->count >= MACHINE_STATES) {
        r->failed = true;
        return 0;
    }
    m->states[m->count] = state;
    return (uint16_t)m->count++;
}

static uint16_t lay(struct reader *r, struct machine *m, const struct tree *t, uint16_t next);

static uint16_t lay_repeat(struct reader *r, struct machine *m, const struct tree *t, uint16_t next)
{
    uint16_t end = next;
    if (t->most == UINT32_MAX) {
        next = state_add(r, m, (struct state){.kind = STATE_SPLIT, .other = end});
        uint16_t body = lay(r, m, t->left, next);
        m->states[next].next = body;
    }
    for (unsigned i = t->least; t->most != UINT32_MAX && i < t->most && !r->failed; i++) {
        uint16_t body = lay(r, m, t->left, next);
        next = state_add(r, m, (struct state){.kind = STATE_SPLIT, .next = body, .other = end});
    }
    for (unsigned i = 0; i < t->least && !r->failed; i++)
        next = lay(r, m, t->left, next);
    return next;
}

/* The state to begin with so as to match t and then go on at next. */
static uint16_t lay(struct reader *r, struct machine *m, const struct tree *t, uint16_t next)
{
    uint16_t left, right;
    if (r->failed)
        return 0;
    switch (t->kind) {
    case TREE_EMPTY:
        return next;
    case TREE_SET:
        return state_add(r, m, (struct state){.kind = STATE_SET, .next = next, .set = t->set});
    case TREE_CAT:
        right = lay(r, m, t->right, next);
        return lay(r, m, t->left, right);
    case TREE_OR:
        left = lay(r, m, t->left, next);
        right = lay(r, m, t->right, next);
        return state_add(r, m, (struct state){.kind = STATE_SPLIT, .next = left, .other = right});
    case TREE_REPEAT:
        return lay_repeat(r, m, t, next);
    case TREE_START:
        return state_add(r, m, (struct state){.kind = STATE_START, .next = next});
    case TREE_END:
        return state_add(r, m, (struct state){.kind = STATE_END, .next = next});
    }
    assert_failed("a part of a pattern has a meaning", __FILE__, __LINE__);
}

static const struct machine *machine_new(struct contain *c, struct slice source)
{
    struct reader r = {.c = c, .source = source};
    struct machine *m = chunk_alloc(c, sizeof(*m));
    struct tree *all = read_alternatives(&r);
    if (r.failed || r.at != source.len)
        return NULL;
    *m = (struct machine){.states = xcalloc(MACHINE_STATES, sizeof(m->states[0]))};
    struct state *states = m->states;
    m->start = lay(&r, m, all, state_add(&r, m, (struct state){.kind = STATE_MATCH}));
    m->states = chunk_alloc(c, m->count * sizeof(m->states[0]));
    memcpy(m->states, states, m->count * sizeof(m->states[0]));
    free(states);
    return r.failed ? NULL : m;
}

/* Machines that were made, or could not be, by the source of their pattern. */
struct automata {
    struct automata *next;
    struct slice source;
    const struct machine *machine;
};

const struct machine *machine_of(struct contain *c, struct slice source)
{
    for (const struct automata *a = c->automata; a; a = a->next)
        if (slice_equal(a->source, source))
            return a->machine;
    struct automata *a = chunk_alloc(c, sizeof(*a));
    *a = (struct automata){c->automata, source, machine_new(c, source)};
    c->automata = a;
    return a->machine;
}

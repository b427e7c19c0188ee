/* SPDX-License-Identifier: Apache-2.0
 *
 * Running machines at once: a *position* is what each of them may be in after some characters, and
 * how many those were as far as that matters. Positions are found breadth first, so that the
 * strings that lead to them are the shortest. Characters that no set tells apart are one *class*.
 * If no position that all machines agree on can be reached, there is no such string. Where the
 * strings are few, all of them can be tried.
 */
#include "contract/contain_automaton_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    POSITIONS_MOST = 2000,
    COUNTED_MOST = 1500,
    SETS_MOST = 256,
    CLASSES_MOST = 200,
    MACHINES_MOST = 32,
    TRIES_MOST = 48,
    STRINGS_MOST = 1200,
    SMALL_CLASS = 32,
};

struct class
{
    uint64_t in[SETS_MOST / 64]; /* sets */
    uint32_t character;          /* a nice one */
    uint32_t members[SMALL_CLASS];
    uint64_t size;
};

struct position {
    uint32_t from, character; /* how it was reached first */
    uint32_t length;          /* counted no further than matters */
    bool accepts, lives;
    uint32_t hash_next;
};

struct runner {
    struct contain *c;
    const struct machine *machines[MACHINES_MOST];
    size_t machine_count, positive_count;
    size_t least, most, counted; /* lengths are told apart up to `counted` */
    struct set sets[SETS_MOST];
    size_t set_count;
    struct class *classes;
    size_t class_count;
    size_t words;                      /* of the bits of one position           */
    size_t offsets[MACHINES_MOST + 1]; /* of each machine in them, in words */
    uint64_t *bits;
    struct position *positions;
    uint32_t *steps; /* position × class → position, or UINT32_MAX */
    size_t count;
    uint32_t heads[1024];
    bool overflowed;
};

/* ---- classes ---- */

static bool same_set(struct set a, struct set b)
{
    return a.count == b.count && memcmp(a.list, b.list, a.count * sizeof(a.list[0])) == 0;
}

static size_t set_index(struct runner *r, struct set set)
{
    size_t i = 0;
    while (i < r->set_count && !same_set(r->sets[i], set))
        i++;
    if (i == r->set_count && i < SETS_MOST)
        r->sets[r->set_count++] = set;
    return i;
}

static int compare_points(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Smaller is nicer to read. */
static int plainness(uint32_t c)
{
    return c >= 'a' && c <= 'z'   ? 0
           : c >= '0' && c <= '9' ? 1
           : c >= 'A' && c <= 'Z' ? 2
           : c > ' ' && c < 0x7F  ? 3
           : c == ' '             ? 4
           : c > 0xA0             ? 5
                                  : 6;
}

static uint32_t nicest(uint32_t first, uint32_t last)
{
    static const uint32_t starts[] = {'a', '0', 'A', '!', ' ', 0xA1};
    uint32_t best = first;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (starts[i] >= first && starts[i] <= last && plainness(starts[i]) < plainness(best))
            best = starts[i];
    return best;
}

static void class_add(struct runner *r, uint32_t first, uint32_t last)
{
    struct class new = {.character = nicest(first, last)};
    for (size_t i = 0; i < r->set_count; i++)
        if (set_has(r->sets[i], first))
            new.in[i / 64] |= (uint64_t)1 << (i % 64);
    size_t at = 0;
    while (at < r->class_count && memcmp(r->classes[at].in, new.in, sizeof(new.in)) != 0)
        at++;
    if (at == CLASSES_MOST) {
        r->overflowed = true;
        return;
    }
    struct class *class = &r->classes[at];
    if (at == r->class_count)
        r->classes[r->class_count++] = new;
    else if (plainness(new.character) < plainness(class->character))
        class->character = new.character;
    for (uint32_t c = first; c <= last && class->size + (c - first) < SMALL_CLASS; c++)
        class->members[class->size + (c - first)] = c;
    class->size += (uint64_t)last - first + 1;
}

static int compare_classes(const void *left, const void *right)
{
    const struct class *a = left, *b = right;
    int order = plainness(a->character) - plainness(b->character);
    return order ? order : (a->character > b->character) - (a->character < b->character);
}

/* Cuts all characters where some set begins or ends; halves of pairs are none. */
static void make_classes(struct runner *r)
{
    size_t room = 4, count = 0;
    for (size_t i = 0; i < r->set_count; i++)
        room += 2 * r->sets[i].count;
    uint32_t *points = xmalloc(room * sizeof(points[0]));
    points[count++] = 0;
    points[count++] = 0xD800;
    points[count++] = 0xE000;
    points[count++] = CHARACTER_MOST + 1;
    for (size_t i = 0; i < r->set_count; i++) {
        for (size_t j = 0; j < r->sets[i].count; j++) {
            points[count++] = r->sets[i].list[j].first;
            points[count++] = r->sets[i].list[j].last + 1;
        }
    }
    qsort(points, count, sizeof(points[0]), compare_points);
    r->classes = xcalloc(CLASSES_MOST, sizeof(r->classes[0]));
    for (size_t i = 1; i < count; i++)
        if (points[i] > points[i - 1] && (points[i - 1] < 0xD800 || points[i - 1] > 0xDFFF))
            class_add(r, points[i - 1], points[i] - 1);
    free(points);
    qsort(r->classes, r->class_count, sizeof(r->classes[0]), compare_classes);
}

/* ---- positions ---- */

static bool bit(const uint64_t *bits, size_t at)
{
    return bits[at / 64] >> (at % 64) & 1;
}

/* Enters a state and all that follow from it without a character. */
static void enter(struct runner *r, const struct machine *m, uint64_t *bits, uint16_t state,
                  bool start, bool end)
{
    uint16_t stack[2 * MACHINE_STATES + 2]; /* each state puts two there, once */
    size_t depth = 0;
    stack[depth++] = state;
    while (depth > 0) {
        uint16_t at = stack[--depth];
        if (bit(bits, at))
            continue;
        contain_step(r->c, 1);
        bits[at / 64] |= (uint64_t)1 << (at % 64);
        const struct state *s = &m->states[at];
        bool on = s->kind == STATE_SPLIT || (s->kind == STATE_START && start) ||
                  (s->kind == STATE_END && end);
        if (on)
            stack[depth++] = s->next;
        if (s->kind == STATE_SPLIT)
            stack[depth++] = s->other;
    }
}

enum { MATCH_STATE = 0 }; /* it is made first */

static size_t words_of(const struct machine *m)
{
    return (m->count + 63) / 64;
}

/* Once a match is found nothing else matters. */
static void settle_match(const struct machine *m, uint64_t *bits)
{
    if (!bit(bits, MATCH_STATE))
        return;
    memset(bits, 0, words_of(m) * sizeof(bits[0]));
    bits[0] = 1;
}

static bool matches_at_end(struct runner *r, const struct machine *m, const uint64_t *bits,
                           bool start)
{
    uint64_t after[MACHINE_STATES / 64 + 1] = {0};
    if (bit(bits, MATCH_STATE))
        return true;
    for (size_t i = 0; i < m->count; i++)
        if (bit(bits, i) && m->states[i].kind == STATE_END)
            enter(r, m, after, (uint16_t)i, start, true);
    return bit(after, MATCH_STATE);
}

static bool accepts(struct runner *r, const uint64_t *bits, size_t length, bool start)
{
    if (length < r->least || length > r->most)
        return false;
    for (size_t i = 0; i < r->machine_count; i++)
        if (matches_at_end(r, r->machines[i], bits + r->offsets[i], start) !=
            (i < r->positive_count))
            return false;
    return true;
}

static uint32_t hash_bits(const uint64_t *bits, size_t words, size_t length)
{
    uint64_t hash = length + 1;
    for (size_t i = 0; i < words; i++)
        hash = (hash ^ bits[i]) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash >> 40);
}

static uint32_t position_add(struct runner *r, const uint64_t *bits, size_t length, uint32_t from,
                             uint32_t character)
{
    uint32_t *head = &r->heads[hash_bits(bits, r->words, length) % 1024];
    size_t size = r->words * sizeof(bits[0]);
    for (uint32_t i = *head; i != UINT32_MAX; i = r->positions[i].hash_next)
        if (r->positions[i].length == length && memcmp(r->bits + i * r->words, bits, size) == 0)
            return i;
    if (r->count == POSITIONS_MOST) {
        r->overflowed = true;
        return UINT32_MAX;
    }
    uint32_t at = (uint32_t)r->count++;
    memcpy(r->bits + at * r->words, bits, size);
    r->positions[at] = (struct position){
        .from = from, .character = character, .length = (uint32_t)length, .hash_next = *head};
    r->positions[at].accepts = accepts(r, bits, length, at == 0);
    if (from != UINT32_MAX) /* the first is the only one at the start of the string */
        *head = at;
    return at;
}

static void first_position(struct runner *r)
{
    uint64_t *bits = xcalloc(r->words + 1, sizeof(bits[0]));
    for (size_t i = 0; i < r->machine_count; i++) {
        const struct machine *m = r->machines[i];
        enter(r, m, bits + r->offsets[i], m->start, true, false);
        settle_match(m, bits + r->offsets[i]);
    }
    position_add(r, bits, 0, UINT32_MAX, 0);
    free(bits);
}

static uint32_t step(struct runner *r, uint32_t from, const struct class *class, uint64_t *bits)
{
    size_t length = r->positions[from].length + (size_t)(r->positions[from].length < r->counted);
    if (r->positions[from].length + (size_t)1 > r->most && r->most <= r->counted)
        return UINT32_MAX;
    memset(bits, 0, r->words * sizeof(bits[0]));
    for (size_t i = 0; i < r->machine_count; i++) {
        const struct machine *m = r->machines[i];
        const uint64_t *before = r->bits + from * r->words + r->offsets[i];
        uint64_t *after = bits + r->offsets[i];
        if (bit(before, MATCH_STATE)) {
            after[0] = 1;
            continue;
        }
        for (size_t s = 0; s < m->count; s++)
            if (bit(before, s) && m->states[s].kind == STATE_SET &&
                set_has(m->states[s].set, class->character))
                enter(r, m, after, m->states[s].next, false, false);
        enter(r, m, after, m->start, false, false);
        settle_match(m, after);
    }
    return position_add(r, bits, length, from, class->character);
}

static void explore(struct runner *r)
{
    uint64_t *bits = xcalloc(r->words + 1, sizeof(bits[0]));
    size_t room = 0;
    for (uint32_t at = 0; at < r->count && !r->overflowed; at++) {
        if (at >= room) {
            room = room ? 2 * room : 64;
            r->steps = xrealloc(r->steps, room * r->class_count * sizeof(r->steps[0]));
        }
        for (size_t i = 0; i < r->class_count; i++)
            r->steps[at * r->class_count + i] = step(r, at, &r->classes[i], bits);
        r->overflowed |= !contain_step(r->c, 1);
    }
    free(bits);
}

/* ---- strings ---- */

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((0xF00 >> length & 0xFF) | c);
    return length;
}

/* A node of the tree of all strings. */
struct prefix {
    uint32_t position, from, character;
};

typedef bool try_string(void *user, struct slice string);

static bool try_backwards(const uint32_t *characters, size_t count, try_string *try, void *user)
{
    char *text = xmalloc(4 * count + 1);
    size_t length = 0;
    while (count > 0)
        length += put_utf8(text + length, characters[--count]);
    bool stop = try(user, (struct slice){text, length});
    free(text);
    return stop;
}

static bool try_positions(struct runner *r, try_string *try, void *user)
{
    uint32_t *characters = xmalloc((r->count + 1) * sizeof(characters[0]));
    size_t tries = 0;
    bool stop = false;
    for (uint32_t i = 0; i < r->count && !stop && tries < TRIES_MOST; i++) {
        if (!r->positions[i].accepts)
            continue;
        size_t count = 0;
        for (uint32_t at = i; at != 0; at = r->positions[at].from)
            characters[count++] = r->positions[at].character;
        tries++;
        stop = try_backwards(characters, count, try, user);
    }
    free(characters);
    return stop;
}

/* Marks the positions from which one that accepts can be reached. */
static void mark_living(struct runner *r)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = r->count; i-- > 0;) {
            struct position *p = &r->positions[i];
            bool lives = p->accepts;
            for (size_t k = 0; k < r->class_count && !lives && !p->lives; k++) {
                uint32_t to = r->steps[i * r->class_count + k];
                lives = to != UINT32_MAX && r->positions[to].lives;
            }
            more |= lives && !p->lives;
            p->lives |= lives;
        }
    }
}

static bool try_prefix(const struct prefix *list, uint32_t at, try_string *try, void *user)
{
    uint32_t *characters = xmalloc((STRINGS_MOST + 1) * sizeof(characters[0]));
    size_t count = 0;
    for (; at != 0; at = list[at].from)
        characters[count++] = list[at].character;
    bool stop = try_backwards(characters, count, try, user);
    free(characters);
    return stop;
}

/* Tries strings in the order of their lengths. EMPTY: they were all, and none was right. */
static enum answer try_all(struct runner *r, try_string *try, void *user)
{
    struct prefix *list = xmalloc(STRINGS_MOST * sizeof(list[0]));
    size_t count = 1;
    bool whole = true;
    list[0] = (struct prefix){0, 0, 0};
    enum answer answer = EMPTY;
    for (uint32_t at = 0; at < count && answer != FOUND; at++) {
        if (r->positions[list[at].position].accepts && try_prefix(list, at, try, user))
            answer = FOUND;
        whole &= contain_step(r->c, 2);
        for (size_t k = 0; k < r->class_count && whole; k++) {
            const struct class *class = &r->classes[k];
            uint32_t to = r->steps[list[at].position * r->class_count + k];
            if (to == UINT32_MAX || !r->positions[to].lives)
                continue;
            size_t members = class->size < SMALL_CLASS ? class->size : SMALL_CLASS;
            whole &= class->size <= SMALL_CLASS && count + members <= STRINGS_MOST;
            for (size_t i = 0; i < members && count < STRINGS_MOST; i++)
                list[count++] = (struct prefix){to, at, class->members[i]};
        }
    }
    free(list);
    return answer == EMPTY && !whole ? UNSURE : answer;
}

static bool runner_init(struct runner *r, const struct language *l)
{
    r->positive_count = l->positive_count;
    for (size_t i = 0; i < l->positive_count; i++)
        r->machines[r->machine_count++] = l->positive[i];
    for (size_t i = 0; i < l->negative_count; i++)
        r->machines[r->machine_count++] = l->negative[i];
    r->least = l->least <= COUNTED_MOST ? l->least : 0;
    r->most = l->most <= COUNTED_MOST ? l->most : SIZE_MAX;
    r->counted = r->most != SIZE_MAX ? r->most : r->least;
    for (size_t i = 0; i < r->machine_count; i++) {
        const struct machine *m = r->machines[i];
        for (size_t s = 0; s < m->count; s++)
            if (m->states[s].kind == STATE_SET && set_index(r, m->states[s].set) == SETS_MOST)
                return false;
        r->offsets[i] = r->words;
        r->words += words_of(m);
    }
    make_classes(r);
    memset(r->heads, 0xFF, sizeof(r->heads));
    r->bits = xcalloc((r->words + 1) * POSITIONS_MOST, sizeof(r->bits[0]));
    r->positions = xcalloc(POSITIONS_MOST, sizeof(r->positions[0]));
    return !r->overflowed;
}

static void runner_free(struct runner *r)
{
    free(r->classes);
    free(r->bits);
    free(r->positions);
    free(r->steps);
    free(r);
}

enum answer language_search(struct contain *c, const struct language *language,
                            bool (*try)(void *user, struct slice string), void *user)
{
    struct runner *r = xcalloc(1, sizeof(*r));
    enum answer answer = UNSURE;
    r->c = c;
    if (runner_init(r, language)) {
        first_position(r);
        explore(r);
        bool any = false;
        for (size_t i = 0; i < r->count; i++)
            any |= r->positions[i].accepts;
        if (!any)
            answer = r->overflowed ? UNSURE : EMPTY;
        else if (!try || try_positions(r, try, user))
            answer = try ? FOUND : UNSURE;
        else if (!r->overflowed) {
            mark_living(r);
            answer = try_all(r, try, user);
        }
    }
    runner_free(r);
    return answer;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a spelling of these bytes begin here? Text is read in units: a unit is a byte as it stands,
 * or an escape that stands for one to four bytes, or an escape within an escape. Where a unit can
 * be read in more than one way and more than one fits, the other way is remembered and tried if
 * this one leads nowhere; there are few such places, and past a limit they are not remembered.
 * Where the text ends before that is known, it is open.
 */
#include "secret/secret_internal.h"

#include <ctype.h>
#include <string.h>

enum { READINGS = 3, CHOICES = 64 };

static int hex_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (unsigned char)tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* So many hex digits; -1 if they are not there. */
static long hex_at(const unsigned char *p, size_t left, size_t digits)
{
    long value = 0;
    if (left < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_of(p[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

struct unit {
    size_t taken; /* of the text; 0 = it cannot be read so */
    size_t len;
    unsigned char bytes[4];
};

static struct unit unit_byte(size_t taken, long byte)
{
    if (byte < 0)
        return (struct unit){0};
    return (struct unit){.taken = taken, .len = 1, .bytes = {(unsigned char)byte}};
}

static struct unit unit_character(size_t taken, unsigned long c)
{
    struct unit unit = {.taken = taken};
    if (c < 0x80) {
        unit.bytes[unit.len++] = (unsigned char)c;
        return unit;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    unit.bytes[unit.len++] = (unsigned char)(leads[more] | (c >> (6 * more)));
    while (more-- > 0)
        unit.bytes[unit.len++] = (unsigned char)(0x80 | ((c >> (6 * more)) & 0x3f));
    return unit;
}

static struct unit read_u(const unsigned char *p, size_t left)
{
    long high = hex_at(p + 2, left - 2, 4), low = -1;
    if (high < 0)
        return (struct unit){0};
    if (high >= 0xd800 && high < 0xdc00 && left >= 12 && p[6] == '\\' && p[7] == 'u')
        low = hex_at(p + 8, left - 8, 4);
    if (low >= 0xdc00 && low < 0xe000)
        return unit_character(12, 0x10000 + ((unsigned long)(high - 0xd800) << 10) +
                                      (unsigned long)(low - 0xdc00));
    return unit_character(6, (unsigned long)high);
}

static struct unit read_backslash(const unsigned char *p, size_t left)
{
    static const char letters[] = "nrtbfv0", values[] = "\n\r\t\b\f\v";
    if (left < 2)
        return (struct unit){0};
    if (p[1] == 'u')
        return read_u(p, left);
    if (p[1] == 'x')
        return unit_byte(4, hex_at(p + 2, left - 2, 2));
    const char *letter = strchr(letters, p[1]);
    return unit_byte(2, letter && *letter ? values[letter - letters] : p[1]);
}

static struct unit read_entity(const unsigned char *p, size_t left)
{
    static const struct {
        const char *name;
        char byte;
    } named[] = {{"&amp;", '&'},   {"&lt;", '<'},  {"&gt;", '>'},   {"&quot;", '"'},
                 {"&apos;", '\''}, {"&sol;", '/'}, {"&plus;", '+'}, {"&equals;", '='}};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        size_t len = strlen(named[i].name);
        if (left >= len && memcmp(p, named[i].name, len) == 0)
            return unit_byte(len, (unsigned char)named[i].byte);
    }
    if (left < 4 || p[1] != '#')
        return (struct unit){0};
    bool hex = p[2] == 'x' || p[2] == 'X';
    unsigned long value = 0;
    size_t at = hex ? 3 : 2, first = at;
    for (; at < left && at < first + 8; at++) {
        int digit = hex_of(p[at]);
        if (digit < 0 || (!hex && digit > 9))
            break;
        value = value * (hex ? 16 : 10) + (unsigned long)digit;
    }
    if (at == first || at >= left || p[at] != ';' || value > 0x10ffff)
        return (struct unit){0};
    return unit_character(at + 1, value);
}

static struct unit read_escape(const unsigned char *p, size_t left)
{
    switch (p[0]) {
    case '%':
    case '=':
        return unit_byte(3, hex_at(p + 1, left - 1, 2));
    case '+':
        return unit_byte(1, ' ');
    case '\\':
        return read_backslash(p, left);
    case '&':
        return read_entity(p, left);
    default:
        return (struct unit){0};
    }
}

/* An escape whose own first character is escaped: %2541, \\u0041, %5Cn. */
static struct unit read_twice(const unsigned char *p, size_t left)
{
    struct unit outer = read_escape(p, left);
    if (outer.len != 1 || outer.taken < 2 || outer.taken >= left)
        return (struct unit){0};
    unsigned char inside[16] = {outer.bytes[0]};
    size_t more = left - outer.taken < sizeof(inside) - 1 ? left - outer.taken : sizeof(inside) - 1;
    memcpy(inside + 1, p + outer.taken, more);
    struct unit unit = read_escape(inside, more + 1);
    if (unit.taken > 0)
        unit.taken += outer.taken - 1;
    return unit;
}

static struct unit read_unit(struct slice in, size_t at, int reading)
{
    const unsigned char *p = (const unsigned char *)in.ptr + at;
    size_t left = in.len - at;
    if (reading == 0)
        return unit_byte(1, p[0]);
    return reading == 1 ? read_escape(p, left) : read_twice(p, left);
}

static bool same(const struct pattern *pattern, size_t at, unsigned char found, bool fold)
{
    unsigned char wanted = pattern->bytes[at];
    if (wanted == found)
        return true;
    if (fold || pattern->kind == PATTERN_HEX)
        return tolower(wanted) == tolower(found);
    return pattern->kind == PATTERN_BASE64 &&
           ((wanted == '+' && found == '-') || (wanted == '/' && found == '_'));
}

/* How far the pattern goes if this is the next unit; 0 = it does not fit. */
static size_t fits(const struct pattern *pattern, size_t done, const struct unit *unit, bool fold)
{
    if (unit->taken == 0 || unit->len > pattern->len - done)
        return 0;
    for (size_t i = 0; i < unit->len; i++)
        if (!same(pattern, done + i, unit->bytes[i], fold))
            return 0;
    return unit->len;
}

struct choice {
    size_t at, done;
    int reading;
};

/* Base64 is written in lines, of which JSON makes escapes. */
static size_t skip_breaks(const struct pattern *pattern, struct slice in, size_t at)
{
    if (pattern->kind != PATTERN_BASE64)
        return at;
    for (;;) {
        if (at < in.len && (in.ptr[at] == '\r' || in.ptr[at] == '\n'))
            at++;
        else if (at + 1 < in.len && in.ptr[at] == '\\' &&
                 (in.ptr[at + 1] == 'n' || in.ptr[at + 1] == 'r'))
            at += 2;
        else
            return at;
    }
}

/* The longest escape within an escape: "\\u0026#x0010FFFF;". */
enum { ESCAPE_MAX = 24 };

/* Whether more text could make another unit of what stands here. An escape that is whole, and not
 * of a character that begins one, is what it is. */
static bool is_cut(struct slice in, size_t at)
{
    const unsigned char *p = (const unsigned char *)in.ptr + at;
    size_t left = in.len - at;
    if (left == 0)
        return true;
    if (left >= ESCAPE_MAX || p[0] == '\0' || !strchr("%=\\&", p[0]))
        return false;
    if (p[0] == '&')
        return !memchr(p, ';', left);
    struct unit whole = read_escape(p, left);
    bool half = whole.len == 3 && whole.bytes[0] == 0xed && whole.bytes[1] >= 0xa0;
    if (half) /* of a pair of escapes that is one character */
        return left < 12;
    if (whole.taken > 0)
        return whole.len == 1 && whole.bytes[0] && strchr("%=\\&", whole.bytes[0]);
    return left < (p[0] == '\\' ? 6 : 3);
}

size_t pattern_match(const struct pattern *pattern, struct slice in, size_t at, bool fold,
                     bool *ret_open)
{
    struct choice choices[CHOICES];
    size_t count = 0, done = 0, start = at;
    int reading = 0;
    for (;;) {
        struct unit chosen = {0};
        size_t step = 0;
        if (done > 0 && done < pattern->len)
            at = skip_breaks(pattern, in, at);
        *ret_open |= reading == 0 && is_cut(in, at);
        for (; at < in.len && reading < READINGS && step == 0; reading++) {
            chosen = read_unit(in, at, reading);
            step = fits(pattern, done, &chosen, fold);
        }
        if (step > 0 && reading < READINGS && count < CHOICES && strchr("%=+\\&", in.ptr[at]) &&
            in.ptr[at])
            choices[count++] = (struct choice){at, done, reading};
        if (step > 0) {
            at += chosen.taken;
            done += step;
            reading = 0;
            if (done == pattern->len)
                return at - start;
        } else if (count > 0) {
            struct choice other = choices[--count];
            at = other.at;
            done = other.done;
            reading = other.reading;
        } else {
            return 0;
        }
    }
}

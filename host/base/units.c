/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations, sizes, money, and the nearest name.
 */
#include "base/units.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *suffix;
    int64_t ms;
} duration_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

enum { DURATION_UNITS = sizeof(duration_units) / sizeof(duration_units[0]) };

static const int64_t DURATION_MAX_MS = (int64_t)3660 * 86400000;
static const int64_t SIZE_MAX_BYTES = (int64_t)1 << 40;
static const int64_t MONEY_MAX = INT64_MAX / 2000000;

/* Reads decimal digits up to a maximum; returns how many, 0 if none or too big. */
static size_t read_digits(struct slice s, int64_t maximum, int64_t *ret_value)
{
    int64_t value = 0;
    size_t at = 0;
    for (; at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9'; at++) {
        value = value * 10 + (s.ptr[at] - '0');
        if (value > maximum)
            return 0;
    }
    *ret_value = value;
    return at;
}

static struct slice rest(struct slice s, size_t from)
{
    return (struct slice){s.ptr + from, s.len - from};
}

/* The unit at the front of s ("ms" before "m"), or -1. */
static int duration_unit(struct slice s)
{
    if (slice_starts(s, "ms"))
        return DURATION_UNITS - 1;
    for (int i = 0; i < DURATION_UNITS - 1; i++)
        if (slice_starts(s, duration_units[i].suffix))
            return i;
    return -1;
}

bool duration_parse(struct slice s, int64_t *ret_ms)
{
    int64_t total = 0;
    if (s.len == 0)
        return false;
    while (s.len > 0) {
        int64_t count;
        size_t digits = read_digits(s, DURATION_MAX_MS, &count);
        if (digits == 0)
            return false;
        s = rest(s, digits);
        int unit = duration_unit(s);
        if (unit < 0 || count > (DURATION_MAX_MS - total) / duration_units[unit].ms)
            return false;
        total += count * duration_units[unit].ms;
        s = rest(s, strlen(duration_units[unit].suffix));
    }
    *ret_ms = total;
    return true;
}

const char *duration_text(int64_t ms, char ret_text[static 32])
{
    size_t at = 0;
    if (ms <= 0) {
        snprintf(ret_text, 32, "%s", ms < 0 ? "-" : "0s");
        return ret_text;
    }
    for (int i = 0; i < DURATION_UNITS; i++) {
        int64_t count = ms / duration_units[i].ms;
        if (count > 0)
            at += (size_t)snprintf(ret_text + at, 32 - at, "%lld%s", (long long)count,
                                   duration_units[i].suffix);
        ms %= duration_units[i].ms;
    }
    return ret_text;
}

bool size_parse(struct slice s, int64_t *ret_bytes)
{
    static const char *const suffixes[] = {"", "kb", "mb", "gb"};
    int64_t count;
    size_t digits = read_digits(s, SIZE_MAX_BYTES, &count);
    if (digits == 0)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (slice_is(rest(s, digits), suffixes[i])) {
            if (count > SIZE_MAX_BYTES >> (10 * i))
                return false;
            *ret_bytes = count << (10 * i);
            return true;
        }
    return false;
}

bool money_parse(struct slice s, int64_t *ret_millionths)
{
    int64_t whole, fraction = 0;
    size_t digits = read_digits(s, MONEY_MAX, &whole);
    if (digits == 0)
        return false;
    s = rest(s, digits);
    if (s.len > 0) {
        size_t places = s.ptr[0] == '.' ? read_digits(rest(s, 1), 999999, &fraction) : 0;
        if (places == 0 || places > 6 || places + 1 != s.len)
            return false;
        for (; places < 6; places++)
            fraction *= 10;
    }
    *ret_millionths = whole * 1000000 + fraction;
    return true;
}

const char *money_text(int64_t millionths, char ret_text[static 32])
{
    int64_t whole = millionths / 1000000, fraction = millionths % 1000000;
    if (fraction < 0)
        fraction = -fraction;
    int length = snprintf(ret_text, 32, "%s%lld.%06lld", millionths < 0 && whole == 0 ? "-" : "",
                          (long long)whole, (long long)fraction);
    for (int cut = 0; cut < 4 && ret_text[length - 1] == '0'; cut++)
        ret_text[--length] = '\0';
    return ret_text;
}

enum { SUGGEST_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment distance, on bytes: three rows are enough. */
static size_t distance(struct slice a, struct slice b)
{
    size_t rows[3][SUGGEST_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t cost = a.ptr[i - 1] != b.ptr[j - 1];
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return rows[a.len % 3][b.len];
}

const char *suggest(struct slice name, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = name.len / 3 > 1 ? name.len / 3 + 1 : 2;
    if (name.len > SUGGEST_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct slice candidate = slice_of(candidates[i]);
        if (candidate.len > SUGGEST_MAX)
            continue;
        size_t d = distance(name, candidate);
        if (d < best_distance) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates and times of RFC 3339, section 5.6, and durations of its appendix A. A leap second is one
 * only where it can be: at 23:59:60 UTC.
 */
#include "contract/formats_internal.h"

/* Takes exactly `digits` digits off the front. */
static bool take_number(struct slice *s, size_t digits, int *ret_number)
{
    int number = 0;
    if (s->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!ascii_digit(s->ptr[i]))
            return false;
        number = number * 10 + (s->ptr[i] - '0');
    }
    *s = (struct slice){s->ptr + digits, s->len - digits};
    *ret_number = number;
    return true;
}

static bool take_char(struct slice *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = (struct slice){s->ptr + 1, s->len - 1};
    return true;
}

static bool leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool take_date(struct slice *s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!take_number(s, 4, &year) || !take_char(s, '-') || !take_number(s, 2, &month) ||
        !take_char(s, '-') || !take_number(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1)
        return false;
    return day <= days[month - 1] + (month == 2 && leap_year(year));
}

/* "Z" or "±hh:mm", as minutes. */
static bool take_offset(struct slice *s, int *ret_minutes)
{
    int hours, minutes;
    *ret_minutes = 0;
    if (take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    bool west = take_char(s, '-');
    if (!west && !take_char(s, '+'))
        return false;
    if (!take_number(s, 2, &hours) || !take_char(s, ':') || !take_number(s, 2, &minutes))
        return false;
    *ret_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return hours < 24 && minutes < 60;
}

static bool take_time(struct slice *s)
{
    int hour, minute, second, offset, ignored;
    if (!take_number(s, 2, &hour) || !take_char(s, ':') || !take_number(s, 2, &minute) ||
        !take_char(s, ':') || !take_number(s, 2, &second))
        return false;
    if (take_char(s, '.')) {
        if (!take_number(s, 1, &ignored))
            return false;
        while (take_number(s, 1, &ignored))
            ;
    }
    if (!take_offset(s, &offset) || hour > 23 || minute > 59 || second > 60)
        return false;
    const int day = 24 * 60;
    int utc = (hour * 60 + minute - offset + day) % day;
    return second < 60 || utc == day - 1;
}

bool format_date(struct slice s)
{
    return take_date(&s) && s.len == 0;
}

bool format_time(struct slice s)
{
    return take_time(&s) && s.len == 0;
}

bool format_date_time(struct slice s)
{
    return take_date(&s) && (take_char(&s, 'T') || take_char(&s, 't')) && take_time(&s) &&
           s.len == 0;
}

/* Digits and one of the units from *unit on, which moves behind the one that was found. */
static bool take_component(struct slice *s, const char **unit)
{
    size_t digits = 0;
    while (digits < s->len && ascii_digit(s->ptr[digits]))
        digits++;
    if (digits == 0 || digits == s->len)
        return false;
    for (const char *u = *unit; *u; u++) {
        if (*u != s->ptr[digits])
            continue;
        *unit = u + 1;
        *s = (struct slice){s->ptr + digits + 1, s->len - digits - 1};
        return true;
    }
    return false;
}

/* One component at least; each further one is of the very next unit. */
static bool take_components(struct slice *s, const char *units)
{
    const char *unit = units;
    if (!take_component(s, &unit))
        return false;
    while (s->len > 0 && ascii_digit(s->ptr[0])) {
        const char *next = unit;
        if (!take_component(s, &unit) || unit != next + 1)
            return false;
    }
    return true;
}

bool format_duration(struct slice s)
{
    if (!take_char(&s, 'P'))
        return false;
    struct slice weeks = s;
    if (take_components(&weeks, "W"))
        return weeks.len == 0;
    if (s.len > 0 && s.ptr[0] != 'T' && !take_components(&s, "YMD"))
        return false;
    if (take_char(&s, 'T'))
        return take_components(&s, "HMS") && s.len == 0;
    return s.len == 0 && weeks.len > 0;
}

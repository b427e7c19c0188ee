/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers: an interval, a step that divides all (the least common multiple of the divisors, as
 * decimals) and steps that must not. Without a step every open interval has room; with one, the
 * multiples in the interval are counted, and tried if they are few. Decimals are exact as long as
 * they have at most 15 digits, which is where a double and its spelling are one; past that, only
 * the interval is argued about.
 */
#include "contract/contain_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef __int128 wide;

enum { FEW = 256, TRIES = 48, EXPONENT_MOST = 15 };

#define EXACT 1000000000000000 /* 15 digits */

struct range {
    bool has_low, has_high, low_open, high_open;
    struct number low, high;
};

static void bound_low(struct range *r, struct number at, bool open)
{
    int order = r->has_low ? number_compare(at, r->low) : 1;
    if (order < 0)
        return;
    r->low_open = order == 0 ? r->low_open || open : open;
    r->low = at;
    r->has_low = true;
}

static void bound_high(struct range *r, struct number at, bool open)
{
    int order = r->has_high ? number_compare(at, r->high) : -1;
    if (order > 0)
        return;
    r->high_open = order == 0 ? r->high_open || open : open;
    r->high = at;
    r->has_high = true;
}

static struct range range_of(const struct contain *c, const struct branch *b)
{
    struct range r = {0};
    for (size_t i = 0; i < b->atoms.count; i++) {
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind != TERM_ABOVE)
            continue;
        if (is_negative(b->atoms.list[i]))
            bound_high(&r, t->as.bound, !t->strict);
        else
            bound_low(&r, t->as.bound, t->strict);
    }
    return r;
}

static bool range_empty(const struct range *r)
{
    if (!r->has_low || !r->has_high)
        return false;
    int order = number_compare(r->low, r->high);
    return order > 0 || (order == 0 && (r->low_open || r->high_open));
}

/* ---- decimals ---- */

static bool scale(uint64_t mantissa, int places, wide *ret_scaled)
{
    if (places < 0 || places > EXPONENT_MOST)
        return mantissa == 0 ? (*ret_scaled = 0, true) : false;
    wide scaled = (wide)mantissa;
    while (places-- > 0)
        scaled *= 10;
    *ret_scaled = scaled;
    return true;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Widens the step so that it is a multiple of d too; false (and no change) past what is exact. */
static bool step_join(struct decimal *step, struct decimal d)
{
    wide a, b;
    int exponent = step->exponent < d.exponent ? step->exponent : d.exponent;
    if (!scale(step->mantissa, step->exponent - exponent, &a) ||
        !scale(d.mantissa, d.exponent - exponent, &b) || a > EXACT || b > EXACT)
        return false;
    uint64_t common = gcd((uint64_t)a, (uint64_t)b);
    wide joined = a / (wide)common * b;
    if (joined > EXACT)
        return false;
    *step = (struct decimal){(uint64_t)joined, exponent};
    return true;
}

static bool divides(struct decimal divisor, struct decimal of)
{
    if (of.exponent < divisor.exponent) { /* the step need not be without zeros at its end */
        while (of.exponent < divisor.exponent && of.mantissa % 10 == 0) {
            of.mantissa /= 10;
            of.exponent++;
        }
        if (of.exponent < divisor.exponent)
            return false;
    }
    uint64_t rest = of.mantissa % divisor.mantissa;
    for (int places = of.exponent - divisor.exponent; places > 0 && rest != 0; places--)
        rest = (uint64_t)((wide)rest * 10 % divisor.mantissa);
    return rest == 0;
}

/* The step of all positive divisors; false if there is none. */
static bool step_of(const struct contain *c, const struct branch *b, struct decimal *ret_step)
{
    bool any = b->kind == VALUE_INTEGER;
    *ret_step = (struct decimal){1, 0};
    for (size_t i = 0; i < b->atoms.count; i++) {
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind != TERM_MULTIPLE || is_negative(b->atoms.list[i]))
            continue;
        if (any)
            step_join(ret_step, t->as.divisor);
        else
            *ret_step = t->as.divisor;
        any = true;
    }
    return any;
}

/* Whether each multiple of the step is a multiple of what must not divide. */
static bool step_forbidden(const struct contain *c, const struct branch *b, struct decimal step)
{
    if (b->kind == VALUE_FRACTION && divides((struct decimal){1, 0}, step))
        return true;
    for (size_t i = 0; i < b->atoms.count; i++) {
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind == TERM_MULTIPLE && is_negative(b->atoms.list[i]) &&
            divides(t->as.divisor, step))
            return true;
    }
    return false;
}

static bool negative_number(struct number n)
{
    return n.integer ? n.i < 0 : n.d < 0;
}

/* The bound in steps, rounded inwards; false where that is not exact. */
static bool in_steps(struct number bound, bool open, bool is_low, struct decimal step,
                     wide *ret_steps)
{
    struct decimal d = number_decimal(bound);
    int exponent = d.exponent < step.exponent ? d.exponent : step.exponent;
    wide value, unit;
    if (!scale(d.mantissa, d.exponent - exponent, &value) ||
        !scale(step.mantissa, step.exponent - exponent, &unit) || d.mantissa > EXACT ||
        fabs(bound.integer ? (double)bound.i : bound.d) > (double)EXACT)
        return false;
    if (negative_number(bound))
        value = -value;
    wide down = value / unit - (value % unit < 0);
    bool exact = down * unit == value;
    *ret_steps = is_low ? down + (!exact || open) : down - (exact && open);
    return true;
}

static json_t *number_json(wide mantissa, int exponent)
{
    char text[64];
    for (; exponent > 0; exponent--)
        mantissa *= 10;
    for (; exponent < 0 && mantissa % 10 == 0; exponent++)
        mantissa /= 10;
    if (exponent == 0)
        return json_integer((json_int_t)mantissa);
    snprintf(text, sizeof(text), "%llde%d", (long long)mantissa, exponent);
    return json_real(strtod(text, NULL));
}

/* Tries multiples of the step; *ret_all says that those were all there are. */
static enum answer try_multiples(struct contain *c, struct branch *b, const struct range *r,
                                 struct decimal step)
{
    wide low = 0, high = 0;
    bool from = r->has_low && in_steps(r->low, r->low_open, true, step, &low);
    bool to = r->has_high && in_steps(r->high, r->high_open, false, step, &high);
    bool maybe = false, few = from && to && high - low < FEW;
    if (from && to && low > high)
        return EMPTY;
    wide first = from ? low : to ? high - TRIES : -1, tries = few ? high - low + 1 : TRIES;
    if ((!from || low <= 0) && (!to || high >= TRIES) && !few)
        first = from && low == 0 ? 0 : !from || low < 0 ? -1 : 0;
    for (wide at = first; at < first + tries; at++) {
        wide mantissa = at * (wide)step.mantissa;
        bool exact =
            step.exponent <= 3 && step.exponent > -280 && mantissa <= EXACT && mantissa >= -EXACT;
        if (!exact)
            few = false;
        else if (branch_try(c, b, number_json(mantissa, step.exponent), &maybe))
            return FOUND;
    }
    for (wide at = to ? high : 0; !few && to && at > high - TRIES; at--) {
        wide mantissa = at * (wide)step.mantissa;
        if (step.exponent <= 3 && step.exponent > -280 && mantissa <= EXACT && mantissa >= -EXACT &&
            branch_try(c, b, number_json(mantissa, step.exponent), &maybe))
            return FOUND;
    }
    return few && !maybe ? EMPTY : UNSURE;
}

static json_t *real_or_integer(double d)
{
    return number_integral(d) && fabs(d) < (double)EXACT ? json_integer((json_int_t)d)
                                                         : json_real(d);
}

static double as_double(struct number n)
{
    return n.integer ? (double)n.i : n.d;
}

/* Points of the interval: its ends, and some inside. */
static enum answer try_points(struct contain *c, struct branch *b, const struct range *r)
{
    static const double parts[] = {0.5, 0.25, 0.1, 0.9, 0.123456, 0.618034, 0.01};
    double low = r->has_low ? as_double(r->low) : r->has_high ? as_double(r->high) - 2 : 0;
    double high = r->has_high ? as_double(r->high) : low + 2;
    bool maybe = false, point = r->has_low && r->has_high && number_compare(r->low, r->high) == 0;
    if (branch_try(c, b, real_or_integer(low), &maybe) ||
        branch_try(c, b, real_or_integer(high), &maybe))
        return FOUND;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !point; i++) {
        double at = low + (high - low) * parts[i];
        if (isfinite(at) && (branch_try(c, b, real_or_integer(at), &maybe) ||
                             branch_try(c, b, real_or_integer(floor(at) + parts[i]), &maybe)))
            return FOUND;
    }
    if (!r->has_high && isfinite(low * 2) &&
        (branch_try(c, b, real_or_integer(low + 0.5), &maybe) ||
         branch_try(c, b, real_or_integer(fabs(low) * 2 + 1.5), &maybe)))
        return FOUND;
    return UNSURE;
}

/* Where decimals are not exact: at and beside the bounds, and far out. */
static enum answer try_beyond(struct contain *c, struct branch *b, const struct range *r)
{
    static const double far_out[] = {1e15, 1e17, 1e18, 4e18, 1e20, 1e100, 1.5e300};
    bool maybe = false;
    for (int side = 0; side < 2; side++) {
        struct number at = side ? r->high : r->low;
        if (!(side ? r->has_high : r->has_low))
            continue;
        for (int64_t i = -4; i <= 4; i++) {
            bool fits = at.integer && at.i < INT64_MAX - 8 && at.i > INT64_MIN + 8;
            double d = at.integer ? (double)at.i : at.d;
            if ((fits && branch_try(c, b, json_integer(at.i + i), &maybe)) ||
                branch_try(c, b, json_real(d + (double)i * fabs(d) * 1e-15), &maybe))
                return FOUND;
        }
    }
    for (size_t i = 0; i < sizeof(far_out) / sizeof(far_out[0]); i++)
        if (branch_try(c, b, json_real(far_out[i]), &maybe) ||
            branch_try(c, b, json_real(-far_out[i]), &maybe))
            return FOUND;
    return UNSURE;
}

static json_t *number_copy(struct number n)
{
    return n.integer ? json_integer(n.i) : json_real(n.d);
}

enum answer check_number(struct contain *c, struct branch *b, bool final)
{
    struct range r = range_of(c, b);
    struct decimal step;
    wide low, high;
    bool maybe = false;
    if (range_empty(&r))
        return EMPTY;
    if (final && r.has_low && r.has_high && number_compare(r.low, r.high) == 0)
        return branch_try(c, b, number_copy(r.low), &maybe) ? FOUND : maybe ? UNSURE : EMPTY;
    bool stepped = step_of(c, b, &step);
    if (stepped && step_forbidden(c, b, step))
        return EMPTY;
    if (final) {
        enum answer answer = stepped ? try_multiples(c, b, &r, step) : try_points(c, b, &r);
        if (answer == UNSURE)
            answer = try_beyond(c, b, &r);
        if (answer == UNSURE)
            contain_doubt(c, "numbers", "no number was found that tells the schemas apart",
                          b->goal);
        return answer;
    }
    if (!stepped)
        return UNSURE;
    bool bounded = r.has_low && r.has_high && in_steps(r.low, r.low_open, true, step, &low) &&
                   in_steps(r.high, r.high_open, false, step, &high);
    return bounded && low > high ? EMPTY : UNSURE;
}

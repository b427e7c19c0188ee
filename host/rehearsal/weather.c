/* SPDX-License-Identifier: Apache-2.0
 *
 * The weather: what goes wrong and in which order, drawn from a seed alone. In calm (storm 0) only
 * times are drawn, so that steps which run at once end in other orders; nothing fails, and the case
 * must come out as it is expected to. Worse weather has crashes, hangs, lost requests and answers,
 * late and double completions, and then only the laws must hold.
 */
#include "rehearsal/rehearsal_internal.h"

enum { STORMS = 4 };

uint64_t weather_below(struct stage *stage, uint64_t bound)
{
    /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t x = stage->random += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    x ^= x >> 31;
    return bound ? x % bound : 0;
}

bool weather_chance(struct stage *stage, unsigned permille)
{
    return weather_below(stage, 1000) < permille;
}

unsigned rehearsal_storm(uint64_t seed)
{
    return (unsigned)(seed % STORMS);
}

void weather_open(struct stage *stage)
{
    uint64_t seed = stage->rehearsal->weather;
    stage->random = seed * 0x9E3779B97F4A7C15u;
    stage->storm = rehearsal_storm(seed);
}

int64_t weather_wait(struct stage *stage, int64_t written_ms)
{
    if (!stage->rehearsal->weather)
        return written_ms;
    /* as short as it can be, or spread over what is written, or over half a second more */
    unsigned way = (unsigned)weather_below(stage, 3);
    int64_t spread = way == 0 ? 1 : way == 1 ? written_ms + 1 : written_ms + 500;
    return (int64_t)weather_below(stage, (uint64_t)spread);
}

enum luck weather_luck(struct stage *stage)
{
    static const enum luck bad[] = {LUCK_CRASH,        LUCK_CRASH_AFTER, LUCK_UNAVAILABLE,
                                    LUCK_RATE_LIMITED, LUCK_HANG,        LUCK_LATE,
                                    LUCK_TWICE};
    if (!stage->storm || !weather_chance(stage, 70 * stage->storm))
        return LUCK_NONE;
    return bad[weather_below(stage, sizeof(bad) / sizeof(bad[0]))];
}

enum fate weather_fate(struct stage *stage)
{
    if (!stage->storm || !weather_chance(stage, 100 * stage->storm))
        return DEED_AS_WRITTEN;
    return (enum fate)(DEED_LOST + weather_below(stage, 4));
}

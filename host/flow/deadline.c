/* SPDX-License-Identifier: Apache-2.0
 *
 * Retries against the time that they have: the step's schedule_to_close, else the time budget of
 * the whole flow. The waits between attempts are counted as if jitter chose the longest of each.
 *
 *   error    the waits alone fill the time: even attempts that fail at once leave no room for the
 *            last one
 *   warning  attempts that use up start_to_close, with their waits, leave no room to begin the last
 */
#include "flow/flow_internal.h"

#include "base/units.h"

int64_t retry_waits(const struct retry *retry)
{
    double interval = (double)retry->initial_ms, longest = (double)retry->max_ms, sum = 0;
    for (int i = 1; i < retry->max_attempts; i++) {
        sum += interval < longest ? interval : longest;
        if (interval < longest)
            interval *= retry->coefficient;
    }
    return sum < 1e15 ? (int64_t)sum : (int64_t)1e15;
}

void flow_check_deadlines(struct compilation *c, uint32_t step, const char *retry_pointer,
                          bool start_to_close_set)
{
    const struct step *s = &c->flow->steps[step];
    const struct retry *retry = &s->retry;
    bool own = s->schedule_to_close_ms >= 0;
    int64_t time_ms = own ? s->schedule_to_close_ms : c->flow->budget.time_ms;
    int64_t wait_ms = retry_waits(retry);
    char wait[32], time[32], each[32];
    bool here = json_object_get(c->sources[step].value, "retry") != NULL;
    struct spot spot = here ? AT_KEY(retry_pointer) : AT_KEY(c->sources[step].pointer);
    const char *what = own ? "schedule_to_close" : "the budget's time";
    if (time_ms < 0 || retry->max_attempts < 2)
        return;
    if (wait_ms >= time_ms) {
        REFUSE(c, "retry-beyond-deadline", spot, "fewer attempts, shorter intervals, or more time",
               "the waits between %d attempts come to %s, but %s is %s", retry->max_attempts,
               duration_text(wait_ms, wait), what, duration_text(time_ms, time));
        return;
    }
    int64_t before_last = wait_ms + (retry->max_attempts - 1) * s->start_to_close_ms;
    if ((own || start_to_close_set) && before_last >= time_ms)
        WARN(c, "retry-beyond-deadline", spot, "fewer attempts, a shorter timeout, or more time",
             "if attempts take their %s, %s of %s is over before attempt %d begins",
             duration_text(s->start_to_close_ms, each), what, duration_text(time_ms, time),
             retry->max_attempts);
}

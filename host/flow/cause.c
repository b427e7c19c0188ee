/* SPDX-License-Identifier: Apache-2.0
 *
 * The words for why an attempt failed.
 */
#include "flow/flow.h"

static const char *const words[CAUSE_COUNT] = {
    [CAUSE_UNAVAILABLE] = "unavailable",
    [CAUSE_RATE_LIMITED] = "rate_limited",
    [CAUSE_TIMEOUT] = "timeout",
    [CAUSE_BUSY] = "busy",
    [CAUSE_CRASH] = "crash",
    [CAUSE_CONTRACT] = "contract",
    [CAUSE_ASSERT] = "assert",
    [CAUSE_CONFIDENCE] = "confidence",
    [CAUSE_PLAN] = "plan",
    [CAUSE_INPUT] = "input",
    [CAUSE_FAILED] = "failed",
    [CAUSE_DENIED] = "denied",
    [CAUSE_UNSUPPORTED] = "unsupported",
    [CAUSE_INTERNAL] = "internal",
    [CAUSE_BUDGET] = "budget",
    [CAUSE_CANCELLED] = "cancelled",
    [CAUSE_CONFLICT] = "conflict",
    [CAUSE_QUARANTINED] = "quarantined",
};

const char *cause_word(enum cause cause)
{
    ASSERT(cause >= 0 && cause < CAUSE_COUNT);
    return words[cause];
}

bool cause_from_word(struct slice word, enum cause *ret_cause)
{
    for (unsigned i = 0; i < CAUSE_COUNT; i++)
        if (slice_is(word, words[i])) {
            *ret_cause = (enum cause)i;
            return true;
        }
    return false;
}

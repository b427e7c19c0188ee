/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an exchange may take. One that changes the world outlives its call, for what comes of it
 * is evidence: not by the whole time of the call once more, but by what is usual.
 */
#include "runtime/http_internal.h"

int64_t http_patience(int64_t left_ms, int64_t asked_ms)
{
    if (left_ms < 0)
        return asked_ms > 0 ? asked_ms : HTTP_TIMEOUT_MS;
    int64_t most_ms = left_ms < HTTP_TIMEOUT_MS ? HTTP_TIMEOUT_MS : left_ms;
    return asked_ms > 0 && asked_ms < most_ms ? asked_ms : most_ms;
}

int64_t send_patience(const struct send *send)
{
    const struct live_call *call = send->call;
    if (call->timeout_ms < 0)
        return http_patience(-1, send->timeout_ms);
    int64_t left_ms = call->sent_ms + call->timeout_ms - host_steady(call->live->host);
    return http_patience(left_ms < 0 ? 0 : left_ms, send->timeout_ms);
}

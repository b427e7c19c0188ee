/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs that wait for a call, of which there are many: what they were given lies there as its text,
 * a seventh of what it is as a value. A few runs keep their values: to read a text again takes
 * longer than most of what follows from it.
 */
#include "runtime/host_internal.h"

enum { FEW = 256 };

/* It is what json_write made: nothing but memory that was overwritten makes something else of it.
 */
static json_t *raise_again(struct slice text)
{
    json_t *value = NULL;
    ASSERT(json_read_own(text, &value, NULL) == ERR_OK);
    return value;
}

void live_rest(struct live_run *live)
{
    static const struct rest rest = {.lay = json_write, .raise = raise_again};
    if (live->host->unsettled > FEW && !live->host->options.stand_ins)
        run_rest(live->run, &rest);
}

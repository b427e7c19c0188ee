/* SPDX-License-Identifier: Apache-2.0
 *
 * What agents say while they work, as every door tells it. It names the attempt, for the next one
 * begins anew; and says of itself that it lasts no longer than who heard it.
 */
#include "report/report.h"

json_t *report_said(const struct run *run, const struct said *said)
{
    return json_pack("{s:s, s:s, s:i, s:s%, s:I, s:b}", "run", run_id(run), "step",
                     run_task_path(run, said->task), "attempt", (int)said->attempt, "text",
                     said->text.ptr, said->text.len, "lost", (json_int_t)said->lost, "durable", 0);
}

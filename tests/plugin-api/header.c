/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin with all that the headers offer in sight, to be compiled as C11 and as C++17 under the
 * strictest warnings. HEADER, if given, is the one header to be compiled by itself.
 */
#ifdef HEADER
#include HEADER
extern int header_is_not_empty;
#else
#include <seam/sdk.h>

static seam_status start(void *self, const seam_call *call)
{
    return seam_complete_ok((const seam_host *)self, call->id, SEAM_EFFECT_NONE, call->input);
}

static const seam_agent echo = SEAM_AGENT("echo", SEAM_PURE, SEAM_NONBLOCKING);
static const seam_agent *const agents[] = {&echo, NULL};

SEAM_PLUGIN("org.example.echo", "1.0.0", agents, start)
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The agents of this plugin. Input has been checked against its schema when start() sees it, and
 * output is checked against its own afterwards; seam/sdk.h has the helpers.
 */
#include <seam/sdk.h>

static seam_status start(void *self, const seam_call *call)
{
    const seam_host *host = (const seam_host *)self;
    char *name = seam_json_text(seam_json_at(call->input, "/name"), NULL);
    if (!name)
        return seam_complete_error(host, call->id, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "",
                                   "memory is short");
    char greeting[1000]; /* a name is at most 200 characters, of 4 bytes at most */
    snprintf(greeting, sizeof(greeting), "Hello, %s!", name);
    free(name);

    seam_writer output = SEAM_WRITER;
    seam_put_object(&output, NULL);
    seam_put_text(&output, "greeting", greeting);
    seam_put_end(&output);
    seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, seam_written(&output));
    seam_writer_done(&output);
    return SEAM_OK;
}

static const seam_agent greet = SEAM_AGENT("greet", SEAM_PURE, 0);
static const seam_agent *const agents[] = {&greet, NULL};

SEAM_PLUGIN("org.example.@NAME@", "0.1.0", agents, start)

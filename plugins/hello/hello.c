/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest honest agent: one name in, one greeting out, and nothing else in the world. Its
 * input has been checked against greet.input.json when start() sees it, and its output is checked
 * against greet.output.json afterwards, so what is left to go wrong here is memory.
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

SEAM_PLUGIN("org.seam.hello", "1.0.0", agents, start)

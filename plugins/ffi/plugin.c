/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's table. A configuration that is wrong is no reason not to be there: seam.describe/1
 * says what is wrong with it, and where, and nothing can be called.
 */
#include "ffi.h"

struct plugin {
    const seam_host *host;
    struct signatures signatures;
    struct trouble trouble;
    char *config; /* constants of the signatures stand in it */
};

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    struct plugin *p = calloc(1, sizeof(*p));
    char *copy = p ? malloc(config.len + 1) : NULL;
    if (!copy) {
        free(p);
        return SEAM_E_INTERNAL;
    }
    memcpy(copy, config.ptr, config.len);
    *p = (struct plugin){.host = host, .config = copy};
    signatures_read(&p->signatures, (seam_bytes){copy, config.len}, &p->trouble);
    *ret_self = p;
    return SEAM_OK;
}

static seam_status start(void *self, const seam_call *call)
{
    const struct plugin *p = self;
    for (size_t i = 0; i < p->signatures.agent_count; i++) {
        const char *name = p->signatures.agents[i].name;
        if (strlen(name) == call->agent.len && memcmp(name, call->agent.ptr, call->agent.len) == 0)
            return agent_run(&p->signatures.agents[i], p->host, call);
    }
    return SEAM_E_UNSUPPORTED;
}

static seam_status describe(void *self, const seam_call *call)
{
    struct plugin *p = self;
    seam_writer out = SEAM_WRITER;
    if (p->trouble.text[0] != '\0' || !schema_write(&p->signatures, &out, &p->trouble))
        seam_complete_error(p->host, call->id, SEAM_E_INPUT, SEAM_EFFECT_NONE, "ffi.signature",
                            p->trouble.text);
    else
        seam_complete_ok(p->host, call->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

static void destroy(void *self)
{
    struct plugin *p = self;
    signatures_done(&p->signatures);
    free(p->config);
    free(p);
}

SEAM_PLUGIN_DESCRIBED("org.seam.ffi", "1.0.0", create, start, NULL, destroy, describe)

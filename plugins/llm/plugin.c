/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's table. A configuration that is wrong is no reason not to be there: seam.describe/1
 * says what is wrong with it, and of which agent, and nothing can be called.
 */
#include "llm.h"

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    struct plugin *p = calloc(1, sizeof(*p));
    char *copy = p ? malloc(config.len + 1) : NULL;
    if (!copy) {
        free(p);
        return SEAM_E_INTERNAL;
    }
    memcpy(copy, config.ptr, config.len);
    p->host = host;
    p->config = copy;
    if (!declared_read(p, (seam_bytes){copy, config.len}) && p->trouble[0] == '\0')
        snprintf(p->trouble, sizeof(p->trouble), "there is no memory for the configuration");
    *ret_self = p;
    return SEAM_OK;
}

static seam_status start(void *self, const seam_call *call)
{
    struct plugin *p = self;
    for (size_t i = 0; i < p->agent_count && p->trouble[0] == '\0'; i++)
        if (bytes_are(call->agent, p->agents[i].name))
            return work_begin(p, &p->agents[i], call);
    return SEAM_E_UNSUPPORTED;
}

static seam_status describe(void *self, const seam_call *call)
{
    struct plugin *p = self;
    seam_writer out = SEAM_WRITER;
    if (p->trouble[0] != '\0')
        seam_complete_error(p->host, call->id, SEAM_E_INPUT, SEAM_EFFECT_NONE, "llm.declaration",
                            p->trouble);
    else if (!declared_write(p, &out))
        seam_complete_error(p->host, call->id, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "",
                            "the declarations are too large to be told");
    else
        seam_complete_ok(p->host, call->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

static void destroy(void *self)
{
    struct plugin *p = self;
    declared_done(p);
    free(p->config);
    free(p);
}

SEAM_PLUGIN_DESCRIBED("org.seam.llm", "1.0.0", create, start, NULL, destroy, describe)

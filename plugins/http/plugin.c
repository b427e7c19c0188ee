/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's table. A configuration that is wrong is no reason not to be there: seam.describe/1
 * says what is wrong with it, and where, and nothing can be called.
 */
#include "http.h"

struct plugin {
    const seam_host *host;
    struct service service;
    struct trouble trouble;
};

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    struct plugin *p = calloc(1, sizeof(*p));
    if (!p)
        return SEAM_E_INTERNAL;
    p->host = host;
    service_read(&p->service, config, &p->trouble);
    *ret_self = p;
    return SEAM_OK;
}

static seam_status start(void *self, const seam_call *call)
{
    const struct plugin *p = self;
    const struct operation *op = service_find(&p->service, call->agent);
    return op ? operation_run(&p->service, op, p->host, call) : SEAM_E_UNSUPPORTED;
}

static seam_status describe(void *self, const seam_call *call)
{
    struct plugin *p = self;
    if (p->trouble.text[0] != '\0')
        return seam_complete_error(p->host, call->id, SEAM_E_INPUT, SEAM_EFFECT_NONE,
                                   "http.declaration", p->trouble.text);
    if (p->service.left_out_count > 0)
        seam_log(p->host, call->id, SEAM_LOG_WARNING,
                 "%zu operations of the document are no agents, the last: %s",
                 p->service.left_out_count, p->service.left_out);
    json_t *agents = operations_describe(&p->service);
    char *text = json_dumps(agents, JSON_COMPACT);
    seam_complete_ok(p->host, call->id, SEAM_EFFECT_NONE, seam_text(text ? text : ""));
    free(text);
    json_decref(agents);
    return SEAM_OK;
}

static void destroy(void *self)
{
    struct plugin *p = self;
    service_done(&p->service);
    free(p);
}

SEAM_PLUGIN_DESCRIBED("org.seam.http", "1.0.0", create, start, NULL, destroy, describe)

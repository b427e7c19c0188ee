/* SPDX-License-Identifier: Apache-2.0
 *
 * contract.lower/1: an agent that has a model answer by a schema asks for its own output contract
 * as the model's provider takes it. The rules of providers are the host's, so that plugins need
 * none; and it is only ever the caller's own contract, which it knows, so nothing is told by it. A
 * plugin keeps the answer for as long as it lives: the contract of a generation does not change.
 */
#include "provider/provider.h"
#include "runtime/host_internal.h"

static json_t *lowering_json(struct lowering *l)
{
    bool taken = l->schema && l->left.count == 0;
    return json_pack("{s:O*, s:O, s:s}", "schema", taken ? l->schema : NULL, "drop_nulls",
                     l->drop_nulls, "reason", l->reason ? l->reason : "");
}

void lower_asked(struct live_call *call, uint64_t request, json_t *body)
{
    AUTO(provider_freep) struct provider *provider = NULL;
    struct lowering lowering;
    struct error err;
    const char *name = json_string_value(json_object_get(body, "provider"));
    if (provider_new(name ? name : "", &provider, &err) != ERR_OK) {
        service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                     "contract.lower/1: %s", err.text);
        return;
    }
    provider_lower(provider, call->agent->output, &lowering);
    service_answer(call->slot, request, SEAM_OK, SEAM_EFFECT_NONE, lowering_json(&lowering));
    lowering_done(&lowering);
}

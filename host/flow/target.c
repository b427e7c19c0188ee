/* SPDX-License-Identifier: Apache-2.0
 *
 * A step's `target`: the provider of the model that answers for its agent. What the provider would
 * refuse in the contract of the answer is an error here, before anything is sent; what it would
 * ignore is a warning, for the answer is held to the full contract all the same.
 */
#include "flow/flow_internal.h"

#include "provider/provider.h"

static void say_breaches(struct compilation *c, const struct agent *agent, const char *target,
                         const char *pointer, const struct breaches *breaches)
{
    for (size_t i = 0; i < breaches->count; i++) {
        const struct breach *b = &breaches->list[i];
        enum severity severity = b->ignored ? FINDING_WARNING : FINDING_ERROR;
        finding_say(c, severity, "target-refuses", AT(pointer), b->cure,
                    "the output contract of %s%s%s: %s: %s (%s, %s)", agent->name,
                    *b->place ? ", at " : "", b->place, b->found, b->says, b->rule, target);
    }
    if (breaches->more)
        WARN(c, "target-refuses", AT(pointer), NULL, "%s refuses more than is listed of %s", target,
             agent->name);
}

static void check_target(struct compilation *c, uint32_t step)
{
    const struct agent *agent = c->flow->steps[step].call.agent;
    const char *target = json_string_value(json_object_get(c->sources[step].value, "target"));
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "target");
    AUTO(provider_freep) struct provider *provider = NULL;
    struct breaches breaches;
    struct error error;
    if (!target)
        return;
    if (provider_new(target, &provider, &error) != ERR_OK) {
        REFUSE(c, "unknown-target", AT(pointer), NULL, "%s", error.text);
        return;
    }
    if (!agent || !agent->output)
        return;
    provider_lint(provider, contract_schema(agent->output), &breaches);
    say_breaches(c, agent, target, pointer, &breaches);
    breaches_done(&breaches);
}

void flow_check_targets(struct compilation *c)
{
    for (uint32_t step = 0; step < c->count; step++)
        if (json_is_object(c->sources[step].value))
            check_target(c, step);
}

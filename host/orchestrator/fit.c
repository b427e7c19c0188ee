/* SPDX-License-Identifier: Apache-2.0
 *
 * Values against contracts. An agent's answer is always held to its contract. What a mapping makes
 * of such answers need not be held to the next one where the flow's check has proven that it fits:
 * then only a share of the values is, drawn from the run's seed, so that a proof that is wrong does
 * not stay unknown; a paranoid run holds all of them. Whether a value was looked at is part of what
 * the run is, so a replay looks at the same ones.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

/* One proven value in so many is held to its contract all the same. */
enum { AUDIT_ONE_IN = 16 };

char *contract_breach(const struct contract *contract, const json_t *value)
{
    if (!contract || contract_accepts(contract, value))
        return NULL;
    struct violations violations;
    struct text text;
    text_init(&text, LIMIT_QUESTION);
    contract_explain(contract, value, &violations);
    violations_text(&violations, &text);
    violations_done(&violations);
    char *breach = text_take(&text); /* lines, of which the last needs no end */
    size_t len = strlen(breach);
    if (len > 0 && breach[len - 1] == '\n')
        breach[len - 1] = '\0';
    return breach;
}

char *mapped_breach(const struct run *run, const struct task *task, bool proven,
                    const struct contract *contract, const json_t *value)
{
    bool audited = run->paranoid || run_chance(run, task, 0) % AUDIT_ONE_IN == 0;
    return proven && !audited ? NULL : contract_breach(contract, value);
}

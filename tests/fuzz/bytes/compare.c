/* SPDX-License-Identifier: Apache-2.0
 *
 * Containment of two schemas: [sub, super, value, …]. A refutation has a witness that both
 * contracts confirm; a proof survives every part of the input, held up as a value; what a schema is
 * compared to itself with is never refuted; the same question has the same answer.
 */
#include "json.h"

#include "contract/contain.h"

#include <stdlib.h>
#include <string.h>

/* Less than the default, for the answers must be right whatever the budget is. */
static const struct contain_options budget = {.pairs = 200, .candidates = 400, .steps = 200000};
enum { PARTS = 300 };

static enum verdict compare(const struct contract *sub, const struct contract *super)
{
    struct comparison answer, second;
    struct error err;
    CLAIM(contract_compare(sub, super, &budget, &answer, &err) == ERR_OK, "%s", err.text);
    CLAIM(contract_compare(sub, super, &budget, &second, &err) == ERR_OK, "%s", err.text);
    enum verdict verdict = answer.verdict;
    CLAIM(second.verdict == verdict && strcmp(second.reason, answer.reason) == 0,
          "two answers: %s, %s", answer.reason, second.reason);
    CLAIM(slice_valid_utf8(slice_of(answer.reason)), "not UTF-8: %s", answer.reason);
    CLAIM((verdict == REFUTED) == (answer.witness != NULL), "%s", verdict_name(verdict));
    if (answer.witness) {
        AUTO(freep) char *text = json_dumps(answer.witness, JSON_ENCODE_ANY);
        CLAIM(contract_accepts(sub, answer.witness), "the left refuses the witness %s", text);
        CLAIM(!contract_accepts(super, answer.witness), "the right accepts the witness %s", text);
    }
    comparison_done(&answer);
    comparison_done(&second);
    return verdict;
}

/* Each part of the input is a value; returns how many may still be tried. */
static size_t try_parts(const struct contract *sub, const struct contract *super, json_t *value,
                        size_t left)
{
    const char *key;
    json_t *member;
    size_t i;
    if (left == 0)
        return 0;
    left--;
    if (contract_accepts(sub, value) && !contract_accepts(super, value) && !gave_up(super, value)) {
        AUTO(freep) char *text = json_dumps(value, JSON_ENCODE_ANY);
        CLAIM(false, "PROVEN, but there is a counterexample: %s", text);
    }
    json_object_foreach (value, key, member)
        left = try_parts(sub, super, member, left);
    json_array_foreach (value, i, member)
        left = try_parts(sub, super, member, left);
    return left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json_decrefp) json_t *list = bytes_json(data, size);
    json_t *left = json_array_get(list, 0), *right = json_array_get(list, 1);
    if (!left || !right)
        return 0;
    AUTO(contract_unrefp) struct contract *sub = bytes_contract(left, NULL);
    AUTO(contract_unrefp) struct contract *super = sub ? bytes_contract(right, NULL) : NULL;
    if (!super)
        return 0;
    CLAIM(compare(sub, sub) != REFUTED, "the left does not contain itself");
    CLAIM(compare(super, super) != REFUTED, "the right does not contain itself");
    if (compare(sub, super) == PROVEN)
        try_parts(sub, super, list, PARTS);
    if (compare(super, sub) == PROVEN)
        try_parts(super, sub, list, PARTS);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A schema that a stranger wrote: it compiles or is refused in words, and a contract that it makes
 * judges values of every kind, the same way each time. The schema itself is a value too.
 */
#include "json.h"

static const char values[] =
    "[null, true, 0, -1, 1.5, 1e300, -9223372036854775808, \"\", \"a\", \"\\u0000\\ud83d\\ude00\","
    " \"2020-02-30\", \"http://[::1]/a?b#c\", \"a@b.c\", \"01:02:03Z\", \"xn--a\", [], [1, 1.0, 1],"
    " [[], {}, [[1, 2], null]], {}, {\"a\": 1}, {\"a\": {\"a\": {\"a\": []}}, \"b\": \"b\"},"
    " {\"\": 0, \"~\": 1, \"/\": 2, \"\\ud83d\\ude00\": {\"a\": null}}]";

static json_t *all_values(void)
{
    static json_t *all;
    if (!all)
        all = bytes_json((const uint8_t *)values, sizeof(values) - 1);
    return all;
}

/* Each by itself, so that the first does not leave anything behind for the second. One that takes
 * all the work that there may be is enough. */
static void judge_all(const struct contract *contract, const json_t *schema)
{
    size_t i;
    const json_t *value;
    json_array_foreach (all_values(), i, value) {
        bool fits = claim_judgement(contract, value);
        if (!fits && gave_up(contract, value))
            return;
        CLAIM(fits == contract_accepts(contract, value), "value %zu is judged in two ways", i);
    }
    (void)claim_judgement(contract, schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json_decrefp) json_t *schema = bytes_json(data, size);
    if (!schema)
        return 0;
    AUTO(contract_unrefp) struct contract *contract = bytes_contract(schema, NULL);
    AUTO(contract_unrefp)
    struct contract *annotating =
        bytes_contract(schema, &(struct contract_options){.annotate_formats = true});
    if (contract)
        judge_all(contract, schema);
    if (annotating)
        judge_all(annotating, schema);
    return 0;
}

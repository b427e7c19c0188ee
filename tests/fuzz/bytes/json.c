/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes to JSON and schemas, and what is claimed of every judgement.
 */
#include "json.h"

#include "document/document.h"

#include <stdlib.h>
#include <string.h>

json_t *bytes_json(const uint8_t *data, size_t size)
{
    json_t *value = NULL;
    struct error err = {.code = ERR_OK, .text = ""};
    enum error_code code =
        json_read((struct slice){(const char *)data, size}, LIMIT_FILE, &value, &err);
    if (code == ERR_OK)
        return value;
    claim_error(code, &err);
    return NULL;
}

struct contract *bytes_contract(json_t *schema, const struct contract_options *options)
{
    struct contract *contract = NULL;
    struct error err = {.code = ERR_OK, .text = ""};
    enum error_code code = contract_compile(schema, options, &contract, &err);
    if (code == ERR_OK)
        return contract;
    claim_error(code, &err);
    return NULL;
}

static void claim_shown(const struct violations *why)
{
    CLAIM(why->count > 0 && why->count <= LIMIT_VIOLATIONS, "%zu violations", why->count);
    for (size_t i = 0; i < why->count; i++) {
        const struct violation *v = &why->list[i];
        CLAIM(v->text[0] != '\0', "a violation at %s without words", v->instance);
        CLAIM(slice_valid_utf8(slice_of(v->text)), "not UTF-8: %s", v->text);
        CLAIM(slice_valid_utf8(slice_of(v->instance)), "not UTF-8: %s", v->instance);
        CLAIM(slice_valid_utf8(slice_of(v->schema)), "not UTF-8: %s", v->schema);
        CLAIM(v->instance[0] == '\0' || v->instance[0] == '/', "no pointer: %s", v->instance);
        CLAIM(v->schema[0] == '\0' || v->schema[0] == '/', "no pointer: %s", v->schema);
    }
}

bool claim_judgement(const struct contract *contract, const json_t *value)
{
    struct violations why;
    bool accepts = contract_accepts(contract, value);
    bool explains = contract_explain(contract, value, &why);
    if (!explains)
        claim_shown(&why);
    CLAIM(accepts == explains, "accepts: %d, explain: %d, %s", accepts, explains,
          explains ? "" : why.list[0].text);
    CLAIM(!explains || why.count == 0, "valid, but %s", why.list[0].text);
    violations_done(&why);
    return accepts;
}

bool gave_up(const struct contract *contract, const json_t *value)
{
    struct violations why;
    bool found = false;
    contract_explain(contract, value, &why);
    for (size_t i = 0; i < why.count; i++)
        found = found || strstr(why.list[i].text, "gave up") || strstr(why.list[i].text, "deep");
    violations_done(&why);
    return found;
}

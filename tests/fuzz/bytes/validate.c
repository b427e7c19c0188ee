/* SPDX-License-Identifier: Apache-2.0
 *
 * A schema and values: [schema, value, …]. What is valid stays valid, and what is not does not
 * become so, when the value is written and read again, when its members stand in another order,
 * and when the schema is written and read again.
 */
#include "json.h"

#include "document/document.h"

#include <stdlib.h>

static json_t *again(const json_t *value)
{
    AUTO(text_done) struct text out;
    struct error err;
    json_t *read = NULL;
    text_init(&out, LIMIT_FILE);
    json_write(value, &out);
    CLAIM(!out.overflowed, "what was read is too long when it is written");
    CLAIM(json_read(text_slice(&out), LIMIT_FILE, &read, &err) == ERR_OK, "%s: %s", err.text,
          text_str(&out));
    CLAIM(json_equal(value, read), "became another value: %s", text_str(&out));
    return read;
}

/* The same value with the members of its objects in the opposite order. */
static json_t *turned(json_t *value)
{
    if (json_is_array(value)) {
        json_t *copy = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(copy, turned(json_array_get(value, i)));
        return copy;
    }
    if (!json_is_object(value))
        return json_incref(value);
    size_t count = 0, room = json_object_size(value);
    AUTO(freep) const char **keys = xcalloc(room + 1, sizeof(*keys));
    const char *key;
    json_t *member;
    json_object_foreach (value, key, member)
        keys[count++] = key;
    json_t *copy = json_object();
    while (count-- > 0)
        json_object_set_new(copy, keys[count], turned(json_object_get(value, keys[count])));
    return copy;
}

static void claim_steady(const struct contract *contract, const struct contract *reread,
                         json_t *value)
{
    bool valid = claim_judgement(contract, value);
    AUTO(json_decrefp) json_t *copy = again(value), *other = turned(value);
    CLAIM(valid == claim_judgement(contract, copy), "%d; another when read again", valid);
    CLAIM(valid == claim_judgement(reread, value), "%d; another by the schema read again", valid);
    CLAIM(valid == claim_judgement(contract, other) || gave_up(contract, value) ||
              gave_up(contract, other),
          "%d; another in another order", valid);
    CLAIM(contract_equal(value, copy) && contract_equal(value, other), "no value equals itself");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json_decrefp) json_t *list = bytes_json(data, size);
    json_t *schema = json_array_get(list, 0);
    if (!schema)
        return 0;
    AUTO(contract_unrefp) struct contract *contract = bytes_contract(schema, NULL);
    if (!contract)
        return 0;
    AUTO(json_decrefp) json_t *copy = again(schema);
    AUTO(contract_unrefp) struct contract *reread = bytes_contract(copy, NULL);
    CLAIM(reread, "a schema was refused when it was read again");
    for (size_t i = 1; i < json_array_size(list); i++)
        claim_steady(contract, reread, json_array_get(list, i));
    return 0;
}

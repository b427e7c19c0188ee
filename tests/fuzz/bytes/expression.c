/* SPDX-License-Identifier: Apache-2.0
 *
 * A mapping: JSON if the bytes begin like an object or an array, else one string. It parses or is
 * refused in words; evaluated over a fixed scope it gives a value that can be written and read, or
 * an error, the same each time; and what the parser promised of it holds.
 */
#include "json.h"

#include "document/document.h"
#include "mapping/mapping.h"

#include <string.h>

static const char *const steps[] = {"plan", "search", "book-trip"};
static const struct mapping_names names = {
    .roots = ROOT_INPUT | ROOT_STEPS | ROOT_ITEM | ROOT_OUTPUT | ROOT_ERROR | ROOT_RUN,
    .steps = steps,
    .step_count = 3,
};
static const char world[] =
    "{\"input\": {\"a\": 1, \"b\": [1, 2.5, -3, null, \"x\"], \"c\": {\"d\": true, \"e f\": \"g\"},"
    " \"s\": \"a,b,\\u00e9\\ud83d\\ude00\", \"n\": [[3, 1], [2]], \"big\": 9223372036854775807},"
    " \"item\": {\"from\": \"CPH\", \"price\": 12.5}, \"output\": [{\"k\": 1}, {\"k\": 2}],"
    " \"error\": {\"kind\": \"timeout\"}, \"run\": {\"id\": \"r1\", \"started\": 1}}";

static json_t *the_world(void)
{
    static json_t *all;
    if (!all)
        all = bytes_json((const uint8_t *)world, sizeof(world) - 1);
    return all;
}

static const json_t *output_of(const void *user, size_t step, bool status)
{
    static json_t *done;
    if (!done)
        done = json_string("done");
    if (status)
        return done;
    return step == 0 ? json_object_get(user, "input") : NULL;
}

static json_t *template_of(const uint8_t *data, size_t size)
{
    if (size > 0 && (data[0] == '{' || data[0] == '['))
        return bytes_json(data, size);
    return json_stringn((const char *)data, size); /* NULL if it is not UTF-8 */
}

static void claim_value(const struct mapping *mapping, const json_t *value)
{
    AUTO(text_done) struct text out;
    AUTO(json_decrefp) json_t *read = NULL;
    struct error err = {.code = ERR_OK, .text = ""};
    text_init(&out, (size_t)64 << 20);
    json_write(value, &out);
    CLAIM(!out.overflowed, "more than 64 MiB came of it");
    CLAIM(json_read_own(text_slice(&out), &read, &err) == ERR_OK, "%s: %.200s", err.text,
          text_str(&out));
    CLAIM(contract_equal(value, read), "became another value: %.200s", text_str(&out));
    CLAIM(!mapping_is_boolean(mapping) || json_is_boolean(value), "no boolean: %.200s",
          text_str(&out));
}

static void claim_references(const struct mapping *mapping)
{
    size_t count;
    const struct mapping_reference *list = mapping_references(mapping, &count);
    for (size_t i = 0; i < count; i++) {
        CLAIM(list[i].step < names.step_count, "a step %zu", list[i].step);
        CLAIM(slice_valid_utf8(slice_of(list[i].path)), "not UTF-8: %s", list[i].path);
    }
    CLAIM((mapping_reads(mapping) & ~names.roots) == 0, "reads %x", mapping_reads(mapping));
    CLAIM(count == 0 || !mapping_is_constant(mapping), "a constant with a reference");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json_decrefp) json_t *template = template_of(data, size);
    if (!template)
        return 0;
    AUTO(mapping_freep) struct mapping *mapping = NULL;
    struct error err = {.code = ERR_OK, .text = ""}, second = err;
    enum error_code code = mapping_parse(template, &names, &mapping, &err);
    if (code != ERR_OK) {
        claim_error(code, &err);
        return 0;
    }
    claim_references(mapping);
    json_t *all = the_world();
    const struct scope scope = {.input = json_object_get(all, "input"),
                                .item = json_object_get(all, "item"),
                                .output = json_object_get(all, "output"),
                                .error = json_object_get(all, "error"),
                                .run = json_object_get(all, "run"),
                                .index = 3,
                                .step = output_of,
                                .user = all};
    AUTO(json_decrefp) json_t *value = NULL, *repeated = NULL;
    code = mapping_evaluate(mapping, &scope, &value, &err);
    CLAIM(code == mapping_evaluate(mapping, &scope, &repeated, &second), "%s, then %s", err.text,
          second.text);
    if (code == ERR_OK) {
        claim_value(mapping, value);
        CLAIM(json_equal(value, repeated), "two values of one mapping");
    } else {
        claim_error(code, &err);
        CLAIM(strcmp(err.text, second.text) == 0, "%s, then %s", err.text, second.text);
    }
    return 0;
}

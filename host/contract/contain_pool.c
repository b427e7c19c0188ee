/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of values to try blindly: a few of each type, all that the two schemas mention (in const,
 * enum, default and examples), and these as properties and items under the names that are
 * mentioned. It finds counterexamples where a rule of the search is missing; it proves nothing.
 */
#include "contract/contain_report_internal.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_MOST = 1900, MENTIONED_MOST = 100, NAMES_MOST = 40 };

struct pool {
    json_t *values;
    json_t *names; /* an object, for its keys */
    size_t at;
};

static void add(struct pool *pool, json_t *value)
{
    if (json_array_size(pool->values) < POOL_MOST)
        json_array_append(pool->values, value);
}

static void add_new(struct pool *pool, json_t *value)
{
    add(pool, value);
    json_decref(value);
}

static void add_plain(struct pool *pool)
{
    static const char *const plain[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "1",
                                        "-1",
                                        "2",
                                        "10",
                                        "0.5",
                                        "1e9",
                                        "-7.25",
                                        "\"\"",
                                        "\"a\"",
                                        "\"ab\"",
                                        "\"aaaaaaaaaaaaaaaaaaaaaaaaa\"",
                                        "\"1\"",
                                        "\"foo\"",
                                        "\"2024-01-01\"",
                                        "\"a@b.co\"",
                                        "[]",
                                        "{}",
                                        "[null]",
                                        "[1]",
                                        "[1,1]",
                                        "[1,2,3]",
                                        "[\"a\",\"b\"]",
                                        "[[]]",
                                        "[{}]",
                                        "[true,false,null,0,\"\"]",
                                        "{\"a\":1}",
                                        "{\"a\":null,\"b\":null}",
                                        "{\"\":0}"};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        add_new(pool, json_loads(plain[i], JSON_DECODE_ANY, NULL));
}

/* What a schema mentions, in any of its places. */
static void mention(struct pool *pool, const json_t *schema, int depth)
{
    static const char *const single[] = {"const", "default"}, *const many[] = {"enum", "examples"};
    struct entry e;
    if (depth > LIMIT_DEPTH || json_array_size(pool->values) >= MENTIONED_MOST)
        return;
    for (size_t i = 0; i < 2 && json_is_object(schema); i++) {
        json_t *value = json_object_get(schema, single[i]);
        const json_t *list = json_object_get(schema, many[i]);
        if (value)
            add(pool, value);
        for (size_t k = 0; k < json_array_size(list) && k < 16; k++)
            add(pool, json_array_get(list, k));
    }
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++)
        if (json_is_string(json_array_get(required, i)))
            json_object_set_new(pool->names, json_string_value(json_array_get(required, i)),
                                json_null());
    const json_t *properties = json_object_get(schema, "properties");
    if (json_is_object(properties))
        for (bool more = entry_first(properties, &e); more; more = entry_next(properties, &e))
            json_object_setn_new_nocheck(pool->names, e.key.ptr, e.key.len, json_null());
    for (size_t i = 0; i < json_array_size(schema); i++)
        mention(pool, json_array_get(schema, i), depth + 1);
    if (json_is_object(schema))
        for (bool more = entry_first(schema, &e); more; more = entry_next(schema, &e))
            mention(pool, e.value, depth + 1);
}

/* Each value as an item, and under each name. */
static void wrap(struct pool *pool)
{
    size_t count = json_array_size(pool->values), names = 0;
    struct entry e;
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_array_get(pool->values, i);
        add_new(pool, json_pack("[O]", value));
        add_new(pool, json_pack("[O, O]", value, value));
    }
    for (bool more = entry_first(pool->names, &e); more && names++ < NAMES_MOST;
         more = entry_next(pool->names, &e)) {
        for (size_t i = 0; i < count; i++) {
            json_t *object = json_object();
            json_object_setn_nocheck(object, e.key.ptr, e.key.len, json_array_get(pool->values, i));
            add_new(pool, object);
        }
    }
}

struct pool *pool_new(const struct contract *sub, const struct contract *super)
{
    struct pool *pool = xcalloc(1, sizeof(*pool));
    pool->values = json_array();
    pool->names = json_object();
    mention(pool, contract_schema(sub), 0);
    mention(pool, contract_schema(super), 0);
    add_plain(pool);
    wrap(pool);
    return pool;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    json_decref(pool->values);
    json_decref(pool->names);
    free(pool);
}

json_t *pool_next(struct pool *pool)
{
    return json_array_get(pool->values, pool->at++);
}

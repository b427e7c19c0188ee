/* SPDX-License-Identifier: Apache-2.0
 *
 * Accepting a value allocates nothing: the C library's allocator is counted here. Under sanitizers,
 * which bring their own, nothing is counted.
 */
#include "contract_test.h"

static size_t allocations;

#if !SANITIZED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

START_TEST(the_counter_counts)
{
    size_t before = allocations;
    free(xstrdup("x"));
    ck_assert(SANITIZED || allocations > before);
}
END_TEST
START_TEST(accepting_allocates_nothing)
{
    struct contract *contract = contract_of(
        "{'type': 'object', 'required': ['a'], 'propertyNames': {'pattern': '^(a|b|c|d|e|f)'}, "
        "'properties': {'a': {'type': 'array', 'uniqueItems': true, 'items': {'type': 'integer', "
        "'multipleOf': 2}}, 'b': {'oneOf': [{'type': 'string', 'format': 'date-time'}, {'type': "
        "'null'}]}, 'c': {'pattern': '^(x|yy)*z?$'}, 'd': {'enum': [1, 'x', {'a': 1}]}, 'e': "
        "{'$ref': '#/$defs/e'}}, 'unevaluatedProperties': {'type': 'boolean'}, '$defs': {'e': "
        "{'anyOf': [{'properties': {'q': true}}, {'required': ['z']}], 'unevaluatedProperties': "
        "false}}}");
    json_t *value = json_quoted("{'a': [2, 4, 6, 8, 10, 12, 14, 16, 18, 20], 'b': "
                                "'2026-11-05T13:15:00Z', 'c': 'xyyxz', 'd': {'a': 1.0}, 'e': {'q': "
                                "1}, 'f': true}");
    ck_assert(accepts_json(contract, value));
    size_t before = allocations;
    bool accepted = contract_accepts(contract, value);
    size_t after = allocations;
    ck_assert(accepted);
    ck_assert_uint_eq(after, before);
    json_decref(value);
    contract_unref(contract);
}
END_TEST

UNIT_MAIN(the_counter_counts, accepting_allocates_nothing)

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading jansson's values directly gives what its functions give, whatever has happened to them.
 */
#include "contract_test.h"

#include "contract/peek_internal.h"

static json_t *object_of(int count, const char *form)
{
    json_t *object = json_object();
    for (int i = 0; i < count; i++) {
        char *key = xasprintf(form, i);
        json_object_set_new(object, key, json_integer(i));
        free(key);
    }
    return object;
}

/* What entry_first and entry_next go through, as "key=value key=value". */
static char *entries_of(const json_t *object)
{
    struct text out;
    struct entry e;
    text_init(&out, 1u << 20);
    for (bool more = entry_first(object, &e); more; more = entry_next(object, &e))
        text_addf(&out, "%.*s=%lld ", (int)e.key.len, e.key.ptr, (long long)integer_value(e.value));
    return text_take(&out);
}

static void assert_same_both_ways(const json_t *object)
{
    size_t size = object_size(object);
    char *direct = entries_of(object);
    peek_agrees = false;
    char *asked = entries_of(object);
    ck_assert_str_eq(direct, asked);
    ck_assert_uint_eq(size, object_size(object));
    peek_agrees = true;
    free(direct);
    free(asked);
}

START_TEST(the_library_that_is_linked_is_known)
{
    peek_learn();
    /* Not a fault where it is false; but then the fast path is never tested. */
    ck_assert(peek_agrees == (strncmp(jansson_version_str(), "2.14", 4) == 0));
}
END_TEST
START_TEST(objects_are_read_as_they_are_iterated)
{
    static const char *const forms[] = {"%d", "a key of some length, number %d", "x%d"};
    peek_learn();
    for (size_t f = 0; f < 3; f++) {
        for (int count = 0; count < 70; count += 1 + count / 3) {
            json_t *object = object_of(count, forms[f]);
            assert_same_both_ways(object);
            for (int i = 0; i < count; i += 2) {
                char *key = xasprintf(forms[f], i);
                json_object_del(object, key);
                if (i % 3 == 0)
                    json_object_set_new(object, key, json_integer(-i));
                free(key);
            }
            assert_same_both_ways(object);
            json_object_clear(object);
            assert_same_both_ways(object);
            json_decref(object);
        }
    }
}
END_TEST
START_TEST(answers_are_the_same_without_it)
{
    struct contract *contract =
        contract_of("{'type': 'object', 'properties': {'a': {'items': {'type': 'integer', "
                    "'minimum': 3}}, 'b': {'enum': ['x', 'yy']}}, 'required': ['a'], "
                    "'additionalProperties': {'maxLength': 2}}");
    static const struct {
        const char *value;
        bool fits;
    } rows[] = {
        {"{'a': [3, 4], 'b': 'yy', 'c': 'zz'}", true},
        {"{'a': [3, 2], 'b': 'yy'}", false},
        {"{'a': [], 'b': 'y'}", false},
        {"{'a': [], 'c': 'zzz'}", false},
        {"{'b': 'x'}", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = json_quoted(rows[i].value);
        peek_agrees = false;
        ck_assert_int_eq(accepts_json(contract, value), rows[i].fits);
        peek_learn();
        ck_assert_int_eq(accepts_json(contract, value), rows[i].fits);
        json_decref(value);
    }
    contract_unref(contract);
}
END_TEST

UNIT_MAIN(the_library_that_is_linked_is_known, objects_are_read_as_they_are_iterated,
          answers_are_the_same_without_it)

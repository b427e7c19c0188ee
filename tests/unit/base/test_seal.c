/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed texts: opened where they were sealed, with the key, and nowhere and with nothing else.
 */
#include "base/seal.h"

#include "base/limits.h"
#include "unit.h"

#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"

static const struct slice place[] = {{"record", 6}, {"r1", 2}};

static struct seals *keys_of(const char *name, const char *secret, const struct seal **ret_seal)
{
    struct seals *keys = seals_new();
    struct error err;
    ck_assert_msg(seals_add(keys, name, slice_of(secret), ret_seal, &err) == ERR_OK, "%s",
                  err.text);
    return keys;
}

static struct text sealed_text(const struct seal *seal, struct slice text)
{
    struct text out;
    text_init(&out, SIZE_MAX / 2);
    seal_text(seal, place, 2, text, &out);
    return out;
}

static enum error_code open_at(const struct seals *keys, const struct slice *at, size_t parts,
                               struct slice sealed, struct text *out, struct error *err)
{
    text_clear(out);
    return seals_open(keys, at, parts, sealed, out, err);
}

START_TEST(what_was_sealed_is_opened)
{
    static const size_t lengths[] = {0, 1, 2, 3, 63, 64, 65, 4095, 100000};
    const struct seal *seal;
    struct seals *keys = keys_of("seal", SECRET, &seal);
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char *bytes = xmalloc(lengths[i] + 1);
        memset(bytes, (int)i, lengths[i]);
        struct slice text = {bytes, lengths[i]};
        struct text sealed = sealed_text(seal, text), other = sealed_text(seal, text);
        ck_assert_str_ne(sealed.ptr, other.ptr);
        ck_assert_msg(open_at(keys, place, 2, text_slice(&sealed), &out, &err) == ERR_OK, "%s",
                      err.text);
        ck_assert(slice_equal(text_slice(&out), text));
        text_done(&sealed);
        text_done(&other);
        free(bytes);
    }
    seals_free(keys);
}
END_TEST

START_TEST(no_bit_of_it_can_be_changed_and_no_byte_cut)
{
    const struct seal *seal;
    struct seals *keys = keys_of("seal", SECRET, &seal);
    struct text sealed = sealed_text(seal, SLICE("{\"a\":1}"));
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < sealed.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            sealed.ptr[i] = (char)(sealed.ptr[i] ^ (1 << bit));
            ck_assert_int_ne(open_at(keys, place, 2, text_slice(&sealed), &out, &err), ERR_OK);
            ck_assert_uint_eq(out.len, 0);
            sealed.ptr[i] = (char)(sealed.ptr[i] ^ (1 << bit));
        }
        ck_assert_int_ne(open_at(keys, place, 2, (struct slice){sealed.ptr, i}, &out, &err),
                         ERR_OK);
    }
    ck_assert_int_eq(open_at(keys, place, 2, text_slice(&sealed), &out, &err), ERR_OK);
    text_done(&sealed);
    seals_free(keys);
}
END_TEST

START_TEST(it_opens_in_its_own_place_alone)
{
    static const struct slice others[][2] = {{{"record", 6}, {"r2", 2}},
                                             {{"text", 4}, {"r1", 2}},
                                             {{"recordr", 7}, {"1", 1}},
                                             {{"r1", 2}, {"record", 6}}};
    const struct seal *seal;
    struct seals *keys = keys_of("seal", SECRET, &seal);
    struct text sealed = sealed_text(seal, SLICE("value"));
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(open_at(keys, others[i], 2, text_slice(&sealed), &out, &err), ERR_CORRUPT);
    ck_assert_int_eq(open_at(keys, place, 1, text_slice(&sealed), &out, &err), ERR_CORRUPT);
    text_done(&sealed);
    seals_free(keys);
}
END_TEST

START_TEST(another_key_is_told_from_it_by_name)
{
    const struct seal *seal, *other;
    struct seals *keys = keys_of("seal", SECRET, &seal);
    struct seals *wrong = keys_of("seal", "another secret, as long as the one before", &other);
    struct text sealed = sealed_text(seal, SLICE("value"));
    AUTO(text_done) struct text out;
    struct error err;
    text_init(&out, SIZE_MAX / 2);
    ck_assert_str_ne(seal_id(seal), seal_id(other));
    ck_assert_int_eq(open_at(wrong, place, 2, text_slice(&sealed), &out, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, seal_id(seal)));
    ck_assert_ptr_nonnull(strstr(err.text, seal_id(other)));
    ck_assert_int_eq(open_at(NULL, place, 2, text_slice(&sealed), &out, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, "\"seal\""));
    seals_add_missing(wrong, "seal", "it is gone");
    ck_assert_int_eq(open_at(wrong, place, 2, text_slice(&sealed), &out, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, "it is gone"));
    ck_assert_int_eq(seals_add(wrong, "older", SLICE(SECRET), &other, &err), ERR_OK);
    ck_assert_int_eq(open_at(wrong, place, 2, text_slice(&sealed), &out, &err), ERR_OK);
    text_done(&sealed);
    seals_free(keys);
    seals_free(wrong);
}
END_TEST

START_TEST(a_secret_that_could_be_guessed_is_no_key)
{
    struct seals *keys = seals_new();
    const struct seal *seal = NULL, *again = NULL;
    struct error err;
    ck_assert_int_eq(
        seals_add(keys, "s", (struct slice){SECRET, LIMIT_SEAL_SECRET_LEAST - 1}, &seal, &err),
        ERR_INPUT);
    ck_assert_ptr_null(seals_next(keys, NULL));
    ck_assert_int_eq(seals_add(keys, "s", SLICE(SECRET), &seal, &err), ERR_OK);
    ck_assert_int_eq(seals_add(keys, "t", SLICE(SECRET), &again, &err), ERR_OK);
    ck_assert_ptr_eq(seal, again);
    ck_assert_ptr_eq(seals_next(keys, NULL), seal);
    ck_assert_ptr_null(seals_next(keys, seal));
    seals_free(keys);
}
END_TEST

START_TEST(a_hash_is_the_same_under_one_key_alone)
{
    static const struct slice a[] = {{"ab", 2}, {"c", 1}}, b[] = {{"a", 1}, {"bc", 2}};
    const struct seal *seal, *other;
    struct seals *keys = keys_of("seal", SECRET, &seal);
    struct seals *wrong = keys_of("seal", "another secret, as long as the one before", &other);
    struct digest one = seal_hash(seal, a, 2), same = seal_hash(seal, a, 2),
                  parts = seal_hash(seal, b, 2), key = seal_hash(other, a, 2),
                  plain = digest_of_parts(a, 2);
    ck_assert(digest_equal(&one, &same));
    ck_assert(!digest_equal(&one, &parts));
    ck_assert(!digest_equal(&one, &key));
    ck_assert(!digest_equal(&one, &plain));
    seals_free(keys);
    seals_free(wrong);
}
END_TEST

UNIT_MAIN(what_was_sealed_is_opened, no_bit_of_it_can_be_changed_and_no_byte_cut,
          it_opens_in_its_own_place_alone, another_key_is_told_from_it_by_name,
          a_secret_that_could_be_guessed_is_no_key, a_hash_is_the_same_under_one_key_alone)

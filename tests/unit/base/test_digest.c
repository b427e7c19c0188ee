/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 against the vectors of FIPS 180-4, parts that cannot be confused, and hex.
 */
#include "unit.h"

#include "base/digest.h"

#include <sodium.h>
#include <string.h>

static void digests_to(struct slice bytes, const char *hex)
{
    char found[DIGEST_HEX_SIZE];
    struct digest d = digest_of(bytes);
    digest_hex(&d, found);
    ck_assert_str_eq(found, hex);
}

START_TEST(the_published_vectors_hold)
{
    digests_to(SLICE(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digests_to((struct slice){NULL, 0},
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digests_to(SLICE("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digests_to(SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    digests_to(SLICE("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
               "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}
END_TEST

START_TEST(a_million_bytes_hold)
{
    size_t length = 1000000;
    AUTO(freep) char *bytes = xmalloc(length);
    memset(bytes, 'a', length);
    digests_to((struct slice){bytes, length},
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(parts_are_hashed_behind_their_lengths)
{
    const struct slice parts[] = {SLICE("ab"), SLICE(""), SLICE("c")};
    struct digest d = digest_of_parts(parts, 3);
    struct digest same = digest_of(SLICE("\2\0\0\0\0\0\0\0ab"
                                         "\0\0\0\0\0\0\0\0"
                                         "\1\0\0\0\0\0\0\0c"));
    ck_assert(digest_equal(&d, &same));
    struct digest none = digest_of_parts(NULL, 0), empty = digest_of(SLICE(""));
    ck_assert(digest_equal(&none, &empty));
}
END_TEST

START_TEST(a_long_part_has_its_length_little_end_first)
{
    static char bytes[0x10203 + 8] = "\x03\x02\x01\0\0\0\0\0";
    struct digest d = digest_of_parts(&(struct slice){bytes + 8, 0x10203}, 1);
    struct digest same = digest_of((struct slice){bytes, sizeof(bytes)});
    ck_assert(digest_equal(&d, &same));
}
END_TEST

START_TEST(parts_that_join_to_the_same_bytes_differ)
{
    struct digest one = digest_of_parts((const struct slice[]){SLICE("ab"), SLICE("c")}, 2);
    struct digest two = digest_of_parts((const struct slice[]){SLICE("a"), SLICE("bc")}, 2);
    struct digest three = digest_of_parts((const struct slice[]){SLICE("abc")}, 1);
    struct digest four = digest_of_parts((const struct slice[]){SLICE("abc"), SLICE("")}, 2);
    ck_assert(!digest_equal(&one, &two));
    ck_assert(!digest_equal(&one, &three));
    ck_assert(!digest_equal(&three, &four));
}
END_TEST

/* Beside libsodium, which never uses the processor's own instructions. */
START_TEST(every_length_and_every_cut_is_hashed_alike)
{
    enum { LONGEST = 300 };
    static unsigned char bytes[8 + LONGEST];
    for (size_t i = 0; i < LONGEST; i++)
        bytes[8 + i] = (unsigned char)(i * 7 + i / 64);
    for (size_t len = 0; len <= LONGEST; len++) {
        struct digest whole = digest_of((struct slice){(char *)bytes + 8, len}), expected;
        crypto_hash_sha256(expected.bytes, bytes + 8, len);
        ck_assert(digest_equal(&whole, &expected));
    }
    for (size_t cut = 0; cut <= LONGEST; cut++) {
        const struct slice parts[] = {{(char *)bytes + 8, cut},
                                      {(char *)bytes + 8 + cut, LONGEST - cut}};
        struct digest found = digest_of_parts(parts, 2), expected;
        crypto_hash_sha256_state state;
        crypto_hash_sha256_init(&state);
        for (int i = 0; i < 2; i++) {
            unsigned char length[8] = {(unsigned char)parts[i].len,
                                       (unsigned char)(parts[i].len >> 8)};
            crypto_hash_sha256_update(&state, length, 8);
            crypto_hash_sha256_update(&state, (const unsigned char *)parts[i].ptr, parts[i].len);
        }
        crypto_hash_sha256_final(&state, expected.bytes);
        ck_assert(digest_equal(&found, &expected));
    }
}
END_TEST

START_TEST(hex_reads_back)
{
    char hex[DIGEST_HEX_SIZE];
    struct digest d = digest_of(SLICE("abc")), again = {{0}};
    digest_hex(&d, hex);
    ck_assert_uint_eq(strlen(hex), DIGEST_SIZE * 2);
    ck_assert(digest_from_hex(slice_of(hex), &again));
    ck_assert(digest_equal(&d, &again));
}
END_TEST

START_TEST(what_is_no_hex_of_a_digest_is_refused_and_changes_nothing)
{
    char hex[DIGEST_HEX_SIZE + 1];
    struct digest d = digest_of(SLICE("abc")), kept = d;
    digest_hex(&d, hex);
    ck_assert(!digest_from_hex((struct slice){hex, 63}, &kept));
    hex[64] = '0';
    ck_assert(!digest_from_hex((struct slice){hex, 65}, &kept));
    ck_assert(!digest_from_hex((struct slice){NULL, 0}, &kept));
    hex[10] = 'g';
    ck_assert(!digest_from_hex((struct slice){hex, 64}, &kept));
    hex[10] = ' ';
    ck_assert(!digest_from_hex((struct slice){hex, 64}, &kept));
    hex[10] = '\0';
    ck_assert(!digest_from_hex((struct slice){hex, 64}, &kept));
    ck_assert(digest_equal(&d, &kept));
}
END_TEST

UNIT_MAIN(the_published_vectors_hold, a_million_bytes_hold, parts_are_hashed_behind_their_lengths,
          a_long_part_has_its_length_little_end_first, parts_that_join_to_the_same_bytes_differ,
          every_length_and_every_cut_is_hashed_alike, hex_reads_back,
          what_is_no_hex_of_a_digest_is_refused_and_changes_nothing)

/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 over length-prefixed parts. libsodium's hash functions need no sodium_init().
 */
#include "base/digest.h"

#include <sodium.h>
#include <string.h>

struct digest digest_of(struct slice bytes)
{
    struct digest d;
    crypto_hash_sha256(d.bytes, (const unsigned char *)bytes.ptr, bytes.len);
    return d;
}

struct digest digest_of_parts(const struct slice *parts, size_t count)
{
    struct digest d;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count; i++) {
        unsigned char length[8];
        for (int b = 0; b < 8; b++)
            length[b] = (unsigned char)((uint64_t)parts[i].len >> (8 * b));
        crypto_hash_sha256_update(&state, length, sizeof(length));
        crypto_hash_sha256_update(&state, (const unsigned char *)parts[i].ptr, parts[i].len);
    }
    crypto_hash_sha256_final(&state, d.bytes);
    return d;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

void digest_hex(const struct digest *d, char ret_hex[static DIGEST_HEX_SIZE])
{
    sodium_bin2hex(ret_hex, DIGEST_HEX_SIZE, d->bytes, DIGEST_SIZE);
}

bool digest_from_hex(struct slice hex, struct digest *ret_digest)
{
    size_t length = 0;
    struct digest d;
    if (hex.len != DIGEST_SIZE * 2 ||
        sodium_hex2bin(d.bytes, DIGEST_SIZE, hex.ptr, hex.len, NULL, &length, NULL) != 0 ||
        length != DIGEST_SIZE)
        return false;
    *ret_digest = d;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 over length-prefixed parts, by the processor where it can and by libsodium where not.
 * libsodium's hash functions need no sodium_init().
 */
#include "base/digest.h"

#include "base/sha256_internal.h"

#include <sodium.h>
#include <string.h>

/* ---- the stream: blocks go to whoever mixes them ---- */

struct stream {
    bool hardware;
    crypto_hash_sha256_state sodium;
    /* by hardware */
    uint32_t state[8];
    unsigned char block[SHA256_BLOCK]; /* its first `length % SHA256_BLOCK` bytes are waiting */
    uint64_t length;
};

static void stream_init(struct stream *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    s->hardware = sha256_has_hardware();
    s->length = 0;
    if (s->hardware)
        memcpy(s->state, start, sizeof(start));
    else
        crypto_hash_sha256_init(&s->sodium);
}

static void stream_add(struct stream *s, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    if (len == 0)
        return;
    if (!s->hardware) {
        crypto_hash_sha256_update(&s->sodium, from, len);
        return;
    }
    size_t held = s->length % SHA256_BLOCK;
    s->length += len;
    if (held > 0) {
        size_t more = len < SHA256_BLOCK - held ? len : SHA256_BLOCK - held;
        memcpy(s->block + held, from, more);
        if (held + more < SHA256_BLOCK)
            return;
        sha256_mix(s->state, s->block, 1);
        from += more;
        len -= more;
    }
    sha256_mix(s->state, from, len / SHA256_BLOCK);
    memcpy(s->block, from + len - len % SHA256_BLOCK, len % SHA256_BLOCK);
}

static void put_big_end_first(unsigned char *to, uint64_t number, int size)
{
    for (int i = size - 1; i >= 0; i--, number >>= 8)
        to[i] = (unsigned char)number;
}

/* A one, zeros, and the length in bits, up to the end of a block. */
static struct digest stream_end(struct stream *s)
{
    struct digest d;
    if (!s->hardware) {
        crypto_hash_sha256_final(&s->sodium, d.bytes);
        return d;
    }
    unsigned char end[SHA256_BLOCK + 8] = {0x80};
    uint64_t bits = s->length * 8;
    size_t zeros = (2 * SHA256_BLOCK - 9 - s->length % SHA256_BLOCK) % SHA256_BLOCK;
    put_big_end_first(end + 1 + zeros, bits, 8);
    stream_add(s, end, 1 + zeros + 8);
    for (int i = 0; i < 8; i++)
        put_big_end_first(d.bytes + 4 * i, s->state[i], 4);
    return d;
}

/* ---- digests ---- */

struct digest digest_of(struct slice bytes)
{
    struct stream s;
    stream_init(&s);
    stream_add(&s, bytes.ptr, bytes.len);
    return stream_end(&s);
}

struct digest digest_of_parts(const struct slice *parts, size_t count)
{
    struct stream s;
    stream_init(&s);
    for (size_t i = 0; i < count; i++) {
        unsigned char length[8];
        for (int b = 0; b < 8; b++)
            length[b] = (unsigned char)((uint64_t)parts[i].len >> (8 * b));
        stream_add(&s, length, sizeof(length));
        stream_add(&s, parts[i].ptr, parts[i].len);
    }
    return stream_end(&s);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

void digest_hex(const struct digest *d, char ret_hex[static DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        ret_hex[2 * i] = digits[d->bytes[i] >> 4];
        ret_hex[2 * i + 1] = digits[d->bytes[i] & 15];
    }
    ret_hex[DIGEST_HEX_SIZE - 1] = '\0';
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * The compression of SHA-256 (FIPS 180-4, section 6.2) by the SHA instructions of x86-64. Every
 * byte of a journal is hashed into its run's chain, and in plain C that is most of the work of
 * writing it: libsodium has no code for these instructions, which are five times as fast. On other
 * processors libsodium does all of it.
 *
 * The instructions want the eight words of the state as two vectors, A B E F and C D G H.
 */
#include "base/sha256_internal.h"

#include "base/error.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define BY_HARDWARE __attribute__((target("sha,ssse3,sse4.1")))

struct halves {
    __m128i abef, cdgh;
};

bool sha256_has_hardware(void)
{
    static int known; /* 0 = not asked yet; threads that ask at once find the same */
    int has = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (has == 0) {
        unsigned a, b, c, d, unused;
        bool vectors =
            __get_cpuid(1, &a, &unused, &c, &d) && (c & bit_SSSE3) != 0 && (c & bit_SSE4_1) != 0;
        bool sha = __get_cpuid_count(7, 0, &a, &b, &unused, &d) && (b & bit_SHA) != 0;
        has = vectors && sha ? 1 : -1;
        __atomic_store_n(&known, has, __ATOMIC_RELAXED);
    }
    return has > 0;
}

BY_HARDWARE static inline struct halves halves_of(const uint32_t state[static 8])
{
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    return (struct halves){_mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xF0)};
}

BY_HARDWARE static inline void halves_store(struct halves h, uint32_t ret_state[static 8])
{
    __m128i feba = _mm_shuffle_epi32(h.abef, 0x1B), dchg = _mm_shuffle_epi32(h.cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)ret_state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(ret_state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

BY_HARDWARE static inline void four_rounds(struct halves *h, __m128i words, const uint32_t *k)
{
    __m128i sum = _mm_add_epi32(words, _mm_loadu_si128((const __m128i *)k));
    h->cdgh = _mm_sha256rnds2_epu32(h->cdgh, h->abef, sum);
    h->abef = _mm_sha256rnds2_epu32(h->abef, h->cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

/* Four words of the schedule from the sixteen before them. */
BY_HARDWARE static inline __m128i next_words(__m128i a, __m128i b, __m128i c, __m128i d)
{
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));
    return _mm_sha256msg2_epu32(sum, d);
}

BY_HARDWARE static inline __m128i load_words(const unsigned char *from)
{
    const __m128i big_end_first = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)from), big_end_first);
}

BY_HARDWARE static struct halves mix(struct halves h, const unsigned char *block)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    __m128i a = load_words(block), b = load_words(block + 16);
    __m128i c = load_words(block + 32), d = load_words(block + 48);
    for (int round = 0;; round += 16) {
        four_rounds(&h, a, k + round);
        four_rounds(&h, b, k + round + 4);
        four_rounds(&h, c, k + round + 8);
        four_rounds(&h, d, k + round + 12);
        if (round == 48)
            return h;
        a = next_words(a, b, c, d);
        b = next_words(b, c, d, a);
        c = next_words(c, d, a, b);
        d = next_words(d, a, b, c);
    }
}

BY_HARDWARE void sha256_mix(uint32_t state[static 8], const unsigned char *blocks, size_t count)
{
    struct halves h = halves_of(state);
    for (; count > 0; count--, blocks += SHA256_BLOCK) {
        struct halves mixed = mix(h, blocks);
        h.abef = _mm_add_epi32(h.abef, mixed.abef);
        h.cdgh = _mm_add_epi32(h.cdgh, mixed.cdgh);
    }
    halves_store(h, state);
}

#else

bool sha256_has_hardware(void)
{
    return false;
}

void sha256_mix(uint32_t state[static 8], const unsigned char *blocks, size_t count)
{
    (void)state, (void)blocks, (void)count;
    UNREACHABLE("there is no hardware for SHA-256");
}

#endif

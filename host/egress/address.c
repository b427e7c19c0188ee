/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses are not of the public internet (the special-purpose registries of IANA, RFC 6890
 * and its successors). What is not known to be public is private: of IPv6 only 2000::/3, less its
 * exceptions, is public; an address of another family is private.
 */
#include "egress/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool ipv4_private(uint32_t address)
{
    static const struct {
        uint32_t network;
        int bits;
    } ranges[] = {
        {0x00000000, 8},  /* this network */
        {0x0A000000, 8},  /* private */
        {0x64400000, 10}, /* shared by carriers */
        {0x7F000000, 8},  /* loopback */
        {0xA9FE0000, 16}, /* link-local, and the metadata services of clouds */
        {0xAC100000, 12}, /* private */
        {0xC0000000, 24}, /* protocol assignments */
        {0xC0000200, 24}, /* documentation */
        {0xC0586300, 24}, /* 6to4 relays */
        {0xC0A80000, 16}, /* private */
        {0xC6120000, 15}, /* benchmarks */
        {0xC6336400, 24}, /* documentation */
        {0xCB007100, 24}, /* documentation */
        {0xE0000000, 4},  /* multicast */
        {0xF0000000, 4},  /* reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if ((address ^ ranges[i].network) >> (32 - ranges[i].bits) == 0)
            return true;
    return false;
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool starts(const uint8_t address[16], const uint8_t *prefix, size_t bytes)
{
    return memcmp(address, prefix, bytes) == 0;
}

static bool ipv6_private(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
    static const uint8_t six_to_four[2] = {0x20, 0x02};
    static const uint8_t documentation[4] = {0x20, 0x01, 0x0D, 0xB8};
    if (starts(address, mapped, 12) || starts(address, nat64, 12))
        return ipv4_private(big_endian(address + 12));
    if (starts(address, six_to_four, 2))
        return ipv4_private(big_endian(address + 2));
    if (address[0] >> 5 != 1)
        return true;
    /* 2001:0000::/23, protocol assignments, Teredo among them; 3fff::/20, documentation. */
    return (address[0] == 0x20 && address[1] == 0x01 && address[2] < 2) ||
           starts(address, documentation, 4) ||
           (address[0] == 0x3F && address[1] == 0xFF && address[2] >> 4 == 0);
}

bool egress_address_is_private(const struct sockaddr *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    switch (address->sa_family) {
    case AF_INET:
        memcpy(&in, address, sizeof(in));
        return ipv4_private(ntohl(in.sin_addr.s_addr));
    case AF_INET6:
        memcpy(&in6, address, sizeof(in6));
        return ipv6_private(in6.sin6_addr.s6_addr);
    default:
        return true;
    }
}

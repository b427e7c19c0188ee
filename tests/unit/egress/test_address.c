/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses are private: the first and last of each range, and their neighbours.
 */
#include "unit.h"

#include "egress/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static bool is_private(const char *words)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, words, &in.sin_addr) == 1)
        return egress_address_is_private((struct sockaddr *)&in);
    ck_assert_msg(inet_pton(AF_INET6, words, &in6.sin6_addr) == 1, "%s", words);
    return egress_address_is_private((struct sockaddr *)&in6);
}

static void all_are(bool expected, const char *const *words)
{
    for (; *words; words++)
        ck_assert_msg(is_private(*words) == expected, "%s", *words);
}

START_TEST(special_ipv4_addresses_are_private)
{
    all_are(true, (const char *const[]){"0.0.0.0",
                                        "0.255.255.255",
                                        "10.0.0.0",
                                        "10.255.255.255",
                                        "100.64.0.0",
                                        "100.127.255.255",
                                        "127.0.0.1",
                                        "127.255.255.255",
                                        "169.254.169.254",
                                        "172.16.0.0",
                                        "172.31.255.255",
                                        "192.0.0.8",
                                        "192.0.2.1",
                                        "192.88.99.1",
                                        "192.168.0.0",
                                        "192.168.255.255",
                                        "198.18.0.0",
                                        "198.19.255.255",
                                        "198.51.100.7",
                                        "203.0.113.7",
                                        "224.0.0.1",
                                        "239.255.255.255",
                                        "240.0.0.1",
                                        "255.255.255.255",
                                        NULL});
}
END_TEST

START_TEST(their_neighbours_are_public)
{
    all_are(false, (const char *const[]){"1.0.0.0",        "9.255.255.255",   "11.0.0.0",
                                         "100.63.255.255", "100.128.0.0",     "126.255.255.255",
                                         "128.0.0.0",      "169.253.255.255", "169.255.0.0",
                                         "172.15.255.255", "172.32.0.0",      "192.0.1.0",
                                         "192.0.3.0",      "192.167.255.255", "192.169.0.0",
                                         "198.17.255.255", "198.20.0.0",      "223.255.255.255",
                                         "8.8.8.8",        "192.88.98.255",   NULL});
}
END_TEST

START_TEST(special_ipv6_addresses_are_private)
{
    all_are(true, (const char *const[]){"::", "::1", "::127.0.0.1", "100::1", "2001::1",
                                        "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1",
                                        "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1",
                                        "ff02::1", "4000::1", "1fff::1", "64:ff9b:1::1", NULL});
}
END_TEST

START_TEST(global_ipv6_addresses_are_public)
{
    all_are(false,
            (const char *const[]){"2000::1", "2001:200::1", "2001:4860:4860::8888",
                                  "2606:4700::1111", "2a00::1", "3ffe::1", "3fff:1000::1", NULL});
}
END_TEST

START_TEST(the_ipv4_address_inside_decides)
{
    all_are(true,
            (const char *const[]){"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::169.254.169.254",
                                  "2002:7f00:1::", "2002:a9fe:a9fe::1", NULL});
    all_are(false,
            (const char *const[]){"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", NULL});
}
END_TEST

START_TEST(another_family_is_private)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    ck_assert(egress_address_is_private((struct sockaddr *)&un));
}
END_TEST

UNIT_MAIN(special_ipv4_addresses_are_private, their_neighbours_are_public,
          special_ipv6_addresses_are_private, global_ipv6_addresses_are_public,
          the_ipv4_address_inside_decides, another_family_is_private)

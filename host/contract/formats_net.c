/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses: IPv4 in its one spelling, IPv6 of RFC 4291, and mailboxes of RFC 5321 and 6531.
 */
#include "contract/formats_internal.h"

#include <string.h>

enum { LOCAL_MAX = 64 };

bool format_ipv4(struct slice s)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        size_t start = at;
        int number = 0;
        for (; at < s.len && ascii_digit(s.ptr[at]) && at - start < 3; at++)
            number = number * 10 + (s.ptr[at] - '0');
        if (at == start || number > 255 || (at - start > 1 && s.ptr[start] == '0'))
            return false;
        if (part < 3 && (at == s.len || s.ptr[at++] != '.'))
            return false;
    }
    return at == s.len;
}

bool format_ipv6(struct slice s)
{
    size_t at = 0, groups = 0;
    bool gap = false;
    if (slice_starts(s, ":") && !slice_starts(s, "::"))
        return false;
    while (at < s.len) {
        size_t digits = 0;
        if (s.ptr[at] == ':' && at + 1 < s.len && s.ptr[at + 1] == ':') {
            if (gap)
                return false;
            gap = true;
            at += 2;
            continue;
        }
        if (groups > 0 && s.ptr[at] == ':' && s.ptr[at - 1] != ':')
            at++;
        while (at + digits < s.len && digits < 5 && ascii_hex(s.ptr[at + digits]))
            digits++;
        if (at + digits < s.len && s.ptr[at + digits] == '.') {
            groups += 2;
            at += format_ipv4((struct slice){s.ptr + at, s.len - at}) ? s.len - at : 0;
            break;
        }
        if (digits == 0 || digits > 4)
            return false;
        groups++;
        at += digits;
        if (at < s.len && s.ptr[at] != ':')
            return false;
    }
    return at == s.len && (gap ? groups < 8 : groups == 8);
}

static bool atom_character(char c, bool international)
{
    return ascii_letter(c) || ascii_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c)) ||
           (international && (unsigned char)c >= 0x80);
}

static bool dotted_atoms(struct slice s, bool international)
{
    for (size_t i = 0; i < s.len; i++) {
        bool dot = s.ptr[i] == '.' && i > 0 && i + 1 < s.len && s.ptr[i - 1] != '.';
        if (!dot && !atom_character(s.ptr[i], international))
            return false;
    }
    return s.len > 0;
}

/* The length of a quoted local part with its quotes, or 0. */
static size_t quoted_length(struct slice s, bool international)
{
    for (size_t i = 1; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"')
            return i + 1;
        if (c == '\\')
            c = ++i < s.len ? (unsigned char)s.ptr[i] : 0;
        if (c < 0x20 || c == 0x7F || (c >= 0x80 && !international))
            return 0;
    }
    return 0;
}

static bool mail_domain(struct slice s, bool international)
{
    if (s.len < 2 || s.ptr[0] != '[')
        return international ? format_idn_hostname(s) : format_hostname(s);
    struct slice inner = {s.ptr + 1, s.len - 2};
    if (s.ptr[s.len - 1] != ']')
        return false;
    if (slice_starts(inner, "IPv6:"))
        return format_ipv6((struct slice){inner.ptr + 5, inner.len - 5});
    return format_ipv4(inner);
}

static bool mailbox(struct slice s, bool international)
{
    bool quoted = slice_starts(s, "\"");
    size_t at = quoted ? quoted_length(s, international) : 0;
    while (!quoted && at < s.len && s.ptr[at] != '@')
        at++;
    if (at == 0 || at >= s.len || s.ptr[at] != '@' || at > LOCAL_MAX)
        return false;
    struct slice local = {s.ptr, at}, domain = {s.ptr + at + 1, s.len - at - 1};
    return (quoted || dotted_atoms(local, international)) && mail_domain(domain, international);
}

bool format_email(struct slice s)
{
    return mailbox(s, false);
}

bool format_idn_email(struct slice s)
{
    return mailbox(s, true);
}

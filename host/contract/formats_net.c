/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and addresses of the network: IPv4 in its one spelling, IPv6 of RFC 4291, hosts of RFC 1123
 * with the labels of IDNA 2008 (by libidn2, which knows the tables of Unicode), and mailboxes of
 * RFC 5321 and 6531.
 */
#include "contract/formats_internal.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 63, HOST_MAX = 253, HOST_IDN_MAX = 1024, LOCAL_MAX = 64 };

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

/* The label in IDNA 2008, whether spelled in Unicode or as xn--…. */
static bool idn_label(struct slice label)
{
    char *text = xstrndup(label.ptr, label.len);
    char *unicode = NULL, *ascii = NULL;
    bool alabel = label.len >= 4 && strncasecmp(text, "xn--", 4) == 0;
    int flags = IDN2_NFC_INPUT | IDN2_NO_TR46 | IDN2_ALABEL_ROUNDTRIP;
    bool fits = strlen(text) == label.len;
    if (fits && alabel)
        fits = idn2_to_unicode_8z8z(text, &unicode, IDN2_NO_TR46) == IDN2_OK &&
               strcmp(unicode, text) != 0;
    if (fits)
        fits = idn2_register_u8(alabel ? (const uint8_t *)unicode : (const uint8_t *)text,
                                alabel ? (const uint8_t *)text : NULL, (uint8_t **)&ascii,
                                flags & IDN2_NFC_INPUT) == IDN2_OK &&
               strlen(ascii) <= LABEL_MAX;
    idn2_free(unicode);
    idn2_free(ascii);
    free(text);
    return fits;
}

static bool ascii_label(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!ascii_letter(label.ptr[i]) && !ascii_digit(label.ptr[i]) && label.ptr[i] != '-')
            return false;
    if (label.len < 4 || label.ptr[2] != '-' || label.ptr[3] != '-')
        return true;
    return idn_label(label);
}

static bool any_label(struct slice label)
{
    for (size_t i = 0; i < label.len; i++)
        if ((unsigned char)label.ptr[i] >= 0x80)
            return idn_label(label);
    return ascii_label(label);
}

/* The length of a separator of labels at `at`: a dot, or for IDNA one of three others. */
static size_t separator(struct slice s, size_t at, bool international)
{
    static const char *const others[] = {"\xE3\x80\x82", "\xEF\xBC\x8E", "\xEF\xBD\xA1"};
    struct slice rest = {s.ptr + at, s.len - at};
    if (rest.ptr[0] == '.')
        return 1;
    for (size_t i = 0; international && i < 3; i++)
        if (slice_starts(rest, others[i]))
            return 3;
    return 0;
}

static bool labels(struct slice s, bool international)
{
    size_t start = 0;
    for (size_t at = 0; at <= s.len;) {
        size_t length = at < s.len ? separator(s, at, international) : 1;
        if (length == 0) {
            at++;
            continue;
        }
        struct slice label = {s.ptr + start, at - start};
        if (!(international ? any_label(label) : ascii_label(label)))
            return false;
        start = at += length;
    }
    return true;
}

bool format_hostname(struct slice s)
{
    return s.len <= HOST_MAX && labels(s, false);
}

bool format_idn_hostname(struct slice s)
{
    return s.len <= HOST_IDN_MAX && labels(s, true);
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

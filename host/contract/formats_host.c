/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of hosts: RFC 1123, and the labels of IDNA 2008 spelled in Unicode or as xn--…. libidn2
 * knows the tables of Unicode and judges a label by itself; what a right-to-left label asks of the
 * others beside it (RFC 5893) is judged here.
 */
#include "contract/formats_internal.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 63, HOST_MAX = 253, HOST_UNICODE_MAX = 1024 };

struct host {
    size_t length; /* in ASCII, with a dot behind each label */
    bool right_to_left, digit_first;
};

static uint32_t next_character(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t character = length == 1 ? p[0] : p[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        character = character << 6 | (p[i] & 0x3F);
    *text += length;
    return character;
}

static bool within(uint32_t character, uint32_t first, uint32_t last)
{
    return character >= first && character <= last;
}

static bool is_right_to_left(uint32_t c)
{
    return within(c, 0x0590, 0x08FF) || within(c, 0xFB1D, 0xFDFF) || within(c, 0xFE70, 0xFEFF) ||
           within(c, 0x10800, 0x10FFF) || within(c, 0x1E800, 0x1EFFF);
}

/* A label that libidn2 accepts; European and Arabic digits do not mix. */
static bool note_label(const char *label, struct host *host)
{
    bool european = false, arabic = false, rtl = false;
    host->digit_first |= ascii_digit(label[0]);
    while (*label) {
        uint32_t c = next_character(&label);
        european |= within(c, '0', '9') || within(c, 0x06F0, 0x06F9);
        arabic |= within(c, 0x0660, 0x0669);
        rtl |= is_right_to_left(c) && !within(c, 0x06F0, 0x06F9);
    }
    host->right_to_left |= rtl;
    return !(rtl && european && arabic);
}

/* Registers the label, as IDNA calls its strictest check; *ret_unicode is the caller's to free. */
static bool register_label(const char *label, bool ascii, char **ret_unicode, size_t *ret_length)
{
    uint8_t *registered = NULL;
    char *unicode = NULL;
    if (!ascii)
        unicode = xstrdup(label);
    else if (idn2_to_unicode_8z8z(label, &unicode, IDN2_NO_TR46) != IDN2_OK ||
             strcmp(unicode, label) == 0) {
        idn2_free(unicode);
        return false;
    }
    int answer = idn2_register_u8((const uint8_t *)unicode, ascii ? (const uint8_t *)label : NULL,
                                  &registered, IDN2_NFC_INPUT);
    if (answer == IDN2_OK)
        *ret_length = strlen((const char *)registered);
    idn2_free(registered);
    if (answer != IDN2_OK || *ret_length > LABEL_MAX) {
        free(unicode);
        return false;
    }
    *ret_unicode = unicode;
    return true;
}

static bool idn_label(struct slice slice, struct host *host)
{
    AUTO(freep) char *label = xstrndup(slice.ptr, slice.len);
    AUTO(freep) char *unicode = NULL;
    size_t length = 0;
    bool ascii = slice.len >= 4 && strncasecmp(label, "xn--", 4) == 0;
    if (strlen(label) != slice.len || !register_label(label, ascii, &unicode, &length))
        return false;
    host->length += length + 1;
    return note_label(unicode, host);
}

static bool ascii_label(struct slice label, struct host *host)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!ascii_letter(label.ptr[i]) && !ascii_digit(label.ptr[i]) && label.ptr[i] != '-')
            return false;
    if (label.len >= 4 && label.ptr[2] == '-' && label.ptr[3] == '-')
        return idn_label(label, host);
    host->length += label.len + 1;
    host->digit_first |= ascii_digit(label.ptr[0]);
    return true;
}

static bool any_label(struct slice label, struct host *host)
{
    for (size_t i = 0; i < label.len; i++)
        if ((unsigned char)label.ptr[i] >= 0x80)
            return slice_valid_utf8(label) && idn_label(label, host);
    return ascii_label(label, host);
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
    struct host host = {0};
    size_t start = 0;
    for (size_t at = 0; at <= s.len;) {
        size_t length = at < s.len ? separator(s, at, international) : 1;
        if (length == 0) {
            at++;
            continue;
        }
        struct slice label = {s.ptr + start, at - start};
        if (!(international ? any_label(label, &host) : ascii_label(label, &host)))
            return false;
        start = at += length;
    }
    return host.length - 1 <= HOST_MAX && !(host.right_to_left && host.digit_first);
}

bool format_hostname(struct slice s)
{
    return s.len <= HOST_MAX && labels(s, false);
}

bool format_idn_hostname(struct slice s)
{
    return s.len <= HOST_UNICODE_MAX && labels(s, true);
}

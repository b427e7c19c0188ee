/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats, and those too small for a file of their own. The table is in the order of
 * the specification.
 */
#include "contract/formats_internal.h"

#include "base/units.h"
#include "contract/regex_internal.h"

static bool format_uuid(struct slice s)
{
    if (s.len != 36)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? s.ptr[i] != '-' : !ascii_hex(s.ptr[i]))
            return false;
    }
    return true;
}

static bool format_json_pointer(struct slice s)
{
    if (s.len > 0 && s.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '~' && (i + 1 == s.len || (s.ptr[i + 1] != '0' && s.ptr[i + 1] != '1')))
            return false;
    return true;
}

static bool format_relative_json_pointer(struct slice s)
{
    size_t digits = 0;
    while (digits < s.len && ascii_digit(s.ptr[digits]))
        digits++;
    if (digits == 0 || (digits > 1 && s.ptr[0] == '0'))
        return false;
    struct slice rest = {s.ptr + digits, s.len - digits};
    return slice_is(rest, "#") || format_json_pointer(rest);
}

static bool format_regex(struct slice s)
{
    return ecma_translate(s, NULL, NULL) == ERR_OK;
}

static const struct format formats[] = {
    {"date-time", format_date_time, "2026-11-05T13:15:00Z"},
    {"date", format_date, "2026-11-05"},
    {"time", format_time, "13:15:00Z"},
    {"duration", format_duration, "P1DT12H"},
    {"email", format_email, "ann@example.com"},
    {"idn-email", format_idn_email, "ann@bücher.example"},
    {"hostname", format_hostname, "www.example.com"},
    {"idn-hostname", format_idn_hostname, "bücher.example"},
    {"ipv4", format_ipv4, "192.0.2.1"},
    {"ipv6", format_ipv6, "2001:db8::1"},
    {"uri", format_uri, "https://example.com/a?b#c"},
    {"uri-reference", format_uri_reference, "/a?b#c"},
    {"iri", format_iri, "https://example.com/ä"},
    {"iri-reference", format_iri_reference, "/ä"},
    {"uuid", format_uuid, "123e4567-e89b-12d3-a456-426614174000"},
    {"uri-template", format_uri_template, "https://example.com/{id}"},
    {"json-pointer", format_json_pointer, "/a/0"},
    {"relative-json-pointer", format_relative_json_pointer, "1/a"},
    {"regex", format_regex, "^[a-z]+$"},
};
enum { FORMAT_COUNT = sizeof(formats) / sizeof(formats[0]) };

const struct format *format_find(struct slice name)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (slice_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}

const char *format_suggest(struct slice name)
{
    const char *names[FORMAT_COUNT];
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        names[i] = formats[i].name;
    return suggest(name, names, FORMAT_COUNT);
}

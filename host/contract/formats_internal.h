/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats of `format`, by name. Each is a function of the string alone.
 */
#ifndef CONTRACT_FORMATS_INTERNAL_H
#define CONTRACT_FORMATS_INTERNAL_H

#include "base/text.h"

struct format {
    const char *name;
    bool (*fits)(struct slice s);
    const char *like; /* an example, for messages */
};

/* NULL if there is none of that name. */
const struct format *format_find(struct slice name);
const char *format_suggest(struct slice name);

bool format_date(struct slice s);
bool format_time(struct slice s);
bool format_date_time(struct slice s);
bool format_duration(struct slice s);

bool format_ipv4(struct slice s);
bool format_ipv6(struct slice s);
bool format_hostname(struct slice s);
bool format_idn_hostname(struct slice s);
bool format_email(struct slice s);
bool format_idn_email(struct slice s);

bool format_uri(struct slice s);
bool format_uri_reference(struct slice s);
bool format_iri(struct slice s);
bool format_iri_reference(struct slice s);
bool format_uri_template(struct slice s);

/* What several formats share: ASCII without a locale. */
static inline bool ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_hex(char c)
{
    return ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

#endif

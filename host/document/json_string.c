/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings of JSON. Most are short and plain: they are looked through eight bytes at a time and
 * handed on as they lie in the text, without a copy. UTF-8 is checked on the way, so that it is
 * never checked again. Only a string with an escape is put together anew.
 */
#include "document/bytes_internal.h"
#include "document/json_internal.h"

#include <string.h>

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte that is a quote, a backslash, a control character or not ASCII. */
static const char *plain_end(const char *at, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (uint64_t word; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        uint64_t ends = bytes_equal(word, '"') | bytes_equal(word, '\\') | bytes_below(word, 0x20) |
                        (word & bytes_repeated(0x80));
        if (ends)
            return at + __builtin_ctzll(ends) / 8;
    }
#endif
    while (at < end && is_plain((unsigned char)*at))
        at++;
    return at;
}

/* Behind the characters beyond ASCII that stand here, as far as they are UTF-8: by the table of RFC
 * 3629, section 4. */
static const char *wide_end(const char *from, const char *end)
{
    const unsigned char *at = (const unsigned char *)from, *last = (const unsigned char *)end;
    while (at < last && *at >= 0x80) {
        unsigned char lead = *at;
        unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        ptrdiff_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (lead < 0xC2 || lead > 0xF4 || last - at < length || at[1] < low || at[1] > high ||
            (length > 2 && (at[2] & 0xC0) != 0x80) || (length > 3 && (at[3] & 0xC0) != 0x80))
            break;
        at += length;
    }
    return (const char *)at;
}

/* What no string holds as it is. */
static const char *refuse(struct json_reader *r, const char *at)
{
    unsigned char c = (unsigned char)*at;
    if (c >= 0x80)
        json_wrong(r, ERR_INPUT, at, "bad JSON: unable to decode byte 0x%02x; JSON is UTF-8", c);
    else if (c == '\n')
        json_wrong(r, ERR_INPUT, at,
                   "bad JSON: a line ends within a string; close it with '\"', or write \\n");
    else
        json_wrong(r, ERR_INPUT, at,
                   "bad JSON: control character 0x%02x in a string; write it as \\u%04x", c, c);
    return NULL;
}

/* The quote or backslash that ends the characters which mean themselves; NULL if there is none. */
static const char *run_end(struct json_reader *r, const char *at)
{
    for (;;) {
        at = plain_end(at, r->end);
        if (at == r->end) {
            json_wrong(r, ERR_INPUT, at,
                       "bad JSON: a string is not closed, and the text ends too early");
            return NULL;
        }
        if (*at == '"' || *at == '\\')
            return at;
        const char *next = wide_end(at, r->end);
        if (next == at)
            return refuse(r, at);
        at = next;
    }
}

/* The number that four hexadecimal digits are; -1 if they are not that. */
static int32_t hexadecimal(const char *at, const char *end)
{
    int32_t number = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i], letter = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            number = number * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            number = number * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return number;
}

static void add_character(struct text *out, int32_t c)
{
    char bytes[4] = {(char)c};
    int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    if (more > 0)
        bytes[0] = (char)((more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0) | (c >> (6 * more)));
    for (int i = 1; i <= more; i++)
        bytes[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3F));
    text_add(out, bytes, (size_t)more + 1);
}

/* \uXXXX, or two of them that are a surrogate pair; behind it. */
static const char *unescape_number(struct json_reader *r, const char *at, struct text *out)
{
    int32_t c = hexadecimal(at + 2, r->end);
    if (c < 0) {
        json_wrong(r, ERR_INPUT, at,
                   "bad JSON: invalid Unicode escape; four hexadecimal digits stand behind \\u");
        return NULL;
    }
    const char *behind = at + 6;
    if (c >= 0xD800 && c <= 0xDFFF) {
        int32_t low = r->end - behind >= 6 && behind[0] == '\\' && behind[1] == 'u'
                          ? hexadecimal(behind + 2, r->end)
                          : -1;
        if (c >= 0xDC00 || low < 0xDC00 || low > 0xDFFF) {
            json_wrong(r, ERR_INPUT, at,
                       "bad JSON: invalid Unicode '\\u%04X'; a surrogate stands in a pair, first "
                       "D800 to DBFF, then DC00 to DFFF",
                       (unsigned)c);
            return NULL;
        }
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        behind += 6;
    }
    add_character(out, c);
    return behind;
}

/* The escape whose backslash stands at `at`; behind it. */
static const char *unescape(struct json_reader *r, const char *at, struct text *out)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = at + 1 < r->end ? at[1] : '\0';
    const char *letter = c ? strchr(letters, c) : NULL;
    if (c == 'u')
        return unescape_number(r, at, out);
    if (!letter) {
        json_wrong(r, ERR_INPUT, at,
                   "bad JSON: invalid escape; behind a backslash stands one of \"\\/bfnrtu");
        return NULL;
    }
    text_addc(out, meant[letter - letters]);
    return at + 2;
}

/* The rest of a string whose first backslash stands at `at`. */
static const char *read_escaped(struct json_reader *r, const char *at, struct text *out)
{
    r->compact = false;
    text_clear(out);
    text_add(out, r->at + 1, (size_t)(at - r->at - 1));
    while (at && *at == '\\') {
        const char *from = unescape(r, at, out);
        at = from ? run_end(r, from) : NULL;
        if (at)
            text_add(out, from, (size_t)(at - from));
    }
    return at;
}

bool json_read_string(struct json_reader *r, struct text *unescaped, struct slice *ret_string)
{
    const char *end = run_end(r, r->at + 1);
    if (end && *end == '"') {
        *ret_string = (struct slice){r->at + 1, (size_t)(end - r->at - 1)};
    } else if (end) {
        end = read_escaped(r, end, unescaped);
        *ret_string = text_slice(unescaped);
    }
    if (end)
        r->at = end + 1;
    return end != NULL;
}

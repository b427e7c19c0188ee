/* SPDX-License-Identifier: Apache-2.0
 *
 * ECMA-262 patterns, from end to end once, into PCRE2's language. The two differ in small things
 * that matter: `\s`, `.`, `[]`, `\cX`, `\u`, properties, and all that PCRE2 has on top, which must
 * not become part of a contract by accident. What ECMA-262 allows only outside its `u` mode and
 * schemas use all the same is accepted: a lone `{`, `}` or `]`, `\-` and other escaped punctuation,
 * and `[\w-.]`. Nothing recurses; groups are only counted.
 */
#include "contract/regex_internal.h"

#include <stdio.h>
#include <string.h>

enum { GROUPS_DEEP = 200, NO_CHARACTER = 0x110000 };

#define SPACES                                                                                     \
    "\\t\\n\\x{b}\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"   \
    "\\x{3000}\\x{feff}"
#define NOT_SPACES                                                                                 \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"  \
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}"                 \
    "\\x{ff00}-\\x{10ffff}"

struct reader {
    struct slice source;
    size_t at;
    struct text *out; /* or NULL */
    unsigned groups;  /* that capture, in the whole pattern */
    unsigned depth;
    bool atom; /* something stands here that a quantifier may repeat */
    struct error *reterr;
};

static enum error_code wrong(struct reader *r, const char *what)
{
    return error_set(r->reterr, ERR_INPUT, "%s at character %zu of the pattern", what, r->at + 1);
}

static void emit(struct reader *r, const char *string)
{
    if (r->out)
        text_adds(r->out, string);
}

static int peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->source.len ? (unsigned char)r->source.ptr[r->at + ahead] : -1;
}

static bool take(struct reader *r, const char *string)
{
    struct slice rest = {r->source.ptr + r->at, r->source.len - r->at};
    if (!slice_starts(rest, string))
        return false;
    r->at += strlen(string);
    return true;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(int c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void emit_character(struct reader *r, uint32_t character)
{
    char text[16];
    if (!r->out)
        return;
    if (character < 0x80 && (is_letter((int)character) || is_digit((int)character)))
        text_addc(r->out, (char)character);
    else
        text_add(r->out, text,
                 (size_t)snprintf(text, sizeof(text), "\\x{%x}", (unsigned)character));
}

/* One character of UTF-8; the source may not be valid, then NO_CHARACTER. */
static uint32_t read_utf8(struct reader *r)
{
    int first = peek(r, 0);
    size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    struct slice one = {r->source.ptr + r->at, length};
    if (length > r->source.len - r->at || !slice_valid_utf8(one))
        return NO_CHARACTER;
    r->at += length;
    uint32_t character = (uint32_t)first & (length == 1 ? 0x7Fu : 0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        character = character << 6 | ((unsigned char)one.ptr[i] & 0x3F);
    return character;
}

static bool read_hex(struct reader *r, size_t digits, uint32_t *ret_value)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_value(peek(r, i));
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
    }
    r->at += digits;
    *ret_value = value;
    return true;
}

static bool read_braced_hex(struct reader *r, uint32_t *ret_value)
{
    uint32_t value = 0;
    size_t start = r->at;
    for (int digit; (digit = hex_value(peek(r, 0))) >= 0; r->at++) {
        value = value << 4 | (uint32_t)digit;
        if (value >= NO_CHARACTER)
            return false;
    }
    *ret_value = value;
    return r->at > start && take(r, "}");
}

/* Behind `\u`: four digits, two such halves of a pair, or {digits}. */
static bool read_unicode(struct reader *r, uint32_t *ret_character)
{
    uint32_t high, low;
    if (take(r, "{"))
        return read_braced_hex(r, ret_character) && (*ret_character & 0xFFFFF800) != 0xD800;
    if (!read_hex(r, 4, &high))
        return false;
    if ((high & 0xF800) != 0xD800) {
        *ret_character = high;
        return true;
    }
    if ((high & 0x0400) || !take(r, "\\u") || !read_hex(r, 4, &low) || (low & 0xFC00) != 0xDC00)
        return false;
    *ret_character = 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF);
    return true;
}

/* Behind a backslash, the escapes that stand for one character, in a class and out of it. */
static bool read_character_escape(struct reader *r, uint32_t *ret_character)
{
    static const char letters[] = "tnvfr", values[] = "\t\n\v\f\r";
    int c = peek(r, 0);
    const char *letter = c > 0 ? strchr(letters, c) : NULL;
    if (letter) {
        r->at++;
        *ret_character = (uint32_t)values[letter - letters];
        return true;
    }
    if (c == 'c' && is_letter(peek(r, 1))) {
        *ret_character = (uint32_t)peek(r, 1) & 31;
        r->at += 2;
        return true;
    }
    if (c == '0' && !is_digit(peek(r, 1))) {
        r->at++;
        *ret_character = 0;
        return true;
    }
    if (c == 'x' || c == 'u') {
        r->at++;
        return c == 'x' ? read_hex(r, 2, ret_character) : read_unicode(r, ret_character);
    }
    if (c < 0 || is_letter(c) || is_digit(c))
        return false;
    *ret_character = read_utf8(r);
    return *ret_character != NO_CHARACTER;
}

static enum error_code read_property(struct reader *r)
{
    char sign[4] = {'\\', r->source.ptr[r->at], '{', '\0'};
    size_t start = r->at + 2, end = start;
    if (peek(r, 1) != '{')
        return wrong(r, "expected {…} behind \\p");
    while (end < r->source.len && r->source.ptr[end] != '}')
        end++;
    emit(r, sign);
    if (end == r->source.len ||
        !ecma_property((struct slice){r->source.ptr + start, end - start}, r->out))
        return wrong(r, "expected the name of a Unicode property in \\p{…}");
    emit(r, "}");
    r->at = end + 1;
    return ERR_OK;
}

/* Behind a backslash, the escapes that stand for many characters; *ret_is says if it was one. */
static enum error_code read_set_escape(struct reader *r, bool in_class, bool *ret_is)
{
    int c = peek(r, 0);
    char same[3] = {'\\', (char)c, '\0'};
    *ret_is = true;
    if (c == 'p' || c == 'P')
        return read_property(r);
    if (c == 'd' || c == 'D' || c == 'w' || c == 'W')
        emit(r, same);
    else if (c == 's')
        emit(r, in_class ? SPACES : "[" SPACES "]");
    else if (c == 'S')
        emit(r, in_class ? NOT_SPACES : "[^" SPACES "]");
    else
        *ret_is = false;
    r->at += *ret_is;
    return ERR_OK;
}

/* One member of a class: a set, which is written out, or a character, which is returned. */
static enum error_code read_member(struct reader *r, uint32_t *ret_character)
{
    *ret_character = NO_CHARACTER;
    if (!take(r, "\\")) {
        *ret_character = read_utf8(r);
        return *ret_character == NO_CHARACTER ? wrong(r, "expected valid UTF-8") : ERR_OK;
    }
    bool is_set;
    enum error_code code = read_set_escape(r, true, &is_set);
    if (code || is_set)
        return code;
    if (take(r, "b")) {
        *ret_character = '\b';
        return ERR_OK;
    }
    return read_character_escape(r, ret_character) ? ERR_OK : wrong(r, "unknown escape in a class");
}

static enum error_code read_range(struct reader *r)
{
    uint32_t low, high;
    enum error_code code = read_member(r, &low);
    if (code)
        return code;
    if (low != NO_CHARACTER)
        emit_character(r, low);
    if (peek(r, 0) != '-' || peek(r, 1) == ']' || peek(r, 1) < 0)
        return ERR_OK;
    r->at++;
    size_t before = r->out ? r->out->len : 0;
    emit(r, "\\-");
    code = read_member(r, &high);
    if (code || high == NO_CHARACTER)
        return code; /* beside a set the hyphen is itself */
    if (low != NO_CHARACTER) {
        if (low > high)
            return wrong(r, "a range out of order");
        if (r->out)
            r->out->len = before;
        emit(r, "-");
    }
    emit_character(r, high);
    return ERR_OK;
}

static enum error_code read_class(struct reader *r)
{
    r->atom = true;
    if (take(r, "[]")) {
        emit(r, "(?!)");
        return ERR_OK;
    }
    if (take(r, "[^]")) {
        emit(r, "(?s:.)");
        return ERR_OK;
    }
    emit(r, take(r, "[^") ? "[^" : (r->at++, "["));
    while (peek(r, 0) != ']') {
        if (peek(r, 0) < 0)
            return wrong(r, "a class without its ]");
        enum error_code code = read_range(r);
        if (code)
            return code;
    }
    r->at++;
    emit(r, "]");
    return ERR_OK;
}

static enum error_code read_back_reference(struct reader *r)
{
    unsigned number = 0;
    char text[24];
    for (; is_digit(peek(r, 0)) && number <= r->groups; r->at++)
        number = number * 10 + (unsigned)(peek(r, 0) - '0');
    if (number > r->groups)
        return wrong(r, "a reference to a group that there is not");
    snprintf(text, sizeof(text), "\\g{%u}", number);
    emit(r, text);
    return ERR_OK;
}

/* `<name>` or `<name`, behind `\k` and `(?`; copied, and closed. */
static enum error_code read_group_name(struct reader *r)
{
    size_t start = r->at;
    while (is_letter(peek(r, 0)) || peek(r, 0) == '_' || (r->at > start && is_digit(peek(r, 0))))
        r->at++;
    if (r->at == start || peek(r, 0) != '>')
        return wrong(r, "expected a group's name of letters, digits and _, and then >");
    r->at++;
    if (r->out)
        text_add(r->out, r->source.ptr + start, r->at - start);
    return ERR_OK;
}

static enum error_code read_escape(struct reader *r)
{
    bool is_set;
    uint32_t character;
    r->at++;
    r->atom = true;
    enum error_code code = read_set_escape(r, false, &is_set);
    if (code || is_set)
        return code;
    if (peek(r, 0) == 'b' || peek(r, 0) == 'B') {
        emit(r, take(r, "b") ? "\\b" : (r->at++, "\\B"));
        r->atom = false;
        return ERR_OK;
    }
    if (peek(r, 0) >= '1' && peek(r, 0) <= '9')
        return read_back_reference(r);
    if (take(r, "k<")) {
        emit(r, "\\k<");
        return read_group_name(r);
    }
    if (!read_character_escape(r, &character))
        return wrong(r, "an escape that ECMA-262 does not have");
    emit_character(r, character);
    return ERR_OK;
}

static enum error_code read_group(struct reader *r)
{
    static const char *const openings[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?i:", "(?-i:"};
    if (++r->depth > GROUPS_DEEP)
        return wrong(r, "groups nested too deeply");
    r->atom = false;
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        if (take(r, openings[i])) {
            emit(r, openings[i]);
            return ERR_OK;
        }
    }
    if (take(r, "(?<")) {
        emit(r, "(?<");
        return read_group_name(r);
    }
    if (peek(r, 1) == '?')
        return wrong(r, "expected (?:, (?=, (?!, (?<=, (?<!, (?i: or (?<name>");
    r->at++;
    emit(r, "(");
    return ERR_OK;
}

/* {n}, {n,} or {n,m}: its length, or 0. */
static size_t braces_length(const struct reader *r)
{
    size_t length = 1;
    for (; is_digit(peek(r, length)); length++)
        ;
    if (length == 1)
        return 0;
    if (peek(r, length) == ',')
        for (length++; is_digit(peek(r, length)); length++)
            ;
    return peek(r, length) == '}' ? length + 1 : 0;
}

static enum error_code read_quantifier(struct reader *r, size_t length)
{
    if (!r->atom)
        return wrong(r, "nothing to repeat");
    r->atom = false;
    if (r->out)
        text_add(r->out, r->source.ptr + r->at, length);
    r->at += length;
    if (take(r, "?"))
        emit(r, "?");
    return ERR_OK;
}

static enum error_code read_literal(struct reader *r)
{
    uint32_t character = read_utf8(r);
    if (character == NO_CHARACTER)
        return wrong(r, "expected valid UTF-8");
    emit_character(r, character);
    r->atom = true;
    return ERR_OK;
}

static enum error_code read_simple(struct reader *r, const char *as, bool atom)
{
    emit(r, as);
    r->at++;
    r->atom = atom;
    return ERR_OK;
}

static enum error_code read_term(struct reader *r)
{
    switch (peek(r, 0)) {
    case '\\':
        return read_escape(r);
    case '[':
        return read_class(r);
    case '(':
        return read_group(r);
    case ')':
        return r->depth-- == 0 ? wrong(r, "a ) without its (") : read_simple(r, ")", true);
    case '.':
        return read_simple(r, "[^\\n\\r\\x{2028}\\x{2029}]", true);
    case '|':
        return read_simple(r, "|", false);
    case '^':
        return read_simple(r, "^", false);
    case '$':
        return read_simple(r, "$", false);
    case '*':
    case '+':
    case '?':
        return read_quantifier(r, 1);
    case '{': {
        size_t length = braces_length(r);
        return length ? read_quantifier(r, length) : read_literal(r);
    }
    default:
        return read_literal(r);
    }
}

/* Capturing groups: a ( outside of a class that is not the start of (? unless of (?<name>. */
static unsigned count_groups(struct slice s)
{
    unsigned count = 0;
    bool in_class = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\') {
            i++;
        } else if (s.ptr[i] == '[' || s.ptr[i] == ']') {
            in_class = s.ptr[i] == '[';
        } else if (s.ptr[i] == '(' && !in_class) {
            struct slice rest = {s.ptr + i + 1, s.len - i - 1};
            bool named = slice_starts(rest, "?<") && !slice_starts(rest, "?<=") &&
                         !slice_starts(rest, "?<!");
            count += named || !slice_starts(rest, "?");
        }
    }
    return count;
}

enum error_code ecma_translate(struct slice source, struct text *out, struct error *reterr)
{
    struct reader r = {
        .source = source, .out = out, .groups = count_groups(source), .reterr = reterr};
    while (r.at < source.len) {
        enum error_code code = read_term(&r);
        if (code)
            return code;
    }
    return r.depth == 0 ? ERR_OK : wrong(&r, "a ( without its )");
}

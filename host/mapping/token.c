/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of an expression, as jq's lexer divides them: `.name` is one word, `- 1` are two, a
 * comment runs from # to the end of its line. A string is read piece by piece, because `\( )` in it
 * holds expressions. Bytes over 0x7F stand in strings alone; the template is valid UTF-8 already.
 */
#include "mapping/parse_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const marks[] = {
    "?//", "//=", "//", "==", "!=", "<=", ">=", "|=", "+=", "-=", "*=", "/=",
    "%=",  "..",  ".",  "[",  "]",  "(",  ")",  "{",  "}",  "|",  ",",  ":",
    ";",   "=",   "<",  ">",  "+",  "-",  "*",  "/",  "%",  "?",
};

/* What jq has there and this language has not. */
static const struct {
    const char *token, *instead;
} hints[] = {
    {"?", "there are no errors to silence: use // for what may be missing"},
    {"?//", "use // for what may be missing"},
    {"as", "variables cannot be bound: $input, $steps, $item, $index, $output, $error and $run "
           "are there"},
    {",", "an expression gives one value: put the values into [ ]"},
    {";", "no function here takes more than one argument"},
    {"=", "nothing can be changed here; to compare, write =="},
    {"|=", "nothing can be changed here: use map(…), or {…} + {…}"},
    {"+=", "nothing can be changed here: write the sum"},
    {"-=", "nothing can be changed here: write the difference"},
    {"*=", "nothing can be changed here: write the product"},
    {"/=", "nothing can be changed here: write the quotient"},
    {"%=", "nothing can be changed here: write the remainder"},
    {"//=", "nothing can be changed here: write //"},
    {"..", "recursion is not bounded: name the path"},
};

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte at a place, NUL behind the end. */
static char byte_at(const struct parser *p, size_t at)
{
    return at < p->string.len ? p->string.ptr[at] : '\0';
}

static size_t name_length(const struct parser *p, size_t at)
{
    size_t end = at;
    while (starts_name(byte_at(p, end)) || (end > at && is_digit(byte_at(p, end))))
        end++;
    return end - at;
}

static size_t digits_length(const struct parser *p, size_t at)
{
    size_t end = at;
    while (is_digit(byte_at(p, end)))
        end++;
    return end - at;
}

static size_t number_length(const struct parser *p, size_t at)
{
    size_t end = at + digits_length(p, at);
    if (byte_at(p, end) == '.')
        end += 1 + digits_length(p, end + 1);
    if (byte_at(p, end) == 'e' || byte_at(p, end) == 'E') {
        size_t sign = byte_at(p, end + 1) == '+' || byte_at(p, end + 1) == '-' ? 1 : 0;
        size_t digits = digits_length(p, end + 1 + sign);
        if (digits > 0)
            end += 1 + sign + digits;
    }
    return end - at;
}

static void skip_blank(struct parser *p)
{
    for (; p->at < p->string.len; p->at++) {
        if (p->string.ptr[p->at] == '#') {
            const char *rest = p->string.ptr + p->at;
            const char *line_end = memchr(rest, '\n', p->string.len - p->at);
            p->at = line_end ? p->at + (size_t)(line_end - rest) : p->string.len - 1;
        } else if (p->string.ptr[p->at] == '\0' || !strchr(" \t\r\n", p->string.ptr[p->at])) {
            return;
        }
    }
}

static enum error_code read_mark(struct parser *p)
{
    struct slice rest = {p->string.ptr + p->at, p->string.len - p->at};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (slice_starts(rest, marks[i])) {
            p->token.kind = TOKEN_MARK;
            p->token.text = (struct slice){rest.ptr, strlen(marks[i])};
            return ERR_OK;
        }
    }
    size_t length = 1;
    while (length < rest.len && (rest.ptr[length] & 0xC0) == 0x80)
        length++;
    if (rest.ptr[0] == '\'')
        return refuse_place(p, p->at, ERR_INPUT, "found `'`; a string stands in double quotes");
    if ((unsigned char)rest.ptr[0] < 0x20)
        return refuse_place(p, p->at, ERR_INPUT, "found the control character %d", rest.ptr[0]);
    return refuse_place(p, p->at, ERR_INPUT, "`%.*s` has no meaning here", (int)length, rest.ptr);
}

/* Reads the word at `at` into the token; words with a sign before the name keep only the name. */
static enum error_code read_word(struct parser *p)
{
    char c = byte_at(p, p->at);
    size_t after_sign = name_length(p, p->at + 1);
    size_t skipped = 0;
    if (starts_name(c)) {
        p->token.kind = TOKEN_NAME;
        p->token.text.len = name_length(p, p->at);
    } else if ((c == '.' || c == '$' || c == '@') && after_sign > 0) {
        p->token.kind = c == '.' ? TOKEN_FIELD : c == '$' ? TOKEN_VARIABLE : TOKEN_FORMAT;
        p->token.text.len = after_sign;
        skipped = 1;
    } else if (is_digit(c) || (c == '.' && is_digit(byte_at(p, p->at + 1)))) {
        p->token.kind = TOKEN_NUMBER;
        p->token.text.len = number_length(p, p->at);
    } else if (c == '"') {
        p->token.kind = TOKEN_QUOTE;
        p->token.text.len = 1;
    } else {
        enum error_code code = read_mark(p);
        if (code != ERR_OK)
            return code;
    }
    p->token.text.ptr = p->string.ptr + p->at + skipped;
    p->at += skipped + p->token.text.len;
    return ERR_OK;
}

enum error_code token_next(struct parser *p)
{
    p->end = p->at;
    skip_blank(p);
    p->token = (struct token){.kind = TOKEN_END, .at = p->at};
    if (p->at - p->start > LIMIT_EXPRESSION)
        return refuse_place(p, p->start, ERR_LIMIT,
                            "the expression is over %u bytes (LIMIT_EXPRESSION); make it in steps",
                            LIMIT_EXPRESSION);
    return p->at < p->string.len ? read_word(p) : ERR_OK;
}

bool token_is(const struct parser *p, const char *mark_or_word)
{
    return (p->token.kind == TOKEN_MARK || p->token.kind == TOKEN_NAME) &&
           slice_is(p->token.text, mark_or_word);
}

enum error_code token_expect(struct parser *p, const char *mark, const char *where)
{
    if (token_is(p, mark))
        return token_next(p);
    char expected[64];
    snprintf(expected, sizeof(expected), "`%s` %s", mark, where);
    return refuse_token(p, expected);
}

static bool read_hex(const struct parser *p, size_t at, unsigned *ret_unit)
{
    unsigned unit = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = byte_at(p, at + i);
        unsigned digit = is_digit(c)            ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        unit = unit * 16 + digit;
    }
    *ret_unit = unit;
    return true;
}

static void add_utf8(struct text *out, unsigned point)
{
    char bytes[4];
    size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    for (size_t i = length; i > 1; i--, point >>= 6)
        bytes[i - 1] = (char)(0x80 | (point & 0x3F));
    bytes[0] = (char)(leads[length] | point);
    text_add(out, bytes, length);
}

/* The \uXXXX at `at`, with the one behind it if both are halves of one character. */
static enum error_code read_unicode(struct parser *p, struct text *out)
{
    unsigned point = 0, low = 0;
    if (!read_hex(p, p->at + 2, &point))
        return refuse_place(p, p->at, ERR_INPUT, "`\\u` needs four hexadecimal digits");
    size_t length = 6;
    if (point >= 0xD800 && point <= 0xDBFF && byte_at(p, p->at + 6) == '\\' &&
        byte_at(p, p->at + 7) == 'u' && read_hex(p, p->at + 8, &low) && low >= 0xDC00 &&
        low <= 0xDFFF) {
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        length = 12;
    }
    if (point >= 0xD800 && point <= 0xDFFF)
        return refuse_place(p, p->at, ERR_INPUT, "half of a surrogate pair is not a character");
    add_utf8(out, point);
    p->at += length;
    return ERR_OK;
}

static enum error_code read_escape(struct parser *p, struct text *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = byte_at(p, p->at + 1);
    if (c == 'u')
        return read_unicode(p, out);
    const char *name = c == '\0' ? NULL : strchr(names, c);
    if (!name)
        return refuse_place(
            p, p->at, ERR_INPUT,
            "unknown escape; there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX \\( )");
    text_addc(out, values[name - names]);
    p->at += 2;
    return ERR_OK;
}

enum error_code token_characters(struct parser *p, struct text *out, bool *ret_interrupted)
{
    while (p->at < p->string.len) {
        char c = p->string.ptr[p->at];
        if (c == '"' || (c == '\\' && byte_at(p, p->at + 1) == '(')) {
            p->at += c == '"' ? 1 : 2;
            *ret_interrupted = c != '"';
            return ERR_OK;
        }
        if (c == '\\') {
            enum error_code code = read_escape(p, out);
            if (code != ERR_OK)
                return code;
        } else {
            text_addc(out, c);
            p->at++;
        }
    }
    return refuse_place(p, p->token.at, ERR_INPUT,
                        "the string that begins here has no closing `\"`");
}

enum error_code refuse_place(struct parser *p, size_t at, enum error_code code, const char *format,
                             ...)
{
    char line[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    error_set(p->reterr, code, "%s", line);
    error_prefix_column(p->reterr, p->string, at);
    return code;
}

enum error_code refuse_token(struct parser *p, const char *expected)
{
    const struct token *token = &p->token;
    if (token->kind == TOKEN_END) {
        const char *text = p->string.ptr + p->start;
        bool comment = memchr(text, '#', p->string.len - p->start) != NULL;
        return refuse_place(p, p->start, ERR_INPUT,
                            "the expression that begins here is not closed: "
                            "expected %s, found the end%s",
                            expected, comment ? "; a comment from # ends with its line" : "");
    }
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (token_is(p, hints[i].token))
            return refuse_place(p, token->at, ERR_INPUT, "`%s` cannot stand here; %s",
                                hints[i].token, hints[i].instead);
    }
    if (token->kind == TOKEN_FORMAT)
        return refuse_place(
            p, token->at, ERR_UNSUPPORTED,
            "`@%.*s` is not in this subset of jq; strings are put together with \\( )",
            (int)token->text.len, token->text.ptr);
    size_t length = p->at - token->at;
    return refuse_place(p, token->at, ERR_INPUT, "expected %s, found `%.*s`", expected,
                        (int)(length > 40 ? 40 : length), p->string.ptr + token->at);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for a text that the reader of JSON takes otherwise than jansson. Texts are drawn by the
 * grammar, in every spelling that it has; half of them are then changed in a few places. Both must
 * give the same value or refuse; what is read is written and read again; and the memory that is
 * read ends where the text ends.
 *
 *     fuzz-json [--seconds N] [--seed S]
 */
#include "contain_draw.h"

#include "document/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PICK(d, list) ((list)[draw_below(d, sizeof(list) / sizeof((list)[0]))])

/* What is deeper than BROAD is one in the other, or it would not fit. */
enum { TEXT = 64 << 10, BROAD = 5 };

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- Drawing ---- */

static void draw_blanks(struct draw *d, struct text *out)
{
    static const char *const blanks[] = {"",   "",   "",     "",           " ",
                                         "\n", "\t", "\r\n", "\n        ", "                   "};
    text_adds(out, PICK(d, blanks));
}

static void draw_digits(struct draw *d, struct text *out, unsigned limit)
{
    static const char *const known[] = {"0",
                                        "9007199254740993",
                                        "922337203685477580",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "18446744073709551616",
                                        "17976931348623157"};
    if (draw_below(d, 6) == 0) {
        text_adds(out, PICK(d, known));
        return;
    }
    for (unsigned left = 1 + draw_below(d, limit); left > 0; left--)
        text_addc(out, (char)('0' + draw_below(d, 10)));
}

static void draw_number(struct draw *d, struct text *out)
{
    static const char *const powers[] = {"e", "E", "e+", "E-", "e-", "e00"};
    size_t from;
    if (draw_below(d, 3) == 0)
        text_addc(out, '-');
    from = out->len;
    draw_digits(d, out, draw_below(d, 8) ? 6 : 30);
    if (out->ptr[from] == '0' && out->len > from + 1)
        out->ptr[from] = '7';
    if (draw_below(d, 3) == 0) {
        text_addc(out, '.');
        draw_digits(d, out, draw_below(d, 8) ? 4 : 40);
    }
    if (draw_below(d, 4) == 0) {
        text_adds(out, PICK(d, powers));
        draw_digits(d, out, draw_below(d, 8) ? 2 : 5);
    }
}

static void draw_string(struct draw *d, struct text *out)
{
    static const char *const parts[] = {"a",
                                        "b",
                                        "key",
                                        "0123456",
                                        "a longer piece of plain text",
                                        "\\n",
                                        "\\\"",
                                        "\\\\",
                                        "\\/",
                                        "\\u0041",
                                        "\\u00e9",
                                        "\\uFFFF",
                                        "\\u0001",
                                        "\\ud83d\\ude00",
                                        "\\uDBFF\\uDFFF",
                                        "\xC3\xA9",
                                        "\xE6\x97\xA5\xE6\x9C\xAC",
                                        "\xF0\x9F\x98\x80",
                                        "\xF4\x8F\xBF\xBF",
                                        "\x7F",
                                        "\\u0000"};
    text_addc(out, '"');
    for (unsigned left = draw_below(d, 4) ? draw_below(d, 3) : draw_below(d, 12); left > 0; left--)
        text_adds(out, PICK(d, parts));
    text_addc(out, '"');
}

static void draw_json(struct draw *d, struct text *out, unsigned depth);

static void draw_members(struct draw *d, struct text *out, unsigned depth, bool object)
{
    unsigned count = depth > BROAD ? 1 : draw_below(d, draw_below(d, 10) ? 4 : 20);
    text_addc(out, object ? '{' : '[');
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            text_addc(out, ',');
        draw_blanks(d, out);
        if (object) {
            draw_string(d, out);
            draw_blanks(d, out);
            text_addc(out, ':');
        }
        draw_json(d, out, depth ? depth - 1 : 0);
    }
    draw_blanks(d, out);
    text_addc(out, object ? '}' : ']');
}

static void draw_json(struct draw *d, struct text *out, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null"};
    unsigned kind = depth > BROAD ? 3 + draw_below(d, 2) : draw_below(d, depth ? 7 : 3);
    draw_blanks(d, out);
    if (kind == 0)
        text_adds(out, PICK(d, words));
    else if (kind == 1)
        draw_number(d, out);
    else if (kind == 2)
        draw_string(d, out);
    else
        draw_members(d, out, depth, kind % 2);
    draw_blanks(d, out);
}

/* Puts something in, takes something out, or puts one byte for another. */
static void change(struct draw *d, struct text *text)
{
    static const char *const pieces[] = {"\"",   "\\",      "{",    "}",  "[",  "]",  ":",
                                         ",",    "0",       "-",    ".",  "e",  "\n", " ",
                                         "\\u",  "\\ud800", "/",    "'",  "+",  "tr", "\xC3",
                                         "\x80", "\xED",    "\xFF", "\t", "\b", "1e", "\"a\":1,"};
    size_t at = draw_below(d, (unsigned)text->len + 1), gone = draw_below(d, 3);
    char *rest = xstrndup(text->ptr + at, text->len - at);
    size_t left = text->len - at;
    if (gone > left)
        gone = left;
    text->len = at;
    if (draw_below(d, 3))
        text_adds(text, PICK(d, pieces));
    else if (draw_below(d, 40) == 0)
        text_addc(text, '\0');
    text_add(text, rest + gone, left - gone);
    free(rest);
}

/* ---- Judging ---- */

static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0, depth;
    const char *key;
    json_t *member;
    size_t i;
    json_object_foreach ((json_t *)value, key, member)
        deepest = (depth = depth_of(member)) > deepest ? depth : deepest;
    json_array_foreach ((json_t *)value, i, member)
        deepest = (depth = depth_of(member)) > deepest ? depth : deepest;
    return deepest + (json_is_object(value) || json_is_array(value));
}

static bool complain(const char *what, const char *error, struct slice text)
{
    printf("%s (%s), of these %zu bytes:\n", what, error, text.len);
    fwrite(text.ptr, 1, text.len, stdout);
    putchar('\n');
    return false;
}

/* What is written must be the value again. */
static bool comes_back(const json_t *value, struct slice text)
{
    AUTO(text_done) struct text out;
    AUTO(json_decrefp) json_t *again = NULL;
    struct error error = {0};
    text_init(&out, 16 * TEXT);
    json_write(value, &out);
    if (json_read(text_slice(&out), out.len, &again, &error))
        return complain("what was written cannot be read", error.text, text);
    return json_equal(value, again) ||
           complain("what was written is another value", text_str(&out), text);
}

static bool judge(struct slice text, unsigned long *accepted)
{
    AUTO(freep) char *copy = malloc(text.len ? text.len : 1);
    AUTO(json_decrefp) json_t *ours = NULL, *theirs = NULL;
    AUTO(document_freep) struct document *document = NULL;
    struct error error = {0};
    memcpy(copy, text.ptr, text.len);
    enum error_code code = json_read((struct slice){copy, text.len}, text.len, &ours, &error);
    /* jansson takes a NUL for the end of the text. */
    if (!memchr(text.ptr, '\0', text.len))
        theirs = json_loadb(text.ptr, text.len,
                            JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (code == ERR_LIMIT && theirs && depth_of(theirs) <= LIMIT_DEPTH)
        return complain("not too deep", error.text, text);
    if (code != ERR_LIMIT && (code == ERR_OK) != (theirs != NULL))
        return complain("jansson says otherwise", error.text, text);
    if (ours && !json_equal(ours, theirs))
        return complain("jansson reads another value", "", text);
    if (code && !slice_valid_utf8(slice_of(error.text)))
        return complain("a complaint that is not UTF-8", error.text, text);
    if (document_parse(text, "x.json", &document, NULL) != code)
        return complain("with places it is otherwise", error.text, text);
    if (document && !json_equal(document_root(document), ours))
        return complain("with places it is another value", "", text);
    *accepted += code == ERR_OK;
    return !ours || comes_back(ours, text);
}

static bool round_of(struct draw *d, unsigned long *accepted)
{
    AUTO(text_done) struct text text;
    text_init(&text, TEXT);
    draw_json(d, &text,
              draw_below(d, 30) ? 1 + draw_below(d, BROAD) : LIMIT_DEPTH + 2 - draw_below(d, 5));
    for (unsigned left = draw_below(d, 2) ? 1 + draw_below(d, 3) : 0; left > 0; left--)
        change(d, &text);
    return judge(text_slice(&text), accepted);
}

int main(int argc, char **argv)
{
    uint64_t seconds = 20, seed = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    unsigned long accepted = 0;
    bool good = true;
    uint64_t end = now_us() + seconds * 1000000, first = seed;
    for (; good && now_us() < end; seed += good) {
        struct draw draw = {.state = seed * 1000003};
        good = round_of(&draw, &accepted);
    }
    if (!good)
        printf("again: fuzz-json --seconds 1 --seed %llu\n", (unsigned long long)seed);
    printf("seeds %llu to %llu: %lu texts are JSON\n", (unsigned long long)first,
           (unsigned long long)seed, accepted);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

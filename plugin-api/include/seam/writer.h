/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing JSON in a plugin. Header only, C11 or C++17, libc.
 *
 * A seam_writer grows to its maximum and sets commas, quotes and escapes. The first failure sticks:
 * later puts do nothing, and seam_written() is then absent. So it is checked once, at the end.
 *
 *     seam_writer out = SEAM_WRITER;
 *     seam_put_object(&out, NULL);
 *     seam_put_text(&out, "title", "Hello");
 *     seam_put_end(&out);
 *     use(seam_written(&out));
 *     seam_writer_done(&out);
 */
#ifndef SEAM_WRITER_H
#define SEAM_WRITER_H

#include <seam/json.h>

#define SEAM_WRITER_MAXIMUM (16u << 20) /* bytes of one document */

/* Start from SEAM_WRITER, end with seam_writer_done(). The fields are the functions' own. */
typedef struct seam_writer {
    char *ptr_;
    size_t len_, room_;
    uint32_t depth_;
    bool failed_;
    char close_[SEAM_JSON_DEPTH];
} seam_writer;

#define SEAM_WRITER                                                                                \
    {                                                                                              \
        NULL, 0, 0, 0, false,                                                                      \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static inline void seam_writer_done(seam_writer *writer)
{
    free(writer->ptr_);
    memset(writer, 0, sizeof(*writer));
}

static inline void seam_append_(seam_writer *writer, const char *ptr, size_t len)
{
    if (len > SEAM_WRITER_MAXIMUM - writer->len_)
        writer->failed_ = true;
    if (writer->failed_ || len == 0)
        return;
    if (writer->len_ + len > writer->room_) {
        size_t room = 2 * (writer->len_ + len) + 64;
        char *grown = (char *)realloc(writer->ptr_, room);
        if (!grown) {
            writer->failed_ = true;
            return;
        }
        writer->ptr_ = grown;
        writer->room_ = room;
    }
    memcpy(writer->ptr_ + writer->len_, ptr, len);
    writer->len_ += len;
}

/* A string in its quotes. What is not UTF-8 becomes U+FFFD, so that the document stays JSON. */
static inline void seam_append_string_(seam_writer *writer, seam_bytes text)
{
    const char *p = text.ptr, *end = text.len ? p + text.len : p;
    seam_append_(writer, "\"", 1);
    while (p < end) {
        const char *plain = p;
        size_t length = 1;
        while ((p = seam_plain_(p, end)) < end && (unsigned char)*p >= 0x80 &&
               (length = seam_utf8_(p, end)) > 0)
            p += length;
        seam_append_(writer, plain, (size_t)(p - plain));
        if (p == end)
            break;
        char escaped[8];
        if (length == 0)
            snprintf(escaped, sizeof(escaped), "\xef\xbf\xbd");
        else if (*p == '"' || *p == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", *p);
        else if (*p == '\n')
            snprintf(escaped, sizeof(escaped), "\\n");
        else
            snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)*p);
        seam_append_(writer, escaped, strlen(escaped));
        p++;
    }
    seam_append_(writer, "\"", 1);
}

/* The comma and the key before a value. A key belongs to a member of an object and to nothing else:
 * anything else sticks as a failure. */
static inline void seam_begin_value_(seam_writer *writer, const char *key)
{
    char close = writer->depth_ ? writer->close_[writer->depth_ - 1] : '\0';
    if ((close == '}') != (key != NULL) || (close == '\0' && writer->len_ > 0))
        writer->failed_ = true;
    if (writer->failed_)
        return;
    char last = writer->len_ > 0 ? writer->ptr_[writer->len_ - 1] : '[';
    if (last != '[' && last != '{')
        seam_append_(writer, ",", 1);
    if (key) {
        seam_append_string_(writer, seam_text(key));
        seam_append_(writer, ":", 1);
    }
}

static inline void seam_open_(seam_writer *writer, const char *key, char open, char close)
{
    seam_begin_value_(writer, key);
    if (writer->depth_ == SEAM_JSON_DEPTH)
        writer->failed_ = true;
    if (writer->failed_)
        return;
    seam_append_(writer, &open, 1);
    writer->close_[writer->depth_++] = close;
}

/* Every put takes the key of the member that it writes; NULL in an array and at the top. */
static inline void seam_put_object(seam_writer *writer, const char *key)
{
    seam_open_(writer, key, '{', '}');
}

static inline void seam_put_array(seam_writer *writer, const char *key)
{
    seam_open_(writer, key, '[', ']');
}

/* Ends the object or array that was put last and is still open. */
static inline void seam_put_end(seam_writer *writer)
{
    if (writer->depth_ == 0)
        writer->failed_ = true;
    else
        seam_append_(writer, &writer->close_[--writer->depth_], 1);
}

static inline void seam_put_string(seam_writer *writer, const char *key, seam_bytes text)
{
    seam_begin_value_(writer, key);
    seam_append_string_(writer, text);
}

static inline void seam_put_text(seam_writer *writer, const char *key, const char *text)
{
    seam_put_string(writer, key, seam_text(text));
}

/* Bytes that need not be text, as a string in base64. */
static inline void seam_put_base64(seam_writer *writer, const char *key, seam_bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    seam_begin_value_(writer, key);
    seam_append_(writer, "\"", 1);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t count = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < count ? (unsigned char)bytes.ptr[i + j] : 0u);
        char group[4];
        for (size_t j = 0; j < 4; j++)
            group[j] = j <= count ? digits[bits >> (18 - 6 * j) & 63] : '=';
        seam_append_(writer, group, sizeof(group));
    }
    seam_append_(writer, "\"", 1);
}

/* A value that is JSON already, as it was read. Absent or broken JSON is a failure. */
static inline void seam_put_json(seam_writer *writer, const char *key, seam_bytes value)
{
    seam_bytes parsed = seam_json_parse(value);
    seam_begin_value_(writer, key);
    if (parsed.len == 0)
        writer->failed_ = true;
    seam_append_(writer, parsed.ptr, parsed.len);
}

static inline void seam_put_integer(seam_writer *writer, const char *key, int64_t integer)
{
    char digits[32], *end = digits + sizeof(digits), *start = seam_integer_digits_(integer, end);
    seam_begin_value_(writer, key);
    seam_append_(writer, start, (size_t)(end - start));
}

/* Reads back as the same double. Infinity and NaN are a failure: JSON has no spelling for them. */
static inline void seam_put_number(seam_writer *writer, const char *key, double number)
{
    char digits[40];
    seam_begin_value_(writer, key);
    if (!(number >= -DBL_MAX && number <= DBL_MAX)) {
        writer->failed_ = true;
        return;
    }
    char *start = seam_number_digits_(number, digits + sizeof(digits));
    if (start) {
        seam_append_(writer, start, (size_t)(digits + sizeof(digits) - start));
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, number);
        double back = strtod(digits, NULL);
        if (memcmp(&back, &number, sizeof(back)) == 0)
            break;
    }
    char *comma = strchr(digits, ','); /* the decimal point of some locales */
    if (comma)
        *comma = '.';
    seam_append_(writer, digits, strlen(digits));
}

static inline void seam_put_boolean(seam_writer *writer, const char *key, bool boolean)
{
    seam_begin_value_(writer, key);
    seam_append_(writer, boolean ? "true" : "false", boolean ? 4 : 5);
}

static inline void seam_put_null(seam_writer *writer, const char *key)
{
    seam_begin_value_(writer, key);
    seam_append_(writer, "null", 4);
}

/* The document, valid until the writer is used again; absent if anything failed or is still open.
 */
static inline seam_bytes seam_written(const seam_writer *writer)
{
    seam_bytes document = {NULL, 0};
    if (!writer->failed_ && writer->depth_ == 0 && writer->len_ > 0) {
        document.ptr = writer->ptr_;
        document.len = writer->len_;
    }
    return document;
}

#endif

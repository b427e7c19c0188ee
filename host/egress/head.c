/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an answer, line by line as libcurl hands them over: every status line starts a new
 * one (of 1xx there may be many), an empty line ends it, and what follows the end of a final head
 * is trailers. The server is hostile: all that it sends counts against one limit, fields without a
 * name or with a NUL are dropped, and a trailer never becomes a header. A head that does not say
 * for certain where its body ends is refused: what comes behind it could be taken for another
 * answer.
 */
#include "egress/egress_internal.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_DIGITS = 18 }; /* any number of so many is one of 64 bits */

void head_init(struct head *head)
{
    *head = (struct head){0};
    text_init(&head->fields, LIMIT_HEADER_BYTES + LIMIT_HEADERS);
}

void head_done(struct head *head)
{
    text_done(&head->fields);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = (struct slice){s.ptr + 1, s.len - 1};
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* "HTTP/1.1 200 OK" → 200; 0 if it does not say. */
static int status_of(struct slice line)
{
    const char *space = memchr(line.ptr, ' ', line.len);
    if (!space || line.len - (size_t)(space - line.ptr) < 4)
        return 0;
    int status = 0;
    for (int i = 1; i <= 3; i++) {
        if (!isdigit((unsigned char)space[i]))
            return 0;
        status = status * 10 + (space[i] - '0');
    }
    return status;
}

static void start(struct head *head, struct slice line)
{
    text_clear(&head->fields);
    head->count = 0;
    head->in_field = false;
    head->framed = slice_starts(line, "HTTP/2");
    head->status = status_of(line);
}

static bool add_field(struct head *head, struct slice line)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    head->in_field = false;
    if (!colon || colon == line.ptr || memchr(line.ptr, '\0', line.len))
        return true;
    if (head->count == LIMIT_HEADERS)
        return false;
    size_t length = (size_t)(colon - line.ptr);
    struct slice name = trimmed((struct slice){line.ptr, length});
    struct slice value = trimmed((struct slice){colon + 1, line.len - length - 1});
    for (size_t i = 0; i < name.len; i++)
        text_addc(&head->fields, (char)tolower((unsigned char)name.ptr[i]));
    text_addc(&head->fields, '\0');
    text_add(&head->fields, value.ptr, value.len);
    head->in_field = text_addc(&head->fields, '\0');
    head->count += head->in_field;
    return head->in_field;
}

/* A line that begins with a blank goes on with the value before it (RFC 9112, 5.2). */
static bool continue_field(struct head *head, struct slice line)
{
    struct slice more = trimmed(line);
    if (!head->in_field || memchr(line.ptr, '\0', line.len))
        return true;
    head->fields.len--;
    text_addc(&head->fields, ' ');
    text_add(&head->fields, more.ptr, more.len);
    return text_addc(&head->fields, '\0');
}

/* A length that is no number, or is two; an encoding that is not ours to take off (RFC 9112, 6.3).
 * libcurl takes the last of two lengths, none for one that is too large, and what it cannot decode
 * as it is. */
static const char *framing_wrong(const struct head *head)
{
    AUTO(freep) struct egress_header *fields = head_fields(head);
    const char *length = NULL;
    for (size_t i = 0; i < head->count; i++) {
        const char *value = fields[i].value;
        if (strcmp(fields[i].name, "content-length") == 0) {
            size_t digits = strspn(value, "0123456789");
            if (digits == 0 || digits > LENGTH_DIGITS || value[digits] != '\0')
                return "its Content-Length is no number of bytes";
            if (length && strcmp(length, value) != 0)
                return "it has two different Content-Lengths";
            length = value;
        } else if (strcmp(fields[i].name, "transfer-encoding") == 0 &&
                   strcasecmp(value, "chunked") != 0 && strcasecmp(value, "identity") != 0) {
            return "its Transfer-Encoding is not `chunked`";
        }
    }
    return NULL;
}

static bool take_line(struct head *head, struct slice line)
{
    if (head->complete)
        return true;
    if (slice_starts(line, "HTTP/")) {
        start(head, line);
        return true;
    }
    if (trimmed(line).len == 0) {
        head->complete = head->status >= 200;
        head->refused = head->complete ? framing_wrong(head) : NULL;
        return !head->refused;
    }
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return continue_field(head, line);
    return add_field(head, line);
}

bool head_line(struct head *head, struct slice line)
{
    head->bytes += line.len;
    bool taken = !head->refused && !head->over_limit && head->bytes <= LIMIT_HEADER_BYTES &&
                 take_line(head, line);
    head->over_limit |= !taken && !head->refused;
    return taken;
}

struct egress_header *head_fields(const struct head *head)
{
    struct egress_header *fields = xcalloc(head->count, sizeof(*fields));
    const char *at = text_str(&head->fields);
    for (size_t i = 0; i < head->count; i++) {
        fields[i].name = at;
        at += strlen(at) + 1;
        fields[i].value = at;
        at += strlen(at) + 1;
    }
    return fields;
}

bool head_bounds_body(const struct head *head)
{
    AUTO(freep) struct egress_header *fields = head_fields(head);
    bool bounds = head->framed || head->status == 204 || head->status == 304;
    for (size_t i = 0; i < head->count; i++)
        bounds = bounds || strcmp(fields[i].name, "content-length") == 0 ||
                 (strcmp(fields[i].name, "transfer-encoding") == 0 &&
                  strcasestr(fields[i].value, "chunked"));
    return bounds;
}

/* ---- what a field means ---- */

enum { RETRY_SECONDS_MAX = 365 * 86400 };

static int64_t read_retry_after(const char *value, int64_t now_ms)
{
    char *end = NULL;
    errno = 0;
    long long seconds = strtoll(value, &end, 10);
    bool number = isdigit((unsigned char)value[0]) && *end == '\0';
    if (!number) {
        time_t date = late_load(NULL) == ERR_OK ? curl_getdate(value, NULL) : -1;
        seconds = date < 0 ? 0 : ((long long)date * 1000 - now_ms + 999) / 1000;
    } else if (errno == ERANGE) {
        seconds = RETRY_SECONDS_MAX;
    }
    if (seconds <= 0)
        return 0;
    return (seconds < RETRY_SECONDS_MAX ? seconds : RETRY_SECONDS_MAX) * 1000;
}

int64_t egress_retry_after(const struct egress_answer *answer, int64_t now_ms)
{
    if (answer->fate != FATE_ANSWERED || (answer->status != 429 && answer->status != 503))
        return 0;
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcmp(answer->headers[i].name, "retry-after") == 0)
            return read_retry_after(answer->headers[i].value, now_ms);
    return 0;
}

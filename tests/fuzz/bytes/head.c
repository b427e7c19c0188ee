/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an answer from a hostile server, line by line as libcurl hands it over. What is kept
 * is bounded; names are in lower case and not empty, and neither a name nor a value has an end of
 * line in it.
 */
#include "bytes.h"

#include "egress/egress_internal.h"

#include <string.h>

static void claim_fields(const struct head *head)
{
    AUTO(freep) struct egress_header *fields = head_fields(head);
    size_t bytes = 0;
    for (size_t i = 0; i < head->count; i++) {
        const char *name = fields[i].name, *value = fields[i].value;
        bytes += strlen(name) + strlen(value) + 2;
        CLAIM(strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ:\n") == NULL, "the name \"%s\"", name);
        CLAIM(strchr(value, '\n') == NULL, "the value \"%s\"", value);
    }
    CLAIM(bytes == head->fields.len, "%zu bytes of fields, but %zu were kept", bytes,
          head->fields.len);
    CLAIM(head->count <= LIMIT_HEADERS, "%zu fields", head->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct head head;
    head_init(&head);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at + 1 : size - at;
        struct slice line = {(const char *)data + at, length};
        bool was_over = head.over_limit;
        bool taken = head_line(&head, line);
        CLAIM(!(was_over && taken), "a line was taken past the limit");
        at += length;
    }
    CLAIM(head.status >= 0 && head.status <= 999, "status %d", head.status);
    CLAIM(!head.complete || head.status >= 200, "complete with %d", head.status);
    if (!head.over_limit) {
        claim_fields(&head);
        (void)head_bounds_body(&head);
    }
    head_done(&head);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that grows to a limit, and what a model said. What is over the limit is not kept: whoever
 * looks at `full` ends the call.
 */
#include "llm.h"

void words_add(struct words *words, const char *ptr, size_t len)
{
    if (words->full || len > LLM_ANSWER || words->len > LLM_ANSWER - len) {
        words->full = true;
        return;
    }
    if (words->len + len + 1 > words->room) {
        size_t room = (words->len + len + 1) * 2;
        char *more = realloc(words->ptr, room);
        words->full = !more;
        if (!more)
            return;
        words->ptr = more;
        words->room = room;
    }
    if (len > 0)
        memcpy(words->ptr + words->len, ptr, len);
    words->len += len;
    words->ptr[words->len] = '\0';
}

void words_text(struct words *words, const char *text)
{
    words_add(words, text, strlen(text));
}

void words_string(struct words *words, seam_bytes value)
{
    size_t len = 0;
    char *text = seam_json_text(value, &len);
    if (text)
        words_add(words, text, len);
    free(text);
}

seam_bytes words_bytes(const struct words *words)
{
    return (seam_bytes){words->ptr ? words->ptr : "", words->len};
}

void words_done(struct words *words)
{
    free(words->ptr);
    *words = (struct words){0};
}

bool bytes_are(seam_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0;
}

uint64_t words_digest(seam_bytes bytes)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * 1099511628211u;
    return hash;
}

/* ---- what is said ---- */

void said_done(struct said *said)
{
    for (size_t i = 0; i < said->call_count; i++) {
        words_done(&said->calls[i].id);
        words_done(&said->calls[i].name);
        words_done(&said->calls[i].arguments);
    }
    words_done(&said->text);
    words_done(&said->why);
    *said = (struct said){0};
}

struct tool_call *said_call(struct said *said, int64_t place)
{
    if (place < 0 || place > (int64_t)said->call_count || place >= LLM_CALLS) {
        said->too_much = true;
        return NULL;
    }
    if (place == (int64_t)said->call_count)
        said->call_count++;
    return &said->calls[place];
}

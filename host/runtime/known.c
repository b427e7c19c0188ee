/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of an output while it is decided what follows from it. It came as JSON, and as the JSON
 * that json_write would make, so whatever is made of it is copied and not written anew: the record,
 * the input of the next step, and, since an output may be a list that is gone through, the inputs
 * that are its parts. Parts are told apart when one is first asked for: those at the top, and those
 * of what is large at the top, for that is how lists come.
 *
 * A list is gone through a few items at a time, long after its own turn: one that began to be is
 * remembered, with a copy of its text, until its last item was asked for, nobody else has it, or
 * others take its place.
 *
 * A value is known by its address. The output that is at work is held by whoever sets it, and taken
 * back before it may go; what is remembered is held here. Of both nothing is ever changed.
 */
#include "runtime/kept_internal.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

/* A list's later items are written as they are needed; a miss costs a look at so many. */
enum { PARTS_MAX = 4096, LOOKS = 8, LEVELS = 3, REMEMBERED_BYTES = 256 << 10 };

static void forget(struct known_list *list)
{
    json_decref(list->value);
    free(list->text);
    free(list->parts);
    *list = (struct known_list){.count = 0};
}

/* The parts of the output that was at work become the list's. */
static void remember(struct known *known, struct known_list *list)
{
    const struct known_text *whole = &known->whole;
    forget(list);
    list->value = json_incref((json_t *)(uintptr_t)whole->value);
    list->text = xstrndup(whole->text.ptr, whole->text.len);
    for (size_t i = 0; i < known->parts.count; i++)
        known->parts.parts[i].text.ptr =
            list->text + (known->parts.parts[i].text.ptr - whole->text.ptr);
    list->parts = TAKE(known->parts.parts);
    list->count = known->parts.count;
    list->next = known->parts.next;
    known->parts = (struct known_list){.count = 0};
}

static bool is_over(const struct known_list *list)
{
    return !list->value || list->value->refcount == 1 || list->next >= list->count;
}

void known_set(struct known *known, struct known_text whole)
{
    struct known_list *parts = &known->parts, *place = NULL;
    if (parts->next > 0 && parts->next < parts->count &&
        known->whole.text.len <= REMEMBERED_BYTES) {
        for (size_t i = 0; i < KNOWN_LISTS && !place; i++)
            place = is_over(&known->lists[i]) ? &known->lists[i] : NULL;
        if (!place)
            place = &known->lists[known->turn++ % KNOWN_LISTS];
        remember(known, place);
    }
    known->whole = whole;
    parts->count = parts->next = 0;
    known->parted = false;
}

void known_done(struct known *known)
{
    free(known->parts.parts);
    for (size_t i = 0; i < KNOWN_LISTS; i++)
        forget(&known->lists[i]);
    *known = (struct known){.turn = 0};
}

/* Behind the string that begins there. */
static const char *skip_string(const char *at, const char *end)
{
    while (++at < end && (at = memchr(at, '"', (size_t)(end - at)))) {
        const char *slash = at;
        while (slash[-1] == '\\')
            slash--;
        if ((at - slash) % 2 == 0)
            return at + 1;
    }
    return end;
}

/* Behind the value that begins there, within a list or an object that ends at the end. */
static const char *skip_value(const char *at, const char *end)
{
    for (int depth = 0; at < end && (depth > 0 || *at != ',');) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    }
    return at;
}

static void add_part(struct known_list *list, const json_t *value, struct slice text)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 128;
        list->parts = xrealloc(list->parts, list->room * sizeof(*list->parts));
    }
    list->parts[list->count++] = (struct known_text){.value = value, .text = text};
}

static bool add_parts(struct known_list *list, const json_t *value, struct slice text, int level);

/* Behind the part that begins there; *flat stays if it is small. */
static const char *take_part(struct known_list *list, const json_t *value, const char *at,
                             const char *end, int level, bool *flat)
{
    const char *behind = skip_value(at, end);
    struct slice text = {at, (size_t)(behind - at)};
    *flat &= text.len <= LIMIT_INLINE;
    if (json_is_object(value) || json_is_array(value)) {
        size_t place = list->count;
        add_part(list, value, text);
        bool parts_flat =
            text.len > LIMIT_INLINE && level < LEVELS && add_parts(list, value, text, level + 1);
        list->parts[place].flat = parts_flat; /* they may have moved */
    }
    return behind < end ? behind + 1 : end;
}

/* Is it flat? The members of an object come in the order in which they were read, which is that of
 * the text. */
static bool add_parts(struct known_list *list, const json_t *value, struct slice text, int level)
{
    const char *at = text.ptr + 1, *end = text.ptr + text.len - 1, *key;
    bool flat = true;
    size_t len, i;
    json_t *each;
    json_array_foreach (value, i, each) {
        if (at == end || list->count >= PARTS_MAX)
            return false;
        at = take_part(list, each, at, end, level, &flat);
    }
    json_object_keylen_foreach((json_t *)(uintptr_t)value, key, len, each)
    {
        at = at < end ? skip_string(at, end) + 1 : end;
        if (at >= end || len > LIMIT_INLINE || list->count >= PARTS_MAX)
            return false;
        at = take_part(list, each, at, end, level, &flat);
    }
    return flat;
}

static const struct known_text *find_from(struct known_list *list, size_t from, const json_t *value)
{
    for (size_t i = from; i < list->count && i < from + LOOKS; i++) {
        if (list->parts[i].value != value)
            continue;
        list->next = i + 1;
        return &list->parts[i];
    }
    return NULL;
}

/* An item is asked for twice, for the record and to be sent: the last found is looked at again. */
static const struct known_text *find_remembered(struct known *known, const json_t *value)
{
    const struct known_text *found = NULL;
    for (size_t i = 0; i < KNOWN_LISTS && !found; i++) {
        struct known_list *list = &known->lists[i];
        found = list->value ? find_from(list, list->next > 0 ? list->next - 1 : 0, value) : NULL;
    }
    return found;
}

const struct known_text *known_find(struct known *known, const json_t *value)
{
    const struct known_text *whole = &known->whole, *found = NULL;
    if (value && value == whole->value && whole->text.len <= LIMIT_INLINE)
        return whole;
    if (!json_is_object(value) && !json_is_array(value))
        return NULL;
    if (whole->value && !known->parted && whole->text.len > LIMIT_INLINE)
        known->whole.flat = add_parts(&known->parts, whole->value, whole->text, 1);
    known->parted = true;
    if (value == whole->value)
        return whole;
    found = find_from(&known->parts, known->parts.next, value);
    if (!found)
        found = find_from(&known->parts, 0, value);
    return found ? found : find_remembered(known, value);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Where two lists of decisions part: what was recorded, and what is decided of the same events now.
 * The first decision that differs is named by its task, and the first place in it by a JSON
 * Pointer: two decisions of a page each that differ in one number must show that number.
 */
#include "runtime/host_internal.h"

#include <stdlib.h>
#include <string.h>

/* Of the sentence; the whole stands in then and now. */
enum { VALUE_SHOWN = 300 };

struct search {
    struct text at; /* the place that is looked at, as a JSON Pointer */
    struct difference *ret;
    size_t found;
};

static void note(struct search *search, const json_t *then, const json_t *now)
{
    if (search->found++ > 0)
        return;
    search->ret->pointer = xstrdup(text_str(&search->at));
    search->ret->then_value = json_incref((json_t *)(uintptr_t)then);
    search->ret->now_value = json_incref((json_t *)(uintptr_t)now);
}

static void compare(struct search *search, const json_t *then, const json_t *now, int depth);

static void compare_at(struct search *search, const char *key, const json_t *then,
                       const json_t *now, int depth)
{
    size_t length = search->at.len;
    text_addc(&search->at, '/');
    for (const char *c = key; *c; c++)
        if (*c == '~' || *c == '/')
            text_adds(&search->at, *c == '~' ? "~0" : "~1");
        else
            text_addc(&search->at, *c);
    compare(search, then, now, depth + 1);
    search->at.len = length;
    search->at.ptr[length] = '\0';
}

static void compare_objects(struct search *search, const json_t *then, const json_t *now, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)then, key, value) {
        compare_at(search, key, value, json_object_get(now, key), depth);
    }
    json_object_foreach ((json_t *)(uintptr_t)now, key, value) {
        if (!json_object_get(then, key))
            compare_at(search, key, NULL, value, depth);
    }
}

static void compare_arrays(struct search *search, const json_t *then, const json_t *now, int depth)
{
    size_t count =
        json_array_size(then) > json_array_size(now) ? json_array_size(then) : json_array_size(now);
    char index[24];
    for (size_t i = 0; i < count; i++) {
        snprintf(index, sizeof(index), "%zu", i);
        compare_at(search, index, json_array_get(then, i), json_array_get(now, i), depth);
    }
}

static void compare(struct search *search, const json_t *then, const json_t *now, int depth)
{
    if (then && now && json_equal(then, now))
        return;
    bool deeper = depth < LIMIT_DEPTH;
    if (deeper && json_is_object(then) && json_is_object(now))
        compare_objects(search, then, now, depth);
    else if (deeper && json_is_array(then) && json_is_array(now))
        compare_arrays(search, then, now, depth);
    else
        note(search, then, now);
}

/* A rule by another name says more than what follows from it. */
static void part(json_t *then, json_t *now, struct difference *ret)
{
    static const char *const first[] = {"kind", "rule", "path"};
    const char *path = json_string_value(json_object_get(then ? then : now, "path"));
    struct search search = {.ret = ret};
    text_init(&search.at, LIMIT_FILE);
    text_adds(&search.at, "");
    ret->found = true;
    ret->path = path ? xstrdup(path) : NULL;
    ret->then = json_incref(then);
    ret->now = json_incref(now);
    if (!then || !now) {
        note(&search, then, now);
    } else {
        for (size_t i = 0; i < sizeof(first) / sizeof(first[0]) && search.found == 0; i++) {
            const json_t *was = json_object_get(then, first[i]),
                         *is = json_object_get(now, first[i]);
            if (was || is)
                compare_at(&search, first[i], was, is, 0);
        }
        size_t named = search.found;
        compare(&search, then, now, 0);
        search.found -= named;
    }
    ret->others = search.found - 1;
    text_done(&search.at);
}

size_t difference_find(const json_t *then, const json_t *now, struct difference *ret)
{
    size_t count =
        json_array_size(then) > json_array_size(now) ? json_array_size(then) : json_array_size(now);
    for (size_t i = 0; i < count; i++) {
        json_t *was = json_array_get(then, i), *is = json_array_get(now, i);
        if (was && is && json_equal(was, is))
            continue;
        part(was, is, ret);
        ret->decision = i + 1;
        return i;
    }
    return count;
}

static void say_value(const char *when, uint32_t rules, const json_t *value, struct text *out)
{
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_PAYLOAD_MAX);
    text_addf(out, "%s, by rules %u, ", when, (unsigned)rules);
    if (!value) {
        text_adds(out, "nothing");
        return;
    }
    json_write(value, &text);
    size_t length = text.len < VALUE_SHOWN ? text.len : VALUE_SHOWN;
    while (length < text.len && ((unsigned char)text.ptr[length] & 0xc0) == 0x80)
        length--;
    text_add(out, text_str(&text), length);
    text_adds(out, length < text.len ? "…" : "");
}

void difference_text(const struct difference *difference, struct text *out)
{
    const json_t *decision = difference->then ? difference->then : difference->now;
    text_addf(out, "record %llu (%s), decision %zu (%s%s%s)", (unsigned long long)difference->seq,
              difference->event, difference->decision,
              json_string_value(json_object_get(decision, "kind")), difference->path ? " of " : "",
              difference->path ? difference->path : "");
    if (*difference->pointer)
        text_addf(out, ", at %s", difference->pointer);
    say_value(": then", difference->rules, difference->then_value, out);
    say_value("; now", RULES_VERSION, difference->now_value, out);
    if (difference->others)
        text_addf(out, "; %zu more place%s in it differ%s", difference->others,
                  difference->others == 1 ? "" : "s", difference->others == 1 ? "s" : "");
}

void replayed_done(struct replayed *replay)
{
    struct difference *difference = &replay->difference;
    free(difference->path);
    free(difference->pointer);
    json_decref(difference->then);
    json_decref(difference->now);
    json_decref(difference->then_value);
    json_decref(difference->now_value);
    *replay = (struct replayed){.records = replay->records, .same = replay->same};
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * From what the model said to the agent's output. The host holds it to the contract, and what it
 * refuses comes back as feedback: so an answer that is no JSON, or says a key twice, is given as
 * the text that it is, to be refused in the contract's words. Taken out is only what lowering put
 * in: the null of a property that its provider wants named.
 */
#include "llm.h"

/* ---- finding the JSON ---- */

/* What follows what a model thought aloud, as some do before they answer. */
static seam_bytes after_thinking(seam_bytes text)
{
    static const char begins[] = "<think>", ends[] = "</think>";
    size_t space = 0;
    while (space < text.len && strchr(" \t\r\n", text.ptr[space]))
        space++;
    if (text.len - space < strlen(begins) || memcmp(text.ptr + space, begins, strlen(begins)) != 0)
        return text;
    const char *end = memmem(text.ptr, text.len, ends, strlen(ends));
    size_t from = end ? (size_t)(end - text.ptr) + strlen(ends) : 0;
    return (seam_bytes){text.ptr + from, text.len - from};
}

/* The whole text, or the value between the first { or [ and the last } or ], where a model has put
 * words or a fence around it. Absent if there is none. */
static seam_bytes find_json(seam_bytes text)
{
    seam_bytes whole = seam_json_parse(text);
    if (whole.len > 0)
        return whole;
    text = after_thinking(text);
    size_t from = 0, to = text.len;
    while (from < to && text.ptr[from] != '{' && text.ptr[from] != '[')
        from++;
    while (to > from && text.ptr[to - 1] != '}' && text.ptr[to - 1] != ']')
        to--;
    return seam_json_parse((seam_bytes){text.ptr + from, to - from});
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Has an object a key twice? No host reads such a thing. Keys are told apart by their digests, for
 * a model can write very many. */
static bool says_twice(seam_bytes value)
{
    seam_json_kind kind = seam_json_kind_of(value);
    size_t count = 0, room = 0;
    uint64_t *digests = NULL;
    bool twice = false;
    if (kind != SEAM_JSON_OBJECT && kind != SEAM_JSON_ARRAY)
        return false;
    for (seam_json_walk walk = seam_json_members(value); !twice && seam_json_next(&walk);) {
        twice = says_twice(walk.value);
        if (kind != SEAM_JSON_OBJECT || twice)
            continue;
        size_t len = 0;
        char *name = seam_json_text(walk.key, &len);
        if (count == room) {
            room = room * 2 + 16;
            uint64_t *more = realloc(digests, room * sizeof(*digests));
            twice = !more;
            digests = more ? more : digests;
        }
        if (name && !twice)
            digests[count++] = words_digest((seam_bytes){name, len});
        free(name);
    }
    if (count > 1)
        qsort(digests, count, sizeof(*digests), by_number);
    for (size_t i = 1; i < count; i++)
        twice |= digests[i] == digests[i - 1];
    free(digests);
    return twice;
}

/* ---- the nulls that stand for what is absent ---- */

enum { DROPS = 5000 }; /* as many as a provider takes properties */

struct place {
    char text[1024]; /* as lowering writes it, without what chooses between schemas */
    size_t len;
};

/* What lowering made nullable. A place below $defs is true wherever that is referred to: only its
 * own part is kept, to be found at the end of a place. */
struct drops {
    struct drop {
        char *text;
        size_t len;
        bool anywhere;
    } * list;
    size_t count;
};

static bool place_add(struct place *place, const char *part, const char *name)
{
    size_t part_len = strlen(part), name_len = strlen(name);
    if (place->len + part_len + name_len >= sizeof(place->text))
        return false;
    memcpy(place->text + place->len, part, part_len);
    memcpy(place->text + place->len + part_len, name, name_len);
    place->len += part_len + name_len;
    place->text[place->len] = '\0';
    return true;
}

/* "/properties/a/anyOf/1/properties/b" → "/properties/a/properties/b". */
static bool plain_place(char *pointer, struct place *ret, bool *anywhere)
{
    char *save = NULL;
    bool good = true, name = false;
    *ret = (struct place){.text = ""};
    *anywhere = false;
    for (char *part = strtok_r(pointer, "/", &save); part && good;
         part = strtok_r(NULL, "/", &save)) {
        bool defs = !name && strcmp(part, "$defs") == 0;
        if (defs)
            *ret = (struct place){.text = ""};
        *anywhere |= defs;
        if (defs || (!name && (strcmp(part, "anyOf") == 0 || strcmp(part, "allOf") == 0))) {
            good = strtok_r(NULL, "/", &save) != NULL;
            continue;
        }
        good = place_add(ret, "/", part);
        name = !name && strcmp(part, "properties") == 0;
    }
    return good && ret->len > 0;
}

static void drops_read(struct drops *drops, seam_bytes pointers)
{
    struct place place;
    *drops = (struct drops){.list = pointers.len > 2 ? calloc(DROPS, sizeof(*drops->list)) : NULL};
    seam_json_walk walk = seam_json_members(pointers);
    while (drops->list && drops->count < DROPS && seam_json_next(&walk)) {
        struct drop *drop = &drops->list[drops->count];
        char *pointer = seam_json_text(walk.value, NULL);
        if (pointer && plain_place(pointer, &place, &drop->anywhere)) {
            drop->text = strdup(place.text);
            drop->len = place.len;
            drops->count += drop->text ? 1 : 0;
        }
        free(pointer);
    }
}

static void drops_done(struct drops *drops)
{
    for (size_t i = 0; i < drops->count; i++)
        free(drops->list[i].text);
    free(drops->list);
}

static bool is_dropped(const struct drops *drops, const struct place *at)
{
    for (size_t i = 0; i < drops->count; i++) {
        const struct drop *drop = &drops->list[i];
        if (drop->len <= at->len && (drop->anywhere || drop->len == at->len) &&
            memcmp(at->text + at->len - drop->len, drop->text, drop->len) == 0)
            return true;
    }
    return false;
}

static void put_without(seam_writer *out, const char *key, seam_bytes value,
                        const struct drops *drops, struct place *at)
{
    size_t len = at->len;
    seam_json_kind kind = seam_json_kind_of(value);
    if (kind == SEAM_JSON_ARRAY && place_add(at, "/items", "")) {
        seam_put_array(out, key);
        for (seam_json_walk walk = seam_json_members(value); seam_json_next(&walk);)
            put_without(out, NULL, walk.value, drops, at);
        seam_put_end(out);
    } else if (kind == SEAM_JSON_OBJECT) {
        seam_put_object(out, key);
        for (seam_json_walk walk = seam_json_members(value); seam_json_next(&walk);) {
            char *name = seam_json_text(walk.key, NULL);
            bool placed = name && place_add(at, "/properties/", name);
            bool null = seam_json_kind_of(walk.value) == SEAM_JSON_NULL;
            if (name && !(placed && null && is_dropped(drops, at)))
                put_without(out, name, walk.value, drops, at);
            free(name);
            at->len = len;
        }
        seam_put_end(out);
    } else {
        seam_put_json(out, key, value);
    }
    at->len = len;
    at->text[len] = '\0';
}

/* ---- samples ---- */

static bool same(seam_bytes a, seam_bytes b, const char *except);

enum { MEMBERS = 256, COMPARED = 16384 }; /* more, or more bytes, are compared as text alone */

static bool same_members(seam_bytes a, seam_bytes b, const char *except)
{
    size_t count_a = 0, count_b = 0;
    for (seam_json_walk walk = seam_json_members(b); seam_json_next(&walk);)
        count_b++;
    if (count_b > MEMBERS || a.len > COMPARED || b.len > COMPARED)
        return false;
    for (seam_json_walk walk = seam_json_members(a); seam_json_next(&walk); count_a++) {
        bool found = except && seam_json_is(walk.key, except);
        for (seam_json_walk other = seam_json_members(b); !found && seam_json_next(&other);)
            found = walk.key.len == other.key.len &&
                    memcmp(walk.key.ptr, other.key.ptr, walk.key.len) == 0 &&
                    same(walk.value, other.value, NULL);
        if (!found)
            return false;
    }
    return count_a == count_b;
}

static bool same(seam_bytes a, seam_bytes b, const char *except)
{
    seam_json_kind kind = seam_json_kind_of(a);
    double x, y;
    if (a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0)
        return true;
    if (kind != seam_json_kind_of(b))
        return false;
    if (kind == SEAM_JSON_OBJECT)
        return same_members(a, b, except);
    if (kind == SEAM_JSON_ARRAY) {
        seam_json_walk one = seam_json_members(a), two = seam_json_members(b);
        for (;;) {
            bool more = seam_json_next(&one), other = seam_json_next(&two);
            if (more != other || !more)
                return more == other;
            if (!same(one.value, two.value, NULL))
                return false;
        }
    }
    if (kind == SEAM_JSON_NUMBER && seam_json_number(a, &x) && seam_json_number(b, &y))
        return x >= y && x <= y;
    return false;
}

/* The answer that most gave, the first of them, with the share of those as its confidence. */
static void put_agreed(const struct work *work, seam_writer *out)
{
    const struct agent *agent = work->agent;
    int best = 0, most = 0;
    for (int i = 0; i < agent->samples; i++) {
        int count = 0;
        for (int j = 0; j < agent->samples; j++)
            count += same(words_bytes(&work->samples[i]), words_bytes(&work->samples[j]),
                          agent->confidence);
        if (count > most) {
            most = count;
            best = i;
        }
    }
    seam_bytes value = words_bytes(&work->samples[best]);
    if (seam_json_kind_of(value) != SEAM_JSON_OBJECT) {
        seam_put_json(out, NULL, value);
        return;
    }
    seam_put_object(out, NULL);
    for (seam_json_walk walk = seam_json_members(value); seam_json_next(&walk);) {
        char *name = seam_json_text(walk.key, NULL);
        if (name && strcmp(name, agent->confidence) != 0)
            seam_put_json(out, name, walk.value);
        free(name);
    }
    seam_put_number(out, agent->confidence, (double)most / agent->samples);
    seam_put_end(out);
}

/* ---- the output ---- */

static void put_output(const struct work *work, seam_writer *out)
{
    seam_bytes text = words_bytes(&work->said.text);
    const char *lowered = work->agent->lowered;
    struct place at = {.text = ""};
    if (work->agent->output.len == 0) {
        seam_put_object(out, NULL);
        seam_put_string(out, "text", text);
        seam_put_end(out);
        return;
    }
    seam_bytes json = find_json(text);
    struct drops drops;
    seam_bytes pointers = lowered && work->agent->lower_for && !work->agent->instruct
                              ? seam_json_at(seam_text(lowered), "/drop_nulls")
                              : (seam_bytes){NULL, 0};
    drops_read(&drops, pointers);
    if (json.len == 0 || says_twice(json))
        seam_put_string(out, NULL, text);
    else
        put_without(out, NULL, json, &drops, &at);
    drops_done(&drops);
}

static void finish(struct work *work)
{
    const seam_host *host = work->plugin->host;
    seam_writer out = SEAM_WRITER;
    if (work->agent->samples > 1)
        put_agreed(work, &out);
    else
        put_output(work, &out);
    seam_complete_ok(host, work->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    work_free(work);
}

void answer_take(struct work *work)
{
    seam_writer out = SEAM_WRITER;
    if (work->agent->samples == 1) {
        finish(work);
        return;
    }
    put_output(work, &out);
    seam_bytes written = seam_written(&out);
    words_add(&work->samples[work->sample], written.ptr ? written.ptr : "null",
              written.ptr ? written.len : 4);
    seam_writer_done(&out);
    if (++work->sample == work->agent->samples) {
        finish(work);
        return;
    }
    turns_cut(work, work->first_turns);
    work->round = 0;
    work_go_on(work);
}

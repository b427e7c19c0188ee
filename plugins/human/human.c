/* SPDX-License-Identifier: Apache-2.0
 *
 * People as agents. An agent is a question and the schema of its answer: the first attempt asks,
 * which the host journals as an escalation with a deadline, and the attempt after the answer gives
 * that as its output. Nothing is kept here in between: the answer comes back with the call.
 */
#include <seam/sdk.h>

enum { VALUE_MOST = 2000 /* of the input, in a question, bytes */ };

struct human {
    const seam_host *host;
    char *config;
    size_t length;
};

static seam_bytes agents_of(const struct human *h)
{
    return seam_json_at((seam_bytes){h->config, h->length}, "/agents");
}

/* ---- the question ---- */

struct text {
    char *ptr;
    size_t len;
};

static bool add(struct text *text, const char *ptr, size_t len)
{
    char *more = realloc(text->ptr, text->len + len + 1);
    if (!more)
        return false;
    text->ptr = more;
    memcpy(more + text->len, ptr, len);
    text->len += len;
    more[text->len] = '\0';
    return true;
}

/* ".a.b" as a JSON Pointer; "." is all. */
static seam_bytes look_up(seam_bytes input, const char *path, size_t len)
{
    char pointer[256];
    seam_bytes absent = {NULL, 0};
    if (len == 0 || len >= sizeof(pointer) || path[0] != '.')
        return absent;
    memcpy(pointer, path, len);
    pointer[len == 1 ? 0 : len] = '\0';
    for (char *p = pointer; *p; p++)
        *p = *p == '.' ? '/' : *p;
    return seam_json_at(input, pointer);
}

static bool add_value(struct text *out, seam_bytes input, const char *path, size_t len)
{
    static const char cut[] = "…";
    seam_bytes value = look_up(input, path, len);
    size_t length = value.len;
    char *plain = seam_json_text(value, &length);
    const char *from = plain ? plain : value.ptr;
    size_t most = length < VALUE_MOST ? length : VALUE_MOST;
    while (most < length && most > 0 && ((unsigned char)from[most] & 0xc0) == 0x80)
        most--; /* not in the middle of a character */
    bool added = most == 0 || add(out, from, most);
    if (most < length)
        added = added && add(out, cut, sizeof(cut) - 1);
    free(plain);
    return added;
}

/* The template with each ${ .path } filled from the input; the caller frees. */
static char *fill(const char *question, seam_bytes input)
{
    struct text out = {NULL, 0};
    bool good = add(&out, "", 0);
    while (good && *question) {
        const char *begin = strstr(question, "${"), *end = begin ? strchr(begin, '}') : NULL;
        if (!end) {
            good = add(&out, question, strlen(question));
            break;
        }
        const char *path = begin + 2 + strspn(begin + 2, " ");
        size_t len = strcspn(path, " }");
        good = add(&out, question, (size_t)(begin - question)) && add_value(&out, input, path, len);
        question = end + 1;
    }
    return out.ptr;
}

/* Why the last answer was refused; an answer itself otherwise. */
static seam_bytes refusal(seam_bytes feedback)
{
    seam_bytes absent = {NULL, 0};
    size_t members = 0;
    for (seam_json_walk walk = seam_json_members(feedback); seam_json_next(&walk);)
        members++;
    bool refused = members == 3 && seam_json_at(feedback, "/reason").len > 0 &&
                   seam_json_at(feedback, "/output").len > 0;
    return refused ? seam_json_at(feedback, "/message") : absent;
}

static seam_status ask(const struct human *h, const seam_call *call, seam_bytes agent)
{
    struct text text = {NULL, 0};
    char *question = seam_json_text(seam_json_at(agent, "/question"), NULL);
    char *filled = question ? fill(question, call->input) : NULL;
    char *why = seam_json_text(refusal(call->feedback), NULL);
    bool good = filled && add(&text, filled, strlen(filled)) &&
                (!why || (add(&text, "\nThe last answer was not taken: ", 32) &&
                          add(&text, why, strlen(why))));
    seam_complete_input_required(h->host, call->id, good ? text.ptr : "?",
                                 seam_json_at(agent, "/output"));
    free(text.ptr);
    free(filled);
    free(question);
    free(why);
    return SEAM_OK;
}

/* ---- the table ---- */

static seam_status start(void *self, const seam_call *call)
{
    const struct human *h = self;
    for (seam_json_walk walk = seam_json_members(agents_of(h)); seam_json_next(&walk);) {
        char *name = seam_json_text(seam_json_at(walk.value, "/name"), NULL);
        bool found = name && strlen(name) == call->agent.len &&
                     memcmp(name, call->agent.ptr, call->agent.len) == 0;
        free(name);
        if (!found)
            continue;
        if (call->feedback.len == 0 || refusal(call->feedback).len > 0)
            return ask(h, call, walk.value);
        return seam_complete_ok(h->host, call->id, SEAM_EFFECT_NONE, call->feedback);
    }
    return SEAM_E_UNSUPPORTED;
}

static seam_status describe(void *self, const seam_call *call)
{
    static const char *const same[] = {"name", "summary", "input", "output", "confidence"};
    const struct human *h = self;
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_array(&out, "agents");
    for (seam_json_walk walk = seam_json_members(agents_of(h)); seam_json_next(&walk);) {
        seam_put_object(&out, NULL);
        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
            char pointer[16];
            snprintf(pointer, sizeof(pointer), "/%s", same[i]);
            seam_bytes value = seam_json_at(walk.value, pointer);
            if (value.len > 0)
                seam_put_json(&out, same[i], value);
        }
        seam_put_text(&out, "effect", "read");
        seam_put_end(&out);
    }
    seam_put_end(&out);
    seam_put_end(&out);
    seam_complete_ok(h->host, call->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    struct human *h = calloc(1, sizeof(*h));
    char *copy = h ? malloc(config.len + 1) : NULL;
    if (!copy) {
        free(h);
        return SEAM_E_INTERNAL;
    }
    memcpy(copy, config.ptr, config.len);
    *h = (struct human){host, copy, config.len};
    *ret_self = h;
    return SEAM_OK;
}

static void destroy(void *self)
{
    struct human *h = self;
    free(h->config);
    free(h);
}

SEAM_PLUGIN_DESCRIBED("org.seam.human", "1.0.0", create, start, NULL, destroy, describe)

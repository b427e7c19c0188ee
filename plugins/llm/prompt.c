/* SPDX-License-Identifier: Apache-2.0
 *
 * What the model is told. A template has `${ .input.a.b }` where a value of the input is to stand:
 * a text as it is, anything else as JSON, what is absent as nothing; `$${` is `${`. It is no
 * language: what is more than a path is done in the flow, before the step. An answer that was
 * refused stands again in the next try's turns, with what was wrong with it.
 */
#include "llm.h"

/* ---- turns ---- */

struct turn *turn_add(struct work *work, enum turn_kind kind)
{
    if (work->turn_count == LLM_TURNS)
        return NULL;
    if (work->turn_count == work->turn_room) {
        size_t room = work->turn_room * 2 + 4;
        struct turn *more = realloc(work->turns, room * sizeof(*more));
        if (!more)
            return NULL;
        work->turns = more;
        work->turn_room = room;
    }
    struct turn *turn = &work->turns[work->turn_count++];
    *turn = (struct turn){.kind = kind};
    return turn;
}

void turns_cut(struct work *work, size_t count)
{
    while (work->turn_count > count) {
        struct turn *turn = &work->turns[--work->turn_count];
        for (size_t i = 0; i < turn->call_count; i++) {
            words_done(&turn->calls[i].id);
            words_done(&turn->calls[i].name);
            words_done(&turn->calls[i].arguments);
        }
        free(turn->calls);
        words_done(&turn->text);
        words_done(&turn->call_id);
    }
}

/* ---- the template ---- */

/* A path ".input.a.0.b" as a JSON Pointer below the input; false if it is none. */
static bool path_pointer(const char *path, size_t len, char *pointer, size_t room)
{
    static const char root[] = ".input";
    size_t at = 0;
    while (len > 0 && path[0] == ' ')
        path++, len--;
    while (len > 0 && path[len - 1] == ' ')
        len--;
    if (len < sizeof(root) - 1 || memcmp(path, root, sizeof(root) - 1) != 0)
        return false;
    for (size_t i = sizeof(root) - 1; i < len; i++) {
        char c = path[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool dot = c == '.' && i + 1 < len && path[i + 1] != '.';
        if (at + 2 > room || !(dot || letter || c == '_' || c == '-') ||
            (i == sizeof(root) - 1 && !dot))
            return false;
        pointer[at++] = dot ? '/' : c;
    }
    pointer[at] = '\0';
    return true;
}

static void put_value(struct words *into, seam_bytes value)
{
    if (seam_json_kind_of(value) == SEAM_JSON_STRING)
        words_string(into, value);
    else if (value.len > 0)
        words_add(into, value.ptr, value.len);
}

/* Fills it, or, without `into`, only looks at it. NULL, or what is wrong. */
static const char *fill(const char *text, seam_bytes input, struct words *into)
{
    char pointer[512];
    while (*text) {
        const char *open = strstr(text, "${");
        const char *close = open ? strchr(open, '}') : NULL;
        bool escaped = open && open > text && open[-1] == '$';
        size_t plain = open ? (size_t)(open - text) : strlen(text);
        if (into)
            words_add(into, text, escaped ? plain - 1 : plain);
        if (!open)
            break;
        if (escaped) {
            if (into)
                words_text(into, "${");
            text = open + 2;
            continue;
        }
        if (!close || !path_pointer(open + 2, (size_t)(close - open - 2), pointer, sizeof(pointer)))
            return "its `prompt` has a ${ } that is no path as ${ .input.a.b } ($${ is a plain ${)";
        if (into)
            put_value(into, seam_json_at(input, pointer));
        text = close + 1;
    }
    return NULL;
}

const char *template_wrong(const char *text)
{
    return fill(text, (seam_bytes){NULL, 0}, NULL);
}

/* ---- what it is told ---- */

/* The answer that was refused, and why: {"reason", "message", "output"}. */
static bool prompt_feedback(struct work *work)
{
    seam_bytes all = words_bytes(&work->feedback), output = seam_json_at(all, "/output");
    seam_bytes message = seam_json_at(all, "/message");
    if (all.len == 0)
        return true;
    struct turn *turn = output.len > 0 ? turn_add(work, TURN_MODEL) : NULL;
    if (turn)
        words_add(&turn->text, output.ptr, output.len);
    turn = turn_add(work, TURN_USER);
    if (!turn)
        return false;
    words_text(&turn->text, "That answer was refused: ");
    if (message.len > 0)
        words_string(&turn->text, message);
    else
        words_add(&turn->text, all.ptr, all.len);
    words_text(&turn->text, "\nAnswer again, so that this does not hold any more.");
    return true;
}

bool prompt_turns(struct work *work)
{
    seam_bytes input = words_bytes(&work->input);
    struct turn *turn = turn_add(work, TURN_USER);
    if (!turn || work->input.full || work->feedback.full)
        return false; /* nothing is asked about a part of it, or about none */
    if (work->agent->prompt)
        fill(work->agent->prompt, input, &turn->text);
    else
        words_add(&turn->text, input.ptr, input.len);
    bool good = !turn->text.full && prompt_feedback(work);
    work->first_turns = work->turn_count;
    return good;
}

void prompt_system(const struct work *work, struct words *into)
{
    const struct agent *agent = work->agent;
    if (agent->system)
        words_text(into, agent->system);
    if (agent->output.len == 0 || dialect_schema(work).len > 0)
        return;
    if (into->len > 0)
        words_text(into, "\n\n");
    words_text(into,
               "Answer with one JSON value and nothing else: no text around it, no code fence. "
               "It must be valid against this JSON Schema:\n");
    words_add(into, agent->output.ptr, agent->output.len);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: read from their files, and found for a call. Which answer a call is given follows from
 * its step, agent, input and attempt alone, never from what was asked before: so items that run at
 * once do not take each other's answers, and a resumed run finds the same ones.
 *
 * The narrowest place that has an answer counts: case, file, folder; in each: the task by its path,
 * its step, its agent.
 */
#include "rehearsal/rehearsal_internal.h"

#include "contract/contract.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static const struct {
    const char *word;
    int32_t status;
} causes[] = {
    {"unavailable", SEAM_E_UNAVAILABLE},
    {"rate_limited", SEAM_E_RATE_LIMITED},
    {"timeout", SEAM_E_TIMEOUT},
    {"busy", SEAM_E_BUSY},
    {"input", SEAM_E_INPUT},
    {"failed", SEAM_E_FAILED},
    {"denied", SEAM_E_DENIED},
    {"unsupported", SEAM_E_UNSUPPORTED},
    {"internal", SEAM_E_INTERNAL},
    {"budget", SEAM_E_BUDGET},
    {"cancelled", SEAM_E_CANCELLED},
};

static int32_t status_of(const char *cause)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        if (strcmp(causes[i].word, cause) == 0)
            return causes[i].status;
    UNREACHABLE("the schema lists the causes");
}

static const char *word(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum error_code refuse(const struct reply *reply, const char *what, const char *found,
                              struct error *reterr)
{
    AUTO(freep) char *place = fixture_place(reply->document, reply->pointer);
    return error_set(reterr, ERR_INPUT, "%s: %s: expected %s, found `%s`", place, reply->pointer,
                     what, found);
}

static enum error_code read_duration(const struct reply *reply, const json_t *from, const char *key,
                                     int64_t *ret_ms, struct error *reterr)
{
    const char *text = word(from, key);
    if (!text || duration_parse(slice_of(text), ret_ms))
        return ERR_OK;
    return refuse(reply, "a duration of at most ten years", text, reterr);
}

static enum error_code read_failure(struct reply *reply, const json_t *fail, struct error *reterr)
{
    const char *cause = json_is_string(fail) ? json_string_value(fail) : word(fail, "cause");
    const char *outcome = word(fail, "outcome");
    reply->kind = REPLY_FAIL;
    reply->status = status_of(cause);
    reply->message = word(fail, "message");
    reply->code = word(fail, "code");
    reply->claims = outcome != NULL;
    reply->claim = !outcome || strcmp(outcome, "none") == 0 ? SEAM_EFFECT_NONE
                   : strcmp(outcome, "done") == 0           ? SEAM_EFFECT_DONE
                                                            : SEAM_EFFECT_UNKNOWN;
    return read_duration(reply, fail, "retry_after", &reply->retry_after_ms, reterr);
}

static enum error_code read_spent(struct reply *reply, const json_t *spend, struct error *reterr)
{
    const json_t *cost = json_object_get(spend, "cost");
    char digits[64];
    reply->tokens = json_integer_value(json_object_get(spend, "tokens"));
    if (!cost)
        return ERR_OK;
    if (json_is_string(cost))
        snprintf(digits, sizeof(digits), "%.60s", json_string_value(cost));
    else
        snprintf(digits, sizeof(digits), "%.6f", json_number_value(cost));
    if (money_parse(slice_of(digits), &reply->cost))
        return ERR_OK;
    return refuse(reply, "a cost: a decimal, at most six places, not negative", digits, reterr);
}

static enum error_code deed_read(const struct reply *reply, const json_t *json,
                                 struct deed *ret_deed, struct error *reterr)
{
    const char *outcome = word(json, "outcome");
    json_t *happened = json_object_get(json, "happened");
    struct deed deed = {
        .after_ms = 1,
        .name = word(json, "name"),
        .request = json_object_get(json, "request"),
        .result = json_object_get(json, "result"),
        .http = json_object_get(json, "http"),
        .answer = json_object_get(json, "answer"),
        .status = (int)json_integer_value(json_object_get(json, "status")),
        .uncommitted = json_is_false(json_object_get(json, "commit")),
        .outcome = !outcome || strcmp(outcome, "done") == 0 ? OUTCOME_DONE
                   : strcmp(outcome, "none") == 0           ? OUTCOME_NONE
                                                            : OUTCOME_UNKNOWN,
    };
    bool answered = deed.status == 0 || deed.status / 100 == 2;
    deed.happened = deed.outcome == OUTCOME_UNKNOWN ? !json_is_false(happened)
                                                    : deed.outcome == OUTCOME_DONE && answered;
    if (deed.status && happened)
        deed.happened = json_is_true(happened);
    enum error_code code = read_duration(reply, json, "after", &deed.after_ms, reterr);
    *ret_deed = deed;
    return code;
}

static enum error_code read_deeds(struct reply *reply, const json_t *effects, struct error *reterr)
{
    enum error_code code = ERR_OK;
    size_t i;
    json_t *json;
    reply->says_effects = effects != NULL;
    reply->deeds = xcalloc(json_array_size(effects), sizeof(*reply->deeds));
    json_array_foreach (effects, i, json) {
        if (code == ERR_OK)
            code = deed_read(reply, json, &reply->deeds[reply->deed_count++], reterr);
    }
    return code;
}

static enum error_code reply_read(struct reply *reply, const json_t *json, struct error *reterr)
{
    json_t *fail = json_object_get(json, "fail"), *ask = json_object_get(json, "ask");
    enum error_code code = ERR_OK;
    reply->when = json_object_get(json, "when");
    reply->calls = json_object_get(json, "calls");
    reply->kind = json_object_get(json, "crash")  ? REPLY_CRASH
                  : json_object_get(json, "hang") ? REPLY_HANG
                  : ask                           ? REPLY_ASK
                                                  : REPLY_OUTPUT;
    reply->body = ask ? ask : json_object_get(json, "output");
    reply->invalid = json_is_true(json_object_get(json, "invalid"));
    reply->after_ms = 1;
    reply->used = xcalloc(1, sizeof(*reply->used));
    code = read_deeds(reply, json_object_get(json, "effects"), reterr);
    if (fail && code == ERR_OK)
        code = read_failure(reply, fail, reterr);
    if (code == ERR_OK)
        code = read_duration(reply, json, "after", &reply->after_ms, reterr);
    return code == ERR_OK ? read_spent(reply, json_object_get(json, "spend"), reterr) : code;
}

static enum error_code part_read(struct part *part, const struct document *document,
                                 const char *pointer, const json_t *answers, struct error *reterr)
{
    bool list = json_is_array(answers);
    size_t count = list ? json_array_size(answers) : 1;
    enum error_code code = ERR_OK;
    part->replies = xcalloc(count, sizeof(*part->replies));
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        struct reply *reply = &part->replies[part->count++];
        reply->document = document;
        reply->key = part->key;
        reply->pointer = list ? xasprintf("%s/%zu", pointer, i) : xstrdup(pointer);
        code = reply_read(reply, list ? json_array_get(answers, i) : answers, reterr);
    }
    return code;
}

char *member_pointer(const char *pointer, const char *key, const char *name)
{
    AUTO(text_done) struct text out;
    text_init(&out, SIZE_MAX / 2);
    text_addf(&out, "%s/%s%s", pointer, key ? key : "", key ? "/" : "");
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == '~')
            text_adds(&out, *c == '/' ? "~1" : "~0");
        else
            text_addc(&out, *c);
    return text_take(&out);
}

static enum error_code parts_read(struct scene *scene, const struct document *document,
                                  const char *pointer, const json_t *from, const char *key,
                                  struct error *reterr)
{
    const char *name;
    json_t *answers;
    enum error_code code = ERR_OK;
    json_object_foreach (json_object_get(from, key), name, answers) {
        if (code != ERR_OK)
            break;
        AUTO(freep) char *at = member_pointer(pointer, key, name);
        struct part *part = &scene->parts[scene->count++];
        part->key = xstrdup(name);
        part->of_step = strcmp(key, "steps") == 0;
        code = part_read(part, document, at, answers, reterr);
    }
    return code;
}

enum error_code scene_read(const struct document *document, const char *pointer, const json_t *from,
                           struct scene *ret_scene, struct error *reterr)
{
    size_t count = json_object_size(json_object_get(from, "steps")) +
                   json_object_size(json_object_get(from, "agents"));
    ret_scene->parts = xcalloc(count + 1, sizeof(*ret_scene->parts));
    ret_scene->people = json_object_get(from, "people");
    enum error_code code = parts_read(ret_scene, document, pointer, from, "steps", reterr);
    return code == ERR_OK ? parts_read(ret_scene, document, pointer, from, "agents", reterr) : code;
}

void scene_done(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++) {
        for (size_t k = 0; k < scene->parts[i].count; k++) {
            free(scene->parts[i].replies[k].pointer);
            free(scene->parts[i].replies[k].deeds);
            free(scene->parts[i].replies[k].used);
        }
        free(scene->parts[i].replies);
        free(scene->parts[i].key);
    }
    free(scene->parts);
}

/* ---- finding ---- */

bool value_holds(const json_t *value, const json_t *pattern)
{
    const char *key;
    json_t *part;
    if (!json_is_object(pattern) || !json_is_object(value))
        return contract_equal(value, pattern);
    json_object_foreach ((json_t *)pattern, key, part) {
        const json_t *found = json_object_get(value, key);
        if (!found || !value_holds(found, part))
            return false;
    }
    return true;
}

char *path_without_items(const char *path)
{
    char *plain = xstrdup(path), *to = plain;
    bool inside = false;
    for (const char *c = path; *c; c++) {
        inside |= *c == '[';
        if (!inside)
            *to++ = *c;
        inside &= *c != ']';
    }
    *to = '\0';
    return plain;
}

static const struct reply *pick(const struct part *part, uint32_t attempt, const json_t *input)
{
    const struct reply *last = NULL;
    uint32_t left = attempt;
    for (size_t i = 0; i < part->count && left > 0; i++) {
        const struct reply *reply = &part->replies[i];
        if (reply->when && !value_holds(input, reply->when))
            continue;
        last = reply;
        left--;
    }
    return last;
}

struct sought {
    const char *path, *plain, *agent;
    bool reconciling;
    uint32_t attempt;
    const json_t *input;
};

static const struct reply *find_part(const struct scene *scene, const struct sought *sought,
                                     const char *key, bool of_step)
{
    for (size_t i = 0; i < scene->count; i++)
        if (scene->parts[i].of_step == of_step && strcmp(scene->parts[i].key, key) == 0)
            return pick(&scene->parts[i], sought->attempt, sought->input);
    return NULL;
}

static const struct reply *find_in(const struct scene *scene, const struct sought *sought)
{
    const struct reply *found = NULL;
    if (!sought->reconciling) {
        found = find_part(scene, sought, sought->path, true);
        if (!found)
            found = find_part(scene, sought, sought->plain, true);
    }
    return found ? found : find_part(scene, sought, sought->agent, false);
}

const struct reply *reply_find(const struct fixture_case *c, const char *path, const char *agent,
                               bool reconciling, uint32_t attempt, const json_t *input)
{
    AUTO(freep) char *plain = path_without_items(path);
    struct sought sought = {path, plain, agent, reconciling, attempt, input};
    const struct reply *found = find_in(&c->scene, &sought);
    if (!found)
        found = find_in(&c->file->scene, &sought);
    for (size_t i = 0; !found && i < c->fixtures->file_count; i++)
        if (c->fixtures->files[i].shared)
            found = find_in(&c->fixtures->files[i].scene, &sought);
    if (found)
        ++*found->used;
    return found;
}

static const json_t *person_in(const struct scene *scene, const char *path, const char *plain)
{
    const json_t *found = json_object_get(scene->people, path);
    return found ? found : json_object_get(scene->people, plain);
}

const json_t *person_find(const struct fixture_case *c, const char *path, uint32_t revision)
{
    AUTO(freep) char *plain = path_without_items(path);
    const json_t *found = person_in(&c->scene, path, plain);
    if (!found)
        found = person_in(&c->file->scene, path, plain);
    for (size_t i = 0; !found && i < c->fixtures->file_count; i++)
        if (c->fixtures->files[i].shared)
            found = person_in(&c->fixtures->files[i].scene, path, plain);
    return json_is_array(found) ? json_array_get(found, revision - 1) : found;
}

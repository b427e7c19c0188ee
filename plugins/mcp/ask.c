/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server asks people for while a tool's call is under way. The call ends with the question;
 * the next attempt has the answer as its feedback, makes the same call, and when it is asked the
 * same, answers. Of a call that asks more than once the earlier answers are kept in memory; if that
 * is gone, people are asked again.
 *
 * What a server says to people is shown as its words, and nothing else is believed of it.
 */
#include "mcp.h"

void asking_init(struct asking *asking, struct server *server, const struct caller *caller,
                 seam_bytes feedback)
{
    *asking = (struct asking){.server = server, .caller = caller, .feedback = feedback};
    pthread_mutex_init(&asking->lock, NULL);
}

static void forget(struct asking *asking)
{
    free(asking->question);
    free(asking->schema);
    asking->question = asking->schema = NULL;
}

void asking_done(struct asking *asking)
{
    forget(asking);
    pthread_mutex_destroy(&asking->lock);
}

void asking_stop(struct asking *asking)
{
    pthread_mutex_lock(&asking->lock);
    asking->over = true;
    pthread_mutex_unlock(&asking->lock);
}

/* FNV-1a, twice: it tells questions of one call apart, and guards nothing. */
static void digest_of(seam_bytes text, char digest[65])
{
    uint64_t one = UINT64_C(0xcbf29ce484222325), other = UINT64_C(0x84222325cbf29ce4);
    for (size_t i = 0; i < text.len; i++) {
        one = (one ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
        other = (other ^ (unsigned char)text.ptr[text.len - 1 - i]) * UINT64_C(0x100000001b3);
    }
    snprintf(digest, 65, "%016llx%016llx", (unsigned long long)one, (unsigned long long)other);
}

static char *kept_answer(struct asking *asking, const char *digest)
{
    struct server *server = asking->server;
    char *answer = NULL;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < ANSWERS_KEPT && asking->caller->key[0]; i++)
        if (server->kept[i].answer && strcmp(server->kept[i].key, asking->caller->key) == 0 &&
            strcmp(server->kept[i].question, digest) == 0)
            answer = strdup(server->kept[i].answer);
    pthread_mutex_unlock(&server->lock);
    return answer;
}

static void keep_answer(struct asking *asking, const char *digest, seam_bytes answer)
{
    struct server *server = asking->server;
    pthread_mutex_lock(&server->lock);
    struct kept_answer *kept = &server->kept[server->kept_next++ % ANSWERS_KEPT];
    free(kept->answer);
    snprintf(kept->key, sizeof(kept->key), "%s", asking->caller->key);
    snprintf(kept->question, sizeof(kept->question), "%s", digest);
    kept->answer = strndup(answer.ptr, answer.len);
    pthread_mutex_unlock(&server->lock);
}

/* The member's value; absent: the object has none. */
static seam_bytes member(seam_bytes object, const char *name)
{
    seam_json_walk walk = seam_json_members(object);
    while (seam_json_kind_of(object) == SEAM_JSON_OBJECT && seam_json_next(&walk))
        if (seam_json_is(walk.key, name))
            return walk.value;
    return (seam_bytes){0};
}

/* The default of each field that the content leaves out. */
static void put_defaults(seam_writer *out, seam_bytes properties, seam_bytes content)
{
    seam_json_walk walk = seam_json_members(properties);
    for (size_t i = 0; i < FIELDS_MAXIMUM && seam_json_next(&walk); i++) {
        char *name = seam_json_text(walk.key, NULL);
        seam_bytes value = member(walk.value, "default");
        if (name && value.len > 0 && member(content, name).len == 0)
            seam_put_json(out, name, value);
        free(name);
    }
}

static void put_accepted(seam_writer *out, const char *key, seam_bytes params, seam_bytes content)
{
    seam_put_object(out, key);
    seam_put_text(out, "action", "accept");
    seam_put_object(out, "content");
    seam_json_walk walk = seam_json_members(content);
    while (seam_json_next(&walk)) {
        char *name = seam_json_text(walk.key, NULL);
        seam_put_json(out, name ? name : "", walk.value);
        free(name);
    }
    put_defaults(out, seam_json_at(params, "/requestedSchema/properties"), content);
    seam_put_end(out);
    seam_put_end(out);
}

/* Something is asked for, and all that must be said has a default. */
static bool answers_itself(seam_bytes params)
{
    seam_bytes properties = seam_json_at(params, "/requestedSchema/properties");
    seam_json_walk walk = seam_json_members(seam_json_at(params, "/requestedSchema/required"));
    seam_json_walk asked = seam_json_members(properties);
    bool all = seam_json_kind_of(properties) == SEAM_JSON_OBJECT && seam_json_next(&asked);
    for (size_t i = 0; all && seam_json_next(&walk); i++) {
        char *name = seam_json_text(walk.value, NULL);
        all = name && i < FIELDS_MAXIMUM && member(member(properties, name), "default").len > 0;
        free(name);
    }
    return all;
}

/* A person may leave out what has a default, though the server wants it. */
static void put_required(seam_writer *out, seam_bytes schema)
{
    seam_bytes properties = seam_json_at(schema, "/properties");
    seam_json_walk walk = seam_json_members(seam_json_at(schema, "/required"));
    seam_put_array(out, "required");
    for (size_t i = 0; seam_json_next(&walk); i++) {
        char *name = i < FIELDS_MAXIMUM ? seam_json_text(walk.value, NULL) : NULL;
        if (!name || member(member(properties, name), "default").len == 0)
            seam_put_json(out, NULL, walk.value);
        free(name);
    }
    seam_put_end(out);
}

static char *answer_schema(seam_bytes schema)
{
    seam_writer out = SEAM_WRITER;
    seam_json_walk walk = seam_json_members(schema);
    if (seam_json_kind_of(schema) != SEAM_JSON_OBJECT)
        return NULL;
    seam_put_object(&out, NULL);
    while (seam_json_next(&walk)) {
        char *name = seam_json_text(walk.key, NULL);
        if (seam_json_is(walk.key, "required"))
            put_required(&out, schema);
        else
            seam_put_json(&out, name ? name : "", walk.value);
        free(name);
    }
    seam_put_end(&out);
    char *taken = schema_take(seam_written(&out));
    seam_writer_done(&out);
    return taken;
}

/* The question as people see it, and the schema of their answer. */
static void pose(struct asking *asking, seam_bytes params)
{
    static const char any[] = "{\"type\":\"object\"}";
    forget(asking);
    asking->question = seam_json_text(seam_json_at(params, "/message"), NULL);
    if (!asking->question)
        asking->question = strdup("The server asks for input.");
    asking->schema = answer_schema(seam_json_at(params, "/requestedSchema"));
    if (!asking->schema)
        asking->schema = strdup(any);
}

static bool answer_locked(struct asking *asking, const char *key, seam_bytes method,
                          seam_bytes params, seam_writer *out, struct trouble *trouble)
{
    char digest[65];
    if (asking->over)
        return false;
    if (asking->question)
        return trouble_set(trouble, SEAM_E_INPUT_REQUIRED, SEAM_EFFECT_NONE, "mcp.asks",
                           "the call ends with another question");
    if (!seam_json_is(method, "elicitation/create"))
        return trouble_set(trouble, SEAM_E_UNSUPPORTED, SEAM_EFFECT_UNKNOWN, "mcp.asks",
                           "the server asks for %.*s, which this host does not offer",
                           method.len < 100 ? (int)method.len : 100, method.ptr);
    if (seam_json_is(seam_json_at(params, "/mode"), "url"))
        return trouble_set(trouble, SEAM_E_UNSUPPORTED, SEAM_EFFECT_UNKNOWN, "mcp.asks",
                           "the server sends people to an address, which this host does not offer");
    digest_of(params, digest);
    char *before = kept_answer(asking, digest);
    if (before) {
        put_accepted(out, key, params, seam_text(before));
        free(before);
        return true;
    }
    if (asking->feedback.len > 0 && !asking->used) {
        asking->used = true;
        keep_answer(asking, digest, asking->feedback);
        put_accepted(out, key, params, asking->feedback);
        return true;
    }
    if (asking->server->settings.agrees && answers_itself(params)) {
        put_accepted(out, key, params, seam_text("{}"));
        return true;
    }
    pose(asking, params);
    return trouble_set(trouble, SEAM_E_INPUT_REQUIRED, SEAM_EFFECT_NONE, "mcp.asks",
                       "a person must say");
}

bool asking_answer(struct asking *asking, const char *key, seam_bytes method, seam_bytes params,
                   seam_writer *out, struct trouble *trouble)
{
    pthread_mutex_lock(&asking->lock);
    bool answered = answer_locked(asking, key, method, params, out, trouble);
    pthread_mutex_unlock(&asking->lock);
    return answered;
}

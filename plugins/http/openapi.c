/* SPDX-License-Identifier: Apache-2.0
 *
 * From an OpenAPI document (3.1, and 3.0) to operations: operationId is the name; parameters, by
 * their names, and `body` are the input; the answers of 2xx are the output. Which operations become
 * agents, the configuration says by name or tag. What it names and cannot be had is refused with
 * its reason; of what it did not name, such an operation is left out, and told.
 */
#include "openapi.h"

#include <ctype.h>
#include <strings.h>

static const char *text_at(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

/* ---- names ---- */

static void name_operation(const json_t *json, const char *method, const char *path,
                           char name[static HTTP_NAME + 1])
{
    const char *id = text_at(json, "operationId");
    char whole[512];
    snprintf(whole, sizeof(whole), "%s%s", id ? id : method, id ? "" : path);
    size_t len = 0;
    if (!isalpha((unsigned char)whole[0]))
        len = (size_t)snprintf(name, HTTP_NAME, "op_");
    for (const char *c = whole; *c && len < HTTP_NAME; c++) {
        bool good = isalnum((unsigned char)*c) || (id && strchr("_.-", *c));
        if (good)
            name[len++] = *c;
        else if (len > 0 && name[len - 1] != '_')
            name[len++] = '_';
    }
    while (len > 1 && name[len - 1] == '_')
        len--;
    name[len] = '\0';
}

static bool lists(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item)
        if (text && json_string_value(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

static bool is_named(const struct openapi *o, const json_t *json, const char *name)
{
    const json_t *operations = json_object_get(o->settings, "operations");
    return lists(operations, name) || lists(operations, text_at(json, "operationId"));
}

static bool is_chosen(const struct openapi *o, const json_t *json, const char *name)
{
    const json_t *tags = json_object_get(o->settings, "tags"),
                 *operations = json_object_get(o->settings, "operations");
    size_t i;
    json_t *tag;
    json_array_foreach (json_object_get(json, "tags"), i, tag)
        if (lists(tags, json_string_value(tag)))
            return true;
    return is_named(o, json, name) || (!tags && !operations);
}

/* ---- parameters ---- */

/* An input in the making: its schema, and what its members are called. */
struct inputs {
    struct taken taken;
    json_t *properties, *required;
    bool has_body;
};

static const char *const places[] = {"path", "query", "header", "cookie"};

/* These the host and the request itself set. */
static bool is_ours(const char *name)
{
    return strcasecmp(name, "Accept") == 0 || strcasecmp(name, "Content-Type") == 0 ||
           strcasecmp(name, "Authorization") == 0 || strcasecmp(name, "Idempotency-Key") == 0;
}

static enum style style_of(const json_t *json, enum style usual)
{
    static const struct {
        const char *word;
        enum style style;
    } all[] = {{"simple", STYLE_SIMPLE},        {"label", STYLE_LABEL},
               {"matrix", STYLE_MATRIX},        {"form", STYLE_FORM},
               {"spaceDelimited", STYLE_SPACE}, {"pipeDelimited", STYLE_PIPE},
               {"deepObject", STYLE_DEEP}};
    const char *said = text_at(json, "style");
    for (size_t i = 0; said && i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].word, said) == 0)
            return all[i].style;
    return json_object_get(json, "content") ? STYLE_JSON : usual;
}

/* What the input calls a parameter: its name, behind its place where that is taken. */
static char *input_name(const struct inputs *inputs, const char *name, const char *place)
{
    bool is_taken = json_object_get(inputs->properties, name) ||
                    (inputs->has_body && strcmp(name, "body") == 0);
    char *made = NULL;
    return asprintf(&made, "%s%s%s", is_taken ? place : "", is_taken ? "_" : "", name) > 0 ? made
                                                                                           : NULL;
}

static json_t *described(json_t *schema, const json_t *from)
{
    json_t *description = json_object_get(from, "description");
    if (description && json_is_object(schema) && !json_object_get(schema, "description") &&
        !json_object_get(schema, "$ref"))
        json_object_set(schema, "description", description);
    return schema;
}

static bool add_param(const struct openapi *o, struct operation *op, struct inputs *inputs,
                      const json_t *json, const char *where)
{
    const char *name = text_at(json, "name"), *in = text_at(json, "in");
    enum place place = PLACE_PATH;
    while (in && place <= PLACE_COOKIE && strcmp(places[place], in) != 0)
        place++;
    if (!name || !in || place > PLACE_COOKIE || strlen(name) > HTTP_NAME || strpbrk(name, "{}") ||
        name[0] == '/')
        return trouble_say(o->t, "%s: a parameter without a name, or a place that is none", where);
    if (place == PLACE_HEADER && is_ours(name))
        return true;
    if (op->pages.param && strcmp(op->pages.param, name) == 0)
        return true;
    const json_t *schema = json_object_get(json, "schema");
    const char *type;
    json_t *media;
    json_object_foreach (json_object_get(json, "content"), type, media)
        schema = json_object_get(media, "schema");
    char *called = input_name(inputs, name, in), ref[2 * HTTP_NAME + 16];
    snprintf(ref, sizeof(ref), "{%s}", called ? called : "");
    json_t *value = json_string(ref);
    struct param *param = operation_param(op, place, name, value);
    json_decref(value);
    param->style = style_of(json, param->style);
    const json_t *explode = json_object_get(json, "explode");
    param->explode = explode ? json_is_true(explode) : param->style == STYLE_FORM;
    json_object_set_new(inputs->properties, called,
                        described(taken_schema(&inputs->taken, schema), json));
    if (place == PLACE_PATH || json_is_true(json_object_get(json, "required")))
        json_array_append_new(inputs->required, json_string(called));
    free(called);
    return true;
}

static bool is_overridden(const struct openapi *o, const json_t *param, const json_t *by)
{
    size_t i;
    json_t *item;
    json_array_foreach (by, i, item) {
        const json_t *other = openapi_deref(o, item, "parameters");
        const char *name = text_at(other, "name"), *in = text_at(other, "in");
        if (name && in && text_at(param, "name") && text_at(param, "in") &&
            strcmp(name, text_at(param, "name")) == 0 && strcmp(in, text_at(param, "in")) == 0)
            return true;
    }
    return false;
}

static bool add_params(const struct openapi *o, struct operation *op, struct inputs *inputs,
                       const json_t *list, const json_t *by, const char *where)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const json_t *param = openapi_deref(o, item, where);
        if (!param || (!is_overridden(o, param, by) && !add_param(o, op, inputs, param, where)))
            return false;
    }
    return true;
}

/* Each {name} of the path is a parameter of it. */
static bool check_path(const struct openapi *o, const struct operation *op, const char *where)
{
    for (const char *at = strchr(op->path, '{'); at; at = strchr(at + 1, '{')) {
        size_t len = strcspn(at + 1, "}");
        bool found = false;
        for (size_t i = 0; i < op->param_count; i++)
            found =
                found || (op->params[i].place == PLACE_PATH && strlen(op->params[i].name) == len &&
                          memcmp(op->params[i].name, at + 1, len) == 0);
        if (!found)
            return trouble_say(o->t, "%s: the path has {%.*s}, and no parameter is called so",
                               where, (int)len, at + 1);
    }
    return true;
}

/* ---- bodies and answers ---- */

static bool is_json(const char *type)
{
    size_t len = strcspn(type, "; ");
    return (len == 16 && strncasecmp(type, "application/json", 16) == 0) ||
           (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0) ||
           strncmp(type, "*/*", 3) == 0 || strncmp(type, "application/*", 13) == 0;
}

/* The media type of a `content` that is JSON, a form or text, in this order; NULL: none is. */
static const char *choose_media(json_t *content, bool forms)
{
    const char *type, *found = NULL;
    json_t *media;
    int best = 0;
    json_object_foreach (content, type, media) {
        int rank = strncasecmp(type, "application/json", 16) == 0                             ? 4
                   : is_json(type)                                                            ? 3
                   : forms && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0 ? 2
                   : strncasecmp(type, "text/", 5) == 0                                       ? 1
                                                                                              : 0;
        if (rank > best) {
            best = rank;
            found = type;
        }
    }
    return found;
}

static bool add_body(const struct openapi *o, struct operation *op, struct inputs *inputs,
                     const json_t *body, const char *where)
{
    json_t *content = json_object_get(body, "content");
    const char *type = choose_media(content, true);
    if (!type)
        return trouble_say(o->t, "%s/requestBody: neither JSON, a form nor text", where);
    json_t *media = json_object_get(content, type);
    op->body = strncasecmp(type, "application/json", 16) == 0         ? BODY_JSON
               : strncasecmp(type, "application/x-www-form", 22) == 0 ? BODY_FORM
                                                                      : BODY_TEXT;
    op->content = json_string("{body}");
    if (op->body == BODY_FORM) {
        json_t *encoding = json_object_get(media, "encoding");
        op->spellings = encoding ? json_incref(encoding) : json_object();
    } else if (op->body == BODY_TEXT) {
        json_t *value = json_string(type[0] == '*' ? "application/json" : type);
        operation_param(op, PLACE_HEADER, "Content-Type", value);
        json_decref(value);
    }
    json_object_set_new(inputs->properties, "body",
                        taken_schema(&inputs->taken, json_object_get(media, "schema")));
    if (json_is_true(json_object_get(body, "required")))
        json_array_append_new(inputs->required, json_string("body"));
    return true;
}

static json_t *answer_schema(struct taken *k, const json_t *response)
{
    json_t *content = json_object_get(response, "content");
    const char *type = choose_media(content, false);
    if (json_object_size(content) == 0)
        return json_pack("{s:s}", "type", "null");
    if (type && is_json(type))
        return taken_schema(k, json_object_get(json_object_get(content, type), "schema"));
    return type ? json_pack("{s:s}", "type", "string")
                : json_pack("{s:[s, s, s]}", "type", "string", "object", "null");
}

/* Of what the document says of the answer, what the agent gives. */
static json_t *narrowed(const struct operation *op, json_t *whole)
{
    json_t *part = op->take_header ? json_pack("{s:s}", "type", "string")
                   : op->take      ? operation_part(whole, op->take)
                                   : json_incref(whole);
    json_decref(whole);
    return part;
}

static bool add_answers(const struct openapi *o, struct operation *op, const json_t *json,
                        const char *where)
{
    struct taken k;
    json_t *any = json_array(), *item;
    const char *status;
    size_t i;
    bool known = true;
    taken_init(&k, o, where, "writeOnly");
    json_object_foreach (json_object_get(json, "responses"), status, item) {
        const json_t *response = status[0] == '2' ? openapi_deref(o, item, where) : NULL;
        json_t *schema = response ? answer_schema(&k, response) : NULL, *other;
        json_array_foreach (any, i, other)
            if (schema && json_equal(other, schema)) {
                json_decref(schema);
                schema = NULL;
            }
        if (schema)
            json_array_append_new(any, schema);
        known = known && (status[0] != '2' || response);
    }
    if (strcmp(op->method, "HEAD") == 0)
        op->output = json_pack("{s:s}", "type", "null");
    else if (json_array_size(any) == 1)
        op->output = json_incref(json_array_get(any, 0));
    else
        op->output = json_array_size(any) == 0 ? json_true() : json_pack("{s:O}", "anyOf", any);
    op->output = narrowed(op, taken_done(&k, op->output));
    json_decref(any);
    return known && o->t->text[0] == '\0';
}

/* ---- an operation ---- */

static char *summary_of(const struct operation *op, const json_t *json)
{
    const char *said = text_at(json, "summary");
    char summary[400];
    size_t begin = (size_t)snprintf(summary, sizeof(summary), "%s %.160s", op->method, op->path);
    snprintf(summary + begin, sizeof(summary) - begin, "%s%.160s", said ? ": " : "",
             said ? said : "");
    for (char *c = summary; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7F)
            *c = ' ';
    return strdup(summary);
}

static bool add_inputs(const struct openapi *o, struct operation *op, const json_t *item,
                       const json_t *json, const char *where)
{
    const json_t *body = openapi_deref(o, json_object_get(json, "requestBody"), where);
    struct inputs inputs = {
        .properties = json_object(), .required = json_array(), .has_body = body != NULL};
    taken_init(&inputs.taken, o, where, "readOnly");
    const json_t *own = json_object_get(json, "parameters");
    bool good = add_params(o, op, &inputs, json_object_get(item, "parameters"), own, where) &&
                add_params(o, op, &inputs, own, NULL, where) && check_path(o, op, where) &&
                (!body || add_body(o, op, &inputs, body, where));
    op->input = taken_done(&inputs.taken, json_pack("{s:s, s:o, s:o, s:b}", "type", "object",
                                                    "properties", inputs.properties, "required",
                                                    inputs.required, "additionalProperties", 0));
    return good && o->t->text[0] == '\0';
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* What the configuration says of this operation beside the document. */
static bool add_settings(const struct openapi *o, struct operation *op, const json_t *mine,
                         const char *where)
{
    op->statuses = json_incref(json_object_get(mine, "statuses"));
    op->take = copy(text_at(mine, "take"));
    op->take_header = copy(text_at(mine, "take_header"));
    op->key_ttl = copy(text_at(mine, "key_ttl"));
    return operation_takes(op, where, o->t) &&
           operation_pages(op, json_object_get(mine, "pages"), where, o->t);
}

/* Servers of its own are another place than that of the others; sent there it must not be. */
static bool check_place(const struct openapi *o, const json_t *item, const json_t *json,
                        const char *where)
{
    const json_t *servers = json_object_get(json, "servers");
    if (!servers)
        servers = json_object_get(item, "servers");
    if (!servers || o->placed || json_equal(servers, json_object_get(o->doc, "servers")))
        return true;
    return trouble_say(o->t,
                       "%s: it has servers of its own (cure: make it a service of its own, with "
                       "`url`)",
                       where);
}

static bool fill(const struct openapi *o, struct operation *op, const json_t *item,
                 const json_t *json, const json_t *mine, const char *where)
{
    const char *effect = text_at(mine, "effect");
    operation_effect(op, effect ? effect : text_at(json, "x-seam-effect"));
    op->summary = summary_of(op, json);
    return check_place(o, item, json, where) && add_settings(o, op, mine, where) &&
           add_inputs(o, op, item, json, where) && add_answers(o, op, json, where);
}

static bool add_operation(struct openapi *o, const json_t *item, const char *path,
                          const char *method, const json_t *json)
{
    char name[HTTP_NAME + 1], where[300];
    name_operation(json, method, path, name);
    if (!is_chosen(o, json, name))
        return true;
    snprintf(where, sizeof(where), "%s %.250s", method, path);
    const json_t *agents = json_object_get(o->settings, "agents"),
                 *mine = json_object_get(agents, name);
    if (!mine && text_at(json, "operationId"))
        mine = json_object_get(agents, text_at(json, "operationId"));
    const char *called = text_at(mine, "name");
    struct operation *op = service_add(o->s, called ? called : name, where, o->t);
    if (!op)
        return false;
    op->method = strdup(method);
    for (char *c = op->method; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    op->path = strdup(path);
    if (!fill(o, op, item, json, mine, where)) {
        if (is_named(o, json, name) || mine)
            return false;
        snprintf(o->s->left_out, sizeof(o->s->left_out), "%s", o->t->text);
        o->s->left_out_count++;
        o->t->text[0] = '\0';
        operation_done(op);
        o->s->operation_count--;
        return true;
    }
    const json_t *reconcile = json_object_get(mine, "reconcile");
    return !reconcile || declare_reconcile(o->s, called ? called : name, reconcile, where, o->t);
}

/* ---- the document ---- */

static bool add_path(struct openapi *o, const char *path, const json_t *value)
{
    static const char *const methods[] = {"get", "head", "post", "put", "patch", "delete", NULL};
    const json_t *item = openapi_deref(o, value, path);
    if (!item)
        return false;
    for (const char *const *method = methods; *method; method++) {
        const json_t *json = json_object_get(item, *method);
        if (json_is_object(json) && !add_operation(o, item, path, *method, json))
            return false;
    }
    return true;
}

/* The operation that is called so, by its operationId or as an agent: the agent's name. */
static bool find_operation(const struct openapi *o, const char *called,
                           char ret_name[static HTTP_NAME + 1])
{
    const char *path, *method;
    json_t *value, *json;
    json_object_foreach (json_object_get(o->doc, "paths"), path, value)
        json_object_foreach ((json_t *)(uintptr_t)openapi_deref(o, value, path), method, json) {
            const char *id = text_at(json, "operationId");
            if (!json_is_object(json))
                continue;
            name_operation(json, method, path, ret_name);
            if (strcmp(ret_name, called) == 0 || (id && strcmp(id, called) == 0))
                return true;
        }
    return false;
}

/* Whatever the configuration names is there. */
static bool check_names(const struct openapi *o)
{
    size_t i;
    json_t *item;
    const char *name;
    char made[HTTP_NAME + 1];
    json_array_foreach (json_object_get(o->settings, "operations"), i, item)
        if (!find_operation(o, json_string_value(item), made))
            return trouble_say(o->t,
                               "/openapi/operations/%zu: the document has no operation \"%s\"", i,
                               json_string_value(item));
    json_object_foreach (json_object_get(o->settings, "agents"), name, item) {
        const char *called = text_at(item, "name");
        if (!find_operation(o, name, made) ||
            !service_find(o->s, seam_text(called ? called : made)))
            return trouble_say(o->t, "/openapi/agents: \"%s\" is none of the operations", name);
    }
    return true;
}

static bool check_version(struct openapi *o)
{
    const char *version = text_at(o->doc, "openapi");
    o->old = version && strncmp(version, "3.0", 3) == 0;
    if (version && (o->old || strncmp(version, "3.1", 3) == 0))
        return true;
    return trouble_say(o->t,
                       "/openapi: expected an OpenAPI document of version 3.0 or 3.1, found %s",
                       version                              ? version
                       : json_object_get(o->doc, "swagger") ? "Swagger 2.0 (cure: convert it)"
                                                            : "none");
}

/* The first server's URL, its variables as they are unless said. */
static char *server_url(const json_t *doc)
{
    const json_t *server = json_array_get(json_object_get(doc, "servers"), 0);
    const char *url = text_at(server, "url"), *name;
    json_t *variables = json_object_get(server, "variables"), *variable, *values = json_object(),
           *text = json_string(url ? url : "");
    json_object_foreach (variables, name, variable)
        json_object_set(values, name, json_object_get(variable, "default"));
    json_t *filled = template_fill(text, values);
    char *made = filled && url ? strdup(json_string_value(filled)) : NULL;
    json_decref(values);
    json_decref(text);
    json_decref(filled);
    return made;
}

/* How a secret is sent, as the document says it, if the configuration does not. */
static void find_auth(struct service *s, const json_t *doc)
{
    const char *name;
    json_t *scheme;
    json_object_foreach (json_object_get(json_object_get(doc, "components"), "securitySchemes"),
                         name, scheme) {
        const char *type = text_at(scheme, "type"), *in = text_at(scheme, "in"),
                   *key = text_at(scheme, "name");
        if (s->auth != AUTH_NONE || !s->secret || !type)
            return;
        if (strcmp(type, "apiKey") == 0 && in && key && strcmp(in, "cookie") != 0) {
            s->auth = strcmp(in, "query") == 0 ? AUTH_QUERY : AUTH_HEADER;
            s->auth_name = strdup(key);
        } else if (strcmp(type, "http") == 0) {
            const char *how = text_at(scheme, "scheme");
            s->auth = how && strcasecmp(how, "basic") == 0 ? AUTH_BASIC : AUTH_BEARER;
        } else if (strcmp(type, "oauth2") == 0 || strcmp(type, "openIdConnect") == 0) {
            s->auth = AUTH_BEARER;
        }
    }
}

bool openapi_read(struct service *s, const json_t *settings, struct trouble *t)
{
    const char *path;
    json_t *value, *doc = json_object_get(settings, "document");
    struct openapi o = {.s = s, .doc = doc, .settings = settings, .t = t, .placed = s->url != NULL};
    bool good = check_version(&o);
    if (good && !s->url)
        s->url = server_url(doc);
    if (good && (!s->url || strstr(s->url, "://") == NULL))
        good = trouble_say(t, "/url: it is missing, and the document's first server has no whole "
                              "URL (cure: write `url`)");
    find_auth(s, doc);
    json_object_foreach (json_object_get(doc, "paths"), path, value)
        good = good && add_path(&o, path, value);
    good = good && check_names(&o);
    if (good && s->operation_count == 0)
        good = trouble_say(t, "/openapi: no operation of the document is chosen");
    return good;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * From a declaration to an operation. What is left out is what most services mean: inputs that
 * stand nowhere else are the body, or, where there is none, the query; and without an `input` the
 * inputs are those that the declaration names, those of the path required.
 */
#include "http.h"

/* What a walk over the templates of an operation finds. */
struct inputs {
    json_t *names;  /* those that are referred to, as members */
    json_t *schema; /* the input's; NULL: it is made of them */
    const char *where;
    struct trouble *t;
};

/* The member that a reference begins with. */
static char *first_name(const char *ref)
{
    if (*ref != '/')
        return strdup(ref);
    return strndup(ref + 1, strcspn(ref + 1, "/"));
}

static bool note(void *user, const char *ref)
{
    struct inputs *inputs = user;
    char *name = first_name(ref);
    json_t *properties = json_object_get(inputs->schema, "properties");
    bool known = !properties || json_object_get(properties, name) || strchr(name, '~');
    if (known)
        json_object_set_new(inputs->names, name, json_true());
    else
        trouble_say(inputs->t, "%s: {%s} is none of its inputs (cure: add it to `input`)",
                    inputs->where, ref);
    free(name);
    return known;
}

static bool note_all(struct inputs *inputs, const json_t *value, const char *member)
{
    return template_refs(value, note, inputs) ||
           trouble_say(inputs->t,
                       "%s/%s: the braces do not match (cure: an input is {name}, a brace is {{ or "
                       "}})",
                       inputs->where, member);
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach (json_object_get(schema, "required"), i, item)
        if (json_string_value(item) && strcmp(json_string_value(item), name) == 0)
            return true;
    return false;
}

static bool check_path(const struct inputs *path)
{
    const char *name;
    json_t *value;
    json_object_foreach (path->names, name, value) {
        if (path->schema && !is_required(path->schema, name))
            return trouble_say(path->t,
                               "%s/path: it cannot do without {%s} (cure: list `%s` among "
                               "`required` in `input`)",
                               path->where, name, name);
    }
    return true;
}

static void add_params(struct operation *op, enum place place, const json_t *params)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)params, name, value)
        operation_param(op, place, name, value);
}

/* {name: "{name}"} for each input that stands nowhere else. */
static json_t *the_rest(const json_t *schema, const json_t *names)
{
    json_t *rest = json_object();
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(schema, "properties"), name, value) {
        char ref[HTTP_NAME + 3];
        if (json_object_get(names, name) || strlen(name) > HTTP_NAME || strpbrk(name, "{}/"))
            continue;
        snprintf(ref, sizeof(ref), "{%s}", name);
        json_object_set_new(rest, name, json_string(ref));
    }
    return rest;
}

/* An input schema of what is referred to. */
static json_t *made_schema(const json_t *names, const json_t *path)
{
    json_t *properties = json_object(), *required = json_array();
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)names, name, value) {
        bool in_path = json_object_get(path, name) != NULL;
        json_object_set_new(properties, name,
                            in_path ? json_pack("{s:[s, s]}", "type", "string", "integer")
                                    : json_object());
        if (in_path)
            json_array_append_new(required, json_string(name));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}

static bool has_body(const struct operation *op)
{
    return strcmp(op->method, "POST") == 0 || strcmp(op->method, "PUT") == 0 ||
           strcmp(op->method, "PATCH") == 0;
}

static bool read_content(struct operation *op, const json_t *json, struct inputs *inputs)
{
    json_t *body = json_object_get(json, "body");
    bool form = json_is_true(json_object_get(json, "form"));
    if (body && !has_body(op))
        return trouble_say(inputs->t, "%s/body: a %s has none", inputs->where, op->method);
    if (body && !note_all(inputs, body, "body"))
        return false;
    json_t *rest = body ? json_incref(body) : the_rest(inputs->schema, inputs->names);
    if (!has_body(op)) {
        add_params(op, PLACE_QUERY, rest);
    } else if (body || json_object_size(rest) > 0) {
        op->body = form ? BODY_FORM : BODY_JSON;
        op->content = json_incref(rest);
    }
    json_decref(rest);
    return op->body != BODY_FORM || json_is_object(op->content) || json_is_string(op->content) ||
           trouble_say(inputs->t, "%s/body: a form is an object", inputs->where);
}

static bool read_request(struct operation *op, const json_t *json, struct inputs *inputs)
{
    json_t *path = json_object_get(json, "path"), *query = json_object_get(json, "query"),
           *headers = json_object_get(json, "headers");
    if (!note_all(inputs, path, "path") || !check_path(inputs))
        return false;
    json_t *in_path = json_copy(inputs->names);
    bool good = note_all(inputs, query, "query") && note_all(inputs, headers, "headers");
    add_params(op, PLACE_QUERY, query);
    add_params(op, PLACE_HEADER, headers);
    good = good && read_content(op, json, inputs);
    op->input = inputs->schema ? json_incref(inputs->schema) : made_schema(inputs->names, in_path);
    json_decref(in_path);
    return good;
}

static char *word(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? strdup(text) : NULL;
}

static char *summary_of(const struct operation *op, const json_t *json)
{
    const char *said = json_string_value(json_object_get(json, "summary"));
    char summary[500];
    snprintf(summary, sizeof(summary), "%s%s%s %.160s", said ? said : "", said ? ": " : "",
             op->method, op->path);
    return strdup(summary);
}

bool declare(struct service *s, const json_t *json, const char *where, struct trouble *t)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    struct operation *op = service_add(s, name, where, t);
    if (!op)
        return false;
    op->method = word(json, "method");
    op->path = word(json, "path");
    op->take = word(json, "take");
    op->take_header = word(json, "take_header");
    op->summary = summary_of(op, json);
    operation_effect(op, json_string_value(json_object_get(json, "effect")));
    op->destructive = op->destructive || json_is_true(json_object_get(json, "destructive"));
    op->statuses = json_incref(json_object_get(json, "statuses"));
    json_t *output = json_object_get(json, "output");
    op->output = output            ? json_incref(output)
                 : op->take_header ? json_pack("{s:s}", "type", "string")
                                   : json_true();
    op->key_ttl = word(json, "key_ttl");
    struct inputs inputs = {json_object(), json_object_get(json, "input"), where, t};
    bool good = operation_takes(op, where, t) && read_request(op, json, &inputs) &&
                operation_pages(op, json_object_get(json, "pages"), where, t);
    json_decref(inputs.names);
    const json_t *reconcile = json_object_get(json, "reconcile");
    return good && (!reconcile || declare_reconcile(s, name, reconcile, where, t));
}

/* ---- the reconcile agent ---- */

static json_t *reconcile_input(void)
{
    return json_pack("{s:s, s:{s:{s:s}, s:{}, s:{s:s}, s:{}}, s:[s]}", "type", "object",
                     "properties", "key", "type", "string", "input", "effect", "type", "string",
                     "request", "required", "key");
}

static json_t *reconcile_output(const json_t *result)
{
    json_t *properties = json_pack("{s:{s:[s, s, s]}, s:O}", "outcome", "enum", "happened",
                                   "not_seen", "unknown", "result", result);
    json_t *schema = json_pack("{s:s, s:o, s:[s], s:b}", "type", "object", "properties", properties,
                               "required", "outcome", "additionalProperties", 0);
    json_t *defs = json_object_get(result, "$defs");
    if (defs) {
        json_t *bare = json_copy((json_t *)(uintptr_t)result);
        json_object_del(bare, "$defs");
        json_object_set_new(properties, "result", bare);
        json_object_set(schema, "$defs", defs);
    }
    return schema;
}

bool declare_reconcile(struct service *s, const char *of, const json_t *json, const char *where,
                       struct trouble *t)
{
    char name[HTTP_NAME + 32], place[128];
    snprintf(name, sizeof(name), "%.100s_reconcile", of);
    snprintf(place, sizeof(place), "%.100s/reconcile", where);
    struct operation *op = service_add(s, name, place, t);
    if (!op)
        return false;
    op->method = strdup("GET");
    op->path = word(json, "path");
    op->effect = SEAM_READ;
    op->asks = calloc(1, sizeof(*op->asks));
    op->asks->found = word(json, "found");
    op->asks->where = json_incref(json_object_get(json, "where"));
    json_t *schema = reconcile_input();
    struct inputs inputs = {json_object(), schema, place, t};
    json_object_set_new(schema, "required", json_pack("[s, s]", "key", "input"));
    add_params(op, PLACE_QUERY, json_object_get(json, "query"));
    add_params(op, PLACE_HEADER, json_object_get(json, "headers"));
    bool good = note_all(&inputs, json_object_get(json, "path"), "path") && check_path(&inputs) &&
                note_all(&inputs, json_object_get(json, "query"), "query") &&
                note_all(&inputs, json_object_get(json, "headers"), "headers") &&
                note_all(&inputs, op->asks->where, "where");
    json_decref(inputs.names);
    op->input = schema;
    char summary[200];
    snprintf(summary, sizeof(summary), "Finds out whether %.100s happened", of);
    op->summary = strdup(summary);
    struct operation *write = (struct operation *)(uintptr_t)service_find(s, seam_text(of));
    op->output = reconcile_output(write->output);
    write->reconcile = strdup(name);
    write->settle = word(json, "settle");
    write->ref = word(json, "ref");
    return good && (write->effect == SEAM_WRITE || write->effect == SEAM_WRITE_IDEMPOTENT ||
                    trouble_say(t, "%s: only a write is reconciled", place));
}

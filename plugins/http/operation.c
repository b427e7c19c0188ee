/* SPDX-License-Identifier: Apache-2.0
 *
 * An operation as an agent: its effect, and its contract in the form of a card. With pages, what it
 * gives is {items, more}, and the schema of the items is found in that of one page.
 */
#include "http.h"

#include <ctype.h>

void operation_done(struct operation *op)
{
    char *texts[] = {op->name,        op->summary,
                     op->method,      op->path,
                     op->take,        op->take_header,
                     op->pages.next,  op->pages.items,
                     op->pages.param, op->reconcile,
                     op->settle,      op->ref,
                     op->key_ttl,     op->asks ? op->asks->found : NULL};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    for (size_t i = 0; i < op->param_count; i++) {
        free(op->params[i].name);
        json_decref(op->params[i].value);
    }
    free(op->params);
    json_decref(op->content);
    json_decref(op->spellings);
    json_decref(op->input);
    json_decref(op->output);
    json_decref(op->statuses);
    if (op->asks)
        json_decref(op->asks->where);
    free(op->asks);
}

struct param *operation_param(struct operation *op, enum place place, const char *name,
                              json_t *value)
{
    struct param *more = realloc(op->params, (op->param_count + 1) * sizeof(*op->params));
    if (!more)
        abort();
    op->params = more;
    struct param *param = &op->params[op->param_count++];
    bool listed = place == PLACE_QUERY || place == PLACE_COOKIE;
    *param = (struct param){.place = place,
                            .name = strdup(name),
                            .value = json_incref(value),
                            .style = listed ? STYLE_FORM : STYLE_SIMPLE,
                            .explode = listed};
    return param;
}

static const char *const effects[] = {"pure", "read", "write_idempotent", "write"};

void operation_effect(struct operation *op, const char *said)
{
    bool looks = strcmp(op->method, "GET") == 0 || strcmp(op->method, "HEAD") == 0;
    bool again = strcmp(op->method, "PUT") == 0 || strcmp(op->method, "DELETE") == 0;
    op->effect = looks ? SEAM_READ : again ? SEAM_WRITE_IDEMPOTENT : SEAM_WRITE;
    for (uint32_t i = SEAM_READ; said && i <= SEAM_WRITE; i++)
        if (strcmp(effects[i], said) == 0)
            op->effect = i;
    op->destructive = strcmp(op->method, "DELETE") == 0;
}

static char *word(const json_t *json, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? strdup(text) : otherwise ? strdup(otherwise) : NULL;
}

bool operation_takes(struct operation *op, const char *where, struct trouble *t)
{
    for (char *c = op->take_header; c && *c; c++)
        *c = (char)tolower((unsigned char)*c); /* as the host gives them */
    return !op->take || !op->take_header ||
           trouble_say(t, "%s: `take` and `take_header` both say where the output stands", where);
}

bool operation_pages(struct operation *op, const json_t *json, const char *where, struct trouble *t)
{
    static const char *const words[] = {"", "link", "cursor", "page", "offset"};
    const char *by = json_string_value(json_object_get(json, "by"));
    struct pages *pages = &op->pages;
    if (!json)
        return true;
    for (size_t i = 1; by && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(by, words[i]) == 0)
            pages->by = (enum by)i;
    pages->items = word(json, "items", "");
    pages->next = word(json, "next", NULL);
    pages->param = word(json, "param", NULL);
    const json_t *start = json_object_get(json, "start"), *limit = json_object_get(json, "limit");
    pages->start = start ? json_integer_value(start) : 1;
    pages->limit = limit ? (int)json_integer_value(limit) : HTTP_PAGES;
    if (pages->by == BY_CURSOR && !pages->next)
        return trouble_say(t, "%s/pages: `next` is missing: where in a page the cursor stands",
                           where);
    if ((pages->by == BY_PAGE || pages->by == BY_OFFSET) && !pages->param)
        return trouble_say(t, "%s/pages: `param` is missing: the parameter that counts", where);
    return op->effect == SEAM_READ ||
           trouble_say(t, "%s/pages: only a `read` has pages, and this is `%s`", where,
                       effects[op->effect]);
}

/* ---- as a card has it ---- */

/* What a schema refers to, or itself. */
static const json_t *followed(const json_t *whole, const json_t *at)
{
    const char *ref;
    for (int depth = 0; (ref = json_string_value(json_object_get(at, "$ref"))); depth++) {
        if (strncmp(ref, "#/$defs/", 8) != 0 || depth == HTTP_DEPTH)
            return NULL;
        at = json_object_get(json_object_get(whole, "$defs"), ref + 8);
    }
    return at;
}

/* The schema of a member, or of the items; of several that hold together the first that tells. */
static const json_t *part_of(const json_t *whole, const json_t *schema, const char *token,
                             int depth)
{
    const json_t *at = followed(whole, schema), *found, *each;
    size_t i;
    if (depth == 0)
        return NULL;
    found = json_object_get(json_object_get(at, "properties"), token);
    if (!found && *token && strspn(token, "0123456789") == strlen(token))
        found = json_object_get(at, "items");
    json_array_foreach (json_object_get(at, "allOf"), i, each)
        if (!found)
            found = part_of(whole, each, token, depth - 1);
    return found;
}

/* The schema at a place of what fits the whole; NULL: it cannot be told. */
static const json_t *schema_at(const json_t *whole, const char *pointer)
{
    const json_t *at = whole;
    for (char token[HTTP_NAME + 1]; at && *pointer;) {
        size_t len = strcspn(pointer + 1, "/");
        if (len > HTTP_NAME)
            return NULL;
        memcpy(token, pointer + 1, len);
        token[len] = '\0';
        at = part_of(whole, at, token, HTTP_DEPTH);
        pointer += 1 + len;
    }
    return followed(whole, at);
}

/* The schema of the items of one page; NULL: it cannot be told. */
static json_t *items_schema(const json_t *page, const char *pointer)
{
    return json_deep_copy(json_object_get(schema_at(page, pointer), "items"));
}

json_t *operation_part(const json_t *whole, const char *pointer)
{
    const json_t *at = schema_at(whole, pointer);
    json_t *part = json_is_object(at) ? json_copy((json_t *)(uintptr_t)at) : json_true();
    json_t *defs = json_object_get(whole, "$defs");
    if (defs && json_is_object(part))
        json_object_set(part, "$defs", defs);
    return part;
}

static json_t *output_of(const struct operation *op)
{
    if (op->pages.by == BY_NOTHING)
        return json_incref(op->output);
    json_t *items = items_schema(op->output, op->pages.items);
    json_t *schema =
        json_pack("{s:s, s:{s:{s:s, s:o}, s:{s:s}}, s:[s, s], s:b}", "type", "object", "properties",
                  "items", "type", "array", "items", items ? items : json_true(), "more", "type",
                  "boolean", "required", "items", "more", "additionalProperties", 0);
    json_t *defs = json_object_get(op->output, "$defs");
    if (defs)
        json_object_set(schema, "$defs", defs);
    return schema;
}

static void put(json_t *agent, const char *key, const char *text)
{
    if (text)
        json_object_set_new(agent, key, json_string(text));
}

static json_t *describe(const struct operation *op)
{
    json_t *agent = json_pack("{s:s, s:s, s:s, s:b, s:O, s:o}", "name", op->name, "summary",
                              op->summary, "effect", effects[op->effect], "open_world", 1, "input",
                              op->input, "output", output_of(op));
    if (op->destructive)
        json_object_set_new(agent, "destructive", json_true());
    put(agent, "reconcile", op->reconcile);
    put(agent, "settle", op->settle);
    put(agent, "ref", op->ref);
    put(agent, "key_ttl", op->key_ttl);
    return agent;
}

json_t *operations_describe(const struct service *s)
{
    json_t *agents = json_array();
    for (size_t i = 0; i < s->operation_count; i++)
        json_array_append_new(agents, describe(&s->operations[i]));
    return json_pack("{s:o}", "agents", agents);
}

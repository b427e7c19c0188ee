/* SPDX-License-Identifier: Apache-2.0
 *
 * From the input to a request: the path, the query, headers and body, each value in the spelling of
 * its place. All that comes from the input is percent-encoded, so no value adds a segment, a
 * parameter or a header; the host refuses what is then no URL. Secrets are placeholders, and go
 * nowhere but to the service's own URL.
 */
#include "http.h"

#include <strings.h>

enum { HEADERS = 128 };

static void put_encoded(FILE *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text))
            fputc(*text, out);
        else
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

static void put_scalar(FILE *out, const json_t *value, bool encode)
{
    char *text = text_of(value);
    if (text && encode)
        put_encoded(out, text);
    else if (text)
        fputs(text, out);
    free(text);
}

/* Its items, or its keys and values, one behind the other. */
static void put_joined(FILE *out, const json_t *value, const char *comma, bool explode, bool encode)
{
    const char *key, *before = "";
    size_t i;
    json_t *item;
    if (!json_is_array(value) && !json_is_object(value))
        put_scalar(out, value, encode);
    json_array_foreach (value, i, item) {
        fputs(before, out);
        put_scalar(out, item, encode);
        before = comma;
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        fputs(before, out);
        if (encode)
            put_encoded(out, key);
        else
            fputs(key, out);
        fputs(explode ? "=" : comma, out);
        put_scalar(out, item, encode);
        before = comma;
    }
}

/* ---- the path ---- */

static void put_matrix(FILE *out, const struct param *param, const json_t *value)
{
    size_t i;
    json_t *item;
    if (param->explode && json_is_array(value)) {
        json_array_foreach (value, i, item) {
            fprintf(out, ";%s=", param->name);
            put_scalar(out, item, true);
        }
    } else if (param->explode && json_is_object(value)) {
        fputc(';', out);
        put_joined(out, value, ";", true, true);
    } else {
        fprintf(out, ";%s=", param->name);
        put_joined(out, value, ",", false, true);
    }
}

static void put_segment(FILE *out, const struct param *param, const json_t *value)
{
    if (param && param->style == STYLE_MATRIX) {
        put_matrix(out, param, value);
    } else if (param && param->style == STYLE_LABEL) {
        fputc('.', out);
        put_joined(out, value, param->explode ? "." : ",", param->explode, true);
    } else if (param && param->style == STYLE_JSON) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        put_encoded(out, text ? text : "");
        free(text);
    } else {
        put_joined(out, value, ",", param && param->explode, true);
    }
}

static const struct param *path_param(const struct operation *op, const char *name, size_t len)
{
    for (size_t i = 0; i < op->param_count; i++)
        if (op->params[i].place == PLACE_PATH && strlen(op->params[i].name) == len &&
            memcmp(op->params[i].name, name, len) == 0)
            return &op->params[i];
    return NULL;
}

static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* False: a part of it would be empty, and the path that of something else, of all pets, say. */
static bool put_path(FILE *out, const struct operation *op, const json_t *input)
{
    for (const char *at = op->path; *at; at++) {
        size_t len = *at == '{' && at[1] != '{' ? strcspn(at + 1, "}") : 0;
        if (len == 0) {
            at += at[0] == at[1] && (*at == '{' || *at == '}') ? 1 : 0;
            if (*at == '{' || *at == '}')
                fprintf(out, "%%%02X", (unsigned)*at);
            else
                fputc(*at, out);
            continue;
        }
        const struct param *param = path_param(op, at + 1, len);
        json_t *value = param ? template_fill(param->value, input)
                              : json_incref((json_t *)(uintptr_t)template_find(input, at + 1, len));
        bool empty = is_empty(value);
        put_segment(out, param, value);
        json_decref(value);
        if (empty)
            return false;
        at += 1 + len;
    }
    return true;
}

/* ---- the query, and forms ---- */

struct pairs {
    FILE *out;
    char before; /* what stands before the next pair; '\0': nothing */
};

static void put_name(struct pairs *pairs, const char *name)
{
    if (pairs->before)
        fputc(pairs->before, pairs->out);
    pairs->before = '&';
    put_encoded(pairs->out, name);
    fputc('=', pairs->out);
}

/* name[key][key]=value, as deep as the value is. */
static void put_deep(struct pairs *pairs, const char *name, const json_t *value, int depth)
{
    const char *key;
    size_t i;
    json_t *item;
    char *inner = NULL;
    if (depth == 0 || (!json_is_object(value) && !json_is_array(value))) {
        put_name(pairs, name);
        put_scalar(pairs->out, value, true);
        return;
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        if (asprintf(&inner, "%s[%s]", name, key) < 0)
            return;
        put_deep(pairs, inner, item, depth - 1);
        free(inner);
    }
    json_array_foreach (value, i, item) {
        if (asprintf(&inner, "%s[%zu]", name, i) < 0)
            return;
        put_deep(pairs, inner, item, depth - 1);
        free(inner);
    }
}

static void put_exploded(struct pairs *pairs, const char *name, const json_t *value)
{
    const char *key;
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item) {
        put_name(pairs, name);
        put_scalar(pairs->out, item, true);
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        put_name(pairs, key);
        put_scalar(pairs->out, item, true);
    }
}

static void put_pair(struct pairs *pairs, const char *name, const json_t *value, enum style style,
                     bool explode)
{
    static const char *const commas[] = {[STYLE_SPACE] = "%20", [STYLE_PIPE] = "%7C"};
    bool many = json_is_array(value) || json_is_object(value);
    if (!value || json_is_null(value))
        return;
    if (many && style == STYLE_DEEP) {
        put_deep(pairs, name, value, HTTP_DEPTH);
    } else if (many && explode && style == STYLE_FORM) {
        put_exploded(pairs, name, value);
    } else {
        put_name(pairs, name);
        if (many && style != STYLE_JSON)
            put_joined(pairs->out, value,
                       style == STYLE_SPACE || style == STYLE_PIPE ? commas[style] : ",", false,
                       true);
        else
            put_scalar(pairs->out, value, true);
    }
}

static void put_query(FILE *out, const struct operation *op, const json_t *input)
{
    struct pairs pairs = {out, '?'};
    for (size_t i = 0; i < op->param_count; i++) {
        const struct param *param = &op->params[i];
        if (param->place != PLACE_QUERY)
            continue;
        json_t *value = template_fill(param->value, input);
        put_pair(&pairs, param->name, value, param->style, param->explode);
        json_decref(value);
    }
}

/* Of a form, an object within it is JSON unless its spelling is said (OpenAPI 3.1, 4.8.15). */
static char *form_text(const struct operation *op, const json_t *content)
{
    char *text = NULL;
    size_t size = 0;
    const char *name;
    json_t *value;
    struct pairs pairs = {open_memstream(&text, &size), '\0'};
    if (!pairs.out)
        return NULL;
    json_object_foreach ((json_t *)(uintptr_t)content, name, value) {
        const json_t *spelling = json_object_get(op->spellings, name),
                     *explode = json_object_get(spelling, "explode");
        const char *said = json_string_value(json_object_get(spelling, "style"));
        bool deep = said ? strcmp(said, "deepObject") == 0 : op->spellings == NULL;
        enum style style = deep                                          ? STYLE_DEEP
                           : said && strcmp(said, "spaceDelimited") == 0 ? STYLE_SPACE
                           : said && strcmp(said, "pipeDelimited") == 0  ? STYLE_PIPE
                           : json_is_object(value) && !said              ? STYLE_JSON
                                                                         : STYLE_FORM;
        put_pair(&pairs, name, value, style, explode ? json_is_true(explode) : true);
    }
    fclose(pairs.out);
    return text;
}

/* ---- headers ---- */

static void add_header(struct request *r, const char *name, char *value)
{
    if (!value || r->header_count + 2 > 2 * HEADERS) {
        free(value);
        return;
    }
    r->headers[r->header_count++] = strdup(name);
    r->headers[r->header_count++] = value;
    r->headers[r->header_count] = NULL;
}

static void put_headers(struct request *r, const struct service *s, const struct operation *op,
                        const json_t *input)
{
    const char *name;
    json_t *constant;
    char *cookies = NULL;
    size_t size = 0;
    FILE *jar = open_memstream(&cookies, &size);
    struct pairs pairs = {jar, '\0'};
    json_object_foreach (s->headers, name, constant)
        add_header(r, name, text_of(constant));
    for (size_t i = 0; jar && i < op->param_count; i++) {
        const struct param *param = &op->params[i];
        char *text = NULL;
        json_t *value = param->place >= PLACE_HEADER ? template_fill(param->value, input) : NULL;
        FILE *out = value && !json_is_null(value) ? open_memstream(&text, &size) : NULL;
        if (out) {
            if (param->style == STYLE_JSON)
                put_scalar(out, value, false);
            else
                put_joined(out, value, ",", param->explode, param->place == PLACE_COOKIE);
            fclose(out);
        }
        if (text && param->place == PLACE_COOKIE) {
            fprintf(jar, "%s%s=%s", pairs.before ? "; " : "", param->name, text);
            pairs.before = ';';
        } else if (text) {
            add_header(r, param->name, strdup(text));
        }
        free(text);
        json_decref(value);
    }
    if (jar)
        fclose(jar);
    if (cookies && *cookies)
        add_header(r, "Cookie", strdup(cookies));
    free(cookies);
}

static bool has_header(const struct request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i += 2)
        if (strcasecmp(r->headers[i], name) == 0)
            return true;
    return false;
}

/* ---- who one says one is ---- */

static bool put_auth(struct request *r, const struct service *s, const seam_host *host,
                     seam_id call)
{
    if (s->auth == AUTH_NONE)
        return true;
    r->secret = seam_secret_basic(host, call, s->secret, s->auth == AUTH_BASIC ? s->user : NULL);
    if (r->secret.answer.status != SEAM_OK) {
        seam_complete_answer(host, call, &r->secret.answer);
        return false;
    }
    int length = (int)r->secret.placeholder.len;
    const char *word = r->secret.placeholder.ptr, *prefix = s->auth == AUTH_BEARER  ? "Bearer "
                                                            : s->auth == AUTH_BASIC ? "Basic "
                                                            : s->prefix             ? s->prefix
                                                                                    : "";
    char *value = NULL;
    if (s->auth == AUTH_QUERY) {
        if (asprintf(&value, "%s%c%s=%.*s", r->url, strchr(r->url, '?') ? '&' : '?', s->auth_name,
                     length, word) < 0)
            return true;
        free(r->url);
        r->url = value;
    } else if (asprintf(&value, "%s%.*s", prefix, length, word) >= 0) {
        add_header(r, s->auth == AUTH_HEADER ? s->auth_name : "Authorization", value);
    }
    return true;
}

/* ---- the whole ---- */

static void put_content(struct request *r, const struct operation *op, const json_t *input)
{
    json_t *content = op->content ? template_fill(op->content, input) : NULL;
    if (content && op->body == BODY_FORM) {
        r->body = form_text(op, content);
        r->http.body = seam_text(r->body ? r->body : "");
        if (!has_header(r, "Content-Type"))
            add_header(r, "Content-Type", strdup("application/x-www-form-urlencoded"));
    } else if (content && op->body == BODY_TEXT) {
        r->body = text_of(content);
        r->http.body = seam_text(r->body ? r->body : "");
    } else if (content) {
        r->body = json_dumps(content, JSON_COMPACT | JSON_ENCODE_ANY);
        r->http.json = seam_text(r->body ? r->body : "");
    }
    json_decref(content);
}

bool request_make(struct request *r, const struct service *s, const struct operation *op,
                  const seam_host *host, const seam_call *call, const json_t *input)
{
    size_t size = 0;
    *r = (struct request){.http = {.method = op->method, .timeout_ms = s->timeout_ms}};
    FILE *out = open_memstream(&r->url, &size);
    if (!out) {
        seam_complete_error(host, call->id, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "",
                            "memory is short");
        return false;
    }
    fputs(s->url, out);
    bool whole = put_path(out, op, input);
    put_query(out, op, input);
    fclose(out);
    if (!whole) {
        seam_complete_error(host, call->id, SEAM_E_INPUT, SEAM_EFFECT_NONE, "http.input",
                            "an input that stands in the path is empty, and the path would be "
                            "another's");
        return false;
    }
    put_headers(r, s, op, input);
    if (!has_header(r, "Accept"))
        add_header(r, "Accept", strdup("application/json, */*;q=0.5"));
    put_content(r, op, input);
    if (!put_auth(r, s, host, call->id))
        return false;
    r->http.url = r->url;
    r->http.headers = (const char *const *)r->headers;
    return true;
}

/* scheme://host:port of a URL. */
static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

bool request_turn(struct request *r, const struct service *s, const char *url, const char *param,
                  const char *value)
{
    char *made = NULL;
    size_t size = 0, origin = origin_length(s->url);
    if (url && url[0] != '/' && (origin_length(url) != origin || strncmp(url, s->url, origin) != 0))
        return false;
    FILE *out = open_memstream(&made, &size);
    if (!out)
        return false;
    if (url && url[0] == '/')
        fwrite(s->url, 1, origin, out);
    fputs(url ? url : r->url, out);
    if (param) {
        struct pairs pairs = {out, strchr(r->url, '?') ? '&' : '?'};
        put_name(&pairs, param);
        put_encoded(out, value);
    } else if (s->auth == AUTH_QUERY) {
        fprintf(out, "%c%s=%.*s", strchr(url, '?') ? '&' : '?', s->auth_name,
                (int)r->secret.placeholder.len, r->secret.placeholder.ptr);
    }
    fclose(out);
    if (r->http.url != r->url)
        free((char *)(uintptr_t)r->http.url);
    r->http.url = made;
    return true;
}

void request_done(struct request *r)
{
    if (r->http.url != r->url)
        free((char *)(uintptr_t)r->http.url);
    for (size_t i = 0; i < r->header_count; i++)
        free(r->headers[i]);
    free(r->url);
    free(r->body);
    seam_secret_done(&r->secret);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A document of a service, JSON or YAML, from a file that the operator granted. YAML is read as
 * JSON is (its core schema): what stands in quotes is text, keys are text, and what JSON could not
 * say is refused: keys twice, keys that are no scalars, infinities, merges. Aliases are shared and
 * counted, so that a small file cannot become a large tree.
 */
#include "http.h"

#include <errno.h>
#include <yaml.h>

enum { DOCUMENT_BYTES = 16 << 20, DOCUMENT_NODES = 1000000, DOCUMENT_DEPTH = 128 };

struct reader {
    yaml_parser_t parser;
    json_t *anchors; /* name → value */
    const char *file;
    size_t nodes;
    struct trouble *t;
};

static json_t *refuse(struct reader *r, const yaml_event_t *event, const char *why)
{
    trouble_say(r->t, "%s:%zu:%zu: %s", r->file, event->start_mark.line + 1,
                event->start_mark.column + 1, why);
    return NULL;
}

static bool next(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return true;
    trouble_say(r->t, "%s:%zu: %s", r->file, r->parser.problem_mark.line + 1,
                r->parser.problem ? r->parser.problem : "it cannot be read");
    return false;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* A scalar without quotes, by the core schema. */
static json_t *plain(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const truths[] = {"true", "True", "TRUE", NULL};
    static const char *const lies[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(text, nulls))
        return json_null();
    if (is_one_of(text, truths))
        return json_true();
    if (is_one_of(text, lies))
        return json_false();
    char *end;
    size_t sign = text[0] == '-' || text[0] == '+';
    bool digits = text[sign] >= '0' && text[sign] <= '9';
    if (digits && strspn(text + sign, "0123456789") == strlen(text + sign)) {
        errno = 0;
        long long integer = strtoll(text, &end, 10);
        return errno == 0 ? json_integer(integer) : json_string(text);
    }
    if ((digits || text[sign] == '.') && strspn(text, "0123456789.eE+-") == strlen(text)) {
        double real = strtod(text, &end);
        json_t *number = *end == '\0' && end > text ? json_real(real) : NULL;
        return number ? number : json_string(text);
    }
    return json_string(text);
}

static json_t *scalar(struct reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    json_t *value = quoted || (event->data.scalar.tag &&
                               strcmp((const char *)event->data.scalar.tag, YAML_STR_TAG) == 0)
                        ? json_stringn(text, event->data.scalar.length)
                        : plain(text);
    return value ? value : refuse(r, event, "this is not UTF-8");
}

static json_t *value(struct reader *r, yaml_event_t *event, int depth);

static json_t *list(struct reader *r, int depth)
{
    json_t *array = json_array();
    yaml_event_t event;
    while (next(r, &event)) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        json_t *item = end ? NULL : value(r, &event, depth);
        yaml_event_delete(&event);
        if (end)
            return array;
        if (!item || json_array_append_new(array, item) != 0)
            break;
    }
    json_decref(array);
    return NULL;
}

/* Reads the value of the key that the event is, into the object. */
static bool member(struct reader *r, const yaml_event_t *key, json_t *object, int depth)
{
    yaml_event_t event;
    if (key->type != YAML_SCALAR_EVENT)
        return refuse(r, key, "a key must be a scalar") != NULL;
    const char *name = (const char *)key->data.scalar.value;
    if (strcmp(name, "<<") == 0)
        return refuse(r, key, "merges are not read (cure: write the members out)") != NULL;
    if (json_object_get(object, name))
        return refuse(r, key, "this key is there twice") != NULL;
    if (!next(r, &event))
        return false;
    json_t *item = value(r, &event, depth);
    yaml_event_delete(&event);
    return item && json_object_set_new(object, name, item) == 0;
}

static json_t *map(struct reader *r, int depth)
{
    json_t *object = json_object();
    yaml_event_t event;
    while (next(r, &event)) {
        bool end = event.type == YAML_MAPPING_END_EVENT;
        bool good = end || member(r, &event, object, depth);
        yaml_event_delete(&event);
        if (end)
            return object;
        if (!good)
            break;
    }
    json_decref(object);
    return NULL;
}

static json_t *value(struct reader *r, yaml_event_t *event, int depth)
{
    json_t *made = NULL;
    const yaml_char_t *anchor = NULL;
    if (depth == 0)
        return refuse(r, event, "this is nested too deep");
    if (++r->nodes > DOCUMENT_NODES)
        return refuse(r, event, "the document is too large");
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        made = json_object_get(r->anchors, (const char *)event->data.alias.anchor);
        return made ? json_incref(made) : refuse(r, event, "there is no such anchor");
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        made = scalar(r, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        made = list(r, depth - 1);
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        made = map(r, depth - 1);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return refuse(r, event, "expected a value");
    }
    if (made && anchor)
        json_object_set(r->anchors, (const char *)anchor, made);
    return made;
}

static json_t *read_yaml(const char *text, size_t len, const char *file, struct trouble *t)
{
    struct reader r = {.anchors = json_object(), .file = file, .t = t};
    yaml_event_t event;
    json_t *made = NULL;
    if (!yaml_parser_initialize(&r.parser))
        return NULL;
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    for (bool begun = false; !begun && next(&r, &event); yaml_event_delete(&event)) {
        begun = event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT;
        if (begun)
            made = value(&r, &event, DOCUMENT_DEPTH);
    }
    yaml_parser_delete(&r.parser);
    json_decref(r.anchors);
    return made;
}

json_t *document_load(const char *file, struct trouble *t)
{
    FILE *in = fopen(file, "re");
    char *text = malloc(DOCUMENT_BYTES + 1);
    json_t *made = NULL;
    json_error_t error;
    if (!in || !text) {
        trouble_say(t,
                    "/openapi/file: %s: %s (cure: an absolute path, and a grant: fs: [{path: %s, "
                    "mode: r}])",
                    file, strerror(errno), file);
    } else {
        size_t len = fread(text, 1, DOCUMENT_BYTES + 1, in),
               blank = len > 0 ? strspn(text, " \t\r\n") : 0;
        if (len > DOCUMENT_BYTES)
            trouble_say(t, "%s: it has more than %d bytes", file, DOCUMENT_BYTES);
        else if (blank < len && text[blank] == '{')
            made = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
        else
            made = read_yaml(text, len, file, t);
        if (!made && blank < len && text[blank] == '{')
            trouble_say(t, "%s:%d:%d: %s", file, error.line, error.column, error.text);
    }
    if (in)
        fclose(in);
    free(text);
    return made;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML to json_t, event by event. What YAML has beyond JSON is either the same thing spelled
 * otherwise, or refused with what to write instead: merge keys, foreign tags, keys that are not
 * strings, several documents. An alias shares the value of its anchor; what it would be when
 * written out counts against LIMIT_YAML_NODES and LIMIT_DEPTH, so nothing small can mean something
 * huge to those who walk the value.
 *
 * Each read_* function is entered with the reader standing on the first event of its value and
 * leaves it standing on the last.
 */
#include "document/document_internal.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct anchor {
    char *name;
    json_t *value;
    uint64_t content;
    size_t nodes;
    int height;
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    const char *name;
    struct slice text;
    struct places *places;
    struct anchor *anchors;
    size_t anchor_count;
    size_t nodes; /* of the document, with aliases written out */
    bool foreign; /* see document_load_foreign */
    struct error *reterr;
};

/* Where a value stands in the tree; what reading it found out. */
struct spot {
    uint64_t path;
    int depth;
    bool has_key;
    struct position key;
};

struct found {
    json_t *value;
    int height;
};

static struct position mark_position(yaml_mark_t mark)
{
    return (struct position){(int)mark.line + 1, (int)mark.column + 1};
}

static struct position here(const struct reader *r)
{
    return mark_position(r->event.start_mark);
}

#define REFUSE(r, at, ...) document_complain((r)->reterr, ERR_INPUT, (r)->name, at, __VA_ARGS__)

/* The text of a line, from 1, without its end. */
static struct slice line_of(struct slice text, int line)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    for (; line > 1 && p < end; line--) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline ? newline + 1 : end;
    }
    const char *newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    return (struct slice){p, (size_t)((newline ? newline : end) - p)};
}

/* What the scanner's words usually mean in a flow. */
static const char *parser_hint(const struct reader *r, struct position at)
{
    struct slice line = line_of(r->text, at.line);
    const char *problem = r->parser.problem ? r->parser.problem : "";
    bool tab = memchr(line.ptr, '\t', line.len) != NULL;
    if (strstr(problem, "tab character") || (tab && strstr(problem, "cannot start")))
        return "; YAML is indented with spaces, not tabs";
    if (strstr(problem, "cannot start"))
        return "; put the value in quotes";
    if (memmem(line.ptr, line.len, "${", 2) && !strstr(problem, "unknown escape"))
        return "; put an expression in quotes, \"${ … }\", inside { } and [ ] and where it holds "
               "\": \"";
    if (strstr(problem, "mapping values are not allowed"))
        return "; put a value that holds \": \" in quotes, or mend the indentation";
    return "";
}

static enum error_code parser_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    struct position at = mark_position(p->problem_mark);
    const char *problem = p->problem ? p->problem : "malformed";
    if (p->error == YAML_MEMORY_ERROR)
        abort();
    if (p->error == YAML_READER_ERROR)
        at = document_position_of(r->text, p->problem_offset);
    if (p->context && p->context_mark.line + 1 != p->problem_mark.line + 1)
        return REFUSE(r, at, "bad YAML: %s, %s that began on line %zu%s", problem, p->context,
                      p->context_mark.line + 1, parser_hint(r, at));
    return REFUSE(r, at, "bad YAML: %s%s%s%s", problem, p->context ? ", " : "",
                  p->context ? p->context : "", parser_hint(r, at));
}

WARN_UNUSED static enum error_code next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return parser_error(r);
    return ERR_OK;
}

/* Counts nodes that the document gains here. */
WARN_UNUSED static enum error_code count_nodes(struct reader *r, size_t nodes)
{
    if (nodes > LIMIT_YAML_NODES - r->nodes)
        return document_complain(
            r->reterr, ERR_LIMIT, r->name, here(r),
            "more than %u values (LIMIT_YAML_NODES), aliases written out; split the "
            "document, or repeat less",
            LIMIT_YAML_NODES);
    r->nodes += nodes;
    return ERR_OK;
}

WARN_UNUSED static enum error_code check_depth(struct reader *r, int depth)
{
    if (depth > LIMIT_DEPTH)
        return document_complain(r->reterr, ERR_LIMIT, r->name, here(r),
                                 "nested more than %d deep (LIMIT_DEPTH)", LIMIT_DEPTH);
    return ERR_OK;
}

static const struct anchor *anchor_find(const struct reader *r, const char *name)
{
    for (size_t i = r->anchor_count; i-- > 0;)
        if (strcmp(r->anchors[i].name, name) == 0)
            return &r->anchors[i];
    return NULL;
}

/* Takes the name over, which may be NULL: then there is no anchor. */
WARN_UNUSED static enum error_code anchor_add(struct reader *r, char *name, struct anchor anchor)
{
    if (!name)
        return ERR_OK;
    if (r->anchor_count == LIMIT_YAML_ANCHORS) {
        free(name);
        return document_complain(r->reterr, ERR_LIMIT, r->name, here(r),
                                 "more than %d anchors (LIMIT_YAML_ANCHORS)", LIMIT_YAML_ANCHORS);
    }
    if (!r->anchors)
        r->anchors = xcalloc(LIMIT_YAML_ANCHORS, sizeof(*r->anchors));
    anchor.name = name;
    json_incref(anchor.value);
    r->anchors[r->anchor_count++] = anchor;
    return ERR_OK;
}

static const yaml_char_t *event_anchor(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.anchor;
    if (event->type == YAML_MAPPING_START_EVENT)
        return event->data.mapping_start.anchor;
    return event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor : NULL;
}

/* The event's tag, without the prefix of the core's; "" = none. */
static const char *event_tag(const yaml_event_t *event)
{
    static const char core[] = "tag:yaml.org,2002:";
    const char *tag =
        (const char *)(event->type == YAML_SCALAR_EVENT          ? event->data.scalar.tag
                       : event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.tag
                                                                 : event->data.sequence_start.tag);
    if (!tag)
        return "";
    return strncmp(tag, core, strlen(core)) == 0 ? tag + strlen(core) : tag;
}

static struct slice event_text(const yaml_event_t *event)
{
    return (struct slice){(const char *)event->data.scalar.value, event->data.scalar.length};
}

/* libyaml calls `! "5"` implicit too, so the style is asked as well. */
static bool is_plain(const yaml_event_t *event)
{
    return event->data.scalar.plain_implicit && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static enum error_code refuse_tag(struct reader *r, const char *tag)
{
    return REFUSE(r, here(r), "the tag %s%s is not supported here; leave it out",
                  tag[0] == '!' ? "" : "!", tag);
}

static const char *kind_tag(enum scalar_kind kind)
{
    switch (kind) {
    case SCALAR_STRING:
        return "str";
    case SCALAR_NULL:
        return "null";
    case SCALAR_BOOLEAN:
        return "bool";
    case SCALAR_INTEGER:
        return "int";
    case SCALAR_REAL:
        return "float";
    case SCALAR_NOT_FINITE:
    case SCALAR_TOO_BIG:
        break;
    }
    return "";
}

WARN_UNUSED static enum error_code read_scalar(struct reader *r, json_t **ret_value)
{
    const yaml_event_t *event = &r->event;
    struct slice text = event_text(event);
    const char *tag = event_tag(event);
    bool plain = is_plain(event);
    if (!plain && (tag[0] == '\0' || strcmp(tag, "!") == 0 || strcmp(tag, "str") == 0)) {
        *ret_value = json_stringn_nocheck(text.ptr, text.len);
        return ERR_OK;
    }
    json_t *value = NULL;
    enum scalar_kind kind = scalar_read(text, &value);
    int shown = text.len > 40 ? 40 : (int)text.len;
    if (kind == SCALAR_NOT_FINITE)
        return REFUSE(r, here(r), "%.*s is not a number that JSON has; quote it if it is a string",
                      shown, text.ptr);
    if (kind == SCALAR_TOO_BIG)
        return REFUSE(
            r, here(r),
            "the number %.*s is too big: integers have 64 bits, others those of a double; "
            "quote it to keep it as a string",
            shown, text.ptr);
    if (!plain && strcmp(tag, kind_tag(kind)) != 0) {
        json_decref(value);
        return refuse_tag(r, tag);
    }
    *ret_value = value;
    return ERR_OK;
}

WARN_UNUSED static enum error_code read_value(struct reader *r, struct spot spot,
                                              struct found *ret_found);

/* A number of one spelling, which as a key can be taken for no other. */
static bool is_counting(struct slice text)
{
    bool leads = text.len > 1 && text.ptr[0] == '0';
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return !leads;
}

/* Reads a key and moves on to its value. */
WARN_UNUSED static enum error_code read_key(struct reader *r, char **ret_key, size_t *ret_len)
{
    const yaml_event_t *event = &r->event;
    if (event->type == YAML_ALIAS_EVENT)
        return REFUSE(r, here(r), "a key cannot be an alias; write the key out");
    if (event->type != YAML_SCALAR_EVENT)
        return REFUSE(r, here(r), "a key must be a string, found %s",
                      event->type == YAML_MAPPING_START_EVENT ? "a mapping" : "a sequence");
    struct slice text = event_text(event);
    if (is_plain(event)) {
        json_t *value = NULL;
        enum scalar_kind kind = scalar_read(text, &value);
        json_decref(value);
        if (slice_is(text, "<<"))
            return REFUSE(r, here(r),
                          "merge keys (<<) are not part of YAML 1.2; write the members out, or use "
                          "an alias for the whole value");
        if (kind != SCALAR_STRING && !(r->foreign && kind == SCALAR_INTEGER && is_counting(text)))
            return REFUSE(r, here(r), "a key must be a string: write \"%.*s\" in quotes",
                          text.len > 40 ? 40 : (int)text.len, text.ptr);
    }
    if (memchr(text.ptr, '\0', text.len))
        return REFUSE(r, here(r), "a key cannot hold a NUL character");
    char *key = xstrndup(text.ptr, text.len);
    const yaml_char_t *anchor = event_anchor(event);
    if (anchor) {
        AUTO(json_decrefp) json_t *value = json_stringn_nocheck(text.ptr, text.len);
        enum error_code e = anchor_add(r, xstrdup((const char *)anchor),
                                       (struct anchor){.value = value, .nodes = 1});
        if (e) {
            free(key);
            return e;
        }
    }
    *ret_key = key;
    *ret_len = text.len;
    return ERR_OK;
}

WARN_UNUSED static enum error_code read_member(struct reader *r, struct spot parent, json_t *object,
                                               int *height)
{
    AUTO(freep) char *key = NULL;
    size_t len = 0;
    struct spot spot = {.depth = parent.depth + 1, .has_key = true, .key = here(r)};
    enum error_code e = read_key(r, &key, &len);
    if (e)
        return e;
    spot.path = path_of_member(parent.path, (struct slice){key, len});
    if (json_object_getn(object, key, len)) {
        const struct place *first = places_seek(r->places, spot.path);
        return REFUSE(r, spot.key, "the key \"%.80s\" is here a second time, first at %d:%d", key,
                      first ? first->key.line : 0, first ? first->key.column : 0);
    }
    struct found found = {0};
    if ((e = next(r)) || (e = read_value(r, spot, &found)))
        return e;
    json_object_setn_new_nocheck(object, key, len, found.value);
    if (found.height >= *height)
        *height = found.height + 1;
    return next(r);
}

WARN_UNUSED static enum error_code read_mapping(struct reader *r, struct spot spot,
                                                struct found *ret_found)
{
    AUTO(json_decrefp) json_t *object = json_object();
    int height = 1;
    enum error_code e = next(r);
    while (!e && r->event.type != YAML_MAPPING_END_EVENT)
        e = read_member(r, spot, object, &height);
    if (e)
        return e;
    *ret_found = (struct found){TAKE(object), height};
    return ERR_OK;
}

WARN_UNUSED static enum error_code read_sequence(struct reader *r, struct spot spot,
                                                 struct found *ret_found)
{
    AUTO(json_decrefp) json_t *array = json_array();
    int height = 1;
    enum error_code e = next(r);
    while (!e && r->event.type != YAML_SEQUENCE_END_EVENT) {
        struct found found = {0};
        struct spot item = {.path = path_of_item(spot.path, json_array_size(array)),
                            .depth = spot.depth + 1};
        if ((e = read_value(r, item, &found)))
            return e;
        json_array_append_new(array, found.value);
        if (found.height >= height)
            height = found.height + 1;
        e = next(r);
    }
    if (e)
        return e;
    *ret_found = (struct found){TAKE(array), height};
    return ERR_OK;
}

WARN_UNUSED static enum error_code read_alias(struct reader *r, struct spot spot,
                                              struct found *ret_found)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    const struct anchor *anchor = anchor_find(r, name);
    enum error_code e;
    if (!anchor)
        return REFUSE(r, here(r),
                      "no anchor &%.80s is complete before its alias *%.80s; an anchor cannot hold "
                      "itself",
                      name, name);
    if ((e = count_nodes(r, anchor->nodes)) || (e = check_depth(r, spot.depth + anchor->height)))
        return e;
    places_add(r->places, (struct place){.path = spot.path,
                                         .content = anchor->content,
                                         .value = here(r),
                                         .key = spot.has_key ? spot.key : here(r)});
    *ret_found = (struct found){json_incref(anchor->value), anchor->height};
    return ERR_OK;
}

/* A value that is written here, of any kind; its place is listed already. */
WARN_UNUSED static enum error_code read_content(struct reader *r, struct spot spot,
                                                struct found *ret_found)
{
    const char *tag = event_tag(&r->event);
    enum error_code e;
    if (r->event.type == YAML_SCALAR_EVENT) {
        *ret_found = (struct found){NULL, 0};
        return read_scalar(r, &ret_found->value);
    }
    if ((e = check_depth(r, spot.depth + 1)))
        return e;
    bool mapping = r->event.type == YAML_MAPPING_START_EVENT;
    if (tag[0] && strcmp(tag, "!") != 0 && strcmp(tag, mapping ? "map" : "seq") != 0)
        return refuse_tag(r, tag);
    return mapping ? read_mapping(r, spot, ret_found) : read_sequence(r, spot, ret_found);
}

static enum error_code read_value(struct reader *r, struct spot spot, struct found *ret_found)
{
    if (r->event.type == YAML_ALIAS_EVENT)
        return read_alias(r, spot, ret_found);
    struct place place = {.path = spot.path,
                          .content = spot.path,
                          .value = here(r),
                          .key = spot.has_key ? spot.key : here(r)};
    const yaml_char_t *anchor = event_anchor(&r->event);
    AUTO(freep) char *name = anchor ? xstrdup((const char *)anchor) : NULL;
    size_t before = r->nodes;
    struct found found = {0};
    enum error_code e = count_nodes(r, 1);
    places_add(r->places, place);
    if (e || (e = read_content(r, spot, &found)))
        return e;
    e = anchor_add(r, TAKE(name),
                   (struct anchor){.value = found.value,
                                   .content = spot.path,
                                   .nodes = r->nodes - before,
                                   .height = found.height});
    if (e) {
        json_decref(found.value);
        return e;
    }
    *ret_found = found;
    return ERR_OK;
}

/* From the start of the stream to its end: one document, and nothing behind it. */
WARN_UNUSED static enum error_code read_stream(struct reader *r, json_t **ret_root)
{
    enum error_code e;
    struct found found = {0};
    if ((e = next(r)) || (e = next(r)))
        return e;
    if (r->event.type == YAML_STREAM_END_EVENT)
        return REFUSE(r, here(r), "there is nothing in it; expected a value, YAML or JSON");
    const yaml_version_directive_t *version = r->event.data.document_start.version_directive;
    if (version && (version->major != 1 || version->minor != 2))
        return REFUSE(r, here(r), "%%YAML %d.%d: only YAML 1.2 is read; leave the directive out",
                      version->major, version->minor);
    if ((e = next(r)) || (e = read_value(r, (struct spot){.path = PATH_ROOT}, &found)))
        return e;
    AUTO(json_decrefp) json_t *root = found.value;
    if ((e = next(r)) || (e = next(r)))
        return e;
    if (r->event.type != YAML_STREAM_END_EVENT)
        return REFUSE(r, here(r), "a second document begins here; a file holds one");
    *ret_root = TAKE(root);
    return ERR_OK;
}

enum error_code yaml_read(struct slice text, const char *name, bool foreign, struct places *places,
                          json_t **ret_root, struct error *reterr)
{
    struct reader r = {
        .name = name, .text = text, .places = places, .foreign = foreign, .reterr = reterr};
    size_t flaw = utf8_flaw(text);
    if (flaw < text.len)
        return REFUSE(&r, document_position_of(text, flaw), "byte 0x%02x is not UTF-8",
                      (unsigned)(unsigned char)text.ptr[flaw]);
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.ptr, text.len);
    enum error_code e = read_stream(&r, ret_root);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    for (size_t i = 0; i < r.anchor_count; i++) {
        free(r.anchors[i].name);
        json_decref(r.anchors[i].value);
    }
    free(r.anchors);
    return e;
}

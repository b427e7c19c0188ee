/* SPDX-License-Identifier: Apache-2.0
 *
 * A server's tools as agents. Names, schemas, descriptions and annotations are the server's word:
 * a name that could be taken for something else is refused, a schema is kept to itself, a
 * description is a line of text, and an annotation makes a tool more careful, never less, unless
 * the operator trusts the server or says himself what a tool does. What comes of it is pinned by
 * the host, agent by agent.
 */
#include "mcp.h"

#include <ctype.h>
#include <strings.h>

enum { SUMMARY_MAXIMUM = 300, SCHEMA_DEPTH = 64 };

void tools_free(struct tool *tools, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(tools[i].name);
        free(tools[i].summary);
        free(tools[i].input);
        free(tools[i].output);
        for (size_t k = 0; k < tools[i].param_count; k++) {
            free(tools[i].params[k].property);
            free(tools[i].params[k].header);
        }
        free(tools[i].params);
    }
    free(tools);
}

const struct tool *tools_find(const struct tool *tools, size_t count, seam_bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(tools[i].name) == name.len && memcmp(tools[i].name, name.ptr, name.len) == 0)
            return &tools[i];
    return NULL;
}

/* ---- names ---- */

/* As an agent's may be: what is no letter, digit or ._- can be taken for another name, or for no
 * name at all. */
static bool name_ok(const char *name, size_t len)
{
    if (len == 0 || len > NAME_MAXIMUM || !isalpha((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && (name[i] == '\0' || !strchr("._-", name[i])))
            return false;
    return true;
}

/* A name as it may be shown: what is odd in it as "?". */
static void show_name(const char *name, size_t len, char shown[100])
{
    size_t i = 0;
    for (; i < len && i < 99; i++)
        shown[i] = isprint((unsigned char)name[i]) ? name[i] : '?';
    shown[i] = '\0';
}

#define NAME_CURE                                                                                  \
    " (cure: ask the server's author; or name the tools that you want in `tools` of its `config`)"

static bool check_name(const struct tool *tools, size_t count, const char *name, size_t len,
                       struct trouble *trouble)
{
    char shown[100];
    show_name(name, len, shown);
    if (!name_ok(name, len))
        return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.name",
                           "the server names a tool \"%s\": expected a letter, then at most %d "
                           "letters, digits and ._-" NAME_CURE,
                           shown, NAME_MAXIMUM - 1);
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(tools[i].name, name) == 0)
            return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.name",
                               "the server has two tools that are taken for one another, \"%s\" "
                               "and \"%s\"" NAME_CURE,
                               tools[i].name, shown);
    return true;
}

/* ---- schemas ---- */

static bool is_data(seam_bytes key)
{
    return seam_json_is(key, "enum") || seam_json_is(key, "const") ||
           seam_json_is(key, "default") || seam_json_is(key, "examples");
}

static bool take_schema(const char *tool, const char *which, seam_bytes schema, char **to,
                        struct trouble *trouble)
{
    *to = schema_take(schema);
    return *to ||
           trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.schema",
                       "tool %s: its `%s` is no object, is nested too deeply, or refers to another "
                       "document, which is never fetched" NAME_CURE,
                       tool, which);
}

/* ---- arguments that go into headers, too ---- */

static bool is_token(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
            return false;
    return *text != '\0';
}

static bool is_primitive(seam_bytes schema)
{
    seam_bytes type = seam_json_at(schema, "/type");
    return seam_json_is(type, "string") || seam_json_is(type, "integer") ||
           seam_json_is(type, "boolean");
}

static bool add_param(struct tool *tool, const char *pointer, seam_bytes schema, seam_bytes said)
{
    char *header = seam_json_text(said, NULL);
    bool good = header && is_token(header) && is_primitive(schema);
    for (size_t i = 0; good && i < tool->param_count; i++)
        good = strcasecmp(tool->params[i].header, header) != 0;
    struct param *more =
        good ? realloc(tool->params, (tool->param_count + 1) * sizeof(*more)) : NULL;
    if (!more) {
        free(header);
        return false;
    }
    tool->params = more;
    more[tool->param_count++] = (struct param){strdup(pointer), header};
    return true;
}

static bool escape_token(const char *key, char *to, size_t room)
{
    size_t len = 0;
    for (; *key; key++) {
        if (len + 3 > room)
            return false;
        if (*key == '~' || *key == '/')
            to[len++] = '~';
        to[len++] = *key == '~' ? '0' : *key == '/' ? '1' : *key;
    }
    to[len] = '\0';
    return true;
}

static bool names_header(seam_bytes schema, int depth);

/* Arguments that are reached by names alone. False: one is annotated as it must not be. */
static bool read_params(struct tool *tool, seam_bytes schema, const char *at, int depth)
{
    seam_json_walk walk = seam_json_members(schema);
    while (seam_json_next(&walk)) {
        if (seam_json_is(walk.key, "x-mcp-header") || seam_json_is(walk.key, "properties"))
            continue;
        if (!is_data(walk.key) && names_header(walk.value, depth))
            return false;
    }
    walk = seam_json_members(seam_json_at(schema, "/properties"));
    while (depth < SCHEMA_DEPTH && seam_json_next(&walk)) {
        char pointer[512], *key = seam_json_text(walk.key, NULL);
        size_t len = (size_t)snprintf(pointer, sizeof(pointer), "%s/", at);
        bool fits =
            key && len < sizeof(pointer) && escape_token(key, pointer + len, sizeof(pointer) - len);
        free(key);
        seam_bytes said = seam_json_at(walk.value, "/x-mcp-header");
        if (!fits)
            return !names_header(walk.value, depth);
        if (said.len > 0 && !add_param(tool, pointer, walk.value, said))
            return false;
        if (!read_params(tool, walk.value, pointer, depth + 1))
            return false;
    }
    return true;
}

/* Is there such an annotation anywhere in it? */
static bool names_header(seam_bytes schema, int depth)
{
    seam_json_walk walk = seam_json_members(schema);
    bool object = seam_json_kind_of(schema) == SEAM_JSON_OBJECT;
    while (depth < SCHEMA_DEPTH && seam_json_next(&walk))
        if ((object && seam_json_is(walk.key, "x-mcp-header")) ||
            (!(object && is_data(walk.key)) && names_header(walk.value, depth + 1)))
            return true;
    return false;
}

/* ---- what it does ---- */

static bool hint(seam_bytes annotations, const char *pointer, bool unless_said)
{
    seam_bytes value = seam_json_at(annotations, pointer);
    return value.len > 0 ? seam_json_true(value) : unless_said;
}

static void judge(const struct settings *settings, struct tool *tool, seam_bytes annotations)
{
    bool reads = hint(annotations, "/readOnlyHint", false);
    bool destroys = hint(annotations, "/destructiveHint", !reads);
    bool open = hint(annotations, "/openWorldHint", true);
    const struct rule *rule = settings_rule(settings, tool->name);
    tool->effect = SEAM_WRITE;
    if (settings->trusts && reads && !destroys)
        tool->effect = SEAM_READ;
    else if (settings->trusts && !reads && hint(annotations, "/idempotentHint", false))
        tool->effect = SEAM_WRITE_IDEMPOTENT;
    if (rule)
        tool->effect = rule->effect;
    if (tool->effect > SEAM_READ && (destroys || !settings->trusts))
        tool->flags |= SEAM_DESTRUCTIVE;
    if (open || !settings->trusts)
        tool->flags |= SEAM_OPEN_WORLD;
}

/* The first line of what it says of itself. */
static char *summary_of(seam_bytes tool, const char *name)
{
    char *text = seam_json_text(seam_json_at(tool, "/description"), NULL);
    size_t len = 0;
    if (!text || !*text) {
        free(text);
        return strdup(name);
    }
    while (text[len] && text[len] != '\n' && text[len] != '\r' && len < SUMMARY_MAXIMUM)
        len++;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    text[len] = '\0';
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    if (!*text) {
        free(text);
        return strdup(name);
    }
    return text;
}

/* One tool of the list; false with trouble: the list is refused. */
static bool read_tool(const struct server *server, seam_bytes said, struct tool *tool,
                      struct trouble *trouble)
{
    seam_bytes output = seam_json_at(said, "/outputSchema");
    if (!take_schema(tool->name, "inputSchema", seam_json_at(said, "/inputSchema"), &tool->input,
                     trouble) ||
        (output.len > 0 &&
         !take_schema(tool->name, "outputSchema", output, &tool->output, trouble)))
        return trouble_set(trouble, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "mcp.memory", "no memory");
    tool->summary = summary_of(said, tool->name);
    judge(&server->settings, tool, seam_json_at(said, "/annotations"));
    return true;
}

struct listing {
    struct tool *tools;
    size_t count;
    bool lenient;
};

static void drop_tool(struct tool tool)
{
    struct tool *alone = malloc(sizeof(*alone));
    if (alone)
        *alone = tool;
    tools_free(alone, alone ? 1 : 0);
}

/* What is wrong with one tool, where the others are to be known. */
static bool is_left_out(const struct listing *listing, struct trouble *trouble)
{
    bool out = listing->lenient && trouble->status == SEAM_E_INPUT;
    if (out)
        *trouble = (struct trouble){0};
    return out;
}

static bool add_tool(struct server *server, const struct caller *caller, struct listing *listing,
                     seam_bytes said, struct trouble *trouble)
{
    size_t len = 0;
    char *name = seam_json_text(seam_json_at(said, "/name"), &len);
    if (!name)
        return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.name",
                           "the server lists a tool without a name");
    if (strlen(name) == len && !settings_wants(&server->settings, name)) {
        free(name);
        return true;
    }
    if (!check_name(listing->tools, listing->count, name, len, trouble)) {
        free(name);
        return is_left_out(listing, trouble);
    }
    if (listing->count == TOOLS_MAXIMUM) {
        free(name);
        return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.too-much",
                           "the server has more than %d tools" NAME_CURE, TOOLS_MAXIMUM);
    }
    struct tool tool = {.name = name};
    if (server->revision == REVISION_MODERN &&
        !read_params(&tool, seam_json_at(said, "/inputSchema"), "", 0)) {
        /* the protocol wants such a tool to be left out, and the others to be used */
        seam_log(caller->host, caller->id, SEAM_LOG_WARNING,
                 "the tool %s is left out: one of its arguments has an x-mcp-header that is none",
                 name);
        drop_tool(tool);
        return true;
    }
    if (!read_tool(server, said, &tool, trouble)) {
        drop_tool(tool);
        return is_left_out(listing, trouble);
    }
    listing->tools[listing->count++] = tool;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct tool *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static bool add_page(struct server *server, const struct caller *caller, struct listing *listing,
                     seam_bytes result, struct trouble *trouble)
{
    seam_bytes tools = seam_json_at(result, "/tools");
    if (seam_json_kind_of(tools) != SEAM_JSON_ARRAY)
        return trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_NONE, "mcp.message",
                           "the server's list of tools is none");
    seam_json_walk walk = seam_json_members(tools);
    while (seam_json_next(&walk))
        if (!add_tool(server, caller, listing, walk.value, trouble))
            return false;
    return true;
}

static bool list_pages(struct server *server, const struct caller *caller, struct listing *listing,
                       struct trouble *trouble)
{
    char *cursor = NULL;
    bool more = true;
    for (int page = 0; more && trouble->status == SEAM_OK; page++) {
        struct outcome outcome = {0};
        seam_writer params = SEAM_WRITER;
        seam_put_object(&params, NULL);
        if (cursor)
            seam_put_text(&params, "cursor", cursor);
        seam_put_end(&params);
        struct request request = {.method = "tools/list", .params = seam_written(&params)};
        free(cursor);
        cursor = NULL;
        if (page == PAGES_MAXIMUM)
            trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_NONE, "mcp.too-much",
                        "the server's list of tools has more than %d pages", PAGES_MAXIMUM);
        else if (session_ask(server, caller, &request, &outcome, trouble) &&
                 add_page(server, caller, listing, outcome.result, trouble))
            cursor = seam_json_text(seam_json_at(outcome.result, "/nextCursor"), NULL);
        more = cursor != NULL;
        outcome_done(&outcome);
        seam_writer_done(&params);
    }
    return trouble->status == SEAM_OK;
}

bool tools_list(struct server *server, const struct caller *caller, bool lenient,
                struct tool **ret_tools, size_t *ret_count, struct trouble *trouble)
{
    struct listing listing = {.tools = calloc(TOOLS_MAXIMUM, sizeof(*listing.tools)),
                              .lenient = lenient};
    if (!listing.tools)
        return trouble_set(trouble, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "mcp.memory", "no memory");
    bool listed = list_pages(server, caller, &listing, trouble);
    for (size_t i = 0; listed && !lenient && server->settings.only[i]; i++)
        if (!tools_find(listing.tools, listing.count, seam_text(server->settings.only[i])))
            listed = trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.config",
                                 "/tools/%zu: the server has no tool \"%.128s\"", i,
                                 server->settings.only[i]);
    if (!listed) {
        tools_free(listing.tools, listing.count);
        return false;
    }
    qsort(listing.tools, listing.count, sizeof(*listing.tools), by_name);
    *ret_tools = listing.tools;
    *ret_count = listing.count;
    return true;
}

/* ---- as agents ---- */

/* What a tool says that declares no output: blocks of content, as they came. */
#define CONTENT_SCHEMA                                                                             \
    "{\"type\":\"object\",\"properties\":{\"content\":{\"type\":\"array\",\"items\":{\"type\":"    \
    "\"object\",\"properties\":{\"type\":{\"type\":\"string\"}},\"required\":[\"type\"]}}},"       \
    "\"required\":[\"content\"]}"

static const char *effect_word(uint32_t effect)
{
    return effect == SEAM_READ               ? "read"
           : effect == SEAM_WRITE_IDEMPOTENT ? "write_idempotent"
                                             : "write";
}

bool tools_write(const struct tool *tools, size_t count, seam_writer *out, struct trouble *trouble)
{
    if (count == 0)
        return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.tools",
                           "the server has no tools");
    seam_put_object(out, NULL);
    seam_put_array(out, "agents");
    for (size_t i = 0; i < count; i++) {
        const struct tool *tool = &tools[i];
        seam_put_object(out, NULL);
        seam_put_text(out, "name", tool->name);
        seam_put_text(out, "summary", tool->summary);
        seam_put_text(out, "effect", effect_word(tool->effect));
        seam_put_boolean(out, "destructive", tool->flags & SEAM_DESTRUCTIVE);
        seam_put_boolean(out, "open_world", tool->flags & SEAM_OPEN_WORLD);
        seam_put_json(out, "input", seam_text(tool->input));
        seam_put_json(out, "output", seam_text(tool->output ? tool->output : CONTENT_SCHEMA));
        seam_put_end(out);
    }
    seam_put_end(out);
    seam_put_end(out);
    return seam_written(out).len > 0 ||
           trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.too-much",
                       "the server's tools are larger than a list of agents may be" NAME_CURE);
}

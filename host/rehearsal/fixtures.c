/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixtures: a folder of files, read against schemas/fixture.schema.json, to cases and answers. All
 * that is wrong with them is said here, with file, line and column, before anything runs: what the
 * schema refuses, agents and steps that the flow does not call, two cases of one name. An answer
 * that breaks its agent's contract is only warned of: it may be the point of the case.
 */
#include "rehearsal/rehearsal_internal.h"

#include "contract/contract.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

extern const unsigned char fixture_schema_json[];
extern const size_t fixture_schema_json_size;

enum { FILES_MAX = 10000, COMPLAINTS = 8 };
static const char DEFAULT_START[] = "2026-01-01T00:00:00Z";

char *fixture_place(const struct document *document, const char *pointer)
{
    struct position at = document_where(document, pointer);
    return xasprintf("%s:%d:%d", document_name(document), at.line, at.column);
}

static enum error_code complain(const struct document *document, const char *pointer,
                                struct error *reterr, const char *what, const char *name,
                                const char *near)
{
    struct position at = document_where_key(document, pointer);
    return error_set(reterr, ERR_INPUT, "%s:%d:%d: %s: %s `%s`%s%s%s", document_name(document),
                     at.line, at.column, pointer, what, name, near ? "; did you mean `" : "",
                     near ? near : "", near ? "`?" : "");
}

/* ---- the schema ---- */

static enum error_code open_schema(struct contract **ret_contract, struct error *reterr)
{
    AUTO(json_decrefp) json_t *schema = NULL;
    struct slice text = {(const char *)fixture_schema_json, fixture_schema_json_size};
    enum error_code code = json_read(text, LIMIT_FILE, &schema, reterr);
    return code == ERR_OK ? contract_compile(schema, NULL, ret_contract, reterr) : code;
}

static bool ends_with(const char *string, const char *end)
{
    size_t len = strlen(string), end_len = strlen(end);
    return len >= end_len && strcmp(string + len - end_len, end) == 0;
}

static enum error_code check_schema(const struct contract *contract,
                                    const struct document *document, struct error *reterr)
{
    struct violations violations;
    AUTO(text_done) struct text out;
    text_init(&out, ERROR_TEXT_SIZE);
    if (!contract_explain(contract, document_root(document), &violations)) {
        for (size_t i = 0; i < violations.count && i < COMPLAINTS; i++) {
            const struct violation *v = &violations.list[i];
            struct position at = ends_with(v->schema, "/additionalProperties")
                                     ? document_where_key(document, v->instance)
                                     : document_where(document, v->instance);
            text_addf(&out, "%s%s:%d:%d: %s: %s", i ? "\n" : "", document_name(document), at.line,
                      at.column, v->instance, v->text);
        }
    }
    violations_done(&violations);
    return out.len == 0 ? ERR_OK : error_set(reterr, ERR_INPUT, "%s", text_str(&out));
}

/* ---- names ---- */

static const struct step *find_step(const struct flow *flow, struct slice name)
{
    for (size_t i = 0; i < flow->step_count; i++)
        if (slice_is(name, flow->steps[i].name))
            return &flow->steps[i];
    return NULL;
}

/* The step that a path begins with: "search[3]" and "book/undo" are search and book. */
static struct slice first_step(const char *path)
{
    return (struct slice){path, strcspn(path, "/[")};
}

static enum error_code check_step(const struct document *document, const char *pointer,
                                  const struct flow *flow, const char *path, struct error *reterr)
{
    struct slice name = first_step(path);
    if (find_step(flow, name))
        return ERR_OK;
    const char **names = xcalloc(flow->step_count, sizeof(*names));
    for (size_t i = 0; i < flow->step_count; i++)
        names[i] = flow->steps[i].name;
    const char *near = suggest(name, names, flow->step_count);
    free(names);
    return complain(document, pointer, reterr, "the flow has no step", path, near);
}

static enum error_code check_agent(const struct document *document, const char *pointer,
                                   const struct catalog *catalog, const char *agent,
                                   struct error *reterr)
{
    if (catalog_find(catalog, slice_of(agent)))
        return ERR_OK;
    const char **names = xcalloc(catalog->count, sizeof(*names));
    for (size_t i = 0; i < catalog->count; i++)
        names[i] = catalog->agents[i]->name;
    const char *near = suggest(slice_of(agent), names, catalog->count);
    free(names);
    return complain(document, pointer, reterr, "no plugin of the manifest has an agent", agent,
                    near);
}

/* The agent that answers for a part; NULL = it is not known before it is called. */
static const struct agent *agent_of(const struct part *part, const struct flow *flow,
                                    const struct catalog *catalog)
{
    if (!part->of_step)
        return catalog_find(catalog, slice_of(part->key));
    const struct step *step = find_step(flow, first_step(part->key));
    const char *role = strchr(part->key, '/');
    if (!role)
        return step->call.flow || step->plan ? NULL : step->call.agent;
    return strcmp(role, "/undo") == 0 ? step->undo.agent : NULL;
}

/* ---- contracts ---- */

static void warn_of(struct fixtures *fixtures, const struct reply *reply, const struct agent *agent,
                    const struct contract *contract)
{
    struct violations violations;
    AUTO(text_done) struct text text;
    AUTO(freep) char *place = fixture_place(reply->document, reply->pointer);
    text_init(&text, ERROR_TEXT_SIZE);
    contract_explain(contract, reply->body, &violations);
    violations_text(&violations, &text);
    violations_done(&violations);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.ptr[--text.len] = '\0';
    AUTO(freep)
    char *warning =
        xasprintf("%s: this answer of %s breaks its contract (say `invalid: true` if it is meant "
                  "to): %s",
                  place, agent->name, text_str(&text));
    json_array_append_new(fixtures->warnings, json_string(warning));
}

static void check_contracts(struct fixtures *fixtures, const struct scene *scene,
                            const struct flow *flow, const struct catalog *catalog)
{
    for (size_t i = 0; i < scene->count; i++) {
        const struct agent *agent = agent_of(&scene->parts[i], flow, catalog);
        for (size_t k = 0; agent && agent->output && k < scene->parts[i].count; k++) {
            const struct reply *reply = &scene->parts[i].replies[k];
            if (reply->kind == REPLY_OUTPUT && !reply->invalid &&
                !contract_accepts(agent->output, reply->body))
                warn_of(fixtures, reply, agent, agent->output);
        }
    }
}

/* ---- a scene and its names ---- */

static enum error_code check_names(const struct document *document, const char *pointer,
                                   const json_t *from, const char *key, const struct flow *flow,
                                   const struct catalog *catalog, struct error *reterr)
{
    const char *name;
    json_t *value;
    enum error_code code = ERR_OK;
    bool agents = strcmp(key, "agents") == 0;
    json_object_foreach (json_object_get(from, key), name, value) {
        AUTO(freep) char *at = member_pointer(pointer, key, name);
        code = agents ? check_agent(document, at, catalog, name, reterr)
                      : check_step(document, at, flow, name, reterr);
        if (code != ERR_OK)
            return code;
    }
    return code;
}

static enum error_code read_scene(struct fixtures *fixtures, const struct document *document,
                                  const char *pointer, const json_t *from, const struct flow *flow,
                                  const struct catalog *catalog, struct scene *ret_scene,
                                  struct error *reterr)
{
    static const char *const keys[] = {"agents", "steps", "people"};
    enum error_code code = ERR_OK;
    for (size_t i = 0; i < 3 && code == ERR_OK; i++)
        code = check_names(document, pointer, from, keys[i], flow, catalog, reterr);
    if (code == ERR_OK)
        code = scene_read(document, pointer, from, ret_scene, reterr);
    if (code == ERR_OK)
        check_contracts(fixtures, ret_scene, flow, catalog);
    return code;
}

/* ---- cases ---- */

static int64_t time_of(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = 0;
    if (rest && *rest == '.')
        ms = (int64_t)(strtod(rest, NULL) * 1000 + 0.5);
    return (int64_t)timegm(&tm) * 1000 + ms;
}

static enum error_code case_read(struct fixtures *fixtures, const struct fixture_file *file,
                                 size_t index, const json_t *json, const struct flow *flow,
                                 const struct catalog *catalog, struct error *reterr)
{
    struct fixture_case *c = &fixtures->cases[fixtures->case_count++];
    const char *started = json_string_value(json_object_get(json, "started"));
    const char *cancel = json_string_value(json_object_get(json, "cancel"));
    json_t *input = json_object_get(json, "input");
    *c = (struct fixture_case){
        .fixtures = fixtures,
        .file = file,
        .pointer = xasprintf("/cases/%zu", index),
        .name = json_string_value(json_object_get(json, "case")),
        .input = input ? json_incref(input) : json_object(),
        .expect = json_object_get(json, "expect"),
        .started_ms = time_of(started ? started : DEFAULT_START),
        .cancel_ms = -1,
        .seed = (uint64_t)json_integer_value(json_object_get(json, "seed")),
    };
    for (size_t i = 0; i + 1 < fixtures->case_count; i++)
        if (strcmp(fixtures->cases[i].name, c->name) == 0)
            return complain(file->document, c->pointer, reterr, "there are two cases", c->name,
                            NULL);
    if (cancel && !duration_parse(slice_of(cancel), &c->cancel_ms))
        return complain(file->document, c->pointer, reterr, "no duration:", cancel, NULL);
    return read_scene(fixtures, file->document, c->pointer, json, flow, catalog, &c->scene, reterr);
}

static enum error_code file_read(struct fixtures *fixtures, struct fixture_file *file,
                                 const struct flow *flow, const struct catalog *catalog,
                                 struct error *reterr)
{
    size_t i;
    json_t *json;
    const json_t *root = document_root(file->document), *cases = json_object_get(root, "cases");
    enum error_code code =
        read_scene(fixtures, file->document, "", root, flow, catalog, &file->scene, reterr);
    file->shared = !cases;
    json_array_foreach (cases, i, json) {
        if (code == ERR_OK)
            code = case_read(fixtures, file, i, json, flow, catalog, reterr);
    }
    return code;
}

/* ---- files ---- */

static bool is_fixture_name(const char *name)
{
    return name[0] != '.' &&
           (ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum error_code list_files(const char *path, char ***ret_names, size_t *ret_count,
                                  struct error *reterr)
{
    struct stat found;
    char **names = NULL;
    size_t count = 0;
    if (stat(path, &found) != 0)
        return error_set_errno(reterr, errno, "fixtures %s", path);
    if (!S_ISDIR(found.st_mode)) {
        *ret_names = xcalloc(1, sizeof(*names));
        (*ret_names)[0] = xstrdup(path);
        *ret_count = 1;
        return ERR_OK;
    }
    DIR *folder = opendir(path);
    if (!folder)
        return error_set_errno(reterr, errno, "fixtures %s", path);
    bool slash = ends_with(path, "/");
    for (const struct dirent *entry; (entry = readdir(folder)) && count < FILES_MAX;) {
        if (!is_fixture_name(entry->d_name))
            continue;
        names = xrealloc(names, (count + 1) * sizeof(*names));
        names[count++] = xasprintf("%s%s%s", path, slash ? "" : "/", entry->d_name);
    }
    closedir(folder);
    if (count > 0)
        qsort(names, count, sizeof(*names), by_name);
    *ret_names = names;
    *ret_count = count;
    return ERR_OK;
}

/* Adds a file, unless it is of another flow. */
static enum error_code add_file(struct fixtures *fixtures, const struct contract *contract,
                                const char *name, const struct flow *flow, struct error *reterr)
{
    AUTO(document_freep) struct document *document = NULL;
    enum error_code code = document_load(name, &document, reterr);
    if (code == ERR_OK)
        code = check_schema(contract, document, reterr);
    if (code != ERR_OK)
        return code;
    const json_t *root = document_root(document);
    const char *of = json_string_value(json_object_get(root, "flow"));
    if (of && strcmp(of, flow->name) != 0)
        return ERR_OK;
    fixtures->files[fixtures->file_count++].document = TAKE(document);
    return ERR_OK;
}

static enum error_code read_files(struct fixtures *fixtures, char **names, size_t count,
                                  const struct flow *flow, const struct catalog *catalog,
                                  struct error *reterr)
{
    AUTO(contract_unrefp) struct contract *contract = NULL;
    enum error_code code = open_schema(&contract, reterr);
    size_t cases = 0;
    fixtures->files = xcalloc(count + 1, sizeof(*fixtures->files));
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = add_file(fixtures, contract, names[i], flow, reterr);
    for (size_t i = 0; i < fixtures->file_count; i++)
        cases +=
            json_array_size(json_object_get(document_root(fixtures->files[i].document), "cases"));
    fixtures->cases = xcalloc(cases + 1, sizeof(*fixtures->cases));
    for (size_t i = 0; i < fixtures->file_count && code == ERR_OK; i++)
        code = file_read(fixtures, &fixtures->files[i], flow, catalog, reterr);
    return code;
}

enum error_code fixtures_load(const char *path, const struct flow *flow,
                              const struct catalog *catalog, struct fixtures **ret_fixtures,
                              struct error *reterr)
{
    AUTO(fixtures_freep) struct fixtures *fixtures = xcalloc(1, sizeof(*fixtures));
    char **names = NULL;
    size_t count = 0;
    fixtures->warnings = json_array();
    enum error_code code = list_files(path, &names, &count, reterr);
    if (code == ERR_OK)
        code = read_files(fixtures, names, count, flow, catalog, reterr);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    if (code == ERR_OK)
        *ret_fixtures = TAKE(fixtures);
    return code;
}

void fixtures_free(struct fixtures *fixtures)
{
    if (!fixtures)
        return;
    for (size_t i = 0; i < fixtures->case_count; i++) {
        scene_done(&fixtures->cases[i].scene);
        free(fixtures->cases[i].pointer);
        json_decref(fixtures->cases[i].input);
    }
    for (size_t i = 0; fixtures->files && i < fixtures->file_count; i++) {
        scene_done(&fixtures->files[i].scene);
        document_free(fixtures->files[i].document);
    }
    free(fixtures->cases);
    free(fixtures->files);
    json_decref(fixtures->warnings);
    free(fixtures);
}

void fixtures_freep(struct fixtures **fixtures)
{
    fixtures_free(*fixtures);
}

/* ---- what others may ask ---- */

size_t fixtures_case_count(const struct fixtures *fixtures)
{
    return fixtures->case_count;
}

const struct fixture_case *fixtures_case(const struct fixtures *fixtures, size_t index)
{
    return &fixtures->cases[index];
}

const char *fixture_case_name(const struct fixture_case *c)
{
    return c->name;
}

char *fixture_case_place(const struct fixture_case *c)
{
    return fixture_place(c->file->document, c->pointer);
}

const char *fixture_case_file(const struct fixture_case *c)
{
    return document_name(c->file->document);
}

const json_t *fixture_case_expect(const struct fixture_case *c)
{
    return c->expect;
}

const char *fixture_case_pointer(const struct fixture_case *c)
{
    return c->pointer;
}

const json_t *fixtures_warnings(const struct fixtures *fixtures)
{
    return fixtures->warnings;
}

static void list_unused(const struct scene *scene, json_t *list)
{
    for (size_t i = 0; i < scene->count; i++)
        for (size_t k = 0; k < scene->parts[i].count; k++) {
            const struct reply *reply = &scene->parts[i].replies[k];
            if (*reply->used > 0)
                continue;
            AUTO(freep) char *place = fixture_place(reply->document, reply->pointer);
            AUTO(freep) char *line = xasprintf("%s: %s", place, reply->key);
            json_array_append_new(list, json_string(line));
        }
}

json_t *fixtures_unused(const struct fixtures *fixtures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fixtures->file_count; i++) {
        list_unused(&fixtures->files[i].scene, list);
        for (size_t k = 0; k < fixtures->case_count; k++)
            if (fixtures->cases[k].file == &fixtures->files[i])
                list_unused(&fixtures->cases[k].scene, list);
    }
    return list;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * From the configuration to agents, and to the list that the host approves. The shape of what
 * stands in the configuration itself has been checked against config.schema.json; what a file holds
 * has not, so here everything is looked at again as far as this plugin needs it, and the host looks
 * at the rest when it is described. Each complaint names its place.
 */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <unistd.h>

enum { ENV_PER_CALL = 8 };

bool trouble_say(struct trouble *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (t->text[0] == '\0')
        vsnprintf(t->text, sizeof(t->text), format, args);
    va_end(args);
    return false;
}

static char *word(seam_bytes json, const char *pointer)
{
    return seam_json_text(seam_json_at(json, pointer), NULL);
}

/* ---- files ---- */

/* The one JSON value that the file holds; its text is kept. Absent with the reason in trouble. */
static seam_bytes read_file(struct agents *agents, const char *path, struct trouble *t)
{
    seam_bytes json = {NULL, 0};
    char *text = malloc(EXEC_FILE + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd >= 0 && text ? 0 : -1;
    size_t len = 0;
    while (got >= 0 && len <= EXEC_FILE && (got = read(fd, text + len, EXEC_FILE + 1 - len)) > 0)
        len += (size_t)got;
    if (got < 0)
        trouble_say(t,
                    "%s cannot be read: %s (cure: grant it, `grants: {fs: [{path: %s, mode: r}]}`)",
                    path, strerrordesc_np(errno), path);
    else if (len > EXEC_FILE)
        trouble_say(t, "%s is larger than %d bytes", path, (int)EXEC_FILE);
    else if ((json = seam_json_parse((seam_bytes){text, len})).len == 0)
        trouble_say(t, "%s: expected one JSON value", path);
    if (fd >= 0)
        close(fd);
    char **more =
        json.len > 0 ? realloc(agents->texts, (agents->text_count + 1) * sizeof(*more)) : NULL;
    if (!more) {
        free(text);
        trouble_say(t, "%s: there is no memory for it", path);
        return (seam_bytes){NULL, 0};
    }
    agents->texts = more;
    agents->texts[agents->text_count++] = text;
    return json;
}

/* ---- words with units ---- */

/* "1m30s" in milliseconds; -1: it is none, or too long. */
static int64_t duration(const char *text)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t all = 0;
    if (!*text)
        return -1;
    while (*text) {
        char *end;
        long number = strtol(text, &end, 10);
        size_t len = strspn(end, "mshd"), u = 0;
        while (u < 5 && (strlen(units[u].unit) != len || strncmp(end, units[u].unit, len) != 0))
            u++;
        if (end == text || *text < '0' || *text > '9' || number > 999999999 || u == 5)
            return -1;
        all += number * units[u].ms;
        text = end + len;
    }
    return all < INT_MAX ? all : -1;
}

static int64_t size(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    int shift = strcmp(end, "gb") == 0   ? 30
                : strcmp(end, "mb") == 0 ? 20
                : strcmp(end, "kb") == 0 ? 10
                                         : 0;
    if (end == text || *text < '0' || *text > '9' || number > 999999999 || (!shift && *end))
        return -1;
    return (int64_t)number << shift;
}

static bool read_amount(seam_bytes json, const char *key, int64_t (*read)(const char *),
                        int64_t *ret, const char *name, struct trouble *t)
{
    char *text = word(json, key);
    int64_t amount = text ? read(text) : 0;
    bool good = amount >= 0;
    if (text && good)
        *ret = amount;
    if (!good)
        trouble_say(t, "agent \"%s\": %s: \"%s\" is too much, or no amount", name, key, text);
    free(text);
    return good;
}

/* ---- one agent ---- */

static char **read_words(seam_bytes list, size_t *ret_count)
{
    size_t count = 0;
    for (seam_json_walk walk = seam_json_members(list); seam_json_next(&walk);)
        count++;
    char **words = calloc(count + ENV_PER_CALL + 1, sizeof(*words));
    *ret_count = 0;
    for (seam_json_walk walk = seam_json_members(list); words && seam_json_next(&walk);)
        if ((words[*ret_count] = seam_json_text(walk.value, NULL)))
            ++*ret_count;
    return words;
}

static bool read_command(struct agent *a, struct trouble *t)
{
    size_t count;
    a->command = read_words(seam_json_at(a->json, "/command"), &count);
    if (a->command && count > 0 && a->command[0][0] == '/')
        return true;
    return trouble_say(t, "agent \"%s\": `command` begins with the absolute path of a program",
                       a->name);
}

static bool add_env(struct agent *a, const char *name, const char *value)
{
    char *entry = NULL;
    if (asprintf(&entry, "%s=%s", name, value) < 0)
        return false;
    a->env[a->env_count++] = entry;
    return true;
}

static bool read_env(struct agent *a, struct trouble *t)
{
    static const char *const common[][2] = {
        {"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/tmp"}, {"LANG", "C.UTF-8"}};
    enum { COMMON = sizeof(common) / sizeof(common[0]) };
    seam_bytes env = seam_json_at(a->json, "/env");
    size_t count = COMMON + ENV_PER_CALL + 1;
    for (seam_json_walk walk = seam_json_members(env); seam_json_next(&walk);)
        count++;
    a->env = calloc(count, sizeof(*a->env));
    bool good = a->env != NULL;
    for (size_t i = 0; good && i < COMMON; i++) {
        char pointer[16];
        snprintf(pointer, sizeof(pointer), "/%s", common[i][0]);
        good = seam_json_at(env, pointer).len > 0 || add_env(a, common[i][0], common[i][1]);
    }
    for (seam_json_walk walk = seam_json_members(env); good && seam_json_next(&walk);) {
        char *name = seam_json_text(walk.key, NULL), *value = seam_json_text(walk.value, NULL);
        good = name && value && !strchr(name, '=') && strncmp(name, "SEAM_", 5) != 0 &&
               add_env(a, name, value);
        if (!good)
            trouble_say(t,
                        "agent \"%s\": /env/%s: expected a string, and a name that does not "
                        "begin with SEAM_",
                        a->name, name ? name : "");
        free(name);
        free(value);
    }
    return good;
}

static seam_status status_of(seam_bytes word_json)
{
    static const struct {
        const char *word;
        seam_status status;
    } words[] = {{"input", SEAM_E_INPUT},
                 {"unavailable", SEAM_E_UNAVAILABLE},
                 {"rate_limited", SEAM_E_RATE_LIMITED},
                 {"denied", SEAM_E_DENIED},
                 {"timeout", SEAM_E_TIMEOUT},
                 {"busy", SEAM_E_BUSY},
                 {"unsupported", SEAM_E_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (seam_json_is(word_json, words[i].word))
            return words[i].status;
    return SEAM_E_FAILED;
}

static bool read_exits(struct agent *a, struct trouble *t)
{
    seam_bytes exits = seam_json_at(a->json, "/exit");
    for (seam_json_walk walk = seam_json_members(exits); seam_json_next(&walk);) {
        struct exit_rule *more = realloc(a->exits, (a->exit_count + 1) * sizeof(*more));
        char *number = seam_json_text(walk.key, NULL);
        if (!more || !number) {
            free(number);
            return trouble_say(t, "agent \"%s\": /exit: expected an object", a->name);
        }
        a->exits = more;
        a->exits[a->exit_count++] = (struct exit_rule){
            .exit = (int)strtol(number, NULL, 10),
            .status = status_of(seam_json_at(walk.value, "/status")),
            .code = word(walk.value, "/code"),
            .message = word(walk.value, "/message"),
            .nothing_done = seam_json_true(seam_json_at(walk.value, "/nothing_done"))};
        free(number);
    }
    return true;
}

static bool read_schema(struct agents *agents, struct agent *a, const char *key, seam_bytes *ret,
                        struct trouble *t)
{
    char *path = word(a->json, key);
    *ret = path ? read_file(agents, path, t) : seam_json_at(a->json, key);
    free(path);
    return ret->len > 0 ||
           trouble_say(t, "agent \"%s\": %s: expected a JSON Schema, or the path of one", a->name,
                       key);
}

static bool read_limits(struct agent *a, struct trouble *t)
{
    int64_t grace = EXEC_GRACE_MS, output = EXEC_OUTPUT;
    a->timeout_ms = a->memory = -1;
    if (!read_amount(a->json, "/timeout", duration, &a->timeout_ms, a->name, t) ||
        !read_amount(a->json, "/grace", duration, &grace, a->name, t) ||
        !read_amount(a->json, "/memory", size, &a->memory, a->name, t) ||
        !read_amount(a->json, "/output_limit", size, &output, a->name, t))
        return false;
    if (grace > EXEC_GRACE_MOST_MS)
        return trouble_say(t,
                           "agent \"%s\": /grace: at most %dms, for then the host ends its worker",
                           a->name, (int)EXEC_GRACE_MOST_MS);
    if (output > EXEC_OUTPUT_MAX)
        return trouble_say(t, "agent \"%s\": /output_limit: at most %dmb", a->name,
                           (int)EXEC_OUTPUT_MAX >> 20);
    a->grace_ms = (int)grace;
    a->output_limit = (size_t)output;
    return true;
}

static uint32_t effect_of(seam_bytes effect)
{
    return seam_json_is(effect, "pure")               ? SEAM_PURE
           : seam_json_is(effect, "read")             ? SEAM_READ
           : seam_json_is(effect, "write_idempotent") ? SEAM_WRITE_IDEMPOTENT
                                                      : SEAM_WRITE;
}

static bool read_agent(struct agents *agents, seam_bytes json, struct trouble *t)
{
    struct agent *more = realloc(agents->list, (agents->count + 1) * sizeof(*more));
    if (!more)
        return trouble_say(t, "there is no memory for so many agents");
    agents->list = more;
    struct agent *a = &agents->list[agents->count++];
    *a = (struct agent){.json = json, .name = word(json, "/name"), .cwd = word(json, "/cwd")};
    if (!a->name)
        return trouble_say(t, "/agents: an agent has no `name`");
    a->effect = effect_of(seam_json_at(json, "/effect"));
    a->lines = seam_json_is(seam_json_at(json, "/protocol"), "lines");
    return read_command(a, t) && read_env(a, t) && read_limits(a, t) && read_exits(a, t) &&
           read_schema(agents, a, "/input", &a->input, t) &&
           read_schema(agents, a, "/output", &a->output, t);
}

/* An agent, a list of them, or the path of a file that holds either. */
static bool read_some(struct agents *agents, seam_bytes json, int depth, struct trouble *t)
{
    if (seam_json_kind_of(json) == SEAM_JSON_OBJECT)
        return read_agent(agents, json, t);
    char *path = seam_json_text(json, NULL);
    if (path && depth < EXEC_DEPTH) {
        seam_bytes held = read_file(agents, path, t);
        free(path);
        return held.len > 0 && read_some(agents, held, depth + 1, t);
    }
    free(path);
    if (seam_json_kind_of(json) != SEAM_JSON_ARRAY || depth >= EXEC_DEPTH)
        return trouble_say(t, "/agents: expected agents, or paths of files that hold some");
    bool good = true;
    for (seam_json_walk walk = seam_json_members(json); good && seam_json_next(&walk);)
        good = read_some(agents, walk.value, depth + 1, t);
    return good;
}

bool agents_read(struct agents *agents, seam_bytes config, struct trouble *trouble)
{
    return read_some(agents, seam_json_at(config, "/agents"), 0, trouble);
}

static void free_words(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

void agents_done(struct agents *agents)
{
    for (size_t i = 0; i < agents->count; i++) {
        struct agent *a = &agents->list[i];
        for (size_t k = 0; k < a->exit_count; k++) {
            free(a->exits[k].code);
            free(a->exits[k].message);
        }
        free_words(a->command);
        free_words(a->env);
        free(a->exits);
        free(a->name);
        free(a->cwd);
    }
    for (size_t i = 0; i < agents->text_count; i++)
        free(agents->texts[i]);
    free(agents->texts);
    free(agents->list);
}

/* ---- what the host is told ---- */

void agents_write(const struct agents *agents, seam_writer *out)
{
    static const char *const same[] = {
        "name",     "summary",   "effect", "destructive", "open_world", "examples", "confidence",
        "warnings", "reconcile", "settle", "ref",         "key_ttl",    "errors",   "cost"};
    seam_put_object(out, NULL);
    seam_put_array(out, "agents");
    for (size_t i = 0; i < agents->count; i++) {
        const struct agent *a = &agents->list[i];
        seam_put_object(out, NULL);
        for (size_t k = 0; k < sizeof(same) / sizeof(same[0]); k++) {
            char pointer[16];
            snprintf(pointer, sizeof(pointer), "/%s", same[k]);
            seam_bytes value = seam_json_at(a->json, pointer);
            if (value.len > 0)
                seam_put_json(out, same[k], value);
        }
        seam_put_json(out, "input", a->input);
        seam_put_json(out, "output", a->output);
        seam_put_end(out);
    }
    seam_put_end(out);
    seam_put_end(out);
}

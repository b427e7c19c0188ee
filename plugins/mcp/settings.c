/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration, which the host has held against its schema: where the server is, and what the
 * operator says of its tools. And what is wrong, in words.
 */
#include "mcp.h"

#include <stdarg.h>

bool trouble_set(struct trouble *trouble, seam_status status, uint32_t effect, const char *code,
                 const char *format, ...)
{
    va_list arguments;
    if (trouble->status != SEAM_OK)
        return false;
    trouble->status = status;
    trouble->effect = effect;
    snprintf(trouble->code, sizeof(trouble->code), "%s", code);
    va_start(arguments, format);
    vsnprintf(trouble->text, sizeof(trouble->text), format, arguments);
    va_end(arguments);
    return false;
}

bool trouble_answer(struct trouble *trouble, const seam_answer *answer)
{
    char *message = seam_json_text(seam_json_at(seam_answer_body(answer), "/message"), NULL);
    trouble_set(trouble, answer->status, answer->effect, answer->code, "%s",
                message ? message : "the host refused it");
    trouble->retry_after_ms = answer->retry_after_ms;
    free(message);
    return false;
}

/* ---- reading ---- */

static size_t read_list(seam_bytes list, char **to, size_t room)
{
    size_t count = 0;
    seam_json_walk walk = seam_json_members(list);
    while (count < room && seam_json_next(&walk))
        to[count++] = seam_json_text(walk.value, NULL);
    return count;
}

static void read_environment(struct settings *settings, seam_bytes env)
{
    static const char *const always[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp",
                                         "LANG=C.UTF-8"};
    size_t count = 0;
    seam_json_walk walk = seam_json_members(env);
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        settings->environment[count++] = strdup(always[i]);
    while (count < WORDS_MAXIMUM && seam_json_next(&walk)) {
        char *name = seam_json_text(walk.key, NULL), *value = seam_json_text(walk.value, NULL);
        size_t room = (name ? strlen(name) : 0) + (value ? strlen(value) : 0) + 2;
        char *both = malloc(room);
        if (both && name && value) {
            snprintf(both, room, "%s=%s", name, value);
            settings->environment[count++] = both;
        } else {
            free(both);
        }
        free(name);
        free(value);
    }
    /* what is said last is what counts for execve's reader of the first: turn it round */
    for (size_t i = 0; i < count / 2; i++) {
        char *other = settings->environment[i];
        settings->environment[i] = settings->environment[count - 1 - i];
        settings->environment[count - 1 - i] = other;
    }
}

static void read_headers(struct settings *settings, seam_bytes headers)
{
    size_t count = 0;
    seam_json_walk walk = seam_json_members(headers);
    while (count + 2 <= (size_t)2 * WORDS_MAXIMUM && seam_json_next(&walk)) {
        settings->headers[count++] = seam_json_text(walk.key, NULL);
        settings->headers[count++] = seam_json_text(walk.value, NULL);
    }
}

static uint32_t effect_of_word(seam_bytes word)
{
    return seam_json_is(word, "read")               ? SEAM_READ
           : seam_json_is(word, "write_idempotent") ? SEAM_WRITE_IDEMPOTENT
                                                    : SEAM_WRITE;
}

/* Whoever writes so believes that it would be filled in. */
static bool names_secret(char *const *list)
{
    for (; *list; list++)
        if (strstr(*list, "${secret:"))
            return true;
    return false;
}

bool settings_read(struct settings *settings, seam_bytes config, struct trouble *trouble)
{
    memset(settings, 0, sizeof(*settings));
    read_list(seam_json_at(config, "/command"), settings->command, WORDS_MAXIMUM);
    read_environment(settings, seam_json_at(config, "/env"));
    settings->folder = seam_json_text(seam_json_at(config, "/cwd"), NULL);
    settings->url = seam_json_text(seam_json_at(config, "/url"), NULL);
    read_headers(settings, seam_json_at(config, "/headers"));
    read_list(seam_json_at(config, "/tools"), settings->only, TOOLS_MAXIMUM);
    settings->trusts = seam_json_true(seam_json_at(config, "/trust_annotations"));
    settings->agrees = seam_json_is(seam_json_at(config, "/answers"), "defaults");
    settings->version = seam_json_text(seam_json_at(config, "/revision"), NULL);
    seam_json_walk walk = seam_json_members(seam_json_at(config, "/effects"));
    while (settings->rule_count < TOOLS_MAXIMUM && seam_json_next(&walk)) {
        struct rule *rule = &settings->rules[settings->rule_count++];
        rule->tool = seam_json_text(walk.key, NULL);
        rule->effect = effect_of_word(walk.value);
    }
    if (settings->command[0] && settings->command[0][0] != '/')
        return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.config",
                           "/command/0: expected the absolute path of a program, as `grants.exec` "
                           "has it; found \"%.200s\"",
                           settings->command[0]);
    if (names_secret(settings->command) || names_secret(settings->environment))
        return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.config",
                           "/env and /command: the host puts secrets into requests that it sends, "
                           "and gives none to a program (cure: a file that it reads, by "
                           "`grants.fs`; or a server over HTTP, with the secret in `headers`)");
    return true;
}

static void free_list(char **list)
{
    for (size_t i = 0; list[i]; i++)
        free(list[i]);
}

void settings_done(struct settings *settings)
{
    free_list(settings->command);
    free_list(settings->environment);
    free_list(settings->headers);
    free_list(settings->only);
    for (size_t i = 0; i < settings->rule_count; i++)
        free(settings->rules[i].tool);
    free(settings->folder);
    free(settings->url);
    free(settings->version);
}

bool settings_wants(const struct settings *settings, const char *tool)
{
    for (size_t i = 0; settings->only[i]; i++)
        if (strcmp(settings->only[i], tool) == 0)
            return true;
    return !settings->only[0];
}

const struct rule *settings_rule(const struct settings *settings, const char *tool)
{
    for (size_t i = 0; i < settings->rule_count; i++)
        if (strcmp(settings->rules[i].tool, tool) == 0)
            return &settings->rules[i];
    return NULL;
}

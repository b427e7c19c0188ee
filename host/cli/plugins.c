/* SPDX-License-Identifier: Apache-2.0
 *
 * seam plugins: what is loaded, and why not; and the card of a file, without running it.
 */
#include "base/units.h"
#include "cli/cli_internal.h"
#include "trust/trust.h"

#include <stdlib.h>
#include <string.h>

static bool same_file(const char *a, const char *b)
{
    AUTO(freep) char *left = realpath(a, NULL), *right = realpath(b, NULL);
    return left && right && strcmp(left, right) == 0;
}

/* With the agents that the configuration declares, which a worker is asked for. */
static int inspect_configured(const struct args *args, const char *name)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    struct error err;
    if (open_roster(args, true, &roster, &err) != ERR_OK)
        return report_error(args, &err);
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const struct roster_plugin *plugin = &roster->plugins[i];
        if (strcmp(plugin->entry->alias, name) != 0 && !same_file(plugin->entry->path, name))
            continue;
        if (!plugin->card)
            return report_error(args, &plugin->error);
        print_json(json_incref(plugin->card->json));
        return EXIT_DONE;
    }
    error_set(&err, ERR_NOT_FOUND, "%s has no plugin `%s`", args_option(args, "--manifest"), name);
    return report_error(args, &err);
}

static int inspect(const struct args *args, const char *path)
{
    if (args_option(args, "--manifest"))
        return inspect_configured(args, path);
    AUTO(card_freep) struct card *card = NULL;
    struct error err;
    if (card_read(path, &card, &err) != ERR_OK)
        return report_error(args, &err);
    print_json(json_incref(card->json));
    return EXIT_DONE;
}

/* Whom its agents may call, and what they ask for in vain. */
static void calls_text(const struct roster *roster, size_t index)
{
    size_t i;
    const json_t *call;
    json_t *calls = roster_calls(roster, index);
    json_array_foreach (calls, i, call) {
        const char *agent = json_string_value(json_object_get(call, "agent"));
        const char *request = json_string_value(json_object_get(call, "request"));
        const char *effect = json_string_value(json_object_get(call, "effect"));
        const char *note = json_string_value(json_object_get(call, "note"));
        const char *status = json_string_value(json_object_get(call, "status"));
        bool callable = strcmp(status, "callable") == 0;
        fputs(callable ? "    may call " : "    may not call ", stdout);
        print_clean(stdout, slice_of(agent ? agent : request));
        if (effect)
            printf(" (%s)", effect);
        printf("%s%s%s%s\n", callable ? "" : ": ", paint(stdout, callable ? PLAIN : YELLOW),
               note ? note : "", paint(stdout, PLAIN));
    }
    json_decref(calls);
}

/* Whether it is pinned, and what it asks for in vain. */
static void trust_text(const struct roster *roster, size_t index)
{
    const struct roster_plugin *plugin = &roster->plugins[index];
    if (!plugin->card || !plugin->signer)
        return;
    const json_t *pinned = lock_entry(roster->lock, plugin->entry->alias);
    AUTO(freep) char *signer = signer_in_words(plugin->signer);
    printf("    %s\n", signer);
    if (plugin->pinned)
        printf("    pinned: approved by %s at %s\n", text_of(pinned, "approved_by"),
               text_of(pinned, "approved_at"));
    else
        puts("    not pinned: seam plugins approve --all pins them");
    AUTO(json_decrefp) json_t *asked = card_requests_in_words(plugin->card);
    AUTO(json_decrefp) json_t *denied = ungranted_in_words(plugin->card, plugin->entry);
    size_t i;
    const json_t *line;
    printf("    asks for %zu thing%s%s\n", json_array_size(asked),
           json_array_size(asked) == 1 ? "" : "s", json_array_size(denied) > 0 ? "; denied:" : "");
    json_array_foreach (denied, i, line) {
        fputs("      ", stdout);
        print_clean(stdout, slice_of(json_string_value(line)));
        putchar('\n');
    }
}

/* What it lists beside what may be called. */
static void left_out_text(const char *alias, const json_t *left_out)
{
    size_t i;
    const json_t *left;
    json_array_foreach (left_out, i, left) {
        printf("    %sleft out%s: %s/", paint(stdout, YELLOW), paint(stdout, PLAIN), alias);
        print_clean(stdout, slice_of(text_of(left, "agent")));
        printf(": %s (cure: `seam plugins approve %s` shows it and asks)\n", text_of(left, "why"),
               alias);
    }
}

/* How much of its quota it has used. */
static void state_text(const struct roster_plugin *plugin, const struct state_use *use)
{
    if (!plugin->card || plugin->card->state_bytes < 0 || plugin->entry->state_bytes < 0)
        return;
    printf("    keeps %llu key%s, %llu of %lld bytes\n", (unsigned long long)use->keys,
           use->keys == 1 ? "" : "s", (unsigned long long)use->bytes,
           (long long)plugin->entry->state_bytes);
}

/* ---- what the server says, if one runs ---- */

/* The server's list, or NULL. One that cannot be asked is no error here: there need be none. */
static json_t *ask_server(const struct args *args, const struct roster *roster)
{
    enum { WAIT_S = 5 };
    AUTO(freep) char *at = client_where(args, roster);
    AUTO(json_decrefp) json_t *body = NULL;
    const struct client_request request = {.path = "/v1/plugins", .wait_s = WAIT_S};
    unsigned status = 0;
    bool asked = args_option(args, "--listen") || args_option(args, "--token");
    struct error err;
    if (client_ask(at, args_option(args, "--token"), &request, &status, &body, &err) != ERR_OK) {
        if (asked)
            complain(0, "%s", err.text);
        return NULL;
    }
    if (status != 200)
        complain(0, "a server runs at %s, and does not say what it has loaded: %s", at,
                 text_of(body, "detail"));
    return status == 200 ? json_incref(json_object_get(body, "plugins")) : NULL;
}

static const json_t *of_server(const json_t *list, const char *alias)
{
    size_t i;
    const json_t *plugin;
    json_array_foreach (list, i, plugin) {
        if (strcmp(text_of(plugin, "plugin"), alias) == 0)
            return plugin;
    }
    return NULL;
}

static void generation_text(const json_t *generation)
{
    char left[32];
    long long calls = (long long)json_integer_value(json_object_get(generation, "calls"));
    const json_t *left_ms = json_object_get(generation, "left_ms");
    const json_t *faults = json_object_get(generation, "faults");
    printf("    running: generation %lld, ",
           (long long)json_integer_value(json_object_get(generation, "generation")));
    print_clean(stdout, slice_of(text_of(generation, "state")));
    printf(", version ");
    print_clean(stdout, slice_of(text_of(generation, "version")));
    printf(", library %.12s, %lld call%s", text_of(generation, "library"), calls,
           calls == 1 ? "" : "s");
    if (left_ms)
        printf(", %s left", duration_text(json_integer_value(left_ms), left));
    if (faults)
        printf(", %lld faults", (long long)json_integer_value(faults));
    putchar('\n');
}

/* It is not there, and will be tried again. */
static void restart_text(const json_t *plugin)
{
    char wait[32];
    const json_t *restart_ms = json_object_get(plugin, "restart_ms");
    long long failures = (long long)json_integer_value(json_object_get(plugin, "failed_starts"));
    if (!restart_ms)
        return;
    printf("    running: %swaits %s%s for its next start, after %lld failure%s in a row",
           paint(stdout, YELLOW), duration_text(json_integer_value(restart_ms), wait),
           paint(stdout, PLAIN), failures, failures == 1 ? "" : "s");
    if (*text_of(plugin, "last_failure")) {
        fputs("; the last: ", stdout);
        print_clean(stdout, slice_of(text_of(plugin, "last_failure")));
    }
    putchar('\n');
}

static void server_text(const json_t *plugin)
{
    size_t i;
    const json_t *generation;
    restart_text(plugin);
    const json_t *went_back = json_object_get(plugin, "went_back");
    json_array_foreach (json_object_get(plugin, "generations"), i, generation) {
        generation_text(generation);
    }
    if (!went_back)
        return;
    printf("    %swent back%s: ", paint(stdout, YELLOW), paint(stdout, PLAIN));
    print_said(stdout, slice_of(text_of(went_back, "reason")));
    puts("; `seam reload --again` tries it once more");
}

/* ---- all of them ---- */
/* What was found when it was looked at. */
struct seen {
    const struct sandbox_report *held; /* NULL = nothing holds it */
    const struct state_use *use;
    const struct error *err;
    const json_t *quarantine; /* NULL = it is in none */
};

static void plugin_text(const struct roster *roster, size_t index, bool tried,
                        const struct seen *seen)
{
    const struct roster_plugin *plugin = &roster->plugins[index];
    const json_t *quarantine = seen->quarantine;
    bool refused = seen->err->code != ERR_OK;
    printf("%s%-12s%s %s%-8s%s %-10s %s\n", paint(stdout, BOLD), plugin->entry->alias,
           paint(stdout, PLAIN), paint(stdout, refused ? RED : GREEN),
           quarantine ? "quarantined"
           : refused  ? "refused"
           : tried    ? "ready"
                      : "accepted",
           paint(stdout, PLAIN), plugin->entry->in_process ? "in-process" : "worker",
           plugin->entry->path);
    if (quarantine) {
        quarantine_text(quarantine);
    } else if (refused) {
        fputs("    ", stdout);
        print_clean(stdout, slice_of(seen->err->text));
        putchar('\n');
    }
    for (size_t i = 0; plugin->card && i < plugin->card->agent_count; i++) {
        const struct card_agent *agent = &plugin->card->agents[i];
        AUTO(freep) char *name = xasprintf("%s/%s", plugin->entry->alias, agent->name);
        printf("    %-28s %s%s%s\n", name, effect_class_word((enum effect_class)agent->effect),
               agent->reconcile ? ", reconciled by " : "",
               agent->reconcile ? agent->reconcile : "");
    }
    left_out_text(plugin->entry->alias, plugin->left_out);
    calls_text(roster, index);
    trust_text(roster, index);
    state_text(plugin, seen->use);
    if (tried && plugin->card && !seen->quarantine)
        sandbox_text(plugin, seen->held);
}

static json_t *plugin_json(const struct roster *roster, size_t index, bool tried,
                           const struct seen *seen)
{
    const struct roster_plugin *plugin = &roster->plugins[index];
    const char *status = seen->quarantine            ? "quarantined"
                         : seen->err->code != ERR_OK ? "refused"
                         : tried                     ? "ready"
                                                     : "accepted";
    json_t *json = report_plugin(roster, index, status, seen->err);
    if (plugin->card && plugin->card->state_bytes >= 0 && plugin->entry->state_bytes >= 0)
        json_object_set_new(json, "state",
                            json_pack("{s:I, s:I, s:I}", "keys", (json_int_t)seen->use->keys,
                                      "bytes", (json_int_t)seen->use->bytes, "quota",
                                      (json_int_t)plugin->entry->state_bytes));
    if (seen->quarantine)
        json_object_set(json, "quarantine", (json_t *)(uintptr_t)seen->quarantine);
    else if (tried && plugin->card)
        json_object_set_new(json, "sandbox", sandbox_json(plugin, seen->held));
    return json;
}

int command_plugins(const struct args *args)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    struct error err;
    bool all = true, try = !args_flag(args, "--static");
    AUTO(json_decrefp) json_t *running = NULL;
    json_t *list = json_array();
    if (args->operand_count == 2 && strcmp(args->operands[0], "inspect") == 0) {
        json_decref(list);
        return inspect(args, args->operands[1]);
    }
    if (args->operand_count > 0 && strcmp(args->operands[0], "approve") == 0) {
        json_decref(list);
        return plugins_approve(args, args->operand_count > 1 ? args->operands[1] : NULL);
    }
    if (args->operand_count == 2 && strcmp(args->operands[0], "release") == 0) {
        json_decref(list);
        return plugins_release(args, args->operands[1]);
    }
    if (args->operand_count == 2 && strcmp(args->operands[0], "verify") == 0) {
        json_decref(list);
        return plugins_verify(args, args->operands[1]);
    }
    if (args->operand_count == 2 && strcmp(args->operands[0], "state") == 0) {
        json_decref(list);
        return plugins_state(args, args->operands[1]);
    }
    if (args->operand_count == 1 && strcmp(args->operands[0], "keygen") == 0) {
        json_decref(list);
        return plugins_keygen(args);
    }
    if (args->operand_count == 2 && strcmp(args->operands[0], "sign") == 0) {
        json_decref(list);
        return plugins_sign(args, args->operands[1]);
    }
    if (args->operand_count == 2 && strcmp(args->operands[0], "trust") == 0) {
        json_decref(list);
        return plugins_trust(args, args->operands[1]);
    }
    if (args->operand_count > 0) {
        json_decref(list);
        return complain(
            EXIT_USAGE,
            "usage: seam plugins [inspect FILE.so | verify FILE.so | "
            "approve ALIAS | release ALIAS|DIGEST | state ALIAS | keygen | sign FILE.so | "
            "trust KEY.pub]");
    }
    AUTO(json_decrefp) json_t *quarantined = plugins_quarantined(args);
    enum error_code code = open_roster(args, true, &roster, &err);
    if (code == ERR_OK)
        running = ask_server(args, roster);
    for (size_t i = 0; code == ERR_OK && i < roster->plugin_count; i++) {
        const struct roster_plugin *plugin = &roster->plugins[i];
        struct error why = plugin->error;
        struct sandbox_report sandbox;
        bool held = false;
        struct state_use use = state_use_of(args, roster, i);
        const json_t *quarantine = plugin_quarantine(quarantined, plugin);
        if (quarantine) {
            AUTO(freep) char *words = quarantine_words(quarantine);
            error_set(&why, ERR_DENIED, "%s", words);
        } else if (plugin->card && (!try || host_try_plugin(roster, plugin->entry->alias, NULL,
                                                            &sandbox, &held, &why) == ERR_OK)) {
            why.code = ERR_OK;
        }
        all &= why.code == ERR_OK && !plugin->left_out;
        const struct seen seen = {held ? &sandbox : NULL, &use, &why, quarantine};
        const json_t *served = of_server(running, plugin->entry->alias);
        if (args->json) {
            json_t *json = plugin_json(roster, i, try, &seen);
            if (served)
                json_object_set(json, "running", (json_t *)(uintptr_t)served);
            json_array_append_new(list, json);
        } else {
            plugin_text(roster, i, try, &seen);
            server_text(served);
        }
    }
    if (code == ERR_OK && args->json)
        print_json(json_incref(list));
    json_decref(list);
    if (code != ERR_OK)
        return report_error(args, &err);
    return all ? EXIT_DONE : EXIT_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam dev: for the author of a plugin, who builds and builds again. A host stays, with the plugin
 * in a worker as it will be later; when the library changes, the new one takes its place as `seam
 * reload` does it, and what differs is told. The author calls agents from a prompt. What crashes is
 * the worker: the prompt lives on.
 *
 * Without a manifest that names the library, one is made here: it grants nothing, and lies in no
 * folder. The journal is in memory, unless a store is named.
 */
#include "cli/dev_internal.h"

#include "loader/card.h"
#include "report/report.h"

#include <errno.h>
#include <seam/plugin.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int64_t dev_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- the manifest ---- */

static bool same_file(const char *a, const char *b)
{
    AUTO(freep) char *left = realpath(a, NULL), *right = realpath(b, NULL);
    return left && right && strcmp(left, right) == 0;
}

const struct roster_plugin *dev_plugin(const struct dev *dev, const struct roster *roster)
{
    for (size_t i = 0; i < roster->plugin_count; i++)
        if (strcmp(roster->plugins[i].entry->alias, dev->alias) == 0)
            return &roster->plugins[i];
    return NULL;
}

/* The alias of the library in a manifest; NULL if it is not in it. The caller frees. */
static char *alias_in(const char *manifest_path, const char *library, struct error *reterr)
{
    AUTO(manifest_freep) struct manifest *manifest = NULL;
    if (manifest_load(manifest_path, &manifest, reterr) != ERR_OK)
        return NULL;
    for (size_t i = 0; i < manifest->plugin_count; i++)
        if (same_file(manifest->plugins[i].path, library))
            return xstrdup(manifest->plugins[i].alias);
    error_set(reterr, ERR_NOT_FOUND,
              "%s names no plugin whose path is %s (cure: add it under `plugins`, or leave "
              "--manifest out)",
              manifest_path, library);
    return NULL;
}

/* libfoo.so → foo */
static char *alias_of(const char *library)
{
    const char *slash = strrchr(library, '/'), *name = slash ? slash + 1 : library;
    if (strncmp(name, "lib", 3) == 0 && name[3] && name[3] != '.')
        name += 3;
    char *alias = xstrndup(name, strcspn(name, "."));
    for (char *c = alias; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '_' || *c == '-'))
            *c = '-';
    if ((*alias >= 'a' && *alias <= 'z') || (*alias >= 'A' && *alias <= 'Z'))
        return alias;
    free(alias);
    return xstrdup("plugin");
}

/* A manifest in memory, that this process alone can name. */
static enum error_code make_manifest(struct dev *dev, struct error *reterr)
{
    AUTO(json_decrefp) json_t *config = NULL;
    const char *file = args_option(dev->args, "--config");
    if (file && json_read_file(file, LIMIT_FILE, &config, reterr) != ERR_OK)
        return reterr->code;
    dev->alias = alias_of(dev->library);
    AUTO(json_decrefp)
    json_t *manifest = json_pack("{s:i, s:{s:{s:s, s:b, s:O*}}}", "manifest", 1, "plugins",
                                 dev->alias, "path", dev->library, "required", 0, "config", config);
    AUTO(freep) char *text = manifest ? json_text(manifest) : xstrdup("");
    dev->manifest_fd = memfd_create("seam.yaml", MFD_CLOEXEC);
    if (dev->manifest_fd < 0 ||
        write(dev->manifest_fd, text, strlen(text)) != (ssize_t)strlen(text))
        return error_set_errno(reterr, errno, "cannot make a manifest in memory");
    dev->manifest = xasprintf("/proc/self/fd/%d", dev->manifest_fd);
    return ERR_OK;
}

/* That of --manifest; or one that lies here and names the library; or one that is made. */
static enum error_code find_manifest(struct dev *dev, struct error *reterr)
{
    AUTO(freep) char *path = NULL;
    const char *given = args_option(dev->args, "--manifest");
    enum error_code code = manifest_find(given, &path, reterr);
    if (given && code != ERR_OK)
        return code;
    if (code == ERR_OK)
        dev->alias = alias_in(path, dev->library, reterr);
    if (given && !dev->alias)
        return reterr->code;
    if (!dev->alias)
        return make_manifest(dev, reterr);
    if (args_flag(dev->args, "--config"))
        return error_set(reterr, ERR_INPUT,
                         "--config goes without a manifest; %s has the plugin's `config`", path);
    dev->manifest = TAKE(path);
    return ERR_OK;
}

/* ---- what is shown of a card ---- */

static void show_agents(struct dev *dev, const struct card *card)
{
    for (size_t i = 0; i < card->agent_count; i++) {
        const struct card_agent *agent = &card->agents[i];
        dev_say(dev, PLAIN, "  %-20s %-16s %s", agent->name,
                effect_class_word((enum effect_class)agent->effect),
                agent->summary ? agent->summary : "");
    }
}

static void show_ungranted(struct dev *dev, const struct roster *roster)
{
    size_t length = strlen(dev->alias);
    for (size_t i = 0; i < roster->catalog.count; i++) {
        const struct agent *agent = roster->catalog.agents[i];
        if (strncmp(agent->name, dev->alias, length) != 0 || agent->name[length] != '/' ||
            !agent->ungranted)
            continue;
        dev_note(dev, "note", YELLOW,
                 "its card asks for %s, and nothing of it is granted: name a manifest that grants "
                 "it with --manifest",
                 agent->ungranted);
        return;
    }
}

/* Looks at the file and runs nothing: what an operator's host would refuse is told at once. */
static void show_kit(struct dev *dev)
{
    AUTO(conformance_freep) struct conformance *report = NULL;
    struct error err;
    struct conformance_options options = {
        .levels = 1u << 1, .seed = 1, .worker = dev->worker, .time_ms = 10000};
    if (conformance_verify(dev->library, &options, &report, &err) != ERR_OK)
        return;
    if (report->failed && !dev->args->json) {
        dev_clear(dev);
        print_failed_checks(report);
    }
    dev_say(dev, report->failed ? RED : DIM, "the kit's first level: %zu of %zu checks hold%s",
            report->held, report->held + report->failed,
            report->failed ? "; an operator's `seam plugins verify` would say no" : "");
    if (dev->args->json)
        dev_emit(dev, "verified", conformance_json(report, 1));
}

void dev_show_card(struct dev *dev, const struct roster *roster, bool agents)
{
    const struct roster_plugin *plugin = dev_plugin(dev, roster);
    const struct card *card = plugin->card;
    json_t *names = json_array();
    for (size_t i = 0; card && i < card->agent_count; i++)
        json_array_append_new(names, json_string(card->agents[i].name));
    if (!card) {
        json_decref(names);
        dev_note(dev, "refused", RED, "%s", plugin->error.text);
        return;
    }
    if (agents) {
        dev_say(dev, BOLD, "%s %s: %s", card->id, card->version,
                card->summary ? card->summary : "");
        show_agents(dev, card);
    }
    dev_emit(dev, "card",
             json_pack("{s:s, s:s, s:s, s:o}", "plugin", dev->alias, "id", card->id, "version",
                       card->version, "agents", names));
    show_kit(dev);
    show_ungranted(dev, roster);
}

/* ---- what the host tells ---- */

static void remember_line(struct dev *dev, struct slice text)
{
    if (dev->line_count == DEV_LINES) {
        free(dev->lines[0]);
        memmove(dev->lines, dev->lines + 1, sizeof(dev->lines[0]) * (DEV_LINES - 1));
        dev->line_count--;
    }
    dev->lines[dev->line_count++] =
        xstrndup(text.ptr, text.len < DEV_LINE ? text.len : (size_t)DEV_LINE);
}

void dev_forget_lines(struct dev *dev)
{
    while (dev->line_count > 0)
        free(dev->lines[--dev->line_count]);
}

static void logged(void *user, const char *plugin, uint32_t level, struct slice text)
{
    static const char *const words[] = {
        [SEAM_LOG_DEBUG] = "debug", [SEAM_LOG_INFO] = "info", [SEAM_LOG_WARNING] = "warning"};
    struct dev *dev = user;
    const char *word = level < sizeof(words) / sizeof(words[0]) ? words[level] : "error";
    AUTO(freep) char *line = xstrndup(text.ptr ? text.ptr : "", text.ptr ? text.len : 0);
    if (strcmp(plugin, dev->alias) == 0 && level >= SEAM_LOG_WARNING && dev->complaint &&
        strcmp(dev->complaint, line) == 0)
        return; /* it is tried again and again, and ends the same way */
    if (strcmp(plugin, dev->alias) == 0) {
        remember_line(dev, slice_of(line));
        free(dev->complaint);
        dev->complaint = xstrdup(line);
    }
    dev_say(dev, level >= SEAM_LOG_WARNING ? YELLOW : CYAN, "%s %s: %s", plugin, word, line);
    dev_emit(
        dev, "log",
        json_pack("{s:s, s:s, s:s%}", "plugin", plugin, "level", word, "text", line, strlen(line)));
}

static bool hears(void *user, const struct run *run)
{
    (void)user;
    (void)run;
    return true;
}

static void said(void *user, const struct run *run, const struct said *piece)
{
    struct dev *dev = user;
    dev_say(dev, DIM, "  %s says: %s", run_task_path(run, piece->task), piece->text.ptr);
    dev_emit(dev, "partial", report_said(run, piece));
}

/* The line before the last ones says how the worker ended; what came before may say why. */
static void tell_lines(struct dev *dev)
{
    if (dev->line_count > 1)
        dev_say(dev, DIM, "  its last lines:");
    for (size_t i = 0; i + 1 < dev->line_count; i++)
        dev_note(dev, "last-line", DIM, "    %s", dev->lines[i]);
    dev_forget_lines(dev);
}

static void plugin_told(void *user, size_t plugin, const struct error *err)
{
    struct dev *dev = user;
    bool ours = strcmp(dev->roster->plugins[plugin].entry->alias, dev->alias) == 0;
    if (!ours)
        return;
    dev->settled_first = true;
    dev_soon(dev);
    if (err) {
        if (dev->line_count > 0)
            tell_lines(dev);
        return;
    }
    struct host_plugin now = host_plugin(dev->host, plugin);
    dev_note(dev, "up", GREEN, "generation %llu is up (pid %ld)",
             (unsigned long long)now.generation, now.pid);
    dev_forget_lines(dev);
}

/* ---- the loop ---- */

static void turn(uv_timer_t *timer)
{
    struct dev *dev = timer->data;
    size_t i;
    json_t *letter, *letters = dev->letters;
    dev->letters = json_array();
    json_array_foreach (letters, i, letter) {
        host_deliver(dev->host, json_string_value(json_array_get(letter, 0)),
                     json_array_get(letter, 1), host_time(dev->host));
    }
    json_decref(letters);
    dev_read_on(dev);
    if (dev->quitting && dev->host)
        host_stop(dev->host);
    else
        dev_prompt(dev);
}

void dev_soon(struct dev *dev)
{
    if (dev->loop && !uv_is_closing((uv_handle_t *)&dev->turn))
        uv_timer_start(&dev->turn, turn, 0, 0);
}

/* While something is under way, Ctrl-C is about that. */
static void interrupted(uv_signal_t *handle, int number)
{
    struct dev *dev = handle->data;
    if (number == SIGINT && dev->terminal && dev->open > 0) {
        dev_cancel_all(dev, "Ctrl-C; once more ends `seam dev`");
        dev->open = 0;
        return;
    }
    dev->interrupted = dev->terminal && number == SIGINT ? 0 : number;
    dev->quitting = true;
    dev_soon(dev);
}

static void open_handles(struct dev *dev)
{
    static const int numbers[DEV_SIGNALS] = {SIGINT, SIGTERM};
    dev->loop = host_loop(dev->host);
    uv_timer_init(dev->loop, &dev->turn);
    dev->turn.data = dev;
    for (size_t i = 0; i < DEV_SIGNALS; i++) {
        uv_signal_init(dev->loop, &dev->signals[i]);
        dev->signals[i].data = dev;
        uv_signal_start(&dev->signals[i], interrupted, numbers[i]);
    }
}

static enum error_code open_dev(struct dev *dev, struct error *reterr)
{
    enum error_code code = find_manifest(dev, reterr);
    if (code == ERR_OK)
        code = roster_survey(dev->manifest, &dev->first, reterr);
    if (code != ERR_OK)
        return code;
    dev->roster = dev->first;
    struct host_options options = {
        .roster = dev->roster,
        .store = args_option(dev->args, "--store"),
        .in_memory = !args_flag(dev->args, "--store"),
        .progress = dev_recorded,
        .settled = dev_settled,
        .log = logged,
        .hears = hears,
        .said = said,
        .asked = dev_asked,
        .answered = dev_answered,
        .user = dev,
    };
    code = host_open(&options, &dev->host, reterr);
    if (code != ERR_OK)
        return code;
    open_handles(dev);
    dev_watch(dev);
    return dev_listen(dev, reterr);
}

static void close_dev(struct dev *dev)
{
    if (dev->host) {
        dev_clear(dev);
        dev_deaf(dev);
        dev_unwatch(dev);
        uv_close((uv_handle_t *)&dev->turn, NULL);
        for (size_t i = 0; i < DEV_SIGNALS; i++)
            uv_close((uv_handle_t *)&dev->signals[i], NULL);
        (void)!host_close(dev->host, NULL);
    }
    roster_free(dev->first);
    dev_forget_lines(dev);
    dev_forget(&dev->begun);
    dev_forget(&dev->asked);
    dev_request_done(&dev->last);
    json_decref(dev->letters);
    text_done(&dev->typed);
    free(dev->complaint);
    free(dev->library);
    free(dev->alias);
    free(dev->manifest);
    free(dev->worker);
    if (dev->manifest_fd >= 0)
        close(dev->manifest_fd);
}

static int work(struct dev *dev, struct error *err)
{
    dev_show_card(dev, dev->roster, true);
    dev->settled_first = !dev_plugin(dev, dev->roster)->card;
    if (dev->terminal)
        dev_say(dev, DIM, "`help` says what can be typed; the library is watched");
    host_keep_plugins(dev->host, plugin_told);
    dev_soon(dev);
    if (host_serve(dev->host, err) != ERR_OK)
        return report_error(dev->args, err);
    if (dev->interrupted)
        return EXIT_SIGNAL + dev->interrupted;
    return dev->failed && !dev->terminal ? EXIT_FAILED : EXIT_DONE;
}

int command_dev(const struct args *args)
{
    struct error err;
    const char *path = args->operands[0];
    struct dev dev = {.args = args,
                      .manifest_fd = -1,
                      .flow = args_option(args, "--flow"),
                      .worker = beside_this_program("seam-worker"),
                      .letters = json_array()};
    text_init(&dev.typed, LIMIT_PAYLOAD);
    dev.library = realpath(path, NULL);
    enum error_code code = dev.library
                               ? open_dev(&dev, &err)
                               : error_set_errno(&err, errno,
                                                 "%s: build the plugin first; seam dev watches it "
                                                 "from then on",
                                                 path);
    int exit_code = code == ERR_OK ? work(&dev, &err) : report_error(args, &err);
    close_dev(&dev);
    return exit_code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Level 4: under instruments. Valgrind runs this same program over the second level's bare lives of
 * the plugin; of what it says, that counts in which the plugin's file stands, for the rest is the
 * kit's. So does the sanitizer that the plugin was built with, which must be in a process from its
 * start. What the sandbox denies is in denied.c.
 */
#include "conformance/behaviour_internal.h"
#include "conformance/image_internal.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INSTRUMENT_MS = 120000, LINE = 1024, STACK_SHOWN = 500 };

/* ---- valgrind ---- */

static char *find_program(const char *name)
{
    const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/bin"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        AUTO(freep) char *path = xasprintf("%s/%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return TAKE(path);
    }
    return NULL;
}

static char *log_in(const char *folder, const char *prefix, const char *rest)
{
    return xasprintf("%s%s/%s", prefix, folder, rest);
}

/* For the process under the instrument: what it cannot ask the manifest for. */
static const char config_file[] = "/.config.json", agents_file[] = "/.agents.json";

static bool leave_one(const char *folder, const char *name, const json_t *json)
{
    AUTO(freep) char *path = xasprintf("%s%s", folder, name);
    return json_dump_file(json, path, JSON_ENCODE_ANY) == 0;
}

static bool leave_inputs(const struct kit *kit, const char *folder)
{
    return leave_one(folder, config_file, kit->config) &&
           leave_one(folder, agents_file, json_object_get(kit->card->json, "agents"));
}

static void take_inputs(const char *folder)
{
    AUTO(freep) char *config = xasprintf("%s%s", folder, config_file);
    AUTO(freep) char *agents = xasprintf("%s%s", folder, agents_file);
    unlink(config);
    unlink(agents);
}

/* This program, to verify bare lives of the plugin; the words before it are the instrument's. */
static _Noreturn void become(const struct kit *kit, const char *folder, const char *const before[])
{
    enum { WORDS = 16 };
    AUTO(freep) char *config = xasprintf("%s%s", folder, config_file);
    AUTO(freep) char *agents = xasprintf("%s%s", folder, agents_file);
    char self[4096], seed[24];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = '\0';
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)kit->options->seed);
    const char *const after[] = {self,       "plugins",  "verify",   kit->card->path, "--only",
                                 "L2.again", "--inputs", "20",       "--seed",        seed,
                                 "--config", config,     "--agents", agents,          NULL};
    const char *words[WORDS + sizeof(after) / sizeof(after[0])];
    size_t count = 0;
    for (size_t i = 0; before[i] && i < WORDS; i++)
        words[count++] = before[i];
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
        words[count++] = after[i];
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(nothing, 2);
    setpgid(0, 0);
    execv(words[0], (char *const *)words);
    _exit(127);
}

/* Until it has ended; -1: it did not in time. */
static int outwait(pid_t pid)
{
    int64_t due_ms = kit_now_ms() + INSTRUMENT_MS;
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
        poll(NULL, 0, 50);
        if (kit_now_ms() > due_ms) {
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            return -1;
        }
    }
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool run_valgrind(const struct kit *kit, const char *valgrind, const char *folder)
{
    AUTO(freep) char *log = log_in(folder, "--xml-file=", "%p");
    const char *const words[] = {
        valgrind, "--xml=yes", "--leak-check=full", "--show-leak-kinds=definite", log, NULL};
    pid_t pid = fork();
    if (pid == 0)
        become(kit, folder, words);
    int status = outwait(pid);
    return status == 0 || status == 1;
}

/* One <error> of valgrind's: what, and the functions of its stack. */
struct complaint {
    char text[STACK_SHOWN];
    size_t len;
    bool of_plugin;
};

static void add_words(struct complaint *c, const char *after, const char *line)
{
    size_t left = sizeof(c->text) - c->len;
    int len = snprintf(c->text + c->len, left, "%s%.*s", after, (int)strcspn(line, "<\n"), line);
    c->len = len < 0 || (size_t)len >= left ? sizeof(c->text) - 1 : c->len + (size_t)len;
}

/* What stands behind a tag, or NULL. */
static const char *behind(const char *line, const char *tag)
{
    const char *at = strstr(line, tag);
    return at ? at + strlen(tag) : NULL;
}

static void read_log(struct kit *kit, const char *path)
{
    char line[LINE];
    struct complaint c = {.len = 0};
    const char *slash = strrchr(kit->card->path, '/'), *words;
    AUTO(freep) char *object = xasprintf("/%s</obj>", slash ? slash + 1 : kit->card->path);
    FILE *in = fopen(path, "re");
    while (in && fgets(line, sizeof(line), in)) {
        if (strstr(line, "<error>"))
            c = (struct complaint){.len = 0};
        c.of_plugin = c.of_plugin || strstr(line, object);
        if ((words = behind(line, "<what>")) || (words = behind(line, "<text>")))
            add_words(&c, "", words);
        else if ((words = behind(line, "<fn>")))
            add_words(&c, " < ", words);
        if (strstr(line, "</error>") && c.of_plugin)
            kit_fail(kit, CHECK_VALGRIND, kit->card->path, "no error and no lost memory", "%s",
                     c.text);
    }
    if (in)
        fclose(in);
}

typedef void (*read_fn)(struct kit *kit, const char *path);

static void read_logs(struct kit *kit, const char *folder, read_fn read_one)
{
    DIR *dir = opendir(folder);
    struct dirent *one;
    while (dir && (one = readdir(dir)) != NULL) {
        AUTO(freep) char *path = xasprintf("%s/%s", folder, one->d_name);
        if (one->d_name[0] == '.')
            continue;
        read_one(kit, path);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

static void check_valgrind(struct kit *kit)
{
    AUTO(freep) char *valgrind = find_program("valgrind");
    char folder[] = "/tmp/seam-valgrind.XXXXXX";
    if (!kit_wants(kit, CHECK_VALGRIND) || !kit_prepare(kit))
        return;
    if (KIT_SANITIZED)
        kit_skip(kit, CHECK_VALGRIND,
                 "this seam is built with a sanitizer, which valgrind cannot run");
    else if (kit->sanitizer)
        kit_skip(kit, CHECK_VALGRIND, "the plugin is built with a sanitizer: valgrind runs none");
    else if (!valgrind)
        kit_skip(kit, CHECK_VALGRIND, "valgrind is not installed");
    else if (!mkdtemp(folder))
        kit_skip(kit, CHECK_VALGRIND, "no folder for its log: %s", strerror(errno));
    else {
        kit_progress(kit, "valgrind");
        bool ended = leave_inputs(kit, folder) && run_valgrind(kit, valgrind, folder);
        take_inputs(folder);
        read_logs(kit, folder, read_log);
        if (ended)
            kit_hold(kit, CHECK_VALGRIND);
        else
            kit_skip(kit, CHECK_VALGRIND, "under valgrind it did not end in %d s",
                     INSTRUMENT_MS / 1000);
    }
}

/* ---- the plugin's own sanitizer ---- */

static const char *const runtimes[] = {"libasan.so", "libubsan.so", "libtsan.so", "libclang_rt."};

static void find_sanitizer(struct kit *kit)
{
    struct image image = {.fd = -1};
    if (kit->sanitizer || image_open(kit->card->path, &image, NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < image.needed_count && !kit->sanitizer; i++)
        for (size_t k = 0; k < sizeof(runtimes) / sizeof(runtimes[0]); k++)
            if (strncmp(image.needed[i], runtimes[k], strlen(runtimes[k])) == 0) {
                kit->sanitizer = xstrdup(image.needed[i]);
                break;
            }
    image_done(&image);
}

static bool is_here(const struct kit *kit)
{
    void *library = dlopen(kit->sanitizer, RTLD_LAZY | RTLD_NOLOAD);
    if (library)
        dlclose(library);
    return library != NULL;
}

bool kit_cannot_load(struct kit *kit, int level)
{
    find_sanitizer(kit);
    if (!kit->sanitizer || is_here(kit))
        return false;
    AUTO(freep)
    char *why = xasprintf("it is built with a sanitizer (%s), which must be there from a process's "
                          "start: L4.sanitizer calls it so",
                          kit->sanitizer);
    kit_skip_level(kit, level, why);
    return true;
}

static bool run_sanitized(const struct kit *kit, const char *folder)
{
    AUTO(freep)
    char *env = find_program("env"), *preload = xasprintf("LD_PRELOAD=%s", kit->sanitizer);
    AUTO(freep) char *address = log_in(folder, "ASAN_OPTIONS=detect_leaks=0:log_path=", "a");
    AUTO(freep) char *undefined = log_in(folder, "UBSAN_OPTIONS=log_path=", "u");
    AUTO(freep) char *threads = log_in(folder, "TSAN_OPTIONS=log_path=", "t");
    const char *const words[] = {env, preload, address, undefined, threads, NULL};
    pid_t pid = env ? fork() : -1;
    if (pid == 0)
        become(kit, folder, words);
    int status = outwait(pid);
    return status == 0 || status == 1;
}

/* "==7==ERROR: AddressSanitizer: heap-buffer-overflow on …", and the first place below it that is
 * in the plugin. */
static void read_verdict(struct kit *kit, const char *path)
{
    static const char *const marks[] = {"ERROR: ", "WARNING: ThreadSanitizer", "runtime error: "};
    char line[LINE];
    struct complaint c = {.len = 0};
    const char *slash = strrchr(kit->card->path, '/');
    const char *object = slash ? slash + 1 : kit->card->path;
    FILE *in = fopen(path, "re");
    while (in && fgets(line, sizeof(line), in)) {
        const char *frame = strstr(line, " in ");
        for (size_t i = 0; c.len == 0 && i < sizeof(marks) / sizeof(marks[0]); i++)
            if (strstr(line, marks[i]))
                add_words(&c, "", strstr(line, marks[i]));
        if (c.len > 0 && !c.of_plugin && frame && (strstr(line, object) || strstr(line, ".c:"))) {
            add_words(&c, " at ", frame + 4);
            c.of_plugin = true;
        }
    }
    if (in)
        fclose(in);
    if (c.len > 0)
        kit_fail(kit, CHECK_SANITIZER, kit->card->path, "a sanitizer that is silent", "%s", c.text);
}

static void check_sanitizer(struct kit *kit)
{
    char folder[] = "/tmp/seam-sanitizer.XXXXXX";
    if (!kit_wants(kit, CHECK_SANITIZER) || (kit->sanitizer && !kit_prepare(kit)))
        return;
    if (!kit->sanitizer)
        kit_skip(kit, CHECK_SANITIZER, "the plugin is built without a sanitizer");
    else if (!mkdtemp(folder))
        kit_skip(kit, CHECK_SANITIZER, "no folder for its log: %s", strerror(errno));
    else {
        kit_progress(kit, "the sanitizer");
        bool ended = leave_inputs(kit, folder) && run_sanitized(kit, folder);
        take_inputs(folder);
        read_logs(kit, folder, read_verdict);
        if (ended)
            kit_hold(kit, CHECK_SANITIZER);
        else
            kit_skip(kit, CHECK_SANITIZER, "with %s it could not be run to its end",
                     kit->sanitizer);
    }
}

/* ---- the sandbox ---- */

static void check_sandbox(struct kit *kit)
{
    static const struct scenario denied = {"what the sandbox denies", play_denied, CHECK_LIVES,
                                           CHECK_ANSWERS, CLAIM(SANDBOX)};
    if (!kit_wants(kit, CHECK_SANDBOX))
        return;
    if (kit->sanitizer && !is_here(kit))
        kit_skip(kit, CHECK_SANDBOX, "its worker has not the sanitizer that it is built with (%s)",
                 kit->sanitizer);
    else if (kit_prepare(kit))
        scenario_play(kit, &denied, false);
}

void level_instruments(struct kit *kit)
{
    find_sanitizer(kit);
    check_valgrind(kit);
    check_sanitizer(kit);
    check_sandbox(kit);
}

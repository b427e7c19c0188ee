/* SPDX-License-Identifier: Apache-2.0
 *
 * Level 4: under instruments. Valgrind runs this same program over the second level's bare lives of
 * the plugin; of what it says, that counts in which the plugin's file stands, for the rest is the
 * kit's. A sanitizer's build is judged by the sanitizer itself: it ends the process where it finds
 * something, so level 2 has seen it. The sandbox denies without a word; which calls it denied is
 * not known here.
 */
#include "conformance/behaviour_internal.h"
#include "conformance/image_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VALGRIND_MS = 120000, LINE = 1024, STACK_SHOWN = 500 };

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

static bool run_valgrind(const struct kit *kit, const char *valgrind, const char *folder)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = '\0';
    AUTO(freep) char *log = xasprintf("--xml-file=%s/%%p", folder);
    AUTO(freep) char *seed = xasprintf("%llu", (unsigned long long)kit->options->seed);
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(nothing, 0);
        dup2(nothing, 1);
        dup2(nothing, 2);
        setpgid(0, 0);
        execl(valgrind, valgrind, "--xml=yes", "--leak-check=full", "--show-leak-kinds=definite",
              log, self, "plugins", "verify", kit->card->path, "--only", "L2.again", "--inputs",
              "20", "--seed", seed, (char *)NULL);
        _exit(127);
    }
    int64_t due_ms = kit_now_ms() + VALGRIND_MS;
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
        poll(NULL, 0, 50);
        if (kit_now_ms() > due_ms) {
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            return false;
        }
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) <= 1;
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

static void read_logs(struct kit *kit, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *one;
    while (dir && (one = readdir(dir)) != NULL) {
        AUTO(freep) char *path = xasprintf("%s/%s", folder, one->d_name);
        if (one->d_name[0] == '.')
            continue;
        read_log(kit, path);
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
    if (!kit_wants(kit, CHECK_VALGRIND))
        return;
    if (KIT_SANITIZED)
        kit_skip(kit, CHECK_VALGRIND,
                 "this seam is built with a sanitizer, which valgrind cannot run");
    else if (!valgrind)
        kit_skip(kit, CHECK_VALGRIND, "valgrind is not installed");
    else if (!mkdtemp(folder))
        kit_skip(kit, CHECK_VALGRIND, "no folder for its log: %s", strerror(errno));
    else {
        kit_progress(kit, "valgrind");
        bool ended = run_valgrind(kit, valgrind, folder);
        read_logs(kit, folder);
        if (ended)
            kit_hold(kit, CHECK_VALGRIND);
        else
            kit_skip(kit, CHECK_VALGRIND, "under valgrind it did not end in %d s",
                     VALGRIND_MS / 1000);
    }
}

/* ---- the others ---- */

static void note_sanitizer(void *user, const char *name, bool defined, bool weak)
{
    bool *found = user;
    (void)weak;
    *found |= !defined &&
              (strncmp(name, "__asan_init", 11) == 0 || strncmp(name, "__ubsan_handle", 14) == 0 ||
               strncmp(name, "__tsan_init", 11) == 0);
}

static void check_sanitizer(struct kit *kit)
{
    struct image image = {.fd = -1};
    bool found = false;
    if (image_open(kit->card->path, &image, NULL) == ERR_OK) {
        image_symbols(&image, note_sanitizer, &found);
        image_done(&image);
    }
    if (!found)
        kit_skip(kit, CHECK_SANITIZER, "the plugin is built without a sanitizer");
    else if (!(kit->options->levels & 1u << 2) || !kit_wants(kit, CHECK_LIVES))
        kit_skip(kit, CHECK_SANITIZER, "level 2, in which it would have spoken, was not asked for");
    else
        kit_hold(kit, CHECK_SANITIZER);
}

void level_instruments(struct kit *kit)
{
    check_valgrind(kit);
    check_sanitizer(kit);
    kit_skip(kit, CHECK_SANDBOX,
             "the sandbox does not tell which calls it denied; level 2 ran inside it, in a worker");
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts, asks and ends a world.
 */
#include "harness.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENT_MAXIMUM = 40, REQUEST_TIMEOUT_MS = 20000 };

_Noreturn static void give_up(const char *what)
{
    fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
    abort();
}

static void spawn(struct world *w, const char *const *knobs)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)w->port);
    const char *arguments[ARGUMENT_MAXIMUM] = {WORLD_PROGRAM, "--ledger", w->ledger, "--port",
                                               port};
    for (size_t i = 0; knobs != NULL && knobs[i] != NULL && i + 6 < ARGUMENT_MAXIMUM; i++)
        arguments[i + 5] = knobs[i];

    int out[2];
    if (pipe(out) != 0)
        give_up("pipe");
    w->pid = fork();
    if (w->pid < 0)
        give_up("fork");
    if (w->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execv(WORLD_PROGRAM, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(out[1]);
    FILE *from = fdopen(out[0], "r");
    char line[80];
    unsigned heard = 0;
    if (from == NULL || fgets(line, sizeof(line), from) == NULL ||
        sscanf(line, "listening 127.0.0.1:%u", &heard) != 1)
        give_up("the world did not say where it listens");
    fclose(from);
    w->port = (uint16_t)heard;
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u", heard);
}

void world_start(struct world *w, const char *const *knobs)
{
    *w = (struct world){0};
    const char *scratch = getenv("TMPDIR");
    snprintf(w->folder, sizeof(w->folder), "%s/world-XXXXXX", scratch == NULL ? "/tmp" : scratch);
    if (mkdtemp(w->folder) == NULL)
        give_up(w->folder);
    snprintf(w->ledger, sizeof(w->ledger), "%s/ledger.db", w->folder);
    spawn(w, knobs);
}

void world_restart(struct world *w, const char *const *knobs)
{
    spawn(w, knobs);
}

static int reap(struct world *w, int signal_number)
{
    int status = 0;
    kill(w->pid, signal_number);
    while (waitpid(w->pid, &status, 0) < 0)
        if (errno != EINTR)
            give_up("waitpid");
    w->pid = 0;
    return status;
}

void world_kill(struct world *w)
{
    reap(w, SIGKILL);
}

int world_stop(struct world *w)
{
    int status = reap(w, SIGTERM);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void world_done(struct world *w)
{
    if (w->pid != 0)
        world_kill(w);
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char file[180];
        snprintf(file, sizeof(file), "%s%s", w->ledger, tails[i]);
        unlink(file);
    }
    rmdir(w->folder);
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct reply *r = user;
    size_t len = r->text == NULL ? 0 : strlen(r->text);
    char *larger = realloc(r->text, len + size * count + 1);
    if (larger == NULL)
        abort();
    memcpy(larger + len, data, size * count);
    larger[len + size * count] = '\0';
    r->text = larger;
    return size * count;
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct reply *r = user;
    if (size * count > 20 && strncasecmp(line, "idempotency-replayed", 20) == 0)
        r->replayed = true;
    return size * count;
}

struct reply world_request(const struct world *w, const char *method, const char *path,
                           const char *body, const char *key)
{
    struct reply r = {0};
    char url[512], header[256];
    snprintf(url, sizeof(url), "%s%s", w->url, path);
    snprintf(header, sizeof(header), "Idempotency-Key: %s", key == NULL ? "" : key);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    headers = curl_slist_append(headers, "Authorization: Bearer harness");
    if (key != NULL)
        headers = curl_slist_append(headers, header);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)REQUEST_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &r);
    r.curl_code = (int)curl_easy_perform(curl);
    long status = 0;
    if (r.curl_code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    r.status = (int)status;
    r.json = r.text == NULL ? NULL : json_loads(r.text, 0, NULL);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return r;
}

void reply_done(struct reply *r)
{
    free(r->text);
    json_decref(r->json);
    *r = (struct reply){0};
}

int64_t world_stat(const struct world *w, const char *path)
{
    struct reply r = world_request(w, "GET", "/_stats", NULL, NULL);
    char names[128];
    snprintf(names, sizeof(names), "%s", path);
    const json_t *at = r.json;
    char *rest = NULL;
    for (char *name = strtok_r(names, ".", &rest); name != NULL; name = strtok_r(NULL, ".", &rest))
        at = json_object_get(at, name);
    int64_t number = json_integer_value(at);
    reply_done(&r);
    return number;
}

void world_turn(const struct world *w, const char *knobs_json)
{
    struct reply r = world_request(w, "POST", "/_knobs", knobs_json, NULL);
    if (r.status != 200) {
        fprintf(stderr, "harness: the knobs were refused: %s\n", r.text == NULL ? "" : r.text);
        abort();
    }
    reply_done(&r);
}

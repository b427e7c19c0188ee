/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling people that they are asked: the program or the URL that the manifest's `escalation` names
 * gets the question as JSON, once the question is on disk. That somebody was told, or could not be,
 * is an event of the run; a host that takes a run up tells of each open question that nobody was
 * told of. So a person may be told twice, if the host dies in between, and is not told never.
 */
#include "runtime/across_internal.h"
#include "runtime/program_internal.h"

#include <stdlib.h>
#include <string.h>

enum { HOOK_TRIES = 3, HOOK_TIMEOUT_MS = 30000, HOOK_WAIT_MS = 1000 };

struct hook {
    struct hook *next, **back;
    struct host *host;
    char *run, *path;
    const char *name;  /* of the manifest's `escalation` */
    const json_t *way; /* {exec: […]} or {http: URL}     */
    struct text body;
    uint32_t revision;
    int tries;
    uint64_t request; /* 0 = none is under way */
    struct program *program;
    struct timer timer; /* the program's time, or the wait before the next try */
};

static void try_hook(struct hook *hook);

static void hook_free(struct hook *hook)
{
    struct live_run *live = live_find(hook->host, hook->run);
    *hook->back = hook->next;
    if (hook->next)
        hook->next->back = hook->back;
    program_free(TAKE(hook->program));
    if (live) {
        live->hooks--;
        park_later(live);
    }
    timer_stop(&hook->timer);
    free(hook->run);
    free(hook->path);
    text_done(&hook->body);
    free(hook);
}

/* ---- how a try ends ---- */

static void record(struct hook *hook, const char *failure)
{
    struct live_run *live = live_find(hook->host, hook->run);
    if (!live || run_status_is_final(run_status(live->run)))
        return;
    struct event event = {
        .kind = EVENT_TOLD,
        .task = run_task_find(live->run, slice_of(hook->path)),
        .revision = hook->revision,
        .who = hook->name,
        .message = failure,
    };
    if (event.task != UINT32_MAX)
        live_happen(live, &event, NULL);
}

static void try_later(struct timer *timer)
{
    try_hook(timer->data);
}

/* failure NULL = told. */
static void try_ended(struct hook *hook, const char *failure)
{
    struct host *host = hook->host;
    timer_stop(&hook->timer);
    program_free(TAKE(hook->program));
    hook->request = 0;
    if (host->stopping)
        return;
    if (failure && hook->tries < HOOK_TRIES) {
        timer_start(&hook->timer, try_later, (int64_t)HOOK_WAIT_MS << hook->tries);
        return;
    }
    if (failure)
        host_log(host, hook->run, SEAM_LOG_ERROR,
                 "`escalation.%s` could not be told that %s waits for a person: %s", hook->name,
                 hook->path, failure);
    record(hook, failure);
    hook_free(hook);
    if (!host->hooks && host->unsettled == 0)
        uv_stop(&host->loop);
}

/* ---- a program ---- */

static void program_has_ended(void *user, const char *failure)
{
    try_ended(user, failure);
}

static void program_is_late(struct timer *timer)
{
    struct hook *hook = timer->data;
    if (hook->program)
        program_kill(hook->program);
}

static void start_program(struct hook *hook, const json_t *list)
{
    struct host *host = hook->host;
    struct error err;
    size_t count = json_array_size(list);
    char **arguments = xcalloc(count + 1, sizeof(*arguments));
    for (size_t i = 0; i < count; i++)
        arguments[i] = (char *)json_string_value(json_array_get(list, i));
    enum error_code code =
        program_start(&host->loop, arguments, host->manifest->folder, text_slice(&hook->body),
                      program_has_ended, hook, &hook->program, &err);
    free(arguments);
    if (code != ERR_OK)
        try_ended(hook, err.text);
    else
        timer_start(&hook->timer, program_is_late, HOOK_TIMEOUT_MS);
}

/* ---- a URL ---- */

static void posted(void *user, const struct egress_answer *answer)
{
    struct hook *hook = user;
    char failure[128];
    if (answer->fate == FATE_ANSWERED)
        snprintf(failure, sizeof(failure), "it answered with status %d", answer->status);
    else
        snprintf(failure, sizeof(failure), "%s", answer->reason ? answer->reason : "no answer");
    bool told = answer->fate == FATE_ANSWERED && answer->status >= 200 && answer->status < 300;
    try_ended(hook, told ? NULL : failure);
}

static void post(struct hook *hook, const char *url)
{
    static const struct egress_header headers[] = {{"Content-Type", "application/json"}};
    struct error err;
    struct egress_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = 1,
        .body = text_slice(&hook->body),
        .timeout_ms = HOOK_TIMEOUT_MS,
        .mutating = true,
        .allow_private = true,
    };
    if (egress_send(hook->host->egress, &request, posted, hook, &hook->request, &err) != ERR_OK)
        try_ended(hook, err.text);
}

static void try_hook(struct hook *hook)
{
    const json_t *list = json_object_get(hook->way, "exec");
    hook->tries++;
    if (list)
        start_program(hook, list);
    else
        post(hook, json_string_value(json_object_get(hook->way, "http")));
}

/* ---- whom to tell ---- */

static void question_durable(void *user, enum error_code code, const struct error *err)
{
    (void)err;
    if (code == ERR_OK)
        try_hook(user);
    else
        hook_free(user);
}

static bool is_being_told(const struct host *host, const char *run, const char *path,
                          uint32_t revision)
{
    for (const struct hook *hook = host->hooks; hook; hook = hook->next)
        if (hook->revision == revision && strcmp(hook->path, path) == 0 &&
            strcmp(hook->run, run) == 0)
            return true;
    return false;
}

/* Of a hidden run: what kind of question it is, and where it is read. */
static json_t *without_values(const struct live_run *live, const struct question_view *question)
{
    AUTO(freep)
    char *text = xasprintf("the values of this run are hidden; `seam show %s` asks the question, "
                           "where the key is",
                           run_id(live->run));
    return json_pack("{s:O, s:s}", "question", json_object_get(question->shown, "question"), "text",
                     text);
}

static json_t *message(const struct live_run *live, const char *path,
                       const struct question_view *question)
{
    AUTO(freep) char *cure = xasprintf("seam answer %s %s --json FILE", run_id(live->run), path);
    AUTO(json_decrefp)
    json_t *shown = live->seal ? without_values(live, question)
                               : json_incref((json_t *)(uintptr_t)question->shown);
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:O, s:s}", "run", run_id(live->run), "flow",
                     run_flow(live->run)->name, "step", path, "revision", (int)question->revision,
                     "deadline_ms", (json_int_t)question->deadline_ms, "question", shown, "answer",
                     cure);
}

void hook_tell(struct live_run *live, const struct question_view *question)
{
    struct host *host = live->host;
    const char *name = run_task_escalates_to(live->run, question->task);
    const char *path = run_task_path(live->run, question->task);
    const json_t *way = name ? json_object_get(host->manifest->escalation, name) : NULL;
    /* nobody is called in a rehearsal */
    if (question->told || json_object_size(way) == 0 || host->options.stand_ins ||
        is_being_told(host, run_id(live->run), path, question->revision))
        return;
    struct hook *hook = xcalloc(1, sizeof(*hook));
    *hook = (struct hook){
        .next = host->hooks,
        .back = &host->hooks,
        .host = host,
        .run = xstrdup(run_id(live->run)),
        .path = xstrdup(path),
        .name = name,
        .way = way,
        .revision = question->revision,
    };
    if (hook->next)
        hook->next->back = &hook->next;
    host->hooks = hook;
    live->hooks++;
    timer_init(&hook->timer, host, hook);
    text_init(&hook->body, LIMIT_PAYLOAD);
    json_t *json = message(live, path, question);
    json_write(json, &hook->body);
    json_decref(json);
    host_barrier(host, false, question_durable, hook);
}

void hooks_close(struct host *host)
{
    while (host->hooks)
        hook_free(host->hooks);
}

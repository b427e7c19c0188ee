/* SPDX-License-Identifier: Apache-2.0
 *
 * What people say to runs over HTTP: answers, cancels, and that one which was left is to go on.
 * Each is held to the run as it stands before it is handed over, is recorded with the name of
 * whoever said it, and is on disk before it is acknowledged.
 */
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_final(const char *status)
{
    return strcmp(status, "running") != 0 && strcmp(status, "waiting") != 0;
}

/* The run in memory, taken up if it was not; NULL: the reply says why not. */
static const struct run *take_up(struct request *request)
{
    struct host *host = request->server->host;
    const char *id = request->target.id;
    struct journal_run known;
    struct error err;
    if (request->server->state == SERVER_DRAINING) {
        reply_problem(request, 503,
                      "the server is stopping; ask again when it is back, or use `seam`");
        return NULL;
    }
    const struct run *run = host_run(host, id);
    if (run && !run_status_is_final(run_status(run)))
        return run;
    if (!run_find(request, &known))
        return NULL;
    if (run || is_final(known.status)) {
        reply_problem(request, 409, "run %s is %s already; GET /v1/runs/%s shows it", id,
                      run ? run_status_word(run_status(run)) : known.status, id);
        return NULL;
    }
    if (host_resume(host, id, &err) != ERR_OK) {
        reply_error(request, &err);
        return NULL;
    }
    run = host_run(host, id);
    if (!run)
        reply_problem(request, 409, "run %s has just ended; GET /v1/runs/%s shows it", id, id);
    return run;
}

/* ---- answers ---- */

struct answer {
    const char *step;
    const json_t *value;
    bool deny;
    int64_t revision; /* 0 = not said */
};

static bool read_answer(struct request *request, const json_t *body, struct answer *ret)
{
    const json_t *revision = json_object_get(body, "revision");
    const json_t *deny = json_object_get(body, "deny");
    *ret = (struct answer){.step = json_string_value(json_object_get(body, "step")),
                           .value = json_object_get(body, "answer"),
                           .deny = json_is_true(deny),
                           .revision = json_integer_value(revision)};
    if (!ret->step)
        reply_problem(
            request, 422,
            "`step`: expected the path of the step that asks, or `.` for the run itself; GET "
            "/v1/runs/%s shows the questions",
            request->target.id);
    else if (revision && (!json_is_integer(revision) || ret->revision < 1))
        reply_problem(request, 422, "`revision`: expected the number that the question came with");
    else if (deny && !json_is_boolean(deny))
        reply_problem(request, 422, "`deny`: expected true or false");
    else if ((ret->value != NULL) == ret->deny)
        reply_problem(request, 422, "expected either `answer`, a value, or `deny`: true");
    else
        return true;
    return false;
}

static bool check_answer(struct request *request, const struct run *run,
                         const struct answer *answer, struct question_view *ret_view)
{
    const char *id = request->target.id;
    struct error err;
    uint32_t task = run_task_find(run, slice_of(answer->step));
    if (task == UINT32_MAX)
        reply_problem(request, 404, "run %s has no step `%.200s`; GET /v1/runs/%s lists them", id,
                      answer->step, id);
    else if (!run_question(run, task, ret_view))
        reply_problem(request, 409,
                      "step `%.200s` of run %s asks nothing now: it was answered, or never asked; "
                      "GET /v1/runs/%s shows where it stands",
                      answer->step, id, id);
    else if (answer->revision && answer->revision != (int64_t)ret_view->revision)
        reply_problem(request, 409,
                      "the question is at revision %u now, not %lld; look at it again with GET "
                      "/v1/runs/%s",
                      ret_view->revision, (long long)answer->revision, id);
    else if (question_is_over(ret_view, host_time(request->server->host)))
        reply_problem(request, 409,
                      "step `%.200s` of run %s was to be answered until its deadline, and nobody "
                      "did: that counts as %s (`on_timeout` of the flow's escalation); GET "
                      "/v1/runs/%s shows where it stands",
                      answer->step, id, ret_view->silence_approves ? "approved" : "denied", id);
    else if (answer->value && run_answer_fits(run, task, answer->value, &err) != ERR_OK)
        reply_problem(request, 422, "the answer to %s is not accepted: %s",
                      run_task_path(run, task), err.text);
    else
        return true;
    return false;
}

static void deliver_answer(struct request *request, const struct run *run,
                           const struct answer *answer, const struct question_view *view)
{
    struct server *server = request->server;
    AUTO(freep) char *shown = report_shown_digest(view->shown);
    AUTO(freep) char *path = xstrdup(run_task_path(run, view->task));
    uint32_t revision = view->revision;
    AUTO(json_decrefp)
    json_t *message =
        inbox_answer(path, revision, answer->value, answer->deny, request->who, shown);
    host_deliver(server->host, request->target.id, message, host_time(server->host));
    server->counts.questions++;
    reply_when_kept(request, 200,
                    json_pack("{s:s, s:s, s:i, s:s, s:s}", "run", request->target.id, "step", path,
                              "revision", (int)revision, "sent",
                              answer->deny ? "denied" : "answered", "who", request->who));
}

void ask_answer(struct request *request)
{
    static const char *const members[] = {"step", "answer", "deny", "revision", NULL};
    AUTO(json_decrefp) json_t *body = NULL;
    struct answer answer;
    struct question_view view;
    if (!body_read(request, members, &body) || !read_answer(request, body, &answer))
        return;
    const struct run *run = take_up(request);
    if (run && check_answer(request, run, &answer, &view))
        deliver_answer(request, run, &answer, &view);
}

/* ---- cancels ---- */

void ask_cancel(struct request *request)
{
    static const char *const members[] = {NULL};
    AUTO(json_decrefp) json_t *body = NULL;
    if (!body_read(request, members, &body) || !take_up(request))
        return;
    AUTO(json_decrefp) json_t *message = inbox_cancel(request->who);
    host_deliver(request->server->host, request->target.id, message,
                 host_time(request->server->host));
    reply_when_kept(request, 202,
                    json_pack("{s:s, s:s, s:s}", "run", request->target.id, "sent", "cancel asked",
                              "who", request->who));
}

/* ---- going on ---- */

void ask_resume(struct request *request)
{
    static const char *const members[] = {NULL};
    AUTO(json_decrefp) json_t *body = NULL;
    const char *id = request->target.id;
    if (!body_read(request, members, &body))
        return;
    const struct run *run = take_up(request);
    if (!run)
        return;
    free(map_take(&request->server->stuck, slice_of(id)));
    reply_when_kept(request, 200,
                    json_pack("{s:s, s:s}", "run", id, "status", run_status_word(run_status(run))));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam answer, seam cancel: what people say to runs. It goes into the journal's inbox; the host
 * that owns the journal takes it from there, at once if one is at work, else when the run is
 * resumed.
 */
#include "cli/cli_internal.h"

#include "document/document.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *whoever(const struct args *args)
{
    const char *who = args_option(args, "--who");
    const struct passwd *user = who ? NULL : getpwuid(getuid());
    return who ? who : user ? user->pw_name : "somebody";
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Takes the message. terms NULL = on none. */
static enum error_code send(const char *path, const char *run, json_t *message,
                            const struct inbox_terms *terms, long *ret_pid, struct error *reterr)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    json_write(message, &text);
    json_decref(message);
    return inbox_put_if(path, run, text_slice(&text), now_ms(), terms, ret_pid, reterr);
}

static void told(const struct args *args, const char *run, const char *what, long pid)
{
    AUTO(freep) char *same = same_store(args);
    if (args->json)
        print_json(json_pack("{s:s, s:s, s:b}", "run", run, "sent", what, "host", pid != 0));
    else if (pid)
        printf("%s; the host at work (process %ld) takes it up\n", what, pid);
    else
        printf("%s; no host is at work: `seam resume %s%s` goes on\n", what, run, same);
}

/* ---- answer ---- */

/* What is said, and to which revision of the question. */
struct answer {
    json_t *json;     /* NULL: no */
    int64_t revision; /* -1: to the one that is open */
};

static enum error_code read_answer(const struct args *args, json_t **ret_answer,
                                   struct error *reterr)
{
    const char *file = args_option(args, "--json");
    return file ? json_read_file(file, LIMIT_PAYLOAD, ret_answer, reterr) : ERR_OK;
}

/* Without a STEP: what the run asks, if it is one thing. */
static enum error_code only_question(const struct run *run, uint32_t *ret_task,
                                     struct error *reterr)
{
    struct question_view view;
    size_t count = run_question(run, RUN_ITSELF, &view);
    uint32_t found = RUN_ITSELF;
    for (uint32_t i = 0; i < run_task_count(run); i++)
        if (run_question(run, i, &view)) {
            found = i;
            count++;
        }
    if (count != 1)
        return error_set(reterr, count ? ERR_INPUT : ERR_NOT_FOUND,
                         "run %s asks %zu things now; name the STEP; `seam show %s` lists the "
                         "questions",
                         run_id(run), count, run_id(run));
    *ret_task = found;
    return ERR_OK;
}

/* Silence has decided, though no host has looked since. */
static enum error_code over(const struct args *args, const struct run *run,
                            const struct question_view *view, struct error *reterr)
{
    char until[32];
    AUTO(freep) char *same = same_store(args);
    return error_set(reterr, ERR_CONFLICT,
                     "%s was to be answered until %s, and nobody did: that counts as %s "
                     "(`on_timeout` of the flow's escalation), and this answer was not sent; `seam "
                     "resume %s%s` goes on, and says whether more is asked",
                     run_task_path(run, view->task), clock_text(view->deadline_ms, until),
                     view->silence_approves ? "approved" : "denied", run_id(run), same);
}

/* The question as it stands, and whether the answer fits it: told now, not when the host looks. */
static enum error_code check_question(const struct args *args, const struct run *run,
                                      const struct answer *answer, struct question_view *ret_view,
                                      struct error *reterr)
{
    const char *id = args->operands[0], *step = args->operand_count > 1 ? args->operands[1] : NULL;
    uint32_t task = UINT32_MAX;
    if (step)
        task = run_task_find(run, slice_of(step));
    else if (only_question(run, &task, reterr) != ERR_OK)
        return reterr->code;
    if (task == UINT32_MAX || !run_question(run, task, ret_view))
        return error_set(reterr, ERR_NOT_FOUND,
                         "step `%s` of run %s asks nothing now; `seam show %s` lists the questions",
                         step, id, id);
    if (answer->revision >= 0 && answer->revision != ret_view->revision)
        return error_set(reterr, ERR_CONFLICT,
                         "the question is at revision %u now, not %" PRId64
                         ": look again with `seam show %s`",
                         ret_view->revision, answer->revision, id);
    if (question_is_over(ret_view, now_ms()))
        return over(args, run, ret_view, reterr);
    if (!answer->json || run_answer_fits(run, task, answer->json, reterr) == ERR_OK)
        return ERR_OK;
    error_prefix(reterr, "the answer to %s is not accepted: ", run_task_path(run, task));
    return reterr->code;
}

/* The first answer counts: of the same question, another that waits for its host. */
struct first_answer {
    const struct journal_reader *reader;
    const char *task;
    uint32_t revision;
    char who[LIMIT_NAME + 1];
};

static bool is_first(void *user, const struct inbox_message *waiting)
{
    struct first_answer *first = user;
    struct error err;
    AUTO(json_decrefp) json_t *read = NULL;
    json_t *message = NULL;
    if (json_read(waiting->body, LIMIT_PAYLOAD, &read, &err) != ERR_OK ||
        inbox_see(first->reader, waiting->run, read, &message, &err) != ERR_OK)
        return false;
    const char *task = json_string_value(json_object_get(message, "task"));
    const char *who = json_string_value(json_object_get(message, "who"));
    bool same = task && strcmp(task, first->task) == 0 &&
                json_integer_value(json_object_get(message, "revision")) == first->revision;
    snprintf(first->who, sizeof(first->who), "%s", who ? who : "somebody");
    json_decref(message);
    return same;
}

/* ERR_FENCED: the run has gone on since it was looked at. */
static enum error_code send_answer(const struct args *args, struct journal_reader *reader,
                                   const char *path, const struct run *run,
                                   const struct question_view *view, const json_t *answer,
                                   long *ret_pid, struct error *reterr)
{
    const char *id = args->operands[0];
    struct first_answer first = {
        .reader = reader, .task = run_task_path(run, view->task), .revision = view->revision};
    const struct inbox_terms terms = {
        .last_seq = run_seq(run), .objects = is_first, .user = &first};
    AUTO(freep) char *shown = report_shown_digest(view->shown);
    AUTO(json_decrefp)
    json_t *said = inbox_answer(first.task, view->revision, answer, !answer, whoever(args), shown);
    json_t *message = NULL;
    enum error_code code = inbox_hide(reader, id, said, &message, reterr);
    if (code == ERR_OK)
        code = send(path, id, message, &terms, ret_pid, reterr);
    if (code != ERR_CONFLICT)
        return code;
    AUTO(freep) char *same = same_store(args);
    return error_set(reterr, ERR_CONFLICT,
                     "%s has answered %s already; the first answer counts, and this one was not "
                     "sent: `seam resume %s%s` takes it up, and `seam show %s%s` says whether more "
                     "is asked",
                     first.who, first.task, id, same, id, same);
}

static enum error_code look_and_send(const struct args *args, const struct answer *answer,
                                     long *ret_pid, struct error *reterr)
{
    enum { LOOKS = 50 }; /* at a run whose other steps go on */
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    enum error_code code = open_reader(args, &reader, NULL, reterr);
    if (code == ERR_OK)
        code = ERR_FENCED;
    for (int i = 0; i < LOOKS && code == ERR_FENCED; i++) {
        AUTO(freep) char *path = NULL;
        struct run *run = NULL;
        struct question_view view;
        code = open_run(args, args->operands[0], &path, &run, reterr);
        if (code == ERR_OK)
            code = check_question(args, run, answer, &view, reterr);
        if (code == ERR_OK)
            code = send_answer(args, reader, path, run, &view, answer->json, ret_pid, reterr);
        run_free(run);
    }
    return code;
}

/* At a terminal the answer is asked for, field by field. */
static enum error_code ask_answer(const struct args *args, struct answer *answer,
                                  struct error *reterr)
{
    AUTO(freep) char *path = NULL;
    struct run *run = NULL;
    struct question_view view;
    enum error_code code = open_run(args, args->operands[0], &path, &run, reterr);
    if (code == ERR_OK)
        code = check_question(args, run, answer, &view, reterr);
    if (code == ERR_OK) {
        const json_t *schema = json_object_get(json_object_get(view.shown, "asked"), "schema");
        form_head(&view);
        answer->revision = view.revision;
        answer->json = view.kind == QUESTION_INPUT
                           ? form_fill(schema)
                           : form_choose(json_object_get(view.shown, "accepts"));
        if (!answer->json)
            code = error_set(reterr, ERR_INPUT, "nothing was answered");
    }
    run_free(run);
    return code;
}

int command_answer(const struct args *args)
{
    struct error err;
    long pid = 0;
    bool deny = args_flag(args, "--deny");
    const char *revision = args_option(args, "--revision");
    struct answer answer = {.json = NULL, .revision = -1};
    if (revision && (*revision == '\0' || revision[strspn(revision, "0123456789")] != '\0'))
        return complain(EXIT_USAGE,
                        "answer: --revision %s: expected the number that `seam show` "
                        "prints with the question",
                        revision);
    if (revision)
        answer.revision = strtoll(revision, NULL, 10);
    bool given = args_flag(args, "--json");
    bool asks = !deny && !given && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    if (deny == given && !asks)
        return complain(EXIT_USAGE, "answer: give --json FILE or --deny");
    enum error_code code =
        asks ? ask_answer(args, &answer, &err) : read_answer(args, &answer.json, &err);
    if (code == ERR_OK)
        code = look_and_send(args, &answer, &pid, &err);
    if (code == ERR_OK)
        told(args, args->operands[0], deny ? "denied" : "answered", pid);
    json_decref(answer.json);
    return code == ERR_OK ? EXIT_DONE : report_error(args, &err);
}

/* ---- cancel ---- */

int command_cancel(const struct args *args)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(freep) char *path = NULL;
    struct journal_run known;
    struct error err;
    long pid = 0;
    enum error_code code = open_reader(args, &reader, &path, &err);
    if (code == ERR_OK)
        code = journal_find(reader, args->operands[0], &known, &err);
    if (code == ERR_OK && strcmp(known.status, "running") != 0 &&
        strcmp(known.status, "waiting") != 0)
        code =
            error_set(&err, ERR_CONFLICT, "run %s is %s already", args->operands[0], known.status);
    if (code == ERR_OK)
        code = send(path, args->operands[0], inbox_cancel(whoever(args)), NULL, &pid, &err);
    if (code == ERR_OK)
        told(args, args->operands[0], "cancel asked", pid);
    return code == ERR_OK ? EXIT_DONE : report_error(args, &err);
}

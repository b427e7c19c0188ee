/* SPDX-License-Identifier: Apache-2.0
 *
 * What the end of a program means: its exit code by the declaration, else by sysexits.h; what it
 * printed; and what it can have done to the world. Of one that may change it nothing is taken for
 * granted: only an end with 0 says that it is done, and only a code that is declared so says that
 * nothing was.
 */
#include "exec.h"

#include <seam/utf8.h>

#include <errno.h>
#include <sys/wait.h>
#include <sysexits.h>

static bool changes(const struct call *call)
{
    return call->agent->effect >= SEAM_WRITE_IDEMPOTENT;
}

static uint32_t after_failure(const struct call *call)
{
    return changes(call) ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE;
}

/* `what`, and the last lines of stderr. */
static void fail(struct call *call, seam_status status, uint32_t effect, const char *code,
                 const char *what)
{
    struct buffer text = {NULL, 0, 0};
    size_t said = call->last.len > 0 ? call->last.len - 1 : 0; /* without its last \n */
    bool good =
        buffer_add(&text, what, strlen(what)) &&
        (said == 0 || (buffer_add(&text, ": ", 2) && buffer_add(&text, call->last.ptr, said))) &&
        buffer_add(&text, "", 1);
    seam_complete_error(call->host, call->id, status, effect, code, good ? text.ptr : what);
    free(text.ptr);
}

void call_complete_not_started(struct call *call, int error)
{
    char what[EXEC_LINE];
    bool busy = error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
    bool denied = error == EACCES || error == EPERM || error == ENOENT;
    snprintf(what, sizeof(what), "%s could not be started: %s%s%s%s", call->agent->command[0],
             strerrordesc_np(error), denied ? " (cure: `grants: {exec: [" : "",
             denied ? call->agent->command[0] : "",
             denied ? "]}`; a script's interpreter too, and `fs` for what it reads)" : "");
    fail(call,
         busy     ? SEAM_E_BUSY
         : denied ? SEAM_E_DENIED
                  : SEAM_E_FAILED,
         SEAM_EFFECT_NONE, "exec.not-started", what);
}

/* ---- of lines ---- */

static void complete_said_error(struct call *call, seam_bytes line)
{
    static const struct {
        const char *word;
        seam_status status;
    } words[] = {{"input", SEAM_E_INPUT},
                 {"unavailable", SEAM_E_UNAVAILABLE},
                 {"rate_limited", SEAM_E_RATE_LIMITED},
                 {"denied", SEAM_E_DENIED},
                 {"budget", SEAM_E_BUDGET},
                 {"timeout", SEAM_E_TIMEOUT},
                 {"cancelled", SEAM_E_CANCELLED},
                 {"busy", SEAM_E_BUSY},
                 {"unsupported", SEAM_E_UNSUPPORTED}};
    seam_status status = SEAM_E_FAILED;
    seam_bytes error = seam_json_at(line, "/error"), effect = seam_json_at(error, "/effect");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (seam_json_is(seam_json_at(error, "/status"), words[i].word))
            status = words[i].status;
    int64_t again = 0;
    char *code = seam_json_text(seam_json_at(error, "/code"), NULL);
    seam_reply reply = {.size = sizeof(reply), .status = status};
    reply.effect = seam_json_is(effect, "none")   ? SEAM_EFFECT_NONE
                   : seam_json_is(effect, "done") ? SEAM_EFFECT_DONE
                                                  : after_failure(call);
    if (seam_json_integer(seam_json_at(error, "/retry_after_ms"), &again) && again > 0)
        reply.retry_after_ms = again < UINT32_MAX ? (uint32_t)again : UINT32_MAX;
    bool object = seam_json_kind_of(error) == SEAM_JSON_OBJECT;
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_json(&body, "message", object ? seam_json_at(error, "/message") : error);
    seam_put_end(&body);
    bool worded = seam_written(&body).len > 0;
    reply.body = worded ? seam_written(&body) : error;
    reply.code = seam_text(code ? code : "");
    call->host->complete(call->host, call->id, &reply);
    seam_writer_done(&body);
    free(code);
}

static void complete_said(struct call *call)
{
    seam_bytes line = {call->answer.ptr, call->answer.len};
    switch (call->said) {
    case SAID_OUTPUT:
        seam_complete_ok(call->host, call->id, changes(call) ? SEAM_EFFECT_DONE : SEAM_EFFECT_NONE,
                         seam_json_at(line, "/output"));
        break;
    case SAID_ASK: {
        char *question = seam_json_text(seam_json_at(line, "/ask/question"), NULL);
        seam_bytes schema = seam_json_at(line, "/ask/schema");
        seam_complete_input_required(
            call->host, call->id, question ? question : "The program asks, and does not say what.",
            schema.len > 0 ? schema : seam_text("{}"));
        free(question);
        break;
    }
    case SAID_ERROR:
    case SAID_NOTHING:
        complete_said_error(call, line);
        break;
    }
}

/* ---- of its end ---- */

static void complete_stopped(struct call *call)
{
    char what[640];
    const char *name = call->agent->command[0];
    switch (call->stop) {
    case STOP_NOT:
    case STOP_LINGERS:
    case STOP_TIMEOUT:
        snprintf(what, sizeof(what), "%.200s did not end in time, and was ended", name);
        fail(call, SEAM_E_TIMEOUT, after_failure(call), "exec.timeout", what);
        break;
    case STOP_CANCELLED:
        snprintf(what, sizeof(what), "%.200s was told to stop", name);
        fail(call, SEAM_E_CANCELLED, after_failure(call), "exec.cancelled", what);
        break;
    case STOP_TOO_LARGE:
        snprintf(what, sizeof(what), "%.200s printed more than %zu bytes (`output_limit`)", name,
                 call->agent->output_limit);
        fail(call, SEAM_E_FAILED, after_failure(call), "exec.too-large", what);
        break;
    case STOP_PROTOCOL:
        snprintf(what, sizeof(what), "%.100s broke the protocol: %.500s", name, call->trouble.text);
        fail(call, SEAM_E_FAILED, after_failure(call), "exec.protocol", what);
        break;
    }
}

static const struct exit_rule *rule_of(const struct agent *agent, int code)
{
    for (size_t i = 0; i < agent->exit_count; i++)
        if (agent->exits[i].exit == code)
            return &agent->exits[i];
    return NULL;
}

static seam_status status_of(int code)
{
    switch (code) {
    case EX_USAGE:
    case EX_DATAERR:
        return SEAM_E_INPUT;
    case EX_UNAVAILABLE:
    case EX_TEMPFAIL:
        return SEAM_E_UNAVAILABLE;
    case EX_NOPERM:
        return SEAM_E_DENIED;
    default:
        return SEAM_E_FAILED;
    }
}

static void complete_exit(struct call *call, int code)
{
    char what[EXEC_LINE], named[24];
    const struct exit_rule *rule = rule_of(call->agent, code);
    snprintf(named, sizeof(named), "exec.exit-%d", code);
    if (rule && rule->message)
        snprintf(what, sizeof(what), "%s", rule->message);
    else
        snprintf(what, sizeof(what), "%.200s ended with exit code %d", call->agent->command[0],
                 code);
    fail(call, rule ? rule->status : status_of(code),
         rule && rule->nothing_done ? SEAM_EFFECT_NONE : after_failure(call),
         rule && rule->code ? rule->code : named, what);
}

/* What is no JSON the host refuses by itself, as output that breaks the contract; but bytes that
 * are no text it would take for a fault of this plugin. */
static void complete_printed(struct call *call)
{
    if (call->agent->lines) {
        fail(call, SEAM_E_FAILED, after_failure(call), "exec.no-output",
             "it ended without a line that is an output, an error or a question");
        return;
    }
    if (!seam_is_utf8((seam_bytes){call->from.ptr, call->from.len})) {
        fail(call, SEAM_E_FAILED, after_failure(call), "exec.not-utf8",
             "what it printed is not UTF-8");
        return;
    }
    seam_reply reply = {.size = sizeof(reply),
                        .status = SEAM_OK,
                        .effect = changes(call) ? SEAM_EFFECT_DONE : SEAM_EFFECT_NONE,
                        .body = {call->from.ptr, call->from.len}};
    call->host->complete(call->host, call->id, &reply);
}

void call_complete(struct call *call)
{
    char what[EXEC_LINE];
    int status = call->news.value;
    bool ended = call->news.kind == 'e';
    bool well = ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (call->news.kind == 'x') {
        call_complete_not_started(call, status);
    } else if (call->said != SAID_NOTHING) {
        complete_said(call);
    } else if (call->stop == STOP_TOO_LARGE || call->stop == STOP_PROTOCOL) {
        complete_stopped(call);
    } else if (well && (call->stop == STOP_NOT ||
                        seam_json_parse((seam_bytes){call->from.ptr, call->from.len}).len > 0)) {
        complete_printed(call);
    } else if (call->stop != STOP_NOT) {
        complete_stopped(call);
    } else if (ended && WIFEXITED(status)) {
        complete_exit(call, WEXITSTATUS(status));
    } else {
        snprintf(what, sizeof(what), "%.200s was killed by signal %d", call->agent->command[0],
                 ended ? WTERMSIG(status) : 9);
        fail(call, SEAM_E_UNAVAILABLE, after_failure(call), "exec.killed", what);
    }
}

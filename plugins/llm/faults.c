/* SPDX-License-Identifier: Apache-2.0
 *
 * What a failure is to the host, in one place. A model call changes nothing, so every outcome is
 * NONE; "transient" is what may pass by itself, and whether it is tried again the host decides.
 *
 *     what happened                              status         code
 *     429                                        RATE_LIMITED   llm.rate-limited
 *     429 because the account is empty           FAILED         llm.quota
 *     5xx, an error event in a stream            UNAVAILABLE    llm.unavailable
 *     no answer in time, 408                     TIMEOUT        llm.timeout
 *     it broke off                               UNAVAILABLE    llm.cut-off
 *     200, but no answer                         UNAVAILABLE    llm.malformed, llm.empty
 *     401, 403                                   DENIED         llm.denied
 *     the question is too long, 413              INPUT          llm.too-long
 *     another 3xx, 4xx                           FAILED         llm.refused
 *     refusal, filter, max_tokens                FAILED         llm.refusal, .filtered, .max-tokens
 *     more than is kept, or the host takes       FAILED         llm.too-much
 *     tools without end                          FAILED         llm.rounds
 *
 * A question without an answer is told to the budget before its call ends: one that was refused, or
 * never left, used nothing, so an hour of 429 costs a run no token; of one that broke off or took
 * too long nobody knows, so it used what was reserved for it.
 */
#include "llm.h"

enum { MESSAGE = 600 }; /* bytes that are told of what the other side says */

static void end(struct work *work, seam_status status, const char *code, const char *message)
{
    seam_complete_error(work->plugin->host, work->id, status, SEAM_EFFECT_NONE, code, message);
    work_free(work);
}

static void told(struct work *work, const seam_reply *reply)
{
    const struct failure *failure = &work->failure;
    (void)reply; /* the failure is the same */
    end(work, failure->status, words_bytes(&failure->code).ptr, words_bytes(&failure->message).ptr);
}

void work_fail(struct work *work, seam_status status, const char *code, const char *message)
{
    if (!work->asked) {
        end(work, status, code, message);
        return;
    }
    work->failure.status = status;
    words_text(&work->failure.code, code);
    words_text(&work->failure.message, message);
    work_spend_unanswered(work, told);
}

/* Whether the host says that nothing of a question left it. Of an answer that is being read, it
 * left long ago, whatever the host has no room for now. */
static bool never_left(const struct work *work, const seam_reply *reply)
{
    return work->stream == 0 && (reply->status == SEAM_E_DENIED || reply->status == SEAM_E_INPUT ||
                                 reply->status == SEAM_E_BUSY || bytes_are(reply->code, "unsent") ||
                                 bytes_are(reply->code, "no-room"));
}

static void fail_as_it_is(struct work *work, const seam_reply *reply, const char *message)
{
    char code[64];
    seam_reply as_it_is = *reply;
    if (work->asked) {
        snprintf(code, sizeof(code), "%.*s", (int)reply->code.len,
                 reply->code.ptr ? reply->code.ptr : "");
        work_fail(work, reply->status, code, message);
        return;
    }
    as_it_is.size = sizeof(as_it_is);
    work->plugin->host->complete(work->plugin->host, work->id, &as_it_is);
    work_free(work);
}

/* The host's own failures keep their status and their words; those of the way there are named. */
void work_fail_reply(struct work *work, const seam_reply *reply)
{
    work->refused = never_left(work, reply);
    char *text = seam_json_text(seam_json_at(reply->body, "/message"), NULL);
    const char *message = text ? text : "the model's server did not answer";
    if (reply->status == SEAM_E_UNAVAILABLE) {
        work_fail(work, SEAM_E_UNAVAILABLE,
                  bytes_are(reply->code, "cut-off") ? "llm.cut-off" : "llm.unavailable", message);
    } else if (reply->status == SEAM_E_TIMEOUT) {
        work_fail(work, SEAM_E_TIMEOUT, "llm.timeout", message);
    } else if (reply->status == SEAM_E_FAILED && bytes_are(reply->code, "too-large")) {
        work_fail(work, SEAM_E_FAILED, "llm.too-much", message);
    } else {
        fail_as_it_is(work, reply, message);
    }
    free(text);
}

/* ---- a status that is none of success ---- */

static bool mentions(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strstr(text, *words))
            return true;
    return false;
}

static void fail_as(struct work *work, int status, const char *code, const char *said)
{
    static const char *const empty[] = {"insufficient_quota", "billing_", NULL};
    static const char *const too_long[] = {"context_length_exceeded", "exceed_context_size",
                                           "prompt is too long", "request_too_large", NULL};
    char message[MESSAGE + 200];
    if (status / 100 == 3 && work->leads_to.len > 0)
        snprintf(message, sizeof(message),
                 "the model's server leads to %.*s with status %d, and redirects are not followed "
                 "(cure: if that is where it is, write it into `base_url` and the grant)",
                 MESSAGE / 2, work->leads_to.ptr, status);
    else
        snprintf(message, sizeof(message), "the model's server answered with status %d%s%.*s",
                 status, *said ? ": " : "", MESSAGE, said);
    if (status == 429 && mentions(code, empty))
        work_fail(work, SEAM_E_FAILED, "llm.quota", message);
    else if (status == 429)
        work_fail(work, SEAM_E_RATE_LIMITED, "llm.rate-limited", message);
    else if (status == 401 || status == 403)
        work_fail(work, SEAM_E_DENIED, "llm.denied", message);
    else if (status == 408)
        work_fail(work, SEAM_E_TIMEOUT, "llm.timeout", message);
    else if (status >= 500)
        work_fail(work, SEAM_E_UNAVAILABLE, "llm.unavailable", message);
    else if (status == 413 || mentions(code, too_long) || mentions(said, too_long))
        work_fail(work, SEAM_E_INPUT, "llm.too-long", message);
    else
        work_fail(work, SEAM_E_FAILED, "llm.refused", message);
}

void work_fail_http(struct work *work, int status, seam_bytes body)
{
    seam_bytes error = seam_json_at(body, "/error");
    struct words said = {0}, code = {0};
    /* a server, or one before it, that waited too long may have had it worked on */
    work->refused = status != 408 && status != 504 && status != 524;
    words_string(&said, seam_json_at(error, "/message"));
    if (said.len == 0)
        words_string(&said, error); /* Ollama's is a text */
    words_string(&code, seam_json_at(error, "/code"));
    words_text(&code, " ");
    words_string(&code, seam_json_at(error, "/type"));
    fail_as(work, status, code.ptr ? code.ptr : "", said.ptr ? said.ptr : "");
    words_done(&said);
    words_done(&code);
}

/* ---- an answer that is none ---- */

/* How it begins, in one line: no control character, no half character. */
static void add_beginning(struct words *into, seam_bytes found)
{
    enum { BEGINNING = 80 };
    size_t len = found.len < BEGINNING ? found.len : BEGINNING;
    while (len > 0 && len < found.len && ((unsigned char)found.ptr[len] & 0xC0) == 0x80)
        len--;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)found.ptr[i];
        words_add(into, c < ' ' || c == 0x7F ? " " : &found.ptr[i], 1);
    }
    words_text(into, len < found.len ? "…" : "");
}

void work_fail_malformed(struct work *work, const char *what, seam_bytes found)
{
    struct words message = {0};
    words_text(&message, "the answer ");
    words_text(&message, what);
    words_text(&message, !found.ptr       ? "; it is not UTF-8"
                         : found.len == 0 ? "; it is empty"
                                          : "; it begins: ");
    add_beginning(&message, found);
    work_fail(work, SEAM_E_UNAVAILABLE, "llm.malformed", message.ptr ? message.ptr : what);
    words_done(&message);
}

bool work_fail_said(struct work *work)
{
    static const struct {
        enum finish finish;
        seam_status status;
        const char *code, *message;
    } ends[] = {
        {FINISH_LENGTH, SEAM_E_FAILED, "llm.max-tokens",
         "the answer reached max_tokens before its end; raise parameters.max_tokens"},
        {FINISH_FILTER, SEAM_E_FAILED, "llm.filtered", "the provider's content filter ended it"},
        {FINISH_REFUSAL, SEAM_E_FAILED, "llm.refusal", "the model refused"},
        {FINISH_TOO_LONG, SEAM_E_INPUT, "llm.too-long", "the question does not fit the model"},
        {FINISH_BUSY, SEAM_E_RATE_LIMITED, "llm.rate-limited", "the provider has no room"},
        {FINISH_MALFORMED, SEAM_E_UNAVAILABLE, "llm.malformed",
         "an event of the stream is no JSON"},
        {FINISH_FAILED, SEAM_E_UNAVAILABLE, "llm.unavailable", "the provider failed"},
    };
    const struct said *said = &work->said;
    bool full = said->too_much || said->text.full;
    for (size_t i = 0; i < said->call_count; i++)
        full |= said->calls[i].arguments.full || said->calls[i].name.full || said->calls[i].id.full;
    if (full) {
        work_fail(work, SEAM_E_FAILED, "llm.too-much", "the model said more than is kept of it");
        return true;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (said->finish != ends[i].finish)
            continue;
        char message[MESSAGE + 200];
        snprintf(message, sizeof(message), "%s%s%.*s", ends[i].message, said->why.len ? ": " : "",
                 MESSAGE, said->why.ptr ? said->why.ptr : "");
        work_fail(work, ends[i].status, ends[i].code, message);
        return true;
    }
    if (said->text.len > 0 || said->call_count > 0)
        return false;
    work_fail(work, SEAM_E_UNAVAILABLE, "llm.empty", "the model said nothing");
    return true;
}

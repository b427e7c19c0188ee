/* SPDX-License-Identifier: Apache-2.0
 *
 * Good, and has no mind of its own: asks the host for each of `ops` in order, and answers with what
 * it was told. "@@" in a body is the placeholder that the last secret.use gave, be it in an earlier
 * call. `count` adds one to what it keeps. With `die`, its first attempt dies when all is done; the
 * first `fail` of them fail then in a way that may pass; with `say`, it logs and answers that.
 */
#include <seam/sdk.h>
#include <seam/secret.h>
#include <seam/state.h>
#include <signal.h>

static char word[128]; /* the last placeholder */

/* The body with the word in it; the caller frees. */
static char *with_word(seam_bytes body, size_t *ret_len)
{
    char *out = malloc(body.len * sizeof(word) + 1);
    size_t len = 0;
    for (size_t i = 0; out && i < body.len; i++) {
        if (i + 1 < body.len && body.ptr[i] == '@' && body.ptr[i + 1] == '@') {
            memcpy(out + len, word, strlen(word));
            len += strlen(word);
            i++;
        } else {
            out[len++] = body.ptr[i];
        }
    }
    *ret_len = len;
    return out;
}

static void keep_word(const seam_answer *answer)
{
    seam_bytes said = seam_json_at(seam_answer_body(answer), "/placeholder");
    if (said.len > 2 && said.len < sizeof(word)) {
        memcpy(word, said.ptr + 1, said.len - 2);
        word[said.len - 2] = '\0';
    }
}

static void do_one(const seam_host *host, seam_id call, seam_bytes op, seam_writer *out)
{
    size_t len = 0;
    char *name = seam_json_text(seam_json_at(op, "/op"), &len);
    char *body = with_word(seam_json_at(op, "/body"), &len);
    seam_answer answer = seam_ask(host, call, name, (seam_bytes){body, len});
    keep_word(&answer);
    seam_put_object(out, NULL);
    seam_put_integer(out, "status", answer.status);
    seam_put_text(out, "code", answer.code);
    seam_put_json(out, "body", seam_answer_body(&answer));
    seam_put_end(out);
    seam_answer_done(&answer);
    free(body);
    free(name);
}

static seam_status act(const seam_host *host, const seam_call *call)
{
    seam_writer out = SEAM_WRITER;
    seam_bytes say = seam_json_at(call->input, "/say");
    seam_put_array(&out, NULL);
    seam_json_walk ops = seam_json_members(seam_json_at(call->input, "/ops"));
    while (seam_json_next(&ops))
        do_one(host, call->id, ops.value, &out);
    if (say.len > 0) {
        host->log(host, call->id, SEAM_LOG_INFO, say);
        seam_put_json(&out, NULL, say);
    }
    seam_put_end(&out);
    if (seam_json_true(seam_json_at(call->input, "/die")) && call->attempt == 1)
        raise(SIGKILL);
    int64_t failures = 0;
    (void)seam_json_integer(seam_json_at(call->input, "/fail"), &failures);
    if (call->attempt <= (uint64_t)failures)
        seam_complete_error(host, call->id, SEAM_E_UNAVAILABLE, SEAM_EFFECT_DONE, "told-to",
                            "as told");
    else
        seam_complete_ok(host, call->id, SEAM_EFFECT_DONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

/* One more than the last time, in whatever run; again while others come between. */
static seam_status add_one(const seam_host *host, const seam_call *call)
{
    for (;;) {
        seam_writer next = SEAM_WRITER;
        int64_t count = 0;
        seam_state is = seam_state_get(host, call->id, "count");
        (void)seam_json_integer(is.value, &count);
        seam_put_integer(&next, NULL, count + 1);
        seam_state put = seam_state_put(host, call->id, "count", seam_written(&next), is.version);
        seam_status status = put.answer.status;
        bool over = status != SEAM_OK || put.stored;
        if (status != SEAM_OK)
            seam_complete_answer(host, call->id, &put.answer);
        else if (put.stored)
            seam_complete_ok(host, call->id, SEAM_EFFECT_DONE, seam_written(&next));
        seam_state_done(&put);
        seam_state_done(&is);
        seam_writer_done(&next);
        if (over)
            return SEAM_OK;
    }
}

static seam_status start(void *self, const seam_call *call)
{
    bool counts = call->agent.len == 5 && memcmp(call->agent.ptr, "count", 5) == 0;
    return counts ? add_one(self, call) : act(self, call);
}

static const seam_agent look = SEAM_AGENT("look", SEAM_READ, 0);
static const seam_agent make = SEAM_AGENT("make", SEAM_WRITE, 0);
static const seam_agent think = SEAM_AGENT("think", SEAM_PURE, 0);
static const seam_agent count = SEAM_AGENT("count", SEAM_WRITE_IDEMPOTENT, 0);
static const seam_agent *const agents[] = {&look, &make, &think, &count, NULL};
SEAM_PLUGIN("org.seam.told", "1.0.0", agents, start)

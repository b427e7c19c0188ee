/* SPDX-License-Identifier: Apache-2.0
 *
 * State: values that a plugin keeps with the host from call to call and run to run: a cursor, a
 * token that is renewed, what was seen last. Small ones; a folder of its own for others is
 * requests.fs of its card. The card asks for it by requests.state, the manifest grants it by
 * grants.state. READ agents may get, those that write may put, PURE ones neither. Header only, C11
 * or C++17, libc.
 *
 * A put is on disk when it is answered, and stays whatever becomes of the call: when the host calls
 * again, put again; the last writer wins. Where two calls may meet, get, and put upon the version
 * that was got:
 *
 *     seam_state at = seam_state_get(host, call->id, "cursor");
 *     … at.value, a JSON text, is absent and at.version 0 if there is none …
 *     seam_state put = seam_state_put(host, call->id, "cursor", next, at.version);
 *     if (put.answer.status == SEAM_OK && !put.stored)
 *         … another call has put something since: get again …
 *     seam_state_done(&put);
 *     seam_state_done(&at);
 */
#ifndef SEAM_STATE_H
#define SEAM_STATE_H

#include <seam/ask.h>

#define SEAM_STATE_ANY (-1) /* as version: whatever is kept */

typedef struct seam_state {
    seam_answer answer;
    int64_t version;  /* of what is kept; 0 = nothing is                        */
    seam_bytes value; /* of get: JSON, part of the answer; absent = nothing is kept */
    bool stored;      /* of put: false = another version is kept, and stays     */
} seam_state;

static inline void seam_state_done(seam_state *state)
{
    seam_answer_done(&state->answer);
    memset(&state->value, 0, sizeof(state->value));
}

static inline seam_state seam_state_ask_(const seam_host *host, seam_id call, const char *op,
                                         seam_writer *body)
{
    seam_state state;
    memset(&state, 0, sizeof(state));
    seam_put_end(body);
    state.answer = seam_ask_written_(host, call, op, body);
    if (state.answer.status == SEAM_OK) {
        seam_bytes said = seam_answer_body(&state.answer);
        (void)seam_json_integer(seam_json_at(said, "/version"), &state.version);
        state.value = seam_json_at(said, "/value");
        state.stored = seam_json_true(seam_json_at(said, "/stored"));
    }
    return state;
}

static inline seam_state seam_state_get(const seam_host *host, seam_id call, const char *key)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "key", key);
    return seam_state_ask_(host, call, "state.get/1", &body);
}

/* `value` is JSON. `version`: of what must be kept until now, 0 = nothing; SEAM_STATE_ANY. */
static inline seam_state seam_state_put(const seam_host *host, seam_id call, const char *key,
                                        seam_bytes value, int64_t version)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "key", key);
    seam_put_json(&body, "value", value);
    if (version >= 0)
        seam_put_integer(&body, "if_version", version);
    return seam_state_ask_(host, call, "state.put/1", &body);
}

static inline seam_state seam_state_remove(const seam_host *host, seam_id call, const char *key,
                                           int64_t version)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "key", key);
    seam_put_boolean(&body, "remove", true);
    if (version >= 0)
        seam_put_integer(&body, "if_version", version);
    return seam_state_ask_(host, call, "state.put/1", &body);
}

#endif

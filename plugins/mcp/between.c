/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server says between a request and its answer, or beside them: how far it is, that its
 * tools are others, and what it asks. Of what it asks, people are asked by the call that may ask; a
 * ping is answered, and anything else is not offered.
 */
#include "mcp.h"

static void answer_begin(seam_writer *out, seam_bytes id)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "jsonrpc", "2.0");
    seam_put_json(out, "id", id);
}

static void answer_unknown(struct server *server, const struct caller *caller, seam_bytes id)
{
    seam_writer out = SEAM_WRITER;
    answer_begin(&out, id);
    seam_put_object(&out, "error");
    seam_put_integer(&out, "code", -32601);
    seam_put_text(&out, "message", "this client does not offer it");
    seam_put_end(&out);
    seam_put_end(&out);
    session_say(server, caller, false, seam_written(&out));
    seam_writer_done(&out);
}

/* With nothing, or with what is done instead. */
static void answer_plainly(struct server *server, const struct caller *caller, seam_bytes id,
                           const char *action)
{
    seam_writer out = SEAM_WRITER;
    answer_begin(&out, id);
    seam_put_object(&out, "result");
    if (action)
        seam_put_text(&out, "action", action);
    seam_put_end(&out);
    seam_put_end(&out);
    session_say(server, caller, false, seam_written(&out));
    seam_writer_done(&out);
}

bool between_answer(struct server *server, const struct caller *caller, struct asking *asking,
                    seam_bytes all, struct trouble *trouble)
{
    seam_bytes method = seam_json_at(all, "/method"), id = seam_json_at(all, "/id");
    if (seam_json_is(method, "ping")) {
        answer_plainly(server, caller, id, NULL);
        return true;
    }
    if (!asking || !seam_json_is(method, "elicitation/create")) {
        answer_unknown(server, caller, id);
        return true;
    }
    seam_writer out = SEAM_WRITER;
    answer_begin(&out, id);
    bool answered =
        asking_answer(asking, "result", method, seam_json_at(all, "/params"), &out, trouble);
    seam_put_end(&out);
    if (answered)
        session_say(server, caller, false, seam_written(&out));
    seam_writer_done(&out);
    return answered;
}

void session_hear(struct server *server, const struct caller *caller, seam_bytes message,
                  struct asking *asking, struct trouble *trouble)
{
    seam_bytes all = seam_json_parse(message), id = seam_json_at(all, "/id");
    if (seam_json_is(seam_json_at(all, "/method"), LIST_CHANGED))
        watch_changed(server);
    if (seam_json_at(all, "/method").len == 0 || id.len == 0)
        return;
    if (!between_answer(server, caller, asking, all, trouble))
        answer_plainly(server, caller, id, "cancel"); /* the tool ends, and is called again later */
}

enum { PROGRESS_WORDS = 256 };

void between_progress(const struct caller *caller, seam_bytes all)
{
    seam_bytes done = seam_json_at(all, "/params/progress");
    seam_bytes total = seam_json_at(all, "/params/total");
    char *words = seam_json_text(seam_json_at(all, "/params/message"), NULL);
    char line[PROGRESS_WORDS + 128];
    bool counts = seam_json_kind_of(done) == SEAM_JSON_NUMBER && done.len < 32;
    bool known = counts && seam_json_kind_of(total) == SEAM_JSON_NUMBER && total.len < 32;
    size_t shown = words ? strcspn(words, "\r\n") : 0;
    if (shown > PROGRESS_WORDS)
        for (shown = PROGRESS_WORDS; shown > 0 && ((unsigned char)words[shown] & 0xC0) == 0x80;)
            shown--;
    bool alone = shown == 0;
    int len = snprintf(line, sizeof(line), "%.*s%s%.*s%s%.*s%s\n", (int)shown, words ? words : "",
                       counts && !alone ? " (" : "", counts ? (int)done.len : 0,
                       counts ? done.ptr : "", known ? " of " : "", known ? (int)total.len : 0,
                       known ? total.ptr : "", counts && !alone ? ")" : "");
    free(words);
    if (counts || !alone)
        caller->host->emit(caller->host, caller->id, (seam_bytes){line, (size_t)len});
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The work that is measured: a document of about 300 bytes comes in, six of its fields change, a
 * document of the same shape goes out. `split` makes a hundred of one, `join` one of a hundred,
 * `nap` asks the host to be woken first.
 */
#include <seam/plugin.h>
#include <seam/sdk.h>

#include <math.h>
#include <stdlib.h>

enum { PARTS = 100 };

/* A string of the document, turned by one character. */
static void put_turned(seam_writer *out, const char *name, seam_bytes string)
{
    /* plain ASCII by the schema: nothing to unescape */
    char text[512];
    size_t len = string.len - 2;
    memcpy(text, string.ptr + 2, len - 1);
    text[len - 1] = string.ptr[1];
    seam_put_string(out, name, (seam_bytes){text, len});
}

static void put_tags(seam_writer *out, seam_bytes tags)
{
    seam_bytes all[3] = {{NULL, 0}};
    seam_json_walk walk = seam_json_members(tags);
    for (int i = 0; i < 3 && seam_json_next(&walk); i++)
        all[i] = walk.value;
    seam_put_array(out, "tags");
    for (int i = 1; i <= 3; i++)
        seam_put_json(out, NULL, all[i % 3]);
    seam_put_end(out);
}

static void put_meta(seam_writer *out, seam_bytes meta)
{
    int64_t tokens = 0;
    seam_put_object(out, "meta");
    seam_json_walk walk = seam_json_members(meta);
    seam_json_next(&walk);
    seam_put_json(out, "model", walk.value);
    seam_json_next(&walk);
    seam_json_integer(walk.value, &tokens);
    seam_put_integer(out, "tokens", tokens + 1);
    seam_json_next(&walk);
    seam_put_json(out, "cost", walk.value);
    seam_json_next(&walk);
    seam_put_json(out, "ok", walk.value);
    seam_put_end(out);
}

/* Members come in the order in which they were put, which is ours. */
static void put_document(seam_writer *out, const char *name, seam_bytes document)
{
    enum { WF, SEQ, KIND, TITLE, BODY, TAGS, SCORE, META, MEMBERS };
    seam_bytes in[MEMBERS] = {{NULL, 0}};
    seam_json_walk walk = seam_json_members(document);
    for (int i = 0; i < MEMBERS && seam_json_next(&walk); i++)
        in[i] = walk.value;
    int64_t seq = 0;
    double score = 0;
    seam_json_integer(in[SEQ], &seq);
    seam_json_number(in[SCORE], &score);
    seam_put_object(out, name);
    seam_put_json(out, "wf", in[WF]);
    seam_put_integer(out, "seq", seq + 1);
    seam_put_json(out, "kind", in[KIND]);
    seam_put_json(out, "title", in[TITLE]);
    put_turned(out, "body", in[BODY]);
    put_tags(out, in[TAGS]);
    seam_put_number(out, "score", fmod(score * 1.1 + 0.01, 1));
    put_meta(out, in[META]);
    seam_put_end(out);
}

static void split(seam_writer *out, seam_bytes document)
{
    seam_put_object(out, NULL);
    seam_put_array(out, "documents");
    for (int i = 0; i < PARTS; i++)
        put_document(out, NULL, document);
    seam_put_end(out);
    seam_put_end(out);
}

static void join(seam_writer *out, seam_bytes parts)
{
    seam_json_walk walk = seam_json_members(seam_json_at(parts, "/documents"));
    seam_json_next(&walk);
    put_document(out, NULL, walk.value);
}

/* A call that sleeps, with its document. */
struct nap {
    const seam_host *host;
    seam_id call;
    size_t len;
    char document[];
};

static void woken(void *user, const seam_reply *reply)
{
    struct nap *nap = (struct nap *)user;
    if (reply->status == SEAM_OK) {
        seam_writer out = SEAM_WRITER;
        put_document(&out, NULL, (seam_bytes){nap->document, nap->len});
        seam_complete_ok(nap->host, nap->call, SEAM_EFFECT_NONE, seam_written(&out));
        seam_writer_done(&out);
    } else {
        seam_complete_error(nap->host, nap->call, reply->status, SEAM_EFFECT_NONE, "", "not woken");
    }
    free(nap);
}

static void sleep_first(const seam_host *host, const seam_call *call)
{
    seam_bytes document = seam_json_at(call->input, "/document");
    struct nap *nap = (struct nap *)malloc(sizeof(*nap) + document.len);
    int64_t ms = 0;
    if (!nap) {
        seam_complete_error(host, call->id, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "", "no memory");
        return;
    }
    *nap = (struct nap){.host = host, .call = call->id, .len = document.len};
    memcpy(nap->document, document.ptr, document.len);
    seam_json_integer(seam_json_at(call->input, "/ms"), &ms);
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_integer(&out, "ms", ms);
    seam_put_end(&out);
    host->request(host, call->id, "clock.sleep/1", seam_written(&out), woken, nap);
    seam_writer_done(&out);
}

static seam_status start(void *self, const seam_call *call)
{
    const seam_host *host = (const seam_host *)self;
    if (call->agent.ptr[0] == 'n') {
        sleep_first(host, call);
        return SEAM_OK;
    }
    seam_writer out = SEAM_WRITER;
    if (call->agent.ptr[0] == 'j')
        join(&out, call->input);
    else if (call->agent.len == 5)
        split(&out, call->input);
    else
        put_document(&out, NULL, call->input);
    seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

static const seam_agent step_agent = SEAM_AGENT("step", SEAM_PURE, SEAM_NONBLOCKING);
static const seam_agent split_agent = SEAM_AGENT("split", SEAM_PURE, SEAM_NONBLOCKING);
static const seam_agent join_agent = SEAM_AGENT("join", SEAM_PURE, SEAM_NONBLOCKING);
static const seam_agent nap_agent = SEAM_AGENT("nap", SEAM_PURE, SEAM_NONBLOCKING);
static const seam_agent *const agents[] = {&step_agent, &split_agent, &join_agent, &nap_agent,
                                           NULL};

SEAM_PLUGIN("org.seam.bench", "1.0.0", agents, start)

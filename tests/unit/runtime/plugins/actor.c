/* SPDX-License-Identifier: Apache-2.0
 *
 * An agent that does what its input says, so that a test reads as one piece: `do` is a list of
 * lines, `1`, `2`, … the lists of single attempts. A reconcile agent finds its own under `find` of
 * the input it asks about.
 *
 *   {"ask": OP, "body": {…}}   asks the host and keeps the answer
 *   {"must": OP, "body": {…}}  … and ends with that answer if it is a failure
 *   {"start": OP, "body": {…}} asks and does not wait
 *   {"all": [{"op": OP, "body": {…}}, …]}   asks for all at once, then waits for their answers
 *   {"begin": NAME, "request": …}   begins an effect; what happened before ends the call
 *   {"emit": TEXT, "times": N} says it, once or so often; that is counted, see below
 *   {"give": VALUE}            the output
 *   {"fail": STATUS, "effect": N, "code": …}
 *   {"question": TEXT}         needs a person
 *   {"die": true} {"hang": true} {"until_cancelled": true}
 *
 * Without a `give` the output is {id, attempt, key, feedback, answers, said}: the last is how many
 * bytes of what it said were taken.
 *
 * With `starts` in its configuration it writes a line to that file for each start that it is given,
 * before anything else: the agent, the key, the number of the try.
 */
#include <seam/plugin.h>
#include <seam/sdk.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct scene {
    const seam_host *host;
    const seam_call *call;
    seam_writer answers;
    uint32_t effect; /* what a good end claims */
    int64_t said;
};

static void put_answer(struct scene *scene, const seam_answer *answer)
{
    seam_put_object(&scene->answers, NULL);
    seam_put_integer(&scene->answers, "status", answer->status);
    seam_put_integer(&scene->answers, "effect", answer->effect);
    seam_put_text(&scene->answers, "code", answer->code);
    if (answer->body_len > 0)
        seam_put_json(&scene->answers, "body", seam_answer_body(answer));
    seam_put_end(&scene->answers);
}

/* Each line returns whether the call has ended with it. */

static bool ask(struct scene *scene, seam_bytes line, seam_bytes op, bool must)
{
    char *name = seam_json_text(op, NULL);
    seam_answer answer = seam_ask(scene->host, scene->call->id, name, seam_json_at(line, "/body"));
    bool ends = must && answer.status != SEAM_OK;
    put_answer(scene, &answer);
    if (ends)
        seam_complete_answer(scene->host, scene->call->id, &answer);
    seam_answer_done(&answer);
    free(name);
    return ends;
}

static void forget(void *user, const seam_reply *reply)
{
    (void)user;
    (void)reply;
}

static bool ask_only(struct scene *scene, seam_bytes line, seam_bytes op)
{
    char *name = seam_json_text(op, NULL);
    scene->host->request(scene->host, scene->call->id, name, seam_json_at(line, "/body"), forget,
                         NULL);
    free(name);
    return false;
}

enum { TOGETHER = 64 };

struct gathering {
    pthread_mutex_t lock;
    pthread_cond_t came;
    int missing; /* guarded by lock */
};

struct gathered {
    struct gathering *in;
    seam_answer answer;
};

static void arrive(void *user, const seam_reply *reply)
{
    struct gathered *one = user;
    struct gathering *in = one->in;
    seam_answer_keep(&one->answer, reply);
    pthread_mutex_lock(&in->lock);
    in->missing--;
    pthread_cond_signal(&in->came);
    pthread_mutex_unlock(&in->lock);
}

static bool ask_all(struct scene *scene, seam_bytes list)
{
    struct gathering in = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    struct gathered all[TOGETHER] = {0};
    int count = 0;
    seam_json_walk each = seam_json_members(list);
    while (seam_json_next(&each))
        in.missing++;
    each = seam_json_members(list);
    while (count < TOGETHER && seam_json_next(&each)) {
        char *name = seam_json_text(seam_json_at(each.value, "/op"), NULL);
        struct gathered *one = &all[count++];
        one->in = &in;
        scene->host->request(scene->host, scene->call->id, name, seam_json_at(each.value, "/body"),
                             arrive, one);
        free(name);
    }
    pthread_mutex_lock(&in.lock);
    while (in.missing > 0)
        pthread_cond_wait(&in.came, &in.lock);
    pthread_mutex_unlock(&in.lock);
    for (int i = 0; i < count; i++) {
        put_answer(scene, &all[i].answer);
        seam_answer_done(&all[i].answer);
    }
    return false;
}

static bool begin(struct scene *scene, seam_bytes line, seam_bytes named)
{
    char *name = seam_json_text(named, NULL);
    seam_effect effect =
        seam_effect_begin(scene->host, scene->call->id, name, seam_json_at(line, "/request"));
    bool failed = effect.answer.status != SEAM_OK, ends = failed || effect.happened;
    put_answer(scene, &effect.answer);
    if (failed)
        seam_complete_answer(scene->host, scene->call->id, &effect.answer);
    else if (ends)
        seam_complete_ok(scene->host, scene->call->id, SEAM_EFFECT_DONE,
                         effect.result.len > 0 ? effect.result : seam_text("null"));
    seam_effect_done(&effect);
    free(name);
    return ends;
}

static bool fail(struct scene *scene, seam_bytes line, seam_bytes status)
{
    int64_t number = SEAM_E_FAILED, effect = SEAM_EFFECT_NONE;
    char *code = seam_json_text(seam_json_at(line, "/code"), NULL);
    seam_json_integer(status, &number);
    seam_json_integer(seam_json_at(line, "/effect"), &effect);
    seam_complete_error(scene->host, scene->call->id, (seam_status)number, (uint32_t)effect,
                        code ? code : "", "as the script says");
    free(code);
    return true;
}

static bool emit(struct scene *scene, seam_bytes line, seam_bytes text)
{
    int64_t times = 1;
    size_t len = 0;
    char *words = seam_json_text(text, &len);
    seam_json_integer(seam_json_at(line, "/times"), &times);
    for (int64_t i = 0; i < times; i++)
        if (scene->host->emit(scene->host, scene->call->id, (seam_bytes){words, len}) == SEAM_OK)
            scene->said += (int64_t)len;
    free(words);
    return false;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static bool play(struct scene *scene, seam_bytes line)
{
    seam_bytes value;
    if ((value = seam_json_at(line, "/ask")).len > 0)
        return ask(scene, line, value, false);
    if ((value = seam_json_at(line, "/must")).len > 0)
        return ask(scene, line, value, true);
    if ((value = seam_json_at(line, "/start")).len > 0)
        return ask_only(scene, line, value);
    if ((value = seam_json_at(line, "/all")).len > 0)
        return ask_all(scene, value);
    if ((value = seam_json_at(line, "/begin")).len > 0)
        return begin(scene, line, value);
    if ((value = seam_json_at(line, "/emit")).len > 0)
        return emit(scene, line, value);
    if ((value = seam_json_at(line, "/fail")).len > 0)
        return fail(scene, line, value);
    if ((value = seam_json_at(line, "/question")).len > 0) {
        seam_reply reply = {.size = sizeof(reply), .status = SEAM_E_INPUT_REQUIRED, .body = line};
        scene->host->complete(scene->host, scene->call->id, &reply);
        return true;
    }
    if (seam_json_true(seam_json_at(line, "/die")))
        kill(getpid(), SIGKILL);
    while (seam_json_true(seam_json_at(line, "/hang")))
        pause_ms(1000);
    if (seam_json_true(seam_json_at(line, "/until_cancelled"))) {
        while (!scene->host->cancelled(scene->host, scene->call->id))
            pause_ms(1);
        seam_complete_error(scene->host, scene->call->id, SEAM_E_CANCELLED, SEAM_EFFECT_NONE, "",
                            "it was told to stop");
        return true;
    }
    if ((value = seam_json_at(line, "/give")).len > 0) {
        seam_complete_ok(scene->host, scene->call->id, scene->effect, value);
        return true;
    }
    return false;
}

static void give_answers(struct scene *scene)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_integer(&out, "attempt", scene->call->attempt);
    seam_put_string(&out, "key", scene->call->idempotency_key);
    if (scene->call->feedback.len > 0)
        seam_put_json(&out, "feedback", scene->call->feedback);
    seam_put_json(&out, "answers", seam_written(&scene->answers));
    if (scene->said > 0)
        seam_put_integer(&out, "said", scene->said);
    seam_put_end(&out);
    seam_complete_ok(scene->host, scene->call->id, scene->effect, seam_written(&out));
    seam_writer_done(&out);
}

static bool named(const seam_call *call, const char *name)
{
    return call->agent.len == strlen(name) && memcmp(call->agent.ptr, name, call->agent.len) == 0;
}

/* The lines of this attempt, else those of all. */
static seam_bytes script(const seam_call *call)
{
    char at[32];
    seam_bytes from = named(call, "find") ? seam_json_at(call->input, "/input/find") : call->input;
    snprintf(at, sizeof(at), "/%u", call->attempt);
    seam_bytes lines = seam_json_at(from, at);
    return lines.len > 0 ? lines : seam_json_at(from, "/do");
}

static int starts = -1; /* where they are written; one plugin, one file */

static void note_start(const seam_call *call)
{
    char line[256];
    int len = snprintf(line, sizeof(line), "%s/%.*s %.*s %u\n", strrchr(ACTOR_ID, '.') + 1,
                       (int)call->agent.len, call->agent.ptr, (int)call->idempotency_key.len,
                       call->idempotency_key.ptr, call->attempt);
    if (starts >= 0 && write(starts, line, (size_t)len) != len)
        abort();
}

static seam_status start(void *self, const seam_call *call)
{
    note_start(call);
    bool writes = named(call, "book") || named(call, "mail") || named(call, "put");
    struct scene scene = {.host = (const seam_host *)self,
                          .call = call,
                          .answers = SEAM_WRITER,
                          .effect = writes ? SEAM_EFFECT_DONE : SEAM_EFFECT_NONE};
    bool ended = false;
    seam_put_array(&scene.answers, NULL);
    seam_json_walk lines = seam_json_members(script(call));
    while (!ended && seam_json_next(&lines))
        ended = play(&scene, lines.value);
    seam_put_end(&scene.answers);
    if (!ended)
        give_answers(&scene);
    seam_writer_done(&scene.answers);
    return SEAM_OK;
}

static const seam_agent pure = SEAM_AGENT("pure", SEAM_PURE, 0);
static const seam_agent look = SEAM_AGENT("look", SEAM_READ, 0);
static const seam_agent book = SEAM_AGENT("book", SEAM_WRITE, 0);
static const seam_agent mail = SEAM_AGENT("mail", SEAM_WRITE, 0);
static const seam_agent put = SEAM_AGENT("put", SEAM_WRITE_IDEMPOTENT, 0);
static const seam_agent strict = SEAM_AGENT("strict", SEAM_PURE, 0);
static const seam_agent find = SEAM_AGENT("find", SEAM_READ, 0);
static const seam_agent think = SEAM_AGENT("think", SEAM_PURE, 0);
static const seam_agent *const agents[] = {&pure,   &look, &book,  &mail, &put,
                                           &strict, &find, &think, NULL};

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    char *file = seam_json_text(seam_json_at(config, "/starts"), NULL);
    if (file && starts < 0)
        starts = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    bool bad = file && starts < 0;
    free(file);
    return bad ? SEAM_E_INPUT : seam_create_stateless(host, config, ret_self);
}

static const seam_plugin table = {
    .size = sizeof(seam_plugin),
    .id = ACTOR_ID,
    .version = "1.0.0",
    .agents = agents,
    .create = create,
    .start = start,
};

SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &table;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Level 3: the truth of the effect class. What an agent declares is believed by the host when it
 * retries, caches and resumes, so here it is put to the test in a world that records every request
 * that changes something: the same input twice, the same key twice, and the worker killed between
 * the request and its answer, after which the call is replayed with an effect of which nobody
 * knows; and replayed where the effect is done, or is that of another request.
 */
#include "conformance/behaviour_internal.h"

#include "base/limits.h"
#include "document/document.h"

#include <seam/plugin.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAIRS = 100, WRITES = 20 };

static bool call(struct session *s, size_t agent, const json_t *input, const char *key,
                 uint32_t attempt)
{
    AUTO(freep) char *place = session_place(s, agent, input);
    doing(s->kit, place);
    size_t at = session_call(s, &(struct session_call){.agent = agent,
                                                       .input = input,
                                                       .key = key,
                                                       .attempt = attempt,
                                                       .deadline_ms = CALL_MS});
    return at != SIZE_MAX && session_wait(s, 2 * CALL_MS);
}

/* ---- pure and read ---- */

static bool is_same(const struct ended *a, const struct ended *b)
{
    AUTO(json_decrefp) json_t *x = NULL;
    AUTO(json_decrefp) json_t *y = NULL;
    if (a->status != b->status)
        return false;
    if (json_read_own((struct slice){a->body, a->body_len}, &x, NULL) != ERR_OK ||
        json_read_own((struct slice){b->body, b->body_len}, &y, NULL) != ERR_OK)
        return strcmp(a->body, b->body) == 0;
    return contract_equal(x, y);
}

/* What it answered first, to hold the answers of another process to. */
struct answers {
    struct ended of[PAIRS];
    size_t count;
};

static void answers_keep(struct answers *answers, const struct ended *e)
{
    answers->of[answers->count++] = (struct ended){
        .status = e->status, .body = xstrndup(e->body, e->body_len), .body_len = e->body_len};
}

static void answers_done(struct answers *answers)
{
    for (size_t i = 0; i < answers->count; i++)
        free(answers->of[i].body);
}

static void try_same(struct session *s, size_t agent, struct answers *first)
{
    size_t i;
    json_t *input;
    json_array_foreach (inputs_of(s->kit, agent), i, input) {
        session_forget(s);
        if (i == PAIRS || !call(s, agent, input, NULL, 1) || !call(s, agent, input, NULL, 1))
            break;
        AUTO(freep) char *place = session_place(s, agent, input);
        if (!is_same(&s->calls[0], &s->calls[1]))
            kit_fail(s->kit, CHECK_SAME, place, "the same answer twice", "%.200s, then %.200s",
                     s->calls[0].body, s->calls[1].body);
        if (s->world.blamed > 0)
            kit_fail(s->kit, CHECK_SILENT, place, "no request", "%s", s->world.blame);
        s->world.blamed = 0;
        answers_keep(first, &s->calls[0]);
    }
    kit_hold(s->kit, CHECK_SAME);
    kit_hold(s->kit, CHECK_SILENT);
}

/* In another process, in another second: what it takes from its clock, its process id, its
 * addresses or a seed of its start is the same in calls that follow each other. */
static void try_same_later(struct session *s, size_t agent, const struct answers *first)
{
    size_t i;
    json_t *input;
    json_array_foreach (inputs_of(s->kit, agent), i, input) {
        session_forget(s);
        if (i == first->count || !call(s, agent, input, NULL, 1))
            break;
        if (is_same(&first->of[i], &s->calls[0]))
            continue;
        AUTO(freep) char *place = session_place(s, agent, input);
        kit_fail(s->kit, CHECK_SAME, place, "the same answer from another process, a second later",
                 "%.200s, then %.200s", first->of[i].body, s->calls[0].body);
    }
}

static void pass_a_second(void)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    for (time_t then = time(NULL); time(NULL) == then;)
        nanosleep(&moment, NULL);
}

/* A counter differs at once, so what differs later differs for where and when it runs. */
static void try_pure(struct session *s, size_t agent)
{
    struct kit *kit = s->kit;
    struct answers first = {.count = 0};
    try_same(s, agent, &first);
    if (s->ready && !kit_failed(kit, CHECK_SAME)) {
        session_close(s);
        pass_a_second();
        session_open(s, kit, false);
        if (s->ready)
            try_same_later(s, agent, &first);
    }
    answers_done(&first);
}

static void try_reads(struct session *s, size_t agent)
{
    size_t i;
    json_t *input;
    json_array_foreach (inputs_of(s->kit, agent), i, input) {
        session_forget(s);
        if (i == PAIRS || !call(s, agent, input, NULL, 1))
            break;
        AUTO(freep) char *place = session_place(s, agent, input);
        if (s->world.blamed > 0)
            kit_fail(s->kit, CHECK_READS, place, "no request that changes the world", "%s",
                     s->world.blame);
        s->world.blamed = 0;
    }
    kit_hold(s->kit, CHECK_READS);
}

/* ---- writes ---- */

static void try_key(struct session *s, size_t agent)
{
    size_t i, tried = 0;
    json_t *input;
    json_array_foreach (inputs_of(s->kit, agent), i, input) {
        char key[32];
        snprintf(key, sizeof(key), "same-%zu", i);
        session_forget(s);
        kit_world_forget_arrivals(&s->world);
        if (i == WRITES || !call(s, agent, input, key, 1))
            break;
        size_t once = kit_world_happened(&s->world);
        if (!call(s, agent, input, key, 2))
            break;
        size_t twice = kit_world_happened(&s->world);
        tried += once > 0;
        AUTO(freep) char *place = session_place(s, agent, input);
        if (twice > once)
            kit_fail(s->kit, CHECK_KEY, place, "the requests of the first attempt, with its key",
                     "%zu effects after one attempt, %zu after two: the second sent %s %.200s",
                     once, twice, s->world.arrivals[s->world.arrival_count - 1].method,
                     s->world.arrivals[s->world.arrival_count - 1].url);
    }
    if (tried > 0)
        kit_hold(s->kit, CHECK_KEY);
}

static void try_begin(struct session *s, size_t agent)
{
    size_t i, tried = 0;
    json_t *input;
    json_array_foreach (inputs_of(s->kit, agent), i, input) {
        session_forget(s);
        kit_world_forget_arrivals(&s->world);
        char key[32];
        snprintf(key, sizeof(key), "begin-%zu", i);
        if (i == WRITES || !call(s, agent, input, key, 1))
            break;
        size_t bare = 0, begun = 0;
        for (size_t k = 0; k < s->world.effect_count; k++)
            begun += strcmp(s->world.effects[k].key, key) == 0;
        for (size_t k = 0; k < s->world.arrival_count && begun == 0; k++)
            bare += !s->world.arrivals[k].in_effect;
        tried += s->world.arrival_count > 0;
        AUTO(freep) char *place = session_place(s, agent, input);
        if (bare > 1)
            kit_fail(s->kit, CHECK_BEGIN, place,
                     "one request that changes the world, or effects that were begun",
                     "%zu such requests and no effect", bare);
    }
    if (tried > 0)
        kit_hold(s->kit, CHECK_BEGIN);
}

/* The call is cut off when its request has arrived; the next life is told that nobody knows. */
static void try_replay(struct session *s, size_t agent)
{
    const json_t *input = json_array_get(inputs_of(s->kit, agent), 0);
    AUTO(freep) char *place = session_place(s, agent, input);
    session_forget(s);
    kit_world_forget_arrivals(&s->world);
    s->world.cuts = true;
    call(s, agent, input, "cut", 1);
    size_t begun = s->world.effect_count, sent = s->world.arrival_count;
    if (begun == 0 || sent == 0)
        return;
    struct world world = s->world; /* it outlives the worker */
    struct kit *kit = s->kit;
    s->world = (struct world){.mood = WORLD_GOOD};
    session_close(s);
    session_open(s, kit, false);
    kit_world_done(&s->world);
    s->world = world;
    s->world.cuts = false;
    s->world.memory = MEMORY_UNKNOWN;
    if (!s->ready || !call(s, agent, input, "cut", 2))
        return;
    const struct ended *e = &s->calls[s->count - 1];
    if (s->world.arrival_count > sent)
        kit_fail(s->kit, CHECK_REPLAY, place, "nothing sent, for the effect is in doubt",
                 "%s %.200s sent again", s->world.arrivals[sent].method,
                 s->world.arrivals[sent].url);
    else if (e->status == SEAM_OK)
        kit_fail(s->kit, CHECK_REPLAY, place, "a failure whose effect is unknown", "OK: %.200s",
                 e->body);
    else if (e->effect == SEAM_EFFECT_NONE)
        kit_fail(s->kit, CHECK_REPLAY, place, "a failure whose effect is unknown",
                 "a failure that claims that nothing happened");
    kit_hold(s->kit, CHECK_REPLAY);
}

/* ---- what the host remembers ---- */

/* The call again, in a new life of the plugin, which has nothing but the host's memory. False: the
 * first time it began no effect, or sent nothing. */
static bool call_again(struct session *s, size_t agent, const char *key, enum world_memory memory,
                       size_t *ret_sent)
{
    const json_t *input = json_array_get(inputs_of(s->kit, agent), 0);
    session_forget(s);
    kit_world_forget_arrivals(&s->world);
    size_t before = s->world.effect_count;
    if (!call(s, agent, input, key, 1) || s->world.arrival_count == 0 ||
        s->world.effect_count == before)
        return false;
    *ret_sent = s->world.arrival_count;
    struct kit *kit = s->kit;
    struct world world = s->world;
    s->world = (struct world){.mood = WORLD_GOOD};
    session_close(s);
    session_open(s, kit, false);
    kit_world_done(&s->world);
    s->world = world;
    s->world.memory = memory;
    bool ended = s->ready && call(s, agent, input, key, 2);
    s->world.memory = MEMORY_AS_IT_WAS;
    return ended;
}

static void try_memory(struct session *s, size_t agent, enum world_memory memory)
{
    bool done = memory == MEMORY_AS_IT_WAS;
    enum check_number check = done ? CHECK_DONE : CHECK_CONFLICT;
    size_t sent, last;
    if (!kit_wants(s->kit, check) ||
        !call_again(s, agent, done ? "done" : "conflict", memory, &sent))
        return;
    last = s->world.effect_count - 1;
    if (done && !s->world.effects[last].result)
        return; /* it did not commit: nothing says that it is done */
    const json_t *input = json_array_get(inputs_of(s->kit, agent), 0);
    AUTO(freep) char *place = session_place(s, agent, input);
    const struct ended *e = &s->calls[s->count - 1];
    if (s->world.arrival_count > sent)
        kit_fail(s->kit, check, place,
                 done ? "nothing sent, for the effect is done"
                      : "nothing sent, for the key belongs to another request",
                 "%s %.200s sent again", s->world.arrivals[sent].method,
                 s->world.arrivals[sent].url);
    else if (done != (e->status == SEAM_OK))
        kit_fail(s->kit, check, place, done ? "the answer of the first time" : "a failure",
                 done ? "status %d" : "OK (%d)", e->status);
    kit_hold(s->kit, check);
}

/* ---- reconcile ---- */

static void try_reconcile(struct session *s, size_t agent)
{
    const struct card *card = s->kit->card;
    size_t by = 0;
    while (by < card->agent_count &&
           strcmp(card->agents[by].name, card->agents[agent].reconcile) != 0)
        by++;
    const json_t *of = json_array_get(inputs_of(s->kit, agent), 0);
    if (by == card->agent_count || !of)
        return;
    AUTO(json_decrefp)
    json_t *input = json_pack("{s:s, s:O, s:s, s:O}", "key", "reconcile", "input", of, "effect",
                              "call", "request", of);
    AUTO(freep) char *place = session_place(s, by, input);
    if (!contract_accepts(card->agents[by].input, input)) {
        kit_fail(s->kit, CHECK_RECONCILE, place,
                 "an input contract that takes key, input, effect and request",
                 "one that does not");
        return;
    }
    session_forget(s);
    call(s, agent, of, "reconcile", 1);
    session_forget(s);
    if (!call(s, by, input, "reconcile", 1))
        return;
    const struct ended *e = &s->calls[0];
    AUTO(json_decrefp) json_t *answer = NULL;
    static const char *const outcomes[] = {"happened", "never", "not_seen", "unknown"};
    bool known = false;
    if (e->status == SEAM_OK &&
        json_read_own((struct slice){e->body, e->body_len}, &answer, NULL) == ERR_OK)
        for (size_t i = 0; i < 4; i++) {
            const char *word = json_string_value(json_object_get(answer, "outcome"));
            known |= word && strcmp(word, outcomes[i]) == 0;
        }
    if (e->status == SEAM_OK && !known)
        kit_fail(s->kit, CHECK_RECONCILE, place, "an outcome: happened, never, not_seen or unknown",
                 "%.200s", e->body);
    else if (known)
        kit_hold(s->kit, CHECK_RECONCILE);
    else
        kit_skip(s->kit, CHECK_RECONCILE, "in this world %s could not tell: status %d",
                 card->agents[by].name, e->status);
}

static void try_agent(struct session *s, size_t agent)
{
    const struct card_agent *of = &s->kit->card->agents[agent];
    switch (of->effect) {
    case SEAM_PURE:
        try_pure(s, agent);
        return;
    case SEAM_READ:
        try_reads(s, agent);
        return;
    case SEAM_WRITE_IDEMPOTENT:
        try_key(s, agent);
        break;
    default:
        try_begin(s, agent);
        break;
    }
    if (of->reconcile)
        try_reconcile(s, agent);
    if (of->effect == SEAM_WRITE) {
        try_memory(s, agent, MEMORY_AS_IT_WAS);
        if (s->ready)
            try_memory(s, agent, MEMORY_OF_ANOTHER);
        if (s->ready)
            try_replay(s, agent);
    }
}

static void play_truth(struct kit *kit, void *user)
{
    (void)user;
    for (size_t i = 0; i < kit->card->agent_count && kit_now_ms() < kit->due_ms; i++) {
        struct session s;
        session_open(&s, kit, false);
        if (s.ready && json_array_size(inputs_of(kit, i)) > 0)
            try_agent(&s, i);
        session_close(&s);
    }
}

void level_truth(struct kit *kit)
{
    static const struct scenario truth = {"effects", play_truth, CHECK_LIVES, CHECK_ANSWERS,
                                          CLAIM(SAME) | CLAIM(SILENT) | CLAIM(READS) | CLAIM(KEY) |
                                              CLAIM(BEGIN) | CLAIM(REPLAY) | CLAIM(DONE) |
                                              CLAIM(CONFLICT) | CLAIM(RECONCILE)};
    static const struct {
        enum check_number check;
        const char *none;
    } reasons[] = {
        {CHECK_SAME, "none of its agents is pure"},
        {CHECK_SILENT, "none of its agents is pure"},
        {CHECK_READS, "none of its agents is a read"},
        {CHECK_KEY, "no agent that is write_idempotent changed this world"},
        {CHECK_BEGIN, "no agent that is a write changed this world"},
        {CHECK_REPLAY, "no agent begins an effect of its own, or none changed this world"},
        {CHECK_DONE,
         "no agent begins and commits an effect of its own, or none changed this world"},
        {CHECK_CONFLICT, "no agent begins an effect of its own, or none changed this world"},
        {CHECK_RECONCILE, "none of its agents has a reconcile"},
    };
    if (kit_cannot_load(kit, 3) || !kit_prepare(kit))
        return;
    scenario_play(kit, &truth, false);
    for (size_t i = 0; kit->broken < 0 && i < sizeof(reasons) / sizeof(reasons[0]); i++)
        kit_skip(kit, reasons[i].check, "%s", reasons[i].none);
}

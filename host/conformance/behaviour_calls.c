/* SPDX-License-Identifier: Apache-2.0
 *
 * The scenarios that call agents through the loader. Each is written for one thing; what another
 * scenario claims is not claimed again, so that one sin is one failure.
 */
#include "conformance/behaviour_internal.h"

#include "base/limits.h"
#include "document/document.h"

#include <dirent.h>
#include <malloc.h>
#include <seam/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOG_LINES_A_CALL = 200,
    BYTES_A_CALL = 1 << 20,
    LATE_MS = 100,  /* in which what comes too late would come */
    SHORT_MS = 150, /* a deadline that silence passes          */
    AT_ONCE_MAX = 128,
    ROUNDS = 4,
    WINDOW = 250, /* calls between two looks at what is left */
    WINDOWS = 5,
    INPUTS_KEPT = 20,
    LEAK_BYTES = 32, /* a call */
};

bool session_is_ready(struct session *s)
{
    if (s->ready)
        return true;
    bool differs = s->refusal.code == ERR_CONFLICT;
    kit_break(s->kit, differs ? CHECK_TABLE : CHECK_LOAD, session_mode(s),
              differs ? "a table that says what the card says" : "a plugin that is created", "%s",
              s->refusal.code != ERR_OK ? s->refusal.text : s->death);
    return false;
}

/* ---- one answer ---- */

static bool is_listed(const struct card *card, size_t agent, const char *code)
{
    size_t i;
    json_t *one;
    const json_t *json = json_array_get(json_object_get(card->json, "agents"), agent);
    json_array_foreach (json_object_get(json, "errors"), i, one)
        if (json_is_string(one) && strcmp(json_string_value(one), code) == 0)
            return true;
    return strncmp(code, "effect.", 7) == 0; /* of seam/sdk.h */
}

static void judge_output(struct session *s, const struct ended *e, const char *place)
{
    AUTO(json_decrefp) json_t *output = NULL;
    struct error err;
    struct violations violations;
    const struct card_agent *agent = &s->kit->card->agents[e->agent];
    if (json_read((struct slice){e->body, e->body_len}, LIMIT_PAYLOAD, &output, &err) != ERR_OK) {
        kit_fail(s->kit, CHECK_OUTPUT, place, "JSON", "%s: %.100s", err.text, e->body);
        return;
    }
    if (!contract_explain(agent->output, output, &violations)) {
        AUTO(text_done) struct text text;
        text_init(&text, 500);
        violations_text(&violations, &text);
        kit_fail(s->kit, CHECK_OUTPUT, place, "an answer as the output schema says", "%s",
                 text_str(&text));
    }
    violations_done(&violations);
}

static void judge_refusal(struct session *s, const struct ended *e, const char *place)
{
    bool passed_on = e->status >= 0 && e->status < 32 && (e->passed & 1u << e->status);
    if (e->status == SEAM_E_INPUT_REQUIRED || passed_on)
        return;
    if (e->status == SEAM_E_INTERNAL || e->status == SEAM_E_CANCELLED ||
        e->status == SEAM_E_UNSUPPORTED || e->status == SEAM_E_BUDGET)
        kit_fail(s->kit, CHECK_STATUS, place, "an answer, or a refusal that says why",
                 "status %d%s: %.200s", e->status,
                 e->status == SEAM_E_INTERNAL ? " (INTERNAL, or one that nobody knows)" : "",
                 e->body);
    else if (strncmp(e->code, "seam.", 5) == 0)
        return; /* start() did not take it, and has no way to say a code */
    else if (*e->code && !is_listed(s->kit->card, e->agent, e->code))
        kit_fail(s->kit, CHECK_CODES, place, "a code that the card lists under errors",
                 "\"%s\" (status %d)", e->code, e->status);
    else if (!*e->code && e->body_len > 0)
        kit_fail(s->kit, CHECK_CODES, place, "a code", "none (status %d): %.200s", e->status,
                 e->body);
}

/* False: the plugin cannot go on. */
static bool judge(struct session *s, const struct ended *e, const char *place, bool late)
{
    bool loud = s->log_lines > LOG_LINES_A_CALL || s->log_bytes + s->emitted > BYTES_A_CALL;
    if (loud)
        kit_break(s->kit, CHECK_QUIET, place, "at most 200 lines and 1 MiB a call",
                  "%zu lines, %zu bytes logged and printed, %zu emitted", s->log_lines,
                  s->log_bytes, s->emitted);
    else if (!e->done && s->down)
        kit_break(s->kit, CHECK_LIVES, place, "a process that goes on", "%s", s->death);
    else if (!e->done || e->end == CALL_TIMED_OUT || (late && e->end == CALL_COMPLETED))
        kit_break(s->kit, CHECK_ANSWERS, place, "an end of the call", "none in %d ms%s%s", CALL_MS,
                  e->done && *e->reason ? ": " : "", e->done ? e->reason : "");
    else if (e->end == CALL_CRASHED)
        kit_break(s->kit, CHECK_LIVES, place, "a process that goes on", "%s", e->reason);
    else if (e->end == CALL_BROKE_ABI)
        kit_break(s->kit, CHECK_BYTES, place, "what the ABI allows", "%s", e->reason);
    else if (e->status == SEAM_OK)
        judge_output(s, e, place);
    else
        judge_refusal(s, e, place);
    return s->kit->broken < 0;
}

/* ---- answers ---- */

struct tally {
    size_t ok, coded, codeless;
};

static bool call_once(struct session *s, size_t agent, const json_t *input, struct tally *tally)
{
    AUTO(freep) char *place = session_place(s, agent, input);
    doing(s->kit, place);
    int64_t began = kit_now_ms();
    size_t at = session_call(
        s, &(struct session_call){.agent = agent, .input = input, .deadline_ms = CALL_MS});
    if (at == SIZE_MAX) {
        kit_break(s->kit, CHECK_LIVES, place, "a plugin that takes calls", "none: %s", s->death);
        return false;
    }
    session_wait(s, CALL_MS + 3 * SESSION_GRACE_MS);
    const struct ended *e = &s->calls[at];
    bool on = judge(s, e, place, kit_now_ms() - began >= CALL_MS);
    if (on) {
        tally->ok += e->status == SEAM_OK;
        bool coded = *e->code && strncmp(e->code, "seam.", 5) != 0;
        tally->coded += e->status != SEAM_OK && coded;
        tally->codeless += e->status != SEAM_OK && !coded;
    }
    session_forget(s);
    return on;
}

/* A good world first; then an ill one, for agents that ask for anything. */
static bool call_agent(struct session *s, size_t agent, int64_t due_ms)
{
    struct tally tally = {0};
    json_t *inputs = inputs_of(s->kit, agent), *input;
    size_t i, asked = s->world.asked;
    json_array_foreach (inputs, i, input) {
        bool asks = s->world.asked > asked;
        s->world.mood = asks && i % 2 ? WORLD_ILL : WORLD_GOOD;
        if (!call_once(s, agent, input, &tally))
            return false;
        if (i > INPUTS_KEPT && kit_now_ms() > due_ms)
            break;
    }
    const char *name = s->kit->card->agents[agent].name;
    if (json_array_size(inputs) == 0)
        kit_skip(s->kit, CHECK_WORKS, "no input that the contract of %s allows could be drawn",
                 name);
    else if (tally.ok > 0 || s->world.asked > asked || kit_failed(s->kit, CHECK_STATUS))
        kit_hold(s->kit, CHECK_WORKS);
    else if (tally.coded == 0)
        kit_fail(s->kit, CHECK_WORKS, name, "an answer to at least one of its inputs",
                 "%zu refusals without a code", tally.codeless);
    else
        kit_skip(s->kit, CHECK_WORKS,
                 "%s refused all %zu inputs that were drawn (cure: examples in "
                 "its input schema, which are drawn, too)",
                 name, tally.coded);
    return true;
}

void play_answers(struct kit *kit, void *user)
{
    const bool *in_process = user;
    static const enum check_number claims[] = {
        CHECK_LOAD,  CHECK_TABLE,  CHECK_LIVES,  CHECK_ANSWERS, CHECK_ONCE,
        CHECK_BYTES, CHECK_OUTPUT, CHECK_STATUS, CHECK_CODES,   CHECK_QUIET};
    struct session s;
    session_open(&s, kit, *in_process);
    bool on = session_is_ready(&s);
    int64_t share = (kit->due_ms - kit_now_ms()) / 3 / (int64_t)(kit->card->agent_count + 1);
    for (size_t i = 0; on && i < kit->card->agent_count; i++)
        on = call_agent(&s, i, kit_now_ms() + share);
    if (on) {
        session_wait_late(&s, LATE_MS);
        uint64_t stale = plugin_counts(s.plugin).stale;
        if (stale > 0)
            kit_break(kit, CHECK_ONCE, session_mode(&s), "one completion of each call",
                      "%llu that were late, double or of no call", (unsigned long long)stale);
        for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
            kit_hold(kit, claims[i]);
    }
    session_close(&s);
}

/* ---- cancel and deadline ---- */

/* Calls an agent in a world that says nothing. `cancels`: it is cancelled as soon as it asks; else
 * its deadline passes. Returns whether it was still at work then. */
static bool leave_waiting(struct session *s, size_t agent, bool cancels)
{
    enum check_number check = cancels ? CHECK_CANCEL : CHECK_DEADLINE;
    const json_t *input = json_array_get(inputs_of(s->kit, agent), 0);
    AUTO(freep) char *place = session_place(s, agent, input);
    doing(s->kit, place);
    s->world.mood = WORLD_SILENT;
    size_t at = session_call(s, &(struct session_call){.agent = agent,
                                                       .input = input,
                                                       .deadline_ms = cancels ? -1 : SHORT_MS});
    if (at == SIZE_MAX)
        return false;
    session_wait_asked(s, SHORT_MS);
    bool waited = s->pending > 0;
    if (cancels)
        plugin_cancel(s->plugin, s->calls[at].id);
    session_wait(s, SHORT_MS + 3 * SESSION_GRACE_MS);
    const struct ended *e = &s->calls[at];
    bool killed = s->down || plugin_counts(s->plugin).abandoned > 0;
    if (waited && (!e->done || killed) && e->end != CALL_BROKE_ABI)
        kit_break(s->kit, check, place, "an end within the grace", "none in %d ms%s%s",
                  SESSION_GRACE_MS, e->done ? ": " : "", e->done ? e->reason : "");
    else if (e->end == CALL_CRASHED || e->end == CALL_BROKE_ABI)
        kit_break(s->kit, check, place, "an end within the grace", "%s", e->reason);
    session_forget(s);
    return waited;
}

static void play_waiting(struct kit *kit, bool in_process, bool cancels)
{
    struct session s;
    bool any = false;
    session_open(&s, kit, in_process);
    for (size_t i = 0; s.ready && i < kit->card->agent_count && kit->broken < 0; i++)
        if (json_array_size(inputs_of(kit, i)) > 0)
            any |= leave_waiting(&s, i, cancels);
    enum check_number check = cancels ? CHECK_CANCEL : CHECK_DEADLINE;
    if (any)
        kit_hold(kit, check);
    else
        kit_skip(kit, check, "every call ended by itself before it came to that");
    if (kit->broken < 0)
        session_close(&s);
}

void play_cancel(struct kit *kit, void *user)
{
    play_waiting(kit, *(const bool *)user, true);
}

void play_deadline(struct kit *kit, void *user)
{
    play_waiting(kit, *(const bool *)user, false);
}

/* ---- many at once ---- */

static bool is_same(const struct ended *a, const struct ended *b)
{
    AUTO(json_decrefp) json_t *x = NULL;
    AUTO(json_decrefp) json_t *y = NULL;
    if (a->status != b->status)
        return false;
    bool read =
        json_read((struct slice){a->body, a->body_len}, LIMIT_PAYLOAD, &x, NULL) == ERR_OK &&
        json_read((struct slice){b->body, b->body_len}, LIMIT_PAYLOAD, &y, NULL) == ERR_OK;
    return read ? contract_equal(x, y) : strcmp(a->body, b->body) == 0;
}

/* The first `count` calls of the session are alone, the others at once, in turns of the same. */
static void compare_turns(struct session *s, size_t agent, size_t count)
{
    bool pure = s->kit->card->agents[agent].effect == SEAM_PURE;
    for (size_t i = count; i < s->count; i++) {
        const struct ended *e = &s->calls[i], *alone = &s->calls[i % count];
        const json_t *input = json_array_get(inputs_of(s->kit, agent), i % count);
        AUTO(freep) char *place = session_place(s, agent, input);
        if (!e->done || e->end != CALL_COMPLETED)
            kit_break(s->kit, CHECK_CONCURRENCY, place, "an answer, as when it is called alone",
                      "%s", e->done ? e->reason : "none");
        else if (pure && !is_same(e, alone))
            kit_fail(s->kit, CHECK_MIXING, place, "the answer that it gives alone",
                     "%.200s (alone: %.200s)", e->body, alone->body);
        if (s->kit->broken >= 0)
            return;
    }
}

static void call_at_once(struct session *s, size_t agent)
{
    json_t *inputs = inputs_of(s->kit, agent);
    size_t count = json_array_size(inputs);
    count = count < INPUTS_KEPT ? count : INPUTS_KEPT;
    size_t at_once = (size_t)s->kit->card->max_concurrency;
    at_once = at_once < AT_ONCE_MAX ? at_once : AT_ONCE_MAX;
    struct session_call call = {.agent = agent, .deadline_ms = 2 * CALL_MS};
    doing(s->kit, s->kit->card->agents[agent].name);
    for (size_t i = 0; i < count; i++) {
        call.input = json_array_get(inputs, i);
        session_call(s, &call);
        session_wait(s, 2 * CALL_MS);
    }
    for (size_t round = 0; count > 0 && round < ROUNDS; round++) {
        for (size_t i = 0; i < (at_once / count + 1) * count; i++) {
            call.input = json_array_get(inputs, i % count);
            session_call(s, &call);
        }
        session_wait(s, 3 * CALL_MS);
    }
    if (count > 0)
        compare_turns(s, agent, count);
    session_forget(s);
}

void play_concurrency(struct kit *kit, void *user)
{
    struct session s;
    session_open(&s, kit, *(const bool *)user);
    for (size_t i = 0; s.ready && i < kit->card->agent_count && kit->broken < 0; i++)
        call_at_once(&s, i);
    kit_hold(kit, CHECK_CONCURRENCY);
    bool pure = false;
    for (size_t i = 0; i < kit->card->agent_count; i++)
        pure |= kit->card->agents[i].effect == SEAM_PURE;
    if (pure && kit->card->max_concurrency > 1)
        kit_hold(kit, CHECK_MIXING);
    else
        kit_skip(kit, CHECK_MIXING,
                 pure ? "it takes one call at a time"
                      : "none of its agents is pure, so answers may differ");
    session_close(&s);
}

/* ---- what is left behind ---- */

static long entries(const char *folder)
{
    DIR *dir = opendir(folder);
    long count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static long children(void)
{
    long count = 0, pid;
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    while (tasks && (task = readdir(tasks)) != NULL) {
        char path[320];
        snprintf(path, sizeof(path), "/proc/self/task/%s/children", task->d_name);
        FILE *of = fopen(path, "re");
        while (of && fscanf(of, "%ld", &pid) == 1)
            count++;
        if (of)
            fclose(of);
    }
    if (tasks)
        closedir(tasks);
    return count;
}

struct left {
    long descriptors, threads, children;
    size_t memory;
};

static struct left look(void)
{
    struct mallinfo2 heap = mallinfo2();
    return (struct left){entries("/proc/self/fd"), entries("/proc/self/task"), children(),
                         heap.uordblks + heap.hblkhd};
}

static bool call_window(struct session *s)
{
    for (size_t i = 0; i < WINDOW; i++) {
        size_t agent = i % s->kit->card->agent_count;
        json_t *inputs = inputs_of(s->kit, agent);
        size_t count =
            json_array_size(inputs) < INPUTS_KEPT ? json_array_size(inputs) : INPUTS_KEPT;
        if (count == 0)
            continue;
        session_call(s, &(struct session_call){
                            .agent = agent,
                            .input = json_array_get(inputs, i / s->kit->card->agent_count % count),
                            .key = "kit-leaks",
                            .deadline_ms = CALL_MS});
        if (!session_wait(s, 2 * CALL_MS))
            return false;
        session_forget(s);
        kit_world_forget_arrivals(&s->world);
    }
    return true;
}

static void claim_growth(struct kit *kit, enum check_number check, const char *what, long first,
                         long last)
{
    if (last - first > WINDOW / 25)
        kit_fail(kit, check, "in process", "as many as before", "%ld %s more after %d calls",
                 last - first, what, (WINDOWS + 1) * WINDOW);
    else
        kit_hold(kit, check);
}

void play_leaks(struct kit *kit, void *user)
{
    struct session s;
    struct left at[WINDOWS + 1];
    mallopt(M_ARENA_MAX, 1); /* or what other threads take is not seen */
    kit->card->max_concurrency =
        1; /* of this child's copy: each thread holds back memory of its own */
    session_open(&s, kit, *(const bool *)user);
    struct left before = look();
    bool on = s.ready && call_window(&s);
    for (size_t i = 0; on && i <= WINDOWS; i++) {
        at[i] = look();
        on = i == WINDOWS || call_window(&s);
    }
    if (!on) {
        kit_skip(kit, CHECK_MEMORY, "the calls did not end");
        return;
    }
    claim_growth(kit, CHECK_DESCRIPTORS, "descriptors", before.descriptors,
                 at[WINDOWS].descriptors);
    claim_growth(kit, CHECK_CHILDREN, "processes", before.children, at[WINDOWS].children);
    claim_growth(kit, CHECK_THREADS, "threads", before.threads, at[WINDOWS].threads);
    size_t least = SIZE_MAX; /* of all windows: what is lost is lost in each of them */
    for (size_t i = 0; i < WINDOWS; i++) {
        size_t more = at[i + 1].memory > at[i].memory ? at[i + 1].memory - at[i].memory : 0;
        least = more < least ? more : least;
    }
    if (kit_failed(kit, CHECK_THREADS) || kit_failed(kit, CHECK_DESCRIPTORS))
        kit_skip(kit, CHECK_MEMORY, "what else is left takes memory, too");
    else if (KIT_SANITIZED)
        kit_skip(kit, CHECK_MEMORY,
                 "this seam is built with a sanitizer, which keeps what is freed");
    else if (least > WINDOW * LEAK_BYTES)
        kit_fail(kit, CHECK_MEMORY, "in process", "as much memory as before",
                 "%zu bytes more after %d calls, and again after each %d of the same", least,
                 WINDOW, WINDOW);
    else
        kit_hold(kit, CHECK_MEMORY);
    session_close(&s);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's parts. declared.c reads the configuration, prompt.c makes of an input what the model
 * is told, a dialect (dialects.c, chat.c, responses.c, messages.c) writes it as a provider wants
 * and reads what it answers, work.c leads a call from request to request without ever waiting,
 * tools.c calls other agents, faults.c says what a failure is, and answer.c makes the output.
 *
 * Whatever a model says is a stranger's text: it is bounded, it is never a name of anything that
 * was not declared, and the host holds the output to the contract.
 */
#ifndef LLM_H
#define LLM_H

#include <seam/agents.h>
#include <seam/plugin.h>
#include <seam/sdk.h>
#include <seam/sse.h>

#include <stdatomic.h>

enum {
    LLM_ANSWER = 4 << 20, /* bytes of one answer's text, of the arguments of a tool, of one event */
    LLM_CALLS = 32,       /* of tools in one answer */
    LLM_TURNS = 2048,
    LLM_MAX_TOKENS = 1024, /* of one answer, unless declared */
    LLM_ROUNDS = 4
};

/* ---- words.c ---- */

/* Text that grows to LLM_ANSWER; what is more sticks as `full`. Zeroed, it is empty. */
struct words {
    char *ptr; /* ended by NUL; NULL = nothing was added */
    size_t len, room;
    bool full;
};
void words_add(struct words *words, const char *ptr, size_t len);
void words_text(struct words *words, const char *text);
/* What a JSON string spells; anything else adds nothing. */
void words_string(struct words *words, seam_bytes value);
seam_bytes words_bytes(const struct words *words);
void words_done(struct words *words);
bool bytes_are(seam_bytes bytes, const char *text);
/* FNV-1a: tells apart what one model says, and is no proof of anything. */
uint64_t words_digest(seam_bytes bytes);

/* ---- What is said ---- */

struct tool_call {
    struct words id, name, arguments;
};

enum finish {
    FINISH_NONE, /* nothing was said of it: the answer is not whole */
    FINISH_STOP,
    FINISH_LENGTH,
    FINISH_FILTER,
    FINISH_REFUSAL,
    FINISH_TOO_LONG, /* what it was asked does not fit */
    FINISH_BUSY,
    FINISH_MALFORMED,
    FINISH_FAILED
};

/* One answer of a model, in no provider's words. */
struct said {
    struct words text, why; /* why: of a refusal or failure */
    struct tool_call calls[LLM_CALLS];
    size_t call_count;
    enum finish finish;
    bool ended, too_much;          /* ended: nothing more is to come */
    int64_t tokens_in, tokens_out; /* 0 = not said */
};
void said_done(struct said *said);
/* The call at this place of the answer, made if it is the next; NULL if there is none. */
struct tool_call *said_call(struct said *said, int64_t place);

enum turn_kind { TURN_USER, TURN_MODEL, TURN_RESULT };
struct turn {
    enum turn_kind kind;
    struct words text;
    struct tool_call *calls; /* of TURN_MODEL */
    size_t call_count;
    struct words call_id; /* of TURN_RESULT */
};

/* ---- declared.c ---- */

struct tool {
    char *agent, *name, *description;
    seam_bytes input;
};

struct agent {
    char *name, *summary, *effect;
    const struct dialect *dialect;
    char *url, *model, *secret; /* secret: NULL = no key is sent */
    char *system, *prompt;      /* NULL = none */
    char *confidence;           /* a property's name; NULL = none */
    seam_bytes input, output;   /* schemas, inside the configuration; output absent = text */
    seam_bytes temperature, top_p, seed, stop;
    char *lower_for; /* NULL = the schema is sent as it is */
    bool instruct, stream;
    int64_t max_tokens, price_in, price_out; /* millionths, of a million tokens */
    int rounds, samples;
    uint32_t timeout_ms; /* of one question; 0 = what the step leaves */
    struct tool *tools;
    size_t tool_count;
    _Atomic(char *) lowered; /* what contract.lower/1 answered; NULL = not asked yet */
};

struct plugin {
    const seam_host *host;
    char *config;
    struct agent *agents;
    size_t agent_count;
    char trouble[512]; /* what is wrong with the configuration; "" = nothing */
};
bool declared_read(struct plugin *plugin, seam_bytes config);
bool declared_write(const struct plugin *plugin, seam_writer *out);
void declared_done(struct plugin *plugin);

/* ---- A call ---- */

struct work {
    struct plugin *plugin;
    struct agent *agent;
    seam_id id;
    struct words input, feedback, key; /* key: the placeholder of the secret */
    struct turn *turns;
    size_t turn_count, turn_room, first_turns; /* first: before the model said anything */
    void (*then)(struct work *work, const seam_reply *reply);
    struct said said;
    seam_sse events;
    int64_t stream; /* its number; 0 = none is open */
    int http_status;
    size_t shown;            /* bytes of the answer that were emitted */
    struct words whole_body; /* of a stream whose status is none of success, or that is … */
    bool unstreamed, begun;  /* … one answer in JSON, though it was to be streamed */
    struct words leads_to;   /* of a redirect */
    int round, sample;
    size_t next_call; /* of the tools that were asked for */
    struct words samples[16];
    int64_t reserved_tokens, reserved_cost, spent_tokens, spent_cost, question_tokens;
    bool asked;   /* the last question is out, and what it used was not told yet */
    bool refused; /* … and nobody worked on it, so it used nothing */
    struct failure {
        seam_status status;
        struct words code, message;
    } failure; /* with which it ends when that is told */
};

/* Takes the call. */
seam_status work_begin(struct plugin *plugin, struct agent *agent, const seam_call *call);
void work_free(struct work *work);
/* Asks the host; `then` goes on. Nothing of the work may be touched after. `body` is done after. */
void work_ask(struct work *work, const char *op, seam_writer *body,
              void (*then)(struct work *work, const seam_reply *reply));
/* One more question to the model, with all that was said so far. */
void work_go_on(struct work *work);
/* Tells what the last question used, that had no answer: nothing if it was refused, and all that an
 * answer could have used if nobody knows. */
void work_spend_unanswered(struct work *work,
                           void (*then)(struct work *work, const seam_reply *reply));
/* The tools that the model asked for, and then the next question. */
void tools_begin(struct work *work);

/* ---- prompt.c ---- */

/* What the model is told before it says anything; false: there is no room for it. */
bool prompt_turns(struct work *work);
/* The system's part, with what the answer must be if the provider is not told it. */
void prompt_system(const struct work *work, struct words *into);
/* A new last turn, zeroed but for its kind; NULL if there were too many. */
struct turn *turn_add(struct work *work, enum turn_kind kind);
void turns_cut(struct work *work, size_t count);
/* NULL, or what is wrong with a template. */
const char *template_wrong(const char *text);

/* ---- The providers ---- */

struct dialect {
    const char *name, *base_url, *path;
    const char *key_header, *key_prefix; /* the header that takes the key */
    const char *version;                 /* of anthropic-version; NULL = none */
    const char *max_tokens;              /* what the limit of an answer is called */
    const char *lower_for;               /* whose rules schemas are lowered to; NULL = none */
    void (*write)(const struct work *work, seam_writer *out);
    void (*read)(struct said *said, seam_bytes json);
    void (*event)(struct said *said, seam_bytes data);
};
const struct dialect *dialect_find(seam_bytes name);
/* The schema that the provider is given, or absent: then the model is told in words. */
seam_bytes dialect_schema(const struct work *work);
void dialect_put_number(seam_writer *out, const char *key, seam_bytes number);
int64_t dialect_tokens(seam_bytes usage, const char *pointer);

void chat_write(const struct work *work, seam_writer *out);
void chat_read(struct said *said, seam_bytes json);
void chat_event(struct said *said, seam_bytes data);
void responses_write(const struct work *work, seam_writer *out);
void responses_read(struct said *said, seam_bytes json);
void responses_event(struct said *said, seam_bytes data);
void messages_write(const struct work *work, seam_writer *out);
void messages_read(struct said *said, seam_bytes json);
void messages_event(struct said *said, seam_bytes data);

/* ---- faults.c, answer.c ---- */

/* Ends the work, and frees it. */
void work_fail(struct work *work, seam_status status, const char *code, const char *message);
void work_fail_reply(struct work *work, const seam_reply *reply);
void work_fail_http(struct work *work, int status, seam_bytes body);
/* It is no answer of its provider's; `found` is all of it, absent if it is no text. */
void work_fail_malformed(struct work *work, const char *what, seam_bytes found);
/* An answer that is no output: false if it is one. */
bool work_fail_said(struct work *work);
/* Keeps the answer; with the last sample it ends the work. */
void answer_take(struct work *work);

#endif

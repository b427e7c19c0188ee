/* SPDX-License-Identifier: Apache-2.0
 *
 * An MCP server behind a plugin. From what is known of it to what is said to it:
 *
 *   settings.c  the configuration: where the server is, what the operator says of its tools
 *   pipe.c      a server that is a program: lines of JSON on its standard input and output
 *   chatter.c   what such a program prints beside them
 *   web.c       a server that is reached over HTTP: requests with answers, or streams of them
 *   session.c   which revision it speaks, and requests with their answers
 *   between.c   what it says between those
 *   schema.c    its schemas as contracts
 *   tools.c     its tools as agents
 *   ask.c       what it asks people for, in the middle of a tool's call
 *   listen.c    the stream on which a classic server asks beside its answers
 *   watch.c     that its tools are others, and who hears it when no call is under way
 *   call.c      a tool's call
 *   plugin.c    the plugin's table
 *
 * Nothing that a server says is believed: it is bounded, checked, and only ever data.
 */
#ifndef MCP_H
#define MCP_H

#include <seam/sdk.h>
#include <seam/secret.h>
#include <seam/sse.h>
#include <seam/stream.h>

#include <poll.h>
#include <pthread.h>
#include <sys/types.h>

enum {
    MESSAGE_MAXIMUM = 8 << 20,  /* bytes of one message of a server               */
    BACKLOG_MAXIMUM = 16 << 20, /* … of those that wait to be read by one call    */
    STREAM_MESSAGES = 100000,   /* messages that one request may bring            */
    TOOLS_MAXIMUM = 1000,       /* tools of a server                              */
    PAGES_MAXIMUM = 100,        /* pages of its list of them                      */
    NAME_MAXIMUM = 128,         /* bytes of a tool's name: the card's limit       */
    WORDS_MAXIMUM = 64,         /* of a command line, of an environment           */
    ANSWERS_KEPT = 64,          /* of people, for calls that will go on           */
    PROBE_MS = 5000,            /* for server/discover, where it may be unknown   */
    UNTIMED_MS = 30000,         /* for a request of a call without a deadline     */
    NOTICE_MS = 2000,           /* for what the server need not answer            */
    RESUMES_MAXIMUM = 16,       /* of one answer whose stream was closed          */
    RESUME_MS = 500,            /* before that, unless the server says …          */
    RESUME_MOST_MS = 60000,     /* … and at most                                  */
    CHATTER_BYTES = 700,        /* of a program's last words                      */
    CHATTER_MS = 200,           /* for them, once it has closed its output        */
    LISTEN_S = 5,               /* for the head of a stream of questions          */
    LISTEN_AGAIN_MS = 1000,     /* before a stream that was closed is opened anew … */
    LISTEN_LATEST_MS = 60000,   /* … and at most, after it was closed so often     */
    FIELDS_MAXIMUM = 256        /* of a question that have defaults               */
};

#define LIST_CHANGED "notifications/tools/list_changed"
#define MODERN       "2026-07-28"
#define CLASSIC      "2025-11-25"
#define TEXT_MAX     1024

/* Why something did not go on, in the words of a seam_reply. The first one stands. */
struct trouble {
    seam_status status; /* SEAM_OK = none */
    uint32_t effect, retry_after_ms;
    char code[64], text[TEXT_MAX];
};

bool trouble_set(struct trouble *trouble, seam_status status, uint32_t effect, const char *code,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* That of a host's answer. */
bool trouble_answer(struct trouble *trouble, const seam_answer *answer);

/* ---- settings.c ---- */

struct rule { /* the operator's own word on a tool */
    char *tool;
    uint32_t effect;
};

struct settings {
    char *command[WORDS_MAXIMUM + 1], *environment[WORDS_MAXIMUM + 1], *folder;
    char *url;
    char *headers[2 * WORDS_MAXIMUM + 1]; /* name, value, …; a value may have ${secret:NAME} */
    char *only[TOOLS_MAXIMUM + 1];        /* tools that are wanted; none = all */
    struct rule rules[TOOLS_MAXIMUM];
    size_t rule_count;
    bool trusts;   /* the server's annotations are believed */
    bool agrees;   /* questions are answered with their defaults, where they have all of them */
    char *version; /* the revision that it speaks, NULL = it is probed */
};

bool settings_read(struct settings *settings, seam_bytes config, struct trouble *trouble);
void settings_done(struct settings *settings);
bool settings_wants(const struct settings *settings, const char *tool);
const struct rule *settings_rule(const struct settings *settings, const char *tool);

/* ---- one request under way ---- */

/* Where the answers of a request come from. */
struct caller {
    const seam_host *host;
    seam_id id;
    uint64_t deadline_ns;
    char key[80]; /* of the call: its idempotency key; "" = it has none */
};

struct message {
    struct message *next;
    size_t len;
    char bytes[]; /* valid UTF-8, ended by NUL */
};

struct pipe;
struct waiting { /* somebody waits for messages of the program */
    struct waiting *next;
    uint64_t id;
    seam_id call;
    struct message *first, **end;
    size_t bytes, count;
    bool overflowed;
};

struct message *message_new(const char *bytes, size_t len);

/* ---- chatter.c ---- */

struct chatter {
    int fd;           /* the program's standard error; -1 = it is closed */
    char bytes[4096]; /* that were read, and are to go to the log */
    size_t len;
    char end[CHATTER_BYTES]; /* the last of all */
    size_t end_len;
};

void chatter_begin(struct chatter *chatter, int fd);
void chatter_done(struct chatter *chatter);
/* What must come before chatter_move() can do something. */
struct pollfd chatter_waits(const struct chatter *chatter);
void chatter_move(struct chatter *chatter);
/* The program has ended, or is about to: what it still says. */
void chatter_finish(struct chatter *chatter);
/* Its last words; borrowed. */
seam_bytes chatter_end(const struct chatter *chatter);

/* ---- pipe.c ---- */

struct pipe {
    struct server *server; /* told of lists that change */
    const seam_host *host;
    const struct settings *settings;
    pthread_mutex_t saying; /* one line at a time; taken after lock, if both are */
    pthread_mutex_t lock;
    pthread_cond_t news;
    /* guarded by lock */
    pid_t pid; /* 0 = there is no program */
    int to, from;
    uint64_t starts; /* how often it was started */
    bool ended;
    char reason[TEXT_MAX];  /* why it ended */
    struct chatter chatter; /* of the reader alone, while it reads */
    struct waiting *waiting;
    pthread_t reader;
    bool reads;
};

void pipe_init(struct pipe *pipe, struct server *server, const seam_host *host,
               const struct settings *settings);
void pipe_done(struct pipe *pipe);
/* It runs; if it had ended, it is started again. */
bool pipe_start(struct pipe *pipe, struct trouble *trouble);
/* One line to the program. */
bool pipe_say(struct pipe *pipe, seam_bytes message, struct trouble *trouble);
void pipe_wait_begin(struct pipe *pipe, struct waiting *waiting);
void pipe_wait_end(struct pipe *pipe, struct waiting *waiting);
/* The next message for that request, which the caller frees; NULL: trouble. */
struct message *pipe_next(struct pipe *pipe, struct waiting *waiting, const struct caller *caller,
                          uint64_t until_ns, struct trouble *trouble);
/* How many requests wait. */
size_t pipe_waiting(struct pipe *pipe);
/* Somebody's call was cancelled. */
void pipe_wake(struct pipe *pipe);

/* ---- web.c ---- */

struct web {
    const struct settings *settings;
    pthread_mutex_t lock;
    pthread_cond_t news; /* of listening */
    /* guarded by lock */
    char session[256];                /* of revisions that have sessions; "" = none */
    uint64_t losses;                  /* how often the server forgot one */
    struct listening *calls;          /* of tools, that are under way at a classic server */
    const struct listening *listener; /* who listens, one of them or the watch; NULL = nobody */
    const struct listening *asked;    /* of whose call a question is being answered by another */
    bool open;                        /* what it listens to */
    bool silent;                      /* the server has no stream of questions */
};

void web_init(struct web *web, const struct settings *settings);
void web_done(struct web *web);
/* The number of the session that is open, or to be opened, from 1. */
uint64_t web_start(struct web *web);

/* One POST, and what comes back. */
struct exchange {
    struct web *web;
    const struct caller *caller;
    seam_stream stream;
    seam_http_response whole;
    bool streams, events, over;
    bool resumes; /* a stream that was closed may be taken up again; so often it was … */
    size_t resumed;
    bool listens;        /* it is not an answer, but whatever the server has to say */
    const char *version; /* … by this one                                                     */
    char last[256];      /* the id of its last event; "" = it had none                        */
    char session[256];   /* that it named; "" = none */
    seam_sse sse;
    char *text; /* a whole body of JSON that was put together */
    size_t text_len, text_room, messages;
};

struct post {
    const char *method, *name; /* for the headers; name may be NULL */
    const char *version;       /* MCP-Protocol-Version, or NULL */
    const char *effect;        /* it changes the world: the name of its effect; NULL = it reads */
    const char *const *params; /* further headers: name, value, …, NULL; or NULL */
    uint32_t timeout_ms;       /* 0 = as long as the call may */
    seam_bytes body;
};

bool exchange_open(struct exchange *exchange, struct web *web, const struct caller *caller,
                   const struct post *post, struct trouble *trouble);
/* A GET for what the server says by itself, from after the event of that id on (NULL = any); false:
 * there is no such stream. */
bool exchange_listen(struct exchange *exchange, struct web *web, const struct caller *caller,
                     const char *version, const char *last, struct trouble *trouble);
/* The next message; NULL without trouble: there is none. The caller frees. */
struct message *exchange_next(struct exchange *exchange, struct trouble *trouble);
int exchange_status(const struct exchange *exchange);
void exchange_close(struct exchange *exchange);

/* ---- session.c ---- */

enum revision { UNKNOWN_REVISION, REVISION_MODERN, REVISION_CLASSIC };

struct kept_answer {
    char key[80], question[65];
    char *answer; /* JSON */
};

/* What is known of changes of the list of tools. */
struct watch {
    pthread_mutex_t lock;
    /* guarded by lock */
    seam_id call;    /* that is to be told of the next; 0 = none is under way */
    bool news;       /* there was one since it was told */
    bool stale;      /* the list must be looked at before a tool is called */
    uint64_t listed; /* a digest of what was listed last */
    /* of watch_start and watch_done */
    pthread_t thread;
    bool runs;
};

struct server {
    const seam_host *host;
    struct settings settings;
    struct trouble wrong; /* with them: nothing is begun */
    struct pipe pipe;
    struct web web;
    struct watch watch;
    pthread_mutex_t lock; /* of what follows */
    enum revision revision;
    char version[32];    /* that a classic one chose */
    bool tells;          /* it tells when its tools are others */
    uint64_t greeted;    /* the start of the program, or session, that was greeted last, from 1 */
    uint64_t subscribed; /* the start of the program that was asked to tell */
    struct tool *tools;  /* what was described */
    size_t tool_count;
    struct kept_answer kept[ANSWERS_KEPT];
    size_t kept_next;
    uint64_t next_id;
};

/* What a request brought. */
struct outcome {
    struct message *message; /* holds result */
    seam_bytes result;
};
void outcome_done(struct outcome *outcome);

struct request {
    const char *method, *name;
    seam_bytes params;  /* an object, without _meta */
    const char *effect; /* see struct post */
    const char *const *params_headers;
    bool progress;         /* told to whoever watches */
    struct asking *asking; /* what the server may ask in between; NULL = nothing */
};

/* Finds out which revision the server speaks, once; a program that was started again is greeted
 * again. */
bool session_open(struct server *server, const struct caller *caller, struct trouble *trouble);
bool session_ask(struct server *server, const struct caller *caller, const struct request *request,
                 struct outcome *outcome, struct trouble *trouble);

/* The same for a stream that has no end; false: there is none. exchange_close, in any case. */
bool session_subscribe(struct server *server, const struct caller *caller,
                       struct exchange *exchange, struct trouble *trouble);

/* A message to which there is no answer. */
void session_say(struct server *server, const struct caller *caller, bool modern, seam_bytes body);

/* ---- between.c ---- */

/* The report of a call, to whoever watches, as a line: "half-way (1 of 2)". */
void between_progress(const struct caller *caller, seam_bytes all);
/* A request of the server. Only people are asked, by who may ask: false: one must be asked first.
 */
bool between_answer(struct server *server, const struct caller *caller, struct asking *asking,
                    seam_bytes all, struct trouble *trouble);
/* A message that came beside the answers of requests. What is asked of people is put to `asking`,
 * NULL = nobody can be asked; the server gets an answer in any case. */
void session_hear(struct server *server, const struct caller *caller, seam_bytes message,
                  struct asking *asking, struct trouble *trouble);

/* ---- schema.c ---- */

/* A copy, without what means nothing; NULL: it is no object, too deep, or refers elsewhere. */
char *schema_take(seam_bytes schema);

/* ---- tools.c ---- */

struct param { /* x-mcp-header: an argument that goes into a header, too */
    char *property, *header;
};

struct tool {
    char *name, *summary;
    char *input, *output; /* schemas; output NULL = it declares none */
    uint32_t effect, flags;
    bool changed; /* guarded by watch.lock: the server says another thing of it now */
    struct param *params;
    size_t param_count;
};

/* lenient: what cannot be an agent is left out, and no reason to refuse the others. */
bool tools_list(struct server *server, const struct caller *caller, bool lenient,
                struct tool **ret_tools, size_t *ret_count, struct trouble *trouble);
void tools_free(struct tool *tools, size_t count);
/* {"agents": […]} */
bool tools_write(const struct tool *tools, size_t count, seam_writer *out, struct trouble *trouble);
const struct tool *tools_find(const struct tool *tools, size_t count, seam_bytes name);

/* ---- ask.c ---- */

/* People's answers for one call, and the next question that has none. */
struct asking {
    struct server *server;
    const struct caller *caller;
    pthread_mutex_t lock;
    /* guarded by lock */
    seam_bytes feedback; /* what a person said to the last question; absent = nothing yet */
    bool used;
    bool over;               /* the call ends: nothing is asked any more */
    char *question, *schema; /* that is to be asked; NULL = none */
};

void asking_init(struct asking *asking, struct server *server, const struct caller *caller,
                 seam_bytes feedback);
void asking_done(struct asking *asking);
/* From now on nothing is asked, and what was stays as it is. */
void asking_stop(struct asking *asking);
/* Answers one request of the server as {"action", …}, into `out` under that key; false: a person
 * must be asked first, or trouble says why it cannot be. */
bool asking_answer(struct asking *asking, const char *key, seam_bytes method, seam_bytes params,
                   seam_writer *out, struct trouble *trouble);

/* ---- listen.c ---- */

/* Of one call, from before the tool is called until after the call has ended. */
struct listening {
    struct listening *next; /* of web.calls */
    struct server *server;
    const struct caller *caller;
    struct asking *asking;
    struct trouble trouble; /* of the thread, until asking_stop() */
    bool counts, runs, reads;
    bool over; /* guarded by web.lock: its call was completed */
    pthread_t thread;
};

void listen_begin(struct listening *listening, struct server *server, const struct caller *caller,
                  struct asking *asking, bool reads);
/* The tool has answered: false, if a person must be asked first. */
bool listen_settle(struct listening *listening, struct trouble *trouble);
/* After the call was completed. */
void listen_end(struct listening *listening);

/* The watch's: waits until nobody else listens, and listens; false: it is over. */
bool listen_take(struct listening *listening);
void listen_open(struct web *web, bool open, bool silent);
/* What came on the stream of whoever listens. */
void listen_hear(struct listening *listening, seam_bytes message);
void listen_leave(struct web *web);

/* ---- watch.c ---- */

void watch_init(struct watch *watch);
void watch_done(struct server *server);
/* The server says that its tools are others. */
void watch_changed(struct server *server);
/* They may be, for it was started again. */
void watch_doubt(struct server *server);
/* What was listed is what is known. */
void watch_listed(struct server *server, const struct tool *tools, size_t count);
/* The tools are looked at if they may be others; false: this one is, or it cannot be said. */
bool watch_look(struct server *server, const struct caller *caller, const struct tool *tool,
                struct trouble *trouble);
/* seam.watch/1 */
seam_status watch_start(void *self, const seam_call *call);
void watch_cancel(struct server *server, seam_id call);

/* ---- call.c ---- */

seam_status call_tool(struct server *server, const struct tool *tool, const seam_call *call);

#endif

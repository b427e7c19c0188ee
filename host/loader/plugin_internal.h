/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin as its owner holds it.
 *
 *   loading → creating    its table came and equals the card        [hear TABLE]
 *   creating → serving    create() said OK: ready()                 [hear READY]
 *   creating → describing … and its agents stand in its configuration
 *   describing → serving  it named them, the same as ever: ready()  [described_end]
 *   before serving → refused      it cannot be used: ready(err)     [plugin_refuse]
 *   any → dying           its worker was killed, or closed its end  [plugin_kill]
 *   any → ended           its worker is reaped: calls end, down()   [reap]
 *
 * In this process nothing can be killed: refused is the end, calls that hang are abandoned.
 */
#ifndef LOADER_PLUGIN_INTERNAL_H
#define LOADER_PLUGIN_INTERNAL_H

#include "loader/calls_internal.h"
#include "loader/link_internal.h"
#include "loader/loader.h"
#include "loader/log_lines_internal.h"
#include "loader/worker_internal.h"

enum plugin_stage {
    STAGE_LOADING,
    STAGE_CREATING,
    STAGE_DESCRIBING,
    STAGE_SERVING,
    STAGE_REFUSED,
    STAGE_DYING,
    STAGE_ENDED,
};

struct declared_agent { /* as the card says; index: in the plugin's own table */
    char *name;
    uint32_t effect, flags, index;
    bool found;
    char *lost; /* how what it says now is not what was accepted; NULL = it is */
};

struct plugin {
    struct plugin_handlers handlers;
    void *user;
    char *path, *id, *version; /* of the card */
    uint32_t abi_minor;
    struct declared_agent *agents; /* one more than agent_count: its extensions' */
    uint32_t agent_count, listed;
    bool from_config;    /* its agents stand in its configuration */
    uint64_t describing; /* the call that asks for them; 0: none is under way */
    uint64_t watching;   /* the call that tells when they change; the same */
    json_t *described;   /* what they were when it was approved; NULL = nobody has asked yet */
    json_t *said;        /* what it said, once it serves */
    char *config;
    size_t config_len, payload;
    int max_concurrency;
    int64_t grace_ns;

    enum plugin_stage stage;
    struct error *refusal; /* the first thing that is wrong with its table */
    struct calls calls;
    struct link link;
    struct worker worker; /* pid 0: in this process, or gone */
    struct sandbox_report sandbox;
    struct log_lines lines;
    enum plugin_fault fault;
    bool confined;    /* its worker has said how: sandbox */
    pthread_t thread; /* in this process …                                          */
    int thread_ends;  /* … and what is readable when it has come to its end         */
    bool in_process, in_dispatch, free_later;
    bool stopped;             /* it was told to end */
    uint32_t wants;           /* events of its socket that are waited for */
    bool deaf;                /* it is not listened to any more */
    bool broke_abi;           /* it died of what it sent */
    bool cut;                 /* it closed its end of the socket */
    char *death;              /* why it was killed; NULL: it was not */
    int64_t load_due_ns;      /* 0: it is loaded */
    int64_t describe_ns;      /* how long it may be asked for its agents */
    int64_t output_due_ns;    /* when its output is read again; 0: it is read */
    int64_t output_window_ns; /* until then … */
    size_t output_bytes;      /* … it has printed so much */
    size_t requests;          /* handed on and not answered */
    int64_t cut_due_ns;       /* when it must be dead that closed its end; 0: it did not */
    int64_t timer_ns;         /* what the timer is set to; 0: nothing */
    int epoll, timer;
    uint64_t total, stale, crashes, abandoned;
};

int64_t clock_ns(void);

/* plugin.c */
/* Makes sure that what was put into link.out is sent soon. */
void plugin_kick(struct plugin *p);
/* It cannot be used: tells ready(), ends what waits, and the worker. */
void plugin_refuse(struct plugin *p, const struct error *err);
/* Ends a call, of which result says all but the id and perhaps the reason. The slot is free when
 * completed() runs. */
void plugin_end_call(struct plugin *p, struct call *c, struct call_result *result);
/* Waits for fd, or for what the guest sends, which is thrown away; false when the time is over. */
bool plugin_wait_for(struct plugin *p, int fd, int64_t until_ns);
/* How many calls of agents are under way. */
size_t plugin_at_work(const struct plugin *p);
/* SIGKILL; the calls end when it is reaped. In this process: they end now, abandoned. */
void plugin_kill(struct plugin *p, const char *format, ...) PRINTF_LIKE(2, 3);

/* It printed; or the time is over for which it had printed too much. */
void plugin_read_output(struct plugin *p);

/* ladder.c: what time and death do to calls */
void ladder_stop_call(struct plugin *p, struct call *c); /* CANCEL, and the grace begins */
/* Logs how many of its lines did not pass, if it is time to; at_end: whatever there is. */
void ladder_tell_dropped(struct plugin *p, int64_t now_ns, bool at_end);
void ladder_expire(struct plugin *p, int64_t now_ns);
int64_t ladder_next_ns(struct plugin *p); /* 0: nothing is due */
void ladder_end_all(struct plugin *p, const char *how);
/* Sends a new call, or puts it in line. */
void ladder_send_or_wait(struct plugin *p, struct call *c, const struct slice parts[CALL_PARTS]);
/* Of an agent that is lost: the next dispatch ends it. */
void ladder_refuse(struct plugin *p, struct call *c);
/* Sends calls from the line while there is room. */
void ladder_admit(struct plugin *p);

/* hear.c: what the guest says */
/* Obeys the frames that have come, some at a time. */
enum received hear_some(struct plugin *p);
/* A line of a plugin's log. */
void hear_text(struct plugin *p, uint64_t call, uint32_t level, struct slice text);

/* declared.c: the table that was loaded against the card that was accepted */
void declared_add(struct plugin *p, const struct frame *agent);
WARN_UNUSED enum error_code declared_check(struct plugin *p, const struct frame *table,
                                           struct error *reterr);

/* described.c: agents that stand in the configuration */
/* Tells the guest of those that are known. */
void described_tell(struct plugin *p);
/* Asks for them; when they come, and are as known, it serves. */
void described_ask(struct plugin *p);
/* That call has ended; its slot is free. */
void described_end(struct plugin *p, const struct call_result *result);
/* The call that tells when they change has ended. */
void described_change(struct plugin *p, const struct call_result *result);
void plugin_serve(struct plugin *p);

/* in_process.c */
WARN_UNUSED enum error_code in_process_start(struct plugin *p, int library, struct error *reterr);
void in_process_stop(struct plugin *p); /* waits for the grace */

#endif

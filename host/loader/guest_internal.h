/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest: the side on which the plugin's code runs, the same in a worker process and in the
 * host's. Its loop takes frames, makes the calls of agents that never block, and is the plugin's
 * [loader] thread too; its pool makes the calls of the others. A call is a slot in a table, named
 * by the host's id, from CALL to its end; a request is one from request() until its answer ran.
 *
 * The lock is never held while the plugin's code runs.
 */
#ifndef LOADER_GUEST_INTERNAL_H
#define LOADER_GUEST_INTERNAL_H

#include "loader/guest.h"
#include "loader/transport_internal.h"

#include <seam/plugin.h>
#include <stdatomic.h>

enum { GUEST_NONE = -1 };

/* A call that waits for a thread, with its own copy of the host's bytes. */
struct job {
    struct job *next;
    uint64_t id, deadline_ns;
    uint32_t agent, attempt;
    struct slice parts[FRAME_PARTS];
    char bytes[];
};

struct guest_call { /* id 0: the slot is free */
    uint64_t id, deadline_ns;
    int32_t first_request; /* GUEST_NONE */
    int32_t thread;        /* of the pool, that runs its start(); GUEST_NONE */
    bool cancelled, queued;
};

struct guest_thread {
    pthread_t thread;
    struct guest *guest;
    uint64_t ended_ns; /* when the call ended that it still runs; 0: it has not, or none does */
};

/* A thread that waits in request_wait, on its stack. */
struct guest_wait {
    pthread_cond_t answered;
    bool done;
    int32_t status;
    uint32_t effect, retry_after_ms;
    struct slice body, code;
    char *copy; /* of both */
};

struct guest_request { /* id 0: the slot is free */
    uint64_t id, call;
    seam_reply_fn answer;
    void *user;
    struct guest_wait *wait; /* NULL: the answer runs on the loop */
    int32_t next;            /* of the same call; of the orphans; or free */
};

struct guest_agent {
    const char *name;
    char *learned;    /* the name, if it stands in no table but in the configuration */
    bool nonblocking; /* loop only */
};

struct guest {
    struct seam_host host; /* its ctx is the guest */
    struct transport *transport;
    pthread_t loop;
    int wake; /* event: something for the loop to look at */

    /* set by the loop before the first call, then constant */
    const seam_plugin *table;
    void *self;
    const struct seam_describe *describe; /* NULL: it has none */
    const struct seam_watch *watch;       /* the same          */
    struct guest_agent *agents;
    uint32_t agent_count;
    size_t payload;
    int max_threads;

    /* the loop's */
    struct buffer in;
    bool in_batch, has_unsent;

    atomic_uint stale; /* not yet told */
    struct guest *next_retired;

    pthread_mutex_t lock;
    /* guarded by lock */
    struct guest_call *calls;
    size_t call_room, active;
    struct guest_request *requests;
    size_t request_room;
    int32_t free_request, orphans; /* orphans: of calls that have ended; the loop answers them */
    uint64_t request_count;
    bool stopping;
    uint64_t log_second; /* the second in which log_lines were logged */
    unsigned log_lines, log_dropped;

    struct job *first_job, **last_job;
    struct guest_thread *threads;
    int thread_count, idle, job_count;
    bool pool_closing;
    pthread_cond_t job_came;
};

/* guest.c: from LOAD to STOPPED */
struct guest *guest_new(struct transport *transport);
/* Runs the loop until STOP has been obeyed (true) or the host is gone (false). */
bool guest_run(struct guest *g, const struct guest_site *site);
/* After the loop: frees all but what a plugin's stray thread could still touch. */
void guest_retire(struct guest *g);
void guest_send(struct guest *g, const struct frame *frame);

/* guest_calls.c: the tables, and what the host asks of them */
struct guest_call *guest_call_find(struct guest *g, uint64_t id); /* holds lock */
void guest_take_call(struct guest *g, const struct frame *frame);
void guest_cancel(struct guest *g, uint64_t id);
void guest_cancel_all(struct guest *g);
/* Ends a call by a frame; false if there was none: then the frame is not sent, but counted. */
bool guest_end_call(struct guest *g, const struct frame *frame);
void guest_start_agent(struct guest *g, const struct job *job);

/* guest_requests.c */
void guest_take_answer(struct guest *g, const struct frame *frame);
void guest_cancel_requests(struct guest *g, uint64_t call);
void guest_answer_orphans(struct guest *g);
void guest_orphan_requests(struct guest *g, struct guest_call *c); /* holds lock */
seam_status guest_request(const struct seam_host *host, seam_id id, const char *op, seam_bytes body,
                          seam_reply_fn answer, void *user);
seam_status guest_request_wait(const struct seam_host *host, seam_id id, const char *op,
                               seam_bytes body, seam_reply_fn answer, void *user);

/* guest_host.c: the table of services */
void guest_host_init(struct guest *g);
void guest_breach(struct guest *g, uint64_t call, const char *format, ...) PRINTF_LIKE(3, 4);
uint64_t monotonic_ns(void);
void guest_tell_dropped(struct guest *g, unsigned dropped);
void guest_log(struct guest *g, uint64_t call, uint32_t level, struct slice text);

/* guest_pool.c */
void pool_add(struct guest *g, struct job *job); /* takes the job over */
bool pool_remove(struct guest *g, uint64_t id);  /* holds lock; frees the job */
bool pool_is_stuck(struct guest *g);             /* holds lock */
void pool_close(struct guest *g);                /* waits for its threads */

#endif

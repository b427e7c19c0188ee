/* SPDX-License-Identifier: Apache-2.0
 *
 * seam dev, from the inside: one host that stays, a library that is watched, and a prompt.
 *
 *   dev.c         opening, closing, and what the host tells
 *   dev_reload.c  what is watched, and what follows from a change
 *   dev_prompt.c  what the author types, or a script says
 *   dev_calls.c   calls of agents and runs of the flow
 *   dev_tell.c    all that is printed, as text or as a line of JSON each
 */
#ifndef CLI_DEV_INTERNAL_H
#define CLI_DEV_INTERNAL_H

#include "cli/cli_internal.h"

#include "conformance/conformance.h"

#include <sys/stat.h>
#include <uv.h>

enum { DEV_WATCHED = 3, DEV_LINES = 8, DEV_LINE = 400, DEV_SIGNALS = 2 };

enum dev_kind { DEV_LIBRARY, DEV_MANIFEST, DEV_FLOW };

/* A file that is watched, by its folder. */
struct dev_watched {
    struct dev *dev;
    enum dev_kind kind;
    char *path, *folder; /* NULL = there is none to watch */
    struct stat seen, last;
    int64_t told_ns; /* that it is not whole yet; 0 = it was not */
    uv_fs_event_t event;
};

/* What is called again after a reload. */
struct dev_request {
    char *agent; /* as flows name it; NULL = the flow itself */
    json_t *input;
};

/* Something that has begun and has not ended. */
struct dev_open {
    struct dev_open *next;
    char *key, *label, *op;
    int64_t at_ns;
};

struct dev {
    const struct args *args;
    struct roster *first, *roster; /* of now; the first is ours, those after it the host's */
    struct host *host;
    uv_loop_t *loop;
    char *library, *alias, *manifest;
    int manifest_fd; /* of a manifest made here; -1 = it is the author's */
    const char *flow;
    char *worker;
    struct dev_watched watched[DEV_WATCHED];
    uv_timer_t look, turn;
    uv_signal_t signals[DEV_SIGNALS];
    /* reloading */
    struct roster *coming;
    int64_t reload_ns; /* when it began */
    bool busy_told;
    size_t outcomes, waited; /* reloads that came to an end; those that the script waited for */
    bool settled_first;      /* the first generation is up, or was told that it is not */
    /* calls */
    size_t numbers, open, failed; /* given; under way; that did not end well */
    bool told_failure;            /* of the attempt that ended last, in words */
    size_t cancelled;             /* all up to that number */
    struct dev_request last;
    struct dev_open *begun; /* starts, by "run path"                  */
    struct dev_open *asked; /* requests for services, by "plugin number" */
    json_t *letters;        /* [run, message] for runs that ask a person: nobody is there */
    /* the last lines that the plugin logged */
    char *lines[DEV_LINES];
    size_t line_count;
    char *complaint; /* the last one; it is not told twice in a row */
    /* the prompt */
    bool terminal, prompting, at_end, quitting, waiting;
    int interrupted;
    uv_poll_t poll;
    bool polling;
    struct text typed;
};

/* ---- dev_reload.c ---- */

void dev_watch(struct dev *dev);
void dev_unwatch(struct dev *dev);

/* ---- dev_calls.c ---- */

/* Takes the request. */
void dev_call(struct dev *dev, struct dev_request *request_taken);
void dev_again(struct dev *dev, bool by_hand);
void dev_cancel_all(struct dev *dev, const char *why);
/* The agent by its name of the card or as flows name it; else it is told what there are. */
const struct agent *dev_agent(struct dev *dev, struct slice name);
void dev_forget(struct dev_open **list);
void dev_request_done(struct dev_request *request);
void dev_recorded(void *user, const struct run *run, const struct event *event,
                  const struct decisions *decisions);
void dev_settled(void *user, const struct run *run);
void dev_asked(void *user, const struct run *run, uint32_t task, const char *plugin,
               uint64_t request, struct slice op, struct slice body);
void dev_answered(void *user, const char *plugin, uint64_t request,
                  const struct plugin_answer *answer);

/* ---- dev_prompt.c ---- */

WARN_UNUSED enum error_code dev_listen(struct dev *dev, struct error *reterr);
void dev_deaf(struct dev *dev);
/* The next lines, if a script may go on. */
void dev_read_on(struct dev *dev);

/* ---- dev.c ---- */

/* Whatever waits for the loop to be free is looked at. */
void dev_soon(struct dev *dev);
int64_t dev_now_ns(void);
const struct roster_plugin *dev_plugin(const struct dev *dev, const struct roster *roster);
/* What holds for the card is shown: its agents if they are new, the kit's first level, what was not
 * granted. */
void dev_show_card(struct dev *dev, const struct roster *roster, bool agents);

void dev_forget_lines(struct dev *dev);

/* ---- dev_tell.c ---- */

/* A line of JSON of that event; takes the fields. */
void dev_emit(struct dev *dev, const char *event, json_t *fields_taken);
/* A line for people, over the prompt. */
void dev_say(struct dev *dev, enum colour colour, const char *format, ...) PRINTF_LIKE(3, 4);
/* Before something is printed by others. */
void dev_clear(struct dev *dev);
void dev_prompt(struct dev *dev);
/* The same as an event with its text; complaints are for people. */
void dev_note(struct dev *dev, const char *event, enum colour colour, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* JSON on one line, cut where it is long; the caller frees. */
char *dev_short(const json_t *value);
char *dev_took(int64_t ns);

#endif

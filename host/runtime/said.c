/* SPDX-License-Identifier: Apache-2.0
 *
 * What agents say while they work (`emit`), for whoever watches. It is provisional: only an output
 * counts, so nothing of it is journaled, logged, or given to another agent; an attempt that is made
 * again says it again.
 *
 * It is told as text that is fit to be shown, without secrets, though a secret may come in pieces.
 * It is told a few times a second, and the last of it before the call ends. What does not fit is
 * lost from its front and counted: of each call so much is kept, and of all of them, and so much is
 * told at a time. Where nobody hears it, no more is done than secrets need.
 */
#include "runtime/said_internal.h"

#include "base/shown.h"

#include <stdlib.h>
#include <string.h>

struct saying {
    struct saying *next, **back; /* of those that have something to be told; back NULL = it is not
                                    among them */
    struct live_call *call;
    struct text held; /* as it came: what more of it could make a secret of */
    struct text fit;  /* to be told */
    uint64_t lost;    /* bytes before that */
};

/* What it costs to tell a piece, in bytes of its text. */
enum { TELLING = 256 };

/* ---- who is to be told of ---- */

static void leave(struct saying *saying)
{
    struct speakers *speakers = &saying->call->live->host->speakers;
    if (!saying->back)
        return;
    if (saying->next)
        saying->next->back = saying->back;
    else
        speakers->end = saying->back;
    *saying->back = saying->next;
    saying->back = NULL;
    speakers->bytes -= saying->fit.len;
}

static void forget(struct saying *saying)
{
    leave(saying);
    text_done(&saying->fit);
    text_init(&saying->fit, SIZE_MAX / 2);
    saying->lost = 0;
}

static void tell(struct saying *saying, bool more)
{
    const struct live_call *call = saying->call;
    const struct host_options *options = &call->live->host->options;
    struct said said = {.task = call->task,
                        .attempt = call->attempt,
                        .text = {text_str(&saying->fit), saying->fit.len},
                        .lost = saying->lost,
                        .more = more};
    options->said(options->user, call->live->run, &said);
}

static void tell_some(struct timer *timer);

static void arm(struct host *host)
{
    if (host->speakers.armed || !host->speakers.first)
        return;
    host->speakers.armed = true;
    timer_start(&host->speakers.timer, tell_some, SAID_MS);
}

static void tell_some(struct timer *timer)
{
    struct host *host = timer->host;
    struct speakers *speakers = &host->speakers;
    speakers->armed = false;
    for (size_t told = 0; speakers->first && told < LIMIT_SAID_AT_ONCE;) {
        struct saying *saying = speakers->first;
        told += saying->fit.len + TELLING;
        leave(saying);
        tell(saying, speakers->first && told < LIMIT_SAID_AT_ONCE);
        forget(saying);
    }
    arm(host);
}

void speakers_open(struct host *host)
{
    host->speakers.end = &host->speakers.first;
    timer_init(&host->speakers.timer, host, NULL);
}

void speakers_close(struct host *host)
{
    timer_stop(&host->speakers.timer);
}

/* ---- what is kept of it ---- */

/* The first place from there on at which a character begins. */
static size_t boundary(struct slice text, size_t at)
{
    while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80)
        at++;
    return at;
}

static void lose_front(struct saying *saying, size_t least)
{
    struct text *fit = &saying->fit;
    size_t gone = boundary(text_slice(fit), least < fit->len ? least : fit->len);
    fit->len -= gone;
    memmove(fit->ptr, fit->ptr + gone, fit->len + 1); /* and its NUL */
    saying->lost += gone;
}

static void keep(struct saying *saying, struct slice text)
{
    struct host *host = saying->call->live->host;
    struct speakers *speakers = &host->speakers;
    if (text.len == 0)
        return;
    bool waits = saying->back != NULL;
    if (waits)
        speakers->bytes -= saying->fit.len;
    if (saying->fit.len > 0 && speakers->bytes + saying->fit.len + text.len > LIMIT_SAID_ALL)
        lose_front(saying, saying->fit.len);
    if (speakers->bytes + text.len > LIMIT_SAID_ALL) {
        saying->lost += text.len;
    } else {
        shown_lines(text, &saying->fit);
        if (saying->fit.len > LIMIT_SAID)
            lose_front(saying, saying->fit.len - LIMIT_SAID);
    }
    speakers->bytes += saying->fit.len;
    if (waits)
        return;
    saying->next = NULL;
    saying->back = speakers->end;
    *speakers->end = saying;
    speakers->end = &saying->next;
}

static struct saying *saying_of(struct live_call *call)
{
    if (call->saying)
        return call->saying;
    struct saying *saying = call->saying = xcalloc(1, sizeof(*saying));
    saying->call = call;
    text_init(&saying->held, SIZE_MAX / 2);
    text_init(&saying->fit, SIZE_MAX / 2);
    return saying;
}

/* The next piece goes to whoever listens, or was only looked at for secrets. */
static void hear(struct saying *saying, struct slice piece, bool last, bool heard)
{
    AUTO(text_done) struct text clean;
    text_init(&clean, SIZE_MAX / 2);
    text_add(&saying->held, piece.ptr, piece.len);
    vault_filter(saying->call->live->host->vault, &saying->held, last, &clean);
    if (heard)
        keep(saying, text_slice(&clean));
}

static bool is_heard(const struct live_call *call)
{
    const struct host_options *options = &call->live->host->options;
    return options->hears && options->hears(options->user, call->live->run);
}

void said_hear(struct live_call *call, struct slice chunk)
{
    struct host *host = call->live->host;
    bool heard = is_heard(call), secrets = !vault_empty(host->vault);
    if (!heard && call->saying)
        forget(call->saying);
    if (!heard && !secrets)
        return;
    struct saying *saying = saying_of(call);
    size_t from = 0;
    if (!secrets && saying->held.len == 0 && chunk.len > LIMIT_SAID) {
        from = boundary(chunk, chunk.len - LIMIT_SAID);
        saying->lost += from;
    }
    while (from < chunk.len) {
        size_t most = chunk.len - from < LIMIT_SAID ? chunk.len : from + LIMIT_SAID;
        size_t end = boundary(chunk, most);
        hear(saying, (struct slice){chunk.ptr + from, end - from}, false, heard);
        from = end;
    }
    arm(host);
}

void said_last(struct live_call *call)
{
    struct saying *saying = call->saying;
    if (!saying || !is_heard(call))
        return;
    hear(saying, (struct slice){"", 0}, true, true);
    if (!saying->back)
        return;
    leave(saying);
    tell(saying, true);
    forget(saying);
}

void said_drop(struct live_call *call)
{
    struct saying *saying = TAKE(call->saying);
    if (!saying)
        return;
    forget(saying);
    text_done(&saying->held);
    free(saying);
}

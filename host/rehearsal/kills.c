/* SPDX-License-Identifier: Apache-2.0
 *
 * Killing: a case is run in a process of its own, which is killed by SIGKILL at one of its edges,
 * and is then taken up by another process until it is over; or by one that is killed as well, and
 * then by a third. The journal and the world's ledger are files, so what is on disk is what a
 * killed host leaves behind. Edges come in the same order in each run of a case, for its time and
 * its chance are its own.
 *
 *   a record is made           it is lost with the host, unless something had it written
 *   a record is on disk        nothing that follows from it was carried out
 *   a call begins, answers     … or was carried out, and nobody has heard
 *   an effect is on disk, and has not left; has left, and nobody has heard
 */
#include "rehearsal/rehearsal_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALARM_SECONDS = 120 };

/* ---- counting ---- */

static bool name_edge(void *user, const char *what)
{
    json_array_append_new(user, json_string(what));
    return false;
}

enum error_code rehearse_edges(const struct rehearsal *rehearsal, json_t **ret_result,
                               json_t **ret_edges, struct error *reterr)
{
    struct rehearsal counted = *rehearsal;
    json_t *edges = json_array();
    counted.edge = name_edge;
    counted.user = edges;
    counted.record = NULL;
    counted.log = NULL;
    counted.truthful = true;
    enum error_code code = rehearse(&counted, ret_result, reterr);
    if (code == ERR_OK)
        *ret_edges = edges;
    else
        json_decref(edges);
    return code;
}

/* ---- processes ---- */

/* A process of its own ends with a signal, with the one that made it, and in any case. */
static void be_mortal(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(ALARM_SECONDS);
}

static bool count_down(void *user, const char *what)
{
    size_t *left = user;
    (void)what;
    return --*left == 0;
}

static _Noreturn void be_killed(const struct rehearsal *rehearsal, size_t at)
{
    struct rehearsal doomed = *rehearsal;
    json_t *result = NULL;
    doomed.edge = count_down;
    doomed.user = &at;
    enum error_code code = rehearse(&doomed, &result, NULL);
    _exit(code == ERR_OK ? 0 : 1);
}

static _Noreturn void tell_parent(int fd, const json_t *result, const json_t *edges,
                                  const struct error *err)
{
    json_t *told = result ? json_pack("{s:O, s:O}", "result", result, "edges", edges)
                          : json_pack("{s:s}", "error", err->text);
    if (json_dumpfd(told, fd, JSON_COMPACT) != 0)
        _exit(1);
    _exit(0);
}

static _Noreturn void take_up(const struct rehearsal *rehearsal, int fd)
{
    struct rehearsal resumed = *rehearsal;
    struct error err;
    json_t *result = NULL;
    json_t *edges = json_array();
    resumed.resumed = true;
    resumed.edge = name_edge;
    resumed.user = edges;
    enum error_code code = rehearse(&resumed, &result, &err);
    tell_parent(fd, code == ERR_OK ? result : NULL, edges, &err);
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* What the process that took it up says; NULL if it says nothing. */
static json_t *listen(int fd)
{
    AUTO(text_done) struct text text;
    char bytes[65536];
    ssize_t got;
    json_t *told = NULL;
    text_init(&text, SIZE_MAX / 2);
    while ((got = read(fd, bytes, sizeof(bytes))) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            text_add(&text, bytes, (size_t)got);
    return json_read_own(text_slice(&text), &told, NULL) == ERR_OK ? told : NULL;
}

static enum error_code resume(const struct rehearsal *rehearsal, json_t **ret_result,
                              json_t **ret_edges, struct error *reterr)
{
    int ends[2];
    if (pipe(ends) != 0)
        return error_set_errno(reterr, errno, "a pipe");
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_mortal();
        take_up(rehearsal, ends[1]);
    }
    close(ends[1]);
    AUTO(json_decrefp) json_t *told = child > 0 ? listen(ends[0]) : NULL;
    close(ends[0]);
    if (child < 0)
        return error_set_errno(reterr, errno, "another process");
    int status = wait_for(child);
    const json_t *error = json_object_get(told, "error");
    if (error)
        return error_set(reterr, ERR_INTERNAL, "it cannot be resumed: %s",
                         json_string_value(error));
    if (!told || WIFSIGNALED(status))
        return error_set(reterr, ERR_INTERNAL, "the host that took it up %s",
                         WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                             ? "did not come to an end"
                             : "died: a fault of Seam, which is worth a report");
    *ret_result = json_incref(json_object_get(told, "result"));
    if (ret_edges)
        *ret_edges = json_incref(json_object_get(told, "edges"));
    return ERR_OK;
}

/* A host that is killed there. One that takes a run up may come to its end before: how much it has
 * to do follows from how far the disk was when the first one was killed. */
static enum error_code kill_at(const struct rehearsal *rehearsal, size_t at, struct error *reterr)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return error_set_errno(reterr, errno, "another process");
    if (child == 0) {
        be_mortal();
        be_killed(rehearsal, at);
    }
    int status = wait_for(child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return ERR_OK;
    return error_set(reterr, WIFSIGNALED(status) ? ERR_INTERNAL : ERR_NOT_FOUND,
                     "the host%s %s before it came to its edge %zu",
                     rehearsal->resumed ? " that took it up" : "",
                     WIFSIGNALED(status) ? "died" : "was done", at);
}

enum error_code rehearse_killed(const struct rehearsal *rehearsal, size_t at, size_t again,
                                bool exact, json_t **ret_result, json_t **ret_edges,
                                struct error *reterr)
{
    struct rehearsal truthful = *rehearsal;
    truthful.truthful = true;
    truthful.record = NULL;
    truthful.log = NULL;
    enum error_code code = kill_at(&truthful, at, reterr);
    truthful.resumed = true;
    if (code == ERR_OK && again)
        code = kill_at(&truthful, again, reterr);
    if (code == ERR_NOT_FOUND && truthful.resumed && again && !exact)
        code = ERR_OK;
    return code == ERR_OK ? resume(&truthful, ret_result, ret_edges, reterr) : code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces that a process enters by itself, while its host goes on with other things. Each is
 * entered alone, so that what is forbidden takes nothing else along.
 */
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a process is born into was decided by the host. */
static void note_born(const struct sandbox_plan *plan, struct slice letters, char letter,
                      enum protection p, struct sandbox_report *report)
{
    if (sandbox_leaves_out(plan, p))
        sandbox_report_set(report, p, SANDBOX_LEFT_OUT, "by the manifest");
    else if (letters.len > 0 && memchr(letters.ptr, letter, letters.len))
        sandbox_report_set(report, p, SANDBOX_ENFORCED, "%s", "");
    else
        sandbox_report_set(report, p, SANDBOX_MISSING, "namespaces of users are forbidden here");
}

static bool enter(const struct sandbox_plan *plan, int flag, enum protection p,
                  struct sandbox_report *report)
{
    if (sandbox_leaves_out(plan, p)) {
        sandbox_report_set(report, p, SANDBOX_LEFT_OUT, "by the manifest");
        return false;
    }
    if (unshare(flag) == 0) {
        sandbox_report_set(report, p, SANDBOX_ENFORCED, "%s", "");
        return true;
    }
    sandbox_report_set(report, p, SANDBOX_MISSING, "%s", sandbox_reason(errno));
    return false;
}

/* … and into which group, with a word about it: born=LETTERS STATE NOTE. */
static void note_group(const struct sandbox_plan *plan, const char *born,
                       struct sandbox_report *report)
{
    const char *at = strchr(born, ' ');
    int state = at ? at[1] - '0' : SANDBOX_MISSING;
    const char *note = at && at[1] && at[2] == ' ' ? at + 3 : "";
    if (sandbox_leaves_out(plan, PROTECTION_CGROUP))
        sandbox_report_set(report, PROTECTION_CGROUP, SANDBOX_LEFT_OUT, "by the manifest");
    else if (state >= SANDBOX_MISSING && state <= SANDBOX_ENFORCED)
        sandbox_report_set(report, PROTECTION_CGROUP, (enum sandbox_state)state, "%s", note);
}

void namespaces_enter(const struct sandbox_plan *plan, const char *born,
                      struct sandbox_report *report)
{
    const char *words = strncmp(born, "born=", 5) == 0 ? born + 5 : "";
    struct slice letters = {words, strcspn(words, " ")};
    note_born(plan, letters, 'u', PROTECTION_USER_NS, report);
    note_born(plan, letters, 'p', PROTECTION_PID_NS, report);
    note_group(plan, words, report);
    enter(plan, CLONE_NEWIPC, PROTECTION_IPC_NS, report);
    static const char name[] = "plugin";
    if (enter(plan, CLONE_NEWUTS, PROTECTION_UTS_NS, report) &&
        sethostname(name, sizeof(name) - 1) != 0)
        sandbox_report_set(report, PROTECTION_UTS_NS, SANDBOX_WEAKER,
                           "it still sees the machine's name");
    if (plan->net && !sandbox_leaves_out(plan, PROTECTION_NETWORK_NS))
        sandbox_report_set(report, PROTECTION_NETWORK_NS, SANDBOX_NEEDLESS,
                           "sockets of its own are granted (grants.net)");
    else
        enter(plan, CLONE_NEWNET, PROTECTION_NETWORK_NS, report);
}

static _Noreturn void wait_for(pid_t worker)
{
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended < 0 && errno != EINTR)
            _exit(SANDBOX_KILLED);
        if (ended == worker)
            _exit(WIFSIGNALED(status) ? SANDBOX_KILLED + WTERMSIG(status) : WEXITSTATUS(status));
    }
}

/* _Fork, for no handler of a library has a say in this. */
bool namespaces_leave_first(void (*confine)(void *user), void *user)
{
    if (getpid() != 1)
        return true;
    pid_t worker = _Fork();
    if (worker <= 0)
        return worker == 0;
    close_range(0, ~0u, 0);
    confine(user);
    wait_for(worker);
}

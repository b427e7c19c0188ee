/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of resources, and the capabilities of a process that has none left.
 */
#include "base/limits.h"
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool limit(__rlimit_resource_t what, uint64_t most)
{
    struct rlimit now;
    if (getrlimit(what, &now) != 0)
        return false;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
        most = now.rlim_max;
    return setrlimit(what, &(struct rlimit){most, most}) == 0;
}

/* Memory that can be written is limited exactly; address space, which allocators and thread stacks
 * reserve without using it, generously. A sanitizer's shadow is terabytes of it. */
static bool limit_memory(uint64_t bytes)
{
    const uint64_t reserve = 512u << 20;
    return SANDBOX_SANITIZED ||
           (limit(RLIMIT_DATA, bytes) && limit(RLIMIT_AS, 2 * bytes + reserve));
}

/* Of a user in a namespace of users, the threads and processes in it are counted; without one, all
 * that the user runs on the machine. Those of root are never. */
static bool counts_processes(const struct sandbox_report *report)
{
    return geteuid() != 0 && report->of[PROTECTION_USER_NS].state == SANDBOX_ENFORCED;
}

void bounds_set(const struct sandbox_plan *plan, struct sandbox_report *report)
{
    limit(RLIMIT_CORE, 0); /* in any case: a dump would have what it was given to read */
    if (sandbox_leaves_out(plan, PROTECTION_RLIMITS)) {
        sandbox_report_set(report, PROTECTION_RLIMITS, SANDBOX_LEFT_OUT, "by the manifest");
        return;
    }
    bool writes = false;
    for (size_t i = 0; i < plan->path_count; i++)
        writes = writes || plan->paths[i].write;
    uint64_t file = plan->pure ? 0 : writes ? LIMIT_PLUGIN_FILE : LIMIT_PLUGIN_TMP;
    signal(SIGXFSZ, SIG_IGN); /* a file that is too large is an error, not its end */
    bool done = limit_memory((uint64_t)plan->memory_bytes);
    done &= limit(RLIMIT_NOFILE, LIMIT_PLUGIN_DESCRIPTORS) && limit(RLIMIT_FSIZE, file) &&
            limit(RLIMIT_MEMLOCK, 64 << 10) && limit(RLIMIT_MSGQUEUE, 0) &&
            limit(RLIMIT_RTPRIO, 0) && limit(RLIMIT_NICE, 0);
    if (!done) {
        sandbox_report_set(report, PROTECTION_RLIMITS, SANDBOX_MISSING, "%s",
                           sandbox_reason(errno));
        return;
    }
    uint64_t threads = LIMIT_THREADS + LIMIT_PLUGIN_PROCESSES;
    bool counted = counts_processes(report) && limit(RLIMIT_NPROC, threads);
    counted |= report->of[PROTECTION_CGROUP].state == SANDBOX_ENFORCED;
    if (SANDBOX_SANITIZED)
        sandbox_report_set(report, PROTECTION_RLIMITS, SANDBOX_WEAKER,
                           "a sanitized build has no bound of memory");
    else if (plan->exec)
        sandbox_report_set(report, PROTECTION_RLIMITS, SANDBOX_WEAKER,
                           "%lld MB of memory for each program that it starts, not for all",
                           (long long)(plan->memory_bytes >> 20));
    else
        sandbox_report_set(report, PROTECTION_RLIMITS, SANDBOX_ENFORCED, "%lld MB of memory%s",
                           (long long)(plan->memory_bytes >> 20),
                           counted ? "" : "; its threads are bounded by that alone");
}

bool capabilities_drop(struct sandbox_report *report)
{
    for (int c = 0; c <= CAP_LAST_CAP; c++)
        prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) != 0)
        return false;
    sandbox_report_set(report, PROTECTION_CAPABILITIES, SANDBOX_ENFORCED, "%s", "");
    return true;
}

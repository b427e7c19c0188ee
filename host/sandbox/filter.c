/* SPDX-License-Identifier: Apache-2.0
 *
 * The seccomp filter, put together in the kernel's own instructions: libseccomp takes longer for
 * that than all the rest of a worker's start. It is a row of blocks, each for one call, which ends
 * in a verdict or leaves the number of the call where it was; then the calls that are always
 * allowed, as runs of numbers. What is denied fails with EPERM; what is newer than the lists with
 * ENOSYS, so that libraries fall back on what they did before; what no honest program asks for
 * kills.
 *
 * Arguments are compared by the half that the kernel looks at: whole if it takes 64 bits of it, the
 * low half if it takes an int. Memory behind a pointer cannot be looked at, so a call whose harm
 * lies there is denied whole (clone3, sendmsg, openat2).
 */
#include "sandbox/filter_internal.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

enum { MOST_CODE = 2048, CALLS = 512, X32 = 0x40000000, NEWEST = 450 };
/* Newer than the headers that this may be built with. */
enum { NEW_F_OFD_GETLK = 36, NEW_PR_SET_VMA = 0x53564d41, NEW_PR_GET_MDWE = 66 };

struct filter {
    struct sock_filter code[MOST_CODE];
    unsigned short count;
    bool allowed[CALLS];
    bool heard; /* somebody hears what is denied, and denies it */
};

static void put(struct filter *f, unsigned short code, uint32_t k, unsigned char yes,
                unsigned char no)
{
    ASSERT(f->count < MOST_CODE);
    f->code[f->count++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct filter *f, size_t offset)
{
    put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void verdict(struct filter *f, uint32_t action)
{
    put(f, BPF_RET | BPF_K, action, 0, 0);
}

static void deny(struct filter *f)
{
    verdict(f, f->heard ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | EPERM);
}

/* The half of an argument that an int has. */
static void load_low(struct filter *f, unsigned argument)
{
    load(f, offsetof(struct seccomp_data, args) + argument * 8);
}

static void load_high(struct filter *f, unsigned argument)
{
    load(f, offsetof(struct seccomp_data, args) + argument * 8 + 4);
}

/* What was loaded must be this, or the call is denied. */
static void must_be(struct filter *f, uint32_t value)
{
    put(f, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    deny(f);
}

static void must_be_either(struct filter *f, uint32_t one, uint32_t other)
{
    put(f, BPF_JMP | BPF_JEQ | BPF_K, one, 2, 0);
    must_be(f, other);
}

static void must_be_null(struct filter *f, unsigned argument)
{
    load_low(f, argument);
    must_be(f, 0);
    load_high(f, argument);
    must_be(f, 0);
}

static void must_have(struct filter *f, unsigned argument, uint32_t mask, uint32_t value)
{
    load_low(f, argument);
    put(f, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    must_be(f, value);
}

/* A block for one call; what stands between ends in a verdict. */
static unsigned short begin(struct filter *f, int call)
{
    put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 0);
    return f->count;
}

static void end(struct filter *f, unsigned short begun)
{
    unsigned length = (unsigned)(f->count - begun);
    ASSERT(length <= UINT8_MAX);
    f->code[begun - 1].jf = (unsigned char)length;
}

static void allow_if_one_of(struct filter *f, int call, unsigned argument, const uint32_t *values,
                            size_t count)
{
    unsigned short begun = begin(f, call);
    load_low(f, argument);
    for (size_t i = 0; i < count; i++) {
        put(f, BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1);
        verdict(f, SECCOMP_RET_ALLOW);
    }
    deny(f);
    end(f, begun);
}

#define ALLOW_IF_ONE_OF(f, call, argument, values)                                                 \
    allow_if_one_of(f, call, argument, values, sizeof(values) / sizeof((values)[0]))

/* ---- calls with arguments ---- */

static void processes(struct filter *f, const struct sandbox_plan *plan, bool own_processes)
{
    const uint32_t spaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                            CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
    unsigned short begun = begin(f, SYS_clone);
    if (plan->exec)
        must_have(f, 0, spaces, 0);
    else
        must_have(f, 0, spaces | CLONE_THREAD, CLONE_THREAD);
    verdict(f, SECCOMP_RET_ALLOW);
    end(f, begun);

    /* Where it sees none but its own, it and what it starts may signal them all; else its group,
     * which is of a session of its own. */
    const uint32_t self[] = {(uint32_t)getpid()}, group[] = {self[0], 0};
    if (plan->exec && own_processes)
        f->allowed[SYS_kill] = f->allowed[SYS_tgkill] = true;
    if (plan->exec && !own_processes)
        ALLOW_IF_ONE_OF(f, SYS_kill, 0, group);
    else if (!plan->exec)
        ALLOW_IF_ONE_OF(f, SYS_kill, 0, self);
    if (!plan->exec || !own_processes)
        ALLOW_IF_ONE_OF(f, SYS_tgkill, 0, self);
    ALLOW_IF_ONE_OF(f, SYS_rt_sigqueueinfo, 0, self);
    ALLOW_IF_ONE_OF(f, SYS_rt_tgsigqueueinfo, 0, self);

    begun = begin(f, SYS_prlimit64);
    if (!plan->exec)
        must_be_null(f, 2); /* what it starts may have less than it has; nobody can have more */
    load_low(f, 0);
    must_be_either(f, 0, self[0]);
    verdict(f, SECCOMP_RET_ALLOW);
    end(f, begun);

    /* A filter can only take away. None that is heard: no flags. */
    begun = begin(f, SYS_seccomp);
    if (plan->exec) {
        load_low(f, 0);
        must_be(f, SECCOMP_SET_MODE_FILTER);
        must_be_null(f, 1);
        verdict(f, SECCOMP_RET_ALLOW);
    } else {
        deny(f);
    }
    end(f, begun);

    static const uint32_t ask[] = {0xffffffff};
    ALLOW_IF_ONE_OF(f, SYS_personality, 0, ask);
    static const uint32_t options[] = {
        PR_SET_NAME,        PR_GET_NAME,       PR_GET_DUMPABLE,     PR_CAPBSET_READ,
        PR_GET_SECCOMP,     PR_GET_PDEATHSIG,  PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS,
        PR_GET_SECUREBITS,  PR_GET_TIMERSLACK, NEW_PR_SET_VMA,      NEW_PR_GET_MDWE,
        PR_GET_THP_DISABLE, PR_GET_KEEPCAPS,   PR_GET_TSC,
    };
    ALLOW_IF_ONE_OF(f, SYS_prctl, 0, options);
}

/* An owner of a descriptor is sent signals, any signal, whoever it is. */
static void descriptors(struct filter *f)
{
    static const uint32_t commands[] = {
        F_DUPFD,
        F_DUPFD_CLOEXEC,
        F_GETFD,
        F_SETFD,
        F_GETFL,
        F_SETFL,
        F_GETLK,
        F_SETLK,
        F_SETLKW,
        NEW_F_OFD_GETLK,
        NEW_F_OFD_GETLK + 1,
        NEW_F_OFD_GETLK + 2,
        F_SETPIPE_SZ,
        F_GETPIPE_SZ,
        F_GET_SEALS,
    };
    ALLOW_IF_ONE_OF(f, SYS_fcntl, 1, commands);
    static const uint32_t controls[] = {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ};
    ALLOW_IF_ONE_OF(f, SYS_ioctl, 1, controls);
}

/* Only who creates says a mode: of who does not, what stands there is whatever stood there. */
static void allow_open(struct filter *f, int call, unsigned flags, bool pure)
{
    const uint32_t creates = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
    unsigned short begun = begin(f, call);
    if (pure)
        must_have(f, flags, O_ACCMODE | O_TRUNC | creates, 0);
    load_low(f, flags);
    put(f, BPF_ALU | BPF_AND | BPF_K, creates, 0, 0);
    put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0);
    unsigned short opens = f->count;
    must_have(f, flags + 1, S_ISUID | S_ISGID, 0);
    f->code[opens - 1].jt = (unsigned char)(f->count - opens);
    verdict(f, SECCOMP_RET_ALLOW);
    end(f, begun);
}

static void allow_mode(struct filter *f, int call, unsigned mode)
{
    unsigned short begun = begin(f, call);
    must_have(f, mode, S_ISUID | S_ISGID, 0);
    verdict(f, SECCOMP_RET_ALLOW);
    end(f, begun);
}

/* What it writes lies outside, too, and belongs to whom the host runs as: a file that is run as its
 * owner would have anybody on the machine do as that one, with words of the plugin's. */
static void files(struct filter *f, const struct sandbox_plan *plan, bool attributes)
{
    allow_open(f, SYS_openat, 2, plan->pure);
#if defined(SYS_open)
    allow_open(f, SYS_open, 1, plan->pure);
#endif
    if (plan->pure)
        return;
    allow_mode(f, SYS_fchmod, 1);
    allow_mode(f, SYS_mkdirat, 2);
    if (attributes)
        allow_mode(f, SYS_fchmodat, 2);
#if defined(__x86_64__)
    allow_mode(f, SYS_creat, 1);
    allow_mode(f, SYS_mkdir, 1);
    if (attributes)
        allow_mode(f, SYS_chmod, 1);
#endif
}

/* A stream that is connected reaches its other end alone, whatever address is said. */
static void sockets(struct filter *f, const struct sandbox_plan *plan)
{
    const uint32_t kind = 0xf;
    unsigned short begun = begin(f, SYS_socketpair);
    load_low(f, 0);
    must_be(f, AF_UNIX);
    must_have(f, 1, kind, SOCK_STREAM);
    verdict(f, SECCOMP_RET_ALLOW);
    end(f, begun);

    begun = begin(f, SYS_sendto);
    if (!plan->net)
        must_be_null(f, 4);
    verdict(f, SECCOMP_RET_ALLOW);
    end(f, begun);
    if (!plan->net)
        return;

    begun = begin(f, SYS_socket);
    load_low(f, 0);
    put(f, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 4); /* names are looked up with its help */
    load_low(f, 2);
    must_be(f, NETLINK_ROUTE);
    verdict(f, SECCOMP_RET_ALLOW);
    must_be_either(f, AF_INET, AF_INET6);
    load_low(f, 1);
    put(f, BPF_ALU | BPF_AND | BPF_K, kind, 0, 0);
    must_be_either(f, SOCK_STREAM, SOCK_DGRAM);
    verdict(f, SECCOMP_RET_ALLOW);
    end(f, begun);
}

/* ---- the whole ---- */

static void permit(struct filter *f, const int *calls)
{
    for (size_t i = 0; calls[i] >= 0; i++)
        f->allowed[calls[i]] = true;
}

static void head(struct filter *f)
{
    load(f, offsetof(struct seccomp_data, arch));
    put(f, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
    verdict(f, SECCOMP_RET_KILL_PROCESS);
    load(f, offsetof(struct seccomp_data, nr));
    put(f, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
    verdict(f, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; filter_deadly[i] >= 0; i++) {
        put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)filter_deadly[i], 0, 1);
        verdict(f, f->heard ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_KILL_PROCESS);
    }
}

/* In rising order, so that below a run lies what is denied. */
static void runs(struct filter *f)
{
    for (uint32_t first = 0; first < CALLS; first++) {
        if (!f->allowed[first])
            continue;
        uint32_t last = first;
        while (last + 1 < CALLS && f->allowed[last + 1])
            last++;
        put(f, BPF_JMP | BPF_JGT | BPF_K, last, 3, 0);
        put(f, BPF_JMP | BPF_JGE | BPF_K, first, 0, 1);
        verdict(f, SECCOMP_RET_ALLOW);
        deny(f);
        first = last;
    }
}

static void tail(struct filter *f)
{
    unsigned short begun = begin(f, SYS_clone3);
    verdict(f, SECCOMP_RET_ERRNO | ENOSYS);
    end(f, begun);
    runs(f);
    put(f, BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1);
    verdict(f, SECCOMP_RET_ERRNO | ENOSYS);
    deny(f);
}

static void make(struct filter *f, const struct sandbox_plan *plan,
                 const struct sandbox_report *report)
{
    memset(f->allowed, 0, sizeof(f->allowed));
    f->count = 0;
    permit(f, filter_always);
    if (!plan->pure)
        permit(f, filter_writing);
    bool attributes = report->of[PROTECTION_PRIVATE_ROOT].state == SANDBOX_ENFORCED;
    if (!plan->pure && attributes)
        permit(f, filter_attributes);
    if (plan->net)
        permit(f, filter_network);
    if (plan->exec)
        permit(f, filter_programs);
    if (plan->jit)
        permit(f, filter_code);
    head(f);
    processes(f, plan, report->of[PROTECTION_PID_NS].state == SANDBOX_ENFORCED);
    descriptors(f);
    files(f, plan, attributes);
    sockets(f, plan);
    tail(f);
}

static int enter(const struct filter *filter, unsigned flags)
{
    struct sock_fprog program = {.len = filter->count,
                                 .filter = (struct sock_filter *)filter->code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int enter_heard(void *user)
{
    return enter(user, SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

void filter_enter(const struct sandbox_plan *plan, int hearer, struct sandbox_report *report)
{
    if (sandbox_leaves_out(plan, PROTECTION_SECCOMP)) {
        sandbox_report_set(report, PROTECTION_SECCOMP, SANDBOX_LEFT_OUT, "by the manifest");
        return;
    }
    static struct filter filter;
    filter.heard = hearer >= 0 && !SANDBOX_SANITIZED;
    make(&filter, plan, report);
    sandbox_report_set(report, PROTECTION_SECCOMP, SANDBOX_ENFORCED, "%s", "");
    if (filter.heard && hearing_start(hearer, enter_heard, &filter))
        return;
    filter.heard = false;
    make(&filter, plan, report);
    if (hearer >= 0)
        close(hearer);
    /* A sanitizer may have threads already. */
    if (enter(&filter, SANDBOX_SANITIZED ? SECCOMP_FILTER_FLAG_TSYNC : 0) != 0)
        sandbox_report_set(report, PROTECTION_SECCOMP, SANDBOX_MISSING, "%s",
                           sandbox_reason(errno));
}

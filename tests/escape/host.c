/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways to the host and its machine: shared memory, queues, keys, terminals, the clock, the kernel.
 */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum { KEY = 0x5ea3 };

static int shared_segment(void)
{
    int id = shmget(KEY, 4096, IPC_CREAT | 0600);
    int error = result(id);
    if (error == 0)
        shmctl(id, IPC_RMID, NULL);
    return error;
}

static int message_queue(void)
{
    int id = msgget(KEY, IPC_CREAT | 0600);
    int error = result(id);
    if (error == 0)
        msgctl(id, IPC_RMID, NULL);
    return error;
}

static int semaphore(void)
{
    int id = semget(KEY, 1, IPC_CREAT | 0600);
    int error = result(id);
    if (error == 0)
        semctl(id, 0, IPC_RMID);
    return error;
}

static int posix_queue(void)
{
    mqd_t queue = mq_open("/seam-escape", O_CREAT | O_RDWR, 0600, NULL);
    if (queue == (mqd_t)-1)
        return errno;
    mq_close(queue);
    mq_unlink("/seam-escape");
    return 0;
}

static int shared_file(void)
{
    int fd = shm_open("/seam-escape", O_CREAT | O_RDWR, 0600);
    int error = opened(fd);
    if (error == 0)
        shm_unlink("/seam-escape");
    return error;
}

static int keys(void)
{
    return result(syscall(SYS_add_key, "user", "seam-escape", "x", 1, -2));
}

static int a_key(void)
{
    return reached(syscall(SYS_keyctl, 0 /* the id of a keyring */, -3, 0, 0, 0));
}

static int request_a_key(void)
{
    int error = result(syscall(SYS_request_key, "user", "seam-nothing", NULL, 0));
    return error == ENOKEY || error == ENOENT ? 0 : error;
}

static int type_for_the_operator(void)
{
    int error = result(ioctl(2, TIOCSTI, "x"));
    return error == ENOTTY || error == EIO ? 0 : error; /* it is a pipe, but it was asked */
}

static int open_the_terminal(void)
{
    int error = opened(open("/dev/tty", O_RDWR | O_CLOEXEC));
    return error == ENXIO ? 0 : error;
}

static int cgroup(void)
{
    static const char *const places[] = {
        "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs",
        "/sys/fs/cgroup/pids/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs"};
    int error = ENOENT;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && error; i++)
        error = opened(open(places[i], O_WRONLY | O_CLOEXEC));
    return error;
}

static int kernel_settings(void)
{
    return opened(open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC));
}

static int kernel_log(void)
{
    return result(syscall(SYS_syslog, 10, NULL, 0));
}
static int name_of_machine(void)
{
    char name[65] = "";
    gethostname(name, sizeof(name));
    return result(sethostname(name, strlen(name)));
}
static int clock_of_machine(void)
{
    return reached(syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){.tv_nsec = -1}));
}
static int rate_of_clock(void)
{
    struct timex ask = {.modes = ADJ_TICK, .tick = -1};
    return reached(adjtimex(&ask));
}
static int programs_in_kernel(void)
{
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof(attributes));
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = attributes.value_size = 4;
    attributes.max_entries = 1;
    return opened(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
}
static int events_of_others(void)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes), .config = PERF_COUNT_SW_CPU_CLOCK};
    return opened(syscall(SYS_perf_event_open, &attributes, somebody(), -1, -1, 0));
}
static int faults(void)
{
    return opened(syscall(SYS_userfaultfd, O_CLOEXEC));
}
static int module(void)
{
    return reached(syscall(SYS_init_module, "", 0, ""));
}
static int next_kernel(void)
{
    return reached(syscall(SYS_kexec_load, 0, 99, NULL, 0));
}
static int restart(void)
{
    return reached(syscall(SYS_reboot, 0, 0, 0, NULL));
}
static int swap(void)
{
    return reached(syscall(SYS_swapon, "/seam-nothing", 0));
}
static int quota(void)
{
    return reached(syscall(SYS_quotactl, 0, NULL, 0, NULL));
}
static int accounting(void)
{
    return reached(syscall(SYS_acct, "/seam-nothing"));
}
static int watch_everything(void)
{
    return opened(syscall(SYS_fanotify_init, 0, O_RDONLY));
}
static int secret_memory(void)
{
    return opened(syscall(SYS_memfd_secret, 0));
}
static int lock_memory(void)
{
    int error = result(syscall(SYS_mlockall, MCL_CURRENT));
    munlockall();
    return error;
}
#if defined(__x86_64__)
static int ports(void)
{
    return result(syscall(SYS_ioperm, 0x80, 1, 1));
}
static int old_calls(void)
{
    long got;
    __asm__ volatile("int $0x80" : "=a"(got) : "a"(20) : "r8", "r9", "r10", "r11", "memory");
    return got > 0 ? 0 : EPERM; /* getpid, as i386 numbers it */
}
static int other_calls(void)
{
    int error = result(syscall(0x40000000 + SYS_getpid));
    return error == ENOSYS ? 0 : error; /* few kernels have them, but it was asked */
}
#endif

const struct attempt host_attempts[] = {
    {"others", "share a segment of memory", shared_segment},
    {"others", "share a queue of messages", message_queue},
    {"others", "share a semaphore", semaphore},
    {"others", "open a POSIX queue", posix_queue},
    {"others", "share a file of memory", shared_file},
    {"host", "add a key", keys},
    {"host", "use a keyring", a_key},
    {"host", "request a key", request_a_key},
    {"host", "type into the terminal", type_for_the_operator},
    {"host", "open the terminal", open_the_terminal},
    {"host", "leave its cgroup", cgroup},
    {"host", "change a setting of the kernel", kernel_settings},
    {"host", "read the log of the kernel", kernel_log},
    {"host", "name the machine", name_of_machine},
    {"host", "set the clock", clock_of_machine},
    {"host", "bend the clock", rate_of_clock},
    {"host", "load a BPF map", programs_in_kernel},
    {"host", "count events of a process", events_of_others},
    {"host", "handle faults of memory", faults},
    {"host", "load a module", module},
    {"host", "load a kernel", next_kernel},
    {"host", "restart the machine", restart},
    {"host", "swap on a file", swap},
    {"host", "set a quota", quota},
    {"host", "account for processes", accounting},
    {"host", "watch all of a disk", watch_everything},
    {"host", "hide memory from the kernel", secret_memory},
    {"host", "lock all its memory", lock_memory},
#if defined(__x86_64__)
    {"host", "open ports of the machine", ports},
    {"host", "call the kernel as i386", old_calls},
    {"host", "call the kernel as x32", other_calls},
#endif
    {0},
};

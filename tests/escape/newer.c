/* SPDX-License-Identifier: Apache-2.0
 *
 * Doors that newer kernels have opened, and old ones by other names. Calls are numbered here, for
 * the headers of the build may not know them yet.
 */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { /* the same on every architecture */
       CALL_PIDFD_SEND_SIGNAL = 424,
       CALL_IO_URING_ENTER = 426,
       CALL_IO_URING_REGISTER = 427,
       CALL_MOVE_MOUNT = 429,
       CALL_FSPICK = 433,
       CALL_MOUNT_SETATTR = 442,
       CALL_QUOTACTL_FD = 443,
       CALL_LANDLOCK_CREATE_RULESET = 444,
       CALL_PROCESS_MRELEASE = 448,
       CALL_HOME_NODE = 450,
       CALL_CACHESTAT = 451,
       CALL_FCHMODAT2 = 452,
       CALL_STATMOUNT = 457,
       CALL_LISTMOUNT = 458,
       CALL_LSM_SET_SELF_ATTR = 460,
       CALL_LSM_LIST_MODULES = 461,
       CALL_MSEAL = 462,
       CALL_SETXATTRAT = 463,
       CALL_OPEN_TREE_ATTR = 467,
};

/* ---- files ---- */

static int watch_a_file(void)
{
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = result(inotify_add_watch(fd, outside("secret"), IN_ACCESS));
    close(fd);
    return error;
}

static int name_a_handle(void)
{
    struct {
        unsigned size;
        int type;
        char bytes[128];
    } handle = {.size = 128};
    int mount;
    return result(syscall(SYS_name_to_handle_at, AT_FDCWD, outside("secret"), &handle, &mount, 0));
}

static int move_a_mount(void)
{
    return reached(syscall(CALL_MOVE_MOUNT, -1, "", -1, "", 4));
}
static int pick_a_mount(void)
{
    return opened(syscall(CALL_FSPICK, AT_FDCWD, "/", 1));
}
static int change_a_mount(void)
{
    uint64_t nothing[4] = {0};
    return reached(syscall(CALL_MOUNT_SETATTR, AT_FDCWD, "/", 0, nothing, sizeof(nothing)));
}
static int open_a_tree(void)
{
    return opened(syscall(CALL_OPEN_TREE_ATTR, AT_FDCWD, "/", O_CLOEXEC | 1, NULL, 0));
}

/* Of the root of all mounts. */
static int list_mounts(void)
{
    uint64_t ids[16], request[4] = {24, UINT64_MAX, 0, 0};
    return result(syscall(CALL_LISTMOUNT, request, ids, 16, 0));
}
static int look_at_a_mount(void)
{
    char found[1024];
    uint64_t request[4] = {24, 1, 2, 0};
    return reached(syscall(CALL_STATMOUNT, request, found, sizeof(found), 0));
}

static int set_an_attribute_at(void)
{
    uint64_t value[2] = {0};
    return reached(syscall(CALL_SETXATTRAT, AT_FDCWD, outside("secret"), 0, "user.seam", value,
                           sizeof(value)));
}
static int change_mode_at(void)
{
    return result(syscall(CALL_FCHMODAT2, AT_FDCWD, outside("secret"), 0600, 0));
}
static int quota_by_descriptor(void)
{
    return reached(syscall(CALL_QUOTACTL_FD, -1, 0, 0, NULL));
}
static int pages_in_cache(void)
{
    return reached(syscall(CALL_CACHESTAT, -1, NULL, NULL, 0));
}

static int device(void)
{
    static const char *const devices[] = {"/dev/kmsg",    "/dev/fuse",         "/dev/kvm",
                                          "/dev/net/tun", "/dev/loop-control", "/dev/ptmx",
                                          "/dev/full"};
    int error = ENOENT;
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]) && error; i++)
        error = opened(open(devices[i], O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    return error;
}
static int faults_by_device(void)
{
    return opened(open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
}
static int shared_files(void)
{
    return opened(open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* ---- network ---- */

static int use_a_ring(void)
{
    return reached(syscall(CALL_IO_URING_ENTER, -1, 1, 0, 0, NULL, 0));
}
static int register_with_a_ring(void)
{
    return reached(syscall(CALL_IO_URING_REGISTER, -1, 0, NULL, 0));
}

/* With one call, several messages; each could carry a descriptor. */
static int many_messages(void)
{
    char byte = 'x';
    struct iovec bytes = {&byte, 0};
    struct {
        struct msghdr head;
        unsigned length;
    } messages[2] = {{.head = {.msg_iov = &bytes, .msg_iovlen = 1}}};
    return result(syscall(SYS_sendmmsg, 3, messages, 1, MSG_DONTWAIT));
}

static int who_is_the_host(void)
{
    int on = 1;
    return result(setsockopt(3, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
}

/* ---- processes ---- */

static int clone_into_namespaces(void)
{
    uint64_t args[11] = {[0] = CLONE_NEWUSER | CLONE_NEWNET, [4] = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, args, sizeof(args));
    if (child == 0)
        _exit(0);
    if (child < 0)
        return errno;
    waitpid(child, NULL, 0);
    return 0;
}
static int clone_into_users(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
    if (child == 0)
        _exit(0);
    if (child < 0)
        return errno;
    waitpid(child, NULL, 0);
    return 0;
}
static int signal_by_pidfd(void)
{
    return reached(syscall(CALL_PIDFD_SEND_SIGNAL, -1, 0, NULL, 0));
}
static int release_memory(void)
{
    return reached(syscall(CALL_PROCESS_MRELEASE, -1, 0));
}
static int move_pages_of(void)
{
    return result(syscall(SYS_move_pages, somebody(), 0, NULL, NULL, NULL, 0));
}
static int home_of_memory(void)
{
    return reached(syscall(CALL_HOME_NODE, 0, 0, 0, 0));
}
static int schedule_by_attributes(void)
{
    uint32_t attributes[12] = {48};
    return result(syscall(SYS_sched_setattr, somebody(), attributes, 0));
}
static int keyed_process(void)
{
    return result(syscall(SYS_ioprio_get, 1, somebody()));
}

/* ---- itself ---- */

static int layout_of_memory(void)
{
    return reached(prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0));
}
static int name_a_tracer(void)
{
    return reached(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0));
}
static int adopt_orphans(void)
{
    int error = result(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    return error;
}
static int catch_its_calls(void)
{
    return reached(prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 0, 0, 0, 0));
}
static int keep_capabilities(void)
{
    return result(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
}
static int speculate(void)
{
    return reached(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE, 0, 0));
}
static int rules_of_its_own(void)
{
    uint64_t rules[1] = {1};
    return opened(syscall(CALL_LANDLOCK_CREATE_RULESET, rules, sizeof(rules), 0));
}
static int rules_of_others(void)
{
    return reached(syscall(CALL_LSM_SET_SELF_ATTR, 100, NULL, 0, 0));
}
static int seal_memory(void)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return result(syscall(CALL_MSEAL, page, 4096, 0));
}

/* ---- the host and its machine ---- */

static int modules_of_security(void)
{
    uint64_t ids[16];
    uint32_t size = sizeof(ids);
    return result(syscall(CALL_LSM_LIST_MODULES, ids, &size, 0));
}
static int module_by_descriptor(void)
{
    return reached(syscall(SYS_finit_module, -1, "", 0));
}
static int kernel_by_descriptor(void)
{
    return reached(syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0));
}
static int day_of_clock(void)
{
    return reached(syscall(SYS_settimeofday, &(struct timeval){.tv_usec = -1}, NULL));
}
static int keys_of_a_process(void)
{
    return reached(syscall(SYS_keyctl, 1 /* a session of its own */, "", 0, 0, 0));
}
static int take_the_terminal(void)
{
    int error = result(ioctl(0, TIOCSCTTY, 0));
    return error == ENOTTY ? 0 : error;
}
static int hang_up(void)
{
    return result(syscall(SYS_vhangup));
}
static int all_segments(void)
{
    struct shmid_ds found;
    return result(shmctl(0, SHM_INFO, &found));
}
static int all_queues(void)
{
    struct msqid_ds found;
    return result(msgctl(0, MSG_INFO, &found));
}
#if defined(__x86_64__)
static int socket_of_i386(void)
{
    long got;
    __asm__ volatile("int $0x80"
                     : "=a"(got)
                     : "a"(359), "b"(AF_INET), "c"(SOCK_STREAM), "d"(0)
                     : "r8", "r9", "r10", "r11", "memory");
    return got >= 0 ? opened(got) : (int)-got;
}
static int session_of_x32(void)
{
    int error = result(syscall(0x40000000 + SYS_setsid));
    return error == ENOSYS ? 0 : error; /* few kernels have them, but it was asked */
}
static int segments_of_its_own(void)
{
    char table[16];
    return result(syscall(SYS_modify_ldt, 0, table, sizeof(table)));
}
#endif

const struct attempt newer_attempts[] = {
    {"files", "watch a file of the operator", watch_a_file},
    {"files", "have a handle of a file", name_a_handle},
    {"files", "move a mount", move_a_mount},
    {"files", "pick a mount", pick_a_mount},
    {"files", "change a mount", change_a_mount},
    {"files", "open a tree with attributes", open_a_tree},
    {"files", "list the mounts", list_mounts},
    {"files", "look at a mount", look_at_a_mount},
    {"files", "set an attribute by setxattrat", set_an_attribute_at},
    {"files", "change a file's mode by fchmodat2", change_mode_at},
    {"files", "set a quota by descriptor", quota_by_descriptor},
    {"files", "look into the cache of pages", pages_in_cache},
    {"files", "open a device", device},
    {"files", "list shared memory", shared_files},
    {"network", "use an io_uring", use_a_ring},
    {"network", "register with an io_uring", register_with_a_ring},
    {"host", "send the host many messages", many_messages},
    {"host", "set an option of the host's socket", who_is_the_host},
    {"processes", "clone3 into namespaces", clone_into_namespaces},
    {"processes", "clone into a namespace of users", clone_into_users},
    {"processes", "signal by pidfd", signal_by_pidfd},
    {"processes", "release memory of a process", release_memory},
    {"processes", "ask where pages of a process are", move_pages_of},
    {"processes", "choose a home of memory", home_of_memory},
    {"processes", "set a scheduler by attributes", schedule_by_attributes},
    {"processes", "ask for a priority of disks", keyed_process},
    {"itself", "change the layout of its memory", layout_of_memory},
    {"itself", "name a tracer", name_a_tracer},
    {"itself", "adopt orphans", adopt_orphans},
    {"itself", "catch its own calls", catch_its_calls},
    {"itself", "keep capabilities", keep_capabilities},
    {"itself", "speculate again", speculate},
    {"itself", "make Landlock rules", rules_of_its_own},
    {"itself", "set rules of another module", rules_of_others},
    {"itself", "seal memory", seal_memory},
    {"host", "list the modules of security", modules_of_security},
    {"host", "load a module by descriptor", module_by_descriptor},
    {"host", "load a kernel by descriptor", kernel_by_descriptor},
    {"host", "set the time of day", day_of_clock},
    {"host", "join a session of keys", keys_of_a_process},
    {"host", "take the terminal", take_the_terminal},
    {"host", "hang up the terminal", hang_up},
    {"host", "handle faults by a device", faults_by_device},
    {"others", "count segments of memory", all_segments},
    {"others", "count queues of messages", all_queues},
#if defined(__x86_64__)
    {"host", "open a socket as i386", socket_of_i386},
    {"host", "lead a session as x32", session_of_x32},
    {"itself", "have segments of its own", segments_of_its_own},
#endif
    {0},
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * Landlock: by ABI, what this kernel can hold a process to. The kernel's header of the build may be
 * older than the kernel that it runs on, so all of it is spelled here. What a right is for is in
 * the kernel's Documentation/userspace-api/landlock.rst.
 */
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CREATE_RULESET = 444,
    ADD_RULE = 445,
    RESTRICT_SELF = 446,
    ASK_VERSION = 1,
    RULE_PATH_BENEATH = 1,
};

#define FS_EXECUTE    (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE  (1ull << 2)
#define FS_READ_DIR   (1ull << 3)
#define FS_ABI_1      ((1ull << 13) - 1)
#define FS_REFER      (1ull << 13)
#define FS_TRUNCATE   (1ull << 14)
#define FS_IOCTL_DEV  (1ull << 15)
#define NET_TCP       (3ull) /* bind, connect */
#define SCOPES        (3ull) /* abstract sockets, signals */

struct ruleset {
    uint64_t files, net, scoped;
};

struct beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static struct ruleset rights_of(long abi, const struct sandbox_plan *plan)
{
    struct ruleset rules = {.files = FS_ABI_1};
    rules.files |= abi >= 2 ? FS_REFER : 0;
    rules.files |= abi >= 3 ? FS_TRUNCATE : 0;
    rules.files |= abi >= 5 ? FS_IOCTL_DEV : 0;
    rules.net = abi >= 4 && !plan->net ? NET_TCP : 0;
    rules.scoped = abi >= 6 ? SCOPES : 0;
    return rules;
}

static size_t size_of(long abi)
{
    return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

/* What is not there needs no rule. */
static bool allow(int ruleset, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return true;
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rights &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
    struct beneath rule = {.allowed = rights, .parent = fd};
    bool done = rights == 0 || syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
    close(fd);
    return done;
}

static bool allow_list(int ruleset, const char *const *paths, uint64_t rights)
{
    bool done = true;
    for (size_t i = 0; paths[i]; i++)
        done = done && allow(ruleset, paths[i], rights);
    return done;
}

static bool allow_all(int ruleset, const struct sandbox_plan *plan, uint64_t all,
                      const struct sandbox_report *report)
{
    const uint64_t read = FS_READ_FILE | FS_READ_DIR;
    bool own_root = report->of[PROTECTION_PRIVATE_ROOT].state == SANDBOX_ENFORCED;
    bool done = allow_list(ruleset, sandbox_libraries, read) &&
                allow_list(ruleset, sandbox_devices, (FS_READ_FILE | FS_WRITE_FILE) & all);
    if (SANDBOX_READS_PROC)
        done = done && allow(ruleset, "/proc", read);
    if (plan->net)
        done = done && allow_list(ruleset, sandbox_network_files, read);
    if (own_root)
        done = done && allow(ruleset, "/", FS_READ_DIR) && allow(ruleset, "/plugin.so", read) &&
               (plan->pure || allow(ruleset, "/tmp", all & ~(FS_EXECUTE | FS_IOCTL_DEV)));
    if (plan->exec)
        done = done && allow(ruleset, "/lib64/ld-linux-x86-64.so.2", read | FS_EXECUTE) &&
               allow(ruleset, "/lib/ld-linux-aarch64.so.1", read | FS_EXECUTE);
    for (size_t i = 0; done && i < plan->path_count; i++) {
        const struct sandbox_path *path = &plan->paths[i];
        uint64_t rights = path->write ? all & ~(FS_EXECUTE | FS_IOCTL_DEV) : read;
        done = allow(ruleset, path->path, rights | (path->exec ? FS_EXECUTE : 0));
    }
    return done;
}

static void report_abi(long abi, struct sandbox_report *report)
{
    const char *lack = abi < 3 ? "; it does not stop truncation, TCP, signals and abstract sockets"
                       : abi < 4 ? "; it does not stop TCP, signals and abstract sockets"
                       : abi < 6 ? "; it does not stop signals and abstract sockets"
                                 : "";
    bool own_root = report->of[PROTECTION_PRIVATE_ROOT].state == SANDBOX_ENFORCED;
    sandbox_report_set(report, PROTECTION_LANDLOCK, abi >= 6 ? SANDBOX_ENFORCED : SANDBOX_WEAKER,
                       "ABI %ld%s%s", abi, lack,
                       own_root ? "" : "; it still sees which files there are");
}

void landlock_enter(const struct sandbox_plan *plan, struct sandbox_report *report)
{
    if (sandbox_leaves_out(plan, PROTECTION_LANDLOCK)) {
        sandbox_report_set(report, PROTECTION_LANDLOCK, SANDBOX_LEFT_OUT, "by the manifest");
        return;
    }
    long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (abi < 1) {
        sandbox_report_set(report, PROTECTION_LANDLOCK, SANDBOX_MISSING, "%s",
                           sandbox_reason(abi < 0 ? errno : ENOSYS));
        return;
    }
    struct ruleset rules = rights_of(abi, plan);
    int ruleset = (int)syscall(CREATE_RULESET, &rules, size_of(abi), 0);
    bool done = ruleset >= 0 && allow_all(ruleset, plan, rules.files, report) &&
                syscall(RESTRICT_SELF, ruleset, 0) == 0;
    int saved = errno;
    if (ruleset >= 0)
        close(ruleset);
    if (done)
        report_abi(abi, report);
    else
        sandbox_report_set(report, PROTECTION_LANDLOCK, SANDBOX_MISSING, "%s",
                           sandbox_reason(saved));
}

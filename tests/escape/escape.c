/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that wants out. Its agent `try` makes the attempt of that number and tells its name and
 * what became of it; past the last one it tells that there are no more.
 */
#include "escape.h"

#include <errno.h>
#include <limits.h>
#include <seam/sdk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct targets targets;

const char *outside(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", targets.folder, name);
    return path;
}

pid_t somebody(void)
{
    return getppid() > 1 ? getppid() : targets.pid;
}

int result(long returned)
{
    return returned < 0 ? errno : 0;
}

int reached(long returned)
{
    int error = result(returned);
    return error == EINVAL || error == EFAULT || error == ENOENT || error == EBADF ||
                   error == ENOEXEC || error == ENODEV || error == ENOTSUP || error == ENOMSG
               ? 0
               : error;
}

int opened(long fd)
{
    if (fd < 0)
        return errno;
    close((int)fd);
    return 0;
}

static const struct attempt *find(int64_t number)
{
    const struct attempt *const groups[] = {file_attempts, network_attempts, process_attempts,
                                            host_attempts, newer_attempts};
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        for (const struct attempt *a = groups[g]; a->name; a++)
            if (number-- == 0)
                return a;
    return NULL;
}

static seam_status start(void *self, const seam_call *call)
{
    const seam_host *host = (const seam_host *)self;
    int64_t number = 0;
    seam_json_integer(seam_json_at(call->input, "/n"), &number);
    const struct attempt *attempt = find(number);
    int error = attempt ? attempt->try() : 0;
    const char *name = error > 0 ? strerrorname_np(error) : NULL;
    seam_writer output = SEAM_WRITER;
    seam_put_object(&output, NULL);
    seam_put_text(&output, "group", attempt ? attempt->group : "");
    seam_put_text(&output, "name", attempt ? attempt->name : "");
    seam_put_text(&output, "stopped", error == 0 ? "" : name ? name : "EPERM");
    seam_put_end(&output);
    seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, seam_written(&output));
    seam_writer_done(&output);
    return SEAM_OK;
}

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    int64_t port = 0, pid = 0;
    seam_json_integer(seam_json_at(config, "/port"), &port);
    seam_json_integer(seam_json_at(config, "/pid"), &pid);
    targets = (struct targets){.folder = seam_json_text(seam_json_at(config, "/folder"), NULL),
                               .port = (int)port,
                               .pid = (pid_t)pid};
    return seam_create_stateless(host, config, ret_self);
}

static const seam_agent try_one = SEAM_AGENT("try", SEAM_READ, 0);
static const seam_agent *const agents[] = {&try_one, NULL};
static const seam_plugin table = {
    .size = sizeof(seam_plugin),
    .id = "org.seam.test.escape",
    .version = "1.0.0",
    .agents = agents,
    .create = create,
    .start = start,
};

SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &table;
}

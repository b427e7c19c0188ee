/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes what no limit of a single process sees. "map": 256 MB of memory that could be shared.
 * "feed": the same in four children, and tells how many live to the end. "fork": children until
 * there are no more or 2000, and tells how many.
 */
#include "sin.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEGABYTES = 256, CHILDREN = 4, MOST = 2000 };

static bool take(size_t megabytes)
{
    char *memory =
        mmap(NULL, megabytes << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    memset(memory, 1, megabytes << 20);
    return true;
}

/* A child tells that it has its share, and lives until the pipe is closed that it waits on. */
static void raise_one(const int hold[2])
{
    int told[2];
    char byte = 0;
    if (pipe(told) != 0)
        return;
    if (fork() == 0) {
        close(hold[1]);
        close(told[0]);
        bool fed = take(MEGABYTES / CHILDREN) && write(told[1], &byte, 1) == 1;
        (void)!read(hold[0], &byte, 1);
        _exit(fed ? 0 : 1);
    }
    close(told[1]);
    (void)!read(told[0], &byte, 1);
    close(told[0]);
}

static int feed(void)
{
    int hold[2], status, fed = 0;
    if (pipe(hold) != 0)
        return -1;
    for (int i = 0; i < CHILDREN; i++)
        raise_one(hold);
    close(hold[1]);
    close(hold[0]);
    while (wait(&status) > 0)
        fed += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return fed;
}

static int multiply(void)
{
    int hold[2], born = 0;
    char byte;
    if (pipe(hold) != 0)
        return -1;
    for (pid_t child; born < MOST && (child = fork()) >= 0; born++) {
        if (child != 0)
            continue;
        close(hold[1]);
        (void)!read(hold[0], &byte, 1);
        _exit(0);
    }
    close(hold[1]);
    close(hold[0]);
    while (wait(NULL) > 0) {
    }
    return born;
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    char what = call->input.len > 1 ? call->input.ptr[1] : '\0', text[32];
    char next = call->input.len > 2 ? call->input.ptr[2] : '\0';
    int count = what == 'm' ? take(MEGABYTES) : what == 'f' && next == 'e' ? feed() : multiply();
    int len = snprintf(text, sizeof(text), "%d", count);
    answer(call->id, SEAM_OK, (seam_bytes){text, (size_t)len});
    return SEAM_OK;
}

SIN(SEAM_READ, 0)

/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a command and says, as JSON in a file, what it took: {"exit", "ms", "peak_kb"}. The peak is
 * that of the largest process among the command and all that it has waited for, as the kernel has
 * counted it. What has not ended in time is killed, with its children, and its exit is 137.
 *
 *   measure FILE SECONDS COMMAND [ARGUMENT…]
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_BROKEN = 125, KILLED = 128 };

_Noreturn static void give_up(const char *what)
{
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    exit(EXIT_BROKEN);
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static pid_t begin(char **command)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(command[0], command);
        give_up(command[0]);
    }
    return child;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: measure FILE SECONDS COMMAND [ARGUMENT...]\n");
        return EXIT_BROKEN;
    }
    long long since = now_ms();
    long seconds = strtol(argv[2], NULL, 10);
    pid_t child = begin(argv + 3);
    int ended = child < 0 ? -1 : (int)syscall(SYS_pidfd_open, child, 0), status;
    if (ended < 0)
        give_up("start");
    struct pollfd events = {.fd = ended, .events = POLLIN};
    if (poll(&events, 1, (int)seconds * 1000) == 0)
        kill(child, SIGKILL);
    struct rusage used;
    if (wait4(child, &status, 0, &used) != child)
        give_up("wait");
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : KILLED + WTERMSIG(status);
    FILE *out = fopen(argv[1], "w");
    if (!out ||
        fprintf(out, "{\"exit\": %d, \"ms\": %lld, \"peak_kb\": %ld}\n", code, now_ms() - since,
                used.ru_maxrss) < 0 ||
        fclose(out) != 0)
        give_up(argv[1]);
    return code;
}

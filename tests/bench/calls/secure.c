/* SPDX-License-Identifier: Apache-2.0
 *
 * The server behind TLS: a certificate by openssl, which is its own authority, and server.mjs by
 * node, for it speaks HTTP/2.
 */
#include "calls.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool make_certificate(const char *key, const char *certificate)
{
    pid_t pid;
    int status = 1;
    const char *const words[] = {"openssl",
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:prime256v1",
                                 "-nodes",
                                 "-days",
                                 "2",
                                 "-subj",
                                 "/CN=127.0.0.1",
                                 "-addext",
                                 "subjectAltName=IP:127.0.0.1",
                                 "-keyout",
                                 key,
                                 "-out",
                                 certificate,
                                 NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool made = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)words, environ) == 0 &&
                waitpid(pid, &status, 0) == pid && status == 0;
    posix_spawn_file_actions_destroy(&actions);
    return made;
}

pid_t start_secure(const char *folder, int delay_ms, int *ret_port)
{
    char key[64], certificate[64], delay[16];
    int fds[2];
    snprintf(key, sizeof(key), "%s/key.pem", folder);
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", folder);
    snprintf(delay, sizeof(delay), "%d", delay_ms);
    if (!make_certificate(key, certificate))
        return 0;
    if (pipe(fds) != 0)
        give_up("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execlp("node", "node", CALLS_SERVER, key, certificate, delay, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    FILE *says = fdopen(fds[0], "r");
    bool ready = pid > 0 && says && fscanf(says, "%d", ret_port) == 1;
    if (says)
        fclose(says);
    if (!ready && pid > 0)
        waitpid(pid, NULL, 0);
    return ready ? pid : 0;
}

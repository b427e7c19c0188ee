/* SPDX-License-Identifier: Apache-2.0
 *
 * Hearing what the filter denies. The kernel gives the listener of a filter to who installs it, and
 * who has installed this one may send no descriptor any more. So a second thread of the worker,
 * which the filter does not bind, waits for the listener, sends it, and ends before anything of the
 * plugin runs. Not chosen: a signal at each denied call, which kills where signals are blocked,
 * as they are inside of fork and pthread_create; a supervisor beside the worker, which would need
 * the right to take its descriptors.
 */
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- in the worker ---- */

struct messenger {
    int hearer, ends[2];
};

static void send_descriptor(int socket, int fd)
{
    char byte = 'l';
    struct iovec bytes = {&byte, 1};
    union control control;
    memset(&control, 0, sizeof(control));
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    *CMSG_FIRSTHDR(&message) = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(fd));
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    (void)sent; /* who does not listen is not told; what is denied then fails with ENOSYS */
}

static void *carry(void *user)
{
    const struct messenger *m = user;
    int listener = -1;
    if (read(m->ends[0], &listener, sizeof(listener)) == sizeof(listener) && listener >= 0) {
        send_descriptor(m->hearer, listener);
        close(listener);
    }
    return NULL;
}

bool hearing_start(int hearer, hearing_fn enter, void *user)
{
    struct messenger m = {.hearer = hearer};
    pthread_t thread;
    if (pipe2(m.ends, O_CLOEXEC) != 0)
        return false;
    bool started = pthread_create(&thread, NULL, carry, &m) == 0;
    int listener = started ? enter(user) : -1;
    ssize_t told = write(m.ends[1], &listener, sizeof(listener));
    (void)told; /* it has room for it */
    close(m.ends[1]);
    if (started)
        pthread_join(thread, NULL);
    close(m.ends[0]);
    if (listener >= 0)
        close(hearer);
    return listener >= 0;
}

/* ---- in the host ---- */

int sandbox_hear(int hearer)
{
    char byte;
    struct iovec bytes = {&byte, 1};
    union control control;
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t got;
    do
        got = recvmsg(hearer, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    const struct cmsghdr *head = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    int listener = -1;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&listener, CMSG_DATA(head), sizeof(listener));
    return listener;
}

bool sandbox_hear_call(int listener, int *ret_call)
{
    struct seccomp_notif asked;
    memset(&asked, 0, sizeof(asked));
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
        return false;
    struct seccomp_notif_resp answer = {.id = asked.id, .error = -EPERM};
    *ret_call = asked.data.nr;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0 || errno == ENOENT;
}

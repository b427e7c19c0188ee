/* SPDX-License-Identifier: Apache-2.0
 *
 * knock WHERE HOW [N]: a client without manners, for tests of the server. Requests are taken as
 * they are from standard input, byte for byte.
 *
 *   raw       sends it, and prints what comes until the other end closes, or nothing comes for long
 *   many N    opens N connections and keeps them; prints how many were kept, and told 503 or 429
 *   loris N   N connections that send it a byte at a time, and never its end, until all are closed
 *             by the other end; prints how many that were
 *   notified  is no client: listens at the path WHERE as a service manager does, and prints what it
 *             is told, until it is told that the server stops
 *   deaf N    N connections that send it and read nothing; prints a line, and waits for its own end
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, REQUEST_MAX = 1 << 20, DRIP_MS = 500, LORIS_PATIENCE_MS = 30000 };

static char request[REQUEST_MAX];
static size_t request_len;

static int dial(int port, int receive_buffer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        length -= (size_t)sent;
    }
}

static int raw(int port)
{
    char bytes[65536];
    int fd = dial(port, 0);
    if (fd < 0)
        return 1;
    send_all(fd, request, request_len);
    struct pollfd poll_one = {.fd = fd, .events = POLLIN};
    while (poll(&poll_one, 1, PATIENCE_MS) > 0) {
        ssize_t length = recv(fd, bytes, sizeof(bytes), 0);
        if (length <= 0)
            return 0;
        fwrite(bytes, 1, (size_t)length, stdout);
    }
    puts("(nothing more comes)");
    return 0;
}

static int many(int port, int count)
{
    char bytes[512];
    int kept = 0, busy = 0, refused = 0, failed = 0;
    int *fds = calloc((size_t)count, sizeof(*fds));
    for (int i = 0; i < count; i++) {
        fds[i] = dial(port, 0);
        failed += fds[i] < 0;
        if (fds[i] < 0)
            continue;
        /* what is too many is told so at once, and closed: the descriptor is free for the next */
        struct pollfd one = {.fd = fds[i], .events = POLLIN};
        if (poll(&one, 1, i < 250 ? 0 : 20) <= 0) {
            kept++;
            continue;
        }
        ssize_t length = recv(fds[i], bytes, sizeof(bytes) - 1, 0);
        bytes[length > 0 ? length : 0] = '\0';
        busy += strstr(bytes, " 503 ") && strstr(bytes, "Retry-After");
        refused += strstr(bytes, " 429 ") && strstr(bytes, "Retry-After");
        close(fds[i]);
    }
    printf("{\"kept\": %d, \"503\": %d, \"429\": %d, \"failed\": %d}\n", kept, busy, refused,
           failed);
    free(fds);
    return 0;
}

static int loris(int port, int count)
{
    struct pollfd *polls = calloc((size_t)count, sizeof(*polls));
    int open = 0, waited = 0;
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        polls[i] = (struct pollfd){.fd = dial(port, 0), .events = POLLIN};
        open += polls[i].fd >= 0;
    }
    int opened = open;
    while (open > 0 && waited < LORIS_PATIENCE_MS) {
        for (int i = 0; i < count; i++)
            if (polls[i].fd >= 0)
                send(polls[i].fd, at < request_len ? &request[at] : "x", 1, MSG_NOSIGNAL);
        at++;
        poll(polls, (nfds_t)count, DRIP_MS);
        waited += DRIP_MS;
        for (int i = 0; i < count; i++) {
            char byte;
            if (polls[i].fd < 0 || !polls[i].revents)
                continue;
            if (recv(polls[i].fd, &byte, 1, MSG_DONTWAIT) <= 0) {
                close(polls[i].fd);
                polls[i].fd = -1;
                open--;
            }
        }
    }
    printf("{\"opened\": %d, \"closed\": %d}\n", opened, opened - open);
    free(polls);
    return 0;
}

static int deaf(int port, int count)
{
    int sent = 0;
    for (int i = 0; i < count; i++) {
        int fd = dial(port, 2048);
        if (fd < 0)
            continue;
        send_all(fd, request, request_len);
        sent++;
    }
    printf("%d\n", sent);
    fflush(stdout);
    pause();
    return 0;
}

static int notified(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char message[4096];
    if (strlen(path) >= sizeof(address.sun_path))
        return 2;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return 1;
    puts("listening");
    fflush(stdout);
    for (ssize_t length; (length = recv(fd, message, sizeof(message) - 1, 0)) > 0;) {
        message[length] = '\0';
        puts(message);
        fflush(stdout);
        if (strstr(message, "STOPPING=1"))
            return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (argc < 3)
        return 2;
    if (strcmp(argv[2], "notified") == 0)
        return notified(argv[1]);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int port = (int)strtol(argv[1], NULL, 10);
    int count = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    if (strcmp(argv[2], "many") == 0)
        return many(port, count);
    request_len = fread(request, 1, sizeof(request), stdin);
    if (strcmp(argv[2], "raw") == 0)
        return raw(port);
    if (strcmp(argv[2], "loris") == 0)
        return loris(port, count);
    if (strcmp(argv[2], "deaf") == 0)
        return deaf(port, count);
    return 2;
}

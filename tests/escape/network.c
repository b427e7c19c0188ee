/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways to the network, and to whoever listens on this machine.
 */
#include "escape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int kind(int family, int type, int protocol)
{
    return opened(socket(family, type | SOCK_CLOEXEC, protocol));
}

/* On a socket of its own; the call's errno. */
static int on_socket(int family, int type, int (*call)(int, const struct sockaddr *, socklen_t),
                     const void *address, socklen_t size)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int error = result(call(fd, address, size));
    close(fd);
    return error;
}

static int tcp_connect(void)
{
    struct sockaddr_in to = loopback(targets.port);
    return on_socket(AF_INET, SOCK_STREAM, connect, &to, sizeof(to));
}

static int tcp_listen(void)
{
    struct sockaddr_in at = loopback(0);
    int error = on_socket(AF_INET, SOCK_STREAM, bind, &at, sizeof(at));
    return error;
}

static int send_datagram(int fd, const struct sockaddr *to, socklen_t size)
{
    return (int)sendto(fd, "x", 1, MSG_DONTWAIT, to, size);
}

static int udp_send(void)
{
    struct sockaddr_in to = loopback(9);
    return on_socket(AF_INET, SOCK_DGRAM, send_datagram, &to, sizeof(to));
}

static int tcp_fast_open(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    struct sockaddr_in to = loopback(targets.port);
    int error =
        result(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)));
    close(fd);
    return error == EINPROGRESS ? 0 : error;
}

static int six(void)
{
    return kind(AF_INET6, SOCK_STREAM, 0);
}
static int netlink(void)
{
    return kind(AF_NETLINK, SOCK_RAW, 0);
}
static int raw(void)
{
    return kind(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static int packet(void)
{
    return kind(AF_PACKET, SOCK_RAW, 0);
}
static int vsock(void)
{
    return kind(AF_VSOCK, SOCK_STREAM, 0);
}
static int algorithms(void)
{
    return kind(AF_ALG, SOCK_SEQPACKET, 0);
}

static int resolve(void)
{
    struct addrinfo *found = NULL, hints = {.ai_family = AF_INET};
    int failed = getaddrinfo("localhost", "80", &hints, &found);
    if (failed)
        return EACCES;
    freeaddrinfo(found);
    return 0;
}

static int unix_socket(const char *path, int (*call)(int, const struct sockaddr *, socklen_t),
                       size_t zero)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path + zero, sizeof(to.sun_path) - zero, "%s", path);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + zero + strlen(path));
    int error = on_socket(AF_UNIX, SOCK_STREAM, call, &to, size);
    return error == ECONNREFUSED || error == ENOENT ? 0 : error; /* it looked */
}

static int unix_path(void)
{
    return unix_socket(outside("socket"), connect, 0);
}
static int unix_abstract(void)
{
    return unix_socket("seam-escape", connect, 1);
}
static int unix_abstract_listen(void)
{
    return unix_socket("seam-escape-2", bind, 1);
}

/* A pair is harmless; a datagram of one to somebody else is not. */
static int by_a_pair(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "\0seam-escape"};
    int error = result(sendto(pair[0], "x", 1, 0, (struct sockaddr *)&to,
                              offsetof(struct sockaddr_un, sun_path) + 12));
    close(pair[0]);
    close(pair[1]);
    return error == ECONNREFUSED ? 0 : error;
}

static int ring(void)
{
    char setup[120] = {0};
    return opened(syscall(SYS_io_uring_setup, 4, setup));
}

/* The host's own socket: a new destination, or descriptors sent to it. */
static int turn_the_hosts_socket(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNSPEC};
    int error = result(connect(3, (struct sockaddr *)&to, sizeof(to)));
    return error == EINVAL || error == EISCONN ? 0 : error;
}

static int send_a_descriptor(void)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    return result(sendmsg(3, &message, MSG_DONTWAIT));
}

const struct attempt network_attempts[] = {
    {"network", "connect by TCP", tcp_connect},
    {"network", "connect by TCP fast open", tcp_fast_open},
    {"network", "listen on a TCP port", tcp_listen},
    {"network", "send by UDP", udp_send},
    {"network", "open an IPv6 socket", six},
    {"network", "open a netlink socket", netlink},
    {"network", "open a raw socket", raw},
    {"network", "open a packet socket", packet},
    {"network", "open a vsock", vsock},
    {"network", "open a socket of algorithms", algorithms},
    {"network", "look up a name", resolve},
    {"network", "connect to a unix socket", unix_path},
    {"network", "connect to an abstract socket", unix_abstract},
    {"network", "listen on an abstract socket", unix_abstract_listen},
    {"network", "send to a stranger from a pair", by_a_pair},
    {"network", "make an io_uring", ring},
    {"host", "turn the host's socket elsewhere", turn_the_hosts_socket},
    {"host", "send the host a descriptor", send_a_descriptor},
    {0},
};

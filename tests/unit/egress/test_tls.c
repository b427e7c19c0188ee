/* SPDX-License-Identifier: Apache-2.0
 *
 * The same questions behind TLS, against a real server: `openssl s_server`, which hands over on its
 * output what it decrypts, and sends what it is given on its input. What it prints is the witness
 * of what arrived. Its input is a pipe of packets, for one that is "S" makes it print, once all
 * before it was sent (and is sent too). Its output is a terminal, for it flushes lines to nothing
 * else. With -HTTP it sends a file, and closes in order.
 */
#include "peer.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

struct server {
    char folder[32], key[64], certificate[64];
    pid_t pid;
    int to, from;
    uint16_t port;
    char seen[1 << 16]; /* all that it has printed */
    size_t length;
};

static pid_t spawn(const char *const *words, const char *folder, int input, int output)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (input >= 0)
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (output >= 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ck_assert_msg(posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)words, environ) == 0,
                  "these tests need the program openssl");
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void make_certificate(struct server *server, const char *names)
{
    int status;
    strcpy(server->folder, "/tmp/seam-egress-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server->folder));
    snprintf(server->key, sizeof(server->key), "%s/key.pem", server->folder);
    snprintf(server->certificate, sizeof(server->certificate), "%s/cert.pem", server->folder);
    pid_t pid = spawn((const char *const[]){"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                                            "-subj", "/CN=test", "-addext", names, "-keyout",
                                            server->key, "-out", server->certificate, NULL},
                      server->folder, -1, -1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

/* Takes more of what the server prints; false at its end. */
static bool listen_more(struct server *server)
{
    ssize_t got = read(server->from, server->seen + server->length,
                       sizeof(server->seen) - 1 - server->length);
    if (got <= 0)
        return false;
    server->length += (size_t)got;
    server->seen[server->length] = '\0';
    return true;
}

static struct server *server_new(const char *names, const char *mode)
{
    struct server *server = xcalloc(1, sizeof(*server));
    int in[2], master, slave;
    make_certificate(server, names);
    ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_DIRECT), 0);
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    ck_assert_int_eq(fcntl(master, F_SETFD, FD_CLOEXEC), 0);
    server->pid =
        spawn((const char *const[]){"openssl", "s_server", "-accept", "127.0.0.1:0", "-key",
                                    server->key, "-cert", server->certificate, mode, NULL},
              server->folder, in[0], slave);
    close(in[0]);
    close(slave);
    server->to = in[1];
    server->from = master;
    while (!strstr(server->seen, "ACCEPT 127.0.0.1:") || !strchr(server->seen, '\n'))
        ck_assert(listen_more(server));
    server->port = (uint16_t)atoi(strstr(server->seen, "127.0.0.1:") + 10);
    return server;
}

static void server_kill(struct server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

static void server_free(struct server *server)
{
    server_kill(server);
    while (listen_more(server))
        continue;
    close(server->to);
    close(server->from);
    unlink(server->key);
    unlink(server->certificate);
    rmdir(server->folder);
    free(server);
}

static size_t arrivals(const struct server *server)
{
    size_t count = 0;
    for (const char *at = server->seen; (at = strstr(at, "POST /book")); at++)
        count++;
    return count;
}

/* Drives both sides until the server has printed these words. */
static void drive_until_seen(struct egress *egress, struct server *server, const char *words)
{
    while (!strstr(server->seen, words)) {
        struct pollfd fds[3] = {{.fd = egress_fd(egress), .events = POLLIN},
                                {.fd = server->from, .events = POLLIN},
                                {.fd = egress_turn_fd(egress), .events = POLLIN}};
        ck_assert_msg(poll(fds, 3, 30000) > 0, "neither side moves");
        if (fds[1].revents)
            ck_assert(listen_more(server));
        if (fds[2].revents)
            egress_turn(egress);
        egress_dispatch(egress);
    }
}

/* … while the client's side stands still. */
static void listen_until_seen(struct server *server, const char *words)
{
    while (!strstr(server->seen, words))
        ck_assert(listen_more(server));
}

static struct egress_request *book(struct call *call, const struct server *server, const char *host)
{
    snprintf(call->url, sizeof(call->url), "https://%s:%u/book", host, server->port);
    call->request = (struct egress_request){.method = "POST",
                                            .url = call->url,
                                            .body = SLICE("the-body"),
                                            .timeout_ms = 20000,
                                            .allow_private = true,
                                            .mutating = true};
    return &call->request;
}

static void server_say(const struct server *server, const char *words)
{
    ck_assert_int_eq(write(server->to, words, strlen(words)), (ssize_t)strlen(words));
}

START_TEST(a_trusted_server_gets_one_request_and_answers)
{
    struct server *server = server_new("subjectAltName=IP:127.0.0.1", "-ign_eof");
    struct egress *egress = new_egress();
    struct told told = {0};
    struct call call;
    egress_trust(egress, server->certificate);
    start(egress, book(&call, server, "127.0.0.1"), &told);
    drive_until_seen(egress, server, "the-body");
    server_say(server, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
    DRIVE_UNTIL(egress, NULL, told.times == 1);
    ck_assert_msg(told.fate == FATE_ANSWERED, "%s", told.reason);
    ck_assert_int_eq(told.status, 201);
    ck_assert_str_eq(told.body, "ok");
    ck_assert_uint_eq(arrivals(server), 1);
    egress_free(egress);
    server_free(server);
}
END_TEST

START_TEST(the_greeting_is_not_the_owners_work)
{
    struct server *server = server_new("subjectAltName=IP:127.0.0.1", "-ign_eof");
    struct egress *egress = new_egress();
    struct told told = {0};
    struct call call;
    egress_trust(egress, server->certificate);
    start(egress, book(&call, server, "127.0.0.1"), &told);
    /* the server has greeted and has the request, and the owner did nothing for it */
    listen_until_seen(server, "the-body");
    ck_assert_int_eq(told.times, 0);
    egress_free(egress);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    server_free(server);
}
END_TEST

/* The request fails before it leaves; the server prints nothing of it up to its end. */
static void is_unsent(struct server *server, struct egress *egress, const char *host)
{
    struct call call;
    struct told told = ask(egress, book(&call, server, host));
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    ck_assert_int_eq(told.code, ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(told.reason, "vouches"));
    server_kill(server);
    while (listen_more(server))
        continue;
    ck_assert_uint_eq(arrivals(server), 0);
    egress_free(egress);
    server_free(server);
}

START_TEST(a_server_that_nobody_vouches_for_gets_nothing)
{
    is_unsent(server_new("subjectAltName=IP:127.0.0.1", "-ign_eof"), new_egress(), "127.0.0.1");
}
END_TEST

START_TEST(a_server_with_another_name_gets_nothing)
{
    struct server *server = server_new("subjectAltName=DNS:other.example", "-ign_eof");
    struct egress *egress = new_egress();
    egress_trust(egress, server->certificate);
    is_unsent(server, egress, "127.0.0.1");
}
END_TEST

START_TEST(trust_can_be_taken_back)
{
    struct server *server = server_new("subjectAltName=IP:127.0.0.1", "-ign_eof");
    struct egress *egress = new_egress();
    egress_trust(egress, server->certificate);
    egress_trust(egress, NULL);
    is_unsent(server, egress, "127.0.0.1");
}
END_TEST

/* The server has the request and has sent the words; then it is killed, and the answer is told.
 * Until then nobody takes it, for who has it whole would close, and the server say nothing more. */
static struct told told_before_death(const char *words)
{
    struct server *server = server_new("subjectAltName=IP:127.0.0.1", "-ign_eof");
    struct egress *egress = new_by_hand();
    struct told told = {0};
    struct call call;
    egress_trust(egress, server->certificate);
    start(egress, book(&call, server, "127.0.0.1"), &told);
    drive_until_seen(egress, server, "the-body");
    server_say(server, words);
    server_say(server, "S\n");
    listen_until_seen(server, "session cache");
    server_kill(server);
    DRIVE_UNTIL(egress, NULL, told.times == 1);
    ck_assert_uint_eq(arrivals(server), 1);
    egress_free(egress);
    server_free(server);
    return told;
}

START_TEST(a_server_that_dies_after_the_commit_is_unknown)
{
    struct told told = told_before_death("HTTP/1.1 100 Continue\r\n\r\n");
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_IO);
}
END_TEST

START_TEST(a_body_that_ends_without_a_farewell_is_unknown)
{
    struct told told = told_before_death("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of wh");
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(told.reason, "was cut"));
    ck_assert_ptr_nonnull(strstr(told.reason, "status 200"));
}
END_TEST

START_TEST(a_body_that_ends_with_a_farewell_is_answered)
{
    struct server *server = server_new("subjectAltName=IP:127.0.0.1", "-HTTP");
    struct egress *egress = new_egress();
    char path[64];
    struct call call;
    snprintf(path, sizeof(path), "%s/book", server->folder);
    FILE *file = fopen(path, "w");
    fputs("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", file);
    fclose(file);
    egress_trust(egress, server->certificate);
    book(&call, server, "127.0.0.1")->method = "GET";
    call.request.body.len = 0;
    struct told told = ask(egress, &call.request);
    ck_assert_msg(told.fate == FATE_ANSWERED, "%s", told.reason);
    ck_assert_str_eq(told.body, "all of it");
    unlink(path);
    egress_free(egress);
    server_free(server);
}
END_TEST

START_TEST(a_body_of_known_length_needs_no_farewell)
{
    ck_assert_int_eq(told_before_death("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").fate,
                     FATE_ANSWERED);
    ck_assert_int_eq(told_before_death("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "2\r\nok\r\n0\r\n\r\n")
                         .fate,
                     FATE_ANSWERED);
    ck_assert_int_eq(told_before_death("HTTP/1.1 204 No Content\r\n\r\n").fate, FATE_ANSWERED);
}
END_TEST

UNIT_MAIN(a_trusted_server_gets_one_request_and_answers, the_greeting_is_not_the_owners_work,
          a_server_that_nobody_vouches_for_gets_nothing, a_server_with_another_name_gets_nothing,
          trust_can_be_taken_back, a_server_that_dies_after_the_commit_is_unknown,
          a_body_that_ends_without_a_farewell_is_unknown,
          a_body_that_ends_with_a_farewell_is_answered, a_body_of_known_length_needs_no_farewell)

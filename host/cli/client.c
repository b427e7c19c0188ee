/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line as a client of `seam serve`: one request, one answer, and the connection ends.
 */
#include "cli/cli_internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 << 20 };

char *client_where(const struct args *args, const struct roster *roster)
{
    const struct manifest *manifest = roster->manifest;
    const char *said = args_option(args, "--listen");
    if (!said)
        said = json_string_value(json_object_get(manifest->serve, "listen"));
    if (said && strncmp(said, "unix:", 5) != 0)
        return xstrdup(said);
    if (said) {
        AUTO(freep) char *path = manifest_resolve(manifest, said + 5);
        return xasprintf("unix:%s", path);
    }
    AUTO(freep) char *store = roster_store(roster, args_option(args, "--store"));
    const char *slash = store ? strrchr(store, '/') : NULL;
    return xasprintf("unix:%.*s/seam.sock", slash ? (int)(slash - store) : 1, slash ? store : ".");
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int connect_port(const char *said)
{
    const char *bare = strncmp(said, "http://", 7) == 0 ? said + 7 : said;
    const char *colon = strrchr(bare, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    bool bracket = bare[0] == '[' && colon && colon > bare + 1 && colon[-1] == ']';
    AUTO(freep)
    char *host = xstrndup(bare + bracket, colon ? (size_t)(colon - bare) - 2U * bracket : 0);
    int fd = -1;
    if (!colon || getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

static enum error_code read_token(const char *path, char *ret_token, size_t size,
                                  struct error *reterr)
{
    ret_token[0] = '\0';
    FILE *file = path ? fopen(path, "re") : NULL;
    if (path && !file)
        return error_set_errno(reterr, errno, "token file %s: cannot be opened", path);
    if (file && !fgets(ret_token, (int)size, file))
        ret_token[0] = '\0';
    if (file)
        fclose(file);
    ret_token[strcspn(ret_token, "\r\n")] = '\0';
    return ERR_OK;
}

static bool send_all(int fd, const char *text, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t count = send(fd, text + sent, length - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        sent += (size_t)count;
    }
    return true;
}

static enum error_code exchange(const char *at, const char *request, int wait_s, struct text *out,
                                struct error *reterr)
{
    bool local = strncmp(at, "unix:", 5) == 0;
    int fd = local ? connect_unix(at + 5) : connect_port(at);
    if (fd < 0)
        return error_set_errno(reterr, errno,
                               "no server answers at %s (is `seam serve` running? --listen says "
                               "where)",
                               at);
    struct timeval wait = {.tv_sec = wait_s};
    if (wait_s > 0)
        (void)!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    char bytes[4096];
    ssize_t count = send_all(fd, request, strlen(request)) ? 1 : -1;
    while (count > 0 && out->len < ANSWER_MAX) {
        count = recv(fd, bytes, sizeof(bytes), 0);
        if (count > 0)
            text_add(out, bytes, (size_t)count);
    }
    close(fd);
    return out->len > 0 ? ERR_OK : error_set(reterr, ERR_IO, "the server at %s gave no answer", at);
}

enum error_code client_ask(const char *at, const char *token_file,
                           const struct client_request *request, unsigned *ret_status,
                           json_t **ret_body, struct error *reterr)
{
    AUTO(text_done) struct text out;
    char token[LIMIT_TOKEN + 1];
    text_init(&out, ANSWER_MAX + 4096);
    enum error_code code = read_token(token_file, token, sizeof(token), reterr);
    const char *body = request->body ? request->body : "";
    AUTO(freep)
    char *head = xasprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s%s"
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           request->body ? "POST" : "GET", request->path,
                           code == ERR_OK && *token ? "Authorization: Bearer " : "",
                           code == ERR_OK ? token : "", code == ERR_OK && *token ? "\r\n" : "",
                           strlen(body), body);
    if (code == ERR_OK)
        code = exchange(at, head, request->wait_s, &out, reterr);
    if (code != ERR_OK)
        return code;
    const char *blank = strstr(text_str(&out), "\r\n\r\n");
    unsigned status = 0;
    if (!blank || sscanf(text_str(&out), "HTTP/1.1 %u", &status) != 1 ||
        json_read(slice_of(blank + 4), ANSWER_MAX, ret_body, NULL) != ERR_OK)
        return error_set(reterr, ERR_IO, "the answer of %s is not one of `seam serve`", at);
    *ret_status = status;
    return ERR_OK;
}

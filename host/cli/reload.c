/* SPDX-License-Identifier: Apache-2.0
 *
 * seam reload: asks the server of a manifest to take the manifest as it is now, waits, and says
 * what became of it. One request, one answer, and the connection ends.
 */
#include "cli/cli_internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 << 20 };

static char *where(const struct args *args, const struct roster *roster)
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

static enum error_code ask(const char *at, const char *token, struct text *out,
                           struct error *reterr)
{
    bool local = strncmp(at, "unix:", 5) == 0;
    int fd = local ? connect_unix(at + 5) : connect_port(at);
    if (fd < 0)
        return error_set_errno(reterr, errno,
                               "no server answers at %s (is `seam serve` running? --listen says "
                               "where)",
                               at);
    AUTO(freep)
    char *request =
        xasprintf("POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s%s"
                  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                  *token ? "Authorization: Bearer " : "", token, *token ? "\r\n" : "");
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

static int tell(const struct args *args, const char *head, json_t *body)
{
    bool taken = strncmp(head, "HTTP/1.1 200", 12) == 0;
    const json_t *plugin;
    size_t i;
    if (args->json)
        print_json(json_incref(body));
    else if (!taken)
        return complain(strncmp(head, "HTTP/1.1 429", 12) == 0 ? EXIT_FAILED : EXIT_REFUSED,
                        "not reloaded: %s", text_of(body, "detail"));
    json_array_foreach (json_object_get(body, "plugins"), i, plugin) {
        if (!args->json)
            printf("%-12s %-9s generation %lld\n", text_of(plugin, "plugin"),
                   text_of(plugin, "change"),
                   (long long)json_integer_value(json_object_get(plugin, "generation")));
    }
    return taken ? EXIT_DONE : EXIT_REFUSED;
}

int command_reload(const struct args *args)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    AUTO(text_done) struct text out;
    AUTO(json_decrefp) json_t *body = NULL;
    struct error err;
    char token[LIMIT_TOKEN + 1];
    text_init(&out, ANSWER_MAX + 4096);
    /* a manifest that cannot be read now is for the server to refuse, if it is said where it is */
    AUTO(freep) char *at = NULL;
    const char *said = args_option(args, "--listen");
    enum error_code code = said ? ERR_OK : open_roster(args, true, &roster, &err);
    if (code == ERR_OK)
        at = roster ? where(args, roster) : xstrdup(said);
    if (code == ERR_OK)
        code = read_token(args_option(args, "--token"), token, sizeof(token), &err);
    if (code == ERR_OK)
        code = ask(at, token, &out, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    const char *blank = strstr(text_str(&out), "\r\n\r\n");
    if (!blank || json_read(slice_of(blank + 4), ANSWER_MAX, &body, &err) != ERR_OK)
        return complain(EXIT_FAILED, "the answer of %s is not one of `seam serve`", at);
    return tell(args, text_str(&out), body);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that gives away what it is told: it writes each request down in a file, whole, and
 * answers with the value of the header X-Say (or the request's body) in every spelling that it
 * knows, in its body and in a header. GET /zip says that the body is compressed; /away leads to
 * another host with it; /cut ends before the body does. Prints its port, and lives until it is
 * killed.
 */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char request[1 << 16], answer[1 << 19];
static size_t answer_len;

static void say(const char *format, const char *value)
{
    answer_len += (size_t)snprintf(answer + answer_len, sizeof(answer) - answer_len, format, value);
}

static void say_escaped(const char *what, const char *format, const char *text)
{
    say("\n%s ", what);
    for (const char *c = text; *c; c++)
        answer_len += (size_t)snprintf(answer + answer_len, sizeof(answer) - answer_len, format,
                                       (unsigned)(unsigned char)*c);
}

static void say_base64(const char *before, const char *text, int variant)
{
    char whole[8192], encoded[16384];
    int len = snprintf(whole, sizeof(whole), "%s%s!", before, text);
    sodium_bin2base64(encoded, sizeof(encoded), (unsigned char *)whole, (size_t)len, variant);
    say("\nbase64 %s", encoded);
}

static void speak(const char *text)
{
    say("plain %s", text);
    say_escaped("percent", "%%%02X", text);
    say_escaped("lower", "%%%02x", text);
    say_escaped("twice", "%%25%02X", text);
    say_escaped("json", "\\u%04x", text);
    say_escaped("json-twice", "\\\\u%04X", text);
    say_escaped("html", "&#%u;", text);
    say_escaped("html-hex", "&#x%X;", text);
    say_escaped("hex", "%02x", text);
    say_escaped("HEX", "%02X", text);
    say_escaped("quoted", "=%02X", text);
    for (const char *const *before = (const char *const[]){"", "a", "ab", "abc", NULL}; *before;
         before++) {
        say_base64(*before, text, sodium_base64_VARIANT_ORIGINAL);
        say_base64(*before, text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    }
    say("\nend", "");
}

static char *find_header(const char *name)
{
    char *at = strcasestr(request, name);
    return at ? at + strlen(name) : NULL;
}

static void read_request(int fd)
{
    size_t len = 0;
    memset(request, 0, sizeof(request));
    for (;;) {
        ssize_t got = read(fd, request + len, sizeof(request) - 1 - len);
        if (got <= 0)
            return;
        len += (size_t)got;
        char *end = strstr(request, "\r\n\r\n"), *length = find_header("\r\nContent-Length: ");
        if (end && len >= (size_t)(end - request) + 4 + (length ? strtoul(length, NULL, 10) : 0))
            return;
    }
}

static void write_down(const char *file)
{
    FILE *out = fopen(file, "a");
    fprintf(out, "%s\n----\n", request);
    fclose(out);
}

static void serve(int fd, const char *file)
{
    char head[8192], value[4096];
    read_request(fd);
    write_down(file);
    char *said = find_header("\r\nX-Say: "), *body = strstr(request, "\r\n\r\n");
    snprintf(value, sizeof(value), "%s", said ? said : body ? body + 4 : "");
    value[strcspn(value, "\r")] = '\0';
    answer_len = 0;
    speak(value);
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %s\r\nContent-Length: %zu\r\nContent-Type: text/plain\r\n"
                       "X-Echo: %s\r\nConnection: close\r\n%s\r\n",
                       strstr(request, "/away") ? "302 Found" : "200 OK",
                       answer_len + (strstr(request, "/cut") ? 10 : 0), value,
                       strstr(request, "/zip")    ? "Content-Encoding: gzip\r\n"
                       : strstr(request, "/away") ? "Location: http://evil.example/?x=1\r\n"
                                                  : "");
    if (write(fd, head, (size_t)len) < 0 || write(fd, answer, answer_len) < 0)
        perror("parrot");
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (argc != 2 || sodium_init() < 0 || bind(listening, (struct sockaddr *)&at, size) != 0 ||
        listen(listening, 16) != 0 || getsockname(listening, (struct sockaddr *)&at, &size) != 0)
        return 2;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        serve(fd, argv[1]);
        close(fd);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The bare program: what libcurl does by itself when it is asked for so many transfers at once,
 * with nothing checked and nothing kept. Its sockets are in an epoll, for that is what scales; it
 * gives each transfer the same request, and reuses connections where that is possible; over TLS it
 * shares them by HTTP/2.
 */
#include "calls.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { EVENTS = 512, BODY_MAX = 1024, NUDGE_MS = 200 };

struct bare {
    CURLM *multi;
    int epoll;
    long timeout_ms;
    long done;
};

struct transfer {
    CURL *easy;
    size_t len;
    char body[BODY_MAX];
};

const char calls_question[] =
    "{\"model\":\"scripted\",\"max_tokens\":64,\"messages\":[{\"role\":\"system\",\"content\":"
    "\"You sort reports of users. Be brief.\"},{\"role\":\"user\",\"content\":\"The report: number "
    "1234 crashes when I save\"}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
    "\"name\":\"answer\",\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{\"label\":"
    "{\"enum\":[\"bug\",\"wish\"]}},\"required\":[\"label\"],\"additionalProperties\":false}}}}";

static int watch(CURL *easy, curl_socket_t socket, int what, void *user, void *known)
{
    struct bare *bare = user;
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
                                          (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
                                .data.fd = socket};
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(bare->epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    if (epoll_ctl(bare->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0)
        give_up("bare: epoll");
    curl_multi_assign(bare->multi, socket, bare);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct bare *bare = user;
    (void)multi;
    bare->timeout_ms = timeout_ms;
    return 0;
}

static size_t take(char *bytes, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    size_t len = size * count;
    if (transfer->len + len > BODY_MAX)
        return 0;
    memcpy(transfer->body + transfer->len, bytes, len);
    transfer->len += len;
    return len;
}

static CURL *new_easy(const struct place *place, const char *path, struct transfer *transfer)
{
    char url[128];
    snprintf(url, sizeof(url), "%s%s", place->url, path);
    CURL *easy = curl_easy_init();
    if (!easy)
        give_up("bare: no memory");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    if (place->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, place->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    }
    return easy;
}

static void add(struct bare *bare, const struct place *place, struct transfer *transfer,
                struct curl_slist *headers)
{
    transfer->easy = new_easy(place, CALLS_PATH, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, calls_question);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(calls_question));
    if (curl_multi_add_handle(bare->multi, transfer->easy) != CURLM_OK)
        give_up("bare: a transfer was not taken");
}

static void collect(struct bare *bare)
{
    int left;
    for (CURLMsg *said; (said = curl_multi_info_read(bare->multi, &left));) {
        struct transfer *transfer = NULL;
        CURL *easy = said->easy_handle;
        long status = 0;
        CURLcode result = said->data.result;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (result != CURLE_OK || status != 200 || transfer->len == 0)
            give_up("bare: %s, status %ld", curl_easy_strerror(result), status);
        curl_multi_remove_handle(bare->multi, easy);
        curl_easy_cleanup(easy);
        transfer->easy = NULL;
        bare->done++;
    }
}

/* libcurl 7.88 forgets the ends of some answers on shared connections, with thousands at once; to
 * pause and go on has it look again. */
static void nudge(const struct bare *bare, struct transfer *transfers, int calls)
{
    int running;
    for (int i = 0; i < calls; i++)
        if (transfers[i].easy && transfers[i].len > 0) {
            curl_easy_pause(transfers[i].easy, CURLPAUSE_RECV);
            curl_easy_pause(transfers[i].easy, CURLPAUSE_CONT);
        }
    curl_multi_socket_action(bare->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

void ask_bare(const struct place *place, int calls, int connections)
{
    struct epoll_event events[EVENTS];
    struct bare bare = {.epoll = epoll_create1(EPOLL_CLOEXEC), .timeout_ms = -1};
    struct transfer *transfers = calloc((size_t)calls, sizeof(*transfers));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    bare.multi = curl_multi_init();
    if (!transfers || !headers || !bare.multi)
        give_up("bare: no memory");
    curl_multi_setopt(bare.multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(bare.multi, CURLMOPT_SOCKETDATA, &bare);
    curl_multi_setopt(bare.multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(bare.multi, CURLMOPT_TIMERDATA, &bare);
    curl_multi_setopt(bare.multi, CURLMOPT_MAXCONNECTS, (long)connections);
    curl_multi_setopt(bare.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections);
    for (int i = 0; i < calls; i++)
        add(&bare, place, &transfers[i], headers);
    while (bare.done < calls) {
        bool idle = place->ca_file && (bare.timeout_ms < 0 || bare.timeout_ms > NUDGE_MS);
        int running,
            count = epoll_wait(bare.epoll, events, EVENTS, idle ? NUDGE_MS : (int)bare.timeout_ms);
        for (int i = 0; i < count; i++)
            curl_multi_socket_action(
                bare.multi, events[i].data.fd,
                (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
                &running);
        if (count == 0 && idle)
            nudge(&bare, transfers, calls);
        else if (count == 0 || bare.timeout_ms == 0)
            curl_multi_socket_action(bare.multi, CURL_SOCKET_TIMEOUT, 0, &running);
        collect(&bare);
    }
    curl_multi_cleanup(bare.multi);
    curl_slist_free_all(headers);
    free(transfers);
}

struct seen ask_seen(const struct place *place)
{
    struct seen seen;
    struct transfer transfer = {0};
    CURL *easy = new_easy(place, "/_seen", &transfer);
    if (curl_easy_perform(easy) != CURLE_OK || transfer.len >= BODY_MAX)
        give_up("the server does not say what it has seen");
    transfer.body[transfer.len] = '\0';
    if (sscanf(transfer.body, "%lld %lld %lld", &seen.connections, &seen.requests, &seen.at_once) !=
        3)
        give_up("the server says \"%s\"", transfer.body);
    curl_easy_cleanup(easy);
    return seen;
}

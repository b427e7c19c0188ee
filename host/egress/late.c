/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl, when the first request wants it. It brings thirty libraries with it, and to load them
 * takes longer than all else that a short run does; most runs send nothing. So it is not linked:
 * the functions that this room calls stand here under their own names, checked by curl's own
 * header, and pass on to the library.
 *
 * Of the functions with `...`, each is called with one more argument: a pointer, a long or a
 * curl_off_t, which are one size on the systems that Seam runs on.
 */
#include "egress/egress_internal.h"

#include "base/late.h"

#include <stdarg.h>

_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *),
               "an option's value is passed on as a pointer");

#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

#define FUNCTIONS(X)                                                                               \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_init)                                                                              \
    X(curl_easy_pause)                                                                             \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_strerror)                                                                          \
    X(curl_free)                                                                                   \
    X(curl_getdate)                                                                                \
    X(curl_global_cleanup)                                                                         \
    X(curl_global_init)                                                                            \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_cleanup)                                                                          \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_init)                                                                             \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_setopt)                                                                           \
    X(curl_multi_socket_action)                                                                    \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_url)                                                                                    \
    X(curl_url_cleanup)                                                                            \
    X(curl_url_get)                                                                                \
    X(curl_url_set)                                                                                \
    X(curl_url_strerror)

static struct {
#define X(name) __typeof__(name) *name;
    FUNCTIONS(X)
#undef X
    bool loaded;
} late;

enum error_code late_load(struct error *reterr)
{
    static const struct late_library library = {"libcurl.so.4", "HTTP needs libcurl", "7.85"};
    const struct late_function all[] = {
#define X(name) {#name, &late.name},
        FUNCTIONS(X)
#undef X
    };
    if (late.loaded)
        return ERR_OK;
    enum error_code code = late_open(&library, all, sizeof(all) / sizeof(all[0]), reterr);
    late.loaded = code == ERR_OK;
    return code;
}

/* ---- one more argument ---- */

#define PASS_ON(function, handle, option)                                                          \
    va_list values;                                                                                \
    va_start(values, option);                                                                      \
    void *value = va_arg(values, void *);                                                          \
    va_end(values);                                                                                \
    return late.function(handle, option, value)

CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    PASS_ON(curl_easy_setopt, curl, option);
}

CURLcode curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    PASS_ON(curl_easy_getinfo, curl, info);
}

CURLMcode curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
    PASS_ON(curl_multi_setopt, multi, option);
}

/* ---- the others ---- */

void curl_easy_cleanup(CURL *curl)
{
    late.curl_easy_cleanup(curl);
}

CURL *curl_easy_init(void)
{
    return late.curl_easy_init();
}

CURLcode curl_easy_pause(CURL *curl, int what)
{
    return late.curl_easy_pause(curl, what);
}

const char *curl_easy_strerror(CURLcode code)
{
    return late.curl_easy_strerror(code);
}

void curl_free(void *p)
{
    late.curl_free(p);
}

time_t curl_getdate(const char *p, const time_t *unused)
{
    return late.curl_getdate(p, unused);
}

void curl_global_cleanup(void)
{
    late.curl_global_cleanup();
}

CURLcode curl_global_init(long flags)
{
    return late.curl_global_init(flags);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *curl)
{
    return late.curl_multi_add_handle(multi, curl);
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
    return late.curl_multi_cleanup(multi);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *left)
{
    return late.curl_multi_info_read(multi, left);
}

CURLM *curl_multi_init(void)
{
    return late.curl_multi_init();
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *curl)
{
    return late.curl_multi_remove_handle(multi, curl);
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t socket, int what, int *running)
{
    return late.curl_multi_socket_action(multi, socket, what, running);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *data)
{
    return late.curl_slist_append(list, data);
}

void curl_slist_free_all(struct curl_slist *list)
{
    if (list)
        late.curl_slist_free_all(list);
}

CURLU *curl_url(void)
{
    return late.curl_url();
}

void curl_url_cleanup(CURLU *url)
{
    if (url)
        late.curl_url_cleanup(url);
}

#if LIBCURL_VERSION_NUM < 0x080000
#define READ_ONLY
#else
#define READ_ONLY const
#endif

CURLUcode curl_url_get(READ_ONLY CURLU *url, CURLUPart what, char **part, unsigned int flags)
{
    return late.curl_url_get(url, what, part, flags);
}

CURLUcode curl_url_set(CURLU *url, CURLUPart what, const char *part, unsigned int flags)
{
    return late.curl_url_set(url, what, part, flags);
}

const char *curl_url_strerror(CURLUcode code)
{
    return late.curl_url_strerror(code);
}

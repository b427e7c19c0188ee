/* SPDX-License-Identifier: Apache-2.0
 *
 * A run, as it is shown: read back from the journal in pieces, one a turn of the loop, for a run of
 * ten thousand tasks takes longer than others should wait. Who asks for one waits, suspended; if he
 * goes, so does what was read for him. Tasks come in pages.
 *
 *   asked → shown            a run that one piece holds        [ask_show]
 *   asked → reading → shown  a longer one                      [go_on]
 *   reading → gone           whoever asked has hung up, or the server ends
 */
#include "server/server_internal.h"

#include <stdlib.h>

enum { PIECE = 200 }; /* records or tasks: a few milliseconds */

struct show {
    struct show *next;
    struct promise promise;
    struct showing *showing;
    char id[LIMIT_NAME + 1];
    size_t after, most;
};

static void show_free(struct show *show)
{
    if (show->promise.request)
        show->promise.request->promise = NULL;
    showing_free(show->showing);
    free(show);
}

static void reply_shown(struct request *request, const struct show *show)
{
    json_t *picture = showing_picture(show->showing);
    const char *stuck = map_get(&request->server->stuck, slice_of(show->id));
    size_t all = showing_tasks(show->showing);
    size_t end = all - show->after > show->most ? show->after + show->most : all;
    if (stuck)
        json_object_set_new(picture, "stuck", json_string(stuck));
    if (show->after > 0 || end < all) {
        json_object_set_new(picture, "tasks_count", json_integer((json_int_t)all));
        json_object_set_new(picture, "tasks_next",
                            end < all ? json_integer((json_int_t)end) : json_null());
    }
    reply_json(request, 200, picture);
}

/* One piece. False: the request has its reply. */
static bool read_piece(struct request *request, struct show *show)
{
    struct error err;
    bool more = false;
    if (showing_some(show->showing, PIECE, &more, &err) != ERR_OK)
        reply_error(request, &err);
    else if (more)
        return true;
    else if (show->after > showing_tasks(show->showing))
        reply_problem(request, 400,
                      "run %s has %zu tasks, and `after` is %zu; ask from an earlier one on, or "
                      "from 0",
                      show->id, showing_tasks(show->showing), show->after);
    else
        reply_shown(request, show);
    return false;
}

static void go_on(uv_timer_t *timer)
{
    struct server *server = timer->data;
    for (struct show **at = &server->shows; *at;) {
        struct show *show = *at;
        struct request *request = show->promise.request;
        if (request && read_piece(request, show)) {
            at = &show->next;
            continue;
        }
        *at = show->next;
        show_free(show);
        if (request)
            http_wake(request);
    }
    if (server->shows)
        uv_timer_start(&server->show_timer, go_on, 0, 0);
}

static void begin(struct request *request, size_t after, size_t most)
{
    struct server *server = request->server;
    struct journal_run known;
    struct error err;
    if (!run_find(request, &known))
        return;
    struct show *show = xcalloc(1, sizeof(*show));
    *show = (struct show){.promise = {.request = request}, .after = after, .most = most};
    snprintf(show->id, sizeof(show->id), "%s", request->target.id);
    enum error_code code = showing_begin(host_reader(server->host), server->shelf, show->id, after,
                                         most, &show->showing, &err);
    if (code != ERR_OK)
        reply_error(request, &err);
    if (code != ERR_OK || !read_piece(request, show)) {
        show_free(show);
        return;
    }
    request->promise = &show->promise;
    show->next = server->shows;
    server->shows = show;
    uv_timer_start(&server->show_timer, go_on, 0, 0);
}

void ask_show(struct request *request)
{
    enum { AFTER, LIMIT };
    static const char *const known[] = {"after", "limit", NULL};
    struct parameters parameters;
    struct error err;
    int64_t after = 0, most = 0;
    enum error_code code = parameters_parse(request->target.query, known, &parameters, &err);
    if (code == ERR_OK)
        code = parameter_number(&parameters, AFTER, 0, UINT32_MAX, 0, &after, &err);
    if (code == ERR_OK)
        code = parameter_number(&parameters, LIMIT, 1, LIMIT_TASKS_PAGE, LIMIT_TASKS_PAGE, &most,
                                &err);
    if (code == ERR_OK)
        begin(request, (size_t)after, (size_t)most);
    else
        reply_problem(request, 400, "%s", err.text);
    parameters_done(&parameters);
}

void shows_close(struct server *server)
{
    while (server->shows) {
        struct show *show = server->shows;
        server->shows = show->next;
        show_free(show);
    }
}

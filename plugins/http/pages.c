/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers in pages, read to their end or to the limit: {items, more}. The next page stands at the
 * same service or it is not asked for, since what says where it stands is the other side. A page
 * that says that it is its own successor is the end of what can be believed.
 */
#include "http.h"

#include <strings.h>

/* The target of rel="next" in a Link header (RFC 8288); the caller frees it. */
static char *link_next(const char *link)
{
    while (*link) {
        const char *open = strchr(link, '<'), *close = open ? strchr(open, '>') : NULL;
        if (!close)
            return NULL;
        const char *end = close + 1;
        for (bool quoted = false; *end && (quoted || *end != ','); end++)
            quoted = *end == '"' ? !quoted : quoted;
        for (const char *at = close; at < end && (at = strcasestr(at, "rel=")) && at < end; at++) {
            const char *value = at + 4 + (at[4] == '"');
            size_t len = strcspn(value, "\";, ");
            if (len == 4 && strncasecmp(value, "next", 4) == 0)
                return strndup(open + 1, (size_t)(close - open - 1));
        }
        link = *end ? end + 1 : end;
    }
    return NULL;
}

/* What the next page is asked by: an URL, or the value of `param`. NULL: there is none. */
static char *next_of(const struct operation *op, const seam_http_response *got, int page,
                     size_t before, size_t items)
{
    const struct pages *pages = &op->pages;
    char *next = NULL, *link;
    switch (pages->by) {
    case BY_LINK:
        link = seam_json_text(seam_json_at(got->headers, "/link"), NULL);
        next = link ? link_next(link) : NULL;
        free(link);
        return next;
    case BY_CURSOR: {
        seam_bytes cursor = seam_json_at(answer_json(got), pages->next);
        next = seam_json_text(cursor, NULL);
        if (!next && seam_json_kind_of(cursor) == SEAM_JSON_NUMBER)
            next = strndup(cursor.ptr, cursor.len);
        if (next && *next == '\0') {
            free(next);
            next = NULL;
        }
        return next;
    }
    case BY_PAGE:
        return items > 0 && asprintf(&next, "%lld", (long long)pages->start + page + 1) > 0 ? next
                                                                                            : NULL;
    case BY_OFFSET:
        return items > 0 && asprintf(&next, "%zu", before + items) > 0 ? next : NULL;
    case BY_NOTHING:
        break;
    }
    return NULL;
}

/* Adds the page's items; false: it has no such array, and the call was ended. */
static bool add_items(const struct operation *op, const seam_host *host, seam_id call,
                      const seam_http_response *got, seam_writer *out, size_t *ret_count)
{
    seam_bytes items = seam_json_at(answer_json(got), op->pages.items);
    *ret_count = 0;
    if (seam_json_kind_of(items) != SEAM_JSON_ARRAY) {
        char message[600];
        snprintf(message, sizeof(message), "a page of %s %s has no array at \"%s\"", op->method,
                 op->path, op->pages.items);
        answer_garbage(host, call, got, message);
        return false;
    }
    seam_json_walk walk = seam_json_members(items);
    while (seam_json_next(&walk)) {
        seam_put_json(out, NULL, walk.value);
        ++*ret_count;
    }
    return true;
}

static bool refuse_turn(const seam_host *host, seam_id call, const char *next)
{
    char message[600];
    snprintf(message, sizeof(message),
             "the next page is said to be at %.300s, which is not this service", next);
    seam_complete_error(host, call, SEAM_E_DENIED, SEAM_EFFECT_NONE, "http.elsewhere", message);
    return false;
}

/* Turns to the next page; false: the call was ended. */
static bool turn(const struct service *s, const struct operation *op, const seam_host *host,
                 seam_id call, struct request *r, const char *next, const char *last)
{
    bool by_url = !op->pages.param;
    if (last && strcmp(last, next) == 0) {
        seam_complete_error(host, call, SEAM_E_FAILED, SEAM_EFFECT_NONE, "http.pages",
                            "a page says that it is the one after itself");
        return false;
    }
    return (by_url ? request_turn(r, s, next, NULL, NULL)
                   : request_turn(r, s, NULL, op->pages.param, next)) ||
           refuse_turn(host, call, next);
}

/* One page; false: the call was ended. *ret_next is the next one, or NULL. */
static bool read_page(const struct operation *op, const seam_host *host, seam_id call,
                      struct request *r, int page, size_t *count, seam_writer *out, char **ret_next)
{
    size_t items = 0;
    seam_http_response got = seam_http_send(host, call, &r->http);
    int32_t meaning = got.answer.status == SEAM_OK ? answer_meaning(op, &got) : SEAM_E_FAILED;
    bool good = meaning <= MEANS_OK;
    if (!good)
        answer_fail(op, host, call, &got, meaning);
    else if (meaning == MEANS_OK)
        good = add_items(op, host, call, &got, out, &items);
    *ret_next = good && meaning == MEANS_OK ? next_of(op, &got, page, *count, items) : NULL;
    *count += items;
    seam_http_done(&got);
    return good;
}

void pages_run(const struct service *s, const struct operation *op, const seam_host *host,
               const seam_call *call, struct request *r)
{
    seam_writer out = SEAM_WRITER;
    char *at = NULL, *before = NULL; /* what this page, and the one before, was asked by */
    size_t count = 0;
    bool good = true, more = true;
    seam_put_object(&out, NULL);
    seam_put_array(&out, "items");
    for (int page = 0; good && more && page < op->pages.limit; page++) {
        char *next = NULL;
        good = (page == 0 || turn(s, op, host, call->id, r, at, before)) &&
               read_page(op, host, call->id, r, page, &count, &out, &next);
        free(before);
        before = at;
        at = next;
        more = next != NULL;
    }
    seam_put_end(&out);
    seam_put_boolean(&out, "more", more);
    seam_put_end(&out);
    if (good)
        seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    free(at);
    free(before);
}

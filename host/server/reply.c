/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: JSON, and problems as RFC 9457 has them, whose detail ends in what to do next. What was
 * changed is told when the disk has it, and not before: whoever was told may rely on it, whatever
 * becomes of this process.
 */
#include "server/server_internal.h"

#include "document/document.h"

#include <stdarg.h>
#include <stdlib.h>

const char *status_title(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

static void set_json(struct request *request, unsigned status, const char *type, json_t *body_taken)
{
    struct reply *reply = &request->reply;
    reply->status = status;
    reply->type = type;
    text_clear(&reply->body);
    json_write(body_taken, &reply->body);
    text_addc(&reply->body, '\n');
    json_decref(body_taken);
}

void reply_json(struct request *request, unsigned status, json_t *body_taken)
{
    set_json(request, status, "application/json", body_taken);
}

void reply_problem(struct request *request, unsigned status, const char *format, ...)
{
    struct error err; /* what is not UTF-8 in it becomes '?' */
    char detail[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    error_set(&err, ERR_INPUT, "%s", detail);
    if (status == 503 || status == 429)
        request->reply.retry_after_s = 1;
    set_json(request, status, "application/problem+json",
             json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", status_title(status),
                       "status", (int)status, "detail", err.text));
}

static unsigned status_of(enum error_code code)
{
    switch (code) {
    case ERR_INPUT:
    case ERR_UNSUPPORTED:
        return 422;
    case ERR_LIMIT:
        return 413;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_EXISTS:
    case ERR_CONFLICT:
        return 409;
    case ERR_DENIED:
        return 403;
    case ERR_BUSY:
        return 429;
    case ERR_TIMEOUT:
    case ERR_NO_SPACE:
        return 503;
    case ERR_OK:
    case ERR_NEWER:
    case ERR_CORRUPT:
    case ERR_FENCED:
    case ERR_IO:
    case ERR_INTERNAL:
        return 500;
    }
    UNREACHABLE("every code has a status");
}

void reply_error(struct request *request, const struct error *err)
{
    reply_problem(request, status_of(err->code), "%s", err->text);
}

void reply_done(struct reply *reply)
{
    text_done(&reply->body);
    free(reply->location);
}

static void kept(void *user, enum error_code code, const struct error *err)
{
    struct promise *promise = user;
    struct request *request = promise->request;
    if (request && code == ERR_OK)
        reply_json(request, promise->status, json_incref(promise->body));
    else if (request)
        reply_problem(request, 503, "it could not be kept: %s; ask again when the server is back",
                      err->text);
    if (request) {
        request->promise = NULL;
        http_wake(request);
    }
    json_decref(promise->body);
    free(promise);
}

void reply_when_kept(struct request *request, unsigned status, json_t *body_taken)
{
    struct promise *promise = xcalloc(1, sizeof(*promise));
    *promise = (struct promise){.request = request, .status = status, .body = body_taken};
    request->promise = promise;
    host_when_kept(request->server->host, kept, promise);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * mail: sends one mail. A mail service does not tell afterwards whether it sent, so there is no
 * reconcile agent: an answer that is lost goes to a person. There is no effect to begin either: the
 * host journals the one request by itself and gives it its key.
 */
#include <seam/sdk.h>

enum { URL_SIZE = 600 };

struct mail {
    const seam_host *host;
    char url[URL_SIZE]; /* of POST /mails */
};

/* Statuses by which the service says no without having done anything; the card lists them too. */
static bool is_refusal(int status)
{
    return status == 400 || status == 413 || status == 422;
}

static seam_status complete_sent(const struct mail *m, seam_id call, seam_bytes id)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_json(&out, "id", id);
    seam_put_end(&out);
    seam_complete_ok(m->host, call, SEAM_EFFECT_DONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

static seam_status read_answer(const struct mail *m, seam_id call, const seam_http_response *got)
{
    seam_bytes id = seam_json_at(got->json, "/id");
    bool sent = got->status / 100 == 2;
    if (sent && seam_json_kind_of(id) == SEAM_JSON_STRING)
        return complete_sent(m, call, id);
    bool refused = is_refusal(got->status);
    char message[120];
    snprintf(message, sizeof(message), "the mail service %s (HTTP %d)",
             refused ? "refused the mail"
             : sent  ? "answered without an id"
                     : "did not say whether it sent",
             got->status);
    return seam_complete_error(m->host, call, refused ? SEAM_E_FAILED : SEAM_E_UNAVAILABLE,
                               refused ? SEAM_EFFECT_NONE : SEAM_EFFECT_UNKNOWN,
                               refused ? "mail.refused" : "mail.unavailable", message);
}

/* There is one agent; its input is what the service takes. */
static seam_status start(void *self, const seam_call *call)
{
    const struct mail *m = (const struct mail *)self;
    seam_http_request request = {.method = "POST", .url = m->url, .json = call->input};
    seam_http_response got = seam_http_send(m->host, call->id, &request);
    seam_status ended = got.answer.status != SEAM_OK
                            ? seam_complete_answer(m->host, call->id, &got.answer)
                            : read_answer(m, call->id, &got);
    seam_http_done(&got);
    return ended;
}

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    size_t len = 0;
    char *base = seam_json_text(seam_json_at(config, "/url"), &len);
    struct mail *m = calloc(1, sizeof(*m));
    while (len > 0 && base[len - 1] == '/')
        len--;
    if (m == NULL || len == 0 || len + sizeof("/mails") > URL_SIZE) {
        seam_log(host, 0, SEAM_LOG_ERROR, "mail: url is missing or too long");
        free(base);
        free(m);
        return SEAM_E_INPUT;
    }
    snprintf(m->url, sizeof(m->url), "%.*s/mails", (int)len, base);
    free(base);
    m->host = host;
    *ret_self = m;
    return SEAM_OK;
}

static const seam_agent send_agent =
    SEAM_AGENT("send", SEAM_WRITE, SEAM_DESTRUCTIVE | SEAM_OPEN_WORLD);
static const seam_agent *const agents[] = {&send_agent, NULL};

static const seam_plugin table = {
    .size = sizeof(seam_plugin),
    .id = "org.seam.mail",
    .version = "1.0.0",
    .agents = agents,
    .create = create,
    .start = start,
    .destroy = free,
};

SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &table;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs, over HTTP: begun, listed, explained. A run begins by a flow of the manifest alone;
 * the same id, or the same Idempotency-Key, with the same input is the same run, so asking twice is
 * safe. What is told is the journal's, in the form of the command line.
 */
#include "server/server_internal.h"

#include "base/digest.h"
#include "document/document.h"

#include <stdlib.h>
#include <string.h>

bool body_read(struct request *request, const char *const *members, json_t **ret_body)
{
    struct slice text = text_slice(&request->body);
    AUTO(json_decrefp) json_t *body = NULL;
    struct error err;
    const char *key;
    json_t *value;
    if (text.len == 0)
        text = SLICE("{}");
    enum error_code code = json_read(text, LIMIT_PAYLOAD_MAX, &body, &err);
    if (code != ERR_OK) {
        reply_problem(request, 400, "the body is not JSON: %s", err.text);
        return false;
    }
    if (!json_is_object(body)) {
        reply_problem(request, 422, "the body is not an object; GET /openapi.json describes it");
        return false;
    }
    json_object_foreach (body, key, value) {
        size_t i = 0;
        while (members[i] && strcmp(members[i], key) != 0)
            i++;
        if (members[i])
            continue;
        reply_problem(request, 422,
                      "the body has a member `%.60s` that nobody knows here; GET /openapi.json "
                      "describes it",
                      key);
        return false;
    }
    *ret_body = TAKE(body);
    return true;
}

bool run_find(struct request *request, struct journal_run *ret_run)
{
    struct error err;
    const char *id = request->target.id;
    enum error_code code = host_id_is_sound(id)
                               ? journal_find(host_reader(request->server->host), id, ret_run, &err)
                               : ERR_NOT_FOUND;
    if (code == ERR_NOT_FOUND)
        reply_problem(request, 404, "there is no run `%.130s`; GET /v1/runs lists them", id);
    else if (code != ERR_OK)
        reply_error(request, &err);
    return code == ERR_OK;
}

/* ---- beginning ---- */

/* The key of a client is a run's id if it can be; else one is made of it, always the same. */
static char *id_of_key(const char *key)
{
    size_t length = strlen(key);
    AUTO(freep)
    char *bare = length >= 2 && key[0] == '"' && key[length - 1] == '"'
                     ? xstrndup(key + 1, length - 2)
                     : xstrdup(key);
    char hex[DIGEST_HEX_SIZE];
    if (host_id_is_sound(bare))
        return TAKE(bare);
    struct digest digest = digest_of(slice_of(bare));
    digest_hex(&digest, hex);
    return xasprintf("key-%.40s", hex);
}

/* NULL, without a reply: nobody named it. */
static bool find_id(struct request *request, const json_t *body, char **ret_id)
{
    const json_t *said = json_object_get(body, "id");
    const char *id = json_string_value(said), *key = request->headers.key;
    if ((said && !id) || (id && !host_id_is_sound(id))) {
        reply_problem(request, 422,
                      "`id`: expected 1 to %u of letters, digits and ._-:", LIMIT_NAME);
        return false;
    }
    if (key && *key == '\0') {
        reply_problem(request, 400, "the Idempotency-Key is empty; send one, or leave it out");
        return false;
    }
    AUTO(freep) char *of_key = key ? id_of_key(key) : NULL;
    if (id && of_key && strcmp(id, of_key) != 0) {
        reply_problem(request, 422,
                      "`id` and Idempotency-Key name two runs; leave one of them out");
        return false;
    }
    *ret_id = id ? xstrdup(id) : TAKE(of_key);
    return true;
}

static const struct served_flow *find_flow(struct request *request, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "flow"));
    const struct served_flow *flow = name ? flow_find(request->server, name) : NULL;
    if (!name)
        reply_problem(request, 422,
                      "`flow`: expected the name of a flow; GET /v1/flows lists them");
    else if (!flow)
        reply_problem(request, 404,
                      "the manifest has no flow `%.100s`; GET /v1/flows lists what it has", name);
    else if (!flow->flow)
        reply_problem(request, 422, "the flow %s is refused: %s; GET /v1/flows says what is wrong",
                      flow->path, flow->reason);
    else
        return flow;
    return NULL;
}

static bool may_begin(struct request *request)
{
    if (request->server->state == SERVER_STARTING)
        reply_problem(request, 503, "the server is starting; ask again when GET /readyz is 200");
    else if (request->server->state == SERVER_DRAINING)
        reply_problem(request, 503,
                      "the server is stopping and takes nothing on; ask again when it is back");
    else
        return true;
    return false;
}

static json_t *begun(const struct request *request, const struct flow *flow, const char *id)
{
    const struct run *run = host_run(request->server->host, id);
    struct journal_run known = {.status = "running"};
    if (!run)
        (void)!journal_find(host_reader(request->server->host), id, &known, NULL);
    return json_pack("{s:s, s:s, s:s}", "run", id, "flow", flow->name, "status",
                     run ? run_status_word(run_status(run)) : known.status);
}

static void begin(struct request *request, struct flow *flow, const char *id, json_t *input)
{
    struct host *host = request->server->host;
    struct error err;
    bool known = false;
    enum error_code code = host_check_input(flow, input, &err);
    if (code == ERR_OK)
        code = host_known(host, flow, id, input, &known, &err);
    if (code == ERR_OK && !known)
        code = host_submit(host, flow, id, input, &err);
    if (code != ERR_OK) {
        reply_error(request, &err);
        return;
    }
    request->server->counts.begun += !known;
    request->reply.location = xasprintf("/v1/runs/%s", id);
    reply_when_kept(request, known ? 200 : 201, begun(request, flow, id));
}

void ask_begin(struct request *request)
{
    static const char *const members[] = {"flow", "input", "id", NULL};
    AUTO(json_decrefp) json_t *body = NULL;
    AUTO(freep) char *id = NULL;
    char made[LIMIT_NAME];
    if (!may_begin(request) || !body_read(request, members, &body))
        return;
    const struct served_flow *flow = find_flow(request, body);
    if (!flow || !find_id(request, body, &id))
        return;
    AUTO(json_decrefp) json_t *input = json_incref(json_object_get(body, "input"));
    if (!input)
        input = json_object();
    if (!id)
        host_make_id(request->server->host, flow->flow->name, made, sizeof(made));
    begin(request, flow->flow, id ? id : made, input);
}

/* ---- listing ---- */

struct listing {
    json_t *runs;
    int64_t most, last;
    bool more;
};

static void list_run(void *user, const struct journal_run *run)
{
    struct listing *listing = user;
    if ((int64_t)json_array_size(listing->runs) == listing->most) {
        listing->more = true;
        return;
    }
    json_array_append_new(listing->runs, report_run(run));
    listing->last = run->place;
}

static bool status_known(const char *status)
{
    for (int i = RUN_RUNNING; i <= RUN_CANCELLED; i++)
        if (strcmp(status, run_status_word((enum run_status)i)) == 0)
            return true;
    return false;
}

static enum error_code list(struct request *request, const struct parameters *parameters,
                            struct listing *listing, struct error *reterr)
{
    enum { STATUS, LIMIT, CURSOR };
    const char *status = parameters->values[STATUS];
    int64_t before = 0;
    if (status && !status_known(status))
        return error_set(reterr, ERR_INPUT,
                         "the parameter `status` is `%.40s`; expected running, waiting, done, "
                         "failed or cancelled",
                         status);
    enum error_code code =
        parameter_number(parameters, LIMIT, 1, LIMIT_RUNS_PAGE, 50, &listing->most, reterr);
    if (code == ERR_OK)
        code = parameter_number(parameters, CURSOR, 1, INT64_MAX / 2, 0, &before, reterr);
    return code == ERR_OK ? journal_runs_before(host_reader(request->server->host), status, before,
                                                listing->most + 1, list_run, listing, reterr)
                          : code;
}

void ask_list(struct request *request)
{
    static const char *const known[] = {"status", "limit", "cursor", NULL};
    struct parameters parameters;
    struct listing listing = {.runs = json_array()};
    struct error err;
    enum error_code code = parameters_parse(request->target.query, known, &parameters, &err);
    if (code == ERR_OK)
        code = list(request, &parameters, &listing, &err);
    parameters_done(&parameters);
    if (code != ERR_OK) {
        json_decref(listing.runs);
        reply_problem(request, code == ERR_INPUT ? 400 : 500, "%s", err.text);
        return;
    }
    char cursor[32];
    snprintf(cursor, sizeof(cursor), "%lld", (long long)listing.last);
    reply_json(request, 200,
               json_pack("{s:o, s:o}", "runs", listing.runs, "next",
                         listing.more ? json_string(cursor) : json_null()));
}

/* ---- explaining ---- */

static bool gather_decision(void *user, json_t *decision_taken)
{
    json_t *list = user;
    json_array_append_new(list, decision_taken);
    return json_array_size(list) <= LIMIT_EXPLAINED;
}

static void explain(struct request *request, const char *step)
{
    struct server *server = request->server;
    struct error err, untold;
    const char *id = request->target.id;
    json_t *list = json_array();
    enum error_code code = report_explain(host_reader(server->host), server->shelf, id, step,
                                          gather_decision, list, &untold, &err);
    if (code != ERR_OK)
        reply_error(request, &err);
    else if (json_array_size(list) > LIMIT_EXPLAINED)
        reply_problem(request, 413,
                      "there are more than %u decisions (LIMIT_EXPLAINED); name a step with ?step=",
                      LIMIT_EXPLAINED);
    else if (json_array_size(list) == 0)
        reply_problem(request, 404,
                      "run %s decided nothing of step `%.100s`; GET /v1/runs/%s lists its steps",
                      id, step ? step : "", id);
    else
        reply_json(request, 200, json_incref(list));
    json_decref(list);
}

void ask_explain(struct request *request)
{
    static const char *const known[] = {"step", NULL};
    struct parameters parameters;
    struct journal_run run;
    struct error err;
    if (parameters_parse(request->target.query, known, &parameters, &err) != ERR_OK) {
        reply_problem(request, 400, "%s", err.text);
        return;
    }
    if (run_find(request, &run))
        explain(request, parameters.values[0]);
    parameters_done(&parameters);
}

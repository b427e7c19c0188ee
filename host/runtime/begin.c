/* SPDX-License-Identifier: Apache-2.0
 *
 * How a run begins in this host, and how it is taken up again: by its id, by the same flow and
 * input once more, or with all that are left.
 */
#include "runtime/across_internal.h"
#include "runtime/hidden_internal.h"

#include <stdlib.h>
#include <string.h>

static void begin(struct host *host, struct flow *flow, const char *id, json_t *input,
                  json_t *adopted, const struct seal *seal)
{
    struct live_run *live = live_new(host, id, run_new(flow));
    live->seal = seal;
    struct event event = {
        .kind = EVENT_STARTED,
        .rules = RULES_VERSION,
        .run = id,
        .store = host->journal ? journal_store_id(host->journal) : "",
        .seed = host_seed(host),
        .input = input,
        .pins = pinned_make(host, flow),
        .paranoid = host->options.paranoid,
        .adopted = adopted,
    };
    live_happen(live, &event, NULL);
    json_decref(event.pins);
}

enum error_code host_check_input(const struct flow *flow, const json_t *input, struct error *reterr)
{
    if (!flow->input || contract_accepts(flow->input, input))
        return ERR_OK;
    struct violations violations;
    AUTO(text_done) struct text text;
    text_init(&text, ERROR_TEXT_SIZE);
    contract_explain(flow->input, input, &violations);
    violations_text(&violations, &text);
    violations_done(&violations);
    size_t len = strlen(text_str(&text)), last = len > 0 && text_str(&text)[len - 1] == '\n';
    return error_set(reterr, ERR_INPUT, "the input does not fit the flow's contract: %.*s",
                     (int)(len - last), text_str(&text));
}

/* ---- the same id again ---- */

/* What a run of the journal began with. */
struct beginning {
    struct host *host;
    json_t *input, *pins;
    enum error_code code;
    struct error err;
};

static bool keep_beginning(void *user, const struct journal_record *record,
                           const struct digest *hash)
{
    struct beginning *beginning = user;
    (void)hash;
    struct journal_reader *reader = journal_own_reader(beginning->host->journal);
    json_t *root = NULL;
    beginning->code =
        payloads_read(beginning->host->payloads, reader, record, &root, &beginning->err);
    if (beginning->code == ERR_OK) {
        const json_t *event = json_object_get(root, "event");
        beginning->input = json_incref(json_object_get(event, "input"));
        beginning->pins = json_incref(json_object_get(event, "pins"));
    }
    json_decref(root);
    return false;
}

static enum error_code other_input(const char *id, struct error *reterr)
{
    return error_set(reterr, ERR_CONFLICT,
                     "run `%s` exists with another input; choose another id, or none", id);
}

static enum error_code other_flow(const char *id, const char *flow, struct error *reterr)
{
    return error_set(reterr, ERR_CONFLICT,
                     "run `%s` exists, of another flow or of flow %s as it was before it changed: "
                     "`seam resume %s` goes on with that; or choose another id, or none",
                     id, flow, id);
}

static enum error_code compare(const struct live_run *live, const struct flow *flow,
                               const json_t *input, struct error *reterr)
{
    const struct flow *its = run_flow(live->run);
    if (!digest_equal(&its->digest, &flow->digest))
        return other_flow(run_id(live->run), its->name, reterr);
    if (!contract_equal(run_input(live->run), input))
        return other_input(run_id(live->run), reterr);
    return ERR_OK;
}

/* A run that this host has already. */
static enum error_code submit_again(struct live_run *live, const struct flow *flow,
                                    const json_t *input, struct error *reterr)
{
    const struct host_options *options = &live->host->options;
    enum error_code code = compare(live, flow, input, reterr);
    if (code == ERR_OK && live->settled && options->settled)
        options->settled(options->user, live->run);
    return code;
}

/* A run of the journal is the same if flow and input are. */
static enum error_code same_beginning(struct host *host, const char *id, const struct flow *flow,
                                      const json_t *input, struct error *reterr)
{
    struct beginning known = {.host = host};
    char digest[DIGEST_HEX_SIZE];
    enum error_code code =
        journal_read(journal_own_reader(host->journal), id, 1, keep_beginning, &known, reterr);
    if (code == ERR_OK && known.code != ERR_OK)
        code = error_set(reterr, known.code, "run %s: %s", id, known.err.text);
    const json_t *pin = json_object_get(known.pins, "flow");
    const char *began = json_string_value(json_object_get(pin, "digest"));
    const char *name = json_string_value(json_object_get(pin, "name"));
    digest_hex(&flow->digest, digest);
    if (code == ERR_OK && (!began || strcmp(began, digest) != 0))
        code = other_flow(id, name ? name : "?", reterr);
    else if (code == ERR_OK && !contract_equal(known.input ? known.input : json_null(), input))
        code = other_input(id, reterr);
    json_decref(known.input);
    json_decref(known.pins);
    return code;
}

void host_make_id(struct host *host, const char *flow, char *ret_id, size_t size)
{
    snprintf(ret_id, size, "%.60s-%llx%08llx", flow, (unsigned long long)host_now(host),
             (unsigned long long)(host_random(host) & 0xffffffffu));
}

bool host_id_is_sound(const char *id)
{
    size_t length = strlen(id);
    if (length == 0 || length > LIMIT_NAME)
        return false;
    for (const char *c = id; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr("._-:", *c)))
            return false;
    return true;
}

enum error_code host_known(struct host *host, const struct flow *flow, const char *id,
                           const json_t *input, bool *ret_known, struct error *reterr)
{
    struct journal_run known;
    struct live_run *live = live_find(host, id);
    enum error_code code = ERR_OK;
    if (live)
        code = compare(live, flow, input, reterr);
    else if (host->options.in_memory)
        code = ERR_NOT_FOUND;
    else if ((code = journal_find(journal_own_reader(host->journal), id, &known, reterr)) == ERR_OK)
        code = same_beginning(host, id, flow, input, reterr);
    *ret_known = code == ERR_OK;
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum error_code host_submit(struct host *host, struct flow *flow, const char *id, json_t *input,
                            struct error *reterr)
{
    return host_submit_adopting(host, flow, id, input, NULL, reterr);
}

enum error_code host_submit_adopting(struct host *host, struct flow *flow, const char *id,
                                     json_t *input, json_t *adopted, struct error *reterr)
{
    char made[LIMIT_NAME];
    struct journal_run known;
    if (id && !host_id_is_sound(id))
        return error_set(reterr, ERR_INPUT,
                         "run id `%.200s`: expected 1 to %u of letters, digits and ._-:", id,
                         LIMIT_NAME);
    enum error_code code = host_check_input(flow, input, reterr);
    if (code != ERR_OK)
        return code;
    struct live_run *live = id ? live_find(host, id) : NULL;
    if (live)
        return submit_again(live, flow, input, reterr);
    struct journal_reader *reader =
        host->options.in_memory ? NULL : journal_own_reader(host->journal);
    if (id && reader) {
        code = journal_find(reader, id, &known, reterr);
        if (code == ERR_OK)
            code = same_beginning(host, id, flow, input, reterr);
        if (code == ERR_OK)
            return host_resume(host, id, reterr);
        if (code != ERR_NOT_FOUND)
            return code;
    }
    if (host->unsettled >= (size_t)host->manifest->runs)
        return error_set(reterr, ERR_BUSY,
                         "%zu runs are under way, as many as `limits.runs` of the manifest allows",
                         host->unsettled);
    if (!id)
        host_make_id(host, flow->name, made, sizeof(made));
    const struct seal *seal = hidden_begins(host, flow->name), *was = NULL;
    if (!seal && adopted && reader)
        code =
            hidden_find(reader, json_string_value(json_object_get(adopted, "from")), &was, reterr);
    /* what comes from a hidden run stays hidden */
    if (code == ERR_OK || code == ERR_NOT_FOUND)
        begin(host, flow, id ? id : made, input, adopted, seal ? seal : was);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* This host wrote its last record and has let go of it. */
static bool is_parked(struct host *host, const char *id, const struct run *run)
{
    return run_status(run) == RUN_WAITING && host->roster_generation == 0 &&
           !host->options.restored && journal_is_ours(host->journal, id);
}

/* ---- taken up from the journal ---- */

static void take_over(struct live_run *live, const struct changes *changes, const char *who)
{
    struct event event = {
        .kind = EVENT_TAKEN_OVER,
        .rules = RULES_VERSION,
        .restored = live->host->options.restored,
        .libraries = changes->libraries,
        .digest = who ? changes->digest : NULL,
        .who = who,
        .message = who ? text_str(&changes->what) : NULL,
    };
    live_happen(live, &event, NULL);
}

/* A person is asked, if nobody was asked about this very difference yet. */
static void ask_about(struct live_run *live, const struct changes *changes)
{
    const struct host_options *options = &live->host->options;
    if (run_change_asked(live->run, changes->digest)) {
        if (options->settled)
            options->settled(options->user, live->run);
        live_settle_durably(live); /* an answer may be in the inbox */
        return;
    }
    AUTO(json_decrefp)
    json_t *body =
        json_pack("{s:O, s:b}", "agents", changes->agents, "approvable", (int)changes->approvable);
    struct event event = {
        .kind = EVENT_CHANGED,
        .body = body,
        .digest = changes->digest,
        .message = text_str(&changes->what),
    };
    live_happen(live, &event, NULL);
}

/* It goes on: by itself, or because somebody took the blame, now or when they were asked. */
static void go_on(struct live_run *live, const struct changes *changes)
{
    const char *by = live->host->accepted_by;
    AUTO(freep) char *who = NULL;
    if (changes->agents && changes->approvable) {
        const char *before = run_change_accepted(live->run, changes->digest);
        who = before || by ? xstrdup(before ? before : by) : NULL;
    }
    if (changes->agents && !who)
        ask_about(live, changes);
    else
        take_over(live, changes, who);
}

void run_permitted(struct live_run *live)
{
    struct host *host = live->host;
    struct changes changes;
    struct error err;
    if (pinned_check(journal_own_reader(host->journal), host->options.roster, live->run, &changes,
                     &err) != ERR_OK) {
        host_log(host, run_id(live->run), SEAM_LOG_ERROR, "cannot be resumed: %s", err.text);
        return;
    }
    go_on(live, &changes);
    changes_done(&changes);
}

static void watch_all(struct live_run *live)
{
    for (uint32_t i = 0; i < run_task_count(live->run); i++)
        live_watch(live, i);
    live_watch(live, RUN_ITSELF);
}

/* Final, or waiting, and let go of by this host: nothing is taken over. */
static bool take_back(struct live_run *live, bool parked, bool tell)
{
    if (run_status_is_final(live->shown)) {
        live_settle(live);
        live_release(live);
        return true;
    }
    if (!parked)
        return false;
    park_take_back(live);
    if (tell && live->host->options.settled)
        live->host->options.settled(live->host->options.user, live->run);
    return true;
}

enum error_code run_take_up(struct host *host, const char *id, bool tell, struct error *reterr)
{
    struct flow *flow = NULL;
    struct run *run = NULL;
    struct changes changes = {0};
    struct journal_reader *reader = journal_own_reader(host->journal);
    if (live_find(host, id))
        return ERR_OK;
    enum error_code code = fold_flow(reader, host->shelf, id, &flow, reterr);
    if (code == ERR_OK)
        code = fold_run(reader, id, flow, NULL, NULL, &run, reterr);
    flow_unref(flow);
    bool parked = code == ERR_OK && is_parked(host, id, run);
    if (code == ERR_OK && !run_status_is_final(run_status(run)) && !parked)
        code = pinned_check(reader, host->options.roster, run, &changes, reterr);
    const struct seal *seal = NULL;
    if (code == ERR_OK && host->keys)
        code = hidden_find(reader, id, &seal, reterr);
    if (code != ERR_OK) {
        run_free(run);
        return code;
    }
    struct live_run *live = live_new(host, id, run);
    live->seal = seal;
    live->seq = run_seq(run);
    live->shown = run_status(run);
    if (!take_back(live, parked, tell)) {
        watch_all(live);
        go_on(live, &changes);
    }
    changes_done(&changes);
    return ERR_OK;
}

void host_accept(struct host *host, const char *who)
{
    free(host->accepted_by);
    host->accepted_by = xstrdup(who);
}

enum error_code host_resume(struct host *host, const char *id, struct error *reterr)
{
    return run_take_up(host, id, true, reterr);
}

struct leftovers {
    char **ids;
    size_t count;
};

static void gather(void *user, const struct journal_run *run)
{
    struct leftovers *left = user;
    if (strcmp(run->status, "running") != 0 && strcmp(run->status, "waiting") != 0)
        return;
    left->ids = xrealloc(left->ids, (left->count + 1) * sizeof(*left->ids));
    left->ids[left->count++] = xstrdup(run->id);
}

enum error_code host_resume_all(struct host *host, size_t *ret_count, size_t *ret_refused,
                                struct error *reterr)
{
    struct leftovers left = {0};
    struct error err;
    enum error_code code =
        journal_runs(journal_own_reader(host->journal), NULL, gather, &left, reterr);
    *ret_count = left.count;
    *ret_refused = 0;
    for (size_t i = 0; i < left.count; i++) {
        if (code == ERR_OK && host_resume(host, left.ids[i], &err) != ERR_OK) {
            host_log(host, left.ids[i], SEAM_LOG_ERROR, "cannot be resumed: %s", err.text);
            ++*ret_refused;
        }
        free(left.ids[i]);
    }
    free(left.ids);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that the author of a plugin makes. Each is a run of the host that works, so contracts,
 * services, effects and deadlines hold as they will later: a call of one agent is a flow of one
 * step, which tries once. Nobody is there to be asked: a run that waits for a person says what it
 * would ask, and is cancelled.
 *
 * After a reload the last call is made again, by itself only if nothing that it may do changes the
 * world: a build a minute would else be a letter a minute.
 */
#include "cli/dev_internal.h"

#include "base/units.h"
#include "document/document.h"
#include "loader/card.h"

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what has begun ---- */

static void open_free(struct dev_open *open)
{
    if (!open)
        return;
    free(open->key);
    free(open->label);
    free(open->op);
    free(open);
}

void dev_forget(struct dev_open **list)
{
    while (*list) {
        struct dev_open *open = *list;
        *list = open->next;
        open_free(open);
    }
}

/* It is the list's; the key is taken. */
static struct dev_open *remember(struct dev_open **list, char *key_taken)
{
    struct dev_open *open = xcalloc(1, sizeof(*open));
    *open = (struct dev_open){.next = *list, .key = key_taken, .at_ns = dev_now_ns()};
    return *list = open;
}

/* Out of the list; NULL = it is not there. The caller frees it. */
static struct dev_open *recall(struct dev_open **list, const char *key)
{
    for (struct dev_open **at = list; *at; at = &(*at)->next)
        if (strcmp((*at)->key, key) == 0) {
            struct dev_open *open = *at;
            *at = open->next;
            return open;
        }
    return NULL;
}

void dev_request_done(struct dev_request *request)
{
    freep(&request->agent);
    json_decref(request->input);
    *request = (struct dev_request){0};
}

static bool single(const struct run *run)
{
    return strcmp(run_flow(run)->name, "call") == 0 && run_flow(run)->step_count == 1 &&
           strcmp(run_flow(run)->steps[0].name, "call") == 0;
}

/* "#3", or "#3 book[2]" of a flow; the caller frees. */
static char *label(const struct run *run, uint32_t task)
{
    const char *number = strrchr(run_id(run), '-');
    if (single(run) && strcmp(run_task_path(run, task), "call") == 0)
        return xasprintf("#%s", number ? number + 1 : run_id(run));
    return xasprintf("#%s %s", number ? number + 1 : run_id(run), run_task_path(run, task));
}

/* ---- which agent ---- */

static const struct agent *catalog_find_word(const struct catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->agents[i]->name, name) == 0)
            return catalog->agents[i];
    return NULL;
}

const struct agent *dev_agent(struct dev *dev, struct slice name)
{
    const struct catalog *catalog = &dev->roster->catalog;
    AUTO(freep) char *word = xstrndup(name.ptr, name.len);
    AUTO(freep) char *whole = xasprintf("%s/%s", dev->alias, word);
    const struct agent *found = catalog_find_word(catalog, strchr(word, '/') ? word : whole);
    if (found)
        return found;
    AUTO(freep) const char **names = xcalloc(catalog->count + 1, sizeof(*names));
    size_t prefix = strlen(dev->alias) + 1, count = 0;
    for (size_t i = 0; i < catalog->count; i++)
        if (strncmp(catalog->agents[i]->name, whole, prefix) == 0)
            names[count++] = catalog->agents[i]->name + prefix;
    const char *near = suggest(name, names, count);
    dev_note(dev, "complaint", RED, "there is no agent `%s`%s%s%s", word,
             near ? "; did you mean `" : "; `agents` lists them", near ? near : "",
             near ? "`?" : "");
    return NULL;
}

/* ---- starting ---- */

/* A flow is compiled from a file: this one has no name, and goes with its descriptor. */
static enum error_code compile_call(struct dev *dev, const char *agent, struct flow **ret_flow,
                                    struct error *reterr)
{
    struct findings findings;
    AUTO(json_decrefp)
    json_t *flow = json_pack(
        "{s:s, s:s, s:{s:i, s:i, s:s}, s:{s:s}, s:{s:{s:s, s:s, s:{s:i}}}, s:{s:s}}", "flow",
        "call", "version", "1.0.0", "budget", "attempts", 1, "calls", 1000, "time", "1h",
        "escalation", "deadline", "1h", "steps", "call", "agent", agent, "input", "${ .input }",
        "retry", "max_attempts", 1, "output", "as", "${ .steps.call.output }");
    AUTO(freep) char *text = json_text(flow);
    int fd = memfd_create("call.json", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return error_set(reterr, ERR_IO, "memory is short for a call");
    AUTO(freep) char *path = xasprintf("/proc/self/fd/%d", fd);
    findings_init(&findings);
    enum error_code code = roster_compile(dev->roster, path, ret_flow, &findings, reterr);
    if (code != ERR_OK && findings.errors) {
        AUTO(text_done) struct text said;
        text_init(&said, ERROR_TEXT_SIZE);
        findings_text(&findings, &said);
        error_set(reterr, code, "%s", text_str(&said));
    }
    findings_done(&findings);
    close(fd);
    return code;
}

static enum error_code compile_file(struct dev *dev, struct flow **ret_flow, struct error *reterr)
{
    struct findings findings;
    findings_init(&findings);
    enum error_code code = roster_compile(dev->roster, dev->flow, ret_flow, &findings, reterr);
    if (findings.errors || findings.warnings) {
        AUTO(text_done) struct text said;
        text_init(&said, SIZE_MAX / 2);
        findings_text(&findings, &said);
        dev_say(dev, PLAIN, "%.*s", (int)(said.len ? said.len - 1 : 0), text_str(&said));
    }
    findings_done(&findings);
    return code;
}

/* The agent's contract is asked here, for a complaint about the input alone. */
static enum error_code check_input(struct dev *dev, const struct dev_request *request,
                                   struct error *reterr)
{
    const struct agent *agent = catalog_find_word(&dev->roster->catalog, request->agent);
    struct violations violations;
    if (!agent)
        return error_set(reterr, ERR_NOT_FOUND, "the agent `%s` is gone", request->agent);
    if (!agent->input || contract_explain(agent->input, request->input, &violations)) {
        if (agent->input)
            violations_done(&violations);
        return ERR_OK;
    }
    AUTO(text_done) struct text text;
    text_init(&text, ERROR_TEXT_SIZE);
    violations_text(&violations, &text);
    violations_done(&violations);
    AUTO(json_decrefp) json_t *example = conformance_example(agent->input);
    AUTO(freep) char *shown = example ? dev_short(example) : xstrdup("see its schema");
    const char *bare = strchr(agent->name, '/') + 1;
    return error_set(reterr, ERR_INPUT,
                     "the input is not what `%s` takes: %.*s\n  for example: call %s %s", bare,
                     (int)(text.len ? text.len - 1 : 0), text_str(&text), bare, shown);
}

static enum error_code submit(struct dev *dev, const struct dev_request *request,
                              struct error *reterr)
{
    AUTO(flow_unrefp) struct flow *flow = NULL;
    enum error_code code = ERR_OK;
    if (request->agent) {
        code = check_input(dev, request, reterr);
        if (code == ERR_OK)
            code = compile_call(dev, request->agent, &flow, reterr);
    } else {
        code = compile_file(dev, &flow, reterr);
    }
    if (code != ERR_OK)
        return code;
    AUTO(freep)
    char *id = xasprintf("dev-%lld-%zu", (long long)getpid(), ++dev->numbers);
    dev->open++;
    code = host_submit(dev->host, flow, id, request->input, reterr);
    if (code != ERR_OK)
        dev->open--;
    return code;
}

void dev_call(struct dev *dev, struct dev_request *request_taken)
{
    struct error err;
    struct dev_request request = *request_taken;
    *request_taken = (struct dev_request){0};
    dev_request_done(&dev->last);
    dev->last = request;
    if (submit(dev, &request, &err) == ERR_OK)
        return;
    dev->failed++;
    dev_note(dev, "complaint", RED, "%s", err.text);
}

/* What a request may do to the world at worst. */
static bool changes_the_world(const struct dev *dev, const struct dev_request *request)
{
    const struct agent *agent =
        request->agent ? catalog_find_word(&dev->roster->catalog, request->agent) : NULL;
    if (request->agent)
        return agent && agent->effect >= CLASS_WRITE_IDEMPOTENT;
    struct findings findings;
    struct flow *flow = NULL;
    bool writes = true;
    findings_init(&findings);
    if (roster_compile(dev->roster, dev->flow, &flow, &findings, NULL) == ERR_OK) {
        writes = false;
        for (size_t i = 0; i < flow->agent_count; i++)
            writes |= flow->agents[i]->effect >= CLASS_WRITE_IDEMPOTENT;
        flow_unref(flow);
    }
    findings_done(&findings);
    return writes;
}

void dev_again(struct dev *dev, bool by_hand)
{
    struct dev_request request = {.agent = dev->last.agent ? xstrdup(dev->last.agent) : NULL,
                                  .input = json_incref(dev->last.input)};
    if (!dev->last.input) {
        if (by_hand)
            dev_note(dev, "complaint", RED, "nothing was called yet");
        return;
    }
    if (!by_hand && changes_the_world(dev, &request)) {
        dev_note(dev, "note", DIM,
                 "the last call may change the world, and is not made again by itself: `last` "
                 "makes it");
        dev_request_done(&request);
        return;
    }
    dev_call(dev, &request);
}

static void cancel(struct dev *dev, const char *id)
{
    AUTO(json_decrefp) json_t *message = inbox_cancel(whoever(dev->args));
    host_deliver(dev->host, id, message, host_time(dev->host));
}

void dev_cancel_all(struct dev *dev, const char *why)
{
    for (size_t number = dev->cancelled + 1; number <= dev->numbers; number++) {
        AUTO(freep) char *id = xasprintf("dev-%lld-%zu", (long long)getpid(), number);
        const struct run *run = host_run(dev->host, id);
        if (!run || run_status_is_final(run_status(run)))
            continue;
        dev_note(dev, "note", YELLOW, "#%zu is cancelled: %s", number, why);
        cancel(dev, id);
    }
    dev->cancelled = dev->numbers;
}

/* ---- what becomes of them ---- */

static char *task_key(const struct run *run, uint32_t task)
{
    return xasprintf("%s %s", run_id(run), run_task_path(run, task));
}

static int64_t since_start(struct dev *dev, const struct run *run, uint32_t task)
{
    AUTO(freep) char *key = task_key(run, task);
    struct dev_open *open = recall(&dev->begun, key);
    int64_t took = open ? dev_now_ns() - open->at_ns : 0;
    open_free(open);
    return took;
}

static void tell_start(struct dev *dev, const struct run *run, const struct decision *start)
{
    const struct agent *agent = run_task_agent(run, start->task, start->reconciling);
    json_t *input = start->input ? start->input : run_task_input(run, start->task);
    AUTO(freep) char *name = label(run, start->task);
    AUTO(freep) char *shown = dev_short(input);
    AUTO(freep) char *try = start->number > 1 ? xasprintf(" (try %u)", start->number) : xstrdup("");
    if (!dev->begun)
        dev_forget_lines(dev);
    remember(&dev->begun, task_key(run, start->task));
    dev_say(dev, PLAIN, "%s %s%s %s", name, agent->name, try, shown);
    dev_emit(dev, "call",
             json_pack("{s:s, s:s, s:s, s:i, s:O?}", "run", run_id(run), "step",
                       run_task_path(run, start->task), "agent", agent->name, "try",
                       (int)start->number, "input", input));
}

static const struct decision *refusal(const struct event *event, const struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->count && event->end == END_OK; i++)
        if (decisions->list[i].kind == DECISION_JUDGE && !decisions->list[i].accepted)
            return &decisions->list[i];
    return NULL;
}

static void tell_end(struct dev *dev, const struct run *run, const struct event *event,
                     const struct decisions *decisions)
{
    const struct decision *refused = refusal(event, decisions);
    bool ok = event->end == END_OK && !refused;
    AUTO(freep) char *name = label(run, event->task);
    AUTO(freep) char *took = dev_took(since_start(dev, run, event->task));
    AUTO(freep) char *body = dev_short(event->body);
    dev->told_failure = event->end == END_FAILED;
    const char *word = ok ? "ok" : refused ? "refused" : "failed";
    if (refused)
        dev_say(dev, RED, "%s refused, %s: it answered %s", name, took, body);
    else if (event->end == END_INPUT_REQUIRED)
        dev_say(dev, YELLOW, "%s asks a person, %s: %s", name, took, body);
    else if (ok)
        dev_say(dev, GREEN, "%s ok, %s: %s", name, took, body);
    else
        dev_say(dev, RED, "%s failed, %s: %s%s%s", name, took, event->code ? event->code : "",
                event->code && *event->code ? ": " : "", event->message ? event->message : body);
    dev_emit(dev, "end",
             json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:O?, s:O?}", "run", run_id(run), "step",
                       run_task_path(run, event->task), "end", word, "took", took, "code",
                       event->code, "message", event->message, "output", event->body, "why",
                       refused ? refused->why : NULL));
}

void dev_recorded(void *user, const struct run *run, const struct event *event,
                  const struct decisions *decisions)
{
    struct dev *dev = user;
    if (event->kind == EVENT_ENDED)
        tell_end(dev, run, event, decisions);
    for (size_t i = 0; i < decisions->count; i++)
        if (decisions->list[i].kind == DECISION_START)
            tell_start(dev, run, &decisions->list[i]);
}

static void tell_result(struct dev *dev, const struct run *run)
{
    const json_t *error = run_error(run);
    const char *number = strrchr(run_id(run), '-') + 1;
    bool done = run_status(run) == RUN_DONE;
    AUTO(freep) char *output = dev_short(run_output(run));
    if (!single(run) && done)
        dev_say(dev, GREEN, "#%s done: %s", number, output);
    else if (!done && !(single(run) && dev->told_failure))
        dev_say(dev, RED, "#%s %s: %s", number, run_status_word(run_status(run)),
                text_of(error, "message"));
    dev_emit(dev, "result",
             json_pack("{s:s, s:s, s:O?, s:O?}", "run", run_id(run), "status",
                       run_status_word(run_status(run)), "output", run_output(run), "error",
                       error));
}

/* Nobody is there to answer. A run ends only with an answer to each doubt, whoever cancels it: this
 * one is said never to have happened, for what an author tries out has no other end. */
static void answer_for_nobody(struct dev *dev, const struct run *run)
{
    struct question_view view;
    json_array_append_new(dev->letters,
                          json_pack("[s, o]", run_id(run), inbox_cancel(whoever(dev->args))));
    for (uint32_t task = 0; task < run_task_count(run); task++) {
        if (!run_question(run, task, &view))
            continue;
        bool doubt = view.kind == QUESTION_DOUBT;
        AUTO(json_decrefp) json_t *never = json_pack("{s:s}", "outcome", "never");
        AUTO(freep) char *name = label(run, task);
        AUTO(freep) char *shown = report_shown_digest(view.shown);
        dev_note(dev, "question", YELLOW, "%s would ask a person: %s", name,
                 question_sentence(view.shown));
        json_array_append_new(
            dev->letters,
            json_pack("[s, o]", run_id(run),
                      inbox_answer(run_task_path(run, task), view.revision, doubt ? never : NULL,
                                   !doubt, whoever(dev->args), shown)));
    }
}

void dev_settled(void *user, const struct run *run)
{
    struct dev *dev = user;
    if (run_status(run) == RUN_WAITING) {
        answer_for_nobody(dev, run);
    } else {
        tell_result(dev, run);
        dev->failed += run_status(run) != RUN_DONE;
        dev->open -= dev->open > 0;
    }
    dev_soon(dev);
}

/* ---- what agents ask of the host ---- */

static json_t *read_body(struct slice body)
{
    json_t *value = NULL;
    if (json_read(body, LIMIT_PAYLOAD, &value, NULL) != ERR_OK)
        value = json_stringn(body.ptr ? body.ptr : "", body.ptr ? body.len : 0);
    return value ? value : json_string("?");
}

static char *request_key(const char *plugin, uint64_t request)
{
    return xasprintf("%s %llu", plugin, (unsigned long long)request);
}

void dev_asked(void *user, const struct run *run, uint32_t task, const char *plugin,
               uint64_t request, struct slice op, struct slice body)
{
    struct dev *dev = user;
    AUTO(json_decrefp) json_t *value = read_body(body);
    AUTO(freep) char *shown = dev_short(value);
    struct dev_open *asked = remember(&dev->asked, request_key(plugin, request));
    asked->label = label(run, task);
    asked->op = xstrndup(op.ptr, op.len);
    dev_say(dev, DIM, "%s   asks %s %s", asked->label, asked->op, shown);
    dev_emit(dev, "asks",
             json_pack("{s:s, s:s, s:s, s:O}", "run", run_id(run), "step", run_task_path(run, task),
                       "op", asked->op, "body", value));
}

void dev_answered(void *user, const char *plugin, uint64_t request,
                  const struct plugin_answer *answer)
{
    struct dev *dev = user;
    AUTO(freep) char *key = request_key(plugin, request);
    struct dev_open *asked = recall(&dev->asked, key);
    if (!asked)
        return;
    AUTO(json_decrefp) json_t *value = read_body(answer->body);
    AUTO(freep) char *shown = dev_short(value);
    AUTO(freep) char *took = dev_took(dev_now_ns() - asked->at_ns);
    const char *message = text_of(value, "message");
    if (answer->status == SEAM_OK)
        dev_say(dev, DIM, "%s   told %s, %s: %s", asked->label, asked->op, took, shown);
    else
        dev_say(dev, YELLOW, "%s   refused %s, %s: %s", asked->label, asked->op, took,
                *message ? message : shown);
    dev_emit(dev, "told",
             json_pack("{s:s, s:i, s:s, s:O}", "op", asked->op, "status", (int)answer->status,
                       "took", took, "body", value));
    open_free(asked);
}

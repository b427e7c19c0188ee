/* SPDX-License-Identifier: Apache-2.0
 *
 * Records as JSON: one table of fields for events, one for decisions; a field that says nothing is
 * left out. `path` and `name` stand there for people and are not read back.
 */
#include "orchestrator/state_internal.h"

#include <stddef.h>
#include <string.h>

enum field_type {
    FIELD_INT64,
    FIELD_UINT64,
    FIELD_UINT32,
    FIELD_BOOL,
    FIELD_TEXT,
    FIELD_JSON,
    FIELD_WORD
};

struct field {
    const char *name, *key; /* key: ,"name": */
    enum field_type type;
    size_t offset;
    bool open;                /* a text or value that nobody but the host and the operator chose */
    const char *const *words; /* of FIELD_WORD: an enum, which is an unsigned int */
    unsigned word_count;
};

static const char *const event_words[] = {
#define X(name, word) [EVENT_##name] = word,
    EVENT_KINDS(X)
#undef X
};
static const char *const decision_words[] = {
#define X(name, word) [DECISION_##name] = word,
    DECISION_KINDS(X)
#undef X
};
static const char *const end_words[] = {"ok", "input-required", "failed", "not-started",
                                        "gave-way"};
static const char *const outcome_words[] = {"none", "done", "unknown", "open"};
static const char *const begin_words[] = {"fresh", "done", "unknown", "conflict", "refused"};
static const char *const question_words[] = {"in-doubt", "output", "failure", "input", "change"};
static const char *const status_words[] = {"running", "waiting", "done", "failed", "cancelled"};
static const char *const cause_words[] = {
    "unavailable", "rate_limited", "timeout",     "busy",          "crash",
    "contract",    "assert",       "confidence",  "plan",          "input",
    "failed",      "denied",       "unsupported", "internal",      "budget",
    "cancelled",   "conflict",     "quarantined", "input_required"};

_Static_assert(sizeof(cause_words) / sizeof(cause_words[0]) == CAUSE_COUNT + 1, "a word a cause");

#define KEY(member) ",\"" #member "\":"
#define PLAIN(s, type, member)                                                                     \
    {                                                                                              \
#member, KEY(member), type, offsetof(struct s, member), false, NULL, 0                     \
    }
#define OPEN(s, type, member)                                                                      \
    {                                                                                              \
#member, KEY(member), type, offsetof(struct s, member), true, NULL, 0                      \
    }
#define WORD(s, member, list)                                                                      \
    {                                                                                              \
#member, KEY(member), FIELD_WORD, offsetof(struct s, member), true, list,                  \
            sizeof(list) / sizeof(list[0])                                                         \
    }

static const struct field event_fields[] = {
    PLAIN(event, FIELD_INT64, at_ms),
    PLAIN(event, FIELD_UINT32, task),
    PLAIN(event, FIELD_UINT32, attempt),
    WORD(event, end, end_words),
    WORD(event, cause, cause_words),
    WORD(event, claim, outcome_words),
    PLAIN(event, FIELD_BOOL, lost),
    PLAIN(event, FIELD_BOOL, refusal),
    PLAIN(event, FIELD_INT64, retry_after_ms),
    PLAIN(event, FIELD_JSON, body),
    PLAIN(event, FIELD_TEXT, code),
    PLAIN(event, FIELD_TEXT, message),
    PLAIN(event, FIELD_BOOL, claimed),
    PLAIN(event, FIELD_TEXT, effect),
    PLAIN(event, FIELD_TEXT, digest),
    PLAIN(event, FIELD_JSON, request),
    PLAIN(event, FIELD_BOOL, automatic),
    WORD(event, outcome, outcome_words),
    PLAIN(event, FIELD_JSON, response),
    PLAIN(event, FIELD_JSON, result),
    PLAIN(event, FIELD_INT64, tokens),
    PLAIN(event, FIELD_INT64, cost),
    PLAIN(event, FIELD_UINT32, revision),
    PLAIN(event, FIELD_BOOL, deny),
    PLAIN(event, FIELD_INT64, said_ms),
    PLAIN(event, FIELD_TEXT, who),
    PLAIN(event, FIELD_TEXT, shown),
    PLAIN(event, FIELD_BOOL, restored),
    OPEN(event, FIELD_TEXT, run),
    OPEN(event, FIELD_TEXT, store),
    PLAIN(event, FIELD_UINT64, seed),
    PLAIN(event, FIELD_UINT32, rules),
    PLAIN(event, FIELD_BOOL, paranoid),
    PLAIN(event, FIELD_JSON, input),
    OPEN(event, FIELD_JSON, pins),
    OPEN(event, FIELD_JSON, libraries),
    PLAIN(event, FIELD_BOOL, planned),
    PLAIN(event, FIELD_JSON, plan_errors),
    PLAIN(event, FIELD_JSON, adopted),
    PLAIN(event, FIELD_JSON, room),
    PLAIN(event, FIELD_JSON, prompt),
};

static const struct field decision_fields[] = {
    OPEN(decision, FIELD_TEXT, rule),         PLAIN(decision, FIELD_JSON, why),
    PLAIN(decision, FIELD_UINT32, step),      PLAIN(decision, FIELD_UINT32, task),
    PLAIN(decision, FIELD_UINT32, attempt),   PLAIN(decision, FIELD_UINT32, number),
    PLAIN(decision, FIELD_BOOL, reconciling), PLAIN(decision, FIELD_TEXT, effect),
    PLAIN(decision, FIELD_JSON, input),       PLAIN(decision, FIELD_JSON, feedback),
    PLAIN(decision, FIELD_INT64, timeout_ms), PLAIN(decision, FIELD_INT64, tokens),
    PLAIN(decision, FIELD_INT64, cost),       PLAIN(decision, FIELD_INT64, due_ms),
    PLAIN(decision, FIELD_BOOL, said_never),  PLAIN(decision, FIELD_JSON, items),
    WORD(decision, cause, cause_words),       PLAIN(decision, FIELD_BOOL, accepted),
    PLAIN(decision, FIELD_BOOL, fits),        PLAIN(decision, FIELD_JSON, output),
    PLAIN(decision, FIELD_JSON, undo_input),  WORD(decision, outcome, outcome_words),
    PLAIN(decision, FIELD_JSON, error),       WORD(decision, status, status_words),
    PLAIN(decision, FIELD_BOOL, skipped),     WORD(decision, question, question_words),
    PLAIN(decision, FIELD_UINT32, revision),  PLAIN(decision, FIELD_JSON, shown),
    WORD(decision, begin, begin_words),       PLAIN(decision, FIELD_TEXT, key),
    PLAIN(decision, FIELD_JSON, result),      PLAIN(decision, FIELD_JSON, response),
    PLAIN(decision, FIELD_BOOL, granted),     PLAIN(decision, FIELD_UINT32, frame),
    PLAIN(decision, FIELD_BOOL, deferred),
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

const char *event_kind_word(enum event_kind kind)
{
    return event_words[kind];
}

const char *decision_kind_word(enum decision_kind kind)
{
    return decision_words[kind];
}

const char *run_status_word(enum run_status status)
{
    return status_words[status];
}

bool run_status_is_final(enum run_status status)
{
    return status >= RUN_DONE;
}

/* ---- writing ---- */

static json_t *field_value(const struct field *field, const void *at)
{
    union {
        int64_t i64;
        uint64_t u64;
        uint32_t u32;
        bool flag;
        const char *text;
        json_t *json;
        unsigned word;
    } v;
    switch (field->type) {
    case FIELD_INT64:
        memcpy(&v.i64, at, sizeof(v.i64));
        return v.i64 ? json_integer(v.i64) : NULL;
    case FIELD_UINT64:
        memcpy(&v.u64, at, sizeof(v.u64));
        return v.u64 ? json_integer((json_int_t)v.u64) : NULL;
    case FIELD_UINT32:
        memcpy(&v.u32, at, sizeof(v.u32));
        return v.u32 ? json_integer(v.u32) : NULL;
    case FIELD_BOOL:
        memcpy(&v.flag, at, sizeof(v.flag));
        return v.flag ? json_true() : NULL;
    case FIELD_TEXT:
        memcpy(&v.text, at, sizeof(v.text));
        return v.text ? json_string(v.text) : NULL;
    case FIELD_JSON:
        memcpy(&v.json, at, sizeof(v.json));
        return json_incref(v.json);
    case FIELD_WORD:
        memcpy(&v.word, at, sizeof(v.word));
        return v.word ? json_string(field->words[v.word]) : NULL;
    }
    return NULL;
}

static json_t *write_fields(const char *kind, const struct field *fields, size_t count,
                            const void *from)
{
    json_t *object = json_object();
    json_object_set_new(object, "kind", json_string(kind));
    for (size_t i = 0; i < count; i++) {
        json_t *value = field_value(&fields[i], (const char *)from + fields[i].offset);
        if (value)
            json_object_set_new(object, fields[i].name, value);
    }
    return object;
}

static bool event_has_task(enum event_kind kind)
{
    return kind != EVENT_STARTED && kind != EVENT_TAKEN_OVER && kind != EVENT_CHANGED &&
           kind != EVENT_CANCEL_ASKED && kind != EVENT_TIME_SPENT;
}

static bool event_has_place(const struct run *run, const struct event *event)
{
    return event_has_task(event->kind) &&
           (event->task < run->task_count || event->task == RUN_ITSELF);
}

bool decision_has_task(enum decision_kind kind)
{
    return kind != DECISION_ADMIT && kind != DECISION_SKIP && kind != DECISION_ADOPT &&
           kind != DECISION_UNWIND && kind != DECISION_LEAVE && kind != DECISION_END;
}

/* Where a decision belongs that is of a flow: its step, or the task whose work the flow is; NULL =
 * nowhere. What was made for it is *ret_made, to be freed. */
static const char *place_of(const struct run *run, const struct decision *decision, char **ret_made)
{
    const struct frame *frame = run->frames[decision->frame];
    const char *name = frame->flow->steps[decision->step].name;
    if (decision->kind == DECISION_ADMIT || decision->kind == DECISION_SKIP ||
        decision->kind == DECISION_ADOPT) {
        if (!frame->prefix[0])
            return name;
        return *ret_made = xasprintf("%s%s", frame->prefix, name);
    }
    return frame->parent != NO_TASK ? run_task_path(run, frame->parent) : NULL;
}

static json_t *write_decision(const struct run *run, const struct decision *decision)
{
    json_t *json = write_fields(decision_words[decision->kind], decision_fields,
                                COUNT(decision_fields), decision);
    AUTO(freep) char *place = NULL;
    const char *path = decision_has_task(decision->kind) ? run_task_path(run, decision->task)
                                                         : place_of(run, decision, &place);
    if (path)
        json_object_set_new(json, "path", json_string(path));
    return json;
}

json_t *record_json(const struct run *run, const struct event *event,
                    const struct decisions *decisions)
{
    json_t *list = json_array();
    json_t *what = write_fields(event_words[event->kind], event_fields, COUNT(event_fields), event);
    if (event_has_place(run, event))
        json_object_set_new(what, "path", json_string(run_task_path(run, event->task)));
    for (size_t i = 0; i < decisions->count; i++)
        json_array_append_new(list, write_decision(run, &decisions->list[i]));
    return json_pack("{s:o, s:o}", "event", what, "decisions", list);
}

/* ---- writing as text ---- */

/* A field that says something, behind its key. */
static void write_field(const struct field *field, const void *at, const struct record_style *style,
                        struct text *out)
{
    union {
        int64_t i64;
        uint32_t u32;
        bool flag;
        const char *text;
        json_t *json;
        unsigned word;
    } v;
    switch (field->type) {
    case FIELD_INT64:
    case FIELD_UINT64:
        memcpy(&v.i64, at, sizeof(v.i64));
        if (v.i64 && text_adds(out, field->key))
            text_addi(out, v.i64);
        return;
    case FIELD_UINT32:
        memcpy(&v.u32, at, sizeof(v.u32));
        if (v.u32 && text_adds(out, field->key))
            text_addi(out, v.u32);
        return;
    case FIELD_BOOL:
        memcpy(&v.flag, at, sizeof(v.flag));
        if (v.flag && text_adds(out, field->key))
            text_adds(out, "true");
        return;
    case FIELD_TEXT:
        memcpy(&v.text, at, sizeof(v.text));
        if (v.text && (field->open || !style->open) && text_adds(out, field->key))
            style->string(slice_of(v.text), out);
        return;
    case FIELD_JSON:
        memcpy(&v.json, at, sizeof(v.json));
        if (v.json && (field->open || !style->open) && text_adds(out, field->key))
            style->value(style->user, v.json, out);
        return;
    case FIELD_WORD:
        memcpy(&v.word, at, sizeof(v.word));
        if (v.word && text_adds(out, field->key))
            style->string(slice_of(field->words[v.word]), out);
        return;
    }
}

/* All but the brace that ends it. */
static void begin_object(const char *kind, const struct field *fields, size_t count,
                         const void *from, const struct record_style *style, struct text *out)
{
    text_adds(out, "{\"kind\":");
    style->string(slice_of(kind), out);
    for (size_t i = 0; i < count; i++)
        write_field(&fields[i], (const char *)from + fields[i].offset, style, out);
}

/* The task around it, or it itself, whose name and those of all around it stand in files. */
static uint32_t named_by_files(const struct run *run, uint32_t task)
{
    uint32_t named = task;
    for (const struct task *at = run->tasks[task];;) {
        bool chosen = at->parent != NO_TASK;
        uint32_t around = chosen ? at->parent : frame_of(run, at)->parent;
        if (around == NO_TASK)
            return named;
        at = run->tasks[around];
        if (chosen || step_of(run, at)->plan)
            named = around;
    }
}

/* What stands in the place of a path in an open record; the caller frees. */
static char *open_path(const struct run *run, uint32_t task, const char *path)
{
    uint32_t named = task < run->task_count ? named_by_files(run, task) : task;
    return named == task ? xstrdup(path) : xasprintf("%s/…", run->tasks[named]->path);
}

/* The same of a step of a flow that is a task's work. */
static char *open_step_path(const struct run *run, const struct frame *frame, const char *path)
{
    uint32_t task = frame->parent;
    if (task == NO_TASK)
        return xstrdup(path);
    uint32_t named = named_by_files(run, task);
    if (named == task && !step_of(run, run->tasks[task])->plan)
        return xstrdup(path);
    return xasprintf("%s/…", run->tasks[named]->path);
}

static void write_path(const char *path, const struct record_style *style, struct text *out)
{
    text_adds(out, ",\"path\":");
    style->string(slice_of(path), out);
}

static void write_decision_text(const struct run *run, const struct decision *decision,
                                const struct record_style *style, struct text *out)
{
    begin_object(decision_words[decision->kind], decision_fields, COUNT(decision_fields), decision,
                 style, out);
    AUTO(freep) char *place = NULL, *open = NULL;
    bool of_task = decision_has_task(decision->kind);
    const char *path =
        of_task ? run_task_path(run, decision->task) : place_of(run, decision, &place);
    if (path && style->open)
        path = open = of_task ? open_path(run, decision->task, path)
                              : open_step_path(run, run->frames[decision->frame], path);
    if (path)
        write_path(path, style, out);
    text_addc(out, '}');
}

void record_write(const struct run *run, const struct event *event,
                  const struct decisions *decisions, const struct record_style *style,
                  struct text *out)
{
    text_adds(out, "{\"event\":");
    begin_object(event_words[event->kind], event_fields, COUNT(event_fields), event, style, out);
    if (event_has_place(run, event)) {
        const char *path = run_task_path(run, event->task);
        AUTO(freep) char *open = style->open ? open_path(run, event->task, path) : NULL;
        write_path(open ? open : path, style, out);
    }
    text_adds(out, "},\"decisions\":[");
    for (size_t i = 0; i < decisions->count; i++) {
        if (i > 0)
            text_addc(out, ',');
        write_decision_text(run, &decisions->list[i], style, out);
    }
    text_adds(out, "]}");
}

/* ---- reading ---- */

static bool word_index(const char *const *words, size_t count, const json_t *json,
                       unsigned *ret_index)
{
    const char *word = json_string_value(json);
    for (unsigned i = 0; word && i < count; i++)
        if (strcmp(words[i], word) == 0) {
            *ret_index = i;
            return true;
        }
    return false;
}

static bool read_field(const struct field *field, json_t *json, void *at)
{
    json_int_t number = json_integer_value(json);
    switch (field->type) {
    case FIELD_INT64:
        memcpy(at, &(int64_t){number}, sizeof(int64_t));
        return json_is_integer(json);
    case FIELD_UINT64:
        memcpy(at, &(uint64_t){(uint64_t)number}, sizeof(uint64_t));
        return json_is_integer(json);
    case FIELD_UINT32:
        memcpy(at, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
        return json_is_integer(json) && number >= 0 && number <= UINT32_MAX;
    case FIELD_BOOL:
        memcpy(at, &(bool){json_is_true(json)}, sizeof(bool));
        return json_is_boolean(json);
    case FIELD_TEXT:
        memcpy(at, &(const char *){json_string_value(json)}, sizeof(const char *));
        return json_is_string(json);
    case FIELD_JSON:
        memcpy(at, &json, sizeof(json));
        return true;
    case FIELD_WORD: {
        unsigned index = 0;
        bool found = word_index(field->words, field->word_count, json, &index);
        memcpy(at, &index, sizeof(index));
        return found;
    }
    }
    return false;
}

/* Members were written in the order of the fields, so the search goes on where the last one ended;
 * most objects have few of them. */
static const struct field *field_named(const struct field *fields, size_t count, const char *name,
                                       size_t *next)
{
    for (size_t tried = 0; tried < count; tried++) {
        const struct field *field = &fields[*next];
        *next = *next + 1 < count ? *next + 1 : 0;
        if (field->name[0] == name[0] && strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

static enum error_code read_fields(json_t *json, const struct field *fields, size_t count, void *to,
                                   struct error *reterr)
{
    const char *name;
    json_t *value;
    size_t next = 0;
    json_object_foreach (json, name, value) {
        const struct field *field = field_named(fields, count, name, &next);
        if (field && !read_field(field, value, (char *)to + field->offset))
            return error_set(reterr, ERR_CORRUPT, "a record's `%s` is not what it should be",
                             field->name);
    }
    return ERR_OK;
}

/* Decisions own their JSON. */
static void take_json(struct decision *decision)
{
    for (size_t i = 0; i < COUNT(decision_fields); i++) {
        json_t *json;
        if (decision_fields[i].type != FIELD_JSON)
            continue;
        memcpy(&json, (char *)decision + decision_fields[i].offset, sizeof(json));
        json_incref(json);
    }
}

enum error_code record_read(json_t *json, struct record *ret_record, struct error *reterr)
{
    struct record record = {.root = json};
    json_t *list = json_object_get(json, "decisions");
    json_t *what = json_object_get(json, "event");
    unsigned kind;
    if (!word_index(event_words, COUNT(event_words), json_object_get(what, "kind"), &kind))
        return error_set(reterr, ERR_CORRUPT, "a record's event is of no known kind");
    record.event.kind = (enum event_kind)kind;
    enum error_code code =
        read_fields(what, event_fields, COUNT(event_fields), &record.event, reterr);
    size_t count = json_array_size(list);
    record.decisions.list = xcalloc(count, sizeof(struct decision));
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        json_t *one = json_array_get(list, i);
        struct decision *decision = &record.decisions.list[i];
        if (!word_index(decision_words, COUNT(decision_words), json_object_get(one, "kind"),
                        &kind)) {
            code = error_set(reterr, ERR_CORRUPT, "a record's decision is of no known kind");
            break;
        }
        decision->kind = (enum decision_kind)kind;
        code = read_fields(one, decision_fields, COUNT(decision_fields), decision, reterr);
        if (code != ERR_OK)
            *decision = (struct decision){0};
        else
            take_json(decision);
        record.decisions.count = i + 1;
    }
    json_incref(record.root);
    if (code != ERR_OK)
        record_done(&record);
    else
        *ret_record = record;
    return code;
}

void record_done(struct record *record)
{
    decisions_done(&record->decisions);
    json_decref(record->root);
    *record = (struct record){0};
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of checks and the ledger of what came of them. A child of the kit writes what it finds
 * as lines of JSON to its parent, which enters them in the same ledger; so a level need not know
 * where it runs. The first failures of a check are kept, all are counted. What was asked for and
 * never told is skipped, with what stood in its way.
 */
#include "conformance/kit_internal.h"

#include "document/document.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct check checks[] = {
#define X(name, id, level, title, cure) {id, level, title, cure},
    CHECKS(X)
#undef X
};
const size_t check_count = CHECK_COUNT;

enum { SHOWN_MAX = 600, LINE_MAX_BYTES = 16384 };

int64_t kit_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void kit_progress(struct kit *kit, const char *what)
{
    if (kit->options->progress)
        kit->options->progress(kit->options->user, what);
}

bool kit_wants(const struct kit *kit, enum check_number check)
{
    return kit->asked[check];
}

bool kit_failed(const struct kit *kit, enum check_number check)
{
    return kit->report->outcomes[check].state == CHECKED_FAILED;
}

/* ---- from a child ---- */

static bool told(struct kit *kit, json_t *line_taken)
{
    if (kit->tell >= 0) {
        AUTO(text_done) struct text text;
        text_init(&text, LINE_MAX_BYTES);
        json_write(line_taken, &text);
        text_addc(&text, '\n');
        ssize_t written = write(kit->tell, text_str(&text), text.len);
        (void)written; /* the parent is gone, and so soon is this process */
    }
    json_decref(line_taken);
    return kit->tell >= 0;
}

/* ---- the ledger ---- */

void kit_hold(struct kit *kit, enum check_number check)
{
    struct checked *o = &kit->report->outcomes[check];
    if (!kit->asked[check] || o->state != CHECKED_SKIPPED)
        return;
    o->state = CHECKED_HELD;
    free(o->reason);
    o->reason = NULL;
    told(kit, json_pack("{s:i, s:s}", "check", (int)check, "state", "held"));
}

static void skip(struct kit *kit, enum check_number check, const char *reason)
{
    struct checked *o = &kit->report->outcomes[check];
    if (!kit->asked[check] || o->state != CHECKED_SKIPPED || o->reason)
        return;
    o->reason = xstrdup(reason);
    told(kit,
         json_pack("{s:i, s:s, s:s}", "check", (int)check, "state", "skipped", "reason", reason));
}

void kit_skip(struct kit *kit, enum check_number check, const char *format, ...)
{
    va_list args;
    char reason[SHOWN_MAX];
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    skip(kit, check, reason);
}

/* What plugins say is shown to people: whole characters, and none that steer a terminal. */
static char *clean(const char *text)
{
    char *copy = xstrndup(text, strnlen(text, SHOWN_MAX));
    size_t len = strlen(copy);
    while (len > 0 && !slice_valid_utf8((struct slice){copy, len})) {
        size_t bad = 0;
        while (bad < len && slice_valid_utf8((struct slice){copy, bad + 1}))
            bad++;
        if (len - bad < 4 && strlen(text) > SHOWN_MAX) {
            len = bad;
            break;
        }
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)copy[i] >= 0x80)
                copy[i] = '?';
    }
    copy[len] = '\0';
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    return copy;
}

static void fail(struct kit *kit, enum check_number check, bool breaks, const char *place,
                 const char *expected, const char *found)
{
    struct checked *o = &kit->report->outcomes[check];
    if (breaks && kit->broken < 0)
        kit->broken = (int)check;
    if (!kit->asked[check])
        return;
    free(o->reason);
    o->reason = NULL;
    o->state = CHECKED_FAILED;
    if (o->failure_count < FAILURES_KEPT) {
        struct failure *f = &o->failures[o->failure_count];
        *f = (struct failure){clean(place), clean(expected), clean(found)};
        told(kit, json_pack("{s:i, s:s, s:b, s:s, s:s, s:s}", "check", (int)check, "state",
                            "failed", "breaks", (int)breaks, "place", f->place, "expected",
                            f->expected, "found", f->found));
    }
    o->failure_count++;
}

void kit_fail(struct kit *kit, enum check_number check, const char *place, const char *expected,
              const char *format, ...)
{
    va_list args;
    char found[SHOWN_MAX * 2];
    va_start(args, format);
    vsnprintf(found, sizeof(found), format, args);
    va_end(args);
    fail(kit, check, false, place, expected, found);
}

void kit_break(struct kit *kit, enum check_number check, const char *place, const char *expected,
               const char *format, ...)
{
    va_list args;
    char found[SHOWN_MAX * 2];
    va_start(args, format);
    vsnprintf(found, sizeof(found), format, args);
    va_end(args);
    fail(kit, check, true, place, expected, found);
}

void kit_read(struct kit *kit, struct slice text)
{
    AUTO(json_decrefp) json_t *line = NULL;
    if (json_read_own(text, &line, NULL) != ERR_OK)
        return;
    json_int_t number = json_integer_value(json_object_get(line, "check"));
    const char *state = json_string_value(json_object_get(line, "state"));
    const char *place = json_string_value(json_object_get(line, "place"));
    const char *expected = json_string_value(json_object_get(line, "expected"));
    const char *found = json_string_value(json_object_get(line, "found"));
    const char *reason = json_string_value(json_object_get(line, "reason"));
    if (number < 0 || number >= CHECK_COUNT || !state)
        return;
    enum check_number check = (enum check_number)number;
    if (strcmp(state, "held") == 0)
        kit_hold(kit, check);
    else if (reason)
        skip(kit, check, reason);
    else if (place && expected && found)
        fail(kit, check, json_is_true(json_object_get(line, "breaks")), place, expected, found);
}

/* ---- which are asked for ---- */

bool conformance_knows(const char *id)
{
    for (size_t i = 0; i < CHECK_COUNT; i++)
        if (strncmp(checks[i].id, id, strlen(id)) == 0 && *id)
            return true;
    return false;
}

static bool is_asked(const struct conformance_options *options, const struct check *check)
{
    bool named = options->only_count == 0;
    for (size_t i = 0; i < options->only_count && !named; i++)
        named = strncmp(check->id, options->only[i], strlen(options->only[i])) == 0;
    return named && (options->levels & 1u << check->level);
}

static bool asks_level(const struct kit *kit, int level)
{
    for (size_t i = 0; i < CHECK_COUNT; i++)
        if (kit->asked[i] && checks[i].level == level)
            return true;
    return false;
}

static void finish(struct kit *kit)
{
    struct conformance *r = kit->report;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        struct checked *o = &r->outcomes[i];
        if (kit->asked[i] && o->state == CHECKED_SKIPPED && !o->reason) {
            if (kit->broken >= 0)
                kit_skip(kit, (enum check_number)i, "%s does not hold", checks[kit->broken].id);
            else
                kit_skip(kit, (enum check_number)i, "nothing in this plugin calls for it");
        }
        r->held += o->state == CHECKED_HELD;
        r->failed += o->state == CHECKED_FAILED;
        r->skipped += o->state == CHECKED_SKIPPED && o->reason;
    }
}

enum error_code conformance_verify(const char *path, const struct conformance_options *options,
                                   struct conformance **ret_report, struct error *reterr)
{
    static void (*const levels[])(struct kit *) = {level_behaviour, level_truth, level_instruments};
    AUTO(conformance_freep) struct conformance *report = xcalloc(1, sizeof(*report));
    struct kit kit = {.options = options, .report = report, .tell = -1, .broken = -1};
    report->path = xstrdup(path);
    report->outcomes = xcalloc(CHECK_COUNT, sizeof(*report->outcomes));
    for (size_t i = 0; i < CHECK_COUNT; i++)
        kit.asked[i] = is_asked(options, &checks[i]);
    enum error_code code = level_static(&kit, reterr);
    if (code == ERR_OK && kit.card && kit.card->from_config && options->agents)
        code = card_describe(kit.card, options->agents, reterr);
    for (int level = 2; code == ERR_OK && level <= CONFORMANCE_LEVELS && kit.broken < 0; level++)
        if (asks_level(&kit, level)) {
            kit.due_ms = kit_now_ms() + options->time_ms;
            levels[level - 2](&kit);
        }
    if (code == ERR_OK) {
        finish(&kit);
        *ret_report = TAKE(report);
    }
    card_free(kit.card);
    free(kit.sanitizer);
    json_decref(kit.config);
    json_decref(kit.inputs);
    return code;
}

void conformance_free(struct conformance *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        struct checked *o = &report->outcomes[i];
        for (size_t k = 0; k < o->failure_count && k < FAILURES_KEPT; k++) {
            free(o->failures[k].place);
            free(o->failures[k].expected);
            free(o->failures[k].found);
        }
        free(o->reason);
    }
    free(report->outcomes);
    free(report->path);
    free(report->id);
    free(report->version);
    free(report);
}

void conformance_freep(struct conformance **report)
{
    conformance_free(*report);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Budgets over all runs: what the manifest's `budgets` allows in an hour, a day, a week, a month of
 * UTC. What a run is charged (used, and set aside for what is under way) is added to the meter of
 * its hour, in the transaction of the record that charges it; what a call does not use is given
 * back to the hour of its start. So a host that is killed loses nothing, and the next one begins
 * with what this one knew.
 *
 * What there is room for is said to the run with each event, before anything is decided on it: no
 * start is recorded, or charged, that had no room, and what the journal has charged is what may
 * have been spent, whoever is killed when. What cleans up is charged, and always admitted. Hours
 * that are still to come count too: a clock that is set back gives nothing back.
 */
#include "runtime/across_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };
/* What is older is history; a clock that is set back by less gives nothing back. */
#define KEPT_MS (40 * (int64_t)DAY_MS)

struct hour {
    int64_t begins_ms;
    struct amounts used;
};

struct purse {
    struct hour *hours; /* in their order */
    size_t count, room;
    struct budget_use uses[PERIOD_COUNT]; /* at hour_ms */
    int64_t hour_ms;
    bool counts_starts, counts_tokens;
    int64_t told_ms[PERIOD_COUNT]; /* the end of the period whose end was told last */
};

/* ---- periods ---- */

static int64_t floor_to(int64_t ms, int64_t unit)
{
    return ms - ((ms % unit) + unit) % unit;
}

static int64_t month_at(int64_t ms, int more)
{
    time_t seconds = (time_t)(floor_to(ms, 1000) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    struct tm first = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon + more, .tm_mday = 1};
    return (int64_t)timegm(&first) * 1000;
}

static void period_at(enum period period, int64_t ms, struct budget_use *ret)
{
    switch (period) {
    case PERIOD_HOUR:
        ret->begins_ms = floor_to(ms, HOUR_MS);
        ret->ends_ms = ret->begins_ms + HOUR_MS;
        return;
    case PERIOD_DAY:
        ret->begins_ms = floor_to(ms, DAY_MS);
        ret->ends_ms = ret->begins_ms + DAY_MS;
        return;
    case PERIOD_WEEK: /* 1970-01-05 was a Monday */
        ret->begins_ms =
            floor_to(ms - 4 * (int64_t)DAY_MS, 7 * (int64_t)DAY_MS) + 4 * (int64_t)DAY_MS;
        ret->ends_ms = ret->begins_ms + 7 * (int64_t)DAY_MS;
        return;
    case PERIOD_MONTH:
    case PERIOD_COUNT:
        ret->begins_ms = month_at(ms, 0);
        ret->ends_ms = month_at(ms, 1);
        return;
    }
}

/* "2026-11-22T13Z" */
static void hour_name(int64_t ms, char ret_name[static 32])
{
    time_t seconds = (time_t)(floor_to(ms, 1000) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(ret_name, 32, "%Y-%m-%dT%HZ", &tm);
}

static bool hour_of_name(const char *name, int64_t *ret_ms)
{
    struct tm tm = {0};
    const char *end = strptime(name, "%Y-%m-%dT%HZ", &tm);
    *ret_ms = end && !*end ? (int64_t)timegm(&tm) * 1000 : 0;
    return end && !*end;
}

/* ---- amounts ---- */

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a > 0 ? INT64_MAX : INT64_MIN) : sum;
}

static struct amounts sum(struct amounts a, struct amounts b, int sign)
{
    return (struct amounts){.attempts = plus(a.attempts, sign * b.attempts),
                            .calls = plus(a.calls, sign * b.calls),
                            .tokens = plus(a.tokens, sign * b.tokens),
                            .cost = plus(a.cost, sign * b.cost)};
}

static bool any(struct amounts a)
{
    return a.attempts || a.calls || a.tokens || a.cost;
}

/* ---- hours ---- */

static struct hour *hour_at(struct purse *purse, int64_t begins_ms)
{
    size_t at = purse->count;
    while (at > 0 && purse->hours[at - 1].begins_ms > begins_ms)
        at--;
    if (at > 0 && purse->hours[at - 1].begins_ms == begins_ms)
        return &purse->hours[at - 1];
    if (purse->count == purse->room) {
        purse->room = purse->room ? purse->room * 2 : 64;
        purse->hours = xrealloc(purse->hours, purse->room * sizeof(*purse->hours));
    }
    memmove(purse->hours + at + 1, purse->hours + at, (purse->count - at) * sizeof(*purse->hours));
    purse->count++;
    purse->hours[at] = (struct hour){.begins_ms = begins_ms};
    return &purse->hours[at];
}

static void forget_before(struct purse *purse, int64_t ms)
{
    size_t old = 0;
    while (old < purse->count && purse->hours[old].begins_ms < ms)
        old++;
    if (old == 0)
        return;
    purse->count -= old;
    memmove(purse->hours, purse->hours + old, purse->count * sizeof(*purse->hours));
}

/* The sums of the periods that are at this time. */
static void look_at(struct purse *purse, int64_t at_ms)
{
    int64_t hour_ms = floor_to(at_ms, HOUR_MS);
    if (hour_ms == purse->hour_ms)
        return;
    purse->hour_ms = hour_ms;
    forget_before(purse, hour_ms - KEPT_MS);
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        struct budget_use *use = &purse->uses[p];
        *use = (struct budget_use){0};
        period_at(p, hour_ms, use);
        for (size_t i = 0; i < purse->count; i++) {
            const struct hour *hour = &purse->hours[i];
            if (hour->begins_ms < use->begins_ms)
                continue;
            use->used = sum(use->used, hour->used, 1);
            use->ahead |= hour->begins_ms > hour_ms && any(hour->used);
        }
    }
}

static void charge(struct purse *purse, int64_t hour_ms, struct amounts more)
{
    struct hour *hour = hour_at(purse, hour_ms);
    hour->used = sum(hour->used, more, 1);
    for (enum period p = 0; p < PERIOD_COUNT; p++)
        if (hour_ms >= purse->uses[p].begins_ms)
            purse->uses[p].used = sum(purse->uses[p].used, more, 1);
}

static void load_hour(void *user, const struct journal_meter *meter)
{
    struct purse *purse = user;
    int64_t hour_ms;
    const struct amounts used = {meter->amounts[0], meter->amounts[1], meter->amounts[2],
                                 meter->amounts[3]};
    if (hour_of_name(meter->name, &hour_ms))
        hour_at(purse, hour_ms)->used = used;
}

static enum error_code load(struct purse *purse, struct journal_reader *reader, int64_t at_ms,
                            struct error *reterr)
{
    char from[32];
    hour_name(at_ms - KEPT_MS, from);
    return journal_meters(reader, from, load_hour, purse, reterr);
}

enum error_code budgets_used(struct journal_reader *reader, int64_t at_ms,
                             struct budget_use ret_uses[static PERIOD_COUNT], struct error *reterr)
{
    struct purse purse = {.hour_ms = INT64_MIN};
    enum error_code code = load(&purse, reader, at_ms, reterr);
    look_at(&purse, at_ms);
    if (code == ERR_OK)
        memcpy(ret_uses, purse.uses, sizeof(purse.uses));
    free(purse.hours);
    return code;
}

/* ---- of a host ---- */

enum error_code purse_open(struct host *host, struct error *reterr)
{
    const struct manifest *manifest = host->manifest;
    if (!manifest->any_budget)
        return ERR_OK;
    struct purse *purse = host->purse = xcalloc(1, sizeof(*purse));
    purse->hour_ms = INT64_MIN;
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        const struct manifest_budget *budget = &manifest->budgets[p];
        purse->counts_starts |= budget->attempts >= 0 || budget->calls >= 0;
        purse->counts_tokens |= budget->tokens >= 0;
    }
    enum error_code code = load(purse, journal_own_reader(host->journal), host_now(host), reterr);
    look_at(purse, host_now(host));
    if (purse->uses[PERIOD_HOUR].ahead)
        host_log(host, "budgets", SEAM_LOG_WARNING,
                 "the journal has amounts of hours that are still to come: the clock was set back; "
                 "they count until then");
    return code;
}

void purse_close(struct host *host)
{
    if (host->purse)
        free(host->purse->hours);
    free(host->purse);
    host->purse = NULL;
}

int64_t purse_hour(const struct host *host)
{
    return host->purse ? host->purse->hour_ms : 0;
}

bool purse_needs_barrier(const struct host *host, const struct agent *agent)
{
    const struct purse *purse = host->purse;
    return purse && (purse->counts_starts || (purse->counts_tokens && agent->tokens > 0));
}

/* ---- room ---- */

static void date_text(int64_t ms, char ret_text[static 32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(ret_text, 32, "%Y-%m-%dT%H:%MZ", &tm);
}

static void add_limit(json_t *room, enum period period, const struct budget_use *use,
                      int64_t ended_ms, const char *what, int64_t allowed, int64_t used)
{
    char until[32];
    if (allowed < 0)
        return;
    date_text(use->ends_ms, until);
    json_array_append_new(room, json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "period",
                                          period_word(period), "until", until, "what", what,
                                          "allowed", (json_int_t)allowed, "used", (json_int_t)used,
                                          "returns", (int)(ended_ms >= use->begins_ms)));
}

/* The hour of the call that ends now, to which what it did not use is given back. */
static int64_t ended_hour(const struct live_run *live)
{
    return live->ended_hour_ms ? live->ended_hour_ms : live->host->purse->hour_ms;
}

json_t *purse_room(const struct live_run *live)
{
    struct host *host = live->host;
    struct purse *purse = host->purse;
    if (!purse)
        return NULL;
    look_at(purse, host_now(host));
    json_t *room = json_array();
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        const struct manifest_budget *budget = &host->manifest->budgets[p];
        const struct budget_use *use = &purse->uses[p];
        int64_t ended_ms = ended_hour(live);
        add_limit(room, p, use, ended_ms, "attempts", budget->attempts, use->used.attempts);
        add_limit(room, p, use, ended_ms, "calls", budget->calls, use->used.calls);
        add_limit(room, p, use, ended_ms, "tokens", budget->tokens, use->used.tokens);
        add_limit(room, p, use, ended_ms, "cost", budget->cost, use->used.cost);
    }
    return room;
}

bool purse_lacks(const struct live_run *live, int64_t tokens, int64_t cost, struct room_lack *ret)
{
    const struct amounts none = {0}, more = {.tokens = tokens, .cost = cost};
    json_t *room = purse_room(live);
    bool lacks = room && room_lacks(room, none, none, more, ret);
    json_decref(room);
    if (lacks)
        purse_tell(live->host, ret->code, ret->message);
    return lacks;
}

void purse_tell(struct host *host, const char *code, const char *message)
{
    struct purse *purse = host->purse;
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        if (strcmp(strchr(code, '-') + 1, period_word(p)) != 0 ||
            purse->told_ms[p] == purse->uses[p].ends_ms)
            continue;
        purse->told_ms[p] = purse->uses[p].ends_ms;
        host_log(host, "budgets", SEAM_LOG_WARNING, "%s", message);
    }
}

/* ---- charging ---- */

/* What the run is charged for a start. */
static struct amounts charged_for(const struct live_run *live, const struct decision *start)
{
    struct nested_view nested;
    bool tried =
        !run_task_recovers(live->run, start->task) && !run_nested(live->run, start->task, &nested);
    return (struct amounts){
        .attempts = tried, .calls = 1, .tokens = start->tokens, .cost = start->cost};
}

static void enter(struct purse *purse, int64_t hour_ms, struct amounts more,
                  struct purse_entries *entries)
{
    if (!any(more))
        return;
    size_t at = entries->count++;
    hour_name(hour_ms, entries->names[at]);
    entries->list[at] = (struct journal_meter){
        .name = entries->names[at], .amounts = {more.attempts, more.calls, more.tokens, more.cost}};
    charge(purse, hour_ms, more);
}

static int64_t below(int64_t amount)
{
    return amount < 0 ? amount : 0;
}

void purse_note(struct live_run *live, struct amounts before, const struct decisions *decisions,
                struct purse_entries *ret)
{
    struct purse *purse = live->host->purse;
    struct amounts starts = {0};
    int64_t ended_ms = ended_hour(live);
    live->ended_hour_ms = 0;
    struct amounts change = sum(run_charged(live->run), before, -1);
    if (ended_ms == purse->hour_ms) {
        enter(purse, ended_ms, change, ret);
        return;
    }
    for (size_t i = 0; i < decisions->count; i++)
        if (decisions->list[i].kind == DECISION_START)
            starts = sum(starts, charged_for(live, &decisions->list[i]), 1);
    struct amounts rest = sum(change, starts, -1);
    struct amounts back = {.attempts = below(rest.attempts),
                           .calls = below(rest.calls),
                           .tokens = below(rest.tokens),
                           .cost = below(rest.cost)};
    enter(purse, ended_ms, back, ret);
    enter(purse, purse->hour_ms, sum(change, back, -1), ret);
}

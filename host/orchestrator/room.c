/* SPDX-License-Identifier: Apache-2.0
 *
 * Budgets over all runs, as far as one run must know them. What other runs have used is no part of
 * its state: the host says with each event what its periods had room for when it happened, and a
 * start that finds none is decided not to begin. So room is known before anything is recorded, no
 * start that was refused is ever charged, and whatever host is killed when, what the journal says
 * was started had its room. What cleans up needs none.
 *
 * `room` is a list of limits: {period, until, what, allowed, used, returns}. It is recorded only
 * where the lack of it changed what was decided; elsewhere the decisions say enough.
 */
#include "orchestrator/state_internal.h"

#include <stdio.h>
#include <string.h>

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a > 0 ? INT64_MAX : INT64_MIN) : sum;
}

static int64_t amount_of(struct amounts amounts, const char *what)
{
    return strcmp(what, "attempts") == 0 ? amounts.attempts
           : strcmp(what, "calls") == 0  ? amounts.calls
           : strcmp(what, "tokens") == 0 ? amounts.tokens
                                         : amounts.cost;
}

static const char *amount_text(const char *what, int64_t amount, char ret_text[static 32])
{
    amount = amount > 0 ? amount : 0;
    if (strcmp(what, "cost") == 0)
        return money_text(amount, ret_text);
    snprintf(ret_text, 32, "%lld", (long long)amount);
    return ret_text;
}

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

bool room_lacks(const json_t *room, struct amounts begun, struct amounts returned,
                struct amounts more, struct room_lack *ret)
{
    size_t i;
    json_t *limit;
    json_array_foreach ((json_t *)(uintptr_t)room, i, limit) {
        const char *what = text_in(limit, "what");
        int64_t allowed = json_integer_value(json_object_get(limit, "allowed"));
        int64_t used =
            plus(json_integer_value(json_object_get(limit, "used")), amount_of(begun, what));
        int64_t wanted = amount_of(more, what), other = amount_of(returned, what);
        char texts[3][32];
        if (other > 0 || json_is_true(json_object_get(limit, "returns")))
            used = plus(used, other);
        if (plus(used, wanted) <= allowed)
            continue;
        snprintf(ret->code, sizeof(ret->code), "budget-%.8s", text_in(limit, "period"));
        snprintf(ret->message, sizeof(ret->message),
                 "the manifest's budgets.%.8s allows %s %.8s; %s are used or set aside until "
                 "%.32s, and this would take %s",
                 text_in(limit, "period"), amount_text(what, allowed, texts[0]), what,
                 amount_text(what, used, texts[1]), text_in(limit, "until"),
                 amount_text(what, wanted, texts[2]));
        return true;
    }
    return false;
}

/* What the event at hand has given back, or used beyond what was set aside: all that changed but
 * for the starts. */
static struct amounts returned(const struct run *run)
{
    struct amounts now = run_charged(run);
    const struct amounts *was = &run->charged_before, *begun = &run->begun;
    return (struct amounts){.attempts = now.attempts - was->attempts - begun->attempts,
                            .calls = now.calls - was->calls - begun->calls,
                            .tokens = now.tokens - was->tokens - begun->tokens,
                            .cost = now.cost - was->cost - begun->cost};
}

struct amounts start_amounts(const struct task *task, bool recovery, int64_t tokens, int64_t cost)
{
    return (struct amounts){.attempts = !recovery && task->parent == NO_TASK,
                            .calls = 1,
                            .tokens = tokens,
                            .cost = cost};
}

bool event_lacks(const struct run *run, const struct event *event, struct amounts more,
                 struct room_lack *ret)
{
    return event->room && room_lacks(event->room, run->begun, returned(run), more, ret);
}

bool run_lacked_room(const struct run *run)
{
    return run->lacked_room;
}

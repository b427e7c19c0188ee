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

#include <stdlib.h>
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

/* The caller frees. */
static char *amount_text(const char *what, int64_t amount)
{
    char text[32];
    amount = amount > 0 ? amount : 0;
    return strcmp(what, "cost") == 0 ? xstrdup(money_text(amount, text))
                                     : xasprintf("%lld", (long long)amount);
}

/* Takes the text; what does not fit is cut. */
static void put(char *to, size_t size, char *text)
{
    size_t length = strlen(text) < size ? strlen(text) : size - 1;
    memcpy(to, text, length);
    to[length] = '\0';
    free(text);
}

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void say_lack(const json_t *limit, int64_t allowed, int64_t used, int64_t wanted,
                     struct room_lack *ret)
{
    const char *what = text_in(limit, "what"), *period = text_in(limit, "period");
    AUTO(freep) char *most = amount_text(what, allowed);
    AUTO(freep) char *taken = amount_text(what, used);
    AUTO(freep) char *more = amount_text(what, wanted);
    put(ret->code, sizeof(ret->code), xasprintf("budget-%s", period));
    put(ret->message, sizeof(ret->message),
        xasprintf("the manifest's budgets.%s allows %s %s; %s are used or set aside until %s, and "
                  "this would take %s",
                  period, most, what, taken, text_in(limit, "until"), more));
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
        if (other > 0 || json_is_true(json_object_get(limit, "returns")))
            used = plus(used, other);
        if (plus(used, wanted) <= allowed)
            continue;
        say_lack(limit, allowed, used, wanted, ret);
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

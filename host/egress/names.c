/* SPDX-License-Identifier: Apache-2.0
 *
 * Names are looked up once. libcurl keeps what it has found, and looks up each name by a thread of
 * its own; so of a thousand requests that begin at once a thousand would look, for none has found
 * anything yet. Here the first one to a place is its scout and the others wait, outside of libcurl,
 * until it has an address; if there is none, there is none for those who waited either.
 *
 *   nobody knows → asked   the first request to it, or the first one after NAME_MS  [names_admit]
 *   asked → known          the scout opens a socket, or uses a connection that stands [names_found]
 *   asked → asked          the scout is over before that: the next one is sent       [names_lost]
 *   asked → nobody knows   … because the name was not found, or nobody is left       [names_lost]
 *
 * The scout alone asks anew; all others take what libcurl has, however old, so that no request
 * looks for itself because it began a moment too late. A place is one of those that the manifest
 * grants: there are not many, and none is forgotten.
 */
#include "egress/egress_internal.h"

#include <stdlib.h>
#include <string.h>

/* libcurl counts whole seconds: at 1, what it has just found may be too old for who looked. */
enum { NAME_MS = 60000, FRESH_S = 2 };

struct name {
    struct name *next;          /* of all */
    struct name *next_answered; /* of those that have an answer which nobody has seen */
    struct transfer *scout;     /* NULL = nobody asks */
    struct transfers waiting;
    int64_t known_until_ms;
    enum name_answer answer;
    bool answered;
};

void names_done(struct names *names)
{
    map_done(&names->by_place);
    for (struct name *next, *name = names->all; name; name = next) {
        next = name->next;
        free(name);
    }
    *names = (struct names){0};
}

static struct name *name_of(struct names *names, const struct transfer *transfer)
{
    struct slice place = slice_of(transfer->place);
    struct name *name = map_get(&names->by_place, place);
    if (name)
        return name;
    name = xcalloc(1, sizeof(*name));
    name->next = names->all;
    names->all = name;
    map_put(&names->by_place, place, name);
    return name;
}

/* How old may be what libcurl has? */
static void set_age(const struct transfer *transfer, long seconds)
{
    ASSERT(curl_easy_setopt(transfer->easy, CURLOPT_DNS_CACHE_TIMEOUT, seconds) == CURLE_OK);
}

static void send_scout(struct name *name, struct transfer *transfer)
{
    name->scout = transfer;
    transfer->scout_of = name;
    set_age(transfer, FRESH_S);
}

bool names_admit(struct names *names, struct transfer *transfer, int64_t now_ms)
{
    if (!transfer->named)
        return true;
    struct name *name = name_of(names, transfer);
    set_age(transfer, -1);
    if (name->scout) {
        transfer->waits_for = name;
        transfers_add(&name->waiting, transfer);
        return false;
    }
    if (now_ms >= name->known_until_ms)
        send_scout(name, transfer);
    return true;
}

static void answer(struct names *names, struct name *name, enum name_answer answer)
{
    name->answer = answer;
    if (name->answered)
        return;
    name->answered = true;
    name->next_answered = names->answered;
    names->answered = name;
}

void names_found(struct names *names, struct transfer *transfer, int64_t now_ms)
{
    struct name *name = TAKE(transfer->scout_of);
    if (!name)
        return;
    name->scout = NULL;
    name->known_until_ms = now_ms + NAME_MS;
    answer(names, name, NAME_KNOWN);
}

void names_lost(struct names *names, struct transfer *transfer)
{
    struct name *name = TAKE(transfer->waits_for);
    if (name) {
        transfers_remove(&name->waiting, transfer);
        return;
    }
    name = TAKE(transfer->scout_of);
    if (!name)
        return;
    bool is_none = transfer->end == END_DONE && transfer->result == CURLE_COULDNT_RESOLVE_HOST;
    name->scout = NULL;
    if (is_none)
        memcpy(names->words, transfer->words, sizeof(names->words));
    answer(names, name, is_none ? NAME_UNKNOWN : NAME_UNASKED);
}

/* All of them; where it was not asked, the one that is to ask. */
static struct transfers take_waiting(struct name *name)
{
    struct transfers taken = {0};
    struct transfer *first = name->waiting.first;
    if (name->answer == NAME_UNASKED && first) {
        transfers_remove(&name->waiting, first);
        transfers_add(&taken, first);
        return taken;
    }
    taken = name->waiting;
    name->waiting = (struct transfers){0};
    return taken;
}

struct transfers names_answered(struct names *names, enum name_answer *ret_answer)
{
    struct transfers waited = {0};
    while (names->answered && !waited.first) {
        struct name *name = names->answered;
        names->answered = name->next_answered;
        name->answered = false;
        *ret_answer = name->answer;
        waited = take_waiting(name);
        for (struct transfer *at = waited.first; at; at = at->next)
            at->waits_for = NULL;
    }
    return waited;
}

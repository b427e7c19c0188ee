/* SPDX-License-Identifier: Apache-2.0
 *
 * The words for protections and promises, and which protections keep which promise.
 */
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const protection_words[] = {
#define X(name, word, stops) word,
    PROTECTIONS(X)
#undef X
};

static const char *const protection_reasons[] = {
#define X(name, word, stops) stops,
    PROTECTIONS(X)
#undef X
};

static const char *const promise_words[] = {
#define X(name, word, means) word,
    PROMISES(X)
#undef X
};

static const char *const promise_meanings[] = {
#define X(name, word, means) means,
    PROMISES(X)
#undef X
};

const char *protection_word(enum protection p)
{
    return protection_words[p];
}

const char *protection_stops(enum protection p)
{
    return protection_reasons[p];
}

const char *promise_word(enum sandbox_promise p)
{
    return promise_words[p];
}

const char *promise_means(enum sandbox_promise p)
{
    return promise_meanings[p];
}

static size_t find(const char *const words[], size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return count;
}

bool protection_find(const char *word, enum protection *ret_protection)
{
    size_t found = find(protection_words, PROTECTION_COUNT, word);
    if (found < PROTECTION_COUNT)
        *ret_protection = (enum protection)found;
    return found < PROTECTION_COUNT;
}

bool promise_find(const char *word, enum sandbox_promise *ret_promise)
{
    size_t found = find(promise_words, PROMISE_COUNT, word);
    if (found < PROMISE_COUNT)
        *ret_promise = (enum sandbox_promise)found;
    return found < PROMISE_COUNT;
}

const char *sandbox_state_word(enum sandbox_state state)
{
    switch (state) {
    case SANDBOX_MISSING:
        return "missing";
    case SANDBOX_LEFT_OUT:
        return "left-out";
    case SANDBOX_NEEDLESS:
        return "not-needed";
    case SANDBOX_WEAKER:
        return "weaker";
    case SANDBOX_ENFORCED:
        return "enforced";
    }
    UNREACHABLE("a state that is none");
    return "";
}

const char *sandbox_reason(int error)
{
    switch (error) {
    case ENOSYS:
    case EINVAL:
    case EOPNOTSUPP:
        return "this kernel has none";
    case EPERM:
    case EACCES:
        return "it is forbidden here";
    case ENOSPC:
    case EUSERS:
        return "no more of them are allowed here";
    default:
        return strerrordesc_np(error);
    }
}

/* Which protections keep a promise each by itself. */
static uint32_t ways_of(const struct sandbox_plan *plan, enum sandbox_promise p)
{
    switch (p) {
    case PROMISE_FILES:
        return 1u << PROTECTION_PRIVATE_ROOT | 1u << PROTECTION_LANDLOCK;
    case PROMISE_NETWORK:
        return plan->net ? 0 : 1u << PROTECTION_NETWORK_NS | 1u << PROTECTION_SECCOMP;
    case PROMISE_PROCESSES:
        /* With programs of its own it must be able to signal them: then other processes are
         * shielded by not being seen. */
        return plan->exec ? 1u << PROTECTION_PID_NS : 1u << PROTECTION_SECCOMP;
    case PROMISE_MEMORY:
        return 1u << PROTECTION_RLIMITS | 1u << PROTECTION_CGROUP;
    case PROMISE_COUNT:
        break;
    }
    UNREACHABLE("a promise that is none");
    return 0;
}

uint32_t sandbox_keeps(const struct sandbox_plan *plan, const struct sandbox_report *report,
                       enum sandbox_promise p)
{
    uint32_t ways = ways_of(plan, p), kept = 0;
    for (unsigned i = 0; i < PROTECTION_COUNT; i++)
        if ((ways & (1u << i)) && report->of[i].state >= SANDBOX_WEAKER)
            kept |= 1u << i;
    return kept;
}

static enum error_code refuse_promise(const struct sandbox_plan *plan,
                                      const struct sandbox_report *report, enum sandbox_promise p,
                                      struct error *reterr)
{
    AUTO(text_done) struct text why;
    text_init(&why, ERROR_TEXT_SIZE / 2);
    uint32_t ways = ways_of(plan, p);
    for (unsigned i = 0; i < PROTECTION_COUNT; i++)
        if (ways & (1u << i))
            text_addf(&why, "%s%s is %s%s%s%s", why.len > 0 ? ", " : "", protection_words[i],
                      sandbox_state_word(report->of[i].state), report->of[i].note[0] ? " (" : "",
                      report->of[i].note, report->of[i].note[0] ? ")" : "");
    return error_set(
        reterr, ERR_DENIED,
        "nothing here keeps the promise `%s`, that a plugin %s: %s (cure: run it where "
        "one of them can be had, or give the promise up by name, in the manifest: "
        "sandbox: {without: [%s]})",
        promise_words[p], promise_meanings[p], text_str(&why), promise_words[p]);
}

enum error_code sandbox_judge(const struct sandbox_plan *plan, const struct sandbox_report *report,
                              struct error *reterr)
{
    for (unsigned i = 0; i < PROTECTION_COUNT; i++)
        if ((plan->required & (1u << i)) && report->of[i].state != SANDBOX_ENFORCED)
            return error_set(reterr, ERR_DENIED,
                             "the manifest requires the protection `%s`, and it is %s: %s (cure: "
                             "run it where it can be had, or take it out of sandbox.require)",
                             protection_words[i], sandbox_state_word(report->of[i].state),
                             report->of[i].note[0] ? report->of[i].note : "it was not asked for");
    for (enum sandbox_promise p = 0; p < PROMISE_COUNT; p++)
        if (!(plan->given_up & (1u << p)) && ways_of(plan, p) != 0 &&
            sandbox_keeps(plan, report, p) == 0)
            return refuse_promise(plan, report, p, reterr);
    return ERR_OK;
}

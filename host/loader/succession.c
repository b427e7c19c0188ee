/* SPDX-License-Identifier: Apache-2.0
 *
 * The questions of a succession, one function each, and one answer each at least. Contracts are
 * asked of the contract engine: what went in must still go in (old input within new), what comes
 * out must have been possible before (new output within old). Effects are an order of harm, and
 * only less is no more. What recovery stands on may get better and not worse.
 */
#include "loader/succession_internal.h"

#include "base/units.h"

#include <inttypes.h>
#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

static enum verdict worse(enum verdict a, enum verdict b)
{
    if (a == REFUTED || b == REFUTED)
        return REFUTED;
    return a == UNKNOWN || b == UNKNOWN ? UNKNOWN : PROVEN;
}

void succession_add(struct succession *s, struct succession_check check)
{
    if ((s->count & (s->count - 1)) == 0) /* full at each power of two */
        s->checks = xrealloc(s->checks, (s->count ? 2 * s->count : 1) * sizeof(*s->checks));
    s->checks[s->count++] = check;
    if (!check.note)
        s->verdict = worse(s->verdict, check.verdict);
}

static struct succession_check words_check(const struct succession_words *words,
                                           enum verdict verdict, char *reason_taken)
{
    return (struct succession_check){
        .verdict = verdict,
        .aspect = words->aspect,
        .agent = words->agent ? xstrdup(words->agent) : NULL,
        .reason = reason_taken,
        .old_place = xstrdup(words->old_place),
        .new_place = xstrdup(words->new_place),
    };
}

void succession_say(struct succession *s, const struct succession_words *words,
                    enum verdict verdict, char *reason_taken)
{
    succession_add(s, words_check(words, verdict, reason_taken));
}

void succession_note(struct succession *s, const struct succession_words *words, char *reason_taken)
{
    struct succession_check check = words_check(words, PROVEN, reason_taken);
    check.note = true;
    succession_add(s, check);
}

void succession_done(struct succession *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct succession_check *check = &s->checks[i];
        free(check->agent);
        free(check->reason);
        json_decref(check->witness);
        free(check->old_place);
        free(check->new_place);
    }
    free(s->checks);
    *s = (struct succession){0};
}

/* ---- contracts ---- */

/* One comparison of two contracts, one in each card. forth: the old is the narrower side. */
struct question {
    const char *aspect, *agent;
    const struct contract *old_contract, *new_contract;
    const char *old_base, *new_base; /* where they stand in their cards */
    bool forth;
    const char *refuted; /* "the new does not take all that the old took" */
};

static void ask(struct succession *s, const struct question *q,
                const struct contain_options *options)
{
    const struct contract *sub = q->forth ? q->old_contract : q->new_contract;
    const struct contract *super = q->forth ? q->new_contract : q->old_contract;
    struct succession_check check = {
        .verdict = UNKNOWN, .aspect = q->aspect, .agent = q->agent ? xstrdup(q->agent) : NULL};
    struct comparison c;
    struct error err;
    if (contract_compare(sub, super, options, &c, &err) != ERR_OK) {
        check.reason = xstrdup(err.text);
        check.old_place = xstrdup(q->old_base);
        check.new_place = xstrdup(q->new_base);
        succession_add(s, check);
        return;
    }
    check.verdict = c.verdict;
    check.rule = c.rule;
    check.witness = json_incref(c.witness);
    check.reason =
        c.verdict == REFUTED ? xasprintf("%s: %s", q->refuted, c.reason) : xstrdup(c.reason);
    check.old_place = xasprintf("%s%s", q->old_base, q->forth ? c.sub : c.super);
    check.new_place = xasprintf("%s%s", q->new_base, q->forth ? c.super : c.sub);
    comparison_done(&c);
    succession_add(s, check);
}

/* ---- one agent ---- */

struct pair { /* an agent in both cards */
    const struct card_agent *was, *is;
    char *old_base, *new_base; /* "/agents/3" */
};

static void ask_contracts(struct succession *s, const struct pair *p,
                          const struct contain_options *options)
{
    AUTO(freep) char *old_input = xasprintf("%s/input", p->old_base);
    AUTO(freep) char *new_input = xasprintf("%s/input", p->new_base);
    AUTO(freep) char *old_output = xasprintf("%s/output", p->old_base);
    AUTO(freep) char *new_output = xasprintf("%s/output", p->new_base);
    struct question input = {
        "input",   p->was->name, p->was->input, p->is->input,
        old_input, new_input,    true,          "the new does not take all that the old took"};
    struct question output = {
        "output",   p->was->name, p->was->output, p->is->output,
        old_output, new_output,   false,          "the new may give what the old never gave"};
    ask(s, &input, options);
    ask(s, &output, options);
}

/* An answer about one member of the agent, which may stand in neither card. */
static void say(struct succession *s, const struct pair *p, const char *aspect,
                enum verdict verdict, char *reason_taken)
{
    AUTO(freep) char *old_place = xasprintf("%s/%s", p->old_base, aspect);
    AUTO(freep) char *new_place = xasprintf("%s/%s", p->new_base, aspect);
    succession_say(s, &(struct succession_words){aspect, p->was->name, old_place, new_place},
                   verdict, reason_taken);
}

static void note(struct succession *s, const struct pair *p, const char *aspect, char *reason_taken)
{
    AUTO(freep) char *old_place = xasprintf("%s/%s", p->old_base, aspect);
    AUTO(freep) char *new_place = xasprintf("%s/%s", p->new_base, aspect);
    succession_note(s, &(struct succession_words){aspect, p->was->name, old_place, new_place},
                    reason_taken);
}

static const char *effect_word(uint32_t effect)
{
    static const char *const words[] = {"pure", "read", "write_idempotent", "write"};
    return words[effect <= SEAM_WRITE ? effect : SEAM_WRITE];
}

static void ask_effect(struct succession *s, const struct pair *p)
{
    uint32_t was = p->was->effect, is = p->is->effect;
    if (is == was)
        say(s, p, "effect", PROVEN, xasprintf("both are %s", effect_word(is)));
    else
        say(s, p, "effect", is < was ? PROVEN : REFUTED,
            xasprintf("the old is %s, the new %s, which does %s to the world", effect_word(was),
                      effect_word(is), is < was ? "less" : "more"));
}

static void ask_flag(struct succession *s, const struct pair *p, uint32_t flag, const char *word)
{
    bool was = p->was->flags & flag, is = p->is->flags & flag;
    if (is && !was)
        say(s, p, word, REFUTED, xasprintf("the new is %s, the old is not", word));
    else if (is || was)
        say(s, p, word, PROVEN,
            is ? xasprintf("both are %s", word) : xasprintf("the new is no longer %s", word));
}

static bool same_word(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A pointer into the output by which the host reads it: lost or moved is another promise. */
static void ask_pointer(struct succession *s, const struct pair *p, const char *aspect,
                        const char *was, const char *is)
{
    if (!was && !is)
        return;
    if (same_word(was, is))
        say(s, p, aspect, PROVEN, xasprintf("both have it at \"%s\"", is));
    else if (was)
        say(s, p, aspect, REFUTED,
            is ? xasprintf("the old has it at \"%s\", the new at \"%s\"", was, is)
               : xasprintf("the old has it at \"%s\", the new has none", was));
    else if (strcmp(aspect, "confidence") == 0) /* a default minimum would begin to hold */
        say(s, p, aspect, UNKNOWN,
            xasprintf("the new reports it at \"%s\", the old reported none: where a manifest or "
                      "flow has a default minimum, it now holds for this agent too",
                      is));
    else
        say(s, p, aspect, PROVEN, xasprintf("the old has none, the new has it at \"%s\"", is));
}

static void ask_reconcile(struct succession *s, const struct pair *p)
{
    const char *was = p->was->reconcile, *is = p->is->reconcile;
    if (!was && !is)
        return;
    if (same_word(was, is))
        say(s, p, "reconcile", PROVEN, xasprintf("both are reconciled by \"%s\"", is));
    else if (was && is)
        say(s, p, "reconcile", UNKNOWN,
            xasprintf("the old is reconciled by \"%s\", the new by \"%s\": whether it finds what "
                      "the other found, no schema says",
                      was, is));
    else
        say(s, p, "reconcile", was ? REFUTED : PROVEN,
            was ? xasprintf("the old is reconciled by \"%s\", the new by none: a call whose "
                            "outcome is unknown would wait for a person",
                            was)
                : xasprintf("the old has none, the new is reconciled by \"%s\"", is));
}

/* settle: unsaid is the worst, shorter is better. key_ttl: unsaid is for ever, longer is better. */
static void ask_time(struct succession *s, const struct pair *p, const char *aspect, int64_t was,
                     int64_t is, bool shorter_is_better, const char *harm)
{
    if (was < 0 && is < 0)
        return;
    bool forever = !shorter_is_better; /* what unsaid means, as a length */
    uint64_t unsaid = UINT64_MAX;
    uint64_t old_ms = was < 0 ? unsaid : (uint64_t)was, new_ms = is < 0 ? unsaid : (uint64_t)is;
    bool worse_now = shorter_is_better ? new_ms > old_ms : new_ms < old_ms;
    char old_text[32], new_text[32];
    const char *old_words =
        was < 0 ? (forever ? "for ever" : "not said") : duration_text(was, old_text);
    const char *new_words =
        is < 0 ? (forever ? "for ever" : "not said") : duration_text(is, new_text);
    if (worse_now)
        say(s, p, aspect, REFUTED,
            xasprintf("it was %s and is %s: %s", old_words, new_words, harm));
    else
        say(s, p, aspect, PROVEN, xasprintf("it was %s and is %s", old_words, new_words));
}

static void note_cost(struct succession *s, const struct pair *p)
{
    char was[32], is[32];
    if (p->is->tokens > p->was->tokens)
        note(s, p, "cost",
             xasprintf("a call may take %" PRId64 " tokens, where the old %s: a budget that fitted "
                       "may be too small",
                       p->is->tokens, p->was->tokens ? "took fewer" : "named none"));
    if (p->is->cost > p->was->cost)
        note(s, p, "cost",
             xasprintf("a call may cost %s, where the old said %s: a budget that fitted may be too "
                       "small",
                       money_text(p->is->cost, is), money_text(p->was->cost, was)));
    if ((p->was->tokens && !p->is->tokens) || (p->was->cost && !p->is->cost))
        note(s, p, "cost", xstrdup("the old named its worst case, the new does not"));
}

static void note_errors(struct succession *s, const struct pair *p, const json_t *was,
                        const json_t *is)
{
    size_t i, k;
    const json_t *code, *known;
    json_array_foreach (json_object_get(is, "errors"), i, code) {
        bool found = false;
        json_array_foreach (json_object_get(was, "errors"), k, known) {
            found |= json_equal(code, known);
        }
        if (!found)
            note(s, p, "errors",
                 xasprintf("the new may fail with \"%s\", a code that the old did not name",
                           json_string_value(code)));
    }
}

static const struct card_agent *find_agent(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->agent_count; i++)
        if (strcmp(card->agents[i].name, name) == 0)
            return &card->agents[i];
    return NULL;
}

static bool by_config(const struct card *card)
{
    return card->from_config && card->agent_count == 0;
}

static void say_gone(struct succession *s, const struct card_agent *was, const char *old_base,
                     const struct card *new_card)
{
    bool hidden = by_config(new_card);
    succession_say(
        s, &(struct succession_words){"agent", was->name, old_base, "/agents"},
        hidden ? UNKNOWN : REFUTED,
        hidden ? xasprintf("the new takes its agents from its configuration: whether it has \"%s\" "
                           "no card says",
                           was->name)
               : xasprintf("agent \"%s\" is gone", was->name));
}

static const json_t *agent_json(const struct card *card, const struct card_agent *agent)
{
    return json_array_get(json_object_get(card->json, "agents"), (size_t)(agent - card->agents));
}

static void ask_agent(struct succession *s, const struct card *old_card,
                      const struct card_agent *was, const struct card *new_card,
                      const struct contain_options *options)
{
    const struct card_agent *is = find_agent(new_card, was->name);
    AUTO(freep) char *old_base = xasprintf("/agents/%zu", (size_t)(was - old_card->agents));
    if (!is) {
        say_gone(s, was, old_base, new_card);
        return;
    }
    AUTO(freep) char *new_base = xasprintf("/agents/%zu", (size_t)(is - new_card->agents));
    struct pair pair = {was, is, old_base, new_base};
    ask_contracts(s, &pair, options);
    ask_effect(s, &pair);
    ask_flag(s, &pair, SEAM_DESTRUCTIVE, "destructive");
    ask_flag(s, &pair, SEAM_OPEN_WORLD, "open_world");
    ask_pointer(s, &pair, "confidence", was->confidence, is->confidence);
    ask_pointer(s, &pair, "ref", was->ref, is->ref);
    ask_reconcile(s, &pair);
    ask_time(s, &pair, "settle", was->settle_ms, is->settle_ms, true,
             "a lost request can act for longer than the old promised");
    ask_time(s, &pair, "key_ttl", was->key_ttl_ms, is->key_ttl_ms, false,
             "a retry with the same key may come too late to be the same call");
    note_cost(s, &pair);
    note_errors(s, &pair, agent_json(old_card, was), agent_json(new_card, is));
}

/* ---- the plugin as a whole ---- */

static void ask_identity(struct succession *s, const struct card *old_card,
                         const struct card *new_card)
{
    bool same = strcmp(old_card->id, new_card->id) == 0;
    succession_say(s, &(struct succession_words){"id", NULL, "/id", "/id"}, same ? PROVEN : REFUTED,
                   same ? xasprintf("both are %s", new_card->id)
                        : xasprintf("the old is %s, the new %s: who names the old by its id does "
                                    "not find it",
                                    old_card->id, new_card->id));
    if (old_card->abi_major != new_card->abi_major || new_card->abi_minor > old_card->abi_minor)
        succession_say(s, &(struct succession_words){"abi", NULL, "/abi", "/abi"},
                       old_card->abi_major == new_card->abi_major ? UNKNOWN : REFUTED,
                       xasprintf("the old needs ABI %" PRIu32 ".%" PRIu32 ", the new %" PRIu32
                                 ".%" PRIu32 ", which a host that runs the old need not serve",
                                 old_card->abi_major, old_card->abi_minor, new_card->abi_major,
                                 new_card->abi_minor));
    else
        succession_say(s, &(struct succession_words){"abi", NULL, "/abi", "/abi"}, PROVEN,
                       xasprintf("it needs ABI %" PRIu32 ".%" PRIu32 ", no more than the old",
                                 new_card->abi_major, new_card->abi_minor));
}

/* Where the host no longer sees all that calls do, no doubt of theirs can be resolved by it. */
static void ask_brokered(struct succession *s, const struct card *old_card,
                         const struct card *new_card)
{
    if (old_card->brokered && !new_card->brokered)
        succession_say(s, &(struct succession_words){"brokered", NULL, "/requests", "/requests"},
                       REFUTED,
                       xstrdup("all that the old did to the world went through the host; what the "
                               "new does need not, so a call that fails leaves doubt"));
}

static void note_limits(struct succession *s, const struct card *old_card,
                        const struct card *new_card)
{
    struct succession_words limits = {"limits", NULL, "/limits", "/limits"};
    struct succession_words isolation = {"isolation", NULL, "/isolation", "/isolation"};
    if (new_card->isolation_worker && !old_card->isolation_worker)
        succession_note(s, &isolation,
                        xstrdup("the new insists on a worker: a manifest that runs the old in "
                                "process must be changed"));
    if (!new_card->isolation_worker && old_card->isolation_worker)
        succession_note(s, &isolation, xstrdup("the new no longer insists on a worker"));
    if (new_card->max_concurrency < old_card->max_concurrency)
        succession_note(s, &limits,
                        xasprintf("it takes %d calls at once, the old took %d",
                                  new_card->max_concurrency, old_card->max_concurrency));
    if (new_card->memory_bytes > old_card->memory_bytes)
        succession_note(s, &limits,
                        xasprintf("it asks for %" PRId64 " MB of memory, more than the old",
                                  new_card->memory_bytes >> 20));
    if (new_card->call_ms >= 0 && (old_card->call_ms < 0 || new_card->call_ms < old_card->call_ms))
        succession_note(s, &limits, xstrdup("its longest call is shorter than the old one's"));
}

static void ask_plugin(struct succession *s, const struct card *old_card,
                       const struct card *new_card, const struct contain_options *options)
{
    struct question config = {"config",
                              NULL,
                              old_card->config,
                              new_card->config,
                              "/config",
                              "/config",
                              true,
                              "the new does not take every configuration that the old took"};
    ask_identity(s, old_card, new_card);
    ask(s, &config, options);
    succession_requests(s, json_object_get(old_card->json, "requests"),
                        json_object_get(new_card->json, "requests"));
    ask_brokered(s, old_card, new_card);
    note_limits(s, old_card, new_card);
}

static void note_new_agents(struct succession *s, const struct card *old_card,
                            const struct card *new_card)
{
    for (size_t i = 0; i < new_card->agent_count; i++) {
        const char *name = new_card->agents[i].name;
        if (find_agent(old_card, name))
            continue;
        AUTO(freep) char *place = xasprintf("/agents/%zu", i);
        succession_note(s, &(struct succession_words){"agent", name, "/agents", place},
                        xasprintf("agent \"%s\" is new", name));
    }
}

void succession_judge(const struct card *old_card, const struct card *new_card,
                      const struct contain_options *options, struct succession *ret)
{
    *ret = (struct succession){.verdict = PROVEN};
    ask_plugin(ret, old_card, new_card, options);
    if (by_config(old_card))
        succession_say(
            ret, &(struct succession_words){"agent", NULL, "/agents_from", "/agents_from"}, UNKNOWN,
            xstrdup("the old takes its agents from its configuration: no card says what "
                    "they are"));
    for (size_t i = 0; i < old_card->agent_count; i++)
        ask_agent(ret, old_card, &old_card->agents[i], new_card, options);
    note_new_agents(ret, old_card, new_card);
}

void succession_judge_agent(const struct card *old_card, const char *agent,
                            const struct card *new_card, const struct contain_options *options,
                            struct succession *ret)
{
    const struct card_agent *was = find_agent(old_card, agent);
    *ret = (struct succession){.verdict = PROVEN};
    if (was)
        ask_agent(ret, old_card, was, new_card, options);
    else
        succession_say(ret, &(struct succession_words){"agent", agent, "/agents", "/agents"},
                       UNKNOWN, xasprintf("the old card does not name agent \"%s\"", agent));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The seams and the worst case of a flow, said to people and to programs: one line each.
 */
#include "flow/flow_internal.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *seam_kind_word(enum seam_kind kind)
{
    static const char *const words[] = {
        [SEAM_INPUT] = "input",
        [SEAM_FALLBACK] = "fallback",
        [SEAM_STAND_IN] = "stand-in",
        [SEAM_UNDO] = "undo",
        [SEAM_RECONCILE_ASKS] = "reconcile",
        [SEAM_RECONCILE_ANSWERS] = "reconciled",
        [SEAM_FOR_EACH] = "for_each",
        [SEAM_IF] = "if",
        [SEAM_ASSERT] = "assert",
        [SEAM_CONFIDENCE] = "confidence",
        [SEAM_OUTPUT] = "output",
        [SEAM_PLAN] = "plan",
    };
    return words[kind];
}

const char *seam_verdict_word(enum seam_verdict verdict)
{
    static const char *const words[] = {
        [SEAM_PROVEN] = "proven", [SEAM_REFUTED] = "refuted", [SEAM_UNKNOWN] = "unknown"};
    return words[verdict];
}

const char *worst_key_word(enum worst_key key)
{
    static const char *const words[] = {
        [WORST_ATTEMPTS] = "attempts", [WORST_CALLS] = "calls", [WORST_TOKENS] = "tokens",
        [WORST_COST] = "cost",         [WORST_TIME] = "time",   [WORST_RECOVERY] = "recovery",
    };
    return words[key];
}

void seam_done(struct seam *seam)
{
    free(seam->file);
    free(seam->note);
    free(seam->from);
    free(seam->to);
    free(seam->pointer);
    json_decref(seam->witness);
    free(seam->sentence);
    free(seam->reason);
}

void findings_seams_text(const struct findings *findings, struct text *out)
{
    for (size_t i = 0; i < findings->seam_count; i++) {
        const struct seam *s = &findings->seams[i];
        text_addf(out, "  %-8s %-10s %s → %s", seam_verdict_word(s->verdict),
                  seam_kind_word(s->kind), s->from, s->to);
        if (s->file)
            text_addf(out, " in %s", s->file);
        if (s->note)
            text_addf(out, ", %s", s->note);
        if (s->verdict != SEAM_PROVEN)
            text_addf(out, " (line %d%s%s)", s->where.line, s->reason ? ": " : "",
                      s->reason ? s->reason : "");
        text_addc(out, '\n');
    }
}

json_t *findings_seams_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->seam_count; i++) {
        const struct seam *s = &findings->seams[i];
        json_t *one = json_pack(
            "{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:O*, s:s*, s:s*, s:s*, s:s*}", "kind",
            seam_kind_word(s->kind), "from", s->from, "to", s->to, "verdict",
            seam_verdict_word(s->verdict), "line", s->where.line, "column", s->where.column,
            "pointer", s->pointer, "rule", s->rule, "witness", s->witness, "sentence", s->sentence,
            "reason", s->reason, "file", s->file, "note", s->note);
        ASSERT(one);
        json_array_append_new(list, one);
    }
    return list;
}

/* ---- The worst case ---- */

void amount_words(enum worst_key key, int64_t amount, char ret_words[static 32])
{
    if (amount < 0)
        snprintf(ret_words, 32, "unbounded");
    else if (key == WORST_TIME)
        duration_text(amount, ret_words);
    else if (key == WORST_COST)
        money_text(amount, ret_words);
    else
        snprintf(ret_words, 32, "%lld", (long long)amount);
}

static void add_amount(struct text *out, enum worst_key key, int64_t amount)
{
    char words[32];
    amount_words(key, amount, words);
    text_adds(out, words);
}

static const char *state_word(const struct worst *worst)
{
    if (worst->most < 0)
        return "unbounded";
    if (worst->limit < 0)
        return worst->most == 0 ? "bounded" : "no limit";
    return worst->most > worst->limit ? "over" : "bounded";
}

bool worst_holds(const struct worst *worst)
{
    return strcmp(state_word(worst), "bounded") == 0;
}

void findings_worst_text(const struct findings *findings, struct text *out)
{
    for (enum worst_key i = 0; findings->has_worst && i < WORST_KEYS; i++) {
        const struct worst *worst = &findings->worst[i];
        if (worst->most == 0 && worst->limit < 0)
            continue;
        text_addf(out, "  %-9s %-9s at worst ", state_word(worst), worst_key_word(i));
        add_amount(out, i, worst->most);
        if (worst->least != worst->most && worst->least >= 0) {
            text_adds(out, ", without a failure ");
            add_amount(out, i, worst->least);
        }
        if (worst->limit >= 0) {
            text_adds(out, ", limit ");
            add_amount(out, i, worst->limit);
        }
        text_addf(out, "%s%s\n", worst->why ? ": " : "", worst->why ? worst->why : "");
    }
}

/* Amounts as the budget has them: milliseconds, millionths; null = unbounded, or no limit. */
static json_t *amount_json(int64_t amount)
{
    return amount < 0 ? json_null() : json_integer(amount);
}

json_t *findings_worst_json(const struct findings *findings)
{
    static const char *const names[] = {
        [WORST_ATTEMPTS] = "attempts", [WORST_CALLS] = "calls",
        [WORST_TOKENS] = "tokens",     [WORST_COST] = "cost_millionths",
        [WORST_TIME] = "time_ms",      [WORST_RECOVERY] = "recovery_calls",
    };
    json_t *json = json_object();
    for (enum worst_key i = 0; findings->has_worst && i < WORST_KEYS; i++) {
        const struct worst *worst = &findings->worst[i];
        json_object_set_new(json, names[i],
                            json_pack("{s:s, s:o, s:o, s:o, s:s*}", "state", state_word(worst),
                                      "worst", amount_json(worst->most), "least",
                                      amount_json(worst->least), "limit", amount_json(worst->limit),
                                      "why", worst->why));
    }
    return json;
}

/* ---- Layers ---- */

static bool is_of_grants(const struct finding *finding)
{
    static const char *const rules[] = {"unknown-agent", "unapproved-agent", "unknown-reconcile",
                                        "not-granted"};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(finding->rule, rules[i]) == 0)
            return true;
    return false;
}

bool findings_granted(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (is_of_grants(&findings->list[i]))
            return false;
    return true;
}

bool findings_valid(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->list[i].severity == FINDING_ERROR && !is_of_grants(&findings->list[i]))
            return false;
    return true;
}

bool findings_bounded(const struct findings *findings)
{
    for (size_t i = 0; i < WORST_KEYS; i++)
        if (findings->has_worst && !worst_holds(&findings->worst[i]))
            return false;
    return findings->has_worst;
}

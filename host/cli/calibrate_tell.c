/* SPDX-License-Identifier: Apache-2.0
 *
 * What calibrate found, agent by agent, for people and for programs. Of few answers the counts are
 * told and nothing is concluded.
 */
#include "cli/calibrate_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const fate_words[] = {
#define X(name, word, right, sentence) word,
    FATES(X)
#undef X
};
static const char *const fate_sentences[] = {
#define X(name, word, right, sentence) sentence,
    FATES(X)
#undef X
};
static const int fate_right[] = {
#define X(name, word, right, sentence) right,
    FATES(X)
#undef X
};

static const double minima[] = {0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99};
enum { MINIMA = sizeof(minima) / sizeof(minima[0]) };

/* ---- counting ---- */

static struct agent_answers *answers_of(struct calibrating *all, const char *agent)
{
    size_t at = 0;
    while (at < all->count && strcmp(all->list[at].agent, agent) < 0)
        at++;
    if (at < all->count && strcmp(all->list[at].agent, agent) == 0)
        return &all->list[at];
    all->list = xrealloc(all->list, (all->count + 1) * sizeof(*all->list));
    memmove(all->list + at + 1, all->list + at, (all->count - at) * sizeof(*all->list));
    all->list[at] = (struct agent_answers){.agent = xstrdup(agent)};
    all->count++;
    return &all->list[at];
}

void calibrating_count(struct calibrating *all, const char *agent, double confidence,
                       enum fate fate)
{
    struct agent_answers *answers = answers_of(all, agent);
    answers->count++;
    answers->fates[fate]++;
    if (!(confidence >= 0 && confidence <= 1))
        answers->outside++;
    else if (fate_right[fate] >= 0)
        answers_add(&answers->known, confidence, fate_right[fate] == 1);
}

void calibrating_done(struct calibrating *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->list[i].agent);
        answers_done(&all->list[i].known);
    }
    free(all->list);
}

/* ---- for programs ---- */

static json_t *threshold_json(const struct threshold *t)
{
    json_t *json =
        json_pack("{s:f, s:I, s:I, s:I, s:I}", "min", t->min, "passed", (json_int_t)t->passed,
                  "passed_wrong", (json_int_t)t->passed_wrong, "escalated", (json_int_t)t->held,
                  "escalated_needlessly", (json_int_t)t->held_right);
    if (t->passed)
        json_object_set_new(json, "error",
                            json_pack("{s:f, s:f, s:f}", "seen",
                                      (double)t->passed_wrong / (double)t->passed, "low",
                                      t->error.low, "high", t->error.high));
    return json;
}

static json_t *bins_json(const struct calibration *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < BINS; i++) {
        const struct bin *bin = &c->bins[i];
        json_t *json = json_pack("{s:f, s:f, s:I, s:I}", "from", bin->from, "to", bin->to, "count",
                                 (json_int_t)bin->count, "right", (json_int_t)bin->right);
        if (bin->count) {
            json_object_set_new(json, "confidence", json_real(bin->mean));
            json_object_set_new(json, "rate", json_real((double)bin->right / (double)bin->count));
            json_object_set_new(json, "low", json_real(bin->rate.low));
            json_object_set_new(json, "high", json_real(bin->rate.high));
        }
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *agent_json(struct agent_answers *answers, double target)
{
    struct calibration c;
    struct threshold sure, seen;
    calibrate(&answers->known, &c);
    bool enough = c.count >= ENOUGH;
    json_t *fates = json_object(), *thresholds = json_array();
    for (size_t i = 0; i < FATE_COUNT; i++)
        json_object_set_new(fates, fate_words[i], json_integer((json_int_t)answers->fates[i]));
    for (size_t i = 0; i < MINIMA; i++) {
        struct threshold t = threshold_at(&answers->known, minima[i]);
        json_array_append_new(thresholds, threshold_json(&t));
    }
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "agent", answers->agent,
                  "answers", (json_int_t)answers->count, "known", (json_int_t)c.count, "right",
                  (json_int_t)c.right, "outside", (json_int_t)answers->outside, "enough", enough,
                  "fates", fates, "bins", bins_json(&c), "thresholds", thresholds);
    if (!enough)
        return json;
    json_object_set_new(json, "brier", json_real(c.brier));
    json_object_set_new(json, "ece", json_real(c.ece));
    bool is_sure = threshold_for(&answers->known, target, true, &sure);
    bool is_seen = threshold_for(&answers->known, target, false, &seen);
    json_object_set_new(json, "suggested",
                        json_pack("{s:f, s:o, s:o, s:I}", "target", target, "sure",
                                  is_sure ? threshold_json(&sure) : json_null(), "seen",
                                  is_seen ? threshold_json(&seen) : json_null(), "answers_needed",
                                  (json_int_t)answers_needed(target)));
    return json;
}

/* ---- for people ---- */

static double percent(size_t part, size_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_fates(const struct agent_answers *answers)
{
    static const char *const verdicts[] = {"nobody knows", "wrong", "right"};
    for (size_t i = 0; i < FATE_COUNT; i++)
        if (answers->fates[i])
            printf("  %6zu  %-12s  %s\n", answers->fates[i], verdicts[fate_right[i] + 1],
                   fate_sentences[i]);
    if (answers->outside)
        printf("  %6zu  of them reported a confidence that is not from 0 to 1: left out\n",
               answers->outside);
}

static void print_bins(const struct calibration *c)
{
    printf("  %-12s %8s %8s %10s   %s\n", "CONFIDENCE", "ANSWERS", "MEAN", "RIGHT",
           "WHERE THE RATE MAY LIE (95%)");
    for (size_t i = 0; i < BINS; i++) {
        const struct bin *bin = &c->bins[i];
        bool off = bin->mean < bin->rate.low || bin->mean > bin->rate.high;
        if (bin->count == 0)
            continue;
        printf("  %.1f to %.1f   %8zu %8.2f %9.0f%%   %.0f%% to %.0f%%%s\n", bin->from, bin->to,
               bin->count, bin->mean, percent(bin->right, bin->count), 100 * bin->rate.low,
               100 * bin->rate.high,
               !off                         ? ""
               : bin->mean > bin->rate.high ? "   it says more than it keeps"
                                            : "   it keeps more than it says");
    }
}

static void print_threshold(const char *label, const struct threshold *t)
{
    printf(
        "  %-12s %8zu passed, %zu of them wrong (%.1f%%; %.1f%% to %.1f%%); %zu escalated, %zu of "
        "them for nothing\n",
        label, t->passed, t->passed_wrong, percent(t->passed_wrong, t->passed), 100 * t->error.low,
        100 * t->error.high, t->held, t->held_right);
}

static void print_suggestion(const struct answers *known, double target)
{
    struct threshold t;
    printf("  for at most %g%% wrong among what passes:\n", 100 * target);
    if (threshold_for(known, target, true, &t)) {
        AUTO(freep) char *label = xasprintf("  min: %g", t.min);
        print_threshold(label, &t);
        return;
    }
    if (threshold_for(known, target, false, &t)) {
        AUTO(freep) char *label = xasprintf("  min: %g", t.min);
        print_threshold(label, &t);
        printf("    as it was seen, but so few answers do not make it sure: with none wrong it "
               "takes %zu\n",
               answers_needed(target));
        return;
    }
    printf(
        "    no minimum does it: the answers with the highest confidence were wrong more often\n");
}

static void print_agent(struct agent_answers *answers, double target)
{
    struct calibration c;
    calibrate(&answers->known, &c);
    printf("%s%s%s: %zu answer%s with a confidence, of which %zu turned out right and %zu wrong\n",
           paint(stdout, BOLD), answers->agent, paint(stdout, PLAIN), answers->count,
           answers->count == 1 ? "" : "s", c.right, c.count - c.right);
    print_fates(answers);
    if (c.count == 0) {
        puts("  nothing is known of any: nothing can be said");
        return;
    }
    print_bins(&c);
    if (c.count < ENOUGH) {
        printf("  %zu answer%s: too few to say (it takes %d)\n", c.count, c.count == 1 ? "" : "s",
               ENOUGH);
        return;
    }
    printf(
        "  Brier score %.3f (0 is best; always saying %.2f gives %.3f); what it says and what it "
        "keeps are %.1f points apart (ECE)\n",
        c.brier, (double)c.right / (double)c.count,
        (double)c.right / (double)c.count * (1 - (double)c.right / (double)c.count), 100 * c.ece);
    for (size_t i = 0; i < MINIMA; i++) {
        struct threshold t = threshold_at(&answers->known, minima[i]);
        AUTO(freep) char *label = xasprintf("min: %g", minima[i]);
        print_threshold(label, &t);
    }
    print_suggestion(&answers->known, target);
}

void calibrating_tell(const struct calibrating *all, const struct args *args)
{
    if (args->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < all->count; i++)
            json_array_append_new(list, agent_json(&all->list[i], all->target));
        print_json(json_pack("{s:I, s:I, s:o}", "runs", (json_int_t)(all->id_count - all->unread),
                             "left_out", (json_int_t)all->unread, "agents", list));
        return;
    }
    for (size_t i = 0; i < all->count; i++)
        print_agent(&all->list[i], all->target);
    if (all->count == 0)
        printf("%zu run%s: no answer%s%s reported a confidence\n", all->id_count,
               all->id_count == 1 ? "" : "s", all->agent ? " of " : "",
               all->agent ? all->agent : "");
    else
        puts("Right means that nobody objected: an error that no contract, assert or person saw "
             "counts as right.");
}

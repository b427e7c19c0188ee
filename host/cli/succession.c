/* SPDX-License-Identifier: Apache-2.0
 *
 * seam contract compare OLD.so NEW.so: may the new plugin take the place of the old one? Both cards
 * are read and nothing of either plugin runs. One line an answer, the verdict last: exit 0 yes,
 * 1 no, 5 undecided.
 */
#include "cli/cli_internal.h"

#include "loader/succession.h"

static const char *const answers[] = {[PROVEN] = "yes", [REFUTED] = "no", [UNKNOWN] = "undecided"};

static json_t *check_json(const struct succession_check *check)
{
    return json_pack("{s:s, s:b, s:s, s:s?, s:s, s:s?, s:O?, s:s, s:s}", "verdict",
                     verdict_name(check->verdict), "note", check->note, "aspect", check->aspect,
                     "agent", check->agent, "reason", check->reason, "rule", check->rule, "witness",
                     check->witness, "old", check->old_place, "new", check->new_place);
}

static json_t *side_json(const struct card *card)
{
    return json_pack("{s:s, s:s, s:s}", "file", card->path, "id", card->id, "version",
                     card->version);
}

json_t *succession_json(const struct card *old_card, const struct card *new_card,
                        const struct succession *s)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < s->count; i++)
        json_array_append_new(checks, check_json(&s->checks[i]));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "verdict", verdict_name(s->verdict),
                     "replaceable", answers[s->verdict], "old", side_json(old_card), "new",
                     side_json(new_card), "checks", checks);
}

static void print_check(const struct succession_check *check, size_t most)
{
    AUTO(freep)
    char *line = xasprintf("%s: %s (old card at %s, new card at %s)\n", check->aspect,
                           check->reason, check->old_place, check->new_place);
    printf("%s%-8s%s %-16s ", paint(stdout, check->note ? DIM : verdict_colour(check->verdict)),
           check->note ? "note" : verdict_name(check->verdict), paint(stdout, PLAIN),
           check->agent ? check->agent : "(plugin)");
    print_clean(stdout, slice_of(line));
    if (!check->witness)
        return;
    AUTO(freep) char *witness = json_text(check->witness);
    printf("%26s%s: ", "", check->rule ? "witness" : "asked for");
    struct slice shown = slice_cut(witness, most);
    print_clean(stdout, shown);
    puts(witness[shown.len] ? "…" : "");
}

void print_succession_checks(const struct card *old_card, const struct card *new_card,
                             const struct succession *s, bool brief)
{
    static const char *const sentences[] = {[PROVEN] = "may take the place of",
                                            [REFUTED] = "may not take the place of",
                                            [UNKNOWN] = "may or may not take the place of"};
    size_t open = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!brief || s->checks[i].note || s->checks[i].verdict != PROVEN)
            print_check(&s->checks[i], brief ? LINE_SHOWN : SIZE_MAX);
        open += !s->checks[i].note && s->checks[i].verdict != PROVEN;
    }
    if (brief)
        return;
    printf("%s%s%s: %s %s %s %s %s", paint(stdout, verdict_colour(s->verdict)),
           verdict_name(s->verdict), paint(stdout, PLAIN), new_card->id, new_card->version,
           sentences[s->verdict], old_card->id, old_card->version);
    if (open > 0)
        printf(": %zu of %zu answers %s against it", open, s->count,
               open == 1 ? "stands" : "stand");
    putchar('\n');
}

int compare_plugins(const struct args *args)
{
    AUTO(card_freep) struct card *old_card = NULL, *new_card = NULL;
    struct error err;
    enum error_code code = card_read(args->operands[1], &old_card, &err);
    if (code == ERR_OK)
        code = card_read(args->operands[2], &new_card, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    struct succession s;
    succession_judge(old_card, new_card, NULL, &s);
    if (args->json)
        print_json(succession_json(old_card, new_card, &s));
    else
        print_succession_checks(old_card, new_card, &s, false);
    int exit_code = verdict_exit(s.verdict);
    succession_done(&s);
    return exit_code;
}

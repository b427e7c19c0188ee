/* SPDX-License-Identifier: Apache-2.0
 *
 * seam budgets: what all runs together have used in the periods that are now, beside what the
 * manifest allows.
 */
#include "cli/cli_internal.h"

#include "base/units.h"

#include <string.h>
#include <time.h>

/* The four amounts of a budget, in words. */
struct share {
    const char *name;
    int64_t used, limit; /* -1 = no limit */
    bool money;
};

static void shares_of(const struct budget_use *use, const struct manifest_budget *budget,
                      struct share ret[static 4])
{
    ret[0] = (struct share){"attempts", use->used.attempts, budget->attempts, false};
    ret[1] = (struct share){"calls", use->used.calls, budget->calls, false};
    ret[2] = (struct share){"tokens", use->used.tokens, budget->tokens, false};
    ret[3] = (struct share){"cost", use->used.cost, budget->cost, true};
}

static const char *amount_text(const struct share *share, int64_t amount, char ret[static 32])
{
    if (share->money)
        return money_text(amount, ret);
    snprintf(ret, 32, "%lld", (long long)amount);
    return ret;
}

static json_t *amount_json(const struct share *share, int64_t amount)
{
    char text[32];
    return share->money ? json_string(money_text(amount, text)) : json_integer(amount);
}

static int64_t left_of(const struct share *share)
{
    return share->limit > share->used ? share->limit - share->used : 0;
}

static const char *utc_text(int64_t ms, char ret[static 32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(ret, 32, "%Y-%m-%dT%H:%MZ", &tm);
    return ret;
}

static json_t *period_json(const struct budget_use *use, const struct manifest_budget *budget)
{
    struct share shares[4];
    char from[32], until[32];
    json_t *json = json_pack("{s:s, s:s}", "from", utc_text(use->begins_ms, from), "until",
                             utc_text(use->ends_ms, until));
    shares_of(use, budget, shares);
    for (size_t i = 0; i < 4; i++) {
        json_t *share = json_pack("{s:o}", "used", amount_json(&shares[i], shares[i].used));
        if (shares[i].limit >= 0) {
            json_object_set_new(share, "allowed", amount_json(&shares[i], shares[i].limit));
            json_object_set_new(share, "left", amount_json(&shares[i], left_of(&shares[i])));
        }
        json_object_set_new(json, shares[i].name, share);
    }
    return json;
}

static void print_period(const char *word, const struct budget_use *use,
                         const struct manifest_budget *budget, bool all)
{
    struct share shares[4];
    char used[32], allowed[32], until[32];
    shares_of(use, budget, shares);
    for (size_t i = 0; i < 4; i++) {
        const struct share *share = &shares[i];
        if (!all && share->limit < 0)
            continue;
        bool spent = share->limit >= 0 && left_of(share) == 0;
        printf("%-6s %-9s %s%15s%s %15s   %s\n", word, share->name,
               paint(stdout, spent ? RED : PLAIN), amount_text(share, share->used, used),
               paint(stdout, PLAIN),
               share->limit < 0 ? "-" : amount_text(share, share->limit, allowed),
               utc_text(use->ends_ms, until));
    }
}

static void print_text(const struct manifest *manifest, const struct budget_use *uses)
{
    printf("%-6s %-9s %15s %15s   %s\n", "PERIOD", "", "USED", "ALLOWED", "UNTIL");
    for (enum period p = 0; p < PERIOD_COUNT; p++)
        print_period(period_word(p), &uses[p], &manifest->budgets[p], !manifest->any_budget);
    if (!manifest->any_budget)
        complain(0, "the manifest has no `budgets`: nothing is counted while it has none");
    if (uses[PERIOD_HOUR].ahead)
        complain(0, "some of it is of hours that are still to come: the clock was set back, and "
                    "they count until then");
}

int command_budgets(const struct args *args)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(roster_freep) struct roster *roster = NULL;
    struct budget_use uses[PERIOD_COUNT];
    struct error err;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    enum error_code code = open_roster(args, true, &roster, &err);
    if (code == ERR_OK)
        code = open_reader(args, &reader, NULL, &err);
    if (code == ERR_OK)
        code = budgets_used(reader, (int64_t)now.tv_sec * 1000, uses, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    if (!args->json) {
        print_text(roster->manifest, uses);
        return EXIT_DONE;
    }
    json_t *all = json_object();
    for (enum period p = 0; p < PERIOD_COUNT; p++)
        json_object_set_new(all, period_word(p),
                            period_json(&uses[p], &roster->manifest->budgets[p]));
    print_json(all);
    return EXIT_DONE;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam diff: what would be otherwise if a run were gone on with by another flow, or by the plugins
 * of today: what differs, which finished steps would still be taken over, and what the world would
 * see once more. The same picture is shown before a run is started from an earlier one.
 */
#include "cli/cli_internal.h"

#include <stdlib.h>
#include <string.h>

static void print_value(FILE *out, const json_t *value)
{
    AUTO(freep) char *text = value ? json_text(value) : xstrdup("nothing");
    struct slice shown = slice_cut(text, LINE_SHOWN);
    print_clean(out, shown);
    fputs(shown.ptr[shown.len] ? "…" : "", out);
}

static enum colour colour_of(const char *verdict)
{
    return strcmp(verdict, "PROVEN") == 0 ? GREEN : strcmp(verdict, "REFUTED") == 0 ? RED : YELLOW;
}

static void print_verdict(FILE *out, const char *verdict, const char *reason)
{
    fprintf(out, "%s%s%s: ", paint(out, colour_of(verdict)), verdict, paint(out, PLAIN));
    print_clean(out, slice_of(reason));
    fputc('\n', out);
}

static void print_edits(FILE *out, const char *indent, const json_t *edits)
{
    size_t i;
    json_t *edit;
    json_array_foreach (edits, i, edit) {
        const char *verdict = text_of(edit, "verdict");
        fprintf(out, "%s%s: ", indent, text_of(edit, "what"));
        if (*verdict) {
            fprintf(out, "%s ", text_of(edit, "asked"));
            print_verdict(out, verdict, text_of(edit, "reason"));
            continue;
        }
        print_value(out, json_object_get(edit, "was"));
        fputs(" → ", out);
        print_value(out, json_object_get(edit, "is"));
        fputc('\n', out);
    }
}

void print_agents(FILE *out, const json_t *agents)
{
    size_t i, k;
    json_t *agent, *check;
    json_array_foreach (agents, i, agent) {
        const char *status = text_of(agent, "status"), *verdict = text_of(agent, "verdict");
        fprintf(out, "  %-20s ", text_of(agent, "agent"));
        if (strcmp(status, "card") != 0) {
            fprintf(out, "%s\n",
                    strcmp(status, "library") == 0 ? "another library, with the same card"
                    : strcmp(status, "gone") == 0  ? "is not loaded now"
                    : strcmp(status, "new") == 0   ? "was not called before"
                                                   : "is not known");
            continue;
        }
        fputs("another card; may it take the old one's place? ", out);
        print_verdict(out, verdict, text_of(agent, "reason"));
        json_array_foreach (json_object_get(agent, "checks"), k, check) {
            if (strcmp(text_of(check, "verdict"), "PROVEN") == 0 && !json_object_get(check, "note"))
                continue;
            fprintf(out, "    %s: ", text_of(check, "aspect"));
            print_verdict(out, text_of(check, "verdict"), text_of(check, "reason"));
        }
    }
}

static void print_steps(FILE *out, const json_t *steps)
{
    static const struct {
        const char *then, *words;
        enum colour colour;
    } all[] = {
        {"taken-over", "is taken over", GREEN},
        {"again", "runs again", YELLOW},
        {"open", "may be taken over", YELLOW},
        {"new", "is new, and runs", CYAN},
        {"removed", "is gone", DIM},
        {"skipped", "is skipped", DIM},
    };
    size_t i;
    json_t *step;
    json_array_foreach (steps, i, step) {
        const char *why = text_of(step, "why"), *then = text_of(step, "then");
        const char *was = text_of(step, "was");
        for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
            if (strcmp(all[k].then, then) == 0)
                fprintf(out, "  %-20s %-8s %s%s%s", text_of(step, "step"),
                        strcmp(was, "none") == 0 ? "" : was, paint(out, all[k].colour),
                        all[k].words, paint(out, PLAIN));
        fputs(*why ? ": " : "", out);
        print_clean(out, slice_of(why));
        fputc('\n', out);
        print_edits(out, "    ", json_object_get(step, "edits"));
    }
}

void print_effects_again(FILE *out, const json_t *effects)
{
    size_t i;
    json_t *effect;
    char at[32];
    json_array_foreach (effects, i, effect) {
        const char *outcome = text_of(effect, "outcome");
        fprintf(out, "  %s: effect %s, %s since %s%s, key %.16s…\n", text_of(effect, "path"),
                text_of(effect, "effect"), strcmp(outcome, "done") == 0 ? "done" : "in doubt",
                clock_text(json_integer_value(json_object_get(effect, "at_ms")), at),
                json_is_true(json_object_get(effect, "undone")) ? ", undone later" : "",
                text_of(effect, "key"));
        if (json_object_get(effect, "request")) {
            fputs("    request ", out);
            print_value(out, json_object_get(effect, "request"));
            fputc('\n', out);
        }
        if (json_object_get(effect, "result")) {
            fputs("    result  ", out);
            print_value(out, json_object_get(effect, "result"));
            fputc('\n', out);
        }
    }
}

void print_renewal(FILE *out, const json_t *picture)
{
    const json_t *flow = json_object_get(picture, "flow");
    const json_t *agents = json_object_get(picture, "agents");
    const json_t *effects = json_object_get(picture, "effects");
    if (json_object_get(picture, "refused"))
        fprintf(out, "%swith the plugins of today it is refused%s: %s\n", paint(out, RED),
                paint(out, PLAIN), text_of(picture, "refused"));
    if (json_array_size(flow)) {
        fputs("flow:\n", out);
        print_edits(out, "  ", flow);
    }
    if (json_array_size(agents)) {
        fputs("agents:\n", out);
        print_agents(out, agents);
    }
    fputs("steps:\n", out);
    print_steps(out, json_object_get(picture, "steps"));
    if (json_array_size(effects)) {
        fputs("effects that would be passed again:\n", out);
        print_effects_again(out, effects);
    }
}

/* ---- the command ---- */

static enum error_code compile(const struct args *args, const struct roster *roster,
                               struct flow **ret_flow, struct findings *findings,
                               struct error *reterr)
{
    if (args->operand_count < 2)
        return ERR_OK;
    enum error_code code = roster_compile(roster, args->operands[1], ret_flow, findings, reterr);
    if (findings->errors && !args->json) {
        AUTO(text_done) struct text text;
        text_init(&text, SIZE_MAX / 2);
        findings_text(findings, &text);
        fputs(text_str(&text), stderr);
    }
    return code;
}

static int tell(const struct args *args, const struct renewal *renewal)
{
    const json_t *picture = renewal->picture;
    bool same = json_is_true(json_object_get(picture, "same"));
    if (args->json) {
        print_json(json_incref((json_t *)(uintptr_t)picture));
        return same ? EXIT_DONE : EXIT_FAILED;
    }
    AUTO(freep) char *store = same_store(args);
    printf("%srun %s%s, %s: %s\n", paint(stdout, BOLD), text_of(picture, "run"),
           paint(stdout, PLAIN), text_of(picture, "status"),
           same ? "nothing is otherwise" : "what would be otherwise");
    print_renewal(stdout, picture);
    printf("  to do so: seam resume %s --from STEP%s%s%s\n", text_of(picture, "run"),
           args->operand_count > 1 ? " --flow " : "",
           args->operand_count > 1 ? args->operands[1] : "", store);
    return same ? EXIT_DONE : EXIT_FAILED;
}

int command_diff(const struct args *args)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(roster_freep) struct roster *roster = NULL;
    AUTO(flow_unrefp) struct flow *flow = NULL;
    struct renewal renewal = {0};
    struct findings findings;
    struct error err;
    int exit_code = EXIT_DONE;
    findings_init(&findings);
    enum error_code code = open_roster(args, true, &roster, &err);
    if (code == ERR_OK)
        code = open_reader(args, &reader, NULL, &err);
    if (code == ERR_OK)
        code = compile(args, roster, &flow, &findings, &err);
    if (code == ERR_OK)
        code = renewal_make(reader, roster, args->operands[0], flow, NULL, NULL, &renewal, &err);
    if (code == ERR_OK)
        exit_code = tell(args, &renewal);
    else
        report_refusal(args, &err, &findings);
    findings_done(&findings);
    flow_unref(TAKE(flow));
    renewal_done(&renewal);
    return code == ERR_OK ? exit_code : EXIT_USAGE;
}

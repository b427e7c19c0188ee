/* SPDX-License-Identifier: Apache-2.0
 *
 * seam contract compare: is every value of one schema a value of the other? A yes-or-no question
 * with a third answer: exit 0 PROVEN, 1 REFUTED, 5 UNKNOWN. Where both operands are shared objects,
 * which their first bytes say and not their names, the question is that of plugins: succession.c.
 * lint and lower are in provider.c.
 */
#include "cli/cli_internal.h"

#include "base/units.h"
#include "document/document.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *place(const char *pointer)
{
    return *pointer ? pointer : "its root";
}

static void print_text(const struct args *args, const struct comparison *c)
{
    printf("%s%s%s\n", paint(stdout, verdict_colour(c->verdict)), verdict_name(c->verdict),
           paint(stdout, PLAIN));
    if (c->witness) {
        AUTO(freep) char *witness = json_text(c->witness);
        fputs("witness: ", stdout);
        print_clean(stdout, slice_of(witness));
        putchar('\n');
    }
    AUTO(freep)
    char *sentence =
        xasprintf("%s (rule %s; %s at %s, %s at %s)\n", c->reason, c->rule, args->operands[1],
                  place(c->sub), args->operands[2], place(c->super));
    print_clean(stdout, slice_of(sentence));
}

static int print_comparison(const struct args *args, const struct comparison *c)
{
    if (args->json)
        print_json(json_pack("{s:s, s:O?, s:s, s:s, s:s, s:s}", "verdict", verdict_name(c->verdict),
                             "witness", c->witness, "rule", c->rule, "reason", c->reason, "sub",
                             c->sub, "super", c->super));
    else
        print_text(args, c);
    return verdict_exit(c->verdict);
}

static int compare_schemas(const struct args *args)
{
    AUTO(document_freep) struct document *sub_file = NULL, *super_file = NULL;
    AUTO(contract_unrefp) struct contract *sub = NULL, *super = NULL;
    struct comparison comparison;
    struct error err;
    enum error_code code = open_contract(args, args->operands[1], &sub_file, &sub, &err);
    if (code == ERR_OK)
        code = open_contract(args, args->operands[2], &super_file, &super, &err);
    if (code == ERR_OK)
        code = contract_compare(sub, super, NULL, &comparison, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    int exit_code = print_comparison(args, &comparison);
    comparison_done(&comparison);
    return exit_code;
}

/* What cannot be opened is complained of where it is read. */
static bool is_shared_object(const char *path)
{
    char magic[4];
    FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
    if (!file)
        return false;
    bool is = fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
              memcmp(magic, "\177ELF", sizeof(magic)) == 0;
    fclose(file);
    return is;
}

static int compare(const struct args *args)
{
    const char *a = args->operands[1], *b = args->operands[2];
    if (args->operand_count != 3)
        return complain(EXIT_USAGE, "usage: seam contract compare SUB SUPER, or OLD.so NEW.so");
    if (args_option(args, "--target"))
        return complain(EXIT_USAGE, "contract compare: --target goes with lint and lower alone");
    if (strcmp(a, "-") == 0 && strcmp(b, "-") == 0)
        return complain(EXIT_USAGE, "contract compare: standard input (-) can be read once");
    bool plugin_a = is_shared_object(a), plugin_b = is_shared_object(b);
    const char *schema = plugin_a ? b : a;
    if (plugin_a != plugin_b && strcmp(schema, "-") != 0 && access(schema, R_OK) != 0)
        return complain(EXIT_USAGE, "cannot open %s: %s", schema, strerror(errno));
    if (plugin_a != plugin_b)
        return complain(EXIT_USAGE,
                        "%s is a shared object and %s is not: compare two plugins or two schemas; "
                        "`seam plugins inspect %s` prints the schemas of a plugin",
                        plugin_a ? a : b, schema, plugin_a ? a : b);
    return plugin_a ? compare_plugins(args) : compare_schemas(args);
}

int command_contract(const struct args *args)
{
    static const struct {
        const char *word;
        int (*run)(const struct args *args);
    } verbs[] = {{"compare", compare}, {"lint", contract_lint}, {"lower", contract_lower}};
    enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };
    const char *names[VERBS], *word = args->operands[0];
    for (size_t i = 0; i < VERBS; i++) {
        names[i] = verbs[i].word;
        if (strcmp(word, verbs[i].word) == 0)
            return verbs[i].run(args);
    }
    const char *near = suggest(slice_of(word), names, VERBS);
    return complain(EXIT_USAGE,
                    "contract: `%s` is not compare, lint or lower%s%s%s; see `seam contract "
                    "--help`",
                    word, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * From argv to a command with its options, and the help. `--name value` and `--name=value` are the
 * same; `--` ends the options; `--json` and `--help` are every command's (answer's --json takes a
 * file).
 */
#include "cli/cli_internal.h"

#include "base/text.h"
#include "base/units.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

const char *args_option(const struct args *args, const char *name)
{
    for (int i = args->given_count - 1; i >= 0; i--)
        if (strcmp(args->given[i].name, name) == 0)
            return args->given[i].value;
    return NULL;
}

bool args_flag(const struct args *args, const char *name)
{
    return args_option(args, name) != NULL;
}

/* ---- help ---- */

static void help_all(FILE *out)
{
    fprintf(out,
            "seam: a host for agents. It validates every handoff, guards every effect, bounds\n"
            "every retry, journals every decision and can explain it.\n\n"
            "usage: seam COMMAND [options]\n\n");
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %s%-9s%s %s\n", paint(out, BOLD), commands[i].name, paint(out, PLAIN),
                commands[i].summary);
    fprintf(out, "\n`seam COMMAND --help` says more, with examples. The manual: man seam.\n");
}

static void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "usage: seam %s%s%s [options]\n\n%s\n\noptions:\n", command->name,
            *command->operands ? " " : "", command->operands, command->description);
    bool own_json = false;
    for (const struct option *option = command->options; option->name; option++) {
        AUTO(freep)
        char *form = xasprintf("%s%s%s", option->name, option->value ? " " : "",
                               option->value ? option->value : "");
        own_json |= strcmp(option->name, "--json") == 0;
        fprintf(out, "  %-20s %s\n", form, option->help);
    }
    if (!own_json)
        fprintf(out, "  %-20s %s\n", "--json", "output for programs");
    fprintf(out, "  %-20s %s\n", "--help", "this text");
}

/* ---- parsing ---- */

static const struct option *find_option(const struct command *command, struct slice name)
{
    for (const struct option *option = command->options; option->name; option++)
        if (slice_is(name, option->name))
            return option;
    return NULL;
}

static int unknown_option(const struct command *command, struct slice name)
{
    const char *names[OPTIONS_MAX + 2];
    size_t count = 0;
    for (const struct option *option = command->options; option->name; option++)
        names[count++] = option->name;
    names[count++] = "--json";
    names[count++] = "--help";
    const char *near = suggest(name, names, count);
    return complain(EXIT_USAGE, "%s: unknown option `%.*s`%s%s%s; see `seam %s --help`",
                    command->name, (int)name.len, name.ptr, near ? "; did you mean " : "",
                    near ? near : "", near ? "?" : "", command->name);
}

/* Reads one option at argv[*at]; 0, or an exit code. */
static int read_option(struct args *args, char **argv, int argc, int *at)
{
    const struct command *command = args->command;
    const char *word = argv[*at], *equals = strchr(word, '=');
    struct slice name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    const struct option *option = find_option(command, name);
    if (!option && slice_is(name, "--json")) {
        if (equals)
            return complain(EXIT_USAGE, "%s: --json takes no value", command->name);
        args->json = true;
        return 0;
    }
    if (!option)
        return unknown_option(command, name);
    if (!option->value && equals)
        return complain(EXIT_USAGE, "%s: %s takes no value", command->name, option->name);
    const char *value = !option->value ? "" : equals ? equals + 1 : NULL;
    if (!value && *at + 1 >= argc)
        return complain(EXIT_USAGE, "%s: %s needs %s", command->name, option->name, option->value);
    if (!value)
        value = argv[++*at];
    if (args->given_count == REPEATS_MAX)
        return complain(EXIT_USAGE, "%s: more than %d options", command->name, REPEATS_MAX);
    args->given[args->given_count].name = option->name;
    args->given[args->given_count++].value = value;
    return 0;
}

static int read_args(struct args *args, char **argv, int argc)
{
    bool operands_only = false;
    for (int at = 0; at < argc; at++) {
        if (!slice_valid_utf8(slice_of(argv[at])))
            return complain(EXIT_USAGE, "%s: an argument is not UTF-8: `%s`; rename what it names",
                            args->command->name, argv[at]);
        bool option = !operands_only && argv[at][0] == '-' && argv[at][1] != '\0';
        if (option && strcmp(argv[at], "--") == 0) {
            operands_only = true;
        } else if (option) {
            int code = read_option(args, argv, argc, &at);
            if (code)
                return code;
        } else if (args->operand_count == args->command->max_operands ||
                   args->operand_count == OPERANDS_MAX) {
            return complain(EXIT_USAGE, "%s: `%s` is one too many; usage: seam %s %s",
                            args->command->name, argv[at], args->command->name,
                            args->command->operands);
        } else {
            args->operands[args->operand_count++] = argv[at];
        }
    }
    if (args->operand_count < args->command->min_operands)
        return complain(EXIT_USAGE, "usage: seam %s %s; see `seam %s --help`", args->command->name,
                        args->command->operands, args->command->name);
    return 0;
}

static int check_store(const struct args *args)
{
    const char *store = args_option(args, "--store");
    bool other = store && strncmp(store, "sqlite:", 7) != 0 &&
                 (strstr(store, "://") || strcmp(store, "memory:") == 0);
    if (!other)
        return 0;
    return complain(EXIT_USAGE, "%s: --store %s: expected sqlite:PATH, the only store there is%s",
                    args->command->name, store,
                    store[0] == 'm' ? "; to keep nothing: seam run --memory" : "");
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            return false;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    if (name[0] == '-')
        return complain(EXIT_USAGE, "`%s`: a command comes first; `seam --help` lists them", name);
    const char *names[64];
    for (size_t i = 0; i < command_count; i++)
        names[i] = commands[i].name;
    const char *near = suggest(slice_of(name), names, command_count);
    return complain(EXIT_USAGE, "unknown command `%s`%s%s%s; `seam --help` lists them", name,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int cli_main(int argc, char **argv)
{
    /* Who starts a program with it ignored would have the kernel throw away how children end. */
    signal(SIGCHLD, SIG_DFL);
    if (argc < 2) {
        help_all(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("seam %s (plugin ABI 1.0)\n", SEAM_VERSION);
        return EXIT_DONE;
    }
    bool help = strcmp(argv[1], "help") == 0;
    if (asks_help(1, argv + 1) || (help && (argc == 2 || asks_help(argc - 2, argv + 2)))) {
        help_all(stdout);
        return EXIT_DONE;
    }
    const struct command *command = find_command(argv[help ? 2 : 1]);
    if (!command)
        return unknown_command(argv[help ? 2 : 1]);
    if (help || asks_help(argc - 2, argv + 2)) {
        help_command(stdout, command);
        return EXIT_DONE;
    }
    struct args args = {.command = command};
    int code = read_args(&args, argv + 2, argc - 2);
    if (!code)
        code = check_store(&args);
    return code ? code : command->run(&args);
}

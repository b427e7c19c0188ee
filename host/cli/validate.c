/* SPDX-License-Identifier: Apache-2.0
 *
 * seam validate: the contract engine by itself. It reads schemas as the specification does: formats
 * and words that nobody knows annotate. --strict reads them as the host reads contracts. Output is
 * for people, or one of the specification's formats, a JSON value for each instance.
 */
#include "cli/cli_internal.h"

#include "document/document.h"

#include <string.h>

enum output {
    OUTPUT_TEXT,
    OUTPUT_NAMED /* --json: basic, and which instance */,
    OUTPUT_FLAG,
    OUTPUT_BASIC
};

static json_t *violations_json(const struct violations *violations)
{
    json_t *list = json_array();
    for (size_t i = 0; i < violations->count; i++) {
        const struct violation *v = &violations->list[i];
        json_array_append_new(list, json_pack("{s:s, s:s*, s:s, s:s}", "keywordLocation", v->schema,
                                              "absoluteKeywordLocation", v->absolute,
                                              "instanceLocation", v->instance, "error", v->text));
    }
    return list;
}

static void print_valid_or_not(enum output output, const char *path, bool valid,
                               const struct violations *violations)
{
    json_t *unit = json_pack("{s:b}", "valid", valid);
    if (output == OUTPUT_NAMED)
        json_object_set_new(unit, "instance", json_string(path));
    if (output == OUTPUT_NAMED || (output == OUTPUT_BASIC && !valid))
        json_object_set_new(unit, "errors", violations_json(violations));
    print_json(unit);
}

static void print_lines(const struct document *document, const char *path, bool valid,
                        const struct violations *violations)
{
    if (valid)
        printf("%s: %svalid%s\n", path, paint(stdout, GREEN), paint(stdout, PLAIN));
    for (size_t i = 0; i < violations->count; i++) {
        const struct violation *v = &violations->list[i];
        struct position at = document_where(document, v->instance);
        printf("%s:%d:%d: %s", path, at.line, at.column, paint(stdout, RED));
        print_clean(stdout, slice_of(v->instance));
        printf("%s%s", paint(stdout, PLAIN), *v->instance ? ": " : "");
        print_clean(stdout, slice_of(v->text));
        fputs(" (schema ", stdout);
        print_clean(stdout, slice_of(*v->schema ? v->schema : "itself"));
        fputs(")\n", stdout);
    }
}

static int validate_one(const struct args *args, const struct contract *contract, const char *path,
                        enum output output)
{
    AUTO(document_freep) struct document *document = NULL;
    struct violations violations;
    struct error err;
    if (document_load(path, &document, &err) != ERR_OK)
        return report_error(args, &err);
    bool valid = contract_explain(contract, document_root(document), &violations);
    if (output == OUTPUT_TEXT)
        print_lines(document, path, valid, &violations);
    else
        print_valid_or_not(output, path, valid, &violations);
    violations_done(&violations);
    return valid ? EXIT_DONE : EXIT_FAILED;
}

static int read_output(const struct args *args, enum output *ret_output)
{
    const char *name = args_option(args, "--output");
    *ret_output = args->json ? OUTPUT_NAMED : OUTPUT_TEXT;
    if (name && strcmp(name, "flag") == 0)
        *ret_output = OUTPUT_FLAG;
    else if (name && strcmp(name, "basic") == 0)
        *ret_output = OUTPUT_BASIC;
    else if (name && strcmp(name, "text") == 0)
        *ret_output = OUTPUT_TEXT;
    else if (name)
        return complain(EXIT_USAGE, "validate: --output %s: expected text, flag or basic", name);
    return 0;
}

static int check_operands(const struct args *args)
{
    int dashes = 0;
    for (int i = 0; i < args->operand_count; i++)
        dashes += strcmp(args->operands[i], "-") == 0;
    if (args->operand_count < 2)
        return complain(EXIT_USAGE,
                        "usage: seam validate SCHEMA INSTANCE…; see `seam validate --help`");
    if (dashes > 1)
        return complain(EXIT_USAGE, "validate: standard input (-) can be read once");
    return 0;
}

static int validate_all(const struct args *args, const struct registry *registry,
                        enum output output)
{
    AUTO(document_freep) struct document *schema = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct error err;
    bool strict = args_flag(args, "--strict");
    struct contract_options options = {.annotate_formats =
                                           !strict && !args_flag(args, "--format-assertion"),
                                       .lenient = !strict,
                                       .registry = registry};
    int worst = EXIT_DONE;
    enum error_code code = document_load(args->operands[0], &schema, &err);
    if (code != ERR_OK)
        return report_error(args, &err); /* it names the file */
    code = contract_compile(document_root(schema), &options, &contract, &err);
    if (code != ERR_OK) {
        error_prefix(&err, "%s: ", args->operands[0]);
        return report_error(args, &err);
    }
    for (int i = 1; i < args->operand_count; i++) {
        int found = validate_one(args, contract, args->operands[i], output);
        worst = found > worst ? found : worst;
    }
    return worst;
}

int command_validate(const struct args *args)
{
    AUTO(registry_freep) struct registry *registry = NULL;
    struct error err;
    enum output output;
    if (args_flag(args, "--bowtie"))
        return args->operand_count == 0 && args->given_count == 1
                   ? validate_bowtie()
                   : complain(EXIT_USAGE, "validate: --bowtie stands alone; it reads requests from "
                                          "standard input");
    int code = check_operands(args);
    if (!code)
        code = read_output(args, &output);
    if (code)
        return code;
    if (open_registry(args, &registry, &err) != ERR_OK)
        return report_error(args, &err);
    return validate_all(args, registry, output);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * seam validate: the contract engine by itself.
 */
#include "cli/cli_internal.h"

#include "document/document.h"

static json_t *violations_json(const struct violations *violations)
{
    json_t *list = json_array();
    for (size_t i = 0; i < violations->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "instanceLocation",
                                              violations->list[i].instance, "keywordLocation",
                                              violations->list[i].schema, "error",
                                              violations->list[i].text));
    return list;
}

static int validate_one(const struct args *args, const struct contract *contract, const char *path)
{
    AUTO(document_freep) struct document *document = NULL;
    struct violations violations;
    struct error err;
    if (document_load(path, &document, &err) != ERR_OK)
        return report_error(args, &err);
    bool valid = contract_explain(contract, document_root(document), &violations);
    if (args->json) {
        print_json(json_pack("{s:s, s:b, s:o}", "instance", path, "valid", valid, "errors",
                             violations_json(&violations)));
    } else if (valid) {
        printf("%s: %svalid%s\n", path, paint(stdout, GREEN), paint(stdout, PLAIN));
    }
    for (size_t i = 0; i < violations.count && !args->json; i++) {
        struct position at = document_where(document, violations.list[i].instance);
        const char *instance = violations.list[i].instance;
        printf("%s:%d:%d: %s%s%s%s", path, at.line, at.column, paint(stdout, RED), instance,
               paint(stdout, PLAIN), *instance ? ": " : "");
        print_clean(stdout, slice_of(violations.list[i].text));
        printf(" (schema %s)\n", violations.list[i].schema);
    }
    violations_done(&violations);
    return valid ? EXIT_DONE : EXIT_FAILED;
}

int command_validate(const struct args *args)
{
    AUTO(document_freep) struct document *schema = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct error err;
    struct contract_options options = {.annotate_formats = args_flag(args, "--format-annotation")};
    int worst = EXIT_DONE;
    enum error_code code = document_load(args->operands[0], &schema, &err);
    if (code == ERR_OK)
        code = contract_compile(document_root(schema), &options, &contract, &err);
    if (code != ERR_OK) {
        error_prefix(&err, "%s: ", args->operands[0]);
        return report_error(args, &err);
    }
    for (int i = 1; i < args->operand_count; i++) {
        int found = validate_one(args, contract, args->operands[i]);
        worst = found > worst ? found : worst;
    }
    return worst;
}

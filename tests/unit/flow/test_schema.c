/* SPDX-License-Identifier: Apache-2.0
 *
 * schemas/flow.schema.json is the source of truth: the contract room, which reads all of it, judges
 * the shape of every flow here as flow_compile does.
 */
#include "catalog_test.h"

#include <dirent.h>

static struct contract *flow_contract(void)
{
    struct contract *contract = NULL;
    struct error error = {0};
    AUTO(json_decrefp) json_t *schema = NULL;
    ck_assert_msg(json_read_file(SOURCE_ROOT "/schemas/flow.schema.json", LIMIT_FILE, &schema,
                                 &error) == ERR_OK,
                  "%s", error.text);
    ck_assert_msg(contract_compile(schema, NULL, &contract, &error) == ERR_OK, "%s", error.text);
    return contract;
}

/* Rules that speak of shape alone, which a schema can say too. */
static bool is_shape(const char *rule)
{
    static const char *const rules[] = {"unknown-key", "wrong-type",   "missing-key", "bad-value",
                                        "bad-name",    "bad-duration", "bad-money",   "step-kind"};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rule, rules[i]) == 0)
            return true;
    return false;
}

static void check_file(const struct contract *contract, const char *path)
{
    struct catalog catalog;
    struct findings findings;
    struct flow *flow = NULL;
    struct document *document = NULL;
    struct violations violations;
    AUTO(text_done) struct text why;
    text_init(&why, 1 << 16);
    bool shapely = true;
    if (document_load(path, &document, NULL))
        return; /* malformed */
    catalog_fill(&catalog);
    findings_init(&findings);
    struct flow_options options = {.catalog = &catalog};
    if (flow_compile(path, &options, &flow, &findings, NULL) == ERR_OK)
        flow_unref(flow);
    for (size_t i = 0; i < findings.count; i++)
        shapely = shapely && !is_shape(findings.list[i].rule);
    bool accepted = contract_explain(contract, document_root(document), &violations);
    violations_text(&violations, &why);
    ck_assert_msg(accepted == shapely, "%s: the schema says %s\n%s", path, accepted ? "yes" : "no",
                  text_str(&why));
    ck_assert(contract_accepts(contract, document_root(document)) == accepted);
    violations_done(&violations);
    findings_done(&findings);
    catalog_done(&catalog);
    document_free(document);
}

static void check_folder(const struct contract *contract, const char *folder)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        AUTO(freep) char *path = xasprintf("%s/%s", folder, entry->d_name);
        if (strchr(entry->d_name, '.') && entry->d_name[0] != '.')
            check_file(contract, path);
    }
    closedir(dir);
}

START_TEST(the_schema_and_the_compiler_agree_on_shape)
{
    AUTO(contract_unrefp) struct contract *contract = flow_contract();
    check_folder(contract, TEST_DATA "/data/good");
    check_folder(contract, TEST_DATA "/data/bad");
}
END_TEST

UNIT_MAIN(the_schema_and_the_compiler_agree_on_shape)

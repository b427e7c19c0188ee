/* SPDX-License-Identifier: Apache-2.0
 *
 * A flow file, beside schema files that it may refer to and flows that it may run (one of which
 * runs it in turn), over a small catalog. It compiles or is refused with findings that have a place
 * and words; the same file gives the same findings.
 */
#include "json.h"

#include "flow/flow.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static void remove_folder(void)
{
    static const char *const names[] = {"flow.yaml", "flow.json", "trip.json",
                                        "loop.yaml", "sub.yaml",  "back.yaml"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        AUTO(freep) char *path = xasprintf("%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static char *write_file(const char *name, const void *bytes, size_t size)
{
    char *path = xasprintf("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    return path;
}

static void make_folder(void)
{
    static const char trip[] = "{\"type\": \"object\", \"properties\": {\"to\": {\"$ref\": "
                               "\"loop.yaml#/$defs/place\"}}, \"required\": [\"to\"]}";
    static const char loop[] = "$defs: {place: {type: string, minLength: 1}}\n"
                               "properties: {next: {$ref: loop.yaml}, trip: {$ref: trip.json}}\n";
    static const char sub[] = "flow: sub\ninput: {schema: {$ref: trip.json}}\nsteps: {p: {agent: "
                              "p/plan, input: {goal: \"${ .input.to }\"}}}\noutput: {as: \"${ "
                              ".steps.p.output }\"}\n";
    static const char back[] = "flow: back\nsteps: {s: {flow: sub.yaml}, f: {flow: flow.yaml}}\n";
    const char *where = getenv("TMPDIR");
    if (folder[0])
        return;
    snprintf(folder, sizeof(folder), "%.40s/fuzz-flow-XXXXXX", where ? where : "/tmp");
    ASSERT(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    free(write_file("trip.json", trip, sizeof(trip) - 1));
    free(write_file("loop.yaml", loop, sizeof(loop) - 1));
    free(write_file("sub.yaml", sub, sizeof(sub) - 1));
    free(write_file("back.yaml", back, sizeof(back) - 1));
}

static struct contract *contract_of(const char *schema)
{
    AUTO(json_decrefp) json_t *json = bytes_json((const uint8_t *)schema, strlen(schema));
    struct contract *contract = bytes_contract(json, NULL);
    ASSERT(contract != NULL);
    return contract;
}

static struct agent *add_agent(struct catalog *catalog, const char *name, enum effect_class effect,
                               const char *input, const char *output)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    agent->name = xstrdup(name);
    agent->effect = effect;
    agent->input = contract_of(input);
    agent->output = contract_of(output);
    agent->settle_ms = agent->key_ttl_ms = agent->call_ms = -1;
    catalog_add(catalog, agent);
    return agent;
}

static const struct catalog *the_catalog(void)
{
    static struct catalog catalog;
    if (catalog.count > 0)
        return &catalog;
    catalog_init(&catalog);
    struct agent *plan = add_agent(
        &catalog, "p/plan", CLASS_READ,
        "{\"type\": \"object\", \"required\": [\"goal\"], \"properties\": {\"goal\": {\"type\": "
        "\"string\"}, \"style\": {\"enum\": [\"cheap\", \"fast\"]}}}",
        "{\"type\": \"object\", \"required\": [\"legs\"], \"properties\": {\"legs\": {\"type\": "
        "\"array\", \"items\": {\"type\": \"object\", \"properties\": {\"from\": {\"type\": "
        "\"string\"}}}}, \"confidence\": {\"type\": \"number\"}}}");
    plan->confidence = xstrdup("/confidence");
    plan->tokens = 1000;
    plan->call_ms = 20000;
    struct agent *book = add_agent(
        &catalog, "p/book", CLASS_WRITE, "{\"type\": \"object\", \"required\": [\"offer\"]}",
        "{\"type\": \"object\", \"properties\": {\"id\": {\"type\": \"string\"}}}");
    book->reconcile = xstrdup("find");
    add_agent(&catalog, "p/find", CLASS_READ, "{}", "{}");
    add_agent(&catalog, "p/undo", CLASS_WRITE_IDEMPOTENT, "{}", "{\"type\": \"null\"}");
    add_agent(&catalog, "p/pure", CLASS_PURE, "true", "true");
    return &catalog;
}

static void claim_findings(const struct findings *findings)
{
    size_t errors = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        errors += f->severity == FINDING_ERROR;
        CLAIM(f->rule && f->file && f->text && f->text[0], "finding %zu is empty", i);
        CLAIM(slice_valid_utf8(slice_of(f->text)), "%s: not UTF-8: %s", f->rule, f->text);
        CLAIM(!f->hint || slice_valid_utf8(slice_of(f->hint)), "%s: not UTF-8: %s", f->rule,
              f->hint);
        CLAIM(f->where.line >= 1 && f->where.column >= 1, "%s is at %d:%d", f->rule, f->where.line,
              f->where.column);
    }
    CLAIM(errors <= findings->errors, "%zu errors are counted as %zu", errors, findings->errors);
    AUTO(json_decrefp) json_t *json = findings_json(findings);
    CLAIM(json != NULL, "findings that are no JSON");
}

static enum error_code compile(const char *path, struct text *ret_said)
{
    const struct flow_options options = {.catalog = the_catalog(), .concurrency = 16};
    struct findings findings;
    struct error err = {.code = ERR_OK, .text = ""};
    AUTO(flow_unrefp) struct flow *flow = NULL;
    findings_init(&findings);
    enum error_code code = flow_compile(path, &options, &flow, &findings, &err);
    claim_findings(&findings);
    findings_text(&findings, ret_said);
    if (code == ERR_OK)
        CLAIM(findings.errors == 0 && flow && flow->step_count > 0 && flow->name,
              "compiled with %zu errors", findings.errors);
    else
        claim_error(code, &err);
    CLAIM(code != ERR_INPUT || findings.errors > 0, "refused without a finding: %s", err.text);
    findings_done(&findings);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_folder();
    AUTO(freep)
    char *path = write_file(size > 0 && data[0] == '{' ? "flow.json" : "flow.yaml", data, size);
    AUTO(text_done) struct text said, again;
    text_init(&said, 4u << 20);
    text_init(&again, 4u << 20);
    enum error_code code = compile(path, &said);
    CLAIM(code == compile(path, &again) && slice_equal(text_slice(&said), text_slice(&again)),
          "two answers:\n%s\n%s", text_str(&said), text_str(&again));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The cast: agents of every class, and flows that put them on the stage. The flows are real files,
 * compiled once.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define R  CLASS_READ
#define WI CLASS_WRITE_IDEMPOTENT
#define W  CLASS_WRITE

static const struct personality cast[] = {
    {"w/pure", CLASS_PURE, true, false, -1, -1, 0, false, 0, 0, {NULL}, false},
    {"w/read", R, true, false, -1, -1, 0, false, 0, 0, {NULL}, false},
    {"w/dear", R, true, false, -1, -1, 0, false, 100, 50, {NULL}, false},
    {"w/find", R, true, false, -1, -1, 0, false, 0, 0, {NULL}, false},
    {"w/idem", WI, true, false, 800, -1, 1, false, 0, 0, {NULL}, false},
    {"w/idem2", WI, true, true, 800, -1, 2, true, 0, 0, {NULL}, false},
    {"w/idem-old", WI, true, true, 800, 3000, 1, false, 0, 0, {NULL}, false},
    {"w/write", W, true, false, 800, -1, 1, false, 0, 0, {NULL}, false},
    {"w/write-unsettled", W, true, false, -1, -1, 1, true, 0, 0, {NULL}, false},
    {"w/book", W, true, true, 800, -1, 1, false, 10, 5, {NULL}, false},
    {"w/book3", W, true, true, 500, -1, 3, false, 0, 0, {NULL}, false},
    {"w/book-auto", W, true, true, 0, -1, 2, true, 0, 0, {NULL}, false},
    {"w/book-unsettled", W, true, true, -1, -1, 1, false, 0, 0, {NULL}, false},
    {"w/bare", W, false, false, 800, -1, 0, false, 0, 0, {NULL}, false},
    {"w/bare-find", W, false, true, 800, -1, 0, false, 0, 0, {NULL}, false},
    {"w/bare-idem", WI, false, false, 800, -1, 0, false, 0, 0, {NULL}, false},
    {"w/bare-idem-old", WI, false, true, 800, 3000, 0, false, 0, 0, {NULL}, false},
    {"w/cancel", WI, true, true, 300, -1, 1, false, 0, 0, {NULL}, false},
    {"w/cancel-write", W, true, true, 300, -1, 1, true, 0, 0, {NULL}, false},
    {"w/asks", R, true, false, -1, -1, 0, false, 20, 0, {"w/read", "w/dear", "w/pure"}, false},
    {"w/leads", W, true, true, 600, -1, 1, false, 0, 0, {"w/book", "w/idem2", "w/asks"}, false},
    {"w/leads-idem", WI, true, true, 600, -1, 1, true, 0, 0, {"w/idem", "w/idem-old", NULL}, false},
    {"w/heads",
     W,
     true,
     false,
     400,
     -1,
     0,
     false,
     0,
     0,
     {"w/leads", "w/write", "w/bare-find"},
     false},
    {"w/plans", R, true, false, -1, -1, 0, false, 30, 0, {NULL}, true},
};

enum { CAST = sizeof(cast) / sizeof(cast[0]) };

#define HEAD(name) "flow: " name "\nescalation: {to: ops, deadline: 2h}\n"
#define PLENTY     "budget: {attempts: 60, calls: 90, time: 1h, tokens: 5000, recovery: {calls: 20}}\n"
#define QUICK                                                                                      \
    "defaults: {retry: {initial_interval: 100ms, max_interval: 1s}, timeout: {start_to_close: "    \
    "5s}}\n"

static struct scene scenes[] = {
    {"chain",
     HEAD("chain") PLENTY QUICK
     "steps:\n"
     "  plan: {agent: w/read}\n"
     "  book: {agent: w/book, input: {p: \"${ .steps.plan.output.n }\"}, "
     "undo: {agent: w/cancel, input: {b: \"${ .output.n }\"}}}\n"
     "  mail: {agent: w/write, input: {b: \"${ .steps.book.output.n "
     "}\"}}\n"
     "output: {as: \"${ .steps.mail.output.n }\"}\n",
     NULL, NULL},
    {"fan-out",
     HEAD("fan-out") PLENTY QUICK "concurrency: 3\nsteps:\n"
                                  "  a: {agent: w/read}\n  b: {agent: w/dear}\n"
                                  "  c: {agent: w/book, undo: {agent: w/cancel}}\n"
                                  "  d: {agent: w/idem, undo: {agent: w/cancel}}\n"
                                  "  e: {agent: w/pure}\n  f: {agent: w/book-auto}\n"
                                  "  g: {agent: w/write, needs: [a, b, c, d, e, f]}\n",
     NULL, NULL},
    {"items",
     HEAD("items") PLENTY QUICK
     "concurrency: 4\nsteps:\n"
     "  plan: {agent: w/read}\n"
     "  each: {agent: w/idem2, for_each: \"${ .steps.plan.output.list // [] }\", concurrency: 2, "
     "on_item_failure: collect, input: {x: \"${ .item }\"}, undo: {agent: w/cancel, input: {x: "
     "\"${ "
     ".item }\"}}}\n"
     "  last: {agent: w/book, input: {x: \"${ .steps.each.output }\"}}\n",
     NULL, NULL},
    {"items-stop",
     HEAD("items-stop") PLENTY QUICK
     "concurrency: 5\nsteps:\n"
     "  each: {agent: w/book, for_each: [1, 2, 3, 4], undo: {agent: w/cancel-write}, input: {x: "
     "\"${ .item }\"}}\n"
     "  last: {agent: w/read, needs: [each]}\n",
     NULL, NULL},
    {"fallback",
     HEAD("fallback") PLENTY QUICK
     "steps:\n"
     "  a: {agent: w/read, on_failure: {fallback: {agent: w/pure}}}\n"
     "  b: {agent: w/book, needs: [a], retry: {max_attempts: 2}, on_failure: {fallback: {agent: "
     "w/write-unsettled}}, undo: {agent: w/cancel}}\n"
     "  c: {agent: w/bare-find, needs: [b], on_failure: {fallback: {agent: w/idem}}}\n",
     NULL, NULL},
    {"undo",
     HEAD("undo") PLENTY QUICK "steps:\n"
                               "  a: {agent: w/book3, undo: {agent: w/cancel-write}}\n"
                               "  b: {agent: w/write, needs: [a], undo: {agent: w/cancel}}\n"
                               "  c: {agent: w/bare, needs: [a], undo: {agent: w/cancel}}\n"
                               "  d: {agent: w/read, needs: [b, c], retry: {max_attempts: 1}, "
                               "assert: [{that: \"${ .output.n > 1000 }\"}]}\n",
     NULL, NULL},
    {"doubtful",
     HEAD("doubtful") PLENTY QUICK
     "steps:\n"
     "  a: {agent: w/dear, confidence: {min: 0.5, below: retry}}\n"
     "  b: {agent: w/dear, confidence: {min: 0.5}}\n"
     "  c: {agent: w/book3, needs: [a, b], confidence: {min: 0.5, below: fail}, undo: {agent: "
     "w/cancel}}\n"
     "  d: {agent: w/idem2, needs: [a], confidence: {min: 0.5, below: fail}}\n"
     "  e: {agent: w/idem, needs: [b], assert: [{that: \"${ .output.n > 300 }\", message: "
     "small}]}\n",
     NULL, NULL},
    {"bare",
     HEAD("bare") PLENTY QUICK "concurrency: 2\nsteps:\n"
                               "  a: {agent: w/bare, undo: {agent: w/cancel}}\n"
                               "  b: {agent: w/bare-find, undo: {agent: w/cancel-write}}\n"
                               "  c: {agent: w/bare-idem}\n  d: {agent: w/bare-idem-old}\n"
                               "  e: {agent: w/book-unsettled, needs: [a, b]}\n",
     NULL, NULL},
    {"poor",
     HEAD("poor") QUICK "budget: {attempts: 6, calls: 6, time: 40s, tokens: 130, cost: 0.000070, "
                        "recovery: {calls: 2}}\nconcurrency: 2\nsteps:\n"
                        "  a: {agent: w/book, undo: {agent: w/cancel}}\n"
                        "  b: {agent: w/idem-old}\n  c: {agent: w/dear, needs: [a]}\n"
                        "  d: {agent: w/write, needs: [b], undo: {agent: w/cancel-write}}\n",
     NULL, NULL},
    {"skips",
     HEAD("skips") PLENTY QUICK
     "concurrency: 3\nsteps:\n"
     "  a: {agent: w/read, on_failure: skip}\n"
     "  b: {agent: w/idem, on_failure: skip, retry: {max_attempts: 1}}\n"
     "  c: {agent: w/write, if: \"${ .steps.a.status == \\\"done\\\" }\", on_failure: escalate}\n"
     "  d: {agent: w/book, for_each: [1, 2, 3], on_item_failure: skip, needs: [b], concurrency: 1, "
     "retry: {max_attempts: 2}}\n"
     "  e: {agent: w/read, input: {x: \"${ .steps.d.output // [] }\"}, on_failure: escalate}\n",
     NULL, NULL},
    {"impatient",
     "flow: impatient\nescalation: {to: ops, deadline: 20s, on_timeout: approve}\n" PLENTY QUICK
     "steps:\n"
     "  a: {agent: w/write, undo: {agent: w/cancel}, confidence: {min: 0.5}}\n"
     "  b: {agent: w/book-unsettled, needs: [a], undo: {agent: w/cancel-write}}\n"
     "  c: {agent: w/write-unsettled, needs: [a], on_failure: escalate}\n"
     "  d: {agent: w/read, needs: [b, c], on_failure: escalate}\n",
     NULL, NULL},
    {"callers",
     HEAD("callers") PLENTY QUICK
     "concurrency: 3\nsteps:\n"
     "  a: {agent: w/asks}\n"
     "  b: {agent: w/leads, undo: {agent: w/cancel}, on_failure: escalate}\n"
     "  c: {agent: w/leads-idem, needs: [a], undo: {agent: w/cancel-write}}\n"
     "  d: {agent: w/read, needs: [b, c]}\n",
     NULL, NULL},
    {"callers-of-callers",
     HEAD("callers-of-callers") QUICK
     "budget: {attempts: 12, calls: 26, time: 10m, tokens: 700, recovery: {calls: 12}}\n"
     "concurrency: 2\nsteps:\n"
     "  a: {agent: w/heads, undo: {agent: w/cancel}, retry: {max_attempts: 4}}\n"
     "  b: {agent: w/leads, for_each: [1, 2, 3], on_item_failure: collect}\n"
     "  c: {agent: w/asks, needs: [a], on_failure: {fallback: {agent: w/asks}}}\n",
     NULL, NULL},
    {"within",
     HEAD("within") QUICK
     "budget: {attempts: 40, calls: 50, time: 1h, recovery: {calls: 30}}\nconcurrency: 3\nsteps:\n"
     "  a: {agent: w/idem, undo: {agent: w/cancel}}\n"
     "  each: {flow: inner.yaml, for_each: [1, 2], on_item_failure: collect, input: {x: \"${ "
     ".item }\"}}\n"
     "  one: {flow: inner.yaml, needs: [a], on_failure: skip, undo: {agent: w/cancel-write}, "
     "input: {x: 3}, assert: [{that: \"${ .output.n < 900 }\"}]}\n"
     "  two: {flow: inner.yaml, needs: [a], input: {x: 4}, timeout: {start_to_close: 20s}}\n"
     "  last: {agent: w/write, needs: [each, one, two]}\n",
     NULL,
     "flow: inner\nconcurrency: 1\nbudget: {attempts: 12, calls: 14, time: 1m, recovery: {calls: "
     "9}}\n" QUICK "steps:\n"
     "  book: {agent: w/book, undo: {agent: w/cancel, input: {b: \"${ .output.n }\"}}}\n"
     "  mail: {agent: w/leads-idem, needs: [book], undo: {agent: w/cancel}}\n"
     "  look: {agent: w/read, needs: [book], retry: {max_attempts: 1}}\n"
     "output: {as: {n: \"${ .steps.look.output.n }\"}}\n"},
    {"planned",
     HEAD("planned") PLENTY QUICK
     "concurrency: 3\nsteps:\n"
     "  think: {agent: w/plans, on_failure: escalate}\n"
     "  act: {plan: \"${ .steps.think.output.plan }\", allow: {agents: [w/*], effects: [pure, "
     "read, "
     "write_idempotent, write], max_steps: 4}, budget: {attempts: 14, calls: 16, recovery: {calls: "
     "6}}}\n"
     "  last: {agent: w/book, needs: [act], undo: {agent: w/cancel}}\n"
     "  check: {agent: w/read, needs: [last], retry: {max_attempts: 1}}\n",
     NULL, NULL},
    {"old-keys",
     HEAD("old-keys") PLENTY
     "defaults: {retry: {initial_interval: 1s, max_interval: 4s, max_attempts: 6}, timeout: "
     "{start_to_close: 4s, schedule_to_close: 1m}}\nsteps:\n"
     "  a: {agent: w/idem-old, undo: {agent: w/cancel}}\n"
     "  b: {agent: w/bare-idem-old}\n  c: {agent: w/idem-old, needs: [a]}\n",
     NULL, NULL},
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static struct catalog catalog;

/* What stands for a flow within the flow does nothing by itself. */
static const struct personality stand_in = {.name = "a flow", .brokered = true, .settle_ms = -1};

const struct personality *personality_of(const struct agent *agent)
{
    for (size_t i = 0; i < CAST; i++)
        if (strcmp(cast[i].name, agent->name) == 0)
            return &cast[i];
    return &stand_in;
}

static void hire(const struct personality *who)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    agent->name = xstrdup(who->name);
    agent->effect = who->class;
    agent->brokered = who->brokered;
    agent->settle_ms = who->settle_ms;
    agent->key_ttl_ms = who->key_ttl_ms;
    agent->call_ms = -1;
    agent->tokens = who->tokens;
    agent->cost = who->cost;
    agent->confidence = xstrdup("/confidence");
    agent->reconcile = who->reconciled ? xstrdup("find") : NULL;
    if (strcmp(who->name, "w/find") != 0) {
        json_t *schema = json_loads("{\"type\": \"object\", \"required\": [\"n\"], \"properties\": "
                                    "{\"n\": {\"type\": \"integer\"}, \"list\": {\"type\": "
                                    "\"array\"}}}",
                                    0, NULL);
        ASSERT(contract_compile(schema, NULL, &agent->output, NULL) == ERR_OK);
        json_decref(schema);
    }
    catalog_add(&catalog, agent);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    AUTO(freep) char *path = xasprintf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static void remove_file(const char *folder, const char *name)
{
    AUTO(freep) char *path = xasprintf("%s/%s", folder, name);
    unlink(path);
}

static void rehearse(struct scene *scene)
{
    char folder[] = "/tmp/seam-sim-XXXXXX";
    struct flow_options options = {.catalog = &catalog, .concurrency = 16};
    struct findings findings;
    struct error err = {0};
    findings_init(&findings);
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(2);
    }
    write_file(folder, "flow.yaml", scene->text);
    if (scene->within)
        write_file(folder, "inner.yaml", scene->within);
    AUTO(freep) char *file = xasprintf("%s/flow.yaml", folder);
    enum error_code code = flow_compile(file, &options, &scene->flow, &findings, &err);
    remove_file(folder, "flow.yaml");
    remove_file(folder, "inner.yaml");
    rmdir(folder);
    if (code != ERR_OK) {
        AUTO(text_done) struct text said;
        text_init(&said, 1 << 16);
        findings_text(&findings, &said);
        fprintf(stderr, "sim: flow %s: %s%s\n", scene->name, text_str(&said), err.text);
        exit(2);
    }
    findings_done(&findings);
}

static void introduce(const struct personality *who)
{
    struct agent *agent = (struct agent *)catalog_find(&catalog, slice_of(who->name));
    for (size_t i = 0; i < 3 && who->asks[i]; i++) {
        agent->calls = xrealloc(agent->calls, (i + 1) * sizeof(*agent->calls));
        agent->calls[agent->call_count++] = catalog_find(&catalog, slice_of(who->asks[i]));
    }
}

void cast_open(void)
{
    catalog_init(&catalog);
    for (size_t i = 0; i < CAST; i++)
        hire(&cast[i]);
    for (size_t i = 0; i < CAST; i++)
        introduce(&cast[i]);
    catalog_link(&catalog);
    for (size_t i = 0; i < SCENES; i++)
        rehearse(&scenes[i]);
}

void cast_close(void)
{
    for (size_t i = 0; i < SCENES; i++)
        flow_unref(scenes[i].flow);
    catalog_done(&catalog);
}

size_t cast_scenes(void)
{
    return SCENES;
}

const struct scene *cast_scene(size_t index)
{
    return &scenes[index];
}

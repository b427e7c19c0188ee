/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains and fan-outs in one host: so many runs at once, a new one for each that ends. A step's
 * time is from its start to the start of the next one of its run: it has been judged, kept as the
 * row says, and the next one decided on and begun.
 */
#include "bench.h"

#include "document/document.h"
#include "runtime/runtime.h"

#include <stdlib.h>
#include <string.h>

enum { WARM_ITEMS = 10 };

struct lane { /* one run at a time */
    int64_t submitted_ns, started_ns;
    uint64_t steps;
};

struct load {
    const struct trial *trial;
    struct host *host;
    struct flow *flow;
    struct lane *lanes;
    uint64_t numbers, steps, all; /* all: steps, uncounted ones too   */
    uint64_t least;               /* steps before it may end           */
    int64_t until_ns;
    bool counting;
    struct samples samples;
};

/* Its time is a step's; else a run's. */
static bool is_chain(const struct trial *trial)
{
    return trial->work == WORK_CHAIN || trial->work == WORK_AFTER;
}

static struct lane *lane_of(struct load *load, const char *id)
{
    return &load->lanes[strtoul(strchr(id, '.') + 1, NULL, 10)];
}

static void submit(struct load *load, size_t lane)
{
    char id[64];
    struct error err;
    json_t *input = NULL;
    uint64_t number = load->numbers++;
    char *text = make_input(load->trial, number, load->counting ? load->trial->size : WARM_ITEMS);
    snprintf(id, sizeof(id), "b%llu.%zu", (unsigned long long)number, lane);
    if (json_read(slice_of(text), LIMIT_PAYLOAD_MAX, &input, &err) != ERR_OK)
        give_up("%s", err.text);
    free(text);
    load->lanes[lane] = (struct lane){.submitted_ns = now_ns()};
    if (host_submit(load->host, load->flow, id, input, &err) != ERR_OK)
        give_up("%s", err.text);
    json_decref(input);
}

static void started(struct load *load, const struct run *run)
{
    struct lane *lane = lane_of(load, run_id(run));
    int64_t now = now_ns();
    if (load->counting && lane->started_ns && is_chain(load->trial))
        samples_add(&load->samples, (double)(now - lane->started_ns) / 1000);
    lane->started_ns = now;
    lane->steps++;
}

static void progress(void *user, const struct run *run, const struct event *event,
                     const struct decisions *decisions)
{
    (void)event;
    for (size_t i = 0; i < decisions->count; i++)
        if (decisions->list[i].kind == DECISION_START)
            started(user, run);
}

static void settled(void *user, const struct run *run)
{
    struct load *load = user;
    size_t at = (size_t)(lane_of(load, run_id(run)) - load->lanes);
    struct lane *lane = &load->lanes[at];
    int64_t now = now_ns();
    if (run_status(run) != RUN_DONE)
        give_up("run %s is %s", run_id(run), run_status_word(run_status(run)));
    load->steps += lane->steps;
    load->all += lane->steps;
    if (load->counting && !is_chain(load->trial))
        samples_add(&load->samples, (double)(now - lane->submitted_ns) / 1000);
    if (now < load->until_ns || load->steps < load->least)
        submit(load, at);
}

static void logged(void *user, const char *plugin, uint32_t level, struct slice text)
{
    (void)user;
    (void)level;
    fprintf(stderr, "%s: %.*s\n", plugin, (int)text.len, text.ptr);
}

static double work_for(struct load *load, int width, int ms)
{
    struct error err;
    load->steps = 0;
    int64_t began = now_ns();
    load->until_ns = began + (int64_t)ms * 1000000;
    for (int i = 0; i < width; i++)
        submit(load, (size_t)i);
    if (host_work(load->host, &err) != ERR_OK)
        give_up("%s", err.text);
    return (double)(now_ns() - began) / 1e9;
}

static struct flow *compile(const struct trial *trial, const struct roster *roster,
                            const char *folder)
{
    struct findings findings;
    struct flow *flow = NULL;
    struct error err;
    AUTO(freep) char *file = find_flow(trial, folder);
    findings_init(&findings);
    if (roster_compile(roster, file, &flow, &findings, &err) != ERR_OK)
        give_up("%s", err.text);
    findings_done(&findings);
    return flow;
}

void measure_runs(const struct trial *trial, struct row *ret_row)
{
    struct roster *roster = NULL;
    struct error err;
    char *folder = make_folder(trial);
    AUTO(freep) char *manifest = xasprintf("%s/seam.yaml", folder);
    if (roster_load(manifest, &roster, &err) != ERR_OK)
        give_up("%s", err.text);
    struct load load = {.trial = trial, .flow = compile(trial, roster, folder)};
    load.lanes = xcalloc((size_t)trial->width, sizeof(*load.lanes));
    struct host_options options = {
        .roster = roster,
        .in_memory = trial->keep == KEEP_MEMORY,
        .worker = BENCH_WORKER,
        .progress = progress,
        .settled = settled,
        .log = logged,
        .user = &load,
    };
    if (host_open(&options, &load.host, &err) != ERR_OK)
        give_up("%s", err.text);
    bool waits = trial->work == WORK_WAIT;
    load.least = trial->work == WORK_AFTER ? (uint64_t)trial->size : 0;
    work_for(&load, waits ? 1 : trial->width, waits ? 0 : trial->warm_ms);
    load.counting = true;
    load.least = 0;
    double seconds = work_for(&load, trial->width, waits ? 0 : trial->go_ms);
    if (host_close(load.host, &err) != ERR_OK)
        give_up("%s", err.text);
    *ret_row = (struct row){
        .per_second = (double)load.steps / seconds,
        .p50_us = waits ? seconds * 1e6 : samples_at(&load.samples, 0.5),
        .p99_us = samples_at(&load.samples, 0.99),
        .memory_mb = peak_mb(),
        .count = load.samples.count,
        .steps = load.all,
    };
    samples_done(&load.samples);
    free(load.lanes);
    flow_unref(load.flow);
    roster_free(roster);
    remove_folder(folder);
    free(folder);
}

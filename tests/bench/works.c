/* SPDX-License-Identifier: Apache-2.0
 *
 * The works by themselves: the flow of each, and what a run of it is given. The flows are files
 * beside this one, but for the chain of any length, which is written when it is wanted.
 */
#include "bench.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

char *make_input(const struct trial *trial, uint64_t number, int size)
{
    char *document = make_document(number);
    if (trial->work == WORK_WAIT) {
        char *input = xasprintf("{\"ms\":%d,\"document\":%s}", trial->nap_ms, document);
        free(document);
        return input;
    }
    if (trial->work != WORK_ITEMS)
        return document;
    struct text input;
    text_init(&input, SIZE_MAX);
    text_addf(&input, "{\"document\":%s,\"numbers\":[", document);
    for (int i = 0; i < size; i++)
        text_addf(&input, "%s%d", i ? "," : "", i);
    text_adds(&input, "]}");
    free(document);
    return text_take(&input);
}

static char *write_chain(const char *folder, int steps)
{
    char *path = xasprintf("%s/long.yaml", folder);
    FILE *file = fopen(path, "we");
    if (!file)
        give_up("cannot write %s", path);
    fprintf(file,
            "flow: long\nversion: 1.0.0\n"
            "budget: {attempts: %d, calls: %d, time: 1h}\n"
            "steps:\n  s0: {agent: bench/step, input: \"${ .input }\"}\n",
            2 * steps, 2 * steps);
    for (int i = 1; i < steps; i++)
        fprintf(file, "  s%d: {agent: bench/step, input: \"${ .steps.s%d.output }\"}\n", i, i - 1);
    fprintf(file, "output: {as: \"${ .steps.s%d.output }\"}\n", steps - 1);
    if (fclose(file) != 0)
        give_up("cannot write %s", path);
    return path;
}

char *find_flow(const struct trial *trial, const char *folder)
{
    switch (trial->work) {
    case WORK_CHAIN:
    case WORK_AFTER:
        return xstrdup(BENCH_FOLDER "/chain.yaml");
    case WORK_FAN:
        return xstrdup(BENCH_FOLDER "/fan.yaml");
    case WORK_ITEMS:
        return xstrdup(BENCH_FOLDER "/items.yaml");
    case WORK_WAIT:
        return xstrdup(BENCH_FOLDER "/wait.yaml");
    case WORK_FLOOR:
    case WORK_COLD:
        return xstrdup(BENCH_FOLDER "/cold.yaml");
    case WORK_LONG:
        return write_chain(folder, trial->size);
    }
    ASSERT(false);
    return NULL;
}

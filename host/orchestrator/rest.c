/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run was given, while it waits. As a value a document is seven times as large as its text,
 * and a run that waits looks at neither: where there are many, what a flow and a step were given is
 * laid down as its text, and is a value again when somebody reads it.
 *
 * Nothing that can be seen of a run depends on whether it rests, and to raise a value is no change:
 * that is why a run that may only be looked at may do it; what `.run` and a status read is made in
 * the same way when it is asked for. What was raised once is not laid down again: it is read more
 * than once, then. A value that others have too would only lie there twice.
 *
 * A text is no JSON string: it outlives the values that it was among, and would keep their room.
 */
#include "orchestrator/state_internal.h"

#include <stdlib.h>
#include <string.h>

/* Tasks of a run that are looked at; one with more waits for few of them. */
enum { TASKS_AT_REST = 4 };

/* ---- what may lie there ---- */

static void forget_text(struct rested *it)
{
    if (it->lain && --it->lain->uses == 0)
        free(it->lain);
    it->lain = NULL;
}

void rested_set(struct rested *it, json_t *value)
{
    replace_json(&it->value, value);
    forget_text(it);
}

bool rested_any(const struct rested *it)
{
    return it->value || it->lain;
}

void rested_done(struct rested *it)
{
    rested_set(it, NULL);
}

static json_t *raised(const struct run *run, struct rested *it)
{
    if (it->lain) {
        it->value = run->rest->raise((struct slice){it->lain->text, it->lain->len});
        it->was_raised = true;
        forget_text(it);
    }
    return it->value;
}

json_t *frame_input(const struct run *run, const struct frame *frame)
{
    return raised(run, (struct rested *)(uintptr_t)&frame->input);
}

/* What is the flow's input as it stands is one text with it, and one value. */
json_t *task_input(const struct run *run, const struct task *task)
{
    const struct frame *frame = frame_of(run, task);
    struct rested *it = (struct rested *)(uintptr_t)&task->input;
    if (it->lain && it->lain == frame->input.lain)
        rested_set(it, frame_input(run, frame));
    return raised(run, it);
}

const json_t *run_about(const struct run *run)
{
    if (!run->about)
        ((struct run *)(uintptr_t)run)->about =
            json_pack("{s:s, s:I}", "id", run->id, "started", (json_int_t)run->started_ms);
    return run->about;
}

const json_t *run_word(const struct run *run, enum step_state final)
{
    static const char *const words[] = {"done", "failed", "skipped"};
    size_t at = (size_t)(final - STEP_DONE);
    if (!run->words[at])
        ((struct run *)(uintptr_t)run)->words[at] = json_string(words[at]);
    return run->words[at];
}

/* ---- laid down ---- */

static bool may_lie(const struct rested *it)
{
    return !it->was_raised && (json_is_object(it->value) || json_is_array(it->value));
}

static void lay(const struct run *run, struct rested *it)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX);
    run->rest->lay(it->value, &text);
    it->lain = xmalloc(sizeof(*it->lain) + text.len);
    it->lain->uses = 1;
    it->lain->len = text.len;
    memcpy(it->lain->text, text.ptr, text.len);
    replace_json(&it->value, NULL);
}

/* Of a value that is only its own, and its START's. */
static void lay_task(const struct run *run, struct task *task)
{
    struct frame *frame = frame_of(run, task);
    bool shared = task->input.value == frame->input.value;
    if (!may_lie(&task->input))
        return;
    if (!shared && task->input.value->refcount <= 2)
        lay(run, &task->input);
    if (!shared || !may_lie(&frame->input))
        return;
    lay(run, &frame->input);
    replace_json(&task->input.value, NULL);
    task->input.lain = frame->input.lain;
    task->input.lain->uses++;
}

void run_rest(struct run *run, const struct rest *rest)
{
    run->rest = rest;
    for (uint32_t i = 0; i < run->task_count && i < TASKS_AT_REST; i++)
        if (run->tasks[i]->in_flight)
            lay_task(run, run->tasks[i]);
    if (may_lie(&run->frames[0]->input))
        lay(run, &run->frames[0]->input);
}

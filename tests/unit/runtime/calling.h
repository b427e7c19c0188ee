/* SPDX-License-Identifier: Apache-2.0
 *
 * Words for tests of agents that call agents: lines of the actor's script, and what came of them.
 */
#ifndef TESTS_RUNTIME_CALLING_H
#define TESTS_RUNTIME_CALLING_H

#include "stage.h"

#define CALL(how, agent, more, lines)                                                              \
    "{'" how "': 'agent.call/1', 'body': {'agent': '" agent "'" more ", 'input': {" lines "}}}"
#define ASK(agent, lines)  CALL("ask", agent, "", "'do': [" lines "]")
#define MUST(agent, lines) CALL("must", agent, "", "'do': [" lines "]")
#define ONE_OF_ALL(agent, more, lines)                                                             \
    "{'op': 'agent.call/1', 'body': {'agent': '" agent "'" more ", 'input': {'do': [" lines "]}}}"
#define GIVE      "{'give': {'found': 7}}"
#define TRANSIENT "{'fail': 3}" /* unavailable */
#define DIE       "{'die': true}"

static inline void ck_assert_answer(const struct stage *s, int index, int status, const char *code)
{
    AUTO(freep) char *at_status = xasprintf("answers/%d/status", index);
    AUTO(freep) char *at_code = xasprintf("answers/%d/code", index);
    AUTO(freep) char *all = json_dumps(s->output, JSON_ENCODE_ANY);
    ck_assert_msg(number_at(s->output, at_status) == status &&
                      strcmp(word_at(s->output, at_code), code) == 0,
                  "answer %d of %s", index, all);
}

/* The task with that path, in a picture of the run. */
static inline const json_t *task_in(const json_t *picture, const char *path)
{
    size_t i;
    const json_t *task;
    json_array_foreach (at(picture, "tasks"), i, task) {
        if (strcmp(word_at(task, "path"), path) == 0)
            return task;
    }
    AUTO(freep) char *all = json_dumps(picture, JSON_INDENT(1));
    ck_abort_msg("no task %s in %s", path, all);
    return NULL;
}

static inline json_int_t calls_spent(const struct stage *s, const char *id)
{
    json_t *picture = stage_describe(s, id);
    json_int_t calls = number_at(picture, "spent/calls");
    json_decref(picture);
    return calls;
}

#endif

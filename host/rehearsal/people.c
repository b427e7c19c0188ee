/* SPDX-License-Identifier: Apache-2.0
 *
 * People: a question is answered as it is written for its step, after the time that a person takes.
 * Where the case is perturbed, what is written may not be true any more: then a question in doubt
 * is answered from the world's ledger, by somebody who looked; and in bad weather the others by
 * chance, so that every answer is tried.
 */
#include "rehearsal/rehearsal_internal.h"

#include "base/digest.h"

#include <stdlib.h>
#include <string.h>

enum { PERSON_MS = 60000 };

/* An answer on its way. */
struct letter {
    struct letter *next;
    struct stage *stage;
    char *run;
    json_t *message;
};

static void deliver(void *user)
{
    struct letter *letter = user;
    struct stage *stage = letter->stage;
    host_deliver(stage->host, letter->run, letter->message, stand_in_now(stage->host));
}

static json_t *digest_of_shown(const json_t *shown)
{
    char hex[DIGEST_HEX_SIZE];
    char *text = json_dumps(shown, JSON_COMPACT | JSON_SORT_KEYS);
    struct digest digest = digest_of(slice_of(text));
    free(text);
    digest_hex(&digest, hex);
    return json_string(hex);
}

static void write_letter(struct stage *stage, const struct run *run,
                         const struct question_view *question, const json_t *answer, bool deny,
                         const char *who, int64_t wait_ms)
{
    struct letter *letter = xcalloc(1, sizeof(*letter));
    json_t *shown = digest_of_shown(question->shown);
    letter->stage = stage;
    letter->run = xstrdup(run_id(run));
    letter->message = inbox_answer(run_task_path(run, question->task), question->revision, answer,
                                   deny, who, json_string_value(shown));
    letter->next = stage->letters;
    stage->letters = letter;
    json_decref(shown);
    stand_in_after(stage->host, wait_ms, deliver, letter);
}

/* ---- by chance, or by looking ---- */

/* What somebody says who looked; of what the world gave and the fixtures do not tell, as the
 * written answer says it. */
static json_t *look(const struct stage *stage, const struct question_view *question,
                    const json_t *person)
{
    const json_t *written = json_object_get(json_object_get(person, "answer"), "result");
    const json_t *effect = json_object_get(question->shown, "effect");
    const char *key = json_string_value(json_object_get(effect, "key"));
    const struct act *act = key ? world_find(&stage->world, key) : NULL;
    if (!act || act->times == 0)
        return json_pack("{s:s}", "outcome", "never");
    return json_pack("{s:s, s:O}", "outcome", "happened", "result",
                     json_is_null(act->result) && written ? written : act->result);
}

/* NULL = deny. */
static json_t *answer_by_chance(struct stage *stage, const struct run *run,
                                const struct question_view *question, const json_t *person)
{
    json_t *answer = NULL;
    switch (question->kind) {
    case QUESTION_DOUBT:
        return look(stage, question, person);
    case QUESTION_OUTPUT:
        answer = json_pack("{s:b}", "approve", 1);
        break;
    case QUESTION_FAILURE:
        answer = weather_chance(stage, 600) ? json_pack("{s:b}", "retry", 1)
                                            : json_pack("{s:b}", "skip", 1);
        break;
    case QUESTION_INPUT:
    case QUESTION_CHANGE: /* no plugin is replaced in a rehearsal */
        break;
    }
    bool wanted = answer && weather_chance(stage, 800) &&
                  run_answer_fits(run, question->task, answer, NULL) == ERR_OK;
    if (!wanted)
        json_decref(answer);
    return wanted ? answer : NULL;
}

/* ---- as it is written ---- */

static void refused(struct stage *stage, const char *path, const struct error *err)
{
    AUTO(freep) char *text = xasprintf("the answer of people.%s is not taken: %s", path, err->text);
    json_array_append_new(stage->refused, json_string(text));
}

/* False: nobody answers. */
static bool answer_as_written(struct stage *stage, const struct run *run,
                              const struct question_view *question, const json_t *person)
{
    struct error err;
    const char *path = run_task_path(run, question->task);
    const char *after = json_string_value(json_object_get(person, "after"));
    const char *who = json_string_value(json_object_get(person, "who"));
    const json_t *answer = json_object_get(person, "answer");
    AUTO(json_decrefp) json_t *truth = NULL;
    int64_t wait_ms = PERSON_MS;
    if (after && !duration_parse(slice_of(after), &wait_ms))
        wait_ms = PERSON_MS;
    if (json_object_get(person, "silence"))
        return question->deadline_ms >= 0;
    if (stage->rehearsal->truthful && question->kind == QUESTION_DOUBT)
        answer = truth = look(stage, question, person);
    if (answer && run_answer_fits(run, question->task, answer, &err) != ERR_OK) {
        refused(stage, path, &err);
        return false;
    }
    write_letter(stage, run, question, answer, answer == NULL, who ? who : "fixture", wait_ms);
    return true;
}

static bool ask(struct stage *stage, const struct run *run, const struct question_view *question)
{
    const char *path = run_task_path(run, question->task);
    const json_t *person = person_find(stage->c, path, question->revision);
    if (person && !(stage->storm && question->kind == QUESTION_DOUBT))
        return answer_as_written(stage, run, question, person);
    if (!stage->storm)
        return false;
    json_t *answer = answer_by_chance(stage, run, question, person);
    write_letter(stage, run, question, answer, answer == NULL, "weather",
                 (int64_t)weather_below(stage, 10000));
    json_decref(answer);
    return true;
}

/* What a question's revision was asked for, and whether it will be answered. */
static bool will_answer(struct stage *stage, const struct run *run,
                        const struct question_view *question)
{
    AUTO(freep)
    char *name = xasprintf("%s %u", run_task_path(run, question->task), question->revision);
    const json_t *known = json_object_get(stage->spoken, name);
    if (known)
        return json_is_true(known);
    bool answers = ask(stage, run, question);
    json_object_set_new(stage->spoken, name, json_boolean(answers));
    return answers;
}

bool people_asked(struct stage *stage, const struct run *run)
{
    bool any = false;
    struct question_view question;
    for (uint32_t i = 0; i < run_task_count(run); i++)
        if (run_question(run, i, &question))
            any |= will_answer(stage, run, &question);
    return any;
}

void people_free(struct stage *stage)
{
    while (stage->letters) {
        struct letter *letter = stage->letters;
        stage->letters = letter->next;
        free(letter->run);
        json_decref(letter->message);
        free(letter);
    }
}

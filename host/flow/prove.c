/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be known of a flow before any agent runs. The steps are taken in the order in which they
 * can run; of each, every mapping gets its shape from the shapes of what it reads, and is held
 * against what it is made for. A handoff that is refuted is an error of the flow, for a value
 * exists that would break it; one that is unknown is a warning, and the check at run time stands;
 * one that is proven may do without it.
 */
#include "flow/prove_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is said of a mapping besides its seam ---- */

/* True if something was said of this string of the template already. */
static bool was_said(const struct compilation *c, const char *pointer)
{
    const struct findings *findings = c->findings;
    for (size_t i = 0; i < findings->count; i++)
        if (findings->list[i].severity == FINDING_ERROR &&
            strcmp(findings->list[i].file, c->path) == 0 &&
            strcmp(findings->list[i].pointer, pointer) == 0)
            return true;
    return false;
}

static bool reads_wrong(const struct proving *proving, const struct mapping *mapping)
{
    size_t count;
    const struct mapping_reference *list = mapping_references(mapping, &count);
    for (size_t i = 0; i < count; i++)
        if (proving->known[list[i].step].wrong)
            return true;
    return false;
}

/* Where nothing is said of a value, its seam is unknown; the hop to it is not worth a line more. */
static bool is_noise(const struct inference_note *note)
{
    return strcmp(note->rule, "unknown-type") == 0;
}

static enum severity severity_of(const struct inference_note *note)
{
    switch (note->kind) {
    case INFERENCE_FAILS:
        return FINDING_ERROR;
    case INFERENCE_MAY_FAIL:
        /* null <= 100 is true in jq, and books: an order is proven or refused */
        return strcmp(note->rule, "mixed-order") == 0 ? FINDING_ERROR : FINDING_WARNING;
    case INFERENCE_NEVER:
        return FINDING_WARNING;
    case INFERENCE_MAY_BE_NULL: /* what takes it decides whether that is wrong */
        return strcmp(note->rule, "undeclared-name") == 0 ? FINDING_WARNING : FINDING_NOTE;
    }
    return FINDING_NOTE;
}

static void say_note(struct proving *proving, const char *pointer,
                     const struct inference_note *note)
{
    AUTO(freep) char *at = xasprintf("%s%s", pointer, note->pointer);
    struct spot spot = {.pointer = at, .column = note->column};
    enum severity severity = severity_of(note);
    if (severity != FINDING_NOTE && !is_noise(note) && !was_said(proving->c, at))
        finding_say(proving->c, severity, note->rule, spot, note->hint, "%s", note->text);
}

/* A mapping that has an error gives nothing, and of nothing everything is proven: its seam is
 * refuted by the error. */
static bool refute_by_note(struct proving *proving, const struct handoff *handoff)
{
    struct findings *findings = proving->c->findings;
    struct seam *seam = &findings->seams[findings->seam_count - 1];
    for (size_t i = 0; i < handoff->given->note_count; i++) {
        const struct inference_note *note = &handoff->given->notes[i];
        if (severity_of(note) != FINDING_ERROR)
            continue;
        free(seam->pointer);
        free(seam->reason);
        seam->verdict = SEAM_REFUTED;
        seam->rule = note->rule;
        seam->reason = NULL;
        seam->pointer = xasprintf("%s%s", handoff->pointer, note->pointer);
        free(seam->sentence);
        seam->sentence = xasprintf("%s → %s: %s", seam->from, seam->to, note->text);
        seam->where = finding_position(
            proving->c, (struct spot){.pointer = seam->pointer, .column = note->column});
        return true;
    }
    return false;
}

/* Infers, judges, and says the rest; true if proven. */
static bool prove_mapping(struct proving *proving, const struct sight *sight,
                          struct handoff *handoff, struct inference *ret)
{
    mapping_infer(handoff->mapping, &sight->scope, ret);
    handoff->given = ret;
    handoff->scope = &sight->scope;
    bool wrong = reads_wrong(proving, handoff->mapping);
    handoff->silent |= wrong;
    bool proven = seam_judge(proving, handoff);
    for (size_t i = 0; i < ret->note_count && !wrong; i++)
        say_note(proving, handoff->pointer, &ret->notes[i]);
    enum seam_verdict verdict =
        proving->c->findings->seams[proving->c->findings->seam_count - 1].verdict;
    if (verdict != SEAM_REFUTED && !wrong && refute_by_note(proving, handoff))
        proven = false;
    return proven;
}

/* ---- A step's own expressions ---- */

static void say_constant(struct proving *proving, uint32_t step, const char *pointer,
                         unsigned types)
{
    struct known *known = &proving->known[step];
    if (types == 1u << JSON_FALSE) {
        known->never = true;
        WARN(proving->c, "never-runs", AT(pointer), NULL,
             "this step never runs: its `if` is false whatever comes");
    } else if (types == 1u << JSON_TRUE) {
        WARN(proving->c, "always-true", AT(pointer), "leave it out",
             "this `if` is true whatever comes");
    }
}

static void prove_condition(struct proving *proving, uint32_t step)
{
    const struct step *s = &proving->c->flow->steps[step];
    const struct source *source = &proving->c->sources[step];
    AUTO(freep) char *pointer = pointer_to_member(source->pointer, "if");
    struct inference inference;
    struct sight sight;
    if (!s->condition)
        return;
    const json_t *value = json_object_get(source->value, "if");
    bool constant = mapping_is_constant(s->condition);
    struct handoff handoff = {
        .kind = SEAM_IF,
        .step = step,
        .source = value,
        .pointer = pointer,
        .mapping = s->condition,
        .contract = proving->boolean,
        .rule = "if-not-boolean",
        .hint = constant ? "write true or false (yes and no are strings), or an expression in ${ }"
                         : "compare it, as in ${ .steps.x.output.count > 0 }",
        .proven = mapping_is_boolean(s->condition),
        .strict = true,
    };
    sight_init(&sight, proving, step, false);
    sight.scope.given = NULL;
    prove_mapping(proving, &sight, &handoff, &inference);
    if (!constant)
        say_constant(proving, step, pointer, shape_types(proving->shapes, &inference.shape));
    proving->known[step].never |= json_is_false(value);
    inference_done(&inference);
}

static void prove_for_each(struct proving *proving, uint32_t step)
{
    const struct step *s = &proving->c->flow->steps[step];
    const struct source *source = &proving->c->sources[step];
    AUTO(freep) char *pointer = pointer_to_member(source->pointer, "for_each");
    struct inference inference;
    struct sight sight;
    if (!s->for_each)
        return;
    struct handoff handoff = {
        .kind = SEAM_FOR_EACH,
        .step = step,
        .source = json_object_get(source->value, "for_each"),
        .pointer = pointer,
        .mapping = s->for_each,
        .contract = proving->array,
        .rule = "for-each-not-array",
    };
    sight_init(&sight, proving, step, false);
    prove_mapping(proving, &sight, &handoff, &inference);
    known_items(proving, step, &inference.shape);
    bool array = shape_types(proving->shapes, &inference.shape) & 1u << JSON_ARRAY;
    if (array && proving->known[step].most == 0)
        WARN(proving->c, "never-runs", AT(pointer), NULL, "this step has no items, whatever comes");
    inference_done(&inference);
}

static void prove_asserts(struct proving *proving, uint32_t step)
{
    const struct step *s = &proving->c->flow->steps[step];
    const struct source *source = &proving->c->sources[step];
    AUTO(freep) char *list = pointer_to_member(source->pointer, "assert");
    struct sight sight;
    sight_init(&sight, proving, step, s->for_each != NULL);
    sight.scope.output = &proving->known[step].answer;
    for (size_t i = 0; i < s->assert_count; i++) {
        AUTO(freep) char *item = pointer_to_item(list, i);
        AUTO(freep) char *pointer = pointer_to_member(item, "that");
        struct inference inference;
        if (!s->asserts[i].that)
            continue;
        const json_t *one = json_array_get(json_object_get(source->value, "assert"), i);
        struct handoff handoff = {
            .kind = SEAM_ASSERT,
            .step = step,
            .source = json_object_get(one, "that"),
            .pointer = pointer,
            .mapping = s->asserts[i].that,
            .contract = proving->boolean,
            .rule = "assert-not-boolean",
            .hint = "compare it, as in ${ .output.total >= 0 }",
            .proven = mapping_is_boolean(s->asserts[i].that),
            .strict = true,
        };
        prove_mapping(proving, &sight, &handoff, &inference);
        unsigned types = shape_types(proving->shapes, &inference.shape);
        if (types == 1u << JSON_FALSE)
            WARN(proving->c, "always-false", AT(pointer), NULL,
                 "this assertion is false whatever the output is");
        inference_done(&inference);
    }
}

/* ---- Whom a step calls ---- */

static bool was_refused(const struct compilation *c, const char *pointer)
{
    const struct findings *findings = c->findings;
    static const char *const rules[] = {"missing-input",  "unknown-input",  "wrong-input",
                                        "missing-output", "unknown-output", "wrong-output"};
    size_t length = strlen(pointer);
    for (size_t i = 0; i < findings->count; i++)
        for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++)
            if (strcmp(findings->list[i].rule, rules[k]) == 0 &&
                strcmp(findings->list[i].file, c->path) == 0 &&
                strncmp(findings->list[i].pointer, pointer, length) == 0)
                return true;
    return false;
}

/* A proof is of runs whose journal is no restored copy: in those a person may say to go on without
 * a write. What such a step could leave out is held to its contract at run time too. */
static bool hangs_on_hand(const struct proving *proving, uint32_t step,
                          const struct mapping *mapping)
{
    size_t count;
    const struct mapping_reference *list = mapping_references(mapping, &count);
    const struct step *s = step == NO_STEP ? NULL : &proving->c->flow->steps[step];
    for (size_t i = 0; i < count; i++) {
        const struct step *read = &proving->c->flow->steps[list[i].step];
        const struct known *known = &proving->known[list[i].step];
        bool skips = !s || list[i].guarded || read->for_each;
        if (!list[i].status && (known->loose || (known->by_hand && skips)))
            return true;
    }
    bool item = s && s->for_each && (mapping_reads(mapping) & ROOT_ITEM);
    return item && s->for_each != mapping && hangs_on_hand(proving, step, s->for_each);
}

/* The mappings of a plan are held to this when it is made. */
static void keep_plan_input(struct proving *proving, uint32_t step, const struct shape *shape)
{
    struct plan *plan = proving->c->flow->steps[step].plan;
    contract_unref(plan->input);
    plan->input = NULL;
    if (shape_contract(proving->shapes, shape, &plan->input, NULL) != ERR_OK)
        plan->input = NULL;
}

/* False if no value of the shape is an object with `steps`. */
static bool may_be_plan(struct proving *proving, const struct shape *shape)
{
    struct shape object = shape_of_types_among(proving->shapes, shape, 1u << JSON_OBJECT);
    struct shape steps = shape_member(proving->shapes, &object, SLICE("steps"));
    bool may = shape->presence != PRESENCE_NEVER &&
               shape_types(proving->shapes, shape) & 1u << JSON_OBJECT &&
               steps.presence != PRESENCE_NEVER &&
               shape_types(proving->shapes, &steps) & 1u << JSON_OBJECT;
    shape_done(&steps);
    shape_done(&object);
    return may;
}

/* What the writer gives is a plan, or may be; the rest is seen when it gives it. */
static void prove_plan(struct proving *proving, uint32_t step)
{
    const struct step *s = &proving->c->flow->steps[step];
    const struct source *source = &proving->c->sources[step];
    AUTO(freep) char *pointer = pointer_to_member(source->pointer, "plan");
    struct inference inference;
    struct sight sight;
    if (!s->plan || !s->plan->fragment)
        return;
    struct handoff handoff = {
        .kind = SEAM_PLAN,
        .step = step,
        .source = json_object_get(source->value, "plan"),
        .pointer = pointer,
        .mapping = s->plan->fragment,
        .rule = "not-a-plan",
        .hint = "where no plan stands the writer is asked again",
        .quiet = true,
    };
    sight_init(&sight, proving, step, false);
    mapping_infer(s->plan->fragment, &sight.scope, &inference);
    handoff.soft = may_be_plan(proving, &inference.shape);
    handoff.contract = handoff.soft ? proving->object : proving->fragment;
    inference_done(&inference);
    prove_mapping(proving, &sight, &handoff, &inference);
    inference_done(&inference);
}

static void prove_input(struct proving *proving, uint32_t step, enum seam_kind kind,
                        struct callee *callee, const struct origin *origin)
{
    struct sight sight;
    struct inference inference;
    if (!callee->agent || !callee->input)
        return;
    sight_init(&sight, proving, step, proving->c->flow->steps[step].for_each != NULL);
    sight.scope.output = kind == SEAM_UNDO ? &proving->known[step].answer : NULL;
    sight.scope.error = kind == SEAM_FALLBACK ? &proving->error : NULL;
    struct handoff handoff = {
        .kind = kind,
        .step = step,
        .source = origin->value,
        .pointer = origin->pointer,
        .mapping = callee->input,
        .contract = callee->agent->input,
        .rule = "seam-refuted",
        .silent = was_refused(proving->c, origin->pointer),
    };
    callee->proven = prove_mapping(proving, &sight, &handoff, &inference) &&
                     !hangs_on_hand(proving, step, callee->input);
    if (kind == SEAM_INPUT && proving->c->flow->steps[step].plan)
        keep_plan_input(proving, step, &inference.shape);
    inference_done(&inference);
}

/* {input, key, effect, request}: what the orchestrator asks a reconcile agent. */
static struct shape reconcile_shape(struct proving *proving, const struct agent *agent)
{
    struct shape input = shape_of_contract(proving->shapes, agent->input);
    json_t *schema =
        json_pack("{s:s, s:{s:o, s:{s:s, s:i, s:i, s:s}, s:{s:s, s:i}, s:b}, s:[s,s,s,s], s:b}",
                  "type", "object", "properties", "input", input.schema, "key", "type", "string",
                  "minLength", DIGEST_HEX_SIZE - 1, "maxLength", DIGEST_HEX_SIZE - 1, "pattern",
                  "^[0-9a-f]+$", "effect", "type", "string", "minLength", 1, "request", 1,
                  "required", "input", "key", "effect", "request", "additionalProperties", 0);
    return shape_of_schema(schema);
}

static void prove_reconcile(struct proving *proving, uint32_t step, const struct callee *callee,
                            const char *pointer)
{
    if (!callee->agent || !callee->reconcile || callee->reconcile->effect > CLASS_READ)
        return; /* the last was said */
    struct shape asked = reconcile_shape(proving, callee->agent);
    struct shape said = shape_of_contract(proving->shapes, callee->reconcile->output);
    seam_judge(proving, &(struct handoff){.kind = SEAM_RECONCILE_ASKS,
                                          .step = step,
                                          .pointer = pointer,
                                          .shape = &asked,
                                          .contract = callee->reconcile->input,
                                          .from = "the host",
                                          .to = callee->reconcile->name,
                                          .rule = "reconcile-refuted"});
    seam_judge(proving, &(struct handoff){.kind = SEAM_RECONCILE_ANSWERS,
                                          .step = step,
                                          .pointer = pointer,
                                          .shape = &said,
                                          .contract = proving->reconcile_answer,
                                          .from = callee->reconcile->name,
                                          .to = "the host",
                                          .rule = "reconcile-refuted",
                                          .hint = "another answer counts as unknown: a person "
                                                  "is asked",
                                          .soft = true});
    shape_done(&asked);
    shape_done(&said);
}

/* What a fallback gives takes the place of what the agent gives. */
static void prove_stand_in(struct proving *proving, uint32_t step)
{
    const struct step *s = &proving->c->flow->steps[step];
    if (!s->fallback.agent || !s->call.agent || s->fallback.agent == s->call.agent)
        return;
    struct shape given = shape_of_contract(proving->shapes, s->fallback.agent->output);
    seam_judge(proving, &(struct handoff){.kind = SEAM_STAND_IN,
                                          .step = step,
                                          .pointer = proving->c->sources[step].fallback.pointer,
                                          .shape = &given,
                                          .contract = s->call.agent->output,
                                          .from = s->fallback.agent->name,
                                          .rule = "fallback-refuted",
                                          .hint = "its answers stand for those of the step's "
                                                  "agent, and must fit that one's contract too"});
    shape_done(&given);
}

/* ---- All of it ---- */

static void say_never(struct proving *proving, uint32_t step)
{
    struct compilation *c = proving->c;
    const struct step *s = &c->flow->steps[step];
    for (size_t i = 0; i < s->requires_count; i++)
        if (proving->known[s->requires[i]].never) {
            WARN(c, "never-runs", AT_KEY(c->sources[step].pointer), NULL,
                 "this step never runs: it needs `%s`, which never runs", c->names[s->requires[i]]);
            return;
        }
}

/* An agent whose output contract allows nothing has no answer that the host would take. */
static void say_unanswerable(struct proving *proving, const struct callee *callee,
                             const char *pointer)
{
    if (!callee->agent || !callee->agent->output)
        return;
    struct shape answer = shape_of_contract(proving->shapes, callee->agent->output);
    if (shape_types(proving->shapes, &answer) == 0)
        REFUSE(proving->c, "never-answers", AT(pointer), "mend the output schema in its card",
               "no value fits the output contract of %s: every answer would be refused",
               callee->agent->name);
    shape_done(&answer);
}

static void prove_step(struct proving *proving, uint32_t step)
{
    struct step *s = &proving->c->flow->steps[step];
    const struct source *source = &proving->c->sources[step];
    AUTO(freep) char *agent = pointer_to_member(source->pointer, step_kind_word(source->kind));
    known_before(proving, step);
    say_never(proving, step);
    prove_condition(proving, step);
    prove_for_each(proving, step);
    prove_plan(proving, step);
    prove_input(proving, step, SEAM_INPUT, &s->call, &source->call);
    say_unanswerable(proving, &s->call, agent);
    prove_confidence(proving, step);
    prove_asserts(proving, step);
    prove_reconcile(proving, step, &s->call, agent);
    prove_input(proving, step, SEAM_FALLBACK, &s->fallback, &source->fallback);
    prove_stand_in(proving, step);
    prove_input(proving, step, SEAM_UNDO, &s->undo, &source->undo);
    prove_reconcile(proving, step, &s->undo, source->undo.pointer);
    known_output(proving, step);
}

/* For the flow in which this one is a step: the mapping's result, held to the contract. */
static void keep_given(struct proving *proving, const struct shape *shape)
{
    struct compilation *c = proving->c;
    struct shape contract = shape_of_contract(proving->shapes, c->flow->output_contract);
    shape_done(&c->given);
    c->given = shape_meet(proving->shapes, shape, contract.schema);
    shape_done(&contract);
}

static void prove_output(struct proving *proving)
{
    struct flow *flow = proving->c->flow;
    struct sight sight;
    struct inference inference;
    const json_t *output = json_object_get(proving->c->root, "output");
    if (!flow->output)
        return;
    sight_init(&sight, proving, NO_STEP, false);
    struct handoff handoff = {
        .kind = SEAM_OUTPUT,
        .step = NO_STEP,
        .source = json_object_get(output, "as"),
        .pointer = "/output/as",
        .mapping = flow->output,
        .contract = flow->output_contract,
        .rule = "output-refuted",
        .silent = was_refused(proving->c, "/output/as"),
    };
    bool proven = prove_mapping(proving, &sight, &handoff, &inference);
    proving->c->loose = hangs_on_hand(proving, NO_STEP, flow->output);
    flow->output_proven = proven && !proving->c->loose;
    if (proving->c->outer)
        keep_given(proving, &inference.shape);
    inference_done(&inference);
}

/* Steps of a cycle have no place in the order: nothing is known of them, and the cycle was said. */
static void forget_unordered(struct proving *proving)
{
    const struct compilation *c = proving->c;
    for (size_t i = 0; i < c->count; i++)
        proving->known[i].wrong = true;
    for (size_t i = 0; i < c->ordered; i++)
        proving->known[c->flow->order[i]].wrong = false;
}

/* About how many seams there will be, which share the work that a check may do. */
static size_t count_seams(const struct compilation *c)
{
    size_t count = 1;
    for (size_t i = 0; i < c->count; i++) {
        const struct step *s = &c->flow->steps[i];
        count += 1 + s->assert_count + (s->for_each != NULL) + (s->condition != NULL);
        count += s->fallback.agent ? 2 : 0;
        count += s->undo.agent != NULL;
        count += s->call.reconcile ? 2 : 0;
    }
    return count;
}

/* What can be known of a flow whose run has begun is not proven again, but a plan that is made
 * while it goes on is held to what the plan reads. */
void flow_infer_plans(struct compilation *c)
{
    struct findings *findings = c->findings, scratch;
    struct proving proving;
    bool any = false;
    for (size_t i = 0; i < c->count; i++)
        any |= c->flow->steps[i].plan != NULL;
    if (!any)
        return;
    findings_init(&scratch);
    c->findings = &scratch;
    proving_init(&proving, c);
    proving.seams = count_seams(c);
    forget_unordered(&proving);
    for (size_t i = 0; i < c->ordered; i++) {
        uint32_t step = c->flow->order[i];
        struct step *s = &c->flow->steps[step];
        known_before(&proving, step);
        prove_condition(&proving, step);
        prove_for_each(&proving, step);
        if (s->plan)
            prove_input(&proving, step, SEAM_INPUT, &s->call, &c->sources[step].call);
        known_output(&proving, step);
    }
    proving_done(&proving);
    findings_done(&scratch);
    c->findings = findings;
}

void flow_prove(struct compilation *c)
{
    struct proving proving;
    proving_init(&proving, c);
    proving.seams = count_seams(c);
    forget_unordered(&proving);
    for (size_t i = 0; i < c->ordered; i++)
        prove_step(&proving, c->flow->order[i]);
    prove_output(&proving);
    prove_unused(&proving);
    flow_reckon_worst(&proving);
    proving_done(&proving);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an agent's card says that its confidence stands: whether its output contract always has a
 * number there, and one that can reach what the step asks for.
 */
#include "flow/prove_internal.h"

#include <stdlib.h>

static const unsigned NUMBERS = 1u << JSON_INTEGER | 1u << JSON_REAL;

/* The shape at a JSON Pointer. */
static struct shape shape_at(struct shapes *shapes, const struct shape *from, const char *pointer)
{
    struct shape at = shape_copy(from);
    while (*pointer == '/') {
        char key[LIMIT_REFERENCE_PATH];
        size_t length = 0;
        for (pointer++; *pointer && *pointer != '/'; pointer++) {
            bool escape = pointer[0] == '~' && (pointer[1] == '0' || pointer[1] == '1');
            char letter = escape ? (pointer[1] == '0' ? '~' : '/') : *pointer;
            if (length < sizeof(key))
                key[length++] = letter;
            pointer += escape;
        }
        unsigned types = shape_types(shapes, &at);
        bool object = types & 1u << JSON_OBJECT, array = types & 1u << JSON_ARRAY;
        enum presence before = at.presence;
        struct shape below = object  ? shape_member(shapes, &at, (struct slice){key, length})
                             : array ? shape_items(shapes, &at)
                                     : shape_never();
        if (below.presence == PRESENCE_ALWAYS &&
            (before == PRESENCE_MAYBE || array || types & ~(1u << JSON_OBJECT)))
            below.presence = PRESENCE_MAYBE;
        shape_done(&at);
        at = below;
    }
    return at;
}

void prove_confidence(struct proving *proving, uint32_t step)
{
    struct compilation *c = proving->c;
    const struct step *s = &c->flow->steps[step];
    const struct agent *agent = s->call.agent;
    AUTO(freep) char *own = pointer_to_member(c->sources[step].pointer, "confidence");
    bool here = json_object_get(c->sources[step].value, "confidence") != NULL;
    const char *pointer = here ? own : c->sources[step].pointer;
    if (!s->has_confidence || !agent || !agent->confidence)
        return;
    struct shape at = shape_at(proving->shapes, &proving->known[step].answer, agent->confidence);
    unsigned types = shape_types(proving->shapes, &at);
    struct seam seam = {.kind = SEAM_CONFIDENCE,
                        .from = xstrdup(agent->name),
                        .to = words_to(proving, step, SEAM_CONFIDENCE),
                        .pointer = xstrdup(pointer),
                        .where = finding_position(c, AT_KEY(pointer)),
                        .note = TAKE(c->sources[step].min_why),
                        .verdict = SEAM_UNKNOWN,
                        .rule = "confidence-unknown"};
    if (at.presence == PRESENCE_NEVER || !(types & NUMBERS)) {
        seam.verdict = SEAM_REFUTED;
        seam.rule = "confidence-never";
        seam.sentence = xasprintf("%s reports its confidence at %s, where its output contract "
                                  "never has a number: every answer would count as below",
                                  agent->name, agent->confidence);
        REFUSE(c, seam.rule, AT_KEY(pointer), "leave it out, or mend the card", "%s",
               seam.sentence);
    } else if (shape_numbers(proving->shapes, &at).most < s->confidence_min) {
        seam.verdict = SEAM_REFUTED;
        seam.rule = "confidence-never";
        seam.sentence = xasprintf("%s never reports a confidence of %g: its output contract allows "
                                  "at most %g at %s, and every answer would count as below",
                                  agent->name, s->confidence_min,
                                  shape_numbers(proving->shapes, &at).most, agent->confidence);
        REFUSE(c, seam.rule, AT_KEY(pointer), "ask for less, or mend the card", "%s",
               seam.sentence);
    } else if (at.presence == PRESENCE_ALWAYS && !(types & ~NUMBERS)) {
        seam.verdict = SEAM_PROVEN;
        seam.rule = "seam-proven";
    } else {
        seam.reason = xasprintf("the output contract of %s does not require a number at %s",
                                agent->name, agent->confidence);
        seam.sentence = xasprintf("%s; without one the answer counts as below", seam.reason);
        WARN(c, seam.rule, AT_KEY(pointer), NULL, "%s", seam.sentence);
    }
    shape_done(&at);
    seam_add(proving, seam);
}

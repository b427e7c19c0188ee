/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a request whose answer was lost happened: asked of the service by the key that was sent,
 * or by what was sent. One that matches happened. None is "not seen", for a late one may still
 * come; of two, which no key should make, a person must know.
 */
#include "http.h"

static bool matches(const struct operation *op, seam_bytes item, const json_t *input)
{
    const char *pointer;
    json_t *template;
    json_object_foreach (op->asks->where, pointer, template) {
        seam_bytes found = seam_json_at(item, pointer);
        json_t *expected = template_fill(template, input),
               *is = found.len > 0
                         ? json_loadb(found.ptr, found.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
                         : NULL;
        bool equal = expected && is && json_equal(expected, is);
        json_decref(expected);
        json_decref(is);
        if (!equal)
            return false;
    }
    return true;
}

static void tell(const seam_host *host, seam_id call, const char *outcome, seam_bytes result)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "outcome", outcome);
    if (result.len > 0)
        seam_put_json(&out, "result", result);
    seam_put_end(&out);
    seam_complete_ok(host, call, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
}

void reconcile_tell(const struct operation *op, const seam_host *host, const seam_call *call,
                    const seam_http_response *got, const json_t *input)
{
    seam_bytes body = answer_json(got), absent = {NULL, 0}, found = absent;
    int32_t meaning = answer_meaning(op, got);
    size_t count = 0;
    if (got->status == 404 || meaning == MEANS_NULL) {
        tell(host, call->id, "not_seen", absent);
        return;
    }
    if (meaning != MEANS_OK) {
        answer_fail(op, host, call->id, got, meaning);
        return;
    }
    if (body.len == 0) {
        answer_garbage(host, call->id, got, "the service was asked what happened and gave no JSON");
        return;
    }
    seam_bytes place = seam_json_at(body, op->asks->found ? op->asks->found : "");
    seam_json_kind kind = seam_json_kind_of(place);
    if (kind == SEAM_JSON_ARRAY) {
        seam_json_walk walk = seam_json_members(place);
        while (seam_json_next(&walk))
            if (matches(op, walk.value, input)) {
                found = walk.value;
                count++;
            }
    } else if (kind != SEAM_JSON_ABSENT && kind != SEAM_JSON_NULL && matches(op, place, input)) {
        found = place;
        count = 1;
    }
    tell(host, call->id,
         count == 0   ? "not_seen"
         : count == 1 ? "happened"
                      : "unknown",
         count == 1 ? found : absent);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a step has when it says nothing: built-in < the manifest's defaults < the flow's < the step.
 * Objects merge, other values replace, null goes back to what is built in. Nothing is merged here:
 * a setting is looked up, layer by layer, so that it still has its place in the file.
 */
#include "flow/flow_internal.h"

#include "base/units.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_ATTEMPTS = 3,
    INITIAL_MS = 200,
    MAX_MS = 10000,
    START_TO_CLOSE_MS = 30000,
};
static const double COEFFICIENT = 2;
static const unsigned RETRY_ON = 1u << CAUSE_UNAVAILABLE | 1u << CAUSE_RATE_LIMITED |
                                 1u << CAUSE_TIMEOUT | 1u << CAUSE_BUSY | 1u << CAUSE_CRASH |
                                 1u << CAUSE_CONTRACT | 1u << CAUSE_ASSERT |
                                 1u << CAUSE_CONFIDENCE | 1u << CAUSE_PLAN;

/* ---- Looking up ---- */

struct layer {
    const json_t *values;
    const char *pointer; /* NULL = the manifest */
};

enum { LAYERS = 3 };

/* True if the layer decides: by a value, or by null, which leaves ret's value NULL. */
static bool layer_decides(const struct layer *layer, const char *group, const char *key,
                          struct setting *ret)
{
    const json_t *value = json_object_get(layer->values, group);
    bool inside = key != NULL && !json_is_null(value);
    if (inside)
        value = json_object_get(value, key);
    if (!value)
        return false;
    if (json_is_null(value))
        return true;
    AUTO(freep) char *at = pointer_to_member(layer->pointer ? layer->pointer : "/defaults", group);
    ret->value = value;
    ret->pointer = inside ? pointer_to_member(at, key) : xstrdup(at);
    ret->in_manifest = layer->pointer == NULL;
    return true;
}

static void find_layers(const struct compilation *c, uint32_t step, struct layer ret[LAYERS])
{
    const struct source *source = &c->sources[step];
    ret[0] = (struct layer){source->value, source->pointer};
    ret[1] = (struct layer){json_object_get(c->root, "defaults"), "/defaults"};
    ret[2] = (struct layer){c->options->defaults, NULL};
}

struct setting setting_find(const struct compilation *c, uint32_t step, const char *group,
                            const char *key)
{
    struct layer layers[LAYERS];
    struct setting setting = {0};
    find_layers(c, step, layers);
    for (size_t i = 0; i < LAYERS; i++)
        if (layer_decides(&layers[i], group, key, &setting)) {
            setting.own = i == 0;
            break;
        }
    return setting;
}

struct setting setting_find_of_class(const struct compilation *c, uint32_t step, const char *group,
                                     const char *key, enum effect_class class)
{
    struct layer layers[LAYERS];
    struct setting setting = {0};
    find_layers(c, step, layers);
    for (size_t i = 0; i < LAYERS; i++) {
        if (!layer_decides(&layers[i], group, key, &setting))
            continue;
        setting.own = i == 0;
        if (!json_is_object(setting.value))
            break;
        const char *word = effect_class_word(class);
        const json_t *of_class = json_object_get(setting.value, word);
        bool null = json_is_null(of_class);
        AUTO(freep) char *pointer = setting.pointer;
        setting = (struct setting){.by_class = of_class != NULL, .own = setting.own};
        if (of_class) {
            setting.value = null ? NULL : of_class;
            setting.pointer = null ? NULL : pointer_to_member(pointer, word);
            break;
        }
    }
    return setting;
}

int setting_word(const struct compilation *c, uint32_t step, const char *group, const char *key,
                 const char *const *words, int otherwise)
{
    AUTO(setting_done) struct setting setting = setting_find(c, step, group, key);
    const char *word = json_string_value(setting.value);
    for (int i = 0; word && words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return otherwise;
}

void setting_done(struct setting *setting)
{
    free(setting->pointer);
    *setting = (struct setting){0};
}

/* Where a complaint about a setting stands: a setting of the manifest is complained of at the step
 * that gets it. */
static struct spot setting_spot(const struct compilation *c, uint32_t step,
                                const struct setting *setting)
{
    return setting->pointer && !setting->in_manifest ? AT(setting->pointer)
                                                     : AT_KEY(c->sources[step].pointer);
}

/* ---- Values ---- */

bool flow_read_duration(struct compilation *c, const json_t *value, struct spot spot,
                        int64_t *ret_ms)
{
    struct slice text = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value))
        return false; /* its type was complained of */
    if (duration_parse(text, ret_ms))
        return true;
    AUTO(freep) char *found = value_words(value);
    REFUSE(c, "bad-duration", spot, "write it as 200ms, 30s or 1h30m",
           "expected a duration of at most ten years, found %s", found);
    return false;
}

static void setting_duration(struct compilation *c, uint32_t step, const char *group,
                             const char *key, int64_t *ms)
{
    AUTO(setting_done) struct setting setting = setting_find(c, step, group, key);
    if (setting.value)
        flow_read_duration(c, setting.value, setting_spot(c, step, &setting), ms);
}

static unsigned read_causes(const struct setting *setting, unsigned otherwise)
{
    unsigned on = 0;
    size_t i;
    json_t *word;
    if (!json_is_array(setting->value))
        return otherwise;
    json_array_foreach (setting->value, i, word) {
        enum cause cause;
        if (json_is_string(word) && cause_from_word(slice_of(json_string_value(word)), &cause))
            on |= 1u << cause;
    }
    return on;
}

/* ---- Retry and time ---- */

static void read_retry(struct compilation *c, uint32_t step)
{
    static const char *const jitters[] = {"none", "full", NULL};
    struct retry *retry = &c->flow->steps[step].retry;
    if (c->sources[step].kind != KIND_AGENT) { /* what is within is tried again, not the whole */
        *retry = (struct retry){.max_attempts = 1, .coefficient = 1};
        return;
    }
    *retry = (struct retry){MAX_ATTEMPTS, INITIAL_MS, MAX_MS, COEFFICIENT, true, RETRY_ON};
    AUTO(setting_done) struct setting attempts = setting_find(c, step, "retry", "max_attempts");
    AUTO(setting_done)
    struct setting coefficient = setting_find(c, step, "retry", "backoff_coefficient");
    AUTO(setting_done) struct setting on = setting_find(c, step, "retry", "retry_on");
    AUTO(setting_done) struct setting longest = setting_find(c, step, "retry", "max_interval");
    int64_t count;
    if (integer_from(attempts.value, &count) && count >= 1 && count <= INT_MAX)
        retry->max_attempts = (int)count;
    if (json_is_number(coefficient.value) && json_number_value(coefficient.value) >= 1)
        retry->coefficient = json_number_value(coefficient.value);
    setting_duration(c, step, "retry", "initial_interval", &retry->initial_ms);
    setting_duration(c, step, "retry", "max_interval", &retry->max_ms);
    retry->jitter = setting_word(c, step, "retry", "jitter", jitters, retry->jitter);
    retry->on = read_causes(&on, retry->on);
    if (longest.value && retry->max_ms < retry->initial_ms)
        WARN(c, "interval-order", setting_spot(c, step, &longest), NULL,
             "max_interval is shorter than initial_interval, which it cuts");
    if (!longest.value && retry->max_ms < retry->initial_ms)
        retry->max_ms = retry->initial_ms;
}

/* Of a flow or plan only what the step itself says: the defaults are those of attempts. */
static void read_whole_timeout(struct compilation *c, uint32_t step)
{
    struct step *s = &c->flow->steps[step];
    const json_t *timeout = json_object_get(c->sources[step].value, "timeout");
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "timeout");
    AUTO(freep) char *heartbeat = pointer_to_member(pointer, "heartbeat");
    AUTO(freep) char *attempt = pointer_to_member(pointer, "start_to_close");
    AUTO(freep) char *all = pointer_to_member(pointer, "schedule_to_close");
    s->start_to_close_ms = s->schedule_to_close_ms = s->heartbeat_ms = -1;
    flow_read_duration(c, json_object_get(timeout, "start_to_close"), AT(attempt),
                       &s->start_to_close_ms);
    flow_read_duration(c, json_object_get(timeout, "schedule_to_close"), AT(all),
                       &s->schedule_to_close_ms);
    if (json_is_string(json_object_get(timeout, "heartbeat")))
        REFUSE(c, "not-supported", AT_KEY(heartbeat), "write it on the steps within",
               "`heartbeat` is what an agent sends, and no flow or plan does");
    if (s->schedule_to_close_ms < 0 ||
        (s->start_to_close_ms >= 0 && s->start_to_close_ms < s->schedule_to_close_ms))
        s->schedule_to_close_ms = s->start_to_close_ms;
    s->start_to_close_ms = s->schedule_to_close_ms;
}

/* An attempt ends with the agent's own limit and with the time for all attempts, whichever is
 * first. */
static void read_timeout(struct compilation *c, uint32_t step)
{
    struct step *s = &c->flow->steps[step];
    int64_t call_ms = s->call.agent ? s->call.agent->call_ms : -1;
    char limit[32];
    s->start_to_close_ms = call_ms >= 0 ? call_ms : START_TO_CLOSE_MS;
    s->schedule_to_close_ms = s->heartbeat_ms = -1;
    AUTO(setting_done) struct setting own = setting_find(c, step, "timeout", "start_to_close");
    setting_duration(c, step, "timeout", "start_to_close", &s->start_to_close_ms);
    setting_duration(c, step, "timeout", "schedule_to_close", &s->schedule_to_close_ms);
    setting_duration(c, step, "timeout", "heartbeat", &s->heartbeat_ms);
    if (call_ms >= 0 && s->start_to_close_ms > call_ms) {
        WARN(c, "timeout-cut", setting_spot(c, step, &own),
             "raise the plugin's limit `call` in the manifest, or shorten this",
             "%s may take %s at most, so that is the timeout", s->call.agent->name,
             duration_text(call_ms, limit));
        s->start_to_close_ms = call_ms;
    }
    if (s->schedule_to_close_ms >= 0 && s->start_to_close_ms > s->schedule_to_close_ms) {
        if (own.value)
            WARN(c, "timeout-cut", setting_spot(c, step, &own), NULL,
                 "schedule_to_close ends an attempt after %s already",
                 duration_text(s->schedule_to_close_ms, limit));
        s->start_to_close_ms = s->schedule_to_close_ms;
    }
    AUTO(freep) char *retry = pointer_to_member(c->sources[step].pointer, "retry");
    flow_check_deadlines(c, step, retry, own.value != NULL);
}

/* ---- Failure ---- */

static void read_on_failure(struct compilation *c, uint32_t step)
{
    static const char *const words[] = {"fail", "escalate", "skip", NULL};
    static const char *const items[] = {"stop", "skip", "collect", NULL};
    struct step *s = &c->flow->steps[step];
    AUTO(setting_done) struct setting whole = setting_find(c, step, "on_failure", NULL);
    s->on_failure =
        json_is_object(whole.value)
            ? ON_FAILURE_FALLBACK
            : (enum on_failure)setting_word(c, step, "on_failure", NULL, words, ON_FAILURE_FAIL);
    s->on_item = (enum on_item)setting_word(c, step, "on_item_failure", NULL, items, ON_ITEM_STOP);
    if (s->on_failure == ON_FAILURE_ESCALATE)
        flow_wants_escalation(c, step);
}

void flow_wants_escalation(struct compilation *c, uint32_t step)
{
    if (!c->flow->has_escalation)
        WARN(c, "escalation-absent", AT_KEY(c->sources[step].pointer),
             "add escalation: {to: NAME, deadline: 4h, on_timeout: deny} to the flow",
             "it may escalate, but the flow does not say to whom, nor how long to wait");
}

void flow_read_settings(struct compilation *c, uint32_t step)
{
    read_retry(c, step);
    if (c->sources[step].kind == KIND_AGENT)
        read_timeout(c, step);
    else
        read_whole_timeout(c, step);
    read_on_failure(c, step);
}

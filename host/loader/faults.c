/* SPDX-License-Identifier: Apache-2.0
 *
 * What the manifest says of a plugin that ends, or says too much: `restart`, `quarantine`, and
 * `log` of its limits. What it does not say stands here.
 */
#include "loader/faults_internal.h"

#include "base/limits.h"
#include "base/units.h"
#include "document/document.h"

#include <string.h>

enum { DEFAULT_LOG_RATE = 100 };

static const struct manifest_faults unsaid = {
    .restart_first_ms = 50,
    .restart_max_ms = 5000,
    .restart_coefficient = 2,
    .restart_jitter = true,
    .faults = 5,
    .within_ms = 60000,
};

/* A duration that must last, if it is said. */
static enum error_code read_span(const struct manifest *m, const struct manifest_plugin *p,
                                 const json_t *plugin, const char *part, const char *key,
                                 int64_t *ms, struct error *reterr)
{
    const char *said = json_string_value(json_object_get(json_object_get(plugin, part), key));
    int64_t parsed = 0;
    if (!said)
        return ERR_OK;
    if (duration_parse(slice_of(said), &parsed) && parsed > 0) {
        *ms = parsed;
        return ERR_OK;
    }
    AUTO(freep) char *pointer = xasprintf("/plugins/%s/%s/%s", p->alias, part, key);
    struct position at = document_where(m->document, pointer);
    return error_set(
        reterr, ERR_INPUT,
        "%s:%d:%d: %s: expected a time longer than nothing and shorter than ten years, "
        "such as 1s",
        document_name(m->document), at.line, at.column, pointer);
}

static int64_t read_number(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *said = json_object_get(object, key);
    return said ? json_integer_value(said) : otherwise;
}

enum error_code faults_read(const struct manifest *m, const json_t *plugin,
                            struct manifest_plugin *p, struct error *reterr)
{
    const json_t *restart = json_object_get(plugin, "restart");
    const json_t *log = json_object_get(json_object_get(plugin, "limits"), "log");
    const json_t *coefficient = json_object_get(restart, "backoff_coefficient");
    const char *jitter = json_string_value(json_object_get(restart, "jitter"));
    struct manifest_faults *f = &p->faults;
    *f = unsaid;
    enum error_code code =
        read_span(m, p, plugin, "restart", "initial_interval", &f->restart_first_ms, reterr);
    if (code == ERR_OK)
        code = read_span(m, p, plugin, "restart", "max_interval", &f->restart_max_ms, reterr);
    if (code == ERR_OK)
        code = read_span(m, p, plugin, "quarantine", "within", &f->within_ms, reterr);
    if (coefficient)
        f->restart_coefficient = json_number_value(coefficient);
    f->restart_jitter = !jitter || strcmp(jitter, "none") != 0;
    f->faults = (int)read_number(json_object_get(plugin, "quarantine"), "faults", unsaid.faults);
    p->log_rate = read_number(log, "lines_per_second", DEFAULT_LOG_RATE);
    p->log_burst = read_number(log, "burst", LIMIT_LOG_LINES);
    return code;
}

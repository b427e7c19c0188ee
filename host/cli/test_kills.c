/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases under fire: kills. The host of a case is killed at every edge, one after the other, and
 * taken up again; then at an edge of its own so is the host that takes it up, and a third one goes
 * on. Those are as many as the product of both, of which so many are tried as a limit says, spread
 * over all. The run must come to what it comes to in calm, to a question to a person, or to another
 * end, which is told.
 */
#include "cli/test_internal.h"

#include "base/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the host is killed, and where (0 = nowhere) that which takes it up; from 1. */
struct point {
    size_t at, again;
};

/* What all kills of one case have in common. */
struct killing {
    struct test *test;
    const struct fixture_case *c;
    json_t *calm, *edges;
    json_t *resumed; /* for each edge, those of the host that takes it up; null = it failed */
    json_t *report;
};

/* How a killed run ended, beside the calm one: "same", "asks", "other". */
static const char *end_of(const json_t *calm, const json_t *result)
{
    const json_t *output = json_object_get(calm, "output"),
                 *now = json_object_get(result, "output");
    bool same = strcmp(text_of(calm, "status"), text_of(result, "status")) == 0 &&
                (output == now || (output && now && contract_equal(output, now)));
    if (same)
        return "same";
    return strcmp(text_of(result, "status"), "waiting") == 0 ? "asks" : "other";
}

static json_t *describe_end(const json_t *result)
{
    AUTO(text_done) struct text out;
    text_init(&out, SIZE_MAX / 2);
    const json_t *error = json_object_get(result, "error");
    text_adds(&out, text_of(result, "status"));
    const char *step;
    json_t *kind;
    json_object_foreach (json_object_get(result, "asks"), step, kind) {
        text_addf(&out, ", %s asks: %s", step, json_string_value(kind));
    }
    if (error)
        text_addf(&out, ", %s", text_of(error, "message"));
    return json_string(text_str(&out));
}

/* An end that is not the usual one, told once however many points lead to it. */
static void add_end(json_t *report, const char *kind, struct point point, const char *edge,
                    const json_t *result)
{
    AUTO(json_decrefp) json_t *end = describe_end(result);
    json_t *ends = json_object_get(report, "ends");
    json_t *known = json_object_get(ends, json_string_value(end));
    if (!known) {
        known = json_pack("{s:s, s:i, s:i, s:s}", "kind", kind, "times", 0, "first", (int)point.at,
                          "at", edge);
        if (point.again)
            json_object_set_new(known, "then", json_integer((json_int_t)point.again));
        json_object_set_new(ends, json_string_value(end), known);
    }
    storm_count(known, "times");
}

/* "22", or "22,5": as --crash-at takes it. */
static char *point_text(struct point point)
{
    return point.again ? xasprintf("%zu,%zu", point.at, point.again) : xasprintf("%zu", point.at);
}

static char *edge_text(const struct killing *k, struct point point)
{
    const char *first = json_string_value(json_array_get(k->edges, point.at - 1));
    const json_t *resumed = json_array_get(k->resumed, point.at - 1);
    const char *then = json_string_value(json_array_get(resumed, point.again - 1));
    return point.again ? xasprintf("%s; taken up, and again: %s", first, then ? then : "?")
                       : xstrdup(first);
}

static void judge(struct killing *k, struct point point, const json_t *result,
                  const struct error *err, json_t *counts)
{
    json_t *texts = result ? storm_breaches(result) : json_pack("[s]", err->text);
    AUTO(freep) char *edge = edge_text(k, point);
    AUTO(freep) char *number = point_text(point);
    storm_count(counts, "points");
    if (json_array_size(texts) > 0) {
        storm_fault(k->report, json_string(edge), texts,
                    storm_command(k->test, k->c, "--crash-at", number));
        return;
    }
    json_decref(texts);
    const char *end = end_of(k->calm, result);
    storm_count(counts, end);
    if (strcmp(end, "same") != 0)
        add_end(k->report, end, point, edge, result);
}

static void kill_once(struct killing *k, struct point point, bool exact, json_t *counts,
                      json_t **ret_edges)
{
    struct error err;
    struct test *test = k->test;
    AUTO(json_decrefp) json_t *result = NULL;
    AUTO(freep) char *number = point_text(point);
    AUTO(freep) char *store = xasprintf("%s/killed-%s.db", test->folder, number);
    AUTO(freep) char *world = xasprintf("%s/killed-%s.world", test->folder, number);
    struct rehearsal rehearsal = {
        .roster = test->roster, .flow = test->flow, .c = k->c, .store = store, .world = world};
    test_remove_journal(store);
    unlink(world);
    enum error_code code =
        rehearse_killed(&rehearsal, point.at, point.again, exact, &result, ret_edges, &err);
    if (!test_interrupted()) /* the signal may have been its end */
        judge(k, point, code == ERR_OK ? result : NULL, &err, counts);
    if (args_flag(test->args, "--keep"))
        json_object_set_new(k->report, "store", json_string(store));
    else
        test_remove_journal(store);
    unlink(world);
}

/* ---- which ones ---- */

/* --crash-at N or N,M; {0, 0} = every one. */
static enum error_code wanted_point(const struct killing *k, struct point *ret_point,
                                    struct error *reterr)
{
    const char *said = args_option(k->test->args, "--crash-at");
    char *end = NULL;
    *ret_point = (struct point){0};
    if (!said)
        return ERR_OK;
    errno = 0;
    ret_point->at = strtoul(said, &end, 10);
    bool two = *end == ',';
    if (two)
        ret_point->again = strtoul(end + 1, &end, 10);
    bool good = errno == 0 && *end == '\0' && said[0] >= '0' && said[0] <= '9' &&
                ret_point->at > 0 && (!two || ret_point->again > 0);
    if (!good || ret_point->at > json_array_size(k->edges))
        return error_set(
            reterr, ERR_INPUT,
            "--crash-at %s: the case has points 1 to %zu; N,M kills at N, and at point "
            "M what takes it up",
            said, json_array_size(k->edges));
    return ERR_OK;
}

static void kill_everywhere(struct killing *k)
{
    size_t count = json_array_size(k->edges);
    for (size_t i = 1; i <= count && !test_interrupted(); i++) {
        json_t *edges = NULL;
        storm_progress(k->test, "  kill", i, count);
        kill_once(k, (struct point){i, 0}, true, k->report, &edges);
        json_array_append_new(k->resumed, edges ? edges : json_null());
    }
}

/* Every so many-th of all, so that no more than the limit are tried. */
static void kill_twice(struct killing *k)
{
    size_t total = 0, at = 0, done = 0, i;
    json_t *edges, *again = json_object();
    json_array_foreach (k->resumed, i, edges) {
        total += json_array_size(edges);
    }
    size_t stride = (total + LIMIT_SECOND_KILLS - 1) / LIMIT_SECOND_KILLS;
    json_object_set_new(k->report, "again", again);
    json_object_set_new(again, "of", json_integer((json_int_t)total));
    json_array_foreach (k->resumed, i, edges) {
        for (size_t m = 1; m <= json_array_size(edges); m++) {
            if (at++ % stride != 0 || test_interrupted())
                continue;
            storm_progress(k->test, "  kill while it is taken up", ++done, total / stride + 1);
            kill_once(k, (struct point){i + 1, m}, false, again, NULL);
        }
    }
    storm_progress(k->test, "", 1, 1);
}

static void kill_wanted(struct killing *k, struct point only)
{
    if (only.at == 0) {
        kill_everywhere(k);
        kill_twice(k);
        return;
    }
    kill_once(k, only, true, k->report, NULL);
    AUTO(freep) char *edge = edge_text(k, (struct point){only.at, 0});
    json_object_set_new(k->report, "at", json_string(edge));
}

json_t *storm_kills(struct test *test, const struct fixture_case *c)
{
    struct error err;
    AUTO(json_decrefp) json_t *resumed = json_array();
    struct killing k = {.test = test, .c = c, .resumed = resumed, .report = storm_report(c)};
    struct point only;
    AUTO(freep) char *store = xasprintf("%s/calm.db", test->folder);
    struct rehearsal rehearsal = {
        .roster = test->roster, .flow = test->flow, .c = c, .store = store};
    test_remove_journal(store);
    json_object_set_new(k.report, "ends", json_object());
    enum error_code code = rehearse_edges(&rehearsal, &k.calm, &k.edges, &err);
    if (code == ERR_OK)
        code = wanted_point(&k, &only, &err);
    json_t *texts = code == ERR_OK ? storm_breaches(k.calm) : json_pack("[s]", err.text);
    if (json_array_size(texts) > 0) {
        storm_fault(k.report, json_string("no kill at all"), texts, json_string(""));
    } else {
        json_decref(texts);
        kill_wanted(&k, only);
    }
    json_decref(k.calm);
    json_decref(k.edges);
    return k.report;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * From the target of a request to what it asks for. Nothing else reads foreign bytes of it: a
 * target is in origin form, its path is split before it is decoded, and what does not decode to a
 * name is no name.
 */
#ifndef SERVER_ROUTE_INTERNAL_H
#define SERVER_ROUTE_INTERNAL_H

#include "base/limits.h"
#include "base/text.h"

#define ROUTES(X)                                                                                  \
    X(RUNS, "/v1/runs")                                                                            \
    X(RUN, "/v1/runs/{id}")                                                                        \
    X(EVENTS, "/v1/runs/{id}/events")                                                              \
    X(EXPLAIN, "/v1/runs/{id}/explain")                                                            \
    X(ANSWER, "/v1/runs/{id}/answer")                                                              \
    X(CANCEL, "/v1/runs/{id}/cancel")                                                              \
    X(RESUME, "/v1/runs/{id}/resume")                                                              \
    X(RELOAD, "/v1/reload")                                                                        \
    X(FLOWS, "/v1/flows")                                                                          \
    X(PLUGINS, "/v1/plugins")                                                                      \
    X(HEALTHZ, "/healthz")                                                                         \
    X(READYZ, "/readyz")                                                                           \
    X(METRICS, "/metrics")                                                                         \
    X(OPENAPI, "/openapi.json")

enum api_route {
#define X(name, path) ROUTE_##name,
    ROUTES(X)
#undef X
        ROUTE_COUNT
};

/* Its path as the documentation writes it. */
const char *route_path(enum api_route route);

struct target {
    enum api_route route;
    char id[LIMIT_NAME + 1]; /* of the run; "" where none is named */
    struct slice query;      /* within what was parsed */
};

/* ERR_INPUT: it is no target; ERR_NOT_FOUND: nothing is there. */
WARN_UNUSED enum error_code target_parse(struct slice text, struct target *ret_target,
                                         struct error *reterr);

/* Parameters of a query, by name; known: ended by NULL. Values are decoded. */
enum { PARAMETERS_MAX = 4 };
struct parameters {
    const char *const *known;
    char *values[PARAMETERS_MAX]; /* NULL = not given */
};
/* ERR_INPUT: one that is not known, comes twice or does not decode. */
WARN_UNUSED enum error_code parameters_parse(struct slice query, const char *const *known,
                                             struct parameters *ret, struct error *reterr);
void parameters_done(struct parameters *parameters);
/* A parameter that is a whole number from least to most, or absent. */
WARN_UNUSED enum error_code parameter_number(const struct parameters *parameters, size_t index,
                                             int64_t least, int64_t most, int64_t absent,
                                             int64_t *ret_number, struct error *reterr);
/* A whole number without sign, space or rest. */
bool number_parse(const char *text, int64_t *ret_number);

/* "name:port", "[::1]:port": the host of a Host header or an origin, without its port; false: it is
 * none. */
bool authority_host(struct slice authority, struct slice *ret_host);
/* localhost, 127.0.0.0/8 or ::1? */
bool host_is_loopback(struct slice host);

#endif

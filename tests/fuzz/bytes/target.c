/* SPDX-License-Identifier: Apache-2.0
 *
 * What strangers send to the server and the host reads itself: a target with its query, and an
 * authority. What is taken is a name, UTF-8 without a NUL, of a route of the table; what is refused
 * has its reason.
 */
#include "bytes.h"

#include "server/route_internal.h"

#include <string.h>

static void query(struct slice text)
{
    static const char *const known[] = {"status", "limit", "cursor", NULL};
    struct parameters parameters;
    struct error err = {0};
    int64_t number = 0;
    enum error_code code = parameters_parse(text, known, &parameters, &err);
    if (code != ERR_OK) {
        claim_error(code, &err);
        return;
    }
    for (size_t i = 0; known[i]; i++)
        CLAIM(!parameters.values[i] || slice_valid_utf8(slice_of(parameters.values[i])),
              "a parameter that is not UTF-8");
    code = parameter_number(&parameters, 1, 1, 1000, 50, &number, &err);
    CLAIM(code != ERR_OK || (number >= 1 && number <= 1000), "%lld", (long long)number);
    parameters_done(&parameters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size}, host;
    struct target target = {.route = ROUTE_COUNT};
    struct error err = {0};
    enum error_code code = target_parse(text, &target, &err);
    if (code == ERR_OK) {
        CLAIM(target.route < ROUTE_COUNT, "no route");
        CLAIM(strlen(target.id) <= LIMIT_NAME && slice_valid_utf8(slice_of(target.id)), "%s",
              target.id);
        CLAIM((target.id[0] != '\0') <= (strstr(route_path(target.route), "{id}") != NULL),
              "an id where none is");
        query(target.query);
    } else {
        claim_error(code, &err);
    }
    query(text);
    if (authority_host(text, &host)) {
        CLAIM(host.len > 0 && host.ptr >= text.ptr && host.ptr + host.len <= text.ptr + text.len,
              "a host that is not in it");
        (void)host_is_loopback(host);
    }
    return 0;
}

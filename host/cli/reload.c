/* SPDX-License-Identifier: Apache-2.0
 *
 * seam reload: asks the server of a manifest to take the manifest as it is now, waits, and says
 * what became of it.
 */
#include "cli/cli_internal.h"

#include <stdlib.h>

static int tell(const struct args *args, unsigned status, json_t *body)
{
    bool taken = status == 200;
    const json_t *plugin;
    size_t i;
    if (args->json)
        print_json(json_incref(body));
    else if (!taken)
        return complain(status == 429 ? EXIT_FAILED : EXIT_REFUSED, "not reloaded: %s",
                        text_of(body, "detail"));
    json_array_foreach (json_object_get(body, "plugins"), i, plugin) {
        if (!args->json)
            printf("%-12s %-9s generation %lld\n", text_of(plugin, "plugin"),
                   text_of(plugin, "change"),
                   (long long)json_integer_value(json_object_get(plugin, "generation")));
    }
    return taken ? EXIT_DONE : EXIT_REFUSED;
}

int command_reload(const struct args *args)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    AUTO(json_decrefp) json_t *body = NULL;
    struct error err;
    unsigned status = 0;
    /* a manifest that cannot be read now is for the server to refuse, if it is said where it is */
    AUTO(freep) char *at = NULL;
    const char *said = args_option(args, "--listen");
    enum error_code code = said ? ERR_OK : open_roster(args, true, &roster, &err);
    if (code == ERR_OK)
        at = roster ? client_where(args, roster) : xstrdup(said);
    const struct client_request request = {
        .path = "/v1/reload", .body = args_flag(args, "--again") ? "{\"again\": true}" : "{}"};
    if (code == ERR_OK)
        code = client_ask(at, args_option(args, "--token"), &request, &status, &body, &err);
    return code == ERR_OK ? tell(args, status, body) : report_error(args, &err);
}

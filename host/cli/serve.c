/* SPDX-License-Identifier: Apache-2.0
 *
 * seam serve.
 */
#include "cli/cli_internal.h"

#include "base/units.h"
#include "server/server.h"

#include <seam/plugin.h>
#include <string.h>

enum { DRAIN_MS = 30000 };

static void say(void *user, uint32_t level, const char *who, struct slice text)
{
    const struct args *args = user;
    if (level == SEAM_LOG_DEBUG || (level == SEAM_LOG_INFO && args_flag(args, "--quiet")))
        return;
    fprintf(stderr, "%s: ", who);
    print_said(stderr, text);
    fputc('\n', stderr);
}

static void ready(void *user, const char *address, const char *note)
{
    const struct args *args = user;
    if (args->json)
        print_json(json_pack("{s:s, s:s}", "listen", address, "note", note));
    else
        printf("ready at %s%s%s\n", address, *note ? "; degraded: " : "", note);
    fflush(stdout);
}

static int finish(struct server *server, const struct args *args, enum error_code code,
                  struct error *err)
{
    size_t left = server_left(server);
    enum error_code closed = server_close(server, code == ERR_OK ? err : NULL);
    if (code == ERR_DENIED)
        return report_error(args, err);
    if (code != ERR_OK || closed != ERR_OK) {
        report_error(args, err);
        return complain(EXIT_FAILED, "the server stopped; nothing is lost: mend the cause, and "
                                     "start it again");
    }
    if (!args_flag(args, "--quiet"))
        fprintf(stderr, "stopped; %zu run%s left for the next start\n", left, left == 1 ? "" : "s");
    return EXIT_DONE;
}

int command_serve(const struct args *args)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    struct server *server = NULL;
    struct error err;
    const char *drain = args_option(args, "--drain");
    struct server_options options = {.store = args_option(args, "--store"),
                                     .listen = args_option(args, "--listen"),
                                     .drain_ms = DRAIN_MS,
                                     .restored = args_flag(args, "--restored"),
                                     .say = say,
                                     .ready = ready,
                                     .user = (void *)(uintptr_t)args};
    if (drain && !duration_parse(slice_of(drain), &options.drain_ms))
        return complain(EXIT_USAGE, "serve: --drain %s: expected a duration, as 30s or 2m", drain);
    enum error_code code = open_roster(args, true, &roster, &err);
    options.roster = roster;
    if (code == ERR_OK)
        code = server_open(&options, &server, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    return finish(server, args, server_work(server, &err), &err);
}

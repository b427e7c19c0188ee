/* SPDX-License-Identifier: Apache-2.0
 *
 * seam run --json --partial: what agents say while they work, in lines between which the result
 * comes at the end. The run does not wait for whoever reads them: a line is no longer than what a
 * pipe takes at once, and where there is no room for it, it is lost and counted.
 */
#include "cli/cli_internal.h"

#include "report/report.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of text in a line, of which JSON makes two at most, beside the names. */
enum { PIECE = 1200 };

struct said_lines {
    uint64_t lost; /* since the last line */
};

struct said_lines *said_lines_new(void)
{
    return xcalloc(1, sizeof(struct said_lines));
}

void said_lines_free(struct said_lines *lines)
{
    free(lines);
}

/* A pipe that nobody reads any more is ready, and takes nothing. */
static bool takes_a_line(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && out.revents == POLLOUT;
}

static void add_line(struct said_lines *lines, const struct run *run, struct said said)
{
    said.lost += lines->lost;
    lines->lost = said.lost + said.text.len;
    AUTO(json_decrefp) json_t *line = json_pack("{s:s}", "event", "partial");
    AUTO(json_decrefp) json_t *told = report_said(run, &said);
    json_object_update(line, told);
    AUTO(freep) char *text = json_text(line);
    size_t length = strlen(text);
    if (length >= PIPE_BUF || !takes_a_line())
        return;
    text[length] = '\n'; /* in place of its NUL */
    fwrite(text, 1, length + 1, stdout);
    fflush(stdout);
    lines->lost = 0;
}

void said_lines_add(struct said_lines *lines, const struct run *run, const struct said *said)
{
    struct said piece = *said;
    const char *rest = said->text.ptr;
    do {
        piece.text = slice_cut(rest, PIECE);
        rest += piece.text.len;
        add_line(lines, run, piece);
        piece.lost = 0;
    } while (*rest);
}

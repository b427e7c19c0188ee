/* SPDX-License-Identifier: Apache-2.0
 *
 * Begins an effect, and sends also where nobody knows whether it has happened.
 */
#include "sin.h"

#include <stdbool.h>
#include <stdio.h>

static char state[16];

static void note(void *user, const seam_reply *reply)
{
    (void)user;
    const char *at = reply->status == SEAM_OK ? strstr(reply->body.ptr, "\"state\":\"") : NULL;
    snprintf(state, sizeof(state), "%.*s", at ? (int)strcspn(at + 9, "\"") : 0, at ? at + 9 : "");
}

static void send(seam_id id)
{
    host->request_wait(
        host, id, "http.send/1",
        bytes_of("{\"method\":\"POST\",\"url\":\"http://world.invalid/things\",\"json\":1}"), NULL,
        NULL);
    host->request_wait(host, id, "effect.commit/1", bytes_of("{\"name\":\"a\",\"result\":1}"), NULL,
                       NULL);
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_id id = call->id;
    host->request_wait(host, id, "effect.begin/1", bytes_of("{\"name\":\"a\",\"request\":1}"), note,
                       NULL);
    bool done = strcmp(state, "done") == 0;
    if (strcmp(state, "fresh") != 0 && !done && strcmp(state, "unknown") != 0) {
        seam_reply reply = {.size = sizeof(reply),
                            .status = SEAM_E_FAILED,
                            .effect = SEAM_EFFECT_UNKNOWN,
                            .body = bytes_of("{\"message\":\"in doubt\"}")};
        host->complete(host, id, &reply);
        return SEAM_OK;
    }
    if (!done)
        send(id);
    answer(id, SEAM_OK, bytes_of("1"));
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)

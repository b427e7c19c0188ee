/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of a request, from the evidence about its bytes, and how its owner is told. The
 * owner's thread, when nothing is under way any more for it (its news: while it is).
 */
#include "base/units.h"
#include "egress/egress_internal.h"

#include <stdlib.h>
#include <string.h>

/* Over TLS, libcurl takes any end of the connection for the end of a body that has no other; but
 * who cuts a connection cannot forge a farewell (RFC 9112, 9.8). Without TLS an orderly end must
 * do. */
static bool is_cut(const struct transfer *transfer)
{
    return transfer->tls && !transfer->farewell && !transfer->head_only &&
           !head_bounds_body(&transfer->head);
}

static enum egress_fate fate_of(const struct transfer *transfer)
{
    if (transfer->end == END_DONE && transfer->result == CURLE_OK && transfer->head.complete &&
        !is_cut(transfer))
        return FATE_ANSWERED;
    if (!transfer->issued || (!transfer->tls && transfer->bytes_sent == 0))
        return FATE_UNSENT;
    return FATE_UNKNOWN;
}

/* Why there is no answer: the host's own reasons first, for libcurl knows them only as a refusal
 * by a callback. */
static enum error_code cause_of(const struct transfer *transfer, struct text *words)
{
    if (transfer->end == END_ABORTED) {
        text_adds(words, "aborted by the host");
        return ERR_IO;
    }
    if (transfer->end == END_LATE) {
        char limit[32];
        text_addf(words, "no whole answer within %s", duration_text(transfer->timeout_ms, limit));
        return ERR_TIMEOUT;
    }
    /* libcurl gives up by itself at a line of its own limit, which it calls a want of memory */
    if (transfer->head.over_limit ||
        (transfer->result == CURLE_OUT_OF_MEMORY && transfer->issued && !transfer->head.complete)) {
        text_addf(words, "the answer's headers pass %u bytes or %u fields", LIMIT_HEADER_BYTES,
                  LIMIT_HEADERS);
        return ERR_LIMIT;
    }
    if (transfer->head.refused) {
        text_addf(words, "the answer is refused, for %s", transfer->head.refused);
        return ERR_IO;
    }
    if (transfer->answer.overflowed) {
        text_addf(words, "the answer's body passes its limit of %zu bytes", transfer->maximum);
        return ERR_LIMIT;
    }
    if (transfer->denied[0] && !transfer->issued &&
        (transfer->result == CURLE_COULDNT_CONNECT ||
         transfer->result == CURLE_ABORTED_BY_CALLBACK)) {
        text_addf(words, "%s is not an address of the public internet, and no grant says private",
                  transfer->denied);
        return ERR_DENIED;
    }
    if (transfer->no_files && !transfer->issued) {
        text_adds(words, "this process may open no more files: raise its limit (`ulimit -n`, or "
                         "LimitNOFILE= of a systemd unit), or lower limits.connections of the "
                         "manifest");
        return ERR_IO;
    }
    if (transfer->result == CURLE_OK) {
        text_adds(words, transfer->head.complete
                             ? "the connection was cut, and the answer does not say its length"
                             : "the answer ended before its headers did");
        return ERR_IO;
    }
    text_adds(words, transfer->words[0] ? transfer->words : curl_easy_strerror(transfer->result));
    if (transfer->result == CURLE_PEER_FAILED_VERIFICATION) {
        text_adds(words,
                  " (no authority that is trusted here vouches for it, by this name and now)");
        return ERR_DENIED;
    }
    return transfer->result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO;
}

static void tell_failure(const struct transfer *transfer, struct egress_answer *answer)
{
    if (transfer->arrived)
        answer->body = text_slice(&transfer->answer);
    AUTO(text_done) struct text reason;
    text_init(&reason, ERROR_TEXT_SIZE);
    text_addf(&reason, "%s: ", transfer->place);
    answer->code = cause_of(transfer, &reason);
    if (answer->fate == FATE_UNSENT)
        text_adds(&reason, "; no byte of the request was sent");
    else
        text_addf(&reason, "; %llu bytes of the request were sent",
                  (unsigned long long)transfer->bytes_sent);
    answer->begun = transfer->head.status != 0;
    if (answer->begun)
        text_addf(&reason, "; an answer with status %d began and did not end",
                  transfer->head.status);
    answer->reason = text_str(&reason);
    transfer->done(transfer->user, answer);
}

void transfer_tell(const struct transfer *transfer)
{
    struct egress_answer answer = {.fate = fate_of(transfer)};
    if (answer.fate != FATE_ANSWERED) {
        tell_failure(transfer, &answer);
        return;
    }
    AUTO(freep) struct egress_header *headers = head_fields(&transfer->head);
    answer.status = transfer->head.status;
    answer.headers = headers;
    answer.header_count = transfer->head.count;
    answer.body = text_slice(&transfer->answer);
    transfer->done(transfer->user, &answer);
}

void transfer_tell_news(const struct transfer *transfer)
{
    AUTO(freep) struct egress_header *headers = head_fields(&transfer->head);
    transfer->arrived(transfer->user,
                      &(struct egress_answer){.status = transfer->head.status,
                                              .headers = headers,
                                              .header_count = transfer->head.count});
}

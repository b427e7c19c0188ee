/* SPDX-License-Identifier: Apache-2.0
 *
 * What models are told. An agent that is about to ask one says so with its budget.reserve/1, and
 * the record of that has a keyed hash of the text: equal prompts are seen to be equal, and none can
 * be guessed by whoever has the journal alone, for the key is in a file beside it
 * (`journal.db.prompts`, made when it is first needed). The text itself is kept only where the
 * manifest says `prompts: text`, and without secrets. No rule ever asks for any of it.
 */
#include "runtime/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_all(int fd, unsigned char *key)
{
    return pread(fd, key, DIGEST_SIZE, 0) == DIGEST_SIZE;
}

/* One that was cut off when it was made is made anew: nothing was hashed with it yet. */
static enum error_code load_key(const char *path, unsigned char *key, struct error *reterr)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(reterr, errno, "%s: cannot open the key of prompts", path);
    enum error_code code = ERR_OK;
    if (!read_all(fd, key)) {
        randombytes_buf(key, DIGEST_SIZE);
        if (pwrite(fd, key, DIGEST_SIZE, 0) != DIGEST_SIZE || fsync(fd) != 0)
            code = error_set_errno(reterr, errno, "%s: cannot write the key of prompts", path);
    }
    close(fd);
    return code;
}

static bool has_key(struct host *host)
{
    struct error err;
    if (host->prompt_key)
        return true;
    host->prompt_key = xcalloc(1, DIGEST_SIZE);
    if (host->options.in_memory || host->options.stand_ins) {
        randombytes_buf(host->prompt_key, DIGEST_SIZE);
        return true;
    }
    AUTO(freep) char *store = roster_store(host->options.roster, host->options.store);
    AUTO(freep) char *file = xasprintf("%s.prompts", store);
    if (load_key(file, host->prompt_key, &err) == ERR_OK)
        return true;
    free(TAKE(host->prompt_key));
    host_fail(host, &err);
    return false;
}

json_t *prompt_note(const struct live_call *call, json_t *prompt)
{
    struct host *host = call->live->host;
    AUTO(json_decrefp) json_t *named = secrets_name_json(call, prompt);
    struct slice text = {json_string_value(named), json_string_length(named)};
    size_t len = text.len;
    AUTO(freep) char *clean = secrets_hide(host, text, false, &len);
    struct digest hash;
    char hex[DIGEST_HEX_SIZE];
    if (!has_key(host))
        return NULL;
    if (clean)
        text = (struct slice){clean, len};
    int done = crypto_generichash(hash.bytes, DIGEST_SIZE, (const unsigned char *)text.ptr,
                                  text.len, host->prompt_key, DIGEST_SIZE);
    ASSERT(done == 0);
    digest_hex(&hash, hex);
    json_t *note = json_pack("{s:s, s:I}", "hash", hex, "bytes", (json_int_t)text.len);
    if (host->manifest->keep_prompts)
        json_object_set_new(note, "text", json_stringn(text.ptr, text.len));
    return note;
}

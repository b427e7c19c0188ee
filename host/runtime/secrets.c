/* SPDX-License-Identifier: Apache-2.0
 *
 * secret.use: a plugin is given a placeholder, a word that nobody can guess, and writes it where
 * the secret is to stand: in a header's value, in the path or query of a URL, in a body. The host
 * puts the secret there as the request leaves, if it may go to that host at all; in a body it is
 * written as the body is (JSON, a form, as it is). A placeholder is its call's own.
 *
 * Neither the placeholder nor the secret is journaled: the record names the secret, so that the
 * same request is the same in every attempt. What comes back is searched for all secrets that this
 * host has read, before the plugin or the journal sees it. In a rehearsal nothing is read: the
 * secret is its own name.
 */
#include "runtime/http_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "seam-secret-";
enum { PREFIX = sizeof(prefix) - 1, RANDOM_HEX = 32, PLACEHOLDER = PREFIX + RANDOM_HEX };

struct placeholder {
    char word[PLACEHOLDER + 1];
    const struct secret_grant *grant;
    char *name;          /* as it is recorded: "${secret:NAME}" */
    struct slice secret; /* the vault's; NULL in a rehearsal */
    char *user, *basic; /* base64 of user and secret, as "Authorization: Basic" wants it; or NULL */
    struct slice bytes; /* what stands there in the end: secret, basic or name */
};

static void forget(struct placeholder *placeholder)
{
    if (placeholder->basic)
        sodium_memzero(placeholder->basic, strlen(placeholder->basic));
    free(placeholder->basic);
    free(placeholder->user);
    free(placeholder->name);
}

void placeholders_done(struct live_call *call)
{
    for (size_t i = 0; i < call->placeholder_count; i++)
        forget(&call->placeholders[i]);
    free(call->placeholders);
    call->placeholders = NULL;
    call->placeholder_count = 0;
}

/* ---- secret.use ---- */

static bool is_asked_for(const struct live_call *call, const char *name)
{
    const struct card *card = call->slot->roster->card;
    const json_t *names = json_object_get(json_object_get(card->json, "requests"), "secrets");
    size_t index;
    const json_t *value;
    json_array_foreach (names, index, value)
        if (request_names(json_string_value(value), name))
            return true;
    return false;
}

static const struct secret_grant *find_grant(const struct live_call *call, const char *name)
{
    const struct manifest_plugin *entry = call->slot->roster->entry;
    for (size_t i = 0; i < entry->secret_count; i++)
        if (strcmp(entry->secrets[i].name, name) == 0)
            return &entry->secrets[i];
    return NULL;
}

/* RFC 7617. */
static char *basic_of(const char *user, struct slice secret)
{
    size_t front = strlen(user) + 1, length = front + secret.len,
           room = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
    char *plain = xmalloc(length), *encoded = xmalloc(room);
    memcpy(plain, user, front - 1);
    plain[front - 1] = ':';
    memcpy(plain + front, secret.ptr, secret.len);
    sodium_bin2base64(encoded, room, (const unsigned char *)plain, length,
                      sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(plain, length);
    free(plain);
    return encoded;
}

static struct placeholder *add_placeholder(struct live_call *call, const struct secret_grant *grant,
                                           const char *user, struct slice secret)
{
    call->placeholders =
        xrealloc(call->placeholders, (call->placeholder_count + 1) * sizeof(*call->placeholders));
    struct placeholder *made = &call->placeholders[call->placeholder_count++];
    uint64_t random[2] = {host_random(call->live->host), host_random(call->live->host)};
    *made = (struct placeholder){.grant = grant,
                                 .name = xasprintf("${secret:%s}", grant->name),
                                 .secret = secret,
                                 .user = user ? xstrdup(user) : NULL,
                                 .basic = user && secret.ptr ? basic_of(user, secret) : NULL};
    made->bytes = made->basic ? slice_of(made->basic) : secret.ptr ? secret : slice_of(made->name);
    snprintf(made->word, sizeof(made->word), "%s%016llx%016llx", prefix,
             (unsigned long long)random[0], (unsigned long long)random[1]);
    return made;
}

static const struct placeholder *of_secret(const struct live_call *call,
                                           const struct secret_grant *grant, const char *user,
                                           struct slice secret)
{
    for (size_t i = 0; i < call->placeholder_count; i++) {
        const struct placeholder *given = &call->placeholders[i];
        bool same_user = user ? given->user && strcmp(given->user, user) == 0 : !given->user;
        if (given->grant == grant && given->secret.ptr == secret.ptr && same_user)
            return given;
    }
    return NULL;
}

static void deny(struct live_call *call, uint64_t request, const char *name)
{
    const char *alias = call->slot->roster->entry->alias;
    if (!is_asked_for(call, name))
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "not-granted",
                     "the card of plugin `%s` does not ask for the secret \"%s\"", alias, name);
    else
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "not-granted",
                     "the secret \"%s\" is not granted: plugins.%s.grants.secrets of the manifest "
                     "would have to name it",
                     name, alias);
}

void secret_asked(struct live_call *call, uint64_t request, json_t *body)
{
    struct host *host = call->live->host;
    const char *name = json_string_value(json_object_get(body, "name"));
    const json_t *basic = json_object_get(body, "basic");
    const char *user = json_string_value(basic);
    bool known = name && strlen(name) <= LIMIT_NAME && json_object_size(body) == (basic ? 2 : 1) &&
                 (!basic || (user && strlen(user) <= LIMIT_SECRET && !strchr(user, ':')));
    const struct secret_grant *grant = known ? find_grant(call, name) : NULL;
    struct slice bytes = {0};
    struct error err;
    if (!known) {
        service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                     "secret.use/1: expected `name`, and perhaps `basic`, a user without ':'");
    } else if (!grant || !is_asked_for(call, name)) {
        deny(call, request, name);
    } else if (!host->options.stand_ins && vault_read(host->vault, name, grant->file,
                                                      grant->variable, &bytes, &err) != ERR_OK) {
        service_fail(call->slot, request, SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "secret", "%s",
                     err.text);
    } else {
        const struct placeholder *given = of_secret(call, grant, user, bytes);
        if (!given && call->placeholder_count < LIMIT_CALL_SECRETS)
            given = add_placeholder(call, grant, user, bytes);
        if (given)
            service_answer(call->slot, request, SEAM_OK, SEAM_EFFECT_NONE,
                           json_pack("{s:s}", "placeholder", given->word));
        else
            service_fail(call->slot, request, SEAM_E_BUSY, SEAM_EFFECT_NONE, "secret",
                         "secret.use/1: one call may have %u placeholders", LIMIT_CALL_SECRETS);
    }
}

/* ---- in a text ---- */

/* The next place in the text that looks like a placeholder; len if there is none. */
static size_t next_place(struct slice text, size_t from)
{
    const char *found =
        text.len > from ? memmem(text.ptr + from, text.len - from, prefix, PREFIX) : NULL;
    return found ? (size_t)(found - text.ptr) : text.len;
}

static const struct placeholder *placeholder_at(const struct live_call *call, struct slice text,
                                                size_t at)
{
    for (size_t i = 0; text.len - at >= PLACEHOLDER && i < call->placeholder_count; i++)
        if (sodium_memcmp(text.ptr + at, call->placeholders[i].word, PLACEHOLDER) == 0)
            return &call->placeholders[i];
    return NULL;
}

enum error_code secrets_admit(const struct live_call *call, struct slice text, const char *host,
                              int port, struct error *reterr)
{
    for (size_t at = next_place(text, 0); at < text.len; at = next_place(text, at + 1)) {
        const struct placeholder *placeholder = placeholder_at(call, text, at);
        bool whole = text.len - at >= PLACEHOLDER &&
                     strspn(text.ptr + at + PREFIX, "0123456789abcdef") >= RANDOM_HEX;
        if (!placeholder && whole)
            return error_set(
                reterr, ERR_DENIED,
                "it has a placeholder that is not of this call (cure: ask secret.use/1 "
                "in each call)");
        if (placeholder && !secret_grant_allows(placeholder->grant, host, port))
            return error_set(reterr, ERR_DENIED,
                             "the secret \"%s\" may not go to %s:%d: plugins.%s.grants.secrets of "
                             "the manifest would have to name that host",
                             placeholder->grant->name, host, port,
                             call->slot->roster->entry->alias);
    }
    return ERR_OK;
}

static void add_json(struct text *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c == '"' || c == '\\')
            text_addc(out, '\\');
        if (c < 0x20)
            text_addf(out, "\\u%04x", c);
        else
            text_addc(out, (char)c);
    }
}

static void add_percent(struct text *out, struct slice bytes)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if (c && strchr(plain, c))
            text_addc(out, c);
        else
            text_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static void add_secret(struct text *out, struct slice bytes, enum secret_spelling spelling)
{
    switch (spelling) {
    case SECRET_PLAIN:
        text_add(out, bytes.ptr, bytes.len);
        break;
    case SECRET_JSON:
        add_json(out, bytes);
        break;
    case SECRET_PERCENT:
        add_percent(out, bytes);
        break;
    }
}

/* Each placeholder replaced, by what it stands for or by its name. */
static bool replace(const struct live_call *call, struct slice text, bool by_name,
                    enum secret_spelling spelling, struct text *out)
{
    size_t copied = 0;
    for (size_t at = next_place(text, 0); call->placeholder_count > 0 && at < text.len;) {
        const struct placeholder *placeholder = placeholder_at(call, text, at);
        if (placeholder) {
            text_add(out, text.ptr + copied, at - copied);
            if (by_name)
                text_adds(out, placeholder->name);
            else
                add_secret(out, placeholder->bytes, spelling);
            copied = at + PLACEHOLDER;
        }
        at = next_place(text, placeholder ? copied : at + 1);
    }
    if (copied == 0)
        return false;
    text_add(out, text.ptr + copied, text.len - copied);
    return true;
}

/* The room that filling may take, so that the text is never moved while there is a secret in it. */
static size_t room_for(const struct live_call *call, struct slice text)
{
    size_t places = 0, longest = 0;
    for (size_t at = next_place(text, 0); at < text.len; at = next_place(text, at + 1))
        places++;
    for (size_t i = 0; i < call->placeholder_count; i++)
        if (call->placeholders[i].bytes.len > longest)
            longest = call->placeholders[i].bytes.len;
    return text.len + places * longest * 6 + 1;
}

bool secrets_fill(const struct live_call *call, struct slice text, enum secret_spelling spelling,
                  struct text *out)
{
    text_init(out, SIZE_MAX / 2);
    if (call->placeholder_count == 0 || next_place(text, 0) == text.len)
        return false;
    text_room(out, room_for(call, text));
    return replace(call, text, false, spelling, out);
}

char *secrets_name(const struct live_call *call, struct slice text)
{
    struct text out;
    text_init(&out, SIZE_MAX / 2);
    if (!replace(call, text, true, SECRET_PLAIN, &out))
        text_add(&out, text.ptr, text.len);
    return text_take(&out);
}

json_t *secrets_name_json(const struct live_call *call, json_t *value)
{
    if (call->placeholder_count == 0 || !value)
        return json_incref(value);
    AUTO(text_done) struct text written, named;
    text_init(&written, SIZE_MAX / 2);
    text_init(&named, SIZE_MAX / 2);
    json_write(value, &written);
    json_t *result = NULL;
    if (!replace(call, text_slice(&written), true, SECRET_PLAIN, &named) ||
        json_read(text_slice(&named), SIZE_MAX / 2, &result, NULL) != ERR_OK)
        return json_incref(value);
    return result;
}

char *secrets_hide(const struct host *host, struct slice text, bool fold, size_t *ret_len)
{
    struct text out;
    text_init(&out, SIZE_MAX / 2);
    if (!vault_redact(host->vault, text, fold, &out)) {
        text_done(&out);
        return NULL;
    }
    if (ret_len)
        *ret_len = out.len;
    return text_take(&out);
}

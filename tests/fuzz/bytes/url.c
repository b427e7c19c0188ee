/* SPDX-License-Identifier: Apache-2.0
 *
 * A URL that a plugin asks for. What is let through is one spelling that stays as it is, that
 * libcurl reads as the same host, port and path with and without its own tidying, and in which
 * nothing stands that two readers could read differently.
 */
#include "bytes.h"

#include "egress/egress.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void claim_part(CURLU *parsed, CURLUPart part, const char *expected)
{
    char *found = NULL;
    curl_url_get(parsed, part, &found, CURLU_DEFAULT_PORT);
    struct slice bare = slice_of(found ? found : "");
    if (part == CURLUPART_HOST && slice_starts(bare, "["))
        bare = (struct slice){bare.ptr + 1, bare.len - 2};
    CLAIM(found && slice_is(bare, expected), "curl finds \"%s\" where \"%s\" was checked",
          found ? found : "nothing", expected);
    curl_free(found);
}

static void claim_read_alike(const struct egress_url *url, unsigned flags)
{
    char port[16];
    CURLU *parsed = curl_url();
    CLAIM(curl_url_set(parsed, CURLUPART_URL, url->text, flags) == CURLUE_OK, "curl refuses %s",
          url->text);
    snprintf(port, sizeof(port), "%u", url->port);
    claim_part(parsed, CURLUPART_SCHEME, url->scheme);
    claim_part(parsed, CURLUPART_HOST, url->host);
    claim_part(parsed, CURLUPART_PORT, port);
    claim_part(parsed, CURLUPART_PATH, url->path);
    if (url->query)
        claim_part(parsed, CURLUPART_QUERY, url->query);
    curl_url_cleanup(parsed);
}

/* What some servers decode before they look for slashes and dots. */
static void claim_plain_path(const char *path)
{
    for (const char *at = path; (at = strchr(at, '%')); at += 3) {
        char hex[3] = {at[1], at[1] ? at[2] : '\0', '\0'};
        char *end;
        unsigned long c = strtoul(hex, &end, 16);
        CLAIM(end == hex + 2 && c >= ' ' && c != 0x7F && c != '/' && c != '\\' && c != '.',
              "%%%s stands in the path %s", hex, path);
    }
    for (const char *at = path; at; at = strchr(at + 1, '/')) {
        struct slice name = {at + 1, strcspn(at + 1, "/;")};
        CLAIM(!slice_is(name, ".") && !slice_is(name, ".."), "dots stand in the path %s", path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(freep) char *text = xstrndup((const char *)data, size);
    AUTO(egress_url_done) struct egress_url url = {0}, again = {0};
    struct error err = {.code = ERR_OK, .text = ""};
    enum error_code code = egress_url_split(text, &url, &err);
    if (code != ERR_OK) {
        claim_error(code, &err);
        return 0;
    }
    CLAIM(egress_url_split(url.text, &again, &err) == ERR_OK, "%s, of %s", err.text, url.text);
    CLAIM(strcmp(url.text, again.text) == 0 && strcmp(url.path, again.path) == 0, "%s, then %s",
          url.text, again.text);
    CLAIM(url.path[0] == '/' && !strstr(url.path, "//") && !strstr(url.path, "/../"), "path %s",
          url.path);
    claim_plain_path(url.path);
    claim_read_alike(&url, CURLU_PATH_AS_IS);
    claim_read_alike(&url, 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs of the airline. What comes from outside is percent-encoded, so that a booking named
 * "../mails" stays a name.
 */
#include "airline.h"

#include <stdlib.h>

bool airline_configure(struct airline *a, seam_bytes config)
{
    size_t len = 0;
    char *url = seam_json_text(seam_json_at(config, "/url"), &len);
    while (len > 0 && url[len - 1] == '/')
        len--;
    bool fits = len > 0 && len < sizeof(a->base);
    if (fits) {
        memcpy(a->base, url, len);
        a->base[len] = '\0';
    }
    free(url);
    return fits;
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_';
}

bool airline_url(const struct airline *a, char ret_url[static URL_SIZE], const char *path,
                 const char *name, seam_bytes value)
{
    size_t value_len = 0;
    char *text = value.len == 0 ? NULL : seam_json_text(value, &value_len);
    int start = snprintf(ret_url, URL_SIZE, "%s%s%s%s%s", a->base, path, name == NULL ? "" : "?",
                         name == NULL ? "" : name, name == NULL ? "" : "=");
    size_t len = (size_t)start;
    bool fits = len + 3 * value_len < URL_SIZE;
    for (size_t i = 0; fits && i < value_len; i++)
        len += (size_t)snprintf(ret_url + len, URL_SIZE - len, is_plain(text[i]) ? "%c" : "%%%02X",
                                (unsigned char)text[i]);
    free(text);
    return fits;
}

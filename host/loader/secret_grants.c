/* SPDX-License-Identifier: Apache-2.0
 *
 * Which secrets a plugin may use, and where to: a name alone for every host that it may speak to,
 * or a name with the hosts, each with its port or with any. Where a secret stands is copied here;
 * nothing is read.
 */
#include "loader/secret_grants_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *secret_grant_name(const json_t *item)
{
    return json_string_value(json_is_object(item) ? json_object_get(item, "name") : item);
}

/* A host as grants.http has it: in lower case, without the brackets of an address. */
static void read_host(const char *said, struct secret_host *host)
{
    const char *colon = strrchr(said, ':');
    bool ported = colon && colon[1] && !strchr(colon, ']');
    host->port = ported ? (int)strtol(colon + 1, NULL, 10) : 0;
    host->name = xstrndup(said, ported ? (size_t)(colon - said) : strlen(said));
    size_t len = strlen(host->name);
    if (host->name[0] == '[' && host->name[len - 1] == ']') {
        memmove(host->name, host->name + 1, len - 2);
        host->name[len - 2] = '\0';
    }
    for (char *c = host->name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

void secret_grants_read(const struct manifest *m, const json_t *places, const json_t *list,
                        struct manifest_plugin *p)
{
    size_t index, at;
    const json_t *item, *host;
    p->secrets = xcalloc(json_array_size(list) + 1, sizeof(*p->secrets));
    json_array_foreach (list, index, item) {
        struct secret_grant *grant = &p->secrets[p->secret_count++];
        const json_t *place = json_object_get(places, secret_grant_name(item));
        const char *file = json_string_value(json_object_get(place, "file"));
        const char *variable = json_string_value(json_object_get(place, "env"));
        const json_t *hosts = json_object_get(item, "hosts");
        grant->name = xstrdup(secret_grant_name(item));
        grant->file = file ? manifest_resolve(m, file) : NULL;
        grant->variable = variable ? xstrdup(variable) : NULL;
        grant->hosts = xcalloc(json_array_size(hosts) + 1, sizeof(*grant->hosts));
        json_array_foreach (hosts, at, host)
            read_host(json_string_value(host), &grant->hosts[grant->host_count++]);
    }
}

bool secret_grant_allows(const struct secret_grant *grant, const char *host, int port)
{
    for (size_t i = 0; i < grant->host_count; i++)
        if (strcmp(grant->hosts[i].name, host) == 0 &&
            (grant->hosts[i].port == 0 || grant->hosts[i].port == port))
            return true;
    return grant->host_count == 0;
}

void secret_grants_done(struct manifest_plugin *p)
{
    for (size_t i = 0; i < p->secret_count; i++) {
        struct secret_grant *grant = &p->secrets[i];
        for (size_t k = 0; k < grant->host_count; k++)
            free(grant->hosts[k].name);
        free(grant->hosts);
        free(grant->name);
        free(grant->file);
        free(grant->variable);
    }
    free(p->secrets);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The instance: where the airline is, constant after create(), so that all calls may run at once.
 */
#ifndef AIRLINE_AIRLINE_H
#define AIRLINE_AIRLINE_H

#include <seam/sdk.h>

enum { BASE_SIZE = 512, URL_SIZE = 2048 };

struct airline {
    const seam_host *host;
    char base[BASE_SIZE]; /* "https://airline.example", no slash at its end */
};

/* False if the configuration has no "url" that fits. */
bool airline_configure(struct airline *a, seam_bytes config);

/* base + path, and behind it a string value in percent-encoding: "?name=value" with a name, else
 * the value as the last part of the path; absent = nothing. False if it does not fit. */
bool airline_url(const struct airline *a, char ret_url[static URL_SIZE], const char *path,
                 const char *name, seam_bytes value);

#endif

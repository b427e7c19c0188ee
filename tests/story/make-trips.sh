#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# make-trips.sh [TABLE] > trips.jsonl: forty trips between cities of the time zone database, always
# the same ones for the same table. trips.jsonl is kept, since tables differ between systems.
set -eu
LC_ALL=C awk -F '\t' '
# The minimal standard generator of Park and Miller: exact in doubles.
function draw(n) {
    seed = seed * 16807 % 2147483647
    return seed % n
}
BEGIN { seed = 20270301 }
/^#/ { next }
{
    zone = $3
    sub(/.*\//, "", zone)
    gsub(/_/, " ", zone)
    if (zone ~ /^[A-Z][a-z]+([ -][A-Z][a-z]+)?$/ && $3 !~ /^(Antarctica|Etc)\//)
        city[count++] = zone
}
END {
    for (trip = 1; trip <= 40; trip++) {
        stops = 2 + draw(3)
        split("", taken)
        route = ""
        for (i = 0; i < stops; i++) {
            do at = draw(count)
            while (at in taken)
            taken[at] = 1
            route = route (i == 0 ? "" : " to ") city[at]
        }
        nights = 1 + draw(4)
        date = sprintf("2027-%02d-%02d", 1 + draw(12), 1 + draw(28))
        passengers = 1 + draw(4)
        printf "{\"reference\":\"T-%04d\",\"goal\":\"%s, %d night%s each, starting %s%s\",", trip,
            route, nights, nights == 1 ? "" : "s", date, draw(4) == 0 ? ", and back" : ""
        printf "\"passengers\":%d,\"max_price\":60000,\"email\":\"t%04d@example.org\"}\n",
            passengers, trip
    }
}' "${1:-/usr/share/zoneinfo/zone1970.tab}"

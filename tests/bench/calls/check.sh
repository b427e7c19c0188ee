#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check.sh BENCH-CALLS: two hundred calls over twenty connections, or over those of HTTP/2: each is asked
# once, connections are used again, and there is one thread for I/O. Says nothing of speed.
set -euo pipefail
out=$("$1" --calls 200 --delay 5 --connections 20 --json)
echo "$out"
jq -e '.calls == 200 and .ratio > 0 and .bare.requests == 200 and .seam.requests == 200
    and .seam.at_once <= 20 and .seam.connections <= 21 and .seam.threads <= 4
    and (.http2 == null or (.http2.bare.requests == 200 and .http2.seam.requests == 200
        and .http2.seam.connections <= 3 and .http2.seam.threads <= 4))' <<<"$out" >/dev/null

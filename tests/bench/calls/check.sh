#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check.sh BENCH-CALLS: two hundred calls over twenty connections: each is asked once, connections are
# used again, and no thread is added for calls. Says nothing of speed.
set -euo pipefail
out=$("$1" --calls 200 --delay 5 --connections 20 --json)
echo "$out"
jq -e '.calls == 200 and .ratio > 0 and .bare.requests == 200 and .seam.requests == 200
    and .seam.at_once <= 20 and .seam.connections <= 21 and .seam.threads <= 3' <<<"$out" >/dev/null

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What `make test` runs: the card, the flow's proof and its rehearsals, then the plugin itself, in a
# worker process and in the host's own. Nothing is left behind.
set -eu
seam=${SEAM:-seam}
journal=$(mktemp -d)
trap 'rm -rf "$journal"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

"$seam" plugins inspect @NAME@.so >"$journal/card.json" || fail "the card is refused"
"$seam" check flow.yaml || fail "the flow does not hold"
"$seam" test flow.yaml || fail "a rehearsal does not come out as it should"

for isolation in worker in-process; do
    cat >"$journal/seam.yaml" <<END
manifest: 1
plugins:
  @NAME@: {path: "$PWD/@NAME@.so", isolation: $isolation}
END
    said=$("$seam" run flow.yaml --manifest "$journal/seam.yaml" --memory --quiet --json \
        --set 'name="A \"quoted\" \u00e9"') || fail "$isolation: the run failed: $said"
    case $said in
        *'Hello, A \"quoted\" é!'*) echo "$isolation: greeted" ;;
        *) fail "$isolation: it said $said" ;;
    esac
done

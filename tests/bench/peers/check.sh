#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check.sh PROGRAM: the benchmark beside peers without the peers, so that no network is wanted: that
# Seam's rows and the loop are measured, held against each other and printed, that what is left out is
# said, and that a row nobody knows is an error. No speed.
set -eu
program=$1
here=$(cd "$(dirname "$0")" && pwd)
command -v node >/dev/null && command -v jq >/dev/null || exit 77
work=$(mktemp -d "${TMPDIR:-/tmp}/seam-peers-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
export TMPDIR="$work"

bench() { node "$here/run.mjs" "$program" --quick --alone "$@" 2>err; }
fail() { echo "FAILED: $*"; cat out err; exit 1; }

bench --json 'chain x1 in-process steps' >out || fail 'a row of Seam'
jq -e '.rows | length == 1' out >/dev/null || fail 'one row was asked for'
jq -e '.rows[0] | .seam > 0 and .floor > 0 and (.peers == {}) and
       (.goals[0] | .beside == "floor" and .least == 0.8 and .met == (.ratio >= 0.8)) and
       (.goals[0].ratio - .seam / .floor | fabs) < 1e-9' out >/dev/null || fail 'the ratio to the loop'
jq -e '.skipped | keys == ["dbos", "langgraph", "mastra", "restate"]' out >/dev/null ||
    fail 'peers left out are told'
jq -e '.machine.quick and .machine.rounds == 1' out >/dev/null || fail 'what was run is told'

bench 'chain x1 in-process steps' >out || fail 'the table'
grep -Eq '^chain x1 in-process steps .* x SQLite loop +>= 0.8 +(yes|NO)$' out || fail 'the row'
grep -q '^skipped: dbos: left out' out || fail 'skipped'

bench --json 'chain x1 in-process memory' >out || fail 'a row without a peer'
jq -e '.rows[0].goals | length == 2 and all(has("met") | not)' out >/dev/null ||
    fail 'a goal with nobody beside it is neither met nor missed'

bench --json 'long 10 in' >out || fail 'steps in numbers'
jq -e '.flat[0] | (.us | length) == 4 and (.us | all(. > 0)) and .rise > 0' out >/dev/null || fail 'flat'

if bench 'a row that nobody knows' >out; then fail 'an unknown row was no failure'; fi
grep -q 'there is no row with a row that nobody knows' err || fail 'it is not named'
if bench --rounds none >out; then fail 'a wrong option was no failure'; fi
[ -z "$(find "$work" -mindepth 1 -name 'seam-*')" ] || fail 'folders are left behind'
echo ok

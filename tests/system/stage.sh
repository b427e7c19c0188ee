# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of the command line share, to be sourced: an empty folder to work in, a world, a
# manifest, and words to claim things with. Each test starts what it needs, and what it started ends
# with it. Nothing here waits for a time: `await` asks again until it is so, and the test's own time
# limit ends what never is.
#
# Wants $1, the build folder.

set -euo pipefail
BUILD=$1
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
STORY=$SOURCE/tests/story
PLUGINS=$BUILD/plugins
SINS=$BUILD/tests/plugins/so
SEAM=$BUILD/bin/seam
STATE=$(mktemp -d "${TMPDIR:-/tmp}/seam-system.XXXXXX")
[ -n "${KEEP:-}" ] || trap 'rm -rf "$STATE"' EXIT
cd "$STATE"
unset SEAM_MANIFEST NO_COLOR XDG_CONFIG_HOME
export HOME=$STATE TZ=UTC TERM=xterm
CLAIM=''

claim() {
    CLAIM=$*
    echo "- $CLAIM"
}

die() {
    echo "FAILED: $CLAIM: $*"
    [ ! -f out ] || { echo "--- stdout"; head -c 3000 out; }
    [ ! -f err ] || { echo "--- stderr"; head -c 3000 err; }
    exit 1
} >&2

seam() { "$SEAM" "$@"; }

# guide GUIDE.md: writes the files that it shows, and its commands as the file `commands`. What a
# block is, a comment before it says: "test: file NAME" or "test: run".
guide() {
    awk '
    /^ *<!-- test: file .* -->$/ { file = $4; next }
    /^ *<!-- test: run -->$/ { file = "commands"; next }
    /^ *```/ && inside { inside = 0; close(file); file = ""; next }
    /^ *```/ && file != "" { inside = 1; match($0, /^ */); indent = RLENGTH; printf "" >file; next }
    inside { print substr($0, indent + 1) >file }' "$1"
}

# sanitized [KIND]: was this build made under a sanitizer, or one of that kind?
sanitized() { grep -q "^SEAM_SANITIZE:STRING=.*${1:-.}" "$BUILD/CMakeCache.txt"; }

# How a crash is told. A sanitizer takes the signal and exits with a status of its own.
segfault='killed by SIGSEGV'
if sanitized address; then segfault='exited with status 1'; fi
if sanitized thread; then segfault='exited with status 66'; fi

# try EXIT COMMAND…: its output in out and err; it must end with that code.
try() {
    local expected=$1 code=0
    shift
    "$@" >out 2>err || code=$?
    [ "$code" = "$expected" ] || die "\`$*\` ended with $code, not $expected"
}

# says FILE WORDS…: each of them stands in the file.
says() {
    local file=$1 words
    shift
    for words in "$@"; do
        grep -qF -- "$words" "$file" || die "$file does not say: $words"
    done
}

lacks() {
    local file=$1 words
    shift
    for words in "$@"; do
        ! grep -qF -- "$words" "$file" || die "$file says: $words"
    done
}

# holds FILTER: jq finds it true of what was printed, which is JSON and nothing else.
holds() { jq -e "$1" out >/dev/null || die "this does not hold of the output: $1"; }

# await COMMAND…: until it succeeds. Between two questions others have the processor, for they are
# who makes it so.
await() {
    local nothing
    exec {nothing}<> <(:)
    until "$@"; do read -r -t 0.02 -u "$nothing" || true; done
    exec {nothing}<&-
}

# ---- a world, and the story in it ----

# raise_world KNOB…: a world of this test's own; its port in PORT. It ends with this shell.
raise_world() {
    local line world
    exec {world}< <(exec setpriv --pdeathsig KILL "$BUILD/bin/world" --ledger ledger.db "$@")
    read -r line <&"$world" || die "the world did not start"
    PORT=${line##*:}
}

knob() { curl -sS -o /dev/null -X POST "http://127.0.0.1:$PORT/_knobs" -d "$1"; }
ledger() { sqlite3 -readonly -cmd '.timeout 10000' ledger.db "$1"; }
arrived() { [ "$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq '.arrivals')" -ge "$1" ]; }

# story KNOB…: the flow of the story in book-trip.yaml, its manifest, a trip, a world.
story() {
    raise_world "$@"
    cp "$STORY"/*.yaml "$STORY"/*.json .
    sed -e "s|@WORLD_PORT@|$PORT|g" -e "s|@PLUGINS@|$PLUGINS|g" -e "s|@STORY@|$STATE|g" \
        -e "s|@STATE@|$STATE|g" "$STORY/seam.yaml.in" >seam.yaml
    head -n 1 "$STORY/trips.jsonl" >trip.json
}

# ---- one plugin, and a flow of one step ----

# stage PLUGIN.so [ISOLATION]: a manifest with this plugin as `p`.
stage() {
    cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  p: {path: "$1", isolation: ${2:-worker}}
escalation: {ops: {}}
END
}

# one_step AGENT: one.yaml, a flow that hands its input to the agent.
one_step() {
    cat >one.yaml <<END
flow: one
version: 1.0.0
budget: {attempts: 3, calls: 6, time: 1m, recovery: {calls: 3}}
steps:
  act:
    agent: p/$1
    input: "\${ .input }"
    timeout: {start_to_close: 1s, schedule_to_close: 5s}
    retry: {max_attempts: 2, initial_interval: 10ms}
output: {as: "\${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
}

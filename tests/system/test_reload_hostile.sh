#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Reloads against what may go wrong beside them: many at once, a manifest that is gone, huge or
# broken, a plugin that hangs as it ends, a worker that is killed while it is tested or drains, and
# a host that is killed meanwhile. What served goes on.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

manifest() { # CONFIG [MORE]
    cat >next.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
escalation: {ops: {}}
serve: {listen: "unix:seam.sock"}
reload: {probation: 0s, watch: none}
plugins: {p: {path: one.so, config: $1, limits: {drain: 300ms}${2:-}}}
flows: [one.yaml]
END
    mv next.yaml seam.yaml
}
web() { curl -sS --unix-socket seam.sock "http://localhost/v1/$1" "${@:2}"; }
states() { web plugins | jq -r '.plugins[0].generations | map("\(.generation) \(.state)") | join(", ")'; }
is() { [ "$(states)" = "$1" ]; }
has() { [[ $(states) == *"$1"* ]]; }
pid_of() { web plugins | jq -r --arg s "$1" '.plugins[0].generations[] | select(.state == $s).pid'; }
begin() { # ID N
    web runs -H 'Content-Type: application/json' \
        --data-binary "{\"flow\": \"one\", \"id\": \"$1\", \"input\": $2}" >begun
}
done_as() { [ "$(seam show "$1" --json 2>/dev/null | jq -c '[.status, .output]')" = "[\"done\",$2]" ]; }

cp "$SINS/behaves.so" one.so
cat >one.yaml <<'END'
flow: one
version: 1.0.0
budget: {attempts: 20, calls: 40, time: 1m}
steps:
  act:
    agent: p/act
    input: "${ .input }"
    retry: {max_attempts: 10, initial_interval: 10ms}
output: {as: "${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
manifest '{}'
serve_at

claim "a manifest that is gone, huge or broken changes nothing"
mv seam.yaml kept.yaml
try 4 seam reload --listen unix:seam.sock
head -c 70000000 /dev/zero >seam.yaml
try 4 seam reload --listen unix:seam.sock
printf 'plugins: {p: ' >seam.yaml
try 4 seam reload --listen unix:seam.sock
mv kept.yaml seam.yaml
is '1 serving' || die "$(states)"

claim "limits alone make no other generation of what they do not start"
manifest '{}' ', agents: {act: {rate: {calls: 1000, per: 1s}}}'
try 0 seam reload
says out 'kept'

claim "a hundred signals at once are one reload or two"
manifest '{a: 1}'
for i in {1..100}; do kill -HUP "$SERVER"; done
await is '2 serving'
[ "$(curl -sS --unix-socket seam.sock http://localhost/metrics | awk '$1 == "seam_reloads_total" { print $2 }')" -le 5 ] ||
    die "each was a reload of its own"

claim "a generation that is killed while it is tested is not taken"
manifest '{as: is-slow-to-test, ms: 3000}'
seam reload >out 2>err &
reload=$!
tested() { [ "$(web plugins | jq '.plugins[0].generations[] | select(.state == "starting").calls')" = 2 ]; }
await tested
kill -KILL "$(pid_of starting)"
! wait "$reload" || die "it was taken"
says err 'self-test'
is '2 serving' || die "$(states)"

claim "one that is killed while it drains loses no call, and one that hangs as it ends is ended"
manifest '{as: hangs-at-last, ms: 5000}'
try 0 seam reload
begin long 4
called() { [ "$(web plugins | jq '.plugins[0].generations[0].calls')" = 1 ]; }
await called
manifest '{a: 3}'
try 0 seam reload
has 'draining' || die "$(states)"
kill -KILL "$(pid_of draining)"
await done_as long 8
manifest '{as: hangs-at-last}'
try 0 seam reload
manifest '{a: 4}'
try 0 seam reload
serving() { [[ $(states) =~ ^[0-9]+\ serving$ ]]; }
await serving

claim "a host that is killed while it reloads goes on with the manifest that is there"
manifest '{as: is-slow-to-test, ms: 3000}'
begin left 6
seam reload >out 2>err &
await has 'starting'
manifest '{a: 5}'
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null || true
wait
exec {told}<&-
rm -f seam.sock
serve_at
await done_as left 12
stop
[ "$GONE" = 0 ] || die "it ended with $GONE"

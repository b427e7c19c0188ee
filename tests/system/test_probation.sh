#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a reload brings is tested before it is called, watched after that, and goes back when it has
# too many faults: the runs that met it are done, nothing loops, and whoever looks is told.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

manifest() { # CONFIG [LIBRARY] [RELOAD] [MORE OF THE PLUGIN] [PLUGINS]
    cat >next.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
escalation: {ops: {}}
serve: {listen: "unix:seam.sock"}
reload: {${3:-watch: none}}
plugins:
  p: {path: ${2:-one.so}, config: $1${4:-}}
  ${5:-}
flows: [one.yaml]
END
    mv next.yaml seam.yaml
}
web() { curl -sS --unix-socket seam.sock "http://localhost/v1/$1" "${@:2}"; }
states() { web plugins | jq -r '.plugins[0].generations | map("\(.generation) \(.state)") | join(", ")'; }
is() { [ "$(states)" = "$1" ]; }
begin() { # ID N
    web runs -H 'Content-Type: application/json' \
        --data-binary "{\"flow\": \"one\", \"id\": \"$1\", \"input\": $2}" >begun
}
done_as() { [ "$(seam show "$1" --json 2>/dev/null | jq -c '[.status, .output]')" = "[\"done\",$2]" ]; }

cp "$SINS/behaves.so" one.so
(cat one.so && echo) >two.so
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
is '1 serving' || die "$(states)"

claim "what does not answer its examples is not taken"
manifest '{as: triples}'
try 4 seam reload
says err 'self-test' 'example 1' 'expected 42, found 63'
is '1 serving' || die "$(states)"

claim "nor what does not pass the self_test of the manifest"
manifest '{a: 1}' one.so '' ', self_test: [{agent: act, input: 4, output: 9}]'
try 4 seam reload
says err 'self_test 1 of the manifest' 'expected 9, found 8'
manifest '{a: 1}' one.so '' ', self_test: [{agent: nothing, input: 4}]'
try 4 seam reload
says err 'self_test[0]' 'no pure agent'

claim "what ends its worker goes back, and the run that met it is done"
manifest '{as: crashes}' two.so
try 0 seam reload
says out 'replaced  generation 2'
is '2 probation, 1 kept' || die "$(states)"
begin met 7
await is '1 serving'
await done_as met 14
try 0 seam explain met
says out 'moved' 'generation 1 of plugin p, which was gone back to' "$segfault"
web plugins >out
holds '.plugins[0].went_back | .from == 2 and (.reason | test("3 faults.*worker ended"))'
curl -sS --unix-socket seam.sock http://localhost/readyz >out
holds '.status == "degraded" and (.note | test("went back from generation 2"))'
says server.err 'the generation before is called again'

claim "it does not go there again unasked; by name it does"
try 4 seam reload
says err 'fell back before' '--again'
kill -HUP "$SERVER"
try 0 seam plugins
says out 'running: generation 1, serving' 'went back'
is '1 serving' || die "$(states)"
try 0 seam reload --again
is '3 probation, 1 kept' || die "$(states)"

claim "what is asked for meanwhile ends the probation; two generations are the most"
manifest '{a: 2}'
try 0 seam reload
is '4 probation, 3 kept' || die "$(states)"

claim "answers that break their contract make it go back, too; a library goes back from its own copy"
manifest '{as: breaks}' two.so
try 0 seam reload
rm one.so
for i in {1..5}; do begin "wrong-$i" "$i"; done
await is '4 serving'
for i in {1..5}; do await done_as "wrong-$i" $((2 * i)); done
try 0 seam explain wrong-1
says out 'moved' 'was gone back to' 'broke their contract'

claim "what is well passes, and what was kept ends"
manifest '{a: 3}' two.so 'watch: none, probation: 200ms'
try 0 seam reload
await is '6 serving'

claim "without a probation nothing is kept"
manifest '{a: 4}' two.so 'watch: none, probation: 0s'
try 0 seam reload
await is '7 serving'

claim "a library that changes is taken where it is watched, once it is whole"
manifest '{a: 4}' two.so 'watch: plugins, probation: 0s'
try 0 seam reload
head -c 5000 two.so >half
cat half >two.so
refused() { grep -q 'two.so' server.err; }
await refused
is '7 serving' || die "$(states)"
(cat "$SINS/behaves.so" && echo more) >next.so
mv next.so two.so
await is '8 serving'
begin last 5
await done_as last 10
stop
[ "$GONE" = 0 ] || die "it ended with $GONE"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam run --record and --replay: a real run becomes fixtures, and the flow runs on them when nothing
# of what it called is there any more.
. "$(dirname "$0")/stage.sh"
story

claim "a run of the real world is recorded, and prints what it would have"
try 0 seam run book-trip.yaml --input trip.json --id real --record kept
jq -e .booking out >/dev/null || die "that is not the run's output"
says err 'kept/real.yaml: run real, played again with the same decisions'
cp out first
seam show real --json >shown

claim "it runs on them without the world, without plugins, and without a trace in the journal"
knob '{"outage": 1}' || true
sed -i 's|path: .*\.so|path: nowhere.so|; s|path: "[^"]*"|path: "nowhere.so"|' seam.yaml
mkdir -p kept/cards
for plugin in airline mail travel; do
    "$SEAM" plugins inspect "$PLUGINS/$plugin.so" >"kept/cards/$plugin.json"
done
arrivals=$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)
try 0 seam run book-trip.yaml --replay kept
says out 'pass' '1 passed, 0 failed'
[ "$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)" = "$arrivals" ] || die "something was sent"
seam show real --json | cmp -s - shown || die "the journal is another"

claim "with --json the run's result is all that stands on standard output"
stage "$PLUGINS/hello.so"
cat >hello.yaml <<'END'
flow: hello
version: 1.0.0
input:
  schema: {type: object, properties: {name: {type: string, minLength: 1, maxLength: 200}}, required: [name]}
budget: {attempts: 5, calls: 5, time: 1m}
steps:
  greet:
    agent: p/greet
    input: {name: "${ .input.name }"}
    assert: [{that: "${ (.output.greeting | length) <= 50 }", message: it is long}]
output: {as: "${ .steps.greet.output.greeting }"}
END
try 0 seam run hello.yaml --set name=Ada --id h1 --record k2 --json
holds '.status == "done" and .output == "Hello, Ada!"'
[ "$(jq -s length out)" = 1 ] || die "more than one value"
try 0 seam run hello.yaml --replay k2 --json
holds '.passed == 1'

claim "a run that fails is recorded too, and keeps its exit code"
try 1 seam run hello.yaml --set name="$(printf 'a%.0s' {1..100})" --id h2 --record k3
[ -s k3/h2.yaml ] || die "it was not recorded"
try 0 seam run hello.yaml --replay k3

claim "an answer that was changed by hand is noticed"
sed -i 's/Hello, Ada!/Hello, Bob!/' k2/h1.yaml
sed -i '0,/Hello, Bob!/s//Hello, Eve!/' k2/h1.yaml
try 1 seam run hello.yaml --replay k2
says out 'Hello, Eve!' 'Hello, Bob!'

claim "what cannot be recorded or replayed is said before anything runs"
try 2 seam run hello.yaml --set name=A --memory --record k4
says err 'needs a journal'
echo '{"name": "A"}' >lines.jsonl
try 2 seam run hello.yaml --each lines.jsonl --record k4
try 2 seam run hello.yaml --replay k2 --set name=A
says err '--replay goes without --set'
try 2 seam run hello.yaml --replay nowhere
[ ! -e k4 ] || die "something was made"

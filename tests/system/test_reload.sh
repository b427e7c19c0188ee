#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam reload: another manifest, while runs are under way. What is new begins beside what runs; what
# is wrong changes nothing; no call is lost, and none is made twice.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

manifest() { # LIBRARY CONFIG [MORE]
    cat >next.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
escalation: {ops: {}}
serve: {listen: "unix:seam.sock"}
reload: {probation: 0s}
plugins: {p: {path: $1, config: $2}${3:-}}
flows: [one.yaml]
END
    mv next.yaml seam.yaml
}
generation() {
    curl -sS --unix-socket seam.sock http://localhost/v1/plugins |
        jq -r '.plugins[] | select(.plugin == "p") | "\(.generation) \(.status) \(.pid)"'
}
begin() { # ID
    curl -sS --unix-socket seam.sock http://localhost/v1/runs -H 'Content-Type: application/json' \
        --data-binary "{\"flow\": \"one\", \"id\": \"$1\", \"input\": {\"n\": 1}}" >begun
}
is_done() { [ "$(seam runs --status running --json | jq -s 'flatten | length')" = 0 ]; }

cp "$SINS/sleeps.so" plugin.so
stage "$PWD/plugin.so"
one_step act
manifest plugin.so '{}'
serve_at

claim "what is the same is kept"
try 0 seam reload
says out "kept      generation 1"
read -r _ _ first < <(generation)

claim "another configuration is another generation, beside the one that is called"
for i in {1..40}; do begin "run-$i"; done
manifest plugin.so '{"a": 1}'
try 0 seam reload
says out "replaced  generation 2"
read -r number status second < <(generation)
[ "$number $status" = "2 ready" ] || die "generation $number is $status"
[ "$second" != "$first" ] || die "the worker is the same"
for i in {41..50}; do begin "run-$i"; done
await is_done
try 0 seam runs --json
[ "$(jq -s 'flatten | map(select(.status == "done")) | length' out)" = 50 ] || die "not all are done"
gone() { ! kill -0 "$first" 2>/dev/null; }
await gone

claim "a manifest with an error changes nothing, and the error is told"
echo 'plugins: 7' >seam.yaml
try 4 seam reload --listen unix:seam.sock
says err 'seam.yaml'
manifest nothing.so '{}'
try 4 seam reload
says err 'nothing.so'
read -r number status pid < <(generation)
[ "$number $status $pid" = "2 ready $second" ] || die "it is $number $status $pid"

claim "a plugin that does not come up changes nothing"
manifest "$SINS/crashes_in_constructor.so" '{}'
try 4 seam reload
says err 'does not come up'
read -r number status pid < <(generation)
[ "$number $status $pid" = "2 ready $second" ] || die "it is $number $status $pid"

claim "plugins come and go"
manifest plugin.so '{"a": 1}' ", q: {path: $SINS/echo.so}"
try 0 seam reload
says out "q            new"
manifest plugin.so '{"a": 1}'
try 0 seam reload
says out "q            removed"

claim "SIGHUP does the same"
manifest plugin.so '{"a": 2}'
kill -HUP "$SERVER"
is_third() { [[ $(generation) == "3 ready"* ]]; }
await is_third

claim "so does a change of the file"
manifest plugin.so '{"a": 3}'
is_fourth() { [[ $(generation) == "4 ready"* ]]; }
await is_fourth

claim "a run goes on with what is new; nothing of it is lost or done twice, and it is recorded"
cat >one.yaml <<'END'
flow: one
version: 1.0.0
budget: {attempts: 3000, calls: 9000, time: 5m}
steps:
  act: {agent: p/act, for_each: "${ .input.items }", input: "${ .item }"}
output: {as: "${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
try 0 seam reload
jq -nc '{flow: "one", id: "long", input: {items: [range(1500)]}}' >long.json
curl -sS --unix-socket seam.sock http://localhost/v1/runs -H 'Content-Type: application/json' \
    --data-binary @long.json >begun
cp "$SINS/echo.so" plugin2.so
manifest plugin2.so '{"a": 3}'
again() { seam reload >out 2>err; }
await again
is_fifth() { [[ $(generation) == "5 ready"* ]]; }
await is_fifth
await is_done
try 0 seam show long --json
holds '.status == "done" and (.output | length) == 1500'
curl -sS --unix-socket seam.sock 'http://localhost/v1/runs/long/events?limit=1000' >out
holds '[.events[].event.kind] | index("moved") != null'
try 0 seam explain long --json
holds '[.[].moved // empty] | length > 0 and all(.[]; .agent == "p/act" and (.library | length) == 64
       and (.message | contains("generation 5 of plugin p")))'
curl -sS --unix-socket seam.sock http://localhost/v1/runs/long/explain >out
holds '[.[].moved // empty] | length > 0'

claim "a card that is not proven to serve a run under way is refused, with run, step and witness"
manifest plugin.so '{"a": 3}'
await again
jq -c '.id = "stuck"' long.json >stuck.json
curl -sS --unix-socket seam.sock http://localhost/v1/runs -H 'Content-Type: application/json' \
    --data-binary @stuck.json >begun
cp "$SINS/writes.so" writes.so
manifest writes.so '{}'
try 4 seam reload
says err 'run stuck, step act' 'effect' 'nothing has changed'
[[ $(curl -sS --unix-socket seam.sock http://localhost/v1/plugins) == *plugin.so* ]] || die "it was taken"
await is_done
await again
[[ $(curl -sS --unix-socket seam.sock http://localhost/v1/plugins) == *writes.so* ]] || die "it was not taken"

claim "a write that has begun an effect is tried again where it began, while that drains"
cp "$SINS/does_as_told.so" told.so
LC_ALL=C sed 's/told-to/sold-to/' told.so >sold.so
cat >one.yaml <<'END'
flow: one
version: 1.0.0
budget: {attempts: 9, calls: 9, time: 1m}
steps:
  act: {agent: p/make, input: "${ .input }", retry: {max_attempts: 3, initial_interval: 1s, backoff_coefficient: 1}}
output: {as: "${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
manifest told.so '{}'
try 0 seam reload
effect='{"op": "effect.begin/1", "body": {"name": "it", "request": 1}}, {"op": "effect.commit/1", "body": {"name": "it", "result": 1}}'
curl -sS --unix-socket seam.sock http://localhost/v1/runs -H 'Content-Type: application/json' \
    --data-binary "{\"flow\": \"one\", \"id\": \"bound\", \"input\": {\"ops\": [$effect], \"fail\": 2}}" >begun
codes() {
    curl -sS --unix-socket seam.sock 'http://localhost/v1/runs/bound/events?limit=1000' |
        jq -r '[.events[].event | select(.kind == "ended") | .code // "-"] | join(" ")'
}
failed_once() { [[ $(codes) == told-to* ]]; }
await failed_once
manifest sold.so '{}'
try 0 seam reload
await is_done
[ "$(codes)" = 'told-to told-to -' ] || die "its attempts ended with: $(codes)"
stop
[ "$GONE" = 0 ] || die "it ended with $GONE"

claim "without a server it says so"
try 2 seam reload
says err 'no server answers'

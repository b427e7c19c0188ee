#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam serve: it starts what the manifest names, says when it is ready, begins runs, tells of them,
# takes answers and cancels, and stops. Every answer is held to schemas/openapi.json.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

stage "$SINS/echo.so"
one_step act
cat >asking.yaml <<END
flow: asking
version: 1.0.0
budget: {attempts: 3, calls: 6, time: 1m}
steps:
  act:
    agent: p/act
    input: "\${ .input }"
    assert: [{that: "\${ .output.good == true }", message: it is not good}]
    retry: {max_attempts: 1}
    on_failure: escalate
output: {as: "\${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
sed 's/^flow: one/flow: strict\ninput: {schema: {type: object, required: [a], properties: {a: {type: integer}}, additionalProperties: false}}/' \
    one.yaml >strict.yaml
echo 'flow: broken' >broken.yaml
cat >many.yaml <<END
flow: many
version: 1.0.0
budget: {attempts: 500, calls: 500, time: 1m}
input: {schema: {type: array, items: {type: integer}}}
steps: {act: {agent: p/act, for_each: "\${ .input }", input: "\${ .item }"}}
END
cat >>seam.yaml <<END
flows: [one.yaml, asking.yaml, strict.yaml, broken.yaml, many.yaml]
END

claim "it is ready when its plugins are, and says what it serves without"
serve
[[ $NOTE == *broken.yaml* ]] || die "the note says: $NOTE"
ask 200 GET /healthz
ask 200 GET /readyz
holds '.status == "degraded"'
ask 200 GET /v1/flows
holds '[.flows[].status] == ["ready", "ready", "ready", "refused", "ready"] and .flows[2].input.required == ["a"]'
ask 200 GET /v1/plugins
holds '.plugins | length == 1 and .[0].status == "ready" and .[0].pid > 0'
ask 200 GET /openapi.json
cmp -s out "$SOURCE/schemas/openapi.json" || die "it is not the file"

claim "a run begins once for an id, or for a key, however often it is asked for"
post 201 /v1/runs '{"flow": "one", "input": {"a": 1}, "id": "first"}'
says head '/v1/runs/first'
post 200 /v1/runs '{"flow": "one", "input": {"a": 1}, "id": "first"}'
post 409 /v1/runs '{"flow": "one", "input": {"a": 2}, "id": "first"}'
post 201 /v1/runs '{"flow": "one.yaml", "input": {"b": 1}}' -H 'Idempotency-Key: "order 17/ä"'
id=$(jq -r .run out)
post 200 /v1/runs '{"flow": "one", "input": {"b": 1}}' -H 'Idempotency-Key: "order 17/ä"'
[ "$(jq -r .run out)" = "$id" ] || die "another run"
post 422 /v1/runs '{"flow": "one", "id": "x"}' -H 'Idempotency-Key: y'
post 201 /v1/runs '{"flow": "one"}'

claim "what cannot begin is refused with the reason"
post 404 /v1/runs '{"flow": "../one.yaml2"}'
post 422 /v1/runs '{"flow": "broken.yaml"}'
post 422 /v1/runs '{"flow": "broken"}'
says out 'broken.yaml is refused' ': at 1:1, '
post 422 /v1/runs '{"flow": "strict", "input": {}}'
says out 'required'
post 422 /v1/runs '{"flow": 3}'
post 422 /v1/runs '{"flow": "one", "inptu": {}}'
says out inptu
post 422 /v1/runs '[]'
post 400 /v1/runs '{"flow":'
post 422 /v1/runs '{"flow": "one", "id": "a b"}'
ask 415 POST /v1/runs -d '{}'
ask 405 PUT /v1/runs
says head 'Allow: GET'
ask 404 GET /v1/run
ask 404 GET /v1/runs/none
ask 400 GET '/v1/runs?statsu=done'
says out statsu

claim "what is told of a run is what the command line tells"
await_status() { ask 200 GET "/v1/runs/$1" && [ "$(jq -r .status out)" = "$2" ]; }
await await_status first done
jq -S . out >told
seam show first --json | jq -S . >shown
cmp -s told shown || die "$(diff told shown)"
ask 200 GET /v1/runs/first/explain
jq -S . out >told
seam explain first --json | jq -S . >shown
cmp -s told shown || die "$(diff told shown)"
ask 200 GET '/v1/runs/first/explain?step=act'
ask 404 GET '/v1/runs/first/explain?step=nobody'
ask 200 GET /v1/runs/first/events
holds '.events | map(.seq) == [range(1; length + 1)]'
ask 200 GET '/v1/runs/first/events?after=1&limit=1'
holds '.events[0].seq == 2'
ask 200 GET '/v1/runs?limit=2'
holds '(.runs | length == 2) and .next != null'
next=$(jq -r .next out) seen=$(jq -r '.runs[].run' out)
ask 200 GET "/v1/runs?limit=2&cursor=$next"
holds '(.runs | length == 1) and .next == null and .runs[0].run == "first"'
[[ $seen != *first* ]] || die "a run twice"
ask 200 GET '/v1/runs?status=failed'
holds '.runs == []'

claim "a long run is read in pieces, and its tasks come in pages"
post 201 /v1/runs "{\"flow\": \"many\", \"input\": $(seq 300 | jq -sc .), \"id\": \"many\"}"
many_done() { curl -sS "$AT/v1/runs/many" | jq -e '.status == "done"' >/dev/null; }
await many_done
ask 200 GET /v1/runs/many
holds '(.tasks | length) == 300 and .tasks_next == null and .spent_by[0].tasks == 300'
jq -c '.tasks[].path' out >whole
: >pages
next=0
while [ "$next" != null ]; do
    ask 200 GET "/v1/runs/many?after=$next&limit=130"
    jq -c '.tasks[].path' out >>pages
    holds '.tasks_count == 300 and .spent_by[0].tasks == 300'
    next=$(jq .tasks_next out)
done
cmp -s whole pages || die "the pages are not the whole"
ask 400 GET '/v1/runs/many?after=301'
says out 'has 300 tasks'
ask 400 GET '/v1/runs/many?limit=1001'

claim "a question is answered over HTTP, once, by what it accepts"
post 201 /v1/runs '{"flow": "asking", "input": {"good": false}, "id": "q"}'
await await_status q waiting
revision=$(jq '.tasks[0].question.revision' out)
post 404 /v1/runs/q/answer '{"step": "nobody", "deny": true}'
post 422 /v1/runs/q/answer '{"step": "act", "answer": "what?"}'
post 422 /v1/runs/q/answer '{"step": "act"}'
post 409 /v1/runs/q/answer '{"step": "act", "revision": 99, "answer": {"output": {"good": true}}}'
post 200 /v1/runs/q/answer "{\"step\": \"act\", \"revision\": $revision, \"answer\": {\"output\": {\"good\": true}}}"
holds '.who | startswith("somebody at 127.0.0.1")'
await await_status q done
post 409 /v1/runs/q/answer '{"step": "act", "answer": {"output": {"good": true}}}'
post 409 /v1/runs/q/cancel '{}'

claim "a run is cancelled"
post 201 /v1/runs '{"flow": "asking", "input": {"good": false}, "id": "c"}'
await await_status c waiting
post 202 /v1/runs/c/cancel ''
await await_status c cancelled

claim "the command line works beside it, but cannot begin a run on the same store"
post 201 /v1/runs '{"flow": "asking", "input": {"good": false}, "id": "beside"}'
await await_status beside waiting
echo '{"output": {"good": true}}' >yes.json
try 0 seam answer beside act --json yes.json
says out 'the host at work'
await await_status beside done
try 0 seam runs
try 2 seam run one.yaml
says err "process $SERVER" /v1/runs

claim "metrics are what Prometheus reads"
ask 200 GET /metrics
says out 'seam_ready 1' 'seam_plugin_up{plugin="p"} 1' 'seam_http_requests_total{path="/v1/runs/{id}",status="2xx"}'
! grep -q beside out || die "a run is a label"
[ -z "$(command -v promtool)" ] || promtool check metrics <out || die "promtool"

claim "told to stop it stops, and a second one goes on with what was left"
post 201 /v1/runs '{"flow": "asking", "input": {"good": false}, "id": "left"}'
await await_status left waiting
stop
[ "$GONE" = 0 ] || die "it ended with $GONE"
serve
await_taken() { grep -q '1 runs that were left' server.err; }
await await_taken
post 200 /v1/runs/left/answer '{"step": "act", "answer": {"output": {"good": true}}}'
await await_status left done
stop INT
[ "$GONE" = 0 ] || die "it ended with $GONE"

claim "a required plugin that does not come up ends it with 4; another does not"
cat >bad.yaml <<END
manifest: 1
store: {url: "sqlite:bad.db"}
plugins:
  p: {path: "$SINS/echo.so"}
  none: {path: "$STATE/none.so", required: true}
END
try 4 seam serve --manifest bad.yaml
says err '`none`' 'required: false'
cat >worse.yaml <<END
manifest: 1
store: {url: "sqlite:bad.db"}
plugins: {p: {path: "$SINS/fails_to_create.so", required: true}}
END
try 4 seam serve --manifest worse.yaml
says err 'plugin `p`, which the manifest requires, does not come up'
sed -i 's/required: true/required: false/' bad.yaml
serve --manifest bad.yaml
[[ $NOTE == *none* ]] || die "the note says: $NOTE"
stop

claim "a service manager is told when it is ready, that it lives, and when it stops"
"$KNOCK" "$STATE/manager.sock" notified >manager &
manager=$!
await grep -q listening manager
export NOTIFY_SOCKET=$STATE/manager.sock WATCHDOG_USEC=200000
serve
await grep -q WATCHDOG=1 manager
says manager READY=1 "$AT"
stop
wait "$manager" || die "it was not told of the end"
unset NOTIFY_SOCKET WATCHDOG_USEC

claim "it listens at a socket of its own where nothing else is said, and at no other address without tokens"
serve_at
[ "$(stat -c %a seam.sock)" = 600 ] || die "its mode is $(stat -c %a seam.sock)"
[ "$AT" = "unix:$STATE/seam.sock" ] || die "it listens at $AT"
[ "$(curl -sS --unix-socket seam.sock http://seam/readyz | jq -r .status)" = degraded ] || die "not ready"
stop
[ ! -e seam.sock ] || die "the socket is left"
try 4 seam serve --listen 0.0.0.0:0
says err 'serve.tokens'
try 2 seam serve --listen nonsense
touch seam.sock
try 2 seam serve
says err 'no socket'
rm seam.sock

claim "tokens open what their scopes say, by name, until they are withdrawn"
(umask 077 && echo 0123456789abcdef-ops >ops.token && echo 0123456789abcdef-read >read.token)
cat >>seam.yaml <<END
serve: {tokens: [{file: ops.token, name: ops, scopes: [run, answer]}, {file: read.token, scopes: [read]}]}
END
serve
ask 401 GET /v1/runs
says head 'WWW-Authenticate: Bearer'
ask 200 GET /readyz
OPS='Authorization: Bearer 0123456789abcdef-ops' READ='Authorization: Bearer 0123456789abcdef-read'
ask 401 GET /v1/runs -H 'Authorization: Bearer 0123456789abcdef'
ask 200 GET /v1/runs -H "$READ"
post 403 /v1/runs '{"flow": "one"}' -H "$READ"
says out read.token '`run`'
post 201 /v1/runs '{"flow": "asking", "input": {"good": false}, "id": "tok"}' -H "$OPS"
waits() { [ "$(curl -sS "$AT/v1/runs/tok" -H "$OPS" | jq -r .status)" = waiting ]; }
await waits
post 200 /v1/runs/tok/answer '{"step": "act", "deny": true}' -H "$OPS"
holds '.who == "ops"'
kill -HUP "$SERVER"
ask 200 GET /readyz
mv ops.token away
withdrawn() { [ "$(curl -sS -o out -w '%{http_code}' "$AT/v1/runs" -H "$OPS")" = 401 ]; }
await withdrawn
mv away ops.token
admitted() { ! withdrawn; }
await admitted
stop
chmod 644 read.token
try 4 seam serve
says err 'read.token' 'chmod 600'

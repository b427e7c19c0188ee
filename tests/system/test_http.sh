#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# HTTP services as agents, by declarations: against the world, which keeps its own account of what it
# did, and against what a declaration can get wrong.
. "$(dirname "$0")/stage.sh"
EXAMPLE=$SOURCE/plugins/http/example

# manifest CONFIG.yaml [METHOD…]: seam.yaml with these services as `bookings`.
manifest() {
    cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:runs.db"}
plugins:
  bookings:
    path: $PLUGINS/http.so
    config_file: $1
    grants:
      http:
        - {scheme: http, host: 127.0.0.1, port: $PORT, methods: [${2:-GET, POST, DELETE}],
           refusals: [400, 404, 422], private: true}
escalation: {ops: {}}
END
}

raise_world
sed -e "s/8700/$PORT/" -e "s/settle: 2s/settle: 50ms/" "$EXAMPLE/bookings.yaml" >bookings.yaml
manifest bookings.yaml
cp "$EXAMPLE/trip.yaml" .
echo '{"offer": "LH1"}' >input.json

claim "a declaration is an agent with a contract and an effect"
try 0 seam plugins
says out 'bookings/book' 'write' 'bookings/find' 'read' 'bookings/cancel' 'write_idempotent'
try 0 seam plugins inspect bookings --manifest seam.yaml
holds '.agents | map(.name) == ["book", "book_reconcile", "cancel", "find"]'
holds '.agents[0] | .reconcile == "book_reconcile" and .settle == "50ms" and .ref == "/booking"'
holds '.agents[2].input.required == ["booking"] and .agents[2].destructive'
try 0 seam check trip.yaml

claim "what it does is done once, with a key"
try 0 seam run trip.yaml --input input.json --id one
holds '.booking | length > 0'
[ "$(ledger 'select count(*) from bookings')" = 1 ] || die "not one booking"
try 0 seam run trip.yaml --input input.json --id one
[ "$(ledger 'select count(*) from bookings')" = 1 ] || die "twice is two"

claim "where the answer is lost the service is asked, by the key"
knob '{"commit_then_drop": 1}'
try 0 seam run trip.yaml --input input.json --id lost
[ "$(ledger 'select count(*) from bookings')" = 2 ] || die "not one booking more"
try 0 seam explain lost book
says out 'reconcile-happened'

claim "a 503 of a write proves nothing; without a way to ask, a person is asked"
knob '{"commit_then_drop": 0, "commit_then_503": 1}'
sed '/reconcile:/,/ref:/d' bookings.yaml >bare.yaml
manifest bare.yaml
try 3 seam run trip.yaml --input input.json --id doubt
try 0 seam explain doubt book
says out 'in-doubt'
[ "$(ledger 'select count(*) from bookings')" = 3 ] || die "it was tried again"
manifest bookings.yaml

claim "what is refused is not tried again, and says what the service said"
knob '{"commit_then_503": 0}'
sed 's/passengers: 2/passengers: 12/' trip.yaml >crowd.yaml
try 1 seam run crowd.yaml --input input.json --id crowd
says err 'POST /bookings was answered with status 422: a booking seats 1 to 9 passengers'

claim "reads are tried again when the service is busy"
cat >look.yaml <<'END'
flow: look
version: 1.0.0
budget: {attempts: 20, calls: 40, time: 10m}
steps:
  find: {agent: bookings/find, input: {key: nobody}, retry: {max_attempts: 10, initial_interval: 1ms}}
output: {as: "${ .steps.find.output }"}
END
knob '{"fail_before": 0.5, "seed": 3}'
try 0 seam run look.yaml
holds '. == []'
knob '{"fail_before": 0}'

claim "killed between the request and its answer, it asks what became of it"
knob '{"answer_late": 1, "answer_late_ms": 60000}'
before=$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)
"$SEAM" run trip.yaml --input input.json --id killed >out 2>err &
HOST=$!
await arrived $((before + 1))
kill -9 $HOST || die "it had ended"
wait $HOST 2>/dev/null || true
knob '{"answer_late": 0}'
try 0 seam resume killed
[ "$(ledger 'select count(*) from bookings')" = 4 ] || die "not one booking for the run that was killed"

claim "the guide's files and commands do what it says"
mkdir guide
cd guide
guide "$SOURCE/plugins/http/README.md"
sed -i "s|/usr/lib/seam/plugins|$PLUGINS|; s|github.yaml|$SOURCE/tests/system/http/issues.yaml|; s|8700|$PORT|" -- *.yaml
PATH=$BUILD/bin:$PATH try 0 bash -e commands
says out 'bookings/book ' 'bookings/cancel '
tail -n 1 out | jq -e '.booking | length > 0' >/dev/null || die "the booking"
sed -i '/name: cancel/,$d' bookings.yaml
cat reconcile.yaml >>bookings.yaml
sed -i 's/methods: \[/&GET, /' seam.yaml
try 0 seam plugins inspect bookings --manifest seam.yaml
holds '.agents | map(.name) == ["book", "book_reconcile"]'
try 0 seam plugins inspect github --manifest github.seam.yaml
holds '.agents | map(.name) == ["list_issues", "issues_create"]'
cd ..

claim "a declaration that is wrong says where"
wrong() { # WORDS SED…
    local words=$1
    shift
    sed "$@" bookings.yaml >wrong.yaml
    manifest wrong.yaml
    try 1 seam plugins
    says out "$words"
}
wrong '/agents/1/path: it cannot do without {booking}' 's/name: cancel/&\n    input: {type: object, properties: {booking: {}}}/'
wrong 'there is another agent `find`' 's/name: cancel/name: find/'
wrong '/agents/0: {ofer} is none of its inputs' '0,/path: .bookings$/s//&\/{ofer}/'
wrong 'the braces do not match' 's/{booking}$/{booking/'
wrong 'only a `read` has pages' 's/name: cancel/&\n    pages: {by: link}/'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Cancelling: nothing new begins, doubts are resolved, what is done is undone.
. "$(dirname "$0")/stage.sh"
story --honour-key no

status_of() { ledger "SELECT status FROM bookings WHERE id = '$1'"; }

claim "a waiting run that is cancelled undoes its booking; the ledger shows it"
# The mail cannot be reached, and the flow says that a person decides then.
sed -e '/^  mail:/,$ s|127.0.0.1:'"$PORT"'|127.0.0.1:1|' \
    -e '/^  mail:/,$ s|port: '"$PORT"'|port: 1|' seam.yaml >nomail.yaml
export SEAM_MANIFEST=nomail.yaml
try 3 seam run book-trip.yaml --input trip.json --id w1
says err 'notify asks: This step failed'
[ "$(status_of B-000001)" = confirmed ] || die "B-000001 is not confirmed before"
try 0 seam cancel w1 --json
holds '.run == "w1" and .sent == "cancel asked" and .host == false'
try 1 seam resume w1
says err 'run w1 was cancelled'
[ "$(status_of B-000001)" = cancelled ] || die "B-000001 is $(status_of B-000001) afterwards"
try 0 seam explain w1
says out 'cancel-asked' 'abandon notify' 'undo book' '[cleaned-up]'
try 0 seam runs --status cancelled --json
holds 'map(.run) == ["w1"]'
try 2 seam cancel w1
says err 'run w1 is cancelled already'

claim "a run with an effect in doubt is not final before the doubt is resolved"
unset SEAM_MANIFEST
knob '{"commit_then_drop": 1}'
try 3 seam run book-trip.yaml --input trip.json --id w2
knob '{"commit_then_drop": 0}'
try 0 seam cancel w2
says out 'cancel asked; no host is at work' 'seam resume w2'
try 3 seam resume w2
says err 'notify asks' 'then it ends: a person cancelled the run'
try 0 seam answer w2 notify --json - <<<"{\"outcome\": \"happened\", \"result\": {\"id\": \"M-000001\"}}"
try 1 seam resume w2
says err 'run w2 was cancelled'
[ "$(status_of B-000002)" = cancelled ] || die "B-000002 is $(status_of B-000002)"

claim "a run under way is cancelled by the host that has it"
knob '{"latency_ms": 3000}'
before=$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)
"$SEAM" run book-trip.yaml --input trip.json --id w3 --quiet >out 2>err &
host=$!
await arrived $((before + 1))
try 0 seam cancel w3
says out "the host at work (process $host) takes it up"
knob '{"latency_ms": 0}'
code=0
wait "$host" || code=$?
[ "$code" = 1 ] || die "the host ended with $code"
[ "$(status_of B-000003)" = cancelled ] || die "B-000003 is $(status_of B-000003)"

claim "every booking of a cancelled run is cancelled, and no mail but the one that was sent exists"
[ "$(ledger "SELECT count(*) FROM bookings WHERE status = 'confirmed'")" = 0 ] || die "one is left"
[ "$(ledger "SELECT count(*) FROM mails")" = 1 ] || die "a mail was sent"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Stopped, killed, repeated: whatever ends the host, the run goes on where it was, and each booking
# and each mail is there once.
. "$(dirname "$0")/stage.sh"
# The same Idempotency-Key twice would be two bookings: what is once here, the host made once.
story --honour-key no

# begin ID: a run whose booking has reached the world, which will take its time to answer.
begin() {
    local before
    before=$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)
    knob '{"latency_ms": 4000}'
    "$SEAM" run book-trip.yaml --input trip.json --id "$1" >out 2>err &
    HOST=$!
    await arrived $((before + 1))
}

# ended EXIT: the host that begin started.
ended() {
    local code=0
    wait "$HOST" || code=$?
    [ "$code" = "$1" ] || die "the host ended with $code, not $1"
    knob '{"latency_ms": 0}'
}

once() {
    try 0 seam show "$1" --json
    holds '.status == "done" and ([.tasks[].effects // [] | .[].outcome] == ["done", "done"])'
    [ "$(ledger "SELECT count(*) FROM bookings") $(ledger "SELECT count(*) FROM mails")" = "$2 $2" ] ||
        die "the ledger has $(ledger "SELECT count(*) FROM bookings") bookings and" \
            "$(ledger "SELECT count(*) FROM mails") mails, not $2 of each"
}

claim "Ctrl-C stops cleanly, says how to go on, and resume does"
begin c1
kill -INT "$HOST"
ended 130
says err 'stopped; 1 run is left as it was; `seam resume c1` goes on'
try 0 seam runs --status running --json
holds 'map(.run) == ["c1"]'
try 0 seam resume c1
holds '.booking and .mail'
once c1 1
try 0 seam explain c1 book
says out 'taken-over' '[in-doubt-reconcile]' '[reconcile-happened]'

claim "so does SIGTERM; --json still names the run"
knob '{"latency_ms": 4000}'
before=$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)
"$SEAM" run book-trip.yaml --input trip.json --id c2 --json >out 2>err &
HOST=$!
await arrived $((before + 1))
kill -TERM "$HOST"
ended 143
holds '.run == "c2" and .status == "running"'
try 0 seam resume --all
once c2 2

claim "SIGKILL loses nothing"
begin c3
kill -KILL "$HOST"
ended 137
try 0 seam resume c3
once c3 3
try 0 seam replay --all
says out '3 of 3 runs replayed the same'

claim "the same id with the same input is the same run"
try 0 seam run book-trip.yaml --input trip.json --id c1
holds '.booking == "B-000001"'
once c1 3

claim "the same id with another input is an error"
try 2 seam run book-trip.yaml --input trip.json --set passengers=9 --id c1
says err 'run `c1` exists with another input' 'choose another id'
once c1 3

claim "the same id takes up what was left"
begin c4
kill -KILL "$HOST"
ended 137
try 0 seam run book-trip.yaml --input trip.json --id c4
once c4 4

claim "an id is letters, digits and ._-:"
try 2 seam run book-trip.yaml --input trip.json --id 'no spaces'
says err 'letters, digits and ._-:'

claim "a run goes on with the flow that it began with, changed, broken or gone since"
begin c5
kill -INT "$HOST"
ended 130
cp book-trip.yaml kept.yaml
echo '# a word more' >>book-trip.yaml
try 2 seam run book-trip.yaml --input trip.json --id c5
says err 'run `c5` exists' 'as it was before it changed' '`seam resume c5`'
echo 'steps: {' >book-trip.yaml
rm trip-*.json
try 0 seam show c5
try 0 seam resume c5
try 0 seam replay c5
mv kept.yaml book-trip.yaml
once c5 5

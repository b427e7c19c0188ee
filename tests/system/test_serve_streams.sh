#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs followed as they happen: whoever follows sees every record once and in order, live, after it
# was away, and after the server was killed; whoever does not read costs nothing.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

stage "$SINS/sleeps.so"
cat >many.yaml <<END
flow: many
version: 1.0.0
budget: {attempts: 2000, calls: 4000, time: 5m}
steps:
  act:
    agent: p/act
    for_each: "\${ .input }"
    concurrency: 1
    input: "\${ .item }"
    timeout: {start_to_close: 10s, schedule_to_close: 20s}
output: {as: "\${ .steps.act.output | length }"}
END
echo 'flows: [many.yaml]' >>seam.yaml

# begin ID COUNT: a run of so many items, each of which takes a moment.
begin() {
    post 201 /v1/runs "$(jq -cn --arg id "$1" --argjson n "$2" \
        '{flow: "many", id: $id, input: [range($n)]}')"
}

# follow ID AFTER FILE: the stream from there on, until it ends, by itself or with its server.
follow() {
    curl -sSN -m 120 "$AT/v1/runs/$1/events" -H 'Accept: text/event-stream' -H "Last-Event-ID: $2" \
        >"$3" 2>/dev/null || true
}

ids() { sed -n 's/^id: //p' "$@"; }
last_id() { ids "$@" | tail -n 1; }
grown() { [ "$(ids "$1" 2>/dev/null | wc -l)" -ge "$2" ]; }

# whole ID: standard input has every number of the run's records, once, in order.
whole() {
    local last got
    got=$(cat)
    last=$(sqlite3 -readonly -cmd '.timeout 10000' journal.db "SELECT last_seq FROM runs WHERE id='$1'")
    [ "$got" = "$(seq "$last")" ] || die "a gap, or one twice, of $last"
}

claim "a run is followed from its beginning to its end"
serve
begin live 100
follow live 0 live.sse
whole live < <(ids live.sse)
tail -n 2 live.sse | grep -q '^data: {"status":"done"}' || die "it does not say that it is done"
grep -q '^event: end' live.sse || die "it does not end"
grep -m 1 '^data: ' live.sse | sed 's/^data: //' >out
holds '.seq == 1 and .event.kind == "started"'
ask 200 GET /v1/runs/live/events
[ "$(jq -c '.events[]' out)" = "$(sed -n 's/^data: \({"seq.*\)/\1/p' live.sse | jq -c .)" ] ||
    die "pages and streams differ"

claim "a run that has ended is told from any number on"
last=$(last_id live.sse)
follow live $((last - 3)) rest.sse
[ "$(ids rest.sse | tr '\n' ' ')" = "$((last - 2)) $((last - 1)) $last " ] || die "$(ids rest.sse)"
follow live "$last" rest.sse
[ -z "$(ids rest.sse)" ] || die "more than there is"
ask 400 GET /v1/runs/live/events -H 'Accept: text/event-stream' -H "Last-Event-ID: $((last + 1))"
ask 400 GET /v1/runs/live/events -H 'Accept: text/event-stream' -H 'Last-Event-ID: x'
ask 400 GET /v1/runs/live/events -H 'Accept: text/event-stream' -H 'Last-Event-ID: -1'
ask 404 GET /v1/runs/nobody/events -H 'Accept: text/event-stream'

claim "many follow at once, and those that do not read are in nobody's way"
begin crowd 200
printf 'GET /v1/runs/live/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n' |
    setpriv --pdeathsig KILL "$KNOCK" "$WEB" deaf 100 >deaf.out &
deaf=$!
followers=()
for i in 1 2 3 4 5 6 7 8; do
    follow crowd 0 "crowd.$i" &
    followers+=($!)
done
wait "${followers[@]}"
for i in 1 2 3 4 5 6 7 8; do whole crowd < <(ids "crowd.$i"); done
kill "$deaf" && { wait "$deaf" || true; }
ask 200 GET /readyz

claim "killed in the middle, again and again, it goes on, and no follower misses or doubles a record"
begin struck 300
: >seen
: >part
for strike in 1 2 3; do
    follow struck "$(last_id seen || true)" part &
    follower=$!
    await grown part $((30 * strike))
    stop KILL
    wait "$follower"
    cat part >>seen
    : >part
    serve
done
follow struck "$(last_id seen)" part
cat part >>seen
whole struck < <(ids seen)
ask 200 GET /v1/runs/struck
holds '.status == "done" and .output == 300'
stop
[ "$GONE" = 0 ] || die "it ended with $GONE"
try 0 seam replay struck
try 0 seam verify struck

claim "what was acknowledged is there, however soon after it the server is killed"
serve
for i in 1 2 3 4; do
    # straight to the kill: no check of the answer lies between
    status=$(curl -sS -o out -w '%{http_code}' "$AT/v1/runs" -H 'Content-Type: application/json' \
        -d "{\"flow\": \"many\", \"id\": \"told-$i\", \"input\": [1]}")
    stop KILL
    [ "$status" = 201 ] || die "$status"
    serve
    post 200 /v1/runs "{\"flow\": \"many\", \"id\": \"told-$i\", \"input\": [1]}"
done
stop

claim "told to stop it lets a run end, tells its followers, and takes nothing on"
serve
begin long 100
follow long 0 long.sse &
follower=$!
await grown long.sse 5
kill -TERM "$SERVER"
draining() { curl -sS "$AT/readyz" >out 2>/dev/null && grep -q stopping out; }
await draining
post 503 /v1/runs '{"flow": "many", "input": []}'
says head Retry-After
GONE=0
wait "$SERVER" || GONE=$?
wait "$follower"
[ "$GONE" = 0 ] || die "it ended with $GONE"
whole long < <(ids long.sse)
seam show long --json >out
holds '.status == "done"'

claim "with no time to drain the rest is left for the next, and a stream says so"
serve --drain 0s
begin cut 1900
follow cut 0 cut.sse &
follower=$!
await grown cut.sse 5
stop
wait "$follower"
[ "$GONE" = 0 ] || die "it ended with $GONE"
grep -q '^event: stopping' cut.sse || die "it does not say so"
says server.err '1 run left'

claim "a second signal does not wait for what is under way"
serve
begin twice 1900
follow twice 0 twice.sse &
follower=$!
await grown twice.sse 5
kill -TERM "$SERVER"
await draining
stop INT
wait "$follower"
[ "$GONE" = 0 ] || die "it ended with $GONE"
says server.err '2 runs left'

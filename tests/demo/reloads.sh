#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Reloads under load: a server takes N manifests, each with other libraries, while R runs that book
# and mail are under way in a world that keeps a ledger. At the end each run is done, with one
# booking and one mail of its own: none is lost, none is doubled.
#
#   reloads.sh BUILD FOLDER [--reloads N] [--runs R]

BUILD=$1 STATE=$2 reloads=100 runs=4000
shift 2
while [ $# -gt 0 ]; do
    case $1 in
        --reloads | --runs) [[ ${2:-} =~ ^[0-9]+$ ]] && printf -v "${1#--}" %s "$2" ;;
        *) false ;;
    esac || { echo "usage: reloads.sh BUILD FOLDER [--reloads N] [--runs R]" >&2; exit 2; }
    shift 2
done
. "$(dirname "$0")/stage.sh"

rm -rf "$STATE"
mkdir -p "$STATE"
raise_world "$STATE" 1 --latency-ms 20
cp "$STORY"/*.json "$STATE"
# the story's tries last 5 s, of which some would be spent in line behind a thousand others
sed 's/{start_to_close: [0-9]*s, schedule_to_close: 1m}/{start_to_close: 2m, schedule_to_close: 5m}/' \
    "$STORY/book-trip.yaml" >"$STATE/book-trip.yaml"
for name in travel airline mail; do
    cp "$BUILD/plugins/$name.so" "$STATE/$name-0.so"
    (cat "$STATE/$name-0.so" && echo) >"$STATE/$name-1.so"
done
cd "$STATE"

# manifest N: each other time the other libraries.
manifest() {
    sed -e "s|@WORLD_PORT@|$PORT|g" -e "s|@PLUGINS@/\([a-z]*\).so|\1-$(($1 % 2)).so|g" \
        -e "s|@STORY@|$STATE|g" -e "s|@STATE@|$STATE|g" "$STORY/seam.yaml.in" >next.yaml
    printf 'serve: {listen: "unix:seam.sock"}\nreload: {watch: none}\n' >>next.yaml
    mv next.yaml seam.yaml
}
web() { curl -sS --unix-socket seam.sock "http://localhost/$1" "${@:2}"; }

manifest 0
exec {told}< <(exec setpriv --pdeathsig KILL "$SEAM" serve --json --manifest seam.yaml 2>server.err)
server=$!
read -r _ <&"$told" || { cat server.err >&2; exit 1; }

# All runs are begun by one curl, many requests at once, while the manifests change.
jq -c --argjson runs "$runs" 'range(1; $runs + 1) as $i | {flow: "book-trip", id: "r\($i)", input: (.reference = "r\($i)")}' \
    < <(head -n 1 "$STORY/trips.jsonl") | awk '{ print >("in-" NR); close("in-" NR) }'
for ((i = 1; i <= runs; i++)); do
    printf 'next\nurl = "http://localhost/v1/runs"\nunix-socket = seam.sock\nfail\nsilent\noutput = /dev/null\n'
    printf 'header = "Content-Type: application/json"\ndata-binary = "@in-%s"\n' "$i"
done | sed 1d >requests
curl -Z --no-progress-meter --parallel-max 50 -K requests &
begun=$!

taken=0 most=0
for ((n = 1; n <= reloads; n++)); do
    manifest "$n"
    "$SEAM" reload --manifest seam.yaml >reloaded 2>&1 || { cat reloaded >&2; exit 1; }
    taken=$((taken + $(grep -c 'replaced' reloaded) / 3))
    calls=$(web v1/plugins | jq '[.plugins[].generations[].calls] | add')
    [ "$calls" -le "$most" ] || most=$calls
    [ $((n % 10)) != 0 ] || say "$DIM" reload "$n taken, $calls calls open in all generations"
done
wait "$begun" || { echo "a run was not begun" >&2; exit 1; }
until [ "$("$SEAM" runs --manifest seam.yaml --status running --json | jq -s 'flatten | length')" = 0 ]; do
    sleep 0.2
done
kill -TERM "$server"
wait "$server"

done_runs=$("$SEAM" runs --manifest seam.yaml --status done --json | jq -s 'flatten | length')
tally() { sqlite3 -readonly "$STATE/ledger.db" "$1"; }
bookings=$(tally "SELECT count(*) || ' ' || count(DISTINCT reference) FROM bookings WHERE status = 'confirmed'")
mails=$(tally "SELECT count(*) || ' ' || count(DISTINCT subject) FROM mails")
moved=$(sqlite3 -readonly journal.db "SELECT count(*) FROM events WHERE kind = 'moved'")
say "$BOLD" reckon "$taken reloads, at most $most calls open; $done_runs of $runs runs done; bookings, distinct: $bookings; mails, distinct: $mails; starts that moved: $moved"
[ "$taken $done_runs $bookings $mails" = "$reloads $runs $runs $runs $runs $runs" ] || exit 1
say "$GREEN" well "0 lost, 0 doubled"

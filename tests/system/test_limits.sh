#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the manifest allows over all runs: a storm of 429 costs time and no tries; rate, concurrency
# and breaker of an agent, visible in explain; budgets of a period, which nobody overspends, not even
# hosts that are killed.
. "$(dirname "$0")/stage.sh"

attempts_of() { seam show "$1" --json | jq '.spent.attempts'; }

claim "a storm of 429 with Retry-After eats time, not tries"
story --busy 1
sed -i 's/refusals: \[400, /refusals: [429, 400, /' seam.yaml
"$SEAM" run book-trip.yaml --input trip.json --id storm >out 2>err &
host=$!
await arrived 4
knob '{"busy": 0}'
wait "$host" || die "it ended with $?"
try 0 seam explain storm
says out '[rate-limited-wait]' 'cause rate_limited'
[ "$(ledger "SELECT count(*) FROM bookings")" = 1 ] || die "not one booking"

claim "a breaker opens, is told, and ends calls before they begin"
stage "$SINS/crashes.so"
sed -i 's|path: .*so"|&, agents: {act: {concurrency: 1, breaker: {failures: 1, within: 1m, open: 1h}}}|' seam.yaml
one_step act
printf '{}\n{}\n{}\n' >lines
seam run one.yaml --each lines --id b >out 2>err || true
says err 'its breaker opens for 1h: 1 call failed within 1m, the last: crash'
try 0 seam explain b-3
says out 'the breaker of p/act is open: 1 call failed within 1m' 'code breaker-open'

claim "explain shows what a call waited for"
stage "$SINS/echo.so"
sed -i 's|path: .*so"|&, agents: {act: {rate: {calls: 2, per: 300ms}, concurrency: 5}}|' seam.yaml
one_step act
for i in 1 2 3 4 5; do echo "{\"n\": $i}"; done >lines
try 0 seam run one.yaml --each lines --id r
says out '5 runs: 5 done'
held=0
for i in 1 2 3 4 5; do
    seam explain "r-$i" >out
    ! grep -q 'held act .*the manifest lets 2 calls of p/act begin in 300ms' out || held=$((held + 1))
done
[ "$held" -ge 3 ] || die "$held were held"

claim "settings for an agent that the card does not have are refused"
sed 's/agents: {act:/agents: {act2:/' seam.yaml >wrong.yaml
try 4 seam run one.yaml --manifest wrong.yaml --set n=1
says err 'names `act2`, and its card has no such agent; did you mean `act`?'

claim "nobody overspends a day, however many run at once and whoever is killed"
stage "$SINS/echo.so"
echo 'budgets: {month: {calls: 40}}' >>seam.yaml
rm -f journal.db*
for i in $(seq 30); do echo "{\"n\": $i}"; done >lines
# spent: the calls of all meters, 0 while there is no journal.
spent() { sqlite3 -readonly -cmd '.timeout 10000' journal.db 'SELECT total(calls) FROM meters' 2>/dev/null || echo 0; }
# passed HOST N: more calls than that, or the host is gone.
passed() { ! kill -0 "$1" 2>/dev/null || [ "$(spent | cut -d . -f 1)" -gt "$2" ]; }
for round in 1 2 3 4; do
    before=$(spent | cut -d . -f 1)
    "$SEAM" run one.yaml --each lines --id "k$round" --quiet >/dev/null 2>&1 &
    host=$!
    await passed "$host" "$before"
    kill -KILL "$host" 2>/dev/null || true
    wait "$host" 2>/dev/null || true
done
seam resume --all --quiet >out 2>err || true
try 0 seam budgets --json
holds '.month.calls.used <= 40 and .month.calls.allowed == 40'
used=$(jq .month.calls.used out)
seam runs --json | jq -r '.[].run' >ids
total=0
while read -r id; do total=$((total + $(seam show "$id" --json | jq '.spent.calls'))); done <ids
[ "$total" = "$used" ] || die "the runs have used $total, the meters say $used"
seam run one.yaml --each lines --id last --quiet >out 2>err || true
try 0 seam budgets --json
holds '.month.calls.used == 40 and .month.calls.left == 0'
try 0 seam runs --status done --json
[ "$(jq length out)" -le 40 ] || die "$(jq length out) calls were answered"
try 1 seam run one.yaml --set n=1 --id over
says err "the manifest's budgets.month allows 40 calls; 40 are used or set aside until"
try 0 seam explain over
says out 'budgets.month allows 40 calls'
try 0 seam budgets
says out 'month  calls                  40              40'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh BUILD STATE: forty trips against a world at its nastiest. The host is killed three times in
# the middle, resumed, and a person answers what only a person can know; then the world's ledger says
# what it came to. The same trips go through a plain retry loop too, in a world of the same seed.
# The last line is the result; exit 0 only if nothing was doubled or lost.
BUILD=$1 STATE=$2
. "$(dirname "$0")/stage.sh"
SEED=7
TRIPS=$STORY/trips.jsonl
FLOW=$STORY/book-trip.yaml
COUNT=$(wc -l <"$TRIPS")

say "$BOLD" world "commits and says 503, commits and hangs up, commits later, answers late, answers garbage"
open_stage "$SEED"

# What the retry loop came to, by its world's ledger.
naive_account() {
    LEDGER=$STATE/naive/ledger.db ledger "
        SELECT format('%d bookings in the ledger, %d duplicates; %d mails, %d duplicates',
                      count(*), count(*) - count(DISTINCT reference),
                      (SELECT count(*) FROM mails),
                      (SELECT count(*) - count(DISTINCT subject) FROM mails))
        FROM bookings"
}

# The retry loop travels in its own world, meanwhile.
raise_world "$STATE/naive" "$SEED" "${NASTY[@]}" --latency-ms 5 --answer-late-ms 800
"$BUILD/bin/naive" --trips "$TRIPS" --url "http://127.0.0.1:$PORT" \
    --timeout-ms 700 >"$STATE/naive.txt" 2>&1 &
NAIVE=$!

say "$BOLD" host "seam run book-trip.yaml --each trips.jsonl --id trip     ($COUNT trips at once)"
KILLS=0
for moment in 9 32 54; do
    struck_host --ledger "$LEDGER" --at "$moment" -- run "$FLOW" --each "$TRIPS" --id trip
    refuse_broken_host
    [ "$HOST_EXIT" = 137 ] || continue
    KILLS=$((KILLS + 1))
    say "$RED" kill "SIGKILL $KILLS, with $(ledger 'SELECT count(*) FROM bookings') bookings and $(ledger 'SELECT count(*) FROM mails') mails in the ledger; the same command again"
done
host run "$FLOW" --each "$TRIPS" --id trip
refuse_broken_host
say "$GREEN" settled "$(runs_in 'done' | wc -l) done, $(runs_in waiting | wc -l) wait for a person: nobody can tell whether their mail was sent"
answer_all

reckon
say "$BOLD" replay "$(replay_all)"
wait "$NAIVE" || true
say "$BOLD" naive "the same trips in a retry loop, never killed: $(naive_account)"

# A booking that was in doubt when the host was killed, with the fewest decisions: the shortest story.
RUN=$(journal "SELECT run FROM events WHERE body LIKE '%in-doubt-reconcile%'
               GROUP BY run ORDER BY max(kind = 'taken-over') DESC, count(*) LIMIT 1")
echo
say "$BOLD" explain "seam explain $RUN book"
"$SEAM" explain "$RUN" book
echo

echo "demo: $COUNT trips, $BOOKED booked, $ROWS bookings in the ledger, $DUPLICATES duplicates," \
     "$LOST lost, $KILLS kills, $(escalations) escalations"
[ "$RUNS" = "$COUNT" ] && [ "$WAITING" = 0 ] && [ "$DUPLICATES" = 0 ] && [ "$LOST" = 0 ] &&
    [ "$KILLS" = 3 ] && [ "$BOOKED" = "$ROWS" ]

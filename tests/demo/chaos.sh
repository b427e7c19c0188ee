#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# chaos.sh BUILD STATE [--kills N] [--seed S]: trips without end against a world at its nastiest, and
# the host killed at N random moments: while it starts, in the middle, while it takes over what the
# one before it left. People answer in between, and may answer too early. At the end nothing kills it
# any more, and the ledger says what it came to. The same seed draws the same moments; what they
# strike is up to the machine.
#
# Exit 0 only if every run is done, or waits and says for what, and nothing was doubled or lost.
BUILD=$1 STATE=$2
. "$(dirname "$0")/stage.sh"
shift 2
KILLS=200 SEED=$$
while [ $# -gt 0 ]; do
    case "$1 ${2:-}" in
        "--kills "[0-9]*) KILLS=$2 ;;
        "--seed "[0-9]*) SEED=$2 ;;
        *) echo "usage: chaos [--kills N] [--seed S]" >&2 && exit 2 ;;
    esac
    shift 2
done
FLOW=$STORY/book-trip.yaml
BATCH=8 # trips that begin together

# fresh_trips NUMBER: the batch of that number, its file in TRIPS. References are never used twice.
fresh_trips() {
    TRIPS=$STATE/trips-$1.jsonl
    jq -c -s --argjson batch "$1" --argjson size "$BATCH" \
        '.[range($size) + ($batch * $size % (length - $size))] | .reference = "C\($batch)-" + .reference' \
        "$STORY/trips.jsonl" >"$TRIPS"
}

# draw_moment: where the next blow falls, in MOMENT.
draw_moment() {
    case $((RANDOM % 4)) in
        0) MOMENT=(--after-ms $((RANDOM % 120))) ;;
        1) MOMENT=(--after-ms $((RANDOM % 1200))) ;;
        *) MOMENT=(--ledger "$LEDGER" --at $(($(effects) + RANDOM % BATCH)) --after-ms $((RANDOM % 50))) ;;
    esac
}

say "$BOLD" chaos "$KILLS kills, seed $SEED"
open_stage "$SEED"
RANDOM=$((SEED % 32768))
kills=0 batch=0
fresh_trips 0
while [ "$kills" -lt "$KILLS" ]; do
    draw_moment
    if [ $((RANDOM % 3)) = 0 ]; then
        struck_host "${MOMENT[@]}" -- resume --all
    else
        struck_host "${MOMENT[@]}" -- run "$FLOW" --each "$TRIPS" --id "c$batch"
    fi
    refuse_broken_host
    if [ "$HOST_EXIT" = 137 ]; then
        kills=$((kills + 1))
        [ $((kills % 20)) != 0 ] || say "$RED" kills "$kills of $KILLS; $(effects) bookings and mails in the ledger"
    fi
    # The batch is settled, or has been hit often enough: the next one.
    if [ "$HOST_EXIT" != 137 ] || [ $((RANDOM % 4)) = 0 ]; then
        batch=$((batch + 1))
        fresh_trips "$batch"
    fi
    [ $((RANDOM % 4)) != 0 ] || answer_waiting >/dev/null
done

host resume --all
refuse_broken_host
reckon
unexplained=$(unexplained_waits)
say "$GREEN" quiet "nobody kills any more: $DONE done, $WAITING waiting for a person, $FAILED failed, $DUPLICATES duplicates, $LOST lost"
answer_all
reckon
say "$BOLD" replay "$(replay_all)"
[ -z "$unexplained" ] || echo "waiting, and does not say for what: $unexplained" >&2

echo "chaos: $kills kills, $RUNS runs, $DONE done, $WAITING waiting, $FAILED failed," \
     "$(escalations) escalations, $DUPLICATES duplicates, $LOST lost (seed $SEED)"
[ "$DUPLICATES" = 0 ] && [ "$LOST" = 0 ] && [ "$FAILED" = 0 ] && [ -z "$unexplained" ] &&
    [ "$BOOKED" = "$ROWS" ]

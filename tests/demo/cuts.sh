#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# cuts.sh BUILD STATE [--every N] [--from N] [--seed S]: a trip is booked, and the power fails at one
# of the host's writes: at every Nth, from the first to the last (default: at every one), each time
# with a journal and a world of its own. Of what was not synced, the disk holds nothing at all, or some
# sectors and not others, by turns. The trip is then submitted again, people answer, and the ledger
# says what it came to.
#
# Exit 0 only if each trip is booked once, nothing is lost, and the journal is whole.
BUILD=$1 STATE=$2
. "$(dirname "$0")/stage.sh"
shift 2
EVERY=1 FROM=1 SEED=1 ROOT=$STATE
while [ $# -gt 0 ]; do
    case "$1 ${2:-}" in
        "--every "[1-9]*) EVERY=$2 ;;
        "--from "[1-9]*) FROM=$2 ;;
        "--seed "[0-9]*) SEED=$2 ;;
        *) echo "usage: cuts [--every N] [--from N] [--seed S]" >&2 && exit 2 ;;
    esac
    shift 2
done
NASTY=(--honour-key no) # the world is well: what goes wrong is the power

# book: the trip, with the same id each time; through strike, which says quietly that it was killed.
book() { struck_host -- run "$STORY/book-trip.yaml" --input "$STATE/trip.json" --id trip; }

# one_cut N: exit 0 all is well, 10 the run ended before its Nth write.
one_cut() {
    local keep=none
    [ $((($1 + SEED) % 2)) = 0 ] || keep=some
    STATE=$ROOT/at-$1
    open_stage "$SEED"
    head -n 1 "$STORY/trips.jsonl" >"$STATE/trip.json"
    LD_PRELOAD=$BUILD/tests/fault/disk.so FAULT_FILES=$STATE/journal.db FAULT_LOG=$STATE/disk.log \
        FAULT_CUT=$1 book
    [ "$HOST_EXIT" = 137 ] || return 10
    "$BUILD/bin/powercut" "$STATE/disk.log" --keep "$keep" --seed "$SEED$1"
    book
    refuse_broken_host
    answer_all >/dev/null
    "$SEAM" verify --all >>"$STATE/host.log" || { echo "the journal is not whole" >&2; return 1; }
    reckon
    [ "$RUNS $DONE $BOOKED $ROWS $DUPLICATES $LOST" = "1 1 1 1 0 0" ] && rm -rf "$STATE" && return 0
    echo "cut at write $1 (kept: $keep): $RUNS runs, $DONE done, $BOOKED booked, $ROWS in the ledger," \
         "$DUPLICATES duplicates, $LOST lost; see $STATE" >&2
    return 1
}

rm -rf "$ROOT"
cuts=0 bad=0 at=$FROM
while :; do
    code=0
    (one_cut "$at") || code=$?
    [ "$code" != 10 ] || break
    cuts=$((cuts + 1))
    [ "$code" = 0 ] || bad=$((bad + 1))
    at=$((at + EVERY))
done
echo "cuts: the power failed at $cuts of the $((at - 1)) writes of a run, $bad of them ended badly (seed $SEED)"
[ "$cuts" -gt 0 ] && [ "$bad" = 0 ]

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A disk that fails under the whole program: its Nth write or sync comes to nothing, once or from then
# on. The host stops taking work, says so and what to do, and the next start goes on: each trip is
# booked once and nothing is lost, by the world's own ledger. And a clock that jumps.
. "$(dirname "$0")/stage.sh"
if sanitized; then
    echo "SKIPPED: a sanitizer wants to be the first library, and so does the failing disk"
    exit 77
fi
story --honour-key no
DISK=$BUILD/tests/fault/disk.so

# A run by the story, and then how often each of its effects happened, in EFFECTS.
book() {
    jq --arg reference "$1" '.reference = $reference' trip.json >this.json
    seam run book-trip.yaml --input this.json --id "$1" --quiet
}
count_effects() {
    EFFECTS=$(ledger "SELECT (SELECT count(*) FROM bookings WHERE reference = '$1') || ' ' ||
                             (SELECT count(*) FROM mails WHERE subject LIKE '%$1')")
}

# settled RUN: the run goes on to its end, whatever it takes: here the world is well, so only its
# mail may need a person, who says what the ledger says.
settled() {
    local code=0 result round
    book "$1" >out 2>err || code=$?
    for round in 1 2 3 4 5; do # it may ask again, of what it knows by then
        [ "$code" = 3 ] || break
        count_effects "$1"
        result=$(ledger "SELECT json_object('outcome', 'happened', 'result', json_object('id', id))
                         FROM mails WHERE subject LIKE '%$1'")
        # a step whose time a clock has spent is tried again; what is in doubt, the ledger knows
        [ "$(seam show "$1" --json | jq -r '[.tasks[].question | objects][0].shown.question')" != failure ] ||
            result='{"retry": true}'
        seam answer "$1" notify --json - <<<"${result:-{\"outcome\": \"never\"\}}" >answer.out 2>&1 ||
            die "the answer was refused: $(cat answer.out)"
        code=0
        book "$1" >out 2>err || code=$?
    done
    [ "$code" = 0 ] || die "run $1 ended with $code, not 0"
    count_effects "$1"
    [ "$EFFECTS" = "1 1" ] || die "run $1 made $EFFECTS bookings and mails"
}

# fails_at KIND ERRNO N SPAN: a run on such a disk, then on a good one. What it ended with in CODE.
fails_at() {
    local run="$1-$2-$3-$4"
    CODE=0
    LD_PRELOAD=$DISK FAULT_FILES=$STATE/journal.db FAULT_FAIL="$1 $2 $3 $4" book "$run" >out 2>err ||
        CODE=$?
    case $CODE in
        0) ;;                                                      # it went without
        1) says err 'the host stopped; nothing is lost' 'seam resume --all' 'journal.db' ;;
        2) says err 'journal.db' ;;                                # it could not even be opened
        *) die "on a disk where $1 $3 fails with $2 ($4) it ended with $CODE" ;;
    esac
    settled "$run"
}

# fails_from KIND ERRNO SPAN FROM STEP: at FROM, FROM + STEP, … until the run does not meet it.
fails_from() {
    local at=$4 met=0
    while [ "$at" -lt 200 ]; do
        fails_at "$1" "$2" "$at" "$3"
        [ "$CODE" != 0 ] || [ "$3" = once ] || break
        [ "$CODE" = 0 ] || met=$((met + 1))
        at=$((at + $5))
    done
    [ "$met" -gt 0 ] || die "no run met it"
}

claim "a disk that is full, and stays so: the host stops, says so, and recovers without loss"
fails_from write ENOSPC on 2 13
claim "a disk that refuses a write"
fails_from write EIO once 3 29
claim "a disk that refuses a write, and every one after it"
fails_from write EIO on 5 17
claim "a sync that fails"
fails_from sync EIO on 1 2
for at in 2 4 5 6 7; do
    fails_at sync EIO "$at" once
done

claim "what a full disk could not take once, the reserve pays for, and nobody notices"
fails_at write ENOSPC 30 once
[ "$CODE" = 0 ] || die "it ended with $CODE"

claim "after all that, the journal is what was written"
try 0 seam verify
try 0 seam replay --all

claim "a clock that jumps under a host, either way, fails, loses and doubles nothing"
for jump in "86400000 0" "-86400000 0" "7200000 30" "-7200000 30" "-7200000 60"; do
    run="jump${jump// /-}"
    code=0
    LD_PRELOAD=$DISK FAULT_FILES=$STATE/journal.db FAULT_CLOCK=$jump book "$run" >out 2>err || code=$?
    case $code in
        0 | 3) settled "$run" ;;
        *) die "with a jump of $jump ms it ended with $code" ;;
    esac
done

# killed_at RUN MS: its host, whose clock is off by so much from the beginning, is killed at its booking.
killed_at() {
    local booked
    booked=$(ledger "SELECT count(*) FROM bookings")
    jq --arg reference "$1" '.reference = $reference' trip.json >this.json
    LD_PRELOAD=$DISK FAULT_CLOCK="$2 0" try 137 "$BUILD/bin/strike" --ledger ledger.db \
        --at $((booked + $(ledger "SELECT count(*) FROM mails") + 1)) -- \
        "$SEAM" run book-trip.yaml --input this.json --id "$1" --quiet
}

claim "a clock that was set back between two hosts is waited for by nobody"
killed_at back 86400000
settled back

# A host cannot tell that from having been away so long: its deadlines are over, as they should be.
claim "a clock that was set forward between two hosts spends time, and neither loses nor doubles anything"
killed_at forward -86400000
code=0
book forward >out 2>err || code=$?
case $code in
    0 | 3) settled forward ;;
    1)
        live=$(ledger "SELECT count(*) FROM bookings WHERE reference = 'forward' AND status = 'confirmed'")
        [ "$live" = 0 ] || die "it failed and left $live bookings"
        ;;
    *) die "it ended with $code" ;;
esac
try 0 seam verify
try 0 seam replay --all

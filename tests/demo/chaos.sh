#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# chaos.sh BUILD STATE [--rounds N] [--kills N] [--only KIND,…] [--seed S] [--long]: trips without end
# against a world at its nastiest, and in each round something befalls the host, drawn by the seed:
#
#   kill    SIGKILL at a random moment         worker  SIGKILL to one of its workers
#   term    SIGTERM                            stop    SIGSTOP for a while (--long: for a minute)
#   cut     the power fails at one of its writes: only what was synced is sure
#   disk    its Nth write or sync fails, once or from then on
#   net     the world answers hardly anybody   clock   the wall clock jumps, by days, either way
#   two     a second host wants the same journal, and is refused by name
#
# What outlives its round is killed soon after. People answer in between, and may answer too early. At
# the end nothing happens any more, and the ledger says what it came to. The same seed draws the same
# moments; what they strike is up to the machine. --kills N: N rounds of kill alone.
#
# Exit 0 only if every run is done, or waits and says for what, and nothing was doubled or lost. Failed
# are those, and no others, that a person has let go of: being struck again and again may spend the
# attempts of a run. It may spend a minute too, which is what a step of the story has; here they have
# hours, for a deadline that has really passed fails a run, and rightly.
BUILD=$1 STATE=$2
. "$(dirname "$0")/stage.sh"
shift 2
ALL=(kill worker term stop cut disk net clock two)
ROUNDS=1000 SEED=$$ KINDS=("${ALL[@]}") LONG=''
usage() { echo "usage: chaos [--rounds N] [--kills N] [--only KIND,…] [--seed S] [--long]" >&2 && exit 2; }
while [ $# -gt 0 ]; do
    case "$1 ${2:-}" in
        "--rounds "[0-9]*) ROUNDS=$2 ;;
        "--kills "[0-9]*) ROUNDS=$2 KINDS=(kill) ;;
        "--only "[a-z]*) IFS=, read -r -a KINDS <<<"$2" ;;
        "--seed "[0-9]*) SEED=$2 ;;
        "--long "*) LONG=yes && set -- "$1" "$@" ;;
        *) usage ;;
    esac
    shift 2
done
for kind in "${KINDS[@]}"; do
    [[ " ${ALL[*]} " = *" $kind "* ]] || usage
done
BATCH=8 # trips that begin together
DISK=$BUILD/tests/fault/disk.so

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
        1) MOMENT=(--after-ms $((RANDOM % 1000))) ;;
        *) MOMENT=(--ledger "$LEDGER" --at $(($(effects) + RANDOM % BATCH)) --after-ms $((RANDOM % 50))
                   --most-ms 1200) ;;
    esac
}

# draw_work: what the host is asked to do, in WORK.
draw_work() {
    WORK=(run "$FLOW" --each "$TRIPS" --id "c$batch")
    [ $((RANDOM % 3)) != 0 ] || WORK=(resume --all)
}

knobs() { curl -sS -o /dev/null -X POST "http://127.0.0.1:$PORT/_knobs" -d "$1"; }

# ---- a round of each kind: HOST_EXIT is what the host ended with ----

last() { echo --last-ms $((RANDOM % 600)); }
round_kill() { struck_host "${MOMENT[@]}" -- "${WORK[@]}"; }
round_term() { struck_host "${MOMENT[@]}" --blow term --last-ms 2000 -- "${WORK[@]}"; }
# shellcheck disable=SC2046
round_worker() { struck_host "${MOMENT[@]}" --blow worker --pick $((RANDOM % 8)) $(last) -- "${WORK[@]}"; }
# shellcheck disable=SC2046
round_stop() {
    local ms=$((RANDOM % 500))
    [ -z "$LONG" ] || ms=60000
    struck_host "${MOMENT[@]}" --blow stop --for-ms $ms $(last) -- "${WORK[@]}"
}

round_cut() {
    local keep=none
    [ $((RANDOM % 2)) = 0 ] || keep=some
    rm -f "$STATE/disk.log"
    LD_PRELOAD=$DISK FAULT_FILES=$STATE/journal.db FAULT_LOG=$STATE/disk.log \
        FAULT_CUT=$((1 + RANDOM % 400)) struck_host --after-ms 1000 -- "${WORK[@]}"
    [ "$HOST_EXIT" != 137 ] ||
        "$BUILD/bin/powercut" "$STATE/disk.log" --keep $keep --seed $RANDOM
}

round_disk() {
    local kinds=(write write sync any) errors=(ENOSPC EIO) spans=(once on) kind most=400
    kind=${kinds[RANDOM % 4]}
    [ "$kind" != sync ] || most=40
    LD_PRELOAD=$DISK FAULT_FILES=$STATE/journal.db \
        FAULT_FAIL="$kind ${errors[RANDOM % 2]} $((1 + RANDOM % most)) ${spans[RANDOM % 2]}" \
        struck_host --after-ms 1200 -- "${WORK[@]}"
    # It stops by itself, says so, and what to do; or could not even open the journal.
    case $HOST_EXIT in
        1 | 2)
            tail -n 3 "$STATE/host.log" | grep -qE 'journal.db|the host stopped; nothing is lost' ||
                { echo "the host stopped and did not say why" >&2; exit 1; }
            HOST_EXIT=1
            ;;
    esac
}

# shellcheck disable=SC2046
round_net() {
    knobs '{"fail_before": 0.2, "commit_then_503": 0.2, "commit_then_drop": 0.25, "commit_late": 0.15,
            "answer_late": 0.1, "garbage": 0.05}'
    struck_host "${MOMENT[@]}" --blow none $(last) -- "${WORK[@]}"
    knobs '{"fail_before": 0.08, "commit_then_503": 0.10, "commit_then_drop": 0.10, "commit_late": 0.10,
            "answer_late": 0.08, "garbage": 0.08}'
}

# shellcheck disable=SC2046
round_clock() {
    LD_PRELOAD=$DISK FAULT_FILES=$STATE/journal.db \
        FAULT_CLOCK="$(((RANDOM - 16384) * 20000)) $((RANDOM % 600))" \
        struck_host "${MOMENT[@]}" --blow none $(last) -- "${WORK[@]}"
}

# one_of_two CODE LOG: of a host that had another beside it; refused by its name, or not at all.
one_of_two() {
    cat "$2" >>"$STATE/host.log"
    [ "$1" = 2 ] || return "$1"
    grep -qE 'process [0-9]+ owns this journal|its pid is not known yet' "$2" || {
        echo "a second host was refused, but not by name: $(cat "$2")" >&2
        return 2
    }
    refused=$((refused + 1))
}

# Two hosts at once: one has the journal, and the other is refused, or comes when the first has ended.
round_two() {
    local first codes=(0 0)
    "$BUILD/bin/strike" "${MOMENT[@]}" -- "$SEAM" "${WORK[@]}" --quiet >"$STATE/first.log" 2>&1 &
    first=$!
    "$BUILD/bin/strike" --after-ms 600 -- "$SEAM" resume --all --quiet >"$STATE/second.log" 2>&1 ||
        codes[1]=$?
    wait $first || codes[0]=$?
    HOST_EXIT=0
    one_of_two "${codes[1]}" "$STATE/second.log" || HOST_EXIT=$?
    refuse_broken_host
    HOST_EXIT=0
    one_of_two "${codes[0]}" "$STATE/first.log" || HOST_EXIT=$?
}

# ---- the play ----

say "$BOLD" chaos "$ROUNDS rounds of ${KINDS[*]}, seed $SEED"
open_stage "$SEED"
cp -r "$STORY" "$STATE/story"
FLOW=$STATE/story/book-trip.yaml
sed -i -e 's/schedule_to_close: 1m/schedule_to_close: 6h/' -e 's/time: 10m/time: 6h/' "$FLOW"
RANDOM=$((SEED % 32768))
batch=0 refused=0
declare -A count
fresh_trips 0
for ((round = 1; round <= ROUNDS; round++)); do
    kind=${KINDS[RANDOM % ${#KINDS[@]}]}
    draw_moment
    draw_work
    "round_$kind"
    [ "$kind$HOST_EXIT" != term143 ] || HOST_EXIT=0
    refuse_broken_host
    count[$kind]=$((${count[$kind]:-0} + 1))
    [ $((round % 20)) != 0 ] || say "$RED" rounds "$round of $ROUNDS; $(effects) bookings and mails in the ledger"
    # The batch is settled, or has been hit often enough: the next one.
    if [ "$HOST_EXIT" = 0 ] || [ "$HOST_EXIT" = 3 ] || [ $((RANDOM % 4)) = 0 ]; then
        batch=$((batch + 1))
        fresh_trips "$batch"
    fi
    # After a failed sync no answer is taken until a host has been there.
    [ $((RANDOM % 4)) != 0 ] || [ -e "$STATE/journal.db.suspect" ] || answer_waiting >/dev/null
done

host resume --all
refuse_broken_host
reckon
unexplained=$(unexplained_waits)
say "$GREEN" quiet "nothing happens any more: $DONE done, $WAITING waiting for a person, $FAILED failed, $DUPLICATES duplicates, $LOST lost"
answer_all
reckon
say "$BOLD" replay "$(replay_all)"
say "$BOLD" verify "$("$SEAM" verify --all)"
[ -z "$unexplained" ] || echo "waiting, and does not say for what: $unexplained" >&2

kinds=''
for kind in "${ALL[@]}"; do
    [ -z "${count[$kind]:-}" ] || kinds="$kinds, ${count[$kind]} $kind"
done
echo "chaos: $ROUNDS rounds (${kinds#, }; $refused times a second host was refused), $RUNS runs, $DONE done," \
     "$WAITING waiting, $FAILED failed, $(escalations) escalations, $DUPLICATES duplicates, $LOST lost (seed $SEED)"
denied=$(sort -u "$STATE/denied" | wc -l)
[ "$FAILED" = "$denied" ] ||
    { echo "$FAILED runs have failed, and $denied were let go of by a person" >&2; exit 1; }
[ "$DUPLICATES" = 0 ] && [ "$LOST" = 0 ] && [ -z "$unexplained" ] && [ "$BOOKED" = "$ROWS" ]

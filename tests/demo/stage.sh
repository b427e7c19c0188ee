# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the demo and the chaos share, to be sourced: a world at its nastiest, a host in front of it, a
# person who answers, and the reckoning. The person says what the world's ledger says, and nothing
# else: this is the one place where the ledger tells the host anything. The reckoning compares the
# ledger with what the host claims, run by run.
#
# Wants BUILD (the build folder) and STATE (a folder that is emptied).

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STORY=$HERE/../story
SEAM=$BUILD/bin/seam

# Every request meets one of these with probability 0.54. A late commit comes well within the
# plugins' `settle` of 2 s. The same Idempotency-Key twice is two bookings: the world does not help.
NASTY=(--fail-before 0.08 --commit-then-503 0.10 --commit-then-drop 0.10 --commit-late 0.10
       --answer-late 0.08 --garbage 0.08 --late-ms 700 --answer-late-ms 1200 --latency-ms 40
       --honour-key no)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' YELLOW=$'\e[33m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' GREEN='' YELLOW='' RED='' PLAIN=''
fi

# say COLOUR WORD TEXT: a line of the play.
say() { printf '%s%-8s%s %s\n' "$1" "$2" "$PLAIN" "$3"; }

# ---- the world and the host ----

# raise_world FOLDER SEED KNOB…: a world with its ledger in the folder; its port in PORT.
raise_world() {
    local folder=$1 seed=$2 line world
    mkdir -p "$folder"
    # It ends with this shell, however that ends.
    exec {world}< <(exec setpriv --pdeathsig KILL "$BUILD/bin/world" --ledger "$folder/ledger.db" \
                        --seed "$seed" "${@:3}")
    read -r line <&"$world" || { echo "the world did not start" >&2; exit 1; }
    PORT=${line##*:}
}

# open_stage SEED: an empty STATE with a world and a manifest for it.
open_stage() {
    rm -rf "$STATE"
    mkdir -p "$STATE"
    raise_world "$STATE" "$1" "${NASTY[@]}"
    LEDGER=$STATE/ledger.db
    : >"$STATE/denied"
    export SEAM_MANIFEST=$STATE/seam.yaml
    sed -e "s|@WORLD_PORT@|$PORT|g" -e "s|@PLUGINS@|$BUILD/plugins|g" -e "s|@STORY@|$STORY|g" \
        -e "s|@STATE@|$STATE|g" "$STORY/seam.yaml.in" >"$SEAM_MANIFEST"
}

# host COMMAND…: seam, its talk kept in host.log; its exit code in HOST_EXIT.
host() {
    HOST_EXIT=0
    "$SEAM" "$@" --quiet >>"$STATE/host.log" 2>&1 || HOST_EXIT=$?
}

# struck_host MOMENT… -- COMMAND…: the same under strike. 137 in HOST_EXIT: it was killed.
struck_host() {
    local moment=()
    while [ "$1" != -- ]; do
        moment+=("$1")
        shift
    done
    shift
    HOST_EXIT=0
    "$BUILD/bin/strike" "${moment[@]}" -- "$SEAM" "$@" --quiet >>"$STATE/host.log" 2>&1 ||
        HOST_EXIT=$?
}

# Usage or a bad file, a refused flow, a crash: nothing that a world can cause.
refuse_broken_host() {
    case $HOST_EXIT in
        0 | 1 | 3 | 137) ;;
        *)
            echo "the host ended with $HOST_EXIT; its last words:" >&2
            tail -n 20 "$STATE/host.log" >&2
            exit 1
            ;;
    esac
}

ledger() { sqlite3 -readonly -cmd '.timeout 10000' "$LEDGER" "$1"; }
journal() { sqlite3 -readonly -cmd '.timeout 10000' "$STATE/journal.db" "$1"; }
# Bookings and mails, by the ledger.
effects() { ledger "SELECT (SELECT count(*) FROM bookings) + (SELECT count(*) FROM mails)"; }
runs_in() { "$SEAM" runs --status "$1" --json | jq -r '.[].run'; }

# ---- the person ----

# look_up AGENT KEY: what an effect gave, by the ledger; nothing if it is not there.
look_up() {
    case $1 in
        airline/book) ledger "SELECT json_object('booking', id) FROM bookings WHERE key = '$2'" ;;
        mail/send) ledger "SELECT json_object('id', id) FROM mails WHERE key = '$2'" ;;
    esac
}

# send_answer RUN STEP REVISION ANSWER…: false if an earlier answer still waits for a host, and counts.
send_answer() {
    local said
    said=$("$SEAM" answer "$1" "$2" --revision "$3" "${@:4}" --who demo 2>&1) && return
    echo "$said" >>"$STATE/host.log"
    grep -qF 'the first answer counts' <<<"$said" || { echo "$said" >&2; exit 1; }
    return 1
}

# answer_one RUN STEP REVISION KIND CAUSE AGENT KEY: the truth, as far as a person can see it now. A
# run that has spent its budget, as one does that is struck again and again, is let go: see `denied`.
answer_one() {
    local found answer cause=$5
    set -- "${@:1:4}" "${@:6}"
    if [ "$4 $cause" = "failure budget" ]; then
        send_answer "$1" "$2" "$3" --deny && echo "$1" >>"$STATE/denied"
        return 0
    fi
    found=$(look_up "$5" "$6")
    case $4 in
        in-doubt) answer=${found:+"{\"outcome\": \"happened\", \"result\": $found}"} ;;
        output) answer=${found:+"{\"output\": $found}"} ;;
        failure) answer='{"retry": true}' ;;
        *) echo "nobody knows an answer to a question of kind $4" >&2 && return 1 ;;
    esac
    [ -n "$answer" ] || answer='{"outcome": "never"}'
    send_answer "$1" "$2" "$3" --json - <<<"$answer" || true
}

# answer_waiting: every question that is open now. Prints how many; the host takes them up later.
answer_waiting() {
    local run count=0 step revision kind cause agent key
    for run in $(runs_in waiting); do
        while IFS=$'\t' read -r step revision kind cause agent key; do
            answer_one "$run" "$step" "$revision" "$kind" "$cause" "$agent" "$key"
            count=$((count + 1))
        done < <("$SEAM" show "$run" --json | jq -r '.tasks[] | select(.question) |
                 [.path, .question.revision, .question.shown.question, (.question.shown.error.code // "-"), .agent,
                  (.question.shown.effect.key // .effects[0].key // "")] | @tsv')
    done
    echo "$count"
}

# answer_all: answers and resumes until nothing waits; a question that no answer ends is a fault.
answer_all() {
    local answered round
    for round in {1..30}; do
        answered=$(answer_waiting)
        [ "$answered" -gt 0 ] || return 0
        say "$YELLOW" answered "$answered question$([ "$answered" = 1 ] || echo s) by looking into the ledger; resumed"
        host resume --all
        refuse_broken_host
    done
    echo "after $round rounds of answers something waits still: $(runs_in waiting | tr "\n" " ")" >&2
    exit 1
}

# ---- the reckoning ----

# A line a run: what the host claims of it.
claims() {
    "$SEAM" runs --json | jq -r '.[].run' | xargs -r -n 1 "$SEAM" show --json | jq -r '
        def task(step): [.tasks[] | select(.step == step and .agent != "airline/cancel")] | last;
        [.run, .status, .input.reference, (task("book").output.booking // ""),
         (task("notify").output.id // "")] | @csv'
}

# reckon: compares claims and ledger. Sets RUNS DONE WAITING FAILED BOOKED ROWS DUPLICATES LOST.
#   duplicate: a further live booking of one trip, a further mail of one trip
#   lost: a booking or a mail that a run claims and the ledger has not, or the ledger has and no run
#         knows; of a run that waits, what it asks about is in doubt and not lost
reckon() {
    claims >"$STATE/claims.csv"
    IFS='|' read -r RUNS DONE WAITING FAILED BOOKED ROWS DUPLICATES LOST < <(sqlite3 \
        -cmd "ATTACH 'file:$LEDGER?mode=ro' AS world" \
        -cmd "CREATE TABLE claims(run, status, reference, booking, mail)" \
        -cmd ".import --csv '$STATE/claims.csv' claims" :memory: <"$HERE/reckon.sql")
}

# Questions that were asked, by the journal.
escalations() {
    journal "SELECT count(*) FROM events, json_each(events.body, '\$.decisions') AS decision
             WHERE json_extract(decision.value, '\$.kind') = 'ask'"
}

# Runs that wait must say for what.
unexplained_waits() {
    local run
    for run in $(runs_in waiting); do
        "$SEAM" show "$run" --json |
            jq -r 'select([.tasks[].question.shown.text // empty] | length == 0) | .run'
    done
}

replay_all() {
    "$SEAM" replay --all || { echo "a decision was not reproduced from the journal" >&2; exit 1; }
}

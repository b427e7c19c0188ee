#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A server under load, with every hostile plugin that is hostile at run time, drawn by seed, beside
# good ones that book and mail in a world that keeps a ledger; a reload now and then. At the end each
# good run is done, with one booking and one mail of its own; each sin is contained, named and
# explained; and the host holds no more memory, descriptors, threads and processes than before.
#
#   soak.sh BUILD FOLDER [--seconds N] [--seed S] [--reloads N]

BUILD=$1 STATE=$2 seconds=600 seed=1 reloads=6
shift 2
while [ $# -gt 0 ]; do
    case $1 in
        --seconds | --seed | --reloads) [[ ${2:-} =~ ^[0-9]{1,6}$ ]] && printf -v "${1#--}" %s "$2" ;;
        *) false ;;
    esac || {
        echo "usage: soak.sh BUILD FOLDER [--seconds N] [--seed S] [--reloads N]" >&2
        exit 2
    }
    shift 2
done
. "$(dirname "$0")/stage.sh"

SINS=$BUILD/tests/plugins/so
TRIPS=30        # good runs under way at once
SINNERS=4       # hostile runs that begin in a turn
RELEASED_AFTER=8 # seconds that a library stays in quarantine, until the next chance
mapfile -t WICKED < <(awk '/^[a-z]/ { print $1 }' "$HERE/soak.sins")
if [ "$seconds" -lt 60 ]; then # these hold up the server's readiness until their time to load is over
    mapfile -t WICKED < <(printf '%s\n' "${WICKED[@]}" | grep -v '^hangs_in_')
fi
USUAL='turn|attempt-ended|first-attempt|next-attempt|cleaned-up|step-done|all-steps'
RANDOM=$((seed % 32768))
sanitized=$(grep '^SEAM_SANITIZE:STRING=.' "$BUILD/CMakeCache.txt" || true)

# ---- what is served ----

sin_flow() { # NAME
    cat >"$1.yaml" <<END
flow: $1
version: 1.0.0
budget: {attempts: 2, calls: 9, time: 20s}
steps:
  act:
    agent: $1/act
    input: "\${ .input }"
    timeout: {start_to_close: 400ms, schedule_to_close: 8s}
    retry: {max_attempts: 2, initial_interval: 10ms}
output: {as: "\${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
}

# manifest N: each other time the other libraries of the good plugins.
manifest() {
    {
        sed -e "s|@WORLD_PORT@|$PORT|g" -e "s|@PLUGINS@/\([a-z]*\).so|\1-$(($1 % 2)).so|g" \
            -e "s|@STORY@/book-trip.yaml|book-trip.yaml|g" -e "s|@STATE@|$STATE|g" \
            -e '/^flows:/d' -e '/^escalation:/d' "$STORY/seam.yaml.in" |
            sed "/^plugins:/r $STATE/wicked.yaml"
        printf 'flows: [book-trip.yaml%s]\nescalation: {ops: {}}\n' "$(printf ', %s.yaml' "${WICKED[@]}")"
        printf 'serve: {listen: "unix:seam.sock"}\nreload: {watch: none, probation: 3s}\n'
    } >next.yaml
    mv next.yaml seam.yaml
}

rm -rf "$STATE"
mkdir -p "$STATE"
raise_world "$STATE" "$seed" --latency-ms 20
cp "$STORY"/*.json "$STATE"
# the story's tries last 5 s; here the processors are the wicked ones'
sed 's/{start_to_close: [0-9]*s, schedule_to_close: 1m}/{start_to_close: 2m, schedule_to_close: 5m}/' \
    "$STORY/book-trip.yaml" >"$STATE/book-trip.yaml"
for name in travel airline mail; do
    cp "$BUILD/plugins/$name.so" "$STATE/$name-0.so"
    (cat "$STATE/$name-0.so" && echo) >"$STATE/$name-1.so"
done
cd "$STATE"
STATE=$PWD
for sin in "${WICKED[@]}"; do
    sin_flow "$sin"
    echo "  $sin: {path: $SINS/$sin.so, quarantine: {faults: 3}, limits: {memory: 128mb}}"
done >wicked.yaml
export SEAM_MANIFEST=$STATE/seam.yaml
manifest 0

exec {told}< <(exec setpriv --pdeathsig KILL "$SEAM" serve --json 2>server.err)
SERVER=$!
read -r _ <&"$told" || { cat server.err >&2; exit 1; }

# ---- asking ----

fail() {
    say "$RED" failed "$*" >&2
    echo "again: soak.sh … --seconds $seconds --seed $seed --reloads $reloads; what was left is in $STATE" >&2
    exit 1
}
web() { curl -sS -m 30 --unix-socket seam.sock "http://localhost/$1" "${@:2}"; }
runs_that_are() { "$SEAM" runs --status "$1" --json; }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$SERVER/status"; }
threads() { awk '/^Threads/ { print $2 }' "/proc/$SERVER/status"; }
descriptors() { find "/proc/$SERVER/fd" -mindepth 1 | wc -l; }
# Its children and theirs, but none that is about to be buried.
processes() {
    ps -e -o pid=,ppid=,stat= | awk -v root="$SERVER" '
        { parent[$1] = $2; state[$1] = $3 }
        END { for (p in parent) { for (q = p; q > 1 && q != root; ) q = parent[q]
                                  count += q == root && p != root && state[p] !~ /^Z/ }
              print count + 0 }'
}

# ---- the load ----

begun=0 sinned=0
trip=$(head -n 1 "$STORY/trips.jsonl")
: >requests
request() { # FLOW ID INPUT
    printf '{"flow": "%s", "id": "%s", "input": %s}' "$1" "$2" "$3" >"in-$2"
    printf 'next\nurl = "http://localhost/v1/runs"\nunix-socket = seam.sock\nfail\noutput = /dev/null\n' >>requests
    printf 'header = "Content-Type: application/json"\ndata-binary = "@in-%s"\n' "$2" >>requests
}
send_requests() {
    [ -s requests ] || return 0
    sed -i 1d requests
    curl -Z -sS --no-progress-meter --parallel-max 50 -m 60 -K requests || fail "a run was not begun"
    rm -f in-*
    : >requests
}
# The next of all sins in an order that the seed gives; then all of them in another.
DECK=()
draw() {
    local at
    [ "${#DECK[@]}" -gt 0 ] || DECK=("${WICKED[@]}")
    at=$((RANDOM % ${#DECK[@]}))
    DRAWN=${DECK[at]}
    DECK=("${DECK[@]:0:at}" "${DECK[@]:at+1}")
}
# Trips up to so many, and some sins.
load() {
    local under_way i
    under_way=$(runs_that_are running | jq -s 'flatten | map(select(.run | startswith("trip-"))) | length')
    for ((i = under_way; i < TRIPS; i++)); do
        begun=$((begun + 1))
        request book-trip "trip-$begun" "${trip/T-0001/trip-$begun}"
    done
    for ((i = 0; i < SINNERS; i++)); do
        draw
        sinned=$((sinned + 1))
        request "$DRAWN" "$DRAWN-$sinned" '{"n": 1}'
    done
    send_requests
}
# A person: of whoever waits because of a sin it is said that nothing happened.
answer_sinners() {
    runs_that_are waiting | jq -r 'flatten | .[].run | select(startswith("trip-") | not)' >waiting
    [ -s waiting ] || return 0
    while read -r run; do
        printf 'next\nurl = "http://localhost/v1/runs/%s/answer"\nunix-socket = seam.sock\noutput = /dev/null\n' "$run"
        printf 'header = "Content-Type: application/json"\ndata = "{\\"step\\": \\"act\\", \\"answer\\": {\\"outcome\\": \\"never\\"}}"\n'
    done <waiting | sed 1d >answers
    curl -Z -sS --no-progress-meter --parallel-max 50 -m 60 -K answers || fail "an answer was not taken"
}
# release AGE: libraries that sat in quarantine so long get their next chance.
declare -A since=()
release() {
    local sin
    for sin in $(web v1/plugins | jq -r '.plugins[] | select(.status == "quarantined") | .plugin'); do
        since[$sin]=${since[$sin]:-$SECONDS}
        [ $((SECONDS - since[$sin])) -ge "$1" ] || continue
        unset "since[$sin]"
        released=$((released + 1))
        "$SEAM" plugins release "$sin" >said 2>&1 || fail "$sin is not released: $(cat said)"
    done
}
reload() {
    taken=$((taken + 1))
    manifest "$taken"
    "$SEAM" reload >said 2>&1 || fail "reload $taken: $(cat said)"
    [ "$(grep -c replaced said)" = 3 ] || fail "reload $taken replaced something else: $(cat said)"
}
sample() {
    kill -0 "$SERVER" 2>/dev/null || fail "the server is dead: $(tail -n 5 server.err)"
    KB=$(memory) OPEN=$(descriptors) THREADS=$(threads) CHILDREN=$(processes)
    printf '%s %s %s %s %s\n' "$1" "$KB" "$OPEN" "$THREADS" "$CHILDREN" >>samples
}

released=0 taken=0
: >samples
sample 0
# Of a plugin that is down at this moment, a worker may be up at another: two processes, ten descriptors.
down=$(web v1/plugins | jq '[.plugins[] | select(.status != "ready")] | length')
# The network has a thread of its own from the first request on.
FIRST_OPEN=$((OPEN + 10 * down)) FIRST_THREADS=$((THREADS + 1)) FIRST_CHILDREN=$((CHILDREN + 2 * down))
start=$SECONDS next_line=10 now=0
while [ "$now" -lt "$seconds" ]; do
    load
    answer_sinners
    release "$RELEASED_AFTER"
    now=$((SECONDS - start))
    [ $(((taken + 1) * seconds)) -gt $((now * (reloads + 1))) ] || [ "$taken" = "$reloads" ] || reload
    sample "$now"
    if [ "$now" -ge "$next_line" ]; then
        next_line=$((now / 10 * 10 + 10))
        say "$DIM" "$now s" "$begun trips, $sinned sins, $released releases, $taken reloads; $KB kB, $OPEN descriptors, $THREADS threads, $CHILDREN processes"
    fi
done

# ---- the reckoning ----

# Again and again, for a minute at most; what ends it are runs, not the time.
settle() {
    local until=$((SECONDS + 60))
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.2
    done
}
all_over() {
    answer_sinners
    [ "$(runs_that_are running | jq -s 'flatten | length')" = 0 ]
}
settle all_over || fail "these never ended: $(runs_that_are running | jq -r '.[].run' | tr '\n' ' ')"
one_generation() { [ "$(web v1/plugins | jq '[.plugins[] | .generations | length] | max')" = 1 ]; }
settle one_generation || fail "an earlier generation has not ended"
no_more() {
    sample "$((SECONDS - start))"
    [ "$OPEN" -le "$FIRST_OPEN" ] && [ "$THREADS" -le "$FIRST_THREADS" ] && [ "$CHILDREN" -le "$FIRST_CHILDREN" ]
}
settle no_more || fail "at rest, where $FIRST_OPEN descriptors, $FIRST_THREADS threads and $FIRST_CHILDREN processes are the most there are $OPEN, $THREADS and $CHILDREN"

done_trips=$(runs_that_are done | jq -s 'flatten | map(select(.run | startswith("trip-"))) | length')
tally() { sqlite3 -readonly ledger.db "$1"; }
bookings=$(tally "SELECT count(*) || ' ' || count(DISTINCT reference) FROM bookings WHERE status = 'confirmed'")
mails=$(tally "SELECT count(*) || ' ' || count(DISTINCT subject) FROM mails")
say "$BOLD" trips "$done_trips of $begun done; bookings, distinct: $bookings; mails, distinct: $mails"
[ "$done_trips $bookings $mails" = "$begun $begun $begun $begun $begun" ] || fail "a trip is lost or doubled"

# Least squares over what was sampled after the first third: kB a minute.
read -r count kb slope grown < <(awk -v from=$((seconds / 3)) -v to="$seconds" '
    $1 >= from && $1 <= to { n++; x += $1; y += $2; xx += $1 * $1; xy += $1 * $2 }
    END { d = n * xx - x * x; b = d > 0 ? (n * xy - x * y) / d : 0
          printf "%d %d %.1f %d\n", n, n ? y / n : 0, b * 60, b * (to - from) }' samples)
say "$BOLD" memory "$kb kB on average, $slope kB a minute over $count samples after the first third"
if [ "$seconds" -ge 120 ]; then
    [ "$grown" -le $((kb / 20)) ] || fail "the memory of the host is not flat"
fi
say "$BOLD" at\ rest "$OPEN descriptors (at most $FIRST_OPEN), $THREADS threads ($FIRST_THREADS), $CHILDREN processes ($FIRST_CHILDREN)"

# ---- what each sin came to ----

"$SEAM" runs --json | jq -rs 'flatten | .[] | [.run, .status] | @tsv' >runs.tsv
# tells_of SIN WORDS: what a flood lost is told some seconds after it began.
tells_of() {
    cp explained told
    grep "^$1: " server.err >>told || true
    web v1/plugins | jq --arg sin "$1" '.plugins[] | select(.plugin == $sin)' >>told
    grep -qE -- "$2" told
}
printf '%-24s %4s  %-28s %-22s %s\n' sin runs status rule words
while read -r sin least words; do
    [ "${sin#\#}" = "$sin" ] && [ -n "$sin" ] || continue
    # a sanitizer takes the signal, exits with a status of its own, and has no bound of memory
    [ -z "$sanitized" ] || words=${words/killed by SIGSEGV/"exited with status [0-9]+"}
    [ -z "$sanitized" ] || words=${words/'killed by SIG(SEGV|KILL)'/'it calls eats_pages\/act'}
    grep "^$sin-[0-9]*	" runs.tsv >its || { [ "$seconds" -lt 60 ] && continue; fail "$sin was never drawn"; }
    : >explained
    while read -r run status; do
        "$SEAM" explain "$run" >why || fail "$run is not explained"
        says=$(grep -cF "$sin/act" why) || fail "the explanation of $run does not name $sin/act: $STATE/why"
        [ "$status" = done ] || grep -q '^  next: ' why || fail "the explanation of $run says no next step: $STATE/why"
        cat why >>explained
    done < <(tail -n $((seconds < 60 ? 2 : 20)) its)
    [ "$(wc -l <its)" -lt "$least" ] || settle tells_of "$sin" "$words" || fail "nothing says of $sin what it did, which is: $words"
    rule=$(sed -nE 's/^  [a-z]+ act  \[([a-z-]+)\]$/\1/p' why | grep -vxE "$USUAL" | tail -n 1)
    printf '%-24s %4s  %-28s %-22s %.70s\n' "$sin" "$(wc -l <its)" \
        "$(cut -f 2 its | sort | uniq -c | awk '{ printf "%s%s %s", s, $1, $2; s = ", " }')" \
        "${rule:--}" "$(grep -oE -m 1 -- "$words" told | sed -n 1p || true)"
done <"$HERE/soak.sins"

children=$(pgrep -P "$SERVER" | tr '\n' ' ')
kill -TERM "$SERVER"
wait "$SERVER" || fail "the server ended with $?: $(tail -n 5 server.err)"
for child in $children; do
    ! kill -0 "$child" 2>/dev/null || fail "process $child outlived the server"
done
"$SEAM" verify >said 2>&1 || fail "the journal does not verify: $(cat said)"
say "$GREEN" well "0 lost, 0 doubled; each sin is contained, named and explained"

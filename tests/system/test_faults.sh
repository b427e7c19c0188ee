#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The hostile plugins, all in one `seam serve` beside a good one. Each is called until its library is
# in quarantine or its calls have ended by a rule; the good one is called meanwhile, and all its calls
# succeed. The host lives, keeps its memory and its descriptors. With SECONDS behind the build folder
# it goes on for so long, round after round: ./dev soak.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

LONG=${2:-0} ROUND=0 GOOD=0
WICKED=(hangs crashes aborts exits eats_memory forks_without_end floods_output floods_logs
    floods_requests closes_everything stops_itself answers_twice answers_late sends_rubbish
    invalid_utf8 lying_card crashes_in_constructor)

flow() { # NAME TRIES TIME
    cat >"$1.yaml" <<END
flow: $1
version: 1.0.0
budget: {attempts: $2, calls: 9, time: 1m}
steps:
  act:
    agent: $1/act
    input: "\${ .input }"
    timeout: {start_to_close: $3, schedule_to_close: 30s}
    retry: {max_attempts: $2, initial_interval: 10ms}
output: {as: "\${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
}
{
    echo 'manifest: 1'
    echo 'store: {url: "sqlite:journal.db"}'
    echo 'escalation: {ops: {}}'
    echo 'serve: {listen: "unix:seam.sock"}'
    echo 'plugins:'
    echo "  good: {path: $SINS/echo.so}"
    for sin in "${WICKED[@]}"; do
        echo "  $sin: {path: $SINS/$sin.so, quarantine: {faults: 3}, limits: {memory: 128mb}}"
    done
    echo "flows: [good.yaml$(printf ', %s.yaml' "${WICKED[@]}")]"
} >seam.yaml
# however little of the processors the wicked leave it
flow good 1 30s
for sin in "${WICKED[@]}"; do flow "$sin" 2 400ms; done

WEB_OF=(--unix-socket seam.sock -sS -m 20 -H 'Content-Type: application/json')
begin() { # FLOW ID
    curl "${WEB_OF[@]}" http://localhost/v1/runs -o begun \
        --data-binary "{\"flow\": \"$1\", \"id\": \"$2\", \"input\": {\"n\": 1}}"
}
status() { curl "${WEB_OF[@]}" "http://localhost/v1/runs/$1" | jq -r .status; }
quiet() { [ "$(seam runs --status running --json | jq -s 'flatten | length')" = 0 ]; }
plugin() { curl "${WEB_OF[@]}" http://localhost/v1/plugins | jq -r ".plugins[] | select(.plugin == \"$1\") | $2"; }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$SERVER/status"; }
descriptors() { find "/proc/$SERVER/fd" -mindepth 1 | wc -l; }

round() {
    local sin
    ROUND=$((ROUND + 1))
    for sin in "${WICKED[@]}"; do
        begin "$sin" "$sin-$ROUND"
        begin good "good-$sin-$ROUND"
        GOOD=$((GOOD + 1))
    done
    await quiet
}

serve_at
claim "whatever is beside it, the good one answers each call"
round
FIRST=$(memory)
OPEN=$(descriptors)
while [ "$SECONDS" -lt "$LONG" ] || [ "$ROUND" -lt 3 ]; do
    round
    # those that sit in quarantine get their next chance
    for sin in $(seam plugins --static --json | jq -r '.[] | select(.quarantine) | .plugin'); do
        [ "$SECONDS" -ge "$LONG" ] || try 0 seam plugins release "$sin"
    done
    [ "$LONG" = 0 ] || echo "  $SECONDS s, round $ROUND: $GOOD good calls, $(memory) kB, $(descriptors) descriptors"
done
done_good=$(seam runs --status done --json | jq -s 'flatten | map(select(.run | startswith("good-"))) | length')
[ "$done_good" = "$GOOD" ] || die "of $GOOD good calls $done_good succeeded"

claim "the host lives, and what it holds is bounded"
kill -0 "$SERVER" || die "it is dead"
LAST=$(memory) NOW=$(descriptors)
sanitized || [ "$LAST" -lt $((FIRST + 16384 + 64 * GOOD)) ] || die "from $FIRST to $LAST kB"
[ "$NOW" -le $((OPEN + 8)) ] || die "from $OPEN to $NOW descriptors"

claim "each sin is named: by a rule, or by its quarantine"
for sin in "${WICKED[@]}"; do
    seam explain "$sin-1" >why
    rule=$(sed -nE 's/^  [a-z]+ act  (\[[a-z-]+\])$/\1/p' why | grep -vE 'turn|attempt-ended|first-attempt|next-attempt|cleaned-up|step-done|all-steps' | tail -n 1)
    printf '  %-24s %-28s %-12s %s\n' "$sin" "$rule" "$(plugin "$sin" .status)" \
        "$(plugin "$sin" '.quarantine.reason // .last_failure // ""' | cut -c 1-90)"
    [ -n "$rule" ] || die "$sin has no rule"
done

claim "quarantine outlives the host, says how it ends, and ends so"
for sin in crashes aborts exits sends_rubbish lying_card crashes_in_constructor; do
    [ "$LONG" != 0 ] || [ "$(plugin "$sin" .status)" = quarantined ] || die "$sin is $(plugin "$sin" .status)"
done
[ "$LONG" = 0 ] || { stop; exit 0; }
stop
serve_at
[ "$(plugin aborts .status)" = quarantined ] || die "it is forgotten"
begin aborts later
await quiet
try 0 seam explain later
says out plugin-quarantined 'seam plugins release aborts'
try 0 seam plugins release aborts
says out 'is released; the host at work'
is_ready() { [ "$(plugin aborts .status)" = ready ]; }
await is_ready
stop
[ "$GONE" = 0 ] || die "it ended with $GONE"

claim "agents of a configuration are known while its library is in quarantine, and nothing is started to say them"
listing() { # NAME
    printf 'manifest: 1\nstore: {url: "sqlite:listed.db"}\nescalation: {ops: {}}\nplugins:\n'
    printf '  d: {path: %s, quarantine: {faults: 1}, config: {agents: [{name: %s, summary: Dies, effect: pure, input: true, output: true}]}}\n' \
        "$SINS/describes.so" "$1"
}
listing dies >seam.yaml
sed 's|good/act|d/dies|; s/^flow: good/flow: dies/' good.yaml >dies.yaml
try 1 seam run dies.yaml --set n=1 --id dies
mkdir alone # where there is no worker beside it, it can start none
cp "$SEAM" alone/
try 1 alone/seam plugins --static
says out 'quarantined' 'd/dies' 'seam plugins release d'
listing other >seam.yaml
try 1 alone/seam plugins --static
says out 'in quarantine' 'it is not started to ask it' 'seam plugins release d'
lacks out 'd/dies' 'd/other'
try 0 seam plugins release d
try 0 seam plugins
says out 'd/other'

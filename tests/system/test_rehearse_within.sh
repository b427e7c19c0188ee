#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam test, of what stands within a step: sub-flows, plans that agents make, calls of agents by
# agents; each killed at every edge, and again while it is taken up. And that its folder is gone
# whatever ends it. The plugins are their cards alone.
. "$(dirname "$0")/stage.sh"
mkdir -p fixtures/cards tmp

# card ALIAS ASKS AGENT…: a plugin that is only a card.
card() {
    local alias=$1 asks=$2
    shift 2
    jq -n --arg alias "$alias" --argjson asks "$asks" --argjson agents "[$(IFS=,; echo "$*")]" '
        {card: 1, id: ("org.example." + $alias), version: "1.0.0", summary: "For a rehearsal",
         abi: {major: 1, minor: 0}, requests: {agents: $asks}, agents: $agents}' >"fixtures/cards/$alias.json"
}
object='{"type": "object"}'
# agent NAME EFFECT [MORE]: a card's.
agent() {
    jq -nc --arg name "$1" --arg effect "$2" --argjson more "${3-"{}"}" --argjson any "$object" \
        '{name: $name, summary: "Acts", effect: $effect, input: $any, output: $any} + $more'
}
found='{"type": "object", "required": ["outcome"], "properties": {"outcome": {"enum": ["happened", "never", "not_seen", "unknown"]}}}'
card hand '[]' "$(agent look read)" "$(agent send write '{"reconcile": "find", "settle": "1s"}')" \
    "$(agent back write '{"reconcile": "find", "settle": "1s"}')" \
    "$(agent find read "{\"output\": $found}")"
card boss '["org.example.hand/look", "org.example.hand/send"]' "$(agent think read)" \
    "$(agent lead write '{"reconcile": "find", "settle": "1s"}')" "$(agent find read "{\"output\": $found}")"
cat >seam.yaml <<'END'
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  hand: {path: nowhere/hand.so}
  boss: {path: nowhere/boss.so, grants: {agents: [hand/look, hand/send]}}
escalation: {ops: {}}
END

cat >pay.yaml <<'END'
flow: pay
version: 1.0.0
budget: {attempts: 20, calls: 20, time: 10m, recovery: {calls: 20}}
input: {schema: {type: object}}
steps:
  look: {agent: hand/look, input: {}}
  send: {agent: hand/send, needs: [look], input: {}, undo: {agent: hand/back, input: {}}}
output: {as: {paid: true}, schema: {type: object}}
escalation: {to: ops}
END
cat >all.yaml <<'END'
flow: all
version: 1.0.0
budget: {attempts: 60, calls: 90, time: 30m, recovery: {calls: 40}}
input: {schema: {type: object}}
steps:
  pay: {flow: pay.yaml, for_each: [1, 2], input: {}}
  lead: {agent: boss/lead, needs: [pay], input: {}}
  think: {agent: boss/think, needs: [lead], input: {}}
  do: {plan: "${ .steps.think.output.plan }", allow: {agents: [hand/*], effects: [read, write], max_steps: 5}, budget: {attempts: 20, calls: 20, time: 5m}}
  last: {agent: hand/look, needs: [do], input: {}}
output: {as: {ok: true}, schema: {type: object}}
escalation: {to: ops}
END
cat >fixtures/all.yaml <<'END'
fixture: 1
flow: all
agents:
  hand/look: {output: {seen: true}}
  hand/send: {output: {sent: true}}
  hand/back: {output: {back: true}}
  boss/lead:
    calls: [{agent: hand/look, input: {}}, {agent: hand/send, input: {}}]
    output: {led: true}
  boss/think:
    output: {plan: {steps: {a: {agent: hand/send, input: {}}, b: {agent: hand/look, needs: [a], input: {}}}}}
cases:
  - case: everything within everything
    expect:
      output: {ok: true}
      effects: {"pay[0]/send.call": 1, "pay[1]/send.call": 1, "lead/send#1.call": 1, "lead.lead": 1, "do/a.call": 1}
  - case: what was paid is paid back
    steps: {last: {fail: failed}}
    expect:
      status: failed
      error: {step: last}
      effects: {"pay[0]/send.call": 1, "pay[0]/send/undo.call": 1, "pay[1]/send/undo.call": 1}
END
claim "sub-flows, plans and calls of agents are cases like any other"
try 0 seam test all.yaml
says out '2 passed, 0 failed'

claim "killed at every edge, and again while it is taken up, no effect is lost or happens twice"
if sanitized; then # a kill takes twenty times as long, and what it runs through is run through by a few
    for at in 1 13,4 25 37,8 49,12 60; do
        try 0 seam test all.yaml --crash-at "$at"
        says out '2 passed, 0 failed'
    done
else
    try 0 seam test all.yaml --crash-at-every-write --json
    holds '.cases | length == 2 and all(.[]; .fault_count == 0 and .points >= 60 and .points == .same
           and .again.of > 1000 and .again.points > 60 and .again.points <= 120
           and .again.points == .again.same)'
fi

claim "one such point alone is killed at, and its journal kept"
try 0 seam test all.yaml --filter everything --crash-at 30,12 --keep kept
says out '1 kills: 1 ended the same'
try 0 seam explain test --store kept/killed-30,12.db
[ "$(grep -c ' taken-over' out)" = 2 ] || die "it was not taken over twice"
try 0 seam replay test --store kept/killed-30,12.db
for wrong in 30, ,12 30,0 30,x x 0 -1 99999; do
    try 1 seam test all.yaml --filter everything --crash-at "$wrong"
    says out 'the case has points 1 to 60'
done
try 1 seam test all.yaml --filter everything --crash-at 30,99999
says out 'the host that took it up was done before it came to its edge 99999'

claim "a signal ends it soon, with its folder; what a kill leaves is removed by the next, and only that"
export TMPDIR=$STATE/tmp
mkdir tmp/seam-test.other
ln -s / tmp/seam-test.link
# begin: a long test, at work in its own folder.
at_work() {
    kill -0 "$TEST" 2>/dev/null || die "it ended before it was seen at work"
    compgen -G "$(dirname "$(grep -lsx "$TEST" tmp/*/owner)")/killed-*.db" >killed
}
begin() {
    "$SEAM" test all.yaml --crash-at-every-write >out 2>err &
    TEST=$!
    await at_work
}
for signal in INT TERM KILL; do
    begin
    kill -s "$signal" "$TEST"
    code=0
    wait "$TEST" 2>wait || code=$?
    [ "$code" = $((128 + $(kill -l "$signal"))) ] || die "$signal ended it with $code"
    [ "$signal" = KILL ] || [ "$(ls tmp)" = $'seam-test.link\nseam-test.other' ] || die "left: $(ls tmp)"
done
[ "$(ls tmp | wc -l)" = 3 ] || die "what was killed left no folder: $(ls tmp)"
begin
try 0 seam test all.yaml --filter everything
[ "$(ls tmp | wc -l)" = 3 ] || die "of one at work and one that is dead: $(ls tmp)"
kill -s TERM "$TEST"
wait "$TEST" || :
[ "$(ls tmp)" = $'seam-test.link\nseam-test.other' ] || die "left: $(ls tmp)"

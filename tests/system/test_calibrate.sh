#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Reported confidence against what came of it: each fate is counted as what it is, few answers are
# said to be few, and of many a minimum is suggested.
. "$(dirname "$0")/stage.sh"
CC=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$BUILD/CMakeCache.txt")

cat >card.json <<'END'
{
  "card": 1, "id": "org.example.guess", "version": "1.0.0", "summary": "Says what it is given",
  "abi": {"major": 1, "minor": 0},
  "agents": [{
      "name": "guess", "summary": "Guesses", "effect": "pure", "confidence": "/confidence",
      "input": true,
      "output": {"type": "object", "required": ["v"], "properties": {"v": {"type": "integer"}, "confidence": {"type": "number"}}}
  }]
}
END
cat >plugin.c <<'END'
#include <seam/sdk.h>
static seam_status start(void *self, const seam_call *call)
{
    const seam_host *host = (const seam_host *)self;
    seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, call->input);
    return SEAM_OK;
}
static const seam_agent guess = SEAM_AGENT("guess", SEAM_PURE, 0);
static const seam_agent *const agents[] = {&guess, NULL};
SEAM_PLUGIN("org.example.guess", "1.0.0", agents, start)
END
sh "$SOURCE/plugin-api/cmake/seam-card" card.json card.c
"$CC" -shared -fPIC -I"$SOURCE/plugin-api/include" -o guess.so card.c plugin.c
cat >seam.yaml <<'END'
manifest: 1
store: {url: "sqlite:journal.db"}
plugins: {g: {path: guess.so}}
escalation: {ops: {}}
END
cat >flow.yaml <<'END'
flow: f
budget: {attempts: 20, calls: 20, time: 10m}
steps:
  guess:
    agent: g/guess
    input: "${ .input }"
    confidence: {min: 0.5, below: escalate}
    assert: [{that: "${ .output.v > 0 }", message: "not above zero"}]
    retry: {max_attempts: 1}
escalation: {to: ops}
END

claim "with nothing in the journal, nothing is said"
try 0 seam run flow.yaml --id none --set v=1 --set confidence=0.75
try 0 seam calibrate --agent g/other
says out 'no answer of g/other reported a confidence'

claim "few answers are counted, and said to be too few"
try 0 seam calibrate
says out 'g/guess: 1 answer with a confidence' 'accepted, and its run is done' '1 answer: too few to say'
try 0 seam calibrate --json
holds '.runs == 1 and .agents[0].enough == false and (.agents[0] | has("suggested") | not)'

claim "each fate is what it is: refused, approved, changed, denied, and what nobody knows"
try 1 seam run flow.yaml --id refused --set v=-1 --set confidence=0.95
for id in approved changed denied open; do
    try 3 seam run flow.yaml --id $id --set v=1 --set confidence=0.25
done
echo '{"approve": true}' >approve.json
echo '{"output": {"v": 7, "confidence": 1}}' >other.json
try 0 seam answer approved guess --json approve.json
try 0 seam answer changed guess --json other.json
try 0 seam answer denied guess --deny
try 0 seam resume approved
try 0 seam resume changed
try 1 seam resume denied
try 0 seam calibrate --json
holds '.agents[0].fates | .accepted == 1 and .refused == 1 and .approved == 1 and .changed == 1
       and .denied == 1 and .open == 1'
holds '.agents[0] | .answers == 6 and .known == 5 and .right == 2'
try 0 seam calibrate
says out 'nobody knows' 'a person approved it as it was'

claim "of many, a minimum is suggested that keeps the error rate"
{
    for i in $(seq 1 100); do echo "{\"v\": 1, \"confidence\": 0.9}"; done
    for i in $(seq 1 10); do echo "{\"v\": 1, \"confidence\": 0.65}"; done
    for i in $(seq 1 10); do echo "{\"v\": -1, \"confidence\": 0.65}"; done
} >many.jsonl
try 1 seam run flow.yaml --each many.jsonl --quiet
try 0 seam calibrate --json
holds '.agents[0] | .enough and .brier > 0 and .ece > 0 and .suggested.seen.min == 0.75'
holds '.agents[0].suggested.sure == null' # 1 of 102 may be more than one in twenty
holds '.agents[0].bins[6] | .count == 20 and .right == 10 and .low < 0.5 and .high > 0.5'
holds '.agents[0].thresholds[] | select(.min == 0.8) | .passed_wrong == 1 and .escalated_needlessly == 12'
try 0 seam calibrate
says out 'Brier score' 'min: 0.9' 'of them for nothing'
try 0 seam calibrate --target 0.06
says out 'for at most 6% wrong' 'min: 0.75'
try 0 seam calibrate --since 1h --json
holds '.agents[0].answers == 126'
try 0 seam calibrate --since 2099-01-01
says out 'reported a confidence'

claim "words that are no time, no rate"
try 2 seam calibrate --since yesterday
says err '--since yesterday' '7d'
try 2 seam calibrate --target 5
says err '--target 5' '0.05'
try 2 seam calibrate something

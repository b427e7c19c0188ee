#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Agents that call agents, from outside: what may be called, what show and explain say of it, and
# that a host that was killed goes on without doing anything twice.
. "$(dirname "$0")/stage.sh"
ACTORS=$BUILD/tests/unit/runtime/plugins/so

# manifest GRANTS: `boss` may call those.
manifest() {
    cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  boss: {path: "$ACTORS/boss.so", grants: {agents: [$1]}}
  hand: {path: "$ACTORS/hand.so"}
END
}
cat >flow.yaml <<'END'
flow: calls
version: 1.0.0
input: {schema: true}
budget: {attempts: 9, calls: 9, tokens: 100, time: 1m}
steps:
  act: {agent: boss/look, input: "${ .input }"}
output: {as: "${ .steps.act.output }"}
END
call() { # AGENT INPUT
    jq -n --arg agent "$1" --argjson input "$2" \
        '{do: [{ask: "agent.call/1", body: {agent: $agent, input: $input}}]}'
}

claim "plugins says what each may call, what it asks for in vain, and what no agent of it could"
manifest 'hand/look, hand/find'
try 0 seam plugins --static
says out 'may call hand/look (read)' 'may not call hand/mail (write): plugins.boss.grants.agents' \
    'may not call hand/find: the card does not ask for it' \
    'may not call org.seam.test.nobody/look: no plugin that is loaded has it'
try 0 seam plugins --static --json
holds 'map(select(.plugin == "boss"))[0].calls | map(select(.agent == "hand/look"))[0].status == "callable"'

claim "a grant to nobody is an error of the manifest, with its place"
manifest 'hnd/look'
try 2 seam plugins --static
says err 'seam.yaml:4:' 'there is no plugin "hnd"' 'did you mean "hand"?'

claim "an agent that is granted none of what it asks for is warned of"
manifest ''
sed -i 's|boss.so|foreman.so|' seam.yaml
try 0 seam check flow.yaml
says out 'asks for agents'
manifest 'hand/*'

claim "who asks a person is waited for by nobody's process; show and explain say who waits for whom"
manifest 'hand/*'
sed 's|agent: boss/look|&, retry: {max_attempts: 1}, timeout: {start_to_close: 1h}|' flow.yaml >asks.yaml
echo 'escalation: {deadline: 8d}' >>asks.yaml
jq -n '{do: [{must: "agent.call/1", body: {agent: "hand/look", input: {"1": [{fail: 12}], do: [{give: 5}]}}},
    {give: "done"}]}' >in.json
try 3 seam run asks.yaml --input in.json --id asks
try 0 seam show asks
says out 'act                      waiting' 'waits for act/look#1, which waits for a person' 'seam answer asks act/look#1'
try 0 seam explain asks act
says out 'it waits for act/look#1, which waits for a person'
try 0 seam explain asks
says out 'act called it, and waits for the answer'
lacks out 'nobody waits'
echo '{}' >answer.json
try 0 seam answer asks 'act/look#1' --json answer.json
try 0 seam resume asks
try 0 seam explain asks
says out '[gave-way]' '[call-replayed]'
lacks out 'nobody waits'
try 0 seam show asks --json
holds '.spent.attempts == 1 and .status == "done"'
try 0 seam replay asks

claim "a call is made, paid for by the run, and shown beneath its caller"
call org.seam.test.hand/look '{"do": [{"must": "budget.spend/1", "body": {"tokens": 7}}, {"give": {"found": 1}}]}' >in.json
try 0 seam run flow.yaml --input in.json --id r1
lacks err 'has no effect'
holds '.answers[0].body | .output.found == 1 and .tokens == 7'
try 0 seam show r1 --json
holds '(.tasks[] | select(.path == "act/look#1") | .status == "done") and .spent.tokens == 7 and .spent.calls == 2'
try 0 seam explain r1
says out 'act/look#1' '[call-fresh]'
try 0 seam replay r1

claim "what is refused says the cure"
call hand/mail '{}' >in.json
try 0 seam run flow.yaml --input in.json --id r2
holds '.answers[0] | .code == "class" and (.body.message | contains("hand/mail was not called by boss/look (read)"))'
try 0 seam explain r2
says out '[call-class]'
call boss/pure '{}' >in.json
try 0 seam run flow.yaml --input in.json --id r3
holds '.answers[0] | .code == "not-granted" and (.body.message | contains("plugins.boss.grants.agents"))'

claim "tries within tries cost no more than the budget, and what has failed for good is not called for again"
jq -n '{max_attempts: 3, initial_interval: "1ms"} as $again | {fail: 3} as $no
    | {do: [{ask: "agent.call/1", body: {agent: "hand/look", retry: $again,
        input: {do: [{ask: "agent.call/1", body: {agent: "hand/pure", retry: $again, input: {do: [$no]}}}, $no]}}}, $no]}' >in.json
manifest 'hand/*'
sed -i 's|hand: {path: "\(.*\)"}|hand: {path: "\1", grants: {agents: [hand/pure]}}|' seam.yaml
try 1 seam run flow.yaml --input in.json --id r4
try 0 seam show r4 --json
holds '.spent.calls == 5'

claim "a host that was killed while a call was under way goes on, and what was done stands"
cat >in.json <<'END'
{"do": [{"ask": "agent.call/1", "body": {"agent": "hand/look", "input": {"do": [{"give": 1}]}}},
        {"ask": "agent.call/1", "body": {"agent": "hand/look", "input": {"1": [{"hang": true}], "do": [{"give": 2}]}}}]}
END
"$SEAM" run flow.yaml --input in.json --id r5 >/dev/null 2>&1 &
HOST=$!
under_way() { [ "$(seam show r5 --json 2>/dev/null | jq '.tasks | length')" = 3 ]; }
await under_way
kill -9 $HOST
wait $HOST 2>/dev/null || true
try 0 seam resume r5
holds '[.answers[].body.output] | .[0] == 1 and .[1] == 2'
try 0 seam explain r5
says out '[call-replayed]'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Plans that an agent makes, from outside: one that is right runs as a part of the run, one that is
# wrong goes back to who made it until it may not be tried again, and check says before the run what
# a plan may be. The agent gives what it is given, so a flow can say what it will answer.
. "$(dirname "$0")/stage.sh"
stage "$SINS/echo.so"

# plan FILE AGENT REST: a flow in which `think` makes a plan whose first step calls AGENT.
plan() {
    cat >"$1" <<END
flow: outer
budget: {attempts: 20, calls: 60, time: 10m}
steps:
  think:
    agent: p/act
    retry: {initial_interval: 1ms}
    input:
      plan:
        steps:
          one: {agent: $2, input: {goal: "\$\${ .input.goal }"}}
          two: {agent: p/act, for_each: [1, 2], input: {n: "\$\${ .item }", one: "\$\${ .steps.one.output.goal }"}}
        output: {as: {all: "\$\${ .steps.two.output }"}}
  do:
    plan: \${ .steps.think.output.plan }
    allow: {agents: [p/*], max_steps: ${3:-2}}
    budget: {calls: ${4:-9}, time: 1m}
    input: {goal: Lisbon}
    output: {schema: {type: object, required: [all]}}
output: {as: "\${ .steps.do.output }"}
END
}

claim "a right plan runs within its step"
plan right.yaml p/act
try 0 seam check right.yaml
says out 'bounded   calls     at worst 12' 'bounded yes'
try 0 seam run right.yaml --id right
says out '{"all":[{"n":1,"one":"Lisbon"},{"n":2,"one":"Lisbon"}]}'
try 0 seam show right
says out do/one 'do/two[1]' '4 attempts, 4 calls'
try 0 seam replay right

claim "a wrong plan goes back to who made it, and the run says what was wrong"
plan unknown.yaml p/atc
plan long.yaml p/act 1
plan dear.yaml p/act 2 2
try 1 seam run unknown.yaml --id unknown
says err '/steps/one/agent: there is no agent "p/atc"; did you mean "p/act"?'
try 1 seam run long.yaml --id long
says err 'the plan has 2 steps, where at most 1 are allowed'
try 1 seam run dear.yaml --id dear
says err '/steps/two: even if nothing fails the plan needs 3 calls, and its budget is 2'
plan wide.yaml p/act
sed -i 's/^budget: .*/budget: {attempts: 3, calls: 60, time: 10m}/' wide.yaml
sed -i 's/retry: {/retry: {max_attempts: 2, /' wide.yaml
try 1 seam run wide.yaml --id wide
says err '/steps/two: even if nothing fails the plan needs 3 attempts, and 1 are left of the budget around it'
try 0 seam replay wide
for run in unknown long dear; do
    try 0 seam show $run
    says out '3 attempts, 3 calls'
    lacks out do/one
    try 0 seam replay $run
done

claim "what is allowed is looked at before the run"
plan nobody.yaml p/act
sed -i 's|agents: \[p/\*\]|agents: [p/atc]|' nobody.yaml
try 1 seam check nobody.yaml
says out 'there is no agent "p/atc"' 'did you mean "p/act"?'
try 4 seam run nobody.yaml

claim "a plan that needs more than it has is refused, whatever its agents may call on their own"
cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  boss: {path: "$BUILD/tests/unit/runtime/plugins/so/boss.so", grants: {agents: [boss/look]}}
END
cat >callers.yaml <<'END'
flow: callers
input: {schema: true}
budget: {attempts: 60, calls: 60, time: 10m}
steps:
  think: {agent: boss/pure, input: {do: [{give: "${ .input }"}]}, retry: {max_attempts: 2, initial_interval: 1ms}}
  do: {plan: "${ .steps.think.output }", allow: {agents: [boss/look]}, budget: {calls: 4, time: 1m}}
output: {as: "${ .steps.do.output }"}
END
echo '{"steps": {"a": {"agent": "boss/look", "for_each": [1, 2, 3, 4, 5], "input": {}}}}' >in.json
try 1 seam run callers.yaml --input in.json --id callers
says err '/steps/a: even if nothing fails the plan needs 5 calls, and its budget is 4'
lacks err 'do/a'

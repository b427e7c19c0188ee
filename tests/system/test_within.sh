#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Flows within flows: sub-flows from files, and plans that an agent made, which are checked before
# anything of them runs, told to who made them when they are refused, and read back from the journal.
. "$(dirname "$0")/stage.sh"

cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  t: {path: "$SINS/echo.so"}
  w: {path: "$SINS/writes.so"}
  bad: {path: "$SINS/returns_nonsense.so"}
escalation: {ops: {}}
END

# ---- sub-flows ----

cat >inner.yaml <<'END'
flow: inner
budget: {attempts: 4, calls: 4, time: 20s}
input: {schema: {type: object, properties: {n: {type: integer}}, required: [n]}}
steps:
  a: {agent: t/act, input: {n: "${ .input.n }"}}
output: {as: {m: "${ .input.n * 10 }"}, schema: {type: object, required: [m], properties: {m: {type: integer}}}}
END
cat >outer.yaml <<'END'
flow: outer
budget: {attempts: 40, calls: 40, time: 1m}
steps:
  each: {flow: inner.yaml, for_each: [3, 1, 2], concurrency: 2, input: {n: "${ .item }"}}
  stop: {agent: bad/act, needs: [each], retry: {max_attempts: 1}, on_failure: escalate}
output: {as: "${ .steps.each.output | map(.m) }"}
escalation: {to: ops, deadline: 1h}
END

claim "sub-flows run for each item, and what they give keeps its order"
try 3 seam run outer.yaml --id s
try 0 seam show s --json
holds '[.tasks[] | select(.path | startswith("each["))] | length == 6'
holds '[.accounts[].spent.calls] == [1, 1, 1]'

claim "a run goes on with the sub-flow that it began with, whatever became of the file"
echo 'flow: [' >inner.yaml
try 0 seam answer s stop --json <(echo '{"output": {}}')
try 0 seam resume s
says out '[30,10,20]'
try 0 seam replay s

claim "files that go in circles are refused with the whole way"
echo '{flow: a, budget: {attempts: 1, calls: 1, time: 1s}, steps: {x: {flow: b.yaml}}}' >a.yaml
echo '{flow: b, budget: {attempts: 1, calls: 1, time: 1s}, steps: {y: {flow: a.yaml}}}' >b.yaml
try 1 seam check a.yaml
says out 'a.yaml' 'b.yaml'
try 4 seam run a.yaml

# ---- plans ----

cat >planner.yaml <<'END'
flow: planner
budget: {attempts: 20, calls: 30, time: 1m}
input: {schema: {type: object}}
steps:
  think: {agent: t/act, input: {plan: "${ .input.plan }"}, retry: {max_attempts: 2, jitter: none, initial_interval: 10ms}}
  work:
    plan: "${ .steps.think.output.plan }"
    allow: {agents: [t/*, bad/*, w/*], effects: [pure], max_steps: 3}
    input: {who: "${ .input.who }"}
    budget: {attempts: 5, calls: 5, time: 10s}
output: {as: "${ .steps.work.output }"}
escalation: {to: ops, deadline: 1h}
END

plan() { echo "{\"who\": \"me\", \"plan\": $1}" >plan.json; }

claim "a plan runs as part of the run, and is compiled again when the run is read back"
plan '{"steps": {"one": {"agent": "t/act", "input": {"x": "${ .input.who }"}},
    "two": {"agent": "bad/act", "needs": ["one"], "retry": {"max_attempts": 1}, "on_failure": "escalate"}},
    "output": {"as": "${ .steps.one.output }"}}'
try 3 seam run planner.yaml --input plan.json --id p
try 0 seam answer p work/two --json <(echo '{"output": {}}')
try 0 seam resume p
says out '{"x":"me"}'
try 0 seam replay p
try 0 seam explain p work
says out 'plan-begins'

# refused WORDS PLAN: the planner is told so, once for each of its tries.
count=0
refused() {
    local words=$1
    count=$((count + 1))
    plan "$2"
    try 1 seam run planner.yaml --input plan.json --id "r$count"
    says err "$words"
    try 0 seam explain "r$count" --json
    holds '[.[].decision | select(.rule == "refused-retry-feedback") | .feedback.plan | length > 0] == [true]'
    try 0 seam show "r$count" --json
    holds '[.tasks[].path] == ["think"]'
}

claim "a plan that names an unknown agent is refused, and nothing of it runs"
refused 'there is no agent' '{"steps": {"x": {"agent": "t/acct"}}}'
claim "a plan with a forbidden effect is refused"
refused 'write' '{"steps": {"x": {"agent": "w/act"}}}'
claim "a plan that goes in circles is refused"
refused 'x' '{"steps": {"x": {"agent": "t/act", "needs": ["y"]}, "y": {"agent": "t/act", "needs": ["x"]}}}'
claim "a plan that costs more than its budget is refused"
refused '5' '{"steps": {"x": {"agent": "t/act", "for_each": [1, 2, 3, 4, 5, 6]}}}'
claim "a plan of too many steps is refused"
refused 'at most 3' '{"steps": {"a": {"agent": "t/act"}, "b": {"agent": "t/act"}, "c": {"agent": "t/act"}, "d": {"agent": "t/act"}}}'
claim "what is no plan is refused"
refused 'its plan is refused' '"drop everything"'
refused 'its plan is refused' 'null'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Why each thing was decided, from outside: in text and as data, of a run and of a part of it, of
# flows within flows, of much, of flows within flows, of what is not there.
. "$(dirname "$0")/stage.sh"

cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  p: {path: "$SINS/echo.so"}
  n: {path: "$SINS/returns_nonsense.so"}
escalation: {ops: {}}
END
cat >inner.yaml <<END
flow: inner
version: 1.0.0
budget: {attempts: 4, calls: 4, time: 30s}
steps:
  one: {agent: p/act, input: "\${ .input }"}
output: {as: "\${ .steps.one.output }"}
END
cat >flow.yaml <<END
flow: outer
version: 1.0.0
input: {schema: {type: object, required: [n], properties: {n: {type: number}}}}
budget: {attempts: 20, calls: 30, time: 1m, recovery: {calls: 3}}
steps:
  first: {agent: p/act, input: {n: "\${ .input.n }"}}
  never: {agent: p/act, if: "\${ .input.n > 100 }", input: {}}
  pay: {flow: inner.yaml, needs: [first], input: {n: "\${ .input.n }"}}
  slow:
    agent: n/act
    input: {}
    needs: [pay]
    timeout: {start_to_close: 200ms}
    retry: {max_attempts: 1}
    on_failure: skip
END

try 0 seam run flow.yaml --set n=7 --id e1

claim "each decision has its rule, what it stood on, the budget, and what would have changed it"
try 0 seam explain e1
says out '[first-attempt]' 'it is try 1 of ' 'budget left' 'it waited for first (done)' \
    'its `if` is ${ .input.n > 100 }' 'it read .input.n = 7' \
    'otherwise: it would have run [turn] if its `if` were true' '[attempts-spent]'
says out 'if `retry.max_attempts` were more than 1'

claim "it names the agent that each start calls, and what can be done at the end"
says out 'it calls p/act' 'it calls n/act'
lacks out 'next: '

claim "a step of a flow within the flow has the budgets of both, and spends from both"
try 0 seam explain e1 pay/one
says out 'start pay/one' 'budget left of pay: 4 attempts' 'budget left of the run: 19 attempts'
lacks out 'start first'
try 0 seam explain e1 pay
says out 'enter pay' 'its flow has 1 step' 'start pay/one' 'leave pay'
try 0 seam show e1
says out 'pay (all of it)' 'pay/one' 'within pay: 1 attempts'

claim "as data: an array, whatever its length, with all of it"
try 0 seam explain e1 --json
holds 'all(.[]; .decision.rule and .meaning and (.because | type == "array")
       and (.budget | length > 0) and (.otherwise | type == "array"))'
holds '[.[] | select(.decision.rule == "attempts-spent") | .otherwise[]
       | select(.change == ["retry.max_attempts"]) | .would | length > 0] | any'
holds '[.[] | select(.decision.path == "never") | .facts.read[".input.n"]] == [7]'
try 0 seam explain e1 never --json
holds 'length == 1'

claim "a step that is not there"
try 2 seam explain e1 nothing
says err '`nothing`'
try 2 seam explain e1 nothing --json
holds '.error.message | contains("nothing")'

claim "replay gives the same"
try 0 seam replay e1 --json
holds '.same and .decisions > 8 and (has("difference") | not)'

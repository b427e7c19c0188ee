#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Where a run is and what was spent where; a crowd of items is told as one, and what is wrong with
# one of them is told all the same.
. "$(dirname "$0")/stage.sh"
stage "$SINS/echo.so"
cat >flow.yaml <<'END'
flow: crowd
input: {schema: {type: object, required: [list], properties: {list: {type: array, items: {type: integer}, maxItems: 1000}}}}
budget: {attempts: 2000, calls: 2000, time: 5m}
steps:
  before: {agent: p/act, input: {}}
  each:
    agent: p/act
    needs: [before]
    for_each: "${ .input.list }"
    input: {n: "${ .item }"}
    assert: [{that: "${ .output.n != 17 and .output.n != 18 }", message: "not this one"}]
    retry: {max_attempts: 2, initial_interval: 1ms, retry_on: [assert]}
    on_item_failure: collect
END
sed -i 's/.output.n != 17 and .output.n != 18/(.output == {n: 17} or .output == {n: 18}) == false/' flow.yaml

claim "few items are listed, each"
try 0 seam run flow.yaml --id few --set 'list=[1,2,3]'
try 0 seam show few
says out 'each[0]' 'each[2]' 'spent:' 'each[*]' 'before' 'spent in all: 4 attempts, 4 calls'

claim "many are told as one, with those that are not done"
try 0 seam run flow.yaml --id many --set "list=$(seq -s, 1 200 | sed 's/.*/[&]/')"
try 0 seam show many
says out '198 done, 2 failed' 'each[16]' 'each[17]' 'not this one' '202 attempts'
lacks out 'each[3]'
try 0 seam show many --items
says out 'each[3]' 'each[199]'

claim "as data: rows of what was spent where add up to what was spent in all"
try 0 seam show many --json
holds '(.spent_by | map(.path)) == ["before", "each[*]"]'
holds '([.spent_by[].attempts] | add) == .spent.attempts and ([.spent_by[].calls] | add) == .spent.calls'
holds '.spent_by[1].tasks == 200 and .spent_by[1].time_ms >= 0'

claim "no line of what a plugin or a flow says stands where one of ours would"
cat >lines.yaml <<'END'
flow: lines
budget: {attempts: 2, calls: 2, time: 1m}
steps:
  one:
    agent: p/act
    input: {}
    assert: [{that: "${ .output.none == 1 }", message: "bad\nrun lines is done"}]
    retry: {max_attempts: 1}
END
try 1 seam run lines.yaml --id lines
says err 'bad' '| run lines is done'
for tell in show explain; do
    try 0 seam "$tell" lines
    says out '| run lines is done'
    if grep -q '^run lines is done' out; then die "$tell prints a line that is not ours"; fi
done

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A plugin in this process that stands on jansson too: its library is not the host's.
. "$(dirname "$0")/stage.sh"

for isolation in in-process worker; do
    stage "$SINS/has_jansson.so" $isolation
    cat >many.yaml <<'END'
flow: many
version: 1.0.0
input: {schema: {type: object, properties: {n: {type: array, maxItems: 500}}, required: [n]}}
budget: {attempts: 1000, calls: 1000, time: 1m}
steps:
  each: {agent: p/act, for_each: "${ .input.n }", input: {of: "${ .item }", words: [a, b, c]}}
output: {as: "${ .steps.each.output }"}
END
    claim "$isolation: hundreds of its answers, made and freed its own way, are whole"
    jq -nc '{n: [range(300) | {i: ., s: ("x" * (. + 1))}]}' >in.json
    try 0 seam run many.yaml --input in.json --memory
    holds 'length == 300 and .[299].got.of.i == 299 and (.[299].got.of.s | length) == 300'
    holds 'all(.[]; .numbers == [1, 2, 3] and .got.words == ["a", "b", "c"])'
done

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Flow files that are wrong: a malformed file is a bad file (2), what can be read can be refused (4);
# check says the same with 1. Every complaint has a place.
. "$(dirname "$0")/stage.sh"
stage "$PLUGINS/hello.so"

# refused EXIT FILE WORDS…: by run with this code, by check with 1, in the same words; no run begins.
refused() {
    local code=$1 file=$2
    shift 2
    try "$code" seam run "$file" --id r
    says err "$@"
    try 1 seam check "$file"
    says out "$@" '1 error'
    try "$code" seam run "$file" --json
    holds '.error.message and (.findings | length > 0 and all(.file and .line and .rule and .text))'
    [ ! -f journal.db ] || try 2 seam show r
}

flow() {
    cat <<END
flow: f
version: 1.0.0
budget: {attempts: 3, calls: 6, time: 1m}
steps:
END
    cat
}

claim "malformed YAML and JSON"
printf 'flow: x\n  steps: [\n' >indent.yaml
refused 2 indent.yaml 'indent.yaml:2:8: error: bad YAML'
printf '{"flow": "x",}' >comma.json
refused 2 comma.json 'comma.json:1:14: error: bad JSON'
printf 'a: 1\na: 2\n' >twice.yaml
refused 2 twice.yaml 'twice.yaml:2:1: error: the key "a" is here a second time, first at 1:1'
: >empty.yaml
refused 2 empty.yaml 'empty.yaml:1:1: error: there is nothing in it'
printf 'flow: \377' >bytes.yaml
refused 2 bytes.yaml 'bytes.yaml:1:7: error: byte 0xff is not UTF-8'
printf 'a: &x [*x]\n' >itself.yaml
refused 2 itself.yaml 'itself.yaml:1:8' 'an anchor cannot hold itself'
try 2 seam run nowhere.yaml
says err 'cannot open nowhere.yaml'
try 2 seam check nowhere.yaml itself.yaml
says err 'cannot open nowhere.yaml'
says out 'itself.yaml:1:8'
try 2 seam check nowhere.yaml --json
holds '.flows[0] | .layers == {valid: false, granted: false, bounded: false, ready: false}
    and (.error | contains("nowhere.yaml"))'

claim "aliases that multiply"
{
    echo 'a: &a0 [x, x, x, x, x, x, x, x, x, x]'
    for i in {1..9}; do
        printf 'b%d: &a%d [*a%d' "$i" "$i" $((i - 1))
        printf ', *a%d' $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1))
        echo ']'
    done
} >billion.yaml
refused 4 billion.yaml 'LIMIT_YAML_NODES'

claim "10,000 steps"
{
    for i in {1..10000}; do
        echo "  s$i: {agent: p/greet, input: {name: x}}"
    done
} | flow >many.yaml
refused 4 many.yaml 'many.yaml:4:1: error: 10000 steps, where at most 2000 are allowed (LIMIT_STEPS)'

claim "2,000 steps are a flow"
sed -n 1,2004p many.yaml | sed 's/attempts: 3, calls: 6/attempts: 5000, calls: 5000/' >most.yaml
try 0 seam run most.yaml --quiet

claim "a schema that recurses over itself without end, and one that recurses over its value"
flow >loop.yaml <<'END'
  a: {agent: p/greet, input: {name: x}}
input: {schema: {$defs: {a: {$ref: '#/$defs/b'}, b: {$ref: '#/$defs/a'}}, $ref: '#/$defs/a'}}
END
refused 4 loop.yaml 'loop.yaml:'
flow >tree.yaml <<'END'
  a: {agent: p/greet, input: {name: "${ .input.name }"}}
input:
  schema:
    type: object
    properties: {name: {type: string, minLength: 1, maxLength: 9}, next: {$ref: '#'}}
    required: [name]
END
try 0 seam run tree.yaml --input - <<<'{"name": "a", "next": {"name": "b", "next": {"name": "c"}}}'
try 2 seam run tree.yaml --input - <<<'{"name": "a", "next": {"name": "b", "next": {"name": 3}}}'
says err '/next/next/name'

claim "an agent, a field, a step that does not exist, with the nearest that does"
flow >names.yaml <<'END'
  a: {agent: p/gret, input: {name: x}}
END
refused 4 names.yaml 'names.yaml:5:14' 'no agent "p/gret"' 'did you mean "p/greet"?'
flow >field.yaml <<'END'
  a: {agent: p/greet, input: {name: x, nam: y}}
END
refused 4 field.yaml 'field.yaml:5:40' 'no field "nam"' 'did you mean "name"?'
flow >step.yaml <<'END'
  first: {agent: p/greet, input: {name: x}}
  then: {agent: p/greet, input: {name: "${ .steps.frist.output.greeting }"}}
END
refused 4 step.yaml 'step.yaml:6:' '`frist`' 'did you mean `first`?'

claim "a cycle"
flow >cycle.yaml <<'END'
  a: {agent: p/greet, input: {name: "${ .steps.b.output.greeting }"}}
  b: {agent: p/greet, input: {name: "${ .steps.a.output.greeting }"}}
END
refused 4 cycle.yaml 'cycle.yaml:' 'cycle'

claim "a flow without a budget"
grep -v budget step.yaml | sed 's/"${ .* }"/x/' >boundless.yaml
refused 4 boundless.yaml 'has no budget' 'budget: {attempts:'

claim "a manifest that is wrong, by its own file and line"
printf 'manifest: 1\nplugins:\n  p: {path: hello.so, isolaton: worker}\n' >wrong.yaml
try 2 seam run tree.yaml --manifest wrong.yaml
says err 'wrong.yaml:3:' 'isolaton' 'isolation'
printf 'manifest: 1\nplugins: [\n' >cut.yaml
try 2 seam plugins --manifest cut.yaml
says err 'cut.yaml:3:1'

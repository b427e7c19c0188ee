#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What providers of models take, from outside: lint says what they refuse, lower prints what they
# take, and what lower prints, lint finds nothing in.
. "$(dirname "$0")/stage.sh"
cat >ticket.yaml <<'END'
type: object
properties:
  title: {type: string, maxLength: 80, description: What it is about}
  tags: {type: array, items: {type: string}, uniqueItems: true, minItems: 2}
  due: {type: string, format: date}
required: [title]
additionalProperties: false
END

claim "lint names the place, the rule, the day and the cure"
try 1 seam contract lint --target openai ticket.yaml
says out 'ticket.yaml:3:' '/properties/title/maxLength' 'openai refuses it' 'cure:' 'rule keywords of 20' 'https://'
try 1 seam contract lint --target anthropic ticket.yaml --json
holds '.target == "anthropic" and (.accepted | not) and (.looked_up | test("^20[0-9-]+$"))'
holds '[.breaches[] | .at] | contains(["/properties/title/maxLength", "/properties/tags/minItems"])'
holds '.breaches | all(.rule and .says and .cure and (.source | length > 0) and .looked_up and (.ignored | not))'
try 1 seam contract lint --target gemini ticket.yaml
says out 'gemini does not heed it'

claim "lower prints a schema that lint finds nothing in, and proves it"
for target in openai anthropic gemini; do
    try 0 seam contract lower --target $target ticket.yaml
    cp out lowered.$target.json
    says err 'PROVEN' 'the second what is sent' 'in words: /properties/tags'
    try 0 seam contract lint --target $target lowered.$target.json
    says out "$target takes it"
    try 0 seam contract lower --target $target lowered.$target.json
done

claim "what is optional may be null for openai, and is listed"
try 0 seam contract lower --target openai ticket.yaml --json
holds '.verdict == "PROVEN" and .drop_nulls == ["/properties/tags", "/properties/due"] and .narrowed == []'
holds '.schema.required == ["title", "tags", "due"] and .schema.properties.due.type == ["string", "null"]'
holds '.schema.properties.title.description | test("What it is about.*maxLength.*80")'
holds '[.dropped[] | .at] == ["/properties/title", "/properties/tags"] and .left == []'

claim "an open contract loses values, and one of them is shown"
grep -v additionalProperties ticket.yaml >open.yaml
try 1 seam contract lower --target openai open.yaml --json
holds '.verdict == "REFUTED" and (.narrowed | length) == 1 and .schema.additionalProperties == false'
jq .witness out >witness.json
jq .schema out >lowered.json
try 0 seam validate open.yaml witness.json
try 1 seam validate lowered.json witness.json
try 0 seam contract lower --target gemini open.yaml

claim "a root that is no object has no schema, and a way on"
echo '{"type": "array", "items": {"type": "string"}}' >list.json
try 1 seam contract lower --target anthropic list.json
says err 'wrap the value in an object'
[ ! -s out ] || die "it printed a schema"
try 1 seam contract lower --target anthropic list.json --json
holds '.schema == null and .verdict == "REFUTED"'
try 0 seam contract lower --target gemini list.json

claim "several files, several answers, the worst of them the exit"
try 1 seam contract lint --target openai lowered.openai.json ticket.yaml
says out 'lowered.openai.json: openai takes it' 'ticket.yaml:3:'
try 2 seam contract lint --target openai lowered.openai.json nowhere.json
says err 'nowhere.json'

claim "usage ends in the next step"
try 2 seam contract lint ticket.yaml
says err '--target openai, anthropic, gemini'
try 2 seam contract lower --target opnai ticket.yaml
says err 'did you mean openai?' 'openai, anthropic or gemini'
try 2 seam contract lower --target openai ticket.yaml open.yaml
says err 'usage: seam contract lower'
try 2 seam contract lnt ticket.yaml
says err 'did you mean lint?'
echo '{"type": "objekt"}' >typo.json
try 2 seam contract lint --target openai typo.json
says err 'typo.json' 'objekt'

claim "an option that would do nothing is refused"
try 2 seam contract compare typo.json typo.json --target openai
says err '--target goes with lint and lower'

claim "check holds the contracts of a flow's agents to a provider"
stage "$SINS/echo.so"
one_step act
try 1 seam check one.yaml --target openai
says out 'one.yaml: p/act output: true: openai refuses it: the root is an object' 'one.yaml: p/act input' 'that openai does not take or heed'
try 1 seam check one.yaml --target openai --format json
holds '[.flows[0].contracts[] | .contract] == ["output", "input"] and .flows[0].ok'
holds '.flows[0].contracts | all(.agent == "p/act" and .target == "openai" and (.breaches | length) > 0)'
holds '.breaches == ([.flows[].contracts[].breaches[]] | length)'
try 0 seam check one.yaml --target gemini
try 0 seam check one.yaml
try 2 seam check one.yaml --target opnai
says err 'did you mean openai?'
try 2 seam check one.yaml --target openai --format sarif

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The contract engine by itself: 0 valid, 1 not, 2 a bad schema or file.
. "$(dirname "$0")/stage.sh"
printf 'type: object\nproperties: {n: {type: integer, maximum: 9}, at: {format: date}}\nrequired: [n]\n' >schema.yaml
echo '{"n": 3}' >good.json
printf 'n: 10\nat: tomorrow\n' >bad.yaml

claim "valid is 0"
try 0 seam validate schema.yaml good.json
says out 'good.json: valid'
try 0 seam validate schema.yaml good.json --json
holds '.valid and .errors == []'

claim "invalid is 1, with the place in the file and in the schema"
try 1 seam validate --format-assertion schema.yaml good.json bad.yaml
says out 'good.json: valid' 'bad.yaml:1:4: /n: expected at most 9, found 10' 'bad.yaml:2:5: /at'
try 1 seam validate schema.yaml bad.yaml good.json
try 1 seam validate --format-assertion schema.yaml bad.yaml --json
holds '.valid == false and (.errors | map(.instanceLocation) == ["/n", "/at"])'
try 1 seam validate schema.yaml bad.yaml --json
holds '.errors | map(.instanceLocation) == ["/n"]'

claim "a bad schema or a file that cannot be read is 2"
echo '{"type": "objekt"}' >typo.json
try 2 seam validate typo.json good.json
says err 'typo.json' 'objekt'
try 2 seam validate schema.yaml nowhere.json
says err 'nowhere.json'
try 2 seam validate schema.yaml
says err 'usage'

claim "--strict reads a schema as contracts are read, and else unknown words annotate"
echo '{"minimun": 3, "format": "date"}' >odd.json
echo '"x"' >x.json
try 0 seam validate odd.json x.json
try 2 seam validate --strict odd.json x.json
says err 'did you mean "minimum"'
echo '{"format": "date"}' >date.json
try 0 seam validate date.json x.json
try 1 seam validate --strict date.json x.json

claim "a registry is a folder: schemas are found by \$id and by path, and nothing else is"
mkdir -p schemas/sub
echo '{"$id": "https://x.example/b", "maximum": 9}' >schemas/sub/b.json
printf 'properties: {n: {$ref: "sub/b.json"}, m: {$ref: "my%%20c.yaml"}}\n' >main.yaml
printf '$ref: https://x.example/b\n' >'schemas/my c.yaml'
echo '[' >schemas/broken.json
try 1 seam validate --registry schemas main.yaml bad.yaml
says out '/n: expected at most 9, found 10 (schema /properties/n/$ref/maximum)'
says err 'left out of the registry: schemas/broken.json'
echo '{"m": 10}' >m.json
try 1 seam validate --registry schemas --output basic main.yaml m.json
holds '. == {valid: false, errors: [{keywordLocation: "/properties/m/$ref/$ref/maximum",
       absoluteKeywordLocation: "https://x.example/b#/maximum", instanceLocation: "/m",
       error: "expected at most 9, found 10"}]}'
try 2 seam validate main.yaml m.json
says err 'sub/b.json' 'none is fetched' '--registry DIR'
try 2 seam validate --registry nowhere main.yaml m.json
says err nowhere
echo '{"$id": "https://x.example/b"}' >schemas/rival.json
try 2 seam validate --registry schemas main.yaml m.json
says err 'https://x.example/b' 'rival.json' 'sub/b.json'

claim "flag is one value an instance, and - is standard input"
try 1 seam validate --output flag schema.yaml - good.json <x.json
jq -se '. == [{valid: false}, {valid: true}]' out >/dev/null || die "not two flags"
try 2 seam validate - - </dev/null
says err 'can be read once'
try 2 seam validate schema.yaml - </dev/null
says err 'standard input:1:1' 'expected a value'
lacks err 'seam: -'
try 2 seam validate --output long schema.yaml good.json
says err 'text, flag or basic'

claim "what is no JSON, too deep, too big or out of reach is told, and is 2"
echo '{}' >any.json
printf '{"n": 1e400}' >huge.json
printf '"\\ud800"' >lone.json
printf '{"n": 1, "n": 2}' >twice.json
printf '%0.s[' {1..1000} >deep.json
printf '%0.s]' {1..1000} >>deep.json
for file in huge lone twice deep; do
    try 2 seam validate any.json $file.json
    says err "$file.json:1:"
done
echo '{"$ref": "https://json-schema.org/draft/2020-12/nothing"}' >net.json
try 2 seam validate net.json any.json
says err 'net.json: schema at "/$ref"' 'none is fetched'
{
    printf '{"enum": ["'
    head -c 17000000 /dev/zero | tr '\0' a
    printf '"]}'
} >big.json
try 2 seam validate big.json any.json
says err 'big.json'

claim "a schema that is none is refused by place, with what was expected and found"
echo '{"minimum": "3"}' >wrong.json
try 2 seam validate wrong.json any.json
says err 'wrong.json: schema at "/minimum": expected a number, found "3"'
echo false >never.json
try 1 seam validate never.json any.json
says out '(schema itself)'

claim "what looks like JSON is read as JSON, whatever its name: YAML knows no pairs of surrogates"
echo '{}' >all.json
printf '{"face": "\\ud83d\\ude00"}' >face.txt
try 0 seam validate all.json face.txt
try 0 seam validate all.json - <face.txt
printf '{"a": 1' >cut.txt
try 2 seam validate all.json cut.txt
says err 'cut.txt:1:8: bad JSON'
printf '{a: 1, b: [x]}' >flow.txt
try 0 seam validate all.json flow.txt

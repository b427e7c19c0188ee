#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The ways of an input into a run, and what is refused on the way.
. "$(dirname "$0")/stage.sh"
stage "$SINS/echo.so"
one_step act

claim "a JSON file, a YAML file, and either on standard input"
echo '{"x": 1, "y": [true, null, "ü"]}' >in.json
printf 'x: 1\ny: [true, null, ü]\n' >in.yaml
for file in in.json in.yaml; do
    try 0 seam run one.yaml --input $file
    holds '. == {x: 1, y: [true, null, "ü"]}'
    try 0 seam run one.yaml --input - <$file
    holds '. == {x: 1, y: [true, null, "ü"]}'
done
echo '{"face": "\ud83d\ude00"}' >surrogates.json
try 0 seam run one.yaml --input - <surrogates.json
holds '.face == "😀"'

claim "--set adds members, JSON where it reads as JSON, and the last one counts"
try 0 seam run one.yaml --set a=1 --set b=word --set 'c={"d": [2]}' --set e=1 --set e='"1"' --set f=
holds '. == {a: 1, b: "word", c: {d: [2]}, e: "1", f: ""}'
try 0 seam run one.yaml --input in.json --set x=2 --set=z=3
holds '.x == 2 and .z == 3 and .y'
try 2 seam run one.yaml --set word
says err '--set word: expected KEY=VALUE'
echo '[1]' >list.json
try 2 seam run one.yaml --input list.json --set a=1
says err '--set needs an input that is an object'

claim "numbers arrive as they were sent"
try 0 seam run one.yaml --set a=0.1 --set b=9007199254740993 --set c=1e300
says out '"a":0.1' '"b":9007199254740993'
try 2 seam run one.yaml --input - <<<'{"a": 99999999999999999999}'
says err 'standard input'

claim "an input that does not fit the flow is refused by place, before anything is kept"
cat >typed.yaml <<'END'
flow: typed
version: 1.0.0
input: {schema: {type: object, properties: {n: {type: integer, maximum: 9}}, required: [n]}}
budget: {attempts: 3, calls: 6, time: 1m}
steps: {act: {agent: p/act, input: "${ .input }"}}
END
try 2 seam run typed.yaml --set n=10 --id t
says err '/n: expected at most 9, found 10'
try 2 seam run typed.yaml --id t
says err '"n"'
try 2 seam show t

claim "what is malformed is refused by file, line and column"
printf '{"x":\n  [1, 2' >cut.json
try 2 seam run one.yaml --input cut.json
says err 'cut.json:2:' 'ends too early'
try 2 seam run one.yaml --input cut.json --json
holds '.error.code == "bad input" and (.error.message | startswith("cut.json:2:"))'
try 2 seam run one.yaml --input - <cut.json
says err 'standard input:2:' 'ends too early'
printf 'x: [1, 2\n' >cut.yaml
try 2 seam run one.yaml --input cut.yaml
says err 'cut.yaml:2:1'
printf '{"x": 1, "x": 2}' >twice.json
try 2 seam run one.yaml --input twice.json
says err 'twice.json:1:' '"x"'
printf '{"x": "\377"}' >bytes.json
try 2 seam run one.yaml --input bytes.json
says err 'bytes.json:1:' 'UTF-8'
try 2 seam run one.yaml --input nowhere.json
says err 'cannot open nowhere.json'

claim "what is too deep or too large meets a named limit"
for _ in {1..1000}; do printf '['; done >deep.json
try 2 seam run one.yaml --input deep.json
says err 'deep.json:1:' 'LIMIT_DEPTH'
{ printf '{"x":"'; head -c 100000000 /dev/zero | tr '\0' x; printf '"}'; } >huge.json
try 2 seam run one.yaml --input huge.json
says err 'huge.json' '16777216 bytes' 'LIMIT_FILE'
try 2 seam run one.yaml --input - <huge.json
says err 'standard input' '16777216 bytes' 'LIMIT_FILE'
{ printf '{"x":"'; head -c 9000000 /dev/zero | tr '\0' x; printf '"}'; } >large.json
try 2 seam run one.yaml --input large.json
says err 'large.json' 'LIMIT_PAYLOAD'
try 2 seam run one.yaml --input - <large.json
says err 'standard input' 'LIMIT_PAYLOAD'
rm -f journal.db
try 0 seam run one.yaml --set fine=1

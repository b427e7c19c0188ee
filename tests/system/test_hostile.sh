#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Files that were made to hurt: each ends in an answer, or in an error that names the place, and
# neither time nor memory is without a bound. The guard counts seconds of the processor, so that a
# busy machine fails nothing; memory is not bounded under sanitizers, which reserve all there is.
. "$(dirname "$0")/stage.sh"

SECONDS_OF_CPU=20 MEMORY_KB=3000000 SHARE=1
if sanitized; then # which takes four times as long; what is refused for its size has all of it
    SECONDS_OF_CPU=200 MEMORY_KB=unlimited SHARE=3
fi
bounded() (
    ulimit -t "$SECONDS_OF_CPU"
    ulimit -v "$MEMORY_KB"
    "$SEAM" "$@"
)

# bad SCHEMA WORDS…: no command takes the file for a schema; all of them say that of it.
bad() {
    local file=$1
    shift
    try 2 bounded validate "$file" one.json
    says err "$@"
    try 2 bounded contract compare "$file" any.json
    says err "$@"
    try 2 bounded contract compare any.json "$file"
    says err "$@"
}

# good SCHEMA VALID: a schema that is no error; the value 1 fits it (0) or not (1); it contains
# itself, or nothing is known of it.
good() {
    try "$2" bounded validate "$1" one.json
    bounded contract compare "$1" "$1" >out 2>err && return
    [ $? = 5 ] || die "$1 is compared to itself with exit $?"
    says out 'UNKNOWN'
}

# unreadable FILE WORDS…: no command reads it, whatever it would be.
unreadable() {
    local file=$1
    shift
    try 2 bounded validate any.json "$file"
    says err "$@"
    bad "$file" "$@"
    try 1 bounded check "$file"
    says out "$@"
}

# in_flow INPUT: flow.yaml, which takes that for its input.
in_flow() {
    printf '%s\n' 'flow: f' 'version: 1.0.0' 'budget: {attempts: 3, calls: 3, time: 1m}' \
        "input: {schema: $1}" 'steps: {act: {agent: p/act}}' >flow.yaml
}

# repeat COUNT TEXT
repeat() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", text }'; }

# filled COUNT CHARACTER: many of them.
filled() { head -c "$1" /dev/zero | tr '\0' "$2"; }

# listed COUNT FORMAT: printed with 0, 1, … in it, with commas between.
listed() {
    awk -v n="$1" -v format="$2" \
        'BEGIN { for (i = 0; i < n; i++) { if (i) printf ","; printf format, i, i } }'
}

printf 'manifest: 1\nstore: {url: "sqlite:journal.db"}\n' >seam.yaml
echo '{}' >any.json
echo '1' >one.json

claim "a schema that comes back to itself with the same value is refused"
echo '{"$ref": "#"}' >self.json
bad self.json 'self.json' '/$ref' 'never end'
echo '{"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}' >circle.json
bad circle.json 'circle.json' '/$ref' 'never end'
echo '{"$dynamicAnchor": "n", "anyOf": [true, {"$dynamicRef": "#n"}]}' >dynamic.json
bad dynamic.json '/anyOf/1/$dynamicRef' 'never end'
in_flow '{$ref: "#"}'
try 1 bounded check flow.yaml
says out 'flow.yaml:4' 'never end'

claim "one that comes back with a part of the value is a schema"
echo '{"type": "object", "properties": {"a": {"$ref": "#"}}}' >tree.json
good tree.json 1
printf '%s1%s' "$(repeat 100 '{"a":')" "$(repeat 100 '}')" >deep-tree.json
try 1 bounded validate tree.json deep-tree.json
says out '/a/a/a' 'expected object, found 1'

claim "work that doubles with each reference is bounded"
printf '{"$ref": "#/$defs/d0", "$defs": {"d60": {"type": "string"}, %s}}' \
    "$(awk 'BEGIN { for (i = 0; i < 60; i++) printf "%s\"d%d\": {\"anyOf\": [{\"$ref\": \"#/$defs/d%d\"}, {\"$ref\": \"#/$defs/d%d\"}]}", i ? "," : "", i, i + 1, i + 1 }')" >doubles.json
good doubles.json 1

claim "ten megabytes of schema are read, or one limit is named"
{ printf '{"enum": ['; listed $((250000 / SHARE)) '"member-%030d"'; printf ']}'; } >enum.json
good enum.json 1
{ printf '{"properties": {'; listed $((90000 / SHARE)) '"p%080d": {"type": "string"}'; printf '}}'; } >properties.json
good properties.json 0
{ printf '{"allOf": ['; listed $((90000 / SHARE)) '{"minLength": %d, "description": "%060d"}'; printf ']}'; } >all.json
good all.json 0
{ printf '{"required": ['; listed $((200000 / SHARE)) '"r%040d"'; printf ']}'; } >required.json
good required.json 0
{ printf '{"description": "'; filled 10000000 x; printf '"}'; } >description.json
good description.json 0
{ printf '{"properties": {'; listed 200000 '"p%030d": {"type": "string"}'; printf '}}'; } >nodes.json
bad nodes.json 'nodes.json' 'more than 100000 subschemas'
{ printf '{"pattern": "'; filled 10000000 a; printf '"}'; } >pattern.json
bad pattern.json '/pattern' 'more than 65536 bytes'
{ printf '{"description": "'; filled 17000000 x; printf '"}'; } >seventeen.json
bad seventeen.json 'seventeen.json' '16777216 bytes'
try 2 bounded validate any.json seventeen.json
says err 'seventeen.json' '16777216 bytes'
try 2 bounded check seventeen.json
says err 'seventeen.json' '16777216 bytes'
in_flow "{enum: [$(listed 90000 'member-%030d')]}"
try 1 bounded check flow.yaml
says out 'unknown-agent'

claim "a document of a thousand levels is refused where it gets too deep"
{ repeat 1000 '['; repeat 1000 ']'; } >deep.json
unreadable deep.json 'deep.json:1:129' 'LIMIT_DEPTH'
cp deep.json deep.yaml
unreadable deep.yaml 'deep.yaml:1:129' 'LIMIT_DEPTH'
awk 'BEGIN { for (i = 0; i < 1000; i++) { printf "%*sa:\n", i, "" } }' >indented.yaml
unreadable indented.yaml 'indented.yaml:129:129' 'LIMIT_DEPTH'
{ repeat 1000 '{"items":'; printf true; repeat 1000 '}'; } >deep-schema.json
bad deep-schema.json 'deep-schema.json:1:1153' 'LIMIT_DEPTH'

claim "aliases cannot make much of little"
{
    echo 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
    for i in 1 2 3 4 5 6 7 8 9; do
        echo "a$i: &a$i [$(listed 9 "*a$((i - 1))")]"
    done
} >laughs.yaml
unreadable laughs.yaml 'laughs.yaml:7' 'LIMIT_YAML_NODES'

claim "a pattern that would match for ever is given up, and that is no fit"
echo '{"pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}' >catastrophic.json
{ printf '"'; repeat 5000 a; printf '!"'; } >aaa.json
good catastrophic.json 0
try 1 bounded validate catastrophic.json aaa.json
says out 'aaa.json:1:1' 'gave up matching a pattern'
echo '{"not": {"pattern": "^(a|aa)+$"}}' >not.json
good not.json 1
try 1 bounded validate not.json aaa.json
says out 'gave up matching a pattern'
echo '{"patternProperties": {"^(a|aa)+$": false}}' >keys.json
{ printf '{"'; repeat 5000 a; printf '!": 1}'; } >aaa-key.json
try 1 bounded validate keys.json aaa-key.json
says out 'gave up matching a pattern'
echo '{"pattern": "^((a{1,900}){1,900}){1,900}$"}' >counted.json
bad counted.json '/pattern' 'too large'
try 1 bounded contract compare not.json catastrophic.json
says out 'REFUTED'

claim "1e400 is no number here"
echo '{"maximum": 1e400}' >number.json
unreadable number.json 'number.json:1:13' '64 bits'
printf 'a: 1\nb: -1e400\n' >number.yaml
unreadable number.yaml 'number.yaml:2:4' '-1e400'
echo '18446744073709551616' >integer.json
unreadable integer.json 'integer.json:1:1' '64 bits'

claim "a lone surrogate is no character"
echo '{"const": "\ud800"}' >surrogate.json
unreadable surrogate.json 'surrogate.json:1:12' 'D800'
echo '["x", {"\udc00": 1}]' >low.json
unreadable low.json 'low.json:1' 'DC00'
echo 'a: "\ud800"' >surrogate.yaml
unreadable surrogate.yaml 'surrogate.yaml:1' 'invalid Unicode'
printf '"\355\240\200"' >encoded.json
unreadable encoded.json 'encoded.json:1' 'UTF-8'

claim "a key may stand once"
printf '{"type": "string",\n "type": "object"}' >twice.json
unreadable twice.json 'twice.json:2:2' '"type"' 'once'
printf '{"type": "string", "\\u0074ype": "object"}' >escaped.json
unreadable escaped.json 'escaped.json:1:20' 'once'
printf 'a: 1\nb: 2\n"\\x61": 3\n' >twice.yaml
unreadable twice.yaml 'twice.yaml:3:1' '"a"' '1:1'

claim "two schemas of one name are refused"
echo '{"$defs": {"a": {"$id": "https://example.com/x"}, "b": {"$id": "https://example.com/x"}}}' >ids.json
bad ids.json '/$defs/b/$id' 'https://example.com/x'
echo '{"$id": "https://example.com/a/", "$defs": {"a": {"$id": "b/../c"}, "b": {"$id": "c"}}}' >resolved.json
bad resolved.json '/$id' 'https://example.com/a/c'
echo '{"$defs": {"a": {"$anchor": "x"}, "b": {"$dynamicAnchor": "x"}}}' >anchors.json
bad anchors.json '/$defs/b/$dynamicAnchor' '"x"'

claim "nothing is fetched"
raise_world
echo "{\"properties\": {\"a\": {\"\$ref\": \"http://127.0.0.1:$PORT/schema.json\"}}}" >network.json
bad network.json '/properties/a/$ref' 'none is fetched'
echo '{"$ref": "file:///etc/passwd"}' >file.json
bad file.json '/$ref' 'none is fetched'
in_flow "{\$ref: \"http://127.0.0.1:$PORT/schema.json\"}"
try 1 bounded check flow.yaml
says out 'flow.yaml:4' "http://127.0.0.1:$PORT/schema.json"
! arrived 1 || die "something asked the world"

claim "keys that collide, or share a long beginning, take no longer than others"
awk 'BEGIN {
    for (i = 0; i < 131072; i++) {
        key = ""
        for (b = i; length(key) < 34; b = int(b / 2))
            key = (key "") (b % 2 ? "Aa" : "BB")
        print key
    }
}' >keys
members() { awk -v format="$1" '{ if (NR > 1) printf ","; printf format, $0, NR }'; }
{ printf '{'; members '"%s": %d' <keys; printf '}'; } >colliding.json
{ printf '{'; listed $((200000 / SHARE)) '"samehead%08d": %d'; printf '}'; } >alike.json
try 0 bounded validate any.json colliding.json alike.json
sed 's/$/: 1/' keys >colliding.yaml
try 0 bounded validate any.json colliding.yaml
{ printf '{"properties": {'; head -n $((60000 / SHARE)) keys | members '"%s": {"const": %d}'; printf '}}'; } >colliding-schema.json
try 0 bounded validate colliding-schema.json colliding.json
try 1 bounded contract compare any.json colliding-schema.json

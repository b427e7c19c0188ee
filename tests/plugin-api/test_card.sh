#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# seam-card: what it embeds is the card with its schema files in place, and what is wrong is refused
# with a line that names the file and the place, leaving no output behind.
# usage: test_card.sh SEAM_CARD CC
set -eu
tool=$1 cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# embedded FILE.json: what arrives in the section, through a real object file.
embedded() {
    "$tool" "$1" out.c || return 1
    "$cc" -c -o out.o out.c
    objcopy -O binary --only-section=.seam.card out.o out.bin
    cat out.bin
}

# accepts CLAIM CARD EXPECTED
accepts() {
    printf '%s' "$2" >card.json
    found=$(embedded card.json) || { fail "$1: refused"; return; }
    [ "$found" = "$3" ] || fail "$1: found $found"
}

# refuses CLAIM CARD WORDS…: exit 1, all words in one line of stderr, no output left.
refuses() {
    claim=$1
    printf '%s' "$2" >card.json
    shift 2
    rm -f out.c
    if "$tool" card.json out.c 2>err; then
        fail "$claim: accepted"
        return
    fi
    for word; do
        grep -qF -e "$word" err || fail "$claim: no '$word' in: $(cat err)"
    done
    [ "$(wc -l <err)" -eq 1 ] || fail "$claim: not one line: $(cat err)"
    [ "$(echo out.c*)" = "out.c*" ] || fail "$claim: left $(echo out.c*)"
}

mkdir sub
printf '{\n  "type": "object",\n  "properties": {"a": {"$ref": "#/$defs/a"}},\n  "$defs": {"a": {"title": "tschüß"}}\n}\n' >in.json
printf 'false' >sub/out.json
in='{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"title":"tschüß"}}}'

accepts "white space goes, spelling stays" \
    '{ "a" : [ 1.50e+3 , -0, "x \" \\ \u00e9 {}" , true,null ] ,
       "b":{ } , "c" : [ ]	}' \
    '{"a":[1.50e+3,-0,"x \" \\ \u00e9 {}",true,null],"b":{},"c":[]}'
accepts "files take the place of input, output and config" \
    '{"agents":[{"input":{"$ref":"in.json"},"output":{ "$ref" : "sub/out.json" }},{"input":{"$ref":"in.json"}}],"config":{"$ref":"in.json"}}' \
    '{"agents":[{"input":'"$in"',"output":false},{"input":'"$in"'}],"config":'"$in"'}'
accepts "a \$ref inside the document stays" \
    '{"config":{"$ref":"#/$defs/a","$defs":{"a":true}}}' \
    '{"config":{"$ref":"#/$defs/a","$defs":{"a":true}}}'
accepts "a property that is called \$ref is no reference" \
    '{"config":{"properties":{"$ref":{"type":"string"}}}}' \
    '{"config":{"properties":{"$ref":{"type":"string"}}}}'

objects=$(printf '%100s' '' | sed 's/ /{"a":/g') ends=$(printf '%100s' '' | tr ' ' '}')
accepts "what is nested deep, but not too deep" \
    "{\"a\":$objects[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]$ends}" \
    "{\"a\":$objects[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]$ends}"

refuses "a file that is not there" '{"config":{"$ref":"none.json"}}' none.json "cannot be read"
refuses "a path out of the folder" '{"config":{"$ref":"../x.json"}}' card.json:1 /config ../x.json
refuses "a path out of the folder, later" '{"config":{"$ref":"sub/../../x.json"}}' "leaves the folder"
refuses "an absolute path" '{"config":{"$ref":"/etc/passwd"}}' /etc/passwd "leaves the folder"
refuses "the card itself" '{"config":{"$ref":"card.json"}}' "the card itself"
refuses "a \$ref that does not stand alone" '{"config":{"$ref":"in.json","title":"x"}}' "alone"
refuses "a \$ref to a file deeper inside" \
    '{"config":{"properties":{"a":{"$ref":"in.json"}}}}' '"in.json"' "config, input or output"
printf '{"items": {"$ref": "in.json"}}' >nested.json
refuses "a \$ref to a file inside a file" '{"config":{"$ref":"nested.json"}}' nested.json:1
printf '{"type": "object",\n "oops"}' >broken.json
refuses "a file that is not JSON" '{"config":{"$ref":"broken.json"}}' broken.json:2 'expected :'
refuses "nothing" '' card.json "the end of the file"
refuses "half an object" '{"a":1' card.json:1 'expected ,'
refuses "a comma too many" '{"a":[1,]}' card.json:1 "expected a value"
refuses "a comma too many in an object" '{"a":1,}' card.json:1 "the name of a member"
refuses "a leading zero" '{"a":01}' card.json:1
refuses "a bad escape" '{"a":"\x"}' card.json:1
refuses "a member twice" '{"a":1,
"a":2}' card.json:2 '"a"' twice
refuses "two documents" '{} {}' card.json:1 "end of the file"
refuses "a comment" '{} // x' card.json:1
deep=$(printf '%200s' '' | tr ' ' '[')
refuses "what is nested too deep" "{\"a\":$deep}" "more than 128"

printf '{"config":{"$ref":"in.json"}}' >'my card.json'
"$tool" 'my card.json' 'my out.c' deps
[ "$(cat deps)" = 'my\ out.c: my\ card.json in.json' ] || fail "depfile: $(cat deps)"
"$tool" only-one 2>/dev/null && fail "usage: accepted"

[ "$failures" -eq 0 ]

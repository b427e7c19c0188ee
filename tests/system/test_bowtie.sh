#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam validate --bowtie, by recorded requests and by bad ones: an answer a line, whatever the line.
. "$(dirname "$0")/stage.sh"

# answers REQUEST…: what it says to them, after a start.
answers() {
    printf '%s\n' '{"cmd": "start", "version": 1}' "$@" | "$SEAM" validate --bowtie >all ||
        die "it ended with $?"
    tail -n +2 all >out
}

# case SCHEMA INSTANCE: a request.
case_of() { printf '{"cmd":"run","seq":7,"output":"flag","case":{"description":"","schema":%s,"tests":[{"description":"","instance":%s}]}}' "$1" "$2"; }

claim "a recorded session is answered as recorded"
"$SEAM" validate --bowtie <"$SOURCE/tests/system/bowtie/session.jsonl" | jq -cS . >out ||
    die "it ended with $?"
jq -cS . "$SOURCE/tests/system/bowtie/answers.jsonl" | diff - out || die "other answers"

claim "start says what this is"
printf '%s\n' '{"cmd": "start", "version": 1}' | "$SEAM" validate --bowtie >out
holds '.version == 1 and (.implementation | .name == "seam" and .language == "c"
       and (.dialects | length == 3) and has("version") and has("homepage") and has("issues")
       and has("source"))'

claim "nothing is run before start, and after stop nothing is answered"
printf '%s\n' '{"cmd": "run", "seq": 3}' '{"cmd": "dialect", "dialect": "x"}' '{"cmd": "stop"}' \
    '{"cmd": "start", "version": 1}' | "$SEAM" validate --bowtie >out || die "it ended with $?"
jq -se 'length == 2 and .[0].seq == 3 and all(.errored)' out >/dev/null || die "other answers"
printf '%s\n' '{"cmd": "start", "version": 2}' '{"cmd": "run", "seq": 1}' |
    "$SEAM" validate --bowtie >out
jq -se 'length == 2 and all(.errored)' out >/dev/null || die "another version"
"$SEAM" validate --bowtie </dev/null >out || die "no input: it ended with $?"
[ ! -s out ] || die "it answers nobody"

claim "a malformed request gets an error, and the next is answered"
answers '' '{' '[]' 'null' '"run"' '{"cmd": 1}' '{"cmd": "walk", "seq": 5}' $'\xff\xfe' \
    '{"cmd":"run","seq":1,"seq":2}' '{"cmd":"run"}' '{"cmd":"run","seq":1}' \
    '{"cmd":"run","seq":1,"case":[]}' '{"cmd":"run","seq":1,"case":{"schema":{},"tests":5}}' \
    '{"cmd":"run","seq":1,"case":{"schema":{},"tests":[],"registry":{"a:b":7}}}' \
    '{"cmd":"dialect"}' '{"cmd":"run","seq":1,"case":{"schema":{},"tests":[]},"a":1e400}' \
    '{"cmd":"run","seq":1,"case":{"schema":{"const":"\ud800"},"tests":[]}}' \
    "$(case_of true 1)"
jq -se 'length == 18 and (.[:17] | all(.errored and .context.message != ""))
        and .[17] == {seq: 7, results: [{valid: true}]}' out >/dev/null || die "other answers"
printf '{"cmd":"start","version":1}\n%s\n' "$(case_of true 1)" | tr -d '\n' >joined
"$SEAM" validate --bowtie <joined >out && jq -e .errored out >/dev/null || die "two on one line"

claim "a hostile schema gets an answer"
deep=$(printf '{"items":%.0s' {1..3000})true$(printf '}%.0s' {1..3000})
answers "$(case_of '{"$ref":"#"}' 1)" "$(case_of "$deep" 1)" "$(case_of '{"pattern":"("}' '""')" \
    "$(case_of '{"$ref":"https://nowhere.example/x"}' 1)" "$(case_of '{"$schema":"x:y"}' 1)" \
    "$(case_of '{"pattern":"^(a|aa)+$"}' "\"$(printf 'a%.0s' {1..5000})!\"")"
jq -se 'length == 6 and (.[:5] | all(.errored)) and .[5].results == [{valid: false}]' out \
    >/dev/null || die "other answers"
says out 'https://nowhere.example/x' 'would never end'

claim "a line that is too long is one error"
{
    echo '{"cmd": "start", "version": 1}'
    head -c 20000000 /dev/zero | tr '\0' 7
    echo
    case_of true 1
} | "$SEAM" validate --bowtie >out || die "it ended with $?"
jq -se 'length == 3 and .[1].errored and .[2].results[0].valid' out >/dev/null || die "other answers"

claim "it stands alone"
try 2 seam validate --bowtie schema.json
try 2 seam validate --bowtie --strict

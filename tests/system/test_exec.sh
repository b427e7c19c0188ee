#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Programs as agents: what goes in and comes out, what an end means, and that nothing of a program is
# left after its call, whoever dies. The shell is most of the programs; Python and Node are tried with
# the examples where they are there.
. "$(dirname "$0")/stage.sh"
EXAMPLES=$SOURCE/plugins/exec/examples
ANY='input: {}, output: {}'
mkdir -p notes

# programs LINE…: seam.yaml with these agents of `p`, which may run the shell and write to notes.
programs() {
    {
        printf 'manifest: 1\nstore: {url: "sqlite:journal.db"}\nescalation: {ops: {}}\nplugins:\n  p:\n'
        printf '    path: %s/exec.so\n    quarantine: {faults: 0}\n    config:\n      agents:\n' "$PLUGINS"
        printf '        - {summary: A program, %s}\n' "$@"
        printf '    grants: {%s}\n' \
            "${GRANTS:-exec: [/bin/sh, /bin/sleep], fs: [{path: $STATE/notes, mode: rw\}]}"
    } >seam.yaml
}

# shell NAME EFFECT SCRIPT [MORE]: an agent that is a line of the shell.
shell() {
    printf 'name: %s, effect: %s, %s, command: [/bin/sh, -c, %s]%s' "$1" "$2" "$ANY" \
        "$(jq -n --arg s "$3" '$s')" "${4:+, $4}"
}

flow() {
    one_step "$1"
    sed -i -e 's/start_to_close: 1s/start_to_close: 20s/' -e 's/schedule_to_close: 5s/schedule_to_close: 40s/' one.yaml
}

# fails AGENT EXIT WORDS…: a run of it ends so, and says these words.
fails() {
    flow "$1"
    try "$2" seam run one.yaml --input in.json
    shift 2
    says err "$@"
}

# sleepers TIME: the processes that sleep for so long, or a time that begins so.
sleepers() { pgrep -f "^(/bin/)?sleep $1" || true; }
dead() { [ -z "$(sleepers "$1")" ]; }
echo '{"a": [1, "zwei"]}' >in.json

claim "input comes on stdin and goes out on stdout, with what the call is in the environment"
programs "$(shell same read 'read line; echo "$line"')" \
    "$(shell told read 'printf "{\"attempt\": %s, \"key\": %s, \"left\": %s, \"mine\": \"%s\", \"home\": \"%s\"}" $SEAM_ATTEMPT "${#SEAM_IDEMPOTENCY_KEY}" $SEAM_DEADLINE_MS "$MINE" "$HOME"' 'env: {MINE: my own}')"
try 0 seam plugins
says out 'p/same' 'p/told' 'ready'
flow same
try 0 seam run one.yaml --input in.json
lacks err not-granted
holds '.a == [1, "zwei"]'
flow told
try 0 seam run one.yaml --input in.json
holds '.attempt == 1 and .key == 64 and .left > 1000 and .left <= 20000 and .mine == "my own" and .home == "/tmp"'

claim "an exit code means what sysexits.h or the declaration says, and the last lines of stderr say why"
programs "$(shell wrong read 'echo first >&2; echo the input is odd >&2; exit 65')" \
    "$(shell no read 'exit 77')" \
    "$(shell mine read 'exit 3' 'exit: {"3": {status: denied, code: my.reason, message: not on a Sunday}}')" \
    "$(shell again read 'n=$(cat notes/n 2>/dev/null); echo x$n >notes/n; [ -n "$n" ] || exit 75; echo "\"$n\""')" \
    "$(shell dies read 'kill -SEGV $$')" \
    "$(shell text read 'echo this is no JSON')" "$(shell silent read ':')" \
    "$(shell many read 'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done' 'output_limit: 10kb')"
fails wrong 1 'ended with exit code 65' 'the input is odd' 'first'
fails no 1 'exit code 77'
fails mine 1 'not on a Sunday'
fails dies 1 'killed by signal 11'
fails text 1 "its output: line 1, column 1: bad JSON: expected a value, found 'this'"
fails silent 1 'its output: line 1, column 1: there is nothing in it'
fails many 1 'printed more than 10240 bytes'

claim "what may pass is tried again"
printf '        - {summary: A program, %s}\n' "$(shell again read 'if [ "$SEAM_ATTEMPT" = 1 ]; then exit 75; fi; echo "\"$SEAM_ATTEMPT\""')" >again
programs "$(sed 's/^ *- {summary: A program, //; s/}$//' again)"
flow again
try 0 seam run one.yaml --input in.json
holds '. == "2"'

claim "a write that fails is in doubt"
programs "$(shell writes write 'exit 1')"
fails writes 3 'Nobody knows whether'

claim "a program that cannot be started says what is to be granted"
programs "name: gone, effect: read, $ANY, command: [/usr/bin/nowhere]" "name: other, effect: read, $ANY, command: [/bin/cat]"
fails gone 1 '/usr/bin/nowhere could not be started' 'grants: {exec: [/usr/bin/nowhere]}'
fails other 1 '/bin/cat could not be started'

claim "nothing of it is left: what it leaves behind, a daemon, what ignores SIGTERM"
MARK=$((800000 + $$))
programs "$(shell leaves read "sleep $MARK & echo 1")" \
    "$(shell daemon read "(setsid sh -c 'echo \$\$ >$STATE/notes/pid; exec sleep ${MARK}1' >/dev/null 2>&1 </dev/null &); until [ -s $STATE/notes/pid ]; do sleep 0.01; done; echo 2")" \
    "$(shell gone read "read p <$STATE/notes/pid; for i in 1 2 3 4 5 6 7 8 9; do kill -0 \$p || break; sleep 0.1; done; kill -0 \$p && echo false || echo true")" \
    "$(shell deaf read "trap '' TERM; sleep ${MARK}2; sleep ${MARK}2" 'timeout: 100ms, grace: 50ms')" \
    "$(shell shut read "exec >&- 2>&- <&-; sleep ${MARK}3" 'timeout: 100ms')"
sed -i "s|exec: .*/bin/sleep|&, $(command -v setsid)|" seam.yaml
flow leaves
try 0 seam run one.yaml --input in.json
flow daemon
sed 's|^steps:|&\n  then: {agent: p/gone, input: {}, needs: [act]}|; s/steps.act.output/steps.then.output/' one.yaml >two.yaml
try 0 seam run two.yaml --input in.json # while its worker goes on
holds '. == true'
fails deaf 1 'did not end in time'
fails shut 1 'did not end in time'
dead $MARK || die "it lives on"

claim "a program in lines: the host's services, a log, pieces, an output; an error; a question"
programs "$(shell speaks write_idempotent 'read call
echo "{\"request\": \"effect.begin/1\", \"id\": 7, \"body\": {\"name\": \"it\", \"request\": 1}}"; read a
case $a in {\"id\":7,\"status\":\"ok\",*fresh*) echo "{\"log\": \"it is fresh\", \"level\": \"warning\"}" ;; esac
echo "{\"request\": \"effect.commit/1\", \"body\": {\"name\": \"it\", \"result\": {\"made\": 1}}}"; read b
echo "{\"emit\": \"half\"}"
echo "{\"output\": $b}"' 'protocol: lines')" \
    "$(shell errs read 'echo "{\"error\": {\"status\": \"denied\", \"code\": \"x.y\", \"message\": \"not today\"}}"' 'protocol: lines')" \
    "$(shell asks read 'read call; case $call in *blue*) echo "{\"output\": \"blue\"}" ;; *) echo "{\"ask\": {\"question\": \"Which colour?\", \"schema\": {\"type\": \"string\"}}}" ;; esac' 'protocol: lines')" \
    "$(shell odd read 'echo hello' 'protocol: lines')" \
    "$(shell quiet read ':' 'protocol: lines')"
flow speaks
try 0 seam run one.yaml --input in.json
holds '.status == "ok"'
says err 'it is fresh'
fails errs 1 'not today'
fails odd 1 'line 1 of its stdout' 'expected one JSON object'
fails quiet 1 'without a line that is an output'
flow asks
try 3 seam run one.yaml --input in.json --id colour
says err 'Which colour?'
echo '"blue"' >answer.json
try 0 seam answer colour act --json answer.json
try 0 seam resume colour
holds '. == "blue"'

claim "killed between begin and commit: the host, the worker, the program; a person is asked once"
programs "$(shell holds write 'read call
echo "{\"request\": \"effect.begin/1\", \"body\": {\"name\": \"it\", \"request\": 1}}"; read a
case $a in *fresh*) echo done >>'"$STATE"'/notes/deeds; sleep '"${MARK}4"' ;; esac' 'protocol: lines')"
flow holds
worker_of() { ps -o pid= --ppid "$1" | head -n 1; }
for victim in host worker program; do
    rm -f notes/deeds
    "$SEAM" run one.yaml --input in.json --id "$victim" >out 2>err &
    HOST=$!
    under_way() { ! dead "${MARK}4"; }
    await under_way
    case $victim in
        host) kill -KILL $HOST ;;
        worker) kill -KILL $(worker_of $HOST) ;;
        program) kill -KILL $(sleepers "${MARK}4") ;;
    esac
    wait $HOST || true
    await dead "${MARK}4"
    [ $victim != host ] || try 3 seam resume $victim
    try 0 seam show $victim --json
    holds '.status == "waiting"'
    [ "$(wc -l <notes/deeds)" = 1 ] || die "$victim: it was done twice"
done

claim "a declaration that is wrong, or in a file that cannot be read, says where"
programs "$(shell slow read : 'grace: 2s')"
try 1 seam plugins
says out 'agent "slow": /grace'
sed -i "s|- {summary.*|- $STATE/agents.json|" seam.yaml
try 1 seam plugins
says out "$STATE/agents.json cannot be read" 'cure: grant it'
echo '[{"name": "same", "summary": "One", "effect": "pure", "command": ["/bin/cat"], "input": "/dev/null", "output": {}}]' >notes/agents.json
sed -i "s|- $STATE/agents.json|- $STATE/notes/agents.json|" seam.yaml
try 1 seam plugins
says out '/dev/null: expected one JSON value'

# ---- the examples ----

# example NAME PROGRAM GRANTS: both agents of a language, with its interpreter.
example() {
    local text='{type: object, properties: {text: {type: string}}, required: [text]}'
    local note="{type: object, properties: {file: {type: string}, text: {type: string}}, required: [file, text]}"
    GRANTS="$3, fs: [{path: $EXAMPLES, mode: r}, {path: $STATE/notes, mode: rw}]" programs \
        "name: words, effect: read, input: $text, output: {type: object, required: [words]}, command: [$2, $EXAMPLES/words.$1]" \
        "name: note, effect: write, protocol: lines, input: $note, output: {type: object, required: [at]}, command: [$2, $EXAMPLES/note.$1]"
    echo '{"text": "a b a"}' >in.json
    flow words
    try 0 seam run one.yaml --input in.json
    holds '.words == 3 and .common[0] == {"word": "a", "count": 2}'
    echo '{"text": "..."}' >in.json
    fails words 1 'there is no word in the text'
    jq -n --arg file "$STATE/notes/$1" '{file: $file, text: "hello"}' >in.json
    flow note
    try 0 seam run one.yaml --input in.json
    [ "$(cat "notes/$1")" = hello ] || die "no note"
}
if ! sanitized; then # an interpreter under the limits of a worker, whose memory a sanitizer takes
    claim "the examples in Python"
    if [ -x /usr/bin/python3 ]; then
        example py /usr/bin/python3 'exec: [/usr/bin/python3]'
    else echo "  skipped: there is no /usr/bin/python3"; fi
    claim "the examples in Node"
    if [ -x /usr/bin/node ]; then
        example mjs /usr/bin/node 'exec: [/usr/bin/node], jit: true'
    else echo "  skipped: there is no /usr/bin/node"; fi
fi

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# MCP servers that do not mean well: names, schemas and answers that are refused in so many words, in
# bounded time and memory.
. "$(dirname "$0")/stage.sh"
NODE=$(command -v node) || exit 77
NODE=$(realpath "$NODE")
cp "$SOURCE/tests/mcp/hostile.mjs" .
cp "$PLUGINS/mcp.so" .
cat >one.yaml <<'END'
flow: one
version: 1.0.0
budget: {attempts: 1, calls: 1, time: 1m}
steps: {act: {agent: p/act, input: {}, retry: {max_attempts: 1}, timeout: {start_to_close: 30s}}}
output: {as: "${ .steps.act.output }"}
END

# server SIN: a manifest with it.
server() {
    cat >seam.yaml <<END
manifest: 1
plugins:
  p:
    path: $STATE/mcp.so
    config: {command: [$NODE, $STATE/hostile.mjs, "$1"], revision: "2025-11-25", effects: {act: read}}
    grants: {exec: [$NODE], fs: [{path: "$STATE/hostile.mjs", mode: r}], jit: true}
END
}

# refuses SIN WORDS…: no agent comes of it, and this is why.
refuses() {
    server "$1"
    try 2 seam plugins inspect p --manifest seam.yaml
    says err "${@:2}"
    ! grep -q $'\033' err || die "a terminal was told something"
}

# fails SIN WORDS…: its call ends so.
fails() {
    server "$1"
    try 1 seam run one.yaml
    says err "${@:2}"
}

claim "names that are none, and names that shadow others, are refused"
refuses 'control characters' 'names a tool "read?[2Jfile"'
refuses 'turned round' 'names a tool "read???file"'
refuses shadows 'taken for one another, "read_file" and "Read_File"'

claim "nothing is fetched for a schema"
refuses elsewhere 'refers to another document, which is never fetched'

claim "a secret is not handed to a program"
server act
sed -i 's/config: {/&env: {KEY: "${secret:key}"}, /' seam.yaml
try 2 seam plugins inspect p --manifest seam.yaml
says err 'gives none to a program (cure: a file that it reads'

claim "a list that never ends is ended"
refuses pages 'more than 100 pages'
refuses thousands 'more than 1000 tools'

claim "schemas that burst, and servers that die at their greeting or list, are told apart, side by side"
{
    printf 'manifest: 1\nplugins:\n'
    for sin in wide circle 'dies at initialize' 'dies at tools/list'; do
        server "$sin"
        sed -n "s/^  p:/  ${sin//[^a-z]/-}:/; 3,\$p" seam.yaml
    done
} >all.yaml
try 1 seam plugins --manifest all.yaml
says out 'wide ' 'has more than 100000 subschemas' 'circle ' 'this would never end'
[ "$(grep -c 'the server closed its output' out)" = 2 ] || die "two died"

claim "schemas that grow or search without end are measured against, and not for ever"
server bombs
sed -i 's/act: read/act: read, double: read/' seam.yaml
sed -e 's|^steps: .*|steps:\n  double: {agent: p/double, input: {}}\n&|; s/steps: {act: \(.*\)}$/  act: \1/' \
    -e 's/input: {}, retry/needs: [double], &/; s/: 1,/: 2,/g' one.yaml >two.yaml
try 1 seam run two.yaml
says err 'gave up matching a pattern'

claim "of many answers the first with the right number counts, whatever is printed beside"
server floods
try 0 seam run one.yaml
holds '.content[0].text == "first"'

# web SIN: a manifest with a server that is reached over HTTP and does that.
web() {
    exec {listening}< <(exec setpriv --pdeathsig KILL "$NODE" "$SOURCE/tests/mcp/web.mjs" "$1")
    read -r PORT <&"$listening" || die "the server did not start"
    cat >seam.yaml <<END
manifest: 1
plugins:
  p:
    path: $STATE/mcp.so
    config: {url: "http://127.0.0.1:$PORT/", revision: "2025-11-25", effects: {act: read}}
    grants:
      http: [{scheme: http, host: 127.0.0.1, port: $PORT, methods: [GET, POST], reads: ["POST /"], private: true}]
END
}

claim "a stream that was closed before its end is taken up again where it was, and not for ever"
web 'closes once'
try 0 seam run one.yaml
holds '.content[0].text == "after event-1"'
web 'closes always'
try 1 seam run one.yaml
says err 'has no result'

claim "servers that die at their greeting or list, or in the middle of them, are told apart, side by side"
{
    printf 'manifest: 1\nplugins:\n'
    for sin in 'dies at initialize' 'dies at tools/list' 'breaks off at initialize' 'breaks off at tools/list'; do
        web "$sin"
        sed -n "s/^  p:/  ${sin//[^a-z]/-}:/; 3,\$p" seam.yaml
    done
} >all.yaml
try 1 seam plugins --manifest all.yaml
[ "$(grep -c 'dies-at.* refused' out)" = 2 ] || die "two died"
[ "$(grep -c 'breaks-off.* refused' out)" = 2 ] || die "two broke off"
[ "$(grep -c 'the agents of its configuration' out)" = 4 ] || die "what they died of"

claim "what a server sends elsewhere is not followed, and an answer to another question is none"
web redirects
try 1 seam run one.yaml
says err 'status 307'
web 'other id'
try 1 seam run one.yaml
says err 'has no result'

claim "a session that the server forgot is opened anew, and not for ever"
web 'forgets once' # the second one: a plugin that runs is what was asked for its tools before
try 0 seam run one.yaml
holds '.content[0].text == "session-3"'
web 'forgets always'
try 1 seam run one.yaml
says err 'does not know the session that it gave (status 404)'

claim "what is no message is told as what it is"
web page
try 1 seam run one.yaml
says err 'is no message of MCP' 'begins: <html>Who are you?</html>'
web guarded
try 2 seam plugins inspect p --manifest seam.yaml
says err 'status 401 (cure: a token'

claim "answers over HTTP are bounded, of those that are read and of those that are not"
# drowns SIN WORDS
drowns() {
    web "$1"
    try 1 seam run one.yaml
    says err "$2"
}
drowns huge 'more than 8 MiB'
drowns endless 'more than 8 MiB'
drowns 'endless event' 'more than 8 MiB'
drowns 'endless events' 'more messages than a call may bring'
drowns 'huge headers' "the answer's headers pass 65536 bytes"
web huge
sed -i 's/, effects: {act: read}//; s/^plugins/store: {url: "sqlite:runs.db"}\nescalation: {ops: {}}\n&/' seam.yaml
{ cat one.yaml && echo 'escalation: {to: ops, deadline: 1h}'; } >write.yaml
try 3 seam run write.yaml
says err 'Nobody knows whether this effect happened' 'passes its limit of 8388608 bytes'

claim "who answers a byte at a time has no longer than others"
web drips
sed 's/start_to_close: 30s/start_to_close: 300ms/' one.yaml >brief.yaml
try 1 seam run brief.yaml
says err 'its deadline passed before it answered'

claim "answers are bounded, and are messages"
fails endless 'more than 8 MiB'
fails 'not UTF-8' 'not UTF-8'
fails dies 'the server closed its output; it said last: the database is gone'
[ -n "${FULL:-}" ] || exit 0
refuses 'a space' 'names a tool "read file"'
refuses twice 'taken for one another'
refuses 'no schema' 'is no object'
fails huge 'more than 8 MiB'
fails deep 'nested too deeply'
fails 'no content' 'has no content'

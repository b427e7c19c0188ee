#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What agents say while they work: seen while they do, on a terminal, as JSON, by whoever follows a
# run; kept nowhere; and what a plugin says without end costs nobody anything.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"
mkdir notes
TOKEN=tok-with-a-secret-in-it
printf '%s\n' "$TOKEN" >token
chmod 600 token
escape=$(printf '\033')

# Each says what a journal could only have from it, and waits for a word of the test.
says_half='read call; printf "%s\n" "{\"emit\": \"page $((6 * 7))\\n\"}" "{\"emit\": \"\\u001b[2Jhalf-$((6 * 7))\"}"
until [ -e '"$STATE"'/notes/go ]; do sleep 0.05; echo "{\"emit\": \".half-$((6 * 7))\"}"; done; echo "{\"output\": 1}"'
says_token='read call; echo "{\"request\": \"secret.use/1\", \"body\": {\"name\": \"token\"}}"; read it
echo "{\"emit\": \"it is tok-with-\"}"; echo "{\"emit\": \"a-secret-\"}"; echo "{\"emit\": \"in-it.\"}"; echo "{\"output\": 1}"'
says_much='read call; until [ -e '"$STATE"'/notes/go ]; do sleep 0.05; done; i=0
while [ $((i += 1)) -le 4000 ]; do echo "{\"emit\": \"'$(printf '%0300d' 0)'\"}"; done; echo "{\"output\": 1}"'

jq -n --arg exec "$PLUGINS/exec.so" --arg notes "$STATE/notes" \
    --arg half "$says_half" --arg token "$says_token" --arg much "$says_much" '
    def agent($name; $script): {name: $name, summary: "A program", effect: "read", input: {}, output: {},
        protocol: "lines", command: ["/bin/sh", "-c", $script]};
    {manifest: 1, store: {url: "sqlite:journal.db"}, escalation: {ops: {}}, secrets: {token: {file: "token"}},
     flows: ["half.yaml", "much.yaml"],
     plugins: {
        p: {path: $exec, config: {agents: [agent("half"; $half), agent("token"; $token), agent("much"; $much)]},
            grants: {exec: ["/bin/sh", "/bin/sleep"], secrets: ["token"], fs: [{path: $notes, mode: "rw"}]}}}}' >seam.yaml
for agent in half token much; do
    one_step $agent
    sed -e "s/flow: one/flow: $agent/" -e 's/to_close: [15]s/to_close: 60s/g' one.yaml >$agent.yaml
done

# go: what waits may go on; hold: what comes waits.
go() { : >notes/go; }
hold() { rm -f notes/go; }
shows() { grep -aqF -- "$2" "$1" 2>/dev/null; }
unkept() { for file in journal.db*; do ! grep -aqF "$1" "$file" || die "$file has $1"; done; }

claim "on a terminal the picture has the end of what is said, and nothing in it is obeyed"
hold
script -qefc "stty rows 24 cols 60; $SEAM run half.yaml --id t" /dev/null </dev/null >screen 2>&1 &
run=$!
await shows screen "half-42"
go
wait $run || die "$? $(tail -c 600 screen)"
says screen '\x1b[2Jhalf-42' 'run t is done'
lacks screen "${escape}[2J"
unkept half-42

claim "as JSON it comes in lines before the result, which say that they are not durable"
hold
"$SEAM" run half.yaml --id j --json --partial >lines 2>err &
run=$!
await shows lines 'half-42'
go
wait $run
jq -se '.[-1] == {run: "j", status: "done", output: 1}
    and (.[:-1] | length > 0 and all(.event == "partial" and .durable == false and .lost == 0
        and .run == "j" and .step == "act" and .attempt == 1))
    and ([.[:-1][].text] | join("") | startswith("page 42\n\\x1b[2Jhalf-42"))' lines >out || die "$(cat lines)"
unkept half-42
try 0 seam run half.yaml --id plain --json
[ "$(wc -l <out)" = 1 ] || die "without --partial there is more than the result"
try 2 seam run half.yaml --partial

claim "a secret is struck out, though it comes in pieces"
try 0 seam run token.yaml --json --partial --id s
[ "$(jq -sr '[.[] | .text // empty] | join("")' out)" = 'it is [secret token].' ] || die "$(cat out)"

claim "whoever follows a run is told between its events, by no number"
serve
hold
post 201 /v1/runs '{"flow": "half", "id": "w", "input": {}}'
curl -sSN -m 60 "$AT/v1/runs/w/events" -H 'Accept: text/event-stream' >sse &
follower=$!
await shows sse 'id: 1'
await shows sse 'half-42'
go
wait $follower
grep -A1 '^event: partial' sse | sed -n 's/^data: //p' >partial
jq '{"$ref": "#/components/schemas/Partial", components}' "$SOURCE/schemas/openapi.json" >partial.json
while read -r line; do
    echo "$line" >one.json
    try 0 seam validate partial.json one.json
done <partial
grep -q . partial || die "nothing was told"
grep -B1 '^event: partial' sse | grep -q '^id:' && die "it has a number"
[ "$(sed -n 's/^id: //p' sse | tr '\n' ' ')" = '1 2 ' ] || die "the events are not what they were"
unkept half-42

claim "who follows a flood, or reads nothing of it, costs the server nothing, and is told what is lost"
before=$(awk '/VmHWM/ {print $2}' "/proc/$SERVER/status")
hold
post 201 /v1/runs '{"flow": "much", "id": "f", "input": {}}'
printf 'GET /v1/runs/f/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n' |
    setpriv --pdeathsig KILL "$KNOCK" "$WEB" deaf 20 >deaf.out &
deaf=$!
curl -sSN -m 60 "$AT/v1/runs/f/events" -H 'Accept: text/event-stream' >flood &
follower=$!
await shows flood 'id: 1'
go
wait $follower
kill $deaf && { wait $deaf || true; }
grep -q '^event: end' flood || die "it does not end"
grep -A1 '^event: partial' flood | sed -n 's/^data: //p' >partial
jq -se 'all(.text | utf8bytelength <= 4096) and (map(.lost) | add > 100000)' partial >out || die "$(head -c 3000 partial)"
[ "$(wc -c <flood)" -lt 1000000 ] || die "$(wc -c <flood) bytes"
after=$(awk '/VmHWM/ {print $2}' "/proc/$SERVER/status")
sanitized || [ $((after - before)) -lt 40000 ] || die "it grew by $((after - before)) kB"
stop

claim "a run goes on when nobody reads its lines any more"
"$SEAM" run half.yaml --id left --json --partial 2>err | head -n 1 >first || true
says first '"partial"'
[ "$(seam show left --json | jq -r .status)" = done ] || die "$(seam show left)"

claim "a run does not wait for whoever does not read its lines"
mkfifo pipe
exec {pipe}<>pipe
"$SEAM" run much.yaml --id slow --json --partial >pipe 2>err &
run=$!
over() { seam show slow --json 2>/dev/null | jq -e '.status != "running"' >out; }
await over
cat <&"$pipe" >lines &
reader=$!
wait $run || true
has_result() { tail -n 1 lines | jq -e '.run == "slow" and .status' >out 2>&1; }
await has_result
kill $reader

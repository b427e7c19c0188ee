#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Hidden runs: whatever a value comes from, no file has it, and with the key all is as in any run.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

openssl rand -hex 32 >key && chmod 600 key
# manifest [HIDE]: a world by name `d`, a player of scripts by name `x`.
manifest() {
    cat >seam.yaml <<YAML
manifest: 1
store: {url: "sqlite:state/journal.db"}
plugins:
  x: {path: "$BUILD/tests/unit/runtime/plugins/so/actor.so"}
  d: {path: "$SINS/does_as_told.so", grants: {state: 64kb}}
  p: {path: "$SINS/echo.so"}
secrets: {seal: {file: ${KEY:-key}}, before: {file: key}}
${1:-}
flows: [all.yaml]
escalation: {ops: {exec: [/bin/sh, -c, "cat >>$STATE/told"]}}
YAML
}
manifest 'hide: {key: seal, flows: [all]}'

cat >inner.yaml <<'YAML'
flow: inner
budget: {attempts: 4, calls: 4, time: 20s}
steps:
  a: {agent: p/act, input: {n: "${ .input }"}}
output: {as: "${ .steps.a.output }"}
YAML
cat >all.yaml <<'YAML'
flow: all
budget: {attempts: 40, calls: 40, time: 1m}
steps:
  big: {agent: p/act, input: {big: "${ .input.big }"}}
  keep: {agent: d/make, input: "${ .input.keep }"}
  say: {agent: d/look, needs: [keep], input: "${ .input.say }"}
  wrong: {agent: x/look, input: "${ .input.wrong }", on_failure: skip, retry: {max_attempts: 1}}
  mail: {agent: x/book, input: "${ .input.mail }"}
  think: {agent: p/act, input: {plan: "${ .input.plan }"}}
  do:
    plan: ${ .steps.think.output.plan }
    allow: {agents: [p/*], max_steps: 2}
    budget: {calls: 9, time: 1m}
    output: {schema: true}
  sub: {flow: inner.yaml, input: "${ .input.sub }"}
  ask: {agent: x/look, needs: [say, mail, do, sub, big], input: "${ .input.ask }"}
output: {as: {said: "${ .steps.ask.output }", big: "${ .steps.big.output }", sub: "${ .steps.sub.output }"}}
escalation: {to: ops, deadline: 1h}
YAML
jq -n '{
    big: ("CANARY-big " * 2000), sub: "CANARY-sub",
    keep: {ops: [{op: "state.put/1", body: {key: "k", value: "CANARY-state"}}]},
    say: {say: "CANARY-log", ops: [{op: "state.get/1", body: {key: "k"}}]},
    wrong: {do: [{fail: 2, code: "CANARY-code"}]},
    mail: {do: [{must: "effect.begin/1", body: {name: "CANARY-name", request: "CANARY-request"}},
        {must: "effect.commit/1", body: {name: "CANARY-name", outcome: "done", result: {booking: {id: "CANARY-ref"}}}},
        {give: {booking: {id: "CANARY-ref"}}}]},
    plan: {steps: {"CANARY-step": {agent: "p/act", input: {n: "CANARY-plan"}}}, output: {as: 1}},
    ask: {"1": [{question: "CANARY-question"}]}}' >input.json
echo '{"text": "CANARY-answer"}' >answer.json

# clean: no canary in any file but those that this test has written itself.
clean() {
    ! grep -rlaF CANARY state told log 2>/dev/null >found || die "$(cat found) has: $(
        grep -raoh 'CANARY-[a-z]*' state told log | sort -u | tr '\n' ' ')"
}

claim "no value of a hidden run stands in a file: not in the journal, the log, nor what people are sent"
serve
post 201 /v1/runs "$(jq -n '{flow: "all", id: "h", input: input}' input.json)"
asks() { [ "$(sqlite3 -cmd '.timeout 10000' state/journal.db "SELECT status FROM runs WHERE id='h'")" = waiting ]; }
await asks
await grep -q '"step":"ask"' told
stop KILL
mv server.err log
clean
says told 'seam show h'
says log 'hidden with a run'
sqlite3 state/journal.db 'SELECT count(*) FROM claims; SELECT count(*) FROM state' >out
[ "$(tr '\n' ' ' <out)" = '1 1 ' ] || die "claims and state"

claim "with the key it is shown, explained and decided again, and so is the question"
try 0 seam show h
says out CANARY-question CANARY-step CANARY-name
try 0 seam explain h
try 0 seam replay h
try 0 seam plugins state d --json
holds '.[0].bytes == 14'

claim "what a person answers lies sealed until it is taken up, also by a host that was killed"
try 0 seam answer h ask --json answer.json
clean
try 2 seam answer h ask --json answer.json
says err 'has answered ask already'

claim "without the key it is outlined, verified and nothing else, and with another one told so"
id=$(sqlite3 state/journal.db "SELECT substr(body, instr(body, 'sealed:1:') + 9, 16) FROM events LIMIT 1")
manifest
try 0 seam verify --all
try 0 seam show h
says out 'hidden (give secret seal)' 'big  ' 'done' 'do/…' "key $id"
lacks out CANARY
try 0 seam show h --json
holds '.hidden.secret == "seal" and (.tasks[] | select(.path == "ask").status == "asking")'
for command in 'resume h' 'replay h' 'explain h' 'answer h ask --deny' 'run all.yaml --input input.json --id h'; do
    code=0
    # shellcheck disable=SC2086
    seam $command >out 2>err || code=$?
    [ "$code" != 0 ] || die "$command is done without the key"
    cat err >>out
    says out "key $id" 'hide.older'
done
openssl rand -hex 32 >other && chmod 600 other
KEY=other manifest 'hide: {key: seal}'
try 4 seam resume h
says err "key $id" 'is another key today'
KEY=gone manifest 'hide: {key: seal}'
try 0 seam show h
says out 'cannot be had' 'gone'
printf short >few && chmod 600 few
KEY=few manifest 'hide: {key: seal}'
try 2 seam run all.yaml --input input.json
says err 'at least 32 bytes' 'openssl rand'

claim "a key that came later opens it by the older one, and it goes on under its own"
KEY=other manifest 'hide: {key: seal, older: [before]}'
try 0 seam resume h --json
holds '.status == "done"'
says out CANARY-answer CANARY-big
clean
try 0 seam replay h
try 0 seam verify --all
[ "$(sqlite3 state/journal.db "SELECT count(*) FROM events WHERE instr(body, 'sealed:1:$id')")" = \
    "$(sqlite3 state/journal.db 'SELECT count(*) FROM events')" ] || die "another key in its records"

claim "a run beside it that is not hidden is as it was"
manifest 'hide: {key: seal, flows: [all]}'
try 0 seam run inner.yaml --set n=7 --id plain
sqlite3 state/journal.db "SELECT body FROM events WHERE run='plain' AND seq=1" >out
holds '.event.input == {n: 7}'

claim "what a hidden run keeps is there for all"
one_step look && sed -i 's|p/look|d/look|' one.yaml
jq -n '{ops: [{op: "state.get/1", body: {key: "k"}}]}' >get.json
try 0 seam run one.yaml --input get.json --json
holds '.output[0].body.value == "CANARY-state"'

claim "what begins from a hidden run is hidden, whatever the manifest says today"
manifest 'hide: {key: seal, flows: [nothing]}'
try 3 seam resume h --from ask --id again --yes </dev/null
[ "$(sqlite3 state/journal.db "SELECT count(*) FROM events WHERE run='again' AND body NOT LIKE '{\"hidden\":%'")" = 0 ] ||
    die "it is not hidden"

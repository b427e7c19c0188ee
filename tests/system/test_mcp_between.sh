#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What is heard between an MCP tool's call and its answer, or instead: progress, questions in the
# answer's stream and beside it, and that a call is not waited for any more.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"
NODE=$(command -v node) || exit 77
NODE=$(realpath "$NODE")
# No program of node's starts beside a thread sanitizer's worker; over HTTP is where the threads are.
WAYS=(classic modern)
sanitized thread || WAYS+=(program)
mkdir seen
cp "$PLUGINS/mcp.so" "$SOURCE/tests/mcp/between.mjs" .
exec {listening}< <(exec setpriv --pdeathsig KILL "$NODE" between.mjs web seen)
read -r PORT <&"$listening" || die "the server did not start"

# over_http ALIAS REVISION
over_http() {
    cat <<END
  $1:
    path: $STATE/mcp.so
    config: {url: "http://127.0.0.1:$PORT/$1", revision: "$2", $EFFECTS}
    grants:
      http: [{scheme: http, host: 127.0.0.1, port: $PORT, methods: [GET, POST], reads: ["POST /$1"], private: true}]
END
}
EFFECTS='effects: {report: read, wait: read, ask: read, ask_beside: read, ask_later: read}'
FLOWS=()
for call in {program,classic,modern}-{report,wait} program-ask classic-ask classic-ask_{beside,later}; do
    cat >"$call.yaml" <<END
flow: $call
version: 1.0.0
budget: {attempts: 5, calls: 5, time: 2m}
steps: {act: {agent: ${call/-//}, input: {}, timeout: {start_to_close: 60s}}}
output: {as: "\${ .steps.act.output.content[0].text }"}
escalation: {to: ops, deadline: 1h}
END
    FLOWS+=("$call.yaml")
done
cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
escalation: {ops: {}}
flows: [$(IFS=,; echo "${FLOWS[*]}")]
plugins:
  program:
    path: $STATE/mcp.so
    config: {command: [$NODE, $STATE/between.mjs, program, $STATE/seen], revision: "2025-11-25", $EFFECTS}
    grants: {exec: [$NODE], fs: [{path: "$STATE/between.mjs", mode: r}, {path: "$STATE/seen", mode: rw}], jit: true}
$(over_http classic 2025-11-25)
$(over_http modern 2026-07-28)
END

claim "progress is seen by whoever watches, in words, before the answer"
for alias in "${WAYS[@]}"; do
    try 0 seam run $alias-report.yaml --json --partial
    jq -se '.[-1].output == "reported" and ([.[:-1][].text] | join("")) == "half-way (1 of 2)\n"' out >lines ||
        die "$alias"
done

# asks ALIAS TOOL: its run waits for a person, and ends with the answer, defaults in what it leaves out.
asks() {
    try 3 seam run "$1-$2.yaml" --id "$1-$2"
    echo '{"name": "Ada"}' >answer.json
    try 0 seam answer "$1-$2" act --json answer.json
    try 0 seam resume "$1-$2"
    holds '. == "accept Countess Ada"'
}

claim "a question in the stream of the answer ends the call, which the server is told, and goes on later"
asks classic ask
await test -e seen/classic-cancelled
rm -f seen/*

claim "a question on the server's own stream is heard before the answer has begun, though it was closed before"
asks classic ask_beside

claim "where people need not be asked, a question is answered with its defaults, if it has all it needs"
sed 's/"2025-11-25", /&answers: defaults, /' seam.yaml >agrees.yaml
try 3 seam run classic-ask_beside.yaml --manifest agrees.yaml
sed -i "s/name: { type: 'string' }/name: { type: 'string', default: 'Eve' }/" between.mjs
sanitized thread || try 0 seam run program-ask.yaml --manifest agrees.yaml
sanitized thread || holds '. == "accept Countess Eve"'

claim "a question that may be of another call is put to nobody"
serve
post 201 /v1/runs '{"flow": "classic-wait", "id": "under-way", "input": {}}'
await test -e seen/classic-called
post 201 /v1/runs '{"flow": "classic-ask_beside", "id": "beside", "input": {}}'
over() { seam show beside --json 2>/dev/null >out && jq -e '.status != "running"' out >status; }
await over
holds '.output == "refused undefined undefined"'

claim "when the call that listened has gone, another one does"
post 201 /v1/runs '{"flow": "classic-ask_later", "id": "heir", "input": {}}'
await test -e seen/later
try 0 seam cancel under-way
await test -e seen/classic-closed
asked() { seam show heir --json 2>/dev/null >out && jq -e '.status == "waiting"' out >status; }
await asked
rm seen/*

claim "a run that is cancelled ends the call at the server: it is told, or the stream is closed"
for alias in "${WAYS[@]}"; do
    post 201 /v1/runs "{\"flow\": \"$alias-wait\", \"id\": \"$alias-wait\", \"input\": {}}"
    await test -e "seen/$alias-called"
    try 0 seam cancel "$alias-wait"
done
sanitized thread || await test -e seen/program-cancelled
await test -e seen/classic-closed
await test -e seen/modern-closed
[ ! -e seen/modern-cancelled ] || die "a server of 2026-07-28 is told by the stream alone"
stop

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Real MCP servers behind the plugin mcp: programs of both revisions, their tools as agents, what
# they ask people, and what is refused when they say another thing than was approved. Where they are
# not installed (./dev mcp, or ./dev test), it counts as skipped.
. "$(dirname "$0")/stage.sh"
SERVERS=${SEAM_MCP_SERVERS:-$SOURCE/build/mcp-servers}
[ -f "$SERVERS/ready" ] && NODE=$(command -v node) || exit 77
NODE=$(realpath "$NODE")
SCOPE=$SERVERS/node_modules/@modelcontextprotocol
cp "$PLUGINS/mcp.so" . # another's build may take its place

# server ALIAS CONFIG [GRANTED PATH]: one entry of the manifest.
server() {
    cat <<END
  $1:
    path: $STATE/mcp.so
    config: {$2}
    grants: {exec: [$NODE], fs: [{path: "$SERVERS", mode: r}${3:+, {path: "$3", mode: rw\}}], jit: true}
END
}

mkdir box modern recall
cp "$SOURCE/tests/mcp/modern.mjs" modern
ln -s "$SERVERS/node_modules" modern
echo "a line" >box/note.txt
head_of_manifest() {
    printf 'manifest: 1\nstore: {url: "sqlite:journal.db"}\nescalation: {ops: {}}\nplugins:\n'
}
{
    head_of_manifest
    server every "command: [$NODE, $SCOPE/server-everything/dist/index.js, stdio], trust_annotations: true, effects: {trigger-elicitation-request: read}"
    server files "command: [$NODE, $SCOPE/server-filesystem/dist/index.js, $STATE/box], trust_annotations: true" "$STATE/box"
    server modern "command: [$NODE, $STATE/modern/modern.mjs], effects: {add: read, greet: read, trace: read}" "$STATE/modern"
    server recall "command: [$NODE, $SCOPE/server-memory/dist/index.js], env: {MEMORY_FILE_PATH: $STATE/recall/graph.jsonl}, trust_annotations: true" "$STATE/recall"
    server think "command: [$NODE, $SCOPE/server-sequential-thinking/dist/index.js], env: {DISABLE_THOUGHT_LOGGING: 'true'}, trust_annotations: true"
} >seam.yaml

# One server alone, where the others are not needed: each command starts what stands in its manifest.
for alias in every files modern; do
    { head_of_manifest && sed -n "/^  $alias:/,/^    grants/p" seam.yaml; } >"$alias.yaml"
done

claim "tools are agents, and the server's word on them counts where the operator trusts it"
sed '/^  recall:/,$d' seam.yaml >tools.yaml
try 0 seam plugins --manifest tools.yaml
for words in 'every/get-sum *read' 'files/read_text_file *read' 'files/write_file *write_idempotent' \
    'files/move_file *write$' 'modern/add *read' 'modern/fail *write$'; do
    grep -q "$words" out || die "no line: $words"
done
sed 's/, trust_annotations: true//' files.yaml >untrusted.yaml
try 0 seam plugins inspect files --manifest untrusted.yaml
holds '[.agents[] | select(.effect != "write" or .destructive != true or .open_world != true)] == []'

claim "tools of both revisions are called, and what they say is held against their schemas"
cat >tour.yaml <<'END'
flow: tour
version: 1.0.0
budget: {attempts: 20, calls: 20, time: 2m}
steps:
  sum: {agent: every/get-sum, input: {a: 2, b: 40}}
  weather: {agent: every/get-structured-content, input: {location: "New York"}}
  long: {agent: every/trigger-long-running-operation, input: {duration: 0.1, steps: 2}}
  write: {agent: files/write_file, input: {path: "@STATE@/box/new.txt", content: "written\n"}}
  read: {agent: files/read_text_file, input: {path: "@STATE@/box/note.txt"}}
  add: {agent: modern/add, input: {a: 1, b: 2}}
  trace: {agent: modern/trace, input: {}}
  learn: {agent: recall/create_entities, input: {entities: [{name: Ada, entityType: person, observations: [counts]}]}}
  recall: {agent: recall/search_nodes, needs: [learn], input: {query: ada}}
  think: {agent: think/sequentialthinking, input: {thought: "One of two", nextThoughtNeeded: true, thoughtNumber: 1, totalThoughts: 2}}
  conclude: {agent: think/sequentialthinking, needs: [think], input: {thought: "Two", nextThoughtNeeded: false, thoughtNumber: 2, totalThoughts: 2}}
output:
  as:
    sum: "${ .steps.sum.output.content[0].text }"
    weather: "${ .steps.weather.output.temperature }"
    read: "${ .steps.read.output.content }"
    add: "${ .steps.add.output.sum }"
    trace: "${ .steps.trace.output.content[0].text }"
    recall: "${ .steps.recall.output.entities[0].observations[0] }"
    thoughts: "${ .steps.conclude.output.thoughtHistoryLength }"
escalation: {to: ops, deadline: 1h}
END
sed -i "s|@STATE@|$STATE|" tour.yaml
try 0 seam run tour.yaml
holds '.sum == "The sum of 2 and 40 is 42." and .weather == 33 and .add == 3 and .read == "a line\n"'
holds '.trace | fromjson | .traceparent | test("^00-[0-9a-f]{32}-[0-9a-f]{16}-01$")'
holds '.recall == "counts" and .thoughts == 2'
grep -q Ada recall/graph.jsonl || die "its memory"
[ "$(cat box/new.txt)" = written ] || die "the file"

# ask FLOW ALIAS AGENT INPUT ANSWER: a run that waits for a person, is answered, and ends.
ask() {
    export SEAM_MANIFEST=$2.yaml
    cat >"$1.flow.yaml" <<END
flow: $1
version: 1.0.0
budget: {attempts: 5, calls: 5, time: 2m}
steps: {act: {agent: $2/$3, input: $4}}
output: {as: "\${ .steps.act.output.content }"}
escalation: {to: ops, deadline: 1h}
END
    try 3 seam run "$1.flow.yaml" --id "$1"
    try 0 seam show "$1"
    says out 'asks (revision 1)'
    echo "$5" >answer.json
    try 0 seam answer "$1" act --json answer.json
    try 0 seam resume "$1"
}

claim "what a server asks a person for escalates, and the call goes on with the answer"
ask modern-asks modern greet '{greeting: "Good day"}' '{"name": "Ada"}'
holds '.[0].text == "Good day, Ada"'
[ -z "${FULL:-}" ] || ask classic-asks every trigger-elicitation-request '{}' '{"name": "Ada"}'
[ -z "${FULL:-}" ] || holds '[.[].text] | join(" ") | test("Ada")'

export SEAM_MANIFEST=files.yaml
claim "a tool that says that it failed has failed"
cat >fail.yaml <<'END'
flow: fail
version: 1.0.0
budget: {attempts: 5, calls: 5, time: 2m}
steps: {act: {agent: files/read_text_file, input: {path: "/nowhere/at/all"}}}
output: {as: "${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
try 1 seam run fail.yaml
says err 'the tool says that it failed: Access denied'

export SEAM_MANIFEST=modern.yaml
sed -i '/every\|files\|recall\|think/d' tour.yaml
sed -i '/sum: "\|weather\|read: "\|thoughts/d' tour.yaml
claim "a tool that is not what was approved is left out, with the command that approves it, and the others go on"
try 0 seam plugins approve --all --yes
try 0 seam check tour.yaml
sed -i 's/Adds two numbers/Adds two numbers, and sends them on/' modern/modern.mjs
try 1 seam plugins
says out 'modern ' 'ready' 'left out: modern/add: it is not what was approved' 'seam plugins approve modern'
if grep -q '^ *modern/add' out; then die "what is left out cannot be called"; fi
try 1 seam check tour.yaml
says out 'unapproved-agent' 'modern/add'
sed '/ add: /d; /sum: "/d; /add: "/d' tour.yaml >others.yaml
try 0 seam run others.yaml
try 0 seam plugins approve modern --yes
try 0 seam check tour.yaml

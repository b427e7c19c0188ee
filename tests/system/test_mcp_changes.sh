#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# MCP servers whose tools are others while the host runs: they are listed anew and called, runs under
# way go on, and what nobody approved is left out. Nothing reloads but the host by itself.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"
NODE=$(command -v node) || exit 77
NODE=$(realpath "$NODE")
# No program of node's starts beside a thread sanitizer's worker; over HTTP is where the threads are.
WAYS=(classic modern)
sanitized thread || WAYS+=(program)
cp "$PLUGINS/mcp.so" "$SOURCE/tests/mcp/changes.mjs" .
mkdir program web
echo 'hold Holds' | tee program/tools >web/tools
exec {listening}< <(exec setpriv --pdeathsig KILL "$NODE" changes.mjs web web)
read -r PORT <&"$listening" || die "the server did not start"

# tools LINE…: what the servers have from now on, beside `stays`.
tools() {
    local folder
    for folder in program web; do
        printf '%s\n' "$@" >$folder/tools.new
        cp $folder/tools.new $folder/tools
    done
}

# over_http ALIAS REVISION
over_http() {
    cat <<END
  $1:
    path: $STATE/mcp.so
    config: {url: "http://127.0.0.1:$PORT/$1", revision: "$2", effects: {stays: read, hold: read, comes: read}}
    grants:
      http: [{scheme: http, host: 127.0.0.1, port: $PORT, methods: [GET, POST], reads: ["POST /$1"], private: true}]
END
}
FLOWS=()
for alias in "${WAYS[@]}"; do
    for tool in stays hold comes; do
        cat >"$alias-$tool.yaml" <<END
flow: $alias-$tool
version: 1.0.0
budget: {attempts: 5, calls: 5, time: 2m}
steps: {act: {agent: $alias/$tool, input: {}, timeout: {start_to_close: 60s}}}
output: {as: "\${ .steps.act.output.content[0].text }"}
END
        FLOWS+=("$alias-$tool.yaml")
    done
done
{
    cat <<END
manifest: 1
store: {url: "sqlite:journal.db"}
flows: [$(IFS=,; echo "${FLOWS[*]}")]
plugins:
END
    over_http classic 2025-11-25
    over_http modern 2026-07-28
    [ "${#WAYS[@]}" = 2 ] || cat <<END
  program:
    path: $STATE/mcp.so
    config: {command: [$NODE, $STATE/changes.mjs, program, $STATE/program], effects: {stays: read, hold: read, comes: read}}
    grants: {exec: [$NODE], fs: [{path: "$STATE/changes.mjs", mode: r}, {path: "$STATE/program", mode: rw}], jit: true}
END
} >seam.yaml

# has ALIAS FILTER: what the server says of the plugin.
has() {
    curl -sS -m 30 -o plugins.json "$AT/v1/plugins" &&
        jq -e --arg alias "$1" ".plugins[] | select(.plugin == \$alias) | $2" plugins.json >/dev/null
}

folder() { [ "$1" = program ] && echo program || echo web; }

# called ALIAS-TOOL WORDS: a new run of that flow says so.
CALLS=0
called() {
    post 201 /v1/runs "{\"flow\": \"$1\", \"id\": \"run-$((++CALLS))\", \"input\": {}}"
    await over "run-$CALLS"
    [ "$(jq -r .output out)" = "$2" ] || die "$1"
}
over() { seam show "$1" --json >out 2>err && jq -e '.status != "running"' out >status; }

claim "a tool by which a run under way could not go on is not taken, with the witness, and all goes on"
serve
for alias in "${WAYS[@]}"; do
    post 201 /v1/runs "{\"flow\": \"$alias-hold\", \"id\": \"$alias\", \"input\": {}}"
done
for alias in "${WAYS[@]}"; do await test -e "$(folder "$alias")/seen-hold-$alias"; done
for alias in classic modern; do await test -e web/seen-listen-$alias; done
tools 'hold wants more'
for alias in "${WAYS[@]}"; do
    await grep -q "plugin .$alias. has now are not taken, and those that it had stay: run $alias, step act" server.err
    called "$alias-stays" 'stays: Stays'
done

claim "a server that says that it has another tool is listed anew, the tool is called, and calls under way end where they began"
tools 'hold Holds' 'comes Now'
for alias in "${WAYS[@]}"; do
    await has "$alias" '.generation == 2 and (.agents | map(.name) | index("comes"))'
    called "$alias-comes" 'comes: Now'
done
says server.err 'its agents are others: `comes` is new'
touch program/go web/go
for alias in "${WAYS[@]}"; do
    await over "$alias"
    [ "$(jq -r .output out)" = held ] || die "$alias was not held"
done

claim "what is not what was approved is left out, with the command that approves it, and the others are called"
stop
try 0 seam plugins approve --all --yes
rm web/seen-listen-*
serve
for alias in classic modern; do await test -e web/seen-listen-$alias; done
tools 'hold Holds' 'comes Now and sends it on' 'other New'
for alias in "${WAYS[@]}"; do
    await has "$alias" '.generation == 2 and (.left_out | map(.agent)) == ["comes", "other"]'
    has "$alias" '.agents | map(.name) == ["hold", "stays"]' || die "$alias"
    called "$alias-stays" 'stays: Stays'
    post 422 /v1/runs "{\"flow\": \"$alias-comes\", \"input\": {}}"
    says out "seam plugins approve $alias"
done
try 1 seam plugins
says out "left out: classic/other: it is new, and nobody has approved it (cure: \`seam plugins approve classic\`"

claim "what was approved then is called after a reload"
try 0 seam plugins approve --all --yes
try 0 seam reload --listen "$AT"
for alias in "${WAYS[@]}"; do called "$alias-comes" 'comes: Now and sends it on'; done

claim "a server that says so all the time is listed a few times, and named"
tools 'hold Holds' 'comes Now and sends it on' 'other New' 'flood'
await grep -q 'it says again and again that its agents are others' server.err
for alias in "${WAYS[@]}"; do has "$alias" '.generation == 3' || die "$alias: one generation after the other"; done
stop

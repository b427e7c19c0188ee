# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# To be sourced: the plugin that wants out, in a folder with things to reach, and a flow that has it
# try everything.
#
# Wants $1, the build folder, and $2, the plugin.
. "$(dirname "${BASH_SOURCE[0]}")/../system/stage.sh"
PLUGIN=$2

HERE=$STATE
raise_world
mkdir -p .seam/state/other
echo 'of another plugin' >.seam/state/other/note
jq -nc '{items: [range(200)]}' >numbers.json
cat >out.yaml <<'END'
flow: out
version: 1.0.0
input:
  schema: {type: object, properties: {items: {type: array, items: {type: integer}, maxItems: 500}}, required: [items]}
budget: {attempts: 500, calls: 500, time: 4m}
steps:
  try:
    agent: p/try
    for_each: ${ .input.items }
    concurrency: 1
    on_item_failure: collect
    input: {n: "${ .item }"}
    timeout: {start_to_close: 20s, schedule_to_close: 40s}
    retry: {max_attempts: 1}
output: {as: "${ .steps.try.output }"}
escalation: {to: ops, deadline: 1h}
END

STATE_ALONE='{fs: [{path: "${state}", mode: rw}]}'

# attempts FILE [WITHOUT [GRANTS]]: what became of each, in the order of their numbers: "" is a way out.
attempts() {
    rm -f journal.db*
    echo 'for nobody' >secret
    echo 'to be deleted' >victim
    cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  p:
    path: "$PLUGIN"
    quarantine: {faults: 0} # it dies of what it tries
    config: {folder: "$HERE", port: $PORT, pid: $$}
    grants: ${3:-$STATE_ALONE}
    sandbox: {without: [${2:-}]}
escalation: {ops: {}}
END
    try 0 timeout 120 "$SEAM" run out.yaml --input numbers.json
    # In a /tmp of its own it may create what it likes: only what is seen from here got out.
    jq -c --argjson made "$([ -f made ] && echo true || echo false)" '[.[] | if .error then {stopped: (.error.message | capture("killed by (?<s>[A-Z]+)").s)}
                  elif .output.name == "create a file" and .output.stopped == "" and ($made | not)
                  then .output + {stopped: "elsewhere"}
                  else .output end] | map(select(.name != ""))' out >"$1"
    rm -f made
}

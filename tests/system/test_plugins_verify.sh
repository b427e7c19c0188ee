#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The conformance kit is itself held to what it claims: each plugin of tests/plugins is caught by its
# own check and by no other, the first-party plugins pass, and what it says can be read by machines.
set -euo pipefail
source "$(dirname "$0")/stage.sh" "$1"

failed_ids() { jq -r '[.checks[] | select(.state == "failed") | .id] | join(" ")' out; }

declare -A SHOWN
while read -r plugin check levels; do
    case $plugin in '' | '#'*) continue ;; esac
    # Leaks are seen by what memory grows, and a sanitizer keeps what is freed.
    if [ "$check" = L2.memory ] && sanitized; then continue; fi
    # What the compiler of this build has no library for, and what a sanitized seam cannot tell.
    if [ "$plugin" = overflows_the_heap ] && [ ! -f "$SINS/$plugin.so" ]; then continue; fi
    if [ "$levels" = L4.sandbox ] && sanitized; then continue; fi
    # One sin for each check: another is no other code of the kit.
    if sanitized && [ -n "${SHOWN[$check]:-}" ]; then continue; fi
    SHOWN[$check]=$plugin
    claim "$plugin: $check"
    code=1
    [ "$check" != - ] || code=0 check=
    # levels, or the one check
    case $levels in L*) asked=(--only "$levels") ;; *) asked=(--level "$levels") ;; esac
    try $code seam plugins verify "$SINS/$plugin.so" --json "${asked[@]}" --inputs 10
    [ "$(failed_ids)" = "$check" ] || die "failed: $(failed_ids)"
    jq -e 'all(.checks[]; .state != "skipped" or (.reason | length > 0))' out >/dev/null ||
        die 'something was skipped without a reason'
done <"$SOURCE/tests/plugins/sins.table"

for plugin in hello travel mail airline; do
    claim "$plugin holds"
    try 0 seam plugins verify "$PLUGINS/$plugin.so" --json --level 1,2,3 --inputs 100
done

if ! sanitized; then
    claim 'each denied call is listed by name'
    try 1 seam plugins verify "$SINS/tries_a_socket.so" --only L4.sandbox --inputs 10
    says out 'at       act' 'expected no call that the sandbox denies' 'found    socket, '
    for plugin in hello travel mail airline; do
        try 0 seam plugins verify "$PLUGINS/$plugin.so" --only L4.sandbox --inputs 10 --json
        jq -e '.checks[0].state == "held"' out >/dev/null || die "$plugin: not held"
    done
fi

claim 'agents that stand in a configuration are verified by their alias'
cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  list:
    path: "$SINS/describes.so"
    config: {agents: [{name: one, summary: One, effect: pure, input: true, output: {type: string}}]}
escalation: {ops: {}}
END
try 1 seam plugins verify --manifest seam.yaml list --only L2.output --inputs 5 --json
[ "$(failed_ids)" = L2.output ] || die "failed: $(failed_ids)"
try 2 seam plugins verify --manifest seam.yaml nobody
says err 'has no plugin `nobody`'

claim 'or by a configuration and its agents in files, as one under valgrind is given them'
jq -n '{agents: [{name: "one", summary: "One", effect: "pure", input: true, output: true}]}' >one.json
seam plugins inspect --manifest seam.yaml list | jq .agents >agents.json
try 0 seam plugins verify "$SINS/describes.so" --config one.json --agents agents.json \
    --only L2.again --inputs 5
says out 'held     L2.again'

if ! sanitized; then
    claim 'by its alias it gets what the manifest grants, and not all that its card asks for'
    printf 'manifest: 1\nplugins:\n  p:\n    path: %s/takes_together.so\n' "$SINS" >granted.yaml
    try 1 seam plugins verify --manifest granted.yaml p --only L4.sandbox --inputs 3
    says out 'clone, '
    echo '    grants: {exec: [/bin/true]}' >>granted.yaml
    try 0 seam plugins verify --manifest granted.yaml p --only L4.sandbox --inputs 3
    says out 'held     L4.sandbox'
fi

claim 'what a plugin is not ends with 2, as what is not asked rightly does'
try 2 seam plugins verify ./nothing.so
says err 'nothing.so'
echo 'no plugin' >text.so
try 2 seam plugins verify text.so
says err 'is not a shared object'
for wrong in '--level 9' '--level ,' '--only L9' '--format xml' '--inputs many' '--time soon'; do
    # shellcheck disable=SC2086
    try 2 seam plugins verify "$PLUGINS/hello.so" $wrong
done

claim 'a failure says where, what was expected and found, and what to do'
try 1 seam plugins verify "$SINS/exports_more.so" --level 1
says out 'failed   L1.exports' 'expected seam_plugin_v1 alone' 'another_door' 'next '
try 1 seam plugins verify "$SINS/exports_more.so" --level 1 --format junit
says out '<failure message="exports seam_plugin_v1 and nothing else">' 'failures="1"'
try 1 seam plugins verify "$SINS/exports_more.so" --level 1 --format sarif
jq -e '.runs[0].results | length == 1 and .[0].ruleId == "L1.exports" and .[0].level == "error"' \
    out >/dev/null || die 'the SARIF names no L1.exports'

claim 'one check, or all whose names begin so'
try 0 seam plugins verify "$SINS/exports_more.so" --only L1.stack --json
[ "$(jq '.checks | length' out)" = 1 ] || die 'more than one check'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a plugin keeps from call to call: on disk when it is told so, its own, within its quota, by
# its class, the same when it is done again.

# shellcheck source=SCRIPTDIR/stage.sh
source "$(dirname "$0")/stage.sh"

# manifest GRANTS: of the plugin that does as told, by two names.
manifest() {
    local grants=${1:-"{state: 4kb}"}
    cat >seam.yaml <<YAML
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  p: {path: "$SINS/does_as_told.so", grants: $grants}
  q: {path: "$SINS/does_as_told.so", grants: {state: 4kb}}
  echo: {path: "$SINS/echo.so"}
escalation: {ops: {}}
YAML
}
manifest

# ask AGENT OPS…: one run; what it was told in out.
RUNS=0
ask() {
    one_step "$1"
    [ -z "${ALIAS:-}" ] || sed -i "s|p/$1|$ALIAS/$1|" one.yaml
    jq -nc "$2" >ops.json
    RUNS=$((RUNS + 1))
    try 0 seam run one.yaml --input ops.json --id "r$RUNS" --json
    jq -c .output out >told && mv told out
}
get() { echo "{op: \"state.get/1\", body: {key: \"$1\"}}"; }
put() { echo "{op: \"state.put/1\", body: {key: \"$1\"$2}}"; }

claim "what is put in one run is there in the next, in a process of its own"
ask make "{ops: [$(get a), $(put a ', value: {b: [1, null]}'), $(get a)]}"
holds '.[0].body == {version: 0} and .[1].body == {stored: true, version: 1}'
ask look "{ops: [$(get a)]}"
holds '.[0].body == {version: 1, value: {b: [1, null]}}'
ask make "{ops: [$(put a ', value: null'), $(get a)]}"
holds '.[1].body == {version: 2, value: null}'

claim "who names a version overwrites that and no other; none is given again"
ask make "{ops: [$(put a ', value: 1, if_version: 1'), $(put a ', value: 1, if_version: 2'), $(put b ', value: 1, if_version: 1'),
    $(put b ', value: 1, if_version: 0'), $(put a ', remove: true, if_version: 2'), $(put a ', remove: true'), $(put a ', remove: true'),
    $(get a), $(put a ', value: 2, if_version: 3'), $(put a ', value: 2, if_version: 0')]}"
holds 'map(.body | [.stored, .version]) == [[false,2],[true,3],[false,0],[true,4],[false,3],[true,0],[true,0],[null,0],[false,0],[true,6]]'

claim "a try that follows and puts the same is told the same"
ask make "{die: true, ops: [$(put once ', value: "x", if_version: 0')]}"
holds '.[0].body == {stored: true, version: 7}'
ask make "{ops: [$(put once ', value: "x", if_version: 0')]}"
holds '.[0].body == {stored: false, version: 7}'

claim "the run has it in its record, and decides the same again"
try 0 seam replay r1
sqlite3 journal.db "SELECT body FROM events WHERE run='r1' AND kind='state-put'" >out
holds '.event.code == "a" and .event.body == {version: 1, value: {b: [1, null]}}'

claim "a pure agent is denied, one that reads may get; what is not asked for or granted is denied"
ask think "{ops: [$(get a), $(put a ', value: 1')]}"
holds 'all(.code == "class")'
ask look "{ops: [$(get a), $(put a ', value: 1')]}"
holds '.[0].status == 0 and .[1].code == "class"'
manifest '{}'
ask make "{ops: [$(get a), $(put a ', value: 1')]}"
holds 'all(.code == "not-granted")'
says out 'plugins.p.grants.state'
try 0 seam plugins --static
says out 'keep anything from call to call'
try 4 seam plugins approve p </dev/null
says err 'keep up to 4kb from call to call'
manifest

claim "what is no request is refused, and says what is one"
big=$(printf 'k%.0s' $(seq 257))
ask make "{ops: [$(get ''), $(get "$big"), $(put a ''), $(put a ', value: 1, remove: true'), $(put a ', remove: false'),
    $(put a ', value: 1, if_version: -1'), $(put a ', value: 1, x: 1'), $(put 'a\u0000b' ', value: 1'), {op: \"state.get/1\", body: 7}]}"
holds 'all(.code == "bad-request")'

claim "a quota is kept to the byte, and what is less than before is taken though it is too much"
ask make "{ops: [$(put big ', value: ("x" * 4094)'), $(put big ', value: ("x" * 3000)'), $(put big ', value: ("x" * 4000)'), $(put huge ', value: ("x" * 300000)')]}"
holds 'map(.code) == ["quota", "", "", "too-large"]'
says out 'plugins.p.grants.state of the manifest is 4096'
sqlite3 journal.db "SELECT name, bytes - (SELECT sum(length(key)+length(value)) FROM state WHERE space=name) FROM spaces" >out
[ "$(cat out)" = 'p/org.seam.told|0' ] || die "bytes"
manifest '{state: 1kb}'
ask make "{ops: [$(put big ', value: ("x" * 2000)'), $(put big ', value: ("x" * 2001)'), $(put big ', remove: true')]}"
holds 'map(.code) == ["", "quota", ""]'
manifest

claim "another alias of the same library finds nothing, and neither does another plugin by that alias"
ALIAS=q ask look "{ops: [$(get a)]}"
holds '.[0].body == {version: 0}'
ALIAS=q ask make "{ops: [$(put a ', value: "of q"')]}"
ask look "{ops: [$(get a)]}"
holds '.[0].body.value == 2'

claim "it is told how much each keeps, and what; it is forgotten when nobody runs"
try 0 seam plugins --static
says out 'keeps 3 keys, 11 of 4096 bytes' 'keeps 1 key, 7 of 4096 bytes'
try 0 seam plugins state p --json
holds 'map([.key, .version]) == [["a",6],["b",4],["once",7]]'
try 2 seam plugins state nobody
try 0 seam plugins state q --clear
try 0 seam plugins state q
says out 'it keeps nothing'
ALIAS=q ask make "{ops: [$(get a), $(put a ', value: 1')]}"
holds '.[0].body == {version: 0} and .[1].body.version == 2'

claim "after SIGKILL nothing is half, and nothing that was told is lost"
cat >many.yaml <<'YAML'
flow: many
version: 1.0.0
budget: {attempts: 1000, calls: 1000, time: 1m, recovery: {calls: 3}}
steps:
  count: {agent: p/count, for_each: "${ .input }", input: "${ .item }", concurrency: 1, retry: {max_attempts: 3, initial_interval: 10ms}}
output: {as: "${ .steps.count.output }"}
YAML
jq -nc '[range(150)]' >items.json
"$SEAM" run many.yaml --input items.json --id many >/dev/null 2>&1 &
host=$!
counted() { [ "$(sqlite3 -cmd '.timeout 10000' journal.db "SELECT CAST(value AS INTEGER) >= 20 FROM state WHERE space='p/org.seam.told' AND key='count'" 2>/dev/null)" = 1 ]; }
await counted
try 2 seam plugins state p --clear
kill -KILL "$host"
wait "$host" || true
counted || die "it is less than it was"
sqlite3 journal.db "SELECT bytes - (SELECT sum(length(key)+length(value)) FROM state WHERE space=name) FROM spaces" >out
[ "$(sort -u out)" = 0 ] || die "bytes"
[ "$(sqlite3 journal.db "SELECT (SELECT value FROM state WHERE key='count') - (SELECT count(*) FROM events WHERE kind='state-put' AND run='many')")" = 0 ] || die "a record without its value, or the other way round"
try 0 seam resume many
try 0 seam show many --json
holds '.status == "done" and (.output | length == 150 and . == (unique | sort))'
try 0 seam verify --all

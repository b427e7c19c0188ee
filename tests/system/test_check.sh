#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam check from outside: a line for each handoff, the worst case, the layers of the verdict, and
# SARIF that its own schema takes. What check calls red run refuses, and the other way round.
. "$(dirname "$0")/stage.sh"
story

claim "every handoff of the story is proven"
try 0 seam check book-trip.yaml
says out 'proven   input      the input → plan' 'proven   input      an item of plan → search' \
    'proven   undo       book → undo of book' 'proven   reconcile  the host → airline/find_booking' \
    'bounded   attempts  at worst 36, without a failure 12, limit 60' \
    'valid yes · granted yes · bounded yes · ready to run yes'
lacks out refuted unknown warning
try 0 seam check book-trip.yaml --json
holds '.flows[0] | (.seams | length == 12 and all(.verdict == "proven"))
    and (.worst.attempts | .state == "bounded" and .worst == 36 and .limit == 60)
    and .layers == {valid: true, granted: true, bounded: true, ready: true}'

# wrong FILE SED: the story with one change.
wrong() { sed -e "$2" book-trip.yaml >"$1"; }

claim "a handoff that some value breaks is refuted, with the value and the place"
wrong renamed.yaml 's/item\.from/item.source/'
wrong typed.yaml 's/passengers: "${ .input.passengers }"}/passengers: "${ .input.email }"}/'
wrong lost.yaml 's/type: string, null/&/; s/price.output.total }$/price.output.sum }/'
wrong unguarded.yaml 's/<= .input.max_price/<= .input.email/'
for flow in renamed typed lost unguarded; do
    try 1 seam check $flow.yaml
    says out "$flow.yaml:" 'error: ' 'refuted' 'valid no · granted yes' 'ready to run no'
    try 4 seam run $flow.yaml --input trip.json --id $flow
    says err "$flow.yaml:" 'error: '
done
try 1 seam check renamed.yaml
says out 'renamed.yaml:18:23: error: an item of plan → search: /from is never there' '; witness {' \
    'it has: from, to, date'
try 1 seam check renamed.yaml --json
holds '.flows[0].seams[] | select(.verdict == "refuted") |
    .witness.from == null and .line == 18 and .pointer == "/steps/search/input/from"'

claim "what nobody has said anything of is unknown, and runs"
cat >unsaid.yaml <<'END'
flow: unsaid
budget: {attempts: 9, calls: 9, time: 1m}
steps:
  plan: {agent: travel/plan, input: {goal: "${ .input.goal }"}, unused: [.steps.plan.output]}
END
try 0 seam check unsaid.yaml
says out 'unsaid.yaml:4:30: warning: the input → plan: not known before the run: the input says nothing' \
    'unknown  input' 'ready to run yes'
try 0 seam run unsaid.yaml --set 'goal=Lisbon to Vienna, starting 2027-03-01' --id unsaid

claim "of a flow whose agent is not there no worst case is said"
sed 's|travel/plan|travel/plam|' book-trip.yaml >gone.yaml
try 1 seam check gone.yaml
says out 'did you mean "travel/plan"?' 'granted no · bounded no · ready to run no'
lacks out 'at worst'

claim "the worst case names the loop that has no bound, and what is over"
cat >loop.yaml <<'END'
flow: loop
input: {schema: {type: object, required: [goals], properties: {goals: {type: array, items: {type: string, minLength: 1, maxLength: 99}}}}}
budget: {attempts: 9, calls: 9, time: 1m}
steps:
  plan: {agent: travel/plan, for_each: "${ .input.goals }", input: {goal: "${ .item }"}}
output: {as: "${ .steps.plan.output }"}
END
try 0 seam check loop.yaml
says out 'unbounded attempts  at worst unbounded, limit 9: step `plan` loops over .input.goals, whose maxItems is not set' \
    'bounded no (attempts unbounded' 'ready to run yes'
sed 's/type: array,/type: array, maxItems: 5,/' loop.yaml >over.yaml
try 0 seam check over.yaml
says out 'over      attempts  at worst 15, without a failure 5, limit 9'
lacks out 'budget-over'
sed 's/type: array,/type: array, maxItems: 50,/' loop.yaml >far.yaml
try 0 seam check far.yaml
says out 'far.yaml:3:10: warning: a run in which nothing fails may need 50 attempts' '[budget-over]'

claim "an agent that is not there is not granted, and its neighbours stay quiet"
wrong absent.yaml 's|agent: travel/price|agent: travel/prize|'
try 1 seam check absent.yaml
says out 'did you mean "travel/price"?' 'valid yes · granted no' '1 error, 0 warnings'

claim "what a card asks for and the manifest does not grant is said"
jq -n --arg plugins "$PLUGINS" '{manifest: 1, escalation: {ops: {}}, plugins: {mail: {
    path: ($plugins + "/mail.so"), config: {url: "http://127.0.0.1:1"}}}}' >bare.json
cat >send.yaml <<'END'
flow: send
budget: {attempts: 9, calls: 9, time: 1m}
steps:
  send: {agent: mail/send, input: {to: a@b.org, subject: a, body: b}}
escalation: {to: ops, deadline: 1h}
END
try 0 seam check send.yaml --manifest bare.json
says out 'send.yaml:4:17: warning: the card of mail/send asks for http' \
    'grant it in the manifest: plugins.mail.grants.http' 'granted no'

claim "the lines of SARIF are those of the text"
try 1 seam check renamed.yaml typed.yaml book-trip.yaml --format sarif
holds '."$schema" and .version == "2.1.0" and (.runs | length == 1)'
holds '.runs[0] | .tool.driver.name == "seam" and (.tool.driver.rules | length > 0)
    and (.tool.driver.rules as $rules | .results | length > 0 and all(
        .ruleId == $rules[.ruleIndex].id and (.level | IN("error", "warning", "note"))
        and (.message.text | length > 0) and (.locations[0].physicalLocation |
            .artifactLocation.uri and .region.startLine >= 1 and .region.startColumn >= 1)))'
holds '.runs[0].results[0].locations[0].physicalLocation |
    .artifactLocation.uri == "renamed.yaml" and .region == {startLine: 18, startColumn: 23}'
cp out found.sarif
try 0 seam check book-trip.yaml loop.yaml --format sarif
holds '[.runs[0].results[] | select(.level != "note")] == []'
try 2 seam check nowhere.yaml --format sarif
holds '.runs[0].invocations[0] | .executionSuccessful == false
    and (.toolExecutionNotifications[0].message.text | contains("nowhere.yaml"))'
try 2 seam check book-trip.yaml --format xml
says err 'text, json or sarif'

# The schema is OASIS's, in a package that carries it; it is of draft-04, of which it uses nothing
# that draft-07 reads otherwise.
schema=package/lib/schemas/sarif-2.1.0-rtm.5.json
if command -v npm >/dev/null &&
    timeout 60 npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 >/dev/null 2>&1 &&
    tar xzf microsoft-jest-sarif-*.tgz "$schema"; then
    claim "the SARIF schema takes it, and takes nothing that lacks what it needs"
    jq 'del(.id) | .["$schema"] = "http://json-schema.org/draft-07/schema#"' "$schema" >sarif.json
    cp out unread.sarif
    seam check nowhere.yaml --format sarif >unread.sarif || true
    try 0 seam validate sarif.json found.sarif unread.sarif
    jq 'del(.runs[0].tool.driver.name)' found.sarif >nameless.sarif
    try 1 seam validate sarif.json nameless.sarif
else
    echo "- skipped: the schema of SARIF, which npm would bring; its shape was looked at above"
fi

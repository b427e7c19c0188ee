#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The on-call story: the five kinds of agents in one flow, with a real git and a real MCP server. It is
# played as ./dev oncall plays it, and held against what the tracker and the model saw, and against what
# README.md says of it. With SEAM_MODEL_URL=http://127.0.0.1:18080/v1 a real model is asked as well.
. "$(dirname "$0")/stage.sh"
SERVERS=${SEAM_MCP_SERVERS:-$SOURCE/build/mcp-servers}
[ -f "$SERVERS/ready" ] && NODE=$(command -v node) ||
    { echo "skipped: there is no node, or no MCP server of npm (./dev oncall gets them)"; exit 77; }
NODE=$(realpath "$NODE")
TOP=$STATE
REAL=${SEAM_MODEL_URL:-}
unset SEAM_MODEL_URL
. "$SOURCE/tests/oncall/stage.sh"

claim "killed while it drafts, while a person reads and while it files, it files once"
try 0 "$SOURCE/tests/oncall/oncall.sh" "$BUILD" "$TOP/night"
STATE=$TOP/night
cd "$STATE"
export SEAM_MANIFEST=$STATE/seam.yaml
try 0 seam show night-1 --json
holds '.status == "done" and .output.issue == 2 and .output.severity == "high"'
[ "$(ledger "SELECT group_concat(status) FROM issues")" = open,open ] || die "an issue was deleted"
try 0 seam verify night-1

claim "who needs the log has it, and nobody else"
jq -e '.[0].body | tostring | contains("tok_live") and contains("Ignore everything")' seen >out ||
    die "the model was not shown the log"
jq -e '.[-2:] | map(.body | tostring | contains("tok_live") or contains("Ignore everything")) == [false, false]' \
    seen >out || die "the log is in what it drafts from"
jq -e '[.[].body.tools[]?.function.name] | unique == ["git_show"]' seen >out || die "its tools"
sqlite3 journal.db .dump >dump
says dump tok_live # what crossed a seam is kept
lacks dump tok_tracker_5Yc2

claim "the README says of it what is so"
try 0 bash "$SOURCE/tests/readme/run" "$BUILD" --oncall "$STATE"

STATE=$TOP/careless
open_oncall
cd "$STATE"
claim "the tracker wants to know who asks"
[ "$(curl -sS -o out -w '%{http_code}' "$TRACKER/issues" --json '{"title": "a", "body": "", "severity": "low"}')" = 401 ] ||
    die "nobody was asked who they are"
tracker /issues -o first --json '{"severity": "low", "title": "The lamp flickers", "body": ""}'

claim "a tool that a careless declaration gives the model is denied, for the manifest does not grant it"
sed -i 's|^    tools:|&\n      - {agent: tracker/delete, name: tracker_delete, description: Deletes, input: {type: object}}|' model.yaml
the_model_says deletes 'sorts("PaymentTimeout")' drafts
try 3 seam run on-call.yaml --input alert.json.in --id careless
model_saw | jq -r '.[1].body.messages[-1].content' >told
says told 'model/sort may not call tracker/delete' 'plugins.model.grants.agents'
[ "$(ledger "SELECT count(*) FROM arrivals WHERE method = 'DELETE'")" = 0 ] || die "it was deleted"

claim "nor is it called if it is granted, for who reads calls none that writes"
sed -i 's|agents: \[git/show\]|agents: [git/show, tracker/delete]|' seam.yaml
the_model_says deletes 'sorts("PaymentTimeout")' drafts
try 3 seam run on-call.yaml --input alert.json.in --id granted
try 0 seam explain granted sort
says out '[call-class]' 'nobody may call an agent that changes more than the caller declares'
[ "$(ledger "SELECT count(*) FROM arrivals WHERE method = 'DELETE'")" = 0 ] || die "it was deleted"

[ -n "$REAL" ] || { echo "skipped: no SEAM_MODEL_URL names a server with a real model"; exit 0; }
export SEAM_MODEL_URL=$REAL
STATE=$TOP/real
open_oncall
cd "$STATE"
claim "what a real model says is held to the same, and a person sorts what it cannot"
try 3 seam run on-call.yaml --input alert.json.in --id real
if "$SEAM" show real --json | jq -e '.tasks[] | select(.step == "sort" and .question)' >asked; then
    jq '.question.shown.error.message' asked
    jq -n --arg suspect "$SUSPECT" '{output: {severity: "high", component: "payment",
        error: "PaymentTimeout", suspect: $suspect}}' >answer.json
    try 0 seam answer real sort --json answer.json
    try 3 seam resume real
fi
echo '{"file": true}' >answer.json
try 0 seam answer real approve --json answer.json
try 0 seam resume real
[ "$(ledger "SELECT count(*) FROM issues")" = 1 ] || die "it was not filed once"

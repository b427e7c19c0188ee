#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A plugin is replaced while a run waits: the run goes on in the new one if its card shows that it may
# take the old one's place; else it calls nothing, and waits with a question that shows the difference.
. "$(dirname "$0")/stage.sh"
CC=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$BUILD/CMakeCache.txt")

cat >card.json <<'END'
{
  "card": 1, "id": "org.example.work", "version": "1.0.0", "summary": "Works, or does not",
  "abi": {"major": 1, "minor": 0},
  "agents": [
    {
      "name": "work", "summary": "Works", "effect": "pure",
      "input": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "maximum": 100}}},
      "output": {"type": "object", "required": ["by"], "properties": {"by": {"type": "string"}}}
    },
    {
      "name": "send", "summary": "Sends", "effect": "write",
      "input": true, "output": {"type": "object", "required": ["by"], "properties": {"by": {"type": "string"}}}
    }
  ]
}
END
cat >plugin.c <<'END'
#include <seam/sdk.h>
static seam_status start(void *self, const seam_call *call)
{
    const seam_host *host = (const seam_host *)self;
#ifdef BROKEN
    return seam_complete_error(host, call->id, SEAM_E_FAILED, SEAM_EFFECT_NONE, "broken", "it is broken");
#else
    seam_writer output = SEAM_WRITER;
    seam_put_object(&output, NULL);
    seam_put_text(&output, "by", VERSION);
    seam_put_end(&output);
    seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, seam_written(&output));
    seam_writer_done(&output);
    return SEAM_OK;
#endif
}
static const seam_agent work = SEAM_AGENT("work", SEAM_PURE, 0);
static const seam_agent sends = SEAM_AGENT("send", SEAM_WRITE, 0);
static const seam_agent *const agents[] = {&work, &sends, NULL};
SEAM_PLUGIN("org.example.work", VERSION, agents, start)
END

# plugin VERSION FILTER [FLAG…]: builds work.so, whose card is the one above after this jq filter.
plugin() {
    local version=$1 filter=$2
    shift 2
    jq ".version = \"$version\" | $filter" card.json >now.json
    sh "$SOURCE/plugin-api/cmake/seam-card" now.json now.c
    "$CC" -shared -fPIC "-DVERSION=\"$version\"" "$@" -I"$SOURCE/plugin-api/include" -o new.so now.c plugin.c
    mv new.so work.so
}

cat >seam.yaml <<'END'
manifest: 1
store: {url: "sqlite:journal.db"}
plugins: {w: {path: work.so}, v: {path: other.so}}
escalation: {ops: {exec: [sh, -c, "cat >> told.jsonl; echo >> told.jsonl"]}}
END
cat >flow.yaml <<'END'
flow: f
budget: {attempts: 20, calls: 20, time: 10m}
input: {schema: {type: object, required: [n], properties: {n: {type: integer, maximum: 100}}}}
steps:
  work: {agent: w/work, input: {n: "${ .input.n }"}, on_failure: escalate}
output: {as: {by: "${ .steps.work.output.by }"}}
escalation: {to: ops, deadline: 4h}
END
sed 's/w\/work, input: .*}"}/w\/send, input: {}/' flow.yaml >send.yaml
sed 's/w\/work/v\/work/' flow.yaml >other.yaml
echo '{"retry": true}' >again.json
echo '{"approve": true}' >yes.json
echo '{"outcome": "never"}' >never.json

# waits ID FLOW ANSWER: a run whose agent failed, so that a person is asked, and answers.
waits() {
    plugin 1.0.0 . -DBROKEN
    try 3 seam run "$2" --set n=7 --id "$1"
    try 0 seam answer "$1" work --json "$3"
}

plugin 1.0.0 . -DBROKEN
cp work.so other.so

claim "a run goes on in a newer plugin that takes all that the old one took"
waits r1 flow.yaml again.json
plugin 1.1.0 'del(.agents[0].input.properties.n.maximum)'
try 0 seam resume r1
holds '.by == "1.1.0"'
try 0 seam replay r1

claim "a run does not go on in one that takes less; put back, it does"
waits r2 flow.yaml again.json
plugin 2.0.0 '.agents[0].input.required += ["unit"]'
try 3 seam resume r2
says err 'the run itself asks' 'another card of agent w/work' 'cannot take its place' 'input' 'unit'
says err 'put the old ones back' 'another card; may it' 'REFUTED' 'seam answer r2 . --json'
try 1 seam diff r2
says out 'w/work' 'another card; may it take the old one'"'"'s place? ' 'REFUTED' 'input: '
try 0 seam show r2
says out 'asks' 'REFUTED' 'accepts' 'until'
plugin 1.0.1 .
try 0 seam resume r2
holds '.by == "1.0.1"'

claim "nor in one that promises less of its output"
waits r3 flow.yaml again.json
plugin 2.1.0 '.agents[0].output.required = []'
try 3 seam resume r3
says err 'cannot take its place' 'output'

claim "somebody may accept a contract that is not proven, and is recorded; but not more effect"
waits r5 flow.yaml again.json
plugin 2.2.0 '.agents[0].output.required = []'
try 3 seam resume r5
try 0 seam resume r5 --accept --who carol
holds '.by == "2.2.0"'
try 0 seam explain r5
says out 'taken-over' 'who carol' 'another card of agent w/work'
try 0 seam replay r5
waits r6 flow.yaml again.json
plugin 2.3.0 '.agents[0].effect = "write"'
try 3 seam resume r6 --accept --who carol
says err 'REFUTED' 'effect: ' 'only the library that began it' 'nobody can approve'
try 2 seam answer r6 --json yes.json
says err 'nobody can approve this' 'put the plugins back'
plugin 1.0.0 .
try 0 seam resume r6

# asked RUN: how often it was asked whether it may go on.
asked() { sqlite3 -readonly journal.db "SELECT count(*) FROM events WHERE run = '$1' AND kind = 'changed'"; }

claim "with --all each of them waits with its question, is told of once, and others go on"
plugin 1.0.0 . -DBROKEN
try 3 seam run flow.yaml --set n=7 --id q1
try 3 seam run flow.yaml --set n=7 --id q2
try 3 seam run other.yaml --set n=7 --id q3
for run in q1 q2 q3; do try 0 seam answer "$run" --json again.json; done
plugin 1.0.1 .
cp work.so other.so
plugin 2.4.0 '.agents[0].output.required = []'
rm -f told.jsonl
try 3 seam resume --all
try 0 seam show q3 --json
holds '.status == "done" and .output.by == "1.0.1"'
try 0 seam runs --status waiting --json
holds 'map(.run) | (index("q1") and index("q2"))'
try 0 seam show q1 --json
holds '.status == "waiting" and .question.path == "." and .question.shown.accepts == [{"approve": true}]
       and .question.shown.agents[0].verdict == "REFUTED" and .question.told'
jq -e -s 'map(select(.run == "q1" and .step == ".")) | length == 1 and .[0].question.question == "change"' \
    told.jsonl >/dev/null || die "ops was not told once of q1: $(cat told.jsonl)"
try 3 seam resume q1
[ "$(asked q1)" = 1 ] || die "q1 was asked $(asked q1) times of the same thing"

claim "an answer is taken by the host that comes next, and journaled with who and what was shown"
try 2 seam answer q1 . --json again.json
says err 'expected {"approve": true}'
try 0 seam answer q1 . --json yes.json --who dora
try 0 seam resume q1
holds '.by == "2.4.0"'
try 0 seam explain q1 .
says out 'permit .' '[change-approved]' 'dora' 'what was shown has the digest' \
    'another card of agent w/work'
try 0 seam replay q1

claim "denied, it waits, is not asked again, and goes on with its own plugin"
try 0 seam answer q2 --deny --who erik
try 3 seam resume q2
try 0 seam show q2
says out 'denied by erik'
try 3 seam resume q2
[ "$(asked q2)" = 1 ] || die "q2 was asked $(asked q2) times"
plugin 1.0.2 .
try 0 seam resume q2
holds '.by == "1.0.2"'
try 0 seam replay q2

claim "an answer is to what was shown: what differs otherwise is another question"
waits q4 flow.yaml again.json
plugin 2.5.0 '.agents[0].output.required = []'
try 3 seam resume q4
try 0 seam answer q4 . --json yes.json
plugin 2.6.0 '.agents[0].input.required += ["unit"]'
try 3 seam resume q4
[ "$(asked q4)" = 2 ] || die "q4 was asked $(asked q4) times"
try 0 seam explain q4 .
says out 'answer-stale'

claim "a person who denied may approve after all; and a run that waits so can be cancelled"
try 0 seam answer q4 . --deny
try 3 seam resume q4
try 0 seam answer q4 . --json yes.json
try 0 seam resume q4
holds '.by == "2.6.0"'
waits q5 flow.yaml again.json
plugin 2.7.0 '.agents[0].input.required += ["unit"]'
try 3 seam resume q5
try 0 seam cancel q5
try 1 seam resume q5
try 0 seam show q5 --json
holds '.status == "cancelled"'

claim "what has begun to change the world ends in the very library that began it"
waits r4 send.yaml never.json
cp work.so old.so
plugin 1.0.0 .
try 3 seam resume r4
says err 'agent w/send has begun what only the library that began it can end'
mv old.so work.so
try 3 seam resume r4

claim "an agent that is gone is named"
plugin 3.0.0 'del(.agents[0])'
try 3 seam resume r3
says err 'agent w/work, which is not loaded now'

claim "replay needs none of them"
rm work.so other.so flow.yaml send.yaml other.yaml
try 0 seam replay --all
says out '11 of 11 runs replayed the same'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A plugin is replaced while a run waits: the run goes on in the new one if its card shows that it may
# take the old one's place, and is otherwise left as it is, with the reason.
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
plugins: {w: {path: work.so}}
END
cat >flow.yaml <<'END'
flow: f
budget: {attempts: 20, calls: 20, time: 10m}
input: {schema: {type: object, required: [n], properties: {n: {type: integer, maximum: 100}}}}
steps:
  work: {agent: w/work, input: {n: "${ .input.n }"}, on_failure: escalate}
output: {as: {by: "${ .steps.work.output.by }"}}
END
{ sed 's/w\/work, input: .*}"}/w\/send, input: {}/' flow.yaml; echo 'escalation: {to: ops}'; } >send.yaml
echo '{"retry": true}' >again.json
echo '{"outcome": "never"}' >never.json

# waits ID FLOW ANSWER: a run whose agent failed, so that a person is asked, and answers.
waits() {
    plugin 1.0.0 . -DBROKEN
    try 3 seam run "$2" --set n=7 --id "$1"
    try 0 seam answer "$1" work --json "$3"
}

claim "a run goes on in a newer plugin that takes all that the old one took"
waits r1 flow.yaml again.json
plugin 1.1.0 'del(.agents[0].input.properties.n.maximum)'
try 0 seam resume r1
holds '.by == "1.1.0"'
try 0 seam replay r1

claim "a run does not go on in one that takes less; put back, it does"
waits r2 flow.yaml again.json
plugin 2.0.0 '.agents[0].input.required += ["unit"]'
try 2 seam resume r2
says err 'another card of agent w/work' 'cannot take its place' 'input' 'unit' 'put the plugin back'
says err 'what differs' 'another card' 'REFUTED' '--accept'
try 1 seam diff r2
says out 'w/work' 'another card; may it take the old one'"'"'s place? ' 'REFUTED' 'input: '
try 0 seam show r2
plugin 1.0.1 .
try 0 seam resume r2
holds '.by == "1.0.1"'

claim "nor in one that promises less of its output"
waits r3 flow.yaml again.json
plugin 2.1.0 '.agents[0].output.required = []'
try 2 seam resume r3
says err 'cannot take its place' 'output'

claim "somebody may accept a contract that is not proven, and is recorded; but not more effect"
waits r5 flow.yaml again.json
plugin 2.2.0 '.agents[0].output.required = []'
try 2 seam resume r5
says err '--accept'
try 0 seam resume r5 --accept --who carol
holds '.by == "2.2.0"'
try 0 seam explain r5
says out 'taken-over' 'who carol' 'another card of agent w/work'
try 0 seam replay r5
waits r6 flow.yaml again.json
plugin 2.3.0 '.agents[0].effect = "write"'
try 2 seam resume r6 --accept --who carol
says err 'REFUTED' 'effect: ' 'only the library that began it'
lacks err '(--accept)'
plugin 1.0.0 .
try 0 seam resume r6

claim "what has begun to change the world ends in the very library that began it"
waits r4 send.yaml never.json
cp work.so old.so
plugin 1.0.0 .
try 2 seam resume r4
says err 'agent w/send has begun what only the library that began it can end'
mv old.so work.so
try 3 seam resume r4

claim "an agent that is gone is named"
plugin 3.0.0 'del(.agents[0])'
try 2 seam resume r3
says err 'agent w/work, which is not loaded now'

claim "replay needs none of them"
rm work.so flow.yaml send.yaml
try 0 seam replay --all
says out '6 of 6 runs replayed the same'

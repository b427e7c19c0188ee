#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam test: the story's flow with its fixtures, and what is said when a case does not come out.
. "$(dirname "$0")/stage.sh"

# The story without a world: nothing listens there, and nothing is sent.
cp "$STORY"/*.yaml "$STORY"/*.json .
cp -r "$STORY/fixtures" .
sed -e "s|@WORLD_PORT@|9|g" -e "s|@PLUGINS@|$PLUGINS|g" -e "s|@STORY@|$STATE|g" \
    -e "s|@STATE@|$STATE|g" "$STORY/seam.yaml.in" >seam.yaml
TRIP='{reference: T-1, goal: "Oslo to Rome", passengers: 1, max_price: 500, email: a@example.org}'

# cases LINES: more.yaml beside the story's fixtures, with these cases.
cases() {
    { echo 'fixture: 1' && echo 'cases:' && cat; } >fixtures/more.yaml
}

mkdir tmp
export TMPDIR=$STATE/tmp
claim "the story's cases pass, hours go by in no time, and no plugin is needed for it"
try 0 seam test book-trip.yaml
says out 'pass  a trip is booked' '(3h7ms of its time)' '(4h1ms of its time)' ' 0 failed'
[ ! -e journal.db ] || die "a journal was left behind"
[ -z "$(ls "$TMPDIR")" ] || die "a folder was left behind"

claim "what no case reached is told"
says out 'no case reached:' 'book: its `on_failure: escalate` never happened'

claim "a case that comes out otherwise says where, and ends with 1"
cases <<END
  - case: dear
    input: $TRIP
    expect: {output: {booking: B-9, total: 280, mail: M-1}, steps: {book: {attempts: 2}}}
END
try 1 seam test book-trip.yaml --filter dear
says out 'FAIL  dear' 'fixtures/more.yaml:3:5' '/output/booking: expected "B-9", found ' \
    '/steps/book/attempts: expected 2, found 1' '0 passed, 1 failed'

claim "an agent that nothing is written for is named, with its input and what to write"
cp fixtures/agents.yaml agents.kept
sed -i '/travel\/search/,/travel\/price/{/travel\/price/!d}' fixtures/agents.yaml
try 1 seam test book-trip.yaml --filter 'a trip is booked'
says out 'nothing is written for travel/search, which was called for search[0], attempt 1' \
    'search[1], attempt 1' '{"from":"Oslo","to":"Rome","date":"2027-03-01"}' '- when: {"from"'
mv agents.kept fixtures/agents.yaml

claim "an answer that breaks its contract is warned of, unless it means to; the host refuses it"
cases <<END
  - case: nonsense
    input: $TRIP
    agents: {travel/price: {output: {total: -1}}}
    expect: {status: failed, error: {step: price}}
  - case: meant nonsense
    input: $TRIP
    agents: {travel/price: {output: {total: none}, invalid: true}}
    expect: {status: failed, error: {step: price}}
END
try 0 seam test book-trip.yaml --filter nonsense
says err 'fixtures/more.yaml:5:28: this answer of travel/price breaks its contract'
[ "$(grep -c 'breaks its contract' err)" = 1 ] || die "the other one is warned of, too"

claim "crashes, hangs, questions of agents, cancels and silence are played"
cases <<END
  - case: more crash
    input: $TRIP
    agents: {travel/plan: [{crash: true}, {output: {legs: [{from: Oslo, to: Rome, date: "2027-03-01"}], confidence: 1, unclear: []}}]}
    expect: {status: done, steps: {plan: {attempts: 2}}}
  - case: more hang
    input: $TRIP
    agents: {airline/book: {hang: true}}
    people: {book: {answer: {skip: true}}}
    expect: {status: done, output: {booking: null, total: 280, mail: null}}
  - case: more question
    input: $TRIP
    agents:
      travel/plan:
        - ask: {question: "whence?", schema: {type: object, required: [from]}}
        - output: {legs: [{from: Oslo, to: Rome, date: "2027-03-01"}], confidence: 1, unclear: []}
    people: {plan: {answer: {from: Oslo}}}
    expect: {status: done, rules: [input-required, person-input], that: ["\${ .output.total == 280 }"]}
  - case: more waiting
    input: $TRIP
    agents: {travel/plan: {ask: {question: "whence?", schema: true}}}
    expect: {asks: {plan: input}}
  - case: more cancelled
    input: $TRIP
    agents: {mail/send: {output: {id: M-1}, after: 4s}}
    cancel: 1s
    expect: {status: cancelled, effects: {book.book: 1, book/undo.cancel: 1}}
END
try 0 seam test book-trip.yaml --filter more
says out '5 passed, 0 failed'

claim "what is wrong with a fixture is said with its place, before anything runs, and ends with 2"
echo '{"fixture": 1, "agents": {"travel/serch": {"output": []}}}' >fixtures/more.yaml
try 2 seam test book-trip.yaml
says err 'fixtures/more.yaml:1:' 'did you mean `travel/search`?'
cases <<<'  - {case: a, steps: {bok: {crash: true}}}'
try 2 seam test book-trip.yaml
says err 'fixtures/more.yaml:3:' 'the flow has no step `bok`; did you mean `book`?'
cases <<<'  - {case: a, expects: {}}'
try 2 seam test book-trip.yaml
says err 'fixtures/more.yaml:3:' 'no property "expects"'
cases <<<'  - {case: a, agents: {travel/plan: {output: 1, crash: true}}}'
try 2 seam test book-trip.yaml
says err 'fixtures/more.yaml:3:'
cases <<<$'  - case: a\n  - case: a'
try 2 seam test book-trip.yaml
says err 'there are two cases `a`'
rm fixtures/more.yaml
try 2 seam test book-trip.yaml --filter nowhere
says err 'no case of fixtures has this --filter'
try 2 seam test book-trip.yaml --fixtures nowhere
says err 'fixtures nowhere'

claim "programs and build servers read it"
try 0 seam test book-trip.yaml --json
holds '.failed == 0 and (.cases | length) == 6 and .cases[0].result.output.booking == "B-1"'
try 0 seam test book-trip.yaml --format junit
says out '<testsuites tests="6" failures="0"' '<testcase classname="book-trip" name="a trip is booked"'

claim "a kept journal is explained as any other"
try 0 seam test book-trip.yaml --keep kept
try 0 seam explain test book --store kept/case-4.db
says out '[reconcile-happened]'
try 0 seam replay test --store kept/case-4.db

claim "without the libraries, their cards are enough"
mkdir fixtures/cards
for plugin in airline mail; do
    seam plugins inspect "$PLUGINS/$plugin.so" >"fixtures/cards/$plugin.json"
    sed -i "s|$PLUGINS/$plugin.so|nowhere/$plugin.so|" seam.yaml
done
try 0 seam test book-trip.yaml
says out ' 0 failed'
rm fixtures/cards/mail.json
try 2 seam test book-trip.yaml
says err 'nowhere/mail.so' 'cards/mail.json'
cp -r "$STORY/fixtures/." fixtures
rm -rf fixtures/cards
sed -i "s|nowhere/|$PLUGINS/|" seam.yaml

claim "killed at every edge and taken up, no effect is lost or happens twice; a mail in doubt is asked about"
try 0 seam test book-trip.yaml --crash-at-every-write --filter 'a trip is booked'
says out 'pass  a trip is booked: 42 kills: ' '0 otherwise' \
    'waiting, notify asks: in-doubt; first at 33: record 10 (effect-asked notify) is on disk'
try 0 seam test book-trip.yaml --crash-at-every-write --filter 'hangs up' --json
holds '.cases[0] | .points == .same + .asks and .fault_count == 0'
[ -z "$(ls tmp)" ] || die "a folder was left behind"

claim "one edge alone is killed at, and its journal kept"
try 0 seam test book-trip.yaml --filter 'hangs up' --crash-at 22 --keep one
says out '1 kills: 1 ended the same' 'killed at: effect book of book is on disk, and has not left'
try 0 seam explain test book --store one/killed-22.db
says out taken-over reconcile
try 1 seam test book-trip.yaml --filter 'hangs up' --crash-at 99999
says out 'the case has points 1 to '

claim "seeds draw orders and faults, the same each time, and every law holds"
seeds=100
if sanitized; then seeds=20; fi # each takes eight times as long, and no other code
try 0 seam test book-trip.yaml --seeds $seeds
says out "a trip is booked: $seeds seeds: $((seeds / 4)) calm" '6 passed, 0 failed'
cp out first
try 0 seam test book-trip.yaml --seeds $seeds
diff <(sed '$d' first) <(sed '$d' out) || die "the same seeds came to something else"

claim "a case that depends on an order is found out by a calm seed, with the command for it"
cases <<END
  - case: hasty
    input: $TRIP
    expect: {takes: 10ms}
END
try 1 seam test book-trip.yaml --filter hasty --seeds 1-8
says out 'seed 4, calm: only the times are other' '/takes: expected "10ms", found' \
    "again: seam test 'book-trip.yaml' --filter 'hasty' --seed 4 --keep DIR"
try 1 seam test book-trip.yaml --filter hasty --seed 4 --keep seeds
try 0 seam explain test --store seeds/seed-4.db
for wrong in '--seeds 0' '--seeds x' '--seeds 3-1' '--seed -1' '--seed 1 --crash-at 1'; do
    # shellcheck disable=SC2086
    try 2 seam test book-trip.yaml $wrong
done
rm fixtures/more.yaml

claim "what came of a case becomes what it expects, and nothing else of the file changes"
cases <<END
  # kept
  - case: renewed
    input: $TRIP
    expect: {output: {booking: X}, steps: {book: {attempts: 9}}}
  # this too
  - {case: on a line, input: $TRIP}
END
try 1 seam test book-trip.yaml --filter renewed --update
says out 'fixtures/more.yaml: 1 updated'
says fixtures/more.yaml '  # kept' '  # this too' '      output: {booking: B-1, total: 280, mail: M-1}' \
    '      steps: {book: {attempts: 1}}'
try 0 seam test book-trip.yaml --filter renewed
try 0 seam test book-trip.yaml --filter 'on a line' --update
says err 'write it as a block to have it updated'
jq -n --argjson n 1 '{fixture: $n, cases: [{case: "as json", input: {reference: "T-1", goal: "g",
    passengers: 1, max_price: 500, email: "a@example.org"}}]}' >fixtures/more.json
try 0 seam test book-trip.yaml --filter 'as json' --update
[ "$(jq -r '.cases[0].expect.output.booking' fixtures/more.json)" = B-1 ] || die "the JSON is not updated"
rm fixtures/more.json fixtures/more.yaml

claim "a real run is recorded, and played again it gives the same decisions"
raise_world --commit-then-drop 1
sed -i "s|127.0.0.1:9\"|127.0.0.1:$PORT\"|; s|port: 9\$|port: $PORT|" seam.yaml
head -n 1 "$STORY/trips.jsonl" >trip.json
try 3 seam run book-trip.yaml --input trip.json --id real --quiet
echo '{"outcome": "happened", "result": {"id": "M-5"}}' >answer.json
try 0 seam answer real notify --json answer.json --who mona
try 0 seam resume real --quiet
try 0 seam test book-trip.yaml --record real --fixtures recorded
says out 'recorded/real.yaml: run real, played again with the same decisions'
says recorded/real.yaml 'recorded: real' 'outcome: unknown' 'who: mona' 'find_booking'
try 0 seam test book-trip.yaml --fixtures recorded
says out 'pass  real' '1 passed, 0 failed'
try 2 seam test book-trip.yaml --record --fixtures recorded
says err 'recorded/real.yaml exists already'
try 0 seam test book-trip.yaml --record --update --fixtures recorded
try 2 seam test book-trip.yaml --record nothing --fixtures recorded
try 2 seam test book-trip.yaml real --fixtures recorded

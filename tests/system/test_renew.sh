#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A run anew, from what an earlier one has finished: what is taken over, what runs again, what an
# edited flow and other inputs make of it, and that no effect is passed again unless somebody says so.
. "$(dirname "$0")/stage.sh"
story --honour-key no
bookings() { ledger 'SELECT count(*) FROM bookings'; }
mails() { ledger 'SELECT count(*) FROM mails'; }
try 0 seam run book-trip.yaml --input trip.json --id t1
[ "$(bookings) $(mails)" = "1 1" ] || die "one booking and one mail"

claim "diff of a run with the flow that it began with: nothing is otherwise"
try 0 seam diff t1
says out 'nothing is otherwise' 'is taken over'
try 0 seam diff t1 book-trip.yaml
try 0 seam diff t1 book-trip.yaml --json
holds '.same and (.flow == []) and (.agents == []) and (.effects == [])
       and all(.steps[]; .then == "taken-over")'

claim "diff of an edited flow names what differs, what is taken over and what is passed again"
sed -e 's/version: 1.0.0/version: 1.1.0/' -e 's/on_item_failure: stop/on_item_failure: skip/' book-trip.yaml >edited.yaml
sed -i 's/^  notify:/  mailed:/; s/steps.notify.output/steps.mailed.output/' edited.yaml
try 1 seam diff t1 edited.yaml
says out 'version: "1.0.0" → "1.1.0"' 'is new, and runs' 'is gone' 'is taken over' \
    'seam resume t1 --from STEP --flow edited.yaml'
try 1 seam diff t1 edited.yaml --json
holds '[.steps[] | select(.then == "removed").step] == ["notify"]'
holds '[.steps[] | select(.then == "new").step] == ["mailed"]'
holds '[.flow[].what] | index("version") != null'

claim "a flow that is refused is no flow to compare with"
echo 'flow: no' >broken.yaml
try 2 seam diff t1 broken.yaml
try 2 seam diff t1 nowhere.yaml
says err 'nowhere.yaml'
try 2 seam diff t9
says err '`seam runs` lists them'

claim "what would be passed again is listed and, where nobody can be asked, refused"
try 4 seam resume t1 --from notify --id t2 </dev/null
says err 'effects that would be passed again' 'notify: effect' 'done since' 'request ' 'result ' '--yes allows it'
says err 'book                 done     is taken over'
try 4 seam resume t1 --from notify --id t2 --json </dev/null
holds '.error.code and ([.renewal.effects[].step] == ["notify"])'
[ "$(bookings) $(mails)" = "1 1" ] || die "something was passed again"
try 2 seam show t2

claim "with --yes it is passed again, once, and who said so is in the journal; the rest is taken over"
try 0 seam resume t1 --from notify --id t2 --yes --who alice </dev/null
says err 'run t2 goes on from run t1' 'run t2 is done'
[ "$(bookings) $(mails)" = "1 2" ] || die "not one booking and two mails: $(bookings) $(mails)"
try 0 seam explain t2
says out '[adopted]' 'the earlier run is t1' 'start notify'
lacks out 'start plan' 'start book'
try 0 seam replay t2
says out '1 of 1 runs replayed the same'

claim "the same id again is the same run"
try 0 seam resume t1 --from notify --id t2 --yes </dev/null
[ "$(bookings) $(mails)" = "1 2" ] || die "something was passed again"

claim "a step by another name may do the same again: what the old one did is asked about, too"
try 4 seam resume t1 --from mailed --flow edited.yaml --id t3 </dev/null
says err 'notify: effect'
[ "$(bookings) $(mails)" = "1 2" ] || die "something was passed again"

claim "another input: what depends on it runs again, and is said to"
try 4 seam resume t1 --from notify --set reference='"T-9"' --id t4 </dev/null
says err 'plan                 done     is taken over' 'book                 done     runs again: its inputs are not what they were' \
    'book: effect' 'notify: effect'
try 2 seam resume t1 --from notify --set passengers=many --id t4 </dev/null
says err 'the input does not fit'

claim "what was undone is not taken over"
sed '/^output:/i\
  check: {agent: travel/price, needs: [book], input: {offers: "${ .steps.search.output }", passengers: "${ .input.passengers }"}, assert: [{that: "${ .steps.price.output.total < 1 }", message: "too dear"}], retry: {max_attempts: 1}}' \
    book-trip.yaml | sed 's/needs: \[book\]$/needs: [book, check]/' >strict.yaml
try 1 seam run strict.yaml --input trip.json --id u1
cancelled=$(ledger 'SELECT count(*) FROM bookings')
sed 's/total < 1/total > 1/' strict.yaml >mended.yaml
try 4 seam resume u1 --from check --flow mended.yaml --id u2 </dev/null
says err 'book                 done     runs again: the earlier run has undone it' 'undone later' 'plan                 done     is taken over'
try 0 seam resume u1 --from check --flow mended.yaml --id u2 --yes </dev/null
[ "$(bookings)" = $((cancelled + 1)) ] || die "it was not booked anew"

claim "a run that is not final is not run a second time"
knob '{"commit_then_drop": 1}'
try 3 seam run book-trip.yaml --input trip.json --id w1
knob '{"commit_then_drop": 0}'
try 2 seam resume w1 --from notify --yes </dev/null
says err 'run w1 is waiting' 'seam cancel w1'
try 1 seam diff w1 edited.yaml
says out 'run w1, waiting'

claim "words that do not go together"
try 2 seam resume t1 --flow edited.yaml
says err '--from STEP'
try 2 seam resume --all --from book
try 2 seam resume t1 --from nothing
says err 'no step `nothing`'
try 2 seam resume t1 --from 'search[0]/call#1'
says err 'what is within a plan or a call runs again with its step'
try 2 seam resume t1 --from notify --id t1 --yes
says err 'the earlier run itself'
try 2 seam resume t9 --from notify

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A run anew from within a sub-flow, or from one item: only what is named, and what waits for it, runs
# again; what stands beside it is taken over, and no effect is passed again unless somebody says so.
. "$(dirname "$0")/stage.sh"
story --honour-key no
mails() { ledger "SELECT group_concat(subject, ', ') FROM (SELECT subject FROM mails ORDER BY rowid)"; }

cat >leg.yaml <<'END'
flow: leg
version: 1.0.0
budget: {attempts: 9, calls: 9, time: 1m}
input: {schema: {type: object, required: [name, most], properties: {name: {type: string, minLength: 1, maxLength: 20}, most: {type: integer}}}}
output: {as: {id: "${ .steps.second.output.id }"}, schema: {type: object}}
escalation: {to: ops}
steps:
  first: {agent: mail/send, input: {to: a@example.org, subject: "first ${ .input.name }", body: x}}
  look: {agent: travel/price, needs: [first], input: {passengers: 1, offers: [[{offer: "${ .input.name }", price: 5, from: A, to: B, date: "2027-01-01", carrier: X, km: 10}]]}, assert: [{that: "${ .output.total < 10 }", message: too dear}], retry: {max_attempts: 1}}
  second: {agent: mail/send, needs: [look], input: {to: a@example.org, subject: "second ${ .input.name }", body: x}}
END
cat >legs.yaml <<'END'
flow: legs
version: 1.0.0
input: {schema: {type: object, required: [names, most], properties: {names: {type: array, maxItems: 5, items: {type: string, minLength: 1, maxLength: 20}}, most: {type: integer}}}}
budget: {attempts: 50, calls: 60, time: 10m}
steps:
  all: {flow: leg.yaml, for_each: "${ .input.names }", input: {name: "${ .item }", most: "${ .input.most }"}}
  one: {flow: leg.yaml, needs: [all], input: {name: one, most: "${ .input.most }"}}
  each: {agent: mail/send, needs: [one], for_each: "${ .input.names }", input: {to: b@example.org, subject: "each ${ .item }", body: x}}
  last: {agent: mail/send, needs: [each], input: {to: c@example.org, subject: last, body: x}}
output: {as: {ok: true}, schema: {type: object}}
escalation: {to: ops}
END
sent() { mails | tr ',' '\n' | sed 's/^ //' | sort; }
# again SUBJECT…: what was sent since, and nothing else.
again() {
    sent | diff <(printf '%s\n' "${before[@]}" "$@" | sort) - >differs || die "$(cat differs)"
    mapfile -t before < <(sent)
}
then_of() { jq -r --arg step "$1" '.renewal.steps[] | select(.step == $step).then' out; }

try 0 seam check legs.yaml
try 0 seam run legs.yaml --set names='["A","B","C"]' --set most=10 --id t1
before=()
again "first A" "first B" "first C" "first one" "second A" "second B" "second C" "second one" \
    "each A" "each B" "each C" "last"

claim "from a step of a sub-flow: what stands before it in there is taken over"
try 4 seam resume t1 --from one/second --id t2 </dev/null
says err 'all                  done     is taken over' 'one/first            done     is taken over' \
    'one                  done     runs again: a step within it runs again' \
    'one/second           done     runs again: from here on it was asked to run again' \
    'last                 done     runs again: it comes after one/second' '5 effects of run t1'
again
try 0 seam resume t1 --from one/second --id t2 --yes --who alice </dev/null
again "second one" "each A" "each B" "each C" "last"
try 0 seam show t2
says out 'one/first' 'taken over from t1'
try 0 seam explain t2 one
says out 'adopt one/first  [adopted]' 'start one/second'
lacks out 'start one/first'
try 0 seam replay t2

claim "from a step of one item's sub-flow: the other items stand"
try 4 seam resume t1 --from 'all[1]/second' --id t3 --json </dev/null
[ "$(then_of all) $(then_of 'all[1]/first') $(then_of 'all[1]/second') $(then_of one)" = \
    "taken-over taken-over again again" ] || die "what becomes of the steps"
holds '[.renewal.effects[].path] | (index("all[1]/second") and (index("all[0]/second") | not))'
again
try 0 seam resume t1 --from 'all[1]/second' --id t3 --yes </dev/null
again "second B" "first one" "second one" "each A" "each B" "each C" "last"
try 0 seam replay t3

claim "from one item: the others are taken over"
try 4 seam resume t1 --from 'each[2]' --id t4 </dev/null
says err 'each                 done     is taken over: but for item 2, which runs again' '2 effects of run t1'
lacks err 'each[0]'
try 0 seam resume t1 --from 'each[2]' --id t4 --yes </dev/null
again "each C" "last"
try 0 seam show t4 --json
holds '[.tasks[] | select(.path | startswith("each")) | .from] == ["t1", "t1", null]'
try 0 seam replay t4

claim "a run that failed within goes on from there, with the flow mended"
sed 's/total < 10/total < 1/' leg.yaml >strict-leg.yaml
sed 's/leg.yaml/strict-leg.yaml/' legs.yaml >strict.yaml
try 1 seam run strict.yaml --set names='[]' --set most=10 --id f1
again "first one"
try 0 seam resume f1 --from one/look --flow legs.yaml --id f2 </dev/null
says err 'one/first            done     is taken over' 'one/look             failed   runs again'
again "second one" "last"
try 0 seam replay f2

claim "a new run of a new run: what was taken over within can be taken over once more"
try 0 seam resume f2 --from last --id f3 --yes </dev/null
again "last"
try 0 seam resume f2 --from one/second --id f4 --yes </dev/null
again "second one" "last"

claim "a step that was renamed within a sub-flow may do the same by another name: it is asked about"
sed 's/  first:/  begin:/; s/needs: \[first\]/needs: [begin]/' leg.yaml >renamed-leg.yaml
sed 's/leg.yaml/renamed-leg.yaml/' legs.yaml >renamed.yaml
try 4 seam resume t1 --from last --flow renamed.yaml --id t5 </dev/null
says err 'one/first: effect' 'all[0]/first: effect'
again

claim "a place that is none"
try 2 seam resume t1 --from one/third
says err 'no step `one/third`'
try 2 seam resume t1 --from all/second
says err '`all` has items' 'all[0]/second'
try 2 seam resume t1 --from 'all[3]/second'
says err 'no item 3 of step `all`'
for path in 'each[x]' 'each[1' 'each[1]x' 'one/' '/one' '' 'one[0]' 'last/deeper' 'one//second' \
    'each[99999999999999999999]'; do
    try 2 seam resume t1 --from "$path"
done

claim "what was taken over within a sub-flow is undone if the new run fails"
cat >stay.yaml <<'END'
flow: stay
version: 1.0.0
budget: {attempts: 9, calls: 9, time: 1m, recovery: {calls: 5}}
input: {schema: {type: object, required: [offer], properties: {offer: {type: string, minLength: 1, maxLength: 20}}}}
output: {as: {booking: "${ .steps.book.output.booking }"}, schema: {type: object}}
escalation: {to: ops}
steps:
  book:
    agent: airline/book
    input: {offer: "${ .input.offer }", passengers: 1, reference: T-1}
    undo: {agent: airline/cancel, input: {booking: "${ .output.booking }"}}
END
cat >stays.yaml <<'END'
flow: stays
version: 1.0.0
budget: {attempts: 20, calls: 20, time: 10m, recovery: {calls: 9}}
steps:
  stay: {flow: stay.yaml, input: {offer: O-1}}
  check: {agent: travel/price, needs: [stay], input: {passengers: 1, offers: [[{offer: x, price: 5}]]}, assert: [{that: "${ .output.total < 10 }", message: too dear}], retry: {max_attempts: 1}}
output: {as: {ok: true}, schema: {type: object}}
escalation: {to: ops}
END
try 0 seam run stays.yaml --id s1
sed 's/total < 10/total < 1/' stays.yaml >dear.yaml
try 1 seam resume s1 --from check --flow dear.yaml --id s2 </dev/null
says err 'stay                 done     runs again: what is within it can be undone' \
    'stay/book            done     is taken over'
try 0 seam explain s2
[ "$(ledger 'SELECT group_concat(status) FROM bookings')" = cancelled ] || die "it stands booked"
says out 'undo stay' 'start stay/book/undo'
lacks out 'start stay/book '
try 0 seam replay s2

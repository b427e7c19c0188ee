#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every command on its good day, for people and for programs.
. "$(dirname "$0")/stage.sh"
story

claim "check finds nothing wrong with the story"
try 0 seam check book-trip.yaml
says out 'book-trip.yaml: ok, 5 steps'
try 0 seam check book-trip.yaml --json
holds '.errors == 0 and .flows[0].ok'
cp out once
try 0 seam check book-trip.yaml --format json
cmp -s out once || die "--format json is not --json"

claim "plugins tells what is ready, and agents with their class"
try 0 seam plugins
says out 'travel       ready' 'airline/book' 'write, reconciled by find_booking'
try 0 seam plugins --json
holds 'map(.status) == ["ready", "ready", "ready"] and .[1].agents[0].reconcile == "find_booking"'
try 0 seam plugins --static --json
holds 'map(.status) == ["accepted", "accepted", "accepted"]'

claim "plugins inspect prints the card and runs nothing"
try 0 seam plugins inspect "$PLUGINS/mail.so"
holds '.id == "org.seam.mail" and .agents[0].effect == "write"'
try 0 seam plugins inspect "$SINS/crashes_in_constructor.so"
try 2 seam plugins prod x.so
says err 'inspect FILE.so'

claim "run ends with the output on stdout and nothing else there"
try 0 seam run book-trip.yaml --input trip.json --id t1
holds '.booking == "B-000001" and .mail == "M-000001"'
says err 'run t1 is done'
try 0 seam run book-trip.yaml --input trip.json --id t2 --json
holds '.run == "t2" and .status == "done" and .output.booking == "B-000002"'

claim "runs lists them, newest first, and by status"
try 0 seam runs
says out RUN t1 t2 book-trip done
try 0 seam runs --json
holds 'map(.run) == ["t2", "t1"] and .[0].flow == "book-trip" and .[0].status == "done"'
try 0 seam runs --status failed --json
holds '. == []'
try 0 seam runs --status failed
says out 'no runs'

claim "show tells of steps, effects and what was spent"
try 0 seam show t1
says out 't1  book-trip  done' 'search[1]' 'effect book: done, key ' 'spent in all: 6 attempts'
try 0 seam show t1 --json
holds '.status == "done" and .spent.attempts == 6 and (.tasks[] | select(.path == "book")
       | .effects[0].outcome == "done" and (.effects[0].key | length == 64))'

claim "explain names rules, in order, and of one step alone"
try 0 seam explain t1
says out '[first-attempt]' '[output-accepted]' '[effect-fresh]' '[all-steps-final]'
try 0 seam explain t1 book
says out 'start book' 'effect-ended book' 'outcome done'
lacks out 'start plan' 'start notify'
try 0 seam explain t1 --json
holds 'all(.[]; .decision.rule and .meaning) and .[-1].decision.rule == "all-steps-final"'

claim "replay decides everything again and finds it the same"
try 0 seam replay t1
says out '1 of 1 runs replayed the same'
try 0 seam replay --all --json
[ "$(jq -s 'map(.same) | all and length == 2' out)" = true ] || die "one differs"

claim "what is not there is said to be not there, with the way to what is"
for command in "show t9" "explain t9" "cancel t9" "resume t9" "replay t9"; do
    # shellcheck disable=SC2086
    try 2 seam $command
    says err '`seam runs` lists them' t9
done
try 2 seam explain t1 nostep
says err '`nostep`' '`seam show t1`'

claim "a final run can be neither answered nor cancelled"
try 2 seam answer t1 book --deny
says err 'asks nothing now'
try 2 seam cancel t1
says err 'run t1 is done already'

claim "resume of a final run tells how it ended; with nothing left, so does --all"
try 0 seam resume t1
holds '.booking == "B-000001"'
try 0 seam resume --all
says out 'nothing to resume'
[ "$(ledger 'SELECT count(*) FROM bookings')" = 2 ] || die "a booking came of telling"

claim "a run that fails exits 1, names step and cause, and the way to why"
try 1 seam run book-trip.yaml --input "$STORY/odd/misspelt.json" --id t3
says err 'run t3 failed at plan' 'did you mean Lisbon?' 'seam explain t3'
try 1 seam resume t3 --json
holds '.status == "failed" and .error.step == "plan" and .error.code == "travel.goal"'

claim "a flow may end without doing what it could not afford"
try 0 seam run book-trip.yaml --input "$STORY/odd/dear.json" --id t4
holds '.booking == null and .mail == null'

claim "--each is one run a line, and --json one line a run"
head -n 5 "$STORY/trips.jsonl" >five.jsonl
try 0 seam run book-trip.yaml --each five.jsonl --id each
says out '5 runs: 5 done'
try 0 seam run book-trip.yaml --each five.jsonl --id each --json
[ "$(jq -s 'map(.status) | all(. == "done") and length == 5' out)" = true ] || die "not 5 done"
[ "$(ledger 'SELECT count(*) FROM bookings')" = 7 ] || die "the second time booked again"
sed 's/^limits:.*//; $ a limits: {runs: 2}' seam.yaml >narrow.yaml
try 0 seam run book-trip.yaml --each five.jsonl --id narrow --manifest narrow.yaml
says out '5 runs: 5 done'
[ "$(ledger 'SELECT count(*) FROM bookings')" = 12 ] || die "not as many bookings as runs"
try 2 seam run book-trip.yaml --each five.jsonl --input trip.json
says err '--each goes without --input'
echo '{"broken"' >>five.jsonl
try 2 seam run book-trip.yaml --each five.jsonl --id again
says err 'five.jsonl:6: '
try 2 seam show again-1
sed -i '$ s/.*/{"goal": 1}/' five.jsonl
try 2 seam run book-trip.yaml --each five.jsonl --id misfit
says err 'five.jsonl:6: the input does not fit' '/goal'
try 2 seam show misfit-1
try 0 seam run book-trip.yaml --each /dev/null
says out '0 runs'

claim "--memory keeps nothing"
mkdir memory
sed "s|sqlite:$STATE/journal.db|sqlite:$STATE/memory/journal.db|" seam.yaml >memory.yaml
try 0 seam run book-trip.yaml --input trip.json --memory --manifest memory.yaml
[ -z "$(ls memory)" ] || die "something was kept: $(ls memory)"

claim "a hint repeats the manifest and the store that were given"
try 1 seam run book-trip.yaml --input "$STORY/odd/misspelt.json" --id m --manifest seam.yaml \
    --store sqlite:other.db
says err 'seam explain m --manifest seam.yaml --store sqlite:other.db'

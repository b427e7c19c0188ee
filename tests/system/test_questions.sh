#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Questions to people, from the doubt to the end of the run.
. "$(dirname "$0")/stage.sh"
story --honour-key no

# doubt ID: a run whose mail was sent and whose answer was lost; nobody but a person can tell.
doubt() {
    knob '{"commit_then_drop": 1}'
    try 3 seam run book-trip.yaml --input trip.json --id "$1"
    knob '{"commit_then_drop": 0}'
}

claim "a mail in doubt makes the run wait, exit 3, and say what is asked and how to answer"
doubt d1
says err 'run d1 waits for a person' 'notify asks: Nobody knows whether' 'because: ' \
    'Empty reply from server' 'seam show d1' 'seam answer d1 notify --json FILE' 'seam resume d1'
try 0 seam runs --status waiting --json
holds 'map(.run) == ["d1"]'

claim "show prints the question, its effect, and what it accepts"
try 0 seam show d1
says out 'effect POST /mails 1: unknown' 'asks (revision 1)' '"outcome":"happened"' \
    '"outcome":"never"' '"subject":"Your trip T-0001"' 'until' 'seam answer d1 notify'
try 0 seam show d1 --json
holds '.status == "waiting" and (.tasks[] | select(.path == "notify").question
       | .revision == 1 and .shown.question == "in-doubt" and (.shown.effect.key | length == 64))'

claim "explain says why it was asked, and what would have changed that"
try 0 seam explain d1 notify
says out '[in-doubt-person]' 'the class is `write`' 'nobody knows whether effect POST /mails 1 happened' \
    'otherwise: it would have been retried [in-doubt-same-key] if the card declared `write_idempotent`' \
    'otherwise: its reconcile agent would have been asked [in-doubt-reconcile] if the card declared a reconcile agent' \
    'budget left: 54 attempts'

claim "run --json gives the question too"
try 3 seam run book-trip.yaml --input trip.json --id d1 --json
holds '.status == "waiting" and .questions[0].step == "notify" and .questions[0].revision == 1'

claim "an answer that does not fit is refused, with what is accepted; nothing is sent"
echo '{"happened": true}' >wrong.json
try 2 seam answer d1 notify --json wrong.json
says err 'answer to notify is not accepted' '{"outcome": "never"}'
try 2 seam answer d1 notify --json nowhere.json
says err 'nowhere.json'
echo '{"outcome":' >cut.json
try 2 seam answer d1 notify --json cut.json
says err 'cut.json'
try 2 seam answer d1 notify --json wrong.json --deny
says err '--json FILE or --deny'
try 2 seam answer d1 book --deny
says err 'step `book` of run d1 asks nothing now'
try 2 seam answer d1 nostep --deny
says err 'step `nostep`'

claim "an answer to another revision than the one that is open is refused"
echo '{"outcome": "never"}' >never.json
try 2 seam answer d1 notify --json never.json --revision 2
says err 'at revision 1 now, not 2'

claim "the truth, told by who looked, ends the run; nothing is sent twice"
jq -n --arg id "$(ledger 'SELECT id FROM mails')" '{outcome: "happened", result: {id: $id}}' >truth.json
try 0 seam show d1 --json
jq -cS '.tasks[] | select(.path == "notify").question.shown' <out | tr -d '\n' | sha256sum | cut -d' ' -f1 >shown.sha256
BEFORE=$(date +%s%3N)
try 0 seam answer d1 notify --json truth.json --revision 1 --who alice
AFTER=$(date +%s%3N)
says out 'answered; no host is at work' 'seam resume d1'

claim "the first answer counts: a second, before a host has taken it up, is refused and says whose was first"
for other in "--json never.json" "--json truth.json --revision 1" --deny; do
    # shellcheck disable=SC2086
    try 2 seam answer d1 notify $other --who bob
    says err 'alice has answered notify already' 'the first answer counts' 'seam resume d1'
done
[ "$(sqlite3 -cmd '.timeout 10000' journal.db 'SELECT count(*) FROM inbox')" = 1 ] || die "it was sent"
try 0 seam resume d1
holds '.mail == "M-000001"'
[ "$(ledger 'SELECT count(*) FROM mails')" = 1 ] || die "a mail was sent twice"
try 0 seam explain d1 notify
says out 'who alice' '[person-happened]'

claim "the answer is kept with who said it, when, and the hash of what they were shown"
says out "shown $(cat shown.sha256)"
SAID=$(sqlite3 -cmd '.timeout 10000' journal.db "SELECT json_extract(body, '$.event.said_ms') FROM events WHERE run = 'd1' AND kind = 'answered'")
[ "$SAID" -ge "$BEFORE" ] && [ "$SAID" -le "$AFTER" ] || die "said at $SAID, not from $BEFORE to $AFTER"
try 2 seam answer d1 notify --json truth.json
says err 'asks nothing now'

claim "who says too early that it did not happen is asked again after settle; then it is done again"
doubt d2
sqlite3 -cmd '.timeout 10000' ledger.db "DELETE FROM mails WHERE id = 'M-000002'"
try 0 seam answer d2 notify --json - <never.json
try 3 seam resume d2
says err 'notify asks again: Nobody knows whether' 'why it is asked:    seam explain d2 notify'
try 0 seam answer d2 notify --json - --revision 2 <never.json
try 0 seam resume d2
holds '.mail == "M-000003"'
try 0 seam explain d2 notify
says out '[person-never-settles]' '[person-never]' '[retry-nothing-done]'

claim "deny ends the run: what is done is undone, and the doubt stays a question"
doubt d3
booking=$(ledger 'SELECT max(id) FROM bookings')
try 0 seam answer d3 notify --deny
says out 'denied'
try 3 seam resume d3
try 0 seam explain d3
says out '[person-denied]'
mail=$(ledger 'SELECT max(id) FROM mails')
try 0 seam answer d3 notify --json - <<<"{\"outcome\": \"happened\", \"result\": {\"id\": \"$mail\"}}"
try 1 seam resume d3
says err 'run d3 failed at notify'
[ "$(ledger "SELECT status FROM bookings WHERE id = '$booking'")" = cancelled ] ||
    die "$booking is not cancelled"

claim "an agent asks for what it needs, and gets it"
try 3 seam run book-trip.yaml --input "$STORY/odd/undated.json" --id u1
says err 'plan asks: On which day does the trip start?'
try 0 seam show u1
says out 'accepts  what fits {"type":"object"' '"start"'
try 2 seam answer u1 plan --json - <<<'{"start": "tomorrow"}'
says err 'answer to plan is not accepted' '/start'
try 0 seam answer u1 plan --json - <<<'{"start": "2027-05-02"}'
try 0 seam resume u1
holds '.booking and .mail'
try 0 seam show u1 --json
holds '.tasks[] | select(.path == "plan") | .output.legs[0].date == "2027-05-02"'

claim "an output of low confidence can be approved, or given"
try 3 seam run book-trip.yaml --input "$STORY/odd/unclear.json" --id l1
says err 'because: confidence 0.545625 is below the minimum 0.8'
try 0 seam answer l1 plan --json - <<<'{"approve": true}'
try 0 seam resume l1
try 0 seam explain l1 plan
says out '[confidence-escalate]' '[person-approved]'
try 3 seam run book-trip.yaml --input "$STORY/odd/unclear.json" --id l2
try 2 seam answer l2 plan --json - <<<'{"output": {"legs": 7}}'
says err 'does not fit the contract of travel/plan'

claim "an answer while a host is at work reaches it, and the host goes on at once"
knob '{"latency_ms": 60000}'
before=$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)
"$SEAM" run book-trip.yaml --input trip.json --id live --quiet 2>live.err &
host=$!
await arrived $((before + 1))
try 0 seam answer l2 plan --json - <<<'{"approve": true}'
says out "the host at work (process $host) takes it up"
taken() { seam show l2 --json | jq -e '.tasks[] | select(.path == "plan").status == "done"' >taken; }
await taken
kill -INT "$host"
wait "$host" || true
knob '{"latency_ms": 0}'

claim "an answer that waits in the inbox is taken by the next host, whatever that was started for"
try 0 seam resume --all
try 3 seam run book-trip.yaml --input "$STORY/odd/unclear.json" --id l3
try 0 seam answer l3 plan --json - <<<'{"approve": true}'
try 0 seam run book-trip.yaml --input trip.json --id other
says err 'a message for run l3 was there; it was taken up, and is done'
try 0 seam show l3 --json
holds '.status == "done"'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# People are told that they are asked: by a program, by a URL, again if nobody heard, and once.
. "$(dirname "$0")/stage.sh"
stage "$SINS/exits.so"
one_step act
sed -i 's/retry: .*/retry: {max_attempts: 1}\n    on_failure: escalate/' one.yaml

# told_by WAY: the manifest's `ops`.
told_by() { sed -i "s|^escalation:.*|escalation: {ops: $1}|" seam.yaml; }
# waits ID: a run that ends waiting for a person.
waits() { try 3 seam run one.yaml --set x=1 --id "$1"; }

cat >page <<'END'
#!/bin/sh
cat >>letters.jsonl
echo >>letters.jsonl
echo "$1" >>arguments
END
chmod +x page

claim "a program gets the question on its standard input, once, and the run knows"
told_by '{exec: [./page, urgent]}'
waits h1
[ "$(wc -l <letters.jsonl) $(cat arguments)" = "1 urgent" ] || die "the program ran $(wc -l <letters.jsonl) times"
jq -e '.run == "h1" and .flow == "one" and .step == "act" and .revision == 1 and .deadline_ms > 0
    and (.question.question | length > 0) and .answer == "seam answer h1 act --json FILE"' letters.jsonl >/dev/null ||
    die "the letter: $(cat letters.jsonl)"
try 0 seam show h1 --json
holds '.tasks[0].question.told == true'
try 0 seam explain h1 act
says out 'told act' 'who ops'
try 3 seam resume h1
[ "$(wc -l <letters.jsonl)" = 1 ] || die "told again"

claim "a program that fails is tried again; that nobody heard is said, and known"
told_by '{exec: [./busy]}'
cat >busy <<'END'
#!/bin/sh
echo once more >>tries
exit 3
END
chmod +x busy
waits h2
says err '`escalation.ops` could not be told that act waits for a person: the program exited with status 3'
[ "$(wc -l <tries)" = 3 ] || die "tried $(wc -l <tries) times"
try 0 seam show h2 --json
holds '.tasks[0].question.told == false'

claim "the next host tells of what nobody was told of"
told_by '{exec: [./page, later]}'
try 3 seam resume h2
[ "$(tail -n 1 arguments)" = later ] || die "not told"
try 0 seam show h2 --json
holds '.tasks[0].question.told == true'

claim "a program that is not there is named"
told_by '{exec: [./nobody]}'
waits h3
says err './nobody cannot be started: no such file or directory'

claim "a program that reads nothing is no worse"
told_by '{exec: ["true"]}'
waits h4
try 0 seam replay --all
says out '4 of 4 runs replayed the same'

claim "a script that names no interpreter is the shell's"
told_by '{exec: [./plain, plainly]}'
echo 'echo "$1" >>arguments' >plain
chmod +x plain
waits h5
[ "$(tail -n 1 arguments)" = plainly ] || die "not told"

claim "whoever started the host has its signals otherwise: the end of a program is heard"
told_by '{exec: [./page, anyhow]}'
for way in block ignore; do
    try 3 env "--$way-signal=CHLD" "$SEAM" run one.yaml --set x=1 --id "$way"
    lacks err 'could not be told'
    try 0 seam show "$way" --json
    holds '.tasks[0].question.told == true'
done

claim "a URL gets the same as a POST; what it answers counts"
raise_world
told_by "{http: \"http://127.0.0.1:$PORT/nobody\"}"
waits h7
says err 'could not be told' 'answered with status 404'
told_by "{http: \"http://127.0.0.1:$PORT/mails\"}"
waits h8
says err 'answered with status 4'
[ "$(curl -sS "http://127.0.0.1:$PORT/_stats" | jq .arrivals)" -ge 6 ] || die "nothing was posted"

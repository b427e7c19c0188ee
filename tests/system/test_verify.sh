#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam verify: a journal that is tampered with, with sqlite3, in every way there is; each is found, at
# its first record and by its name. What a chain without a key cannot show, hashes kept elsewhere do.
. "$(dirname "$0")/stage.sh"
stage "$SINS/echo.so"
one_step act

WORDS=$(head -c 20000 /dev/zero | tr '\0' w)
for run in a b c; do
    try 0 seam run one.yaml --set x=1 --set "words=$run$WORDS" --id "$run"
done
LAST=$(sqlite3 journal.db "SELECT last_seq FROM runs WHERE id = 'b'")
[ "$LAST" -ge 2 ] || die "the run has only $LAST records"
# More of them than one step makes: a run of many records, by the same host.
cat >many.yaml <<'END'
flow: many
version: 1.0.0
input: {schema: {type: object}}
budget: {attempts: 20, calls: 20, time: 1m}
steps: {each: {agent: p/act, for_each: "${ [1, 2, 3, 4, 5, 6] }", input: "${ .input }"}}
END
try 0 seam run many.yaml --set x=1 --set "words=many$WORDS" --id many
[ "$(sqlite3 journal.db "SELECT last_seq FROM runs WHERE id = 'many'")" -ge 6 ] || die "too few records"
try 0 seam verify --heads
grep -E '^(a|b|c|many) [0-9]+ [0-9a-f]{64}$' out >heads.txt
[ "$(wc -l <heads.txt)" = 4 ] || die "four heads were expected"
sqlite3 journal.db 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
cp journal.db whole.db

claim "what is whole is said to be, of one run and of all, to people and to programs"
try 0 seam verify
says out '4 of 4 runs are as they were written'
try 0 seam verify --all
try 0 seam verify many
says out '1 of 1 runs are as they were written'
try 0 seam verify --json
holds 'if .run then .whole and (.head | length) == 64 and .records > 0 else false end'
try 0 seam verify --against heads.txt
try 0 seam verify many --against - <heads.txt

# tampered SQL… -- RUN KIND RECORD WORDS…: that is found, in that run alone.
tampered() {
    local sql=$1 run=$3 kind=$4 record=$5
    cp whole.db tampered.db
    sqlite3 tampered.db "$sql"
    try 1 seam verify --store "sqlite:$PWD/tampered.db"
    says out "$run: $kind at record $record" '3 of 4 runs are as they were written' "${@:6}"
    try 1 seam verify "$run" --json --store "sqlite:$PWD/tampered.db"
    holds ".run == \"$run\" and (.whole | not) and .flaw.kind == \"$kind\" and .flaw.record == $record"
    try 0 seam verify a --store "sqlite:$PWD/tampered.db"
}

claim "a changed record is found, whichever part of it was changed"
where="WHERE run = 'many' AND seq = 3"
tampered "UPDATE events SET body = replace(body, 'kind', 'kine') $where" -- many changed 3
tampered "UPDATE events SET body = body || ' ' $where" -- many changed 3
tampered "UPDATE events SET at_ms = at_ms + 1 $where" -- many changed 3
tampered "UPDATE events SET kind = 'spent' $where" -- many changed 3
tampered "UPDATE events SET hash = zeroblob(32) $where" -- many changed 3
tampered "UPDATE events SET prev_hash = zeroblob(32) $where" -- many changed 3
tampered "UPDATE events SET hash = x'00' $where" -- many changed 3 'no hashes'
tampered "UPDATE events SET body = '{}' WHERE run = 'many' AND seq = 1" -- many changed 1

claim "a missing record is found"
tampered "DELETE FROM events $where" -- many missing 3
tampered "DELETE FROM events WHERE run = 'many' AND seq = 1" -- many missing 1

claim "records in another order are found"
tampered "UPDATE events SET seq = 1000 $where;
          UPDATE events SET seq = 3 WHERE run = 'many' AND seq = 4;
          UPDATE events SET seq = 4 WHERE run = 'many' AND seq = 1000" -- many reordered 3 'what was record 4'
tampered "DELETE FROM events $where;
          UPDATE events SET seq = seq - 1 WHERE run = 'many' AND seq > 3;
          UPDATE runs SET last_seq = last_seq - 1 WHERE id = 'many'" -- many reordered 3 'what was record 4'

claim "a record put in between is found"
tampered "UPDATE events SET seq = -seq - 1 WHERE run = 'many' AND seq >= 3;
          UPDATE events SET seq = -seq WHERE seq < 0;
          INSERT INTO events SELECT run, 3, at_ms, kind, body, prev_hash, hash FROM events
          WHERE run = 'many' AND seq = 2;
          UPDATE runs SET last_seq = last_seq + 1 WHERE id = 'many'" -- many reordered 3

claim "a tail that was cut is found, and so is a head that was changed"
tampered "DELETE FROM events WHERE run = 'many' AND seq > 4" -- many cut 5
tampered "UPDATE runs SET last_hash = zeroblob(32) WHERE id = 'many'" -- many head \
    "$(sqlite3 whole.db "SELECT last_seq FROM runs WHERE id = 'many'")"
tampered "UPDATE runs SET last_seq = 4 WHERE id = 'many'" -- many head \
    "$(sqlite3 whole.db "SELECT last_seq FROM runs WHERE id = 'many'")"

claim "a large value that was changed or taken away is found, in the record that refers to it"
tampered "UPDATE texts SET body = replace(body, 'many', 'much') WHERE instr(body, 'manyw')" -- many text 1 'not what was kept'
tampered "DELETE FROM texts WHERE instr(body, 'manyw')" -- many text 1 'not kept'

claim "the flow and the cards that a run began with are looked at, too"
cp whole.db tampered.db
sqlite3 tampered.db "UPDATE texts SET body = replace(body, 'attempts', 'attempt5') WHERE instr(body, 'for_each')"
try 1 seam verify --store "sqlite:$PWD/tampered.db"
says out 'many: text at record 1'
cp whole.db tampered.db
sqlite3 tampered.db "DELETE FROM texts WHERE instr(body, '\"card\"')"
try 1 seam verify --store "sqlite:$PWD/tampered.db"
says out '0 of 4 runs'

claim "a run that was taken out of the list is found by its records"
cp whole.db tampered.db
sqlite3 tampered.db "DELETE FROM runs WHERE id = 'b'"
try 1 seam verify --store "sqlite:$PWD/tampered.db"
says out 'b: orphan at record 1' '3 of 4 runs'

claim "what a chain alone cannot show, hashes that were kept elsewhere do"
cut="DELETE FROM events WHERE run = 'many' AND seq > 4;
     UPDATE runs SET last_seq = 4, last_hash = (SELECT hash FROM events WHERE run = 'many' AND seq = 4)
     WHERE id = 'many'"
cp whole.db tampered.db
sqlite3 tampered.db "$cut"
try 1 seam verify --store "sqlite:$PWD/tampered.db"
says out 'many: head at record 4' 'its records say that it is not over'
sqlite3 tampered.db "UPDATE runs SET status = 'running' WHERE id = 'many'"
try 0 seam verify --store "sqlite:$PWD/tampered.db"
try 1 seam verify --store "sqlite:$PWD/tampered.db" --against heads.txt
says out 'many: cut at record 5'
cp whole.db tampered.db
sqlite3 tampered.db "DELETE FROM events WHERE run = 'b'; DELETE FROM runs WHERE id = 'b'"
try 0 seam verify --store "sqlite:$PWD/tampered.db"
try 1 seam verify --store "sqlite:$PWD/tampered.db" --against heads.txt
says out 'b: cut at record 1' 'there is no such run'
try 1 seam verify b --store "sqlite:$PWD/tampered.db" --against heads.txt
sed 's/^\(many [0-9]* \)..../\10000/' heads.txt >other.txt
try 1 seam verify --against other.txt
says out 'many: anchor at record' 'another hash'

claim "the list of runs is held to the records: what it calls over would not be resumed"
cp whole.db tampered.db
sqlite3 tampered.db "UPDATE runs SET status = 'failed' WHERE id = 'many'"
try 1 seam verify --store "sqlite:$PWD/tampered.db"
says out 'many: head at record' 'the list of runs says that it is failed' 'say that it is done'
sqlite3 tampered.db "UPDATE runs SET status = 'running' WHERE id = 'many'"
try 1 seam verify many --store "sqlite:$PWD/tampered.db"
says out 'many: head at record'

claim "a run that went on since still fits what was kept of it"
sed 's/^many [0-9]* .*//' heads.txt >early.txt
echo "many 2 $(sqlite3 whole.db "SELECT lower(hex(hash)) FROM events WHERE run = 'many' AND seq = 2")" >>early.txt
cat heads.txt >>early.txt
try 0 seam verify --against early.txt

claim "what is asked wrongly is a usage error that says what was expected"
try 2 seam verify a --all
try 2 seam verify nobody
says err 'seam runs'
try 2 seam verify --against nothing.txt
says err nothing.txt
for line in 'many' 'many 2' 'many two 00' "many 0 $(printf '0%.0s' {1..64})" "many 2 $(printf 'g%.0s' {1..64})" \
    "$(head -n 1 heads.txt) more" "$(head -c 9000 /dev/zero | tr '\0' x)"; do
    printf '\n%s\n' "$line" >wrong.txt
    try 2 seam verify --against wrong.txt
    says err 'wrong.txt:2: expected a run, a number and a hash'
done

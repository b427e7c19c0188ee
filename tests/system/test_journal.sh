#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Journals in trouble: full disks, newer versions, two hosts, copies, damage. Each has its error and
# its cure, and what was done before is there afterwards.
. "$(dirname "$0")/stage.sh"
stage "$SINS/echo.so"
one_step act
SKIPPED=0

kept() {
    try 0 seam runs --json
    holds 'map(select(.run == "a")) | .[0].status == "done"'
    try 0 seam replay a
}

try 0 seam run one.yaml --set x=1 --id a
version=$(sqlite3 journal.db 'PRAGMA user_version')

claim "a journal of a newer version is left alone by every command"
sqlite3 journal.db "PRAGMA user_version=$((version + 1))"
sum=$(sha256sum <journal.db)
for command in "run one.yaml --set x=2" runs "show a" "explain a" "cancel a" "answer a act --deny" \
    "resume a" "resume --all" "replay a" verify; do
    # shellcheck disable=SC2086
    try 2 seam $command
    says err "journal.db: expected a journal of schema $version or before, found schema $((version + 1))" \
        'nothing in it was changed'
done
[ "$(sha256sum <journal.db)" = "$sum" ] || die "it was changed"
sqlite3 journal.db "PRAGMA user_version=$version"
kept

claim "a second host on the same journal is refused, and told who has it"
stage "$SINS/waits_for_cancel.so"
sed 's/_close: [15]s/_close: 100s/g' one.yaml >long.yaml
"$SEAM" run long.yaml --set x=1 --id long >long.out 2>long.err &
host=$!
running() { seam show long --json 2>/dev/null | jq -e '.tasks[0].status == "running"' >/dev/null; }
await running
for command in "run one.yaml --set x=2" "resume --all"; do
    # shellcheck disable=SC2086
    try 2 seam $command
    says err "$host" 'journal.db'
done
try 0 seam runs
try 0 seam explain long
kill -INT "$host"
wait "$host" || true
stage "$SINS/echo.so"
kept

claim "what is no database"
echo "a text" >text.db
try 2 seam runs --store text.db
says err 'text.db' 'file is not a database'
try 2 seam run one.yaml --store text.db
says err 'text.db' 'file is not a database'
[ "$(cat text.db)" = "a text" ] || die "it was written to"

claim "no journal yet"
try 2 seam runs --store none.db
says err 'none.db: there is no journal here'
[ ! -e none.db ] || die "looking made one"

claim "a copy of a journal is not the journal; --restored makes it one of its own"
mkdir backup
sqlite3 journal.db "VACUUM INTO 'backup/journal.db'"
try 2 seam run one.yaml --set x=1 --store backup/journal.db
says err 'this journal is a copy' '--restored'
# one of its runs had been killed in a read of a plugin whose place another has taken since
try 3 seam resume --all --restored --store backup/journal.db --manifest seam.yaml
says err 'run long waits for a person'
try 0 seam run one.yaml --set x=1 --store backup/journal.db

claim "a record that was changed is found, by its run and number"
cp journal.db damaged.db
sqlite3 journal.db "UPDATE events SET body = replace(body, 'act', 'cat') WHERE run = 'a' AND seq = 2"
for command in "show a" "explain a" "resume a"; do
    # shellcheck disable=SC2086
    try 2 seam $command
    says err 'the chain of run a is broken at record 2'
done
try 1 seam replay a
says out 'the chain of run a is broken at record 2'
mv damaged.db journal.db
kept

claim "a disk that is full: what cannot be kept is not begun, and what was kept stays"
mkdir small
head -c 6000000 /dev/zero | tr '\0' x | jq -Rs '{x: .}' >six.json
cat >full.sh <<'END'
set -e
mount -t tmpfs -o size=5m tmpfs small 2>/dev/null || exit 77
store='--store sqlite:small/journal.db'
"$SEAM" run one.yaml --set x=1 --id a $store
head -c 10000000 /dev/zero >small/rest 2>/dev/null || true
code=0
timeout 60 "$SEAM" run one.yaml --input six.json --id b $store 2>full.err || code=$?
[ $code = 1 ] || { echo "the run ended with $code" >&2; exit 1; }
"$SEAM" runs --json $store | jq -e 'map(.run) == ["a"]' >/dev/null
rm small/rest
timeout 60 "$SEAM" resume --all $store
"$SEAM" run one.yaml --set x=2 --id c $store
"$SEAM" runs --json $store | jq -e 'map(.run) == ["c", "a"]' >/dev/null
"$SEAM" replay --all $store
END
code=0
SEAM=$SEAM unshare -rm bash full.sh >out 2>err || code=$?
if [ "$code" = 77 ] || grep -q '^unshare: ' err; then
    echo "SKIPPED: this machine permits no mount of one's own, so no disk can be filled"
    SKIPPED=1
else
    [ "$code" = 0 ] || die "it ended with $code"
    says full.err 'full' 'free some space' 'nothing is lost' 'seam resume --all'
fi
kept
[ "$SKIPPED" = 0 ] || exit 77

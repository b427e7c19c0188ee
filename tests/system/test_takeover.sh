#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# After a failed sync the next host copies the journal and goes on with the copy. Whatever strikes it
# on the way (it is killed, the power fails, the disk fails again, at every one of its writes, syncs
# and changes of names) the host after that opens the journal without help, with all that was
# acknowledged in it. What somebody else copied is refused all the same.
. "$(dirname "$0")/stage.sh"
if sanitized; then
    echo "SKIPPED: a sanitizer wants to be the first library, and so does the failing disk"
    exit 77
fi
DISK=$BUILD/tests/fault/disk.so
export FAULT_FILES=$STATE/journal.db
stage "$SINS/echo.so"
one_step act

# in_doubt: a journal of one run that was done; then a sync of it failed.
in_doubt() {
    local code=0
    rm -f journal.db*
    try 0 seam run one.yaml --set x=1 --id before
    LD_PRELOAD=$DISK FAULT_FAIL="sync EIO 3 on" seam run one.yaml --set x=1 --id struck >out 2>err || code=$?
    [ "$code $(ls journal.db.suspect)" = "1 journal.db.suspect" ] || die "no sync failed: $code"
}

# goes_on: with nobody's help, and what was done is there.
goes_on() {
    try 0 seam resume --all
    try 0 seam show before --json
    holds '.status == "done"'
    try 0 seam verify --all
    try 0 seam run one.yaml --set x=2 --id after
    for left in .copy .copying .suspect; do
        [ ! -e "journal.db$left" ] || die "journal.db$left was left behind"
    done
}

# next_host: the one that copies; what it ended with in CODE.
next_host() {
    CODE=0
    LD_PRELOAD=$DISK "$SEAM" run one.yaml --set x=1 --id next >out 2>err || CODE=$?
}

# cut_at N KEEP: the power fails at the Nth of its operations. False: it made fewer.
cut_at() {
    in_doubt
    rm -f log
    FAULT_LOG=$STATE/log FAULT_CUT=$1 next_host 2>killed
    [ "$CODE" = 137 ] || return 1
    "$BUILD/bin/powercut" log --keep "$2" --seed "$1"
    goes_on
}

# cuts KEEP FIRST: at every sixth from there, and at each of those about the renames.
cuts() {
    local at=$2
    claim "the power fails, or the host is killed, at any step of the copy; the disk kept $1 of what was not synced"
    while cut_at $at "$1"; do
        [ "$at" -ge 76 ] && [ "$at" -lt 91 ] && at=$((at + 1)) || at=$((at + 6))
    done
    [ "$at" -gt 90 ] || die "it ended before step $at: was there a copy?"
}
cuts none 1
cuts some 3
cuts all 5

# struck_at FAULT N SPAN: the disk fails while the journal is copied. False: it did not meet that.
struck_at() {
    in_doubt
    FAULT_FAIL="$1 $2 $3" next_host
    case $CODE in
        0) ;;
        1 | 2) says err "$STATE" 'journal' ;;
        *) die "on a disk where $1 $2 fails ($3) it ended with $CODE" ;;
    esac
    goes_on
    [ "$CODE" != 0 ]
}
for kind in "write EIO" "write ENOSPC" "sync EIO" "name EIO"; do
    claim "the disk fails again while the journal is copied: $kind"
    step=7
    [ "${kind% *}" = write ] || step=2
    met=0
    for ((at = 1; at < 60; at += step)); do
        ! struck_at "$kind" $at on || met=$((met + 1))
        [ "$CODE" != 0 ] || break
    done
    [ "$met" -gt 3 ] || die "it was met $met times"
done

claim "one blow after the other: killed in the middle, on a failing disk, without power"
in_doubt
for at in 79 3 81 82 84 20; do
    rm -f log
    FAULT_CUT=$at next_host 2>killed
    FAULT_FAIL="sync EIO $((at % 7)) on" next_host
    FAULT_LOG=$STATE/log FAULT_CUT=$((at + 2)) next_host 2>killed
    [ "$CODE" != 137 ] || "$BUILD/bin/powercut" log --keep some --seed $at
done
goes_on

claim "a copy that is left from a take-over long ago is not mistaken for a new one"
in_doubt
goes_on
cp journal.db journal.db.copy
try 0 seam run one.yaml --set x=3 --id later
touch journal.db.suspect
goes_on
try 0 seam show later

claim "what somebody else copied is refused, also when it has to be copied by the host first"
cp journal.db elsewhere.db
for mark in '' elsewhere.db.suspect; do
    [ -z "$mark" ] || touch "$mark"
    try 2 seam run one.yaml --set x=1 --store elsewhere.db
    says err 'this journal is a copy' '--restored'
done
try 0 seam resume --all --store elsewhere.db --restored
try 0 seam runs --store elsewhere.db --json
holds 'map(.run) | index("later") != null'
goes_on

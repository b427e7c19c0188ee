#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Live progress: on a terminal and nowhere else, in colours unless NO_COLOR forbids them.
. "$(dirname "$0")/stage.sh"
story
escape=$(printf '\033')

# on_terminal COMMAND: its exit code is the command's, out is what the terminal was sent.
on_terminal() { script -qec "stty rows ${ROWS:-24} cols ${COLS:-80}; $1" /dev/null </dev/null; }

claim "on a terminal there is a line a step, with attempts, and what was spent"
try 0 on_terminal "$SEAM run book-trip.yaml --input trip.json --id t1"
says out "${escape}[32mdone" 'plan   ' '2 of 2 items' '1 attempt' 'spent attempts 6/60' 'run t1 is done'

claim "JSON on a terminal is indented, and is the same JSON"
try 0 on_terminal "$SEAM show t1 --json"
[ "$(wc -l <out)" -gt 20 ] || die "it is not indented"
tr -d '\r' <out >terminal.json
try 0 seam show t1 --json
[ "$(jq -cS . terminal.json)" = "$(jq -cS . out)" ] || die "it is another value"

claim "a picture is drawn over itself, and a narrow terminal does not break it"
COLS=30 try 0 on_terminal "$SEAM run book-trip.yaml --input trip.json --id t2"
says out "${escape}[7F${escape}[J" "${escape}[?7l" "${escape}[?7h"

claim "a picture higher than the terminal is cut"
ROWS=8 try 0 on_terminal "$SEAM run book-trip.yaml --input trip.json --id t3"
says out "${escape}[6F" 'book  '
lacks out 'notify   '

claim "of many runs there is one line of counts"
head -n 8 "$STORY/trips.jsonl" >eight.jsonl
try 0 on_terminal "$SEAM run book-trip.yaml --each eight.jsonl --id many"
says out '8 runs, 8 settled' '8 runs: 8 done'

claim "NO_COLOR takes the colours and leaves the progress"
try 0 on_terminal "NO_COLOR=1 $SEAM run book-trip.yaml --input trip.json --id t4"
says out 'spent attempts 6/60'
! grep -q "$escape\[[0-9]*m" out || die "there is a colour"

claim "a terminal that cannot move its cursor gets no picture"
try 0 on_terminal "TERM=dumb $SEAM run book-trip.yaml --input trip.json --id t5"
lacks out 'spent attempts' "${escape}[J"

claim "neither --quiet nor --json draws"
try 0 on_terminal "$SEAM run book-trip.yaml --input trip.json --id t6 --quiet"
lacks out 'spent attempts' "${escape}[J"
try 0 on_terminal "$SEAM run book-trip.yaml --input trip.json --id t7 --json"
lacks out 'spent attempts' "${escape}["

claim "into a pipe goes no escape, from any command"
for command in --help "run book-trip.yaml --input trip.json --id t8" "check book-trip.yaml" \
    plugins runs "show t8" "explain t8" "replay t8"; do
    # shellcheck disable=SC2086
    try 0 seam $command
    lacks out "$escape"
    lacks err "$escape" 'spent attempts'
done

claim "what a person wrote or a plugin said cannot steer the terminal"
sed "s|Lisbon to|Lis\\\\u001b[2Jbon to|" "$STORY/odd/undated.json" >steer.json
try 1 on_terminal "$SEAM run book-trip.yaml --input steer.json --id s1"
lacks out "${escape}[2J"
try 0 on_terminal "$SEAM show s1; $SEAM explain s1"
lacks out "${escape}[2J"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check.sh PROGRAM: Seam's side of the benchmark of contracts, on the tiny set beside this script.
# Sees that it loads, judges, measures something above zero and refuses what it must; no speed.
set -eu
program=$1
cd "$(dirname "$0")/tiny"
answers=$(printf 'load\tschema.json\tdocuments.jsonl\nverdicts\nalone\t3\nturns\t3\nparse\t3\nload\trefused.json\tdocuments.jsonl\nload\tschema.json\tnowhere.jsonl\n' |
    "$program")

line() { printf '%s\n' "$answers" | sed -n "$1p"; }
expect() { # LINE PATTERN
    line "$1" | grep -Eqx "$2" || { echo "line $1 is not $2: $(line "$1")"; exit 1; }
}
expect 1 'loaded 4'
expect 2 'VVIV'
expect 3 '([0-9]+\.[0-9] ){3}[0-9]+\.[0-9]'
expect 4 '[1-9][0-9]*\.[0-9]'
expect 5 '[1-9][0-9]*\.[0-9]'
expect 6 'refused .*typ.*'
expect 7 'refused .*nowhere\.jsonl.*'
[ "$(printf '%s\n' "$answers" | wc -l)" = 7 ]
if printf 'dance\n' | "$program" 2>/dev/null; then
    echo "a word it does not know was no failure"
    exit 1
fi
echo ok

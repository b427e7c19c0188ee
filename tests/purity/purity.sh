#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# purity.sh ARCHIVE LIST: an archive of a pure room calls nothing from outside that the list does not
# name, and keeps no variable of its own: no clock, no chance, no file, no thread, no state between
# calls. LIST has one shell pattern a line; # begins a comment.
set -eu
archive=$1 list=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -u "$archive" | sed -n 's/^ *U //p' | sort -u > "$work/needed"
nm --defined-only "$archive" | awk 'NF == 3 { print $3 }' | sort -u > "$work/own"
comm -23 "$work/needed" "$work/own" > "$work/outside"
[ -s "$work/outside" ] || { echo "$archive needs nothing: is it the right archive?"; exit 1; }

bad=0
while read -r name; do
    allowed=no
    while read -r pattern; do
        case $pattern in '' | '#'*) continue ;; esac
        # shellcheck disable=SC2254
        case $name in $pattern) allowed=yes; break ;; esac
    done < "$list"
    if [ $allowed = no ]; then
        echo "$archive calls $name, which $list does not allow"
        bad=1
    fi
done < "$work/outside"

# b, B, C: variables that are zero at first; D: variables that other rooms could write.
nm --defined-only "$archive" | awk 'NF == 3 && $2 ~ /^[bBCD]$/ { print $3 }' |
    grep -v -e '^__asan' -e '^__ubsan' -e '^__gcov' -e '^__llvm' > "$work/variables" || true
while read -r name; do
    echo "$archive keeps the variable $name"
    bad=1
done < "$work/variables"
exit $bad

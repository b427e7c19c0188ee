#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# symbols.sh FOLDER: what the archives of the rooms (FOLDER/libroom-*.a) say of themselves. No symbol
# is defined in two rooms: whoever links both would get one of them, by chance. And the orchestrator
# is pure: beside its own rooms it calls nothing of the system but arithmetic, memory and text, so no
# clock, no chance, no file and no environment can get into a decision.
set -eu
export LC_ALL=C
folder=$1
set -- "$folder"/libroom-*.a
[ -f "$1" ] || { echo "tidy: no rooms in $folder"; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# SYMBOL ROOM, a line each
for archive in "$@"; do
    room=${archive##*/libroom-}
    nm -g --defined-only "$archive" 2>/dev/null |
        awk -v room="${room%.a}" 'NF == 3 && $2 ~ /^[TDBRVWC]$/ && $3 !~ /^__/ { print $3, room }'
done | sort -u >"$scratch/defined"
awk '$1 == last { print "tidy: " $1 " is defined in " room " and in " $2 "; rename one"; bad = 1 }
     { last = $1; room = $2 }
     END { exit bad }' "$scratch/defined" || failed=1

awk '$2 ~ /^(base|contract|mapping|flow|orchestrator)$/ { print $1 }' "$scratch/defined" | sort -u \
    >"$scratch/own"
nm -u "$folder/libroom-orchestrator.a" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u |
    comm -23 - "$scratch/own" >"$scratch/foreign"
awk '/^(json_(dump|load)|memfd|strtok|strerror)/ || !/^(json_|mem|str|__|_GLOBAL|free$|malloc$|calloc$|realloc$|pow$|abs$|labs$|floor$|ceil$|fmod$|snprintf$|qsort$|bsearch$)/ {
         print "tidy: the orchestrator is pure, and calls " $1; bad = 1
     }
     END { exit bad }' "$scratch/foreign" || failed=1
exit $failed

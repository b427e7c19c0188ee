#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each house rule is shown a breach, and must find it where it is; and a tree that keeps them all, and
# must find nothing. test_rules.sh RULES_FOLDER COMPILER
set -eu
rules=$1 compiler=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

head='/* SPDX-License-Identifier: Apache-2.0
 *
 * A room.
 */'

fresh() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/host/base" "$scratch/tree/host/low" "$scratch/tree/host/high"
    cat >"$scratch/tree/host/CMakeLists.txt" <<'END'
room(base)
room(low  USES base)
room(high USES base low
     LINKS m)
END
    put host/low/low.h 'int low(void);'
    put host/low/low.c '#include "low/low_internal.h"'
    put host/low/low_internal.h '#include "base/text.h"'
    put host/high/high.c '#include "low/low.h"'
}

# put FILE TEXT: a file with a good head.
put() { printf '%s\n%s\n' "$head" "$2" >"$scratch/tree/$1"; }

# finds WHAT WORDS: rules.sh must fail and say these words; with no words, it must find nothing.
finds() {
    code=0
    said=$("$rules/rules.sh" "$scratch/tree" 2>&1) || code=$?
    if [ -z "$2" ] && [ "$code$said" = 0 ]; then return; fi
    case "$code$said" in
        1*"$2"*) [ -z "$2" ] || return 0 ;;
    esac
    echo "$1: expected [$2], found $code: $said"
    failed=1
}

fresh
finds "a good tree" ""
put host/low/low.c '#include "high/high.h"'
finds "an arrow upwards" "host/low/low.c:5: low may not use high"
fresh
put host/high/high.c '#include "low/low_internal.h"'
finds "another room's private header" "host/high/high.c:5: low/low_internal.h is private to low"
fresh
put host/high/high.c '#include "low/other.h"'
finds "a second public header" "host/high/high.c:5: low/other.h is not the public header of low"
fresh
echo 'int bare;' >"$scratch/tree/host/low/bare.c"
finds "no licence" "host/low/bare.c:1: the first line is SPDX"
fresh
printf '/* SPDX-License-Identifier: Apache-2.0 */\n\nint silent;\n' >"$scratch/tree/host/low/silent.c"
finds "no head" "host/low/silent.c:3: the head says"
fresh
put host/low/long.c "$(yes 'int x;' | head -n 600)"
finds "a long file" "host/low/long.c:601: longer than 600 lines"
fresh
put host/low/tab.c "$(printf 'int\tx;')"
finds "a tab" "host/low/tab.c:5: a tab"
fresh
put host/low/call.c 'void f(char *t) { strcpy(t, "strcat("); }'
finds "a banned call" "host/low/call.c:5: strcpy() is not used here"
fresh
put host/low/call.c '// sprintf() is named, and my_system(1), and "gets("
void f(void) { my_system(1); puts("gets("); }'
finds "names that are no calls" ""
rm -rf "$scratch/tree/host"
"$rules/rules.sh" "$scratch/tree" rooms >/dev/null 2>&1 && echo "an empty tree passed" && failed=1

# symbols_find WHAT WORDS FIRST SECOND: two rooms with this code.
symbols_find() {
    rm -rf "$scratch/lib"
    mkdir -p "$scratch/lib"
    printf '%s\n' "$3" >"$scratch/lib/a.c"
    printf '%s\n' "$4" >"$scratch/lib/b.c"
    "$compiler" -w -c -o "$scratch/lib/a.o" "$scratch/lib/a.c"
    "$compiler" -w -c -o "$scratch/lib/b.o" "$scratch/lib/b.c"
    ar rcs "$scratch/lib/libroom-orchestrator.a" "$scratch/lib/a.o" 2>/dev/null
    ar rcs "$scratch/lib/libroom-base.a" "$scratch/lib/b.o" 2>/dev/null
    code=0
    said=$("$rules/symbols.sh" "$scratch/lib" 2>&1) || code=$?
    if [ -z "$2" ] && [ "$code$said" = 0 ]; then return; fi
    case "$code$said" in
        1*"$2"*) [ -z "$2" ] || return 0 ;;
    esac
    echo "$1: expected [$2], found $code: $said"
    failed=1
}

symbols_find "good rooms" "" 'int b(void); static int s; int a(void) { return b() + s; }' \
    'static int s; int b(void) { return s; }'
symbols_find "one name in two rooms" "both is defined in base and in orchestrator" \
    'int both(void) { return 1; }' 'int both(void) { return 2; }'
symbols_find "a clock in the core" "the orchestrator is pure, and calls time" \
    'long time(long *); long a(void) { return time(0); }' 'int b;'
symbols_find "a loader of files in the core" "the orchestrator is pure, and calls json_load_file" \
    'void *json_load_file(void); void *a(void) { return json_load_file(); }' 'int b;'

exit $failed

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# seam dev: a plugin that is built again and again, and what its author is told. The script of one
# session comes over a pipe; what it prints is waited for.
. "$(dirname "$0")/stage.sh"

# session ARGUMENTS…: seam dev, that hears what `say` says; its output in out.
session() {
    rm -f typed out
    mkfifo typed
    : >out
    "$SEAM" dev "$@" <typed >out 2>err &
    DEV=$!
    exec 7>typed
}
say() { printf '%s\n' "$1" >&7; }
told() { await grep -qF -- "$1" out; }
# over CODE: the script ends, and so does the session, with that code.
over() {
    local code=0
    exec 7>&-
    wait "$DEV" || code=$?
    [ "$code" = "$1" ] || die "it ended with $code, not $1"
}
build() { cp "$SINS/$1.so" new.so && mv new.so p.so; }

claim "agents are called, and what they give is shown; nothing is left behind"
cp "$SINS/echo.so" p.so
before=$(find "$STATE" | sort)
printf 'agents\ncall act {"a": 1}\nlast\n' >script
try 0 seam dev p.so <script
says out 'org.seam.test 1.0.0' 'checks hold' 'generation 1 is up' '#1 p/act {"a":1}' '#1 ok, ' \
    '{"a":1}' '#2 ok'
[ "$(find "$STATE" | grep -v -e /script -e /out -e /err | sort)" = "$before" ] || die "files are left"

claim "of what is typed wrong it is said what is right"
printf 'cal act\ncall atc\ncall act {"a"\nrun\n\n# a remark\n' >script
try 1 seam dev p.so <script
says out 'did you mean `call`' 'did you mean `act`' 'the input is not JSON' '--flow FILE'
try 2 seam dev nothing.so
says err 'build the plugin first'

claim "with --json each event is a line, and all of them are JSON"
printf 'call act 1\nagents act\n' >script
try 0 seam dev p.so --json <script
jq -es 'map(.event) | contains(["card", "verified", "up", "call", "end", "result", "agent"])' out \
    >/dev/null || die "events are missing"

claim "a build is loaded as the next generation, and the last call is made again"
session p.so
say 'call act {"a": 1}'
told '#1 ok'
build answers_much
say wait
told 'generation 2 is up'
told '#2 p/act {"a":1}'

claim "what differs in the card is told, and what that breaks"
build writes
told 'breaking for flows'
told 'REFUTED'
told 'may change the world'
say wait

claim "half a library is waited for, and one that is refused changes nothing"
head -c 9000 "$SINS/echo.so" >p.so
told 'not whole yet'
cat "$SINS/echo.so" >p.so
say wait
told 'generation 4 is up'
echo 'no library' >new.so && mv new.so p.so
say wait
told 'is not a shared object'
say 'call act 7'
told '{"a":1}'
await grep -qE '#[0-9]+ ok, .*: 7$' out

claim "a build with the same bytes is no other"
build echo
say wait
told 'the same, byte for byte'

claim "a crash is told with its signal and the last lines, and the session lives on"
build crashes
say wait
say 'call act 1'
told 'its worker ended'
sanitized || told 'SIGSEGV' # a sanitizer ends it its own way, and says more
build echo
say wait
say 'call act "after"'
await grep -qE '#[0-9]+ ok, .*: "after"$' out
over 1

claim "a manifest that names the library gives it its alias and grants; a flow is run, and run again"
cp "$SINS/asks.so" p.so
stage "$STATE/p.so"
one_step act
echo 'run {"a": 1}' >script
try 1 seam dev p.so --flow one.yaml <script
says out '#1 act p/act {"a":1}' 'asks test.ask/1 {"a":1}' 'refused test.ask/1' 'has no service' \
    '#1 failed: '
[ ! -e journal.db ] || die "a journal is left"
try 2 seam dev "$SINS/echo.so" --manifest seam.yaml
says err 'names no plugin whose path is'

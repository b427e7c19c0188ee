#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What `seam new` makes builds without a warning, passes its own tests and is good to the conformance
# kit, as it stands, in every language that this machine has.
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} # for the stage has a HOME of its own
. "$(dirname "$0")/stage.sh"
unset MAKEFLAGS CFLAGS CXXFLAGS LDFLAGS RUSTFLAGS
strict='-O1 -Wall -Wextra -pedantic -Werror'

# A sanitized host loads no plugin in its own process that is not; what is made is the author's own.
if sanitized; then
    echo "skipped: of a host without sanitizers alone"
    exit 77
fi

# good_tree LANGUAGE COMPILER
good_tree() {
    if ! "$2" --version >/dev/null 2>&1; then
        echo "  skipped: there is no $2"
        return 0
    fi
    try 0 seam new plugin "a-$1" --lang "$1"
    says out "a-$1/ is made" "make test SEAM=$SEAM"
    try 0 make -C "a-$1" SEAM="$SEAM" CFLAGS="$strict" CXXFLAGS="$strict" RUSTFLAGS="-O -D warnings"
    [ "$(nm -D --defined-only "a-$1/a-$1.so" | sed 's/.* //')" = seam_plugin_v1 ] ||
        die "it exports more than one symbol"
    try 0 make -s -C "a-$1" SEAM="$SEAM" test
    says out 'worker: greeted' 'in-process: greeted' '2 passed, 0 failed'
    if [ "$1" = c ]; then
        try 0 make -s -C "a-$1" SEAM="$SEAM" verify
    else # once under valgrind is enough
        try 0 seam plugins verify --level 1,2,3 "a-$1/a-$1.so"
    fi
    says out "org.example.a-$1 0.1.0" ' 0 failed'
    ! grep -rIl '@[A-Z][A-Z]*@' "a-$1" || die "there is a placeholder left"
    (cd "a-$1" && try 0 seam run flow.yaml --set name=Ada && holds '.greeting == "Hello, Ada!"')
    # shellcheck disable=SC2016 # as its README has it
    sed -n 's/^`\(call greet .*}\)` .*/\1/p' "a-$1/README.md" >typed
    [ -s typed ] || die "its README does not say what to type"
    (cd "a-$1" && try 0 seam dev "a-$1.so" --flow flow.yaml <../typed && says out 'Hello, Ada!')
    # an edited contract is in the next build
    sed -i 's/"maxLength": 200/"maxLength": 3/' "a-$1/schemas/greet.input.json"
    try 0 make -s -C "a-$1" SEAM="$SEAM"
    try 0 seam plugins inspect "a-$1/a-$1.so"
    holds '.agents[0].input.properties.name.maxLength == 3'
}

claim "a plugin in C builds, passes its tests and the kit"
good_tree c cc
claim "a plugin in C++ does"
good_tree cpp c++
claim "a plugin in Rust does, without a crate"
good_tree rust rustc

claim "a flow holds, passes its fixtures and runs"
try 0 seam new flow greeting
(
    cd greeting
    try 0 seam check flow.yaml
    try 0 seam test flow.yaml
    says out '3 passed, 0 failed'
    try 0 seam run flow.yaml --input input.json
    holds '.greeting == "Hello, Ada!"'
    sed -i 's|path: .*|path: nowhere.so}|' seam.yaml
    try 0 seam test flow.yaml
)

claim "an agent of a kind is declared, holds and runs"
try 0 seam new agent asked --kind human
try 0 seam check asked/flow.yaml --manifest asked/seam.yaml
try 3 seam run asked/flow.yaml --manifest asked/seam.yaml --input asked/input.json
says err 'Shall the migration be done?'
try 0 seam new agent words --kind exec
[ ! -x /usr/bin/python3 ] || {
    try 0 seam run words/flow.yaml --manifest words/seam.yaml --input words/input.json
    holds '.words == 3'
}
for kind in llm http; do
    try 0 seam new agent "my-$kind" --kind $kind
    try 0 seam check "my-$kind/flow.yaml" --manifest "my-$kind/seam.yaml"
    says out 'bounded yes'
done
try 0 seam new agent my-mcp --kind mcp
[ ! -x /usr/bin/node ] || { # its server comes from npm, later
    try 1 seam check my-mcp/flow.yaml --manifest my-mcp/seam.yaml
    says err 'the server closed its output'
}
try 2 seam new agent other --kind ghost
says err 'no such kind'
try 2 seam new agent other
try 2 seam new flow other --kind exec

claim "nothing is written over, and a name that can be no name is refused"
try 2 seam new plugin greeting
says err 'greeting is there already'
[ ! -e greeting/card.json ] || die "something was written"
for name in ../up /tmp/x '' . Upper 'a b' 9lives -x ends- 'a"b' "$(printf 'a%.0s' {1..65})"; do
    try 2 seam new plugin -- "$name"
done
try 2 seam new thing name
says err 'expected plugin, flow'
try 2 seam new plugin
try 2 seam new plugin other --lang cobol
says err 'expected c, cpp or rust'
try 2 seam new flow other --lang c
[ ! -e other ] || die "a refused one left something behind"

claim "where the templates are not installed, it says what is to be installed"
mkdir -p bare/bin
cp "$SEAM" bare/bin/
try 2 bare/bin/seam new plugin other
says err 'seam-plugin-dev'
[ ! -e other ] || die "it left something behind"

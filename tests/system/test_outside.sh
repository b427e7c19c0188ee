#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A plugin outside the tree: Seam is installed into an empty prefix, the template is copied away and
# built against the installed headers alone, and the installed program runs it in both modes.
. "$(dirname "$0")/stage.sh"
umask 022
cmake --install "$BUILD" --prefix "$STATE/prefix" >/dev/null
PATH=$STATE/prefix/bin:$PATH
cp -r "$SOURCE/plugins/hello" mine

claim "everything of the installation is there"
for file in bin/seam bin/seam-worker include/seam/plugin.h include/seam/sdk.h \
    share/man/man1/seam.1 share/bash-completion/completions/seam; do
    [ -s "prefix/$file" ] || die "$file is not installed"
done

claim "the template builds elsewhere"
cmake -S mine -B mine/build -DCMAKE_PREFIX_PATH="$STATE/prefix" >log 2>&1 || die "$(cat log)"
cmake --build mine/build >log 2>&1 || die "$(cat log)"

claim "in a worker and in this process it gives the same"
cat >greet.yaml <<'END'
flow: greet
version: 1.0.0
input: {schema: {type: object, properties: {who: {type: string, minLength: 1, maxLength: 200}}, required: [who]}}
budget: {attempts: 3, calls: 3, time: 1m}
steps:
  say: {agent: p/greet, input: {name: "${ .input.who }"}}
output: {as: "${ .steps.say.output.greeting }"}
END
for isolation in worker in-process; do
    stage mine/build/hello.so $isolation
    try 0 command seam plugins --json
    holds ".[0].status == \"ready\" and .[0].isolation == \"$isolation\""
    try 0 command seam run greet.yaml --set who=Ada --id "$isolation"
    cp out "$isolation.out"
done
cmp worker.out in-process.out || die "the outputs differ"
[ "$(cat worker.out)" = '"Hello, Ada!"' ] || die "it says $(cat worker.out)"

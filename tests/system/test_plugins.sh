#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Plugins that are no plugins, lie, hang, crash or talk too much: what `seam plugins` says of a file,
# and what becomes of a run that calls one. Whatever they do, the host and its journal stay whole.
. "$(dirname "$0")/stage.sh"
one_step act

# refused FILE WORDS…: `seam plugins` exits 1 and says why; a flow that needs it does not start.
refused() {
    local file=$1
    shift
    stage "$file"
    try 1 seam plugins
    says out 'refused' "$file" "$@"
    try 1 seam plugins --json
    holds '.[0].status == "refused" and (.[0].reason | length > 0)'
}

# required FILE EXIT: a plugin without which the manifest says that nothing shall run.
required() {
    stage "$1"
    sed -i 's/isolation/required: true, isolation/' seam.yaml
    try "$2" seam run one.yaml
    says err "$1" 'seam.yaml requires the plugin `p`'
    try 1 seam plugins
    says out 'refused' "$1"
    [ ! -f journal.db ] || die "a journal was begun"
}

claim "a file that is not there, or is no shared object"
refused missing.so 'there is no file'
echo "not a plugin" >text.so
refused text.so 'is not a shared object: it begins with "not a plugin.' 'cure'
: >empty.so
refused empty.so 'is empty'
mkdir folder.so
refused folder.so 'is not a file but a folder'
required text.so 2

claim "a file that was cut off while it was copied"
head -c 6000 "$PLUGINS/hello.so" >cut.so
refused cut.so 'is cut off' 'copy it again'
head -c 30 "$PLUGINS/hello.so" >head.so
refused head.so 'is cut off' 'copy it again'

claim "a 32-bit file"
cp "$PLUGINS/hello.so" bits.so
printf '\001' | dd of=bits.so bs=1 seek=4 conv=notrunc status=none
refused bits.so 'is a 32-bit file; a plugin is 64-bit' 'cure'

claim "a library without a card"
cp "$SINS/no_card.so" .
refused no_card.so 'has no card (section .seam.card)' 'seam_add_plugin'
try 2 seam plugins inspect no_card.so
says err 'has no card'

claim "a card that lies about the library"
cp "$SINS/lying_card.so" "$SINS/lying_flags.so" .
refused lying_card.so 'its table and its card differ' 'pure in the card and write'
refused lying_flags.so 'its table and its card differ' 'nonblocking'

claim "a plugin of a newer ABI: both versions are named, and the cure"
cp "$SINS/wrong_abi.so" .
refused wrong_abi.so 'needs ABI 1.7' 'serves 1.0' 'update seam'

claim "a file or folder that others may write to is refused by policy, exit 4"
cp "$PLUGINS/hello.so" group.so
chmod g+w group.so
refused group.so 'mode 0775' "chmod go-w '$STATE/group.so'"
required group.so 4
mkdir open
cp "$PLUGINS/hello.so" open/hello.so
chmod 777 open
refused open/hello.so "folder $STATE/open" "chmod go-w '$STATE/open'"

claim "a plugin that crashes, hangs or gives up while it is loaded harms nobody else"
cp "$SINS/crashes_in_constructor.so" "$SINS/hangs_in_constructor.so" "$SINS/fails_to_create.so" .
refused crashes_in_constructor.so "$segfault" 'the host is not harmed'
refused fails_to_create.so 'create() failed with status 1'
stage hangs_in_constructor.so
try 1 seam plugins
says out 'refused' 'was not ready in time' 'does not return'
cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  bad: {path: crashes_in_constructor.so}
  p: {path: "$SINS/echo.so"}
END
try 1 seam plugins --json
holds 'map(.status) == ["refused", "ready"]'
try 0 seam run one.yaml --set x=1

claim "a flow that needs an agent of a refused plugin is refused by check, exit 4"
stage text.so
try 4 seam run one.yaml
says err 'one.yaml:6:12' '"p/act"'

# called EXIT PLUGIN WORDS…: a run that calls it ends so, and says so; it can be replayed.
called() {
    local code=$1 plugin=$2
    shift 2
    for isolation in ${ISOLATIONS:-worker in-process}; do
        rm -f journal.db*
        stage "$SINS/$plugin.so" "$isolation"
        try "$code" timeout 120 "$SEAM" run one.yaml --set x=1 --id r
        says err "$@"
        cp err kept
        try 0 seam replay r
        try 0 seam explain r act
        cp kept err
    done
}

claim "an agent that hangs is ended at its deadline; whether it wrote, a person is asked"
ISOLATIONS=worker called 3 hangs 'did not end within' 'act asks: Nobody knows whether'

claim "an agent that never answers, or answers after its time"
called 3 answers_never 'act asks: Nobody knows whether'
called 3 answers_late 'act asks: Nobody knows whether'

claim "an agent that answers twice, or answers calls that are nobody's: one answer counts"
called 0 answers_twice 'run r is done'
[ "$(cat out)" ] || die "there is no output"
called 0 answers_nobody 'run r is done'

claim "an agent that crashes, aborts or exits takes its worker along and nothing else"
ISOLATIONS=worker called 3 crashes "$segfault" 'act asks'
ISOLATIONS=worker called 3 aborts 'killed by SIGABRT' 'act asks'
ISOLATIONS=worker called 3 exits 'exited with status 3' 'act asks'
ISOLATIONS=worker called 3 sends_rubbish 'bytes that are no frame' 'act asks'
ISOLATIONS=worker called 3 closes_everything 'closed its connection' 'act asks'

claim "an answer of 1 GB is refused by its size, unread"
called 1 returns_huge '1073741824 bytes' 'limits.payload of the manifest allows 8388608'
[ "$(stat -c %s journal.db)" -lt 1000000 ] || die "the journal has it"

claim "an answer that is not UTF-8, or has a length and no bytes"
called 1 invalid_utf8 'not valid UTF-8'
called 1 returns_nonsense 'no bytes'

claim "a status that nobody knows counts as the worst"
called 3 unknown_status 'act asks: Nobody knows whether'

claim "a loop that is held is told of, and the call goes on elsewhere"
ISOLATIONS=worker called 0 blocks_the_loop 'held the plugin' 'from now on it runs on a thread'

claim "logs that flood are thinned, and how many were dropped is said"
ISOLATIONS=worker called 1 floods_logs 'lines of this plugin were dropped' 'run r failed at act'
[ "$(wc -l <err)" -lt 5000 ] || die "there are $(wc -l <err) lines"

claim "what a plugin prints does not mix with the output of the run"
ISOLATIONS=worker called 1 floods_output 'run r failed at act'
seam run one.yaml --set x=1 >out 2>/dev/null || true
[ ! -s out ] || die "stdout is not the host's alone"

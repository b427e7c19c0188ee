#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Grants open what they say and nothing beside it. The plugin asks for everything; each time the
# manifest grants one thing, and what it can then do beyond having nothing is compared.
#
#     grants.sh BUILD ESCAPE.so
. "$(dirname "$0")/attempts.sh"

# opens GRANTS NAME…: just these ways are open that are not without it.
opens() {
    local grants=$1
    shift
    attempts granted.json '' "$grants"
    jq -r --slurpfile none none.json --slurpfile names names.json \
        '[., $none[0], $names[0]] | transpose[] | select(.[0].stopped == "" and .[1].stopped != "")
         | .[2].name' granted.json | sort >opened
    printf '%s\n' "$@" | sort >expected
    diff expected opened >err || die "$grants opens something else (>), or does not open (<)"
}

attempts names.json files,network,processes,memory,landlock,private-root,seccomp
attempts none.json '' '{}'

claim "a path to read can be read, and only that one"
opens "{fs: [{path: $HERE/secret, mode: r}]}" 'read a file of the operator' \
    'go out by a symbolic link' 'rename a file' # a link to what was granted; to itself
[ "$(cat secret)" = 'for nobody' ] || die "it was changed"

claim "a path relative to the manifest, and a folder"
opens '{fs: [{path: ., mode: r}]}' 'read a file of the operator' 'read the state of another plugin'

claim "a path to write can be written too, and what lies in it"
opens '{fs: [{path: ., mode: rw}]}' 'read a file of the operator' 'open the journal' \
    'write the manifest' 'create a file' 'truncate a file' 'delete a file' 'rename a file' \
    "change a file's mode" "change a file's times" 'read the state of another plugin' \
    'link a file into its folder' 'go out by a symbolic link'

claim "programs can be started, and signal none but their own"
opens '{exec: [/bin/sh]}' 'fork' 'spawn a shell' 'become another program' 'lead a session' \
    'filter itself' 'change its limits' # both only ever to less

claim "sockets reach the network, but are of plain kinds"
opens '{net: any}' 'connect by TCP' 'connect by TCP fast open' 'listen on a TCP port' \
    'send by UDP' 'open an IPv6 socket' 'open a netlink socket' 'look up a name' \
    'turn the host'"'"'s socket elsewhere' 'send the host a descriptor' \
    'send the host many messages' 'set an option of the host'"'"'s socket'

claim "code made while it runs"
opens '{jit: true}' 'map memory to write and execute' 'execute what it wrote'

claim "a grant of what is not there is an error that names it"
sed -i 's|grants: .*|grants: {fs: [{path: gone, mode: r}]}|' seam.yaml
try 1 seam plugins
says out 'refused' 'grants the plugin `p` the path' '/gone' 'cure'

claim "what holds a plugin is told by name"
sed -i 's|grants: .*|grants: {net: any}|; s|without: .*|without: [landlock], require: [seccomp]}|' seam.yaml
try 0 seam plugins --json
holds '.[0].sandbox | .enforced and .promises.files.kept and (.promises.network.kept | not) and
       .promises.network.granted_away and (.promises.processes.by | index("seccomp") != null)'
holds '.[0].sandbox.protections | map({(.protection): .state}) | add |
       .landlock == "left-out" and .seccomp == "enforced" and .["network-namespace"] == "not-needed"'
try 0 seam plugins
says out 'open: sockets of its own are granted' 'left-out   landlock'

claim "a promise that nothing keeps refuses the plugin, and so does a protection that is required"
sed -i 's|without: .*|without: [landlock, private-root]}|' seam.yaml
try 1 seam plugins
says out 'refused' 'nothing here keeps the promise `files`' 'sandbox: {without: [files]}'
rm -f journal.db*
try 0 timeout 60 "$SEAM" run out.yaml --input numbers.json
holds 'length == 200 and all(.[]; .error.message | contains("nothing here keeps the promise `files`"))'
sed -i 's|without: .*|without: [landlock], require: [landlock]}|' seam.yaml
try 1 seam plugins
says out 'refused' 'requires the protection `landlock`, and it is left-out'
sed -i 's|without: .*|without: [landlock, private-root, files]}|' seam.yaml
try 0 seam plugins
says out 'ready' 'not kept here'

claim "in the host's process nothing holds it"
sed -i 's|isolation: .*||; s|path: |isolation: in-process, path: |; s|^    isolation: in-process, path: |    isolation: in-process\n    path: |' seam.yaml
try 0 seam plugins
says out 'nothing is enforced'

claim "what is required of a sandbox refuses a plugin that has none"
sed -i 's|isolation: in-process|isolation: in-process\n    sandbox: {require: [seccomp]}|; s|^    sandbox: {without.*||' seam.yaml
try 1 seam plugins
says out 'refused' 'requires the protection `seccomp`' 'cure'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A plugin that tries every way out of its sandbox. In the sandbox as it is by default each way is
# denied. Outside of it, with every protection left out by name, the same ways are open, or the test
# would prove nothing. Then each protection alone, to see what it denies: the table that is printed.
#
#     escape.sh BUILD ESCAPE.so
. "$(dirname "$0")/attempts.sh"
LEAST=60
NAMESPACES='user-namespace pid-namespace ipc-namespace uts-namespace network-namespace'
ALL="$NAMESPACES private-root rlimits capabilities not-dumpable w-xor-x landlock seccomp"
PROMISES=files,network,processes,memory

without() {
    local p words=$PROMISES,cgroup
    for p in $ALL; do
        [ "$p" = "${1:-}" ] || words=$words,$p
    done
    echo "$words"
}

claim "outside of the sandbox the ways are open"
attempts open.json "$(without)"
count=$(jq length open.json) open=$(jq 'map(select(.stopped == "")) | length' open.json)
[ "$open" -ge "$LEAST" ] || die "only $open of $count are open"

# denied FILE: nothing got out.
denied() {
    [ "$(jq length "$1")" = "$count" ] || die "there are not $count attempts"
    jq -r --slurpfile all open.json \
        '[., $all[0]] | transpose[] | select(.[0].stopped == "") | .[1].name' "$1" >escaped
    [ ! -s escaped ] || die "these got out: $(tr '\n' ';' <escaped)"
    [ -f victim ] || die "a file of the operator was deleted"
}

claim "in the sandbox none of them is"
attempts default.json
denied default.json

claim "nor where namespaces are forbidden"
attempts bare.json "$(printf '%s,' $NAMESPACES) private-root, capabilities"
denied bare.json

claim "each of them is denied by what the table says"
for p in $ALL; do
    attempts "only-$p.json" "$(without "$p")"
done
{
    echo '{'
    sep=''
    for p in $ALL; do
        printf '%s"%s": ' "$sep" "$p"
        cat "only-$p.json"
        sep=,
    done
    echo '}'
} >alone.json
jq -r --slurpfile open open.json --slurpfile default default.json '
    . as $alone | range($open[0] | length) as $i | $open[0][$i] as $o
    | [$o.group, $o.name, $default[0][$i].stopped,
       (if $o.stopped != "" then "not possible here outside either: " + $o.stopped
        else [$alone | to_entries[] | select(.value[$i].stopped != "") | .key] | join(", ") end)]
    | @tsv' alone.json >table
{
    printf 'of\tattempt\tgot\tdenied by each of these alone\n'
    cat table
} | column -t -s "$(printf '\t')"
# What was open must be denied by something alone, or by several at once.
awk -F '\t' '$4 == "" { print $2 }' table >together
[ "$(wc -l <together)" -le 5 ] || die "nothing alone denies: $(tr '\n' ';' <together)"
echo "$count ways, $open of them open outside, 0 in the sandbox"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What limits of single processes do not see: memory that is mapped to be shared, the sum of what
# children take, and how many they are. A control group sees it, where one can be made; elsewhere
# there is nothing to try. Costs about two seconds.
. "$(dirname "$0")/stage.sh"
one_step act
sed -i 's|start_to_close: 1s, schedule_to_close: 5s|start_to_close: 20s, schedule_to_close: 60s|' one.yaml

# held POLICY [MEMORY]: the plugin with that policy and so much memory.
held() {
    stage "$SINS/takes_together.so"
    sed -i "s|isolation: worker|limits: {memory: ${2:-64mb}}, grants: {exec: [/bin/true]}, sandbox: $1|" \
        seam.yaml
}
groups() { find /sys/fs/cgroup -type d -name "seam-$1-*" 2>/dev/null; } # PID of its host
state() { jq -r '.[0].sandbox.protections[] | select(.protection == "cgroup") | .state' out; }

held '{without: [cgroup]}'
claim "it is left out by name"
try 0 seam plugins
says out 'left-out   cgroup: by the manifest' 'memory     kept by rlimits'
held '{}'
try 0 seam plugins --json
holds '.[0].sandbox.promises.memory.by | index("rlimits")'

claim "required, it is there in full, or the plugin is refused with the reason"
held '{require: [cgroup]}'
if ! seam plugins --json >out 2>err; then
    holds '.[0].reason | test("requires the protection `cgroup`, and it is .*: .*cure")'
    echo "skipped: $(jq -r '.[0].reason' out)"
    exit 77
fi
[ "$(state)" = enforced ] || die "it is $(state)"
try 0 seam plugins
says out 'memory     kept by cgroup, rlimits' \
    'enforced   cgroup: 64 MB of memory and 512 processes and threads, together'

claim "memory that is mapped to be shared counts, and who dies of it is told as such"
echo '"map"' >in.json
try 1 seam run one.yaml --input in.json --id map
says err 'its worker was killed by its memory limit of 64 MB'
try 0 seam explain map
says out 'its worker was killed by its memory limit of 64 MB'
held '{without: [cgroup]}'
try 0 seam run one.yaml --input in.json --id free

claim "children share one limit"
echo '"feed"' >in.json
held '{require: [cgroup]}' 512mb
try 0 seam run one.yaml --input in.json
holds '. == 4'
held '{require: [cgroup]}'
if seam run one.yaml --input in.json >out 2>err; then
    holds '. < 4' # how many go is the kernel's to say
else
    says err 'its worker was killed by its memory limit of 64 MB'
fi

claim "they are no more than 512 together"
echo '"fork"' >in.json
try 0 seam run one.yaml --input in.json
holds '. > 400 and . < 512'

claim "no group outlives its worker; what a killed host left is removed by the next"
"$SEAM" plugins >out &
wait $!
[ -z "$(groups $!)" ] || die "some are left: $(groups $!)"
here=$(awk -F: '$2 == "memory" { print $3 }' /proc/self/cgroup)
if [ -d "/sys/fs/cgroup/memory$here" ]; then
    dead=$(bash -c 'echo $$')
    mkdir "/sys/fs/cgroup/memory$here/seam-$dead-7"
    try 0 seam plugins
    [ ! -d "/sys/fs/cgroup/memory$here/seam-$dead-7" ] || die "it is still there"
fi

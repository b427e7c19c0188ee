#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every plugin that was ever kept is loaded and called, in both modes, by the host of today; and the
# header of today describes the ABI that it described when the version was kept. See make.sh in
# tests/plugin-api/kept. A kept file that fails here is never mended: the host is.
. "$(dirname "$0")/stage.sh"
KEPT=$SOURCE/tests/plugin-api/kept
API=$SOURCE/plugin-api/include
arch=$(uname -m)

# A release may append; whatever is moved, retyped, renamed or taken away, abidiff names. Appending is
# a new minor version, which keeps a description of its own.
if [ "$arch" = x86_64 ] && command -v abidiff >/dev/null && command -v gcc >/dev/null; then
    # described HEADERS: holds the newest kept description against these headers
    newest=$(printf '%s\n' "$KEPT"/*.abi | sort -V | tail -n 1)
    described() {
        gcc -std=c11 -g -O0 -fPIC "-I$1" -shared -o abi.so "$KEPT/abi.c" || return 1
        abidiff "$newest" abi.so >out 2>err
    }
    claim "the header describes the ABI that was kept"
    described "$API" || die "it does not; see $KEPT/make.sh"
    claim "a member that is moved, retyped or appended is noticed, and so is another value"
    for edit in 's/^    uint64_t deadline_ns; .*/    uint32_t deadline_ns, later;/' \
        's/^    seam_bytes body;/    seam_bytes code;/; t; s/^    seam_bytes code;/    seam_bytes body;/' \
        's/^    seam_status (\*quiesce)(void \*self);/    void (*quiesce)(void *self, int now);/' \
        's/SEAM_E_BUSY = 9,/SEAM_E_BUSY = 19,/'; do
        rm -rf edited
        cp -r "$API" edited
        sed -i "$edit" edited/seam/plugin.h
        ! cmp -s "$API/seam/plugin.h" edited/seam/plugin.h || die "no edit: $edit"
        ! described edited 2>err || die "nobody noticed: $edit"
    done
else
    echo "- the header describes the ABI that was kept: skipped: there is no abidiff, or no gcc, or this is no x86-64"
fi

if [ "$arch" != x86_64 ]; then
    echo "- kept plugins are called: skipped: they are of x86-64, and this is $arch"
    exit 0
fi
if sanitized thread; then
    echo "- kept plugins are called: skipped under the thread sanitizer, which must have built them"
    exit 0
fi

# calls FILE AGENT INPUT OUTPUT: in both modes
calls() {
    local isolation
    for isolation in worker in-process; do
        stage "$1" "$isolation"
        one_step "$2"
        jq -n "$3" >input.json
        try 0 seam run one.yaml --memory --quiet --input input.json
        holds ". == $4"
    done
}

count=0
for plugin in "$KEPT"/*.so; do
    name=${plugin##*-}
    claim "${plugin##*/} is accepted, loaded and called"
    try 0 seam plugins inspect "$plugin"
    case ${name%.so} in
        hello) calls "$plugin" greet '{name: "Ada"}' '{greeting: "Hello, Ada!"}' ;;
        echo | echo_nonblocking) calls "$plugin" act '{a: [1, "é", null]}' '{a: [1, "é", null]}' ;;
        emits) calls "$plugin" act '{}' 3 ;;
        asks) # for a service that nobody has: it hands on the answer, which says so
            for isolation in worker in-process; do
                stage "$plugin" "$isolation"
                one_step act
                try 1 seam run one.yaml --memory --quiet --json
                holds '.error | tostring | test("unsupported"; "i")'
            done
            ;;
        *) die "nothing is written here on how it is called" ;;
    esac
    [ "$(stat -c %s "$plugin")" -lt 20480 ] || die "it is large; see make.sh"
    count=$((count + 1))
done
[ "$count" -ge 5 ] || die "only $count are kept"

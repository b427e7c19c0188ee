#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make.sh VERSION: how the kept plugins and the kept description of an ABI were made, on x86-64. It
# makes those of the header as it stands, as VERSION-NAME.so and VERSION.abi, and writes nothing over:
# what was kept is kept as it was compiled then, for ever. Run it when a minor version is released.
set -euo pipefail
version=$1
cd "$(dirname "${BASH_SOURCE[0]}")"
root=../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# plugin NAME CARD SOURCE
plugin() {
    [ ! -e "$version-$1.so" ] || { echo "$version-$1.so is there; it stays as it is" && return; }
    sh "$root/plugin-api/cmake/seam-card" "$2" "$work/card.c"
    gcc -std=c11 -D_GNU_SOURCE -Os -fPIC "-I$root/plugin-api/include" "-I$root/tests/plugins" -shared -s \
        -Wl,-z,noseparate-code "-Wl,--version-script=$root/plugin-api/cmake/seam-plugin.map" -Wl,-z,defs \
        -o "$version-$1.so" "$3" "$work/card.c"
}

# sin NAME EFFECT NONBLOCKING: one of tests/plugins, its card filled in as its CMakeLists.txt does
sin() {
    sed -e "s/@MINOR@/0/; s/@CONCURRENCY@/4/; s/@EFFECT@/$2/; s/@NONBLOCKING@/$3/" \
        "$root/tests/plugins/card.json.in" >"$work/$1.json"
    plugin "$1" "$work/$1.json" "$root/tests/plugins/$1.c"
}

plugin hello "$root/plugins/hello/card.json" "$root/plugins/hello/hello.c"
sin echo pure false
sin echo_nonblocking pure true
sin emits pure false
sin asks read true
if [ ! -e "$version.abi" ]; then
    gcc -std=c11 -g -O0 -fPIC "-I$root/plugin-api/include" -shared -o "$work/abi.so" abi.c
    abidw --no-corpus-path --no-comp-dir-path --short-locs --out-file "$version.abi" "$work/abi.so"
fi

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A plugin outside the tree: installs what plugin authors get into an empty prefix, copies the
# template away, and builds it with CMake (find_package) and with make (pkg-config). Each result
# exports one symbol, needs libc alone, and carries its card.
# usage: test_out_of_tree.sh BUILD_FOLDER SOURCE_FOLDER CC CXX
set -eu
build=$1 source=$2 cc=$3 cxx=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strict="-Wall -Wextra -pedantic -Werror"

die() {
    echo "FAILED: $*" >&2
    exit 1
}

card_of() {
    rm -f "$work/card.bin"
    objcopy -O binary --only-section=.seam.card "$1" "$work/card.bin"
    cat "$work/card.bin"
}

# check_plugin FILE.so: whatever built it.
check_plugin() {
    exports=$(nm -D --defined-only "$1" | sed 's/.* //')
    [ "$exports" = seam_plugin_v1 ] || die "$1 exports: $exports"
    strangers=$(nm -D --undefined-only "$1" | grep -v '@GLIBC_' | grep -v ' w ' || true)
    [ -z "$strangers" ] || die "$1 needs: $strangers"
    needed=$(readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^libc\.so' || true)
    [ -z "$needed" ] || die "$1 is linked to: $needed"
    [ "$(readelf -SW "$1" | grep -c ' \.seam\.card ')" -eq 1 ] || die "$1 has not one card"
    card_of "$1" | jq -e '.card == 1 and .agents[0].input.required == ["name"]' >/dev/null ||
        die "$1: its card is $(card_of "$1")"
}

unset CFLAGS CXXFLAGS LDFLAGS DESTDIR MAKEFLAGS || true
cmake --install "$build" --component plugin-api --prefix "$work/prefix" >/dev/null
cp -r "$source/plugins/hello" "$work/cmake"
cp -r "$source/plugins/hello" "$work/make"
# What a source leaves visible is no export.
echo '__attribute__((visibility("default"))) int visible = 1;' | tee -a "$work/cmake/hello.c" >>"$work/make/hello.c"

# find_package
cd "$work/cmake"
cmake -S . -B b -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="$strict -ffunction-sections -fdata-sections" \
    -DCMAKE_MODULE_LINKER_FLAGS="-Wl,--gc-sections" >/dev/null
cmake --build b >/dev/null
check_plugin "$work/cmake/b/hello.so"

# To edit a schema file, or the card, is to rebuild the plugin; to build again is to do nothing.
sed -i 's/Who is greeted/Whom to greet/' greet.input.json
cmake --build b >/dev/null
card_of b/hello.so | grep -q "Whom to greet" || die "an edited schema file did not arrive"
sed -i 's/"version": "1.0.0"/"version": "1.0.1"/' card.json
cmake --build b >/dev/null
card_of b/hello.so | grep -q '"version":"1.0.1"' || die "an edited card did not arrive"
cmake --build b | grep -q Embedding && die "a build without a change embeds the card again"
mv greet.input.json elsewhere.json
cmake --build b >log 2>&1 && die "a missing schema file was not noticed"
grep -q "greet.input.json.*cannot be read" log || die "a missing schema file was not named: $(cat log)"

# The version of the package is that of the ABI.
for version in 0.9 1.9 2; do
    mkdir "v$version"
    sed "s/SeamPlugin 1 /SeamPlugin $version /" CMakeLists.txt >"v$version/CMakeLists.txt"
    cmake -S "v$version" -B "v$version/b" -DCMAKE_PREFIX_PATH="$work/prefix" >log 2>&1 &&
        die "ABI $version was found"
    grep -q "compatible with requested version" log || die "ABI $version: $(cat log)"
done

# A project of C++ alone.
mkdir "$work/cxx"
cd "$work/cxx"
cp "$source/plugins/hello/"*.json .
cp "$source/plugins/hello/hello.c" hello.cpp
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(hello LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(SeamPlugin 1 REQUIRED)
seam_add_plugin(hello SOURCES hello.cpp CARD card.json)
END
cmake -S . -B b -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_CXX_FLAGS="$strict" >/dev/null
cmake --build b >/dev/null
[ "$(nm -D --defined-only b/hello.so | sed 's/.* //')" = seam_plugin_v1 ] || die "C++ exports more"
[ "$(card_of b/hello.so)" = "$(card_of "$build/plugins/hello.so")" ] || die "C++ has another card"

# make and pkg-config
cd "$work/make"
PKG_CONFIG_PATH="$work/prefix/share/pkgconfig" make -s CC="$cc" CFLAGS="-O2 $strict"
check_plugin "$work/make/hello.so"
[ "$(card_of hello.so)" = "$(card_of "$build/plugins/hello.so")" ] ||
    die "make and CMake embed different cards"

# A symbol that nobody provides is an error of the build, not of the load.
echo 'int nobody(void); int somebody(void); int somebody(void) { return nobody(); }' >>hello.c
PKG_CONFIG_PATH="$work/prefix/share/pkgconfig" make -s CC="$cc" >log 2>&1 &&
    die "an undefined symbol was linked"
grep -q nobody log || die "the undefined symbol was not named: $(cat log)"

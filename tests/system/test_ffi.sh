#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Functions of C libraries as agents, from the header to a run: signatures made by `seam new ffi`, an
# agent of each, and what is refused when the library or its prototype is another.
. "$(dirname "$0")/stage.sh"
case $(readelf -Ws "$BUILD/plugins/ffi.so") in *asan*) exit 77 ;; esac
EXAMPLE=$SOURCE/plugins/ffi/example

# manifest FILE.json [LINE…]: seam.yaml with that configuration.
manifest() {
    {
        printf 'manifest: 1\nplugins:\n  libs:\n    path: %s/ffi.so\n    config: %s\n' \
            "$PLUGINS" "$(cat "$1")"
        shift
        printf '    %s\n' "$@"
    } >seam.yaml
}

claim "a signature is made from a header, without a look at what is inside"
try 0 seam new ffi --lib libz.so.1 --function crc32 --header zlib.h
says err 'crc32: look at arg2: a pointer, taken for buffer'
jq '.agents[0].effect = "pure"
    | .agents[0].calls[0].args |= (.[0].name = "crc" | .[1].name = "data" | .[2].length_of = "data")' \
    out >zlib.json
jq -e '.agents[0].calls[0].abi == "u64 crc32(u64, ptr, u32)"' zlib.json >/dev/null || die "the abi"

claim "the configuration's agents are shown, checked and run"
manifest zlib.json
try 0 seam plugins
says out 'libs/crc32' 'pure' 'ready'
try 0 seam plugins inspect libs --manifest seam.yaml
holds '.agents[0].input.properties.crc.allOf[0].anyOf[0].maximum == 9007199254740991
       and .agents[0].input.required == ["crc", "data"]'
try 0 seam check "$EXAMPLE/checksum.yaml"
echo '{"data": "aGVsbG8="}' >input.json # hello
try 0 seam run "$EXAMPLE/checksum.yaml" --input input.json
holds '.crc32 == 907060870'

claim "signatures may stand in a file of their own, which the manifest names"
cp seam.yaml within.yaml
printf 'manifest: 1\nplugins:\n  libs: {path: %s/ffi.so, config_file: zlib.json}\n' "$PLUGINS" >seam.yaml
try 0 seam run "$EXAMPLE/checksum.yaml" --input input.json
holds '.crc32 == 907060870'
sed -i 's/zlib.json/gone.json/' seam.yaml
try 2 seam plugins
says err 'the config_file of plugin `libs`' 'gone.json'
sed -i 's/gone.json/zlib.json, config: {}/' seam.yaml
try 2 seam plugins
says err 'both `config` and `config_file`'
cp within.yaml seam.yaml

claim "a run keeps what its agents were, and is read by it"
try 0 seam run "$EXAMPLE/checksum.yaml" --input input.json --id sum --store sqlite:runs.db
try 0 seam show sum --store sqlite:runs.db
says out 'done'
try 0 seam verify sum --store sqlite:runs.db

claim "what a number cannot be is refused where the flow is checked"
sed 's/crc: 0,/crc: -1,/' "$EXAMPLE/checksum.yaml" >negative.yaml
try 1 seam check negative.yaml
says out '/crc: expected at least 0, found -1'

claim "it runs in a worker alone"
manifest zlib.json 'isolation: in-process'
try 1 seam plugins
says out 'insists on a worker'

claim "a callback wants a grant to be made, and has it in a pure worker too"
try 0 seam new ffi --lib libc.so.6 --function qsort --header stdlib.h
jq '.agents[0].effect = "pure" | .agents[0].calls[0] |= (.returns = {type: "void"} | .args = [
    {name: "numbers", type: "array", of: "int", direction: "inout", size: 100},
    {name: "count", type: "size_t", length_of: "numbers"},
    {type: "size_t", value: 4}, {type: "callback", compare: "int", descending: true}])' out >sort.json
sed -e 's/crc: 0, data: .*/numbers: [3, 1, 2]}/' -e 's/crc32: .*/sorted: "${ .steps.sum.output.numbers }"}}/' \
    -e 's/crc32/qsort/' "$EXAMPLE/checksum.yaml" >sort.yaml
manifest sort.json
try 1 seam run sort.yaml --input input.json
says err 'jit: true'
manifest sort.json 'grants: {jit: true}'
try 0 seam run sort.yaml --input input.json
holds '.sorted == [3, 2, 1]'

claim "arguments that are not the prototype's are refused with the difference"
jq '.agents[0].calls[0].args[0].type = "int"' zlib.json >wrong.json
manifest wrong.json
try 1 seam plugins
says out '/agents/0/calls/0' 'u64 crc32(u64, ptr, u32)' 'u64 crc32(i32, ptr, u32)'

claim "a library that is another than was pinned is refused until it is made anew"
echo 'int twice(int n);' >twice.h
echo 'int twice(int n) { return 2 * n; }' >twice.c
cc -shared -fPIC -o libtwice.so twice.c
try 0 seam new ffi --lib ./libtwice.so --function twice --header "$PWD/twice.h"
cp out twice.json
manifest twice.json "grants: {fs: [{path: $PWD, mode: r}]}"
try 0 seam plugins --static
echo 'long twice(long n) { return 2 * n; }' >twice.c
cc -shared -fPIC -g -o libtwice.so twice.c
try 1 seam plugins --static
says out '/libraries/lib' 'is not the library that was pinned: sha256 was'
try 0 seam new ffi --lib ./libtwice.so --function twice # by its debug information
jq -e '.agents[0].calls[0] | .abi == "i64 twice(i64)" and .args[0].name == "n"' out >/dev/null ||
    die "the abi of the debug information"
cp out twice.json
manifest twice.json "grants: {fs: [{path: $PWD, mode: r}]}"
try 0 seam plugins --static

claim "structs and enums are made of what the compiler laid out, whatever is within them"
cat >shapes.h <<'HEADER'
#include <stdint.h>
enum colour { RED, GREEN = 5, BLUE = -2 };
typedef struct { double x, y; } point;
struct shape {
    char tag;
    point corners[2];
    enum colour colour;
    const char *label;
    char name[9];
    unsigned char raw[3];
    short odd;
    uint64_t big;
};
struct __attribute__((packed)) tight { char tag; int number; };
struct shape turn(struct shape it, point by, enum colour to);
int odd_of(const struct shape *it, enum colour *ret_colour);
int number_of(struct tight *it);
HEADER
cat >shapes.c <<'SOURCE'
#include "shapes.h"
struct shape turn(struct shape it, point by, enum colour to)
{
    for (int i = 0; i < 2; i++)
        it.corners[i] = (point){it.corners[i].x + by.x, it.corners[i].y + by.y};
    it.colour = to;
    it.raw[2]++;
    return it;
}
int odd_of(const struct shape *it, enum colour *ret_colour)
{
    *ret_colour = it->colour == BLUE ? (enum colour)77 : it->colour;
    return it->odd;
}
int number_of(struct tight *it) { return it->number; }
SOURCE
cc -shared -fPIC -o libshapes.so shapes.c
try 0 seam new ffi --lib ./libshapes.so --function turn --function odd_of --header "$PWD/shapes.h"
cp out by-header.json
cc -shared -fPIC -g -o libshapes.so shapes.c
try 0 seam new ffi --lib ./libshapes.so --function turn --function odd_of --function number_of
says err 'number_of: look at it: a pointer, taken for handle: number is not where its type puts it'
jq -e --slurpfile header by-header.json '[.libraries.lib.types[].abi] | sort
    == ($header[0].libraries.lib.types | map(.abi) | sort)' out >/dev/null || die "one layout is another"
jq 'del(.agents[2]) | .agents[].effect = "pure"' out >shapes.json
manifest shapes.json "grants: {fs: [{path: $PWD, mode: r}]}"
try 0 seam plugins
cat >shapes.yaml <<'FLOW'
flow: shapes
version: 1.0.0
input: {schema: {type: object, properties: {}, additionalProperties: false}}
budget: {attempts: 9, calls: 9, time: 10m}
steps:
  turn:
    agent: libs/turn
    input:
      it: {tag: 7, corners: [{x: 1, y: 2}, {x: 3, y: 4}], colour: RED, label: grün, name: eight888,
           raw: AQID, odd: -9, big: "18446744073709551615"}
      by: {x: 0.5, y: -1}
      to: BLUE
  odd:
    agent: libs/odd_of
    input: {it: {tag: 7, corners: [{x: 1, y: 2}, {x: 3, y: 4}], colour: BLUE, name: "", raw: AQID,
                 odd: -9, big: 1}}
output: {as: {turned: "${ .steps.turn.output.result }", odd: "${ .steps.odd.output }"}}
FLOW
echo '{}' >nothing.json
try 0 seam run shapes.yaml --input nothing.json
holds '.turned == {tag: 7, corners: [{x: 1.5, y: 1}, {x: 3.5, y: 3}], colour: "BLUE", label: "grün",
       name: "eight888", raw: "AQIE", odd: -9, big: "18446744073709551615"}
       and .odd == {ret_colour: 77, result: -9}'
sed 's/colour: RED/colour: PINK/' shapes.yaml >pink.yaml
try 1 seam check pink.yaml
says out 'expected "BLUE", "RED" or "GREEN", found "PINK"'

claim "a type whose fields are not the compiler's is refused with the difference"
jq '.libraries.lib.types.shape.struct |= (.[0].type = "short")' shapes.json >wrong.json
manifest wrong.json "grants: {fs: [{path: $PWD, mode: r}]}"
try 1 seam plugins
says out '/libraries/lib/types/shape: the type is not' '{tag i8@0, ' '{tag i16@0, '

claim "what cannot be a signature says why"
try 1 seam new ffi --lib libc.so.6 --function printf --header stdio.h
says err 'variable number of arguments'
echo 'struct bits { int a : 3; }; int count(struct bits it); int whole(long double it);' >odd.h
try 1 seam new ffi --lib libc.so.6 --function count --header "$PWD/odd.h"
says err 'count takes arg1, which cannot be passed: a is a bit-field'
try 1 seam new ffi --lib libc.so.6 --function whole --header "$PWD/odd.h"
says err 'such as long double'
try 1 seam new ffi --lib libz.so.1 --function no_such --header zlib.h
try 1 seam new ffi --lib libnowhere.so --function f --header stdlib.h
try 2 seam new ffi --lib libz.so.1

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# all.sh [--quick]: the whole test, phase by phase. A phase that fails does not keep the others from
# running; the last line adds up the tests of all. What a phase says is kept in build/test-logs.
#   gcc     every test, warnings are errors; what draws its inputs does so under asan alone
#   asan    clang, without a warning too; under address and undefined every test but the plain ones,
#           which run no code that another does not
#   tidy    clang-tidy over host and plugins
#   tsan    what has threads, under thread   fuzz    readers of foreign bytes, by libFuzzer
# --quick is gcc alone.
#
# While a phase is tested, the next ones are built beside it, at the lowest priority: the tests wait
# for the world more than they work.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
JOBS=$(($(nproc) * 2))
PACE=''
LOGS=$PWD/build/test-logs
PASSED=0 FAILED=0 BROKEN=()
mkdir -p "$LOGS"

# phase NAME WORDS COMMAND…: runs it, its output in a log; says how long it took and, if it failed,
# what the log says.
phase() {
    local name=$1 words=$2 start=$SECONDS code=0
    shift 2
    printf '== %-6s %s\n' "${name%%-*}" "$words"
    "$@" >"$LOGS/$name.log" 2>&1 || code=$?
    if [ "$code" != 0 ]; then
        BROKEN+=("$name")
        tail -n 400 "$LOGS/$name.log"
        printf '   FAILED, exit %d, after %d s; all of it: build/test-logs/%s.log\n' \
            "$code" $((SECONDS - start)) "$name"
        return 1
    fi
    printf '   %d s\n' $((SECONDS - start))
}

# configure_and_build PRESET FOLDER [TARGET…]: --fresh, lest a folder of old has another compiler.
configure_and_build() { $PACE cmake --fresh --preset "$1" && $PACE ninja --quiet -C "$2" "${@:3}"; }

# ahead: builds what comes after gcc, in the order in which it is asked for, and tells how each ended.
ahead() {
    local name code PACE='setpriv --pdeathsig TERM nice -n 19' # it ends with this shell
    for name in asan tsan fuzz; do
        code=0
        configure_and_build "$name" "build-$name" $([ "$name" != fuzz ] || echo harnesses) \
            >"$LOGS/$name.ahead" 2>&1 || code=$?
        echo "$code"
    done
}

# built NAME: waits for the next of them.
built() {
    local code=1
    read -r -u "$AHEAD" code
    cat "$LOGS/$1.ahead"
    return "$code"
}

# builds NAME WORDS COMMAND…: a variant that does not build is a failure by itself.
builds() {
    phase "$1-build" "${@:2}" && return
    FAILED=$((FAILED + 1))
    return 1
}

# tests NAME FOLDER WORDS [CTEST OPTION…]: ctest, its closing lines shown and its counts added up.
tests() {
    local name=$1 folder=$2 words=$3 summary
    shift 3
    phase "$name" "$words" ctest --test-dir "$folder" --output-on-failure -j "$JOBS" \
        --timeout 300 --no-tests=error "$@" && sed -n '/tests passed,/,$p' "$LOGS/$name.log"
    summary=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' \
        "$LOGS/$name.log")
    [ -n "$summary" ] || return 0
    FAILED=$((FAILED + ${summary% *}))
    PASSED=$((PASSED + ${summary#* } - ${summary% *}))
}

# One test of its own, for what ctest does not count.
count() { if "$@"; then PASSED=$((PASSED + 1)); else FAILED=$((FAILED + 1)); fi; }

quick=false
case ${1:-} in
    '') ;;
    --quick) quick=true ;;
    *) echo "usage: ./dev test [--quick]" >&2 && exit 2 ;;
esac

gcc=true
builds gcc "builds without a warning" configure_and_build dev build || gcc=false
if ! $quick; then
    exec {AHEAD}< <(ahead)
    # shellcheck disable=SC2064
    trap "kill $! 2>/dev/null || true" EXIT
fi
if $gcc; then
    # what draws its inputs does so below, under the sanitizers
    tests gcc-test build "every test" $($quick || printf -- '-E ^fuzz/')
fi
if ! $quick; then
    if builds asan "builds by clang without a warning, under address and undefined" built asan; then
        count phase tidy "clang-tidy over host and plugins" tests/tidy/clang_tidy.sh build-asan
        # what reads bytes is driven by libFuzzer below, under the same sanitizers; what is plain runs
        # no code that another test does not
        tests asan-test build-asan "every test" -LE '^(tidy|harness|plain)$'
    fi
    if builds tsan "builds under thread" built tsan; then
        tests tsan-test build-tsan "what has threads" \
            -R '^(unit/(loader|journal|runtime|egress)/|system/|world)' -LE '^(one-thread|plain)$'
    fi
    if builds fuzz "builds for libFuzzer" built fuzz; then
        tests fuzz-test build-fuzz "what reads foreign bytes" -L harness
    fi
fi

[ ${#BROKEN[@]} = 0 ] || echo "failed: ${BROKEN[*]}"
printf '%d s in all\n' "$SECONDS"
echo "$PASSED passed, $FAILED failed"
[ ${#BROKEN[@]} = 0 ] && [ "$FAILED" = 0 ]

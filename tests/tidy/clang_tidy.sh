#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# clang_tidy.sh BUILD: clang-tidy, with the checks of .clang-tidy, over the host and the plugins, as
# BUILD/compile_commands.json compiles them.
set -eu
build=$1
cd "$(dirname "$0")/../.."
find host plugins -name '*.c' | sort |
    xargs -P "$(nproc)" -n 6 clang-tidy -p "$build" --quiet

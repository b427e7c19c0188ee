#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# format.sh TREE: clang-format would change nothing. `./dev format` mends what this finds.
set -eu
cd "$1"
find . \( -name .git -o -path './build*' \) -prune -o -type f -name '*.[ch]' -print | sort |
    xargs clang-format --dry-run -Werror

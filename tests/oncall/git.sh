#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# git log and git show as agents: JSON in on stdin, JSON out on stdout. What fails says why on stderr.
set -eu
export GIT_CONFIG_NOSYSTEM=1
case $1 in
    log)
        commits=$(git log --no-merges -n "$(jq .limit)" --format='%H%x09%cI%x09%s')
        printf '%s' "$commits" | jq -Rn '{commits: [inputs / "\t" |
            {hash: .[0], date: .[1], subject: .[2:] | join(" ") | .[:200]}]}'
        ;;
    show)
        change=$(git show --no-ext-diff --no-textconv --format=%B --stat --patch "$(jq -r .hash)" --)
        printf '%s' "$change" | head -c 6000 | jq -Rs '{change: .}'
        ;;
esac

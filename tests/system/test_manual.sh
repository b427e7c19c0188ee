#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The manual and the completion know what the program knows.
. "$(dirname "$0")/stage.sh"
manual=$SOURCE/host/cli/seam.1
commands=$(seam --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p')

if command -v man >/dev/null; then
    claim "the manual is formatted without a warning"
    MANWIDTH=200 man -l --warnings "$manual" >out 2>err || die "man failed"
    [ ! -s err ] || die "man warns"
    says out 'EXIT STATUS' 'ENVIRONMENT' 'EXAMPLES'
fi

claim "the manual names every command and every option"
for command in $commands; do
    grep -qx ".It Cm $command" "$manual" || die "it does not describe $command"
    for option in $(seam "$command" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
        grep -q -- "Fl -$option" "$manual" || die "it does not name --$option of $command"
    done
done

# complete WORD…: what is offered for the last word.
complete_words() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _seam "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[*]}"
}

claim "completion offers commands, options, statuses and runs"
# shellcheck source=/dev/null
. "$SOURCE/host/cli/seam.bash-completion"
compopt() { :; }
stage "$SINS/echo.so"
one_step act
seam run one.yaml --id first >out 2>&1
seam run one.yaml --id second >out 2>&1
[ "$(complete_words "$SEAM" re)" = "resume replay reload" ] || die "re: $(complete_words "$SEAM" re)"
[ "$(complete_words "$SEAM" run one.yaml --in)" = --input ] || die "--in"
[ "$(complete_words "$SEAM" runs --status w)" = waiting ] || die "--status w"
[ "$(complete_words "$SEAM" show '')" = "second first" ] || die "runs: $(complete_words "$SEAM" show '')"
[ "$(complete_words "$SEAM" explain f)" = first ] || die "explain f"

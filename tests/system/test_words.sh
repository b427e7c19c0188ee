#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The words of the command line: help, suggestions, usage, versions; nothing of it needs a manifest.
. "$(dirname "$0")/stage.sh"

claim "seam alone teaches and is a usage error; --help is none"
try 2 seam
says err 'usage: seam COMMAND'
for form in --help -h help 'help --help'; do
    # shellcheck disable=SC2086
    try 0 seam $form
    says out 'usage: seam COMMAND' 'seam COMMAND --help'
done

claim "every command has help, with its usage, its options and --json"
commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' out)
for command in run check plugins runs show explain answer cancel resume replay verify validate; do
    grep -qx $command <<<"$commands" || die "there is no $command among: $commands"
done
for command in $commands; do
    try 0 seam "$command" --help
    says out "usage: seam $command" 'options:' '--json' '--help' "seam $command"
    cp out long
    try 0 seam help "$command"
    cmp -s out long || die "help $command is not $command --help"
done

claim "exit codes stand in the help of those that have their own"
for command in run check replay verify validate; do
    try 0 seam "$command" --help
    says out 'Exit: 0'
done

claim "--version names the program and the ABI"
try 0 seam --version
grep -Eqx 'seam [0-9]+\.[0-9]+\.[0-9]+ \(plugin ABI 1\.0\)' out || die "it says: $(cat out)"

claim "an unknown command or option is a usage error that suggests the nearest"
try 2 seam rnu
says err 'unknown command `rnu`' 'did you mean run?'
try 2 seam zzzzzz
says err 'unknown command `zzzzzz`' 'seam --help'
lacks err 'did you mean'
try 2 seam run flow.yaml --inptu x
says err 'unknown option `--inptu`' 'did you mean --input?' 'seam run --help'
try 2 seam run -x
says err 'unknown option `-x`'
try 2 seam --json runs
says err 'a command comes first'

claim "operands and values are counted"
try 2 seam run
says err 'usage: seam run FLOW'
try 2 seam run a b
says err '`b` is one too many'
try 2 seam run flow.yaml --id
says err '--id needs ID'
try 2 seam run flow.yaml --quiet=yes
says err '--quiet takes no value'
try 2 seam check "$(printf 'na\377me.yaml')" --json
says err 'an argument is not UTF-8: `na'
try 2 seam answer r s --deny --revision first
says err '--revision first: expected the number'
try 2 seam runs --json=yes
says err '--json takes no value'
try 2 seam resume
says err 'name one RUN, or give --all'
try 2 seam resume a --all
try 2 seam answer r s
says err '--json FILE or --deny'
try 2 seam runs --status sleeping
says err 'running, waiting, done, failed or cancelled'
try 2 seam runs --store postgres://host/db
says err 'expected sqlite:PATH'

claim "without a manifest, the error says where one was looked for and what to do"
for command in "run f.yaml" "check f.yaml" plugins runs "show r" "explain r" "cancel r" \
    "resume r" "replay r" "verify r"; do
    # shellcheck disable=SC2086
    try 2 seam $command
    says err './seam.yaml' "$STATE/.config/seam/seam.yaml" '/etc/seam/seam.yaml' '--manifest'
    # shellcheck disable=SC2086
    try 2 seam $command --json
    holds '.error.code == "not found" and (.error.message | contains("--manifest"))'
done

claim "a manifest is named by the option, then by the environment, then by where one stands"
stage "$PLUGINS/hello.so"
mkdir elsewhere
mv seam.yaml elsewhere/mine.yaml
try 0 env SEAM_MANIFEST=elsewhere/mine.yaml "$SEAM" plugins --json
holds '.[0].plugin == "p" and .[0].status == "ready"'
try 0 seam plugins --manifest elsewhere/mine.yaml --json
try 2 env SEAM_MANIFEST=nowhere.yaml "$SEAM" plugins
says err 'nowhere.yaml' 'SEAM_MANIFEST'

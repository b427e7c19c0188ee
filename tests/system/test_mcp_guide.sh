#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The manifests and commands of plugins/mcp/README.md as a reader has them: a server over HTTP, which
# is scripted, and a program, where the real one is installed (./dev mcp, or ./dev test).

# shellcheck source=SCRIPTDIR/stage.sh
source "$(dirname "$0")/stage.sh"
NODE=$(command -v node) || exit 77
NODE=$(realpath "$NODE")
SERVERS=${SEAM_MCP_SERVERS:-$SOURCE/build/mcp-servers}
guide "$SOURCE/plugins/mcp/README.md"
sed -i "s|/usr/lib/seam/plugins|$PLUGINS|" seam.yaml tracker.yaml

claim "the guide's server over HTTP is called, with the secret"
exec {web}< <(exec setpriv --pdeathsig KILL "$NODE" "$SOURCE/tests/mcp/web.mjs" guarded)
read -r PORT <&"$web" || die "the server did not start"
(umask 077 && echo sesame >tracker)
sed -i "s|/etc/seam/tracker|$STATE/tracker|; s|https://mcp.example.com|http://127.0.0.1:$PORT|
    s|host: mcp.example.com|scheme: http, host: 127.0.0.1, port: $PORT, private: true|
    s|^    config:|&\n      effects: {act: read}|" tracker.yaml
cat >look.yaml <<'END'
flow: look
version: 1.0.0
budget: {attempts: 1, calls: 1, time: 1m}
steps: {act: {agent: tracker/act, input: {}, retry: {max_attempts: 1}}}
output: {as: "${ .steps.act.output.content[0].text }"}
END
try 0 seam run look.yaml --manifest tracker.yaml
holds '. == "known"'
echo other >tracker
try 4 seam run look.yaml --manifest tracker.yaml
says err 'status 401'

[ -f "$SERVERS/ready" ] || { echo "skipped: the guide's program is not installed"; exit 0; }

claim "the guide's program is listed and approved"
mkdir docs
sed -i "s|/srv/mcp|$SERVERS|g; s|/srv/docs|$STATE/docs|g; s|/usr/bin/node|$NODE|g" seam.yaml
sed -i 's/ approve .*/& --yes/' commands # no terminal here asks for a yes
PATH=$BUILD/bin:$PATH try 0 bash -e commands
says out 'files/read_text_file' 'files/write_file' 'approved'

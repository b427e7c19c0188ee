#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A model behind TLS: a certificate that nobody vouches for is refused before anything is sent; one
# that the operator's own authority vouches for is believed, and calls share a connection by HTTP/2.

# shellcheck source=SCRIPTDIR/stage.sh
source "$(dirname "$0")/stage.sh"
command -v node >/dev/null || { echo "skipped: there is no node for the server"; exit 77; }
command -v openssl >/dev/null || { echo "skipped: there is no openssl for its certificate"; exit 77; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out ca.pem -days 2 \
    -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1
exec {server}< <(exec setpriv --pdeathsig KILL node "$SOURCE/tests/system/offers.mjs" key.pem ca.pem)
read -r _ PORT <&"$server" || die "the server did not start"

# manifest [LINE]: with this line more.
manifest() {
    cat >seam.yaml <<YAML
manifest: 1
store: {url: "sqlite:journal.db"}
${1:-}
plugins:
  models:
    path: "$PLUGINS/llm.so"
    config:
      agents:
        - name: sort
          summary: Sorts
          provider: openai-compatible
          base_url: https://127.0.0.1:$PORT/v1
          model: small
          input: {type: object, properties: {n: {type: integer}}, required: [n]}
          output: {type: object, properties: {label: {enum: [bug, wish]}}, required: [label]}
    grants:
      http: [{host: 127.0.0.1, port: $PORT, methods: [POST], reads: ["POST /v1/*"], private: true}]
YAML
}
cat >sort.yaml <<'YAML'
flow: sort
version: 1.0.0
concurrency: 30
input: {schema: {type: object, properties: {of: {type: array, items: {type: integer}, maxItems: 30}}, required: [of]}}
budget: {attempts: 60, calls: 60, tokens: 100000, time: 10m}
steps:
  each:
    agent: models/sort
    for_each: ${ .input.of }
    input: {n: "${ .item }"}
    retry: {max_attempts: 1}
output: {as: "${ .steps.each.output | length }"}
YAML
seen() { curl -sS --cacert ca.pem "https://127.0.0.1:$PORT/_seen" >seen; }

claim "a certificate that nobody vouches for is refused, and nothing was sent"
manifest
try 1 seam run sort.yaml --set of='[1]' --id refused
try 0 seam explain refused
says out 'self-signed certificate' 'no byte of the request was sent'
seen
jq -e '.protocols == {}' seen >/dev/null || die "the server was asked: $(cat seen)"

claim "a file of authorities that cannot be read is said at once"
manifest 'tls: {ca_file: nowhere.pem}'
try 2 seam run sort.yaml --set of='[1]'
says err '/tls/ca_file' 'nowhere.pem' 'cannot be read'

claim "where nothing is sent it is not asked for"
mkdir fixtures
cat >fixtures/sort.yaml <<'YAML'
fixture: 1
cases:
  - case: one
    input: {of: [1]}
    steps: {each: [{output: {label: bug}}]}
    expect: {output: 1}
YAML
try 0 seam test sort.yaml

claim "the operator's own authority is believed, and calls share one connection by HTTP/2"
manifest 'tls: {ca_file: ca.pem}'
seen
before=$(jq .connections seen)
try 0 seam run sort.yaml --set of="$(jq -nc '[range(30)]')"
says out 30
seen
# the one that asks what was seen is the other
jq -e --argjson before "$before" '.protocols == {"2.0": 30} and .connections - $before == 2' seen >/dev/null ||
    die "they were not asked so: $(cat seen)"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Containment from outside: 0 proven, 1 refuted with a witness that `seam validate` confirms, 2 a bad
# schema or file, 5 unknown.
. "$(dirname "$0")/stage.sh"
printf 'type: object\nproperties: {n: {type: integer, minimum: 1}}\nrequired: [n]\n' >narrow.yaml
printf '{"type": "object", "properties": {"n": {"type": "number"}}}' >wide.json

claim "what is narrower is proven"
try 0 seam contract compare narrow.yaml wide.json
says out 'PROVEN'
try 0 seam contract compare narrow.yaml narrow.yaml --json
holds '.verdict == "PROVEN" and .witness == null and (.rule | type) == "string"'

claim "what is wider is refuted, by a value that validation tells apart"
try 1 seam contract compare wide.json narrow.yaml
says out 'REFUTED' 'witness:'
try 1 seam contract compare wide.json narrow.yaml --json
holds '.verdict == "REFUTED" and .rule == "required" and .super == "/required" and .sub == ""'
jq .witness out >witness.json
try 0 seam validate wide.json witness.json
try 1 seam validate narrow.yaml witness.json

claim "what nothing decides is unknown, with the reason"
echo '{"type": "string", "format": "iri"}' >iri.json
echo '{"type": "string", "pattern": "^(?!0)"}' >ahead.json
echo '{"type": "string", "format": "iri", "pattern": "^[a-z]"}' >word.json
try 5 seam contract compare word.json ahead.json --json
holds '.verdict == "UNKNOWN" and .witness == null and (.reason | length) > 0'

claim "formats may only annotate"
echo '{"type": "string"}' >string.json
try 1 seam contract compare string.json iri.json
try 0 seam contract compare string.json iri.json --format-annotation

claim 'a $ref may be to a document of the registry, on either side'
mkdir -p shelf
echo '{"$id": "https://x.example/name", "type": "string", "maxLength": 5}' >shelf/name.json
echo '{"$ref": "https://x.example/name"}' >by-name.json
try 0 seam contract compare by-name.json string.json --registry shelf
try 1 seam contract compare string.json by-name.json --registry shelf
try 2 seam contract compare string.json by-name.json
says err 'https://x.example/name' '--registry DIR'

claim "a bad schema, a bad file or another word is 2"
echo '{"type": "objekt"}' >typo.json
try 2 seam contract compare typo.json wide.json
says err 'typo.json' 'objekt'
try 2 seam contract compare wide.json nowhere.json
says err 'nowhere.json'
try 2 seam contract contrast wide.json wide.json
try 2 seam contract compare wide.json

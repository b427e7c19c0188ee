#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The contract engine by itself: 0 valid, 1 not, 2 a bad schema or file.
. "$(dirname "$0")/stage.sh"
printf 'type: object\nproperties: {n: {type: integer, maximum: 9}, at: {format: date}}\nrequired: [n]\n' >schema.yaml
echo '{"n": 3}' >good.json
printf 'n: 10\nat: tomorrow\n' >bad.yaml

claim "valid is 0"
try 0 seam validate schema.yaml good.json
says out 'good.json: valid'
try 0 seam validate schema.yaml good.json --json
holds '.valid and .errors == []'

claim "invalid is 1, with the place in the file and in the schema"
try 1 seam validate schema.yaml good.json bad.yaml
says out 'good.json: valid' 'bad.yaml:1:4: /n: expected at most 9, found 10' 'bad.yaml:2:5: /at'
try 1 seam validate schema.yaml bad.yaml good.json
try 1 seam validate schema.yaml bad.yaml --json
holds '.valid == false and (.errors | map(.instanceLocation) == ["/n", "/at"])'
try 1 seam validate schema.yaml bad.yaml --format-annotation --json
holds '.errors | map(.instanceLocation) == ["/n"]'

claim "a bad schema or a file that cannot be read is 2"
echo '{"type": "objekt"}' >typo.json
try 2 seam validate typo.json good.json
says err 'typo.json' 'objekt'
try 2 seam validate schema.yaml nowhere.json
says err 'nowhere.json'
try 2 seam validate schema.yaml
says err 'usage'

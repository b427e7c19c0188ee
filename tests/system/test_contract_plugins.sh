#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# May one plugin take the place of another? Real shared objects, each the base with one difference in
# its card, held against each other: 0 yes, 1 no, 5 undecided, 2 not two plugins.
. "$(dirname "$0")/stage.sh"
CC=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$BUILD/CMakeCache.txt")

cat >card.json <<'END'
{
  "card": 1, "id": "org.example.crm", "version": "1.0.0", "summary": "Keeps tickets",
  "abi": {"major": 1, "minor": 0},
  "config": {"type": "object", "properties": {"base": {"type": "string"}}},
  "requests": {"http": [{"host": "api.example.com", "methods": ["GET", "POST"]}], "secrets": ["token"]},
  "agents": [
    {
      "name": "open", "summary": "Opens a ticket", "effect": "write_idempotent",
      "input": {
        "type": "object", "required": ["title"],
        "properties": {"title": {"type": "string", "maxLength": 80}}
      },
      "output": {
        "type": "object", "required": ["id"],
        "properties": {"id": {"type": "string"}, "sure": {"type": "number", "minimum": 0, "maximum": 1}}
      },
      "confidence": "/sure", "ref": "/id", "reconcile": "find", "settle": "30s", "key_ttl": "24h"
    },
    {"name": "find", "summary": "Finds a ticket", "effect": "read", "input": true, "output": true}
  ]
}
END
cat >plugin.c <<'END'
#include <seam/plugin.h>
SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t minor)
{
    (void)minor;
    return 0;
}
END

# plugin NAME FILTER: NAME.so, whose card is the base after this jq filter.
plugin() {
    jq "$2" card.json >"$1.json"
    sh "$SOURCE/plugin-api/cmake/seam-card" "$1.json" "$1.c"
    "$CC" -shared -fPIC -I"$SOURCE/plugin-api/include" -o "$1.so" "$1.c" plugin.c
}

# answer EXIT OLD NEW FILTER: what is printed as JSON is so.
answer() {
    try "$1" seam contract compare "$2.so" "$3.so" --json
    holds "$4"
}

plugin base .

claim "a plugin may take its own place"
try 0 seam contract compare base.so base.so
says out 'PROVEN: org.example.crm 1.0.0 may take the place of' 'open' 'input:' '/agents/0/input'
answer 0 base base '.replaceable == "yes" and ([.checks[] | select(.verdict != "PROVEN")] == [])'

claim "an input that takes more is no hindrance, one that takes less is, with a value"
plugin takes_more '.version = "1.1.0" | .agents[0].input.properties.title.maxLength = 200'
answer 0 base takes_more '.new.version == "1.1.0" and .verdict == "PROVEN"'
answer 1 takes_more base '[.checks[] | select(.verdict == "REFUTED")] | length == 1 and (.[0]
    | .aspect == "input" and .agent == "open" and (.witness.title | length) > 80
      and .new == "/agents/0/input/properties/title/maxLength")'
jq '[.checks[] | select(.verdict == "REFUTED")][0].witness' out >witness.json
jq ".agents[0].input" card.json >input.json
try 1 seam validate input.json witness.json

claim "an output that may be more is refused, one that may be less is not"
plugin gives_more '.agents[0].output.properties.id = {"type": ["string", "null"]}'
answer 1 base gives_more '[.checks[] | select(.verdict == "REFUTED") | .aspect] == ["output"]'
holds '[.checks[] | select(.verdict == "REFUTED")][0].witness.id == null'
answer 0 gives_more base '.replaceable == "yes"'

claim "a wider effect is refused, a narrower one is not"
plugin writes '.agents[0].effect = "write"'
answer 1 base writes '[.checks[] | select(.verdict == "REFUTED") | .aspect] == ["effect"]'
answer 0 writes base '.replaceable == "yes"'
plugin destroys '.agents[0].destructive = true'
answer 1 base destroys '[.checks[] | select(.verdict == "REFUTED") | .aspect] == ["destructive"]'

claim "what is asked of the operator may not grow"
plugin deletes '.requests.http[0].methods += ["DELETE"]'
try 1 seam contract compare base.so deletes.so
says out 'DELETE at https://api.example.com:443' '/requests/http/0/methods/2' 'asked for:'
answer 0 deletes base '.replaceable == "yes"'
plugin roams '.requests.http += [{"host": "*", "methods": ["GET"]}]'
answer 1 base roams '[.checks[] | select(.verdict == "REFUTED") | .aspect] == ["requests.http"]'
plugin spies '.requests.secrets += ["root"] | .requests.exec = ["/bin/sh"]'
answer 1 base spies '[.checks[] | select(.verdict == "REFUTED") | .aspect]
    == ["requests.secrets", "requests.exec", "brokered"]'

claim "an agent that is gone is refused, a new one is only told"
plugin less 'del(.agents[1]) | del(.agents[0].reconcile)'
try 1 seam contract compare base.so less.so
says out 'agent "find" is gone' 'a person'
answer 0 less base '.replaceable == "yes" and ([.checks[] | select(.note)] | length == 1)'

claim "what recovery stands on may not be lost"
plugin unsure '.agents[0].confidence = "/certainty"'
answer 1 base unsure '[.checks[] | select(.verdict == "REFUTED") | .aspect] == ["confidence"]'
plugin slow '.agents[0].settle = "5m" | .agents[0].key_ttl = "1h"'
answer 1 base slow '[.checks[] | select(.verdict == "REFUTED") | .aspect] == ["settle", "key_ttl"]'
answer 0 slow base '.replaceable == "yes"'

claim "a configuration that the old took must still be taken"
plugin demanding '.config.required = ["base"]'
answer 1 base demanding '[.checks[] | select(.verdict == "REFUTED") | .aspect] == ["config"]'

claim "what no engine decides is undecided, and exits 5"
plugin words '.agents[0].input.properties.title = {"type": "string", "format": "iri", "pattern": "^[a-z]"}'
plugin ahead '.agents[0].input.properties.title = {"type": "string", "pattern": "^(?!0)"}'
answer 5 words ahead '.replaceable == "undecided"
    and ([.checks[] | select(.verdict == "UNKNOWN") | .aspect] == ["input"])'
plugin confident 'del(.agents[0].confidence)'
answer 5 confident base '[.checks[] | select(.verdict == "UNKNOWN") | .aspect] == ["confidence"]'

claim "another plugin is no successor, whatever it can do"
plugin other '.id = "org.example.desk"'
try 1 seam contract compare base.so other.so
says out 'org.example.desk' 'by its id'

claim "it is the bytes that say what a plugin is, and not the name"
cp base.so base.txt
try 0 seam contract compare base.txt base.so
echo true >schema.so
try 0 seam contract compare schema.so schema.so
says out 'PROVEN'

claim "two files that are not two plugins are refused, with a way on"
try 2 seam contract compare base.so input.json
says err 'base.so is a shared object and input.json is not' 'seam plugins inspect base.so'
try 2 seam contract compare base.so nowhere.so
says err 'cannot open nowhere.so: No such file'
try 2 seam contract compare base.so "$SINS/no_card.so"
says err 'no_card.so'
head -c 100 base.so >half.so
try 2 seam contract compare half.so base.so
says err 'half.so'

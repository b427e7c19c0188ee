#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A step that a person answers: on a terminal by a form, else by JSON.
. "$(dirname "$0")/stage.sh"
cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:journal.db"}
plugins:
  p:
    path: $PLUGINS/human.so
    config:
      agents:
        - name: approve
          summary: Approves
          question: "Shall \${ .amount } go to \${ .who.name }, \${ .gone }\${"
          input: {}
          output:
            type: object
            properties:
              approved: {type: boolean, description: Shall it go}
              account: {enum: [current, savings], default: current}
              times: {type: integer, minimum: 1, maximum: 3}
              note: {type: string}
              tags: {type: array, items: {type: string}}
              to: {type: object, properties: {city: {type: string}}, required: [city]}
              at: {type: object, properties: {x: {type: number}, y: {type: number}}, required: [x, y]}
              when: {type: string, format: date}
              how: {oneOf: [{const: a, title: By air}, {const: s, title: By sea}]}
              sure: {\$ref: "#/\$defs/sure"}
            required: [approved, account, times, to]
            additionalProperties: false
            \$defs: {sure: {type: boolean}}
escalation: {ops: {}}
END
one_step approve
echo '{"amount": 12.5, "who": {"name": "Ada"}}' >in.json

# asks ID: a run that waits for its answer.
asks() {
    try 3 seam run one.yaml --input in.json --id "$1"
    says err 'asks: ' 'Shall 12.5 go to Ada, ${'
}

# types LINES COMMAND: at a terminal, with these lines typed.
types() { printf '%b' "$1" | script -qec "$2" /dev/null; }

claim "the question is filled from the input, and an answer in JSON is the output"
asks r1
echo '{"approved": true, "account": "savings", "times": 2, "to": {"city": "Ulm"}}' >answer.json
try 0 seam answer r1 --json answer.json
try 0 seam resume r1
holds '.account == "savings" and .to.city == "Ulm"'

claim "a form asks field by field, says at once what is wrong, and takes defaults"
asks r2
try 0 types 'maybe\nyes\n\n7\nthree\n3\n\nred\nblue\n\nParis\n1\n\n2\n3\ntoday\n\n2\nperhaps\ny\n' "$SEAM answer r2"
says out 'Shall 12.5 go to Ada' 'approved - Shall it go (boolean)' 'expected yes or no' \
    'account (one of these, else "current")' '2  "savings"' 'at most 3' 'note (string, may be left out)' \
    'tags/1' 'to/city'
[ "$(grep -c 'approved - ' out)" = 1 ] || die "all of it is asked for again"
says out 'expected the property "y"' 'at once more:' 'when (string, date, may be left out)' \
    '2  "s"  By sea' 'sure (boolean, may be left out)'
try 0 seam resume r2
holds '. == {"approved": true, "account": "current", "times": 3, "tags": ["red", "blue"], "to": {"city": "Paris"},
    "at": {"x": 2, "y": 3}, "how": "s", "sure": true}'

claim "what is left in the middle leaves nothing"
asks r3
try 2 types 'yes\n\004' "$SEAM answer r3"
says out 'nothing was answered'
try 0 seam show r3 --json
holds '.status == "waiting"'
try 0 seam answer r3 act --deny
try 1 seam resume r3

claim "without a terminal an answer must be given"
try 2 seam answer r3
says err 'give --json FILE or --deny'

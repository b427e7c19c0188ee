#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# HTTP services as agents, by OpenAPI documents of three manners, against a server that speaks them;
# and what a hostile server is answered with.
. "$(dirname "$0")/stage.sh"
command -v node >/dev/null || exit 77
DOCUMENTS=$SOURCE/tests/system/http

exec {server}< <(exec setpriv --pdeathsig KILL node "$DOCUMENTS/server.mjs")
read -r PORT <&"$server" || die "the server did not start"
for document in "$DOCUMENTS"/*.yaml "$DOCUMENTS"/*.json; do
    sed "s/@PORT@/$PORT/" "$document" >"$(basename "$document")"
done
echo hush-hush-key >key.txt
chmod 600 key.txt

# manifest CONFIG [DOCUMENT]: a host with this configuration of the plugin, both files, as `s`.
manifest() {
    cat >seam.yaml <<END
manifest: 1
store: {url: "sqlite:runs.db"}
secrets: {key: {file: $STATE/key.txt}}
plugins:
  s:
    path: $PLUGINS/http.so
    config_file: $1
    grants:
      http:
        - {scheme: http, host: 127.0.0.1, port: $PORT, methods: [GET, POST, PUT, DELETE],
           reads: ["POST /search"], refusals: [400, 404, 422], private: true}
      secrets: [{name: key, hosts: ["127.0.0.1:$PORT"]}]
    ${2:+config_files: {openapi/document: $2\}}
escalation: {ops: {}}
END
}

# call AGENT INPUT [EXIT]: a run of one step; its output is printed.
call() {
    cat >call.yaml <<END
flow: call
version: 1.0.0
budget: {attempts: 3, calls: 9, time: 10m, recovery: {calls: 5}}
steps:
  act: {agent: s/$1, input: $2, retry: {max_attempts: 1}, timeout: {start_to_close: 2s, schedule_to_close: 30s}}
output: {as: "\${ .steps.act.output }"}
escalation: {to: ops, deadline: 1h}
END
    try "${3:-0}" seam run call.yaml
}
arrived_last() { curl -sS "http://127.0.0.1:$PORT/_log" | jq -e ".[-1] | $1" >/dev/null || die "did not arrive: $1"; }

claim "a document of 3.0 in YAML, its own words and all"
echo "openapi: {tags: [pets], operations: [replacePet, delete_pets_petId]}" >c.yaml
manifest c.yaml pets.yaml
try 0 seam plugins inspect s --manifest seam.yaml
holds '.agents | map(.name) == ["listPets", "createPet", "show_pet_by_id", "replacePet", "delete_pets_petId"]'
holds '.agents | map(.effect) == ["read", "write", "read", "write_idempotent", "write_idempotent"]'
holds '.agents[1] | .input["$defs"].Pet.required == ["name"] and .output["$defs"].Pet.required == ["id", "name"]'
holds '.agents[0].input.properties.page | .exclusiveMinimum == 0 and (has("minimum") | not)'
call listPets '{tags: [a b, c], page: 2, X-Trace: t1}'
holds '.[0].name == "?tags=a%20b,c&page=2"'
arrived_last '.headers["x-trace"] == "t1"'
call createPet '{body: {name: Rex, owner: null}}'
holds '.id == 7'
arrived_last '.headers["idempotency-key"] | length > 10'
call show_pet_by_id '{petId: "a?b=c&d e"}'
holds '.name == "a?b=c&d e"'
call replacePet '{petId: "2", body: {name: Max}}'
holds '. == null'
call delete_pets_petId '{petId: "2"}'
call show_pet_by_id '{petId: ".."}' 1
says err 'as a segment of the path is refused'

call delete_pets_petId '{petId: ""}' 1
says err 'an input that stands in the path is empty'

claim "a part of an answer, or a header, is the output, with the contract of that"
echo "openapi: {operations: [createPet, listPets], agents: {createPet: {take: /id}, listPets: {take_header: Content-Type}}}" >c.yaml
manifest c.yaml pets.yaml
try 0 seam plugins inspect s --manifest seam.yaml
holds '.agents | map(.output.type) == ["string", "integer"]'
call createPet '{body: {name: Rex, owner: null}}'
holds '. == 7'
call listPets '{}'
holds '. == "application/json"'

claim "a document of 3.1: pages by Link, a bearer, a POST that is a read, a reconcile"
cat >c.yaml <<END
url: http://127.0.0.1:$PORT
auth: {secret: key}
openapi:
  agents:
    issues_list-for-repo: {name: list, pages: {by: link}}
    issues/create:
      reconcile: {path: "/repos/{/input/owner}/{/input/repo}/issues", query: {key: "{key}"}, settle: 50ms, ref: /number,
                  where: {/marker: "{key}"}}
END
manifest c.yaml issues.yaml
call list '{owner: o, repo: r, filter: {state: open}}'
holds '.more == false and (.items | map(.number)) == [1, 2, 3]'
curl -sS "http://127.0.0.1:$PORT/_log" >arrived.json
jq -e 'any(.url == "/repos/o/r/issues?filter%5Bstate%5D=open") and (.[-3:] | all(.headers.authorization == "Bearer hush-hush-key"))' \
    arrived.json >/dev/null || die "filter or bearer"
call search '{body: {q: x}}'
arrived_last '.headers | has("idempotency-key") | not'
call issues_create '{owner: o, repo: r, body: {title: drop}}'
holds '.title == "drop"'
[ "$(curl -sS "http://127.0.0.1:$PORT/_log" | jq '[.[] | select(.body == "{\"title\":\"drop\"}")] | length')" = 1 ] ||
    die "it was sent twice"
if sqlite3 runs.db .dump | grep -q hush-hush; then die "the secret is in the journal"; fi

claim "a password is put behind its user by the host alone"
sed -i 's/^auth: .*/auth: {type: basic, user: ann, secret: key}/' c.yaml
manifest c.yaml issues.yaml
call search '{body: {q: x}}'
arrived_last ".headers.authorization == \"Basic $(printf ann:hush-hush-key | base64)\""

claim "a document in JSON: forms with values in values, a key in a header"
cat >c.yaml <<END
url: http://127.0.0.1:$PORT
auth: {secret: key}
openapi: {}
END
manifest c.yaml payments.json
call PostCharges '{body: {amount: 5, currency: "e&u", metadata: {a: b c}, expand: [x, y]}}'
holds '.got | split("&") | sort == ["amount=5", "currency=e%26u", "expand%5B0%5D=x", "expand%5B1%5D=y", "metadata%5Ba%5D=b%20c"]'
arrived_last '.headers["x-api-key"] == "hush-hush-key" and (.headers["content-type"] | startswith("application/x-www-form"))'
call GetCharge '{charge: ch_2, expand: [customer]}'
holds '.got == "/charges/ch_2?expand%5B0%5D=customer"'

claim "a hostile server costs a failure with its reason, and no more"
{
    printf 'url: http://127.0.0.1:%s/sin\ntimeout: 300ms\n' "$PORT"
    echo 'agents:'
    for sin in redirect huge loris garbage bytes text elsewhere ring spent refuse; do
        echo "  - {name: $sin, method: GET, path: /$sin$([ $sin != elsewhere ] || echo ', pages: {by: link}')$(
            [ $sin != ring ] || echo ', pages: {by: cursor, items: /items, next: /next, param: at}')}"
    done
    echo '  - {name: write, method: POST, path: /redirect, effect: write}'
} >c.yaml
manifest c.yaml
call redirect '{}' 1
says err 'leads to http://127.0.0.2' 'redirects are not followed'
call huge '{}' 1
call loris '{}' 1
call garbage '{}' 1
says err 'the answer to GET /garbage is no JSON'
call bytes '{}'
holds '.base64 == "AP8B"'
call text '{}'
holds '. == "plain"'
call elsewhere '{}' 1
says err 'is not this service'
call ring '{}' 1
says err 'the one after itself'
call refuse '{}' 1
says err 'no  such thing'
call write '{}' 3

claim "where it may go is the manifest's to say, and private only if it says so"
sed -i 's/, private: true//' seam.yaml
call text '{}' 1
says err 'private'
sed -i "s/port: $PORT/port: 1/" seam.yaml
call text '{}' 1
says err 'is not granted'

claim "a document that cannot be had says why"
wrong() { # WORDS CONFIG [DOCUMENT]
    echo "$2" >c.yaml
    manifest c.yaml "${3:-}"
    try 1 seam plugins
    says out "$1"
}
wrong 'the document has no operation "nobody"' 'openapi: {operations: [nobody]}' pets.yaml
wrong 'neither JSON, a form nor text' 'openapi: {operations: [uploadPhoto]}' pets.yaml
sed 's|^\( *\)operationId: listPets|\1servers: [{url: "https://elsewhere.example"}]\n&|' "$DOCUMENTS/pets.yaml" >far.yaml
wrong 'servers of its own' 'openapi: {operations: [listPets]}' far.yaml
wrong 'found Swagger 2.0' 'openapi: {document: {swagger: "2.0"}}'
sed -i 's|"#/components/schemas/Pets"|"http://127.0.0.1/pets.json"|' pets.yaml
wrong 'only what stands in this document is read' 'openapi: {operations: [listPets]}' pets.yaml
sed 's|operationId: createPet|operationId: listPets|' "$DOCUMENTS/pets.yaml" >twice.yaml
wrong 'there is another agent `listPets`' 'openapi: {}' twice.yaml
manifest c.yaml none.yaml
try 2 seam plugins
says err 'config_files of plugin `s`'

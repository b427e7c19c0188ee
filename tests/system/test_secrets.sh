#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Secrets: they arrive where they may, and nowhere else can they be seen.

# shellcheck source=SCRIPTDIR/stage.sh
source "$(dirname "$0")/stage.sh"

TOKEN='tok/en+"with%41 all\kinds&of=things'
exec {parrot}< <(exec setpriv --pdeathsig KILL "$BUILD/bin/parrot" heard)
read -r PORT <&"$parrot" || die "the parrot did not start"
URL=http://127.0.0.1:$PORT
printf '%s\n' "$TOKEN" >token
chmod 600 token

# manifest GRANT [ISOLATION]: of the plugin that does as told.
manifest() {
    cat >seam.yaml <<YAML
manifest: 1
store: {url: "sqlite:journal.db"}
secrets: {token: {file: token}, password: {env: SEAM_TEST_PASSWORD}, unplaced: {file: nowhere}}
plugins:
  p:
    path: "$SINS/does_as_told.so"
    isolation: ${2:-worker}
    grants:
      http: [{scheme: http, host: 127.0.0.1, port: $PORT, methods: [GET, POST], private: true}]
      secrets: $1
YAML
}

# ask EXIT AGENT OPS…: one run in a journal of its own; its output in out, all that it said in err.
ask() {
    local expected=$1 agent=$2
    shift 2
    one_step "$agent"
    jq -nc "$1" >ops.json
    rm -f journal.db*
    try "$expected" seam run one.yaml --input ops.json --id r --json
    try 0 seam show r --json && cp out shown
    try 0 seam explain r --json && cp out explained
    try 0 seam resume --all --json 
    sqlite3 journal.db .dump >dump
}

# unseen: in no spelling is the token in what the run left behind.
unseen() {
    local file
    for file in dump shown explained err; do
        lacks "$file" "$TOKEN" "with%41" "dG9rL2Vu" "746f6b2f656e" "%74%6F%6B" '\u0074\u006f'
    done
}

USE='{op: "secret.use/1", body: {name: "token"}}'

claim "a header carries the secret, and whoever echoes it is not believed"
manifest '[token]'
ask 0 look "{ops: [$USE, {op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/a\", headers: {\"X-Say\": \"@@\"}}}]}"
says heard "X-Say: $TOKEN"
says shown '[secret token]'
unseen
[ "$(sqlite3 journal.db .dump | grep -o '\[secret token\]' | wc -l)" -ge 18 ] || die "too few were hidden"

claim "in JSON, a form, a query and base64 it stands as each writes it"
: >heard
ask 0 look "{ops: [$USE, {op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/q?t=@@&u=1\"}}]}"
says heard 'GET /q?t=tok%2Fen%2B%22with%2541%20all%5Ckinds%26of%3Dthings&u=1 HTTP'
unseen
ask 0 make "{ops: [$USE, {op: \"http.send/1\", body: {method: \"POST\", url: \"$URL/j\", json: {t: \"@@\"}}}]}"
says heard '{"t":"tok/en+\"with%41 all\\kinds&of=things"}'
unseen
ask 0 make "{ops: [$USE, {op: \"http.send/1\", body: {method: \"POST\", url: \"$URL/f\", body: \"a=1&t=@@\", headers: {\"Content-Type\": \"application/x-www-form-urlencoded\"}}}]}"
says heard 'a=1&t=tok%2Fen%2B%22with%2541%20all%5Ckinds%26of%3Dthings'
unseen
ask 0 make "{ops: [$USE, {op: \"http.send/1\", body: {method: \"POST\", url: \"$URL/t/@@\", body: \"@@\"}}]}"
says shown "%2F in the path is refused"
unseen
unseen

claim "what is recorded names the secret"
ask 0 make "{ops: [$USE, {op: \"http.send/1\", body: {method: \"POST\", url: \"$URL/n?t=@@\", json: {t: \"@@\"}}}]}"
# shellcheck disable=SC2016
says dump '${secret:token}'
grep -F '${secret:token}' dump >line && lacks line seam-secret-
unseen

claim "a retry sends the same request, though its placeholder is another"
: >heard
ask 0 make "{die: true, ops: [$USE, {op: \"http.send/1\", body: {method: \"POST\", url: \"$URL/r\", json: {t: \"@@\"}}}]}" || true
[ "$(grep -c '^POST /r ' heard)" = 1 ] || die "it left more than once"
lacks dump conflict

claim "an answer that says it is compressed is withheld; one that leads away leads nowhere"
ask 0 look "{ops: [$USE, {op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/zip\", headers: {\"X-Say\": \"@@\", \"Accept-Encoding\": \"gzip\"}}}]}"
says shown 'cannot be searched'
unseen
tail -n 20 heard >last && lacks last 'Accept-Encoding: gzip'
ask 0 look "{ops: [$USE, {op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/away\", headers: {\"X-Say\": \"@@\"}}}]}"
unseen
ask 0 look "{ops: [$USE, {op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/cut\", headers: {\"X-Say\": \"@@\"}}}]}"
unseen

claim "only hosts that the grant names, only those secrets that card and grant name, only in this call"
manifest '[{name: token, hosts: ["api.example.com"]}]'
: >heard
ask 0 look "{ops: [$USE, {op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/a\", headers: {\"X-Say\": \"@@\"}}}]}"
says shown 'may not go to 127.0.0.1'
[ ! -s heard ] || die "something was sent"
manifest "[{name: token, hosts: [\"127.0.0.1:$PORT\"]}]"
ask 0 look "{ops: [$USE, {op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/a\", headers: {\"X-Say\": \"@@\"}}}]}"
says heard "$TOKEN"
manifest '[]'
ask 0 look "{ops: [$USE]}"
says shown 'is not granted: plugins.p.grants.secrets'
manifest '[token, password]'
ask 0 look '{ops: [{op: "secret.use/1", body: {name: "other"}}]}'
says shown 'does not ask for the secret'
ask 0 think "{ops: [$USE]}"
says shown 'declared `pure`'
ask 0 look "{ops: [{op: \"http.send/1\", body: {method: \"GET\", url: \"$URL/a\", headers: {\"X-Say\": \"seam-secret-0123456789abcdef0123456789abcdef\"}}}]}"
says shown 'not of this call'

claim "where it stands is checked, and no complaint has it"
ask 0 look '{ops: [{op: "secret.use/1", body: {name: "password"}}]}'
says shown 'SEAM_TEST_PASSWORD is not set'
chmod 644 token
ask 0 look "{ops: [$USE]}"
says shown 'chmod 600'
unseen
chmod 600 token
printf 'abc' >token
ask 0 look "{ops: [$USE]}"
says shown 'has 3 bytes'
printf '%s' "$TOKEN" >token
manifest '[unplaced]'
ask 0 look '{ops: [{op: "secret.use/1", body: {name: "unplaced"}}]}'
says shown 'cannot open'

claim "what a plugin says of itself is searched, too"
manifest '[password]'
export SEAM_TEST_PASSWORD=correct-horse
ask 0 look '{say: "correct-horse", ops: [{op: "secret.use/1", body: {name: "password"}}]}'
says shown '[secret password]'
lacks err correct-horse
lacks dump '[correct-horse'

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A server to ask, for the tests of `seam serve`; to be sourced after stage.sh.

KNOCK=$BUILD/bin/knock
SERVER=''

# serve ARGUMENT…: starts it at a free port of loopback and waits until it is ready; AT is where.
serve() { serve_at --listen 127.0.0.1:0 "$@"; }

serve_at() {
    local line
    exec {told}< <(exec setpriv --pdeathsig KILL "$SEAM" serve --json "$@" 2>server.err)
    SERVER=$!
    read -r line <&"$told" || { wait "$SERVER" || true; cat server.err; die "the server did not start"; }
    AT=$(jq -r .listen <<<"$line")
    NOTE=$(jq -r .note <<<"$line")
    WEB=${AT##*:}
}

# stop [SIGNAL]: ends it; its exit code in GONE.
stop() {
    kill "-${1:-TERM}" "$SERVER"
    GONE=0
    wait "$SERVER" || GONE=$?
    exec {told}<&-
}

# ask STATUS METHOD PATH [CURL…]: the body in out, the head in head; held to the description of it.
ask() {
    local expected=$1 method=$2 path=$3 status
    shift 3
    status=$(curl -sS -m 30 -X "$method" -o out -D head -w '%{http_code}' "$AT$path" "$@") ||
        die "$method $path: curl failed"
    [ "$status" = "$expected" ] || die "$method $path: $status, not $expected"
    described "$method" "$path" "$status"
}

# post STATUS PATH JSON [CURL…]
post() {
    local expected=$1 path=$2 body=$3
    shift 3
    ask "$expected" POST "$path" -H 'Content-Type: application/json' --data-binary "$body" "$@"
}

# described METHOD PATH STATUS: the answer in out is what schemas/openapi.json says it is.
described() {
    local method=${1,,} path=${2%%\?*} status=$3 type
    type=$(sed -n 's/^[Cc]ontent-[Tt]ype: *\([^;]*\).*/\1/p' head | tr -d '\r' | tail -n 1)
    path=$(sed -E 's|^(/v1/runs)/[^/]+|\1/{id}|' <<<"$path")
    jq --arg path "$path" --arg method "$method" --arg status "$status" --arg type "$type" '
        . as $all
        | (if $type == "application/problem+json" then .components.responses.Problem
           else .paths[$path][$method].responses[$status] end)
        | .content[$type].schema
        | if . == null then "none" else {"$defs": {}, allOf: [.], components: $all.components} end' \
        "$SOURCE/schemas/openapi.json" >described.json
    [ "$(cat described.json)" != '"none"' ] || die "nothing describes $method $path $status $type"
    case $type in
        *json) seam validate described.json out >valid 2>&1 ||
            { cat valid; die "$method $path $status is not as it is described"; } ;;
    esac
}

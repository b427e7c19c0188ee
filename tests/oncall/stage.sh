# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What it takes to play the on-call story, to be sourced: the shop in trouble, a model that says what
# it is told, a tracker that keeps its own account, and this folder's files with their paths and ports.
# What it starts ends with it.
#
# Wants BUILD (the build folder), STATE (an empty folder), SERVERS (with the MCP servers of npm) and
# NODE (the program). SEAM_MODEL_URL may name a server with a real model, as http://127.0.0.1:18080/v1.

ONCALL=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SEAM=$BUILD/bin/seam

# raise_tracker KNOB…: its port in TRACKER, its ledger in ledger.db.
raise_tracker() {
    local line world
    exec {world}< <(exec setpriv --pdeathsig KILL "$BUILD/bin/world" --ledger "$STATE/ledger.db" "$@")
    read -r line <&"$world" || { echo "the tracker did not start" >&2; exit 1; }
    TRACKER=http://127.0.0.1:${line##*:}
}

# raise_model: its address in MODEL.
raise_model() {
    local line model
    if [ -n "${SEAM_MODEL_URL:-}" ]; then
        MODEL=${SEAM_MODEL_URL%/v1}
        return
    fi
    exec {model}< <(exec setpriv --pdeathsig KILL "$NODE" "$ONCALL/../system/model.mjs")
    read -r _ line <&"$model" || { echo "the model did not start" >&2; exit 1; }
    MODEL=http://127.0.0.1:$line
}

tracker() { curl -sS -H 'Authorization: Bearer t' "$TRACKER$1" "${@:2}"; }
knob() { tracker /_knobs -o "$STATE/knobs" -d "$1"; }
ledger() { sqlite3 -readonly -cmd '.timeout 10000' "$STATE/ledger.db" "$1"; }

# the_model_says JQ…: its answers to come, written with the words below; the last of them for ever.
the_model_says() {
    jq -nc --arg suspect "$SUSPECT" '
        def used: {usage: {prompt_tokens: 900, completion_tokens: 60}};
        def says(what): {json: ({choices: [{message: {content: (what | tojson)},
            finish_reason: "stop"}]} + used)};
        def calls(name; what): {json: ({choices: [{message: {content: null, tool_calls: [{id: "c",
            type: "function", function: {name: name, arguments: (what | tojson)}}]},
            finish_reason: "tool_calls"}]} + used)};
        def looks: calls("git_show"; {hash: $suspect});
        def deletes: calls("tracker_delete"; {issue: 1});
        def sorts(error): says({severity: "high", component: "payment", error: error, suspect: $suspect});
        def drafts: says({title: "Payments time out after 5 ms", body: ("Since the timeout is said "
            + "in seconds, the gateway takes 5 for milliseconds: each charge ends with PaymentTimeout.")});
        def stalls: {stall: true};
        ['"$(IFS=, && echo "$*")"']' | curl -sS -o "$STATE/said" "$MODEL/_script" -d @-
}
# The questions that it was asked since then.
model_saw() { curl -sS "$MODEL/_seen" | tee "$STATE/seen"; }

# open_oncall KNOB…: all of it, in STATE; SUSPECT is the commit that did it.
open_oncall() {
    mkdir -p "$STATE"
    "$ONCALL/make-shop.sh" "$STATE/shop" "$STATE/logs"
    SUSPECT=$(git -C "$STATE/shop" log --format=%H --grep 'in seconds')
    raise_tracker "$@"
    raise_model
    echo "tok_tracker_5Yc2" >"$STATE/tracker.token"
    chmod 600 "$STATE/tracker.token"
    jq -n --arg log "$STATE/logs/shop.log" '{service: "shop", log: $log}' >"$STATE/alert.json.in"
    cp "$ONCALL"/*.yaml "$ONCALL/alert.json" "$ONCALL/git.sh" "$STATE"
    sed -i -e "s|/usr/lib/seam/plugins|$BUILD/plugins|; s|/usr/bin/node|$NODE|; s|/srv/mcp|$SERVERS|" \
        -e "s|/opt/on-call|$STATE|; s|/srv/shop|$STATE/shop|; s|/var/log/shop|$STATE/logs|" \
        -e "s|/etc/seam/tracker.token|$STATE/tracker.token|" \
        -e "s|http://127.0.0.1:18080|$MODEL|; s|18080|${MODEL##*:}|" \
        -e "s|http://127.0.0.1:8700|$TRACKER|; s|8700|${TRACKER##*:}|" "$STATE"/*.yaml
    export SEAM_MANIFEST=$STATE/seam.yaml
}

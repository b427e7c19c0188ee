#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# "Wrap your model in ten minutes" as a reader does it: the files and commands of plugins/llm/README.md.
# SEAM_MODEL_URL names an OpenAI-compatible server with a real model (http://127.0.0.1:18080/v1); then
# that one answers, streams and keeps to a schema. Else a scripted one does, and the rest is skipped.

# shellcheck source=SCRIPTDIR/stage.sh
source "$(dirname "$0")/stage.sh"

if [ -z "${SEAM_MODEL_URL:-}" ]; then
    command -v node >/dev/null || { echo "skipped: there is neither a SEAM_MODEL_URL nor node"; exit 77; }
    exec {model}< <(exec setpriv --pdeathsig KILL node "$SOURCE/tests/system/model.mjs")
    read -r _ PORT <&"$model" || die "the scripted model did not start"
    curl -sS -X POST "http://127.0.0.1:$PORT/_script" -d '[{"json": {"choices": [
        {"message": {"content": "{\"label\": \"bug\"}"}, "finish_reason": "stop"}]}}]'
else
    PORT=$(sed 's|.*:\([0-9]*\)/.*|\1|' <<<"$SEAM_MODEL_URL")
fi

claim "the guide's files and commands do what it says"
guide "$SOURCE/plugins/llm/README.md"
sed -i "s|127.0.0.1:18080|127.0.0.1:$PORT|" models.yaml
sed -i "s|port: 18080|port: $PORT|; s|/usr/lib/seam/plugins|$PLUGINS|" seam.yaml
PATH=$BUILD/bin:$PATH try 0 bash -e commands
says out 'models/classify' 'ready'
tail -n 1 out | jq -e '.label == "bug" or .label == "wish"' >/dev/null || die "the label"

[ -n "${SEAM_MODEL_URL:-}" ] || { echo "skipped: no SEAM_MODEL_URL names a server with a real model"; exit 0; }

claim "a real model streams, is counted, and keeps to a schema at any temperature"
sed -i 's/temperature: 0, max_tokens: 200/temperature: 0.9, max_tokens: 200/; s/^defaults:/defaults:\n  stream: true/' models.yaml
echo '{"report": "It crashes when I save"}' >input.json
for seed in 1 2 3; do
    sed -i "s/parameters: {.*temp/parameters: {seed: $seed, temp/" models.yaml
    try 0 seam run triage.yaml --input input.json --id "r$seed" --store sqlite:runs.db
    holds '.label == "bug" or .label == "wish"'
    try 0 seam show "r$seed" --store sqlite:runs.db --json
    holds '[.. | objects | .tokens? | numbers] | max > 10'
done

claim "an answer that is too long for its limit says so"
sed -i 's/max_tokens: 200/max_tokens: 5/; s/stream: true/&\n  structured: instruct/' models.yaml
try 1 seam run triage.yaml --input input.json --store sqlite:runs.db
says err 'reached max_tokens'
